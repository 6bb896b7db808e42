-- What waits for a look at a record is looked at when its system can be asked again, without a new event: it always has a delivery.
-- R3, R11, R15, R21, EL-04; what the worker does about an open circuit is in test/t/172_circuit.pl
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
DELETE FROM syncore.route WHERE system = 'cyd';
UPDATE syncore.connector SET abilities = abilities || '{"marker_in_webhook": false}' WHERE name = 'toy';
CREATE VIEW waits AS SELECT s.name AS system, l.external_id, l.state, l.call ->> 'kind' AS call, (l.call ->> 'unknown')::boolean AS unknown, l.read_owed, cardinality(l.waiting) AS waiting,
	cardinality(l.unsure) AS unsure, d.state AS delivery, d.sent_at IS NULL AS free
	FROM syncore.link l JOIN syncore.system s ON s.id = l.system_id LEFT JOIN syncore.delivery d ON d.link = l.id
	WHERE l.call IS NOT NULL OR l.read_owed OR l.waiting IS NOT NULL OR l.unsure IS NOT NULL OR l.state IN ('candidate', 'creating') ORDER BY l.id;

-- 1. a write and a create whose answers are lost; a word of a person about the first, and a record that nobody knows, which may be the second
SELECT hears('ann', 'A1', '{"title": "one", "severity": "high"}'), settles();
SELECT hears('ann', 'A1', '{"title": "one, written"}'), serves('bob', 'lost');
SELECT hears('ann', 'A2', '{"title": "two", "severity": "high"}');
UPDATE syncore.delivery SET not_before = now() + interval '1 h' WHERE link IN (SELECT id FROM syncore.link WHERE external_id = 'BOB-1');
SELECT test_claim((SELECT id FROM syncore.system WHERE name = 'bob'), 1) LIKE 'create%' AS claimed;
INSERT INTO peer SELECT 'bob', 'BOB-2', 1, 'syncore', marker, NULL, '{"title": "two", "severity": "high"}' FROM syncore.link WHERE state = 'creating';
SELECT hears('bob', 'BOB-1', '{"title": "one, by hand"}', 'kim');
SELECT hears('bob', 'X-9', '{"title": "three"}', 'kim');
SELECT test_answer(0, '[{"lost": "timed out"}]'), test_record();
TABLE waits;
-- its circuit is open: nothing is claimed, however long. Then it is closed, and nobody says a word
SELECT count(*) AS events FROM syncore.event \gset
SELECT settles() > 0 AS worked_on;
TABLE waits;
SELECT count(*) - :events AS new_events FROM syncore.event;
SELECT data ->> 'title' AS title FROM syncore.entity ORDER BY id;
SELECT system, id, fields ->> 'title' AS title FROM peer ORDER BY 1, 2;

