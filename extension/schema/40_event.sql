-- The engine's doors: what the tables call, and what a person or a front door calls.

CREATE FUNCTION syncore._config_changed() RETURNS trigger
	AS 'MODULE_PATHNAME', 'syncore_config_changed' LANGUAGE C VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore._config_changed() IS
	'configure: tells every session that the configuration has changed; statement trigger of the configuration tables';
REVOKE ALL ON FUNCTION syncore._config_changed() FROM PUBLIC;

CREATE FUNCTION syncore._wake() RETURNS void
	AS 'MODULE_PATHNAME', 'syncore_wake' LANGUAGE C VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore._wake() IS
	'run: wakes the workers of this database when the transaction commits';
REVOKE ALL ON FUNCTION syncore._wake() FROM PUBLIC;

CREATE FUNCTION syncore._shard(link bigint) RETURNS smallint
	AS 'MODULE_PATHNAME', 'syncore_shard' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION syncore._shard(bigint) IS
	'run: the shard of the delivery queue that a link belongs to, 0 to 63; each shard has one owner at a time';
REVOKE ALL ON FUNCTION syncore._shard(bigint) FROM PUBLIC;
