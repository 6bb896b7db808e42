/*
 * landing.c
 *	  What becomes of the fields of a write: taken as its answer shows, or, when
 *	  the answer was lost, landed or not as a read or a webhook tells (R10, R14,
 *	  R15).
 *
 * An answer is believed for what it shows, not for what we asked: what the
 * record holds afterwards is what is held.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/say.h"

typedef enum Shows /* what a read shows of one field that a call carried */
{
	SHOWS_NOTHING, /* it does not speak of the field */
	SHOWS_OURS,
	SHOWS_OLD,
	SHOWS_OTHER
} Shows;

static bool was_overruled(ScLink *link, const ScCallField *carried, ScPosition landed);
static bool proves_landing(const ScLink *link, const ScStatement *statement);
static bool has_landed(const ScLink *link, const ScStatement *body);
static void take_lost(ScBatch *batch, ScLink *link, const ScStatement *body, const ScCall *call);
static void forget_unread(ScLink *link, const ScCallField *carried);
static Shows shows(const ScStatement *body, const ScCallField *carried, const ScMapped **said);
static bool is_ours(const ScMapped *said, const ScCallField *carried);
static bool is_another_word(const ScMapped *said, const ScCallField *carried);
static bool is_as_sent(const ScMapped *said, const ScCallField *carried);
static void land_read(ScBatch *batch, ScLink *link, const ScStatement *body,
					  const ScCallField *carried);
static void land_silent(ScBatch *batch, ScLink *link, ScPosition at, const ScCallField *carried);
static void acknowledge(ScBatch *batch, ScLink *link, const ScCallField *carried, ScWrite *write);
static bool ask_others(const ScLink *link, const ScField *field);
static void force_change(ScBatch *batch, ScLink *link, const ScStatement *body,
						 const ScMapped *said);
static ScPosition position_before(ScPosition at);
static ScLedgerEntry *note_field(ScBatch *batch, ScLedgerKind kind, ScLink *link,
								 const ScCallField *carried);
static ScLedgerEntry *note_landed(ScBatch *batch, ScLink *link, const ScCallField *carried,
								  char *reason);

/* R15: the read of a record after a write whose answer was lost. */
void
sc_decide_settle_lost(ScBatch *batch, ScLink *link, const ScStatement *body)
{
	ScCall call = link->call;
	bool landed = call.landed || has_landed(link, body);

	/* A replica that lags behind what was known at the send cannot show what was written since. */
	if (call.landed && call.base.known && body->position.known && body->position.at < call.base.at)
		return;
	link->read_owed = false;
	sc_decide_keys(link, body);
	if (landed)
	{
		for (int i = 0; i < call.nfields; i++)
		{
			land_read(batch, link, body, &call.fields[i]);
			note_landed(
				batch, link, &call.fields[i],
				psprintf("the write to %s whose answer was lost has landed", link->system->name));
		}
		sc_decide_fields(batch, link, body, &call);
	}
	else
		take_lost(batch, link, body, &call);
	link->read_taken = !link->read_owed;
	sc_decide_end_call(link);
}

/*
 * A webhook proves it when it is newer than what was known at the send and
 * carries the call's marker; or is by our name or shows all that we changed,
 * and shows nothing else there.
 */
void
sc_decide_proof(ScBatch *batch, ScLink *link, const ScStatement *statement)
{
	ScCall call = link->call;

	if (call.kind != SC_CALL_UPDATE || !call.unknown || !proves_landing(link, statement))
		return;
	for (int i = 0; i < call.nfields; i++)
	{
		ScLedgerEntry *entry;
		const ScMapped *said;

		if (was_overruled(link, &call.fields[i], statement->position))
			sc_decide_ask_of(link, call.fields[i].same_event);
		shows(statement, &call.fields[i], &said);
		if (said != NULL && is_ours(said, &call.fields[i]))
			land_read(batch, link, statement, &call.fields[i]);
		else
			land_silent(batch, link, position_before(statement->position), &call.fields[i]);
		entry = note_landed(batch, link, &call.fields[i],
							psprintf("%s tells of it: the write whose answer was lost has landed",
									 link->system->name));
		entry->event = statement->event;
		entry->rule = "R15";
	}
	/* What was decided without the outcome, because nothing could be read, is looked at again. */
	link->read_owed = link->unsure != NIL || call.unreadable;
	link->changed = true;
	link->whole = true;
	sc_decide_end_call(link);
	sc_decide_give_replay(link);
}

