/*
 * walk.h
 *	  From one state to another along declared transitions (on_illegal walk).
 */
#ifndef SC_CORE_WALK_H
#define SC_CORE_WALK_H

#include "core/merge.h"

/* The shortest way of declared steps: the states after from, the last is to.  Returns how many; 0 = there is none. */
extern int sc_walk_path(const ScEntityType *type, const ScValue *from, const ScValue *to,
						char ***path);

/* The states on the way, but the last, as a person reads them: "in_progress, resolved"; NULL = there is no way. */
extern char *sc_walk_say(const ScEntityType *type, const ScValue *from, const ScValue *to);

/* A value that is due in one step becomes the first step of the way, where the type wants that. */
extern void sc_walk_step(const ScBatch *batch, const ScLink *link, ScCallField *due);

#endif
