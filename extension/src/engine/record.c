/*
 * record.c
 *	  Outcomes of finished calls: what they mean is decided like any event;
 *	  here is what becomes of the deliveries.
 *
 * A delivery goes away only where nothing was asked of it since the claim
 * (gen = sent_gen), else its mark is cleared and the next claim looks again.
 * What failed waits with backoff, what cannot succeed is dead at once, what
 * failed too often is dead too; a dead letter has one alert per cause.  An
 * outcome whose mark is no longer its own is refused (R17).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "engine/engine.h"
#include "engine/hooks.h"
#include "store/plan.h"
#include "store/save.h"

#define SC_RECORD_ATTEMPTS_MAX 12
#define SC_RECORD_LOOKS_MAX 3 /* a look-up's backoff grows no further */

typedef struct Verdict /* what becomes of one delivery */
{
	bool done;	  /* goes away, or is looked at anew */
	bool settled; /* the write itself succeeded: its key is used up */
	bool counts;  /* one attempt more */
	bool dead;
	int64 wait_us;
} Verdict;

static List *refuse_late(List *plans);
static Verdict judge(const ScCallPlan *plan);
static int64 backoff(const ScCallPlan *plan);
static void update_deliveries(List *plans);
static void put_delivery(ScRows *rows, const ScCallPlan *plan, TimestampTz now);
static void tell_of_dead(const ScCallPlan *plan, ScBatch *alerts);
static void append_dead(const ScCallPlan *plan);
static void close_alerts(List *plans);

void
sc_record(List *plans)
{
	List *items = NIL;
	ScBatch alerts = { 0 };
	ListCell *cell;

	plans = refuse_late(plans);
	if (plans == NIL)
		return;
	foreach (cell, plans)
	{
		ScCallPlan *plan = lfirst(cell);
		ScItem *item = palloc0(sizeof(ScItem));

		sc_call_finish(plan, sc_hooks_map());
		plan->outcome.last = judge(plan).dead;
		item->kind = SC_ITEM_OUTCOME;
		item->plan = plan;
		items = lappend(items, item);
	}
	sc_run(items);
	update_deliveries(plans);
	foreach (cell, plans)
	{
		ScCallPlan *plan = lfirst(cell);

		if (judge(plan).dead)
			tell_of_dead(plan, &alerts);
	}
	sc_save_alerts(&alerts);
	close_alerts(plans);
}

/*
 * Those whose delivery carries another mark by now: another process has
 * adopted it and looks the outcome up itself.  A cancelled delivery is gone,
 * but what its call did over there still counts.
 */
static List *
refuse_late(List *plans)
{
	const ScColumn columns[] = { { "n", INT4OID },
								 { "delivery", INT8OID },
								 { "at", TIMESTAMPTZOID } };
	ScRows *rows = sc_rows_begin("record_marks", lengthof(columns), columns);
	List *kept = NIL;
	bool *late = palloc0(sizeof(bool) * list_length(plans));
	ListCell *cell;

	foreach (cell, plans)
	{
		const ScCallPlan *plan = lfirst(cell);
		Datum values[3] = { Int32GetDatum(foreach_current_index(cell)),
							Int64GetDatum(plan->delivery), TimestampTzGetDatum(plan->claimed_at) };
		bool nulls[3] = { false };

		sc_rows_put(rows, values, nulls);
	}
	sc_rows_run(rows, "record late",
				"SELECT m.n FROM record_marks m JOIN syncore.delivery d ON d.id = m.delivery WHERE "
				"d.sent_at IS DISTINCT FROM m.at");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool isnull;

		late[DatumGetInt32(
			SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull))] = true;
	}
	foreach (cell, plans)
	{
		const ScCallPlan *plan = lfirst(cell);

		if (!late[foreach_current_index(cell)])
			kept = lappend(kept, lfirst(cell));
		else
			ereport(LOG,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("late outcome of delivery " INT64_FORMAT " refused", plan->delivery),
					 errdetail("Its call was given up, and the outcome is looked up.")));
	}
	return kept;
}

