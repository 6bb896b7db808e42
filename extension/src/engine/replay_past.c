/*
 * replay_past.c
 *	  A record's past, decided anew under a configuration; see replay_past.h.
 */
#include "postgres.h"

#include "core/decide.h"
#include "engine/hooks.h"
#include "engine/replay_past.h"
#include "store/catalog.h"

typedef struct Sent /* a call under way: what was due when it left */
{
	ScLink *link;
	List *due; /* ScCallField * */
} Sent;

static const char nobodys[] = "no row of record_map takes it";

static void begin(ScWorld *world, const ScPast *past);
static void rewind_entity(ScWorld *world, const ScPast *past);
static void give_value(ScWorld *world, const ScFieldValue *value, int32 by);
static void empty_link(ScLink *link);
static void put_in_step(ScWorld *world, ScLink *link);
static void take_step(ScWorld *world, const ScStep *step);
static void hear(ScWorld *world, const ScStep *step);
static ScLink *link_of(ScWorld *world, const ScStep *step, const ScWork *work);
static ScLink *find_link(const List *links, int64 id);
static ScLink *make_link(ScWorld *world, const ScWork *work);
static void leave_out(ScStatement *statement, const ScStep *step);
static bool is_listed(const List *names, const char *name);
static void refuse(ScWorld *world, const char *reason);
static void decide_here(ScWorld *world, const ScStep *step);
static void send(ScWorld *world, const ScStep *step);
static void arrive(ScWorld *world, const ScStep *step);
static void settle(ScWorld *world);
static void name_fresh(ScWorld *world, ScLink *link);

ScWorld *
sc_past_replay(const ScPast *past, ScConf *conf)
{
	ScWorld *world = palloc0(sizeof(ScWorld));

	world->run.conf = conf;
	world->run.rehearsal = true;
	world->run.result_cxt = CurrentMemoryContext;
	world->batch = sc_piece_begin(&world->run);
	begin(world, past);
	for (int i = 0; i < past->nsteps; i++)
		take_step(world, &past->steps[i]);
	return world;
}

static void
begin(ScWorld *world, const ScPast *past)
{
	if (past->entity == 0)
		return;
	sc_load_entities(&world->batch, &past->entity, 1);
	if (world->batch.entities == NIL)
		return;
	world->entity = linitial(world->batch.entities);
	world->pool = world->entity->links;
	world->entity->links = NIL;
	world->batch.links = NIL;
	rewind_entity(world, past);
}

/* As it stood then: one version of each value, which every record there had seen. */
static void
rewind_entity(ScWorld *world, const ScPast *past)
{
	ScEntity *entity = world->entity;
	ScFieldValue *now = entity->values;
	int nnow = entity->nvalues;
	ListCell *cell;

	world->batch.now = past->since;
	entity->nvalues = 0;
	entity->values = NULL;
	entity->stamps = (ScStamps){ 0 };
	entity->fresh = entity->created_at >= past->since;
	for (int i = 0; i < past->nvalues && !entity->fresh; i++)
	{
		ScFieldValue value = past->values[i];
		const ScField *field = sc_conf_field(entity->type, value.field);

		if (field == NULL)
			continue;
		/* The ledger does not have what is sensitive: it is taken as it is now. */
		for (int k = 0; k < nnow && field->sensitive != SC_SENSITIVE_NO; k++)
			if (strcmp(now[k].field, value.field) == 0)
				value = now[k];
		give_value(world, &value, past->by[i]);
	}
	foreach (cell, past->old_links)
	{
		ScLink *link = find_link(world->pool, *(int64 *) lfirst(cell));

		if (link == NULL || link->external_id == NULL)
			continue;
		empty_link(link);
		put_in_step(world, link);
		world->pool = list_delete_ptr(world->pool, link);
		entity->links = lappend(entity->links, link);
		world->batch.links = lappend(world->batch.links, link);
	}
}

static void
give_value(ScWorld *world, const ScFieldValue *value, int32 by)
{
	ScEntity *entity = world->entity;
	ScStamp *stamp = sc_stamp_get(&entity->stamps, value->field);
	const ScSystem *system = sc_conf_system(world->run.conf, by);
	ScVersion *version = palloc0(sizeof(ScVersion));

	version->value = value->value;
	version->dot = (ScDot){ 0, 1 };
	version->context = sc_vclock_empty();
	version->actor_kind = SC_ACTOR_HUMAN;
	version->system_id = by;
	version->rank = system == NULL ? 0 : system->rank;
	version->at = world->batch.now;
	version->source_version = -1;
	version->replaced = SC_UNKNOWN;
	stamp->nversions = 1;
	stamp->versions = version;
	stamp->clock = sc_vclock_with_dot(&version->context, version->dot);
	*sc_model_value_get(entity, value->field) = (ScFieldValue){ .field = pstrdup(value->field),
																.value = value->value,
																.qualifier = value->qualifier };
}

