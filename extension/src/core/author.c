/*
 * author.c
 *	  Who set a value (R5, R8).
 *
 * A slot read, an answer or a whole record shows values beside the name of
 * whoever wrote last, which may be us, and at his time.  The statement of the
 * change itself may come later: it says nothing new, but who and when.  The
 * version gets both and the winner is chosen again, so that it makes no
 * difference which was heard first (I8): the statement with the lowest
 * position after the value that was replaced is the one that counts.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/say.h"

static void note_start(ScBatch *batch, ScLink *link, const ScStatement *statement,
					   const ScMapped *said, const ScMerge *merge);
static void name_author(ScBatch *batch, ScLink *link, const ScStatement *statement,
						const ScMapped *said, const ScVersion *version);
static const ScVersion *last_version(ScLink *link, const char *field);
static bool tells_of(const ScShadowField *shadow, const ScStatement *statement,
					 const ScVersion *version, const ScOrder *order);
static bool is_value(const ScBatch *batch, const ScLink *link, const ScVersion *version,
					 const ScMapped *said);
static bool is_same_author(const ScVersion *a, const ScVersion *b);
static void say_author(ScBatch *batch, ScLedgerEntry *entry, const char *rule);

ScVersion
sc_author_version(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScMapped *said)
{
	ScVersion version = { .value = said->canonical,
						  .dot = { link->id, 0 },
						  .actor_kind = statement->actor_kind,
						  .actor = statement->actor,
						  .system_id = link->system->id,
						  .rank = link->system->rank,
						  .at = statement->source_time != 0	  ? statement->source_time
								: statement->received_at != 0 ? statement->received_at
															  : batch->now,
						  .source_version = -1,
						  .event = statement->event };

	version.at = Min(version.at, batch->now + SC_DECIDE_FUTURE_US);
	if (link->system->connector->grade == SC_GRADE_COUNTER && statement->position.known)
		version.source_version = statement->position.at;
	if (sc_author_is_another(link, said->map->field, statement))
	{
		version.actor = NULL;
		version.actor_kind = SC_ACTOR_UNKNOWN;
	}
	else if (statement->kind == SC_STATEMENT_RESPONSE && statement->actor_kind != SC_ACTOR_HUMAN)
		version.actor_kind = SC_ACTOR_AUTOMATION;
	return version;
}

/*
 * A record that we were the last to write shows a change of a field that this
 * write did not carry: somebody made it before us, and the name beside it is
 * ours all the same.  Who it was is not known, least of all that it was a machine.
 */
bool
sc_author_is_another(const ScLink *link, const ScField *field, const ScStatement *statement)
{
	bool nameless = statement->kind == SC_STATEMENT_RESPONSE &&
					statement->actor_kind == SC_ACTOR_UNKNOWN && statement->actor == NULL;

	if (!sc_model_is_slot(statement) || !(statement->actor_is_us || nameless))
		return false;
	for (int i = 0; i < link->call.nfields; i++)
		if (strcmp(link->call.fields[i].field, field->name) == 0)
			return false;
	return true;
}

ScPosition
sc_author_before(const ScShadowField *shadow, const ScOrder *order, const ScMapped *said)
{
	const ScWrite *last = shadow->nwrites > 0 ? &shadow->writes[shadow->nwrites - 1] : NULL;

	if (order->carried != NULL)
		return order->carried->before_known_at;
	if (order->verdict == SC_VERDICT_RACED)
		return shadow->writes[order->write].before_known_at;
	/*
	 * The position of our write is only a bound: the change may be as old as the write.  But
	 * the value that the write replaced was told of before it as well, by whoever set it then.
	 */
	if (last != NULL && !last->exact && last->at.known && shadow->known_at.known &&
		last->at.at == shadow->known_at.at &&
		!sc_order_same(said->map, &said->external, &last->before_held))
		return last->before_known_at;
	return shadow->known_at;
}

void
sc_author_open(ScShadowField *shadow, const ScStatement *statement, ScPosition after)
{
	if (!sc_model_is_slot(statement) && !statement->actor_is_us && !sc_model_is_whole(statement))
		return;
	shadow->told_before = statement->position;
	shadow->told_before.at += sc_model_is_slot(statement) ? 1 : 0;
	shadow->changed_after = after;
}

bool
sc_author_take(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScMapped *said,
			   const ScOrder *order)
{
	ScShadowField *shadow = sc_shadow_get(&link->shadow, said->map->field->name);
	const ScVersion *version = last_version(link, shadow->field);
	bool old = order->verdict == SC_VERDICT_STALE ||
			   (order->verdict == SC_VERDICT_NOTHING && order->write >= 0);

	if (statement->event == 0 || statement->actor_is_us ||
		(!old && order->verdict != SC_VERDICT_NOTHING && order->verdict != SC_VERDICT_UNSURE) ||
		!tells_of(shadow, statement, version, order))
		return false;
	if (version == NULL
			? !(old ? sc_order_was_overwritten(shadow, said) : order->verdict == SC_VERDICT_NOTHING)
			: !is_value(batch, link, version, said))
		return false;
	if (order->verdict == SC_VERDICT_NOTHING)
		(void) sc_order_apply(shadow, order, statement, said);
	shadow->told_before = statement->position;
	link->changed = true;
	if (version != NULL)
		name_author(batch, link, statement, said, version);
	else
		say_author(batch, sc_decide_note(batch, SC_LEDGER_AGREE, link, statement, said),
				   "author_of_replaced");
	return true;
}

