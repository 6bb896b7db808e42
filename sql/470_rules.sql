-- Rules over several systems, which list counts, and functions that misbehave. RS-01, RS-08, RS-10 to RS-13, VC-08, VC-11, R8.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/toys.sql'
\i :toys
INSERT INTO syncore.field_map (system, record_type, field, path, contract) SELECT name, 'ticket', 'tags', '/tags', false FROM syncore.system;
CREATE FUNCTION value(name text, of_field text) RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT data -> of_field FROM syncore.entity WHERE data ->> 'title' = name $$;
-- a record in all three, all equal; then what each of them says without having seen the others, in the order given
CREATE FUNCTION meets(name text, said jsonb, heard text[] DEFAULT '{ann,bob,cyd}') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	one text;
BEGIN
	FOREACH one IN ARRAY '{ann,bob,cyd}'::text[] LOOP
		INSERT INTO syncore.event (system, payload) VALUES (one, said(one || name, 1, jsonb_build_object('title', name) || coalesce(said -> 'all', '{}'), 'lee', one || name || '.1'));
	END LOOP;
	FOREACH one IN ARRAY heard LOOP
		INSERT INTO syncore.event (system, payload) SELECT one, said(one || name, 2, said -> one -> 'f', coalesce(said -> one ->> 'by', one), one || name || '.2') || jsonb_strip_nulls(jsonb_build_object('at', said -> one -> 'at'));
	END LOOP;
END $$;
CREATE VIEW conflicts AS SELECT e.data ->> 'title' AS title, c.field, y.name AS incoming, c.rule, c.outcome, c.state
	FROM syncore.conflict c JOIN syncore.entity e ON e.id = c.entity JOIN syncore.system y ON y.id = c.incoming_system ORDER BY c.id;

-- RS-11, VC-08: union: three systems add and take away, heard in any order: the same set
SELECT syncore.set_policy('incident', 'tags', '{union}') IS NOT NULL AS policy;
CREATE FUNCTION united(said jsonb, name text) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
	heard text[];
BEGIN
	FOREACH heard SLICE 1 IN ARRAY '{{ann,bob,cyd},{ann,cyd,bob},{bob,ann,cyd},{bob,cyd,ann},{cyd,ann,bob},{cyd,bob,ann}}'::text[] LOOP
		PERFORM meets(name || array_to_string(heard, ''), said, heard);
		RETURN NEXT value(name || array_to_string(heard, ''), 'tags');
	END LOOP;
END $$;
SELECT tags, count(*) AS orders FROM united('{"all": {"tags": ["vpn"]}, "ann": {"f": {"tags": ["vpn", "bug"]}}, "bob": {"f": {"tags": ["urgent"]}}, "cyd": {"f": {"tags": ["vpn", "net"]}}}', 'u') AS t(tags) GROUP BY 1;
-- nobody took anything away (control)
SELECT tags, count(*) AS orders FROM united('{"all": {"tags": ["vpn"]}, "ann": {"f": {"tags": ["vpn", "bug"]}}, "bob": {"f": {"tags": ["vpn", "urgent"]}}, "cyd": {"f": {"tags": ["vpn", "net"]}}}', 'v') AS t(tags) GROUP BY 1;
-- two of them had said two different things one after the other
SELECT tags, count(*) AS orders FROM united('{"all": {"tags": ["a", "b", "c"]}, "ann": {"f": {"tags": ["b", "c", "d"]}}, "bob": {"f": {"tags": ["a", "c", "e"]}}, "cyd": {"f": {"tags": []}}}', 'w') AS t(tags) GROUP BY 1;

