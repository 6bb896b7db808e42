-- Calls, merges, holds, loops, deletes, comments: histories as in 051 (test/core/story_test.c).
CREATE SCHEMA t052;
SET search_path = t052;
SET client_min_messages = warning;
CREATE FUNCTION core_story(world jsonb, story text, reasons boolean) RETURNS text[]
	AS '$libdir/syncore_core_test', 'core_story' LANGUAGE C STRICT;
CREATE FUNCTION world(more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT '{"fields": {"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]}, "title": {"kind": "text"},
	                    "status": {"kind": "state"}},
	         "states": [["new", "open"], ["working", "open"], ["pending", "waiting"], ["resolved", "done"], ["closed", "done"]],
	         "systems": {"pd": {"rank": 30}, "snow": {"rank": 10}},
	         "policy": {"*": ["human_wins", "last_update_wins"], "severity": ["escalation_wins", "last_update_wins"]}}'::jsonb || more $$;
CREATE FUNCTION story(world jsonb, story text, reasons boolean DEFAULT false) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT unnest(core_story(world, story, reasons)) $$;
\pset tuples_only on
\pset format unaligned

-- VC-02 before, after and concurrent; RS-02: the raise of 14:03:12 beats the lowering of 14:03:15; R7 to R10
SELECT story(world(), $$
snow says severity=medium v1 by a.lee
pd says severity=medium v1 by b.kim
at 14:03:12
pd says severity=critical v2 by b.kim
at 14:03:15
snow says severity=low v2 by a.lee
state
snow sends
snow answers v3 severity=critical
state
# lowered by somebody who has seen it: the raise is history (R10)
at 14:10:00
snow says severity=low v4 by a.lee
pd sends
pd answers v3 severity=low
state
$$, true);
-- VC-03: two systems, two fields: no conflict.  VC-04: two systems, one value: agreement, nothing is sent
SELECT story(world(), $$
snow says severity=medium title=Printer v1 by a.lee
pd says severity=medium title=Printer v1 by b.kim
snow says severity=high v2 by a.lee
pd says title=Fire v2 by b.kim
snow sends
snow answers v3 title=Fire
pd sends
pd answers v3 severity=high
snow says severity=low v4 by a.lee
pd says severity=low v4 by b.kim
state
$$);
-- EL-08: the timeline 0/50/200/250/400/450 ms: one value in the end, one corrective write
SELECT story(world('{"policy": {"*": ["last_update_wins"]}}'), $$
snow says status=new v1 by a.lee
pd says status=new v1 by b.kim
at 14:00:00.000
snow says status=working v2 by a.lee
pd sends
at 14:00:00.050
pd says status=pending v2 by b.kim
at 14:00:00.200
pd answers v3 status=working
at 14:00:00.250
pd says status=working v3 us
snow sends
at 14:00:00.400
snow answers v3 status=pending
at 14:00:00.450
snow says status=pending v3 us
pd sends
pd answers v4 status=pending
pd says status=pending v4 us
state
$$);
-- Race edit_after_write: an edit made after our write landed, heard before its answer: it waits, and wins
SELECT story(world(), $$
snow says title=a v1 by a.lee
pd says title=a v1 by b.kim
pd says title=b v2 by b.kim
snow sends
at 14:00:01
snow says title=c v3 by a.lee
snow answers v2 title=b
state
$$);
-- Race winner_in_flight: the sender's value wins while a losing value is on its way to it: written back (R9 after the outcome)
SELECT story(world(), $$
snow says severity=medium v1 by a.lee
pd says severity=medium v1 by b.kim
pd says severity=low v2 by b.kim
snow sends
snow says severity=critical v2 by a.lee
snow answers v3 severity=low
snow sends
snow answers v4 severity=critical
state
$$);
-- R14, race peer_normalises: what the product makes of our text is held there; it goes nowhere, and nothing is written again
SELECT story(world(), $$
snow says title=printer_on_fire v1 by a.lee
pd says title=printer_on_fire v1 by b.kim
pd says title=printer_is_wet v2 by b.kim
snow sends
snow answers v2 title=Printer_is_wet.
snow says title=Printer_is_wet. v2 us
snow sends
state
$$);
-- R14: answered without a body: read in the same slot.  Ours if loosely so; anything else is somebody's edit
SELECT story(world(), $$
snow says title=a v1 by a.lee
pd says title=a v1 by b.kim
pd says title=bcd v2 by b.kim
snow sends
snow shows v2 title=BCD
pd says title=efg v3 by b.kim
snow sends
snow shows v4 title=xyz
state
$$);
-- R15, crash_before_record: the answer was lost; the record shows our value: it landed
SELECT story(world(), $$
snow says severity=medium v1 by a.lee
pd says severity=medium v1 by b.kim
pd says severity=high v2 by b.kim
snow sends
snow loses
snow sends
snow shows v2 severity=high
snow says severity=high v2 us
state
$$, true);
-- R15, repeated_after_unknown, then late_landing (R5): it had not landed and was written again; the first one lands late: no edit
SELECT story(world(), $$
snow says severity=medium v1 by a.lee
pd says severity=medium v1 by b.kim
pd says severity=high v2 by b.kim
snow sends
snow loses
snow shows v1 severity=medium
pd says severity=critical v3 by b.kim
snow sends
snow answers v2 severity=critical
snow says severity=high v3 us
snow sends
snow answers v4 severity=critical
state
$$, true);
-- R16: refused because the record had moved: read, judged, due again
SELECT story(world(), $$
snow says severity=medium v1 by a.lee
pd says severity=medium v1 by b.kim
pd says severity=high v2 by b.kim
snow sends
snow refuses
snow sends
snow shows v2 severity=critical by a.lee
pd sends
state
$$, true);
-- R17: an answer that comes when no call is known changes nothing
SELECT story(world(), $$
snow says severity=medium v1 by a.lee
snow answers v2
state
$$);
-- R18, RS-07: held for review: nothing of the field is pushed, other fields flow, resolve ends it
SELECT story(world('{"policy": {"severity": ["manual"]}}'), $$
snow says severity=medium title=a v1 by a.lee
pd says severity=medium title=a v1 by b.kim
pd says severity=critical v2 by b.kim
snow says severity=low title=b v2 by a.lee
snow sends
pd sends
state
hub severity=high by ada
snow sends
pd sends
state
$$, true);
-- R20, EL-09, race peer_fights_back: an automation that restores what we replaced: three times, then it stops, with one alert
SELECT story(world('{"policy": {"*": ["human_wins", "last_update_wins"]}}'), $$
snow says severity=low v1 by a.lee
pd says severity=low v1 by b.kim
pd says severity=high v2 by b.kim
snow sends
snow answers v2 severity=high
snow says severity=low v3 by rule automation
pd sends
pd answers v3 severity=low
at 14:00:02
pd says severity=high v4 by router automation
snow sends
snow answers v4 severity=high
snow says severity=low v5 by rule automation
pd sends
pd answers v5 severity=low
at 14:00:04
pd says severity=high v6 by router automation
snow sends
snow answers v6 severity=high
snow says severity=low v7 by rule automation
pd sends
pd answers v7 severity=low
at 14:00:06
pd says severity=high v8 by router automation
snow sends
state
$$, true);
-- R20: a person who insists as often never trips it
SELECT story(world('{"policy": {"*": ["last_update_wins"]}, "type": {"loop_limit": 1}}'), $$
snow says severity=low v1 by a.lee
pd says severity=low v1 by b.kim
pd says severity=high v2 by b.kim
snow sends
snow answers v2 severity=high
snow says severity=low v3 by a.lee
$$);
-- SA-01, SA-02, R9: seven states against three: what stands for the canonical value is not rewritten, however often it is told
SELECT story(world('{"systems": {"pd": {"rank": 30, "values": {"status": [["triggered", "new"], ["acknowledged", "working"], ["acknowledged", "pending", "out"],
	["resolved", "resolved"], ["resolved", "closed", "out"]]}}, "snow": {"rank": 10}}}'), $$
