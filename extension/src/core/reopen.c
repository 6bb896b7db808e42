/*
 * reopen.c
 *	  Something that is closed is opened again in one of its systems, by
 *	  somebody who knew that it is closed: entity_type.on_reopen says what that is.
 *
 * Closed is a state of category done from which no declared transition leads
 * back to work.  link_new: the record goes on as a new entity, and what was
 * closed stays as it was; its other records are not touched, unless they are
 * reopened, too, before the new one has a record in their system: then they go
 * on as the same.  review: nothing
 * moves until a person has decided.  reopen: it is open again everywhere.  What
 * was closed for longer than reopen_limit always goes on as a new entity.
 *
 * Who had not heard of the closing has not reopened anything: that is a
 * conflict like any other, and both sides are told how it ended.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/reopen.h"
#include "core/say.h"

/* The hub's word that it is closed, which the reopening is held against (review). */
static const char guard[] = "on_reopen";

static const ScState *find_state(const ScEntityType *type, const ScValue *value);
static bool is_closing(const ScEntityType *type, const ScValue *value);
static bool is_open(const ScEntityType *type, const ScValue *value);
static const char *rule_of(const ScBatch *batch, const ScEntity *entity);
static const ScMapped *find_reopening(ScBatch *batch, ScLink *link, const ScStatement *statement);
static bool is_owned_by_another(const ScBatch *batch, const ScLink *link, const char *field);
static ScEntity *find_successor(ScBatch *batch, const ScEntity *closed, const ScLink *link);
static ScLink *find_place(const ScEntity *entity, const ScSystem *system);
static bool has_open_state(const ScEntity *entity);
static void give_place(ScEntity *closed, ScLink *wanted);
static ScEntity *make_successor(ScBatch *batch, ScEntity *closed, const char *state_field);
static void leave_place(ScBatch *batch, ScEntity *closed, ScLink *link);
static void note_successor(ScBatch *batch, ScEntity *closed, ScLink *link,
						   const ScStatement *statement, const ScMapped *said);

bool
sc_reopen_is(const ScEntityType *type, const ScField *field, const ScValue *old, const ScValue *new)
{
	return field->kind == SC_KIND_STATE && is_closing(type, old) && is_open(type, new);
}

bool
sc_reopen_waits(ScBatch *batch, ScLink *link, const ScStatement *statement)
{
	return link->call.kind != SC_CALL_NONE && !link->call.unreadable &&
		   find_reopening(batch, link, statement) != NULL;
}

bool
sc_reopen_take(ScBatch *batch, ScLink *link, const ScStatement *statement)
{
	ScEntity *closed = link->entity;
	const ScMapped *said = find_reopening(batch, link, statement);
	ScEntity *successor;

	if (said == NULL)
		return false;
	successor = find_successor(batch, closed, link);
	closed->links = list_delete_ptr(list_copy(closed->links), link);
	if (successor == NULL)
		successor = make_successor(batch, closed, said->map->field->name);
	ScLink *wanted = find_place(successor, link->system);

	if (wanted != NULL)
		give_place(closed, wanted);
	else
		leave_place(batch, closed, link);
	link->entity = successor;
	link->changed = true;
	link->whole = true;
	successor->links = lappend(successor->links, link);
	note_successor(batch, closed, link, statement, said);
	return true;
}

bool
sc_reopen_asks(const ScBatch *batch, const ScEntity *entity, const ScField *field,
			   const ScValue *new)
{
	const ScStamp *stamp = sc_stamp_find(&unconstify(ScEntity *, entity)->stamps, field->name);
	const ScFieldValue *value = sc_model_value(unconstify(ScEntity *, entity), field->name);

	return stamp != NULL && !stamp->held && value != NULL &&
		   sc_reopen_is(entity->type, field, &value->value, new) &&
		   strcmp(rule_of(batch, entity), "review") == 0;
}

