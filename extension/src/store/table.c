/*
 * table.c
 *	  Rows of our own tables by hand; see table.h.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "store/catalog.h"
#include "store/check.h"
#include "store/table.h"

static ScTable *open_locked(Oid relation, LOCKMODE lock, int ncolumns, const char *const *names);
static void find_columns(ScTable *table, int n, const char *const *names);
static AttrNumber find_column(TupleDesc desc, AttrNumber from, const char *name);
static void make_ready(ScTable *table);
static void open_indexes(ScTable *table, bool arbiter);
static void update_in_place_of(ScTable *table, HeapTuple old, TupleTableSlot *row,
							   ScUpdateIndexes *wanted);
static void update_with_triggers(ScTable *table, HeapTuple old, TupleTableSlot *row);
static bool insert_speculatively(ScTable *table, TupleTableSlot *row);
static void check_row(ScTable *table, TupleTableSlot *row);
static void check_conflict_visible(ScTable *table, ItemPointer tid);
static void raise_changed(void) pg_attribute_noreturn();
static Oid partition_now(Relation parent, TimestampTz at);

ScTable *
sc_table_open(Oid relation, int ncolumns, const char *const *names)
{
	return open_locked(relation, RowExclusiveLock, ncolumns, names);
}

ScTable *
sc_table_peek(Oid relation, int ncolumns, const char *const *names)
{
	return open_locked(relation, AccessShareLock, ncolumns, names);
}

static ScTable *
open_locked(Oid relation, LOCKMODE lock, int ncolumns, const char *const *names)
{
	ScTable *table = palloc0(sizeof(ScTable));

	table->rel = table_open(relation, lock);
	find_columns(table, ncolumns, names);
	table->found = table_slot_create(table->rel, NULL);
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	return table;
}

void
sc_table_close(ScTable *table)
{
	if (table->estate != NULL)
	{
		AfterTriggerEndQuery(table->estate);
		if (table->has_indexes)
			ExecCloseIndices(table->result);
		ExecResetTupleTable(table->estate->es_tupleTable, false);
		FreeExecutorState(table->estate);
		CommandCounterIncrement();
	}
	ExecDropSingleTupleTableSlot(table->found);
	PopActiveSnapshot();
	table_close(table->rel, NoLock);
	pfree(table);
}

Datum
sc_table_value(ScTable *table, int column, bool *is_null)
{
	return slot_getattr(table->found, table->columns[column], is_null);
}

char *
sc_table_text(ScTable *table, int column)
{
	bool is_null;
	Datum value = sc_table_value(table, column, &is_null);

	return is_null ? NULL : TextDatumGetCString(value);
}

bool
sc_table_lock(ScTable *table, const ItemPointerData *tid)
{
	TM_FailureData failure;
	ItemPointerData at = *tid;
	TM_Result result = table_tuple_lock(
		table->rel, &at, GetActiveSnapshot(), table->found, GetCurrentCommandId(false),
		LockTupleNoKeyExclusive, LockWaitBlock,
		IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);

	switch (result)
	{
		case TM_Ok:
			return true;
		case TM_SelfModified:
			return false;
		case TM_Deleted:
			if (IsolationUsesXactSnapshot())
				raise_changed();
			return false;
		case TM_Updated:
			raise_changed();
		default:
			elog(ERROR, "could not lock a row of \"%s\": result %d",
				 RelationGetRelationName(table->rel), (int) result);
	}
}

HeapTuple
sc_table_copy(ScTable *table)
{
	HeapTuple copy = ExecCopySlotHeapTuple(table->found);

	copy->t_self = table->found->tts_tid;
	return copy;
}

TupleTableSlot *
sc_table_row(ScTable *table)
{
	make_ready(table);
	TupleTableSlot *row = ExecInitExtraTupleSlot(table->estate, table->desc, &TTSOpsVirtual);

	memset(row->tts_isnull, true, sizeof(bool) * row->tts_tupleDescriptor->natts);
	return row;
}

void
sc_table_set(const ScTable *table, TupleTableSlot *row, int column, Datum value)
{
	row->tts_values[table->columns[column] - 1] = value;
	row->tts_isnull[table->columns[column] - 1] = false;
}

void
sc_table_set_null(const ScTable *table, TupleTableSlot *row, int column)
{
	row->tts_isnull[table->columns[column] - 1] = true;
}

void
sc_table_set_text(const ScTable *table, TupleTableSlot *row, int column, const char *text)
{
	if (text == NULL)
		sc_table_set_null(table, row, column);
	else
		sc_table_set(table, row, column, CStringGetTextDatum(text));
}

void
sc_table_set_jsonb(const ScTable *table, TupleTableSlot *row, int column, Jsonb *json)
{
	if (json == NULL)
		sc_table_set_null(table, row, column);
	else
		sc_table_set(table, row, column, JsonbPGetDatum(json));
}

void
sc_table_set_id(const ScTable *table, TupleTableSlot *row, int column, int64 id)
{
	if (id == 0)
		sc_table_set_null(table, row, column);
	else
		sc_table_set(table, row, column, Int64GetDatum(id));
}

void
sc_table_insert(ScTable *table, TupleTableSlot **rows, int n)
{
	TriggerDesc *triggers = table->result->ri_TrigDesc;
	int kept = 0;

	for (int i = 0; i < n; i++)
	{
		ExecStoreVirtualTuple(rows[i]);
		rows[i]->tts_tableOid = RelationGetRelid(table->rel);
		if (triggers != NULL && triggers->trig_insert_before_row &&
			!ExecBRInsertTriggers(table->estate, table->result, rows[i]))
			continue;
		check_row(table, rows[i]);
		rows[kept++] = rows[i];
	}
	if (kept == 0)
		return;
	open_indexes(table, false);
	table_multi_insert(table->rel, rows, kept, GetCurrentCommandId(true), 0, NULL);
	for (int i = 0; i < kept; i++)
	{
		List *recheck = NIL;

		if (table->result->ri_NumIndices > 0)
			recheck = sc_insert_index_tuples(table->result, rows[i], table->estate, NULL);
		ExecARInsertTriggers(table->estate, table->result, rows[i], recheck, NULL);
		list_free(recheck);
		ResetPerTupleExprContext(table->estate);
	}
}

void
sc_table_arbitrate(ScTable *table)
{
	Assert(table->estate == NULL);
	make_ready(table);
	open_indexes(table, true);
}

bool
sc_table_claim(ScTable *table, TupleTableSlot *row)
{
	TriggerDesc *triggers = table->result->ri_TrigDesc;

	ExecStoreVirtualTuple(row);
	row->tts_tableOid = RelationGetRelid(table->rel);
	if (triggers != NULL && triggers->trig_insert_before_row &&
		!ExecBRInsertTriggers(table->estate, table->result, row))
		return true;
	check_row(table, row);
	/* Most keys are new: the first attempt goes in without a look, and is taken back when the index objects. */
	while (!insert_speculatively(table, row))
	{
		ItemPointerData other;

		CHECK_FOR_INTERRUPTS();
		/* Waits for who is making it; free again when that transaction failed. */
		if (sc_check_index_constraints(table->result, row, table->estate, &other))
			continue;
		check_conflict_visible(table, &other);
		return false;
	}
	ExecARInsertTriggers(table->estate, table->result, row, NIL, NULL);
	return true;
}

