-- S5, S6, S7: ways out of a space that were tried, and why they lead nowhere.
CREATE DATABASE sc_walls;
\c sc_walls
SET client_min_messages = warning;
CREATE EXTENSION syncore CASCADE;
\set SHOW_CONTEXT never
CREATE ROLE sc_w_ours IN ROLE syncore_admin, syncore_ingest;
CREATE ROLE sc_w_theirs IN ROLE syncore_admin, syncore_operator, syncore_ingest;
CREATE ROLE sc_w_all IN ROLE syncore_admin, syncore_ingest;
DELETE FROM syncore.space_role WHERE space = 'default';
INSERT INTO syncore.space (name) VALUES ('ours'), ('theirs');
DELETE FROM syncore.space_role;
INSERT INTO syncore.space_role (space, role, level) SELECT s.name, 'sc_w_all', 'admin' FROM syncore.space s;
INSERT INTO syncore.space_role (space, role, level) VALUES ('ours', 'sc_w_ours', 'admin'), ('theirs', 'sc_w_theirs', 'admin');
SELECT count(*) FROM syncore.add_system('snow', 'servicenow', 'https://ours.example', space => 'ours');
SELECT syncore.set_credential('snow', 'bearer', 'file:snow');
SET ROLE sc_w_theirs;
SELECT count(*) FROM syncore.add_system('mine', 'servicenow', 'https://evil.example', space => 'theirs');

-- another space's secret, named for a host of one's own; one's own bears the name of the space
SELECT syncore.set_credential('mine', 'bearer', 'file:snow');
SELECT syncore.set_credential('mine', 'bearer', 'env:SYNCORE_SNOW');
SELECT syncore.set_credential('mine', 'bearer', 'file:theirs.mine');
-- the token that proves which database may send
SELECT syncore.set_credential('mine', 'bearer', 'file:syncore_instance_1.token');
RESET ROLE;
SELECT syncore.set_credential('mine', 'bearer', 'file:syncore_instance_1.token');
SET ROLE sc_w_theirs;

-- another space's connection, and with it its credential; a connection that somebody may make later
UPDATE syncore.system SET connection = 'snow', base_url = 'https://ours.example' WHERE name = 'mine';
UPDATE syncore.system SET connection = 'jira' WHERE name = 'mine';
SELECT count(*) FROM syncore.add_system('second', 'servicenow', 'https://ours.example', space => 'theirs', connection => 'snow');
SELECT count(*) FROM syncore.add_system('second', 'servicenow', 'https://evil.example', space => 'theirs', connection => 'mine');
-- the server's own network and files
UPDATE syncore.system SET allow_private = true WHERE name = 'mine';
UPDATE syncore.system SET allow_http = true, base_url = 'http://169.254.169.254' WHERE name = 'mine';
UPDATE syncore.system SET ca_file = '/etc/passwd' WHERE name = 'mine';
SET ROLE sc_w_all;
BEGIN;
UPDATE syncore.system SET allow_private = true, connection = 'snow' WHERE name = 'mine' RETURNING connection;
ROLLBACK;

-- what another role may see is nobody's question; names of their systems come by no way
SET ROLE sc_w_theirs;
SELECT syncore._spaces_of('sc_w_ours', 'read');
SELECT syncore._systems_of('sc_w_ours', 'read');
SELECT syncore._my_systems('read');
SELECT * FROM syncore.ingest('snow1', '{}');
SELECT syncore.check_system('snw');
SELECT DISTINCT name FROM syncore.value_map ORDER BY 1;
SELECT DISTINCT key ->> 'name' FROM syncore.config_history WHERE table_name = 'value_map' ORDER BY 1;
SELECT count(*) FROM syncore.ledger WHERE old::text LIKE '%snow%' OR new::text LIKE '%snow%' OR reason LIKE '%snow%';

-- an event of a system that is nobody's: seen by who sees every space
SET ROLE sc_w_ours;
INSERT INTO syncore.event (system, payload, external_id) VALUES ('snwo', '{"secret": "ours"}', 'OURS-1');
SELECT count(*) FROM syncore.quarantine;
SET ROLE sc_w_theirs;
SELECT count(*) FROM syncore.quarantine;
SELECT count(*) FROM syncore.event;
SELECT count(*) FROM syncore.ledger WHERE reason LIKE '%snwo%';
SET ROLE sc_w_all;
SELECT ref, message FROM syncore.quarantine;
SELECT count(*) FROM syncore.event;
RESET ROLE;

