-- What a payload is about, by the connector's rows; and what may be kept of it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
RESET client_min_messages;
CREATE FUNCTION pg_temp.shape(spec jsonb, payload jsonb, headers jsonb DEFAULT NULL) RETURNS jsonb AS '$libdir/syncore_core_test', 'core_shape' LANGUAGE C;
CREATE FUNCTION pg_temp.kept(spec jsonb, payload jsonb) RETURNS jsonb AS '$libdir/syncore_core_test', 'core_kept' LANGUAGE C STRICT;
CREATE FUNCTION pg_temp.digest(jsonb) RETURNS text AS '$libdir/syncore_core_test', 'core_digest' LANGUAGE C STRICT;
CREATE FUNCTION pg_temp.pos(grade text, version text, at timestamptz) RETURNS bigint AS '$libdir/syncore_core_test', 'core_position' LANGUAGE C;

-- the rows that ship, read by the code that ships
CREATE TEMP TABLE spec AS
SELECT c.name, jsonb_build_object('webhook', c.webhook, 'events', (SELECT jsonb_agg(jsonb_build_object('condition', e.condition::text, 'record_type', e.record_type, 'kind', e.kind,
	'paths', e.paths, 'full_record', e.full_record) ORDER BY e.position) FROM syncore.connector_event e WHERE e.connector = c.name)) AS s
FROM syncore.connector c;

-- EV-01 to EV-08: a ServiceNow business rule's update with a new work note
SELECT jsonb_pretty(pg_temp.shape(s, '{"table": "incident", "sys_id": "9d385017c611228701d22104cc95c371", "number": "INC0010001", "operation": "update", "sys_mod_count": "7",
	"sys_updated_on": "2026-02-28 14:32:01", "sys_updated_by": "jdoe", "correlation_id": "m-1", "changed": ["state", "work_notes"], "fields": {"state": "2", "priority": "3", "short_description": "Disk full"},
	"journal": [{"sys_id": "j1", "element": "work_notes", "value": "looking", "sys_created_on": "2026-02-28 14:32:00", "sys_created_by": "jdoe"},
		{"sys_id": "j2", "element": "comments", "value": "", "sys_created_on": "2026-02-28 14:32:00", "sys_created_by": "jdoe"},
		{"sys_id": "j3", "value": "no channel"}]}'))
FROM spec WHERE name = 'servicenow';
SELECT pg_temp.shape(s, '{"table": "incident", "sys_id": "9d38", "operation": "delete", "sys_mod_count": "8", "sys_updated_on": "2026-02-28 14:33:00", "sys_updated_by": "jdoe"}') FROM spec WHERE name = 'servicenow';
-- Jira: an update with its event id in a header, a comment in a document, a deletion with its time in milliseconds
SELECT jsonb_pretty(pg_temp.shape(s, '{"timestamp": 1772289121847, "webhookEvent": "jira:issue_updated", "user": {"accountId": "5b10", "displayName": "A B"},
	"issue": {"id": "10002", "key": "OPS-7", "fields": {"summary": "Disk full", "updated": "2026-02-28T15:32:01.847+0100", "status": {"name": "In Progress"}}}, "changelog": {"items": [{"field": "status"}]}}',
	'{"x-atlassian-webhook-identifier": "w-1", "x-hub-signature": "sha256=00"}'))
