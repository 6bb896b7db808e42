/*
 * story_test.c
 *	  Histories told line by line: core_story(world, story, with_reasons)
 *	  gives back the story with what became of each line.
 *
 *	  at 14:03:12			the clock
 *	  snow says severity=1 status=2 v5 by a.lee [human|automation|integration|unknown|us] [full] [marker]
 *	  snow creates severity=1 v0 us		the same, told as the creation of the record
 *	  snow deletes v6		snow comments work_notes c1 text_of_it [by …]
 *	  jira sends			claims what is due (or a read, or a look-up), as a dispatcher would
 *	  jira reads			a read is owed and claimed
 *	  jira answers [v7 [field=value …]]		the write is acknowledged, with or without a body
 *	  jira shows [v7] field=value …			a read in the slot (of a read, or after a write)
 *	  jira made OPS-7 v1 [field=value …]	a create is acknowledged
 *	  jira finds OPS-7 v1 [field=value …]	a look-up shows the record of a create whose answer was lost
 *	  jira loses | refuses | fails | gone | finds_nothing
 *	  hub severity=low by ada	state		again 3 (the third event, decided anew)
 *
 * "_" in a value is a space, "null" is nothing, ["a","b"] a list.  Events are numbered from 1.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/json.h"
#include "core/say.h"
#include "world.h"

#define EXPORTED(name)                                                                             \
	PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                      \
	PG_FUNCTION_INFO_V1(name)

EXPORTED(core_story);

#define WORDS_MAX 24
#define EVENTS_MAX 64
#define LINES_MAX 2000

typedef struct Story
{
	World world;
	ScBatch batch;
	ScEntity *entity;
	ScLink *links[16]; /* by system */
	int nevents;
	ScStatement *events[EVENTS_MAX + 1];
	bool reasons;
	int told; /* ledger rows already told */
	int alerts;
	int nwords;
	char *words[WORDS_MAX];
	int nlines;
	Datum lines[LINES_MAX];
} Story;

static void tell(Story *story, char *line);
static void play(Story *story, char *line);
static void play_hub(Story *story);
static void play_clock(Story *story);
static void play_again(Story *story);
static void play_system(Story *story, ScLink *link);
static void say(Story *story, ScLink *link);
static ScLink *link_of(Story *story, const char *name);
static void start_batch(Story *story);
static void end_batch(Story *story);
static void decide(Story *story, ScStatement *statement);
static ScStatement *make_statement(Story *story, ScLink *link, ScStatementKind kind);
static void read_actor(Story *story, ScStatement *statement);
static void read_fields(Story *story, ScLink *link, ScStatement *statement);
static ScValue read_list(const char *text);
static ScPosition read_position(const Story *story);
static bool has_word(const Story *story, const char *word);
static void comment(Story *story, ScLink *link);
static void claim(Story *story, ScLink *link);
static void take(Story *story, ScLink *link);
static void replay(Story *story, ScLink *link);
static void tell_news(Story *story);
static void tell_state(Story *story);
static char *told_value(const ScValue *value);
static char *told_link(const ScLink *link, const ScShadowField *shadow);

Datum
core_story(PG_FUNCTION_ARGS)
{
	Story *story = palloc0(sizeof(Story));
	char *lines = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char *rest;

	story->world = world_build(PG_GETARG_JSONB_P(0));
	story->reasons = PG_GETARG_BOOL(2);
	story->batch.conf = story->world.conf;
	story->batch.hooks = &world_hooks;
	story->batch.now = USECS_PER_DAY * 9000 + (int64) 14 * USECS_PER_HOUR;
	for (char *line = strtok_r(lines, "\n", &rest); line != NULL;
		 line = strtok_r(NULL, "\n", &rest))
		play(story, line);
	PG_RETURN_ARRAYTYPE_P(
		construct_array(story->lines, story->nlines, TEXTOID, -1, false, TYPALIGN_INT));
}

static void
tell(Story *story, char *line)
{
	if (story->nlines < LINES_MAX)
		story->lines[story->nlines++] = CStringGetTextDatum(line);
}

