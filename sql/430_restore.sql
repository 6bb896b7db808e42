-- The configuration has a past: who changed which rule when and why (OW-06), what differs between two versions, and the way back (OW-07).
CREATE DATABASE sc_restore;
\c sc_restore
SET client_min_messages = warning;
CREATE EXTENSION syncore CASCADE;
RESET client_min_messages;
\set SHOW_CONTEXT never
SELECT count(*) > 0 AS added FROM syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com');
SELECT count(*) > 0 AS added FROM syncore.add_system('jira', 'jira', 'https://acme.atlassian.net', settings => '{"project": "OPS", "issue_type": "Bug"}');
INSERT INTO syncore.identity_map (person, system, external_id) VALUES ('lee', 'snow', '1'), ('kim', 'snow', '2');
CREATE FUNCTION latest() RETURNS bigint LANGUAGE sql AS 'SELECT max(version) FROM syncore.config_version';
-- everything that is configured, without what a restore leaves alone
CREATE FUNCTION whole() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	t text;
	part jsonb;
	all_parts jsonb := '{}';
BEGIN
	FOREACH t IN ARRAY syncore._config_tables() LOOP
		EXECUTE format('SELECT jsonb_agg(c ORDER BY c::text) FROM (SELECT syncore._config_bare(%1$L, to_jsonb(t), syncore._config_kept()) AS c FROM syncore.%1$I t) x', t) INTO part;
		all_parts := all_parts || jsonb_build_object(t, part);
	END LOOP;
	RETURN all_parts;
END $$;
SELECT latest() AS v0 \gset
SELECT whole() AS before \gset

-- OW-06: three changes by somebody, for a reason; one version a transaction
BEGIN;
SET LOCAL syncore.change_reason = 'CHG0051: severity is for people';
SET LOCAL syncore.operator = 'a.lee';
SELECT syncore.set_policy('incident', 'severity', '{manual,last_update_wins}', review_from => 'high');
UPDATE syncore.field_map SET path = '/u_short', note = 'ours' WHERE system = 'snow' AND field = 'title';
COMMIT;
SELECT latest() AS v1 \gset
BEGIN;
UPDATE syncore.system SET name = 'desk', title = 'the desk' WHERE name = 'snow';
DELETE FROM syncore.system WHERE name = 'jira';
INSERT INTO syncore.field (entity_type, name, kind) VALUES ('incident', 'business_service', 'text');
INSERT INTO syncore.field_map (system, record_type, field, path) VALUES ('desk', 'incident', 'business_service', '/u_business_service');
SELECT syncore.set_owner('incident', 'business_service', 'desk', on_foreign_write => 'revert', steward => 'finance');
UPDATE syncore.entity_type SET loop_window = '2 min' WHERE name = 'incident';
COMMIT;
SELECT latest() AS v2 \gset
-- two people change places: a change and back again is no difference
UPDATE syncore.identity_map SET person = 'pat' WHERE external_id = '1';
UPDATE syncore.identity_map SET person = 'lee' WHERE external_id = '2';
UPDATE syncore.identity_map SET person = 'kim' WHERE external_id = '1';
SET intervalstyle = iso_8601;
SET timezone = 'Asia/Tokyo';
UPDATE syncore.entity_type SET title = 'x' WHERE name = 'incident';
UPDATE syncore.entity_type SET title = 'incident' WHERE name = 'incident';
RESET intervalstyle;
SELECT DISTINCT version - :v0 AS version, operator, reason, table_name, action FROM syncore.config_history WHERE version = :v1 ORDER BY 4, 5;

-- what differs between two versions, between one and now, and the other way round
SELECT table_name, coalesce(key ->> 'path', key ->> 'position') AS which, column_name, old, new FROM syncore.config_diff(:v0, :v1) WHERE column_name IN ('path', 'note', 'rule', 'review_from');
SELECT table_name, key ->> 'path' AS path, column_name, old, new FROM syncore.config_diff(:v1, :v0) WHERE column_name IN ('path', 'note') AND table_name = 'field_map';
SELECT table_name, count(*) FROM syncore.config_diff(:v1) GROUP BY 1 ORDER BY 1;
SELECT table_name, key, column_name, old, new FROM syncore.config_diff(:v1) WHERE table_name IN ('entity_type', 'system', 'identity_map', 'ownership') AND column_name IN ('name', 'title', 'loop_window', 'owner', 'person');
SELECT count(*) AS nothing FROM syncore.config_diff(:v2, :v2);
SELECT syncore.config_diff(7, 100000);

