-- What becomes of old events, keys, jobs and alerts. The janitor calls this, in small pieces; the ledger is never touched.
-- Events leave by the week, with their partition, once the longest retention has passed; a system with a retention that is
-- more than a week shorter has its rows deleted. Whatever still waits for a decision stays, and so does what is on legal hold.

CREATE INDEX entity_held ON syncore.entity (held_until) WHERE held_until IS NOT NULL;
CREATE INDEX entity_predecessor ON syncore.entity (predecessor) WHERE predecessor IS NOT NULL;

-- Events that somebody may still need, whatever their age.
CREATE FUNCTION syncore._needed_events() RETURNS SETOF bigint
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		-- a hold is on the records, whichever entity they have come to since
		WITH RECURSIVE held AS (
			SELECT e.id, e.merged_into FROM syncore.entity e WHERE e.held_until > now()
			UNION
			SELECT n.id, n.merged_into FROM held h CROSS JOIN LATERAL (
				SELECT m.id, m.merged_into FROM syncore.entity m WHERE m.id = h.merged_into
				UNION ALL SELECT s.id, s.merged_into FROM syncore.entity s WHERE s.predecessor = h.id) n
		)
		SELECT unnest(l.waiting || l.unsure) FROM syncore.link l WHERE l.waiting IS NOT NULL OR l.unsure IS NOT NULL
		UNION
		SELECT q.event FROM syncore.quarantine_entry q WHERE q.state = 'open' AND q.event IS NOT NULL
		UNION
		SELECT v.id FROM held e JOIN syncore.link l ON l.entity = e.id
			JOIN syncore.event v ON v.system_id = l.system_id AND v.external_id = l.external_id
	$$;
COMMENT ON FUNCTION syncore._needed_events() IS 'run: events that wait, are in quarantine, or are on legal hold: retention passes them over';

-- One partition of event that ended before the cutoff: gone, or, where it holds needed events, a piece of the others.
CREATE FUNCTION syncore._retire_partition(name text, needed bigint[], piece integer) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		done bigint;
	BEGIN
		EXECUTE format('SELECT count(*) FROM (SELECT FROM syncore.%I WHERE id = ANY ($1) LIMIT 1) AS n', name) INTO done USING needed;
		IF done = 0 THEN
			EXECUTE format('DROP TABLE syncore.%I', name);
			RETURN 1;
		END IF;
		EXECUTE format('DELETE FROM syncore.%1$I WHERE ctid = ANY (ARRAY(SELECT ctid FROM syncore.%1$I WHERE id <> ALL ($1) LIMIT $2))', name)
			USING needed, piece;
		GET DIAGNOSTICS done = ROW_COUNT;
		RETURN done;
	EXCEPTION WHEN lock_not_available THEN
		RETURN 0;
	END
	$$;
COMMENT ON FUNCTION syncore._retire_partition(text, bigint[], integer) IS 'run: drops an old partition of event, or deletes a piece of what nobody needs from it; returns what it did';

-- Runs as the owner of the tables: workers may not drop them. Returns how many partitions and rows went; 0 = nothing to do.
CREATE FUNCTION syncore._retire_events(piece integer DEFAULT 5000) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	SET lock_timeout = '500ms'
	AS $$
	DECLARE
		longest interval := coalesce((SELECT max(s.event_retention) FROM syncore.system s), interval '30 days');
		needed bigint[];
		old record;
		gone bigint;
		total bigint := 0;
	BEGIN
		FOR old IN
			SELECT p.name FROM (
				SELECT c.relname::text AS name, substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz AS ends
				FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'syncore.event'::regclass) AS p
			WHERE p.ends < now() - longest ORDER BY p.ends
		LOOP
			needed := coalesce(needed, ARRAY(SELECT syncore._needed_events()));
			total := total + syncore._retire_partition(old.name, needed, piece);
		END LOOP;
		FOR old IN
			SELECT s.id, now() - s.event_retention AS cutoff FROM syncore.system s
			WHERE s.event_retention < longest - interval '7 days'
				AND EXISTS (SELECT FROM syncore.event e WHERE e.system_id = s.id AND e.received_at < now() - s.event_retention)
			ORDER BY s.id
		LOOP
			needed := coalesce(needed, ARRAY(SELECT syncore._needed_events()));
			DELETE FROM syncore.event e USING (
				SELECT o.id, o.received_at FROM syncore.event o
				WHERE o.system_id = old.id AND o.received_at < old.cutoff AND o.id <> ALL (needed) LIMIT piece) AS o
			WHERE e.id = o.id AND e.received_at = o.received_at;
			GET DIAGNOSTICS gone = ROW_COUNT;
			total := total + gone;
		END LOOP;
		RETURN total;
	END
	$$;
