-- What a person decides: conflicts, quarantined events, fields that the breaker stopped. Same rules as 62_run.sql.

CREATE FUNCTION syncore.resolve(conflict bigint, choice text, note text DEFAULT NULL, value jsonb DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one syncore.conflict;
		newest bigint;
		chosen jsonb;
	BEGIN
		-- The entity first: the same order of locks as everywhere.
		PERFORM 1 FROM syncore.entity e WHERE e.id = (SELECT c.entity FROM syncore.conflict c WHERE c.id = resolve.conflict) FOR NO KEY UPDATE;
		SELECT * INTO one FROM syncore.conflict c WHERE c.id = resolve.conflict FOR UPDATE;
		IF NOT FOUND OR one.space_id <> ALL (syncore._spaces_of(syncore._caller(), 'read')) THEN
			RAISE EXCEPTION 'conflict % does not exist', conflict USING ERRCODE = 'undefined_object', HINT = 'TABLE syncore.review;';
		END IF;
		PERFORM syncore._require(one.space_id, 'operate', format('conflict %s', conflict));
		IF one.state <> 'pending' THEN
			RAISE EXCEPTION 'conflict % does not wait for a decision', conflict
				USING ERRCODE = 'object_not_in_prerequisite_state',
				      DETAIL = CASE WHEN one.state <> 'resolved' THEN format('Rule %s decided it.', one.rule)
				          WHEN one.resolved_by IS NOT NULL THEN format('%s decided it at %s: %s.', one.resolved_by, one.resolved_at, one.choice)
				          ELSE coalesce((SELECT format('More was said since: it is in conflict %s.', max(c.id)) FROM syncore.conflict c
				              WHERE c.entity = one.entity AND c.field = one.field AND c.state = 'pending' HAVING count(*) > 0), 'The systems have come to agree.') END,
				      HINT = 'Edit the record in any system to change its value.';
		END IF;
		-- Several of one batch can be open; whoever decides is to have seen what was said last.
		SELECT max(c.id) INTO newest FROM syncore.conflict c WHERE c.entity = one.entity AND c.field = one.field AND c.state = 'pending';
		IF newest > one.id THEN
			RAISE EXCEPTION 'conflict % is not the latest of its field', conflict
				USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = format('Conflict %s has what was said since.', newest),
				      HINT = format('SELECT versions FROM syncore.review WHERE kind = ''conflict'' AND id = %s;', newest);
		END IF;
		chosen := syncore._choice(one, choice, value);
		PERFORM syncore._decide_hub(one.entity, one.field, chosen, syncore._caller()::text,
			format('%s resolved conflict %s with %s%s', syncore._caller(), conflict,
				CASE choice WHEN 'value' THEN 'a value of their own' WHEN 'current' THEN 'the value that stood' ELSE 'the value of ' || choice END,
				coalesce(': ' || note, '')));
		UPDATE syncore.conflict c SET state = 'resolved', resolved_at = now(), resolved_by = syncore._caller(),
				choice = resolve.choice, note = resolve.note
			WHERE c.id = resolve.conflict;
		PERFORM syncore._tell_stopped(one.entity, one.field);
		RETURN format('%s of %s is %s', one.field, syncore._ref(one.entity), syncore._say(CASE WHEN syncore._is_hidden(one.entity, one.field) THEN '"***"' ELSE chosen END));
	END
	$$;
COMMENT ON FUNCTION syncore.resolve(bigint, text, text, jsonb) IS
	'decide: ends a conflict that waits in review: choice is the system whose value stands, ''current'', or ''value'' with value => …';

-- The value that a choice means; raises where it means none.
CREATE FUNCTION syncore._choice(conflict syncore.conflict, choice text, value jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		sides jsonb;
	BEGIN
		IF choice = 'value' THEN
			IF value IS NULL THEN
				RAISE EXCEPTION 'choice "value" needs a value' USING ERRCODE = 'invalid_parameter_value', HINT = 'Add value => ''"…"''; an empty field is value => ''null''.';
			END IF;
			PERFORM syncore._check_value(conflict.entity, conflict.field, value);
			RETURN value;
		ELSIF choice = 'current' THEN
			RETURN coalesce(syncore._value(conflict.entity, conflict.field), 'null');
		END IF;
		-- Versions name systems by name or number; the incoming and the current one are kept beside them. What a sensitive field
		-- holds is told in none of them: it stands in the stamps, where the version in force leaves it to the entity.
		SELECT jsonb_object_agg(y.name, v.value ORDER BY v.n) INTO sides FROM (
			SELECT 1 AS n, CASE WHEN x ->> 'system' ~ '^[0-9]+$' THEN (x ->> 'system')::integer END AS id, x ->> 'system' AS name, x -> 'value' AS value
				FROM jsonb_array_elements(CASE jsonb_typeof(conflict.versions) WHEN 'array' THEN conflict.versions ELSE '[]' END) x
			UNION ALL SELECT 2, conflict.current_system, NULL, syncore._version_value(conflict.current)
			UNION ALL SELECT 3, conflict.incoming_system, NULL, syncore._version_value(conflict.incoming)
		) v JOIN syncore.system y ON y.id = v.id OR y.name = v.name WHERE NOT syncore._is_hidden(conflict.entity, conflict.field);
		SELECT coalesce(sides, '{}') || coalesce(jsonb_object_agg(y.name, coalesce(x -> 'value' -> 'value', syncore._value(e.id, conflict.field), 'null')), '{}') INTO sides
			FROM syncore.entity e, jsonb_array_elements(e.stamps::jsonb -> conflict.field -> 'versions') x JOIN syncore.system y ON y.id = (x ->> 'system_id')::integer
			WHERE e.id = conflict.entity AND syncore._is_hidden(e.id, conflict.field);
		IF NOT coalesce(sides ? choice, false) THEN
			PERFORM syncore._raise_unknown('choice', choice, ARRAY(SELECT jsonb_object_keys(sides)) || '{current,value}'::text[],
				format('Choices are %s, current and value.', (SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(sides) k)));
		END IF;
		RETURN coalesce(sides -> choice, 'null');
	END
	$$;

-- Raises unless the field may hold the value: what a person types goes to every system.
CREATE FUNCTION syncore._check_value(entity bigint, field text, value jsonb) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one syncore.field;
		known text[];
		wanted text;
	BEGIN
		SELECT f.* INTO one FROM syncore.entity e JOIN syncore.entity_type t ON t.id = e.entity_type_id
			JOIN syncore.field f ON f.entity_type = t.name AND f.name = _check_value.field WHERE e.id = _check_value.entity;
		IF value = 'null' THEN
			IF one.required THEN
				RAISE EXCEPTION 'field "%" must not be empty', field USING ERRCODE = 'not_null_violation', HINT = 'Name a value.';
			END IF;
			RETURN;
		END IF;
		wanted := CASE one.kind WHEN 'number' THEN 'number' WHEN 'boolean' THEN 'boolean' WHEN 'set' THEN 'array'
			WHEN 'json' THEN jsonb_typeof(value) WHEN 'reference' THEN jsonb_typeof(value) ELSE 'string' END;
		IF jsonb_typeof(value) <> wanted THEN
			RAISE EXCEPTION 'field "%" cannot hold %', field, syncore._say(value)
				USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It holds a JSON %s; this is a JSON %s.', wanted, jsonb_typeof(value)),
				      HINT = CASE wanted WHEN 'string' THEN 'Text is written in both kinds of quotes: value => ''"…"''.' WHEN 'array' THEN 'Write value => ''["…", "…"]''.'
				          ELSE format('Write it as a JSON %s, without quotes inside.', wanted) END;
		END IF;
		known := CASE one.kind WHEN 'state' THEN ARRAY(SELECT s.name::text FROM syncore.state s WHERE s.entity_type = one.entity_type ORDER BY s.position, s.name) ELSE one.allowed END;
		IF wanted = 'string' AND cardinality(known) > 0 AND value #>> '{}' <> ALL (known) THEN
			RAISE EXCEPTION 'field "%" cannot hold %', field, syncore._say(value)
				USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Its values are %s.', array_to_string(known, ', ')),
				      HINT = coalesce('Perhaps you meant "' || syncore._suggest(value #>> '{}', known) || '".', 'Write one of them.');
		END IF;
	END
	$$;

-- Says of each stopped field, of one or of all, where it is not sent to, whoever asks.
CREATE FUNCTION syncore._tell_stopped(entity bigint, only_field text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one record;
	BEGIN
		FOR one IN
			SELECT s.key AS field, string_agg(y.name, ', ' ORDER BY y.name) AS systems
			FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id CROSS JOIN LATERAL jsonb_each(k.shadow::jsonb) s
			WHERE k.entity = _tell_stopped.entity AND k.state = 'diverged' AND (s.value ->> 'stopped')::boolean AND coalesce(s.key = only_field, true)
			GROUP BY 1 ORDER BY 1
		LOOP
			RAISE WARNING 'field "%" of % is held by the loop breaker', one.field, syncore._ref(entity)
				USING ERRCODE = 'SY010', DETAIL = format('It is not sent to %s.', one.systems),
				      HINT = format('Find the automation there, then: SELECT syncore.release_hold(%L, %L);', syncore._ref(entity), one.field);
		END LOOP;
	END
	$$;

CREATE FUNCTION syncore.release(quarantine bigint, note text) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one syncore.quarantine_entry;
		outcome text;
	BEGIN
		PERFORM syncore._require_note(note);
		SELECT * INTO one FROM syncore.quarantine_entry q WHERE q.id = release.quarantine FOR UPDATE;
		IF NOT FOUND OR coalesce(one.space_id, 0) <> ALL (syncore._spaces_of(syncore._caller(), 'read')) THEN
			RAISE EXCEPTION 'quarantine entry % does not exist', quarantine USING ERRCODE = 'undefined_object', HINT = 'TABLE syncore.quarantine;';
		END IF;
		PERFORM syncore._require(one.space_id, 'operate', format('quarantine entry %s', quarantine));
		IF one.state <> 'open' THEN
			RAISE EXCEPTION 'quarantine entry % is % already', quarantine, one.state
				USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'TABLE syncore.quarantine;';
		ELSIF one.event IS NULL THEN
			RAISE EXCEPTION 'quarantine entry % holds a body that is no event', quarantine
				USING ERRCODE = 'feature_not_supported', DETAIL = one.message, HINT = 'The sender has to send it again.';
		END IF;
		UPDATE syncore.quarantine_entry q SET state = 'released', decided_at = now(), decided_by = syncore._caller(), note = release.note
			WHERE q.id = release.quarantine;
		PERFORM syncore._ledger_append('release', NULL, NULL, one.system_id, coalesce(one.space_id, 0), one.event, NULL, NULL, NULL, NULL, NULL,
			format('%s released event %s from quarantine: %s', syncore._caller(), one.event, note), NULL);
		outcome := syncore._replay_event(one.event)::text;
		RETURN format('event %s: %s', one.event, coalesce(nullif(outcome, ''), 'decided'));
	END
	$$;
COMMENT ON FUNCTION syncore.release(bigint, text) IS
	'decide: decides a quarantined event again, after its map or data was put right; what still fails is quarantined anew';

CREATE FUNCTION syncore.quarantine_payload(id bigint) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one syncore.quarantine_entry;
	BEGIN
		SELECT * INTO one FROM syncore.quarantine_entry q WHERE q.id = quarantine_payload.id;
		IF NOT FOUND OR coalesce(one.space_id, 0) <> ALL (syncore._spaces_of(syncore._caller(), 'read')) THEN
			RAISE EXCEPTION 'quarantine entry % does not exist', id USING ERRCODE = 'undefined_object', HINT = 'TABLE syncore.quarantine;';
		END IF;
		PERFORM syncore._require(one.space_id, 'operate', format('quarantine entry %s', id)),
			syncore._ledger_append('quarantine', NULL, NULL, one.system_id, coalesce(one.space_id, 0), one.event, NULL, NULL, NULL, NULL, 'payload_read',
				format('%s read the payload of quarantine entry %s.', syncore._caller(), id), NULL);
		RETURN coalesce((SELECT jsonb_pretty(e.payload) FROM syncore.event e WHERE e.id = one.event AND e.received_at = one.event_received_at),
			(SELECT jsonb_pretty(e.payload) FROM syncore.event e WHERE e.id = one.event), encode(one.raw, 'escape'));
	END
	$$;
COMMENT ON FUNCTION syncore.quarantine_payload(bigint) IS 'decide: the payload of a quarantined event; that somebody read it is kept in the ledger';

-- A shadow in which the breaker no longer holds the field, and has nothing to count.
CREATE FUNCTION syncore._shadow_release(shadow syncore.shadow, field text) RETURNS syncore.shadow
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT jsonb_set(shadow::jsonb, ARRAY[field], (shadow::jsonb -> field) - 'stopped' - 'reversals')::text::syncore.shadow
	$$;

-- Does the breaker hold any other field?
CREATE FUNCTION syncore._shadow_stops(shadow syncore.shadow, but text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT EXISTS (SELECT FROM jsonb_each(shadow::jsonb) f WHERE f.key <> but AND (f.value ->> 'stopped')::boolean)
	$$;

CREATE FUNCTION syncore.release_hold(ref text, field text) RETURNS text
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT syncore._release_hold(syncore._resolve_ref(ref), ref, field) $$;
COMMENT ON FUNCTION syncore.release_hold(text, text) IS 'decide: lets a field be sent again that the loop breaker stopped';

CREATE FUNCTION syncore._release_hold(goal bigint, ref text, field text) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		space integer;
		stopped bigint[];
		waiting bigint;
	BEGIN
		SELECT e.space_id INTO space FROM syncore.entity e WHERE e.id = goal FOR NO KEY UPDATE;
		PERFORM syncore._require(space, 'operate', format('record "%s"', ref)), syncore._check_entity_field(goal, field);
		SELECT c.id INTO waiting FROM syncore.conflict c WHERE c.entity = goal AND c.field = _release_hold.field AND c.state = 'pending' ORDER BY c.id DESC LIMIT 1;
		IF waiting IS NOT NULL THEN
			RAISE EXCEPTION 'field "%" of % waits for a decision', field, ref
				USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = format('Conflict %s is open.', waiting),
				      HINT = format('SELECT syncore.resolve(%s, ''current'');', waiting);
		END IF;
		PERFORM 1 FROM syncore.link k WHERE k.entity = goal ORDER BY k.id FOR NO KEY UPDATE;
		WITH freed AS (
			UPDATE syncore.link k SET shadow = syncore._shadow_release(k.shadow, _release_hold.field), updated_at = now(),
				state = CASE WHEN k.state = 'diverged' AND NOT syncore._shadow_stops(k.shadow, _release_hold.field) THEN 'active' ELSE k.state END
				WHERE k.entity = goal AND (k.shadow::jsonb -> _release_hold.field ->> 'stopped')::boolean RETURNING k.id)
		SELECT array_agg(f.id) INTO stopped FROM freed f;
		IF stopped IS NULL THEN
			RAISE EXCEPTION 'field "%" of % is not held', field, ref
				USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('SELECT * FROM syncore.why(%L, %L);', ref, field);
		END IF;
		UPDATE syncore.alert a SET closed_at = now(), closed_by = syncore._caller() WHERE a.cause = format('loop:%s:%s', goal, field) AND a.closed_at IS NULL;
		PERFORM syncore._ledger_append('release', goal, NULL, NULL, space, NULL, NULL, field, NULL, NULL, 'release_hold',
			format('%s released the hold of the loop breaker on %s record(s).', syncore._caller(), cardinality(stopped)), NULL);
		PERFORM syncore._look(goal), syncore._wake();
		RETURN format('field "%s" of %s is sent again', field, ref);
	END
	$$;
