-- What health needs to know and its reader may not look at himself. Runs as the owner; returns facts, never content.

-- The partitioned tables: how far ahead partitions reach, and whether rows have missed them.
CREATE FUNCTION syncore._partition_state(OUT parent text, OUT covered_until timestamptz, OUT strays boolean) RETURNS SETOF record
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		FOREACH parent IN ARRAY ARRAY['event', 'ledger'] LOOP
			SELECT max(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz) INTO covered_until
				FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
				WHERE i.inhparent = ('syncore.' || parent)::regclass;
			EXECUTE format('SELECT EXISTS (SELECT 1 FROM syncore.%I)', parent || '_default') INTO strays;
			RETURN NEXT;
		END LOOP;
	END
	$$;

-- Is this database the one that may send? Null when it is, else what differs.
CREATE FUNCTION syncore._instance_difference() RETURNS text
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT CASE
			WHEN i.one IS NULL THEN 'No instance is recorded.'
			WHEN i.system_identifier <> c.system_identifier THEN 'The server is another one: this is a copy.'
			WHEN i.database_oid <> d.oid THEN format('The database is another one than "%s": this is a copy.', i.database_name) END
		FROM pg_control_system() c JOIN pg_database d ON d.datname = current_database() LEFT JOIN syncore.instance i ON i.one
	$$;

-- Tables that are not syncore_owner's any more, and triggers that were switched off.
CREATE FUNCTION syncore._tampered() RETURNS TABLE (object text, detail text, fix text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT format('%I.%I', n.nspname, c.relname), format('It belongs to "%s" instead of "syncore_owner".', pg_get_userbyid(c.relowner)),
			format('ALTER TABLE %I.%I OWNER TO syncore_owner;', n.nspname, c.relname)
		FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'syncore'
			JOIN pg_class c ON c.oid = d.objid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND c.relkind IN ('r', 'p')
			AND pg_get_userbyid(c.relowner) <> 'syncore_owner'
		UNION ALL
		SELECT format('%I.%I', n.nspname, c.relname), format('Trigger "%s" is %s.', t.tgname, CASE t.tgenabled WHEN 'D' THEN 'disabled' ELSE 'not ENABLE ALWAYS' END),
			format('ALTER TABLE %I.%I ENABLE ALWAYS TRIGGER %I;', n.nspname, c.relname, t.tgname)
		FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'syncore' AND NOT t.tgisinternal
			AND (t.tgenabled = 'D' OR (t.tgenabled <> 'A' AND (t.tgname = 'config_changed' OR c.relname ~ '^(event|ledger)(_|$)')))
	$$;

-- The last number that was drawn for a row of the ledger.
CREATE FUNCTION syncore._ledger_last() RETURNS bigint
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT last_value FROM syncore.ledger_id_seq $$;
COMMENT ON FUNCTION syncore._ledger_last() IS 'watch: the last number of a row of the ledger';

-- Judges the configuration of systems that are at work: an alert for each that has an error, closed when it has none. health
-- shows these alerts, so that a look at it costs no lint. The janitor runs it when the configuration has changed, and now and
-- then for what time alone makes wrong. Test cases are left to lint() and activate(): they run functions of users.
CREATE FUNCTION syncore._watch_config() RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one record;
		wrong text[] := '{}';
	BEGIN
		FOR one IN
			SELECT y.name::text AS system, s.id AS space, f.codes FROM syncore.system y JOIN syncore.space s ON s.name = y.space
				CROSS JOIN LATERAL (SELECT string_agg(DISTINCT l.code, ', ' ORDER BY l.code) AS codes FROM syncore._lint(ARRAY[y.name::text]) l
					WHERE l.level = 'error' AND NOT (y.mode = 'shadow' AND l.code IN ('credential_missing', 'credential_host'))) f
			WHERE y.mode <> 'draft' AND f.codes IS NOT NULL ORDER BY y.name
		LOOP
			wrong := wrong || ('lint:' || one.system);
			INSERT INTO syncore.alert AS a (space_id, level, kind, cause, object, detail, hint)
				VALUES (one.space, 'warning', 'lint', 'lint:' || one.system, one.system, format('Its configuration has %s.', one.codes), format('SELECT * FROM syncore.lint(%L);', one.system))
				ON CONFLICT (cause) WHERE closed_at IS NULL DO UPDATE SET detail = excluded.detail, last_at = now(), times = a.times + 1 WHERE a.detail <> excluded.detail;
		END LOOP;
		UPDATE syncore.alert SET closed_at = now(), closed_by = 'syncore' WHERE kind = 'lint' AND closed_at IS NULL AND cause <> ALL (wrong);
		RETURN cardinality(wrong);
	END
	$$;
COMMENT ON FUNCTION syncore._watch_config() IS 'watch: raises an alert for each system at work whose configuration has an error, and closes it when it has none; returns how many have';
