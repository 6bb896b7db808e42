-- What the model of test/check found: histories that it shrank (as in 052, test/core/story_test.c).
CREATE SCHEMA t400;
SET search_path = t400;
SET client_min_messages = warning;
CREATE FUNCTION core_story(world jsonb, story text, reasons boolean) RETURNS text[]
	AS '$libdir/syncore_core_test', 'core_story' LANGUAGE C STRICT;
CREATE FUNCTION story(world jsonb, story text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT unnest(core_story(world, story, false)) $$;
\pset tuples_only on
\pset format unaligned

-- R18: what is shown under a hold is replaced by its own author: the rules say which of the rest is shown, not their places.
SELECT story('{"fields": {"title": {"kind": "text"}}, "policy": {"*": ["manual", "last_update_wins"]},
	"systems": {"p1": {"rank": 30, "grade": "fine"}, "p2": {"rank": 10}}}', $$
p1 says title=a v1 by kim
p2 says title=a v1 by lee
at 14:00:10
p1 says title=b v10 by kim
at 14:00:11
p2 says title=c v2 by lee
at 14:00:12
p1 says title=d v12 by bot automation
state
$$);

-- R4e: of one second are an edit that our write overwrote and, told of after it, a whole record as it was before that edit:
-- the record is older, not a second edit, and takes nothing from the person's.
SELECT story('{"fields": {"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]}, "title": {"kind": "text"}},
	"policy": {"*": ["escalation_wins"]}, "systems": {"p1": {"rank": 20, "grade": "coarse"}, "p2": {"rank": 10}}}', $$
p1 says severity=low title=a v1 by kim full
p2 says severity=low title=a v1 by lee full
p2 says severity=medium v2 by lee
p1 sends
p1 says severity=critical v9 by kim
p1 says severity=low title=b v9 by kim full
p1 answers v12 severity=medium title=b
state
# (control) a second edit in another second is one
p1 says severity=high v10 by kim
state
$$);

-- R5: our write landed, nobody knows when; a machine then sets back what it replaced.  Who is told of as having that value
-- before our write is no author of what was set after it: the machine stays the author, and loses to a person.
SELECT story('{"fields": {"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]}, "title": {"kind": "text"}},
	"policy": {"*": ["human_wins"]}, "systems": {"p1": {"rank": 10}, "p2": {"rank": 20, "grade": "coarse"}}}', $$
p1 says severity=low title=a v1 by kim full
p2 says severity=low title=a v1 by lee full
p1 says severity=high v2 by kim
p2 sends
p2 loses
p2 says severity=high title=d v8 us full
p2 says severity=low title=d v9 by bot automation full
p2 says severity=low title=d v7 by lee full
p1 says severity=critical v3 by kim
state
$$);

-- R5: an echo that is older than what is known to be held, in other letters, says nothing of what is held (p1 holds C).
SELECT story('{"fields": {"title": {"kind": "text"}}, "policy": {"*": []}, "systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says title=a v1 by kim full
p2 says title=a v1 by lee full
p2 says title=c v2 by lee
p1 sends
p1 loses
p1 says title=C v3 us full
p1 says title=c v2 by kim full
state
$$);
-- R3: p1 is told what it is being told by our call: that is done, and what our write replaced.  Decided anew later (replay(), I7) it is
-- neither an edit that the write overwrote nor any other news, and takes nothing from who changed it since.
SELECT story('{"fields": {"title": {"kind": "text"}}, "policy": {"*": ["human_wins"]}, "systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says title=a v1 by kim full
p2 says title=a v1 by lee full
p2 says title=b v2 by bot automation
p1 sends
p1 says title=b v2 by kim
p1 answers v4 title=b
p2 says title=c v3 by bot automation
state
again 4
state
# (control) an edit of another value that the write overwrote is one
p1 says title=d v3 by kim
state
$$);

