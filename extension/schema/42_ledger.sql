-- The ledger: written by the engine only, never changed, and proof of itself.

CREATE FUNCTION syncore._ledger_append(kind text, entity bigint, link bigint, system_id integer, space_id integer,
		event bigint, delivery bigint, field text, old jsonb, new jsonb, rule text, reason text, detail jsonb)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'syncore_ledger_append' LANGUAGE C VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore._ledger_append(text, bigint, bigint, integer, integer, bigint, bigint, text, jsonb, jsonb, text, text, jsonb) IS
	'trust: appends one row to the ledger and to the chain of its entity; for functions that record what a person did';
REVOKE ALL ON FUNCTION syncore._ledger_append(text, bigint, bigint, integer, integer, bigint, bigint, text, jsonb, jsonb, text, text, jsonb) FROM PUBLIC;

CREATE FUNCTION syncore.verify_ledger(since timestamptz DEFAULT NULL,
		OUT ok boolean, OUT checked bigint, OUT first_id bigint, OUT last_id bigint, OUT bad_id bigint, OUT what text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'syncore_verify_ledger' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 1
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION syncore.verify_ledger(timestamptz) IS
	'trust: recomputes every hash and chain since a time (all of it by default); one row when intact, else one row a finding, at most 100';
REVOKE ALL ON FUNCTION syncore.verify_ledger(timestamptz) FROM PUBLIC;

CREATE FUNCTION syncore._refuse_change() RETURNS trigger
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF TG_ARGV[0] = 'ledger' THEN
		RAISE EXCEPTION 'ledger rows cannot be changed'
			USING ERRCODE = 'SY006',
			      DETAIL = format('%s on "%s" was refused.', TG_OP, TG_TABLE_NAME),
			      HINT = 'The ledger only grows: what corrects a row is another row.';
	END IF;
	RAISE EXCEPTION 'events cannot be changed'
		USING ERRCODE = 'object_not_in_prerequisite_state',
		      DETAIL = format('%s on "%s" was refused.', TG_OP, TG_TABLE_NAME),
		      HINT = 'Insert another event; what became of this one is in the ledger.';
END
$$;
COMMENT ON FUNCTION syncore._refuse_change() IS 'trust: trigger that refuses to change what must stand';
REVOKE ALL ON FUNCTION syncore._refuse_change() FROM PUBLIC;

-- Row triggers reach partitions made later; TRUNCATE triggers do not: whoever makes a partition calls this.
CREATE FUNCTION syncore._guard_partition(partition regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION syncore._refuse_change(''ledger'')', partition);
	EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER refuse_truncate', partition);
END
$$;
COMMENT ON FUNCTION syncore._guard_partition(regclass) IS 'trust: makes a new partition of the ledger refuse TRUNCATE';
REVOKE ALL ON FUNCTION syncore._guard_partition(regclass) FROM PUBLIC;

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON syncore.ledger
	FOR EACH ROW EXECUTE FUNCTION syncore._refuse_change('ledger');
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON syncore.ledger
	FOR EACH STATEMENT EXECUTE FUNCTION syncore._refuse_change('ledger');
ALTER TABLE syncore.ledger ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE syncore.ledger ENABLE ALWAYS TRIGGER refuse_truncate;
SELECT syncore._guard_partition('syncore.ledger_default');

CREATE TRIGGER refuse_change BEFORE UPDATE ON syncore.event
	FOR EACH ROW EXECUTE FUNCTION syncore._refuse_change('event');
ALTER TABLE syncore.event ENABLE ALWAYS TRIGGER refuse_change;
