-- R4e, R14, R21: what the record of our own create says before its answer is known: histories as in 052 (test/core/story_test.c).
CREATE SCHEMA t058;
SET search_path = t058;
SET client_min_messages = warning;
CREATE FUNCTION core_story(world jsonb, story text, reasons boolean) RETURNS text[]
	AS '$libdir/syncore_core_test', 'core_story' LANGUAGE C STRICT;
CREATE FUNCTION world(more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT '{"fields": {"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]}, "title": {"kind": "text"}, "status": {"kind": "state"}},
	         "states": [["new", "open"], ["working", "open"], ["closed", "done"]],
	         "systems": {"pd": {"rank": 30, "route": true}, "snow": {"rank": 10}},
	         "policy": {"*": ["last_update_wins"], "severity": ["escalation_wins", "last_update_wins"]}}'::jsonb || more $$;
CREATE FUNCTION story(world jsonb, story text, reasons boolean DEFAULT false) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT unnest(core_story(world, story, reasons)) $$;
\pset tuples_only on
\pset format unaligned

-- create_webhook_first: the webhook of our own create comes before its answer, and after somebody set a field that the create did not carry: what
-- the product put there by itself is where the record starts from, not an edit. It is given the field.
SELECT story(world(), $$
snow says title=a severity=high v1 by a.lee
pd sends
at 14:00:05
snow says status=working v2 by a.lee
at 14:00:10
pd says title=a severity=high status=new v1 us
state
pd made PD-1 v1 title=a severity=high status=new
pd sends
$$, true);
-- create_lost_response: the same where the answer is lost and a look-up finds the record
SELECT story(world(), $$
snow says title=a severity=high v1 by a.lee
pd sends
pd loses
at 14:00:05
snow says status=working v2 by a.lee
at 14:00:10
pd says title=a severity=high status=new v1 us
pd sends
pd made PD-1 v1 title=a severity=high status=new
pd sends
$$);
-- (control) a person's edit of that field is one, heard before the answer or after it
SELECT story(world(), $$
snow says title=a severity=high v1 by a.lee
pd sends
at 14:00:05
snow says status=working v2 by a.lee
at 14:00:10
pd says title=a severity=high status=new v1 us
pd says title=a severity=high status=closed v2 by b.kim
pd made PD-1 v1 title=a severity=high status=new
state
$$);
-- (control) what nobody has said elsewhere is heard: the product knows, and nobody else
SELECT story(world(), $$
snow says title=a severity=high v1 by a.lee
pd sends
pd says title=a severity=high status=new v1 us
pd made PD-1 v1 title=a severity=high status=new
state
$$);

-- R4e: the create was found by a look-up, so its position is a bound only. A person's webhook from before that shows the whole
-- record, with what we put there: that is ours, not the person's. The severity was lowered elsewhere meanwhile, and stays so.
SELECT story(world(), $$
snow says title=a severity=high v1 by a.lee
pd sends
pd loses
at 14:00:05
snow says severity=low v2 by a.lee
at 14:00:10
pd says title=kim severity=high v1 by b.kim
pd sends
pd finds PD-1 v2 title=kim severity=high status=working
state
pd sends
$$, true);
-- (control) what the person did change is heard, where it differs from ours
SELECT story(world(), $$
snow says title=a severity=high v1 by a.lee
pd sends
pd loses
at 14:00:05
snow says severity=low v2 by a.lee
at 14:00:10
pd says title=kim severity=critical v1 by b.kim
pd sends
pd finds PD-1 v2 title=kim severity=critical status=working
state
$$);

