-- Keys by which records are matched follow the fields that they are made of.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/toys.sql'
\i :toys
DELETE FROM syncore.route;

INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 1, '{"title": "Old name"}'));
SELECT rule IS NOT NULL AS ruled, key FROM syncore.match_key;
-- a field outside the key leaves it, a new title replaces it
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 2, '{"status": "in_progress"}'));
SELECT key FROM syncore.match_key;
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 3, '{"title": "New name"}'));
SELECT key FROM syncore.match_key;
-- so the record of the new name is the same one, and that of the old name another
INSERT INTO syncore.event (system, payload) VALUES ('bob', said('B1', 1, '{"title": "New name"}')), ('cyd', said('C1', 1, '{"title": "Old name"}'));
SELECT string_agg(external_id, ' ' ORDER BY external_id) FROM syncore.link GROUP BY entity ORDER BY 1;

-- R22: a second record of a system that has one for the entity already is never silently linked: it is an entity of its own, for the review
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A2', 1, '{"title": "new name"}'));
SELECT string_agg(external_id, ' ' ORDER BY external_id) FROM syncore.link GROUP BY entity ORDER BY 1;
SELECT e.data ->> 'title' AS title, o.data ->> 'title' AS like_it, m.reason FROM syncore.match_candidate m JOIN syncore.entity e ON e.id = m.entity JOIN syncore.entity o ON o.id = m.other;
SELECT kind, versions FROM syncore.review;
-- told again it is the same one; a third of that name is, too, and both keep apart
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A2', 2, '{"severity": "high"}')), ('ann', said('A3', 1, '{"title": "New name "}'));
SELECT string_agg(external_id, ' ' ORDER BY external_id), max(data ->> 'severity') AS severity FROM syncore.link l JOIN syncore.entity e ON e.id = l.entity GROUP BY e.id ORDER BY 1;
SELECT count(*) AS for_review FROM syncore.match_candidate;

CALL pg_temp.toys_go();
