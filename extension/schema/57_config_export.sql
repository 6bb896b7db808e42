-- The configuration as text, for version control and for another database: INSERTs in a stable order, without secrets.

-- Columns that are not the configuration's own: numbers, what ships, as whom functions run, what works at the moment.
CREATE FUNCTION syncore._export_columns(table_name text) RETURNS text[]
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
		WHERE a.attrelid = format('syncore.%I', table_name)::regclass AND a.attnum > 0 AND NOT a.attisdropped
			AND a.attname <> ALL (syncore._config_kept() || '{id,integration_actor,clock_offset,paused_mode}'::text[])
	$$;
COMMENT ON FUNCTION syncore._export_columns(text) IS 'configure: columns of a table that are exported, in their order';

-- Does a row belong to a target? A system's value maps are those of its name and those that it uses.
CREATE FUNCTION syncore._is_of_target(table_name text, content jsonb, kind text, id bigint) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT CASE kind
			WHEN 'all' THEN true
			WHEN 'space' THEN coalesce(syncore._config_space(table_name, content) = id, false)
			ELSE coalesce((SELECT y.name = content ->> CASE table_name WHEN 'system' THEN 'name' ELSE 'system' END
					OR (table_name = 'value_map' AND (split_part(content ->> 'name', '.', 1) = y.name
						OR EXISTS (SELECT 1 FROM syncore.field_map m WHERE m.system = y.name AND m.value_map = content ->> 'name')))
				FROM syncore.system y WHERE y.id = _is_of_target.id), false) END
	$$;
COMMENT ON FUNCTION syncore._is_of_target(text, jsonb, text, bigint) IS 'configure: does a row of the configuration belong to a target?';

-- The rows of one table, a statement each; one that is there already is given these values.
CREATE FUNCTION syncore._export_table(table_name text, kind text, id bigint) RETURNS SETOF text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		columns text[] := syncore._export_columns(table_name);
		keys text[] := syncore._config_key(table_name);
		head text;
		tail text;
		contents text;
		sorting text;
		ships boolean;
	BEGIN
		SELECT format('INSERT INTO syncore.%I (%s) VALUES (', table_name, string_agg(quote_ident(c), ', ' ORDER BY n)),
				format(') ON CONFLICT (%s) DO UPDATE SET %s;', (SELECT string_agg(quote_ident(k), ', ') FROM unnest(keys) k),
					string_agg(format('%1$I = EXCLUDED.%1$I', c), ', ' ORDER BY n) FILTER (WHERE c <> ALL (keys))),
				string_agg(format('quote_nullable(t.%I::text)', c), ' || '', '' || ' ORDER BY n)
			INTO head, tail, contents FROM unnest(columns) WITH ORDINALITY AS u (c, n);
		SELECT string_agg(CASE a.atttypid WHEN 'integer'::regtype THEN format('t.%I', k.name) ELSE format('t.%I::text COLLATE "C" NULLS FIRST', k.name) END, ', ' ORDER BY k.n)
			INTO sorting FROM unnest(keys) WITH ORDINALITY AS k (name, n)
				JOIN pg_attribute a ON a.attrelid = format('syncore.%I', table_name)::regclass AND a.attname = k.name;
		ships := EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = format('syncore.%I', table_name)::regclass AND a.attname = 'shipped');
		RETURN QUERY EXECUTE format('SELECT %L || %s || %L FROM syncore.%I t WHERE %s syncore._is_of_target(%L, to_jsonb(t), $1, $2) ORDER BY %s',
			head, contents, tail, table_name, CASE WHEN ships THEN 'NOT t.shipped AND' ELSE '' END, table_name, sorting) USING kind, id;
	END
	$$;
COMMENT ON FUNCTION syncore._export_table(text, text, bigint) IS 'configure: the rows of one table as statements, in a stable order';

-- What ships and was removed here has to go there as well: the history knows it.
CREATE FUNCTION syncore._export_removals() RETURNS SETOF text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one record;
		there boolean;
	BEGIN
		FOR one IN SELECT DISTINCT v.table_name, k.key, k.filter
			FROM syncore.config_version v
				CROSS JOIN LATERAL (SELECT jsonb_object_agg(c, v.old -> c) AS key,
						string_agg(CASE v.old -> c WHEN 'null' THEN format('%I IS NULL', c) ELSE format('%I = %L', c, v.old ->> c) END, ' AND ' ORDER BY n) AS filter
					FROM unnest(syncore._config_key(v.table_name)) WITH ORDINALITY AS u (c, n)) k
			WHERE (v.old ->> 'shipped')::boolean
			ORDER BY v.table_name, k.filter
		LOOP
			EXECUTE format('SELECT EXISTS (SELECT 1 FROM syncore.%I t WHERE to_jsonb(t) @> $1)', one.table_name) INTO there USING one.key;
			IF NOT there THEN
				RETURN NEXT format('DELETE FROM syncore.%I WHERE %s;', one.table_name, one.filter);
			END IF;
		END LOOP;
	END
	$$;
COMMENT ON FUNCTION syncore._export_removals() IS 'configure: shipped rows that were removed, as statements';

CREATE FUNCTION syncore.config_export(target text DEFAULT 'all') RETURNS SETOF text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	-- The text must not depend on how a session likes to see things.
	SET intervalstyle = 'postgres'
	SET datestyle = 'ISO, YMD'
	SET timezone = 'UTC'
	SET extra_float_digits = 1
	AS $$
	DECLARE
		goal record;
		t text;
	BEGIN
		SELECT * INTO goal FROM syncore._resolve_target(target);
		IF goal.kind = 'entity' THEN
			RAISE EXCEPTION 'a record has no configuration' USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Targets are ''all'', ''space:…'' and names of systems.';
		END IF;
		RETURN NEXT format('-- Configuration of syncore: %s. Load it into a database with the same version of the extension.', target);
		IF goal.kind = 'all' THEN
			RETURN QUERY SELECT r.* FROM syncore._export_removals() r;
		END IF;
		FOREACH t IN ARRAY syncore._config_tables() LOOP
			IF t = 'credential' THEN
				RETURN QUERY SELECT format('-- SELECT syncore.set_credential(%L, %L, ''…'', used_for => %L);', c.system, c.kind, c.used_for)
					FROM syncore.credential c JOIN syncore.system y ON y.name = c.system
					WHERE c.state = 'current' AND syncore._is_of_target('system', to_jsonb(y), goal.kind, goal.id)
					ORDER BY c.system::text COLLATE "C", c.used_for COLLATE "C";
			ELSE
				RETURN QUERY SELECT x.* FROM syncore._export_table(t, goal.kind, goal.id) x;
			END IF;
		END LOOP;
	END
	$$;
COMMENT ON FUNCTION syncore.config_export(text) IS
	'configure: the configuration as statements in a stable order, without secrets: the same configuration is the same text, byte by byte; systems arrive in mode draft';
