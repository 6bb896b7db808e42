-- Value maps, people, null policy, conditions, one-way rows, transforms: what becomes of one field of a record.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
RESET client_min_messages;
CREATE FUNCTION pg_temp.up(spec jsonb, external jsonb, record jsonb DEFAULT NULL) RETURNS text AS '$libdir/syncore_core_test', 'core_up' LANGUAGE C;
CREATE FUNCTION pg_temp.down(spec jsonb, canonical jsonb, qualifier text DEFAULT NULL) RETURNS text AS '$libdir/syncore_core_test', 'core_down' LANGUAGE C;
CREATE FUNCTION pg_temp.read(spec jsonb, record jsonb, full_record boolean DEFAULT false) RETURNS text AS '$libdir/syncore_core_test', 'core_read' LANGUAGE C;
CREATE FUNCTION pg_temp.same(spec jsonb, a jsonb, b jsonb) RETURNS boolean AS '$libdir/syncore_core_test', 'core_same' LANGUAGE C;

CREATE TEMP TABLE m AS SELECT '{"field": {"kind": "rank", "allowed": ["critical", "high", "medium", "low", "info"]},
	"values": [["1", "critical"], ["2", "high"], ["3", "medium"], ["4", "low", "planned"], ["4b", "low", null, "in"], ["5", "info"], ["9", null, null, "in"], ["-", null, null, "out"],
		["P0", "critical", null, "in"], ["2", "high", null, "out"], ["5", "low", null, "out"]], "map": {}}'::jsonb AS s;
-- words both ways; the qualifier keeps what the canonical value would lose; nearest tells where something is lost
SELECT e, pg_temp.up(s, e::jsonb) FROM m, unnest(ARRAY['"1"', '1', '"P0"', '"4"', '"4b"', '"5"', '"9"', '"7"', 'null', '""', '{"link": "https://x", "value": "2"}', '"CRITICAL"', '[1]']) WITH ORDINALITY AS u(e, n) ORDER BY n;
SELECT c, q, pg_temp.down(s, c::jsonb, q) FROM m, (VALUES (1, '"critical"', NULL), (2, '"low"', 'planned'), (3, '"low"', NULL), (4, '"low"', 'unheard of'), (5, '"info"', NULL), (6, 'null', NULL), (7, '"unknown"', NULL)) AS v(n, c, q) ORDER BY n;

-- on_unmapped: halt, skip, fallback, both ways
SELECT o, pg_temp.up(s || jsonb_build_object('map', o::jsonb), '"7"') AS up, pg_temp.down(s || jsonb_build_object('map', o::jsonb), '"odd"') AS down
FROM m, unnest(ARRAY['{"on_unmapped": "halt"}', '{"on_unmapped": "skip"}', '{"on_unmapped": "fallback", "fallback": "medium"}', '{"on_unmapped": "fallback", "fallback": "nonsense"}']) WITH ORDINALITY AS u(o, n) ORDER BY n;
-- without a value map the declared values count; a state is one of the type's states
SELECT pg_temp.up('{"field": {"kind": "rank", "allowed": ["high", "low"]}, "map": {}}', '"high"'), pg_temp.up('{"field": {"kind": "rank", "allowed": ["high", "low"]}, "map": {}}', '"middle"');
SELECT pg_temp.read('{"field": {"name": "status", "kind": "state"}, "states": ["new", "closed"], "map": {"path": "/state"}}', '{"state": "closed"}'),
	pg_temp.read('{"field": {"name": "status", "kind": "state"}, "states": ["new", "closed"], "map": {"path": "/state"}}', '{"state": "open"}'),
	pg_temp.read('{"field": {"name": "status", "kind": "state"}, "states": ["new", "closed"], "values": [["6", "shut"]], "map": {"path": "/state"}}', '{"state": 6}');

-- FM-08: null policy, three cases and the fallback; a required field is never cleared
SELECT o, pg_temp.up(jsonb_build_object('field', '{"kind": "text"}'::jsonb, 'map', o::jsonb), 'null') AS up, pg_temp.up(jsonb_build_object('field', '{"kind": "text"}'::jsonb, 'map', o::jsonb), '""') AS up_empty,
	pg_temp.down(jsonb_build_object('field', '{"kind": "text"}'::jsonb, 'map', o::jsonb), 'null') AS down
