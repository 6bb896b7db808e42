-- What is closed is reopened somewhere: a new one that goes on from it, a person's decision, or open again. RO-01 to RO-04, close_reopen.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
CREATE VIEW things AS
	SELECT row_number() OVER (ORDER BY e.id) AS n, e.data ->> 'title' AS title, e.data ->> 'status' AS status, e.data ->> 'severity' AS severity, e.closed_at IS NOT NULL AS closed,
		(SELECT count(*) FROM syncore.entity o WHERE o.id <= e.predecessor) AS goes_on_from, e.revision,
		(SELECT string_agg(y.name || '=' || coalesce(k.external_id, '(' || k.gone_by || ')'), ' ' ORDER BY y.name) FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id WHERE k.entity = e.id) AS records
	FROM syncore.entity e;
CREATE VIEW shown AS SELECT system, id, fields ->> 'title' AS title, fields ->> 'status' AS status, fields ->> 'severity' AS severity FROM peer;

-- what ships: a reopening is a new one
SELECT name, on_reopen, reopen_limit FROM syncore.entity_type ORDER BY name;
SELECT hears('ann', 'A1', '{"title": "one", "status": "new", "severity": "low"}'), settles() AS calls;
SELECT hears('ann', 'A1', '{"status": "closed"}'), settles() AS calls;
SELECT * FROM shown ORDER BY 1, 2;
SELECT data AS before, closed_at, revision, updated_at FROM syncore.entity \gset was_

-- RO-01: bob's people reopen theirs: it goes on as a new entity, which has a record of its own everywhere; what was closed stays as it was
SELECT hears('bob', 'BOB-1', '{"status": "in_progress", "severity": "high"}', 'kim'), settles() AS calls;
SELECT * FROM things ORDER BY n;
SELECT * FROM shown ORDER BY 1, 2;
SELECT data = :'was_before' AND closed_at = :'was_closed_at' AND revision = :was_revision AND updated_at = :'was_updated_at' AS untouched FROM syncore.entity ORDER BY id LIMIT 1;
SELECT n.n, l.kind, y.name AS system, l.field, l.old, l.new, l.rule, regexp_replace(l.reason, 'entity \d+', 'entity N') AS reason
	FROM syncore.ledger l JOIN (SELECT e.id, row_number() OVER (ORDER BY e.id) AS n FROM syncore.entity e) n ON n.id = l.entity LEFT JOIN syncore.system y ON y.id = l.system_id
	WHERE l.rule = 'on_reopen' ORDER BY l.id;
-- a legal hold on what was closed holds what the record that left it said, and says
UPDATE syncore.entity SET held_until = now() + interval '1 day' WHERE id = (SELECT min(id) FROM syncore.entity);
SELECT v.external_id, count(*) > 0 AS held FROM syncore._needed_events() n JOIN syncore.event v ON v.id = n GROUP BY 1 ORDER BY 1;
UPDATE syncore.entity SET held_until = NULL WHERE held_until IS NOT NULL;
-- asked why it has no record there any more, it says where that is now
SELECT w.step, w.passed, regexp_replace(w.because, 'entity \d+', 'entity N') AS because FROM syncore.why_not((SELECT min(id) FROM syncore.entity), 'bob') w WHERE w.step = 'record';
-- RO-02: what was closed in a period is as many as before
SELECT count(*) FILTER (WHERE closed_at IS NOT NULL) AS closed FROM syncore.entity;
-- both live on by themselves: nothing of the one is said to the other, and the routes make no second record of what is closed
SELECT hears('bob', 'BOB-1', '{"severity": "critical"}', 'kim'), hears('ann', 'A1', '{"title": "one, afterwards"}'), settles() AS calls;
SELECT * FROM shown ORDER BY 1, 2;
SELECT * FROM things ORDER BY n;
-- the events of one statement that follow the reopening find the record where it is now
SELECT hears('bob', 'BOB-1', '{"status": "closed"}', 'kim'), settles() > 0 AS sent;
INSERT INTO syncore.event (system, payload) SELECT 'bob', p FROM (VALUES (edits('bob', 'BOB-1', '{"status": "new"}', 'kim')), (edits('bob', 'BOB-1', '{"title": "three"}', 'kim')), (edits('bob', 'BOB-1', '{"status": "in_progress"}', 'kim'))) AS v (p);
SELECT settles() > 0 AS sent;
SELECT * FROM things ORDER BY n;
-- a reopening that a read tells is one, too; while a call is in flight it waits for the outcome
SELECT hears('ann', 'R1', '{"title": "read", "status": "closed"}'), settles() > 0 AS sent;
SELECT id AS bob FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'read' \gset
SELECT hears('ann', 'R1', '{"title": "read it"}');
SELECT c.call FROM claims('bob') c;
SELECT hears('bob', :'bob', '{"status": "new"}', 'kim');
SELECT test_answer(0, jsonb_build_array(jsonb_build_object('status', 200, 'body', (SELECT shows(p) FROM peer p WHERE p.id = :'bob') || '{"v": 99, "title": "read it"}'))), test_record();
SELECT title, status, closed, records FROM things WHERE title LIKE 'read%' ORDER BY n;
SELECT settles() > 0 AS sent;

