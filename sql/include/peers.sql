\set ECHO none
-- Begins a test like toys.sql, and the toys have peers.
\ir toys.sql
\set ECHO none
-- The other end of the toys: records in a table, and a dispatcher of one session that claims, answers and records.
INSERT INTO syncore.connector_operation (connector, record_type, operation, method, url, body, body_kind, success, response) VALUES
	('toy', 'ticket', 'create', 'POST', '/ticket', '{"marker": "{link.marker}"}', 'json', '{201}', '{"record": "", "id": "/id", "version": "/v", "actor": "/by", "marker": "/marker", "full": true}'),
	('toy', 'ticket', 'update', 'PATCH', '/ticket/{link.external_id}', NULL, 'json', '{200}', '{"record": "", "id": "/id", "version": "/v", "actor": "/by", "marker": "/marker", "full": true}'),
	('toy', 'ticket', 'read', 'GET', '/ticket/{link.external_id}', NULL, 'none', '{200}', '{"record": "", "id": "/id", "version": "/v", "actor": "/by", "marker": "/marker", "full": true}'),
	('toy', 'ticket', 'find', 'GET', '/ticket?marker={link.marker}', NULL, 'none', '{200}', '{"list": "/list", "id": "/id", "version": "/v", "actor": "/by", "marker": "/marker", "full": true}');
UPDATE syncore.system SET integration_actor = 'syncore';
CREATE TABLE peer (system text, id text, v int NOT NULL, by_whom text, marker text, call text, fields jsonb NOT NULL, PRIMARY KEY (system, id));
CREATE TABLE peer_log (n int GENERATED ALWAYS AS IDENTITY, system text, id text, kind text, wrote jsonb, v int);
CREATE FUNCTION test_claim(int, int) RETURNS text AS '$libdir/syncore_engine_test', 'test_claim' LANGUAGE C;
CREATE FUNCTION test_answer(bigint, jsonb) RETURNS text AS '$libdir/syncore_engine_test', 'test_answer' LANGUAGE C;
CREATE FUNCTION test_record() RETURNS int AS '$libdir/syncore_engine_test', 'test_record' LANGUAGE C;

-- A person, or an automation, at the screen of a toy: the record changes, and the webhook that tells of it is returned.
CREATE FUNCTION edits(at_system text, record text, change jsonb, who text DEFAULT 'lee') RETURNS jsonb LANGUAGE sql AS $$
	INSERT INTO peer AS p VALUES (at_system, record, 1, who, NULL, NULL, change)
	ON CONFLICT (system, id) DO UPDATE SET v = p.v + 1, by_whom = who, fields = p.fields || change
	RETURNING said(record, v, change, who, record || '.' || v) $$;
-- The same, heard at once.
CREATE FUNCTION hears(at_system text, record text, change jsonb, who text DEFAULT 'lee') RETURNS text LANGUAGE sql AS $$
	SELECT outcome FROM syncore.ingest(at_system, edits(at_system, record, change, who)::text) $$;
-- What a toy's record says now, as its answer to a request, and as the webhook of the last change.
CREATE FUNCTION shows(p peer) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('id', p.id, 'v', p.v, 'by', p.by_whom, 'marker', p.marker) || p.fields $$;
CREATE FUNCTION echo(at_system text, record text) RETURNS text LANGUAGE sql AS $$
	SELECT outcome FROM peer p, syncore.ingest(at_system, (said(record, p.v, p.fields, p.by_whom, record || '.' || p.v) || jsonb_strip_nulls(jsonb_build_object('call', p.call, 'marker', p.marker)))::text)
	WHERE p.system = at_system AND p.id = record $$;
-- Claims one call of a system: its text, and the record (empty for a create). What waits for its time is made to have come.
CREATE FUNCTION claims(at_system text, OUT call text, OUT record text, OUT mark text, OUT call_mark text) LANGUAGE plpgsql AS $$
BEGIN
	UPDATE syncore.delivery d SET not_before = now() FROM syncore.system s WHERE s.id = d.system_id AND s.name = at_system AND d.not_before > now();
	call := test_claim((SELECT s.id FROM syncore.system s WHERE s.name = at_system), 1);
	SELECT k.external_id, k.marker::text, d.sent_marker::text INTO record, mark, call_mark FROM syncore.delivery d JOIN syncore.link k ON k.id = d.link JOIN syncore.system s ON s.id = d.system_id
	WHERE s.name = at_system AND d.sent_at IS NOT NULL ORDER BY d.sent_at DESC, d.id DESC LIMIT 1;
