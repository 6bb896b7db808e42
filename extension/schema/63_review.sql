-- What a person decides: conflicts, quarantined events, fields that the breaker stopped. Same rules as 62_run.sql.

CREATE FUNCTION syncore.resolve(conflict bigint, choice text, note text DEFAULT NULL, value jsonb DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one syncore.conflict;
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
				      DETAIL = CASE one.state WHEN 'resolved' THEN format('%s decided it at %s: %s.', one.resolved_by, one.resolved_at, one.choice)
				          ELSE format('Rule %s decided it.', one.rule) END,
				      HINT = 'Edit the record in any system to change its value.';
		END IF;
		chosen := syncore._choice(one, choice, value);
		PERFORM syncore._decide_hub(one.entity, one.field, chosen, syncore._caller()::text,
			format('%s resolved conflict %s with %s%s', syncore._caller(), conflict,
				CASE choice WHEN 'value' THEN 'a value of their own' WHEN 'current' THEN 'the value that stood' ELSE 'the value of ' || choice END,
				coalesce(': ' || note, '')));
		UPDATE syncore.conflict c SET state = 'resolved', resolved_at = now(), resolved_by = syncore._caller(),
				choice = resolve.choice, note = resolve.note
			WHERE c.id = resolve.conflict;
		RETURN format('%s of %s is %s', one.field, syncore._ref(one.entity), syncore._say(chosen));
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
			RETURN value;
		ELSIF choice = 'current' THEN
			RETURN coalesce(syncore._value(conflict.entity, conflict.field), 'null');
		END IF;
		-- Versions name systems by name or number; the incoming and the current one are kept beside them.
		SELECT jsonb_object_agg(y.name, v.value) INTO sides FROM (
			SELECT CASE WHEN x ->> 'system' ~ '^[0-9]+$' THEN (x ->> 'system')::integer END AS id, x ->> 'system' AS name, x -> 'value' AS value
				FROM jsonb_array_elements(CASE jsonb_typeof(conflict.versions) WHEN 'array' THEN conflict.versions ELSE '[]' END) x
			UNION ALL SELECT conflict.current_system, NULL, syncore._version_value(conflict.current)
			UNION ALL SELECT conflict.incoming_system, NULL, syncore._version_value(conflict.incoming)
		) v JOIN syncore.system y ON y.id = v.id OR y.name = v.name;
		IF NOT coalesce(sides ? choice, false) THEN
			PERFORM syncore._raise_unknown('choice', choice, ARRAY(SELECT jsonb_object_keys(sides)) || '{current,value}'::text[],
				format('Choices are %s, current and value.', (SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(sides) k)));
		END IF;
		RETURN coalesce(sides -> choice, 'null');
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
