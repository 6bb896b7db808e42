-- R21: a record that nobody knows is heard of while a create of ours is in flight, on a system whose webhooks cannot show whose it is.
-- It is read before it becomes anything. In a database of its own: the systems are called as a person would call them.
CREATE DATABASE syncore_candidate;
\c syncore_candidate
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
CREATE SCHEMA claim_test;
SET search_path = claim_test;
CREATE FUNCTION claim(system_id int, most int DEFAULT 16) RETURNS text AS '$libdir/syncore_engine_test', 'test_claim' LANGUAGE C;
CREATE FUNCTION answer(delivery bigint, answers jsonb) RETURNS text AS '$libdir/syncore_engine_test', 'test_answer' LANGUAGE C;
CREATE FUNCTION record() RETURNS int AS '$libdir/syncore_engine_test', 'test_record' LANGUAGE C;
SELECT count(*) > 0 FROM syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com');
SELECT count(*) > 0 FROM syncore.add_system('jira', 'jira', 'https://acme.atlassian.net', settings => '{"project": "OPS", "issue_type": "Bug"}');
SELECT syncore.set_credential('snow', 'basic', 'file:snow', username => 'syncore.bot') IS NOT NULL,
	syncore.set_credential('jira', 'basic', 'file:jira', username => 'syncore@acme.example') IS NOT NULL;
SELECT syncore.activate('snow'), syncore.activate('jira');
CREATE FUNCTION jira() RETURNS int LANGUAGE sql AS $$ SELECT id FROM syncore.system WHERE name = 'jira' $$;
CREATE PROCEDURE hurry() LANGUAGE sql AS $$ UPDATE syncore.delivery SET not_before = now() $$;
CREATE VIEW record AS SELECT s.name AS system, l.external_id, l.state, l.entity IS NOT NULL AS has_entity, cardinality(l.waiting) AS waits, l.call->>'kind' AS call
	FROM syncore.link l JOIN syncore.system s ON s.id = l.system_id ORDER BY l.id;
