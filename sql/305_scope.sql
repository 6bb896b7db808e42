-- What wakes the sync and what does not; what a write carries; who comes to know of a comment. CC-07 to CC-09, EV-06, FM-01, FM-15, FM-16, ID-01, ID-02, ID-04, ID-09, CM-03, EV-02.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
CREATE FUNCTION work() RETURNS text LANGUAGE sql AS $$
	SELECT format('%s deliveries, %s ledger rows of changes, revision %s', (SELECT count(*) FROM syncore.delivery), (SELECT count(*) FROM told WHERE kind IN ('change', 'conflict', 'agree')), (SELECT max(revision) FROM syncore.entity)) $$;
-- EV-06: of a create the old value is nothing; of an update all three are there
SELECT hears('ann', 'A1', '{"title": "one", "severity": "low", "description": "d", "mood": "fine"}');
SELECT field, old IS NULL AS no_old, new FROM told WHERE kind = 'change' ORDER BY field;
SELECT settles() AS calls;
SELECT hears('ann', 'A1', '{"severity": "high"}');
SELECT field, old, new FROM told WHERE kind = 'change' ORDER BY id DESC LIMIT 1;
-- FM-15, FM-16: what is written is what changed; the other's own fields stand
UPDATE peer SET fields = fields || '{"private": "bob''s own", "assignment_group": "night shift"}' WHERE system = 'bob';
SELECT serves('bob');
SELECT fields ->> 'private' AS private, fields ->> 'assignment_group' AS grouped, fields ->> 'severity' AS severity FROM peer WHERE system = 'bob';
-- ID-09: ann, who said it, is not told
SELECT count(*) AS for_ann FROM syncore.delivery d JOIN syncore.system y ON y.id = d.system_id WHERE y.name = 'ann';
SELECT settles() AS calls;
-- ID-01: a call done twice leaves the same record
SELECT fields = fields || '{"severity": "high"}' AS same FROM peer WHERE system = 'bob';

-- CC-09: a field that nobody maps changes a thousand times: the queue stays empty; CC-08: and so with version and time alone
SELECT work() AS before \gset
INSERT INTO syncore.event (system, payload) SELECT 'ann', edits('ann', 'A1', jsonb_build_object('mood', 'mood ' || i)) FROM generate_series(1, 1000) i;
INSERT INTO syncore.event (system, payload) SELECT 'ann', edits('ann', 'A1', '{}') FROM generate_series(1, 100) i;
SELECT work() = :'before' AS nothing, :'before' AS is;
-- CC-07: a full record of forty fields of which two are new: two changes, two values sent
SELECT max(id) AS mark FROM syncore.ledger \gset
SELECT hears('ann', 'A1', (SELECT jsonb_object_agg('u' || i, i) FROM generate_series(1, 36) i) || '{"title": "one", "severity": "critical", "description": "other", "mood": "x"}');
SELECT field, old, new FROM told WHERE id > :mark AND kind = 'change' ORDER BY field;
SELECT serves('bob');

-- ID-02: what the target came to hold by itself is not written
SELECT settles() AS calls;
SELECT hears('ann', 'A1', '{"severity": "medium"}'), hears('bob', (SELECT id FROM peer WHERE system = 'bob'), '{"severity": "medium"}');
SELECT serves('bob') AS for_bob;
SELECT settles() AS for_cyd;

-- FM-01: a row that only reads writes nothing back; a row of direction none does neither
UPDATE syncore.field_map SET direction = 'in' WHERE system = 'bob' AND field = 'severity';
UPDATE syncore.field_map SET direction = 'none' WHERE system = 'cyd' AND field = 'severity';
SELECT hears('ann', 'A1', '{"severity": "low"}');
SELECT count(*) AS due FROM syncore.delivery;
SELECT hears('cyd', (SELECT id FROM peer WHERE system = 'cyd'), '{"severity": "critical"}');
SELECT data ->> 'severity' AS severity FROM syncore.entity;
SELECT hears('bob', (SELECT id FROM peer WHERE system = 'bob'), '{"severity": "high"}');
SELECT data ->> 'severity' AS severity FROM syncore.entity;
SELECT settles() AS calls, serves('bob') AS none_for_bob;
UPDATE syncore.field_map SET direction = 'both' WHERE field = 'severity';