-- VC-11: three in one conflict: one winner, in any order, and a ledger line of each
SELECT syncore.set_policy('incident', 'description', '{human_wins,last_update_wins}') IS NOT NULL AS policy;
SELECT meets('three', '{"ann": {"f": {"description": "ann"}, "by": "bot-1"}, "bob": {"f": {"description": "bob"}, "by": "kim"}, "cyd": {"f": {"description": "cyd"}, "by": "bot-2"}}');
SELECT meets('three back', '{"ann": {"f": {"description": "ann"}, "by": "bot-1"}, "bob": {"f": {"description": "bob"}, "by": "kim"}, "cyd": {"f": {"description": "cyd"}, "by": "bot-2"}}', '{cyd,bob,ann}');
SELECT value('three', 'description'), value('three back', 'description') AS back;
SELECT title, incoming, rule, outcome FROM conflicts WHERE field = 'description';
SELECT e.data ->> 'title' AS title, count(*) AS lines, count(DISTINCT l.system_id) AS systems FROM syncore.ledger l JOIN syncore.entity e ON e.id = l.entity
	WHERE l.field = 'description' AND l.kind IN ('change', 'conflict') GROUP BY 1 ORDER BY 1;

-- RS-01: the most specific list counts, whole: a space's before everybody's, a field's before every field's
SELECT syncore.set_policy('incident', 'description', '{last_update_wins}', space => 'default') IS NOT NULL AS policy;
SELECT meets('own', '{"ann": {"f": {"description": "ann"}, "by": "kim", "at": "2026-03-01T12:02:00Z"}, "bob": {"f": {"description": "bob"}, "by": "bot-1", "at": "2026-03-01T12:09:00Z"}}', '{ann,bob}');
SELECT value('own', 'description') AS later_machine;
DELETE FROM syncore.policy WHERE space = 'default';
SELECT meets('all', '{"ann": {"f": {"description": "ann"}, "by": "kim", "at": "2026-03-01T12:02:00Z"}, "bob": {"f": {"description": "bob"}, "by": "bot-1", "at": "2026-03-01T12:09:00Z"}}', '{ann,bob}');
SELECT value('all', 'description') AS earlier_person;
SELECT syncore.set_policy('incident', NULL, '{last_update_wins}', space => 'default') IS NOT NULL AS policy;
SELECT meets('rest', '{"ann": {"f": {"description": "ann"}, "by": "kim", "at": "2026-03-01T12:02:00Z"}, "bob": {"f": {"description": "bob"}, "by": "bot-1", "at": "2026-03-01T12:09:00Z"}}', '{ann,bob}');
SELECT value('rest', 'description') AS later_machine;
DELETE FROM syncore.policy WHERE space = 'default';

-- RS-08: a person decides about what is severe; the rest is decided by rule
SELECT syncore.set_policy('incident', 'description', '{manual,last_update_wins}', review_from => 'high') IS NOT NULL AS policy;
SELECT meets('grave', '{"all": {"severity": "critical"}, "ann": {"f": {"description": "ann"}}, "bob": {"f": {"description": "bob"}}}', '{ann,bob}');
SELECT meets('slight', '{"all": {"severity": "low"}, "ann": {"f": {"description": "ann"}}, "bob": {"f": {"description": "bob"}}}', '{ann,bob}');
SELECT title, rule, outcome, state FROM conflicts WHERE title IN ('grave', 'slight');
-- RS-13: nothing tells them apart: both keep what they have until somebody decides
SELECT syncore.set_policy('incident', 'description', '{last_update_wins,manual}') IS NOT NULL AS policy;
SELECT meets('even', '{"ann": {"f": {"description": "ann"}}, "bob": {"f": {"description": "bob"}}}', '{ann,bob}');
SELECT title, rule, outcome, state FROM conflicts WHERE title = 'even';
SELECT y.name, k.shadow::jsonb #>> '{description,held}' AS holds FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id JOIN syncore.entity e ON e.id = k.entity
	WHERE e.data ->> 'title' = 'even' AND y.name <> 'cyd' ORDER BY 1;
