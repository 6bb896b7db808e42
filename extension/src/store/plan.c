/*
 * plan.c
 *	  Statements prepared once per process, kept by name, and forgotten when
 *	  the extension is another one (its types then have other oids).  The plan
 *	  cache of the server sees to everything else that can change below a plan.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"

#include "store/catalog.h"
#include "store/plan.h"

#define PLAN_NAME_MAX 48
#define ROWS_ESTIMATE 10 /* small on purpose: the plan must be the one by index */

typedef struct KeptPlan
{
	char name[PLAN_NAME_MAX];
	SPIPlanPtr plan;
} KeptPlan;

static HTAB *plans = NULL;
static uint32 plans_generation = 0;

static void forget_old_plans(uint32 generation);
static SPIPlanPtr prepare(const char *name, const char *sql, int nargs, const Oid *types);

SPIPlanPtr
sc_plan_get(const char *name, const char *sql, int nargs, const Oid *types)
{
	const ScCatalog *catalog = sc_catalog_get();

	if (plans == NULL || plans_generation != catalog->generation)
		forget_old_plans(catalog->generation);

	KeptPlan *kept = hash_search(plans, name, HASH_FIND, NULL);

	if (kept != NULL)
		return kept->plan;

	SPIPlanPtr plan = prepare(name, sql, nargs, types);

	kept = hash_search(plans, name, HASH_ENTER, NULL);
	kept->plan = plan;
	return plan;
}

int
sc_plan_run(const ScPlan *plan, Datum *values, const char *nulls)
{
	MemoryContext cxt = CurrentMemoryContext;
	SPIPlanPtr prepared = sc_plan_get(plan->name, plan->sql, plan->nargs, plan->types);
	int result = SPI_execute_plan(prepared, values, nulls, false, 0);

	/* SPI leaves its own context current. */
	MemoryContextSwitchTo(cxt);
	if (result < 0)
		elog(ERROR, "statement \"%s\" failed: %s", plan->name, SPI_result_code_string(result));
	return result;
}

ScRows *
sc_rows_begin(const char *name, int ncolumns, const ScColumn *columns)
{
	ScRows *rows = palloc0(sizeof(ScRows));

	Assert(ncolumns <= SC_ROWS_COLUMNS_MAX);
	rows->name = name;
	rows->desc = CreateTemplateTupleDesc(ncolumns);
	for (int i = 0; i < ncolumns; i++)
		TupleDescInitEntry(rows->desc, (AttrNumber) (i + 1), columns[i].name, columns[i].type, -1,
						   0);
	rows->store = tuplestore_begin_heap(false, false, work_mem);
	return rows;
}

void
sc_rows_put(ScRows *rows, Datum *values, bool *nulls)
{
	tuplestore_putvalues(rows->store, rows->desc, values, nulls);
	rows->count++;
}

int
sc_rows_run(ScRows *rows, const char *name, const char *sql)
{
	MemoryContext cxt = CurrentMemoryContext;
	EphemeralNamedRelation enr = palloc0(sizeof(EphemeralNamedRelationData));

	enr->md.name = pstrdup(rows->name);
	enr->md.reliddesc = InvalidOid;
	enr->md.tupdesc = rows->desc;
	enr->md.enrtype = ENR_NAMED_TUPLESTORE;
	enr->md.enrtuples = ROWS_ESTIMATE;
	enr->reldata = rows->store;

	/* A statement that failed in a sub-transaction may have left its rows behind. */
	SPI_unregister_relation(rows->name);
	if (SPI_register_relation(enr) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not hand rows \"%s\" to SPI", rows->name);

	int result = sc_plan_run(&(ScPlan){ name, sql, 0, NULL }, NULL, NULL);

	SPI_unregister_relation(rows->name);
	tuplestore_end(rows->store);
	rows->store = NULL;
	MemoryContextSwitchTo(cxt);
	return result;
}

/* Makes the table of plans, empty; plans of another extension are freed. */
static void
forget_old_plans(uint32 generation)
{
	if (plans != NULL)
	{
		HASH_SEQ_STATUS status;
		KeptPlan *kept;

		hash_seq_init(&status, plans);
		while ((kept = hash_seq_search(&status)) != NULL)
			SPI_freeplan(kept->plan);
		hash_destroy(plans);
		plans = NULL;
	}

	HASHCTL control = { .keysize = PLAN_NAME_MAX,
						.entrysize = sizeof(KeptPlan),
						.hcxt = CacheMemoryContext };

	plans = hash_create("syncore plans", 64, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	plans_generation = generation;
}

static SPIPlanPtr
prepare(const char *name, const char *sql, int nargs, const Oid *types)
{
	SPIPlanPtr plan =
		SPI_prepare_cursor(sql, nargs, unconstify(Oid *, types), CURSOR_OPT_GENERIC_PLAN);

	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", name, SPI_result_code_string(SPI_result));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep plan \"%s\"", name);
	return plan;
}
