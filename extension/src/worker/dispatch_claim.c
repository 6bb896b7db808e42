/*
 * dispatch_claim.c
 *	  Finds what is due, claims it piece by piece, and sends it.
 *
 * A look finds the systems that have work, by one probe of the index for each.
 * Then every system in turn gets a piece of at most SC_CLAIM_PIECE calls, in a
 * transaction of its own that is committed before a byte leaves, until nobody
 * can take more: full limits, an empty queue, or the dispatcher's own bound.
 * So a system that is slow or dead delays nobody but itself.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "engine/engine.h"
#include "store/config.h"
#include "store/plan.h"
#include "store/save.h"
#include "worker/dispatcher.h"
#include "worker/settings.h"

#define GATE_WAIT_US (100 * 1000)
#define REST_MAX_US (50 * 1000)
#define CREDENTIAL_WAIT_US (5 * USECS_PER_SEC)
#define INSTANCE_LOOK_US USECS_PER_SEC
#define UNREAD_LOOK_US (10 * USECS_PER_SEC)

static bool is_time(ScDispatcher *d, TimestampTz now);
static bool look(ScDispatcher *d, List **due, List **silent);
static void leave(ScDispatcher *d);
static void prove_instance(ScDispatcher *d);
static void find_due(ScDispatcher *d, List **due, List **silent);
static bool may_be_asked(ScDispatcher *d, ScPeer *peer);
static bool is_silent(ScPeer *peer);
static void decide_unread(ScDispatcher *d, List *silent);
static void own_shards(const ScDispatcher *d, bool *shards);
static void claim_round_robin(ScDispatcher *d, List *due);
static bool claim_piece(ScDispatcher *d, ScPeer *peer);
static List *claim_in_transaction(ScDispatcher *d, ScPeer *peer, int places, MemoryContext parent);
static void carry_plans(ScDispatcher *d, ScPeer *peer, List *plans);
static void plan_next_look(ScDispatcher *d, List *due, TimestampTz started);

void
sc_dispatch_claim(ScDispatcher *d)
{
	TimestampTz now = sc_shared_now();
	List *due = NIL;
	List *silent = NIL;

	if (!is_time(d, now))
		return;
	d->woken = false;
	d->survey_at = now + sc_poll_naptime * INT64CONST(1000);
	if (!look(d, &due, &silent))
		return;
	claim_round_robin(d, due);
	decide_unread(d, silent);
	if (d->owned[0] && d->wanted[0] && !d->stale[0])
	{
		sc_job_start_next(d);
		sc_fetch_start(d);
	}
	plan_next_look(d, due, now);
}

static bool
is_time(ScDispatcher *d, TimestampTz now)
{
	return now >= d->claim_at && (d->woken || now >= d->survey_at);
}

/* Looks which systems have work.  False when there is nothing to do at all. */
static bool
look(ScDispatcher *d, List **due, List **silent)
{
	ScGate gate = sc_worker_begin("looking for work");

	if (gate == SC_GATE_ABSENT)
		leave(d);
	if (gate == SC_GATE_BUSY)
	{
		d->woken = true;
		d->claim_at = sc_shared_now() + GATE_WAIT_US;
	}
	if (gate != SC_GATE_OPEN)
		return false;
	prove_instance(d);
	d->may_send = d->instance_ok && sc_enabled;
	if (!sc_enabled)
		sc_shared_state(d->slot, "off: syncore.enabled is off");
	if (d->instance_ok)
		find_due(d, due, silent);
	sc_worker_commit();
	return true;
}

/* The extension was dropped: nothing of it may go on. */
static void
leave(ScDispatcher *d)
{
	dlist_mutable_iter iter;

	sc_http_abort_all(d->http);
	dlist_foreach_modify(iter, &d->calls)
		sc_dispatch_drop(d, dlist_container(ScCarried, node, iter.cur));
	sc_dispatch_release_shares(d);
	d->instance_at = 0;
	sc_shared_serving(d->slot, false);
	sc_shared_state(d->slot, "waiting: the extension is not installed in this database");
	if (d->slot->index > 0)
		proc_exit(0);
}

