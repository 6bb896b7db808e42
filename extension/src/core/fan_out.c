/*
 * fan_out.c
 *	  After everything about an entity is decided: who has seen what, who ought
 *	  to have a record of it, and which links are to be looked at.
 *
 * A link that is due only says "look": what it is told is derived again when
 * the call is made.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/leave.h"
#include "core/say.h"

static void route_system(ScBatch *batch, ScEntity *entity, const ScSystem *system, Jsonb *document);
static bool waits_for_fields(ScEntity *entity, const ScRecordMap *map);
static bool is_to_tell(ScLink *link, const ScField *field);
static bool has_conditions(const ScBatch *batch, const ScEntity *entity);
static const ScRoute *find_route(const ScEntity *entity, const ScSystem *system, Jsonb *document,
								 bool *routed);
static bool comes_from(const ScEntity *entity, const ScRoute *route);
static ScLink *find_link(const ScEntity *entity, const ScSystem *system, bool *had_one);
static bool is_deleted(const ScEntity *entity);
static bool is_too_old(const ScBatch *batch, const ScEntity *entity, const ScSystem *system);
static void create_link(ScBatch *batch, ScEntity *entity, const ScSystem *system,
						const ScRoute *route);
static void mark_due(ScBatch *batch, ScEntity *entity, ScLink *link);
static bool is_look_owed(const ScLink *link);
static bool is_anything_due(ScBatch *batch, ScEntity *entity, ScLink *link);
static void note_unsaid(ScBatch *batch, ScLink *link, const ScMapped *mapped);
static ScAlertOut *alert_unsaid(ScBatch *batch, const ScLink *link, const char *field);
static bool has_due_copy(const ScLink *link);
static bool any_touched(const ScEntity *entity);
static bool any_read(const ScEntity *entity);

void
sc_decide_fan_out(ScBatch *batch, ScEntity *entity)
{
	if (entity->fresh || any_touched(entity) || any_read(entity))
	{
		Jsonb *document = has_conditions(batch, entity) ? sc_model_entity_json(entity) : NULL;

		for (int i = 0; i < batch->conf->nsystems; i++)
			if (batch->conf->systems[i].space == entity->space)
				route_system(batch, entity, &batch->conf->systems[i], document);
	}
	sc_decide_review_again(batch, entity);
	sc_merge_settle(batch, entity);
	sc_decide_enrich(batch, entity);
	for (int i = 0; i < list_length(entity->links); i++)
	{
		sc_leave_settle(batch, list_nth(entity->links, i));
		mark_due(batch, entity, list_nth(entity->links, i));
	}
	for (int i = 0; i < entity->stamps.len; i++)
	{
		ScStamp *stamp = &entity->stamps.items[i];

		stamp->was_touched = stamp->was_touched || stamp->touched;
		stamp->touched = false;
	}
}

/* A link where the routes want one and none is; whether an existing one is still wanted. */
static void
route_system(ScBatch *batch, ScEntity *entity, const ScSystem *system, Jsonb *document)
{
	bool had_one;
	bool routed;
	ScLink *link = find_link(entity, system, &had_one);
	const ScRoute *route = find_route(entity, system, document, &routed);

	if (link != NULL)
	{
		bool wanted = !routed || route != NULL;

		if (link->in_route != wanted)
		{
			link->in_route = wanted;
			link->whole = true;
			link->changed = true;
			if (!wanted)
				sc_leave_tell(batch, link);
		}
		return;
	}
	link = route == NULL ? NULL : sc_leave_find(entity, system);
	if (link != NULL)
	{
		sc_leave_return(batch, link);
		return;
	}
	if (route == NULL || !route->may_create || system->mode == SC_MODE_DRAFT ||
		is_too_old(batch, entity, system))
		return;
	if ((had_one && strcmp(entity->type->on_delete, "recreate") != 0) || is_deleted(entity))
		return;
	create_link(batch, entity, system, route);
}

/*
 * R21: a comment, or a part of a record, may be heard before the record.  What
 * would be made of it elsewhere lacks what every record has, and the values
 * that it then starts with would stand for what people chose.
 */
static bool
waits_for_fields(ScEntity *entity, const ScRecordMap *map)
{
	bool waits = false;

	for (int i = 0; i < map->nfields; i++)
	{
		const ScField *field = map->fields[i].field;
		const ScFieldValue *value = sc_model_value(entity, field->name);

		if (!field->required || !sc_conf_is_written(map, field->name) ||
			(value != NULL && !sc_value_is_null(&value->value)))
			continue;
		for (int k = 0; k < list_length(entity->links); k++)
			waits = is_to_tell(list_nth(entity->links, k), field) || waits;
	}
	return waits;
}

