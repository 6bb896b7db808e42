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
		PERFORM syncore._require(one.space, 'read', format('system "%s"', one.name));
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

CREATE FUNCTION syncore._plan(deliveries bigint[])
	RETURNS TABLE (link bigint, call text, field text, now jsonb, would_be jsonb)
	AS 'MODULE_PATHNAME', 'syncore_plan' LANGUAGE C VOLATILE PARALLEL UNSAFE STRICT
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore._plan(bigint[]) IS 'ask: what these deliveries would send, derived as a claim derives it';

CREATE FUNCTION syncore._plan_target(kind text, id bigint)
	RETURNS TABLE (ref text, system text, call text, field text, now jsonb, would_be jsonb, rule text)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		spaces integer[] := syncore._spaces_of(syncore._caller(), 'read');
	BEGIN
		RETURN QUERY
			SELECT syncore._ref(k.entity), y.name::text, p.call, p.field, p.now, p.would_be,
				CASE WHEN p.call IN ('create', 'update') AND p.field IS NOT NULL THEN (SELECT w.rule FROM syncore._why(k.entity, p.field) w WHERE w.n = 1) END
			FROM syncore._plan(ARRAY(
					SELECT d.id FROM syncore.delivery d JOIN syncore.system y ON y.id = d.system_id
					WHERE d.state = 'due' AND y.mode <> 'draft' AND d.space_id = ANY (spaces)
						AND CASE _plan_target.kind WHEN 'all' THEN true WHEN 'space' THEN d.space_id = _plan_target.id WHEN 'system' THEN d.system_id = _plan_target.id
							ELSE d.link IN (SELECT k.id FROM syncore.link k WHERE k.entity = _plan_target.id) END
					ORDER BY d.priority, d.id)) WITH ORDINALITY p
				JOIN syncore.link k ON k.id = p.link JOIN syncore.system y ON y.id = k.system_id
			ORDER BY p.ordinality;
	END
	$$;
COMMENT ON FUNCTION syncore._plan_target(text, bigint) IS 'ask: plan of a resolved target';

CREATE FUNCTION syncore.plan(target text DEFAULT 'all')
	RETURNS TABLE (ref text, system text, call text, field text, now jsonb, would_be jsonb, rule text)
	LANGUAGE sql VOLATILE ROWS 100
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT p.* FROM syncore._resolve_target(target) t CROSS JOIN LATERAL syncore._plan_target(t.kind, t.id) p $$;
COMMENT ON FUNCTION syncore.plan(text) IS
	'ask: the calls that would leave now for a system, a space, a record or all, field by field: what is held there, what would be, by which rule; of paused and shadow systems, those that wait';
