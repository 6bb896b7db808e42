-- The engine's doors: what the tables call, and what a person or a front door calls.

CREATE FUNCTION syncore._config_changed() RETURNS trigger
	AS 'MODULE_PATHNAME', 'syncore_config_changed' LANGUAGE C VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore._config_changed() IS
	'configure: tells every session that the configuration has changed; statement trigger of the configuration tables';
REVOKE ALL ON FUNCTION syncore._config_changed() FROM PUBLIC;
