-- FM-03: rich text between its spellings: HTML, wiki markup, Markdown, Atlassian documents.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
RESET client_min_messages;
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION pg_temp.read_html(t text) RETURNS text LANGUAGE sql AS $$ SELECT syncore.convert_rich_text(t, 'html', 'markdown') $$;
CREATE FUNCTION pg_temp.read_wiki(t text) RETURNS text LANGUAGE sql AS $$ SELECT syncore.convert_rich_text(t, 'wiki', 'markdown') $$;
CREATE FUNCTION pg_temp.html(t text) RETURNS text LANGUAGE sql AS $$ SELECT syncore.convert_rich_text(t, 'markdown', 'html') $$;
CREATE FUNCTION pg_temp.wiki(t text) RETURNS text LANGUAGE sql AS $$ SELECT syncore.convert_rich_text(t, 'markdown', 'wiki') $$;

-- a document with all that is understood, as HTML and wiki markup; from there it is the same text again
CREATE TABLE pg_temp.doc AS SELECT E'# Disk full on **db1**\n\nSee the [runbook](https://wiki.example/rb?a=1&b=2) or https://acme.example/x, *soon*; ~~not~~ `df -h <dir>`.\nSecond line & more.\n\n- check\n  - /var\n  - /tmp\n- then\n\n1. stop\n2. start\n   - slowly\n\n```sql\nSELECT 1 < 2;\n\n-- {code} and </pre>\n```\n\n> said so\n> twice\n\n---\n\nend' AS t;
SELECT pg_temp.html(t) FROM doc;
SELECT pg_temp.wiki(t) FROM doc;
SELECT pg_temp.read_html(pg_temp.html(t)) = t AS html_and_back, pg_temp.read_wiki(pg_temp.wiki(replace(t, '{code} and', '{quote} and'))) = replace(t, '{code} and', '{quote} and') AS wiki_and_back FROM doc;
-- code that speaks of the macro around it is put into another, or the macro in it is broken
SELECT pg_temp.wiki(E'```\n{code}\n```'), pg_temp.wiki(E'```\n{code} {noformat} x\n```');
-- HTML to wiki to HTML keeps text, links, lists and code
SELECT h = syncore.convert_rich_text(syncore.convert_rich_text(h, 'html', 'wiki'), 'wiki', 'html') AS the_same FROM (SELECT pg_temp.html(replace(t, '{code} and ', '')) AS h FROM doc) AS x;

-- HTML as products write it
SELECT n, pg_temp.read_html(h) FROM (VALUES
	(1, '<p>one</p><p>two<br>three</p>'), (2, 'no tags at all & an ampersand'), (3, '<div>azure <b>bold</b></div><div><br></div><div>devops</div>'),
	(4, '<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>'), (5, '<UL><LI>unclosed<LI>items</UL>'), (6, '<ol><li><p>p in li</p></li><li>x</li></ol>'),
	(7, '<p>caf&eacute; &euro; &#8364; &lt;b&gt; &nbsp; x</p>'), (8, '<a href="https://x.example/?a=1&amp;b=2">link</a> <a href="javascript:alert(1)">no link</a> <a href="/rel">relative</a> <a name="x">anchor</a>'),
	(9, '<script>alert(1)</script><style>p{}</style>text<!-- comment -->'), (10, E'<pre>\n  two  spaces\n\nand lines\n</pre>'), (11, '<pre><code class="hljs language-sql">SELECT 1;</code></pre>'),
	(12, '<table><tr><th>h1</th><th>h2</th></tr><tr><td>a</td><td><b>b</b></td></tr></table>'), (13, '<img src="https://x/a.png" alt="screenshot"> <img src="x">'),
	(14, '<h2>title</h2>text'), (15, '<blockquote><p>q1</p><p>q2</p></blockquote>'), (16, '<b>bold <i>both</b> italic?</i>'), (17, '<p> white   space </p>  <p></p>'), (18, '<span style="color:red">styled</span><unknown>kept</unknown>'),
	(19, '<p>word<b>s</b>plit <em> spaced </em>end</p>'), (20, ''), (21, '<'), (22, 'a < b > c'), (23, '<p>unclosed'), (24, '</p></div>stray'), (25, '<p title="a>b">attr</p>'), (26, 'one<hr/>two'), (27, '<li>no list</li>'), (28, '<b></b><i> </i>')
) AS v(n, h) ORDER BY n;

