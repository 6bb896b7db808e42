/*
 * ingest.h
 *	  Between ingest and the triggers of the INSERT that it makes.
 */
#ifndef SC_ENGINE_INGEST_H
#define SC_ENGINE_INGEST_H

#include "engine/run.h"

/* The BEFORE trigger says which number the next body of this INSERT has got. */
extern void sc_ingest_took(int64 event);

/* The AFTER trigger says what became of its rows; before: how many of the statement it spoke of already. */
extern void sc_ingest_settled(List *items, int before);

#endif
