/*
 * compat.h
 *	  The only place that knows of differences between PostgreSQL 15 and 18.
 */
#ifndef SC_COMPAT_H
#define SC_COMPAT_H

#include "postgres.h"
#include "fmgr.h"
#include "access/genam.h"
#include "access/tableam.h"
#include "catalog/pg_database.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "utils/acl.h"
#include "utils/wait_event.h"
#if PG_VERSION_NUM >= 180000
#include "storage/waiteventset.h"
#else
#include "storage/latch.h"
#endif

/* A module's identity: PostgreSQL 18 can show name and version. */
#if PG_VERSION_NUM >= 180000
#define SC_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "syncore", .version = "0.1")
#else
#define SC_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* Wait events with names of their own: PostgreSQL 17. */
static inline uint32
sc_wait_event(const char *name)
{
#if PG_VERSION_NUM >= 170000
	return WaitEventExtensionNew(name);
#else
	(void) name;
	return PG_WAIT_EXTENSION;
#endif
}

/* CreateWaitEventSet takes a resource owner since PostgreSQL 17. */
static inline WaitEventSet *
sc_create_wait_event_set(MemoryContext cxt, int nevents)
{
#if PG_VERSION_NUM >= 170000
	(void) cxt;
	return CreateWaitEventSet(NULL, nevents);
#else
	return CreateWaitEventSet(cxt, nevents);
#endif
}

/* Ownership checks got one name for all kinds of objects in PostgreSQL 16. */
static inline bool
sc_is_database_owner(Oid database, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(DatabaseRelationId, database, role);
#else
	return pg_database_ownercheck(database, role);
#endif
}

/* Index entries of a new row; conflict: NULL, or set when a unique key is taken instead of raising. */
static inline List *
sc_insert_index_tuples(ResultRelInfo *result, TupleTableSlot *row, EState *estate, bool *conflict)
{
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(result, row, estate, false, conflict != NULL, conflict, NIL,
								 false);
#else
	return ExecInsertIndexTuples(result, row, estate, false, conflict != NULL, conflict, NIL);
#endif
}

/* Which indexes a new version of a row needs entries in: false or 0 is none. */
#if PG_VERSION_NUM >= 160000
typedef TU_UpdateIndexes ScUpdateIndexes;
#else
typedef bool ScUpdateIndexes;
#endif

static inline List *
sc_update_index_tuples(ResultRelInfo *result, TupleTableSlot *row, EState *estate,
					   ScUpdateIndexes wanted)
{
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(result, row, estate, true, false, NULL, NIL,
								 wanted == TU_Summarizing);
#else
	(void) wanted;
	return ExecInsertIndexTuples(result, row, estate, true, false, NULL, NIL);
#endif
}

/* Is every unique key of the row free?  Else other is the row that has one. */
static inline bool
sc_check_index_constraints(ResultRelInfo *result, TupleTableSlot *row, EState *estate,
						   ItemPointer other)
{
#if PG_VERSION_NUM >= 180000
	ItemPointerData none;

	ItemPointerSetInvalid(&none);
	return ExecCheckIndexConstraints(result, row, estate, other, &none, NIL);
#else
	return ExecCheckIndexConstraints(result, row, estate, other, NIL);
#endif
}

/* Hands the executor the expressions of a table's CHECK constraints; NULL: it makes them itself. */
static inline void
sc_set_checks(ResultRelInfo *result, ExprState **checks)
{
#if PG_VERSION_NUM >= 180000
	result->ri_CheckConstraintExprs = checks;
#else
	result->ri_ConstraintExprs = checks;
#endif
}

static inline IndexScanDesc
sc_index_beginscan(Relation table, Relation index, Snapshot snapshot, int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(table, index, snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(table, index, snapshot, nkeys, 0);
#endif
}

static inline void
sc_eval_plan_qual_init(EPQState *epq, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	EvalPlanQualInit(epq, estate, NULL, NIL, -1, NIL);
#else
	EvalPlanQualInit(epq, estate, NULL, NIL, -1);
#endif
}

/* Workers may run as a NOLOGIN role since PostgreSQL 17. */
#if PG_VERSION_NUM >= 170000
#define SC_WORKER_CONNECT_FLAGS BGWORKER_BYPASS_ROLELOGINCHECK
#else
#define SC_WORKER_CONNECT_FLAGS 0
#endif

#endif