/* Will a read tell the field?  A record that was just heard of is read for it. */
static bool
is_to_tell(ScLink *link, const ScField *field)
{
	const ScShadowField *shadow = sc_shadow_find(&link->shadow, field->name);

	if (!sc_merge_takes_part(link) || link->external_id == NULL ||
		sc_conf_reader(link->map, field->name) == NULL ||
		(shadow != NULL && shadow->held.state != SC_VALUE_UNKNOWN) || !sc_order_can_be_read(link))
		return false;
	if (link->fresh && !link->read_owed)
	{
		link->read_owed = true;
		link->changed = true;
	}
	return link->read_owed;
}

/* Does any route look at the entity's values? */
static bool
has_conditions(const ScBatch *batch, const ScEntity *entity)
{
	for (int i = 0; i < batch->conf->nsystems; i++)
	{
		const ScSystem *system = &batch->conf->systems[i];

		for (int k = 0; k < system->nroutes; k++)
			if (system->routes[k].type == entity->type && system->routes[k].condition != NULL)
				return true;
	}
	return false;
}

/* routed: the system has routes for this type at all; without any, linked records are kept in step and none is made. */
static const ScRoute *
find_route(const ScEntity *entity, const ScSystem *system, Jsonb *document, bool *routed)
{
	*routed = false;
	for (int i = 0; i < system->nroutes; i++)
	{
		const ScRoute *route = &system->routes[i];

		if (route->type != entity->type)
			continue;
		*routed = true;
		if (comes_from(entity, route) && sc_conf_holds(route->condition, document))
			return route;
	}
	return NULL;
}

static bool
comes_from(const ScEntity *entity, const ScRoute *route)
{
	if (route->nfrom == 0)
		return true;
	for (int i = 0; i < list_length(entity->links); i++)
	{
		const ScLink *link = list_nth(entity->links, i);

		for (int k = 0; k < route->nfrom; k++)
			if (link->system->id == route->from_systems[k])
				return true;
	}
	return false;
}

/* had_one: a record of this entity was there and is gone. */
static ScLink *
find_link(const ScEntity *entity, const ScSystem *system, bool *had_one)
{
	/* A place that was left behind (reopen.c) stands for a record as well. */
	*had_one = false;
	for (int i = 0; i < list_length(entity->links); i++)
	{
		ScLink *link = list_nth(entity->links, i);

		if (link->system->id != system->id || link->state == SC_LINK_CANDIDATE)
			continue;
		if (link->state != SC_LINK_TOMBSTONE)
			return link;
		*had_one = true;
	}
	return NULL;
}

/* on_delete delete: all that there is of it is gone, or is going. */
static bool
is_deleted(const ScEntity *entity)
{
	bool deleted = false;

	for (int i = 0; i < list_length(entity->links); i++)
	{
		const ScLink *link = list_nth(entity->links, i);

		if (link->state != SC_LINK_DELETING && link->state != SC_LINK_TOMBSTONE)
			return false;
		deleted = true;
	}
	return deleted && strcmp(entity->type->on_delete, "delete") == 0;
}

/* Records from before the first activation are linked or updated, never created elsewhere. */
static bool
is_too_old(const ScBatch *batch, const ScEntity *entity, const ScSystem *system)
{
	TimestampTz created_at = entity->created_at;

	/* What a record takes along out of another entity (split.c) is as old as the record. */
	bool made_now = entity->fresh && created_at >= batch->now;

	return !TIMESTAMP_NOT_FINITE(system->create_after) && system->create_after != 0 && !made_now &&
		   created_at < system->create_after;
}

/* The marker is drawn when the link is stored: there is no chance in pure code. */
static void
create_link(ScBatch *batch, ScEntity *entity, const ScSystem *system, const ScRoute *route)
{
	const ScRecordMap *map = sc_conf_record_map_of(system, route->record_type, entity->type);
	ScLink *link;

	if (map == NULL || waits_for_fields(entity, map))
		return;
	link = palloc0(sizeof(ScLink));
	link->system = system;
	link->map = map;
	link->record_type = map->record_type;
	link->state = SC_LINK_CREATING;
	link->in_route = true;
	link->entity = entity;
	link->changed = true;
	link->fresh = true;
	link->whole = true;
	link->not_before = route->settle_us > 0 ? batch->now + route->settle_us : 0;
	entity->links = lappend(entity->links, link);
	batch->links = lappend(batch->links, link);
}