static Verdict
judge(const ScCallPlan *plan)
{
	Verdict verdict = { false, false, false, false, 0 };
	bool writes = plan->call.kind != SC_CALL_READ && !plan->call.unknown;

	switch (plan->outcome.kind)
	{
		case SC_OUTCOME_OK:
			verdict.done = true;
			verdict.settled = writes || plan->landed;
			return verdict;
		case SC_OUTCOME_GONE:
			verdict.done = true;
			verdict.settled = true;
			return verdict;
		case SC_OUTCOME_NOT_FOUND:
			verdict.wait_us = sc_call_backoff_us(Min(plan->attempts, SC_RECORD_LOOKS_MAX),
												 pg_prng_double(&pg_global_prng_state));
			return verdict;
		case SC_OUTCOME_UNKNOWN:
		case SC_OUTCOME_REFUSED:
			verdict.counts = true;
			/* The first look follows at once: what waits for it should not wait long. */
			verdict.wait_us = plan->attempts == 0 && plan->retry_after_us == 0 ? 0 : backoff(plan);
			break;
		case SC_OUTCOME_FAILED:
			/* A peer that says when to come back is not failing, it is pacing. */
			verdict.counts = plan->retry_after_us == 0;
			verdict.wait_us = backoff(plan);
			break;
	}
	verdict.dead =
		plan->permanent || (verdict.counts && plan->attempts + 1 >= SC_RECORD_ATTEMPTS_MAX);
	return verdict;
}

static int64
backoff(const ScCallPlan *plan)
{
	return Max(plan->retry_after_us,
			   sc_call_backoff_us(plan->attempts, pg_prng_double(&pg_global_prng_state)));
}

static void
update_deliveries(List *plans)
{
	const ScColumn columns[] = { { "id", INT8OID },		 { "done", BOOLOID },
								 { "settled", BOOLOID }, { "counts", BOOLOID },
								 { "dead", BOOLOID },	 { "not_before", TIMESTAMPTZOID },
								 { "code", TEXTOID },	 { "message", TEXTOID } };
	ScRows *rows = sc_rows_begin("recorded", lengthof(columns), columns);
	TimestampTz now = GetCurrentTimestamp();
	ListCell *cell;

	foreach (cell, plans)
		put_delivery(rows, lfirst(cell), now);
	sc_rows_run(
		rows, "record deliveries",
		"WITH gone AS (DELETE FROM syncore.delivery d USING recorded r"
		" WHERE d.id = r.id AND r.done AND d.gen = d.sent_gen RETURNING d.id)"
		" UPDATE syncore.delivery d SET sent_gen = NULL, sent_fields = NULL, sent_clock = NULL, "
		"sent_at = NULL,"
		" sent_hash = CASE WHEN r.settled THEN NULL ELSE d.sent_hash END,"
		" sent_marker = CASE WHEN r.settled THEN NULL ELSE d.sent_marker END,"
		" attempts = CASE WHEN r.settled THEN 0 WHEN r.counts THEN d.attempts + 1 ELSE d.attempts "
		"END,"
		" state = CASE WHEN r.dead THEN 'dead'::syncore.delivery_state ELSE 'due' END,"
		" not_before = r.not_before, error_code = COALESCE(r.code, d.error_code),"
		" error_message = COALESCE(r.message, d.error_message),"
		" error_at = CASE WHEN r.code IS NULL THEN d.error_at ELSE pg_catalog.now() END"
		" FROM recorded r WHERE d.id = r.id AND (NOT r.done OR d.gen IS DISTINCT FROM d.sent_gen)");
}

