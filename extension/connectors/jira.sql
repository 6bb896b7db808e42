-- Jira Cloud, REST API v3: issues and comments. Rows only; no product is named in C.
--
-- Facts come from the vendor's OpenAPI document (public copy salto-io/jira-swaggers, platform-swagger.v3.json:
-- /rest/api/3/issue with fields, update, transition and properties; 204 without a body on edit and transition;
-- transitions[].to; comment with body as a document of blocks, visibility and properties; /rest/api/3/myself
-- with accountId; search returns up to five named issue properties), from a maintained client
-- (MrRefactoring/jira.js: POST /rest/api/3/search/jql with nextPageToken) and from the vendor's pages on
-- webhooks (X-Hub-Signature: sha256=<hex> over the raw body, X-Atlassian-Webhook-Identifier equal over retries).
-- Issue properties are searchable in JQL only when an app declares them (jira:entityProperty), so our marker
-- is found by listing the few issues that we ourselves created since the attempt and comparing the property.
--
-- Verify on a live site (seen in clients, or not documented):
--   * JQL "creator = currentUser()" and relative times "created >= -15m" (common in public clients);
--   * POST /rest/webhooks/1.0/webhook with name, url, events, filters, excludeBody, secret (needs a site
--     administrator; else set the webhook up by hand as the setup text says);
--   * rich text in webhooks may come as wiki text instead of a document of blocks: both are read as text;
--   * default status and priority names: change the rows of <system>.status and <system>.severity;
--   * how long search lags behind (index_lag_ms is our estimate).

INSERT INTO syncore.connector (name, title, version, position_grade, settings, abilities, credential_kinds, webhook,
	error_paths, rate_headers, setup, scopes, shipped)
VALUES ('jira', 'Jira Cloud', 'REST API v3', 'fine',
	'{"project": {"type": "text", "required": true, "pattern": "^[A-Z][A-Z0-9_]*$", "title": "key of the project that new issues go to"},
	  "issue_type": {"type": "text", "required": true, "default": "Task", "title": "name of the type of new issues"}}',
	'{"marker": true, "marker_in_webhook": false, "index_lag_ms": 60000, "late_landing_ms": 30000, "delete_event": true,
	  "transitions": true, "channels": {"issue": {"comment": "internal"}}}',
	'{basic,bearer,oauth2_refresh}',
	'{"kind": "hmac_sha256", "header": "x-hub-signature", "prefix": "sha256=", "encoding": "hex", "signed": "{body}",
	  "event_id_header": "x-atlassian-webhook-identifier"}',
	'{"message": ["/errorMessages/0", "/message"], "fields": "/errors"}',
	'{"limit": "x-ratelimit-limit", "remaining": "x-ratelimit-remaining", "reset": "x-ratelimit-reset"}',
	$setup$SELECT syncore.register_webhook('<system>') does this where the credential belongs to a site administrator. By hand:
Jira settings > System > WebHooks > Create a WebHook.
  URL:      {webhook_url}
  Secret:   the secret of this system's webhook credential (the content of its file in syncore.secret_directory)
  JQL:      project = <the project of this system>
  Events:   Issue created, updated, deleted; Comment created, updated, deleted
  Exclude body: no
The URL must be https with a certificate that the public trusts.$setup$,
	'[{"scope": "read:jira-work", "why": "reads issues, comments and transitions"},
	  {"scope": "write:jira-work", "why": "creates and edits issues, transitions them, writes comments"},
	  {"scope": "read:jira-user", "why": "tells which account the credential belongs to"},
	  {"scope": "project permissions Browse Projects, Create Issues, Edit Issues, Transition Issues, Add Comments", "why": "API tokens act with the rights of their account"}]',
	true);

INSERT INTO syncore.connector_operation (connector, record_type, operation, position, method, url, body, body_kind, writes,
	success, response, options, shipped)
VALUES
('jira', '*', 'check', 1, 'GET', '/rest/api/3/myself', NULL, 'none', NULL, '{200}',
	'{"record": "", "actor": "/accountId", "proof": ["/accountId"]}', '{"item": "credential"}', true),
('jira', '*', 'register_webhook', 1, 'GET', '/rest/webhooks/1.0/webhook', NULL, 'none', NULL, '{200}',
	'{"list": "", "url": "/url", "id": "/self"}', '{"lookup": true}', true),
