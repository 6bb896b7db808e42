-- The canonical model that ships: one space, three entity types, their states, who decides what.
-- Shipped rows have fixed numbers below 1000, so that a dump of the data finds them again.

INSERT INTO syncore.space (name, id, title) VALUES ('default', 1, 'where systems live unless told otherwise');
ALTER TABLE syncore.space ALTER COLUMN id RESTART WITH 1000;

-- Whoever holds a group role holds it in this space; other spaces say themselves who may.
INSERT INTO syncore.space_role (space, role, level, shipped) VALUES
	('default', 'syncore_admin', 'admin', true),
	('default', 'syncore_operator', 'operator', true),
	('default', 'syncore_auditor', 'auditor', true),
	('default', 'syncore_ingest', 'ingest', true);

INSERT INTO syncore.entity_type (name, id, title, shipped) VALUES
	('incident', 1, 'tickets, cases, notables, alerts: something that someone must deal with', true),
	('problem', 2, 'the cause behind incidents', true),
	('task', 3, 'work items and issues that are no incidents', true);
ALTER TABLE syncore.entity_type ALTER COLUMN id RESTART WITH 1000;

-- The core that all three share.
INSERT INTO syncore.field (entity_type, name, kind, required, allowed, shipped, note)
SELECT t.name, f.name, f.kind::syncore.field_kind, f.required, f.allowed, true, f.note
FROM syncore.entity_type t,
	(VALUES
		('title', 'text', true, NULL::text[], 'one line'),
		('description', 'rich_text', false, NULL, 'plain text or Markdown'),
		('status', 'state', false, NULL, 'a state of the entity type'),
		('severity', 'rank', false, '{critical,high,medium,low,info}', 'most severe first'),
		('assignee', 'person', false, NULL, 'a person of identity_map'),
		('assignment_group', 'group', false, NULL, 'a group of identity_map'),
		('reporter', 'person', false, NULL, 'a person of identity_map'),
		('tags', 'set', false, NULL, 'labels'),
		('due_at', 'timestamp', false, NULL, NULL),
		('resolution_code', 'text', false, NULL, 'how it ended, in the words of the desk'),
		('resolution_notes', 'rich_text', false, NULL, 'what was done'),
		('url', 'url', false, NULL, 'where people look at it')
	) AS f (name, kind, required, allowed, note)
WHERE t.shipped;

INSERT INTO syncore.field (entity_type, name, kind, shipped, note) VALUES
	('incident', 'disposition', 'text', true, 'true positive, benign, false positive'),
	('incident', 'indicators', 'set', true, 'indicators of compromise'),
	('incident', 'assets', 'set', true, 'what is affected'),
	('problem', 'incidents', 'set', true, 'the incidents that it explains'),
	('problem', 'root_cause', 'rich_text', true, NULL),
	('problem', 'tuning_advice', 'rich_text', true, 'goes back to the system that detects'),
	('task', 'parent', 'reference', true, 'the task above it');

INSERT INTO syncore.state (entity_type, name, category, position, shipped) VALUES
	('incident', 'new', 'open', 1, true),
	('incident', 'in_progress', 'open', 2, true),
	('incident', 'pending', 'waiting', 3, true),
	('incident', 'on_hold', 'waiting', 4, true),
	('incident', 'resolved', 'done', 5, true),
	('incident', 'closed', 'done', 6, true),
	('incident', 'cancelled', 'done', 7, true),
	('problem', 'new', 'open', 1, true),
	('problem', 'in_progress', 'open', 2, true),
	('problem', 'pending', 'waiting', 3, true),
	('problem', 'on_hold', 'waiting', 4, true),
	('problem', 'resolved', 'done', 5, true),
	('problem', 'closed', 'done', 6, true),
	('problem', 'cancelled', 'done', 7, true),
	('task', 'todo', 'open', 1, true),
	('task', 'in_progress', 'open', 2, true),
	('task', 'blocked', 'waiting', 3, true),
	('task', 'done', 'done', 4, true),
	('task', 'cancelled', 'done', 5, true);

-- Work moves freely between open and waiting and may end at any time; what is resolved can be
-- taken up again or closed; the way back from closed and cancelled is entity_type.on_reopen.
INSERT INTO syncore.state_transition (entity_type, from_state, to_state, shipped)
SELECT a.entity_type, a.name, b.name, true
FROM syncore.state a JOIN syncore.state b
	ON b.entity_type OPERATOR(pg_catalog.=) a.entity_type AND b.name OPERATOR(pg_catalog.<>) a.name
WHERE a.category OPERATOR(pg_catalog.<>) 'done'::syncore.state_category
	OR (a.name OPERATOR(pg_catalog.=) 'resolved' AND b.name OPERATOR(pg_catalog.=) ANY (ARRAY['in_progress', 'closed']))
	OR (a.name OPERATOR(pg_catalog.=) 'done' AND b.name OPERATOR(pg_catalog.=) 'in_progress');

-- Every shipped field is shared: all systems write, the policy decides. set_owner() says otherwise.
INSERT INTO syncore.ownership (id, entity_type, field, shipped)
SELECT pg_catalog.row_number() OVER (ORDER BY f.entity_type, f.name), f.entity_type, f.name, true FROM syncore.field f;
ALTER TABLE syncore.ownership ALTER COLUMN id RESTART WITH 1000;

-- People before machines, then the latest; for severity a raise comes before both.
INSERT INTO syncore.policy (id, entity_type, field, position, rule, shipped, note) VALUES
	(1, 'incident', NULL, 1, 'human_wins', true, 'no script undoes what somebody decided'),
	(2, 'incident', NULL, 2, 'last_update_wins', true, 'who spoke last knew most'),
	(3, 'incident', 'severity', 1, 'escalation_wins', true, 'a raise is never undone by someone who had not seen it'),
	(4, 'incident', 'severity', 2, 'human_wins', true, 'no script undoes what somebody decided'),
	(5, 'incident', 'severity', 3, 'last_update_wins', true, 'who spoke last knew most'),
	(6, 'problem', NULL, 1, 'human_wins', true, 'no script undoes what somebody decided'),
	(7, 'problem', NULL, 2, 'last_update_wins', true, 'who spoke last knew most'),
	(8, 'problem', 'severity', 1, 'escalation_wins', true, 'a raise is never undone by someone who had not seen it'),
	(9, 'problem', 'severity', 2, 'human_wins', true, 'no script undoes what somebody decided'),
	(10, 'problem', 'severity', 3, 'last_update_wins', true, 'who spoke last knew most'),
	(11, 'task', NULL, 1, 'human_wins', true, 'no script undoes what somebody decided'),
	(12, 'task', NULL, 2, 'last_update_wins', true, 'who spoke last knew most');
ALTER TABLE syncore.policy ALTER COLUMN id RESTART WITH 1000;
