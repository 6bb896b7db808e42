-- Calls, step by step: which requests an operation row makes, what an answer is worth. Nothing here touches a socket.
-- Requests are compared byte for byte; answers are fed by hand.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
RESET client_min_messages;
CREATE SCHEMA call_test;
SET search_path = call_test;
CREATE FUNCTION core_call(connector jsonb, operations jsonb, plan jsonb, answers jsonb) RETURNS text
	AS '$libdir/syncore_core_test', 'core_test_call' LANGUAGE C;
CREATE FUNCTION core_retry_after(value text, at timestamptz) RETURNS bigint
	AS '$libdir/syncore_core_test', 'core_test_retry_after' LANGUAGE C;
CREATE FUNCTION core_backoff(attempts int, random float8) RETURNS bigint
	AS '$libdir/syncore_core_test', 'core_test_backoff' LANGUAGE C;
-- Plays a call of a shipped connector.
CREATE FUNCTION play(product text, plan jsonb, VARIADIC answers jsonb[]) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT regexp_split_to_table(rtrim(core_call(to_jsonb(c), (SELECT jsonb_agg(to_jsonb(o) ORDER BY o.operation, o.position)
		FROM syncore.connector_operation o WHERE o.connector = c.name), plan, to_jsonb(answers)), E'\n'), E'\n')
	FROM syncore.connector c WHERE c.name = product $$;
