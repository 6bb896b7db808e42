-- Conflicts, agreement, and what each system was last known to hold.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/toys.sql'
\i :toys
CREATE VIEW clashes AS SELECT c.field, c.kind, i.name AS incoming, c.incoming AS said, s.name AS current, c.current AS stands, c.rule, c.outcome, c.state
	FROM syncore.conflict c JOIN syncore.system i ON i.id = c.incoming_system JOIN syncore.system s ON s.id = c.current_system ORDER BY c.id;
-- three records of one subject: the second and third adopt the links that the routes had asked for
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 1, '{"title": "Disk full", "severity": "medium", "status": "new"}'));
INSERT INTO syncore.event (system, payload) VALUES ('bob', said('B1', 1, '{"title": "disk full", "severity": "medium", "status": "new"}'));
INSERT INTO syncore.event (system, payload) VALUES ('cyd', said('C1', 1, '{"title": "Disk full ", "severity": "medium", "status": "new"}'));
SELECT count(*) AS entities, (SELECT count(*) FROM syncore.link WHERE state = 'active') AS links FROM syncore.entity;

-- VC-03: different fields are no conflict
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 2, '{"severity": "high"}')), ('bob', said('B1', 2, '{"description": "from bob"}'));
SELECT data ->> 'severity' AS severity, data ->> 'description' AS description FROM syncore.entity;
SELECT count(*) FROM clashes WHERE field IN ('severity', 'description');

-- VC-04: the same value from both sides is agreement
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 3, '{"status": "in_progress"}')), ('bob', said('B1', 3, '{"status": "in_progress"}'));
SELECT count(*) FROM clashes WHERE field = 'status';
SELECT kind, system, field, new FROM told WHERE field = 'status' ORDER BY id DESC LIMIT 2;

-- VC-02, RS-02: two systems, two values, neither had seen the other: escalation wins, whatever the order
SELECT syncore.set_policy('incident', 'severity', '{escalation_wins,last_update_wins}') IS NOT NULL AS policy;
INSERT INTO syncore.event (system, payload) VALUES ('bob', said('B1', 4, '{"severity": "critical"}')), ('cyd', said('C1', 5, '{"severity": "low"}'));
SELECT data ->> 'severity' AS severity FROM syncore.entity;
SELECT field, kind, incoming, said, current, stands, rule, outcome, state FROM clashes WHERE field = 'severity';

-- VC-05: what each system was last known to hold
SELECT y.name, k.shadow::text::jsonb -> 'severity' -> 'held' ->> 'value' AS held FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id ORDER BY 1;

-- the same in the other order, on another record: the same winner (R8)
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A2', 1, '{"title": "Two", "severity": "medium"}'));
INSERT INTO syncore.event (system, payload) VALUES ('bob', said('B2', 1, '{"title": "Two", "severity": "medium"}'));
INSERT INTO syncore.event (system, payload) VALUES ('cyd', said('C2', 5, '{"title": "Two", "severity": "low"}'));
INSERT INTO syncore.event (system, payload) VALUES ('bob', said('B2', 4, '{"severity": "critical"}'));
SELECT data ->> 'severity' AS severity FROM syncore.entity WHERE data ->> 'title' = 'Two';
SELECT ok, what FROM syncore.verify_ledger();
DROP VIEW clashes;
CALL pg_temp.toys_go();
