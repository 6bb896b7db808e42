-- Events: what an INSERT does.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/toys.sql'
\i :toys

-- EV-03, EV-05, EV-07, EV-08, EV-09: one row is enough; the rest is read from the payload
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 1, '{"title": "Disk full", "status": "new", "severity": "high"}', eid => 'e1'));
SELECT system, record_type, event_id, kind, external_id, source_time AT TIME ZONE 'UTC' AS source_time, source_version, actor, actor_kind,
	correlation_id = 'syncore-' || id AS traced, received_at = now() AS received FROM syncore.event;
SELECT data, revision FROM syncore.entity;
SELECT y.name, k.external_id, k.state FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id ORDER BY k.id;
SELECT kind, system, field, old, new, rule, actor, actor_kind FROM told ORDER BY id;
-- the creates that the routes ask for are due
SELECT y.name, d.state, d.gen FROM syncore.delivery d JOIN syncore.system y ON y.id = d.system_id ORDER BY 1;

-- EV-01, ID-03: the same id again is absorbed and counted, not an error
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 1, '{"title": "Disk full", "status": "new", "severity": "high"}', eid => 'e1'));
SELECT event_id, repeated FROM syncore.event_key;
SELECT kind, rule, reason FROM told ORDER BY id DESC LIMIT 1;
-- but the same id from another system is another event
SELECT outcome FROM syncore.ingest('bob', said('B9', 1, '{"title": "Other"}', eid => 'e1')::text);

-- duplicate_in_one_statement: the first counts, the order of entities does not matter
INSERT INTO syncore.event (system, payload)
SELECT 'ann', said('A' || i, 1, jsonb_build_object('title', 'twice ' || i), eid => 'd' || i) FROM generate_series(10, 12) i, generate_series(1, 3);
SELECT k.event_id, k.repeated FROM syncore.event_key k WHERE k.event_id LIKE 'd%' ORDER BY 1;
SELECT count(*) FROM syncore.entity WHERE data ->> 'title' LIKE 'twice %';

-- ID-03: a hundred ids twice: a hundred applied, a hundred duplicates
INSERT INTO syncore.event (system, payload) SELECT 'ann', said('H' || i, 1, jsonb_build_object('title', 'hundred ' || i), eid => 'h' || i) FROM generate_series(1, 100) i;
INSERT INTO syncore.event (system, payload) SELECT 'ann', said('H' || i, 1, jsonb_build_object('title', 'hundred ' || i), eid => 'h' || i) FROM generate_series(1, 100) i;
SELECT count(*) FILTER (WHERE l.kind = 'receive') AS received, count(*) FILTER (WHERE l.kind = 'duplicate') AS duplicates
FROM syncore.ledger l JOIN syncore.event e ON e.id = l.event WHERE e.event_id LIKE 'h%';

-- CC-07, EV-06: forty fields, two of them new: two changes, each with what was and what is
SELECT max(id) AS mark FROM syncore.ledger \gset
INSERT INTO syncore.event (system, payload)
SELECT 'ann', said('A1', 2, (SELECT jsonb_object_agg('u_' || i, i) FROM generate_series(1, 35) i)
	|| '{"title": "Disk full", "status": "in_progress", "severity": "critical"}', eid => 'e2');
SELECT kind, field, old, new FROM told WHERE id > :mark ORDER BY id;

-- CC-08, CC-09, ID-04: bookkeeping, and fields that nobody maps: nothing is told, nothing is due, the record is untouched
SELECT max(id) AS mark, (SELECT array_agg(gen ORDER BY id) FROM syncore.delivery) AS gens FROM syncore.ledger \gset
-- as if calls were in flight: only then does an edit write to a delivery that is there
UPDATE syncore.delivery SET sent_gen = gen;
SELECT xmin AS before FROM syncore.entity WHERE id = 1 \gset
INSERT INTO syncore.event (system, payload) SELECT 'ann', said('A1', 2 + i, jsonb_build_object('u_note', i, 'severity', 'critical')) FROM generate_series(1, 1000) i;
SELECT count(*) FROM told WHERE id > :mark;
SELECT array_agg(gen ORDER BY id) = :'gens' AS nothing_new FROM syncore.delivery;
SELECT xmin = :'before' AS untouched FROM syncore.entity WHERE id = 1;
-- ID-07: one more for a real change
SELECT revision FROM syncore.entity WHERE id = 1;
SELECT outcome, reason FROM syncore.ingest('ann', said('A1', 1003, '{"severity": "critical"}')::text);
-- (control) a mapped field does wake the sync
UPDATE syncore.delivery SET sent_gen = gen;
SELECT outcome FROM syncore.ingest('ann', said('A1', 1004, '{"severity": "low"}')::text);
SELECT array_agg(gen ORDER BY id) = :'gens' AS nothing_new FROM syncore.delivery;
SELECT revision FROM syncore.entity WHERE id = 1;

