-- FM-03: rich text: Atlassian documents to text with Markdown marks, and back.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
RESET client_min_messages;
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION pg_temp.fold(text) RETURNS text AS '$libdir/syncore_core_test', 'core_fold' LANGUAGE C STRICT;
CREATE FUNCTION pg_temp.loosely(jsonb, jsonb) RETURNS boolean AS '$libdir/syncore_core_test', 'core_equal_loosely' LANGUAGE C STRICT;
CREATE FUNCTION pg_temp.remembered(jsonb, jsonb) RETURNS text AS '$libdir/syncore_core_test', 'core_equal_remembered' LANGUAGE C STRICT;

-- every node that products send
SELECT syncore.adf_to_text('{"type": "doc", "version": 1, "content": [
	{"type": "heading", "attrs": {"level": 2}, "content": [{"type": "text", "text": "Steps"}]},
	{"type": "paragraph", "content": [{"type": "text", "text": "Ask "}, {"type": "mention", "attrs": {"id": "5b10", "text": "@Ada Lee"}}, {"type": "text", "text": " or "}, {"type": "mention", "attrs": {"id": "5b11"}},
		{"type": "hardBreak"}, {"type": "text", "text": "see "}, {"type": "text", "text": "the wiki", "marks": [{"type": "link", "attrs": {"href": "https://wiki.example/x"}}]},
		{"type": "text", "text": " and "}, {"type": "text", "text": "https://acme.example", "marks": [{"type": "link", "attrs": {"href": "https://acme.example"}}]}, {"type": "emoji", "attrs": {"shortName": ":smile:", "text": "😄"}},
		{"type": "status", "attrs": {"text": "OPEN"}}, {"type": "text", "text": " "}, {"type": "date", "attrs": {"timestamp": "1772289121847"}}, {"type": "inlineCard", "attrs": {"url": "https://acme.example/OPS-7"}}]},
	{"type": "bulletList", "content": [{"type": "listItem", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "one", "marks": [{"type": "strong"}]}]},
		{"type": "orderedList", "attrs": {"order": 3}, "content": [{"type": "listItem", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "nested "}, {"type": "text", "text": "deep ", "marks": [{"type": "em"}]}]}]}]}]},
		{"type": "listItem", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "a"}, {"type": "hardBreak"}, {"type": "text", "text": "b"}]}]}]},
	{"type": "codeBlock", "attrs": {"language": "sql"}, "content": [{"type": "text", "text": "SELECT 1;\n-- ``` inside"}]},
	{"type": "blockquote", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "said"}]}, {"type": "paragraph", "content": [{"type": "text", "text": "so", "marks": [{"type": "strike"}, {"type": "code"}]}]}]},
	{"type": "rule"}, {"type": "panel", "attrs": {"panelType": "info"}, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "in a panel"}]}]},
	{"type": "taskList", "content": [{"type": "taskItem", "attrs": {"state": "DONE"}, "content": [{"type": "text", "text": "done"}]}, {"type": "taskItem", "content": [{"type": "text", "text": "open"}]}]},
	{"type": "table", "content": [{"type": "tableRow", "content": [{"type": "tableHeader", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "h1"}]}]}, {"type": "tableCell", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "c1"}]}]}]}]},
	{"type": "mediaSingle", "content": [{"type": "media", "attrs": {"id": "x", "alt": "screenshot.png"}}]}, {"type": "somethingNew", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "kept"}]}]}]}');

-- and back: text with marks as a document
SELECT jsonb_pretty(syncore.text_to_adf(E'# Title\n\nHello **bold** and *it* and `code` ~~old~~ [wiki](https://wiki.example/x).\nhttps://acme.example/a_b, snake_case_name 2 * 3 * 4\n\n- one\n  - two\n- three\n\n4. four\n\n```sql\nSELECT 1;\n```\n> quoted\n> more\n\n---\n[no](javascript:alert(1))'));

-- no text node is ever empty, whatever the text
SELECT string_agg(syncore.text_to_adf(t)::text, E'\n' ORDER BY n) FROM unnest(ARRAY['', ' ', E'\n\n', '****', '**', '``', '- ', '#', '>', E'```\n```', '[](https://x)', E'a\x01b']) WITH ORDINALITY AS u(t, n);
SELECT count(*) FROM unnest(ARRAY['', ' ', E'\n', '****', '** **', '``', '- ', E'- \n- a', '#', '# ', '> ', E'```\n```', '[](https://x)', '[a]()', '__', '~~~~', E'\t', '*', '* *']) AS t
WHERE jsonb_path_exists(syncore.text_to_adf(t), '$.** ? (@.type == "text" && @.text == "")');