/* False when an index has one of its keys. */
static bool
insert_speculatively(ScTable *table, TupleTableSlot *row)
{
	uint32 token = SpeculativeInsertionLockAcquire(GetCurrentTransactionId());
	bool conflict = false;

	table_tuple_insert_speculative(table->rel, row, GetCurrentCommandId(true), 0, NULL, token);
	list_free(sc_insert_index_tuples(table->result, row, table->estate, &conflict));
	table_tuple_complete_speculative(table->rel, row, token, !conflict);
	SpeculativeInsertionLockRelease(GetCurrentTransactionId());
	ResetPerTupleExprContext(table->estate);
	return !conflict;
}

TupleTableSlot *
sc_table_change(ScTable *table, HeapTuple old)
{
	if (table->changed == NULL)
		table->changed = sc_table_row(table);
	ExecClearTuple(table->changed);
	heap_deform_tuple(old, RelationGetDescr(table->rel), table->changed->tts_values,
					  table->changed->tts_isnull);
	return table->changed;
}

void
sc_table_update(ScTable *table, HeapTuple old, TupleTableSlot *row)
{
	TriggerDesc *triggers = table->result->ri_TrigDesc;

	ExecStoreVirtualTuple(row);
	row->tts_tableOid = RelationGetRelid(table->rel);
	if (triggers != NULL && triggers->trig_update_before_row)
		update_with_triggers(table, old, row);
	else
	{
		ScUpdateIndexes wanted;
		List *recheck = NIL;

		check_row(table, row);
		update_in_place_of(table, old, row, &wanted);
		if (wanted)
		{
			open_indexes(table, false);
			recheck = sc_update_index_tuples(table->result, row, table->estate, wanted);
		}
		ExecARUpdateTriggers(table->estate, table->result, NULL, NULL, &old->t_self, NULL, row,
							 recheck, NULL, false);
		list_free(recheck);
	}
	ResetPerTupleExprContext(table->estate);
}

