/*
 * save_more.c
 *	  What hangs on entities and links: conflicts, comments and their copies,
 *	  alerts, objects that records wait for.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/decide.h"
#include "store/catalog.h"
#include "store/load.h"
#include "store/plan.h"
#include "store/save.h"

typedef struct Copy /* a row of comment_copy */
{
	int64 comment;
	const ScLink *link;
	const char *channel;
	const char *state;		 /* a label of copy_state */
	const char *external_id; /* NULL = not there yet */
} Copy;

typedef struct Ranked /* an alert, and which of the batch it is */
{
	const ScAlertOut *alert;
	int at;
} Ranked;

static void settle_conflicts(ScBatch *batch);
static void insert_comments(ScBatch *batch, int64 *ids);
static void insert_copies(ScBatch *batch, const int64 *ids);
static void put_copy(ScRows *rows, const Copy *copy);
static void update_copies(ScBatch *batch);
static void update_comments(ScBatch *batch);
static int order_alerts(const void *a, const void *b);
static void raise_alert(const ScAlertOut *alert);
static void close_alert(const ScAlertOut *alert);

void
sc_save_conflicts(ScBatch *batch)
{
	static const ScColumn columns[] = { { "id", INT8OID },
										{ "space_id", INT4OID },
										{ "entity", INT8OID },
										{ "field", TEXTOID },
										{ "kind", TEXTOID },
										{ "state", TEXTOID },
										{ "incoming_system", INT4OID },
										{ "current_system", INT4OID },
										{ "incoming", JSONBOID },
										{ "current", JSONBOID },
										{ "versions", JSONBOID },
										{ "rule", TEXTOID },
										{ "reason", TEXTOID },
										{ "outcome", TEXTOID },
										{ "event", INT8OID },
										{ "suggestion", JSONBOID } };
	ListCell *cell;

	if (batch->settled != NIL)
		settle_conflicts(batch);
	if (batch->conflicts == NIL)
		return;
	ScRows *rows = sc_rows_begin("clash", lengthof(columns), columns);

	foreach (cell, batch->conflicts)
	{
		const ScConflictOut *conflict = lfirst(cell);
		Datum values[] = { Int64GetDatum(conflict->id),
						   Int32GetDatum(conflict->entity->space->id),
						   Int64GetDatum(conflict->entity->id),
						   CStringGetTextDatum(conflict->field),
						   CStringGetTextDatum(conflict->kind),
						   CStringGetTextDatum(conflict->state),
						   Int32GetDatum(conflict->incoming_system),
						   Int32GetDatum(conflict->current_system),
						   JsonbPGetDatum(conflict->incoming),
						   JsonbPGetDatum(conflict->current),
						   JsonbPGetDatum(conflict->versions),
						   CStringGetTextDatum(conflict->rule),
						   CStringGetTextDatum(conflict->reason),
						   CStringGetTextDatum(conflict->outcome),
						   Int64GetDatum(conflict->event),
						   JsonbPGetDatum(conflict->suggestion) };
		bool nulls[lengthof(columns)] = { false };

		nulls[14] = conflict->event == 0;
		nulls[15] = conflict->suggestion == NULL;
		sc_rows_put(rows, values, nulls);
	}
	sc_rows_run(
		rows, "save_conflicts",
		"INSERT INTO syncore.conflict (id, space_id, entity, field, kind, state, "
		"incoming_system, current_system, incoming, "
		"current, versions, rule, reason, outcome, event, suggestion) SELECT id, space_id, entity, "
		"field, kind, state, "
		"incoming_system, current_system, incoming, current, versions, rule, reason, "
		"outcome, event, suggestion FROM clash");
}

void
sc_save_comments(ScBatch *batch)
{
	int64 *ids = palloc0(sizeof(int64) * Max(list_length(batch->comments), 1));

	if (batch->comments != NIL)
	{
		insert_comments(batch, ids);
		insert_copies(batch, ids);
	}
	sc_save_earlier_comments(batch, NULL);
	update_copies(batch);
	update_comments(batch);
}

/*
 * In the order of their causes: who raises the same waits, and never for one
 * who waits for him.  One at a time: a cause may come twice in a batch, which
 * one ON CONFLICT statement refuses.
 */
void
sc_save_alerts(ScBatch *batch)
{
	int n = list_length(batch->alerts);
	Ranked *ranked = palloc(sizeof(Ranked) * Max(n, 1));

	for (int i = 0; i < n; i++)
		ranked[i] = (Ranked){ list_nth(batch->alerts, i), i };
	qsort(ranked, n, sizeof(Ranked), order_alerts);
	for (int i = 0; i < n; i++)
	{
		if (ranked[i].alert->over)
			close_alert(ranked[i].alert);
		else
			raise_alert(ranked[i].alert);
	}
}

