/*
 * table.h
 *	  Rows of our own tables read, locked and written by hand: what every event
 *	  touches, where a prepared statement costs more than its work (store/README.md).
 *
 * Done as the server does it when it applies changes of a subscription:
 * constraints are checked, indexes kept, row triggers and with them foreign
 * keys fire; triggers of a statement do not.
 */
#ifndef SC_STORE_TABLE_H
#define SC_STORE_TABLE_H

#include "access/genam.h"
#include "access/skey.h"
#include "access/tableam.h"
#include "nodes/execnodes.h"
#include "utils/jsonb.h"

#define SC_TABLE_COLUMNS_MAX 32
#define SC_FINDER_KEYS_MAX 3

typedef struct ScTable /* a table while we work on it; lives in the context it was opened in */
{
	Relation rel;
	int ncolumns;
	AttrNumber
		columns[SC_TABLE_COLUMNS_MAX]; /* where the named columns are, in the order of the names */
	TupleTableSlot *found;			   /* the row that was found or locked last */
	EState *estate;					   /* NULL until something is written */
	ResultRelInfo *result;
	bool has_indexes;		 /* they are open */
	TupleDesc desc;			 /* of rows to be written: a copy, as each slot would pin the table's */
	TupleTableSlot *changed; /* the row of sc_table_change */
} ScTable;

typedef struct ScFinder /* rows by the first columns of an index */
{
	ScTable *table;
	Relation index;
	IndexScanDesc scan;
	int nkeys;
	ScanKeyData keys[SC_FINDER_KEYS_MAX];
} ScFinder;

/*
 * Opens a table for reading and writing, and pushes a snapshot that sees all
 * that this transaction did.  names: the columns that will be spoken of by
 * their place in it; at most SC_TABLE_COLUMNS_MAX.  Raises undefined_column.
 */
extern ScTable *sc_table_open(Oid relation, int ncolumns, const char *const *names);

/* The same for reading only: no lock but against those who change the table's shape. */
extern ScTable *sc_table_peek(Oid relation, int ncolumns, const char *const *names);

/* Fires what is due after the writes, makes them visible to what comes next, keeps the lock. */
extern void sc_table_close(ScTable *table);

/* Column number column (of the names) of the row found last. */
extern Datum sc_table_value(ScTable *table, int column, bool *is_null);
extern char *sc_table_text(ScTable *table, int column); /* NULL = null */

/*
 * Locks a row against all but readers and takes its newest version into
 * table->found.  False when it is gone.  Who looks rows up by a column that can
 * change must look again.  Raises serialization_failure where the isolation
 * level says so.
 */
extern bool sc_table_lock(ScTable *table, const ItemPointerData *tid);

/* The row found last, with its place, in the current context. */
extern HeapTuple sc_table_copy(ScTable *table);

/* A slot for one row to be inserted: all columns null. */
extern TupleTableSlot *sc_table_row(ScTable *table);
extern void sc_table_set(const ScTable *table, TupleTableSlot *row, int column, Datum value);
extern void sc_table_set_null(const ScTable *table, TupleTableSlot *row, int column);
extern void sc_table_set_text(const ScTable *table, TupleTableSlot *row, int column,
							  const char *text); /* NULL: null */
extern void sc_table_set_jsonb(const ScTable *table, TupleTableSlot *row, int column,
							   Jsonb *json); /* NULL: null */
extern void sc_table_set_id(const ScTable *table, TupleTableSlot *row, int column,
							int64 id); /* 0: null */

/* Inserts rows made by sc_table_row.  Raises what an INSERT would. */
extern void sc_table_insert(ScTable *table, TupleTableSlot **rows, int n);

/*
 * Inserts a row, unless one with the same key of a unique index is there or is
 * being made by a transaction that commits: INSERT … ON CONFLICT DO NOTHING.
 * The table must have been made ready by sc_table_arbitrate.
 */
extern void sc_table_arbitrate(ScTable *table);
extern bool sc_table_claim(ScTable *table, TupleTableSlot *row);

/* The row for sc_table_update, holding what the old one does; good until the next call. */
extern TupleTableSlot *sc_table_change(ScTable *table, HeapTuple old);

/*
 * Writes the new version of a row.  Waits for who has it locked; raises
 * serialization_failure when old is no longer its newest version.
 */
extern void sc_table_update(ScTable *table, HeapTuple old, TupleTableSlot *row);

/* The partition of a table by range of one timestamptz that a time belongs to, locked for writing. */
extern Oid sc_table_partition(Oid parent, TimestampTz at);

/* equals: the function of each key's equality (F_INT8EQ, …), nkeys of them. */
extern void sc_finder_begin(ScFinder *finder, ScTable *table, const char *index, int nkeys,
							const RegProcedure *equals);
extern void sc_finder_seek(ScFinder *finder, const Datum *keys);
extern bool sc_finder_next(ScFinder *finder); /* into table->found */
extern void sc_finder_end(ScFinder *finder);

#endif
