-- What waits and what runs. Every view asks with the rights of its reader: row security applies.

CREATE VIEW syncore.quarantine WITH (security_invoker = true) AS
	SELECT q.id, pg_catalog.concat_ws(':', q.system, q.external_id) AS ref, q.system, q.at, q.code, q.path, q.message, q.hint,
		CASE WHEN q.event IS NULL THEN 'The sender has to send it again.'
			ELSE pg_catalog.format('SELECT syncore.release(%s, ''…'');', q.id) END AS to_do
	FROM syncore.quarantine_entry q WHERE q.state OPERATOR(pg_catalog.=) 'open'
	ORDER BY q.at DESC, q.id DESC;
COMMENT ON VIEW syncore.quarantine IS 'decide: events that failed validation and wait for a person, newest first; payloads by quarantine_payload(id)';

CREATE VIEW syncore.dead_letter WITH (security_invoker = true) AS
	SELECT d.id, COALESCE(k.external_key, k.external_id, 'entity ' OPERATOR(pg_catalog.||) k.entity) AS ref, y.name AS system,
		COALESCE(d.error_at, d.created_at) AS at, d.error_code AS code, NULL::text AS path, d.error_message AS message,
		CASE WHEN d.error_code OPERATOR(pg_catalog.=) ANY (ARRAY['401', '403']) THEN 'Check the credential and its rights on that side, then try again.'
			WHEN d.error_code OPERATOR(pg_catalog.=) ANY (ARRAY['400', '422']) THEN 'The system refuses a value: correct the record or the mapping, then try again.'
			WHEN d.error_code OPERATOR(pg_catalog.=) ANY (ARRAY['404', '410']) THEN 'The record is gone there.'
			ELSE 'It was tried as often as allowed: see that the system answers, then try again.' END AS hint,
		pg_catalog.format('SELECT syncore.retry(%s);', d.id) AS to_do
	FROM syncore.delivery d JOIN syncore.system y ON y.id OPERATOR(pg_catalog.=) d.system_id
		LEFT JOIN syncore.link k ON k.id OPERATOR(pg_catalog.=) d.link
	WHERE d.state OPERATOR(pg_catalog.=) 'dead'::syncore.delivery_state
	ORDER BY at DESC, d.id DESC;
COMMENT ON VIEW syncore.dead_letter IS 'run: deliveries that were given up, newest first, each with the call that tries it again';

