-- Automations that answer our writes with changes of other fields, in a ring: the breaker ends it. EL-09, EL-10, R20.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
-- rows: a system's automation that answers a write of one field by turning another over, or by raising it for ever
CREATE TABLE habit (system text, hears text, turns text, words text[]);
CREATE FUNCTION other_word(words text[], held text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN words IS NULL THEN (coalesce(nullif(regexp_replace(held, '\D', '', 'g'), ''), '0')::int + 1)::text WHEN held = words[1] THEN words[2] ELSE words[1] END $$;
-- Whatever is due is sent, and every automation answers; until nothing happens, or so many rounds are over.
CREATE FUNCTION goes_round(rounds int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	start int := (SELECT coalesce(max(l.n), 0) FROM peer_log l);
	mark int := start;
	upto int;
	one record;
BEGIN
	FOR i IN 1 .. rounds LOOP
		PERFORM settles();
		upto := (SELECT max(l.n) FROM peer_log l);
		EXIT WHEN upto = mark;
		FOR one IN SELECT DISTINCT h.*, p.id, p.fields FROM peer_log l JOIN habit h ON h.system = l.system AND l.wrote ? h.hears JOIN peer p ON p.system = l.system AND p.id = l.id WHERE l.n > mark AND l.n <= upto LOOP
			PERFORM hears(one.system, one.id, jsonb_build_object(one.turns, other_word(one.words, one.fields ->> one.turns)), 'bot-' || one.system);
		END LOOP;
		mark := upto;
	END LOOP;
	RETURN CASE WHEN (SELECT max(l.n) FROM peer_log l) - start < 30 THEN 'it ended' ELSE 'it goes on' END;
END $$;
CREATE VIEW stopped AS SELECT y.name AS system, s.key AS field FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id, jsonb_each(k.shadow::jsonb) s WHERE (s.value ->> 'stopped')::boolean ORDER BY 1, 2;

-- two systems: ann turns severity over whenever description is written, bob description whenever severity is
INSERT INTO habit VALUES ('ann', 'description', 'severity', '{high,low}'), ('bob', 'severity', 'description', '{one,two}');
UPDATE syncore.route SET condition = '$.title == "three"' WHERE system = 'cyd';
SELECT hears('ann', 'A1', '{"title": "two", "severity": "low", "status": "new", "description": "two"}'), settles();
-- (control) a person's edit is answered once, however often people edit: no loop, and nothing stops
UPDATE habit SET hears = 'nothing' WHERE system = 'ann';
CREATE PROCEDURE people(rounds int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. rounds LOOP
		PERFORM hears('ann', 'A1', jsonb_build_object('severity', (ARRAY['high', 'low'])[1 + i % 2]), 'lee'), goes_round(5);
	END LOOP;
END $$;
CALL people(12);
TABLE stopped;
SELECT count(DISTINCT fields - 'assignment_group') AS different FROM peer;
UPDATE habit SET hears = 'description' WHERE system = 'ann';
-- then both
SELECT hears('ann', 'A1', '{"severity": "critical"}', 'lee'), goes_round(60);
SELECT system, count(*) FROM stopped GROUP BY 1 ORDER BY 1;
SELECT DISTINCT kind, rule FROM told WHERE kind = 'loop';
SELECT field, reason FROM told WHERE kind = 'loop' AND system = 'bob';
SELECT kind, times, hint ~ 'release_hold' AS says_how FROM syncore.alert WHERE closed_at IS NULL ORDER BY id LIMIT 1;
-- other fields flow; released, the fields are sent again
SELECT hears('ann', 'A1', '{"status": "in_progress"}', 'lee'), settles() AS calls;
SELECT fields ->> 'status' AS status FROM peer WHERE system = 'bob';
DELETE FROM habit;
SELECT syncore.release_hold('A1', field) IS NOT NULL AS released FROM (SELECT DISTINCT field FROM stopped) f;
SELECT settles() < 5 AS sent;
SELECT count(DISTINCT fields - 'assignment_group') AS different FROM peer;
TABLE stopped;

-- three systems in a ring, and values that never come again
INSERT INTO habit VALUES ('ann', 'status', 'severity', '{high,low}'), ('bob', 'severity', 'description', NULL), ('cyd', 'description', 'status', '{new,in_progress}');
SELECT hears('ann', 'A3', '{"title": "three", "severity": "low", "status": "new", "description": "0"}'), settles() > 0 AS sent;
SELECT hears('ann', 'A3', '{"severity": "high"}', 'lee'), goes_round(60);
SELECT count(*) > 0 AS stopped FROM stopped;
SELECT ok, what FROM syncore.verify_ledger();
DROP PROCEDURE people(int);
DROP FUNCTION goes_round(int), other_word(text[], text);
DROP VIEW stopped;
DROP TABLE habit;
CALL pg_temp.toys_go();
