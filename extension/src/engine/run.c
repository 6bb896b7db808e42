/*
 * run.c
 *	  The one path of every event and every outcome: whose record is it, is it
 *	  new, lock, load, decide, store.
 *
 * Before any row is locked the whole set is looked up, told apart by event id,
 * and the locks are taken under which unknown records are made.  Then it is
 * worked through in pieces in the order of entities, so that two statements
 * meet in the same order whatever they hold.
 *
 * A piece runs in a sub-transaction.  When it fails for an error that a row can
 * be blamed for it is split in halves until the row is alone: that one goes to
 * quarantine.  Every other error ends the statement.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "engine/hooks.h"
#include "engine/run.h"
#include "store/config.h"
#include "store/ledger.h"
#include "store/plan.h"

#define PIECE_BYTES ((Size) 32 * 1024) /* of memory that deciding an event may well take */
#define RETRIES_MAX 3 /* of a piece that met a record made by another session meanwhile */

static void run_all(ScRun *run, List *items);
static void take_items(ScRun *run, List *items);
static void run_in_pieces(ScRun *run);
static void run_piece(ScRun *run, ScWork **works, int n, int attempt);
static void try_piece(ScRun *run, ScWork **works, int n);
static void after_error(ScRun *run, ScWork **works, int n, int attempt, ErrorData *error);
static void quarantine_error(ScRun *run, ScWork *work, const ErrorData *error);
static int order_works(const void *a, const void *b);
static void save_outside(ScRun *run);

void
sc_run(List *items)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext cxt = AllocSetContextCreate(caller, "syncore run", ALLOCSET_DEFAULT_SIZES);
	ScRun run = { .result_cxt = caller };

	if (items == NIL)
		return;
	run.conf = sc_config_get();
	run.now = GetCurrentTransactionStartTimestamp();
	sc_config_pin(run.conf);
	MemoryContextSwitchTo(cxt);
	PG_TRY();
	{
		run_all(&run, items);
	}
	PG_FINALLY();
	{
		sc_config_unpin(run.conf);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(cxt);
	if (run.queued)
		sc_wake_at_commit();
}

bool
sc_run_is_data_error(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case MAKE_SQLSTATE('2', '2', '0', '0', '0'): /* data exception */
		case MAKE_SQLSTATE('2', '3', '0', '0', '0'): /* integrity constraint */
		case MAKE_SQLSTATE('2', '1', '0', '0', '0'): /* cardinality */
		case MAKE_SQLSTATE('2', 'F', '0', '0', '0'): /* SQL routine */
		case MAKE_SQLSTATE('3', '8', '0', '0', '0'): /* external routine */
		case MAKE_SQLSTATE('3', '9', '0', '0', '0'):
		case MAKE_SQLSTATE('4', '2', '0', '0',
						   '0'): /* a user function that is gone or may not be called */
		case MAKE_SQLSTATE('4', '4', '0', '0', '0'): /* with check option */
		case MAKE_SQLSTATE('P', '0', '0', '0', '0'): /* raised by PL/pgSQL */
		case MAKE_SQLSTATE('5', '4', '0', '0', '0'): /* too large, too deep */
			return true;
		case MAKE_SQLSTATE('2', '5', '0', '0', '0'): /* a user function that tried to write */
			return sqlstate == ERRCODE_READ_ONLY_SQL_TRANSACTION;
		default:
			return false;
	}
}

void
sc_run_settle(ScRun *run, ScWork *work, const char *result, const char *reason, int64 entity)
{
	work->settled = true;
	work->item->result = result;
	work->item->reason = reason == NULL ? NULL : MemoryContextStrdup(run->result_cxt, reason);
	work->item->entity = entity;
}

static void
run_all(ScRun *run, List *items)
{
	run->outside.conf = run->conf;
	run->outside.now = run->now;
	take_items(run, items);
	sc_intake_sort(run);
	sc_resolve_find(run);
	run_in_pieces(run);
	save_outside(run);
}

static void
take_items(ScRun *run, List *items)
{
	ListCell *cell;

	run->nworks = list_length(items);
	run->works = palloc0(sizeof(ScWork) * run->nworks);
	foreach (cell, items)
	{
		ScWork *work = &run->works[foreach_current_index(cell)];

		work->item = lfirst(cell);
		work->order = foreach_current_index(cell);
	}
}

