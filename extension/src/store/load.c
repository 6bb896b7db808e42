/*
 * load.c
 *	  Entities, their links, and the comment copies that are due, as decide
 *	  wants them.  Everything is allocated in the current context, which is the
 *	  batch's.
 *
 * The lock is part of the query that reads: under READ COMMITTED a row that was
 * changed while we waited is read again as it is now.  Links are read after
 * their entities are locked, by a new snapshot: whoever ties a link to an
 * entity holds the entity's lock.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/scalar.h"
#include "store/catalog.h"
#include "store/load.h"
#include "store/plan.h"

#define QUALIFIER_SUFFIX ".qualifier" /* no field name has a dot */

static void find_by_external_id(ScRecordRef *refs, int n);
static void find_by_marker(ScRecordRef *refs, int n);
static void take_found(ScRecordRef *refs);
static ScEntity *read_entity(const ScConf *conf, int row);
static void read_values(ScEntity *entity, Jsonb *data);
static void fill_winners(ScEntity *entity);
static void load_links(ScBatch *batch, Datum ids);
static ScLink *read_link(ScBatch *batch, int row);
static void restore_long(ScLink *link, Jsonb *kept);
static void load_due_copies(ScBatch *batch, List *links);
static void add_copy(ScLink *link, int row);
static ScCopyState copy_state(const char *name);
static ScLink *find_loaded_link(const ScBatch *batch, int64 id);
static Datum id_array(const int64 *ids, int n);
static List *read_ids(int row, int column);
static char *text_at(int row, int column);
static Datum datum_at(int row, int column, bool *is_null);
static int order_values(const void *a, const void *b);

void
sc_load_find(ScRecordRef *refs, int n)
{
	bool markers = false;

	if (n == 0)
		return;
	find_by_external_id(refs, n);
	for (int i = 0; i < n; i++)
		markers |= refs[i].link == 0 && refs[i].marker != NULL;
	if (markers)
		find_by_marker(refs, n);
}

void
sc_load_entities(ScBatch *batch, const int64 *ids, int n)
{
	static const Oid types[] = { INT8ARRAYOID };
	Datum values[1];

	if (n == 0)
		return;
	values[0] = id_array(ids, n);
	sc_plan_run(
		&(ScPlan){ "load_entities",
				   "SELECT id, space_id, entity_type_id, data, stamps, revision, ledger_seq, "
				   "ledger_head, created_at, "
				   "correlation_id, predecessor, long FROM syncore.entity "
				   "WHERE id = ANY ($1) AND merged_into IS NULL ORDER BY id FOR NO KEY UPDATE",
				   1, types },
		values, NULL);
	for (int i = 0; i < (int) SPI_processed; i++)
		batch->entities = lappend(batch->entities, read_entity(batch->conf, i));
	SPI_freetuptable(SPI_tuptable);
	load_links(batch, values[0]);
}

void
sc_load_candidates(ScBatch *batch, const int64 *ids, int n)
{
	static const Oid types[] = { INT8ARRAYOID };
	Datum values[1];

	if (n == 0)
		return;
	values[0] = id_array(ids, n);
	sc_plan_run(&(ScPlan){ "load_candidates",
						   "SELECT id, system_id, record_type, entity, external_id, external_key, "
						   "url, state, marker, "
						   "shadow, call, "
						   "read_owed, waiting, unsure, top_version, in_route, long, false "
						   "FROM syncore.link WHERE id = ANY ($1) AND entity IS NULL ORDER BY id "
						   "FOR NO KEY UPDATE",
						   1, types },
				values, NULL);
	for (int i = 0; i < (int) SPI_processed; i++)
		(void) read_link(batch, i);
	SPI_freetuptable(SPI_tuptable);
}

