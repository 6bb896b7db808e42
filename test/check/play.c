/*
 * play.c
 *	  check_play(world, histories): one history a line (play.h), one line of
 *	  answers for each.  It judges nothing: what is right is said by the model beside it,
 *	  which knows SEMANTICS and not this code.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "play.h"

PG_MODULE_MAGIC;

PGDLLEXPORT Datum check_play(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(check_play);

typedef struct Step
{
	char word;
	int nargs; /* with the word itself */
	void (*play)(Play *play);
} Step;

static void play_history(Play *play, char *line);
static void play_step(Play *play);
static void begin(Play *play);
static void merge(Play *play);
static void keep(Play *play);
static void move_clock(Play *play);
static void say(Play *play);
static void say_again(Play *play);
static void claim(Play *play);
static void answer(Play *play);
static void read_record(Play *play);
static void lose(Play *play);
static void refuse(Play *play);
static void fail(Play *play);
static void give_up(Play *play);
static void owe(Play *play);
static void hub(Play *play);
static void decide(Play *play, ScStatement *statement);
static void fan_out(Play *play, ScEntity *entity);
static int order_links(const ListCell *a, const ListCell *b);
static void replay(Play *play, ScLink *link);
static void tell_news(Play *play);

static const Step steps[] = {
	{ 'B', 1, play_bare },
	{ 'N', 5, play_arrive },
	{ 'V', 10, say },
	{ 'M', 5, play_made },
	{ 'Y', 5, play_found },
	{ 'Q', 2, play_not_found },
	{ 'J', 3, play_join },
	{ 'R', 4, play_resolve },
	{ 'E', 1, play_tell_entities },
	{ 'M', 10, merge },
	{ 'K', 1, keep },
	{ 'Z', 1, begin },
	{ 'T', 2, move_clock },
	{ 'S', 10, say },
	{ 'G', 2, say_again },
	{ 'C', 2, claim },
	{ 'A', 4, answer },
	{ 'W', 4, read_record },
	{ 'L', 2, lose },
	{ 'F', 2, refuse },
	{ 'X', 2, fail },
	{ 'U', 2, give_up },
	{ 'O', 2, owe },
	{ 'H', 3, hub },
	{ 'D', 1, play_tell_state },
};

Datum
check_play(PG_FUNCTION_ARGS)
{
	Play play = { 0 };
	StringInfoData out;
	char *histories = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char *rest = NULL;
	MemoryContext cxt =
		AllocSetContextCreate(CurrentMemoryContext, "history", ALLOCSET_DEFAULT_SIZES);

	initStringInfo(&out);
	play.out = &out;
	play.world = world_build(PG_GETARG_JSONB_P(0));
	play.nlinks = Min(play.world.conf->nsystems, PLAY_LINKS_MAX);
	for (char *line = strtok_r(histories, "\n", &rest); line != NULL;
		 line = strtok_r(NULL, "\n", &rest))
	{
		MemoryContext old = MemoryContextSwitchTo(cxt);

		play_history(&play, line);
		MemoryContextSwitchTo(old);
		MemoryContextReset(cxt);
		appendStringInfoChar(&out, '\n');
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

static void
play_history(Play *play, char *line)
{
	char *rest = NULL;

	memset(play->events, 0, sizeof(play->events));
	begin(play);
	for (char *step = strtok_r(line, " ", &rest); step != NULL; step = strtok_r(NULL, " ", &rest))
	{
		char *inner = NULL;

		play->nargs = 0;
		for (char *arg = strtok_r(step, ",", &inner); arg != NULL && play->nargs < PLAY_ARGS_MAX;
			 arg = strtok_r(NULL, ",", &inner))
			play->args[play->nargs++] = arg;
		play_step(play);
	}
}

static void
play_step(Play *play)
{
	for (int i = 0; i < lengthof(steps); i++)
		if (steps[i].word == play->args[0][0] && steps[i].nargs == play->nargs)
		{
			int before = play->out->len;

			appendStringInfoChar(play->out, '|');
			if (play_is_there(play))
				steps[i].play(play);
			else
				appendStringInfoString(play->out, "gone");
			/* a merge says nothing: only the state after it does */
			if (play->out->len == before + 1 && strchr("MKZ", steps[i].word) != NULL)
				play->out->data[--play->out->len] = '\0';
			return;
		}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("no step \"%s\" with %d arguments", play->args[0], play->nargs - 1)));
}

