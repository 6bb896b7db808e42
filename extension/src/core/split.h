/*
 * split.h
 *	  A record that was tied to an entity by mistake goes on as one of its own:
 *	  the way back from a join (R23).
 */
#ifndef SC_CORE_SPLIT_H
#define SC_CORE_SPLIT_H

#include "core/model.h"

typedef struct ScSplit
{
	ScLink *link;	/* of an entity that has other records, too; no write to it is under way */
	ScEntity *into; /* fresh, without values and links */
	int64
		hub; /* number that no link has: what was written here before is known to the link by it */
	const char *actor;	/* who decided it */
	const char *reason; /* a sentence without full stop; NULL = none given */
} ScSplit;

/*
 * The link is into's afterwards, with all that it has seen.  A field of into is
 * what the record itself said last, where that is remembered, else what the
 * record shows; what it has no form for stays behind.  The entity that it left
 * keeps its values, but for those that only the record stood for while another
 * version is remembered.  The caller calls sc_decide_fan_out for both.
 */
extern void sc_split_link(ScBatch *batch, const ScSplit *split);

#endif
