/*
 * wake.c
 *	  One wake-up at commit, however much was queued; none when the transaction
 *	  aborts.  Without preload there is nobody to wake.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "engine/engine.h"

void (*sc_wake_hook)(Oid database) = NULL;

static bool registered = false;
static bool pending = false;

static void on_xact(XactEvent event, void *arg);

extern PGDLLEXPORT Datum syncore_wake(PG_FUNCTION_ARGS);

void
sc_wake_at_commit(void)
{
	if (sc_wake_hook == NULL)
		return;
	if (!registered)
	{
		RegisterXactCallback(on_xact, NULL);
		registered = true;
	}
	pending = true;
}

PG_FUNCTION_INFO_V1(syncore_wake);

/* syncore._wake(): for SQL that queues work. */
Datum
syncore_wake(PG_FUNCTION_ARGS)
{
	sc_wake_at_commit();
	PG_RETURN_VOID();
}

static void
on_xact(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	bool wake = pending && event != XACT_EVENT_ABORT;

	pending = false;
	if (wake && sc_wake_hook != NULL)
		sc_wake_hook(MyDatabaseId);
}