-- a dry run says what would change, and changes nothing
SELECT count(*) AS versions FROM syncore.config_version \gset
SELECT count(*) > 50 AS columns, count(*) FILTER (WHERE old IS NULL AND table_name = 'system') > 5 AS jira_again FROM syncore.config_restore(:v0);
SELECT count(*) - :versions AS steps FROM syncore.config_version;
-- OW-07: back in one transaction, with names, rows that went and rows that came
BEGIN;
SET LOCAL syncore.change_reason = 'CHG0052: was a mistake';
SELECT count(*) > 50 AS columns FROM syncore.config_restore(:v0, dry_run => false);
COMMIT;
SELECT whole() = :'before' AS as_it_was;
SELECT count(*) AS differs FROM syncore.config_diff(:v0);
SELECT DISTINCT reason FROM syncore.config_history WHERE version = latest();
SELECT name, mode, title FROM syncore.system ORDER BY name;
SELECT person, external_id FROM syncore.identity_map ORDER BY 2;
-- and forth again: a restore is a version like any other
SELECT count(*) > 50 AS columns FROM syncore.config_restore(:v2, dry_run => false);
SELECT name, title FROM syncore.system ORDER BY name;
SELECT field, owner, on_foreign_write, steward FROM syncore.ownership WHERE owner IS NOT NULL;
SELECT count(*) AS differs FROM syncore.config_diff(:v2);
SELECT DISTINCT reason FROM syncore.config_history WHERE version = latest();
-- as far as it was installed
SELECT count(*) > 50 AS columns FROM syncore.config_restore(0, dry_run => false);
SELECT (SELECT count(*) FROM syncore.system) AS systems, (SELECT count(*) FROM syncore.value_map) AS maps, (SELECT count(*) FROM syncore.policy) AS rules;
SELECT count(*) > 50 AS columns FROM syncore.config_restore(:v1, dry_run => false);

-- what works or waits is not the configuration's past: modes and pauses stay; credentials are set, never brought back
SELECT latest() AS v3 \gset
SELECT syncore.activate('snow', 'shadow') FROM (SELECT syncore.set_credential('snow', 'basic', 'file:snow', username => 'bot')) c;
UPDATE syncore.space SET paused = true WHERE name = 'default';
UPDATE syncore.system SET title = 'busy' WHERE name = 'snow';
SELECT table_name, column_name, old, new FROM syncore.config_restore(:v3, dry_run => false);
SELECT y.title, y.mode, s.paused, (SELECT count(*) FROM syncore.credential) AS credentials FROM syncore.system y JOIN syncore.space s ON s.name = y.space WHERE y.name = 'snow';

-- SY007: a restore needs a reason where changes do
UPDATE syncore.system SET title = 'busy' WHERE name = 'snow';
SET syncore.change_reason = 'CHG0053';
UPDATE syncore.space SET reason_required = true WHERE name = 'default';
RESET syncore.change_reason;
SELECT count(*) FROM syncore.config_restore(:v3, dry_run => false);
SET syncore.change_reason = 'CHG0054';
SELECT count(*) FROM syncore.config_restore(:v3, dry_run => false);

-- somebody of one space restores what is his; what concerns all spaces is not his to change
INSERT INTO syncore.space (name) VALUES ('acme');
CREATE ROLE sc_acme_admin LOGIN;
GRANT syncore_admin TO sc_acme_admin;
INSERT INTO syncore.space_role (space, role, level) VALUES ('acme', 'sc_acme_admin', 'admin');
DELETE FROM syncore.space_role WHERE space = 'default' AND role = 'syncore_admin' AND level = 'admin';
INSERT INTO syncore.system (name, connector, base_url, space, connection) VALUES ('acme_snow', 'servicenow', 'https://acme2.service-now.com', 'acme', 'acme_snow');
SELECT latest() AS v4 \gset
UPDATE syncore.system SET title = 'ours' WHERE name = 'acme_snow';
UPDATE syncore.system SET title = 'theirs' WHERE name = 'snow';
SET SESSION AUTHORIZATION sc_acme_admin;
SELECT table_name, key, old, new FROM syncore.config_restore(:v4, dry_run => false);
SELECT name, title FROM syncore.system ORDER BY 1;
RESET SESSION AUTHORIZATION;
SELECT title FROM syncore.system WHERE name = 'snow';
UPDATE syncore.entity_type SET title = 'changed for all' WHERE name = 'task';
SET SESSION AUTHORIZATION sc_acme_admin;
SELECT table_name, key, old, new FROM syncore.config_restore(:v4, dry_run => false);
RESET SESSION AUTHORIZATION;
-- a restore changes nothing unless that is said
SELECT count(*) > 0 AS differs FROM syncore.config_restore(:v4, dry_run => NULL);
SELECT title FROM syncore.entity_type WHERE name = 'task';

