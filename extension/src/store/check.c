/*
 * check.c
 *	  See check.h.  The executor reads a constraint's stored tree, plans and
 *	  compiles it for every statement, which for one row costs more than the
 *	  row.  A relcache invalidation makes what is kept outdated.
 */
#include "postgres.h"

#include "access/tupdesc.h"
#include "executor/executor.h"
#include "nodes/readfuncs.h"
#include "optimizer/optimizer.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "store/check.h"

#define TABLES_MAX 8 /* more than we write by hand */

typedef struct Kept
{
	Oid table; /* InvalidOid: free, or outdated */
	MemoryContext cxt;
	ExprState **states;
} Kept;

static Kept kept[TABLES_MAX];
static bool callback_registered = false;
static uint64 invalidations = 0; /* of any table, so far */

static Kept *find_kept(Oid table);
static void make_ready(Kept *entry, const TupleConstr *constraints);
static void on_invalidation(Datum arg, Oid relation);

ExprState **
sc_check_of(Relation table)
{
	const TupleConstr *constraints = RelationGetDescr(table)->constr;
	Kept *entry;

	if (constraints == NULL || constraints->num_check == 0)
		return NULL;
	if (!callback_registered)
	{
		CacheRegisterRelcacheCallback(on_invalidation, (Datum) 0);
		callback_registered = true;
	}
	entry = find_kept(RelationGetRelid(table));
	if (entry->table == InvalidOid)
	{
		uint64 before = invalidations;

		make_ready(entry, constraints);
		if (before == invalidations)
			entry->table = RelationGetRelid(table);
	}
	return entry->states;
}

/* Its entry, else a free one: there are fewer tables than entries, but outdated ones may be of dropped tables. */
static Kept *
find_kept(Oid table)
{
	Kept *unused = NULL;

	for (int i = 0; i < TABLES_MAX; i++)
	{
		if (kept[i].table == table)
			return &kept[i];
		if (kept[i].table == InvalidOid)
			unused = &kept[i];
	}
	if (unused == NULL)
		elog(ERROR, "more than %d tables with checks are written by hand", TABLES_MAX);
	return unused;
}

static void
make_ready(Kept *entry, const TupleConstr *constraints)
{
	MemoryContext old;

	if (entry->cxt != NULL)
		MemoryContextReset(entry->cxt);
	else
		entry->cxt =
			AllocSetContextCreate(CacheMemoryContext, "syncore checks", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(entry->cxt);
	entry->states = palloc(sizeof(ExprState *) * constraints->num_check);
	for (int i = 0; i < constraints->num_check; i++)
	{
		Expr *expression = stringToNode(constraints->check[i].ccbin);

		entry->states[i] = ExecInitExpr(expression_planner(expression), NULL);
	}
	MemoryContextSwitchTo(old);
}

static void
on_invalidation(Datum arg, Oid relation)
{
	(void) arg;
	invalidations++;
	for (int i = 0; i < TABLES_MAX; i++)
		if (relation == InvalidOid || kept[i].table == relation)
			kept[i].table = InvalidOid;
}