-- R21: what the look-up finds may be somebody's edit since, or the product's default: nobody knows before it is told. It is not
-- taken for a start, and what our write replaced is heard as such (R4e): a conflict, not lost; the default, told by our own create, is none.
SELECT story(world(), $$
snow says title=a severity=high v1 by a.lee
pd sends
pd loses
at 14:00:05
snow says status=working v2 by a.lee
pd sends
pd finds PD-1 v2 title=a severity=high status=closed
state
pd sends
pd answers v3 status=working
pd creates title=a severity=high status=new v1 us
at 14:00:10
pd says title=a severity=high status=closed v2 by b.kim
state
$$, true);
-- The same, and our own create is told of before anything is written over it: what the record started with is no edit then either,
-- and what somebody set since is one
SELECT story(world(), $$
snow says title=a severity=high v1 by a.lee
pd sends
pd loses
at 14:00:05
snow says status=working v2 by a.lee
pd sends
pd finds PD-1 v2 title=a severity=high status=closed
pd creates title=a severity=high status=new v1 us
state
at 14:00:10
pd says title=a severity=high status=closed v2 by b.kim
state
$$);
-- (control) where it shows what stands, there is nothing to lose; a record that nobody touched has its defaults
SELECT story(world(), $$
snow says title=a severity=high v1 by a.lee
pd sends
pd loses
at 14:00:05
snow says status=working v2 by a.lee
pd sends
pd finds PD-1 v2 title=a severity=high status=working
state
$$);
SELECT story(world(), $$
snow says title=a severity=high v1 by a.lee
pd sends
pd loses
at 14:00:05
snow says status=working v2 by a.lee
pd sends
pd finds PD-1 v1 title=a severity=high status=new us
state
$$);

-- R14: a write was acknowledged, and the read that was to show what came of it failed: what is heard before that read was made
-- is neither before nor after the write. It waits; read later, our value is ours, however the product spells it.
SELECT story(world('{"systems": {"pd": {"rank": 30}, "snow": {"rank": 10}}}'), $$
snow says title=a severity=high v1 by a.lee
pd says title=a severity=high status=new v1 by b.kim
at 14:00:05
snow says title=b v2 by a.lee
pd sends
pd answers
at 14:00:10
pd says title=a severity=low status=new v2 by b.kim
pd sends
pd shows v3 title=B severity=low status=new
state
snow sends
$$);
-- (control) what a person set since our write is news, and the same for a create
SELECT story(world(), $$
snow says title=a severity=high v1 by a.lee
pd sends
pd made PD-1
at 14:00:05
snow says severity=low v2 by a.lee
at 14:00:10
pd says title=kim severity=high status=new v1 by b.kim
pd sends
pd shows v1 title=kim severity=high status=new
state
pd sends
$$);
-- (control) a replica that shows less than was known at the send has shown nothing: it is read again
SELECT story(world('{"systems": {"pd": {"rank": 30}, "snow": {"rank": 10}}}'), $$
snow says title=a severity=high v1 by a.lee
pd says title=a severity=high status=new v5 by b.kim
snow says title=b v2 by a.lee
pd sends
pd answers
pd sends
pd shows v4 title=a severity=high status=new
pd sends
pd shows v6 title=b severity=high status=new
state
$$);

-- R5: a read showed a person's title without saying whose; our write replaced it before the person's own statement came. That of
-- another field, which shows what stood before, tells nothing of it.
SELECT story(world('{"systems": {"pd": {"rank": 30}, "snow": {"rank": 10}}}'), $$
snow says title=a severity=high v1 by a.lee
pd says title=a severity=high status=new v1 by b.kim
pd reads
pd shows v3 title=lee severity=critical status=new
snow sends
snow answers v2 title=lee severity=critical status=new
at 14:00:05
snow says title=b v3 by a.lee
pd sends
pd answers v4 title=b
pd says title=a severity=critical status=new v2 by b.kim
pd says title=lee severity=critical status=new v3 by c.lee
state
$$, true);

