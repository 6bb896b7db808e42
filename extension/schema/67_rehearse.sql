-- What would come of it: test_run() and plan() load and decide under the configuration that the caller's transaction
-- sees, committed or not, and store nothing. References are resolved with the caller's rights; the rows are read as
-- their owner, by functions that check what he may see.

CREATE FUNCTION syncore._test_run(system text, payload jsonb)
	RETURNS TABLE (ref text, system text, field text, was jsonb, would_be jsonb, rule text, because text)
	AS 'MODULE_PATHNAME', 'syncore_test_run' LANGUAGE C VOLATILE PARALLEL UNSAFE STRICT
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore._test_run(text, jsonb) IS 'ask: loads and decides one payload, and stores nothing';

CREATE FUNCTION syncore._rehearse_payload(system_id integer, payload jsonb)
	RETURNS TABLE (ref text, system text, field text, was jsonb, would_be jsonb, rule text, because text)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one record;
	BEGIN
		SELECT y.name, s.id AS space INTO one FROM syncore.system y JOIN syncore.space s ON s.name = y.space WHERE y.id = _rehearse_payload.system_id;
		PERFORM syncore._require(one.space, 'read', format('system %s', _rehearse_payload.system_id));
		IF payload IS NULL THEN
			RAISE EXCEPTION 'a test run needs a payload' USING ERRCODE = 'null_value_not_allowed', HINT = 'Give what the system would send, as text.';
		END IF;
		RETURN QUERY SELECT * FROM syncore._test_run(one.name, payload);
	END
	$$;
COMMENT ON FUNCTION syncore._rehearse_payload(integer, jsonb) IS 'ask: test_run of a resolved system';

CREATE FUNCTION syncore.test_run(system text, payload text)
	RETURNS TABLE (ref text, system text, field text, was jsonb, would_be jsonb, rule text, because text)
	LANGUAGE sql VOLATILE ROWS 10
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT * FROM syncore._rehearse_payload((syncore._system(test_run.system)).id, payload::jsonb) $$;
COMMENT ON FUNCTION syncore.test_run(text, text) IS
	'ask: what this payload would come to if the system sent it now, field by field, and what the others would be told; by the configuration as this transaction sees it; stores nothing';

CREATE FUNCTION syncore._plan(links bigint[])
	RETURNS TABLE (link bigint, call text, field text, now jsonb, would_be jsonb)
	AS 'MODULE_PATHNAME', 'syncore_plan' LANGUAGE C VOLATILE PARALLEL UNSAFE STRICT
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore._plan(bigint[]) IS 'ask: what would be sent to these records, derived as a claim derives it; nothing of those to which a call is under way, or was given up';

-- The first thing that why_not() finds to keep a record from being written to.
CREATE FUNCTION syncore._why_nothing(there syncore.link) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one syncore.entity;
		target syncore.system;
	BEGIN
		SELECT * INTO one FROM syncore.entity e WHERE e.id = there.entity;
		SELECT * INTO target FROM syncore.system y WHERE y.id = there.system_id;
		IF target.mode = 'draft' THEN
			RETURN format('System "%s" is in mode draft: nothing is decided for it.', target.name);
		END IF;
		RETURN coalesce((SELECT s.because FROM (
				SELECT 1 AS part, t.* FROM syncore._why_not_there(one, target, there) WITH ORDINALITY t
				UNION ALL SELECT 2, t.* FROM syncore._why_not_taken(one) WITH ORDINALITY t
				UNION ALL SELECT 3, t.* FROM syncore._why_not_held(one, target, there) WITH ORDINALITY t
				UNION ALL SELECT 4, t.* FROM syncore._why_not_sent(target, there) WITH ORDINALITY t
			) s (part, step, passed, because, fix, ordinality) WHERE NOT s.passed ORDER BY s.part, s.ordinality LIMIT 1), 'It is in step.');
	END
	$$;
COMMENT ON FUNCTION syncore._why_nothing(syncore.link) IS 'ask: why nothing would be sent to a record';

