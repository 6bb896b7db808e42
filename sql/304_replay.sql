-- The past told again, in any order, changes nothing; and what is told in any order ends in the same. ID-05, EL-13, VC-08, RS-14; R8, R9.
-- Random histories of three systems: edits, webhooks that are late, doubled, out of order; calls that are refused or whose answers are lost.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
SELECT syncore.set_policy('incident', 'severity', '{escalation_wins,human_wins,last_update_wins}') IS NOT NULL, syncore.set_policy('incident', 'status', '{human_wins,last_update_wins}') IS NOT NULL;
CREATE TABLE hook (n int GENERATED ALWAYS AS IDENTITY, system text, payload jsonb);
CREATE FUNCTION pick(VARIADIC words text[]) RETURNS text LANGUAGE sql AS $$ SELECT words[1 + floor(random() * cardinality(words))] $$;
-- One step of the world: somebody edits, a webhook is heard (any that waits, or one of the past again), a call is made.
CREATE PROCEDURE step() LANGUAGE plpgsql AS $$
DECLARE
	name text := pick('ann', 'bob', 'cyd');
	record text;
	dice float := random();
	one hook;
BEGIN
	IF dice < 0.3 THEN
		SELECT id INTO record FROM peer WHERE system = name ORDER BY random() LIMIT 1;
			IF record IS NOT NULL THEN
				INSERT INTO hook (system, payload) SELECT name, edits(name, record, CASE pick('severity', 'status', 'description')
					WHEN 'severity' THEN jsonb_build_object('severity', pick('critical', 'high', 'medium', 'low'))
					WHEN 'status' THEN jsonb_build_object('status', pick('new', 'in_progress', 'pending', 'on_hold'))
					ELSE jsonb_build_object('description', 'text ' || floor(random() * 1000)) END, pick('lee', 'kim', 'bot-1'));
			END IF;
	ELSIF dice < 0.6 THEN
		SELECT * INTO one FROM hook ORDER BY random() LIMIT 1;
		IF FOUND THEN
			PERFORM syncore.ingest(one.system, (one.payload - CASE WHEN random() < 0.5 THEN 'eid' ELSE '' END)::text);
			IF random() < 0.7 THEN DELETE FROM hook WHERE n = one.n; END IF;
		END IF;
	ELSE
		PERFORM serves(name, CASE WHEN random() < 0.1 THEN 'lost' WHEN random() < 0.1 THEN '503' ELSE 'ok' END);
		IF random() < 0.5 THEN
			SELECT id INTO record FROM peer p WHERE p.system = name AND by_whom = 'syncore' ORDER BY random() LIMIT 1;
			IF FOUND THEN PERFORM echo(name, record); END IF;
		END IF;
	END IF;
END $$;
-- The rest is heard, everything is sent, until nothing is left.
CREATE PROCEDURE rests() LANGUAGE plpgsql AS $$
DECLARE
	one hook;
BEGIN
	FOR one IN SELECT * FROM hook ORDER BY random() LOOP PERFORM syncore.ingest(one.system, one.payload::text); PERFORM settles(); END LOOP;
	DELETE FROM hook;
	PERFORM settles();
	PERFORM echo(system, id) FROM peer;
	PERFORM settles();
END $$;
CREATE PROCEDURE plays(seed float, steps int) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM setseed(seed);
	FOR i IN 1 .. 3 LOOP PERFORM hears(pick('ann', 'bob', 'cyd'), 'S' || i, jsonb_build_object('title', 'record ' || seed || '.' || i, 'severity', 'low', 'status', 'new')); END LOOP;
	PERFORM settles();
	FOR i IN 1 .. steps LOOP CALL step(); END LOOP;
	CALL rests();
END $$;
CREATE VIEW verdict AS SELECT
	(SELECT count(*) FROM (SELECT FROM peer GROUP BY fields ->> 'title' HAVING count(DISTINCT fields - 'assignment_group') > 1 OR count(*) <> 3) d) AS records_that_differ,
	(SELECT count(*) FROM peer p JOIN syncore.system y ON y.name = p.system JOIN syncore.link k ON k.system_id = y.id AND k.external_id = p.id JOIN syncore.entity e ON e.id = k.entity, jsonb_each(p.fields) f
		WHERE e.data -> f.key IS DISTINCT FROM f.value) AS fields_that_differ,
	(SELECT count(*) FROM syncore.delivery) AS due, (SELECT count(*) FROM syncore.quarantine_entry) AS quarantined,
	(SELECT count(*) FROM syncore.link WHERE state <> 'active' OR read_owed OR call IS NOT NULL OR cardinality(waiting) > 0) AS links_not_at_rest;
