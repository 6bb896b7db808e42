-- R23, the way back: a record that was tied to an entity by mistake goes on as one of its own. DD-07.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/peers.sql'
\i :toys
\set SHOW_CONTEXT never
UPDATE syncore.match_rule SET on_match = 'review';
DELETE FROM syncore.route;
SELECT syncore.set_policy('incident', 'severity', '{escalation_wins,last_update_wins}'), syncore.set_policy('incident', 'description', '{manual}');
CREATE FUNCTION entity(external text) RETURNS bigint LANGUAGE sql AS $$ SELECT entity FROM syncore.link WHERE external_id = external $$;
CREATE VIEW whose AS SELECT string_agg(coalesce(l.external_id, 'wanted at ' || s.name), ' ' ORDER BY s.name, l.external_id) AS records, e.data ->> 'title' AS title, e.data ->> 'severity' AS severity, e.data ->> 'description' AS description
	FROM syncore.link l JOIN syncore.entity e ON e.id = l.entity JOIN syncore.system s ON s.id = l.system_id GROUP BY e.id ORDER BY e.id;
CREATE VIEW at_peers AS SELECT system, id, fields ->> 'title' AS title, fields ->> 'severity' AS severity, fields ->> 'description' AS description FROM peer ORDER BY system, id;

-- two were taken for one: bob's word went to ann, and a hold came of it
SELECT hears('ann', 'A1', '{"title": "VPN drops", "severity": "low", "description": "in Berlin"}'), hears('bob', 'B1', '{"title": "vpn drops", "severity": "high", "description": "in Rome"}');
SELECT syncore.accept_match(id, 'same outage') ~ 'is part of' FROM syncore.review WHERE kind = 'match';
SELECT settles();
TABLE whose;
TABLE at_peers;
SELECT kind, field, versions FROM syncore.review;
SELECT count(*) AS alerts FROM syncore.alert WHERE closed_at IS NULL AND kind = 'review';

-- what cannot be, is refused by name
\set VERBOSITY default
SELECT syncore.split_entity('ann:A9', 'x');
SELECT syncore.split_entity('ann:A1', '');
SELECT syncore.split_entity(0, 'x');
\set VERBOSITY terse
SELECT hears('cyd', 'C7', '{"title": "alone", "severity": "low"}');
SELECT syncore.split_entity('C7', 'x');