static void
play(Story *story, char *line)
{
	char *rest;

	line += strspn(line, " \t");
	if (line[0] == '\0')
		return;
	tell(story, psprintf("> %s", line));
	if (line[0] == '#')
		return;
	story->nwords = 0;
	for (char *word = strtok_r(pstrdup(line), " ", &rest);
		 word != NULL && story->nwords < WORDS_MAX; word = strtok_r(NULL, " ", &rest))
		story->words[story->nwords++] = word;
	start_batch(story);
	if (strcmp(story->words[0], "at") == 0)
		play_clock(story);
	else if (strcmp(story->words[0], "hub") == 0)
		play_hub(story);
	else if (strcmp(story->words[0], "again") == 0)
		play_again(story);
	else if (strcmp(story->words[0], "state") == 0)
		tell_state(story);
	else
		play_system(story, link_of(story, story->words[0]));
	end_batch(story);
}

static void
play_clock(Story *story)
{
	int hour;
	int minute;
	double second;

	if (sscanf(story->words[1], "%d:%d:%lf", &hour, &minute, &second) == 3)
		story->batch.now = USECS_PER_DAY * 9000 + hour * USECS_PER_HOUR +
						   minute * USECS_PER_MINUTE + (int64) (second * USECS_PER_SEC + 0.5);
}

static void
play_hub(Story *story)
{
	char *equals = strchr(story->words[1], '=');
	ScHubWord word = { .field = story->words[1], .value = sc_value_text(equals + 1) };

	*equals = '\0';
	word.actor = story->nwords > 3 ? story->words[3] : NULL;
	sc_decide_hub(&story->batch, story->entity, &word);
}

static void
play_again(Story *story)
{
	decide(story, story->events[atoi(story->words[1])]);
}

static void
play_system(Story *story, ScLink *link)
{
	const char *verb = story->words[1];

	if (strcmp(verb, "says") == 0 || strcmp(verb, "creates") == 0)
		say(story, link);
	else if (strcmp(verb, "deletes") == 0)
		decide(story, make_statement(story, link, SC_STATEMENT_DELETE));
	else if (strcmp(verb, "comments") == 0)
		comment(story, link);
	else if (strcmp(verb, "sends") == 0 || strcmp(verb, "reads") == 0)
	{
		link->read_owed = link->read_owed || strcmp(verb, "reads") == 0;
		claim(story, link);
	}
	else
		take(story, link);
}

static void
say(Story *story, ScLink *link)
{
	bool creates = strcmp(story->words[1], "creates") == 0;
	ScStatement *statement =
		make_statement(story, link, creates ? SC_STATEMENT_CREATE : SC_STATEMENT_UPDATE);

	read_fields(story, link, statement);
	decide(story, statement);
}

/* A system's link to the one entity; made when it is first spoken of, as load would. */
static ScLink *
link_of(Story *story, const char *name)
{
	const ScSystem *system = sc_conf_system_by_name(story->world.conf, name);
	ScLink *link;

	if (system == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("no system \"%s\" in this story", name)));
	if (story->entity == NULL)
	{
		story->entity = palloc0(sizeof(ScEntity));
		story->entity->id = 1;
		story->entity->space = story->world.space;
		story->entity->type = story->world.type;
		story->entity->fresh = true;
	}
	if (story->links[system->id] != NULL)
		return story->links[system->id];
	link = palloc0(sizeof(ScLink));
	link->id = system->id;
	link->system = system;
	link->map = &system->maps[0];
	link->record_type = "ticket";
	link->external_id = psprintf("%s-1", name);
	link->state = SC_LINK_ACTIVE;
	link->in_route = true;
	link->entity = story->entity;
	link->fresh = true;
	story->entity->links = lappend(story->entity->links, link);
	story->links[system->id] = link;
	return link;
}

static void
start_batch(Story *story)
{
	for (int i = 0; i < 16; i++)
		if (story->links[i] != NULL)
		{
			story->links[i]->changed = false;
			story->links[i]->due = false;
			story->links[i]->whole = false;
			story->links[i]->read_taken = false;
			for (int k = 0; k < story->links[i]->shadow.len; k++)
				story->links[i]->shadow.items[k].moved = false;
		}
}

/* What fan-out made gets its id; freshness ends. */
static void
end_batch(Story *story)
{
	if (story->entity != NULL)
	{
		sc_decide_fan_out(&story->batch, story->entity);
		for (int i = 0; i < list_length(story->entity->links); i++)
		{
			ScLink *link = list_nth(story->entity->links, i);

			if (link->id == 0)
			{
				link->id = link->system->id;
				link->marker = psprintf("marker-%s", link->system->name);
				story->links[link->system->id] = link;
			}
			link->fresh = false;
		}
		story->entity->fresh = false;
	}
	tell_news(story);
}

