/*
 * codec.c
 *	  Bytes in and out of the stored types.
 *
 * Numbers are LEB128 varints, signed ones zigzag.  A reader checks every
 * length against what is left before it uses it, so a damaged or forged value
 * costs at most its own size in memory.
 */
#include "postgres.h"

#include "fmgr.h"

#include "core/codec.h"

#define VARINT_BYTES_MAX 10

static bool take_bytes(ScReader *reader, size_t len);

/* Starts a varlena in the current context. */
void
sc_codec_begin(ScWriter *writer)
{
	initStringInfo(&writer->buf);
	appendStringInfoSpaces(&writer->buf, VARHDRSZ);
	sc_codec_put_byte(writer, SC_CODEC_FORMAT);
}

/* Ends it; the caller owns the result. */
bytea *
sc_codec_finish(ScWriter *writer)
{
	bytea *packed = (bytea *) writer->buf.data;

	SET_VARSIZE(packed, writer->buf.len);
	return packed;
}

void
sc_codec_put_byte(ScWriter *writer, uint8 byte)
{
	appendStringInfoCharMacro(&writer->buf, (char) byte);
}

void
sc_codec_put_uint(ScWriter *writer, uint64 number)
{
	while (number >= 0x80)
	{
		sc_codec_put_byte(writer, (uint8) (number | 0x80));
		number >>= 7;
	}
	sc_codec_put_byte(writer, (uint8) number);
}

void
sc_codec_put_int(ScWriter *writer, int64 number)
{
	uint64 shifted = (uint64) number << 1;

	sc_codec_put_uint(writer, number < 0 ? ~shifted : shifted);
}

void
sc_codec_put_bytes(ScWriter *writer, const void *bytes, size_t len)
{
	appendBinaryStringInfo(&writer->buf, bytes, (int) len);
}

/* Length plus one and the bytes; zero for NULL. */
void
sc_codec_put_text(ScWriter *writer, const char *text)
{
	if (text == NULL)
	{
		sc_codec_put_uint(writer, 0);
		return;
	}
	size_t len = strlen(text);

	sc_codec_put_uint(writer, (uint64) len + 1);
	sc_codec_put_bytes(writer, text, len);
}

/* Number of entries, then each link as the distance from the one before, and its counter. */
void
sc_codec_put_clock(ScWriter *writer, const ScClock *clock)
{
	int64 last = 0;

	sc_codec_put_uint(writer, (uint64) clock->len);
	for (int i = 0; i < clock->len; i++)
	{
		sc_codec_put_uint(writer, (uint64) (clock->dots[i].link - last));
		sc_codec_put_uint(writer, (uint64) clock->dots[i].n);
		last = clock->dots[i].link;
	}
}

/* The state, then the digests or the Jsonb's own bytes. */
void
sc_codec_put_value(ScWriter *writer, const ScValue *value)
{
	sc_codec_put_byte(writer, (uint8) value->state);
	if (value->state == SC_VALUE_DIGEST)
	{
		sc_codec_put_bytes(writer, value->digest, SC_VALUE_DIGEST_LEN);
		sc_codec_put_bytes(writer, value->loose, SC_VALUE_DIGEST_LEN);
	}
	else if (value->state == SC_VALUE_JSON)
	{
		size_t len = VARSIZE_ANY_EXHDR(value->json);

		sc_codec_put_uint(writer, (uint64) len);
		sc_codec_put_bytes(writer, VARDATA_ANY(value->json), len);
	}
}

/* Opens a stored value; an unknown format counts as damage. */
ScReader
sc_codec_open(const bytea *packed)
{
	bytea *plain = DatumGetByteaPP(PointerGetDatum(packed));
	ScReader reader = sc_codec_reader(VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain));

	if (sc_codec_get_byte(&reader) != SC_CODEC_FORMAT)
		reader.failed = true;
	return reader;
}

ScReader
sc_codec_reader(const void *bytes, size_t len)
{
	return (ScReader){ .at = bytes, .end = (const uint8 *) bytes + len };
}

uint8
sc_codec_get_byte(ScReader *reader)
{
	if (!take_bytes(reader, 1))
		return 0;
	return reader->at[-1];
}

