-- lint: what is wrong or missing in the configuration, each with the SQL that cures it.

CREATE FUNCTION syncore.lint(target text DEFAULT 'all')
	RETURNS TABLE (level text, code text, object text, message text, hint text, fix text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		goal record;
		systems text[];
	BEGIN
		SELECT * INTO goal FROM syncore._resolve_target(target);
		systems := ARRAY(SELECT y.name::text FROM syncore.system y JOIN syncore.space s ON s.name = y.space
			WHERE CASE goal.kind WHEN 'all' THEN true WHEN 'space' THEN s.id = goal.id WHEN 'system' THEN y.id = goal.id
				ELSE y.id IN (SELECT l.system_id FROM syncore.link l WHERE l.entity = goal.id) END);
		RETURN QUERY
			SELECT * FROM (
				SELECT * FROM syncore._lint(systems)
				UNION ALL SELECT * FROM syncore._lint_test(systems)
			) f ORDER BY f.level, f.code, f.object, f.message;
	END
	$$;
COMMENT ON FUNCTION syncore.lint(text) IS
	'configure: what is wrong or missing for a system, a space or all; errors block activation; column fix is the SQL that cures it';

-- Everything but the test cases, which run functions of users.
CREATE FUNCTION syncore._lint(systems text[])
	RETURNS TABLE (level text, code text, object text, message text, hint text, fix text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT * FROM syncore._lint_system(systems)
		UNION ALL SELECT * FROM syncore._lint_field(systems)
		UNION ALL SELECT * FROM syncore._lint_value(systems)
		UNION ALL SELECT * FROM syncore._lint_rule(systems)
		UNION ALL SELECT * FROM syncore._lint_owner(systems)
		UNION ALL SELECT * FROM syncore._lint_policy(systems)
		UNION ALL SELECT * FROM syncore._lint_name(systems)
		UNION ALL SELECT * FROM syncore._lint_reach(systems)
		UNION ALL SELECT * FROM syncore._lint_meaning(systems)
		UNION ALL SELECT * FROM syncore._lint_state(systems)
	$$;
COMMENT ON FUNCTION syncore._lint(text[]) IS 'configure: findings of systems, without those of their test cases';

-- The record type that a connector is mostly used for.
CREATE FUNCTION syncore._usual_record_type(connector text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT coalesce((SELECT t.content ->> 'record_type' FROM syncore.connector_template t
				WHERE t.connector = _usual_record_type.connector AND t.table_name = 'record_map' ORDER BY t.position LIMIT 1),
			(SELECT o.record_type FROM syncore.connector_operation o WHERE o.connector = _usual_record_type.connector AND o.record_type <> '*' AND o.operation <> 'fetch' ORDER BY o.record_type LIMIT 1), 'record')
	$$;
COMMENT ON FUNCTION syncore._usual_record_type(text) IS 'configure: the record type that a connector is mostly used for';

-- Credentials, settings, record maps, routes.
CREATE FUNCTION syncore._lint_system(systems text[])
	RETURNS TABLE (level text, code text, object text, message text, hint text, fix text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT 'error', 'credential_missing', y.name::text, format('system "%s" has no credential', y.name),
			'Put the secret into a file of syncore.secret_directory and name it.',
			format('SELECT syncore.set_credential(%L, %L, %L%s);', y.name, c.credential_kinds[1], 'file:' || y.name,
				CASE WHEN c.credential_kinds[1] = 'basic' THEN ', username => ''…''' ELSE '' END)
		FROM syncore.system y JOIN syncore.connector c ON c.name = y.connector
		WHERE y.name = ANY (systems) AND NOT EXISTS (SELECT 1 FROM syncore.credential d JOIN syncore.system o ON o.name = d.system
			WHERE o.connection = y.connection AND d.used_for = 'api' AND d.state = 'current')
		UNION ALL
		SELECT 'error', 'credential_host', y.name::text,
			format('the %s credential of system "%s" was set for host "%s"', d.used_for, y.name, d.host),
			'A changed base_url voids it: set it again if that host may have it.',
			format('SELECT syncore.set_credential(%L, %L, %L%s, used_for => %L);', y.name, d.kind, concat('file:', y.name, CASE d.used_for WHEN 'webhook' THEN '_hook' END),
				coalesce(format(', username => %L', d.username), ''), d.used_for)
		FROM syncore.system y JOIN syncore.credential d ON d.system = y.name AND d.state = 'current'
		WHERE y.name = ANY (systems) AND d.host <> lower(substring(y.base_url FROM '^[a-z]+://([^/?#]+)'))
		UNION ALL
		SELECT 'warning', 'webhook_credential_missing', y.name::text, format('webhooks of system "%s" cannot be authenticated', y.name),
			'Without one the listener refuses them; polling does without.',
			format('SELECT syncore.set_credential(%L, %L, %L, used_for => ''webhook'');', y.name, coalesce(c.webhook ->> 'kind', 'hmac_sha256'), 'file:' || y.name || '_hook')
		FROM syncore.system y JOIN syncore.connector c ON c.name = y.connector
		WHERE y.name = ANY (systems) AND c.webhook <> '{}' AND y.capture_mode NOT IN ('poll', 'none')
			AND NOT EXISTS (SELECT 1 FROM syncore.credential d JOIN syncore.system o ON o.name = d.system
				WHERE o.connection = y.connection AND d.used_for = 'webhook' AND d.state = 'current')
		UNION ALL
		SELECT 'error', 'setting_missing', y.name::text, format('system "%s" lacks the setting "%s"', y.name, s.key),
			coalesce(s.value ->> 'title', 'The connector requires it.'),
			format('UPDATE syncore.system SET settings = settings || ''{"%s": "…"}'' WHERE name = %L;', s.key, y.name)
		FROM syncore.system y JOIN syncore.connector c ON c.name = y.connector CROSS JOIN jsonb_each(c.settings) s
		WHERE y.name = ANY (systems) AND (s.value ->> 'required')::boolean AND coalesce(y.settings ->> s.key, '') = ''
		UNION ALL
		SELECT 'error', 'record_map_missing', y.name::text, format('system "%s" maps no record type', y.name),
			'Without a row in record_map every event of it is out of scope.',
			format('INSERT INTO syncore.record_map (system, record_type, entity_type) VALUES (%L, %L, ''incident'');', y.name, syncore._usual_record_type(y.connector))
		FROM syncore.system y
		WHERE y.name = ANY (systems) AND NOT EXISTS (SELECT 1 FROM syncore.record_map m WHERE m.system = y.name)
		UNION ALL
		SELECT 'error', 'route_without_record_map', format('%s.%s', r.system, r.entity_type),
			format('route %s of system "%s" takes %s, which no record type of it is mapped to', r.position, r.system,
				r.entity_type || coalesce(' as ' || r.record_type, '')),
			'Map the record type, or remove the route.',
			format('INSERT INTO syncore.record_map (system, record_type, entity_type) VALUES (%L, %L, %L);', r.system, coalesce(r.record_type, syncore._usual_record_type((SELECT y.connector FROM syncore.system y WHERE y.name = r.system))), r.entity_type)
		FROM syncore.route r
		WHERE r.system = ANY (systems) AND NOT EXISTS (SELECT 1 FROM syncore.record_map m
			WHERE m.system = r.system AND m.entity_type = r.entity_type AND (r.record_type IS NULL OR m.record_type = r.record_type))
		UNION ALL
		SELECT 'error', 'create_unsupported', format('%s.%s', r.system, m.record_type),
			format('connector "%s" cannot create records of type "%s"', y.connector, m.record_type),
			'Set may_create to false in the route.',
			format('UPDATE syncore.route SET may_create = false WHERE system = %L AND entity_type = %L AND position = %s;', r.system, r.entity_type, r.position)
		FROM syncore.route r JOIN syncore.system y ON y.name = r.system
			JOIN syncore.record_map m ON m.system = r.system AND m.entity_type = r.entity_type AND (r.record_type IS NULL OR m.record_type = r.record_type)
		WHERE r.system = ANY (systems) AND r.may_create AND NOT EXISTS (SELECT 1 FROM syncore.connector_operation o
			WHERE o.connector = y.connector AND o.record_type IN (m.record_type, '*') AND o.operation = 'create')
		UNION ALL
		SELECT 'warning', 'route_missing', y.name::text, format('nothing is routed to system "%s"', y.name),
			'It is heard, but records of others do not go there; records linked to it are still kept in step.',
			format('INSERT INTO syncore.route (system, entity_type) VALUES (%L, %L);', y.name, coalesce((SELECT m.entity_type FROM syncore.record_map m WHERE m.system = y.name ORDER BY m.position LIMIT 1), 'incident'))
		FROM syncore.system y
		WHERE y.name = ANY (systems) AND NOT EXISTS (SELECT 1 FROM syncore.route r WHERE r.system = y.name)
	$$;

-- Fields: owned, mapped where required, readable where written.
CREATE FUNCTION syncore._lint_field(systems text[])
	RETURNS TABLE (level text, code text, object text, message text, hint text, fix text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT DISTINCT 'error', 'field_unowned', format('%s.%s', m.entity_type, m.field),
			format('field "%s" of %s has no owner', m.field, m.entity_type),
			'Say which system it belongs to, or that it is shared.',
			format('SELECT syncore.set_owner(%L, %L, NULL);  -- NULL: shared, the policy decides', m.entity_type, m.field)
		FROM syncore.field_map m JOIN syncore.system y ON y.name = m.system
		WHERE m.system = ANY (systems) AND m.direction <> 'none' AND NOT EXISTS (SELECT 1 FROM syncore.ownership o
			WHERE o.entity_type = m.entity_type AND o.field = m.field AND (o.space IS NULL OR o.space = y.space))
		UNION ALL
		SELECT 'error', 'required_field_unmapped', format('%s.%s.%s', r.system, r.record_type, f.name),
			format('required field "%s" is not read from %s of system "%s"', f.name, r.record_type, r.system),
			'Map it, or make the field optional.',
			format('UPDATE syncore.field SET required = false WHERE entity_type = %L AND name = %L;', r.entity_type, f.name)
		FROM syncore.record_map r JOIN syncore.field f ON f.entity_type = r.entity_type AND f.required
		WHERE r.system = ANY (systems) AND NOT EXISTS (SELECT 1 FROM syncore.field_map m WHERE m.system = r.system AND m.record_type = r.record_type
			AND m.entity_type = r.entity_type AND m.field = f.name AND m.direction IN ('both', 'in'))
		UNION ALL
		SELECT 'error', 'field_read_twice', format('%s.%s.%s', m.system, m.record_type, m.field),
			format('field "%s" is read from %s paths of %s in system "%s"', m.field, count(*), m.record_type, m.system),
			'One path says what the field is; the others can only be written.',
			format('UPDATE syncore.field_map SET direction = ''out'' WHERE system = %L AND record_type = %L AND field = %L AND path = %L;',
				m.system, m.record_type, m.field, max(m.path::text))
		FROM syncore.field_map m WHERE m.system = ANY (systems) AND m.direction IN ('both', 'in') AND m.write_as = 'value' AND m.condition IS NULL
		GROUP BY m.system, m.record_type, m.entity_type, m.field HAVING count(*) > 1
		UNION ALL
		SELECT 'warning', 'field_write_only', format('%s.%s.%s', m.system, m.record_type, m.field),
			format('field "%s" is written to system "%s" but never read back', m.field, m.system),
			'An edit made there is not noticed and is not overwritten either.',
			format('UPDATE syncore.field_map SET direction = ''both'' WHERE system = %L AND record_type = %L AND field = %L AND path = %L;', m.system, m.record_type, m.field, m.path)
		FROM syncore.field_map m WHERE m.system = ANY (systems) AND m.direction = 'out' AND m.write_as = 'value'
			AND m.path = (SELECT min(x.path::text) FROM syncore.field_map x WHERE x.system = m.system AND x.record_type = m.record_type
				AND x.entity_type = m.entity_type AND x.field = m.field)
			AND NOT EXISTS (SELECT 1 FROM syncore.field_map x WHERE x.system = m.system AND x.record_type = m.record_type
				AND x.entity_type = m.entity_type AND x.field = m.field AND x.direction IN ('both', 'in'))
		UNION ALL
		SELECT 'error', 'note_without_channel', format('%s.%s.%s', m.system, m.record_type, m.field),
			format('field "%s" is written to system "%s" as a note that is %s, and no channel takes such', m.field, m.system, m.note_visibility),
			'Share a channel of that visibility outward.',
			format('INSERT INTO syncore.comment_map (system, record_type, channel, visibility, direction) VALUES (%L, %L, ''…'', %L, ''out'');', m.system, m.record_type, m.note_visibility)
		FROM syncore.field_map m WHERE m.system = ANY (systems) AND m.write_as = 'note' AND m.direction = 'out'
			AND NOT EXISTS (SELECT 1 FROM syncore.comment_map c WHERE c.system = m.system AND c.record_type = m.record_type
				AND c.visibility = m.note_visibility AND c.direction IN ('both', 'out'))
	$$;

-- Value maps: they exist, they cover what the field may hold, and what they give is allowed.
CREATE FUNCTION syncore._lint_value(systems text[])
	RETURNS TABLE (level text, code text, object text, message text, hint text, fix text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH used AS (
			SELECT m.*, f.kind AS field_kind, CASE f.kind WHEN 'state' THEN ARRAY(SELECT s.name::text FROM syncore.state s WHERE s.entity_type = m.entity_type ORDER BY s.position)
				ELSE f.allowed END AS allowed
			FROM syncore.field_map m JOIN syncore.field f ON f.entity_type = m.entity_type AND f.name = m.field
			WHERE m.system = ANY (systems) AND m.direction <> 'none'
		)
		SELECT 'error', 'value_map_missing', u.value_map, format('value map "%s" of %s.%s.%s has no rows', u.value_map, u.system, u.record_type, u.field),
			'Every value would be unmapped.',
			CASE WHEN u.allowed <> '{}' THEN format('INSERT INTO syncore.value_map (name, external, canonical) SELECT %L, v, v FROM unnest(%L::text[]) v;', u.value_map, u.allowed)
				ELSE format('UPDATE syncore.field_map SET value_map = NULL WHERE value_map = %L;', u.value_map) END
		FROM used u WHERE u.value_map IS NOT NULL AND NOT EXISTS (SELECT 1 FROM syncore.value_map v WHERE v.name = u.value_map)
		UNION ALL
		SELECT CASE u.on_unmapped WHEN 'halt' THEN 'error' ELSE 'warning' END, 'value_unmapped', u.value_map,
			format('value "%s" of %s.%s cannot be written to system "%s"', a.value, u.entity_type, u.field, u.system),
			'Name the external value that stands for it; several may share one, direction out.',
			-- The one that its neighbour in the list is written as.
			format('INSERT INTO syncore.value_map (name, external, canonical, direction) VALUES (%L, %L, %L, ''out'');', u.value_map,
				coalesce((SELECT v.external FROM syncore.value_map v JOIN unnest(u.allowed) WITH ORDINALITY AS b (value, n) ON b.value = v.canonical
					WHERE v.name = u.value_map AND v.direction IN ('both', 'out') ORDER BY abs(b.n - a.n), b.n, v.external LIMIT 1), a.value), a.value)
		FROM used u CROSS JOIN unnest(u.allowed) WITH ORDINALITY AS a (value, n)
		WHERE u.direction IN ('both', 'out') AND u.value_map IS NOT NULL
			AND EXISTS (SELECT 1 FROM syncore.value_map v WHERE v.name = u.value_map)
			AND NOT EXISTS (SELECT 1 FROM syncore.value_map v WHERE v.name = u.value_map AND v.direction IN ('both', 'out') AND v.canonical = a.value)
		UNION ALL
		SELECT 'error', 'value_not_allowed', v.name, format('value map "%s" maps "%s" to "%s", which %s.%s cannot hold', v.name, v.external, v.canonical, u.entity_type, u.field),
			format('It can hold %s.', array_to_string(u.allowed, ', ')),
			format('UPDATE syncore.value_map SET canonical = %L WHERE name = %L AND external = %L AND direction = %L;',
				coalesce(syncore._suggest(v.canonical, u.allowed), u.allowed[1]), v.name, v.external, v.direction)
		FROM (SELECT DISTINCT x.value_map, x.entity_type, x.field, x.allowed FROM used x WHERE x.value_map IS NOT NULL AND x.allowed IS NOT NULL) u
			JOIN syncore.value_map v ON v.name = u.value_map
		WHERE v.canonical IS NOT NULL AND v.canonical <> ALL (u.allowed)
		UNION ALL
		SELECT 'error', 'value_map_oscillates', v.name,
			format('value map "%s" writes "%s" for "%s" but reads it as "%s", and writes "%s" for that', v.name, v.external, v.canonical, i.canonical, b.external),
			'The two would write against each other: read what is written as the same value, or as one that is written the same.',
			format('UPDATE syncore.value_map SET canonical = %L WHERE name = %L AND external = %L AND direction = %L;', v.canonical, v.name, i.external, i.direction)
		FROM (SELECT DISTINCT x.value_map FROM used x WHERE x.value_map IS NOT NULL) u
			JOIN syncore.value_map v ON v.name = u.value_map AND v.direction IN ('both', 'out')
			JOIN syncore.value_map i ON i.name = v.name AND i.external = v.external AND i.direction IN ('both', 'in') AND i.canonical <> v.canonical
				AND NOT EXISTS (SELECT 1 FROM syncore.value_map s WHERE s.name = v.name AND s.external = v.external AND s.direction IN ('both', 'in') AND s.canonical = v.canonical)
			JOIN syncore.value_map b ON b.name = v.name AND b.canonical = i.canonical AND b.direction IN ('both', 'out') AND b.external <> v.external
				AND b.qualifier IS NULL AND v.qualifier IS NULL
		UNION ALL
		SELECT 'warning', 'value_map_unused_state', u.value_map, format('nothing of system "%s" is read as "%s"', u.system, a.value),
			'That system can be told this value but never says it.', NULL
		FROM used u CROSS JOIN unnest(u.allowed) AS a (value)
		WHERE u.field_kind <> 'state' AND u.direction IN ('both', 'in') AND u.value_map IS NOT NULL
			AND EXISTS (SELECT 1 FROM syncore.value_map v WHERE v.name = u.value_map)
			AND NOT EXISTS (SELECT 1 FROM syncore.value_map v WHERE v.name = u.value_map AND v.direction IN ('both', 'in') AND v.canonical = a.value)
	$$;

-- Functions that rows name, and rules that cannot decide.
CREATE FUNCTION syncore._lint_rule(systems text[])
	RETURNS TABLE (level text, code text, object text, message text, hint text, fix text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH named AS (
			SELECT format('%s.%s.%s', m.system, m.record_type, m.field) AS object, x.function, m.run_as, 1 AS fewest, 2 AS most,
				format('UPDATE syncore.field_map SET run_as = current_user WHERE system = %L AND record_type = %L AND field = %L AND path = %L;', m.system, m.record_type, m.field, m.path) AS rewrite,
				format('UPDATE syncore.field_map SET %s = NULL WHERE system = %L AND record_type = %L AND field = %L AND path = %L;', x.what, m.system, m.record_type, m.field, m.path) AS fix
			FROM syncore.field_map m CROSS JOIN LATERAL (VALUES ('transform_in', m.transform_in::text), ('transform_out', m.transform_out::text)) AS x (what, function)
			WHERE m.system = ANY (systems) AND x.function IS NOT NULL
			UNION ALL
			SELECT concat_ws('.', p.entity_type, p.field), p.function::text, p.run_as, 3, 4, format('UPDATE syncore.policy SET run_as = current_user WHERE id = %s;', p.id), format('DELETE FROM syncore.policy WHERE id = %s;', p.id)
			FROM syncore.policy p WHERE p.function IS NOT NULL AND cardinality(systems) > 0
		), resolved AS (
			SELECT n.*, EXISTS (SELECT 1 FROM pg_proc c JOIN pg_namespace s ON s.oid = c.pronamespace
				WHERE s.nspname = split_part(n.function, '.', 1) AND c.proname = split_part(n.function, '.', 2) AND c.prokind = 'f') AS known,
				EXISTS (SELECT 1 FROM pg_roles r WHERE r.rolname = n.run_as) AS role_known
			FROM named n
		)
		SELECT 'error', 'function_unknown', r.object, format('function "%s" does not exist', r.function), 'It was there when the row was written.', r.fix
		FROM resolved r WHERE NOT r.known
		UNION ALL
		SELECT 'error', 'function_role_unknown', r.object, format('role "%s", which function "%s" runs as, does not exist', r.run_as, r.function),
			'Write the row again: it then runs as you.', r.rewrite
		FROM resolved r WHERE r.known AND NOT r.role_known
		UNION ALL
		SELECT 'error', 'function_volatile', r.object, format('function "%s" is declared VOLATILE', r.function), 'It may only look and compute.',
			format('ALTER FUNCTION %s STABLE;', v)
		FROM resolved r CROSS JOIN LATERAL syncore._volatile_versions(r.function, r.fewest, r.most) v
		UNION ALL
		SELECT 'error', 'policy_missing', t.entity_type, format('no policy decides conflicts of %s', t.entity_type),
			'Without a rule the system rank alone decides.',
			format('SELECT syncore.set_policy(%L, NULL, ''{human_wins,last_update_wins}'');', t.entity_type)
		FROM (SELECT DISTINCT m.entity_type::text FROM syncore.record_map m WHERE m.system = ANY (systems)) t
		WHERE NOT EXISTS (SELECT 1 FROM syncore.policy p WHERE p.entity_type = t.entity_type AND p.field IS NULL)
		UNION ALL
		SELECT 'warning', 'policy_without_owner', concat_ws('.', p.entity_type, p.field),
			format('rule system_of_record of %s names no system, and the field has no owner', concat_ws('.', p.entity_type, p.field)),
			'The rule never decides: say who owns the field, or take the rule out.', format('DELETE FROM syncore.policy WHERE id = %s;', p.id)
		FROM syncore.policy p WHERE cardinality(systems) > 0 AND p.rule = 'system_of_record' AND p.system IS NULL
			AND p.field IS NOT NULL AND NOT EXISTS (SELECT 1 FROM syncore.ownership o
				WHERE o.entity_type = p.entity_type AND o.field = p.field AND o.owner IS NOT NULL)
	$$;
