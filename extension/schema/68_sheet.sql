-- The configuration in plain words, for people who own fields rather than tables.

-- Does a row of the map read or write it, or something inside it?
CREATE FUNCTION syncore._is_mapped(system text, record_type text, path text) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT EXISTS (SELECT FROM syncore.field_map m WHERE m.system = $1 AND m.record_type = $2
			AND (m.path = $3 OR m.write_path = $3 OR starts_with(m.path, $3 || '/') OR starts_with(m.write_path, $3 || '/')))
	$$;
COMMENT ON FUNCTION syncore._is_mapped(text, text, text) IS 'configure: does a row of field_map read or write a path, or something inside it?';

-- Is it made of several, here or there: is its place written by another field, too, or does its function look at the whole record or entity?
CREATE FUNCTION syncore._is_merged(map syncore.field_map) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT EXISTS (SELECT FROM syncore.field_map o WHERE o.system = map.system AND o.record_type = map.record_type AND o.entity_type = map.entity_type
				AND o.field <> map.field AND map.direction IN ('both', 'out') AND o.direction IN ('both', 'out')
				AND coalesce(o.write_path, o.path)::text = coalesce(map.write_path, map.path)::text)
			OR EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
				WHERE concat(n.nspname, '.', p.proname) IN (map.transform_in::text, map.transform_out::text) AND p.pronargs = 2)
	$$;
COMMENT ON FUNCTION syncore._is_merged(syncore.field_map) IS 'configure: is a field made of several, here or there?';

CREATE VIEW syncore.mapping_sheet WITH (security_invoker = true) AS
	SELECT s.* FROM (SELECT r.system, r.record_type, r.entity_type, f.name AS field,
		CASE WHEN m.field IS NULL OR m.direction OPERATOR(pg_catalog.=) 'none'::syncore.map_direction THEN 'ignored'
			WHEN syncore._is_merged(m) THEN 'merged'
			WHEN m.transform_in IS NOT NULL OR m.transform_out IS NOT NULL OR m.value_map IS NOT NULL THEN 'derived' ELSE 'copied' END AS treatment,
		CASE m.direction WHEN 'both' THEN 'read and written' WHEN 'in' THEN 'read only' WHEN 'out' THEN 'written only' END AS direction,
		m.path, CASE WHEN m.direction OPERATOR(pg_catalog.=) ANY (ARRAY['both', 'out']::syncore.map_direction[]) THEN COALESCE(m.write_path, m.path) END AS written_to,
		(SELECT pg_catalog.string_agg(pg_catalog.format('%s %s %s', v.external, CASE v.direction WHEN 'in' THEN '→' WHEN 'out' THEN '←' ELSE '=' END,
				COALESCE(v.canonical, 'nothing')), ', ' ORDER BY v.external, v.direction, v.canonical)
			FROM syncore.value_map v WHERE v.name OPERATOR(pg_catalog.=) m.value_map) AS value_list,
		(SELECT pg_catalog.string_agg(pg_catalog.format('%s is written as %s and read back as %s', v.canonical, v.external, COALESCE(b.canonical, 'nothing')), ', ' ORDER BY v.canonical)
			FROM syncore.value_map v JOIN syncore.value_map b ON b.name OPERATOR(pg_catalog.=) v.name AND b.external OPERATOR(pg_catalog.=) v.external
				AND b.direction OPERATOR(pg_catalog.<>) 'out'::syncore.map_direction AND b.canonical IS DISTINCT FROM v.canonical
			WHERE v.name OPERATOR(pg_catalog.=) m.value_map AND v.direction OPERATOR(pg_catalog.=) ANY (ARRAY['both', 'out']::syncore.map_direction[])
				AND m.direction OPERATOR(pg_catalog.=) 'both'::syncore.map_direction) AS lossy,
		m.note
	FROM syncore.record_map r JOIN syncore.field f ON f.entity_type OPERATOR(pg_catalog.=) r.entity_type
		LEFT JOIN syncore.field_map m ON m.system OPERATOR(pg_catalog.=) r.system AND m.record_type OPERATOR(pg_catalog.=) r.record_type
			AND m.entity_type OPERATOR(pg_catalog.=) r.entity_type AND m.field OPERATOR(pg_catalog.=) f.name
	UNION ALL
	-- What its records have and nobody maps.
	SELECT y.name, p.record_type, NULL, NULL, 'ignored', NULL, p.path::syncore.json_pointer, NULL, NULL, NULL, NULL
	FROM syncore.record_path p JOIN syncore.system y ON y.id OPERATOR(pg_catalog.=) p.system_id
	WHERE NOT syncore._is_mapped(y.name, p.record_type, p.path)) s
	ORDER BY s.system, s.record_type, s.entity_type, s.path IS NULL, s.field, s.path;
