-- Who may what. Nothing for PUBLIC; every right that exists is given here. Row security decides about rows.

CREATE FUNCTION syncore._install_ownership() RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		member record;
	BEGIN
		FOR member IN
			SELECT c.relkind, format('%I.%I', n.nspname, c.relname) AS name
			FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = 'syncore' AND c.relkind IN ('r', 'p', 'S', 'v')
				-- Sequences of identity columns go with their table.
				AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i' AND c.relkind = 'S')
			ORDER BY c.relkind = 'S', c.oid
		LOOP
			EXECUTE format('ALTER %s %s OWNER TO syncore_owner', CASE member.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, member.name);
			EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', CASE member.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE '' END || member.name);
		END LOOP;
		FOR member IN
			SELECT p.oid::regprocedure AS name, p.prosecdef FROM pg_proc p WHERE p.pronamespace = 'syncore'::regnamespace
		LOOP
			IF member.prosecdef THEN
				EXECUTE format('ALTER ROUTINE %s OWNER TO syncore_owner', member.name);
			END IF;
			EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', member.name);
			EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO syncore_owner', member.name);
		END LOOP;
		FOR member IN
			SELECT t.oid::regtype AS name, t.typtype FROM pg_type t
			WHERE t.typnamespace = 'syncore'::regnamespace AND (t.typtype IN ('d', 'e') OR (t.typtype = 'b' AND t.typelem = 0))
		LOOP
			EXECUTE format('REVOKE ALL ON TYPE %s FROM PUBLIC', member.name);
			EXECUTE format('GRANT USAGE ON TYPE %s TO syncore_owner, syncore_admin, syncore_operator, syncore_auditor, syncore_ingest, syncore_worker', member.name);
		END LOOP;
	END
	$$;
SELECT syncore._install_ownership();
DROP FUNCTION syncore._install_ownership();

GRANT USAGE ON SCHEMA syncore TO syncore_admin, syncore_operator, syncore_auditor, syncore_ingest, syncore_worker;

-- Tables. Lists of columns leave out what may not be read: references, payloads, raw bodies, the token.
CREATE FUNCTION syncore._install_grants() RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		t text;
		config text[] := '{space,space_role,connector,connector_operation,connector_event,connector_template,system,entity_type,field,state,
			state_transition,record_map,field_map,value_map,comment_map,identity_map,actor,ownership,policy,match_rule,route,alert_route,test_case}';
		data text[] := '{record_path,event_key,entity,link,match_key,match_candidate,comment,comment_copy,delivery,batch,conflict,alert,job,reference_wait}';
		hidden jsonb := '{"credential": ["reference", "settings"], "event": ["payload", "headers"], "quarantine_entry": ["raw"], "referenced": ["body"], "instance": ["token_hash"]}';
	BEGIN
		FOREACH t IN ARRAY config LOOP
			EXECUTE format('GRANT SELECT ON syncore.%I TO syncore_admin, syncore_operator, syncore_auditor, syncore_worker', t);
			EXECUTE format('GRANT INSERT, UPDATE, DELETE ON syncore.%I TO syncore_admin', t);
		END LOOP;
		FOREACH t IN ARRAY data || '{ledger,ledger_seal,config_version}'::text[] LOOP
			EXECUTE format('GRANT SELECT ON syncore.%I TO syncore_admin, syncore_operator, syncore_auditor, syncore_worker', t);
		END LOOP;
		FOREACH t IN ARRAY data || '{quarantine_entry}'::text[] LOOP
			EXECUTE format('GRANT INSERT, UPDATE, DELETE ON syncore.%I TO syncore_worker', t);
		END LOOP;
		FOR t IN SELECT jsonb_object_keys(hidden) LOOP
			EXECUTE format('GRANT SELECT ON syncore.%I TO syncore_worker', t);
			EXECUTE format('GRANT SELECT (%s) ON syncore.%I TO syncore_admin, syncore_operator, syncore_auditor',
				(SELECT string_agg(quote_ident(a.attname), ', ') FROM pg_attribute a
					WHERE a.attrelid = ('syncore.' || t)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND NOT hidden -> t ? a.attname), t);
		END LOOP;
		FOR t IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'syncore'::regnamespace AND c.relkind = 'v' LOOP
			EXECUTE format('GRANT SELECT ON syncore.%I TO syncore_admin, syncore_operator, syncore_auditor', t);
		END LOOP;
		FOREACH t IN ARRAY data || '{event,ledger,ledger_seal,quarantine_entry}'::text[] LOOP
			IF to_regclass(format('syncore.%I', t || '_id_seq')) IS NOT NULL THEN
				EXECUTE format('GRANT USAGE ON SEQUENCE syncore.%I TO syncore_worker', t || '_id_seq');
			END IF;
		END LOOP;
	END
	$$;
SELECT syncore._install_grants();
DROP FUNCTION syncore._install_grants();

