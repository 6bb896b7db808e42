-- Roles and schema. Everything else of the install script follows, in the order of the file names.
\echo Use "CREATE EXTENSION syncore CASCADE" to load this file. \quit

-- Two databases of one cluster may be installing at once: the roles are shared, so one at a time.
SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('syncore roles', 0));

DO $roles$
DECLARE
	wanted record;
	have record;
BEGIN
	FOR wanted IN
		SELECT * FROM (VALUES
			('syncore_owner', false), ('syncore_admin', false), ('syncore_operator', false),
			('syncore_auditor', false), ('syncore_ingest', false),
			('syncore_worker', pg_catalog.current_setting('server_version_num')::int OPERATOR(pg_catalog.<) 170000)
		) AS r(rolname, may_login)
	LOOP
		SELECT r.oid, r.* INTO have FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) wanted.rolname;
		IF NOT FOUND THEN
			EXECUTE pg_catalog.format('CREATE ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION %s',
				wanted.rolname, CASE WHEN wanted.may_login THEN 'LOGIN CONNECTION LIMIT 0' ELSE 'NOLOGIN' END);
			CONTINUE;
		END IF;
		IF have.rolsuper OR have.rolbypassrls OR have.rolcreaterole OR have.rolcreatedb OR have.rolreplication THEN
			RAISE EXCEPTION 'role "%" exists and has rights that it must not have', wanted.rolname
				USING ERRCODE = 'invalid_role_specification',
				      DETAIL = 'It is a superuser or may bypass row security, create roles or databases, or replicate.',
				      HINT = pg_catalog.format('Make sure nobody else uses it, then: ALTER ROLE %I NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION;', wanted.rolname);
		END IF;
		IF have.rolcanlogin AND NOT wanted.may_login THEN
			RAISE EXCEPTION 'role "%" exists and may log in', wanted.rolname
				USING ERRCODE = 'invalid_role_specification',
				      DETAIL = 'It owns objects or holds rights that nobody may log in with.',
				      HINT = pg_catalog.format('Make sure nobody else uses it, then: ALTER ROLE %I NOLOGIN;', wanted.rolname);
		END IF;
		IF wanted.may_login AND (NOT have.rolcanlogin OR have.rolconnlimit OPERATOR(pg_catalog.<>) 0) THEN
			RAISE EXCEPTION 'role "%" exists and is not one that workers alone may use', wanted.rolname
				USING ERRCODE = 'invalid_role_specification',
				      DETAIL = 'Before PostgreSQL 17 it must be LOGIN with CONNECTION LIMIT 0.',
				      HINT = pg_catalog.format('Make sure nobody else uses it, then: ALTER ROLE %I LOGIN CONNECTION LIMIT 0 PASSWORD NULL;', wanted.rolname);
		END IF;
		IF wanted.rolname OPERATOR(pg_catalog.=) ANY (ARRAY['syncore_owner', 'syncore_worker'])
			AND EXISTS (SELECT 1 FROM pg_catalog.pg_auth_members m WHERE m.roleid OPERATOR(pg_catalog.=) have.oid) THEN
			RAISE EXCEPTION 'role "%" exists and has members', wanted.rolname
				USING ERRCODE = 'invalid_role_specification',
				      DETAIL = 'Its members would have its rights over every record and credential.',
				      HINT = pg_catalog.format('Revoke it from its members first: SELECT member::regrole FROM pg_auth_members WHERE roleid = %L::regrole;', wanted.rolname);
		END IF;
	END LOOP;
END
$roles$;

CREATE SCHEMA syncore AUTHORIZATION syncore_owner;
COMMENT ON SCHEMA syncore IS 'keeps the same ticket in step across many systems; start with TABLE syncore.health and TABLE syncore.manual';
