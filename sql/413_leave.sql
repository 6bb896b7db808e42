-- What becomes of a record whose entity its route takes no more: kept, closed, untied; and when it comes back. R9, RT-02.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
CREATE VIEW links AS
	SELECT e.data ->> 'title' AS title, y.name AS system, k.state, k.in_route, k.gone_by, p.fields ->> 'status' AS status, p.fields ->> 'severity' AS severity
	FROM syncore.link k JOIN syncore.entity e ON e.id = k.entity JOIN syncore.system y ON y.id = k.system_id LEFT JOIN peer p ON p.system = y.name AND p.id = k.external_id;
-- bob gets what is high or critical
UPDATE syncore.route SET condition = '$.severity == "high" || $.severity == "critical"' WHERE system = 'bob';
-- (control) keep: it stays as it is and is no longer written to
SELECT hears('ann', 'A1', '{"title": "one", "status": "in_progress", "severity": "high"}'), settles() AS calls;
SELECT hears('ann', 'A1', '{"severity": "low"}'), settles() AS calls;
SELECT * FROM links WHERE title = 'one' ORDER BY 2;

-- close: it is closed there, and nowhere else
UPDATE syncore.route SET on_leave = 'close' WHERE system = 'bob';
SELECT hears('ann', 'A2', '{"title": "two", "status": "in_progress", "severity": "high"}'), settles() AS calls;
SELECT id AS bob FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'two' \gset
SELECT hears('ann', 'A2', '{"severity": "low"}'), settles() AS calls;
SELECT * FROM links WHERE title = 'two' ORDER BY 2;
SELECT data ->> 'status' AS status, closed_at IS NULL AS open FROM syncore.entity WHERE data ->> 'title' = 'two';
SELECT kind, system, rule, reason FROM told WHERE rule = 'on_leave' OR reason ~ 'left its route' ORDER BY id;
-- our closing comes back as an echo; edits of the rest are heard there, and not written to it
SELECT echo('bob', :'bob'), settles() AS calls;
SELECT hears('bob', :'bob', '{"description": "from bob"}', 'kim'), hears('ann', 'A2', '{"title": "two"}'), settles() AS calls;
SELECT data ->> 'description' AS heard, data ->> 'status' AS status FROM syncore.entity WHERE data ->> 'title' = 'two';
-- who reopens it there is heard, and not closed again
SELECT hears('bob', :'bob', '{"status": "pending"}', 'kim'), settles() AS calls;
SELECT system, status FROM links WHERE title = 'two' ORDER BY 1;
-- it comes back: what stands is told again
SELECT hears('ann', 'A2', '{"severity": "critical", "status": "on_hold"}'), settles() AS calls;
SELECT * FROM links WHERE title = 'two' ORDER BY 2;
-- closed before: no call
SELECT hears('ann', 'A3', '{"title": "three", "status": "resolved", "severity": "high"}'), settles() AS calls, hears('ann', 'A3', '{"severity": "low"}');
SELECT serves('bob') IS NULL AS nothing_for_bob, settles() AS calls;

-- unlink: it stays there as it is and is not listened to, until it comes back
UPDATE syncore.route SET on_leave = 'unlink' WHERE system = 'bob';
SELECT hears('ann', 'A4', '{"title": "four", "status": "new", "severity": "high"}'), settles() AS calls;
SELECT id AS bob FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'four' \gset
SELECT hears('ann', 'A4', '{"severity": "low"}'), settles() AS calls;
SELECT * FROM links WHERE title = 'four' ORDER BY 2;
SELECT kind, system, reason FROM told WHERE rule = 'on_leave' AND kind = 'unlink' ORDER BY id;
SELECT reason FROM syncore.ingest('bob', edits('bob', :'bob', '{"description": "not heard yet"}', 'kim')::text);
SELECT count(*) AS entities, min(data ->> 'description') AS description FROM syncore.entity WHERE data ->> 'title' = 'four';
SELECT hears('ann', 'A4', '{"severity": "critical"}'), settles() AS calls;
SELECT * FROM links WHERE title = 'four' ORDER BY 2;
SELECT count(*) AS entities, min(data ->> 'description') AS description FROM syncore.entity WHERE data ->> 'title' = 'four';
SELECT count(*) AS bobs FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'four';
-- a record that is only wanted is not made; one that is being made is untied when it is
SELECT hears('ann', 'A5', '{"title": "five", "severity": "high"}'), hears('ann', 'A5', '{"severity": "low"}');
SELECT system, state, in_route FROM links WHERE title = 'five' ORDER BY 1;
SELECT hears('ann', 'A5', '{"severity": "high"}'), settles() AS calls;
SELECT system, state, in_route FROM links WHERE title = 'five' ORDER BY 1;
SELECT hears('ann', 'A6', '{"title": "six", "severity": "high"}');
SELECT c.call FROM claims('bob') c;
SELECT hears('ann', 'A6', '{"severity": "low"}');
SELECT system, state, in_route FROM links WHERE title = 'six' ORDER BY 1;
SELECT test_answer(0, '[{"status": 201, "body": {"id": "BOB-six", "v": 1, "by": "syncore", "title": "six", "severity": "high"}}]'), test_record();
SELECT settles() AS calls;
SELECT system, state, in_route FROM links WHERE title = 'six' ORDER BY 1;
-- what was deleted while it was out of its route does not come back
UPDATE syncore.route SET on_leave = 'keep' WHERE system = 'bob';
SELECT hears('ann', 'A7', '{"title": "seven", "severity": "high"}'), settles() AS calls, hears('ann', 'A7', '{"severity": "low"}'), settles() AS then_calls;
SELECT outcome FROM syncore.ingest('bob', (said((SELECT id FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'seven'), 90, '{}', 'kim', 'gone.7') || '{"kind": "delete"}')::text);
SELECT hears('ann', 'A7', '{"severity": "high"}'), settles() AS calls;
SELECT system, state, in_route, gone_by FROM links WHERE title = 'seven' ORDER BY 1;
SELECT ok, what FROM syncore.verify_ledger();
DROP VIEW links;
CALL pg_temp.toys_go();
