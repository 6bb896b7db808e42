/*
 * address_test.c
 *	  core_same_origin(url, other) and core_host_allowed(host, list): where a
 *	  call may go, judged by URLs alone.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "net/address.h"

PGDLLEXPORT Datum core_same_origin(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum core_host_allowed(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(core_same_origin);
Datum
core_same_origin(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sc_address_same_origin(text_to_cstring(PG_GETARG_TEXT_PP(0)),
										  text_to_cstring(PG_GETARG_TEXT_PP(1))));
}

PG_FUNCTION_INFO_V1(core_host_allowed);
Datum
core_host_allowed(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sc_address_host_allowed(text_to_cstring(PG_GETARG_TEXT_PP(0)),
										   text_to_cstring(PG_GETARG_TEXT_PP(1))));
}