FROM unnest(ARRAY['{"on_null": "clear"}', '{"on_null": "clear", "format": {"null": ""}}', '{"on_null": "keep"}', '{"on_null": "fallback", "fallback": "n/a"}', '{"on_null": "reject"}']) WITH ORDINALITY AS u(o, n) ORDER BY n;
SELECT pg_temp.up('{"field": {"name": "title", "required": true}, "map": {}}', '""'), pg_temp.up('{"field": {"name": "title", "required": true}, "map": {"on_null": "keep"}}', '""');

-- absent is not empty; a full record's silence is, but never that of a sensitive field, which is taken out of what is stored;
-- a path that ends early in nothing is empty
SELECT full_record, pg_temp.read('{"maps": [{"field": {"name": "a"}, "path": "/a"}, {"field": {"name": "b"}, "path": "/b/id"}, {"field": {"name": "c", "sensitive": "masked"}, "path": "/c"}]}', r::jsonb, full_record)
FROM (VALUES (1, '{}', false), (2, '{}', true), (3, '{"b": null}', false), (4, '{"b": ""}', false), (5, '{"b": {"id": "x"}, "c": "y"}', true), (6, '{"b": "scalar"}', false)) AS v(n, r, full_record) ORDER BY n;
-- SE-04: what is of the contract is always there: a full record without it says nothing of it
SELECT pg_temp.read('{"maps": [{"field": {"name": "a"}, "path": "/a", "contract": true}, {"field": {"name": "b"}, "path": "/b/id", "contract": true}, {"field": {"name": "d"}, "path": "/d"}]}', r::jsonb, true)
FROM (VALUES (1, '{}'), (2, '{"a": null, "b": null}')) AS v(n, r) ORDER BY n;

-- FM-01: a one-way row is read, or written, never both
SELECT d, pg_temp.read(jsonb_build_object('map', jsonb_build_object('path', '/a', 'direction', d)), '{"a": "x"}') FROM unnest(ARRAY['both', 'in', 'out', 'none']) WITH ORDINALITY AS u(d, n) ORDER BY n;
-- FM-04: several rows of one field: priority is read, impact and urgency are written
SELECT pg_temp.read('{"values": [["1", "critical"]], "maps": [{"field": {"name": "severity"}, "path": "/impact", "direction": "out"}, {"field": {"name": "severity"}, "path": "/priority", "direction": "in"}]}', '{"impact": "3", "priority": "1"}');
-- FM-06: rows with conditions: the first that holds and speaks counts
SELECT r, pg_temp.read('{"maps": [{"field": {"name": "owner"}, "path": "/vip_owner", "condition": "$.vip == true"}, {"field": {"name": "owner"}, "path": "/owner"}]}', r::jsonb)
FROM unnest(ARRAY['{"vip": true, "vip_owner": "ada", "owner": "bob"}', '{"vip": false, "vip_owner": "ada", "owner": "bob"}', '{"vip": true, "owner": "bob"}', '{}']) WITH ORDINALITY AS u(r, n) ORDER BY n;

-- FM-07: transforms run before the value map inbound and after it outbound; one that fails is data
SELECT pg_temp.up('{"map": {"transform_in": "test.upper"}}', '"abc"'), pg_temp.down('{"map": {"transform_out": "test.upper"}}', '"abc"'), pg_temp.up('{"map": {"transform_in": "test.full_name"}}', '"x"', '{"first": "Ada", "last": "Lee"}'),
	pg_temp.up('{"values": [["ABC", "found"]], "map": {"transform_in": "test.upper"}}', '"abc"'), pg_temp.up('{"map": {"transform_in": "test.nothing"}}', '"abc"');
SELECT pg_temp.up('{"map": {"transform_in": "test.fail"}}', '"abc"'), pg_temp.down('{"map": {"transform_out": "test.fail"}}', '"abc"');

