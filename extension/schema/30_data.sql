-- Data: what the engine writes. Systems, spaces and types by number; values in jsonb; versions in binary types.
-- No foreign keys on event, delivery and ledger (measured: 2.2 -> 10 us a row and a lock on the parent).

CREATE TYPE syncore.event_via AS ENUM ('sql', 'ingest', 'webhook', 'poll', 'read', 'table', 'backfill', 'reconcile', 'replay');
CREATE SEQUENCE syncore.event_id_seq CACHE 1;
CREATE TABLE syncore.event (
	id bigint NOT NULL DEFAULT pg_catalog.nextval('syncore.event_id_seq'),
	received_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	txid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
	system text NOT NULL,
	payload jsonb,
	record_type text,
	event_id text,
	kind text,                                     -- create update delete comment comment_delete snapshot; filled from connector_event
	external_id text,
	source_time timestamptz,
	source_version text,
	actor text,
	correlation_id text,
	batch_id text,
	headers jsonb,                                 -- what a front door passed on, names in lower case; never credentials
	via syncore.event_via NOT NULL DEFAULT 'sql',  -- an enumeration, not a check: a check is parsed with every statement
	external_key text,
	actor_kind syncore.actor_kind,
	marker text,
	shape integer,                                 -- connector_event.position that read the payload
	system_id integer,
	space_id integer
) PARTITION BY RANGE (received_at);
-- Indexes belong to the partitions, each its own, copied from the default one: a restore attaches partitions to a
-- parent that stands already, and would make every index of the parent a second time.
CREATE TABLE syncore.event_default PARTITION OF syncore.event DEFAULT;
CREATE INDEX event_id ON syncore.event_default (id);
CREATE INDEX event_record ON syncore.event_default (system_id, external_id, record_type);

CREATE TABLE syncore.event_key (
	system_id integer NOT NULL,
	event_id text NOT NULL,                        -- the sender's id, or 'sha256:…' of payload and position
	event bigint NOT NULL,                         -- the first event of that id
	seen_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	repeated integer NOT NULL DEFAULT 0,
	PRIMARY KEY (system_id, event_id)
);
CREATE INDEX event_key_seen ON syncore.event_key USING brin (seen_at);

CREATE SEQUENCE syncore.entity_id_seq;
CREATE TABLE syncore.entity (
	id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('syncore.entity_id_seq'),
	space_id integer NOT NULL REFERENCES syncore.space (id),
	entity_type_id integer NOT NULL REFERENCES syncore.entity_type (id),
	data jsonb NOT NULL DEFAULT '{}',              -- canonical values up to 1 kB
	stamps syncore.stamps NOT NULL DEFAULT '{}',
	revision bigint NOT NULL DEFAULT 0,
	ledger_seq bigint NOT NULL DEFAULT 0,          -- entity_seq of its last ledger row
	ledger_head bytea,                             -- hash of that row
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	closed_at timestamptz,
	predecessor bigint,                            -- entities; no foreign key: a dump must have no cycle
	merged_into bigint,
	correlation_id text,                           -- of the last event that changed it
	held_until timestamptz,                        -- legal hold
	long jsonb                                     -- canonical values over 1 kB
) WITH (fillfactor = 80);

