-- Records that are there twice: what share of the new ones may be, an alert when it is more than usual, and what to tidy before systems
-- are tied together. Same rules as 64_watch.sql.

CREATE INDEX entity_merged ON syncore.entity (merged_into) WHERE merged_into IS NOT NULL;

-- The entity as which another stands, if they were joined.
CREATE FUNCTION syncore._stands_as(entity bigint) RETURNS bigint
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		stands bigint := entity;
		joined bigint;
	BEGIN
		LOOP
			SELECT e.merged_into INTO joined FROM syncore.entity e WHERE e.id = stands;
			EXIT WHEN joined IS NULL;
			stands := joined;
		END LOOP;
		RETURN stands;
	END
	$$;
COMMENT ON FUNCTION syncore._stands_as(bigint) IS 'ask: the entity that it is part of by now';

-- The number of the first entity that was made since a time, or one shortly before, found in some twenty steps: they are numbered as
-- they are made, but for the few that were split off and are as old as their record.
CREATE FUNCTION syncore._entities_since(since timestamptz) RETURNS bigint
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		low bigint := 0;
		high bigint := coalesce((SELECT max(e.id) FROM syncore.entity e), 0) + 1;
		middle bigint;
		last_id bigint;
		last_made timestamptz;
	BEGIN
		WHILE low < high LOOP
			middle := (low + high) / 2;
			SELECT max(n.id), max(n.created_at) INTO last_id, last_made
				FROM (SELECT e.id, e.created_at FROM syncore.entity e WHERE e.id >= middle ORDER BY e.id LIMIT 8) n;
			IF last_id IS NULL OR last_made >= since THEN
				high := middle;
			ELSE
				low := last_id + 1;
			END IF;
		END LOOP;
		RETURN low;
	END
	$$;
COMMENT ON FUNCTION syncore._entities_since(timestamptz) IS 'watch: the number of the first entity made since a time, or one shortly before';

-- Of the entities made in a time, how many are one with another, or wait for a person to say whether they are.
CREATE FUNCTION syncore._duplicates(made_from timestamptz, made_to timestamptz) RETURNS TABLE (space_id integer, entity_type_id integer, made bigint, doubtful bigint)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT e.space_id, e.entity_type_id, count(*), count(*) FILTER (WHERE e.merged_into IS NOT NULL
			OR EXISTS (SELECT FROM syncore.match_candidate m WHERE m.entity = e.id AND m.state = 'open'))
		FROM syncore.entity e
		WHERE e.id >= syncore._entities_since(made_from) AND e.created_at >= made_from AND e.created_at < made_to
		GROUP BY 1, 2
	$$;
COMMENT ON FUNCTION syncore._duplicates(timestamptz, timestamptz) IS 'watch: how many entities were made in a time, and how many of them may be there twice';

CREATE FUNCTION syncore._duplicate_rates() RETURNS TABLE (space text, entity_type text, made bigint, doubtful bigint, rate numeric, made_before bigint, rate_before numeric, duplicate_limit numeric, waiting bigint)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT s.name::text, t.name::text, coalesce(d.made, 0), coalesce(d.doubtful, 0), round(d.doubtful::numeric / d.made, 3),
			coalesce(b.made, 0), round(b.doubtful::numeric / b.made, 3), t.duplicate_limit, coalesce(w.waiting, 0)
		FROM syncore._duplicates(now() - interval '1 day', 'infinity') d
			FULL JOIN syncore._duplicates(now() - interval '31 days', now() - interval '1 day') b USING (space_id, entity_type_id)
			FULL JOIN (SELECT e.space_id, e.entity_type_id, count(*) AS waiting FROM syncore.match_candidate m JOIN syncore.entity e ON e.id = m.entity
				WHERE m.state = 'open' GROUP BY 1, 2) w USING (space_id, entity_type_id)
			JOIN syncore.space s ON s.id = space_id JOIN syncore.entity_type t ON t.id = entity_type_id
	$$;
COMMENT ON FUNCTION syncore._duplicate_rates() IS 'watch: share of new records that may be there twice';

CREATE VIEW syncore.stat_duplicates WITH (security_invoker = true) AS
	SELECT r.space, r.entity_type, r.made, r.doubtful, r.rate, r.made_before, r.rate_before, r.duplicate_limit, r.waiting
	FROM syncore._duplicate_rates() r ORDER BY r.rate DESC NULLS LAST, r.space, r.entity_type;