void
sc_reopen_guard(ScBatch *batch, ScEntity *entity, const ScField *field)
{
	ScStamp *stamp = sc_stamp_get(&entity->stamps, field->name);
	ScVersion version = { .value = sc_model_value(entity, field->name)->value,
						  .context = sc_vclock_copy(&stamp->clock),
						  .actor_kind = SC_ACTOR_INTEGRATION,
						  .actor = pstrdup(guard),
						  .at = batch->now,
						  .source_version = -1 };

	version.replaced = version.value;
	(void) sc_merge_version(batch, entity, field,
							sc_conf_policy(batch->conf, entity->space, entity->type, field->name),
							&version);
}

bool
sc_reopen_holds(const ScEntityType *type, const ScField *field, const ScStamp *stamp)
{
	bool guarded = false;
	bool open = false;

	if (field->kind != SC_KIND_STATE || strcmp(type->on_reopen, "review") != 0)
		return false;
	for (int i = 0; i < stamp->nversions; i++)
	{
		const ScVersion *version = &stamp->versions[i];

		guarded = guarded || (version->dot.link == 0 && version->actor != NULL &&
							  strcmp(version->actor, guard) == 0);
		open = open || is_open(type, &version->value);
	}
	return guarded && open;
}

/* Both sides are told how the race between closing and reopening ended. */
void
sc_reopen_tell_race(ScBatch *batch, const ScLedgerEntry *entry, const ScMerge *merge,
					const ScVersion *incoming)
{
	ScEntity *entity = entry->entity;
	const ScField *field = sc_conf_field(entity->type, entry->field);
	ScStamp *stamp = sc_stamp_find(&entity->stamps, field->name);
	const ScVersion *other =
		merge->outcome == SC_MERGE_CONFLICT_INCOMING ? &merge->beaten : &stamp->versions[0];
	const ScVersion *opener = is_open(entity->type, &incoming->value) ? incoming : other;
	const ScVersion *closer = opener == incoming ? other : incoming;
	const ScState *before = find_state(entity->type, &opener->replaced);
	ScAlertOut *alert;

	if (field->kind != SC_KIND_STATE || before == NULL || before->category != 2 ||
		!is_open(entity->type, &opener->value) || is_open(entity->type, &closer->value))
		return;
	alert = sc_decide_alert(batch, entity->space, "close_reopen",
							psprintf("close_reopen:" INT64_FORMAT, entity->id));
	alert->level = "info";
	alert->detail = psprintf("%s of entity " INT64_FORMAT
							 " was closed and reopened at once (%s; %s): %s stands in every record",
							 field->name, entity->id, sc_say_version(batch, field, closer),
							 sc_say_version(batch, field, opener),
							 sc_say_value(field, &stamp->versions[0].value));
	alert->hint = psprintf("Who wants it otherwise sets it in any of its records. Why it is so: "
						   "SELECT * FROM syncore.why(" INT64_FORMAT ", '%s');",
						   entity->id, field->name);
}

static const ScState *
find_state(const ScEntityType *type, const ScValue *value)
{
	char *name = value->state == SC_VALUE_JSON ? sc_value_to_cstring(value) : NULL;

	for (int i = 0; name != NULL && i < type->nstates; i++)
		if (strcmp(type->states[i].name, name) == 0)
			return &type->states[i];
	return NULL;
}

/* Done, and no declared step leads back to work: resolved may be taken up again, closed may not. */
static bool
is_closing(const ScEntityType *type, const ScValue *value)
{
	const ScState *state = find_state(type, value);

	if (state == NULL || state->category != 2)
		return false;
	for (int i = 0; i < type->ntransitions; i++)
	{
		ScValue next = sc_value_text(type->transitions[2 * i + 1]);

		if (strcmp(type->transitions[2 * i], state->name) == 0 && is_open(type, &next))
			return false;
	}
	return true;
}

static bool
is_open(const ScEntityType *type, const ScValue *value)
{
	const ScState *state = find_state(type, value);

	return state != NULL && state->category != 2;
}

/* The type's rule, while the time for it lasts. */
static const char *
rule_of(const ScBatch *batch, const ScEntity *entity)
{
	if (entity->closed_at != 0 && batch->now - entity->closed_at > entity->type->reopen_limit_us)
		return "link_new";
	return entity->type->on_reopen;
}

