/*
 * shadow_sql.c
 *	  The SQL type syncore.shadow: its JSON form, in and out.
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
#include "core/shadow.h"
#include "core/type_json.h"

PGDLLEXPORT Datum syncore_shadow_in(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_shadow_in);
PGDLLEXPORT Datum syncore_shadow_out(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_shadow_out);
PGDLLEXPORT Datum syncore_shadow_recv(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_shadow_recv);
PGDLLEXPORT Datum syncore_shadow_send(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_shadow_send);
PGDLLEXPORT Datum syncore_shadow_to_jsonb(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_shadow_to_jsonb);

static Jsonb *write_shadow(const bytea *packed);
static void write_field(ScJsonOut *out, const ScShadowField *field);
static void write_position(ScJsonOut *out, const char *key, ScPosition position);
static void write_write(ScJsonOut *out, const ScWrite *write);
static void write_were(ScJsonOut *out, int nwere, const ScValue *were);
static void write_unconfirmed(ScJsonOut *out, const ScUnconfirmed *unconfirmed);
static ScShadow read_shadow(Jsonb *document);
static void read_field(ScJsonIn *in, ScShadowField *field);
static ScPosition read_position(ScJsonIn *in, const char *key);
static void read_write(ScJsonIn *in, ScWrite *write);
static void read_were(ScJsonIn *in, int *nwere, ScValue **were);
static void read_unconfirmed(ScJsonIn *in, ScUnconfirmed *unconfirmed);

Datum
syncore_shadow_in(PG_FUNCTION_ARGS)
{
	Datum json = DirectFunctionCall1(jsonb_in, PG_GETARG_DATUM(0));
	ScShadow shadow = read_shadow(DatumGetJsonbP(json));

	PG_RETURN_BYTEA_P(sc_shadow_pack(&shadow));
}

Datum
syncore_shadow_out(PG_FUNCTION_ARGS)
{
	Jsonb *json = write_shadow(PG_GETARG_BYTEA_PP(0));

	PG_RETURN_CSTRING(JsonbToCString(NULL, &json->root, VARSIZE(json)));
}

Datum
syncore_shadow_recv(PG_FUNCTION_ARGS)
{
	Datum json = DirectFunctionCall1(jsonb_recv, PG_GETARG_DATUM(0));
	ScShadow shadow = read_shadow(DatumGetJsonbP(json));

	PG_RETURN_BYTEA_P(sc_shadow_pack(&shadow));
}

Datum
syncore_shadow_send(PG_FUNCTION_ARGS)
{
	Jsonb *json = write_shadow(PG_GETARG_BYTEA_PP(0));

	return DirectFunctionCall1(jsonb_send, JsonbPGetDatum(json));
}

Datum
syncore_shadow_to_jsonb(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(write_shadow(PG_GETARG_BYTEA_PP(0)));
}

static Jsonb *
write_shadow(const bytea *packed)
{
	ScShadow shadow = sc_shadow_unpack(packed);
	ScJsonOut out = { 0 };

	sc_type_json_open_object(&out, NULL);
	for (int i = 0; i < shadow.len; i++)
		write_field(&out, &shadow.items[i]);
	sc_type_json_close_object(&out);
	return sc_type_json_finish(&out);
}

static void
write_field(ScJsonOut *out, const ScShadowField *field)
{
	sc_type_json_open_object(out, field->field);
	sc_type_json_put_value(out, "held", &field->held);
	sc_type_json_put_value(out, "sent", &field->sent);
	write_position(out, "known_at", field->known_at);
	write_position(out, "changed_at", field->changed_at);
	write_position(out, "told_before", field->told_before);
	if (field->told_before.known)
		write_position(out, "changed_after", field->changed_after);
	sc_type_json_put_clock(out, "seen", &field->seen);
	if (field->nwrites > 0)
	{
		sc_type_json_open_array(out, "writes");
		for (int i = 0; i < field->nwrites; i++)
			write_write(out, &field->writes[i]);
		sc_type_json_close_array(out);
	}
	if (field->nunconfirmed > 0)
	{
		sc_type_json_open_array(out, "unconfirmed");
		for (int i = 0; i < field->nunconfirmed; i++)
			write_unconfirmed(out, &field->unconfirmed[i]);
		sc_type_json_close_array(out);
	}
	if (field->nreversals > 0)
	{
		sc_type_json_open_array(out, "reversals");
		for (int i = 0; i < field->nreversals; i++)
			sc_type_json_put_time(out, NULL, field->reversals[i]);
		sc_type_json_close_array(out);
	}
	write_were(out, field->nwere, field->were);
	if (field->stopped)
		sc_type_json_put_true(out, "stopped");
	if (field->unsaid)
		sc_type_json_put_true(out, "unsaid");
	sc_type_json_close_object(out);
}

static void
write_position(ScJsonOut *out, const char *key, ScPosition position)
{
	if (position.known)
		sc_type_json_put_int(out, key, position.at);
}

static void
write_write(ScJsonOut *out, const ScWrite *write)
{
	sc_type_json_open_object(out, NULL);
	sc_type_json_put_value(out, "value", &write->value);
	sc_type_json_put_value(out, "canonical", &write->canonical);
	write_position(out, "at", write->at);
	if (write->exact)
		sc_type_json_put_true(out, "exact");
	sc_type_json_put_time(out, "acked_at", write->acked_at);
	if (write->marker != 0)
		sc_type_json_put_int(out, "marker", write->marker);
	sc_type_json_put_value(out, "before_held", &write->before_held);
	write_position(out, "before_known_at", write->before_known_at);
	sc_type_json_put_clock(out, "before_seen", &write->before_seen);
	write_were(out, write->nwere, write->were);
	sc_type_json_close_object(out);
}

static void
write_were(ScJsonOut *out, int nwere, const ScValue *were)
{
	if (nwere == 0)
		return;
	sc_type_json_open_array(out, "were");
	for (int i = 0; i < nwere; i++)
		sc_type_json_put_value(out, NULL, &were[i]);
	sc_type_json_close_array(out);
}

static void
write_unconfirmed(ScJsonOut *out, const ScUnconfirmed *unconfirmed)
{
	sc_type_json_open_object(out, NULL);
	sc_type_json_put_value(out, "value", &unconfirmed->value);
	sc_type_json_put_value(out, "canonical", &unconfirmed->canonical);
	sc_type_json_put_clock(out, "clock", &unconfirmed->clock);
	sc_type_json_put_time(out, "until", unconfirmed->until);
	sc_type_json_close_object(out);
}

static ScShadow
read_shadow(Jsonb *document)
{
	ScJsonIn in = sc_type_json_read("shadow", document);
	ScShadow shadow = { .len = 0 };
	JsonbIterator *it = JsonbIteratorInit(in.object);
	JsonbIteratorToken token;
	JsonbValue item;

	if (JsonContainerSize(in.object) > SC_SHADOW_FIELDS_MAX)
		sc_type_json_too_many(&in, "fields", SC_SHADOW_FIELDS_MAX);
	shadow.items = palloc0(sizeof(ScShadowField) * (JsonContainerSize(in.object) + 1));
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char *field = sc_type_json_key(&item);
			ScJsonIn object = sc_type_json_object(&in, sc_type_json_take(&in, field));

			shadow.items[shadow.len].field = field;
			read_field(&object, &shadow.items[shadow.len++]);
		}
	}
	/* jsonb sorts keys by length first */
	sc_fields_sort(shadow.items, shadow.len, sizeof(ScShadowField));
	return shadow;
}

