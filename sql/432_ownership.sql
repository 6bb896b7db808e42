-- Who owns a field, and what becomes of what others write there. OW-01 to OW-04, OW-08, OW-09, OW-12, DR-04.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
\set VERBOSITY default
\set SHOW_CONTEXT never
-- OW-01, DR-04: a field that nobody owns keeps its system from being activated, in the same transaction, and says what to do
SELECT count(syncore.set_credential(s, 'basic', 'file:' || s, username => 'bot')) AS credentials FROM unnest('{ann,bob,cyd}'::text[]) s;
UPDATE syncore.system SET mode = 'shadow';
INSERT INTO syncore.connector_operation (connector, record_type, operation, method, url) VALUES ('toy', '*', 'check', 'GET', '/me');
BEGIN;
INSERT INTO syncore.field (entity_type, name) VALUES ('incident', 'cost_centre');
INSERT INTO syncore.field_map (system, record_type, field, path) VALUES ('bob', 'ticket', 'cost_centre', '/cost_centre');
SAVEPOINT s;
SELECT syncore.activate('bob');
ROLLBACK TO s;
-- not by the other door, either
UPDATE syncore.system SET mode = 'active' WHERE name = 'bob';
ROLLBACK;
BEGIN;
INSERT INTO syncore.field (entity_type, name) VALUES ('incident', 'cost_centre');
INSERT INTO syncore.field_map (system, record_type, field, path) VALUES ('bob', 'ticket', 'cost_centre', '/cost_centre'), ('ann', 'ticket', 'cost_centre', '/cost_centre'), ('cyd', 'ticket', 'cost_centre', '/cost_centre');
SELECT fix FROM syncore.lint('bob') WHERE code = 'field_unowned' \gexec
SELECT syncore.activate(s) FROM unnest('{ann,bob,cyd}'::text[]) s;
COMMIT;
UPDATE syncore.system SET create_after = '2020-01-01';

-- OW-03: three fields of one record, three owners, three people to ask; OW-04: the matrix shows it
SELECT syncore.set_owner('incident', 'description', 'ann', on_foreign_write => 'accept', steward => 'hr');
SELECT syncore.set_owner('incident', 'cost_centre', 'bob', on_foreign_write => 'refuse', steward => 'finance');
SELECT syncore.set_owner('incident', 'severity', 'cyd', on_foreign_write => 'revert', steward => 'support');
UPDATE syncore.ownership SET review_by = '2099-01-01' WHERE field = 'severity';
SELECT field, owner, on_foreign_write, steward, review_by, read_from, written_to FROM syncore.ownership_matrix WHERE entity_type = 'incident' AND (owner <> 'shared' OR field = 'title');

-- who reports a record first says what it is; the fields' owners say the rest
SELECT hears('ann', 'A1', '{"title": "disk full", "severity": "low", "cost_centre": "CC1", "description": "night"}');
SELECT settles() AS calls;
SELECT system, fields - 'title' AS fields FROM peer ORDER BY 1;
CREATE FUNCTION of(at_system text) RETURNS text LANGUAGE sql AS $$ SELECT id FROM peer WHERE system = at_system $$;
CREATE FUNCTION last_told(OUT kind text, OUT system text, OUT field text, OUT old jsonb, OUT new jsonb, OUT rule text, OUT reason text) LANGUAGE sql AS $$
	SELECT kind, system, field, old, new, rule, reason FROM told WHERE kind IN ('change', 'refuse', 'conflict', 'agree') ORDER BY id DESC LIMIT 1 $$;

