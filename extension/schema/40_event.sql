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

CREATE FUNCTION syncore._event_fill() RETURNS trigger
	AS 'MODULE_PATHNAME', 'syncore_event_fill' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION syncore._event_fill() IS
	'feed: fills the columns of an event that the payload tells, and takes out of it what may not be stored';
REVOKE ALL ON FUNCTION syncore._event_fill() FROM PUBLIC;

-- Runs as the owner of the tables: whoever may insert an event need not be able to touch entities.
CREATE FUNCTION syncore._event_decide() RETURNS trigger
	AS 'MODULE_PATHNAME', 'syncore_event_decide' LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore._event_decide() IS
	'feed: the engine; decides all events of a statement and stores what came of them';
REVOKE ALL ON FUNCTION syncore._event_decide() FROM PUBLIC;

CREATE TRIGGER event_fill BEFORE INSERT ON syncore.event
	FOR EACH ROW EXECUTE FUNCTION syncore._event_fill();
CREATE TRIGGER event_decide AFTER INSERT ON syncore.event
	REFERENCING NEW TABLE AS arrived
	FOR EACH STATEMENT EXECUTE FUNCTION syncore._event_decide();
ALTER TABLE syncore.event ENABLE ALWAYS TRIGGER event_fill;
ALTER TABLE syncore.event ENABLE ALWAYS TRIGGER event_decide;

CREATE FUNCTION syncore.ingest(system text, payload text, headers jsonb DEFAULT '{}',
		OUT event_id bigint, OUT outcome text, OUT entity bigint, OUT reason text)
	AS 'MODULE_PATHNAME', 'syncore_ingest' LANGUAGE C VOLATILE PARALLEL UNSAFE STRICT
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore.ingest(text, text, jsonb) IS
	'feed: takes one body as a system sent it, and says what became of it';
REVOKE ALL ON FUNCTION syncore.ingest(text, text, jsonb) FROM PUBLIC;

CREATE FUNCTION syncore.ingest_raw(system text, payload bytea, headers jsonb DEFAULT '{}',
		OUT event_id bigint, OUT outcome text, OUT entity bigint, OUT reason text)
	AS 'MODULE_PATHNAME', 'syncore_ingest' LANGUAGE C VOLATILE PARALLEL UNSAFE STRICT
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore.ingest_raw(text, bytea, jsonb) IS
	'feed: the same for a body whose encoding nobody has checked';
REVOKE ALL ON FUNCTION syncore.ingest_raw(text, bytea, jsonb) FROM PUBLIC;
