-- what_if(): the same past under the configuration of this transaction, against the committed one. TC-04, OW-02, RT-01.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
SELECT syncore.set_policy('incident', 'severity', '{escalation_wins}') IS NOT NULL AS policy;
SELECT now() AS start \gset
-- one edit after another; a conflict; an edit of a field that a system does not own; one that cannot be read; one that is out of scope
SELECT hears('ann', 'A1', '{"title": "one", "severity": "low", "description": "d"}'), settles();
SELECT hears('bob', 'BOB-1', '{"title": "one, by bob"}', 'kim'), settles();
SELECT hears('ann', 'A1', '{"severity": "critical"}'), edits('bob', 'BOB-1', '{}', 'kim') IS NOT NULL, hears('bob', 'BOB-1', '{"severity": "high"}', 'kim'), settles();
SELECT hears('ann', 'A2', '{"title": "two", "severity": "dreadful"}');
SELECT hears('ann', 'A3', '{"title": "three", "severity": "low"}'), settles();
SELECT rule, new FROM told WHERE kind = 'conflict';

-- nothing is changed: nothing differs
SELECT * FROM syncore.what_if(:'start');
BEGIN;
UPDATE syncore.field SET note = 'no difference' WHERE name = 'title';
SELECT * FROM syncore.what_if(:'start');
ROLLBACK;
SELECT syncore.what_if(NULL);
-- the rule of a conflict
BEGIN;
SELECT syncore.set_policy('incident', 'severity', '{last_update_wins}') IS NOT NULL AS policy;
SELECT * FROM syncore.what_if(:'start');
SELECT count(*) AS of_others FROM syncore.what_if(:'start', 'A3');
SELECT count(*) AS of_it FROM syncore.what_if(:'start', 'bob');
SELECT count(*) AS since_now FROM syncore.what_if(clock_timestamp());
ROLLBACK;
-- an owner
BEGIN;
SELECT syncore.set_owner('incident', 'title', 'ann', on_foreign_write => 'refuse') IS NOT NULL AS owned;
SELECT * FROM syncore.what_if(:'start');
ROLLBACK;
-- a map that reads what could not be read; one that reads no more; one with other words
BEGIN;
INSERT INTO syncore.value_map (name, external, canonical, direction) SELECT 'ann.severity', v, c, 'both' FROM (VALUES ('dreadful', 'critical'), ('low', 'low')) t (v, c);
INSERT INTO syncore.value_map (name, external, canonical, direction) SELECT 'ann.severity', v, v, 'both' FROM unnest('{high,medium,info}'::text[]) v;
INSERT INTO syncore.value_map (name, external, canonical, direction) VALUES ('ann.severity', 'critical', 'critical', 'in');
UPDATE syncore.field_map SET value_map = 'ann.severity' WHERE system = 'ann' AND field = 'severity';
SELECT * FROM syncore.what_if(:'start');
ROLLBACK;
BEGIN;
DELETE FROM syncore.field_map WHERE system = 'bob' AND field = 'title';
SELECT * FROM syncore.what_if(:'start');
ROLLBACK;
-- a record map with a condition: records that none takes are nobody's, also those that nobody knows
BEGIN;
UPDATE syncore.record_map SET condition = '$.severity != "dreadful" && $.title != "three"' WHERE system = 'ann';
SELECT * FROM syncore.what_if(:'start');
ROLLBACK;
-- a route
BEGIN;
UPDATE syncore.route SET condition = '$.severity == "critical"' WHERE system = 'cyd';
SELECT * FROM syncore.what_if(:'start');
ROLLBACK;
-- the change, made: what it said is what comes of the same words now
SELECT syncore.set_policy('incident', 'severity', '{last_update_wins}') IS NOT NULL AS policy;
SELECT hears('ann', 'A4', '{"title": "four", "severity": "low"}'), settles();
SELECT hears('ann', 'A4', '{"severity": "critical"}'), (SELECT edits('bob', k.external_id, '{}', 'kim') || to_jsonb(hears('bob', k.external_id, '{"severity": "high"}', 'kim')) IS NOT NULL FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id WHERE y.name = 'bob' AND k.entity = syncore._resolve_ref('A4'));
SELECT rule, new FROM told WHERE kind = 'conflict' ORDER BY id DESC LIMIT 1;
-- a record from before the time asked for is taken to have been in step then
SELECT clock_timestamp() AS later \gset
SELECT hears('bob', 'BOB-1', '{"description": "later, by bob"}', 'kim'), settles() > 0 AS sent;
BEGIN;
SELECT syncore.set_owner('incident', 'description', 'ann', on_foreign_write => 'refuse') IS NOT NULL AS owned;
SELECT * FROM syncore.what_if(:'later');
ROLLBACK;

-- what was read of one record is let go before the next: a function in a map counts what is kept
SELECT count(DISTINCT hears('ann', 'M' || i, jsonb_build_object('title', 'm' || i))) AS heard FROM generate_series(1, 40) i;
CREATE FUNCTION kept(v jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT to_jsonb(CASE WHEN (SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'SPI TupTable') > 40 THEN 'much' ELSE 'little' END) $$;
BEGIN;
UPDATE syncore.field_map SET transform_in = 'public.kept' WHERE system = 'ann' AND field = 'title';
SELECT would_be, count(*) FROM syncore.what_if(:'start') WHERE field = 'title' AND ref ~ '^ann:M' GROUP BY 1;
ROLLBACK;
DROP FUNCTION kept(jsonb);

-- nothing is written, no row is locked, and no number is given: not even where the configuration was not touched
VACUUM;
CREATE FUNCTION wal_of(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE query;
	EXECUTE 'EXPLAIN (ANALYZE, WAL, FORMAT JSON) ' || query INTO plan;
	RETURN (plan -> 0 -> 'Plan' ->> 'WAL Records')::bigint;
END $$;
SELECT wal_of(format('SELECT * FROM syncore.what_if(%L)', :'start')) AS what_if;
BEGIN;
SELECT count(*) FROM syncore.what_if(:'start');
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_number;
SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('relation', 'tuple', 'advisory', 'transactionid') ORDER BY 1;
ROLLBACK;
DROP FUNCTION wal_of(text);
CALL pg_temp.toys_go();
