-- URI Templates (RFC 6570, levels 1-4), body templates, and what may be a base URL.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
RESET client_min_messages;
CREATE FUNCTION pg_temp.uri(text, jsonb) RETURNS text AS '$libdir/syncore_core_test', 'core_uri' LANGUAGE C STRICT;
CREATE FUNCTION pg_temp.body(jsonb, jsonb) RETURNS jsonb AS '$libdir/syncore_core_test', 'core_body' LANGUAGE C STRICT;
CREATE FUNCTION pg_temp.form(jsonb) RETURNS text AS '$libdir/syncore_core_test', 'core_form' LANGUAGE C STRICT;

-- the vectors of RFC 6570, section 3.2 (jsonb orders the members of keys: dot, semi, comma)
CREATE TEMP TABLE vars AS SELECT '{"count": ["one", "two", "three"], "dom": ["example", "com"], "dub": "me/too", "hello": "Hello World!",
	"half": "50%", "var": "value", "who": "fred", "base": "http://example.com/home/", "path": "/foo/bar", "list": ["red", "green", "blue"],
	"keys": {"semi": ";", "dot": ".", "comma": ","}, "v": "6", "x": "1024", "y": "768", "empty": "", "empty_keys": {}, "undef": null}'::jsonb AS v;
SELECT t, pg_temp.uri(t, v) AS got, w AS wanted FROM vars, (VALUES
	('{count}', 'one,two,three'), ('{count*}', 'one,two,three'), ('{/count}', '/one,two,three'), ('{/count*}', '/one/two/three'),
	('{;count}', ';count=one,two,three'), ('{;count*}', ';count=one;count=two;count=three'), ('{?count}', '?count=one,two,three'),
	('{?count*}', '?count=one&count=two&count=three'), ('{&count*}', '&count=one&count=two&count=three'),
	('{var}', 'value'), ('{hello}', 'Hello%20World%21'), ('{half}', '50%25'), ('O{empty}X', 'OX'), ('O{undef}X', 'OX'), ('{x,y}', '1024,768'),
	('{x,hello,y}', '1024,Hello%20World%21,768'), ('?{x,empty}', '?1024,'), ('?{x,undef}', '?1024'), ('?{undef,y}', '?768'),
	('{var:3}', 'val'), ('{var:30}', 'value'), ('{list}', 'red,green,blue'), ('{list*}', 'red,green,blue'),
	('{keys}', 'dot,.,semi,%3B,comma,%2C'), ('{keys*}', 'dot=.,semi=%3B,comma=%2C'),
	('{+var}', 'value'), ('{+hello}', 'Hello%20World!'), ('{+half}', '50%25'), ('{base}index', 'http%3A%2F%2Fexample.com%2Fhome%2Findex'),
	('{+base}index', 'http://example.com/home/index'), ('O{+empty}X', 'OX'), ('O{+undef}X', 'OX'), ('{+path}/here', '/foo/bar/here'),
	('here?ref={+path}', 'here?ref=/foo/bar'), ('up{+path}{var}/here', 'up/foo/barvalue/here'), ('{+x,hello,y}', '1024,Hello%20World!,768'),
	('{+path,x}/here', '/foo/bar,1024/here'), ('{+path:6}/here', '/foo/b/here'), ('{+list}', 'red,green,blue'), ('{+keys}', 'dot,.,semi,;,comma,,'),
	('{+keys*}', 'dot=.,semi=;,comma=,'), ('{#var}', '#value'), ('{#hello}', '#Hello%20World!'), ('foo{#empty}', 'foo#'), ('foo{#undef}', 'foo'),
	('{#x,hello,y}', '#1024,Hello%20World!,768'), ('{#path,x}/here', '#/foo/bar,1024/here'), ('{#path:6}/here', '#/foo/b/here'), ('{#list*}', '#red,green,blue'),
	('{.who}', '.fred'), ('{.who,who}', '.fred.fred'), ('{.half,who}', '.50%25.fred'), ('www{.dom*}', 'www.example.com'), ('X{.var}', 'X.value'),
	('X{.empty}', 'X.'), ('X{.undef}', 'X'), ('X{.var:3}', 'X.val'), ('X{.list}', 'X.red,green,blue'), ('X{.list*}', 'X.red.green.blue'),
	('X{.keys*}', 'X.dot=..semi=%3B.comma=%2C'), ('X{.empty_keys}', 'X'), ('{/who}', '/fred'), ('{/who,who}', '/fred/fred'), ('{/half,who}', '/50%25/fred'),
	('{/who,dub}', '/fred/me%2Ftoo'), ('{/var,empty}', '/value/'), ('{/var,undef}', '/value'), ('{/var,x}/here', '/value/1024/here'),
	('{/var:1,var}', '/v/value'), ('{/list*}', '/red/green/blue'), ('{/keys*}', '/dot=./semi=%3B/comma=%2C'), ('{;who}', ';who=fred'),
	('{;half}', ';half=50%25'), ('{;empty}', ';empty'), ('{;v,empty,who}', ';v=6;empty;who=fred'), ('{;v,undef,who}', ';v=6;who=fred'),
	('{;hello:5}', ';hello=Hello'), ('{;keys}', ';keys=dot,.,semi,%3B,comma,%2C'), ('{;keys*}', ';dot=.;semi=%3B;comma=%2C'), ('{?who}', '?who=fred'),
	('{?x,y,empty}', '?x=1024&y=768&empty='), ('{?x,y,undef}', '?x=1024&y=768'), ('{?var:3}', '?var=val'), ('{?keys*}', '?dot=.&semi=%3B&comma=%2C'),
	('{&who}', '&who=fred'), ('?fixed=yes{&x}', '?fixed=yes&x=1024'), ('{&x,y,empty}', '&x=1024&y=768&empty='), ('{&undef}', '')
) AS u(t, w) WHERE pg_temp.uri(t, v) IS DISTINCT FROM w;
SELECT count(*) FROM vars WHERE pg_temp.uri('{var}', v) = 'value';

