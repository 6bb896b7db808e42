/*
 * gone.c
 *	  A record was deleted at its system: the tombstone on the link, then the
 *	  type's rule, once.
 *
 * unlink: the entity lives on without that record.  close: it is closed
 * everywhere else.  recreate: the route makes a new record.  delete: the other
 * records are deleted, too.  review: a person is told, and decides.
 *
 * Who deleted a record may not have seen what somebody else had changed in
 * another one, or somebody changes a record that is about to be deleted.  The
 * rule stands, once; the meeting is told as a conflict, with both sides in it.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/json.h"
#include "core/say.h"

typedef struct Meeting /* a deletion and a change that had not heard of each other */
{
	ScLink *deleted;			  /* whose record was deleted first */
	const ScStatement *statement; /* that told of the later one of the two; NULL = a call */
	const char *field;
	const ScVersion *version; /* the change */
	const char *kind;		  /* as a conflict */
	const char *outcome;
} Meeting;

static void note_deletion(ScBatch *batch, ScLink *link, const ScStatement *statement, bool ours);
static void apply_rule(ScBatch *batch, ScLink *link, const ScStatement *statement);
static void delete_others(ScBatch *batch, ScLink *link);
static void tell_person(ScBatch *batch, ScLink *link, const char *left);
static void tell_unseen(ScBatch *batch, ScLink *link, const ScStatement *statement);
static const ScVersion *find_unseen(ScLink *link, const char **field);
static const ScVersion *find_made(const ScEntity *entity, int64 event, const char **field);
static void tell_meeting(ScBatch *batch, const Meeting *meeting);
static ScConflictOut *make_conflict(ScBatch *batch, const Meeting *meeting);
static Jsonb *say_deletion(const Meeting *meeting);

void
sc_decide_gone(ScBatch *batch, ScLink *link, const ScStatement *statement)
{
	bool ours = link->state == SC_LINK_DELETING;

	if (link->state == SC_LINK_TOMBSTONE)
		return;
	link->state = SC_LINK_TOMBSTONE;
	link->changed = true;
	link->read_owed = false;
	/* A tombstone out of the route is a record that left it, and may come back (leave.c). */
	link->in_route = true;
	link->gone_by = pstrdup(ours					   ? "on_delete"
							: statement == NULL		   ? "a call found it gone"
							: statement->actor != NULL ? statement->actor
													   : "unknown");
	memset(&link->call, 0, sizeof(ScCall));
	note_deletion(batch, link, statement, ours);
	if (link->entity == NULL || ours)
		return;
	tell_unseen(batch, link, statement);
	apply_rule(batch, link, statement);
}

void
sc_gone_tell_update(ScBatch *batch, ScLink *link, const ScStatement *statement)
{
	Meeting meeting = { .statement = statement, .kind = "update_deleted", .outcome = "keep_local" };

	if (link->state != SC_LINK_DELETING)
		return;
	meeting.version = find_made(link->entity, statement->event, &meeting.field);
	for (int i = 0; i < list_length(link->entity->links); i++)
	{
		ScLink *other = list_nth(link->entity->links, i);

		if (other->state == SC_LINK_TOMBSTONE && other->external_id != NULL)
			meeting.deleted = other;
	}
	if (meeting.version != NULL && meeting.deleted != NULL)
		tell_meeting(batch, &meeting);
}

static void
note_deletion(ScBatch *batch, ScLink *link, const ScStatement *statement, bool ours)
{
	ScLedgerEntry *entry = sc_decide_note(batch, SC_LEDGER_DELETE, link, statement, NULL);

	entry->rule = pstrdup(link->entity == NULL ? "unlink" : link->entity->type->on_delete);
	if (ours)
		entry->reason =
			psprintf("%s %s was deleted at %s, as another record of this %s was", link->record_type,
					 sc_model_record_name(link), link->system->name, link->entity->type->name);
	else
		entry->reason =
			psprintf("%s %s is gone at %s%s", link->record_type, sc_model_record_name(link),
					 link->system->name, statement == NULL ? ": a call found it so, twice" : "");
}

static void
apply_rule(ScBatch *batch, ScLink *link, const ScStatement *statement)
{
	ScEntity *entity = link->entity;
	const char *rule = entity->type->on_delete;
	const char *state = sc_model_closing_state(entity->type);

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
	}
	else if (strcmp(rule, "delete") == 0)
		delete_others(batch, link);
	else
		tell_person(batch, link,
					psprintf("the other records of entity " INT64_FORMAT " are still kept in step",
							 entity->id));
}

/* A create on its way is waited for, and what it made is deleted; one that is only wanted is not made. */
static void
delete_others(ScBatch *batch, ScLink *link)
{
	const ScEntity *entity = link->entity;

	for (int i = 0; i < list_length(entity->links); i++)
	{
		ScLink *other = list_nth(entity->links, i);

		if (!sc_model_is_linked(other) && other->state != SC_LINK_CREATING)
			continue;
		if (sc_conf_operation(other->system->connector, other->record_type, "delete", 1) == NULL)
		{
			tell_person(batch, link,
						psprintf("%s %s of entity " INT64_FORMAT
								 " stays: connector \"%s\" has no operation to delete it",
								 other->record_type, sc_model_record_name(other), entity->id,
								 other->system->connector->name));
			continue;
		}
		other->changed = true;
		other->state = SC_LINK_DELETING;
		if (other->external_id != NULL || other->call.kind != SC_CALL_NONE)
			continue;
		other->state = SC_LINK_TOMBSTONE;
		other->gone_by = pstrdup("on_delete");
	}
}

