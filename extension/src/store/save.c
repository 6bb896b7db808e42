/*
 * save.c
 *	  Entities and links as decide left them.
 *
 * Order: deliveries (the ledger names them), the ledger (entities hold the end
 * of its chain), entities, links (they refer to entities), the rest.  Entities
 * were locked by load, in the order of ids.  Links were not: nobody changes one
 * without the lock of its entity, and should somebody have, the update raises
 * serialization_failure and the piece is decided anew.
 */
#include "postgres.h"

#include "access/htup.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/json.h"
#include "store/catalog.h"
#include "store/layout.h"
#include "store/ledger.h"
#include "store/load.h"
#include "store/save.h"
#include "store/survey.h"
#include "store/table.h"

static void give_ids(ScBatch *batch);
static char *draw_marker(void);
static ScLedgerTail *number_tails(ScBatch *batch);
static void save_entities(ScBatch *batch, List *grown);
static void put_entity(ScTable *table, TupleTableSlot *row, ScEntity *entity, TimestampTz now);
static void put_chain_end(ScTable *table, TupleTableSlot *row, ScEntity *entity);
static Jsonb *pack_values(const ScEntity *entity, bool is_long);
static bool is_closed(ScEntity *entity);
static void save_links(ScBatch *batch);
static void put_link(ScTable *table, TupleTableSlot *row, ScLink *link, TimestampTz now);
static void put_time_of(ScTable *table, TupleTableSlot *row, int column, TimestampTz now);
static void put_ids(ScTable *table, TupleTableSlot *row, int column, List *ids);
static Jsonb *take_long(ScShadow *shadow);
static Datum head_datum(const ScEntity *entity);
static int order_links(const ListCell *a, const ListCell *b);
static int order_entities(const ListCell *a, const ListCell *b);

bool
sc_save(ScBatch *batch)
{
	List *grown = NIL;

	give_ids(batch);
	int due = sc_save_deliveries(batch);
	ScLedgerTail *tails = number_tails(batch);

	sc_ledger_write(batch, tails, &grown);
	save_entities(batch, grown);
	save_links(batch);
	sc_save_conflicts(batch);
	sc_save_comments(batch);
	sc_save_alerts(batch);
	sc_survey_save(batch);
	return sc_save_wants(batch) || due > 0;
}

/* Links that fan-out made have no id, and no marker by which their record will be known. */
static void
give_ids(ScBatch *batch)
{
	ListCell *cell;

	foreach (cell, batch->links)
	{
		ScLink *link = lfirst(cell);

		if (link->id == 0)
			link->id = sc_load_next_id(sc_catalog_get()->link_seq);
		if (link->state == SC_LINK_CREATING && link->marker == NULL)
			link->marker = draw_marker();
	}
}

/* A random UUID (version 4) as text. */
static char *
draw_marker(void)
{
	pg_uuid_t uuid;

	if (!pg_strong_random(uuid.data, UUID_LEN))
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not draw random numbers"));
	uuid.data[6] = (uuid.data[6] & 0x0f) | 0x40;
	uuid.data[8] = (uuid.data[8] & 0x3f) | 0x80;
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&uuid)));
}

/* Draws the conflicts' ids, and says for each ledger entry which conflict it tells of. */
static ScLedgerTail *
number_tails(ScBatch *batch)
{
	ScLedgerTail *tails = palloc0(sizeof(ScLedgerTail) * Max(list_length(batch->ledger), 1));
	ListCell *cell;

	foreach (cell, batch->conflicts)
		((ScConflictOut *) lfirst(cell))->id = sc_load_next_id(sc_catalog_get()->conflict_seq);
	foreach (cell, batch->ledger)
	{
		const ScLedgerEntry *entry = lfirst(cell);

		if (entry->conflict != NULL)
			tails[foreach_current_index(cell)].conflict = entry->conflict->id;
	}
	return tails;
}

