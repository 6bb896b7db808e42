/*
 * ledger.h
 *	  Appends what a batch has to tell to the ledger, chained entity by entity.
 */
#ifndef SC_STORE_LEDGER_H
#define SC_STORE_LEDGER_H

#include "core/model.h"

/*
 * Gives every entry its place and hash and moves the chain's end in its entity
 * (ledger_seq, ledger_head), which the caller stores; entities are locked.
 * Conflicts must have their numbers by now.
 */
typedef struct ScLedgerTail /* numbers that exist only once rows are stored */
{
	int64 conflict; /* 0 = none */
} ScLedgerTail;

/* tails: one an entry, or NULL.  Adds entities whose chain grew to *grown (List of ScEntity *; one may be there twice). */
extern void sc_ledger_write(ScBatch *batch, const ScLedgerTail *tails, List **grown);

#endif
