-- ServiceNow, Table API: incidents, work notes and comments. Rows only; no product is named in C.
--
-- Facts come from the vendor's public documentation and from clients that are in use (Table API methods,
-- flat JSON of strings, reference links left out by sysparm_exclude_reference_link, sys_mod_count rising by
-- one with each update, journal rows in sys_journal_field, correlation_id as a free text field, rate limit
-- headers X-RateLimit-Limit and X-RateLimit-Reset in Unix seconds, Retry-After with a 429, error bodies
-- {"error":{"message","detail"}} or {"error":"text"}).
--
-- Verify on a live instance (not documented, seen in clients only, or decided by the instance's settings):
--   * GET /api/now/ui/user/current_user gives result.user_name (used by many public clients; no reference page);
--   * GlideCertificateEncryption.generateMac takes the key in base64 and returns the MAC in base64;
--   * priority is computed from impact and urgency by the usual matrix: where it is not, change the rows of
--     severity (path /priority, write_path /impact and /urgency) of your system;
--   * On Hold may ask for hold_reason, Resolved and Closed for close_code and close_notes: map
--     resolution_code to /close_code and resolution_notes to /close_notes, or give them in the data policy;
--   * sys_tags in a record is a list of labels separated by commas, readable only;
--   * a work note raises sys_mod_count of its record.

INSERT INTO syncore.connector (name, title, version, position_grade, settings, abilities, credential_kinds, webhook,
	error_paths, rate_headers, setup, scopes, shipped)
VALUES ('servicenow', 'ServiceNow', 'Table API', 'counter',
	'{}',
	'{"marker": true, "marker_in_webhook": true, "index_lag_ms": 0, "late_landing_ms": 30000, "delete_event": true,
	  "transitions": false, "channels": {"incident": {"work_notes": "internal", "comments": "public"}}}',
	'{basic,bearer,oauth2_client,oauth2_refresh,header}',
	'{"kind": "hmac_sha256", "header": "x-syncore-signature", "prefix": "sha256=", "encoding": "hex",
	  "timestamp_header": "x-syncore-timestamp", "signed": "{timestamp}.{body}", "tolerance_s": 300}',
	'{"message": ["/error/message", "/error"], "detail": ["/error/detail"]}',
	'{"limit": "x-ratelimit-limit", "reset": "x-ratelimit-reset"}',
	$setup$ServiceNow has no webhooks of its own: a business rule sends them.

1. System Properties > New: name "syncore.webhook.secret", type "password2", value: the secret of this system's
   webhook credential (the content of its file in syncore.secret_directory).
2. System Definition > Business Rules > New: name "syncore", table Incident [incident], Advanced on,
   When "async", Insert, Update and Delete on, Order 1000. Condition (so that our own writes stay at home; leave it
   empty while you test):  gs.getUserName() != '<the integration user>'
3. Script:

