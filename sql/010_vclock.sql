-- The type syncore.vclock: version vectors.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
RESET client_min_messages;
SET search_path = syncore, public;

-- VC-01: text form, sorted, one entry per link; link 0 is the hub
SELECT '{42:7,1:3}'::vclock, '{}'::vclock, ' { 5 : 1 , 0:9223372036854775807 } '::vclock;

-- VC-01: comparisons
SELECT a, b, a = b AS equal, a <> b AS differs, a @> b AS covers, a <@ b AS covered, vclock_concurrent(a, b) AS concurrent
FROM (VALUES ('{1:1}'::vclock, '{1:1}'::vclock), ('{1:2}', '{1:1}'), ('{1:1}', '{1:1,2:1}'), ('{1:2}', '{1:1,2:1}'),
	('{1:1}', '{2:1}'), ('{}', '{}'), ('{}', '{1:1}')) AS v(a, b);

-- VC-01: merge, increment, element access
SELECT vclock_merge('{1:3,2:1}', '{2:5,7:1}'), vclock_merge('{}'::vclock, '{}'::vclock);
SELECT vclock_merge(c) FROM (VALUES ('{1:3}'::vclock), (NULL), ('{1:2,9:9}'), ('{}')) AS v(c);
SELECT vclock_merge(c) FROM (SELECT '{}'::vclock WHERE false) AS v(c);
SELECT vclock_increment('{1:3}', 1), vclock_increment('{1:3}', 2), vclock_increment('{}', 0);
SELECT vclock_get('{1:3,42:7}', 42), vclock_get('{1:3,42:7}', 5), vclock_get('{}', -1);
SELECT '{1:3,42:7}'::vclock::jsonb, '{}'::vclock::jsonb;
SELECT vclock_increment('{}', -1);
SELECT vclock_increment('{1:9223372036854775807}', 1);

-- VC-01: laws, over clocks generated from a printed seed (a small generator, the same on every server)
CREATE FUNCTION pg_temp.make_clock(seed bigint) RETURNS syncore.vclock LANGUAGE plpgsql AS $$
DECLARE
	x bigint := seed;
	made syncore.vclock := '{}';
BEGIN
	FOR i IN 1 .. seed % 7 LOOP
		x := (x * 1103515245 + 12345) % 2147483648;
		made := syncore.vclock_merge(made, format('{%s:%s}', (x >> 8) % 6, 1 + (x >> 16) % 4)::syncore.vclock);
	END LOOP;
	RETURN made;
END $$;
\set seed 20261122
SELECT :seed AS seed;
CREATE TEMP TABLE clock AS SELECT n, pg_temp.make_clock(:seed + n * 7919) AS c FROM generate_series(1, 60) AS n;
SELECT count(*) > 20 AS enough_different FROM (SELECT DISTINCT c::text FROM clock) AS d;
SELECT
	count(*) AS pairs,
	bool_and(vclock_merge(a.c, b.c) = vclock_merge(b.c, a.c)) AS commutative,
	bool_and(vclock_merge(a.c, a.c) = a.c) AS idempotent,
	bool_and(vclock_merge(a.c, b.c) @> a.c AND vclock_merge(a.c, b.c) @> b.c) AS upper_bound,
	bool_and((a.c @> b.c) = (vclock_merge(a.c, b.c) = a.c)) AS covers_is_absorbing,
	bool_and((a.c @> b.c AND b.c @> a.c) = (a.c = b.c)) AS antisymmetric,
	bool_and((a.c = b.c) = (a.c::text = b.c::text)) AS one_spelling,
	count(*) FILTER (WHERE vclock_concurrent(a.c, b.c)) > 500 AS concurrent_ones_seen,
	count(*) FILTER (WHERE a.c @> b.c AND a.c <> b.c) > 100 AS covering_ones_seen
FROM clock a, clock b;
SELECT
	count(*) AS triples,
	bool_and(vclock_merge(vclock_merge(a.c, b.c), d.c) = vclock_merge(a.c, vclock_merge(b.c, d.c))) AS associative,
	bool_and(NOT (d.c @> a.c AND d.c @> b.c) OR d.c @> vclock_merge(a.c, b.c)) AS least_upper_bound,
	bool_and(NOT (a.c @> b.c AND b.c @> d.c) OR a.c @> d.c) AS transitive
FROM clock a, clock b, clock d WHERE a.n <= 30 AND b.n <= 30 AND d.n <= 30;
SELECT bool_and(vclock_increment(c, 3) @> c AND NOT c @> vclock_increment(c, 3)
	AND vclock_get(vclock_increment(c, 3), 3) = vclock_get(c, 3) + 1) AS increment_moves_on FROM clock;
