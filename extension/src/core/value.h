/*
 * value.h
 *	  One value of one field, as a system or the canonical record holds it.
 *
 * A value is any JSON (RFC 8259) value in a Jsonb of its own, JSON null meaning
 * "explicitly nothing".  Values over SC_VALUE_INLINE_MAX bytes may be known by
 * digest only: enough to compare, not enough to send.
 */
#ifndef SC_CORE_VALUE_H
#define SC_CORE_VALUE_H

#include "utils/jsonb.h"

#define SC_VALUE_INLINE_MAX 1024
#define SC_VALUE_DIGEST_LEN 16

typedef enum ScValueState
{
	SC_VALUE_UNKNOWN, /* nobody told us yet */
	SC_VALUE_DIGEST,  /* known by digest only; json is NULL */
	SC_VALUE_JSON	  /* known; json is set */
} ScValueState;

typedef struct ScValue
{
	ScValueState state;
	Jsonb *json; /* not owned; lives as long as the context it was made in */
	uint8
		digest[SC_VALUE_DIGEST_LEN];  /* of the canonical text; set when state is SC_VALUE_DIGEST */
	uint8 loose[SC_VALUE_DIGEST_LEN]; /* of the folded text: case, space and markup removed */
} ScValue;

extern const ScValue SC_UNKNOWN;

extern ScValue sc_value_json(Jsonb *json);
extern ScValue sc_value_null(void);
extern ScValue sc_value_text(const char *text);
extern bool sc_value_is_null(const ScValue *value);

/* The same JSON value.  Unknown equals nothing, not even unknown. */
extern bool sc_value_equal(const ScValue *a, const ScValue *b);

/* Equal but for case, white space, line ends and markup: what a product makes of a text it stores. */
extern bool sc_value_equal_loosely(const ScValue *a, const ScValue *b);

/* A value that is cheap to remember: as it is up to SC_VALUE_INLINE_MAX bytes, else its digests. */
extern ScValue sc_value_remembered(const ScValue *value);

/* The shortest memory: a small value as it is, else its digests. */
extern ScValue sc_value_digested(const ScValue *value);

/* Deep copy into the current memory context. */
extern ScValue sc_value_copy(const ScValue *value);

/* JSON without white space, members in jsonb's order, numbers without needless zeros: equal values, equal bytes. */
extern char *sc_value_canonical_text(Jsonb *json, size_t *len);

/* The text of a string, the JSON text of anything else; NULL when unknown, digest or null. */
extern char *sc_value_to_cstring(const ScValue *value);

#endif
