-- What moves too often is seen, even where it looks like people at work: records by writes of the last hour, and an alert for a state
-- that changes all the time. EL-11, SA-03.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
SELECT count(hears('ann', 'N' || i, jsonb_build_object('title', 'normal ' || i, 'severity', 'low', 'status', 'new'))) AS normal, settles() > 0 AS sent FROM generate_series(1, 6) i;
SELECT hears('ann', 'LOOP', '{"title": "restless", "severity": "low", "status": "new", "description": "0"}'), settles() > 0 AS sent;
SELECT id AS bob FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'restless' \gset
-- two scripts under the accounts of two people answer each other: the breaker, which counts what machines put back, says nothing
CREATE PROCEDURE answers(rounds int, ann text, bob text, of text) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. rounds LOOP
		PERFORM hears('ann', 'LOOP', jsonb_build_object(of, ann), 'lee'), settles();
		PERFORM hears('bob', (SELECT p.id FROM peer p WHERE p.system = 'bob' AND p.fields ->> 'title' = 'restless'), jsonb_build_object(of, bob), 'kim'), settles();
	END LOOP;
END $$;
CALL answers(12, 'odd', 'even', 'description');
-- while elsewhere people work
SELECT count(hears('ann', 'N' || i, jsonb_build_object('severity', 'high'))) AS edits, settles() > 0 AS sent FROM generate_series(1, 6) i;
SELECT count(*) AS stopped FROM told WHERE kind = 'loop';
-- EL-11: it stands on top
SELECT ref, writes > 40 AS many_writes, changes, by_people, transitions, systems, to_do FROM syncore.stat_traffic LIMIT 2;
SELECT count(*) AS records FROM syncore.stat_traffic;
-- where it is machines by their own account, it says so
INSERT INTO syncore.actor (system, pattern, kind) SELECT name, 'bot%', 'automation' FROM syncore.system ON CONFLICT DO NOTHING;
CREATE PROCEDURE machines(rounds int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. rounds LOOP
		PERFORM hears('ann', 'N1', jsonb_build_object('description', 'round ' || i), 'bot-1'), settles();
	END LOOP;
END $$;
CALL machines(15);
SELECT ref, by_people, left(to_do, 15) AS to_do FROM syncore.stat_traffic WHERE ref = 'ann:N1';
-- (control) what is older than an hour does not count
SELECT writes FROM syncore.stat_traffic WHERE ref = 'ann:N2' \gset
BEGIN;
SET LOCAL ROLE syncore_owner;
INSERT INTO syncore.ledger (at, space_id, kind, entity, entity_seq, system_id, field, hash)
	SELECT now() - CASE WHEN i < 500 THEN interval '2 h' ELSE interval '5 min' END, 1, 'send', (SELECT k.entity FROM syncore.link k WHERE k.external_id = 'N2'), 1000 + i, 1000, 'title', '\x00' FROM generate_series(1, 502) i;
RESET ROLE;
SELECT writes - :writes AS more FROM syncore.stat_traffic WHERE ref = 'ann:N2';
ROLLBACK;
-- of a ledger that grows faster than can be read in a moment the last rows count, and the view says since when that is
SELECT DISTINCT since = now() - interval '1 h' AS whole_hour FROM syncore.stat_traffic;
BEGIN;
SET LOCAL ROLE syncore_owner;
SELECT syncore._ledger_last() AS last \gset
INSERT INTO syncore.ledger (id, at, space_id, kind, entity, entity_seq, system_id, field, hash)
	SELECT :last + i, now() - CASE WHEN i < 200001 THEN interval '5 min' ELSE interval '3 min' END, 1, 'send', (SELECT k.entity FROM syncore.link k WHERE k.external_id = 'N2'), 1000 + i, 1000, 'title', '\x00'
	FROM unnest(ARRAY[200000, 200001, 200002]) i;
SELECT setval('syncore.ledger_id_seq', :last + 200002) > :last AS grown;
RESET ROLE;
SELECT ref, writes, now() - since AS counted FROM syncore.stat_traffic;
ROLLBACK;
SELECT setval('syncore.ledger_id_seq', :last) = :last AS as_before;

-- SA-03: a state that changes all the time is an alarm, once, whoever does it and however slowly
SELECT name, transition_limit FROM syncore.entity_type ORDER BY name;
UPDATE syncore.entity_type SET transition_limit = 10 WHERE name = 'incident';
CALL answers(4, 'in_progress', 'pending', 'status');
SELECT syncore._watch_transitions(0) > 0 AS looked;
SELECT count(*) AS alerts FROM syncore.alert WHERE kind = 'transitions';
CALL answers(2, 'in_progress', 'pending', 'status');
SELECT syncore._watch_transitions(0) AS upto \gset
SELECT syncore._watch_transitions(0) > 0 AS looked_again;
SELECT level, kind, object, times, regexp_replace(detail, '\d\d:\d\d', '<time>') AS detail, hint FROM syncore.alert WHERE kind = 'transitions';
SELECT level, check_name, detail ~ 'restless|LOOP' AS named FROM syncore.health WHERE check_name = 'alerts';
-- (control) other fields may change as often as they like, and a type without limit knows no such alarm
UPDATE syncore.alert SET closed_at = now() WHERE kind = 'transitions';
UPDATE syncore.entity_type SET transition_limit = NULL WHERE name = 'incident';
SELECT syncore._watch_transitions(:upto) >= :upto AS looked;
SELECT count(*) AS alerts FROM syncore.alert WHERE kind = 'transitions' AND closed_at IS NULL;
\set VERBOSITY terse
UPDATE syncore.entity_type SET transition_limit = 1;
SELECT ok, what FROM syncore.verify_ledger();
DROP PROCEDURE answers(int, text, text, text), machines(int);
CALL pg_temp.toys_go();
