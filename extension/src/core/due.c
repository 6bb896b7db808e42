/*
 * due.c
 *	  What a link's system ought to be told (R9).  Derived from what is held,
 *	  what was sent and what is canonical; remembered nowhere.
 *
 * Agreement has two halves.  A system that holds what the canonical value maps
 * to agrees; so does one whose value maps to the canonical one.  With the
 * first alone, an equivalent state that a user chose is pushed back; with the
 * second alone, a value that the system cannot show is written for ever.  Free
 * text is compared by what we sent: a product may store it in its own way.
 */
#include "postgres.h"

#include "core/leave.h"
#include "core/merge.h"
#include "core/order.h"
#include "core/walk.h"

static const ScFieldMap *first_writer(const ScRecordMap *map, const char *field);
static bool holds_same(const ScBatch *batch, const ScLink *link, const ScFieldMap *form,
					   const ScShadowField *shadow, const ScFieldValue *value);
static List *collect_due(const ScBatch *batch, ScEntity *entity, ScLink *link, bool any,
						 List **unsaid);
static ScCallField *due_field(const ScBatch *batch, ScEntity *entity, ScLink *link,
							  const ScField *field, List **unsaid);
static ScMapped map_down(const ScBatch *batch, ScEntity *entity, const ScLink *link,
						 const ScFieldMap *map);

bool
sc_merge_agrees(const ScBatch *batch, const ScEntity *entity, ScLink *link, const ScField *field)
{
	const ScFieldMap *form = sc_merge_form(link->map, field->name);
	ScShadowField *shadow = sc_shadow_find(&link->shadow, field->name);
	ScFieldValue *value = sc_model_value(unconstify(ScEntity *, entity), field->name);
	ScValue down;

	if (form == NULL || value == NULL || value->value.state == SC_VALUE_UNKNOWN)
		return true;
	if (shadow == NULL)
		return false;
	if (shadow->held.state == SC_VALUE_UNKNOWN)
		return shadow->nwrites > 0 && shadow->nunconfirmed == 0 &&
			   sc_value_equal(&shadow->writes[shadow->nwrites - 1].canonical, &value->value);

	down = sc_merge_down(batch, unconstify(ScEntity *, entity), link, form);
	if (shadow->sent.state != SC_VALUE_UNKNOWN && !sc_merge_is_enumeration(form))
		return sc_order_same(form, &down, &shadow->sent);
	if (sc_order_same(form, &down, &shadow->held) || sc_order_same(form, &down, &shadow->sent))
		return true;
	return holds_same(batch, link, form, shadow, value);
}

List *
sc_merge_due(const ScBatch *batch, ScEntity *entity, ScLink *link)
{
	List *unsaid = NIL;

	return collect_due(batch, entity, link, false, &unsaid);
}

bool
sc_merge_is_due(const ScBatch *batch, ScEntity *entity, ScLink *link, List **unsaid)
{
	return collect_due(batch, entity, link, true, unsaid) != NIL;
}

/* any: one is enough. */
static List *
collect_due(const ScBatch *batch, ScEntity *entity, ScLink *link, bool any, List **unsaid)
{
	List *due = NIL;
	const ScField *last = NULL;

	if (!sc_merge_takes_part(link))
		return sc_leave_due(batch, link);
	for (int i = 0; i < link->map->nfields && !(any && due != NIL); i++)
	{
		const ScField *field = link->map->fields[i].field;
		ScCallField *wanted;

		if (field == last || !sc_conf_is_written(link->map, field->name))
			continue;
		last = field;
		wanted = due_field(batch, entity, link, field, unsaid);
		if (wanted != NULL)
			due = lappend(due, wanted);
	}
	return due;
}

const ScFieldMap *
sc_merge_form(const ScRecordMap *map, const char *field)
{
	const ScFieldMap *reader = map == NULL ? NULL : sc_conf_reader(map, field);

	return reader != NULL || map == NULL ? reader : first_writer(map, field);
}

ScValue
sc_merge_down(const ScBatch *batch, ScEntity *entity, const ScLink *link, const ScFieldMap *map)
{
	return map_down(batch, entity, link, map).external;
}

bool
sc_merge_same_there(const ScBatch *batch, const ScLink *link, const char *field, const ScValue *a,
					const ScValue *b)
{
	const ScFieldMap *form = sc_merge_form(link->map, field);
	const ScMapCxt cxt = { batch->conf, link->system, batch->map_hooks };
	ScMapped one;
	ScMapped other;

	if (form == NULL || !sc_merge_is_enumeration(form) || a->state != SC_VALUE_JSON ||
		b->state != SC_VALUE_JSON)
		return false;
	one = sc_map_down(&cxt, form, a, NULL);
	other = sc_map_down(&cxt, form, b, NULL);
	return (one.outcome == SC_MAP_OK || one.outcome == SC_MAP_NEAREST) &&
		   (other.outcome == SC_MAP_OK || other.outcome == SC_MAP_NEAREST) &&
		   sc_order_same(form, &one.external, &other.external);
}

