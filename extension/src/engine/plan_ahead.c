/*
 * plan_ahead.c
 *	  plan(): the calls that would leave now, derived as a claim derives them,
 *	  under the configuration that the caller's transaction sees.
 *
 * What a claim would do to a link is done to a copy in memory that nobody
 * stores, also where no delivery has asked for it.  Links are worked through
 * in pieces, each in memory of its own.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/json.h"
#include "engine/claim_private.h"
#include "engine/hooks.h"
#include "engine/rehearse.h"
#include "store/config.h"
#include "store/plan.h"

#define PIECE 100

typedef struct Planned /* one row of plan() */
{
	int64 link;
	const char *call;
	const char *field; /* NULL = none */
	Jsonb *now;
	Jsonb *would_be;
} Planned;

static void plan_piece(ReturnSetInfo *result, const int64 *ids, int n);
static ScBatch *load_piece(const int64 *ids, int n, List **claimed);
static void add_id(int64 *ids, int *n, int64 id);
static int order_ids(const void *a, const void *b);
static ScLink *find_link(const ScBatch *batch, int64 id);
static void plan_link(ReturnSetInfo *result, ScBatch *batch, ScClaimed *claimed);
static void put_fields(ReturnSetInfo *result, const ScClaimed *claimed, List *due,
					   const char *call);
static void put_comment(ReturnSetInfo *result, const ScClaimed *claimed);
static void put(ReturnSetInfo *result, const Planned *row);

extern PGDLLEXPORT Datum syncore_plan(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(syncore_plan);

/* syncore._plan(links bigint[]): the calls that would leave to these records, a row for each field they carry. */
Datum
syncore_plan(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum *elements;
	bool *nulls;
	int n;

	InitMaterializedSRF(fcinfo, 0);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &elements, &nulls, &n);
	int64 *ids = palloc(sizeof(int64) * Max(n, 1));

	for (int i = 0; i < n; i++)
		ids[i] = nulls[i] ? 0 : DatumGetInt64(elements[i]);
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext cxt = AllocSetContextCreate(caller, "syncore plan", ALLOCSET_DEFAULT_SIZES);

	for (int i = 0; i < n; i += PIECE)
	{
		CHECK_FOR_INTERRUPTS();
		/* What queries return stays until their connection ends. */
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "could not connect to SPI");
		MemoryContextSwitchTo(cxt);
		plan_piece(result, ids + i, Min(PIECE, n - i));
		SPI_finish();
		MemoryContextSwitchTo(caller);
		MemoryContextReset(cxt);
	}
	return (Datum) 0;
}

static void
plan_piece(ReturnSetInfo *result, const int64 *ids, int n)
{
	List *claimed = NIL;
	ScBatch *batch = load_piece(ids, n, &claimed);
	ListCell *cell;

	foreach (cell, claimed)
	{
		ScClaimed *one = lfirst(cell);

		one->link = find_link(batch, one->link_id);
		if (one->link != NULL)
			plan_link(result, batch, one);
	}
}

/* The links with their entities, as they stand; what is under way has left already. */
static ScBatch *
load_piece(const int64 *ids, int n, List **claimed)
{
	static const Oid types[] = { INT8ARRAYOID };
	ScBatch *batch = palloc0(sizeof(ScBatch));
	Datum *elements = palloc(sizeof(Datum) * Max(n, 1));
	int64 *entities = palloc(sizeof(int64) * Max(n, 1));
	int64 *candidates = palloc(sizeof(int64) * Max(n, 1));
	int nentities = 0;
	int ncandidates = 0;
	Datum values[1];

	for (int i = 0; i < n; i++)
		elements[i] = Int64GetDatum(ids[i]);
	values[0] = PointerGetDatum(
		construct_array(elements, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	*batch = (ScBatch){ .conf = sc_config_get(),
						.now = GetCurrentTransactionStartTimestamp(),
						.map_hooks = sc_hooks_map(),
						.hooks = sc_hooks_decide(),
						.rehearsal = true };
	sc_plan_run(
		&(ScPlan){ "plan_links",
				   "SELECT coalesce(d.id, 0), k.id, k.entity FROM syncore.link k LEFT JOIN "
				   "syncore.delivery d ON d.link = k.id WHERE k.id = ANY ($1) AND (d.id IS NULL OR "
				   "(d.state = 'due' AND d.sent_at IS NULL)) ORDER BY d.id, k.id",
				   1, types },
		values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		ScClaimed *one = palloc0(sizeof(ScClaimed));
		HeapTuple row = SPI_tuptable->vals[i];
		bool is_null;

		one->delivery = DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &is_null));
		one->link_id = DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &is_null));
		int64 entity = DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 3, &is_null));

		if (is_null)
			add_id(candidates, &ncandidates, one->link_id);
		else
			add_id(entities, &nentities, entity);
		*claimed = lappend(*claimed, one);
	}
	qsort(entities, nentities, sizeof(int64), order_ids);
	sc_load_entities(batch, entities, nentities);
	sc_load_candidates(batch, candidates, ncandidates);
	return batch;
}