-- R3: between our write and the words that say the same of a later time somebody set another value, which waits for the outcome:
-- it is older than those words, whichever of both was heard first, and p1 holds what it is held to hold.
SELECT story('{"fields": {"title": {"kind": "text"}}, "policy": {"*": ["human_wins"]}, "systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says title=a v1 by kim full
p2 says title=a v1 by lee full
p2 says title=b v2 by lee
p1 sends
p1 says title=b v4 by kim
p1 says title=x v3 by kim
p1 answers v2 title=b
state
p1 sends
$$);

-- R3: the same words beside a call that fails: they are what p1 holds, and x is older.
SELECT story('{"fields": {"title": {"kind": "text"}}, "policy": {"*": ["human_wins"]}, "systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says title=a v1 by kim full
p2 says title=a v1 by lee full
p2 says title=b v2 by lee
p1 sends
p1 says title=x v2 by kim
p1 says title=b v3 by kim
p1 fails
state
p1 sends
$$);

-- R3, R4e: what is older than all that the call found there is not said beside it: a write before it overwrote it, and whoever said it is
-- heard, at once as well as later.
SELECT story('{"fields": {"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]}}, "policy": {"*": ["human_wins"]},
	"systems": {"p1": {"rank": 30}, "p2": {"rank": 10}}}', $$
p1 says severity=low v1 by kim
p2 says severity=low v1 by lee
p2 says severity=critical v2 by bot automation
p1 sends
p1 answers v3 severity=critical
p2 says severity=medium v3 by bot automation
p1 sends
p1 says severity=medium v2 by kim
p1 answers v4 severity=medium
again 5
state
$$);

-- RS-08, R8, I8: whether a dispute about another field waits for a person goes by the severity that stands, not by the one that stood when
-- its words were heard: it is the same whichever came first, and over when it is that severe no more.
SELECT story('{"fields": {"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]}, "title": {"kind": "text"}},
	"policy": {"title": [{"rule": "manual", "review_from": "high"}, "last_update_wins"], "*": []}, "systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says severity=low title=a v1 by kim full
p2 says severity=low title=a v1 by lee full
at 14:00:10
p1 says title=b v2 by kim
at 14:00:11
p2 says title=c v2 by lee
state
p1 says severity=critical v3 by kim
state
p2 sends
p2 answers v3 severity=critical
p2 says severity=medium v4 by lee
state
$$);
SELECT story('{"fields": {"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]}, "title": {"kind": "text"}},
	"policy": {"title": [{"rule": "manual", "review_from": "high"}, "last_update_wins"], "*": []}, "systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says severity=low title=a v1 by kim full
p2 says severity=low title=a v1 by lee full
p1 says severity=critical v3 by kim
at 14:00:10
p1 says title=b v4 by kim
at 14:00:11
p2 says title=c v2 by lee
state
$$);
-- RS-08: where all agree already on what was decided while it was less severe, nobody is asked; while a severity is itself in review, the
-- worst of what is said of it counts.
SELECT story('{"fields": {"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]}, "title": {"kind": "text"}},
	"policy": {"title": [{"rule": "manual", "review_from": "high"}, "last_update_wins"], "severity": ["manual"]}, "systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says severity=low title=a v1 by kim full
p2 says severity=low title=a v1 by lee full
at 14:00:10
p1 says title=b v2 by kim
at 14:00:11
p2 says title=c v2 by lee
p1 sends
p1 answers v3 title=c
p1 says severity=critical v4 by kim
state
p2 says severity=medium v3 by lee
at 14:00:12
p1 says title=d v5 by kim
p2 says title=e v4 by lee
state
hub severity=medium by ada
state
$$);
-- R4e: in one second lee sets c, and b: what our first write left there as B is not what he says, and he is heard
SELECT story('{"fields": {"title": {"kind": "text"}}, "policy": {"*": ["human_wins"]}, "systems": {"p1": {"rank": 10}, "p2": {"rank": 20, "grade": "coarse"}}}', $$
p1 says title=a v1 by kim full
p2 says title=a v1 by lee full
p1 says title=b v2 by bot automation
p2 sends
p2 answers v6 title=B
p1 says title=c v3 by bot automation
p2 sends
p2 says title=c v8 by lee
p2 says title=b v8 by lee
p2 answers v16 title=C
state
# (control) in its words it is what was there before
p2 says title=B v8 by lee
$$);
-- R15: another word of p1 for the value whose answer was lost is not what we wrote: somebody set it, and that our write landed is yet to
-- be told.  So it waits, and is the same when it is decided anew.
SELECT story('{"fields": {"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]}}, "policy": {"*": ["escalation_wins"]},
	"systems": {"p1": {"rank": 10, "grade": "fine", "values": {"severity": [["1", "critical", "both"], ["0", "critical", "in"], ["4", "low", "both"]]}}, "p2": {"rank": 20}}}', $$
