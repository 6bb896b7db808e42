/*
 * listener.c
 *	  The listener: takes webhooks over HTTP and stores them as events.
 *
 * One turn reads what the sockets have, stores every request that is whole in
 * one transaction, and answers after its commit: a sender that hears 2xx can
 * forget the event, one that hears anything else still has it.  Under load
 * more requests arrive while a commit runs, so commits get larger, not more.
 * TLS is the business of a proxy in front.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "worker/base.h"
#include "worker/listener.h"
#include "worker/settings.h"

#define IDLE_MS 10000
#define BUSY_MS 1000 /* while connections are open: their deadlines */

typedef struct Listener
{
	ScWorkerSlot *slot;
	MemoryContext turn_cxt; /* reset each turn */
	WaitEventSet *set;		/* latch, postmaster death, the library's descriptors */
	char *addresses;		/* what is open now; NULL = nothing */
	int port;
	int failures;		  /* of opening, in a row */
	bool sick;			  /* the last transaction failed, or there was none yet */
	TimestampTz retry_at; /* no new attempt to open before */
} Listener;

extern PGDLLEXPORT void syncore_listener_main(Datum arg);

static void run_turn(Listener *listener);
static void configure(Listener *listener);
static bool is_configured(const Listener *listener);
static void open_sockets(Listener *listener);
static void make_wait_set(Listener *listener);
static void serve(Listener *listener);
static void store_guarded(Listener *listener, ScHook *hooks);
static void wait_for_work(Listener *listener);

void
syncore_listener_main(Datum arg)
{
	Listener listener = { .slot = sc_worker_start(SC_ROLE_LISTENER), .sick = true };

	listener.turn_cxt =
		AllocSetContextCreate(TopMemoryContext, "syncore listener turn", ALLOCSET_DEFAULT_SIZES);
	make_wait_set(&listener);
	sc_shared_serving(listener.slot, true);
	for (;;)
		run_turn(&listener);
}

static void
run_turn(Listener *listener)
{
	sc_worker_turn(listener->slot);
	configure(listener);
	sc_listener_pump();
	if (sc_listener_waiting() > 0 || listener->sick)
		serve(listener);
	MemoryContextReset(listener->turn_cxt);
	wait_for_work(listener);
}

/* Opens, closes or moves the sockets when the settings say so. */
static void
configure(Listener *listener)
{
	if (is_configured(listener))
		return;
	if (listener->addresses != NULL)
	{
		sc_listener_close();
		pfree(listener->addresses);
		listener->addresses = NULL;
		listener->retry_at = 0;
		make_wait_set(listener);
	}
	if (sc_listen_port == 0)
		sc_shared_state(listener->slot, "not listening: syncore.listen_port is 0");
	else if (sc_shared_now() >= listener->retry_at)
		open_sockets(listener);
}

static bool
is_configured(const Listener *listener)
{
	if (listener->addresses == NULL)
		return false;
	return listener->port == sc_listen_port && sc_listen_addresses != NULL &&
		   strcmp(listener->addresses, sc_listen_addresses) == 0;
}

/* One address that works is enough to go on; none is tried again later. */
static void
open_sockets(Listener *listener)
{
	const char *addresses = sc_listen_addresses != NULL ? sc_listen_addresses : "";
	char problem[256] = "";
	int opened = sc_listener_open(addresses, sc_listen_port, problem, sizeof(problem));

	if (problem[0] != '\0')
		sc_worker_log(WARNING, problem, "syncore listener: %s", problem);
	if (opened == 0)
	{
		long wait = sc_worker_backoff_ms(++listener->failures);

		listener->retry_at = sc_shared_now() + wait * INT64CONST(1000);
		sc_shared_state(listener->slot, "not listening: %s", problem);
		return;
	}
	listener->failures = 0;
	listener->port = sc_listen_port;
	listener->addresses = MemoryContextStrdup(TopMemoryContext, addresses);
	make_wait_set(listener);
	sc_shared_state(listener->slot, "listening on port %d", listener->port);
}

static void
make_wait_set(Listener *listener)
{
	int fds[SC_HOOK_SOCKETS_MAX];
	int nfds = sc_listener_fds(fds);

	if (listener->set != NULL)
		FreeWaitEventSet(listener->set);
	listener->set = sc_create_wait_event_set(TopMemoryContext, nfds + 2);
	AddWaitEventToSet(listener->set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(listener->set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	for (int i = 0; i < nfds; i++)
		AddWaitEventToSet(listener->set, WL_SOCKET_READABLE, fds[i], NULL, NULL);
}

/* Stores what waits, one commit, and lets the answers go.  With nothing waiting it only tries the database. */
static void
serve(Listener *listener)
{
	ScHook *hooks = sc_listener_take(SC_HOOK_BATCH_MAX);
	int n = 0;

	for (ScHook *hook = hooks; hook != NULL; hook = hook->next)
		n++;
	listener->slot->in_flight = n + sc_listener_waiting();
	store_guarded(listener, hooks);
	while (hooks != NULL)
	{
		ScHook *next = hooks->next;

		sc_listener_answer(hooks);
		hooks = next;
	}
	listener->slot->in_flight = sc_listener_waiting();
	sc_listener_pump();
}

/* Whatever goes wrong: every request gets an answer, and 2xx only what was committed. */
static void
store_guarded(Listener *listener, ScHook *hooks)
{
	volatile bool stored = false;
	MemoryContext old = MemoryContextSwitchTo(listener->turn_cxt);

	PG_TRY();
	{
		sc_listener_store(listener->slot, hooks);
		stored = true;
	}
	PG_CATCH();
	{
		sc_worker_recover("storing webhooks");
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	for (ScHook *hook = hooks; hook != NULL; hook = hook->next)
		if (!stored || hook->status == 0)
			hook->status = 503;
	listener->sick = !stored;
	sc_listener_set_healthy(stored);
}

static void
wait_for_work(Listener *listener)
{
	WaitEvent events[SC_HOOK_SOCKETS_MAX + 2];
	long wait = sc_listener_connections() > 0 ? BUSY_MS : IDLE_MS;

	if (listener->sick || (sc_listen_port != 0 && listener->addresses == NULL))
		wait = BUSY_MS;
	wait = sc_listener_wait_ms(wait);
	WaitEventSetWait(listener->set, wait, events, lengthof(events),
					 sc_wait_event("SyncoreListener"));
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}
