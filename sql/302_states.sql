-- Scales of seven, five, four and three states, and what happens to what a scale cannot say. CS-01 to CS-04, SA-01, SA-02.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
-- ann has ServiceNow's seven, bob Splunk's five, cyd Jira's four, dot Sentinel's three
INSERT INTO syncore.system (name, connector, base_url, mode, rank, connection) VALUES ('dot', 'toy', 'https://dot.example', 'active', 40, 'dot');
INSERT INTO syncore.record_map (system, record_type, entity_type) VALUES ('dot', 'ticket', 'incident');
INSERT INTO syncore.field_map (system, record_type, field, path) VALUES ('dot', 'ticket', 'title', '/title'), ('dot', 'ticket', 'status', '/status');
INSERT INTO syncore.route (system, entity_type, record_type) VALUES ('dot', 'incident', 'ticket');
INSERT INTO syncore.value_map (name, external, canonical, qualifier, direction) VALUES
	('ann.status', 'New', 'new', NULL, 'both'), ('ann.status', 'In Progress', 'in_progress', NULL, 'both'), ('ann.status', 'Awaiting Customer', 'pending', NULL, 'both'),
	('ann.status', 'On Hold', 'on_hold', NULL, 'both'), ('ann.status', 'Resolved', 'resolved', NULL, 'both'), ('ann.status', 'Closed', 'closed', NULL, 'both'), ('ann.status', 'Canceled', 'cancelled', NULL, 'both'),
	('bob.status', 'New', 'new', NULL, 'both'), ('bob.status', 'In Progress', 'in_progress', NULL, 'both'), ('bob.status', 'Pending', 'on_hold', NULL, 'both'), ('bob.status', 'Resolved', 'resolved', NULL, 'both'),
	('bob.status', 'Closed', 'closed', NULL, 'both'), ('bob.status', 'In Progress', 'pending', NULL, 'out'), ('bob.status', 'Closed', 'cancelled', NULL, 'out'),
	('bob.status', 'Suppressed', 'closed', 'suppressed', 'in'),
	('cyd.status', 'To Do', 'new', NULL, 'both'), ('cyd.status', 'In Progress', 'in_progress', NULL, 'both'), ('cyd.status', 'In Review', 'pending', NULL, 'both'), ('cyd.status', 'Done', 'resolved', NULL, 'both'),
	('cyd.status', 'In Progress', 'on_hold', NULL, 'out'), ('cyd.status', 'Done', 'closed', NULL, 'out'), ('cyd.status', 'Done', 'cancelled', NULL, 'out'),
	('dot.status', 'New', 'new', NULL, 'both'), ('dot.status', 'Active', 'in_progress', NULL, 'both'), ('dot.status', 'Closed', 'resolved', NULL, 'both'),
	('dot.status', 'Active', 'pending', NULL, 'out'), ('dot.status', 'Active', 'on_hold', NULL, 'out'), ('dot.status', 'Closed', 'closed', NULL, 'out'), ('dot.status', 'Closed', 'cancelled', NULL, 'out');
UPDATE syncore.field_map SET value_map = system || '.status' WHERE field = 'status';

-- CS-02: every state of ours has a word in every system, every word of theirs a state; what is not one to one is listed
SELECT y.name, s.name AS nowhere FROM syncore.system y CROSS JOIN syncore.state s
WHERE s.entity_type = 'incident' AND NOT EXISTS (SELECT FROM syncore.value_map v WHERE v.name = y.name || '.status' AND v.canonical = s.name AND v.direction <> 'in');
SELECT system, lossy FROM syncore.mapping_sheet WHERE field = 'status' ORDER BY 1;

