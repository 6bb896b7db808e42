-- A statement larger than the window in which events are decided together: every event is decided once, in the order of arrival.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/toys.sql'
\i :toys
SET work_mem = '64kB'; -- so that the statement's rows are read back from disk
INSERT INTO syncore.event (system, payload, event_id)
SELECT 'ann', said('A' || i % 40, i, CASE WHEN i = 7000 THEN '{"title": {"no": "text"}}' ELSE jsonb_build_object('title', 'number ' || i) END),
	CASE WHEN i = 10025 THEN 'id 5' ELSE 'id ' || i END
FROM generate_series(0, 10029) i;
-- EV-09: the last of each record stands; the poison is set aside, the repeated id is dropped though its first is in another window
SELECT count(*), bool_and((e.data ->> 'title') = 'number ' || (SELECT max(i) FROM generate_series(0, 10029) i WHERE i % 40 = substr(l.external_id, 2)::integer AND i NOT IN (7000, 10025))) AS last_stands
FROM syncore.link l JOIN syncore.entity e ON e.id = l.entity JOIN syncore.system y ON y.id = l.system_id AND y.name = 'ann';
SELECT external_id, code, path FROM syncore.quarantine_entry;
SELECT kind, count(*) FROM syncore.ledger WHERE kind IN ('change', 'duplicate', 'quarantine') AND (field = 'title' OR field IS NULL) GROUP BY kind ORDER BY kind;
SELECT ok FROM syncore.verify_ledger();
CALL pg_temp.toys_go();
