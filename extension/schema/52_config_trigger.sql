-- What happens when a configuration row is written: it is checked, versioned and told in the ledger.
-- A row that a restore loads is none of this: it takes the place of a shipped one and is otherwise left alone.
-- The triggers themselves are made in 92_trigger.sql, after the rows that ship.

-- The columns that name a row to a person; numbers drawn by sequences are not among them.
CREATE FUNCTION syncore._config_key(table_name text) RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT CASE table_name
			WHEN 'space' THEN '{name}'::text[]
			WHEN 'space_role' THEN '{space,role,level}'
			WHEN 'connector' THEN '{name}'
			WHEN 'connector_operation' THEN '{connector,record_type,operation,position}'
			WHEN 'connector_event' THEN '{connector,position}'
			WHEN 'connector_template' THEN '{connector,position}'
			WHEN 'system' THEN '{name}'
			WHEN 'credential' THEN '{id}'
			WHEN 'entity_type' THEN '{name}'
			WHEN 'field' THEN '{entity_type,name}'
			WHEN 'state' THEN '{entity_type,name}'
			WHEN 'state_transition' THEN '{entity_type,from_state,to_state}'
			WHEN 'record_map' THEN '{system,record_type,entity_type}'
			WHEN 'field_map' THEN '{system,record_type,entity_type,field,path}'
			WHEN 'value_map' THEN '{name,external,canonical,qualifier,direction}'
			WHEN 'comment_map' THEN '{system,record_type,channel}'
			WHEN 'identity_map' THEN '{system,external_id}'
			WHEN 'actor' THEN '{system,pattern}'
			WHEN 'ownership' THEN '{space,entity_type,field}'
			WHEN 'policy' THEN '{space,entity_type,field,position}'
			WHEN 'match_rule' THEN '{space,entity_type,position}'
			WHEN 'route' THEN '{system,entity_type,position}'
			WHEN 'alert_route' THEN '{space,name}'
			WHEN 'test_case' THEN '{name}'
		END
	$$;

-- What of a row is history: without what workers note in it, and without where a secret is kept.
CREATE FUNCTION syncore._config_content(table_name text, content jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT content - CASE table_name
			WHEN 'system' THEN '{integration_actor,clock_offset,paused_mode}'::text[]
			WHEN 'credential' THEN '{reference,settings,last_used,fingerprint}'
			ELSE '{}' END
	$$;

-- The versions of a function, of those that take so many arguments of jsonb, that are declared VOLATILE.
CREATE FUNCTION syncore._volatile_versions(function_name text, fewest integer, most integer) RETURNS SETOF regprocedure
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE n.nspname = split_part(function_name, '.', 1) AND p.proname = split_part(function_name, '.', 2) AND p.prokind = 'f'
			AND p.provolatile = 'v' AND p.pronargs - p.pronargdefaults <= most AND p.pronargs >= fewest
			AND NOT EXISTS (SELECT FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, n)
				WHERE a.n <= most AND a.type NOT IN ('jsonb'::regtype, 'anyelement'::regtype, 'anynonarray'::regtype, 'anycompatible'::regtype))
	$$;
COMMENT ON FUNCTION syncore._volatile_versions(text, integer, integer) IS 'configure: versions of a function that rules or maps would call and that may write';

