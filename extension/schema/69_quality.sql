-- How good the data are: what is filled, what came twice, what was refused.

CREATE FUNCTION syncore._quality() RETURNS TABLE (system text, records bigint, completeness numeric, emptiest text, repeated bigint, rejected bigint, waiting bigint)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH filled AS (
			SELECT l.system_id, m.field, count(*) AS records,
				count(*) FILTER (WHERE coalesce(nullif(e.data -> m.field, 'null'), nullif(e.long -> m.field, 'null'), 'null') NOT IN ('null', '[]', '""')) AS filled
			FROM syncore.link l JOIN syncore.system y ON y.id = l.system_id JOIN syncore.entity e ON e.id = l.entity
				JOIN syncore.entity_type t ON t.id = e.entity_type_id
				JOIN (SELECT DISTINCT x.system, x.record_type, x.entity_type, x.field::text AS field FROM syncore.field_map x WHERE x.direction IN ('both', 'in')) m
					ON m.system = y.name AND m.record_type = l.record_type AND m.entity_type = t.name
			WHERE l.state IN ('active', 'diverged')
			GROUP BY 1, 2
		)
		SELECT y.name::text, coalesce(f.records, 0), f.completeness, f.emptiest, coalesce(k.repeated, 0), coalesce(q.rejected, 0), coalesce(q.waiting, 0)
		FROM syncore.system y
			LEFT JOIN (SELECT a.system_id, max(a.records) AS records, round(sum(a.filled) / sum(a.records), 3) AS completeness,
					(array_agg(format('%s %s %%', a.field, round(100.0 * a.filled / a.records)) ORDER BY a.filled::numeric / a.records, a.field))[1] AS emptiest
				FROM filled a GROUP BY 1) f ON f.system_id = y.id
			LEFT JOIN (SELECT e.system_id, sum(e.repeated) AS repeated FROM syncore.event_key e GROUP BY 1) k ON k.system_id = y.id
			LEFT JOIN (SELECT r.system_id, count(*) AS rejected, count(*) FILTER (WHERE r.state = 'open') AS waiting FROM syncore.quarantine_entry r GROUP BY 1) q
				ON q.system_id = y.id
	$$;
COMMENT ON FUNCTION syncore._quality() IS 'watch: completeness, duplicates and rejects of each system';

CREATE VIEW syncore.stat_quality WITH (security_invoker = true) AS
	SELECT q.system, q.records, q.completeness, q.emptiest, q.repeated, q.rejected, q.waiting
	FROM syncore._quality() q ORDER BY q.waiting DESC, q.completeness NULLS LAST, q.system;
COMMENT ON VIEW syncore.stat_quality IS 'watch: how good the data of each system are: share of mapped fields that are filled, events that came twice, events that were refused; reads every record';
