/*
 * stamp_sql.c
 *	  The SQL type syncore.stamps: its JSON form, in and out.
 *
 * The binary form is a version byte and the JSON text, so that a client can
 * never hand us stored bytes.  A member is left out when it is empty.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "core/fields.h"
#include "core/stamp.h"
#include "core/type_json.h"

PGDLLEXPORT Datum syncore_stamps_in(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_stamps_in);
PGDLLEXPORT Datum syncore_stamps_out(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_stamps_out);
PGDLLEXPORT Datum syncore_stamps_recv(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_stamps_recv);
PGDLLEXPORT Datum syncore_stamps_send(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_stamps_send);
PGDLLEXPORT Datum syncore_stamps_to_jsonb(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_stamps_to_jsonb);

/* In the order of ScActorKind. */
static const char *const actor_kinds[] = { "unknown", "integration", "automation", "human" };

static Jsonb *write_stamps(const bytea *packed);
static void write_members(ScJsonOut *out, const ScStamp *stamp);
static void write_version(ScJsonOut *out, const ScVersion *version);
static ScStamps read_stamps(Jsonb *document);
static void read_stamp(ScJsonIn *in, ScStamp *stamp);
static void read_members(ScJsonIn *in, ScStamp *stamp);
static ScVersion read_version(ScJsonIn *in);
static ScDot read_dot(ScJsonIn *in);
static ScActorKind read_actor_kind(ScJsonIn *in);

Datum
syncore_stamps_in(PG_FUNCTION_ARGS)
{
	Datum json = DirectFunctionCall1(jsonb_in, PG_GETARG_DATUM(0));
	ScStamps stamps = read_stamps(DatumGetJsonbP(json));

	PG_RETURN_BYTEA_P(sc_stamps_pack(&stamps));
}

Datum
syncore_stamps_out(PG_FUNCTION_ARGS)
{
	Jsonb *json = write_stamps(PG_GETARG_BYTEA_PP(0));

	PG_RETURN_CSTRING(JsonbToCString(NULL, &json->root, VARSIZE(json)));
}

Datum
syncore_stamps_recv(PG_FUNCTION_ARGS)
{
	Datum json = DirectFunctionCall1(jsonb_recv, PG_GETARG_DATUM(0));
	ScStamps stamps = read_stamps(DatumGetJsonbP(json));

	PG_RETURN_BYTEA_P(sc_stamps_pack(&stamps));
}

Datum
syncore_stamps_send(PG_FUNCTION_ARGS)
{
	Jsonb *json = write_stamps(PG_GETARG_BYTEA_PP(0));

	return DirectFunctionCall1(jsonb_send, JsonbPGetDatum(json));
}

Datum
syncore_stamps_to_jsonb(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(write_stamps(PG_GETARG_BYTEA_PP(0)));
}

static Jsonb *
write_stamps(const bytea *packed)
{
	ScStamps stamps = sc_stamps_unpack(packed);
	ScJsonOut out = { 0 };

	sc_type_json_open_object(&out, NULL);
	for (int i = 0; i < stamps.len; i++)
	{
		const ScStamp *stamp = &stamps.items[i];

		sc_type_json_open_object(&out, stamp->field);
		sc_type_json_put_clock(&out, "clock", &stamp->clock);
		if (stamp->held)
			sc_type_json_put_true(&out, "held");
		if (stamp->together)
			sc_type_json_put_true(&out, "together");
		if (stamp->nmembers > 0)
			write_members(&out, stamp);
		sc_type_json_open_array(&out, "versions");
		for (int k = 0; k < stamp->nversions; k++)
			write_version(&out, &stamp->versions[k]);
		sc_type_json_close_array(&out);
		sc_type_json_close_object(&out);
	}
	sc_type_json_close_object(&out);
	return sc_type_json_finish(&out);
}

static void
write_members(ScJsonOut *out, const ScStamp *stamp)
{
	sc_type_json_open_array(out, "members");
	for (int i = 0; i < stamp->nmembers; i++)
	{
		const ScMember *member = &stamp->members[i];

		sc_type_json_open_object(out, NULL);
		sc_type_json_put_text(out, "text", member->text);
		sc_type_json_put_int(out, "link", member->by.link);
		sc_type_json_put_int(out, "n", member->by.n);
		if (member->gone.n > 0)
		{
			sc_type_json_open_object(out, "gone");
			sc_type_json_put_int(out, "link", member->gone.link);
			sc_type_json_put_int(out, "n", member->gone.n);
			sc_type_json_close_object(out);
		}
		if (member->at != 0)
			sc_type_json_put_time(out, "at", member->at);
		if (member->whole)
			sc_type_json_put_true(out, "whole");
		sc_type_json_close_object(out);
	}
	sc_type_json_close_array(out);
}

static void
write_version(ScJsonOut *out, const ScVersion *version)
{
	sc_type_json_open_object(out, NULL);
	sc_type_json_put_int(out, "link", version->dot.link);
	sc_type_json_put_int(out, "n", version->dot.n);
	sc_type_json_put_clock(out, "context", &version->context);
	sc_type_json_put_text(out, "actor_kind", actor_kinds[version->actor_kind]);
	if (version->actor != NULL)
		sc_type_json_put_text(out, "actor", version->actor);
	sc_type_json_put_int(out, "system_id", version->system_id);
	sc_type_json_put_int(out, "rank", version->rank);
	sc_type_json_put_time(out, "at", version->at);
	if (version->source_version >= 0)
		sc_type_json_put_int(out, "source_version", version->source_version);
	if (version->event != 0)
		sc_type_json_put_int(out, "event", version->event);
	sc_type_json_put_value(out, "replaced", &version->replaced);
	sc_type_json_put_value(out, "value", &version->value);
	sc_type_json_close_object(out);
}

