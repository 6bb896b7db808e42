-- test_run() and plan(): load and decide under the caller's uncommitted configuration, and store nothing. TC-04, TC-09, OW-02, RT-01, DR-01, DR-02.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
SELECT syncore.set_policy('incident', 'severity', '{escalation_wins}') IS NOT NULL AS policy;
SELECT hears('ann', 'A1', '{"title": "one", "severity": "low", "description": "d"}'), settles();

-- what an edit would come to: the field here, then what the others would be told
SELECT * FROM syncore.test_run('bob', said('BOB-1', 5, '{"title": "one, by bob", "severity": "low"}', 'kim')::text);
-- a record that nobody knows, what is out of scope, what cannot be read, what is old news
SELECT ref, system, field, was, would_be, rule, because FROM syncore.test_run('bob', said('B9', 1, '{"title": "nine", "severity": "high"}', 'kim')::text);
SELECT ref, system, field, rule, because FROM syncore.test_run('bob', '{"kind": "noise", "id": "BOB-1", "v": 9}');
SELECT ref, system, field, rule, because FROM syncore.test_run('bob', said('BOB-1', 9, '{"severity": "dreadful"}')::text);
SELECT ref, system, field, rule, because FROM syncore.test_run('bob', '{"no": "record"}');
SELECT ref, system, field, was, would_be, rule, because FROM syncore.test_run('ann', said('A1', 0, '{"title": "older"}')::text);
SELECT ref, system, field, rule, because FROM syncore.test_run('ann', said('A1', 9, '{"title": "one"}')::text);
SELECT syncore.test_run('bbo', '{}');
SELECT syncore.test_run('bob', 'no JSON');
-- it came to nothing of all that: no event, no record, no row of the ledger; the real thing comes to the same
SELECT (SELECT count(*) FROM syncore.event) AS events, (SELECT count(*) FROM syncore.quarantine_entry) AS bad, (SELECT data ->> 'title' FROM syncore.entity) AS title;
SELECT outcome FROM syncore.ingest('bob', said('BOB-1', 5, '{"title": "one, by bob", "severity": "low"}', 'kim')::text);
SELECT kind, field, old, new, rule, reason FROM told WHERE system = 'bob' ORDER BY id DESC LIMIT 1;
SELECT settles() > 0 AS sent;

-- nor is a number drawn for what would be made: a record that nobody knows, and one that goes on as another when it is reopened (control: the real one draws)
SELECT outcome FROM syncore.ingest('ann', said('A5', 1, '{"title": "five", "status": "closed"}', 'lee')::text);
SELECT last_value AS entities FROM syncore.entity_id_seq \gset
SELECT count(*) > 0 AS goes_on FROM syncore.test_run('ann', said('A5', 2, '{"status": "in_progress"}', 'lee')::text) WHERE ref = 'ann:A5' OR rule ~ 'reopen';
SELECT count(*) AS rows FROM syncore.test_run('ann', said('A55', 1, '{"title": "fifty-five"}', 'lee')::text);
SELECT last_value - :entities AS drawn FROM syncore.entity_id_seq;
SELECT outcome FROM syncore.ingest('ann', said('A5', 2, '{"status": "in_progress"}', 'lee')::text);
SELECT last_value - :entities AS drawn FROM syncore.entity_id_seq;
SELECT settles() > 0 AS sent;

-- the configuration of this transaction counts, and of no other
SELECT outcome FROM syncore.ingest('ann', said('A1', 10, '{"severity": "critical"}', 'lee')::text);
BEGIN;
SELECT syncore.set_policy('incident', 'severity', '{last_update_wins}') IS NOT NULL AS policy;
SELECT field, was, would_be, rule FROM syncore.test_run('bob', said('BOB-1', 20, '{"severity": "high"}', 'kim')::text) WHERE system = 'bob';
SELECT syncore.set_owner('incident', 'severity', 'ann', on_foreign_write => 'refuse') IS NOT NULL AS owned;
SELECT field, was, would_be, rule, because FROM syncore.test_run('bob', said('BOB-1', 20, '{"severity": "high"}', 'kim')::text) WHERE system = 'bob';
UPDATE syncore.system SET mode = 'draft' WHERE name = 'bob';
SELECT field, rule, because FROM syncore.test_run('bob', said('BOB-1', 20, '{"severity": "high"}', 'kim')::text);
ROLLBACK;
SELECT field, was, would_be, rule FROM syncore.test_run('bob', said('BOB-1', 20, '{"severity": "high"}', 'kim')::text) WHERE system = 'bob';

