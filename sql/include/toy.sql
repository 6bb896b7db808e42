-- A made-up product, and three systems of it, for tests: no product is named in C (CN-31).
INSERT INTO syncore.connector (name, title, version, position_grade, abilities)
VALUES ('toy', 'Toy', '1', 'counter', '{"marker": true, "marker_in_webhook": true}');
INSERT INTO syncore.connector_event (connector, position, name, condition, record_type, kind, paths, full_record) VALUES
	('toy', 1, 'noise', '$.kind == "noise"', 'ticket', 'ignore', '{}', false),
	('toy', 2, 'gone', '$.kind == "delete"', 'ticket', 'delete',
		'{"external_id": "/id", "event_id": "/eid", "version": "/v", "source_time": "/at", "actor": "/by"}', false),
	('toy', 3, 'change', NULL, NULL, 'update',
		'{"record": "/f", "record_type": ["/type", "ticket"], "external_id": "/id", "external_key": "/key", "event_id": "/eid", "version": "/v",
		  "source_time": "/at", "actor": "/by", "marker": "/marker", "correlation_id": "/trace"}', false);
INSERT INTO syncore.system (name, connector, base_url, mode, rank, connection)
SELECT n, 'toy', 'https://' || n || '.example', 'active', r, n FROM (VALUES ('ann', 10), ('bob', 20), ('cyd', 30)) AS t(n, r);
INSERT INTO syncore.record_map (system, record_type, entity_type) SELECT name, 'ticket', 'incident' FROM syncore.system;
-- Toys leave out what is empty.
INSERT INTO syncore.field_map (system, record_type, field, path, on_null, contract)
SELECT name, 'ticket', f, '/' || f, 'clear', false FROM syncore.system, unnest('{title,status,severity,description,assignment_group}'::text[]) f;
INSERT INTO syncore.actor (system, pattern, kind) SELECT name, 'bot%', 'automation' FROM syncore.system;
INSERT INTO syncore.route (system, entity_type, record_type) SELECT name, 'incident', 'ticket' FROM syncore.system;
INSERT INTO syncore.match_rule (entity_type, kind, fields, normalise) VALUES ('incident', 'exact', '{title}', '{lower,trim}');

-- An event as a person would type it: the fields said, at a version.
CREATE FUNCTION said(id text, v integer, fields jsonb, by_whom text DEFAULT 'lee', eid text DEFAULT NULL) RETURNS jsonb
	LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object('id', id, 'v', v, 'by', by_whom, 'eid', eid,
		'at', to_char('2026-03-01 12:00:00'::timestamp + v * interval '1 minute', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))) || jsonb_build_object('f', fields)
$$;
-- What the ledger tells since a row, without numbers that differ from run to run.
CREATE VIEW told AS
	SELECT l.id, l.kind, y.name AS system, l.field, l.old, l.new, l.rule, l.actor, l.actor_kind, l.reason
	FROM syncore.ledger l LEFT JOIN syncore.system y ON y.id = l.system_id WHERE l.kind <> 'config';
