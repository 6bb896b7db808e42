-- FM-05: objects that records name. A record waits (reference_wait), a worker fetches the object once (referenced), and the record is read again.

-- What is wanted and may be asked for at this moment: of each system but these, the object that is wanted longest.
CREATE FUNCTION syncore._wanted_references(busy integer[]) RETURNS TABLE (system_id integer, kind text, external_id text)
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT DISTINCT ON (w.system_id) w.system_id, w.kind, w.external_id
		FROM syncore.reference_wait w LEFT JOIN syncore.referenced r ON r.system_id = w.system_id AND r.kind = w.kind AND r.external_id = w.external_id
		WHERE w.system_id <> ALL (busy) AND (r.fetched_at IS NULL OR r.fetched_at < w.since) AND (r.next_at IS NULL OR r.next_at <= now())
		ORDER BY w.system_id, w.since, w.kind, w.external_id
	$$;
COMMENT ON FUNCTION syncore._wanted_references(integer[]) IS 'run: objects that records wait for and that may be asked for at this moment, one a system';

-- What came of a fetch: the object; or why not, for good (until it is too old to be believed) or until it is asked for again.
CREATE FUNCTION syncore._fetched(system_id integer, kind text, external_id text, body jsonb, error text, temporary boolean) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		this record;
		named text;
	BEGIN
		SELECT y.name, s.id AS space_id INTO this FROM syncore.system y JOIN syncore.space s ON s.name = y.space WHERE y.id = _fetched.system_id;
		IF NOT FOUND THEN
			RETURN;
		END IF;
		named := format('reference:%s:%s:%s', this.name, kind, external_id);
		INSERT INTO syncore.referenced AS r (system_id, space_id, kind, external_id, body, fetched_at, tries, next_at, error_message)
			VALUES (_fetched.system_id, this.space_id, _fetched.kind, _fetched.external_id, _fetched.body, CASE WHEN NOT temporary THEN clock_timestamp() END,
				CASE WHEN temporary THEN 1 ELSE 0 END, CASE WHEN temporary THEN now() + interval '5 s' END, error)
			ON CONFLICT ON CONSTRAINT referenced_pkey DO UPDATE SET error_message = excluded.error_message, next_at = CASE WHEN temporary THEN now() + least(interval '1 h', interval '5 s' * 2 ^ least(r.tries, 10)) END,
				tries = CASE WHEN temporary THEN r.tries + 1 ELSE 0 END,
				body = CASE WHEN temporary THEN r.body ELSE excluded.body END, fetched_at = CASE WHEN temporary THEN r.fetched_at ELSE excluded.fetched_at END;
		IF error IS NULL THEN
			UPDATE syncore.alert SET closed_at = now(), closed_by = 'syncore' WHERE cause = named AND closed_at IS NULL;
			RETURN;
		END IF;
		INSERT INTO syncore.alert AS a (space_id, level, kind, cause, object, detail, hint)
			VALUES (this.space_id, 'warning', 'reference', named, this.name,
				format('%s "%s", which records of system "%s" name, could not be fetched: %s; fields that are read of it stay as they were, the others are kept in step', kind, external_id, this.name, error),
				CASE WHEN temporary THEN 'It is asked for again by itself.' ELSE 'It is asked for again when a record names it and format.ttl_s of the field map has passed. Is it there, and may our user read it?' END)
			ON CONFLICT (cause) WHERE closed_at IS NULL DO UPDATE SET last_at = now(), times = a.times + 1, detail = excluded.detail, hint = excluded.hint;
	END
	$$;
COMMENT ON FUNCTION syncore._fetched(integer, text, text, jsonb, text, boolean) IS 'run: records what came of the fetch of an object that records name';

-- Records whose object is there now are read again; those whose object is known to be missing wait no longer.
CREATE FUNCTION syncore._settle_references() RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one record;
		made bigint;
		total bigint := 0;
	BEGIN
		FOR one IN
			SELECT w.entity, array_agg(DISTINCT w.link) AS links FROM (
				SELECT k.entity, w.link FROM syncore.reference_wait w LEFT JOIN syncore.link k ON k.id = w.link
					LEFT JOIN syncore.referenced r ON r.system_id = w.system_id AND r.kind = w.kind AND r.external_id = w.external_id
				WHERE r.fetched_at >= w.since OR k.id IS NULL ORDER BY w.since LIMIT 1000) w
			GROUP BY w.entity ORDER BY w.entity
		LOOP
			-- before its links and deliveries, as all do; one that somebody holds waits for the next time
			PERFORM FROM syncore.entity e WHERE e.id = one.entity FOR NO KEY UPDATE SKIP LOCKED;
			CONTINUE WHEN NOT FOUND AND one.entity IS NOT NULL;
			WITH over AS (
				DELETE FROM syncore.reference_wait w USING syncore.referenced r WHERE w.link = ANY (one.links) AND r.system_id = w.system_id AND r.kind = w.kind AND r.external_id = w.external_id AND r.fetched_at >= w.since
					AND EXISTS (SELECT FROM syncore.link k WHERE k.id = w.link AND k.entity IS NOT DISTINCT FROM one.entity)
				RETURNING w.link, r.body IS NOT NULL AS there
			), owing AS (
				UPDATE syncore.link k SET read_owed = true FROM syncore.system y
				WHERE k.id IN (SELECT o.link FROM over o WHERE o.there) AND k.state IN ('active', 'diverged') AND k.entity = one.entity AND y.id = k.system_id AND y.mode <> 'draft'
					AND EXISTS (SELECT FROM syncore.connector_operation o WHERE o.connector = y.connector AND o.record_type = k.record_type AND o.operation = 'read')
				RETURNING k.id, k.system_id, k.space_id
			)
			INSERT INTO syncore.delivery AS d (link, system_id, space_id, shard)
				SELECT o.id, o.system_id, o.space_id, syncore._shard(o.id) FROM owing o ORDER BY o.id
				ON CONFLICT (link) DO UPDATE SET gen = d.gen + 1, state = 'due', not_before = now();
			GET DIAGNOSTICS made = ROW_COUNT;
			total := total + made;
			DELETE FROM syncore.reference_wait w WHERE w.link = ANY (one.links) AND NOT EXISTS (SELECT FROM syncore.link k WHERE k.id = w.link);
		END LOOP;
		IF total > 0 THEN
			PERFORM syncore._wake();
		END IF;
		RETURN total;
	END
	$$;
COMMENT ON FUNCTION syncore._settle_references() IS 'run: has records read again whose objects have come since they began to wait; returns how many';
