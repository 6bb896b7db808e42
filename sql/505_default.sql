-- What ships decides: two systems added, nothing more said, and every field that they map has rules that tell two values apart;
-- the rules in plain words, with owner, example and comment; what review suggests. RS-15, RS-17, RS-07.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/toys.sql'
\i :toys
DELETE FROM syncore.system;
-- RS-15: add_system() brings rules along with the map; a list that stands already is left alone, and so is what a second system would bring
SELECT made, object FROM syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com') WHERE made = 'policy';
SELECT syncore.set_policy('incident', 'tags', '{last_update_wins}') IS NOT NULL AS ours;
SELECT made, object FROM syncore.add_system('jira', 'jira', 'https://acme.atlassian.net', settings => '{"project": "OPS", "issue_type": "Bug"}') WHERE made = 'policy';
SELECT field, position, rule FROM syncore.policy WHERE field = 'tags';
DELETE FROM syncore.system WHERE name = 'jira';
DELETE FROM syncore.value_map WHERE name LIKE 'jira.%';
DELETE FROM syncore.policy WHERE field = 'tags';
SELECT made, object FROM syncore.add_system('jira', 'jira', 'https://acme.atlassian.net', settings => '{"project": "OPS", "issue_type": "Bug"}') WHERE made = 'policy';
-- no field without rules, no finding about rules
SELECT DISTINCT m.entity_type, m.field FROM syncore.field_map m WHERE NOT EXISTS (SELECT FROM syncore.policy p WHERE p.entity_type = m.entity_type AND (p.field = m.field OR p.field IS NULL));
SELECT code, object FROM syncore.lint() WHERE code LIKE 'policy%' OR code LIKE 'function%';

-- and they decide: the same ticket in both, an edit of every field in each that the other has not seen (their titles join the two)
UPDATE syncore.system SET mode = 'shadow';
INSERT INTO syncore.identity_map (person, system, external_id) VALUES ('lee', 'snow', 'u1'), ('lee', 'jira', 'j1'), ('kim', 'snow', 'u2'), ('kim', 'jira', 'j2');
CREATE FUNCTION snow(v int, at text, who text, fields jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('table', 'incident', 'sys_id', 'a1', 'number', 'INC1', 'operation', CASE v WHEN 1 THEN 'insert' ELSE 'update' END, 'sys_mod_count', v::text,
		'sys_updated_on', '2026-03-02 ' || at, 'sys_updated_by', who, 'fields', fields) $$;
CREATE FUNCTION jira(at text, who text, fields jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('webhookEvent', 'jira:issue_updated', 'user', jsonb_build_object('accountId', who, 'accountType', 'atlassian'), 'issue',
		jsonb_build_object('id', '7', 'key', 'OPS-7', 'fields', fields || jsonb_build_object('updated', '2026-03-02T' || at || '.000+0000'))) $$;
INSERT INTO syncore.event (system, payload) VALUES
	('snow', snow(1, '10:00:00', 'lee', '{"short_description": "disk", "description": "x", "state": "1", "priority": "3", "assigned_to": "u1", "sys_tags": "vpn"}')),
	('jira', jira('10:00:01', 'j1', '{"summary": "disk", "description": null, "status": {"name": "To Do"}, "priority": {"name": "Medium"}, "assignee": {"accountId": "j1"}, "labels": ["vpn"]}'));
SELECT count(*) AS entities, (SELECT count(*) FROM syncore.link WHERE state = 'active') AS records FROM syncore.entity;
INSERT INTO syncore.event (system, payload) VALUES
	('jira', jira('10:05:00', 'j2', '{"summary": "disk of kim", "description": null, "status": {"name": "In Progress"}, "priority": {"name": "Low"}, "assignee": {"accountId": "j2"}, "labels": ["vpn", "net"]}')),
	('snow', snow(2, '10:05:09', 'system', '{"short_description": "disk of a script", "state": "6", "priority": "1", "assigned_to": "u1", "sys_tags": "vpn, storage"}'));
SELECT field, rule, outcome, reason FROM syncore.conflict ORDER BY field;
SELECT key AS field, value FROM syncore.entity, jsonb_each(data) ORDER BY 1;

-- RS-17: the sheet says it in plain words: whose the field is, the rule, an example, and why it is so
SELECT syncore.set_owner('incident', 'severity', 'snow', on_foreign_write => 'revert') IS NOT NULL AS owner;
\pset format unaligned
SELECT field, position, owner, rule, example, note FROM syncore.policy_sheet WHERE entity_type = 'incident';
\pset format aligned
SELECT count(*) AS rows, count(*) FILTER (WHERE rule IS NULL OR example IS NULL OR note IS NULL) AS unexplained FROM syncore.policy_sheet;
SELECT count(*) AS without_comment FROM pg_attribute a WHERE a.attrelid = 'syncore.policy_sheet'::regclass AND a.attnum > 0 AND col_description(a.attrelid, a.attnum) IS NULL;

-- RS-07: while a person is asked, review says what the other rules would have chosen, by which and why, and to_do is the call that does so
SELECT syncore.set_policy('incident', 'title', '{manual,human_wins,last_update_wins}'), syncore.set_policy('incident', 'description', '{human_wins,manual}');
INSERT INTO syncore.event (system, payload) VALUES
	('jira', jira('10:10:00', 'j2', '{"summary": "a person says", "description": "one person"}')),
	('snow', snow(3, '10:10:09', 'system', '{"short_description": "a script says"}')), ('snow', snow(4, '10:10:10', 'lee', '{"description": "another"}'));
\pset format unaligned
SELECT field, suggestion, regexp_replace(to_do, '\d+', 'N') AS to_do FROM syncore.review WHERE kind = 'conflict' ORDER BY field;
\pset format aligned
SELECT syncore.resolve(id, 'jira', 'as suggested') FROM syncore.review WHERE field = 'title';
SELECT choice, suggestion ->> 'choice' AS suggested, suggestion ->> 'rule' AS by_rule FROM syncore.conflict WHERE field = 'title' AND state = 'resolved';
-- (control) what the rules decide suggests nothing
SELECT count(*) AS decided, count(suggestion) AS with_suggestion FROM syncore.conflict WHERE state = 'decided';
SELECT ok, what FROM syncore.verify_ledger();
DROP FUNCTION snow(int, text, text, jsonb), jira(text, text, jsonb);
CALL pg_temp.toys_go();
