-- Five systems that all hear of each other, edited at random, cut off at random, their answers lost at random: the writes come to an end,
-- and all are equal. Clocks that are wrong change no winner. An edit made while a system was out of reach is a conflict. What is
-- remembered of our writes ends. EL-06, EL-12, VC-06, VC-09, VC-10, VC-13, TC-01, ring.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
INSERT INTO syncore.system (name, connector, base_url, mode, rank, connection) SELECT n, 'toy', 'https://' || n || '.example', 'active', r, n FROM (VALUES ('dot', 40), ('eve', 50)) AS t (n, r);
INSERT INTO syncore.record_map (system, record_type, entity_type) SELECT n, 'ticket', 'incident' FROM unnest('{dot,eve}'::text[]) n;
INSERT INTO syncore.field_map (system, record_type, field, path) SELECT n, 'ticket', f, '/' || f FROM unnest('{dot,eve}'::text[]) n, unnest('{title,severity,status,description}'::text[]) f;
INSERT INTO syncore.route (system, entity_type, record_type) SELECT n, 'incident', 'ticket' FROM unnest('{dot,eve}'::text[]) n;
UPDATE syncore.system SET integration_actor = 'syncore';
UPDATE syncore.connector_event SET paths = paths || '{"source_time": "/at"}' WHERE name = 'change';

-- Chance that a seed repeats.
CREATE TABLE dice (seed bigint);
INSERT INTO dice VALUES (0);
CREATE FUNCTION below(n int) RETURNS int LANGUAGE sql AS $$
	UPDATE dice SET seed = (seed * 6364136223846793005::numeric + 1442695040888963407) % 9223372036854775808 RETURNING ((seed / 8589934592) % n)::int $$;
