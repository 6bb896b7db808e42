/*
 * hub.c
 *	  The hub's own versions: a person resolves a conflict or sets a value by
 *	  SQL, or a rule closes an entity.  Link 0, having seen everything.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/say.h"

void
sc_decide_hub(ScBatch *batch, ScEntity *entity, const ScHubWord *word)
{
	const char *name = word->field;
	const ScValue *value = &word->value;
	const char *actor = word->actor;
	const char *reason = word->reason;
	const ScField *field = sc_conf_field(entity->type, name);
	ScStamp *stamp = sc_stamp_get(&entity->stamps, name);
	ScVersion version = { .value = *value,
						  .context = sc_vclock_copy(&stamp->clock),
						  .actor_kind = actor == NULL ? SC_ACTOR_AUTOMATION : SC_ACTOR_HUMAN,
						  .actor = actor == NULL ? NULL : pstrdup(actor),
						  .at = batch->now,
						  .source_version = -1 };
	ScFieldValue *current = sc_model_value(entity, name);
	bool held = stamp->held;
	ScMerge merge;
	ScLedgerEntry *entry;

	if (field == NULL)
		return;
	version.replaced = current == NULL ? SC_UNKNOWN : current->value;
	merge =
		sc_merge_version(batch, entity, field,
						 sc_conf_policy(batch->conf, entity->space, entity->type, name), &version);
	if (!sc_value_equal(&merge.old, value))
		entity->revision++;
	entry = sc_model_note(batch, held ? SC_LEDGER_RESOLVE : SC_LEDGER_CHANGE, entity, NULL);
	entry->field = pstrdup(name);
	entry->old_value = sc_say_jsonb(field, &merge.old);
	entry->new_value = sc_say_jsonb(field, value);
	entry->actor = version.actor;
	entry->actor_kind = version.actor_kind;
	entry->source_time = batch->now;
	entry->rule = held ? "resolve" : "hub";
	entry->reason =
		psprintf("%s was set here by %s%s%s", sc_say_value(field, value),
				 actor == NULL ? "a rule" : sc_say_actor(batch, 0, actor, SC_ACTOR_HUMAN),
				 reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
	if (held)
		sc_decide_settled(batch, entry, NULL);
}
