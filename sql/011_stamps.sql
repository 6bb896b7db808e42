-- The types syncore.stamps and syncore.shadow: JSON forms that lose nothing.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
RESET client_min_messages;
SET search_path = syncore, public;

CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE statement INTO result;
	RETURN 'accepted ' || result;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

-- empty values; what is stored of a field that nobody wrote
SELECT '{}'::stamps, '{}'::shadow, '{"status": {}}'::stamps, '{"status": {}}'::shadow;
SELECT '{}'::stamps::jsonb, '{}'::shadow::jsonb;

-- VC-02: a stamp with a winner (its value is the entity's), a sibling that carries its value, contexts, and a hold
CREATE TABLE type_sample (n int, stamps syncore.stamps, shadow syncore.shadow);
INSERT INTO type_sample VALUES (1, '{
	"status": {
		"clock": {"3": 2, "0": 9223372036854775807}, "held": true,
		"versions": [
			{"link": 3, "n": 2, "context": {"3": 1}, "actor_kind": "human", "actor": "a.lee@acme.example", "system_id": 7, "rank": -2147483648,
			 "at": "2026-11-22T00:00:00.000001+00:00", "source_version": 9223372036854775807, "event": 12,
			 "replaced": {"value": "new"}},
			{"link": 0, "n": 9223372036854775807, "context": {}, "actor_kind": "unknown", "system_id": 0, "rank": 100, "at": "infinity",
			 "source_version": 0, "value": {"value": {"a": [1, 2.50, null, true, "\t\"\\"]}}}]},
	"Title": {"clock": {"1": 1}, "versions": [
			{"link": 1, "n": 1, "context": {}, "actor_kind": "automation", "system_id": 1, "rank": 1, "at": "0044-03-15T12:00:00+00:00 BC"}]}
}', '{
	"title": {"held": {"value": "Disk full"}, "seen": {"1": 4}, "known_at": -9223372036854775808, "changed_at": 17},
	"status": {
		"held": {"digest": "00112233445566778899aabbccddeeff", "loose": "ffeeddccbbaa99887766554433221100"},
		"sent": {"value": null}, "seen": {"1": 4, "2": 1},
		"writes": [
			{"value": {"value": "2"}, "canonical": {"value": "in_progress"}, "at": 18, "exact": true, "marker": -5, "acked_at": "2026-11-22T00:00:01+00:00",
			 "before_held": {"value": 1.0}, "before_known_at": 17, "before_seen": {"1": 3}, "were": [{"value": "1"}, null, {"value": [1]}]},
			{"acked_at": "-infinity", "before_seen": {}}],
		"unconfirmed": [{"value": {"value": false}, "canonical": {"value": {}}, "clock": {"1": 4}, "until": "2026-11-22T00:00:31.5+00:00"}],
		"reversals": ["2026-11-22T00:00:02+00:00", "2026-11-22T00:00:03+00:00"], "were": [{"value": "0"}], "stopped": true}
}');
SELECT jsonb_pretty(stamps::jsonb) FROM type_sample;
SELECT jsonb_pretty(shadow::jsonb) FROM type_sample;

-- nothing is lost: text, jsonb, binary
SELECT stamps::text::stamps::text = stamps::text AS stamps_text, shadow::text::shadow::text = shadow::text AS shadow_text,
	stamps::text::jsonb = stamps::jsonb AS stamps_jsonb, shadow::text::jsonb = shadow::jsonb AS shadow_jsonb FROM type_sample;
CREATE TABLE type_again (LIKE type_sample);
DO $$ BEGIN
	EXECUTE format('COPY type_sample TO %L (FORMAT binary)', current_setting('data_directory') || '/type_sample.bin');
	EXECUTE format('COPY type_again FROM %L (FORMAT binary)', current_setting('data_directory') || '/type_sample.bin');
END $$;
SELECT count(*) AS same FROM type_sample a JOIN type_again b USING (n)
WHERE a.stamps::jsonb = b.stamps::jsonb AND a.shadow::jsonb = b.shadow::jsonb;
-- whatever the session's settings
SET timezone = 'Asia/Kolkata';
SET datestyle = 'German, DMY';
SELECT a.stamps::text = b.stamps::text AND a.stamps::text::stamps::text = b.stamps::text AND a.shadow::text::shadow::text = b.shadow::text AS same
FROM type_sample a, type_again b;
RESET timezone;
RESET datestyle;

-- 200 fields with generated values, stored compressed
INSERT INTO type_sample SELECT 2, stamps::stamps, shadow::shadow FROM (
	SELECT jsonb_object_agg('f' || i, jsonb_build_object('clock', jsonb_build_object(i, i), 'versions', jsonb_build_array(
			jsonb_build_object('link', i, 'n', i, 'context', '{}'::jsonb, 'actor_kind', 'human', 'system_id', i, 'rank', -i, 'at', '2026-01-01T00:00:00+00:00'))))::text AS stamps,
		jsonb_object_agg('f' || i, jsonb_build_object('seen', '{}'::jsonb, 'held', jsonb_build_object('value', repeat('x', i))))::text AS shadow
	FROM generate_series(1, 200) AS i) AS made;
SELECT n, (SELECT count(*) FROM jsonb_object_keys(stamps::jsonb)) AS fields, stamps::jsonb #>> '{f150,versions,0,rank}' AS rank,
	length(shadow::jsonb #>> '{f199,held,value}') AS held FROM type_sample WHERE n = 2;

-- values over 1 kB are remembered by digest in a shadow (link.long has them), but siblings keep theirs
SELECT jsonb_object_keys(('{"d": {"held": {"value": "' || repeat('long ', 300) || '"}}}')::shadow::jsonb #> '{d,held}') AS members;
SELECT length(('{"d": {"versions": [{"link": 1, "n": 1}, {"link": 2, "n": 1, "value": {"value": "' || repeat('long ', 300)
	|| '"}}]}}')::stamps::jsonb #>> '{d,versions,1,value,value}') AS sibling;
SELECT pg_column_size('{"title": {"held": {"value": "1"}, "seen": {"7": 1}, "known_at": 3, "changed_at": 3}}'::shadow) < 40 AS small;

-- R8, I8: versions that are put together: all of them carry their value, and it is kept who put in what, and who took it away; nothing of that is lost
CREATE TABLE together_sample AS SELECT '{"tags": {"clock": {"1": 2, "2": 1}, "together": true, "versions": [
	{"link": 1, "n": 2, "context": {"1": 1}, "value": {"value": ["k"]}}, {"link": 2, "n": 1, "value": {"value": ["x"]}}], "members": [
	{"text": "\"k\"", "link": 1, "n": 2}, {"text": "\"l\"", "link": 1, "n": 1, "gone": {"link": 1, "n": 2}}, {"text": "\"x\"", "link": 2, "n": 1}]},
	"log": {"clock": {"1": 1}, "versions": [{"link": 1, "n": 1}], "members": [{"text": "a\nb", "link": 1, "n": 1, "at": "2026-11-22T00:00:00.000001+00:00", "whole": true}]}}'::stamps AS stamps;
CREATE TABLE together_again (LIKE together_sample);
DO $$ BEGIN
	EXECUTE format('COPY together_sample TO %L (FORMAT binary)', current_setting('data_directory') || '/type_sample.bin');
	EXECUTE format('COPY together_again FROM %L (FORMAT binary)', current_setting('data_directory') || '/type_sample.bin');
END $$;
SELECT jsonb_pretty(stamps::jsonb) FROM together_sample;
SELECT a.stamps::text::stamps::text = b.stamps::text AND a.stamps::jsonb = b.stamps::jsonb AS same FROM together_sample a, together_again b;
DROP TABLE together_sample, together_again;
SELECT input, pg_temp.try(format('SELECT %L::syncore.stamps', input)) FROM unnest(ARRAY[
	'{"f": {"together": 1}}', '{"f": {"members": {}}}', '{"f": {"members": [1]}}', '{"f": {"members": [{"link": 1, "n": 1}]}}', '{"f": {"members": [{"text": "a"}]}}',
	'{"f": {"members": [{"text": "a", "link": 1, "n": 1, "gone": 1}]}}', '{"f": {"members": [{"text": "a", "link": 1, "n": 1, "gone": {"link": 1}}]}}',
	'{"f": {"members": [{"text": "a", "link": 1, "n": 1, "x": 1}]}}']) AS input;

-- S12: hostile input is refused with a reason, never half taken
SELECT input, pg_temp.try(format('SELECT %L::syncore.stamps', input)) FROM unnest(ARRAY[
	'', '[]', '"x"', '1', 'null', '{"f": 1}', '{"f": []}', '{"f": {"clok": {}}}', '{"f": {"clock": []}}', '{"f": {"clock": {"x": 1}}}',
	'{"f": {"clock": {"1": 0}}}', '{"f": {"clock": {"1": 1.5}}}', '{"f": {"clock": {"1": "1"}}}', '{"f": {"clock": {"01": 1, "1": 1}}}',
	'{"f": {"clock": {"1:1,2": 1}}}',
	'{"f": {"versions": {}}}', '{"f": {"versions": [1]}}', '{"f": {"versions": [{}]}}', '{"f": {"versions": [{"link": 1, "n": 0}]}}',
	'{"f": {"versions": [{"link": -1, "n": 1}]}}', '{"f": {"versions": [{"link": 1, "n": 1, "x": 1}]}}',
	'{"f": {"versions": [{"link": 1, "n": 1, "value": {"value": 1}}]}}',
	'{"f": {"versions": [{"link": 1, "n": 1, "rank": 2147483648}]}}', '{"f": {"versions": [{"link": 1, "n": 1, "rank": 1e3}]}}',
	'{"f": {"versions": [{"link": 1, "n": 1, "event": 1e400}]}}', '{"f": {"versions": [{"link": 1, "n": 1, "event": 9223372036854775808}]}}',
	'{"f": {"versions": [{"link": 1, "n": 1, "at": "now"}]}}', '{"f": {"versions": [{"link": 1, "n": 1, "at": "2026-01-01"}]}}',
	'{"f": {"versions": [{"link": 1, "n": 1, "at": "2026-01-01T00:00:00"}]}}', '{"f": {"versions": [{"link": 1, "n": 1, "at": "2026-13-01T00:00:00+00:00"}]}}',
	'{"f": {"versions": [{"link": 1, "n": 1, "at": 5}]}}', '{"f": {"versions": [{"link": 1, "n": 1, "actor_kind": "robot"}]}}',
	'{"f": {"versions": [{"link": 1, "n": 1, "source_version": -2}]}}', '{"f": {"versions": [{"link": 1, "n": 1, "replaced": {"digest": "00"}}]}}',
	'{"f": {"versions": [{"link": 1, "n": 1, "replaced": "x"}]}}', '{"f": {"held": 1}}']) AS input;
SELECT input, pg_temp.try(format('SELECT %L::syncore.shadow', input)) FROM unnest(ARRAY[
	'{"f": {"held": 1}}', '{"f": {"held": {}}}', '{"f": {"held": {"value": 1, "x": 2}}}', '{"f": {"seen": {"1": -1}}}', '{"f": {"known_at": "3"}}',
	'{"f": {"held": {"digest": "00112233445566778899AABBCCDDEEFF", "loose": "00112233445566778899aabbccddeeff"}}}',
	'{"f": {"stopped": 1}}', '{"f": {"writes": [{"were": 1}]}}', '{"f": {"writes": [{"were": [1]}]}}', '{"f": {"writes": [null]}}',
	'{"f": {"unconfirmed": [[]]}}', '{"f": {"reversals": [1]}}', '{"f": {"reversals": ["epoch"]}}']) AS input;
-- lists have limits, counted before anything is built
SELECT pg_temp.try(format('SELECT %L::syncore.shadow', '{"f": {"writes": [' || string_agg('{}', ',') || ']}}')) FROM generate_series(1, 9);
SELECT pg_temp.try(format('SELECT %L::syncore.shadow', '{"f": {"reversals": [' || string_agg('1', ',') || ']}}')) FROM generate_series(1, 101);
SELECT pg_temp.try(format('SELECT %L::syncore.shadow', '{' || string_agg(format('"f%s": {}', i), ',') || '}')) FROM generate_series(1, 10001) AS i;
SELECT pg_temp.try(format('SELECT %L::syncore.stamps', '{' || string_agg(format('"f%s": {}', i), ',') || '}')) FROM generate_series(1, 10001) AS i;
SELECT pg_temp.try(format('SELECT %L::syncore.stamps', '{"f": {"versions": [' || string_agg('0', ',') || ']}}')) FROM generate_series(1, 10001);
SELECT left(pg_temp.try(format('SELECT %L::syncore.stamps', repeat('{"f":', 1000000))), 5) AS deep;

-- S12: hostile binary: the client's form is a version byte and JSON, so stored bytes never come from outside
CREATE FUNCTION pg_temp.try_binary(type text, value bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	path text := current_setting('data_directory') || '/type_hostile.bin';
	file oid;
BEGIN
	EXECUTE format('CREATE TEMP TABLE received (v syncore.%s) ON COMMIT DROP', type);
	file := lo_from_bytea(0, '\x5047434f50590aff0d0a00'::bytea || '\x0000000000000000'::bytea
		|| '\x0001'::bytea || int4send(length(value)) || value || '\xffff'::bytea);
	PERFORM lo_export(file, path);
	PERFORM lo_unlink(file);
	EXECUTE format('COPY received FROM %L (FORMAT binary)', path);
	DROP TABLE received;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT type, value, pg_temp.try_binary(type, value)
FROM unnest(ARRAY['stamps', 'shadow']) AS type,
	unnest(ARRAY['\x017b7d', '\x', '\x01', '\x017b', '\x027b7d', '\x015b5d', '\x017bff7d', '\x017b7d00']::bytea[]) WITH ORDINALITY AS v(value, n)
ORDER BY type, n;
DROP TABLE type_sample, type_again;
SET client_min_messages = warning;
SET syncore.allow_drop = on;
DROP EXTENSION syncore CASCADE;
