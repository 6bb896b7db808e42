/*
 * play_make.c
 *	  Histories with more than one entity: records that are heard of for the
 *	  first time, creates, look-ups, entities that are joined (R21 to R23).
 *
 *	  Link ids are (entity - 1) * systems + system, so that the model knows them.
 */
#include "postgres.h"

#include "core/join.h"
#include "play.h"

static ScEntity *make_entity(Play *play, int id);
static ScLink *make_link(Play *play, ScEntity *entity, const ScSystem *system, char *record);
static void take_made(Play *play, ScStatementKind kind);
static bool may_meet(Play *play, ScEntity *keep, ScEntity *drop, bool forget);

bool
play_is_there(const Play *play)
{
	switch (play->args[0][0])
	{
		case 'J':
			return play->entities[atoi(play->args[1])] != NULL &&
				   play->entities[atoi(play->args[2])] != NULL;
		case 'G':
			return play->events[atoi(play->args[1])] != NULL;
		case 'R':
			return play->entities[atoi(play->args[1])] != NULL;
		case 'M':
			return play->nargs != 5 || play->links[atoi(play->args[1])] != NULL;
		default:
			return strchr("SVCAWLFXUOYQ", play->args[0][0]) == NULL ||
				   play->links[atoi(play->args[1])] != NULL;
	}
}

/* Nothing is there yet: neither entity nor record. */
void
play_bare(Play *play)
{
	play->nlinks = PLAY_LINKS_MAX;
	memset(play->links, 0, sizeof(play->links));
	memset(play->entities, 0, sizeof(play->entities));
	play->entity = NULL;
}

/*
 * A record that nobody knows, by whose key the entity was found: whose it is
 * says core.  Without a number for another entity the model sees no need of one.
 */
void
play_arrive(Play *play)
{
	const ScSystem *system = &play->world.conf->systems[atoi(play->args[1]) - 1];
	ScEntity *entity = play->entities[atoi(play->args[2])];
	ScPlace place = SC_PLACE_FREE;
	ScLink *there;

	if (entity == NULL)
		entity = make_entity(play, atoi(play->args[2]));
	else
	{
		static const char *const told[] = { "tied", "adopted", "apart" };

		place = sc_join_place(entity, system, &there);
		appendStringInfoString(play->out, told[place]);
	}
	if (place == SC_PLACE_TAKEN && atoi(play->args[3]) == 0)
		return;
	if (place == SC_PLACE_TAKEN)
		entity = make_entity(play, atoi(play->args[3]));
	if (place != SC_PLACE_WANTED)
	{
		(void) make_link(play, entity, system, play->args[4]);
		return;
	}
	there->external_id = pstrdup(play->args[4]);
	there->state = SC_LINK_ACTIVE;
	there->changed = true;
}

static ScEntity *
make_entity(Play *play, int id)
{
	ScEntity *entity = palloc0(sizeof(ScEntity));

	entity->id = id;
	entity->space = play->world.space;
	entity->type = play->world.type;
	entity->created_at = play->batch.now;
	entity->fresh = entity->changed = true;
	play->entities[id] = entity;
	return entity;
}

static ScLink *
make_link(Play *play, ScEntity *entity, const ScSystem *system, char *record)
{
	ScLink *link = palloc0(sizeof(ScLink));

	link->id = play_link_id(play, entity, system);
	link->system = system;
	link->map = &system->maps[0];
	link->record_type = "ticket";
	link->external_id = pstrdup(record);
	link->state = SC_LINK_ACTIVE;
	link->in_route = link->fresh = link->changed = true;
	link->entity = entity;
	entity->links = lappend(entity->links, link);
	play->links[link->id] = link;
	return link;
}

int
play_link_id(const Play *play, const ScEntity *entity, const ScSystem *system)
{
	return ((int) entity->id - 1) * play->world.conf->nsystems + system->id;
}

void
play_made(Play *play)
{
	take_made(play, SC_STATEMENT_RESPONSE);
}

void
play_found(Play *play)
{
	take_made(play, SC_STATEMENT_READ);
}

static void
take_made(Play *play, ScStatementKind kind)
{
	ScOutcome outcome = { .kind = SC_OUTCOME_OK, .external_id = pstrdup(play->args[2]) };

	if (kind == SC_STATEMENT_RESPONSE)
		outcome.position = play_position(play->args[3]);
	outcome.body = play_statement(play, kind, play->args[3], play->args[4]);
	play_take(play, play->links[atoi(play->args[1])], &outcome);
}

void
play_not_found(Play *play)
{
	play_take(play, play->links[atoi(play->args[1])], &(ScOutcome){ .kind = SC_OUTCOME_NOT_FOUND });
}

/* A person says that two entities are one. */
void
play_join(Play *play)
{
	ScJoin join = { .keep = play->entities[atoi(play->args[1])],
					.drop = play->entities[atoi(play->args[2])],
					.hub = 90 + atoi(play->args[2]),
					.actor = "ada" };

	if (!may_meet(play, join.keep, join.drop, false))
	{
		appendStringInfoString(play->out, "refused");
		return;
	}
	(void) may_meet(play, join.keep, join.drop, true);
	sc_join_entities(&play->batch, &join);
	play->entities[atoi(play->args[2])] = NULL;
	play_end_batch(play);
}

/* forget: links that give way go. */
static bool
may_meet(Play *play, ScEntity *keep, ScEntity *drop, bool forget)
{
	List *mine = list_copy(keep->links);
	List *theirs = list_copy(drop->links);

	for (int i = 0; i < list_length(mine); i++)
		for (int k = 0; k < list_length(theirs); k++)
		{
			ScLink *link = list_nth(mine, i);
			ScLink *other = list_nth(theirs, k);
			ScLink *gives_way;

			if (link->system != other->system)
				continue;
			if (sc_join_meet(link, other, &gives_way) != SC_MEETING_ONE)
				return false;
			if (!forget)
				continue;
			gives_way->entity->links = list_delete_ptr(gives_way->entity->links, gives_way);
			play->links[gives_way->id] = NULL;
		}
	return true;
}

void
play_resolve(Play *play)
{
	ScHubWord word = { .field = play->args[2], .value = play_value(play->args[3]) };

	word.actor = "ada";
	sc_decide_hub(&play->batch, play->entities[atoi(play->args[1])], &word);
	play_end_batch(play);
}

/* Each entity, with its links and what stands. */
void
play_tell_entities(Play *play)
{
	static const char *const states[] = { "candidate", "creating", "active",
										  "diverged",  "deleting", "tombstone" };

	for (int id = 1; id <= PLAY_ENTITIES_MAX; id++)
	{
		ScEntity *entity = play->entities[id];

		if (entity == NULL)
			continue;
		appendStringInfo(play->out, "%se%d[", play->out->data[play->out->len - 1] == '|' ? "" : " ",
						 id);
		for (int i = 0; i < list_length(entity->links); i++)
		{
			const ScLink *link = list_nth(entity->links, i);

			appendStringInfo(play->out, " %d:" INT64_FORMAT ":%s:%s", link->system->id, link->id,
							 link->external_id == NULL ? "-" : link->external_id,
							 states[link->state]);
		}
		appendStringInfoString(play->out, "] ");
		play->entity = entity;
		play_tell_state(play);
	}
}
