-- What pg_dump takes along: every row that the extension did not ship, and where sequences stand.

CREATE FUNCTION syncore._mark_for_dump() RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		member record;
	BEGIN
		FOR member IN
			SELECT c.oid, c.relname, EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'shipped' AND NOT a.attisdropped) AS has_shipped
			FROM pg_class c
			WHERE c.relnamespace = 'syncore'::regnamespace AND c.relkind IN ('r', 'S')
			ORDER BY c.relname
		LOOP
			PERFORM pg_extension_config_dump(member.oid, CASE WHEN member.has_shipped THEN 'WHERE NOT shipped' ELSE '' END);
		END LOOP;
	END
	$$;
SELECT syncore._mark_for_dump();
DROP FUNCTION syncore._mark_for_dump();