CREATE TYPE syncore.link_state AS ENUM ('candidate', 'creating', 'active', 'diverged', 'deleting', 'tombstone');
CREATE SEQUENCE syncore.link_id_seq;
CREATE TABLE syncore.link (
	id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('syncore.link_id_seq'),
	space_id integer NOT NULL REFERENCES syncore.space (id),
	system_id integer NOT NULL REFERENCES syncore.system (id),
	record_type text NOT NULL,
	entity bigint REFERENCES syncore.entity,       -- null: a record heard of, not yet known whose (candidate)
	external_id text,                              -- null: being created
	external_key text,                             -- INC0012345, OPS-7
	url text,
	state syncore.link_state NOT NULL DEFAULT 'active',
	marker text,                                   -- what we put into the record so that we know it again
	shadow syncore.shadow NOT NULL DEFAULT '{}',
	call jsonb,                                    -- the intent: what the call in flight carries (core/call.h)
	read_owed boolean NOT NULL DEFAULT false,
	waiting bigint[],                              -- events that wait for the outcome of the call, oldest first
	unsure bigint[],                               -- events with a statement that only a read can settle
	top_version text,                              -- highest record version heard
	in_route boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	gone_at timestamptz,
	gone_by text,
	long jsonb,                                    -- held and sent values over 1 kB
	UNIQUE (system_id, record_type, external_id),
	CHECK (state OPERATOR(pg_catalog.=) 'candidate' OR entity IS NOT NULL),
	-- without a record: being created, or never made, or given to another entity
	CHECK (state OPERATOR(pg_catalog.=) ANY (ARRAY['creating', 'deleting', 'tombstone']::syncore.link_state[]) OR external_id IS NOT NULL)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX link_one_record ON syncore.link (entity, system_id) WHERE state <> 'tombstone' AND state <> 'candidate';
CREATE INDEX link_key ON syncore.link (external_key);
CREATE INDEX link_entity ON syncore.link (entity);
CREATE INDEX link_diverged ON syncore.link (system_id) WHERE state = 'diverged';
CREATE INDEX link_waiting ON syncore.link (system_id, id) WHERE waiting IS NOT NULL;
CREATE INDEX link_creating ON syncore.link (system_id, record_type) WHERE state = 'creating';
CREATE UNIQUE INDEX link_marker ON syncore.link (marker) WHERE marker IS NOT NULL;

CREATE TABLE syncore.match_key (
	space_id integer NOT NULL,
	entity_type_id integer NOT NULL,
	rule integer NOT NULL,                         -- match_rule.id
	key text NOT NULL,
	entity bigint NOT NULL REFERENCES syncore.entity ON DELETE CASCADE,
	near_at timestamptz,                           -- fuzzy: when the entity was made; only such rows are compared by likeness
	PRIMARY KEY (space_id, entity_type_id, rule, key, entity)
);
CREATE INDEX match_key_entity ON syncore.match_key (entity);
CREATE INDEX match_key_near ON syncore.match_key (rule, near_at) WHERE near_at IS NOT NULL;

-- Match rules that were written lately: transactions that were under way then go by the rules of before, and leave keys that are not by them.
CREATE TABLE syncore.match_fill (
	rule integer PRIMARY KEY,                      -- match_rule.id; it may be gone
	txid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
	waits_for text[]                               -- virtual transactions that have to end first; null: not looked yet
);

CREATE SEQUENCE syncore.match_candidate_id_seq;
CREATE TABLE syncore.match_candidate (
	id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('syncore.match_candidate_id_seq'),
	space_id integer NOT NULL,
	entity bigint NOT NULL REFERENCES syncore.entity,
	other bigint NOT NULL REFERENCES syncore.entity,
	rule integer,
	score real NOT NULL,
	reason text NOT NULL,
	state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'rejected')),
	opened_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	decided_at timestamptz,
	decided_by text,
	note text
);
CREATE UNIQUE INDEX match_candidate_open ON syncore.match_candidate (entity, other) WHERE state = 'open';
CREATE INDEX match_candidate_other ON syncore.match_candidate (other) WHERE state = 'open';

CREATE SEQUENCE syncore.comment_id_seq;
CREATE TABLE syncore.comment (
	id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('syncore.comment_id_seq'),
	space_id integer NOT NULL,
	entity bigint NOT NULL REFERENCES syncore.entity,
	link bigint NOT NULL,                          -- where it was written; 0 = here
	visibility syncore.visibility NOT NULL,
	author text,
	author_kind syncore.actor_kind NOT NULL DEFAULT 'unknown',
	body text NOT NULL,
	written_at timestamptz NOT NULL,
	edited_at timestamptz,
	deleted_at timestamptz,
	event bigint,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	corrects bigint                                -- the comment whose edit or delete this tells of, where neither can be done
);
CREATE INDEX comment_entity ON syncore.comment (entity, id);

