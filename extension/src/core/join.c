/*
 * join.c
 *	  Two entities become one: versions and clocks are united field by field,
 *	  links keep what they have seen (R23).
 *
 * Dots are named by link, and a link is one entity's: so the union is plain.
 * Only what was written here has no link: number 1 of link 0 exists in every
 * entity that somebody resolved a conflict of.  Before they meet, those of the
 * entity that goes are given a number of their own.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/join.h"
#include "core/say.h"

static void rename_stamps(ScStamps *stamps, int64 hub);
static bool join_field(ScBatch *batch, const ScJoin *join, const ScStamp *other);
static void move_link(ScBatch *batch, const ScJoin *join, ScLink *link);
static void note_end(ScBatch *batch, const ScJoin *join);
static int order_links(const ListCell *a, const ListCell *b);

void
sc_join_entities(ScBatch *batch, const ScJoin *join)
{
	ScEntity *keep = join->keep;
	ScEntity *drop = join->drop;
	bool changed = false;
	ListCell *cell;

	rename_stamps(&drop->stamps, join->hub);
	foreach (cell, drop->links)
		sc_join_rename_link(lfirst(cell), join->hub);
	foreach (cell, drop->links)
		move_link(batch, join, lfirst(cell));
	keep->links = list_concat(keep->links, drop->links);
	list_sort(keep->links, order_links);
	drop->links = NIL;
	for (int i = 0; i < drop->stamps.len; i++)
		changed = join_field(batch, join, &drop->stamps.items[i]) || changed;
	if (changed)
		keep->revision++;
	keep->changed = true;
	note_end(batch, join);
	drop->merged_into = keep->id;
	drop->changed = true;
}

ScPlace
sc_join_place(const ScEntity *entity, const ScSystem *system, ScLink **there)
{
	ListCell *cell;

	*there = NULL;
	foreach (cell, entity->links)
	{
		ScLink *link = lfirst(cell);

		if (link->system == system && link->state != SC_LINK_TOMBSTONE &&
			link->state != SC_LINK_CANDIDATE)
			*there = link;
	}
	if (*there == NULL)
		return SC_PLACE_FREE;
	return (*there)->state == SC_LINK_CREATING && (*there)->call.kind == SC_CALL_NONE
			   ? SC_PLACE_WANTED
			   : SC_PLACE_TAKEN;
}

ScMeeting
sc_join_meet(ScLink *link, ScLink *other, ScLink **gives_way)
{
	ScLink *const pair[] = { other, link };

	*gives_way = NULL;
	for (int i = 0; i < 2; i++)
		if (pair[i]->state == SC_LINK_CREATING && pair[i]->call.kind != SC_CALL_NONE)
			return SC_MEETING_MAKING;
	for (int i = 0; i < 2 && *gives_way == NULL; i++)
		if (pair[i]->state == SC_LINK_CREATING)
			*gives_way = pair[i];
	return *gives_way != NULL ? SC_MEETING_ONE : SC_MEETING_BOTH;
}

static void
rename_stamps(ScStamps *stamps, int64 hub)
{
	for (int i = 0; i < stamps->len; i++)
	{
		ScStamp *stamp = &stamps->items[i];

		stamp->clock = sc_join_rename(&stamp->clock, hub);
		for (int k = 0; k < stamp->nmembers; k++)
		{
			ScMember *member = &stamp->members[k];

			if (member->by.link == 0)
				member->by.link = hub;
			if (member->gone.n > 0 && member->gone.link == 0)
				member->gone.link = hub;
		}
		for (int k = 0; k < stamp->nversions; k++)
		{
			ScVersion *version = &stamp->versions[k];

			version->context = sc_join_rename(&version->context, hub);
			if (version->dot.link == 0)
				version->dot.link = hub;
		}
	}
}

void
sc_join_rename_link(ScLink *link, int64 hub)
{
	for (int i = 0; i < link->shadow.len; i++)
	{
		ScShadowField *field = &link->shadow.items[i];

		field->seen = sc_join_rename(&field->seen, hub);
		for (int k = 0; k < field->nwrites; k++)
			field->writes[k].before_seen = sc_join_rename(&field->writes[k].before_seen, hub);
		for (int k = 0; k < field->nunconfirmed; k++)
			field->unconfirmed[k].clock = sc_join_rename(&field->unconfirmed[k].clock, hub);
	}
	for (int i = 0; i < link->call.nfields; i++)
	{
		ScCallField *field = &link->call.fields[i];

		field->clock = sc_join_rename(&field->clock, hub);
		field->before_seen = sc_join_rename(&field->before_seen, hub);
	}
}

ScClock
sc_join_rename(const ScClock *clock, int64 hub)
{
	ScClock result = sc_vclock_empty();

	if (sc_vclock_get(clock, 0) == 0)
		return *clock;
	for (int i = 0; i < clock->len; i++)
	{
		ScDot dot = clock->dots[i];

		if (dot.link == 0)
			dot.link = hub;
		result = sc_vclock_with_dot(&result, dot);
	}
	return result;
}

/* True when another value stands than before. */
static bool
join_field(ScBatch *batch, const ScJoin *join, const ScStamp *other)
{
	ScEntity *keep = join->keep;
	const ScField *field = sc_conf_field(keep->type, other->field);
	const ScFieldValue *there = sc_model_value(join->drop, other->field);
	ScMerge merge = sc_merge_union(batch, keep, field, other);
	ScFieldValue *value = sc_model_value(keep, other->field);
	ScLedgerEntry *entry;

	if (field == NULL || value == NULL || merge.outcome == SC_MERGE_NOTHING)
		return false;
	if (there != NULL && sc_value_equal(&there->value, &value->value) && value->qualifier == NULL)
		value->qualifier = there->qualifier;
	if (merge.outcome != SC_MERGE_HELD && !merge.disputed && !merge.was_held &&
		sc_value_equal(&merge.old, &value->value))
		return false;
	entry = sc_model_note(batch, SC_LEDGER_CHANGE, keep, NULL);
	entry->field = pstrdup(field->name);
	sc_decide_note_merge(batch, entry, &other->versions[0], &merge, false);
	return !sc_value_equal(&merge.old, &value->value);
}