-- a version without what has records by now: refused as a whole, with what blocks and the version that can be had; what has none goes
SELECT latest() AS v7 \gset
INSERT INTO syncore.entity_type (name, title) VALUES ('ticket', 'ticket');
INSERT INTO syncore.field (entity_type, name) VALUES ('ticket', 'title');
INSERT INTO syncore.ownership (entity_type, field) VALUES ('ticket', 'title');
SELECT latest() AS v8 \gset
SELECT count(*) > 0 AS added FROM syncore.add_system('spare', 'servicenow', 'https://spare.example');
INSERT INTO syncore.system (name, connector, base_url, mode) VALUES ('desk2', 'servicenow', 'https://desk2.example', 'shadow');
INSERT INTO syncore.record_map (system, record_type, entity_type) VALUES ('desk2', 'incident', 'ticket');
INSERT INTO syncore.field_map (system, record_type, entity_type, field, path) VALUES ('desk2', 'incident', 'ticket', 'title', '/short_description');
SELECT outcome FROM syncore.ingest('desk2', '{"table": "incident", "sys_id": "a1", "number": "D1", "operation": "insert",
	"sys_mod_count": "0", "sys_updated_on": "2026-01-01 10:00:00", "sys_updated_by": "x", "fields": {"short_description": "t"}}');
SET syncore.change_reason = 'CHG0055';
SELECT count(*) FROM syncore.config_restore(:v8, dry_run => false);
\echo :SQLSTATE
SELECT string_agg(name::text, ' ' ORDER BY name) AS systems FROM syncore.system WHERE name IN ('spare', 'desk2');
DELETE FROM syncore.link WHERE system_id = (SELECT id FROM syncore.system WHERE name = 'desk2');
SELECT count(*) > 0 AS restored FROM syncore.config_restore(:v8, dry_run => false);
SELECT count(*) AS systems FROM syncore.system WHERE name IN ('spare', 'desk2');
SELECT count(*) FROM syncore.config_restore(:v7, dry_run => false);
RESET syncore.change_reason;

-- S5: a row that comes back has its function run as who had written it, not as who restores
CREATE FUNCTION public.sc_loud(v jsonb) RETURNS jsonb LANGUAGE sql STABLE AS 'SELECT to_jsonb(upper(v #>> ''{}''))';
SELECT latest() AS v5 \gset
SET SESSION AUTHORIZATION sc_acme_admin;
INSERT INTO syncore.record_map (system, record_type, entity_type) VALUES ('acme_snow', 'incident', 'incident');
INSERT INTO syncore.field_map (system, record_type, field, path, transform_in) VALUES ('acme_snow', 'incident', 'title', '/a', 'public.sc_loud'), ('acme_snow', 'incident', 'title', '/b', 'public.sc_loud');
SELECT latest() AS v6 \gset
DELETE FROM syncore.field_map WHERE system = 'acme_snow' AND path = '/a';
UPDATE syncore.field_map SET transform_in = NULL WHERE system = 'acme_snow' AND path = '/b';
RESET SESSION AUTHORIZATION;
UPDATE syncore.field_map SET note = 'read' WHERE system = 'acme_snow';
SELECT count(*) > 0 AS restored FROM syncore.config_restore(:v6, dry_run => false);
SELECT path, transform_in, run_as FROM syncore.field_map WHERE system = 'acme_snow' ORDER BY path;
-- nor does who edits a row lend his rights to a function that somebody else has named there
SET SESSION AUTHORIZATION sc_acme_admin;
UPDATE syncore.field_map SET transform_in = 'public.sc_loud' WHERE system = 'acme_snow' AND field = 'title';
RESET SESSION AUTHORIZATION;
UPDATE syncore.field_map SET note = 'read again' WHERE system = 'acme_snow' AND path = '/a';
UPDATE syncore.field_map SET transform_out = 'public.sc_loud' WHERE system = 'acme_snow' AND path = '/b';
SELECT path, transform_in, run_as FROM syncore.field_map WHERE system = 'acme_snow' ORDER BY path;
-- who may not act as the author runs it as himself; a role may be named by who is a member of it, and by nobody else
UPDATE syncore.field_map SET run_as = 'syncore_auditor' WHERE system = 'acme_snow' AND path = '/a';
SELECT path, run_as FROM syncore.field_map WHERE system = 'acme_snow' ORDER BY path;
SELECT latest() AS v7 \gset
SET SESSION AUTHORIZATION sc_acme_admin;
DELETE FROM syncore.field_map WHERE system = 'acme_snow';
SELECT count(*) > 0 AS restored FROM syncore.config_restore(:v7, dry_run => false);
UPDATE syncore.field_map SET run_as = 'sc_nobody_yet' WHERE system = 'acme_snow' AND path = '/b';
SELECT path, run_as FROM syncore.field_map WHERE system = 'acme_snow' ORDER BY path;
RESET SESSION AUTHORIZATION;
SELECT ok FROM syncore.verify_ledger();
\c regression
DROP DATABASE sc_restore;
DROP ROLE sc_acme_admin;