-- what is written is read as the same words
SELECT t = syncore.adf_to_text(syncore.text_to_adf(t)) AS same, CASE WHEN t <> syncore.adf_to_text(syncore.text_to_adf(t)) THEN syncore.adf_to_text(syncore.text_to_adf(t)) END
FROM unnest(ARRAY[E'Disk full on host **db1**.\n\n- check *now*\n- then `df -h`\n\nSee [runbook](https://wiki.example/rb) or https://acme.example/x?y=1#z.', E'line one\nline two\n\nnext paragraph', E'# H\n\ntext\n\n## H2\n\n```sh\nls -l\n\necho done\n```',
	E'> a\n> b\n\n1. x\n2. y\n   - z\n3. w', 'snake_case and 2 * 3 and a_b_c', E'- [ ] not a task\n- b', 'ümläut € 😄 **ß**', E'- # no heading\n- > no quote\n- - nested', E'> # no heading\n> - item\n>\n> end', 'C:\path\*.log', 'a < b && c > d', '<b>html</b> stays text', '1) one', 'price: 5*', '**unclosed', 'x ** y ** z', E'   indented\n\ttab']) WITH ORDINALITY AS u(t, n) ORDER BY n;

-- a list keeps the numbers it was written with: one that does not go on is a list of its own; only 1. 1. 1. is counted, as Markdown does
SELECT t = syncore.adf_to_text(syncore.text_to_adf(t)) AS same, CASE WHEN t <> syncore.adf_to_text(syncore.text_to_adf(t)) THEN syncore.adf_to_text(syncore.text_to_adf(t)) END
FROM unnest(ARRAY[E'3. three\n4. four\n\n7. seven', E'1. a\n   5. b\n\n   7. c\n2. d', E'1. a\n   10. b\n       - c\n   11. d', E'- a\n  2. b\n\n  2. c', E'999999. a\n\n1000000. b', E'0. a\n1. b', E'10. a\n    ```\n      two spaces\n    ```', E'01. leading zero\n02. kept',
	E'2. two\n7) seven', E'1. a\n   2019. was good\n   2018. was not', E'1. a\n1. b\n1. c', E'1. a\n1. b\n2. c', E'5. a\n5. b']) WITH ORDINALITY AS u(t, n) ORDER BY n;
SELECT syncore.adf_to_text('{"type": "doc", "content": [{"type": "bulletList", "content": [{"type": "listItem", "content": [{"type": "orderedList", "content": [{"type": "listItem", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "a"}]}]}]},
	{"type": "orderedList", "content": [{"type": "listItem", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "b"}]}]}]}]}]}]}');