/* A varint; longer than it need be, or over 64 bits, fails: a value has one spelling. */
uint64
sc_codec_get_uint(ScReader *reader)
{
	uint64 number = 0;

	for (int i = 0; i < VARINT_BYTES_MAX; i++)
	{
		uint8 byte = sc_codec_get_byte(reader);
		bool too_big = i == VARINT_BYTES_MAX - 1 && byte > 1;
		bool padded = i > 0 && byte == 0;

		if (reader->failed || too_big || padded)
			break;
		number |= (uint64) (byte & 0x7f) << (7 * i);
		if ((byte & 0x80) == 0)
			return number;
	}
	reader->failed = true;
	return 0;
}

int64
sc_codec_get_int(ScReader *reader)
{
	uint64 number = sc_codec_get_uint(reader);

	return (int64) (number & 1 ? ~(number >> 1) : number >> 1);
}

/* How many items follow; more than max, or than there are bytes left, fails. */
int
sc_codec_get_count(ScReader *reader, int max)
{
	uint64 count = sc_codec_get_uint(reader);

	if (count > (uint64) max || count > (uint64) (reader->end - reader->at))
	{
		reader->failed = true;
		return 0;
	}
	return (int) count;
}

/* A stretch of len bytes inside the stored value. */
const uint8 *
sc_codec_get_bytes(ScReader *reader, size_t len)
{
	if (!take_bytes(reader, len))
		return NULL;
	return reader->at - len;
}

char *
sc_codec_get_text(ScReader *reader)
{
	uint64 len = sc_codec_get_uint(reader);

	if (len == 0)
		return NULL;
	const uint8 *bytes = sc_codec_get_bytes(reader, (size_t) (len - 1));

	if (bytes == NULL)
		return NULL;
	return pnstrdup((const char *) bytes, (Size) (len - 1));
}

/* Entries must be in order, each link once, counters above zero. */
ScClock
sc_codec_get_clock(ScReader *reader)
{
	int len = sc_codec_get_count(reader, SC_VCLOCK_ENTRIES_MAX);
	ScClock clock = { .len = len, .dots = len > 0 ? palloc(sizeof(ScDot) * len) : NULL };
	uint64 last = 0;

	for (int i = 0; i < len; i++)
	{
		uint64 step = sc_codec_get_uint(reader);
		uint64 n = sc_codec_get_uint(reader);
		bool disordered = i > 0 && step == 0;

		if (disordered || step > (uint64) PG_INT64_MAX - last || n == 0 ||
			n > (uint64) PG_INT64_MAX)
			reader->failed = true;
		if (reader->failed)
			return sc_vclock_empty();
		last += step;
		clock.dots[i] = (ScDot){ .link = (int64) last, .n = (int64) n };
	}
	return clock;
}

ScValue
sc_codec_get_value(ScReader *reader)
{
	ScValue value = { .state = SC_VALUE_UNKNOWN };
	uint8 state = sc_codec_get_byte(reader);

	if (state == SC_VALUE_DIGEST)
	{
		const uint8 *bytes = sc_codec_get_bytes(reader, 2 * SC_VALUE_DIGEST_LEN);

		if (bytes == NULL)
			return value;
		memcpy(value.digest, bytes, SC_VALUE_DIGEST_LEN);
		memcpy(value.loose, bytes + SC_VALUE_DIGEST_LEN, SC_VALUE_DIGEST_LEN);
		value.state = SC_VALUE_DIGEST;
	}
	else if (state == SC_VALUE_JSON)
	{
		uint64 len = sc_codec_get_uint(reader);
		const uint8 *bytes = sc_codec_get_bytes(reader, (size_t) len);

		if (bytes == NULL || len < sizeof(uint32))
		{
			reader->failed = true;
			return value;
		}
		value.json = palloc(VARHDRSZ + len);
		SET_VARSIZE(value.json, VARHDRSZ + len);
		memcpy(VARDATA(value.json), bytes, len);
		value.state = SC_VALUE_JSON;
	}
	else if (state != SC_VALUE_UNKNOWN)
		reader->failed = true;
	return value;
}

/* Raises data_corrupted unless everything was read and nothing is left. */
void
sc_codec_close(const ScReader *reader, const char *type)
{
	if (reader->failed || reader->at != reader->end)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("stored value of type syncore.%s is damaged", type)));
}

/* Moves over len bytes if they are there. */
static bool
take_bytes(ScReader *reader, size_t len)
{
	if (reader->failed || len > (size_t) (reader->end - reader->at))
	{
		reader->failed = true;
		return false;
	}
	reader->at += len;
	return true;
}