void
sc_load_copies(const ScCommentRef *refs, int n)
{
	static const ScColumn columns[] = {
		{ "n", INT4OID }, { "link", INT8OID }, { "channel", TEXTOID }, { "external_id", TEXTOID }
	};
	ScRows *rows;

	if (n == 0)
		return;
	rows = sc_rows_begin("named", lengthof(columns), columns);
	for (int i = 0; i < n; i++)
	{
		Datum values[] = { Int32GetDatum(i), Int64GetDatum(refs[i].link->id),
						   CStringGetTextDatum(refs[i].channel),
						   CStringGetTextDatum(refs[i].external_id) };
		bool nulls[lengthof(columns)] = { false };

		sc_rows_put(rows, values, nulls);
	}
	sc_rows_run(
		rows, "load_copies",
		"SELECT c.comment, c.channel, c.state::text, c.external_id, c.sent_body, w.n FROM named w "
		"JOIN syncore.comment_copy c ON c.link = w.link AND c.channel = w.channel AND "
		"(c.external_id = w.external_id OR (c.external_id IS NULL AND c.state = 'done'))");
	for (int i = 0; i < (int) SPI_processed; i++)
	{
		bool is_null;

		add_copy(refs[DatumGetInt32(datum_at(i, 6, &is_null))].link, i);
	}
	SPI_freetuptable(SPI_tuptable);
}

