-- No setting says more than it does: a value that this version has no code for is refused, with the values that work.
CREATE DATABASE sc_unbuilt;
\c sc_unbuilt
SET client_min_messages = warning;
CREATE EXTENSION syncore CASCADE;
SELECT count(*) > 0 FROM syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com');
SELECT count(*) > 0 FROM syncore.add_system('jira', 'jira', 'https://acme.atlassian.net', settings => '{"project": "OPS", "issue_type": "Bug"}');

-- what ships works: no row holds a value that is refused
SET intervalstyle = postgres;
CREATE TABLE refused (table_name text, column_name text, value text);
DO $$
DECLARE
	one record;
BEGIN
	FOR one IN SELECT * FROM syncore._unbuilt() LOOP
		EXECUTE format('INSERT INTO refused SELECT %1$L, %2$L, to_jsonb(t) ->> %2$L FROM syncore.%1$I t WHERE %2$L = '''' OR NOT EXISTS
			(SELECT FROM unnest($1) w WHERE w IS NOT DISTINCT FROM to_jsonb(t) ->> %2$L)', one.table_name, one.column_name) USING one.works;
	END LOOP;
END
$$;
TABLE refused;
SET intervalstyle = iso_8601;
-- and every value that is named as working does: a column, a type, a check that was renamed shows here
BEGIN;
DO $$
DECLARE
	one record;
	value text;
BEGIN
	FOR one IN SELECT u.table_name, u.column_name, u.works, a.attnotnull, format_type(a.atttypid, a.atttypmod) AS type
		FROM syncore._unbuilt() u LEFT JOIN pg_attribute a ON a.attrelid = ('syncore.' || u.table_name)::regclass AND a.attname = u.column_name
		WHERE u.column_name <> '' LOOP
		IF one.type IS NULL THEN
			RAISE EXCEPTION 'no column %.%', one.table_name, one.column_name;
		END IF;
		FOREACH value IN ARRAY one.works LOOP
			EXECUTE format('UPDATE syncore.%I SET %I = %L::%s', one.table_name, one.column_name, value, one.type);
		END LOOP;
	END LOOP;
END
$$;
ROLLBACK;

UPDATE syncore.system SET capture_mode = 'poll';
UPDATE syncore.system SET schedule = '*/5 * * * *';
INSERT INTO syncore.entity_type (name, batch_window) VALUES ('change', '5 s');
INSERT INTO syncore.alert_route (name) VALUES ('pager');
SELECT syncore.set_credential('snow', 'oauth2_client', 'file:snow', username => 'app');
SELECT syncore.set_credential('snow', 'hmac_sha256', 'file:snow', used_for => 'signing');
SELECT syncore.set_credential('snow', 'bearer', 'sealed:snow');

-- nothing of it was taken; what a row has from elsewhere (a dump of another version) stands until somebody sets it
SELECT name, batch_window, batch_min, on_batch_failure FROM syncore.entity_type ORDER BY name;
ALTER TABLE syncore.entity_type DISABLE TRIGGER c_unbuilt;
UPDATE syncore.entity_type SET batch_min = 7 WHERE name = 'task';
ALTER TABLE syncore.entity_type ENABLE TRIGGER c_unbuilt;
UPDATE syncore.entity_type SET title = 'work', on_delete = 'unlink' WHERE name = 'task' RETURNING title, batch_min;
SET client_min_messages = notice;
\c regression
DROP DATABASE sc_unbuilt;
