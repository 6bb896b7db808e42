-- An event that fails where nothing was foreseen: what is decided with it is tried again in halves until it is alone. VQ-04, cancel_in_batch.
-- Here a superuser's constraint on the entity stands for the unforeseen.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/toys.sql'
\i :toys
ALTER TABLE syncore.entity ADD CONSTRAINT unforeseen CHECK (data ->> 'title' <> 'poison');
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('K', 1, '{"title": "known", "severity": "low"}', eid => 'k1'));
-- two hundred records, two of them poison; and four events of a known one, the third of which is
INSERT INTO syncore.event (system, payload)
SELECT 'ann', said('A' || i, 1, jsonb_build_object('title', CASE WHEN i IN (50, 151) THEN 'poison' ELSE 'record ' || i END), eid => 'a' || i) FROM generate_series(1, 200) i
UNION ALL
SELECT 'ann', said('K', 1 + i, CASE i WHEN 3 THEN '{"title": "poison", "severity": "critical"}' ELSE jsonb_build_object('severity', (ARRAY['info', 'medium', '', 'high'])[i]) END, eid => 'k' || 1 + i) FROM generate_series(1, 4) i;
SELECT count(*) AS entities, (SELECT count(*) FROM syncore.link WHERE state = 'active') AS links, (SELECT count(*) FROM syncore.delivery) AS deliveries FROM syncore.entity;
SELECT external_id, code, message, hint FROM syncore.quarantine_entry ORDER BY id;
-- in the order they came, without the bad one
SELECT field, old, new FROM told t WHERE kind = 'change' AND (SELECT entity FROM syncore.ledger l WHERE l.id = t.id) = 1 ORDER BY id;
SELECT data, revision FROM syncore.entity WHERE id = 1;
-- nothing of the poison is left, and each id was counted once
SELECT count(*) AS of_poison FROM syncore.link WHERE external_id IN ('A50', 'A151');
SELECT count(*) AS keys, sum(repeated) AS repeated FROM syncore.event_key;
SELECT ok, what FROM syncore.verify_ledger();
-- what no event can be blamed for ends the statement: nothing of it stays, nobody is in quarantine for it
CREATE FUNCTION public.broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF NEW.data ->> 'title' = 'out of space' THEN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER broken BEFORE INSERT ON syncore.entity FOR EACH ROW EXECUTE FUNCTION public.broken();
INSERT INTO syncore.event (system, payload)
SELECT 'ann', said('B' || i, 1, jsonb_build_object('title', CASE i WHEN 5 THEN 'out of space' ELSE 'again ' || i END), eid => 'b' || i) FROM generate_series(1, 10) i;
SELECT (SELECT count(*) FROM syncore.event WHERE external_id LIKE 'B%') AS events, (SELECT count(*) FROM syncore.quarantine_entry) AS quarantined, (SELECT count(*) FROM syncore.entity WHERE data ->> 'title' LIKE 'again%') AS entities;
-- (control) with space again it is taken whole
DROP TRIGGER broken ON syncore.entity;
INSERT INTO syncore.event (system, payload)
SELECT 'ann', said('B' || i, 1, jsonb_build_object('title', CASE i WHEN 5 THEN 'out of space' ELSE 'again ' || i END), eid => 'b' || i) FROM generate_series(1, 10) i;
SELECT count(*) AS taken FROM syncore.link WHERE external_id LIKE 'B%';
-- released when the cause is gone
ALTER TABLE syncore.entity DROP CONSTRAINT unforeseen;
SELECT count(syncore.release(id, 'cause removed')) AS released FROM syncore.quarantine;
SELECT count(*) AS entities_called_poison FROM syncore.entity WHERE data ->> 'title' = 'poison';
SELECT data ->> 'severity' AS severity FROM syncore.entity WHERE id = 1;
SELECT ok, what FROM syncore.verify_ledger();
CALL pg_temp.toys_go();
DROP FUNCTION public.broken();