bool
sc_merge_takes_part(const ScLink *link)
{
	return link->map != NULL && link->in_route && link->system->mode != SC_MODE_DRAFT &&
		   (sc_model_is_linked(link) || link->state == SC_LINK_CREATING);
}

/* NULL when there is nothing to say: held, stopped, in agreement, or not to be said in that system's words. */
static ScCallField *
due_field(const ScBatch *batch, ScEntity *entity, ScLink *link, const ScField *field, List **unsaid)
{
	ScFieldValue *value = sc_model_value(entity, field->name);
	ScStamp *stamp = sc_stamp_find(&entity->stamps, field->name);
	ScShadowField *shadow = sc_shadow_find(&link->shadow, field->name);
	const ScFieldMap *reader = sc_conf_reader(link->map, field->name);
	ScMapped written;
	ScCallField *due;

	if (value == NULL || (stamp != NULL && stamp->held) || (shadow != NULL && shadow->stopped) ||
		sc_merge_agrees(batch, entity, link, field))
		return NULL;
	if (link->state == SC_LINK_CREATING && sc_value_is_null(&value->value))
		return NULL;
	written = map_down(batch, entity, link, first_writer(link->map, field->name));
	if (written.outcome == SC_MAP_FAILED)
		*unsaid = lappend(*unsaid, memcpy(palloc(sizeof(ScMapped)), &written, sizeof(ScMapped)));
	if (written.external.state == SC_VALUE_UNKNOWN)
		return NULL;

	due = palloc0(sizeof(ScCallField));
	due->field = pstrdup(field->name);
	due->canonical = value->value;
	due->value = reader == NULL ? written.external : sc_merge_down(batch, entity, link, reader);
	due->clock = stamp == NULL ? sc_vclock_empty() : sc_vclock_copy(&stamp->clock);
	sc_walk_step(batch, link, due);
	return due;
}

/* external is unknown when the map does not say the value. */
static ScMapped
map_down(const ScBatch *batch, ScEntity *entity, const ScLink *link, const ScFieldMap *map)
{
	ScFieldValue *value = sc_model_value(entity, map->field->name);
	ScMapped mapped = { .map = map, .outcome = SC_MAP_ABSENT };
	ScMapCxt cxt = { batch->conf, link->system, batch->map_hooks, NULL };

	if (value == NULL || value->value.state != SC_VALUE_JSON)
		return mapped;
	cxt.entity = map->transform_out == NULL ? NULL : sc_model_entity_json(entity);
	mapped = sc_map_down(&cxt, map, &value->value, value->qualifier);
	mapped.map = map;
	if (mapped.outcome != SC_MAP_OK && mapped.outcome != SC_MAP_NEAREST)
		mapped.external = SC_UNKNOWN;
	return mapped;
}

/* Kinds whose values are members of a list or point at something: a product stores them as they are or not at all. */
bool
sc_merge_is_enumeration(const ScFieldMap *map)
{
	switch (map->field->kind)
	{
		case SC_KIND_STATE:
		case SC_KIND_RANK:
		case SC_KIND_BOOLEAN:
		case SC_KIND_PERSON:
		case SC_KIND_GROUP:
		case SC_KIND_REFERENCE:
			return true;
		default:
			return map->values != NULL;
	}
}

static const ScFieldMap *
first_writer(const ScRecordMap *map, const char *field)
{
	for (int i = 0; i < map->nfields; i++)
	{
		const ScFieldMap *row = &map->fields[i];

		if ((row->direction == SC_DIRECTION_OUT || row->direction == SC_DIRECTION_BOTH) &&
			!row->as_note && strcmp(row->field->name, field) == 0)
			return row;
	}
	return NULL;
}

/* up(held) = canonical.  A row that only writes cannot be read back. */
static bool
holds_same(const ScBatch *batch, const ScLink *link, const ScFieldMap *form,
		   const ScShadowField *shadow, const ScFieldValue *value)
{
	ScMapped up;

	if (form->direction == SC_DIRECTION_OUT || shadow->held.state != SC_VALUE_JSON)
		return false;
	up = sc_map_up(&(ScMapCxt){ batch->conf, link->system, batch->map_hooks }, form, &shadow->held,
				   NULL);
	return (up.outcome == SC_MAP_OK || up.outcome == SC_MAP_NEAREST) &&
		   sc_value_equal(&up.canonical, &value->value);
}
