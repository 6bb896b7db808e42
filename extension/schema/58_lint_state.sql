-- lint, continued: states and other values of a list that two systems could write against each other, and rules of an
-- entity type that a connector cannot follow.

-- What a system makes of a value that it is told: it reads another one back. Found by trying every value of the list.
-- A field whose writer and reader share one value map has none of these: what is written is known to stand for the value.
CREATE FUNCTION syncore._lint_moves(systems text[])
	RETURNS TABLE (space text, system text, entity_type text, field text, told text, shown text, read_as text, writer_map text, reader_map text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH side AS (
			SELECT m.system, m.record_type, m.entity_type, m.field, x.way, coalesce(m.write_path, m.path)::text AS write_path, m.path::text AS path, m.value_map, m.on_unmapped, m.fallback,
				row_number() OVER (PARTITION BY m.system, m.record_type, m.entity_type, m.field, x.way ORDER BY m.path::text) AS n
			FROM syncore.field_map m JOIN (VALUES ('in', 'in'), ('in', 'both'), ('out', 'out'), ('out', 'both')) AS x (way, direction) ON x.direction = m.direction::text
			WHERE m.system = ANY (systems) AND m.write_as = 'value' AND m.transform_in IS NULL AND m.transform_out IS NULL
		), pair AS (
			SELECT w.system, w.entity_type, w.field, w.value_map AS writer_map, r.value_map AS reader_map, r.on_unmapped, r.fallback,
				CASE f.kind WHEN 'state' THEN ARRAY(SELECT s.name::text FROM syncore.state s WHERE s.entity_type = w.entity_type) ELSE f.allowed END AS list
			FROM side w JOIN side r ON r.system = w.system AND r.record_type = w.record_type AND r.entity_type = w.entity_type AND r.field = w.field AND r.way = 'in' AND r.n = 1
				JOIN syncore.field f ON f.entity_type = w.entity_type AND f.name = w.field
			WHERE w.way = 'out' AND w.n = 1 AND w.write_path = r.path AND w.value_map IS DISTINCT FROM r.value_map
		), told AS (
			SELECT p.*, c.value AS told, CASE WHEN p.writer_map IS NULL THEN c.value ELSE syncore._lint_down(p.writer_map, c.value) END AS shown,
				CASE WHEN p.reader_map IS NULL THEN c.value ELSE syncore._lint_down(p.reader_map, c.value) END AS expected
			FROM pair p CROSS JOIN unnest(p.list) AS c (value)
		), read AS (
			SELECT t.*, CASE WHEN t.reader_map IS NULL THEN t.shown
				ELSE coalesce((SELECT v.canonical FROM syncore.value_map v WHERE v.name = t.reader_map AND v.external = t.shown AND v.direction IN ('both', 'in') ORDER BY v.direction DESC LIMIT 1),
					CASE t.on_unmapped WHEN 'fallback' THEN t.fallback END) END AS read_as
			FROM told t
		)
		SELECT y.space::text, r.system::text, r.entity_type::text, r.field::text, r.told, r.shown, r.read_as, r.writer_map, r.reader_map
		FROM read r JOIN syncore.system y ON y.name = r.system
		WHERE r.shown IS DISTINCT FROM r.expected AND r.read_as <> r.told AND r.read_as = ANY (r.list)
	$$;

-- How a value is written by a value map; null: it has no word for it.
CREATE FUNCTION syncore._lint_down(map text, value text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT v.external FROM syncore.value_map v WHERE v.name = map AND v.canonical = value AND v.direction IN ('both', 'out')
			ORDER BY v.qualifier IS NOT NULL, v.qualifier LIMIT 1
	$$;

-- Every pair of systems of a space, every value: told to the one, read back as another, told to the other, and so on. Values are
-- finitely many: it ends, or comes back to where it was, which is an oscillation. What is not found here cannot happen.
CREATE FUNCTION syncore._lint_state(systems text[])
	RETURNS TABLE (level text, code text, object text, message text, hint text, fix text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH RECURSIVE near AS (
			SELECT array_agg(DISTINCT o.name::text) AS names FROM syncore.system y JOIN syncore.system o ON o.space = y.space WHERE y.name = ANY (systems)
		), move AS (
			SELECT m.* FROM near n CROSS JOIN LATERAL syncore._lint_moves(coalesce(n.names, '{}')) m
		), walk AS (
			SELECT a.system AS one, b.system AS other, a.entity_type, a.field, a.system AS mover, a.told AS start, a.read_as AS now, 1 AS steps
			FROM move a JOIN move b ON b.space = a.space AND b.entity_type = a.entity_type AND b.field = a.field AND b.system <> a.system
			UNION
			SELECT w.one, w.other, w.entity_type, w.field, m.system, w.start, m.read_as, w.steps + 1
			FROM walk w JOIN move m ON m.entity_type = w.entity_type AND m.field = w.field AND m.told = w.now
				AND m.system = CASE w.mover WHEN w.one THEN w.other ELSE w.one END
			WHERE w.steps < 64 AND NOT (w.now = w.start AND w.mover = w.other)
		), ring AS (
			SELECT DISTINCT ON (least(w.one, w.other), greatest(w.one, w.other), w.entity_type, w.field) w.one, w.other, w.entity_type, w.field, w.start
			FROM walk w WHERE w.now = w.start AND w.mover = w.other AND w.one = least(w.one, w.other)
			ORDER BY least(w.one, w.other), greatest(w.one, w.other), w.entity_type, w.field, w.start
		)
		SELECT 'error', 'pair_oscillates', format('%s.%s', r.entity_type, r.field),
			format('systems "%s" and "%s" would write "%s" against each other: "%s" is told "%s" as "%s" and says "%s"', r.one, r.other, r.field, r.one, r.start, m.shown, m.read_as),
			'Read what is written as what it stands for: one value map for both directions.',
			format('UPDATE syncore.field_map SET value_map = %L WHERE system = %L AND entity_type = %L AND field = %L AND direction = ''out'';', m.reader_map, r.one, r.entity_type, r.field)
		FROM ring r JOIN move m ON m.system = r.one AND m.entity_type = r.entity_type AND m.field = r.field AND m.told = r.start
		WHERE r.one = ANY (systems) OR r.other = ANY (systems)
		UNION ALL
		SELECT 'warning', 'oscillation_unproven', format('%s.%s.%s', m.system, m.record_type, m.field),
			format('field "%s" of system "%s" is a state that a function transforms: whether another system would answer it for ever is not known', m.field, m.system),
			'A value map can be proven; a function cannot. The loop breaker stops what it makes.',
			format('UPDATE syncore.field_map SET transform_in = NULL, transform_out = NULL, value_map = %L WHERE system = %L AND record_type = %L AND field = %L AND path = %L;',
				m.system || '.' || m.field, m.system, m.record_type, m.field, m.path)
		FROM syncore.field_map m JOIN syncore.field f ON f.entity_type = m.entity_type AND f.name = m.field
		WHERE m.system = ANY (systems) AND f.kind = 'state' AND m.direction IN ('both', 'in') AND (m.transform_in IS NOT NULL OR m.transform_out IS NOT NULL)
		UNION ALL
		SELECT 'warning', 'delete_unsupported', format('%s.%s', m.system, m.record_type),
			format('connector "%s" cannot delete records of type "%s", which on_delete of %s asks for', y.connector, m.record_type, m.entity_type),
			'Such a record stays when another one is deleted, and a person is told.',
			format('UPDATE syncore.entity_type SET on_delete = ''close'' WHERE name = %L;', m.entity_type)
		FROM syncore.record_map m JOIN syncore.system y ON y.name = m.system JOIN syncore.entity_type t ON t.name = m.entity_type
		WHERE m.system = ANY (systems) AND t.on_delete = 'delete' AND NOT EXISTS (SELECT 1 FROM syncore.connector_operation o
			WHERE o.connector = y.connector AND o.record_type IN (m.record_type, '*') AND o.operation = 'delete')
	$$;
