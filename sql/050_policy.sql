-- Which of several versions stands, and that the order in which they are heard never matters.
CREATE SCHEMA t050;
SET search_path = t050;
SET client_min_messages = warning;
CREATE FUNCTION winner(world jsonb, field text, versions jsonb) RETURNS text
	AS '$libdir/syncore_core_test', 'core_winner' LANGUAGE C STRICT;
CREATE FUNCTION confluence(world jsonb, field text, links int, events int, histories int, seed bigint, forget boolean) RETURNS text
	AS '$libdir/syncore_core_test', 'core_confluence' LANGUAGE C STRICT;
CREATE FUNCTION world(rules jsonb, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT '{"fields": {"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]},
	                    "title": {"kind": "text"}, "tags": {"kind": "set"}},
	         "systems": {"jira": {"rank": 20, "grade": "fine"}, "pd": {"rank": 30}, "snow": {"rank": 10}}}'::jsonb
		|| jsonb_build_object('policy', jsonb_build_object('*', rules)) || more $$;
\pset tuples_only on
\pset format unaligned

-- RS-02, escalation_wins: the raise at 14:03:12 beats the later lowering at 14:03:15
SELECT winner(world('["escalation_wins"]'), 'severity',
	'[{"system": "snow", "value": "low", "actor": "a.lee", "at": 50595}, {"system": "pd", "value": "critical", "actor": "b.kim", "at": 50592}]');
-- RS-03, human_wins: a later automated close loses to an earlier analyst
SELECT winner(world('["human_wins", "last_update_wins"]'), 'title',
	'[{"system": "snow", "value": "closed", "actor": "bot", "kind": "automation", "at": 200}, {"system": "jira", "value": "working on it", "actor": "a.lee", "at": 100}]');
-- RS-04, last_update_wins
SELECT winner(world('["last_update_wins"]'), 'title',
	'[{"system": "snow", "value": "old", "actor": "a.lee", "at": 100}, {"system": "jira", "value": "new", "actor": "b.kim", "at": 101}]');
-- RS-05, system_of_record: named in the rule, or the owner of the field; without either it decides nothing
SELECT winner(world('[{"rule": "system_of_record", "system": "jira"}]'), 'title',
	'[{"system": "snow", "value": "a", "actor": "a.lee", "at": 101}, {"system": "jira", "value": "b", "actor": "b.kim", "at": 100}]');
SELECT winner(world('["system_of_record"]', '{"owner": {"title": ["snow", "accept"]}}'), 'title',
	'[{"system": "snow", "value": "a", "actor": "a.lee", "at": 100}, {"system": "jira", "value": "b", "actor": "b.kim", "at": 101}]');
SELECT winner(world('["system_of_record", "last_update_wins"]'), 'title',
	'[{"system": "snow", "value": "a", "actor": "a.lee", "at": 100}, {"system": "jira", "value": "b", "actor": "b.kim", "at": 101}]');
-- RS-09, version_wins: the record version, regardless of time
SELECT winner(world('["version_wins"]'), 'title',
	'[{"system": "snow", "value": "a", "version": 9, "at": 100}, {"system": "pd", "value": "b", "version": 5, "at": 200}]');
-- VC-07: equal times are decided by the rank of the system, the same way always
SELECT winner(world('["last_update_wins"]'), 'title',
	'[{"system": "pd", "value": "b", "at": 100}, {"system": "snow", "value": "a", "at": 100}, {"system": "jira", "value": "c", "at": 100}]');
-- RS-07, RS-08, manual: several values wait for a person; one value does not; below the threshold the next rule decides
SELECT winner(world('["manual"]'), 'title', '[{"system": "pd", "value": "b", "at": 1}, {"system": "snow", "value": "a", "at": 2}]');
SELECT winner(world('["manual"]'), 'title', '[{"system": "pd", "value": "b", "at": 1}, {"system": "snow", "value": "b", "at": 2}]');
SELECT winner(world('[{"rule": "manual", "review_from": "high"}, "last_update_wins"]'), 'severity',
	'[{"system": "pd", "value": "critical", "at": 1}, {"system": "snow", "value": "low", "at": 2}]');
SELECT winner(world('[{"rule": "manual", "review_from": "high"}, "last_update_wins"]'), 'severity',
	'[{"system": "pd", "value": "medium", "at": 1}, {"system": "snow", "value": "low", "at": 2}]');
-- RS-07: manual behind a rule that decides is not reached
SELECT winner(world('["escalation_wins", "manual"]'), 'severity',
	'[{"system": "pd", "value": "medium", "at": 1}, {"system": "snow", "value": "low", "at": 2}]');
-- RS-10, call: decides; fails; goes round; is moody. Whatever it does, the next rule takes over and says so
SELECT winner(world('[{"rule": "call", "function": "test.longest"}]'), 'title',
	'[{"system": "snow", "value": "abc", "at": 2}, {"system": "pd", "value": "abcdef", "at": 1}]');
