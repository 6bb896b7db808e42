-- What a person calls to configure. Everything here is also plain DML; these check more and say what comes next.
-- They run with the caller's rights: row security decides which spaces he may touch.

CREATE FUNCTION syncore.add_system(name text, connector text, base_url text, settings jsonb DEFAULT '{}', space text DEFAULT 'default',
		connection text DEFAULT NULL, title text DEFAULT NULL)
	RETURNS TABLE (n integer, made text, object text, next_step text)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		product syncore.connector;
		part record;
	BEGIN
		PERFORM syncore._space_id(space);
		SELECT * INTO product FROM syncore.connector c WHERE c.name = add_system.connector;
		IF product.name IS NULL THEN
			PERFORM syncore._raise_unknown('connector', connector, (SELECT array_agg(c.name::text) FROM syncore.connector c),
				'SELECT name, title FROM syncore.connector lists them.');
		END IF;
		IF NOT coalesce(name ~ '^[a-z][a-z0-9_]{0,39}$', false) THEN
			RAISE EXCEPTION 'invalid name "%" for a system', name
				USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A name begins with a small letter, followed by at most 39 small letters, digits or underscores.',
				      HINT = format('Perhaps "%s".', left(regexp_replace(regexp_replace(lower(coalesce(name, '')), '[^a-z0-9_]+', '_', 'g'), '^[^a-z]*', ''), 40));
		END IF;
		IF EXISTS (SELECT 1 FROM syncore.system y WHERE y.name = add_system.name) THEN
			RAISE EXCEPTION 'system "%" exists already', name
				USING ERRCODE = 'duplicate_object', HINT = 'Names are unique in the database: choose another, or change its row.';
		END IF;
		INSERT INTO syncore.system (name, connector, base_url, settings, space, connection, title)
			VALUES (add_system.name, add_system.connector, rtrim(add_system.base_url, '/'),
				syncore._setting_defaults(product.settings) || coalesce(add_system.settings, '{}'),
				add_system.space, coalesce(add_system.connection, add_system.name), coalesce(add_system.title, product.title));
		n := 1;
		made := 'system';
		object := format('%s, %s in mode draft', name, product.title);
		next_step := format('SELECT syncore.set_credential(%L, %L, %L%s);', name, product.credential_kinds[1], 'file:' || name,
			CASE WHEN product.credential_kinds[1] = 'basic' THEN ', username => ''…''' ELSE '' END);
		RETURN NEXT;
		FOR part IN SELECT * FROM syncore._copy_template(name, connector) LOOP
			n := n + 1;
			made := part.table_name;
			object := part.object;
			next_step := CASE part.table_name
				WHEN 'field_map' THEN format('SELECT * FROM syncore.mapping_sheet WHERE system = %L;', name)
				WHEN 'route' THEN format('SELECT * FROM syncore.route WHERE system = %L;  -- which records go there', name)
				WHEN 'policy' THEN 'TABLE syncore.policy_sheet;' END;
			RETURN NEXT;
		END LOOP;
		n := n + 1;
		made := 'to do';
		object := 'check, rehearse, go';
		next_step := format('CALL syncore.wait(syncore.check_system(%1$L)); SELECT * FROM syncore.lint(%1$L); SELECT syncore.activate(%1$L, ''shadow'');', name);
		RETURN NEXT;
	END
	$$;
COMMENT ON FUNCTION syncore.add_system(text, text, text, jsonb, text, text, text) IS
	'configure: adds a system with the mapping and the rules that its connector suggests, in mode draft; says what it made and what comes next';

