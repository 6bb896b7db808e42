-- Records that are there twice: measured, told of when they are more than usual (DD-08), found before systems are tied together (DD-07).
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/peers.sql'
\i :toys
DELETE FROM syncore.route;
UPDATE syncore.match_rule SET on_match = 'review';
CREATE VIEW alerts AS SELECT level, object, detail, times, closed_at IS NULL AS stands FROM syncore.alert WHERE kind = 'duplicates' ORDER BY id;
SELECT name, duplicate_limit FROM syncore.entity_type WHERE name = 'incident';
UPDATE syncore.entity_type SET duplicate_limit = 2 WHERE name = 'incident';

-- DD-08: of twenty new records four are doubtful: told of by nobody
INSERT INTO syncore.event (system, payload) SELECT 'ann', said('A' || n, 1, jsonb_build_object('title', 'ticket ' || n)) FROM generate_series(1, 16) n;
INSERT INTO syncore.event (system, payload) SELECT 'bob', said('B' || n, 1, jsonb_build_object('title', 'Ticket ' || n)) FROM generate_series(1, 4) n;
SELECT * FROM syncore.stat_duplicates;
SELECT syncore._watch_duplicates();
-- a fifth is more than one in five, and one joined by hand counts on
INSERT INTO syncore.event (system, payload) SELECT 'bob', said('B' || n, 1, jsonb_build_object('title', 'Ticket ' || n)) FROM generate_series(5, 5) n;
SELECT syncore.accept_match(min(id), 'the same') IS NOT NULL AS joined FROM syncore.match_candidate WHERE state = 'open';
SELECT * FROM syncore.stat_duplicates;
SELECT syncore._watch_duplicates(), syncore._watch_duplicates();
TABLE alerts;
-- who finds that usual says so; what a person said is two is none
UPDATE syncore.entity_type SET duplicate_limit = 0.5 WHERE name = 'incident';
SELECT syncore._watch_duplicates();
TABLE alerts;
UPDATE syncore.entity_type SET duplicate_limit = NULL WHERE name = 'incident';
SELECT syncore._watch_duplicates();

-- a rise: half the limit, but three times what it was in the days before
UPDATE syncore.entity_type SET duplicate_limit = 0.5 WHERE name = 'incident';
UPDATE syncore.entity SET created_at = created_at - interval '3 days';
INSERT INTO syncore.event (system, payload) SELECT 'ann', said('L' || n, 1, jsonb_build_object('title', 'long ago ' || n)) FROM generate_series(1, 100) n;
UPDATE syncore.entity SET created_at = now() - interval '2 days' WHERE data ->> 'title' ~ 'long ago';
INSERT INTO syncore.event (system, payload) SELECT 'ann', said('N' || n, 1, jsonb_build_object('title', 'new ' || n)) FROM generate_series(1, 40) n;
INSERT INTO syncore.event (system, payload) SELECT 'bob', said('M' || n, 1, jsonb_build_object('title', 'NEW ' || n)) FROM generate_series(1, 9) n;
-- (control) nine are too few to tell
SELECT syncore._watch_duplicates();
INSERT INTO syncore.event (system, payload) SELECT 'bob', said('M' || n, 1, jsonb_build_object('title', 'NEW ' || n)) FROM generate_series(10, 10) n;
SELECT syncore._watch_duplicates();
TABLE alerts;
SELECT * FROM syncore.stat_duplicates;
-- it is over when a person has decided, or a day has passed
SELECT count(syncore.reject_match(id, 'two')) FROM syncore.match_candidate WHERE state = 'open' AND entity IN (SELECT entity FROM syncore.link WHERE external_id ~ '^M');
SELECT syncore._watch_duplicates();
SELECT stands FROM alerts;
SELECT min(entity) - syncore._entities_since(now() - interval '1 day') BETWEEN 0 AND 7 AS first_of_the_day FROM syncore.link WHERE external_id ~ '^N';

