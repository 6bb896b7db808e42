-- Test cases of maps: an event, and what must be read of it. They are judged with the configuration of the caller's own
-- transaction, and nothing is stored: a change that breaks one cannot be activated.

-- One case: what differs from what it expects (null: nothing), and what the expected members are now. A case that does not
-- name @outcome expects an event that can be decided. Runs as the owner, which may read any map, so it asks who calls.
CREATE FUNCTION syncore._run_test(name text, OUT difference text, OUT became jsonb)
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		one syncore.test_case;
		said jsonb;
	BEGIN
		SELECT c.* INTO one FROM syncore.test_case c JOIN syncore.system y ON y.name = c.system
			WHERE c.name = _run_test.name AND y.space::text = ANY (syncore._space_names_of(syncore._caller(), 'read'));
		IF one.name IS NULL THEN
			RAISE EXCEPTION 'test case "%" does not exist', _run_test.name
				USING ERRCODE = 'undefined_object', HINT = 'SELECT name FROM syncore.test_case lists them.';
		END IF;
		said := syncore._read_event(one.system, one.payload);
		IF NOT one.expected ? '@outcome' THEN
			one.expected := one.expected || '{"@outcome": "read"}';
		END IF;
		SELECT string_agg(format('%s is %s, expected %s', e.key, coalesce(nullif(said -> e.key, 'null')::text, 'empty')
					|| CASE WHEN e.key = '@outcome' THEN coalesce(' (' || (said ->> '@problem') || ')', '') ELSE '' END,
				coalesce(nullif(e.value, 'null')::text, 'empty')), '; ' ORDER BY e.key COLLATE "C"),
				jsonb_object_agg(e.key, coalesce(said -> e.key, 'null'))
			INTO difference, became FROM jsonb_each(one.expected) e WHERE coalesce(said -> e.key, 'null') <> e.value;
	END
	$$;
COMMENT ON FUNCTION syncore._run_test(text) IS 'configure: one test case: what differs, and what it would have to expect';

CREATE FUNCTION syncore.run_tests(target text DEFAULT 'all') RETURNS TABLE (name text, ok boolean, difference text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		goal record;
	BEGIN
		SELECT * INTO goal FROM syncore._resolve_target(target);
		RETURN QUERY SELECT c.name::text, t.difference IS NULL, t.difference
			FROM syncore.test_case c CROSS JOIN LATERAL syncore._run_test(c.name) t
			WHERE syncore._is_of_target('test_case', to_jsonb(c), goal.kind, goal.id)
			ORDER BY t.difference IS NULL, c.name;
	END
	$$;
COMMENT ON FUNCTION syncore.run_tests(text) IS
	'configure: reads the events of syncore.test_case with the configuration of this transaction and compares; failures first; nothing is stored';

CREATE FUNCTION syncore._lint_test(systems text[])
	RETURNS TABLE (level text, code text, object text, message text, hint text, fix text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT 'error', 'test_failed', c.name::text, format('test case "%s" of system "%s": %s', c.name, c.system, t.difference),
			'Correct the map; or the case, if what comes out now is right.',
			format('UPDATE syncore.test_case SET expected = expected || %L WHERE name = %L;', t.became, c.name)
		FROM syncore.test_case c CROSS JOIN LATERAL syncore._run_test(c.name) t
		WHERE c.system = ANY (systems) AND t.difference IS NOT NULL
	$$;
COMMENT ON FUNCTION syncore._lint_test(text[]) IS 'configure: findings of test cases';
