/*
 * save.c
 *	  Entities and links as decide left them.  One INSERT for fresh ones, one
 *	  UPDATE for changed ones, whatever their number.
 *
 * Order: deliveries (the ledger names them), the ledger (entities hold the end
 * of its chain), entities, links (they refer to entities), the rest.  All row
 * locks were taken by load, in the order of ids.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "core/json.h"
#include "store/catalog.h"
#include "store/ledger.h"
#include "store/load.h"
#include "store/save.h"

enum
{
	ENTITY_ID,
	ENTITY_SPACE,
	ENTITY_TYPE,
	ENTITY_DATA,
	ENTITY_STAMPS,
	ENTITY_REVISION,
	ENTITY_SEQ,
	ENTITY_HEAD,
	ENTITY_CORRELATION,
	ENTITY_PREDECESSOR,
	ENTITY_LONG,
	ENTITY_CLOSED,
	ENTITY_COLUMNS
};

enum
{
	LINK_ID,
	LINK_SPACE,
	LINK_SYSTEM,
	LINK_RECORD_TYPE,
	LINK_ENTITY,
	LINK_EXTERNAL_ID,
	LINK_EXTERNAL_KEY,
	LINK_URL,
	LINK_STATE,
	LINK_MARKER,
	LINK_SHADOW,
	LINK_CALL,
	LINK_READ_OWED,
	LINK_WAITING,
	LINK_UNSURE,
	LINK_TOP_VERSION,
	LINK_IN_ROUTE,
	LINK_LONG,
	LINK_COLUMNS
};

static void give_ids(ScBatch *batch);
static char *draw_marker(void);
static ScLedgerTail *number_tails(ScBatch *batch, int64 **conflicts);
static void save_entities(ScBatch *batch, List *grown);
static void put_entity(ScRows *rows, ScEntity *entity);
static void put_chain_end(ScRows *rows, ScEntity *entity);
static Jsonb *pack_values(const ScEntity *entity, bool is_long);
static bool is_closed(ScEntity *entity);
static void save_links(ScBatch *batch);
static void put_link(ScRows *rows, ScLink *link);
static Jsonb *take_long(ScShadow *shadow);
static Datum head_datum(const ScEntity *entity);

bool
sc_save(ScBatch *batch)
{
	int64 *conflicts;
	List *grown = NIL;

	give_ids(batch);
	int due = sc_save_deliveries(batch);
	ScLedgerTail *tails = number_tails(batch, &conflicts);

	sc_ledger_write(batch, tails, &grown);
	save_entities(batch, grown);
	save_links(batch);
	sc_save_conflicts(batch, conflicts);
	sc_save_comments(batch);
	sc_save_alerts(batch);
	return due > 0;
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
number_tails(ScBatch *batch, int64 **conflicts)
{
	ScLedgerTail *tails = palloc0(sizeof(ScLedgerTail) * Max(list_length(batch->ledger), 1));
	ListCell *cell;

	*conflicts = palloc0(sizeof(int64) * Max(list_length(batch->conflicts), 1));
	for (int i = 0; i < list_length(batch->conflicts); i++)
		(*conflicts)[i] = sc_load_next_id(sc_catalog_get()->conflict_seq);
	foreach (cell, batch->ledger)
	{
		const ScLedgerEntry *entry = lfirst(cell);
		ScLedgerTail *tail = &tails[foreach_current_index(cell)];

		for (int i = 0; entry->conflict != NULL && i < list_length(batch->conflicts); i++)
			if (list_nth(batch->conflicts, i) == entry->conflict)
				tail->conflict = (*conflicts)[i];
	}
	return tails;
}

static void
save_entities(ScBatch *batch, List *grown)
{
	const ScColumn columns[ENTITY_COLUMNS] = { { "id", INT8OID },
											   { "space_id", INT4OID },
											   { "entity_type_id", INT4OID },
											   { "data", JSONBOID },
											   { "stamps", sc_catalog_get()->stamps_type },
											   { "revision", INT8OID },
											   { "ledger_seq", INT8OID },
											   { "ledger_head", BYTEAOID },
											   { "correlation_id", TEXTOID },
											   { "predecessor", INT8OID },
											   { "long", JSONBOID },
											   { "closed", BOOLOID } };
	const ScColumn ends[] = { { "id", INT8OID },
							  { "ledger_seq", INT8OID },
							  { "ledger_head", BYTEAOID } };
	ScRows *fresh = sc_rows_begin("fresh_entity", ENTITY_COLUMNS, columns);
	ScRows *changed = sc_rows_begin("changed_entity", ENTITY_COLUMNS, columns);
	ScRows *told = sc_rows_begin("told_entity", lengthof(ends), ends);
	ListCell *cell;

	foreach (cell, batch->entities)
	{
		ScEntity *entity = lfirst(cell);

		if (entity->fresh || entity->changed)
			put_entity(entity->fresh ? fresh : changed, entity);
	}
	foreach (cell, grown)
	{
		ScEntity *entity = lfirst(cell);

		if (!entity->fresh && !entity->changed)
			put_chain_end(told, entity);
	}
	if (fresh->count > 0)
		sc_rows_run(fresh, "insert_entities",
					"INSERT INTO syncore.entity (id, space_id, entity_type_id, data, stamps, "
					"revision, ledger_seq, ledger_head, "
					"correlation_id, predecessor, long, closed_at) SELECT id, space_id, "
					"entity_type_id, data, stamps, revision, "
					"ledger_seq, ledger_head, correlation_id, predecessor, long, CASE WHEN closed "
					"THEN now() END FROM fresh_entity");
	if (changed->count > 0)
		sc_rows_run(
			changed, "update_entities",
			"UPDATE syncore.entity e SET data = u.data, stamps = u.stamps, revision = u.revision, "
			"ledger_seq = u.ledger_seq, ledger_head = u.ledger_head, correlation_id = "
			"u.correlation_id, long = u.long, "
			"updated_at = now(), closed_at = CASE WHEN u.closed THEN COALESCE(e.closed_at, now()) "
			"END "
			"FROM changed_entity u WHERE e.id = u.id");
	if (told->count > 0)
		sc_rows_run(
			told, "update_chain_ends",
			"UPDATE syncore.entity e SET ledger_seq = u.ledger_seq, ledger_head = u.ledger_head "
			"FROM told_entity u WHERE e.id = u.id");
}

static void
put_entity(ScRows *rows, ScEntity *entity)
{
	Datum values[ENTITY_COLUMNS] = { 0 };
	bool nulls[ENTITY_COLUMNS] = { false };

	values[ENTITY_ID] = Int64GetDatum(entity->id);
	values[ENTITY_SPACE] = Int32GetDatum(entity->space->id);
	values[ENTITY_TYPE] = Int32GetDatum(entity->type->id);
	values[ENTITY_DATA] = JsonbPGetDatum(pack_values(entity, false));
	values[ENTITY_STAMPS] = PointerGetDatum(sc_stamps_pack(&entity->stamps));
	values[ENTITY_REVISION] = Int64GetDatum(entity->revision);
	values[ENTITY_SEQ] = Int64GetDatum(entity->ledger_seq);
	nulls[ENTITY_HEAD] = !entity->has_head;
	if (entity->has_head)
		values[ENTITY_HEAD] = head_datum(entity);
	sc_save_text(&values[ENTITY_CORRELATION], &nulls[ENTITY_CORRELATION], entity->correlation_id);
	values[ENTITY_PREDECESSOR] = Int64GetDatum(entity->predecessor);
	nulls[ENTITY_PREDECESSOR] = entity->predecessor == 0;
	sc_save_jsonb(&values[ENTITY_LONG], &nulls[ENTITY_LONG], pack_values(entity, true));
	values[ENTITY_CLOSED] = BoolGetDatum(is_closed(entity));
	sc_rows_put(rows, values, nulls);
}

static void
put_chain_end(ScRows *rows, ScEntity *entity)
{
	Datum values[] = { Int64GetDatum(entity->id), Int64GetDatum(entity->ledger_seq),
					   head_datum(entity) };
	bool nulls[lengthof(values)] = { false };

	sc_rows_put(rows, values, nulls);
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
	const ScColumn columns[LINK_COLUMNS] = { { "id", INT8OID },
											 { "space_id", INT4OID },
											 { "system_id", INT4OID },
											 { "record_type", TEXTOID },
											 { "entity", INT8OID },
											 { "external_id", TEXTOID },
											 { "external_key", TEXTOID },
											 { "url", TEXTOID },
											 { "state", sc_catalog_get()->link_state_type },
											 { "marker", TEXTOID },
											 { "shadow", sc_catalog_get()->shadow_type },
											 { "call", JSONBOID },
											 { "read_owed", BOOLOID },
											 { "waiting", INT8ARRAYOID },
											 { "unsure", INT8ARRAYOID },
											 { "top_version", TEXTOID },
											 { "in_route", BOOLOID },
											 { "long", JSONBOID } };
	ScRows *fresh = sc_rows_begin("fresh_link", LINK_COLUMNS, columns);
	ScRows *changed = sc_rows_begin("changed_link", LINK_COLUMNS, columns);
	ListCell *cell;

	foreach (cell, batch->links)
	{
		ScLink *link = lfirst(cell);

		if (link->fresh || link->changed)
			put_link(link->fresh ? fresh : changed, link);
	}
	if (fresh->count > 0)
		sc_rows_run(
			fresh, "insert_links",
			"INSERT INTO syncore.link (id, space_id, system_id, record_type, entity, external_id, "
			"external_key, url, state, "
			"marker, shadow, call, read_owed, waiting, unsure, top_version, in_route, long, "
			"gone_at) "
			"SELECT id, space_id, system_id, record_type, entity, external_id, external_key, url, "
			"state, "
			"marker, shadow, call, read_owed, waiting, unsure, top_version, in_route, long, "
			"CASE WHEN state = 'tombstone' THEN now() END FROM fresh_link");
	if (changed->count > 0)
		sc_rows_run(changed, "update_links",
					"UPDATE syncore.link l SET entity = u.entity, external_id = u.external_id, "
					"external_key = u.external_key, "
					"url = u.url, state = u.state, marker = u.marker, shadow = u.shadow, call = "
					"u.call, read_owed = u.read_owed, "
					"waiting = u.waiting, unsure = u.unsure, top_version = u.top_version, in_route "
					"= u.in_route, long = u.long, "
					"updated_at = now(), gone_at = CASE WHEN u.state = 'tombstone' THEN "
					"COALESCE(l.gone_at, now()) END "
					"FROM changed_link u WHERE l.id = u.id");
}

static void
put_link(ScRows *rows, ScLink *link)
{
	Datum values[LINK_COLUMNS] = { 0 };
	bool nulls[LINK_COLUMNS] = { false };
	Jsonb *kept = take_long(&link->shadow);

	values[LINK_ID] = Int64GetDatum(link->id);
	values[LINK_SPACE] = Int32GetDatum(link->system->space->id);
	values[LINK_SYSTEM] = Int32GetDatum(link->system->id);
	values[LINK_RECORD_TYPE] = CStringGetTextDatum(link->record_type);
	nulls[LINK_ENTITY] = link->entity == NULL;
	values[LINK_ENTITY] = Int64GetDatum(link->entity == NULL ? 0 : link->entity->id);
	sc_save_text(&values[LINK_EXTERNAL_ID], &nulls[LINK_EXTERNAL_ID], link->external_id);
	sc_save_text(&values[LINK_EXTERNAL_KEY], &nulls[LINK_EXTERNAL_KEY], link->external_key);
	sc_save_text(&values[LINK_URL], &nulls[LINK_URL], link->url);
	values[LINK_STATE] = ObjectIdGetDatum(sc_catalog_get()->link_states[link->state]);
	sc_save_text(&values[LINK_MARKER], &nulls[LINK_MARKER], link->marker);
	values[LINK_SHADOW] = PointerGetDatum(sc_shadow_pack(&link->shadow));
	sc_save_jsonb(&values[LINK_CALL], &nulls[LINK_CALL],
				  link->call.kind == SC_CALL_NONE ? NULL : sc_model_call_pack(&link->call));
	values[LINK_READ_OWED] = BoolGetDatum(link->read_owed);
	sc_save_ids(&values[LINK_WAITING], &nulls[LINK_WAITING], link->waiting);
	sc_save_ids(&values[LINK_UNSURE], &nulls[LINK_UNSURE], link->unsure);
	sc_save_text(&values[LINK_TOP_VERSION], &nulls[LINK_TOP_VERSION], link->top_version);
	values[LINK_IN_ROUTE] = BoolGetDatum(link->in_route);
	sc_save_jsonb(&values[LINK_LONG], &nulls[LINK_LONG], kept);
	sc_rows_put(rows, values, nulls);
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
