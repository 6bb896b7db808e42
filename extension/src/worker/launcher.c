/*
 * launcher.c
 *	  Starts and stops the workers of every database in syncore.databases.
 *
 * It compares what should run with what does (the slots in shared memory are
 * the truth, so a launcher that was restarted finds its workers again) and
 * knows only shared catalogs.  Whether the extension is installed is for the
 * first dispatcher of a database to see: the others start once that one says
 * that it is serving.  A worker that ends is started again after a pause that
 * grows while it keeps ending.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "compat.h"
#include "worker/base.h"
#include "worker/launcher.h"
#include "worker/settings.h"

#define LOOK_MS 2000 /* how often databases and roles are looked for */
#define SLOT_RETRY_MS 5000
#define STABLE_US (10 * USECS_PER_SEC) /* a worker that lived so long did not fail to start */

typedef struct Part /* one worker that should run, or did */
{
	Oid database; /* InvalidOid: free */
	ScRole role;
	int index;
	bool wanted;
	BackgroundWorkerHandle *handle; /* NULL: not started by this launcher, or ended */
	TimestampTz started_at;
	TimestampTz retry_at;
	int failures; /* in a row */
} Part;

extern PGDLLEXPORT void syncore_launcher_main(Datum arg);

static Part parts[SC_WORKERS_MAX];
static Oid worker_role;

static void run_forever(ScWorkerSlot *slot) pg_attribute_noreturn();
static long review(void);
static Oid find_shared(Oid catalog, const char *name);
static void want_databases(void);
static void want_database(Oid database, bool first);
static void want_part(Oid database, ScRole role, int index);
static Part *find_part(Oid database, ScRole role, int index);
static const ScWorkerSlot *find_slot(Oid database, ScRole role, int index);
static long tend_part(Part *part, TimestampTz now);
static bool has_ended(Part *part, TimestampTz now);
static bool start_part(Part *part);
static void stop_unwanted(void);
static void tell_short_of_slots(void);

