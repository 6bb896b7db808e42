/*
 * gone.c
 *	  A record was deleted at its system: the tombstone on the link, then the
 *	  type's rule, once.
 *
 * unlink: the entity lives on without that record.  close: it is closed
 * everywhere else.  recreate: the route makes a new record.  review, and any
 * other word: a person is told; nothing is deleted elsewhere by a machine that
 * heard of a deletion (other records may be all that is left of the matter).
 */
#include "postgres.h"

#include "core/decide_private.h"

static void apply_rule(ScBatch *batch, ScLink *link, const ScStatement *statement,
					   const char *rule);
static const char *closing_state(const ScEntityType *type);

void
sc_decide_gone(ScBatch *batch, ScLink *link, const ScStatement *statement)
{
	const char *rule = link->entity == NULL ? "unlink" : link->entity->type->on_delete;
	const char *name = link->external_key != NULL ? link->external_key : link->external_id;
	ScLedgerEntry *entry;

	if (link->state == SC_LINK_TOMBSTONE)
		return;
	link->state = SC_LINK_TOMBSTONE;
	link->changed = true;
	link->read_owed = false;
	memset(&link->call, 0, sizeof(ScCall));
	entry = sc_decide_note(batch, SC_LEDGER_DELETE, link, statement, NULL);
	entry->rule = pstrdup(rule);
	entry->reason = psprintf("%s %s is gone at %s%s", link->record_type,
							 name == NULL ? "(being created)" : name, link->system->name,
							 statement == NULL ? ": a call found it so, twice" : "");
	if (link->entity != NULL)
		apply_rule(batch, link, statement, rule);
}

static void
apply_rule(ScBatch *batch, ScLink *link, const ScStatement *statement, const char *rule)
{
	ScEntity *entity = link->entity;
	const char *state = closing_state(entity->type);
	ScAlertOut *alert;

	for (int i = 0; i < entity->stamps.len; i++)
		entity->stamps.items[i].touched = true;
	if (strcmp(rule, "unlink") == 0 || strcmp(rule, "recreate") == 0)
		return;
	if (strcmp(rule, "close") == 0 && state != NULL &&
		sc_conf_field(entity->type, "status") != NULL)
	{
		ScHubWord word = { .field = "status",
						   .value = sc_value_text(state),
						   .actor = statement == NULL ? NULL : statement->actor,
						   .reason = psprintf("its record at %s was deleted", link->system->name) };

		sc_decide_hub(batch, entity, &word);
		return;
	}
	alert = sc_decide_alert(batch, entity->space, "delete",
							psprintf("delete:" INT64_FORMAT ":%s", entity->id, link->system->name));
	alert->detail = psprintf("%s %s was deleted at %s; the other records of entity " INT64_FORMAT
							 " are still kept in step",
							 link->record_type,
							 link->external_key != NULL	 ? link->external_key
							 : link->external_id != NULL ? link->external_id
														 : "",
							 link->system->name, entity->id);
	alert->hint = "Close or delete them by hand, or leave them; set entity_type.on_delete to have "
				  "it done by rule.";
}

/* closed where the type has it, else its first state of category done. */
static const char *
closing_state(const ScEntityType *type)
{
	const char *state = NULL;

	for (int i = 0; i < type->nstates; i++)
	{
		if (type->states[i].category != 2)
			continue;
		if (state == NULL || strcmp(type->states[i].name, "closed") == 0)
			state = type->states[i].name;
	}
	return state;
}