SELECT ref, field, versions FROM syncore.review WHERE versions ~ 'ann=ann' ORDER BY id DESC LIMIT 1;
-- RS-07: a third joins, the first says something else: one row in review, with what each says now; whoever decides has seen it
INSERT INTO syncore.event (system, payload) VALUES ('cyd', said('cydeven', 2, '{"description": "cyd"}', 'cyd', 'cydeven.2')), ('ann', said('anneven', 3, '{"description": "ann again"}', 'ann', 'anneven.3') || '{"at": "2026-03-01T12:02:00Z"}');
SELECT ref, field, regexp_replace(versions, ' ann=|^ann=', ' ann=') AS versions FROM syncore.review WHERE kind = 'conflict' AND versions ~ 'cyd=cyd';
SELECT count(*) AS pending, min(c.id) AS oldest, max(c.id) AS newest FROM syncore.conflict c JOIN syncore.entity e ON e.id = c.entity WHERE e.data ->> 'title' = 'even' \gset
SELECT :pending > 1 AS several, count(*) AS shown FROM syncore.review WHERE id BETWEEN :oldest AND :newest;
DO $$
DECLARE
	detail text;
BEGIN
	PERFORM syncore.resolve((SELECT min(c.id) FROM syncore.conflict c JOIN syncore.entity e ON e.id = c.entity WHERE e.data ->> 'title' = 'even'), 'ann');
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RAISE NOTICE '%', regexp_replace(SQLERRM || ': ' || detail, '[0-9]+', 'N', 'g');
END $$;
DO $$
BEGIN
	PERFORM syncore.resolve((SELECT max(c.id) - 1 FROM syncore.conflict c JOIN syncore.entity e ON e.id = c.entity WHERE e.data ->> 'title' = 'even'), 'ann');
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	RAISE NOTICE '%', regexp_replace(SQLERRM, '[0-9]+', 'N', 'g');
END $$;
SELECT syncore.resolve(:newest, 'ann', 'agreed');
SELECT state, choice, count(*) FROM syncore.conflict WHERE id BETWEEN :oldest AND :newest GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) AS waiting FROM syncore.review WHERE id BETWEEN :oldest AND :newest;

-- RS-12: a function of four sees the whole set, oldest first, with what each writer replaced
CREATE FUNCTION public.weighs(a jsonb, b jsonb, entity jsonb, history jsonb) RETURNS int LANGUAGE plpgsql STABLE AS $$
BEGIN
	-- who came first stands, if he did not empty it
	IF history -> 0 ->> 'replaced' <> 'start' OR jsonb_array_length(history) < 2 OR (history -> 0 ->> 'at')::timestamptz > (history -> 1 ->> 'at')::timestamptz THEN
		RAISE EXCEPTION 'unexpected %', history;
	END IF;
	RETURN CASE history -> 0 ->> 'value' WHEN a ->> 'value' THEN -1 WHEN b ->> 'value' THEN 1 ELSE 0 END;