-- ID-01: a statement says what is, never how much more: again is nothing
SELECT outcome FROM syncore.ingest('ann', said('A1', 1005, '{"severity": "low"}')::text);
SELECT data ->> 'severity' AS severity, revision FROM syncore.entity WHERE id = 1;

-- ID-06, DD-06: without an id the content is the id: the order of keys does not matter, a value does; each change is made once
INSERT INTO syncore.event (system, payload) VALUES ('ann', '{"id": "A1", "v": 2000, "f": {"status": "pending", "title": "Disk full"}}');
INSERT INTO syncore.event (system, payload) VALUES ('ann', '{"f": {"title": "Disk full", "status": "pending"}, "v": 2000, "id": "A1"}');
INSERT INTO syncore.event (system, payload) VALUES ('ann', '{"id": "A1", "v": 2001, "f": {"status": "on_hold", "title": "Disk full"}}');
SELECT count(*) FILTER (WHERE event_id LIKE 'sha256:%') AS digests, count(DISTINCT event_id) AS different FROM syncore.event WHERE source_version IN ('2000', '2001');
SELECT e.source_version, l.kind, l.field, count(*) FROM syncore.ledger l JOIN syncore.event e ON e.id = l.event WHERE e.source_version IN ('2000', '2001') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT data ->> 'status' FROM syncore.entity WHERE id = 1;

-- EV-02, EV-11: what an event brings about carries its correlation id
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 3000, '{"status": "resolved"}', eid => 'e9') || '{"trace": "change-42"}');
SELECT kind, field FROM syncore.ledger WHERE correlation_id = 'change-42' ORDER BY id;
SELECT correlation_id FROM syncore.entity WHERE id = 1;

-- EV-04: the kind of action, and events of no interest
INSERT INTO syncore.event (system, payload) VALUES ('ann', '{"kind": "noise"}');
SELECT kind, rule, reason FROM told ORDER BY id DESC LIMIT 1;

-- EV-07: an offset of half an hour more: the same instant to the millisecond, whatever the session's zone
SET timezone = 'Asia/Tokyo';
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('T1', 1, '{"title": "when"}') || '{"at": "2026-03-01T17:42:03.987+05:30"}');
SELECT source_time = '2026-03-01 12:12:03.987+00' AS same_instant, to_char(source_time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS') AS utc FROM syncore.event WHERE external_id = 'T1';
SELECT to_char(source_time AT TIME ZONE 'UTC', 'HH24:MI:SS.MS') AS told FROM syncore.ledger WHERE kind = 'change' AND new = '"when"';
RESET timezone;

-- EV-01: what makes an id count once is a constraint
SELECT contype, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'syncore.event_key'::regclass AND contype IN ('p', 'u');

-- EV-05: found by system, record and type through an index
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM syncore.event_default WHERE system_id = 1 AND external_id = 'A1' AND record_type = 'ticket';
RESET enable_seqscan;

-- events cannot be changed
UPDATE syncore.event SET actor = 'x';

-- rows of another transaction (a restore) are left alone
SELECT max(id) AS mark FROM syncore.ledger \gset
INSERT INTO syncore.event (system, payload, received_at, txid) VALUES ('ann', said('Z1', 1, '{"title": "restored"}'), '2026-01-01', '3');
SELECT record_type, event_id FROM syncore.event WHERE txid = '3';
SELECT count(*) FROM told WHERE id > :mark;
SELECT count(*) FROM syncore.link WHERE external_id = 'Z1';

-- a system in mode draft: kept, not decided
UPDATE syncore.system SET mode = 'draft' WHERE name = 'cyd';
SELECT outcome, entity, reason FROM syncore.ingest('cyd', said('C1', 1, '{"title": "early"}')::text);
SELECT * FROM syncore.ingest('cyb', '{}');
SELECT ok, what FROM syncore.verify_ledger();
CALL pg_temp.toys_go();
