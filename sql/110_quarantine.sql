-- Events that cannot be decided harm nobody else.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/toys.sql'
\i :toys
INSERT INTO syncore.value_map (name, external, canonical) VALUES ('toy.severity', 'P1', 'critical'), ('toy.severity', 'P4', 'low');
UPDATE syncore.field_map SET value_map = 'toy.severity' WHERE field = 'severity' AND system = 'bob';

-- VQ-04: one poison among a thousand others
INSERT INTO syncore.event (system, payload)
SELECT 'ann', said('A' || i, 1, CASE WHEN i = 500 THEN '{"title": {"no": "text"}}' ELSE jsonb_build_object('title', 'one of ' || i) END)
FROM generate_series(1, 1001) i;
SELECT count(*) FROM syncore.entity;
SELECT code, path, message, hint <> '' AS has_hint, external_id FROM syncore.quarantine_entry;

-- VQ-03: every kind of poison says what, where and what to do
INSERT INTO syncore.event (system, payload) VALUES
	('ann', said('Q1', 1, '{"title": "fine"}')),
	('nobody', said('Q2', 1, '{"title": "unknown system"}')),
	('ann', said('Q3', 1, '{"title": "unknown record type"}') || '{"type": "wish"}'),
	('ann', '{"v": 1, "f": {"title": "no record named"}}'),
	('bob', said('Q5', 1, '{"title": "unknown value", "severity": "P9"}')),
	('ann', said('Q6', 1, '{"title": "wrong type", "severity": [1, 2]}')),
	('ann', said('Q7', 1, '{"title": "not allowed", "severity": "mauve"}')),
	('ann', said('Q8', 1, '{"title": "fine too"}')),
	('ann', NULL),
	('ann', '"a string"');
-- EV-04: a kind of action that nobody knows is not taken for an update
INSERT INTO syncore.event (system, payload, kind) VALUES ('ann', said('Q9', 1, '{"title": "fine three"}'), 'create'), ('ann', said('Q10', 1, '{"title": "odd"}'), 'amend');
SELECT system, external_id, code, path, message FROM syncore.quarantine_entry ORDER BY id OFFSET 1;
SELECT bool_and(hint <> '') AS hints FROM syncore.quarantine_entry;
SELECT count(*) FROM syncore.entity WHERE data ->> 'title' LIKE 'fine%';
SELECT kind, system, reason FROM told WHERE kind = 'quarantine' AND system = 'bob';
-- nothing of a bad event is kept: no half record
SELECT count(*) FROM syncore.link WHERE external_id IN ('Q2', 'Q3', 'Q5', 'Q6', 'Q7', 'Q10');

-- a body that is no JSON is kept as it came
SELECT outcome, entity FROM syncore.ingest('ann', '{"id": "X1", ');
SELECT outcome, entity FROM syncore.ingest_raw('ann', '\xff7b7d');
SELECT outcome FROM syncore.ingest('ann', '{"id": "X2", "f": {"title": "\u0000"}}');
SELECT code, message, raw FROM syncore.quarantine_entry ORDER BY id DESC LIMIT 3;

-- VQ-02: released when the map is mended
INSERT INTO syncore.value_map (name, external, canonical) VALUES ('toy.severity', 'P9', 'info');
SELECT syncore._replay_event(event) FROM syncore.quarantine_entry WHERE external_id = 'Q5';
SELECT data ->> 'severity' FROM syncore.entity WHERE data ->> 'title' = 'unknown value';

-- a time that is none is not taken for the time of arrival: set aside with its path; released when the row that reads it is put right
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('T1', 1, '{"title": "in time"}')), ('ann', said('T2', 1, '{"title": "last Tuesday"}') || '{"at": "last Tuesday"}'),
	('ann', said('T3', 1, '{"title": "at noon"}') || '{"at": "noon"}'), ('ann', said('T4', 1, '{"title": "no time"}') - 'at'), ('ann', said('T5', 1, '{"title": "year 10000"}') || '{"at": "10000-01-01T00:00:00Z"}');
