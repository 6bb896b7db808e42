-- R21: a field of one system's records holds the key of another's: match rule "reference". And R1: what a repeated payload means where nothing
-- tells repetition from news: a read is owed.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/toys.sql'
\i :toys
DELETE FROM syncore.route;
DELETE FROM syncore.match_rule;
INSERT INTO syncore.match_rule (entity_type, position, kind, system, path, refers_to) VALUES ('incident', 1, 'reference', 'bob', '/ticket_of', 'ann');
CREATE VIEW together AS SELECT string_agg(l.external_id, ' ' ORDER BY l.external_id) AS records FROM syncore.link l GROUP BY l.entity ORDER BY 1;
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 1, '{"title": "one"}') || '{"key": "INC1"}'), ('ann', said('A2', 1, '{"title": "two"}') || '{"key": "INC2"}'),
	('ann', said('A3', 1, '{"title": "three"}') || '{"key": "INC3"}'), ('ann', said('A4', 1, '{"title": "four"}') || '{"key": "INC3"}');
-- by the key that a person would write, by the id; of another system's; and where it names nobody, two, nothing, a list, or a record of an entity that bob has one of
INSERT INTO syncore.event (system, payload) VALUES ('bob', said('B1', 1, '{"title": "b one", "ticket_of": "INC1"}')), ('bob', said('B2', 1, '{"title": "b two", "ticket_of": "A2"}')),
	('cyd', said('C1', 1, '{"title": "c one", "ticket_of": "INC1"}')), ('bob', said('B3', 1, '{"title": "b three", "ticket_of": "INC99"}')),
	('bob', said('B4', 1, '{"title": "b four", "ticket_of": "INC3"}')), ('bob', said('B5', 1, '{"title": "b five", "ticket_of": ""}')),
	('bob', said('B6', 1, '{"title": "b six", "ticket_of": ["INC1"]}')), ('bob', said('B7', 1, '{"title": "b seven", "ticket_of": null}')), ('bob', said('B8', 1, '{"title": "b eight"}'));
TABLE together;
INSERT INTO syncore.event (system, payload) VALUES ('bob', said('B9', 1, '{"title": "b nine", "ticket_of": "INC1"}'));
SELECT records FROM together WHERE records ~ 'B9|B1$';
SELECT kind FROM syncore.review;
-- a record that is gone is nobody's other half
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A5', 1, '{"title": "five"}') || '{"key": "INC5"}'), ('ann', said('A8', 1, '{"title": "eight"}') || '{"key": "INC8"}');
INSERT INTO syncore.event (system, payload) VALUES ('ann', '{"kind": "delete", "id": "A5", "v": 2, "by": "lee"}'), ('bob', said('B13', 1, '{"title": "b thirteen", "ticket_of": "INC8"}'));
INSERT INTO syncore.event (system, payload) VALUES ('bob', said('B10', 1, '{"title": "b ten", "ticket_of": "INC5"}'));
SELECT records FROM together WHERE records ~ 'A5|B10|A8|B13';
-- VQ-03: what was set aside is matched all the same when it is released: what the rule reads is kept with the payload
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A6', 1, '{"title": "six"}') || '{"key": "INC6"}'), ('bob', said('B11', 1, '{"title": {"no": "text"}, "ticket_of": "INC6", "noise": 1}'));
SELECT payload #> '{f,ticket_of}' AS kept, payload #> '{f,noise}' AS not_kept FROM syncore.event WHERE external_id = 'B11';
CREATE FUNCTION public.plain(v jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT CASE jsonb_typeof(v) WHEN 'object' THEN v -> 'no' ELSE v END $$;
UPDATE syncore.field_map SET transform_in = 'public.plain' WHERE system = 'bob' AND field = 'title';
SELECT regexp_replace(syncore.release(id, 'objects are read'), '\d+', 'N') FROM syncore.quarantine;
SELECT records FROM together WHERE records ~ 'A6|B11';
-- a rule that asks a person does not link
UPDATE syncore.match_rule SET on_match = 'review';
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A7', 1, '{"title": "seven"}') || '{"key": "INC7"}');
INSERT INTO syncore.event (system, payload) VALUES ('bob', said('B12', 1, '{"title": "b twelve", "ticket_of": "INC7"}'));
SELECT records FROM together WHERE records ~ 'A7|B12';
SELECT m.state, e.data ->> 'title' AS title, o.data ->> 'title' AS like_it, m.reason FROM syncore.match_candidate m JOIN syncore.entity e ON e.id = m.entity JOIN syncore.entity o ON o.id = m.other ORDER BY m.id DESC LIMIT 1;
-- what it needs is asked for
INSERT INTO syncore.match_rule (entity_type, position, kind, system, path) VALUES ('incident', 2, 'reference', 'bob', '/ticket_of');

-- R1, EV-01: no ids, and only seconds: the same words again may be old news or new. It is not decided anew, and it is not dropped: the record is read
UPDATE syncore.connector SET position_grade = 'coarse' WHERE name = 'toy';
CREATE FUNCTION word(title text, second int) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('id', 'W1', 'by', 'lee', 'at', format('2026-03-01T12:00:%sZ', lpad(second::text, 2, '0')), 'f', jsonb_build_object('title', title)) $$;
CREATE VIEW owed AS SELECT l.read_owed, d.state AS delivery, e.data ->> 'title' AS title FROM syncore.link l JOIN syncore.entity e ON e.id = l.entity LEFT JOIN syncore.delivery d ON d.link = l.id WHERE l.external_id = 'W1';
SELECT outcome FROM (VALUES (word('a', 1)), (word('b', 2))) w(p), syncore.ingest('ann', p::text);
-- (control) what is held is repeated: nothing follows
SELECT outcome FROM syncore.ingest('ann', word('b', 2)::text);
TABLE owed;
SELECT outcome FROM syncore.ingest('ann', word('a', 1)::text);
TABLE owed;
-- (control) where the order is exact it is a repetition, and nothing else
UPDATE syncore.connector SET position_grade = 'fine' WHERE name = 'toy';
UPDATE syncore.link SET read_owed = false;
DELETE FROM syncore.delivery;
SELECT outcome FROM syncore.ingest('ann', word('a', 1)::text);
TABLE owed;
SELECT ok FROM syncore.verify_ledger();
DROP VIEW together, owed;
DROP FUNCTION public.plain(jsonb), word(text, int);
CALL pg_temp.toys_go();