CREATE TYPE syncore.copy_state AS ENUM ('origin', 'due', 'sending', 'unknown', 'done', 'dead', 'deleted');
CREATE TABLE syncore.comment_copy (
	comment bigint NOT NULL REFERENCES syncore.comment ON DELETE CASCADE,
	link bigint NOT NULL REFERENCES syncore.link ON DELETE CASCADE,
	channel text NOT NULL,                         -- comment_map.channel
	state syncore.copy_state NOT NULL DEFAULT 'due',
	external_id text,
	sent_body text,                                -- as it was rendered for that system
	sent_at timestamptz,
	stale boolean NOT NULL DEFAULT false,          -- the comment was edited or deleted since
	PRIMARY KEY (comment, link)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX comment_copy_external ON syncore.comment_copy (link, channel, external_id);
CREATE INDEX comment_copy_due ON syncore.comment_copy (link, comment) WHERE state IN ('due', 'sending', 'unknown');

CREATE TYPE syncore.delivery_state AS ENUM ('due', 'dead');
CREATE SEQUENCE syncore.delivery_id_seq;
CREATE TABLE syncore.delivery (
	id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('syncore.delivery_id_seq'),
	link bigint NOT NULL UNIQUE,
	system_id integer NOT NULL,
	space_id integer NOT NULL,
	shard smallint NOT NULL CHECK (shard >= 0 AND shard < 64),
	state syncore.delivery_state NOT NULL DEFAULT 'due',
	priority smallint NOT NULL DEFAULT 0,          -- 0 interactive, 1 backfill
	gen integer NOT NULL DEFAULT 1,                -- raised by an edit that meets a call in flight
	attempts integer NOT NULL DEFAULT 0,
	not_before timestamptz NOT NULL DEFAULT pg_catalog.now(),
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	correlation_id text,                           -- of the edit that made it
	sent_gen integer,
	sent_fields text[],
	sent_clock syncore.vclock,
	sent_hash bytea,                               -- of what the last write said; kept over retries, cleared by success
	sent_marker text,                              -- its idempotency key: the same as long as sent_hash is the same
	sent_at timestamptz,
	error_code text,
	error_message text,
	error_at timestamptz
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
CREATE INDEX delivery_system ON syncore.delivery (system_id, id);

CREATE SEQUENCE syncore.batch_id_seq;
CREATE TABLE syncore.batch (
	id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('syncore.batch_id_seq'),
	space_id integer NOT NULL,
	system_id integer NOT NULL,
	batch_id text NOT NULL,
	target_id integer,
	state text NOT NULL DEFAULT 'prepared' CHECK (state IN ('prepared', 'sending', 'done', 'compensating', 'held')),
	total integer NOT NULL DEFAULT 0,
	done integer NOT NULL DEFAULT 0,
	failed integer NOT NULL DEFAULT 0,
	started_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	ended_at timestamptz,
	detail jsonb NOT NULL DEFAULT '{}',
	UNIQUE (system_id, batch_id, target_id)
);

CREATE SEQUENCE syncore.conflict_id_seq;
CREATE TABLE syncore.conflict (
	id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('syncore.conflict_id_seq'),
	space_id integer NOT NULL,
	entity bigint NOT NULL REFERENCES syncore.entity,
	field text NOT NULL,
	kind text NOT NULL CHECK (kind IN ('insert_exists', 'update_origin_differs', 'update_exists', 'update_deleted',
		'update_missing', 'delete_origin_differs', 'delete_missing', 'multiple_unique_conflicts')),
	state text NOT NULL CHECK (state IN ('decided', 'pending', 'resolved')),
	incoming_system integer NOT NULL,
	current_system integer NOT NULL,
	incoming jsonb NOT NULL,
	current jsonb NOT NULL,
	versions jsonb NOT NULL,                       -- all of the set: system, value, actor, kind, at, dot
	rule text NOT NULL,
	reason text NOT NULL,
	outcome text NOT NULL CHECK (outcome IN ('apply_remote', 'keep_local', 'merged', 'deferred')),
	event bigint,
	opened_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	resolved_at timestamptz,
	resolved_by text,
	choice text,
	note text,
	suggestion jsonb                               -- pending: what the other rules would have chosen: choice, rule, because
);
CREATE INDEX conflict_entity ON syncore.conflict (entity, field, id);
CREATE INDEX conflict_pending ON syncore.conflict (space_id, id) WHERE state = 'pending';

-- The view syncore.quarantine shows what is open of it, without the body.
CREATE SEQUENCE syncore.quarantine_entry_id_seq;
CREATE TABLE syncore.quarantine_entry (
	id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('syncore.quarantine_entry_id_seq'),
	space_id integer,
	system text NOT NULL,
	system_id integer,
	event bigint,
	event_received_at timestamptz,
	external_id text,
	at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	code text NOT NULL,                            -- SQLSTATE
	path text,                                     -- JSON Pointer to what was wrong
	message text NOT NULL,
	hint text NOT NULL,
	raw bytea,                                     -- a body that is no JSON at all
	state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'released', 'discarded')),
	decided_at timestamptz,
	decided_by text,
	note text
);
CREATE INDEX quarantine_entry_open ON syncore.quarantine_entry (space_id, id) WHERE state = 'open';
CREATE INDEX quarantine_entry_event ON syncore.quarantine_entry (event);

