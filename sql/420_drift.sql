-- Schema drift: what a product changes about its records without asking. The rest goes on.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/toys.sql'
\i :toys
-- A shape that shows whole records, and a contract of two fields: title and severity are always there.
INSERT INTO syncore.connector_event (connector, position, name, condition, record_type, kind, paths, full_record)
SELECT connector, 1 - position, 'whole', '$.whole == true', 'ticket', kind, paths, true FROM syncore.connector_event WHERE connector = 'toy' AND name = 'change';
UPDATE syncore.field_map SET contract = field IN ('title', 'severity') WHERE system = 'ann';
INSERT INTO syncore.field (entity_type, name, kind) VALUES ('incident', 'service', 'text'), ('incident', 'impact', 'text'), ('incident', 'cost_center', 'text');
SELECT count(syncore.set_owner('incident', f, NULL)) AS shared FROM unnest('{service,impact,cost_center}'::text[]) f;
INSERT INTO syncore.field_map (system, record_type, field, path) VALUES ('ann', 'ticket', 'service', '/custom/service'), ('ann', 'ticket', 'impact', '/custom/impact/name');
CREATE FUNCTION whole(id text, v integer, fields jsonb) RETURNS text LANGUAGE sql AS
	$$ SELECT outcome FROM syncore.ingest('ann', (said(id, v, fields) || '{"whole": true}')::text) $$;
CREATE FUNCTION shown(id text) RETURNS jsonb LANGUAGE sql AS $$ SELECT e.data FROM syncore.entity e JOIN syncore.link k ON k.entity = e.id WHERE k.external_id = $1 $$;
CREATE VIEW open_alert AS SELECT level, kind, object, detail, hint FROM syncore.alert WHERE closed_at IS NULL AND kind = 'schema' ORDER BY cause;

-- SE-01, SE-02: what the first records have is where things start from; nobody maps it, so it is ignored, and listed (FM-13)
SELECT whole('A1', 1, '{"title": "one", "severity": "high", "custom": {"service": "mail", "impact": {"name": "wide", "id": 3}, "tier": 2}, "reporter": null, "self": "x"}');
SELECT count(*) AS drift FROM syncore.schema_drift;
SELECT field, treatment, path FROM syncore.mapping_sheet WHERE system = 'ann' AND (field IS NULL OR treatment <> 'ignored');
-- a field that appears later is no error, and is listed as new; its type is told, its value is not
SELECT whole('A1', 2, '{"title": "one", "severity": "high", "custom": {"service": "mail", "impact": {"name": "wide", "id": 3}, "tier": 2, "cost/center": "top secret"}, "reporter": "kim", "self": "x", "sprint": [1]}');
SELECT system, record_type, path, change, example_type, first_seen = now() AS just_now FROM syncore.schema_drift;
SELECT count(*) AS tells_values FROM syncore.record_path p WHERE p::text LIKE '%secret%';
-- until it is mapped
INSERT INTO syncore.field_map (system, record_type, field, path, contract) VALUES ('ann', 'ticket', 'cost_center', '/custom/cost~1center', false);
SELECT path, change FROM syncore.schema_drift;
-- or accepted
SELECT syncore.accept_schema('ann');
SELECT path, change FROM syncore.schema_drift;
SELECT reason FROM syncore.ledger WHERE rule = 'accept_schema';

-- SE-03, SE-04: a field of the contract that a whole record lacks: an alert, once; its value stays; the other fields are taken
SELECT whole('A1', 3, '{"title": "two", "custom": {"service": "web", "impact": {"name": "wide"}}}');
SELECT shown('A1') - '{status,description,assignment_group}'::text[] AS value;
TABLE open_alert;
SELECT path, change, example_type FROM syncore.schema_drift;
SELECT whole('A1', 4, '{"title": "three", "custom": {"service": "web", "impact": {"name": "wide"}}}');
SELECT count(*) AS alerts, sum(times) AS times FROM syncore.alert WHERE kind = 'schema';
-- what is no field of the contract is empty when it is left out, as ever
SELECT whole('A2', 1, '{"title": "x", "severity": "low", "status": "new", "custom": {"service": "a", "impact": {"name": "b"}}}');
SELECT whole('A2', 2, '{"title": "x", "severity": "low", "custom": {"service": "a", "impact": {"name": "b"}}}');
SELECT shown('A2') -> 'status' AS emptied, shown('A2') -> 'severity' AS kept;
-- a partial statement says nothing about what it leaves out
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A2', 3, '{"description": "partly"}'));
-- it was heard of again with A2: the alert is over, and so is the drift
TABLE open_alert;
SELECT path, change FROM syncore.schema_drift;