/* R3: decided without the outcome, something else was said after our write: who said our value then, said it again. */
static bool
was_overruled(ScLink *link, const ScCallField *carried, ScPosition landed)
{
	ScPosition changed_at = sc_shadow_get(&link->shadow, carried->field)->changed_at;

	return landed.known && changed_at.known && changed_at.at > landed.at;
}

static bool
proves_landing(const ScLink *link, const ScStatement *statement)
{
	const ScCall *call = &link->call;
	int ours = 0;
	bool marked = statement->call_marker != NULL && call->marker != NULL &&
				  strcmp(statement->call_marker, call->marker) == 0;

	if (marked)
		return true;
	if (link->system->connector->grade == SC_GRADE_NONE || !statement->position.known ||
		!call->base.known || statement->position.at <= call->base.at)
		return false;
	for (int i = 0; i < call->nfields; i++)
	{
		const ScMapped *said;
		Shows what = shows(statement, &call->fields[i], &said);

		if (what == SHOWS_OLD || what == SHOWS_OTHER ||
			(what == SHOWS_OURS && !statement->actor_is_us &&
			 is_another_word(said, &call->fields[i])))
			return false;
		ours += what == SHOWS_OURS ? 1 : 0;
	}
	return ours > 0 && (statement->actor_is_us || ours == call->nfields);
}

/* The record moved, something that we changed shows our value, and nothing of ours shows what it was. */
static bool
has_landed(const ScLink *link, const ScStatement *body)
{
	const ScCall *call = &link->call;
	int ours = 0;

	if (link->system->connector->grade == SC_GRADE_COUNTER && body->position.known &&
		call->base.known && body->position.at <= call->base.at)
		return false;
	for (int i = 0; i < call->nfields; i++)
	{
		const ScMapped *said;
		Shows what = shows(body, &call->fields[i], &said);

		if (what == SHOWS_OLD)
			return false;
		ours += what == SHOWS_OURS ? 1 : 0;
	}
	return ours > 0;
}

/* Not landed, or not yet: its values may still turn up; the record is as the read shows it. */
static void
take_lost(ScBatch *batch, ScLink *link, const ScStatement *body, const ScCall *call)
{
	TimestampTz until =
		batch->now + Max(SC_DECIDE_PATIENCE_US, link->system->connector->late_landing_us);

	for (int i = 0; i < call->nfields; i++)
		sc_order_not_landed(sc_shadow_get(&link->shadow, call->fields[i].field), &call->fields[i]);
	/* First what the read shows: it cannot be a landing that it disproves. */
	sc_decide_fields(batch, link, body, NULL);
	for (int i = 0; i < call->nfields; i++)
		forget_unread(link, &call->fields[i]);
	for (int i = 0; i < call->nfields; i++)
	{
		ScLedgerEntry *entry = note_field(batch, SC_LEDGER_REPEATED, link, &call->fields[i]);

		sc_order_unconfirmed(sc_shadow_get(&link->shadow, call->fields[i].field), &call->fields[i],
							 until);
		entry->rule = "repeated_after_unknown";
		entry->reason = psprintf(
			sc_conf_reader(link->map, call->fields[i].field) == NULL
				? "no read of %s shows whether the write whose answer was lost has landed: it is "
				  "made again, or what is wanted instead"
				: "the write to %s whose answer was lost has not landed: it is made "
				  "again if it is still wanted",
			link->system->name);
	}
}

/* Of a field that is only written no read tells whether it landed: what is held there is not known, and it is written again. */
static void
forget_unread(ScLink *link, const ScCallField *carried)
{
	ScShadowField *shadow = sc_shadow_get(&link->shadow, carried->field);

	if (sc_conf_reader(link->map, carried->field) != NULL)
		return;
	shadow->held = SC_UNKNOWN;
	shadow->sent = SC_UNKNOWN;
}

static Shows
shows(const ScStatement *body, const ScCallField *carried, const ScMapped **said)
{
	*said = NULL;
	for (int i = 0; i < body->nfields && *said == NULL; i++)
		if (strcmp(body->fields[i].map->field->name, carried->field) == 0 &&
			(body->fields[i].outcome == SC_MAP_OK || body->fields[i].outcome == SC_MAP_NEAREST))
			*said = &body->fields[i];
	if (*said == NULL)
		return SHOWS_NOTHING;
	if (sc_order_same((*said)->map, &(*said)->external, &carried->before_held))
		return is_ours(*said, carried) ? SHOWS_NOTHING : SHOWS_OLD;
	return is_ours(*said, carried) ? SHOWS_OURS : SHOWS_OTHER;
}

