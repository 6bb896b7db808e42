-- The configuration as it was: what lies between two versions, and the way back. They run with the caller's rights.

-- Tables of the configuration, each after those that it refers to.
CREATE FUNCTION syncore._config_tables() RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT '{space,space_role,connector,connector_operation,connector_event,connector_template,system,credential,entity_type,field,state,
			state_transition,record_map,field_map,value_map,comment_map,identity_map,actor,ownership,policy,match_rule,route,alert_route,
			test_case}'::text[]
	$$;
COMMENT ON FUNCTION syncore._config_tables() IS 'configure: tables of the configuration, each after those that it refers to';

-- A row without columns that say nothing about what is configured. Numbers count only where data refer to them.
CREATE FUNCTION syncore._config_bare(table_name text, content jsonb, without text[]) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT content - without - CASE WHEN table_name IN ('space', 'system', 'entity_type', 'credential') THEN '{}'::text[] ELSE '{id}' END
	$$;
COMMENT ON FUNCTION syncore._config_bare(text, jsonb, text[]) IS 'configure: a row without the columns that are not compared';

-- What makes two contents the same row: the number that data refer to, else the key.
CREATE FUNCTION syncore._config_identity(table_name text, content jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT CASE WHEN table_name IN ('space', 'system', 'entity_type') THEN jsonb_build_object('id', content -> 'id')
			ELSE (SELECT jsonb_object_agg(k, content -> k) FROM unnest(syncore._config_key(table_name)) k) END
	$$;
COMMENT ON FUNCTION syncore._config_identity(text, jsonb) IS 'configure: what makes two contents the same row';

-- The rows that differ between two versions. Each step of the history takes one content away and puts another: what is left
-- when both are offset against each other is the difference, whatever was changed to and fro in between.
CREATE FUNCTION syncore._config_net(from_version bigint, to_version bigint, without text[])
	RETURNS TABLE (table_name text, old jsonb, new jsonb)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH step AS (
			SELECT v.table_name, syncore._config_bare(v.table_name, v.old, without) AS old, syncore._config_bare(v.table_name, v.new, without) AS new
			FROM syncore.config_version v WHERE v.version > from_version AND (to_version IS NULL OR v.version <= to_version)
		), gone AS (
			SELECT g.*, syncore._config_identity(g.table_name, g.content) AS identity FROM (
				SELECT s.table_name, s.old AS content FROM step s WHERE s.old IS NOT NULL
				EXCEPT ALL SELECT s.table_name, s.new FROM step s WHERE s.new IS NOT NULL) g
		), come AS (
			SELECT c.*, syncore._config_identity(c.table_name, c.content) AS identity FROM (
				SELECT s.table_name, s.new AS content FROM step s WHERE s.new IS NOT NULL
				EXCEPT ALL SELECT s.table_name, s.old FROM step s WHERE s.old IS NOT NULL) c
		)
		SELECT coalesce(g.table_name, c.table_name), g.content, c.content
		FROM gone g FULL JOIN come c ON c.table_name = g.table_name AND c.identity = g.identity
	$$;
COMMENT ON FUNCTION syncore._config_net(bigint, bigint, text[]) IS 'configure: the rows that differ between two versions';

-- The same column by column, as a person reads it.
CREATE FUNCTION syncore._config_difference(from_version bigint, to_version bigint, without text[])
	RETURNS TABLE (table_name text, key jsonb, column_name text, old jsonb, new jsonb)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT n.table_name, k.key, c.name, nullif(n.old -> c.name, 'null'), nullif(n.new -> c.name, 'null')
		FROM syncore._config_net(from_version, to_version, without) n
			CROSS JOIN LATERAL (SELECT jsonb_object_agg(x, coalesce(n.old, n.new) -> x) AS key FROM unnest(syncore._config_key(n.table_name)) x) k
			CROSS JOIN LATERAL jsonb_object_keys(coalesce(n.old, n.new)) AS c (name)
		WHERE coalesce(n.old -> c.name, 'null') <> coalesce(n.new -> c.name, 'null')
		ORDER BY array_position(syncore._config_tables(), n.table_name), k.key::text COLLATE "C", c.name COLLATE "C"
	$$;
COMMENT ON FUNCTION syncore._config_difference(bigint, bigint, text[]) IS 'configure: the columns that differ between two versions';

-- Raises 42704 for a version that is still to come, or that the caller cannot see. 0 is the configuration as it was installed.
CREATE FUNCTION syncore._check_version(version bigint) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		last_version bigint := coalesce((SELECT max(v.version) FROM syncore.config_version v), 0);
	BEGIN
		IF version IS NULL OR version < 0 OR version > last_version THEN
			RAISE EXCEPTION 'version % does not exist', coalesce(version::text, 'null')
				USING ERRCODE = 'undefined_object', DETAIL = format('The last one is %s; 0 is the configuration as it was installed.', last_version),
				      HINT = 'SELECT version, at, role, reason FROM syncore.config_history lists them.';
		END IF;
	END
	$$;
COMMENT ON FUNCTION syncore._check_version(bigint) IS 'configure: raises unless there is such a version';

CREATE FUNCTION syncore.config_diff(from_version bigint, to_version bigint DEFAULT NULL)
	RETURNS TABLE (table_name text, key jsonb, column_name text, old jsonb, new jsonb)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		PERFORM syncore._check_version(from_version), CASE WHEN to_version IS NOT NULL THEN syncore._check_version(to_version) END;
		IF to_version < from_version THEN
			RETURN QUERY SELECT d.table_name, d.key, d.column_name, d.new, d.old
				FROM syncore._config_difference(to_version, from_version, '{shipped}') d;
		ELSE
			RETURN QUERY SELECT * FROM syncore._config_difference(from_version, to_version, '{shipped}');
		END IF;
	END
	$$;
COMMENT ON FUNCTION syncore.config_diff(bigint, bigint) IS
	'configure: what differs between the configuration after one version and after another (empty: now), column by column; a row that was added has no old, one that was removed no new values';

-- What a restore does not compare: whether a system or a space works at all, who ships a row, as whom functions run.
CREATE FUNCTION syncore._config_kept() RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT '{mode,create_after,paused,shipped,run_as}'::text[] $$;
COMMENT ON FUNCTION syncore._config_kept() IS 'configure: columns that a restore leaves as they are';

CREATE FUNCTION syncore.config_restore(version bigint, dry_run boolean DEFAULT true)
	RETURNS TABLE (table_name text, key jsonb, column_name text, old jsonb, new jsonb)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET intervalstyle = 'postgres'
	SET timezone = 'UTC'
	AS $$
	DECLARE
		left_over record;
		said text := nullif(current_setting('syncore.change_reason', true), '');
	BEGIN
		PERFORM syncore._check_version(version);
		RETURN QUERY SELECT d.table_name, d.key, d.column_name, d.new, d.old
			FROM syncore._config_difference(version, NULL, syncore._config_kept()) d WHERE d.table_name <> 'credential';
		-- Only who says so plainly changes anything.
		IF dry_run IS NOT false THEN
			RETURN;
		END IF;
		-- Where a reason is required a person gives it.
		IF said IS NOT NULL OR NOT EXISTS (SELECT 1 FROM syncore.space s WHERE s.reason_required) THEN
			PERFORM set_config('syncore.change_reason', concat_ws(': ', format('back to version %s', version), said), true);
		END IF;
		PERFORM syncore._config_removable(version);
		PERFORM syncore._config_rename(version);
		PERFORM syncore._config_remove(version);
		PERFORM syncore._config_put(version);
		PERFORM set_config('syncore.change_reason', coalesce(said, ''), true);
		-- Row security passes over a row in silence; a restore that is not whole is none.
		SELECT d.* INTO left_over FROM syncore._config_difference(version, NULL, syncore._config_kept()) d WHERE d.table_name <> 'credential' LIMIT 1;
		IF FOUND THEN
			RAISE EXCEPTION 'version % cannot be restored', version
				USING ERRCODE = 'insufficient_privilege',
				      DETAIL = format('The row of %s with key %s is not yours to change.', left_over.table_name, left_over.key),
				      HINT = 'Rows of no space concern all of them: ask somebody who administers every space.';
		END IF;
	END
	$$;
COMMENT ON FUNCTION syncore.config_restore(bigint, boolean) IS
	'configure: makes the configuration what it was after a version, in one transaction, as a change of its own; says what would change and changes it unless dry_run; modes, pauses and credentials stay';

-- What has records stays: they, and what the ledger says of them, are about it. Raises when a version lacks such a thing.
CREATE FUNCTION syncore._config_removable(version bigint) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one record;
		there bigint;
	BEGIN
		FOR one IN SELECT n.table_name, n.new ->> 'name' AS name, (n.new ->> 'id')::integer AS id FROM syncore._config_net(version, NULL, syncore._config_kept()) n
			WHERE n.table_name IN ('system', 'space', 'entity_type') AND n.old IS NULL
			ORDER BY array_position(syncore._config_tables(), n.table_name) DESC, 2
		LOOP
			there := CASE one.table_name
				WHEN 'system' THEN (SELECT count(*) FROM (SELECT FROM syncore.link l WHERE l.system_id = one.id LIMIT 1001) x)
				WHEN 'space' THEN (SELECT count(*) FROM (SELECT FROM syncore.entity e WHERE e.space_id = one.id LIMIT 1001) x)
				ELSE (SELECT count(*) FROM (SELECT FROM syncore.entity e WHERE e.entity_type_id = one.id LIMIT 1001) x) END;
			IF there > 0 THEN
				RAISE EXCEPTION 'version % cannot be restored: it has no % "%", which has records', version, replace(one.table_name, '_', ' '), one.name
					USING ERRCODE = 'dependent_objects_still_exist',
					      DETAIL = format('It has %s, which would be about nothing, as would their history.', CASE WHEN there > 1000 THEN 'more than 1000' ELSE there::text END),
					      HINT = format('Restore a version that has it: SELECT * FROM syncore.config_restore(%s);%s', (SELECT max(v.version) FROM syncore.config_version v
					      		WHERE v.table_name = one.table_name AND v.action = 'insert' AND v.new ->> 'id' = one.id::text),
					      	CASE one.table_name WHEN 'system' THEN format(' One that is to work no more is taken out of use: SELECT syncore.activate(%L, ''draft'');', one.name) ELSE '' END);
			END IF;
		END LOOP;
	END
	$$;
COMMENT ON FUNCTION syncore._config_removable(bigint) IS 'configure: raises when a version lacks a system, space or type that has records';

-- First names: foreign keys pass them on, and each row that they reach is a step of the history, too.
CREATE FUNCTION syncore._config_rename(version bigint) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one record;
	BEGIN
		FOR one IN SELECT n.table_name, n.old ->> 'name' AS name, n.old -> 'id' AS id
			FROM syncore._config_net(version, NULL, syncore._config_kept()) n
			WHERE n.table_name IN ('space', 'system', 'entity_type') AND n.old ->> 'name' <> n.new ->> 'name'
			ORDER BY array_position(syncore._config_tables(), n.table_name), 3
		LOOP
			EXECUTE format('UPDATE syncore.%I t SET name = $1 WHERE to_jsonb(t.id) = $2', one.table_name) USING one.name, one.id;
		END LOOP;
	END
	$$;
COMMENT ON FUNCTION syncore._config_rename(bigint) IS 'configure: gives spaces, systems and types the names of a version';

-- Then what was not there, from the leaves to the root. Accounts of people go in both cases: two may have changed places.
CREATE FUNCTION syncore._config_remove(version bigint) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one record;
	BEGIN
		FOR one IN SELECT n.table_name, syncore._config_identity(n.table_name, n.new) AS identity
			FROM syncore._config_net(version, NULL, syncore._config_kept()) n
			WHERE n.new IS NOT NULL AND (n.old IS NULL OR n.table_name = 'identity_map') AND n.table_name <> 'credential'
			ORDER BY array_position(syncore._config_tables(), n.table_name) DESC, 2
		LOOP
			EXECUTE format('DELETE FROM syncore.%I t WHERE to_jsonb(t) @> $1', one.table_name) USING one.identity;
		END LOOP;
	END
	$$;
COMMENT ON FUNCTION syncore._config_remove(bigint) IS 'configure: removes the rows that a version did not have';

-- Last what was there, from the root to the leaves: added again, or given its old values.  A function runs as who had written its
-- row, where who restores may act as that role: nobody gets his run as a superuser by having his row restored.
CREATE FUNCTION syncore._config_put(version bigint) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one record;
	BEGIN
		FOR one IN SELECT n.table_name, n.old, n.new, syncore._config_identity(n.table_name, n.old) AS identity,
				(SELECT string_agg(quote_ident(k), ', ' ORDER BY k) FROM jsonb_object_keys(n.old) k
					WHERE k <> 'run_as' AND (n.new IS NULL OR n.old -> k IS DISTINCT FROM n.new -> k)) AS columns
			FROM syncore._config_net(version, NULL, array_remove(syncore._config_kept(), 'run_as')) n
			WHERE n.old IS NOT NULL AND n.table_name <> 'credential'
			ORDER BY array_position(syncore._config_tables(), n.table_name), 4
		LOOP
			CONTINUE WHEN one.columns IS NULL;
			EXECUTE format(CASE WHEN one.new IS NULL THEN 'INSERT INTO syncore.%1$I (%2$s) SELECT %2$s FROM jsonb_populate_record(NULL::syncore.%1$I, $1)'
					ELSE 'UPDATE syncore.%1$I t SET (%2$s) = (SELECT %2$s FROM jsonb_populate_record(NULL::syncore.%1$I, $1)) WHERE to_jsonb(t) @> $2' END,
				one.table_name, one.columns) USING one.old, one.identity;
			IF one.old ? 'run_as' THEN
				EXECUTE format('UPDATE syncore.%I t SET run_as = $1 WHERE to_jsonb(t) @> $2 AND t.run_as <> $1', one.table_name)
					USING (one.old ->> 'run_as')::name, one.identity;
			END IF;
		END LOOP;
	END
	$$;
COMMENT ON FUNCTION syncore._config_put(bigint) IS 'configure: adds the rows of a version that are missing, and gives others its values';