static void
decide(Story *story, ScStatement *statement)
{
	const ScMapped *failure;
	ScLink *link = story->links[statement->system->id];

	if (sc_decide_statement(&story->batch, link, statement, &failure) == SC_DECIDED_QUARANTINE)
		tell(story, psprintf("    quarantine %s: %s", failure->map->path_text, failure->message));
	replay(story, link);
}

static ScStatement *
make_statement(Story *story, ScLink *link, ScStatementKind kind)
{
	ScStatement *statement = palloc0(sizeof(ScStatement));

	statement->kind = kind;
	statement->received_at = story->batch.now;
	statement->source_time = story->batch.now;
	statement->system = link->system;
	statement->map = link->map;
	statement->record_type = link->record_type;
	/* A record that we make is told of under the marker of its link. */
	if (link->external_id == NULL && kind != SC_STATEMENT_RESPONSE && has_word(story, "us"))
		link->external_id = psprintf("%s-1", link->system->name);
	statement->external_id = link->external_id;
	statement->position = read_position(story);
	statement->full_record = has_word(story, "full") || kind == SC_STATEMENT_READ;
	if (has_word(story, "marker"))
		statement->call_marker =
			link->call.marker != NULL ? link->call.marker : psprintf("call-%s", link->system->name);
	read_actor(story, statement);
	if (kind == SC_STATEMENT_READ || kind == SC_STATEMENT_RESPONSE)
		return statement;
	statement->event = ++story->nevents;
	story->events[statement->event] = statement;
	return statement;
}

static void
read_actor(Story *story, ScStatement *statement)
{
	static const char *const kinds[] = { "unknown", "integration", "automation", "human" };

	for (int i = 2; i < story->nwords - 1; i++)
		if (strcmp(story->words[i], "by") == 0)
		{
			statement->actor = story->words[i + 1];
			statement->actor_kind = SC_ACTOR_HUMAN;
		}
	for (int i = 0; i < lengthof(kinds); i++)
		if (has_word(story, kinds[i]))
			statement->actor_kind = i;
	if (has_word(story, "us"))
	{
		statement->actor = "us";
		statement->actor_kind = SC_ACTOR_INTEGRATION;
		statement->actor_is_us = true;
	}
}

static void
read_fields(Story *story, ScLink *link, ScStatement *statement)
{
	statement->fields = palloc0(sizeof(ScMapped) * WORDS_MAX);
	for (int i = 2; i < story->nwords; i++)
	{
		char *word = pstrdup(story->words[i]);
		char *equals = strchr(word, '=');
		const ScFieldMap *map;
		ScValue external;

		if (equals == NULL)
			continue;
		*equals = '\0';
		map = sc_conf_reader(link->map, word);
		if (map == NULL)
			continue;
		for (char *at = equals + 1; *at != '\0'; at++)
			if (*at == '_')
				*at = ' ';
		external = strcmp(equals + 1, "null") == 0 ? sc_value_null()
				   : equals[1] == '['			   ? read_list(equals + 1)
												   : sc_value_text(equals + 1);
		statement->fields[statement->nfields] =
			sc_map_up(&(ScMapCxt){ story->world.conf, link->system, NULL }, map, &external, NULL);
		statement->fields[statement->nfields].map = map;
		statement->fields[statement->nfields].external = external;
		statement->nfields++;
	}
}

static ScValue
read_list(const char *text)
{
	return sc_value_json(DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text))));
}

static ScPosition
read_position(const Story *story)
{
	ScPosition position = { false, 0 };

	for (int i = 2; i < story->nwords; i++)
		if (story->words[i][0] == 'v' && story->words[i][1] >= '0' && story->words[i][1] <= '9')
		{
			position.known = true;
			position.at = atoi(story->words[i] + 1);
		}
	return position;
}

static bool
has_word(const Story *story, const char *word)
{
	for (int i = 2; i < story->nwords; i++)
		if (strcmp(story->words[i], word) == 0)
			return true;
	return false;
}

static void
comment(Story *story, ScLink *link)
{
	ScStatement *statement = make_statement(story, link, SC_STATEMENT_COMMENT);

	statement->ncomments = 1;
	statement->comments = palloc0(sizeof(ScCommentIn));
	statement->comments->channel = story->words[2];
	statement->comments->external_id = story->words[3];
	statement->comments->author = statement->actor;
	statement->comments->body = story->words[4];
	statement->comments->written_at = story->batch.now;
	decide(story, statement);
}

