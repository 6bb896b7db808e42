-- Is a statement news?  R1 to R6 (R1 itself is the engine's), told as histories: see test/core/story_test.c.
CREATE SCHEMA t051;
SET search_path = t051;
SET client_min_messages = warning;
CREATE FUNCTION core_story(world jsonb, story text, reasons boolean) RETURNS text[]
	AS '$libdir/syncore_core_test', 'core_story' LANGUAGE C STRICT;
CREATE FUNCTION world(grade text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('fields', '{"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]}, "title": {"kind": "text"}}'::jsonb,
		'systems', jsonb_build_object('pd', '{"rank": 30}'::jsonb, 'snow', jsonb_build_object('grade', grade, 'rank', 10)),
		'policy', '{"*": ["last_update_wins"]}'::jsonb) || more $$;
CREATE FUNCTION story(world jsonb, story text, reasons boolean DEFAULT false) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT unnest(core_story(world, story, reasons)) $$;
\pset tuples_only on
\pset format unaligned

-- R3, race echo_before_response: the echo arrives before the answer (same value, our name: done at once; another value: it waits)
SELECT story(world('counter'), $$
snow says severity=low title=Printer v1 by a.lee
pd says severity=low title=Printer v1 by router automation
at 14:00:05
pd says severity=high v2 by b.kim
snow sends
snow says severity=high v2 us
snow says severity=critical v3 by a.lee
snow answers v2 severity=high
state
$$);
-- R4a: the product hands our marker back: an echo even when it spells the value in its own way
SELECT story(world('counter'), $$
snow says title=Printer v1 by a.lee
pd says title=Printer v1 by a.lee
at 14:00:05
pd says title=Printer_on_fire v2 by b.kim
snow sends
snow answers v2 title=Printer_on_fire
snow says title=PRINTER_ON_FIRE v3 us marker
$$, true);
-- R4d, race echo_after_later_write: the echo of write 1 after write 2 was sent (C by position, F and S by value)
SELECT story(world('counter'), $$
snow says severity=low v1 by a.lee
pd says severity=low v1 by a.lee
at 14:00:05
pd says severity=high v2 by b.kim
snow sends
snow answers v2 severity=high
at 14:00:06
pd says severity=critical v3 by b.kim
snow sends
snow answers v3 severity=critical
snow says severity=high v2 us
snow says severity=critical v3 us
$$);
SELECT story(world('fine'), $$
snow says severity=low v100 by a.lee
pd says severity=low v1 by a.lee
at 14:00:05
pd says severity=high v2 by b.kim
snow sends
snow answers v200 severity=high
at 14:00:06
pd says severity=critical v3 by b.kim
snow sends
snow answers v300 severity=critical
snow says severity=high v200 us
$$);
-- Race same_value_by_hand (R4h): after our echo was consumed a person sets the same value again, later: heard, and it is nothing new;
-- a person who changes it and sets it back is heard twice
SELECT story(world('counter'), $$
snow says severity=low v1 by a.lee
pd says severity=low v1 by a.lee
at 14:00:05
pd says severity=high v2 by b.kim
snow sends
snow answers v2 severity=high
snow says severity=high v2 us
at 14:00:10
snow says severity=low v3 by a.lee
pd sends
pd answers v3 severity=low
at 14:00:12
snow says severity=high v4 by a.lee
state
$$);
-- R4e, race raced_edit: a person's edit that our write overwrote is judged by what snow had seen before it: a conflict
SELECT story(world('counter'), $$
snow says severity=low v1 by a.lee
pd says severity=low v1 by a.lee
at 14:00:05
pd says severity=high v2 by b.kim
snow sends
snow answers v3 severity=high
at 14:00:06
snow says severity=critical v2 by a.lee
snow sends
snow answers v4 severity=critical
pd sends
pd answers v3 severity=critical
state
$$, true);
-- R4e: compared with what stood before the write, not with today's shadow: a late full record does not revert our write
SELECT story(world('counter'), $$
snow says severity=low title=Printer v1 by a.lee
pd says severity=low title=Printer v1 by a.lee
at 14:00:05
pd says severity=high v2 by b.kim
snow sends
snow answers v3 severity=high title=Printer_2
snow says severity=low title=Printer_2 v2 by a.lee full
state
$$);
-- R4c, R4f, races out_of_order and redelivered (EL-13): an older statement never undoes a newer one
SELECT story(world('counter'), $$
snow says severity=low v1 by a.lee
snow says severity=high v3 by a.lee
snow says severity=medium v2 by a.lee
snow says severity=low v1 by a.lee
state
$$, true);
-- R6: stale is per field: v5 speaks of the title, although v6 spoke of the severity first
SELECT story(world('counter'), $$
snow says severity=low title=Printer v4 by a.lee
snow says severity=high v6 by a.lee
snow says title=Fire v5 by a.lee
state
$$);
-- R4g, race tie_same_second: two values of one second cannot be ordered: the record is read, and what it shows stands
SELECT story(world('coarse'), $$
snow says severity=low v10 by a.lee
snow says severity=high v10 by a.lee
snow sends
snow shows v10 severity=low
snow says severity=critical v10 by a.lee
snow sends
snow shows v10 severity=critical
state
$$, true);
-- R4d and R11: an edit in the second of our write; the read finds ours, so the edit was overwritten: raced
SELECT story(world('coarse'), $$
snow says severity=low v10 by a.lee
pd says severity=low v1 by a.lee
at 14:00:05
pd says severity=high v2 by b.kim
snow sends
snow answers v15 severity=high
at 14:00:06
snow says severity=critical v15 by a.lee
snow sends
snow shows v15 severity=high
state
$$, true);
-- R2, R4b: without positions only a read in the slot says what is news
SELECT story(world('none'), $$
snow says severity=low by a.lee
snow sends
snow shows severity=low
pd says severity=low v1 by a.lee
at 14:00:05
pd says severity=high v2 by b.kim
snow sends
snow answers severity=high
snow says severity=high us
snow says severity=low by a.lee
snow sends
snow shows severity=high
state
$$, true);
-- R4f in the slot, race stale_replica: a replica that lags answered: read again
SELECT story(world('fine'), $$
snow says severity=low v100 by a.lee
pd says severity=low v1 by a.lee
at 14:00:05
snow says severity=critical v300 by a.lee
snow says severity=high v300 by a.lee
snow sends
snow shows v100 severity=low
snow sends
snow shows v300 severity=critical
state
$$);
-- EL-05: under our own account, but another value than we wrote: a real edit
SELECT story(world('counter'), $$
snow says severity=low v1 by a.lee
snow says severity=high v2 us
$$, true);
DROP SCHEMA t051 CASCADE;