-- FM-18: people; somebody unknown halts, is left alone, or falls to a default
CREATE TEMP TABLE p AS SELECT '{"field": {"name": "assignee", "kind": "person"}, "people": {"u1": "a.lee@acme.example", "u2": "b.kim@acme.example", "u0": "nobody@acme.example"}}'::jsonb AS s;
SELECT o, pg_temp.up(s || jsonb_build_object('map', o::jsonb), '"u1"') AS known, pg_temp.up(s || jsonb_build_object('map', o::jsonb), '"u9"') AS unknown, pg_temp.up(s || jsonb_build_object('map', o::jsonb), '""') AS nobody
FROM p, unnest(ARRAY['{}', '{"on_unmapped": "skip"}', '{"on_unmapped": "fallback", "fallback": "nobody@acme.example"}']) WITH ORDINALITY AS u(o, n) ORDER BY n;
SELECT o, pg_temp.down(s || jsonb_build_object('map', o::jsonb), '"b.kim@acme.example"') AS known, pg_temp.down(s || jsonb_build_object('map', o::jsonb), '"c@acme.example"') AS unknown, pg_temp.down(s || jsonb_build_object('map', o::jsonb), 'null') AS nobody
FROM p, unnest(ARRAY['{}', '{"on_unmapped": "skip"}', '{"on_unmapped": "fallback", "fallback": "nobody@acme.example"}', '{"format": {"identity": "/accountId"}}']) WITH ORDINALITY AS u(o, n) ORDER BY n;
-- ServiceNow: a reference is an object or the bare id, and both are the same
SELECT pg_temp.up(s || '{"map": {}}', '{"link": "https://acme/api/u1", "value": "u1"}'), pg_temp.same(s || '{"map": {}}', '{"link": "https://acme/api/u1", "value": "u1"}', '"u1"') FROM p;

-- sets: each member by the map; unmapped members halt, are left out, or become the fallback
SELECT o, pg_temp.up(jsonb_build_object('field', '{"name": "tags", "kind": "set"}'::jsonb, 'values', '[["BUG", "bug"], ["SEC", "security"], ["X", null, null, "in"]]'::jsonb, 'map', o::jsonb), '["SEC", "BUG", "ODD", "X"]') AS up,
	pg_temp.down(jsonb_build_object('field', '{"name": "tags", "kind": "set"}'::jsonb, 'values', '[["BUG", "bug"], ["SEC", "security"]]'::jsonb, 'map', o::jsonb), '["bug", "odd"]') AS down
FROM unnest(ARRAY['{}', '{"on_unmapped": "skip"}', '{"on_unmapped": "fallback", "fallback": "other"}']) WITH ORDINALITY AS u(o, n) ORDER BY n;
SELECT pg_temp.up('{"field": {"kind": "set"}, "map": {"on_null": "fallback", "fallback": "none"}}', '[]');

-- the value of a sensitive field is in no message
SELECT pg_temp.up('{"field": {"name": "token", "sensitive": "masked", "kind": "rank", "allowed": ["a"]}, "map": {}}', '"hunter2"') AS sensitive,
	pg_temp.up('{"field": {"name": "token", "kind": "rank", "allowed": ["a"]}, "map": {}}', to_jsonb(repeat('long ', 30))) AS long;

-- ST: a ladder of seven states against four: up after down is the canonical value or its nearest, and stays there
WITH s AS (SELECT '{"field": {"name": "status", "kind": "text"}, "map": {}, "values": [["To Do", "new"], ["In Progress", "in_progress"], ["In Progress", "pending", null, "out"], ["In Progress", "on_hold", null, "out"],
	["Done", "resolved"], ["Done", "closed", null, "out"], ["Done", "cancelled", null, "out"]]}'::jsonb AS s)
SELECT c, pg_temp.down(s, to_jsonb(c)) AS there, pg_temp.up(s, pg_temp.down(s, to_jsonb(c))::jsonb) AS back FROM s, unnest(ARRAY['new', 'in_progress', 'pending', 'on_hold', 'resolved', 'closed', 'cancelled']) WITH ORDINALITY AS u(c, n) ORDER BY n;
SET client_min_messages = warning;
SET syncore.allow_drop = on;
DROP EXTENSION syncore CASCADE;
