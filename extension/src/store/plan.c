/*
 * plan.c
 *	  Statements prepared once per process, kept by name, and forgotten when
 *	  the extension is another one (its types then have other oids).  The plan
 *	  cache of the server sees to everything else that can change below a plan.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/guc.h"
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
	bool planned; /* ran before: the plan is made */
} KeptPlan;

static HTAB *plans = NULL;
static uint32 plans_generation = 0;

static void forget_old_plans(uint32 generation);
static EphemeralNamedRelation register_rows(const ScRows *rows);
static KeptPlan *keep_plan(const ScPlan *plan);
static SPIPlanPtr prepare(const ScPlan *plan);
static int plan_by_index(void);

int
sc_plan_run(const ScPlan *plan, Datum *values, const char *nulls)
{
	MemoryContext cxt = CurrentMemoryContext;
	KeptPlan *kept = keep_plan(plan);
	bool is_made = kept->planned && SPI_plan_is_valid(kept->plan);
	int nest = is_made ? 0 : plan_by_index();
	int result = SPI_execute_plan(kept->plan, values, nulls, false, 0);

	if (!is_made)
		AtEOXact_GUC(true, nest);
	kept->planned = true;
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
	EphemeralNamedRelation enr = register_rows(rows);
	int result = sc_plan_run(&(ScPlan){ name, sql, 0, NULL }, NULL, NULL);

	SPI_unregister_relation(rows->name);
	pfree(enr->md.name);
	pfree(enr);
	tuplestore_end(rows->store);
	rows->store = NULL;
	MemoryContextSwitchTo(cxt);
	return result;
}

/*
 * What SPI keeps of the rows must live as long as the connection to it: a
 * statement that fails in a sub-transaction leaves them registered, and the
 * next look-up of any name walks over all that are.  SPI_palloc takes memory
 * from where the connection was made.
 */
static EphemeralNamedRelation
register_rows(const ScRows *rows)
{
	EphemeralNamedRelation enr = SPI_palloc(sizeof(EphemeralNamedRelationData));
	MemoryContext cxt = MemoryContextSwitchTo(GetMemoryChunkContext(enr));

	memset(enr, 0, sizeof(EphemeralNamedRelationData));
	enr->md.name = pstrdup(rows->name);
	enr->md.reliddesc = InvalidOid;
	enr->md.tupdesc = rows->desc;
	enr->md.enrtype = ENR_NAMED_TUPLESTORE;
	enr->md.enrtuples = ROWS_ESTIMATE;
	enr->reldata = rows->store;
	SPI_unregister_relation(rows->name);
	if (SPI_register_relation(enr) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not hand rows \"%s\" to SPI", rows->name);
	MemoryContextSwitchTo(cxt);
	return enr;
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

static KeptPlan *
keep_plan(const ScPlan *plan)
{
	const ScCatalog *catalog = sc_catalog_get();
	KeptPlan *kept;

	if (plans == NULL || plans_generation != catalog->generation)
		forget_old_plans(catalog->generation);
	kept = hash_search(plans, plan->name, HASH_FIND, NULL);
	if (kept != NULL)
		return kept;
	SPIPlanPtr prepared = prepare(plan);

	kept = hash_search(plans, plan->name, HASH_ENTER, NULL);
	kept->plan = prepared;
	kept->planned = false;
	return kept;
}

static SPIPlanPtr
prepare(const ScPlan *plan)
{
	SPIPlanPtr prepared = SPI_prepare_cursor(plan->sql, plan->nargs, unconstify(Oid *, plan->types),
											 CURSOR_OPT_GENERIC_PLAN);

	if (prepared == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", plan->name, SPI_result_code_string(SPI_result));
	if (SPI_keepplan(prepared) != 0)
		elog(ERROR, "could not keep plan \"%s\"", plan->name);
	return prepared;
}

/*
 * Tables grow faster than statistics do: the plans that are kept must be those
 * by index.  A method that is off costs so much that every plan which cannot do
 * without it would be compiled: hence jit.  Returns the level to go back to.
 */
static int
plan_by_index(void)
{
	static const char *const off[] = { "enable_seqscan", "enable_hashjoin", "enable_mergejoin",
									   "jit" };
	int nest = NewGUCNestLevel();

	for (int i = 0; i < lengthof(off); i++)
		(void) set_config_option(off[i], "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
								 0, false);
	return nest;
}
