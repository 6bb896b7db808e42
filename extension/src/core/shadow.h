/*
 * shadow.h
 *	  What one system last held of each field, as far as we know.
 *
 * The SQL type syncore.shadow holds one entry per mapped field of a link.
 * Values are in external form.  held and sent values over 1 kB live in
 * link.long and are remembered here by digest.
 */
#ifndef SC_CORE_SHADOW_H
#define SC_CORE_SHADOW_H

#include "core/stamp.h"

#define SC_SHADOW_FIELDS_MAX 10000
#define SC_SHADOW_WRITES_MAX 8
#define SC_SHADOW_WERE_MAX 8
#define SC_SHADOW_UNCONFIRMED_MAX 8
#define SC_SHADOW_REVERSALS_MAX 100 /* entity_type.loop_limit may ask for so many (20_config.sql) */

typedef enum ScGrade /* what a position is worth: exact, exact but for ties, unknown within a second, nothing */
{
	SC_GRADE_COUNTER,
	SC_GRADE_FINE,
	SC_GRADE_COARSE,
	SC_GRADE_NONE
} ScGrade;

typedef struct ScPosition /* a statement's place in its system's own order */
{
	bool known;
	int64 at; /* counter, or microseconds since 2000 (coarse: whole seconds) */
} ScPosition;

#define SC_NO_POSITION ((ScPosition){ false, 0 })

typedef struct ScWrite /* one of our last writes to this field */
{
	ScValue value;		  /* external, as we sent it */
	ScValue canonical;	  /* what it stood for */
	ScPosition at;		  /* position the system gave it */
	bool exact;			  /* false: at is only an upper bound (no body, or found by a read) */
	TimestampTz acked_at; /* our clock; for the breaker's 10 seconds */
	int64 marker;		  /* hash of the call's marker (R4a); 0 = none */
	ScValue before_held;  /* what it overwrote, as of the send */
	ScPosition before_known_at;
	ScClock before_seen;
	int nwere;
	ScValue *were; /* values held before it, newest first; at most SC_SHADOW_WERE_MAX */
} ScWrite;

typedef struct ScUnconfirmed /* a write whose landing was never seen */
{
	ScValue value; /* external */
	ScValue canonical;
	ScClock clock;	   /* field clock as of the send */
	TimestampTz until; /* after this it can no longer land */
} ScUnconfirmed;

typedef struct ScShadowField
{
	char *field;
	ScValue held; /* external; unknown until told */
	ScValue
		sent; /* our external value that held stands for; null state unknown when held came from outside */
	ScPosition known_at;   /* held is known true at this position */
	ScPosition changed_at; /* last outside change that we processed */
	ScPosition
		told_before; /* a statement before this may yet tell who made that change; unknown = it is told */
	ScPosition changed_after; /* what it replaced was held at this position; beside told_before */
	ScClock seen;			  /* what this system had been shown of this field */
	int nwrites;
	ScWrite *writes; /* oldest first; at most SC_SHADOW_WRITES_MAX */
	int nunconfirmed;
	ScUnconfirmed *unconfirmed; /* at most SC_SHADOW_UNCONFIRMED_MAX */
	int nreversals;
	TimestampTz *reversals; /* R20: when a machine restored what we had replaced; oldest first */
	bool stopped;			/* the breaker fired */
	bool unsaid;			/* its map has no word for the canonical value, and that was told */
	int nwere;
	ScValue *were; /* values held before held, newest first; digests; only grades fine and coarse */
	bool moved;	   /* not stored: this batch's slot read found another value */
} ScShadowField;

typedef struct ScShadow
{
	int len;
	ScShadowField *items; /* sorted by field name */
} ScShadow;

extern ScShadowField *sc_shadow_find(ScShadow *shadow, const char *field);
extern ScShadowField *sc_shadow_get(ScShadow *shadow,
									const char *field); /* made when missing: all unknown */

extern bytea *sc_shadow_pack(const ScShadow *shadow);
extern ScShadow sc_shadow_unpack(const bytea *packed);

#endif
