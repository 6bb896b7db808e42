/*
 * type_test.c
 *	  Stored forms of stamps, shadow and vclock, damaged on purpose.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/shadow.h"
#include "core/stamp.h"

PGDLLEXPORT Datum core_test_stored(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum core_test_unpack(PG_FUNCTION_ARGS);

/* The stored bytes of a value of one of the types. */
PG_FUNCTION_INFO_V1(core_test_stored);
Datum
core_test_stored(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P_COPY(0));
}

/* (type text, stored bytea): reads stored bytes; how many entries it found. */
PG_FUNCTION_INFO_V1(core_test_unpack);
Datum
core_test_unpack(PG_FUNCTION_ARGS)
{
	const char *type = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bytea *stored = PG_GETARG_BYTEA_PP(1);

	if (strcmp(type, "stamps") == 0)
		PG_RETURN_INT32(sc_stamps_unpack(stored).len);
	if (strcmp(type, "shadow") == 0)
		PG_RETURN_INT32(sc_shadow_unpack(stored).len);
	PG_RETURN_INT32(sc_vclock_unpack(stored).len);
}
