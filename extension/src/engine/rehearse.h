/*
 * rehearse.h
 *	  What would come of it: load and decide under the configuration that the
 *	  caller's transaction sees, committed or not, and store nothing.  No row is
 *	  locked, no sequence is moved, nothing is written.
 *
 * Callers have checked who asks: the rows are read with the owner's rights.
 */
#ifndef SC_ENGINE_REHEARSE_H
#define SC_ENGINE_REHEARSE_H

#include "engine/run.h"
#include "nodes/execnodes.h"

typedef struct ScDifference /* one row of test_run and what_if */
{
	const char *ref;
	const char *system; /* NULL = none */
	const char *field;	/* NULL = the record as a whole */
	Jsonb *was;			/* NULL = nothing */
	Jsonb *would_be;
	const char *rule;
	const char *because;
} ScDifference;

extern void sc_rehearse_put(ReturnSetInfo *result, const ScDifference *difference);

/* How people name the entity; one that is not stored by the first of its records that has a name. */
extern const char *sc_rehearse_ref(const ScEntity *entity);

/* A value in the form of a system, as it may be shown: what is sensitive is not. */
extern Jsonb *sc_rehearse_external(const ScField *field, const ScValue *value);

/* The weightiest thing that a batch says about a field of an entity since a row of its ledger; NULL = nothing. */
extern const ScLedgerEntry *sc_rehearse_ruling(const ScBatch *batch, const ScEntity *entity,
											   const char *field, int since);

#endif
