-- TC-04: everybody writes tests of maps as rows; they run before an activation, on the configuration as it is in the transaction. DR-04.
CREATE DATABASE sc_test_case;
\c sc_test_case
SET client_min_messages = warning;
CREATE EXTENSION syncore CASCADE;
\set SHOW_CONTEXT never
SELECT count(*) > 0 AS added FROM syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com');
SELECT count(*) > 0 AS added FROM syncore.add_system('jira', 'jira', 'https://acme.atlassian.net', settings => '{"project": "OPS", "issue_type": "Bug"}');
SELECT count(syncore.set_credential(s, 'basic', 'file:' || s, username => 'bot')) AS credentials FROM unnest('{snow,jira}'::text[]) s;
INSERT INTO syncore.identity_map (person, system, external_id) VALUES ('a.lee@acme.example', 'snow', '5137153cc611227c000bbd1bd8cd2005');
INSERT INTO syncore.test_case (name, system, payload, expected, note) VALUES
	('raised', 'snow', '{"table": "incident", "sys_id": "1c741bd70b2322007518478d83673af3", "number": "INC0012345", "operation": "update", "sys_mod_count": "7", "sys_updated_by": "a.lee",
		"fields": {"short_description": "disk full", "priority": "1", "state": "2", "assigned_to": "5137153cc611227c000bbd1bd8cd2005"}}',
		'{"title": "disk full", "severity": "critical", "status": "in_progress", "@kind": "update", "@external_key": "INC0012345"}', 'P1 is critical'),
	('unknown_priority', 'snow', '{"table": "incident", "sys_id": "1c741bd70b2322007518478d83673af3", "operation": "update", "sys_mod_count": "7", "fields": {"priority": "9"}}',
		'{"@outcome": "quarantined"}', 'what the map does not know is not guessed'),
	('not_ours', 'snow', '{"table": "sc_task", "sys_id": "1c741bd70b2322007518478d83673af3", "operation": "update", "sys_mod_count": "7"}', '{"@outcome": "quarantined"}', NULL),
	('nobody', 'snow', '{"hello": "world"}', '{"@outcome": "quarantined"}', NULL);
SELECT syncore._read_event(c.system, c.payload) FROM syncore.test_case c WHERE name IN ('raised', 'unknown_priority') ORDER BY name;
-- a record that no condition of record_map takes is ignored
BEGIN;
UPDATE syncore.record_map SET condition = '$.number == "INC0"' WHERE system = 'snow';
SELECT syncore._read_event(c.system, c.payload) -> '@outcome' AS outcome FROM syncore.test_case c WHERE name = 'raised';
ROLLBACK;
SELECT * FROM syncore.run_tests();

-- a change that breaks one: found, with the difference, before it is activated, and gone with the transaction
BEGIN;
DELETE FROM syncore.value_map WHERE name = 'snow.severity' AND external IN ('1', '3');
INSERT INTO syncore.value_map (name, external, canonical) VALUES ('snow.severity', '1', 'medium');
SELECT * FROM syncore.run_tests();
SELECT level, code, object, message, fix FROM syncore.lint('snow') WHERE code = 'test_failed';
SELECT syncore.activate('snow');
ROLLBACK;
SELECT * FROM syncore.run_tests('snow') WHERE NOT ok;
SELECT syncore.activate('snow', 'shadow');
-- or what comes out now is right: the fix takes it over
BEGIN;
UPDATE syncore.field_map SET direction = 'out' WHERE system = 'snow' AND field = 'title';
DELETE FROM syncore.value_map WHERE name = 'snow.status' AND external = '2';
SELECT name, difference FROM syncore.run_tests('snow') WHERE NOT ok;
SELECT fix FROM syncore.lint('snow') WHERE code = 'test_failed' \gexec
SELECT count(*) FILTER (WHERE ok) AS ok, count(*) AS cases FROM syncore.run_tests('snow');
ROLLBACK;
-- a function of the user's own is run, as it would be
CREATE FUNCTION public.shout(jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT to_jsonb(upper($1 #>> '{}')) $$;
CREATE FUNCTION public.fails(jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'no such title'; END $$;
BEGIN;
UPDATE syncore.field_map SET transform_in = 'public.shout' WHERE system = 'snow' AND field = 'title';
SELECT difference FROM syncore.run_tests() WHERE NOT ok;
UPDATE syncore.field_map SET transform_in = 'public.fails' WHERE system = 'snow' AND field = 'title';
SELECT difference FROM syncore.run_tests() WHERE NOT ok;
ROLLBACK;

-- nothing is stored, nothing is locked, no number is drawn
BEGIN READ ONLY;
SELECT count(*) FILTER (WHERE ok) AS ok FROM syncore.run_tests();
SELECT count(*) AS findings FROM syncore.lint() WHERE code = 'test_failed';
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_transaction_id;
SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('relation', 'tuple', 'advisory');
COMMIT;
SELECT (SELECT count(*) FROM syncore.event) AS events, (SELECT count(*) FROM syncore.entity) AS entities, (SELECT count(*) FROM syncore.link) AS links, (SELECT count(*) FROM syncore.quarantine_entry) AS quarantined;

-- a case is a row like any other: it has a system, a history, and one space's are nobody else's
INSERT INTO syncore.test_case (name, system, payload, expected) VALUES ('two', 'nowhere', '{}', '{}');
INSERT INTO syncore.test_case (name, system, payload, expected) VALUES ('two', 'snow', '{}', '[]');
SELECT action, key FROM syncore.config_history WHERE table_name = 'test_case' ORDER BY key::text;
SELECT what, object, detail FROM syncore.impact('incident', 'severity') WHERE what = 'test case';
SELECT count(*) AS exported FROM syncore.config_export('snow') line WHERE line LIKE 'INSERT INTO syncore.test_case%';
INSERT INTO syncore.space (name) VALUES ('acme');
CREATE ROLE sc_acme_auditor LOGIN;
GRANT syncore_auditor TO sc_acme_auditor;
DELETE FROM syncore.space_role WHERE role = 'syncore_auditor';
INSERT INTO syncore.space_role (space, role, level) VALUES ('acme', 'sc_acme_auditor', 'auditor');
SET SESSION AUTHORIZATION sc_acme_auditor;
SELECT count(*) AS cases FROM syncore.run_tests();
SELECT syncore._run_test('raised');
SELECT syncore._read_event('snow', '{}');
RESET SESSION AUTHORIZATION;
INSERT INTO syncore.space_role (space, role, level) VALUES ('default', 'sc_acme_auditor', 'auditor');
SET SESSION AUTHORIZATION sc_acme_auditor;
SELECT count(*) AS cases FROM syncore.run_tests();
RESET SESSION AUTHORIZATION;
\c regression
DROP DATABASE sc_test_case;
DROP ROLE sc_acme_auditor;
