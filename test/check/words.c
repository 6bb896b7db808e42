/*
 * words.c
 *	  The words of a history: what a step says, and how a state is told.
 */
#include "postgres.h"

#include "core/json.h"
#include "play.h"

static ScValue set_of(char *text);
static const char *tell_set(char *text);

ScClock
play_clock(char *text)
{
	ScClock clock = sc_vclock_empty();
	char *rest = NULL;

	if (strcmp(text, "-") == 0)
		return clock;
	for (char *one = strtok_r(text, ";", &rest); one != NULL; one = strtok_r(NULL, ";", &rest))
	{
		char *colon = strchr(one, ':');

		clock = sc_vclock_with_dot(&clock, (ScDot){ atoi(one), atoi(colon + 1) });
	}
	return clock;
}

ScPosition
play_position(const char *text)
{
	return strcmp(text, "-") == 0 ? SC_NO_POSITION : (ScPosition){ true, atoll(text) };
}

ScValue
play_value(const char *text)
{
	char *copy = pstrdup(text);

	if (strcmp(text, "-") == 0)
		return SC_UNKNOWN;
	if (text[0] == '{')
		return set_of(copy);
	for (char *c = copy; *c != '\0'; c++)
		*c = *c == '^' ? '\n' : *c;
	return strcmp(text, "~") == 0 ? sc_value_null() : sc_value_text(copy);
}

/* {a+b} */
static ScValue
set_of(char *text)
{
	ScJson json = sc_json_array();
	char *rest = NULL;

	for (char *one = strtok_r(text, "{+}", &rest); one != NULL; one = strtok_r(NULL, "{+}", &rest))
		sc_json_text(&json, NULL, one);
	return sc_value_json(sc_json_end(&json));
}

const char *
play_told(const ScValue *value)
{
	char *text;

	if (value->state == SC_VALUE_UNKNOWN)
		return "-";
	text = sc_value_to_cstring(value);
	if (text != NULL && text[0] == '[')
		return tell_set(text);
	for (char *c = text; c != NULL && *c != '\0'; c++)
		*c = *c == '\n' ? '^' : *c;
	return text == NULL ? "~" : text;
}

/* ["a", "b"] */
static const char *
tell_set(char *text)
{
	StringInfoData told;
	char *rest = NULL;

	initStringInfo(&told);
	for (char *one = strtok_r(text, "[\", ]", &rest); one != NULL;
		 one = strtok_r(NULL, "[\", ]", &rest))
		appendStringInfo(&told, "%s%s", told.len > 0 ? "+" : "", one);
	return psprintf("{%s}", told.data);
}

ScStatement *
play_statement(Play *play, ScStatementKind kind, const char *position, char *fields)
{
	ScLink *link = play->links[atoi(play->args[1])];
	const ScMapCxt cxt = { play->world.conf, link->system, NULL };
	ScStatement *statement = palloc0(sizeof(ScStatement));
	char *rest = NULL;

	statement->kind = kind;
	statement->received_at = play->batch.now;
	statement->source_time = play->batch.now;
	statement->system = link->system;
	statement->map = link->map;
	statement->record_type = link->record_type;
	statement->external_id = link->external_id;
	statement->position = play_position(position);
	statement->full_record = true;
	statement->fields = palloc0(sizeof(ScMapped) * play->world.type->nfields);
	for (char *one = strtok_r(fields, ";", &rest); one != NULL; one = strtok_r(NULL, ";", &rest))
	{
		char *equals = strchr(one, '=');
		ScMapped *said = &statement->fields[statement->nfields++];
		const ScFieldMap *map;
		ScValue external = play_value(equals + 1);

		*equals = '\0';
		map = sc_conf_reader(link->map, one);
		*said = sc_map_up(&cxt, map, &external, NULL);
		said->map = map;
		said->external = external;
	}
	return statement;
}

static void
tell_position(StringInfo out, ScPosition position)
{
	if (position.known)
		appendStringInfo(out, "," INT64_FORMAT, position.at);
	else
		appendStringInfoString(out, ",-");
}

static void
tell_shadow(Play *play, const ScLink *link, const char *field)
{
	ScShadowField *shadow;

	if (link == NULL || link->entity != play->entity)
		return;
	shadow = sc_shadow_find(&unconstify(ScLink *, link)->shadow, field);
	if (shadow == NULL)
		return;
	appendStringInfo(play->out, " " INT64_FORMAT "=%s", link->id, play_told(&shadow->held));
	appendStringInfo(play->out, ",%s", play_told(&shadow->sent));
	tell_position(play->out, shadow->known_at);
	tell_position(play->out, shadow->changed_at);
	appendStringInfo(play->out, ",%s,%d,%d%s", sc_vclock_to_cstring(&shadow->seen), shadow->nwrites,
					 shadow->nunconfirmed, shadow->stopped ? ",stopped" : "");
}

void
play_tell_state(Play *play)
{
	for (int i = 0; i < play->entity->stamps.len; i++)
	{
		ScStamp *stamp = &play->entity->stamps.items[i];

		appendStringInfo(play->out, "%s%s=%s%s", i > 0 ? " " : "", stamp->field,
						 play_told(&sc_model_value(play->entity, stamp->field)->value),
						 stamp->held ? "(held)" : "");
		for (int k = 0; k < stamp->nversions; k++)
		{
			const ScVersion *version = &stamp->versions[k];

			appendStringInfo(play->out, "/" INT64_FORMAT ":" INT64_FORMAT "=%s,%d",
							 version->dot.link, version->dot.n, play_told(&version->value),
							 version->actor_kind);
		}
		appendStringInfo(play->out, " %s", sc_vclock_to_cstring(&stamp->clock));
		for (int k = 1; k <= play->nlinks; k++)
			tell_shadow(play, play->links[k], stamp->field);
	}
}
