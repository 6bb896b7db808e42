-- What a likeness rule costs a record that nobody knows: :entities entities told of by one system, then 200 records of another, each a
-- statement, half of them like one that is there. Beside it the same with an exact rule only, in the same run, A B A B.
\pset format unaligned
INSERT INTO syncore.match_rule (entity_type, position, kind, fields, normalise) VALUES ('incident', 1, 'exact', '{title}', '{lower,spaces}');
-- Titles as people write them: what is broken, how, where, since when.
CREATE FUNCTION title(n integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT format('%s %s in %s since %s, ticket %s', (ARRAY['Payment gateway','Mail server','VPN','Printer','Web shop','Login page','Backup job','Database','Wifi','Telephone system','Badge reader','File share'])[n % 12 + 1],
		(ARRAY['times out','is down','is very slow','shows an error','rejects passwords','cannot be reached','drops connections','runs out of disk','restarts'])[n / 12 % 9 + 1],
		(ARRAY['Berlin','Rome','Oslo','Paris','Madrid','Vienna','Dublin','Athens','Prague','Lisbon','Warsaw'])[n / 108 % 11 + 1],
		(ARRAY['Monday','yesterday','noon','the update','this morning','last week','8 a.m.'])[n / 1188 % 7 + 1], n) $$;
INSERT INTO syncore.event (system, payload) SELECT 'ann', said('M' || n, 1, jsonb_build_object('title', title(n), 'severity', 'low')) FROM generate_series(1, :entities) n;
INSERT INTO syncore.match_rule (entity_type, position, kind, fields, normalise, threshold, time_window) VALUES ('incident', 2, 'fuzzy', '{title}', '{lower,spaces}', 0.6, '30 days');
VACUUM ANALYZE;
CREATE TABLE took (rule text, alike boolean, ms numeric);
CREATE PROCEDURE tell(rule text, first integer) LANGUAGE plpgsql AS $$
DECLARE
	at timestamptz;
BEGIN
	-- Another field of a rule that is gone: no rule but the exact one.
	UPDATE syncore.match_rule SET time_window = CASE tell.rule WHEN 'exact' THEN '1 microsecond'::interval ELSE '30 days' END WHERE kind = 'fuzzy';
	COMMIT;
	FOR i IN 0 .. 99 LOOP
		at := clock_timestamp();
		INSERT INTO syncore.event (system, payload) VALUES ('bob', said('N' || first + i, 1, jsonb_build_object('severity', 'low', 'title',
			CASE i % 2 WHEN 0 THEN replace(title((first + i) * 7), 'ticket', 'see') ELSE 'Request ' || md5((first + i)::text) || ' of a new laptop' END)));
		INSERT INTO took VALUES (tell.rule, i % 2 = 0, 1000 * extract(epoch FROM clock_timestamp() - at));
		COMMIT;
	END LOOP;
END $$;
CALL tell('fuzzy', 0);
TRUNCATE took;
CALL tell('exact', 100); CALL tell('fuzzy', 200); CALL tell('exact', 300); CALL tell('fuzzy', 400);
SELECT format('| %s | %s ms | %s ms | %s ms |', CASE rule WHEN 'fuzzy' THEN 'keys and likeness' ELSE 'keys only' END,
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE alike))::numeric, 1), round((percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE NOT alike))::numeric, 1), round(max(ms), 1))
FROM took GROUP BY rule ORDER BY rule;
SELECT format('%s proposed to a person', count(DISTINCT entity)) FROM syncore.match_candidate;
