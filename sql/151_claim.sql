-- Claim, call, record, without workers: a dispatcher of one session, and a peer that answers what the test says.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
CREATE SCHEMA claim_test;
SET search_path = claim_test;
CREATE FUNCTION claim(system_id int, most int DEFAULT 16) RETURNS text AS '$libdir/syncore_engine_test', 'test_claim' LANGUAGE C;
CREATE FUNCTION answer(delivery bigint, answers jsonb) RETURNS text AS '$libdir/syncore_engine_test', 'test_answer' LANGUAGE C;
CREATE FUNCTION record() RETURNS int AS '$libdir/syncore_engine_test', 'test_record' LANGUAGE C;
CREATE FUNCTION forget() RETURNS int AS '$libdir/syncore_engine_test', 'test_forget' LANGUAGE C;
CREATE FUNCTION adopt() RETURNS int AS '$libdir/syncore_engine_test', 'test_adopt' LANGUAGE C;
SELECT count(*) > 0 FROM syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com');
SELECT count(*) > 0 FROM syncore.add_system('jira', 'jira', 'https://acme.atlassian.net', settings => '{"project": "OPS", "issue_type": "Bug"}');
SELECT syncore.activate('snow'), syncore.activate('jira');
CREATE FUNCTION jira() RETURNS int LANGUAGE sql AS $$ SELECT id FROM syncore.system WHERE name = 'jira' $$;
CREATE VIEW queue AS SELECT d.state, d.attempts, d.sent_at IS NOT NULL AS marked, d.gen - COALESCE(d.sent_gen, d.gen) AS newer, d.error_code, l.state AS link, l.call->>'kind' AS call,
	(l.call->>'unknown')::boolean AS unknown, l.read_owed FROM syncore.delivery d JOIN syncore.link l ON l.id = d.link ORDER BY d.id;
CREATE FUNCTION says(ref text, version int, fields jsonb, operation text DEFAULT 'update') RETURNS text LANGUAGE sql AS $$
	SELECT outcome FROM syncore.ingest('snow', jsonb_build_object('table', 'incident', 'sys_id', ref, 'number', 'INC' || ref, 'operation', operation,
		'sys_mod_count', version::text, 'sys_updated_on', '2026-02-28 14:32:0' || version, 'sys_updated_by', 'jdoe', 'fields', fields)::text) $$;
SELECT says('01', 1, '{"short_description": "VPN drops", "state": "1", "priority": "2"}', 'insert');
TABLE queue;
SELECT claim(jira());
TABLE queue;