/* At most once a second: is this the database that may send? */
static void
prove_instance(ScDispatcher *d)
{
	TimestampTz now = sc_shared_now();
	bool first = d->instance_at == 0;
	char *reason = NULL;

	if (now < d->instance_at)
		return;
	bool ok = sc_instance_may_send(d->slot->index == 0, &reason);
	if (!ok)
		sc_shared_state(d->slot, "not sending: %s", reason);
	if (!ok && d->slot->index == 0)
		sc_worker_alert(&(ScWorkerAlert){
			.level = "critical",
			.kind = "instance",
			.cause = "instance",
			.detail = reason,
			.hint = "Only if the original is gone: SELECT syncore.adopt_instance('why');" });
	else if (ok && d->slot->index == 0 && (first || !d->instance_ok))
		sc_worker_alert_close("instance");
	d->instance_ok = ok;
	d->instance_at = now + INSTANCE_LOOK_US;
}

/*
 * Systems with deliveries, refreshed: a skip scan over the index, one probe a
 * system.  Those that may be asked are due, of the others some are silent.
 */
static void
find_due(ScDispatcher *d, List **due, List **silent)
{
	sc_plan_run(
		&(ScPlan){
			"dispatch_due",
			"WITH RECURSIVE s (system_id) AS ("
			" (SELECT system_id FROM syncore.delivery ORDER BY system_id LIMIT 1)"
			" UNION ALL"
			" SELECT (SELECT v.system_id FROM syncore.delivery v WHERE v.system_id > s.system_id"
			"  ORDER BY v.system_id LIMIT 1) FROM s WHERE s.system_id IS NOT NULL)"
			" SELECT system_id FROM s WHERE system_id IS NOT NULL",
			0, NULL },
		NULL, NULL);
	SPITupleTable *rows = SPI_tuptable;
	uint64 n = SPI_processed;
	ScConf *conf = n > 0 ? sc_config_get() : NULL;
	for (uint64 i = 0; i < n; i++)
	{
		bool isnull;
		int32 id = DatumGetInt32(SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &isnull));
		ScPeer *peer = sc_dispatch_peer(d, conf, id);

		if (peer == NULL)
			continue;
		bool may = may_be_asked(d, peer);
		MemoryContext old = MemoryContextSwitchTo(d->turn_cxt);
		if (may)
			*due = lappend(*due, peer);
		if (is_silent(peer))
			*silent = lappend(*silent, peer);
		MemoryContextSwitchTo(old);
	}
}

static bool
may_be_asked(ScDispatcher *d, ScPeer *peer)
{
	if (!d->may_send || !peer->may_send)
	{
		peer->silent = true;
		return false;
	}
	if (sc_dispatch_rests(peer, sc_shared_now()))
	{
		peer->silent = peer->credential_bad || sc_dispatch_is_open(peer);
		return false;
	}
	sc_dispatch_watch_breaker(peer);
	MemoryContext old = MemoryContextSwitchTo(d->turn_cxt);
	bool works = sc_dispatch_credential_works(d, peer);
	MemoryContextSwitchTo(old);
	if (!works)
		peer->next_at = sc_shared_now() + CREDENTIAL_WAIT_US;
	peer->silent = !works;
	return works;
}

/* Nothing can be asked of it, and it is time to look what waits for that. */
static bool
is_silent(ScPeer *peer)
{
	TimestampTz now = sc_shared_now();

	if (!peer->silent || now < peer->unread_at)
		return false;
	peer->unread_at = now + UNREAD_LOOK_US;
	return true;
}

/* R3: what waits for an answer that nobody can ask for is decided without it, in a transaction for each system. */
static void
decide_unread(ScDispatcher *d, List *silent)
{
	ListCell *cell;

	foreach (cell, silent)
	{
		ScPeer *peer = lfirst(cell);
		bool shards[SC_SHARDS];

		CHECK_FOR_INTERRUPTS();
		own_shards(d, shards);
		if (sc_worker_begin("deciding without an answer") != SC_GATE_OPEN)
			return;
		/* More than one piece of them: the rest follows at once. */
		if (sc_unread_decide(peer->system_id, shards) == SC_RUN_PIECE)
			peer->unread_at = 0;
		sc_worker_commit();
	}
}

