/*
 * reopen.h
 *	  Something that is closed is opened again (entity_type.on_reopen).
 */
#ifndef SC_CORE_REOPEN_H
#define SC_CORE_REOPEN_H

#include "core/merge.h"

/* A step from a closed state back to one that is not done. */
extern bool sc_reopen_is(const ScEntityType *type, const ScField *field, const ScValue *old,
						 const ScValue *new);

/* Would sc_reopen_take take the link while a call of it is in flight?  Then the statement waits for the outcome. */
extern bool sc_reopen_waits(ScBatch *batch, ScLink *link, const ScStatement *statement);

/* link_new: the link goes on with a new entity if the statement reopens the one it has. */
extern bool sc_reopen_take(ScBatch *batch, ScLink *link, const ScStatement *statement);

/* review: does that value reopen the entity, so that a person is to be asked? */
extern bool sc_reopen_asks(const ScBatch *batch, const ScEntity *entity, const ScField *field,
						   const ScValue *new);

/* review: what is closed becomes the hub's word, so that a reopening does not simply follow it. */
extern void sc_reopen_guard(ScBatch *batch, ScEntity *entity, const ScField *field);

/* review: do the versions of a field hold a reopening that nobody has decided? */
extern bool sc_reopen_holds(const ScEntityType *type, const ScField *field, const ScStamp *stamp);

/* An alert that a closing and a reopening, neither of which had seen the other, have met. */
extern void sc_reopen_tell_race(ScBatch *batch, const ScLedgerEntry *entry, const ScMerge *merge,
								const ScVersion *incoming);

#endif
