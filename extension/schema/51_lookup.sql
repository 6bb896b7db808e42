-- Who is calling, what may be seen, and what a person means by a name. Nothing here is for users.

-- The role whose rights a session claims. Inside SECURITY DEFINER functions current_user is their owner. Refused where the
-- server runs code on behalf of another role (an index expression during ANALYZE): the session is then not its author's.
CREATE FUNCTION syncore._caller() RETURNS name
	AS 'MODULE_PATHNAME', 'syncore_caller' LANGUAGE C STABLE PARALLEL SAFE;

-- pg_dump's output switches row security and function checks off and is loaded by a role that may
-- do everything here anyway. Nobody else passes for it: the owner's rights are needed.
CREATE FUNCTION syncore._is_restoring() RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT current_setting('row_security') = 'off'
			AND current_setting('check_function_bodies') = 'off'
			AND pg_has_role(syncore._caller(), 'syncore_owner', 'MEMBER')
	$$;

-- What somebody may have meant; null when nothing is like it. pg_trgm may live in any schema.
CREATE FUNCTION syncore._suggest(word text, candidates text[]) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		best text;
	BEGIN
		EXECUTE format('SELECT c FROM unnest($2) c WHERE %1$I.similarity(c, $1) > 0.2 OR starts_with(c, $1)
				OR (length(c) = length($1) AND (SELECT count(*) FROM unnest(string_to_array(c, NULL)) x) =
					(SELECT count(*) FROM unnest(string_to_array(c, NULL)) x WHERE strpos($1, x) > 0))
				ORDER BY %1$I.similarity(c, $1) DESC, c LIMIT 1',
			(SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'))
			INTO best USING word, candidates;
		RETURN best;
	END
	$$;

-- Raises 42704 for a name that is not there.
CREATE FUNCTION syncore._raise_unknown(kind text, word text, candidates text[], otherwise text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		best text := syncore._suggest(word, candidates);
	BEGIN
		RAISE EXCEPTION '% "%" does not exist', kind, word
			USING ERRCODE = 'undefined_object',
			      HINT = CASE WHEN best IS NULL THEN otherwise ELSE format('Perhaps you meant "%s".', best) END;
	END
	$$;

-- Spaces in which a role has a level: 'read' (any but ingest), 'operate', 'admin', 'ingest'. Who reads every space
-- also reads what belongs to none: 0 stands for that. Granted to nobody: who asks about himself calls _my_spaces.
CREATE FUNCTION syncore._spaces_of(role name, level text) RETURNS integer[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		wanted syncore.access_level[] := CASE level
			WHEN 'read' THEN '{admin,operator,auditor}'::syncore.access_level[]
			WHEN 'operate' THEN '{admin,operator}'::syncore.access_level[]
			WHEN 'ingest' THEN '{admin,ingest}'::syncore.access_level[]
			ELSE '{admin}'::syncore.access_level[] END;
		numbers integer[];
	BEGIN
		IF (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = role) OR pg_has_role(role, 'syncore_owner', 'USAGE') THEN
			SELECT array_agg(s.id) INTO numbers FROM syncore.space s;
		ELSE
			SELECT array_agg(DISTINCT s.id) INTO numbers
			FROM syncore.space s
				JOIN syncore.space_role a ON a.space = s.name AND a.level = ANY (wanted)
				JOIN pg_roles r ON r.rolname = a.role
			WHERE pg_has_role(_spaces_of.role, r.oid, 'USAGE');
		END IF;
		numbers := coalesce(numbers, '{}');
		IF level = 'read' AND NOT EXISTS (SELECT 1 FROM syncore.space s WHERE s.id <> ALL (numbers)) THEN
			numbers := 0 || numbers;
		END IF;
		RETURN numbers;
	END
	$$;

-- The same by name, for tables that carry names.
CREATE FUNCTION syncore._space_names_of(role name, level text) RETURNS text[]
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT coalesce(array_agg(s.name::text), '{}') FROM syncore.space s
		WHERE s.id = ANY (syncore._spaces_of(role, level))
	$$;

-- Names of the systems of those spaces.
CREATE FUNCTION syncore._systems_of(role name, level text) RETURNS text[]
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT coalesce(array_agg(y.name::text), '{}')
		FROM syncore.system y JOIN syncore.space s ON s.name = y.space
		WHERE s.id = ANY (syncore._spaces_of(role, level))
	$$;

-- The three for the role in force, whoever that is: what row security asks. Nobody learns about another role.
CREATE FUNCTION syncore._my_spaces(level text) RETURNS integer[]
	AS 'MODULE_PATHNAME', 'syncore_my_spaces' LANGUAGE C STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp;
CREATE FUNCTION syncore._my_space_names(level text) RETURNS text[]
	AS 'MODULE_PATHNAME', 'syncore_my_space_names' LANGUAGE C STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp;
CREATE FUNCTION syncore._my_systems(level text) RETURNS text[]
	AS 'MODULE_PATHNAME', 'syncore_my_systems' LANGUAGE C STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp;

-- Rows that belong to no space concern all of them: only who administers every space may write them.
CREATE FUNCTION syncore._has_space_beyond(spaces integer[]) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT EXISTS (SELECT 1 FROM syncore.space s WHERE s.id <> ALL (spaces)) $$;
CREATE FUNCTION syncore._administers_all() RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT NOT syncore._has_space_beyond(syncore._my_spaces('admin')) $$;

-- Is there a system of that name, wherever? Names are unique in the database, so that much is no secret.
CREATE FUNCTION syncore._is_system(name text) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT EXISTS (SELECT 1 FROM syncore.system y WHERE y.name = _is_system.name) $$;

-- Does a system of a space that is none of these use a connection? Null: nobody uses it.
CREATE FUNCTION syncore._is_connection_beyond(connection text, spaces text[], except_system text) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT bool_or(y.space <> ALL (spaces)) FROM syncore.system y
		WHERE y.connection = _is_connection_beyond.connection AND y.name <> except_system $$;

-- Raises 42501 unless the caller has the level in that space (null: in all of them).
CREATE FUNCTION syncore._require(space_id integer, level text, object text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		IF (CASE WHEN space_id IS NULL
				THEN NOT EXISTS (SELECT 1 FROM syncore.space s WHERE s.id <> ALL (syncore._spaces_of(syncore._caller(), level)))
				ELSE space_id = ANY (syncore._spaces_of(syncore._caller(), level)) END) THEN
			RETURN;
		END IF;
		RAISE EXCEPTION 'permission denied for %', object
			USING ERRCODE = 'insufficient_privilege',
			      DETAIL = format('Role "%s" has no level "%s" in %s.', syncore._caller(),
			                      CASE level WHEN 'operate' THEN 'operator' ELSE level END,
			                      CASE WHEN space_id IS NULL THEN 'every space'
			                          -- the name is for who may know of it
			                          ELSE coalesce((SELECT format('space "%s"', s.name) FROM syncore.space s
			                              WHERE s.id = space_id AND s.id = ANY (syncore._spaces_of(syncore._caller(), 'read'))), 'its space') END),
			      HINT = 'An administrator of the space adds a row to syncore.space_role.';
	END
	$$;

-- One system by name; 42704 when there is none.
CREATE FUNCTION syncore._system(name text) RETURNS syncore.system
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		this syncore.system;
	BEGIN
		SELECT * INTO this FROM syncore.system y WHERE y.name = _system.name;
		IF this.name IS NULL THEN
			PERFORM syncore._raise_unknown('system', name, (SELECT array_agg(y.name::text) FROM syncore.system y),
				'SELECT name FROM syncore.system lists them; syncore.add_system() makes one.');
		END IF;
		RETURN this;
	END
	$$;

-- Number of a space by name; 42704 when there is none.
CREATE FUNCTION syncore._space_id(name text) RETURNS integer
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		number integer;
	BEGIN
		SELECT s.id INTO number FROM syncore.space s WHERE s.name = _space_id.name;
		IF number IS NULL THEN
			PERFORM syncore._raise_unknown('space', name, (SELECT array_agg(s.name::text) FROM syncore.space s),
				'SELECT name FROM syncore.space lists them.');
		END IF;
		RETURN number;
	END
	$$;

-- How people name an entity: the key of its first record that has one, else its number.
CREATE FUNCTION syncore._ref(entity bigint) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT coalesce((
			SELECT coalesce(l.external_key, y.name || ':' || l.external_id)
			FROM syncore.link l JOIN syncore.system y ON y.id = l.system_id
			WHERE l.entity = _ref.entity AND l.external_id IS NOT NULL
			ORDER BY l.state = 'tombstone', l.external_key IS NULL, y.rank, l.id LIMIT 1), entity::text)
	$$;

-- Every entity that a reference may mean, with how to say it unmistakably. At most 10.
CREATE FUNCTION syncore._candidates(ref text) RETURNS TABLE (entity bigint, called text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		prefix text := split_part(ref, ':', 1);
		rest text := substr(ref, length(prefix) + 2);
	BEGIN
		RETURN QUERY SELECT DISTINCT ON (c.entity) c.entity, c.called FROM (
			SELECT e.id AS entity, 'entity ' || e.id AS called, 1 AS rank FROM syncore.entity e
				WHERE e.id = CASE WHEN ref ~ '^[0-9]{1,18}$' THEN ref::bigint END
			UNION ALL
			(SELECT l.entity, y.name || ':' || coalesce(l.external_key, l.external_id), 2
				FROM syncore.link l JOIN syncore.system y ON y.id = l.system_id
				WHERE l.external_key = ref AND l.entity IS NOT NULL LIMIT 10)
			UNION ALL
			(SELECT l.entity, y.name || ':' || l.external_id, 3
				FROM syncore.system y JOIN syncore.record_map m ON m.system = y.name
					JOIN syncore.link l ON l.system_id = y.id AND l.record_type = m.record_type AND l.external_id = ref
				WHERE l.entity IS NOT NULL LIMIT 10)
			UNION ALL
			(SELECT l.entity, y.name || ':' || l.external_key, 2
				FROM syncore.system y JOIN syncore.link l ON l.system_id = y.id AND l.external_key = rest
				WHERE rest <> '' AND y.name = prefix AND l.entity IS NOT NULL LIMIT 10)
			UNION ALL
			(SELECT l.entity, y.name || ':' || l.external_id, 3
				FROM syncore.system y JOIN syncore.record_map m ON m.system = y.name
					JOIN syncore.link l ON l.system_id = y.id AND l.record_type = m.record_type AND l.external_id = rest
				WHERE rest <> '' AND y.name = prefix AND l.entity IS NOT NULL LIMIT 10)
		) c ORDER BY c.entity, c.rank LIMIT 10;
	END
	$$;

-- Keys near to one that is not there, by the index on keys: never a scan.
CREATE FUNCTION syncore._near_keys(ref text) RETURNS text[]
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT array_agg(k.external_key) FROM (
			(SELECT l.external_key FROM syncore.link l WHERE l.external_key >= ref ORDER BY l.external_key LIMIT 25)
			UNION ALL
			(SELECT l.external_key FROM syncore.link l WHERE l.external_key < ref ORDER BY l.external_key DESC LIMIT 25)
			UNION ALL
			(SELECT l.external_key FROM syncore.link l WHERE l.external_key >= left(ref, 3) ORDER BY l.external_key LIMIT 25)
		) k
	$$;

-- The one entity that a reference means: its number, system:key, or a bare key. Joined entities lead to the one that stands.
CREATE FUNCTION syncore._resolve_ref(ref text) RETURNS bigint
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		entities bigint[];
		names text[];
		number bigint;
		joined bigint;
		prefix text := split_part(ref, ':', 1);
	BEGIN
		SELECT array_agg(c.entity ORDER BY c.entity), array_agg(c.called ORDER BY c.entity)
			INTO entities, names FROM syncore._candidates(ref) c;
		IF cardinality(entities) > 1 THEN
			RAISE EXCEPTION 'record "%" is ambiguous', ref
				USING ERRCODE = 'SY002', DETAIL = format('It may be %s.', array_to_string(names, ' or ')), HINT = 'Write system:key.';
		ELSIF entities IS NULL THEN
			IF strpos(ref, ':') > 0 AND NOT EXISTS (SELECT 1 FROM syncore.system y WHERE y.name = prefix) THEN
				PERFORM syncore._system(prefix);
			END IF;
			PERFORM syncore._raise_unknown('record', ref, syncore._near_keys(ref),
				'Write a number of syncore.entity, system:key, or a key such as INC0012345.');
		END IF;
		number := entities[1];
		LOOP
			SELECT e.merged_into INTO joined FROM syncore.entity e WHERE e.id = number;
			EXIT WHEN joined IS NULL;
			number := joined;
		END LOOP;
		RETURN number;
	END
	$$;

-- What a target means: kind 'all', 'space', 'system' or 'entity', and its number.
CREATE FUNCTION syncore._resolve_target(target text, OUT kind text, OUT id bigint)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		IF target = 'all' THEN
			kind := 'all';
		ELSIF starts_with(target, 'space:') THEN
			kind := 'space';
			id := syncore._space_id(substr(target, 7));
		ELSE
			SELECT 'system', y.id INTO kind, id FROM syncore.system y WHERE y.name = target;
			IF kind IS NULL THEN
				IF target ~ '^[a-z][a-z0-9_]*$' AND NOT EXISTS (SELECT 1 FROM syncore._candidates(target)) THEN
					PERFORM syncore._system(target);
				END IF;
				kind := 'entity';
				id := syncore._resolve_ref(target);
			END IF;
		END IF;
	END
	$$;