/* R9.  A read or a look-up that is owed comes before any write. */
static void
mark_due(ScBatch *batch, ScEntity *entity, ScLink *link)
{
	if (link->state == SC_LINK_CANDIDATE)
	{
		link->due = link->due || link->read_owed;
		link->look_only = link->read_owed;
		return;
	}
	if (link->state == SC_LINK_DELETING)
	{
		link->due = link->map != NULL && link->system->mode != SC_MODE_DRAFT;
		link->look_only = link->call.unknown;
		return;
	}
	if (!sc_merge_takes_part(link))
	{
		link->look_only = is_look_owed(link);
		link->due = link->look_only || sc_leave_due(batch, link) != NIL;
		return;
	}
	link->look_only = link->read_owed || link->call.unknown;
	if (link->look_only || link->due ||
		(link->state == SC_LINK_CREATING && link->external_id == NULL))
		link->due = true;
	else if (link->changed || link->whole || any_touched(entity))
		link->due = is_anything_due(batch, entity, link) || has_due_copy(link);
}

/* What its route takes no more is still heard: what only a read can settle is read there, too. */
static bool
is_look_owed(const ScLink *link)
{
	return link->map != NULL && link->system->mode != SC_MODE_DRAFT &&
		   link->state != SC_LINK_TOMBSTONE && (link->read_owed || link->call.unknown);
}

/* Also tells, once, of what the system has no word for: it stays away from there, the rest flows. */
static bool
is_anything_due(ScBatch *batch, ScEntity *entity, ScLink *link)
{
	List *unsaid = NIL;
	bool due = sc_merge_is_due(batch, entity, link, &unsaid);

	for (int i = 0; i < list_length(unsaid); i++)
		note_unsaid(batch, link, list_nth(unsaid, i));
	for (int i = 0; i < link->shadow.len; i++)
	{
		ScShadowField *shadow = &link->shadow.items[i];
		bool still = false;

		for (int k = 0; shadow->unsaid && k < list_length(unsaid); k++)
			still = still || strcmp(((ScMapped *) list_nth(unsaid, k))->map->field->name,
									shadow->field) == 0;
		/* The search ends with the first that is due. */
		if (!shadow->unsaid || still || due)
			continue;
		shadow->unsaid = false;
		link->changed = true;
		alert_unsaid(batch, link, shadow->field)->over = true;
	}
	return due;
}

static void
note_unsaid(ScBatch *batch, ScLink *link, const ScMapped *mapped)
{
	const ScField *field = mapped->map->field;
	ScShadowField *shadow = sc_shadow_get(&link->shadow, field->name);
	ScFieldValue *value = sc_model_value(link->entity, field->name);
	ScLedgerEntry *entry;
	ScAlertOut *alert;

	if (shadow->unsaid)
		return;
	shadow->unsaid = true;
	link->changed = true;
	entry = sc_model_note(batch, SC_LEDGER_HOLD, link->entity, link);
	entry->field = pstrdup(field->name);
	entry->new_value = sc_say_jsonb(field, &value->value);
	entry->rule = "unmapped";
	entry->reason =
		psprintf("%s cannot be told %s: %s. Its other fields are kept in step; this "
				 "one follows when its map can say it",
				 link->system->name, sc_say_value(field, &value->value),
				 mapped->message == NULL ? "its map has no word for it" : mapped->message);
	alert = alert_unsaid(batch, link, field->name);
	alert->detail = entry->reason;
	if (field->kind == SC_KIND_REFERENCE && mapped->hint != NULL)
	{
		alert->level = "info";
		alert->hint = mapped->hint;
		return;
	}
	alert->hint =
		psprintf("Add a row to syncore.value_map%s%s (or set on_unmapped or a fallback in "
				 "syncore.field_map), then: SELECT syncore.sync_now(" INT64_FORMAT ");",
				 mapped->map->values == NULL ? "" : " for ",
				 mapped->map->values == NULL ? "" : mapped->map->values->name, link->entity->id);
}

/* One alert for an entity, a system and a field. */
static ScAlertOut *
alert_unsaid(ScBatch *batch, const ScLink *link, const char *field)
{
	ScAlertOut *alert = sc_decide_alert(
		batch, link->entity->space, "unmapped",
		psprintf("unmapped:" INT64_FORMAT ":%s:%s", link->entity->id, link->system->name, field));

	alert->object = pstrdup(link->system->name);
	return alert;
}

static bool
has_due_copy(const ScLink *link)
{
	for (int i = 0; i < list_length(link->copies); i++)
		if (((ScCopy *) list_nth(link->copies, i))->state == SC_COPY_DUE)
			return true;
	return false;
}

static bool
any_touched(const ScEntity *entity)
{
	for (int i = 0; i < entity->stamps.len; i++)
		if (entity->stamps.items[i].touched)
			return true;
	return false;
}

/* A read that tells nothing new may still be what a create has waited for. */
static bool
any_read(const ScEntity *entity)
{
	for (int i = 0; i < list_length(entity->links); i++)
		if (((ScLink *) list_nth(entity->links, i))->read_taken)
			return true;
	return false;
}