-- What a person or a machine does somewhere; the webhook of it travels for a while.
CREATE TABLE news (n int GENERATED ALWAYS AS IDENTITY, system text, payload jsonb);
CREATE TABLE away (system text PRIMARY KEY);
CREATE FUNCTION edit(name text, at_system text, second int, skew interval) RETURNS void LANGUAGE sql AS $$
	INSERT INTO news (system, payload) SELECT at_system, edits(at_system, p.id, CASE below(3) WHEN 0 THEN jsonb_build_object('severity', (ARRAY['critical', 'high', 'medium', 'low', 'info'])[1 + below(5)])
			WHEN 1 THEN jsonb_build_object('status', (ARRAY['new', 'in_progress', 'pending', 'on_hold'])[1 + below(4)]) ELSE jsonb_build_object('description', at_system || ' ' || second) END, (ARRAY['lee', 'kim', 'bot-1'])[1 + below(3)])
		|| jsonb_build_object('at', to_char('2026-03-02 12:00'::timestamp + second * interval '1 s' + skew, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
	FROM peer p WHERE p.system = at_system AND p.fields ->> 'title' = name $$;
CREATE PROCEDURE hears_of(at_place int) LANGUAGE plpgsql AS $$
DECLARE
	one news;
BEGIN
	DELETE FROM news d WHERE d.n = (SELECT w.n FROM news w WHERE w.system NOT IN (SELECT a.system FROM away a) ORDER BY w.n OFFSET at_place LIMIT 1) RETURNING * INTO one;
	IF FOUND THEN
		INSERT INTO syncore.event (system, payload) VALUES (one.system, one.payload);
		IF below(4) = 0 THEN -- twice
			INSERT INTO syncore.event (system, payload) VALUES (one.system, one.payload);
		END IF;
	END IF;
END $$;
-- One history: so many things that happen, then peace. What is left of it: the writes, the edits, and how many different records there are.
CREATE FUNCTION history(of_seed int, acts int, OUT edits bigint, OUT writes bigint, OUT lost int, OUT partings int, OUT peace boolean, OUT different bigint) LANGUAGE plpgsql AS $$
DECLARE
	title text := 'ring ' || of_seed;
	systems text[] := '{ann,bob,cyd,dot,eve}';
	mark int := (SELECT coalesce(max(l.n), 0) FROM peer_log l);
	place text;
BEGIN
	UPDATE dice SET seed = of_seed;
	PERFORM hears('ann', 'A' || of_seed, jsonb_build_object('title', title, 'severity', 'low', 'status', 'new', 'description', 'x')), settles();
	edits := 0;
	lost := 0;
	partings := 0;
	FOR i IN 1 .. acts LOOP
		place := systems[1 + below(5)];
		CASE below(8)
			WHEN 0, 1, 2 THEN
				PERFORM edit(title, place, i, '0');
				edits := edits + 1;
			WHEN 3, 4 THEN CALL hears_of(below(3));
			WHEN 5, 6 THEN
				IF place IN (SELECT a.system FROM away a) THEN
					lost := lost + (serves(place, 'cut') IS NOT NULL)::int;
				ELSIF below(4) = 0 THEN
					lost := lost + (serves(place, 'lost') IS NOT NULL)::int;
				ELSE
					PERFORM serves(place);
				END IF;
			ELSE
				IF below(2) = 0 THEN
					INSERT INTO away VALUES (place) ON CONFLICT DO NOTHING;
					partings := partings + 1;
				ELSE
					DELETE FROM away;
				END IF;
		END CASE;
	END LOOP;
	DELETE FROM away;
	WHILE EXISTS (SELECT FROM news) LOOP
		CALL hears_of(0);
	END LOOP;
	peace := settles(400) < 400;
	-- every system shows once more what it holds; nobody has anything to say to that
	PERFORM echo(p.system, p.id) FROM peer p WHERE p.fields ->> 'title' = title;
	peace := peace AND settles() = 0;
	SELECT count(*) INTO writes FROM peer_log l WHERE l.n > mark AND l.kind = 'update';
	SELECT count(DISTINCT p.fields - 'assignment_group') INTO different FROM peer p WHERE p.fields ->> 'title' = title;
END $$;
-- EL-12, VC-13, TC-01, ring: each edit reaches four others at most once, and what was lost is said again
CREATE TABLE played AS SELECT s AS seed, h.* FROM generate_series(1, 3) s, history(s, 36) h;
SELECT count(*) AS histories, sum(edits) > 25 AS many_edits, sum(partings) > 3 AS cut_off, sum(lost) > 3 AS lost, bool_and(peace) AS at_peace, max(different) AS different, bool_and(writes <= edits * 4 + lost) AS writes_bounded FROM played;
SELECT count(*) > 3 AS conflicts, count(DISTINCT rule) > 1 AS by_several_rules FROM syncore.conflict;
SELECT count(*) AS stopped FROM told WHERE kind = 'loop';
SELECT seed, edits, writes, lost, partings, peace, different FROM played WHERE NOT peace OR different > 1 OR writes > edits * 4 + lost ORDER BY seed;

-- VC-06: the same seed with clocks that are up to an hour wrong, each its own way: the same winners under rules without time
CREATE FUNCTION ends(of_seed int, acts int, skewed boolean) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	title text := format('skew %s %s', of_seed, skewed);
	systems text[] := '{ann,bob,cyd,dot,eve}';
	place int;
BEGIN
	UPDATE dice SET seed = of_seed;
	PERFORM hears('ann', replace(title, ' ', ''), jsonb_build_object('title', title, 'severity', 'low', 'status', 'new', 'description', 'x')), settles();
	FOR i IN 1 .. acts LOOP
		place := below(5);
		PERFORM edit(title, systems[1 + place], i, CASE WHEN skewed THEN ((place * 7919 + of_seed * 104729) % 7200 - 3600) * interval '1 s' ELSE '0' END);
		IF below(2) = 0 THEN
			CALL hears_of(below(3));
		END IF;
	END LOOP;
	WHILE EXISTS (SELECT FROM news) LOOP
		CALL hears_of(0);
	END LOOP;
	PERFORM settles(400);
	RETURN (SELECT e.data - 'title' FROM syncore.entity e WHERE e.data ->> 'title' = title);
END $$;
SELECT count(syncore.set_policy('incident', f, '{escalation_wins,human_wins,version_wins}')) AS policies FROM unnest('{severity,status,description}'::text[]) f;
SELECT count(*) AS runs, count(*) FILTER (WHERE ends(s, 9, false) = ends(s, 9, true)) AS same FROM generate_series(1, 4) s;
-- (control) where time decides, it is another winner here and there
SELECT count(syncore.set_policy('incident', f, '{last_update_wins}')) AS policies FROM unnest('{severity,status,description}'::text[]) f;
SELECT count(*) FILTER (WHERE ends(s, 9, false) <> ends(s, 9, true)) > 0 AS some_differ FROM generate_series(16, 19) s;

-- VC-10: dot is out of reach for a while; both sides go on; when it is back its edit is a conflict with what it could not see, not a newer word
SELECT hears('ann', 'OFF', '{"title": "away", "severity": "low", "status": "new"}'), settles() > 0 AS sent;
SELECT edits('dot', (SELECT id FROM peer WHERE system = 'dot' AND fields ->> 'title' = 'away'), '{"severity": "high", "status": "pending"}', 'kim') AS unheard \gset
SELECT hears('ann', 'OFF', '{"severity": "critical"}'), serves('bob') IS NOT NULL AS bob, serves('dot', 'cut') IS NOT NULL AS dot_not;
SELECT outcome FROM syncore.ingest('dot', :'unheard');
SELECT settles() > 0 AS sent;
-- (once as the read shows it that follows the lost call, and once more as its webhook tells who it was, and when)
SELECT field, kind, state, count(*) FROM syncore.conflict c JOIN syncore.entity e ON e.id = c.entity WHERE e.data ->> 'title' = 'away' GROUP BY 1, 2, 3;
SELECT count(DISTINCT fields - 'assignment_group') AS different, min(fields ->> 'status') AS status FROM peer WHERE fields ->> 'title' = 'away';
-- (control) had it seen that, it would have been no conflict
SELECT hears('dot', (SELECT id FROM peer WHERE system = 'dot' AND fields ->> 'title' = 'away'), '{"severity": "info"}', 'kim'), settles() > 0 AS sent;
SELECT count(*) AS conflicts, (SELECT fields ->> 'severity' FROM peer WHERE id = 'OFF') AS severity FROM syncore.conflict c JOIN syncore.entity e ON e.id = c.entity WHERE e.data ->> 'title' = 'away';

-- VC-09: twenty edits in a moment, while bob is slow: he gets one write, of the last
SELECT count(hears('ann', 'OFF', jsonb_build_object('description', 'edit ' || i))) AS edits FROM generate_series(1, 20) i;
SELECT max(n) AS mark FROM peer_log \gset
SELECT settles() > 0 AS sent;
SELECT count(*) AS writes, min(wrote ->> 'description') AS of FROM peer_log WHERE n > :mark AND system = 'bob';

-- EL-06: what we wrote is remembered, by record and field, eight writes long: echoes within it are known by it, however late
SELECT id AS bob FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'away' \gset
CREATE TABLE echoes (n int, payload jsonb);
CREATE PROCEDURE writes(n int, record text) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n LOOP
		PERFORM hears('ann', 'OFF', jsonb_build_object('description', 'write ' || i)), settles();
		INSERT INTO echoes SELECT i, said(record, p.v, jsonb_build_object('description', p.fields -> 'description'), 'syncore', 'echo ' || p.v) FROM peer p WHERE p.id = record;
	END LOOP;
END $$;
CALL writes(12, :'bob');
SELECT jsonb_array_length(k.shadow::jsonb #> '{description,writes}') AS remembered FROM syncore.link k WHERE k.external_id = :'bob';
SELECT max(id) AS mark FROM syncore.ledger \gset
INSERT INTO syncore.event (system, payload) SELECT 'bob', payload FROM echoes ORDER BY n DESC;
SELECT kind, rule, count(*) FROM told WHERE id > :mark AND field = 'description' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT settles() AS calls, data ->> 'description' AS description FROM syncore.entity WHERE data ->> 'title' = 'away';
SELECT ok, what FROM syncore.verify_ledger();
DROP FUNCTION below(int), history(int, int), ends(int, int, boolean), edit(text, text, int, interval);
DROP PROCEDURE hears_of(int), writes(int, text);
DROP TABLE dice, news, away, played, echoes;
CALL pg_temp.toys_go();
