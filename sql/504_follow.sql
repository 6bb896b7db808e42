-- FM-05: a record names an object (its caller by id), and a field is read of that object: fetched once, then from here.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
INSERT INTO syncore.connector_operation (connector, record_type, operation, method, url, body_kind, success, response) VALUES ('toy', 'person', 'fetch', 'GET', '/person/{reference.id}', 'none', '{200}', '{"id": "/id"}');
INSERT INTO syncore.field (entity_type, name) VALUES ('incident', 'caller_mail'), ('incident', 'caller_phone');
SELECT syncore.set_owner('incident', f, NULL) IS NOT NULL AS owned FROM unnest('{caller_mail,caller_phone}'::text[]) f;
-- what cannot be meant is refused
INSERT INTO syncore.field_map (system, record_type, field, path, direction, format) VALUES ('ann', 'ticket', 'caller_mail', '/caller', 'in', '{"follow": "horse", "take": "/mail"}');
INSERT INTO syncore.field_map (system, record_type, field, path, format) VALUES ('ann', 'ticket', 'caller_mail', '/caller', '{"follow": "person", "take": "/mail"}');
INSERT INTO syncore.field_map (system, record_type, field, path, direction, format) VALUES ('ann', 'ticket', 'caller_mail', '/caller', 'in', '{"follow": "person"}');
INSERT INTO syncore.field_map (system, record_type, field, path, direction, format) VALUES ('ann', 'ticket', 'caller_mail', '/caller', 'in', '{"take": "/mail"}');
INSERT INTO syncore.field_map (system, record_type, field, path, direction, format) VALUES ('ann', 'ticket', 'tags', '/caller', 'in', '{"follow": "person", "take": "/mail"}');
INSERT INTO syncore.field_map (system, record_type, field, path, direction, format) VALUES ('ann', 'ticket', 'caller_mail', '/caller', 'in', '{"follow": "person", "take": "/mail", "ttl_s": "0"}');
INSERT INTO syncore.field_map (system, record_type, field, path, direction, format) VALUES ('ann', 'ticket', 'caller_mail', '/caller', 'in', '{"follow": "person", "take": "mail"}');
-- one caller feeds two fields here, and bob is told of both
INSERT INTO syncore.field_map (system, record_type, field, path, direction, format, contract) VALUES
	('ann', 'ticket', 'caller_mail', '/caller', 'in', '{"follow": "person", "take": "/mail", "ttl_s": "3600"}', false),
	('ann', 'ticket', 'caller_phone', '/caller', 'in', '{"follow": "person", "take": "/phones/0", "ttl_s": "3600"}', false),
	('bob', 'ticket', 'caller_mail', '/mail', 'both', '{}', false), ('bob', 'ticket', 'caller_phone', '/phone', 'both', '{}', false);
CREATE FUNCTION callers() RETURNS TABLE (title text, mail text, phone text, at_bob text) LANGUAGE sql AS $$
	SELECT e.data ->> 'title', e.data ->> 'caller_mail', e.data ->> 'caller_phone', (SELECT p.fields ->> 'mail' FROM peer p WHERE p.system = 'bob' AND p.fields ->> 'title' = e.data ->> 'title') FROM syncore.entity e ORDER BY 1 $$;
CREATE VIEW wanted AS SELECT s.name AS system, w.kind, w.external_id FROM syncore._wanted_references('{}') w JOIN syncore.system s ON s.id = w.system_id;
-- the worker's part: what the product answers is recorded, and who waits is read again
CREATE FUNCTION answers(person text, body jsonb, error text DEFAULT NULL, temporary boolean DEFAULT false) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM syncore._fetched((SELECT s.id FROM syncore.system s WHERE s.name = 'ann'), 'person', person, body, error, temporary);
	RETURN syncore._settle_references();
END $$;