(function executeRule(current, previous) {
    var url = '{webhook_url}';
    // fields of your field_map; add your own u_ fields here
    var watched = ['short_description', 'description', 'state', 'priority', 'impact', 'urgency',
                   'assigned_to', 'assignment_group', 'sys_tags', 'close_code', 'close_notes'];
    var fields = {};
    for (var i = 0; i < watched.length; i++) {
        if (current.isValidField(watched[i])) {
            fields[watched[i]] = current.getValue(watched[i]) || '';
        }
    }
    var journal = [];
    var entry = new GlideRecord('sys_journal_field');
    entry.addQuery('element_id', current.getUniqueValue());
    entry.addQuery('element', 'IN', 'work_notes,comments');
    entry.addQuery('sys_created_on', '>=', current.getValue('sys_updated_on'));
    entry.orderBy('sys_created_on');
    entry.query();
    while (entry.next()) {
        journal.push({
            sys_id: entry.getUniqueValue(),
            element: entry.getValue('element'),
            value: entry.getValue('value'),
            sys_created_on: entry.getValue('sys_created_on'),
            sys_created_by: entry.getValue('sys_created_by')
        });
    }
    // characters beyond ASCII are escaped, so that the text signed is the text sent
    var body = JSON.stringify({
        table: current.getTableName(),
        sys_id: current.getUniqueValue(),
        number: current.getValue('number'),
        operation: current.operation(),
        sys_mod_count: current.getValue('sys_mod_count'),
        sys_updated_on: current.getValue('sys_updated_on'),
        sys_updated_by: current.getValue('sys_updated_by'),
        correlation_id: current.getValue('correlation_id') || '',
        fields: fields,
        journal: journal
    }).replace(/[\u007f-\uffff]/g, function (c) {
        return '\\u' + ('000' + c.charCodeAt(0).toString(16)).slice(-4);
    });
    var seconds = String(Math.floor(new GlideDateTime().getNumericValue() / 1000));
    var key = GlideStringUtil.base64Encode(gs.getProperty('syncore.webhook.secret'));
    var mac = new GlideCertificateEncryption().generateMac(key, 'HmacSHA256', seconds + '.' + body);
    var bytes = GlideStringUtil.base64DecodeAsBytes(mac);
    var hex = '';
    for (var j = 0; j < bytes.length; j++) {
        hex += ('0' + (bytes[j] & 255).toString(16)).slice(-2);
    }
    var message = new sn_ws.RESTMessageV2();
    message.setEndpoint(url);
    message.setHttpMethod('post');
    message.setRequestHeader('Content-Type', 'application/json');
    message.setRequestHeader('X-Syncore-Timestamp', seconds);
    message.setRequestHeader('X-Syncore-Signature', 'sha256=' + hex);
    message.setRequestBody(body);
    message.execute();
})(current, previous);

4. The integration user needs the roles that SELECT * FROM syncore.required_scopes('<system>') lists.$setup$,
	'[{"scope": "itil", "why": "reads, creates and updates incidents, work notes and comments"},
	  {"scope": "read access to sys_journal_field", "why": "gives comments ids of their own; without it copies cannot be told apart"},
	  {"scope": "rest_api_explorer is not needed", "why": "the Table API checks the rights of the table only"}]',
	true);

-- A JSON record is flat, all values are strings, "" is nothing.
INSERT INTO syncore.connector_operation (connector, record_type, operation, position, method, url, body, body_kind, writes,
	success, response, options, shipped)
VALUES
('servicenow', '*', 'check', 1, 'GET', '/api/now/ui/user/current_user', NULL, 'none', NULL, '{200}',
	'{"record": "/result", "actor": "/user_name", "proof": ["/user_name"]}', '{"item": "credential"}', true),
('servicenow', '*', 'check', 2, 'GET', '/api/now/table/incident?sysparm_limit=1&sysparm_fields=sys_id', NULL, 'none', NULL, '{200}',
	'{"list": "/result"}', '{"item": "read incidents"}', true),
-- What an incident names: the caller, whoever it is assigned to. Only what a map may want is asked for.
('servicenow', 'sys_user', 'fetch', 1, 'GET',
	'/api/now/table/sys_user/{reference.id}?sysparm_fields=sys_id,user_name,name,first_name,last_name,email,phone,mobile_phone,title,employee_number,department,location,company,manager,vip,active&sysparm_display_value=false&sysparm_exclude_reference_link=true',
	NULL, 'none', NULL, '{200}', '{"record": "/result", "id": "/sys_id"}', '{}', true),
('servicenow', 'sys_user_group', 'fetch', 1, 'GET',
	'/api/now/table/sys_user_group/{reference.id}?sysparm_fields=sys_id,name,description,email,manager,active&sysparm_display_value=false&sysparm_exclude_reference_link=true',
	NULL, 'none', NULL, '{200}', '{"record": "/result", "id": "/sys_id"}', '{}', true),
