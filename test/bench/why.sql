-- why() over the largest table: what it reads, and how long it takes.
EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM syncore.why('4711', 'severity');
DO $$
DECLARE
	t timestamptz;
	took numeric[];
	most integer;
BEGIN
	FOR i IN 1 .. 200 LOOP
		t := clock_timestamp();
		PERFORM * FROM syncore.why((1 + i * 47 % 10000)::text, 'severity');
		took := took || round((extract(epoch FROM clock_timestamp() - t) * 1000)::numeric, 2);
	END LOOP;
	PERFORM set_config('bench.why', format('median %s ms, slowest of 200: %s ms',
		(SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY x) FROM unnest(took) x), (SELECT max(x) FROM unnest(took) x)), false);
END $$;
SELECT current_setting('bench.why');