/* Those in which nothing is left of another owner. */
static void
own_shards(const ScDispatcher *d, bool *shards)
{
	for (int i = 0; i < SC_SHARDS; i++)
		shards[i] = d->owned[i] && d->wanted[i] && !d->stale[i];
}

/* One piece for each in turn, until nobody can take more.  Another one begins each time. */
static void
claim_round_robin(ScDispatcher *d, List *due)
{
	int n = list_length(due);
	bool *done = palloc0(Max(n, 1) * sizeof(bool));
	int left = n;

	for (int i = d->next_peer; left > 0 && d->ncalls < sc_max_in_flight; i++)
	{
		int at = i % n;

		d->next_peer = at + 1;
		if (done[at])
			continue;
		CHECK_FOR_INTERRUPTS();
		if (claim_piece(d, list_nth(due, at)))
			sc_http_pump(d->http);
		else
		{
			done[at] = true;
			left--;
		}
	}
}

/* Claims a piece of one system's queue and sends it.  False when it has no more to give now. */
static bool
claim_piece(ScDispatcher *d, ScPeer *peer)
{
	int64 wait_us;
	int64 before = peer->low_water;
	int places =
		sc_dispatch_reserve(d, peer, Min(SC_CLAIM_PIECE, sc_max_in_flight - d->ncalls), &wait_us);

	if (places == 0)
	{
		peer->next_at = sc_shared_now() + wait_us;
		return false;
	}
	MemoryContext parent = AllocSetContextCreate(d->cxt, "syncore claim", ALLOCSET_SMALL_SIZES);
	List *volatile plans = NIL;
	PG_TRY();
	{
		plans = claim_in_transaction(d, peer, places, parent);
	}
	PG_CATCH();
	{
		sc_dispatch_unreserve(d);
		MemoryContextDelete(parent);
		PG_RE_THROW();
	}
	PG_END_TRY();
	carry_plans(d, peer, plans);
	sc_dispatch_unreserve(d);
	MemoryContextDelete(parent);
	if (peer->low_water != before)
		return true;
	peer->low_water = 0;
	return false;
}

static List *
claim_in_transaction(ScDispatcher *d, ScPeer *peer, int places, MemoryContext parent)
{
	bool shards[SC_SHARDS];

	own_shards(d, shards);
	if (sc_worker_begin("claiming deliveries") != SC_GATE_OPEN)
		return NIL;
	List *claimed = sc_claim(peer->system_id, shards, places, &peer->low_water, parent);
	MemoryContext old = MemoryContextSwitchTo(d->turn_cxt);
	List *plans = list_copy(claimed);
	MemoryContextSwitchTo(old);
	sc_worker_commit();
	return plans;
}

/*
 * The claim is committed: what is on the list now will leave, or be recorded as
 * not sent.  All are on our books before the first one moves, so that an error
 * on the way loses none.
 */
static void
carry_plans(ScDispatcher *d, ScPeer *peer, List *plans)
{
	List *calls = NIL;
	ListCell *cell;

	foreach (cell, plans)
	{
		ScCallPlan *plan = lfirst(cell);

		MemoryContextSetParent(plan->cxt, d->cxt);
		ScCarried *call = sc_dispatch_carry(d, plan->cxt, peer);
		call->plan = plan;
		call->holds_place = true;
		d->reserved--;
		call->reached = true;
		call->shard = sc_save_shard(plan->link);
		d->busy[call->shard]++;
		calls = lappend(calls, call);
	}
	foreach (cell, calls)
	{
		ScCarried *call = lfirst(cell);
		MemoryContext old = MemoryContextSwitchTo(call->cxt);

		sc_call_begin(call->plan);
		MemoryContextSwitchTo(old);
		call->request = call->plan->request;
		sc_dispatch_advance(d, call);
	}
}

/* After much work a short rest, so that a stream of commits does not make us look all the time. */
static void
plan_next_look(ScDispatcher *d, List *due, TimestampTz started)
{
	TimestampTz now = sc_shared_now();
	ListCell *cell;

	d->claim_at = now + Min(now - started, REST_MAX_US);
	foreach (cell, due)
	{
		ScPeer *peer = lfirst(cell);

		if (peer->next_at > now)
			d->survey_at = Min(d->survey_at, peer->next_at);
	}
}
