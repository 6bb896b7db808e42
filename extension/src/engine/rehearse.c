/*
 * rehearse.c
 *	  test_run(): one payload, taken for new, against what is known now.  Field
 *	  by field what it would come to, and what the other systems would be told.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "core/say.h"
#include "engine/hooks.h"
#include "engine/rehearse.h"
#include "store/config.h"
#include "store/plan.h"

#define REHEARSED_EVENT PG_INT64_MAX /* no event has this id */

typedef struct Before /* an entity's values as they were loaded */
{
	const ScEntity *entity;
	int nvalues;
	ScFieldValue *values;
} Before;

typedef struct Trial
{
	ScRun run;
	ScBatch batch;
	ScItem item;
	ScWork *work;
	List *before; /* of Before * */
	ReturnSetInfo *result;
	int rows;
} Trial;

static void try_event(Trial *trial, ScEventRow *event);
static void decide(Trial *trial);
static bool decide_safely(Trial *trial, ErrorData **error);
static void remember(Trial *trial);
static Jsonb *value_before(const Trial *trial, const ScEntity *entity, const ScField *field);
static void tell(Trial *trial, ErrorData *error);
static void tell_entry(Trial *trial, const ScBatch *batch, int at);
static void tell_link(Trial *trial, ScEntity *entity, ScLink *link);
static void put(Trial *trial, ScDifference difference);
static int weight_of(ScLedgerKind kind);

