-- LG-07: a field that is masked or excluded is in the clear where it has to be, in the entity and in what its records hold, and nowhere else.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
INSERT INTO syncore.field (entity_type, name, sensitive) VALUES ('incident', 'ssn', 'masked'), ('incident', 'iban', 'masked'), ('incident', 'diagnosis', 'excluded');
SELECT count(syncore.set_owner('incident', f, NULL)) AS shared FROM unnest('{ssn,iban,diagnosis}'::text[]) f;
INSERT INTO syncore.field_map (system, record_type, field, path, contract) SELECT y.name, 'ticket', f, '/' || f, false FROM syncore.system y, unnest('{ssn,iban,diagnosis}'::text[]) f;
SELECT count(syncore.set_policy('incident', f, '{manual}')) AS held FROM unnest('{ssn,iban,diagnosis}'::text[]) f;
UPDATE syncore.connector SET error_paths = '{"message": "/message"}' WHERE name = 'toy';
-- where the words of a canary stand, in every table and view
CREATE FUNCTION stands_in(canary text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	r regclass;
	n bigint;
BEGIN
	FOR r IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'syncore'::regnamespace AND c.relkind IN ('r', 'v') ORDER BY c.relname LOOP
		EXECUTE format('SELECT count(*) FROM %s t WHERE t::text ~ $1', r) INTO n USING canary;
		IF n > 0 THEN RETURN NEXT r::text; END IF;
	END LOOP;
END $$;
-- a record, an edit, a conflict that waits, one that a person decides with a value of his own, a refusal whose answer repeats it, an event that cannot be read
SELECT hears('ann', 'A1', '{"title": "one", "severity": "low", "ssn": "canary-ssn-1", "iban": "canary-iban-1", "diagnosis": "canary-diag-1"}'), settles() > 0 AS sent;
SELECT fields FROM peer WHERE system = 'bob';
SELECT hears('ann', 'A1', '{"ssn": "canary-ssn-2", "iban": "canary-iban-2", "diagnosis": "canary-diag-2"}'), hears('bob', 'BOB-1', '{"ssn": "canary-ssn-3", "iban": "canary-iban-3", "diagnosis": "canary-diag-3"}', 'kim');
SELECT count(*) AS waiting FROM syncore.review;
SELECT regexp_replace(syncore.resolve(id, 'value', note => 'agreed', value => '"canary-by-hand"'), 'x', 'x') AS resolved FROM syncore.conflict WHERE state = 'pending' AND field = 'ssn';
SELECT syncore.resolve(id, CASE field WHEN 'iban' THEN 'bob' ELSE 'ann' END) AS resolved FROM syncore.conflict WHERE state = 'pending' ORDER BY field;
-- what a person chose by its system is what that system said, not the stars that stand for it
SELECT data FROM syncore.entity;
SELECT claims('bob') IS NOT NULL AS claimed;
SELECT test_answer(0, '[{"status": 422, "body": {"message": "canary-by-hand is no number"}}]') IS NOT NULL AS refused, test_record();
SELECT hears('ann', 'A1', '{"severity": "dreadful", "ssn": "canary-ssn-4"}'), hears('ann', 'A1', '{"ssn": {"canary-ssn-5": true}}');
SELECT outcome FROM syncore.ingest('ann', '{"id": "A1", "v": 99, "f": {"ssn": "canary-ssn-6" ');
SELECT state, error_code, error_message FROM syncore.delivery WHERE error_code IS NOT NULL;
SELECT settles() > -1 AS settled;
-- where it has to be, and nowhere else; of the body that is no JSON at all, the bytes wait in quarantine for who may see them
SELECT * FROM stands_in('canary');
SELECT count(*) AS raw FROM syncore.quarantine_entry WHERE convert_from(raw, 'UTF8') ~ 'canary';
-- (control) what is not sensitive is found in every place that tells of it
SELECT hears('ann', 'A1', '{"title": "canary-title"}'), settles() > 0 AS sent;
SELECT DISTINCT regexp_replace(r, '_\d{6,}$', '') AS r FROM stands_in('canary-title') AS r ORDER BY 1;
-- that it changed, when, by whom and why is told
SELECT n, system, replace(actor, current_user, '<me>') AS actor, decision, rule, value, because ~ 'nothing in the ledger' AS unknown FROM syncore.why('A1', 'iban');
SELECT value, system, replace(actor, current_user, '<me>') AS actor, rule, valid_to IS NULL AS stands FROM syncore.field_history('A1', 'iban');
-- nor in what is asked
SELECT count(*) AS told FROM (SELECT w::text AS said FROM syncore.why('A1') w UNION ALL SELECT f::text FROM syncore.field_history('A1', 'ssn') f UNION ALL SELECT a::text FROM syncore.as_of('A1', now()) a
	UNION ALL SELECT t::text FROM syncore.timeline('A1') t UNION ALL SELECT p::text FROM syncore.plan('A1') p UNION ALL SELECT w::text FROM syncore.why_not('A1', 'bob') w
	UNION ALL SELECT r::text FROM syncore.test_run('ann', said('A1', 200, '{"ssn": "canary-ssn-7"}')::text) r) s WHERE said ~ 'canary-(ssn|iban|diag|by)';
SELECT ok, what FROM syncore.verify_ledger();
DROP FUNCTION stands_in(text);
CALL pg_temp.toys_go();
