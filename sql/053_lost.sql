-- Answers that do not come, values without a word, systems without an order: histories as in 051 (test/core/story_test.c).
CREATE SCHEMA t053;
SET search_path = t053;
SET client_min_messages = warning;
CREATE FUNCTION core_story(world jsonb, story text, reasons boolean) RETURNS text[]
	AS '$libdir/syncore_core_test', 'core_story' LANGUAGE C STRICT;
CREATE FUNCTION world(more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT '{"fields": {"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]}, "title": {"kind": "text"},
	                    "status": {"kind": "state"}},
	         "states": [["new", "open"], ["working", "open"], ["pending", "waiting"], ["resolved", "done"], ["closed", "done"]],
	         "systems": {"pd": {"rank": 30}, "snow": {"rank": 10}},
	         "policy": {"*": ["last_update_wins"]}}'::jsonb || more $$;
CREATE FUNCTION story(world jsonb, story text, reasons boolean DEFAULT false) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT unnest(core_story(world, story, reasons)) $$;
\pset tuples_only on
\pset format unaligned

-- R15: the answer was lost; a webhook by our name that shows what we wrote and nothing else proves that it landed: no read
SELECT story(world(), $$
snow says severity=low title=a v1 by a.lee
pd says severity=low title=a v1 by b.kim
pd says severity=high title=b v2 by b.kim
snow sends
snow loses
snow says severity=high v2 us
snow sends
state
$$, true);
-- R15: by another name it takes all fields; one of them is no proof.  What waited is decided once it is proved (R19)
SELECT story(world(), $$
snow says severity=low title=a v1 by a.lee
pd says severity=low title=a v1 by b.kim
pd says severity=high title=b v2 by b.kim
snow sends
snow loses
snow says severity=high v2
snow says title=c v3 by a.lee
snow says severity=high title=b v2 full
state
$$);
-- R15: not newer than what we knew at the send: no proof; nor is another value of a field of ours, by our name or not
SELECT story(world(), $$
snow says severity=low title=a v1 by a.lee
pd says severity=low title=a v1 by b.kim
pd says severity=high v2 by b.kim
snow sends
snow loses
snow says severity=high v1 us
snow says severity=critical v2 us
snow sends
$$);
-- R3: the record cannot be read: after as long as a landing may take, what waits is decided as overwritten by our write (R5)
SELECT story(world(), $$
snow says severity=low v1 by a.lee
pd says severity=low v1 by b.kim
pd says severity=high v2 by b.kim
snow sends
snow loses
at 14:00:01
snow says severity=critical v2 by a.lee
snow fails
at 14:01:02
snow fails
pd sends
snow says severity=medium v3 by a.lee
# it had not landed after all: the record is as its people left it
snow shows v3 severity=medium
pd sends
state
$$, true);
-- R3: and if it had landed, over what was heard: the edit is judged as made before it, and written back when it wins
SELECT story(world(), $$
snow says severity=low v1 by a.lee
pd says severity=low v1 by b.kim
pd says severity=high v2 by b.kim
snow sends
snow loses
at 14:00:01
snow says severity=critical v2 by a.lee
at 14:01:02
snow fails
snow shows v3 severity=high
snow sends
snow answers v4 severity=critical
state
$$);
-- R3, R15: what was decided without the outcome was said after the write, which a late webhook proves.  An edit stays what snow holds, and
-- is not taken for overwritten: it lost, so it is written over.
SELECT story(world(), $$
snow says title=a v1 by a.lee
pd says title=a v1 by b.kim
at 14:00:10
pd says title=b v2 by b.kim
snow sends
snow loses
at 14:00:05
snow says title=x v3 by rule automation
at 14:01:20
snow fails
at 14:01:30
snow says title=b v2 us
snow sends
snow shows v3 title=x
snow sends
state
$$);
-- R3, R11: a person set back what our write had replaced.  Without the outcome that is what the write found, but nobody is sure: once the write
-- is known to have landed before it, the record is read, and the words are heard again with their author.
SELECT story(world(), $$
snow says title=a v1 by a.lee
pd says title=a v1 by b.kim
at 14:00:10
pd says title=b v2 by b.kim
snow sends
snow loses
at 14:01:20
snow fails
snow says title=a v3 by a.lee
at 14:01:30
snow says title=b v2 us
snow sends
snow shows v3 title=a
state
pd sends
$$);
-- R3, R4e: set back to what the call found, heard first, and before that to something else: that is older, and no edit.
SELECT story(world(), $$
snow says title=a v1 by a.lee
pd says title=a v1 by b.kim
at 14:00:10
pd says title=b v2 by b.kim
snow sends
snow loses
at 14:01:20
snow fails
snow says title=a v3 by a.lee
snow says title=x v2 by a.lee
snow sends
snow shows v3 title=a
state
$$);
-- I1's exception, promise 2: a value that the map has no word for is told of once, does not hold up other fields, and is over when it can be said
SELECT story(world('{"systems": {"pd": {"rank": 30, "values": {"status": [["triggered", "new"], ["resolved", "resolved"]]}}, "snow": {"rank": 10}}}'), $$
snow says status=new title=a v1 by a.lee
pd says status=triggered title=a v1 by b.kim
snow says status=pending title=b v2 by a.lee
pd sends
pd answers v2 title=b
snow says status=working v3 by a.lee
snow says status=resolved v4 by a.lee
pd sends
pd answers v3 status=resolved
state
$$, true);
-- R2, grade none: the first word about a record makes it known, and the record is read; a later first word about a field is only a hint
SELECT story(world('{"systems": {"pd": {"rank": 30}, "snow": {"rank": 10, "grade": "none"}}}'), $$
snow says severity=low by a.lee
snow sends
snow shows severity=low
snow says title=old by a.lee
snow sends
snow shows severity=low title=new
state
$$, true);
-- R2: a system that cannot be read is taken at its word; what we wrote ourselves is no news
SELECT story(world('{"systems": {"pd": {"rank": 30}, "snow": {"rank": 10, "grade": "none", "reads": false}}}'), $$
pd says severity=low v1 by b.kim
snow says severity=low by a.lee
pd says severity=high v2 by b.kim
snow sends
snow answers
snow says severity=critical by a.lee
snow says severity=high
state
$$);
-- SA-02, I8: the coarse value beside a finer one, whichever is heard first: the finer one stands, in one version history or the other
SELECT story(world('{"systems": {"pd": {"rank": 30, "values": {"status": [["triggered", "new"], ["acknowledged", "working"], ["acknowledged", "pending", "out"]]}},
	"snow": {"rank": 10}}}'), $$
