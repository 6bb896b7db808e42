/*
 * read_past.c
 *	  A record's past out of the event log and the ledger; see replay_past.h.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "engine/hooks.h"
#include "engine/replay_past.h"
#include "store/plan.h"

static void read_steps(ScPast *past);
static void read_step(ScStep *step, int row);
static void read_events(ScConf *committed, ScPast *past, const int64 *events);
static void read_edits(ScPast *past);
static void read_start(ScPast *past);
static List *heard_fields(ScConf *committed, ScEventRow *event);
static Datum value_at(int row, int column, bool *is_null);
static char *text_at(int row, int column);

ScPast *
sc_past_of_entity(ScConf *committed, int64 entity, TimestampTz since)
{
	ScPast *past = palloc0(sizeof(ScPast));

	past->entity = entity;
	past->since = since;
	read_steps(past);
	int64 *events = palloc0(sizeof(int64) * Max(past->nsteps, 1));

	for (int i = 0; i < past->nsteps; i++)
		events[i] = past->steps[i].event == NULL ? 0 : past->steps[i].event->id;
	read_events(committed, past, events);
	read_edits(past);
	read_start(past);
	return past;
}

ScPast *
sc_past_of_record(ScConf *committed, const int64 *events, int n)
{
	ScPast *past = palloc0(sizeof(ScPast));

	past->nsteps = n;
	past->steps = palloc0(sizeof(ScStep) * Max(n, 1));
	for (int i = 0; i < n; i++)
		past->steps[i].undecided = true;
	read_events(committed, past, events);
	for (int i = 0; i < n; i++)
		if (past->steps[i].event != NULL)
			past->steps[i].at = past->steps[i].event->received_at;
	return past;
}

/* In the order of time; events before what was sent because of them. */
static void
read_steps(ScPast *past)
{
	static const Oid types[] = { INT8OID, TIMESTAMPTZOID };
	Datum values[] = { Int64GetDatum(past->entity), TimestampTzGetDatum(past->since) };

	sc_plan_run(
		&(ScPlan){
			"past_steps",
			"SELECT kind, at, link, event, undecided, field, value, actor FROM ("
			"SELECT 0 AS kind, e.received_at AS at, e.id AS n, k.id AS link, e.id AS event, "
			"EXISTS (SELECT FROM syncore.ledger l WHERE l.correlation_id = e.correlation_id AND "
			"l.event = e.id AND l.kind IN ('quarantine', 'out_of_scope')) AS undecided, "
			"NULL::text AS field, NULL::jsonb AS value, NULL::text AS actor "
			"FROM syncore.link k JOIN syncore.event e ON e.system_id = k.system_id AND "
			"e.external_id = k.external_id AND e.record_type = k.record_type "
			"WHERE k.entity = $1 AND e.received_at >= $2 "
			"UNION ALL SELECT CASE l.kind WHEN 'resolve' THEN 1 WHEN 'send' THEN 2 ELSE 3 END, "
			"l.at, l.id, l.link, NULL, false, l.field, l.new, l.actor FROM syncore.ledger l "
			"WHERE l.entity = $1 AND l.at >= $2 AND (l.kind = 'resolve' OR (l.link IS NOT NULL "
			"AND l.kind IN ('send', 'confirm', 'landed')))) s ORDER BY at, kind, n",
			2, types },
		values, NULL);
	past->nsteps = (int) SPI_processed;
	past->steps = palloc0(sizeof(ScStep) * Max(past->nsteps, 1));
	for (int i = 0; i < past->nsteps; i++)
		read_step(&past->steps[i], i);
}

static void
read_step(ScStep *step, int row)
{
	bool is_null;

	step->kind = (ScStepKind) DatumGetInt32(value_at(row, 1, &is_null));
	step->at = DatumGetTimestampTz(value_at(row, 2, &is_null));
	Datum link = value_at(row, 3, &is_null);

	step->link = is_null ? 0 : DatumGetInt64(link);
	Datum event = value_at(row, 4, &is_null);

	if (!is_null)
	{
		/* Its number until it is read. */
		step->event = palloc0(sizeof(ScEventRow));
		step->event->id = DatumGetInt64(event);
	}
	step->undecided = DatumGetBool(value_at(row, 5, &is_null));
	step->field = text_at(row, 6);
	Datum value = value_at(row, 7, &is_null);

	step->value = is_null ? NULL : DatumGetJsonbPCopy(value);
	step->decider = text_at(row, 8);
}

