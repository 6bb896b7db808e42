-- Whose record is it? Match rules: keys in order, what each field ignores, likeness, what is not unique, and what a person says.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/peers.sql'
\i :toys
DELETE FROM syncore.match_rule;
CREATE VIEW together AS SELECT string_agg(l.external_id, ' ' ORDER BY l.external_id) AS records FROM syncore.link l GROUP BY l.entity ORDER BY 1;
CREATE VIEW asked AS SELECT e.data ->> 'title' AS title, o.data ->> 'title' AS like_it, round(m.score::numeric, 2) AS score, m.state, m.reason
	FROM syncore.match_candidate m JOIN syncore.entity e ON e.id = m.entity JOIN syncore.entity o ON o.id = m.other ORDER BY m.id;
-- what nothing is known of, or cannot be meant, is refused; what is left out is what such a rule does
\set VERBOSITY default
\set SHOW_CONTEXT never
INSERT INTO syncore.match_rule (entity_type, kind, fields, normalise) VALUES ('incident', 'exact', '{title}', '{lowr}');
INSERT INTO syncore.match_rule (entity_type, kind, fields, normalise) VALUES ('incident', 'exact', '{title}', '{status:lower}');
INSERT INTO syncore.match_rule (entity_type, kind, fields) VALUES ('incident', 'exact', '{titel}');
\set VERBOSITY terse

-- DD-02: several keys in order. DD-04: what each field ignores: case, spaces, punctuation
SELECT hears('ann', 'A1', '{"title": "Mail, down!", "severity": "high", "description": "d1"}');
INSERT INTO syncore.match_rule (entity_type, position, kind, fields, normalise) VALUES
	('incident', 1, 'exact', '{description}', NULL),
	('incident', 2, 'exact', '{title,severity}', '{title:lower,title:spaces,title:punctuation}');
SELECT position, kind, on_match FROM syncore.match_rule ORDER BY position;
-- an entity that was there before its rule is found by it
SELECT r.position, replace(k.key, chr(31), ' + ') AS key FROM syncore.match_key k JOIN syncore.match_rule r ON r.id = k.rule ORDER BY 1;
DELETE FROM syncore.route;
SELECT hears('bob', 'B1', '{"title": "  MAIL   down ", "severity": "high", "description": "other"}');
SELECT hears('cyd', 'C1', '{"title": "Mail down", "severity": "low"}'), hears('cyd', 'C2', '{"title": "Other", "description": "other"}');
TABLE together;
-- a key follows its field, also when it is emptied; a rule that is changed gives new keys, one that is gone leaves none
SELECT hears('ann', 'A1', '{"description": null}'), hears('ann', 'A1', '{"title": "Mail is down"}');
SELECT r.position, replace(k.key, chr(31), ' + ') AS key FROM syncore.match_key k JOIN syncore.match_rule r ON r.id = k.rule JOIN syncore.link l ON l.entity = k.entity WHERE l.external_id = 'A1' ORDER BY 1;
UPDATE syncore.match_rule SET normalise = '{alnum}' WHERE position = 2;
SELECT replace(k.key, chr(31), ' + ') AS key FROM syncore.match_key k JOIN syncore.link l ON l.entity = k.entity WHERE l.external_id = 'A1';
DELETE FROM syncore.match_rule WHERE position = 2;
SELECT count(*) FROM syncore.match_key k JOIN syncore.link l ON l.entity = k.entity WHERE l.external_id = 'A1';
-- letters beyond ASCII have cases, too
UPDATE syncore.match_rule SET fields = '{title}', normalise = '{lower}', position = 1;
SELECT hears('ann', 'A2', '{"title": "ÜBERLAST Köln"}'), hears('bob', 'B2', '{"title": "überlast köln"}');
SELECT records FROM together WHERE records ~ 'A2';

-- CR-01, DD-05, R22: records of one key that are told in one statement are one entity, too; likewise a reference
INSERT INTO syncore.event (system, payload) VALUES ('ann', edits('ann', 'A3', '{"title": "Disk full"}')), ('bob', edits('bob', 'B3', '{"title": "disk full"}')), ('cyd', edits('cyd', 'C3', '{"title": "Disk Full"}')),
	('cyd', edits('cyd', 'C4', '{"title": "Disk broken"}'));