COMMENT ON VIEW syncore.stat_duplicates IS 'watch: what share of the records made in the last day is one with another or may be, beside the 30 days before; an alert is raised at entity_type.duplicate_limit, and when it is three times what it was';

-- A worker asks every ten minutes. The days before are looked at only where there is something to compare. Returns how many alerts stand.
CREATE FUNCTION syncore._watch_duplicates() RETURNS bigint
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH today AS MATERIALIZED (
			SELECT d.*, s.name AS space, t.name AS type, t.duplicate_limit, d.doubtful::numeric / d.made AS rate
			FROM syncore._duplicates(now() - interval '1 day', 'infinity') d JOIN syncore.space s ON s.id = d.space_id JOIN syncore.entity_type t ON t.id = d.entity_type_id
			WHERE t.duplicate_limit IS NOT NULL AND d.doubtful >= 5
		), before AS MATERIALIZED (
			SELECT b.space_id, b.entity_type_id, b.made, b.doubtful::numeric / b.made AS rate
			FROM syncore._duplicates(now() - interval '31 days', now() - interval '1 day') b WHERE EXISTS (SELECT FROM today)
		), wrong AS (
			SELECT y.*, b.rate AS rate_before FROM today y LEFT JOIN before b USING (space_id, entity_type_id)
			WHERE y.rate >= y.duplicate_limit OR (y.doubtful >= 10 AND b.made >= 100 AND y.rate >= 3 * b.rate)
		), over AS (
			UPDATE syncore.alert a SET closed_at = now(), closed_by = 'syncore'
				WHERE a.closed_at IS NULL AND a.kind = 'duplicates' AND NOT EXISTS (SELECT FROM wrong w WHERE a.cause = format('duplicates:%s:%s', w.space, w.type))
		), told AS (
			INSERT INTO syncore.alert AS a (space_id, level, kind, cause, object, detail, hint)
				SELECT w.space_id, 'warning', 'duplicates', format('duplicates:%s:%s', w.space, w.type), w.type,
					format('%s of %s records of type %s that were made within a day may be there twice (%s %%%s)', w.doubtful, w.made, w.type, round(100 * w.rate),
						coalesce('; in the 30 days before it was ' || round(100 * w.rate_before, 1) || ' %', '')),
					format('TABLE syncore.review; SELECT * FROM syncore.clean_up_report(); where that is as it should be: UPDATE syncore.entity_type SET duplicate_limit = … WHERE name = %L;', w.type)
				FROM wrong w
				ON CONFLICT (cause) WHERE closed_at IS NULL DO UPDATE SET last_at = now(), times = a.times + 1, detail = EXCLUDED.detail
		)
		SELECT count(*) FROM wrong
	$$;
COMMENT ON FUNCTION syncore._watch_duplicates() IS 'watch: raises an alert for each type of which more new records than usual may be there twice, and closes it when they are no more; returns how many stand';