-- RO-01: reopened in two of its records, by people who do not know of each other: it goes on as one, which has both, and nothing is made there
SELECT hears('ann', 'D1', '{"title": "both", "status": "closed", "severity": "low"}'), settles() > 0 AS sent;
SELECT id AS bob FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'both' \gset
SELECT hears('bob', :'bob', '{"status": "in_progress", "severity": "high"}', 'kim') AS bob, hears('ann', 'D1', '{"status": "pending"}') AS ann;
SELECT title, status, severity, closed, goes_on_from > 0 AS goes_on, regexp_replace(records, '(BOB|CYD)-\d+', '\1-N', 'g') AS records FROM things WHERE title = 'both' ORDER BY n;
SELECT c.field, c.rule, c.state FROM syncore.conflict c JOIN syncore.entity e ON e.id = c.entity WHERE e.data ->> 'title' = 'both';
SELECT max(n) AS mark FROM peer_log \gset
SELECT settles() > 0 AS sent;
SELECT system, kind, count(*) FROM peer_log WHERE n > :mark GROUP BY 1, 2 ORDER BY 1, 2;
SELECT system, count(*) FILTER (WHERE fields ->> 'status' = 'closed') AS closed, count(*) FILTER (WHERE fields ->> 'status' <> 'closed') AS open, count(DISTINCT fields ->> 'status') AS states FROM peer WHERE fields ->> 'title' = 'both' GROUP BY 1 ORDER BY 1;
-- told in one statement, too
SELECT hears('ann', 'D2', '{"title": "both at once", "status": "closed"}'), settles() > 0 AS sent;
SELECT id AS bob FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'both at once' \gset
INSERT INTO syncore.event (system, payload) VALUES ('bob', edits('bob', :'bob', '{"status": "in_progress"}', 'kim')), ('ann', edits('ann', 'D2', '{"status": "in_progress"}'));
SELECT count(*) AS entities, count(*) FILTER (WHERE closed) AS closed FROM things WHERE title = 'both at once';
SELECT settles() > 0 AS sent;
-- (control) where a record is being made there already, each goes on as its own
SELECT hears('ann', 'D3', '{"title": "too late", "status": "closed"}'), settles() > 0 AS sent;
SELECT id AS bob FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'too late' \gset
SELECT hears('bob', :'bob', '{"status": "in_progress"}', 'kim') AS bob;
CREATE TEMP TABLE under_way AS SELECT * FROM claims('ann');
SELECT split_part(call, ' ', 1) AS under_way FROM under_way;
SELECT hears('ann', 'D3', '{"status": "in_progress"}') AS ann;
SELECT count(*) AS entities, count(*) FILTER (WHERE closed) AS closed FROM things WHERE title = 'too late';
SELECT test_answer(0, jsonb_build_array(works('ann', call, record, mark, call_mark))) IS NOT NULL AS answered, test_record() AS recorded FROM under_way;
SELECT settles() > 0 AS sent;

-- resolved is no end: a declared step leads back to work, so it is taken up again as it was
SELECT hears('ann', 'A2', '{"title": "two", "status": "resolved"}'), settles() > 0 AS sent;
SELECT id AS bob FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'two' \gset
SELECT hears('bob', :'bob', '{"status": "in_progress"}', 'kim'), settles();
SELECT count(*) AS entities, min(status) AS status FROM things WHERE title = 'two';

-- RO-03: reopen: open again everywhere, while the time for it lasts; the closing stays in the history
UPDATE syncore.entity_type SET on_reopen = 'reopen' WHERE name = 'incident';
SELECT hears('ann', 'A3', '{"title": "three r", "status": "closed"}'), settles() > 0 AS sent;
SELECT id AS bob FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'three r' \gset
SELECT hears('bob', :'bob', '{"status": "in_progress"}', 'kim'), settles();
SELECT title, status, closed, goes_on_from FROM things WHERE title = 'three r';
SELECT l.kind, l.field, l.old, l.new, l.actor FROM syncore.ledger l JOIN syncore.entity e ON e.id = l.entity WHERE e.data ->> 'title' = 'three r' AND l.field = 'status' AND l.kind IN ('change', 'receive') ORDER BY l.id;
SELECT hears('ann', 'A3', '{"status": "closed"}'), settles();
UPDATE syncore.entity SET closed_at = closed_at - interval '15 days' WHERE data ->> 'title' = 'three r';
SELECT hears('bob', :'bob', '{"status": "in_progress"}', 'kim'), settles() > 0 AS sent;
SELECT title, status, closed, goes_on_from > 0 AS goes_on FROM things WHERE title = 'three r' ORDER BY n;

