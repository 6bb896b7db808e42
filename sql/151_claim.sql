-- Claim, call, record, without workers: a dispatcher of one session, and a peer that answers what the test says.
-- In a database of its own: the systems are called as a person would call them.
CREATE DATABASE syncore_claim;
\c syncore_claim
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
CREATE SCHEMA claim_test;
SET search_path = claim_test;
CREATE FUNCTION claim(system_id int, most int DEFAULT 16) RETURNS text AS '$libdir/syncore_engine_test', 'test_claim' LANGUAGE C;
CREATE FUNCTION answer(delivery bigint, answers jsonb) RETURNS text AS '$libdir/syncore_engine_test', 'test_answer' LANGUAGE C;
CREATE FUNCTION record() RETURNS int AS '$libdir/syncore_engine_test', 'test_record' LANGUAGE C;
CREATE FUNCTION forget() RETURNS int AS '$libdir/syncore_engine_test', 'test_forget' LANGUAGE C;
CREATE FUNCTION adopt() RETURNS int AS '$libdir/syncore_engine_test', 'test_adopt' LANGUAGE C;
SELECT count(*) > 0 FROM syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com');
SELECT count(*) > 0 FROM syncore.add_system('jira', 'jira', 'https://acme.atlassian.net', settings => '{"project": "OPS", "issue_type": "Bug"}');
SELECT syncore.set_credential('snow', 'basic', 'file:snow', username => 'syncore.bot') IS NOT NULL,
	syncore.set_credential('jira', 'basic', 'file:jira', username => 'syncore@acme.example') IS NOT NULL;
SELECT syncore.activate('snow'), syncore.activate('jira');
CREATE FUNCTION jira() RETURNS int LANGUAGE sql AS $$ SELECT id FROM syncore.system WHERE name = 'jira' $$;
CREATE VIEW queue AS SELECT d.state, d.attempts, d.sent_at IS NOT NULL AS marked, d.gen - COALESCE(d.sent_gen, d.gen) AS newer, d.error_code, l.state AS link, l.call->>'kind' AS call,
	(l.call->>'unknown')::boolean AS unknown, l.read_owed FROM syncore.delivery d JOIN syncore.link l ON l.id = d.link ORDER BY d.id;
CREATE FUNCTION says(ref text, version int, fields jsonb, operation text DEFAULT 'update') RETURNS text LANGUAGE sql AS $$
	SELECT outcome FROM syncore.ingest('snow', jsonb_build_object('table', 'incident', 'sys_id', ref, 'number', 'INC' || ref, 'operation', operation,
		'sys_mod_count', version::text, 'sys_updated_on', '2026-02-28 14:32:' || lpad(version::text, 2, '0'), 'sys_updated_by', 'jdoe', 'fields', fields)::text) $$;
-- A delivery that waits for its time is made to have come: nobody sleeps here.
CREATE PROCEDURE hurry() LANGUAGE sql AS $$ UPDATE syncore.delivery SET not_before = now() $$;
CREATE FUNCTION issue(status text, title text, at text, priority text DEFAULT 'High') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('status', 200, 'body', jsonb_build_object('id', '10003', 'key', 'OPS-8', 'properties', '{}'::jsonb, 'fields', jsonb_build_object(
		'summary', title, 'updated', '2026-02-28T14:' || at || '.000+0000', 'status', jsonb_build_object('name', status), 'priority', jsonb_build_object('name', priority),
		'description', NULL, 'assignee', NULL, 'labels', '[]'::jsonb))) $$;
CREATE FUNCTION conversation(VARIADIC answers jsonb[]) RETURNS text LANGUAGE sql AS $$ SELECT answer(0, to_jsonb(answers)) $$;

-- 1. An incident: one creating link, one delivery, one create. CR-05: an edit made meanwhile waits behind it (edit_during_call).
SELECT says('01', 1, '{"short_description": "VPN drops", "state": "1", "priority": "2"}', 'insert');
TABLE queue;
SELECT claim(jira());
-- CR-04: it is claimed once, however often one asks.
SELECT claim(jira());
SELECT says('01', 2, '{"short_description": "VPN drops sessions"}');
TABLE queue;
SELECT conversation('{"status": 201, "body": {"id": "10003", "key": "OPS-8"}}', issue('To Do', 'VPN drops', '33:01'));
SELECT record();
TABLE queue;
-- FM-16: only what changed goes.
SELECT claim(jira());
SELECT conversation('{"status": 204}', issue('To Do', 'VPN drops sessions', '33:02'));
SELECT record();
SELECT count(*) AS left FROM queue;
-- ID-02: what the target already has is not sent. The delivery turns out to need nothing.
INSERT INTO syncore.delivery (link, system_id, space_id, shard) SELECT id, system_id, space_id, 0 FROM syncore.link WHERE external_key = 'OPS-8';
SELECT claim(jira()) AS nothing;
SELECT count(*) AS left FROM queue;

