-- What the records of a system look like: which members they have, of which type, and which of those that are mapped have vanished.

CREATE TABLE syncore.record_path (
	space_id integer NOT NULL,
	system_id integer NOT NULL REFERENCES syncore.system (id) ON DELETE CASCADE,
	record_type text NOT NULL,
	path text NOT NULL,
	type text NOT NULL CHECK (type OPERATOR(pg_catalog.=) ANY (ARRAY['null', 'string', 'number', 'boolean', 'object', 'array'])),
	was_type text,                                 -- before it changed; null = it never did
	accepted boolean NOT NULL DEFAULT false,       -- it was there from the start, or somebody has looked at it
	first_seen timestamptz NOT NULL DEFAULT pg_catalog.now(),
	changed_at timestamptz,                        -- when the type changed
	gone_at timestamptz,                           -- since when whole records do not show it
	txid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
	PRIMARY KEY (system_id, record_type, path)
);

-- Stores what was seen of records of one type: paths with types; 'absent' is a contract field that a whole record lacks.
-- True when all of it was stored before this transaction, so that the caller need not ask again.
-- Whoever is second does not wait for the first: what he saw is seen again with the next record.
CREATE FUNCTION syncore._note_paths(the_system integer, the_type text, paths text[], types text[]) RETURNS boolean
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		owner record;
		one record;
		absent text[] := ARRAY(SELECT n.path FROM unnest(paths, types) AS n (path, type) WHERE n.type = 'absent');
	BEGIN
		IF NOT pg_try_advisory_xact_lock(hashtextextended(format('syncore record_path %s %s', the_system, the_type), 0)) THEN
			RETURN false;
		END IF;
		SELECT y.name::text, s.id AS space_id, NOT EXISTS (SELECT FROM syncore.record_path r WHERE r.system_id = the_system AND r.record_type = the_type) AS is_first,
				1000 - (SELECT count(*) FROM syncore.record_path r WHERE r.system_id = the_system AND r.record_type = the_type) AS room
			INTO owner FROM syncore.system y JOIN syncore.space s ON s.name = y.space WHERE y.id = the_system;
		IF NOT FOUND THEN
			RETURN true;
		END IF;
		INSERT INTO syncore.record_path (space_id, system_id, record_type, path, type, accepted)
			SELECT owner.space_id, the_system, the_type, n.path, coalesce(max(n.type) FILTER (WHERE n.type NOT IN ('null', 'absent')), 'null'), owner.is_first
			FROM unnest(paths, types) AS n (path, type)
			WHERE n.type = 'absent' OR NOT EXISTS (SELECT FROM syncore.record_path r WHERE r.system_id = the_system AND r.record_type = the_type AND r.path = n.path)
			GROUP BY n.path ORDER BY bool_or(n.type = 'absent') DESC, n.path LIMIT greatest(owner.room, 0)
			ON CONFLICT DO NOTHING;
		UPDATE syncore.record_path r SET type = n.type, txid = pg_current_xact_id(),
				was_type = CASE r.type WHEN 'null' THEN r.was_type ELSE r.type END, changed_at = CASE r.type WHEN 'null' THEN r.changed_at ELSE now() END
			FROM (SELECT u.path, max(u.type) AS type FROM unnest(paths, types) AS u (path, type) WHERE u.type NOT IN ('null', 'absent') GROUP BY u.path) n
			WHERE r.system_id = the_system AND r.record_type = the_type AND r.path = n.path AND r.type <> n.type;
		FOR one IN UPDATE syncore.record_path r SET gone_at = now(), txid = pg_current_xact_id()
			WHERE r.system_id = the_system AND r.record_type = the_type AND r.path = ANY (absent) AND r.gone_at IS NULL RETURNING r.path, r.type
		LOOP
			PERFORM syncore._tell_vanished(owner.space_id, owner.name, the_type, one.path, one.type = 'null');
		END LOOP;
		-- It is heard of again, or nobody reads it any more.
		FOR one IN UPDATE syncore.record_path r SET gone_at = NULL, txid = pg_current_xact_id()
			WHERE r.system_id = the_system AND r.record_type = the_type AND r.path <> ALL (absent) AND r.gone_at IS NOT NULL
				AND (r.path = ANY (paths) OR NOT EXISTS (SELECT FROM syncore.field_map m WHERE m.system = owner.name AND m.record_type = the_type
					AND m.path = r.path AND m.contract AND m.direction IN ('both', 'in')))
			RETURNING r.path
		LOOP
			UPDATE syncore.alert a SET closed_at = now(), closed_by = 'syncore'
				WHERE a.cause = format('schema:%s:%s:%s', owner.name, the_type, one.path) AND a.closed_at IS NULL;
		END LOOP;
		-- What was only ever missed is nothing that records have.
		DELETE FROM syncore.record_path r WHERE r.system_id = the_system AND r.record_type = the_type AND r.type = 'null' AND r.gone_at IS NULL
			AND r.txid = pg_current_xact_id() AND r.path <> ALL (paths);
		RETURN NOT EXISTS (SELECT FROM syncore.record_path r
			WHERE r.system_id = the_system AND r.record_type = the_type AND r.txid = pg_current_xact_id());
	END
	$$;

