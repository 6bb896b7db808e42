/*
 * say.c
 *	  Sentences and documents about versions.  Times are told in UTC from the
 *	  number alone: no time zone data is read here.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "core/json.h"
#include "core/say.h"
#include "core/scalar.h"

#define SAY_VALUE_MAX 80 /* bytes of a text that a sentence quotes */

static const char *const kind_names[] = { "unknown", "integration", "automation", "human" };

static char *short_text(const char *text);
static bool is_free_text(const ScField *field);
static void add_version(ScJson *json, const char *key, const ScBatch *batch, const ScField *field,
						const ScVersion *version);

char *
sc_say_value(const ScField *field, const ScValue *value)
{
	if (field->sensitive != SC_SENSITIVE_NO)
		return pstrdup("a hidden value");
	if (value->state == SC_VALUE_UNKNOWN)
		return pstrdup("an unknown value");
	if (value->state == SC_VALUE_DIGEST)
		return pstrdup("a long text");
	if (sc_value_is_null(value))
		return pstrdup("nothing");

	char *text = short_text(sc_value_to_cstring(value));

	return is_free_text(field) ? psprintf("\"%s\"", text) : text;
}

Jsonb *
sc_say_jsonb(const ScField *field, const ScValue *value)
{
	ScValue hidden;

	if (value->state == SC_VALUE_UNKNOWN)
		return NULL;
	if (field->sensitive == SC_SENSITIVE_NO)
	{
		hidden = sc_value_text("(long text)");
		return value->state == SC_VALUE_JSON ? value->json : hidden.json;
	}
	if (value->state == SC_VALUE_JSON && sc_value_is_null(value))
		return value->json;
	hidden = sc_value_text("***");
	return hidden.json;
}

char *
sc_say_time(TimestampTz at, TimestampTz now)
{
	int64 day_count = at / USECS_PER_DAY;
	int64 rest = at % USECS_PER_DAY;
	int64 today = now / USECS_PER_DAY;
	int year;
	int month;
	int day;
	int seconds;

	if (rest < 0)
	{
		rest += USECS_PER_DAY;
		day_count--;
	}
	seconds = (int) (rest / USECS_PER_SEC);
	if (day_count == today)
		return psprintf("%02d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
	j2date((int) day_count + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	return psprintf("%04d-%02d-%02d %02d:%02d:%02d", year, month, day, seconds / 3600,
					seconds / 60 % 60, seconds % 60);
}

char *
sc_say_actor(const ScBatch *batch, int32 system_id, const char *actor, ScActorKind kind)
{
	const char *person;

	if (actor == NULL || actor[0] == '\0')
	{
		if (kind == SC_ACTOR_AUTOMATION)
			return pstrdup("an automation");
		return pstrdup(kind == SC_ACTOR_INTEGRATION ? "our own account" : "somebody");
	}
	person = system_id == 0 ? NULL : sc_conf_person(batch->conf, system_id, actor);
	person = short_text(person == NULL ? actor : person);
	if (kind == SC_ACTOR_AUTOMATION)
		return psprintf("automation %s", person);
	return pstrdup(person);
}

char *
sc_say_version(const ScBatch *batch, const ScField *field, const ScVersion *version)
{
	return psprintf("%s from %s (%s, %s)", sc_say_value(field, &version->value),
					sc_say_system(batch, version->system_id),
					sc_say_actor(batch, version->system_id, version->actor, version->actor_kind),
					sc_say_time(version->at, batch->now));
}

const char *
sc_say_system(const ScBatch *batch, int32 system_id)
{
	const ScSystem *system;

	if (system_id == 0)
		return "syncore";
	system = sc_conf_system(batch->conf, system_id);
	return system == NULL ? psprintf("a removed system (%d)", system_id) : system->name;
}

Jsonb *
sc_say_version_json(const ScBatch *batch, const ScField *field, const ScVersion *version)
{
	ScJson json = sc_json_array();

	Jsonb *one;

	add_version(&json, NULL, batch, field, version);
	one = sc_json_end(&json);
	return sc_scalar_make(getIthJsonbValueFromContainer(&one->root, 0));
}

Jsonb *
sc_say_versions_json(const ScBatch *batch, const ScField *field, const ScVersion *versions, int n)
{
	ScJson json = sc_json_array();

	for (int i = 0; i < n; i++)
		add_version(&json, NULL, batch, field, &versions[i]);
	return sc_json_end(&json);
}

const char *
sc_say_actor_kind(ScActorKind kind)
{
	return kind_names[kind];
}

static void
add_version(ScJson *json, const char *key, const ScBatch *batch, const ScField *field,
			const ScVersion *version)
{
	sc_json_open_object(json, key);
	sc_json_text(json, "system", sc_say_system(batch, version->system_id));
	sc_json_jsonb(json, "value", sc_say_jsonb(field, &version->value));
	sc_json_text(json, "actor", version->actor);
	sc_json_text(json, "actor_kind", sc_say_actor_kind(version->actor_kind));
	sc_json_text(json, "at", sc_map_format_time(version->at, NULL));
	sc_json_text(json, "dot",
				 psprintf(INT64_FORMAT ":" INT64_FORMAT, version->dot.link, version->dot.n));
	sc_json_text(json, "seen", sc_vclock_to_cstring(&version->context));
	if (version->source_version >= 0)
		sc_json_number(json, "version", version->source_version);
	if (version->event != 0)
		sc_json_number(json, "event", version->event);
	sc_json_close_object(json);
}

/* The first line, cut at a character. */
static char *
short_text(const char *text)
{
	int len = (int) strcspn(text, "\r\n");
	int cut = pg_mbcliplen(text, len, SAY_VALUE_MAX);

	return cut == (int) strlen(text) ? pstrdup(text) : psprintf("%.*s...", cut, text);
}

static bool
is_free_text(const ScField *field)
{
	return field->kind == SC_KIND_TEXT || field->kind == SC_KIND_RICH_TEXT;
}