FROM spec WHERE name = 'jira';
SELECT jsonb_pretty(pg_temp.shape(s, '{"timestamp": 1772289121847, "webhookEvent": "comment_created", "issue": {"id": "10002", "key": "OPS-7", "fields": {"summary": "x"}},
	"comment": {"id": "501", "author": {"accountId": "5b10"}, "updateAuthor": {"accountId": "5b10"}, "created": "2026-02-28T14:00:00.123+0000", "updated": "2026-02-28T14:00:00.123+0000",
		"body": {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Hello "}, {"type": "text", "text": "world", "marks": [{"type": "strong"}]}]}]}}}'))
FROM spec WHERE name = 'jira';
SELECT pg_temp.shape(s, '{"timestamp": 1772289121847, "webhookEvent": "comment_created", "issue": {"id": "10002"}, "comment": {"id": "502", "body": "plain text", "created": "2026-02-28T14:00:00.123+0000"}}') #> '{comments,0}' AS plain_body FROM spec WHERE name = 'jira';
SELECT pg_temp.shape(s, '{"timestamp": 1772289121847, "webhookEvent": "comment_deleted", "issue": {"id": "10002"}, "comment": {"id": "502"}}') - 'actor_name' AS deleted FROM spec WHERE name = 'jira';

-- sources: alternatives, literals, joins, words, headers, references, defaults
SELECT n, pg_temp.shape(jsonb_build_object('events', jsonb_build_array(jsonb_build_object('kind', 'update', 'record_type', 'x', 'paths', p::jsonb))),
	'{"a": "", "b": {"value": "ref", "link": "https://x"}, "c": 7, "d": true, "op": "insert", "url": "https://x/browse/OPS-7", "at": 1772289121847, "list": [1], "n": null}', '{"x-id": "h-1"}') - ARRAY['kind', 'record_type'] AS read
FROM (VALUES (1, '{"external_id": ["/a", "/nothing", "/b", "/c"]}'), (2, '{"external_id": "fixed", "version": "/c", "actor": "/d"}'), (3, '{"external_id": {"join": ["/c", "/op"], "with": ":"}}'), (4, '{"external_id": {"join": ["/c", "/nothing"]}}'),
	(5, '{"external_id": {"path": "/op", "values": {"insert": "created"}}}'), (6, '{"external_id": {"path": "/op", "values": {"x": "y"}}}'), (7, '{"external_id": {"path": "/op", "values": {"x": "y"}, "default": "other"}}'), (8, '{"external_id": {"path": "/nothing", "default": "d"}}'),
	(9, '{"external_id": {"path": "/url", "after": "/browse/"}}'), (10, '{"external_id": "header:X-ID"}'), (11, '{"external_id": "/list"}'), (12, '{"external_id": "/n"}'), (13, '{"external_id": {"literal": "/c"}}'),
	(14, '{"external_id": "/c", "source_time": {"path": "/at", "format": "epoch_ms"}}'), (15, '{"external_id": "/c", "source_time": "/at", "time_format": "epoch_ms"}'), (16, '{"external_id": "/c", "source_time": "/op"}'),
	(17, '{"external_id": "/c", "record": ["/nothing", "/list", "/b"]}'), (18, '{"external_id": 7}'), (19, '{}'), (20, '{"external_id": [[[[[[[[[["/c"]]]]]]]]]]}')) AS v(n, p) ORDER BY n;
-- kind by the payload's own word; ignore ends it; an unknown one is a problem; no row at all is one
SELECT pg_temp.shape(s, p::jsonb) FROM (SELECT '{"events": [{"condition": "$.op == \"noise\"", "kind": "ignore", "paths": {}}, {"condition": "exists($.op)", "kind": "update", "record_type": "x",
	"paths": {"external_id": "/id", "kind": {"path": "/op", "values": {"insert": "create", "remove": "delete"}}}}]}'::jsonb) AS s(s),
	unnest(ARRAY['{"op": "insert", "id": 1}', '{"op": "remove", "id": 1}', '{"op": "noise"}', '{"op": "odd", "id": 1}', '{"other": 1}', '[]', '"x"']) WITH ORDINALITY AS u(p, n) ORDER BY n;
-- DQ: a malformed time is a problem with its path, never an error
SELECT p, pg_temp.shape(s, ('{"operation": "update", "table": "incident", "sys_id": "1", "sys_updated_on": ' || p || '}')::jsonb) ->> 'problem' AS problem, pg_temp.shape(s, ('{"operation": "update", "table": "incident", "sys_id": "1", "sys_updated_on": ' || p || '}')::jsonb) ->> 'problem_path' AS path
FROM spec, unnest(ARRAY['"2026-02-28 14:32:01"', '"31.12.2026"', '"10000-01-01 00:00:00"', '{"a": 1}', '99999999999999999999', 'null']) WITH ORDINALITY AS u(p, n) WHERE name = 'servicenow' ORDER BY n;

-- positions by grade
SELECT g, v, t, pg_temp.pos(g, v, t::timestamptz) AS position FROM (VALUES (1, 'C', '7', NULL), (2, 'C', '07x', '2026-01-01'), (3, 'C', '', NULL), (4, 'C', '9999999999999999999', NULL), (5, 'C', '-1', NULL), (6, 'F', NULL, '2000-01-01 00:00:01.5Z'),
	(7, 'F', '2000-01-01T00:00:02.250Z', '2026-01-01Z'), (8, 'F', 'x', '2000-01-01 00:00:01.5Z'), (9, 'F', NULL, NULL), (10, 'S', NULL, '2000-01-01 00:00:01.5Z'), (11, 'S', NULL, '1999-12-31 23:59:58.5Z'), (12, 'N', '7', '2026-01-01Z')) AS w(n, g, v, t) ORDER BY n;

-- R1: the id of an event whose sender gives none: the same for equal JSON, another for any other
SELECT pg_temp.digest('{"a": 1.0, "b": [1, 2]}') = pg_temp.digest('{"b": [1, 2.00], "a": 1}') AS equal, pg_temp.digest('{"a": 1}') <> pg_temp.digest('{"a": "1"}') AS differs, pg_temp.digest('{"a": "x\"y"}');

-- SE: what may be kept. mapped: what the shape, the maps and their conditions read; the rest never reaches the table
CREATE TEMP TABLE keeping AS SELECT '{"maps": [{"field": {"name": "title"}, "path": "/short_description"}, {"field": {"name": "tags", "kind": "set"}, "path": "/labels/0/name"}, {"field": {"name": "ssn", "sensitive": "excluded"}, "path": "/u_ssn"},
		{"field": {"name": "phone", "sensitive": "masked"}, "path": "/caller/phone"}, {"field": {"name": "owner"}, "path": "/owner", "condition": "$.vip.level > 2 && !($.labels[*].kind like_regex \"^x\")"}],
	"record_condition": "$.category == \"hardware\"", "accepts": "$.company.id ? (@ starts with \"acme\")",
	"events": [{"condition": "$.operation == \"update\"", "kind": "update", "record_type": "incident", "paths": {"record": "/fields", "external_id": ["/sys_id", "/id"], "version": {"path": "/mods"}, "comments": "/journal",
		"comment_id": "/sys_id", "comment_channel": "/element", "comment_body": "/value"}}]}'::jsonb AS s,
	'{"operation": "update", "sys_id": "1", "mods": 3, "secret": "s1", "journal": [{"sys_id": "j", "element": "work_notes", "value": "v"}],
	  "fields": {"short_description": "t", "labels": [{"name": "l", "kind": "k"}], "u_ssn": "078-05-1120", "caller": {"phone": "555", "name": "secret s2"}, "owner": "o", "vip": {"level": 3, "why": "secret s3"},
		"category": "hardware", "company": {"id": "acme-1", "revenue": "secret s4"}, "description": "secret s5"}}'::jsonb AS p;
