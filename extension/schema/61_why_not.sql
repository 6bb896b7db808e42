-- Why something is not there: why_not(), step by step from the entity to the call; and as_of(), what was there.

-- Does a condition hold, as the engine judges it (sc_conf_holds)? An error inside counts as no.
CREATE FUNCTION syncore._holds(condition jsonpath, document jsonb) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT condition IS NULL OR (
			SELECT CASE WHEN jsonb_array_length(a) <> 1 THEN jsonb_array_length(a) > 1
				WHEN jsonb_typeof(a -> 0) = 'boolean' THEN (a -> 0)::boolean
				ELSE jsonb_typeof(a -> 0) <> 'null' END
			FROM jsonb_path_query_array(document, condition, '{}', true) a)
	$$;

-- A time as a sentence says it.
CREATE FUNCTION syncore._say_time(at timestamptz) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') $$;

-- The record of an entity in a system: the one that stands, else the last that stood.
CREATE FUNCTION syncore._link_of(entity bigint, system_id integer) RETURNS syncore.link
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT k FROM syncore.link k WHERE k.entity = _link_of.entity AND k.system_id = _link_of.system_id AND k.state <> 'candidate'
		ORDER BY k.state = 'tombstone', k.id DESC LIMIT 1
	$$;

-- The route of a system that takes an entity; null when none does.
CREATE FUNCTION syncore._route_of(one syncore.entity, target syncore.system) RETURNS syncore.route
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT r FROM syncore.route r JOIN syncore.entity_type t ON t.name = r.entity_type AND t.id = one.entity_type_id
		WHERE r.system = target.name AND syncore._holds(r.condition, one.data || coalesce(one.long, '{}'))
			AND (coalesce(cardinality(r.from_systems), 0) = 0 OR EXISTS (SELECT FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id
				WHERE k.entity = one.id AND y.name = ANY (r.from_systems)))
		ORDER BY r.position LIMIT 1
	$$;