SELECT winner(world('[{"rule": "call", "function": "test.fail"}, "last_update_wins"]'), 'title',
	'[{"system": "snow", "value": "abc", "at": 2}, {"system": "pd", "value": "abcdef", "at": 1}]');
SELECT winner(world('[{"rule": "call", "function": "test.moody"}, "last_update_wins"]'), 'title',
	'[{"system": "snow", "value": "abc", "at": 2}, {"system": "pd", "value": "abcdef", "at": 1}]');
SELECT winner(world('[{"rule": "call", "function": "test.circle"}, "last_update_wins"]'), 'title',
	'[{"system": "snow", "value": "a", "at": 3}, {"system": "pd", "value": "b", "at": 2}, {"system": "jira", "value": "c", "at": 1}]');
-- union: what anybody added, without what anybody took away; append: what was added, in order of time
SELECT winner(world('["union"]'), 'tags',
	'[{"system": "snow", "value": ["vpn", "bug"], "replaced": ["vpn"], "at": 1}, {"system": "jira", "value": ["urgent"], "replaced": ["vpn"], "at": 2}]');
SELECT winner(world('["append"]'), 'title',
	'[{"system": "snow", "value": "log. two", "replaced": "log.", "at": 2}, {"system": "jira", "value": "log. one", "replaced": "log.", "at": 1}]');
-- union and append have nothing to go by in other fields: they are passed over, and no value is lost; what is no list is its only member
SELECT winner(world('["union", "last_update_wins"]'), 'title',
	'[{"system": "snow", "value": "a", "replaced": "x", "at": 2}, {"system": "jira", "value": "b", "replaced": "x", "at": 1}]');
SELECT winner(world('["append", "last_update_wins"]'), 'tags',
	'[{"system": "snow", "value": ["vpn", "bug"], "replaced": ["vpn"], "at": 1}, {"system": "jira", "value": ["urgent"], "replaced": ["vpn"], "at": 2}]');
SELECT winner(world('["append"]'), 'severity',
	'[{"system": "snow", "value": "high", "replaced": "low", "at": 1}, {"system": "jira", "value": "medium", "replaced": "low", "at": 2}]');
SELECT winner(world('["union"]'), 'tags',
	'[{"system": "snow", "value": "bug", "replaced": "vpn", "at": 1}, {"system": "jira", "value": ["vpn", "urgent"], "replaced": ["vpn"], "at": 2}, {"system": "pd", "value": null, "at": 3}]');
-- a set of thousands, as a payload may bring it, takes a moment and little memory
SET statement_timeout = '10 s';
SELECT jsonb_array_length(split_part(winner(world('["union"]'), 'tags', jsonb_build_array(
		jsonb_build_object('system', 'snow', 'value', one.tags, 'replaced', was.tags, 'at', 1), jsonb_build_object('system', 'jira', 'value', two.tags, 'replaced', was.tags, 'at', 2))), ' by union', 1)::jsonb)
	FROM (SELECT jsonb_agg('old ' || i) FROM generate_series(1, 3000) i) was (tags), (SELECT jsonb_agg('a ' || i) FROM generate_series(1, 3000) i) one (tags), (SELECT jsonb_agg('b ' || i) FROM generate_series(1, 3000) i) two (tags);
RESET statement_timeout;
-- RS-13: no rule tells them apart: a list that ends with manual holds, one without ends with the rank of the system
SELECT winner(world('["last_update_wins", "manual"]'), 'title',
	'[{"system": "pd", "value": "b", "at": 100}, {"system": "snow", "value": "a", "at": 100}]');
SELECT winner(world('["last_update_wins"]'), 'title',
	'[{"system": "pd", "value": "b", "at": 100}, {"system": "snow", "value": "a", "at": 100}]');

-- RS-11, VC-08, I8: every order of random histories ends in the same versions, clock and value (heard twice each, too)
\pset format aligned
\pset tuples_only off
SELECT r.rules, confluence(world(r.rules), 'severity', 2, 4, 60, 1, false) AS "4 events x 2 systems",
	confluence(world(r.rules), 'severity', 3, 5, 25, 2, false) AS "5 events x 3 systems"
FROM (VALUES ('["escalation_wins"]'::jsonb), ('["human_wins"]'), ('["system_of_record"]'), ('["version_wins"]'), ('["last_update_wins"]'),
	('["human_wins", "escalation_wins", "last_update_wins"]'), ('["manual"]'), ('[{"rule": "call", "function": "test.longest"}]'),
	('[{"rule": "call", "function": "test.moody"}]'), ('[{"rule": "call", "function": "test.fail"}]'), ('[]')) AS r(rules);
-- R8: the positive control: a register that keeps only winners does depend on the order
SELECT confluence(world('["escalation_wins"]'), 'severity', 3, 4, 60, 3, true) AS "winners only";
DROP SCHEMA t050 CASCADE;
