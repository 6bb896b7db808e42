-- Approval: where a space asks for it (space.approval_required), no system is activated with a configuration that nobody
-- but its author has seen. A change waits from the moment it is made; it takes a role of its own to let it pass, in a session of
-- its own. What an active system sends by is not changed under it: it is taken to shadow first, where nothing is lost.

-- What of a row another role has to approve: nothing of secrets, rights and alerts, nor of what works at the moment.
CREATE FUNCTION syncore._approvable(table_name text, content jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT CASE
			WHEN table_name IN ('credential', 'space_role', 'alert_route', 'test_case') THEN NULL
			WHEN table_name = 'space' THEN jsonb_build_object('approval_required', content -> 'approval_required')
			ELSE content - '{mode,create_after,note}'::text[] END
	$$;
COMMENT ON FUNCTION syncore._approvable(text, jsonb) IS 'configure: what of a row another role has to approve';

-- The spaces that ask for approval and that a change concerns: its own, or every one. A space that ceases to ask still does, and so does the one
-- that a system leaves.
CREATE FUNCTION syncore._approving_spaces(table_name text, was jsonb, becomes jsonb, space_id integer) RETURNS integer[]
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT CASE WHEN syncore._approvable(table_name, was) IS DISTINCT FROM syncore._approvable(table_name, becomes)
			THEN ARRAY(SELECT s.id FROM syncore.space s
				WHERE (s.approval_required OR (table_name = 'space' AND (was ->> 'approval_required')::boolean AND s.id = (was ->> 'id')::integer))
					AND (s.id = space_id OR space_id IS NULL OR (table_name = 'system' AND s.name = was ->> 'space'))) ELSE '{}' END
	$$;
COMMENT ON FUNCTION syncore._approving_spaces(text, jsonb, jsonb, integer) IS 'configure: the spaces whose approval a change needs';

-- Raises SY008 for a change to what an active system of such a space sends by. To begin asking for approval is no such change.
CREATE FUNCTION syncore._refuse_unapproved(table_name text, was jsonb, becomes jsonb, spaces integer[]) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		concerned text := CASE table_name WHEN 'system' THEN becomes ->> 'name' ELSE coalesce(becomes, was) ->> 'system' END;
		active text;
	BEGIN
		IF (table_name = 'space' AND (becomes ->> 'approval_required')::boolean) OR (table_name = 'system' AND becomes IS NULL) THEN
			RETURN;
		END IF;
		-- A system may be on its way out of the space.
		SELECT y.name INTO active FROM syncore.system y JOIN syncore.space s ON s.name = y.space
			WHERE y.mode = 'active' AND (s.id = ANY (spaces) OR table_name = 'system') AND (concerned IS NULL OR y.name = concerned) ORDER BY y.name LIMIT 1;
		IF active IS NOT NULL THEN
			RAISE EXCEPTION 'the configuration of system "%" cannot be changed while it is active', active
				USING ERRCODE = 'SY008', DETAIL = 'Its space asks for the approval of another role.',
				      HINT = format('SELECT syncore.activate(%L, ''shadow''); change it, have it approved, and activate it again: nothing is lost meanwhile.', active);
		END IF;
	END
	$$;
COMMENT ON FUNCTION syncore._refuse_unapproved(text, jsonb, jsonb, integer[]) IS 'configure: raises where an active system would be changed without approval';

-- Raises SY008 while a change that concerns a space waits for approval.
CREATE FUNCTION syncore._require_approval(system text, space text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		pending record;
	BEGIN
		SELECT v.version, string_agg(DISTINCT v.role, '", "') AS roles, string_agg(DISTINCT v.table_name, ', ') AS tables INTO pending
			FROM syncore.config_version v JOIN syncore.space s ON s.name = space
			WHERE v.needs_approval AND v.approved_by IS NULL AND (v.space_id = s.id OR v.space_id IS NULL)
			GROUP BY v.version ORDER BY v.version LIMIT 1;
		IF FOUND THEN
			RAISE EXCEPTION 'change % must be approved by another role than "%"', pending.version, pending.roles
				USING ERRCODE = 'SY008', DETAIL = format('System "%s" cannot be activated with it. It changes %s.', system, pending.tables),
				      HINT = format('SELECT * FROM syncore.config_history WHERE version = %1$s; then another role: SELECT syncore.approve(%1$s, ''…'');', pending.version);
		END IF;
	END
	$$;
COMMENT ON FUNCTION syncore._require_approval(text, text) IS 'configure: raises while a change waits for approval';

CREATE FUNCTION syncore.approve(change bigint, note text) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		caller name := syncore._caller();
		authors text[];
		logins text[];
		spaces integer[];
		approver text;
	BEGIN
		PERFORM syncore._require_note(note);
		PERFORM 1 FROM syncore.config_version v WHERE v.version = change ORDER BY v.step FOR NO KEY UPDATE;
		SELECT array_agg(DISTINCT v.role), array_agg(DISTINCT v.session_role), array_agg(DISTINCT v.space_id), max(v.approved_by)
			INTO authors, logins, spaces, approver FROM syncore.config_version v WHERE v.version = change AND v.needs_approval;
		IF NOT EXISTS (SELECT 1 FROM syncore.config_version v WHERE v.version = change
				AND coalesce(v.space_id, 0) = ANY (0 || syncore._spaces_of(caller, 'read'))) THEN
			RAISE EXCEPTION 'change % does not exist', change
				USING ERRCODE = 'undefined_object', HINT = 'SELECT * FROM syncore.review WHERE kind = ''approval'';';
		ELSIF authors IS NULL OR approver IS NOT NULL THEN
			RAISE EXCEPTION 'change % does not wait for approval', change
				USING ERRCODE = 'object_not_in_prerequisite_state',
				      DETAIL = CASE WHEN approver IS NULL THEN 'No space asked for it.' ELSE format('%s approved it.', approver) END,
				      HINT = 'SELECT * FROM syncore.review WHERE kind = ''approval'';';
		END IF;
		PERFORM syncore._require(s, 'admin', format('change %s', change)) FROM unnest(spaces) s;
		IF caller = ANY (authors) OR session_user = ANY (logins) THEN
			RAISE EXCEPTION 'change % must be approved by another role than "%"', change, array_to_string(authors, '", "')
				USING ERRCODE = 'SY008', DETAIL = CASE WHEN caller = ANY (authors) THEN 'It is your own.' ELSE format('"%s" logged in as who made it.', session_user) END,
				      HINT = 'Ask another administrator of the space.';
		END IF;
		UPDATE syncore.config_version v SET approved_by = caller WHERE v.version = change AND v.needs_approval;
		PERFORM syncore._ledger_append('config', NULL, NULL, NULL, coalesce(s, 0), NULL, NULL, 'config_version', NULL, NULL, 'approve',
			format('%s approved change %s of %s: %s', caller, change, array_to_string(authors, ', '), note), jsonb_build_object('version', change))
			FROM unnest(spaces) s;
		RETURN format('change %s of %s is approved', change, array_to_string(authors, ', '));
	END
	$$;
COMMENT ON FUNCTION syncore.approve(bigint, text) IS
	'configure: lets a change of configuration pass that waits for another role than its author''s (space.approval_required); change is a version of config_history';
