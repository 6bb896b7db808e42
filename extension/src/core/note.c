/*
 * note.c
 *	  What deciding writes down: rows of the ledger, conflicts, alerts.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/json.h"
#include "core/say.h"

ScLedgerEntry *
sc_decide_note(ScBatch *batch, ScLedgerKind kind, ScLink *link, const ScStatement *statement,
			   const ScMapped *said)
{
	ScLedgerEntry *entry = sc_model_note(batch, kind, link->entity, link);

	if (statement != NULL)
	{
		entry->event = statement->event;
		entry->actor = statement->actor;
		entry->actor_kind = statement->actor_kind;
		entry->source_time = statement->source_time;
		if (statement->correlation_id != NULL)
			entry->correlation_id = statement->correlation_id;
	}
	if (said != NULL)
	{
		entry->field = said->map->field->name;
		entry->new_value = sc_say_jsonb(said->map->field, &said->canonical);
	}
	return entry;
}

void
sc_decide_conflict(ScBatch *batch, const ScMerge *merge, const ScVersion *incoming,
				   ScLedgerEntry *entry)
{
	ScEntity *entity = entry->entity;
	const ScField *field = sc_conf_field(entity->type, entry->field);
	ScStamp *stamp = sc_stamp_find(&entity->stamps, field->name);
	ScConflictOut *conflict = palloc0(sizeof(ScConflictOut));
	bool won = merge->outcome == SC_MERGE_CONFLICT_INCOMING;
	bool is_first = stamp->versions[0].dot.link == incoming->dot.link &&
					stamp->versions[0].dot.n == incoming->dot.n;
	const ScVersion *other =
		(won && !stamp->together) || is_first ? &merge->beaten : &stamp->versions[0];

	conflict->entity = entity;
	conflict->field = field->name;
	conflict->kind =
		entry->link != NULL && entry->link->fresh ? "insert_exists" : "update_origin_differs";
	conflict->state = merge->outcome == SC_MERGE_HELD ? "pending" : "decided";
	conflict->incoming_system = incoming->system_id;
	conflict->current_system = other->system_id;
	conflict->incoming = sc_say_version_json(batch, field, incoming);
	conflict->current = sc_say_version_json(batch, field, other);
	conflict->versions = sc_say_versions_json(batch, field, stamp->versions, stamp->nversions);
	conflict->rule = pstrdup(merge->rule);
	conflict->reason = merge->reason;
	conflict->outcome = merge->outcome == SC_MERGE_HELD ? "deferred"
						: stamp->together				? "merged"
						: won							? "apply_remote"
														: "keep_local";
	conflict->event = incoming->event;
	if (merge->choice != NULL && merge->choice_rule != NULL)
	{
		ScJson suggestion = sc_json_object();

		sc_json_text(&suggestion, "choice", merge->choice);
		sc_json_text(&suggestion, "rule", merge->choice_rule);
		sc_json_text(&suggestion, "because", merge->choice_reason);
		conflict->suggestion = sc_json_end(&suggestion);
	}
	entry->conflict = conflict;
	batch->conflicts = lappend(batch->conflicts, conflict);
}

ScAlertOut *
sc_decide_alert(ScBatch *batch, const ScSpace *space, const char *kind, char *cause)
{
	ScAlertOut *alert = palloc0(sizeof(ScAlertOut));

	alert->space = space;
	alert->level = "warning";
	alert->kind = kind;
	alert->cause = cause;
	batch->alerts = lappend(batch->alerts, alert);
	return alert;
}

/* RS-07: somebody has to know that a conflict waits for a person. */
void
sc_decide_tell_reviewers(ScBatch *batch, const ScLedgerEntry *entry, bool waits)
{
	const ScEntity *entity = entry->entity;
	ScAlertOut *alert =
		sc_decide_alert(batch, entity->space, "review",
						psprintf("review:" INT64_FORMAT ":%s", entity->id, entry->field));

	alert->over = !waits;
	alert->detail = psprintf("%s of entity " INT64_FORMAT " waits for a person: %s", entry->field,
							 entity->id, entry->reason);
	alert->hint = "TABLE syncore.review; its column to_do is the call that decides.";
}

/* CS-07, CS-08: a word of a scale that somebody has to map: told once for each place, and counted. */
void
sc_decide_tell_unmapped(ScBatch *batch, const ScSystem *system, const ScMapped *said)
{
	char *cause = psprintf("unmapped_value:%s:%s", system->name, said->map->path_text);
	const char *became;
	ScAlertOut *alert;

	for (int i = 0; i < list_length(batch->alerts); i++)
		if (strcmp(((ScAlertOut *) list_nth(batch->alerts, i))->cause, cause) == 0)
			return;
	alert = sc_decide_alert(batch, system->space, "unmapped", cause);
	alert->object = pstrdup(system->name);
	alert->hint = said->hint;
	if (said->outcome == SC_MAP_FAILED)
	{
		became = "the event waits in quarantine";
		alert->hint = psprintf("%s Then: SELECT syncore.release(id, 'mapped') FROM "
							   "syncore.quarantine;",
							   said->hint);
	}
	else if (said->outcome == SC_MAP_SKIPPED)
		became = "the field stays as it was, the others are kept in step";
	else
		became = psprintf("%s is taken instead, the other fields are kept in step",
						  sc_say_value(said->map->field, &said->canonical));
	alert->detail = psprintf("%s of system \"%s\": %s; %s", said->map->path_text, system->name,
							 said->message, became);
}