/* Entities in the order of their ids, unknown records last; events of one entity in the order of arrival. */
static void
run_in_pieces(ScRun *run)
{
	ScWork **works = palloc(sizeof(ScWork *) * run->nworks);
	int n = 0;

	for (int i = 0; i < run->nworks; i++)
		if (!run->works[i].settled)
			works[n++] = &run->works[i];
	/* Its first block stays over the pieces: memory given back to the system and taken anew costs more than its use. */
	run->piece_cxt = AllocSetContextCreate(CurrentMemoryContext, "syncore piece",
										   Min(n, SC_RUN_PIECE) * PIECE_BYTES,
										   ALLOCSET_DEFAULT_INITSIZE, ALLOCSET_DEFAULT_MAXSIZE);
	qsort(works, n, sizeof(ScWork *), order_works);
	for (int i = 0, len = 0; i < n; i += len)
	{
		len = sc_matching_count(run, works + i, Min(n - i, SC_RUN_PIECE));
		CHECK_FOR_INTERRUPTS();
		/* What an earlier piece made is in the tables by now. */
		if (i > 0 && works[i + len - 1]->ref.link == 0)
			sc_resolve_again(run, works + i, len);
		run_piece(run, works + i, len, 0);
	}
}

static void
run_piece(ScRun *run, ScWork **works, int n, int attempt)
{
	MemoryContext old_cxt = CurrentMemoryContext;
	ResourceOwner old_owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(run->piece_cxt);
	PG_TRY();
	{
		try_piece(run, works, n);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old_cxt);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old_cxt);
	CurrentResourceOwner = old_owner;
	MemoryContextReset(run->piece_cxt);
	if (error != NULL)
		after_error(run, works, n, attempt, error);
}

static void
try_piece(ScRun *run, ScWork **works, int n)
{
	bool queued = sc_decide_piece(run, works, n);

	run->queued |= queued;
}

/* The piece left nothing behind.  Blame a row, or pass the error on. */
static void
after_error(ScRun *run, ScWork **works, int n, int attempt, ErrorData *error)
{
	for (int i = 0; i < n; i++)
		works[i]->settled = false;
	/* A record was made, moved or removed by another session since it was looked up. */
	if (error->sqlerrcode == ERRCODE_UNIQUE_VIOLATION ||
		(error->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE && !IsolationUsesXactSnapshot()))
	{
		if (IsolationUsesXactSnapshot())
			ereport(
				ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("could not serialize access due to a record made by another transaction"),
				errhint("Run the transaction again."));
		if (attempt < RETRIES_MAX)
		{
			sc_resolve_again(run, works, n);
			run_piece(run, works, n, attempt + 1);
			return;
		}
	}
	if (!sc_run_is_data_error(error->sqlerrcode) ||
		(n == 1 && works[0]->item->kind == SC_ITEM_OUTCOME))
		ReThrowError(error);
	if (n == 1)
	{
		quarantine_error(run, works[0], error);
		return;
	}
	/* In halves; two events of one entity stay in order. */
	run_piece(run, works, n / 2, 0);
	if (works[n - 1]->ref.link == 0)
		sc_resolve_again(run, works + n / 2, n - n / 2);
	run_piece(run, works + n / 2, n - n / 2, 0);
}

static void
quarantine_error(ScRun *run, ScWork *work, const ErrorData *error)
{
	ScProblem problem = { .sqlstate = error->sqlerrcode,
						  .message = error->message == NULL ? "the event could not be decided"
															: error->message };

	problem.hint = error->hint != NULL
					   ? error->hint
					   : "Correct the mapping or the function, then release the entry.";
	sc_quarantine_put(run, &run->outside, work, NULL, &problem);
}

static int
order_works(const void *a, const void *b)
{
	const ScWork *x = *(ScWork *const *) a;
	const ScWork *y = *(ScWork *const *) b;
	bool x_unknown = x->entity == 0;
	bool y_unknown = y->entity == 0;

	if (x_unknown != y_unknown)
		return x_unknown ? 1 : -1;
	if (x->entity != y->entity)
		return x->entity < y->entity ? -1 : 1;
	return x->order - y->order;
}

/* Ledger rows that belong to no entity's chain. */
static void
save_outside(ScRun *run)
{
	List *grown = NIL;

	sc_ledger_write(&run->outside, NULL, &grown);
	Assert(grown == NIL);
}