static void
empty_link(ScLink *link)
{
	link->shadow = (ScShadow){ 0 };
	link->call = (ScCall){ 0 };
	link->state = SC_LINK_ACTIVE;
	link->read_owed = false;
	link->waiting = link->unsure = link->copies = link->replay = NIL;
	link->top_version = NULL;
	link->in_route = true;
	link->due = link->changed = false;
}

static void
put_in_step(ScWorld *world, ScLink *link)
{
	ScEntity *entity = world->entity;

	for (int i = 0; i < entity->nvalues && link->map != NULL; i++)
	{
		const ScFieldMap *form = sc_merge_form(link->map, entity->values[i].field);
		ScStamp *stamp = sc_stamp_find(&entity->stamps, entity->values[i].field);

		if (form == NULL || stamp == NULL)
			continue;
		ScShadowField *shadow = sc_shadow_get(&link->shadow, entity->values[i].field);

		shadow->held = sc_merge_down(&world->batch, entity, link, form);
		shadow->seen = sc_vclock_copy(&stamp->clock);
	}
}

static void
take_step(ScWorld *world, const ScStep *step)
{
	world->run.now = world->batch.now = step->at;
	switch (step->kind)
	{
		case SC_STEP_EVENT:
			if (step->event != NULL)
				hear(world, step);
			break;
		case SC_STEP_RESOLVE:
			decide_here(world, step);
			break;
		case SC_STEP_SEND:
			send(world, step);
			break;
		case SC_STEP_ARRIVE:
			arrive(world, step);
			break;
	}
}

static void
hear(ScWorld *world, const ScStep *step)
{
	ScItem item = { .kind = SC_ITEM_EVENT, .event = step->event };
	ScWork work = { .item = &item };
	const ScMapped *failure = NULL;
	bool makes = world->entity == NULL;

	world->run.nworks = 1;
	world->run.works = &work;
	world->run.outside = sc_piece_begin(&world->run);
	sc_intake_sort(&world->run);
	if (work.settled)
	{
		refuse(world, item.reason);
		return;
	}
	ScLink *link = link_of(world, step, &work);

	if (link == NULL || link->map == NULL)
		return;
	ScStatement *statement =
		sc_event_statement(&world->batch, work.system, link->map, step->event, &work.shape);

	if (statement->kind == SC_STATEMENT_COMMENT || statement->kind == SC_STATEMENT_COMMENT_DELETE)
		return;
	statement->ncomments = 0;
	/* What cannot be ordered was read then: it is what the record held. */
	if (work.system->connector->grade == SC_GRADE_NONE && statement->kind != SC_STATEMENT_DELETE)
		statement->kind = SC_STATEMENT_READ;
	leave_out(statement, step);
	if (sc_decide_statement(&world->batch, link, statement, &failure) != SC_DECIDED_QUARANTINE)
	{
		settle(world);
		return;
	}
	refuse(world, failure->message);
	if (!makes)
		return;
	world->entity = NULL;
	world->batch.entities = world->batch.links = NIL;
}

static ScLink *
link_of(ScWorld *world, const ScStep *step, const ScWork *work)
{
	ScLink *link;

	if (world->entity == NULL && step->link != 0)
		return NULL;
	if (world->entity == NULL)
		return make_link(world, work);
	if (step->link == 0)
		return linitial(world->entity->links);
	link = find_link(world->entity->links, step->link);
	if (link == NULL)
	{
		link = find_link(world->pool, step->link);
		if (link == NULL)
			return NULL;
		if (sc_conf_record_map(work->system, work->shape.record_type, work->shape.record) == NULL)
		{
			refuse(world, nobodys);
			return NULL;
		}
		empty_link(link);
		link->fresh = true;
		world->pool = list_delete_ptr(world->pool, link);
		world->entity->links = lappend(world->entity->links, link);
		world->batch.links = lappend(world->batch.links, link);
	}
	if (link->external_id == NULL)
		link->external_id = pstrdup(work->shape.external_id);
	if (link->state == SC_LINK_CREATING)
		link->state = SC_LINK_ACTIVE;
	return link;
}

static ScLink *
find_link(const List *links, int64 id)
{
	ListCell *cell;

	foreach (cell, links)
		if (((ScLink *) lfirst(cell))->id == id)
			return lfirst(cell);
	return NULL;
}

