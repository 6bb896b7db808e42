/*
 * config.c
 *	  The compiled configuration of this backend, and when it is stale.
 *
 * Statement triggers on the configuration tables call
 * syncore._config_changed(), which sends a relcache invalidation of one table
 * (catalog.signal).  It reaches us at once when the change is our own, at the
 * next lock or AcceptInvalidationMessages after the other's commit otherwise.
 * What was loaded while one of our own changes was uncommitted is forgotten
 * when the transaction or sub-transaction aborts.
 *
 * Under REPEATABLE READ and above what may be seen is fixed by the
 * transaction's snapshot, so a configuration belongs to that transaction.
 *
 * A configuration is read by one snapshot, so it is never half of one and half
 * of another.  Where all of the relation cache is invalidated nothing is said
 * of our tables: what is loaded stands then while no transaction anywhere has
 * ended since it was read, which the server counts, and is read again if one
 * has.
 *
 * The callback only sets flags: a configuration in use is never freed under
 * its user.  What is out of date stays until the transaction ends, so that
 * nobody who asked in it loses what he was given, be it that a function of the
 * user's changes the configuration or inserts an event in the midst of a
 * decision.  Who keeps a configuration longer pins it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "store/catalog.h"
#include "store/config.h"
#include "store/config_load.h"

typedef struct LoadedConf
{
	ScConf conf; /* first: the public pointer is this one */
	MemoryContext cxt;
	int pins;
	bool released; /* only pins hold it */
	struct LoadedConf *next_outdated;
} LoadedConf;

static LoadedConf *outdated = NULL; /* no longer current; looked at when the transaction ends */

static LoadedConf *loaded = NULL;
static Oid signal_table = InvalidOid; /* InvalidOid: any invalidation counts */
static LocalTransactionId loaded_for = InvalidLocalTransactionId;
static uint32 loaded_generation = 0;
static uint64 changes = 0; /* counts invalidations */
static uint64 loaded_changes = 0;
static uint64 loaded_completions = 0; /* transactions that had ended when it was read */
static bool doubted = false;		  /* anything may have been invalidated since */
static bool changed_here = false;	  /* this transaction changed the configuration */
static bool initialised = false;

static bool is_valid(const ScCatalog *catalog);
static bool still_stands(void);
static LoadedConf *load(const ScCatalog *catalog);
static void retire(LoadedConf *conf);
static void release_outdated(void);
static void on_invalidation(Datum arg, Oid relation);
static void on_xact(XactEvent event, void *arg);
static void on_subxact(SubXactEvent event, SubTransactionId mine, SubTransactionId parent,
					   void *arg);

extern PGDLLEXPORT Datum syncore_config_changed(PG_FUNCTION_ARGS);

ScConf *
sc_config_at_hand(void)
{
	sc_config_init();
	AcceptInvalidationMessages();
	return loaded != NULL && is_valid(sc_catalog_get()) ? &loaded->conf : NULL;
}

ScConf *
sc_config_get(void)
{
	ScConf *at_hand = sc_config_at_hand();
	const ScCatalog *catalog = sc_catalog_get();

	if (at_hand != NULL)
		return at_hand;
	if (loaded != NULL)
	{
		retire(loaded);
		loaded = NULL;
	}
	signal_table = catalog->signal;
	doubted = false;
	loaded_changes = changes;
	loaded_generation = catalog->generation;
	loaded_for = IsolationUsesXactSnapshot() ? MyProc->lxid : InvalidLocalTransactionId;
	CommandCounterIncrement();
	Snapshot now = GetTransactionSnapshot();

	loaded_completions = now->snapXactCompletionCount;
	PushActiveSnapshot(now);
	loaded = load(catalog);
	PopActiveSnapshot();
	return &loaded->conf;
}

/* To a snapshot of before its first command a transaction has done nothing. */
ScConf *
sc_config_committed(void)
{
	LoadedConf *committed;

	PushCopiedSnapshot(GetTransactionSnapshot());
	GetActiveSnapshot()->curcid = FirstCommandId;
	committed = load(sc_catalog_get());
	PopActiveSnapshot();
	retire(committed);
	return &committed->conf;
}

void
sc_config_pin(ScConf *conf)
{
	((LoadedConf *) conf)->pins++;
}

void
sc_config_unpin(ScConf *conf)
{
	LoadedConf *pinned = (LoadedConf *) conf;

	Assert(pinned->pins > 0);
	pinned->pins--;
	if (pinned->pins == 0 && pinned->released)
		MemoryContextDelete(pinned->cxt);
}

void
sc_config_init(void)
{
	if (initialised)
		return;
	CacheRegisterRelcacheCallback(on_invalidation, (Datum) 0);
	RegisterXactCallback(on_xact, NULL);
	RegisterSubXactCallback(on_subxact, NULL);
	initialised = true;
}

PG_FUNCTION_INFO_V1(syncore_config_changed);

/*
 * Statement trigger on every configuration table: tells all backends, at
 * commit, and this one at once.
 */
Datum
syncore_config_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("function \"%s\" was not called by the trigger manager", "_config_changed"));
	sc_config_init();
	CacheInvalidateRelcacheByRelid(sc_catalog_get()->signal);
	changed_here = true;
	changes++;
	PG_RETURN_POINTER(NULL);
}

static bool
is_valid(const ScCatalog *catalog)
{
	LocalTransactionId wanted =
		IsolationUsesXactSnapshot() ? MyProc->lxid : InvalidLocalTransactionId;

	return loaded_changes == changes && loaded_for == wanted &&
		   loaded_generation == catalog->generation && still_stands();
}

/* What cannot be told by who invalidated everything: under a snapshot that stays nothing changes, else nothing has if nobody has ended. */
static bool
still_stands(void)
{
	if (doubted && !IsolationUsesXactSnapshot() &&
		GetLatestSnapshot()->snapXactCompletionCount != loaded_completions)
		return false;
	doubted = false;
	return true;
}

/*
 * As the active snapshot shows the tables, and as their owner: whoever inserts
 * an event need not be able to read them.
 */
static LoadedConf *
load(const ScCatalog *catalog)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "syncore configuration",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	LoadedConf *fresh = palloc0(sizeof(LoadedConf));
	Oid user;
	int security;

	fresh->cxt = cxt;
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(catalog->owner, security | SECURITY_LOCAL_USERID_CHANGE);
	sc_config_load(&fresh->conf);
	for (int i = 0; i < fresh->conf.nsystems; i++)
		fresh->conf.systems[i].cxt = cxt;
	SetUserIdAndSecContext(user, security);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(cxt, CacheMemoryContext);
	return fresh;
}

/* No longer the one to hand out; it may be in use until the transaction ends. */
static void
retire(LoadedConf *conf)
{
	conf->next_outdated = outdated;
	outdated = conf;
}

/* Nobody of this transaction uses them any more: without a pin they go. */
static void
release_outdated(void)
{
	while (outdated != NULL)
	{
		LoadedConf *conf = outdated;

		outdated = conf->next_outdated;
		conf->released = true;
		if (conf->pins == 0)
			MemoryContextDelete(conf->cxt);
	}
}

static void
on_invalidation(Datum arg, Oid relation)
{
	if (!OidIsValid(relation))
		doubted = true;
	else if (!OidIsValid(signal_table) || relation == signal_table)
		changes++;
}

static void
on_xact(XactEvent event, void *arg)
{
	bool ended =
		event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE;

	if (!ended)
		return;
	release_outdated();
	if (!changed_here)
		return;
	changed_here = false;
	changes++;
}

static void
on_subxact(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB && changed_here)
		changes++;
}