-- Pairs of entities that share a key, were found to be alike, or are alike by a fuzzy rule though none of them ever asked (as two of one
-- system, which are not compared when they come), once each, and nobody has said that they are two. One of the two is open.
CREATE FUNCTION syncore._doubles() RETURNS TABLE (first bigint, second bigint, candidate bigint, because text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH decided AS MATERIALIZED (
			SELECT least(p.a, p.b) AS first, greatest(p.a, p.b) AS second
			FROM (SELECT syncore._stands_as(m.entity) AS a, syncore._stands_as(m.other) AS b FROM syncore.match_candidate m WHERE m.state = 'rejected') p
		), pairs AS (
			SELECT least(m.entity, m.other) AS first, greatest(m.entity, m.other) AS second, m.id AS candidate, m.reason AS because, 1 AS sure
			FROM syncore.match_candidate m WHERE m.state = 'open'
			UNION ALL
			SELECT g.first, k.entity, NULL, format('they have the same %s', array_to_string(r.fields, ', ')), 2
			FROM (SELECT k.space_id, k.entity_type_id, k.rule, k.key, min(k.entity) AS first FROM syncore.match_key k WHERE k.near_at IS NULL
					GROUP BY 1, 2, 3, 4 HAVING count(*) > 1) g
				JOIN syncore.match_key k ON k.space_id = g.space_id AND k.entity_type_id = g.entity_type_id AND k.rule = g.rule AND k.key = g.key AND k.entity > g.first
				JOIN syncore.match_rule r ON r.id = g.rule
			UNION ALL
			SELECT least(n.entity, k.entity), greatest(n.entity, k.entity), NULL, format('their %s is %s %% alike', array_to_string(r.fields, ', '), round((n.score * 100)::numeric)), 3
			FROM syncore.match_rule r JOIN syncore.match_key k ON k.rule = r.id JOIN syncore.entity e ON e.id = k.entity
				CROSS JOIN LATERAL syncore._match_near(k.space_id, k.entity_type_id, k.rule, k.key, r.threshold, k.near_at - r.time_window, k.near_at + r.time_window, 0) n
			WHERE r.kind = 'fuzzy' AND e.closed_at IS NULL AND n.entity <> k.entity
		)
		SELECT DISTINCT ON (p.first, p.second) p.first, p.second, p.candidate, p.because FROM pairs p
		WHERE NOT EXISTS (SELECT FROM decided d WHERE d.first = p.first AND d.second = p.second)
		ORDER BY p.first, p.second, p.sure, p.candidate, p.because
	$$;
COMMENT ON FUNCTION syncore._doubles() IS 'ask: entities that may be one, but for those that somebody has said are two';

-- A system in which both have a record; null: none.
CREATE FUNCTION syncore._both_in(first bigint, second bigint) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT y.name::text FROM syncore.link a JOIN syncore.link b ON b.system_id = a.system_id AND b.entity = second JOIN syncore.system y ON y.id = a.system_id
		WHERE a.entity = first AND a.state IN ('active', 'diverged') AND b.state IN ('active', 'diverged') ORDER BY y.rank, y.name LIMIT 1
	$$;
COMMENT ON FUNCTION syncore._both_in(bigint, bigint) IS 'ask: a system in which both entities have a record';

CREATE FUNCTION syncore.clean_up_report(inactive interval DEFAULT '180 days', target text DEFAULT 'all')
	RETURNS TABLE (problem text, ref text, other text, space text, entity_type text, systems text, since timestamptz, because text, to_do text)
	LANGUAGE sql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH aim AS MATERIALIZED (SELECT t.kind, t.id FROM syncore._resolve_target(target) t),
		found AS (
			SELECT 1 AS rank, 'duplicate' AS problem, d.second AS entity, d.first AS other, NULL::timestamptz AS since, d.because,
				CASE WHEN b.system IS NOT NULL THEN format('Both have a record in %s: close or delete one of the two there.', b.system)
					WHEN d.candidate IS NOT NULL THEN format('SELECT syncore.accept_match(%s, ''…''); or reject_match', d.candidate)
					ELSE format('SELECT syncore.merge_entities(%L, %L, ''…'');', syncore._ref(d.first), syncore._ref(d.second)) END AS to_do
			FROM syncore._doubles() d CROSS JOIN LATERAL (SELECT syncore._both_in(d.first, d.second) AS system) b
			UNION ALL
			SELECT 2, 'inactive', e.id, NULL, e.updated_at, 'it is not closed, and nothing has been said of it for long',
				'Close or archive it where it is kept, or leave it out: condition in syncore.route.'
			FROM syncore.entity e WHERE e.merged_into IS NULL AND e.closed_at IS NULL AND e.updated_at < now() - inactive
		)
		SELECT f.problem, syncore._ref(f.entity), syncore._ref(f.other), s.name::text, t.name::text, l.systems, coalesce(f.since, e.created_at), f.because, f.to_do
		FROM found f JOIN syncore.entity e ON e.id = f.entity JOIN syncore.space s ON s.id = e.space_id JOIN syncore.entity_type t ON t.id = e.entity_type_id
			CROSS JOIN LATERAL (SELECT string_agg(y.name::text, ', ' ORDER BY y.name) AS systems, array_agg(y.id) AS ids FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id
				WHERE k.entity = e.id AND k.state IN ('active', 'diverged')) l
			CROSS JOIN aim a
		WHERE l.systems IS NOT NULL AND CASE a.kind WHEN 'all' THEN true WHEN 'space' THEN e.space_id = a.id WHEN 'system' THEN a.id = ANY (l.ids) ELSE a.id IN (f.entity, f.other) END
		ORDER BY f.rank, coalesce(f.since, e.created_at), f.entity, f.other
	$$;
COMMENT ON FUNCTION syncore.clean_up_report(interval, text) IS
	'ask: what to tidy before systems are tied together: records that are there twice, by key or by likeness, also within one system, and nobody has said are two, and open ones of which nothing was said for long; each with what to do';