-- 2. a record that its route takes no more is still heard; what only a read can settle is read there, too (it was left for ever)
UPDATE syncore.connector SET position_grade = 'none' WHERE name = 'toy';
UPDATE syncore.route SET condition = '$.severity != "low"' WHERE system = 'bob';
SELECT hears('ann', 'A1', '{"severity": "low"}'), settles() > 0 AS read_at_ann;
SELECT in_route FROM syncore.link WHERE external_id = 'BOB-1';
SELECT hears('bob', 'BOB-1', '{"title": "one, out of route"}', 'kim');
TABLE waits;
SELECT serves('bob');
TABLE waits;
SELECT data ->> 'title' AS title FROM syncore.entity ORDER BY id LIMIT 1;
-- and nothing is written there (control: at ann it is)
SELECT settles();
SELECT (SELECT fields ->> 'severity' FROM peer WHERE id = 'BOB-1') AS severity_at_bob, (SELECT fields ->> 'title' FROM peer WHERE id = 'A1') AS title_at_ann;
-- 3. a lost write to a system that cannot be asked for long (its circuit is open): what a person says there meanwhile is not held up for as long as
-- that lasts (R3). Decided after the time limit, as overwritten by that write; told elsewhere, and written there again when it can be.
UPDATE syncore.connector SET position_grade = 'counter' WHERE name = 'toy';
UPDATE syncore.route SET condition = NULL WHERE system = 'bob';
CREATE FUNCTION test_unread(int) RETURNS int AS '$libdir/syncore_engine_test', 'test_unread' LANGUAGE C;
CREATE FUNCTION bob_is_silent() RETURNS int LANGUAGE sql AS $$ SELECT test_unread(id) FROM syncore.system WHERE name = 'bob' $$;
SELECT hears('ann', 'A1', '{"severity": "high", "title": "one again"}') IS NOT NULL AS heard, settles() > 0 AS in_step;
SELECT hears('ann', 'A1', '{"title": "one, lost on its way"}'), serves('bob', 'lost');
UPDATE peer SET v = v + 5 WHERE id = 'BOB-1';
SELECT hears('bob', 'BOB-1', '{"title": "one, said to a wall"}', 'kim');
-- (control) before the time is over, and of what nobody waits for, nothing is decided
SELECT bob_is_silent() AS decided;
SELECT system, call, unknown, waiting FROM waits;
UPDATE syncore.link SET call = jsonb_set(call, '{at}', to_jsonb((call ->> 'at')::bigint - 61000000)) WHERE external_id = 'BOB-1';
-- however long the queue is that waits with it, it is not read: only what waits is looked at
INSERT INTO syncore.entity (id, space_id, entity_type_id) SELECT 900000 + g, e.space_id, e.entity_type_id FROM syncore.link b JOIN syncore.entity e ON e.id = b.entity, generate_series(1, 4000) g WHERE b.external_id = 'BOB-1';
INSERT INTO syncore.link (id, space_id, system_id, record_type, entity, external_id) SELECT e.id, b.space_id, b.system_id, 'ticket', e.id, 'Q' || e.id FROM syncore.link b, syncore.entity e WHERE b.external_id = 'BOB-1' AND e.id > 900000;
INSERT INTO syncore.delivery (id, link, system_id, space_id, shard) SELECT l.id, l.id, l.system_id, l.space_id, 0 FROM syncore.link l WHERE l.id > 900000;
ANALYZE syncore.link, syncore.delivery;
CREATE VIEW rows_read AS SELECT sum(seq_tup_read + idx_tup_fetch) AS n FROM pg_stat_xact_user_tables WHERE schemaname = 'syncore' AND relname IN ('link', 'delivery');
BEGIN;
SELECT n AS before FROM rows_read \gset
SELECT bob_is_silent() AS decided;
SELECT n - :before < 20 AS few_rows_read FROM rows_read;
COMMIT;
DROP VIEW rows_read;
DELETE FROM syncore.delivery WHERE id > 900000;
DELETE FROM syncore.link WHERE id > 900000;
DELETE FROM syncore.entity WHERE id > 900000;
SELECT system, call, unknown, waiting FROM waits WHERE system = 'bob';
SELECT kind, rule, new, reason FROM told WHERE system = 'bob' AND field = 'title' ORDER BY id DESC LIMIT 1;
SELECT data ->> 'title' AS title FROM syncore.entity ORDER BY id LIMIT 1;
-- the others hear of it at once, a second look finds nothing to do, and what is said next does not wait
SELECT serves('ann');
SELECT bob_is_silent() AS decided;
SELECT hears('bob', 'BOB-1', '{"title": "one, said again"}', 'kim');
-- it can be asked again: the write is looked up, and both are in step
SELECT settles() > 0 AS worked_on;
TABLE waits;
SELECT count(DISTINCT fields ->> 'title') AS different, min(fields ->> 'title') AS title FROM peer WHERE id IN ('A1', 'BOB-1');
-- 4. R1, R2: a, b, a within a second, from a toy that gives its events no ids and its records no finer time: the third is not the first again,
-- it is a hint, and only the record says what it holds (control: where versions count it is dropped as the first)
CREATE FUNCTION thrice(record text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	a jsonb := edits('bob', record, jsonb_build_object('title', record || ', a'), 'kim') - 'eid';
	b jsonb := jsonb_set(a, '{f,title}', to_jsonb(record || ', b'));
	outcomes text;
BEGIN
	SELECT string_agg((syncore.ingest('bob', e::text)).outcome, ', ' ORDER BY n) INTO outcomes FROM unnest(ARRAY[a, b, a]) WITH ORDINALITY AS t(e, n);
	RETURN format('%s; to be read: %s', outcomes, (SELECT read_owed FROM syncore.link WHERE external_id = record));
END $$;
SELECT thrice('BOB-1');
SELECT settles() > 0 AS in_step;
UPDATE syncore.connector SET position_grade = 'coarse' WHERE name = 'toy';
SELECT hears('bob', 'X-11', '{"title": "X-11"}', 'kim'), settles() > 0 AS in_step;
SELECT thrice('X-11');
SELECT rule, reason FROM told WHERE system = 'bob' ORDER BY id DESC LIMIT 1;
SELECT serves('bob');
SELECT data ->> 'title' AS title FROM syncore.entity ORDER BY id DESC LIMIT 1;
DROP FUNCTION thrice(text);
SELECT ok, what FROM syncore.verify_ledger();
DROP VIEW waits;
DROP FUNCTION bob_is_silent(), test_unread(int);
CALL pg_temp.toys_go();