/* The field of a statement that reopens the link's entity, which then goes on as another; NULL = none. */
static const ScMapped *
find_reopening(ScBatch *batch, ScLink *link, const ScStatement *statement)
{
	ScEntity *entity = link->entity;

	if (!sc_model_is_linked(link) || batch->hooks == NULL || batch->hooks->draw_entity == NULL)
		return NULL;
	for (int i = 0; i < statement->nfields; i++)
	{
		const ScMapped *said = &statement->fields[i];
		const ScField *field = said->map == NULL ? NULL : said->map->field;
		const ScFieldValue *value;
		const ScStamp *stamp;
		ScShadowField *shadow;
		ScDot dot;

		if (field == NULL || field->kind != SC_KIND_STATE ||
			(said->outcome != SC_MAP_OK && said->outcome != SC_MAP_NEAREST))
			continue;
		value = sc_model_value(entity, field->name);
		stamp = sc_stamp_find(&entity->stamps, field->name);
		shadow = sc_shadow_find(&link->shadow, field->name);
		if (value == NULL || stamp == NULL || stamp->nversions == 0 || stamp->held ||
			shadow == NULL || !sc_reopen_is(entity->type, field, &value->value, &said->canonical) ||
			strcmp(rule_of(batch, entity), "link_new") != 0 ||
			is_owned_by_another(batch, link, field->name))
			return NULL;
		dot = stamp->versions[0].dot;
		if (dot.link != link->id && !sc_vclock_covers_dot(&shadow->seen, dot))
			return NULL;
		return sc_order_judge(link, shadow, statement, said).verdict == SC_VERDICT_CURRENT ? said
																						   : NULL;
	}
	return NULL;
}

/* What the system may not change, it cannot reopen either (refuse.c). */
static bool
is_owned_by_another(const ScBatch *batch, const ScLink *link, const char *field)
{
	ScOwnership ownership =
		sc_conf_ownership(batch->conf, link->entity->space, link->entity->type, field);

	return ownership.owner_id != 0 && ownership.owner_id != link->system->id &&
		   ownership.on_foreign_write != SC_FOREIGN_ACCEPT;
}

/* What somebody else has reopened it as, in another of its records, if that has no record of this system yet. */
static ScEntity *
find_successor(ScBatch *batch, const ScEntity *closed, const ScLink *link)
{
	ListCell *cell;

	foreach (cell, batch->entities)
	{
		ScEntity *entity = lfirst(cell);
		const ScLink *there;

		if (entity->predecessor != closed->id || entity->space != closed->space ||
			entity->type != closed->type || entity->merged_into != 0 || !has_open_state(entity))
			continue;
		there = find_place(entity, link->system);
		if (there == NULL || (there->state == SC_LINK_CREATING && there->external_id == NULL &&
							  there->call.kind == SC_CALL_NONE))
			return entity;
	}
	return NULL;
}

/* An entity's record of a system, or the one that it is to be given. */
static ScLink *
find_place(const ScEntity *entity, const ScSystem *system)
{
	for (int i = 0; i < list_length(entity->links); i++)
	{
		ScLink *link = list_nth(entity->links, i);

		if (link->system == system && link->state != SC_LINK_TOMBSTONE &&
			link->state != SC_LINK_CANDIDATE)
			return link;
	}
	return NULL;
}

static bool
has_open_state(const ScEntity *entity)
{
	for (int i = 0; i < entity->type->nfields; i++)
	{
		const ScField *field = &entity->type->fields[i];
		const ScFieldValue *value =
			field->kind == SC_KIND_STATE
				? sc_model_value(unconstify(ScEntity *, entity), field->name)
				: NULL;

		if (value != NULL)
			return is_open(entity->type, &value->value);
	}
	return false;
}

