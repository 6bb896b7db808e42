/*
 * save_delivery.c
 *	  Deliveries: what is to be brought in step.
 *
 * A delivery only says "look at this link": there is one a link, and an edit
 * that finds one waiting leaves it as it is, for who claims it reads what is
 * then.  An edit while a call is in flight raises gen, so that the delivery
 * outlives the call.  Its time to wait after a failure stands; a dead one comes
 * back to life, for the edit may be the cure.
 *
 * Who claims a delivery or deletes one that is not in flight holds the lock of
 * its entity (of its link, where it has none), as the caller does: one that is
 * seen waiting goes on waiting until we commit.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "core/decide.h"
#include "store/catalog.h"
#include "store/layout.h"
#include "store/load.h"
#include "store/save.h"
#include "store/table.h"

extern PGDLLEXPORT Datum syncore_shard(PG_FUNCTION_ARGS);

static void save_due(ScBatch *batch, List *links, bool edited);
static bool is_waiting(ScTable *table);
static void raise_delivery(ScTable *table, const ScBatch *batch, const ScLink *link, bool edited);
static int64 put_delivery(ScTable *table, TupleTableSlot *row, const ScBatch *batch,
						  const ScLink *link);
static void note_made(ScBatch *batch, ScLink *link, int64 delivery);
static TimestampTz start_of(const ScBatch *batch, const ScLink *link);

int
sc_save_deliveries(ScBatch *batch)
{
	List *edited = NIL;
	List *others = NIL;
	ListCell *cell;

	foreach (cell, batch->links)
	{
		ScLink *link = lfirst(cell);

		if (!link->due)
			continue;
		if (link->entity == NULL || link->fresh || link->entity->changed || link->read_owed)
			edited = lappend(edited, link);
		else
			others = lappend(others, link);
	}
	save_due(batch, edited, true);
	save_due(batch, others, false);
	return list_length(edited) + list_length(others);
}

/* edited: there is news since a delivery that is waiting was made; else it may stand as it is. */
static void
save_due(ScBatch *batch, List *links, bool edited)
{
	static const RegProcedure equals[] = { F_INT8EQ };
	ScTable *table;
	ScFinder finder;
	TupleTableSlot **made;
	int nmade = 0;
	ListCell *cell;

	if (links == NIL)
		return;
	list_sort(links, sc_load_order_links);
	made = palloc(sizeof(TupleTableSlot *) * list_length(links));
	table = sc_table_open(sc_catalog_get()->delivery, DELIVERY_COLUMNS, sc_layout_delivery);
	sc_finder_begin(&finder, table, "delivery_link_key", lengthof(equals), equals);
	foreach (cell, links)
	{
		ScLink *link = lfirst(cell);
		Datum key[] = { Int64GetDatum(link->id) };

		sc_finder_seek(&finder, key);
		if (sc_finder_next(&finder))
		{
			if (is_waiting(table))
				continue;
			if (sc_table_lock(table, &table->found->tts_tid))
			{
				raise_delivery(table, batch, link, edited);
				continue;
			}
		}
		made[nmade] = sc_table_row(table);
		note_made(batch, link, put_delivery(table, made[nmade], batch, link));
		nmade++;
	}
	sc_finder_end(&finder);
	if (nmade > 0)
		sc_table_insert(table, made, nmade);
	sc_table_close(table);
}

/* The row found last: to be looked at, and in nobody's hands. */
static bool
is_waiting(ScTable *table)
{
	bool is_null;
	Oid state = DatumGetObjectId(sc_table_value(table, DELIVERY_STATE, &is_null));

	(void) sc_table_value(table, DELIVERY_SENT_GEN, &is_null);
	return is_null && state == sc_catalog_get()->delivery_due;
}