END $$;
SELECT syncore.set_policy('incident', 'description', '{call,last_update_wins}', function => 'public.weighs') IS NOT NULL AS policy;
SELECT meets('past', '{"all": {"description": "start"}, "ann": {"f": {"description": "ann"}, "at": "2026-03-01T12:09:00Z"}, "bob": {"f": {"description": "bob"}, "at": "2026-03-01T12:05:00Z"}, "cyd": {"f": {"description": "cyd"}, "at": "2026-03-01T12:07:00Z"}}');
SELECT value('past', 'description') AS first, array_agg(DISTINCT rule) AS rules FROM conflicts WHERE title = 'past';
-- RS-10: it runs as who wrote the row, and may neither change that nor take its time; the next rule decides, what comes beside it is not touched
CREATE ROLE regress_rules LOGIN;
GRANT syncore_admin TO regress_rules;
CREATE FUNCTION public.who(a jsonb, b jsonb, entity jsonb) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE EXCEPTION 'asked as %', CURRENT_USER; END $$;
CREATE FUNCTION public.does(what text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE what; END $$;
CREATE FUNCTION public.becomes(a jsonb, b jsonb, entity jsonb) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM public.does('SET ROLE pg_read_all_data'); RETURN 1; END $$;
CREATE FUNCTION public.sleeps(a jsonb, b jsonb, entity jsonb) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM pg_sleep(60); RETURN 1; END $$;
CREATE FUNCTION public.nothing(a jsonb, b jsonb, entity jsonb) RETURNS int LANGUAGE sql STABLE AS 'SELECT NULL::int';
CREATE FUNCTION public.clears(a jsonb, b jsonb, entity jsonb) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM public.does('DELETE FROM syncore.conflict'); RETURN 1; END $$;
CREATE FUNCTION public.round(a jsonb, b jsonb, entity jsonb) RETURNS int LANGUAGE sql STABLE AS $$ SELECT CASE WHEN (a ->> 'value') || (b ->> 'value') IN ('annbob', 'bobcyd', 'cydann') THEN -1 ELSE 1 END $$;
CREATE FUNCTION tries(name text) RETURNS TABLE (value jsonb, outcomes text, alert text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM syncore.set_policy('incident', 'description', '{call,last_update_wins}', function => 'public.' || name);
	UPDATE syncore.alert SET closed_at = now() WHERE closed_at IS NULL;
	PERFORM meets(name, '{"ann": {"f": {"description": "ann"}, "at": "2026-03-01T12:02:00Z"}, "bob": {"f": {"description": "bob", "severity": "high"}, "at": "2026-03-01T12:05:00Z"}, "cyd": {"f": {"description": "cyd"}, "at": "2026-03-01T12:09:00Z"}}');
	RETURN QUERY SELECT value(name, 'description') || value(name, 'severity'), (SELECT string_agg(rule || ' ' || outcome, ', ') FROM conflicts WHERE title = name),
		(SELECT string_agg(detail, '; ') FROM syncore.alert WHERE closed_at IS NULL AND kind = 'rule');
END $$;
SET ROLE regress_rules;
SELECT syncore.set_policy('incident', 'title', '{call,last_update_wins}', function => 'public.who') IS NOT NULL AS policy;
RESET ROLE;
SELECT run_as FROM syncore.policy WHERE function = 'public.who';
SELECT meets('named', '{"ann": {"f": {"title": "named by ann"}}, "bob": {"f": {"title": "named by bob"}}}', '{ann,bob}');
SELECT detail FROM syncore.alert WHERE closed_at IS NULL AND kind = 'rule' AND detail ~ 'who';
SELECT f AS function, t.* FROM unnest('{becomes,sleeps,nothing,clears,round}'::text[]) f, tries(f) t;
SELECT count(*) > 0 AS still_there, (SELECT count(*) FROM syncore.quarantine_entry) AS quarantined FROM syncore.conflict;
-- (control) systems that agree ask no function
UPDATE syncore.alert SET closed_at = now() WHERE closed_at IS NULL;
SELECT meets('agreed', '{"all": {"description": "the same"}}');
SELECT count(*) AS alerts FROM syncore.alert WHERE closed_at IS NULL AND kind = 'rule';
SELECT ok, what FROM syncore.verify_ledger();
DROP FUNCTION public.weighs(jsonb, jsonb, jsonb, jsonb), public.who(jsonb, jsonb, jsonb), public.becomes(jsonb, jsonb, jsonb), public.sleeps(jsonb, jsonb, jsonb), public.nothing(jsonb, jsonb, jsonb),
	public.clears(jsonb, jsonb, jsonb), public.does(text), public.round(jsonb, jsonb, jsonb), tries(text), united(jsonb, text), meets(text, jsonb, text[]), value(text, text);
DROP VIEW conflicts;
REVOKE syncore_admin FROM regress_rules;
CALL pg_temp.toys_go();
DROP ROLE regress_rules;
