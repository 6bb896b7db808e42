/*
 * effect.c
 *	  What a judgement does to the shadow of its field (R5), and what is kept
 *	  there of our own writes: those that landed, with what they replaced (R14),
 *	  and those that may still land (R15).
 */
#include "postgres.h"

#include "core/order.h"

/* How many of the values held before are kept; each costs a few bytes of every shadow. */
#define WERE_KEPT 4

static void keep_later(ScShadowField *shadow, const ScCallField *carried, ScPosition at,
					   ScPosition known_at);
static void remember_were(ScShadowField *shadow, const ScValue *value);
static void push_write(ScShadowField *shadow, const ScWrite *write);
static void drop_unconfirmed(ScShadowField *shadow, int at);
static void raise_position(ScPosition *position, ScPosition to);
static void apply_landed(ScShadowField *shadow, int unconfirmed, const ScStatement *statement,
						 const ScMapped *said);
static ScClock apply_overtaken(ScShadowField *shadow, ScCallField *carried,
							   const ScStatement *statement, const ScMapped *said);
static void note_same(const ScShadowField *shadow, ScCallField *carried,
					  const ScStatement *statement);
static void apply_echo(ScShadowField *shadow, const ScOrder *order, const ScStatement *statement,
					   const ScMapped *said);

ScClock
sc_order_apply(ScShadowField *shadow, const ScOrder *order, const ScStatement *statement,
			   const ScMapped *said)
{
	ScClock context = sc_vclock_empty();
	ScWrite *write = order->write < 0 ? NULL : &shadow->writes[order->write];

	switch (order->verdict)
	{
		case SC_VERDICT_NOTHING:
			if (write != NULL)
				write->before_known_at = statement->position;
			else
				raise_position(&shadow->known_at, statement->position);
			if (order->carried != NULL)
				raise_position(&order->carried->before_known_at, statement->position);
			break;
		case SC_VERDICT_ECHO:
			apply_echo(shadow, order, statement, said);
			break;
		case SC_VERDICT_LANDED:
			apply_landed(shadow, order->unconfirmed, statement, said);
			break;
		case SC_VERDICT_CURRENT:
			context = sc_vclock_copy(&shadow->seen);
			remember_were(shadow, &shadow->held);
			shadow->moved = sc_model_is_slot(statement);
			shadow->held = said->external;
			shadow->sent = SC_UNKNOWN;
			shadow->known_at = statement->position.known ? statement->position : shadow->known_at;
			shadow->changed_at =
				statement->position.known ? statement->position : shadow->changed_at;
			break;
		case SC_VERDICT_RACED:
			if (order->carried != NULL)
			{
				context = apply_overtaken(shadow, order->carried, statement, said);
				break;
			}
			context = sc_vclock_copy(&write->before_seen);
			remember_were(shadow, &write->before_held);
			write->before_held = sc_value_remembered(&said->external);
			write->before_known_at = statement->position;
			shadow->changed_at =
				statement->position.known ? statement->position : shadow->changed_at;
			break;
		default:
			break;
	}
	return context;
}

ScWrite *
sc_order_landed(ScShadowField *shadow, const ScCallField *carried, const ScValue *held,
				ScPosition at, TimestampTz now)
{
	ScWrite write = { .value = sc_value_remembered(&carried->value),
					  .canonical = sc_value_remembered(&carried->canonical),
					  .at = at,
					  .acked_at = now,
					  .before_held = sc_value_remembered(&carried->before_held),
					  .before_known_at = carried->before_known_at,
					  .before_seen = carried->before_seen };
	ScPosition known_at = shadow->known_at;

	remember_were(shadow, &carried->before_held);
	write.nwere = shadow->nwere;
	write.were = shadow->were;
	/* Somebody said the same before it: that is what it replaced. */
	if (at.known && carried->same_from.known && carried->same_from.at < at.at)
	{
		write.before_held = sc_value_remembered(&carried->value);
		write.before_known_at = carried->same_to.at < at.at ? carried->same_to : carried->same_from;
	}
	push_write(shadow, &write);
	shadow->held = held == NULL || held->state == SC_VALUE_UNKNOWN ? carried->value : *held;
	shadow->sent = carried->value;
	raise_position(&shadow->known_at, at);
	/* Or after it: what else was said between is older. */
	if (at.known && carried->same_to.known && carried->same_to.at > at.at)
	{
		shadow->held = carried->value;
		raise_position(&shadow->known_at, carried->same_to);
	}
	keep_later(shadow, carried, at, known_at);
	return &shadow->writes[shadow->nwrites - 1];
}