p1 says severity=4 v1 by kim
p2 says severity=low v1 by lee
p2 says severity=critical v2 by lee
p1 sends
p1 loses
p1 says severity=0 v3 by bot automation
p1 says severity=1 v4 us
state
again 4
state
$$);
-- R4d: what a read told of a lost write stands in another word of p1. Who set that word in that moment is heard after a later write of ours,
-- or once more: it is what was found there then, no edit that our later write took away, and nothing is read for it.
SELECT story('{"fields": {"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]}}, "policy": {"*": ["escalation_wins"]},
	"systems": {"p1": {"rank": 10, "grade": "fine", "values": {"severity": [["1", "critical", "both"], ["0", "critical", "in"], ["3", "medium", "both"], ["4", "low", "both"]]}}, "p2": {"rank": 20}}}', $$
p1 says severity=4 v1 by kim
p2 says severity=low v1 by lee
p2 says severity=critical v2 by lee
p1 sends
p1 loses
p1 sends
p1 shows v5 severity=0
p2 says severity=medium v3 by lee
p1 sends
p1 answers v9 severity=3
p1 says severity=0 v5 by bot automation
again 5
p1 sends
state
# (control) another thing said in that moment is not ours: a read settles it
p1 says severity=4 v5 by bot automation
p1 sends
p1 shows v9 severity=3
state
$$);
-- RS-01, R8, I8: a rule with a condition goes by what stands in the record, whenever that came to be: heard in either order, kim's title is asked about
SELECT story('{"fields": {"status": {"kind": "text"}, "title": {"kind": "text"}}, "policy": {"title": [{"rule": "manual", "condition": "$.status == \"closed\""}, "last_update_wins"], "*": []},
	"systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says status=new title=a v1 by kim full
p2 says status=new title=a v1 by lee full
at 14:00:10
p1 says title=b v2 by kim
at 14:00:11
p2 says title=c v2 by lee
state
p1 says status=closed v3 by kim
state
p2 sends
p2 answers v3 status=closed
p2 says status=new v4 by lee
state
$$);
SELECT story('{"fields": {"status": {"kind": "text"}, "title": {"kind": "text"}}, "policy": {"title": [{"rule": "manual", "condition": "$.status == \"closed\""}, "last_update_wins"], "*": []},
	"systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says status=new title=a v1 by kim full
p2 says status=new title=a v1 by lee full
p1 says status=closed v3 by kim
at 14:00:10
p1 says title=b v4 by kim
at 14:00:11
p2 says title=c v2 by lee
state
$$);
-- RS-01, R8: a rule that counts now chooses another winner. (control) When it does not any more all agree already, and nothing is decided anew.
SELECT story('{"fields": {"status": {"kind": "text"}, "title": {"kind": "text"}}, "policy": {"title": [{"rule": "human_wins", "condition": "$.status == \"closed\""}, "last_update_wins"], "*": []},
	"systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says status=new title=a v1 by kim full
p2 says status=new title=a v1 by lee full
at 14:00:10
p1 says title=b v2 by kim
at 14:00:11
p2 says title=c v2 by bot automation
p1 says status=closed v3 by kim
state
p2 sends
p2 answers v3 status=closed title=b
p2 says status=new v4 by lee
state
$$);
-- RS-01: what all agree on is decided, for conditions of other fields as well: title stays c although severity is critical now, so the rule
-- about status does not count, which asks for title b; (control) it does while title b stands.
SELECT story('{"fields": {"severity": {"kind": "text"}, "status": {"kind": "text"}, "title": {"kind": "text"}}, "policy": {"title": [{"rule": "human_wins", "condition": "$.severity == \"critical\""}, "last_update_wins"],
	"status": [{"rule": "human_wins", "condition": "$.title == \"b\""}, "last_update_wins"], "*": []}, "systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says severity=low status=new title=a v1 by kim full
