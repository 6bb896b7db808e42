/*
 * quarantine.c
 *	  Events that cannot be decided: stored with code, path, message and hint,
 *	  for a person to mend the map (or the sender) and release them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/elog.h"
#include "utils/timestamp.h"

#include "core/decide.h"
#include "core/json.h"
#include "engine/run.h"
#include "store/plan.h"
#include "store/save.h"

#define MESSAGE_MAX 1000

static void store(const ScWork *work, const ScProblem *problem);
static void tell_ledger(ScBatch *batch, const ScWork *work, ScEntity *entity,
						const ScProblem *problem);
static void tell_function(ScBatch *batch, const ScSystem *system, const ScProblem *problem);
static char *cut(const char *text);

void
sc_quarantine_put(ScRun *run, ScBatch *batch, ScWork *work, ScEntity *entity,
				  const ScProblem *problem)
{
	if (!run->rehearsal)
		store(work, problem);
	tell_ledger(batch, work, entity, problem);
	if (problem->sqlstate == ERRCODE_EXTERNAL_ROUTINE_EXCEPTION && work->system != NULL)
		tell_function(batch, work->system, problem);
	else if (problem->failure != NULL && problem->failure->unmapped && work->system != NULL)
		sc_decide_tell_unmapped(batch, work->system, problem->failure);
	sc_run_settle(run, work, "quarantined", problem->message, entity == NULL ? 0 : entity->id);
}

ScProblem
sc_quarantine_problem(const ScMapped *failure)
{
	ScProblem problem = { .sqlstate = failure->sqlstate,
						  .path = failure->map == NULL ? NULL : failure->map->path_text };

	problem.message =
		failure->message == NULL ? "a mapped field could not be read" : failure->message;
	problem.hint = failure->hint;
	problem.failure = failure;
	return problem;
}

static void
store(const ScWork *work, const ScProblem *problem)
{
	static const ScColumn columns[] = { { "space_id", INT4OID },
										{ "system", TEXTOID },
										{ "system_id", INT4OID },
										{ "event", INT8OID },
										{ "event_received_at", TIMESTAMPTZOID },
										{ "external_id", TEXTOID },
										{ "code", TEXTOID },
										{ "path", TEXTOID },
										{ "message", TEXTOID },
										{ "hint", TEXTOID },
										{ "raw", BYTEAOID } };
	ScRows *rows = sc_rows_begin("bad", lengthof(columns), columns);
	const ScEventRow *event = work->item->event;
	Datum values[lengthof(columns)] = { 0 };
	bool nulls[lengthof(columns)] = { false };

	nulls[0] = nulls[2] = work->system == NULL;
	if (work->system != NULL)
	{
		values[0] = Int32GetDatum(work->system->space->id);
		values[2] = Int32GetDatum(work->system->id);
	}
	values[1] = CStringGetTextDatum(event->system);
	values[3] = Int64GetDatum(event->id);
	values[4] = TimestampTzGetDatum(event->received_at);
	sc_save_text(&values[5], &nulls[5],
				 work->shape.external_id != NULL ? work->shape.external_id : event->external_id);
	values[6] = CStringGetTextDatum(unpack_sql_state(problem->sqlstate));
	sc_save_text(&values[7], &nulls[7], problem->path);
	values[8] = CStringGetTextDatum(cut(problem->message));
	values[9] = CStringGetTextDatum(problem->hint == NULL ? "" : problem->hint);
	nulls[10] = problem->raw == NULL;
	if (problem->raw != NULL)
		values[10] =
			PointerGetDatum(cstring_to_text_with_len(problem->raw, (int) problem->raw_len));
	sc_rows_put(rows, values, nulls);
	sc_rows_run(rows, "quarantine_put",
				"INSERT INTO syncore.quarantine_entry (space_id, system, system_id, event, "
				"event_received_at, external_id, code, path, "
				"message, hint, raw) SELECT space_id, system, system_id, event, event_received_at, "
				"external_id, code, path, "
				"message, hint, raw FROM bad");
}

static void
tell_ledger(ScBatch *batch, const ScWork *work, ScEntity *entity, const ScProblem *problem)
{
	ScLedgerEntry *entry = sc_model_note(batch, SC_LEDGER_QUARANTINE, entity, NULL);
	const ScEventRow *event = work->item->event;
	ScJson json = sc_json_object();

	sc_json_text(&json, "code", unpack_sql_state(problem->sqlstate));
	sc_json_text(&json, "path", problem->path);
	entry->system = work->system;
	if (work->system != NULL)
		entry->space = work->system->space;
	entry->event = event->id;
	entry->actor = work->shape.actor;
	entry->rule = pstrdup("quarantine");
	entry->reason = cut(problem->message);
	entry->detail = sc_json_end(&json);
	entry->correlation_id = event->correlation_id;
}

/* A function that fails does so with every event: somebody has to look at it. */
static void
tell_function(ScBatch *batch, const ScSystem *system, const ScProblem *problem)
{
	ScAlertOut *alert = palloc0(sizeof(ScAlertOut));

	alert->space = system->space;
	alert->level = "warning";
	alert->kind = "transform";
	alert->cause = psprintf("transform:%s:%s", system->name, problem->path);
	alert->object = system->name;
	alert->detail = cut(problem->message);
	alert->hint = "Correct the function, then release what waits: TABLE syncore.quarantine;";
	batch->alerts = lappend(batch->alerts, alert);
}

static char *
cut(const char *text)
{
	return pnstrdup(text, pg_mbcliplen(text, (int) strlen(text), MESSAGE_MAX));
}
