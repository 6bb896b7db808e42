/*
 * load.c
 *	  Entities and their links as decide wants them.  Everything is allocated in
 *	  the current context, which is the batch's.
 *
 * An entity is locked as it is found, and read in its newest version: what
 * another session changed while we waited is seen.  Its links are looked up
 * after that, by a new snapshot, and not locked: whoever changes a link holds
 * the lock of its entity, or its own when it has none.  Save makes sure.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "core/scalar.h"
#include "store/catalog.h"
#include "store/layout.h"
#include "store/load.h"
#include "store/table.h"

#define SUCCESSORS_MAX 1024			  /* of one piece */
#define QUALIFIER_SUFFIX ".qualifier" /* no field name has a dot */

static ScTable *open_table(const ScBatch *batch, Oid relation, int n, const char *const *names);
static bool lock_found(const ScBatch *batch, ScTable *table);
static void find_by_external_id(ScTable *links, ScRecordRef *refs, int n);
static void find_by_marker(ScTable *links, ScRecordRef *refs, int n);
static void take_found(ScTable *links, ScRecordRef *ref);
static void load_entity(ScBatch *batch, ScTable *table);
static ScEntity *read_entity(const ScConf *conf, ScTable *table);
static void read_head(ScEntity *entity, ScTable *table);
static void read_values(ScEntity *entity, Jsonb *data);
static void fill_winners(ScEntity *entity);
static void load_links(ScBatch *batch, const int64 *entities, int n);
static bool read_link(ScBatch *batch, ScTable *table);
static void restore_long(ScLink *link, Jsonb *kept);
static List *links_with_due_copies(const ScBatch *batch, int from);
static List *read_ids(ScTable *table, int column);
static Jsonb *read_jsonb(ScTable *table, int column);
static int64 read_int8(ScTable *table, int column);
static int32 read_int4(ScTable *table, int column);
static bool read_bool(ScTable *table, int column);
static int order_values(const void *a, const void *b);
static int order_entities(const ListCell *a, const ListCell *b);

void
sc_load_find(const ScBatch *batch, ScRecordRef *refs, int n)
{
	ScTable *links;

	if (n == 0)
		return;
	links = open_table(batch, sc_catalog_get()->link, LINK_COLUMNS, sc_layout_link);
	find_by_external_id(links, refs, n);
	find_by_marker(links, refs, n);
	sc_table_close(links);
}

void
sc_load_entities(ScBatch *batch, const int64 *ids, int n)
{
	static const RegProcedure equals[] = { F_INT8EQ };
	ScTable *table;
	ScFinder finder;

	if (n == 0)
		return;
	table = open_table(batch, sc_catalog_get()->entity, ENTITY_COLUMNS, sc_layout_entity);
	sc_finder_begin(&finder, table, "entity_pkey", lengthof(equals), equals);
	for (int i = 0; i < n; i++)
	{
		Datum key[] = { Int64GetDatum(ids[i]) };

		sc_finder_seek(&finder, key);
		if (sc_finder_next(&finder) && lock_found(batch, table))
			load_entity(batch, table);
	}
	sc_finder_end(&finder);
	sc_table_close(table);
	list_sort(batch->entities, order_entities);
	load_links(batch, ids, n);
}

/*
 * Not known before what they go on from is locked, and so locked after all the
 * others: two statements that reopen, each, what the other one goes on from can
 * deadlock, and one of them is to be run again.
 */
void
sc_load_successors(ScBatch *batch)
{
	static const RegProcedure equals[] = { F_INT8EQ };
	ScTable *table = NULL;
	ScFinder finder;
	int64 *ids = NULL;
	int n = 0;

	for (int i = 0; i < list_length(batch->entities); i++)
	{
		const ScEntity *closed = list_nth(batch->entities, i);
		Datum key[] = { Int64GetDatum(closed->id) };

		if (closed->closed_at == 0)
			continue;
		if (table == NULL)
		{
			table = open_table(batch, sc_catalog_get()->entity, ENTITY_COLUMNS, sc_layout_entity);
			sc_finder_begin(&finder, table, "entity_predecessor", lengthof(equals), equals);
			ids = palloc(sizeof(int64) * SUCCESSORS_MAX);
		}
		sc_finder_seek(&finder, key);
		while (n < SUCCESSORS_MAX && sc_finder_next(&finder))
		{
			int64 id = read_int8(table, ENTITY_ID);

			if (read_int8(table, ENTITY_CLOSED) == 0 && sc_load_entity_of(batch, id) == NULL)
				ids[n++] = id;
		}
	}
	if (table == NULL)
		return;
	sc_finder_end(&finder);
	sc_table_close(table);
	sc_load_entities(batch, ids, n);
}

