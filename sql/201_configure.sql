-- Configure by rows and calls; every mistake is told with what to do. OP-04, FM-19, RS-01, ID-09, RS-15
CREATE DATABASE sc_configure;
\c sc_configure
SET client_min_messages = warning;
CREATE EXTENSION syncore CASCADE;
RESET client_min_messages;
\set SHOW_CONTEXT never
\set VERBOSITY default

-- OP-04: one call gives a working system; FM-19: its template rows are the user's afterwards
SELECT n, made, object FROM syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com/');
SELECT n, made, object FROM syncore.add_system('jira', 'jira', 'https://acme.atlassian.net', settings => '{"project": "OPS"}');
SELECT name, space, connector, base_url, mode, connection, settings, avoid_duplicates FROM syncore.system ORDER BY name;
UPDATE syncore.field_map SET on_null = 'clear', note = 'ours' WHERE system = 'jira' AND field = 'title';
SELECT name FROM syncore.value_map WHERE name LIKE 'jira.%' GROUP BY name ORDER BY name;
-- SC-07: the rights that our account needs there, and what for
SELECT scope, why <> '' AS said FROM syncore.required_scopes('snow');
SELECT scope, why <> '' AS said FROM syncore.required_scopes('jira');
SELECT * FROM syncore.required_scopes('jria');

-- errors, with exact text
SELECT syncore.add_system('jira2', 'jria', 'https://x.example');
SELECT syncore.add_system('Jira 2', 'jira', 'https://x.example');
SELECT syncore.add_system('jira', 'jira', 'https://x.example');
SELECT syncore.add_system('jira2', 'jira', 'http://x.example');
SELECT syncore.add_system('jira2', 'jira', 'https://x.example', settings => '{"projct": "OPS"}');
SELECT syncore.add_system('jira2', 'jira', 'https://x.example', settings => '{"project": 7}');
SELECT syncore.add_system('jira2', 'jira', 'https://x.example', space => 'acme');
SELECT syncore.set_credential('jria', 'basic', 'file:jira', username => 'x');
SELECT syncore.set_credential('jira', 'basic', 'hunter2', username => 'x');
SELECT syncore.set_credential('jira', 'basic', 'file:../etc/passwd', username => 'x');
SELECT syncore.set_credential('jira', 'basic', 'file:jira');
SELECT syncore.set_credential('jira', 'hmac_sha256', 'file:jira');
SELECT syncore.set_policy('incident', 'severty', '{human_wins}');
SELECT syncore.set_policy('incident', 'severity', '{escalation_win}');
SELECT syncore.set_policy('incident', 'severity', '{call}');
SELECT syncore.set_policy('incident', 'severity', '{call}', function => 'public.nope');
SELECT syncore.set_owner('incident', 'severity', 'jria');
INSERT INTO syncore.field_map (system, record_type, field, path) VALUES ('snow', 'incident', 'url', 'u_service');

-- SY001: activation is refused while lint finds an error, and each finding has its cure
SELECT level, code, object, message, fix FROM syncore.lint();
SELECT syncore.activate('snow');
SELECT syncore.set_credential('snow', 'basic', 'file:snow', username => 'syncore.bot');
SELECT syncore.set_credential('snow', 'basic', 'file:snow_2', username => 'syncore.bot');
SELECT system, used_for, kind, host, state, set_by = CURRENT_USER AS by_us FROM syncore.credential_status;
SELECT syncore.set_credential('jira', 'basic', 'env:SYNCORE_JIRA', username => 'syncore@acme.example');
INSERT INTO syncore.field (entity_type, name, required) VALUES ('incident', 'business_service', true);
INSERT INTO syncore.field_map (system, record_type, field, path) VALUES ('snow', 'incident', 'business_service', '/u_business_service');
DELETE FROM syncore.value_map WHERE name = 'snow.severity' AND canonical = 'info';
DELETE FROM syncore.value_map WHERE name = 'jira.severity' AND canonical = 'low';
INSERT INTO syncore.value_map (name, external, canonical, direction) VALUES ('jira.severity', 'Trivial', 'lowest', 'in');
DELETE FROM syncore.field_map WHERE system = 'jira' AND field = 'tags';
UPDATE syncore.system SET settings = settings - 'project' WHERE name = 'jira';
INSERT INTO syncore.route (system, entity_type, position) VALUES ('jira', 'task', 2);
SELECT level, code, object, message FROM syncore.lint() WHERE level = 'error';
SELECT fix FROM syncore.lint() WHERE code = 'field_unowned' \gexec
SELECT code FROM syncore.lint() WHERE code = 'field_unowned';
SELECT syncore.activate('jira');

-- cured, one by one
DELETE FROM syncore.field_map WHERE field = 'business_service';
DELETE FROM syncore.field WHERE name = 'business_service';
INSERT INTO syncore.value_map (name, external, canonical) VALUES ('snow.severity', '5', 'info');

-- a value map that would write against itself
BEGIN;
INSERT INTO syncore.value_map (name, external, canonical, direction) VALUES
	('snow.swing', 'a', 'new', 'out'), ('snow.swing', 'a', 'in_progress', 'in'), ('snow.swing', 'b', 'in_progress', 'out'), ('snow.swing', 'b', 'new', 'in');
