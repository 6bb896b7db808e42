/*
 * follow.h
 *	  Objects that records name: looked up among those fetched, wanted where
 *	  they are not.
 */
#ifndef SC_ENGINE_FOLLOW_H
#define SC_ENGINE_FOLLOW_H

#include "core/model.h"

/* ScMapHooks.follow */
extern ScFollowed sc_follow_find(const ScSystem *system, const ScFieldMap *map, const char *id,
								 Jsonb **object);

/* The link waits for every object that a statement about its record wants; stored with the batch. */
extern void sc_follow_want(ScBatch *batch, ScLink *link, const ScStatement *statement);

#endif