static int
order_alerts(const void *a, const void *b)
{
	const Ranked *x = a;
	const Ranked *y = b;
	int order = strcmp(x->alert->cause, y->alert->cause);

	return order != 0 ? order : x->at - y->at;
}

static void
raise_alert(const ScAlertOut *alert)
{
	static const ScColumn columns[] = { { "space_id", INT4OID }, { "level", TEXTOID },
										{ "kind", TEXTOID },	 { "cause", TEXTOID },
										{ "object", TEXTOID },	 { "detail", TEXTOID },
										{ "hint", TEXTOID } };
	ScRows *rows = sc_rows_begin("raised", lengthof(columns), columns);
	Datum values[lengthof(columns)] = { Int32GetDatum(alert->space == NULL ? 0
																		   : alert->space->id) };
	bool nulls[lengthof(columns)] = { alert->space == NULL };

	sc_save_text(&values[1], &nulls[1], alert->level);
	sc_save_text(&values[2], &nulls[2], alert->kind);
	sc_save_text(&values[3], &nulls[3], alert->cause);
	sc_save_text(&values[4], &nulls[4], alert->object);
	sc_save_text(&values[5], &nulls[5], alert->detail);
	sc_save_text(&values[6], &nulls[6], alert->hint);
	sc_rows_put(rows, values, nulls);
	sc_rows_run(
		rows, "save_alerts",
		"INSERT INTO syncore.alert AS a (space_id, level, kind, cause, object, detail, hint) "
		"SELECT space_id, level, kind, cause, object, detail, hint FROM raised "
		"ON CONFLICT (cause) WHERE closed_at IS NULL DO UPDATE SET last_at = now(), times = "
		"a.times + 1, "
		"level = EXCLUDED.level, detail = EXCLUDED.detail, hint = EXCLUDED.hint");
}

static void
close_alert(const ScAlertOut *alert)
{
	static const Oid types[] = { TEXTOID };
	static const ScPlan plan = {
		"close alert",
		"UPDATE syncore.alert SET closed_at = pg_catalog.now(), closed_by = 'syncore' WHERE "
		"closed_at IS NULL AND cause = $1",
		1, types
	};
	Datum values[1] = { CStringGetTextDatum(alert->cause) };

	sc_plan_run(&plan, values, NULL);
}

/* Pending conflicts of a field end when its hold does. */
static void
settle_conflicts(ScBatch *batch)
{
	static const ScColumn columns[] = { { "entity", INT8OID },
										{ "field", TEXTOID },
										{ "choice", TEXTOID } };
	ScRows *rows = sc_rows_begin("settled", lengthof(columns), columns);
	ListCell *cell;

	foreach (cell, batch->settled)
	{
		const ScConflictOut *conflict = lfirst(cell);
		Datum values[] = { Int64GetDatum(conflict->entity->id),
						   CStringGetTextDatum(conflict->field), 0 };
		bool nulls[lengthof(columns)] = { false };

		sc_save_text(&values[2], &nulls[2], conflict->rule);
		sc_rows_put(rows, values, nulls);
	}
	sc_rows_run(
		rows, "settle_conflicts",
		"UPDATE syncore.conflict c SET state = 'resolved', resolved_at = now(), choice = s.choice "
		"FROM settled s WHERE c.entity = s.entity AND c.field = s.field AND c.state = 'pending'");
}

static void
insert_comments(ScBatch *batch, int64 *ids)
{
	const ScColumn columns[] = {
		{ "space_id", INT4OID }, { "entity", INT8OID },
		{ "link", INT8OID },	 { "visibility", sc_catalog_get()->visibility_type },
		{ "author", TEXTOID },	 { "author_kind", sc_catalog_get()->actor_kind_type },
		{ "body", TEXTOID },	 { "written_at", TIMESTAMPTZOID },
		{ "event", INT8OID },	 { "corrects", INT8OID },
		{ "gone", BOOLOID },	 { "edited_at", TIMESTAMPTZOID }
	};
	ScRows *rows = sc_rows_begin("said", lengthof(columns), columns);
	ListCell *cell;

	foreach (cell, batch->comments)
	{
		const ScCommentOut *out = lfirst(cell);
		Datum values[] = { Int32GetDatum(out->entity->space->id),
						   Int64GetDatum(out->entity->id),
						   Int64GetDatum(out->link == NULL ? 0 : out->link->id),
						   ObjectIdGetDatum(sc_catalog_get()->visibilities[out->visibility]),
						   0,
						   ObjectIdGetDatum(sc_catalog_get()->actor_kinds[out->author_kind]),
						   CStringGetTextDatum(out->comment->body),
						   TimestampTzGetDatum(out->comment->written_at == 0
												   ? batch->now
												   : out->comment->written_at),
						   Int64GetDatum(out->event),
						   Int64GetDatum(out->corrects),
						   BoolGetDatum(out->gone),
						   TimestampTzGetDatum(out->comment->edited_at) };
		bool nulls[lengthof(columns)] = { false };

		sc_save_text(&values[4], &nulls[4], out->comment->author);
		nulls[8] = out->event == 0;
		nulls[9] = out->corrects == 0;
		nulls[11] = out->comment->edited_at <= out->comment->written_at;
		sc_rows_put(rows, values, nulls);
	}
	sc_rows_run(rows, "insert_comments",
				"INSERT INTO syncore.comment (space_id, entity, link, visibility, author, "
				"author_kind, body, written_at, event, corrects, deleted_at, edited_at) "
				"SELECT space_id, entity, link, visibility, author, author_kind, body, written_at, "
				"event, corrects, CASE WHEN gone THEN now() END, edited_at FROM said RETURNING id");
	for (int i = 0; i < (int) SPI_processed; i++)
	{
		bool is_null;

		ids[i] =
			DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null));
	}
}

