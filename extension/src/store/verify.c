/*
 * verify.c
 *	  syncore.verify_ledger(): recomputes every hash and follows every chain.
 *
 * Two cursors of one snapshot run side by side: ledger rows by (entity,
 * entity_seq), and the ends of the chains as the entities keep them, by id.
 * Memory is bounded by the size of a fetch, whatever the size of the ledger.
 *
 * Found are: rows whose content, hash or link to the row before was altered;
 * rows that were removed (a gap, a missing start, a missing end, a whole
 * chain) or put in.  Rows without an entity have a hash but no chain.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/ledger.h"

#define FETCH 1000
#define FINDINGS_MAX 100

enum
{
	COL_ID = 1,
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
	COL_HASH
};

typedef struct Reader /* a cursor, a fetch at a time */
{
	Portal portal;
	SPITupleTable *table;
	uint64 count;
	uint64 at;
} Reader;

typedef struct Verify
{
	ReturnSetInfo *result;
	bool partial; /* since was given: chains may begin in the middle */
	int64 checked;
	int64 first_id;
	int64 last_id;
	int nfindings;
	int64 finding_ids[FINDINGS_MAX];
	char *findings[FINDINGS_MAX];

	bool in_chain; /* the chain being followed */
	int64 entity;
	int64 seq;
	int64 row_id;
	bool has_hash;
	uint8 hash[SC_LEDGER_HASH_LEN];
	Reader ends;
} Verify;

static bool next_row(Reader *reader, HeapTuple *row, TupleDesc *desc);
static void check_row(Verify *verify, HeapTuple row, TupleDesc desc);
static void check_place(Verify *verify, const ScLedgerRow *row, int64 id, const bytea *prev);
static void end_chain(Verify *verify);
static void report_unheard(Verify *verify, int64 before);
static ScLedgerRow row_of(HeapTuple row, TupleDesc desc);
static void add_finding(Verify *verify, int64 id, char *what);
static void put_results(Verify *verify);
static Datum datum_of(HeapTuple row, TupleDesc desc, int column, bool *is_null);
static char *text_of(HeapTuple row, TupleDesc desc, int column);
static int64 id_of(HeapTuple row, TupleDesc desc, int column);
static Jsonb *jsonb_of(HeapTuple row, TupleDesc desc, int column);
static bytea *bytes_of(HeapTuple row, TupleDesc desc, int column);
static Portal open_cursor(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls);

