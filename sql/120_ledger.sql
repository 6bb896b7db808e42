-- The ledger cannot be changed, and shows when it was.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/toys.sql'
\i :toys
INSERT INTO syncore.event (system, payload)
SELECT 'ann', said('A' || i, v, jsonb_build_object('title', 'record ' || i, 'severity', (ARRAY['low', 'high'])[v])) FROM generate_series(1, 3) i, generate_series(1, 2) v;

-- LG-01: refused, for a superuser too
UPDATE syncore.ledger SET reason = 'x';
DELETE FROM syncore.ledger;
TRUNCATE syncore.ledger;
TRUNCATE syncore.ledger_default;
SET session_replication_role = replica;
DELETE FROM syncore.ledger;
RESET session_replication_role;

-- LG-05: who gets round the triggers is found out
SELECT ok, checked > 10 AS some, bad_id IS NULL AS none, what FROM syncore.verify_ledger();
CREATE FUNCTION tampered(change text) RETURNS TABLE (ok boolean, what text) LANGUAGE plpgsql AS $$
BEGIN
	ALTER TABLE syncore.ledger DISABLE TRIGGER ALL;
	EXECUTE change;
	ALTER TABLE syncore.ledger ENABLE ALWAYS TRIGGER refuse_change;
	RETURN QUERY SELECT v.ok, regexp_replace(v.what, '\d+', 'N', 'g') FROM syncore.verify_ledger() v;
END $$;
BEGIN; SELECT * FROM tampered($$UPDATE syncore.ledger SET new = '"info"' WHERE kind = 'change' AND field = 'severity' AND entity = 2 AND entity_seq = 2$$); ROLLBACK;
BEGIN; SELECT * FROM tampered($$UPDATE syncore.ledger SET at = at - interval '1 day' WHERE entity = 1 AND entity_seq = 2$$); ROLLBACK;
BEGIN; SELECT * FROM tampered($$DELETE FROM syncore.ledger WHERE entity = 2 AND entity_seq = 2$$); ROLLBACK;
BEGIN; SELECT * FROM tampered($$DELETE FROM syncore.ledger WHERE entity = 2 AND entity_seq = 1$$); ROLLBACK;
BEGIN; SELECT * FROM tampered($$DELETE FROM syncore.ledger l WHERE entity = 2 AND entity_seq = (SELECT max(entity_seq) FROM syncore.ledger WHERE entity = 2)$$); ROLLBACK;
BEGIN; SELECT * FROM tampered($$DELETE FROM syncore.ledger WHERE entity = 2$$); ROLLBACK;
BEGIN; SELECT * FROM tampered($$INSERT INTO syncore.ledger (space_id, kind, entity, entity_seq, hash) SELECT space_id, 'change', 2, 2, hash FROM syncore.ledger WHERE entity = 2 AND entity_seq = 2$$); ROLLBACK;
BEGIN; SELECT * FROM tampered($$UPDATE syncore.ledger SET reason = 'nobody changed this' WHERE entity IS NULL AND kind = 'config' AND id = (SELECT min(id) FROM syncore.ledger WHERE kind = 'config')$$); ROLLBACK;
-- who computes the hash of what he altered anew is found out by the next row, or, of the last one, by the entity
CREATE FUNCTION ledger_hash(row_ jsonb, at timestamptz, source_time timestamptz, prev bytea) RETURNS bytea AS '$libdir/syncore_core_test', 'core_test_ledger_hash' LANGUAGE C;
CREATE FUNCTION rehash(l syncore.ledger) RETURNS bytea LANGUAGE sql AS $$ SELECT ledger_hash((SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(l)) WHERE value <> 'null'), l.at, l.source_time, l.prev_hash) $$;
SELECT bool_and(hash = rehash(l)) AS as_anybody_computes_it FROM syncore.ledger l;
BEGIN; SELECT * FROM tampered($$UPDATE syncore.ledger SET new = '"info"' WHERE entity = 2 AND entity_seq = 2; UPDATE syncore.ledger l SET hash = rehash(l) WHERE entity = 2 AND entity_seq = 2$$); ROLLBACK;
BEGIN; SELECT * FROM tampered($$UPDATE syncore.ledger SET actor = 'somebody' WHERE (entity, entity_seq) IN (SELECT 2::bigint, max(entity_seq) FROM syncore.ledger WHERE entity = 2);
	UPDATE syncore.ledger l SET hash = rehash(l) WHERE (entity, entity_seq) IN (SELECT 2::bigint, max(entity_seq) FROM syncore.ledger WHERE entity = 2)$$); ROLLBACK;
BEGIN; SELECT * FROM tampered($$UPDATE syncore.ledger SET prev_hash = NULL WHERE entity = 2 AND entity_seq = 2; UPDATE syncore.ledger l SET hash = rehash(l) WHERE entity = 2 AND entity_seq = 2$$); ROLLBACK;
-- (control) a change that is none is found by nobody
BEGIN; SELECT * FROM tampered($$UPDATE syncore.ledger SET reason = reason$$); ROLLBACK;
-- only what is asked for is read
SELECT ok, checked FROM syncore.verify_ledger(now() + interval '1 hour');

-- rows that people cause join the chain
SELECT syncore._ledger_append('resolve', 2, NULL, NULL, 1, NULL, NULL, 'severity', '"low"', '"high"', 'test', 'A person said so.', NULL) > 0 AS appended;
SELECT syncore._ledger_append('nonsense', 2, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT syncore._ledger_append('resolve', 99, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT ok, what FROM syncore.verify_ledger();
-- LG-03: by record and date
SELECT kind, field, old, new, actor FROM syncore.ledger WHERE entity = 2 AND at >= now() - interval '1 day' ORDER BY entity_seq;
DROP FUNCTION tampered(text), rehash(syncore.ledger), ledger_hash(jsonb, timestamptz, timestamptz, bytea);
CALL pg_temp.toys_go();