static ScStamps
read_stamps(Jsonb *document)
{
	ScJsonIn in = sc_type_json_read("stamps", document);
	ScStamps stamps = { .len = 0 };
	JsonbIterator *it = JsonbIteratorInit(in.object);
	JsonbIteratorToken token;
	JsonbValue item;

	if (JsonContainerSize(in.object) > SC_STAMP_FIELDS_MAX)
		sc_type_json_too_many(&in, "fields", SC_STAMP_FIELDS_MAX);
	stamps.items = palloc0(sizeof(ScStamp) * (JsonContainerSize(in.object) + 1));
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char *field = sc_type_json_key(&item);
			ScJsonIn object = sc_type_json_object(&in, sc_type_json_take(&in, field));

			stamps.items[stamps.len].field = field;
			read_stamp(&object, &stamps.items[stamps.len++]);
		}
	}
	/* jsonb sorts keys by length first */
	sc_fields_sort(stamps.items, stamps.len, sizeof(ScStamp));
	return stamps;
}

static void
read_stamp(ScJsonIn *in, ScStamp *stamp)
{
	int len;

	stamp->clock = sc_type_json_get_clock(in, "clock");
	stamp->held = sc_type_json_get_true(in, "held");
	stamp->together = sc_type_json_get_true(in, "together");
	read_members(in, stamp);

	JsonbContainer *versions = sc_type_json_get_array(in, "versions", SC_STAMP_VERSIONS_MAX, &len);

	if (len > 0)
		stamp->versions = palloc0(sizeof(ScVersion) * len);
	for (int i = 0; i < len; i++)
	{
		ScJsonIn object =
			sc_type_json_object(in, getIthJsonbValueFromContainer(versions, (uint32) i));

		stamp->versions[i] = read_version(&object);
		if (i == 0 && !stamp->together && stamp->versions[i].value.state != SC_VALUE_UNKNOWN)
			sc_type_json_malformed(
				in, "the first version is the winner and carries no value: the entity has it");
	}
	stamp->nversions = len;
	sc_type_json_end(in);
}

static void
read_members(ScJsonIn *in, ScStamp *stamp)
{
	JsonbContainer *members =
		sc_type_json_get_array(in, "members", SC_STAMP_MEMBERS_MAX, &stamp->nmembers);

	if (members == NULL)
		return;
	stamp->members = palloc0(sizeof(ScMember) * Max(stamp->nmembers, 1));
	for (int i = 0; i < stamp->nmembers; i++)
	{
		ScMember *member = &stamp->members[i];
		ScJsonIn object =
			sc_type_json_object(in, getIthJsonbValueFromContainer(members, (uint32) i));
		JsonbValue *gone = sc_type_json_take(&object, "gone");

		member->text = sc_type_json_get_text(&object, "text");
		if (member->text == NULL)
			sc_type_json_malformed(in, "a member needs a text");
		member->by = read_dot(&object);
		if (gone != NULL)
		{
			ScJsonIn inner = sc_type_json_object(&object, gone);

			member->gone = read_dot(&inner);
			sc_type_json_end(&inner);
		}
		sc_type_json_get_time(&object, "at", &member->at);
		member->whole = sc_type_json_get_true(&object, "whole");
		sc_type_json_end(&object);
	}
}

static ScVersion
read_version(ScJsonIn *in)
{
	ScVersion version = { .source_version = -1 };

	version.dot = read_dot(in);
	version.context = sc_type_json_get_clock(in, "context");
	version.actor_kind = read_actor_kind(in);
	version.actor = sc_type_json_get_text(in, "actor");
	version.system_id = sc_type_json_get_int32(in, "system_id");
	version.rank = sc_type_json_get_int32(in, "rank");
	sc_type_json_get_time(in, "at", &version.at);
	if (sc_type_json_get_int(in, "source_version", &version.source_version) &&
		version.source_version < 0)
		sc_type_json_malformed(in, "source_version must not be negative");
	sc_type_json_get_int(in, "event", &version.event);
	version.replaced = sc_type_json_get_value(in, "replaced");
	version.value = sc_type_json_get_value(in, "value");
	sc_type_json_end(in);
	return version;
}

static ScDot
read_dot(ScJsonIn *in)
{
	ScDot dot = { 0 };

	sc_type_json_get_int(in, "link", &dot.link);
	sc_type_json_get_int(in, "n", &dot.n);
	if (dot.link < 0 || dot.n <= 0)
		sc_type_json_malformed(in, "a version needs link and n, n above zero");
	return dot;
}

static ScActorKind
read_actor_kind(ScJsonIn *in)
{
	char *text = sc_type_json_get_text(in, "actor_kind");

	for (int i = 0; text != NULL && i < lengthof(actor_kinds); i++)
	{
		if (strcmp(text, actor_kinds[i]) == 0)
			return (ScActorKind) i;
	}
	if (text != NULL)
		sc_type_json_malformed(in, "actor_kind is human, automation, integration or unknown");
	return SC_ACTOR_UNKNOWN;
}