CREATE FUNCTION snow(more jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT '{"record_type": "incident", "marker": "11111111-2222-4333-8444-555555555555", "we": "syncore.bot"}'::jsonb || more ||
	jsonb_build_object('context', '{"record_type": "incident", "settings": {}, "link": {"id": 7, "external_id": "022fc28b83603210", "marker": "9f0c"}}'::jsonb
		|| COALESCE(more->'context', '{}')) $$;
CREATE FUNCTION jira(more jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT '{"record_type": "issue", "marker": "11111111-2222-4333-8444-555555555555", "we": "5b10"}'::jsonb || more ||
	jsonb_build_object('context', '{"record_type": "issue", "minutes": 11, "settings": {"project": "OPS", "issue_type": "Bug"},
		"link": {"id": 7, "external_id": "10002", "marker": "9f0c"}}'::jsonb || COALESCE(more->'context', '{}')) $$;

\pset format unaligned
\pset tuples_only
-- EV-10, ID-08: a write carries the idempotency key and the marker. FM-15, FM-16: the body holds what is due, and nothing else.
SELECT play('servicenow', snow('{"kind": "update", "write": {"state": "2", "assigned_to": ""}}'),
	'{"status": 200, "body": {"result": {"sys_id": "022fc28b83603210", "number": "INC0010001", "sys_mod_count": "8", "state": "2"}}}');

-- A create carries the marker that we know the record by; its answer is the record.
SELECT play('servicenow', snow('{"kind": "create", "write": {"short_description": "VPN drops", "impact": "1", "urgency": "2"},
	"context": {"link": {"id": 7, "marker": "9f0c"}}}'),
	'{"status": 201, "body": {"result": {"sys_id": "aa11", "number": "INC0010002", "sys_mod_count": "0", "correlation_id": "9f0c"}}}');

-- A product that answers a create with an id only is read in the same slot. Nulls stay: they clear a field.
SELECT play('jira', jira('{"kind": "create", "write": {"fields": {"summary": "VPN drops", "assignee": {"id": null}, "project": {"key": "SEC"}}},
	"context": {"link": {"id": 7, "marker": "9f0c"}}}'),
	'{"status": 201, "body": {"id": "10003", "key": "OPS-8", "self": "https://peer.example/rest/api/3/issue/10003"}}',
	'{"status": 200, "body": {"id": "10003", "key": "OPS-8", "fields": {"updated": "2026-02-28T14:32:01.847+0000"}}}');
-- The read-back fails: the create was proved all the same.
SELECT play('jira', jira('{"kind": "create", "context": {"link": {"id": 7, "marker": "9f0c"}}}'),
	'{"status": 201, "body": {"id": "10003", "key": "OPS-8"}}', '{"lost": "timed out"}');

-- CR-03 (create_lost_response): a lost answer is unknown; later the record is looked for by its marker, page by page.
SELECT play('servicenow', snow('{"kind": "create"}'), '{"lost": "timed out after 30 s"}');
SELECT play('servicenow', snow('{"kind": "create", "unknown": true, "context": {"link": {"id": 7, "marker": "9f0c"}}}'),
	'{"status": 200, "body": {"result": [{"sys_id": "bb", "correlation_id": "other"}, {"sys_id": "aa11", "number": "INC0010002", "correlation_id": "9f0c", "sys_mod_count": "0"}]}}');
SELECT play('jira', jira('{"kind": "create", "unknown": true, "context": {"link": {"id": 7, "marker": "9f0c"}}}'),
	'{"status": 200, "body": {"issues": [{"id": "10001", "properties": {"syncore": {"marker": "other"}}}], "nextPageToken": "p2"}}',
	'{"status": 200, "body": {"issues": [{"id": "10003", "key": "OPS-8", "fields": {"updated": "2026-02-28T14:32:01.847+0000"}, "properties": {"syncore": {"marker": "9f0c"}}}]}}');
SELECT play('servicenow', snow('{"kind": "create", "unknown": true, "context": {"link": {"id": 7, "marker": "9f0c"}}}'), '{"status": 200, "body": {"result": []}}');
-- R21: its record was told of since: it is read by its id, whatever a search would find.
SELECT play('servicenow', snow('{"kind": "create", "unknown": true}'),
	'{"status": 200, "body": {"result": {"sys_id": "022fc28b83603210", "number": "INC0010001", "correlation_id": "9f0c", "sys_mod_count": "0"}}}');
-- The look-up itself fails: still unknown, never "not found".
SELECT play('servicenow', snow('{"kind": "create", "unknown": true, "context": {"link": {"id": 7, "marker": "9f0c"}}}'), '{"status": 503, "body": "down"}');

-- A status goes by transition: what is on offer is asked first. Exact names win over those that differ in case.
SELECT play('jira', jira('{"kind": "update", "write": {"fields": {"status": {"name": "Done"}}}}'),
	'{"status": 200, "body": {"transitions": [{"id": "31", "to": {"name": "DONE", "id": "5"}}, {"id": "41", "to": {"name": "Done", "id": "6"}},
	  {"id": "51", "to": {"name": "Done", "id": "7"}, "isAvailable": false}]}}',
	'{"status": 204}', '{"status": 200, "body": {"id": "10002", "key": "OPS-7", "fields": {"updated": "2026-02-28T14:32:02.000+0000", "status": {"name": "Done"}}}}');
-- None leads there: the record is read and judged first, then a person is told.
SELECT play('jira', jira('{"kind": "update", "write": {"fields": {"status": {"name": "Done"}}}}'), '{"status": 200, "body": {"transitions": []}}');
SELECT play('jira', jira('{"kind": "update", "attempts": 1, "write": {"fields": {"status": {"name": "Done"}}}}'), '{"status": 200, "body": {"transitions": []}}');

-- Comments: spelt as the product wants them; an id that the answer does not give is found by listing.
SELECT play('jira', jira('{"kind": "comment", "context": {"comment": {"id": 3, "channel": "comment", "body": "a.lee (snow) wrote:\n\nrestarted"}}}'),
	'{"status": 201, "body": {"id": "18395"}}');
SELECT play('servicenow', snow('{"kind": "comment", "context": {"comment": {"id": 3, "channel": "work_notes", "body": "restarted"}}}'),
	'{"status": 200, "body": {"result": {"sys_id": "022fc28b83603210", "sys_mod_count": "9"}}}',
	'{"status": 200, "body": {"result": [{"sys_id": "j2", "element": "comments", "value": "restarted", "sys_created_by": "syncore.bot"},
	  {"sys_id": "j3", "element": "work_notes", "value": "restarted", "sys_created_by": "jdoe"},
	  {"sys_id": "j1", "element": "work_notes", "value": "Restarted ", "sys_created_by": "syncore.bot"}]}}');