/* One entity with a record in every system, of which nothing was heard yet. */
static void
begin(Play *play)
{
	memset(&play->batch, 0, sizeof(ScBatch));
	play->batch.conf = play->world.conf;
	play->batch.hooks = &world_hooks;
	play->batch.now = USECS_PER_DAY * 9000;
	play->told = play->alerts = play->calls = 0;
	play->entity = palloc0(sizeof(ScEntity));
	play->entity->id = 1;
	play->entity->space = play->world.space;
	play->entity->type = play->world.type;
	memset(play->entities, 0, sizeof(play->entities));
	play->entities[1] = play->entity;
	play->nlinks = Min(play->world.conf->nsystems, PLAY_LINKS_MAX);
	for (int i = 1; i <= play->nlinks; i++)
	{
		ScLink *link = palloc0(sizeof(ScLink));

		link->id = i;
		link->system = &play->world.conf->systems[i - 1];
		link->map = &link->system->maps[0];
		link->record_type = "ticket";
		link->external_id = "1";
		link->state = SC_LINK_ACTIVE;
		link->in_route = true;
		link->entity = play->entity;
		play->entity->links = lappend(play->entity->links, link);
		play->links[i] = link;
	}
}

static void
merge(Play *play)
{
	const ScField *field = sc_conf_field(play->world.type, play->args[1]);
	const ScPolicy *policy =
		sc_conf_policy(play->world.conf, play->world.space, play->world.type, field->name);
	ScVersion version = { .dot = { atoi(play->args[2]), atoi(play->args[3]) } };

	version.context = play_clock(play->args[4]);
	version.value = play_value(play->args[5]);
	version.actor_kind = atoi(play->args[6]);
	version.at = atoll(play->args[7]) * 1000;
	version.source_version = atoll(play->args[8]);
	version.replaced = play_value(play->args[9]);
	version.system_id = (int32) version.dot.link;
	version.rank =
		version.system_id > 0 ? play->world.conf->systems[version.system_id - 1].rank : 0;
	sc_merge_version(&play->batch, play->entity, field, policy, &version);
	sc_decide_review_again(&play->batch, play->entity);
}

/* As between two transactions: the winner's value is the entity's, the rest is in the packed form. */
static void
keep(Play *play)
{
	bytea *packed = sc_stamps_pack(&play->entity->stamps);

	play->entity->stamps = sc_stamps_unpack(packed);
	for (int i = 0; i < play->entity->stamps.len; i++)
	{
		ScStamp *stamp = &play->entity->stamps.items[i];

		if (stamp->nversions > 0 && !stamp->together)
			stamp->versions[0].value = sc_model_value(play->entity, stamp->field)->value;
	}
	for (int i = 1; i <= play->nlinks; i++)
		play->links[i]->shadow = sc_shadow_unpack(sc_shadow_pack(&play->links[i]->shadow));
}

static void
move_clock(Play *play)
{
	play->batch.now = USECS_PER_DAY * 9000 + atoll(play->args[1]) * 1000;
}

