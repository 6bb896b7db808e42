-- Types both ways: what a product sends becomes a canonical value, and a canonical value what a product takes.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
RESET client_min_messages;
CREATE FUNCTION pg_temp.up(spec jsonb, external jsonb, record jsonb DEFAULT NULL) RETURNS text AS '$libdir/syncore_core_test', 'core_up' LANGUAGE C;
CREATE FUNCTION pg_temp.down(spec jsonb, canonical jsonb, qualifier text DEFAULT NULL) RETURNS text AS '$libdir/syncore_core_test', 'core_down' LANGUAGE C;
CREATE FUNCTION pg_temp.same(spec jsonb, a jsonb, b jsonb) RETURNS boolean AS '$libdir/syncore_core_test', 'core_same' LANGUAGE C;
CREATE FUNCTION pg_temp.at(text, text DEFAULT NULL) RETURNS timestamptz AS '$libdir/syncore_core_test', 'core_time' LANGUAGE C;
CREATE FUNCTION pg_temp.spelt(timestamptz, text DEFAULT NULL) RETURNS text AS '$libdir/syncore_core_test', 'core_time_spelt' LANGUAGE C;
CREATE FUNCTION pg_temp.spec(kind text, format jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS
	$$ SELECT jsonb_build_object('field', jsonb_build_object('kind', kind), 'map', jsonb_build_object('format', format)) $$;

-- FM-02: inbound
SELECT n, kind, external, pg_temp.up(pg_temp.spec(kind, format::jsonb), external::jsonb) AS canonical FROM (VALUES
	(1, 'text', '"Disk full"', '{}'), (2, 'text', '42', '{}'), (3, 'text', 'true', '{}'), (4, 'text', '""', '{}'), (5, 'text', 'null', '{}'),
	(6, 'text', '"a\r\nb\rc"', '{}'), (7, 'text', '{"link": "https://x/1", "value": "9d38"}', '{}'), (8, 'text', '{"a": 1}', '{}'), (9, 'text', '["a"]', '{}'),
	(10, 'number', '12', '{}'), (11, 'number', '"12.50"', '{}'), (12, 'number', '" -3e2 "', '{}'), (13, 'number', '9223372036854775808', '{}'),
	(14, 'number', '"9223372036854775808.000000000000000000001"', '{}'), (15, 'number', '"NaN"', '{}'), (16, 'number', '"Infinity"', '{}'), (17, 'number', '"1,5"', '{}'),
	(18, 'number', '"1e999999999"', '{}'), (19, 'number', '"0x1F"', '{}'), (20, 'number', '""', '{}'), (21, 'number', '1e5', '{}'), (22, 'number', '"."', '{}'), (23, 'number', '[1]', '{}'),
	(24, 'boolean', 'true', '{}'), (25, 'boolean', '"true"', '{}'), (26, 'boolean', '"No"', '{}'), (27, 'boolean', '1', '{}'), (28, 'boolean', '"0"', '{}'), (29, 'boolean', '"maybe"', '{}'),
	(30, 'boolean', '2', '{}'), (31, 'set', '["b", "a", "b"]', '{}'), (32, 'set', '"a, b ,,a"', '{"list": ","}'), (33, 'set', '[{"name": "x", "id": 1}, {"name": "w"}]', '{"member": "/name"}'),
	(34, 'set', '[]', '{}'), (35, 'set', '""', '{"list": ","}'), (36, 'set', '"one"', '{}'), (37, 'set', '[1, true, "a", null]', '{}'),
	(38, 'set', '[{"x": 1}]', '{}'), (39, 'url', '"https://acme.example/x?y=1"', '{}'), (40, 'url', '"javascript:alert(1)"', '{}'), (41, 'url', '"https://a b"', '{}'),
	(42, 'json', '{"b": [1, {"a": null}]}', '{}'), (43, 'json', '0', '{}'), (44, 'reference', '{"link": "https://x", "value": "sys1"}', '{}'), (45, 'reference', '"sys1"', '{}'),
	(46, 'rich_text', '"plain *text*"', '{}'), (47, 'rich_text', '{"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "hi"}]}]}', '{"rich_text": "adf"}'),
	(48, 'rich_text', '{"no": "document"}', '{"rich_text": "adf"}'), (49, 'timestamp', '"2026-02-28 14:32:01"', '{"time": "servicenow"}'), (50, 'timestamp', '1772289121847', '{"time": "epoch_ms"}'),
	(51, 'timestamp', '"2026-02-28T14:32:01.847+0530"', '{}'), (52, 'timestamp', '"yesterday"', '{}'), (53, 'timestamp', '{"value": "2026-02-28"}', '{}'), (54, 'timestamp', 'true', '{}'),
	(55, 'text', '"with \u0001 control"', '{}')
) AS v(n, kind, external, format) ORDER BY n;

-- FM-02: outbound
SELECT n, kind, canonical, pg_temp.down(pg_temp.spec(kind, format::jsonb), canonical::jsonb) AS external FROM (VALUES
	(1, 'text', '"Disk full"', '{}'), (2, 'text', 'null', '{}'), (3, 'text', 'null', '{"null": ""}'), (4, 'number', '12.50', '{}'), (5, 'number', '9223372036854775808', '{}'),
	(6, 'boolean', 'false', '{}'), (7, 'set', '["a", "b"]', '{}'), (8, 'set', '["a", "b"]', '{"list": ", "}'), (9, 'set', '["a", "b"]', '{"member": "/name"}'),
	(10, 'set', '[]', '{}'), (11, 'set', 'null', '{}'), (12, 'set', '[]', '{"list": ",", "null": ""}'), (13, 'timestamp', '"2026-02-28T14:32:01.847Z"', '{}'),
	(14, 'timestamp', '"2026-02-28T14:32:01.847Z"', '{"time": "servicenow"}'), (15, 'timestamp', '"2026-02-28T14:32:01.847Z"', '{"time": "jira"}'),
	(16, 'timestamp', '"2026-02-28T14:32:01.847Z"', '{"time": "epoch_s"}'), (17, 'timestamp', '"2026-02-28T14:32:01.847Z"', '{"time": "epoch_ms"}'),
	(18, 'timestamp', '"2026-02-28T23:32:01Z"', '{"time": "date@Asia/Tokyo"}'), (19, 'timestamp', '"2026-02-28T14:32:01.847Z"', '{"time": "iso8601@America/New_York"}'),
	(20, 'timestamp', '"nonsense"', '{}'), (21, 'rich_text', '"hi"', '{"rich_text": "adf"}'), (22, 'rich_text', '"hi"', '{}'), (23, 'json', '{"a": [1]}', '{}'),
	(24, 'reference', '"sys1"', '{}'), (25, 'reference', '"sys1"', '{"identity": "/id"}')
) AS v(n, kind, canonical, format) ORDER BY n;

-- what a product spells in another way is the same value
SELECT n, pg_temp.same(pg_temp.spec(kind, format::jsonb), a::jsonb, b::jsonb) AS got, wanted FROM (VALUES
	(1, 'timestamp', '{}', '"2026-02-28T14:32:01Z"', '"2026-02-28T15:32:01.000+01:00"', true), (2, 'timestamp', '{}', '"2026-02-28T14:32:01Z"', '"2026-02-28T14:32:02Z"', false),
	(3, 'timestamp', '{"time": "epoch_ms"}', '1772289121847', '"1772289121847"', true), (4, 'set', '{}', '["a", "b"]', '["b", "a", "a"]', true), (5, 'set', '{}', '["a"]', '["a", "b"]', false),
	(6, 'set', '{"member": "/name"}', '[{"name": "a", "id": 7}]', '[{"name": "a"}]', true), (7, 'set', '{"list": ","}', '"a,b"', '"b, a"', true),
	(8, 'number', '{}', '3', '"3.00"', true), (9, 'number', '{}', '3', '"3.01"', false), (10, 'text', '{}', '3', '"3"', true), (11, 'boolean', '{}', 'true', '"1"', true),
	(12, 'boolean', '{}', 'true', '"no"', false), (13, 'text', '{}', 'null', '""', true), (14, 'set', '{}', '[]', 'null', true), (15, 'text', '{}', '""', '"x"', false),
	(16, 'text', '{}', '"a\r\nb"', '"a\nb"', true), (17, 'text', '{}', '"a"', '"A"', false), (18, 'reference', '{}', '{"link": "https://x", "value": "s1"}', '"s1"', true),
	(19, 'json', '{}', '{"a": 1.0, "b": 2}', '{"b": 2, "a": 1}', true), (20, 'json', '{}', '{"a": 1}', '{"a": "1"}', false), (21, 'rich_text', '{"rich_text": "adf"}',
	'{"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "hi"}]}]}',
	'{"type": "doc", "version": 1, "content": [{"type": "paragraph", "attrs": {"localId": "x"}, "content": [{"type": "text", "text": "hi"}]}]}', true),
	(22, 'text', '{}', '{"odd": 1}', '{"odd": 1}', true), (23, 'text', '{}', '{"odd": 1}', '"x"', false)
) AS v(n, kind, format, a, b, wanted) WHERE pg_temp.same(pg_temp.spec(kind, format::jsonb), a::jsonb, b::jsonb) IS DISTINCT FROM wanted ORDER BY n;
SELECT pg_temp.same(pg_temp.spec('number'), '3', '"3.00"'), pg_temp.same(pg_temp.spec('number'), '3', '4');

-- EV-07: every spelling of one instant, whatever the session's zone; milliseconds and microseconds are kept
SET timezone = 'Pacific/Chatham';
SELECT s, f, pg_temp.spelt(pg_temp.at(s, f)) FROM (VALUES
	(1, '2026-02-28T14:32:01.847Z', NULL), (2, '2026-02-28T20:02:01.847+05:30', NULL), (3, '2026-02-28T20:02:01.847+0530', NULL), (4, '2026-02-28 14:32:01.847', NULL),
	(5, '2026-02-28T09:32:01.847-05', NULL), (6, '20260228T143201.847Z', NULL), (7, '2026-02-28t14:32:01,847z', NULL), (8, '1772289121847', NULL), (9, '1772289121.847', NULL),
	(10, '1772289121847', 'epoch_ms'), (11, '1772289121.847', 'epoch_s'), (12, '2026-02-28T14:32:01.847123Z', NULL), (13, '2026-02-28T14:32:01.8471239Z', NULL),
	(14, '2026-02-28T14:32:01Z', NULL), (15, '1772289121', NULL), (16, '2026-02-28T14:32Z', NULL), (17, '2026-02-28', NULL), (18, '20260228', NULL), (19, '20260228143201', NULL),
	(20, 'Sat, 28 Feb 2026 14:32:01 GMT', NULL), (21, '28 Feb 2026 15:32:01 +0100', NULL), (22, '  2026-02-28 14:32:01  ', 'servicenow'), (23, '2026-02-28 14:32:01 UTC', NULL),
	(24, '2016-12-31T23:59:60Z', NULL), (25, '2026-02-28T24:00:00Z', NULL), (26, '9999-12-31T23:59:59.999Z', NULL), (27, '-86400', 'epoch_s'), (28, '0', NULL),
	(29, '253402300799999', NULL), (30, '0001-01-01 00:00:00', NULL), (31, '2024-02-29', NULL)
) AS v(n, s, f) ORDER BY n;
RESET timezone;
-- FM-09: what is no time, and what no calendar has
SELECT s, f, pg_temp.at(s, f) FROM (VALUES
	('', NULL), ('now', NULL), ('infinity', NULL), ('10000-01-01T00:00:00Z', NULL), ('9999-12-31T23:59:59-01:00', NULL), ('0000-01-01', NULL), ('2026-13-01', NULL), ('2026-02-29', NULL),
	('2026-02-30T00:00:00Z', NULL), ('2026-02-28T25:00:00Z', NULL), ('2026-02-28T14:60:00Z', NULL), ('2026-02-28T14:32:61Z', NULL), ('2026-02-28T24:00:01Z', NULL), ('2026-02-28T14:32:01+16:00', NULL),
	('2026-02-28T14:32:01+', NULL), ('2026-02-28T14:32:01.Z', NULL), ('2026-02-28T14:32:01 CET', NULL), ('28.02.2026', NULL), ('02/28/2026', NULL), ('253402300800000', 'epoch_ms'), ('99999999999999999999', NULL),
	('9223372036854775807', 'epoch_s'), ('9223372036854775807', 'epoch_ms'), ('1e5', 'epoch_s'), ('NaN', 'epoch_s'), ('-', 'epoch_s'), ('2026-02-28', 'no_such_format'), ('2026-02-28', 'iso8601@No/Where'), ('2026-02-28T14:32:01Z; DROP', NULL)
) AS v(s, f) WHERE pg_temp.at(s, f) IS NOT NULL;

-- FM-09: five zones at both of their clock changes: a time that does not exist is read with the offset before the change,
-- a time that happens twice is the second one, and what is written there is read back as the same instant
SELECT zone, local, pg_temp.spelt(pg_temp.at(local, 'servicenow@' || zone)) AS utc, pg_temp.spelt(pg_temp.at(local, 'servicenow@' || zone), 'iso8601@' || zone) AS there FROM (VALUES
	(1, 'Europe/Berlin', '2026-03-29 01:59:59'), (2, 'Europe/Berlin', '2026-03-29 02:30:00'), (3, 'Europe/Berlin', '2026-03-29 03:00:00'), (4, 'Europe/Berlin', '2026-10-25 01:59:59'), (5, 'Europe/Berlin', '2026-10-25 02:30:00'), (6, 'Europe/Berlin', '2026-10-25 03:00:00'),
	(7, 'America/New_York', '2026-03-08 02:30:00'), (8, 'America/New_York', '2026-11-01 01:30:00'), (9, 'Australia/Lord_Howe', '2026-04-05 01:45:00'), (10, 'Australia/Lord_Howe', '2026-10-04 02:15:00'),
	(11, 'Asia/Kolkata', '2026-03-29 02:30:00'), (12, 'America/St_Johns', '2026-03-08 02:30:00'), (13, 'America/St_Johns', '2026-11-01 01:30:00')
) AS v(n, zone, local) ORDER BY n;
SELECT count(*) AS instants, count(*) FILTER (WHERE pg_temp.at(pg_temp.spelt(t, 'iso8601@' || z), 'iso8601@' || z) <> t) AS changed_by_the_way_there_and_back
FROM unnest(ARRAY['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'America/St_Johns']) AS z,
	generate_series('2026-01-01'::timestamptz, '2027-01-01', '29 min 31.123 s') AS t;
SELECT pg_temp.spelt('infinity') IS NULL AS no_infinity;

-- properties, from a printed seed: what is written is read back as the same canonical value, and is the same to sc_map_same_external
DO $$
DECLARE
	seed bigint := 4711;
	x bigint := seed;
	spec jsonb;
	canonical jsonb;
	external text;
	specs jsonb[] := ARRAY[pg_temp.spec('text'), pg_temp.spec('number'), pg_temp.spec('boolean'), pg_temp.spec('timestamp'), pg_temp.spec('timestamp', '{"time": "jira"}'),
		pg_temp.spec('timestamp', '{"time": "epoch_ms"}'), pg_temp.spec('set'), pg_temp.spec('set', '{"list": ";"}'), pg_temp.spec('set', '{"member": "/a/b"}'), pg_temp.spec('json')];
BEGIN
	FOR i IN 1..4000 LOOP
		x := (x * 1103515245 + 12345) % 2147483648;
		spec := specs[1 + (x >> 8) % array_length(specs, 1)];
		canonical := CASE spec #>> '{field,kind}'
			WHEN 'text' THEN to_jsonb(md5(x::text) || chr((32 + (x >> 4) % 500)::int))
			WHEN 'number' THEN to_jsonb((x - 1073741824)::numeric / (1 + (x >> 5) % 1000))
			WHEN 'boolean' THEN to_jsonb(x % 2 = 0)
			WHEN 'timestamp' THEN to_jsonb(pg_temp.spelt('2000-01-01'::timestamptz + (x - 1073741824) * interval '1.001 s'))
			WHEN 'set' THEN (SELECT jsonb_agg(w ORDER BY w COLLATE "C") FROM (SELECT DISTINCT md5((x >> k)::text) AS w FROM generate_series(1, 1 + (x % 5)::int) AS k) AS s)
			ELSE jsonb_build_object('n', x, 'list', ARRAY[x % 7, x % 11]) END;
		external := pg_temp.down(spec, canonical);
		IF pg_temp.up(spec, external::jsonb)::jsonb <> canonical OR NOT pg_temp.same(spec, external::jsonb, pg_temp.down(spec, pg_temp.up(spec, external::jsonb)::jsonb)::jsonb) THEN
			RAISE EXCEPTION 'seed %: % became % became %', seed, canonical, external, pg_temp.up(spec, external::jsonb);
		END IF;
	END LOOP;
END $$;

-- hostile input fails as data: huge and deep values, for every kind
SELECT kind, left(pg_temp.up(pg_temp.spec(kind), to_jsonb(repeat('x', 2000000))), 60) AS two_megabytes, length(pg_temp.up(pg_temp.spec(kind), (repeat('[', 2000) || repeat(']', 2000))::jsonb)) > 0 AS deep,
	left(pg_temp.up(pg_temp.spec(kind), ('1' || repeat('0', 100000))::jsonb), 60) AS digits
FROM unnest(ARRAY['text', 'rich_text', 'number', 'boolean', 'timestamp', 'rank', 'state', 'set', 'reference', 'url']) AS kind ORDER BY kind;
SET client_min_messages = warning;
SET syncore.allow_drop = on;
DROP EXTENSION syncore CASCADE;