-- who gives the time himself is not asked what the payload says of it
INSERT INTO syncore.event (system, payload, source_time) VALUES ('ann', said('T6', 1, '{"title": "told beside it"}') || '{"at": "last Friday"}', '2026-03-01 12:00:00+00');
SELECT external_id, code, path, message, hint FROM syncore.quarantine_entry WHERE external_id LIKE 'T_' ORDER BY 1;
SELECT l.external_id, e.data ->> 'title' AS title FROM syncore.link l JOIN syncore.entity e ON e.id = l.entity WHERE l.external_id LIKE 'T_' ORDER BY 1;
SELECT source_time IS NULL AS no_time FROM syncore.event WHERE external_id = 'T2';
-- its neighbour of the same record, later and well told, is decided; the other is released, and is then the older one
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('T3', 3, '{"title": "third"}'));
SELECT regexp_replace(syncore.release(id, 'nothing was mended'), '[0-9]+', 'N') AS again FROM syncore.quarantine_entry WHERE external_id = 'T3';
UPDATE syncore.connector_event SET paths = paths - 'source_time' WHERE connector = 'toy' AND name = 'change';
SELECT regexp_replace(syncore.release(id, 'times are not read'), '[0-9]+', 'N') AS released FROM syncore.quarantine_entry WHERE external_id = 'T3' AND state = 'open';
SELECT kind, rule, new FROM told WHERE system = 'ann' AND field = 'title' ORDER BY id DESC LIMIT 1;
SELECT data ->> 'title' AS title FROM syncore.entity e JOIN syncore.link l ON l.entity = e.id WHERE l.external_id = 'T3';
UPDATE syncore.connector_event SET paths = paths || '{"source_time": "/at"}' WHERE connector = 'toy' AND name = 'change';

-- FM-07: a user function that fails, that takes too long, that writes: only its own event is set aside
CREATE FUNCTION public.shout(v jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ BEGIN
	IF v = '"bang"' THEN RAISE EXCEPTION 'the function fell over'; END IF;
	IF v = '"slow"' THEN PERFORM pg_sleep(60); END IF;
	IF v = '"deaf"' THEN
		BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(60); END;
	END IF;
	IF v = '"write"' THEN CREATE TABLE public.left_behind (x int); END IF;
	IF v = '"who"' THEN RETURN to_jsonb(CURRENT_USER::text); END IF;
	RETURN to_jsonb(upper(v #>> '{}'));
END $$;
CREATE ROLE regress_mapper;
GRANT USAGE ON SCHEMA public TO regress_mapper;
UPDATE syncore.field_map SET transform_in = 'public.shout' WHERE system = 'cyd' AND field = 'description';
-- (as if that role had written the row)
ALTER TABLE syncore.field_map DISABLE TRIGGER c_run_as;
UPDATE syncore.field_map SET run_as = 'regress_mapper' WHERE system = 'cyd' AND field = 'description';
ALTER TABLE syncore.field_map ENABLE TRIGGER c_run_as;
SELECT run_as FROM syncore.field_map WHERE system = 'cyd' AND field = 'description';
INSERT INTO syncore.event (system, payload)
SELECT 'cyd', said('F' || i, 1, jsonb_build_object('title', 'function ' || i, 'description', w)) FROM unnest('{quiet,bang,slow,deaf,write,who,loud}'::text[]) WITH ORDINALITY AS t(w, i);
SELECT data ->> 'title' AS title, data ->> 'description' AS description FROM syncore.entity WHERE data ->> 'title' LIKE 'function%' ORDER BY 1;
SELECT external_id, message FROM syncore.quarantine_entry WHERE external_id LIKE 'F%' ORDER BY id;
SELECT to_regclass('public.left_behind');
SELECT ok, what FROM syncore.verify_ledger();
CALL pg_temp.toys_go();
DROP FUNCTION public.shout(jsonb);
DROP OWNED BY regress_mapper;
DROP ROLE regress_mapper;
