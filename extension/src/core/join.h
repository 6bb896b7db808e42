/*
 * join.h
 *	  Two entities become one (R23).
 */
#ifndef SC_CORE_JOIN_H
#define SC_CORE_JOIN_H

#include "core/model.h"

typedef struct ScJoin
{
	ScEntity *keep;
	ScEntity *drop;
	int64
		hub; /* number that no link has: what was written here of drop is known by it from now on */
	const char *actor;	/* who decided it */
	const char *reason; /* a sentence without full stop; NULL = none given */
} ScJoin;

/*
 * R23: union of versions and clocks per field; the links of drop, with all that
 * they have seen and the calls under way, are keep's afterwards.  The caller has
 * made sure that no system has a record of both, and calls sc_decide_fan_out
 * for keep.  drop is left as it was, but for the names of its dots.
 */
extern void sc_join_entities(ScBatch *batch, const ScJoin *join);

/* What a link has seen of what was written here is known by this number from now on. */
extern void sc_join_rename_link(ScLink *link, int64 hub);
extern ScClock sc_join_rename(const ScClock *clock, int64 hub);

#endif
