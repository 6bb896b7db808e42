/*
 * refuse.c
 *	  Changes that make no version: not the owner's to make, or not a step
 *	  that the type allows.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/reopen.h"
#include "core/say.h"
#include "core/walk.h"

static bool is_refused(const ScEntityType *type, const ScField *field, const ScValue *old,
					   const ScValue *new);
static bool is_foreign(ScBatch *batch, ScLink *link, const ScStatement *statement,
					   const ScMapped *said, ScShadowField *shadow);

bool
sc_decide_refuses(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScMapped *said,
				  ScShadowField *shadow)
{
	ScFieldValue *value = sc_model_value(link->entity, said->map->field->name);
	ScStamp *stamp = sc_stamp_find(&link->entity->stamps, said->map->field->name);
	ScLedgerEntry *entry;

	/* Who reports a record says what it is; from then on an empty field is the owner's to fill, too. */
	if (value == NULL)
		return !link->entity->fresh && is_foreign(batch, link, statement, said, shadow);
	if (stamp == NULL || sc_value_equal(&value->value, &said->canonical))
		return false;
	stamp->touched = true;
	if (is_foreign(batch, link, statement, said, shadow))
		return true;
	if (!is_refused(link->entity->type, said->map->field, &value->value, &said->canonical))
		return false;
	entry = sc_decide_note(batch, SC_LEDGER_REFUSE, link, statement, said);
	entry->old_value = sc_say_jsonb(said->map->field, &value->value);
	entry->rule = "illegal_transition";
	entry->reason =
		psprintf("%s may not go from %s to %s: %s is given %s back", link->entity->type->name,
				 sc_say_value(said->map->field, &value->value),
				 sc_say_value(said->map->field, &said->canonical), link->system->name,
				 sc_say_value(said->map->field, &value->value));
	return true;
}

/* A step that no transition allows; one that declared steps lead to is walked, where the type wants that. */
static bool
is_refused(const ScEntityType *type, const ScField *field, const ScValue *old, const ScValue *new)
{
	return strcmp(type->on_illegal, "accept") != 0 && sc_decide_is_illegal(type, field, old, new) &&
		   (strcmp(type->on_illegal, "walk") != 0 || sc_walk_say(type, old, new) == NULL);
}

/*
 * refuse: the value stays where it was set, and nowhere else.  revert: it is
 * written back; where nobody has said anything yet there is nothing to go back
 * to, and what a system held before the field was mapped is not wiped out.
 */
static bool
is_foreign(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScMapped *said,
		   ScShadowField *shadow)
{
	const ScField *field = said->map->field;
	ScFieldValue *value = sc_model_value(link->entity, field->name);
	ScOwnership ownership =
		sc_conf_ownership(batch->conf, link->entity->space, link->entity->type, field->name);
	bool revert = ownership.on_foreign_write == SC_FOREIGN_REVERT && value != NULL;
	ScLedgerEntry *entry;

	if (ownership.owner_id == 0 || ownership.owner_id == link->system->id ||
		ownership.on_foreign_write == SC_FOREIGN_ACCEPT)
		return false;
	if (!revert)
		shadow->sent = sc_merge_down(batch, link->entity, link, said->map);
	if (value == NULL && sc_value_is_null(&said->canonical))
		return true;
	entry = sc_decide_note(batch, SC_LEDGER_REFUSE, link, statement, said);
	entry->old_value = value == NULL ? NULL : sc_say_jsonb(field, &value->value);
	entry->rule = "ownership";
	entry->reason =
		psprintf("%s owns %s%s: %s from %s %s", sc_say_system(batch, ownership.owner_id),
				 field->name, value == NULL ? " and has not said anything yet" : "",
				 sc_say_value(field, &said->canonical), link->system->name,
				 revert ? "is written back to what it was" : "is not taken over");
	return true;
}

bool
sc_decide_is_illegal(const ScEntityType *type, const ScField *field, const ScValue *old,
					 const ScValue *new)
{
	char *from;
	char *to;

	if (field->kind != SC_KIND_STATE || type->ntransitions == 0 || old->state != SC_VALUE_JSON)
		return false;
	from = sc_value_to_cstring(old);
	to = sc_value_to_cstring(new);
	/* The way back from what is closed is for on_reopen to say. */
	if (from == NULL || to == NULL || strcmp(from, to) == 0 || sc_reopen_is(type, field, old, new))
		return false;
	for (int i = 0; i < type->ntransitions; i++)
		if (strcmp(type->transitions[2 * i], from) == 0 &&
			strcmp(type->transitions[2 * i + 1], to) == 0)
			return false;
	return true;
}