-- plan: what waits, field by field, as it would be sent under the configuration of this transaction
SELECT * FROM syncore.plan('bob');
BEGIN;
INSERT INTO syncore.value_map (name, external, canonical) VALUES ('bob.severity', 'P1', 'critical');
UPDATE syncore.field_map SET value_map = 'bob.severity' WHERE system = 'bob' AND field = 'severity';
SELECT ref, system, call, field, now, would_be, rule FROM syncore.plan('A1');
ROLLBACK;
SELECT outcome FROM syncore.ingest('ann', said('A2', 1, '{"title": "two", "description": "x"}', 'lee')::text);
SELECT ref, system, call, field, now, would_be, rule FROM syncore.plan() ORDER BY ref, system, field;
SELECT count(*) AS of_space FROM syncore.plan('space:default');
SELECT syncore.plan('nobody');
-- of one record every system it is linked to is told: what would be sent there, or why nothing
SELECT system, call, field, now, would_be, rule FROM syncore.plan('A1');
BEGIN;
UPDATE syncore.system SET mode = 'paused' WHERE name = 'bob';
DELETE FROM syncore.delivery;
SELECT system, call, field, rule FROM syncore.plan('A1') WHERE system = 'bob';
UPDATE syncore.link SET state = 'tombstone' WHERE external_id = 'BOB-1';
SELECT system, call, field, rule FROM syncore.plan('A1') WHERE system = 'bob';
UPDATE syncore.system SET mode = 'draft' WHERE name = 'bob';
SELECT system, call, field, rule FROM syncore.plan('A1') WHERE system = 'bob';
ROLLBACK;
-- it is what leaves
CREATE TEMP TABLE planned AS SELECT system, call, field, would_be FROM syncore.plan();
SELECT max(n) AS mark FROM peer_log \gset
SELECT settles() > 0 AS sent;
SELECT count(*) FILTER (WHERE p.would_be = l.wrote -> p.field) AS as_planned, count(*) AS planned FROM planned p LEFT JOIN peer_log l ON l.n > :mark AND l.system = p.system AND l.kind = p.call AND l.wrote ? p.field;
SELECT count(*) AS planned_now FROM syncore.plan();

-- nothing is written and no row is locked: no WAL, no transaction number, no lock on a row or on a table for writing
SELECT outcome FROM syncore.ingest('ann', said('A1', 30, '{"title": "thirty"}', 'lee')::text);
VACUUM;
CREATE FUNCTION wal_of(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE query; -- what is read of the catalogs for the first time is marked as read
	EXECUTE 'EXPLAIN (ANALYZE, WAL, FORMAT JSON) ' || query INTO plan;
	RETURN (plan -> 0 -> 'Plan' ->> 'WAL Records')::bigint;
END $$;
SELECT wal_of($$ SELECT * FROM syncore.test_run('bob', said('BOB-1', 40, '{"title": "forty"}', 'kim')::text) $$) AS test_run,
	wal_of($$ SELECT * FROM syncore.test_run('bob', said('B40', 40, '{"title": "unknown"}', 'kim')::text) $$) AS of_unknown,
	wal_of('SELECT * FROM syncore.plan()') AS plan;
BEGIN;
SELECT wal_of($$ SELECT * FROM syncore.ingest('bob', said('BOB-1', 40, '{"title": "forty"}', 'kim')::text) $$) > 0 AS control;
ROLLBACK;
BEGIN;
SELECT count(*) > 0 AS rows FROM syncore.test_run('bob', said('BOB-1', 40, '{"title": "forty"}', 'kim')::text);
SELECT count(*) > 0 AS rows FROM syncore.plan();
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_number;
SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('relation', 'tuple', 'advisory', 'transactionid') ORDER BY 1;
SELECT outcome FROM syncore.ingest('bob', said('BOB-1', 40, '{"title": "forty"}', 'kim')::text);
SELECT pg_current_xact_id_if_assigned() IS NOT NULL AS control, count(*) > 0 AS locks FROM pg_locks WHERE pid = pg_backend_pid() AND mode = 'RowExclusiveLock';
ROLLBACK;
-- so it may be asked where nothing may be written at all
BEGIN READ ONLY;
SELECT count(*) > 0 AS rows FROM syncore.test_run('bob', said('BOB-1', 40, '{"title": "forty"}', 'kim')::text);
SELECT count(*) > 0 AS rows FROM syncore.plan();
ROLLBACK;
-- numbers were not used up either
SELECT last_value AS before FROM syncore.entity_id_seq \gset
SELECT count(*) > 0 AS rows FROM syncore.test_run('bob', said('B40', 40, '{"title": "unknown"}', 'kim')::text);
SELECT last_value = :before AS same FROM syncore.entity_id_seq;

-- a reader of the space may ask, nobody else; what is sensitive is not shown
CREATE ROLE sc_k_reader IN ROLE syncore_auditor;
INSERT INTO syncore.space (name) VALUES ('acme');
INSERT INTO syncore.system (name, connector, base_url, mode, space) VALUES ('far', 'toy', 'https://far.example', 'active', 'acme');
SELECT id AS far FROM syncore.system WHERE name = 'far' \gset
GRANT EXECUTE ON FUNCTION said(text, integer, jsonb, text, text) TO PUBLIC;
SET ROLE sc_k_reader;
SELECT count(*) > 0 AS rows FROM syncore.test_run('bob', said('BOB-1', 40, '{"title": "forty"}', 'kim')::text);
SELECT count(*) > 0 AS rows FROM syncore.plan();
SELECT syncore.test_run('far', '{}');
SELECT syncore._rehearse_payload(:far, '{}');
SELECT syncore._test_run('far', '{}');
SELECT syncore.plan('far');
SELECT count(*) AS rows FROM syncore._plan_target('system', :far);
RESET ROLE;
SELECT count(*) AS control FROM syncore.test_run('far', '{}');
SELECT syncore.test_run('far', NULL);
UPDATE syncore.field SET sensitive = 'masked' WHERE entity_type = 'incident' AND name = 'title';
SELECT was::text || would_be::text || because ~ 'forty|one' AS shown FROM syncore.test_run('bob', said('BOB-1', 40, '{"title": "forty"}', 'kim')::text);
SELECT now::text || would_be::text ~ 'thirty|one' AS shown FROM syncore.plan() WHERE field = 'title';
DROP FUNCTION wal_of(text);
DROP TABLE planned;
CALL pg_temp.toys_go();
DROP ROLE sc_k_reader;