bool
sc_author_take_back(ScBatch *batch, ScLink *link, const ScStatement *statement,
					const ScMapped *said, const ScOrder *order)
{
	ScShadowField *shadow = sc_shadow_get(&link->shadow, said->map->field->name);
	const ScVersion *version = last_version(link, shadow->field);
	ScMerge merge;

	if (statement->kind != SC_STATEMENT_CREATE || !statement->actor_is_us || version == NULL ||
		(order->verdict != SC_VERDICT_STALE && order->verdict != SC_VERDICT_NOTHING) ||
		!tells_of(shadow, statement, version, order) || !is_value(batch, link, version, said))
		return false;
	merge = sc_merge_without(batch, link->entity, said->map->field, link->id);
	if (merge.outcome == SC_MERGE_NOTHING)
		return false;
	if (order->verdict == SC_VERDICT_NOTHING)
		(void) sc_order_apply(shadow, order, statement, said);
	shadow->told_before = statement->position;
	link->changed = true;
	note_start(batch, link, statement, said, &merge);
	return true;
}

static void
note_start(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScMapped *said,
		   const ScMerge *merge)
{
	ScEntity *entity = link->entity;
	const ScField *field = said->map->field;
	const ScStamp *stamp = sc_stamp_find(&entity->stamps, field->name);
	bool moved = !sc_value_equal(&merge->old, &stamp->versions[0].value);
	ScLedgerEntry *entry =
		sc_decide_note(batch, moved ? SC_LEDGER_CHANGE : SC_LEDGER_AGREE, link, statement, said);

	if (moved)
		entity->revision++;
	entry->old_value = sc_say_jsonb(field, &merge->old);
	entry->new_value = sc_say_jsonb(field, &stamp->versions[0].value);
	entry->rule = "start";
	entry->reason = psprintf("%s is what %s had put there when we made the record, and nobody's "
							 "edit: %s stands",
							 sc_say_value(field, &said->canonical), link->system->name,
							 sc_say_version(batch, field, &stamp->versions[0]));
	if (merge->was_held && !stamp->held)
		sc_decide_settled(batch, entry, "start");
}

/* The winner may be another for it: that is a conflict like any other. */
static void
name_author(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScMapped *said,
			const ScVersion *version)
{
	ScEntity *entity = link->entity;
	const ScField *field = said->map->field;
	ScVersion told = sc_author_version(batch, link, statement, said);
	bool same = is_same_author(version, &told);
	ScFieldValue *value;
	ScMerge merge;
	bool moved;

	told.dot = version->dot;
	told.value = version->value;
	merge = sc_merge_author(batch, entity, field, &told);
	value = sc_model_value(entity, field->name);
	moved = !sc_value_equal(&merge.old, &value->value);
	if (moved)
	{
		entity->revision++;
		value->qualifier = sc_value_equal(&value->value, &said->canonical) ? said->qualifier : NULL;
	}
	if (moved || merge.was_held || merge.outcome == SC_MERGE_HELD)
		sc_decide_note_merge(batch, sc_decide_note(batch, SC_LEDGER_AGREE, link, statement, said),
							 &told, &merge, false);
	else if (!same)
		say_author(batch, sc_decide_note(batch, SC_LEDGER_AGREE, link, statement, said),
				   sc_stamp_find(&entity->stamps, field->name)->versions[0].dot.link == link->id
					   ? "author"
					   : "author_of_loser");
}

/* The last version that the link made of a field, if it still stands. */
static const ScVersion *
last_version(ScLink *link, const char *field)
{
	ScStamp *stamp = sc_stamp_find(&link->entity->stamps, field);

	for (int i = 0; stamp != NULL && i < stamp->nversions; i++)
		if (stamp->versions[i].dot.link == link->id &&
			stamp->versions[i].dot.n == sc_vclock_get(&stamp->clock, link->id))
			return &stamp->versions[i];
	return NULL;
}

/*
 * Made after what the version replaced was held, and told of it before the
 * version was: or in the very instant, where only the record told of it so far.
 * Without positions the first event of what a read showed must do.
 */
static bool
tells_of(const ScShadowField *shadow, const ScStatement *statement, const ScVersion *version,
		 const ScOrder *order)
{
	ScPosition p = statement->position;
	bool named = statement->actor_kind != SC_ACTOR_UNKNOWN;

	if (!p.known)
		return version != NULL && version->event == 0 && named &&
			   order->verdict == SC_VERDICT_NOTHING && order->write < 0;
	if (!shadow->told_before.known || p.at >= shadow->told_before.at ||
		(p.at == shadow->told_before.at - 1 && !named))
		return false;
	return !shadow->changed_after.known || p.at > shadow->changed_after.at ||
		   (p.at == shadow->changed_after.at &&
			statement->system->connector->grade == SC_GRADE_COARSE);
}

/* The version's value, or what its system shows of it. */
static bool
is_value(const ScBatch *batch, const ScLink *link, const ScVersion *version, const ScMapped *said)
{
	return sc_value_equal(&version->value, &said->canonical) ||
		   sc_merge_same_there(batch, link, said->map->field->name, &version->value,
							   &said->canonical);
}

static bool
is_same_author(const ScVersion *a, const ScVersion *b)
{
	return a->actor_kind == b->actor_kind && a->actor != NULL && b->actor != NULL &&
		   strcmp(a->actor, b->actor) == 0;
}

static void
say_author(ScBatch *batch, ScLedgerEntry *entry, const char *rule)
{
	const ScField *field = sc_conf_field(entry->entity->type, entry->field);
	const ScValue said = sc_value_json(entry->new_value);

	entry->rule = pstrdup(rule);
	entry->old_value = entry->new_value;
	entry->reason =
		psprintf("it was %s who set %s at %s: it had been heard before from what the "
				 "record showed, which does not say who set what",
				 sc_say_actor(batch, entry->system->id, entry->actor, entry->actor_kind),
				 sc_say_value(field, &said), entry->system->name);
}
