/*
 * intake.c
 *	  What can be said of events before any entity is known: unknown system or
 *	  record type, no record named, out of scope, seen before.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "core/json.h"
#include "engine/run.h"
#include "store/event_key.h"
#include "store/plan.h"

static void look_at(ScRun *run, ScWork *work);
static void check_names(ScRun *run, ScWork *work);
static bool is_out_of_scope(ScRun *run, ScWork *work);
static void look_at_outcome(ScRun *run, ScWork *work);
static void refuse(ScRun *run, ScWork *work, ScProblem problem);
static void drop_duplicates(ScRun *run);
static bool has_own_id(const ScWork *work);
static void note_duplicate(ScRun *run, ScWork *work);
static void count_duplicates(ScRun *run, ScWork **works, int n);

void
sc_intake_sort(ScRun *run)
{
	for (int i = 0; i < run->nworks; i++)
	{
		if (run->works[i].item->kind == SC_ITEM_OUTCOME)
			look_at_outcome(run, &run->works[i]);
		else
			look_at(run, &run->works[i]);
	}
	/* What is only tried is new, whatever id it has. */
	if (!run->rehearsal)
		drop_duplicates(run);
}

static void
look_at(ScRun *run, ScWork *work)
{
	const ScEventRow *event = work->item->event;

	work->system = sc_conf_system_by_name(run->conf, event->system);
	if (work->system == NULL)
	{
		refuse(
			run, work,
			(ScProblem){ .sqlstate = ERRCODE_UNDEFINED_OBJECT,
						 .message = psprintf("system \"%s\" does not exist", event->system),
						 .hint = "Add the system or correct its name, then release the entry." });
		return;
	}
	if (event->payload == NULL)
	{
		const ScProblem *problem = sc_ingest_problem(event->id);

		if (problem != NULL)
			sc_quarantine_put(run, &run->outside, work, NULL, problem);
		else
			refuse(run, work,
				   (ScProblem){ .sqlstate = ERRCODE_NULL_VALUE_NOT_ALLOWED,
								.path = "",
								.message = "the event has no payload",
								.hint = "Insert the payload as JSON." });
		return;
	}
	work->shape = sc_event_shape(run->conf, work->system, event);
	if (is_out_of_scope(run, work))
		return;
	check_names(run, work);
	work->ref.system_id = work->system->id;
	work->ref.record_type = work->shape.record_type;
	work->ref.external_id = work->shape.external_id;
	work->ref.marker = work->shape.marker;
}

/* Does it say what it is about, in words that have a meaning here? */
static void
check_names(ScRun *run, ScWork *work)
{
	if (work->shape.problem != NULL && (work->shape.external_id == NULL ||
										work->shape.record_type == NULL || work->shape.bad_time))
		refuse(run, work,
			   (ScProblem){ .sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
							.path = work->shape.problem_path,
							.message = work->shape.problem,
							.hint = work->shape.problem_hint });
	else if (work->shape.record_type == NULL || work->shape.external_id == NULL)
		refuse(run, work,
			   (ScProblem){ .sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
							.path = "",
							.message = "the payload names no record",
							.hint = "Look at the rows of syncore.connector_event, or give "
									"record_type and external_id." });
	else if (work->shape.kind != NULL && !sc_shape_is_kind(work->shape.kind))
		refuse(run, work,
			   (ScProblem){ .sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
							.path = work->shape.problem_path,
							.message = psprintf("\"%.60s\" is no kind of event", work->shape.kind),
							.hint = "It is create, update, delete, comment, comment_delete or "
									"snapshot; leave it out where the payload says so." });
	else if (sc_conf_record_map(work->system, work->shape.record_type, NULL) == NULL)
		refuse(run, work,
			   (ScProblem){ .sqlstate = ERRCODE_UNDEFINED_OBJECT,
							.message = psprintf("record type \"%s\" of system \"%s\" is not mapped",
												work->shape.record_type, work->system->name),
							.hint = "Insert a row into syncore.record_map and rows into "
									"syncore.field_map, then release "
									"the entry." });
}

static bool
is_out_of_scope(ScRun *run, ScWork *work)
{
	if (work->system->mode == SC_MODE_DRAFT)
		sc_intake_pass_over(
			run, &run->outside, work, "mode",
			psprintf("System \"%s\" is in mode draft: the event is kept, nothing is decided.",
					 work->system->name));
	else if (work->shape.kind != NULL && strcmp(work->shape.kind, "ignore") == 0)
		sc_intake_pass_over(run, &run->outside, work, "shape",
							"The connector's rows say that such events are of no interest.");
	else if (!sc_conf_holds(work->system->accepts, work->shape.record))
		sc_intake_pass_over(
			run, &run->outside, work, "accepts",
			psprintf("The record is not one that system \"%s\" accepts.", work->system->name));
	return work->settled;
}

