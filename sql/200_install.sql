-- What CREATE EXTENSION leaves behind: names of the interface, comments, rights, pinned paths.
-- OP-04: install by CREATE EXTENSION. SC-07: no right for PUBLIC. A later part may add names, never take one away.
CREATE DATABASE sc_install;
\c sc_install
SET client_min_messages = warning;
CREATE EXTENSION syncore CASCADE;
RESET client_min_messages;

-- every relation of the interface that this version ships is there
SELECT n.name AS missing FROM unnest('{space,space_role,connector,connector_operation,connector_event,connector_template,system,credential,
	record_map,entity_type,field,state,state_transition,field_map,value_map,comment_map,identity_map,actor,ownership,policy,match_rule,route,
	alert_route,test_case,event,event_key,entity,link,match_key,comment,delivery,batch,conflict,quarantine,ledger,ledger_seal,alert,job,
	config_version,instance,health,review,dead_letter,system_check,webhook,mapping_sheet,policy_sheet,ownership_matrix,config_history,schema_drift,
	stat_system,stat_queue,stat_worker,credential_status,manual}'::text[]) n (name)
WHERE to_regclass('syncore.' || n.name) IS NULL ORDER BY 1;

-- columns that people read, in their order
SELECT c.relname, string_agg(a.attname, ' ' ORDER BY a.attnum) AS columns
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'syncore'::regnamespace AND c.relkind = 'v' GROUP BY 1 ORDER BY 1;

-- what a person calls
SELECT p.proname || '(' || pg_get_function_arguments(p.oid) || ')' AS call,
	CASE WHEN p.proretset THEN 'setof ' ELSE '' END || coalesce(pg_get_function_result(p.oid), 'procedure') AS result
FROM pg_proc p WHERE p.pronamespace = 'syncore'::regnamespace AND p.proname = ANY ('{add_system,set_credential,set_policy,set_owner,lint,activate,
	check_system,wait,ingest,ingest_raw,sync_now,resolve,release,release_hold,pause,resume,retry,cancel,adopt_instance,why,why_not,as_of,test_run,plan,what_if,trace,timeline,
	field_history,verify_ledger,quarantine_payload,config_diff,config_export,config_restore,approve,impact,unreviewed,run_tests,
	accept_match,reject_match,merge_entities,split_entity,clean_up_report}') ORDER BY 1;

-- everything has a comment, and those of calls and views begin with their group
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'syncore'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition AND col_description(c.oid, a.attnum) IS NULL ORDER BY 1, 2;
SELECT t.tgrelid::regclass, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = 'syncore'::regnamespace AND NOT c.relispartition AND NOT t.tgisinternal
	AND t.tgparentid = 0 AND obj_description(t.oid, 'pg_trigger') IS NULL ORDER BY 1, 2;
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'syncore'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S') AND obj_description(c.oid, 'pg_class') IS NULL ORDER BY 1;
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'syncore'::regnamespace
	AND coalesce(obj_description(p.oid, 'pg_proc'), '') !~ '^(configure|feed|decide|run|ask|trust|watch|type): ' ORDER BY 1::text;
SELECT t.oid::regtype FROM pg_type t WHERE t.typnamespace = 'syncore'::regnamespace AND (t.typtype IN ('d', 'e') OR (t.typtype = 'b' AND t.typelem = 0))
	AND obj_description(t.oid, 'pg_type') IS NULL ORDER BY 1::text;

-- nothing for PUBLIC
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'syncore'::regnamespace
	AND (p.proacl IS NULL OR EXISTS (SELECT 1 FROM aclexplode(p.proacl) a WHERE a.grantee = 0)) ORDER BY 1::text;
SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = 'syncore'::regnamespace AND a.grantee = 0 ORDER BY 1;
SELECT t.typname FROM pg_type t WHERE t.typnamespace = 'syncore'::regnamespace AND (t.typtype IN ('d', 'e') OR (t.typtype = 'b' AND t.typelem = 0))
	AND (t.typacl IS NULL OR EXISTS (SELECT 1 FROM aclexplode(t.typacl) a WHERE a.grantee = 0)) ORDER BY 1;

-- all that runs SQL has its path pinned; what runs as its owner belongs to syncore_owner, and so do the tables
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = 'syncore'::regnamespace AND l.lanname <> 'c'
	AND p.prokind = 'f' AND NOT coalesce(p.proconfig @> '{"search_path=pg_catalog, pg_temp"}', false) ORDER BY 1::text;
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'syncore'::regnamespace AND p.prosecdef AND p.proowner <> 'syncore_owner'::regrole ORDER BY 1::text;
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'syncore'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S') AND c.relowner <> 'syncore_owner'::regrole ORDER BY 1;

-- every table whose rows belong to a space has row security; views ask with their reader's rights
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'syncore'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT c.relrowsecurity
	AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('space', 'space_id', 'system', 'system_id')) ORDER BY 1;
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'syncore'::regnamespace AND c.relkind = 'v' AND NOT coalesce(c.reloptions @> '{security_invoker=true}', false);

-- every table and sequence is marked for pg_dump
SELECT c.relname FROM pg_extension e, pg_class c WHERE e.extname = 'syncore' AND c.relnamespace = 'syncore'::regnamespace AND c.relkind IN ('r', 'S')
	AND EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.refobjid = e.oid AND d.deptype = 'e') AND c.oid <> ALL (e.extconfig) ORDER BY 1;

-- the manual knows every call and view, and health has a line for each check
SELECT count(*) > 60 AS enough FROM syncore.manual;
SELECT topic, name FROM syncore.manual WHERE purpose IS NULL OR example IS NULL;
-- each example can be run as it stands (a CALL cannot be explained: the function in it can)
DO $$
DECLARE
	m record;
	statement text;
BEGIN
	FOR m IN SELECT name, example FROM syncore.manual LOOP
		FOREACH statement IN ARRAY regexp_split_to_array(m.example, ';\s+(?=[A-Z]{4})|;$') LOOP
			CONTINUE WHEN statement = '' OR statement ~ '^CALL syncore.wait\(\d+\)$';
			BEGIN
				EXECUTE 'EXPLAIN ' || regexp_replace(statement, '^CALL syncore.wait\((.*)\)$', 'SELECT \1');
			EXCEPTION WHEN OTHERS THEN
				RAISE INFO '%: "%": %', m.name, statement, SQLERRM;
			END;
		END LOOP;
	END LOOP;
END $$;
-- and every body is one that the server can read: CREATE EXTENSION does not look
SET check_function_bodies = on;
DO $$
DECLARE
	f record;
BEGIN
	FOR f IN SELECT p.oid, p.oid::regprocedure AS name FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = 'syncore'::regnamespace AND l.lanname IN ('sql', 'plpgsql') LOOP
		BEGIN
			EXECUTE pg_get_functiondef(f.oid);
		EXCEPTION WHEN OTHERS THEN
			RAISE INFO '%: %', f.name, SQLERRM;
		END;
	END LOOP;
END $$;
RESET check_function_bodies;
SELECT count(DISTINCT check_name) AS checks FROM syncore.health;
SELECT level, check_name FROM syncore.health WHERE check_name IN ('preload', 'instance', 'partitions', 'default_partition', 'tables') ORDER BY check_name;

-- an owner that was changed and a trigger that was switched off are seen
ALTER TABLE syncore.entity OWNER TO CURRENT_USER;
ALTER TABLE syncore.policy DISABLE TRIGGER config_version;
SELECT level, check_name, object, hint FROM syncore.health WHERE check_name = 'tables';
\c regression
DROP DATABASE sc_install;
