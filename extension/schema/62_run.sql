-- What an operator does. References are resolved with the caller's rights, so that what he may not see does not
-- exist for him; the work runs as the owner of the tables, because operators have no right to write them. Each checks
-- that the caller has the level in the space concerned, and leaves a ledger row that says who and why.

-- Raises unless the caller may operate a resolved target.
CREATE FUNCTION syncore._require_target(kind text, id bigint) RETURNS void
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT syncore._require(CASE kind
				WHEN 'space' THEN _require_target.id::integer
				WHEN 'system' THEN (SELECT s.id FROM syncore.system y JOIN syncore.space s ON s.name = y.space WHERE y.id = _require_target.id)
				WHEN 'entity' THEN (SELECT e.space_id FROM syncore.entity e WHERE e.id = _require_target.id)
			END, 'operate', concat_ws(' ', kind, id))
	$$;

-- Runs its changes of configuration under a reason, if one is given. Returns what to set back afterwards.
CREATE FUNCTION syncore._with_reason(reason text) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		before text := coalesce(current_setting('syncore.change_reason', true), '');
	BEGIN
		IF reason IS NOT NULL THEN
			PERFORM set_config('syncore.change_reason', reason, true);
		END IF;
		RETURN before;
	END
	$$;

CREATE FUNCTION syncore.pause(target text, reason text DEFAULT NULL) RETURNS bigint
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT syncore._pause(t.kind, t.id, reason) FROM syncore._resolve_target(target) t $$;
COMMENT ON FUNCTION syncore.pause(text, text) IS
	'run: nothing leaves for a system, a space (''space:acme'') or ''all''; what arrives is still decided; returns how many were paused';

CREATE FUNCTION syncore._pause(kind text, id bigint, reason text) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		touched bigint;
		before text;
	BEGIN
		PERFORM syncore._require_target(kind, id);
		before := syncore._with_reason(reason);
		IF kind = 'entity' THEN
			RAISE EXCEPTION 'a single record cannot be paused'
				USING ERRCODE = 'feature_not_supported', HINT = 'Pause its system, or cancel its deliveries.';
		ELSIF kind = 'system' THEN
			UPDATE syncore.system y SET paused_mode = y.mode, mode = 'paused' WHERE y.id = _pause.id AND y.mode <> 'paused' AND y.mode <> 'draft';
		ELSE
			UPDATE syncore.space s SET paused = true WHERE NOT s.paused AND (kind = 'all' OR s.id = _pause.id);
		END IF;
		GET DIAGNOSTICS touched = ROW_COUNT;
		PERFORM set_config('syncore.change_reason', before, true);
		RETURN touched;
	END
	$$;

CREATE FUNCTION syncore.resume(target text) RETURNS bigint
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT syncore._resume(t.kind, t.id) FROM syncore._resolve_target(target) t $$;
COMMENT ON FUNCTION syncore.resume(text) IS 'run: ends a pause of a system, a space or ''all''; returns how many were resumed';

CREATE FUNCTION syncore._resume(kind text, id bigint) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		touched bigint;
	BEGIN
		PERFORM syncore._require_target(kind, id);
		IF kind = 'entity' THEN
			RAISE EXCEPTION 'a single record cannot be paused'
				USING ERRCODE = 'feature_not_supported', HINT = 'If the loop breaker holds a field of it: SELECT syncore.release_hold(''…'', ''…'');';
		ELSIF kind = 'system' THEN
			UPDATE syncore.system y SET mode = coalesce(y.paused_mode, 'active'), paused_mode = NULL WHERE y.id = _resume.id AND y.mode = 'paused';
		ELSE
			UPDATE syncore.space s SET paused = false WHERE s.paused AND (kind = 'all' OR s.id = _resume.id);
		END IF;
		GET DIAGNOSTICS touched = ROW_COUNT;
		PERFORM syncore._wake();
		RETURN touched;
	END
	$$;