-- The defaults that a connector declares for its settings, as an object.
CREATE FUNCTION syncore._setting_defaults(declared jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT coalesce(jsonb_object_agg(s.key, s.value -> 'default'), '{}') FROM jsonb_each(declared) s WHERE s.value ? 'default' $$;

-- Copies a connector's template rows to a system and returns one line a table. Policies and owners are the
-- space's: a list that exists already stays as it is.
CREATE FUNCTION syncore._copy_template(system text, connector text) RETURNS TABLE (table_name text, object text)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		part record;
		row_content jsonb;
		-- Who administers only one space decides for that one.
		of_space text := CASE WHEN NOT syncore._administers_all() THEN (SELECT y.space FROM syncore.system y WHERE y.name = _copy_template.system) END;
		decided text[] := ARRAY(SELECT concat_ws('.', 'policy', p.entity_type, p.field) FROM syncore.policy p WHERE p.space IS NULL OR p.space = of_space
			UNION SELECT concat_ws('.', 'ownership', o.entity_type, o.field) FROM syncore.ownership o WHERE o.space IS NULL OR o.space = of_space);
	BEGIN
		FOR part IN
			SELECT t.table_name AS kind, array_agg(t.content ORDER BY t.position) AS contents
			FROM syncore.connector_template t WHERE t.connector = _copy_template.connector
			GROUP BY 1 ORDER BY min(t.position)
		LOOP
			IF part.kind <> ALL (ARRAY['record_map', 'value_map', 'field_map', 'route', 'actor', 'identity_map', 'policy', 'ownership', 'match_rule', 'test_case']) THEN
				RAISE EXCEPTION 'template of connector "%" has rows of table "%"', connector, part.kind
					USING ERRCODE = 'invalid_parameter_value', HINT = 'Templates hold rows of mapping tables only.';
			END IF;
			object := NULL;
			FOREACH row_content IN ARRAY part.contents LOOP
				row_content := replace(row_content::text, '{system}', system)::jsonb;
				CONTINUE WHEN concat_ws('.', part.kind, row_content ->> 'entity_type', row_content ->> 'field') = ANY (decided);
				IF part.kind NOT IN ('value_map', 'policy', 'ownership', 'match_rule') THEN
					row_content := row_content || jsonb_build_object('system', system);
				ELSIF part.kind <> 'value_map' AND of_space IS NOT NULL THEN
					row_content := row_content || jsonb_build_object('space', of_space);
				END IF;
				EXECUTE format('INSERT INTO syncore.%1$I (%2$s) SELECT %2$s FROM jsonb_populate_record(NULL::syncore.%1$I, $1)', part.kind,
					(SELECT string_agg(quote_ident(k), ', ') FROM jsonb_object_keys(row_content) k)) USING row_content;
				object := concat_ws(', ', object, CASE part.kind
					WHEN 'value_map' THEN CASE WHEN strpos(coalesce(object, ''), row_content ->> 'name') = 0 THEN row_content ->> 'name' END
					WHEN 'record_map' THEN format('%s is %s', row_content ->> 'record_type', row_content ->> 'entity_type')
					WHEN 'field_map' THEN CASE WHEN strpos(coalesce(object, ''), row_content ->> 'field') = 0 THEN row_content ->> 'field' END
					WHEN 'policy' THEN format('%s: %s', coalesce(row_content ->> 'field', 'all fields'), row_content ->> 'rule')
					ELSE coalesce(row_content ->> 'field', row_content ->> 'pattern', row_content ->> 'entity_type', row_content ->> 'name') END);
			END LOOP;
			table_name := part.kind;
			IF object IS NOT NULL THEN
				RETURN NEXT;
			END IF;
		END LOOP;
	END
	$$;

CREATE FUNCTION syncore.set_policy(entity_type text, field text, rules text[], system text DEFAULT NULL, function text DEFAULT NULL,
		review_from text DEFAULT NULL, space text DEFAULT NULL, note text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		rule_word text;
		known text[] := enum_range(NULL::syncore.rule_name)::text[];
		at integer := 0;
	BEGIN
		PERFORM syncore._check_field(entity_type, field), CASE WHEN space IS NOT NULL THEN syncore._space_id(space) END,
			CASE WHEN system IS NOT NULL THEN syncore._system(system) END;
		IF coalesce(cardinality(rules), 0) = 0 THEN
			RAISE EXCEPTION 'a policy needs at least one rule' USING ERRCODE = 'invalid_parameter_value',
				HINT = format('Rules are %s.', array_to_string(known, ', '));
		END IF;
		DELETE FROM syncore.policy p WHERE p.space IS NOT DISTINCT FROM set_policy.space
			AND p.entity_type = set_policy.entity_type AND p.field IS NOT DISTINCT FROM set_policy.field;
		FOREACH rule_word IN ARRAY rules LOOP
			IF rule_word IS NULL OR rule_word <> ALL (known) THEN
				PERFORM syncore._raise_unknown('rule', rule_word, known, format('Rules are %s.', array_to_string(known, ', ')));
			ELSIF rule_word = 'call' AND function IS NULL THEN
				RAISE EXCEPTION 'rule "call" needs a function' USING ERRCODE = 'invalid_parameter_value',
					HINT = 'Name it: function => ''schema.name''.';
			END IF;
			at := at + 1;
			INSERT INTO syncore.policy (space, entity_type, field, position, rule, system, function, review_from, note)
				VALUES (set_policy.space, set_policy.entity_type, set_policy.field, at, rule_word::syncore.rule_name,
					CASE WHEN rule_word = 'system_of_record' THEN set_policy.system END,
					CASE WHEN rule_word = 'call' THEN set_policy.function END,
					CASE WHEN rule_word = 'manual' THEN set_policy.review_from END, set_policy.note);
		END LOOP;
		RETURN format('%s%s%s is decided by %s', entity_type, coalesce('.' || field, ''), coalesce(' in space ' || space, ''), array_to_string(rules, ', then '));
	END
	$$;
COMMENT ON FUNCTION syncore.set_policy(text, text, text[], text, text, text, text, text) IS
	'configure: the rules that decide conflicts of a field (null: of all fields without a list of their own), in order; replaces the list';

CREATE FUNCTION syncore.set_owner(entity_type text, field text, owner text, on_foreign_write text DEFAULT 'accept',
		steward text DEFAULT NULL, space text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		IF field IS NULL THEN
			RAISE EXCEPTION 'an owner is set for one field' USING ERRCODE = 'null_value_not_allowed', HINT = 'Name the field.';
		END IF;
		PERFORM syncore._check_field(entity_type, field), CASE WHEN space IS NOT NULL THEN syncore._space_id(space) END,
			CASE WHEN owner IS NOT NULL THEN syncore._system(owner) END;
		UPDATE syncore.ownership o SET owner = set_owner.owner, on_foreign_write = set_owner.on_foreign_write, steward = set_owner.steward
			WHERE o.space IS NOT DISTINCT FROM set_owner.space AND o.entity_type = set_owner.entity_type AND o.field = set_owner.field;
		IF NOT FOUND THEN
			INSERT INTO syncore.ownership (space, entity_type, field, owner, on_foreign_write, steward)
				VALUES (set_owner.space, set_owner.entity_type, set_owner.field, set_owner.owner, set_owner.on_foreign_write, set_owner.steward);
		END IF;
		RETURN format('%s.%s%s %s', entity_type, field, coalesce(' in space ' || space, ''),
			CASE WHEN owner IS NULL THEN 'is shared: every system writes it, the policy decides'
				ELSE format('belongs to %s; what others write there is %s', owner, CASE on_foreign_write WHEN 'accept' THEN 'accepted'
					WHEN 'refuse' THEN 'refused' ELSE 'refused and written back' END) END);
	END
	$$;
COMMENT ON FUNCTION syncore.set_owner(text, text, text, text, text, text) IS
	'configure: the system that a field belongs to (null: shared), and what happens when another writes it; replaces what was set';

-- Raises 42704 unless the type, and the field if one is named, exist.
CREATE FUNCTION syncore._check_field(entity_type text, field text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		IF NOT EXISTS (SELECT 1 FROM syncore.entity_type t WHERE t.name = entity_type) THEN
			PERFORM syncore._raise_unknown('entity type', entity_type, (SELECT array_agg(t.name::text) FROM syncore.entity_type t),
				'SELECT name FROM syncore.entity_type lists them.');
		ELSIF field IS NOT NULL AND NOT EXISTS (SELECT 1 FROM syncore.field f WHERE f.entity_type = _check_field.entity_type AND f.name = field) THEN
			PERFORM syncore._raise_unknown('field', field, (SELECT array_agg(f.name::text) FROM syncore.field f WHERE f.entity_type = _check_field.entity_type),
				format('SELECT name FROM syncore.field WHERE entity_type = %L lists them.', entity_type));
		END IF;
	END
	$$;

CREATE FUNCTION syncore.activate(system text, mode text DEFAULT 'active') RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		this syncore.system := syncore._system(system);
		errors text[];
	BEGIN
		IF mode IS NULL OR mode <> ALL (enum_range(NULL::syncore.system_mode)::text[]) THEN
			PERFORM syncore._raise_unknown('mode', mode, enum_range(NULL::syncore.system_mode)::text[], 'Modes are draft, shadow, active and paused.');
		END IF;
		IF mode <> 'draft' THEN
			-- Who only watches needs no credential.
			SELECT array_agg(l.message ORDER BY l.code, l.message) INTO errors FROM syncore.lint(this.name::text) l
				WHERE l.level = 'error' AND NOT (mode = 'shadow' AND l.code IN ('credential_missing', 'credential_host'));
		END IF;
		IF errors IS NOT NULL THEN
			RAISE EXCEPTION 'system "%" cannot be activated: % %', this.name, cardinality(errors), CASE WHEN cardinality(errors) = 1 THEN 'error' ELSE 'errors' END
				USING ERRCODE = 'SY001', DETAIL = array_to_string(errors, E'\n'), HINT = format('SELECT * FROM syncore.lint(%L);', this.name);
		END IF;
		UPDATE syncore.system y SET mode = activate.mode::syncore.system_mode, paused_mode = NULL
			WHERE y.name = this.name AND y.mode <> activate.mode::syncore.system_mode;
		IF NOT FOUND AND this.mode <> activate.mode::syncore.system_mode THEN
			PERFORM syncore._require((SELECT s.id FROM syncore.space s WHERE s.name = this.space), 'admin', format('system "%s"', this.name));
		END IF;
		RETURN mode;
	END
	$$;
COMMENT ON FUNCTION syncore.activate(text, text) IS
	'configure: sets a system''s mode (draft, shadow, active, paused); refused with SY001 while lint finds an error';
