-- Keys by which records are matched follow the fields that they are made of.
SET client_min_messages = warning;
CREATE EXTENSION syncore CASCADE;
RESET client_min_messages;
\getenv top PG_ABS_SRCDIR
\set toy :top '/sql/include/toy.sql'
\i :toy
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

SET syncore.allow_drop = on;
SET client_min_messages = warning;
DROP EXTENSION syncore CASCADE;
DROP FUNCTION said(text, integer, jsonb, text, text);