/*
 * R3: the record could not be read, and what turns out to be later than the
 * write was judged without its outcome.  Taken for an edit, it is what is held,
 * as of where it was said: who said our value after it is not our echo, and a
 * read will tell.  Taken for what the write found there, it is to be told by a
 * read, as news.
 */
static void
keep_later(ScShadowField *shadow, const ScCallField *carried, ScPosition at, ScPosition known_at)
{
	if (!at.known)
		return;
	if (shadow->changed_at.known && shadow->changed_at.at > at.at)
	{
		shadow->held = carried->before_held;
		shadow->sent = SC_UNKNOWN;
		shadow->known_at = known_at;
	}
	else if (carried->before_known_at.known && carried->before_known_at.at > at.at)
		shadow->known_at = at;
}

void
sc_order_not_landed(ScShadowField *shadow, const ScCallField *carried)
{
	ScPosition to = carried->same_to;

	if (!to.known || (shadow->known_at.known && to.at < shadow->known_at.at))
		return;
	remember_were(shadow, &shadow->held);
	shadow->held = carried->value;
	shadow->sent = SC_UNKNOWN;
	shadow->known_at = to;
	raise_position(&shadow->changed_at, carried->same_from);
}

void
sc_order_unconfirmed(ScShadowField *shadow, const ScCallField *carried, TimestampTz until)
{
	if (shadow->nunconfirmed == SC_SHADOW_UNCONFIRMED_MAX)
		drop_unconfirmed(shadow, 0);

	ScUnconfirmed *grown = palloc0(sizeof(ScUnconfirmed) * (shadow->nunconfirmed + 1));

	if (shadow->nunconfirmed > 0)
		memcpy(grown, shadow->unconfirmed, sizeof(ScUnconfirmed) * shadow->nunconfirmed);
	grown[shadow->nunconfirmed].value = sc_value_remembered(&carried->value);
	grown[shadow->nunconfirmed].canonical = sc_value_remembered(&carried->canonical);
	grown[shadow->nunconfirmed].clock = carried->clock;
	grown[shadow->nunconfirmed].until = until;
	shadow->unconfirmed = grown;
	shadow->nunconfirmed++;
}

void
sc_order_expire(ScShadowField *shadow, TimestampTz now)
{
	for (int i = shadow->nunconfirmed - 1; i >= 0; i--)
		if (shadow->unconfirmed[i].until < now)
			drop_unconfirmed(shadow, i);
}

ScPosition
sc_order_top(const ScLink *link)
{
	ScPosition top = { false, 0 };

	for (int i = 0; i < link->shadow.len; i++)
	{
		raise_position(&top, link->shadow.items[i].known_at);
		raise_position(&top, link->shadow.items[i].changed_at);
	}
	return top;
}

/* Newest first, without repeating its neighbour. */
static void
remember_were(ScShadowField *shadow, const ScValue *value)
{
	if (value->state == SC_VALUE_UNKNOWN)
		return;
	if (shadow->nwere > 0 && sc_value_equal(&shadow->were[0], value))
		return;

	int kept = Min(shadow->nwere, WERE_KEPT - 1);
	ScValue *were = palloc0(sizeof(ScValue) * (kept + 1));

	were[0] = sc_value_digested(value);
	if (kept > 0)
		memcpy(were + 1, shadow->were, sizeof(ScValue) * kept);
	shadow->were = were;
	shadow->nwere = kept + 1;
}

