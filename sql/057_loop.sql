-- The loop breaker's settings: how many reversals, how soon after our write one is an answer to it, in what time they are counted. EL-10, R20.
CREATE SCHEMA t057;
SET search_path = t057;
SET client_min_messages = warning;
CREATE FUNCTION core_story(world jsonb, story text, reasons boolean) RETURNS text[]
	AS '$libdir/syncore_core_test', 'core_story' LANGUAGE C STRICT;
CREATE FUNCTION world(type jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT '{"fields": {"severity": {"kind": "rank", "allowed": ["critical", "high", "medium", "low"]}}, "states": [["new", "open"]],
	         "systems": {"pd": {"rank": 30}, "snow": {"rank": 10}}, "policy": {"*": ["last_update_wins"]}}'::jsonb || jsonb_build_object('type', type) $$;
-- A machine at pd raises the severity, one at snow puts it back, so many times; each takes its time to notice.
CREATE FUNCTION fight(rounds int, seconds int) RETURNS text LANGUAGE sql AS $$
	SELECT E'snow says severity=low v1 by a.lee\npd says severity=low v1 by b.kim\n' || string_agg(format(
		E'at %2$s\npd says severity=high v%1$s by router automation\nsnow sends\nsnow answers v%1$s severity=high\nat %3$s\nsnow says severity=low v%4$s by rule automation\npd sends\npd answers v%4$s severity=low',
		2 * i, time '14:00' + (2 * i - 1) * seconds * interval '1 s', time '14:00' + 2 * i * seconds * interval '1 s', 2 * i + 1), E'\n' ORDER BY i)
	FROM generate_series(1, rounds) i $$;
-- What we wrote to snow, and which of its reversals was one too many.
CREATE FUNCTION outcome(type jsonb, rounds int, seconds int, OUT writes bigint, OUT stopped_after text, OUT alerts bigint) LANGUAGE sql AS $$
	SELECT count(*) FILTER (WHERE l ~ '^\s+snow: severity'), min(substring(l FROM 'severity of snow-1 .* (\d+) times')), count(*) FILTER (WHERE l ~ 'alert loop')
	FROM unnest(core_story(world(type), fight(rounds, seconds), true)) l $$;

SELECT * FROM outcome('{}', 15, 1);
SELECT * FROM outcome('{"loop_limit": 1}', 15, 1);
-- as many as are asked for, more than a field's writes are remembered
SELECT * FROM outcome('{"loop_limit": 12}', 15, 1);
-- within loop_window only: here a reversal every 16 seconds
SELECT * FROM outcome('{"loop_limit": 5}', 15, 8);
SELECT * FROM outcome('{"loop_limit": 5, "loop_window": 64}', 15, 8);
-- machines that take half a minute to notice: a loop as well, where the type says that they are slow
SELECT * FROM outcome('{"loop_window": 600}', 15, 30);
SELECT * FROM outcome('{"loop_window": 600, "loop_within": 30}', 15, 30);
-- (control) later than that it is news
SELECT * FROM outcome('{"loop_window": 600, "loop_within": 29}', 15, 30);
DROP SCHEMA t057 CASCADE;
RESET search_path;

-- The same as settings: what cannot be honoured is refused.
SET syncore.allow_drop = on;
DROP EXTENSION IF EXISTS syncore CASCADE;
RESET syncore.allow_drop;
CREATE EXTENSION syncore CASCADE;
SELECT name, loop_limit, loop_window, loop_within FROM syncore.entity_type ORDER BY name;
\set VERBOSITY terse
UPDATE syncore.entity_type SET loop_limit = 0;
UPDATE syncore.entity_type SET loop_limit = 101;
UPDATE syncore.entity_type SET loop_window = '0';
UPDATE syncore.entity_type SET loop_within = '-1 s';
UPDATE syncore.entity_type SET loop_limit = 100, loop_window = '1 day', loop_within = '5 min';
-- what is counted is kept with the link, as much as the limit allows and no more
SELECT jsonb_array_length(format('{"severity": {"reversals": %s}}', to_jsonb(array_fill(now(), ARRAY[100])))::syncore.shadow::jsonb #> '{severity,reversals}') AS kept;
SELECT jsonb_array_length(format('{"severity": {"reversals": %s}}', to_jsonb(array_fill(now(), ARRAY[101])))::syncore.shadow::jsonb #> '{severity,reversals}') AS kept;
SET syncore.allow_drop = on;
DROP EXTENSION syncore CASCADE;
