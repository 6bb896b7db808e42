-- An edit that is first seen in the answer to our own write: it is its author's, not ours and no machine's. R14, R20, RS-03; EL-09, EL-10, race peer_fights_back with its control.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
DELETE FROM syncore.route WHERE system = 'cyd';
SELECT syncore.set_policy('incident', 'severity', '{human_wins,last_update_wins}') IS NOT NULL AS policy;
SELECT hears('ann', 'A1', '{"title": "one", "severity": "low", "description": "d"}'), settles();
-- kim edits at bob; before his webhook is heard we write another field there, and the answer shows his edit
SELECT edits('bob', 'BOB-1', '{"severity": "critical"}', 'kim') IS NOT NULL AS kim_edits;
SELECT hears('ann', 'A1', '{"description": "e"}');
SELECT serves('bob');
SELECT kind, system, field, new, actor, actor_kind, regexp_replace(reason, '\d\d:\d\d:\d\d', '<time>') AS reason FROM told WHERE field = 'severity' ORDER BY id DESC LIMIT 1;
-- a machine at ann that had not seen it, and is older, does not beat it for being a machine
SELECT hears('ann', 'A1', '{"severity": "medium"}', 'bot-1');
SELECT data ->> 'severity' AS severity FROM syncore.entity;
SELECT rule, reason ~ 'is later than' AS by_time FROM told WHERE kind = 'conflict' ORDER BY id DESC LIMIT 1;
SELECT settles() AS calls;
-- such edits never trip the breaker, however often they come
CREATE PROCEDURE unheard(n int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n LOOP
		PERFORM hears('ann', 'A1', jsonb_build_object('severity', 'high')), settles();
		PERFORM edits('bob', 'BOB-1', '{"severity": "critical"}', 'kim');
		PERFORM hears('ann', 'A1', jsonb_build_object('description', 'round ' || i)), settles();
	END LOOP;
END $$;
CALL unheard(6);
SELECT count(*) AS loops FROM told WHERE kind = 'loop';
SELECT DISTINCT fields - 'assignment_group' AS both FROM peer;

-- EL-09, EL-10, peer_fights_back: a machine that puts back what we write, and another at ann that insists: three times, then it stops there, with one alert
CREATE PROCEDURE fight(rounds int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. rounds LOOP
		PERFORM hears('ann', 'A1', jsonb_build_object('severity', 'high'), 'bot-1');
		PERFORM settles();
		CONTINUE WHEN (SELECT fields ->> 'severity' FROM peer WHERE id = 'BOB-1') = 'low';
		PERFORM hears('bob', 'BOB-1', jsonb_build_object('severity', 'low'), 'bot-2');
		PERFORM settles();
	END LOOP;
END $$;
SELECT hears('bob', 'BOB-1', '{"severity": "low"}', 'kim'), settles();
SELECT max(n) AS mark FROM peer_log \gset
CALL fight(12);
SELECT count(*) < 10 AS it_ended FROM peer_log WHERE n > :mark;
SELECT count(*) AS loops FROM told WHERE kind = 'loop';
SELECT level, kind, times, hint ~ 'release_hold' AS says_how FROM syncore.alert WHERE closed_at IS NULL;
SELECT k.external_id, (s.value ->> 'stopped')::boolean AS stopped FROM syncore.link k, jsonb_each(k.shadow::jsonb) s WHERE s.key = 'severity' ORDER BY 1;
-- other fields flow; released, it does, too
SELECT hears('ann', 'A1', '{"description": "still flows"}');
SELECT settles() AS calls;
SELECT fields ->> 'description' AS description, fields ->> 'severity' AS severity FROM peer WHERE id = 'BOB-1';
SELECT syncore.release_hold('A1', 'severity') IS NOT NULL AS released;
SELECT settles() > 0 AS sent;
SELECT count(DISTINCT fields - 'assignment_group') AS different FROM peer;
-- (control) people who do the same as often, and faster, trip nothing
CREATE PROCEDURE people(rounds int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. rounds LOOP
		PERFORM hears('ann', 'A1', jsonb_build_object('severity', 'high'), 'lee'), settles();
		PERFORM hears('bob', 'BOB-1', jsonb_build_object('severity', 'low'), 'kim'), settles();
	END LOOP;
END $$;
CALL people(12);
SELECT count(*) AS loops FROM told WHERE kind = 'loop';
SELECT count(DISTINCT fields - 'assignment_group') AS different FROM peer;
-- R5, R8, I8: kim's edit is first seen beside our own name, and loses to the older one of lee; the webhook says who it was: the later of two people stands
CREATE FUNCTION severities() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(DISTINCT fields ->> 'severity', ',') FROM peer WHERE id IN ('A2', 'BOB-2') $$;
SELECT hears('ann', 'A2', '{"title": "two", "severity": "low", "description": "d"}'), settles();
SELECT edits('ann', 'A2', '{"severity": "high"}', 'lee') AS lees, hears('ann', 'A2', '{"description": "e"}', 'lee') \gset
SELECT jsonb_set(edits('bob', 'BOB-2', '{"severity": "critical"}', 'kim'), '{at}', '"2026-03-01T13:00:00Z"') AS kims \gset
SELECT serves('bob');
SELECT outcome FROM syncore.ingest('ann', :'lees');
SELECT rule, new, reason ~ 'by nobody we know' AS by_nobody FROM told WHERE kind = 'conflict' ORDER BY id DESC LIMIT 1;
SELECT settles() AS calls, severities();
SELECT outcome FROM syncore.ingest('bob', :'kims');
SELECT rule, old, new, actor FROM told WHERE kind = 'conflict' ORDER BY id DESC LIMIT 1;
SELECT settles() AS calls, severities();
SELECT actor, decision FROM syncore.why('A2', 'severity') LIMIT 1;
-- heard once more, nothing moves
SELECT outcome FROM syncore.ingest('bob', (:'kims'::jsonb - 'eid')::text);
SELECT settles() AS calls, severities();
-- what nobody opposed: why() says whose it was as soon as that is heard
SELECT edits('bob', 'BOB-2', '{"severity": "medium"}', 'kim') AS kims, hears('ann', 'A2', '{"description": "f"}', 'lee') \gset
SELECT serves('bob');
SELECT actor, value FROM syncore.why('A2', 'severity') LIMIT 1;
SELECT outcome FROM syncore.ingest('bob', :'kims');
SELECT actor, value, because ~ 'because kim set it in bob: it was kim who set' AS says_so FROM syncore.why('A2', 'severity') LIMIT 1;
SELECT settles() AS calls, severities();
SELECT ok, what FROM syncore.verify_ledger();
DROP FUNCTION severities();
DROP PROCEDURE unheard(int), fight(int), people(int);
CALL pg_temp.toys_go();