/* The intent, as a claim writes it: a read first where one is owed, else a comment, else all fields that are due. */
static void
claim(Story *story, ScLink *link)
{
	List *due = sc_merge_due(&story->batch, story->entity, link);
	StringInfoData line;

	initStringInfo(&line);
	appendStringInfo(&line, "    %s: ", link->system->name);
	link->call.heard = false;
	if (link->call.unknown || link->read_owed)
	{
		if (!link->call.unknown)
			link->call.kind = SC_CALL_READ;
		tell(story, psprintf("%sread", line.data));
		return;
	}
	memset(&link->call, 0, sizeof(ScCall));
	for (int i = 0; i < list_length(link->copies) && link->call.kind == SC_CALL_NONE; i++)
	{
		ScCopy *copy = list_nth(link->copies, i);

		if (copy->state != SC_COPY_DUE)
			continue;
		copy->state = SC_COPY_SENDING;
		link->call.kind = SC_CALL_COMMENT;
		link->call.comment = copy->comment;
		tell(story, psprintf("%scomment \"%s\" in %s", line.data, copy->sent_body, copy->channel));
		return;
	}
	link->call.kind = link->state == SC_LINK_CREATING ? SC_CALL_CREATE : SC_CALL_UPDATE;
	link->call.marker = psprintf("call-%s", link->system->name);
	link->call.at = link->call.first_at = story->batch.now;
	link->call.base = sc_order_top(link);
	link->call.fields = palloc0(sizeof(ScCallField) * (list_length(due) + 1));
	for (int i = 0; i < list_length(due); i++)
	{
		ScCallField *field = list_nth(due, i);
		ScShadowField *shadow = sc_shadow_get(&link->shadow, field->field);

		field->before_held = shadow->held;
		field->before_known_at = shadow->known_at;
		field->before_seen = sc_vclock_copy(&shadow->seen);
		link->call.fields[link->call.nfields++] = *field;
		appendStringInfo(&line, "%s%s=%s", i > 0 ? " " : "", field->field,
						 told_value(&field->value));
	}
	if (due == NIL && link->call.kind == SC_CALL_UPDATE)
	{
		memset(&link->call, 0, sizeof(ScCall));
		appendStringInfoString(&line, "nothing");
	}
	tell(story, line.data);
}

static void
take(Story *story, ScLink *link)
{
	static const char words[] = "answers loses refuses fails gone finds_nothing shows made finds ";
	static const ScOutcomeKind kinds[] = { SC_OUTCOME_OK,	   SC_OUTCOME_UNKNOWN,
										   SC_OUTCOME_REFUSED, SC_OUTCOME_FAILED,
										   SC_OUTCOME_GONE,	   SC_OUTCOME_NOT_FOUND,
										   SC_OUTCOME_OK,	   SC_OUTCOME_OK,
										   SC_OUTCOME_OK };
	const char *verb = story->words[1];
	bool read = strcmp(verb, "shows") == 0 || strcmp(verb, "finds") == 0;
	ScOutcome outcome = { .kind = kinds[world_word(verb, words)] };
	ScStatement *body =
		make_statement(story, link, read ? SC_STATEMENT_READ : SC_STATEMENT_RESPONSE);

	outcome.position = read ? outcome.position : body->position;
	read_fields(story, link, body);
	if (body->nfields > 0 || read)
		outcome.body = body;
	if (strcmp(verb, "made") == 0 || strcmp(verb, "finds") == 0)
		outcome.external_id = story->words[2];
	if (link->call.kind == SC_CALL_COMMENT && outcome.kind == SC_OUTCOME_OK && story->nwords > 2)
		outcome.comment_id = story->words[2];
	sc_decide_outcome(&story->batch, link, &outcome);
	replay(story, link);
}

static void
replay(Story *story, ScLink *link)
{
	List *events = link->replay;

	link->replay = NIL;
	for (int i = 0; i < list_length(events); i++)
	{
		tell(story, psprintf("    event " INT64_FORMAT " again", *(int64 *) list_nth(events, i)));
		decide(story, story->events[*(int64 *) list_nth(events, i)]);
	}
}