-- DD-07: before systems are tied together: what is there twice, and what nobody has touched for long
DELETE FROM syncore.match_candidate WHERE state = 'open';
INSERT INTO syncore.event (system, payload) SELECT 'ann', said('A9' || n, 1, '{"title": "ticket 9"}') FROM generate_series(1, 2) n;
DELETE FROM syncore.match_candidate m USING syncore.link l WHERE l.entity = m.entity AND l.external_id = 'A91';
INSERT INTO syncore.event (system, payload) VALUES ('cyd', said('C1', 1, '{"title": "old and open"}')), ('cyd', said('C2', 1, '{"title": "old and closed", "status": "closed"}')), ('cyd', said('C3', 1, '{"title": "ticket 12"}'));
UPDATE syncore.entity e SET updated_at = now() - interval '200 days' FROM syncore.link l WHERE l.entity = e.id AND l.external_id IN ('C1', 'C2', 'A16');
SELECT problem, ref, other, systems, because, regexp_replace(to_do, '\d{2,}', 'N') AS to_do FROM syncore.clean_up_report() WHERE other IS NULL OR ref !~ ':B' ;
SELECT count(*), count(DISTINCT ref) FROM syncore.clean_up_report() WHERE problem = 'duplicate' AND ref ~ ':B';
-- (control) what somebody said is two is not named again, also not when one of the two was joined to a third; what is younger is not inactive
SELECT count(*) FROM syncore.clean_up_report() WHERE ref ~ ':M';
SELECT problem, ref FROM syncore.clean_up_report('300 days', 'cyd');
SELECT problem, ref FROM syncore.clean_up_report(target => 'cyd');
SELECT syncore.merge_entities('cyd:C2', 'bob:M1', 'odd, but so it is') IS NOT NULL AS joined;
SELECT count(*) FROM syncore.clean_up_report() WHERE ref ~ ':(M|N)1$' OR other ~ ':(M|N)1$' OR ref ~ ':C2$';
SELECT count(*) FROM syncore.clean_up_report(target => 'nobody');

-- DD-07: by a fuzzy rule, what is alike within one system, too, where no arrival asks; not what is closed on both sides, was made long before,
-- or was said to be two (controls)
INSERT INTO syncore.match_rule (entity_type, position, kind, fields, threshold, time_window) VALUES ('incident', 9, 'fuzzy', '{description}', 0.6, '30 days');
INSERT INTO syncore.event (system, payload) SELECT 'ann', said('F' || n, 1, jsonb_build_object('title', 'alike ' || n, 'description', d, 'status', s)) FROM (VALUES
	(1, 'Mail server in Berlin is down', 'new'), (2, 'mail server Berlin is down', 'closed'), (3, 'VPN drops in Hamburg office', 'closed'), (4, 'VPN drops in Hamburg', 'closed'),
	(5, 'Printer on floor 3 burns', 'new'), (6, 'Printer on floor 3 burns!', 'new'), (7, 'Lift stuck between floors', 'new'), (8, 'Lift stuck between floors.', 'new')) t (n, d, s);
UPDATE syncore.match_key k SET near_at = near_at - interval '31 days' FROM syncore.link l WHERE l.entity = k.entity AND k.near_at IS NOT NULL AND l.external_id = 'F5';
INSERT INTO syncore.match_candidate (space_id, entity, other, score, reason, state, decided_at, decided_by)
	SELECT 1, a.entity, b.entity, 1, 'asked', 'rejected', now(), 'lee' FROM syncore.link a, syncore.link b WHERE a.external_id = 'F8' AND b.external_id = 'F7';
SELECT problem, ref, other, systems, because, to_do FROM syncore.clean_up_report() WHERE ref ~ ':F';
DELETE FROM syncore.match_rule WHERE position = 9;
SELECT count(*) FROM syncore.clean_up_report() WHERE ref ~ ':F';

-- joined as it says: records and what was told of both go to the one that stays
SELECT syncore.merge_entities('ann:A16', 'cyd:C1', 'one') IS NOT NULL AS joined;
SELECT system, field, new, outcome FROM syncore.timeline('cyd:C1') WHERE outcome <> 'queue';
-- (control) what was told of others is not
SELECT system, field, new, outcome FROM syncore.timeline('ann:A15');
DROP VIEW alerts;
CALL pg_temp.toys_go();