-- undone: each has what it had said itself, the hold is over, both ledgers say who and why
SELECT entity('A1') AS one \gset
SELECT regexp_replace(syncore.split_entity('bob:B1', 'two outages'), 'entity \d+', 'entity N');
TABLE whose;
SELECT kind, field, versions FROM syncore.review;
SELECT count(*) AS alerts FROM syncore.alert WHERE closed_at IS NULL AND kind = 'review';
SELECT state, choice FROM syncore.conflict WHERE field = 'description';
SELECT kind, system, field, old, new, rule FROM told WHERE rule = 'split' ORDER BY id;
SELECT regexp_replace(regexp_replace(replace(reason, CURRENT_USER, 'somebody'), 'entity ' || :one || '\M', 'the one'), 'entity \d+', 'another') AS reason FROM syncore.ledger WHERE rule = 'split' AND kind IN ('link', 'unlink') ORDER BY id;
SELECT regexp_replace(because, '[0-9: -]+ UTC', ' <then>') AS because FROM syncore.why('B1', 'severity') WHERE n = 1;
SELECT regexp_replace(because, '[0-9: -]+ UTC', ' <then>') AS because FROM syncore.why('A1', 'severity') WHERE n = 1;
-- no write is lost, and none is too many: ann gets its own words back, bob is told nothing
DELETE FROM peer_log;
SELECT settles();
TABLE at_peers;
SELECT system, id, kind, wrote FROM peer_log ORDER BY n;
-- no echo: what comes back of that is known
SELECT echo('ann', 'A1'), echo('bob', 'B1');
-- each goes its own way, and what is told of one does not bring them together again
SELECT hears('ann', 'A1', '{"severity": "medium"}'), hears('bob', 'B1', '{"title": "VPN drops", "description": "all of Italy"}'), settles();
TABLE whose;
SELECT state, note, decided_by = CURRENT_USER AS by_us FROM syncore.match_candidate ORDER BY id;
SELECT entity('B1') AS two \gset
SELECT count(*) FROM syncore.match_key WHERE entity IN (:one, :two);
-- (control) a third like both is told of both
SELECT hears('cyd', 'C1', '{"title": "VPN drops", "severity": "low"}');
SELECT count(*) FROM syncore.review WHERE kind = 'match';
SELECT count(syncore.reject_match(id, 'a third')) FROM syncore.review WHERE kind = 'match';
-- the way back of the way back: what each side said since is not taken for seen by the other
SELECT syncore.merge_entities('ann:A1', 'bob:B1', 'one after all') ~ 'is part of';
SELECT data ->> 'severity' AS severity, (stamps::jsonb #>> '{description,held}')::boolean AS held FROM syncore.entity WHERE id = entity('A1');
SELECT settles();
TABLE at_peers;
SELECT syncore.split_entity('ann:A1', 'no') ~ 'of its own';
TABLE whose;

-- what nobody at the record said stays with it as it shows it: nothing is written to it, and it is as old as its record
SELECT hears('ann', 'A2', '{"title": "Disk full", "severity": "low"}'), hears('bob', 'B2', '{"title": "disk full", "severity": "low"}');
SELECT syncore.accept_match(id, 'one') ~ 'part' FROM syncore.review WHERE kind = 'match' AND ref ~ 'B2';
SELECT hears('ann', 'A2', '{"title": "Disk is full", "description": "sda", "severity": "medium"}'), settles();
UPDATE syncore.link SET created_at = '2026-01-01 12:00+0' WHERE external_id = 'B2';
-- not sent yet: bob's record shows the old value
SELECT hears('ann', 'A2', '{"description": "sdb"}');
SELECT syncore.split_entity('bob:B2', 'another disk') ~ 'of its own', settles();
SELECT * FROM whose WHERE records ~ '2';
SELECT * FROM at_peers WHERE id ~ '2';
SELECT created_at = '2026-01-01 12:00+0' AS as_old FROM syncore.entity WHERE id = entity('B2');
SELECT DISTINCT regexp_replace(reason, '\d+', 'N', 'g') AS reason FROM syncore.ledger WHERE entity = entity('B2') AND kind = 'change' AND field IN ('title', 'description') ORDER BY 1;

-- R13: while a write to it is under way nobody can say what it shows: refused, and done when it has ended. A read may be under way.
SELECT hears('ann', 'A4', '{"title": "Four", "severity": "low"}'), hears('bob', 'B4', '{"title": "four", "severity": "low"}');
SELECT syncore.accept_match(id, 'one') ~ 'part' FROM syncore.review WHERE kind = 'match' AND ref ~ 'B4';
SELECT settles() > 0, hears('ann', 'A4', '{"severity": "high"}');
CREATE TABLE flight AS SELECT * FROM claims('bob');
\set VERBOSITY default
SELECT syncore.split_entity('bob:B4', 'too early');
\set VERBOSITY terse
SELECT test_answer(0, '[{"lost": "timed out"}]') IS NOT NULL AS answered, test_record() FROM flight;
SELECT syncore.split_entity('bob:B4', 'still too early');
SELECT serves('bob');
SELECT syncore.split_entity('bob:B4', 'now') ~ 'of its own';
UPDATE syncore.link SET read_owed = true WHERE external_id = 'A4' AND entity IS NOT NULL;
SELECT syncore.merge_entities('A4', 'B4', 'one again') ~ 'part';
SELECT count(*) FROM syncore.sync_now('A4');
TRUNCATE flight;
INSERT INTO flight SELECT * FROM claims('ann');
SELECT call FROM flight;
SELECT edits('ann', 'A4', '{"description": "read"}') IS NOT NULL AS edited, syncore.split_entity('ann:A4', 'while it is read') ~ 'of its own' AS split;
SELECT test_answer(0, jsonb_build_array(works('ann', call, record, mark, call_mark))) IS NOT NULL AS answered, test_record() FROM flight;
SELECT records, description FROM whose WHERE records ~ '4';

-- R21: what is split is looked at by the routes: each goes where such records go, but what is older than a system's start is created nowhere
INSERT INTO syncore.route (system, entity_type, record_type) VALUES ('ann', 'incident', 'ticket'), ('cyd', 'incident', 'ticket');
SELECT hears('ann', 'A3', '{"title": "Fan", "severity": "low"}'), hears('bob', 'B3', '{"title": "fan", "severity": "low"}');
SELECT syncore.accept_match(id, 'one') ~ 'part' FROM syncore.review WHERE kind = 'match' AND ref ~ 'B3';
UPDATE syncore.system SET create_after = now() - interval '1 hour' WHERE name = 'cyd';
UPDATE syncore.link SET created_at = now() - interval '1 day' WHERE external_id = 'B3';
SELECT syncore.split_entity('bob:B3', 'another fan') ~ 'of its own';
SELECT records FROM whose WHERE records ~ '3';
SELECT settles();
SELECT id, title FROM at_peers WHERE title ILIKE 'fan';
SELECT ok FROM syncore.verify_ledger();
DROP TABLE flight;
DROP VIEW whose, at_peers;
DROP FUNCTION entity(text);
CALL pg_temp.toys_go();