CREATE SEQUENCE syncore.ledger_id_seq CACHE 1;
CREATE TABLE syncore.ledger (
	id bigint NOT NULL DEFAULT pg_catalog.nextval('syncore.ledger_id_seq'),
	at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	txid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
	space_id integer NOT NULL,
	kind text NOT NULL,                            -- the words of core/ledger.h, checked there
	entity bigint,
	entity_seq bigint,                             -- the chain's order; null where no entity is concerned
	link bigint,
	system_id integer,
	event bigint,
	delivery bigint,
	conflict bigint,
	field text,
	old jsonb,
	new jsonb,
	actor text,
	actor_kind syncore.actor_kind,
	source_time timestamptz,
	rule text,
	reason text,
	detail jsonb,
	correlation_id text,
	prev_hash bytea,
	hash bytea NOT NULL
) PARTITION BY RANGE (at);
CREATE TABLE syncore.ledger_default PARTITION OF syncore.ledger DEFAULT;
CREATE INDEX ledger_id ON syncore.ledger_default (id);
-- One index for an entity's rows and for those of one field: each row costs a look-up at a far place in it.
CREATE INDEX ledger_entity ON syncore.ledger_default (entity, field, entity_seq) WHERE entity IS NOT NULL;
-- Rows of an event carry its correlation id: there is no index by event.
CREATE INDEX ledger_correlation ON syncore.ledger_default (correlation_id) WHERE correlation_id IS NOT NULL;

CREATE SEQUENCE syncore.ledger_seal_id_seq;
CREATE TABLE syncore.ledger_seal (
	id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('syncore.ledger_seal_id_seq'),
	at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	before_txid xid8 NOT NULL,                     -- every row of an older transaction that no seal covers yet
	row_count bigint NOT NULL,
	first_id bigint,
	last_id bigint,
	root bytea NOT NULL,
	prev_root bytea,
	exported_at timestamptz
);

CREATE SEQUENCE syncore.alert_id_seq;
CREATE TABLE syncore.alert (
	id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('syncore.alert_id_seq'),
	space_id integer,
	level text NOT NULL CHECK (level IN ('info', 'warning', 'critical')),
	kind text NOT NULL,
	cause text NOT NULL,                           -- one row per open cause: 'breaker:snow', 'loop:42:status'
	object text,
	detail text NOT NULL,
	hint text,
	first_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	last_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	times integer NOT NULL DEFAULT 1,
	closed_at timestamptz,
	closed_by text,
	told_at timestamptz                            -- NOTIFY syncore_alert left
);
CREATE UNIQUE INDEX alert_open ON syncore.alert (cause) WHERE closed_at IS NULL;
CREATE INDEX alert_untold ON syncore.alert (id) WHERE told_at IS NULL;

-- What records name and the product keeps elsewhere (a caller by id), as it was fetched; only workers write here.
CREATE TABLE syncore.referenced (
	system_id integer NOT NULL,
	space_id integer NOT NULL,
	kind text NOT NULL,                            -- record_type of the connector's operation fetch
	external_id text NOT NULL,
	body jsonb,                                    -- null: there is no such object, or it was never had
	fetched_at timestamptz,                        -- null: not answered yet
	tries integer NOT NULL DEFAULT 0,              -- failures since the last answer
	next_at timestamptz,                           -- not asked before
	error_message text,
	PRIMARY KEY (system_id, kind, external_id)
);

-- Which record waits for which object. Written under the lock of the record's entity, so that events meet nowhere.
CREATE TABLE syncore.reference_wait (
	link bigint NOT NULL,
	system_id integer NOT NULL,
	space_id integer NOT NULL,
	kind text NOT NULL,
	external_id text NOT NULL,
	since timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (link, kind, external_id)
);

CREATE SEQUENCE syncore.job_id_seq;
CREATE TABLE syncore.job (
	id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('syncore.job_id_seq'),
	kind text NOT NULL CHECK (kind IN ('check_system', 'register_webhook', 'match_people', 'reconcile', 'replay', 'connector_check', 'backfill')),
	target text NOT NULL,
	space_id integer,
	system_id integer,
	arguments jsonb NOT NULL DEFAULT '{}',
	state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
	done bigint NOT NULL DEFAULT 0,
	total bigint,
	result jsonb,
	requested_by text NOT NULL DEFAULT CURRENT_USER,
	requested_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	started timestamptz,
	ended timestamptz,
	error_code text,
	error text,
	hint text
);
CREATE INDEX job_open ON syncore.job (id) WHERE state IN ('queued', 'running');

CREATE TABLE syncore.instance (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	system_identifier bigint NOT NULL,
	database_oid oid NOT NULL,
	database_name text NOT NULL,
	token_hash bytea,                              -- SHA-256 of the token file in secret_directory; null until a worker made it
	adopted_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	adopted_by text NOT NULL DEFAULT CURRENT_USER,
	note text
);
