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
#define SC_LIMITS_MAX 1024
#define SC_SHARDS 64

typedef enum ScRole { SC_ROLE_FREE, SC_ROLE_LAUNCHER, SC_ROLE_DISPATCHER, SC_ROLE_LISTENER, SC_ROLE_JANITOR } ScRole;

typedef struct ScWorkerSlot
{
	ScRole role;
	Oid database;				/* InvalidOid: launcher */
	char database_name[64];
	int index;					/* dispatchers: 0 .. max_workers - 1 */
	pid_t pid;
	uint32 generation;			/* raised when the slot is reused */
	Latch *latch;				/* of the process; valid while pid is */
	TimestampTz started_at;
	TimestampTz turned_at;		/* last loop turn */
	int64 turns;
	int64 sent;
	int64 failed;
	int64 events;
	int in_flight;
	int shards;
	char state[64];				/* what it is doing, in words */
} ScWorkerSlot;

typedef struct ScLimitSlot
{
	Oid database;
	int32 system_id;			/* of the connection: the id of its first system */
	ScLimit limit;
} ScLimitSlot;

typedef struct ScShared
{
	LWLock *lock;
	int nworkers;
	ScWorkerSlot workers[SC_WORKERS_MAX];
	int nlimits;
	ScLimitSlot limits[SC_LIMITS_MAX];
} ScShared;

extern ScShared *sc_shared;		/* NULL without preload */

extern void sc_shared_request(void);	/* shmem_request_hook */
extern void sc_shared_startup(void);	/* shmem_startup_hook */
extern ScWorkerSlot *sc_shared_attach(ScRole role, Oid database, const char *name, int index);	/* detaches on exit */
extern void sc_shared_wake(Oid database);	/* sets the latches of a database's workers */
extern ScLimit *sc_shared_limit(Oid database, int32 system_id);	/* caller holds sc_shared->lock exclusively */

#endif
