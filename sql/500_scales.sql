-- Scales of different products: priorities, words that no row knows, types of records, closing dispositions; one field to several places. CS-06 to CS-11, FM-04, FM-13, SE-06.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
CREATE FUNCTION shown(key text) RETURNS jsonb LANGUAGE sql AS $$ SELECT e.data - '{title,description,assignment_group}'::text[] FROM syncore.entity e JOIN syncore.link k ON k.entity = e.id WHERE k.external_id = $1 $$;
CREATE FUNCTION at_peers(the_title text) RETURNS TABLE (system text, fields jsonb) LANGUAGE sql AS $$ SELECT p.system, p.fields - 'title' FROM peer p WHERE p.fields ->> 'title' = the_title ORDER BY 1 $$;
CREATE VIEW told_of AS SELECT kind, object, cause, detail, hint, times FROM syncore.alert WHERE closed_at IS NULL AND kind = 'unmapped' ORDER BY cause;
INSERT INTO syncore.value_map (name, external, canonical, direction) VALUES
	-- Freshdesk, Azure DevOps, Zendesk-like: four words each, for five of ours
	('desk.severity', 'Urgent', 'critical', 'both'), ('desk.severity', 'High', 'high', 'both'), ('desk.severity', 'Medium', 'medium', 'both'), ('desk.severity', 'Low', 'low', 'both'), ('desk.severity', 'Low', 'info', 'out'),
	('azure.severity', '1 - Critical', 'critical', 'both'), ('azure.severity', '2 - High', 'high', 'both'), ('azure.severity', '3 - Medium', 'medium', 'both'), ('azure.severity', '4 - Low', 'low', 'both'), ('azure.severity', '4 - Low', 'info', 'out'),
	('page.severity', 'P1', 'critical', 'both'), ('page.severity', 'P2', 'high', 'both'), ('page.severity', 'P3', 'medium', 'both'), ('page.severity', 'P3', 'low', 'out'), ('page.severity', 'P3', 'info', 'out');
UPDATE syncore.field_map SET value_map = CASE system WHEN 'ann' THEN 'desk.severity' WHEN 'bob' THEN 'azure.severity' ELSE 'page.severity' END WHERE field = 'severity';

-- CS-06: the scales that ship say every severity of ours and read every word of theirs
SET client_min_messages = warning;
SELECT count(*) > 0 AS added FROM syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com', space => 'default');
SELECT count(*) > 0 AS added FROM syncore.add_system('jira', 'jira', 'https://acme.atlassian.net', settings => '{"project": "OPS", "issue_type": "Bug"}');
RESET client_min_messages;
SELECT m.name, string_agg(m.external, ' ' ORDER BY array_position(f.allowed, m.canonical), m.external) FILTER (WHERE m.direction <> 'out') AS reads, array_length(f.allowed, 1) - count(DISTINCT m.canonical) FILTER (WHERE m.direction <> 'in') AS unsaid
FROM syncore.value_map m JOIN syncore.field f ON f.entity_type = 'incident' AND f.name = 'severity' WHERE m.name ~ '^(jira.severity|snow.(severity|impact|urgency))$' GROUP BY m.name, f.allowed ORDER BY 1;
DELETE FROM syncore.system WHERE name IN ('snow', 'jira');
-- Freshdesk's Urgent is Azure's "1 - Critical", and back; a word of one's own is one row more
SELECT hears('ann', 'A1', '{"title": "one", "severity": "Urgent"}'), settles();
SELECT * FROM at_peers('one');
SELECT hears('bob', id, '{"severity": "2 - High"}') FROM peer WHERE system = 'bob' \gset
SELECT settles();
SELECT * FROM at_peers('one');
INSERT INTO syncore.value_map (name, external, canonical, direction) VALUES ('page.severity', 'Blocker', 'critical', 'in');
SELECT hears('cyd', id, '{"severity": "Blocker"}') FROM peer WHERE system = 'cyd';
SELECT settles();
SELECT * FROM at_peers('one');

