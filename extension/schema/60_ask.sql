-- Answers from the ledger: why a value stands, what an event led to, how an entity came to be as it is.
-- Everything goes by an index, at most a few hundred rows: the age of the ledger does not matter.

-- A canonical value as a person says it.
CREATE FUNCTION syncore._say(value jsonb) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT CASE coalesce(jsonb_typeof(value), 'null')
			WHEN 'null' THEN 'empty'
			WHEN 'string' THEN '"' || CASE WHEN length(value #>> '{}') > 200 THEN left(value #>> '{}', 197) || '…' ELSE value #>> '{}' END || '"'
			WHEN 'array' THEN coalesce((SELECT string_agg(e, ', ') FROM jsonb_array_elements_text(value) e), 'empty')
			ELSE left(value #>> '{}', 200) END
	$$;

-- An actor as a person says it: "a.lee (human)".
CREATE FUNCTION syncore._say_actor(actor text, kind syncore.actor_kind) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT CASE
			WHEN actor IS NULL THEN CASE kind WHEN 'human' THEN 'a person' WHEN 'automation' THEN 'an automation' WHEN 'integration' THEN 'the integration user' END
			ELSE actor || CASE kind WHEN 'human' THEN '' WHEN 'unknown' THEN '' ELSE ' (' || kind || ')' END END
	$$;

-- The canonical value of a field now; null when unset.
CREATE FUNCTION syncore._value(entity bigint, field text) RETURNS jsonb
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT coalesce(e.long -> field, e.data -> field) FROM syncore.entity e WHERE e.id = _value.entity $$;

-- Is what the field holds told nowhere?
CREATE FUNCTION syncore._is_hidden(entity bigint, field text) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT EXISTS (SELECT FROM syncore.entity e JOIN syncore.entity_type t ON t.id = e.entity_type_id
			JOIN syncore.field f ON f.entity_type = t.name AND f.name = _is_hidden.field WHERE e.id = _is_hidden.entity AND f.sensitive <> 'no')
	$$;
COMMENT ON FUNCTION syncore._is_hidden(bigint, text) IS 'ask: is the field sensitive: what it holds is told nowhere';

-- Did a row of the ledger change what its field holds? Of a hidden value both sides look the same.
CREATE FUNCTION syncore._is_turn(kind text, old jsonb, new jsonb) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT old IS DISTINCT FROM new OR (new = '"***"' AND kind IN ('change', 'resolve', 'release')) $$;
COMMENT ON FUNCTION syncore._is_turn(text, jsonb, jsonb) IS 'ask: did a row of the ledger change what its field holds?';

-- Raises 42704 unless the entity's type has that field.
CREATE FUNCTION syncore._check_entity_field(entity bigint, field text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		PERFORM syncore._check_field(t.name, field) FROM syncore.entity e JOIN syncore.entity_type t ON t.id = e.entity_type_id WHERE e.id = entity;
		IF NOT FOUND THEN
			PERFORM syncore._raise_unknown('record', entity::text, NULL, 'Write a number of syncore.entity, system:key, or a key such as INC0012345.');
		END IF;
	END
	$$;

-- What became of a statement, in one word or two, from the kind of its ledger row.
CREATE FUNCTION syncore._say_decision(kind text, outcome text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT CASE kind
			WHEN 'conflict' THEN CASE outcome WHEN 'apply_remote' THEN 'won the conflict' WHEN 'keep_local' THEN 'lost the conflict'
				WHEN 'merged' THEN 'merged' WHEN 'deferred' THEN 'waits for a person' ELSE 'conflict' END
			WHEN 'change' THEN 'applied'
			WHEN 'receive' THEN 'applied'
			WHEN 'agree' THEN 'agreed'
			WHEN 'echo' THEN 'dropped: echo'
			WHEN 'stale' THEN 'dropped: older'
			WHEN 'duplicate' THEN 'dropped: duplicate'
			WHEN 'unordered' THEN 'passed over: order unknown'
			WHEN 'wait' THEN 'waited for a call'
			WHEN 'unsure' THEN 'read owed'
			WHEN 'raced' THEN 'raced with our write'
			WHEN 'hold' THEN 'waits for a person'
			WHEN 'resolve' THEN 'decided by a person'
			WHEN 'refuse' THEN 'refused'
			WHEN 'quarantine' THEN 'quarantined'
			WHEN 'release' THEN 'released from quarantine'
			WHEN 'retire' THEN 'losers forgotten'
			WHEN 'loop' THEN 'stopped: loop'
			WHEN 'send' THEN 'sent'
			WHEN 'confirm' THEN 'confirmed'
			WHEN 'fail' THEN 'call failed'
			WHEN 'unknown' THEN 'outcome unknown'
			WHEN 'landed' THEN 'found to have landed'
			WHEN 'dead' THEN 'given up'
			ELSE replace(kind, '_', ' ') END
	$$;

-- The value of a version as conflicts keep it: with its actor, time and dot around it.
CREATE FUNCTION syncore._version_value(version jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT CASE WHEN jsonb_typeof(version) = 'object' AND version ? 'dot' THEN version -> 'value' ELSE version END $$;
COMMENT ON FUNCTION syncore._version_value(jsonb) IS 'ask: the value of a version as conflicts keep it';

-- The ledger of one field, newest first, at most 200 rows.
CREATE FUNCTION syncore._field_ledger(entity bigint, field text) RETURNS SETOF syncore.ledger
	LANGUAGE sql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT * FROM syncore.ledger l WHERE l.entity = _field_ledger.entity AND l.field = _field_ledger.field
		ORDER BY l.entity_seq DESC LIMIT 200
	$$;

-- One sentence: what stands, since when, who said it where, and the reason the ledger keeps.
CREATE FUNCTION syncore._because(field text, value jsonb, entry syncore.ledger, system text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT format('%s is %s', field, syncore._say(value)) ||
			CASE WHEN entry.id IS NULL THEN ': nothing in the ledger tells of it.'
				ELSE format(' since %s because %s%s%s', to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'),
					CASE entry.kind WHEN 'resolve' THEN coalesce(entry.actor, 'a person') || ' decided so here'
						ELSE coalesce(syncore._say_actor(entry.actor, entry.actor_kind) || ' ', '') ||
							CASE WHEN syncore._say_actor(entry.actor, entry.actor_kind) IS NULL THEN coalesce(system, 'the hub') || ' said so'
								ELSE 'set it' || coalesce(' in ' || system, '') END END,
					CASE WHEN entry.kind = 'conflict' THEN format(', and rule %s decided against %s', coalesce(entry.rule, 'system_rank'),
						syncore._say((SELECT syncore._version_value(CASE c.outcome WHEN 'apply_remote' THEN c.current ELSE c.incoming END) FROM syncore.conflict c WHERE c.id = entry.conflict)))
						ELSE '' END,
					CASE WHEN entry.reason IS NULL THEN '.' ELSE ': ' || rtrim(entry.reason, '. ') || '.' END) END
	$$;

CREATE FUNCTION syncore._why(entity bigint, field text)
	RETURNS TABLE (n integer, at timestamptz, system text, actor text, actor_kind syncore.actor_kind, said jsonb, decision text,
		rule text, because text, value jsonb, ledger_id bigint)
	LANGUAGE sql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH entry AS MATERIALIZED (
			SELECT l AS row, l.*, y.name::text AS system_name, syncore._version_value(c.incoming) AS incoming, c.outcome
			FROM syncore._field_ledger(_why.entity, _why.field) l
				LEFT JOIN syncore.system y ON y.id = l.system_id
				LEFT JOIN syncore.conflict c ON c.id = l.conflict
		), standing AS (
			SELECT CASE WHEN nullif(v.value, 'null') IS NOT NULL AND syncore._is_hidden(_why.entity, _why.field) THEN '"***"' ELSE v.value END AS value
			FROM (SELECT syncore._value(_why.entity, _why.field) AS value) v
		), ruling AS (
			-- The row that put the value in force where it is: the newest that changed it to what it is now, or that told who had.
			SELECT e.id FROM entry e, standing s
			WHERE e.kind IN ('change', 'conflict', 'resolve', 'receive', 'release', 'agree', 'raced')
				AND e.new IS NOT DISTINCT FROM s.value
			ORDER BY (syncore._is_turn(e.kind, e.old, e.new) OR e.rule = 'author') DESC, e.entity_seq DESC LIMIT 1
		)
		SELECT 1, e.at, e.system_name, e.actor, e.actor_kind, coalesce(CASE WHEN e.outcome = 'apply_remote' THEN e.incoming END, s.value), 'in force', e.rule,
			syncore._because(_why.field, s.value, e.row, e.system_name), s.value, e.id
		FROM standing s LEFT JOIN (ruling r JOIN entry e ON e.id = r.id) ON true
		UNION ALL
		(SELECT (1 + row_number() OVER (ORDER BY e.entity_seq DESC))::integer, e.at, e.system_name, e.actor, e.actor_kind,
			coalesce(e.incoming, e.new), syncore._say_decision(e.kind, e.outcome), e.rule,
			coalesce(rtrim(e.reason, '. ') || '.', syncore._say_decision(e.kind, e.outcome) || '.'), e.new, e.id
		FROM entry e WHERE NOT EXISTS (SELECT 1 FROM ruling r WHERE r.id = e.id)
		ORDER BY e.entity_seq DESC)
	$$;

CREATE FUNCTION syncore.why(entity bigint, field text DEFAULT NULL)
	RETURNS TABLE (n integer, at timestamptz, system text, actor text, actor_kind syncore.actor_kind, said jsonb, decision text,
		rule text, because text, value jsonb, ledger_id bigint)
	LANGUAGE plpgsql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		PERFORM syncore._check_entity_field(entity, field);
		IF field IS NOT NULL THEN
			RETURN QUERY SELECT * FROM syncore._why(entity, field);
		ELSE
			-- Every field that has a value: the one row that says why it stands.
			RETURN QUERY
				SELECT (row_number() OVER (ORDER BY w.at DESC NULLS LAST, k.name))::integer, w.at, w.system, w.actor, w.actor_kind, w.said, w.decision,
					w.rule, w.because, w.value, w.ledger_id
				FROM (SELECT jsonb_object_keys(e.data || coalesce(e.long, '{}')) AS name FROM syncore.entity e WHERE e.id = entity) k
					CROSS JOIN LATERAL syncore._why(entity, k.name) w
				WHERE w.n = 1 ORDER BY 1;
		END IF;
	END
	$$;
COMMENT ON FUNCTION syncore.why(bigint, text) IS
	'ask: why a field has the value it has; row 1 is the value in force, then what else was said about it, newest first';

CREATE FUNCTION syncore.why(ref text, field text DEFAULT NULL)
	RETURNS TABLE (n integer, at timestamptz, system text, actor text, actor_kind syncore.actor_kind, said jsonb, decision text,
		rule text, because text, value jsonb, ledger_id bigint)
	LANGUAGE sql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT * FROM syncore.why(syncore._resolve_ref(ref), field) $$;
COMMENT ON FUNCTION syncore.why(text, text) IS
	'ask: why a field of a record has the value it has; the record by any key a person knows: INC0012345, jira:OPS-7, entity number';

CREATE FUNCTION syncore.trace(id text)
	RETURNS TABLE (n integer, at timestamptz, step text, system text, ref text, detail text, ledger_id bigint)
	LANGUAGE plpgsql STABLE ROWS 50
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		number bigint := CASE WHEN id ~ '^[0-9]{1,18}$' THEN id::bigint END;
		correlations text[];
	BEGIN
		-- of an event that is no longer kept the number alone is known: then it is the one that it was given here
		correlations := ARRAY(SELECT e.correlation_id FROM syncore.event e WHERE e.id = number AND e.correlation_id IS NOT NULL
			UNION SELECT 'syncore-' || number WHERE number IS NOT NULL
			UNION SELECT trace.id);
		RETURN QUERY
			SELECT (row_number() OVER (ORDER BY s.at, s.rank, s.seq))::integer, s.at, s.step, y.name::text, s.ref, s.detail, s.ledger_id
			FROM (
				SELECT e.received_at AS at, 0 AS rank, e.id AS seq, 'arrive' AS step, e.system_id,
					coalesce(e.external_key, e.external_id) AS ref,
					format('event %s by %s%s%s', e.id, e.via, coalesce(', ' || e.kind, ''), coalesce(', id ' || e.event_id, '')) AS detail, NULL::bigint AS ledger_id
				FROM syncore.event e WHERE e.id = number
				UNION ALL
				SELECT l.at, 1, coalesce(l.entity_seq, l.id), l.kind, l.system_id,
					coalesce((SELECT coalesce(k.external_key, k.external_id) FROM syncore.link k WHERE k.id = l.link), 'entity ' || l.entity),
					concat_ws(': ', l.field, nullif(concat_ws(' → ', CASE WHEN l.old IS NOT NULL THEN syncore._say(l.old) END,
						CASE WHEN l.new IS NOT NULL THEN syncore._say(l.new) END), ''), l.reason), l.id
				FROM syncore.ledger l WHERE l.correlation_id = ANY (correlations)
			) s LEFT JOIN syncore.system y ON y.id = s.system_id
			ORDER BY 1;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'no event and no correlation id "%"', id
				USING ERRCODE = 'undefined_object', HINT = 'Take the number of an event, or correlation_id from syncore.ledger or syncore.timeline().';
		END IF;
	END
	$$;
COMMENT ON FUNCTION syncore.trace(text) IS
	'ask: the whole way of one event (its number) or correlation id, in order: arrive, receive, decide, queue, send, confirm, echo';

CREATE FUNCTION syncore.trace(event bigint)
	RETURNS TABLE (n integer, at timestamptz, step text, system text, ref text, detail text, ledger_id bigint)
	LANGUAGE sql STABLE ROWS 50
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT * FROM syncore.trace(event::text) $$;
COMMENT ON FUNCTION syncore.trace(bigint) IS 'ask: the whole way of one event, by its number';

-- An entity and those that were joined to it: what was told of them is told of it.
CREATE FUNCTION syncore._parts_of(entity bigint) RETURNS bigint[]
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH RECURSIVE part AS (
			SELECT _parts_of.entity AS id
			UNION
			SELECT e.id FROM part p JOIN syncore.entity e ON e.merged_into = p.id
		)
		SELECT array_agg(p.id) FROM part p
	$$;
COMMENT ON FUNCTION syncore._parts_of(bigint) IS 'ask: an entity and those that were joined to it';

CREATE FUNCTION syncore.timeline(entity bigint)
	RETURNS TABLE (at timestamptz, system text, actor text, field text, old jsonb, new jsonb, outcome text, ledger_id bigint)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		PERFORM syncore._check_entity_field(entity, NULL);
		RETURN QUERY
			SELECT l.at, y.name::text, l.actor, l.field, l.old, l.new,
				syncore._say_decision(l.kind, (SELECT c.outcome FROM syncore.conflict c WHERE c.id = l.conflict)), l.id
			FROM (
				SELECT o.*, max(o.at) OVER (PARTITION BY o.entity ORDER BY o.entity_seq) AS told_at
				FROM syncore.ledger o WHERE o.entity = ANY (syncore._parts_of(timeline.entity))
			) l LEFT JOIN syncore.system y ON y.id = l.system_id
			ORDER BY l.told_at, l.entity, l.entity_seq;
	END
	$$;
COMMENT ON FUNCTION syncore.timeline(bigint) IS 'ask: everything that happened to an entity and to those that were joined to it, in all systems, oldest first';

CREATE FUNCTION syncore.timeline(ref text)
	RETURNS TABLE (at timestamptz, system text, actor text, field text, old jsonb, new jsonb, outcome text, ledger_id bigint)
	LANGUAGE sql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT * FROM syncore.timeline(syncore._resolve_ref(ref)) $$;
COMMENT ON FUNCTION syncore.timeline(text) IS 'ask: everything that happened to a record, in all systems, oldest first';

CREATE FUNCTION syncore.field_history(entity bigint, field text)
	RETURNS TABLE (valid_from timestamptz, valid_to timestamptz, value jsonb, system text, actor text, rule text)
	LANGUAGE plpgsql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		PERFORM syncore._check_entity_field(entity, field);
		RETURN QUERY
			SELECT l.at, lead(l.at) OVER (ORDER BY l.entity_seq), l.new, y.name::text, l.actor, l.rule
			FROM syncore.ledger l LEFT JOIN syncore.system y ON y.id = l.system_id
			WHERE l.entity = field_history.entity AND l.field = field_history.field
				AND l.kind IN ('change', 'conflict', 'resolve', 'receive', 'release', 'raced') AND syncore._is_turn(l.kind, l.old, l.new)
			ORDER BY l.entity_seq;
	END
	$$;
COMMENT ON FUNCTION syncore.field_history(bigint, text) IS 'ask: every value that a field of an entity ever had, with from and to, oldest first';

CREATE FUNCTION syncore.field_history(ref text, field text)
	RETURNS TABLE (valid_from timestamptz, valid_to timestamptz, value jsonb, system text, actor text, rule text)
	LANGUAGE sql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT * FROM syncore.field_history(syncore._resolve_ref(ref), field) $$;
COMMENT ON FUNCTION syncore.field_history(text, text) IS 'ask: every value that a field of a record ever had, with from and to, oldest first';