-- variables are dotted names of the context; what comes from outside is encoded and cannot leave its place
SELECT pg_temp.uri('/api/now/table/{record_type}/{link.external_id}{?fields}', c), pg_temp.uri('/a/{link.nothing}', c)
FROM (SELECT '{"record_type": "incident", "link": {"external_id": "9d385017c611"}, "fields": ["state", "number"]}'::jsonb) AS v(c);
SELECT id, pg_temp.uri('/issue/{id}/comment', jsonb_build_object('id', id))
FROM unnest(ARRAY['OPS-7', '../admin', '..', '.', 'a/b?x=1#y', 'ü€', E'a\nb', '%2e%2e', 'a b']) WITH ORDINALITY AS u(id, n) ORDER BY n;
SELECT pg_temp.uri('{+p}', '{"p": "a/../b"}') IS NULL AS refused, pg_temp.uri('/x{?q}', '{"q": "../.."}');

-- what is no template
SELECT t, pg_temp.uri(t, '{}') FROM unnest(ARRAY['/a{', '/a}', '{}', '{a,}', '{=a}', '{|a}', '{a:0}', '{a:10000}', '{a b}', 'a b', E'a\tb', '{a..b}', '{.a}', '{a.}', '{?a,b*}']) WITH ORDINALITY AS u(t, n) ORDER BY n;
SELECT pg_temp.uri(repeat('a', 8193), '{}');
SELECT syncore._check_template('/a{');

-- bodies: a whole "{name}" keeps its JSON type and is left out when absent; text inside text; data is never expanded again
SELECT pg_temp.body('{"short_description": "{title}", "n": "{number}", "flag": "{flag}", "none": "{missing}", "null": "{nothing}",
	"list": ["{missing}", "{title}", 1], "nested": {"properties": [{"key": "syncore", "value": {"marker": "{link.marker}"}}]},
	"text": "From {system}: {title} ({number}) {missing}.", "kept": "{ not a variable } {1} {a b} {", "adf": "{doc}"}',
	'{"title": "Disk {link.marker} full", "number": 42, "flag": true, "nothing": null, "link": {"marker": "m-1"}, "system": "snow", "doc": {"type": "{title}"}}');
SELECT pg_temp.body('"{a}"', '{"a": [1]}'), pg_temp.body('"{b}"', '{"a": [1]}'), pg_temp.body('7', '{}'), pg_temp.body('[]', '{}');
SELECT pg_temp.form('{"grant_type": "client_credentials", "scope": "a b&c=d", "n": 1, "t": true, "gone": null, "ü": "é*-._~"}');

-- SE: base URLs
SELECT u, syncore._check_url(u, false) FROM unnest(ARRAY['https://acme.service-now.com', 'https://acme.example:8443/jira', 'HTTPS://10.0.0.1', 'https://[2001:db8::1]:8443/', 'https://xn--bcher-kva.example', 'https://host_with_underscore.corp/a/b%20c/']) AS t(u);
SELECT syncore._check_url('http://localhost:8080', true);
CREATE FUNCTION pg_temp.refused(url text, allow_http boolean DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	PERFORM syncore._check_url(url, allow_http);
	RETURN 'ACCEPTED';
EXCEPTION WHEN invalid_parameter_value THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLERRM || ' -- ' || detail;
END $$;
SELECT pg_temp.refused(u) FROM unnest(ARRAY['http://acme.example', 'ftp://acme.example', 'acme.example', 'https://', 'https:///x', 'https://bob:hunter2@acme.example', 'https://acme.example?x=1',
	'https://acme.example#f', 'https://acme.example/a/../b', 'https://acme.example/%2E%2e/b', 'https://acme.example/a%2fb', E'https://acme.example/a\nb', 'https://acme.example/a b',
	'https://b' || chr(252) || 'cher.example', 'https://acme.example:0', 'https://acme.example:65536', 'https://acme.example:x', 'https://acme..example', 'https://-a.example', 'https://a_.b!c', 'https://[::1', 'https://[zz]',
	'https://acme.example\@evil.example', 'https://acme.example/%zz', 'https://' || repeat('a', 64) || '.example', 'https://' || repeat('a.', 130) || 'example']) WITH ORDINALITY AS t(u, n) ORDER BY n;
SET client_min_messages = warning;
SET syncore.allow_drop = on;
DROP EXTENSION syncore CASCADE;
