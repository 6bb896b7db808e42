-- Comments and open deliveries where two entities become one, and where one becomes two again: R23, DD-07, CM-01.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/peers.sql'
\i :toys
\set SHOW_CONTEXT never
UPDATE syncore.match_rule SET on_match = 'review';
DELETE FROM syncore.route;
UPDATE syncore.connector_event SET position = 9 WHERE connector = 'toy' AND position = 3;
INSERT INTO syncore.connector_event (connector, position, name, condition, record_type, kind, paths) VALUES ('toy', 3, 'note', '$.kind == "note"', 'ticket', 'comment',
	'{"external_id": "/id", "event_id": "/eid", "version": "/v", "actor": "/by", "comments": "/note", "comment_id": "/id", "comment_channel": "notes", "comment_body": "/text", "comment_at": "/at", "comment_edited_at": "/edited", "comment_author": "/by"}');
INSERT INTO syncore.connector_operation (connector, record_type, operation, method, url, body, body_kind, success, response, options) VALUES
	('toy', 'ticket', 'comment', 'POST', '/ticket/{link.external_id}/note', '{"text": "{comment.body}"}', 'json', '{200}', '{"comment_id": "/cid"}', '{"channel": "notes"}'),
	('toy', 'ticket', 'comment_edit', 'PUT', '/note/{comment.external_id}', '{"text": "{comment.body}"}', 'json', '{200}', '{}', '{"channel": "notes"}');
INSERT INTO syncore.comment_map (system, record_type, channel, visibility, direction, author_line) SELECT name, 'ticket', 'notes', 'internal', 'both', false FROM syncore.system;
CREATE FUNCTION notes(at_system text, record text, note text, says text, edited int DEFAULT 0) RETURNS text LANGUAGE sql AS $$
	SELECT outcome FROM syncore.ingest(at_system, jsonb_build_object('kind', 'note', 'id', record, 'eid', note || says || edited, 'by', 'kim',
		'note', jsonb_build_object('id', note, 'text', says, 'by', 'kim', 'at', '2026-03-01T12:00:00Z', 'edited', '2026-03-01T12:0' || edited || ':00Z'))::text) $$;
