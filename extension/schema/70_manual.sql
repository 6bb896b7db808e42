-- The manual: every call and view with its group and purpose, taken from the comments, and the runbooks.

CREATE VIEW syncore.manual WITH (security_invoker = true) AS
	WITH example (name, example) AS (VALUES
		('add_system', 'SELECT * FROM syncore.add_system(''snow'', ''servicenow'', ''https://acme.service-now.com'');'),
		('set_credential', 'SELECT syncore.set_credential(''snow'', ''basic'', ''file:snow'', username => ''syncore.bot'');'),
		('set_policy', 'SELECT syncore.set_policy(''incident'', ''severity'', ''{escalation_wins,human_wins,last_update_wins}'');'),
		('set_owner', 'SELECT syncore.set_owner(''incident'', ''resolution_notes'', ''jira'', on_foreign_write => ''revert'');'),
		('lint', 'SELECT * FROM syncore.lint();'),
		('activate', 'SELECT syncore.activate(''snow'', ''shadow'');'),
		('approve', 'SELECT syncore.approve(118, ''seen with the desk'');'),
		('config_diff', 'SELECT * FROM syncore.config_diff(41, 42);'),
		('config_export', 'SELECT * FROM syncore.config_export(''jira'');'),
		('config_restore', 'SELECT * FROM syncore.config_restore(41, dry_run => false);'),
		('check_system', 'CALL syncore.wait(syncore.check_system(''snow''));'),
		('register_webhook', 'CALL syncore.wait(syncore.register_webhook(''jira''));'),
		('wait', 'CALL syncore.wait(12);'),
		('ingest', 'SELECT * FROM syncore.ingest(''snow'', ''{"sys_id": "…"}'');'),
		('ingest_raw', 'SELECT * FROM syncore.ingest_raw(''snow'', convert_to(''{"sys_id": "…"}'', ''UTF8''));'),
		('adf_to_text', 'SELECT syncore.adf_to_text(syncore.text_to_adf(''**restarted** at noon''));'),
		('text_to_adf', 'SELECT syncore.text_to_adf(''**restarted** at noon'');'),
		('accept_schema', 'SELECT syncore.accept_schema(''jira'');'),
		('convert_rich_text', 'SELECT syncore.convert_rich_text(''<p>disk <b>full</b></p>'', ''html'', ''wiki'');'),
		('sync_now', 'SELECT syncore.sync_now(''INC0012345'');'),
		('resolve', 'SELECT syncore.resolve(17, ''snow'', note => ''agreed with on-call'');'),
		('release', 'SELECT syncore.release(4, ''value map completed'');'),
		('accept_match', 'SELECT syncore.accept_match(3, ''the same outage, reported twice'');'),
		('reject_match', 'SELECT syncore.reject_match(3, ''another customer'');'),
		('merge_entities', 'SELECT syncore.merge_entities(''INC0012345'', ''OPS-7'', ''the same outage'');'),
		('clean_up_report', 'SELECT * FROM syncore.clean_up_report(''90 days'', ''snow'');'),
		('split_entity', 'SELECT syncore.split_entity(''jira:OPS-7'', ''another outage after all'');'),
		('release_hold', 'SELECT syncore.release_hold(''INC0012345'', ''status'');'),
		('quarantine_payload', 'SELECT syncore.quarantine_payload(4);'),
		('pause', 'SELECT syncore.pause(''snow'', ''maintenance there'');'),
		('resume', 'SELECT syncore.resume(''snow'');'),
		('retry', 'SELECT syncore.retry(''jira'');'),
		('cancel', 'SELECT syncore.cancel(118, ''record is being deleted'');'),
		('adopt_instance', 'SELECT syncore.adopt_instance(''restored after the loss of db1; db1 is switched off'');'),
		('why', 'SELECT * FROM syncore.why(''INC0012345'', ''severity'');'),
		('why_not', 'SELECT * FROM syncore.why_not(''INC0012345'', ''jira'');'),
		('as_of', 'SELECT * FROM syncore.as_of(''INC0012345'', now() - interval ''1 day'');'),
		('test_run', 'SELECT * FROM syncore.test_run(''snow'', ''{"sys_id": "…"}'');'),
		('what_if', 'SELECT * FROM syncore.what_if(now() - interval ''30 days'');'),
		('plan', 'SELECT * FROM syncore.plan(''jira'');'),
		('trace', 'SELECT * FROM syncore.trace(''4711'');'),
		('run_tests', 'SELECT * FROM syncore.run_tests();'),
		('impact', 'SELECT * FROM syncore.impact(''incident'', ''severity'');'),
		('unreviewed', 'SELECT * FROM syncore.unreviewed(''1 year'');'),
		('timeline', 'SELECT * FROM syncore.timeline(''jira:OPS-7'');'),
		('field_history', 'SELECT * FROM syncore.field_history(''INC0012345'', ''status'');'),
		('required_scopes', 'SELECT * FROM syncore.required_scopes(''snow'');'),
		('verify_ledger', 'SELECT * FROM syncore.verify_ledger();')
	), entry AS (
		SELECT pg_catalog.obj_description(p.oid, 'pg_proc') AS said, p.proname::text AS name,
			pg_catalog.row_number() OVER (PARTITION BY p.proname ORDER BY p.oid) AS nth
		FROM pg_catalog.pg_proc p
		WHERE p.pronamespace OPERATOR(pg_catalog.=) (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) 'syncore')
			AND p.proname OPERATOR(pg_catalog.!~) '^_'
		UNION ALL
		SELECT pg_catalog.obj_description(c.oid, 'pg_class'), c.relname::text, 1
		FROM pg_catalog.pg_class c
		WHERE c.relnamespace OPERATOR(pg_catalog.=) (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) 'syncore')
			AND c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['v', 'r', 'p']::"char"[]) AND NOT c.relispartition
	)
	SELECT m.topic, m.name, m.purpose, m.example FROM (
		SELECT pg_catalog.split_part(e.said, ': ', 1) AS topic, e.name, pg_catalog.substr(e.said, pg_catalog.strpos(e.said, ': ') OPERATOR(pg_catalog.+) 2) AS purpose,
			COALESCE((SELECT x.example FROM example x WHERE x.name OPERATOR(pg_catalog.=) e.name), 'TABLE syncore.' OPERATOR(pg_catalog.||) e.name OPERATOR(pg_catalog.||) ';') AS example
		FROM entry e WHERE e.nth OPERATOR(pg_catalog.=) 1 AND e.said IS NOT NULL AND pg_catalog.split_part(e.said, ': ', 1) OPERATOR(pg_catalog.<>) 'type'
		UNION ALL
		SELECT 'runbook', r.name, r.purpose, r.example FROM (VALUES
			('stuck delivery', 'A change does not arrive: look at health, then at the queue of that system, then at its dead letters; cure the cause and try again.',
				'TABLE syncore.stat_system; SELECT * FROM syncore.dead_letter WHERE system = ''jira''; SELECT syncore.retry(''jira'');'),
			('quarantined event', 'An event was refused: read message and hint, cure the map, release it.',
				'TABLE syncore.quarantine; SELECT syncore.release(4, ''value map completed'');'),
			('restore to staging', 'A restored copy sends nothing until adopted. Load the dump as a superuser; leave the copy as it is to look around, adopt it only if the original is gone.',
				'SELECT * FROM syncore.health WHERE check_name = ''instance'';'),
			('rotate a secret', 'Write the new secret into a new file of syncore.secret_directory, name it, then remove the old file.',
				'SELECT syncore.set_credential(''snow'', ''basic'', ''file:snow_2'', username => ''syncore.bot'');'),
			('loop', 'An automation writes back against us: the breaker has stopped the field. Switch the automation off there, then let the field go on.',
				'SELECT * FROM syncore.alert WHERE closed_at IS NULL; SELECT syncore.release_hold(''INC0012345'', ''status'');'),
			('onboard a client', 'A space of its own, roles for it, then its systems.',
				'INSERT INTO syncore.space (name) VALUES (''client_61''); INSERT INTO syncore.space_role (space, role, level) VALUES (''client_61'', ''client_61_desk'', ''operator'');')
		) AS r (name, purpose, example)
	) m
	ORDER BY pg_catalog.array_position(ARRAY['configure', 'feed', 'decide', 'run', 'ask', 'trust', 'watch', 'runbook'], m.topic), m.name;
COMMENT ON VIEW syncore.manual IS 'watch: every call, view and table with its group, purpose and an example; and the runbooks';