void
sc_load_candidates(ScBatch *batch, const int64 *ids, int n)
{
	static const RegProcedure equals[] = { F_INT8EQ };
	ScTable *table;
	ScFinder finder;

	if (n == 0)
		return;
	table = open_table(batch, sc_catalog_get()->link, LINK_COLUMNS, sc_layout_link);
	sc_finder_begin(&finder, table, "link_pkey", lengthof(equals), equals);
	for (int i = 0; i < n; i++)
	{
		Datum key[] = { Int64GetDatum(ids[i]) };
		bool is_null;

		sc_finder_seek(&finder, key);
		if (!sc_finder_next(&finder) || !lock_found(batch, table))
			continue;
		(void) sc_table_value(table, LINK_ENTITY, &is_null);
		if (is_null)
			(void) read_link(batch, table);
	}
	sc_finder_end(&finder);
	sc_table_close(table);
}

int64
sc_load_next_id(Oid sequence)
{
	return nextval_internal(sequence, false);
}

int64
sc_load_draw_id(ScBatch *batch, Oid sequence)
{
	return batch->rehearsal ? SC_LOAD_REHEARSED + ++batch->drawn : sc_load_next_id(sequence);
}

ScEntity *
sc_load_entity_of(const ScBatch *batch, int64 id)
{
	int low = 0;
	int high = list_length(batch->entities) - 1;

	while (low <= high)
	{
		int middle = low + (high - low) / 2;
		ScEntity *entity = list_nth(batch->entities, middle);

		if (entity->id == id)
			return entity;
		if (entity->id < id)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return NULL;
}

ScLink *
sc_load_link_of(const ScEntity *entity, int64 id)
{
	ListCell *cell;

	foreach (cell, entity->links)
	{
		ScLink *link = lfirst(cell);

		if (link->id == id)
			return link;
	}
	return NULL;
}

int
sc_load_order_links(const ListCell *a, const ListCell *b)
{
	int64 x = ((const ScLink *) lfirst(a))->id;
	int64 y = ((const ScLink *) lfirst(b))->id;

	return x < y ? -1 : x > y ? 1 : 0;
}

static ScTable *
open_table(const ScBatch *batch, Oid relation, int n, const char *const *names)
{
	return batch->rehearsal ? sc_table_peek(relation, n, names) : sc_table_open(relation, n, names);
}

/* The newest version of the row found, locked; a rehearsal takes what its snapshot shows. */
static bool
lock_found(const ScBatch *batch, ScTable *table)
{
	return batch->rehearsal || sc_table_lock(table, &table->found->tts_tid);
}

static void
find_by_external_id(ScTable *links, ScRecordRef *refs, int n)
{
	static const RegProcedure equals[] = { F_INT4EQ, F_TEXTEQ, F_TEXTEQ };
	ScFinder finder;

	sc_finder_begin(&finder, links, "link_system_id_record_type_external_id_key", lengthof(equals),
					equals);
	for (int i = 0; i < n; i++)
	{
		Datum key[] = { Int32GetDatum(refs[i].system_id), CStringGetTextDatum(refs[i].record_type),
						CStringGetTextDatum(refs[i].external_id) };

		sc_finder_seek(&finder, key);
		if (sc_finder_next(&finder))
			take_found(links, &refs[i]);
	}
	sc_finder_end(&finder);
}

/* A marker that was copied to another record (a clone of the ticket) does not make that record ours. */
static void
find_by_marker(ScTable *links, ScRecordRef *refs, int n)
{
	static const RegProcedure equals[] = { F_TEXTEQ };
	ScFinder finder = { .scan = NULL };

	for (int i = 0; i < n; i++)
	{
		bool has_id;

		if (refs[i].link != 0 || refs[i].marker == NULL)
			continue;
		if (finder.scan == NULL)
			sc_finder_begin(&finder, links, "link_marker", lengthof(equals), equals);
		Datum key[] = { CStringGetTextDatum(refs[i].marker) };

		sc_finder_seek(&finder, key);
		if (!sc_finder_next(&finder))
			continue;
		(void) sc_table_value(links, LINK_EXTERNAL_ID, &has_id);
		has_id = !has_id;
		if (!has_id && read_int4(links, LINK_SYSTEM) == refs[i].system_id &&
			strcmp(sc_table_text(links, LINK_RECORD_TYPE), refs[i].record_type) == 0)
			take_found(links, &refs[i]);
	}
	if (finder.scan != NULL)
		sc_finder_end(&finder);
}

static void
take_found(ScTable *links, ScRecordRef *ref)
{
	ref->link = read_int8(links, LINK_ID);
	ref->entity = read_int8(links, LINK_ENTITY);
}

/* The row found last, unless it was merged into another while we waited for it. */
static void
load_entity(ScBatch *batch, ScTable *table)
{
	if (read_int8(table, ENTITY_MERGED) == 0)
		batch->entities = lappend(batch->entities, read_entity(batch->conf, table));
}

static ScEntity *
read_entity(const ScConf *conf, ScTable *table)
{
	ScEntity *entity = palloc0(sizeof(ScEntity));
	int32 space = read_int4(table, ENTITY_SPACE);
	bool is_null;

	entity->id = read_int8(table, ENTITY_ID);
	for (int i = 0; i < conf->nspaces; i++)
		if (conf->spaces[i].id == space)
			entity->space = &conf->spaces[i];
	entity->type = sc_conf_type(conf, read_int4(table, ENTITY_TYPE));
	if (entity->space == NULL || entity->type == NULL)
		elog(ERROR, "space or type of entity " INT64_FORMAT " is missing", entity->id);
	entity->stored = sc_table_copy(table);
	entity->stamps = sc_stamps_unpack(
		(bytea *) PG_DETOAST_DATUM_COPY(sc_table_value(table, ENTITY_STAMPS, &is_null)));
	entity->revision = read_int8(table, ENTITY_REVISION);
	entity->ledger_seq = read_int8(table, ENTITY_SEQ);
	read_head(entity, table);
	entity->created_at = DatumGetTimestampTz(sc_table_value(table, ENTITY_CREATED, &is_null));
	entity->correlation_id = sc_table_text(table, ENTITY_CORRELATION);
	entity->predecessor = read_int8(table, ENTITY_PREDECESSOR);
	entity->closed_at = (TimestampTz) read_int8(table, ENTITY_CLOSED);
	read_values(entity, read_jsonb(table, ENTITY_DATA));
	Jsonb *kept = read_jsonb(table, ENTITY_LONG);

	if (kept != NULL)
		read_values(entity, kept);
	qsort(entity->values, entity->nvalues, sizeof(ScFieldValue), order_values);
	fill_winners(entity);
	return entity;
}

/* The end of its chain in the ledger. */
static void
read_head(ScEntity *entity, ScTable *table)
{
	Datum head = sc_table_value(table, ENTITY_HEAD, &entity->has_head);

	entity->has_head = !entity->has_head;
	if (!entity->has_head)
		return;
	bytea *hash = DatumGetByteaPP(head);

	if (VARSIZE_ANY_EXHDR(hash) != sizeof(entity->ledger_head))
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
				errmsg("ledger head of entity " INT64_FORMAT " is damaged", entity->id));
	memcpy(entity->ledger_head, VARDATA_ANY(hash), sizeof(entity->ledger_head));
}

