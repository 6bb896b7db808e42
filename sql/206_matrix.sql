-- SC-07, S4: which role may do what with which object, from the catalogs, as it is written here. Whatever is added to the
-- extension shows up as a difference: nobody gets a right by accident.
CREATE DATABASE sc_matrix;
\c sc_matrix
SET client_min_messages = warning;
CREATE EXTENSION syncore CASCADE;
RESET client_min_messages;
\pset format unaligned
CREATE TEMP VIEW grantee AS SELECT r.oid, r.rolname AS name, substr(r.rolname, 9) AS role FROM pg_roles r WHERE r.rolname ~ '^syncore_' AND r.rolname <> 'syncore_owner';

-- tables and views: rights on the whole; tables with the same rights on one line
SELECT role, rights, string_agg(relname, ' ' ORDER BY relname) AS relations FROM (
	SELECT g.role, c.relname::text, string_agg(lower(p.verb), ' ' ORDER BY p.n) AS rights
	FROM grantee g CROSS JOIN pg_class c CROSS JOIN (VALUES (1, 'SELECT'), (2, 'INSERT'), (3, 'UPDATE'), (4, 'DELETE'), (5, 'TRUNCATE'), (6, 'REFERENCES'), (7, 'TRIGGER')) AS p (n, verb)
	WHERE c.relnamespace = 'syncore'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND has_table_privilege(g.oid, c.oid, p.verb)
	GROUP BY 1, 2) x
GROUP BY 1, 2 ORDER BY 1, 2;
-- columns, where the whole is not given
SELECT g.role, c.relname, lower(p.verb) AS verb, string_agg(a.attname, ' ' ORDER BY a.attnum) AS columns
FROM grantee g CROSS JOIN pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE')) AS p (verb)
WHERE c.relnamespace = 'syncore'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT has_table_privilege(g.oid, c.oid, p.verb)
	AND has_column_privilege(g.oid, c.oid, a.attnum, p.verb)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT g.role, string_agg(c.relname, ' ' ORDER BY c.relname) AS sequences FROM grantee g CROSS JOIN pg_class c
WHERE c.relnamespace = 'syncore'::regnamespace AND c.relkind = 'S' AND has_sequence_privilege(g.oid, c.oid, 'USAGE') GROUP BY 1 ORDER BY 1;

-- functions: what a person calls, and what only some may; helpers that only read or compute run with the rights of who calls
SELECT grantees, string_agg(proname, ' ' ORDER BY proname) AS functions FROM (
	SELECT DISTINCT p.proname::text, coalesce((SELECT string_agg(g.role, ' ' ORDER BY g.role) FROM grantee g WHERE has_function_privilege(g.oid, p.oid, 'EXECUTE')), 'nobody') AS grantees
	FROM pg_proc p WHERE p.pronamespace = 'syncore'::regnamespace AND p.prorettype <> 'trigger'::regtype AND (p.proname !~ '^_' OR p.prosecdef OR p.provolatile = 'v')) x
WHERE proname !~ '^(vclock|stamps|shadow)' GROUP BY 1 ORDER BY 1;
-- all that runs as the owner of the tables, by name; each has its path pinned and belongs to the owner
SELECT string_agg(p.proname || CASE WHEN p.prorettype = 'trigger'::regtype THEN ' (trigger)' ELSE '' END, ', ' ORDER BY p.proname) AS definers
FROM pg_proc p WHERE p.pronamespace = 'syncore'::regnamespace AND p.prosecdef;
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'syncore'::regnamespace AND p.prosecdef
	AND (NOT p.proconfig @> '{"search_path=pg_catalog, pg_temp"}' OR p.proowner <> 'syncore_owner'::regrole);
-- triggers' functions are nobody's to call or to put on other tables
SELECT p.proname, g.role FROM pg_proc p CROSS JOIN grantee g WHERE p.pronamespace = 'syncore'::regnamespace AND p.prorettype = 'trigger'::regtype
	AND has_function_privilege(g.oid, p.oid, 'EXECUTE');
-- what each role is
SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin, rolconnlimit FROM pg_roles WHERE rolname ~ '^syncore_' ORDER BY 1;
SELECT count(*) AS memberships FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member OR r.oid = m.roleid WHERE r.rolname IN ('syncore_owner', 'syncore_worker');
-- nothing for PUBLIC
SELECT has_schema_privilege('public', 'syncore', 'USAGE') AS schema_usage, has_schema_privilege('public', 'syncore', 'CREATE') AS schema_create;
\c regression
DROP DATABASE sc_matrix;
