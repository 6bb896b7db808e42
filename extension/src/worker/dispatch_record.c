/*
 * dispatch_record.c
 *	  Outcomes into the tables: many in one transaction, and soon.
 *
 * A piece that fails is tried again one by one, so that one outcome that
 * cannot be recorded does not hold up the others.  One that fails again and
 * again is let go of: its mark stays in the table, and once its shard is quiet
 * it is adopted as a call whose outcome is unknown.
 */
#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/timestamp.h"

#include "engine/engine.h"
#include "worker/dispatcher.h"

#define TRIES_MAX 5
#define PIECE_MAX 256
#define GATE_WAIT_US (100 * 1000)

static List *take_piece(ScDispatcher *d);
static ScCarried *least_tried(ScDispatcher *d);
static bool record_piece(ScDispatcher *d, List *piece);
static bool write_piece(ScDispatcher *d, List *piece);
static void blame(ScDispatcher *d, List *piece);

bool
sc_dispatch_record_is_due(ScDispatcher *d, TimestampTz now)
{
	dlist_iter iter;

	if (d->nfinished == 0 || now < d->record_at)
		return false;
	if (d->nfinished >= SC_RECORD_PIECE || d->nfinished == d->ncalls)
		return true;
	dlist_foreach(iter, &d->calls)
	{
		ScCarried *call = dlist_container(ScCarried, node, iter.cur);

		if (call->state == SC_CALL_FINISHED && now - call->finished_at >= SC_RECORD_AFTER_US)
			return true;
	}
	return false;
}

void
sc_dispatch_record(ScDispatcher *d)
{
	while (d->nfinished > 0)
	{
		if (record_piece(d, take_piece(d)))
			continue;
		d->record_at = sc_shared_now() + GATE_WAIT_US;
		return;
	}
	d->careful = false;
}

/* The finished calls to record together. */
static List *
take_piece(ScDispatcher *d)
{
	List *piece = NIL;
	dlist_iter iter;

	if (d->careful)
		return list_make1(least_tried(d));
	dlist_foreach(iter, &d->calls)
	{
		ScCarried *call = dlist_container(ScCarried, node, iter.cur);

		if (call->state == SC_CALL_FINISHED && list_length(piece) < PIECE_MAX)
			piece = lappend(piece, call);
	}
	return piece;
}

/* So that one that fails stands at the end of the row. */
static ScCarried *
least_tried(ScDispatcher *d)
{
	ScCarried *best = NULL;
	dlist_iter iter;

	dlist_foreach(iter, &d->calls)
	{
		ScCarried *call = dlist_container(ScCarried, node, iter.cur);

		if (call->state == SC_CALL_FINISHED &&
			(best == NULL || call->record_tries < best->record_tries))
			best = call;
	}
	return best;
}

/* False when the extension is being changed: nothing was recorded, later then. */
static bool
record_piece(ScDispatcher *d, List *piece)
{
	volatile bool written = false;
	ListCell *cell;

	PG_TRY();
	{
		written = write_piece(d, piece);
	}
	PG_CATCH();
	{
		blame(d, piece);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (!written)
		return false;
	foreach (cell, piece)
		sc_dispatch_drop(d, lfirst(cell));
	d->woken = true;
	return true;
}

/* Counts a failure; those that failed too often are let go of. */
static void
blame(ScDispatcher *d, List *piece)
{
	ListCell *cell;

	d->careful = true;
	foreach (cell, piece)
	{
		ScCarried *call = lfirst(cell);

		if (++call->record_tries < TRIES_MAX)
			continue;
		d->stale[call->shard] = true;
		sc_dispatch_drop(d, call);
	}
}

static bool
write_piece(ScDispatcher *d, List *piece)
{
	List *plans = NIL;
	ListCell *cell;

	if (sc_worker_begin("recording outcomes") != SC_GATE_OPEN)
		return false;
	foreach (cell, piece)
	{
		ScCarried *call = lfirst(cell);

		if (call->job != NULL)
			sc_job_finish(d, call);
		else if (call->fetch != NULL)
			sc_fetch_finish(call);
		else
			plans = lappend(plans, call->plan);
	}
	if (plans != NIL)
		sc_record(plans);
	sc_worker_commit();
	return true;
}