-- wiki markup as products write it
SELECT n, pg_temp.read_wiki(w) FROM (VALUES
	(1, E'h1. Title\nh3. Third\ntext *bold* _it_ -gone- {{code}}'), (2, E'* a\n** b\n*** c\n* d\n# one\n## two\n#* mixed'), (3, E'- dash\n- list\n\npara'),
	(4, E'{code:java|title=X.java}\nint a;\n{code}\nafter'), (5, E'{noformat}\n*raw*\n{noformat}'), (6, E'{quote}\nq1\nq2\n{quote}'), (7, 'bq. quoted'), (8, E'----\nx'),
	(9, '[words|https://x.example/a_b] [https://y.example] [mail|mailto:a@b.example] [~lee] [^file.txt] [no link]'), (10, '{color:red}red{color} {panel}in{panel} {unknown}x{unknown}'),
	(11, '!shot.png|thumbnail! and wow! really!'), (12, E'||h||k||\n|a|[w\|https://x.example]|'), (13, E'line one\nline two\\\\line three'), (14, '2 * 3 * 4, snake_case_name, a-b-c, -5 and -6'),
	(15, '\*not bold\* \{code} \[x]'), (16, '*unclosed _open -x'), (17, E'{code}\nnever closed'), (18, E'* item\ngoes on\n\nnot'), (19, E'* item\n{code}\nin it\n{code}'), (20, '*bold _both_ bold*'), (21, ''), (22, E'\n\n'), (23, 'ümläut *fett* €'), (24, E'h2. \nbq. ')
) AS v(n, w) ORDER BY n;

-- lists keep their numbers: HTML has a place for the first, wiki markup none, so it is text there
SELECT n, pg_temp.html(t), pg_temp.wiki(t), pg_temp.read_html(pg_temp.html(t)) = t AS html_and_back, pg_temp.read_wiki(pg_temp.wiki(t)) AS wiki_and_back
FROM unnest(ARRAY[E'3. three\n4. four\n   - x', E'1. a\n   7. b\n   8. c\n2. d']) WITH ORDINALITY AS u(t, n) ORDER BY n;
SELECT pg_temp.read_html(h) FROM unnest(ARRAY['<ol start="x"><li>a</ol>', '<ol start="-3"><li>a</ol>', '<ol start="99999999999"><li>a</ol>', '<ul start="3"><li>a</ul>']) AS h;

-- what is written cannot be more than text there: nothing escapes its element, nothing becomes a macro
SELECT pg_temp.html('<script>alert(1)</script> "a" & b [x](https://x.example/?q="><b>) `</code>`');
SELECT pg_temp.wiki('{code} [link|https://evil.example] *{color:red}* !image.png! a|b \ end_ _x');
SELECT pg_temp.read_wiki(pg_temp.wiki(t)) = t FROM unnest(ARRAY['{code} [link|https://evil.example] {color:red} !image.png! a|b \ end', 'snake_case and 2 * 3 and a-b', 'C:\path\x', 'a {{b}} c', '- [ ] task', 'x -y- z', 'wow! really!', '**bold** *it* ~~st~~']) WITH ORDINALITY AS u(t, n) ORDER BY n;

-- a link keeps its words and its address, whatever stands in them; what no address may hold is spelt as addresses spell it
SELECT w, back = h AS and_back FROM unnest(ARRAY[
	'<p><a href="https://x.example/a">a ] b | c { d } [e] \ f</a></p>', '<p><a href="https://x.example/a">ends in \</a> |</p>', '<p><a href="https://x.example/a">{code}</a>]</p>',
	'<p>a <a href="https://x.example/a\-b">https://x.example/a\-b</a> b</p>']) AS h,
	LATERAL (SELECT syncore.convert_rich_text(h, 'html', 'wiki') AS w) w, LATERAL (SELECT syncore.convert_rich_text(w, 'wiki', 'html') AS back) b;