int64
sc_load_next_id(Oid sequence)
{
	return nextval_internal(sequence, false);
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

static void
find_by_external_id(ScRecordRef *refs, int n)
{
	static const ScColumn columns[] = { { "n", INT4OID },
										{ "system_id", INT4OID },
										{ "record_type", TEXTOID },
										{ "external_id", TEXTOID } };
	ScRows *rows = sc_rows_begin("wanted", lengthof(columns), columns);

	for (int i = 0; i < n; i++)
	{
		Datum values[] = { Int32GetDatum(i), Int32GetDatum(refs[i].system_id),
						   CStringGetTextDatum(refs[i].record_type),
						   CStringGetTextDatum(refs[i].external_id) };
		bool nulls[lengthof(columns)] = { false };

		sc_rows_put(rows, values, nulls);
	}
	sc_rows_run(
		rows, "find_by_external_id",
		"SELECT w.n, l.id, l.entity FROM wanted w JOIN syncore.link l ON l.system_id = w.system_id "
		"AND l.record_type = w.record_type AND l.external_id = w.external_id");
	take_found(refs);
}

static void
find_by_marker(ScRecordRef *refs, int n)
{
	static const ScColumn columns[] = { { "n", INT4OID },
										{ "system_id", INT4OID },
										{ "record_type", TEXTOID },
										{ "marker", TEXTOID } };
	ScRows *rows = sc_rows_begin("marked", lengthof(columns), columns);

	for (int i = 0; i < n; i++)
	{
		if (refs[i].link != 0 || refs[i].marker == NULL)
			continue;
		Datum values[] = { Int32GetDatum(i), Int32GetDatum(refs[i].system_id),
						   CStringGetTextDatum(refs[i].record_type),
						   CStringGetTextDatum(refs[i].marker) };
		bool nulls[lengthof(columns)] = { false };

		sc_rows_put(rows, values, nulls);
	}
	/* A marker that was copied to another record (a clone of the ticket) does not make that record ours. */
	sc_rows_run(
		rows, "find_by_marker",
		"SELECT w.n, l.id, l.entity FROM marked w JOIN syncore.link l ON l.marker = w.marker "
		"WHERE l.system_id = w.system_id AND l.record_type = w.record_type AND l.external_id IS "
		"NULL");
	take_found(refs);
}

/* Result columns: index, link, entity. */
static void
take_found(ScRecordRef *refs)
{
	for (int i = 0; i < (int) SPI_processed; i++)
	{
		bool is_null;
		ScRecordRef *ref = &refs[DatumGetInt32(datum_at(i, 1, &is_null))];

		ref->link = DatumGetInt64(datum_at(i, 2, &is_null));
		Datum entity = datum_at(i, 3, &is_null);

		ref->entity = is_null ? 0 : DatumGetInt64(entity);
	}
	SPI_freetuptable(SPI_tuptable);
}

static ScEntity *
read_entity(const ScConf *conf, int row)
{
	ScEntity *entity = palloc0(sizeof(ScEntity));
	bool is_null;
	int32 space;

	entity->id = DatumGetInt64(datum_at(row, 1, &is_null));
	space = DatumGetInt32(datum_at(row, 2, &is_null));
	for (int i = 0; i < conf->nspaces; i++)
		if (conf->spaces[i].id == space)
			entity->space = &conf->spaces[i];
	entity->type = sc_conf_type(conf, DatumGetInt32(datum_at(row, 3, &is_null)));
	if (entity->space == NULL || entity->type == NULL)
		elog(ERROR, "space or type of entity " INT64_FORMAT " is missing", entity->id);

	Jsonb *data = DatumGetJsonbPCopy(datum_at(row, 4, &is_null));
	Datum stamps = datum_at(row, 5, &is_null);

	entity->stamps = sc_stamps_unpack((bytea *) PG_DETOAST_DATUM_COPY(stamps));
	entity->revision = DatumGetInt64(datum_at(row, 6, &is_null));
	entity->ledger_seq = DatumGetInt64(datum_at(row, 7, &is_null));
	Datum head = datum_at(row, 8, &is_null);

	if (!is_null)
	{
		bytea *hash = DatumGetByteaPP(head);

		if (VARSIZE_ANY_EXHDR(hash) != sizeof(entity->ledger_head))
			ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("ledger head of entity " INT64_FORMAT " is damaged", entity->id));
		memcpy(entity->ledger_head, VARDATA_ANY(hash), sizeof(entity->ledger_head));
		entity->has_head = true;
	}
	entity->created_at = DatumGetTimestampTz(datum_at(row, 9, &is_null));
	entity->correlation_id = text_at(row, 10);
	Datum predecessor = datum_at(row, 11, &is_null);

	entity->predecessor = is_null ? 0 : DatumGetInt64(predecessor);
	read_values(entity, data);
	Datum kept = datum_at(row, 12, &is_null);

	if (!is_null)
		read_values(entity, DatumGetJsonbPCopy(kept));
	qsort(entity->values, entity->nvalues, sizeof(ScFieldValue), order_values);
	fill_winners(entity);
	return entity;
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
load_links(ScBatch *batch, Datum ids)
{
	static const Oid types[] = { INT8ARRAYOID };
	Datum values[] = { ids };
	List *with_copies = NIL;

	sc_plan_run(
		&(ScPlan){
			"load_links",
			"SELECT id, system_id, record_type, entity, external_id, external_key, url, state, "
			"marker, shadow, call, "
			"read_owed, waiting, unsure, top_version, in_route, long, EXISTS (SELECT FROM "
			"syncore.comment_copy c "
			"WHERE c.link = l.id AND c.state IN ('due', 'sending', 'unknown')) "
			"FROM syncore.link l WHERE entity = ANY ($1) ORDER BY id FOR NO KEY UPDATE OF l",
			1, types },
		values, NULL);
	for (int i = 0; i < (int) SPI_processed; i++)
	{
		bool is_null;
		ScLink *link = read_link(batch, i);

		if (link != NULL && DatumGetBool(datum_at(i, 18, &is_null)))
			with_copies = lappend(with_copies, link);
	}
	SPI_freetuptable(SPI_tuptable);
	if (with_copies != NIL)
		load_due_copies(batch, with_copies);
}

/* Reads a link and ties it to its entity; NULL when its entity or system was not loaded. */
static ScLink *
read_link(ScBatch *batch, int row)
{
	ScLink *link = palloc0(sizeof(ScLink));
	bool is_null;
	Datum entity = datum_at(row, 4, &is_null);

	link->entity = is_null ? NULL : sc_load_entity_of(batch, DatumGetInt64(entity));
	link->system = sc_conf_system(batch->conf, DatumGetInt32(datum_at(row, 2, &is_null)));
	if (link->system == NULL || (link->entity == NULL && DatumGetInt64(entity) != 0))
		return NULL;
	link->id = DatumGetInt64(datum_at(row, 1, &is_null));
	link->record_type = text_at(row, 3);
	link->external_id = text_at(row, 5);
	link->external_key = text_at(row, 6);
	link->url = text_at(row, 7);
	link->state = sc_catalog_link_state(DatumGetObjectId(datum_at(row, 8, &is_null)));
	link->marker = text_at(row, 9);
	link->shadow = sc_shadow_unpack((bytea *) PG_DETOAST_DATUM_COPY(datum_at(row, 10, &is_null)));
	Datum call = datum_at(row, 11, &is_null);

	if (!is_null)
		link->call = sc_model_call_unpack(DatumGetJsonbPCopy(call));
	link->read_owed = DatumGetBool(datum_at(row, 12, &is_null));
	link->waiting = read_ids(row, 13);
	link->unsure = read_ids(row, 14);
	link->top_version = text_at(row, 15);
	link->in_route = DatumGetBool(datum_at(row, 16, &is_null));
	Datum kept = datum_at(row, 17, &is_null);

	if (!is_null)
		restore_long(link, DatumGetJsonbPCopy(kept));
	batch->links = lappend(batch->links, link);
	if (link->entity != NULL)
	{
		link->map = sc_conf_record_map_of(link->system, link->record_type, link->entity->type);
		link->entity->links = lappend(link->entity->links, link);
	}
	return link;
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

static void
load_due_copies(ScBatch *batch, List *links)
{
	static const Oid types[] = { INT8ARRAYOID };
	int n = 0;
	int64 *ids = palloc(sizeof(int64) * list_length(links));
	ListCell *cell;
	Datum values[1];

	foreach (cell, links)
		ids[n++] = ((ScLink *) lfirst(cell))->id;
	values[0] = id_array(ids, n);
	sc_plan_run(
		&(ScPlan){ "load_due_copies",
				   "SELECT comment, channel, state::text, external_id, sent_body, link FROM "
				   "syncore.comment_copy "
				   "WHERE link = ANY ($1) AND state IN ('due', 'sending', 'unknown') ORDER BY "
				   "link, comment",
				   1, types },
		values, NULL);
	for (int i = 0; i < (int) SPI_processed; i++)
	{
		bool is_null;

		add_copy(find_loaded_link(batch, DatumGetInt64(datum_at(i, 6, &is_null))), i);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Result columns: comment, channel, state, external_id, sent_body. */
static void
add_copy(ScLink *link, int row)
{
	bool is_null;
	int64 comment = DatumGetInt64(datum_at(row, 1, &is_null));
	ListCell *cell;

	if (link == NULL)
		return;
	foreach (cell, link->copies)
		if (((ScCopy *) lfirst(cell))->comment == comment)
			return;
	ScCopy *copy = palloc0(sizeof(ScCopy));

	copy->comment = comment;
	copy->channel = text_at(row, 2);
	copy->state = copy_state(text_at(row, 3));
	copy->external_id = text_at(row, 4);
	copy->sent_body = text_at(row, 5);
	link->copies = lappend(link->copies, copy);
}

static ScCopyState
copy_state(const char *name)
{
	static const char *const names[] = { "origin", "due",  "sending", "unknown",
										 "done",   "dead", "deleted" };

	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(names[i], name) == 0)
			return (ScCopyState) i;
	elog(ERROR, "unknown copy state \"%s\"", name);
}

static ScLink *
find_loaded_link(const ScBatch *batch, int64 id)
{
	ListCell *cell;

	foreach (cell, batch->links)
		if (((ScLink *) lfirst(cell))->id == id)
			return lfirst(cell);
	return NULL;
}

static Datum
id_array(const int64 *ids, int n)
{
	Datum *elements = palloc(sizeof(Datum) * n);

	for (int i = 0; i < n; i++)
		elements[i] = Int64GetDatum(ids[i]);
	return PointerGetDatum(
		construct_array(elements, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static List *
read_ids(int row, int column)
{
	bool is_null;
	Datum datum = datum_at(row, column, &is_null);
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

static char *
text_at(int row, int column)
{
	bool is_null;
	Datum datum = datum_at(row, column, &is_null);

	return is_null ? NULL : TextDatumGetCString(datum);
}

static Datum
datum_at(int row, int column, bool *is_null)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, is_null);
}

static int
order_values(const void *a, const void *b)
{
	return strcmp(((const ScFieldValue *) a)->field, ((const ScFieldValue *) b)->field);
}