-- CS-07: five values of business impact for three; what has no row is left blank, falls to a default, or halts and tells, as the map says
INSERT INTO syncore.field (entity_type, name, kind, allowed) VALUES ('incident', 'business_impact', 'rank', '{extreme,major,moderate,minor,none}');
SELECT syncore.set_owner('incident', 'business_impact', NULL) IS NOT NULL AS owned;
INSERT INTO syncore.value_map (name, external, canonical, direction) SELECT 'ann.impact', n::text, v, 'both' FROM unnest('{extreme,major,moderate,minor,none}'::text[]) WITH ORDINALITY AS u(v, n);
INSERT INTO syncore.value_map (name, external, canonical, direction) VALUES ('bob.impact', 'A', 'extreme', 'both'), ('bob.impact', 'A', 'major', 'out'), ('bob.impact', 'B', 'moderate', 'both'), ('bob.impact', 'C', 'minor', 'both'), ('bob.impact', 'C', 'none', 'out');
INSERT INTO syncore.field_map (system, record_type, field, path, value_map, contract) VALUES ('ann', 'ticket', 'business_impact', '/impact', 'ann.impact', false), ('bob', 'ticket', 'business_impact', '/business', 'bob.impact', false);
CREATE FUNCTION in_both(id text, impact text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	outcome text := hears('ann', id, jsonb_build_object('title', id, 'impact', impact));
BEGIN
	PERFORM settles();
	RETURN concat_ws(' ', outcome, coalesce(shown(id) ->> 'business_impact', '-'), coalesce((SELECT fields ->> 'business' FROM at_peers(id) WHERE system = 'bob'), '-'));
END $$;
SELECT n, in_both('five' || n, n::text) FROM generate_series(1, 5) n;
-- each is read back as it was, though three words stand for five (CS-02 lists which)
SELECT lossy FROM syncore.mapping_sheet WHERE system = 'bob' AND field = 'business_impact';
UPDATE syncore.field_map SET on_unmapped = 'skip' WHERE system = 'ann' AND field = 'business_impact';
SELECT in_both('blank', '6');
SELECT * FROM told_of;
UPDATE syncore.field_map SET on_unmapped = 'fallback', fallback = 'moderate' WHERE system = 'ann' AND field = 'business_impact';
SELECT in_both('default', '6');
SELECT detail, times FROM told_of;
SELECT kind, old, new, rule, reason FROM told WHERE kind = 'nearest' AND field = 'business_impact' ORDER BY id DESC LIMIT 1;
UPDATE syncore.field_map SET on_unmapped = 'halt', fallback = NULL WHERE system = 'ann' AND field = 'business_impact';
SELECT in_both('halts', '6');
SELECT detail, hint, times FROM told_of;
SELECT external_id, code, path, message FROM syncore.quarantine_entry;
-- the row is written, what waited goes on
INSERT INTO syncore.value_map (name, external, canonical, direction) VALUES ('ann.impact', '6', 'none', 'in');
SELECT syncore.release(id, 'mapped') FROM syncore.quarantine_entry;
SELECT settles() > 0 AS sent;
SELECT fields FROM at_peers('halts') WHERE system = 'bob';
-- outbound, too: what a product has no word for holds that field there, tells, and lets the others flow
DELETE FROM syncore.value_map WHERE name = 'bob.impact' AND canonical = 'major';
SELECT in_both('five1', '2');
SELECT detail FROM told_of WHERE object = 'bob';
SELECT hears('ann', 'five1', '{"severity": "High"}'), settles();
SELECT fields FROM at_peers('five1') WHERE system = 'bob';

-- CS-08: an admin there adds a tier of his own: the event is held, told once, and neighbours flow; or the default is taken and the other fields of it flow
SELECT n, hears('cyd', 'P' || n, jsonb_build_object('title', 'tier ' || n, 'severity', CASE WHEN n % 2 = 0 THEN 'P0' ELSE 'P1' END)) FROM generate_series(1, 4) n;
SELECT detail, times FROM told_of WHERE object = 'cyd';
SELECT settles() > 0 AS sent;
SELECT fields ->> 'title' AS flowed FROM peer WHERE system = 'bob' AND fields ->> 'title' ~ 'tier' ORDER BY 1;
UPDATE syncore.field_map SET on_unmapped = 'fallback', fallback = 'high' WHERE system = 'cyd' AND field = 'severity';
SELECT hears('cyd', 'P1', '{"title": "tier 1, renamed", "severity": "P0"}'), settles() > 0 AS sent;
SELECT * FROM at_peers('tier 1, renamed');
-- the word that the default stands for is not overwritten there: it is that product's own
SELECT fields ->> 'severity' AS stays FROM peer WHERE system = 'cyd' AND id = 'P1';

-- CS-09: words that sound alike are not taken for one another: Active, Enabled and Open are three words, and none is guessed
UPDATE syncore.field_map SET value_map = system || '.status' WHERE field = 'status' AND system IN ('ann', 'bob');
INSERT INTO syncore.value_map (name, external, canonical) VALUES ('ann.status', 'Open', 'new'), ('ann.status', 'Active', 'in_progress'), ('bob.status', 'Open', 'in_progress');
SELECT w, hears('ann', 'S' || n, jsonb_build_object('title', w, 'status', w)), shown('S' || n) ->> 'status' AS status FROM unnest('{Open,open,Opened,Active,Enabled,ACTIVE}'::text[]) WITH ORDINALITY AS u(w, n) ORDER BY n;
-- and the same word of two products is not the same by itself
SELECT hears('bob', 'SB', '{"title": "bob", "status": "Open"}'), shown('SB') ->> 'status' AS status;
UPDATE syncore.field_map SET value_map = NULL WHERE field = 'status';

-- FM-04: several fields of ours make one there; one of ours is written to several places
CREATE SCHEMA made;
GRANT USAGE ON SCHEMA made TO PUBLIC;
CREATE FUNCTION made.first_name(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT to_jsonb(split_part(value #>> '{}', ' ', 1)) $$;
CREATE FUNCTION made.last_name(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT to_jsonb(split_part(value #>> '{}', ' ', 2)) $$;
CREATE FUNCTION made.named(value jsonb, record jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT to_jsonb(concat_ws(' ', record ->> 'first', record ->> 'last')) $$;
INSERT INTO syncore.field (entity_type, name) VALUES ('incident', 'caller');
SELECT syncore.set_owner('incident', 'caller', NULL) IS NOT NULL AS owned;
INSERT INTO syncore.field_map (system, record_type, field, path, direction, transform_in, transform_out, contract) VALUES
	('ann', 'ticket', 'caller', '/caller', 'both', NULL, NULL, false),
	('bob', 'ticket', 'caller', '/first', 'both', 'made.named', 'made.first_name', false), ('bob', 'ticket', 'caller', '/last', 'out', NULL, 'made.last_name', false),
	('cyd', 'ticket', 'caller', '/contact/name', 'both', NULL, NULL, false), ('cyd', 'ticket', 'caller', '/requester', 'out', NULL, NULL, false);
SELECT hears('ann', 'F1', '{"title": "called", "caller": "Ada Lee"}'), settles();
SELECT * FROM at_peers('called');
-- several there make one of ours, and one call writes all of them
SELECT hears('bob', id, '{"first": "Ben", "last": "Kim"}') FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'called';
SELECT max(n) AS mark FROM peer_log \gset
SELECT settles();
SELECT system, kind, wrote FROM peer_log WHERE n > :mark ORDER BY system;
-- two of ours make one there: the function of each row is shown the whole entity; either is enough to write it anew
CREATE FUNCTION made.whole(value jsonb, entity jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT to_jsonb(concat_ws(' ', entity ->> 'given_name', entity ->> 'family_name')) $$;
INSERT INTO syncore.field (entity_type, name) VALUES ('incident', 'given_name'), ('incident', 'family_name');
SELECT syncore.set_owner('incident', f, NULL) IS NOT NULL AS owned FROM unnest('{given_name,family_name}'::text[]) f;
INSERT INTO syncore.field_map (system, record_type, field, path, direction, transform_in, transform_out, contract) VALUES
	('ann', 'ticket', 'given_name', '/given', 'both', NULL, NULL, false), ('ann', 'ticket', 'family_name', '/family', 'both', NULL, NULL, false),
	('bob', 'ticket', 'given_name', '/whole', 'both', 'made.first_name', 'made.whole', false), ('bob', 'ticket', 'family_name', '/whole', 'both', 'made.last_name', 'made.whole', false);
SELECT hears('ann', 'F2', '{"title": "merged", "given": "Ada", "family": "Lee"}'), settles() > 0 AS sent;
SELECT * FROM at_peers('merged') WHERE system = 'bob';
SELECT hears('ann', 'F2', '{"family": "Byron"}'), settles();
SELECT * FROM at_peers('merged') WHERE system = 'bob';
SELECT hears('bob', id, '{"whole": "Gus Byron"}') FROM peer WHERE system = 'bob' AND fields ->> 'title' = 'merged';
SELECT settles();
SELECT * FROM at_peers('merged') WHERE system <> 'cyd';
-- FM-13: the sheet says of each field whether it is copied, derived or merged
SELECT system, field, treatment, path, written_to FROM syncore.mapping_sheet WHERE system = 'bob' AND treatment <> 'ignored' ORDER BY field, path;

-- CS-11: a ticket that is closed gets the disposition there that its closing means
INSERT INTO syncore.value_map (name, external, canonical) VALUES ('cyd.verdict', 'True Positive: Resolved', 'true positive'), ('cyd.verdict', 'False Positive', 'false positive'), ('ann.code', 'Solved (Permanently)', 'true positive'), ('ann.code', 'Closed/Resolved by Caller', 'false positive');
INSERT INTO syncore.field_map (system, record_type, field, path, value_map, contract) VALUES ('ann', 'ticket', 'disposition', '/close_code', 'ann.code', false), ('cyd', 'ticket', 'disposition', '/verdict', 'cyd.verdict', false);
INSERT INTO syncore.field_map (system, record_type, field, path, contract) SELECT 'cyd', 'ticket', 'status', '/status', false WHERE NOT EXISTS (SELECT FROM syncore.field_map WHERE system = 'cyd' AND field = 'status');
SELECT hears('ann', 'D1', '{"title": "notable", "status": "in_progress"}'), settles() > 0 AS sent;
SELECT hears('ann', 'D1', '{"status": "closed", "close_code": "Solved (Permanently)"}'), settles() > 0 AS sent;
SELECT * FROM at_peers('notable') WHERE system = 'cyd';

-- SE-06: what hangs on a field, before it is changed: maps, value maps, owner, policy, what waits, and how many have it
SELECT * FROM syncore.impact('incident', 'business_impact');

-- CS-10: what is an incident here is a bug or a task there, by condition, and a case comes in as either
INSERT INTO syncore.connector_operation (connector, record_type, operation, method, url, body, body_kind, success, response) SELECT connector, t, operation, method, replace(url, '/ticket', '/' || t), body, body_kind, success, response FROM syncore.connector_operation, unnest('{bug,chore}'::text[]) t WHERE connector = 'toy' AND record_type = 'ticket';
INSERT INTO syncore.record_map (system, record_type, entity_type) VALUES ('bob', 'bug', 'incident'), ('bob', 'chore', 'incident');
INSERT INTO syncore.field_map (system, record_type, field, path) SELECT 'bob', t, f, '/' || f FROM unnest('{bug,chore}'::text[]) t, unnest('{title,description}'::text[]) f;
UPDATE syncore.route SET position = 3 WHERE system = 'bob';
INSERT INTO syncore.route (system, entity_type, position, record_type, condition) VALUES ('bob', 'incident', 1, 'bug', '$.title starts with "bug:"'), ('bob', 'incident', 2, 'chore', '$.title starts with "task:"');
SELECT hears('ann', 'T' || n, jsonb_build_object('title', t)) FROM unnest('{bug: crash,task: order a disk,neither}'::text[]) WITH ORDINALITY AS u(t, n);
SELECT settles() > 0 AS sent;
SELECT k.record_type, e.data ->> 'title' AS title, k.state FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id JOIN syncore.entity e ON e.id = k.entity WHERE y.name = 'bob' AND e.data ->> 'title' IN ('bug: crash', 'task: order a disk', 'neither') ORDER BY 1;
SET client_min_messages = warning;
DROP SCHEMA made CASCADE;
DROP VIEW told_of;
DROP FUNCTION in_both(text, text), at_peers(text), shown(text);
CALL pg_temp.toys_go();