-- R21, R5: the look-up finds a record that somebody has touched; whoever is heard next shows it whole, with what it started with beside
-- what he changed. That is nobody's edit: our own create, told last, says so. The version goes, and what it had beaten stands.
SELECT story(world('{"fields": {"title": {"kind": "text"}, "status": {"kind": "state"}, "cause": {"kind": "text"}}}'), $$
snow says title=a v1 by a.lee
pd sends
pd loses
at 14:00:05
snow says status=working cause=rain v2 by a.lee
pd sends
pd finds PD-1 v3 title=kim status=new cause=null
at 14:00:10
pd says title=kim status=new cause=null v3 by b.kim
state
pd says title=b status=new cause=null v2 by c.lee
pd creates title=a status=new cause=null v1 us
state
pd sends
pd answers v4 status=working cause=rain
snow sends
snow answers v3 title=kim
state
$$, true);
-- the same where our next write had gone over it before anybody was heard (R4e)
SELECT story(world(), $$
snow says title=a v1 by a.lee
pd sends
pd loses
at 14:00:05
snow says status=working v2 by a.lee
pd sends
pd finds PD-1 v3 title=kim status=new
pd sends
pd answers v4 status=working
at 14:00:10
pd says title=kim status=new v3 by b.kim
pd creates title=a status=new v1 us
state
$$);
-- (control) what is not what it started with is somebody's, and what no other version stands beside stays
SELECT story(world(), $$
snow says title=a v1 by a.lee
pd sends
pd loses
at 14:00:05
snow says status=working v2 by a.lee
pd sends
pd finds PD-1 v3 title=kim status=closed
at 14:00:10
pd says title=kim status=closed v3 by b.kim
pd creates title=a status=new v1 us
state
snow sends
snow answers v3 status=closed
snow says status=new v4 by a.lee
pd creates title=a status=new v1 us
state
$$);
-- what is empty there is known to be so, in whatever order it is told: who emptied it again has nothing to lose
SELECT story(world('{"fields": {"title": {"kind": "text"}, "cause": {"kind": "text"}}}'), $$
snow says title=a v1 by a.lee
pd sends
pd loses
at 14:00:05
snow says cause=rain v2 by a.lee
pd sends
pd finds PD-1 v5 title=kim cause=snow
at 14:00:10
pd says title=kim cause=null v2 by b.kim
state
pd creates title=a cause=null v1 us
pd says title=kim cause=snow v4 by b.kim
state
$$);
-- (control) a record that is not of our making
SELECT story(world('{"fields": {"title": {"kind": "text"}, "cause": {"kind": "text"}}}'), $$
snow says title=a cause=rain v1 by a.lee
at 14:00:05
pd says title=a cause=null v5 by b.kim
state
$$);

-- R10, R21: what the record started with is what stands, said elsewhere by then: whoever edits it has seen that, and overrules no one.
SELECT story(world('{"policy": {"*": ["human_wins"]}}'), $$
snow says severity=high v2 by a.lee
pd sends
snow says severity=high title=a v3 by a.lee full
pd creates severity=high title=a v1 us
pd says title=d v2 by rule automation
state
$$);
-- (control) what it started with is something else: then its people have not seen it
SELECT story(world('{"policy": {"*": ["human_wins"]}}'), $$
snow says severity=high v2 by a.lee
pd sends
snow says severity=high title=b v3 by a.lee full
pd creates severity=high title=a v1 us
pd says title=d v2 by rule automation
state
$$);
-- R21: a search finds nothing of a lost create for too long, but its record has been told of: it is there, and read. What it started with is
-- nobody's edit.
SELECT story(world('{"systems": {"pd": {"rank": 30, "route": true}, "snow": {"rank": 10}}, "policy": {"*": ["manual"]}}'), $$
snow says severity=low title=a v1 by a.lee
pd sends
pd loses
pd says severity=low title=a v1 us
at 14:01:10
pd finds_nothing
snow says title=b v2 by a.lee
pd sends
pd finds PD-1 v1 severity=low title=a
pd sends
pd answers v2 severity=low title=b
state
$$, true);