/* Waits for who has the row; what became of it is not what we read, then. */
static void
update_in_place_of(ScTable *table, HeapTuple old, TupleTableSlot *row, ScUpdateIndexes *wanted)
{
	TM_FailureData failure;
	LockTupleMode mode;
	TM_Result result = table_tuple_update(table->rel, &old->t_self, row, GetCurrentCommandId(true),
										  table->estate->es_snapshot, InvalidSnapshot, true,
										  &failure, &mode, wanted);

	if (result == TM_Updated || result == TM_Deleted)
		raise_changed();
	if (result != TM_Ok)
		elog(ERROR, "could not update a row of \"%s\": result %d",
			 RelationGetRelationName(table->rel), (int) result);
}

/* Somebody put a BEFORE trigger on our table: it may change the row, or refuse.  It must not see a newer one. */
static void
update_with_triggers(ScTable *table, HeapTuple old, TupleTableSlot *row)
{
	EPQState epq;

	if (!sc_table_lock(table, &old->t_self) ||
		!ItemPointerEquals(&table->found->tts_tid, &old->t_self))
		raise_changed();
	open_indexes(table, false);
	table->found->tts_tid = old->t_self;
	sc_eval_plan_qual_init(&epq, table->estate);
	ExecSimpleRelationUpdate(table->result, table->estate, &epq, table->found, row);
}

/* Between our look and our lock a partition may have been attached: then the default one is no longer right. */
Oid
sc_table_partition(Oid parent, TimestampTz at)
{
	Relation rel = table_open(parent, RowExclusiveLock);
	Oid found = partition_now(rel, at);
	Oid locked;

	do
	{
		locked = found;
		LockRelationOid(locked, RowExclusiveLock);
		found = partition_now(rel, at);
	} while (found != locked);
	table_close(rel, NoLock);
	return found;
}

void
sc_finder_begin(ScFinder *finder, ScTable *table, const char *index, int nkeys,
				const RegProcedure *equals)
{
	Oid schema = sc_catalog_get()->schema;
	/* By name each time: REINDEX CONCURRENTLY gives an index another oid. */
	Oid oid = get_relname_relid(index, schema);

	if (!OidIsValid(oid))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("index \"syncore.%s\" does not exist", index),
				errhint("Make it again as the extension's script does."));
	Assert(nkeys <= SC_FINDER_KEYS_MAX);
	finder->table = table;
	finder->nkeys = nkeys;
	finder->index = index_open(oid, AccessShareLock);
	for (int i = 0; i < nkeys; i++)
	{
		ScanKeyInit(&finder->keys[i], (AttrNumber) (i + 1), BTEqualStrategyNumber, equals[i],
					(Datum) 0);
		finder->keys[i].sk_collation = finder->index->rd_indcollation[i];
	}
	finder->scan = sc_index_beginscan(table->rel, finder->index, GetActiveSnapshot(), nkeys);
}

void
sc_finder_seek(ScFinder *finder, const Datum *keys)
{
	for (int i = 0; i < finder->nkeys; i++)
		finder->keys[i].sk_argument = keys[i];
	index_rescan(finder->scan, finder->keys, finder->nkeys, NULL, 0);
}

bool
sc_finder_next(ScFinder *finder)
{
	CHECK_FOR_INTERRUPTS();
	return index_getnext_slot(finder->scan, ForwardScanDirection, finder->table->found);
}

void
sc_finder_end(ScFinder *finder)
{
	index_endscan(finder->scan);
	index_close(finder->index, NoLock);
}

