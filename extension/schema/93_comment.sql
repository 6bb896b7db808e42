-- Comments on what the parts before this one made without: columns of views, triggers, sequences, and the roles.

CREATE FUNCTION syncore._install_more_comments() RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $install$
	DECLARE
		common jsonb := $json${
			"system": "which system", "space": "which space", "entity_type": "which type of the canonical model", "field": "which field of it",
			"ref": "the record, by the key that people know", "id": "number to name it by", "at": "when", "code": "SQLSTATE, or the HTTP status of the answer",
			"path": "where in the payload or the record", "message": "what is wrong", "hint": "what to do about it", "to_do": "the call to run",
			"state": "what it is doing, or where it stands", "detail": "what was found", "reason": "why, as who did it said",
			"level": "ok, info, warning or critical", "since": "since when it is so", "object": "what it is about", "note": "what was noted with the row",
			"oldest": "how long the oldest has waited", "in_flight": "calls on their way now", "steward": "who answers for it", "expires_at": "when it ends",
			"rule": "the rule, as it is written", "example": "what it looks like", "record_type": "the record type there",
			"owner": "the system that it belongs to", "kind": "what kind it is", "database": "which database", "mode": "draft, shadow, active or paused"
		}$json$;
		own jsonb := $json${
			"config_history.version": "one number a transaction", "config_history.role": "the role that was in force", "config_history.session_role": "the role that had logged in",
			"config_history.operator": "the person behind a shared login (syncore.operator)", "config_history.approved_by": "who approved it; not used in this version",
			"config_history.reason": "syncore.change_reason of that transaction", "config_history.table_name": "which table", "config_history.key": "which row of it",
			"config_history.action": "insert, update or delete", "config_history.old": "the row before", "config_history.new": "the row after",
			"credential_status.used_for": "api: our calls; webhook: signatures of what comes in", "credential_status.host": "the only host it is sent to",
			"credential_status.state": "next, current or retired", "credential_status.set_by": "the role that set it", "credential_status.set_at": "when it was set",
			"credential_status.last_used": "when it was last used, if known", "credential_status.fingerprint": "of the secret, where a worker has noted it; never the secret",
			"dead_letter.at": "when it was given up", "health.check_name": "what was looked at",
			"manual.topic": "configure, feed, decide, run, ask, trust, watch; or runbook", "manual.name": "the call, view or table; or the task", "manual.purpose": "what it is for", "manual.example": "SQL to copy",
			"mapping_sheet.treatment": "copied, derived or ignored", "mapping_sheet.direction": "read, written, both or neither", "mapping_sheet.path": "where it is read",
			"mapping_sheet.written_to": "where it is written", "mapping_sheet.value_list": "which values stand for which", "mapping_sheet.lossy": "what is lost on the way",
			"ownership_matrix.owner": "the system it belongs to; shared: any may change it; nobody: no row says", "ownership_matrix.on_foreign_write": "what becomes of a value that another system sets: accept, refuse, revert",
			"ownership_matrix.review_by": "when somebody should look at this row again", "ownership_matrix.read_from": "systems that may say it", "ownership_matrix.written_to": "systems that are told",
			"policy_sheet.field": "empty: all fields without a list of their own", "policy_sheet.position": "the order in which the rules are tried",
			"policy_sheet.owner": "whose the field is, and what becomes of what others write there", "policy_sheet.rule": "the rule in plain words", "policy_sheet.example": "how it decides a case", "policy_sheet.rule_name": "the word in syncore.policy",
			"quarantine.at": "when the event came",
			"review.kind": "conflict, a reopening, a record that may be another's double (match), a state that a record cannot be brought to (transition), or a change of configuration that another role has to approve", "review.severity": "of the record, now", "review.waiting": "for how long", "review.versions": "the values to choose from, with system, actor and time",
			"review.suggestion": "what the other rules would have chosen",
			"schema_drift.change": "vanished, retyped or new", "schema_drift.first_seen": "since when it is so", "schema_drift.example_type": "JSON type that it has now, or had",
			"stat_duplicates.made": "records made within a day", "stat_duplicates.doubtful": "of these, how many are one with another or may be", "stat_duplicates.rate": "their share, 0 to 1", "stat_duplicates.made_before": "records made in the 30 days before", "stat_duplicates.rate_before": "share of these", "stat_duplicates.duplicate_limit": "the share at which an alert is raised", "stat_duplicates.waiting": "pairs that wait for a person",
			"stat_traffic.writes": "values written to other systems", "stat_traffic.changes": "values changed, by whomever", "stat_traffic.by_people": "how many of these by people", "stat_traffic.transitions": "how many of these changed a state", "stat_traffic.systems": "where was written to", "stat_traffic.last_at": "when it last moved", "stat_traffic.since": "from when on is counted: an hour ago, or later where more than 200,000 rows of the ledger have been written since",
			"stat_quality.records": "linked records", "stat_quality.completeness": "share of mapped fields that have a value, 0 to 1", "stat_quality.emptiest": "the field that is filled least, and in how many of a hundred records",
			"stat_quality.repeated": "events that came again, as long as their ids are kept", "stat_quality.rejected": "events that failed validation", "stat_quality.waiting": "of these, how many wait for a person",
			"stat_queue.state": "due, later (it waits for its time), in flight, dead", "stat_queue.deliveries": "how many", "stat_queue.max_attempts": "of the one that was tried most often", "stat_queue.next_try": "when the next of them is tried; empty for dead ones",
			"stat_system.space_paused": "nothing leaves for any system of that space", "stat_system.breaker": "circuit of its connection: closed, open, or half open while one probe is out",
			"stat_system.calls": "since the server started", "stat_system.errors": "since the server started", "stat_system.last_ok_at": "when it answered last", "stat_system.last_error_at": "when it last did not",
			"stat_system.paused_until": "when it asked to be left alone (Retry-After), until when", "stat_system.queued": "deliveries that are due", "stat_system.dead": "deliveries that were given up", "stat_system.clock_offset": "how far its clock is from ours",
			"stat_worker.role": "launcher, dispatcher, listener or janitor", "stat_worker.index": "its number among those of its role", "stat_worker.pid": "its process", "stat_worker.shards": "shares of the queue that it owns",
			"stat_worker.sent": "requests sent since it started", "stat_worker.failed": "calls that failed, or webhooks that were refused", "stat_worker.events": "webhooks stored",
			"stat_worker.turns": "turns of its loop", "stat_worker.started_at": "when it started", "stat_worker.turned_at": "its last turn; long ago: it is stuck",
			"system_check.item": "what was asked", "system_check.ok": "whether it is well",
			"webhook.url": "where the product sends its webhooks", "webhook.registered": "whether the product was told by register_webhook()", "webhook.events": "what it sends", "webhook.last_seen": "when one came last",
			"webhook.setup": "what to do there by hand"
		}$json$;
		roles jsonb := $json${
			"syncore_owner": "owns the tables of syncore; for nobody to log in with", "syncore_worker": "the workers of syncore run as this role; for nobody else to log in with",
			"syncore_admin": "may configure syncore, and all that operators may", "syncore_operator": "may decide, retry, pause and release", "syncore_auditor": "may read all of syncore but payloads and references of secrets",
			"syncore_ingest": "may insert events"
		}$json$;
		o record;
	BEGIN
		FOR o IN SELECT c.oid::regclass AS name, a.attname, coalesce(own ->> (c.relname || '.' || a.attname), common ->> a.attname) AS said
			FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
			WHERE c.relnamespace = 'syncore'::regnamespace AND c.relkind = 'v'
		LOOP
			EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', o.name, o.attname, o.said);
		END LOOP;
		FOR o IN SELECT t.tgname, t.tgrelid::regclass AS name, obj_description(t.tgfoid, 'pg_proc') AS said
			FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
			WHERE c.relnamespace = 'syncore'::regnamespace AND NOT t.tgisinternal AND t.tgparentid = 0
		LOOP
			EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L', o.tgname, o.name, o.said);
		END LOOP;
		FOR o IN SELECT c.oid::regclass AS name, format('numbers of syncore.%s', regexp_replace(c.relname, '(_id)?_seq$', '')) AS said
			FROM pg_class c WHERE c.relnamespace = 'syncore'::regnamespace AND c.relkind = 'S'
		LOOP
			EXECUTE format('COMMENT ON SEQUENCE %s IS %L', o.name, o.said);
		END LOOP;
		FOR o IN SELECT r.rolname AS name, roles ->> r.rolname AS said FROM pg_roles r WHERE roles ? r.rolname AND shobj_description(r.oid, 'pg_authid') IS NULL LOOP
			EXECUTE format('COMMENT ON ROLE %I IS %L', o.name, o.said);
		END LOOP;
	END
	$install$;
SELECT syncore._install_more_comments();
DROP FUNCTION syncore._install_more_comments();