/* The ledger since the last line, alerts, and links that are due. */
static void
tell_news(Story *story)
{
	StringInfoData due;

	for (; story->told < list_length(story->batch.ledger); story->told++)
	{
		ScLedgerEntry *entry = list_nth(story->batch.ledger, story->told);
		ScValue old = entry->old_value == NULL ? SC_UNKNOWN : sc_value_json(entry->old_value);
		ScValue new = entry->new_value == NULL ? SC_UNKNOWN : sc_value_json(entry->new_value);

		tell(story,
			 psprintf("    %s%s%s%s%s%s%s [%s]", sc_model_ledger_name(entry->kind),
					  entry->field == NULL ? "" : " ", entry->field == NULL ? "" : entry->field,
					  entry->old_value == NULL ? "" : psprintf(" %s", told_value(&old)),
					  entry->old_value == NULL ? "" : " ->", entry->new_value == NULL ? "" : " ",
					  entry->new_value == NULL ? "" : told_value(&new),
					  entry->rule == NULL ? "" : entry->rule));
		if (story->reasons && entry->reason != NULL)
			tell(story, psprintf("        %s", entry->reason));
	}
	for (; story->alerts < list_length(story->batch.alerts); story->alerts++)
		tell(story, psprintf("    alert %s%s",
							 ((ScAlertOut *) list_nth(story->batch.alerts, story->alerts))->cause,
							 ((ScAlertOut *) list_nth(story->batch.alerts, story->alerts))->over
								 ? " is over"
								 : ""));
	for (int i = 0; i < list_length(story->batch.comments); i++)
	{
		ScCommentOut *out = list_nth(story->batch.comments, i);

		for (int k = 0; k < list_length(out->targets); k++)
		{
			ScLink *target = list_nth(out->targets, k);
			ScCopy *copy = palloc0(sizeof(ScCopy));

			copy->comment = out->event;
			copy->channel = list_nth(out->channels, k);
			copy->state = SC_COPY_DUE;
			copy->sent_body = out->comment->body;
			target->copies = lappend(target->copies, copy);
			tell(story, psprintf("    copy to %s in %s", target->system->name, copy->channel));
		}
	}
	story->batch.comments = NIL;
	initStringInfo(&due);
	for (int i = 0; i < 16; i++)
		if (story->links[i] != NULL && story->links[i]->due)
			appendStringInfo(&due, " %s%s", story->links[i]->system->name,
							 story->links[i]->look_only ? " (read)" : "");
	if (due.len > 0)
		tell(story, psprintf("    due:%s", due.data));
}

static void
tell_state(Story *story)
{
	for (int i = 0; i < story->entity->stamps.len; i++)
	{
		ScStamp *stamp = &story->entity->stamps.items[i];
		StringInfoData line;

		initStringInfo(&line);
		appendStringInfo(&line, "    %s = %s%s clock %s", stamp->field,
						 told_value(&sc_model_value(story->entity, stamp->field)->value),
						 stamp->held ? " (held)" : "", sc_vclock_to_cstring(&stamp->clock));
		for (int k = 1; k < stamp->nversions; k++)
			appendStringInfo(&line, "%s%s", k == 1 ? "; beside it " : ", ",
							 told_value(&stamp->versions[k].value));
		tell(story, line.data);
		for (int k = 0; k < 16; k++)
		{
			ScShadowField *shadow = story->links[k] == NULL
										? NULL
										: sc_shadow_find(&story->links[k]->shadow, stamp->field);

			if (shadow != NULL)
				tell(story, told_link(story->links[k], shadow));
		}
	}
}

static char *
told_value(const ScValue *value)
{
	char *text = sc_value_to_cstring(value);

	if (value->state == SC_VALUE_UNKNOWN)
		return pstrdup("?");
	return text == NULL ? pstrdup("nothing") : text;
}

static char *
told_link(const ScLink *link, const ScShadowField *shadow)
{
	return psprintf("        %s holds %s%s%s seen %s%s%s", link->system->name,
					told_value(&shadow->held),
					shadow->sent.state == SC_VALUE_UNKNOWN ? "" : " sent ",
					shadow->sent.state == SC_VALUE_UNKNOWN ? "" : told_value(&shadow->sent),
					sc_vclock_to_cstring(&shadow->seen), shadow->stopped ? " stopped" : "",
					shadow->nunconfirmed > 0 ? " unconfirmed" : "");
}
