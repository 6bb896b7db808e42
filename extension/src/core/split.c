/*
 * split.c
 *	  A record leaves an entity and goes on as one of its own (R23).
 *
 * Each of the two gets back what was its own.  A version that the record's
 * people wrote and nobody has overruled since goes with it; where none is
 * remembered, what the record shows counts as its word.  What stays is chosen
 * anew among what the others wrote.  So it makes no difference which of two
 * records that were joined by mistake is taken out again.
 *
 * Dots: the word of the record gets a new dot of its link, for the old one is
 * covered by the clock of the entity that it left; should they be joined once
 * more, neither side's versions are taken for seen by the other.  For the same
 * reason what the hub wrote before is known to the link by a number of its own:
 * the new entity counts its own hub versions from one.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/join.h"
#include "core/say.h"
#include "core/split.h"

typedef struct Word /* what the record says of a field */
{
	ScVersion version;
	char *qualifier;
	bool own; /* its people wrote it, and that still stood */
} Word;

static void part_field(ScBatch *batch, const ScSplit *split, ScEntity *from, ScStamp *stamp);
static bool find_word(ScBatch *batch, const ScSplit *split, ScEntity *from, const ScStamp *stamp,
					  Word *word);
static bool find_shown(ScBatch *batch, const ScSplit *split, ScEntity *from, const ScStamp *stamp,
					   Word *word);
static bool read_shown(ScBatch *batch, const ScLink *link, const ScField *field,
					   const ScShadowField *shadow, Word *word);
static void give_word(ScBatch *batch, const ScSplit *split, const ScStamp *left, const Word *word);
static void note_word(ScBatch *batch, const ScSplit *split, const ScField *field, const Word *word);
static void take_word(ScBatch *batch, const ScSplit *split, ScEntity *from, const ScField *field);
static ScLink *find_link(const ScEntity *entity, int64 id);
static void note_parting(ScBatch *batch, const ScSplit *split, ScEntity *from);

void
sc_split_link(ScBatch *batch, const ScSplit *split)
{
	ScLink *link = split->link;
	ScEntity *from = link->entity;

	sc_join_rename_link(link, split->hub);
	from->links = list_delete_ptr(list_copy(from->links), link);
	link->entity = split->into;
	link->whole = true;
	link->changed = true;
	split->into->links = lappend(split->into->links, link);
	note_parting(batch, split, from);
	for (int i = 0; i < from->stamps.len; i++)
		part_field(batch, split, from, &from->stamps.items[i]);
	split->into->revision = 1;
	from->changed = true;
}

static void
part_field(ScBatch *batch, const ScSplit *split, ScEntity *from, ScStamp *stamp)
{
	const ScField *field = sc_conf_field(from->type, stamp->field);
	Word word = { .own = false };

	if (field == NULL)
		return;
	if (find_word(batch, split, from, stamp, &word))
		give_word(batch, split, stamp, &word);
	take_word(batch, split, from, field);
	/* The routes are asked again: the entity may be given another record in that system. */
	stamp->touched = true;
}

static bool
find_word(ScBatch *batch, const ScSplit *split, ScEntity *from, const ScStamp *stamp, Word *word)
{
	for (int i = 0; i < stamp->nversions; i++)
	{
		if (stamp->versions[i].dot.link != split->link->id)
			continue;
		word->version = stamp->versions[i];
		word->own = true;
		if (i == 0 && !stamp->together)
			word->qualifier = sc_model_value(from, stamp->field)->qualifier;
		return true;
	}
	return find_shown(batch, split, from, stamp, word);
}

/* What the record is known to hold: the value of the entity, where it agrees with that; else its own words, read anew. */
static bool
find_shown(ScBatch *batch, const ScSplit *split, ScEntity *from, const ScStamp *stamp, Word *word)
{
	ScLink *link = split->link;
	const ScField *field = sc_conf_field(from->type, stamp->field);
	const ScFieldValue *value = sc_model_value(from, stamp->field);
	const ScShadowField *shadow = sc_shadow_find(&link->shadow, stamp->field);

	if (shadow == NULL || sc_merge_form(link->map, stamp->field) == NULL || value == NULL ||
		value->value.state == SC_VALUE_UNKNOWN ||
		(shadow->held.state == SC_VALUE_UNKNOWN && shadow->nwrites == 0))
		return false;
	if (sc_merge_agrees(batch, from, link, field))
	{
		if (stamp->nversions > 0)
			word->version = stamp->versions[0];
		word->version.value = value->value;
		word->qualifier = value->qualifier;
	}
	else if (!read_shown(batch, link, field, shadow, word))
		return false;
	word->version.context = sc_vclock_copy(&shadow->seen);
	return true;
}

/* False: what it holds stands for nothing, or cannot be read. */
static bool
read_shown(ScBatch *batch, const ScLink *link, const ScField *field, const ScShadowField *shadow,
		   Word *word)
{
	const ScFieldMap *reader = sc_conf_reader(link->map, field->name);
	const ScValue *held = shadow->sent.state != SC_VALUE_UNKNOWN ? &shadow->sent : &shadow->held;
	ScMapped up;

	if (reader == NULL || held->state != SC_VALUE_JSON)
		return false;
	up = sc_map_up(&(ScMapCxt){ batch->conf, link->system, batch->map_hooks }, reader, held, NULL);
	if (up.outcome != SC_MAP_OK && up.outcome != SC_MAP_NEAREST)
		return false;
	word->version = (ScVersion){
		.value = up.canonical, .replaced = SC_UNKNOWN, .at = batch->now, .source_version = -1
	};
	word->qualifier = up.qualifier;
	return true;
}