static void
put_delivery(ScRows *rows, const ScCallPlan *plan, TimestampTz now)
{
	Verdict verdict = judge(plan);
	Datum values[8];
	bool nulls[8] = { false };

	values[0] = Int64GetDatum(plan->delivery);
	values[1] = BoolGetDatum(verdict.done);
	values[2] = BoolGetDatum(verdict.settled);
	values[3] = BoolGetDatum(verdict.counts);
	values[4] = BoolGetDatum(verdict.dead);
	values[5] = TimestampTzGetDatum(now + verdict.wait_us);
	sc_save_text(&values[6], &nulls[6], verdict.done ? NULL : plan->outcome.error_code);
	sc_save_text(&values[7], &nulls[7], verdict.done ? NULL : plan->outcome.error);
	sc_rows_put(rows, values, nulls);
}

/* One alert per cause: a refused credential concerns the system, anything else the system and the code. */
static void
tell_of_dead(const ScCallPlan *plan, ScBatch *alerts)
{
	ScAlertOut *alert = palloc0(sizeof(ScAlertOut));
	const char *system = plan->system->name;
	const char *error = plan->outcome.error != NULL ? plan->outcome.error : "no reason was given";

	alert->space = plan->system->space;
	alert->object = pstrdup(system);
	if (plan->auth_failed)
	{
		alert->level = "critical";
		alert->kind = "credential";
		alert->cause = psprintf("auth:%s", system);
		alert->detail = psprintf("System \"%s\" refuses our credential: %s", system, error);
		alert->hint =
			psprintf("Set a working credential, then: SELECT syncore.retry('%s');", system);
	}
	else
	{
		alert->level = "warning";
		alert->kind = "dead_letter";
		alert->cause =
			psprintf("dead:%s:%s", system,
					 plan->outcome.error_code != NULL ? plan->outcome.error_code : "error");
		alert->detail = psprintf("A call to system \"%s\" was given up: %s", system, error);
		alert->hint = psprintf(
			"TABLE syncore.dead_letter; after the cure: SELECT syncore.retry('%s');", system);
	}
	alerts->alerts = lappend(alerts->alerts, alert);
	append_dead(plan);
}

static void
append_dead(const ScCallPlan *plan)
{
	Oid types[6] = { INT8OID, INT8OID, INT4OID, INT4OID, INT8OID, TEXTOID };
	Datum values[6];
	char *reason =
		psprintf("Given up at attempt %d: %s", plan->attempts + 1,
				 plan->outcome.error != NULL ? plan->outcome.error : "no reason was given");

	values[0] = Int64GetDatum(plan->entity);
	values[1] = Int64GetDatum(plan->link);
	values[2] = Int32GetDatum(plan->system_id);
	values[3] = Int32GetDatum(plan->space_id);
	values[4] = Int64GetDatum(plan->delivery);
	values[5] = CStringGetTextDatum(reason);
	sc_plan_run(
		&(ScPlan){
			"record dead",
			"SELECT syncore._ledger_append('dead', NULLIF($1, 0), $2, $3, $4, NULL, $5, NULL, "
			"NULL, NULL, NULL, $6, NULL)",
			6, types },
		values, NULL);
}

/* A call that succeeded proves the credential. */
static void
close_alerts(List *plans)
{
	Oid types[1] = { TEXTARRAYOID };
	Datum *causes = palloc(sizeof(Datum) * list_length(plans));
	Datum values[1];
	int n = 0;
	ListCell *cell;

	foreach (cell, plans)
	{
		const ScCallPlan *plan = lfirst(cell);

		if (plan->outcome.kind == SC_OUTCOME_OK)
			causes[n++] = CStringGetTextDatum(psprintf("auth:%s", plan->system->name));
	}
	if (n == 0)
		return;
	values[0] = PointerGetDatum(construct_array(causes, n, TEXTOID, -1, false, TYPALIGN_INT));
	sc_plan_run(&(ScPlan){ "record close alerts",
						   "UPDATE syncore.alert SET closed_at = pg_catalog.now(), closed_by = 'a "
						   "call that succeeded'"
						   " WHERE closed_at IS NULL AND cause = ANY ($1)",
						   1, types },
				values, NULL);
}
