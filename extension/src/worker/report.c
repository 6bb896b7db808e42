/*
 * report.c
 *	  Shared memory as SQL sees it: workers and limits of this database.
 *	  Copies under the lock, so that what is shown is of one moment.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "worker/shared.h"

extern PGDLLEXPORT Datum syncore_is_preloaded(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum syncore_workers(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum syncore_limits(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(syncore_is_preloaded);
PG_FUNCTION_INFO_V1(syncore_workers);
PG_FUNCTION_INFO_V1(syncore_limits);

static const char *const role_names[] = { "free", "launcher", "dispatcher", "listener", "janitor" };
static const char *const breaker_names[] = { "closed", "open", "half_open" };

static void put_worker(ReturnSetInfo *result, const ScWorkerSlot *slot);
static void put_limit(ReturnSetInfo *result, const ScLimitSlot *slot);
static Datum time_or_null(TimestampTz at, bool *isnull);

Datum
syncore_is_preloaded(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sc_shared_is_preloaded());
}

Datum
syncore_workers(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	if (sc_shared == NULL)
		PG_RETURN_NULL();
	ScWorkerSlot *slots = palloc(sizeof(sc_shared->workers));
	LWLockAcquire(sc_shared->lock, LW_SHARED);
	memcpy(slots, sc_shared->workers, sizeof(sc_shared->workers));
	LWLockRelease(sc_shared->lock);
	for (int i = 0; i < SC_WORKERS_MAX; i++)
		if (slots[i].role == SC_ROLE_LAUNCHER ||
			(slots[i].role != SC_ROLE_FREE && slots[i].database == MyDatabaseId))
			put_worker((ReturnSetInfo *) fcinfo->resultinfo, &slots[i]);
	pfree(slots);
	PG_RETURN_NULL();
}

static void
put_worker(ReturnSetInfo *result, const ScWorkerSlot *slot)
{
	Datum values[13];
	bool nulls[13] = { false };

	values[0] = CStringGetTextDatum(role_names[slot->role]);
	values[1] = CStringGetTextDatum(slot->database_name);
	nulls[1] = slot->database_name[0] == '\0';
	values[2] = Int32GetDatum(slot->index);
	values[3] = Int32GetDatum(slot->pid);
	values[4] = time_or_null(slot->started_at, &nulls[4]);
	values[5] = time_or_null(slot->turned_at, &nulls[5]);
	values[6] = Int64GetDatum(slot->turns);
	values[7] = Int64GetDatum(slot->sent);
	values[8] = Int64GetDatum(slot->failed);
	values[9] = Int32GetDatum(slot->in_flight);
	values[10] = Int32GetDatum(slot->shards);
	values[11] = CStringGetTextDatum(slot->state);
	values[12] = Int64GetDatum(slot->events);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
syncore_limits(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	if (sc_shared == NULL)
		PG_RETURN_NULL();
	LWLockAcquire(sc_shared->lock, LW_SHARED);
	int n = 0;
	ScLimitSlot *slots =
		palloc_extended(Max(sc_shared->nlimits, 1) * sizeof(ScLimitSlot), MCXT_ALLOC_NO_OOM);
	for (int i = 0; slots != NULL && i < sc_shared->limits_size && n < sc_shared->nlimits; i++)
		if (OidIsValid(sc_shared->limits[i].database))
			slots[n++] = sc_shared->limits[i];
	LWLockRelease(sc_shared->lock);
	for (int i = 0; i < n; i++)
		if (slots[i].database == MyDatabaseId)
			put_limit((ReturnSetInfo *) fcinfo->resultinfo, &slots[i]);
	PG_RETURN_NULL();
}

static void
put_limit(ReturnSetInfo *result, const ScLimitSlot *slot)
{
	Datum values[9];
	bool nulls[9] = { false };

	values[0] = Int32GetDatum(slot->system_id);
	values[1] = CStringGetTextDatum(breaker_names[slot->limit.breaker]);
	values[2] = Int32GetDatum(slot->limit.in_flight);
	values[3] = Float8GetDatum(slot->limit.tokens);
	values[4] = time_or_null(slot->limit.paused_until, &nulls[4]);
	values[5] = Int64GetDatum(slot->limit.calls);
	values[6] = Int64GetDatum(slot->limit.errors);
	values[7] = time_or_null(slot->limit.last_ok_at, &nulls[7]);
	values[8] = time_or_null(slot->limit.last_error_at, &nulls[8]);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Zero stands for never.  To the millisecond: the two clocks are read one after the other. */
static Datum
time_or_null(TimestampTz at, bool *isnull)
{
	*isnull = at == 0;
	return TimestampTzGetDatum(sc_shared_time_of_day(at) / 1000 * 1000);
}