-- Deliveries made due again, each with its ledger row.
CREATE FUNCTION syncore._retry(deliveries bigint[]) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one record;
		touched bigint := 0;
	BEGIN
		-- their ledger rows need these locks, which come before those of deliveries
		PERFORM FROM syncore.entity e
			WHERE e.id IN (SELECT k.entity FROM syncore.delivery d JOIN syncore.link k ON k.id = d.link WHERE d.id = ANY (deliveries))
			ORDER BY e.id FOR NO KEY UPDATE;
		FOR one IN
			SELECT d.id, d.link, d.system_id, d.space_id, d.state, d.attempts, d.error_code, k.entity
			FROM syncore.delivery d LEFT JOIN syncore.link k ON k.id = d.link
			WHERE d.id = ANY (deliveries) ORDER BY d.id FOR NO KEY UPDATE OF d
		LOOP
			UPDATE syncore.delivery d SET state = 'due', attempts = 0, not_before = now() WHERE d.id = one.id;
			PERFORM syncore._ledger_append('retry', one.entity, one.link, one.system_id, one.space_id, NULL, one.id, NULL, NULL, NULL, NULL,
				format('%s asked to try delivery %s again after %s attempts%s.', syncore._caller(), one.id, one.attempts,
					coalesce(' and error ' || one.error_code, '')), NULL);
			touched := touched + 1;
		END LOOP;
		PERFORM syncore._wake();
		RETURN touched;
	END
	$$;

CREATE FUNCTION syncore.retry(delivery bigint) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		PERFORM syncore._require(d.space_id, 'operate', format('delivery %s', delivery))
			FROM syncore.delivery d WHERE d.id = delivery AND d.space_id = ANY (syncore._spaces_of(syncore._caller(), 'read'));
		IF NOT FOUND THEN
			RAISE EXCEPTION 'delivery % does not exist', delivery
				USING ERRCODE = 'undefined_object', DETAIL = 'Deliveries that are done are deleted.', HINT = 'TABLE syncore.dead_letter;';
		END IF;
		RETURN syncore._retry(ARRAY[delivery]);
	END
	$$;
COMMENT ON FUNCTION syncore.retry(bigint) IS 'run: tries one delivery again, now; numbers are in dead_letter';

CREATE FUNCTION syncore.retry(target text, error_code text DEFAULT NULL) RETURNS bigint
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT syncore._retry_target(t.kind, t.id, error_code) FROM syncore._resolve_target(target) t $$;
COMMENT ON FUNCTION syncore.retry(text, text) IS
	'run: tries all dead letters of a system, a space, a record or ''all'' again, or those with one error code; returns how many';

CREATE FUNCTION syncore._retry_target(kind text, id bigint, error_code text) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		draft text;
	BEGIN
		PERFORM syncore._require_target(kind, id);
		SELECT y.name INTO draft FROM syncore.system y WHERE _retry_target.kind = 'system' AND y.id = _retry_target.id AND y.mode = 'draft';
		IF draft IS NOT NULL THEN
			RAISE EXCEPTION 'system "%" is in mode draft', draft
				USING ERRCODE = 'SY004', DETAIL = 'Nothing is sent to it, and nothing that it says is decided.', HINT = format('SELECT syncore.activate(%L);', draft);
		END IF;
		RETURN syncore._retry(ARRAY(
			SELECT d.id FROM syncore.delivery d
			WHERE d.state = 'dead' AND (_retry_target.error_code IS NULL OR d.error_code = _retry_target.error_code)
				AND CASE kind WHEN 'all' THEN true WHEN 'space' THEN d.space_id = _retry_target.id WHEN 'system' THEN d.system_id = _retry_target.id
					ELSE d.link IN (SELECT k.id FROM syncore.link k WHERE k.entity = _retry_target.id) END));
	END
	$$;

CREATE FUNCTION syncore.cancel(delivery bigint, note text) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one record;
	BEGIN
		PERFORM syncore._require_note(note);
		-- before the delivery, as all do: an edit that sees a delivery waiting relies on it
		PERFORM FROM syncore.entity e WHERE e.id = (SELECT k.entity FROM syncore.delivery d JOIN syncore.link k ON k.id = d.link WHERE d.id = cancel.delivery)
			FOR NO KEY UPDATE;
		PERFORM FROM syncore.link k WHERE k.id = (SELECT d.link FROM syncore.delivery d WHERE d.id = cancel.delivery) AND k.entity IS NULL FOR NO KEY UPDATE;
		SELECT d.*, k.entity, k.call IS NOT NULL AS in_flight INTO one
			FROM syncore.delivery d LEFT JOIN syncore.link k ON k.id = d.link WHERE d.id = cancel.delivery FOR UPDATE OF d;
		IF NOT FOUND OR one.space_id <> ALL (syncore._spaces_of(syncore._caller(), 'read')) THEN
			RAISE EXCEPTION 'delivery % does not exist', delivery
				USING ERRCODE = 'undefined_object', DETAIL = 'Deliveries that are done are deleted.', HINT = 'TABLE syncore.dead_letter;';
		END IF;
		PERFORM syncore._require(one.space_id, 'operate', format('delivery %s', delivery));
		IF one.in_flight THEN
			RAISE EXCEPTION 'delivery % is on its way', delivery
				USING ERRCODE = 'object_in_use', DETAIL = 'A call carries it now, or its outcome is not known yet.', HINT = 'Cancel it when the call has ended.';
		END IF;
		DELETE FROM syncore.delivery d WHERE d.id = cancel.delivery;
		PERFORM syncore._ledger_append('cancel', one.entity, one.link, one.system_id, one.space_id, NULL, one.id, NULL, NULL, NULL, NULL,
			format('%s cancelled delivery %s: %s', syncore._caller(), one.id, note), NULL);
		RETURN 1;
	END
	$$;