/* Where a comment was written, and where it is to go. */
static void
insert_copies(ScBatch *batch, const int64 *ids)
{
	static const ScColumn columns[] = { { "comment", INT8OID },
										{ "link", INT8OID },
										{ "channel", TEXTOID },
										{ "state", TEXTOID },
										{ "external_id", TEXTOID } };
	ScRows *rows = sc_rows_begin("copied", lengthof(columns), columns);
	ListCell *cell;

	foreach (cell, batch->comments)
	{
		const ScCommentOut *out = lfirst(cell);
		int64 comment = ids[foreach_current_index(cell)];

		if (out->link != NULL)
			put_copy(rows, &(Copy){ comment, out->link, out->comment->channel, "origin",
									out->comment->external_id });
		for (int i = 0; i < list_length(out->targets); i++)
			put_copy(rows, &(Copy){ comment, list_nth(out->targets, i), list_nth(out->channels, i),
									"due", NULL });
	}
	sc_rows_run(
		rows, "insert_copies",
		"INSERT INTO syncore.comment_copy (comment, link, channel, state, external_id) "
		"SELECT comment, link, channel, state::syncore.copy_state, external_id FROM copied");
}

/*
 * A record that is being made gets the comments that its entity has already:
 * webhooks overtake each other, and a comment may be heard before its record.
 * So do the records of two entities that were joined; and of a fresh entity
 * that was given comments after it was stored.
 */
void
sc_save_earlier_comments(ScBatch *batch, const ScEntity *given)
{
	static const ScColumn columns[] = { { "link", INT8OID },
										{ "entity", INT8OID },
										{ "visibility", TEXTOID },
										{ "channel", TEXTOID } };
	static const char *const visibilities[] = { "public", "internal" };
	ScRows *rows = NULL;
	ListCell *cell;

	foreach (cell, batch->links)
	{
		const ScLink *link = lfirst(cell);

		if (link->entity == NULL || link->map == NULL || link->state == SC_LINK_TOMBSTONE ||
			!(link->joined || (link->fresh && link->state == SC_LINK_CREATING)) ||
			(given == NULL ? link->entity->fresh && batch->comments == NIL : link->entity != given))
			continue;
		for (int i = 0; i < lengthof(visibilities); i++)
		{
			const char *channel = sc_decide_comment_channel(link, (ScVisibility) i);
			bool nulls[lengthof(columns)] = { false };

			if (channel == NULL)
				continue;
			if (rows == NULL)
				rows = sc_rows_begin("made", lengthof(columns), columns);
			Datum values[] = { Int64GetDatum(link->id), Int64GetDatum(link->entity->id),
							   CStringGetTextDatum(visibilities[i]), CStringGetTextDatum(channel) };

			sc_rows_put(rows, values, nulls);
		}
	}
	if (rows != NULL)
		sc_rows_run(rows, "copy_earlier_comments",
					"INSERT INTO syncore.comment_copy (comment, link, channel, state) "
					"SELECT c.id, m.link, m.channel, 'due' FROM made m JOIN syncore.comment c "
					"ON c.entity = m.entity AND c.visibility::text = m.visibility "
					"WHERE c.deleted_at IS NULL AND c.corrects IS NULL AND c.link <> 0 "
					"ON CONFLICT (comment, link) DO NOTHING");
}