-- every table and view: a role of a space without rows sees no row that names another space's system
CREATE FUNCTION public.leaks(word text) RETURNS TABLE (relation text, rows bigint) LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT c.oid::regclass AS name, (SELECT string_agg(format('t.%I', a.attname), ', ') FROM pg_attribute a
			WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege(c.oid, a.attnum, 'SELECT')) AS columns
		FROM pg_class c WHERE c.relnamespace = 'syncore'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
		ORDER BY c.relname
	LOOP
		CONTINUE WHEN r.columns IS NULL;
		EXECUTE format('SELECT count(*) FROM (SELECT ROW(%s)::text AS said FROM %s t) x WHERE x.said ~ $1', r.columns, r.name) INTO rows USING word;
		relation := r.name;
		IF rows > 0 THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END $$;
SELECT count(*) FROM syncore.ingest('snow', '{"table": "incident", "sys_id": "a1", "number": "OURS1", "operation": "insert",
	"sys_mod_count": "0", "sys_updated_on": "2026-01-01 10:00:00", "sys_updated_by": "a.lee", "fields": {"short_description": "OURS", "state": "1", "priority": "3"}}');
UPDATE syncore.system SET mode = 'shadow' WHERE name = 'snow';
SELECT outcome FROM syncore.ingest('snow', '{"table": "incident", "sys_id": "a2", "number": "OURS2", "operation": "insert",
	"sys_mod_count": "0", "sys_updated_on": "2026-01-01 10:00:00", "sys_updated_by": "a.lee", "fields": {"short_description": "OURS", "state": "1", "priority": "3"}}');
SELECT outcome FROM syncore.ingest('snow', 'OURS is no JSON');
SET ROLE sc_w_ours;
SELECT count(*) > 5 AS control FROM public.leaks('snow|OURS|ours\.example');
SET ROLE sc_w_theirs;
-- (the manual and the templates speak of an example system of that name)
SELECT * FROM public.leaks('snow|OURS|ours\.example') WHERE relation NOT IN ('syncore.manual', 'syncore.connector', 'syncore.connector_template', 'syncore.connector_operation', 'syncore.connector_event');
SELECT * FROM syncore.why('OURS2', 'title');
SELECT * FROM syncore.why(1, 'title');
SELECT * FROM syncore.timeline(1);
SELECT * FROM syncore.trace(2);
RESET ROLE;