CREATE FUNCTION snow_says(ref text, version int, fields jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT outcome FROM syncore.ingest('snow', jsonb_build_object('table', 'incident', 'sys_id', ref, 'number', 'INC' || ref, 'operation', CASE version WHEN 1 THEN 'insert' ELSE 'update' END,
		'sys_mod_count', version::text, 'sys_updated_on', '2026-02-28 14:32:0' || version, 'sys_updated_by', 'jdoe', 'fields', fields)::text) $$;
CREATE FUNCTION issue(id text, title text, at text, status text DEFAULT 'To Do', priority text DEFAULT 'High') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('id', id, 'key', 'OPS-' || id, 'properties', '{}'::jsonb, 'fields', jsonb_build_object('project', '{"key": "OPS"}'::jsonb, 'issuetype', '{"name": "Bug"}'::jsonb,
		'summary', title, 'updated', CASE WHEN at LIKE '____-%' THEN at ELSE '2026-02-28T14:' || at || '.000+0000' END, 'status', jsonb_build_object('name', status), 'priority', jsonb_build_object('name', priority),
		'description', NULL, 'assignee', NULL, 'labels', '[]'::jsonb)) $$;
CREATE FUNCTION jira_says(id text, title text, at text, event text DEFAULT 'jira:issue_created') RETURNS text LANGUAGE sql AS $$
	SELECT outcome FROM syncore.ingest('jira', jsonb_build_object('webhookEvent', event, 'timestamp', 1772289180000, 'user', jsonb_build_object('accountId', 'p1'), 'issue', issue(id, title, at))::text) $$;
CREATE FUNCTION reads(id text, title text, at text, marker text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('status', 200, 'body', issue(id, title, at) || CASE WHEN marker IS NULL THEN '{}'::jsonb
		ELSE jsonb_build_object('properties', jsonb_build_object('syncore', jsonb_build_object('marker', marker))) END) $$;

-- 1. Somebody else's: it becomes an entity, by what was said of it and by what the read shows.
SELECT snow_says('01', 1, '{"short_description": "VPN drops", "state": "1", "priority": "2"}');
SELECT claim(jira());
SELECT delivery AS create FROM (SELECT id AS delivery FROM syncore.delivery WHERE sent_at IS NOT NULL) d \gset
SELECT jira_says('20001', 'Printer on fire', '33:01');
TABLE record;
SELECT claim(jira());
SELECT id AS look FROM syncore.delivery WHERE sent_at IS NOT NULL AND id <> :create \gset
-- An edit since, that no webhook has told of yet: the read shows it.
SELECT answer(:look, to_jsonb(ARRAY[reads('20001', 'Printer burnt down', '33:05')]));
SELECT record();
TABLE record;
SELECT data->>'title' AS title FROM syncore.entity ORDER BY id;
SELECT l.kind, l.field, l.new, l.actor FROM syncore.ledger l WHERE entity = (SELECT max(id) FROM syncore.entity) ORDER BY id;
-- What it says goes out whole, for it is a new entity: nothing of it was lost while it waited.
SELECT claim((SELECT id FROM syncore.system WHERE name = 'snow'));

-- 2. Ours: the link learns its id, hears what waited, and the other create goes on as it was.
SELECT marker FROM syncore.link WHERE state = 'creating' AND system_id = jira() \gset
SELECT jira_says('10003', 'VPN drops', '33:07');
SELECT claim(jira());
SELECT id AS look FROM syncore.delivery WHERE sent_at IS NOT NULL AND system_id = jira() AND id <> :create \gset
SELECT answer(:look, to_jsonb(ARRAY[reads('10003', 'VPN drops', '33:07', :'marker')]));
SELECT record();
TABLE record;
SELECT data->>'title' AS title FROM syncore.entity ORDER BY id;

-- The create's own answer comes last, and finds that all of it is known (R17).
SELECT answer(:create, to_jsonb(ARRAY['{"status": 201, "body": {"id": "10003", "key": "OPS-10003"}}', reads('10003', 'VPN drops', '33:07')]));
SELECT record();
CALL hurry();

-- 3. ID-08: a lost write that a read finds has used its idempotency key up, also where more is due by then.
SELECT snow_says('01', 2, '{"short_description": "VPN down"}');
SELECT claim(jira());
SELECT id AS update FROM syncore.delivery WHERE sent_at IS NOT NULL AND system_id = jira() \gset
SELECT answer(:update, '[{"lost": "timed out"}]');
SELECT record();
SELECT snow_says('01', 3, '{"short_description": "VPN up"}');
SELECT sent_marker IS NOT NULL AS has_key FROM syncore.delivery WHERE id = :update;
CALL hurry();
SELECT claim(jira());
SELECT snow_says('01', 4, '{"short_description": "VPN up again"}');
SELECT answer(:update, to_jsonb(ARRAY[reads('10003', 'VPN down', '33:09')]));
SELECT record();
SELECT sent_marker IS NULL AS key_is_used_up, state, sent_at FROM syncore.delivery WHERE id = :update;

-- 4. A record whose clock is a century ahead is believed, its time is not: it would win for ever.
UPDATE syncore.link SET read_owed = true WHERE external_id = '20001';
INSERT INTO syncore.delivery (link, system_id, space_id, shard) SELECT id, system_id, space_id, 0 FROM syncore.link WHERE external_id = '20001' ON CONFLICT DO NOTHING;
CALL hurry();
SELECT claim(jira());
SELECT d.id AS look FROM syncore.delivery d JOIN syncore.link l ON l.id = d.link WHERE l.external_id = '20001' \gset
SELECT answer(:look, to_jsonb(ARRAY[reads('20001', 'Printer rebuilt', '2126-02-28T14:00:00.000+0000')]));
SELECT record();
SELECT data->>'title' AS title, (stamps::jsonb #>> '{title,versions,0,at}')::timestamptz <= now() + interval '5 s' AS believable FROM syncore.entity WHERE data->>'title' LIKE 'Printer%';

-- 5. R21, R22: somebody else's record asks the match rules like any other. One that a person made for an entity without a record there
-- is tied to it; one for which a create is only wanted takes its place; a second record goes to review.
INSERT INTO syncore.match_rule (entity_type, kind, fields, normalise) VALUES ('incident', 'exact', '{title}', '{lower,trim}');
SELECT snow_says('05', 1, '{"short_description": "Gate stuck", "state": "1", "priority": "2"}');
UPDATE syncore.route SET condition = '$.title starts with "Gate"' WHERE system = 'jira';
SELECT snow_says('06', 1, '{"short_description": "Lamp dead", "state": "1", "priority": "2"}');
UPDATE syncore.route SET condition = NULL WHERE system = 'jira';
-- the create of 05 is on its way while four unknown records are heard of
CALL hurry();
SELECT split_part(claim(jira(), 1), ' {', 1);
SELECT snow_says('07', 1, '{"short_description": "Door ajar", "state": "1", "priority": "2"}');
SELECT jira_says('30001', 'lamp dead', '34:01'), jira_says('30002', 'Door ajar', '34:02'), jira_says('30003', 'Gate stuck', '34:03'), jira_says('30004', 'Nobody''s', '34:04');
CREATE PROCEDURE look(record text, title text, at text) LANGUAGE plpgsql AS $$
DECLARE call text;
BEGIN
	UPDATE syncore.delivery d SET not_before = now() + CASE WHEN l.external_id = record THEN interval '0' ELSE interval '1 h' END FROM syncore.link l WHERE l.id = d.link AND d.sent_at IS NULL;
	call := claim(jira(), 1);
	PERFORM answer((SELECT d.id FROM syncore.delivery d JOIN syncore.link l ON l.id = d.link WHERE l.external_id = record), to_jsonb(ARRAY[reads(record, title, at)]));
	PERFORM record();
END $$;
CREATE VIEW whose AS SELECT l.external_id, l.state, (SELECT string_agg(o.external_id, ' ') FROM syncore.link o JOIN syncore.system s ON s.id = o.system_id WHERE o.entity = l.entity AND s.name = 'snow') AS same_as
	FROM syncore.link l WHERE l.external_id LIKE '3000_' OR l.external_id IS NULL ORDER BY l.external_id;
TABLE whose;
CALL look('30001', 'lamp dead', '34:01');
CALL look('30002', 'Door ajar', '34:02');
CALL look('30003', 'Gate stuck', '34:03');
CALL look('30004', 'Nobody''s', '34:04');
TABLE whose;
SELECT e.data->>'title' AS title, o.data->>'title' AS like_it, m.reason FROM syncore.match_candidate m JOIN syncore.entity e ON e.id = m.entity JOIN syncore.entity o ON o.id = m.other;

-- 6. R21: somebody else's record that no row of record_map takes, or that its system does not accept, is out of scope, not the first kind
-- of thing that such records can be; one that was deleted meanwhile is nothing either. The ledger says what became of the events that waited.
UPDATE syncore.record_map SET condition = '$.fields.issuetype.name == "Bug" && $.fields.status.name != "Idea"' WHERE system = 'jira';
SELECT snow_says('08', 1, '{"short_description": "Roof leaks", "state": "1", "priority": "2"}');
CALL hurry();
SELECT split_part(claim(jira(), 1), ' {', 1);
SELECT jira_says('40001', 'An idea', '35:01'), jira_says('40002', 'A bug', '35:02'), jira_says('40003', 'Elsewhere', '35:03'), jira_says('40004', 'Short-lived', '35:04');
CREATE PROCEDURE look_at(record text, VARIADIC answers jsonb[]) LANGUAGE plpgsql AS $$
BEGIN
	UPDATE syncore.delivery d SET not_before = now() + CASE WHEN l.external_id = record THEN interval '0' ELSE interval '1 h' END FROM syncore.link l WHERE l.id = d.link AND d.sent_at IS NULL;
	PERFORM claim(jira(), 1);
	PERFORM claim_test.answer((SELECT d.id FROM syncore.delivery d JOIN syncore.link l ON l.id = d.link WHERE l.external_id = record), to_jsonb(answers));
	PERFORM record();
END $$;
SELECT count(*) AS entities FROM syncore.entity \gset
CALL look_at('40001', jsonb_build_object('status', 200, 'body', issue('40001', 'An idea', '35:01', 'Idea')));
CALL look_at('40002', jsonb_build_object('status', 200, 'body', issue('40002', 'A bug', '35:02')));
UPDATE syncore.system SET accepts = '$.fields.project.key != "OPS"' WHERE name = 'jira';
CALL look_at('40003', jsonb_build_object('status', 200, 'body', issue('40003', 'Elsewhere', '35:03')));
UPDATE syncore.system SET accepts = NULL WHERE name = 'jira';
CALL look_at('40004', '{"status": 404, "body": {"errorMessages": ["Issue does not exist"]}}', '{"status": 404, "body": {"errorMessages": ["Issue does not exist"]}}');
SELECT external_id, state, entity IS NOT NULL AS has_entity FROM syncore.link WHERE external_id LIKE '4000_';
SELECT count(*) - :entities AS entities FROM syncore.entity;
SELECT e.payload #>> '{issue,key}' AS record, l.kind, l.rule, l.reason FROM syncore.ledger l JOIN syncore.event e ON e.id = l.event WHERE l.kind = 'out_of_scope' ORDER BY l.id;
SELECT ok, bad_id FROM syncore.verify_ledger();
\c regression
DROP DATABASE syncore_candidate;