-- a field that was never there, though a map reads it: told with the first record
INSERT INTO syncore.field_map (system, record_type, field, path) VALUES ('ann', 'ticket', 'due_at', '/no_such');
SELECT whole('A2', 4, '{"title": "y", "severity": "low", "custom": {"service": "a", "impact": {"name": "b"}}}');
SELECT detail FROM open_alert;
SELECT shown('A2') ->> 'title' AS the_rest_goes_on;
-- the map is corrected: nobody reads it any more, the alert ends with the next record
UPDATE syncore.field_map SET path = '/due' WHERE path = '/no_such';
SELECT whole('A2', 5, '{"title": "z", "severity": "low", "due": null, "custom": {"service": "a", "impact": {"name": "b"}}}');
TABLE open_alert;

-- a mapped field of another type: listed; what can be read is read, what cannot goes to quarantine with its path
SELECT whole('A2', 6, '{"title": 7, "severity": "low", "due": null, "custom": {"service": "a", "impact": {"name": "b"}}}');
SELECT shown('A2') -> 'title' AS title;
SELECT whole('A2', 7, '{"title": "t", "severity": "low", "due": null, "custom": {"service": {"odd": [1]}, "impact": {"name": "b"}}}');
SELECT path, message FROM syncore.quarantine_entry ORDER BY id;
SELECT path, change, example_type FROM syncore.schema_drift;

-- a transaction that is rolled back has noted nothing, and what it saw is seen again
BEGIN;
SELECT whole('A3', 1, '{"title": "s", "severity": "low", "due": null, "flash": true, "custom": {"service": "a", "impact": {"name": "b"}}}');
SELECT count(*) FROM syncore.schema_drift WHERE path = '/flash';
ROLLBACK;
SELECT count(*) FROM syncore.schema_drift WHERE path = '/flash';
SELECT whole('A3', 1, '{"title": "s", "severity": "low", "due": null, "flash": true, "custom": {"service": "a", "impact": {"name": "b"}}}');
SELECT count(*) FROM syncore.schema_drift WHERE path = '/flash';

-- a product that makes up names fills nothing: members and paths are bounded, and records are taken all the same
SELECT whole('A4', v, jsonb_build_object('title', 'n' || v, 'severity', 'low', 'due', NULL, 'custom', '{"service": "a", "impact": {"name": "b"}}'::jsonb)
	|| (SELECT jsonb_object_agg('k' || v || '_' || i, i) FROM generate_series(1, 700) i)) FROM generate_series(1, 3) v;
SELECT count(*) FROM syncore.record_path WHERE record_type = 'ticket';
SELECT shown('A4') ->> 'title' AS title;
-- a sensitive field is not kept with the payload: that a released event lacks it is no drift
UPDATE syncore.field SET sensitive = 'excluded' WHERE name = 'impact';
SELECT whole('A5', 1, '{"title": "s", "severity": "low", "due": null, "custom": {"service": {"odd": 1}, "impact": {"name": "b"}}}');
UPDATE syncore.field_map SET direction = 'none' WHERE system = 'ann' AND field = 'service';
SELECT syncore.release(id, 'mended') FROM syncore.quarantine_entry WHERE state = 'open' AND external_id = 'A5';
TABLE open_alert;
DROP VIEW open_alert;
DROP FUNCTION whole(text, integer, jsonb), shown(text);
CALL pg_temp.toys_go();