-- RO-03, RS-07: review: nothing moves until a person decides; the other fields do
UPDATE syncore.entity_type SET on_reopen = 'review' WHERE name = 'incident';
SELECT hears('ann', 'A4', '{"title": "four", "status": "closed"}'), settles() > 0 AS sent;
SELECT id AS bob FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'four' \gset
SELECT hears('bob', :'bob', '{"status": "in_progress", "severity": "high"}', 'kim'), settles() AS calls;
SELECT title, status, severity, closed FROM things WHERE title = 'four';
SELECT system, status, severity FROM shown WHERE title = 'four' ORDER BY 1;
SELECT kind, field, regexp_replace(versions, '\d\d:\d\d:\d\d', '<time>', 'g') AS versions, regexp_replace(suggestion, '\d\d:\d\d:\d\d', '<time>', 'g') AS suggestion, regexp_replace(to_do, '\d+', 'N') AS to_do FROM syncore.review;
SELECT level, kind FROM syncore.alert WHERE closed_at IS NULL ORDER BY id;
-- another edit there, and one by somebody else who closes it otherwise, join what is to be decided
SELECT hears('bob', :'bob', '{"status": "pending"}', 'kim'), hears('ann', 'A4', '{"status": "cancelled"}'), settles() AS calls;
SELECT count(*) AS waiting FROM syncore.review;
SELECT id AS waiting FROM syncore.review ORDER BY id DESC LIMIT 1 \gset
SELECT syncore.resolve(:waiting, 'bob', note => 'kim is right') ~ 'pending' AS decided, settles() AS calls;
SELECT system, status FROM shown WHERE title = 'four' ORDER BY 1;
SELECT title, status, closed FROM things WHERE title = 'four';
SELECT count(*) AS waiting FROM syncore.review;
-- or it stays closed: bob's is closed again
SELECT hears('ann', 'A4', '{"status": "closed"}'), settles();
SELECT hears('bob', :'bob', '{"status": "new"}', 'kim'), settles() AS calls;
SELECT id AS waiting FROM syncore.review \gset
SELECT syncore.resolve(:waiting, 'current') ~ 'closed' AS decided, settles() AS calls;
SELECT system, status FROM shown WHERE title = 'four' ORDER BY 1;
-- who closes it again after all leaves nothing to decide
SELECT hears('bob', :'bob', '{"status": "new"}', 'kim');
SELECT count(*) AS waiting FROM syncore.review;
SELECT hears('bob', :'bob', '{"status": "closed"}', 'kim');
SELECT count(*) AS waiting FROM syncore.review;
SELECT settles() AS calls;

-- RO-04, close_reopen: closed here and taken up there, each without knowing of the other: one conflict, decided by policy, told once, and all records agree
UPDATE syncore.entity_type SET on_reopen = 'link_new' WHERE name = 'incident';
SELECT hears('ann', 'A5', '{"title": "five", "status": "resolved"}'), settles() > 0 AS sent;
SELECT id AS bob FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'five' \gset
SELECT edits('ann', 'A5', '{"status": "closed"}') AS closing, edits('bob', :'bob', '{"status": "in_progress"}', 'kim') AS reopening \gset
SELECT (SELECT outcome FROM syncore.ingest('ann', :'closing')) AS closing, (SELECT outcome FROM syncore.ingest('bob', :'reopening')) AS reopening;
SELECT settles() > 0 AS sent;
SELECT c.kind, c.state, c.rule, c.outcome FROM syncore.conflict c JOIN syncore.entity e ON e.id = c.entity WHERE e.data ->> 'title' = 'five';
SELECT level, kind, times, regexp_replace(regexp_replace(detail, 'entity \d+', 'entity N'), '\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d ', '', 'g') AS detail FROM syncore.alert WHERE kind = 'close_reopen';
SELECT count(*) AS records, count(DISTINCT status) AS values FROM shown WHERE title = 'five';
SELECT count(*) AS entities FROM things WHERE title = 'five';
-- (control) a conflict between two steps of work is told of by no such alert
SELECT hears('ann', 'A6', '{"title": "six", "status": "new"}'), settles() > 0 AS sent;
SELECT id AS bob FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'six' \gset
SELECT edits('ann', 'A6', '{"status": "pending"}') AS one, edits('bob', :'bob', '{"status": "in_progress"}', 'kim') AS other \gset
SELECT (SELECT outcome FROM syncore.ingest('ann', :'one')) AS one, (SELECT outcome FROM syncore.ingest('bob', :'other')) AS other, settles() > 0 AS sent;
SELECT (SELECT count(*) FROM syncore.conflict c JOIN syncore.entity e ON e.id = c.entity WHERE e.data ->> 'title' = 'six') AS conflicts, (SELECT sum(times) FROM syncore.alert WHERE kind = 'close_reopen') AS told;
SELECT ok, what FROM syncore.verify_ledger();
DROP VIEW things, shown;
CALL pg_temp.toys_go();