static void
add_id(int64 *ids, int *n, int64 id)
{
	for (int i = 0; i < *n; i++)
		if (ids[i] == id)
			return;
	ids[(*n)++] = id;
}

static int
order_ids(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return x < y ? -1 : x > y ? 1 : 0;
}

static ScLink *
find_link(const ScBatch *batch, int64 id)
{
	ListCell *cell;

	foreach (cell, batch->links)
		if (((ScLink *) lfirst(cell))->id == id)
			return lfirst(cell);
	return NULL;
}

static void
plan_link(ReturnSetInfo *result, ScBatch *batch, ScClaimed *claimed)
{
	ScLink *link = claimed->link;
	Planned row = { .link = link->id };
	List *due = link->entity == NULL ? NIL : sc_merge_due(batch, link->entity, link);

	sc_claim_plan(batch, claimed, CurrentMemoryContext);
	if (claimed->plan == NULL)
	{
		row.call = "dead letter";
		row.field = due == NIL ? NULL : ((ScCallField *) linitial(due))->field;
		if (claimed->unfit != NULL)
			put(result, &row);
		return;
	}
	switch (claimed->plan->call.kind)
	{
		case SC_CALL_CREATE:
			put_fields(result, claimed, due, claimed->plan->call.unknown ? "look up" : "create");
			break;
		case SC_CALL_UPDATE:
			put_fields(result, claimed, due, claimed->plan->call.unknown ? "look up" : "update");
			break;
		case SC_CALL_COMMENT:
			put_comment(result, claimed);
			break;
		default:
			row.call = claimed->plan->call.kind == SC_CALL_DELETE ? "delete" : "read";
			put(result, &row);
			break;
	}
}

/* All that is due: what goes by an operation of its own, a transition, is a call after the first. */
static void
put_fields(ReturnSetInfo *result, const ScClaimed *claimed, List *due, const char *call)
{
	ScLink *link = claimed->link;
	Planned row = { .link = link->id, .call = call };
	ListCell *cell;

	if (due == NIL)
		put(result, &row);
	foreach (cell, due)
	{
		const ScCallField *wanted = lfirst(cell);
		const ScField *field = sc_conf_field(link->entity->type, wanted->field);
		const ScShadowField *shadow = sc_shadow_find(&link->shadow, wanted->field);

		row.field = wanted->field;
		row.now = shadow == NULL ? NULL : sc_rehearse_external(field, &shadow->held);
		row.would_be = sc_rehearse_external(field, &wanted->value);
		put(result, &row);
	}
}

static void
put_comment(ReturnSetInfo *result, const ScClaimed *claimed)
{
	Planned row = { .link = claimed->link->id, .call = "comment" };
	ListCell *cell;

	foreach (cell, claimed->link->copies)
	{
		const ScCopy *copy = lfirst(cell);

		if (copy->comment != claimed->plan->call.comment)
			continue;
		row.field = copy->channel;
		if (copy->sent_body != NULL)
			row.would_be = sc_value_text(copy->sent_body).json;
	}
	put(result, &row);
}

static void
put(ReturnSetInfo *result, const Planned *row)
{
	Datum values[5] = { Int64GetDatum(row->link) };
	bool nulls[5] = { false };

	sc_save_text(&values[1], &nulls[1], row->call);
	sc_save_text(&values[2], &nulls[2], row->field);
	nulls[3] = row->now == NULL;
	values[3] = JsonbPGetDatum(row->now);
	nulls[4] = row->would_be == NULL;
	values[4] = JsonbPGetDatum(row->would_be);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