COMMENT ON VIEW syncore.mapping_sheet IS 'configure: one row per system and field: where it is read and written, which values stand for which, and what is lost on the way; below, what its records have and nobody maps';

CREATE VIEW syncore.schema_drift WITH (security_invoker = true) AS
	SELECT y.name AS system, p.record_type, p.path, d.change,
		CASE d.change WHEN 'vanished' THEN p.gone_at WHEN 'retyped' THEN p.changed_at ELSE p.first_seen END AS first_seen, p.type AS example_type
	FROM syncore.record_path p JOIN syncore.system y ON y.id OPERATOR(pg_catalog.=) p.system_id
		CROSS JOIN LATERAL (SELECT CASE WHEN p.gone_at IS NOT NULL THEN 'vanished'
			WHEN p.was_type IS NOT NULL AND syncore._is_mapped(y.name, p.record_type, p.path) THEN 'retyped'
			WHEN NOT p.accepted AND NOT syncore._is_mapped(y.name, p.record_type, p.path) THEN 'new' END AS change) d
	WHERE d.change IS NOT NULL
	ORDER BY d.change DESC, 5 DESC, y.name, p.record_type, p.path;
COMMENT ON VIEW syncore.schema_drift IS 'watch: how records of a system differ from what they looked like at first: fields of the contract that vanished, mapped ones of another type, new ones that nobody maps; accept_schema() ends it';

-- What is seen now is as it should be.
CREATE FUNCTION syncore.accept_schema(system text) RETURNS bigint
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT syncore._accept_schema(y.id, y.name) FROM syncore._system(system) y $$;
COMMENT ON FUNCTION syncore.accept_schema(text) IS
	'configure: what the records of a system look like now is as it should be: new and retyped fields leave schema_drift; returns how many. What vanished stays until it is heard of again or its map is changed';

CREATE FUNCTION syncore._accept_schema(system_id integer, system text) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		space integer;
		touched bigint;
	BEGIN
		SELECT s.id INTO space FROM syncore.system y JOIN syncore.space s ON s.name = y.space WHERE y.id = _accept_schema.system_id;
		PERFORM syncore._require(space, 'admin', format('system "%s"', system));
		UPDATE syncore.record_path p SET accepted = true, was_type = NULL, changed_at = NULL
			WHERE p.system_id = _accept_schema.system_id AND (NOT p.accepted OR p.was_type IS NOT NULL);
		GET DIAGNOSTICS touched = ROW_COUNT;
		PERFORM syncore._ledger_append('config', NULL, NULL, _accept_schema.system_id, space, NULL, NULL, NULL, NULL, NULL, 'accept_schema',
			format('%s accepted %s changes of what records of "%s" look like', syncore._caller(), touched, system), NULL);
		RETURN touched;
	END
	$$;
COMMENT ON FUNCTION syncore._accept_schema(integer, text) IS 'configure: accept_schema of a resolved system';

CREATE VIEW syncore.ownership_matrix WITH (security_invoker = true) AS
	SELECT f.entity_type, f.name AS field, o.space,
		CASE WHEN o.id IS NULL THEN 'nobody' WHEN o.owner IS NULL THEN 'shared' ELSE o.owner END AS owner, o.on_foreign_write, o.steward, o.review_by,
		ARRAY(SELECT DISTINCT m.system::text FROM syncore.field_map m WHERE m.entity_type OPERATOR(pg_catalog.=) f.entity_type
			AND m.field OPERATOR(pg_catalog.=) f.name AND m.direction OPERATOR(pg_catalog.=) ANY (ARRAY['both', 'in']::syncore.map_direction[]) ORDER BY 1) AS read_from,
		ARRAY(SELECT DISTINCT m.system::text FROM syncore.field_map m WHERE m.entity_type OPERATOR(pg_catalog.=) f.entity_type
			AND m.field OPERATOR(pg_catalog.=) f.name AND m.direction OPERATOR(pg_catalog.=) ANY (ARRAY['both', 'out']::syncore.map_direction[]) ORDER BY 1) AS written_to
	FROM syncore.field f LEFT JOIN syncore.ownership o ON o.entity_type OPERATOR(pg_catalog.=) f.entity_type AND o.field OPERATOR(pg_catalog.=) f.name
	ORDER BY o.id IS NOT NULL, f.entity_type, f.name, o.space NULLS FIRST;
COMMENT ON VIEW syncore.ownership_matrix IS 'configure: who owns each field, who may write it, and between which systems it flows; what nobody owns first';