/* Adds the members of a document to the entity's values, unsorted; qualifiers stand beside their fields. */
static void
read_values(ScEntity *entity, Jsonb *data)
{
	int room = entity->nvalues + JB_ROOT_COUNT(data);
	ScFieldValue *values = palloc0(sizeof(ScFieldValue) * Max(room, 1));
	JsonbIterator *it = JsonbIteratorInit(&data->root);
	JsonbValue key;
	JsonbIteratorToken token;

	if (entity->nvalues > 0)
		memcpy(values, entity->values, sizeof(ScFieldValue) * entity->nvalues);
	entity->values = values;
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		JsonbValue member;

		if (token != WJB_KEY)
			continue;
		char *name = pnstrdup(key.val.string.val, key.val.string.len);
		size_t len = strlen(name);
		size_t suffix = strlen(QUALIFIER_SUFFIX);

		(void) JsonbIteratorNext(&it, &member, true);
		bool qualifier = len > suffix && strcmp(name + len - suffix, QUALIFIER_SUFFIX) == 0;

		if (qualifier)
			name[len - suffix] = '\0';
		ScFieldValue *value = NULL;

		for (int i = 0; i < entity->nvalues && value == NULL; i++)
			if (strcmp(values[i].field, name) == 0)
				value = &values[i];
		if (value == NULL)
		{
			value = &values[entity->nvalues++];
			value->field = name;
		}
		if (qualifier)
			value->qualifier = pnstrdup(member.val.string.val, member.val.string.len);
		else
			value->value = sc_value_json(sc_scalar_make(&member));
	}
}