-- one incident in all four, then every state of ann's: what the others show, and that they stay so
SELECT hears('ann', 'A1', '{"title": "one", "status": "New"}'), settles();
CREATE FUNCTION moves(status text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM hears('ann', 'A1', jsonb_build_object('status', status)), settles();
	PERFORM echo(p.system, p.id) FROM peer p WHERE p.system <> 'ann';
	RETURN format('%s calls follow', settles());
END $$;
CREATE TABLE walk (n int, status text, followed text, shown text);
CREATE PROCEDURE walk(statuses text[]) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. cardinality(statuses) LOOP
		INSERT INTO walk VALUES (i, statuses[i], moves(statuses[i]));
		UPDATE walk SET shown = (SELECT string_agg(system || '=' || (fields ->> 'status'), ', ' ORDER BY system) FROM peer WHERE system <> 'ann') WHERE n = i;
	END LOOP;
END $$;
CALL walk('{In Progress,Awaiting Customer,On Hold,Resolved,Closed}');
SELECT status, shown, followed FROM walk ORDER BY n;

-- CS-03, CS-04: a word without a counterpart becomes the nearest with a qualifier, and the ledger says so
SELECT hears('bob', p.id, '{"status": "Suppressed"}') FROM peer p WHERE system = 'bob';
SELECT kind, system, field, old, new, rule, reason FROM told WHERE kind = 'nearest' AND system = 'bob' ORDER BY id DESC LIMIT 1;
SELECT settles() AS calls;
SELECT system, fields ->> 'status' AS shows FROM peer ORDER BY 1;
-- and so it does of what we write: from, to, by which map
SELECT DISTINCT system, old, new, rule, reason FROM told WHERE kind = 'nearest' AND reason ~ 'is written' ORDER BY 1, 2;
-- (control) an exact word leaves no such row
SELECT count(*) FROM told WHERE kind = 'nearest' AND '"new"' IN (old, new);
SELECT count(*) AS written_exactly FROM peer_log WHERE wrote ->> 'status' = 'New';

-- SA-02: what a coarse system says of a finer state that it shows is no change
SELECT hears('ann', 'A2', '{"title": "two", "status": "Closed"}'), settles();
SELECT fields ->> 'status' AS dot, id FROM peer WHERE system = 'dot' AND fields ->> 'title' = 'two' \gset
SELECT :'dot' AS dot_shows, outcome FROM syncore.ingest('dot', said(:'id', 9, '{"status": "Closed"}', 'kim')::text);
SELECT data ->> 'status' AS stays FROM syncore.entity WHERE data ->> 'title' = 'two';
-- SA-01: two hundred rounds after the close: no state is written anywhere
SELECT max(n) AS mark FROM peer_log \gset
CREATE PROCEDURE rounds(n int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n LOOP
		UPDATE peer SET v = v + 1, by_whom = 'kim', call = NULL WHERE fields ->> 'title' = 'two';
		PERFORM echo(system, id) FROM peer WHERE fields ->> 'title' = 'two';
		PERFORM settles();
	END LOOP;
END $$;
CALL rounds(200);
SELECT count(*) AS written FROM peer_log WHERE n > :mark;
SELECT v > 200 AS rounds_were_heard, fields ->> 'status' AS status FROM peer WHERE fields ->> 'title' = 'two' ORDER BY system;
SELECT data ->> 'status' AS stays, revision FROM syncore.entity WHERE data ->> 'title' = 'two';
-- (control) a real change of the coarse one is heard: what was closed stays so, and goes on as a new one (RO-01)
SELECT hears('dot', :'id', '{"status": "Active"}') FROM peer WHERE system = 'dot' LIMIT 1;
SELECT data ->> 'status' AS moved FROM syncore.entity WHERE data ->> 'title' = 'two' ORDER BY id;

-- CS-01: states and steps are rows; a step that is none is refused and given back, or taken and told
DELETE FROM syncore.state_transition WHERE entity_type = 'incident' AND from_state = 'new' AND to_state = 'resolved';
UPDATE syncore.entity_type SET on_illegal = 'refuse' WHERE name = 'incident';
SELECT hears('ann', 'A3', '{"title": "three", "status": "New"}'), settles() > 0 AS sent;
SELECT hears('ann', 'A3', '{"status": "Resolved"}');
SELECT kind, old, new, reason FROM told WHERE kind = 'refuse' ORDER BY id DESC LIMIT 1;
SELECT settles();
SELECT data ->> 'status' AS status, (SELECT fields ->> 'status' FROM peer WHERE id = 'A3') AS ann FROM syncore.entity WHERE data ->> 'title' = 'three';
UPDATE syncore.entity_type SET on_illegal = 'accept' WHERE name = 'incident';
SELECT hears('ann', 'A3', '{"status": "Resolved"}');
SELECT data ->> 'status' AS status FROM syncore.entity WHERE data ->> 'title' = 'three';
-- a word that no row knows is not guessed
SELECT hears('ann', 'A3', '{"status": "Nonsense"}');
SELECT message FROM syncore.quarantine_entry;
SELECT ok, what FROM syncore.verify_ledger();
DROP FUNCTION moves(text);
DROP TABLE walk;
DROP PROCEDURE walk(text[]), rounds(int);
CALL pg_temp.toys_go();
