-- RS-07: a conflict that a person must decide: the field is held, other fields go on, resolve() applies and says who.
-- VQ-03: a quarantined event is released after its map was put right. Mistakes are told.
CREATE DATABASE sc_review;
\c sc_review
SET client_min_messages = warning;
CREATE EXTENSION syncore CASCADE;
\set SHOW_CONTEXT never
SELECT count(*) FROM syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com');
SELECT count(*) FROM syncore.add_system('jira', 'jira', 'https://acme.atlassian.net', settings => '{"project": "OPS"}');
SELECT syncore.set_credential(name, 'none', 'none:') FROM syncore.system ORDER BY name;
SELECT syncore.set_policy('incident', 'severity', '{manual}'), syncore.set_owner('incident', 'severity', NULL, steward => 'desk lead');
-- records of one title are the same incident; nothing is created anywhere
INSERT INTO syncore.match_rule (entity_type, kind, fields) VALUES ('incident', 'exact', '{title}');
DELETE FROM syncore.route;
SELECT syncore.activate('snow', 'shadow'), syncore.activate('jira', 'shadow');
CREATE FUNCTION pg_temp.snow(version int, priority int, description text DEFAULT 'one') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('table', 'incident', 'sys_id', 'a1', 'number', 'INC0012345', 'operation', CASE version WHEN 0 THEN 'insert' ELSE 'update' END,
		'sys_mod_count', version::text, 'sys_updated_on', to_char(timestamp '2026-01-05 14:03:00' + version * interval '5 s', 'YYYY-MM-DD HH24:MI:SS'),
		'sys_updated_by', 'a.lee', 'fields', jsonb_build_object('short_description', 'VPN down', 'description', description, 'state', '1', 'priority', priority::text))
$$;
CREATE FUNCTION pg_temp.jira(second int, priority text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('webhookEvent', CASE second WHEN 0 THEN 'jira:issue_created' ELSE 'jira:issue_updated' END, 'user', '{"accountId": "b.kim"}'::jsonb,
		'issue', jsonb_build_object('id', '10001', 'key', 'OPS-7', 'fields', jsonb_build_object('summary', 'VPN down',
			'updated', '2026-01-05T14:03:' || lpad(second::text, 2, '0') || '.500+0000', 'status', '{"name": "To Do"}'::jsonb, 'priority', jsonb_build_object('name', priority))))
$$;
INSERT INTO syncore.event (system, payload) VALUES ('snow', pg_temp.snow(0, 3));
INSERT INTO syncore.event (system, payload) VALUES ('jira', pg_temp.jira(1, 'Medium'));
SELECT count(*) AS entities, (SELECT count(*) FROM syncore.link) AS links FROM syncore.entity;

-- both change the severity, neither has seen the other's
INSERT INTO syncore.event (system, payload) VALUES ('snow', pg_temp.snow(1, 1)), ('jira', pg_temp.jira(2, 'Low'));
SELECT kind, space, ref, field, versions, steward, regexp_replace(to_do, '\d+', 'N') AS to_do FROM syncore.review;
SELECT level, check_name, detail FROM syncore.health WHERE check_name = 'review';
-- RS-07: who is to decide is told: an alert, whose owner is in review; NOTIFY follows from a worker (test/t/101_janitor.pl)
CREATE VIEW alerts AS SELECT a.level, a.kind, a.cause = format('review:%s:severity', e.id) AS cause, replace(a.detail, 'entity ' || e.id, 'entity N') AS detail, a.hint, a.times, a.closed_at IS NOT NULL AS closed
	FROM syncore.alert a, syncore.entity e WHERE a.kind = 'review' ORDER BY a.id;
TABLE alerts;
SELECT outcome, state, rule FROM syncore.conflict WHERE field = 'severity';
-- other fields go on
INSERT INTO syncore.event (system, payload) VALUES ('snow', pg_temp.snow(2, 1, 'two'));
SELECT data ->> 'description' AS description FROM syncore.entity;

SELECT id AS open FROM syncore.review \gset
SELECT syncore.resolve(:open, 'pd');
SELECT syncore.resolve(:open, 'value');
-- what a person types goes everywhere: it must be a value of the field
SELECT syncore.resolve(:open, 'value', value => '"hgih"');
SELECT syncore.resolve(:open, 'value', value => '3');
SELECT syncore.resolve(:open + 1000, 'snow');
SELECT syncore.release_hold('INC0012345', 'title');
SELECT syncore.resolve(:open, 'jira', note => 'agreed with on-call');
SELECT data ->> 'severity' AS severity FROM syncore.entity;
SELECT state, resolved_by = CURRENT_USER AS by_us, choice, note FROM syncore.conflict WHERE id = :open;
TABLE alerts;
SELECT count(*) FROM syncore.review;
SELECT n, decision, said, rule FROM syncore.why('INC0012345', 'severity') LIMIT 1;
SELECT count(*) AS told FROM syncore.ledger WHERE kind = 'resolve' AND reason ~ 'agreed with on-call';
\set VERBOSITY terse
SELECT syncore.resolve(:open, 'snow');
\set VERBOSITY default

-- quarantine: a value that no map knows; then the map is put right and the event released
INSERT INTO syncore.event (system, payload) VALUES ('snow', jsonb_set(pg_temp.snow(3, 1, 'three'), '{fields,state}', '"42"'));
SELECT ref, system, code, path, message, regexp_replace(to_do, '\d+', 'N') AS to_do FROM syncore.quarantine;
SELECT id AS entry FROM syncore.quarantine \gset
SELECT syncore.release(:entry, '');
SELECT syncore.release(:entry + 1000, 'x');
SELECT syncore.quarantine_payload(:entry)::jsonb #>> '{fields,state}' AS state;
INSERT INTO syncore.value_map (name, external, canonical, direction) VALUES ('snow.status', '42', 'in_progress', 'in');
SELECT regexp_replace(syncore.release(:entry, 'value map completed'), '\d+', 'N') AS released;
SELECT data ->> 'status' AS status, data ->> 'description' AS description FROM syncore.entity;
SELECT count(*) FROM syncore.quarantine;
\set VERBOSITY terse
SELECT syncore.release(:entry, 'again');

-- deliveries: by number and by target; those that are not there are told
SELECT count(*) FROM syncore.sync_now('OPS-7');
SELECT syncore.retry(999999);
SELECT syncore.cancel((SELECT min(id) FROM syncore.delivery), '');
SELECT syncore.cancel((SELECT min(id) FROM syncore.delivery), 'not needed');
UPDATE syncore.delivery SET state = 'dead', error_code = '422', error_message = 'no such field', attempts = 7;
SELECT ref, system, code, message, hint, regexp_replace(to_do, '\d+', 'N') AS to_do FROM syncore.dead_letter;
SELECT syncore.retry('all', '500'), syncore.retry('INC0012345', '422');
SELECT state, attempts FROM syncore.delivery;
SELECT kind, count(*) FROM syncore.ledger WHERE kind IN ('retry', 'cancel') GROUP BY 1 ORDER BY 1;
SELECT syncore.pause('INC0012345');
-- a system that is not at work yet is said to be so
SELECT count(*) > 0 AS added FROM syncore.add_system('later', 'jira', 'https://later.atlassian.net', settings => '{"project": "OPS"}');
\set VERBOSITY default
SELECT syncore.retry('later');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT ok FROM syncore.verify_ledger();
\c regression
DROP DATABASE sc_review;
