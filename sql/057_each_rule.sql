-- Lines of the rules by themselves: histories that end otherwise where the line is missing.  R3 to R5, R7, R9 to R11, R15, R20; as in 051.
CREATE SCHEMA t057;
SET search_path = t057;
SET client_min_messages = warning;
CREATE FUNCTION core_story(world jsonb, story text, reasons boolean) RETURNS text[]
	AS '$libdir/syncore_core_test', 'core_story' LANGUAGE C STRICT;
CREATE FUNCTION world(grade text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('fields', '{"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]}, "title": {"kind": "text"}}'::jsonb,
		'systems', jsonb_build_object('pd', '{"rank": 30}'::jsonb, 'jira', '{"rank": 20}'::jsonb, 'snow', jsonb_build_object('grade', grade, 'rank', 10)),
		'policy', '{"*": ["last_update_wins"]}'::jsonb) || more $$;
CREATE FUNCTION story(world jsonb, story text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT unnest(core_story(world, story, false)) $$;
-- Two records in step, and a write of ours under way; one that was lost, and found not to have landed.
CREATE FUNCTION on_its_way() RETURNS text LANGUAGE sql AS $$ SELECT '
snow says severity=low v1 by a.lee
pd says severity=low v1 by b.kim
at 14:00:05
pd says severity=high v2 by b.kim
snow sends' $$;
CREATE FUNCTION not_landed() RETURNS text LANGUAGE sql AS $$ SELECT on_its_way() || '
snow loses
snow sends
snow shows v1 severity=low' $$;
\pset tuples_only on
\pset format unaligned

-- R3: a statement that carries the marker of the call on its way does not wait, however its value is spelt (R4a); another field of it
-- was not written by that call, so it is the product's own doing and is heard
SELECT story(world('counter'), $$
snow says severity=low title=Printer v1 by a.lee
pd says severity=low title=Printer v1 by b.kim
at 14:00:05
pd says title=Fire v2 by b.kim
snow sends
snow says title=FIRE! severity=high v2 us marker
$$);
-- R4b: without positions one of our values under our name is an echo; by a person it is read first
SELECT story(world('none'), $$
snow says severity=low by a.lee
snow sends
snow shows severity=low
pd says severity=low v1 by b.kim
at 14:00:05
pd says severity=high v2 by b.kim
snow sends
snow answers severity=high
pd says severity=medium v3 by b.kim
snow sends
snow answers severity=medium
snow says severity=high us
snow says severity=high by a.lee
snow sends
snow shows severity=high
$$);
-- R4c: older than the last change there: stale, though it has the position of a write of ours
SELECT story(world('fine'), $$
snow says severity=low v100 by a.lee
pd says severity=low v1 by b.kim
at 14:00:05
pd says severity=high v2 by b.kim
snow sends
snow answers v200 severity=high
snow says severity=critical v300 by a.lee
snow says severity=medium v200 by c.ray
$$);
-- R4d: a counter's position is one write: what it shows is ours, whatever the product made of it
SELECT story(world('counter'), on_its_way() || $$
snow answers v2 severity=high
snow says severity=medium v2 us
$$);
-- R4d, R11: tied with two writes of one second, and overwritten by the earlier: it had not seen what that one brought
SELECT story(world('coarse'), $$
snow says severity=low v10 by a.lee
pd says severity=low v1 by b.kim
at 14:00:01
pd says severity=high v2 by b.kim
snow sends
snow answers v15 severity=high
at 14:00:02
jira says severity=medium v1 by c.ray
snow sends
snow answers v15 severity=medium
at 14:00:03
snow says severity=critical v15 by a.lee
snow sends
snow shows v15 severity=medium
state
$$);
-- R4e: overwritten by the earliest of the writes that came later, not by the last
SELECT story(world('counter'), $$
snow says severity=low v1 by a.lee
pd says severity=low v1 by b.kim
at 14:00:01
pd says severity=high v2 by b.kim
snow sends
snow answers v3 severity=high
at 14:00:02
pd says severity=medium v3 by b.kim
snow sends
snow answers v4 severity=medium
at 14:00:03
snow says severity=critical v2 by a.lee
state
$$);
-- R4e: in the second in which the value before our write was set, what stood even before that is old (control: another value is not)
SELECT story(world('coarse'), $$
snow says severity=low v10 by a.lee
snow says severity=high v12 by a.lee
pd says severity=high v1 by b.kim
at 14:00:05
pd says severity=medium v2 by b.kim
snow sends
snow answers v15 severity=medium
snow says severity=low v12 by a.lee full
snow says severity=critical v12 by a.lee
$$);
-- R4e: of a write without a body only the latest position is known: under our name the same value before it is its echo; a person's is an agreement
SELECT story(world('counter'), on_its_way() || $$
snow answers v5
snow says severity=high v3 by a.lee
snow says severity=high v4 us
$$);
-- R4f: older than what is known to be held, though newer than the last change: who set it back to low was heard first
SELECT story(world('counter'), $$
snow says severity=low v1 by a.lee
snow says severity=low v3 by a.lee
snow says severity=high v2 by a.lee
snow says severity=high v4 by a.lee
$$);
-- R4g: a counter's revision shows one value: another one of the same revision is not believed (control: of the next it is)
SELECT story(world('counter'), $$
snow says severity=low v1 by a.lee
snow says severity=low v3 by a.lee
snow says severity=high v3 by a.lee
snow says severity=high v4 by a.lee
$$);
-- R4g: tied with what is known, and something was heard since the read began: it is read again
SELECT story(world('coarse'), $$
snow says severity=low title=Printer v10 by a.lee
snow reads
snow says title=Fire v10 by a.lee
snow shows v10 severity=high title=Fire
snow sends
snow shows v10 severity=high title=Fire
$$);
-- R5: a write that was given up as not landed, and a value like it: a machine's is that write, landed late; a person's is his own;
-- and so is a machine's once no landing can be that late
SELECT story(world('counter'), not_landed() || $$
state
snow says severity=high v2 automation
state
$$);
SELECT story(world('counter'), not_landed() || $$
snow says severity=high v2 by a.lee
$$);
SELECT story(world('counter'), not_landed() || $$
at 14:02:00
snow says severity=high v2 automation
$$);
-- R4e: the same below a later write of ours: late landing, or a person who was overwritten
SELECT story(world('counter'), not_landed() || $$
pd says severity=medium v3 by b.kim
snow sends
snow answers v4 severity=medium
snow says severity=high v2 us
$$);
SELECT story(world('counter'), not_landed() || $$
pd says severity=medium v3 by b.kim
snow sends
snow answers v4 severity=medium
snow says severity=high v2 by a.lee
$$);
-- R5, peer_normalises: an echo in the product's own spelling says what it holds; the whole record that comes later says nothing new (control:
-- other words do)
SELECT story(world('counter'), $$
snow says severity=low title=Printer v1 by a.lee
pd says severity=low title=Printer v1 by b.kim
at 14:00:05
pd says title=Fire v2 by b.kim
snow sends
snow answers v2
snow says title=FIRE v2 us
state
snow says severity=high title=FIRE v3 by a.lee full
snow says severity=high title=SMOKE v4 by a.lee full
$$);
-- R10: an acknowledged write shows what stood when it was sent; what came since has not been seen there: a conflict
SELECT story(world('counter'), on_its_way() || $$
pd says severity=medium v3 by b.kim
snow answers v2 severity=high
at 14:00:06
snow says severity=low v3 by a.lee
state
$$);
-- R7: a writer has seen what he wrote himself, also while a person is waited for (R18): one version a system, however often it speaks
SELECT story(world('counter', '{"policy": {"*": ["manual"]}}'), $$
snow says severity=low v1 by a.lee
pd says severity=low v1 by b.kim
at 14:00:05
pd says severity=high v2 by b.kim
snow says severity=medium v2 by a.lee
snow says severity=critical v3 by a.lee
state
$$);
-- R15: a lost write has not landed where one of its fields still shows what was there, though another shows ours: somebody set that himself
SELECT story(world('counter'), $$
snow says severity=low title=Printer v1 by a.lee
pd says severity=low title=Printer v1 by b.kim
at 14:00:05
pd says severity=high title=Fire v2 by b.kim
snow sends
snow loses
snow sends
snow shows v2 severity=high title=Printer
snow sends
$$);
-- R15: nor where the record has not moved: a replica that lags shows what was there before
SELECT story(world('counter'), $$
snow says severity=high v1 by a.lee
snow says severity=low v2 by a.lee
pd says severity=low v1 by b.kim
at 14:00:05
pd says severity=high v2 by b.kim
snow sends
snow loses
snow sends
snow shows v1 severity=high
state
$$);
-- R15: a webhook by our name that shows ours in one field and something else in another proves nothing: it waits for the read
SELECT story(world('counter'), $$
snow says severity=low title=Printer v1 by a.lee
pd says severity=low title=Printer v1 by b.kim
at 14:00:05
pd says severity=high title=Fire v2 by b.kim
snow sends
snow loses
snow says severity=high title=Smoke v2 us
$$);
-- R15: landed, as the product spells it: nobody knows whether it was this write, so it is made once more
SELECT story(world('counter'), $$
snow says title=Printer v1 by a.lee
pd says title=Printer v1 by b.kim
at 14:00:05
pd says title=Fire v2 by b.kim
snow sends
snow loses
snow sends
snow shows v2 title=FIRE
snow sends
$$);
-- R20: a machine that changes what we wrote to a third value restores nothing, however often; the control restores, once
SELECT story(world('counter', '{"type": {"loop_limit": 1}}'), $$
snow says severity=low v1 by a.lee
pd says severity=low v1 by b.kim
at 14:00:05
pd says severity=high v2 by b.kim
snow sends
snow answers v2 severity=high
at 14:00:06
snow says severity=medium v3 by rule automation
pd sends
pd answers v3 severity=medium
at 14:00:07
pd says severity=critical v4 by b.kim
snow sends
snow answers v4 severity=critical
snow says severity=medium v5 by rule automation
$$);
-- R9: what nobody filled is not spoken of when a record is made; later it is emptied (control)
SELECT story(world('counter', '{"systems": {"snow": {"rank": 10}, "pd": {"rank": 30, "route": true}}}'), $$
snow says severity=low title=Printer v1 by a.lee
snow says title=null v2 by a.lee
pd sends
pd made PD-1 v1 severity=low
snow says severity=null v3 by a.lee
pd sends
$$);
DROP SCHEMA t057 CASCADE;
