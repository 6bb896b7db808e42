-- Two entities are one: R23, DD-07. Versions and clocks are united, links keep what they have seen, a person says so and is on record.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/peers.sql'
\i :toys
UPDATE syncore.match_rule SET on_match = 'review';
SELECT syncore.set_policy('incident', 'severity', '{escalation_wins,last_update_wins}'), syncore.set_policy('incident', 'description', '{manual}');
CREATE FUNCTION entity(external text) RETURNS bigint LANGUAGE sql AS $$ SELECT entity FROM syncore.link WHERE external_id = external $$;
CREATE VIEW whose AS SELECT string_agg(coalesce(l.external_id, 'wanted at ' || s.name), ' ' ORDER BY s.name, l.external_id) AS records, e.data ->> 'title' AS title, e.data ->> 'severity' AS severity
	FROM syncore.link l JOIN syncore.entity e ON e.id = l.entity JOIN syncore.system s ON s.id = l.system_id GROUP BY e.id ORDER BY e.id;
CREATE VIEW at_peers AS SELECT system, id, fields ->> 'title' AS title, fields ->> 'severity' AS severity, fields ->> 'description' AS description FROM peer ORDER BY system, id;

-- DD-05: two people report the same; a person is asked, and neither system gets a second record meanwhile
SELECT hears('ann', 'A1', '{"title": "VPN drops", "severity": "low"}'), hears('bob', 'B1', '{"title": "vpn drops", "severity": "high"}');
TABLE whose;
-- (control) cyd is no part of the question for the first: it gets its record; but not of the second
SELECT settles();
TABLE at_peers;
SELECT id AS candidate FROM syncore.review WHERE kind = 'match' \gset
\set VERBOSITY default
SELECT syncore.accept_match(:candidate, '');
SELECT replace(replace(syncore.accept_match(:candidate, 'same outage'), entity('A1')::text, 'E'), (SELECT max(id) FROM syncore.entity)::text, 'D');
\set VERBOSITY terse
SELECT syncore.accept_match(999999, 'same outage');
SELECT syncore.accept_match(:candidate, 'again') ~ 'x';
-- one entity; the values by policy; what was wanted for the second is wanted no more; and all records are told
TABLE whose;
SELECT settles();
TABLE at_peers;
SELECT state, note, decided_by = CURRENT_USER AS by_us FROM syncore.match_candidate;
SELECT kind, system, field, old, new, rule FROM told WHERE rule = 'merge' OR kind = 'conflict' ORDER BY id;
-- a reference to the one that went means the one that stayed; and edits go on
SELECT syncore._resolve_ref((SELECT id::text FROM syncore.entity WHERE merged_into IS NOT NULL)) = entity('A1') AS followed;
SELECT hears('bob', 'B1', '{"title": "VPN drops daily"}'), settles();
SELECT title FROM at_peers;

-- R23: refused where both have a record in one system, by name
SELECT hears('ann', 'A2', '{"title": "Two", "severity": "low"}'), settles();
\set VERBOSITY default
SELECT syncore.merge_entities('A1', 'A2', 'the same');
\set VERBOSITY terse
SELECT syncore.merge_entities('A1', 'B1', 'itself');
SELECT syncore.merge_entities('A1', '999999', 'nobody');
SELECT syncore.merge_entities('A1', 'A2', '');

-- R23, R8: what was written here exists in both under one number: neither is lost. A hold of one is a hold of both.
DELETE FROM syncore.route;
SELECT hears('ann', 'A3', '{"title": "Three", "severity": "low", "description": "a"}'), hears('bob', 'B3', '{"title": "Drei", "severity": "low", "description": "b"}');
SELECT syncore._decide_hub(entity('A3'), 'severity', '"medium"', 'lee', 'test'), syncore._decide_hub(entity('B3'), 'severity', '"critical"', 'lee', 'test');
SELECT stamps::jsonb #>> '{severity,clock,0}' AS written_here FROM syncore.entity WHERE id IN (entity('A3'), entity('B3'));
SELECT entity('B3') AS gone \gset
SELECT syncore.merge_entities('A3', 'B3', 'the same') ~ 'is part of ann:A3';
-- a legal hold on what was joined holds what its records said
UPDATE syncore.entity e SET held_until = now() + interval '1 day' WHERE e.merged_into = syncore._resolve_ref('ann:A3');
SELECT v.external_id, count(*) > 0 AS held FROM syncore._needed_events() n JOIN syncore.event v ON v.id = n WHERE v.external_id IN ('A3', 'B3', 'A1') GROUP BY 1 ORDER BY 1;
UPDATE syncore.entity SET held_until = NULL WHERE held_until IS NOT NULL;
SELECT data ->> 'severity' AS severity, jsonb_array_length(stamps::jsonb #> '{severity,versions}') AS versions, (stamps::jsonb #>> '{description,held}')::boolean AS held FROM syncore.entity WHERE id = entity('A3');
SELECT kind, field, versions FROM syncore.review WHERE kind = 'conflict';
-- (control) nothing is left of what went
SELECT count(*) FROM syncore.link WHERE entity = :gone;
SELECT count(*) FROM syncore.match_key WHERE entity = :gone;
-- keys are those of the values that stand
SELECT key FROM syncore.match_key WHERE entity = entity('A3');
-- R21: both are found by the next
SELECT hears('cyd', 'C3', (SELECT jsonb_build_object('title', data ->> 'title') FROM syncore.entity WHERE id = entity('A3')));
SELECT syncore.reject_match((SELECT id FROM syncore.review WHERE kind = 'match' AND ref ~ 'C3'), 'another one') ~ 'stay apart';
SELECT count(*) FROM syncore.review WHERE kind = 'match' AND ref ~ 'C3';
SELECT reason ~ 'not the same as entity \d+: another one' FROM syncore.ledger WHERE kind = 'release' AND rule = 'match';

-- R23: a call that is under way when its record comes to another entity ends there
UPDATE syncore.match_rule SET on_match = 'link';
SELECT hears('ann', 'A5', '{"title": "Fifth", "severity": "low"}'), hears('bob', 'B5', '{"title": "Five", "severity": "low"}'), hears('cyd', 'C5', '{"title": "Five", "severity": "low"}');
SELECT settles() >= 0;
SELECT hears('bob', 'B5', '{"severity": "high"}');
CREATE TABLE flight AS SELECT * FROM claims('cyd');
SELECT call FROM flight;
SELECT syncore.merge_entities('A5', 'B5', 'the same') ~ 'is part of ann:A5';
SELECT test_answer(0, jsonb_build_array(works('cyd', call, record, mark, call_mark))) IS NOT NULL AS answered, test_record() FROM flight;
SELECT l.call IS NULL AS ended, l.shadow::jsonb #>> '{severity,held}' AS held FROM syncore.link l WHERE external_id = 'C5';
SELECT kind, entity = entity('A5') AS at_the_one, field FROM syncore.ledger WHERE kind = 'confirm' ORDER BY id DESC LIMIT 1;
SELECT settles() > 0;
SELECT system, id, title, severity FROM at_peers WHERE id ~ '5';
SELECT ok FROM syncore.verify_ledger();
DROP TABLE flight;
DROP VIEW whose, at_peers;
DROP FUNCTION entity(text);
CALL pg_temp.toys_go();
