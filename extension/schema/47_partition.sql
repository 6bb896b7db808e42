-- Partitions of event (weeks) and ledger (months), in UTC. The janitor calls this; so does the script, once.
-- They are no members of the extension: a dump brings its own, whatever the month in which it is restored.

CREATE FUNCTION syncore._make_partition(parent text, from_time timestamptz, to_time timestamptz) RETURNS boolean
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		name text := format('%s_%s', parent, to_char(from_time AT TIME ZONE 'UTC', CASE parent WHEN 'ledger' THEN 'YYYYMM' ELSE 'YYYYMMDD' END));
	BEGIN
		IF to_regclass('syncore.' || name) IS NOT NULL THEN
			RETURN false;
		END IF;
		EXECUTE format('CREATE TABLE syncore.%I (LIKE syncore.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING INDEXES)',
			name, parent || '_default');
		EXECUTE format('ALTER TABLE syncore.%I ATTACH PARTITION syncore.%I FOR VALUES FROM (%L) TO (%L)', parent, name, from_time, to_time);
		EXECUTE format('COMMENT ON TABLE syncore.%I IS %L', name, format('%s from %s to %s', parent, from_time::date, to_time::date));
		IF parent = 'ledger' THEN
			PERFORM syncore._guard_partition(format('syncore.%I', name)::regclass);
		END IF;
		RETURN true;
	EXCEPTION WHEN check_violation OR lock_not_available OR invalid_object_definition THEN
		-- Rows of that time are in the default partition already, or somebody holds a lock: health tells, and it is tried again.
		RAISE WARNING 'could not make partition "%"', name USING ERRCODE = SQLSTATE, DETAIL = SQLERRM;
		RETURN false;
	END
	$$;
COMMENT ON FUNCTION syncore._make_partition(text, timestamptz, timestamptz) IS 'run: makes one partition of event or ledger; false when it is there or cannot be made now';

-- Runs as the owner of the tables: workers may not create tables.
CREATE FUNCTION syncore._make_partitions() RETURNS integer
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	SET lock_timeout = '1s'
	AS $$
	DECLARE
		made integer := 0;
	BEGIN
		FOR ahead IN 0..3 LOOP
			made := made + syncore._make_partition('event', date_trunc('week', now()) + ahead * interval '1 week',
				date_trunc('week', now()) + (ahead + 1) * interval '1 week')::integer;
		END LOOP;
		FOR ahead IN 0..2 LOOP
			made := made + syncore._make_partition('ledger', date_trunc('month', now()) + ahead * interval '1 month',
				date_trunc('month', now()) + (ahead + 1) * interval '1 month')::integer;
		END LOOP;
		RETURN made;
	END
	$$;
COMMENT ON FUNCTION syncore._make_partitions() IS 'run: makes the partitions of event and ledger that are needed next; returns how many';
