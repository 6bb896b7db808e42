/*
 * codec.h
 *	  Bytes in and out of the stored types: varints, byte strings, values.
 *
 * A reader never looks behind its end and never throws: after the first
 * misstep it is failed, gives zeros, and the caller asks once at the end.
 */
#ifndef SC_CORE_CODEC_H
#define SC_CORE_CODEC_H

#include "core/value.h"
#include "core/vclock.h"
#include "lib/stringinfo.h"

#define SC_CODEC_FORMAT 1 /* first byte of every stored value */

typedef struct ScWriter
{
	StringInfoData buf; /* a varlena being built: its header is reserved, then the format byte */
} ScWriter;

typedef struct ScReader
{
	const uint8 *at;  /* next byte */
	const uint8 *end; /* behind the last one */
	bool failed;	  /* something was missing or impossible; stays so */
} ScReader;

/* Starts a varlena in the current context; finish gives it away. */
extern void sc_codec_begin(ScWriter *writer);
extern bytea *sc_codec_finish(ScWriter *writer);

extern void sc_codec_put_byte(ScWriter *writer, uint8 byte);
extern void sc_codec_put_uint(ScWriter *writer, uint64 number);
extern void sc_codec_put_int(ScWriter *writer,
							 int64 number); /* zigzag: small negatives are short */
extern void sc_codec_put_bytes(ScWriter *writer, const void *bytes,
							   size_t len);						   /* without a length */
extern void sc_codec_put_text(ScWriter *writer, const char *text); /* NULL is kept apart from "" */
extern void sc_codec_put_clock(ScWriter *writer, const ScClock *clock);
extern void sc_codec_put_value(ScWriter *writer, const ScValue *value);

/*
 * Reads what put wrote.  open takes any varlena, toasted or not, and what the
 * reader gives out is palloc'd in the current context.
 */
extern ScReader sc_codec_open(const bytea *packed);
extern ScReader sc_codec_reader(const void *bytes, size_t len);
extern uint8 sc_codec_get_byte(ScReader *reader);
extern uint64 sc_codec_get_uint(ScReader *reader);
extern int64 sc_codec_get_int(ScReader *reader);
extern int sc_codec_get_count(ScReader *reader,
							  int max); /* of items that take at least one byte each */
extern const uint8 *sc_codec_get_bytes(ScReader *reader, size_t len); /* NULL when failed */
extern char *sc_codec_get_text(ScReader *reader);
extern ScClock sc_codec_get_clock(ScReader *reader);
extern ScValue sc_codec_get_value(ScReader *reader);

/* Raises data_corrupted unless the reader ended well and at its end. */
extern void sc_codec_close(const ScReader *reader, const char *type);

#endif
