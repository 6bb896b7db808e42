-- Data are checked where they come in and where they are mapped; a bad record is refused, kept aside or repaired by rule, and all of it is measured. VQ-01, VQ-02, VQ-05, VQ-06.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/toys.sql'
\i :toys
INSERT INTO syncore.field (entity_type, name, kind) VALUES ('incident', 'effort', 'number'), ('incident', 'mood', 'text');
SELECT count(syncore.set_owner('incident', f, NULL)) AS shared FROM unnest('{effort,mood}'::text[]) f;
INSERT INTO syncore.field_map (system, record_type, field, path) SELECT 'ann', 'ticket', f, '/' || f FROM unnest('{effort,due_at,url,assignee}'::text[]) f;
INSERT INTO syncore.value_map (name, external, canonical) VALUES ('ann.mood', ':-)', 'good'), ('ann.mood', ':-(', 'bad');
INSERT INTO syncore.field_map (system, record_type, field, path, value_map, on_unmapped, fallback) VALUES ('ann', 'ticket', 'mood', '/mood', 'ann.mood', 'fallback', 'unknown');
INSERT INTO syncore.identity_map (person, system, external_id) VALUES ('lee@acme.example', 'ann', 'lee');
CREATE SEQUENCE nth;
CREATE FUNCTION hear(f jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	id text := 'A' || nextval('nth');
BEGIN
	RETURN (SELECT outcome FROM syncore.ingest('ann', said(id, 1, f, 'lee', id)::text));
END $$;
-- VQ-01, VQ-05: on entry: a record that is none, of a type that is none, of a system that is none
SELECT outcome FROM syncore.ingest('ann', '{"hello": "world"}');
SELECT outcome FROM syncore.ingest('ann', '{"id": "X", "v": 1, "type": "invoice", "f": {}}');
SELECT outcome FROM syncore.ingest('ann', '{"id": "X", ');
SELECT code, message, hint FROM syncore.quarantine_entry ORDER BY id;
-- VQ-05: in mapping: what is required, what a value must look like, whom a reference means
SELECT hear('{"title": null, "severity": "low"}');
SELECT hear('{"title": "effort", "effort": "a lot"}');
SELECT hear('{"title": "due", "due_at": "next week"}');
SELECT hear('{"title": "url", "url": "javascript:alert(1)"}');
SELECT hear('{"title": "severity", "severity": "P0"}');
SELECT hear('{"title": "person", "assignee": "nobody"}');
SELECT code, path, message FROM syncore.quarantine_entry WHERE path <> '' ORDER BY id;
-- (control) all of it as it should be
SELECT hear('{"title": "good", "severity": "high", "effort": "2.50", "due_at": "2026-03-01T12:00:00+02:00", "url": "https://acme.example/1", "assignee": "lee", "mood": ":-)"}');
SELECT data FROM syncore.entity;
-- VQ-02: three ends of a bad value: kept aside (above), passed over, repaired
SELECT hear('{"title": "repaired", "mood": "?"}');
UPDATE syncore.field_map SET on_unmapped = 'skip' WHERE system = 'ann' AND field = 'assignee';
SELECT hear('{"title": "passed over", "assignee": "nobody"}');
SELECT data - 'title' AS data, data ->> 'title' AS title FROM syncore.entity WHERE data ->> 'title' IN ('repaired', 'passed over') ORDER BY 2;
-- and refused: a system that does not own a field
SELECT syncore.set_owner('incident', 'severity', 'bob', on_foreign_write => 'revert') IS NOT NULL AS owned;
SELECT outcome FROM syncore.ingest('ann', said('A7', 2, '{"severity": "low"}')::text);
SELECT data ->> 'severity' AS severity FROM syncore.entity WHERE data ->> 'title' = 'good';

-- VQ-06: measured by system: how much is filled and what least of all, what came twice, what was refused and what still waits
INSERT INTO syncore.event (system, payload) SELECT 'ann', said('A7', 2, '{"severity": "low"}', 'lee', 'same') FROM generate_series(1, 3);
SELECT system, records, completeness, emptiest, repeated, rejected, waiting FROM syncore.stat_quality;
SELECT count(*) AS released FROM (SELECT syncore.release(q.id, 'the person is known now') FROM syncore.quarantine q WHERE q.path = '/assignee') r;
SELECT system, records, repeated, rejected, waiting FROM syncore.stat_quality WHERE system = 'ann';
DROP FUNCTION hear(jsonb);
DROP SEQUENCE nth;
CALL pg_temp.toys_go();