COMMENT ON FUNCTION syncore._retire_events(integer) IS 'run: removes events past their retention, a piece at a time; returns how much went, 0 when nothing is left to remove';

-- Ids of events are remembered longer than the events: a sender that repeats itself months later is still known.
CREATE FUNCTION syncore._retire_records(piece integer DEFAULT 5000) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET lock_timeout = '500ms'
	AS $$
	DECLARE
		keys_until timestamptz := now() - greatest(interval '90 days', 2 * (SELECT max(s.event_retention) FROM syncore.system s));
		records_until timestamptz := now() - interval '90 days';
		gone bigint;
		total bigint := 0;
	BEGIN
		DELETE FROM syncore.event_key WHERE ctid = ANY (ARRAY(SELECT k.ctid FROM syncore.event_key k WHERE k.seen_at < keys_until LIMIT piece));
		GET DIAGNOSTICS gone = ROW_COUNT;
		total := total + gone;
		DELETE FROM syncore.job WHERE id = ANY (ARRAY(SELECT j.id FROM syncore.job j
			WHERE j.state IN ('done', 'failed', 'cancelled') AND j.ended < records_until
			AND (j.kind <> 'register_webhook' OR j.state <> 'done') LIMIT piece));
		GET DIAGNOSTICS gone = ROW_COUNT;
		total := total + gone;
		DELETE FROM syncore.alert WHERE id = ANY (ARRAY(SELECT a.id FROM syncore.alert a WHERE a.closed_at < records_until LIMIT piece));
		GET DIAGNOSTICS gone = ROW_COUNT;
		total := total + gone;
		-- What was decided is in the ledger; here are only the raw bytes of what was wrong.
		DELETE FROM syncore.quarantine_entry WHERE id = ANY (ARRAY(SELECT q.id FROM syncore.quarantine_entry q
			WHERE q.state <> 'open' AND q.decided_at < records_until LIMIT piece));
		GET DIAGNOSTICS gone = ROW_COUNT;
		total := total + gone;
		-- Who names it again has it fetched again.
		DELETE FROM syncore.referenced WHERE ctid = ANY (ARRAY(SELECT r.ctid FROM syncore.referenced r LEFT JOIN syncore.system s ON s.id = r.system_id
			WHERE s.id IS NULL OR coalesce(r.fetched_at, r.next_at) < now() - s.event_retention LIMIT piece));
		GET DIAGNOSTICS gone = ROW_COUNT;
		RETURN total + gone;
	END
	$$;
COMMENT ON FUNCTION syncore._retire_records(integer) IS 'run: removes old event ids, ended jobs, closed alerts, decided quarantine entries and objects that were fetched long ago, a piece at a time; returns how many went';

-- New alerts are told to who listens. A worker does that, some moments later: a statement that raises one can be prepared, and does not
-- wait for others that notify. Whoever may connect may listen, so what it says is where to look, and nothing of any record.
CREATE FUNCTION syncore._tell_alerts() RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one record;
		told bigint := 0;
	BEGIN
		FOR one IN UPDATE syncore.alert a SET told_at = now()
			WHERE a.id = ANY (ARRAY(SELECT n.id FROM syncore.alert n WHERE n.told_at IS NULL ORDER BY n.id LIMIT 1000 FOR UPDATE SKIP LOCKED))
			RETURNING a.id, a.level, a.kind
		LOOP
			PERFORM pg_notify('syncore_alert', jsonb_build_object('alert', one.id, 'level', one.level, 'kind', one.kind)::text);
			told := told + 1;
		END LOOP;
		RETURN told;
	END
	$$;
COMMENT ON FUNCTION syncore._tell_alerts() IS 'run: NOTIFY syncore_alert for each alert that is new; returns how many';

-- Alerts that only time can close: nobody has tried again for an hour.
CREATE FUNCTION syncore._close_quiet_alerts() RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		closed bigint;
	BEGIN
		UPDATE syncore.alert SET closed_at = now(), closed_by = 'syncore'
			WHERE closed_at IS NULL AND last_at < now() - interval '1 hour'
				AND (kind IN ('webhook_refused', 'transform', 'transitions', 'reference') OR cause LIKE 'webhook\_secret:%' OR cause LIKE 'unmapped\_value:%');
		GET DIAGNOSTICS closed = ROW_COUNT;
		RETURN closed;
	END
	$$;
COMMENT ON FUNCTION syncore._close_quiet_alerts() IS 'run: closes alerts about refused webhooks, failing functions, objects that could not be fetched, restless records and words that no map knows that have not come back for an hour; returns how many';
