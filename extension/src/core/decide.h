/*
 * decide.h
 *	  One statement, or one outcome of a call, against one entity and its
 *	  links, by the rules that README.md tells.  Pure: no SPI, clock, randomness
 *	  or I/O.  Everything it has to say is in the batch afterwards.
 *
 * The caller has found the link (or made a fresh one) and the entity (or made
 * a fresh one), and holds their row locks.
 */
#ifndef SC_CORE_DECIDE_H
#define SC_CORE_DECIDE_H

#include "core/merge.h"
#include "core/order.h"

typedef enum ScDecided
{
	SC_DECIDED,			  /* done */
	SC_DECIDED_WAITS,	  /* R3: call again after the outcome; link->waiting has it */
	SC_DECIDED_QUARANTINE /* nothing was changed; *failure names the mapped field that failed */
} ScDecided;

/*
 * A statement about link's record.  Afterwards the caller feeds the events of
 * link->replay, if any, as after an outcome: the statement proved it (R15).
 */
extern ScDecided sc_decide_statement(ScBatch *batch, ScLink *link, const ScStatement *statement,
									 const ScMapped **failure);

typedef enum ScOutcomeKind
{
	SC_OUTCOME_OK,		 /* acknowledged */
	SC_OUTCOME_UNKNOWN,	 /* timeout, cut reply, crash */
	SC_OUTCOME_REFUSED,	 /* 409, 412: read, judge, recompute due */
	SC_OUTCOME_FAILED,	 /* did not happen: will be tried again, or is dead */
	SC_OUTCOME_GONE,	 /* 404, 410 on the record, confirmed by a second look */
	SC_OUTCOME_NOT_FOUND /* a look-up by marker found nothing */
} ScOutcomeKind;

typedef struct ScOutcome
{
	ScOutcomeKind kind;
	int64 delivery;
	char *external_id; /* create, look-up: the record's id */
	char *external_key;
	char *url;
	char *comment_id;	 /* comment: its id there */
	bool comment_gone;	 /* edit or delete of a comment: the record is there, the comment is not */
	ScPosition position; /* from the response; unknown = none given */
	ScStatement
		*body; /* what the response says the record holds; NULL = no body.  kind RESPONSE or READ */
	char *error_code;
	char *error;
	bool last; /* given up: it is not tried again by itself */
} ScOutcome;

/* A source time further ahead than this is a clock that is wrong: it is cut, lest it win for ever. */
#define SC_DECIDE_FUTURE_US (5 * USECS_PER_SEC)

/* How long a created record may stay unseen before it is created again: this, and what the connector adds. */
#define SC_DECIDE_PATIENCE_US (30 * USECS_PER_SEC)

/*
 * R10, R13-R17: what an outcome does to the link.  link->call is the intent it
 * belongs to; it is cleared unless its outcome is (still) unknown.  Afterwards
 * the caller feeds the events of link->replay to sc_decide_statement (R19),
 * then sc_decide_fan_out.  Writes the ledger rows confirm, unknown, fail,
 * landed, repeated; send, dead and retry are the caller's.
 */
extern void sc_decide_outcome(ScBatch *batch, ScLink *link, const ScOutcome *outcome);

/* R3: how long after its send the outcome of a write is waited for where the record cannot be read. */
extern int64 sc_decide_patience(const ScSystem *system);

typedef struct ScHubWord /* what the hub itself says of a field */
{
	const char *field;
	ScValue value;		/* canonical */
	const char *actor;	/* NULL = a rule, not a person */
	const char *reason; /* NULL = none */
} ScHubWord;

/* The hub's own version of a field (resolve, SQL): link 0, context the whole clock. */
extern void sc_decide_hub(ScBatch *batch, ScEntity *entity, const ScHubWord *word);

/* The alert that a field of a record says a word that no row of its map knows, and what became of it. */
extern void sc_decide_tell_unmapped(ScBatch *batch, const ScSystem *system, const ScMapped *said);

/*
 * After all statements of an entity: R10 (seen, retire), routes (fresh links
 * in state creating where a route takes the entity), and due links (R9).
 */
extern void sc_decide_fan_out(ScBatch *batch, ScEntity *entity);

/* The channel of that record that takes copies of such comments, or NULL. */
extern const char *sc_decide_comment_channel(const ScLink *link, ScVisibility visibility);

#endif
