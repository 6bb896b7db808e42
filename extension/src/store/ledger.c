/*
 * ledger.c
 *	  Writes ledger rows: each entity's rows form a chain in which every hash
 *	  covers the one before.  Rows without an entity stand alone.
 *
 * Only INSERT.  The chain's end is kept in the entity, whose row lock the
 * caller holds: two writers never give the same number.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/ledger.h"
#include "store/catalog.h"
#include "store/ledger.h"
#include "store/plan.h"

enum
{
	COL_AT,
	COL_SPACE,
	COL_KIND,
	COL_ENTITY,
	COL_SEQ,
	COL_LINK,
	COL_SYSTEM,
	COL_EVENT,
	COL_DELIVERY,
	COL_CONFLICT,
	COL_FIELD,
	COL_OLD,
	COL_NEW,
	COL_ACTOR,
	COL_ACTOR_KIND,
	COL_SOURCE_TIME,
	COL_RULE,
	COL_REASON,
	COL_DETAIL,
	COL_CORRELATION,
	COL_PREV,
	COL_HASH,
	COLUMNS
};

static ScLedgerRow chain_row(const ScBatch *batch, const ScLedgerEntry *entry,
							 const ScLedgerTail *tail);
static void put_row(ScRows *rows, const ScLedgerEntry *entry, const ScLedgerRow *row,
					const uint8 *prev, const uint8 *hash);
static void put_text(Datum *values, bool *nulls, int column, const char *text);
static void put_id(Datum *values, bool *nulls, int column, int64 id);
static void put_jsonb(Datum *values, bool *nulls, int column, Jsonb *json);
static Datum hash_datum(const uint8 *hash);

void
sc_ledger_write(ScBatch *batch, const ScLedgerTail *tails, List **grown)
{
	const ScColumn columns[COLUMNS] = { { "at", TIMESTAMPTZOID },
										{ "space_id", INT4OID },
										{ "kind", TEXTOID },
										{ "entity", INT8OID },
										{ "entity_seq", INT8OID },
										{ "link", INT8OID },
										{ "system_id", INT4OID },
										{ "event", INT8OID },
										{ "delivery", INT8OID },
										{ "conflict", INT8OID },
										{ "field", TEXTOID },
										{ "old", JSONBOID },
										{ "new", JSONBOID },
										{ "actor", TEXTOID },
										{ "actor_kind", sc_catalog_get()->actor_kind_type },
										{ "source_time", TIMESTAMPTZOID },
										{ "rule", TEXTOID },
										{ "reason", TEXTOID },
										{ "detail", JSONBOID },
										{ "correlation_id", TEXTOID },
										{ "prev_hash", BYTEAOID },
										{ "hash", BYTEAOID } };
	ListCell *cell;
	ScEntity *last = NULL;

	if (batch->ledger == NIL)
		return;
	ScRows *rows = sc_rows_begin("told", COLUMNS, columns);

	foreach (cell, batch->ledger)
	{
		const ScLedgerEntry *entry = lfirst(cell);
		ScEntity *entity = entry->entity;
		ScLedgerRow row =
			chain_row(batch, entry, tails == NULL ? NULL : &tails[foreach_current_index(cell)]);
		uint8 hash[SC_LEDGER_HASH_LEN];
		const uint8 *prev = entity != NULL && entity->has_head ? entity->ledger_head : NULL;

		sc_ledger_hash(&row, prev, hash);
		put_row(rows, entry, &row, prev, hash);
		if (entity == NULL)
			continue;
		memcpy(entity->ledger_head, hash, sizeof(hash));
		entity->has_head = true;
		if (entity != last)
			*grown = list_append_unique_ptr(*grown, entity);
		last = entity;
	}
	sc_rows_run(rows, "ledger_write",
				"INSERT INTO syncore.ledger (at, space_id, kind, entity, entity_seq, link, "
				"system_id, event, delivery, conflict, "
				"field, old, new, actor, actor_kind, source_time, rule, reason, detail, "
				"correlation_id, prev_hash, hash) "
				"SELECT at, space_id, kind, entity, entity_seq, link, system_id, event, delivery, "
				"conflict, "
				"field, old, new, actor, actor_kind, source_time, rule, reason, detail, "
				"correlation_id, prev_hash, hash FROM told");
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

static void
put_row(ScRows *rows, const ScLedgerEntry *entry, const ScLedgerRow *row, const uint8 *prev,
		const uint8 *hash)
{
	Datum values[COLUMNS] = { 0 };
	bool nulls[COLUMNS] = { false };

	values[COL_AT] = TimestampTzGetDatum(row->at);
	values[COL_SPACE] = Int32GetDatum(row->space_id);
	values[COL_KIND] = CStringGetTextDatum(row->kind);
	put_id(values, nulls, COL_ENTITY, row->entity);
	put_id(values, nulls, COL_SEQ, row->entity_seq);
	put_id(values, nulls, COL_LINK, row->link);
	values[COL_SYSTEM] = Int32GetDatum(row->system_id);
	nulls[COL_SYSTEM] = row->system_id == 0;
	put_id(values, nulls, COL_EVENT, row->event);
	put_id(values, nulls, COL_DELIVERY, row->delivery);
	put_id(values, nulls, COL_CONFLICT, row->conflict);
	put_text(values, nulls, COL_FIELD, row->field);
	put_jsonb(values, nulls, COL_OLD, row->old_value);
	put_jsonb(values, nulls, COL_NEW, row->new_value);
	put_text(values, nulls, COL_ACTOR, row->actor);
	values[COL_ACTOR_KIND] = ObjectIdGetDatum(sc_catalog_get()->actor_kinds[entry->actor_kind]);
	nulls[COL_ACTOR_KIND] = row->actor_kind == NULL;
	values[COL_SOURCE_TIME] = TimestampTzGetDatum(row->source_time);
	nulls[COL_SOURCE_TIME] = row->source_time == 0;
	put_text(values, nulls, COL_RULE, row->rule);
	put_text(values, nulls, COL_REASON, row->reason);
	put_jsonb(values, nulls, COL_DETAIL, row->detail);
	put_text(values, nulls, COL_CORRELATION, row->correlation_id);
	nulls[COL_PREV] = prev == NULL;
	if (prev != NULL)
		values[COL_PREV] = hash_datum(prev);
	values[COL_HASH] = hash_datum(hash);
	sc_rows_put(rows, values, nulls);
}

static void
put_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	if (text != NULL)
		values[column] = CStringGetTextDatum(text);
}

static void
put_id(Datum *values, bool *nulls, int column, int64 id)
{
	nulls[column] = id == 0;
	values[column] = Int64GetDatum(id);
}

static void
put_jsonb(Datum *values, bool *nulls, int column, Jsonb *json)
{
	nulls[column] = json == NULL;
	if (json != NULL)
		values[column] = JsonbPGetDatum(json);
}

static Datum
hash_datum(const uint8 *hash)
{
	bytea *datum = palloc(VARHDRSZ + SC_LEDGER_HASH_LEN);

	SET_VARSIZE(datum, VARHDRSZ + SC_LEDGER_HASH_LEN);
	memcpy(VARDATA(datum), hash, SC_LEDGER_HASH_LEN);
	return PointerGetDatum(datum);
}
