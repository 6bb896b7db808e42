-- The first partitions, and the record of which database may send. A restore brings both with its data.

DO $first$
DECLARE
	p record;
BEGIN
	IF pg_catalog.current_setting('row_security') OPERATOR(pg_catalog.=) 'off' THEN
		RETURN;
	END IF;
	PERFORM syncore._make_partitions();
	FOR p IN SELECT c.relname FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.inhrelid
		WHERE i.inhparent OPERATOR(pg_catalog.=) ANY (ARRAY['syncore.event'::pg_catalog.regclass, 'syncore.ledger'::pg_catalog.regclass])
			AND c.relname OPERATOR(pg_catalog.<>) ALL (ARRAY['event_default', 'ledger_default'])
	LOOP
		EXECUTE pg_catalog.format('ALTER EXTENSION syncore DROP TABLE syncore.%I', p.relname);
	END LOOP;
	INSERT INTO syncore.instance (system_identifier, database_oid, database_name, note)
		SELECT c.system_identifier, d.oid, d.datname, 'installed here'
		FROM pg_catalog.pg_control_system() c, pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database();
END
$first$;
