/*
 * load_copies.c
 *	  The copies of comments that decide wants to know of: those that are due,
 *	  and those that a statement names.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "store/load.h"
#include "store/plan.h"

static ScCopy *add_copy(ScLink *link, int row);
static void read_comment(ScCopy *copy, int row);
static ScLink *find_sibling(const ScLink *link, int64 id);
static ScCopyState copy_state(const char *name);
static ScLink *find_loaded_link(const ScBatch *batch, int64 id);
static Datum id_array(const int64 *ids, int n);
static char *text_at(int row, int column);
static Datum datum_at(int row, int column, bool *is_null);

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
		"SELECT c.comment, c.channel, c.state::text, c.external_id, c.sent_body, c.link, c.stale, "
		"w.n, m.body, m.visibility::text, m.written_at, m.edited_at, m.deleted_at IS NOT NULL "
		"FROM named w "
		"JOIN syncore.comment_copy o ON o.link = w.link AND o.channel = w.channel AND "
		"(o.external_id = w.external_id OR (o.external_id IS NULL AND o.state = 'done')) "
		"JOIN syncore.comment m ON m.id = o.comment "
		"JOIN syncore.comment_copy c ON c.comment = o.comment AND "
		"(c.link = o.link OR o.state = 'origin')");
	for (int i = 0; i < (int) SPI_processed; i++)
	{
		bool is_null;
		const ScLink *named = refs[DatumGetInt32(datum_at(i, 8, &is_null))].link;
		ScCopy *copy = add_copy(find_sibling(named, DatumGetInt64(datum_at(i, 6, &is_null))), i);

		if (copy != NULL && copy->state == SC_COPY_ORIGIN)
			read_comment(copy, i);
	}
	SPI_freetuptable(SPI_tuptable);
}

void
sc_load_due_copies(ScBatch *batch, List *links)
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
				   "SELECT comment, channel, state::text, external_id, sent_body, link, stale FROM "
				   "syncore.comment_copy "
				   "WHERE link = ANY ($1) AND state IN ('due', 'sending', 'unknown') ORDER BY "
				   "link, comment",
				   1, types },
		values, NULL);
	for (int i = 0; i < (int) SPI_processed; i++)
	{
		bool is_null;

		(void) add_copy(find_loaded_link(batch, DatumGetInt64(datum_at(i, 6, &is_null))), i);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Result columns: comment, channel, state, external_id, sent_body, link, stale.  NULL when it is there already. */
static ScCopy *
add_copy(ScLink *link, int row)
{
	bool is_null;
	int64 comment = DatumGetInt64(datum_at(row, 1, &is_null));
	ListCell *cell;

	if (link == NULL)
		return NULL;
	foreach (cell, link->copies)
		if (((ScCopy *) lfirst(cell))->comment == comment)
			return NULL;
	ScCopy *copy = palloc0(sizeof(ScCopy));

	copy->comment = comment;
	copy->channel = text_at(row, 2);
	copy->state = copy_state(text_at(row, 3));
	copy->external_id = text_at(row, 4);
	copy->sent_body = text_at(row, 5);
	copy->stale = DatumGetBool(datum_at(row, 7, &is_null));
	link->copies = lappend(link->copies, copy);
	return copy;
}

/* Result columns from the ninth: body, visibility, written_at, edited_at, deleted. */
static void
read_comment(ScCopy *copy, int row)
{
	static const char *const names[] = { "public", "internal", "private" };
	char *visibility = text_at(row, 10);
	bool is_null;

	copy->body = text_at(row, 9);
	copy->visibility = SC_VISIBILITY_PRIVATE;
	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(names[i], visibility) == 0)
			copy->visibility = (ScVisibility) i;
	copy->written_at = DatumGetTimestampTz(datum_at(row, 11, &is_null));
	copy->edited_at = DatumGetTimestampTz(datum_at(row, 12, &is_null));
	if (is_null)
		copy->edited_at = DT_NOBEGIN;
	copy->gone = DatumGetBool(datum_at(row, 13, &is_null));
}

/* A record of the same entity. */
static ScLink *
find_sibling(const ScLink *link, int64 id)
{
	if (link->id == id)
		return unconstify(ScLink *, link);
	for (int i = 0; link->entity != NULL && i < list_length(link->entity->links); i++)
	{
		ScLink *sibling = list_nth(link->entity->links, i);

		if (sibling->id == id)
			return sibling;
	}
	return NULL;
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
