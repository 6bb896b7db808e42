-- More of lint: rows that contradict each other, that nothing reaches, or that will never decide. Same columns, same promise:
-- what stands in fix can be run as it is.

-- Owners that cannot say what they own, and what was to be looked at again by now.
CREATE FUNCTION syncore._lint_owner(systems text[])
	RETURNS TABLE (level text, code text, object text, message text, hint text, fix text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH mapped AS (
			-- The row that counts for a field in the space of a system that maps it.
			SELECT DISTINCT ON (m.entity_type, m.field, y.space) m.entity_type, m.field, y.space, o.id, o.space AS of_space, o.owner, o.on_foreign_write, w.space AS owner_space
			FROM syncore.field_map m JOIN syncore.system y ON y.name = m.system
				JOIN syncore.ownership o ON o.entity_type = m.entity_type AND o.field = m.field AND (o.space IS NULL OR o.space = y.space)
				LEFT JOIN syncore.system w ON w.name = o.owner
			WHERE m.system = ANY (systems) AND m.direction <> 'none'
			ORDER BY m.entity_type, m.field, y.space, o.space NULLS LAST
		)
		SELECT 'error', 'owner_elsewhere', concat_ws('.', m.entity_type, m.field),
			format('field "%s" of %s belongs to system "%s", which is not in space "%s"', m.field, m.entity_type, m.owner, m.space),
			'Nobody in that space could change it.', format('SELECT syncore.set_owner(%L, %L, NULL, space => %L);', m.entity_type, m.field, m.space)
		FROM mapped m WHERE m.owner_space <> m.space AND m.on_foreign_write <> 'accept'
		UNION ALL
		SELECT 'error', 'owner_deaf', concat_ws('.', m.entity_type, m.field),
			format('field "%s" of %s belongs to system "%s", from which it is not read', m.field, m.entity_type, m.owner),
			'Nobody can change it: read it from its owner, or let it belong to another.',
			coalesce((SELECT format('UPDATE syncore.field_map SET direction = ''both'' WHERE system = %L AND record_type = %L AND field = %L AND path = %L;', x.system, x.record_type, x.field, x.path)
					FROM syncore.field_map x WHERE x.system = m.owner AND x.entity_type = m.entity_type AND x.field = m.field ORDER BY x.path LIMIT 1),
				format('SELECT syncore.set_owner(%L, %L, NULL%s);', m.entity_type, m.field, coalesce(', space => ' || quote_literal(m.of_space), '')))
		FROM mapped m WHERE m.owner_space = m.space AND m.on_foreign_write <> 'accept' AND NOT EXISTS (SELECT 1 FROM syncore.field_map x
			WHERE x.system = m.owner AND x.entity_type = m.entity_type AND x.field = m.field AND x.direction IN ('both', 'in'))
		UNION ALL
		SELECT 'warning', 'review_overdue', concat_ws('.', o.entity_type, o.field),
			format('who owns field "%s" of %s was to be looked at again by %s', o.field, o.entity_type, to_char(o.review_by, 'YYYY-MM-DD')),
			concat_ws(' ', 'Look at it, and name the next day.', 'Ask ' || o.steward || '.'),
			format('UPDATE syncore.ownership SET review_by = current_date + 365 WHERE id = %s;', o.id)
		FROM syncore.ownership o WHERE o.review_by < current_date AND cardinality(systems) > 0
			AND (o.space IS NULL OR EXISTS (SELECT 1 FROM syncore.system y WHERE y.name = ANY (systems) AND y.space = o.space))
	$$;
COMMENT ON FUNCTION syncore._lint_owner(text[]) IS 'configure: findings about owners';

-- Rules of a list that can never decide.
CREATE FUNCTION syncore._lint_policy(systems text[])
	RETURNS TABLE (level text, code text, object text, message text, hint text, fix text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH listed AS (
			SELECT p.*, concat_ws('.', p.entity_type, p.field) AS object, f.kind, f.allowed,
				row_number() OVER (PARTITION BY p.space, p.entity_type, p.field, p.rule, p.system, p.function, p.condition::text ORDER BY p.position) AS nth,
				(SELECT s.allowed FROM syncore.field s WHERE s.entity_type = p.entity_type AND s.name = 'severity') AS severities
			FROM syncore.policy p LEFT JOIN syncore.field f ON f.entity_type = p.entity_type AND f.name = p.field
			WHERE cardinality(systems) > 0
				AND (p.space IS NULL OR EXISTS (SELECT 1 FROM syncore.system y WHERE y.name = ANY (systems) AND y.space = p.space))
		)
		SELECT 'warning', 'policy_rule_twice', l.object, format('rule %s stands twice in the list of %s', l.rule, l.object),
			'The second never decides.', format('DELETE FROM syncore.policy WHERE id = %s;', l.id)
		FROM listed l WHERE l.nth > 1
		UNION ALL
		SELECT 'warning', 'policy_without_rank', l.object, format('rule escalation_wins of %s has nothing to go by: the field has no ranks', l.object),
			'Name its values in order in field.allowed, or take the rule out.', format('DELETE FROM syncore.policy WHERE id = %s;', l.id)
		FROM listed l WHERE l.rule = 'escalation_wins' AND l.field IS NOT NULL AND coalesce(cardinality(l.allowed), 0) = 0
		UNION ALL
		SELECT 'warning', 'policy_misfit', l.object, format('rule %s does not fit %s, which is of kind %s', l.rule, l.object, l.kind),
			CASE l.rule WHEN 'union' THEN 'Only sets can be united.' ELSE 'Only text can be appended to.' END, format('DELETE FROM syncore.policy WHERE id = %s;', l.id)
		FROM listed l WHERE l.field IS NOT NULL AND ((l.rule = 'union' AND l.kind <> 'set') OR (l.rule = 'append' AND l.kind NOT IN ('text', 'rich_text')))
		UNION ALL
		SELECT 'error', 'review_from_unknown', l.object, format('a person is to decide %s from severity "%s", which there is not', l.object, l.review_from),
			format('Severities are %s.', array_to_string(l.severities, ', ')),
			format('UPDATE syncore.policy SET review_from = %L WHERE id = %s;', coalesce(syncore._suggest(l.review_from, l.severities), l.severities[1]), l.id)
		FROM listed l WHERE l.review_from <> ALL (l.severities)
		UNION ALL
		SELECT 'warning', 'policy_system_deaf', l.object, format('rule system_of_record of %s goes by system "%s", from which it is not read', l.object, l.system),
			'The rule never decides.', format('DELETE FROM syncore.policy WHERE id = %s;', l.id)
		FROM listed l WHERE l.rule = 'system_of_record' AND l.system IS NOT NULL AND l.field IS NOT NULL AND NOT EXISTS (SELECT 1 FROM syncore.field_map m
			WHERE m.system = l.system AND m.entity_type = l.entity_type AND m.field = l.field AND m.direction IN ('both', 'in'))
		UNION ALL
		SELECT 'error', 'loop_window_short', t.name::text, format('the loop breaker of %s cannot count %s rounds of %s in %s', t.name, t.loop_limit, t.loop_within, t.loop_window),
			'loop_limit rounds of the slowest loop have to fit into loop_window.',
			format('UPDATE syncore.entity_type SET loop_window = loop_within * loop_limit * 2 WHERE name = %L;', t.name)
		FROM syncore.entity_type t WHERE t.loop_within * t.loop_limit > t.loop_window
			AND EXISTS (SELECT 1 FROM syncore.record_map m WHERE m.entity_type = t.name AND m.system = ANY (systems))
	$$;
COMMENT ON FUNCTION syncore._lint_policy(text[]) IS 'configure: findings about lists of rules';

-- Conditions, routes and matches that name what there is not.
CREATE FUNCTION syncore._lint_name(systems text[])
	RETURNS TABLE (level text, code text, object text, message text, hint text, fix text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH types AS (
			SELECT t.name, array_agg(f.name::text) AS fields FROM syncore.entity_type t JOIN syncore.field f ON f.entity_type = t.name GROUP BY 1
		), said AS (
			SELECT 'route' AS table_name, concat_ws('.', r.system, r.entity_type) AS object, r.entity_type, r.condition,
				format('system = %L AND entity_type = %L AND position = %s', r.system, r.entity_type, r.position) AS which
			FROM syncore.route r WHERE r.system = ANY (systems)
			UNION ALL
			SELECT 'policy', concat_ws('.', p.entity_type, p.field), p.entity_type, p.condition, format('id = %s', p.id)
			FROM syncore.policy p WHERE cardinality(systems) > 0
		)
		SELECT 'error', 'condition_field_unknown', s.object, format('the condition of a %s of %s names "%s", which is no field of %s', s.table_name, s.object, x.name, s.entity_type),
			'It never holds.',
			CASE WHEN b.best IS NULL THEN format('UPDATE syncore.%I SET condition = NULL WHERE %s;', s.table_name, s.which)
				ELSE format('UPDATE syncore.%I SET condition = replace(condition::text, %L, %L)::jsonpath WHERE %s;', s.table_name, '$."' || x.name || '"', '$."' || b.best || '"', s.which) END
		FROM said s JOIN types t ON t.name = s.entity_type
			CROSS JOIN LATERAL (SELECT DISTINCT m[1] AS name FROM regexp_matches(s.condition::text, '\$\."([^"]+)"', 'g') m) x
			CROSS JOIN LATERAL (SELECT syncore._suggest(x.name, t.fields) AS best) b
		WHERE x.name <> ALL (t.fields)
		UNION ALL
		SELECT 'error', 'route_from_unknown', concat_ws('.', r.system, r.entity_type), format('the route of %s to system "%s" takes them from system "%s", which there is not', r.entity_type, r.system, f.name),
			'Nothing comes from there.',
			format('UPDATE syncore.route SET from_systems = %s WHERE system = %L AND entity_type = %L AND position = %s;',
				CASE WHEN b.best IS NULL THEN format('nullif(array_remove(from_systems, %L), ''{}'')', f.name) ELSE format('array_replace(from_systems, %L, %L)', f.name, b.best) END,
				r.system, r.entity_type, r.position)
		FROM syncore.route r CROSS JOIN LATERAL unnest(r.from_systems) AS f (name)
			CROSS JOIN LATERAL (SELECT syncore._suggest(f.name, ARRAY(SELECT y.name::text FROM syncore.system y WHERE y.name <> r.system)) AS best) b
		WHERE r.system = ANY (systems) AND NOT syncore._is_system(f.name)
		UNION ALL
		SELECT 'error', 'match_field_unknown', concat_ws('.', 'match_rule', m.entity_type), format('a match rule of %s compares "%s", which is no field of it', m.entity_type, f.name),
			'It never matches.',
			CASE WHEN b.best IS NULL OR b.best = ANY (m.fields) THEN format('DELETE FROM syncore.match_rule WHERE id = %s;', m.id)
				ELSE format('UPDATE syncore.match_rule SET fields = array_replace(fields, %L, %L) WHERE id = %s;', f.name, b.best, m.id) END
		FROM syncore.match_rule m JOIN types t ON t.name = m.entity_type CROSS JOIN LATERAL unnest(m.fields) AS f (name)
			CROSS JOIN LATERAL (SELECT syncore._suggest(f.name, t.fields) AS best) b
		WHERE cardinality(systems) > 0 AND f.name <> ALL (t.fields)
	$$;
COMMENT ON FUNCTION syncore._lint_name(text[]) IS 'configure: findings about names in conditions, routes and match rules';

-- Rows that another one keeps from ever being used, and promises that cannot be kept.
CREATE FUNCTION syncore._lint_reach(systems text[])
	RETURNS TABLE (level text, code text, object text, message text, hint text, fix text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT 'warning', 'route_unreachable', concat_ws('.', r.system, r.entity_type), format('route %s of %s to system "%s" is never used: an earlier one takes all', r.position, r.entity_type, r.system),
			'Give the earlier one a condition, or take this one out.',
			format('DELETE FROM syncore.route WHERE system = %L AND entity_type = %L AND position = %s;', r.system, r.entity_type, r.position)
		FROM syncore.route r WHERE r.system = ANY (systems) AND EXISTS (SELECT 1 FROM syncore.route e WHERE e.system = r.system AND e.entity_type = r.entity_type
			AND e.position < r.position AND e.condition IS NULL AND e.from_systems IS NULL)
		UNION ALL
		-- FM-17: what a map reads, and records do not have
		SELECT 'warning', 'field_vanished', concat_ws('.', m.system, m.record_type, m.field), format('field "%s" is read from %s, which records of type "%s" of system "%s" do not have', m.field, m.path, m.record_type, m.system),
			'Read it from where it is now; or say that it may be missing.',
			format('UPDATE syncore.field_map SET contract = false WHERE system = %L AND record_type = %L AND field = %L AND path = %L;', m.system, m.record_type, m.field, m.path)
		FROM syncore.field_map m JOIN syncore.system y ON y.name = m.system
			JOIN syncore.record_path p ON p.system_id = y.id AND p.record_type = m.record_type AND p.path = m.path::text AND p.gone_at IS NOT NULL
		WHERE m.system = ANY (systems) AND m.contract AND m.direction IN ('both', 'in')
		UNION ALL
		SELECT 'warning', 'latency_below_settle', concat_ws('.', r.system, r.entity_type), format('the route of %s to system "%s" promises %s and waits %s before it creates', r.entity_type, r.system, r.target_latency, r.settle),
			'Promise more, or wait less.',
			format('UPDATE syncore.route SET target_latency = settle * 2 WHERE system = %L AND entity_type = %L AND position = %s;', r.system, r.entity_type, r.position)
		FROM syncore.route r WHERE r.system = ANY (systems) AND r.may_create AND r.target_latency <= r.settle
		UNION ALL
		SELECT 'warning', 'actor_unreachable', concat_ws('.', a.system, a.pattern), format('actor "%s" of system "%s" is never looked at: an earlier pattern takes everybody', a.pattern, a.system),
			'Put it before the pattern "%".', format('UPDATE syncore.actor SET position = %s WHERE system = %L AND pattern = %L;', e.position - 1, a.system, a.pattern)
		FROM syncore.actor a JOIN LATERAL (SELECT min(x.position) AS position FROM syncore.actor x WHERE x.system = a.system AND x.pattern = '%' AND x.position < a.position) e
			ON e.position IS NOT NULL
		WHERE a.system = ANY (systems)
		UNION ALL
		SELECT 'error', 'comment_unsupported', concat_ws('.', m.system, m.record_type, m.channel), format('connector "%s" cannot write comments to records of type "%s"', y.connector, m.record_type),
			'They can be read only.', format('UPDATE syncore.comment_map SET direction = ''in'' WHERE system = %L AND record_type = %L AND channel = %L;', m.system, m.record_type, m.channel)
		FROM syncore.comment_map m JOIN syncore.system y ON y.name = m.system
		WHERE m.system = ANY (systems) AND m.direction IN ('both', 'out') AND NOT EXISTS (SELECT 1 FROM syncore.connector_operation o
			WHERE o.connector = y.connector AND o.record_type IN (m.record_type, '*') AND o.operation = 'comment')
		UNION ALL
		SELECT 'error', 'comment_map_without_record_map', concat_ws('.', m.system, m.record_type, m.channel), format('comments of %s of system "%s" are shared, but the record type is not mapped', m.record_type, m.system),
			'Map the record type, or take the row out.', format('DELETE FROM syncore.comment_map WHERE system = %L AND record_type = %L AND channel = %L;', m.system, m.record_type, m.channel)
		FROM syncore.comment_map m
		WHERE m.system = ANY (systems) AND NOT EXISTS (SELECT 1 FROM syncore.record_map r WHERE r.system = m.system AND r.record_type = m.record_type)
		UNION ALL
		SELECT 'error', 'credential_expired', y.name::text, format('the %s credential of system "%s" expired at %s', c.used_for, y.name, to_char(c.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')),
			'Renew it on that side, and put the new secret into a file.',
			format('SELECT syncore.set_credential(%L, %L, %L%s, used_for => %L);', y.name, c.kind, 'file:' || y.name, coalesce(format(', username => %L', c.username), ''), c.used_for)
		FROM syncore.system y JOIN syncore.credential c ON c.system = y.name AND c.state = 'current'
		WHERE y.name = ANY (systems) AND c.expires_at <= now()
		UNION ALL
		SELECT 'warning', 'plain_http', y.name::text, format('system "%s" is called by plain http: secrets and records can be read on the way', y.name),
			'Only for tests.', format('UPDATE syncore.system SET base_url = regexp_replace(base_url, ''^http:'', ''https:''), allow_http = false WHERE name = %L;', y.name)
		FROM syncore.system y WHERE y.name = ANY (systems) AND y.base_url ~ '^http:'
		UNION ALL
		SELECT 'warning', 'approval_pending', y.name::text, format('change %s waits for the approval of another role than "%s"', v.version, string_agg(DISTINCT v.role, '", "')),
			'The system cannot be activated before.', format('SELECT syncore.approve(%s, ''seen'');', v.version)
		FROM syncore.system y JOIN syncore.space s ON s.name = y.space
			JOIN syncore.config_version v ON v.needs_approval AND v.approved_by IS NULL AND (v.space_id = s.id OR v.space_id IS NULL)
		WHERE y.name = ANY (systems) GROUP BY y.name, v.version
	$$;
COMMENT ON FUNCTION syncore._lint_reach(text[]) IS 'configure: findings about rows that are never used, and promises that cannot be kept';

-- Values: two meanings for one word, maps that nothing uses, states that there are not.
CREATE FUNCTION syncore._lint_meaning(systems text[])
	RETURNS TABLE (level text, code text, object text, message text, hint text, fix text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH used AS (
			SELECT DISTINCT m.value_map FROM syncore.field_map m WHERE m.system = ANY (systems) AND m.direction <> 'none' AND m.value_map IS NOT NULL
		)
		SELECT 'error', 'value_read_twice', v.name, format('value map "%s" reads "%s" both as "%s" and as "%s"', v.name, v.external, v.canonical, i.canonical),
			'One value there has one meaning here.', format('DELETE FROM syncore.value_map WHERE id = %s;', i.id)
		FROM used u JOIN syncore.value_map v ON v.name = u.value_map AND v.direction = 'both'
			JOIN syncore.value_map i ON i.name = v.name AND i.external = v.external AND i.direction = 'in' AND i.canonical IS DISTINCT FROM v.canonical
		UNION ALL
		SELECT 'warning', 'value_map_unused', v.name, format('value map "%s" is used by no field', v.name),
			'Name it in field_map.value_map, or take it out.', format('DELETE FROM syncore.value_map WHERE name = %L;', v.name)
		FROM syncore.value_map v WHERE split_part(v.name, '.', 1) = ANY (systems) AND strpos(v.name, '.') > 0
			AND NOT EXISTS (SELECT 1 FROM syncore.field_map m WHERE m.value_map = v.name) GROUP BY v.name
		UNION ALL
		SELECT DISTINCT 'error', 'states_missing', concat_ws('.', f.entity_type, f.name), format('field "%s" of %s holds states, and %s has none', f.name, f.entity_type, f.entity_type),
			'Add rows to syncore.state, or let it hold text.', format('UPDATE syncore.field SET kind = ''text'' WHERE entity_type = %L AND name = %L;', f.entity_type, f.name)
		FROM syncore.field f JOIN syncore.field_map m ON m.entity_type = f.entity_type AND m.field = f.name AND m.direction <> 'none' AND m.system = ANY (systems)
		WHERE f.kind = 'state' AND NOT EXISTS (SELECT 1 FROM syncore.state s WHERE s.entity_type = f.entity_type)
		UNION ALL
		SELECT 'error', 'function_shape', x.object, format('no function "%s" takes %s', x.function, x.takes), x.hint, x.fix
		FROM (
			SELECT concat_ws('.', m.system, m.record_type, m.field) AS object, n.function, 'one jsonb, or two' AS takes, '{1,2}'::integer[] AS counts, NULL::regtype[] AS answers,
				'It is called with the value, and with the record if it takes two.' AS hint,
				format('UPDATE syncore.field_map SET %s = NULL WHERE system = %L AND record_type = %L AND field = %L AND path = %L;', n.what, m.system, m.record_type, m.field, m.path) AS fix
			FROM syncore.field_map m CROSS JOIN LATERAL (VALUES ('transform_in', m.transform_in::text), ('transform_out', m.transform_out::text)) AS n (what, function)
			WHERE m.system = ANY (systems) AND n.function IS NOT NULL
			UNION ALL
			SELECT concat_ws('.', p.entity_type, p.field), p.function, 'three jsonb, or four, and returns an integer', '{3,4}', '{integer,smallint,bigint}',
				'It is called with two versions and the entity (and all versions, if it takes four), and says which stands: below 0 the first, above 0 the second.',
				format('DELETE FROM syncore.policy WHERE id = %s;', p.id)
			FROM syncore.policy p WHERE p.function IS NOT NULL AND cardinality(systems) > 0
		) x
		WHERE EXISTS (SELECT 1 FROM pg_proc c JOIN pg_namespace s ON s.oid = c.pronamespace WHERE s.nspname = split_part(x.function, '.', 1) AND c.proname = split_part(x.function, '.', 2))
			AND NOT EXISTS (SELECT 1 FROM pg_proc c JOIN pg_namespace s ON s.oid = c.pronamespace
				WHERE s.nspname = split_part(x.function, '.', 1) AND c.proname = split_part(x.function, '.', 2) AND c.prokind = 'f'
					AND (x.answers IS NULL OR (c.prorettype = ANY (x.answers) AND NOT c.proretset))
					AND EXISTS (SELECT 1 FROM unnest(x.counts) k WHERE c.pronargs >= k AND c.pronargs - c.pronargdefaults <= k
						AND NOT EXISTS (SELECT 1 FROM generate_series(0, k - 1) a WHERE c.proargtypes[a] <> ALL (ARRAY['jsonb', 'anyelement', 'anynonarray', 'anycompatible']::regtype[]))))
	$$;
COMMENT ON FUNCTION syncore._lint_meaning(text[]) IS 'configure: findings about meanings of values, states and functions';
