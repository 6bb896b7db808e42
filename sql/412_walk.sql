-- States: steps that no transition allows, machines that make no sense, scales that would fight, and the finer state kept. CS-01, CS-03, CS-05, SA-04.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
CREATE FUNCTION wrote(title text) RETURNS TABLE (system text, status text) LANGUAGE sql AS $$
	SELECT l.system, string_agg(l.wrote ->> 'status', ' -> ' ORDER BY l.n) FROM peer_log l WHERE l.wrote ? 'status' AND l.id IN (SELECT p.id FROM peer p WHERE p.fields ->> 'title' = title) GROUP BY 1 ORDER BY 1 $$;

-- CS-01, on_illegal walk: ann goes where no step leads; the others are taken there by declared steps
DELETE FROM syncore.state_transition WHERE entity_type = 'incident' AND ((from_state = 'new' AND to_state <> 'in_progress') OR (from_state = 'in_progress' AND to_state NOT IN ('pending', 'resolved')));
UPDATE syncore.entity_type SET on_illegal = 'walk' WHERE name = 'incident';
SELECT hears('ann', 'A1', '{"title": "one", "status": "new"}'), settles() AS calls;
SELECT hears('ann', 'A1', '{"status": "closed"}');
SELECT old, new, reason FROM told WHERE field = 'status' AND kind = 'change' AND system = 'ann' ORDER BY id DESC LIMIT 1;
SELECT serves('bob');
-- the echo of a step on the way is none but an echo
SELECT echo('bob', 'BOB-1');
SELECT settles() AS calls;
SELECT * FROM wrote('one');
SELECT system, fields ->> 'status' AS shows FROM peer ORDER BY 1;
SELECT data ->> 'status' AS status FROM syncore.entity;
SELECT DISTINCT reason FROM told WHERE kind = 'send' AND field = 'status' AND system = 'bob' ORDER BY 1;
-- (control) a declared step is one write
SELECT hears('ann', 'A2', '{"title": "two", "status": "new"}'), settles() AS calls, hears('ann', 'A2', '{"status": "in_progress"}'), settles() AS then_calls;
SELECT * FROM wrote('two');
-- who changes it there on the way has not seen the end: a conflict, not the next step
SELECT hears('ann', 'A3', '{"title": "three", "status": "new"}'), settles() AS calls;
SELECT hears('ann', 'A3', '{"status": "resolved"}', 'bot');
SELECT serves('bob');
SELECT hears('bob', (SELECT id FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'three'), '{"status": "pending"}', 'kim');
SELECT c.rule, c.outcome, e.data ->> 'status' AS status FROM syncore.conflict c JOIN syncore.entity e ON e.id = c.entity;
SELECT settles() > 0 AS sent;
SELECT DISTINCT fields ->> 'status' AS shows FROM peer WHERE fields ->> 'title' = 'three';
-- where no steps lead there it is given back
DELETE FROM syncore.state_transition WHERE entity_type = 'incident' AND to_state = 'on_hold';
SELECT hears('ann', 'A2', '{"status": "on_hold"}');
SELECT kind, reason FROM told WHERE system = 'ann' AND field = 'status' ORDER BY id DESC LIMIT 1;
SELECT settles() AS calls;
SELECT fields ->> 'status' AS ann FROM peer WHERE id = 'A2';
-- a state between that a system would not give back as the same is left out
UPDATE syncore.field_map SET value_map = 'cyd.status' WHERE system = 'cyd' AND field = 'status';
INSERT INTO syncore.value_map (name, external, canonical, direction) VALUES ('cyd.status', 'open', 'new', 'both'), ('cyd.status', 'open', 'in_progress', 'out'), ('cyd.status', 'open', 'pending', 'out'), ('cyd.status', 'open', 'on_hold', 'out'),
	('cyd.status', 'done', 'resolved', 'both'), ('cyd.status', 'done', 'closed', 'out'), ('cyd.status', 'done', 'cancelled', 'out');