-- S5: a function runs as who wrote the row; a rename that reaches the row does not make it the owner's
CREATE FUNCTION public.who(v jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT to_jsonb(CURRENT_USER::text) $$;
SET ROLE sc_w_theirs;
UPDATE syncore.field_map SET transform_in = 'public.who' WHERE system = 'mine' AND field = 'title';
UPDATE syncore.system SET name = 'renamed' WHERE name = 'mine';
SELECT run_as FROM syncore.field_map WHERE system = 'renamed' AND field = 'title';
UPDATE syncore.field_map SET run_as = 'syncore_owner' WHERE system = 'renamed' AND field = 'title';
SELECT run_as FROM syncore.field_map WHERE system = 'renamed' AND field = 'title';
RESET ROLE;
UPDATE syncore.system SET mode = 'shadow' WHERE name = 'renamed';
SELECT outcome FROM syncore.ingest('renamed', '{"table": "incident", "sys_id": "b1", "number": "B1", "operation": "insert",
	"sys_mod_count": "0", "sys_updated_on": "2026-01-01 10:00:00", "sys_updated_by": "x", "fields": {"short_description": "t", "state": "1", "priority": "3"}}');
SELECT data ->> 'title' AS ran_as FROM syncore.entity WHERE id = (SELECT entity FROM syncore.link WHERE external_key = 'B1');

-- I10: a match rule does not reach into another space: not where it is written, and not where one was written otherwise
SET ROLE sc_w_theirs;
INSERT INTO syncore.match_rule (space, entity_type, kind, system, path, refers_to) VALUES ('theirs', 'incident', 'reference', 'renamed', '/ref', 'snow');
RESET ROLE;
INSERT INTO syncore.match_rule (entity_type, kind, system, path, refers_to) VALUES ('incident', 'reference', 'renamed', '/ref', 'snow');
SELECT count(*) FROM syncore.add_system('own', 'servicenow', 'https://evil.example', space => 'theirs');
UPDATE syncore.system SET mode = 'shadow' WHERE name = 'own';
INSERT INTO syncore.match_rule (entity_type, position, kind, system, path, refers_to) VALUES ('incident', 3, 'reference', 'renamed', '/ref', 'own');
UPDATE syncore.system SET name = 'third' WHERE name = 'own';
SELECT system, refers_to FROM syncore.match_rule WHERE position = 3;
SET session_replication_role = replica;
INSERT INTO syncore.match_rule (entity_type, position, kind, on_match, system, path, refers_to) VALUES ('incident', 4, 'reference', 'link', 'renamed', '/ref', 'snow');
RESET session_replication_role;
SELECT outcome FROM syncore.ingest('third', '{"table": "incident", "sys_id": "c1", "number": "C1", "operation": "insert",
	"sys_mod_count": "0", "sys_updated_on": "2026-01-01 10:00:00", "sys_updated_by": "x", "fields": {"short_description": "C1 of theirs", "state": "1", "priority": "3"}}');
SELECT r.ref, i.outcome FROM (VALUES (2, 'OURS2'), (3, 'C1')) r (n, ref), LATERAL syncore.ingest('renamed', format('{"table": "incident", "sys_id": "b%s", "number": "B%s", "operation": "insert",
	"sys_mod_count": "0", "sys_updated_on": "2026-01-01 10:00:00", "sys_updated_by": "x", "fields": {"short_description": "t%s", "state": "1", "priority": "3", "ref": "%s"}}', n, n, n, ref)) i;
SELECT string_agg(l.external_key, ' ' ORDER BY l.external_key) AS together FROM syncore.link l WHERE l.external_key IS NOT NULL GROUP BY l.entity ORDER BY 1;

-- I10, S6: a value map named after a system is that system's: another space cannot name it, not even who administers both; and where
-- one was written otherwise, nothing is read by it. One that is named after no system serves all.
INSERT INTO syncore.value_map (name, external, canonical) VALUES ('shared.urgency', '7', 'critical'), ('snow.secret', '7', 'critical');
SET ROLE sc_w_theirs;
UPDATE syncore.field_map SET value_map = 'snow.secret' WHERE system = 'renamed' AND field = 'severity' AND direction = 'in';
RESET ROLE;
UPDATE syncore.field_map SET value_map = 'snow.secret' WHERE system = 'renamed' AND field = 'severity' AND direction = 'in';
UPDATE syncore.field_map SET value_map = 'snow.secret' WHERE system = 'snow' AND field = 'severity' AND direction = 'in';
UPDATE syncore.field_map SET value_map = 'third.severity' WHERE system = 'renamed' AND field = 'severity' AND direction = 'in';
UPDATE syncore.field_map SET value_map = 'shared.urgency', on_unmapped = 'skip' WHERE system = 'renamed' AND field = 'severity' AND direction = 'in';
SELECT outcome FROM syncore.ingest('renamed', '{"table": "incident", "sys_id": "b8", "number": "B8", "operation": "insert",
	"sys_mod_count": "0", "sys_updated_on": "2026-01-01 10:00:00", "sys_updated_by": "x", "fields": {"short_description": "t8", "state": "1", "priority": "7"}}');
SET session_replication_role = replica;
UPDATE syncore.field_map SET value_map = 'snow.secret' WHERE system = 'renamed' AND field = 'severity' AND direction = 'in';
RESET session_replication_role;
UPDATE syncore.field_map SET note = 'the configuration is read again' WHERE system = 'snow';
SELECT outcome FROM syncore.ingest('renamed', '{"table": "incident", "sys_id": "b9", "number": "B9", "operation": "insert",
	"sys_mod_count": "0", "sys_updated_on": "2026-01-01 10:00:00", "sys_updated_by": "x", "fields": {"short_description": "t9", "state": "1", "priority": "7"}}');
SELECT l.external_key, e.data ->> 'severity' AS severity FROM syncore.link l JOIN syncore.entity e ON e.id = l.entity WHERE l.external_key IN ('B8', 'B9') ORDER BY 1;

-- S5: code that the server runs on behalf of a superuser is not the superuser's
GRANT CREATE ON SCHEMA public TO sc_w_theirs;
SET ROLE sc_w_theirs;
CREATE MATERIALIZED VIEW public.trap AS SELECT syncore._pause('space', s, 'x') FROM generate_series(1, 3) s WITH NO DATA;
RESET ROLE;
REFRESH MATERIALIZED VIEW public.trap;
SELECT count(*) AS paused FROM syncore.space WHERE paused;
DROP MATERIALIZED VIEW public.trap;
\c regression
DROP DATABASE sc_walls;
DROP ROLE sc_w_ours, sc_w_theirs, sc_w_all;
