/*
 * breaker.c
 *	  The loop breaker (R20).  It counts what machines do to our acknowledged
 *	  writes, not the writes: reversals, where one restores what we had replaced,
 *	  and rounds, where one answers a write with a change of another field, whose
 *	  writes another answers in turn (a cascade that bites its tail).
 *
 * Rapid edits by people trip neither: they restore nothing by themselves, and a
 * write of a person's value is the end of any round.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/say.h"

static bool is_reversal(const ScBatch *batch, const ScLink *link, const ScShadowField *shadow,
						const ScMapped *said);
static bool is_answer(const ScBatch *batch, const ScLink *link, const ScShadowField *written);
static void watch_rounds(ScBatch *batch, ScLink *link, const ScStatement *statement,
						 const ScMapped *said);
static bool is_round(ScBatch *batch, ScLink *link, const ScShadowField *written,
					 const ScMapped *said);
static bool was_written_for_machine(const ScBatch *batch, const ScLink *link,
									const ScShadowField *written, int64 *source);
static ScLink *find_link(const ScEntity *entity, int64 id);
static void count_reversal(ScShadowField *shadow, TimestampTz now, int64 window);
static bool is_one_too_many(const ScBatch *batch, const ScLink *link, ScShadowField *shadow);
static bool is_stopped_elsewhere(const ScEntity *entity, const char *field);
static const char *name_of(const ScLink *link);
static ScLedgerEntry *stop(ScBatch *batch, ScLink *link, ScShadowField *shadow,
						   const ScStatement *statement, char *reason);

void
sc_breaker_watch(ScBatch *batch, ScLink *link, ScShadowField *shadow, const ScStatement *statement,
				 const ScMapped *said)
{
	if (statement->actor_kind == SC_ACTOR_HUMAN)
		return;
	if (!is_reversal(batch, link, shadow, said))
		watch_rounds(batch, link, statement, said);
	else if (is_one_too_many(batch, link, shadow))
		stop(batch, link, shadow, statement,
			 psprintf("an automation at %s has put %s of %s back to %s %d times in a row after our "
					  "writes: nothing more of this field is written there until it is released",
					  link->system->name, shadow->field, name_of(link),
					  sc_say_value(said->map->field, &said->canonical), shadow->nreversals))
			->new_value = sc_say_jsonb(said->map->field, &said->canonical);
}

static bool
is_reversal(const ScBatch *batch, const ScLink *link, const ScShadowField *shadow,
			const ScMapped *said)
{
	const ScWrite *last;

	if (!is_answer(batch, link, shadow))
		return false;
	last = &shadow->writes[shadow->nwrites - 1];
	return sc_order_same(said->map, &said->external, &last->before_held) ||
		   sc_value_equal_loosely(&said->external, &last->before_held);
}

/* What is heard now came so soon after our last write of this field that it may be an answer to it. */
static bool
is_answer(const ScBatch *batch, const ScLink *link, const ScShadowField *written)
{
	return written->nwrites > 0 && batch->now - written->writes[written->nwrites - 1].acked_at <=
									   link->entity->type->loop_within_us;
}

/*
 * A machine's change of a field that we did not write, soon after our
 * writes of others: those that were an answer to such an answer are counted.
 */
static void
watch_rounds(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScMapped *said)
{
	for (int i = 0; i < link->shadow.len; i++)
	{
		ScShadowField *written = &link->shadow.items[i];

		if (!is_round(batch, link, written, said) || !is_one_too_many(batch, link, written))
			continue;
		stop(batch, link, written, statement,
			 psprintf("an automation at %s answers our writes of %s to %s with a change of %s, and "
					  "another system's answers that: it has gone round %d times, so nothing more "
					  "of this field is written there until it is released",
					  link->system->name, written->field, name_of(link), said->map->field->name,
					  written->nreversals));
	}
}

/*
 * Has it come round?  We wrote a value that a machine elsewhere had set, soon
 * after we had written a machine's value there; and before, this system's
 * machine had set the field that it changes now.
 */