('jira', '*', 'register_webhook', 2, 'POST', '/rest/webhooks/1.0/webhook',
	'{"name": "syncore {system}", "url": "{webhook.url}", "excludeBody": false, "secret": "{webhook.secret}",
	  "filters": {"issue-related-events-section": "project = \"{settings.project}\""},
	  "events": ["jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated", "comment_deleted"]}',
	'json', NULL, '{200,201}', '{"record": "", "id": "/self", "proof": ["/self"]}', '{}', true),
('jira', 'issue', 'create', 1, 'POST', '/rest/api/3/issue',
	'{"fields": {"project": {"key": "{settings.project}"}, "issuetype": {"name": "{settings.issue_type}"}},
	  "properties": [{"key": "syncore", "value": {"marker": "{link.marker}"}}]}', 'json', NULL, '{201}',
	'{"id": "/id", "key": "/key", "proof": ["/id", "/key"]}', '{"read_back": true}', true),
('jira', 'issue', 'read', 1, 'GET', '/rest/api/3/issue/{link.external_id}?properties=syncore', NULL, 'none', NULL, '{200}',
	'{"record": "", "id": "/id", "key": "/key", "updated": "/fields/updated", "marker": "/properties/syncore/marker", "full": true}', '{}', true),
('jira', 'issue', 'update', 1, 'PUT', '/rest/api/3/issue/{link.external_id}',
	'{"historyMetadata": {"type": "syncore", "description": "{call.marker}"}}', 'json', NULL, '{204}', '{}', '{"read_back": true}', true),
('jira', 'issue', 'transitions', 1, 'GET', '/rest/api/3/issue/{link.external_id}/transitions', NULL, 'none', NULL, '{200}',
	'{"list": "/transitions", "id": "/id"}', '{"target": ["/to/name", "/to/id"], "available": "/isAvailable"}', true),
('jira', 'issue', 'transition', 1, 'POST', '/rest/api/3/issue/{link.external_id}/transitions',
	'{"transition": {"id": "{transition.id}"}, "historyMetadata": {"type": "syncore", "description": "{call.marker}"}}', 'json',
	'{/fields/status/name}', '{204}', '{}', '{"read_back": true}', true),
('jira', 'issue', 'delete', 1, 'DELETE', '/rest/api/3/issue/{link.external_id}?deleteSubtasks=false', NULL, 'none', NULL, '{204}', '{}', '{}', true),
('jira', 'issue', 'find', 1, 'POST', '/rest/api/3/search/jql',
	'{"jql": "project = \"{settings.project}\" AND creator = currentUser() AND created >= -{minutes}m ORDER BY created DESC",
	  "fields": ["*all"], "properties": ["syncore"], "maxResults": 100, "nextPageToken": "{next}"}', 'json', NULL, '{200}',
	'{"list": "/issues", "id": "/id", "key": "/key", "updated": "/fields/updated", "marker": "/properties/syncore/marker", "full": true,
	  "next": "/nextPageToken"}', '{}', true),
('jira', 'issue', 'list', 1, 'POST', '/rest/api/3/search/jql',
	'{"jql": "project = \"{settings.project}\" AND updated >= -{minutes}m ORDER BY updated ASC",
	  "fields": ["*all"], "properties": ["syncore"], "maxResults": "{limit}", "nextPageToken": "{next}"}', 'json', NULL, '{200}',
	'{"list": "/issues", "id": "/id", "key": "/key", "updated": "/fields/updated", "marker": "/properties/syncore/marker", "full": true,
	  "next": "/nextPageToken"}', '{"since_format": "minutes_ago", "since_unit_s": 60, "page": 100, "paging": "token", "overlap_s": 120}', true),
-- A service project shows a comment to its customers unless this property says otherwise; elsewhere nobody reads it.
('jira', 'issue', 'comment', 1, 'POST', '/rest/api/3/issue/{link.external_id}/comment',
	'{"body": "{comment.body}", "properties": [{"key": "syncore", "value": {"marker": "{call.marker}"}},
	  {"key": "sd.public.comment", "value": {"internal": true}}]}', 'json', NULL, '{201}',
	'{"comment_id": "/id", "proof": ["/id"]}', '{"channel": "comment", "visibility": "internal", "rich_text": "adf"}', true),