('servicenow', 'incident', 'create', 1, 'POST',
	'/api/now/table/incident?sysparm_display_value=false&sysparm_exclude_reference_link=true&sysparm_input_display_value=false',
	'{"correlation_id": "{link.marker}", "correlation_display": "syncore"}', 'json', NULL, '{201}',
	'{"record": "/result", "id": "/sys_id", "key": "/number", "version": "/sys_mod_count", "updated": "/sys_updated_on",
	  "actor": "/sys_updated_by", "marker": "/correlation_id", "time_format": "servicenow", "full": true}', '{}', true),
('servicenow', 'incident', 'read', 1, 'GET',
	'/api/now/table/incident/{link.external_id}?sysparm_display_value=false&sysparm_exclude_reference_link=true',
	NULL, 'none', NULL, '{200}',
	'{"record": "/result", "id": "/sys_id", "key": "/number", "version": "/sys_mod_count", "updated": "/sys_updated_on",
	  "actor": "/sys_updated_by", "marker": "/correlation_id", "time_format": "servicenow", "full": true}', '{}', true),
('servicenow', 'incident', 'update', 1, 'PATCH',
	'/api/now/table/incident/{link.external_id}?sysparm_display_value=false&sysparm_exclude_reference_link=true&sysparm_input_display_value=false',
	NULL, 'json', NULL, '{200}',
	'{"record": "/result", "id": "/sys_id", "key": "/number", "version": "/sys_mod_count", "updated": "/sys_updated_on",
	  "actor": "/sys_updated_by", "marker": "/correlation_id", "time_format": "servicenow", "full": true}', '{}', true),
('servicenow', 'incident', 'delete', 1, 'DELETE', '/api/now/table/incident/{link.external_id}', NULL, 'none', NULL, '{204}',
	'{}', '{}', true),
('servicenow', 'incident', 'find', 1, 'GET',
	'/api/now/table/incident?sysparm_query=correlation_id%3D{link.marker}&sysparm_limit=10&sysparm_display_value=false&sysparm_exclude_reference_link=true',
	NULL, 'none', NULL, '{200}',
	'{"list": "/result", "id": "/sys_id", "key": "/number", "version": "/sys_mod_count", "updated": "/sys_updated_on",
	  "actor": "/sys_updated_by", "marker": "/correlation_id", "time_format": "servicenow", "full": true}', '{}', true),
('servicenow', 'incident', 'list', 1, 'GET',
	'/api/now/table/incident?sysparm_query=sys_updated_on%3E%3D{since}%5EORDERBYsys_updated_on&sysparm_limit={limit}&sysparm_offset={offset}&sysparm_display_value=false&sysparm_exclude_reference_link=true',
	NULL, 'none', NULL, '{200}',
	'{"list": "/result", "id": "/sys_id", "key": "/number", "version": "/sys_mod_count", "updated": "/sys_updated_on",
	  "actor": "/sys_updated_by", "marker": "/correlation_id", "time_format": "servicenow", "full": true,
	  "total_header": "x-total-count"}',
	'{"since_format": "servicenow", "since_unit_s": 1, "page": 200, "paging": "offset", "overlap_s": 2}', true),
('servicenow', 'incident', 'comment', 1, 'PATCH',
	'/api/now/table/incident/{link.external_id}?sysparm_display_value=false&sysparm_exclude_reference_link=true&sysparm_input_display_value=false',
	'{"work_notes": "{comment.body}"}', 'json', '{/work_notes}', '{200}',
	'{"record": "/result", "id": "/sys_id", "key": "/number", "version": "/sys_mod_count", "updated": "/sys_updated_on",
	  "actor": "/sys_updated_by", "time_format": "servicenow", "full": true}',
	'{"channel": "work_notes", "id_by_list": true}', true),
('servicenow', 'incident', 'comment', 2, 'PATCH',
	'/api/now/table/incident/{link.external_id}?sysparm_display_value=false&sysparm_exclude_reference_link=true&sysparm_input_display_value=false',
	'{"comments": "{comment.body}"}', 'json', '{/comments}', '{200}',
	'{"record": "/result", "id": "/sys_id", "key": "/number", "version": "/sys_mod_count", "updated": "/sys_updated_on",
	  "actor": "/sys_updated_by", "time_format": "servicenow", "full": true}',
	'{"channel": "comments", "id_by_list": true}', true),
