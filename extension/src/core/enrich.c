/*
 * enrich.c
 *	  Fields that a system gets as a note instead of a value (write_as = note):
 *	  each change of one becomes a comment in a channel of that visibility.
 *
 * What was noted last is remembered in the link's shadow, under a name that no
 * field can have, so a change is noted once however often it is looked at, and
 * edits decided together make one note.  A field is compared, not followed:
 * what changed while the link was out of the route is one note when it is back.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "core/convert.h"
#include "core/decide_private.h"
#include "core/say.h"

static void note_field(ScBatch *batch, ScLink *link, const ScFieldMap *row);
static void add_note(ScBatch *batch, ScLink *link, const ScFieldMap *row, const char *channel,
					 const ScValue *before);
static char *words_of(const ScBatch *batch, const ScLink *link, const ScFieldMap *row,
					  const ScValue *value);
static char *join_members(const ScFieldMap *row, Jsonb *set);

void
sc_decide_enrich(ScBatch *batch, ScEntity *entity)
{
	for (int i = 0; i < list_length(entity->links); i++)
	{
		ScLink *link = list_nth(entity->links, i);

		if (!sc_merge_takes_part(link))
			continue;
		for (int k = 0; k < link->map->nfields; k++)
			if (link->map->fields[k].as_note &&
				link->map->fields[k].direction == SC_DIRECTION_OUT &&
				link->map->fields[k].field->sensitive == SC_SENSITIVE_NO)
				note_field(batch, link, &link->map->fields[k]);
	}
}

static void
note_field(ScBatch *batch, ScLink *link, const ScFieldMap *row)
{
	ScEntity *entity = link->entity;
	ScFieldValue *value = sc_model_value(entity, row->field->name);
	ScStamp *stamp = sc_stamp_find(&entity->stamps, row->field->name);
	const char *channel = sc_decide_comment_channel(link, row->note_visibility);
	ScShadowField *noted;
	ScValue before;

	if (value == NULL || value->value.state != SC_VALUE_JSON || stamp == NULL || stamp->held ||
		channel == NULL || !(link->fresh || stamp->touched || stamp->was_touched))
		return;
	noted = sc_shadow_get(&link->shadow, psprintf("%s.note", row->field->name));
	if (sc_value_equal(&noted->held, &value->value) ||
		(noted->held.state == SC_VALUE_UNKNOWN && sc_value_is_null(&value->value)))
		return;
	before = noted->held;
	noted->held = sc_value_copy(&value->value);
	link->changed = true;
	/* Who changed it there knows. */
	if (stamp->nversions > 0 && !stamp->together && stamp->versions[0].dot.link == link->id &&
		link->id != 0)
		return;
	add_note(batch, link, row, channel, &before);
}

static void
add_note(ScBatch *batch, ScLink *link, const ScFieldMap *row, const char *channel,
		 const ScValue *before)
{
	ScEntity *entity = link->entity;
	const ScStamp *stamp = sc_stamp_find(&entity->stamps, row->field->name);
	const ScValue *now = &sc_model_value(entity, row->field->name)->value;
	const ScVersion *version =
		stamp->nversions > 0 && !stamp->together ? &stamp->versions[0] : NULL;
	ScCommentOut *out = palloc0(sizeof(ScCommentOut));
	ScLedgerEntry *entry = sc_model_note(batch, SC_LEDGER_COMMENT, entity, link);
	char *from =
		before->state == SC_VALUE_JSON ? psprintf("%s → ", words_of(batch, link, row, before)) : "";
	char *by =
		version == NULL
			? ""
			: psprintf(" (%s, %s)",
					   sc_say_actor(batch, version->system_id, version->actor, version->actor_kind),
					   sc_say_system(batch, version->system_id));

	out->entity = entity;
	out->visibility = row->note_visibility;
	out->author_kind = SC_ACTOR_INTEGRATION;
	out->comment = palloc0(sizeof(ScCommentIn));
	out->comment->body =
		psprintf("%s: %s%s%s", row->field->name, from, words_of(batch, link, row, now), by);
	out->event = version == NULL ? 0 : version->event;
	out->targets = list_make1(link);
	out->channels = list_make1(pstrdup(channel));
	link->due = true;
	batch->comments = lappend(batch->comments, out);
	entry->field = row->field->name;
	entry->new_value = sc_say_jsonb(row->field, now);
	entry->rule = "write_as";
	entry->reason =
		psprintf("%s is told to %s as a note in %s", row->field->name, link->system->name, channel);
}

/* As the system would spell it where the row has a value map, else as it is here. */
static char *
words_of(const ScBatch *batch, const ScLink *link, const ScFieldMap *row, const ScValue *value)
{
	char *words;

	if (sc_value_is_null(value))
		return pstrdup("nothing");
	if (row->field->kind == SC_KIND_SET)
		return join_members(row, value->json);
	if (row->values != NULL || row->transform_out != NULL)
	{
		ScMapCxt cxt = { batch->conf, link->system, batch->map_hooks,
						 row->transform_out == NULL ? NULL : sc_model_entity_json(link->entity) };
		ScMapped mapped = sc_map_down(&cxt, row, value, NULL);

		words = mapped.outcome == SC_MAP_OK || mapped.outcome == SC_MAP_NEAREST
					? sc_value_to_cstring(&mapped.external)
					: NULL;
		if (words != NULL)
			return words;
	}
	words = sc_value_to_cstring(value);
	return words == NULL ? pstrdup("a value") : words;
}

static char *
join_members(const ScFieldMap *row, Jsonb *set)
{
	Jsonb **members;
	int n = sc_convert_split(row, set, &members);
	StringInfoData joined;

	initStringInfo(&joined);
	for (int i = 0; i < n; i++)
	{
		char *word = sc_convert_word(members[i]);

		appendStringInfo(&joined, "%s%s", joined.len > 0 ? ", " : "", word == NULL ? "" : word);
	}
	return joined.data;
}