static bool
is_ours(const ScMapped *said, const ScCallField *carried)
{
	if (carried->value.state == SC_VALUE_UNKNOWN || sc_merge_is_enumeration(said->map))
	{
		if (sc_value_equal(&said->canonical, &carried->canonical))
			return true;
	}
	return is_as_sent(said, carried);
}

/* Another word for the same value is not what we wrote: under another name than ours, somebody set it. */
static bool
is_another_word(const ScMapped *said, const ScCallField *carried)
{
	return carried->value.state != SC_VALUE_UNKNOWN && !is_as_sent(said, carried);
}

static bool
is_as_sent(const ScMapped *said, const ScCallField *carried)
{
	return sc_order_same(said->map, &said->external, &carried->value) ||
		   sc_value_equal_loosely(&said->external, &carried->value);
}

/* One field of an acknowledged write. */
void
sc_decide_land(ScBatch *batch, ScLink *link, const ScOutcome *outcome, const ScCallField *carried)
{
	const ScStatement *body = outcome->body;
	ScPosition at = outcome->position.known || body == NULL ? outcome->position : body->position;
	ScShadowField *shadow = sc_shadow_get(&link->shadow, carried->field);
	const ScMapped *said = NULL;
	ScWrite *write;

	if (body != NULL && body->kind == SC_STATEMENT_READ)
	{
		land_read(batch, link, body, carried);
		note_field(batch, SC_LEDGER_CONFIRM, link, carried)->delivery = outcome->delivery;
		return;
	}
	if (body == NULL || shows(body, carried, &said) == SHOWS_NOTHING)
		said = said != NULL && body != NULL ? said : NULL;
	if (said != NULL && sc_merge_is_enumeration(said->map) && !is_ours(said, carried))
	{
		land_silent(batch, link, at, carried);
		note_field(batch, SC_LEDGER_CONFIRM, link, carried)->delivery = outcome->delivery;
		force_change(batch, link, body, said);
		return;
	}
	write = sc_order_landed(shadow, carried, said == NULL ? NULL : &said->external, at, batch->now);
	write->exact = body != NULL && at.known;
	acknowledge(batch, link, carried, write);
	note_field(batch, SC_LEDGER_CONFIRM, link, carried)->delivery = outcome->delivery;
}

/*
 * One field of a write that landed, shown by a read: ours if loosely so, else
 * somebody's since.  A create overwrites nothing: what was said of its record
 * before the read was said after it.
 */
static void
land_read(ScBatch *batch, ScLink *link, const ScStatement *body, const ScCallField *carried)
{
	ScShadowField *shadow = sc_shadow_get(&link->shadow, carried->field);
	bool lost = link->call.unknown && !link->call.landed;
	const ScMapped *said;

	shows(body, carried, &said);
	if (said != NULL && is_ours(said, carried))
	{
		ScWrite *write =
			sc_order_landed(shadow, carried, &said->external, body->position, batch->now);

		if (link->call.kind == SC_CALL_CREATE)
			write->before_known_at = body->position;
		acknowledge(batch, link, carried, write);
		if (lost && !sc_merge_is_enumeration(said->map) &&
			!sc_order_same(said->map, &said->external, &carried->value))
			shadow->sent = SC_UNKNOWN;
		return;
	}
	land_silent(batch, link, position_before(body->position), carried);
	if (said != NULL)
		force_change(batch, link, body, said);
}

/* It landed, and nothing shows what the system made of it. */
static void
land_silent(ScBatch *batch, ScLink *link, ScPosition at, const ScCallField *carried)
{
	ScShadowField *shadow = sc_shadow_get(&link->shadow, carried->field);

	acknowledge(batch, link, carried, sc_order_landed(shadow, carried, NULL, at, batch->now));
}

/* R10: the system was shown the clock as of the send. */
static void
acknowledge(ScBatch *batch, ScLink *link, const ScCallField *carried, ScWrite *write)
{
	ScShadowField *shadow = sc_shadow_get(&link->shadow, carried->field);
	ScStamp *stamp = sc_stamp_find(&link->entity->stamps, carried->field);

	write->marker = sc_order_marker(link->call.marker);
	shadow->seen = sc_vclock_merge(&shadow->seen, &carried->clock);
	if (stamp != NULL)
		stamp->touched = true;
}

