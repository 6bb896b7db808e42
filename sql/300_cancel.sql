-- Race cancel_in_batch: what is nobody's fault ends the whole statement and is never blamed on an event.
-- The user function below does what the event says, so that the error falls in the midst of a batch.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/toys.sql'
\i :toys
CREATE TABLE public.mood (kind text);
INSERT INTO public.mood VALUES ('calm');
CREATE FUNCTION public.moody(v jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ DECLARE mood text := (SELECT kind FROM public.mood); BEGIN
	IF v <> '"strike"' OR mood = 'calm' THEN RETURN v; END IF;
	IF mood = 'slow' THEN PERFORM pg_sleep(30); END IF;
	IF mood = 'cancel' THEN PERFORM pg_cancel_backend(pg_backend_pid()); PERFORM pg_sleep(30); END IF;
	RAISE EXCEPTION 'the function says %', mood USING ERRCODE = mood;
END $$;
UPDATE syncore.field_map SET transform_in = 'public.moody' WHERE system = 'ann' AND field = 'description';
-- a batch of 40 with the strike in its midst, and one record that is known already
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 1, '{"title": "known", "severity": "low"}', eid => 'first'));
CREATE FUNCTION batch() RETURNS void LANGUAGE sql AS $$
	INSERT INTO syncore.event (system, payload)
	SELECT 'ann', said('A' || i, 2, jsonb_build_object('title', 'batch ' || i, 'severity', 'high', 'description', CASE i WHEN 20 THEN 'strike' ELSE 'word' END), eid => 'b' || i)
	FROM generate_series(1, 40) i $$;
CREATE VIEW state AS SELECT (SELECT count(*) FROM syncore.event) AS events, (SELECT count(*) FROM syncore.event_key) AS keys, (SELECT count(*) FROM syncore.entity) AS entities,
	(SELECT count(*) FROM syncore.link) AS links, (SELECT count(*) FROM told) AS ledger, (SELECT count(*) FROM syncore.delivery) AS deliveries,
	(SELECT count(*) FROM syncore.quarantine_entry) AS quarantined, (SELECT data ->> 'severity' FROM syncore.entity ORDER BY id LIMIT 1) AS severity;
TABLE state;

-- statement_timeout, while the strike is being decided
UPDATE public.mood SET kind = 'slow';
SET statement_timeout = '300ms';
SELECT batch();
RESET statement_timeout;
TABLE state;
-- a cancel by somebody
UPDATE public.mood SET kind = 'cancel';
SELECT batch();
TABLE state;
-- deadlock, serialization, lock timeout, no memory, shutdown: to be tried again whole, by whoever began
CREATE PROCEDURE strike(code text) LANGUAGE plpgsql AS $$
BEGIN
	UPDATE public.mood SET kind = code;
	PERFORM batch();
	RAISE INFO '%: taken, % in quarantine', code, (SELECT count(*) FROM syncore.quarantine_entry);
	ROLLBACK;
EXCEPTION WHEN OTHERS THEN
	RAISE INFO '%: the statement ended with %', code, SQLSTATE;
END $$;
CALL strike('40P01');
CALL strike('40001');
CALL strike('55P03');
CALL strike('53200');
CALL strike('57P01');
CALL strike('XX001');
TABLE state;
-- with savepoints of one's own the rest of the transaction lives
BEGIN;
UPDATE public.mood SET kind = '40001';
SAVEPOINT s;
SELECT batch();
ROLLBACK TO s;
UPDATE public.mood SET kind = 'calm';
SELECT count(*) AS still_there FROM syncore.entity;
ROLLBACK;

-- (control) what the event can be blamed for sets that event aside and nothing else, whatever code the function chose
CREATE FUNCTION blamed(code text) RETURNS TABLE (quarantined bigint, code_said text, entities bigint) LANGUAGE plpgsql AS $$
BEGIN
	UPDATE public.mood SET kind = code;
	PERFORM batch();
	RETURN QUERY SELECT count(*), max(q.code), (SELECT count(*) FROM syncore.entity) FROM syncore.quarantine_entry q;
END $$;
BEGIN; SELECT * FROM blamed('22012'); ROLLBACK;
BEGIN; SELECT * FROM blamed('P0001'); ROLLBACK;
BEGIN; SELECT * FROM blamed('0A000'); ROLLBACK;
BEGIN; SELECT * FROM blamed('MY001'); ROLLBACK;
-- (control) and a calm function takes the same batch whole
UPDATE public.mood SET kind = 'calm';
SELECT batch();
TABLE state;
SELECT ok, what FROM syncore.verify_ledger();
CALL pg_temp.toys_go();
DROP FUNCTION batch(), blamed(text), public.moody(jsonb);
DROP PROCEDURE strike(text);
DROP TABLE public.mood;
