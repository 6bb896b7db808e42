-- R5, R8, RS-03: who set a value that was first heard without its author: histories as in 052 (test/core/story_test.c).
CREATE SCHEMA t055;
SET search_path = t055;
SET client_min_messages = warning;
CREATE FUNCTION core_story(world jsonb, story text, reasons boolean) RETURNS text[]
	AS '$libdir/syncore_core_test', 'core_story' LANGUAGE C STRICT;
CREATE FUNCTION world(grade text DEFAULT 'counter') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_set('{"fields": {"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]}, "title": {"kind": "text"}},
	                   "systems": {"pd": {"rank": 30}, "snow": {"rank": 10}},
	                   "policy": {"*": ["human_wins", "last_update_wins"]}}', '{systems,snow,grade}', to_jsonb(grade)) $$;
CREATE FUNCTION story(world jsonb, story text, reasons boolean DEFAULT false) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT unnest(core_story(world, story, reasons)) $$;
-- How a story ends: the values, who stands for them in the ledger, and what is due.
CREATE FUNCTION ending(world jsonb, story text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(trim(line), '; ' ORDER BY n) FROM unnest(core_story(world, story || E'\nstate', false)) WITH ORDINALITY AS t(line, n)
	WHERE line ~ '^    (title|severity) = ' $$;
\pset tuples_only on
\pset format unaligned

-- The answer to our write shows a.lee's title before her webhook does: by nobody we know, it loses to the older b.kim.
-- Her webhook says nothing new but who she is: the later person stands, and b.kim's record is given her title.
SELECT story(world(), $$
snow says title=a severity=low v1 by a.lee
pd says title=a severity=low v1 by b.kim
at 14:00:10
pd says severity=high v2 by b.kim
snow sends
pd says title=kim v3 by b.kim
at 14:00:20
snow answers v3 title=lee severity=high
snow sends
at 14:00:30
snow answers v4 title=kim
snow says title=lee v2 by a.lee
snow sends
snow answers v5 title=lee
pd sends
pd answers v4 title=lee
state
# heard again, whole or in part, nothing moves
snow says title=lee v2 by a.lee
snow says title=lee severity=high v3 us full
again 3
state
$$, true);

-- It makes no difference which is heard first, and when: her webhook, a slot read, or the answer; before or after b.kim's.
CREATE VIEW heard AS SELECT * FROM (VALUES
	('webhook first',             E'snow says title=lee v2 by a.lee\npd says title=kim v2 by b.kim'),
	('webhook last',              E'pd says title=kim v2 by b.kim\nsnow says title=lee v2 by a.lee'),
	('read, webhook, the other',  E'snow shows v2 title=lee severity=low unknown\nsnow says title=lee v2 by a.lee\npd says title=kim v2 by b.kim'),
	('read, the other, webhook',  E'snow shows v2 title=lee severity=low unknown\npd says title=kim v2 by b.kim\nsnow says title=lee v2 by a.lee'),
	('the other, read, webhook',  E'pd says title=kim v2 by b.kim\nsnow shows v2 title=lee severity=low unknown\nsnow says title=lee v2 by a.lee'),
	('read later, by a machine',  E'pd says title=kim v2 by b.kim\nsnow shows v3 title=lee severity=low by bot automation\nsnow says title=lee v2 by a.lee'),
	('a machine''s whole record', E'pd says title=kim v2 by b.kim\nsnow says title=lee severity=medium v3 by bot automation full\nsnow says title=lee v2 by a.lee'),
	('our own, not the whole',    E'pd says title=kim v2 by b.kim\nsnow says title=lee severity=medium v3 us\nsnow says title=lee v2 by a.lee'),
	('our own echo',              E'pd says title=kim v2 by b.kim\nsnow says title=lee severity=low v3 us full\nsnow says title=lee v2 by a.lee')) AS t(order_of, heard);
SELECT order_of, ending(jsonb_set(world(), '{policy}', policy), E'snow says title=a severity=low v1 by a.lee\npd says title=a severity=low v1 by b.kim\nsnow reads\n' || heard)
FROM heard, (VALUES ('{"*": ["human_wins", "system_of_record"]}'::jsonb)) p(policy);
-- (control) without her webhook the older person stands
SELECT ending(world(), E'snow says title=a v1 by a.lee\npd says title=a v1 by b.kim\nsnow reads\npd says title=kim v2 by b.kim\nsnow shows v2 title=lee unknown');

-- What is no proof: an older statement of a value that has come back since, our own name, an event that nobody signed.
SELECT story(world(), $$
snow says title=a v1 by a.lee
pd says title=a v1 by b.kim
snow says title=x v2 by bot automation
snow says title=b v3 by a.lee
snow reads
at 14:00:10
pd says title=kim v2 by b.kim
snow shows v5 title=x unknown
snow says title=x v2 by a.lee
snow says title=x v5 us full
snow says title=x v5 unknown
state
# but v4 is the one
snow says title=x v4 by a.lee
$$);

-- What the record showed stood, and was replaced by somebody who had seen it; then its author is heard of: told, once
SELECT story(world(), $$
snow says title=a severity=low v1 by a.lee
pd says title=a severity=low v1 by b.kim
pd says severity=high v2 by b.kim
snow sends
snow answers v3 title=lee severity=high
pd sends
pd answers v3 title=lee
pd says title=kim v4 by b.kim
snow sends
snow answers v4 title=kim
snow says title=lee v2 by a.lee
snow says title=lee v2 by a.lee
# (control) what is older than that is just older
snow says title=a v1 by a.lee
state
$$, true);

-- The same when several records show it before the edit itself is heard: whoever said it first wrote it, and it is not merely old
SELECT story(world('fine'), $$
snow says title=a severity=low v1 by a.lee
pd says title=a severity=low v1 by b.kim
pd says severity=high v2 by b.kim
snow sends
snow answers v9 title=lee severity=high
pd sends
pd answers v3 title=lee
pd says title=kim v4 by b.kim
snow sends
snow answers v12 title=kim
snow says title=lee severity=low v8 by carl
snow says title=lee severity=low v7 by carl
snow says title=lee v6 by a.lee
# (control) heard again it is old
snow says title=lee v6 by a.lee
snow says title=a v5 by a.lee
$$, true);

-- Shown by a record under our own name, replaced by an edit elsewhere, and standing there still: who set it is told, once
SELECT story(world('fine'), $$
snow says title=a severity=low v1 by a.lee
pd says title=a severity=low v1 by b.kim
snow says title=lee severity=low v5 us full
pd sends
pd answers v3 title=lee
pd says title=kim v4 by b.kim
snow says title=lee v4 by a.lee
snow says title=lee v4 by a.lee
# (control) what was there before is just old
snow says title=a v1 by a.lee
$$, true);

-- Later still: what a machine's whole record showed was a person's; what a person's showed was another's before.
SELECT story(world('fine'), $$
snow says title=a severity=low v1 by a.lee
pd says title=a severity=low v1 by b.kim
snow says title=x severity=high v9 by bot automation full
snow says title=x severity=low v7 by carl full
snow says title=x severity=low v5 by a.lee full
snow says title=x severity=low v6 by bot automation full
state
$$, true);

-- No positions: the webhook owes a read, the read says what is held, the webhook says by whom.
SELECT story(world('none'), $$
snow says title=a v1 by a.lee
snow sends
snow shows title=a unknown
pd says title=a v1 by b.kim
at 14:00:10
pd says title=kim v2 by b.kim
at 14:00:20
snow says title=lee by a.lee
snow sends
snow shows title=lee unknown
state
$$, true);

-- R18, RS-07: held for a person, the review tells who said what.
SELECT story(jsonb_set(world(), '{policy,title}', '["manual"]'), $$
snow says title=a v1 by a.lee
pd says title=a v1 by b.kim
pd says title=kim v2 by b.kim
snow reads
snow shows v2 title=lee unknown
snow says title=lee v2 by a.lee
state
$$, true);
DROP SCHEMA t055 CASCADE;
