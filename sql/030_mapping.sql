-- Mapping rows at work, from an INSERT into event to the entity: what a person sees who writes them.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/toys.sql'
\i :toys
INSERT INTO syncore.field (entity_type, name, kind) VALUES ('incident', 'cost', 'number'), ('incident', 'vip', 'boolean'), ('incident', 'labels', 'set'), ('incident', 'service', 'text'), ('incident', 'page', 'url');
INSERT INTO syncore.field (entity_type, name, sensitive) VALUES ('incident', 'ssn', 'excluded');
SELECT count(syncore.set_owner('incident', f, NULL)) AS shared FROM unnest('{cost,vip,labels,service,page,ssn}'::text[]) f;
INSERT INTO syncore.field_map (system, record_type, field, path, format, direction, on_null, on_unmapped, fallback, condition) VALUES
	('ann', 'ticket', 'cost', '/cost', '{}', 'both', 'clear', 'halt', NULL, NULL),
	('ann', 'ticket', 'vip', '/caller/vip', '{}', 'both', 'clear', 'halt', NULL, NULL),
	('ann', 'ticket', 'labels', '/labels', '{"list": ","}', 'both', 'clear', 'halt', NULL, NULL),
	('ann', 'ticket', 'due_at', '/due', '{"time": "servicenow@Europe/Berlin"}', 'both', 'clear', 'halt', NULL, NULL),
	('ann', 'ticket', 'service', '/service', '{}', 'both', 'fallback', 'halt', 'unknown service', '$.category == "software"'),
	('ann', 'ticket', 'service', '/machine', '{}', 'in', 'clear', 'halt', NULL, '$.category == "hardware"'),
	('ann', 'ticket', 'resolution_code', '/code', '{}', 'out', 'clear', 'halt', NULL, NULL),
	('ann', 'ticket', 'page', '/page', '{}', 'both', 'reject', 'halt', NULL, NULL),
	('ann', 'ticket', 'disposition', '/disposition', '{}', 'both', 'keep', 'halt', NULL, NULL),
	('ann', 'ticket', 'ssn', '/ssn', '{}', 'in', 'clear', 'halt', NULL, NULL);
CREATE FUNCTION shown(id text) RETURNS jsonb LANGUAGE sql AS
	$$ SELECT e.data - 'title' FROM syncore.entity e JOIN syncore.link k ON k.entity = e.id WHERE k.external_id = $1 $$;

-- FM-02, FM-09: number, boolean, list and time become canonical; the time is that zone's, stored in UTC
INSERT INTO syncore.event (system, payload) VALUES
	('ann', said('A1', 1, '{"title": "one", "cost": "1250.50", "caller": {"vip": "true"}, "labels": "net, db,net", "due": "2026-07-01 09:00:00", "disposition": "benign", "page": "https://acme.example/1"}'));
SELECT shown('A1');
-- FM-01: a row that only writes is not read
SELECT outcome FROM syncore.ingest('ann', said('A1', 2, '{"code": "fixed", "cost": 1251}')::text);
SELECT shown('A1') -> 'cost' AS cost, shown('A1') ? 'resolution_code' AS read_one_way;
-- FM-06: which row reads a field depends on the record; a row whose condition does not hold says nothing
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A2', 1, '{"title": "two", "category": "software", "service": "mail", "machine": "m1"}')), ('ann', said('A3', 1, '{"title": "three", "category": "hardware", "service": "mail", "machine": "m1"}')),
	('ann', said('A4', 1, '{"title": "four", "service": "mail", "machine": "m1"}'));
SELECT id, shown(id) FROM unnest('{A2,A3,A4}'::text[]) AS id ORDER BY id;
-- FM-08: nothing clears, keeps, falls back or is rejected, as the row says; what is not said stays
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 3, '{"cost": "", "disposition": null, "labels": null}')), ('ann', said('A2', 2, '{"category": "software", "service": ""}'));
SELECT id, shown(id) FROM unnest('{A1,A2}'::text[]) AS id ORDER BY id;
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 4, '{"page": "", "cost": 7}'));
SELECT external_id, code, path, message FROM syncore.quarantine_entry ORDER BY id;
SELECT shown('A1') -> 'cost' AS nothing_of_it_was_taken;

-- SE: what is excluded reaches the entity and no event row; what nobody maps is not stored either; a person who asks for less keeps less
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A5', 1, '{"title": "five", "ssn": "078-05-1120", "diary": "dear diary"}'));
SELECT shown('A5') ->> 'ssn' AS in_the_entity, payload -> 'f' AS stored FROM syncore.event WHERE external_id = 'A5';
UPDATE syncore.system SET keep_payload = 'none' WHERE name = 'ann';
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A6', 1, '{"title": "six"}'));
SELECT payload, (SELECT data ->> 'title' FROM syncore.entity e JOIN syncore.link k ON k.entity = e.id WHERE k.external_id = 'A6') AS decided_all_the_same FROM syncore.event WHERE external_id = 'A6';
UPDATE syncore.system SET keep_payload = 'all' WHERE name = 'ann';
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A7', 1, '{"title": "seven", "ssn": "078-05-1120", "diary": "dear diary"}'));
SELECT payload -> 'f' AS stored FROM syncore.event WHERE external_id = 'A7';
SELECT count(*) > 0 AS ledger_tells_of_the_field FROM syncore.ledger WHERE field = 'ssn';
SELECT count(*) AS ledger_rows_that_tell_its_value FROM syncore.ledger WHERE new::text LIKE '%078-05%' OR old::text LIKE '%078-05%' OR detail::text LIKE '%078-05%' OR reason LIKE '%078-05%';
CALL pg_temp.toys_go();
DROP FUNCTION shown(text);
