/*
 * event.c
 *	  Rows of syncore.event, what was read of them, and the statements they make.
 *
 * The payload that is decided is the one that came, not the one that is kept:
 * what must not be stored is left out of the row before it is written, so the
 * BEFORE trigger hands the whole one over in memory.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "core/decide.h"
#include "engine/event.h"
#include "store/catalog.h"
#include "store/config.h"
#include "store/plan.h"

#define EVENT_SELECT                                                                               \
	"SELECT id, received_at, txid, system, payload, record_type, event_id, kind, external_id, "    \
	"source_time, "                                                                                \
	"source_version, actor, correlation_id, batch_id, headers, external_key, actor_kind, "         \
	"marker, shape, system_id, "                                                                   \
	"space_id FROM syncore.event WHERE id = ANY ($1)"

static const char *const column_names[EVENT_COLUMNS] = { "id",
														 "received_at",
														 "txid",
														 "system",
														 "payload",
														 "record_type",
														 "event_id",
														 "kind",
														 "external_id",
														 "source_time",
														 "source_version",
														 "actor",
														 "correlation_id",
														 "batch_id",
														 "headers",
														 "external_key",
														 "actor_kind",
														 "marker",
														 "shape",
														 "system_id",
														 "space_id" };

static MemoryContext heard_cxt = NULL;
static HTAB *heard_events = NULL;
static ScConf *heard_conf = NULL;
static bool callback_registered = false;

static ScEventRow *row_of(const Datum *values, const bool *nulls);
static char *text_of(const Datum *values, const bool *nulls, int column);
static void forget_on_end(XactEvent event, void *arg);
static ScStatementKind statement_kind(const char *kind);

const AttrNumber *
sc_event_columns(TupleDesc desc)
{
	static AttrNumber columns[EVENT_COLUMNS];
	bool fits = true;

	for (int i = 0; i < EVENT_COLUMNS && fits; i++)
		fits = columns[i] > 0 && columns[i] <= desc->natts &&
			   strcmp(NameStr(TupleDescAttr(desc, columns[i] - 1)->attname), column_names[i]) == 0;
	for (int i = 0; i < EVENT_COLUMNS && !fits; i++)
	{
		int found = SPI_fnumber(desc, column_names[i]);

		if (found <= 0)
			elog(ERROR, "event has no column \"%s\"", column_names[i]);
		columns[i] = (AttrNumber) found;
	}
	return columns;
}

bool
sc_event_is_new(Datum txid, TimestampTz received_at)
{
	FullTransactionId mine = GetTopFullTransactionIdIfAny();

	return FullTransactionIdIsValid(mine) &&
		   FullTransactionIdEquals(DatumGetFullTransactionId(txid), mine) &&
		   received_at == GetCurrentTransactionStartTimestamp();
}

ScEventRow *
sc_event_read(TupleTableSlot *slot)
{
	const AttrNumber *columns = sc_event_columns(slot->tts_tupleDescriptor);
	Datum values[EVENT_COLUMNS];
	bool nulls[EVENT_COLUMNS];

	slot_getallattrs(slot);
	for (int i = 0; i < EVENT_COLUMNS; i++)
	{
		values[i] = slot->tts_values[columns[i] - 1];
		nulls[i] = slot->tts_isnull[columns[i] - 1];
	}
	return row_of(values, nulls);
}

ScEventRow **
sc_event_load(const int64 *ids, int n)
{
	static const Oid types[] = { INT8ARRAYOID };
	ScEventRow **rows = palloc0(sizeof(ScEventRow *) * Max(n, 1));
	Datum *elements = palloc(sizeof(Datum) * Max(n, 1));
	Datum arguments[1];

	if (n == 0)
		return rows;
	for (int i = 0; i < n; i++)
		elements[i] = Int64GetDatum(ids[i]);
	arguments[0] = PointerGetDatum(
		construct_array(elements, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	sc_plan_run(&(ScPlan){ "load_events", EVENT_SELECT, 1, types }, arguments, NULL);
	for (int r = 0; r < (int) SPI_processed; r++)
	{
		Datum values[EVENT_COLUMNS];
		bool nulls[EVENT_COLUMNS];

		for (int i = 0; i < EVENT_COLUMNS; i++)
			values[i] =
				SPI_getbinval(SPI_tuptable->vals[r], SPI_tuptable->tupdesc, i + 1, &nulls[i]);
		ScEventRow *row = row_of(values, nulls);

		for (int i = 0; i < n; i++)
			if (ids[i] == row->id)
				rows[i] = row;
	}
	SPI_freetuptable(SPI_tuptable);
	return rows;
}

MemoryContext
sc_event_heard_context(void)
{
	if (heard_cxt != NULL)
		return heard_cxt;
	if (!callback_registered)
	{
		RegisterXactCallback(forget_on_end, NULL);
		callback_registered = true;
	}
	heard_cxt =
		AllocSetContextCreate(TopMemoryContext, "syncore events heard", ALLOCSET_DEFAULT_SIZES);
	return heard_cxt;
}

/* A configuration that changes in mid-statement makes what was heard worthless: it is read anew. */
void
sc_event_remember(const ScHeard *heard, ScConf *conf)
{
	if (heard_conf != NULL && heard_conf != conf)
		return;
	if (heard_events == NULL)
	{
		HASHCTL control = { .keysize = sizeof(int64),
							.entrysize = sizeof(ScHeard),
							.hcxt = heard_cxt };

		heard_events = hash_create("syncore events heard", 128, &control,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		sc_config_pin(conf);
		heard_conf = conf;
	}
	ScHeard *entry = hash_search(heard_events, &heard->event, HASH_ENTER, NULL);

	*entry = *heard;
}

const ScHeard *
sc_event_heard(int64 event, const ScConf *conf)
{
	if (heard_events == NULL || heard_conf != conf)
		return NULL;
	return hash_search(heard_events, &event, HASH_FIND, NULL);
}

void
sc_event_forget(void)
{
	MemoryContext cxt = heard_cxt;
	ScConf *conf = heard_conf;

	heard_cxt = NULL;
	heard_events = NULL;
	heard_conf = NULL;
	if (conf != NULL)
		sc_config_unpin(conf);
	if (cxt != NULL)
		MemoryContextDelete(cxt);
}

ScShape
sc_event_shape(const ScConf *conf, const ScSystem *system, const ScEventRow *row)
{
	const ScHeard *heard = sc_event_heard(row->id, conf);
	ScShape shape =
		heard != NULL ? heard->shape : sc_shape_read(system, row->payload, row->headers);

	if (row->record_type != NULL)
		shape.record_type = row->record_type;
	if (row->kind != NULL)
		shape.kind = row->kind;
	if (row->external_id != NULL)
		shape.external_id = row->external_id;
	if (row->external_key != NULL)
		shape.external_key = row->external_key;
	if (row->marker != NULL)
		shape.marker = row->marker;
	if (row->source_version != NULL)
		shape.version = row->source_version;
	if (row->actor != NULL)
		shape.actor = row->actor;
	if (row->has_time)
	{
		shape.has_time = true;
		shape.bad_time = false;
		shape.source_time = row->source_time;
	}
	return shape;
}

ScStatement *
sc_event_statement(const ScBatch *batch, const ScSystem *system, const ScRecordMap *map,
				   const ScEventRow *row, const ScShape *shape)
{
	ScStatement *statement = palloc0(sizeof(ScStatement));

	statement->kind = statement_kind(shape->kind);
	statement->event = row->id;
	statement->received_at = row->received_at;
	statement->system = system;
	statement->map = map;
	statement->record_type = shape->record_type;
	statement->external_id = shape->external_id;
	statement->external_key = shape->external_key;
	statement->url = shape->url;
	statement->marker = shape->marker;
	statement->call_marker = shape->call_marker;
	statement->position = sc_shape_position(system->connector->grade, shape->version,
											shape->has_time, shape->source_time);
	statement->version_text = shape->version;
	statement->source_time = row->received_at;
	if (shape->has_time)
		statement->source_time =
			Min(shape->source_time - system->clock_offset_us, batch->now + SC_DECIDE_FUTURE_US);
	statement->actor = shape->actor;
	statement->actor_kind =
		row->has_actor_kind ? row->actor_kind : sc_conf_actor_kind(system, shape->actor);
	statement->actor_is_us = shape->actor != NULL && system->integration_actor != NULL &&
							 strcmp(shape->actor, system->integration_actor) == 0;
	statement->correlation_id = row->correlation_id;
	statement->full_record = shape->shape != NULL && shape->shape->full_record;
	if (shape->record != NULL && map != NULL)
		statement->nfields = sc_map_read(&(ScMapCxt){ batch->conf, system, batch->map_hooks }, map,
										 shape->record, statement->full_record, &statement->fields);
	statement->ncomments = shape->ncomments;
	statement->comments = shape->comments;
	return statement;
}

static ScEventRow *
row_of(const Datum *values, const bool *nulls)
{
	ScEventRow *row = palloc0(sizeof(ScEventRow));

	row->id = DatumGetInt64(values[EVENT_ID]);
	row->received_at = DatumGetTimestampTz(values[EVENT_RECEIVED_AT]);
	row->system = text_of(values, nulls, EVENT_SYSTEM);
	row->payload = nulls[EVENT_PAYLOAD] ? NULL : DatumGetJsonbPCopy(values[EVENT_PAYLOAD]);
	row->record_type = text_of(values, nulls, EVENT_RECORD_TYPE);
	row->event_id = text_of(values, nulls, EVENT_EVENT_ID);
	row->kind = text_of(values, nulls, EVENT_KIND);
	row->external_id = text_of(values, nulls, EVENT_EXTERNAL_ID);
	row->has_time = !nulls[EVENT_SOURCE_TIME];
	row->source_time = row->has_time ? DatumGetTimestampTz(values[EVENT_SOURCE_TIME]) : 0;
	row->source_version = text_of(values, nulls, EVENT_SOURCE_VERSION);
	row->actor = text_of(values, nulls, EVENT_ACTOR);
	row->correlation_id = text_of(values, nulls, EVENT_CORRELATION_ID);
	row->batch_id = text_of(values, nulls, EVENT_BATCH_ID);
	row->headers = nulls[EVENT_HEADERS] ? NULL : DatumGetJsonbPCopy(values[EVENT_HEADERS]);
	row->external_key = text_of(values, nulls, EVENT_EXTERNAL_KEY);
	row->marker = text_of(values, nulls, EVENT_MARKER);
	row->has_actor_kind = !nulls[EVENT_ACTOR_KIND];
	if (row->has_actor_kind)
		row->actor_kind = sc_catalog_actor_kind(DatumGetObjectId(values[EVENT_ACTOR_KIND]));
	return row;
}

static char *
text_of(const Datum *values, const bool *nulls, int column)
{
	return nulls[column] ? NULL : TextDatumGetCString(values[column]);
}

static void
forget_on_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		sc_event_forget();
}

static ScStatementKind
statement_kind(const char *kind)
{
	static const struct
	{
		const char *name;
		ScStatementKind kind;
	} kinds[] = { { "create", SC_STATEMENT_CREATE },
				  { "update", SC_STATEMENT_UPDATE },
				  { "delete", SC_STATEMENT_DELETE },
				  { "comment", SC_STATEMENT_COMMENT },
				  { "comment_delete", SC_STATEMENT_COMMENT_DELETE },
				  { "snapshot", SC_STATEMENT_SNAPSHOT } };

	for (int i = 0; kind != NULL && i < lengthof(kinds); i++)
		if (strcmp(kinds[i].name, kind) == 0)
			return kinds[i].kind;
	return SC_STATEMENT_UPDATE;
}
