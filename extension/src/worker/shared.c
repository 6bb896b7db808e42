/*
 * shared.c
 *	  The shared memory of syncore: who works where, and how fast each
 *	  connection may be called.
 *
 * A slot belongs to the process whose pid it carries and is given back when
 * that process exits, however it exits; a process that is killed restarts the
 * server, which makes all of this anew.  Counters of a slot are written by its
 * owner only; everything else under the lock.
 */
#include "postgres.h"

#include <signal.h>
#include <stdarg.h>
#include <time.h>

#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "worker/settings.h"
#include "worker/shared.h"

ScShared *sc_shared = NULL;

static shmem_request_hook_type previous_request = NULL;
static shmem_startup_hook_type previous_startup = NULL;

static void request_memory(void);
static void make_memory(void);
static int64 read_uptime(void);
static Size memory_size(void);
static ScWorkerSlot *find_free_slot(ScRole role, Oid database, int index);
static void detach_slot(int code, Datum arg);
static void wake_matching(Oid database, bool launcher);
static bool take_wake(ScWorkerSlot *slot);

void
sc_shared_init(void)
{
	previous_request = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = make_memory;
}

bool
sc_shared_is_preloaded(void)
{
	return sc_shared != NULL;
}

static void
request_memory(void)
{
	if (previous_request)
		previous_request();
	RequestAddinShmemSpace(memory_size());
	RequestNamedLWLockTranche("syncore", 1);
}

static Size
memory_size(void)
{
	return mul_size((Size) sc_shared_memory, 1024);
}

static void
make_memory(void)
{
	bool found;

	if (previous_startup)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	sc_shared = ShmemInitStruct("syncore", memory_size(), &found);
	if (!found)
	{
		memset(sc_shared, 0, memory_size());
		sc_shared->clock_offset = GetCurrentTimestamp() - read_uptime();
		sc_shared->lock = &GetNamedLWLockTranche("syncore")->lock;
		sc_shared->limits_size = (memory_size() - offsetof(ScShared, limits)) / sizeof(ScLimitSlot);
	}
	LWLockRelease(AddinShmemInitLock);
}

/* Microseconds since the machine was started, times of sleep included. */
static int64
read_uptime(void)
{
	struct timespec up;

	clock_gettime(CLOCK_BOOTTIME, &up);
	return (int64) up.tv_sec * USECS_PER_SEC + up.tv_nsec / 1000;
}

TimestampTz
sc_shared_now(void)
{
	return sc_shared == NULL ? GetCurrentTimestamp() : read_uptime() + sc_shared->clock_offset;
}

TimestampTz
sc_shared_time_of_day(TimestampTz at)
{
	return at + (GetCurrentTimestamp() - sc_shared_now());
}

ScWorkerSlot *
sc_shared_attach(ScRole role, Oid database, const char *name, int index)
{
	LWLockAcquire(sc_shared->lock, LW_EXCLUSIVE);
	ScWorkerSlot *slot = find_free_slot(role, database, index);
	if (slot != NULL)
	{
		uint32 generation = slot->generation;

		memset(slot, 0, sizeof(*slot));
		slot->role = role;
		slot->database = database;
		strlcpy(slot->database_name, name ? name : "", sizeof(slot->database_name));
		slot->index = index;
		slot->pid = MyProcPid;
		slot->generation = generation + 1;
		slot->latch = MyLatch;
		slot->started_at = sc_shared_now();
		sc_shared->membership++;
	}
	LWLockRelease(sc_shared->lock);
	if (slot != NULL)
		before_shmem_exit(detach_slot, PointerGetDatum(slot));
	return slot;
}

/* A slot to take; NULL when none is free or a live process already has this part. */
static ScWorkerSlot *
find_free_slot(ScRole role, Oid database, int index)
{
	ScWorkerSlot *free_slot = NULL;

	for (int i = 0; i < SC_WORKERS_MAX; i++)
	{
		ScWorkerSlot *slot = &sc_shared->workers[i];

		if (slot->role == SC_ROLE_FREE)
		{
			if (free_slot == NULL)
				free_slot = slot;
		}
		else if (slot->role == role && slot->database == database && slot->index == index)
			return NULL;
	}
	return free_slot;
}

static void
detach_slot(int code, Datum arg)
{
	ScWorkerSlot *slot = (ScWorkerSlot *) DatumGetPointer(arg);

	LWLockAcquire(sc_shared->lock, LW_EXCLUSIVE);
	Oid database = slot->database;
	slot->role = SC_ROLE_FREE;
	slot->pid = 0;
	slot->latch = NULL;
	slot->serving = false;
	slot->in_flight = 0;
	slot->shards = 0;
	sc_shared->membership++;
	LWLockRelease(sc_shared->lock);
	sc_shared_wake_launcher();
	if (OidIsValid(database))
		sc_shared_wake(database);
}

