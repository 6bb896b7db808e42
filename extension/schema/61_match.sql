-- Which records are the same: likeness, keys of what is there when a rule is written, and what a person says of it.
-- Same rules as 62_run.sql.

CREATE FUNCTION syncore._match_key(data jsonb, fields text[], normalise text[], fuzzy boolean) RETURNS text
	AS 'MODULE_PATHNAME', 'syncore_match_key' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE FUNCTION syncore._join(keep bigint, drop_it bigint, actor text, reason text) RETURNS void
	AS 'MODULE_PATHNAME', 'syncore_join' LANGUAGE C VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp;

CREATE FUNCTION syncore._split(link bigint, actor text, reason text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'syncore_split' LANGUAGE C VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp;

-- Keys are found by what they are like, too. pg_trgm may live in any schema. A list of waiting rows would be read by every look-up.
CREATE FUNCTION syncore._install_likeness() RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		EXECUTE format('CREATE INDEX match_key_like ON syncore.match_key USING gin (key %I.gin_trgm_ops) WITH (fastupdate = off) WHERE near_at IS NOT NULL',
			(SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'));
	END
	$$;
SELECT syncore._install_likeness();
DROP FUNCTION syncore._install_likeness();

-- Tells the planner what comparing two keys really costs (some 5 us, a hundred times a comparison of numbers), so that a short time is
-- searched by time and a long one by likeness; it says nothing that the query does not say itself.
CREATE FUNCTION syncore._match_within(at timestamptz, made_from timestamptz, made_to timestamptz) RETURNS boolean
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
	AS $$
	BEGIN
		RETURN at >= made_from AND at <= made_to;
	END
	$$;

-- Entities whose key is like one, made in a time, that have no record in a system. The operator takes its threshold from a setting,
-- which is put back; the last digit of a likeness is lost on the way there, so the comparison is made once more.
CREATE FUNCTION syncore._match_near(space_id integer, entity_type_id integer, rule integer, key text, threshold real,
		made_from timestamptz, made_to timestamptz, system_id integer)
	RETURNS TABLE (entity bigint, score real)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		before text := coalesce(current_setting('pg_trgm.similarity_threshold', true), '0.3');
	BEGIN
		PERFORM set_config('pg_trgm.similarity_threshold', greatest(threshold::numeric - 0.00001, 0)::text, true);
		RETURN QUERY EXECUTE format('SELECT k.entity, %1$I.similarity(k.key, $4) FROM syncore.match_key k
				WHERE k.key OPERATOR(%1$I.%%) $4 AND k.rule = $3 AND k.near_at >= $6 AND k.near_at <= $7 AND syncore._match_within(k.near_at, $6, $7)
					AND k.space_id = $1 AND k.entity_type_id = $2 AND %1$I.similarity(k.key, $4) >= $5
					AND NOT EXISTS (SELECT FROM syncore.link l WHERE l.entity = k.entity AND l.system_id = $8 AND l.state IN (''active'', ''diverged''))
				ORDER BY 2 DESC, 1',
			(SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'))
			USING space_id, entity_type_id, rule, key, threshold, made_from, made_to, system_id;
		PERFORM set_config('pg_trgm.similarity_threshold', before, true);
	END
	$$;

-- A match rule can be meant: its words and fields are known, and what is left out is what such a rule does.
CREATE FUNCTION syncore._config_match() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one text;
		known text[] := '{lower,trim,spaces,punctuation,alnum}';
	BEGIN
		NEW.on_match := coalesce(NEW.on_match, CASE NEW.kind WHEN 'fuzzy' THEN 'review' ELSE 'link' END);
		IF syncore._is_restoring() THEN
			RETURN NEW;
		END IF;
		IF NEW.system IS NOT NULL AND NEW.refers_to IS NOT NULL
			AND (SELECT a.space <> b.space FROM syncore._system(NEW.system::text) a, syncore._system(NEW.refers_to::text) b) THEN
			RAISE EXCEPTION 'a record of system "%" cannot refer to one of system "%"', NEW.system, NEW.refers_to
				USING ERRCODE = 'invalid_parameter_value', DETAIL = 'They are of different spaces: nothing crosses spaces.', HINT = 'Name two systems of one space.';
		END IF;
		FOREACH one IN ARRAY coalesce(NEW.fields, '{}') LOOP
			PERFORM syncore._check_field(NEW.entity_type, one);
		END LOOP;
		FOREACH one IN ARRAY coalesce(NEW.normalise, '{}') LOOP
			IF one IS NULL OR substring(one FROM '[^:]*$') <> ALL (known) THEN
				RAISE EXCEPTION 'normalisation "%" does not exist', one
					USING ERRCODE = 'invalid_parameter_value', DETAIL = format('There are %s.', array_to_string(known, ', ')),
					      HINT = 'Write the word, or field:word for one of the fields.';
			ELSIF strpos(one, ':') > 0 AND split_part(one, ':', 1) <> ALL (coalesce(NEW.fields, '{}')) THEN
				RAISE EXCEPTION 'field "%" is not compared by this rule', split_part(one, ':', 1)
					USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It compares %s.', array_to_string(NEW.fields, ', ')),
					      HINT = 'Write field:word for one of the fields, or the word alone for all of them.';
			END IF;
		END LOOP;
		RETURN NEW;
	END
	$$;

-- The key that each entity should have by a rule; none by a rule that is gone or compares no keys.
CREATE FUNCTION syncore._match_keys(rule integer) RETURNS TABLE (space_id integer, entity_type_id integer, key text, entity bigint, near_at timestamptz)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT e.space_id, e.entity_type_id, k.key, e.id, CASE r.kind WHEN 'fuzzy' THEN e.created_at END
		FROM syncore.match_rule r JOIN syncore.entity_type t ON t.name = r.entity_type JOIN syncore.entity e ON e.entity_type_id = t.id JOIN syncore.space s ON s.id = e.space_id
			CROSS JOIN LATERAL (SELECT syncore._match_key(e.data || coalesce(e.long, '{}'), r.fields, coalesce(r.normalise, '{}'), r.kind = 'fuzzy') AS key) k
		WHERE r.id = _match_keys.rule AND r.kind <> 'reference' AND (r.space IS NULL OR s.name = r.space) AND e.merged_into IS NULL AND k.key IS NOT NULL
	$$;

-- Entities that are there when a rule is written are found by it, too. Those that a transaction is just making by the rules of before are
-- not seen yet, and get their key when it has ended: _fill_match_keys().
CREATE FUNCTION syncore._match_rekey() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		id integer := coalesce(NEW.id, OLD.id);
	BEGIN
		IF syncore._is_restoring() THEN
			RETURN NULL;
		END IF;
		INSERT INTO syncore.match_fill AS f (rule) VALUES (id) ON CONFLICT ON CONSTRAINT match_fill_pkey DO UPDATE SET txid = excluded.txid, waits_for = NULL;
		DELETE FROM syncore.match_key k WHERE k.rule IN (OLD.id, id);
		INSERT INTO syncore.match_key (space_id, entity_type_id, rule, key, entity, near_at)
			SELECT k.space_id, k.entity_type_id, id, k.key, k.entity, k.near_at FROM syncore._match_keys(id) k ORDER BY k.entity ON CONFLICT DO NOTHING;
		RETURN NULL;
	END
	$$;

-- Puts right the keys that are not what they should be by a rule, under the lock of the entity. Returns how many could not be had now.
CREATE FUNCTION syncore._match_repair(rule integer) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		wrong bigint[] := ARRAY(SELECT DISTINCT entity FROM (SELECT k.entity, k.key, true AS due FROM syncore._match_keys(_match_repair.rule) k) w
			FULL JOIN (SELECT k.entity, k.key, true AS stands FROM syncore.match_key k WHERE k.rule = _match_repair.rule) m USING (entity, key)
			WHERE stands IS NULL OR due IS NULL);
		mine bigint[] := ARRAY(SELECT e.id FROM syncore.entity e WHERE e.id = ANY (wrong) ORDER BY e.id FOR NO KEY UPDATE SKIP LOCKED);
	BEGIN
		IF cardinality(mine) > 0 THEN
			-- What they are by now is what counts.
			DELETE FROM syncore.match_key k WHERE k.rule = _match_repair.rule AND k.entity = ANY (mine);
			INSERT INTO syncore.match_key (space_id, entity_type_id, rule, key, entity, near_at)
				SELECT k.space_id, k.entity_type_id, _match_repair.rule, k.key, k.entity, k.near_at FROM syncore._match_keys(_match_repair.rule) k
				WHERE k.entity = ANY (mine) ORDER BY k.entity;
		END IF;
		RETURN cardinality(wrong) - cardinality(mine);
	END
	$$;

-- After a rule was written: once the transactions that were under way then have ended, and could have made or changed entities by the
-- rules of before, what they left is put right. Until then what has come meanwhile is done once. A worker calls it every few seconds.
CREATE FUNCTION syncore._fill_match_keys() RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one syncore.match_fill;
		is_first boolean;
		waits boolean;
		filled bigint := 0;
	BEGIN
		FOR one IN SELECT f.* FROM syncore.match_fill f ORDER BY f.rule FOR UPDATE SKIP LOCKED LOOP
			-- Others hear of a change shortly after it can be seen, and before its locks are gone.
			CONTINUE WHEN EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.transactionid = one.txid::xid);
			is_first := one.waits_for IS NULL;
			IF is_first THEN
				one.waits_for := ARRAY(SELECT l.virtualtransaction FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_database d ON d.oid = a.datid
					WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.pid <> pg_backend_pid() AND d.datname = current_database()
						-- Vacuum on its own makes no entities.
						AND a.usesysid IS NOT NULL);
				UPDATE syncore.match_fill f SET waits_for = one.waits_for WHERE f.rule = one.rule;
			END IF;
			-- One that was prepared meanwhile goes by another name.
			waits := EXISTS (SELECT FROM pg_locks l WHERE l.virtualtransaction = ANY (one.waits_for)
				OR (l.virtualtransaction LIKE '-1/%' AND l.locktype = 'relation' AND l.relation = 'syncore.entity'::regclass));
			CONTINUE WHEN waits AND NOT is_first;
			IF syncore._match_repair(one.rule) = 0 AND NOT waits THEN
				DELETE FROM syncore.match_fill f WHERE f.rule = one.rule;
				filled := filled + 1;
			END IF;
		END LOOP;
		RETURN filled;
	END
	$$;
COMMENT ON FUNCTION syncore._fill_match_keys() IS 'run: puts right the match keys of entities that were made or changed while a match rule was written; returns how many rules are done with';

-- The lock under which entities of a type are made: nothing is matched while two of them become one.
CREATE FUNCTION syncore._lock_type(entity_type_id integer) RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT pg_advisory_xact_lock(1398361668, 1024 + entity_type_id) $$;

-- Joins two entities on behalf of the caller, and ends what waits for a decision about them.
CREATE FUNCTION syncore._merge(keep bigint, drop_it bigint, note text) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		said text := format('joined to entity %s: %s', keep, note);
	BEGIN
		PERFORM syncore._lock_type(e.entity_type_id) FROM syncore.entity e WHERE e.id = keep;
		PERFORM syncore._join(keep, drop_it, syncore._caller()::text, note);
		UPDATE syncore.match_candidate m SET state = 'accepted', decided_at = now(), decided_by = syncore._caller(), note = _merge.note
			WHERE m.state = 'open' AND least(m.entity, m.other) = least(keep, drop_it) AND greatest(m.entity, m.other) = greatest(keep, drop_it);
		-- What else it might have been is no question any more; what might have been it may be the other.
		UPDATE syncore.match_candidate m SET state = 'rejected', decided_at = now(), decided_by = syncore._caller(), note = said
			WHERE m.state = 'open' AND m.entity = drop_it;
		UPDATE syncore.match_candidate m SET state = 'rejected', decided_at = now(), decided_by = syncore._caller(), note = said
			WHERE m.state = 'open' AND m.other = drop_it AND (m.entity = keep OR EXISTS
				(SELECT FROM syncore.match_candidate o WHERE o.state = 'open' AND o.entity = m.entity AND o.other = keep));
		UPDATE syncore.match_candidate m SET other = keep WHERE m.state = 'open' AND m.other = drop_it;
		PERFORM syncore._look(keep), syncore._wake();
	END
	$$;

-- A candidate that the caller may decide, locked with its entities.
CREATE FUNCTION syncore._match_open(candidate bigint) RETURNS syncore.match_candidate
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one syncore.match_candidate;
	BEGIN
		PERFORM syncore._lock_type(e.entity_type_id) FROM syncore.match_candidate m JOIN syncore.entity e ON e.id = m.entity WHERE m.id = candidate;
		PERFORM FROM syncore.entity e WHERE e.id IN (SELECT unnest(ARRAY[m.entity, m.other]) FROM syncore.match_candidate m WHERE m.id = candidate)
			ORDER BY e.id FOR NO KEY UPDATE;
		SELECT * INTO one FROM syncore.match_candidate m WHERE m.id = candidate FOR UPDATE;
		IF NOT FOUND OR one.space_id <> ALL (syncore._spaces_of(syncore._caller(), 'read')) THEN
			RAISE EXCEPTION 'match candidate % does not exist', candidate USING ERRCODE = 'undefined_object', HINT = 'TABLE syncore.review;';
		END IF;
		PERFORM syncore._require(one.space_id, 'operate', format('match candidate %s', candidate));
		IF one.state <> 'open' THEN
			RAISE EXCEPTION 'match candidate % does not wait for a decision', candidate
				USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = format('%s decided it at %s: %s.', one.decided_by, one.decided_at, one.state),
				      HINT = 'TABLE syncore.review;';
		END IF;
		RETURN one;
	END
	$$;

CREATE FUNCTION syncore.accept_match(candidate bigint, note text) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one syncore.match_candidate := syncore._match_open(candidate);
	BEGIN
		PERFORM syncore._require_note(note);
		PERFORM syncore._merge(one.other, one.entity, note);
		RETURN format('entity %s is part of %s', one.entity, syncore._ref(one.other));
	END
	$$;
COMMENT ON FUNCTION syncore.accept_match(bigint, text) IS
	'decide: the two entities of a match in review are one: the newer is joined to the older; refused while both have a record in one system';

CREATE FUNCTION syncore.reject_match(candidate bigint, note text) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one syncore.match_candidate := syncore._match_open(candidate);
	BEGIN
		PERFORM syncore._require_note(note);
		UPDATE syncore.match_candidate m SET state = 'rejected', decided_at = now(), decided_by = syncore._caller(), note = reject_match.note
			WHERE m.id = candidate;
		PERFORM syncore._ledger_append('release', one.entity, NULL, NULL, one.space_id, NULL, NULL, NULL, NULL, NULL, 'match',
			format('%s said that it is not the same as entity %s: %s', syncore._caller(), one.other, note), NULL);
		PERFORM syncore._look(one.entity), syncore._look(one.other), syncore._wake();
		RETURN format('entity %s and entity %s stay apart', one.entity, one.other);
	END
	$$;
COMMENT ON FUNCTION syncore.reject_match(bigint, text) IS
	'decide: the two entities of a match in review are not the same: records that waited for this are created';

CREATE FUNCTION syncore.merge_entities(keep bigint, drop bigint, note text) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one bigint;
		space integer;
	BEGIN
		FOREACH one IN ARRAY ARRAY[merge_entities.keep, merge_entities.drop] LOOP
			SELECT e.space_id INTO space FROM syncore.entity e WHERE e.id = one;
			IF space IS NULL OR space <> ALL (syncore._spaces_of(syncore._caller(), 'read')) THEN
				PERFORM syncore._raise_unknown('record', one::text, NULL, 'Write a number of syncore.entity, system:key, or a key such as INC0012345.');
			END IF;
			PERFORM syncore._require(space, 'operate', format('record "%s"', one));
		END LOOP;
		PERFORM syncore._require_note(note);
		PERFORM syncore._merge(merge_entities.keep, merge_entities.drop, note);
		RETURN format('entity %s is part of %s', merge_entities.drop, syncore._ref(merge_entities.keep));
	END
	$$;
COMMENT ON FUNCTION syncore.merge_entities(bigint, bigint, text) IS
	'decide: two entities are one: records, comments and values of the second go to the first; refused while both have a record in one system';

CREATE FUNCTION syncore.merge_entities(keep text, drop text, note text) RETURNS text
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT syncore.merge_entities(syncore._resolve_ref($1), syncore._resolve_ref($2), $3) $$;
COMMENT ON FUNCTION syncore.merge_entities(text, text, text) IS
	'decide: two entities are one, each named by any key a person knows: records, comments and values of the second go to the first';

-- The one record that a reference means: system:key, or a key or id of one system only.
CREATE FUNCTION syncore._resolve_link(ref text) RETURNS bigint
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		prefix text := split_part(ref, ':', 1);
		rest text := substr(ref, length(prefix) + 2);
		links bigint[];
		names text[];
	BEGIN
		SELECT array_agg(l.id ORDER BY l.id), array_agg(y.name || ':' || coalesce(l.external_key, l.external_id) ORDER BY l.id) INTO links, names
		FROM (
			SELECT k.id FROM syncore.link k WHERE k.external_key IN (ref, rest)
			UNION
			SELECT k.id FROM syncore.record_map m JOIN syncore.system x ON x.name = m.system
				JOIN syncore.link k ON k.system_id = x.id AND k.record_type = m.record_type AND k.external_id IN (ref, rest)
		) u JOIN syncore.link l ON l.id = u.id JOIN syncore.system y ON y.id = l.system_id
		WHERE l.entity IS NOT NULL AND (ref IN (l.external_key, l.external_id) OR (y.name = prefix AND rest IN (l.external_key, l.external_id)));
		IF cardinality(links) > 1 THEN
			RAISE EXCEPTION 'record "%" is ambiguous', ref
				USING ERRCODE = 'SY002', DETAIL = format('It may be %s.', array_to_string(names, ' or ')), HINT = 'Write system:key.';
		ELSIF links IS NULL THEN
			PERFORM syncore._raise_unknown('record', ref, syncore._near_keys(ref), 'Write system:key, or a key such as INC0012345.');
		END IF;
		RETURN links[1];
	END
	$$;

CREATE FUNCTION syncore.split_entity(link bigint, note text) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		left_behind syncore.entity;
		made bigint;
	BEGIN
		SELECT e.* INTO left_behind FROM syncore.link l JOIN syncore.entity e ON e.id = l.entity WHERE l.id = split_entity.link;
		IF left_behind.id IS NULL OR left_behind.space_id <> ALL (syncore._spaces_of(syncore._caller(), 'read')) THEN
			PERFORM syncore._raise_unknown('link', split_entity.link::text, NULL, 'Write a number of syncore.link, or name the record: system:key.');
		END IF;
		PERFORM syncore._require(left_behind.space_id, 'operate', format('record "%s"', syncore._ref(left_behind.id)));
		PERFORM syncore._require_note(note);
		PERFORM syncore._lock_type(left_behind.entity_type_id);
		made := syncore._split(split_entity.link, syncore._caller()::text, note);
		-- A legal hold holds both; what was closed is closed since then.
		UPDATE syncore.entity e SET held_until = left_behind.held_until, closed_at = CASE WHEN e.closed_at IS NULL THEN NULL ELSE least(e.closed_at, left_behind.closed_at) END
			WHERE e.id = made AND (left_behind.held_until IS NOT NULL OR left_behind.closed_at IS NOT NULL);
		-- That they are two is decided; what may be one with what they were may be one with either.
		INSERT INTO syncore.match_candidate (space_id, entity, other, score, reason, state, decided_at, decided_by, note)
			VALUES (left_behind.space_id, made, left_behind.id, 1, 'They were one entity, and a record was taken out of it.', 'rejected', now(), syncore._caller(), split_entity.note);
		INSERT INTO syncore.match_candidate (space_id, entity, other, rule, score, reason)
			SELECT m.space_id, CASE m.entity WHEN left_behind.id THEN made ELSE m.entity END, CASE m.other WHEN left_behind.id THEN made ELSE m.other END, m.rule, m.score, m.reason
			FROM syncore.match_candidate m WHERE m.state = 'open' AND left_behind.id IN (m.entity, m.other);
		PERFORM syncore._look(left_behind.id), syncore._look(made), syncore._wake();
		RETURN format('%s is entity %s of its own', syncore._ref(made), made);
	END
	$$;
COMMENT ON FUNCTION syncore.split_entity(bigint, text) IS
	'decide: a record, by its number in syncore.link, is taken out of its entity and goes on as one of its own; refused while a write to it is under way';

CREATE FUNCTION syncore.split_entity(record text, note text) RETURNS text
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT syncore.split_entity(syncore._resolve_link($1), $2) $$;
COMMENT ON FUNCTION syncore.split_entity(text, text) IS
	'decide: a record that was tied to an entity by mistake, named system:key, goes on as one of its own: the way back from merge_entities() and accept_match()';
