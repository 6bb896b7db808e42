-- Which records move most: what the loop breaker cannot see, because it looks like people at work, is seen by how often.

CREATE FUNCTION syncore._tells_change(kind text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT kind IN ('change', 'conflict', 'resolve') $$;
COMMENT ON FUNCTION syncore._tells_change(text) IS 'watch: does a ledger row of that kind tell that somebody set a field to another value?';

-- From when stat_traffic counts: an hour, or as long as it took to write so many rows.
CREATE FUNCTION syncore._traffic_since() RETURNS timestamptz
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT greatest(now() - interval '1 hour', (SELECT l.at FROM syncore.ledger l WHERE syncore._ledger_last() > 200000 AND l.id > syncore._ledger_last() - 200000 ORDER BY l.id LIMIT 1))
	$$;
COMMENT ON FUNCTION syncore._traffic_since() IS 'watch: from when stat_traffic counts';

CREATE VIEW syncore.stat_traffic WITH (security_invoker = true) AS
	SELECT t.ref, t.space, t.writes, t.changes, t.by_people, t.transitions, t.systems, t.last_at, t.since,
		CASE WHEN t.writes OPERATOR(pg_catalog.>) 20 AND t.by_people OPERATOR(pg_catalog.*) 5 OPERATOR(pg_catalog.<) t.writes THEN 'mostly machines: who answers whom? '
			ELSE '' END OPERATOR(pg_catalog.||) pg_catalog.format('SELECT * FROM syncore.timeline(%L);', t.ref) AS to_do
	FROM (
		SELECT syncore._ref(h.entity) AS ref, s.name AS space, h.writes, h.changes, h.by_people, h.transitions, h.systems, h.last_at, syncore._traffic_since() AS since
		FROM (
			SELECT l.entity, l.space_id, pg_catalog.count(*) FILTER (WHERE l.kind OPERATOR(pg_catalog.=) 'send') AS writes,
				pg_catalog.count(*) FILTER (WHERE syncore._tells_change(l.kind)) AS changes,
				pg_catalog.count(*) FILTER (WHERE syncore._tells_change(l.kind) AND l.actor_kind OPERATOR(pg_catalog.=) 'human'::syncore.actor_kind) AS by_people,
				pg_catalog.count(*) FILTER (WHERE syncore._tells_change(l.kind) AND f.name IS NOT NULL) AS transitions,
				pg_catalog.array_agg(DISTINCT n.name::text ORDER BY n.name::text) FILTER (WHERE l.kind OPERATOR(pg_catalog.=) 'send') AS systems,
				pg_catalog.max(l.at) AS last_at
			FROM syncore.ledger l JOIN syncore.entity e ON e.id OPERATOR(pg_catalog.=) l.entity
				JOIN syncore.entity_type t ON t.id OPERATOR(pg_catalog.=) e.entity_type_id
				LEFT JOIN syncore.field f ON f.entity_type OPERATOR(pg_catalog.=) t.name AND f.name OPERATOR(pg_catalog.=) l.field
					AND f.kind OPERATOR(pg_catalog.=) 'state'::syncore.field_kind
				LEFT JOIN syncore.system n ON n.id OPERATOR(pg_catalog.=) l.system_id
			-- no index by time: as many of the last rows as can be read in a moment
			WHERE l.id OPERATOR(pg_catalog.>) (syncore._ledger_last() OPERATOR(pg_catalog.-) 200000) AND l.at OPERATOR(pg_catalog.>) (pg_catalog.now() OPERATOR(pg_catalog.-) '01:00:00'::interval)
				AND (l.kind OPERATOR(pg_catalog.=) 'send' OR syncore._tells_change(l.kind))
			GROUP BY l.entity, l.space_id
		) h JOIN syncore.space s ON s.id OPERATOR(pg_catalog.=) h.space_id
	) t
	ORDER BY t.writes DESC, t.changes DESC, t.ref;
COMMENT ON VIEW syncore.stat_traffic IS 'watch: the records that moved within the last hour, or in busier times within the last 200,000 rows of the ledger (since says which), those first to which most was written: a loop that looks like people at work stands on top';

-- An alert for each record whose state has changed as often within an hour as its type takes for an alarm. Looks at those that have
-- changed since a row of the ledger; of each of them at no more rows than the limit. Returns from where to look the next time.
CREATE FUNCTION syncore._watch_transitions(since bigint) RETURNS bigint
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH lately AS MATERIALIZED (
			SELECT DISTINCT l.entity, l.field FROM syncore.ledger l
			-- numbers that were drawn and not committed are seen the next time
			WHERE l.id > greatest(since, syncore._ledger_last() - 100000) - 1000 AND l.at > now() - interval '1 hour' AND syncore._tells_change(l.kind)
		), counted AS (
			SELECT y.entity, y.field, e.space_id, t.name AS type, t.transition_limit, h.n, h.first_at
			FROM lately y JOIN syncore.entity e ON e.id = y.entity JOIN syncore.entity_type t ON t.id = e.entity_type_id AND t.transition_limit IS NOT NULL
				JOIN syncore.field f ON f.entity_type = t.name AND f.name = y.field AND f.kind = 'state'
				CROSS JOIN LATERAL (SELECT count(*) AS n, min(c.at) AS first_at FROM (SELECT l.at, l.kind FROM syncore.ledger l
					WHERE l.entity = y.entity AND l.field = y.field AND syncore._tells_change(l.kind)
					ORDER BY l.entity_seq DESC LIMIT t.transition_limit) c WHERE c.at > now() - interval '1 hour') h
			WHERE h.n >= t.transition_limit
		), told AS (
			INSERT INTO syncore.alert AS a (space_id, level, kind, cause, object, detail, hint)
				SELECT c.space_id, 'warning', 'transitions', format('transitions:%s:%s', c.entity, c.field), syncore._ref(c.entity),
					format('%s of %s has changed %s times since %s', c.field, syncore._ref(c.entity), c.n, to_char(c.first_at AT TIME ZONE 'UTC', 'HH24:MI "UTC"')),
					format('See who answers whom: SELECT * FROM syncore.timeline(%L); where that is as it should be: UPDATE syncore.entity_type SET transition_limit = %s WHERE name = %L;',
						syncore._ref(c.entity), c.transition_limit * 2, c.type)
				FROM counted c
				ON CONFLICT (cause) WHERE closed_at IS NULL DO UPDATE SET last_at = now(), times = a.times + 1, detail = EXCLUDED.detail
					WHERE a.last_at < now() - interval '5 min'
		)
		SELECT syncore._ledger_last()
	$$;
COMMENT ON FUNCTION syncore._watch_transitions(bigint) IS 'watch: raises an alert for each record whose state changes too often; returns from where to look the next time';
