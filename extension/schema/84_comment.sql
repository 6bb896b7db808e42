-- A comment on every table, column, type and helper: \d+ and \df+ are part of the manual.

CREATE FUNCTION syncore._install_comments() RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $install$
	DECLARE
		tables jsonb := $json${
			"space": "configure: a tenant; systems of one space are kept in step with each other, never across spaces",
			"space_role": "configure: which database role may do what in which space; drives row security",
			"connector": "configure: how to talk to one product; rows, not code",
			"connector_operation": "configure: the calls of a connector: method, URL, body, what the answer means",
			"connector_event": "configure: how a payload of a product is read: which record, which kind, which time; the first row whose condition holds",
			"connector_template": "configure: rows that add_system copies to a new system",
			"system": "configure: one product as one space sees it",
			"credential": "configure: which secret a system is reached with; written by set_credential, read by workers, seen in credential_status",
			"entity_type": "configure: a type of the canonical model",
			"field": "configure: a field of the canonical model",
			"state": "configure: a state of an entity type",
			"state_transition": "configure: a move between states that is legal",
			"record_map": "configure: which external record type is which entity type",
			"field_map": "configure: which external path is which canonical field, both ways",
			"value_map": "configure: which external value stands for which canonical value; one map serves any number of systems",
			"comment_map": "configure: which comment channels are shared, and how; no row: not shared",
			"identity_map": "configure: which account in which system is which person or group",
			"actor": "configure: which accounts of a system are people, automations, or ourselves",
			"ownership": "configure: which system a field belongs to, and what happens when another writes it",
			"policy": "configure: the rules that decide conflicts, in order; the most specific list applies whole",
			"match_rule": "configure: how records of two systems are recognised as the same",
			"route": "configure: which entities go to a system",
			"alert_route": "configure: where alerts go; not used in this version: rows are refused",
			"test_case": "configure: an event and what must be read of it; run_tests() compares, and lint() before an activation",
			"config_version": "configure: history of the configuration, one row a changed row; read config_history",
			"event": "feed: statements of systems about their records, immutable; an INSERT here is the API",
			"event_key": "feed: event ids seen, so that each is decided once; has its own retention",
			"entity": "ask: canonical records: values, versions, head of the ledger chain",
			"link": "ask: external records tied to entities, each with its shadow: what that system last held",
			"match_key": "decide: keys by which records are matched: of every entity for every rule",
			"match_candidate": "decide: pairs of entities that may be the same and wait for a person",
			"comment": "ask: comments of an entity, each once, with author and visibility",
			"comment_copy": "ask: where a comment stands in each system",
			"delivery": "run: outbound work: look at this link; one row a link, deleted when done",
			"batch": "run: groups of events that must arrive whole or not at all",
			"conflict": "ask: every conflict with both values, all versions, the rule and the outcome",
			"quarantine_entry": "decide: events and bodies that failed validation; read the view quarantine",
			"ledger": "trust: append-only history of everything, hash-chained per entity",
			"ledger_seal": "trust: Merkle roots over the ledger, for those outside who want to hold them",
			"alert": "watch: what went wrong, one row per open cause",
			"job": "run: work that talks to another system on a person's behalf, with progress and outcome",
			"referenced": "run: objects that records name and the product keeps elsewhere (a caller by id), as they were fetched; see format.follow of field_map",
			"reference_wait": "run: which record waits for which of them",
			"match_fill": "run: match rules that were written lately, whose keys are looked at again when the transactions of then have ended",
			"instance": "run: the one database that may send"
		}$json$;
		common jsonb := $json${
			"note": "free text of who wrote the row", "id": "number of the row", "space_id": "space by number; 0 or empty: concerns none",
			"system": "system by name", "kind": "kind of the row, one of the words its check lists", "shipped": "came with the extension and is not dumped",
			"name": "name, the key that people use", "entity_type": "entity type by name", "position": "order; lower first", "record_type": "external record type, as the system names it",
			"state": "state of the row, one of the words its check lists", "system_id": "system by number", "entity": "entity by number", "space": "space by name; empty: every space",
			"condition": "jsonpath; the row applies where it holds; empty: always", "event": "event by number", "external_id": "id of the record or account in its system",
			"field": "field by name", "rule": "what decided or decides", "at": "when", "connector": "connector by name", "correlation_id": "follows one change through every hop",
			"created_at": "when the row was made", "link": "link by number", "reason": "why, in a sentence", "title": "for people", "detail": "more, for people or as JSON",
			"direction": "in: read, out: written, both, none", "hint": "what to do about it", "path": "JSON Pointer (RFC 6901)", "settings": "JSON object of settings",
			"txid": "transaction that wrote the row", "actor": "who, as the system names them", "actor_kind": "human, automation, integration or unknown",
			"batch_id": "the sender's name of a batch", "closed_at": "when it ended", "create_with": "fixed external values at create", "decided_at": "when a person decided",
			"decided_by": "which role decided", "entity_type_id": "entity type by number", "error_code": "HTTP status, SQLSTATE or a word", "external_key": "key that people use there, such as INC0012345",
			"marker": "what we put into a record to know it again", "max_rate": "calls a second at most; empty: no limit but the product's", "new": "value or row afterwards", "old": "value or row before",
			"opened_at": "since when it waits", "run_as": "role that named the functions of the row; they run as it", "sent_at": "when it was sent", "source_time": "time at the source, as it says",
			"total": "how many in all, where known", "done": "how many are done", "updated_at": "when the row was last changed", "version": "version", "visibility": "public, internal or private",
			"long": "values over 1 kB, apart from the short ones", "level": "level", "role": "database role", "payload": "document as it arrived, as far as it may be kept"
		}$json$;
		own jsonb := $json${
			"space.reason_required": "changes of configuration need syncore.change_reason", "space.approval_required": "systems are activated only with changes that another role than the author has approved",
			"space.paused": "nothing leaves for its systems", "space_role.level": "admin, operator, auditor or ingest",
			"connector.version": "of the product's API that the rows were written for", "connector.position_grade": "what a record's version is worth as an order: counter, fine or coarse time, none",
			"connector.settings": "keys that systems may set: type, required, default, title", "connector.abilities": "what the product can do: marker, transitions, delete events, delays",
			"connector.credential_kinds": "kinds of credential it takes, the usual one first", "connector.webhook": "how its webhooks are signed", "connector.error_paths": "where an error body says what is wrong",
			"connector.rate_headers": "names of its limit headers", "connector.setup": "what to do on that side; {webhook_url} is filled in by the view webhook", "connector.scopes": "rights that the account needs there, and why",
			"connector_operation.operation": "what is done", "connector_operation.method": "HTTP method", "connector_operation.url": "URI template below base_url", "connector_operation.headers": "request headers",
			"connector_operation.body": "template of the body; what is written is merged into it", "connector_operation.body_kind": "json, form or none", "connector_operation.writes": "pointers that only this operation writes; empty: the rest",
			"connector_operation.success": "HTTP statuses that mean success", "connector_operation.response": "pointers into the answer", "connector_operation.options": "further properties of the call",
			"connector_operation.record_type": "external record type; *: of the product",
			"connector_event.kind": "what such a payload says", "connector_event.paths": "pointers into the payload", "connector_event.full_record": "an absent field is empty, not unsaid", "connector_event.record_type": "record type; empty: the payload says",
			"connector_template.table_name": "table that the row goes to", "connector_template.content": "the row; {system} is the system's name",
			"system.space": "space by name", "system.base_url": "https URL without user, query and fragment", "system.mode": "draft: stored only; shadow: decided, never sent; active; paused: decided, not sent now",
			"system.settings": "values of the keys that the connector declares", "system.rank": "lower wins the last tie", "system.connection": "systems of one connection share URL, credential, limits and breaker",
			"system.accepts": "which of the connection's records are this system's", "system.capture_mode": "how changes are heard: auto and webhook: by webhook; none: events are inserted; polling is refused in this version", "system.poll_interval": "how often it is polled; refused in this version", "system.schedule": "when it is polled, as cron; refused in this version",
			"system.max_in_flight": "calls at one time at most", "system.create_after": "first activation: older entities are linked or updated there, never created", "system.keep_payload": "what of a payload is stored: mapped fields, all, none",
			"system.event_retention": "how long its events are kept", "system.allow_http": "plain http may be used: for tests", "system.allow_private": "private addresses may be called", "system.ca_file": "further certificate authority",
			"system.integration_actor": "as whom we write there; set by check_system", "system.clock_offset": "its clock minus ours; measured", "system.paused_mode": "mode to return to", "system.avoid_duplicates": "a write that would change nothing is not sent; cannot be switched off",
			"credential.used_for": "api, webhook or signing", "credential.reference": "where the secret is: file:, env:, sealed:; never the secret", "credential.username": "user name or client id", "credential.host": "host it was set for; another base_url voids it",
			"credential.valid_from": "used from then on", "credential.expires_at": "the secret ends then", "credential.set_by": "role that set it", "credential.set_at": "when it was set", "credential.last_used": "set by workers, at most once an hour",
			"credential.fingerprint": "keyed digest of the secret when last used: tells a rotation",
			"entity_type.on_delete": "what follows when a record is deleted in one system: unlink: the others live on; close: they are closed; recreate: the route makes it anew; review: a person is told; delete: the others are deleted, too", "entity_type.on_reopen": "what follows when one is reopened somewhere whose state is done and has no declared step back to work: link_new: that record goes on as a new entity, which names it as predecessor and takes its fields along, not its comments; review: a person decides; reopen: it is open again everywhere", "entity_type.reopen_limit": "review and reopen are for what was closed no longer ago; later it is link_new",
			"entity_type.duplicate_limit": "an alert when such a share of the records made within a day may be there twice, or three times as many as before; empty: none", "entity_type.transition_limit": "an alert when the state of a record has changed so often within an hour; empty: none", "entity_type.on_illegal": "what follows when a state is reached that no transition leads to: accept: it is taken, and the ledger says so; refuse: it is given back; walk: others are told by way of declared steps, and it is given back where none lead there", "entity_type.loop_limit": "reversals of our writes before a field is stopped on a link, 1 to 100", "entity_type.loop_window": "time in which they are counted; loop_limit rounds of the slowest loop have to fit into it", "entity_type.loop_within": "what a machine says so soon after our write was acknowledged may be an answer to it; later it is news of its own",
			"entity_type.batch_window": "edits of one actor within it are one batch; refused in this version", "entity_type.batch_min": "at least so many edits make a batch; refused in this version", "entity_type.on_batch_failure": "what follows when part of a batch fails; refused in this version",
			"field.kind": "type of the value", "field.required": "a record without it is quarantined", "field.sensitive": "how the value may be stored", "field.allowed": "values, in rank order, highest first",
			"state.category": "open, waiting or done", "state_transition.from_state": "state before", "state_transition.to_state": "state after",
			"field_map.write_path": "where it is written, if elsewhere than read", "field_map.value_map": "value map by name", "field_map.on_unmapped": "what follows when the value map does not know a value", "field_map.on_null": "what an empty external value means",
			"field_map.fallback": "external or canonical value to use instead", "field_map.transform_in": "function jsonb to jsonb, STABLE or IMMUTABLE, external to canonical", "field_map.transform_out": "function jsonb to jsonb, STABLE or IMMUTABLE, canonical to external; takes the fields of the entity as a second argument if it has one",
			"field_map.contract": "the field is always there: a whole record without it raises an alert and empties nothing; false: it is left out when it is empty", "field_map.write_as": "value; note: a change becomes a comment in a channel of note_visibility", "field_map.note_visibility": "visibility of that note", "field_map.approval": "outbound changes wait for a person; refused in this version",
			"field_map.format": "how values are spelt there: time, list, member, rich_text (plain, markdown, html, wiki, adf), identity, scale, phone, reference, null; follow, take, ttl_s: read of an object that the value names", "field_map.condition": "jsonpath over the external record; the row applies where it holds",
			"value_map.external": "value there", "value_map.canonical": "value here; empty: explicitly nothing", "value_map.qualifier": "keeps apart external values that share a canonical one",
			"comment_map.channel": "the product's own name: work_notes, comments, comment", "comment_map.author_line": "say who wrote it", "comment_map.edits": "follow edits and deletes: taken from there, and passed on to there; a correction is written where a product cannot change a comment", "comment_map.attachments": "follow attachments; refused in this version",
			"identity_map.person": "person or group here, best an e-mail address", "identity_map.kind": "person or group", "identity_map.source": "manual, or matched by a job",
			"actor.pattern": "exact account, or a pattern of LIKE", "actor.kind": "what such an account is",
			"ownership.owner": "system that owns the field; empty: shared", "ownership.on_foreign_write": "accept, refuse, or revert: write the owner's value back", "ownership.steward": "person to ask", "ownership.review_by": "to be looked at again by then",
			"policy.field": "field by name; empty: every field without a list of its own", "policy.system": "for system_of_record; empty: the owner of the field", "policy.function": "for call: schema.name, declared STABLE or IMMUTABLE", "policy.review_from": "for manual: the least severity that waits for a person",
			"match_rule.kind": "exact: the same key; fuzzy: alike, by pg_trgm, and of another system; reference: a field holds the other's key; the first rule that finds any entity decides, and more than one is for a person", "match_rule.fields": "fields that are compared", "match_rule.normalise": "what is ignored in comparing: lower, trim, spaces, punctuation, alnum; or field:word", "match_rule.threshold": "least similarity", "match_rule.time_window": "only records created so near to each other",
			"match_rule.on_match": "link, or review by a person; empty: review for fuzzy, else link", "match_rule.refers_to": "system whose key the path holds",
			"route.may_create": "records may be created there; else only linked ones are written", "route.from_systems": "only entities first heard from these systems", "route.on_leave": "what follows when an entity leaves the condition: keep: its record stays, is heard, and is no longer written to; close: the same, once it has been closed there; unlink: it stays and is not heard, until the entity comes back",
			"route.settle": "wait so long before a first create", "route.target_latency": "promised latency; a breach shows in health", "route.condition": "jsonpath over canonical data; empty: all",
			"alert_route.min_level": "from this level on", "alert_route.kinds": "only these kinds; empty: all", "alert_route.quiet": "one message per cause in so long", "alert_route.system": "system that gets a record; empty: NOTIFY syncore_alert",
			"test_case.expected": "canonical values by field; of the event itself @outcome (read, ignored, quarantined), @kind, @record_type, @entity_type, @external_id, @actor_kind and so on; what is not named may be anything", "config_version.version": "one per transaction", "config_version.step": "order inside it", "config_version.role": "role whose rights were used", "config_version.session_role": "role that logged in",
			"config_version.operator": "person behind it, from syncore.operator", "config_version.approved_by": "role that approved it", "config_version.needs_approval": "a space that it concerns asked for it when it was made", "config_version.table_name": "table of the row", "config_version.key": "what names the row", "config_version.action": "insert, update or delete",
			"event.received_at": "when it was inserted", "event.event_id": "the sender's id", "event.kind": "what it says: create, update, delete, comment, comment_delete, snapshot", "event.source_version": "version of the record at the source",
			"event.headers": "what a front door passed on; never credentials", "event.via": "door it came through", "event.shape": "row of connector_event that read it", "event_key.event_id": "the sender's id, or a digest of payload and position",
			"event_key.seen_at": "when it was first seen", "event_key.repeated": "how often it came again",
			"entity.data": "canonical values up to 1 kB", "entity.stamps": "per field: versions, clock, hold", "entity.revision": "raised by every real change", "entity.ledger_seq": "entity_seq of its last ledger row", "entity.ledger_head": "hash of that row",
			"entity.predecessor": "entity that it reopens", "entity.merged_into": "entity that it was joined to", "entity.held_until": "legal hold",
			"link.url": "where people look at it", "link.shadow": "per field: what the system last held, as far as we know, and our last writes", "link.call": "the call in flight: what it carries", "link.read_owed": "a read must settle something",
			"link.waiting": "events that wait for the outcome of the call", "link.unsure": "events that only a read can settle", "link.top_version": "highest record version heard", "link.in_route": "the route takes the entity", "link.gone_at": "when it was found gone", "link.gone_by": "who deleted it, or how it was found",
			"match_key.rule": "match_rule by number", "match_key.key": "normalised key", "match_key.near_at": "fuzzy: when the entity was made", "match_candidate.other": "the other entity", "match_candidate.rule": "match_rule by number", "match_candidate.score": "similarity, 0 to 1",
			"comment.link": "where it was written; 0: here", "comment.author": "who wrote it", "comment.author_kind": "human, automation, integration or unknown", "comment.body": "plain text or Markdown", "comment.written_at": "when it was written there", "comment.edited_at": "when it was last edited", "comment.deleted_at": "when it was deleted",
			"comment_copy.comment": "comment by number", "comment_copy.stale": "the comment was edited or deleted since this was sent", "comment.corrects": "the comment of whose edit or delete this one tells a system that cannot change comments", "comment_copy.channel": "channel there", "comment_copy.sent_body": "as it was rendered for that system",
			"delivery.shard": "hash of the link, 64; each shard has one worker at a time", "delivery.priority": "0 interactive, 1 backfill", "delivery.gen": "raised by an edit that meets a call in flight", "delivery.attempts": "calls made", "delivery.not_before": "next attempt", "delivery.sent_gen": "gen as of the call in flight", "delivery.sent_fields": "fields that it carries",
			"delivery.sent_clock": "clock as of the send", "delivery.sent_hash": "digest of what it carries", "delivery.sent_marker": "idempotency key of the write, stable over retries", "delivery.error_message": "what the last failure said", "delivery.error_at": "when it failed last",
			"batch.target_id": "system that it goes to", "batch.failed": "how many failed", "batch.started_at": "when it began", "batch.ended_at": "when it ended",
			"conflict.kind": "conflict type in PostgreSQL's terms", "conflict.incoming_system": "system of the incoming version", "conflict.current_system": "system of the version that stood", "conflict.incoming": "incoming value", "conflict.current": "value that stood", "conflict.versions": "all versions: system, value, actor, kind, time, dot",
			"conflict.outcome": "apply_remote, keep_local, merged or deferred", "conflict.resolved_at": "when a person decided", "conflict.resolved_by": "which role decided", "conflict.choice": "what was chosen", "conflict.suggestion": "of one that waits: what the other rules would have chosen, by which rule, and why",
			"quarantine_entry.event_received_at": "partition key of the event", "quarantine_entry.code": "SQLSTATE", "quarantine_entry.message": "what is wrong", "quarantine_entry.raw": "a body that is no JSON", "quarantine_entry.path": "JSON Pointer to what is wrong",
			"ledger.kind": "what happened, in one word", "ledger.entity_seq": "order in the chain of the entity; empty where no entity is concerned", "ledger.delivery": "delivery by number", "ledger.conflict": "conflict by number", "ledger.prev_hash": "hash of the entity's row before", "ledger.hash": "SHA-256 over the row and prev_hash",
			"ledger_seal.before_txid": "covers every older transaction that no seal covers yet", "ledger_seal.row_count": "rows covered", "ledger_seal.first_id": "lowest id covered", "ledger_seal.last_id": "highest id covered", "ledger_seal.root": "Merkle root", "ledger_seal.prev_root": "root of the seal before", "ledger_seal.exported_at": "when it was given away",
			"alert.level": "info, warning or critical", "alert.kind": "kind of trouble", "alert.cause": "one open row per cause", "alert.object": "what it concerns", "alert.first_at": "when it began", "alert.last_at": "when it was last seen", "alert.times": "how often", "alert.closed_by": "role that closed it", "alert.told_at": "when NOTIFY syncore_alert left; empty: not yet",
			"job.kind": "what is to be done", "job.target": "for what", "job.arguments": "as it was called", "job.result": "what came out", "job.requested_by": "role that asked", "job.requested_at": "when it was asked for", "job.started": "when a worker began", "job.ended": "when it ended", "job.error": "what went wrong",
			"referenced.kind": "kind of object: record_type of the connector's operation fetch", "referenced.body": "the object as the product showed it; empty: there is none, or it was never had", "referenced.fetched_at": "when it, or that there is none, was last told; empty: never",
			"referenced.external_id": "id of the object in its system", "referenced.tries": "failures in a row", "referenced.next_at": "it is not asked for before", "referenced.error_message": "what the last failure said",
			"match_fill.rule": "number of the rule", "match_fill.txid": "transaction that wrote it", "match_fill.waits_for": "transactions that have to end first; empty: not looked yet",
			"reference_wait.kind": "kind of object", "reference_wait.external_id": "id of the object in its system", "reference_wait.since": "since when",
			"instance.one": "there is one row", "instance.system_identifier": "of the server, from pg_control_system()", "instance.database_oid": "of the database", "instance.database_name": "name when it was adopted", "instance.token_hash": "SHA-256 of the token file beside the secrets", "instance.adopted_at": "when it became the one", "instance.adopted_by": "role that said so"
		}$json$;
		types jsonb := $json${
			"identifier": "name of a thing: small letters, digits, underscores, at most 40", "json_pointer": "JSON Pointer (RFC 6901)", "function_name": "schema.name of a function; text, so that pg_upgrade has no objection",
			"system_mode": "what is done for a system", "capture_mode": "how changes of a system are heard", "payload_policy": "what of a payload is stored", "map_direction": "which way a mapping goes",
			"position_grade": "what a record's version is worth as an order", "field_kind": "type of a canonical value", "sensitivity": "how a value may be stored", "state_category": "open, waiting or done",
			"visibility": "who may read a comment", "actor_kind": "who stands behind an account", "rule_name": "rules that decide conflicts", "access_level": "what a role may do in a space",
			"link_state": "state of a link: candidate: whose record it is is not known yet; creating; active; diverged: active, but the loop breaker has stopped a field of it, which differs until release_hold(); deleting: to be deleted there, as another record of the entity was; tombstone: gone there, or given up", "copy_state": "state of a comment in one system", "delivery_state": "due, or given up", "event_via": "doors through which an event comes in"
		}$json$;
		functions jsonb := $json${
			"_check_pointer": "configure: raises unless the text is a JSON Pointer", "_check_url": "configure: raises unless the text is a base URL", "_check_template": "configure: raises unless the text is a URI template",
			"_config_system": "configure: trigger: settings fit the connector", "_config_state_machine": "configure: trigger: a state machine can come to an end, and an end is one", "_config_shipped": "configure: trigger: shipped rows of connectors are read-only", "_config_run_as": "configure: trigger: functions exist and run as who named them",
			"_config_field_map": "configure: trigger: a field map names a field that is there and spells values in a way that there is", "_check_format": "configure: raises unless a format has keys and words that there are", "_config_value_map": "configure: trigger: one meaning per external value, one external value per meaning",
			"_unbuilt": "configure: settings, and which of their values work in this version", "_config_unbuilt": "configure: trigger: a value that this version has no code for is refused",
			"_restore_row": "configure: trigger: a restored row takes the place of a shipped one", "_restore_removal": "configure: trigger: a shipped row that was removed is removed again", "_config_version": "configure: trigger: history and ledger of the configuration",
			"_space_creator": "configure: trigger: who adds a space administers it", "_config_space": "configure: the space that a row belongs to", "_config_content": "configure: what of a row is history", "_config_key": "configure: the columns that name a row",
			"_because": "ask: one sentence about why a value stands", "_caller": "configure: the role whose rights the session claims", "_candidates": "ask: the entities that a reference may mean", "_check_credential": "configure: raises for a credential that cannot be meant",
			"_check_entity_field": "ask: raises unless the entity has that field", "_check_field": "configure: raises unless type and field exist", "_check_function": "configure: raises unless the caller may run such a function", "_check_settings": "configure: raises unless settings fit the connector",
			"_match_key": "decide: the key of canonical values for a match rule", "_match_within": "decide: was an entity made in a time; dear, so that likeness is looked up first", "_match_near": "decide: entities whose key is like one", "_match_keys": "configure: the key that each entity should have by a rule", "_match_repair": "run: puts right what is not the key by a rule; how many could not be had", "_match_rekey": "configure: trigger: keys of the entities that are there", "_match_open": "decide: a match candidate that waits, locked", "_config_match": "configure: trigger: words and fields of a match rule are known", "_lock_type": "decide: the lock under which entities of a type are made", "_join": "decide: what one entity has is another's from now on", "_split": "decide: a record becomes an entity of its own", "_resolve_link": "ask: number of the record that a reference means", "_merge": "decide: joins two entities and ends what waits about them",
			"_choice": "decide: the value that a choice means", "_check_value": "decide: raises unless the field may hold the value", "_tell_stopped": "run: warns of fields that the loop breaker holds", "_copy_template": "configure: copies a connector's template rows", "_field_ledger": "ask: the ledger of one field, newest first", "_health_server": "watch: findings about this server", "_health_system": "watch: findings about systems",
			"_instance_difference": "watch: what differs from the instance that may send", "_administers_all": "configure: does the role in force administer every space?", "_my_spaces": "configure: numbers of the spaces in which the role in force has a level", "_my_space_names": "configure: names of the spaces in which the role in force has a level", "_my_systems": "configure: names of the systems of those spaces", "_has_space_beyond": "configure: is there a space that is none of these?", "_is_system": "configure: is there a system of that name, in any space?", "_is_connection_beyond": "configure: does a system of another space use a connection?", "_check_walls": "configure: raises where a system would reach out of its space", "_is_restoring": "configure: is the output of pg_dump being loaded?",
			"_lint_field": "configure: findings about fields", "_lint_rule": "configure: findings about rules and functions", "_lint_system": "configure: findings about systems", "_lint_value": "configure: findings about value maps", "_lint_state": "configure: findings about states, and what systems would write against each other", "_lint_moves": "configure: values that a system reads back as others", "_lint_down": "configure: how a value map writes a value",
			"_look": "run: makes every record of an entity be looked at", "_near_keys": "ask: keys near to one", "_partition_state": "watch: partitions ahead and rows that missed them", "_pause": "run: pause of a resolved target", "_raise_unknown": "ask: raises that something does not exist, with a suggestion",
			"_ref": "ask: how people name an entity", "_release_hold": "decide: release_hold of a resolved record", "_request_job": "run: queues a job for a system", "_require": "configure: raises unless the caller has a level in a space", "_require_note": "decide: raises without a note",
			"_require_reason": "configure: raises where a change needs a reason", "_require_target": "run: raises unless the caller may operate a target", "_resolve_ref": "ask: the entity that a reference means", "_resolve_target": "run: what a target means", "_resume": "run: resume of a resolved target",
			"_retry": "run: makes deliveries due again", "_retry_target": "run: retry of a resolved target", "_say": "ask: a value as a person says it", "_say_actor": "ask: an actor as a person says it", "_say_decision": "ask: what became of a statement, in words", "_say_versions": "ask: the versions of a conflict in one line",
			"_setting_defaults": "configure: defaults that a connector declares", "_shadow_stops": "decide: does the loop breaker hold a field other than this one?", "_shadow_release": "decide: a shadow in which the breaker no longer holds a field", "_space_id": "configure: number of a space", "_space_names_of": "configure: names of the spaces in which a role has a level",
			"_spaces_of": "configure: numbers of the spaces in which a role has a level", "_suggest": "ask: what somebody may have meant", "_system": "configure: one system by name", "_systems_of": "configure: names of the systems of those spaces",
			"_tampered": "watch: owners and triggers that are not as installed", "_value": "ask: the canonical value of a field now", "_why": "ask: why for one field", "_with_reason": "run: sets a reason for a while"
		}$json$;
		o record;
	BEGIN
		FOR o IN SELECT c.oid::regclass AS name, c.relname, a.attname, coalesce(own ->> (c.relname || '.' || a.attname), common ->> a.attname) AS said
			FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
			WHERE c.relnamespace = 'syncore'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND col_description(c.oid, a.attnum) IS NULL
		LOOP
			EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', o.name, o.attname, o.said);
		END LOOP;
		FOR o IN SELECT c.oid::regclass AS name, tables ->> c.relname AS said FROM pg_class c
			WHERE c.relnamespace = 'syncore'::regnamespace AND c.relkind IN ('r', 'p') AND tables ? c.relname
		LOOP
			EXECUTE format('COMMENT ON TABLE %s IS %L', o.name, o.said);
		END LOOP;
		COMMENT ON TABLE syncore.event_default IS 'feed: events that missed their partition';
		COMMENT ON TABLE syncore.ledger_default IS 'trust: ledger rows that missed their partition';
		FOR o IN SELECT t.oid::regtype AS name, t.typtype, types ->> t.typname AS said FROM pg_type t WHERE t.typnamespace = 'syncore'::regnamespace AND types ? t.typname LOOP
			EXECUTE format('COMMENT ON %s %s IS %L', CASE o.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, o.name, o.said);
		END LOOP;
		FOR o IN SELECT p.oid::regprocedure AS name, functions ->> p.proname AS said FROM pg_proc p
			WHERE p.pronamespace = 'syncore'::regnamespace AND functions ? p.proname AND obj_description(p.oid, 'pg_proc') IS NULL
		LOOP
			EXECUTE format('COMMENT ON FUNCTION %s IS %L', o.name, o.said);
		END LOOP;
	END
	$install$;
SELECT syncore._install_comments();
DROP FUNCTION syncore._install_comments();