-- An alert: a field of the contract is not shown any more, or never was.
CREATE FUNCTION syncore._tell_vanished(space_id integer, system text, record_type text, path text, never boolean) RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
		INSERT INTO syncore.alert AS a (space_id, level, kind, cause, object, detail, hint)
			SELECT $1, CASE WHEN bool_or(f.required) THEN 'critical' ELSE 'warning' END, 'schema', format('schema:%s:%s:%s', $2, $3, $4), $2,
				format('a %s of system "%s" %s %s, from which %s is read: its value stays as it was, the other fields are kept in step',
					$3, $2, CASE WHEN $5 THEN 'does not have' ELSE 'no longer has' END, $4, coalesce(string_agg(DISTINCT m.field::text, ', '), 'a field')),
				format('Read it from where it is now: UPDATE syncore.field_map SET path = ''…'' WHERE system = %L AND record_type = %L AND path = %L; or set contract = false if it may be missing.', $2, $3, $4)
			FROM syncore.field_map m JOIN syncore.field f ON f.entity_type = m.entity_type AND f.name = m.field
			WHERE m.system = $2 AND m.record_type = $3 AND m.path = $4 AND m.direction IN ('both', 'in')
			ON CONFLICT (cause) WHERE closed_at IS NULL DO UPDATE SET last_at = now(), times = a.times + 1, level = EXCLUDED.level,
				detail = EXCLUDED.detail, hint = EXCLUDED.hint
	$$;

COMMENT ON TABLE syncore.record_path IS 'watch: what the records of a system look like: members and their types, at most 1000 a record type; read schema_drift and mapping_sheet';
COMMENT ON COLUMN syncore.record_path.path IS 'JSON Pointer from the record that field_map paths start from';
COMMENT ON COLUMN syncore.record_path.type IS 'JSON type that it has now; null: no value was seen yet';
COMMENT ON COLUMN syncore.record_path.was_type IS 'JSON type that it had before; empty: it never changed, or the change was accepted';
COMMENT ON COLUMN syncore.record_path.accepted IS 'it was there when the first record was seen, or accept_schema() was called since';
COMMENT ON COLUMN syncore.record_path.first_seen IS 'when it was first seen';
COMMENT ON COLUMN syncore.record_path.changed_at IS 'when its type changed';
COMMENT ON COLUMN syncore.record_path.gone_at IS 'since when whole records lack it, though it is of the contract';
COMMENT ON FUNCTION syncore._note_paths(integer, text, text[], text[]) IS 'watch: stores what was seen of records; true when it was all there before';
COMMENT ON FUNCTION syncore._tell_vanished(integer, text, text, text, boolean) IS 'watch: raises the alert about a field of the contract that records lack';
