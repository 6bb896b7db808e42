/*
 * dispatcher.c
 *	  The worker that calls other systems.
 *
 * One turn: answers in, outcomes recorded, shares of the queue settled, work
 * claimed, then one wait for latch, postmaster and all transfers together.  No
 * transaction is open while a call is under way; no error ends the process.
 * The first dispatcher of a database also sees whether the extension is there;
 * the others leave when it is not.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "store/config.h"
#include "worker/dispatcher.h"
#include "worker/settings.h"

extern PGDLLEXPORT void syncore_dispatcher_main(Datum arg);

#define ABSENT_NAP_MS 2000
#define BUSY_NAP_MS 100

static ScDispatcher *make_dispatcher(ScWorkerSlot *slot);
static void on_exit_of_process(int code, Datum arg);
static void turn(ScDispatcher *d);
static bool is_installed(ScDispatcher *d);
static void recover(ScDispatcher *d);
static void wait_for_work(ScDispatcher *d);
static long nap_ms(const ScDispatcher *d);
static void show_state(ScDispatcher *d);

void
syncore_dispatcher_main(Datum arg)
{
	ScDispatcher *d = make_dispatcher(sc_worker_start(SC_ROLE_DISPATCHER));

	before_shmem_exit(on_exit_of_process, PointerGetDatum(d));
	for (;;)
	{
		PG_TRY();
		{
			turn(d);
			d->failures = 0;
		}
		PG_CATCH();
		{
			recover(d);
		}
		PG_END_TRY();
		MemoryContextReset(d->turn_cxt);
		wait_for_work(d);
	}
}

static ScDispatcher *
make_dispatcher(ScWorkerSlot *slot)
{
	MemoryContext cxt =
		AllocSetContextCreate(TopMemoryContext, "syncore dispatcher", ALLOCSET_DEFAULT_SIZES);
	ScDispatcher *d = MemoryContextAllocZero(cxt, sizeof(ScDispatcher));
	HASHCTL control = { .keysize = sizeof(int32), .entrysize = sizeof(ScPeer), .hcxt = cxt };

	d->slot = slot;
	d->cxt = cxt;
	d->turn_cxt = AllocSetContextCreate(cxt, "syncore turn", ALLOCSET_DEFAULT_SIZES);
	d->peers = hash_create("syncore peers", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	dlist_init(&d->calls);
	d->http = sc_http_create();
	d->events = sc_create_wait_event_set(cxt, 3);
	AddWaitEventToSet(d->events, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(d->events, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	AddWaitEventToSet(d->events, WL_SOCKET_READABLE, sc_http_fd(d->http), NULL, NULL);
	d->woken = true;
	sc_config_init();
	return d;
}

/* Transfers end with the process; what must not stay behind are places in shared limits. */
static void
on_exit_of_process(int code, Datum arg)
{
	ScDispatcher *d = (ScDispatcher *) DatumGetPointer(arg);

	sc_dispatch_unreserve(d);
	sc_dispatch_give_places_back(d);
}

static void
turn(ScDispatcher *d)
{
	MemoryContextSwitchTo(d->turn_cxt);
	sc_worker_turn(d->slot);
	if (!d->slot->serving && !is_installed(d))
		return;
	sc_http_pump(d->http);
	sc_dispatch_take_answers(d);
	sc_dispatch_resume_paced(d);
	if (sc_dispatch_record_is_due(d, sc_shared_now()))
		sc_dispatch_record(d);
	sc_dispatch_share(d);
	sc_dispatch_claim(d);
	show_state(d);
}

/* Looks whether the extension has come; a dispatcher that is not the first leaves while it has not. */
static bool
is_installed(ScDispatcher *d)
{
	ScGate gate = sc_worker_begin("looking for the extension");

	if (gate == SC_GATE_OPEN)
	{
		sc_worker_commit();
		d->woken = true;
		sc_shared_serving(d->slot, true);
		return true;
	}
	if (gate == SC_GATE_ABSENT && d->slot->index > 0)
		proc_exit(0);
	sc_shared_state(d->slot, "waiting: the extension is not installed in this database");
	return false;
}

static void
recover(ScDispatcher *d)
{
	sc_worker_recover("a turn of the dispatcher");
	MemoryContextSwitchTo(d->turn_cxt);
	d->failures++;
	d->record_at = d->claim_at =
		sc_shared_now() + sc_worker_backoff_ms(d->failures) * INT64CONST(1000);
	sc_dispatch_unreserve(d);
	sc_dispatch_drop_lost(d);
}

static void
wait_for_work(ScDispatcher *d)
{
	WaitEvent event[3];
	int n = WaitEventSetWait(d->events, nap_ms(d), event, 3, sc_wait_event("SyncoreDispatcher"));

	for (int i = 0; i < n; i++)
	{
		if (event[i].events & WL_LATCH_SET)
		{
			ResetLatch(MyLatch);
			d->woken = true;
		}
	}
}

/* Until the next thing that has a time of its own; an answer or a commit ends the nap before. */
static long
nap_ms(const ScDispatcher *d)
{
	TimestampTz now = sc_shared_now();
	TimestampTz until = now + sc_poll_naptime * INT64CONST(1000);

	if (!d->slot->serving)
		return ABSENT_NAP_MS;
	until = Min(until, Max(d->survey_at, d->claim_at));
	if (d->nfinished > 0)
		until = Min(until, Max(d->record_at, now + SC_RECORD_AFTER_US));
	if (d->pace_at > 0)
		until = Min(until, d->pace_at);
	if (d->shares_missing)
		until = Min(until, d->shares_at);
	return until <= now ? 1 : (long) ((until - now) / 1000 + 1);
}

static void
show_state(ScDispatcher *d)
{
	int shards = 0;

	for (int i = 0; i < SC_SHARDS; i++)
		shards += d->owned[i];
	d->slot->shards = shards;
	d->slot->in_flight = d->ncalls - d->nfinished;
	if (d->may_send)
		sc_shared_state(d->slot, d->ncalls > 0 ? "calling" : "idle");
}