extern PGDLLEXPORT Datum syncore_verify_ledger(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(syncore_verify_ledger);

Datum
syncore_verify_ledger(PG_FUNCTION_ARGS)
{
	Verify verify = { .result = (ReturnSetInfo *) fcinfo->resultinfo, .partial = !PG_ARGISNULL(0) };
	Oid types[] = { TIMESTAMPTZOID };
	Datum values[] = { PG_ARGISNULL(0) ? 0 : PG_GETARG_DATUM(0) };
	Reader rows = { 0 };
	MemoryContext cxt;
	HeapTuple row;
	TupleDesc desc;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	rows.portal = open_cursor("SELECT id, at, space_id, kind, entity, entity_seq, link, system_id, "
							  "event, delivery, conflict, "
							  "field, old, new, actor, actor_kind::text, source_time, rule, "
							  "reason, detail, correlation_id, "
							  "prev_hash, hash FROM syncore.ledger WHERE $1 IS NULL OR at >= $1 "
							  "ORDER BY entity, entity_seq, id",
							  1, types, values, PG_ARGISNULL(0) ? "n" : " ");
	verify.ends.portal = open_cursor(
		"SELECT id, ledger_seq, ledger_head FROM syncore.entity WHERE ledger_seq > 0 ORDER BY id",
		0, NULL, NULL, NULL);
	cxt = AllocSetContextCreate(CurrentMemoryContext, "syncore verify row", ALLOCSET_DEFAULT_SIZES);
	while (next_row(&rows, &row, &desc))
	{
		MemoryContext old = MemoryContextSwitchTo(cxt);

		CHECK_FOR_INTERRUPTS();
		check_row(&verify, row, desc);
		MemoryContextSwitchTo(old);
		MemoryContextReset(cxt);
	}
	end_chain(&verify);
	report_unheard(&verify, PG_INT64_MAX);
	put_results(&verify);
	SPI_finish();
	return (Datum) 0;
}

static bool
next_row(Reader *reader, HeapTuple *row, TupleDesc *desc)
{
	if (reader->at >= reader->count)
	{
		if (reader->table != NULL)
			SPI_freetuptable(reader->table);
		MemoryContext cxt = CurrentMemoryContext;

		SPI_cursor_fetch(reader->portal, true, FETCH);
		MemoryContextSwitchTo(cxt);
		reader->table = SPI_tuptable;
		reader->count = SPI_processed;
		reader->at = 0;
		if (reader->count == 0)
			return false;
	}
	*row = reader->table->vals[reader->at++];
	*desc = reader->table->tupdesc;
	return true;
}

static void
check_row(Verify *verify, HeapTuple row, TupleDesc desc)
{
	ScLedgerRow content = row_of(row, desc);
	int64 id = id_of(row, desc, COL_ID);
	bytea *prev = bytes_of(row, desc, COL_PREV);
	bytea *stored = bytes_of(row, desc, COL_HASH);
	uint8 hash[SC_LEDGER_HASH_LEN];

	verify->checked++;
	verify->first_id = verify->first_id == 0 ? id : Min(verify->first_id, id);
	verify->last_id = Max(verify->last_id, id);
	if (prev != NULL && VARSIZE_ANY_EXHDR(prev) != SC_LEDGER_HASH_LEN)
		prev = NULL;
	sc_ledger_hash(&content, prev == NULL ? NULL : (const uint8 *) VARDATA_ANY(prev), hash);
	bool same = stored != NULL && VARSIZE_ANY_EXHDR(stored) == SC_LEDGER_HASH_LEN &&
				memcmp(VARDATA_ANY(stored), hash, SC_LEDGER_HASH_LEN) == 0;

	if (!same)
		add_finding(
			verify, id,
			psprintf("row " INT64_FORMAT " was altered: its content does not give its hash", id));
	if (!content.has_entity)
	{
		end_chain(verify);
		return;
	}
	check_place(verify, &content, id, prev);
	verify->seq = content.entity_seq;
	verify->row_id = id;
	verify->has_hash = stored != NULL && VARSIZE_ANY_EXHDR(stored) == SC_LEDGER_HASH_LEN;
	if (verify->has_hash)
		memcpy(verify->hash, VARDATA_ANY(stored), SC_LEDGER_HASH_LEN);
}

/* Does the row continue its entity's chain? */
static void
check_place(Verify *verify, const ScLedgerRow *row, int64 id, const bytea *prev)
{
	if (!verify->in_chain || verify->entity != row->entity)
	{
		end_chain(verify);
		report_unheard(verify, row->entity);
		verify->in_chain = true;
		verify->entity = row->entity;
		if (verify->partial)
			return;
		verify->seq = 0;
		verify->has_hash = false;
	}
	else if (verify->seq == row->entity_seq)
	{
		add_finding(verify, id,
					psprintf("row " INT64_FORMAT " was put in: number " INT64_FORMAT
							 " of entity " INT64_FORMAT " exists twice",
							 id, row->entity_seq, row->entity));
		return;
	}
	if (row->entity_seq != verify->seq + 1)
		add_finding(verify, id,
					psprintf("rows were removed before row " INT64_FORMAT ": entity " INT64_FORMAT
							 " goes from number " INT64_FORMAT " to " INT64_FORMAT,
							 id, row->entity, verify->seq, row->entity_seq));
	else if ((prev != NULL) != verify->has_hash ||
			 (prev != NULL && memcmp(VARDATA_ANY(prev), verify->hash, SC_LEDGER_HASH_LEN) != 0))
		add_finding(
			verify, id,
			psprintf("row " INT64_FORMAT
					 " does not follow the row before it in the chain of entity " INT64_FORMAT,
					 id, row->entity));
}

/* The last row of a chain must be the one that the entity knows. */
static void
end_chain(Verify *verify)
{
	HeapTuple row;
	TupleDesc desc;

	if (!verify->in_chain)
		return;
	verify->in_chain = false;
	if (!next_row(&verify->ends, &row, &desc) || id_of(row, desc, 1) != verify->entity)
	{
		if (verify->ends.at > 0)
			verify->ends.at--;
		add_finding(
			verify, verify->row_id,
			psprintf("rows of entity " INT64_FORMAT ", which has no chain", verify->entity));
		return;
	}
	bytea *head = bytes_of(row, desc, 3);

	if (id_of(row, desc, 2) != verify->seq)
		add_finding(verify, verify->row_id,
					psprintf("rows were removed or put in at the end of entity " INT64_FORMAT
							 ": it knows " INT64_FORMAT " rows, the last is number " INT64_FORMAT,
							 verify->entity, id_of(row, desc, 2), verify->seq));
	else if (head == NULL || !verify->has_hash || VARSIZE_ANY_EXHDR(head) != SC_LEDGER_HASH_LEN ||
			 memcmp(VARDATA_ANY(head), verify->hash, SC_LEDGER_HASH_LEN) != 0)
		add_finding(verify, verify->row_id,
					psprintf("row " INT64_FORMAT " is not the one that entity " INT64_FORMAT
							 " knows as its last",
							 verify->row_id, verify->entity));
}

/* Entities below a number whose chain has no row at all. */
static void
report_unheard(Verify *verify, int64 before)
{
	HeapTuple row;
	TupleDesc desc;

	while (next_row(&verify->ends, &row, &desc))
	{
		int64 entity = id_of(row, desc, 1);

		if (entity >= before)
		{
			verify->ends.at--;
			return;
		}
		if (!verify->partial)
			add_finding(verify, 0,
						psprintf("all " INT64_FORMAT " rows of entity " INT64_FORMAT
								 " were removed",
								 id_of(row, desc, 2), entity));
	}
}

static ScLedgerRow
row_of(HeapTuple row, TupleDesc desc)
{
	ScLedgerRow content = { 0 };
	bool is_null;

	content.at = DatumGetTimestampTz(datum_of(row, desc, COL_AT, &is_null));
	content.space_id = DatumGetInt32(datum_of(row, desc, COL_SPACE, &is_null));
	content.kind = text_of(row, desc, COL_KIND);
	content.entity = id_of(row, desc, COL_ENTITY);
	content.has_entity = content.entity != 0;
	content.entity_seq = id_of(row, desc, COL_SEQ);
	content.link = id_of(row, desc, COL_LINK);
	Datum system = datum_of(row, desc, COL_SYSTEM, &is_null);

	content.system_id = is_null ? 0 : DatumGetInt32(system);
	content.event = id_of(row, desc, COL_EVENT);
	content.delivery = id_of(row, desc, COL_DELIVERY);
	content.conflict = id_of(row, desc, COL_CONFLICT);
	content.field = text_of(row, desc, COL_FIELD);
	content.old_value = jsonb_of(row, desc, COL_OLD);
	content.new_value = jsonb_of(row, desc, COL_NEW);
	content.actor = text_of(row, desc, COL_ACTOR);
	content.actor_kind = text_of(row, desc, COL_ACTOR_KIND);
	Datum source_time = datum_of(row, desc, COL_SOURCE_TIME, &is_null);

	content.source_time = is_null ? 0 : DatumGetTimestampTz(source_time);
	content.rule = text_of(row, desc, COL_RULE);
	content.reason = text_of(row, desc, COL_REASON);
	content.detail = jsonb_of(row, desc, COL_DETAIL);
	content.correlation_id = text_of(row, desc, COL_CORRELATION);
	return content;
}

static void
add_finding(Verify *verify, int64 id, char *what)
{
	if (verify->nfindings == FINDINGS_MAX)
		return;
	verify->finding_ids[verify->nfindings] = id;
	verify->findings[verify->nfindings++] =
		MemoryContextStrdup(verify->result->econtext->ecxt_per_query_memory, what);
}

static void
put_results(Verify *verify)
{
	for (int i = 0; i < Max(verify->nfindings, 1); i++)
	{
		bool ok = verify->nfindings == 0;
		Datum values[] = { BoolGetDatum(ok),
						   Int64GetDatum(verify->checked),
						   Int64GetDatum(verify->first_id),
						   Int64GetDatum(verify->last_id),
						   ok ? 0 : Int64GetDatum(verify->finding_ids[i]),
						   CStringGetTextDatum(ok ? "the ledger is intact" : verify->findings[i]) };
		bool nulls[] = { false,
						 false,
						 verify->checked == 0,
						 verify->checked == 0,
						 ok || verify->finding_ids[i] == 0,
						 false };

		tuplestore_putvalues(verify->result->setResult, verify->result->setDesc, values, nulls);
	}
}

static Datum
datum_of(HeapTuple row, TupleDesc desc, int column, bool *is_null)
{
	return SPI_getbinval(row, desc, column, is_null);
}

static char *
text_of(HeapTuple row, TupleDesc desc, int column)
{
	bool is_null;
	Datum datum = datum_of(row, desc, column, &is_null);

	return is_null ? NULL : TextDatumGetCString(datum);
}

static int64
id_of(HeapTuple row, TupleDesc desc, int column)
{
	bool is_null;
	Datum datum = datum_of(row, desc, column, &is_null);

	return is_null ? 0 : DatumGetInt64(datum);
}

static Jsonb *
jsonb_of(HeapTuple row, TupleDesc desc, int column)
{
	bool is_null;
	Datum datum = datum_of(row, desc, column, &is_null);

	return is_null ? NULL : DatumGetJsonbP(datum);
}

static bytea *
bytes_of(HeapTuple row, TupleDesc desc, int column)
{
	bool is_null;
	Datum datum = datum_of(row, desc, column, &is_null);

	return is_null ? NULL : DatumGetByteaPP(datum);
}

static Portal
open_cursor(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls)
{
	return SPI_cursor_open_with_args(NULL, sql, nargs, types, values, nulls, true, 0);
}