-- EV-02: one correlation id from what was heard to every call that it caused
INSERT INTO syncore.event (system, payload) VALUES ('ann', edits('ann', 'A1', '{"severity": "info"}') || '{"trace": "change-7"}');
SELECT settles() AS calls;
SELECT t.kind, count(*), count(DISTINCT t.system) AS systems FROM told t JOIN syncore.ledger l USING (id) WHERE l.correlation_id = 'change-7' GROUP BY 1 ORDER BY 1;

-- a record that its system does not accept is nobody's business, whatever is said of it (control: one that it accepts)
UPDATE syncore.system SET accepts = '$.mood != "private"' WHERE name = 'ann';
SELECT work() AS before \gset
SELECT hears('ann', 'A8', '{"title": "not ours", "severity": "high", "mood": "private"}');
SELECT kind, system, rule, reason FROM told ORDER BY id DESC LIMIT 1;
SELECT work() = :'before' AS nothing, (SELECT count(*) FROM syncore.link WHERE external_id = 'A8') AS links;
SELECT hears('ann', 'A8', '{"mood": "open"}'), settles() > 0 AS sent;
SELECT count(*) AS of_it FROM peer WHERE fields ->> 'title' = 'not ours';

-- a record type that is mapped where a condition holds: one of which none holds is nobody's business; one that is linked stays so
UPDATE syncore.system SET accepts = NULL;
UPDATE syncore.record_map SET condition = '$.mood != "odd"' WHERE system = 'ann';
SELECT work() AS before \gset
SELECT hears('ann', 'A9', '{"title": "odd one", "mood": "odd"}');
SELECT kind, system, rule, reason FROM told ORDER BY id DESC LIMIT 1;
SELECT work() = :'before' AS nothing, (SELECT count(*) FROM syncore.link WHERE external_id = 'A9') AS links;
-- beside its neighbours of one statement, and where its own second word is another's
INSERT INTO syncore.event (system, payload) VALUES ('ann', edits('ann', 'A9', '{"title": "odd two"}')), ('ann', edits('ann', 'A10', '{"title": "even", "mood": "good"}')), ('ann', edits('ann', 'A10', '{"mood": "odd", "severity": "low"}'));
SELECT l.external_id, e.data ->> 'title' AS title, e.data ->> 'severity' AS severity FROM syncore.link l JOIN syncore.entity e ON e.id = l.entity WHERE l.external_id IN ('A9', 'A10');
SELECT outcome, reason FROM syncore.ingest('ann', edits('ann', 'A9', '{"mood": "good"}')::text) \gset
SELECT :'outcome' AS outcome;
SELECT settles() > 0 AS sent;
-- what a read shows of a linked record counts, whatever condition it fulfils by now: the lost write has landed
UPDATE syncore.record_map SET condition = '$.severity != "info"' WHERE system = 'bob';
SELECT hears('ann', 'A10', '{"severity": "info"}'), serves('bob', 'lost') IS NOT NULL AS lost, settles() AS calls;
SELECT kind, field, new FROM told WHERE system = 'bob' ORDER BY id DESC LIMIT 1;
UPDATE syncore.record_map SET condition = NULL;

-- CM-03: a channel is shared only with its visibility written down; a private one not at all
INSERT INTO syncore.comment_map (system, record_type, channel, direction) VALUES ('ann', 'ticket', 'notes', 'both');
INSERT INTO syncore.comment_map (system, record_type, channel, visibility, direction) VALUES ('ann', 'ticket', 'notes', 'private', 'both');
INSERT INTO syncore.comment_map (system, record_type, channel, visibility) VALUES ('ann', 'ticket', 'notes', 'internal') RETURNING visibility, direction;
SELECT ok, what FROM syncore.verify_ledger();
DROP FUNCTION work();
CALL pg_temp.toys_go();