/* The record that was to be made there need not be: its link stays with what is closed, as a tombstone. */
static void
give_place(ScEntity *closed, ScLink *wanted)
{
	wanted->entity->links = list_delete_ptr(list_copy(wanted->entity->links), wanted);
	wanted->state = SC_LINK_TOMBSTONE;
	wanted->gone_by = pstrdup(guard);
	wanted->in_route = true;
	wanted->entity = closed;
	wanted->changed = true;
	closed->links = lappend(closed->links, wanted);
}

/* Everything that stood, but its state: that is for the reopening to say. */
static ScEntity *
make_successor(ScBatch *batch, ScEntity *closed, const char *state_field)
{
	ScEntity *entity = palloc0(sizeof(ScEntity));

	entity->id = batch->rehearsal ? SC_MODEL_REHEARSED + ++batch->drawn
								  : batch->hooks->draw_entity(batch->hooks->arg);
	entity->space = closed->space;
	entity->type = closed->type;
	entity->created_at = batch->now;
	entity->predecessor = closed->id;
	entity->fresh = true;
	entity->changed = true;
	for (int i = 0; i < closed->nvalues; i++)
	{
		ScFieldValue *value;

		if (strcmp(closed->values[i].field, state_field) == 0)
			continue;
		value = sc_model_value_get(entity, closed->values[i].field);
		*value = closed->values[i];
	}
	for (int i = 0; i < closed->stamps.len; i++)
	{
		const ScStamp *from = &closed->stamps.items[i];
		ScStamp *stamp = sc_stamp_get(&entity->stamps, from->field);

		stamp->clock = sc_vclock_copy(&from->clock);
		stamp->touched = true;
		if (from->nversions == 0 || strcmp(from->field, state_field) == 0)
			continue;
		stamp->together = from->together;
		stamp->nmembers = from->nmembers;
		stamp->members = palloc(sizeof(ScMember) * Max(from->nmembers, 1));
		if (from->nmembers > 0)
			memcpy(stamp->members, from->members, sizeof(ScMember) * from->nmembers);
		stamp->nversions = from->together ? from->nversions : 1;
		stamp->versions = palloc(sizeof(ScVersion) * stamp->nversions);
		memcpy(stamp->versions, from->versions, sizeof(ScVersion) * stamp->nversions);
	}
	batch->entities = lappend(batch->entities, entity);
	return entity;
}

/* A tombstone without a record: the routes make no other record of what is closed. */
static void
leave_place(ScBatch *batch, ScEntity *closed, ScLink *link)
{
	ScLink *place = palloc0(sizeof(ScLink));

	place->system = link->system;
	place->map = link->map;
	place->record_type = link->record_type;
	place->state = SC_LINK_TOMBSTONE;
	place->gone_by = pstrdup(guard);
	place->in_route = true;
	place->entity = closed;
	place->fresh = true;
	place->changed = true;
	closed->links = lappend(closed->links, place);
	batch->links = lappend(batch->links, place);
}

static void
note_successor(ScBatch *batch, ScEntity *closed, ScLink *link, const ScStatement *statement,
			   const ScMapped *said)
{
	const ScField *field = said->map->field;
	const char *name = link->external_key != NULL ? link->external_key : link->external_id;
	char *was = sc_say_value(field, &sc_model_value(closed, field->name)->value);
	ScLedgerEntry *entry = sc_decide_note(batch, SC_LEDGER_RECEIVE, link, statement, NULL);

	entry->rule = "on_reopen";
	entry->reason = psprintf(
		"%s %s of %s was reopened: this %s goes on from entity " INT64_FORMAT ", which stays %s",
		link->record_type, name, link->system->name, closed->type->name, closed->id, was);
	entry = sc_decide_note(batch, SC_LEDGER_UNLINK, link, statement, said);
	entry->entity = closed;
	entry->old_value = sc_say_jsonb(field, &sc_model_value(closed, field->name)->value);
	entry->rule = "on_reopen";
	entry->reason = psprintf("%s %s of %s was reopened (%s): it goes on as entity " INT64_FORMAT
							 ", and this one stays %s",
							 link->record_type, name, link->system->name,
							 sc_say_value(field, &said->canonical), link->entity->id, was);
}
