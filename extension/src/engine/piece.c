/*
 * piece.c
 *	  One piece of a run: the entities of its items are locked and loaded, each
 *	  item is decided in memory, and what came of it is stored.  Nothing here
 *	  catches an error: run.c does.
 */
#include "postgres.h"

#include "engine/follow.h"
#include "engine/hooks.h"
#include "engine/run.h"
#include "store/save.h"
#include "store/survey.h"

static void decide_work(ScRun *run, ScBatch *batch, ScWork *work);
static void decide_event(ScRun *run, ScBatch *batch, ScWork *work);
static void decide_outcome(ScRun *run, ScBatch *batch, ScWork *work);
static void read_as_linked(const ScBatch *batch, const ScLink *link, ScStatement *body);
static bool has_landed(const ScBatch *batch, int before);
static void replay_waiting(ScRun *run, ScBatch *batch, ScLink *link);
static bool is_late(const ScLink *link, const ScCallPlan *plan);
static void load_named_copies(ScLink *link, const ScStatement *statement);
static void owe_read(ScLink *link, const ScStatement *statement);
static void settle_by_ledger(ScRun *run, ScWork *work, ScBatch *batch, int before, ScLink *link);
static const char *say_wanted(const ScBatch *batch, const ScLink *link);
static const char *result_of(ScLedgerKind kind, int *weight);
static int order_ids(const void *a, const void *b);
static int64 *unique_ids(int64 *ids, int *n);

bool
sc_decide_piece(ScRun *run, ScWork **works, int n)
{
	ScBatch batch = sc_piece_begin(run);

	sc_piece_load(&batch, works, n);
	sc_piece_decide(run, &batch, works, n);
	bool queued = sc_save(&batch);

	sc_resolve_save_keys(run, &batch);
	return queued;
}

ScBatch
sc_piece_begin(const ScRun *run)
{
	return (ScBatch){ .conf = run->conf,
					  .now = run->now,
					  .map_hooks = sc_hooks_map(),
					  .hooks = sc_hooks_decide(),
					  .rehearsal = run->rehearsal };
}

void
sc_piece_decide(ScRun *run, ScBatch *batch, ScWork **works, int n)
{
	for (int i = 0; i < n; i++)
		decide_work(run, batch, works[i]);
	for (int i = 0; i < list_length(batch->entities); i++)
		sc_decide_fan_out(batch, list_nth(batch->entities, i));
}

void
sc_piece_load(ScBatch *batch, ScWork **works, int n)
{
	int64 *entities = palloc(sizeof(int64) * n);
	int64 *candidates = palloc(sizeof(int64) * n * 2);
	int nentities = 0;
	int ncandidates = 0;

	for (int i = 0; i < n; i++)
	{
		const ScWork *work = works[i];
		bool outcome = work->item->kind == SC_ITEM_OUTCOME;

		if (work->entity != 0)
			entities[nentities++] = work->entity;
		if (outcome && work->item->plan->entity == 0)
			candidates[ncandidates++] = work->item->plan->link;
		else if (work->entity == 0 && work->ref.link != 0)
			candidates[ncandidates++] = work->ref.link;
		if (outcome && work->other.link != 0 && work->other.entity == 0)
			candidates[ncandidates++] = work->other.link;
	}
	/* Each once: in which order a call's arguments are computed is not said, so this is a step of its own. */
	entities = unique_ids(entities, &nentities);
	candidates = unique_ids(candidates, &ncandidates);
	sc_load_entities(batch, entities, nentities);
	sc_load_successors(batch);
	sc_load_candidates(batch, candidates, ncandidates);
}

static void
decide_work(ScRun *run, ScBatch *batch, ScWork *work)
{
	if (work->settled)
		return;
	if (work->item->kind == SC_ITEM_OUTCOME)
		decide_outcome(run, batch, work);
	else
		decide_event(run, batch, work);
}