('jira', 'issue', 'comment', 2, 'POST', '/rest/api/3/issue/{link.external_id}/comment',
	'{"body": "{comment.body}", "properties": [{"key": "syncore", "value": {"marker": "{call.marker}"}}]}', 'json', NULL, '{201}',
	'{"comment_id": "/id", "proof": ["/id"]}', '{"channel": "comment", "visibility": "public", "rich_text": "adf"}', true),
('jira', 'issue', 'comment_edit', 1, 'PUT', '/rest/api/3/issue/{link.external_id}/comment/{comment.external_id}',
	'{"body": "{comment.body}"}', 'json', NULL, '{200}', '{"comment_id": "/id", "proof": ["/id"]}', '{"channel": "comment", "rich_text": "adf"}', true),
('jira', 'issue', 'comment_delete', 1, 'DELETE', '/rest/api/3/issue/{link.external_id}/comment/{comment.external_id}', NULL, 'none', NULL,
	'{204}', '{}', '{"channel": "comment"}', true),
('jira', 'issue', 'comments', 1, 'GET', '/rest/api/3/issue/{link.external_id}/comment?orderBy=-created&maxResults=50', NULL, 'none', NULL, '{200}',
	'{"comments": "/comments", "comment_id": "/id", "comment_channel": "comment", "comment_body": "/body", "comment_format": "adf",
	  "comment_at": "/created", "comment_author": "/author/accountId"}', '{}', true);

INSERT INTO syncore.connector_event (connector, position, name, condition, record_type, kind, paths, full_record, shipped)
VALUES
('jira', 1, 'issue created', '$.webhookEvent == "jira:issue_created"', 'issue', 'create',
	'{"record": "/issue", "external_id": "/issue/id", "external_key": "/issue/key", "source_time": "/issue/fields/updated",
	  "actor": "/user/accountId", "actor_name": "/user/displayName", "marker": "/issue/properties/syncore/marker"}', true, true),
('jira', 2, 'issue updated', '$.webhookEvent == "jira:issue_updated"', 'issue', 'update',
	'{"record": "/issue", "external_id": "/issue/id", "external_key": "/issue/key", "source_time": "/issue/fields/updated",
	  "actor": "/user/accountId", "actor_name": "/user/displayName", "marker": "/issue/properties/syncore/marker"}', true, true),
('jira', 3, 'issue deleted', '$.webhookEvent == "jira:issue_deleted"', 'issue', 'delete',
	'{"external_id": "/issue/id", "external_key": "/issue/key", "source_time": "/timestamp", "time_format": "epoch_ms",
	  "actor": "/user/accountId", "actor_name": "/user/displayName"}', false, true),
('jira', 4, 'comment created', '$.webhookEvent == "comment_created"', 'issue', 'comment',
	'{"external_id": "/issue/id", "external_key": "/issue/key", "source_time": "/comment/updated", "actor": "/comment/updateAuthor/accountId",
	  "comments": "/comment", "comment_id": "/id", "comment_channel": "comment", "comment_body": "/body", "comment_format": "adf",
	  "comment_at": "/created", "comment_author": "/author/accountId", "comment_edited_at": "/updated",
	  "comment_restricted": "/visibility/type", "comment_public": "/jsdPublic"}', false, true),
('jira', 5, 'comment updated', '$.webhookEvent == "comment_updated"', 'issue', 'comment',
	'{"external_id": "/issue/id", "external_key": "/issue/key", "source_time": "/comment/updated", "actor": "/comment/updateAuthor/accountId",
	  "comments": "/comment", "comment_id": "/id", "comment_channel": "comment", "comment_body": "/body", "comment_format": "adf",
	  "comment_at": "/created", "comment_author": "/author/accountId", "comment_edited_at": "/updated",
	  "comment_restricted": "/visibility/type", "comment_public": "/jsdPublic"}', false, true),
('jira', 6, 'comment deleted', '$.webhookEvent == "comment_deleted"', 'issue', 'comment_delete',
	'{"external_id": "/issue/id", "external_key": "/issue/key", "source_time": "/timestamp", "time_format": "epoch_ms",
	  "actor": "/user/accountId", "comments": "/comment", "comment_id": "/id", "comment_channel": "comment", "comment_body": "/body",
	  "comment_format": "adf", "comment_at": "/created", "comment_author": "/author/accountId", "comment_edited_at": "/updated",
	  "comment_restricted": "/visibility/type", "comment_public": "/jsdPublic"}', false, true),
('jira', 90, 'other events', 'exists($.webhookEvent)', 'issue', 'ignore', '{}', false, true);

