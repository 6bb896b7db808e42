/*
 * ledger_sql.c
 *	  syncore._ledger_append(): one row for what a person or a SQL function did.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "store/catalog.h"
#include "store/ledger.h"
#include "store/plan.h"

enum
{
	ARG_KIND,
	ARG_ENTITY,
	ARG_LINK,
	ARG_SYSTEM,
	ARG_SPACE,
	ARG_EVENT,
	ARG_DELIVERY,
	ARG_FIELD,
	ARG_OLD,
	ARG_NEW,
	ARG_RULE,
	ARG_REASON,
	ARG_DETAIL
};

static ScLedgerKind kind_of(const char *name);
static bool lock_chain(ScEntity *entity);
static void store_chain_end(const ScEntity *entity);
static char *text_argument(FunctionCallInfo fcinfo, int n);
static Jsonb *jsonb_argument(FunctionCallInfo fcinfo, int n);
static int64 id_argument(FunctionCallInfo fcinfo, int n);

extern PGDLLEXPORT Datum syncore_ledger_append(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(syncore_ledger_append);

Datum
syncore_ledger_append(PG_FUNCTION_ARGS)
{
	ScSpace space = { .id = PG_ARGISNULL(ARG_SPACE) ? 0 : PG_GETARG_INT32(ARG_SPACE) };
	ScSystem system = { .id = PG_ARGISNULL(ARG_SYSTEM) ? 0 : PG_GETARG_INT32(ARG_SYSTEM),
						.space = &space };
	ScEntity entity = { .id = id_argument(fcinfo, ARG_ENTITY), .space = &space };
	ScLink link = { .id = id_argument(fcinfo, ARG_LINK), .system = &system };
	ScBatch batch = { .now = GetCurrentTransactionStartTimestamp() };
	ScLedgerEntry entry = { .space = &space };
	const char *operator_name = GetConfigOption("syncore.operator", true, false);
	List *grown = NIL;

	SPI_connect();
	entry.kind = kind_of(text_argument(fcinfo, ARG_KIND));
	entry.entity = entity.id == 0 ? NULL : &entity;
	entry.link = link.id == 0 ? NULL : &link;
	entry.system = system.id == 0 ? NULL : &system;
	entry.event = id_argument(fcinfo, ARG_EVENT);
	entry.delivery = id_argument(fcinfo, ARG_DELIVERY);
	entry.field = text_argument(fcinfo, ARG_FIELD);
	entry.old_value = jsonb_argument(fcinfo, ARG_OLD);
	entry.new_value = jsonb_argument(fcinfo, ARG_NEW);
	entry.rule = text_argument(fcinfo, ARG_RULE);
	entry.reason = text_argument(fcinfo, ARG_REASON);
	entry.detail = jsonb_argument(fcinfo, ARG_DETAIL);
	entry.actor = operator_name != NULL && operator_name[0] != '\0'
					  ? pstrdup(operator_name)
					  : GetUserNameFromId(GetOuterUserId(), false);
	entry.actor_kind = SC_ACTOR_HUMAN;
	batch.ledger = list_make1(&entry);
	if (entry.entity != NULL && !lock_chain(&entity))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("entity " INT64_FORMAT " does not exist", entity.id));
	sc_ledger_write(&batch, NULL, &grown);
	if (grown != NIL)
		store_chain_end(&entity);
	SPI_finish();
	PG_RETURN_DATUM(
		DirectFunctionCall1(currval_oid, ObjectIdGetDatum(sc_catalog_get()->ledger_seq)));
}

static ScLedgerKind
kind_of(const char *name)
{
	for (int i = 0; name != NULL && i <= SC_LEDGER_CONFIG; i++)
		if (strcmp(sc_model_ledger_name((ScLedgerKind) i), name) == 0)
			return (ScLedgerKind) i;
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("\"%s\" is no kind of ledger row", name == NULL ? "" : name));
}

/* Locks the entity and reads the end of its chain; false when there is none. */
static bool
lock_chain(ScEntity *entity)
{
	static const Oid types[] = { INT8OID };
	Datum values[] = { Int64GetDatum(entity->id) };
	bool is_null;

	sc_plan_run(
		&(ScPlan){
			"lock_chain",
			"SELECT ledger_seq, ledger_head FROM syncore.entity WHERE id = $1 FOR NO KEY UPDATE", 1,
			types },
		values, NULL);
	if (SPI_processed == 0)
		return false;
	entity->ledger_seq =
		DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	Datum head = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &is_null);

	entity->has_head = !is_null;
	if (!is_null)
		memcpy(entity->ledger_head, VARDATA_ANY(DatumGetByteaPP(head)),
			   sizeof(entity->ledger_head));
	return true;
}

static void
store_chain_end(const ScEntity *entity)
{
	static const Oid types[] = { INT8OID, INT8OID, BYTEAOID };
	bytea *head = palloc(VARHDRSZ + sizeof(entity->ledger_head));
	Datum values[] = { Int64GetDatum(entity->id), Int64GetDatum(entity->ledger_seq),
					   PointerGetDatum(head) };

	SET_VARSIZE(head, VARHDRSZ + sizeof(entity->ledger_head));
	memcpy(VARDATA(head), entity->ledger_head, sizeof(entity->ledger_head));
	sc_plan_run(
		&(ScPlan){ "store_chain_end",
				   "UPDATE syncore.entity SET ledger_seq = $2, ledger_head = $3 WHERE id = $1", 3,
				   types },
		values, NULL);
}

static char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static Jsonb *
jsonb_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : PG_GETARG_JSONB_P(n);
}

static int64
id_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? 0 : PG_GETARG_INT64(n);
}
