-- The history of the configuration. Runs as the owner: who configures may not write history himself.

-- The space that a configuration row belongs to; null: none, it concerns all.
CREATE FUNCTION syncore._config_space(table_name text, content jsonb) RETURNS integer
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT CASE
			WHEN table_name = 'space' THEN (content ->> 'id')::integer
			WHEN content ->> 'space' IS NOT NULL THEN (SELECT s.id FROM syncore.space s WHERE s.name = content ->> 'space')
			WHEN table_name IN ('credential', 'record_map', 'field_map', 'comment_map', 'identity_map', 'actor', 'route', 'test_case')
				THEN (SELECT s.id FROM syncore.system y JOIN syncore.space s ON s.name = y.space WHERE y.name = content ->> 'system')
			-- A map named after a system is that system's.
			WHEN table_name = 'value_map'
				THEN (SELECT s.id FROM syncore.system y JOIN syncore.space s ON s.name = y.space WHERE y.name = split_part(content ->> 'name', '.', 1))
		END
	$$;

-- Raises SY007 where a change needs a reason and has none.
CREATE FUNCTION syncore._require_reason(space_id integer, reason text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		IF reason IS NULL AND EXISTS (SELECT 1 FROM syncore.space s
			WHERE s.reason_required AND (s.id = space_id OR space_id IS NULL)) THEN
			RAISE EXCEPTION 'this space requires a reason for changes'
				USING ERRCODE = 'SY007', HINT = 'SET LOCAL syncore.change_reason = ''…'';';
		END IF;
	END
	$$;

CREATE FUNCTION syncore._config_version() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	-- What is written is compared later: it must not depend on how a session likes to see intervals and times.
	SET intervalstyle = 'postgres'
	SET timezone = 'UTC'
	AS $$
	DECLARE
		was jsonb;
		becomes jsonb;
		row_key jsonb;
		space integer;
		why text := nullif(current_setting('syncore.change_reason', true), '');
		last_version bigint;
		last_step integer;
		approving integer[];
	BEGIN
		IF syncore._is_restoring() THEN
			RETURN NULL;
		END IF;
		IF TG_OP <> 'INSERT' THEN
			was := syncore._config_content(TG_TABLE_NAME, to_jsonb(OLD));
		END IF;
		IF TG_OP <> 'DELETE' THEN
			becomes := syncore._config_content(TG_TABLE_NAME, to_jsonb(NEW));
		END IF;
		IF was = becomes THEN
			RETURN NULL;
		END IF;
		SELECT jsonb_object_agg(k, coalesce(was, becomes) -> k) INTO row_key FROM unnest(syncore._config_key(TG_TABLE_NAME)) k;
		space := syncore._config_space(TG_TABLE_NAME, coalesce(becomes, was));
		PERFORM syncore._require_reason(space, why);
		approving := syncore._approving_spaces(TG_TABLE_NAME, was, becomes, space);
		IF approving <> '{}' THEN
			PERFORM syncore._refuse_unapproved(TG_TABLE_NAME, was, becomes, approving);
		END IF;

		SELECT v.version, v.step INTO last_version, last_step FROM syncore.config_version v
			WHERE v.txid = pg_current_xact_id() ORDER BY v.step DESC LIMIT 1;
		INSERT INTO syncore.config_version (version, step, space_id, role, session_role, operator, needs_approval, reason, table_name, key, action, old, new)
			VALUES (coalesce(last_version, nextval('syncore.config_version_seq')), coalesce(last_step, 0) + 1, space,
				syncore._caller(), session_user, nullif(current_setting('syncore.operator', true), ''), approving <> '{}', why,
				TG_TABLE_NAME, row_key, lower(TG_OP), was, becomes)
			RETURNING version INTO last_version;
		PERFORM syncore._ledger_append('config', NULL, NULL,
			CASE TG_TABLE_NAME WHEN 'system' THEN (coalesce(becomes, was) ->> 'id')::integer
				ELSE (SELECT y.id FROM syncore.system y WHERE y.name = coalesce(becomes, was) ->> 'system') END,
			coalesce(space, 0), NULL, NULL, TG_TABLE_NAME, was, becomes, lower(TG_OP),
			format('%s %s a row of %s%s', syncore._caller(), CASE TG_OP WHEN 'INSERT' THEN 'added' WHEN 'UPDATE' THEN 'changed' ELSE 'removed' END,
				TG_TABLE_NAME, coalesce(': ' || why, '.')),
			jsonb_build_object('version', last_version, 'key', row_key));
		RETURN NULL;
	END
	$$;

-- Who adds a space administers it, or could not say who else may.
CREATE FUNCTION syncore._space_creator() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		IF NOT syncore._is_restoring() AND NEW.id <> ALL (syncore._spaces_of(syncore._caller(), 'admin')) THEN
			INSERT INTO syncore.space_role (space, role, level, note) VALUES (NEW.name, syncore._caller(), 'admin', 'added the space');
		END IF;
		RETURN NULL;
	END
	$$;
