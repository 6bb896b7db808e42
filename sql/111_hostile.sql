-- W8: hostile bodies by every SQL door. Each is one quarantine row that says what and where, or is taken by rule;
-- its neighbours of the same statement are unharmed, and it costs little time.
\getenv top PG_ABS_SRCDIR
\set toys :top '/sql/include/toys.sql'
\i :toys
CREATE TEMP TABLE body (n int, what text, raw bytea);
INSERT INTO body VALUES
	(1, 'deep arrays', convert_to(repeat('[', 100000), 'UTF8')),
	(2, 'deep and closed', convert_to('{"id": "H2", "v": 1, "f": {"title": ' || repeat('[', 100000) || repeat(']', 100000) || '}}', 'UTF8')),
	(3, 'deep objects', convert_to(repeat('{"a":', 100000) || '1' || repeat('}', 100000), 'UTF8')),
	(4, 'lone surrogate', '{"id": "H4", "v": 1, "f": {"title": "\\ud800"}}'),
	(5, 'surrogates the wrong way round', '{"id": "H5", "v": 1, "f": {"title": "\\udc00\\ud800"}}'),
	(6, 'zero character', '{"id": "H6", "v": 1, "f": {"title": "a\\u0000b"}}'),
	(7, 'invalid UTF-8', '{"id": "H7", "v": 1, "f": {"title": "\377\376"}}'),
	(8, 'overlong UTF-8', '{"id": "H8", "v": 1, "f": {"title": "\300\257"}}'),
	(9, 'zero byte', '{"id": "H9"}\000'),
	(10, 'huge number', '{"id": "H10", "v": 1e400000, "f": {"title": "t"}}'),
	(11, 'NaN', '{"id": "H11", "v": NaN, "f": {"title": "t"}}'),
	(12, 'trailing bytes', '{"id": "H12", "v": 1, "f": {"title": "t"}} x'),
	(13, 'two documents', '{"id": "H13", "v": 1}{"id": "H13", "v": 2}'),
	(14, 'cut', '{"id": "H14", "v": 1, "f": {"ti'),
	(15, 'empty', ''),
	(16, 'blank', '   '),
	(17, 'null', 'null'),
	(18, 'array', '[1, 2, 3]'),
	(19, 'number', '9223372036854775808'),
	(20, 'control character', '{"id": "H20", "v": 1, "f": {"title": "a\001b"}}');
-- what the database itself can read it decides: the last of two equal keys, a byte order mark, many keys, large numbers
INSERT INTO body VALUES
	(30, 'same key twice', convert_to(jsonb_set(said('H30', 1, '{"title": "x"}'), '{zz}', '1')::text, 'UTF8') ),
	(31, 'byte order mark', '\357\273\277'::bytea || convert_to(said('H31', 1, '{"title": "marked"}')::text, 'UTF8')),
	(32, 'many keys', (SELECT convert_to(jsonb_set(said('H32', 1, '{"title": "many"}'), '{x}', jsonb_object_agg('k' || g, g))::text, 'UTF8') FROM generate_series(1, 60000) g)),
	(33, '2^63 as a number', convert_to(jsonb_set(said('H33', 1, '{"title": "big"}'), '{x}', '9223372036854775808')::text, 'UTF8')),
	(34, 'long text', convert_to(said('H34', 1, jsonb_build_object('title', repeat('x', 500000)))::text, 'UTF8'));
UPDATE body SET raw = convert_to(replace(convert_from(raw, 'UTF8'), '"zz": 1', '"zz": 1, "zz": 2'), 'UTF8') WHERE n = 30;

-- ingest_raw: one row each; the call itself never fails, and works for less than a second (time that it was given, not what went by on a busy machine)
CREATE FUNCTION pg_temp.worked() RETURNS interval LANGUAGE sql VOLATILE AS $$
	SELECT (f[12]::int + f[13]::int) * interval '10 ms' FROM string_to_array(split_part(pg_read_file('/proc/self/stat', 0, 1000), ') ', 2), ' ') f $$;
CREATE TEMP TABLE came (n int, outcome text, took interval);
DO $$
DECLARE
	b record;
	o text;
	began interval;