/* left: what was not done about the others. */
static void
tell_person(ScBatch *batch, ScLink *link, const char *left)
{
	ScEntity *entity = link->entity;
	ScAlertOut *alert =
		sc_decide_alert(batch, entity->space, "delete",
						psprintf("delete:" INT64_FORMAT ":%s", entity->id, link->system->name));

	alert->detail = psprintf("%s %s was deleted at %s; %s", link->record_type,
							 link->external_id == NULL ? "" : sc_model_record_name(link),
							 link->system->name, left);
	alert->hint = "Close or delete them by hand, or leave them; set entity_type.on_delete to have "
				  "it done by rule.";
}

/* delete_update: a change that the system had not been shown when its record was deleted. */
static void
tell_unseen(ScBatch *batch, ScLink *link, const ScStatement *statement)
{
	const char *rule = link->entity->type->on_delete;
	bool applied = strcmp(rule, "delete") == 0 || strcmp(rule, "close") == 0;
	Meeting meeting = { .deleted = link,
						.statement = statement,
						.kind = "delete_origin_differs",
						.outcome = applied ? "apply_remote" : "keep_local" };

	meeting.version = find_unseen(link, &meeting.field);
	if (meeting.version != NULL)
		tell_meeting(batch, &meeting);
}

/* The latest value in force that another system has and this one had not been shown. */
static const ScVersion *
find_unseen(ScLink *link, const char **field)
{
	const ScVersion *latest = NULL;

	for (int i = 0; i < link->entity->stamps.len; i++)
	{
		const ScStamp *stamp = &link->entity->stamps.items[i];
		const ScShadowField *shadow = sc_shadow_find(&link->shadow, stamp->field);
		int n = stamp->together ? stamp->nversions : Min(stamp->nversions, 1);

		for (int k = 0; k < n && sc_merge_form(link->map, stamp->field) != NULL; k++)
		{
			const ScVersion *version = &stamp->versions[k];

			if (version->dot.link == link->id ||
				(shadow != NULL && sc_vclock_covers_dot(&shadow->seen, version->dot)) ||
				(latest != NULL && latest->at >= version->at))
				continue;
			latest = version;
			*field = stamp->field;
		}
	}
	return latest;
}

/* What an event made. */
static const ScVersion *
find_made(const ScEntity *entity, int64 event, const char **field)
{
	for (int i = 0; event != 0 && i < entity->stamps.len; i++)
		for (int k = 0; k < entity->stamps.items[i].nversions; k++)
			if (entity->stamps.items[i].versions[k].event == event)
			{
				*field = entity->stamps.items[i].field;
				return &entity->stamps.items[i].versions[k];
			}
	return NULL;
}

/* The conflict, its row in the ledger, and an alert for both sides. */
static void
tell_meeting(ScBatch *batch, const Meeting *meeting)
{
	ScLink *link = meeting->deleted;
	ScEntity *entity = link->entity;
	const ScField *field = sc_conf_field(entity->type, meeting->field);
	ScLedgerEntry *entry =
		sc_decide_note(batch, SC_LEDGER_CONFLICT, link, meeting->statement, NULL);
	ScAlertOut *alert;

	entry->field = field->name;
	entry->new_value = sc_say_jsonb(field, &meeting->version->value);
	entry->rule = pstrdup(entity->type->on_delete);
	entry->reason = psprintf("%s was deleted at %s, where nobody had seen %s in %s: on_delete "
							 "says what follows (%s)",
							 sc_model_record_name(link), link->system->name,
							 sc_say_version(batch, field, meeting->version), field->name,
							 entity->type->on_delete);
	entry->conflict = make_conflict(batch, meeting);
	entry->conflict->rule = entry->rule;
	entry->conflict->reason = entry->reason;
	alert = sc_decide_alert(batch, entity->space, "delete_update",
							psprintf("delete_update:" INT64_FORMAT, entity->id));
	alert->detail = psprintf("entity " INT64_FORMAT ": %s", entity->id, entry->reason);
	alert->hint = psprintf(
		"Tell both sides. What was said is in: SELECT * FROM syncore.timeline(" INT64_FORMAT ");",
		entity->id);
}

static ScConflictOut *
make_conflict(ScBatch *batch, const Meeting *meeting)
{
	ScLink *link = meeting->deleted;
	const ScField *field = sc_conf_field(link->entity->type, meeting->field);
	bool is_update = strcmp(meeting->kind, "update_deleted") == 0;
	Jsonb *deletion = say_deletion(meeting);
	Jsonb *change = sc_say_version_json(batch, field, meeting->version);
	ScConflictOut *conflict = palloc0(sizeof(ScConflictOut));

	conflict->entity = link->entity;
	conflict->field = field->name;
	conflict->kind = meeting->kind;
	conflict->state = "decided";
	conflict->incoming_system = is_update ? meeting->version->system_id : link->system->id;
	conflict->current_system = is_update ? link->system->id : meeting->version->system_id;
	conflict->incoming = is_update ? change : deletion;
	conflict->current = is_update ? deletion : change;
	conflict->versions = sc_say_versions_json(batch, field, meeting->version, 1);
	conflict->outcome = meeting->outcome;
	conflict->event = meeting->statement == NULL ? 0 : meeting->statement->event;
	batch->conflicts = lappend(batch->conflicts, conflict);
	return conflict;
}

static Jsonb *
say_deletion(const Meeting *meeting)
{
	const ScStatement *statement = meeting->statement;
	ScJson json = sc_json_object();

	sc_json_text(&json, "system", meeting->deleted->system->name);
	sc_json_boolean(&json, "deleted", true);
	if (statement != NULL && statement->kind == SC_STATEMENT_DELETE)
	{
		sc_json_text(&json, "actor", statement->actor);
		sc_json_text(&json, "at", sc_map_format_time(statement->source_time, NULL));
	}
	return sc_json_end(&json);
}