-- Raises unless the caller may run a function of that name that takes what it is called with.
CREATE FUNCTION syncore._check_function(function_name text, purpose text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		known integer;
		allowed integer;
		fewest integer := CASE WHEN purpose LIKE 'transform%' THEN 1 ELSE 3 END;
		most integer := CASE WHEN purpose LIKE 'transform%' THEN 2 ELSE 4 END;
	BEGIN
		IF function_name IS NULL THEN
			RETURN;
		END IF;
		SELECT count(*), count(*) FILTER (WHERE has_function_privilege(p.oid, 'EXECUTE') AND has_schema_privilege(n.oid, 'USAGE'))
			INTO known, allowed
			FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
			WHERE n.nspname = split_part(function_name, '.', 1) AND p.proname = split_part(function_name, '.', 2) AND p.prokind = 'f';
		IF known = 0 THEN
			RAISE EXCEPTION 'function "%" does not exist', function_name
				USING ERRCODE = 'undefined_function', DETAIL = format('It is named as %s.', purpose),
				      HINT = 'Create it first, and write its schema: schema.name.';
		ELSIF NOT EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
				WHERE n.nspname = split_part(function_name, '.', 1) AND p.proname = split_part(function_name, '.', 2) AND p.prokind = 'f' AND NOT p.proretset
					AND p.pronargs - p.pronargdefaults <= most AND p.pronargs >= fewest
					AND NOT EXISTS (SELECT FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, n)
						WHERE a.n <= most AND a.type NOT IN ('jsonb'::regtype, 'anyelement'::regtype, 'anynonarray'::regtype, 'anycompatible'::regtype))) THEN
			RAISE EXCEPTION 'function "%" does not take these arguments', function_name
				USING ERRCODE = 'undefined_function', DETAIL = format('As %s it is called with %s.', purpose, CASE most WHEN 4 THEN 'two versions and the entity, or these and all versions' ELSE 'the value, or the value and the record' END),
				      HINT = CASE most WHEN 4 THEN 'CREATE FUNCTION … (a jsonb, b jsonb, entity jsonb) RETURNS integer, or (a jsonb, b jsonb, entity jsonb, versions jsonb).' ELSE 'CREATE FUNCTION … (value jsonb) RETURNS jsonb, or (value jsonb, record jsonb).' END;
		ELSIF EXISTS (SELECT FROM syncore._volatile_versions(function_name, fewest, most)) THEN
			-- What is declared to change nothing is held to it by the server; VOLATILE may write, and its answer may differ each time.
			RAISE EXCEPTION 'function "%" is declared VOLATILE', function_name
				USING ERRCODE = 'invalid_function_definition', DETAIL = format('As %s it may only look and compute: a function that may write, or that answers anew each time, is not called.', purpose),
				      HINT = (SELECT string_agg(format('ALTER FUNCTION %s STABLE;', v), ' ' ORDER BY v::text) FROM syncore._volatile_versions(function_name, fewest, most) v);
		ELSIF allowed = 0 THEN
			RAISE EXCEPTION 'permission denied for function "%"', function_name
				USING ERRCODE = 'insufficient_privilege', DETAIL = format('It would run as "%s", who wrote the row.', current_user),
				      HINT = format('GRANT EXECUTE ON FUNCTION %s TO %I;', function_name, current_user);
		END IF;
	END
	$$;

-- Settings of a system against what its connector declares: no unknown key, no wrong type. What is missing, lint says.
CREATE FUNCTION syncore._check_settings(connector text, settings jsonb) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		declared jsonb;
		setting record;
		wanted text;
	BEGIN
		SELECT c.settings INTO declared FROM syncore.connector c WHERE c.name = connector;
		IF declared IS NULL THEN
			RETURN;
		END IF;
		FOR setting IN SELECT * FROM jsonb_each(settings) LOOP
			IF NOT declared ? setting.key THEN
				RAISE EXCEPTION 'connector "%" has no setting "%"', connector, setting.key
					USING ERRCODE = 'invalid_parameter_value',
					      DETAIL = format('It has: %s.', coalesce((SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(declared) k), 'none')),
					      HINT = coalesce('Perhaps you meant "' || syncore._suggest(setting.key, ARRAY(SELECT jsonb_object_keys(declared))) || '".',
					                      format('SELECT settings FROM syncore.connector WHERE name = %L;', connector));
			END IF;
			wanted := CASE declared -> setting.key ->> 'type' WHEN 'integer' THEN 'number' WHEN 'text' THEN 'string' ELSE declared -> setting.key ->> 'type' END;
			IF jsonb_typeof(setting.value) <> 'null' AND wanted IN ('string', 'number', 'boolean', 'object', 'array')
				AND jsonb_typeof(setting.value) <> wanted THEN
				RAISE EXCEPTION 'setting "%" of connector "%" must be a %', setting.key, connector, declared -> setting.key ->> 'type'
					USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It is a %s.', jsonb_typeof(setting.value)),
					      HINT = coalesce(declared -> setting.key ->> 'title', 'Write it as JSON of that type.');
			END IF;
		END LOOP;
	END
	$$;