-- the aggregate gives the same whatever the order
SELECT (SELECT vclock_merge(c ORDER BY n) FROM clock) = (SELECT vclock_merge(c ORDER BY n DESC) FROM clock) AS any_order;

-- text and binary round trips (COPY uses the send and receive functions)
CREATE TEMP TABLE again (n int, c vclock);
SELECT count(*) AS same_text FROM clock WHERE c::text::vclock = c;
DO $$ BEGIN
	EXECUTE format('COPY clock TO %L (FORMAT binary)', current_setting('data_directory') || '/vclock.bin');
	EXECUTE format('COPY again FROM %L (FORMAT binary)', current_setting('data_directory') || '/vclock.bin');
END $$;
SELECT count(*) AS same_binary FROM clock JOIN again USING (n) WHERE clock.c = again.c;
-- stored, compressed, read again
CREATE TABLE vclock_stored (c syncore.vclock);
INSERT INTO vclock_stored SELECT ('{' || string_agg(i || ':' || i % 3 + 1, ',') || '}')::vclock FROM generate_series(1, 10000) i;
SELECT vclock_get(c, 1), vclock_get(c, 10000), length(c::text) FROM vclock_stored;

-- S12: hostile text is an error with a class of its own
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT input, pg_temp.try(format('SELECT %L::syncore.vclock', input)) FROM unnest(ARRAY[
	'', ' ', '{', '}', '{}}', '{} x', '{1}', '{1:}', '{:1}', '{1:1', '{1:1,}', '{,}', '{1:1,,2:2}', '{1:1 2:2}', '{1:0}', '{-1:1}', '{1:-1}',
	'{+1:1}', '{1.0:1}', '{1:1e3}', '{0x1:1}', '{1:1,1:2}', '{9223372036854775808:1}', '{1:9223372036854775808}',
	'{1:99999999999999999999999999999999999999999}', '[1]', 'null', '{"1":1}', '{a:b}']) AS input;
SELECT pg_temp.try(format('SELECT %L::syncore.vclock', '{' || string_agg(i || ':1', ',') || '}')) FROM generate_series(1, 10001) i;
SELECT pg_temp.try(format('SELECT %L::syncore.vclock', repeat('{', 100000)));
SELECT pg_temp.try(format('SELECT %L::syncore.vclock', repeat(':', 1000000)));
SELECT pg_temp.try('SELECT syncore.vclock_increment(c, 10001) FROM vclock_stored');
SELECT pg_temp.try('SELECT syncore.vclock_merge(c, ''{0:1}'') FROM vclock_stored');

-- S12: hostile binary. Each case is a COPY file of one row: header, one column, its length, its bytes
CREATE TABLE vclock_received (c syncore.vclock);
CREATE FUNCTION pg_temp.try_binary(value bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	path text := current_setting('data_directory') || '/vclock_hostile.bin';
	file oid;
BEGIN
	file := lo_from_bytea(0, '\x5047434f50590aff0d0a00'::bytea || '\x0000000000000000'::bytea
		|| '\x0001'::bytea || int4send(length(value)) || value || '\xffff'::bytea);
	PERFORM lo_export(file, path);
	PERFORM lo_unlink(file);
	EXECUTE format('COPY vclock_received FROM %L (FORMAT binary)', path);
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT value, pg_temp.try_binary(value) FROM unnest(ARRAY[
	'\x0100', '\x01010103',                           -- good: {} and {1:3}
	'\x', '\x00', '\x01', '\x0200', '\x010001',         -- nothing, no format, no count, another format, bytes left over
	'\x0101', '\x010101', '\x01010180',               -- cut off
	'\x01010100', '\x0102010100',                     -- counter 0, second entry missing
	'\x010201010001',                                 -- a link twice
	'\x01ffffffffffffffffff01', '\x01ffffffff0f',     -- a count of 2^64 - 1, of 2^32 - 1
	'\x0101ffffffffffffffffff0101', '\x010101ffffffffffffffffff01',   -- link, counter over bigint
	'\x0101ffffffffffffffffff0201',                   -- a varint over 64 bits; one longer than need be (last)
	'\x0101810003']::bytea[]) AS value;
SELECT c FROM vclock_received ORDER BY c::text;
-- every damage of one byte of a good value is refused or is another clock; none crashes
SELECT count(*) AS tried, count(*) FILTER (WHERE r = 'accepted' OR r LIKE '22P03 %') AS refused_or_taken
FROM (SELECT pg_temp.try_binary(set_byte('\x0103010302ac0207ffffffffffffffff7f'::bytea, at, byte)) AS r
	FROM generate_series(0, 16) AS at, unnest(ARRAY[0, 1, 2, 127, 128, 255]) AS byte) AS t;
DROP TABLE vclock_stored, vclock_received;
SET client_min_messages = warning;
SET syncore.allow_drop = on;
DROP EXTENSION syncore CASCADE;