GRANT INSERT ON syncore.event, syncore.ledger, syncore.ledger_seal TO syncore_worker;
GRANT UPDATE (integration_actor, clock_offset, create_after) ON syncore.system TO syncore_worker;
GRANT UPDATE (state, last_used, fingerprint, expires_at) ON syncore.credential TO syncore_worker;
GRANT UPDATE (token_hash) ON syncore.instance TO syncore_worker;
GRANT INSERT (system, payload, record_type, event_id, kind, external_id, source_time, source_version, actor, correlation_id, batch_id,
	headers, external_key, via) ON syncore.event TO syncore_ingest, syncore_admin;
GRANT USAGE ON SEQUENCE syncore.event_id_seq TO syncore_ingest, syncore_admin;

-- Functions, by name. Helpers that only read or compute are everybody's: they run with the rights of who calls.
CREATE FUNCTION syncore._install_function_grants() RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		f record;
		readers text := 'syncore_admin, syncore_operator, syncore_auditor';
		everybody text := readers || ', syncore_ingest, syncore_worker';
		grantees text;
		everybodys text[] := '{_caller,_my_spaces,_my_space_names,_my_systems,_has_space_beyond,_is_system,_is_connection_beyond,
			_partition_state,_instance_difference,_ledger_last,_traffic_since}';
		workers text[] := '{_note_paths,_tell_vanished,_make_partitions,_retire_events,_retire_records,_close_quiet_alerts,_tell_alerts,_fill_references,_fill_match_keys,_wanted_references,_fetched,_settle_references,_watch_config,_watch_transitions,_watch_duplicates,_ledger_append,_wake}';
		nobodys text[] := '{_spaces_of,_space_names_of,_systems_of,_read_event}';
	BEGIN
		FOR f IN SELECT p.oid::regprocedure AS name, p.proname, p.provolatile, p.prosecdef, p.prorettype FROM pg_proc p
			WHERE p.pronamespace = 'syncore'::regnamespace
		LOOP
			grantees := CASE
				WHEN f.prorettype = 'trigger'::regtype THEN NULL
				WHEN f.provolatile = 'i' OR f.proname LIKE 'vclock%' THEN everybody
				WHEN f.proname = ANY (nobodys) THEN NULL
				WHEN f.proname = ANY (everybodys) THEN everybody
				WHEN f.proname = ANY (workers) THEN 'syncore_worker'
				WHEN f.proname IN ('_copy_template', '_config_rename', '_config_remove', '_config_put', '_accept_schema') THEN 'syncore_admin'
				WHEN f.proname IN ('_pause', '_resume', '_retry_target', '_release_hold', '_request_job') THEN 'syncore_admin, syncore_operator'
				WHEN f.proname IN ('_rehearse_payload', '_plan_target', '_what_if_target') THEN readers
				WHEN f.proname IN ('_workers', '_limits', '_is_preloaded') THEN readers || ', syncore_worker'
				WHEN f.proname = '_run_test' THEN readers
				WHEN f.proname LIKE '\_%' AND f.provolatile = 's' AND NOT f.prosecdef THEN everybody
				WHEN f.proname LIKE '\_%' THEN NULL
				WHEN f.proname IN ('why_not', 'as_of', 'test_run', 'plan', 'what_if') THEN readers
				WHEN f.proname IN ('why', 'trace', 'timeline', 'field_history', 'verify_ledger', 'lint', 'required_scopes',
					'config_diff', 'config_export', 'clean_up_report', 'impact', 'unreviewed', 'run_tests') THEN readers
				WHEN f.proname IN ('resolve', 'release', 'release_hold', 'accept_match', 'reject_match', 'merge_entities', 'split_entity', 'quarantine_payload', 'pause', 'resume', 'retry', 'cancel', 'sync_now',
					'check_system', 'register_webhook', 'wait') THEN 'syncore_admin, syncore_operator'
				WHEN f.proname IN ('ingest', 'ingest_raw') THEN 'syncore_ingest, syncore_admin'
				ELSE 'syncore_admin' END;
			IF grantees IS NOT NULL THEN
				EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %s', f.name, grantees);
			END IF;
		END LOOP;
	END
	$$;
SELECT syncore._install_function_grants();
DROP FUNCTION syncore._install_function_grants();