-- A shipped row changes only with the extension, and only it ships rows.
CREATE FUNCTION syncore._config_shipped() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		IF syncore._is_restoring() THEN
			RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
		END IF;
		IF TG_OP <> 'INSERT' AND OLD.shipped AND TG_ARGV[0] = 'locked' THEN
			RAISE EXCEPTION 'row belongs to connector "%" and is shipped', to_jsonb(OLD) ->> CASE TG_TABLE_NAME WHEN 'connector' THEN 'name' ELSE 'connector' END
				USING ERRCODE = 'SY009', HINT = 'Change the rows of your system.';
		END IF;
		IF TG_OP = 'DELETE' THEN
			RETURN OLD;
		END IF;
		-- From here on it is the user's, and is dumped; a rename that a foreign key passes on changes nothing.
		IF TG_OP = 'INSERT' OR to_jsonb(NEW) <> to_jsonb(OLD) THEN
			NEW.shipped := false;
		END IF;
		RETURN NEW;
	END
	$$;

-- Functions named in rows exist, and run as who named them there.
CREATE FUNCTION syncore._config_run_as() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		content jsonb := to_jsonb(NEW);
	BEGIN
		IF syncore._is_restoring() THEN
			RETURN NEW;
		END IF;
		-- A rename that a foreign key passes on runs as the owner of the tables; nobody's functions may.
		IF TG_OP = 'UPDATE' AND current_user <> syncore._caller() THEN
			NEW.run_as := OLD.run_as;
			RETURN NEW;
		-- Nothing but the role is changed, by somebody who may act as that role; a superuser may name one that is gone.
		ELSIF TG_OP = 'UPDATE' AND NEW.run_as <> OLD.run_as AND content - 'run_as' = to_jsonb(OLD) - 'run_as'
			AND coalesce((SELECT pg_has_role(current_user, r.oid, 'MEMBER') FROM pg_roles r WHERE r.rolname = NEW.run_as),
				(SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user)) THEN
			RETURN NEW;
		-- Whoever else edits the row does not lend his rights to a function that he did not name.
		ELSIF TG_OP = 'INSERT' OR NEW.run_as <> OLD.run_as
			OR EXISTS (SELECT FROM unnest('{transform_in,transform_out,function}'::text[]) f WHERE content -> f <> to_jsonb(OLD) -> f) THEN
			NEW.run_as := current_user;
		END IF;
		PERFORM syncore._check_function(content ->> 'transform_in', 'transform_in'),
			syncore._check_function(content ->> 'transform_out', 'transform_out'),
			syncore._check_function(content ->> 'function', 'the rule''s function');
		RETURN NEW;
	END
	$$;

-- What would lead out of a space: another one's connection has its credential; plain http, private addresses and files of
-- the server concern them all. Raises 42501 unless the caller administers every space concerned.
CREATE FUNCTION syncore._check_walls(new syncore.system, old syncore.system) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		beyond boolean;
	BEGIN
		IF new.connection IS DISTINCT FROM old.connection THEN
			beyond := syncore._is_connection_beyond(new.connection, syncore._my_space_names('admin'), new.name);
			IF beyond IS NULL AND new.connection <> new.name THEN
				PERFORM syncore._raise_unknown('connection', new.connection, syncore._my_systems('admin'),
					'A connection bears the name of a system; leave it out to have one of its own.');
			ELSIF beyond THEN
				RAISE EXCEPTION 'permission denied for connection "%"', new.connection
					USING ERRCODE = 'insufficient_privilege', DETAIL = 'A system of another space uses it: its credential would be shared.',
					      HINT = 'Only who administers both spaces can join them in one connection.';
			END IF;
		END IF;
		IF ((new.allow_http AND old.allow_http IS NOT TRUE) OR (new.allow_private AND old.allow_private IS NOT TRUE)
				OR new.ca_file IS DISTINCT FROM old.ca_file) AND NOT syncore._administers_all() THEN
			RAISE EXCEPTION 'permission denied to set allow_http, allow_private or ca_file of system "%"', new.name
				USING ERRCODE = 'insufficient_privilege', DETAIL = 'They open the server''s own network and files, which all spaces share.',
				      HINT = 'Ask somebody who administers every space.';
		END IF;
	END
	$$;