-- a dry run wants nothing
SELECT field, would_be FROM syncore.test_run('ann', said('A0', 1, '{"title": "rehearsed", "caller": "u1"}', 'lee', 'A0.1')::text) WHERE system = 'ann' OR system IS NULL ORDER BY field;
SELECT count(*) AS waits FROM syncore.reference_wait;
-- ten records that name one caller: the rest of each goes on, and one object is wanted
SELECT count(hears('ann', 'A' || n, jsonb_build_object('title', 'ticket ' || n, 'caller', 'u1'))) FROM generate_series(1, 10) n;
SELECT count(*) AS waits FROM syncore.reference_wait;
TABLE wanted;
SELECT settles() AS calls;
SELECT count(*) AS records, count(fields ->> 'mail') AS with_mail FROM peer WHERE system = 'bob';
-- it comes: each record is read again, and bob is told
SELECT answers('u1', '{"id": "u1", "mail": "kim@acme.example", "phones": ["+49 30 1"]}') AS read_again;
SELECT settles() AS calls;
SELECT count(*), mail, phone, at_bob FROM callers() GROUP BY 2, 3, 4;
SELECT count(*) AS waits FROM syncore.reference_wait;
TABLE wanted;
-- the next one needs no call, and why() says where it comes from
SELECT hears('ann', 'B1', '{"title": "of the same", "caller": "u1"}'), settles() AS calls;
TABLE wanted;
SELECT * FROM callers() WHERE title = 'of the same';
SELECT reason FROM syncore.ledger WHERE field = 'caller_mail' AND kind = 'change' ORDER BY id DESC LIMIT 1;
SELECT count(*) > 0 AS why_says_so FROM syncore.why('ann:B1', 'caller_mail') w WHERE w::text LIKE '%person u1%';
-- another caller: what was read of the old one stays until the new one is here; nobody: cleared
SELECT outcome, reason FROM syncore.ingest('ann', edits('ann', 'B1', '{"caller": {"value": "u2"}}')::text);
SELECT * FROM callers() WHERE title = 'of the same';
TABLE wanted;
SELECT answers('u2', '{"id": "u2", "mail": "sam@acme.example"}') AS read_again, settles() AS calls;
SELECT * FROM callers() WHERE title = 'of the same';
SELECT hears('ann', 'B1', '{"caller": ""}'), settles() AS calls;
SELECT * FROM callers() WHERE title = 'of the same';
-- one that is not there: told, the field stays as it was, and it is not wanted again before its time
SELECT hears('ann', 'B1', '{"caller": "u1"}'), hears('ann', 'B1', '{"caller": "u9"}');
SELECT answers('u9', NULL, 'HTTP 404') AS read_again;
SELECT level, object, detail, hint FROM syncore.alert WHERE kind = 'reference' AND closed_at IS NULL;
SELECT hears('ann', 'B1', '{"title": "of nobody", "caller": "u9"}'), settles() AS calls;
SELECT count(*) AS waits FROM syncore.reference_wait;
SELECT * FROM callers() WHERE title LIKE 'of %';
UPDATE syncore.referenced SET fetched_at = fetched_at - interval '2 h' WHERE external_id = 'u9';
SELECT hears('ann', 'B1', '{"severity": "high", "caller": "u9"}');
TABLE wanted;
SELECT answers('u9', '{"id": "u9", "mail": "new@acme.example"}') AS read_again, settles() AS calls;
SELECT mail FROM callers() WHERE title = 'of nobody';
SELECT count(*) AS open_alerts FROM syncore.alert WHERE kind = 'reference' AND closed_at IS NULL;
-- a system that does not answer is asked again, later each time; who waits goes on waiting
SELECT hears('ann', 'B2', '{"title": "in a storm", "caller": "u3"}');
SELECT answers('u3', NULL, 'HTTP 503', true) AS read_again;
SELECT (SELECT count(*) FROM wanted) AS wanted_now, (SELECT count(*) FROM syncore.reference_wait) AS waits;
UPDATE syncore.referenced SET next_at = now() WHERE external_id = 'u3';
TABLE wanted;
SELECT step, because, fix FROM syncore.why_not('ann:B2', 'bob') WHERE step = 'fetch';
SELECT answers('u3', '{"id": "u3", "mail": "storm@acme.example"}') AS read_again, settles() AS calls;
SELECT mail FROM callers() WHERE title = 'in a storm';
-- what nobody has named for long is not kept; who names it has it fetched again
UPDATE syncore.referenced SET fetched_at = now() - interval '31 days' WHERE external_id = 'u3';
SELECT syncore._retire_records() AS gone;
SELECT external_id FROM syncore.referenced ORDER BY 1;
SELECT hears('ann', 'B2', '{"caller": "u3"}');
TABLE wanted;
SELECT answers('u3', NULL, 'HTTP 410') AS read_again;
-- an alert that nobody renews for an hour is over
UPDATE syncore.alert SET last_at = now() - interval '2 h' WHERE kind = 'reference' AND closed_at IS NULL;
SELECT syncore._close_quiet_alerts() AS closed;
-- what leads elsewhere is not asked for
SELECT hears('ann', 'B3', '{"title": "traversal", "caller": ".."}'), hears('ann', 'B4', jsonb_build_object('title', 'endless', 'caller', repeat('u', 201)));
TABLE wanted;
SELECT hears('ann', 'B4', jsonb_build_object('caller', repeat('u', 200)));
SELECT length(external_id) AS control FROM wanted;
SELECT ok, what FROM syncore.verify_ledger();
DROP VIEW wanted;
DROP FUNCTION callers(), answers(text, jsonb, text, boolean);
CALL pg_temp.toys_go();