/* The winner's value is kept in the entity, not in the stamp. */
static void
fill_winners(ScEntity *entity)
{
	for (int i = 0; i < entity->stamps.len; i++)
	{
		ScStamp *stamp = &entity->stamps.items[i];
		ScFieldValue *value = stamp->nversions == 0 ? NULL : sc_model_value(entity, stamp->field);

		if (value != NULL && stamp->versions[0].value.state == SC_VALUE_UNKNOWN)
			stamp->versions[0].value = value->value;
	}
}

static void
load_links(ScBatch *batch, const int64 *entities, int n)
{
	static const RegProcedure equals[] = { F_INT8EQ };
	ScTable *table = open_table(batch, sc_catalog_get()->link, LINK_COLUMNS, sc_layout_link);
	int from = list_length(batch->links);
	ScFinder finder;

	sc_finder_begin(&finder, table, "link_entity", lengthof(equals), equals);
	for (int i = 0; i < n; i++)
	{
		Datum key[] = { Int64GetDatum(entities[i]) };
		ScEntity *entity = sc_load_entity_of(batch, entities[i]);

		if (entity == NULL)
			continue;
		sc_finder_seek(&finder, key);
		while (sc_finder_next(&finder))
			(void) read_link(batch, table);
		list_sort(entity->links, sc_load_order_links);
	}
	sc_finder_end(&finder);
	sc_table_close(table);
	List *with_copies = links_with_due_copies(batch, from);

	if (with_copies != NIL)
		sc_load_due_copies(batch, with_copies);
}

/* Reads the row found last and ties it to its entity; false when its entity or system was not loaded. */
static bool
read_link(ScBatch *batch, ScTable *table)
{
	ScLink *link = palloc0(sizeof(ScLink));
	int64 entity = read_int8(table, LINK_ENTITY);
	bool is_null;

	link->entity = entity == 0 ? NULL : sc_load_entity_of(batch, entity);
	link->system = sc_conf_system(batch->conf, read_int4(table, LINK_SYSTEM));
	if (link->system == NULL || (link->entity == NULL && entity != 0))
		return false;
	link->stored = sc_table_copy(table);
	link->id = read_int8(table, LINK_ID);
	link->record_type = sc_table_text(table, LINK_RECORD_TYPE);
	link->external_id = sc_table_text(table, LINK_EXTERNAL_ID);
	link->external_key = sc_table_text(table, LINK_EXTERNAL_KEY);
	link->url = sc_table_text(table, LINK_URL);
	link->state =
		sc_catalog_link_state(DatumGetObjectId(sc_table_value(table, LINK_STATE, &is_null)));
	link->marker = sc_table_text(table, LINK_MARKER);
	link->shadow = sc_shadow_unpack(
		(bytea *) PG_DETOAST_DATUM_COPY(sc_table_value(table, LINK_SHADOW, &is_null)));
	Jsonb *call = read_jsonb(table, LINK_CALL);

	if (call != NULL)
		link->call = sc_model_call_unpack(call);
	link->read_owed = read_bool(table, LINK_READ_OWED);
	link->waiting = read_ids(table, LINK_WAITING);
	link->unsure = read_ids(table, LINK_UNSURE);
	link->top_version = sc_table_text(table, LINK_TOP_VERSION);
	link->in_route = read_bool(table, LINK_IN_ROUTE);
	link->gone_by = sc_table_text(table, LINK_GONE_BY);
	Jsonb *kept = read_jsonb(table, LINK_LONG);

	if (kept != NULL)
		restore_long(link, kept);
	batch->links = lappend(batch->links, link);
	if (link->entity != NULL)
	{
		link->map = sc_conf_record_map_of(link->system, link->record_type, link->entity->type);
		link->entity->links = lappend(link->entity->links, link);
	}
	return true;
}