p2 says severity=low status=new title=a v1 by lee full
at 14:00:10
p1 says title=b v2 by kim
at 14:00:11
p2 says title=c v2 by bot automation
p1 sends
p1 answers v3 title=c
p1 says severity=critical v4 by kim
at 14:00:20
p1 says status=open v5 by kim
at 14:00:21
p2 says status=done v3 by bot automation
state
hub title=b by ada
state
$$);
-- RS-11, R8, I8: union. What is put together takes nobody's place, so it makes no difference what was heard first: p1 says k, l, k again; p2 has not
-- seen any of it and says x. Heard last or in between: k, which p1 put back, and x. (l, which only p1 put in and took away, is gone.)
SELECT story('{"fields": {"tags": {"kind": "set"}}, "policy": {"*": ["union"]}, "systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says tags=[] v1 by kim
p2 says tags=[] v1 by lee
p1 says tags=["k"] v2 by kim
p1 says tags=["l"] v3 by kim
p1 says tags=["k"] v4 by kim
p2 says tags=["x"] v2 by lee
state
$$);
SELECT story('{"fields": {"tags": {"kind": "set"}}, "policy": {"*": ["union"]}, "systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says tags=[] v1 by kim
p2 says tags=[] v1 by lee
p1 says tags=["k"] v2 by kim
p1 says tags=["l"] v3 by kim
p2 says tags=["x"] v2 by lee
p1 says tags=["k"] v4 by kim
state
# when everybody has seen it, it is one word; who takes k away then has seen who put it in
p1 sends
p1 answers v5 tags=["k","x"]
p2 sends
p2 answers v3 tags=["k","x"]
p2 says tags=["x"] v4 by lee
state
$$);
-- R8: what one takes away and goes on from there stays away, although the other had it still; (control) who puts it in anew has it.
SELECT story('{"fields": {"tags": {"kind": "set"}}, "policy": {"*": ["union"]}, "systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says tags=["k"] v1 by kim
p2 says tags=["k"] v1 by lee
p2 says tags=[] v2 by lee
p2 says tags=["y"] v3 by lee
p1 says tags=["k","x"] v2 by kim
state
p1 says tags=["x"] v3 by kim
p1 says tags=["k","x"] v4 by kim
state
$$);
-- RS-11, R8, I8: append. p1 adds two lines, p2, which has seen neither, a third: all three stand, in order of time, whoever was heard first.
SELECT story('{"fields": {"log": {"kind": "text"}}, "policy": {"*": ["append"]}, "systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says log=a v1 by kim
p2 says log=a v1 by lee
at 14:00:10
p1 says log=a/one v2 by kim
at 14:00:20
p2 says log=a/two v2 by lee
at 14:00:30
p1 says log=a/one/three v3 by kim
state
$$);
SELECT story('{"fields": {"log": {"kind": "text"}}, "policy": {"*": ["append"]}, "systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says log=a v1 by kim
p2 says log=a v1 by lee
at 14:00:10
p1 says log=a/one v2 by kim
at 14:00:30
p1 says log=a/one/three v3 by kim
at 14:00:20
p2 says log=a/two v2 by lee
state
$$);
-- RS-07: manual behind union asks nobody; (control) before it, it does.
SELECT story('{"fields": {"tags": {"kind": "set"}}, "policy": {"*": ["union", "manual"]}, "systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says tags=["k"] v1 by kim
p2 says tags=["x"] v1 by lee
state
$$);
SELECT story('{"fields": {"tags": {"kind": "set"}}, "policy": {"*": ["manual", "union"]}, "systems": {"p1": {"rank": 10}, "p2": {"rank": 20}}}', $$
p1 says tags=["k"] v1 by kim
p2 says tags=["x"] v1 by lee
state
$$);
DROP SCHEMA t400 CASCADE;