COMMENT ON FUNCTION syncore.cancel(bigint, text) IS
	'run: drops a delivery with a reason; what differs is sent with the next change of the record, or by sync_now()';

-- Raises 22004 for a decision without a reason.
CREATE FUNCTION syncore._require_note(note text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		IF coalesce(note, '') = '' THEN
			RAISE EXCEPTION 'a note is needed' USING ERRCODE = 'null_value_not_allowed', HINT = 'Say why, in a sentence: it is kept in the ledger.';
		END IF;
	END
	$$;

-- Makes every record of an entity be looked at; returns the deliveries.
CREATE FUNCTION syncore._look(entity bigint) RETURNS SETOF bigint
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
		INSERT INTO syncore.delivery AS d (link, system_id, space_id, shard)
		SELECT k.id, k.system_id, k.space_id, syncore._shard(k.id) FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id
		WHERE k.entity = _look.entity AND k.state IN ('active', 'diverged', 'creating', 'deleting') AND y.mode <> 'draft'
		ORDER BY k.id
		ON CONFLICT (link) DO UPDATE SET gen = d.gen + 1, state = 'due', not_before = now()
		RETURNING d.id
	$$;

-- FM-14: a field that names another record waits, with an alert, where that record is not there yet. Looks again at those whose record is there now.
CREATE FUNCTION syncore._fill_references() RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one record;
		looked bigint := 0;
	BEGIN
		FOR one IN
			SELECT DISTINCT e.id FROM syncore.alert a
				CROSS JOIN LATERAL (SELECT CASE WHEN a.cause ~ '^unmapped:\d{1,18}:' THEN split_part(a.cause, ':', 2)::bigint END AS entity, split_part(a.cause, ':', 3) AS system, split_part(a.cause, ':', 4) AS field) w
				JOIN syncore.entity e ON e.id = w.entity JOIN syncore.entity_type t ON t.id = e.entity_type_id
				JOIN syncore.field f ON f.entity_type = t.name AND f.name = w.field AND f.kind = 'reference'
				JOIN syncore.system y ON y.name = w.system
				JOIN syncore.link k ON k.entity = e.id AND k.system_id = y.id
				CROSS JOIN LATERAL (SELECT e.data ->> w.field AS value) v
				CROSS JOIN LATERAL (SELECT CASE WHEN v.value ~ '^\d{1,18}$' THEN v.value::bigint ELSE
					(SELECT min(l.entity) FROM syncore.system o JOIN syncore.record_map m ON m.system = o.name JOIN syncore.link l ON l.system_id = o.id AND l.record_type = m.record_type
							AND (l.external_id = substr(v.value, strpos(v.value, ':') + 1) OR l.external_key = substr(v.value, strpos(v.value, ':') + 1))
						WHERE o.name = split_part(v.value, ':', 1) AND l.space_id = e.space_id) END AS entity) r
			WHERE a.closed_at IS NULL AND a.kind = 'unmapped' AND NOT EXISTS (SELECT FROM syncore.delivery d WHERE d.link = k.id)
				AND EXISTS (SELECT FROM syncore.link p WHERE p.system_id = y.id AND p.state IN ('active', 'diverged')
					AND p.entity = coalesce((SELECT x.merged_into FROM syncore.entity x WHERE x.id = r.entity), r.entity))
			ORDER BY 1 LIMIT 1000
		LOOP
			PERFORM FROM syncore.entity e WHERE e.id = one.id FOR NO KEY UPDATE;
			looked := looked + (SELECT count(*) FROM syncore._look(one.id));
		END LOOP;
		IF looked > 0 THEN
			PERFORM syncore._wake();
		END IF;
		RETURN looked;
	END
	$$;
COMMENT ON FUNCTION syncore._fill_references() IS 'run: looks again at records whose field names another one that was missing and is there now; returns how many deliveries';

CREATE FUNCTION syncore.sync_now(entity bigint) RETURNS SETOF bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		space integer;
	BEGIN
		SELECT e.space_id INTO space FROM syncore.entity e WHERE e.id = sync_now.entity;
		IF space IS NULL OR space <> ALL (syncore._spaces_of(syncore._caller(), 'read')) THEN
			PERFORM syncore._raise_unknown('record', entity::text, NULL, 'Write a number of syncore.entity, system:key, or a key such as INC0012345.');
		END IF;
		PERFORM syncore._require(space, 'operate', format('record "%s"', entity));
		-- before its deliveries, as all do
		PERFORM FROM syncore.entity e WHERE e.id = sync_now.entity FOR NO KEY UPDATE;
		RETURN QUERY SELECT * FROM syncore._look(entity);
		PERFORM syncore._wake(), syncore._tell_stopped(entity);
	END
	$$;
COMMENT ON FUNCTION syncore.sync_now(bigint) IS
	'feed: looks at every record of an entity now and sends what differs; returns the numbers of the deliveries';

CREATE FUNCTION syncore.sync_now(ref text) RETURNS SETOF bigint
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT * FROM syncore.sync_now(syncore._resolve_ref(ref)) $$;
COMMENT ON FUNCTION syncore.sync_now(text) IS
	'feed: looks at every record of an entity now and sends what differs; the entity by any key a person knows';

CREATE FUNCTION syncore.check_system(system text) RETURNS bigint
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT syncore._request_job('check_system', y.name, y.id, '{}') FROM syncore._system(system) y $$;
COMMENT ON FUNCTION syncore.check_system(text) IS
	'configure: asks a worker to call the system: does it answer, as whom, with which rights, how wrong is its clock; returns the job: CALL syncore.wait(job)';

CREATE FUNCTION syncore.register_webhook(system text) RETURNS bigint
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT syncore._request_job('register_webhook', y.name, y.id, '{}') FROM syncore._system(system) y $$;
COMMENT ON FUNCTION syncore.register_webhook(text) IS
	'configure: asks the system to send its webhooks here, signed with the secret of its webhook credential; returns the job: CALL syncore.wait(job)';

-- Queues a job that concerns one system; returns its number.
CREATE FUNCTION syncore._request_job(kind text, target text, system_id integer, arguments jsonb) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		made bigint;
		space integer;
	BEGIN
		SELECT s.id INTO space FROM syncore.system y JOIN syncore.space s ON s.name = y.space WHERE y.id = _request_job.system_id;
		PERFORM syncore._require(space, CASE kind WHEN 'register_webhook' THEN 'admin' ELSE 'operate' END, format('system "%s"', target));
		INSERT INTO syncore.job (kind, target, space_id, system_id, arguments, requested_by)
			VALUES (_request_job.kind, _request_job.target, space, _request_job.system_id, _request_job.arguments, syncore._caller()) RETURNING id INTO made;
		PERFORM syncore._wake();
		RETURN made;
	END
	$$;

CREATE FUNCTION syncore.adopt_instance(note text) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		before syncore.instance;
	BEGIN
		PERFORM syncore._require(NULL, 'admin', 'the instance'), syncore._require_note(note);
		SELECT * INTO before FROM syncore.instance;
		DELETE FROM syncore.instance;
		INSERT INTO syncore.instance (system_identifier, database_oid, database_name, adopted_by, note)
			SELECT c.system_identifier, d.oid, d.datname, syncore._caller(), adopt_instance.note
			FROM pg_control_system() c, pg_database d WHERE d.datname = current_database();
		PERFORM syncore._ledger_append('config', NULL, NULL, NULL, 0, NULL, NULL, 'instance',
			to_jsonb(before) - 'token_hash', (SELECT to_jsonb(i) - 'token_hash' FROM syncore.instance i), 'adopt_instance',
			format('%s made database "%s" the instance that may send: %s', syncore._caller(), current_database(), note), NULL);
		PERFORM syncore._wake();
		RETURN format('database "%s" may send now; whatever it was copied from must not', current_database());
	END
	$$;
COMMENT ON FUNCTION syncore.adopt_instance(text) IS
	'run: after a restore or a move: this database is now the one that may send. Only if the original is gone';
