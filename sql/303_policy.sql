-- Rules at work, from statements of three systems to what each of them is given. RS-01, RS-03 to RS-06, RS-10, RS-14, VC-06, VC-07, LG-02.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
INSERT INTO syncore.field (entity_type, name) VALUES ('incident', 'links');
SELECT syncore.set_owner('incident', 'links', NULL);
INSERT INTO syncore.field_map (system, record_type, field, path, contract) SELECT y.name, 'ticket', f, '/' || f, false FROM syncore.system y, unnest('{resolution_notes,links}'::text[]) f;
CREATE FUNCTION value(name text, of_field text DEFAULT 'status') RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT data -> of_field FROM syncore.entity WHERE data ->> 'title' = name $$;
CREATE VIEW clashes AS SELECT e.data ->> 'title' AS title, c.field, i.name AS incoming, c.incoming ->> 'value' AS said, c.incoming ->> 'actor' AS by_whom, s.name AS current, c.current ->> 'value' AS stood, c.current ->> 'actor' AS by_other, c.rule, c.outcome
	FROM syncore.conflict c JOIN syncore.entity e ON e.id = c.entity JOIN syncore.system i ON i.id = c.incoming_system JOIN syncore.system s ON s.id = c.current_system ORDER BY c.id;
-- a record in all three, all equal; then the webhooks of both edits are heard, in the order they are named in
CREATE PROCEDURE starts(name text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM hears('ann', upper(name), jsonb_build_object('title', name, 'status', 'new', 'severity', 'medium'));
	PERFORM settles();
	PERFORM echo(p.system, p.id) FROM peer p WHERE p.fields ->> 'title' = name;
END $$;
CREATE FUNCTION at(name text, at_system text) RETURNS text LANGUAGE sql STABLE AS $$ SELECT id FROM peer WHERE system = at_system AND fields ->> 'title' = name $$;
-- what a person or machine says at a second of that day
CREATE FUNCTION tells(name text, at_system text, second numeric, change jsonb, who text DEFAULT 'lee') RETURNS jsonb LANGUAGE sql AS $$
	SELECT edits(at_system, at(name, at_system), change, who) || jsonb_build_object('at', to_char('2026-03-02 14:03:00'::timestamp + second * interval '1 s', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) $$;
CREATE PROCEDURE meets(first_system text, first_event jsonb, second_system text, second_event jsonb) LANGUAGE sql AS $$
	INSERT INTO syncore.event (system, payload) VALUES (first_system, first_event), (second_system, second_event) $$;
CREATE FUNCTION differs() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM (SELECT FROM peer GROUP BY fields ->> 'title' HAVING count(DISTINCT fields - 'assignment_group') > 1) d $$;

-- RS-03: a machine closes later than an analyst worked: the analyst stands, whichever is heard first (RS-14: in every system)
SELECT syncore.set_policy('incident', 'status', '{human_wins,last_update_wins}') IS NOT NULL AS policy;
CALL starts('r3'); CALL starts('r3b');
CALL meets('ann', tells('r3', 'ann', 10, '{"status": "in_progress"}', 'lee'), 'bob', tells('r3', 'bob', 20, '{"status": "closed"}', 'bot-7'));
CALL meets('bob', tells('r3b', 'bob', 20, '{"status": "closed"}', 'bot-7'), 'ann', tells('r3b', 'ann', 10, '{"status": "in_progress"}', 'lee'));
SELECT value('r3'), value('r3b');
SELECT * FROM clashes;
SELECT settles() AS calls;
SELECT differs();
-- (control) two people: the later one
CALL starts('r3c');
CALL meets('ann', tells('r3c', 'ann', 10, '{"status": "in_progress"}', 'lee'), 'bob', tells('r3c', 'bob', 20, '{"status": "closed"}', 'kim'));
SELECT value('r3c');

-- RS-01, RS-04: another policy is there for the next conflict; the loser stays in the ledger, with actor and time
SELECT syncore.set_policy('incident', 'status', '{last_update_wins}') IS NOT NULL AS policy;
CALL starts('r4');
CALL meets('ann', tells('r4', 'ann', 10, '{"status": "in_progress"}', 'lee'), 'bob', tells('r4', 'bob', 20, '{"status": "closed"}', 'bot-7'));
SELECT value('r4');
SELECT said, by_whom, stood, by_other, rule, outcome FROM clashes WHERE title = 'r4';
SELECT value, system, actor, rule, valid_to IS NOT NULL AS gone FROM syncore.field_history((SELECT id FROM syncore.entity WHERE data ->> 'title' = 'r4')::text, 'status') ORDER BY valid_from, gone DESC;

-- RS-01: a rule with a condition counts only for records that it holds for
SELECT syncore.set_policy('incident', 'description', '{manual,last_update_wins}') IS NOT NULL AS policy;
UPDATE syncore.policy SET condition = '$.severity == "critical"' WHERE field = 'description' AND rule = 'manual';
CALL starts('when1'); CALL starts('when2');
SELECT hears('ann', at('when2', 'ann'), '{"severity": "critical"}');
CALL meets('ann', tells('when1', 'ann', 10, '{"description": "ann"}'), 'bob', tells('when1', 'bob', 20, '{"description": "bob"}'));
CALL meets('ann', tells('when2', 'ann', 10, '{"description": "ann"}'), 'bob', tells('when2', 'bob', 20, '{"description": "bob"}'));
SELECT title, rule, outcome FROM clashes WHERE field = 'description';
SELECT syncore.resolve((SELECT max(id) FROM syncore.conflict WHERE state = 'pending'), 'ann') IS NOT NULL AS resolved, settles() > 0 AS sent;

-- RS-05, CM-10: ann owns severity and status, bob resolution notes and links of commits: a late machine elsewhere does not matter
SELECT syncore.set_owner('incident', f, o) IS NOT NULL AS owned FROM (VALUES ('severity', 'ann'), ('status', 'ann'), ('resolution_notes', 'bob'), ('links', 'bob')) AS t(f, o);
SELECT syncore.set_policy('incident', f, '{system_of_record,last_update_wins}') IS NOT NULL AS policy FROM unnest('{severity,status,resolution_notes,links}'::text[]) f;
CALL starts('r5');
CALL meets('ann', tells('r5', 'ann', 10, '{"severity": "high", "status": "in_progress", "resolution_notes": "ann''s notes", "links": "abc"}'),
	'bob', tells('r5', 'bob', 20, '{"severity": "low", "status": "closed", "resolution_notes": "bob''s notes", "links": "def"}'));
SELECT data - 'title' AS merged FROM syncore.entity WHERE data ->> 'title' = 'r5';
CALL starts('r5b');
CALL meets('bob', tells('r5b', 'bob', 10, '{"severity": "low", "status": "closed", "resolution_notes": "bob''s notes", "links": "def"}'),
	'ann', tells('r5b', 'ann', 20, '{"severity": "high", "status": "in_progress", "resolution_notes": "ann''s notes", "links": "abc"}'));
SELECT data - 'title' AS merged FROM syncore.entity WHERE data ->> 'title' = 'r5b';
SELECT settles() > 0 AS sent;
SELECT differs();

-- RS-06, VC-03: three systems, three fields, one statement: the union, no conflict
CALL starts('r6');
SELECT count(*) AS before FROM syncore.conflict \gset
INSERT INTO syncore.event (system, payload) VALUES ('ann', tells('r6', 'ann', 1, '{"severity": "critical"}')), ('bob', tells('r6', 'bob', 2, '{"description": "from bob"}')), ('cyd', tells('r6', 'cyd', 3, '{"resolution_notes": "from cyd"}'));
SELECT data - 'title' AS merged FROM syncore.entity WHERE data ->> 'title' = 'r6';
SELECT settles() AS calls, (SELECT count(*) FROM syncore.conflict) - :before AS conflicts;
SELECT differs();

-- VC-06: a clock that is an hour wrong changes no winner under rules without time; one that is known to be wrong changes none at all
CREATE FUNCTION winner(name text, rules text[], skew interval) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	PERFORM syncore.set_policy('incident', 'description', rules);
	CALL starts(name);
	CALL meets('ann', tells(name, 'ann', 10, '{"description": "ann, machine"}', 'bot-1'), 'bob', tells(name, 'bob', 20 + extract(epoch FROM skew), '{"description": "bob, person"}', 'kim'));
	RETURN value(name, 'description');
END $$;
SELECT rules, winner('skew0' || n, rules, '0') AS right_clock, winner('skew1' || n, rules, '1 h') AS an_hour_ahead, winner('skew2' || n, rules, '-1 h') AS an_hour_behind
FROM (VALUES (1, '{human_wins}'::text[]), (2, '{system_of_record}'), (3, '{version_wins}'), (4, '{}')) AS t(n, rules) WHERE rules <> '{}';
-- (control) under last_update_wins the clock does decide; unless its error is known
SELECT winner('skew5', '{last_update_wins}', '0') AS right_clock, winner('skew6', '{last_update_wins}', '-1 h') AS behind_unknown;
UPDATE syncore.system SET clock_offset = '-1 h' WHERE name = 'bob';
SELECT winner('skew7', '{last_update_wins}', '-1 h') AS behind_known;
UPDATE syncore.system SET clock_offset = '0' WHERE name = 'bob';
-- VC-06: what was heard keeps the time that it was corrected to: an error that is measured later moves nothing that is decided
CREATE FUNCTION frozen(name text, known_before boolean) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	PERFORM syncore.set_policy('incident', 'description', '{last_update_wins}');
	CALL starts(name);
	UPDATE syncore.system SET clock_offset = CASE WHEN known_before THEN interval '1 h' END WHERE system.name = 'ann';
	INSERT INTO syncore.event (system, payload) VALUES ('ann', tells(name, 'ann', 10, '{"description": "ann"}'));
	UPDATE syncore.system SET clock_offset = '1 h' WHERE system.name = 'ann';
	INSERT INTO syncore.event (system, payload) VALUES ('bob', tells(name, 'bob', 5, '{"description": "bob"}'));
	UPDATE syncore.system SET clock_offset = NULL WHERE system.name = 'ann';
	RETURN value(name, 'description');
END $$;
SELECT frozen('ice1', false) AS measured_later, frozen('ice2', true) AS measured_before;
-- VC-07: the same instant: by the rank of the system, in either order
CALL starts('tie1'); CALL starts('tie2');
CALL meets('ann', tells('tie1', 'ann', 5, '{"description": "ann"}'), 'bob', tells('tie1', 'bob', 5, '{"description": "bob"}'));
CALL meets('bob', tells('tie2', 'bob', 5, '{"description": "bob"}'), 'ann', tells('tie2', 'ann', 5, '{"description": "ann"}'));
SELECT value('tie1', 'description') = value('tie2', 'description') AS same, value('tie1', 'description');

-- RS-10: a function decides: it sees values, actors, versions and the entity
CREATE FUNCTION public.longest(a jsonb, b jsonb, entity jsonb) RETURNS int LANGUAGE sql STABLE AS $$
	SELECT sign(length(b ->> 'value') - length(a ->> 'value'))::int $$;
CREATE TABLE public.heard (a jsonb, b jsonb, entity jsonb);
CREATE FUNCTION public.broken(a jsonb, b jsonb, entity jsonb) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE EXCEPTION 'no opinion on % by % v% against % of %', a ->> 'value', a ->> 'actor', a ->> 'source_version', b ->> 'value', entity ->> 'title'; END $$;
CREATE FUNCTION public.writer(a jsonb, b jsonb, entity jsonb) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.heard VALUES (a, b, entity); RETURN -1; END $$;
SELECT syncore.set_policy('incident', 'description', '{call}', function => 'public.longest') IS NOT NULL AS policy;
CALL starts('f1');
CALL meets('ann', tells('f1', 'ann', 10, '{"description": "the longer text"}'), 'bob', tells('f1', 'bob', 20, '{"description": "short"}'));
SELECT value('f1', 'description'), (SELECT rule FROM clashes WHERE title = 'f1') AS rule;
-- one that fails: the next rule decides, an alert says so, and neither value is lost
SELECT syncore.set_policy('incident', 'description', '{call,last_update_wins}', function => 'public.broken') IS NOT NULL AS policy;
CALL starts('f2');
CALL meets('ann', tells('f2', 'ann', 10, '{"description": "the longer text"}'), 'bob', tells('f2', 'bob', 20, '{"description": "short"}'));
SELECT value('f2', 'description');
SELECT said, stood, rule FROM clashes WHERE title = 'f2';
SELECT level, kind, detail, hint FROM syncore.alert WHERE closed_at IS NULL AND kind <> 'schema';
SELECT count(*) AS quarantined FROM syncore.quarantine_entry;
-- behind it a person: held, nothing is sent of it, and resolve() ends it
SELECT syncore.set_policy('incident', 'description', '{call,manual}', function => 'public.broken') IS NOT NULL AS policy;
CALL starts('f3');
CALL meets('ann', tells('f3', 'ann', 10, '{"description": "the longer text"}'), 'bob', tells('f3', 'bob', 20, '{"description": "short"}'));
SELECT settles() AS calls_while_held;
SELECT system, fields ->> 'description' AS holds FROM peer WHERE fields ->> 'title' = 'f3' ORDER BY 1;
SELECT syncore.resolve((SELECT max(id) FROM syncore.conflict WHERE state = 'pending'), 'ann') IS NOT NULL AS resolved;
SELECT settles() AS calls;
SELECT differs();
-- and one that writes may not: it is refused when it says that it may, and stopped when it does without saying so
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT syncore.set_policy('incident', 'description', '{call,last_update_wins}', function => 'public.writer') IS NOT NULL AS policy;
\set VERBOSITY terse
ALTER FUNCTION public.writer(jsonb, jsonb, jsonb) STABLE;
SELECT syncore.set_policy('incident', 'description', '{call,last_update_wins}', function => 'public.writer') IS NOT NULL AS policy;
CALL starts('f4');
CALL meets('ann', tells('f4', 'ann', 10, '{"description": "the longer text"}'), 'bob', tells('f4', 'bob', 20, '{"description": "short"}'));
SELECT value('f4', 'description'), (SELECT count(*) FROM public.heard) AS written;
SELECT ok, what FROM syncore.verify_ledger();
DROP PROCEDURE starts(text), meets(text, jsonb, text, jsonb);
DROP FUNCTION public.longest(jsonb, jsonb, jsonb), public.broken(jsonb, jsonb, jsonb), public.writer(jsonb, jsonb, jsonb), value(text, text), tells(text, text, numeric, jsonb, text), at(text, text), winner(text, text[], interval), frozen(text, boolean), differs();
DROP TABLE public.heard;
CALL pg_temp.toys_go();
