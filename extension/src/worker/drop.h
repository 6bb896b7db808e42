/*
 * drop.h
 *	  Keeps DROP EXTENSION from taking a ledger that is not empty.
 */
#ifndef SC_WORKER_DROP_H
#define SC_WORKER_DROP_H

#include "postgres.h"

#include "nodes/nodes.h"

/* To be called before a utility statement runs; raises dependent_objects_still_exist. */
extern void sc_drop_check(Node *statement);

#endif
