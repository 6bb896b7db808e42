-- The rows of connector "jira": what its payloads say, how its records are read, what is written to it.
-- FM-01, FM-02, FM-06, FM-07, EV-01: samples in, canonical values and write values out.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
RESET client_min_messages;
CREATE SCHEMA jira_test;
SET search_path = jira_test;
\getenv top PG_ABS_SRCDIR
\set shipped :top '/sql/include/shipped.sql'
\i :shipped

-- 1. Webhooks. The order of their statements is fields.updated; the header is the same over retries.
SELECT jsonb_pretty(shape('jira', '{"timestamp": 1772289121847, "webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_generic",
	"user": {"accountId": "5b10a2844c20165700ede21g", "displayName": "Ada Example", "accountType": "atlassian", "active": true},
	"issue": {"id": "10002", "key": "ITSM-7", "fields": {"summary": "VPN gateway drops sessions", "updated": "2026-02-28T14:32:01.847+0000",
	"status": {"id": "3", "name": "In Progress"}, "priority": {"id": "2", "name": "High"}, "assignee": null, "labels": ["vpn"]}},
	"changelog": {"id": "10124", "items": []}}', '{"x-atlassian-webhook-identifier": "wh-1"}') #- '{record}');
SELECT shape('jira', '{"timestamp": 1772289121847, "webhookEvent": "comment_created", "issue": {"id": "21487", "key": "OPS-9"},
	"comment": {"id": "18395", "author": {"accountId": "ada"}, "updateAuthor": {"accountId": "ada"}, "created": "2023-04-27T22:12:46.451+0300",
	"updated": "2023-04-27T22:12:46.451+0300", "body": {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "rebooted"}]}]}}}');
-- Rich text may come as text, too.
SELECT shape('jira', '{"webhookEvent": "comment_updated", "issue": {"id": "21487"}, "comment": {"id": "18395", "author": {"accountId": "ada"},
	"created": "2023-04-27T22:12:46.451+0300", "updated": "2023-04-27T22:13:46.451+0300", "body": "rebooted twice"}}') #> '{comments,0,body}';
SELECT shape('jira', '{"timestamp": 1772289121847, "webhookEvent": "comment_deleted", "issue": {"id": "21487"}, "comment": {"id": "18395"}}') - 'record';
SELECT shape('jira', '{"timestamp": 1772289121847, "webhookEvent": "jira:issue_deleted", "issue": {"id": "21487", "key": "OPS-9"}, "user": {"accountId": "ada"}}') - 'record';
-- An event that no row reads is not an error of the record.
SELECT shape('jira', '{"webhookEvent": "sprint_closed"}') ->> 'kind' AS kind;

-- 2. A whole issue.
CREATE TEMP TABLE record AS SELECT '{"id": "10002", "key": "ITSM-7", "fields": {"summary": "VPN gateway drops sessions", "updated": "2026-02-28T14:32:01.847+0000",
	"description": {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "since noon"}]}]},
	"status": {"id": "3", "name": "In Progress"}, "priority": {"id": "2", "name": "High"},
	"assignee": {"accountId": "5137153cc611227c000bbd1bd8cd2005"}, "labels": ["vpn", "bug"]}}'::jsonb AS r;
SELECT core_read(spec('jira', f.field, f.path), r, true) FROM record, (VALUES (1, 'title', '/fields/summary'), (2, 'description', '/fields/description'),
	(3, 'status', '/fields/status/name'), (4, 'severity', '/fields/priority/name'), (5, 'assignee', '/fields/assignee/accountId'),
	(6, 'tags', '/fields/labels')) AS f(n, field, path) ORDER BY f.n;
-- Nobody is assigned: said, and empty.
SELECT core_read(spec('jira', 'assignee', '/fields/assignee/accountId'), '{"fields": {"assignee": null}}', true);

-- 3. Seven states on four: the second column is what the nearest state would lose (kept by stickiness, not by the map).
SELECT s.name, down.v AS external, up.v AS comes_back_as FROM syncore.state s
	CROSS JOIN LATERAL (SELECT core_down(spec('jira', 'status', '/fields/status/name'), to_jsonb(s.name::text), NULL)) AS down(v)
	CROSS JOIN LATERAL (SELECT core_read(spec('jira', 'status', '/fields/status/name'), jsonb_build_object('fields', jsonb_build_object('status',
		jsonb_build_object('name', down.v::jsonb))), true)) AS up(v)
WHERE s.entity_type = 'incident' ORDER BY s.position;
SELECT s.name, core_down(spec('jira', 'severity', '/fields/priority/name'), to_jsonb(s.name), NULL)
FROM unnest(ARRAY['critical', 'high', 'medium', 'low', 'info']) WITH ORDINALITY AS s(name, n) ORDER BY s.n;
SELECT core_down(spec('jira', 'description', '/fields/description'), '"since noon"', NULL), core_down(spec('jira', 'description', '/fields/description'), 'null', NULL);
