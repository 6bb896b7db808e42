-- What hangs on a field: to be read before it is changed.

-- Does a jsonpath name a member? It is written with quotes whatever was typed.
CREATE FUNCTION syncore._mentions(condition jsonpath, member text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT coalesce(strpos(condition::text, format('$."%s"', member)) > 0, false) $$;
COMMENT ON FUNCTION syncore._mentions(jsonpath, text) IS 'configure: does a jsonpath over canonical data name a field?';

CREATE FUNCTION syncore.impact(entity_type text, field text) RETURNS TABLE (what text, object text, detail text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		IF field IS NULL THEN
			RAISE EXCEPTION 'the impact is that of one field' USING ERRCODE = 'null_value_not_allowed', HINT = 'Name the field.';
		END IF;
		PERFORM syncore._check_field(entity_type, field);
		RETURN QUERY
			SELECT i.what, i.object, i.detail FROM (
				SELECT * FROM syncore._impact_maps(entity_type, field)
				UNION ALL SELECT * FROM syncore._impact_rules(entity_type, field)
				UNION ALL SELECT * FROM syncore._impact_records(entity_type, field)
			) i ORDER BY i.n, i.object, i.detail;
	END
	$$;
COMMENT ON FUNCTION syncore.impact(text, text) IS
	'ask: what hangs on a field: where it is read and written, the value maps, owners, rules, routes and matches that name it, what waits for a decision about it';

-- Where it comes from and goes to.
CREATE FUNCTION syncore._impact_maps(entity_type text, field text) RETURNS TABLE (n integer, what text, object text, detail text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT 1, 'field', concat_ws('.', f.entity_type, f.name), concat_ws(', ', f.kind::text,
				CASE WHEN f.required THEN 'required: a record without it is quarantined' END,
				CASE WHEN f.sensitive <> 'no' THEN 'stored ' || f.sensitive::text END,
				CASE WHEN f.allowed IS NOT NULL THEN 'one of ' || array_to_string(f.allowed, ', ') END)
		FROM syncore.field f WHERE f.entity_type = _impact_maps.entity_type AND f.name = field
		UNION ALL
		SELECT 2, CASE m.direction WHEN 'in' THEN 'read' WHEN 'out' THEN 'written' ELSE 'read and written' END, concat_ws('.', m.system, m.record_type),
			concat_ws(', ', CASE WHEN m.write_path IS NOT NULL AND m.direction <> 'in' THEN format('%s, written to %s', m.path, m.write_path) ELSE m.path::text END,
				'values by ' || m.value_map, 'read through ' || m.transform_in, 'written through ' || m.transform_out, 'where ' || m.condition::text)
		FROM syncore.field_map m WHERE m.entity_type = _impact_maps.entity_type AND m.field = _impact_maps.field AND m.direction <> 'none'
		UNION ALL
		SELECT 3, 'value map', v.name, format('%s values; used by %s', count(*),
			(SELECT string_agg(DISTINCT concat_ws('.', u.system, u.record_type, u.field), ', ') FROM syncore.field_map u WHERE u.value_map = v.name))
		FROM syncore.value_map v WHERE v.name IN (SELECT m.value_map FROM syncore.field_map m
			WHERE m.entity_type = _impact_maps.entity_type AND m.field = _impact_maps.field AND m.direction <> 'none')
		GROUP BY v.name
		UNION ALL
		SELECT 4, 'states', f.entity_type, format('%s states, %s transitions; %s when one is not legal',
			(SELECT count(*) FROM syncore.state s WHERE s.entity_type = f.entity_type),
			(SELECT count(*) FROM syncore.state_transition t WHERE t.entity_type = f.entity_type), y.on_illegal)
		FROM syncore.field f JOIN syncore.entity_type y ON y.name = f.entity_type
		WHERE f.entity_type = _impact_maps.entity_type AND f.name = field AND f.kind = 'state'
	$$;
COMMENT ON FUNCTION syncore._impact_maps(text, text) IS 'ask: where a field comes from and goes to';

-- What decides about it, and what it decides.
CREATE FUNCTION syncore._impact_rules(entity_type text, field text) RETURNS TABLE (n integer, what text, object text, detail text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT 5, 'owner', coalesce('space ' || o.space, 'all spaces'), CASE WHEN o.owner IS NULL THEN 'shared'
			ELSE format('%s; what others write is %s', o.owner, CASE o.on_foreign_write WHEN 'accept' THEN 'accepted' WHEN 'refuse' THEN 'refused' ELSE 'written back' END) END
		FROM syncore.ownership o WHERE o.entity_type = _impact_rules.entity_type AND o.field = _impact_rules.field
		UNION ALL
		-- Its own list, else that of all fields.
		SELECT 6, 'policy', coalesce('space ' || p.space, 'all spaces'), string_agg(concat_ws(' ', p.rule::text, 'from ' || p.review_from, 'of ' || p.system, p.function), ', then ' ORDER BY p.position)
			|| CASE WHEN p.field IS NULL THEN ' (list of all fields)' ELSE '' END
		FROM syncore.policy p WHERE p.entity_type = _impact_rules.entity_type
			AND (p.field = _impact_rules.field OR (p.field IS NULL AND NOT EXISTS (SELECT 1 FROM syncore.policy x
				WHERE x.entity_type = p.entity_type AND x.field = _impact_rules.field AND x.space IS NOT DISTINCT FROM p.space)))
		GROUP BY p.space, p.field
		UNION ALL
		SELECT 7, 'policy condition', concat_ws('.', p.entity_type, p.field), format('%s where %s', p.rule, p.condition)
		FROM syncore.policy p WHERE p.entity_type = _impact_rules.entity_type AND syncore._mentions(p.condition, field)
		UNION ALL
		SELECT 7, 'review from', concat_ws('.', p.entity_type, p.field), format('a person decides from %s', p.review_from)
		FROM syncore.policy p WHERE p.entity_type = _impact_rules.entity_type AND field = 'severity' AND p.review_from IS NOT NULL
		UNION ALL
		SELECT 8, 'route', r.system, format('takes what fulfils %s', r.condition)
		FROM syncore.route r WHERE r.entity_type = _impact_rules.entity_type AND syncore._mentions(r.condition, field)
		UNION ALL
		SELECT 9, 'match rule', coalesce('space ' || m.space, 'all spaces'), format('%s by %s', m.kind, array_to_string(m.fields, ', '))
		FROM syncore.match_rule m WHERE m.entity_type = _impact_rules.entity_type AND field = ANY (m.fields)
		UNION ALL
		SELECT 10, 'test case', c.name, format('an event of %s', c.system)
		FROM syncore.test_case c WHERE c.expected ? field
	$$;
COMMENT ON FUNCTION syncore._impact_rules(text, text) IS 'ask: what decides about a field, and what it decides';

-- What waits because of it, and what has it.
CREATE FUNCTION syncore._impact_records(entity_type text, field text) RETURNS TABLE (n integer, what text, object text, detail text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT 11, 'review', 'conflicts', format('%s wait for a person', count(*))
		FROM syncore.conflict c JOIN syncore.entity e ON e.id = c.entity JOIN syncore.entity_type t ON t.id = e.entity_type_id
		WHERE c.state = 'pending' AND c.field = _impact_records.field AND t.name = _impact_records.entity_type HAVING count(*) > 0
		UNION ALL
		SELECT 12, 'quarantine', q.system, format('%s events wait at its path', count(*))
		FROM syncore.quarantine_entry q WHERE q.state = 'open' AND EXISTS (SELECT 1 FROM syncore.field_map m WHERE m.system = q.system
			AND m.entity_type = _impact_records.entity_type AND m.field = _impact_records.field AND m.path = q.path)
		GROUP BY q.system
		UNION ALL
		SELECT 13, 'entities', _impact_records.entity_type, format('%s have a value', count(*))
		FROM syncore.entity e JOIN syncore.entity_type t ON t.id = e.entity_type_id
		WHERE t.name = _impact_records.entity_type AND (e.data ? field OR e.long ? field) HAVING count(*) > 0
	$$;
COMMENT ON FUNCTION syncore._impact_records(text, text) IS 'ask: what waits because of a field, and how many entities have it';

-- OW-09: rules that nobody has changed for long. What ships and was never touched has no day.
CREATE FUNCTION syncore.unreviewed(for_time interval DEFAULT '1 year')
	RETURNS TABLE (table_name text, key jsonb, last_changed timestamptz, role text, steward text, review_by date)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT r.table_name, r.key, h.at, h.role, r.steward, r.review_by
		FROM (
			SELECT 'ownership' AS table_name, syncore._config_identity('ownership', to_jsonb(o)) AS key, o.steward, o.review_by FROM syncore.ownership o
			UNION ALL
			SELECT 'policy', syncore._config_identity('policy', to_jsonb(p)), NULL, NULL FROM syncore.policy p
			UNION ALL
			SELECT 'field_map', syncore._config_identity('field_map', to_jsonb(m)), NULL, NULL FROM syncore.field_map m
		) r LEFT JOIN (
			SELECT DISTINCT ON (v.table_name, k.key) v.table_name, k.key, v.at, v.role
			FROM syncore.config_version v CROSS JOIN LATERAL (SELECT syncore._config_identity(v.table_name, coalesce(v.new, v.old)) AS key) k
			WHERE v.table_name IN ('ownership', 'policy', 'field_map') ORDER BY v.table_name, k.key, v.version DESC, v.step DESC) h
			ON h.table_name = r.table_name AND h.key = r.key
		WHERE coalesce(h.at, '-infinity') <= now() - coalesce(for_time, '1 year')
		ORDER BY h.at NULLS FIRST, r.table_name, r.key::text
	$$;
COMMENT ON FUNCTION syncore.unreviewed(interval) IS
	'configure: owners, rules and maps that nobody has changed for so long, the oldest first; what ships and was never touched has no day';