-- 2. A field and a status are two calls: one write each.
SELECT says('01', 3, '{"short_description": "VPN down", "state": "2"}');
SELECT claim(jira());
SELECT conversation('{"status": 204}', issue('To Do', 'VPN down', '33:03'));
SELECT record();
SELECT claim(jira());
SELECT conversation('{"status": 200, "body": {"transitions": [{"id": "21", "to": {"name": "In Progress"}}]}}', '{"status": 204}', issue('In Progress', 'VPN down', '33:04'));
SELECT record();
SELECT count(*) AS left FROM queue;

-- 3. crash_after_claim: the worker is gone, the mark stays; the next owner reads before it writes. Here the write had landed.
SELECT says('01', 4, '{"short_description": "VPN up"}');
SELECT claim(jira());
SELECT forget(), claim(jira()) AS marked_ones_are_left_alone;
SELECT adopt();
SELECT claim(jira());
SELECT conversation(issue('In Progress', 'VPN up', '33:05'));
SELECT record();
SELECT count(*) AS left FROM queue;
-- And here it had not: it is written again, with the same idempotency key (ID-08).
SELECT says('01', 5, '{"short_description": "VPN up again"}');
SELECT claim(jira());
SELECT sent_marker AS key FROM syncore.delivery \gset
SELECT forget(), adopt();
SELECT claim(jira());
SELECT conversation(issue('In Progress', 'VPN up', '33:05'));
SELECT record();
CALL hurry();
SELECT claim(jira());
SELECT sent_marker = :'key' AS same_key FROM syncore.delivery;
SELECT conversation('{"status": 204}', issue('In Progress', 'VPN up again', '33:06'));
SELECT record();
SELECT count(*) AS left FROM queue;

-- 4. RL-02, RL-03, RL-04, RL-05: failures wait, pacing does not count, what cannot succeed is dead at once.
SELECT says('01', 6, '{"short_description": "VPN slow"}');
SELECT claim(jira());
SELECT sent_marker AS key FROM syncore.delivery \gset
SELECT system, state, deliveries, max_attempts, oldest < interval '1 h' AS fresh, next_try > now() AS later FROM syncore.stat_queue;
SELECT conversation('{"status": 429, "headers": {"retry-after": "120"}}');
SELECT record();
SELECT system, state, deliveries, max_attempts, oldest < interval '1 h' AS fresh, next_try > now() AS later FROM syncore.stat_queue;
SELECT attempts, not_before > now() + interval '100 s' AS waits, error_code, sent_at FROM syncore.delivery;
SELECT claim(jira()) AS not_yet;
CALL hurry();
SELECT claim(jira());
SELECT conversation('{"not_sent": "could not resolve host"}');
SELECT record();
SELECT attempts, not_before < now() + interval '2 s' AS soon, error_code, sent_marker = :'key' AS same_key FROM syncore.delivery;
CALL hurry();
SELECT claim(jira());
SELECT conversation('{"status": 400, "body": {"errorMessages": [], "errors": {"summary": "too short"}}}');
SELECT record();
SELECT state, attempts, error_code, error_message FROM syncore.delivery;
SELECT level, kind, cause, detail, times FROM syncore.alert WHERE closed_at IS NULL ORDER BY id;
SELECT claim(jira()) AS the_dead_stay;
SELECT system, state, deliveries, max_attempts, oldest < interval '1 h' AS fresh, next_try > now() AS later FROM syncore.stat_queue;
SELECT syncore.retry('jira');
SELECT system, state, deliveries, max_attempts, oldest < interval '1 h' AS fresh, next_try > now() AS later FROM syncore.stat_queue;
SELECT claim(jira());
SELECT sent_marker = :'key' AS same_key FROM syncore.delivery;
SELECT conversation('{"status": 401}');
SELECT record();
SELECT state, error_code FROM syncore.delivery;
SELECT level, cause, detail FROM syncore.alert WHERE closed_at IS NULL AND kind = 'credential';
SELECT syncore.retry('jira');
SELECT claim(jira());
SELECT conversation('{"status": 204}', issue('In Progress', 'VPN slow', '33:07'));
SELECT record();
SELECT count(*) AS left, (SELECT count(*) FROM syncore.alert WHERE closed_at IS NULL AND kind = 'credential') AS credential_alerts FROM queue;
-- The twelfth failure is the last.
SELECT says('01', 7, '{"short_description": "VPN fast"}');
UPDATE syncore.delivery SET attempts = 10;
SELECT claim(jira()), conversation('{"not_sent": "connection refused"}'), record();
SELECT state, attempts FROM syncore.delivery;
CALL hurry();
SELECT claim(jira()), conversation('{"not_sent": "connection refused"}'), record();
SELECT state, attempts FROM syncore.delivery;
SELECT kind, reason FROM syncore.ledger WHERE kind = 'dead' ORDER BY id;
-- An edit may be the cure: it brings a dead delivery back.
SELECT says('01', 8, '{"short_description": "VPN gone"}');
SELECT claim(jira()), conversation('{"status": 204}', issue('In Progress', 'VPN gone', '33:08')), record();

