-- TC-07: conflicts that are forced, and who has to win: each with ann heard first, with bob heard first, and with both in one statement.
-- The winner is the same whatever is heard first, and in the end all three systems show it.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
INSERT INTO syncore.field_map (system, record_type, field, path) SELECT y.name, 'ticket', 'tags', '/tags' FROM syncore.system y;
INSERT INTO syncore.field_map (system, record_type, field, path, on_null) SELECT y.name, 'ticket', 'resolution_code', '/code', 'clear' FROM syncore.system y;
CREATE FUNCTION public.longest(a jsonb, b jsonb, entity jsonb) RETURNS int LANGUAGE sql STABLE AS $$ SELECT sign(length(b ->> 'value') - length(a ->> 'value'))::int $$;
CREATE TABLE forced (n integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, rules text[], field text, at_first jsonb, ann_who text, ann_at numeric, ann jsonb, bob_who text, bob_at numeric, bob jsonb,
	wins jsonb, owner text, of_system text, review_from text, severity text);
INSERT INTO forced (rules, field, at_first, ann_who, ann_at, ann, bob_who, bob_at, bob, wins) VALUES
	-- a raise beats what is no raise, whoever and whenever
	('{escalation_wins}', 'severity', '"medium"', 'lee', 10, '"high"', 'kim', 20, '"low"', '"high"'),
	('{escalation_wins}', 'severity', '"medium"', 'lee', 20, '"high"', 'kim', 10, '"low"', '"high"'),
	('{escalation_wins}', 'severity', '"medium"', 'lee', 10, '"low"', 'kim', 20, '"critical"', '"critical"'),
	('{escalation_wins}', 'severity', '"medium"', 'lee', 10, '"critical"', 'kim', 20, '"high"', '"critical"'),
	('{escalation_wins}', 'severity', '"medium"', 'lee', 20, '"high"', 'kim', 10, '"critical"', '"critical"'),
	('{escalation_wins}', 'severity', '"critical"', 'lee', 10, '"low"', 'kim', 20, '"info"', '"low"'),
	('{escalation_wins}', 'severity', '"medium"', 'bot-1', 10, '"high"', 'kim', 20, '"low"', '"high"'),
	('{escalation_wins,human_wins,last_update_wins}', 'severity', '"medium"', 'bot-1', 10, '"critical"', 'kim', 20, '"high"', '"critical"'),
	('{human_wins,escalation_wins}', 'severity', '"medium"', 'bot-1', 10, '"critical"', 'kim', 20, '"high"', '"high"'),
	('{human_wins,escalation_wins}', 'severity', '"medium"', 'lee', 10, '"critical"', 'kim', 20, '"high"', '"critical"'),
	('{last_update_wins,escalation_wins}', 'severity', '"medium"', 'lee', 10, '"critical"', 'kim', 20, '"high"', '"high"'),
	('{last_update_wins,escalation_wins}', 'severity', '"medium"', 'lee', 10, '"high"', 'kim', 10, '"critical"', '"critical"'),
	-- a person beats a machine
	('{human_wins,last_update_wins}', 'status', '"new"', 'lee', 10, '"in_progress"', 'bot-1', 20, '"closed"', '"in_progress"'),
	('{human_wins,last_update_wins}', 'status', '"new"', 'bot-1', 20, '"closed"', 'kim', 10, '"in_progress"', '"in_progress"'),
	('{human_wins,last_update_wins}', 'status', '"new"', 'bot-1', 10, '"closed"', 'kim', 20, '"in_progress"', '"in_progress"'),
	('{human_wins,last_update_wins}', 'status', '"new"', 'lee', 10, '"in_progress"', 'kim', 20, '"resolved"', '"resolved"'),
	('{human_wins,last_update_wins}', 'status', '"new"', 'lee', 20, '"in_progress"', 'kim', 10, '"resolved"', '"in_progress"'),
	('{human_wins,last_update_wins}', 'status', '"new"', 'bot-1', 10, '"in_progress"', 'bot-2', 20, '"resolved"', '"resolved"'),
	('{human_wins,last_update_wins}', 'description', '"short"', 'bot-1', 30, '"by a machine"', 'kim', 10, '"by a person"', '"by a person"'),
	('{human_wins}', 'description', '"short"', 'lee', 10, '"ann"', 'kim', 20, '"bob"', '"ann"'),
	('{human_wins}', 'description', '"short"', 'bot-1', 30, '"ann"', 'bot-2', 20, '"bob"', '"ann"'),
	-- the later beats the earlier
	('{last_update_wins}', 'status', '"new"', 'lee', 10, '"in_progress"', 'bot-1', 20, '"closed"', '"closed"'),
	('{last_update_wins}', 'status', '"new"', 'lee', 20, '"in_progress"', 'bot-1', 10, '"closed"', '"in_progress"'),
	('{last_update_wins}', 'description', '"short"', 'lee', 10.001, '"ann"', 'kim', 10, '"bob"', '"ann"'),
	('{last_update_wins}', 'description', '"short"', 'lee', 10, '"ann"', 'kim', 10.001, '"bob"', '"bob"'),
	('{last_update_wins}', 'description', '"short"', 'lee', 10, '"ann"', 'kim', 10, '"bob"', '"ann"'),
	('{last_update_wins}', 'resolution_code', '"fixed"', 'lee', 20, 'null', 'kim', 10, '"bob"', 'null'),
	('{last_update_wins}', 'resolution_code', '"fixed"', 'lee', 10, 'null', 'kim', 20, '"bob"', '"bob"'),
	('{last_update_wins}', 'resolution_code', '"fixed"', 'lee', 10, '"ann"', 'kim', 20, 'null', 'null'),
	-- sets are united; what was taken out stays out
	('{union}', 'tags', '["a"]', 'lee', 10, '["a", "b"]', 'kim', 20, '["a", "c"]', '["a", "b", "c"]'),
	('{union}', 'tags', '["a"]', 'lee', 20, '["a", "b"]', 'kim', 10, '["a", "b"]', '["a", "b"]'),
	('{union}', 'tags', '["a", "b"]', 'lee', 10, '["a"]', 'kim', 20, '["a", "b", "c"]', '["a", "c"]'),
	('{union}', 'tags', '["a", "b"]', 'lee', 10, '["b"]', 'kim', 20, '["a"]', 'null'),
	('{last_update_wins}', 'tags', '["a"]', 'lee', 10, '["a", "b"]', 'kim', 20, '["a", "c"]', '["a", "c"]'),
	-- the same from both sides is no conflict, whatever the rule
	('{manual}', 'status', '"new"', 'lee', 10, '"resolved"', 'kim', 20, '"resolved"', '"resolved"'),
	('{manual}', 'severity', '"medium"', 'bot-1', 10, '"high"', 'kim', 20, '"high"', '"high"'),
	-- a person decides: what stood stands meanwhile
	('{manual}', 'status', '"new"', 'lee', 10, '"in_progress"', 'kim', 20, '"closed"', '"held"'),
	('{manual,last_update_wins}', 'severity', '"medium"', 'lee', 10, '"high"', 'kim', 20, '"low"', '"held"'),
	('{human_wins,manual}', 'status', '"new"', 'lee', 10, '"in_progress"', 'kim', 20, '"closed"', '"held"'),
	('{human_wins,manual}', 'status', '"new"', 'lee', 10, '"in_progress"', 'bot-1', 20, '"closed"', '"in_progress"');