SELECT hears('ann', 'A4', '{"title": "four", "status": "new"}'), settles() AS calls, hears('ann', 'A4', '{"status": "closed"}'), settles() AS then_calls;
SELECT * FROM wrote('four');

-- machines that make no sense are refused, with what to write instead
INSERT INTO syncore.state_transition (entity_type, from_state, to_state) VALUES ('incident', 'pending', 'pending');
\set VERBOSITY default
\set SHOW_CONTEXT never
INSERT INTO syncore.entity_type (name) VALUES ('change');
INSERT INTO syncore.state (entity_type, name, category, position) VALUES ('change', 'draft', 'open', 1), ('change', 'asked', 'waiting', 2), ('change', 'done', 'done', 3), ('change', 'filed', 'done', 4);
INSERT INTO syncore.state_transition (entity_type, from_state, to_state) VALUES ('change', 'draft', 'asked'), ('change', 'asked', 'draft');
INSERT INTO syncore.state_transition (entity_type, from_state, to_state) VALUES ('change', 'draft', 'asked'), ('change', 'asked', 'done'), ('change', 'done', 'filed'), ('change', 'filed', 'done');
-- what makes sense when the transaction ends is taken, whatever the order
BEGIN;
INSERT INTO syncore.state_transition (entity_type, from_state, to_state) VALUES ('change', 'draft', 'asked');
INSERT INTO syncore.state_transition (entity_type, from_state, to_state) VALUES ('change', 'asked', 'draft'), ('change', 'asked', 'done'), ('change', 'done', 'filed');
COMMIT;
DELETE FROM syncore.state_transition WHERE entity_type = 'change' AND from_state = 'asked' AND to_state = 'done';
DELETE FROM syncore.state WHERE entity_type = 'change' AND name = 'done';
SELECT from_state, to_state FROM syncore.state_transition WHERE entity_type = 'change' ORDER BY 1, 2;
\set VERBOSITY terse

-- scales that would fight: each reads back what it is told as something else, and the other answers. lint() finds it before it runs
UPDATE syncore.entity_type SET on_illegal = 'accept' WHERE name = 'incident';
SELECT count(*) AS before FROM syncore.lint() WHERE code = 'pair_oscillates';
BEGIN;
INSERT INTO syncore.value_map (name, external, canonical) VALUES
	('ann.told', 'n', 'new'), ('ann.told', 'w', 'in_progress'), ('ann.told', 'p', 'pending'), ('ann.told', 'h', 'on_hold'), ('ann.told', 'r', 'resolved'), ('ann.told', 'c', 'closed'), ('ann.told', 'x', 'cancelled'),
	('ann.says', 'n', 'new'), ('ann.says', 'w', 'in_progress'), ('ann.says', 'p', 'on_hold'), ('ann.says', 'h', 'pending'), ('ann.says', 'r', 'resolved'), ('ann.says', 'c', 'closed'), ('ann.says', 'x', 'cancelled'),
	('bob.told', 'n', 'new'), ('bob.told', 'w', 'in_progress'), ('bob.told', 'p', 'pending'), ('bob.told', 'h', 'on_hold'), ('bob.told', 'r', 'resolved'), ('bob.told', 'c', 'closed'), ('bob.told', 'x', 'cancelled'),
	('bob.says', 'n', 'new'), ('bob.says', 'w', 'in_progress'), ('bob.says', 'p', 'on_hold'), ('bob.says', 'h', 'pending'), ('bob.says', 'r', 'resolved'), ('bob.says', 'c', 'closed'), ('bob.says', 'x', 'cancelled');
