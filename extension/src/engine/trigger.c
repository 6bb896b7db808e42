/*
 * trigger.c
 *	  The two triggers of syncore.event.
 *
 * _event_fill (before each row) reads what the payload is about, fills the
 * columns that are null, and takes out of the payload what may not be stored.
 * It throws on nothing that a sender could do: what is wrong is left for
 * quarantine.  _event_decide (after the statement) runs the engine over the
 * whole set, straight from the transition table's tuplestore.
 *
 * Rows of another transaction (a restore) are left as they are and decided by
 * nobody: they were, where they come from.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "engine/event.h"
#include "engine/ingest.h"
#include "store/catalog.h"
#include "store/config.h"

#define WINDOW 10000 /* events of a statement that are decided together */

typedef struct Filler /* a row while its nulls are filled */
{
	const AttrNumber *columns;
	Datum values[EVENT_COLUMNS];
	bool nulls[EVENT_COLUMNS];
	bool changed[EVENT_COLUMNS];
} Filler;

static HeapTuple fill_row(HeapTuple tuple, TupleDesc desc);
static ScConf *config(void);
static void fill_from_shape(Filler *row, const ScSystem *system, const ScShape *shape,
							Jsonb *payload);
static void fill_text(Filler *row, int column, const char *text);
static void fill_datum(Filler *row, int column, Datum value);
static HeapTuple finish_row(const Filler *row, HeapTuple tuple, TupleDesc desc);
static void decide_all(TriggerData *trigger, int *passed_over);
static List *read_items(TriggerData *trigger, TupleTableSlot *slot, int *passed_over);
static void check_protocol(FunctionCallInfo fcinfo, const char *function, bool right);