static void
say(Play *play)
{
	bool creates = play->args[0][0] == 'V';
	ScStatement *statement = play_statement(
		play, creates ? SC_STATEMENT_CREATE : SC_STATEMENT_UPDATE, play->args[3], play->args[8]);
	ScLink *link = play->links[atoi(play->args[1])];

	statement->event = atoi(play->args[2]);
	statement->actor_kind = atoi(play->args[4]);
	statement->actor_is_us = play->args[5][0] == '1';
	statement->actor = statement->actor_is_us					 ? "us"
					   : statement->actor_kind == SC_ACTOR_HUMAN ? "kim"
																 : "bot";
	statement->full_record = play->args[6][0] == '1';
	statement->source_time = USECS_PER_DAY * 9000 + atoll(play->args[7]) * 1000;
	if (strcmp(play->args[9], "-") != 0)
		statement->call_marker = pstrdup(play->args[9]);
	if (statement->event < 1 || statement->event >= PLAY_EVENTS_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("too many events")));
	play->events[statement->event] = statement;
	play->heard[statement->event] = link;
	/* It shows the marker of our create. */
	if (link->external_id == NULL)
	{
		link->external_id = psprintf("r%d", (int) link->id);
		link->state = SC_LINK_ACTIVE;
		link->changed = true;
	}
	decide(play, statement);
}

static void
say_again(Play *play)
{
	decide(play, play->events[atoi(play->args[1])]);
}

static void
decide(Play *play, ScStatement *statement)
{
	ScLink *link = play->heard[statement->event];
	const ScMapped *failure;

	if (sc_decide_statement(&play->batch, link, statement, &failure) == SC_DECIDED_QUARANTINE)
		appendStringInfoString(play->out, "quarantine ");
	replay(play, link);
	play_end_batch(play);
}

/* The intent, as a claim writes it (R13): a read where one is owed, else all that is due. */
static void
claim(Play *play)
{
	ScLink *link = play->links[atoi(play->args[1])];
	bool creates;
	List *due;

	link->call.heard = false;
	if (link->call.unknown && link->call.kind == SC_CALL_CREATE)
	{
		appendStringInfoString(play->out, link->external_id != NULL ? "read" : "look");
		return;
	}
	if (link->call.unknown || link->read_owed)
	{
		if (!link->call.unknown)
			link->call.kind = SC_CALL_READ;
		appendStringInfoString(play->out, "read");
		return;
	}
	due = sc_merge_due(&play->batch, link->entity, link);
	creates = link->state == SC_LINK_CREATING;
	appendStringInfoString(play->out, creates ? "create" : due == NIL ? "nothing" : "send");
	if (due == NIL && !creates)
		return;
	memset(&link->call, 0, sizeof(ScCall));
	link->call.kind = creates ? SC_CALL_CREATE : SC_CALL_UPDATE;
	link->call.at = link->call.first_at = play->batch.now;
	link->call.base = sc_order_top(link);
	link->call.marker = psprintf("m%d", ++play->calls);
	link->call.fields = palloc0(sizeof(ScCallField) * Max(list_length(due), 1));
	for (int i = 0; i < list_length(due); i++)
	{
		ScCallField *field = list_nth(due, i);
		ScShadowField *shadow = sc_shadow_get(&link->shadow, field->field);

		field->before_held = shadow->held;
		field->before_known_at = shadow->known_at;
		field->before_seen = sc_vclock_copy(&shadow->seen);
		link->call.fields[link->call.nfields++] = *field;
		appendStringInfo(play->out, " %s=%s", field->field, play_told(&field->value));
	}
}

static void
answer(Play *play)
{
	ScOutcome outcome = { .kind = SC_OUTCOME_OK, .position = play_position(play->args[2]) };

	if (strcmp(play->args[3], "-") != 0)
		outcome.body = play_statement(play, SC_STATEMENT_RESPONSE, play->args[2], play->args[3]);
	play_take(play, play->links[atoi(play->args[1])], &outcome);
}

static void
read_record(Play *play)
{
	ScLink *link = play->links[atoi(play->args[1])];
	ScOutcome outcome = { .kind = SC_OUTCOME_OK };

	if (!link->call.unknown)
		link->call.kind = SC_CALL_READ;
	outcome.body = play_statement(play, SC_STATEMENT_READ, play->args[2], play->args[3]);
	play_take(play, link, &outcome);
}

