-- Doors of the engine for functions that record what a person decided.

CREATE FUNCTION syncore._decide_hub(entity bigint, field text, value jsonb, actor text, reason text) RETURNS void
	AS 'MODULE_PATHNAME', 'syncore_decide_hub' LANGUAGE C VOLATILE PARALLEL UNSAFE STRICT
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore._decide_hub(bigint, text, jsonb, text, text) IS
	'decide: gives a field a value decided here, which has seen every other version, and fans it out';
REVOKE ALL ON FUNCTION syncore._decide_hub(bigint, text, jsonb, text, text) FROM PUBLIC;

CREATE FUNCTION syncore._replay_event(event bigint) RETURNS text
	AS 'MODULE_PATHNAME', 'syncore_replay_event' LANGUAGE C VOLATILE PARALLEL UNSAFE STRICT
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore._replay_event(bigint) IS
	'decide: decides a stored event anew, without asking whether it was seen before';
REVOKE ALL ON FUNCTION syncore._replay_event(bigint) FROM PUBLIC;

CREATE FUNCTION syncore._read_event(system text, payload jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'syncore_read_event' LANGUAGE C STABLE PARALLEL UNSAFE STRICT
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore._read_event(text, jsonb) IS
	'configure: what an event says, read and mapped with the configuration of this transaction: canonical fields, and what begins with @ of the event itself; stores and locks nothing';
REVOKE ALL ON FUNCTION syncore._read_event(text, jsonb) FROM PUBLIC;