static void
move_link(ScBatch *batch, const ScJoin *join, ScLink *link)
{
	const char *name = link->external_key != NULL  ? link->external_key
					   : link->external_id != NULL ? link->external_id
												   : "that is to be made";
	ScLedgerEntry *entry;

	link->entity = join->keep;
	link->whole = true;
	link->changed = true;
	entry = sc_model_note(batch, SC_LEDGER_LINK, join->keep, link);
	entry->rule = "merge";
	entry->actor = pstrdup(join->actor);
	entry->actor_kind = SC_ACTOR_HUMAN;
	entry->reason =
		psprintf("%s %s of %s came with entity " INT64_FORMAT ", which %s joined to this one%s%s",
				 link->record_type, name, link->system->name, join->drop->id, join->actor,
				 join->reason == NULL ? "" : ": ", join->reason == NULL ? "" : join->reason);
}

static void
note_end(ScBatch *batch, const ScJoin *join)
{
	ScLedgerEntry *entry = sc_model_note(batch, SC_LEDGER_UNLINK, join->drop, NULL);

	entry->rule = "merge";
	entry->actor = pstrdup(join->actor);
	entry->actor_kind = SC_ACTOR_HUMAN;
	entry->reason =
		psprintf("%s joined it to entity " INT64_FORMAT "%s%s", join->actor, join->keep->id,
				 join->reason == NULL ? "" : ": ", join->reason == NULL ? "" : join->reason);
}

static int
order_links(const ListCell *a, const ListCell *b)
{
	int64 x = ((const ScLink *) lfirst(a))->id;
	int64 y = ((const ScLink *) lfirst(b))->id;

	return x < y ? -1 : x > y ? 1 : 0;
}
