/*
 * model.c
 *	  Helpers of the world that decide changes: values of an entity, rows for
 *	  the ledger, and the intent of a call as it is stored in link.call.
 *
 * An intent that cannot be read back is taken for a lost outcome: the record
 * is read before anything else is sent to it.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "core/fields.h"
#include "core/json.h"
#include "core/model.h"

static const char *const ledger_names[] = {
	"receive",	 "change",	   "agree",	  "conflict",	  "retire",	 "echo",	"stale",
	"duplicate", "unordered",  "wait",	  "unsure",		  "raced",	 "hold",	"resolve",
	"refuse",	 "quarantine", "release", "out_of_scope", "nearest", "comment", "delete",
	"link",		 "unlink",	   "queue",	  "send",		  "confirm", "fail",	"unknown",
	"landed",	 "repeated",   "dead",	  "retry",		  "cancel",	 "loop",	"config"
};

static const char *const call_names[] = { "none", "create", "update", "comment", "read", "delete" };

StaticAssertDecl(lengthof(ledger_names) == SC_LEDGER_CONFIG + 1, "every ledger kind has a name");
StaticAssertDecl(lengthof(call_names) == SC_CALL_DELETE + 1, "every call kind has a name");

static void pack_field(ScJson *json, const ScCallField *field);
static void pack_value(ScJson *json, const char *key, const ScValue *value);
static void pack_position(ScJson *json, const char *key, ScPosition position);
static void pack_clock(ScJson *json, const char *key, const ScClock *clock);
static bool unpack_field(Jsonb *packed, ScCallField *field);
static bool unpack_value(Jsonb *packed, const char *key, ScValue *value);
static ScPosition unpack_position(Jsonb *packed, const char *key);
static bool unpack_clock(Jsonb *packed, const char *key, ScClock *clock);
static char *hex_of(const uint8 *bytes);
static bool bytes_of(const char *hex, uint8 *bytes);

ScFieldValue *
sc_model_value(ScEntity *entity, const char *field)
{
	bool found;
	int at = sc_fields_seek(entity->values, entity->nvalues, sizeof(ScFieldValue), field, &found);

	return found ? &entity->values[at] : NULL;
}

/* Pointers from earlier calls are no longer valid when a value is made. */
ScFieldValue *
sc_model_value_get(ScEntity *entity, const char *field)
{
	bool found;
	int at = sc_fields_seek(entity->values, entity->nvalues, sizeof(ScFieldValue), field, &found);

	if (!found)
		entity->values =
			sc_fields_insert(entity->values, entity->nvalues++, sizeof(ScFieldValue), at, field);
	return &entity->values[at];
}

ScLedgerEntry *
sc_model_note(ScBatch *batch, ScLedgerKind kind, ScEntity *entity, ScLink *link)
{
	ScLedgerEntry *entry = palloc0(sizeof(ScLedgerEntry));

	entry->kind = kind;
	entry->entity = entity;
	entry->link = link;
	entry->system = link == NULL ? NULL : link->system;
	if (entity != NULL)
		entry->space = entity->space;
	else if (link != NULL)
		entry->space = link->system->space;
	entry->correlation_id = entity == NULL ? NULL : entity->correlation_id;
	batch->ledger = lappend(batch->ledger, entry);
	return entry;
}

const char *
sc_model_ledger_name(ScLedgerKind kind)
{
	Assert(kind >= 0 && kind < lengthof(ledger_names));
	return ledger_names[kind];
}

const char *
sc_model_record_name(const ScLink *link)
{
	return link->external_key != NULL  ? link->external_key
		   : link->external_id != NULL ? link->external_id
									   : "(being created)";
}

bool
sc_model_is_whole(const ScStatement *statement)
{
	int said = 0;

	for (int i = 0; i < statement->nfields; i++)
		said += statement->fields[i].outcome == SC_MAP_OK ||
				statement->fields[i].outcome == SC_MAP_NEAREST;
	return statement->full_record || said > 1;
}

const char *
sc_model_closing_state(const ScEntityType *type)
{
	const char *state = NULL;

	for (int i = 0; i < type->nstates; i++)
	{
		if (type->states[i].category != 2)
			continue;
		if (state == NULL || strcmp(type->states[i].name, "closed") == 0)
			state = type->states[i].name;
	}
	return state;
}

Jsonb *
sc_model_entity_json(ScEntity *entity)
{
	ScJson json = sc_json_object();

	for (int i = 0; i < entity->nvalues; i++)
		if (entity->values[i].value.state == SC_VALUE_JSON)
			sc_json_jsonb(&json, entity->values[i].field, entity->values[i].value.json);
	return sc_json_end(&json);
}

Jsonb *
sc_model_call_pack(const ScCall *call)
{
	ScJson json = sc_json_object();

	sc_json_text(&json, "kind", call_names[call->kind]);
	sc_json_boolean(&json, "unknown", call->unknown);
	if (call->landed)
		sc_json_boolean(&json, "landed", true);
	sc_json_boolean(&json, "heard", call->heard);
	if (call->unreadable)
		sc_json_boolean(&json, "unreadable", true);
	sc_json_number(&json, "delivery", call->delivery);
	sc_json_number(&json, "gen", call->gen);
	sc_json_text(&json, "marker", call->marker);
	sc_json_number(&json, "at", call->at);
	sc_json_number(&json, "first_at", call->first_at);
	pack_position(&json, "base", call->base);
	sc_json_number(&json, "comment", call->comment);
	if (call->comment_step != SC_COMMENT_WRITE)
		sc_json_number(&json, "comment_step", call->comment_step);
	sc_json_open_array(&json, "fields");
	for (int i = 0; i < call->nfields; i++)
		pack_field(&json, &call->fields[i]);
	sc_json_close_array(&json);
	return sc_json_end(&json);
}