('servicenow', 'incident', 'comments', 1, 'GET',
	'/api/now/table/sys_journal_field?sysparm_query=element_id%3D{link.external_id}%5Eelement%3Dwork_notes%5EORelement%3Dcomments%5EORDERBYDESCsys_created_on&sysparm_fields=sys_id,element,value,sys_created_on,sys_created_by&sysparm_limit=50',
	NULL, 'none', NULL, '{200}',
	'{"comments": "/result", "comment_id": "/sys_id", "comment_channel": "/element", "comment_body": "/value",
	  "comment_at": "/sys_created_on", "comment_author": "/sys_created_by", "time_format": "servicenow"}', '{}', true);

-- What the business rule above sends. A field that it leaves out is unsaid.
INSERT INTO syncore.connector_event (connector, position, name, condition, record_type, kind, paths, full_record, shipped)
VALUES
('servicenow', 1, 'deleted', '$.operation == "delete"', NULL, 'delete',
	'{"record_type": "/table", "external_id": "/sys_id", "external_key": "/number", "version": "/sys_mod_count",
	  "source_time": "/sys_updated_on", "time_format": "servicenow", "actor": "/sys_updated_by", "marker": "/correlation_id"}', false, true),
('servicenow', 2, 'inserted', '$.operation == "insert"', NULL, 'create',
	'{"record": "/fields", "record_type": "/table", "external_id": "/sys_id", "external_key": "/number", "version": "/sys_mod_count",
	  "source_time": "/sys_updated_on", "time_format": "servicenow", "actor": "/sys_updated_by", "marker": "/correlation_id",
	  "comments": "/journal", "comment_id": "/sys_id", "comment_channel": "/element", "comment_body": "/value",
	  "comment_at": "/sys_created_on", "comment_author": "/sys_created_by"}', false, true),
('servicenow', 3, 'updated', '$.operation == "update"', NULL, 'update',
	'{"record": "/fields", "record_type": "/table", "external_id": "/sys_id", "external_key": "/number", "version": "/sys_mod_count",
	  "source_time": "/sys_updated_on", "time_format": "servicenow", "actor": "/sys_updated_by", "marker": "/correlation_id",
	  "comments": "/journal", "comment_id": "/sys_id", "comment_channel": "/element", "comment_body": "/value",
	  "comment_at": "/sys_created_on", "comment_author": "/sys_created_by"}', false, true);

