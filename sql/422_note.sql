-- write_as = note: a field that a system has no place for is told there as a comment (enrichment, CN-40, CM-04).
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
INSERT INTO syncore.connector_operation (connector, record_type, operation, method, url, body, body_kind, success, response, options) VALUES
	('toy', 'ticket', 'comment', 'POST', '/ticket/{link.external_id}/comment', '{"text": "{comment.body}", "in": "{comment.channel}"}', 'json', '{200}', '{}', '{"channel": "work_notes"}');
INSERT INTO syncore.comment_map (system, record_type, channel, visibility, direction) VALUES ('bob', 'ticket', 'work_notes', 'internal', 'both'), ('cyd', 'ticket', 'notes', 'internal', 'both');
INSERT INTO syncore.field (entity_type, name) VALUES ('incident', 'verdict');
SELECT syncore.set_owner('incident', 'verdict', NULL);
INSERT INTO syncore.field_map (system, record_type, field, path, contract) VALUES ('ann', 'ticket', 'verdict', '/verdict', false), ('ann', 'ticket', 'indicators', '/iocs', false);
INSERT INTO syncore.value_map (name, external, canonical) VALUES ('verdict', 'True Positive', 'tp'), ('verdict', 'False Positive', 'fp');
INSERT INTO syncore.field_map (system, record_type, field, path, direction, write_as, note_visibility, value_map, on_unmapped) VALUES
	('bob', 'ticket', 'verdict', '/-', 'out', 'note', 'internal', 'verdict', 'skip'), ('bob', 'ticket', 'indicators', '/-', 'out', 'note', 'internal', NULL, 'halt');
DELETE FROM syncore.route WHERE system = 'cyd';
CREATE VIEW notes AS SELECT c.body, c.visibility, y.name AS to_system, p.channel, p.state FROM syncore.comment c JOIN syncore.comment_copy p ON p.comment = c.id JOIN syncore.link k ON k.id = p.link JOIN syncore.system y ON y.id = k.system_id ORDER BY c.id;

-- a record that is made gets what is known already; what is written as a note is not in its document
SELECT hears('ann', 'A1', '{"title": "one", "verdict": "tp", "iocs": ["10.0.0.1", "evil.example"]}', 'kim');
TABLE notes;
SELECT serves('bob') AS created, serves('bob') AS noted_1, serves('bob') AS noted_2;
-- FM-01: a change becomes a note, once, in the words of that system; nothing else is sent
SELECT hears('ann', 'A1', '{"verdict": "fp"}', 'lee');
SELECT body, state FROM notes;
SELECT serves('bob') AS noted, settles() AS nothing_more;
SELECT echo('ann', 'A1');
SELECT hears('ann', 'A1', '{"title": "two"}');
SELECT count(*) AS notes FROM notes;
SELECT kind, field, rule, reason FROM told WHERE rule = 'write_as' ORDER BY id;
-- several edits decided together are one note; a value that no word stands for is told as it is here, one that ends is told as nothing
INSERT INTO syncore.event (system, payload) SELECT 'ann', edits('ann', 'A1', v::jsonb) FROM unnest(ARRAY['{"verdict": "tp"}', '{"verdict": "odd"}', '{"iocs": []}']) v;
SELECT body FROM notes OFFSET 3;
-- back to what was told last: no note
INSERT INTO syncore.event (system, payload) SELECT 'ann', edits('ann', 'A1', v::jsonb) FROM unnest(ARRAY['{"verdict": "tp"}', '{"verdict": "odd"}']) v;
SELECT count(*) AS notes FROM notes;
-- a system that is linked later is not told notes that were made for another
INSERT INTO syncore.route (system, entity_type, record_type) VALUES ('cyd', 'incident', 'ticket');
SELECT hears('ann', 'A1', '{"title": "three"}');
SELECT count(*) AS notes_for_cyd FROM notes WHERE to_system = 'cyd';
-- CM-03: no channel of that visibility, no note; lint says so
DELETE FROM syncore.comment_map WHERE system = 'bob';
SELECT hears('ann', 'A1', '{"verdict": "fp"}');
SELECT count(*) AS notes FROM notes;
SELECT level, code, object, message, fix FROM syncore.lint('bob') WHERE code = 'note_without_channel';
-- what is no note is refused with a hint
\set VERBOSITY default
INSERT INTO syncore.field_map (system, record_type, field, path, write_as, note_visibility) VALUES ('bob', 'ticket', 'tags', '/x', 'note', 'internal');
UPDATE syncore.field SET sensitive = 'masked' WHERE name = 'disposition';
INSERT INTO syncore.field_map (system, record_type, field, path, direction, write_as, note_visibility) VALUES ('bob', 'ticket', 'disposition', '/x', 'out', 'note', 'internal');
DROP VIEW notes;
CALL pg_temp.toys_go();
