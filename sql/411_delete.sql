-- A record is deleted in one system: what becomes of the others, by rule and once. DL-01 to DL-04, RS-16, delete_update.
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
INSERT INTO syncore.connector_operation (connector, record_type, operation, method, url, body_kind, success) VALUES ('toy', 'ticket', 'delete', 'DELETE', '/ticket/{link.external_id}', 'none', '{204}');
CREATE VIEW links AS
	SELECT e.data ->> 'title' AS title, y.name AS system, k.state, coalesce(k.external_id, '-') AS record, k.gone_by, k.gone_at IS NOT NULL AS has_time
	FROM syncore.link k JOIN syncore.entity e ON e.id = k.entity JOIN syncore.system y ON y.id = k.system_id;
CREATE FUNCTION deletes(at_system text, record text, who text DEFAULT 'lee') RETURNS text LANGUAGE sql AS $$
	UPDATE peer p SET fields = '{}' WHERE p.system = at_system AND p.id = record;
	SELECT outcome FROM syncore.ingest(at_system, (said(record, 90, '{}', who, record || '.gone') || '{"kind": "delete"}')::text) $$;
-- Serves a call that deletes.
CREATE FUNCTION serves_delete(at_system text, how text DEFAULT '204') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	c record := claims(at_system);
BEGIN
	IF c.call = '' THEN RETURN NULL; END IF;
	IF how IN ('204', 'lost') THEN UPDATE peer p SET fields = '{}' WHERE p.system = at_system AND p.id = c.record; END IF;
	PERFORM test_answer(0, CASE how WHEN 'lost' THEN '[{"lost": "timed out"}]' WHEN 'cut' THEN '[{"lost": "timed out"}]' WHEN 'gone' THEN '[{"status": 404}, {"status": 404}]'
		ELSE jsonb_build_array(jsonb_build_object('status', how::int)) END);
	PERFORM test_record();
	RETURN c.call;
END $$;
CREATE FUNCTION starts(title text, OUT bob text, OUT cyd text) LANGUAGE sql AS $$
	SELECT hears('ann', title, jsonb_build_object('title', title, 'status', 'new'));
	SELECT settles();
	SELECT min(id) FILTER (WHERE system = 'bob'), min(id) FILTER (WHERE system = 'cyd') FROM peer WHERE fields ->> 'title' = title $$;

-- DL-01, DL-02: delete: the others are deleted, each by one call; the tombstone says who and when
UPDATE syncore.entity_type SET on_delete = 'delete' WHERE name = 'incident';
SELECT * FROM starts('one');
SELECT deletes('ann', 'one');
SELECT * FROM links WHERE title = 'one' ORDER BY 2;
SELECT serves_delete('bob'), serves_delete('cyd'), settles() AS calls;
SELECT * FROM links WHERE title = 'one' ORDER BY 2;
SELECT count(*) AS left_there FROM peer WHERE fields <> '{}';
SELECT kind, system, rule, actor, reason FROM told WHERE kind IN ('delete', 'send') AND (kind = 'delete' OR reason ~ 'deleted') ORDER BY id;
SELECT (SELECT count(*) FROM syncore.conflict) AS conflicts, (SELECT count(*) FROM syncore.alert) AS alerts;
-- what is heard of them later makes no record and no error: the echo of our delete, a late edit (DL-03)
SELECT deletes('bob', 'BOB-1', 'syncore'), hears('cyd', 'CYD-1', '{"title": "late"}'), settles() AS calls;
SELECT count(*) AS entities, (SELECT count(*) FROM syncore.delivery) AS deliveries FROM syncore.entity;

