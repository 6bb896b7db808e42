/*
 * leave.h
 *	  An entity no longer is what its route takes (route.on_leave), or is again.
 */
#ifndef SC_CORE_LEAVE_H
#define SC_CORE_LEAVE_H

#include "core/merge.h"

/* What is written to a record whose entity has left the route: its closing, where the route says so.  A list of ScCallField *. */
extern List *sc_leave_due(const ScBatch *batch, ScLink *link);

/* The link has just left: told, unless nothing follows. */
extern void sc_leave_tell(ScBatch *batch, ScLink *link);

/* unlink: ties a record no longer, once no call of it is in flight. */
extern void sc_leave_settle(ScBatch *batch, ScLink *link);

/* The link that an entity had in that system when it left; NULL = none. */
extern ScLink *sc_leave_find(const ScEntity *entity, const ScSystem *system);

/* It is tied again, and read: nobody has listened to it meanwhile. */
extern void sc_leave_return(ScBatch *batch, ScLink *link);

#endif