-- Row security. Policies are called reader, writer, feeder and worker on every table that has them; owner and superuser pass.
CREATE FUNCTION syncore._install_policies() RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		rule record;
		reads text;
		writes text;
	BEGIN
		FOR rule IN SELECT * FROM (VALUES
			('space', 'space_name'), ('space_role', 'space'), ('system', 'space'),
			('credential', 'system'), ('record_map', 'system'), ('field_map', 'system'), ('comment_map', 'system'), ('identity_map', 'system'),
			('actor', 'system'), ('route', 'system'), ('test_case', 'system'),
			('ownership', 'space_or_none'), ('policy', 'space_or_none'), ('match_rule', 'space_or_none'), ('alert_route', 'space_or_none'),
			('connector', 'shared'), ('connector_operation', 'shared'), ('connector_event', 'shared'), ('connector_template', 'shared'),
			('entity_type', 'shared'), ('field', 'shared'), ('state', 'shared'), ('state_transition', 'shared'), ('value_map', 'value_map'),
			('event', 'number'), ('entity', 'number'), ('link', 'number'), ('match_key', 'number'), ('match_candidate', 'number'), ('comment', 'number'),
			('delivery', 'number'), ('batch', 'number'), ('conflict', 'number'), ('quarantine_entry', 'number'), ('ledger', 'ledger'),
			('alert', 'number_or_none'), ('record_path', 'number'), ('job', 'number'), ('referenced', 'number'), ('reference_wait', 'number'), ('config_version', 'number_or_none'), ('event_key', 'system_number'), ('comment_copy', 'of_comment')
		) AS r (name, belongs) LOOP
			reads := CASE rule.belongs
				WHEN 'space_name' THEN 'id = ANY ((SELECT syncore._my_spaces(''read''))::integer[])'
				WHEN 'space' THEN 'space::text = ANY ((SELECT syncore._my_space_names(''read''))::text[])'
				WHEN 'system' THEN 'system::text = ANY ((SELECT syncore._my_systems(''read''))::text[])'
				WHEN 'space_or_none' THEN 'space IS NULL OR space::text = ANY ((SELECT syncore._my_space_names(''read''))::text[])'
				WHEN 'number' THEN 'coalesce(space_id, 0) = ANY ((SELECT syncore._my_spaces(''read''))::integer[])'
				WHEN 'number_or_none' THEN 'coalesce(space_id, 0) = 0 OR space_id = ANY ((SELECT syncore._my_spaces(''read''))::integer[])'
				WHEN 'ledger' THEN 'space_id = ANY ((SELECT syncore._my_spaces(''read''))::integer[]) OR (space_id = 0 AND kind = ''config'')'
				WHEN 'value_map' THEN 'split_part(name, ''.'', 1) = ANY ((SELECT syncore._my_systems(''read''))::text[]) OR NOT syncore._is_system(split_part(name, ''.'', 1))'
				WHEN 'system_number' THEN 'EXISTS (SELECT 1 FROM syncore.system y WHERE y.id = system_id)'
				WHEN 'of_comment' THEN 'EXISTS (SELECT 1 FROM syncore.comment c WHERE c.id = comment)'
				ELSE 'true' END;
			writes := CASE rule.belongs
				WHEN 'space_name' THEN 'id = ANY ((SELECT syncore._my_spaces(''admin''))::integer[]) OR syncore._administers_all()'
				WHEN 'space' THEN 'space::text = ANY ((SELECT syncore._my_space_names(''admin''))::text[]) OR syncore._administers_all()'
				WHEN 'system' THEN 'system::text = ANY ((SELECT syncore._my_systems(''admin''))::text[])'
				WHEN 'space_or_none' THEN 'CASE WHEN space IS NULL THEN syncore._administers_all()
					ELSE space::text = ANY ((SELECT syncore._my_space_names(''admin''))::text[]) END'
				WHEN 'shared' THEN 'syncore._administers_all()'
				-- A map named after a system is that system's; any other serves all.
				WHEN 'value_map' THEN 'split_part(name, ''.'', 1) = ANY ((SELECT syncore._my_systems(''admin''))::text[]) OR syncore._administers_all()'
				END;
			EXECUTE format('ALTER TABLE syncore.%I ENABLE ROW LEVEL SECURITY', rule.name);
			EXECUTE format('CREATE POLICY reader ON syncore.%I FOR SELECT TO syncore_admin, syncore_operator, syncore_auditor USING (%s)', rule.name, reads);
			EXECUTE format('CREATE POLICY worker ON syncore.%I TO syncore_worker USING (true) WITH CHECK (true)', rule.name);
			IF writes IS NOT NULL AND rule.name <> 'credential' THEN
				EXECUTE format('CREATE POLICY writer ON syncore.%I TO syncore_admin USING (%s) WITH CHECK (%s)', rule.name, writes, writes);
			END IF;
		END LOOP;
	END
	$$;
SELECT syncore._install_policies();
DROP FUNCTION syncore._install_policies();

-- Who feeds a space may insert its events. An event of an unknown system belongs to none and goes to quarantine.
CREATE POLICY feeder ON syncore.event FOR INSERT TO syncore_ingest, syncore_admin
	WITH CHECK (space_id IS NULL OR space_id OPERATOR(pg_catalog.=) ANY ((SELECT syncore._my_spaces('ingest'))::integer[]));

CREATE FUNCTION syncore._install_policy_comments() RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		p record;
	BEGIN
		FOR p IN SELECT o.polname, o.polrelid::regclass AS name FROM pg_policy o JOIN pg_class c ON c.oid = o.polrelid
			WHERE c.relnamespace = 'syncore'::regnamespace
		LOOP
			EXECUTE format('COMMENT ON POLICY %I ON %s IS %L', p.polname, p.name, CASE p.polname
				WHEN 'reader' THEN 'rows of spaces in which space_role gives any level but ingest'
				WHEN 'writer' THEN 'rows of spaces in which space_role gives level admin; rows of no space: admin of all of them'
				WHEN 'feeder' THEN 'events of spaces in which space_role gives level ingest or admin'
				ELSE 'workers serve all spaces' END);
		END LOOP;
	END
	$$;
SELECT syncore._install_policy_comments();
DROP FUNCTION syncore._install_policy_comments();