INSERT INTO syncore.match_rule (entity_type, position, kind, system, path, refers_to) VALUES ('incident', 2, 'reference', 'bob', '/ticket_of', 'ann');
INSERT INTO syncore.event (system, payload) VALUES ('ann', edits('ann', 'A4', '{"title": "Fan loud"}')), ('bob', edits('bob', 'B4', '{"title": "Ventilator laut", "ticket_of": "A4"}'));
SELECT records FROM together WHERE records ~ '[34]' ORDER BY 1;

-- R22: a match that is not unique is refused, and is for a person
SELECT hears('ann', 'A5', '{"title": "Twins"}'), hears('ann', 'A6', '{"title": "twins"}'), hears('bob', 'B5', '{"title": "TWINS"}');
SELECT records FROM together WHERE records ~ '[56]' ORDER BY 1;
TABLE asked;
-- two that are of one system cannot be one: only the others can be accepted
SELECT ref, versions, suggestion, regexp_replace(to_do, '\d+', 'N') AS to_do FROM syncore.review WHERE kind = 'match' ORDER BY id;
-- time_window: only what was made so near to each other is one
UPDATE syncore.match_rule SET time_window = '1 h' WHERE position = 1;
SELECT hears('ann', 'A7', '{"title": "Nightly job"}');
UPDATE syncore.entity SET created_at = created_at - interval '2 h' WHERE data ->> 'title' = 'Nightly job';
SELECT hears('bob', 'B7', '{"title": "Nightly job"}'), hears('cyd', 'C7', '{"title": "Nightly job"}');
SELECT records FROM together WHERE records ~ '7' ORDER BY 1;

-- DD-03: likeness: a proposal, and nothing is made for it meanwhile (DD-05)
DELETE FROM syncore.match_candidate;
DELETE FROM syncore.match_rule;
INSERT INTO syncore.match_rule (entity_type, kind, fields, normalise, threshold, time_window) VALUES ('incident', 'fuzzy', '{title}', '{lower,punctuation}', 0.6, '4 h');
SELECT kind, on_match, threshold FROM syncore.match_rule;
SELECT hears('ann', 'A10', '{"title": "Payment gateway times out in Berlin"}'), hears('ann', 'A11', '{"title": "Payment gateway: time out in Berlin!"}');
-- (control) far from it; long ago; and two of one system that are alike are that system's matter
SELECT count(*) FROM syncore.match_candidate;
SELECT hears('bob', 'B10', '{"title": "Coffee machine is empty"}');
SELECT count(*) FROM syncore.match_candidate;
SELECT hears('bob', 'B11', '{"title": "Payment gateway times out, Berlin"}');
TABLE asked;
UPDATE syncore.entity SET created_at = created_at - interval '5 h';
UPDATE syncore.match_key k SET near_at = e.created_at FROM syncore.entity e WHERE e.id = k.entity;
SELECT hears('cyd', 'C11', '{"title": "Payment gateway times out in Berlin"}');
SELECT count(*) FROM syncore.match_candidate;
-- on_match link: what is alike and unique is one; two that are alike are for a person
UPDATE syncore.match_rule SET on_match = 'link';
SELECT hears('ann', 'A12', '{"title": "Printer on floor 3 jams"}'), hears('bob', 'B12', '{"title": "Printer on floor 3 is jammed"}');
SELECT records FROM together WHERE records ~ '12';
SELECT hears('ann', 'A13', '{"title": "Printer on floor 4 jams"}'), hears('cyd', 'C13', '{"title": "Printer on floor 3 jams!"}');
SELECT records FROM together WHERE records ~ '13' ORDER BY 1;
SELECT like_it, score, reason FROM asked WHERE title ~ '!';
-- exactly as alike as asked for is alike, a little less is not; found by index, with the threshold of the rule and not the session's, which stands
SET pg_trgm.similarity_threshold = 0.9;
UPDATE syncore.match_rule SET threshold = 0.7;
SELECT hears('ann', 'A14', '{"title": "abcdefg"}'), hears('bob', 'B14', '{"title": "abcdefgh"}'), hears('ann', 'A15', '{"title": "zyxwvu"}'), hears('bob', 'B15', '{"title": "zyxwvuts"}');
SELECT records FROM together WHERE records ~ '1[45]' ORDER BY 1;
SHOW pg_trgm.similarity_threshold;
RESET pg_trgm.similarity_threshold;
SELECT ok FROM syncore.verify_ledger();
DROP VIEW together, asked;
CALL pg_temp.toys_go();