static void
lose(Play *play)
{
	play_take(play, play->links[atoi(play->args[1])], &(ScOutcome){ .kind = SC_OUTCOME_UNKNOWN });
}

static void
refuse(Play *play)
{
	play_take(play, play->links[atoi(play->args[1])], &(ScOutcome){ .kind = SC_OUTCOME_REFUSED });
}

static void
fail(Play *play)
{
	play_take(play, play->links[atoi(play->args[1])], &(ScOutcome){ .kind = SC_OUTCOME_FAILED });
}

static void
give_up(Play *play)
{
	play_take(play, play->links[atoi(play->args[1])],
			  &(ScOutcome){ .kind = SC_OUTCOME_FAILED, .last = true });
}

void
play_take(Play *play, ScLink *link, const ScOutcome *outcome)
{
	sc_decide_outcome(&play->batch, link, outcome);
	replay(play, link);
	play_end_batch(play);
}

static void
owe(Play *play)
{
	play->links[atoi(play->args[1])]->read_owed = true;
}

static void
hub(Play *play)
{
	ScHubWord word = { .field = play->args[1], .value = play_value(play->args[2]) };

	word.actor = "ada";
	sc_decide_hub(&play->batch, play->entity, &word);
	play_end_batch(play);
}

static void
replay(Play *play, ScLink *link)
{
	List *events = link->replay;
	const ScMapped *failure;

	link->replay = NIL;
	for (int i = 0; i < list_length(events); i++)
		sc_decide_statement(&play->batch, link, play->events[*(int64 *) list_nth(events, i)],
							&failure);
}

void
play_end_batch(Play *play)
{
	for (int id = 1; id <= PLAY_ENTITIES_MAX; id++)
		if (play->entities[id] != NULL)
			fan_out(play, play->entities[id]);
	tell_news(play);
	for (int i = 1; i <= play->nlinks; i++)
	{
		ScLink *link = play->links[i];

		if (link == NULL)
			continue;
		link->changed = link->due = link->whole = link->read_taken = link->fresh = false;
		for (int k = 0; k < link->shadow.len; k++)
			link->shadow.items[k].moved = false;
	}
}

/* What it makes gets its id and its place. */
static void
fan_out(Play *play, ScEntity *entity)
{
	sc_decide_fan_out(&play->batch, entity);
	entity->fresh = false;
	for (int i = 0; i < list_length(entity->links); i++)
	{
		ScLink *link = list_nth(entity->links, i);

		if (link->id != 0)
			continue;
		link->id = play_link_id(play, entity, link->system);
		play->links[link->id] = link;
	}
	/* as load has them */
	list_sort(entity->links, order_links);
}

static int
order_links(const ListCell *a, const ListCell *b)
{
	int64 x = ((const ScLink *) lfirst(a))->id;
	int64 y = ((const ScLink *) lfirst(b))->id;

	return x < y ? -1 : x > y;
}

/* The ledger since the last step: what became of which field; and who is told of loops. */
static void
tell_news(Play *play)
{
	for (; play->told < list_length(play->batch.ledger); play->told++)
	{
		ScLedgerEntry *entry = list_nth(play->batch.ledger, play->told);

		appendStringInfo(play->out, "%s%s", play->out->data[play->out->len - 1] == '|' ? "" : " ",
						 sc_model_ledger_name(entry->kind));
		if (entry->field != NULL)
			appendStringInfo(play->out, ".%s", entry->field);
		if (entry->event != 0)
			appendStringInfo(play->out, "." INT64_FORMAT, entry->event);
	}
	for (; play->alerts < list_length(play->batch.alerts); play->alerts++)
		if (strcmp(((ScAlertOut *) list_nth(play->batch.alerts, play->alerts))->kind, "loop") == 0)
			appendStringInfo(play->out, "%salert.loop",
							 play->out->data[play->out->len - 1] == '|' ? "" : " ");
}
