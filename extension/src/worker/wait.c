/*
 * wait.c
 *	  CALL syncore.wait(job): waits until a worker has done a job.
 *
 * A procedure that commits first, so that the job starts, and then holds no
 * snapshot between two looks: it may wait for minutes and hold back no vacuum.
 * It runs as its caller and sees of the job what the caller may see.  Because a
 * procedure that commits cannot pin its search path, every name here is
 * qualified.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "worker/shared.h"

extern PGDLLEXPORT Datum syncore_wait(PG_FUNCTION_ARGS);

#define LOOK_MIN_MS 20
#define LOOK_MAX_MS 500

typedef struct JobState
{
	char *state;
	int64 done;
	int64 total;
	char *error_code;
	char *error;
	char *hint;
} JobState;

static void refuse_in_transaction(FunctionCallInfo fcinfo, int64 id);
static JobState look_at(int64 id);
static char *column_text(int column);
static int64 column_number(int column);
static bool has_ended(int64 id, const JobState *job);
static void give_up(int64 id, const JobState *job) pg_attribute_noreturn();
static void nap(long ms);

PG_FUNCTION_INFO_V1(syncore_wait);
Datum
syncore_wait(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("job and timeout must not be null"),
						errhint("CALL syncore.wait(syncore.check_system('snow'));")));
	int64 id = PG_GETARG_INT64(0);
	Interval *timeout = PG_GETARG_INTERVAL_P(1);
	TimestampTz until = DatumGetTimestampTz(DirectFunctionCall2(
		timestamptz_pl_interval, TimestampTzGetDatum(sc_shared_now()), IntervalPGetDatum(timeout)));
	int64 told = -1;
	long wait_ms = LOOK_MIN_MS;

	refuse_in_transaction(fcinfo, id);
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	SPI_commit();
	for (;;)
	{
		JobState job = look_at(id);
		if (job.done > 0 && job.done != told && strcmp(job.state, "running") == 0)
			ereport(NOTICE, (errcode(ERRCODE_SUCCESSFUL_COMPLETION),
							 errmsg("job " INT64_FORMAT ": " INT64_FORMAT " of " INT64_FORMAT, id,
									job.done, job.total)));
		told = job.done;
		if (has_ended(id, &job))
			break;
		if (sc_shared_now() >= until)
			give_up(id, &job);
		SPI_commit();
		nap(wait_ms);
		wait_ms = Min(wait_ms * 2, LOOK_MAX_MS);
	}
	SPI_finish();
	PG_RETURN_VOID();
}

static void
refuse_in_transaction(FunctionCallInfo fcinfo, int64 id)
{
	bool atomic = true;

	if (fcinfo->context != NULL && IsA(fcinfo->context, CallContext))
		atomic = ((CallContext *) fcinfo->context)->atomic;
	if (atomic)
		ereport(
			ERROR,
			(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
			 errmsg("wait() cannot run inside a transaction block"),
			 errhint("The job starts when you commit; commit, then CALL syncore.wait(" INT64_FORMAT
					 ").",
					 id)));
}

static JobState
look_at(int64 id)
{
	JobState job = { 0 };
	Oid types[1] = { INT8OID };
	Datum values[1] = { Int64GetDatum(id) };

	SPI_execute_with_args("SELECT state, done, total, error_code, error, hint FROM syncore.job"
						  " WHERE id OPERATOR(pg_catalog.=) $1",
						  1, types, values, NULL, false, 1);
	if (SPI_processed == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("job " INT64_FORMAT " does not exist", id),
						errhint("TABLE syncore.job lists those that you may see.")));
	job.state = column_text(1);
	job.done = column_number(2);
	job.total = column_number(3);
	job.error_code = column_text(4);
	job.error = column_text(5);
	job.hint = column_text(6);
	return job;
}

static char *
column_text(int column)
{
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column);
}

static int64
column_number(int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/* True when the job is done; raises what it raised. */
static bool
has_ended(int64 id, const JobState *job)
{
	if (strcmp(job->state, "cancelled") == 0)
		ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED),
						errmsg("job " INT64_FORMAT " was cancelled", id)));
	if (strcmp(job->state, "failed") == 0)
	{
		const char *code = job->error_code;

		ereport(ERROR, (errcode(code != NULL && strlen(code) == 5
									? MAKE_SQLSTATE(code[0], code[1], code[2], code[3], code[4])
									: ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
						errmsg("%s", job->error ? job->error : "the job failed"),
						errdetail("Job " INT64_FORMAT " failed.", id),
						job->hint ? errhint("%s", job->hint) : 0));
	}
	return strcmp(job->state, "done") == 0;
}

static void
give_up(int64 id, const JobState *job)
{
	ereport(ERROR,
			(errcode(ERRCODE_QUERY_CANCELED),
			 errmsg("job " INT64_FORMAT " is not done within the timeout", id),
			 errdetail("It is %s.", job->state),
			 sc_shared_is_preloaded() ? errhint("It goes on without you: TABLE syncore.job; and "
												"TABLE syncore.health says whether workers run.")
									  : errhint("syncore is not preloaded, so no worker runs. "
												"TABLE syncore.health says what to do.")));
}

static void
nap(long ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms,
					 sc_wait_event("SyncoreJob"));
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}