BEGIN
	FOR b IN SELECT * FROM body ORDER BY n LOOP
		began := pg_temp.worked();
		SELECT outcome INTO o FROM syncore.ingest_raw('ann', b.raw);
		INSERT INTO came VALUES (b.n, o, pg_temp.worked() - began);
	END LOOP;
END $$;
SELECT b.n, b.what, c.outcome FROM body b JOIN came c USING (n) ORDER BY n;
SELECT count(*) FILTER (WHERE took > interval '1 s') AS slow, sum(took) > interval '0' AS measured FROM came;
SELECT row_number() OVER (ORDER BY id) AS n, code, path, left(message, 60) AS message FROM syncore.quarantine_entry ORDER BY id;
SELECT count(*) AS silent FROM syncore.quarantine_entry WHERE path IS NULL OR coalesce(message, '') = '' OR coalesce(hint, '') = '';
SELECT count(*) AS lost FROM came c WHERE c.outcome = 'quarantined' AND NOT EXISTS (SELECT 1 FROM syncore.quarantine_entry q JOIN body b ON b.n = c.n AND q.raw = b.raw)
	AND NOT EXISTS (SELECT 1 FROM syncore.quarantine_entry q WHERE q.raw IS NULL AND q.event IS NOT NULL);
-- what was refused can be looked at, whatever is in it, and does not harm those who look
SELECT count(syncore.quarantine_payload(id)) = count(*) AS readable FROM syncore.quarantine_entry;
SELECT count(*) > 0 AS listed FROM syncore.quarantine;

-- ingest: the same as text, where text can hold it
DELETE FROM came;
INSERT INTO came (n, outcome) SELECT b.n, (syncore.ingest('ann', convert_from(b.raw, 'UTF8'))).outcome FROM body b WHERE b.n NOT IN (7, 8, 9) ORDER BY b.n;
SELECT outcome, string_agg(n::text, ' ' ORDER BY n) FROM came GROUP BY 1 ORDER BY 1;

-- a plain INSERT: jsonb that no record can be, among good ones, in one statement
SELECT count(*) AS before FROM syncore.entity \gset
INSERT INTO syncore.event (system, payload)
	SELECT 'ann', said('N' || g, 1, jsonb_build_object('title', 'neighbour ' || g)) FROM generate_series(1, 20) g
	UNION ALL SELECT 'ann', p FROM unnest(ARRAY['null', '[]', '1e1000', '"x"', '{}', '{"id": {}, "v": [], "f": 3}', '{"id": "", "v": 1, "f": {"title": "no id"}}']::jsonb[]) p
	UNION ALL SELECT 'ann', (repeat('[', 5000) || repeat(']', 5000))::jsonb
	UNION ALL SELECT 'ann', jsonb_set(said('N99', 1, '{}'), '{f,title}', (repeat('[', 5000) || repeat(']', 5000))::jsonb);
SELECT count(*) - :before AS neighbours FROM syncore.entity;
SELECT code, path, left(message, 70) AS message, count(*) FROM syncore.quarantine_entry WHERE at = (SELECT max(at) FROM syncore.quarantine_entry) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- S1: names that would be something else in SQL, in a URL, in a pointer, in a template
INSERT INTO syncore.event (system, payload)
	SELECT 'ann', said(w, 1, jsonb_build_object('title', w)) FROM unnest(ARRAY['Robert''); DROP TABLE syncore.entity; --', '"', '\', 'a/b~c', '../../x', '{marker}', '%s%n', E'line\nbreak', E'\u202Eabc', repeat('k', 300), '$1']) w;
SELECT left(external_id, 44) AS external_id, left(e.data ->> 'title', 44) = left(external_id, 44) AS same FROM syncore.link l JOIN syncore.entity e ON e.id = l.entity
	WHERE l.external_id !~ '^[A-Z][0-9]+$' ORDER BY l.id;
SELECT DISTINCT (SELECT count(*) FROM syncore.why(e.id, 'title')) > 0 AS answered, (SELECT count(*) FROM syncore.timeline('ann:' || l.external_id)) > 0 AS told
	FROM syncore.link l JOIN syncore.entity e ON e.id = l.entity WHERE l.external_id !~ '^[A-Z][0-9]+$';
SELECT ok, what FROM syncore.verify_ledger();
CALL pg_temp.toys_go();
