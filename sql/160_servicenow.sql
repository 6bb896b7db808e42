-- The rows of connector "servicenow": what its payloads say, how its records are read, what is written to it.
-- FM-01, FM-02, FM-06, FM-07, EV-01: samples in, canonical values and write values out.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
RESET client_min_messages;
CREATE SCHEMA servicenow_test;
SET search_path = servicenow_test;
\getenv top PG_ABS_SRCDIR
\set shipped :top '/sql/include/shipped.sql'
\i :shipped

-- 1. What the business rule sends. The order of its statements is sys_mod_count; the marker is correlation_id.
SELECT jsonb_pretty(shape('servicenow', '{"table": "incident", "sys_id": "022fc28b836032103e2e9a96feaad3bf", "number": "INC0010001", "operation": "update",
	"sys_mod_count": "7", "sys_updated_on": "2026-02-28 14:32:01", "sys_updated_by": "jdoe", "correlation_id": "corr-abc123", "changed": ["state", "priority"],
	"fields": {"state": "2", "priority": "2", "short_description": "VPN gateway drops sessions"}}'));
SELECT shape('servicenow', '{"table": "incident", "sys_id": "02", "number": "INC1", "operation": "update", "sys_mod_count": "8", "sys_updated_on": "2026-02-28 14:35:10",
	"sys_updated_by": "jdoe", "correlation_id": "", "fields": {}, "journal": [{"sys_id": "a1", "element": "work_notes", "value": "Failed over.",
	"sys_created_on": "2026-02-28 14:35:10", "sys_created_by": "jdoe"}]}') -> 'comments';
SELECT operation, shape('servicenow', jsonb_build_object('table', 'incident', 'sys_id', '02', 'operation', operation, 'sys_mod_count', '1')) ->> 'kind'
FROM unnest(ARRAY['insert', 'update', 'delete', 'query']) WITH ORDINALITY AS o(operation, n) ORDER BY n;
-- Without an id it is nobody's: quarantine.
SELECT shape('servicenow', '{"table": "incident", "operation": "update"}') ->> 'problem_path';

-- 2. A whole record, as the Table API answers with references left out.
CREATE TEMP TABLE record AS SELECT '{"sys_id": "022fc28b836032103e2e9a96feaad3bf", "number": "INC0010001", "short_description": "VPN gateway drops sessions",
	"description": "", "state": "2", "priority": "2", "impact": "2", "urgency": "1", "assigned_to": "5137153cc611227c000bbd1bd8cd2005", "sys_tags": "bug, vpn",
	"sys_mod_count": "7"}'::jsonb AS r;
SELECT core_read(spec('servicenow', f.field, f.path), r, true) FROM record, (VALUES (1, 'title', '/short_description'), (2, 'description', '/description'),
	(3, 'status', '/state'), (4, 'severity', '/priority'), (5, 'assignee', '/assigned_to'), (6, 'tags', '/sys_tags')) AS f(n, field, path) ORDER BY f.n;
-- A reference that was not left out reads the same; a person nobody knows is left alone; a state nobody mapped is quarantine.
SELECT core_read(spec('servicenow', 'assignee', '/assigned_to'), '{"assigned_to": {"link": "https://x/y", "value": "5137153cc611227c000bbd1bd8cd2005"}}', true);
SELECT core_read(spec('servicenow', 'assignee', '/assigned_to'), '{"assigned_to": "stranger"}', true);
SELECT core_read(spec('servicenow', 'status', '/state'), '{"state": "42"}', true);

-- 3. All states both ways; what a nearest state would lose is seen in the second column.
SELECT s.name, down.v AS external, up.v AS comes_back_as FROM syncore.state s
	CROSS JOIN LATERAL (SELECT core_down(spec('servicenow', 'status', '/state'), to_jsonb(s.name::text), NULL)) AS down(v)
	CROSS JOIN LATERAL (SELECT core_read(spec('servicenow', 'status', '/state'), jsonb_build_object('state', down.v::jsonb), true)) AS up(v)
WHERE s.entity_type = 'incident' ORDER BY s.position;
-- FM-07: severity is read from priority, and written as impact and urgency.
SELECT s.name, core_down(spec('servicenow', 'severity', '/priority'), to_jsonb(s.name), NULL) AS priority,
	core_down(spec('servicenow', 'severity', '/impact'), to_jsonb(s.name), NULL) AS impact,
	core_down(spec('servicenow', 'severity', '/urgency'), to_jsonb(s.name), NULL) AS urgency
FROM unnest(ARRAY['critical', 'high', 'medium', 'low', 'info']) WITH ORDINALITY AS s(name, n) ORDER BY s.n;
-- Nothing is "" there.
SELECT core_down(spec('servicenow', 'description', '/description'), 'null', NULL), core_down(spec('servicenow', 'assignee', '/assigned_to'), 'null', NULL);

-- 4. The rows hang together, in every connector that ships.
-- Every operation that a call needs is there, and every word of its answer is a pointer where one is needed.
SELECT c.name, w.record_type, o.operation FROM syncore.connector c
	JOIN LATERAL (SELECT DISTINCT record_type FROM syncore.connector_operation p WHERE p.connector = c.name AND p.record_type <> '*' AND p.operation <> 'fetch') w ON true
	CROSS JOIN unnest(ARRAY['create', 'read', 'update', 'delete', 'find', 'list', 'comment', 'comments']) AS o(operation)
WHERE NOT EXISTS (SELECT FROM syncore.connector_operation p WHERE p.connector = c.name AND p.record_type = w.record_type AND p.operation = o.operation);
SELECT o.connector, o.operation, p.key, p.value FROM syncore.connector_operation o, jsonb_each_text(o.response) AS p(key, value)
WHERE p.key NOT IN ('proof', 'full', 'time_format', 'comment_format', 'comment_channel', 'total_header')
	AND p.value !~ '^(/|$)';
-- Words of the answer that nobody reads.
SELECT DISTINCT p.key FROM syncore.connector_operation o, jsonb_object_keys(o.response) AS p(key)
WHERE p.key <> ALL (ARRAY['record', 'list', 'comments', 'id', 'key', 'url', 'version', 'updated', 'actor', 'marker', 'comment_id', 'comment_channel', 'comment_author',
	'comment_body', 'comment_at', 'comment_format', 'time_format', 'full', 'proof', 'next', 'total_header']);
-- Templates name only tables and columns that exist, and value maps that the template brings.
SELECT t.connector, t.table_name, k.key FROM syncore.connector_template t, jsonb_object_keys(t.content) AS k(key)
WHERE NOT EXISTS (SELECT FROM information_schema.columns c WHERE c.table_schema = 'syncore' AND c.table_name = t.table_name AND c.column_name = k.key);
SELECT t.connector, t.content->>'value_map' FROM syncore.connector_template t WHERE t.content ? 'value_map' AND NOT EXISTS (SELECT FROM syncore.connector_template v
	WHERE v.connector = t.connector AND v.table_name = 'value_map' AND v.content->>'name' = t.content->>'value_map');
-- No default row lets comments flow (CC-01); everything is shipped; each setup text says where the webhook goes.
SELECT connector, count(*) FILTER (WHERE table_name = 'comment_map') AS comment_maps, count(*) FILTER (WHERE table_name = 'field_map') AS field_maps
FROM syncore.connector_template GROUP BY connector ORDER BY connector;
SELECT c.name, c.shipped, strpos(c.setup, '{webhook_url}') > 0 FROM syncore.connector c ORDER BY c.name;