-- Raises SY001 for a system that would begin to sync a field of which nobody has said whose it is: activate() asks lint() for
-- more, but by no door does a field flow that has no owner.
CREATE FUNCTION syncore._require_owners(system text, space text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		errors text[] := ARRAY(SELECT DISTINCT format('field "%s" of %s has no owner', m.field, m.entity_type)
			FROM syncore.field_map m WHERE m.system = _require_owners.system AND m.direction <> 'none'
				AND NOT EXISTS (SELECT 1 FROM syncore.ownership o WHERE o.entity_type = m.entity_type AND o.field = m.field
					AND (o.space IS NULL OR o.space = _require_owners.space)) ORDER BY 1);
	BEGIN
		IF errors <> '{}' THEN
			RAISE EXCEPTION 'system "%" cannot be activated: % %', system, cardinality(errors), CASE WHEN cardinality(errors) = 1 THEN 'error' ELSE 'errors' END
				USING ERRCODE = 'SY001', DETAIL = array_to_string(errors, E'\n'), HINT = format('SELECT * FROM syncore.lint(%L);', system);
		END IF;
	END
	$$;
COMMENT ON FUNCTION syncore._require_owners(text, text) IS 'configure: raises where a field without owner would be synced';

-- At the end of the transaction, so that map and owner may be written in either order: what a system that is at work syncs
-- has an owner, whether the map is new or the owner is gone.
CREATE FUNCTION syncore._config_owned() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		type text := CASE TG_TABLE_NAME WHEN 'ownership' THEN OLD.entity_type ELSE NEW.entity_type END;
		called text := CASE TG_TABLE_NAME WHEN 'ownership' THEN OLD.field ELSE NEW.field END;
		one record;
	BEGIN
		IF syncore._is_restoring() THEN
			RETURN NULL;
		END IF;
		SELECT y.name, y.mode INTO one FROM syncore.field_map m JOIN syncore.system y ON y.name = m.system
			WHERE m.entity_type = type AND m.field = called AND m.direction <> 'none' AND y.mode <> 'draft'
				AND NOT EXISTS (SELECT FROM syncore.ownership o WHERE o.entity_type = m.entity_type AND o.field = m.field AND (o.space IS NULL OR o.space = y.space))
			ORDER BY y.name LIMIT 1;
		IF FOUND THEN
			RAISE EXCEPTION 'system "%" cannot sync field "%": it has no owner', one.name, called
				USING ERRCODE = 'SY001', DETAIL = format('The system is in mode %s, and no row of ownership says whose field "%s" of %s is.', one.mode, called, type),
				      HINT = format('In the same transaction: SELECT syncore.set_owner(%L, %L, NULL);  -- NULL: shared, the policy decides', type, called);
		END IF;
		RETURN NULL;
	END
	$$;
COMMENT ON FUNCTION syncore._config_owned() IS 'configure: trigger: what a system that is at work syncs has an owner';

-- A system's settings fit its connector; its connection is itself unless told otherwise; the day it was first activated is kept.
CREATE FUNCTION syncore._config_system() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		NEW.connection := coalesce(NEW.connection, NEW.name);
		IF syncore._is_restoring() THEN
			RETURN NEW;
		END IF;
		IF TG_OP = 'INSERT' OR NEW.settings <> OLD.settings OR NEW.connector <> OLD.connector THEN
			PERFORM syncore._check_settings(NEW.connector, NEW.settings);
		END IF;
		PERFORM syncore._check_walls(NEW, CASE TG_OP WHEN 'UPDATE' THEN OLD END);
		IF TG_OP = 'UPDATE' AND OLD.mode IN ('draft', 'shadow') AND NEW.mode IN ('shadow', 'active') AND NEW.mode <> OLD.mode THEN
			PERFORM syncore._require_owners(NEW.name, NEW.space);
		END IF;
		IF NEW.mode = 'active' AND (TG_OP = 'INSERT' OR OLD.mode <> 'active') THEN
			PERFORM syncore._require_approval(NEW.name, NEW.space);
		END IF;
		IF NEW.mode = 'active' AND NEW.create_after IS NULL THEN
			NEW.create_after := now();
		END IF;
		RETURN NEW;
	END
	$$;

-- A row that a restore loads where the script has shipped one: it takes that one's place.
CREATE FUNCTION syncore._restore_row() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		columns text;
		touched bigint;
	BEGIN
		IF NOT syncore._is_restoring() THEN
			RETURN NEW;
		END IF;
		SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO columns
			FROM pg_attribute a WHERE a.attrelid = TG_RELID AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '';
		EXECUTE format('UPDATE %1$s AS t SET (%2$s) = (SELECT %2$s FROM (SELECT ($1).*) n) WHERE %3$s', TG_RELID::regclass, columns,
			(SELECT string_agg(format('t.%1$I IS NOT DISTINCT FROM ($1).%1$I', k), ' AND ') FROM unnest(TG_ARGV) k)) USING NEW;
		GET DIAGNOSTICS touched = ROW_COUNT;
		RETURN CASE WHEN touched = 0 THEN NEW END;
	END
	$$;

-- A shipped row that the dumped database had removed or renamed is removed here too: its history says so.
CREATE FUNCTION syncore._restore_removal() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		IF syncore._is_restoring() AND (NEW.old ->> 'shipped')::boolean
			AND (NEW.action = 'delete' OR NOT NEW.new @> NEW.key) THEN
			EXECUTE format('DELETE FROM syncore.%I t WHERE t.shipped AND to_jsonb(t) @> $1', NEW.table_name) USING NEW.key;
		END IF;
		RETURN NEW;
	END
	$$;

-- A field map names a field that is there, spells values in a way that there is, and writes notes only outward.
CREATE FUNCTION syncore._config_field_map() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		target syncore.field;
	BEGIN
		IF syncore._is_restoring() THEN
			RETURN NEW;
		END IF;
		SELECT * INTO target FROM syncore.field f WHERE f.entity_type = NEW.entity_type AND f.name = NEW.field;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'field "%" of % does not exist', NEW.field, NEW.entity_type
				USING ERRCODE = 'undefined_object', DETAIL = format('A row for %s of system "%s" maps it.', NEW.record_type, NEW.system),
				      HINT = coalesce('Perhaps you meant "' || syncore._suggest(NEW.field, ARRAY(SELECT f.name::text FROM syncore.field f WHERE f.entity_type = NEW.entity_type)) || '".',
				                      format('INSERT INTO syncore.field (entity_type, name) VALUES (%L, %L);', NEW.entity_type, NEW.field));
		ELSIF NEW.write_as = 'note' AND NEW.direction NOT IN ('out', 'none') THEN
			RAISE EXCEPTION 'field "%" cannot be read from a note', NEW.field
				USING ERRCODE = 'invalid_parameter_value', DETAIL = format('The row writes it to %s of system "%s" as a note, with direction "%s".', NEW.record_type, NEW.system, NEW.direction),
				      HINT = 'Set direction to out; a second row with another path can read it.';
		ELSIF NEW.write_as = 'note' AND target.sensitive <> 'no' THEN
			RAISE EXCEPTION 'field "%" is sensitive and cannot be written as a note', NEW.field
				USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Notes are stored as comments, which are not masked.', HINT = 'Map it to a field of the system, as a value.';
		END IF;
		-- A map named after a system is that system's. Who writes this row sees all systems of its space.
		IF syncore._is_system(split_part(NEW.value_map, '.', 1)) AND NOT EXISTS (SELECT FROM syncore.system a JOIN syncore.system b ON b.space = a.space
				WHERE a.name = NEW.system AND b.name = split_part(NEW.value_map, '.', 1)) THEN
			RAISE EXCEPTION 'value map "%" belongs to a system of another space', NEW.value_map
				USING ERRCODE = 'invalid_parameter_value', DETAIL = format('A row for %s of system "%s" names it. Nothing crosses spaces.', NEW.record_type, NEW.system),
				      HINT = format('Make a map of its own, such as "%s.%s".', NEW.system, NEW.field);
		END IF;
		PERFORM syncore._check_format(NEW.format);
		IF NEW.format ?| '{follow,take,ttl_s}' THEN
			PERFORM syncore._check_follow(NEW, target);
		END IF;
		RETURN NEW;
	END
	$$;

-- Raises unless format says how values are spelt in words that there are.
CREATE FUNCTION syncore._check_format(format jsonb) RETURNS void
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		known text[] := '{time,list,member,rich_text,identity,scale,phone,reference,follow,take,ttl_s,"null"}';
		odd text;
	BEGIN
		SELECT k INTO odd FROM jsonb_object_keys(format) k WHERE k <> ALL (known) ORDER BY k LIMIT 1;
		IF FOUND THEN
			RAISE EXCEPTION 'format has no key "%"', odd USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It has: %s.', array_to_string(known, ', ')),
				HINT = coalesce('Perhaps you meant "' || syncore._suggest(odd, known) || '".', 'Leave it out, or use transform_in and transform_out.');
		ELSIF format ->> 'rich_text' <> ALL ('{plain,markdown,html,wiki,adf}') THEN
			RAISE EXCEPTION '"%" is no spelling of rich text', format ->> 'rich_text'
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Write plain, markdown, html, wiki or adf.';
		ELSIF format ->> 'scale' !~ '^([1-9]|1[0-8])$' THEN
			RAISE EXCEPTION 'format.scale "%" is no number of decimals', format ->> 'scale'
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Write 1 to 18: 2 for cents.';
		ELSIF format ->> 'phone' !~ '^[+][1-9][0-9]{0,3}$' THEN
			RAISE EXCEPTION 'format.phone "%" is no calling code', format ->> 'phone'
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Write + and the code of the country, as in "+49".';
		END IF;
	END
	$$;

-- FM-05: raises unless what a row follows can be fetched, and is only read.
CREATE FUNCTION syncore._check_follow(map syncore.field_map, target syncore.field) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		kinds text[] := ARRAY(SELECT o.record_type FROM syncore.system y JOIN syncore.connector_operation o ON o.connector = y.connector AND o.operation = 'fetch'
			WHERE y.name = map.system ORDER BY 1);
	BEGIN
		IF map.format ->> 'follow' IS NULL OR (map.format ->> 'take' IS NULL AND target.kind <> 'json') THEN
			RAISE EXCEPTION 'format says only half of what is followed' USING ERRCODE = 'invalid_parameter_value', DETAIL = 'follow is the kind of object that the value names, take a pointer to what is read of it.',
				HINT = 'Write both, as in {"follow": "sys_user", "take": "/email"}.';
		ELSIF map.format ->> 'follow' <> ALL (kinds) THEN
			RAISE EXCEPTION 'system "%" has no objects of kind "%" to follow', map.system, map.format ->> 'follow'
				USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It has: %s.', coalesce(nullif(array_to_string(kinds, ', '), ''), 'none')),
					HINT = 'A row of syncore.connector_operation says how one is fetched: operation fetch, record_type its kind.';
		ELSIF map.direction NOT IN ('in', 'none') THEN
			RAISE EXCEPTION 'field "%" is read of another object and cannot be written', map.field
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Set direction to in.';
		ELSIF target.kind = 'set' OR target.sensitive = 'excluded' THEN
			RAISE EXCEPTION 'field "%" cannot be read of another object', map.field
				USING ERRCODE = 'invalid_parameter_value', DETAIL = CASE target.kind WHEN 'set' THEN 'One object is followed, not a list of them.' ELSE 'Objects that were fetched are kept, and this field is to be kept nowhere.' END,
					HINT = 'Map it to a field of another kind.';
		ELSIF map.format ->> 'ttl_s' !~ '^[1-9][0-9]{1,7}$' OR (map.format ->> 'ttl_s')::integer < 60 THEN
			RAISE EXCEPTION 'format.ttl_s "%" is no number of seconds', map.format ->> 'ttl_s' USING ERRCODE = 'invalid_parameter_value', HINT = 'Write 60 or more: 86400 for a day.';
		END IF;
		PERFORM syncore._check_pointer(coalesce(map.format ->> 'take', ''));
	END
	$$;
COMMENT ON FUNCTION syncore._check_follow(syncore.field_map, syncore.field) IS 'configure: raises unless the objects that a field map follows can be fetched';

-- One meaning per external value, one external value per meaning.
CREATE FUNCTION syncore._config_value_map() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		other syncore.value_map;
	BEGIN
		IF syncore._is_restoring() THEN
			RETURN NEW;
		END IF;
		SELECT * INTO other FROM syncore.value_map v WHERE v.name = NEW.name AND v.id <> NEW.id AND v.external = NEW.external
			AND v.direction IN ('both', 'in') AND NEW.direction IN ('both', 'in') AND v.canonical IS DISTINCT FROM NEW.canonical LIMIT 1;
		IF FOUND THEN
			RAISE EXCEPTION 'value "%" of value map "%" would have two meanings', NEW.external, NEW.name
				USING ERRCODE = 'unique_violation', DETAIL = format('It is read as %s already, not as %s.', coalesce('"' || other.canonical || '"', 'nothing'), coalesce('"' || NEW.canonical || '"', 'nothing')),
				      HINT = 'Change that row, or give this one the direction out.';
		END IF;
		SELECT * INTO other FROM syncore.value_map v WHERE v.name = NEW.name AND v.id <> NEW.id AND v.canonical = NEW.canonical
			AND v.qualifier IS NOT DISTINCT FROM NEW.qualifier AND v.direction IN ('both', 'out') AND NEW.direction IN ('both', 'out') AND v.external <> NEW.external LIMIT 1;
		IF FOUND THEN
			RAISE EXCEPTION 'value "%" of value map "%" would be written in two ways', NEW.canonical, NEW.name
				USING ERRCODE = 'unique_violation', DETAIL = format('It is written as "%s" already, not as "%s".', other.external, NEW.external),
				      HINT = 'Change that row, give this one the direction in, or tell the two apart by a qualifier.';
		END IF;
		RETURN NEW;
	END
	$$;

-- What this version has no code for. Such a value would be taken for a milder one, so it cannot be set: no setting says more
-- than it does. works: what may stand there; an empty column_name means the whole table.
CREATE FUNCTION syncore._unbuilt() RETURNS TABLE (table_name text, column_name text, works text[], instead text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
		VALUES
			('space', 'max_rate', '{NULL}'::text[], 'Set max_rate of its systems.'),
			('system', 'capture_mode', '{auto,webhook,none}', 'Register a webhook: CALL syncore.wait(syncore.register_webhook(''…''));'),
			('system', 'poll_interval', '{00:01:00}', 'Systems are not polled: their webhooks are heard.'),
			('system', 'schedule', '{NULL}', 'Systems are not polled: their webhooks are heard.'),
			('system', 'avoid_duplicates', '{true}', 'A write that would change nothing is never sent.'),
			('entity_type', 'batch_window', '{00:00:00}', 'Every edit is sent by itself.'),
			('entity_type', 'batch_min', '{5}', 'Every edit is sent by itself.'),
			('entity_type', 'on_batch_failure', '{hold}', 'Every edit is sent by itself.'),
			('field', 'sensitive', '{no,masked,excluded}', 'Write masked: the value is told nowhere.'),
			('field_map', 'approval', '{false}', 'Leave the direction at ''in'', or let the policy hold conflicts: rule manual.'),
			('comment_map', 'attachments', '{false}', 'Attachments stay where they are.'),
			('alert_route', '', '{}', 'LISTEN syncore_alert, read TABLE syncore.alert, or have your monitoring read syncore.health.')
	$$;

CREATE FUNCTION syncore._config_unbuilt() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	SET intervalstyle = 'postgres'
	AS $$
	DECLARE
		wanted jsonb := to_jsonb(NEW);
		one record;
	BEGIN
		IF syncore._is_restoring() THEN
			RETURN NEW;
		END IF;
		-- What a row has from elsewhere stands until somebody sets it.
		FOR one IN SELECT u.column_name, u.works, u.instead, wanted ->> u.column_name AS value FROM syncore._unbuilt() u
			WHERE u.table_name = TG_TABLE_NAME AND (TG_OP = 'INSERT' OR wanted -> u.column_name IS DISTINCT FROM to_jsonb(OLD) -> u.column_name)
				AND NOT EXISTS (SELECT FROM unnest(u.works) w WHERE w IS NOT DISTINCT FROM wanted ->> u.column_name)
		LOOP
			IF one.column_name = '' THEN
				RAISE EXCEPTION 'rows of "%" are not used in this version', TG_TABLE_NAME
					USING ERRCODE = 'feature_not_supported', DETAIL = 'They would have no effect.', HINT = one.instead;
			END IF;
			RAISE EXCEPTION '% "%" is not available in this version', one.column_name, one.value
				USING ERRCODE = 'feature_not_supported',
				      DETAIL = format('Column %s of %s works with: %s.', one.column_name, TG_TABLE_NAME, array_to_string(one.works, ', ', 'null')),
				      HINT = one.instead;
		END LOOP;
		RETURN NEW;
	END
	$$;

-- A state machine that makes sense: no step leads from a state to itself, work can always come to an end, and an end is
-- one. Looked at when the transaction ends, so that several rows may be written.
CREATE FUNCTION syncore._config_state_machine() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		type text := CASE TG_OP WHEN 'DELETE' THEN OLD.entity_type ELSE NEW.entity_type END;
		bad text;
	BEGIN
		IF syncore._is_restoring() OR NOT EXISTS (SELECT FROM syncore.state_transition t WHERE t.entity_type = type) THEN
			RETURN NULL;
		END IF;
		SELECT string_agg(t.from_state, ', ' ORDER BY t.from_state) INTO bad FROM syncore.state_transition t WHERE t.entity_type = type AND t.from_state = t.to_state;
		IF bad IS NOT NULL THEN
			RAISE EXCEPTION 'a transition of % leads from a state to itself', type
				USING ERRCODE = 'invalid_parameter_value', DETAIL = format('State: %s.', bad),
				      HINT = 'To stay where it is needs no transition: remove the row.';
		END IF;
		WITH RECURSIVE ends AS (
			SELECT s.name FROM syncore.state s WHERE s.entity_type = type AND s.category = 'done'
			UNION
			SELECT t.from_state FROM ends e JOIN syncore.state_transition t ON t.entity_type = type AND t.to_state = e.name
		)
		SELECT string_agg(s.name, ', ' ORDER BY s.position, s.name) INTO bad FROM syncore.state s
			WHERE s.entity_type = type AND s.name NOT IN (SELECT e.name FROM ends e) AND EXISTS (SELECT FROM ends);
		IF bad IS NOT NULL THEN
			RAISE EXCEPTION 'the state machine of % has no way out', type
				USING ERRCODE = 'invalid_parameter_value', DETAIL = format('No state of category done can be reached from %s.', bad),
				      HINT = format('Add a way to an end, in the same transaction: INSERT INTO syncore.state_transition (entity_type, from_state, to_state) VALUES (%L, %L, %L);',
				          type, split_part(bad, ', ', 1), (SELECT s.name FROM syncore.state s WHERE s.entity_type = type AND s.category = 'done' ORDER BY s.position, s.name LIMIT 1));
		END IF;
		WITH RECURSIVE step AS (
			SELECT t.from_state, t.to_state FROM syncore.state_transition t
				JOIN syncore.state a ON a.entity_type = type AND a.name = t.from_state AND a.category = 'done'
				JOIN syncore.state b ON b.entity_type = type AND b.name = t.to_state AND b.category = 'done'
			WHERE t.entity_type = type
		), way AS (
			SELECT s.from_state, s.to_state FROM step s
			UNION
			SELECT w.from_state, s.to_state FROM way w JOIN step s ON s.from_state = w.to_state
		)
		SELECT string_agg(DISTINCT w.from_state::text, ', ') INTO bad FROM way w WHERE w.from_state = w.to_state;
		IF bad IS NOT NULL THEN
			RAISE EXCEPTION 'the state machine of % goes in a circle after its end', type
				USING ERRCODE = 'invalid_parameter_value', DETAIL = format('States of category done that lead to each other: %s.', bad),
				      HINT = 'Remove one of the transitions, or give one of the states the category open.';
		END IF;
		RETURN NULL;
	END
	$$;
