/*
 * engine.h
 *	  Load, decide, store: the one path that every event and every outcome
 *	  takes.  Callers hold a transaction and an SPI connection.
 */
#ifndef SC_ENGINE_ENGINE_H
#define SC_ENGINE_ENGINE_H

#include "core/call.h"
#include "store/save.h"

typedef struct ScEventRow /* an event as it stands in the table */
{
	int64 id;
	TimestampTz received_at;
	char *system;
	Jsonb *payload;
	char *record_type;
	char *event_id;
	char *kind;
	char *external_id;
	bool has_time;
	TimestampTz source_time;
	char *source_version;
	char *actor;
	char *correlation_id;
	char *batch_id;
	Jsonb *headers;
	char *via;
	char *external_key;
	char *marker;
	bool has_actor_kind; /* somebody said so; else by the system's actor rows */
	ScActorKind actor_kind;
} ScEventRow;

typedef enum ScItemKind
{
	SC_ITEM_EVENT,	/* an event just inserted */
	SC_ITEM_REPLAY, /* an event decided anew (released, waited): no duplicate check */
	SC_ITEM_OUTCOME /* a finished call */
} ScItemKind;

typedef struct ScItem /* one thing to decide */
{
	ScItemKind kind;
	ScEventRow *event; /* EVENT, REPLAY */
	ScCallPlan *plan;  /* OUTCOME */
	/* what became of it */
	const char
		*result; /* applied, duplicate, echo, stale, waiting, quarantined, ignored, nothing */
	char *reason;
	int64 entity; /* 0 = none */
} ScItem;

/*
 * engine/run.c: decides items (any number; pieces of SC_RUN_PIECE) and stores what came
 * of it.  A poison item is quarantined alone.  Sets the results in the items.
 */
#define SC_RUN_PIECE 100
extern void sc_run(List *items);

/*
 * engine/claim.c: claims up to limit deliveries of one system whose shard is
 * ours, writes marks and intents, and returns ScCallPlan * ready to begin.
 * Those that turn out to need nothing are deleted.  low_water: id to start
 * after; moved.  Call in a transaction of its own, and commit before sending.
 */
extern List *sc_claim(int32 system_id, const bool *shards, int limit, int64 *low_water,
					  MemoryContext plan_parent);

/*
 * engine/claim.c: marks left behind by another process in shards that are now
 * ours: their intents become unknown.  Returns how many.
 */
extern int sc_claim_adopt(const bool *shards);

/*
 * engine/unread.c: R3.  Decides what waits for the outcome of a write to a
 * system that cannot be asked now, where the time limit has passed.  Returns how
 * many records it was about.
 */
extern int sc_unread_decide(int32 system_id, const bool *shards);

/* engine/record.c: outcomes of finished plans, through sc_run; retries, dead letters, alerts. */
extern void sc_record(List *plans);

/*
 * engine/wake.c: tell the workers at commit that there is something to do.
 * The hook is set by worker/shared.c when the module is preloaded; it is called
 * after commit and may not fail.
 */
extern void (*sc_wake_hook)(Oid database);
extern void sc_wake_at_commit(void);

/* engine/ingest.c: one body from a front door, headers as an object of lower-case names. */
typedef struct ScIngested
{
	int64 event_id;
	const char *outcome;
	int64 entity;
	char *reason;
} ScIngested;

typedef struct ScIngestBody
{
	const char *bytes; /* as they came: UTF-8, perhaps JSON */
	size_t len;
	Jsonb *headers; /* NULL = none */
} ScIngestBody;

/* Inserts one event for each body, in one statement; bodies that are no JSON go to quarantine. */
extern void sc_ingest(const char *system, const char *via, int n, const ScIngestBody *bodies,
					  ScIngested *results);

#endif
