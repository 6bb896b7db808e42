-- Which record goes where: in and out of scope, projects by condition, one way only, by hand, more ways than one; shadow. RT-01, RT-02, RT-03, RT-06, RT-08, RT-10, DR-01 to DR-03.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
CREATE FUNCTION of(titled text, at_system text) RETURNS text LANGUAGE sql AS $$
	SELECT k.external_id FROM syncore.link k JOIN syncore.entity e ON e.id = k.entity JOIN syncore.system y ON y.id = k.system_id WHERE y.name = at_system AND e.data ->> 'title' = titled $$;
CREATE VIEW holds AS SELECT p.system, p.fields ->> 'title' AS title, p.fields ->> 'severity' AS severity, p.fields ->> 'description' AS description FROM peer p ORDER BY 2, 1;
DELETE FROM syncore.route WHERE system = 'cyd';

-- RT-01, RT-02: bob gets what is high; what is not goes nowhere
UPDATE syncore.route SET condition = '$.severity == "high"' WHERE system = 'bob';
SELECT hears('ann', 'A1', '{"title": "one", "severity": "low", "description": "d0"}'), settles() AS calls;
-- it comes in: made there; it goes out: its link stays, and nothing is written any more, however much is edited
SELECT hears('ann', 'A1', '{"severity": "high"}'), settles() AS calls;
SELECT hears('ann', 'A1', '{"severity": "low"}'), settles() AS calls;
SELECT count(hears('ann', 'A1', jsonb_build_object('description', 'd' || i))) AS edits FROM generate_series(1, 5) i;
SELECT settles() AS calls;
SELECT k.state, k.in_route FROM syncore.link k WHERE k.external_id = of('one', 'bob');
-- what a person says there is still heard
SELECT hears('bob', of('one', 'bob'), '{"status": "in_progress"}', 'kim'), settles() AS calls;
SELECT fields ->> 'status' AS told_ann FROM peer WHERE system = 'ann';
TABLE holds;
-- it comes in again: one call catches up with all of it, in the same record
SELECT hears('ann', 'A1', '{"severity": "high"}'), settles() AS calls;
TABLE holds;

INSERT INTO syncore.identity_map (person, system, external_id, kind) SELECT g, y.name, g, 'group' FROM syncore.system y, unnest('{network,database,desk,nobody}'::text[]) g;
-- RT-03: a project by the group that works on it; the first route that takes a record says which
UPDATE syncore.route SET condition = '$.assignment_group == "network"', create_with = '{"project": "NET", "form": {"kind": "outage"}}' WHERE system = 'bob';
INSERT INTO syncore.route (system, entity_type, record_type, position, condition, create_with) VALUES ('bob', 'incident', 'ticket', 2, '$.assignment_group == "database"', '{"project": "DBA"}'), ('bob', 'incident', 'ticket', 3, '$.severity == "critical"', '{"project": "OPS"}');
SELECT hears('ann', 'A' || n, jsonb_build_object('title', 'by ' || g, 'severity', s, 'assignment_group', g)) FROM (VALUES (2, 'network', 'low'), (3, 'database', 'critical'), (4, 'desk', 'critical'), (5, 'nobody', 'low')) AS t(n, g, s);
SELECT settles() AS calls;
SELECT fields ->> 'title' AS title, fields ->> 'project' AS project, fields -> 'form' AS form FROM peer WHERE system = 'bob' AND fields ->> 'title' ~ '^by' ORDER BY 1;
-- the project is for making it: where the record goes on to another group, it stays where it is
SELECT hears('ann', 'A2', '{"assignment_group": "database", "description": "over to you"}'), settles() AS calls;
SELECT fields ->> 'project' AS project, fields ->> 'description' AS description, fields ->> 'assignment_group' AS assigned FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'by network';
DELETE FROM syncore.route WHERE system = 'bob' AND position > 1;
UPDATE syncore.route SET condition = NULL, create_with = '{}' WHERE system = 'bob';