CREATE FUNCTION fingerprint() RETURNS text LANGUAGE sql AS $$
	SELECT md5(string_agg(x, ';' ORDER BY x)) FROM (SELECT 'e' || e.id || e.data || e.revision || e.stamps::text AS x FROM syncore.entity e
		UNION ALL SELECT 'k' || k.id || k.state || coalesce(k.external_id, '') || (SELECT string_agg(f.key || (f.value -> 'held') || coalesce(f.value ->> 'seen', ''), ',' ORDER BY f.key) FROM jsonb_each(k.shadow::jsonb) f) FROM syncore.link k
		UNION ALL SELECT 'd' || d.link || d.gen FROM syncore.delivery d) s $$;
CALL plays(0.1, 150);
TABLE verdict;
SELECT count(*) > 60 AS something_happened, count(*) FILTER (WHERE kind = 'conflict') > 0 AS conflicts, count(*) FILTER (WHERE kind = 'echo') > 0 AS echoes FROM told;

-- ID-05: every event of the past again, five times in other orders, with and without ids, singly and as one statement: nothing moves
SELECT fingerprint() AS before, (SELECT max(n) FROM peer_log) AS calls \gset
CREATE PROCEDURE again(with_id boolean, at_once boolean) LANGUAGE plpgsql AS $$
DECLARE
	one record;
BEGIN
	IF at_once THEN
		INSERT INTO syncore.event (system, payload) SELECT e.system, e.payload FROM (SELECT * FROM syncore.event ORDER BY random()) e;
		RETURN;
	END IF;
	FOR one IN SELECT e.system, e.payload FROM syncore.event e WHERE e.id <= (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY id) FROM syncore.event) ORDER BY random() LOOP
		PERFORM syncore.ingest(one.system, CASE WHEN with_id THEN one.payload ELSE one.payload - 'eid' || jsonb_build_object('again', random()) END::text);
	END LOOP;
END $$;
CALL again(true, true);
SELECT fingerprint() = :'before' AS nothing_moved;
CALL again(true, false);
SELECT fingerprint() = :'before' AS nothing_moved;
CALL again(false, false);
SELECT fingerprint() = :'before' AS nothing_moved;
SELECT settles() AS calls;
SELECT count(*) > 0 AS told FROM told WHERE kind IN ('duplicate', 'stale') OR rule = 'redelivery';
-- (control) something new does move it
SELECT hears('ann', (SELECT min(id) FROM peer WHERE system = 'ann'), '{"description": "new"}'), settles();
SELECT fingerprint() = :'before' AS nothing_moved;
TABLE verdict;

-- VC-08: the same statements of three systems that have not seen each other, in every order: the same end
CREATE FUNCTION permuted(seed float) RETURNS TABLE (orders bigint, ends bigint) LANGUAGE plpgsql AS $$
DECLARE
	said_all jsonb[] := '{}';
	ends jsonb[] := '{}';
	one jsonb;
	name text;
BEGIN
	PERFORM setseed(seed);
	FOR run IN 1 .. 12 LOOP
		name := 'permuted ' || seed || '.' || run;
		INSERT INTO peer (system, id, v, fields) SELECT s, 'P' || seed || '.' || run, 1, jsonb_build_object('title', name, 'severity', 'medium', 'status', 'new', 'description', 'old') FROM unnest('{ann,bob,cyd}'::text[]) s;
		PERFORM syncore.ingest(p.system, said(p.id, 1, p.fields)::text) FROM peer p WHERE p.fields ->> 'title' = name;
		FOR one IN SELECT jsonb_build_object('s', s, 'e', said('P' || seed || '.' || run, v, f, w)) FROM (VALUES ('ann', 2, '{"severity": "high", "status": "pending"}'::jsonb, 'lee'), ('ann', 3, '{"description": "a"}', 'bot-1'), ('bob', 5, '{"severity": "critical", "description": "b"}', 'kim'),
			('bob', 6, '{"status": "on_hold"}', 'bot-1'), ('cyd', 4, '{"severity": "low", "status": "in_progress", "description": "c"}', 'bot-2')) AS t(s, v, f, w) ORDER BY random()
		LOOP PERFORM syncore.ingest(one ->> 's', (one -> 'e')::text); END LOOP;
		ends := ends || (SELECT data - 'title' FROM syncore.entity WHERE data ->> 'title' = name);
	END LOOP;
	RETURN QUERY SELECT count(*), count(DISTINCT x) FROM unnest(ends) x;
END $$;
SELECT * FROM permuted(0.3);
SELECT DISTINCT data - 'title' AS ends FROM syncore.entity WHERE data ->> 'title' LIKE 'permuted 0.3.%';
SELECT ok, what FROM syncore.verify_ledger();
DROP PROCEDURE step(), rests(), plays(float, int), again(boolean, boolean);
DROP FUNCTION pick(text[]), fingerprint(), permuted(float);
DROP TABLE hook;
DROP VIEW verdict;
CALL pg_temp.toys_go();