-- OW-02 accept: what another writes is taken, and flows
SELECT hears('bob', of('bob'), '{"description": "day"}');
SELECT * FROM last_told();
SELECT settles() AS calls;
SELECT system, fields ->> 'description' AS description FROM peer ORDER BY 1;
-- OW-02 refuse: it stays where it was written, goes nowhere else, and the ledger says so
SELECT hears('ann', 'A1', '{"cost_centre": "mine"}');
SELECT * FROM last_told();
SELECT settles() AS calls;
SELECT system, fields ->> 'cost_centre' AS cost_centre FROM peer ORDER BY 1;
SELECT data ->> 'cost_centre' AS cost_centre FROM syncore.entity;
-- the owner's next word reaches everybody, also who had written another
SELECT hears('bob', of('bob'), '{"cost_centre": "CC2"}');
SELECT settles() AS calls;
SELECT system, fields ->> 'cost_centre' AS cost_centre FROM peer ORDER BY 1;
-- OW-02 revert: it is written back, at once, once, and nobody else hears of it
SELECT hears('bob', of('bob'), '{"severity": "critical"}');
SELECT * FROM last_told();
SELECT serves('bob');
SELECT serves('ann') AS for_ann, serves('cyd') AS for_cyd, serves('bob') AS for_bob;
SELECT echo('bob', of('bob'));
SELECT settles() AS calls;
SELECT system, fields ->> 'severity' AS severity FROM peer ORDER BY 1;
-- a person who insists is given back each time: nobody took it for a loop (people never trip the breaker)
SELECT bool_and(hears('bob', of('bob'), jsonb_build_object('severity', s)) IS NOT NULL AND settles() = 1) AS given_back FROM unnest('{high,critical,high,critical,high}'::text[]) s;
SELECT count(*) AS stopped FROM syncore.link WHERE state = 'diverged';
SELECT system, fields ->> 'severity' AS severity FROM peer ORDER BY 1;
-- the owner changes it, and all follow
SELECT hears('cyd', of('cyd'), '{"severity": "high"}');
SELECT * FROM last_told();
SELECT settles() AS calls;
SELECT system, fields ->> 'severity' AS severity FROM peer ORDER BY 1;
-- one event, three fields: what is another's is refused, the rest is taken
SELECT hears('ann', 'A1', '{"title": "disk is full", "severity": "info", "cost_centre": "mine again"}');
SELECT kind, field, rule FROM told WHERE kind IN ('change', 'refuse') ORDER BY id DESC LIMIT 3;
SELECT settles() AS calls;
SELECT system, fields ->> 'title' AS title, fields ->> 'severity' AS severity, fields ->> 'cost_centre' AS cost_centre FROM peer ORDER BY 1;
-- OW-01: nor does a field begin to flow without an owner where a system is at work already; nor lose the one that it has
INSERT INTO syncore.field (entity_type, name) VALUES ('incident', 'invoice');
INSERT INTO syncore.field_map (system, record_type, field, path) VALUES ('bob', 'ticket', 'invoice', '/invoice');
SELECT count(*) AS maps FROM syncore.field_map WHERE field = 'invoice';
SELECT syncore.pause('bob');
INSERT INTO syncore.field_map (system, record_type, field, path) VALUES ('bob', 'ticket', 'invoice', '/invoice');
SELECT syncore.resume('bob');
-- (control) with an owner, in either order; and a row that does nothing needs none
BEGIN;
INSERT INTO syncore.field_map (system, record_type, field, path) SELECT name, 'ticket', 'invoice', '/invoice' FROM syncore.system;
SELECT syncore.set_owner('incident', 'invoice', 'bob', on_foreign_write => 'revert');
COMMIT;
DELETE FROM syncore.ownership WHERE field = 'invoice';
BEGIN;
INSERT INTO syncore.field (entity_type, name) VALUES ('incident', 'mood');
INSERT INTO syncore.field_map (system, record_type, field, path, direction) VALUES ('bob', 'ticket', 'mood', '/mood', 'none');
COMMIT;
UPDATE syncore.field_map SET direction = 'in' WHERE field = 'mood';
BEGIN;
DELETE FROM syncore.field_map WHERE field = 'mood';
DELETE FROM syncore.field WHERE name = 'mood';
COMMIT;
-- a field of which nobody has said anything is the owner's to fill, too; what a system held there before is not wiped out
SELECT hears('ann', 'A1', '{"invoice": "I-1"}');
SELECT * FROM last_told();
SELECT settles() AS calls;
SELECT data ->> 'invoice' AS invoice FROM syncore.entity;
SELECT system, fields ->> 'invoice' AS invoice FROM peer ORDER BY 1;
SELECT hears('bob', of('bob'), '{"invoice": "I-2"}');
SELECT settles() AS calls;
SELECT system, fields ->> 'invoice' AS invoice FROM peer ORDER BY 1;
-- in one space another system owns it than in the others
SELECT syncore.set_owner('incident', 'severity', 'ann', on_foreign_write => 'revert', space => 'default');
SELECT hears('ann', 'A1', '{"severity": "medium"}');
SELECT * FROM last_told();
SELECT settles() AS calls;
SELECT DISTINCT fields ->> 'severity' AS severity FROM peer;
DELETE FROM syncore.ownership WHERE space = 'default';

-- OW-08: what no row names is out: a field, a type of record, a record that nobody takes; counted, and nothing happens
SELECT count(*) AS events, sum(revision) AS revisions FROM syncore.entity \gset
SELECT hears('ann', 'A1', '{"mood": "fine"}');
SELECT outcome FROM syncore.ingest('ann', '{"kind": "noise", "id": "X1", "v": 1, "f": {"title": "x"}}');
UPDATE syncore.system SET accepts = '$.mood != "private"' WHERE name = 'ann';
SELECT hears('ann', 'A7', '{"title": "not ours", "mood": "private"}');
SELECT kind, count(*) FROM told WHERE kind = 'out_of_scope' GROUP BY 1;
SELECT count(*) = :events AND sum(revision) = :revisions AS nothing FROM syncore.entity;

-- OW-09: what was to be looked at again by a day that is past
UPDATE syncore.ownership SET review_by = '2026-01-31' WHERE field = 'cost_centre';
SELECT level, code, object, message FROM syncore.lint('bob') WHERE code = 'review_overdue';
SELECT regexp_replace(fix, '= \d+;', '= n;') AS fix FROM syncore.lint('bob') WHERE code = 'review_overdue';
\set ECHO none
SELECT fix FROM syncore.lint('bob') WHERE code = 'review_overdue' \gexec
\set ECHO all
SELECT count(*) AS overdue FROM syncore.lint('bob') WHERE code = 'review_overdue';
-- and rules that nobody has touched for long, the oldest first; a change is a review
SELECT table_name, key, last_changed IS NULL AS as_installed, role FROM syncore.unreviewed('1 hour') WHERE key ->> 'field' IN ('severity', 'title') AND key ->> 'entity_type' = 'incident' ORDER BY 1, 2;
SELECT count(*) AS looked_at FROM syncore.unreviewed('0') WHERE key ->> 'field' = 'severity' AND table_name = 'ownership' AND key ->> 'entity_type' = 'incident';

-- OW-12: one ledger and one health for all systems
SELECT count(DISTINCT system_id) AS systems FROM syncore.ledger WHERE kind IN ('change', 'confirm', 'send');
SELECT ok FROM syncore.verify_ledger();
DROP FUNCTION of, last_told;
CALL pg_temp.toys_go();