SELECT play('servicenow', snow('{"kind": "comment", "unknown": true, "context": {"comment": {"id": 3, "channel": "work_notes", "body": "restarted"}}}'),
	'{"status": 200, "body": {"result": []}}');

-- What an answer is worth. RL-05: 400, 401, 403, 422 are permanent. RL-02: 429 says when. H7: success needs proof.
CREATE FUNCTION worth(kind text, VARIADIC answers jsonb[]) RETURNS text LANGUAGE sql AS $$
	SELECT max(line) FILTER (WHERE line LIKE '=>%') FROM play('servicenow', snow(jsonb_build_object('kind', kind, 'write', '{"state": "2"}'::jsonb)),
		VARIADIC answers) line $$;
SELECT a.what, worth('update', VARIADIC a.answers) FROM (VALUES
	(1, 'message and detail', ARRAY['{"status": 400, "body": {"error": {"message": "Invalid value", "detail": "state"}, "status": "failure"}}'::jsonb]),
	(2, 'no credential', ARRAY['{"status": 401, "body": {"error": {"message": "User Not Authenticated"}}}'::jsonb]),
	(3, 'no right', ARRAY['{"status": 403, "body": {"error": "Operation denied"}}'::jsonb]),
	(4, 'not valid', ARRAY['{"status": 422, "body": "<html>"}'::jsonb]),
	(5, 'redirect', ARRAY['{"status": 302, "headers": {"location": "http://169.254.169.254/"}}'::jsonb]),
	(6, 'conflict', ARRAY['{"status": 409, "body": {}}'::jsonb]),
	(7, 'precondition', ARRAY['{"status": 412}'::jsonb]),
	(8, 'busy, seconds', ARRAY['{"status": 429, "headers": {"retry-after": "7"}}'::jsonb]),
	(9, 'busy, date', ARRAY['{"status": 429, "headers": {"retry-after": "Sat, 01 Jan 2000 00:01:30 GMT"}}'::jsonb]),
	(10, 'busy, limit header', ARRAY['{"status": 429, "headers": {"x-ratelimit-reset": "946684810"}}'::jsonb]),
	(11, 'down, perhaps behind a proxy that had passed it on', ARRAY['{"status": 503}'::jsonb]),
	(25, 'down, and says until when', ARRAY['{"status": 503, "headers": {"retry-after": "7"}}'::jsonb]),
	(12, 'broken on the way', ARRAY['{"status": 502}'::jsonb]),
	(13, 'never left', ARRAY['{"not_sent": "could not resolve host"}'::jsonb]),
	(14, 'lost', ARRAY['{"lost": "connection reset"}'::jsonb]),
	(15, 'sleeping page', ARRAY['{"status": 200, "body": "<html>Instance Hibernating page</html>"}'::jsonb]),
	(16, 'null', ARRAY['{"status": 200, "body": "null"}'::jsonb]),
	(17, 'array for object', ARRAY['{"status": 200, "body": {"result": []}}'::jsonb]),
	(18, 'another record', ARRAY['{"status": 200, "body": {"result": {"sys_id": "feedbeef"}}}'::jsonb]),
	(19, 'undeclared success', ARRAY['{"status": 202, "body": {"result": {"sys_id": "022fc28b83603210"}}}'::jsonb]),
	(20, 'gone, seen twice', ARRAY['{"status": 404}'::jsonb, '{"status": 404}']),
	(21, 'not gone after all', ARRAY['{"status": 404}'::jsonb, '{"status": 200, "body": {"result": {"sys_id": "022fc28b83603210"}}}']),
	(22, 'gone, cannot be sure', ARRAY['{"status": 410}'::jsonb, '{"status": 503}'])
	) AS a(n, what, answers) ORDER BY a.n;