INSERT INTO forced (rules, field, at_first, ann_who, ann_at, ann, bob_who, bob_at, bob, wins, owner, of_system) VALUES
	-- what the system of record says stands: the one that is named, or the owner
	('{system_of_record}', 'status', '"new"', 'lee', 20, '"in_progress"', 'kim', 10, '"closed"', '"closed"', NULL, 'bob'),
	('{system_of_record}', 'status', '"new"', 'lee', 10, '"in_progress"', 'bot-1', 20, '"closed"', '"in_progress"', NULL, 'ann'),
	('{system_of_record}', 'severity', '"medium"', 'lee', 20, '"critical"', 'bot-1', 10, '"info"', '"info"', 'bob', NULL),
	('{system_of_record}', 'severity', '"medium"', 'lee', 10, '"critical"', 'kim', 20, '"info"', '"critical"', 'ann', NULL),
	('{system_of_record,last_update_wins}', 'status', '"new"', 'lee', 10, '"in_progress"', 'kim', 20, '"closed"', '"closed"', NULL, 'cyd'),
	('{system_of_record,human_wins}', 'status', '"new"', 'bot-1', 30, '"in_progress"', 'kim', 20, '"closed"', '"closed"', NULL, NULL);
INSERT INTO forced (rules, field, at_first, ann_who, ann_at, ann, bob_who, bob_at, bob, wins, severity, review_from) VALUES
	-- a person decides only from a severity on
	('{manual,last_update_wins}', 'status', '"new"', 'lee', 10, '"in_progress"', 'kim', 20, '"closed"', '"closed"', 'medium', 'high'),
	('{manual,last_update_wins}', 'status', '"new"', 'lee', 10, '"in_progress"', 'kim', 20, '"closed"', '"held"', 'high', 'high'),
	('{manual,last_update_wins}', 'status', '"new"', 'lee', 10, '"in_progress"', 'kim', 20, '"closed"', '"held"', 'critical', 'high'),
	-- a function decides
	('{call}', 'description', '"short"', 'lee', 10, '"the longer text"', 'kim', 20, '"text"', '"the longer text"', NULL, NULL),
	('{call}', 'description', '"short"', 'lee', 10, '"text"', 'bot-1', 20, '"the longer text"', '"the longer text"', NULL, NULL),
	('{call,last_update_wins}', 'description', '"short"', 'lee', 10, '"same"', 'kim', 20, '"size"', '"size"', NULL, NULL);