SELECT w, b, syncore.convert_rich_text(b, 'html', 'wiki') = w AS stays FROM (SELECT syncore.convert_rich_text('<p><a href="https://x.example/a/?q=[1]|{2}">words</a></p>', 'html', 'wiki') AS w) w,
	LATERAL (SELECT syncore.convert_rich_text(w, 'wiki', 'html') AS b) b;
SELECT pg_temp.read_wiki(w) FROM unnest(ARRAY['|[a \] b|https://x.example/c]|d \| e|', '[not closed \] here', '[a \| b] [x|https://x.example/y]']) AS w;

-- properties, from a printed seed: letters are never lost, whatever stands around them, both ways; and no input fails
DO $$
DECLARE
	seed bigint := 421;
	x bigint := seed;
	t text;
	back text;
	parts text[] := ARRAY['a', 'bc', ' ', E'\n', E'\n\n', '*', '**', '_', '`', E'\n```\n', '~~', '- ', '1. ', '> ', '# ', '[', '](', ')', '  ', '<b>', '</b>', '<', '>', '&amp;', 'ü', '---', '\', '{', '}', '{{', '}}', '|', '!', '#', '<ul><li>', '</ul>', '<pre>', '</pre>', '&', ';'];
BEGIN
	FOR i IN 1..1000 LOOP
		t := '';
		FOR k IN 1..(1 + i % 40) LOOP
			x := (x * 1103515245 + 12345) % 2147483648;
			t := t || parts[1 + (x >> 9) % array_length(parts, 1)];
		END LOOP;
		back := pg_temp.read_html(pg_temp.html(t));
		IF regexp_replace(replace(t, '&amp;', ''), '[^a-cü]', '', 'g') <> regexp_replace(replace(back, '&amp;', ''), '[^a-cü]', '', 'g') THEN
			RAISE EXCEPTION 'seed %: through HTML % became %', seed, quote_literal(t), quote_literal(back);
		END IF;
		back := pg_temp.read_wiki(pg_temp.wiki(t));
		IF regexp_replace(replace(t, '&amp;', ''), '[^a-cü]', '', 'g') <> regexp_replace(replace(back, '&amp;', ''), '[^a-cü]', '', 'g') THEN
			RAISE EXCEPTION 'seed %: through wiki markup % became %', seed, quote_literal(t), quote_literal(back);
		END IF;
		PERFORM pg_temp.read_html(t), pg_temp.read_wiki(t);
	END LOOP;
END $$;

-- hostile: no depth, length or shape overflows or takes long
SELECT length(pg_temp.read_html(t)) >= 0 FROM unnest(ARRAY[repeat('<b>', 300000) || repeat('</x>', 100000), repeat('<div>', 200000), repeat('<ul><li>', 100000), repeat('<p>', 300000), repeat('&', 500000), repeat('&lt;', 300000), repeat('<!--', 200000), repeat('<a href="', 100000), repeat('<pre>x', 100000)]) AS t;
SELECT length(pg_temp.read_wiki(t)) >= 0 FROM unnest(ARRAY[repeat('*a ', 300000), repeat('{', 500000), repeat('{{a', 200000), repeat('[a|', 200000), repeat('{code}', 100001), repeat('{quote}' || E'\n', 50001), repeat('!a.', 200000), repeat('*', 500000), repeat(E'*# a\n#* b\n', 50000), repeat('|a', 300000), repeat('_a*b-', 100000)]) AS t;
SELECT right(pg_temp.read_html('<p>' || repeat('0123456789 ', 250000)), 3), right(pg_temp.read_wiki(repeat('0123456789 ', 250000)), 3);
-- another spelling is refused by name
SELECT syncore.convert_rich_text('x', 'rtf', 'html');
SELECT syncore.convert_rich_text('x', 'html', 'adf');
SET client_min_messages = warning;
SET syncore.allow_drop = on;
DROP EXTENSION syncore CASCADE;