static void
put_copy(ScRows *rows, const Copy *copy)
{
	Datum values[] = { Int64GetDatum(copy->comment), Int64GetDatum(copy->link->id),
					   CStringGetTextDatum(copy->channel), CStringGetTextDatum(copy->state), 0 };
	bool nulls[lengthof(values)] = { false };

	sc_save_text(&values[4], &nulls[4], copy->external_id);
	sc_rows_put(rows, values, nulls);
}

static void
update_copies(ScBatch *batch)
{
	static const ScColumn columns[] = { { "comment", INT8OID },	  { "link", INT8OID },
										{ "state", TEXTOID },	  { "external_id", TEXTOID },
										{ "sent_body", TEXTOID }, { "stale", BOOLOID } };
	static const char *const states[] = { "origin", "due",	"sending", "unknown",
										  "done",	"dead", "deleted" };
	ScRows *rows = NULL;
	ListCell *cell;

	foreach (cell, batch->links)
	{
		const ScLink *link = lfirst(cell);
		ListCell *each;

		foreach (each, link->copies)
		{
			const ScCopy *copy = lfirst(each);

			if (!copy->changed)
				continue;
			if (rows == NULL)
				rows = sc_rows_begin("copy", lengthof(columns), columns);
			Datum values[] = { Int64GetDatum(copy->comment),
							   Int64GetDatum(link->id),
							   CStringGetTextDatum(states[copy->state]),
							   0,
							   0,
							   BoolGetDatum(copy->stale) };
			bool nulls[lengthof(values)] = { false };

			sc_save_text(&values[3], &nulls[3], copy->external_id);
			sc_save_text(&values[4], &nulls[4], copy->sent_body);
			sc_rows_put(rows, values, nulls);
		}
	}
	if (rows != NULL)
		sc_rows_run(rows, "update_copies",
					"UPDATE syncore.comment_copy c SET state = u.state::syncore.copy_state, "
					"external_id = u.external_id, "
					"sent_body = u.sent_body, stale = u.stale, sent_at = CASE WHEN u.state = "
					"'done' AND c.state <> "
					"'done' THEN now() ELSE c.sent_at END "
					"FROM copy u WHERE c.comment = u.comment AND c.link = u.link");
}

/* What was edited or deleted where it was written. */
static void
update_comments(ScBatch *batch)
{
	static const ScColumn columns[] = { { "comment", INT8OID },
										{ "body", TEXTOID },
										{ "edited_at", TIMESTAMPTZOID },
										{ "gone", BOOLOID } };
	ScRows *rows = NULL;
	ListCell *cell;

	foreach (cell, batch->links)
	{
		const ScLink *link = lfirst(cell);
		ListCell *each;

		foreach (each, link->copies)
		{
			const ScCopy *copy = lfirst(each);

			if (!copy->rewritten)
				continue;
			if (rows == NULL)
				rows = sc_rows_begin("rewritten", lengthof(columns), columns);
			Datum values[] = { Int64GetDatum(copy->comment), CStringGetTextDatum(copy->body),
							   TimestampTzGetDatum(copy->edited_at), BoolGetDatum(copy->gone) };
			bool nulls[lengthof(values)] = { false, false, TIMESTAMP_IS_NOBEGIN(copy->edited_at) };

			sc_rows_put(rows, values, nulls);
		}
	}
	if (rows != NULL)
		sc_rows_run(rows, "update_comments",
					"UPDATE syncore.comment c SET body = r.body, edited_at = r.edited_at, "
					"deleted_at = CASE WHEN r.gone THEN now() END "
					"FROM rewritten r WHERE c.id = r.comment");
}

/* One row a record and object: under the lock of its entity nobody else writes those of a link. */
bool
sc_save_wants(ScBatch *batch)
{
	static const ScColumn columns[] = { { "link", INT8OID },
										{ "system_id", INT4OID },
										{ "space_id", INT4OID },
										{ "kind", TEXTOID },
										{ "external_id", TEXTOID } };
	ScRows *rows;
	ListCell *cell;

	if (batch->wants == NIL)
		return false;
	rows = sc_rows_begin("wants", lengthof(columns), columns);
	foreach (cell, batch->wants)
	{
		const ScWantOut *want = lfirst(cell);
		Datum values[] = { Int64GetDatum(want->link->id), Int32GetDatum(want->link->system->id),
						   Int32GetDatum(want->link->system->space->id),
						   CStringGetTextDatum(want->kind),
						   CStringGetTextDatum(want->external_id) };
		bool nulls[lengthof(values)] = { false };

		sc_rows_put(rows, values, nulls);
	}
	sc_rows_run(rows, "save wants",
				"INSERT INTO syncore.reference_wait (link, system_id, space_id, kind, external_id) "
				"SELECT link, system_id, space_id, kind, external_id FROM wants "
				"ON CONFLICT (link, kind, external_id) DO NOTHING");
	return true;
}