-- 5. R17: an outcome that comes after its call was given up is refused.
SELECT says('01', 9, '{"short_description": "VPN back"}');
SELECT claim(jira());
SELECT conversation('{"status": 204}', issue('In Progress', 'VPN back', '33:09'));
SELECT adopt();
SELECT record();
TABLE queue;
SELECT claim(jira()), conversation(issue('In Progress', 'VPN back', '33:09')), record();
SELECT count(*) AS left FROM queue;

-- 6. CR-03 (create_lost_response): the create is looked for by its marker, and not repeated before its patience is over.
SELECT says('02', 1, '{"short_description": "Mail slow", "state": "1", "priority": "3"}', 'insert');
SELECT claim(jira()), conversation('{"lost": "timed out"}'), record();
TABLE queue;
SELECT claim(jira()), conversation('{"status": 200, "body": {"issues": []}}'), record();
TABLE queue;
CALL hurry();
SELECT marker FROM syncore.link WHERE state = 'creating' \gset
SELECT claim(jira());
SELECT conversation(jsonb_build_object('status', 200, 'body', jsonb_build_object('issues', jsonb_build_array(jsonb_build_object('id', '10004', 'key', 'OPS-9',
	'properties', jsonb_build_object('syncore', jsonb_build_object('marker', :'marker')), 'fields', '{"summary": "Mail slow", "updated": "2026-02-28T14:40:00.000+0000",
	"status": {"name": "To Do"}, "priority": {"name": "Medium"}, "labels": []}'::jsonb)))));
SELECT record();
SELECT external_key, state FROM syncore.link WHERE system_id = jira() ORDER BY id;
SELECT count(*) AS left FROM queue;

-- 7. Nothing leaves from a system that is paused; resumed, it does (positive control).
SELECT says('01', 10, '{"short_description": "VPN ok"}');
SELECT syncore.pause('jira');
SELECT claim(jira()) AS paused;
SELECT syncore.resume('jira');
SELECT claim(jira());
SELECT conversation('{"status": 204}', issue('In Progress', 'VPN ok', '33:10')), record();

-- BK-06: edits that find a delivery waiting leave its row alone; one call carries them all, under the last one's correlation id (EV-11).
SELECT says('01', 11, '{"short_description": "VPN drops"}');
SELECT xmin AS written FROM syncore.delivery \gset
SELECT says('01', 12, '{"short_description": "VPN drops a lot"}'), says('01', 13, '{"short_description": "VPN drops all sessions"}');
SELECT xmin = :'written' AS untouched, gen FROM syncore.delivery;
SELECT claim(jira());
SELECT field, new, correlation_id = 'syncore-' || (SELECT max(id) FROM syncore.event) AS of_the_last FROM syncore.ledger WHERE kind = 'send' ORDER BY id DESC LIMIT 1;
SELECT conversation('{"status": 204}', issue('In Progress', 'VPN drops all sessions', '33:20')), record();
SELECT count(*) AS left FROM queue;

-- Every call is in the ledger: intent, then what became of it; and the chain holds.
SELECT kind, field, rule FROM syncore.ledger WHERE kind IN ('send', 'confirm', 'fail', 'unknown', 'landed', 'repeated', 'dead', 'link') ORDER BY id;
SELECT ok, bad_id FROM syncore.verify_ledger();

-- Where everything is invalidated, as after a flood of other changes, the configuration is not read again unless somebody may have changed
-- it since it was read: once a transaction, not at each invalidation. It is when a change is ours, is taken back, or anything has ended.
CREATE FUNCTION config_stays(query text) RETURNS boolean AS '$libdir/syncore_engine_test', 'test_config_stays' LANGUAGE C;
SELECT config_stays('SELECT 1') AS once, config_stays('SELECT 1') AS asked, config_stays('UPDATE syncore.field_map SET note = ''x'' WHERE system = ''jira'' AND field = ''title''') AS changed,
	config_stays('CREATE TEMP TABLE other ()') AS other_change,
	config_stays('DO $$ BEGIN BEGIN INSERT INTO syncore.value_map (name, external, canonical) VALUES (''m'', ''a'', ''b''); RAISE ''taken back''; EXCEPTION WHEN OTHERS THEN NULL; END; END $$') AS taken_back,
	config_stays('DO $$ BEGIN BEGIN CREATE TEMP TABLE gone (); RAISE ''taken back''; EXCEPTION WHEN OTHERS THEN NULL; END; END $$') AS something_ended;
\c regression
DROP DATABASE syncore_claim;