UPDATE syncore.field_map SET direction = 'in', value_map = system || '.says' WHERE field = 'status' AND system IN ('ann', 'bob');
INSERT INTO syncore.field_map (system, record_type, field, path, write_path, direction, value_map) SELECT system, record_type, field, '/status_told', path, 'out', system || '.told' FROM syncore.field_map WHERE field = 'status' AND system IN ('ann', 'bob');
SELECT level, code, object, message, hint FROM syncore.lint() WHERE code = 'pair_oscillates';
SELECT count(*) AS told_by_either FROM syncore.lint('bob') WHERE code = 'pair_oscillates';
-- it is so: they write against each other until the breaker stops it, or for ever
UPDATE syncore.entity_type SET loop_limit = 100 WHERE name = 'incident';
SELECT hears('ann', 'A9', '{"title": "nine", "status": "w"}'), settles(), hears('ann', 'A9', '{"status": "h"}'), settles(100) > 20 AS they_fight;
ROLLBACK;
SELECT count(*) AS after FROM syncore.lint() WHERE code = 'pair_oscillates';

-- CS-03, CS-05: a finer state becomes the nearest one elsewhere, with what it meant beside it, and comes back as it was, from every state, whatever else is edited there
INSERT INTO syncore.value_map (name, external, canonical, qualifier, direction) VALUES
	('ann.fine', 'New', 'new', NULL, 'both'), ('ann.fine', 'In Progress', 'in_progress', NULL, 'both'), ('ann.fine', 'Awaiting Customer', 'in_progress', 'pending external', 'both'), ('ann.fine', 'Awaiting Vendor', 'in_progress', 'pending vendor', 'both'),
	('ann.fine', 'On Hold', 'on_hold', NULL, 'both'), ('ann.fine', 'Pending', 'pending', NULL, 'both'), ('ann.fine', 'Resolved', 'resolved', NULL, 'both'), ('ann.fine', 'Closed', 'closed', NULL, 'both'), ('ann.fine', 'Cancelled', 'cancelled', NULL, 'both'),
	('bob.four', 'To Do', 'new', NULL, 'both'), ('bob.four', 'In Progress', 'in_progress', NULL, 'both'), ('bob.four', 'In Progress', 'on_hold', NULL, 'out'), ('bob.four', 'In Progress', 'pending', NULL, 'out'),
	('bob.four', 'Done', 'resolved', NULL, 'both'), ('bob.four', 'Done', 'closed', NULL, 'out'), ('bob.four', 'Done', 'cancelled', NULL, 'out');
UPDATE syncore.field_map SET value_map = CASE system WHEN 'ann' THEN 'ann.fine' WHEN 'bob' THEN 'bob.four' ELSE value_map END WHERE field = 'status';
CREATE TABLE trip (n int, state text, bob text, cyd text, back text);
CREATE PROCEDURE trips() LANGUAGE plpgsql AS $$
DECLARE
	one record;
	there record;
BEGIN
	FOR one IN SELECT row_number() OVER (ORDER BY v.id)::int AS n, v.external AS state FROM syncore.value_map v WHERE v.name = 'ann.fine' LOOP
		PERFORM hears('ann', 'T' || one.n, jsonb_build_object('title', 'trip ' || one.n, 'status', one.state));
		PERFORM settles();
		-- the others say all that they hold, as their own people do who edit something else
		FOR there IN SELECT p.system, p.id FROM peer p WHERE p.fields ->> 'title' = 'trip ' || one.n AND p.system <> 'ann' LOOP
			PERFORM hears(there.system, there.id, (SELECT p.fields || '{"description": "seen"}' FROM peer p WHERE p.id = there.id), 'kim');
			PERFORM settles();
		END LOOP;
		PERFORM echo(p.system, p.id) FROM peer p WHERE p.fields ->> 'title' = 'trip ' || one.n;
		PERFORM settles();
		INSERT INTO trip SELECT one.n, one.state, min(p.fields ->> 'status') FILTER (WHERE p.system = 'bob'), min(p.fields ->> 'status') FILTER (WHERE p.system = 'cyd'), min(p.fields ->> 'status') FILTER (WHERE p.system = 'ann')
			FROM peer p WHERE p.fields ->> 'title' = 'trip ' || one.n;
	END LOOP;