void
sc_intake_pass_over(ScRun *run, ScBatch *batch, ScWork *work, const char *rule, const char *reason)
{
	ScLedgerEntry *entry = sc_model_note(batch, SC_LEDGER_OUT_OF_SCOPE, NULL, NULL);

	entry->system = work->system;
	entry->space = work->system->space;
	entry->event = work->item->event->id;
	entry->actor = work->shape.actor;
	entry->rule = pstrdup(rule);
	entry->reason = pstrdup(reason);
	entry->correlation_id = work->item->event->correlation_id;
	sc_run_settle(run, work, "ignored", reason, 0);
}

/* An outcome names its link and entity; what it may meet under the same id or marker is looked up with the rest. */
static void
look_at_outcome(ScRun *run, ScWork *work)
{
	const ScCallPlan *plan = work->item->plan;
	const ScOutcome *outcome = &plan->outcome;

	work->system = sc_conf_system(run->conf, plan->system_id);
	work->entity = plan->entity;
	if (work->system == NULL)
	{
		sc_run_settle(run, work, "ignored", "The system is gone.", plan->entity);
		return;
	}
	work->other.system_id = plan->system_id;
	work->other.record_type = plan->record_type;
	if (plan->entity != 0 && plan->call.kind == SC_CALL_CREATE)
		work->other.external_id = outcome->external_id;
	else if (plan->entity == 0 && outcome->body != NULL && outcome->body->marker != NULL)
	{
		/* No record has this id, so it is found by its marker. */
		work->other.external_id = "";
		work->other.marker = outcome->body->marker;
	}
}

static void
refuse(ScRun *run, ScWork *work, ScProblem problem)
{
	sc_quarantine_put(run, &run->outside, work, NULL, &problem);
}

/* R1.  What cannot be claimed was there before, or is the second of its id in this very set. */
static void
drop_duplicates(ScRun *run)
{
	ScEventKey *keys = palloc(sizeof(ScEventKey) * run->nworks);
	ScWork **works = palloc(sizeof(ScWork *) * run->nworks);
	int n = 0;
	int nrepeated = 0;

	for (int i = 0; i < run->nworks; i++)
	{
		ScWork *work = &run->works[i];
		const ScEventRow *event = work->item->event;

		if (work->settled || work->item->kind != SC_ITEM_EVENT || event->event_id == NULL)
			continue;
		keys[n] = (ScEventKey){ work->system->id, event->event_id, event->id, false };
		works[n++] = work;
	}
	sc_event_key_claim(keys, n);
	for (int i = 0; i < n; i++)
	{
		if (keys[i].claimed)
			continue;
		note_duplicate(run, works[i]);
		works[nrepeated++] = works[i];
	}
	count_duplicates(run, works, nrepeated);
}

/* A digest stands for the id that the sender did not give. */
static bool
has_own_id(const ScWork *work)
{
	return strncmp(work->item->event->event_id, "sha256:", 7) != 0;
}

/* Without ids and without an exact order a repeated payload may be news: a, b, a.  It is only a hint then. */
static void
note_duplicate(ScRun *run, ScWork *work)
{
	ScGrade grade = work->system->connector->grade;

	if (!has_own_id(work) && (grade == SC_GRADE_COARSE || grade == SC_GRADE_NONE))
	{
		work->hint = true;
		return;
	}
	ScLedgerEntry *entry = sc_model_note(&run->outside, SC_LEDGER_DUPLICATE, NULL, NULL);
	char *reason = psprintf("The event id \"%s\" was received before; nothing was decided again.",
							work->item->event->event_id);

	entry->system = work->system;
	entry->space = work->system->space;
	entry->event = work->item->event->id;
	entry->actor = work->shape.actor;
	entry->rule = pstrdup("redelivery");
	entry->reason = reason;
	entry->correlation_id = work->item->event->correlation_id;
	sc_run_settle(run, work, "duplicate", reason, 0);
}

static void
count_duplicates(ScRun *run, ScWork **works, int n)
{
	static const ScColumn columns[] = { { "system_id", INT4OID }, { "event_id", TEXTOID } };
	ScRows *rows;

	if (n == 0)
		return;
	rows = sc_rows_begin("repeats", lengthof(columns), columns);
	for (int i = 0; i < n; i++)
	{
		Datum values[] = { Int32GetDatum(works[i]->system->id),
						   CStringGetTextDatum(works[i]->item->event->event_id) };
		bool nulls[lengthof(columns)] = { false };

		sc_rows_put(rows, values, nulls);
	}
	sc_rows_run(rows, "count_duplicates",
				"UPDATE syncore.event_key k SET repeated = k.repeated + r.times "
				"FROM (SELECT system_id, event_id, count(*)::integer AS times FROM repeats GROUP "
				"BY 1, 2 ORDER BY 1, 2) r "
				"WHERE k.system_id = r.system_id AND k.event_id = r.event_id");
}