/* Locked rows are written in the order in which they were locked. */
static void
save_entities(ScBatch *batch, List *grown)
{
	ScTable *table;
	TupleTableSlot **fresh;
	List *told = list_copy(grown);
	int nfresh = 0;
	ListCell *cell;

	foreach (cell, batch->entities)
	{
		ScEntity *entity = lfirst(cell);

		if (entity->fresh || entity->changed)
			told = lappend(told, entity);
	}
	if (told == NIL)
		return;
	list_sort(told, order_entities);
	fresh = palloc(sizeof(TupleTableSlot *) * list_length(told));
	table = sc_table_open(sc_catalog_get()->entity, ENTITY_COLUMNS, sc_layout_entity);
	for (int i = 0; i < list_length(told); i++)
	{
		ScEntity *entity = list_nth(told, i);
		TupleTableSlot *row;

		if (i > 0 && entity == list_nth(told, i - 1))
			continue;
		if (entity->fresh)
			row = fresh[nfresh++] = sc_table_row(table);
		else
			row = sc_table_change(table, entity->stored);
		if (entity->fresh || entity->changed)
			put_entity(table, row, entity, batch->now);
		put_chain_end(table, row, entity);
		if (!entity->fresh)
			sc_table_update(table, entity->stored, row);
	}
	sc_table_insert(table, fresh, nfresh);
	sc_table_close(table);
}

static void
put_entity(ScTable *table, TupleTableSlot *row, ScEntity *entity, TimestampTz now)
{
	if (entity->fresh)
	{
		sc_table_set(table, row, ENTITY_ID, Int64GetDatum(entity->id));
		sc_table_set(table, row, ENTITY_SPACE, Int32GetDatum(entity->space->id));
		sc_table_set(table, row, ENTITY_TYPE, Int32GetDatum(entity->type->id));
		sc_table_set(table, row, ENTITY_CREATED, TimestampTzGetDatum(entity->created_at));
		sc_table_set_id(table, row, ENTITY_PREDECESSOR, entity->predecessor);
	}
	sc_table_set(table, row, ENTITY_UPDATED, TimestampTzGetDatum(now));
	sc_table_set(table, row, ENTITY_DATA, JsonbPGetDatum(pack_values(entity, false)));
	sc_table_set(table, row, ENTITY_STAMPS, PointerGetDatum(sc_stamps_pack(&entity->stamps)));
	sc_table_set(table, row, ENTITY_REVISION, Int64GetDatum(entity->revision));
	sc_table_set_text(table, row, ENTITY_CORRELATION, entity->correlation_id);
	if (entity->merged_into != 0)
		sc_table_set_id(table, row, ENTITY_MERGED, entity->merged_into);
	sc_table_set_jsonb(table, row, ENTITY_LONG, pack_values(entity, true));
	if (is_closed(entity))
		put_time_of(table, row, ENTITY_CLOSED, now);
	else
		sc_table_set_null(table, row, ENTITY_CLOSED);
}

static void
put_chain_end(ScTable *table, TupleTableSlot *row, ScEntity *entity)
{
	sc_table_set(table, row, ENTITY_SEQ, Int64GetDatum(entity->ledger_seq));
	if (entity->has_head)
		sc_table_set(table, row, ENTITY_HEAD, head_datum(entity));
}

/* The values up to 1 kB with their qualifiers, or the longer ones (NULL when there is none). */
static Jsonb *
pack_values(const ScEntity *entity, bool is_long)
{
	ScJson json = sc_json_object();
	bool any = false;

	for (int i = 0; i < entity->nvalues; i++)
	{
		const ScFieldValue *value = &entity->values[i];

		if (value->value.state != SC_VALUE_JSON ||
			(VARSIZE(value->value.json) > SC_VALUE_INLINE_MAX) != is_long)
			continue;
		sc_json_jsonb(&json, value->field, value->value.json);
		if (value->qualifier != NULL)
			sc_json_text(&json, psprintf("%s.qualifier", value->field), value->qualifier);
		any = true;
	}
	if (is_long && !any)
		return NULL;
	return sc_json_end(&json);
}

