-- Sets that two systems add to at once keep what both added, under the rule "union" (RS-11, R8); a record from before a system was activated is not
-- created there (R21); what a lost call remembers of long values is enough to tell what became of it (R13, R15).
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
DELETE FROM syncore.route WHERE system = 'cyd';
INSERT INTO syncore.field_map (system, record_type, field, path) SELECT name, 'ticket', 'tags', '/tags' FROM syncore.system;
SELECT syncore.set_policy('incident', 'tags', '{union}');
SELECT hears('ann', 'A1', '{"title": "one", "tags": ["vpn"]}') IS NOT NULL AS heard, settles() > 0 AS in_step;
-- neither has seen the other's
SELECT hears('ann', 'A1', '{"tags": ["vpn", "network"]}', 'kim'), hears('bob', 'BOB-1', '{"tags": ["bug", "vpn"]}', 'lee');
SELECT data -> 'tags' AS tags FROM syncore.entity;
SELECT settles() AS calls;
SELECT DISTINCT fields -> 'tags' AS both_have FROM peer;
SELECT system, rule, reason FROM told WHERE field = 'tags' AND kind = 'conflict';
-- taken away by somebody who has seen it all: gone
SELECT hears('bob', 'BOB-1', '{"tags": ["network"]}', 'lee'), settles() > 0 AS told;
SELECT DISTINCT fields -> 'tags' AS both_have FROM peer;
-- I8: ann says a, then b, then a again; bob, who has seen none of that, says x in between: what ann put back is there, and x; (control) heard last it ends the same
SELECT hears('ann', 'A1', '{"tags": ["a"]}', 'kim'), hears('ann', 'A1', '{"tags": ["b"]}', 'kim'), hears('bob', 'BOB-1', '{"tags": ["x"]}', 'lee'), hears('ann', 'A1', '{"tags": ["a"]}', 'kim');
SELECT data -> 'tags' AS tags, stamps::jsonb #> '{tags,together}' AS together FROM syncore.entity;
SELECT settles() AS calls;
SELECT DISTINCT fields -> 'tags' AS both_have FROM peer;
SELECT hears('ann', 'A1', '{"tags": ["b"]}', 'kim'), settles() > 0 AS in_step;
SELECT hears('ann', 'A1', '{"tags": ["a"]}', 'kim'), hears('ann', 'A1', '{"tags": ["b"]}', 'kim'), hears('ann', 'A1', '{"tags": ["a"]}', 'kim'), hears('bob', 'BOB-1', '{"tags": ["b", "x"]}', 'lee');
SELECT data -> 'tags' AS tags FROM syncore.entity;
SELECT settles() > 0 AS in_step;
-- R10: who took away what is remembered for as long as somebody may write who has not seen it, and no longer: of 20 tags that came and went some are, most are not
SELECT count(CASE WHEN hears('ann', 'A1', jsonb_build_object('tags', ARRAY['tag ' || i]), 'kim') = 'applied' THEN settles() END) AS rounds FROM generate_series(1, 20) i;
SELECT count(*) BETWEEN 1 AND 12 AS some FROM syncore.entity, jsonb_array_elements(stamps::jsonb #> '{tags,members}') m WHERE m ? 'gone';

-- a create that waits when the system's first day is set: the record is older, so it is dropped, and told; (control) a later one is made
SELECT hears('ann', 'A2', '{"title": "of yesterday"}');
SELECT count(*) AS creating FROM syncore.link WHERE state = 'creating';
UPDATE syncore.system SET create_after = now() + interval '1 second' WHERE name = 'bob';
SELECT serves('bob') AS nothing;
SELECT count(*) AS links, (SELECT count(*) FROM syncore.delivery) AS deliveries FROM syncore.link WHERE entity = (SELECT entity FROM syncore.link WHERE external_id = 'A2');
SELECT kind, system, reason FROM told WHERE kind = 'unlink';
UPDATE syncore.system SET create_after = now() - interval '1 hour' WHERE name = 'bob';
SELECT hears('ann', 'A3', '{"title": "of today"}'), left(serves('bob'), 16) AS made;

-- CR-03, R21: the answer to a create is lost, and the record's webhook shows whose it is: it is read by its id, not searched for, and not made again;
-- (control) nobody has told of the next one: it is searched for
SELECT hears('ann', 'A4', '{"title": "told of"}'), left(serves('bob', 'lost'), 6) AS lost;
SELECT echo('bob', (SELECT id FROM peer WHERE fields ->> 'title' = 'told of' AND system = 'bob')) AS told;
SELECT serves('bob') IS NOT NULL AS looks, settles() AS more;
SELECT hears('ann', 'A5', '{"title": "not told of"}'), left(serves('bob', 'lost'), 6) AS lost, serves('bob') IS NOT NULL AS looks, settles() AS more;
SELECT kind, count(*) FROM peer_log WHERE system = 'bob' AND n > (SELECT max(n) FROM peer_log WHERE wrote ->> 'title' = 'of today') GROUP BY kind ORDER BY kind;
SELECT fields ->> 'title' AS title, count(*) FROM peer WHERE system = 'bob' AND fields ->> 'title' LIKE '%told of' GROUP BY 1 ORDER BY 1;

-- long values: written, the answer lost; the read tells that it has landed, and that it has not
SELECT hears('ann', 'A3', jsonb_build_object('description', repeat('long ', 1000))), settles() > 0 AS in_step;
SELECT hears('ann', 'A3', jsonb_build_object('description', repeat('longer ', 1000))), left(serves('bob', 'lost'), 16) AS lost;
SELECT left(serves('bob'), 13) AS looked_up, settles() AS more;
SELECT hears('ann', 'A3', jsonb_build_object('description', repeat('longest ', 1000))), left(serves('bob', 'cut'), 16) AS cut;
SELECT left(serves('bob'), 13) AS looked_up, left(serves('bob'), 16) AS again, settles() AS more;
SELECT kind FROM told WHERE system = 'bob' AND field = 'description' AND kind IN ('landed', 'repeated', 'confirm') ORDER BY id;
SELECT count(DISTINCT fields ->> 'description') AS different FROM peer WHERE fields ->> 'title' = 'of today';
SELECT ok FROM syncore.verify_ledger();
CALL pg_temp.toys_go();