/*
 * What a record that we made holds beside what we gave it are the system's
 * defaults.  Where the entity has a value already, or another record of it has
 * yet to tell one, they are where that system starts from, not an edit.
 *
 * A read made some time after the create may show what somebody set since just
 * as well.  Where it is not what stands, nobody knows until it is told: it
 * counts as not read (the call is given the field), and what is written over it
 * is judged when it is heard.  A field that is empty still is one that nobody
 * filled: somebody who did and took it back has nothing to lose.
 */
void
sc_decide_baseline(ScBatch *batch, ScLink *link, const ScStatement *body, ScCall *call)
{
	bool touched = call->unknown && !body->actor_is_us;
	int ncarried = call->nfields;
	ScCallField *fields = palloc0(sizeof(ScCallField) * (ncarried + body->nfields));

	if (ncarried > 0)
		memcpy(fields, call->fields, sizeof(ScCallField) * ncarried);
	call->fields = fields;
	for (int i = 0; i < body->nfields; i++)
	{
		const ScMapped *said = &body->fields[i];
		const char *name = said->map->field->name;
		ScFieldValue *value = sc_model_value(link->entity, name);
		ScShadowField *shadow;
		bool carried = false;

		for (int k = 0; k < ncarried; k++)
			carried = carried || strcmp(fields[k].field, name) == 0;
		if (carried || (said->outcome != SC_MAP_OK && said->outcome != SC_MAP_NEAREST) ||
			(value == NULL &&
			 (sc_value_is_null(&said->canonical) || !ask_others(link, said->map->field))))
			continue;
		shadow = sc_shadow_get(&link->shadow, name);
		if (shadow->held.state != SC_VALUE_UNKNOWN)
			continue;
		if (touched && value != NULL && !sc_value_is_null(&said->canonical) &&
			!sc_value_equal(&value->value, &said->canonical))
		{
			fields[call->nfields++].field = pstrdup(name);
			continue;
		}
		shadow->held = said->external;
		shadow->known_at = body->position;
		/* R10: its people see what stands, and have seen all that led to it. */
		link->whole = true;
	}
}

/* Is there another record that has the field and has not told of it?  It is read. */
static bool
ask_others(const ScLink *link, const ScField *field)
{
	bool asked = false;

	for (int i = 0; i < list_length(link->entity->links); i++)
	{
		ScLink *other = list_nth(link->entity->links, i);
		const ScShadowField *shadow = sc_shadow_find(&other->shadow, field->name);

		if (other == link || !sc_merge_takes_part(other) || other->external_id == NULL ||
			sc_conf_reader(other->map, field->name) == NULL ||
			(shadow != NULL && shadow->held.state != SC_VALUE_UNKNOWN) ||
			!sc_order_can_be_read(other))
			continue;
		other->read_owed = true;
		other->changed = true;
		asked = true;
	}
	return asked;
}

/* R14: the system's own automation, or a person since: a change, whatever its position says. */
static void
force_change(ScBatch *batch, ScLink *link, const ScStatement *body, const ScMapped *said)
{
	ScOrder order = {
		.verdict = SC_VERDICT_CURRENT, .rule = "R14", .write = -1, .unconfirmed = -1
	};

	sc_decide_change(batch, link, body, said, order);
}

/* An upper bound for a write that something else has followed. */
static ScPosition
position_before(ScPosition at)
{
	at.at -= at.known ? 1 : 0;
	return at;
}

static ScLedgerEntry *
note_field(ScBatch *batch, ScLedgerKind kind, ScLink *link, const ScCallField *carried)
{
	const ScField *field = sc_conf_field(link->entity->type, carried->field);
	ScLedgerEntry *entry = sc_model_note(batch, kind, link->entity, link);

	entry->field = carried->field;
	entry->delivery = link->call.delivery;
	entry->rule = "R14";
	if (field == NULL)
		return entry;
	entry->new_value = sc_say_jsonb(field, &carried->canonical);
	entry->reason =
		psprintf("%s took %s", link->system->name, sc_say_value(field, &carried->canonical));
	return entry;
}

/* What was acknowledged is confirmed, whatever showed it; what was lost has landed. */
static ScLedgerEntry *
note_landed(ScBatch *batch, ScLink *link, const ScCallField *carried, char *reason)
{
	bool acknowledged = link->call.landed;
	ScLedgerEntry *entry =
		note_field(batch, acknowledged ? SC_LEDGER_CONFIRM : SC_LEDGER_LANDED, link, carried);

	if (!acknowledged)
		entry->reason = reason;
	return entry;
}
