-- OW-06: where a space asks for it, a change passes only when another role than its author's has approved it (SY008); SE-06.
CREATE DATABASE sc_approval;
\c sc_approval
SET client_min_messages = warning;
CREATE EXTENSION syncore CASCADE;
RESET client_min_messages;
\set SHOW_CONTEXT never
CREATE ROLE sc_ada LOGIN;
CREATE ROLE sc_bob LOGIN;
CREATE ROLE sc_second_hat;
CREATE ROLE sc_operator LOGIN;
GRANT syncore_admin TO sc_ada, sc_bob, sc_second_hat;
GRANT sc_second_hat TO sc_ada;
GRANT syncore_operator TO sc_operator;
CREATE FUNCTION latest() RETURNS bigint LANGUAGE sql AS 'SELECT max(version) FROM syncore.config_version';
INSERT INTO syncore.space (name) VALUES ('free');
INSERT INTO syncore.space_role (space, role, level) VALUES ('free', 'syncore_admin', 'admin');
CREATE VIEW waiting AS SELECT r.id - (SELECT min(version) FROM syncore.config_version WHERE needs_approval) AS nth, r.kind, r.space, r.versions, r.suggestion, regexp_replace(r.to_do, '\d+', 'n') AS to_do FROM syncore.review r ORDER BY r.id;
GRANT SELECT ON waiting TO PUBLIC;

SET SESSION AUTHORIZATION sc_ada;
SELECT count(*) > 0 AS added FROM syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com');
SELECT count(syncore.set_credential('snow', 'basic', 'file:snow', username => 'bot')) AS credentials;
-- (control) nobody asks: what ada made, ada activates, and nothing waits
SELECT syncore.activate('snow');
SELECT count(*) AS waiting FROM waiting;
UPDATE syncore.field_map SET note = 'free' WHERE system = 'snow' AND field = 'title';
SELECT syncore.activate('snow', 'shadow');
-- from now on the space asks for it; that it does is itself such a change
SET syncore.change_reason = 'CHG0061: two pairs of eyes';
UPDATE syncore.space SET approval_required = true WHERE name = 'default';
RESET syncore.change_reason;
SELECT latest() AS asked \gset
SELECT nth, kind, space, versions, suggestion, to_do FROM waiting;
SELECT syncore.activate('snow');
-- not by herself, not by herself under another hat, not by one who only operates, not without a word, not by a change that is none
SELECT syncore.approve(:asked, 'looks good to me');
SET ROLE sc_second_hat;
SELECT syncore.approve(:asked, 'looks good to my other self');
RESET ROLE;
SET SESSION AUTHORIZATION sc_operator;
SELECT syncore.approve(:asked, 'why not');
SET SESSION AUTHORIZATION sc_bob;
SELECT syncore.approve(:asked, '');
SELECT syncore.approve(100000, 'x');
SELECT syncore.approve(1, 'x');
SELECT syncore.approve(:asked, 'agreed with ada') IS NOT NULL AS approved;
SELECT syncore.approve(:asked, 'again');
SELECT approved_by, role, reason FROM syncore.config_history WHERE version = :asked;
SELECT regexp_replace(reason, '\d+', 'n') AS reason, rule FROM syncore.ledger WHERE kind = 'config' AND rule = 'approve';
SELECT count(*) AS waiting FROM waiting;
SET SESSION AUTHORIZATION sc_ada;
SELECT syncore.activate('snow');

-- what an active system sends by is not changed under it, by whichever door: its rows, those of all systems, the way back
UPDATE syncore.field_map SET direction = 'in' WHERE system = 'snow' AND field = 'title';
SELECT syncore.set_policy('incident', 'severity', '{last_update_wins}');
DELETE FROM syncore.value_map WHERE name = 'snow.severity';
UPDATE syncore.system SET base_url = 'https://elsewhere.example' WHERE name = 'snow';
UPDATE syncore.space SET approval_required = false WHERE name = 'default';
UPDATE syncore.system SET space = 'free' WHERE name = 'snow';
SELECT count(*) FROM syncore.config_restore(0, dry_run => false);
-- secrets are renewed, and what is noted is noted, at any time
SELECT syncore.set_credential('snow', 'basic', 'file:snow', username => 'bot') IS NOT NULL AS renewed;
UPDATE syncore.field_map SET note = 'still free' WHERE system = 'snow' AND field = 'title';
SELECT syncore.pause('snow'), syncore.resume('snow');
SELECT count(*) AS waiting FROM waiting;

