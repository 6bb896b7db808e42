-- Credentials. The table is readable by the worker role alone, so this runs as its owner and checks the caller itself.

CREATE FUNCTION syncore.set_credential(system text, kind text, reference text, username text DEFAULT NULL, used_for text DEFAULT 'api',
		settings jsonb DEFAULT '{}', expires_at timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		this syncore.system;
		target_host text;
		replaced integer;
	BEGIN
		IF kind = 'none' THEN
			reference := coalesce(nullif(reference, ''), 'none:');
		END IF;
		SELECT * INTO this FROM syncore.system y WHERE y.name = set_credential.system
			AND y.space::text = ANY (syncore._space_names_of(syncore._caller(), 'read'));
		IF this.name IS NULL THEN
			PERFORM syncore._raise_unknown('system', system, syncore._systems_of(syncore._caller(), 'read'),
				'SELECT name FROM syncore.system lists them.');
		END IF;
		PERFORM syncore._require((SELECT s.id FROM syncore.space s WHERE s.name = this.space), 'admin', format('system "%s"', this.name)),
			syncore._check_credential(this.connector, kind, reference, username, used_for, expires_at);
		-- One directory serves all spaces: who administers only some names only what bears the name of the space.
		IF kind <> 'none' AND syncore._has_space_beyond(syncore._spaces_of(syncore._caller(), 'admin'))
			AND NOT starts_with(reference, 'file:' || this.space || '.') THEN
			RAISE EXCEPTION 'permission denied for this reference'
				USING ERRCODE = 'insufficient_privilege', DETAIL = 'Other spaces keep their secrets in the same place.',
				      HINT = format('Write file:%s.<name>, or ask somebody who administers every space.', this.space);
		END IF;
		target_host := lower(substring(this.base_url FROM '^[a-z]+://([^/?#]+)'));

		UPDATE syncore.credential c SET state = 'retired'
			WHERE c.system = this.name AND c.used_for = set_credential.used_for AND c.state = 'current';
		GET DIAGNOSTICS replaced = ROW_COUNT;
		INSERT INTO syncore.credential (system, used_for, kind, reference, username, settings, host, expires_at, set_by)
			VALUES (this.name, set_credential.used_for, set_credential.kind, set_credential.reference, set_credential.username,
				coalesce(set_credential.settings, '{}'), target_host, set_credential.expires_at, syncore._caller());
		PERFORM syncore._wake();
		RETURN format('%s credential of %s is %s, for %s%s', used_for, this.name, kind, target_host,
			CASE WHEN replaced > 0 THEN '; the one before it is retired' ELSE '' END);
	END
	$$;
COMMENT ON FUNCTION syncore.set_credential(text, text, text, text, text, jsonb, timestamptz) IS
	'configure: which secret a system is reached with (file:, env:SYNCORE_…), for api, webhook or signing; the one before it is retired';

-- Raises 22023 for a credential that cannot be meant. The reference is not repeated in any message.
CREATE FUNCTION syncore._check_credential(connector text, kind text, reference text, username text, used_for text, expires_at timestamptz)
	RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	DECLARE
		known text[] := CASE used_for
			WHEN 'api' THEN '{none,basic,bearer,header,oauth2_client,oauth2_refresh,oauth2_jwt,tls_client}'::text[]
			WHEN 'webhook' THEN '{none,hmac_sha256,basic,bearer,header,jwt}'::text[]
			WHEN 'signing' THEN '{hmac_sha256,jwt}'::text[] END;
	BEGIN
		IF known IS NULL THEN
			RAISE EXCEPTION 'a credential is not used for "%"', used_for
				USING ERRCODE = 'invalid_parameter_value', HINT = 'used_for is api, webhook or signing.';
		ELSIF kind IS NULL OR kind <> ALL (known) THEN
			RAISE EXCEPTION 'credential kind "%" does not fit used_for "%"', kind, used_for
				USING ERRCODE = 'invalid_parameter_value', HINT = format('Kinds are %s.', array_to_string(known, ', '));
		ELSIF kind LIKE 'oauth2%' OR kind IN ('tls_client', 'jwt') OR used_for = 'signing' THEN
			RAISE EXCEPTION 'credential kind "%" for "%" is not available in this version', kind, used_for
				USING ERRCODE = 'feature_not_supported',
				      HINT = CASE used_for WHEN 'api' THEN 'Use basic, bearer or header: an API token, for example.'
				          WHEN 'webhook' THEN 'Use hmac_sha256, basic, bearer or header.' ELSE 'Calls are not signed: leave it out.' END;
		ELSIF reference LIKE 'sealed:%' THEN
			RAISE EXCEPTION 'references of the kind "sealed" are not available in this version'
				USING ERRCODE = 'feature_not_supported', HINT = 'Write file:<name in syncore.secret_directory> or env:SYNCORE_<NAME>.';
		ELSIF kind <> 'none' AND NOT coalesce(reference ~ '^(file:[A-Za-z0-9_][A-Za-z0-9._-]*|env:SYNCORE_[A-Z0-9_]+|sealed:[A-Za-z0-9_.-]+)$', false) THEN
			RAISE EXCEPTION 'this is not a reference to a secret'
				USING ERRCODE = 'invalid_parameter_value',
				      DETAIL = 'A secret itself is never given to SQL: statements are logged. If this was one, change it.',
				      HINT = 'Write file:<name in syncore.secret_directory> or env:SYNCORE_<NAME>.';
		ELSIF reference LIKE 'file:syncore\_instance\_%' THEN
			RAISE EXCEPTION 'this is not a reference to a secret'
				USING ERRCODE = 'invalid_parameter_value', DETAIL = 'That file proves which database may send; it never leaves the server.',
				      HINT = 'Write the secret to a file of another name.';
		ELSIF kind = 'none' AND reference <> 'none:' THEN
			RAISE EXCEPTION 'credential kind "none" has no secret'
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Write ''none:'' as its reference.';
		ELSIF kind = 'basic' AND used_for = 'api' AND username IS NULL THEN
			RAISE EXCEPTION 'credential kind "basic" needs a user name'
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Add username => ''…''.';
		ELSIF expires_at <= now() THEN
			RAISE EXCEPTION 'this credential has expired already'
				USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It expired at %s.', expires_at), HINT = 'Make a new one on that side first.';
		END IF;
	END
	$$;

CREATE FUNCTION syncore.required_scopes(system text) RETURNS TABLE (scope text, why text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
		SELECT s.scope, s.why FROM syncore._system(system) y JOIN syncore.connector c ON c.name = y.connector
			CROSS JOIN ROWS FROM (jsonb_to_recordset(c.scopes) AS (scope text, why text)) WITH ORDINALITY AS s (scope, why, n) ORDER BY s.n
	$$;
COMMENT ON FUNCTION syncore.required_scopes(text) IS 'trust: the rights that our user needs in a system, and what for';