UPDATE syncore.field_map SET value_map = 'snow.swing', on_unmapped = 'skip' WHERE system = 'snow' AND field = 'status';
SELECT code, message FROM syncore.lint('snow') WHERE code = 'value_map_oscillates';
ROLLBACK;

-- RS-01: a policy is rows, replaced in one step; the shipped list is gone, that of all fields stands
SELECT syncore.set_policy('incident', 'severity', '{manual,last_update_wins}', review_from => 'high');
SELECT field, position, rule, review_from, shipped FROM syncore.policy WHERE entity_type = 'incident' ORDER BY field NULLS LAST, position;
SELECT syncore.set_owner('incident', 'severity', 'snow', on_foreign_write => 'revert', steward => 'desk');
SELECT entity_type, field, owner, on_foreign_write, steward, shipped FROM syncore.ownership WHERE owner IS NOT NULL;
SELECT field, owner, on_foreign_write, steward, read_from, written_to FROM syncore.ownership_matrix WHERE entity_type = 'incident' AND field IN ('severity', 'tags', 'title');
SELECT field, position, rule, example FROM syncore.policy_sheet WHERE entity_type = 'incident';
SELECT field, treatment, direction, path, written_to, lossy FROM syncore.mapping_sheet WHERE system = 'snow' AND treatment <> 'ignored';

-- functions in rows exist, and run as who wrote the row
CREATE FUNCTION public.up(jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS 'SELECT to_jsonb(upper($1 #>> ''{}''))';
UPDATE syncore.field_map SET transform_in = 'public.up' WHERE system = 'snow' AND field = 'title';
SELECT run_as = CURRENT_USER AS by_us FROM syncore.field_map WHERE transform_in IS NOT NULL;
DROP FUNCTION public.up(jsonb);
SELECT code, message, fix FROM syncore.lint('snow') WHERE code = 'function_unknown';
SELECT fix FROM syncore.lint('snow') WHERE code = 'function_unknown' \gexec

-- SY009: what belongs to a connector is read-only; the model may be changed and is the user's from then on
UPDATE syncore.connector_operation SET url = '/x' WHERE connector = 'jira' AND operation = 'check';
DELETE FROM syncore.connector WHERE name = 'servicenow';
UPDATE syncore.entity_type SET on_delete = 'unlink' WHERE name = 'task';
SELECT name, on_delete, shipped FROM syncore.entity_type ORDER BY name;

-- OW-06: history: one version a transaction, with who and why; SY007 where the space asks for a reason
BEGIN;
SET LOCAL syncore.change_reason = 'CHG0041: first sync';
SET LOCAL syncore.operator = 'a.lee';
UPDATE syncore.space SET reason_required = true WHERE name = 'default';
UPDATE syncore.system SET title = 'our desk' WHERE name = 'snow';
UPDATE syncore.system SET title = 'our desk' WHERE name = 'snow';
COMMIT;
SELECT version - max(version) OVER () AS version, operator, reason, table_name, key, action, old ->> 'title' AS was, new ->> 'title' AS becomes
FROM syncore.config_history WHERE reason IS NOT NULL ORDER BY table_name;
UPDATE syncore.system SET title = 'x' WHERE name = 'snow';
SELECT syncore.activate('snow', 'paused');
BEGIN;
SET LOCAL syncore.change_reason = 'CHG0043: go';
SELECT syncore.activate('snow', 'shadow');
COMMIT;
SELECT syncore.pause('snow', 'CHG0042: maintenance there');
SELECT mode, paused_mode FROM syncore.system WHERE name = 'snow';
SELECT syncore.resume('snow');
SET syncore.change_reason = 'CHG0042: done';
SELECT syncore.resume('snow');
RESET syncore.change_reason;
SELECT mode, paused_mode FROM syncore.system WHERE name = 'snow';
SELECT reason, new ->> 'mode' AS mode FROM syncore.config_history WHERE table_name = 'system' AND reason LIKE 'CHG004%' ORDER BY version;
-- what workers note is no change of configuration; what was rolled back never was
SELECT count(*) AS before FROM syncore.config_version \gset
UPDATE syncore.system SET clock_offset = '2 s', integration_actor = 'bot' WHERE name = 'snow';
BEGIN;
SET LOCAL syncore.change_reason = 'never';
DELETE FROM syncore.route;
ROLLBACK;
SELECT count(*) - :before AS more FROM syncore.config_version;
-- LG-01: the ledger has them too, and never where a secret is
SELECT count(*) > 20 AS told FROM syncore.ledger WHERE kind = 'config';
SELECT count(*) AS references FROM syncore.ledger WHERE coalesce(old::text, '') || coalesce(new::text, '') || reason ~ 'file:|env:';
SELECT count(*) AS references FROM syncore.config_version WHERE coalesce(old::text, '') || coalesce(new::text, '') ~ 'file:|env:';
SELECT ok FROM syncore.verify_ledger();
\c regression
DROP DATABASE sc_configure;
