/*
 * plan.h
 *	  Statements prepared once per process, and sets of rows handed to them.
 *
 * A set of rows travels into SQL as a named tuplestore, the way transition
 * tables do: the statement reads it like a table.  No arrays are built, no
 * values are spelt as text, and a statement over a set has no parameters, so
 * that its plan is made once.
 */
#ifndef SC_STORE_PLAN_H
#define SC_STORE_PLAN_H

#include "executor/spi.h"
#include "utils/tuplestore.h"

#define SC_ROWS_COLUMNS_MAX 32

typedef struct ScColumn
{
	const char *name;
	Oid type;
} ScColumn;

typedef struct ScRows /* rows for one statement; lives in the context it was begun in */
{
	const char *name; /* the statement's name for them */
	TupleDesc desc;
	Tuplestorestate *store;
	int count;
} ScRows;

typedef struct ScPlan /* a statement to run */
{
	const char *name; /* a literal: the key of the prepared plan */
	const char *sql;  /* a literal */
	int nargs;
	const Oid *types; /* nargs of them; may be NULL without parameters */
} ScPlan;

/* Runs a statement with parameters; raises unless it returns what SPI expects.  nulls as in SPI_execute_plan. */
extern int sc_plan_run(const ScPlan *plan, Datum *values, const char *nulls);

extern ScRows *sc_rows_begin(const char *name, int ncolumns, const ScColumn *columns);
extern void sc_rows_put(ScRows *rows, Datum *values, bool *nulls);

/* Runs a statement that reads the rows by their name; ends the rows.  Results are in SPI_tuptable. */
extern int sc_rows_run(ScRows *rows, const char *name, const char *sql);

#endif
