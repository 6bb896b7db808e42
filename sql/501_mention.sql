-- Comments in the spelling of each product, and who is mentioned in them: FM-03 (documents, HTML, wiki markup, Markdown, plain text), FM-18 (people).
\getenv top PG_ABS_SRCDIR
\set peers :top '/sql/include/peers.sql'
\i :peers
INSERT INTO syncore.system (name, connector, base_url, mode, rank, connection) SELECT n, 'toy', 'https://' || n || '.example', 'active', r, n FROM (VALUES ('dot', 40), ('eve', 50)) AS t (n, r);
INSERT INTO syncore.record_map (system, record_type, entity_type) VALUES ('dot', 'ticket', 'incident'), ('eve', 'ticket', 'incident');
INSERT INTO syncore.field_map (system, record_type, field, path, contract) SELECT s, 'ticket', 'title', '/title', false FROM unnest('{dot,eve}'::text[]) s;
INSERT INTO syncore.route (system, entity_type, record_type) VALUES ('dot', 'incident', 'ticket'), ('eve', 'incident', 'ticket');
-- one product with a channel for each spelling; a row of the connector says how it is spelt, and how it calls people
CREATE TEMP TABLE spelling AS SELECT * FROM (VALUES ('ann', 'adf', NULL), ('bob', 'wiki', '[~accountid:{id}]'), ('cyd', 'plain', NULL), ('dot', 'markdown', '@{id}'), ('eve', 'html', NULL)) AS t (system, spelt, sign);
INSERT INTO syncore.connector_operation (connector, record_type, operation, position, method, url, body, body_kind, success, response, options)
SELECT 'toy', 'ticket', 'comment', row_number() OVER (), 'POST', '/ticket/{link.external_id}/comment', '{"text": "{comment.body}"}', 'json', '{200}', '{"comment_id": "/id"}',
	jsonb_strip_nulls(jsonb_build_object('channel', spelt, 'rich_text', spelt, 'mention', sign)) FROM spelling;
INSERT INTO syncore.connector_event (connector, position, name, condition, record_type, kind, paths, full_record)
SELECT 'toy', -(row_number() OVER ()), 'comment as ' || spelt, format('$.spelt == "%s"', spelt)::jsonpath, 'ticket', 'comment',
	jsonb_strip_nulls(jsonb_build_object('external_id', '/id', 'source_time', '/at', 'actor', '/by', 'event_id', '/eid', 'comments', '/c', 'comment_id', '/id', 'comment_channel', '/channel',
		'comment_body', '/body', 'comment_author', '/by', 'comment_format', spelt, 'comment_mention', CASE spelt WHEN 'markdown' THEN sign END)), false FROM spelling;
INSERT INTO syncore.comment_map (system, record_type, channel, visibility, direction, author_line) SELECT system, 'ticket', spelt, 'public', 'both', false FROM spelling;
INSERT INTO syncore.identity_map (person, system, external_id) VALUES ('a.lee@acme.example', 'ann', '5b10-lee'), ('a.lee@acme.example', 'bob', '712020:lee'), ('a.lee@acme.example', 'cyd', 'alee'), ('a.lee@acme.example', 'dot', 'ann-lee'),
	('b.kim@acme.example', 'dot', 'bkim'), ('b.kim@acme.example', 'bob', 'kim');
-- somebody writes a comment there
CREATE FUNCTION writes(at_system text, comment_id text, body jsonb, who text DEFAULT 'lee') RETURNS text LANGUAGE sql AS $$
	SELECT outcome FROM pg_temp.spelling s, peer p, syncore.ingest(at_system, jsonb_build_object('id', p.id, 'spelt', s.spelt, 'at', '2026-03-02T12:00:00Z', 'by', who, 'eid', comment_id,
		'c', jsonb_build_object('id', comment_id, 'channel', s.spelt, 'body', body, 'by', who))::text)
	WHERE s.system = at_system AND p.system = at_system $$;
-- what is sent to each system for it
CREATE FUNCTION sent() RETURNS TABLE (to_system text, body text) LANGUAGE plpgsql AS $$
DECLARE
	said text;
BEGIN
	FOR to_system IN SELECT s.system FROM pg_temp.spelling s ORDER BY 1 LOOP
		IF (SELECT c.call FROM claims(to_system) c) = '' THEN CONTINUE; END IF;
		said := test_answer(0, jsonb_build_array(jsonb_build_object('status', 200, 'body', jsonb_build_object('id', to_system || '-' || (SELECT count(*) FROM syncore.comment_copy)))));
		PERFORM test_record();
		body := substring(said FROM 'comment (\{.*?\})\n')::jsonb ->> 'text';
		RETURN NEXT;
	END LOOP;
END $$;
SELECT hears('ann', 'A1', '{"title": "one"}'), settles() AS made;

-- FM-03: a comment with marks, a list and a link, as each product spells it
\pset format unaligned
SELECT writes('eve', 'e1', to_jsonb('<p>Restarted <b>db1</b>, see <a href="https://wiki.example/rb">runbook</a></p><ul><li>a &amp; b</li></ul>'::text));
SELECT body FROM syncore.comment;
SELECT * FROM sent();
SELECT writes('bob', 'b1', to_jsonb(E'*done* {{x}}\n# one\n# two'::text));
SELECT * FROM sent();

-- FM-18: who is mentioned is called in each product by his account there; by name where he has none, or where a product knows no mentions
SELECT writes('ann', 'a1', '{"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "mention", "attrs": {"id": "5b10-lee", "text": "@Ada Lee"}}, {"type": "text", "text": " and "}, {"type": "mention", "attrs": {"id": "5b10-nobody", "text": "@Eva Grün"}}, {"type": "text", "text": ", please look"}]}]}');
SELECT body FROM syncore.comment ORDER BY id DESC LIMIT 1;
SELECT * FROM sent();
SELECT writes('dot', 'd1', to_jsonb('@bkim, @ann-lee: mail to x@bkim.example or @stranger.'::text));
SELECT body FROM syncore.comment ORDER BY id DESC LIMIT 1;
SELECT * FROM sent();
SELECT writes('bob', 'b2', to_jsonb('[~accountid:712020:lee] and [~kim] and [~gone]'::text));
SELECT * FROM sent();

-- what somebody only typed calls nobody
SELECT writes('cyd', 'c1', to_jsonb('see [@Ada Lee](mention:a.lee@acme.example) and @ann-lee'::text));
SELECT * FROM sent();
-- a copy that comes back before its id is known, with the name that the product shows, is the copy: it does not breed (CM-06)
SELECT writes('cyd', 'c2', to_jsonb('plain'::text));
SELECT count(*) AS calls FROM sent();
SELECT count(*) AS before FROM syncore.comment \gset
SELECT writes('dot', 'd2', to_jsonb('@ann-lee: again'::text));
SELECT call <> '' AS sending FROM claims('ann');
SELECT writes('ann', 'a2', '{"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "mention", "attrs": {"id": "5b10-lee", "text": "@Ada M. Lee"}}, {"type": "text", "text": ": again"}]}]}', 'syncore');
SELECT count(*) - :before AS comments FROM syncore.comment;
SELECT kind, rule FROM told WHERE rule = 'echo:comment' ORDER BY id DESC LIMIT 1;
DROP FUNCTION sent(), writes(text, text, jsonb, text);
CALL pg_temp.toys_go();
