-- Mapping rows that say more: several to one, one to several, decimals, telephone numbers, people; and rows that are refused.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/toys.sql'
\i :toys
CREATE FUNCTION pg_temp.up(spec jsonb, external jsonb, record jsonb DEFAULT NULL) RETURNS text AS '$libdir/syncore_core_test', 'core_up' LANGUAGE C;
CREATE FUNCTION pg_temp.down(spec jsonb, canonical jsonb, qualifier text DEFAULT NULL) RETURNS text AS '$libdir/syncore_core_test', 'core_down' LANGUAGE C;
CREATE FUNCTION shown(id text) RETURNS jsonb LANGUAGE sql AS $$ SELECT e.data - 'title' FROM syncore.entity e JOIN syncore.link k ON k.entity = e.id WHERE k.external_id = $1 $$;

-- FM-10: 12.30 here is 1230 there, exactly, both ways; what cannot be said there in whole units is held back, not rounded
CREATE TEMP TABLE cents AS SELECT '{"field": {"name": "cost", "kind": "number"}, "map": {"format": {"scale": 2}}}'::jsonb AS s;
SELECT e, pg_temp.up(s, e::jsonb) AS here, pg_temp.down(s, pg_temp.up(s, e::jsonb)::jsonb) AS there FROM cents, unnest(ARRAY['1230', '"1230"', '0', '-5', '100', '99999999999999999999999', '1230.5']) WITH ORDINALITY AS u(e, n) WHERE e <> '1230.5' ORDER BY n;
SELECT pg_temp.down(s, '12.345'), pg_temp.up(s, '"12,30"') FROM cents;
SELECT count(*) AS amounts, count(*) FILTER (WHERE pg_temp.down(s, pg_temp.up(s, to_jsonb(n))::jsonb)::numeric <> n) AS changed FROM cents, generate_series(-2000, 2000) n;
-- FM-11: telephone numbers in international form, or not at all
SELECT e, pg_temp.up('{"field": {"name": "phone"}, "map": {"format": {"phone": "+49"}}}', to_jsonb(e)) FROM unnest(ARRAY['+49 30 123456', '0049-30-123456', '030 / 12 34 56', '(030) 123456', '+49 (0)30 123456', '+1 (212) 555-0100', '123456', '030 12', 'call me', '+49 30 ext. 5', '+0049 1234567', '']) WITH ORDINALITY AS u(e, n) ORDER BY n;