/* {"field": {"held": …, "sent": …}}: whole values of what the shadow knows by digest. */
static void
restore_long(ScLink *link, Jsonb *kept)
{
	for (int i = 0; i < link->shadow.len; i++)
	{
		ScShadowField *field = &link->shadow.items[i];
		ScPointer held = { 2, { field->field, "held" } };
		ScPointer sent = { 2, { field->field, "sent" } };
		Jsonb *value;

		value = field->held.state == SC_VALUE_DIGEST ? sc_pointer_get(kept, &held) : NULL;
		if (value != NULL)
			field->held = sc_value_json(value);
		value = field->sent.state == SC_VALUE_DIGEST ? sc_pointer_get(kept, &sent) : NULL;
		if (value != NULL)
			field->sent = sc_value_json(value);
	}
}

/* Those of the links, from a place on, that have comments to send or to look for. */
static List *
links_with_due_copies(const ScBatch *batch, int from)
{
	List *links = batch->links;
	static const char *const columns[] = { "link" };
	static const RegProcedure equals[] = { F_INT8EQ };
	ScTable *table;
	ScFinder finder;
	List *found = NIL;

	if (list_length(links) == from)
		return NIL;
	table = open_table(batch, sc_catalog_get()->comment_copy, lengthof(columns), columns);
	sc_finder_begin(&finder, table, "comment_copy_due", lengthof(equals), equals);
	for (int i = from; i < list_length(links); i++)
	{
		ScLink *link = list_nth(links, i);
		Datum key[] = { Int64GetDatum(link->id) };

		sc_finder_seek(&finder, key);
		if (sc_finder_next(&finder))
			found = lappend(found, link);
	}
	sc_finder_end(&finder);
	sc_table_close(table);
	return found;
}

static List *
read_ids(ScTable *table, int column)
{
	bool is_null;
	Datum datum = sc_table_value(table, column, &is_null);
	Datum *elements;
	bool *nulls;
	int n;
	List *ids = NIL;

	if (is_null)
		return NIL;
	deconstruct_array(DatumGetArrayTypeP(datum), INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		int64 *id = palloc(sizeof(int64));

		*id = DatumGetInt64(elements[i]);
		ids = lappend(ids, id);
	}
	return ids;
}

/* A copy; NULL = null. */
static Jsonb *
read_jsonb(ScTable *table, int column)
{
	bool is_null;
	Datum value = sc_table_value(table, column, &is_null);

	return is_null ? NULL : DatumGetJsonbPCopy(value);
}

/* 0 = null: no id is 0. */
static int64
read_int8(ScTable *table, int column)
{
	bool is_null;
	Datum value = sc_table_value(table, column, &is_null);

	return is_null ? 0 : DatumGetInt64(value);
}

static int32
read_int4(ScTable *table, int column)
{
	bool is_null;

	return DatumGetInt32(sc_table_value(table, column, &is_null));
}

static bool
read_bool(ScTable *table, int column)
{
	bool is_null;

	return DatumGetBool(sc_table_value(table, column, &is_null));
}

static int
order_values(const void *a, const void *b)
{
	return strcmp(((const ScFieldValue *) a)->field, ((const ScFieldValue *) b)->field);
}

static int
order_entities(const ListCell *a, const ListCell *b)
{
	int64 x = ((const ScEntity *) lfirst(a))->id;
	int64 y = ((const ScEntity *) lfirst(b))->id;

	return x < y ? -1 : x > y ? 1 : 0;
}