/* The first word of a record that had no entity then. */
static ScLink *
make_link(ScWorld *world, const ScWork *work)
{
	const ScRecordMap *map =
		sc_conf_record_map(work->system, work->shape.record_type, work->shape.record);
	ScEntity *entity;
	ScLink *link;

	if (map == NULL)
	{
		refuse(world, nobodys);
		return NULL;
	}
	entity = palloc0(sizeof(ScEntity));
	link = palloc0(sizeof(ScLink));
	entity->id = sc_load_draw_id(&world->batch, InvalidOid);
	entity->space = work->system->space;
	entity->type = map->type;
	entity->created_at = world->batch.now;
	entity->fresh = entity->changed = true;
	link->id = sc_load_draw_id(&world->batch, InvalidOid);
	link->system = work->system;
	link->map = map;
	link->record_type = pstrdup(work->shape.record_type);
	link->external_id = pstrdup(work->shape.external_id);
	link->state = SC_LINK_ACTIVE;
	link->in_route = link->fresh = true;
	link->entity = entity;
	entity->links = list_make1(link);
	world->entity = entity;
	world->batch.entities = list_make1(entity);
	world->batch.links = list_make1(link);
	return link;
}

/* What the event says only because our calls had said it, or because the record was shown whole. */
static void
leave_out(ScStatement *statement, const ScStep *step)
{
	for (int i = 0; i < statement->nfields && !step->undecided; i++)
	{
		ScMapped *said = &statement->fields[i];
		const char *name = said->map->field->name;
		bool is_new = !is_listed(step->heard, name) && said->outcome != SC_MAP_FAILED &&
					  !sc_value_is_null(&said->canonical);

		if (said->outcome == SC_MAP_FAILED
				? !is_listed(step->edits, name) && is_listed(step->heard, name)
				: !is_listed(step->edits, name) && !is_new)
			said->outcome = SC_MAP_ABSENT;
	}
}

static bool
is_listed(const List *names, const char *name)
{
	ListCell *cell;

	foreach (cell, names)
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	return false;
}

static void
refuse(ScWorld *world, const char *reason)
{
	world->nrefused++;
	world->refusal = reason;
}

static void
decide_here(ScWorld *world, const ScStep *step)
{
	const ScField *field = world->entity == NULL || step->field == NULL
							   ? NULL
							   : sc_conf_field(world->entity->type, step->field);

	/* The ledger does not have what is sensitive. */
	if (field == NULL || step->value == NULL || field->sensitive != SC_SENSITIVE_NO)
		return;
	ScHubWord word = { .field = field->name,
					   .value = sc_value_json(step->value),
					   .actor = step->decider };

	sc_decide_hub(&world->batch, world->entity, &word);
	settle(world);
}

/* A call of several fields is told of field by field: it is one. */
static void
send(ScWorld *world, const ScStep *step)
{
	ScLink *link = world->entity == NULL ? NULL : find_link(world->entity->links, step->link);
	Sent *sent;
	ListCell *cell;

	if (link == NULL)
		return;
	foreach (cell, world->sent)
		if (((Sent *) lfirst(cell))->link == link)
			return;
	sent = palloc0(sizeof(Sent));
	sent->link = link;
	sent->due = sc_merge_due(&world->batch, world->entity, link);
	world->sent = lappend(world->sent, sent);
}

static void
arrive(ScWorld *world, const ScStep *step)
{
	ListCell *cell;
	ListCell *field;

	foreach (cell, world->sent)
	{
		Sent *sent = lfirst(cell);

		if (sent->link->id != step->link)
			continue;
		foreach (field, sent->due)
		{
			const ScCallField *told = lfirst(field);
			ScShadowField *shadow = sc_shadow_get(&sent->link->shadow, told->field);

			shadow->held = shadow->sent = told->value;
			shadow->seen = sc_vclock_merge(&shadow->seen, &told->clock);
		}
		if (sent->link->state == SC_LINK_CREATING)
			sent->link->state = SC_LINK_ACTIVE;
		sent->link->changed = true;
		world->sent = foreach_delete_current(world->sent, cell);
		settle(world);
		return;
	}
}

/* What follows for the others; then nothing of it is new any more. */
static void
settle(ScWorld *world)
{
	ListCell *cell;

	if (world->entity == NULL)
		return;
	sc_decide_fan_out(&world->batch, world->entity);
	world->entity->fresh = false;
	foreach (cell, world->entity->links)
	{
		ScLink *link = lfirst(cell);

		if (link->id == 0)
			name_fresh(world, link);
		link->fresh = link->whole = link->due = link->look_only = link->changed = false;
	}
}

/* A record that is wanted is the one that was made for that system then, if there was one. */
static void
name_fresh(ScWorld *world, ScLink *link)
{
	ListCell *cell;

	foreach (cell, world->pool)
	{
		ScLink *was = lfirst(cell);

		if (was->system != link->system || strcmp(was->record_type, link->record_type) != 0)
			continue;
		link->id = was->id;
		world->pool = foreach_delete_current(world->pool, cell);
		return;
	}
	link->id = sc_load_draw_id(&world->batch, InvalidOid);
}