static void
read_events(ScConf *committed, ScPast *past, const int64 *events)
{
	ScEventRow **rows = sc_event_load(events, past->nsteps);

	for (int i = 0; i < past->nsteps; i++)
	{
		past->steps[i].event = rows[i];
		if (rows[i] != NULL)
			past->steps[i].heard = heard_fields(committed, rows[i]);
	}
}

/* Which fields of it the ledger calls an edit. */
static void
read_edits(ScPast *past)
{
	static const Oid types[] = { INT8OID };
	Datum values[] = { Int64GetDatum(past->entity) };

	sc_plan_run(
		&(ScPlan){
			"past_edits",
			"SELECT DISTINCT event, field FROM syncore.ledger WHERE entity = $1 AND event IS "
			"NOT NULL AND field IS NOT NULL AND kind IN ('change', 'conflict', 'agree', "
			"'raced', 'refuse', 'hold')",
			1, types },
		values, NULL);
	for (int r = 0; r < (int) SPI_processed; r++)
	{
		bool is_null;
		int64 event = DatumGetInt64(value_at(r, 1, &is_null));

		for (int i = 0; i < past->nsteps; i++)
			if (past->steps[i].event != NULL && past->steps[i].event->id == event)
				past->steps[i].edits = lappend(past->steps[i].edits, text_at(r, 2));
	}
}

/* What was there, and how it stood. */
static void
read_start(ScPast *past)
{
	static const Oid types[] = { INT8OID, TIMESTAMPTZOID };
	Datum values[] = { Int64GetDatum(past->entity), TimestampTzGetDatum(past->since) };
	bool is_null;

	sc_plan_run(&(ScPlan){ "past_links",
						   "SELECT id FROM syncore.link WHERE entity = $1 AND created_at < $2", 2,
						   types },
				values, NULL);
	for (int r = 0; r < (int) SPI_processed; r++)
	{
		int64 *id = palloc(sizeof(int64));

		*id = DatumGetInt64(value_at(r, 1, &is_null));
		past->old_links = lappend(past->old_links, id);
	}
	sc_plan_run(&(ScPlan){ "past_values",
						   "SELECT a.field, a.value, y.id FROM syncore.as_of($1, $2) a LEFT JOIN "
						   "syncore.system y ON y.name = a.system",
						   2, types },
				values, NULL);
	past->values = palloc0(sizeof(ScFieldValue) * Max((int) SPI_processed, 1));
	past->by = palloc0(sizeof(int32) * Max((int) SPI_processed, 1));
	for (int r = 0; r < (int) SPI_processed; r++)
	{
		Datum value = value_at(r, 2, &is_null);

		if (is_null)
			continue;
		past->values[past->nvalues].field = text_at(r, 1);
		past->values[past->nvalues].value = sc_value_json(DatumGetJsonbPCopy(value));
		Datum system = value_at(r, 3, &is_null);

		past->by[past->nvalues++] = is_null ? 0 : DatumGetInt32(system);
	}
}

/* Fields that the configuration reads in an event. */
static List *
heard_fields(ScConf *committed, ScEventRow *event)
{
	ScItem item = { .kind = SC_ITEM_EVENT, .event = event };
	ScWork work = { .item = &item };
	ScRun run = { .conf = committed,
				  .now = event->received_at,
				  .result_cxt = CurrentMemoryContext,
				  .rehearsal = true,
				  .nworks = 1,
				  .works = &work };
	List *heard = NIL;

	run.outside = sc_piece_begin(&run);
	sc_intake_sort(&run);
	if (work.settled)
		return NIL;
	ScBatch batch = sc_piece_begin(&run);
	ScStatement *statement = sc_event_statement(
		&batch, work.system,
		sc_conf_record_map(work.system, work.shape.record_type, work.shape.record), event,
		&work.shape);

	for (int i = 0; i < statement->nfields; i++)
		if (statement->fields[i].outcome == SC_MAP_OK ||
			statement->fields[i].outcome == SC_MAP_NEAREST)
			heard = lappend(heard, statement->fields[i].map->field->name);
	return heard;
}

static Datum
value_at(int row, int column, bool *is_null)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, is_null);
}

static char *
text_at(int row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}
