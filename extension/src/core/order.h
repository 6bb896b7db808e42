/*
 * order.h
 *	  Is a statement about one field news?  R3 to R6, by the position
 *	  grade of the system that speaks.  Pure; changes the shadow as R5 says.
 */
#ifndef SC_CORE_ORDER_H
#define SC_CORE_ORDER_H

#include "core/model.h"

typedef enum ScVerdict
{
	SC_VERDICT_NOTHING,
	SC_VERDICT_ECHO,
	SC_VERDICT_STALE,
	SC_VERDICT_UNSURE,	   /* owe a read */
	SC_VERDICT_CURRENT,	   /* a change, context = seen */
	SC_VERDICT_RACED,	   /* a change, context = write->before_seen */
	SC_VERDICT_LANDED,	   /* our unconfirmed write landed late */
	SC_VERDICT_READ_AGAIN, /* in the slot, but a statement was processed since the read began */
	SC_VERDICT_WAIT		   /* R3: the whole event waits */
} ScVerdict;

typedef struct ScOrder /* a judgement, with the rule that gave it ("R4e") */
{
	ScVerdict verdict;
	const char *rule;
	int write; /* index into shadow->writes that it was judged against; -1 = none */
	ScCallField *
		carried; /* RACED by a call whose outcome cannot be had, ECHO of one (R3); NULL = of a write */
	int unconfirmed; /* index into shadow->unconfirmed of the call that is now known to have landed; -1 = none */
} ScOrder;

/* R3: must this event wait for the call in flight on its link?  Judges all its fields. */
extern bool sc_order_must_wait(const ScLink *link, const ScStatement *statement);

/* Is there an operation that reads the record? */
extern bool sc_order_can_be_read(const ScLink *link);

/* The highest position heard of the record: the base of what is sent next. */
extern ScPosition sc_order_top(const ScLink *link);

/* The same external value, as far as its map can tell; used wherever a rule says "x = held". */
extern bool sc_order_same(const ScFieldMap *map, const ScValue *a, const ScValue *b);

/* The field of a call that is in flight or whose outcome is unknown; NULL = it does not write that field. */
extern ScCallField *sc_order_in_call(const ScLink *link, const char *field);

/* What a call's marker leaves in the writes it made; never 0 for a marker. */
extern int64 sc_order_marker(const char *marker);

/* Was it what a write of ours found there, and overwrote? */
extern bool sc_order_was_overwritten(const ScShadowField *shadow, const ScMapped *said);

/* Is it what the field held some time ago, by an outside edit or by our own write? */
extern bool sc_order_was_held(const ScShadowField *shadow, const ScMapped *said);

/* R11, after the slot read: an unsure statement with a tied write that it was held before. */
extern bool sc_order_was_raced(const ScShadowField *shadow, const ScOrder *order,
							   const ScMapped *said);

/* R4 for one field.  in_slot: READ or RESPONSE. */
extern ScOrder sc_order_judge(const ScLink *link, ScShadowField *shadow,
							  const ScStatement *statement, const ScMapped *said);

/* R5: what the judgement does to the shadow.  Returns the context of the change (CURRENT, RACED), else an empty clock. */
extern ScClock sc_order_apply(ScShadowField *shadow, const ScOrder *order,
							  const ScStatement *statement, const ScMapped *said);

/* R14/R15: a write of ours landed at position at: push it onto writes, set held and sent.  Its position is an upper bound unless the caller says exact. */
extern ScWrite *sc_order_landed(ScShadowField *shadow, const ScCallField *carried,
								const ScValue *held, ScPosition at, TimestampTz now);

/* R15: a write of ours whose landing was not seen: remembered until it can no longer land. */
extern void sc_order_unconfirmed(ScShadowField *shadow, const ScCallField *carried,
								 TimestampTz until);

/*
 * R3: the write did not land.  What was said beside it with the same value was
 * said by somebody else, and is held.
 */
extern void sc_order_not_landed(ScShadowField *shadow, const ScCallField *carried);

/* Forgets unconfirmed values that can no longer land. */
extern void sc_order_expire(ScShadowField *shadow, TimestampTz now);

#endif