END $$;
CALL trips();
SELECT state, bob, cyd, back = state AS comes_back FROM trip ORDER BY n;
SELECT DISTINCT data ->> 'status' AS status, data ->> 'status.qualifier' AS qualifier FROM syncore.entity WHERE data ->> 'title' LIKE 'trip%' AND data ? 'status.qualifier' ORDER BY 2;
SELECT system, old, new, rule, reason FROM told WHERE kind = 'nearest' AND reason ~ 'pending (external|vendor)' ORDER BY id;
-- (control) what bob's people do change is heard, and what the finer state meant is over
SELECT hears('bob', (SELECT id FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'trip 3'), '{"status": "Done"}', 'kim'), settles() > 0 AS sent;
SELECT fields ->> 'status' AS ann FROM peer WHERE id = 'T3';
-- SA-04, RS-07: cyd offers no step that leads there: after a second look it is for a person, with the states, what is wrong and what to do; cured, it goes
INSERT INTO syncore.connector_operation (connector, record_type, operation, method, url, body_kind, success, response, options) VALUES
	('toy', 'ticket', 'transitions', 'GET', '/ticket/{link.external_id}/transitions', 'none', '{200}', '{"list": "/steps", "id": "/id"}', '{"target": ["/to"]}');
INSERT INTO syncore.connector_operation (connector, record_type, operation, method, url, body, body_kind, writes, success) VALUES
	('toy', 'ticket', 'transition', 'POST', '/ticket/{link.external_id}/transitions', '{"transition": "{transition.id}"}', 'json', '{/status}', '{200}');
SELECT hears('ann', 'W1', '{"title": "stuck", "status": "New"}'), settles() > 0 AS sent;
SELECT id AS cyd FROM peer WHERE system = 'cyd' AND fields ->> 'title' = 'stuck' \gset
UPDATE syncore.system SET mode = 'paused' WHERE name = 'bob';
SELECT hears('ann', 'W1', '{"status": "Resolved"}');
CREATE PROCEDURE offered(steps jsonb) LANGUAGE plpgsql AS $$
DECLARE
	c record := claims('cyd');
BEGIN
	IF c.call LIKE 'read%' THEN
		PERFORM test_answer(0, (SELECT jsonb_build_array(jsonb_build_object('status', 200, 'body', shows(p))) FROM peer p WHERE p.system = 'cyd' AND p.id = c.record));
	ELSE
		PERFORM test_answer(0, jsonb_build_array(jsonb_build_object('status', 200, 'body', jsonb_build_object('steps', steps)), '{"status": 200}'::jsonb,
			(SELECT jsonb_build_object('status', 200, 'body', shows(p) || '{"v": 77, "status": "done"}') FROM peer p WHERE p.system = 'cyd' AND p.id = c.record)));
	END IF;
	PERFORM test_record();
END $$;
CALL offered('[{"id": 11, "to": "in_progress"}]');
SELECT count(*) AS waiting FROM syncore.review;
CALL offered('[]');
CALL offered('[{"id": 11, "to": "in_progress"}]');
SELECT kind, ref, field, versions, suggestion, regexp_replace(to_do, '\d+', 'N') AS to_do FROM syncore.review;
SELECT syncore.retry(id) AS retried FROM syncore.review;
CALL offered('[{"id": 21, "to": "done"}]');
SELECT count(*) AS waiting, (SELECT k.shadow::jsonb #>> '{status,held,value}' FROM syncore.link k WHERE k.external_id = :'cyd') AS cyd_holds FROM syncore.review;
DROP PROCEDURE offered(jsonb);
SELECT ok, what FROM syncore.verify_ledger();
DROP TABLE trip;
DROP PROCEDURE trips();
DROP FUNCTION wrote(text);
CALL pg_temp.toys_go();