snow says status=new v1 by a.lee
pd says status=triggered v1 by b.kim
snow says status=pending v2 by a.lee
at 14:00:05
pd says status=acknowledged v2 by b.kim
state
$$, true);
SELECT story(world('{"systems": {"pd": {"rank": 30, "values": {"status": [["triggered", "new"], ["acknowledged", "working"], ["acknowledged", "pending", "out"]]}},
	"snow": {"rank": 10}}}'), $$
snow says status=new v1 by a.lee
pd says status=triggered v1 by b.kim
at 14:00:05
pd says status=acknowledged v2 by b.kim
at 14:00:00
snow says status=pending v2 by a.lee
state
$$, true);
-- R4e: a write that only a read found landed at that position or before it.  Records told whole show it beside other people's names and
-- say nothing of it, so what the write had overwritten is still to be heard: a conflict, in whatever order it all is heard
SELECT story(world(), $$
snow says title=a severity=low v1 by a.lee
pd says title=a severity=low v1 by b.kim
pd says title=b v2 by b.kim
snow sends
snow loses
snow sends
snow shows v5 title=b severity=high
snow says title=b severity=low v3 us
snow says title=b severity=high v4 by a.lee
at 14:00:05
snow says title=lee severity=low v2 by a.lee
snow sends
$$);
SELECT story(world(), $$
snow says title=a severity=low v1 by a.lee
pd says title=a severity=low v1 by b.kim
pd says title=b v2 by b.kim
snow sends
snow loses
snow sends
snow shows v5 title=b severity=high
snow says title=b severity=high v4 by a.lee
at 14:00:05
snow says title=lee severity=low v2 by a.lee
# (control) one field by itself is what somebody wrote, and takes the place of what was there before
snow says title=b v4 by a.lee
state
$$);
-- R3: who says what a write under way says may have said it before that write, and something else in between (medium, critical, medium:
-- medium is the last word).  A record told whole says it beside other things, or because our write has landed: it waits like everybody
-- else.  Our own name does not
SELECT story(world(), $$
snow says severity=low title=a v1 by a.lee
pd says severity=low title=a v1 by b.kim
at 14:00:01
pd says severity=medium v2 by b.kim
snow sends
at 14:00:02
snow says severity=medium title=a v2 by a.lee
at 14:00:03
snow says severity=critical title=a v3 by a.lee
at 14:00:04
snow says severity=medium title=a v4 by a.lee
snow says severity=medium title=a v5 us
snow answers v5 severity=medium
state
$$);
-- R3: it shows what our write made of the record, and what was there before is heard after it: a conflict, not merely old
SELECT story(world(), $$
snow says severity=low title=a v1 by a.lee
pd says severity=low title=a v1 by b.kim
pd says severity=medium v2 by b.kim
snow sends
snow says severity=medium title=b v4 by a.lee
snow says severity=medium title=a v3 us
snow loses
snow sends
snow shows v5 severity=medium title=c
at 14:00:05
snow says severity=critical title=a v2 by a.lee
snow sends
$$);
-- R3, I7: heard again, without an id or by replay(), it changes nothing: found by a read, acknowledged, said by nobody or by itself
SELECT story(world(), $$
snow says severity=low v1 by a.lee
pd says severity=low v1 by b.kim
pd says severity=high v2 by b.kim
snow sends
snow says severity=high v2
snow loses
snow sends
snow shows v4 severity=high
again 4
state
$$);
SELECT story(world(), $$
snow says severity=low title=a v1 by a.lee
pd says severity=low title=a v1 by b.kim
pd says severity=high v2 by b.kim
snow sends
snow says severity=high title=b v2 by a.lee
snow answers v3 severity=high
again 4
state
$$);
-- R3: the write was not made: what was said is the edit, and there is nothing left to write
SELECT story(world(), $$
snow says severity=low v1 by a.lee
pd says severity=low v1 by b.kim
pd says severity=high v2 by b.kim
snow sends
snow says severity=high v2 by a.lee
snow fails
snow sends
state
$$);
-- R3: without positions the outcome would tell nothing of the same value: it is done at once
SELECT story(world('{"systems": {"pd": {"rank": 30}, "snow": {"rank": 10, "grade": "none"}}}'), $$
pd says severity=low v1 by b.kim
snow says severity=low by a.lee
snow sends
snow shows severity=low
pd says severity=high v2 by b.kim
snow sends
snow says severity=high by a.lee
$$);
-- R15: a field that is only written: no read tells whether the write whose answer was lost has landed. What it had held before is
-- wanted again meanwhile, and is written: nobody would ever see that it is not there
SELECT story(world('{"systems": {"pd": {"rank": 30, "fields": {"title": "both", "severity": "out"}}, "snow": {"rank": 10}}}'), $$
snow says severity=high title=a v1 by a.lee
pd says title=a v1 by b.kim
pd sends
pd answers v2 title=a
snow says severity=low v2 by a.lee
pd sends
snow says severity=high v3 by a.lee
pd loses
pd sends
pd shows v3 title=a
state
pd sends
pd answers v4 title=a
state
$$, true);
-- the same where it is still wanted; (control) what is told with a field that a read shows has landed with it
SELECT story(world('{"systems": {"pd": {"rank": 30, "fields": {"title": "both", "severity": "out"}}, "snow": {"rank": 10}}}'), $$
snow says severity=high title=a v1 by a.lee
pd says title=a v1 by b.kim
pd sends
pd loses
pd sends
pd shows v1 title=a
pd sends
pd answers v2 title=a
state
snow says severity=low title=b v2 by a.lee
pd sends
pd loses
pd sends
pd shows v3 title=b
state
$$);
-- R14, R15: a write that was given up lands late, and is told of under our name in the system's own spelling: it is not made once more.
SELECT story(world('{"systems": {"pd": {"rank": 10}, "snow": {"rank": 30}}}'), $$
snow says title=a v1 by a.lee
pd says title=a v1 by b.kim
at 14:00:05
pd says title=b v2 by b.kim
snow sends
snow loses
snow sends
snow shows v2 title=c
snow says title=B v4 us
snow sends
state
$$);
-- R3, R15: without the outcome an edit was judged as overwritten, and a person had set our value again after it. Once the write is known to have
-- landed before both, that is no echo of it: a read tells, and what stands is what the person set.
SELECT story(world(), $$
snow says severity=low title=a v1 by a.lee
pd says severity=low title=a v1 by b.kim
at 14:00:05
pd says severity=high title=d v2 by b.kim
snow sends
snow loses
snow sends
at 14:01:12
snow says severity=high v4 by a.lee
snow fails
at 14:01:11
snow says severity=critical v3 by rule automation
at 14:01:13
snow says severity=high v2 us
snow says title=d v2 us
snow sends
snow shows v4 severity=high title=d
pd sends
state
$$);
-- R3, R5: who set the value that our lost write replaced is named once; who sets it again after the write is somebody else.
SELECT story(world('{"systems": {"pd": {"rank": 10}, "snow": {"rank": 30, "grade": "none"}}, "policy": {"*": []}}'), $$
pd says title=a v1 by b.kim
snow says title=a by a.lee
snow sends
snow shows title=a
pd says title=b v2 by b.kim
snow says title=x by rule automation
snow sends
snow shows title=d
snow sends
snow loses
snow sends
snow fails
at 14:01:20
snow sends
snow fails
snow says title=d by a.lee
snow says title=b us marker
at 14:01:21
snow says title=d by rule automation
snow sends
snow shows title=d
state
$$, true);
DROP SCHEMA t053 CASCADE;