static void
decide_event(ScRun *run, ScBatch *batch, ScWork *work)
{
	ScLink *link = sc_resolve_link(run, batch, work);
	int before = list_length(batch->ledger);
	const ScMapped *failure = NULL;

	if (link == NULL && work->ref.link == 0)
	{
		sc_intake_pass_over(run, batch, work, "record_map",
							psprintf("No row of record_map takes this %s of system \"%s\".",
									 work->shape.record_type, work->system->name));
		return;
	}
	if (link == NULL)
		ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("record \"%s\" of system \"%s\" was moved or removed meanwhile",
					   work->shape.external_id, work->system->name),
				errhint("Run the transaction again."));
	bool made = link->fresh && link->shadow.len == 0 && before == list_length(batch->ledger) &&
				link->waiting == NIL;
	ScStatement *statement =
		sc_event_statement(batch, work->system, link->map, work->item->event, &work->shape);

	sc_survey_look(batch, statement, work->shape.record);
	load_named_copies(link, statement);
	ScDecided decided = sc_decide_statement(batch, link, statement, &failure);

	if (decided == SC_DECIDED_QUARANTINE)
	{
		ScProblem problem = sc_quarantine_problem(failure);

		if (made)
			sc_resolve_undo(batch, link);
		sc_quarantine_put(run, batch, work,
						  made || link->entity == NULL || link->entity->fresh ? NULL : link->entity,
						  &problem);
		return;
	}
	sc_follow_want(batch, link, statement);
	replay_waiting(run, batch, link);
	if (work->hint)
		owe_read(link, statement);
	work->waits = decided == SC_DECIDED_WAITS;
	settle_by_ledger(run, work, batch, before, link);
}

static void
decide_outcome(ScRun *run, ScBatch *batch, ScWork *work)
{
	ScLink *link = sc_resolve_outcome(run, batch, work);
	int before = list_length(batch->ledger);

	if (link == NULL && sc_resolve_has_moved(work))
		ereport(
			ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			errmsg("the record of a call to system \"%s\" was given to another entity meanwhile",
				   work->system->name),
			errhint("Run the transaction again."));
	if (link == NULL || link->entity == NULL)
	{
		sc_run_settle(run, work, "ignored", "The link is gone, or is still a candidate.",
					  work->entity);
		return;
	}
	if (work->item->plan->outcome.body != NULL)
	{
		read_as_linked(batch, link, work->item->plan->outcome.body);
		sc_survey_look(batch, work->item->plan->outcome.body,
					   work->item->plan->outcome.body->record);
		sc_follow_want(batch, link, work->item->plan->outcome.body);
	}
	if (link->id == work->item->plan->link)
	{
		if (is_late(link, work->item->plan))
		{
			sc_run_settle(run, work, "ignored", "The call was given up before its answer came.",
						  link->entity->id);
			return;
		}
		/* A candidate became a record of its own: first what was said of it, by whom, then what the read shows. */
		if (work->item->plan->entity == 0)
		{
			replay_waiting(run, batch, link);
			link->call.heard = false;
		}
		sc_decide_outcome(batch, link, &work->item->plan->outcome);
		work->item->plan->landed = has_landed(batch, before);
	}
	else if (link->call.kind == SC_CALL_CREATE)
	{
		/* The candidate was ours: the read of its record proves that the create has landed. */
		sc_decide_outcome(batch, link, &work->item->plan->outcome);
	}
	replay_waiting(run, batch, link);
	settle_by_ledger(run, work, batch, before, link);
}

/* What a record is tied to stays so, whatever condition of record_map it fulfils by now. */
static void
read_as_linked(const ScBatch *batch, const ScLink *link, ScStatement *body)
{
	if (link->map == NULL || body->record == NULL ||
		(body->map != NULL && body->map->type->id == link->entity->type->id))
		return;
	body->map = link->map;
	body->nfields = sc_map_read(&(ScMapCxt){ batch->conf, link->system, batch->map_hooks },
								link->map, body->record, body->full_record, &body->fields);
}

/* Did the outcome prove a write whose answer was lost? */
static bool
has_landed(const ScBatch *batch, int before)
{
	for (int i = before; i < list_length(batch->ledger); i++)
		if (((ScLedgerEntry *) list_nth(batch->ledger, i))->kind == SC_LEDGER_LANDED)
			return true;
	return false;
}

/* R19: what waited for the outcome is decided before anything is sent. */
static void
replay_waiting(ScRun *run, ScBatch *batch, ScLink *link)
{
	int n = list_length(link->replay);
	int64 *ids = palloc(sizeof(int64) * Max(n, 1));
	ScEventRow **events;

	for (int i = 0; i < n; i++)
		ids[i] = *(int64 *) list_nth(link->replay, i);
	link->replay = NIL;
	if (n == 0)
		return;
	/* What waited and what was unsure, in the order in which they were heard. */
	(void) unique_ids(ids, &n);
	events = sc_event_load(ids, n);
	for (int i = 0; i < n; i++)
	{
		ScItem item = { .kind = SC_ITEM_REPLAY, .event = events[i] };
		ScWork work = { .item = &item, .system = link->system };
		const ScMapped *failure = NULL;

		if (events[i] == NULL)
			continue;
		work.shape = sc_event_shape(run->conf, link->system, events[i]);
		ScStatement *statement =
			sc_event_statement(batch, link->system, link->map, events[i], &work.shape);

		load_named_copies(link, statement);
		if (sc_decide_statement(batch, link, statement, &failure) != SC_DECIDED_QUARANTINE)
		{
			sc_follow_want(batch, link, statement);
			continue;
		}
		ScProblem problem = sc_quarantine_problem(failure);

		sc_quarantine_put(run, batch, &work, link->entity->fresh ? NULL : link->entity, &problem);
	}
}