ScCall
sc_model_call_unpack(Jsonb *packed)
{
	ScCall call = { .kind = SC_CALL_READ, .unknown = true };
	ScCall lost = call;
	char *kind = sc_json_get_text(packed, "kind");
	Jsonb **fields;
	int nfields = sc_json_elements(sc_json_get(packed, "fields"), &fields);

	if (kind == NULL)
		return lost;
	for (int i = 0; i < lengthof(call_names); i++)
		if (strcmp(kind, call_names[i]) == 0)
			call.kind = i;
	call.unknown = sc_json_get_boolean(packed, "unknown", true);
	call.landed = sc_json_get_boolean(packed, "landed", false);
	call.heard = sc_json_get_boolean(packed, "heard", true);
	call.unreadable = sc_json_get_boolean(packed, "unreadable", false);
	call.delivery = sc_json_get_number(packed, "delivery", 0);
	call.gen = (int32) sc_json_get_number(packed, "gen", 0);
	call.marker = sc_json_get_text(packed, "marker");
	call.at = sc_json_get_number(packed, "at", 0);
	call.first_at = sc_json_get_number(packed, "first_at", 0);
	call.base = unpack_position(packed, "base");
	call.comment = sc_json_get_number(packed, "comment", 0);
	call.comment_step =
		(ScCommentStep) sc_json_get_number(packed, "comment_step", SC_COMMENT_WRITE);
	call.fields = palloc0(sizeof(ScCallField) * Max(nfields, 1));
	for (int i = 0; i < nfields; i++)
		if (!unpack_field(fields[i], &call.fields[call.nfields++]))
			return lost;
	return call;
}

static void
pack_field(ScJson *json, const ScCallField *field)
{
	sc_json_open_object(json, NULL);
	sc_json_text(json, "field", field->field);
	pack_value(json, "value", &field->value);
	pack_value(json, "canonical", &field->canonical);
	pack_clock(json, "clock", &field->clock);
	pack_value(json, "before", &field->before_held);
	pack_position(json, "before_known_at", field->before_known_at);
	pack_clock(json, "before_seen", &field->before_seen);
	pack_position(json, "same_from", field->same_from);
	pack_position(json, "same_to", field->same_to);
	if (field->same_event != 0)
		sc_json_number(json, "same_event", field->same_event);
	sc_json_close_object(json);
}

/* Unknown: no member.  Digest: {"digest": …, "loose": …}.  JSON: {"json": …}. */
static void
pack_value(ScJson *json, const char *key, const ScValue *value)
{
	if (value->state == SC_VALUE_UNKNOWN)
		return;
	sc_json_open_object(json, key);
	if (value->state == SC_VALUE_JSON)
		sc_json_jsonb(json, "json", value->json);
	else
	{
		sc_json_text(json, "digest", hex_of(value->digest));
		sc_json_text(json, "loose", hex_of(value->loose));
	}
	sc_json_close_object(json);
}

static void
pack_position(ScJson *json, const char *key, ScPosition position)
{
	if (position.known)
		sc_json_number(json, key, position.at);
}

static void
pack_clock(ScJson *json, const char *key, const ScClock *clock)
{
	if (clock->len > 0)
		sc_json_text(json, key, sc_vclock_to_cstring(clock));
}

static bool
unpack_field(Jsonb *packed, ScCallField *field)
{
	field->field = sc_json_get_text(packed, "field");
	field->before_known_at = unpack_position(packed, "before_known_at");
	field->same_from = unpack_position(packed, "same_from");
	field->same_to = unpack_position(packed, "same_to");
	field->same_event = sc_json_get_number(packed, "same_event", 0);
	return field->field != NULL && unpack_value(packed, "value", &field->value) &&
		   unpack_value(packed, "canonical", &field->canonical) &&
		   unpack_value(packed, "before", &field->before_held) &&
		   unpack_clock(packed, "clock", &field->clock) &&
		   unpack_clock(packed, "before_seen", &field->before_seen);
}

static bool
unpack_value(Jsonb *packed, const char *key, ScValue *value)
{
	Jsonb *member = sc_json_get(packed, key);

	*value = SC_UNKNOWN;
	if (member == NULL)
		return true;

	Jsonb *json = sc_json_get(member, "json");

	if (json != NULL)
	{
		*value = sc_value_json(json);
		return true;
	}
	value->state = SC_VALUE_DIGEST;
	return bytes_of(sc_json_get_text(member, "digest"), value->digest) &&
		   bytes_of(sc_json_get_text(member, "loose"), value->loose);
}

static ScPosition
unpack_position(Jsonb *packed, const char *key)
{
	ScPosition position = { false, 0 };

	if (sc_json_get(packed, key) != NULL)
	{
		position.known = true;
		position.at = sc_json_get_number(packed, key, 0);
	}
	return position;
}

static bool
unpack_clock(Jsonb *packed, const char *key, ScClock *clock)
{
	char *text = sc_json_get_text(packed, key);

	*clock = sc_vclock_empty();
	return text == NULL || sc_vclock_parse(text, clock);
}

static char *
hex_of(const uint8 *bytes)
{
	char *hex = palloc(SC_VALUE_DIGEST_LEN * 2 + 1);

	hex[hex_encode((const char *) bytes, SC_VALUE_DIGEST_LEN, hex)] = '\0';
	return hex;
}

static bool
bytes_of(const char *hex, uint8 *bytes)
{
	if (hex == NULL || strlen(hex) != SC_VALUE_DIGEST_LEN * 2 ||
		strspn(hex, "0123456789abcdefABCDEF") != SC_VALUE_DIGEST_LEN * 2)
		return false;
	hex_decode(hex, SC_VALUE_DIGEST_LEN * 2, (char *) bytes);
	return true;
}
