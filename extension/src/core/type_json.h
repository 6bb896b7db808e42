/*
 * type_json.h
 *	  The JSON forms of the stored types: strict reading, plain writing.
 *
 * A reader knows which type it reads, so that its errors can say so; every
 * member must be known and be taken, else the input is refused: a form that
 * forgave a misspelt member would lose it.
 */
#ifndef SC_CORE_TYPE_JSON_H
#define SC_CORE_TYPE_JSON_H

#include "core/value.h"
#include "core/vclock.h"
#include "datatype/timestamp.h"

typedef struct ScJsonOut /* a document being written; starts zeroed */
{
	JsonbParseState *state;
	JsonbValue *result;
} ScJsonOut;

typedef struct ScJsonIn /* an object being read */
{
	const char *type; /* SQL type, for messages */
	JsonbContainer *object;
	uint32 taken; /* members asked for and found */
} ScJsonIn;

/* Writers.  key NULL: an element of the open array, or the document itself. */
extern void sc_type_json_open_object(ScJsonOut *out, const char *key);
extern void sc_type_json_close_object(ScJsonOut *out);
extern void sc_type_json_open_array(ScJsonOut *out, const char *key);
extern void sc_type_json_close_array(ScJsonOut *out);
extern void sc_type_json_put_int(ScJsonOut *out, const char *key, int64 number);
extern void sc_type_json_put_true(ScJsonOut *out, const char *key);
extern void sc_type_json_put_text(ScJsonOut *out, const char *key, const char *text);
extern void sc_type_json_put_time(ScJsonOut *out, const char *key, TimestampTz at);
extern void sc_type_json_put_clock(ScJsonOut *out, const char *key, const ScClock *clock);
extern void sc_type_json_put_value(ScJsonOut *out, const char *key, const ScValue *value);
extern Jsonb *sc_type_json_finish(ScJsonOut *out);

/* Readers.  Wrong shape raises invalid_text_representation; too many items program_limit_exceeded. */
extern ScJsonIn sc_type_json_read(const char *type, Jsonb *document);
extern ScJsonIn sc_type_json_object(ScJsonIn *in, const JsonbValue *value);
extern JsonbValue *sc_type_json_take(ScJsonIn *in, const char *key); /* NULL when absent */
extern void sc_type_json_end(const ScJsonIn *in); /* raises when a member was not taken */
extern bool sc_type_json_get_int(ScJsonIn *in, const char *key,
								 int64 *number);					/* false when absent */
extern int32 sc_type_json_get_int32(ScJsonIn *in, const char *key); /* 0 when absent */
extern bool sc_type_json_get_true(ScJsonIn *in, const char *key);
extern char *sc_type_json_get_text(ScJsonIn *in, const char *key); /* NULL when absent */
extern bool sc_type_json_get_time(ScJsonIn *in, const char *key, TimestampTz *at);
extern ScClock sc_type_json_get_clock(ScJsonIn *in, const char *key); /* empty when absent */
extern ScValue sc_type_json_get_value(ScJsonIn *in, const char *key); /* unknown when absent */
extern ScValue sc_type_json_value(ScJsonIn *in, JsonbValue *value);
extern JsonbContainer *sc_type_json_get_array(ScJsonIn *in, const char *key, int max,
											  int *len); /* NULL when absent */
extern char *sc_type_json_key(const JsonbValue *key);
extern TimestampTz sc_type_json_time(ScJsonIn *in, const JsonbValue *value);
extern void sc_type_json_malformed(const ScJsonIn *in, const char *what) pg_attribute_noreturn();
extern void sc_type_json_too_many(const ScJsonIn *in, const char *what, int max)
	pg_attribute_noreturn();

#endif