/* The row found last, which is locked: in flight, or dead. */
static void
raise_delivery(ScTable *table, const ScBatch *batch, const ScLink *link, bool edited)
{
	bool is_null;
	Datum gen = sc_table_value(table, DELIVERY_GEN, &is_null);
	Oid state = DatumGetObjectId(sc_table_value(table, DELIVERY_STATE, &is_null));

	(void) sc_table_value(table, DELIVERY_SENT_GEN, &is_null);
	if (!edited && is_null)
		return;
	HeapTuple old = sc_table_copy(table);
	TupleTableSlot *row = sc_table_change(table, old);

	if (!edited)
	{
		/* A call in flight was claimed for less than this: its delivery must outlive the outcome. */
		sc_table_set_null(table, row, DELIVERY_SENT_GEN);
		sc_table_update(table, old, row);
		return;
	}
	sc_table_set(table, row, DELIVERY_GEN, Int32GetDatum(DatumGetInt32(gen) + 1));
	if (state != sc_catalog_get()->delivery_due)
	{
		sc_table_set(table, row, DELIVERY_ATTEMPTS, Int32GetDatum(0));
		sc_table_set(table, row, DELIVERY_NOT_BEFORE, TimestampTzGetDatum(start_of(batch, link)));
		sc_table_set(table, row, DELIVERY_STATE, ObjectIdGetDatum(sc_catalog_get()->delivery_due));
	}
	sc_table_update(table, old, row);
}

static int64
put_delivery(ScTable *table, TupleTableSlot *row, const ScBatch *batch, const ScLink *link)
{
	int64 id = sc_load_next_id(sc_catalog_get()->delivery_seq);

	sc_table_set(table, row, DELIVERY_ID, Int64GetDatum(id));
	sc_table_set(table, row, DELIVERY_LINK, Int64GetDatum(link->id));
	sc_table_set(table, row, DELIVERY_SYSTEM, Int32GetDatum(link->system->id));
	sc_table_set(table, row, DELIVERY_SPACE, Int32GetDatum(link->system->space->id));
	sc_table_set(table, row, DELIVERY_SHARD, Int16GetDatum((int16) sc_save_shard(link->id)));
	sc_table_set(table, row, DELIVERY_STATE, ObjectIdGetDatum(sc_catalog_get()->delivery_due));
	sc_table_set(table, row, DELIVERY_PRIORITY, Int16GetDatum(0));
	sc_table_set(table, row, DELIVERY_GEN, Int32GetDatum(1));
	sc_table_set(table, row, DELIVERY_ATTEMPTS, Int32GetDatum(0));
	sc_table_set(table, row, DELIVERY_NOT_BEFORE, TimestampTzGetDatum(start_of(batch, link)));
	sc_table_set(table, row, DELIVERY_CREATED, TimestampTzGetDatum(batch->now));
	sc_table_set_text(table, row, DELIVERY_CORRELATION,
					  link->entity == NULL ? NULL : link->entity->correlation_id);
	return id;
}

/* Tells the ledger of a delivery that did not exist before. */
static void
note_made(ScBatch *batch, ScLink *link, int64 delivery)
{
	ScLedgerEntry *entry = sc_model_note(batch, SC_LEDGER_QUEUE, link->entity, link);

	entry->delivery = delivery;
	entry->rule = pstrdup(link->state == SC_LINK_CREATING ? "create"
						  : link->look_only				  ? "read"
														  : "update");
	entry->reason = psprintf("%s is to be %s", link->system->name,
							 link->state == SC_LINK_CREATING ? "given a record"
							 : link->look_only				 ? "read"
															 : "brought in step");
}

static TimestampTz
start_of(const ScBatch *batch, const ScLink *link)
{
	return link->not_before == 0 ? batch->now : link->not_before;
}

/* splitmix64's finisher, so that links in sequence spread; must never change: rows carry it. */
int
sc_save_shard(int64 link)
{
	uint64 x = (uint64) link + UINT64CONST(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return (int) ((x ^ (x >> 31)) % SC_SAVE_SHARDS);
}

PG_FUNCTION_INFO_V1(syncore_shard);

/* syncore._shard(link). */
Datum
syncore_shard(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT16((int16) sc_save_shard(PG_GETARG_INT64(0)));
}
