-- SC-07: what each role may do, and what it sees of other tenants: nothing. LG-01: nobody changes the ledger.
CREATE DATABASE sc_role;
\c sc_role
SET client_min_messages = warning;
CREATE EXTENSION syncore CASCADE;
\set SHOW_CONTEXT never
CREATE ROLE sc_t_admin IN ROLE syncore_admin;
CREATE ROLE sc_t_operator IN ROLE syncore_operator;
CREATE ROLE sc_t_auditor IN ROLE syncore_auditor;
CREATE ROLE sc_t_feeder IN ROLE syncore_ingest;
CREATE ROLE sc_t_acme IN ROLE syncore_admin, syncore_operator, syncore_ingest;
CREATE ROLE sc_t_stranger;

-- two tenants; sc_t_acme belongs to acme alone, the others hold the group roles and so the space default
INSERT INTO syncore.space (name) VALUES ('acme');
INSERT INTO syncore.space_role (space, role, level) VALUES ('acme', 'sc_t_acme', 'admin');
DELETE FROM syncore.space_role WHERE space = 'default';
INSERT INTO syncore.space_role (space, role, level) VALUES ('default', 'sc_t_admin', 'admin'), ('default', 'sc_t_operator', 'operator'),
	('default', 'sc_t_auditor', 'auditor'), ('default', 'sc_t_feeder', 'ingest');
SELECT count(*) FROM syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com');
SELECT count(*) FROM syncore.add_system('theirs', 'servicenow', 'https://other.service-now.com', space => 'acme');
SELECT syncore.set_credential(name, 'none', 'none:') FROM syncore.system ORDER BY name;
SELECT syncore.activate('snow', 'shadow'), syncore.activate('theirs', 'shadow');

-- who feeds may insert events of its space, and read nothing
SET ROLE sc_t_feeder;
INSERT INTO syncore.event (system, payload) VALUES ('snow', '{"table": "incident", "sys_id": "a1", "number": "INC1", "operation": "insert",
	"sys_mod_count": "0", "sys_updated_on": "2026-01-01 10:00:00", "sys_updated_by": "a.lee", "fields": {"short_description": "ours", "state": "1", "priority": "3"}}');
SELECT outcome FROM syncore.ingest('snow', '{"table": "incident", "sys_id": "a1", "number": "INC1", "operation": "update",
	"sys_mod_count": "1", "sys_updated_on": "2026-01-01 10:01:00", "sys_updated_by": "a.lee", "fields": {"short_description": "ours", "state": "1", "priority": "2"}}');
SELECT outcome FROM syncore.ingest('snow', 'this is no JSON');
INSERT INTO syncore.event (system, payload) VALUES ('theirs', '{"table": "incident", "sys_id": "b1", "number": "INC1", "operation": "insert"}');
INSERT INTO syncore.event (system, payload, received_at) VALUES ('snow', '{}', now());
INSERT INTO syncore.event (system, payload, txid) VALUES ('snow', '{}', '1');
SELECT count(*) FROM syncore.event;
SELECT count(*) FROM syncore.entity;
SELECT * FROM syncore.why('INC1', 'title');
SELECT syncore.pause('snow');

-- their administrator sees his, and of ours not even that it is there
SET ROLE sc_t_acme;
INSERT INTO syncore.event (system, payload) VALUES ('theirs', '{"table": "incident", "sys_id": "b1", "number": "INC1", "operation": "insert",
	"sys_mod_count": "0", "sys_updated_on": "2026-01-01 10:00:00", "sys_updated_by": "x", "fields": {"short_description": "theirs", "state": "1", "priority": "3"}}');
SELECT name FROM syncore.space;
SELECT name FROM syncore.system;
SELECT data ->> 'title' AS title FROM syncore.entity;
SELECT external_key, record_type FROM syncore.link;
SELECT said FROM syncore.why('INC1', 'title');
SELECT count(*) FILTER (WHERE space_id <> (SELECT id FROM syncore.space WHERE name = 'acme') AND space_id <> 0) AS foreign_rows, count(*) > 0 AS own_rows FROM syncore.ledger;
SELECT system FROM syncore.webhook;
SELECT count(*) FROM syncore.quarantine;
SELECT DISTINCT system FROM syncore.mapping_sheet;
SELECT syncore.pause('snow');
SELECT syncore.pause('snow:INC1');
SELECT syncore.sync_now(1);
SELECT syncore.set_credential('snow', 'none', 'none:');
UPDATE syncore.system SET title = 'taken over' WHERE name = 'snow';
INSERT INTO syncore.field_map (system, record_type, field, path) VALUES ('snow', 'incident', 'url', '/u');
UPDATE syncore.system SET space = 'default' WHERE name = 'theirs';
INSERT INTO syncore.policy (entity_type, field, position, rule) VALUES ('incident', 'title', 1, 'human_wins');
INSERT INTO syncore.policy (space, entity_type, field, position, rule) VALUES ('acme', 'incident', 'title', 1, 'human_wins');
INSERT INTO syncore.field (entity_type, name) VALUES ('incident', 'x');
SELECT syncore.pause('all');
SELECT syncore.adopt_instance('why not');
SELECT syncore._my_spaces('admin') = ARRAY[(SELECT id FROM syncore.space WHERE name = 'acme')] AS own_space_only;

-- an auditor reads all of his spaces but payloads and references, and changes nothing
SET ROLE sc_t_auditor;
SELECT data ->> 'title' AS title FROM syncore.entity;
SELECT said, decision FROM syncore.why('INC1', 'severity');
SELECT ok FROM syncore.verify_ledger();
SELECT count(*) > 0 AS told FROM syncore.health;
SELECT count(*) FROM syncore.quarantine;
SELECT payload FROM syncore.event;
SELECT reference FROM syncore.credential;
SELECT raw FROM syncore.quarantine_entry;
SELECT syncore.quarantine_payload(1);
UPDATE syncore.entity SET data = '{}';
SELECT syncore.resolve(1, 'snow');
UPDATE syncore.system SET mode = 'draft';

-- an operator decides and pauses, and configures nothing
SET ROLE sc_t_operator;
SELECT syncore.pause('snow'), syncore.resume('snow');
SELECT syncore.quarantine_payload(id) FROM syncore.quarantine;
UPDATE syncore.system SET mode = 'draft';
SELECT syncore.set_policy('incident', 'title', '{human_wins}');
DELETE FROM syncore.delivery;

-- LG-01: the ledger only grows, for every role; that somebody read a payload is in it
SET ROLE sc_t_admin;
UPDATE syncore.ledger SET reason = 'x';
DELETE FROM syncore.ledger;
TRUNCATE syncore.ledger;
INSERT INTO syncore.ledger (space_id, kind, hash) VALUES (1, 'change', '');
SELECT reason FROM syncore.ledger WHERE rule = 'payload_read';
SET ROLE syncore_worker;
UPDATE syncore.ledger SET reason = 'x';
DELETE FROM syncore.ledger;
\set VERBOSITY terse
SET ROLE syncore_owner;
UPDATE syncore.ledger SET reason = 'x';
DELETE FROM syncore.ledger;
TRUNCATE syncore.ledger;
RESET ROLE;
DELETE FROM syncore.ledger;

-- who has no role has nothing
SET ROLE sc_t_stranger;
SELECT * FROM syncore.entity;
SELECT syncore._my_spaces('admin');
RESET ROLE;
SELECT ok FROM syncore.verify_ledger();
\c regression
DROP DATABASE sc_role;
DROP ROLE sc_t_admin, sc_t_operator, sc_t_auditor, sc_t_feeder, sc_t_acme, sc_t_stranger;