SELECT k, jsonb_pretty(pg_temp.kept(s || jsonb_build_object('keep', k), p)) FROM keeping, unnest(ARRAY['mapped', 'none', 'all']) WITH ORDINALITY AS u(k, n) ORDER BY n;
-- what was kept says the same as what came
SELECT pg_temp.shape(s, pg_temp.kept(s, p)) - 'record' = pg_temp.shape(s, p) - 'record' AS same_names_and_comments, pg_temp.kept(s, pg_temp.kept(s, p)) = pg_temp.kept(s, p) AS stable FROM keeping;

-- property, from a printed seed: whatever the payload, reading and keeping never fail, keeping is stable and never adds
DO $$
DECLARE
	seed bigint := 99;
	x bigint := seed;
	doc jsonb;
	once jsonb;
	spec jsonb;
	names text[] := ARRAY['operation', 'sys_id', 'fields', 'journal', 'short_description', 'labels', 'u_ssn', 'element', 'value', 'mods', '0', 'odd'];
BEGIN
	SELECT s INTO spec FROM keeping;
	FOR i IN 1..1500 LOOP
		doc := '{"operation": "update"}';
		FOR k IN 1..12 LOOP
			x := (x * 1103515245 + 12345) % 2147483648;
			doc := jsonb_set(doc, ARRAY[names[1 + (x >> 7) % 12]], CASE (x >> 12) % 6 WHEN 0 THEN '"text"' WHEN 1 THEN '[]' WHEN 2 THEN jsonb_build_array(doc) WHEN 3 THEN doc WHEN 4 THEN '17' ELSE 'null' END::jsonb);
			IF length(doc::text) > 3000 THEN
				doc := '{"operation": "update", "sys_id": "1"}';
			END IF;
		END LOOP;
		PERFORM pg_temp.shape(spec, doc, '{"x": ["odd"]}');
		once := pg_temp.kept(spec, doc);
		IF pg_temp.kept(spec, once) <> once OR length(once::text) > length(doc::text) OR once #> '{fields,u_ssn}' IS NOT NULL THEN
			RAISE EXCEPTION 'seed %: % kept as %', seed, doc, once;
		END IF;
	END LOOP;
END $$;
SELECT pg_temp.shape(s, ('{"operation": "update", "sys_id": ' || repeat('[', 1000) || repeat(']', 1000) || '}')::jsonb) ->> 'problem' AS deep, length(pg_temp.kept(s, ('{"operation": "update", "fields": {"labels": ' || repeat('[', 1000) || repeat(']', 1000) || '}}')::jsonb)::text) AS kept FROM keeping;
SET client_min_messages = warning;
SET syncore.allow_drop = on;
DROP EXTENSION syncore CASCADE;