extern PGDLLEXPORT Datum syncore_event_fill(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum syncore_event_decide(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(syncore_event_fill);

Datum
syncore_event_fill(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	check_protocol(fcinfo, "_event_fill",
				   CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_BEFORE(trigger->tg_event) &&
					   TRIGGER_FIRED_FOR_ROW(trigger->tg_event) &&
					   TRIGGER_FIRED_BY_INSERT(trigger->tg_event));
	return PointerGetDatum(fill_row(trigger->tg_trigtuple, RelationGetDescr(trigger->tg_relation)));
}

PG_FUNCTION_INFO_V1(syncore_event_decide);

Datum
syncore_event_decide(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	int passed_over = 0;

	check_protocol(fcinfo, "_event_decide",
				   CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_AFTER(trigger->tg_event) &&
					   TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) &&
					   TRIGGER_FIRED_BY_INSERT(trigger->tg_event) && trigger->tg_newtable != NULL);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	decide_all(trigger, &passed_over);
	sc_event_forget();
	SPI_finish();
	if (passed_over > 0)
		ereport(NOTICE, errcode(ERRCODE_SUCCESSFUL_COMPLETION),
				errmsg_plural("passed over %d event that another transaction received",
							  "passed over %d events that another transaction received",
							  passed_over, passed_over),
				errdetail("Restored events were decided where they come from."));
	return PointerGetDatum(NULL);
}

static HeapTuple
fill_row(HeapTuple tuple, TupleDesc desc)
{
	Filler row = { .columns = sc_event_columns(desc) };

	for (int i = 0; i < EVENT_COLUMNS; i++)
		row.values[i] = heap_getattr(tuple, row.columns[i], desc, &row.nulls[i]);
	if (row.nulls[EVENT_TXID] || row.nulls[EVENT_RECEIVED_AT] || row.nulls[EVENT_SYSTEM] ||
		row.nulls[EVENT_ID] ||
		!sc_event_is_new(row.values[EVENT_TXID],
						 DatumGetTimestampTz(row.values[EVENT_RECEIVED_AT])))
		return tuple;
	sc_ingest_took(DatumGetInt64(row.values[EVENT_ID]));

	MemoryContext cxt = sc_event_heard_context();
	ScConf *conf = config();
	const ScSystem *system =
		sc_conf_system_by_name(conf, TextDatumGetCString(row.values[EVENT_SYSTEM]));

	if (system != NULL && !row.nulls[EVENT_PAYLOAD])
	{
		ScHeard heard = { .event = DatumGetInt64(row.values[EVENT_ID]) };
		MemoryContext old = MemoryContextSwitchTo(cxt);

		heard.payload = DatumGetJsonbPCopy(row.values[EVENT_PAYLOAD]);
		heard.shape = sc_shape_read(
			system, heard.payload,
			row.nulls[EVENT_HEADERS] ? NULL : DatumGetJsonbPCopy(row.values[EVENT_HEADERS]));
		sc_event_remember(&heard, conf);
		MemoryContextSwitchTo(old);
		fill_from_shape(&row, system, &heard.shape, heard.payload);
	}
	if (row.nulls[EVENT_CORRELATION_ID])
		fill_text(&row, EVENT_CORRELATION_ID,
				  psprintf("syncore-" INT64_FORMAT, DatumGetInt64(row.values[EVENT_ID])));
	return finish_row(&row, tuple, desc);
}

/* To load it takes a connection to SPI, which for one row costs more than all else here. */
static ScConf *
config(void)
{
	ScConf *conf = sc_config_at_hand();

	if (conf != NULL)
		return conf;
	bool connected = SPI_connect() == SPI_OK_CONNECT;

	conf = sc_config_get();
	if (connected)
		SPI_finish();
	return conf;
}

static void
fill_from_shape(Filler *row, const ScSystem *system, const ScShape *shape, Jsonb *payload)
{
	ScShape kept = *shape;
	char *actor;

	fill_text(row, EVENT_RECORD_TYPE, shape->record_type);
	fill_text(row, EVENT_EVENT_ID,
			  shape->event_id != NULL ? shape->event_id : sc_shape_digest(payload));
	fill_text(row, EVENT_KIND, shape->kind);
	fill_text(row, EVENT_EXTERNAL_ID, shape->external_id);
	if (shape->has_time)
		fill_datum(row, EVENT_SOURCE_TIME, TimestampTzGetDatum(shape->source_time));
	fill_text(row, EVENT_SOURCE_VERSION, shape->version);
	fill_text(row, EVENT_ACTOR, shape->actor);
	fill_text(row, EVENT_CORRELATION_ID, shape->correlation_id);
	fill_text(row, EVENT_BATCH_ID, shape->batch_id);
	fill_text(row, EVENT_EXTERNAL_KEY, shape->external_key);
	fill_text(row, EVENT_MARKER, shape->marker);
	if (shape->shape != NULL)
		fill_datum(row, EVENT_SHAPE, Int32GetDatum(shape->shape->position));
	fill_datum(row, EVENT_SYSTEM_ID, Int32GetDatum(system->id));
	fill_datum(row, EVENT_SPACE_ID, Int32GetDatum(system->space->id));
	actor = row->nulls[EVENT_ACTOR] ? NULL : TextDatumGetCString(row->values[EVENT_ACTOR]);
	fill_datum(row, EVENT_ACTOR_KIND,
			   ObjectIdGetDatum(sc_catalog_get()->actor_kinds[sc_conf_actor_kind(system, actor)]));
	if (!row->nulls[EVENT_RECORD_TYPE])
		kept.record_type = TextDatumGetCString(row->values[EVENT_RECORD_TYPE]);
	row->values[EVENT_PAYLOAD] = JsonbPGetDatum(sc_shape_kept(system, &kept, payload));
	row->changed[EVENT_PAYLOAD] = true;
}

/* What the sender said itself stands. */
static void
fill_text(Filler *row, int column, const char *text)
{
	if (text != NULL && row->nulls[column])
		fill_datum(row, column, CStringGetTextDatum(text));
}

static void
fill_datum(Filler *row, int column, Datum value)
{
	if (!row->nulls[column])
		return;
	row->values[column] = value;
	row->nulls[column] = false;
	row->changed[column] = true;
}

static HeapTuple
finish_row(const Filler *row, HeapTuple tuple, TupleDesc desc)
{
	int columns[EVENT_COLUMNS];
	Datum values[EVENT_COLUMNS];
	bool nulls[EVENT_COLUMNS];
	int n = 0;

	for (int i = 0; i < EVENT_COLUMNS; i++)
	{
		if (!row->changed[i])
			continue;
		columns[n] = row->columns[i];
		values[n] = row->values[i];
		nulls[n++] = row->nulls[i];
	}
	return n == 0 ? tuple : heap_modify_tuple_by_cols(tuple, desc, n, columns, values, nulls);
}

/*
 * A window of the statement's rows at a time, so that the memory of what is
 * decided does not grow with the statement.  Entities are locked in the order
 * of their ids within a window only: two statements larger than one may
 * deadlock, as any two large updates may.
 */
static void
decide_all(TriggerData *trigger, int *passed_over)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext cxt = AllocSetContextCreate(caller, "syncore events", ALLOCSET_DEFAULT_SIZES);
	TupleTableSlot *slot =
		MakeSingleTupleTableSlot(RelationGetDescr(trigger->tg_relation), &TTSOpsMinimalTuple);
	List *items;
	int before = 0;

	tuplestore_rescan(trigger->tg_newtable);
	do
	{
		MemoryContextSwitchTo(cxt);
		items = read_items(trigger, slot, passed_over);
		sc_run(items);
		sc_ingest_settled(items, before);
		before += list_length(items);
		MemoryContextSwitchTo(caller);
		/* A row that was read from disk lies in the context. */
		ExecClearTuple(slot);
		MemoryContextReset(cxt);
	} while (items != NIL);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(cxt);
}

/* The next rows, at most a window of them; NIL at the end. */
static List *
read_items(TriggerData *trigger, TupleTableSlot *slot, int *passed_over)
{
	const AttrNumber *columns = sc_event_columns(slot->tts_tupleDescriptor);
	List *items = NIL;

	while (list_length(items) < WINDOW &&
		   tuplestore_gettupleslot(trigger->tg_newtable, true, false, slot))
	{
		slot_getallattrs(slot);
		if (!sc_event_is_new(slot->tts_values[columns[EVENT_TXID] - 1],
							 DatumGetTimestampTz(slot->tts_values[columns[EVENT_RECEIVED_AT] - 1])))
		{
			(*passed_over)++;
			continue;
		}
		ScItem *item = palloc0(sizeof(ScItem));

		item->kind = SC_ITEM_EVENT;
		item->event = sc_event_read(slot);
		items = lappend(items, item);
	}
	return items;
}

static void
check_protocol(FunctionCallInfo fcinfo, const char *function, bool right)
{
	if (!right)
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("function \"%s\" was not called by the trigger manager", function));
}
