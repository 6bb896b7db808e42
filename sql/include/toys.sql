\set ECHO none
-- Begins a test with the toys: a new extension, three systems of a made-up product. It ends with: CALL pg_temp.toys_go();
SET client_min_messages = warning;
SET syncore.allow_drop = on;
DROP EXTENSION IF EXISTS syncore CASCADE;
RESET syncore.allow_drop;
CREATE EXTENSION syncore CASCADE;
RESET client_min_messages;
\ir toy.sql
CREATE PROCEDURE pg_temp.toys_go() LANGUAGE sql AS $$
	SET client_min_messages = warning;
	SET syncore.allow_drop = on;
	DROP EXTENSION syncore CASCADE;
	DROP FUNCTION said(text, integer, jsonb, text, text) $$;
\set VERBOSITY terse
\set ECHO all