extern PGDLLEXPORT Datum syncore_test_run(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(syncore_test_run);

/* syncore._test_run(system, payload). */
Datum
syncore_test_run(PG_FUNCTION_ARGS)
{
	Trial trial = { .result = (ReturnSetInfo *) fcinfo->resultinfo };
	ScEventRow event = { .id = REHEARSED_EVENT,
						 .received_at = GetCurrentTransactionStartTimestamp(),
						 .system = text_to_cstring(PG_GETARG_TEXT_PP(0)),
						 .payload = PG_GETARG_JSONB_P(1),
						 .via = "sql" };

	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	try_event(&trial, &event);
	SPI_finish();
	return (Datum) 0;
}

void
sc_rehearse_put(ReturnSetInfo *result, const ScDifference *difference)
{
	Datum values[7] = { 0 };
	bool nulls[7] = { false };

	sc_save_text(&values[0], &nulls[0], difference->ref);
	sc_save_text(&values[1], &nulls[1], difference->system);
	sc_save_text(&values[2], &nulls[2], difference->field);
	nulls[3] = difference->was == NULL;
	values[3] = JsonbPGetDatum(difference->was);
	nulls[4] = difference->would_be == NULL;
	values[4] = JsonbPGetDatum(difference->would_be);
	sc_save_text(&values[5], &nulls[5], difference->rule);
	sc_save_text(&values[6], &nulls[6], difference->because);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

const char *
sc_rehearse_ref(const ScEntity *entity)
{
	static const Oid types[] = { INT8OID };
	Datum values[] = { Int64GetDatum(entity->id) };
	ListCell *cell;

	if (entity->id < SC_LOAD_REHEARSED)
	{
		sc_plan_run(&(ScPlan){ "rehearse_ref", "SELECT syncore._ref($1)", 1, types }, values, NULL);
		return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	}
	foreach (cell, entity->links)
	{
		const ScLink *link = lfirst(cell);

		if (link->external_key != NULL)
			return link->external_key;
		if (link->external_id != NULL)
			return psprintf("%s:%s", link->system->name, link->external_id);
	}
	return NULL;
}

Jsonb *
sc_rehearse_external(const ScField *field, const ScValue *value)
{
	if (value->state != SC_VALUE_JSON)
		return NULL;
	return field->sensitive == SC_SENSITIVE_NO ? value->json : sc_say_jsonb(field, value);
}

const ScLedgerEntry *
sc_rehearse_ruling(const ScBatch *batch, const ScEntity *entity, const char *field, int since)
{
	const ScLedgerEntry *best = NULL;

	for (int i = since; i < list_length(batch->ledger); i++)
	{
		const ScLedgerEntry *entry = list_nth(batch->ledger, i);

		if (entry->entity == entity && entry->field != NULL && strcmp(entry->field, field) == 0 &&
			weight_of(entry->kind) > 0 &&
			(best == NULL || weight_of(entry->kind) >= weight_of(best->kind)))
			best = entry;
	}
	return best;
}

static void
try_event(Trial *trial, ScEventRow *event)
{
	ErrorData *error = NULL;

	trial->run = (ScRun){ .conf = sc_config_get(),
						  .now = event->received_at,
						  .result_cxt = CurrentMemoryContext,
						  .rehearsal = true,
						  .nworks = 1 };
	trial->run.outside = sc_piece_begin(&trial->run);
	trial->item = (ScItem){ .kind = SC_ITEM_EVENT, .event = event };
	trial->work = trial->run.works = palloc0(sizeof(ScWork));
	trial->work->item = &trial->item;
	sc_config_pin(trial->run.conf);
	PG_TRY();
	{
		(void) decide_safely(trial, &error);
		tell(trial, error);
	}
	PG_FINALLY();
	{
		sc_config_unpin(trial->run.conf);
	}
	PG_END_TRY();
}

/* What a row can be blamed for ends in quarantine, as it would have. */
static bool
decide_safely(Trial *trial, ErrorData **error)
{
	MemoryContext cxt = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(cxt);
	PG_TRY();
	{
		decide(trial);
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(cxt);
		*error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(cxt);
	CurrentResourceOwner = owner;
	if (*error != NULL && !sc_run_is_data_error((*error)->sqlerrcode))
		ReThrowError(*error);
	return *error == NULL;
}

static void
decide(Trial *trial)
{
	trial->batch = sc_piece_begin(&trial->run);
	sc_intake_sort(&trial->run);
	sc_resolve_find(&trial->run);
	if (trial->work->settled)
		return;
	sc_piece_load(&trial->batch, &trial->work, 1);
	remember(trial);
	sc_piece_decide(&trial->run, &trial->batch, &trial->work, 1);
}

static void
remember(Trial *trial)
{
	ListCell *cell;

	foreach (cell, trial->batch.entities)
	{
		const ScEntity *entity = lfirst(cell);
		Before *before = palloc(sizeof(Before));
		Size size = sizeof(ScFieldValue) * entity->nvalues;

		before->entity = entity;
		before->nvalues = entity->nvalues;
		before->values = palloc(Max(size, 1));
		memcpy(before->values, entity->values, size);
		trial->before = lappend(trial->before, before);
	}
}

static Jsonb *
value_before(const Trial *trial, const ScEntity *entity, const ScField *field)
{
	ListCell *cell;

	foreach (cell, trial->before)
	{
		const Before *before = lfirst(cell);

		for (int i = 0; before->entity == entity && i < before->nvalues; i++)
			if (strcmp(before->values[i].field, field->name) == 0)
				return sc_say_jsonb(field, &before->values[i].value);
	}
	return NULL;
}

/* In the order in which it was decided; then what would be sent. */
static void
tell(Trial *trial, ErrorData *error)
{
	const char *ref = trial->work->shape.external_key != NULL ? trial->work->shape.external_key
															  : trial->work->shape.external_id;
	const char *system = trial->work->system == NULL ? NULL : trial->work->system->name;

	if (error != NULL)
	{
		put(trial,
			(ScDifference){
				.ref = ref, .system = system, .rule = "quarantine", .because = error->message });
		return;
	}
	for (int i = 0; i < list_length(trial->run.outside.ledger); i++)
		tell_entry(trial, &trial->run.outside, i);
	for (int i = 0; i < list_length(trial->batch.ledger); i++)
		tell_entry(trial, &trial->batch, i);
	for (int i = 0; i < list_length(trial->batch.entities); i++)
	{
		ScEntity *entity = list_nth(trial->batch.entities, i);

		for (int k = 0; k < list_length(entity->links); k++)
			tell_link(trial, entity, list_nth(entity->links, k));
	}
	if (trial->rows == 0)
		put(trial,
			(ScDifference){
				.ref = ref, .system = system, .rule = "nothing", .because = trial->item.reason });
}

/* One row for a field, by the weightiest entry about it; one for each entry about the record. */
static void
tell_entry(Trial *trial, const ScBatch *batch, int at)
{
	const ScLedgerEntry *entry = list_nth(batch->ledger, at);
	const ScSystem *system = entry->system != NULL ? entry->system
							 : entry->link != NULL ? entry->link->system
												   : trial->work->system;
	ScDifference row = { .system = system == NULL ? NULL : system->name,
						 .rule =
							 entry->rule != NULL ? entry->rule : sc_model_ledger_name(entry->kind),
						 .because = entry->reason };

	row.ref = entry->entity != NULL						? sc_rehearse_ref(entry->entity)
			  : trial->work->shape.external_key != NULL ? trial->work->shape.external_key
														: trial->work->shape.external_id;
	if (entry->field != NULL && entry->entity != NULL)
	{
		const ScField *field = sc_conf_field(entry->entity->type, entry->field);
		const ScFieldValue *now = sc_model_value(entry->entity, entry->field);

		if (field == NULL || sc_rehearse_ruling(batch, entry->entity, entry->field, 0) != entry)
			return;
		row.field = entry->field;
		row.was = value_before(trial, entry->entity, field);
		row.would_be = now == NULL ? NULL : sc_say_jsonb(field, &now->value);
	}
	put(trial, row);
}

/* What its system would be told, in its own words. */
static void
tell_link(Trial *trial, ScEntity *entity, ScLink *link)
{
	bool creates = link->state == SC_LINK_CREATING && link->call.kind == SC_CALL_NONE;
	List *due;
	ListCell *cell;

	if (!link->due || link->system == NULL)
		return;
	if (link->look_only)
	{
		put(trial, (ScDifference){ .ref = sc_rehearse_ref(entity),
								   .system = link->system->name,
								   .rule = "read",
								   .because = psprintf("The record in %s is read before anything "
													   "is written to it.",
													   link->system->name) });
		return;
	}
	due = sc_merge_due(&trial->batch, entity, link);
	foreach (cell, due)
	{
		const ScCallField *wanted = lfirst(cell);
		const ScField *field = sc_conf_field(entity->type, wanted->field);
		const ScShadowField *shadow = sc_shadow_find(&link->shadow, wanted->field);

		put(trial, (ScDifference){
					   .ref = sc_rehearse_ref(entity),
					   .system = link->system->name,
					   .field = wanted->field,
					   .was = shadow == NULL ? NULL : sc_rehearse_external(field, &shadow->held),
					   .would_be = sc_rehearse_external(field, &wanted->value),
					   .rule = creates ? "create" : "update",
					   .because = psprintf(creates ? "A record of type \"%s\" is created in %s."
												   : "The record of type \"%s\" in %s is told.",
										   link->record_type, link->system->name) });
	}
}

static void
put(Trial *trial, ScDifference difference)
{
	trial->rows++;
	sc_rehearse_put(trial->result, &difference);
}

/* 0: nothing that a person asks about a field. */
static int
weight_of(ScLedgerKind kind)
{
	switch (kind)
	{
		case SC_LEDGER_CONFLICT:
		case SC_LEDGER_HOLD:
			return 6;
		case SC_LEDGER_CHANGE:
		case SC_LEDGER_RESOLVE:
		case SC_LEDGER_REFUSE:
		case SC_LEDGER_LOOP:
			return 5;
		case SC_LEDGER_AGREE:
		case SC_LEDGER_RACED:
			return 4;
		case SC_LEDGER_ECHO:
		case SC_LEDGER_STALE:
		case SC_LEDGER_UNSURE:
		case SC_LEDGER_UNORDERED:
		case SC_LEDGER_LANDED:
			return 3;
		default:
			return 0;
	}
}
