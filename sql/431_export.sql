-- OW-05: the rules are rows that everybody can read, and as text they are stable: the same configuration, the same bytes.
CREATE DATABASE sc_export;
\c sc_export
SET client_min_messages = warning;
CREATE EXTENSION syncore CASCADE;
SELECT count(*) > 0 AS added FROM syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com');
SELECT count(*) > 0 AS added FROM syncore.add_system('jira', 'jira', 'https://acme.atlassian.net', settings => '{"project": "OPS", "issue_type": "Bug"}');
SELECT syncore.set_credential('snow', 'basic', 'file:hidden_place', username => 'bot');
SELECT syncore.set_policy('incident', 'severity', '{manual,last_update_wins}', review_from => 'high', note => E'agreed\nwith "finance" \\ desk''s');
SELECT syncore.set_owner('incident', 'title', 'snow', on_foreign_write => 'revert', steward => 'desk');
UPDATE syncore.route SET condition = '$.tags[*] == "bug"', settle = '90 min', from_systems = '{snow}' WHERE system = 'jira';
UPDATE syncore.ownership SET review_by = '2027-03-01' WHERE field = 'title' AND entity_type = 'incident';
INSERT INTO syncore.space (name, title) VALUES ('acme', 'Acme');
INSERT INTO syncore.match_rule (entity_type, kind, fields) VALUES ('incident', 'exact', '{url,title}');
DELETE FROM syncore.state_transition WHERE entity_type = 'task' AND from_state = 'todo' AND to_state = 'done';
SELECT string_agg(line, E'\x01' ORDER BY n) AS exported FROM syncore.config_export() WITH ORDINALITY AS x (line, n) \gset
-- what it looks like
\set SHOW_CONTEXT never
\pset format unaligned
SELECT line FROM syncore.config_export() line WHERE line ~ '^(--|DELETE)' OR line ~ '(route|policy|ownership) ';
\pset format aligned
SELECT count(*) AS lines, count(*) FILTER (WHERE line ~ 'hidden_place|bot''') AS secrets FROM syncore.config_export() line;

-- the same configuration by another way, in another order, seen with other eyes: not a byte differs
UPDATE syncore.system SET title = 'x', clock_offset = '3 s', integration_actor = 'bot';
UPDATE syncore.system y SET title = c.title FROM syncore.connector c WHERE c.name = y.connector;
CREATE TABLE kept AS SELECT * FROM syncore.field_map;
DELETE FROM syncore.field_map;
INSERT INTO syncore.field_map SELECT * FROM kept ORDER BY path DESC;
SELECT syncore.set_policy('incident', 'severity', '{last_update_wins}');
SELECT syncore.set_policy('incident', 'severity', '{manual,last_update_wins}', review_from => 'high', note => E'agreed\nwith "finance" \\ desk''s');
SET intervalstyle = sql_standard;
SET datestyle = 'German';
SET timezone = 'Asia/Tokyo';
SET lc_messages = 'C';
SELECT string_agg(line, E'\x01' ORDER BY n) = :'exported' AS same FROM syncore.config_export() WITH ORDINALITY AS x (line, n);
-- (control) another configuration is another text
UPDATE syncore.route SET settle = '91 min' WHERE system = 'jira';
SELECT string_agg(line, E'\x01' ORDER BY n) = :'exported' AS same FROM syncore.config_export() WITH ORDINALITY AS x (line, n);

-- parts of it: of one system, of one space
SELECT DISTINCT split_part(line, ' (', 1) AS part FROM syncore.config_export('jira') line WHERE line NOT LIKE '--%' ORDER BY 1;
SELECT count(*) AS of_snow FROM syncore.config_export('jira') line WHERE line ~ '''snow';
SELECT split_part(line, ' ON CONFLICT', 1) AS of_acme FROM syncore.config_export('space:acme') line;
SELECT count(*) FROM syncore.config_export('INC0000001');

-- loaded elsewhere it is the same configuration; loaded twice it is no change
CREATE DATABASE sc_export_2;
\c sc_export_2
SET client_min_messages = warning;
CREATE EXTENSION syncore CASCADE;
CREATE TABLE text_of AS SELECT line, n FROM unnest(string_to_array(:'exported', E'\x01')) WITH ORDINALITY AS x (line, n);
DO $$ DECLARE s text; BEGIN FOR s IN SELECT line FROM text_of WHERE line NOT LIKE '--%' ORDER BY n LOOP EXECUTE s; END LOOP; END $$;
SELECT e.line FROM (SELECT line FROM syncore.config_export() line UNION ALL SELECT line FROM text_of) e WHERE line NOT LIKE '--%' GROUP BY 1 HAVING count(*) <> 2;
SELECT string_agg(line, E'\x01' ORDER BY n) = regexp_replace(:'exported', E'-- SELECT[^\x01]*\x01', '', 'g') AS same FROM syncore.config_export() WITH ORDINALITY AS x (line, n);
SELECT name, mode FROM syncore.system ORDER BY 1;
SELECT count(*) AS before FROM syncore.config_version \gset
DO $$ DECLARE s text; BEGIN FOR s IN SELECT line FROM text_of WHERE line NOT LIKE '--%' ORDER BY n LOOP EXECUTE s; END LOOP; END $$;
SELECT count(*) - :before AS changes FROM syncore.config_version;
\c regression
DROP DATABASE sc_export;
DROP DATABASE sc_export_2;