CREATE FUNCTION tells(name text, at_system text, second numeric, change jsonb, who text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT edits(at_system, (SELECT id FROM peer WHERE system = at_system AND fields ->> 'title' = name), change, who)
		|| jsonb_build_object('at', to_char('2026-03-02 14:03:00'::timestamp + second * interval '1 s', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) $$;
-- One case, heard in one way: the value that stands in the end, or "held" where a person has to decide and nothing moved; "torn" if the three differ.
CREATE FUNCTION plays(c forced, heard text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	name text := 'case ' || c.n || ' ' || heard;
	path text := CASE c.field WHEN 'resolution_code' THEN 'code' ELSE c.field END;
	ann jsonb;
	bob jsonb;
	became jsonb;
BEGIN
	PERFORM syncore.set_policy('incident', c.field, c.rules, system => c.of_system, function => CASE WHEN 'call' = ANY (c.rules) THEN 'public.longest' END, review_from => c.review_from);
	PERFORM syncore.set_owner('incident', c.field, c.owner);
	PERFORM hears('ann', replace(upper(name), ' ', '-'), jsonb_build_object('title', name, path, c.at_first) || jsonb_strip_nulls(jsonb_build_object('severity', c.severity)));
	PERFORM settles();
	PERFORM echo(p.system, p.id) FROM peer p WHERE p.fields ->> 'title' = name;
	ann := tells(name, 'ann', c.ann_at, jsonb_build_object(path, c.ann), c.ann_who);
	bob := tells(name, 'bob', c.bob_at, jsonb_build_object(path, c.bob), c.bob_who);
	IF heard = 'together' THEN
		INSERT INTO syncore.event (system, payload) VALUES ('ann', ann), ('bob', bob);
	ELSIF heard = 'ann first' THEN
		INSERT INTO syncore.event (system, payload) VALUES ('ann', ann);
		INSERT INTO syncore.event (system, payload) VALUES ('bob', bob);
	ELSE
		INSERT INTO syncore.event (system, payload) VALUES ('bob', bob);
		INSERT INTO syncore.event (system, payload) VALUES ('ann', ann);
	END IF;
	PERFORM settles();
	SELECT coalesce(e.data -> c.field, 'null') INTO became FROM syncore.entity e WHERE e.data ->> 'title' = name;
	IF EXISTS (SELECT FROM syncore.conflict x JOIN syncore.entity e ON e.id = x.entity WHERE e.data ->> 'title' = name AND x.state = 'pending') THEN
		RETURN CASE WHEN (SELECT array_agg(p.fields -> path ORDER BY p.system) FROM peer p WHERE p.fields ->> 'title' = name) = ARRAY[c.ann, c.bob, c.at_first] THEN '"held"' ELSE '"moved while held"' END;
	ELSIF (SELECT count(DISTINCT coalesce(p.fields -> path, 'null')) FROM peer p WHERE p.fields ->> 'title' = name) > 1 THEN
		RETURN '"torn"';
	END IF;
	RETURN became;
END $$;
CREATE TABLE played AS SELECT c.*, h.heard, plays(c, h.heard) AS became FROM forced c CROSS JOIN (VALUES ('ann first'), ('bob first'), ('together')) h (heard) ORDER BY c.n, h.heard;
SELECT count(DISTINCT n) AS cases, count(*) AS played, count(*) FILTER (WHERE became = wins) AS as_expected FROM played;
SELECT n, rules, field, at_first, ann_who, ann, bob_who, bob, heard, wins, became FROM played WHERE became <> wins ORDER BY n, heard;
-- and each conflict is told with its rule and both values; nothing of a loser is gone
SELECT rule, count(*) > 0 AS decided FROM syncore.conflict GROUP BY 1 ORDER BY 1;
SELECT count(*) AS lost FROM played p WHERE ann <> bob AND NOT EXISTS (SELECT FROM syncore.ledger l JOIN syncore.entity e ON e.id = l.entity
	WHERE e.data ->> 'title' = 'case ' || p.n || ' ' || p.heard AND l.field = p.field AND l.kind IN ('conflict', 'hold'));
SELECT ok FROM syncore.verify_ledger();
DROP FUNCTION plays(forced, text), tells(text, text, numeric, jsonb, text), public.longest(jsonb, jsonb, jsonb);
DROP TABLE forced, played;
CALL pg_temp.toys_go();