-- Is it there, and may it be there: entity, record, space and mode, record map, route.
CREATE FUNCTION syncore._why_not_there(one syncore.entity, target syncore.system, there syncore.link)
	RETURNS TABLE (step text, passed boolean, because text, fix text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		called text := syncore._ref(one.id);
		type text := (SELECT t.name FROM syncore.entity_type t WHERE t.id = one.entity_type_id);
		space text := (SELECT s.name FROM syncore.space s WHERE s.id = one.space_id);
		type_there text := (SELECT m.record_type FROM syncore.record_map m WHERE m.system = target.name AND m.entity_type = type ORDER BY m.position, m.record_type LIMIT 1);
		way syncore.route := syncore._route_of(one, target);
		routes integer := (SELECT count(*) FROM syncore.route r WHERE r.system = target.name AND r.entity_type = type);
		told syncore.ledger;
	BEGIN
		RETURN QUERY SELECT 'exists', true, format('%s is %s %s, known since %s.', called, type, one.id, syncore._say_time(one.created_at)), NULL::text;
		step := 'record'; passed := coalesce(there.state IN ('active', 'diverged'), false); fix := NULL;
		IF there.id IS NULL THEN
			because := format('%s has no record of it.', target.name);
		ELSIF there.state = 'creating' THEN
			because := format('A record of type %s is to be created in %s since %s.', there.record_type, target.name, syncore._say_time(there.created_at));
		ELSIF there.state = 'deleting' THEN
			because := format('Its record %s in %s is to be deleted, as another one was.', coalesce(there.external_key, there.external_id, '(being created)'), target.name);
		ELSIF there.state = 'tombstone' AND there.external_id IS NULL AND there.gone_by = 'on_reopen' THEN
			SELECT * INTO told FROM syncore.ledger l WHERE l.entity = one.id AND l.system_id = target.id AND l.kind = 'unlink' AND l.rule = 'on_reopen'
				ORDER BY l.entity_seq DESC LIMIT 1;
			because := coalesce(told.reason, format('Its record in %s was reopened, and goes on as another entity', target.name)) || '.';
		ELSIF there.state = 'tombstone' THEN
			SELECT * INTO told FROM syncore.ledger l WHERE l.entity = one.id AND l.field IS NULL AND l.link = there.id AND l.kind IN ('delete', 'unlink')
				ORDER BY l.entity_seq DESC LIMIT 1;
			because := format('Its record %s in %s is gone%s.', coalesce(there.external_key, there.external_id, '(never created)'), target.name,
				coalesce(': ' || rtrim(told.reason, '. '), ''));
		ELSE
			because := format('%s has it as %s.', target.name, coalesce(there.external_key, there.external_id));
		END IF;
		RETURN NEXT;
		step := 'scope'; passed := true; fix := NULL; because := format('%s is of space %s, as it is.', target.name, space);
		IF target.space <> space THEN
			passed := false; because := format('%s belongs to space %s and the record to space %s: nothing crosses spaces.', target.name, target.space, space);
		ELSIF target.mode = 'draft' THEN
			passed := false; because := format('%s is in mode draft: nothing it says is decided, and nothing is sent to it.', target.name);
			fix := format('SELECT syncore.activate(%L, ''shadow'');', target.name);
		END IF;
		RETURN NEXT;
		step := 'map'; passed := type_there IS NOT NULL; fix := NULL;
		because := CASE WHEN passed THEN format('%s maps %s to %s.', target.name, type, coalesce(there.record_type, type_there)) ELSE format('No record type of %s is mapped to %s.', target.name, type) END;
		IF NOT passed THEN
			fix := format('INSERT INTO syncore.record_map (system, record_type, entity_type) VALUES (%L, ''…'', %L);', target.name, type);
		END IF;
		RETURN NEXT;
		RETURN QUERY SELECT 'route', r.passed, r.because, r.fix FROM syncore._why_not_route(one, target, there, way, routes, type) r;
	END
	$$;

-- Does a route take it, and may a record be made for it?
CREATE FUNCTION syncore._why_not_route(one syncore.entity, target syncore.system, there syncore.link, way syncore.route, routes integer, type text,
		OUT passed boolean, OUT because text, OUT fix text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		is_there boolean := coalesce(there.state <> 'tombstone', false);
		missing text := (SELECT string_agg(DISTINCT f.name::text, ', ') FROM syncore.field f
			JOIN syncore.field_map m ON m.system = target.name AND m.entity_type = f.entity_type AND m.field = f.name AND m.direction IN ('both', 'out')
			WHERE f.entity_type = type AND f.required AND nullif(coalesce(one.long -> f.name::text, one.data -> f.name::text), 'null') IS NULL);
	BEGIN
		passed := false;
		IF routes = 0 AND is_there THEN
			passed := true; because := format('No route says what goes to %s; a record that is linked is kept in step.', target.name);
		ELSIF routes = 0 THEN
			because := format('Nothing is routed to %s: it is kept in step where it is linked, and nothing is created there.', target.name);
			fix := format('INSERT INTO syncore.route (system, entity_type) VALUES (%L, %L);', target.name, type);
		ELSIF way.system IS NULL THEN
			because := format('No route of %s takes it as it is now%s.', target.name,
				(SELECT ': ' || string_agg(format('route %s asks for %s', r.position, concat_ws(' and ', r.condition::text, 'a record in ' || array_to_string(r.from_systems, ' or '))), '; ' ORDER BY r.position)
					FROM syncore.route r WHERE r.system = target.name AND r.entity_type = type));
			fix := format('SELECT * FROM syncore.route WHERE system = %L AND entity_type = %L;', target.name, type);
		ELSIF is_there AND NOT there.in_route THEN
			because := format('Route %s takes it, but when it was looked at last none did: the next change of the record is sent.', way.position);
			fix := format('SELECT syncore.sync_now(%s);', one.id);
		ELSIF is_there THEN
			passed := true; because := format('Route %s takes it.', way.position);
		ELSIF NOT way.may_create THEN
			because := format('Route %s takes it, but may not create records: only linked ones are kept in step.', way.position);
			fix := format('UPDATE syncore.route SET may_create = true WHERE system = %L AND entity_type = %L AND position = %s;', target.name, type, way.position);
		ELSIF target.create_after > one.created_at THEN
			because := format('It is older than the first activation of %s (%s): such records are linked or updated, never created.', target.name, syncore._say_time(target.create_after));
		ELSIF missing IS NOT NULL THEN
			because := format('Route %s takes it, but what every record needs is not known yet: %s.', way.position, missing);
		ELSIF there.id IS NOT NULL AND (SELECT t.on_delete <> 'recreate' FROM syncore.entity_type t WHERE t.id = one.entity_type_id) THEN
			because := format('Its record in %s was deleted, and %s records are not created anew.', target.name, type);
			fix := format('UPDATE syncore.entity_type SET on_delete = ''recreate'' WHERE name = %L;', type);
		ELSE
			because := format('Route %s takes it, but nothing has changed on it since: the next change creates the record.', way.position);
		END IF;
	END
	$$;

-- What was said and not taken: by the owner of a field or the state machine; and what could not be read at all.
CREATE FUNCTION syncore._why_not_taken(one syncore.entity) RETURNS TABLE (step text, passed boolean, because text, fix text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH last_word AS (
			SELECT DISTINCT ON (l.field) l.field, l.kind, l.rule, l.reason, y.name::text AS system
			FROM syncore.ledger l LEFT JOIN syncore.system y ON y.id = l.system_id
			WHERE l.entity = one.id AND l.field IS NOT NULL AND l.kind IN ('change', 'conflict', 'resolve', 'raced', 'refuse')
			ORDER BY l.field, l.entity_seq DESC
		), refused AS (
			SELECT w.*, t.name::text AS type FROM last_word w, syncore.entity_type t WHERE w.kind = 'refuse' AND t.id = one.entity_type_id
		), bad AS (
			SELECT q.id, q.event, q.system, q.message, q.hint FROM syncore.quarantine_entry q
				JOIN syncore.link k ON k.entity = one.id AND k.system_id = q.system_id AND k.external_id = q.external_id
			WHERE q.state = 'open'
		)
		SELECT 'ownership', false, format('The last word about %s was not taken: %s.', r.field, rtrim(r.reason, '. ')),
			CASE WHEN r.rule = 'ownership' THEN format('SELECT syncore.set_owner(%L, %L, %L);', r.type, r.field, r.system) END
		FROM refused r
		UNION ALL
		SELECT 'ownership', true, 'No value that was said last was refused.', NULL WHERE NOT EXISTS (SELECT FROM refused)
		UNION ALL
		SELECT 'quarantine', false, format('Event %s of %s waits in quarantine: %s.', b.event, b.system, rtrim(b.message, '. ')),
			format('SELECT syncore.release(%s, ''…'');  -- %s', b.id, b.hint)
		FROM bad b
		UNION ALL
		SELECT 'quarantine', true, 'No event of its records is in quarantine.', NULL WHERE NOT EXISTS (SELECT FROM bad)
		UNION ALL
		SELECT 'fetch', false, format('Its record in %s names %s %s, which has not been fetched yet%s.', y.name, w.kind, w.external_id, coalesce(': ' || r.error_message, '')),
			format('SELECT syncore.check_system(%L);', y.name)
		FROM syncore.link k JOIN syncore.reference_wait w ON w.link = k.id JOIN syncore.system y ON y.id = k.system_id
			LEFT JOIN syncore.referenced r ON r.system_id = w.system_id AND r.kind = w.kind AND r.external_id = w.external_id
		WHERE k.entity = one.id
	$$;

-- Fields that are kept from it: they wait for a person, the breaker stopped them, or its map has no word for them.
CREATE FUNCTION syncore._why_not_held(one syncore.entity, target syncore.system, there syncore.link)
	RETURNS TABLE (step text, passed boolean, because text, fix text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH held AS (
			SELECT format('%s waits for a person since %s: %s.', c.field, syncore._say_time(c.opened_at), rtrim(c.reason, '. ')) AS because,
				format('SELECT syncore.resolve(%s, ''current'');', c.id) AS fix
			FROM syncore.conflict c WHERE c.entity = one.id AND c.state = 'pending'
			UNION ALL
			SELECT format('The loop breaker stopped %s on its record in %s.', f.key, target.name), format('SELECT syncore.release_hold(%L, %L);', one.id, f.key)
			FROM jsonb_each(there.shadow::jsonb) f WHERE (f.value ->> 'stopped')::boolean
			UNION ALL
			SELECT format('%s cannot be told %s: its map has no word for it.', target.name, f.key),
				format('SELECT * FROM syncore.field_map WHERE system = %L AND field = %L;', target.name, f.key)
			FROM jsonb_each(there.shadow::jsonb) f WHERE (f.value ->> 'unsaid')::boolean
		)
		SELECT 'hold', false, h.because, h.fix FROM held h
		UNION ALL
		SELECT 'hold', true, 'No field of it is held.', NULL WHERE NOT EXISTS (SELECT FROM held)
	$$;

-- What keeps calls from leaving: pauses, modes, workers, the circuit.
CREATE FUNCTION syncore._why_not_leave(target syncore.system) RETURNS TABLE (step text, passed boolean, because text, fix text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH stop AS (
			SELECT 'paused' AS step, format('%s is in mode shadow: calls are prepared and never sent.', target.name) AS because, format('SELECT syncore.activate(%L);', target.name) AS fix
			WHERE target.mode = 'shadow'
			UNION ALL
			SELECT 'paused', format('%s is paused.', target.name), format('SELECT syncore.resume(%L);', target.name) WHERE target.mode = 'paused'
			UNION ALL
			SELECT 'paused', format('Space %s is paused.', s.name), format('SELECT syncore.resume(%L);', 'space:' || s.name) FROM syncore.space s WHERE s.name = target.space AND s.paused
			UNION ALL
			SELECT 'paused', h.detail, h.hint FROM syncore._health_server() h WHERE h.check_name IN ('preload', 'workers', 'enabled', 'instance') AND h.level <> 'warning' OR h.check_name = 'enabled'
			UNION ALL
			SELECT 'breaker', format('The circuit of %s is %s since %s: calls failed one after another.', target.name, t.breaker, syncore._say_time(t.last_error_at)),
				format('CALL syncore.wait(syncore.check_system(%L));', target.name)
			FROM syncore.stat_system t WHERE t.system = target.name AND t.breaker <> 'closed'
			UNION ALL
			SELECT 'breaker', format('%s asked to be left alone until %s.', target.name, syncore._say_time(t.paused_until)), NULL
			FROM syncore.stat_system t WHERE t.system = target.name AND t.paused_until > now()
		)
		SELECT s.step, false, s.because, s.fix FROM stop s
		UNION ALL
		SELECT o.step, true, o.because, NULL FROM (VALUES ('paused', 'Nothing is paused: calls may leave.'), ('breaker', format('The circuit of %s is closed.', target.name))) AS o (step, because)
		WHERE NOT EXISTS (SELECT FROM stop s WHERE s.step = o.step)
	$$;

-- The call itself: waiting, under way, given up.
CREATE FUNCTION syncore._why_not_sent(target syncore.system, there syncore.link) RETURNS TABLE (step text, passed boolean, because text, fix text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one syncore.delivery;
	BEGIN
		SELECT * INTO one FROM syncore.delivery d WHERE d.link = there.id;
		step := 'queued'; passed := one.id IS NULL OR one.state = 'dead'; fix := NULL;
		because := CASE WHEN passed AND there.call IS NULL THEN format('Nothing waits to be sent to %s.', target.name)
			WHEN one.sent_at IS NOT NULL THEN format('A call to %s is under way since %s.', target.name, syncore._say_time(one.sent_at))
			WHEN (there.call ->> 'unknown')::boolean THEN format('The outcome of a call to %s is not known: it is looked up before anything else is sent.', target.name)
			WHEN one.attempts > 0 THEN format('A call to %s failed %s times (%s) and is tried again at %s.', target.name, one.attempts,
				concat_ws(' ', one.error_code, one.error_message), syncore._say_time(one.not_before))
			WHEN there.read_owed THEN format('Its record in %s is read before anything is written to it.', target.name)
			ELSE format('A call to %s is due since %s.', target.name, syncore._say_time(one.not_before)) END;
		IF cardinality(there.waiting) > 0 THEN
			passed := false; because := format('%s %s of its events wait for the outcome.', because, cardinality(there.waiting));
		END IF;
		IF NOT passed AND one.attempts > 0 AND one.sent_at IS NULL THEN
			fix := format('SELECT syncore.retry(%s);', one.id);
		END IF;
		RETURN NEXT;
		step := 'dead'; passed := coalesce(one.state <> 'dead', true); fix := NULL; because := 'No call was given up.';
		IF NOT passed THEN
			because := format('The call to %s was given up at %s: %s.', target.name, syncore._say_time(one.error_at), rtrim(concat_ws(' ', one.error_code, one.error_message), '. '));
			fix := format('SELECT syncore.retry(%s);', one.id);
		END IF;
		RETURN NEXT;
	END
	$$;

CREATE FUNCTION syncore.why_not(entity bigint, system text) RETURNS TABLE (n integer, step text, passed boolean, because text, fix text)
	LANGUAGE plpgsql STABLE ROWS 12
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one syncore.entity;
		target syncore.system := syncore._system(system);
		there syncore.link := syncore._link_of(entity, target.id);
	BEGIN
		PERFORM syncore._check_entity_field(entity, NULL);
		SELECT * INTO one FROM syncore.entity e WHERE e.id = why_not.entity;
		RETURN QUERY
			SELECT (row_number() OVER (ORDER BY s.part, s.ordinality))::integer, s.step, s.passed, s.because, s.fix FROM (
				SELECT 1 AS part, t.* FROM syncore._why_not_there(one, target, there) WITH ORDINALITY t
				UNION ALL SELECT 2, t.* FROM syncore._why_not_taken(one) WITH ORDINALITY t
				UNION ALL SELECT 3, t.* FROM syncore._why_not_held(one, target, there) WITH ORDINALITY t
				UNION ALL SELECT 4, t.* FROM syncore._why_not_leave(target) WITH ORDINALITY t
				UNION ALL SELECT 5, t.* FROM syncore._why_not_sent(target, there) WITH ORDINALITY t
			) s (part, step, passed, because, fix, ordinality) ORDER BY 1;
	END
	$$;
COMMENT ON FUNCTION syncore.why_not(bigint, text) IS
	'ask: why a system has no record of an entity, or an old value: every step from scope to the call, whether it is passed, why, and what to do';

-- What was heard of a record that no entity stands for: the last event of that id, and what became of it.
CREATE FUNCTION syncore._why_not_known(ref text) RETURNS TABLE (n integer, step text, passed boolean, because text, fix text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		WITH heard AS (
			SELECT e.id, e.correlation_id, y.name::text AS system, y.mode, e.external_id
			FROM syncore.system y JOIN syncore.event e ON e.system_id = y.id
				AND e.external_id = CASE WHEN starts_with(ref, y.name || ':') THEN substr(ref, length(y.name) + 2) ELSE ref END
			ORDER BY e.id DESC LIMIT 1
		), told AS (
			SELECT l.kind, l.reason FROM heard h JOIN syncore.ledger l ON l.correlation_id = h.correlation_id AND l.event = h.id ORDER BY l.id DESC LIMIT 1
		), bad AS (
			SELECT q.id, q.hint FROM heard h JOIN syncore.quarantine_entry q ON q.event = h.id WHERE q.state = 'open' ORDER BY q.id DESC LIMIT 1
		)
		SELECT 1, CASE WHEN b.id IS NOT NULL THEN 'quarantine' WHEN t.kind = 'out_of_scope' THEN 'scope' ELSE 'exists' END, false,
			format('No entity: event %s of %s, the last about %s, %s%s.', h.id, h.system, h.external_id,
				coalesce(syncore._say_decision(t.kind, NULL), 'is not decided'), coalesce(': ' || rtrim(t.reason, '. '), '')),
			CASE WHEN b.id IS NOT NULL THEN format('SELECT syncore.release(%s, ''…'');  -- %s', b.id, b.hint)
				WHEN h.mode = 'draft' THEN format('SELECT syncore.activate(%L, ''shadow'');', h.system) END
		FROM heard h LEFT JOIN told t ON true LEFT JOIN bad b ON true
	$$;

CREATE FUNCTION syncore.why_not(ref text, system text) RETURNS TABLE (n integer, step text, passed boolean, because text, fix text)
	LANGUAGE plpgsql STABLE ROWS 12
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		PERFORM syncore._system(system);
		IF NOT EXISTS (SELECT FROM syncore._candidates(ref)) THEN
			RETURN QUERY SELECT * FROM syncore._why_not_known(ref);
			IF FOUND THEN
				RETURN;
			END IF;
		END IF;
		RETURN QUERY SELECT * FROM syncore.why_not(syncore._resolve_ref(ref), system);
	END
	$$;
COMMENT ON FUNCTION syncore.why_not(text, text) IS
	'ask: why a system has no record of this one, or an old value; also of a record whose events were refused or out of scope';

CREATE FUNCTION syncore.as_of(entity bigint, "time" timestamptz) RETURNS TABLE (field text, value jsonb, since timestamptz, system text)
	LANGUAGE plpgsql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		PERFORM syncore._check_entity_field(entity, NULL);
		IF as_of."time" IS NULL THEN
			RAISE EXCEPTION 'a time is needed' USING ERRCODE = 'null_value_not_allowed', HINT = 'As it stands: now().';
		END IF;
		-- the last row of each field that changed its value, among those that had been written by then
		RETURN QUERY
			SELECT f.field, f.new, f.at, y.name::text FROM (
				SELECT DISTINCT ON (l.field) l.field, l.new, l.at, l.system_id FROM syncore.ledger l
				WHERE l.entity = as_of.entity AND l.field IS NOT NULL AND l.at <= as_of."time"
					AND l.kind IN ('change', 'conflict', 'resolve', 'receive', 'release', 'raced') AND syncore._is_turn(l.kind, l.old, l.new)
				ORDER BY l.field, l.entity_seq DESC) f
			LEFT JOIN syncore.system y ON y.id = f.system_id ORDER BY f.field;
	END
	$$;
COMMENT ON FUNCTION syncore.as_of(bigint, timestamptz) IS
	'ask: the values of an entity as they stood at a time, each since when and by which system''s word (none: decided here)';

CREATE FUNCTION syncore.as_of(ref text, "time" timestamptz) RETURNS TABLE (field text, value jsonb, since timestamptz, system text)
	LANGUAGE sql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT * FROM syncore.as_of(syncore._resolve_ref(ref), "time") $$;
COMMENT ON FUNCTION syncore.as_of(text, timestamptz) IS 'ask: the values of a record as they stood at a time in the past';

COMMENT ON FUNCTION syncore._holds(jsonpath, jsonb) IS 'ask: does a condition hold, as the engine judges it?';
COMMENT ON FUNCTION syncore._say_time(timestamptz) IS 'ask: a time as a sentence says it';
COMMENT ON FUNCTION syncore._link_of(bigint, integer) IS 'ask: the record of an entity in a system';
COMMENT ON FUNCTION syncore._route_of(syncore.entity, syncore.system) IS 'ask: the route of a system that takes an entity';
COMMENT ON FUNCTION syncore._why_not_there(syncore.entity, syncore.system, syncore.link) IS 'ask: why_not: entity, record, scope, map, route';
COMMENT ON FUNCTION syncore._why_not_route(syncore.entity, syncore.system, syncore.link, syncore.route, integer, text) IS 'ask: why_not: the route';
COMMENT ON FUNCTION syncore._why_not_taken(syncore.entity) IS 'ask: why_not: refused values and quarantined events';
COMMENT ON FUNCTION syncore._why_not_held(syncore.entity, syncore.system, syncore.link) IS 'ask: why_not: fields that are held';
COMMENT ON FUNCTION syncore._why_not_leave(syncore.system) IS 'ask: why_not: what keeps calls from leaving';
COMMENT ON FUNCTION syncore._why_not_sent(syncore.system, syncore.link) IS 'ask: why_not: the call itself';
COMMENT ON FUNCTION syncore._why_not_known(text) IS 'ask: why_not: a record that no entity stands for';
