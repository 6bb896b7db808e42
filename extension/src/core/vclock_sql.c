/*
 * vclock_sql.c
 *	  The SQL type syncore.vclock: input, output, operators.
 *
 * The text form is {1:3,42:7}; the binary form is the stored one without its
 * varlena header.  Both come from outside and are checked to the last byte.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/jsonb.h"

#include "core/codec.h"
#include "core/type_json.h"
#include "core/vclock.h"

#define GETARG_CLOCK(n) sc_vclock_unpack(PG_GETARG_BYTEA_PP(n))
#define RETURN_CLOCK(clock) PG_RETURN_BYTEA_P(sc_vclock_pack(clock))

PGDLLEXPORT Datum syncore_vclock_in(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_vclock_in);
PGDLLEXPORT Datum syncore_vclock_out(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_vclock_out);
PGDLLEXPORT Datum syncore_vclock_recv(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_vclock_recv);
PGDLLEXPORT Datum syncore_vclock_send(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_vclock_send);
PGDLLEXPORT Datum syncore_vclock_eq(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_vclock_eq);
PGDLLEXPORT Datum syncore_vclock_ne(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_vclock_ne);
PGDLLEXPORT Datum syncore_vclock_covers(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_vclock_covers);
PGDLLEXPORT Datum syncore_vclock_covered(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_vclock_covered);
PGDLLEXPORT Datum syncore_vclock_concurrent(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_vclock_concurrent);
PGDLLEXPORT Datum syncore_vclock_merge(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_vclock_merge);
PGDLLEXPORT Datum syncore_vclock_increment(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_vclock_increment);
PGDLLEXPORT Datum syncore_vclock_get(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_vclock_get);
PGDLLEXPORT Datum syncore_vclock_to_jsonb(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_vclock_to_jsonb);

static void check_length(const char *text);
static void check_link(int64 link);

Datum
syncore_vclock_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	ScClock clock;

	check_length(text);
	if (!sc_vclock_parse(text, &clock))
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("invalid input syntax for type syncore.vclock"),
						errhint("Write one entry per link, link number and counter: {1:3,42:7}.")));
	RETURN_CLOCK(&clock);
}

Datum
syncore_vclock_out(PG_FUNCTION_ARGS)
{
	ScClock clock = GETARG_CLOCK(0);

	PG_RETURN_CSTRING(sc_vclock_to_cstring(&clock));
}

/* A message ends where its buffer ends: everything left is the clock. */
Datum
syncore_vclock_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int len = message->len - message->cursor;
	ScReader reader = sc_codec_reader(pq_getmsgbytes(message, len), (size_t) len);
	uint8 format = sc_codec_get_byte(&reader);
	ScClock clock = sc_codec_get_clock(&reader);

	if (reader.failed || format != SC_CODEC_FORMAT || reader.at != reader.end)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid binary form of type syncore.vclock")));
	RETURN_CLOCK(&clock);
}

Datum
syncore_vclock_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P_COPY(0));
}

Datum
syncore_vclock_eq(PG_FUNCTION_ARGS)
{
	ScClock a = GETARG_CLOCK(0);
	ScClock b = GETARG_CLOCK(1);

	PG_RETURN_BOOL(sc_vclock_equal(&a, &b));
}

Datum
syncore_vclock_ne(PG_FUNCTION_ARGS)
{
	ScClock a = GETARG_CLOCK(0);
	ScClock b = GETARG_CLOCK(1);

	PG_RETURN_BOOL(!sc_vclock_equal(&a, &b));
}

Datum
syncore_vclock_covers(PG_FUNCTION_ARGS)
{
	ScClock a = GETARG_CLOCK(0);
	ScClock b = GETARG_CLOCK(1);

	PG_RETURN_BOOL(sc_vclock_covers(&a, &b));
}

Datum
syncore_vclock_covered(PG_FUNCTION_ARGS)
{
	ScClock a = GETARG_CLOCK(0);
	ScClock b = GETARG_CLOCK(1);

	PG_RETURN_BOOL(sc_vclock_covers(&b, &a));
}

Datum
syncore_vclock_concurrent(PG_FUNCTION_ARGS)
{
	ScClock a = GETARG_CLOCK(0);
	ScClock b = GETARG_CLOCK(1);

	PG_RETURN_BOOL(sc_vclock_concurrent(&a, &b));
}

Datum
syncore_vclock_merge(PG_FUNCTION_ARGS)
{
	ScClock a = GETARG_CLOCK(0);
	ScClock b = GETARG_CLOCK(1);
	ScClock merged = sc_vclock_merge(&a, &b);

	RETURN_CLOCK(&merged);
}

/* The clock after one more write by the link. */
Datum
syncore_vclock_increment(PG_FUNCTION_ARGS)
{
	ScClock clock = GETARG_CLOCK(0);
	int64 link = PG_GETARG_INT64(1);
	int64 n = sc_vclock_get(&clock, link);

	check_link(link);
	if (n == PG_INT64_MAX)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("counter of link " INT64_FORMAT " is at its end", link)));
	ScClock next = sc_vclock_with_dot(&clock, (ScDot){ .link = link, .n = n + 1 });

	RETURN_CLOCK(&next);
}

Datum
syncore_vclock_get(PG_FUNCTION_ARGS)
{
	ScClock clock = GETARG_CLOCK(0);

	PG_RETURN_INT64(sc_vclock_get(&clock, PG_GETARG_INT64(1)));
}

/* {"1": 3, "42": 7} */
Datum
syncore_vclock_to_jsonb(PG_FUNCTION_ARGS)
{
	ScClock clock = GETARG_CLOCK(0);
	ScJsonOut out = { 0 };

	sc_type_json_put_clock(&out, NULL, &clock);
	PG_RETURN_JSONB_P(sc_type_json_finish(&out));
}

/* A text with too many entries is refused before anything is allocated for it. */
static void
check_length(const char *text)
{
	int entries = 0;

	for (; *text != '\0'; text++)
		entries += *text == ':';
	if (entries > SC_VCLOCK_ENTRIES_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("clock has more than %d entries", SC_VCLOCK_ENTRIES_MAX)));
}

static void
check_link(int64 link)
{
	if (link < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("link number must not be negative")));
}
