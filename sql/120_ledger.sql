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
DROP FUNCTION tampered(text);
CALL pg_temp.toys_go();
