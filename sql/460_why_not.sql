-- Why a system has no record of a ticket, or an old value: every step, whether it is passed, why, and what to do.
-- RT-01, OW-02, VQ-03, LG-08. as_of(): any field at any past instant.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
-- The steps that are not passed. No worker serves a test database: that one is left out.
CREATE FUNCTION stops(ref text, target text) RETURNS TABLE (step text, because text, fix text) LANGUAGE sql AS $$
	SELECT w.step, regexp_replace(w.because, '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC', '<time>', 'g'), w.fix FROM syncore.why_not(ref, target) w
	WHERE NOT w.passed AND w.because !~ 'No dispatcher works' ORDER BY w.n $$;
SELECT syncore.set_policy('incident', 'severity', '{escalation_wins}') IS NOT NULL AS policy;
-- step by step, where nothing is in the way
SELECT hears('ann', 'A1', '{"title": "one", "severity": "low", "description": "d"}'), settles();
SELECT n, step, passed, regexp_replace(because, '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC', '<time>') AS because, fix FROM syncore.why_not('A1', 'bob') WHERE because !~ 'No dispatcher works';
SELECT n, step FROM syncore.why_not('A1', 'bob') WHERE NOT passed;
-- of a record that is not there at all, and of a system that is not
SELECT syncore.why_not('A9', 'bob');
SELECT syncore.why_not('A1', 'bbo');
-- in scope? its mode, its space
UPDATE syncore.system SET mode = 'draft' WHERE name = 'cyd';
SELECT * FROM stops('A1', 'cyd');
UPDATE syncore.system SET mode = 'shadow' WHERE name = 'cyd';
SELECT * FROM stops('A1', 'cyd');
UPDATE syncore.system SET mode = 'active' WHERE name = 'cyd';
INSERT INTO syncore.space (name) VALUES ('acme');
INSERT INTO syncore.system (name, connector, base_url, mode, space) VALUES ('far', 'toy', 'https://far.example', 'active', 'acme');
SELECT * FROM stops('A1', 'far') WHERE step IN ('scope', 'map');
-- RT-01: the route: none that takes it, one that may not create, none at all, and older than the first activation
DELETE FROM syncore.route WHERE system = 'cyd';
SELECT hears('ann', 'A2', '{"title": "two", "severity": "low"}'), settles();
SELECT * FROM stops('A2', 'cyd');
INSERT INTO syncore.route (system, entity_type, condition) VALUES ('cyd', 'incident', '$.severity == "critical"');
SELECT * FROM stops('A2', 'cyd');
UPDATE syncore.route SET condition = NULL, may_create = false WHERE system = 'cyd';
SELECT * FROM stops('A2', 'cyd');
UPDATE syncore.route SET may_create = true WHERE system = 'cyd';
UPDATE syncore.system SET create_after = now() WHERE name = 'cyd';
SELECT * FROM stops('A2', 'cyd');
UPDATE syncore.system SET create_after = now() - interval '1 day' WHERE name = 'cyd';
SELECT * FROM stops('A2', 'cyd');
SELECT hears('ann', 'A2', '{"description": "now it goes there"}'), settles() > 0 AS sent;
SELECT * FROM stops('A2', 'cyd');
-- OW-02: what a system said about a field that it does not own
SELECT syncore.set_owner('incident', 'description', 'ann', on_foreign_write => 'refuse') IS NOT NULL AS owned;
SELECT hears('bob', 'BOB-1', '{"description": "by bob"}', 'kim'), settles();
SELECT * FROM stops('A1', 'ann');
SELECT hears('ann', 'A1', '{"description": "by ann"}'), settles() > -1 AS settled;
SELECT * FROM stops('A1', 'ann');
-- VQ-03: what could not be read
SELECT hears('ann', 'A1', '{"severity": "dreadful"}');
SELECT * FROM stops('A1', 'bob');
SELECT hears('ann', 'A7', '{"title": "seven", "severity": "dreadful"}');
SELECT * FROM stops('ann:A7', 'bob');
UPDATE syncore.system SET accepts = '$.severity != "info"' WHERE name = 'ann';
SELECT outcome FROM syncore.ingest('ann', said('A8', 1, '{"title": "eight", "severity": "info"}')::text);
SELECT * FROM stops('A8', 'bob');
UPDATE syncore.system SET accepts = NULL WHERE name = 'ann';
UPDATE syncore.quarantine_entry SET state = 'discarded';
-- a conflict that waits for a person
SELECT syncore.set_policy('incident', 'title', '{manual}') IS NOT NULL AS policy;
SELECT hears('ann', 'A1', '{"title": "one of ann"}'), hears('bob', 'BOB-1', '{"title": "one of bob"}', 'kim');
SELECT step, because FROM stops('A1', 'cyd');
SELECT syncore.resolve((SELECT min(id) FROM syncore.conflict WHERE state = 'pending'), 'bob') IS NOT NULL AS resolved, settles() > 0 AS sent;
SELECT * FROM stops('A1', 'cyd');
-- due, tried in vain, given up, paused
SELECT hears('ann', 'A1', '{"description": "due"}');
SELECT * FROM stops('A1', 'bob');
SELECT serves('bob', '503') IS NOT NULL AS failed;
SELECT step, because, fix ~ 'retry' AS fix FROM stops('A1', 'bob');
UPDATE syncore.delivery d SET state = 'dead', error_at = now() FROM syncore.system y WHERE y.id = d.system_id AND y.name = 'bob';
SELECT step, because, fix ~ 'retry' AS fix FROM stops('A1', 'bob');
SELECT syncore.pause('bob'), syncore.pause('space:default');
SELECT step, because, fix FROM stops('A1', 'bob') WHERE step = 'paused';
SELECT syncore.resume('bob'), syncore.resume('space:default');
SELECT syncore.retry('bob'), settles() > 0 AS sent;
SELECT * FROM stops('A1', 'bob');
-- gone there
SELECT outcome FROM syncore.ingest('bob', '{"kind": "delete", "id": "BOB-1", "v": 90, "eid": "gone"}');
SELECT step, because, fix FROM stops('A1', 'bob');

-- LG-08: the values as they stood, each since when and by whose word
CREATE TABLE instant (n int GENERATED ALWAYS AS IDENTITY, at timestamptz);
INSERT INTO instant (at) VALUES (clock_timestamp());
SELECT hears('ann', 'A3', '{"title": "three", "severity": "low"}'), settles() > 0 AS sent;
INSERT INTO instant (at) VALUES (clock_timestamp());
SELECT hears('bob', (SELECT external_id FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id WHERE y.name = 'bob' AND k.entity = syncore._resolve_ref('A3')), '{"severity": "critical", "title": "3"}', 'kim');
INSERT INTO instant (at) VALUES (clock_timestamp());
SELECT i.n, a.field, a.value, a.system, a.since <= i.at AS before FROM instant i CROSS JOIN LATERAL syncore.as_of('A3', i.at) a ORDER BY 1, 2;
SELECT count(*) AS nothing_yet FROM syncore.as_of('A3', (SELECT at FROM instant WHERE n = 1));
-- it agrees with what stands now, field by field
SELECT count(*) AS fields, count(*) FILTER (WHERE e.data -> a.field = a.value) AS alike FROM syncore.entity e CROSS JOIN LATERAL syncore.as_of(e.id, now()) a WHERE e.data ? a.field;
SELECT syncore.as_of('A99', now());
SELECT syncore.as_of('A3', NULL);
DROP TABLE instant;
DROP FUNCTION stops(text, text);
CALL pg_temp.toys_go();
