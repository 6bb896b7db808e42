/*
 * dispatch_shard.c
 *	  Which shards of the queue are ours.
 *
 * A shard belongs to who holds its session advisory lock; that ends with the
 * process and needs no clock.  Shares follow from who is serving: the
 * dispatchers of a database in order of their index, shard modulo their
 * number.  So every dispatcher computes the same shares and lets go of a shard
 * that is another's as soon as nothing of ours is in flight there.  Who takes
 * a shard first adopts the marks that its last owner left in it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "engine/engine.h"
#include "worker/dispatcher.h"

#define SHARD_CLASS 0x53594e43 /* "SYNC" */
#define RETRY_US (50 * 1000)
#define LOOK_US USECS_PER_SEC

static void compute_shares(ScDispatcher *d);
static bool has_change(const ScDispatcher *d);
static bool is_missing(const ScDispatcher *d, int shard);
static bool is_surplus(const ScDispatcher *d, int shard);
static void take_and_release(ScDispatcher *d);
static void adopt_stale(ScDispatcher *d);

void
sc_dispatch_share(ScDispatcher *d)
{
	TimestampTz now = sc_shared_now();

	if (d->membership == sc_shared->membership && now < d->shares_at)
		return;
	compute_shares(d);
	d->shares_at = now + LOOK_US;
	d->shares_missing = false;
	if (!has_change(d))
		return;
	if (sc_worker_begin("taking shares of the queue") != SC_GATE_OPEN)
		return;
	take_and_release(d);
	adopt_stale(d);
	sc_worker_commit();
	for (int i = 0; i < SC_SHARDS; i++)
	{
		if (d->owned[i])
			d->stale[i] = d->stale[i] && d->busy[i] > 0;
		if (is_missing(d, i))
			d->shares_missing = true;
	}
	if (d->shares_missing)
		d->shares_at = now + RETRY_US;
	d->woken = true;
}

static void
compute_shares(ScDispatcher *d)
{
	int count = 0;
	int rank = 0;

	LWLockAcquire(sc_shared->lock, LW_SHARED);
	d->membership = sc_shared->membership;
	for (int i = 0; i < SC_WORKERS_MAX; i++)
	{
		const ScWorkerSlot *slot = &sc_shared->workers[i];

		if (slot->role != SC_ROLE_DISPATCHER || slot->database != MyDatabaseId || !slot->serving)
			continue;
		count++;
		rank += slot->index < d->slot->index;
	}
	LWLockRelease(sc_shared->lock);
	for (int i = 0; i < SC_SHARDS; i++)
		d->wanted[i] = count > 0 && i % count == rank;
}

static bool
has_change(const ScDispatcher *d)
{
	for (int i = 0; i < SC_SHARDS; i++)
		if (is_missing(d, i) || is_surplus(d, i) || (d->owned[i] && d->stale[i] && d->busy[i] == 0))
			return true;
	return false;
}

static bool
is_missing(const ScDispatcher *d, int shard)
{
	return d->wanted[shard] && !d->owned[shard];
}

static bool
is_surplus(const ScDispatcher *d, int shard)
{
	return d->owned[shard] && !d->wanted[shard] && d->busy[shard] == 0;
}

/* Session locks outlive the transaction, whatever becomes of it. */
static void
take_and_release(ScDispatcher *d)
{
	for (int i = 0; i < SC_SHARDS; i++)
	{
		Datum key = Int32GetDatum(SHARD_CLASS);

		if (is_surplus(d, i))
		{
			DirectFunctionCall2(pg_advisory_unlock_int4, key, Int32GetDatum(i));
			d->owned[i] = false;
		}
		else if (is_missing(d, i) && DatumGetBool(DirectFunctionCall2(pg_try_advisory_lock_int4,
																	  key, Int32GetDatum(i))))
			d->owned[i] = d->stale[i] = true;
	}
}

/* What a former owner claimed and did not record has an unknown outcome now. */
static void
adopt_stale(ScDispatcher *d)
{
	bool shards[SC_SHARDS];
	bool any = false;

	for (int i = 0; i < SC_SHARDS; i++)
	{
		shards[i] = d->owned[i] && d->stale[i] && d->busy[i] == 0;
		any = any || shards[i];
	}
	if (!any)
		return;
	(void) sc_claim_adopt(shards);
	if (shards[0])
		sc_job_adopt();
}

/* The extension has gone: its queue with it. */
void
sc_dispatch_release_shares(ScDispatcher *d)
{
	for (int i = 0; i < SC_SHARDS; i++)
	{
		if (d->owned[i])
			DirectFunctionCall2(pg_advisory_unlock_int4, Int32GetDatum(SHARD_CLASS),
								Int32GetDatum(i));
		d->owned[i] = d->stale[i] = false;
	}
	d->membership = 0;
}