-- RT-06: one way only: what is edited at the target never comes back, though it is heard
UPDATE syncore.field_map SET direction = 'out' WHERE system = 'bob';
SELECT hears('ann', 'A6', '{"title": "six", "severity": "low", "description": "by ann"}'), settles() AS calls;
SELECT id AS six FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'six' \gset
SELECT hears('bob', :'six', '{"severity": "critical", "description": "by bob", "title": "mine now"}', 'kim'), settles() AS calls;
SELECT data FROM syncore.entity WHERE id = syncore._resolve_ref('A6');
SELECT fields FROM peer WHERE system = 'ann' AND id = 'A6';
-- the next word of the source goes there all the same
SELECT hears('ann', 'A6', '{"description": "by ann again"}'), settles() AS calls;
SELECT fields ->> 'description' AS description FROM peer WHERE id = :'six';
-- (control) both ways, the same edit does come back
UPDATE syncore.field_map SET direction = 'both' WHERE system = 'bob';
SELECT hears('bob', :'six', '{"severity": "high"}', 'kim'), settles() > 0 AS sent;
SELECT fields ->> 'severity' AS severity FROM peer WHERE system = 'ann' AND id = 'A6';

-- RT-08: by hand: a difference that a change of the configuration made is sent when somebody says so, beside what goes by itself
INSERT INTO syncore.value_map (name, external, canonical) VALUES ('bob.severity', 'P2', 'high'), ('bob.severity', 'P4', 'low');
UPDATE syncore.field_map SET value_map = 'bob.severity', on_unmapped = 'skip' WHERE system = 'bob' AND field = 'severity';
SELECT settles() AS by_itself;
SELECT count(*) AS looked_at FROM syncore.sync_now('A6');
-- (the answer shows a title that nobody heard while it went one way: it goes to ann)
SELECT settles() AS calls;
SELECT fields ->> 'severity' AS severity FROM peer WHERE id = :'six';
-- again, where nothing differs: looked at, and nothing is sent
SELECT count(*) AS looked_at FROM syncore.sync_now('A6');
SELECT settles() AS calls;
SELECT count(*) AS left_over FROM syncore.delivery;
SELECT syncore.sync_now('A99');
UPDATE syncore.field_map SET value_map = NULL WHERE system = 'bob';

-- RT-10: three systems, each linked with each: what one says comes to each once, and each has one record of it
INSERT INTO syncore.route (system, entity_type, record_type) VALUES ('cyd', 'incident', 'ticket');
SELECT hears('ann', 'A7', '{"title": "seven"}'), settles() AS made;
SELECT hears('bob', of('seven', 'bob'), '{"description": "from bob"}', 'kim'), settles() AS told;
SELECT count(echo(y.name, of('seven', y.name))) AS echoes FROM syncore.system y;
SELECT settles() AS nothing_more;
SELECT system, count(*) AS records, min(fields ->> 'description') AS description FROM peer WHERE fields ->> 'title' = 'seven' GROUP BY 1 ORDER BY 1;

-- DR-01, DR-03: in shadow everything is decided, and nothing leaves; DR-02: what would leave, field by field: now, would be, rule
UPDATE syncore.system SET mode = 'shadow' WHERE name IN ('bob', 'cyd');
SELECT max(n) AS mark FROM peer_log \gset
SELECT hears('ann', 'A7', '{"severity": "critical"}'), hears('ann', 'A8', '{"title": "eight", "severity": "low"}');
SELECT settles() AS calls;
SELECT count(*) AS writes FROM peer_log WHERE n > :mark;
SELECT * FROM syncore.plan('A7');
SELECT system, call, field, now, would_be, rule FROM syncore.plan('A8') ORDER BY 1, 3;
-- and back: what was decided meanwhile is kept, and leaves when it may (control)
UPDATE syncore.system SET mode = 'active' WHERE name IN ('bob', 'cyd');
SELECT settles() AS calls;
SELECT count(*) AS writes FROM peer_log WHERE n > :mark;
SELECT system, severity FROM holds WHERE title = 'seven';
SELECT ok, what FROM syncore.verify_ledger();
DROP VIEW holds;
DROP FUNCTION of(text, text);
CALL pg_temp.toys_go();
