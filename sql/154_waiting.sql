-- What waits for a look at a record is looked at when its system can be asked again, without a new event: it always has a delivery.
-- R3, R11, R15, R21, EL-04; what the worker does about an open circuit is in test/t/172_circuit.pl
SET client_min_messages = warning;
SET syncore.allow_drop = on;
DROP EXTENSION IF EXISTS syncore CASCADE;
RESET syncore.allow_drop;
CREATE EXTENSION syncore CASCADE;
RESET client_min_messages;
\getenv top PG_ABS_SRCDIR
\set toy :top '/sql/include/toy.sql'
\set peer :top '/sql/include/toy_peer.sql'
\set ECHO none
\i :toy
\i :peer
\set ECHO all
\set VERBOSITY terse
DELETE FROM syncore.route WHERE system = 'cyd';
UPDATE syncore.connector SET abilities = abilities || '{"marker_in_webhook": false}' WHERE name = 'toy';
CREATE VIEW waits AS SELECT s.name AS system, l.external_id, l.state, l.call ->> 'kind' AS call, (l.call ->> 'unknown')::boolean AS unknown, l.read_owed, cardinality(l.waiting) AS waiting,
	cardinality(l.unsure) AS unsure, d.state AS delivery, d.sent_at IS NULL AS free
	FROM syncore.link l JOIN syncore.system s ON s.id = l.system_id LEFT JOIN syncore.delivery d ON d.link = l.id
	WHERE l.call IS NOT NULL OR l.read_owed OR l.waiting IS NOT NULL OR l.unsure IS NOT NULL OR l.state IN ('candidate', 'creating') ORDER BY l.id;

-- 1. a write and a create whose answers are lost; a word of a person about the first, and a record that nobody knows, which may be the second
SELECT hears('ann', 'A1', '{"title": "one", "severity": "high"}'), settles();
SELECT hears('ann', 'A1', '{"title": "one, written"}'), serves('bob', 'lost');
SELECT hears('ann', 'A2', '{"title": "two", "severity": "high"}');
UPDATE syncore.delivery SET not_before = now() + interval '1 h' WHERE link IN (SELECT id FROM syncore.link WHERE external_id = 'BOB-1');
SELECT test_claim((SELECT id FROM syncore.system WHERE name = 'bob'), 1) LIKE 'create%' AS claimed;
INSERT INTO peer SELECT 'bob', 'BOB-2', 1, 'syncore', marker, NULL, '{"title": "two", "severity": "high"}' FROM syncore.link WHERE state = 'creating';
SELECT hears('bob', 'BOB-1', '{"title": "one, by hand"}', 'kim');
SELECT hears('bob', 'X-9', '{"title": "three"}', 'kim');
SELECT test_answer(0, '[{"lost": "timed out"}]'), test_record();
TABLE waits;
-- its circuit is open: nothing is claimed, however long. Then it is closed, and nobody says a word
SELECT count(*) AS events FROM syncore.event \gset
SELECT settles() > 0 AS worked_on;
TABLE waits;
SELECT count(*) - :events AS new_events FROM syncore.event;
SELECT data ->> 'title' AS title FROM syncore.entity ORDER BY id;
SELECT system, id, fields ->> 'title' AS title FROM peer ORDER BY 1, 2;

-- 2. a record that its route takes no more is still heard; what only a read can settle is read there, too (it was left for ever)
UPDATE syncore.connector SET position_grade = 'none' WHERE name = 'toy';
UPDATE syncore.route SET condition = '$.severity != "low"' WHERE system = 'bob';
SELECT hears('ann', 'A1', '{"severity": "low"}'), settles() > 0 AS read_at_ann;
SELECT in_route FROM syncore.link WHERE external_id = 'BOB-1';
SELECT hears('bob', 'BOB-1', '{"title": "one, out of route"}', 'kim');
TABLE waits;
SELECT serves('bob');
TABLE waits;
SELECT data ->> 'title' AS title FROM syncore.entity ORDER BY id LIMIT 1;
-- and nothing is written there (control: at ann it is)
SELECT settles();
SELECT (SELECT fields ->> 'severity' FROM peer WHERE id = 'BOB-1') AS severity_at_bob, (SELECT fields ->> 'title' FROM peer WHERE id = 'A1') AS title_at_ann;
SELECT ok, what FROM syncore.verify_ledger();
DROP VIEW waits;
CALL peers_go();
DROP PROCEDURE peers_go();
