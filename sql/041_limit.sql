-- Pace and health of a connection: rate, places in flight, Retry-After, circuit breaker. RL-01, RL-02, RL-08
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
RESET client_min_messages;
CREATE FUNCTION pg_temp.core_limit(float8, int, text) RETURNS text AS '$libdir/syncore_core_test', 'core_limit' LANGUAGE C;
CREATE FUNCTION pg_temp.limits(rate float8, places int, script text) RETURNS SETOF text LANGUAGE sql AS $$ SELECT unnest(string_to_array(pg_temp.core_limit(rate, places, script), E'\n')) $$;
-- no limits: everything may leave
SELECT * FROM pg_temp.limits(0, 0, '0 ask
0 ask
0 ask
1 ok');
-- RL-01: ten a second: a token every 100 ms, and no more than one saved up
SELECT * FROM pg_temp.limits(10, 0, '0 ask
0 ask
50 ask
100 ask
150 token
200 token
5000 ask
5000 ask');
-- over a minute of asking every millisecond: never more than the rate and its one in reserve, in any second
CREATE TEMP TABLE asked AS SELECT split_part(l, ' ', 1)::int AS ms FROM pg_temp.limits(10, 0, (SELECT string_agg(ms || ' ask' || E'\n' || ms || ' ok', E'\n' ORDER BY ms) FROM generate_series(0, 60000) ms)) l WHERE l LIKE '%ask: yes%';
SELECT count(*) BETWEEN 600 AND 601 AS used_in_full, max(n) <= 11 AS never_above FROM (SELECT count(*) OVER (ORDER BY ms RANGE BETWEEN 999 PRECEDING AND CURRENT ROW) AS n FROM asked) w, (SELECT count(*) FROM asked) c(count);
-- places: a third waits; one that was not used is given back with its token
SELECT * FROM pg_temp.limits(0, 2, '0 ask
0 ask
0 ask
10 ok
10 ask
20 unused
20 ask');
SELECT * FROM pg_temp.limits(1, 0, '0 ask
0 ask
0 unused
0 ask');
-- RL-02: told to wait, nothing leaves before the time named, and it is no failure; a shorter word does not shorten it
SELECT * FROM pg_temp.limits(0, 0, '0 ask
0 ask
10 later 2000
20 later 500
30 ask
2009 ask
2010 ask');
-- and so does not open the circuit (RL-08), however often it is told; the control is below: as many failures do
SELECT * FROM pg_temp.limits(0, 0, '0 later 100
100 later 100
200 later 100
300 later 100
400 later 100
500 later 100
600 ask');
-- RL-08: five failures in a row open it; one probe after two seconds; failing, it stays open twice as long; answering, it closes
SELECT * FROM pg_temp.limits(0, 0, '0 ask
0 fail
0 ask
0 fail
0 ask
0 fail
0 ask
0 fail
0 ask
0 fail
10 ask
2000 ask
2000 ask
2100 fail
6000 ask
6100 ask
6150 ask
6200 ok
6200 ask
6300 fail');
-- a success between failures starts the count again; a probe that was not used is there for the next; one that never came back is forgotten
SELECT * FROM pg_temp.limits(0, 0, '0 fail
0 fail
0 fail
0 fail
0 ok
0 fail
1 fail
2 fail
3 fail
4 fail
2004 ask
2005 unused
2006 ask
100000 ask
122006 ask');
-- however often it fails, it is asked again at least every five minutes
SELECT max(wait) FROM (SELECT substring(l FROM 'in (\d+) ms')::int AS wait FROM pg_temp.limits(0, 0, (SELECT string_agg(format(E'%s fail\n%s ask\n%s ask', s * 1000000, s * 1000000 + 1, s * 1000000 + 500000), E'\n' ORDER BY s) FROM generate_series(1, 20) s)) l) w;
SET client_min_messages = warning;
SET syncore.allow_drop = on;
DROP EXTENSION syncore CASCADE;