void
sc_shared_serving(ScWorkerSlot *slot, bool serving)
{
	if (slot->serving == serving)
		return;
	LWLockAcquire(sc_shared->lock, LW_EXCLUSIVE);
	slot->serving = serving;
	sc_shared->membership++;
	LWLockRelease(sc_shared->lock);
	sc_shared_wake_launcher();
	sc_shared_wake(slot->database);
}

void
sc_shared_state(ScWorkerSlot *slot, const char *format, ...)
{
	char words[sizeof(slot->state)];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	if (strcmp(words, slot->state) == 0)
		return;
	LWLockAcquire(sc_shared->lock, LW_EXCLUSIVE);
	strlcpy(slot->state, words, sizeof(slot->state));
	LWLockRelease(sc_shared->lock);
}

void
sc_shared_turn(ScWorkerSlot *slot)
{
	slot->turned_at = sc_shared_now();
	slot->turns++;
}

void
sc_shared_wake(Oid database)
{
	if (sc_shared != NULL && OidIsValid(database))
		wake_matching(database, false);
}

void
sc_shared_wake_launcher(void)
{
	if (sc_shared != NULL)
		wake_matching(InvalidOid, true);
}

static void
wake_matching(Oid database, bool launcher)
{
	LWLockAcquire(sc_shared->lock, LW_SHARED);
	for (int i = 0; i < SC_WORKERS_MAX; i++)
	{
		ScWorkerSlot *slot = &sc_shared->workers[i];

		if (slot->latch == NULL || slot->pid == MyProcPid)
			continue;
		if (launcher ? slot->role == SC_ROLE_LAUNCHER
					 : slot->database == database && take_wake(slot))
			SetLatch(slot->latch);
	}
	LWLockRelease(sc_shared->lock);
}

/*
 * Is its latch to be set?  A janitor looks once a second at most, and ten
 * thousand commits a second must not wake it more often: it is asked once.
 */
static bool
take_wake(ScWorkerSlot *slot)
{
	if (slot->role == SC_ROLE_DISPATCHER)
		return true;
	if (slot->role != SC_ROLE_JANITOR || slot->asked)
		return false;
	slot->asked = true;
	return true;
}

int
sc_shared_terminate(Oid database)
{
	int n = 0;

	LWLockAcquire(sc_shared->lock, LW_SHARED);
	for (int i = 0; i < SC_WORKERS_MAX; i++)
	{
		ScWorkerSlot *slot = &sc_shared->workers[i];

		if (slot->role == SC_ROLE_FREE || slot->role == SC_ROLE_LAUNCHER ||
			slot->database != database)
			continue;
		if (slot->pid != 0)
			kill(slot->pid, SIGTERM);
		n++;
	}
	LWLockRelease(sc_shared->lock);
	return n;
}

void
sc_shared_terminate_one(const ScWorkerSlot *slot)
{
	LWLockAcquire(sc_shared->lock, LW_SHARED);
	if (slot->role != SC_ROLE_FREE && slot->pid != 0)
		kill(slot->pid, SIGTERM);
	LWLockRelease(sc_shared->lock);
}

bool
sc_shared_block(Oid database)
{
	bool done = false;

	LWLockAcquire(sc_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SC_BLOCKS_MAX && !done; i++)
	{
		ScBlock *block = &sc_shared->blocks[i];

		if (OidIsValid(block->database) && BackendPidGetProc(block->pid) != NULL)
			continue;
		block->database = database;
		block->pid = MyProcPid;
		done = true;
	}
	LWLockRelease(sc_shared->lock);
	return done;
}

void
sc_shared_unblock(Oid database)
{
	LWLockAcquire(sc_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SC_BLOCKS_MAX; i++)
		if (sc_shared->blocks[i].database == database && sc_shared->blocks[i].pid == MyProcPid)
			sc_shared->blocks[i].database = InvalidOid;
	LWLockRelease(sc_shared->lock);
	sc_shared_wake_launcher();
}

bool
sc_shared_is_blocked(Oid database)
{
	bool blocked = false;

	LWLockAcquire(sc_shared->lock, LW_SHARED);
	for (int i = 0; i < SC_BLOCKS_MAX && !blocked; i++)
		blocked = sc_shared->blocks[i].database == database &&
				  BackendPidGetProc(sc_shared->blocks[i].pid) != NULL;
	LWLockRelease(sc_shared->lock);
	return blocked;
}

ScLimit *
sc_shared_limit(Oid database, int32 system_id)
{
	uint32 hash = hash_combine(murmurhash32(database), murmurhash32((uint32) system_id));

	for (int probe = 0; probe < sc_shared->limits_size; probe++)
	{
		ScLimitSlot *slot = &sc_shared->limits[(hash + probe) % sc_shared->limits_size];

		if (slot->database == database && slot->system_id == system_id)
			return &slot->limit;
		if (OidIsValid(slot->database))
			continue;
		slot->database = database;
		slot->system_id = system_id;
		memset(&slot->limit, 0, sizeof(slot->limit));
		sc_shared->nlimits++;
		return &slot->limit;
	}
	return NULL;
}
