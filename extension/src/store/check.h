/*
 * check.h
 *	  CHECK constraints of our tables, made ready once a process.
 */
#ifndef SC_STORE_CHECK_H
#define SC_STORE_CHECK_H

#include "nodes/execnodes.h"
#include "utils/relcache.h"

/*
 * The expressions of a table's CHECK constraints, in the order of its relation
 * descriptor; NULL when it has none.  Good until the table is changed and this
 * is called again.
 */
extern ExprState **sc_check_of(Relation table);

#endif
