/*
 * claim_test.c
 *	  A dispatcher of one session, driven by SQL: claim, answer, record.
 *
 * Plans live in this session from claim to record, like those of a worker, so
 * that a test can let other sessions act in between, or forget them as a
 * worker that is killed does.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "answer.h"
#include "core/json.h"
#include "engine/engine.h"
#include "store/config.h"

PG_MODULE_MAGIC;

#define EXPORTED(name)                                                                             \
	PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                      \
	PG_FUNCTION_INFO_V1(name)

EXPORTED(test_claim);
EXPORTED(test_answer);
EXPORTED(test_record);
EXPORTED(test_forget);
EXPORTED(test_adopt);
EXPORTED(test_unread);
EXPORTED(test_config_stays);

static List *plans = NIL; /* in TopMemoryContext */

static ScCallPlan *find_plan(int64 delivery);
static void all_shards(bool *shards);

/* (system id, limit) → what was claimed, one line each: kind, record, fields, what is written */
Datum
test_claim(PG_FUNCTION_ARGS)
{
	bool shards[64];
	int64 low_water = 0;
	StringInfoData out;
	MemoryContext result_cxt = CurrentMemoryContext;
	List *claimed;
	ListCell *cell;

	initStringInfo(&out);
	sc_config_init();
	all_shards(shards);
	SPI_connect();
	claimed =
		sc_claim(PG_GETARG_INT32(0), shards, PG_GETARG_INT32(1), &low_water, TopMemoryContext);

	foreach (cell, claimed)
	{
		static const char *const kinds[] = {
			"none", "create", "update", "comment", "read", "delete"
		};
		ScCallPlan *plan = lfirst(cell);
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		plans = lappend(plans, plan);
		MemoryContextSwitchTo(result_cxt);
		appendStringInfo(&out, "%s%s%s of %s", out.len > 0 ? "\n" : "", kinds[plan->call.kind],
						 plan->call.landed	  ? " (landed)"
						 : plan->call.unknown ? " (lost)"
											  : "",
						 plan->record_type);
		for (int i = 0; i < plan->call.nfields; i++)
			appendStringInfo(&out, "%s%s", i == 0 ? ": " : ", ", plan->call.fields[i].field);
		if (plan->write != NULL && !plan->call.unknown)
			appendStringInfo(&out, " %s",
							 JsonbToCString(NULL, &plan->write->root, VARSIZE(plan->write)));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	PG_RETURN_TEXT_P(cstring_to_text(out.data));
}

/* (delivery, answers) → the conversation; the plan then waits to be recorded. */
Datum
test_answer(PG_FUNCTION_ARGS)
{
	ScCallPlan *plan = find_plan(PG_GETARG_INT64(0));
	Jsonb **answers;
	int nanswers = sc_json_elements(PG_GETARG_JSONB_P(1), &answers);
	StringInfoData out;

	initStringInfo(&out);
	sc_call_begin(plan);
	for (int i = 0; plan->request != NULL && i < nanswers; i++)
	{
		appendStringInfo(
			&out, "%s %s%s%s\n", plan->request->method, plan->request->url,
			plan->call.kind == SC_CALL_COMMENT && plan->request->body != NULL ? " " : "",
			plan->call.kind == SC_CALL_COMMENT && plan->request->body != NULL ? plan->request->body
																			  : "");
		sc_call_feed(plan, answer_make(answers[i]));
	}
	if (plan->request != NULL)
		appendStringInfo(&out, "%s %s waits for an answer\n", plan->request->method,
						 plan->request->url);
	else
		answer_say_outcome(&out, plan);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len - 1));
}

/* Records what is answered; returns how many. */
Datum
test_record(PG_FUNCTION_ARGS)
{
	List *finished = NIL;
	ListCell *cell;

	foreach (cell, plans)
	{
		ScCallPlan *plan = lfirst(cell);

		if (plan->private_data != NULL && plan->request == NULL)
			finished = lappend(finished, plan);
	}
	SPI_connect();
	sc_record(finished);
	SPI_finish();
	foreach (cell, finished)
	{
		ScCallPlan *plan = lfirst(cell);

		plans = list_delete_ptr(plans, plan);
		MemoryContextDelete(plan->cxt);
	}
	PG_RETURN_INT32(list_length(finished));
}

/* The worker is gone, and with it everything it had not recorded. */
Datum
test_forget(PG_FUNCTION_ARGS)
{
	int n = list_length(plans);
	ListCell *cell;

	foreach (cell, plans)
		MemoryContextDelete(((ScCallPlan *) lfirst(cell))->cxt);
	plans = NIL;
	PG_RETURN_INT32(n);
}

/* Another owner takes the shards over. */
Datum
test_adopt(PG_FUNCTION_ARGS)
{
	bool shards[64];
	int n;

	all_shards(shards);
	sc_config_init();
	SPI_connect();
	n = sc_claim_adopt(shards);
	SPI_finish();
	PG_RETURN_INT32(n);
}

/* (system id) → of how many records it was decided what waits, because the system cannot be asked */
Datum
test_unread(PG_FUNCTION_ARGS)
{
	bool shards[64];
	int n;

	all_shards(shards);
	sc_config_init();
	SPI_connect();
	n = sc_unread_decide(PG_GETARG_INT32(0), shards);
	SPI_finish();
	PG_RETURN_INT32(n);
}

/* (query) → does the configuration at hand outlive it, and that all of the relation cache is invalidated then? */
Datum
test_config_stays(PG_FUNCTION_ARGS)
{
	ScConf *before;
	ScConf *after;

	sc_config_init();
	SPI_connect();
	before = sc_config_get();
	SPI_execute(text_to_cstring(PG_GETARG_TEXT_PP(0)), false, 0);
	CacheInvalidateRelcacheAll();
	CommandCounterIncrement();
	after = sc_config_get();
	SPI_finish();
	PG_RETURN_BOOL(before == after);
}

static ScCallPlan *
find_plan(int64 delivery)
{
	ListCell *cell;

	foreach (cell, plans)
	{
		ScCallPlan *plan = lfirst(cell);

		if (plan->delivery == delivery || delivery == 0)
			return plan;
	}
	elog(ERROR, "no plan for delivery " INT64_FORMAT, delivery);
}

static void
all_shards(bool *shards)
{
	for (int i = 0; i < 64; i++)
		shards[i] = true;
}
