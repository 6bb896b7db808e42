-- S12: stored values that were damaged on disk are an error with a class of its own, never a crash.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
CREATE SCHEMA stored_test;
SET search_path = stored_test, pg_catalog;
CREATE FUNCTION stored(value syncore.stamps) RETURNS bytea AS '$libdir/syncore_core_test', 'core_test_stored' LANGUAGE C STRICT;
CREATE FUNCTION stored(value syncore.shadow) RETURNS bytea AS '$libdir/syncore_core_test', 'core_test_stored' LANGUAGE C STRICT;
CREATE FUNCTION stored(value syncore.vclock) RETURNS bytea AS '$libdir/syncore_core_test', 'core_test_stored' LANGUAGE C STRICT;
CREATE FUNCTION unpack(type text, stored bytea) RETURNS integer AS '$libdir/syncore_core_test', 'core_test_unpack' LANGUAGE C STRICT;
CREATE FUNCTION try(type text, stored bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN CASE WHEN stored_test.unpack(type, stored) >= 0 THEN 'read' END;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;

CREATE TABLE sample AS
	SELECT 'stamps' AS type, stored('{"status": {"clock": {"3": 200, "9": 1}, "held": true, "versions": [
		{"link": 3, "n": 200, "context": {"3": 1}, "actor_kind": "human", "actor": "a.lee", "system_id": 7, "rank": 100, "at": "2026-11-22T00:00:00+00:00",
			"source_version": 5, "event": 12, "replaced": {"value": "new"}},
		{"link": 9, "n": 1, "context": {}, "actor_kind": "unknown", "system_id": 0, "rank": 100, "at": "infinity", "value": {"value": ["x", 1]}}]}}'::syncore.stamps) AS bytes
	UNION ALL SELECT 'shadow', stored('{"status": {"held": {"digest": "00112233445566778899aabbccddeeff", "loose": "ffeeddccbbaa99887766554433221100"},
		"sent": {"value": "2"}, "seen": {"1": 4}, "known_at": 17, "changed_at": 3,
		"writes": [{"value": {"value": "2"}, "canonical": {"value": "x"}, "at": 18, "exact": true, "marker": 9, "acked_at": "2026-11-22T00:00:01+00:00",
			"before_held": {"value": "1"}, "before_known_at": 17, "before_seen": {"1": 3}, "were": [{"value": "1"}]}],
		"unconfirmed": [{"value": {"value": "3"}, "canonical": {"value": "y"}, "clock": {"1": 4}, "until": "2026-11-22T00:00:31+00:00"}],
		"reversals": ["2026-11-22T00:00:02+00:00"], "were": [{"value": "0"}], "stopped": true}}'::syncore.shadow)
	UNION ALL SELECT 'vclock', stored('{3:200,9:1,400:70000}'::syncore.vclock);
-- the undamaged ones are read: one field, one field, three entries
SELECT type, unpack(type, bytes) FROM sample ORDER BY type;
-- cut off anywhere: always damaged
SELECT type, string_agg(DISTINCT try(type, substr(bytes, 1, at)), ' ') AS cut_off FROM sample, generate_series(0, length(bytes) - 1) AS at GROUP BY type ORDER BY type;
-- something behind the end: always damaged
SELECT type, try(type, bytes || '\x00') AS longer, try(type, bytes || bytes) AS twice FROM sample ORDER BY type;
-- any one byte set to anything: damaged, or read as another value; nothing else
SELECT type, count(*) FILTER (WHERE r = 'XX001') > 0 AS some_damaged, count(*) FILTER (WHERE r NOT IN ('XX001', 'read')) AS anything_else
FROM sample, generate_series(0, length(bytes) - 1) AS at, generate_series(0, 255, 5) AS byte, try(type, set_byte(bytes, at, byte)) AS r
GROUP BY type ORDER BY type;
-- one type's bytes read as another's, and an unknown format
SELECT t.type, s.type AS bytes_of, try(t.type, s.bytes) IN ('XX001', 'read') AS survived FROM sample t, sample s WHERE t.type <> s.type ORDER BY 1, 2;
SELECT type, try(type, set_byte(bytes, 0, 2)) AS another_format, try(type, '') AS nothing FROM sample ORDER BY type;
DROP SCHEMA stored_test CASCADE;
SET client_min_messages = warning;
SET syncore.allow_drop = on;
DROP EXTENSION syncore CASCADE;
