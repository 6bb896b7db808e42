-- What a write of ours brings back, and the order of calls and statements on one link; with three toys whose records are rows (peers.sql).
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
-- a toy that hands the marker of a call back (/call)
UPDATE syncore.connector_event SET paths = paths || '{"call_marker": "/call"}' WHERE name = 'change';
DELETE FROM syncore.route WHERE system = 'cyd';
CREATE VIEW due AS SELECT y.name AS system, d.state, d.gen FROM syncore.delivery d JOIN syncore.system y ON y.id = d.system_id ORDER BY 1;
CREATE FUNCTION since(mark bigint) RETURNS TABLE (kind text, system text, field text, rule text) LANGUAGE sql AS $$
	SELECT t.kind::text, t.system::text, t.field::text, t.rule FROM told t WHERE t.id > mark AND t.kind <> 'receive' ORDER BY t.id $$;
SELECT hears('ann', 'A1', '{"title": "one", "severity": "low", "description": "x"}');
SELECT serves('bob');
-- EL-02: the echo shows the call's marker: dropped by it, although the toy spells the value in its own way; nothing is due
SELECT hears('ann', 'A1', '{"description": "A Text"}');
SELECT serves('bob');
UPDATE peer SET v = v + 1, fields = fields || '{"description": "a text!"}' WHERE system = 'bob';
SELECT max(id) AS mark FROM syncore.ledger \gset
SELECT echo('bob', 'BOB-1');
SELECT * FROM since(:mark);
TABLE due;
-- (control) the same payload without the marker is somebody's edit
UPDATE peer SET v = v + 1, fields = fields || '{"description": "b text!"}', call = NULL, by_whom = 'kim' WHERE system = 'bob';
SELECT echo('bob', 'BOB-1');
SELECT data ->> 'description' AS description FROM syncore.entity;
SELECT settles();

-- EL-01, EL-03: no marker comes back: by position and value; nothing is due
UPDATE syncore.connector_event SET paths = paths - 'call_marker' - 'marker' WHERE name = 'change';
SELECT hears('ann', 'A1', '{"severity": "high"}'), serves('bob');
SELECT max(id) AS mark FROM syncore.ledger \gset
SELECT echo('bob', 'BOB-1');
SELECT DISTINCT * FROM since(:mark);
TABLE due;
-- EL-04: another value under our own account is a real edit; and so is our value by a person, once it had gone
SELECT hears('bob', 'BOB-1', '{"severity": "critical"}', 'syncore');
SELECT system FROM due;
SELECT serves('ann');
SELECT hears('bob', 'BOB-1', '{"severity": "high"}', 'kim');
-- EL-05: the ledger says of the one whose account it came under, and not of the other (control)
SELECT l.new, l.actor, l.actor_kind, l.detail ->> 'account' AS account FROM syncore.ledger l WHERE l.id > :mark AND l.kind = 'change' AND l.field = 'severity' ORDER BY l.id;
SELECT data ->> 'severity' AS severity FROM syncore.entity;
SELECT settles();

-- R12, CR-05: one call per link, reads included: while one is on its way nothing else is claimed there, whatever is due
SELECT hears('ann', 'A1', '{"severity": "low"}');
SELECT call FROM claims('bob');
SELECT hears('ann', 'A1', '{"title": "while it travels"}');
UPDATE syncore.link SET read_owed = true WHERE external_id = 'BOB-1';
SELECT call AS nothing FROM claims('bob');
-- R13: what the call carries stands on the link, committed before it is made
SELECT call ->> 'kind' AS kind, call #> '{fields,0,field}' AS field, call #> '{fields,0,value}' AS value, call ->> 'marker' = d.sent_marker::text AS marked, (call ->> 'unknown')::boolean AS unknown
FROM syncore.link k JOIN syncore.delivery d ON d.link = k.id WHERE k.external_id = 'BOB-1';
-- R3, R19: bob speaks meanwhile: another value of a field that travels waits, with all it says
SELECT outcome FROM syncore.ingest('bob', edits('bob', 'BOB-1', '{"severity": "critical", "description": "raised"}', 'kim')::text);
SELECT cardinality(waiting) AS waiting, (SELECT data ->> 'description' FROM syncore.entity) AS not_yet FROM syncore.link WHERE external_id = 'BOB-1';
-- the answer: our write came after his edit, and shows it; what waits is decided first, and only then is anything sent again
SELECT max(id) AS mark FROM syncore.ledger \gset
UPDATE peer SET v = v + 1, by_whom = 'syncore', fields = fields || '{"severity": "low"}' WHERE system = 'bob';
SELECT test_answer(0, (SELECT jsonb_build_array(jsonb_build_object('status', 200, 'body', shows(p))) FROM peer p WHERE system = 'bob'));
SELECT test_record();
SELECT * FROM since(:mark);
SELECT coalesce(cardinality(waiting), 0) AS waiting, (SELECT data ->> 'description' FROM syncore.entity) AS decided FROM syncore.link WHERE external_id = 'BOB-1';
SELECT settles() AS calls;
SELECT count(DISTINCT fields - 'assignment_group') AS different FROM peer;

-- R16: refused with 409: a read is owed and judged, then what is due is derived anew
SELECT hears('ann', 'A1', '{"severity": "info"}');
UPDATE peer SET v = v + 1, by_whom = 'kim', fields = fields || '{"description": "kim was here"}' WHERE system = 'bob';
SELECT serves('bob', '409');
SELECT read_owed FROM syncore.link WHERE external_id = 'BOB-1';
UPDATE syncore.delivery SET not_before = now();
SELECT serves('bob');
SELECT (SELECT data ->> 'description' FROM syncore.entity) AS description, (SELECT data ->> 'severity' FROM syncore.entity) AS severity;
SELECT settles() AS calls;
SELECT count(DISTINCT fields - 'assignment_group') AS different FROM peer;

-- R15, ID-08: the answer is lost although the work was done: read before anything is written; not written twice
SELECT hears('ann', 'A1', '{"severity": "medium"}');
SELECT max(n) AS mark FROM peer_log \gset
SELECT serves('bob', 'lost');
SELECT hears('ann', 'A1', '{"title": "after the loss"}');
UPDATE syncore.delivery SET not_before = now();
SELECT settles();
SELECT kind, wrote FROM peer_log WHERE n > :mark ORDER BY n;
SELECT count(DISTINCT fields - 'assignment_group') AS different FROM peer;

-- VC-05: at rest what we believe each system to hold is what it holds
SELECT y.name, bool_and(s.value -> 'held' -> 'value' = p.fields -> s.key) AS true_of_all, count(*) AS fields
FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id JOIN peer p ON p.system = y.name AND p.id = k.external_id, jsonb_each(k.shadow::jsonb) s WHERE p.fields ? s.key GROUP BY 1 ORDER BY 1;
TABLE due;
SELECT ok, what FROM syncore.verify_ledger();
DROP FUNCTION since(bigint);
CALL pg_temp.toys_go();
