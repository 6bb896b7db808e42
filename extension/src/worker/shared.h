/*
 * shared.h
 *	  What all processes share: worker slots with their latches, limits per
 *	  connection, counters.  Made in _PG_init's shmem hooks; without preload
 *	  there is none, and everything here says so.
 */
#ifndef SC_WORKER_SHARED_H
#define SC_WORKER_SHARED_H

#include "postgres.h"
#include "net/limit.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

#define SC_WORKERS_MAX 64
#define SC_SHARDS 64
#define SC_BLOCKS_MAX 16

typedef enum ScRole
{
	SC_ROLE_FREE,
	SC_ROLE_LAUNCHER,
	SC_ROLE_DISPATCHER,
	SC_ROLE_LISTENER,
	SC_ROLE_JANITOR
} ScRole;

typedef struct ScWorkerSlot
{
	ScRole role;
	Oid database; /* InvalidOid: launcher */
	char database_name[64];
	int index; /* dispatchers: 0 .. max_workers - 1 */
	pid_t pid;
	uint32 generation; /* raised when the slot is reused */
	Latch *latch;	   /* of the process; valid while pid is */
	bool serving;	   /* the extension is installed and the worker does its work */
	bool asked; /* janitor: woken by a commit, and has not looked since; set without the lock */
	TimestampTz started_at;
	TimestampTz turned_at; /* last loop turn */
	int64 turns;
	int64 sent;
	int64 failed;
	int64 events;
	int in_flight;
	int shards;
	char state[128]; /* what it is doing, in words */
} ScWorkerSlot;

typedef struct ScLimitSlot
{
	Oid database;	 /* InvalidOid: free */
	int32 system_id; /* of the connection: the id of its first system */
	ScLimit limit;
} ScLimitSlot;

typedef struct ScBlock /* a database that must stay free of workers for a moment */
{
	Oid database; /* InvalidOid: free */
	pid_t pid;	  /* of the backend that asked; the block ends with it */
} ScBlock;

typedef struct ScShared
{
	LWLock *lock;
	int64 clock_offset; /* what sc_shared_now adds to the machine's uptime */
	uint32 membership;	/* raised when a worker comes or goes, or starts or stops serving */
	TimestampTz
		slots_short_at; /* when a worker last found no free slot in max_worker_processes; 0 = never */
	ScWorkerSlot workers[SC_WORKERS_MAX];
	ScBlock blocks[SC_BLOCKS_MAX];
	int nlimits;							   /* used ones */
	int limits_size;						   /* sized by syncore.shared_memory */
	ScLimitSlot limits[FLEXIBLE_ARRAY_MEMBER]; /* open addressing by database and system */
} ScShared;

extern ScShared *sc_shared; /* NULL without preload */

extern void sc_shared_init(void); /* installs the hooks; in _PG_init, preloading */
extern bool sc_shared_is_preloaded(void);

/*
 * Takes a slot for this process; it is given back on exit.  NULL when another
 * live process has the same role, database and index, or no slot is free.
 */
extern ScWorkerSlot *sc_shared_attach(ScRole role, Oid database, const char *name, int index);
extern void sc_shared_serving(ScWorkerSlot *slot, bool serving); /* tells the others too */
extern void sc_shared_state(ScWorkerSlot *slot, const char *format, ...) pg_attribute_printf(2, 3);
extern void sc_shared_turn(ScWorkerSlot *slot); /* one turn of the loop */

/*
 * A clock that nobody sets, the same for all processes of the server; it showed
 * the time of day when the server started.  What workers wait for goes by it,
 * and so do all times in shared memory: somebody who sets the time of day back
 * by an hour must not make them rest for an hour.
 */
extern TimestampTz sc_shared_now(void);

/* A time of that clock as one of the time of day. */
extern TimestampTz sc_shared_time_of_day(TimestampTz at);

/*
 * Something was queued or told of: wakes the dispatchers of a database, and its
 * janitor unless that was asked already and has not looked since.
 */
extern void sc_shared_wake(Oid database);
extern void sc_shared_wake_launcher(void);

/* Sends SIGTERM to all workers of a database; how many there were. */
extern int sc_shared_terminate(Oid database);
extern void sc_shared_terminate_one(const ScWorkerSlot *slot);

extern bool sc_shared_block(Oid database); /* no worker may start there until unblocked */
extern void sc_shared_unblock(Oid database);
extern bool sc_shared_is_blocked(Oid database);

/* The limits of a connection, made when missing; NULL when the table is full.  Caller holds sc_shared->lock exclusively. */
extern ScLimit *sc_shared_limit(Oid database, int32 system_id);

#endif