INSERT INTO syncore.connector_template (connector, position, table_name, content, shipped)
SELECT 'jira', pg_catalog.row_number() OVER (), t.table_name, t.content::pg_catalog.jsonb, true
FROM (VALUES
	('record_map', '{"record_type": "issue", "entity_type": "incident"}'),
	('value_map', '{"name": "{system}.status", "external": "To Do", "canonical": "new"}'),
	('value_map', '{"name": "{system}.status", "external": "Open", "canonical": "new", "direction": "in"}'),
	('value_map', '{"name": "{system}.status", "external": "Backlog", "canonical": "new", "direction": "in"}'),
	('value_map', '{"name": "{system}.status", "external": "Selected for Development", "canonical": "new", "direction": "in"}'),
	('value_map', '{"name": "{system}.status", "external": "In Progress", "canonical": "in_progress"}'),
	('value_map', '{"name": "{system}.status", "external": "In Review", "canonical": "in_progress", "direction": "in"}'),
	('value_map', '{"name": "{system}.status", "external": "In Progress", "canonical": "pending", "direction": "out"}'),
	('value_map', '{"name": "{system}.status", "external": "In Progress", "canonical": "on_hold", "direction": "out"}'),
	('value_map', '{"name": "{system}.status", "external": "Waiting for customer", "canonical": "pending", "direction": "in"}'),
	('value_map', '{"name": "{system}.status", "external": "Pending", "canonical": "pending", "direction": "in"}'),
	('value_map', '{"name": "{system}.status", "external": "Done", "canonical": "resolved"}'),
	('value_map', '{"name": "{system}.status", "external": "Resolved", "canonical": "resolved", "direction": "in"}'),
	('value_map', '{"name": "{system}.status", "external": "Done", "canonical": "closed", "direction": "out"}'),
	('value_map', '{"name": "{system}.status", "external": "Closed", "canonical": "closed", "direction": "in"}'),
	('value_map', '{"name": "{system}.status", "external": "Done", "canonical": "cancelled", "direction": "out"}'),
	('value_map', '{"name": "{system}.status", "external": "Canceled", "canonical": "cancelled", "direction": "in"}'),
	('value_map', '{"name": "{system}.status", "external": "Cancelled", "canonical": "cancelled", "direction": "in"}'),
	('value_map', '{"name": "{system}.severity", "external": "Highest", "canonical": "critical"}'),
	('value_map', '{"name": "{system}.severity", "external": "High", "canonical": "high"}'),
	('value_map', '{"name": "{system}.severity", "external": "Medium", "canonical": "medium"}'),
	('value_map', '{"name": "{system}.severity", "external": "Low", "canonical": "low"}'),
	('value_map', '{"name": "{system}.severity", "external": "Lowest", "canonical": "info"}'),
	('field_map', '{"record_type": "issue", "entity_type": "incident", "field": "title", "path": "/fields/summary", "on_null": "keep"}'),
	('field_map', '{"record_type": "issue", "entity_type": "incident", "field": "description", "path": "/fields/description", "format": {"rich_text": "adf"}, "contract": false}'),
	('field_map', '{"record_type": "issue", "entity_type": "incident", "field": "status", "path": "/fields/status/name", "value_map": "{system}.status", "on_null": "keep"}'),
	('field_map', '{"record_type": "issue", "entity_type": "incident", "field": "severity", "path": "/fields/priority/name", "value_map": "{system}.severity", "on_null": "keep"}'),
	('field_map', '{"record_type": "issue", "entity_type": "incident", "field": "assignee", "path": "/fields/assignee/accountId", "write_path": "/fields/assignee/id", "on_unmapped": "skip", "contract": false, "note": "people without a row in identity_map are left alone"}'),
	('field_map', '{"record_type": "issue", "entity_type": "incident", "field": "tags", "path": "/fields/labels", "contract": false}'),
	('policy', '{"entity_type": "incident", "field": "tags", "position": 1, "rule": "union", "note": "nobody loses a label that somebody else gave"}'),
	('policy', '{"entity_type": "incident", "field": "tags", "position": 2, "rule": "human_wins", "note": "no script undoes what somebody decided"}'),
	('policy', '{"entity_type": "incident", "field": "tags", "position": 3, "rule": "last_update_wins", "note": "who spoke last knew most"}'),
	('route', '{"entity_type": "incident", "position": 1, "record_type": "issue"}')
) AS t(table_name, content);