/* A state of category done? */
static bool
is_closed(ScEntity *entity)
{
	for (int i = 0; i < entity->type->nfields; i++)
	{
		if (entity->type->fields[i].kind != SC_KIND_STATE)
			continue;
		ScFieldValue *value = sc_model_value(entity, entity->type->fields[i].name);
		char *state = value == NULL ? NULL : sc_value_to_cstring(&value->value);

		for (int s = 0; state != NULL && s < entity->type->nstates; s++)
			if (strcmp(entity->type->states[s].name, state) == 0)
				return entity->type->states[s].category == 2;
	}
	return false;
}

static void
save_links(ScBatch *batch)
{
	ScTable *table;
	TupleTableSlot **fresh;
	List *told = NIL;
	int nfresh = 0;
	ListCell *cell;

	foreach (cell, batch->links)
	{
		ScLink *link = lfirst(cell);

		if (link->fresh || link->changed)
			told = lappend(told, link);
	}
	if (told == NIL)
		return;
	list_sort(told, order_links);
	fresh = palloc(sizeof(TupleTableSlot *) * list_length(told));
	table = sc_table_open(sc_catalog_get()->link, LINK_COLUMNS, sc_layout_link);
	foreach (cell, told)
	{
		ScLink *link = lfirst(cell);
		TupleTableSlot *row;

		if (link->fresh)
			row = fresh[nfresh++] = sc_table_row(table);
		else
			row = sc_table_change(table, link->stored);
		put_link(table, row, link, batch->now);
		if (!link->fresh)
			sc_table_update(table, link->stored, row);
	}
	sc_table_insert(table, fresh, nfresh);
	sc_table_close(table);
}

static void
put_link(ScTable *table, TupleTableSlot *row, ScLink *link, TimestampTz now)
{
	Jsonb *kept = take_long(&link->shadow);

	if (link->fresh)
	{
		sc_table_set(table, row, LINK_ID, Int64GetDatum(link->id));
		sc_table_set(table, row, LINK_SPACE, Int32GetDatum(link->system->space->id));
		sc_table_set(table, row, LINK_SYSTEM, Int32GetDatum(link->system->id));
		sc_table_set_text(table, row, LINK_RECORD_TYPE, link->record_type);
		sc_table_set(table, row, LINK_CREATED, TimestampTzGetDatum(now));
	}
	sc_table_set(table, row, LINK_UPDATED, TimestampTzGetDatum(now));
	sc_table_set_id(table, row, LINK_ENTITY, link->entity == NULL ? 0 : link->entity->id);
	sc_table_set_text(table, row, LINK_EXTERNAL_ID, link->external_id);
	sc_table_set_text(table, row, LINK_EXTERNAL_KEY, link->external_key);
	sc_table_set_text(table, row, LINK_URL, link->url);
	sc_table_set(table, row, LINK_STATE,
				 ObjectIdGetDatum(sc_catalog_get()->link_states[link->state]));
	sc_table_set_text(table, row, LINK_MARKER, link->marker);
	sc_table_set(table, row, LINK_SHADOW, PointerGetDatum(sc_shadow_pack(&link->shadow)));
	sc_table_set_jsonb(table, row, LINK_CALL,
					   link->call.kind == SC_CALL_NONE ? NULL : sc_model_call_pack(&link->call));
	sc_table_set(table, row, LINK_READ_OWED, BoolGetDatum(link->read_owed));
	put_ids(table, row, LINK_WAITING, link->waiting);
	put_ids(table, row, LINK_UNSURE, link->unsure);
	sc_table_set_text(table, row, LINK_TOP_VERSION, link->top_version);
	sc_table_set(table, row, LINK_IN_ROUTE, BoolGetDatum(link->in_route));
	sc_table_set_jsonb(table, row, LINK_LONG, kept);
	sc_table_set_text(table, row, LINK_GONE_BY, link->gone_by);
	if (link->state == SC_LINK_TOMBSTONE)
		put_time_of(table, row, LINK_GONE, now);
	else
		sc_table_set_null(table, row, LINK_GONE);
}