/* A statement of the link about its new entity; left: the stamp of the one that it left. */
static void
give_word(ScBatch *batch, const ScSplit *split, const ScStamp *left, const Word *word)
{
	ScLink *link = split->link;
	ScEntity *into = split->into;
	const ScField *field = sc_conf_field(into->type, left->field);
	ScDot last = { link->id, sc_vclock_get(&left->clock, link->id) };
	ScVersion version = word->version;
	ScStamp *stamp = sc_stamp_get(&into->stamps, field->name);

	if (last.n > 0)
		stamp->clock = sc_vclock_with_dot(&stamp->clock, last);
	version.dot = (ScDot){ link->id, 0 };
	version.context = sc_join_rename(&version.context, split->hub);
	version.system_id = link->system->id;
	version.rank = link->system->rank;
	(void) sc_merge_version(batch, into, field,
							sc_conf_policy(batch->conf, into->space, into->type, field->name),
							&version);
	sc_model_value(into, field->name)->qualifier = word->qualifier;
	note_word(batch, split, field, word);
}

static void
note_word(ScBatch *batch, const ScSplit *split, const ScField *field, const Word *word)
{
	const ScLink *link = split->link;
	ScLedgerEntry *entry = sc_model_note(batch, SC_LEDGER_CHANGE, split->into, split->link);

	entry->field = pstrdup(field->name);
	entry->new_value = sc_say_jsonb(field, &word->version.value);
	entry->actor = word->version.actor;
	entry->actor_kind = word->version.actor_kind;
	entry->source_time = word->version.at;
	entry->event = word->version.event;
	entry->rule = "split";
	entry->reason =
		psprintf(word->own ? "%s %s of %s had said so before it was taken out of another entity"
						   : "%s %s of %s showed it when it was taken out of another entity",
				 link->record_type, sc_model_record_name(link), link->system->name);
}

/* What only the record stood for goes with it, where there is something else to stand. */
static void
take_word(ScBatch *batch, const ScSplit *split, ScEntity *from, const ScField *field)
{
	ScMerge merge = sc_merge_without(batch, from, field, split->link->id);
	const ScStamp *stamp = sc_stamp_find(&from->stamps, field->name);
	ScLedgerEntry *entry;
	const ScVersion *stands;
	const ScValue *now;
	bool changed;

	if (merge.outcome == SC_MERGE_NOTHING)
		return;
	stands = &stamp->versions[0];
	now = &sc_model_value(from, field->name)->value;
	changed = !sc_value_equal(&merge.old, now);
	if (!changed && !(merge.was_held && !stamp->held))
		return;
	if (changed)
		from->revision++;
	entry = sc_model_note(batch, changed ? SC_LEDGER_CHANGE : SC_LEDGER_RESOLVE, from,
						  find_link(from, stands->dot.link));
	entry->field = pstrdup(field->name);
	entry->old_value = sc_say_jsonb(field, &merge.old);
	entry->new_value = sc_say_jsonb(field, now);
	entry->actor = changed ? stands->actor : pstrdup(split->actor);
	entry->actor_kind = changed ? stands->actor_kind : SC_ACTOR_HUMAN;
	entry->source_time = stands->at;
	entry->rule = "split";
	entry->reason = psprintf("what %s of %s had said went with it: %s stands",
							 sc_model_record_name(split->link), split->link->system->name,
							 sc_say_version(batch, field, stands));
	if (merge.was_held && !stamp->held)
		sc_decide_settled(batch, entry, "split");
}

/* NULL: the hub, or a record that is here no more. */
static ScLink *
find_link(const ScEntity *entity, int64 id)
{
	ListCell *cell;

	foreach (cell, entity->links)
		if (((ScLink *) lfirst(cell))->id == id)
			return lfirst(cell);
	return NULL;
}

static void
note_parting(ScBatch *batch, const ScSplit *split, ScEntity *from)
{
	ScLink *link = split->link;
	const char *name = sc_model_record_name(link);
	const char *colon = split->reason == NULL ? "" : ": ";
	const char *reason = split->reason == NULL ? "" : split->reason;
	ScLedgerEntry *entry = sc_model_note(batch, SC_LEDGER_LINK, split->into, link);

	entry->rule = "split";
	entry->actor = pstrdup(split->actor);
	entry->actor_kind = SC_ACTOR_HUMAN;
	entry->reason = psprintf(
		"%s took %s %s of %s out of entity " INT64_FORMAT ", to be one of its own%s%s",
		split->actor, link->record_type, name, link->system->name, from->id, colon, reason);
	entry = sc_model_note(batch, SC_LEDGER_UNLINK, from, link);
	entry->rule = "split";
	entry->actor = pstrdup(split->actor);
	entry->actor_kind = SC_ACTOR_HUMAN;
	entry->reason =
		psprintf("%s took %s %s of %s out: it goes on as entity " INT64_FORMAT "%s%s", split->actor,
				 link->record_type, name, link->system->name, split->into->id, colon, reason);
}
