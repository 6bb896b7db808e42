/*
 * ledger.c
 *	  The hash of a ledger row: what it is taken over, byte by byte.
 *
 * The byte string is a contract with every row ever written and with any
 * auditor who recomputes it outside: it never changes; a new one would get a
 * new name in place of "syncore1".
 */
#include "postgres.h"

#include <openssl/sha.h>

#include "lib/stringinfo.h"
#include "port/pg_bswap.h"
#include "utils/jsonb.h"

#include "core/ledger.h"

#define NAME "syncore1"

static void put_null(StringInfo buf);
static void put_bytes(StringInfo buf, const char *bytes, int len);
static void put_text(StringInfo buf, const char *string);
static void put_number(StringInfo buf, int64 number);
static void put_optional(StringInfo buf, int64 number);
static void put_json(StringInfo buf, Jsonb *json);

/* Fills hash (SC_LEDGER_HASH_LEN bytes).  prev NULL: the first of its chain. */
void
sc_ledger_hash(const ScLedgerRow *row, const uint8 *prev, uint8 *hash)
{
	static const uint8 zeros[SC_LEDGER_HASH_LEN];
	StringInfoData buf;

	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, (const char *) (prev != NULL ? prev : zeros), SC_LEDGER_HASH_LEN);
	appendBinaryStringInfo(&buf, NAME, sizeof(NAME) - 1);
	put_number(&buf, row->at);
	put_number(&buf, row->space_id);
	put_text(&buf, row->kind);
	if (row->has_entity)
	{
		put_number(&buf, row->entity);
		put_number(&buf, row->entity_seq);
	}
	else
	{
		put_null(&buf);
		put_null(&buf);
	}
	put_optional(&buf, row->link);
	put_optional(&buf, row->system_id);
	put_optional(&buf, row->event);
	put_optional(&buf, row->delivery);
	put_optional(&buf, row->conflict);
	put_text(&buf, row->field);
	put_json(&buf, row->old_value);
	put_json(&buf, row->new_value);
	put_text(&buf, row->actor);
	put_text(&buf, row->actor_kind);
	put_optional(&buf, row->source_time);
	put_text(&buf, row->rule);
	put_text(&buf, row->reason);
	put_json(&buf, row->detail);
	put_text(&buf, row->correlation_id);
	SHA256((const unsigned char *) buf.data, (size_t) buf.len, hash);
	pfree(buf.data);
}

static void
put_null(StringInfo buf)
{
	uint32 mark = 0xffffffff;

	appendBinaryStringInfo(buf, (const char *) &mark, sizeof(mark));
}

static void
put_bytes(StringInfo buf, const char *bytes, int len)
{
	uint32 prefix = pg_hton32((uint32) len);

	appendBinaryStringInfo(buf, (const char *) &prefix, sizeof(prefix));
	appendBinaryStringInfo(buf, bytes, len);
}

static void
put_text(StringInfo buf, const char *string)
{
	if (string == NULL)
		put_null(buf);
	else
		put_bytes(buf, string, (int) strlen(string));
}

static void
put_number(StringInfo buf, int64 number)
{
	uint64 big = pg_hton64((uint64) number);

	put_bytes(buf, (const char *) &big, sizeof(big));
}

/* Zero stands for null. */
static void
put_optional(StringInfo buf, int64 number)
{
	if (number == 0)
		put_null(buf);
	else
		put_number(buf, number);
}

static void
put_json(StringInfo buf, Jsonb *json)
{
	if (json == NULL)
	{
		put_null(buf);
		return;
	}
	char *spelt = JsonbToCString(NULL, &json->root, (int) VARSIZE(json));

	put_text(buf, spelt);
	pfree(spelt);
}