-- A long message is cut, at the border of a character, and is one line.
SELECT length(m) < 600 AS cut, octet_length(m) > 400 AS not_lost, m !~ '[[:cntrl:]]' AS one_line, m ~ 'é$' AS whole FROM worth('update',
	jsonb_build_object('status', 400, 'body', jsonb_build_object('error', jsonb_build_object('message', E'a\tb\n' || repeat('é', 2000))))) m;
-- RL-02: an answer that uses up the last of a limit names the time of the next call, too.
SELECT max(line) FILTER (WHERE line LIKE '=>%') FROM unnest('{1,0}'::text[]) left_over, play('jira', jira('{"kind": "read"}'), jsonb_build_object('status', 200,
	'headers', jsonb_build_object('x-ratelimit-remaining', left_over, 'x-ratelimit-reset', '946684810'), 'body', '{"id": "10002", "key": "OPS-7"}'::jsonb)) line GROUP BY left_over ORDER BY left_over DESC;
-- The same of a read: nothing was changed, so nothing is unknown.
SELECT a.what, worth('read', VARIADIC a.answers) FROM (VALUES
	(1, 'lost', ARRAY['{"lost": "connection reset"}'::jsonb]),
	(2, 'broken', ARRAY['{"status": 500}'::jsonb]),
	(3, 'sleeping page', ARRAY['{"status": 200, "body": "<html>"}'::jsonb]),
	(4, 'deep nesting', ARRAY[jsonb_build_object('status', 200, 'body', repeat('[', 100000))]),
	(5, 'huge number', ARRAY['{"status": 200, "body": "{\"result\": 1e400000}"}'::jsonb]),
	(6, 'another record', ARRAY['{"status": 200, "body": {"result": {"sys_id": "feedbeef"}}}'::jsonb]),
	(7, 'gone', ARRAY['{"status": 404}'::jsonb, '{"status": 404}']),
	(8, 'there', ARRAY['{"status": 200, "body": {"result": {"sys_id": "022fc28b83603210", "sys_mod_count": "4"}}}'::jsonb])
	) AS a(n, what, answers) ORDER BY a.n;
SELECT worth('delete', '{"status": 204}'), worth('delete', '{"status": 404}', '{"status": 404}');

-- S2: what comes from outside cannot leave the path or break a header; a control character is refused, not escaped.
SELECT play('servicenow', snow('{"kind": "read", "context": {"link": {"id": 7, "external_id": "../../oauth_token.do?x="}}}'), '{"status": 404}', '{"status": 404}');
SELECT play('servicenow', snow('{"kind": "read", "context": {"link": {"id": 7, "external_id": ".."}}}'), '{}');
SELECT play('servicenow', snow('{"kind": "update", "marker": "a\r\nX-Evil: 1", "write": {"state": "2"}}'), '{}');
-- An operation that no row describes.
SELECT play('servicenow', snow('{"kind": "read", "record_type": "problem"}'), '{}');

-- RL-03: backoff with full jitter and a maximum; Retry-After in all its forms.
SELECT a AS attempts, core_backoff(a, 0) AS least, core_backoff(a, 0.5) / 1000 AS middle_ms, core_backoff(a, 0.999999) / 1000 AS most_ms
FROM unnest(ARRAY[0, 1, 2, 5, 8, 9, 12, 1000]) a;
SELECT v AS retry_after, core_retry_after(v, '2026-02-28 14:00:00Z') / 1000000 AS seconds FROM unnest(ARRAY['0', '120', ' 5 ', '-3', '1.5', 'soon', '',
	'99999999999999999999', 'Sat, 28 Feb 2026 14:01:00 GMT', 'Saturday, 28-Feb-26 14:01:00 GMT', 'Sat Feb 28 14:01:00 2026',
	'Sat, 28 Feb 2026 13:00:00 GMT', 'Sat, 28 Foo 2026 14:01:00 GMT', 'Sat, 28 Feb 2026 14:01:00 GMT+1']) WITH ORDINALITY AS t(v, n) ORDER BY n;
