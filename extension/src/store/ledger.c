/*
 * ledger.c
 *	  Writes ledger rows: each entity's rows form a chain in which every hash
 *	  covers the one before.  Rows without an entity stand alone.
 *
 * Only inserts.  The chain's end is kept in the entity, whose row lock the
 * caller holds: two writers never give the same number.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "core/ledger.h"
#include "store/catalog.h"
#include "store/layout.h"
#include "store/ledger.h"
#include "store/load.h"
#include "store/table.h"

static ScLedgerRow chain_row(const ScBatch *batch, const ScLedgerEntry *entry,
							 const ScLedgerTail *tail);
static void put_row(ScTable *table, TupleTableSlot *slot, const ScLedgerRow *row,
					ScActorKind actor_kind);
static Datum hash_datum(const uint8 *hash);

void
sc_ledger_write(ScBatch *batch, const ScLedgerTail *tails, List **grown)
{
	int n = list_length(batch->ledger);
	TupleTableSlot **slots = palloc(sizeof(TupleTableSlot *) * Max(n, 1));
	ScTable *table;
	ScEntity *last = NULL;

	if (n == 0)
		return;
	table = sc_table_open(sc_table_partition(sc_catalog_get()->ledger, batch->now), LEDGER_COLUMNS,
						  sc_layout_ledger);
	for (int i = 0; i < n; i++)
	{
		const ScLedgerEntry *entry = list_nth(batch->ledger, i);
		ScEntity *entity = entry->entity;
		ScLedgerRow row = chain_row(batch, entry, tails == NULL ? NULL : &tails[i]);
		uint8 hash[SC_LEDGER_HASH_LEN];
		const uint8 *prev = entity != NULL && entity->has_head ? entity->ledger_head : NULL;

		sc_ledger_hash(&row, prev, hash);
		slots[i] = sc_table_row(table);
		put_row(table, slots[i], &row, entry->actor_kind);
		if (prev != NULL)
			sc_table_set(table, slots[i], LEDGER_PREV, hash_datum(prev));
		sc_table_set(table, slots[i], LEDGER_HASH, hash_datum(hash));
		if (entity == NULL)
			continue;
		memcpy(entity->ledger_head, hash, sizeof(hash));
		entity->has_head = true;
		if (entity != last)
			*grown = lappend(*grown, entity);
		last = entity;
	}
	sc_table_insert(table, slots, n);
	sc_table_close(table);
}

/* The row as it is hashed and stored; draws its number in the entity's chain. */
static ScLedgerRow
chain_row(const ScBatch *batch, const ScLedgerEntry *entry, const ScLedgerTail *tail)
{
	ScLedgerRow row = { 0 };

	row.at = batch->now;
	row.space_id = entry->space == NULL ? 0 : entry->space->id;
	row.kind = sc_model_ledger_name(entry->kind);
	row.has_entity = entry->entity != NULL;
	if (row.has_entity)
	{
		row.entity = entry->entity->id;
		row.entity_seq = ++entry->entity->ledger_seq;
	}
	row.link = entry->link == NULL ? 0 : entry->link->id;
	row.system_id = entry->system == NULL ? 0 : entry->system->id;
	row.event = entry->event;
	row.delivery = entry->delivery;
	row.conflict = tail == NULL ? 0 : tail->conflict;
	row.field = entry->field;
	row.old_value = entry->old_value;
	row.new_value = entry->new_value;
	row.actor = entry->actor;
	if (entry->actor != NULL || entry->actor_kind != SC_ACTOR_UNKNOWN)
		row.actor_kind = sc_catalog_actor_name(entry->actor_kind);
	row.source_time = entry->source_time;
	row.rule = entry->rule;
	row.reason = entry->reason;
	row.detail = entry->detail;
	row.correlation_id = entry->correlation_id;
	return row;
}

/* All but the hashes. */
static void
put_row(ScTable *table, TupleTableSlot *slot, const ScLedgerRow *row, ScActorKind actor_kind)
{
	const ScCatalog *catalog = sc_catalog_get();

	sc_table_set(table, slot, LEDGER_ID, Int64GetDatum(sc_load_next_id(catalog->ledger_seq)));
	sc_table_set(table, slot, LEDGER_AT, TimestampTzGetDatum(row->at));
	sc_table_set(table, slot, LEDGER_TXID, FullTransactionIdGetDatum(GetTopFullTransactionId()));
	sc_table_set(table, slot, LEDGER_SPACE, Int32GetDatum(row->space_id));
	sc_table_set_text(table, slot, LEDGER_KIND, row->kind);
	sc_table_set_id(table, slot, LEDGER_ENTITY, row->entity);
	sc_table_set_id(table, slot, LEDGER_SEQ, row->entity_seq);
	sc_table_set_id(table, slot, LEDGER_LINK, row->link);
	if (row->system_id != 0)
		sc_table_set(table, slot, LEDGER_SYSTEM, Int32GetDatum(row->system_id));
	sc_table_set_id(table, slot, LEDGER_EVENT, row->event);
	sc_table_set_id(table, slot, LEDGER_DELIVERY, row->delivery);
	sc_table_set_id(table, slot, LEDGER_CONFLICT, row->conflict);
	sc_table_set_text(table, slot, LEDGER_FIELD, row->field);
	sc_table_set_jsonb(table, slot, LEDGER_OLD, row->old_value);
	sc_table_set_jsonb(table, slot, LEDGER_NEW, row->new_value);
	sc_table_set_text(table, slot, LEDGER_ACTOR, row->actor);
	if (row->actor_kind != NULL)
		sc_table_set(table, slot, LEDGER_ACTOR_KIND,
					 ObjectIdGetDatum(catalog->actor_kinds[actor_kind]));
	if (row->source_time != 0)
		sc_table_set(table, slot, LEDGER_SOURCE_TIME, TimestampTzGetDatum(row->source_time));
	sc_table_set_text(table, slot, LEDGER_RULE, row->rule);
	sc_table_set_text(table, slot, LEDGER_REASON, row->reason);
	sc_table_set_jsonb(table, slot, LEDGER_DETAIL, row->detail);
	sc_table_set_text(table, slot, LEDGER_CORRELATION, row->correlation_id);
}

static Datum
hash_datum(const uint8 *hash)
{
	bytea *datum = palloc(VARHDRSZ + SC_LEDGER_HASH_LEN);

	SET_VARSIZE(datum, VARHDRSZ + SC_LEDGER_HASH_LEN);
	memcpy(VARDATA(datum), hash, SC_LEDGER_HASH_LEN);
	return PointerGetDatum(datum);
}
