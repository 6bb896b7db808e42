/*
 * claim_private.h
 *	  What the two halves of a claim share: claim.c reads and marks deliveries,
 *	  claim_plan.c says what a link's next call is.
 */
#ifndef SC_ENGINE_CLAIM_PRIVATE_H
#define SC_ENGINE_CLAIM_PRIVATE_H

#include "engine/engine.h"

typedef struct ScClaimed /* one delivery under its row lock */
{
	int64 delivery;
	int64 link_id;
	int32 gen;
	int32 attempts;
	char *hash;			  /* 'sha256:…' of what its last write said; NULL = none */
	char *marker;		  /* the idempotency key of that write */
	char *correlation_id; /* of the last edit that it carries */

	ScLink *link; /* NULL: the link is gone */
	/* set by sc_claim_plan */
	ScCallPlan *plan; /* NULL: nothing to send */
	bool writes;	  /* hash and marker are new ones of a write */
	bool drop_link;	  /* a create that is not wanted after all */
	char *unfit;	  /* why what is due cannot be written; the delivery is dead */
} ScClaimed;

/* The numbers of the shards that are set, as smallint[]. */
extern Datum sc_claim_shards(const bool *shards);

/* What this link's next call is: sets plan and the intent in link->call, or one of the other members. */
extern void sc_claim_plan(ScBatch *batch, ScClaimed *claimed, MemoryContext plan_parent);

#endif
