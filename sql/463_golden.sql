-- why() and why_not() against cases that people ask about, as the sentences that they read. LG-04, OW-02, RT-01, VQ-03, CS-01.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
CREATE FUNCTION timeless(said text) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(said, '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d( UTC)?', '<time>', 'g'), '\d\d:\d\d:\d\d', '<time>', 'g') $$;
-- Why it is as it is; what became of the other word about it; what keeps a system from having it.
CREATE FUNCTION stands(ref text, field text) RETURNS text LANGUAGE sql AS $$ SELECT timeless(because) FROM syncore.why(ref, field) WHERE n = 1 $$;
CREATE FUNCTION beaten(ref text, field text) RETURNS text LANGUAGE sql AS $$ SELECT timeless(decision || ': ' || because) FROM syncore.why(ref, field) WHERE n = 2 $$;
CREATE FUNCTION stops(ref text, target text) RETURNS text LANGUAGE sql AS $$
	SELECT timeless(string_agg(step || ': ' || because || coalesce(' -> ' || regexp_replace(fix, '\d+', 'n', 'g'), ''), ' / ' ORDER BY n))
	FROM syncore.why_not(ref, target) WHERE NOT passed AND because !~ 'No dispatcher' $$;
SELECT syncore.set_policy('incident', 'severity', '{escalation_wins,human_wins}'), syncore.set_policy('incident', 'title', '{human_wins,last_update_wins}'), syncore.set_policy('incident', 'description', '{manual}');
UPDATE syncore.entity_type SET on_reopen = 'reopen', on_illegal = 'accept' WHERE name = 'incident';
SELECT hears('ann', 'A1', '{"title": "one", "severity": "low", "description": "d", "status": "new"}'), settles();
\echo 1 the first value
SELECT stands('A1', 'title');
\echo 2 changed since, by somebody who had seen it
SELECT hears('bob', 'BOB-1', '{"title": "one, by bob"}', 'kim'), settles();
SELECT stands('A1', 'title');
\echo 3 a conflict, lost
SELECT hears('ann', 'A1', '{"severity": "critical"}'), hears('bob', 'BOB-1', '{"severity": "high"}', 'kim');
SELECT stands('A1', 'severity'), beaten('A1', 'severity');
SELECT settles() > 0 AS sent;
\echo 4 a conflict, won against what stood
SELECT hears('ann', 'A1', '{"severity": "info"}'), hears('bob', 'BOB-1', '{"severity": "medium"}', 'kim');
SELECT stands('A1', 'severity'), beaten('A1', 'severity');
SELECT settles() > 0 AS sent;
\echo 5 a person against a machine
SELECT hears('ann', 'A1', '{"title": "set by a person"}'), hears('bob', 'BOB-1', '{"title": "set by a machine"}', 'bot-1');
SELECT stands('A1', 'title'), beaten('A1', 'title');
SELECT settles() > 0 AS sent;
\echo 6 both said the same
SELECT hears('ann', 'A1', '{"title": "agreed"}'), hears('bob', 'BOB-1', '{"title": "agreed"}', 'kim');
SELECT stands('A1', 'title'), beaten('A1', 'title');
SELECT settles() > 0 AS sent;
\echo 7 an echo of our own write
SELECT hears('ann', 'A1', '{"title": "echoed"}'), settles() > 0 AS sent;
SELECT echo('bob', 'BOB-1');
SELECT stands('A1', 'title'), beaten('A1', 'title');
\echo 8 an older word that came late
SELECT outcome FROM syncore.ingest('ann', said('A1', 1, '{"title": "late"}', 'lee', 'late')::text);
SELECT stands('A1', 'title'), beaten('A1', 'title');
\echo 9 held for a person
SELECT hears('ann', 'A1', '{"description": "of ann"}'), hears('bob', 'BOB-1', '{"description": "of bob"}', 'kim');
SELECT stands('A1', 'description'), beaten('A1', 'description');
SELECT stops('A1', 'cyd');
\echo 10 decided by hand
SELECT syncore.resolve((SELECT id FROM syncore.conflict WHERE state = 'pending'), 'bob', 'as agreed') IS NOT NULL AS resolved, settles() > 0 AS sent;
SELECT regexp_replace(stands('A1', 'description'), current_user, '<me>', 'g');
\echo 11 refused: not the owner
SELECT syncore.set_owner('incident', 'status', 'ann', on_foreign_write => 'refuse') IS NOT NULL AS owned;
SELECT hears('bob', 'BOB-1', '{"status": "closed"}', 'kim');
SELECT stands('A1', 'status'), beaten('A1', 'status');
SELECT stops('A1', 'ann');
\echo 12 closed, and opened again
SELECT hears('ann', 'A1', '{"status": "closed"}'), settles() > 0 AS sent;
SELECT stands('A1', 'status');
SELECT hears('ann', 'A1', '{"status": "in_progress"}'), settles() > 0 AS sent;
SELECT stands('A1', 'status');
\echo 13 quarantined
SELECT hears('ann', 'A2', '{"title": "two", "severity": "dreadful"}');
SELECT stops('A2', 'bob');
\echo 14 out of scope
UPDATE syncore.system SET accepts = '$.severity != "info"' WHERE name = 'ann';
SELECT hears('ann', 'A3', '{"title": "three", "severity": "info"}');
SELECT stops('A3', 'bob');
UPDATE syncore.system SET accepts = NULL WHERE name = 'ann';
\echo 15 out of route
UPDATE syncore.route SET condition = '$.severity == "critical"' WHERE system = 'cyd';
SELECT hears('ann', 'A4', '{"title": "four", "severity": "low"}'), settles() > 0 AS sent;
SELECT stops('A4', 'cyd');
\echo 16 a value that the other has no word for
INSERT INTO syncore.value_map (name, external, canonical) VALUES ('bob.severity', 'P1', 'critical'), ('bob.severity', 'P4', 'low');
UPDATE syncore.field_map SET value_map = 'bob.severity' WHERE system = 'bob' AND field = 'severity';
SELECT hears('ann', 'A4', '{"severity": "high"}'), settles();
SELECT stops('A4', 'bob');
\echo 17 on its way
SELECT hears('ann', 'A4', '{"title": "four and more"}');
SELECT stops('A4', 'bob');
\echo 18 paused
SELECT syncore.pause('bob', 'maintenance');
SELECT stops('A4', 'bob');
SELECT syncore.resume('bob');
\echo 19 given up
SELECT serves('bob', '422') IS NOT NULL AS refused;
SELECT stops('A4', 'bob');
\echo 20 deleted there
SELECT outcome FROM syncore.ingest('bob', '{"kind": "delete", "id": "BOB-1", "v": 90, "eid": "gone"}');
SELECT stops('A1', 'bob');
\echo 21 raced: set by a person while our write was on its way, which overwrote it
SELECT hears('ann', 'A5', '{"title": "five", "severity": "critical"}'), settles() > 0 AS sent;
SELECT external_id AS five FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id WHERE y.name = 'cyd' AND k.entity = syncore._resolve_ref('A5') \gset
SELECT edits('cyd', :'five', '{"title": "five, by cyd"}', 'kim') AS theirs \gset
SELECT hears('ann', 'A5', '{"title": "five, by ann"}'), settles() > 0 AS sent;
SELECT outcome FROM syncore.ingest('cyd', :'theirs');
SELECT stands('A5', 'title'), beaten('A5', 'title');
SELECT bool_or(decision = 'raced with our write') AS raced FROM syncore.why('A5', 'title');
\echo 22 delivered again: the same event under its own number, and the same statement under another; and (control) the word after it
SELECT edits('ann', 'A5', '{"title": "five, said twice"}') AS twice \gset
SELECT outcome FROM syncore.ingest('ann', :'twice');
SELECT outcome, reason FROM syncore.ingest('ann', :'twice');
SELECT settles() > 0 AS sent, hears('ann', 'A5', '{"title": "five, at last"}'), settles() > 0 AS sent_too;
SELECT outcome FROM syncore.ingest('ann', (:'twice'::jsonb || '{"eid": "another number"}')::text);
SELECT stands('A5', 'title'), beaten('A5', 'title');
\echo 23 joined: what was two is one, by any of its keys
DELETE FROM syncore.match_rule;
UPDATE syncore.route SET condition = '$.title == "nowhere"';
SELECT hears('ann', 'A6', '{"title": "six"}'), hears('cyd', 'C6', '{"title": "6", "description": "of cyd"}', 'kim');
SELECT syncore.merge_entities('ann:A6', 'cyd:C6', 'the same') IS NOT NULL AS joined, settles() > -1 AS settled;
SELECT stands('C6', 'description');
SELECT stands('C6', 'title');
SELECT timeless(decision || ': ' || because) AS also FROM syncore.why('A6', 'title') WHERE n > 1 ORDER BY n;
SELECT stops('C6', 'bob');
UPDATE syncore.route SET condition = NULL;
\echo 24 stopped: a machine puts it back whatever is written
SELECT hears('ann', 'A7', '{"title": "seven", "severity": "low"}'), settles() > 0 AS sent;
SELECT external_id AS seven FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id WHERE y.name = 'cyd' AND k.entity = syncore._resolve_ref('A7') \gset
SELECT syncore.set_owner('incident', 'severity', 'ann', on_foreign_write => 'revert') IS NOT NULL AS owned, hears('ann', 'A7', '{"severity": "high"}'), settles() > 0 AS sent;
SELECT count(hears('cyd', :'seven', '{"severity": "low"}', 'bot-9')) + sum(settles()) > 0 AS fought FROM generate_series(1, 4);
SELECT stops('A7', 'cyd');
DROP FUNCTION stands(text, text), beaten(text, text), stops(text, text), timeless(text);
CALL pg_temp.toys_go();
