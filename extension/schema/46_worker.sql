-- Workers as SQL sees them: is the module preloaded, who works, how the limits stand.

CREATE FUNCTION syncore._is_preloaded() RETURNS boolean
	AS 'MODULE_PATHNAME', 'syncore_is_preloaded' LANGUAGE C STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore._is_preloaded() IS
	'watch: true when shared_preload_libraries holds syncore, so that workers can run';
REVOKE ALL ON FUNCTION syncore._is_preloaded() FROM PUBLIC;

-- Without preload everything is decided and nothing leaves: say so once, at CREATE EXTENSION.
DO $preload$
BEGIN
	IF NOT syncore._is_preloaded() THEN
		RAISE WARNING 'syncore is not preloaded: events are decided, but nothing leaves'
			USING HINT = 'Add syncore to shared_preload_libraries, name this database in syncore.databases, and restart the server.';
	END IF;
END
$preload$;

CREATE FUNCTION syncore._workers(OUT role text, OUT database text, OUT index integer, OUT pid integer,
		OUT started_at timestamptz, OUT turned_at timestamptz, OUT turns bigint, OUT sent bigint, OUT failed bigint,
		OUT in_flight integer, OUT shards integer, OUT state text, OUT events bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'syncore_workers' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 8
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore._workers() IS
	'watch: the launcher and the workers of this database, from shared memory; no rows without preload';
REVOKE ALL ON FUNCTION syncore._workers() FROM PUBLIC;

CREATE FUNCTION syncore._limits(OUT system_id integer, OUT breaker text, OUT in_flight integer, OUT tokens double precision,
		OUT paused_until timestamptz, OUT calls bigint, OUT errors bigint, OUT last_ok_at timestamptz,
		OUT last_error_at timestamptz)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'syncore_limits' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 16
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore._limits() IS
	'watch: pace and breaker of each connection of this database (by its first system), from shared memory';
REVOKE ALL ON FUNCTION syncore._limits() FROM PUBLIC;

CREATE FUNCTION syncore._address_refusal(address inet, allow_private boolean) RETURNS text
	AS 'MODULE_PATHNAME', 'syncore_address_refusal' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore._address_refusal(inet, boolean) IS
	'watch: why calls to this address are refused; null when they are not';
REVOKE ALL ON FUNCTION syncore._address_refusal(inet, boolean) FROM PUBLIC;

-- No SET clause: a procedure that has one cannot commit, and this one must, or the job never starts.
CREATE PROCEDURE syncore.wait(job bigint, timeout interval DEFAULT '10 min')
	AS 'MODULE_PATHNAME', 'syncore_wait' LANGUAGE C;
COMMENT ON PROCEDURE syncore.wait(bigint, interval) IS
	'run: waits until a job is done and raises what it raised; not inside a transaction block. CALL syncore.wait(syncore.check_system(''snow''));';
REVOKE ALL ON PROCEDURE syncore.wait(bigint, interval) FROM PUBLIC;