static void
read_field(ScJsonIn *in, ScShadowField *field)
{
	JsonbContainer *items;

	field->held = sc_type_json_get_value(in, "held");
	field->sent = sc_type_json_get_value(in, "sent");
	field->known_at = read_position(in, "known_at");
	field->changed_at = read_position(in, "changed_at");
	field->told_before = read_position(in, "told_before");
	field->changed_after = read_position(in, "changed_after");
	field->seen = sc_type_json_get_clock(in, "seen");
	items = sc_type_json_get_array(in, "writes", SC_SHADOW_WRITES_MAX, &field->nwrites);
	field->writes = palloc0(sizeof(ScWrite) * Max(field->nwrites, 1));
	for (int i = 0; i < field->nwrites; i++)
	{
		ScJsonIn object = sc_type_json_object(in, getIthJsonbValueFromContainer(items, (uint32) i));

		read_write(&object, &field->writes[i]);
	}
	items =
		sc_type_json_get_array(in, "unconfirmed", SC_SHADOW_UNCONFIRMED_MAX, &field->nunconfirmed);
	field->unconfirmed = palloc0(sizeof(ScUnconfirmed) * Max(field->nunconfirmed, 1));
	for (int i = 0; i < field->nunconfirmed; i++)
	{
		ScJsonIn object = sc_type_json_object(in, getIthJsonbValueFromContainer(items, (uint32) i));

		read_unconfirmed(&object, &field->unconfirmed[i]);
	}
	items = sc_type_json_get_array(in, "reversals", SC_SHADOW_REVERSALS_MAX, &field->nreversals);
	field->reversals = palloc(sizeof(TimestampTz) * Max(field->nreversals, 1));
	for (int i = 0; i < field->nreversals; i++)
		field->reversals[i] =
			sc_type_json_time(in, getIthJsonbValueFromContainer(items, (uint32) i));
	read_were(in, &field->nwere, &field->were);
	field->stopped = sc_type_json_get_true(in, "stopped");
	field->unsaid = sc_type_json_get_true(in, "unsaid");
	sc_type_json_end(in);
}

static ScPosition
read_position(ScJsonIn *in, const char *key)
{
	ScPosition position = { 0 };

	position.known = sc_type_json_get_int(in, key, &position.at);
	return position;
}

static void
read_write(ScJsonIn *in, ScWrite *write)
{
	write->value = sc_type_json_get_value(in, "value");
	write->canonical = sc_type_json_get_value(in, "canonical");
	write->at = read_position(in, "at");
	write->exact = sc_type_json_get_true(in, "exact");
	sc_type_json_get_time(in, "acked_at", &write->acked_at);
	write->before_held = sc_type_json_get_value(in, "before_held");
	write->before_known_at = read_position(in, "before_known_at");
	write->before_seen = sc_type_json_get_clock(in, "before_seen");
	sc_type_json_get_int(in, "marker", &write->marker);
	read_were(in, &write->nwere, &write->were);
	sc_type_json_end(in);
}

static void
read_were(ScJsonIn *in, int *nwere, ScValue **were)
{
	JsonbContainer *items = sc_type_json_get_array(in, "were", SC_SHADOW_WERE_MAX, nwere);

	*were = palloc0(sizeof(ScValue) * Max(*nwere, 1));
	for (int i = 0; i < *nwere; i++)
		(*were)[i] = sc_type_json_value(in, getIthJsonbValueFromContainer(items, (uint32) i));
}

static void
read_unconfirmed(ScJsonIn *in, ScUnconfirmed *unconfirmed)
{
	unconfirmed->value = sc_type_json_get_value(in, "value");
	unconfirmed->canonical = sc_type_json_get_value(in, "canonical");
	unconfirmed->clock = sc_type_json_get_clock(in, "clock");
	sc_type_json_get_time(in, "until", &unconfirmed->until);
	sc_type_json_end(in);
}
