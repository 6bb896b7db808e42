/*
 * scalar.h
 *	  Bare strings, numbers and booleans in and out of jsonb without the
 *	  server's iterators and builders, which cost more than the values do.
 */
#ifndef SC_CORE_SCALAR_H
#define SC_CORE_SCALAR_H

#include "utils/jsonb.h"

/* The scalar that a document is; points into it.  False for arrays and objects, and value is then untouched. */
extern bool sc_scalar_read(Jsonb *json, JsonbValue *value);

/* A document of any value, byte for byte as JsonbValueToJsonb makes it. */
extern Jsonb *sc_scalar_make(JsonbValue *value);

#endif
