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

typedef enum ScPlace /* what an entity has in a system: SC_PLACE_FREE nothing, the others a link */
{
	SC_PLACE_FREE,
	SC_PLACE_WANTED, /* a create that no call has been made for: a record that shows up is taken for it */
	SC_PLACE_TAKEN /* a record, or one on its way: another one is another entity's, for the review */
} ScPlace;

/* *there: the link that stands for the entity's record in that system, NULL when the place is free. */
extern ScPlace sc_join_place(const ScEntity *entity, const ScSystem *system, ScLink **there);

typedef enum ScMeeting /* may two links to one system meet in one entity? */
{
	SC_MEETING_ONE,	   /* yes: one of them was only wanted, and gives way */
	SC_MEETING_MAKING, /* not before the call of a create has ended */
	SC_MEETING_BOTH	   /* no: both have a record there */
} ScMeeting;

/* *gives_way: which of the two goes, set by SC_MEETING_ONE; other, if either may. */
extern ScMeeting sc_join_meet(ScLink *link, ScLink *other, ScLink **gives_way);

/* What a link has seen of what was written here is known by this number from now on. */
extern void sc_join_rename_link(ScLink *link, int64 hub);
extern ScClock sc_join_rename(const ScClock *clock, int64 hub);

#endif
