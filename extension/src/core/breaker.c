/*
 * breaker.c
 *	  The loop breaker (R20).  It counts reversals, not writes: a machine that
 *	  restores what our acknowledged write had replaced.
 *
 * Rapid edits by people never restore what we overwrote by themselves, so they
 * never trip it; two automations that fight do so every time.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/say.h"

#define REVERSAL_WITHIN_US (10 * USECS_PER_SEC)

static bool is_reversal(const ScBatch *batch, const ScShadowField *shadow,
						const ScStatement *statement, const ScMapped *said);
static void count_reversal(ScShadowField *shadow, TimestampTz now, int64 window);
static bool is_stopped_elsewhere(const ScEntity *entity, const ScField *field);
static void stop(ScBatch *batch, ScLink *link, ScShadowField *shadow, const ScStatement *statement,
				 const ScMapped *said);

void
sc_breaker_watch(ScBatch *batch, ScLink *link, ScShadowField *shadow, const ScStatement *statement,
				 const ScMapped *said)
{
	const ScEntityType *type = link->entity->type;

	if (!is_reversal(batch, shadow, statement, said))
		return;
	count_reversal(shadow, batch->now, type->loop_window_us);
	if (!shadow->stopped && shadow->nreversals >= Min(type->loop_limit, SC_SHADOW_REVERSALS_MAX))
		stop(batch, link, shadow, statement, said);
}

static bool
is_reversal(const ScBatch *batch, const ScShadowField *shadow, const ScStatement *statement,
			const ScMapped *said)
{
	const ScWrite *last;

	if (statement->actor_kind == SC_ACTOR_HUMAN || shadow->nwrites == 0)
		return false;
	last = &shadow->writes[shadow->nwrites - 1];
	if (batch->now - last->acked_at > REVERSAL_WITHIN_US)
		return false;
	return sc_order_same(said->map, &said->external, &last->before_held) ||
		   sc_value_equal_loosely(&said->external, &last->before_held);
}

/* Oldest first; what has left the window is forgotten. */
static void
count_reversal(ScShadowField *shadow, TimestampTz now, int64 window)
{
	int kept = 0;

	for (int i = 0; i < shadow->nreversals; i++)
		if (now - shadow->reversals[i] <= window)
			shadow->reversals[kept++] = shadow->reversals[i];
	if (kept == SC_SHADOW_REVERSALS_MAX)
	{
		memmove(shadow->reversals, shadow->reversals + 1, sizeof(TimestampTz) * (kept - 1));
		kept--;
	}
	shadow->reversals[kept++] = now;
	shadow->nreversals = kept;
}

static bool
is_stopped_elsewhere(const ScEntity *entity, const ScField *field)
{
	for (int i = 0; i < list_length(entity->links); i++)
	{
		ScLink *link = list_nth(entity->links, i);
		ScShadowField *shadow = sc_shadow_find(&link->shadow, field->name);

		if (shadow != NULL && shadow->stopped)
			return true;
	}
	return false;
}

/* One alert for an entity and field, however many links stop. */
static void
stop(ScBatch *batch, ScLink *link, ScShadowField *shadow, const ScStatement *statement,
	 const ScMapped *said)
{
	ScEntity *entity = link->entity;
	const ScField *field = said->map->field;
	ScLedgerEntry *entry = sc_decide_note(batch, SC_LEDGER_LOOP, link, statement, said);
	char *record = link->external_key != NULL ? link->external_key : link->external_id;

	ScAlertOut *alert;
	bool first = !is_stopped_elsewhere(entity, field);

	shadow->stopped = true;
	entry->rule = "R20";
	entry->reason =
		psprintf("an automation at %s has put %s of %s back to %s %d times in a row after our "
				 "writes: nothing more of this field is written there until it is released",
				 link->system->name, field->name, record, sc_say_value(field, &said->canonical),
				 shadow->nreversals);
	if (!first)
		return;
	alert = sc_decide_alert(batch, entity->space, "loop",
							psprintf("loop:" INT64_FORMAT ":%s", entity->id, field->name));
	alert->detail = entry->reason;
	alert->hint = psprintf(
		"Find the automation at %s, then: SELECT syncore.release_hold('" INT64_FORMAT "', '%s');",
		link->system->name, entity->id, field->name);
}
