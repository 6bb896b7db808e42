-- The engine writes entities, links, deliveries and ledger rows by hand: what a DBA adds to those tables is heeded all the same.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/toys.sql'
\i :toys
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 1, '{"title": "One", "severity": "low"}'));

-- row triggers of both kinds, before and after
CREATE TABLE fired (n integer GENERATED ALWAYS AS IDENTITY, what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	INSERT INTO public.fired (what) VALUES (concat_ws(' ', TG_WHEN, TG_OP, CASE WHEN TG_TABLE_NAME LIKE 'ledger%' THEN 'ledger' ELSE TG_TABLE_NAME END));
	RETURN NEW;
END $$;
DO $$
DECLARE
	t text;
BEGIN
	FOREACH t IN ARRAY ARRAY['entity', 'link', 'delivery', 'ledger', 'event_key'] LOOP
		EXECUTE format('CREATE TRIGGER z_before BEFORE INSERT OR UPDATE ON syncore.%I FOR EACH ROW EXECUTE FUNCTION note()', t);
		EXECUTE format('CREATE TRIGGER z_after AFTER INSERT OR UPDATE ON syncore.%I FOR EACH ROW EXECUTE FUNCTION note()', t);
	END LOOP;
END $$;
-- a delivery that waits is not written to; a dead one is
UPDATE syncore.delivery SET state = 'dead';
TRUNCATE fired;
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 2, '{"severity": "high"}'));
SELECT DISTINCT what FROM fired ORDER BY 1;
TRUNCATE fired;
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A2', 1, '{"title": "Two"}'));
SELECT DISTINCT what FROM fired ORDER BY 1;
DROP FUNCTION note() CASCADE;
DROP TABLE fired;

-- a check that is added, changed and dropped within one session: what was made ready of it is made anew
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A3', 1, '{"title": "Three"}'));
ALTER TABLE syncore.link ADD CONSTRAINT no_four CHECK (external_id <> 'A4');
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A4', 1, '{"title": "Four"}')), ('ann', said('A5', 1, '{"title": "Five"}'));
SELECT external_id, code, message FROM syncore.quarantine_entry ORDER BY id;
ALTER TABLE syncore.link DROP CONSTRAINT no_four;
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A4', 2, '{"title": "Four"}'));
SELECT external_id FROM syncore.link WHERE external_id IN ('A4', 'A5') ORDER BY 1;

-- columns that come and go, and an index made anew, move nothing
ALTER TABLE syncore.entity ADD COLUMN mine text;
UPDATE syncore.entity SET mine = 'changed' WHERE data ->> 'title' = 'One';
ALTER TABLE syncore.link ADD COLUMN passing integer;
ALTER TABLE syncore.link DROP COLUMN passing;
REINDEX TABLE syncore.link;
INSERT INTO syncore.event (system, payload) VALUES ('ann', said('A1', 3, '{"severity": "critical"}')), ('ann', said('A6', 1, '{"title": "Six"}'));
SELECT data ->> 'title' AS title, data ->> 'severity' AS severity, mine FROM syncore.entity WHERE data ->> 'title' IN ('One', 'Six') ORDER BY 1;
SELECT ok FROM syncore.verify_ledger();

CALL pg_temp.toys_go();