CREATE FUNCTION syncore._plan_rule(entity bigint, call text, field text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT w.rule FROM syncore._why(_plan_rule.entity, _plan_rule.field) w WHERE _plan_rule.call IN ('create', 'update') AND _plan_rule.field IS NOT NULL AND w.n = 1 $$;
COMMENT ON FUNCTION syncore._plan_rule(bigint, text, text) IS 'ask: the rule by which a value came about that would be written';

CREATE FUNCTION syncore._plan_target(kind text, id bigint)
	RETURNS TABLE (ref text, system text, call text, field text, now jsonb, would_be jsonb, rule text)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		spaces integer[] := syncore._spaces_of(syncore._caller(), 'read');
	BEGIN
		IF _plan_target.kind IN ('all', 'space', 'system') THEN
			RETURN QUERY
				SELECT syncore._ref(k.entity), y.name::text, p.call, p.field, p.now, p.would_be, syncore._plan_rule(k.entity, p.call, p.field)
				FROM syncore._plan(ARRAY(
						SELECT d.link FROM syncore.delivery d JOIN syncore.system y ON y.id = d.system_id
						WHERE d.state = 'due' AND y.mode <> 'draft' AND d.space_id = ANY (spaces)
							AND CASE _plan_target.kind WHEN 'all' THEN true WHEN 'space' THEN d.space_id = _plan_target.id ELSE d.system_id = _plan_target.id END
						ORDER BY d.priority, d.id)) WITH ORDINALITY p
					JOIN syncore.link k ON k.id = p.link JOIN syncore.system y ON y.id = k.system_id
				ORDER BY p.ordinality;
			RETURN;
		END IF;
		-- Of one record all that it is linked to is told: what would be sent there, or why nothing.
		RETURN QUERY
			WITH there AS MATERIALIZED (
				SELECT k AS link, k.id, y.name::text AS name, y.rank, y.mode, EXISTS (SELECT FROM syncore.delivery d WHERE d.link = k.id) AS queued
				FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id
				WHERE k.entity = _plan_target.id AND k.space_id = ANY (spaces)
			), planned AS MATERIALIZED (
				SELECT p.* FROM syncore._plan(ARRAY(SELECT t.id FROM there t WHERE t.mode <> 'draft')) WITH ORDINALITY p
			)
			SELECT syncore._ref(_plan_target.id), t.name, CASE WHEN t.queued THEN coalesce(p.call, 'none') ELSE 'none' END, p.field, p.now, p.would_be,
				CASE WHEN p.call IS NULL THEN syncore._why_nothing(t.link) WHEN t.queued THEN syncore._plan_rule(_plan_target.id, p.call, p.field)
					ELSE 'It differs, and nothing has come up since to send it: SELECT syncore.sync_now(…);' END
			FROM there t LEFT JOIN planned p ON p.link = t.id ORDER BY t.rank, t.name, t.id, p.ordinality;
	END
	$$;
COMMENT ON FUNCTION syncore._plan_target(text, bigint) IS 'ask: plan of a resolved target';

CREATE FUNCTION syncore.plan(target text DEFAULT 'all')
	RETURNS TABLE (ref text, system text, call text, field text, now jsonb, would_be jsonb, rule text)
	LANGUAGE sql VOLATILE ROWS 100
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT p.* FROM syncore._resolve_target(target) t CROSS JOIN LATERAL syncore._plan_target(t.kind, t.id) p $$;
COMMENT ON FUNCTION syncore.plan(text) IS
	'ask: the calls that would leave now for a system, a space, a record or all, field by field: what is held there, what would be, by which rule; of paused and shadow systems, those that wait. Of one record every system that it is linked to: call none and why, where nothing would be sent';

CREATE FUNCTION syncore._what_if(entities bigint[], events bigint[], sizes bigint[], since timestamptz)
	RETURNS TABLE (ref text, system text, field text, was jsonb, would_be jsonb, rule text, because text)
	AS 'MODULE_PATHNAME', 'syncore_what_if' LANGUAGE C VOLATILE PARALLEL UNSAFE STRICT
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore._what_if(bigint[], bigint[], bigint[], timestamptz) IS
	'ask: the past of entities, and of records that have none, under the committed configuration and the one seen here';

CREATE FUNCTION syncore._what_if_target(kind text, id bigint, since timestamptz)
	RETURNS TABLE (ref text, system text, field text, was jsonb, would_be jsonb, rule text, because text)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		spaces integer[] := syncore._spaces_of(syncore._caller(), 'read');
		entities bigint[];
		events bigint[];
		sizes bigint[];
	BEGIN
		IF since IS NULL THEN
			RAISE EXCEPTION 'a time is needed' USING ERRCODE = 'null_value_not_allowed', HINT = 'As far back as anything is kept: ''-infinity''.';
		END IF;
		-- records heard of since then: with their entity, or, where they have none, with their events
		WITH heard AS (
			SELECT e.system_id, e.record_type, e.external_id, array_agg(e.id ORDER BY e.received_at, e.id) AS events
			FROM syncore.event e
			WHERE e.received_at >= since AND e.space_id = ANY (spaces) AND e.external_id IS NOT NULL AND e.record_type IS NOT NULL AND e.payload IS NOT NULL
				AND CASE _what_if_target.kind WHEN 'space' THEN e.space_id = _what_if_target.id WHEN 'system' THEN e.system_id = _what_if_target.id ELSE true END
			GROUP BY 1, 2, 3
		), known AS (
			SELECT h.*, k.entity, k.id IS NOT NULL AS has_link FROM heard h
				LEFT JOIN syncore.link k ON k.system_id = h.system_id AND k.record_type = h.record_type AND k.external_id = h.external_id
		), of_nobody AS (
			SELECT k.events FROM known k WHERE NOT k.has_link AND _what_if_target.kind <> 'entity' ORDER BY k.events[1]
		)
		SELECT ARRAY(SELECT DISTINCT k.entity FROM known k WHERE k.entity IS NOT NULL AND (_what_if_target.kind <> 'entity' OR k.entity = _what_if_target.id) ORDER BY 1),
			ARRAY(SELECT unnest(o.events) FROM of_nobody o), ARRAY(SELECT cardinality(o.events)::bigint FROM of_nobody o)
			INTO entities, events, sizes;
		RETURN QUERY SELECT * FROM syncore._what_if(entities, events, sizes, since);
	END
	$$;
COMMENT ON FUNCTION syncore._what_if_target(text, bigint, timestamptz) IS 'ask: what_if of a resolved target';

CREATE FUNCTION syncore.what_if(since timestamptz, target text DEFAULT 'all')
	RETURNS TABLE (ref text, system text, field text, was jsonb, would_be jsonb, rule text, because text)
	LANGUAGE sql VOLATILE ROWS 100
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT w.* FROM syncore._resolve_target(target) t CROSS JOIN LATERAL syncore._what_if_target(t.kind, t.id, since) w $$;
COMMENT ON FUNCTION syncore.what_if(timestamptz, text) IS
	'ask: what would have come out otherwise since a time under the configuration of this transaction, field by field, against the committed one; as far back as payloads are kept (event_retention, keep_payload); stores nothing';