snow says status=pending v1 by a.lee
pd says status=acknowledged v1 by b.kim
state
pd sends
snow says status=resolved v2 by a.lee
pd sends
pd answers v2 status=resolved
snow says status=closed v3 by a.lee
pd sends
pd says status=resolved v3 by b.kim full
pd says status=resolved v4 by b.kim full
pd says status=triggered v5 by b.kim
snow sends
snow answers v4 status=new
state
$$);
-- CS-01: an illegal step is refused and given back, or accepted; OW-02: a value that is not the system's to change
SELECT story(world('{"transitions": [["new", "working"], ["working", "resolved"]], "type": {"on_illegal": "refuse"}}'), $$
snow says status=new v1 by a.lee
snow says status=resolved v2 by a.lee
snow sends
snow answers v3 status=new
snow says status=working v4 by a.lee
$$, true);
SELECT story(world('{"owner": {"severity": ["snow", "refuse"], "title": ["snow", "revert"]}}'), $$
snow says severity=low title=a v1 by a.lee
pd says severity=low title=a v1 by b.kim
pd says severity=high title=b v2 by b.kim
pd sends
pd answers v3 title=a
snow says severity=medium v2 by a.lee
pd sends
$$, true);
-- R21, CR-02, race create_webhook_first; CR-03, create_lost_response: looked up with patience before it is made again
SELECT story(world('{"systems": {"pd": {"rank": 30, "route": true}, "snow": {"rank": 10}}}'), $$
snow says severity=low title=a v1 by a.lee
pd sends
pd says severity=low title=a v1 us
pd made PD-1 v1 severity=low title=a status=new
state
$$);
SELECT story(world('{"systems": {"pd": {"rank": 30, "route": true}, "snow": {"rank": 10}}}'), $$
snow says severity=low v1 by a.lee
pd sends
pd loses
pd sends
at 14:00:30
pd finds_nothing
at 14:01:10
pd finds_nothing
pd sends
pd loses
pd made PD-1 v1 severity=low
$$, true);
-- R21: a comment is heard before its record: the record is read before it is made elsewhere, lest the defaults there stand for what a person chose
SELECT story(world('{"fields": {"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]}, "title": {"kind": "text", "required": true}},
	"systems": {"pd": {"rank": 30, "route": true, "comments": [["note", "internal", "both"]]}, "snow": {"rank": 10, "comments": [["work_notes", "internal", "both"]]}}}'), $$
snow comments work_notes c1 look_at_this by a.lee
snow sends
snow shows v2 title=a severity=critical by a.lee
pd sends
pd made PD-1 v1 title=a severity=critical
state
snow says title=a severity=critical v1 by a.lee
$$);
-- (control) where it cannot be read, the record itself must tell; an entity that nobody can tell the title of is made without
SELECT story(world('{"fields": {"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]}, "title": {"kind": "text", "required": true}},
	"systems": {"pd": {"rank": 30, "route": true}, "snow": {"rank": 10, "fields": {"severity": "both"}}}}'), $$
snow says severity=high v2 by a.lee
$$);
-- A first word that is not the whole record: what the new record elsewhere starts with is no edit where the first record has yet to tell
SELECT story(world('{"systems": {"pd": {"rank": 30, "route": true}, "snow": {"rank": 10}}}'), $$
snow says title=a v2 by a.lee
pd sends
pd made PD-1 v1 title=a severity=medium status=new
snow sends
snow shows v2 title=a severity=critical status=null by a.lee
pd sends
pd shows v1 title=a severity=medium status=new
pd sends
pd answers v2 severity=critical
snow sends
state
$$);
-- Deletes: the tombstone, then the rule of the type, once; what is heard of the record later changes nothing
SELECT story(world('{"type": {"on_delete": "close"}}'), $$
snow says status=new v1 by a.lee
pd says status=new v1 by b.kim
snow deletes v2 by a.lee
snow says status=pending v3 by a.lee
snow deletes v2 by a.lee
$$, true);
SELECT story(world('{"type": {"on_delete": "review"}}'), $$
snow says status=new v1 by a.lee
pd says status=new v1 by b.kim
pd says status=pending v2 by b.kim
snow sends
snow gone
$$, true);
-- CM-01, CM-03, CM-06: comments go to channels of their visibility, private ones and unmapped ones nowhere; a copy that comes back is an echo
SELECT story(world('{"systems": {"pd": {"rank": 30, "comments": [["note", "internal", "both"], ["reply", "public", "both"]]},
	"snow": {"rank": 10, "comments": [["work_notes", "internal", "both"], ["secret", "private", "in"]]}}}'), $$
snow says title=a v1 by a.lee
pd says title=a v1 by b.kim
snow comments work_notes c1 look_at_this by a.lee
pd sends
pd comments note n1 look_at_this us
pd answers n1
pd comments note n1 look_at_this us
snow comments secret c2 password by a.lee
snow comments other c3 chatter by a.lee
pd comments reply r1 dear_customer by b.kim
$$, true);
-- CM-06: a product that refuses a comment and takes it all the same: its webhook is known by the text, and nothing is sent again
SELECT story(world('{"systems": {"pd": {"rank": 30, "comments": [["note", "internal", "both"]]}, "snow": {"rank": 10, "comments": [["work_notes", "internal", "both"]]}}}'), $$
snow says title=a v1 by a.lee
pd says title=a v1 by b.kim
snow comments work_notes c1 look_at_this by a.lee
pd sends
pd fails
pd comments note n1 look_at_this us
pd sends
# (control) refused and not taken: sent again
snow comments work_notes c2 and_at_that by a.lee
pd sends
pd fails
pd sends
$$);
DROP SCHEMA t052 CASCADE;
