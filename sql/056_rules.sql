-- Rules of an entity type: records that are deleted somewhere, and states that no transition leads to (test/core/story_test.c).
CREATE SCHEMA t055;
SET search_path = t055;
SET client_min_messages = warning;
CREATE FUNCTION core_story(world jsonb, story text, reasons boolean) RETURNS text[]
	AS '$libdir/syncore_core_test', 'core_story' LANGUAGE C STRICT;
CREATE FUNCTION world(more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT '{"fields": {"title": {"kind": "text"}, "status": {"kind": "state"}},
	         "states": [["new", "open"], ["working", "open"], ["resolved", "done"], ["closed", "done"]],
	         "systems": {"pd": {"rank": 30, "route": true}, "snow": {"rank": 10}},
	         "policy": {"*": ["human_wins", "last_update_wins"]}}'::jsonb || more $$;
CREATE FUNCTION story(world jsonb, story text, reasons boolean DEFAULT true) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT unnest(core_story(world, story, reasons)) $$;
\pset tuples_only on
\pset format unaligned

-- on_delete recreate: the route makes the record anew, once, with all that stands; its old one stays a tombstone
SELECT story(world('{"type": {"on_delete": "recreate"}}'), $$
snow says title=a status=new v1 by a.lee
pd sends
pd made PD-1 v1 title=a status=new
pd deletes v2 by b.kim
snow says status=working v2 by a.lee
pd sends
pd made PD-2 v1 title=a status=working
state
$$);
-- unlink: no new one, and the others live on
SELECT story(world('{"type": {"on_delete": "unlink"}}'), $$
snow says title=a status=new v1 by a.lee
pd sends
pd made PD-1 v1 title=a status=new
pd deletes v2 by b.kim
snow says status=working v2 by a.lee
state
$$);
-- CS-01, on_illegal accept: taken, and told; a step that is one is not spoken of
SELECT story(world('{"transitions": [["new", "working"], ["working", "resolved"]], "type": {"on_illegal": "accept"}}'), $$
snow says title=a status=new v1 by a.lee
snow says status=resolved v2 by a.lee
snow says status=new v3 by a.lee
snow says status=working v4 by a.lee
state
$$);
DROP SCHEMA t055 CASCADE;
