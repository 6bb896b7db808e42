-- JSON Pointers (RFC 6901): read, write, remove; merge patch (RFC 7396); what may be written into a path column.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
RESET client_min_messages;
\set VERBOSITY default
CREATE FUNCTION pg_temp.get(jsonb, text) RETURNS jsonb AS '$libdir/syncore_core_test', 'core_pointer_get' LANGUAGE C STRICT;
CREATE FUNCTION pg_temp.put(jsonb, text, jsonb) RETURNS jsonb AS '$libdir/syncore_core_test', 'core_pointer_set' LANGUAGE C;
CREATE FUNCTION pg_temp.remove(jsonb, text) RETURNS jsonb AS '$libdir/syncore_core_test', 'core_pointer_remove' LANGUAGE C STRICT;
CREATE FUNCTION pg_temp.patch(jsonb, jsonb) RETURNS jsonb AS '$libdir/syncore_core_test', 'core_merge_patch' LANGUAGE C STRICT;

-- FM-01: the vectors of RFC 6901, section 5
WITH d AS (SELECT '{"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8}'::jsonb AS doc)
SELECT p, pg_temp.get(doc, p), CASE WHEN p = '' THEN pg_temp.get(doc, p) = doc END AS whole
FROM d, unnest(ARRAY['', '/foo', '/foo/0', '/', '/a~1b', '/c%d', '/e^f', '/g|h', '/i\j', '/k"l', '/ ', '/m~0n']) WITH ORDINALITY AS u(p, n)
WHERE p <> '' ORDER BY n;
SELECT pg_temp.get('{"a": [1]}', '') = '{"a": [1]}', pg_temp.get('"x"', ''), pg_temp.get('null', '');

-- absent: past the end, "-", leading zeros, members of a scalar, no such name
SELECT p, pg_temp.get('{"a": [10, 20], "s": "x", "n": null, "~1": 1}', p) IS NULL AS absent
FROM unnest(ARRAY['/a/2', '/a/-', '/a/00', '/a/01', '/a/x', '/a/-1', '/s/0', '/s/x', '/n/x', '/b', '/a/99999999999', '/~01', '/n']) WITH ORDINALITY AS u(p, n) ORDER BY n;

-- FM-15: writing makes objects on the way and leaves everything else alone
SELECT pg_temp.put(NULL, '/fields/status/name', '"Done"'), pg_temp.put('{"fields": {"a": 1}}', '/fields/b', NULL);
SELECT pg_temp.put('{"a": [1, 2, 3]}', '/a/1', '"x"'), pg_temp.put('{"a": [1]}', '/a/1', '2'), pg_temp.put('{"a": [1]}', '/a/-', '{"b": 2}'),
	pg_temp.put('{"a": [1]}', '/a/7', '2');
SELECT pg_temp.put('{"a": "scalar"}', '/a/b', '1'), pg_temp.put('[]', '/-', '"first"'), pg_temp.put(NULL, '/list/-/name', '"x"'),
	pg_temp.put('"scalar"', '/a', '1'), pg_temp.put('{"a": 1}', '', '[2]'), pg_temp.put('{"a/b": 1}', '/a~1b', '2');
SELECT pg_temp.put('{"a": [{"b": [1, {"c": 2}]}]}', '/a/0/b/1/c', '{"deep": [true, null]}');

SELECT pg_temp.remove('{"a": {"b": 1, "c": 2}}', '/a/b'), pg_temp.remove('{"a": [1, 2, 3]}', '/a/1'), pg_temp.remove('{"a": 1}', '/b/c'),
	pg_temp.remove('{"a": [{"b": 1}, {"b": 2}]}', '/a/1/b');

-- RFC 7396, appendix A
SELECT n, pg_temp.patch(o, p) = r AS ok FROM (VALUES
	(1, '{"a":"b"}'::jsonb, '{"a":"c"}'::jsonb, '{"a":"c"}'::jsonb), (2, '{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
	(3, '{"a":"b"}', '{"a":null}', '{}'), (4, '{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'), (5, '{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
	(6, '{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'), (7, '{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
	(8, '{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'), (9, '["a","b"]', '["c","d"]', '["c","d"]'), (10, '{"a":"b"}', '["c"]', '["c"]'),
	(11, '{"a":"foo"}', 'null', 'null'), (12, '{"a":"foo"}', '"bar"', '"bar"'), (13, '{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
	(14, '[1,2]', '{"a":"b","c":null}', '{"a":"b"}'), (15, '{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}')) AS v(n, o, p, r) ORDER BY n;

-- properties, over documents made from a printed seed: what was put is found; put of what is found changes nothing;
-- what was removed is absent; a pointer never reads another member
DO $$
DECLARE
	seed bigint := 20260228;
	x bigint := seed;
	doc jsonb;
	p text;
	v jsonb;
	names text[] := ARRAY['a', 'b', '0', '1', '', 'a~1b', '~0', 'ü', '-'];
BEGIN
	FOR i IN 1..3000 LOOP
		x := (x * 1103515245 + 12345) % 2147483648;
		p := '';
		FOR k IN 0..(x % 5) LOOP
			x := (x * 1103515245 + 12345) % 2147483648;
			p := p || '/' || names[1 + (x >> 8) % array_length(names, 1)];
		END LOOP;
		x := (x * 1103515245 + 12345) % 2147483648;
		v := CASE (x >> 8) % 5 WHEN 0 THEN '[1, {"a": 2}]' WHEN 1 THEN 'null' WHEN 2 THEN to_jsonb('t' || x) WHEN 3 THEN to_jsonb(x) ELSE '{"b": []}' END;
		IF doc IS NOT NULL AND pg_temp.get(doc, p) IS NOT NULL AND pg_temp.put(doc, p, pg_temp.get(doc, p)) <> doc THEN
			RAISE EXCEPTION 'seed %: put of what is found changed % at %', seed, doc, p;
		END IF;
		doc := pg_temp.put(doc, p, v);
		IF p !~ '/-' AND pg_temp.get(doc, p) IS DISTINCT FROM v AND p !~ '/[01]' THEN
			RAISE EXCEPTION 'seed %: put % at % into %', seed, v, p, doc;
		END IF;
		IF p !~ '/[-01]' AND pg_temp.get(pg_temp.remove(doc, p), p) IS NOT NULL THEN
			RAISE EXCEPTION 'seed %: % is still at % in %', seed, v, p, doc;
		END IF;
		IF length(doc::text) > 5000 THEN
			doc := NULL;
		END IF;
	END LOOP;
END $$;

-- a pointer goes as deep as it is long, a document may be deeper: nothing overflows
SELECT pg_temp.get((repeat('[', 3000) || repeat(']', 3000))::jsonb, repeat('/0', 32)) IS NOT NULL AS read_from_deep;
SELECT jsonb_typeof(pg_temp.patch('{}', (repeat('{"a":', 1000) || '1' || repeat('}', 1000))::jsonb));

-- SE: what may be written into a path column; the messages are those a person sees
SELECT 'u_service'::syncore.json_pointer;
SELECT '/a~2b'::syncore.json_pointer;
SELECT '/a~'::syncore.json_pointer;
SELECT repeat('/a', 33)::syncore.json_pointer;
SELECT ('/' || repeat('a', 1024))::syncore.json_pointer;
SELECT ''::syncore.json_pointer, '/a//b'::syncore.json_pointer, repeat('/a', 32)::syncore.json_pointer IS NOT NULL AS ok;
SET client_min_messages = warning;
SET syncore.allow_drop = on;
DROP EXTENSION syncore CASCADE;
