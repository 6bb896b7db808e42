/*
 * leave.c
 *	  What becomes of a record whose entity its route does not take any more
 *	  (route.on_leave).
 *
 * keep: it stays as it is, is heard, and is no longer written to.  close: so it
 * is, once it has been closed; the entity itself is not.  Who reopens it there
 * after that is heard, and not closed again.  unlink: it stays as it is and is
 * not heard any more; should the entity come back, so does the record.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/leave.h"
#include "core/walk.h"

static const char *rule_of(const ScLink *link);
static ScCallField *closing_of(const ScBatch *batch, ScLink *link, const ScFieldMap *reader,
							   const char *state);
static bool is_done(const ScEntityType *type, const ScValue *value);

List *
sc_leave_due(const ScBatch *batch, ScLink *link)
{
	const char *state;
	List *due = NIL;

	if (link->in_route || link->map == NULL || link->entity == NULL ||
		link->system->mode == SC_MODE_DRAFT || !sc_model_is_linked(link) ||
		strcmp(rule_of(link), "close") != 0)
		return NIL;
	state = sc_model_closing_state(link->entity->type);
	for (int i = 0; i < link->map->nfields && state != NULL; i++)
	{
		const ScFieldMap *row = &link->map->fields[i];
		ScCallField *closing;

		if (row->field->kind != SC_KIND_STATE ||
			row != sc_conf_reader(link->map, row->field->name) ||
			!sc_conf_is_written(link->map, row->field->name))
			continue;
		closing = closing_of(batch, link, row, state);
		if (closing != NULL)
			due = lappend(due, closing);
	}
	return due;
}

void
sc_leave_tell(ScBatch *batch, ScLink *link)
{
	ScLedgerEntry *entry;

	if (strcmp(rule_of(link), "close") != 0)
		return;
	entry = sc_model_note(batch, SC_LEDGER_OUT_OF_SCOPE, link->entity, link);
	entry->rule = "on_leave";
	entry->reason = psprintf("this %s is none that the route of %s takes any more: %s %s is closed "
							 "there, and no longer written to",
							 link->entity->type->name, link->system->name, link->record_type,
							 sc_model_record_name(link));
}

void
sc_leave_settle(ScBatch *batch, ScLink *link)
{
	ScLedgerEntry *entry;

	if (link->in_route || link->entity == NULL || link->call.kind != SC_CALL_NONE ||
		(!sc_model_is_linked(link) && link->state != SC_LINK_CREATING) ||
		strcmp(rule_of(link), "unlink") != 0)
		return;
	link->state = SC_LINK_TOMBSTONE;
	link->gone_by = pstrdup("on_leave");
	link->read_owed = false;
	link->changed = true;
	entry = sc_model_note(batch, SC_LEDGER_UNLINK, link->entity, link);
	entry->rule = "on_leave";
	entry->reason = psprintf("this %s is none that the route of %s takes any more: %s %s %s",
							 link->entity->type->name, link->system->name, link->record_type,
							 sc_model_record_name(link),
							 link->external_id == NULL ? "is not made"
													   : "stays there as it is, and is not "
														 "listened to");
}

ScLink *
sc_leave_find(const ScEntity *entity, const ScSystem *system)
{
	for (int i = 0; i < list_length(entity->links); i++)
	{
		ScLink *link = list_nth(entity->links, i);

		if (link->system->id == system->id && link->state == SC_LINK_TOMBSTONE && !link->in_route)
			return link;
	}
	return NULL;
}

void
sc_leave_return(ScBatch *batch, ScLink *link)
{
	ScLedgerEntry *entry;
	bool stopped = false;

	for (int i = 0; i < link->shadow.len; i++)
		stopped = stopped || link->shadow.items[i].stopped;
	link->state = link->external_id == NULL ? SC_LINK_CREATING
				  : stopped					? SC_LINK_DIVERGED
											: SC_LINK_ACTIVE;
	link->gone_by = NULL;
	link->in_route = true;
	link->read_owed = link->external_id != NULL && sc_order_can_be_read(link);
	link->whole = true;
	link->changed = true;
	entry = sc_model_note(batch, SC_LEDGER_LINK, link->entity, link);
	entry->rule = "on_leave";
	entry->reason = psprintf("the route of %s takes this %s again: %s %s is tied to it as before",
							 link->system->name, link->entity->type->name, link->record_type,
							 sc_model_record_name(link));
}

/* That of the first route that could have taken it. */
static const char *
rule_of(const ScLink *link)
{
	for (int i = 0; i < link->system->nroutes; i++)
	{
		const ScRoute *route = &link->system->routes[i];

		if (route->type == link->entity->type && route->on_leave != NULL &&
			(route->record_type == NULL || strcmp(route->record_type, link->record_type) == 0))
			return route->on_leave;
	}
	return "keep";
}

/* NULL: it is done there already, or was closed by us before, or it cannot be told. */
static ScCallField *
closing_of(const ScBatch *batch, ScLink *link, const ScFieldMap *reader, const char *state)
{
	const ScMapCxt cxt = { batch->conf, link->system, batch->map_hooks };
	ScShadowField *shadow = sc_shadow_find(&link->shadow, reader->field->name);
	ScValue closed = sc_value_text(state);
	ScMapped held;
	ScMapped down;
	ScCallField *due;

	if (shadow == NULL || shadow->stopped || shadow->held.state != SC_VALUE_JSON ||
		(shadow->nwrites > 0 &&
		 sc_value_equal(&shadow->writes[shadow->nwrites - 1].canonical, &closed)))
		return NULL;
	held = sc_map_up(&cxt, reader, &shadow->held, NULL);
	down = sc_map_down(&cxt, reader, &closed, NULL);
	if ((held.outcome != SC_MAP_OK && held.outcome != SC_MAP_NEAREST) ||
		is_done(link->entity->type, &held.canonical) ||
		(down.outcome != SC_MAP_OK && down.outcome != SC_MAP_NEAREST))
		return NULL;
	due = palloc0(sizeof(ScCallField));
	due->field = pstrdup(reader->field->name);
	due->canonical = closed;
	due->value = down.external;
	due->clock = sc_vclock_copy(&shadow->seen);
	sc_walk_step(batch, link, due);
	return due;
}

static bool
is_done(const ScEntityType *type, const ScValue *value)
{
	char *name = sc_value_to_cstring(value);

	for (int i = 0; name != NULL && i < type->nstates; i++)
		if (strcmp(type->states[i].name, name) == 0)
			return type->states[i].category == 2;
	return false;
}