-- The default mapping that a new system starts from. Comments flow only where somebody writes a row of comment_map.
INSERT INTO syncore.connector_template (connector, position, table_name, content, shipped)
SELECT 'servicenow', pg_catalog.row_number() OVER (), t.table_name, t.content::pg_catalog.jsonb, true
FROM (VALUES
	('record_map', '{"record_type": "incident", "entity_type": "incident"}'),
	('value_map', '{"name": "{system}.status", "external": "1", "canonical": "new"}'),
	('value_map', '{"name": "{system}.status", "external": "2", "canonical": "in_progress"}'),
	('value_map', '{"name": "{system}.status", "external": "3", "canonical": "on_hold"}'),
	('value_map', '{"name": "{system}.status", "external": "3", "canonical": "pending", "direction": "out", "note": "comes back as on_hold; the sub-reason is hold_reason"}'),
	('value_map', '{"name": "{system}.status", "external": "4", "canonical": "on_hold", "direction": "in", "note": "old model: Awaiting Caller"}'),
	('value_map', '{"name": "{system}.status", "external": "5", "canonical": "on_hold", "direction": "in", "note": "old model: Awaiting Evidence"}'),
	('value_map', '{"name": "{system}.status", "external": "6", "canonical": "resolved"}'),
	('value_map', '{"name": "{system}.status", "external": "7", "canonical": "closed"}'),
	('value_map', '{"name": "{system}.status", "external": "8", "canonical": "cancelled"}'),
	('value_map', '{"name": "{system}.severity", "external": "1", "canonical": "critical"}'),
	('value_map', '{"name": "{system}.severity", "external": "2", "canonical": "high"}'),
	('value_map', '{"name": "{system}.severity", "external": "3", "canonical": "medium"}'),
	('value_map', '{"name": "{system}.severity", "external": "4", "canonical": "low"}'),
	('value_map', '{"name": "{system}.severity", "external": "5", "canonical": "info"}'),
	('value_map', '{"name": "{system}.impact", "external": "1", "canonical": "critical", "direction": "out"}'),
	('value_map', '{"name": "{system}.impact", "external": "1", "canonical": "high", "direction": "out"}'),
	('value_map', '{"name": "{system}.impact", "external": "2", "canonical": "medium", "direction": "out"}'),
	('value_map', '{"name": "{system}.impact", "external": "2", "canonical": "low", "direction": "out"}'),
	('value_map', '{"name": "{system}.impact", "external": "3", "canonical": "info", "direction": "out"}'),
	('value_map', '{"name": "{system}.urgency", "external": "1", "canonical": "critical", "direction": "out"}'),
	('value_map', '{"name": "{system}.urgency", "external": "2", "canonical": "high", "direction": "out"}'),
	('value_map', '{"name": "{system}.urgency", "external": "2", "canonical": "medium", "direction": "out"}'),
	('value_map', '{"name": "{system}.urgency", "external": "3", "canonical": "low", "direction": "out"}'),
	('value_map', '{"name": "{system}.urgency", "external": "3", "canonical": "info", "direction": "out"}'),
	('field_map', '{"record_type": "incident", "entity_type": "incident", "field": "title", "path": "/short_description", "on_null": "keep", "format": {"null": ""}}'),
	('field_map', '{"record_type": "incident", "entity_type": "incident", "field": "description", "path": "/description", "format": {"null": ""}}'),
	('field_map', '{"record_type": "incident", "entity_type": "incident", "field": "status", "path": "/state", "value_map": "{system}.status", "on_null": "keep", "format": {"null": ""}}'),
	('field_map', '{"record_type": "incident", "entity_type": "incident", "field": "severity", "path": "/priority", "direction": "in", "value_map": "{system}.severity", "on_null": "keep", "note": "computed there from impact and urgency", "format": {"null": ""}}'),
	('field_map', '{"record_type": "incident", "entity_type": "incident", "field": "severity", "path": "/impact", "direction": "out", "value_map": "{system}.impact", "on_null": "keep", "contract": false, "format": {"null": ""}}'),
	('field_map', '{"record_type": "incident", "entity_type": "incident", "field": "severity", "path": "/urgency", "direction": "out", "value_map": "{system}.urgency", "on_null": "keep", "contract": false, "format": {"null": ""}}'),
	('field_map', '{"record_type": "incident", "entity_type": "incident", "field": "assignee", "path": "/assigned_to", "on_unmapped": "skip", "contract": false, "note": "people without a row in identity_map are left alone", "format": {"null": ""}}'),
	('field_map', '{"record_type": "incident", "entity_type": "incident", "field": "tags", "path": "/sys_tags", "direction": "in", "format": {"list": ","}, "contract": false}'),
	('actor', '{"pattern": "system", "kind": "automation", "note": "scheduled jobs and flows"}'),
	('policy', '{"entity_type": "incident", "field": "tags", "position": 1, "rule": "union", "note": "nobody loses a label that somebody else gave"}'),
	('policy', '{"entity_type": "incident", "field": "tags", "position": 2, "rule": "human_wins", "note": "no script undoes what somebody decided"}'),
	('policy', '{"entity_type": "incident", "field": "tags", "position": 3, "rule": "last_update_wins", "note": "who spoke last knew most"}'),
	('route', '{"entity_type": "incident", "position": 1, "record_type": "incident"}')
) AS t(table_name, content);
