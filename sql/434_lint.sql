-- Faults of the configuration, planted one by one: lint() finds each, and what stands in its column fix cures it. DR-04, OW-01;
-- FM-17: required and not mapped (required_field_unmapped), mapped and not there (field_vanished), ways of no return (field_write_only, owner_deaf).
CREATE DATABASE sc_lint;
\c sc_lint
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE EXTENSION syncore CASCADE;
SELECT count(*) > 0 AS added FROM syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com');
SELECT count(*) > 0 AS added FROM syncore.add_system('jira', 'jira', 'https://acme.atlassian.net', settings => '{"project": "OPS", "issue_type": "Bug"}');
SELECT count(syncore.set_credential(s, 'basic', 'file:' || s, username => 'bot')) AS api FROM unnest('{snow,jira}'::text[]) s;
SELECT count(syncore.set_credential(s, 'hmac_sha256', 'file:' || s || '_hook', used_for => 'webhook')) AS webhook FROM unnest('{snow,jira}'::text[]) s;
INSERT INTO syncore.space (name) VALUES ('acme');
CREATE FUNCTION public.one_way(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION public.up(jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS 'SELECT $1';
-- (control) as it is set up nothing is wrong
SELECT level, code, object, message FROM syncore.lint() WHERE level = 'error' OR fix IS NOT NULL;

-- Plants a fault, looks for it, runs what lint says, looks again; all of it is undone.
CREATE FUNCTION planted(wanted text, plant text, OUT code text, OUT level text, OUT message text, OUT outcome text) LANGUAGE plpgsql AS $$
DECLARE
	found_it record;
	before bigint := (SELECT count(*) FROM syncore.lint() l WHERE l.code = wanted);
BEGIN
	code := wanted;
	BEGIN
		EXECUTE plant;
		SELECT l.* INTO found_it FROM syncore.lint() l WHERE l.code = wanted ORDER BY l.object, l.message LIMIT 1;
		level := found_it.level;
		message := found_it.message;
		IF level IS NULL THEN
			outcome := 'NOT FOUND';
		ELSIF before > 0 THEN
			outcome := 'WAS THERE BEFORE';
		ELSE
			EXECUTE found_it.fix;
			outcome := CASE WHEN EXISTS (SELECT FROM syncore.lint() l WHERE l.code = wanted AND l.message = found_it.message) THEN 'NOT CURED' ELSE 'cured' END;
		END IF;
		RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZ000';
	EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
		NULL;
	END;
END $$;
CREATE TABLE fault (n integer GENERATED ALWAYS AS IDENTITY, code text, plant text);
INSERT INTO fault (code, plant) VALUES
	('credential_missing', 'DELETE FROM syncore.credential WHERE system = ''snow'' AND used_for = ''api'''),
	('credential_host', 'UPDATE syncore.system SET base_url = ''https://other.service-now.com'' WHERE name = ''snow'''),
	('credential_expired', 'UPDATE syncore.credential SET expires_at = ''2026-01-31'' WHERE system = ''snow'' AND used_for = ''api'''),
	('webhook_credential_missing', 'DELETE FROM syncore.credential WHERE system = ''jira'' AND used_for = ''webhook'''),
	('setting_missing', 'UPDATE syncore.system SET settings = settings - ''project'' WHERE name = ''jira'''),
	('plain_http', 'UPDATE syncore.system SET base_url = ''http://acme.service-now.com'', allow_http = true WHERE name = ''snow'''),
	('record_map_missing', 'DELETE FROM syncore.record_map WHERE system = ''jira'''),
	('route_without_record_map', 'INSERT INTO syncore.route (system, entity_type, position) VALUES (''jira'', ''task'', 2)'),
	('create_unsupported', 'INSERT INTO syncore.record_map (system, record_type, entity_type) VALUES (''snow'', ''change_request'', ''task''); INSERT INTO syncore.route (system, entity_type) VALUES (''snow'', ''task'')'),
	('route_missing', 'DELETE FROM syncore.route WHERE system = ''jira'''),
	('route_unreachable', 'INSERT INTO syncore.route (system, entity_type, position, condition) VALUES (''jira'', ''incident'', 2, ''$.severity == "high"'')'),
	('route_from_unknown', 'UPDATE syncore.route SET from_systems = ''{snw}'' WHERE system = ''jira'''),
	('latency_below_settle', 'UPDATE syncore.route SET target_latency = ''2 s'', settle = ''3 s'' WHERE system = ''jira'''),
	('condition_field_unknown', 'UPDATE syncore.route SET condition = ''$.sevrity == "high"'' WHERE system = ''jira'''),
	('condition_field_unknown', 'INSERT INTO syncore.policy (entity_type, field, position, rule, condition) VALUES (''incident'', ''title'', 1, ''human_wins'', ''$.urgency == 1'')'),
	('field_unowned', 'INSERT INTO syncore.field (entity_type, name) VALUES (''incident'', ''cost_centre''); INSERT INTO syncore.field_map (system, record_type, field, path) VALUES (''snow'', ''incident'', ''cost_centre'', ''/u_cost'')'),
	('required_field_unmapped', 'INSERT INTO syncore.field (entity_type, name, required) VALUES (''incident'', ''cost_centre'', true)'),
	('field_vanished', 'INSERT INTO syncore.record_path (space_id, system_id, record_type, path, type, gone_at) SELECT 1, id, ''incident'', ''/short_description'', ''string'', now() FROM syncore.system WHERE name = ''snow'''),
	('field_read_twice', 'INSERT INTO syncore.field_map (system, record_type, field, path) VALUES (''snow'', ''incident'', ''title'', ''/u_title'')'),
	('field_write_only', 'UPDATE syncore.field_map SET direction = ''out'' WHERE system = ''jira'' AND field = ''description'''),
	('owner_deaf', 'SELECT syncore.set_owner(''incident'', ''description'', ''snow'', on_foreign_write => ''refuse''); UPDATE syncore.field_map SET direction = ''out'' WHERE system = ''snow'' AND field = ''description'''),
	('owner_deaf', 'SELECT syncore.set_owner(''incident'', ''description'', ''snow'', on_foreign_write => ''revert''); DELETE FROM syncore.field_map WHERE system = ''snow'' AND field = ''description'''),
	('owner_elsewhere', 'SELECT syncore.set_owner(''incident'', ''description'', ''snow'', on_foreign_write => ''refuse''); UPDATE syncore.system SET space = ''acme'' WHERE name = ''snow'''),
	('review_overdue', 'UPDATE syncore.ownership SET review_by = ''2026-01-31'', steward = ''finance'' WHERE entity_type = ''incident'' AND field = ''title'''),
	('value_map_missing', 'UPDATE syncore.field_map SET value_map = ''snow.nowhere'' WHERE system = ''snow'' AND field = ''severity'''),
	('value_unmapped', 'DELETE FROM syncore.value_map WHERE name = ''jira.severity'' AND canonical = ''low'''),
	('value_not_allowed', 'INSERT INTO syncore.value_map (name, external, canonical, direction) VALUES (''jira.severity'', ''Trivial'', ''lowest'', ''in'')'),
	('value_map_oscillates', 'INSERT INTO syncore.value_map (name, external, canonical, direction) VALUES (''snow.swing'', ''a'', ''new'', ''out''), (''snow.swing'', ''a'', ''in_progress'', ''in''), (''snow.swing'', ''b'', ''in_progress'', ''out''), (''snow.swing'', ''b'', ''new'', ''in''); UPDATE syncore.field_map SET value_map = ''snow.swing'', on_unmapped = ''skip'' WHERE system = ''snow'' AND field = ''status'''),
	('value_read_twice', 'ALTER TABLE syncore.value_map DISABLE TRIGGER b_meaning; INSERT INTO syncore.value_map (name, external, canonical) VALUES (''snow.swing'', ''a'', ''new''); INSERT INTO syncore.value_map (name, external, canonical, direction) VALUES (''snow.swing'', ''a'', ''closed'', ''in''); ALTER TABLE syncore.value_map ENABLE TRIGGER b_meaning; UPDATE syncore.field_map SET value_map = ''snow.swing'', on_unmapped = ''skip'' WHERE system = ''snow'' AND field = ''status'''),
	('value_map_unused', 'INSERT INTO syncore.value_map (name, external, canonical) VALUES (''jira.forgotten'', ''a'', ''b'')'),
	('states_missing', 'DELETE FROM syncore.state_transition WHERE entity_type = ''incident''; DELETE FROM syncore.state WHERE entity_type = ''incident'''),
	('function_unknown', 'UPDATE syncore.field_map SET transform_in = ''public.up'' WHERE system = ''snow'' AND field = ''title''; DROP FUNCTION public.up(jsonb)'),
	('function_role_unknown', 'ALTER TABLE syncore.field_map DISABLE TRIGGER c_run_as; UPDATE syncore.field_map SET transform_in = ''public.up'', run_as = ''who_left'' WHERE system = ''snow'' AND field = ''title''; ALTER TABLE syncore.field_map ENABLE TRIGGER c_run_as'),
	('function_volatile', 'UPDATE syncore.field_map SET transform_in = ''public.up'' WHERE system = ''snow'' AND field = ''title''; ALTER FUNCTION public.up(jsonb) VOLATILE'),
	('function_shape', 'ALTER TABLE syncore.field_map DISABLE TRIGGER c_run_as; UPDATE syncore.field_map SET transform_in = ''public.one_way'' WHERE system = ''snow'' AND field = ''title''; ALTER TABLE syncore.field_map ENABLE TRIGGER c_run_as'),
	('function_shape', 'ALTER TABLE syncore.policy DISABLE TRIGGER c_run_as; SELECT syncore.set_policy(''incident'', ''title'', ''{call}'', function => ''public.up''); ALTER TABLE syncore.policy ENABLE TRIGGER c_run_as'),
	('policy_missing', 'DELETE FROM syncore.policy WHERE entity_type = ''incident'' AND field IS NULL'),
	('policy_without_owner', 'SELECT syncore.set_policy(''incident'', ''title'', ''{system_of_record,last_update_wins}'')'),
	('policy_system_deaf', 'UPDATE syncore.field_map SET direction = ''out'' WHERE system = ''jira'' AND field = ''tags''; SELECT syncore.set_policy(''incident'', ''tags'', ''{system_of_record,union}'', system => ''jira'')'),
	('policy_rule_twice', 'SELECT syncore.set_policy(''incident'', ''title'', ''{human_wins,last_update_wins,human_wins}'')'),
	('policy_without_rank', 'SELECT syncore.set_policy(''incident'', ''title'', ''{escalation_wins,last_update_wins}'')'),
	('policy_misfit', 'SELECT syncore.set_policy(''incident'', ''title'', ''{union}'')'),
	('review_from_unknown', 'SELECT syncore.set_policy(''incident'', ''title'', ''{manual}'', review_from => ''hgih'')'),
	('loop_window_short', 'UPDATE syncore.entity_type SET loop_within = ''1 min'' WHERE name = ''incident'''),
	('match_field_unknown', 'ALTER TABLE syncore.match_rule DISABLE TRIGGER c_match; INSERT INTO syncore.match_rule (entity_type, kind, fields, on_match) VALUES (''incident'', ''exact'', ''{titel}'', ''link''); ALTER TABLE syncore.match_rule ENABLE TRIGGER c_match'),
	('match_field_unknown', 'ALTER TABLE syncore.match_rule DISABLE TRIGGER c_match; INSERT INTO syncore.match_rule (entity_type, kind, fields, on_match) VALUES (''incident'', ''exact'', ''{xyzzy}'', ''link''); ALTER TABLE syncore.match_rule ENABLE TRIGGER c_match'),
	('actor_unreachable', 'INSERT INTO syncore.actor (system, pattern, kind, position) VALUES (''snow'', ''%'', ''human'', 5), (''snow'', ''bot%'', ''automation'', 6)'),
	('comment_unsupported', 'INSERT INTO syncore.record_map (system, record_type, entity_type) VALUES (''snow'', ''change_request'', ''task''); INSERT INTO syncore.comment_map (system, record_type, channel, visibility, direction) VALUES (''snow'', ''change_request'', ''work_notes'', ''internal'', ''both'')'),
	('comment_map_without_record_map', 'INSERT INTO syncore.comment_map (system, record_type, channel, visibility) VALUES (''jira'', ''epic'', ''comment'', ''internal'')');
\pset format unaligned
SELECT p.level, p.code, p.message, p.outcome FROM fault f CROSS JOIN LATERAL planted(f.code, f.plant) p ORDER BY f.n;
\pset format aligned
SELECT count(*) AS planted, count(DISTINCT code) AS kinds FROM fault;
-- nothing of it stayed; and what blocks activation is in the error
SELECT count(*) AS left_over FROM syncore.lint() WHERE code IN (SELECT code FROM fault);
ALTER TABLE syncore.match_rule DISABLE TRIGGER c_match;
INSERT INTO syncore.match_rule (entity_type, kind, fields, on_match) VALUES ('incident', 'exact', '{titel}', 'link');
ALTER TABLE syncore.match_rule ENABLE TRIGGER c_match;
SELECT syncore.activate('snow');
SELECT fix FROM syncore.lint('snow') WHERE code = 'match_field_unknown' \gexec
SELECT syncore.activate('snow');

-- SE-06: impact: what hangs on a field, before it is changed
UPDATE syncore.route SET condition = '$.severity == "critical" || $.severity == "high"' WHERE system = 'jira';
SELECT syncore.set_policy('incident', 'status', '{manual,last_update_wins}', review_from => 'high') IS NOT NULL AS set;
SELECT * FROM syncore.impact('incident', 'severity');
SELECT what, object, detail FROM syncore.impact('incident', 'status') WHERE what IN ('policy', 'states', 'owner');
SELECT syncore.impact('incident', 'sevrity');
SELECT syncore.impact('incident', NULL);

-- policy_sheet: every rule explained to somebody who has never seen a table
CREATE FUNCTION public.decides(jsonb, jsonb, jsonb) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
SELECT syncore.set_policy('incident', 'description', enum_range(NULL::syncore.rule_name)::text[], system => 'snow', function => 'public.decides', review_from => 'high') IS NOT NULL AS set;
UPDATE syncore.policy SET condition = '$.severity == "critical"' WHERE field = 'description' AND rule = 'human_wins';
\pset format unaligned
SELECT position, rule_name, rule, example FROM syncore.policy_sheet WHERE field = 'description';
SELECT rule_name FROM syncore.policy_sheet WHERE example IS NULL;
\c regression
DROP DATABASE sc_lint;
