/*
 * caller.c
 *	  Who asks, for row security and for functions that run as the owner of the
 *	  tables.
 *
 * Row security asks with the role in force (GetUserId), which SQL inside a
 * SECURITY DEFINER function cannot see: so the question is asked here, and
 * only the answer is read as the owner.  Nobody can ask about another role.
 *
 * Functions that act as the owner ask with the role that the session claims
 * (GetOuterUserId).  Where the server runs somebody's code on behalf of
 * another, as for an index expression during ANALYZE or REFRESH, the session
 * says nothing about whose code it is: there they are refused.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"

#include "store/catalog.h"

extern PGDLLEXPORT Datum syncore_caller(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum syncore_my_spaces(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum syncore_my_space_names(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum syncore_my_systems(PG_FUNCTION_ARGS);

static Datum ask_as_owner(const char *sql, Datum level);

PG_FUNCTION_INFO_V1(syncore_caller);
Datum
syncore_caller(PG_FUNCTION_ARGS)
{
	Name name = palloc0(sizeof(NameData));

	if (InSecurityRestrictedOperation())
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("nobody can be held to this call"),
				errdetail("It comes from code that the server runs on behalf of another role."),
				errhint("Call the function from a session of your own."));
	namestrcpy(name, GetUserNameFromId(GetOuterUserId(), false));
	PG_RETURN_NAME(name);
}

PG_FUNCTION_INFO_V1(syncore_my_spaces);
Datum
syncore_my_spaces(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(ask_as_owner("SELECT syncore._spaces_of($1, $2)", PG_GETARG_DATUM(0)));
}

PG_FUNCTION_INFO_V1(syncore_my_space_names);
Datum
syncore_my_space_names(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(ask_as_owner("SELECT syncore._space_names_of($1, $2)", PG_GETARG_DATUM(0)));
}

PG_FUNCTION_INFO_V1(syncore_my_systems);
Datum
syncore_my_systems(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(ask_as_owner("SELECT syncore._systems_of($1, $2)", PG_GETARG_DATUM(0)));
}

/* The array that a query of (role in force, level) returns, in the caller's memory.  Never null. */
static Datum
ask_as_owner(const char *sql, Datum level)
{
	Oid types[] = { NAMEOID, TEXTOID };
	NameData role;
	Datum values[] = { NameGetDatum(&role), level };
	bool isnull = true;
	Oid user;
	int security;

	GetUserIdAndSecContext(&user, &security);
	namestrcpy(&role, GetUserNameFromId(user, false));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	SetUserIdAndSecContext(sc_catalog_get()->owner, security | SECURITY_LOCAL_USERID_CHANGE);
	int result = SPI_execute_with_args(sql, 2, types, values, NULL, true, 1);
	SetUserIdAndSecContext(user, security);
	if (result != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not read what role \"%s\" may see", NameStr(role));
	Datum found = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);

	if (isnull)
		elog(ERROR, "could not read what role \"%s\" may see", NameStr(role));
	found = SPI_datumTransfer(found, false, -1);
	SPI_finish();
	return found;
}
