-- From :small records told through the engine to :large, by copies of their rows; then ledger rows up to :ledger, as years of
-- changes would leave them, spread over all entities.  Indexes are made anew: built at once they are as good as grown ones.
CREATE TEMP TABLE kept_index AS SELECT indexdef, format('%I.%I', schemaname, indexname) AS name FROM pg_indexes
	WHERE schemaname = 'syncore' AND tablename = 'ledger_default';
SELECT format('DROP INDEX %s', name) FROM kept_index \gexec
SET session_replication_role = replica;
SET synchronous_commit = off;
CREATE TEMP TABLE step AS SELECT i * :small AS n FROM generate_series(1, :large / :small - 1) i;
-- a record of three links: the ids of links were given in three runs of :small, one a system
INSERT INTO syncore.entity (id, space_id, entity_type_id, data, stamps, revision, ledger_seq, ledger_head, created_at, correlation_id)
	SELECT id + n, space_id, entity_type_id, data, stamps, revision, ledger_seq, ledger_head, created_at, correlation_id FROM syncore.entity, step;
INSERT INTO syncore.link (id, space_id, system_id, record_type, entity, external_id, state, shadow, top_version, in_route)
	SELECT id + n * 3, space_id, system_id, record_type, entity + n, left(external_id, 1) || substr(external_id, 2)::bigint + n, state, shadow, top_version, in_route
	FROM syncore.link, step;
INSERT INTO syncore.match_key (space_id, entity_type_id, rule, key, entity)
	SELECT space_id, entity_type_id, rule, 'copy ' || entity + n, entity + n FROM syncore.match_key, step;
SELECT setval('syncore.entity_id_seq', (SELECT max(id) FROM syncore.entity)), setval('syncore.link_id_seq', (SELECT max(id) FROM syncore.link)) \g /dev/null
-- the records that are measured lie scattered: a pass over the copies in another order than they were made
INSERT INTO syncore.ledger (at, space_id, kind, entity, entity_seq, link, system_id, event, field, old, new, actor, actor_kind, rule, reason, correlation_id, prev_hash, hash)
	SELECT now() - interval '30 days', 1, 'change', 1 + (i * 7919) % :large, 1000000 + i / :large, 1 + (i * 7919) % :large, 1, i, 'severity', '"low"', '"high"', 'lee', 'human', 'fast_forward',
		'high follows low, which it had seen', 'syncore-' || i, sha256('x'), sha256('y')
	FROM generate_series(1, :ledger - (SELECT count(*) FROM syncore.ledger)) i;
-- chains go on after the copied numbers
SET maintenance_work_mem = '512MB';
SELECT indexdef FROM kept_index \gexec
RESET session_replication_role;
VACUUM ANALYZE;
CHECKPOINT;