static void
find_columns(ScTable *table, int n, const char *const *names)
{
	TupleDesc desc = RelationGetDescr(table->rel);
	AttrNumber next = 1;

	Assert(n <= SC_TABLE_COLUMNS_MAX);
	table->ncolumns = n;
	for (int i = 0; i < n; i++)
	{
		AttrNumber found = find_column(desc, next, names[i]);

		if (found == InvalidAttrNumber)
			ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("column \"%s\" of relation \"%s\" does not exist", names[i],
						   RelationGetRelationName(table->rel)));
		table->columns[i] = found;
		next = found + 1;
	}
}

/* Names mostly come in the order of the table, so the look starts behind the one before. */
static AttrNumber
find_column(TupleDesc desc, AttrNumber from, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
	{
		int at = (from - 1 + i) % desc->natts;
		Form_pg_attribute attribute = TupleDescAttr(desc, at);

		if (!attribute->attisdropped && strcmp(NameStr(attribute->attname), name) == 0)
			return (AttrNumber) (at + 1);
	}
	return InvalidAttrNumber;
}

/* The executor's state for writes, made by the first of them. */
static void
make_ready(ScTable *table)
{
	if (table->estate != NULL)
		return;
	table->estate = CreateExecutorState();
	table->desc = CreateTupleDescCopy(RelationGetDescr(table->rel));
	table->estate->es_snapshot = GetActiveSnapshot();
	table->estate->es_output_cid = GetCurrentCommandId(true);
	table->result = makeNode(ResultRelInfo);
	InitResultRelInfo(table->result, table->rel, 0, NULL, 0);
	sc_set_checks(table->result, sc_check_of(table->rel));
	/* Where the triggers look for it. */
	table->estate->es_opened_result_relations =
		lappend(table->estate->es_opened_result_relations, table->result);
	AfterTriggerBeginQuery();
}

/* Not before they are needed: most updates change no column that an index has. */
static void
open_indexes(ScTable *table, bool arbiter)
{
	if (table->has_indexes)
		return;
	ExecOpenIndices(table->result, arbiter);
	table->has_indexes = true;
}

static void
check_row(ScTable *table, TupleTableSlot *row)
{
	if (RelationGetDescr(table->rel)->constr != NULL)
		ExecConstraints(table->result, row, table->estate);
	ResetPerTupleExprContext(table->estate);
}

/* Under a fixed snapshot "it is there already" may only be said of what that snapshot shows. */
static void
check_conflict_visible(ScTable *table, ItemPointer tid)
{
	if (!IsolationUsesXactSnapshot())
		return;
	if (!table_tuple_fetch_row_version(table->rel, tid, SnapshotAny, table->found))
		elog(ERROR, "could not fetch a conflicting row of \"%s\"",
			 RelationGetRelationName(table->rel));
	bool is_null;
	TransactionId maker = DatumGetTransactionId(
		slot_getsysattr(table->found, MinTransactionIdAttributeNumber, &is_null));

	if (!TransactionIdIsCurrentTransactionId(maker) &&
		!table_tuple_satisfies_snapshot(table->rel, table->found, GetActiveSnapshot()))
		raise_changed();
	ExecClearTuple(table->found);
}

static void
raise_changed(void)
{
	ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			errmsg("could not serialize access due to concurrent update"),
			errhint("Run the transaction again."));
}

static Oid
partition_now(Relation parent, TimestampTz at)
{
	PartitionKey key = RelationGetPartitionKey(parent);
	PartitionDesc desc = RelationGetPartitionDesc(parent, true);
	PartitionBoundInfo bounds = desc->boundinfo;
	Datum value = TimestampTzGetDatum(at);
	bool equal;
	int index = -1;

	if (bounds != NULL)
	{
		int offset = partition_range_datum_bsearch(key->partsupfunc, key->partcollation, bounds, 1,
												   &value, &equal);

		index = bounds->indexes[offset + 1];
		if (index < 0)
			index = bounds->default_index;
	}
	if (index < 0)
		ereport(ERROR, errcode(ERRCODE_CHECK_VIOLATION),
				errmsg("no partition of relation \"%s\" found for row",
					   RelationGetRelationName(parent)));
	return desc->oids[index];
}