static bool
is_round(ScBatch *batch, ScLink *link, const ScShadowField *written, const ScMapped *said)
{
	ScStamp *stamp = sc_stamp_find(&link->entity->stamps, said->map->field->name);
	int64 source;
	int64 before;
	ScLink *other;

	if (strcmp(written->field, said->map->field->name) == 0 || stamp == NULL ||
		stamp->nversions == 0 || stamp->together || stamp->versions[0].dot.link != link->id ||
		stamp->versions[0].actor_kind == SC_ACTOR_HUMAN ||
		!was_written_for_machine(batch, link, written, &source))
		return false;
	other = find_link(link->entity, source);
	for (int i = 0; other != NULL && i < other->shadow.len; i++)
		if (was_written_for_machine(batch, other, &other->shadow.items[i], &before))
			return true;
	return false;
}

/* Was our last write of this field a moment ago, of a value set by a machine at another link (*source)? */
static bool
was_written_for_machine(const ScBatch *batch, const ScLink *link, const ScShadowField *written,
						int64 *source)
{
	const ScStamp *stamp = sc_stamp_find(&link->entity->stamps, written->field);

	if (stamp == NULL || stamp->nversions == 0 || stamp->together ||
		!is_answer(batch, link, written))
		return false;
	*source = stamp->versions[0].dot.link;
	return stamp->versions[0].actor_kind != SC_ACTOR_HUMAN && *source != 0 && *source != link->id;
}

static ScLink *
find_link(const ScEntity *entity, int64 id)
{
	for (int i = 0; i < list_length(entity->links); i++)
	{
		ScLink *link = list_nth(entity->links, i);

		if (link->id == id)
			return link;
	}
	return NULL;
}

/* Counts, and says whether that stops the field there. */
static bool
is_one_too_many(const ScBatch *batch, const ScLink *link, ScShadowField *shadow)
{
	const ScEntityType *type = link->entity->type;

	count_reversal(shadow, batch->now, type->loop_window_us);
	return !shadow->stopped && shadow->nreversals >= type->loop_limit;
}

/* Oldest first; what has left the window is forgotten. */
static void
count_reversal(ScShadowField *shadow, TimestampTz now, int64 window)
{
	TimestampTz *times = palloc(sizeof(TimestampTz) * (shadow->nreversals + 1));
	int drop = shadow->nreversals == SC_SHADOW_REVERSALS_MAX ? 1 : 0;
	int kept = 0;

	for (int i = drop; i < shadow->nreversals; i++)
		if (now - shadow->reversals[i] <= window)
			times[kept++] = shadow->reversals[i];
	times[kept++] = now;
	shadow->reversals = times;
	shadow->nreversals = kept;
}

static bool
is_stopped_elsewhere(const ScEntity *entity, const char *field)
{
	for (int i = 0; i < list_length(entity->links); i++)
	{
		ScLink *link = list_nth(entity->links, i);
		ScShadowField *shadow = sc_shadow_find(&link->shadow, field);

		if (shadow != NULL && shadow->stopped)
			return true;
	}
	return false;
}

static const char *
name_of(const ScLink *link)
{
	return link->external_key != NULL ? link->external_key : link->external_id;
}

/* One alert for an entity and field, however many links stop. */
static ScLedgerEntry *
stop(ScBatch *batch, ScLink *link, ScShadowField *shadow, const ScStatement *statement,
	 char *reason)
{
	ScEntity *entity = link->entity;
	ScLedgerEntry *entry = sc_decide_note(batch, SC_LEDGER_LOOP, link, statement, NULL);
	bool first = !is_stopped_elsewhere(entity, shadow->field);
	ScAlertOut *alert;

	shadow->stopped = true;
	if (link->state == SC_LINK_ACTIVE)
		link->state = SC_LINK_DIVERGED;
	link->changed = true;
	entry->field = shadow->field;
	entry->rule = "R20";
	entry->reason = reason;
	if (!first)
		return entry;
	alert = sc_decide_alert(batch, entity->space, "loop",
							psprintf("loop:" INT64_FORMAT ":%s", entity->id, shadow->field));
	alert->detail = reason;
	alert->hint = psprintf(
		"Find the automation at %s, then: SELECT syncore.release_hold('" INT64_FORMAT "', '%s');",
		link->system->name, entity->id, shadow->field);
	return entry;
}