-- the answer is lost: it is looked before it is deleted again, whichever way it went
SELECT * FROM starts('two') \gset
SELECT deletes('ann', 'two'), serves_delete('bob', 'lost'), serves_delete('cyd', 'cut');
SELECT serves_delete('bob', 'gone'), serves('cyd'), serves_delete('cyd'), settles() AS calls;
SELECT system, state FROM links WHERE title = 'two' ORDER BY 1;
-- the echo of our delete comes before its answer
SELECT * FROM starts('three') \gset
SELECT deletes('ann', 'three'), serves_delete('cyd');
SELECT c.call FROM claims('bob') c;
SELECT deletes('bob', :'bob', 'syncore');
SELECT test_answer(0, '[{"status": 204}]'), test_record(), settles() AS calls;
SELECT system, state FROM links WHERE title = 'three' ORDER BY 1;
-- it is gone already when we come; a refused delete is a dead letter and deletes nothing
SELECT * FROM starts('four') \gset
SELECT deletes('ann', 'four'), serves_delete('bob', 'gone'), serves_delete('cyd', '403');
SELECT system, state FROM links WHERE title = 'four' ORDER BY 1;
SELECT ref, system, code FROM syncore.dead_letter;
SELECT syncore.retry('cyd'), serves_delete('cyd'), settles();
SELECT system, state FROM links WHERE title = 'four' ORDER BY 1;

-- a record that is only wanted is not made; one that is being made is deleted when it is
SELECT hears('ann', 'five', '{"title": "five", "status": "new"}');
SELECT c.call IS NOT NULL AS creating FROM claims('bob') c;
SELECT deletes('ann', 'five');
SELECT system, state FROM links WHERE title = 'five' ORDER BY 1;
SELECT test_answer(0, '[{"status": 201, "body": {"id": "BOB-five", "v": 1, "by": "syncore", "title": "five", "status": "new"}}]'), test_record();
SELECT serves_delete('bob'), settles() AS calls;
SELECT system, state, record FROM links WHERE title = 'five' ORDER BY 1;

-- a connector that cannot delete: a person is told, and the record stays in step
DELETE FROM syncore.connector_operation WHERE connector = 'toy' AND operation = 'delete';
SELECT * FROM starts('six') \gset
SELECT deletes('ann', 'six'), settles() AS calls;
SELECT system, state FROM links WHERE title = 'six' ORDER BY 1;
SELECT kind, regexp_replace(detail, '\d+', 'N', 'g') AS detail, hint FROM syncore.alert WHERE kind = 'delete';
SELECT code, message, hint FROM syncore.lint('bob') WHERE code = 'delete_unsupported';
INSERT INTO syncore.connector_operation (connector, record_type, operation, method, url, body_kind, success) VALUES ('toy', 'ticket', 'delete', 'DELETE', '/ticket/{link.external_id}', 'none', '{204}');
SELECT count(*) AS told FROM syncore.lint('bob') WHERE code = 'delete_unsupported';

-- DL-02, RS-16, delete_update: bob's people change what ann's delete, and neither has heard of the other: by rule, once, both sides told
CREATE PROCEDURE race(rule text) LANGUAGE plpgsql AS $$
DECLARE
	there record;
BEGIN
	UPDATE syncore.entity_type SET on_delete = rule WHERE name = 'incident';
	SELECT * INTO there FROM starts(rule);
	PERFORM hears('bob', there.bob, '{"severity": "high"}', 'kim');
	PERFORM deletes('ann', rule);
	PERFORM serves_delete('bob') WHERE rule = 'delete';
	PERFORM serves_delete('cyd') WHERE rule = 'delete';
	PERFORM settles();
END $$;
CALL race('unlink');
CALL race('close');
CALL race('recreate');
CALL race('review');
CALL race('delete');
SELECT e.data ->> 'title' AS rule, e.data ->> 'status' AS status, c.kind, c.field, c.state, i.name AS incoming, o.name AS current, c.outcome, c.incoming ->> 'deleted' AS deleted, c.current ->> 'value' AS value
	FROM syncore.entity e LEFT JOIN syncore.conflict c ON c.entity = e.id LEFT JOIN syncore.system i ON i.id = c.incoming_system LEFT JOIN syncore.system o ON o.id = c.current_system
	WHERE e.data ->> 'title' IN ('unlink', 'close', 'recreate', 'review', 'delete') ORDER BY e.id;