/* The time at which something came to be so: the first one stands. */
static void
put_time_of(ScTable *table, TupleTableSlot *row, int column, TimestampTz now)
{
	if (row->tts_isnull[table->columns[column] - 1])
		sc_table_set(table, row, column, TimestampTzGetDatum(now));
}

static void
put_ids(ScTable *table, TupleTableSlot *row, int column, List *ids)
{
	Datum value;
	bool is_null;

	sc_save_ids(&value, &is_null, ids);
	if (is_null)
		sc_table_set_null(table, row, column);
	else
		sc_table_set(table, row, column, value);
}

/* Leaves only digests of values over 1 kB in the shadow, and returns the whole ones (NULL = none). */
static Jsonb *
take_long(ScShadow *shadow)
{
	ScJson json = sc_json_object();
	bool any = false;

	for (int i = 0; i < shadow->len; i++)
	{
		ScShadowField *field = &shadow->items[i];
		ScValue held = sc_value_remembered(&field->held);
		ScValue sent = sc_value_remembered(&field->sent);
		bool long_held = field->held.state == SC_VALUE_JSON && held.state == SC_VALUE_DIGEST;
		bool long_sent = field->sent.state == SC_VALUE_JSON && sent.state == SC_VALUE_DIGEST;

		if (!long_held && !long_sent)
			continue;
		any = true;
		sc_json_open_object(&json, field->field);
		if (long_held)
			sc_json_jsonb(&json, "held", field->held.json);
		if (long_sent)
			sc_json_jsonb(&json, "sent", field->sent.json);
		sc_json_close_object(&json);
		field->held = held;
		field->sent = sent;
	}
	return any ? sc_json_end(&json) : NULL;
}

void
sc_save_text(Datum *value, bool *is_null, const char *text)
{
	*is_null = text == NULL;
	if (text != NULL)
		*value = CStringGetTextDatum(text);
}

void
sc_save_jsonb(Datum *value, bool *is_null, Jsonb *json)
{
	*is_null = json == NULL;
	if (json != NULL)
		*value = JsonbPGetDatum(json);
}

void
sc_save_ids(Datum *value, bool *is_null, List *ids)
{
	Datum *elements = palloc(sizeof(Datum) * Max(list_length(ids), 1));
	ListCell *cell;

	*is_null = ids == NIL;
	if (ids == NIL)
		return;
	foreach (cell, ids)
		elements[foreach_current_index(cell)] = Int64GetDatum(*(int64 *) lfirst(cell));
	*value = PointerGetDatum(construct_array(elements, list_length(ids), INT8OID, sizeof(int64),
											 FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static Datum
head_datum(const ScEntity *entity)
{
	bytea *head = palloc(VARHDRSZ + sizeof(entity->ledger_head));

	SET_VARSIZE(head, VARHDRSZ + sizeof(entity->ledger_head));
	memcpy(VARDATA(head), entity->ledger_head, sizeof(entity->ledger_head));
	return PointerGetDatum(head);
}

static int
order_entities(const ListCell *a, const ListCell *b)
{
	int64 x = ((const ScEntity *) lfirst(a))->id;
	int64 y = ((const ScEntity *) lfirst(b))->id;

	return x < y ? -1 : x > y ? 1 : 0;
}

/* What ends comes first: its place may be another's by the same statement (link_one_record). */
static int
order_links(const ListCell *a, const ListCell *b)
{
	bool ends = ((const ScLink *) lfirst(a))->state == SC_LINK_TOMBSTONE;
	bool other_ends = ((const ScLink *) lfirst(b))->state == SC_LINK_TOMBSTONE;

	return ends != other_ends ? (ends ? -1 : 1) : sc_load_order_links(a, b);
}