-- The toy takes one comment, and gives it an id.
CREATE FUNCTION takes(at_system text, note text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	c record := claims(at_system);
BEGIN
	IF c.call = '' THEN RETURN NULL; END IF;
	PERFORM test_answer(0, jsonb_build_array(jsonb_build_object('status', 200, 'body', jsonb_build_object('cid', note))));
	PERFORM test_record();
	RETURN c.call;
END $$;
CREATE VIEW at_records AS SELECT l.external_id AS record, c.body, p.state, p.external_id AS note, c.entity = l.entity AS its_own FROM syncore.comment_copy p JOIN syncore.comment c ON c.id = p.comment JOIN syncore.link l ON l.id = p.link ORDER BY l.external_id, c.body;

-- before: each has a comment of its own, and a record in cyd was told of one of them
SELECT hears('ann', 'A1', '{"title": "VPN drops", "severity": "low"}'), notes('ann', 'A1', 'a1', 'seen by ann');
SELECT hears('bob', 'B1', '{"title": "vpn drops", "severity": "low"}'), notes('bob', 'B1', 'b1', 'seen by bob');
TABLE at_records;
-- CM-01: what was written at either is copied to the other once they are one; an edit that was on its way when they became one is sent once
SELECT hears('bob', 'B1', '{"severity": "high"}');
SELECT syncore.accept_match(id, 'one') ~ 'part' FROM syncore.review WHERE kind = 'match';
TABLE at_records;
SELECT y.name AS system, count(*) AS deliveries FROM syncore.delivery d JOIN syncore.system y ON y.id = d.system_id GROUP BY 1 ORDER BY 1;
SELECT serves('ann') AS fields, takes('ann', 'a2') AS comment, takes('ann', 'x') AS more;
-- the other way is still due; it is told of as it reads by then
SELECT notes('ann', 'A1', 'a1', 'seen by ann, twice', 1);
SELECT serves('bob') AS fields, takes('bob', 'b2') AS comment, settles() AS more;
-- their echoes are no comments, and what is edited at its place follows to the other
SELECT notes('ann', 'A1', 'a2', 'seen by bob'), notes('bob', 'B1', 'b2', 'seen by ann, twice');
SELECT notes('bob', 'B1', 'b1', 'heard by bob', 1), takes('ann', 'a2') AS edited;
TABLE at_records;
-- what is not sent when they part stays where it was written
SELECT notes('ann', 'A1', 'a3', 'not sent yet'), notes('bob', 'B1', 'b3', 'neither');
CREATE TABLE flight AS SELECT * FROM claims('ann');
\set VERBOSITY default
SELECT syncore.split_entity('bob:B1', 'a comment is under way');
\set VERBOSITY terse
SELECT test_answer(0, '[{"status": 200, "body": {"cid": "a4"}}]') IS NOT NULL AS answered, test_record() FROM flight;
SELECT syncore.split_entity('bob:B1', 'two outages') ~ 'of its own';
TABLE at_records;
-- (each gets its own words back)
SELECT settles() AS fields, count(*) FILTER (WHERE state <> 'origin') AS copies FROM at_records;
-- a copy that stands is known, and follows nobody any more
SELECT notes('ann', 'A1', 'a2', 'heard by bob'), notes('bob', 'B1', 'b2', 'seen by ann, twice', 2), notes('bob', 'B1', 'b1', 'bob again', 2), settles() AS nothing_to_send;
TABLE at_records;
SELECT count(*) AS comments FROM syncore.comment;
-- (control) a comment of a record is still copied to the other records of its entity, and not to the one that left
INSERT INTO syncore.route (system, entity_type, record_type) VALUES ('cyd', 'incident', 'ticket');
SELECT hears('bob', 'B1', '{"severity": "medium"}'), serves('cyd') AS made;
SELECT takes('cyd', 'c1') IS NOT NULL AS one, takes('cyd', 'c2') IS NOT NULL AS two, takes('cyd', 'c3') AS more;
SELECT notes('bob', 'B1', 'b4', 'for cyd');
SELECT record, state FROM at_records WHERE body = 'for cyd';
SELECT record, body FROM at_records WHERE note ~ '^c';

-- an open delivery and a dead letter come along to the entity that stays, and are sent with what stands then
SELECT takes('cyd', 'c4') IS NOT NULL, settles();
SELECT hears('ann', 'A1', '{"severity": "critical"}'), hears('bob', 'B1', '{"title": "VPN is gone"}');
UPDATE syncore.delivery SET state = 'dead', error_code = '500' WHERE system_id = (SELECT id FROM syncore.system WHERE name = 'cyd');
SELECT syncore.merge_entities('ann:A1', 'bob:B1', 'one after all') ~ 'part';
SELECT y.name AS system, d.state, l.entity = (SELECT entity FROM syncore.link WHERE external_id = 'A1') AS of_the_one FROM syncore.delivery d JOIN syncore.link l ON l.id = d.link JOIN syncore.system y ON y.id = l.system_id ORDER BY 1;
SELECT settles() > 0 AS sent;
SELECT system, id, fields ->> 'title' AS title, fields ->> 'severity' AS severity FROM peer ORDER BY 1, 2;
SELECT count(*) AS deliveries FROM syncore.delivery;
-- RO-01: what is reopened takes its fields along; its comments stay with what was closed, and with both records, where they are read. What is
-- said from then on is said to each by itself, and so is the correction of an old one.
SELECT hears('ann', 'A7', '{"title": "Disk full", "status": "new", "severity": "low"}'), hears('bob', 'B7', '{"title": "disk full", "status": "new", "severity": "low"}');
SELECT syncore.accept_match(id, 'one') ~ 'part' FROM syncore.review WHERE kind = 'match';
SELECT serves('ann') IS NOT NULL AS one, serves('bob') IS NOT NULL AS other, notes('ann', 'A7', 'a7', 'emptied it');
SELECT takes('bob', 'b7') AS comment;
SELECT hears('ann', 'A7', '{"status": "closed"}'), settles() > 0 AS told;
SELECT hears('bob', 'B7', '{"status": "in_progress"}', 'kim');
SELECT record, body, state, note, its_own FROM at_records WHERE record IN ('A7', 'B7');
SELECT l.external_id, e.predecessor IS NOT NULL AS goes_on, (SELECT count(*) FROM syncore.comment c WHERE c.entity = e.id) AS comments FROM syncore.link l JOIN syncore.entity e ON e.id = l.entity WHERE l.external_id IN ('A7', 'B7') ORDER BY 1;
SELECT notes('ann', 'A7', 'a7', 'emptied it twice', 1), takes('bob', 'x') AS corrected;
SELECT notes('bob', 'B7', 'b8', 'it is full again'), takes('ann', 'a8') AS comment;
SELECT record, body, state, note, its_own FROM at_records WHERE record IN ('A7', 'B7');
SELECT ok FROM syncore.verify_ledger();
DROP TABLE flight;
DROP VIEW at_records;
DROP FUNCTION notes(text, text, text, text, int), takes(text, text);
CALL pg_temp.toys_go();