END $$;
-- The toy does what the call says: the answer.
CREATE FUNCTION works(at_system text, call text, record text, mark text, call_mark text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	wrote jsonb := substring(call FROM '(\{.*\})$')::jsonb;
	kind text := split_part(call, ' ', 1);
	there peer;
BEGIN
	IF call LIKE 'create%' AND call NOT LIKE '%(lost)%' THEN
		INSERT INTO peer VALUES (at_system, upper(at_system) || '-' || (SELECT count(*) + 1 FROM peer p WHERE p.system = at_system), 1, 'syncore', mark, call_mark, coalesce(wrote, '{}')) RETURNING * INTO there;
	ELSIF call LIKE 'update%' AND call NOT LIKE '%(lost)%' THEN
		UPDATE peer p SET v = p.v + 1, by_whom = 'syncore', call = call_mark, fields = p.fields || coalesce(wrote, '{}') WHERE p.system = at_system AND p.id = record RETURNING * INTO there;
	ELSIF call LIKE 'create (lost)%' AND record IS NULL THEN
		INSERT INTO peer_log (system, kind) VALUES (at_system, 'find');
		RETURN jsonb_build_object('status', 200, 'body', jsonb_build_object('list', coalesce((SELECT jsonb_agg(shows(p)) FROM peer p WHERE p.system = at_system AND p.marker = mark), '[]')));
	ELSE
		SELECT * INTO there FROM peer p WHERE p.system = at_system AND p.id = record;
		kind := 'read';
	END IF;
	INSERT INTO peer_log (system, id, kind, wrote, v) VALUES (at_system, there.id, kind, wrote, there.v);
	RETURN jsonb_build_object('status', CASE kind WHEN 'create' THEN 201 ELSE 200 END, 'body', shows(there));
END $$;
-- Serves one call of a system; how: ok, lost (the work is done, the answer is not heard), cut (neither), or an HTTP status (refused).
CREATE FUNCTION serves(at_system text, how text DEFAULT 'ok') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	c record := claims(at_system);
	answer jsonb;
BEGIN
	IF c.call = '' THEN RETURN NULL; END IF;
	IF how = 'cut' THEN NULL; ELSIF how ~ '^\d+$' THEN answer := jsonb_build_object('status', how::int); ELSE answer := works(at_system, c.call, c.record, c.mark, c.call_mark); END IF;
	IF how IN ('lost', 'cut') THEN answer := '{"lost": "timed out"}'; END IF;
	PERFORM test_answer(0, jsonb_build_array(answer));
	PERFORM test_record();
	RETURN replace(c.call, coalesce(c.mark, '-'), '<marker>');
END $$;
-- Everything that is due, until nothing is: how many calls.
CREATE FUNCTION settles(most int DEFAULT 200) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	n int := 0;
	before int := -1;
	name text;
BEGIN
	WHILE n > before LOOP
		before := n;
		FOR name IN SELECT s.name FROM syncore.system s ORDER BY s.rank LOOP
			WHILE n < most AND serves(name) IS NOT NULL LOOP n := n + 1; END LOOP;
		END LOOP;
	END LOOP;
	RETURN n;
END $$;
CREATE OR REPLACE PROCEDURE pg_temp.toys_go() LANGUAGE sql AS $$
	SET client_min_messages = warning;
	SET syncore.allow_drop = on;
	DROP EXTENSION syncore CASCADE;
	DROP TABLE peer, peer_log CASCADE;
	DROP FUNCTION said(text, integer, jsonb, text, text), test_claim(int, int), test_answer(bigint, jsonb), test_record(), edits(text, text, jsonb, text), hears(text, text, jsonb, text),
		echo(text, text), claims(text), works(text, text, text, text, text), serves(text, text), settles(int) $$;
\set ECHO all