static void
push_write(ScShadowField *shadow, const ScWrite *write)
{
	int drop = shadow->nwrites == SC_SHADOW_WRITES_MAX ? 1 : 0;
	int kept = shadow->nwrites - drop;
	ScWrite *grown = palloc0(sizeof(ScWrite) * (kept + 1));

	if (kept > 0)
		memcpy(grown, shadow->writes + drop, sizeof(ScWrite) * kept);
	grown[kept] = *write;
	shadow->writes = grown;
	shadow->nwrites = kept + 1;
}

static void
drop_unconfirmed(ScShadowField *shadow, int at)
{
	for (int i = at; i < shadow->nunconfirmed - 1; i++)
		shadow->unconfirmed[i] = shadow->unconfirmed[i + 1];
	shadow->nunconfirmed--;
}

static void
raise_position(ScPosition *position, ScPosition to)
{
	if (to.known && (!position->known || position->at < to.at))
		*position = to;
}

/* Our write landed late: it is held now, and what it overwrote may still be heard. */
static void
apply_landed(ScShadowField *shadow, int unconfirmed, const ScStatement *statement,
			 const ScMapped *said)
{
	ScUnconfirmed late = shadow->unconfirmed[unconfirmed];
	ScCallField carried = { .field = shadow->field,
							.value = late.value,
							.canonical = late.canonical,
							.clock = late.clock,
							.before_held = shadow->held,
							.before_known_at = shadow->known_at,
							.before_seen = sc_vclock_copy(&shadow->seen) };

	drop_unconfirmed(shadow, unconfirmed);
	sc_order_landed(shadow, &carried, &said->external, statement->position, statement->received_at);
	shadow->seen = sc_vclock_merge(&shadow->seen, &late.clock);
	shadow->moved = sc_model_is_slot(statement);
}

/* It is what the call found there, if it landed; what is held, if not.  A read will tell. */
static ScClock
apply_overtaken(ScShadowField *shadow, ScCallField *carried, const ScStatement *statement,
				const ScMapped *said)
{
	remember_were(shadow, &carried->before_held);
	shadow->held = said->external;
	shadow->sent = SC_UNKNOWN;
	carried->before_held = sc_value_remembered(&said->external);
	if (statement->position.known)
	{
		shadow->known_at = statement->position;
		shadow->changed_at = statement->position;
		carried->before_known_at = statement->position;
	}
	return sc_vclock_copy(&carried->before_seen);
}

/* R3: when the call has ended, these positions say whether it was said before our write or after it. */
static void
note_same(const ScShadowField *shadow, ScCallField *carried, const ScStatement *statement)
{
	ScPosition p = statement->position;

	if (!p.known || (shadow->changed_at.known && p.at < shadow->changed_at.at))
		return;
	if (!carried->same_from.known || p.at < carried->same_from.at)
		carried->same_from = p;
	if (!carried->same_to.known || p.at >= carried->same_to.at)
		carried->same_event = statement->event;
	raise_position(&carried->same_to, p);
}

static void
apply_echo(ScShadowField *shadow, const ScOrder *order, const ScStatement *statement,
		   const ScMapped *said)
{
	if (order->carried != NULL)
	{
		note_same(shadow, order->carried, statement);
		return;
	}
	if (order->unconfirmed >= 0)
	{
		ScWrite *write = &shadow->writes[order->write];

		write->before_held = sc_value_remembered(&said->external);
		drop_unconfirmed(shadow, order->unconfirmed);
		return;
	}
	if (shadow->nwrites == 0 || sc_order_same(said->map, &said->external, &shadow->held))
		return;
	/* What was said before that says nothing of what is held now. */
	if (statement->position.known && shadow->known_at.known &&
		statement->position.at < shadow->known_at.at)
		return;

	/* Our last write as the product spells it; sent still says what it stands for. */
	const ScWrite *last = &shadow->writes[shadow->nwrites - 1];

	if (sc_value_equal_loosely(&said->external, &last->value) &&
		sc_value_equal_loosely(&said->external, &shadow->held))
		shadow->held = said->external;
}