CREATE VIEW syncore.policy_sheet WITH (security_invoker = true) AS
	SELECT p.space, p.entity_type, p.field, p.position,
		CASE WHEN p.field IS NULL THEN 'of each field its own' ELSE COALESCE((SELECT CASE WHEN o.owner IS NULL THEN 'shared: every system may change it'
				ELSE o.owner OPERATOR(pg_catalog.||) CASE o.on_foreign_write WHEN 'refuse' THEN '; what others write is not taken' WHEN 'revert' THEN '; what others write is written back'
					ELSE '; others may change it' END END
			FROM syncore.ownership o WHERE o.entity_type OPERATOR(pg_catalog.=) p.entity_type AND o.field OPERATOR(pg_catalog.=) p.field AND (o.space IS NULL OR o.space OPERATOR(pg_catalog.=) p.space)
			ORDER BY o.space IS NULL LIMIT 1), 'nobody') END AS owner,
		CASE p.rule
			WHEN 'escalation_wins' THEN 'a raise beats anything that is no raise'
			WHEN 'human_wins' THEN 'a person beats an automation'
			WHEN 'system_of_record' THEN 'what ' OPERATOR(pg_catalog.||) COALESCE(p.system, 'the owner of the field') OPERATOR(pg_catalog.||) ' says stands'
			WHEN 'version_wins' THEN 'the higher version of the record beats the lower'
			WHEN 'last_update_wins' THEN 'the later edit beats the earlier, by the corrected clock of its system'
			WHEN 'union' THEN 'both are kept; what was removed stays removed'
			WHEN 'append' THEN 'both are kept, in order of time'
			WHEN 'manual' THEN 'a person decides' OPERATOR(pg_catalog.||) COALESCE(', from severity ' OPERATOR(pg_catalog.||) p.review_from, '')
			WHEN 'call' THEN 'function ' OPERATOR(pg_catalog.||) p.function OPERATOR(pg_catalog.||) ' decides' END
			OPERATOR(pg_catalog.||) COALESCE(', where ' OPERATOR(pg_catalog.||) p.condition::text, '') AS rule,
		CASE p.rule
			WHEN 'escalation_wins' THEN 'P2 to P1 in one system, P2 to P3 in another: P1 stands'
			WHEN 'human_wins' THEN 'an analyst reopens while a script closes: it stays open'
			WHEN 'system_of_record' THEN 'that system says "finance", another says "sales" a minute later: "finance" stands'
			WHEN 'version_wins' THEN 'version 7 of the record says P1, version 9 says P2: P2 stands, whichever is heard first'
			WHEN 'last_update_wins' THEN 'edits at 14:03:12 and 14:03:15: that of 14:03:15 stands, the other is in the ledger'
			WHEN 'union' THEN 'one adds the tag "vpn", another adds "outage": both tags stand'
			WHEN 'append' THEN 'two people add a line at the same time: both lines stand, the earlier one first'
			WHEN 'manual' THEN 'both values wait in syncore.review; nothing is sent for this field meanwhile'
			WHEN 'call' THEN 'it is shown two values and says which stands; if it fails the next rule decides, and an alert says so' END AS example,
		p.rule AS rule_name, p.note
	FROM syncore.policy p
	UNION ALL
	-- What ends every list, though no row says it.
	SELECT l.space, l.entity_type, l.field, l.last OPERATOR(pg_catalog.+) 1, NULL,
		'if all that leaves two level: the system that comes first' OPERATOR(pg_catalog.||) COALESCE(' of ' OPERATOR(pg_catalog.||) y.names, ''),
		'two edits in the same millisecond: that of the first system stands, the other is in the ledger', NULL, 'the last word in every list'
	FROM (SELECT p.space, p.entity_type, p.field, pg_catalog.max(p.position) AS last FROM syncore.policy p GROUP BY p.space, p.entity_type, p.field) l
		LEFT JOIN LATERAL (SELECT pg_catalog.string_agg(s.name, ', ' ORDER BY s.rank, s.id) AS names FROM syncore.system s
			WHERE (l.space IS NULL OR s.space OPERATOR(pg_catalog.=) l.space)
				AND EXISTS (SELECT 1 FROM syncore.field_map m WHERE m.system OPERATOR(pg_catalog.=) s.name AND m.entity_type OPERATOR(pg_catalog.=) l.entity_type
					AND (l.field IS NULL OR m.field OPERATOR(pg_catalog.=) l.field) AND m.direction OPERATOR(pg_catalog.=) ANY (ARRAY['both', 'in']::syncore.map_direction[]))) y ON true
	ORDER BY 1 NULLS LAST, 2, 3 NULLS LAST, 4;
COMMENT ON VIEW syncore.policy_sheet IS 'configure: how conflicts of each field are decided, in plain words, in order: the first rule that tells two versions apart decides; field empty: of all fields without a list of their own';