-- FM-04: one record member into several fields, several members into one; FM-12: names differ, paths say which is which
CREATE SCHEMA made;
GRANT USAGE ON SCHEMA made TO PUBLIC;
CREATE FUNCTION made.whole_name(value jsonb, record jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT to_jsonb(concat_ws(' ', value #>> '{}', record #>> '{caller,last}')) $$;
CREATE FUNCTION made.first_name(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT to_jsonb(split_part(value #>> '{}', ' ', 1)) $$;
CREATE FUNCTION made.last_name(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT to_jsonb(split_part(value #>> '{}', ' ', 2)) $$;
INSERT INTO syncore.field (entity_type, name) VALUES ('incident', 'caller_name'), ('incident', 'caller_mail'), ('incident', 'customer_id');
SELECT count(syncore.set_owner('incident', f, NULL)) AS shared FROM unnest('{caller_name,caller_mail,customer_id}'::text[]) f;
INSERT INTO syncore.field_map (system, record_type, field, path, direction, transform_in, transform_out, contract) VALUES
	('ann', 'ticket', 'caller_name', '/caller/first', 'both', 'made.whole_name', 'made.first_name', false), ('ann', 'ticket', 'caller_name', '/caller/last', 'out', NULL, 'made.last_name', false),
	('ann', 'ticket', 'caller_mail', '/caller/mail', 'both', NULL, NULL, false), ('ann', 'ticket', 'customer_id', '/accountNumber', 'both', NULL, NULL, false),
	('bob', 'ticket', 'customer_id', '/customer', 'both', NULL, NULL, false), ('bob', 'ticket', 'caller_name', '/who', 'both', NULL, NULL, false);
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 1, '{"title": "one", "caller": {"first": "Ada", "last": "Lee", "mail": "a@acme.example"}, "accountNumber": "C-7"}'));
SELECT shown('A1');

-- FM-18: people by identity_map; whom nobody knows is left alone, falls back, or holds the event, as the row says
INSERT INTO syncore.identity_map (person, system, external_id) VALUES ('a.lee@acme.example', 'ann', '17'), ('a.lee@acme.example', 'bob', 'ada'), ('queue@acme.example', 'bob', 'queue');
INSERT INTO syncore.field_map (system, record_type, field, path, on_unmapped, fallback, contract) VALUES
	('ann', 'ticket', 'assignee', '/owner', 'skip', NULL, false), ('bob', 'ticket', 'assignee', '/assigned', 'fallback', 'queue@acme.example', false), ('cyd', 'ticket', 'assignee', '/who', 'halt', NULL, false);
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 2, '{"owner": 17}')), ('ann', said('A1', 3, '{"owner": 99, "title": "still taken"}')), ('bob', said('B1', 1, '{"title": "b", "assigned": "stranger"}')), ('cyd', said('C1', 1, '{"title": "c", "who": "stranger"}'));
SELECT shown('A1') ->> 'assignee' AS known, shown('B1') ->> 'assignee' AS fallback, shown('C1') AS held;
SELECT code, path, message, hint FROM syncore.quarantine_entry ORDER BY id;
SELECT kind, system, field, old, new, reason FROM told WHERE kind = 'nearest';

-- FM-07: a function that writes, or takes too long, or raises: held with its reason, nothing written, the neighbour is not harmed
CREATE TABLE made.log (t text);
-- (they say that they change nothing, and have another function do it)
CREATE FUNCTION made.does(what text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE what; END $$;
CREATE FUNCTION made.writes(value jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM made.does('INSERT INTO made.log VALUES (1)'); RETURN value; END $$;
CREATE FUNCTION made.sleeps(value jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM pg_sleep(60); RETURN value; END $$;
CREATE FUNCTION made.climbs(value jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM made.does('SET ROLE syncore_owner'); RETURN value; END $$;
INSERT INTO syncore.field (entity_type, name) SELECT 'incident', f FROM unnest('{odd_a,odd_b,odd_c}'::text[]) f;
SELECT count(syncore.set_owner('incident', f, NULL)) AS shared FROM unnest('{odd_a,odd_b,odd_c}'::text[]) f;
INSERT INTO syncore.field_map (system, record_type, field, path, transform_in, contract) VALUES ('cyd', 'ticket', 'odd_a', '/a', 'made.writes', false), ('cyd', 'ticket', 'odd_b', '/b', 'made.sleeps', false), ('cyd', 'ticket', 'odd_c', '/c', 'made.climbs', false);
INSERT INTO syncore.event (system, payload) VALUES ('cyd', said('C2', 1, '{"title": "w", "a": 1}')), ('cyd', said('C3', 1, '{"title": "s", "b": 1}')), ('cyd', said('C4', 1, '{"title": "r", "c": 1}')), ('cyd', said('C5', 1, '{"title": "fine"}'));
SELECT external_id, code, path, message, hint FROM syncore.quarantine_entry WHERE external_id > 'C1' ORDER BY id;
SELECT kind, object, cause, detail FROM syncore.alert WHERE kind = 'transform' ORDER BY cause;
SELECT (SELECT count(*) FROM made.log) AS written, shown('C5') AS neighbour;

-- refused when it is written, with a hint
\set VERBOSITY default
\set SHOW_CONTEXT never
INSERT INTO syncore.field_map (system, record_type, field, path) VALUES ('ann', 'ticket', 'severty', '/x');
INSERT INTO syncore.field_map (system, record_type, field, path) VALUES ('ann', 'ticket', 'quite_another', '/x');
INSERT INTO syncore.field_map (system, record_type, field, path, format) VALUES ('ann', 'ticket', 'url', '/x', '{"tim": "epoch_s"}');
INSERT INTO syncore.field_map (system, record_type, field, path, format) VALUES ('ann', 'ticket', 'url', '/x', '{"rich_text": "rtf"}');
INSERT INTO syncore.field_map (system, record_type, field, path, format) VALUES ('ann', 'ticket', 'url', '/x', '{"scale": "two"}');
INSERT INTO syncore.field_map (system, record_type, field, path, format) VALUES ('ann', 'ticket', 'url', '/x', '{"phone": "49"}');
CREATE FUNCTION made.of_text(value text) RETURNS text LANGUAGE sql AS $$ SELECT value $$;
INSERT INTO syncore.field_map (system, record_type, field, path, transform_in) VALUES ('ann', 'ticket', 'url', '/x', 'made.of_text');
INSERT INTO syncore.policy (entity_type, field, position, rule, function) VALUES ('incident', 'title', 9, 'call', 'made.first_name');
-- one that may write, be it the version of one argument or that of two; its hint is the cure
CREATE FUNCTION made.may_write(value jsonb, record jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT value $$;
INSERT INTO syncore.field_map (system, record_type, field, path, transform_in) VALUES ('ann', 'ticket', 'url', '/x', 'made.may_write');
CREATE FUNCTION made.may_write(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT value $$;
INSERT INTO syncore.field_map (system, record_type, field, path, transform_in) VALUES ('ann', 'ticket', 'url', '/x', 'made.may_write');
ALTER FUNCTION made.may_write(jsonb, jsonb) STABLE;
INSERT INTO syncore.field_map (system, record_type, field, path, transform_in) VALUES ('ann', 'ticket', 'url', '/x', 'made.may_write');
-- a value map with two targets
INSERT INTO syncore.value_map (name, external, canonical) VALUES ('m', '1', 'critical'), ('m', '2', 'high');
INSERT INTO syncore.value_map (name, external, canonical, direction) VALUES ('m', '1', 'high', 'in');
INSERT INTO syncore.value_map (name, external, canonical, direction) VALUES ('m', '1b', 'critical', 'out');
UPDATE syncore.value_map SET canonical = 'critical' WHERE name = 'm' AND external = '2';
-- what is no second meaning is taken
INSERT INTO syncore.value_map (name, external, canonical, direction) VALUES ('m', 'P1', 'critical', 'in'), ('m', '2', 'medium', 'out');
SELECT external, canonical, direction FROM syncore.value_map WHERE name = 'm' ORDER BY 1, 2;
SET client_min_messages = warning;
DROP SCHEMA made CASCADE;
DROP FUNCTION shown(text);
CALL pg_temp.toys_go();