-- in shadow it is changed, and waits; also for a resume, and also within the transaction of the change
SELECT syncore.activate('snow', 'shadow');
BEGIN;
UPDATE syncore.field_map SET direction = 'in' WHERE system = 'snow' AND field = 'title';
SELECT syncore.activate('snow');
ROLLBACK;
UPDATE syncore.system SET base_url = 'https://elsewhere.example', mode = 'active' WHERE name = 'snow';
INSERT INTO syncore.system (name, connector, base_url, connection, mode) VALUES ('snow2', 'servicenow', 'https://acme.service-now.com', 'snow', 'active');
SELECT syncore.set_policy('incident', 'severity', '{last_update_wins}') IS NOT NULL AS changed;
SELECT syncore.activate('snow');
UPDATE syncore.system SET mode = 'paused', paused_mode = 'active' WHERE name = 'snow';
SELECT syncore.resume('snow');
SELECT syncore.activate('snow', 'shadow');
SELECT nth > 0 AS later, kind, space, versions FROM waiting;
SELECT level, regexp_replace(message, '\d+', 'n') AS message, regexp_replace(fix, '\d+', 'n') AS fix FROM syncore.lint('snow') WHERE code = 'approval_pending';
-- to cease to ask is a change that waits, too: nobody gets rid of the other pair of eyes alone
UPDATE syncore.space SET approval_required = false WHERE name = 'default';
SET SESSION AUTHORIZATION sc_bob;
SELECT fix FROM syncore.lint('snow') WHERE code = 'approval_pending' AND message !~ 'none' ORDER BY message LIMIT 1 \gexec
SET SESSION AUTHORIZATION sc_ada;
SELECT syncore.activate('snow');
SET SESSION AUTHORIZATION sc_bob;
SELECT count(syncore.approve(r.id, 'seen')) AS approved FROM syncore.review r WHERE r.kind = 'approval';
SET SESSION AUTHORIZATION sc_ada;
SELECT syncore.activate('snow');
UPDATE syncore.field_map SET direction = 'in' WHERE system = 'snow' AND field = 'title';
SELECT count(*) AS waiting FROM waiting;
RESET SESSION AUTHORIZATION;

-- a system that moves to a space where nobody asks takes along what waits
UPDATE syncore.system SET mode = 'shadow' WHERE name = 'snow';
UPDATE syncore.space SET approval_required = true WHERE name = 'default';
UPDATE syncore.system SET space = 'free' WHERE name = 'snow';
SELECT syncore.activate('snow');
UPDATE syncore.system SET space = 'default' WHERE name = 'snow';
UPDATE syncore.space SET approval_required = false WHERE name = 'default';
SET SESSION AUTHORIZATION sc_bob;
SELECT count(syncore.approve(r.id, 'seen')) AS approved FROM syncore.review r WHERE r.kind = 'approval' AND r.space = 'default';
RESET SESSION AUTHORIZATION;
-- one space's approval is another's nobody's business; rows of no space concern each that asks
INSERT INTO syncore.space (name, approval_required) VALUES ('acme', true);
SELECT latest() AS acme \gset
INSERT INTO syncore.system (name, connector, base_url, space, connection) VALUES ('acme_snow', 'servicenow', 'https://acme2.service-now.com', 'acme', 'acme_snow');
UPDATE syncore.field_map SET direction = 'both' WHERE system = 'snow' AND field = 'title';
UPDATE syncore.entity_type SET loop_limit = 4 WHERE name = 'task';
SELECT space, versions FROM waiting;
DELETE FROM syncore.space_role WHERE space = 'acme';
SET SESSION AUTHORIZATION sc_bob;
SELECT syncore.approve(:acme, 'of another space');
RESET SESSION AUTHORIZATION;
SELECT ok FROM syncore.verify_ledger();
\c regression
DROP DATABASE sc_approval;
DROP ROLE sc_ada, sc_bob, sc_second_hat, sc_operator;