-- properties, from a printed seed: words are never lost, no text node is empty, and every node stands where the format allows it
DO $$
DECLARE
	seed bigint := 25;
	x bigint := seed;
	t text;
	once jsonb;
	back text;
	parts text[] := ARRAY['a', 'bc', ' ', E'\n', E'\n\n', '*', '**', '_', '`', '```', '~~', '- ', '1. ', '2. ', '7) ', E'\n   10. ', E'\n  3. ', '> ', '# ', '[', '](', ')', 'https://x.example/', '  ', E'\t', '<b>', '&amp;', 'ü', '---', E'\r\n', '\', E'\x02'];
BEGIN
	FOR i IN 1..2000 LOOP
		t := '';
		FOR k IN 1..(1 + i % 40) LOOP
			x := (x * 1103515245 + 12345) % 2147483648;
			t := t || parts[1 + (x >> 9) % array_length(parts, 1)];
		END LOOP;
		once := syncore.text_to_adf(t);
		back := syncore.adf_to_text(once);
		IF jsonb_path_exists(once, '$.** ? (@.type == "text" && @.text == "")') THEN
			RAISE EXCEPTION 'seed %: an empty text node of %', seed, quote_literal(t);
		END IF;
		IF jsonb_path_exists(once, '$.** ? (@.type == "listItem" || @.type == "blockquote").content[*] ? (@.type == "heading" || @.type == "rule" || @.type == "blockquote")')
			OR jsonb_path_exists(once, '$.** ? (@.type == "listItem").content[0] ? (@.type != "paragraph" && @.type != "codeBlock")')
			OR jsonb_path_exists(once, '$.** ? (@.type == "listItem" || @.type == "blockquote" || @.type == "bulletList" || @.type == "orderedList") ? (!exists(@.content[0]))') THEN
			RAISE EXCEPTION 'seed %: a node where none may be: % of %', seed, once, quote_literal(t);
		END IF;
		IF regexp_replace(t, '[^a-cü]', '', 'g') <> regexp_replace(back, '[^a-cü]', '', 'g') THEN
			RAISE EXCEPTION 'seed %: % became %', seed, quote_literal(t), quote_literal(back);
		END IF;
		-- numbers neither, once those that were only counted (1. 1.) are written out
		t := back;
		back := syncore.adf_to_text(syncore.text_to_adf(t));
		IF regexp_replace(t, '[^a-cü0-9]', '', 'g') <> regexp_replace(back, '[^a-cü0-9]', '', 'g') THEN
			RAISE EXCEPTION 'seed %: % became %', seed, quote_literal(t), quote_literal(back);
		END IF;
	END LOOP;
END $$;

-- hostile: no depth, length or shape overflows or takes long; what is left out shows "..."
SELECT length(syncore.adf_to_text(('{"type": "doc", "content": ' || repeat('[{"type": "bulletList", "content": [{"type": "listItem", "content": ', 400) || '[]' || repeat('}]}]', 400) || '}')::jsonb)) < 1000;
SELECT right(syncore.adf_to_text(jsonb_build_object('type', 'doc', 'content', (SELECT jsonb_agg('{"type": "paragraph", "content": [{"type": "text", "text": "0123456789012345678901234567890123456789"}]}'::jsonb) FROM generate_series(1, 40000)))), 3);
SELECT right(syncore.adf_to_text(syncore.text_to_adf(repeat('0123456789', 200000))), 3);
SELECT syncore.adf_to_text(d::jsonb) FROM unnest(ARRAY['{"type": "doc"}', '{"type": "doc", "content": "x"}', '{"type": "doc", "content": [1, "x", null, [], {}, {"type": 7}, {"type": "text"}, {"type": "text", "text": 5}, {"type": "heading"}, {"type": "text", "text": "t", "marks": [1, {"type": "link"}]}]}']) AS d;
SELECT length(syncore.text_to_adf(t)::text) > 0 FROM unnest(ARRAY[repeat('[', 300000), repeat('*a ', 200000), repeat('**a', 200000), repeat('[a](b', 100000), repeat('- ', 100000), repeat(E'- a\n', 50000), repeat('> ', 100000), repeat('_a', 200000), repeat(E'`a\n', 100000), repeat('  ', 100000) || '- x',
	(SELECT string_agg(repeat('  ', n) || '- x', E'\n') FROM generate_series(0, 300) AS n)]) AS t;
SELECT syncore.adf_to_text('{"type": "paragraph"}');

-- R4: what a product makes of a text it stores is loosely the same; other words are not
SELECT n, pg_temp.loosely(a, b) FROM (VALUES (1, '"Disk  full "'::jsonb, '"disk full"'::jsonb), (2, '"a\r\nb"', '"a b"'), (3, '"**bold** text"', '"<p><b>bold</b> text</p>"'), (4, '"a &amp; b"', '"A & B"'), (5, '"- one\n- two"', '"* one\n* two"'),
	(6, '3', '"3"'), (7, 'true', '"TRUE"'), (8, 'null', '""'), (9, '"ÜBER"', '"über"'), (10, '"one"', '"two"'), (11, '"P1"', '"P2"'), (12, '"a < b"', '"a > b"'), (13, '"10"', '"1"'), (14, '["a"]', '["b"]'), (15, '"-5"', '"5"')) AS v(n, a, b) ORDER BY n;
SELECT pg_temp.loosely(syncore.text_to_adf('Hello **world**'), '"hello world"'), pg_temp.loosely(syncore.text_to_adf('Hello'), syncore.text_to_adf('World'));
-- long values are remembered by digest, and compare as they did
SELECT n, pg_temp.remembered(to_jsonb(repeat(a, 200)), to_jsonb(repeat(b, 200))) FROM (VALUES (1, 'same text ', 'same text '), (2, 'Some  Text ', 'some text'), (3, 'one thing ', 'other thing'), (4, 'x', 'x')) AS v(n, a, b) ORDER BY n;
SELECT pg_temp.remembered(jsonb_build_object('n', 1.0, 's', repeat('x', 2000)), jsonb_build_object('n', 1, 's', repeat('x', 2000)));
SET client_min_messages = warning;
SET syncore.allow_drop = on;
DROP EXTENSION syncore CASCADE;
