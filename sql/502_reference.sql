-- FM-14: a field that names another record: its key in one system becomes that record's key in another; a missing parent waits, then fills.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
INSERT INTO syncore.field (entity_type, name, kind) VALUES ('incident', 'parent', 'reference');
SELECT syncore.set_owner('incident', 'parent', NULL) IS NOT NULL AS owned;
INSERT INTO syncore.field_map (system, record_type, field, path, format, contract) VALUES
	('ann', 'ticket', 'parent', '/parent', '{}', false), ('bob', 'ticket', 'parent', '/epic', '{}', false), ('cyd', 'ticket', 'parent', '/above', '{"reference": "key"}', false);
-- what each record says of its parent, and what that one's title is
CREATE VIEW family AS SELECT p.system, p.fields ->> 'title' AS title, u.fields ->> 'title' AS parent FROM peer p
	LEFT JOIN peer u ON u.system = p.system AND u.id = replace(coalesce(p.fields ->> 'parent', p.fields ->> 'epic', p.fields ->> 'above'), 'KEY-', '') ORDER BY 1, 2;
-- cyd's records have a key that people read
CREATE FUNCTION keys() RETURNS bigint LANGUAGE sql AS $$ WITH k AS (UPDATE syncore.link k SET external_key = 'KEY-' || k.external_id FROM syncore.system y WHERE y.id = k.system_id AND y.name = 'cyd' AND k.external_id IS NOT NULL AND k.external_key IS NULL RETURNING 1) SELECT count(*) FROM k $$;
CREATE VIEW waits AS SELECT level, object, detail, hint FROM syncore.alert WHERE closed_at IS NULL AND kind = 'unmapped' ORDER BY cause;

-- an epic and its child
SELECT hears('ann', 'P1', '{"title": "epic"}'), settles() AS calls, keys();
SELECT hears('ann', 'C1', '{"title": "child", "parent": "P1"}'), settles() AS calls, keys();
TABLE family;
SELECT fields ->> 'epic' = (SELECT id FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'epic') AS by_id FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'child';
SELECT fields ->> 'above' AS by_key FROM peer WHERE system = 'cyd' AND fields ->> 'title' = 'child';
-- each system says it in its own words: nobody is corrected, and an echo is one
SELECT echo(system, id) FROM peer WHERE fields ->> 'title' = 'child' AND system <> 'ann' ORDER BY system;
SELECT settles() AS calls;
-- the other side gives the child another parent, by the key that people read; cleared here is cleared there
SELECT hears('ann', 'P2', '{"title": "other epic"}'), settles() > 0 AS sent, keys();
SELECT hears('cyd', c.id, jsonb_build_object('above', 'KEY-' || p.id)) FROM peer c JOIN peer p ON p.system = 'cyd' AND p.fields ->> 'title' = 'other epic' WHERE c.system = 'cyd' AND c.fields ->> 'title' = 'child';
SELECT settles() AS calls;
SELECT * FROM family WHERE title = 'child';
SELECT hears('ann', 'C1', '{"parent": null}'), settles() AS calls;
SELECT system, fields - 'title' AS cleared FROM peer WHERE fields ->> 'title' = 'child' ORDER BY 1;

-- a parent that nobody has heard of: the child goes there without, somebody is told, and nothing is lost
SELECT hears('ann', 'C2', '{"title": "orphan", "parent": "P9"}'), settles() AS calls, keys();
SELECT data ->> 'parent' AS waits_for FROM syncore.entity WHERE data ->> 'title' = 'orphan';
SELECT system, fields - 'title' AS rest FROM peer WHERE fields ->> 'title' = 'orphan' ORDER BY 1;
TABLE waits;
SELECT syncore._fill_references() AS looked, settles() AS calls;
-- its other fields flow meanwhile
SELECT hears('ann', 'C2', '{"severity": "high"}'), settles() AS calls;
-- the parent comes: the field is filled, by one call each, and the alert is over
SELECT hears('ann', 'P9', '{"title": "late epic"}'), settles() AS calls, keys();
SELECT syncore._fill_references() > 0 AS looked;
SELECT settles() AS calls;
SELECT * FROM family WHERE title = 'orphan';
TABLE waits;
SELECT syncore._fill_references() AS nothing_more, settles() AS calls;

-- parent and child in one statement, the child first: whichever record is made first there
INSERT INTO syncore.event (system, payload) SELECT 'ann', edits('ann', v.id, v.f::jsonb) FROM (VALUES (1, 'C3', '{"title": "twin", "parent": "P3"}'), (2, 'P3', '{"title": "twin epic"}')) AS v (n, id, f) ORDER BY n;
SELECT settles() AS calls, keys();
SELECT syncore._fill_references() > 0 AS looked, settles() > 0 AS filled;
SELECT * FROM family WHERE title = 'twin';
-- told as it is, where the map says so
UPDATE syncore.field_map SET on_unmapped = 'skip' WHERE system = 'bob' AND field = 'parent';
SELECT hears('ann', 'C4', '{"title": "left alone", "parent": "nowhere"}'), settles() AS calls;
SELECT count(*) FILTER (WHERE object = 'bob') AS bob, count(*) FILTER (WHERE object = 'cyd') AS cyd FROM waits;
-- a key that looks like the number of an entity is a key all the same
SELECT max(id) AS other FROM syncore.entity WHERE data ->> 'title' = 'epic' \gset
SELECT hears('ann', 'C5', jsonb_build_object('title', 'guess', 'parent', :'other'));
SELECT data ->> 'parent' = 'ann:' || :'other' AS only_a_key FROM syncore.entity WHERE data ->> 'title' = 'guess';
SELECT ok, what FROM syncore.verify_ledger();
DROP VIEW waits, family;
DROP FUNCTION keys();
CALL pg_temp.toys_go();