void
sc_launcher_register(void)
{
	BackgroundWorker worker = { 0 };

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 1;
	strlcpy(worker.bgw_name, "syncore launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "syncore launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_library_name, "syncore", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "syncore_launcher_main", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

void
syncore_launcher_main(Datum arg)
{
	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	sc_worker_reload_first();
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	ScWorkerSlot *slot = sc_shared_attach(SC_ROLE_LAUNCHER, InvalidOid, NULL, 0);
	if (slot == NULL)
		proc_exit(1);
	sc_shared_serving(slot, true);
	sc_shared_state(slot, "watching");
	run_forever(slot);
}

static void
run_forever(ScWorkerSlot *slot)
{
	for (;;)
	{
		volatile long wait = LOOK_MS;

		sc_worker_turn(slot);
		PG_TRY();
		{
			wait = review();
		}
		PG_CATCH();
		{
			sc_worker_recover("the launcher");
		}
		PG_END_TRY();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, wait,
						 sc_wait_event("SyncoreLauncher"));
		ResetLatch(MyLatch);
	}
}

/* One comparison of should and is; returns how long to sleep. */
static long
review(void)
{
	TimestampTz now = sc_shared_now();
	long wait = LOOK_MS;

	for (int i = 0; i < SC_WORKERS_MAX; i++)
		parts[i].wanted = false;
	want_databases();
	stop_unwanted();
	for (int i = 0; i < SC_WORKERS_MAX; i++)
		if (OidIsValid(parts[i].database))
			wait = Min(wait, tend_part(&parts[i], now));
	return Max(wait, 50);
}

/*
 * Looks a name up in a shared catalog whose second column is the name and whose
 * first the oid.  By a plain scan: without a database there may be no index of
 * a shared catalog to use yet.
 */
static Oid
find_shared(Oid catalog, const char *name)
{
	Oid found = InvalidOid;
	Relation relation = table_open(catalog, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(relation, 0, NULL);
	HeapTuple tuple;

	while (!OidIsValid(found) && HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		bool isnull;
		Oid oid = DatumGetObjectId(heap_getattr(tuple, 1, RelationGetDescr(relation), &isnull));
		Name has = DatumGetName(heap_getattr(tuple, 2, RelationGetDescr(relation), &isnull));

		if (strcmp(NameStr(*has), name) == 0)
			found = oid;
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	return found;
}

static void
want_databases(void)
{
	List *names = NIL;
	ListCell *cell;
	bool first = true;

	StartTransactionCommand();
	worker_role = find_shared(AuthIdRelationId, "syncore_worker");
	if (!SplitGUCList(pstrdup(sc_databases ? sc_databases : ""), ',', &names))
		sc_worker_log(WARNING, "databases", "syncore.databases cannot be read");
	foreach (cell, names)
	{
		const char *name = lfirst(cell);
		Oid database = find_shared(DatabaseRelationId, name);

		if (!OidIsValid(database))
		{
			sc_worker_log(WARNING, name,
						  "syncore.databases names database \"%s\", which does not exist", name);
			continue;
		}
		if (OidIsValid(worker_role))
			want_database(database, first);
		first = false;
	}
	CommitTransactionCommand();
}

/* The first dispatcher always; the rest while that one serves.  The webhook port can be open once: the first database has it. */
static void
want_database(Oid database, bool first)
{
	if (sc_shared_is_blocked(database))
		return;
	want_part(database, SC_ROLE_DISPATCHER, 0);
	const ScWorkerSlot *slot = find_slot(database, SC_ROLE_DISPATCHER, 0);
	if (slot != NULL && !slot->serving)
		return;
	for (int i = 1; i < sc_max_workers; i++)
		if (slot != NULL || find_slot(database, SC_ROLE_DISPATCHER, i) != NULL)
			want_part(database, SC_ROLE_DISPATCHER, i);
	if (slot != NULL || find_slot(database, SC_ROLE_JANITOR, 0) != NULL)
		want_part(database, SC_ROLE_JANITOR, 0);
	if (first && sc_listen_port != 0 &&
		(slot != NULL || find_slot(database, SC_ROLE_LISTENER, 0) != NULL))
		want_part(database, SC_ROLE_LISTENER, 0);
}

static void
want_part(Oid database, ScRole role, int index)
{
	Part *part = find_part(database, role, index);

	if (part != NULL)
		part->wanted = true;
}

/* The entry of a part, made when missing; NULL when there are too many. */
static Part *
find_part(Oid database, ScRole role, int index)
{
	Part *spare = NULL;

	for (int i = 0; i < SC_WORKERS_MAX; i++)
	{
		Part *part = &parts[i];

		if (part->database == database && part->role == role && part->index == index)
			return part;
		if (!OidIsValid(part->database) && spare == NULL)
			spare = part;
	}
	if (spare == NULL)
	{
		sc_worker_log(WARNING, "parts", "syncore runs at most %d workers in all databases together",
					  SC_WORKERS_MAX);
		return NULL;
	}
	memset(spare, 0, sizeof(*spare));
	spare->database = database;
	spare->role = role;
	spare->index = index;
	return spare;
}

static const ScWorkerSlot *
find_slot(Oid database, ScRole role, int index)
{
	for (int i = 0; i < SC_WORKERS_MAX; i++)
	{
		const ScWorkerSlot *slot = &sc_shared->workers[i];

		if (slot->role == role && slot->database == database && slot->index == index)
			return slot;
	}
	return NULL;
}

/* Starts a part that should run and does not; forgets one that should not and does not.  Returns how long to sleep. */
static long
tend_part(Part *part, TimestampTz now)
{
	bool running = find_slot(part->database, part->role, part->index) != NULL;

	if (running || !has_ended(part, now))
		return LOOK_MS;
	if (!part->wanted)
	{
		memset(part, 0, sizeof(*part));
		return LOOK_MS;
	}
	if (part->retry_at > now)
		return (part->retry_at - now) / 1000 + 1;
	if (start_part(part))
	{
		part->started_at = now;
		return LOOK_MS;
	}
	part->retry_at = now + SLOT_RETRY_MS * INT64CONST(1000);
	tell_short_of_slots();
	return SLOT_RETRY_MS;
}

/* True when no process of ours is on its way; notes how often it failed in a row. */
static bool
has_ended(Part *part, TimestampTz now)
{
	pid_t pid;

	if (part->handle == NULL)
		return true;
	BgwHandleStatus status = GetBackgroundWorkerPid(part->handle, &pid);
	if (status == BGWH_STARTED || status == BGWH_NOT_YET_STARTED)
		return false;
	pfree(part->handle);
	part->handle = NULL;
	part->failures = now - part->started_at > STABLE_US ? 1 : part->failures + 1;
	part->retry_at = now + sc_worker_backoff_ms(part->failures) * INT64CONST(1000);
	return true;
}

static bool
start_part(Part *part)
{
	static const char *const mains[] = { NULL, NULL, "syncore_dispatcher_main",
										 "syncore_listener_main", "syncore_janitor_main" };
	static const char *const types[] = { NULL, NULL, "syncore dispatcher", "syncore listener",
										 "syncore janitor" };
	BackgroundWorker worker = { 0 };
	ScWorkerArgs args = { .database = part->database,
						  .role_oid = worker_role,
						  .role = part->role,
						  .index = part->index };

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	snprintf(worker.bgw_name, BGW_MAXLEN, "%s %d of database %u", types[part->role], part->index,
			 part->database);
	strlcpy(worker.bgw_type, types[part->role], BGW_MAXLEN);
	strlcpy(worker.bgw_library_name, "syncore", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, mains[part->role], BGW_MAXLEN);
	StaticAssertStmt(sizeof(args) <= BGW_EXTRALEN, "arguments must fit into bgw_extra");
	memcpy(worker.bgw_extra, &args, sizeof(args));
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	bool started = RegisterDynamicBackgroundWorker(&worker, &part->handle);
	MemoryContextSwitchTo(old);
	if (!started)
		part->handle = NULL;
	return started;
}

/* Ends the workers that should not run: database no longer listed, fewer wanted, extension dropped. */
static void
stop_unwanted(void)
{
	for (int i = 0; i < SC_WORKERS_MAX; i++)
	{
		const ScWorkerSlot *slot = &sc_shared->workers[i];

		if (slot->role == SC_ROLE_FREE || slot->role == SC_ROLE_LAUNCHER ||
			!OidIsValid(slot->database))
			continue;
		Part *part = find_part(slot->database, slot->role, slot->index);
		if (part != NULL && !part->wanted)
			sc_shared_terminate_one(slot);
	}
}

static void
tell_short_of_slots(void)
{
	sc_shared->slots_short_at = sc_shared_now();
	sc_worker_log(WARNING, "slots",
				  "syncore could not start all its workers: raise max_worker_processes (now %d), "
				  "or lower syncore.max_workers (now %d)",
				  max_worker_processes, sc_max_workers);
}
