/*
 * matching.c
 *	  A record that nobody knows, and the match rules: which entity it belongs
 *	  to, which ones a person is asked about, and which records cannot be
 *	  decided together because one may be the other's other half.
 */
#include "postgres.h"

#include "engine/run.h"

static void prepare(ScRun *run, ScWork *work, Jsonb *record);
static bool may_meet(const ScRun *run, const ScWork *earlier, const ScWork *later);
static bool is_unknown(const ScWork *work);
static char *say_found(const ScWork *work, const ScMatch *item);

void
sc_matching_find(ScRun *run, ScWork *work, Jsonb *record)
{
	ScMatchFound found;

	if (!sc_match_has_rules(run->conf) || work->map == NULL || record == NULL)
		return;
	if (work->ask == NULL)
		prepare(run, work, record);
	work->entity = 0;
	work->found = NULL;
	if (!sc_match_find(run->conf, work->ask, &found))
		return;
	work->found = palloc(sizeof(ScMatchFound));
	*work->found = found;
	if (sc_matching_is_sure(work))
		work->entity = found.items[0].entity;
}

bool
sc_matching_is_sure(const ScWork *work)
{
	return work->found != NULL && work->found->n == 1 && !work->found->rule->review;
}

int
sc_matching_count(const ScRun *run, ScWork **works, int n)
{
	if (!sc_match_has_rules(run->conf))
		return n;
	for (int i = 1; i < n; i++)
		for (int k = 0; k < i && is_unknown(works[i]); k++)
			if (may_meet(run, works[k], works[i]))
				return i;
	return n;
}

void
sc_matching_note(ScBatch *batch, const ScWork *work, ScEntity *entity)
{
	for (int i = 0; work->found != NULL && i < work->found->n; i++)
		sc_match_note_candidate(batch, entity, &work->found->items[i], work->found->rule->id,
								say_found(work, &work->found->items[i]));
}

static void
prepare(ScRun *run, ScWork *work, Jsonb *record)
{
	bool outcome = work->item->kind == SC_ITEM_OUTCOME;

	work->ask = palloc0(sizeof(ScMatchAsk));
	work->ask->system = work->system;
	work->ask->map = work->map;
	work->ask->record = record;
	work->ask->external_id = outcome ? NULL : work->shape.external_id;
	work->ask->external_key = outcome ? NULL : work->shape.external_key;
	work->ask->at = outcome ? run->now : work->item->event->received_at;
	sc_match_prepare(run->conf, work->ask);
}

/* May the later one belong to the entity that the earlier one makes? */
static bool
may_meet(const ScRun *run, const ScWork *earlier, const ScWork *later)
{
	const ScMatchAsk *one = earlier->ask;
	const ScMatchAsk *other = later->ask;

	if (!is_unknown(earlier) || one == NULL || other == NULL ||
		one->system->space != other->system->space)
		return false;
	if (one->system == other->system && strcmp(one->external_id, other->external_id) == 0 &&
		strcmp(earlier->shape.record_type, later->shape.record_type) == 0)
		return false;
	return sc_match_may_meet(run->conf, one, other);
}

static bool
is_unknown(const ScWork *work)
{
	return work->item->kind != SC_ITEM_OUTCOME && work->ref.link == 0;
}

static char *
say_found(const ScWork *work, const ScMatch *item)
{
	const ScMatchRule *rule = work->found->rule;

	if (work->found->n > 1)
		return psprintf("%d entities match by this rule: it cannot be told which is meant.",
						work->found->n);
	if (rule->kind == SC_MATCH_FUZZY && rule->review)
		return psprintf("What they say is alike by %.2f; %.2f is enough to ask a person.",
						item->score, rule->threshold);
	if (rule->review)
		return pstrdup("The rule asks for a person to confirm the match.");
	return pstrdup("The same key belongs to an entity that has a record in this system already.");
}