SELECT title, string_agg(system || '=' || state::text, ' ' ORDER BY system, record DESC) AS records FROM links WHERE title IN ('unlink', 'close', 'recreate', 'review', 'delete') GROUP BY 1 ORDER BY 1;
SELECT a.level, count(*), sum(a.times) AS times FROM syncore.alert a WHERE a.kind = 'delete_update' GROUP BY 1;
SELECT l.rule, regexp_replace(l.reason, '\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d ', '', 'g') AS reason FROM syncore.ledger l JOIN syncore.entity e ON e.id = l.entity WHERE l.kind = 'conflict' AND e.data ->> 'title' = 'delete';
-- the other way round: bob's edit is heard after ann's deletion, while bob's record waits to be deleted
SELECT * FROM starts('seven') \gset
SELECT deletes('ann', 'seven'), hears('bob', :'bob', '{"severity": "high"}', 'kim');
SELECT serves_delete('bob'), serves_delete('cyd'), settles() AS calls;
SELECT c.kind, c.outcome, c.incoming ->> 'value' AS value, c.current ->> 'system' AS deleted_at FROM syncore.conflict c JOIN syncore.entity e ON e.id = c.entity WHERE e.data ->> 'title' = 'seven';
SELECT system, state FROM links WHERE title = 'seven' ORDER BY 1;
-- (control) who has seen everything deletes without a conflict
SELECT * FROM starts('eight') \gset
SELECT hears('bob', :'bob', '{"severity": "high"}', 'kim'), settles(), deletes('ann', 'eight');
SELECT count(*) AS conflicts FROM syncore.conflict c JOIN syncore.entity e ON e.id = c.entity WHERE e.data ->> 'title' = 'eight';
SELECT serves_delete('bob'), serves_delete('cyd'), settles() AS calls;

-- DL-04: a failure is no deletion: 500, a lost answer, 403, one 404; DL-03: two 404 are, once: one row, no further call, no new record
UPDATE syncore.entity_type SET on_delete = 'review' WHERE name = 'incident';
SELECT * FROM starts('nine') \gset
SELECT hears('bob', :'bob', '{"severity": "low"}', 'kim');
SELECT c.call IS NOT NULL AS called, test_answer(0, '[{"status": 500}]') IS NOT NULL, test_record() FROM claims('ann') c;
SELECT state AS after_500 FROM links WHERE title = 'nine' AND system = 'ann';
SELECT c.call, test_answer(0, '[{"lost": "timed out"}]') IS NOT NULL AS answered, test_record() FROM claims('ann') c;
SELECT state AS after_lost FROM links WHERE title = 'nine' AND system = 'ann';
SELECT settles() > 0 AS sent;
SELECT hears('bob', :'bob', '{"severity": "medium"}', 'kim');
SELECT c.call, test_answer(0, '[{"status": 403}]') IS NOT NULL AS answered, test_record() FROM claims('ann') c;
SELECT state AS after_403, (SELECT count(*) FROM syncore.dead_letter WHERE code = '403') AS dead FROM links WHERE title = 'nine' AND system = 'ann';
SELECT syncore.retry('ann');
SELECT c.call, test_answer(0, jsonb_build_array('{"status": 404}'::jsonb, jsonb_build_object('status', 200, 'body', (SELECT shows(p) FROM peer p WHERE id = 'nine')))) IS NOT NULL AS answered, test_record() FROM claims('ann') c;
SELECT state AS after_one_404 FROM links WHERE title = 'nine' AND system = 'ann';
SELECT settles() > 0 AS sent;
SELECT hears('bob', :'bob', '{"severity": "critical"}', 'kim');
SELECT count(*) AS calls_before FROM told WHERE kind = 'send' AND system = 'ann' \gset
SELECT c.call, test_answer(0, '[{"status": 404}, {"status": 404}]') IS NOT NULL AS answered, test_record() FROM claims('ann') c;
SELECT state, gone_by, has_time FROM links WHERE title = 'nine' AND system = 'ann';
SELECT hears('bob', :'bob', '{"severity": "low"}', 'kim'), hears('cyd', :'cyd', '{"severity": "info"}', 'kim'), settles() > 0 AS sent_to_others;
SELECT count(*) FILTER (WHERE l.kind = 'delete') AS told, (SELECT count(*) FROM told WHERE kind = 'send' AND system = 'ann') - :calls_before AS called FROM syncore.ledger l JOIN syncore.entity e ON e.id = l.entity WHERE e.data ->> 'title' = 'nine';
SELECT count(*) AS records FROM links WHERE title = 'nine' AND system = 'ann';
SELECT ok, what FROM syncore.verify_ledger();
DROP PROCEDURE race(text);
DROP FUNCTION deletes(text, text, text), serves_delete(text, text), starts(text);
DROP VIEW links;
CALL pg_temp.toys_go();
