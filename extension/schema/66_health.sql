-- health: one look says whether anything needs a person, and what to do.

-- Findings about this server: preload, workers, the instance, tables.
CREATE FUNCTION syncore._health_server() RETURNS TABLE (level text, check_name text, object text, detail text, since timestamptz, hint text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT 'critical', 'preload', current_database()::text, 'syncore is not preloaded: events are decided, but nothing leaves.', NULL::timestamptz,
			'Add syncore to shared_preload_libraries, name this database in syncore.databases, and restart the server.'
		WHERE NOT syncore._is_preloaded()
		UNION ALL
		SELECT 'critical', 'workers', current_database()::text, 'No dispatcher works for this database: nothing leaves.', NULL,
			CASE WHEN current_database() = ANY (string_to_array(replace(coalesce(current_setting('syncore.databases', true), ''), ' ', ''), ','))
				THEN 'Raise max_worker_processes, and see the server log for syncore.'
				ELSE format('ALTER SYSTEM SET syncore.databases = %L; SELECT pg_reload_conf();', concat_ws(',', nullif(current_setting('syncore.databases', true), ''), current_database())) END
		WHERE syncore._is_preloaded() AND NOT EXISTS (SELECT 1 FROM syncore._workers() w WHERE w.role = 'dispatcher')
		UNION ALL
		SELECT 'warning', 'workers', w.role || ' ' || w.index, format('It has not turned since %s: %s.', date_trunc('second', w.turned_at), w.state), w.turned_at,
			format('See what it waits for: SELECT * FROM pg_stat_activity WHERE pid = %s;', w.pid)
		FROM syncore._workers() w WHERE w.role <> 'launcher' AND w.turned_at < now() - interval '5 min'
		UNION ALL
		SELECT 'warning', 'enabled', current_database()::text, 'syncore.enabled is off: everything is decided, nothing leaves.', NULL,
			'ALTER SYSTEM RESET syncore.enabled; SELECT pg_reload_conf();'
		WHERE current_setting('syncore.enabled', true) = 'off'
		UNION ALL
		SELECT 'critical', 'instance', current_database()::text, 'This database is not the instance that may send. ' || syncore._instance_difference(), NULL,
			'Only if the original is gone: SELECT syncore.adopt_instance(''…'');'
		WHERE syncore._instance_difference() IS NOT NULL
		UNION ALL
		SELECT CASE WHEN p.covered_until IS NULL OR p.covered_until < now() THEN 'critical' ELSE 'warning' END, 'partitions', p.parent,
			format('Partitions are made until %s.', coalesce(date_trunc('minute', p.covered_until)::text, 'never')), NULL,
			'The janitor makes them: see TABLE syncore.stat_worker. By hand: SELECT syncore._make_partitions();'
		FROM syncore._partition_state() p WHERE coalesce(p.covered_until, '-infinity') < now() + interval '2 days'
		UNION ALL
		SELECT 'warning', 'default_partition', p.parent, 'Rows have missed their partition and are in the default one.', NULL,
			'They are safe and are found; retention does not reach them. Partitions must be made ahead.'
		FROM syncore._partition_state() p WHERE p.strays
		UNION ALL
		SELECT 'critical', 'tables', t.object, t.detail, NULL, t.fix FROM syncore._tampered() t
		UNION ALL
		SELECT 'warning', 'old_snapshot', a.application_name, format('Session %s has held a transaction since %s: the queue grows dead rows.', a.pid, date_trunc('second', a.xact_start)),
			a.xact_start, format('SELECT pg_terminate_backend(%s);', a.pid)
		FROM pg_stat_activity a WHERE a.backend_xmin IS NOT NULL AND a.xact_start < now() - interval '1 hour' AND a.datname = current_database()
	$$;

-- Findings about systems: queues, breakers, credentials, clocks, configuration.
CREATE FUNCTION syncore._health_system() RETURNS TABLE (level text, check_name text, object text, detail text, since timestamptz, hint text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT 'warning', 'paused', y.name::text, 'Nothing leaves for it: it is paused.', NULL::timestamptz, format('SELECT syncore.resume(%L);', y.name)
		FROM syncore.system y WHERE y.mode = 'paused'
		UNION ALL
		SELECT 'warning', 'paused', 'space:' || s.name, 'Nothing leaves for its systems: it is paused.', NULL, format('SELECT syncore.resume(%L);', 'space:' || s.name)
		FROM syncore.space s WHERE s.paused
		UNION ALL
		SELECT 'warning', 'queue_age', y.name::text, format('%s deliveries are due, the oldest since %s.', count(*), date_trunc('second', min(d.not_before))), min(d.not_before),
			format('SELECT * FROM syncore.stat_system WHERE system = %L;', y.name)
		FROM syncore.delivery d JOIN syncore.system y ON y.id = d.system_id JOIN syncore.space s ON s.name = y.space
		WHERE d.state = 'due' AND d.not_before < now() - interval '5 min' AND y.mode = 'active' AND NOT s.paused
		GROUP BY y.name
		UNION ALL
		SELECT 'warning', 'target_latency', y.name::text, format('A change waits since %s; %s are promised.', date_trunc('second', min(d.created_at)), min(r.target_latency)), min(d.created_at),
			format('SELECT * FROM syncore.stat_system WHERE system = %L;', y.name)
		FROM syncore.delivery d JOIN syncore.system y ON y.id = d.system_id JOIN syncore.route r ON r.system = y.name
		WHERE d.state = 'due' AND y.mode = 'active' AND d.created_at < now() - r.target_latency
		GROUP BY y.name
		UNION ALL
		SELECT 'critical', 'dead_letters', y.name::text, format('%s deliveries were given up.', count(*)), min(d.error_at),
			format('SELECT * FROM syncore.dead_letter WHERE system = %1$L; then SELECT syncore.retry(%1$L);', y.name)
		FROM syncore.delivery d JOIN syncore.system y ON y.id = d.system_id WHERE d.state = 'dead' GROUP BY y.name
		UNION ALL
		SELECT 'critical', 'breaker', t.system::text, format('Its circuit is %s: calls failed one after another.', t.breaker), t.last_error_at,
			format('See that it answers: CALL syncore.wait(syncore.check_system(%L));', t.system)
		FROM syncore.stat_system t WHERE t.breaker <> 'closed'
		UNION ALL
		SELECT 'warning', 'diverged', y.name::text, format('%s records have a field that the loop breaker has stopped: it differs until it is released.', count(*)), min(k.updated_at),
			'SELECT * FROM syncore.alert WHERE kind = ''loop'';'
		FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id WHERE k.state = 'diverged' GROUP BY y.name
		UNION ALL
		SELECT CASE WHEN c.expires_at <= now() THEN 'critical' ELSE 'warning' END, 'credentials', c.system::text,
			format('Its %s credential %s at %s.', c.used_for, CASE WHEN c.expires_at <= now() THEN 'expired' ELSE 'expires' END, date_trunc('minute', c.expires_at)), NULL,
			format('Renew it on that side, then SELECT syncore.set_credential(%L, %L, ''…'');', c.system, c.kind)
		FROM syncore.credential_status c WHERE c.state = 'current' AND c.expires_at < now() + interval '14 days'
		UNION ALL
		SELECT 'warning', 'clock', y.name::text, format('Its clock is off by %s.', y.clock_offset), NULL, 'Times are corrected; find out why it is wrong.'
		FROM syncore.system y WHERE y.clock_offset > interval '1 min' OR y.clock_offset < interval '-1 min'
		UNION ALL
		SELECT 'warning', 'quarantine', q.system, format('%s events wait in quarantine.', count(*)), min(q.at), format('SELECT * FROM syncore.quarantine WHERE system = %L;', q.system)
		FROM syncore.quarantine q GROUP BY q.system
		UNION ALL
		SELECT 'warning', 'review', s.name::text, format('%s decisions wait for a person.', count(*)), min(c.opened_at), 'TABLE syncore.review;'
		FROM syncore.conflict c JOIN syncore.space s ON s.id = c.space_id WHERE c.state = 'pending' GROUP BY s.name
		UNION ALL
		SELECT CASE a.level WHEN 'critical' THEN 'critical' ELSE 'warning' END, 'alerts', coalesce(a.object, a.cause), a.detail, a.first_at, coalesce(a.hint, 'SELECT * FROM syncore.alert;')
		FROM syncore.alert a WHERE a.closed_at IS NULL AND a.level <> 'info' AND a.kind <> 'lint'
		UNION ALL
		SELECT 'warning', 'lint', a.object, a.detail, a.first_at, a.hint FROM syncore.alert a WHERE a.closed_at IS NULL AND a.kind = 'lint'
	$$;

CREATE VIEW syncore.health WITH (security_invoker = true) AS
	WITH finding AS (
		SELECT * FROM syncore._health_server() UNION ALL SELECT * FROM syncore._health_system()
	)
	SELECT h.level, h.check_name, h.object, h.detail, h.since, h.hint FROM (
		SELECT f.* FROM finding f
		UNION ALL
		SELECT 'ok', c.check_name, NULL, c.detail, NULL, NULL
		FROM (VALUES
			('preload', 'The module is preloaded.'), ('workers', 'Workers are at work.'), ('enabled', 'Calls may leave.'),
			('instance', 'This database is the instance that may send.'), ('partitions', 'Partitions are made ahead.'),
			('default_partition', 'No row has missed its partition.'), ('tables', 'Owners and triggers are as installed.'),
			('old_snapshot', 'No session holds an old snapshot.'), ('paused', 'Nothing is paused.'), ('queue_age', 'Nothing waits long.'),
			('target_latency', 'Promised latencies are kept.'), ('dead_letters', 'No delivery was given up.'), ('breaker', 'All circuits are closed.'),
			('diverged', 'The loop breaker has stopped nothing.'),
			('credentials', 'No credential is about to expire.'), ('clock', 'Clocks are right.'), ('quarantine', 'No event waits in quarantine.'),
			('review', 'No decision waits.'), ('alerts', 'No alert is open.'), ('lint', 'Configurations in use are sound.')
		) AS c (check_name, detail)
		WHERE NOT EXISTS (SELECT 1 FROM finding f WHERE f.check_name OPERATOR(pg_catalog.=) c.check_name)
	) h
	ORDER BY pg_catalog.array_position(ARRAY['critical', 'warning', 'ok'], h.level), h.check_name, h.object;
COMMENT ON VIEW syncore.health IS 'watch: what needs a person, worst first, each with a hint that says what to do; a line ''ok'' for every check that found nothing';