-- "snow=P3 a.lee 14:03:15 · pd=P1 b.kim 14:03:12"
CREATE FUNCTION syncore._say_versions(versions jsonb) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT string_agg(concat_ws(' ', coalesce(y.name, v ->> 'system', 'here') || '=' || coalesce(v -> 'value' #>> '{}', 'empty'), v ->> 'actor',
			to_char((v ->> 'at')::timestamptz AT TIME ZONE 'UTC', 'HH24:MI:SS')), ' · ' ORDER BY v ->> 'at' DESC, y.name)
		FROM jsonb_array_elements(CASE jsonb_typeof(versions) WHEN 'array' THEN versions ELSE '[]' END) v
			LEFT JOIN syncore.system y ON y.name = v ->> 'system' OR y.id::text = v ->> 'system'
	$$;

CREATE VIEW syncore.review WITH (security_invoker = true) AS
	SELECT r.* FROM (
		SELECT c.id, CASE WHEN c.rule OPERATOR(pg_catalog.=) 'on_reopen' THEN 'reopen' ELSE 'conflict' END AS kind, s.name AS space, syncore._ref(c.entity) AS ref, c.field,
			e.data OPERATOR(pg_catalog.->>) 'severity' AS severity, pg_catalog.now() OPERATOR(pg_catalog.-) c.opened_at AS waiting,
			syncore._say_versions(c.versions) AS versions,
			COALESCE(pg_catalog.format('%s, by %s: %s', c.suggestion OPERATOR(pg_catalog.->>) 'choice', c.suggestion OPERATOR(pg_catalog.->>) 'rule',
				c.suggestion OPERATOR(pg_catalog.->>) 'because'), c.reason) AS suggestion,
			(SELECT o.steward FROM syncore.ownership o
				WHERE o.entity_type OPERATOR(pg_catalog.=) t.name AND o.field OPERATOR(pg_catalog.=) c.field
					AND (o.space IS NULL OR o.space OPERATOR(pg_catalog.=) s.name)
				ORDER BY o.space IS NULL LIMIT 1) AS steward,
			pg_catalog.format('SELECT syncore.resolve(%s, %L, note => ''…'');', c.id, COALESCE(c.suggestion OPERATOR(pg_catalog.->>) 'choice', y.name, 'current')) AS to_do
		FROM syncore.conflict c JOIN syncore.space s ON s.id OPERATOR(pg_catalog.=) c.space_id
			JOIN syncore.entity e ON e.id OPERATOR(pg_catalog.=) c.entity
			JOIN syncore.entity_type t ON t.id OPERATOR(pg_catalog.=) e.entity_type_id
			LEFT JOIN syncore.system y ON y.id OPERATOR(pg_catalog.=) c.incoming_system
		WHERE c.state OPERATOR(pg_catalog.=) 'pending'
			-- what was said since is in the newest of a field
			AND NOT EXISTS (SELECT 1 FROM syncore.conflict n WHERE n.entity OPERATOR(pg_catalog.=) c.entity AND n.field OPERATOR(pg_catalog.=) c.field
				AND n.id OPERATOR(pg_catalog.>) c.id AND n.state OPERATOR(pg_catalog.=) 'pending')
		UNION ALL
		SELECT m.id, 'match', s.name, syncore._ref(m.entity), NULL, e.data OPERATOR(pg_catalog.->>) 'severity',
			pg_catalog.now() OPERATOR(pg_catalog.-) m.opened_at,
			syncore._ref(m.entity) OPERATOR(pg_catalog.||) ' · ' OPERATOR(pg_catalog.||) syncore._ref(m.other), m.reason, NULL,
			-- One entity has one record a system: two of one system cannot be joined.
			pg_catalog.format(CASE WHEN EXISTS (SELECT FROM syncore.link a JOIN syncore.link b ON b.system_id OPERATOR(pg_catalog.=) a.system_id
					WHERE a.entity OPERATOR(pg_catalog.=) m.entity AND b.entity OPERATOR(pg_catalog.=) m.other
						AND a.state OPERATOR(pg_catalog.=) ANY ('{active,diverged}'::syncore.link_state[])
						AND b.state OPERATOR(pg_catalog.=) ANY ('{active,diverged}'::syncore.link_state[]))
				THEN 'SELECT syncore.reject_match(%s, ''…'');' ELSE 'SELECT syncore.accept_match(%s, ''…'');' END, m.id)
		FROM syncore.match_candidate m JOIN syncore.space s ON s.id OPERATOR(pg_catalog.=) m.space_id
			JOIN syncore.entity e ON e.id OPERATOR(pg_catalog.=) m.entity
		WHERE m.state OPERATOR(pg_catalog.=) 'open'
		UNION ALL
		-- A state that a record cannot be brought to: no step that is on offer there leads to it.
		SELECT d.id, 'transition', s.name, syncore._ref(k.entity), f.name, e.data OPERATOR(pg_catalog.->>) 'severity',
			pg_catalog.now() OPERATOR(pg_catalog.-) COALESCE(d.error_at, d.created_at),
			CASE WHEN f.sensitive OPERATOR(pg_catalog.=) 'no'::syncore.sensitivity THEN pg_catalog.format('%s=%s · here=%s', y.name, COALESCE(k.shadow::jsonb OPERATOR(pg_catalog.->) f.name OPERATOR(pg_catalog.->) 'held' OPERATOR(pg_catalog.->>) 'value', 'unknown'),
				COALESCE(e.data OPERATOR(pg_catalog.->>) f.name, 'empty')) END,
			pg_catalog.format('%s: allow that step there, write another state for it (value_map), or move the record by hand; then try again', d.error_message),
			(SELECT o.steward FROM syncore.ownership o
				WHERE o.entity_type OPERATOR(pg_catalog.=) t.name AND o.field OPERATOR(pg_catalog.=) f.name
					AND (o.space IS NULL OR o.space OPERATOR(pg_catalog.=) s.name)
				ORDER BY o.space IS NULL LIMIT 1),
			pg_catalog.format('SELECT syncore.retry(%s);', d.id)
		FROM syncore.delivery d JOIN syncore.link k ON k.id OPERATOR(pg_catalog.=) d.link JOIN syncore.system y ON y.id OPERATOR(pg_catalog.=) d.system_id
			JOIN syncore.space s ON s.id OPERATOR(pg_catalog.=) d.space_id JOIN syncore.entity e ON e.id OPERATOR(pg_catalog.=) k.entity
			JOIN syncore.entity_type t ON t.id OPERATOR(pg_catalog.=) e.entity_type_id
			LEFT JOIN LATERAL (SELECT n.name::text, n.sensitive FROM syncore.field n WHERE n.entity_type OPERATOR(pg_catalog.=) t.name AND n.kind OPERATOR(pg_catalog.=) 'state'::syncore.field_kind
				ORDER BY n.name LIMIT 1) f ON true
		WHERE d.state OPERATOR(pg_catalog.=) 'dead'::syncore.delivery_state AND d.error_code OPERATOR(pg_catalog.=) 'no_transition'
		UNION ALL
		SELECT v.version, 'approval', s.name, 'configuration', NULL, NULL, pg_catalog.now() OPERATOR(pg_catalog.-) pg_catalog.min(v.at),
			pg_catalog.format('%s changed by %s', pg_catalog.string_agg(DISTINCT v.table_name, ', '), pg_catalog.string_agg(DISTINCT v.role, ', ')),
			pg_catalog.min(v.reason), NULL, pg_catalog.format('SELECT syncore.approve(%s, ''…'');', v.version)
		FROM syncore.config_version v LEFT JOIN syncore.space s ON s.id OPERATOR(pg_catalog.=) v.space_id
		WHERE v.needs_approval AND v.approved_by IS NULL
		GROUP BY v.version, s.name
	) r
	ORDER BY pg_catalog.array_position(ARRAY['critical', 'high', 'medium', 'low', 'info'], r.severity) NULLS LAST, r.waiting DESC, r.id;
COMMENT ON VIEW syncore.review IS 'decide: what waits for a person, most severe first; column to_do is the call to run';

CREATE VIEW syncore.credential_status WITH (security_invoker = true) AS
	SELECT c.system, c.used_for, c.kind, c.host, c.state, c.set_by, c.set_at, c.expires_at, c.last_used, c.fingerprint
	FROM syncore.credential c
	ORDER BY c.state OPERATOR(pg_catalog.<>) 'current', c.expires_at NULLS LAST, c.system, c.used_for, c.id DESC;
COMMENT ON VIEW syncore.credential_status IS 'configure: which credentials are set, until when; never where the secret is';

CREATE VIEW syncore.config_history WITH (security_invoker = true) AS
	SELECT v.version, v.at, v.role, v.session_role, v.operator, v.approved_by, v.reason, v.table_name, v.key, v.action, v.old, v.new
	FROM syncore.config_version v ORDER BY v.version DESC, v.step;
COMMENT ON VIEW syncore.config_history IS 'configure: who changed which row when and why, newest first; one version a transaction';

CREATE VIEW syncore.webhook WITH (security_invoker = true) AS
	SELECT w.system, w.url,
		EXISTS (SELECT 1 FROM syncore.job j WHERE j.kind OPERATOR(pg_catalog.=) 'register_webhook' AND j.state OPERATOR(pg_catalog.=) 'done'
			AND j.system_id OPERATOR(pg_catalog.=) w.id AND (j.result OPERATOR(pg_catalog.->>) 'url') OPERATOR(pg_catalog.=) w.url) AS registered,
		w.events, NULL::timestamptz AS expires_at, w.last_seen,
		pg_catalog.replace(pg_catalog.replace(w.setup, '{webhook_url}', w.url), '<system>', w.system) AS setup
	FROM (
		SELECT y.id, y.name AS system,
			COALESCE(NULLIF(pg_catalog.rtrim(pg_catalog.current_setting('syncore.public_url', true), '/'), ''), '<syncore.public_url>')
				OPERATOR(pg_catalog.||) '/hooks/' OPERATOR(pg_catalog.||) y.space OPERATOR(pg_catalog.||) '/' OPERATOR(pg_catalog.||) y.name AS url,
			ARRAY(SELECT v.name FROM syncore.connector_event v WHERE v.connector OPERATOR(pg_catalog.=) y.connector ORDER BY v.position) AS events,
			(SELECT v.received_at FROM syncore.event v WHERE v.system_id OPERATOR(pg_catalog.=) y.id
				AND v.via OPERATOR(pg_catalog.=) ANY ('{webhook,ingest}'::syncore.event_via[])
				AND v.received_at OPERATOR(pg_catalog.>) (pg_catalog.now() OPERATOR(pg_catalog.-) '2 days'::interval)
				ORDER BY v.received_at DESC LIMIT 1) AS last_seen,
			c.setup
		FROM syncore.system y JOIN syncore.connector c ON c.name OPERATOR(pg_catalog.=) y.connector
		WHERE y.capture_mode OPERATOR(pg_catalog.<>) ALL (ARRAY['poll', 'none']::syncore.capture_mode[])
	) w ORDER BY w.system;
COMMENT ON VIEW syncore.webhook IS 'configure: where each system has to send its webhooks, what to do on that side, and when one was last heard (within two days)';

CREATE VIEW syncore.system_check WITH (security_invoker = true) AS
	SELECT y.name AS system, i.item, i.ok, i.detail, i.hint
	FROM syncore.system y
		CROSS JOIN LATERAL (SELECT j.id, j.result FROM syncore.job j
			WHERE j.kind OPERATOR(pg_catalog.=) 'check_system' AND j.system_id OPERATOR(pg_catalog.=) y.id AND j.result IS NOT NULL
			ORDER BY j.id DESC LIMIT 1) j
		CROSS JOIN LATERAL pg_catalog.jsonb_to_recordset(CASE pg_catalog.jsonb_typeof(j.result) WHEN 'array' THEN j.result
			ELSE COALESCE(j.result OPERATOR(pg_catalog.->) 'items', '[]') END) AS i (item text, ok boolean, detail text, hint text)
	ORDER BY y.name, i.ok, i.item;
COMMENT ON VIEW syncore.system_check IS 'configure: what the last check_system of each system found, what is wrong first';

CREATE VIEW syncore.stat_queue WITH (security_invoker = true) AS
	SELECT y.name AS system, q.state, pg_catalog.count(*) AS deliveries, pg_catalog.now() OPERATOR(pg_catalog.-) pg_catalog.min(q.created_at) AS oldest,
		pg_catalog.max(q.attempts) AS max_attempts, pg_catalog.min(q.not_before) AS next_try
	FROM (SELECT d.system_id, d.created_at, d.attempts,
			CASE WHEN d.state OPERATOR(pg_catalog.=) 'dead'::syncore.delivery_state THEN NULL ELSE d.not_before END AS not_before, -- nobody tries a dead one again
			CASE WHEN d.state OPERATOR(pg_catalog.=) 'dead'::syncore.delivery_state THEN 'dead'
				WHEN d.sent_gen IS NOT NULL THEN 'in flight'
				WHEN d.not_before OPERATOR(pg_catalog.>) pg_catalog.now() THEN 'later'
				ELSE 'due' END AS state
		FROM syncore.delivery d) q
		JOIN syncore.system y ON y.id OPERATOR(pg_catalog.=) q.system_id
	GROUP BY y.name, q.state
	ORDER BY oldest DESC, y.name, q.state;
COMMENT ON VIEW syncore.stat_queue IS 'watch: outbound work by system and state (due, later, in flight, dead), oldest first';

CREATE VIEW syncore.stat_worker WITH (security_invoker = true) AS
	SELECT w.role, w.database, w.index, w.pid, w.state, w.in_flight, w.shards, w.sent, w.failed, w.events, w.turns, w.started_at, w.turned_at
	FROM syncore._workers() w ORDER BY w.role, w.index;
COMMENT ON VIEW syncore.stat_worker IS 'watch: the workers of this database and what each is doing; none without preload';

CREATE VIEW syncore.stat_system WITH (security_invoker = true) AS
	SELECT y.name AS system, y.space, y.mode, s.paused AS space_paused, COALESCE(l.breaker, 'closed') AS breaker, COALESCE(l.in_flight, 0) AS in_flight,
		l.calls, l.errors, l.last_ok_at, l.last_error_at, l.paused_until, q.queued, q.dead, q.oldest, y.clock_offset
	FROM syncore.system y JOIN syncore.space s ON s.name OPERATOR(pg_catalog.=) y.space
		LEFT JOIN LATERAL (SELECT pg_catalog.min(o.id) AS id FROM syncore.system o WHERE o.connection OPERATOR(pg_catalog.=) y.connection) f ON true
		LEFT JOIN syncore._limits() l ON l.system_id OPERATOR(pg_catalog.=) f.id
		LEFT JOIN LATERAL (SELECT pg_catalog.count(*) FILTER (WHERE d.state OPERATOR(pg_catalog.=) 'due'::syncore.delivery_state) AS queued,
				pg_catalog.count(*) FILTER (WHERE d.state OPERATOR(pg_catalog.=) 'dead'::syncore.delivery_state) AS dead,
				pg_catalog.now() OPERATOR(pg_catalog.-) pg_catalog.min(d.created_at) AS oldest
			FROM syncore.delivery d WHERE d.system_id OPERATOR(pg_catalog.=) y.id) q ON true
	ORDER BY COALESCE(l.breaker, 'closed') OPERATOR(pg_catalog.=) 'closed', q.dead DESC, q.queued DESC, y.name;
COMMENT ON VIEW syncore.stat_system IS 'watch: each system with its mode, breaker, pace and queue, the troubled ones first; counters begin when the server starts';