/* R17: an answer to a call that somebody else has taken for lost, or that was made anew. */
static bool
is_late(const ScLink *link, const ScCallPlan *plan)
{
	if (link->call.kind == SC_CALL_NONE)
		return true;
	if (link->call.marker == NULL || plan->call.marker == NULL)
		return link->call.at != plan->call.at;
	return strcmp(link->call.marker, plan->call.marker) != 0 || link->call.at != plan->call.at;
}

static void
load_named_copies(ScLink *link, const ScStatement *statement)
{
	ScCommentRef *refs = palloc(sizeof(ScCommentRef) * Max(statement->ncomments, 1));
	int n = 0;

	for (int i = 0; i < statement->ncomments && !link->fresh; i++)
	{
		if (statement->comments[i].external_id == NULL)
			continue;
		refs[n].link = link;
		refs[n].channel = statement->comments[i].channel;
		refs[n++].external_id = statement->comments[i].external_id;
	}
	sc_load_copies(refs, n);
}

/* R1 on systems without ids and without an exact order: a payload seen before that says something else than is held. */
static void
owe_read(ScLink *link, const ScStatement *statement)
{
	for (int i = 0; i < statement->nfields; i++)
	{
		const ScMapped *said = &statement->fields[i];
		ScShadowField *shadow =
			said->map == NULL ? NULL : sc_shadow_find(&link->shadow, said->map->field->name);

		if ((said->outcome != SC_MAP_OK && said->outcome != SC_MAP_NEAREST) || shadow == NULL ||
			sc_map_same_external(said->map, &shadow->held, &said->external))
			continue;
		link->read_owed = true;
		link->due = true;
		link->changed = true;
	}
}

/* What an event came to is what the ledger says of it: the weightiest row since. */
static void
settle_by_ledger(ScRun *run, ScWork *work, ScBatch *batch, int before, ScLink *link)
{
	const char *result = "nothing";
	const char *reason = say_wanted(batch, link);
	int best = 0;

	for (int i = before; i < list_length(batch->ledger); i++)
	{
		const ScLedgerEntry *entry = list_nth(batch->ledger, i);
		int weight;
		const char *name = result_of(entry->kind, &weight);

		if (weight <= best)
			continue;
		best = weight;
		result = name;
		reason = entry->reason;
	}
	if (work->waits)
		result = "waiting";
	sc_run_settle(run, work, result, reason, link->entity == NULL ? 0 : link->entity->id);
}

/* What there is to say where nothing was decided. */
static const char *
say_wanted(const ScBatch *batch, const ScLink *link)
{
	ListCell *cell;

	foreach (cell, batch->wants)
	{
		const ScWantOut *want = lfirst(cell);

		if (want->link == link)
			return psprintf("It names %s %s, which is fetched first; nothing else differs from "
							"what is known.",
							want->kind, want->external_id);
	}
	return "Nothing differs from what is known.";
}

static const char *
result_of(ScLedgerKind kind, int *weight)
{
	switch (kind)
	{
		case SC_LEDGER_ECHO:
			*weight = 2;
			return "echo";
		case SC_LEDGER_STALE:
			*weight = 3;
			return "stale";
		case SC_LEDGER_UNSURE:
		case SC_LEDGER_WAIT:
			*weight = 4;
			return "waiting";
		case SC_LEDGER_OUT_OF_SCOPE:
		case SC_LEDGER_UNORDERED:
			*weight = 1;
			return "ignored";
		case SC_LEDGER_CONFLICT:
			*weight = 7;
			return "applied";
		case SC_LEDGER_CHANGE:
			*weight = 6;
			return "applied";
		default:
			*weight = 5;
			return "applied";
	}
}

static int64 *
unique_ids(int64 *ids, int *n)
{
	int len = 0;

	qsort(ids, *n, sizeof(int64), order_ids);
	for (int i = 0; i < *n; i++)
		if (len == 0 || ids[len - 1] != ids[i])
			ids[len++] = ids[i];
	*n = len;
	return ids;
}

static int
order_ids(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return x < y ? -1 : x > y ? 1 : 0;
}
