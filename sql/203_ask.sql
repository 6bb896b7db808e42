-- Answers from the ledger: LG-02 a conflict with both sides, LG-03 what changed when by whom, LG-04 why in a bounded number of
-- buffers, LG-05 an altered row is found, EV-11 the way of one event, EL-13 a redelivery, RS-04 the loser stays readable.
CREATE DATABASE sc_ask;
\c sc_ask
SET client_min_messages = warning;
CREATE EXTENSION syncore CASCADE;
\set SHOW_CONTEXT never
SELECT count(*) FROM syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com');
SELECT count(*) FROM syncore.add_system('jira', 'jira', 'https://acme.atlassian.net', settings => '{"project": "OPS"}');
SELECT syncore.set_credential(name, 'none', 'none:') FROM syncore.system ORDER BY name;
SELECT syncore.activate('snow', 'shadow'), syncore.activate('jira', 'shadow');
CREATE FUNCTION pg_temp.snow(version int, title text, priority int, actor text DEFAULT 'a.lee', state int DEFAULT 1) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('table', 'incident', 'sys_id', 'a1', 'number', 'INC0012345', 'operation', CASE version WHEN 0 THEN 'insert' ELSE 'update' END,
		'sys_mod_count', version::text, 'sys_updated_on', to_char(timestamp '2026-01-05 14:03:00' + version * interval '5 s', 'YYYY-MM-DD HH24:MI:SS'),
		'sys_updated_by', actor, 'fields', jsonb_build_object('short_description', title, 'state', state::text, 'priority', priority::text))
$$;

INSERT INTO syncore.event (system, payload) VALUES ('snow', pg_temp.snow(0, 'VPN down', 3));
INSERT INTO syncore.event (system, payload) VALUES ('snow', pg_temp.snow(1, 'VPN down', 2));
INSERT INTO syncore.event (system, payload) VALUES ('snow', pg_temp.snow(2, 'VPN down', 1, 'b.kim'));
-- EL-13: the first again, with another id
INSERT INTO syncore.event (system, payload, event_id) VALUES ('snow', pg_temp.snow(1, 'VPN down', 2), 'again');

-- row 1 is the value in force, with a sentence; then what else was said, newest first
SELECT n, system, actor, actor_kind, said, decision, rule, value FROM syncore.why('INC0012345', 'severity');
SELECT regexp_replace(because, '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC', '<now>') AS because FROM syncore.why('INC0012345', 'severity') WHERE n = 1;
-- every way to name the record, and every mistake
SELECT (SELECT ledger_id FROM syncore.why('snow:INC0012345', 'severity') WHERE n = 1) = (SELECT ledger_id FROM syncore.why('snow:a1', 'severity') WHERE n = 1)
	AND (SELECT ledger_id FROM syncore.why(1, 'severity') WHERE n = 1) = (SELECT ledger_id FROM syncore.why('a1', 'severity') WHERE n = 1) AS same;
SELECT value, said FROM syncore.why('INC0012345') ORDER BY value::text;
SELECT syncore.why('INC0012354', 'severity');
SELECT syncore.why('INC0012345', 'severty');
SELECT syncore.why('snwo:INC0012345', 'severity');
SELECT syncore.why(99, 'severity');
INSERT INTO syncore.event (system, payload) VALUES ('snow', jsonb_set(jsonb_set(pg_temp.snow(0, 'other', 3), '{sys_id}', '"1"'), '{number}', '"INC0012346"'));
DO $$ BEGIN PERFORM syncore.why('1', 'severity'); EXCEPTION WHEN SQLSTATE 'SY002' THEN RAISE INFO 'SY002: %', SQLERRM; END $$;
SELECT syncore.why('1', 'severity');

-- LG-03, RS-04, FM-06: all that happened, and every value that ever was
SELECT system, actor, field, old, new, outcome FROM syncore.timeline('INC0012345');
SELECT value, system, actor, rule, valid_to IS NULL AS stands FROM syncore.field_history('INC0012345', 'severity');
-- EV-11, EV-02: the way of one event, by its number and by its correlation id
SELECT step, system, ref, regexp_replace(detail, 'sha256:\w+', 'sha256:…') AS detail FROM syncore.trace(1) ORDER BY n;
SELECT count(*) > 3 AS found FROM syncore.trace((SELECT correlation_id FROM syncore.ledger WHERE event = 1 LIMIT 1));
SELECT syncore.trace('nothing');

-- LG-05: a row altered behind our back is found and named; so is that a trigger was off
SELECT ok FROM syncore.verify_ledger();
ALTER TABLE syncore.ledger DISABLE TRIGGER refuse_change;
SELECT id AS bad, new AS was FROM syncore.ledger WHERE field = 'severity' AND new = '"high"' AND kind = 'change' \gset
UPDATE syncore.ledger SET new = '"low"' WHERE id = :bad;
SELECT ok, bad_id = :bad AS named FROM syncore.verify_ledger();
SELECT DISTINCT check_name FROM syncore.health WHERE level = 'critical' AND object ~ 'ledger';
UPDATE syncore.ledger SET new = :'was' WHERE id = :bad;
ALTER TABLE syncore.ledger ENABLE ALWAYS TRIGGER refuse_change;
SELECT ok FROM syncore.verify_ledger();

-- LG-02: a conflict has both values, both systems, field, rule and outcome
SELECT string_agg(attname, ' ' ORDER BY attname) AS always_there FROM pg_attribute WHERE attrelid = 'syncore.conflict'::regclass AND attnotnull
	AND attname IN ('incoming', 'current', 'incoming_system', 'current_system', 'field', 'rule', 'outcome', 'versions', 'reason');

-- LG-04: asked of an entity among 3,000 with 60,000 ledger rows, why() reads no more than of one alone
INSERT INTO syncore.entity (id, space_id, entity_type_id, data) SELECT g, 1, 1, '{"severity": "low"}' FROM generate_series(1001, 4000) g;
INSERT INTO syncore.ledger (space_id, kind, entity, entity_seq, system_id, field, old, new, rule, reason, hash)
SELECT 1, 'change', 1001 + g % 3000, 1 + g / 3000, 1, 'severity', '"high"', '"low"', 'fast_forward', 'filling', '' FROM generate_series(0, 59999) g;
ANALYZE syncore.ledger;
CREATE FUNCTION pg_temp.buffers(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE query; -- the catalogs are read once
	EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || query INTO plan;
	RETURN (plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::bigint + (plan -> 0 -> 'Plan' ->> 'Shared Read Blocks')::bigint;
END $$;
SELECT pg_temp.buffers('SELECT * FROM syncore.why(2345, ''severity'')') < 400 AS bounded;

\c regression
DROP DATABASE sc_ask;
