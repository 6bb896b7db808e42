/*
 * ledger_test.c
 *	  The hash of a ledger row, from a row written as JSON.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "core/json.h"
#include "core/ledger.h"

PGDLLEXPORT Datum core_test_ledger_hash(PG_FUNCTION_ARGS);

/* (row jsonb, at timestamptz, source_time timestamptz or null, prev bytea or null) → bytea */
PG_FUNCTION_INFO_V1(core_test_ledger_hash);
Datum
core_test_ledger_hash(PG_FUNCTION_ARGS)
{
	Jsonb *json = PG_GETARG_JSONB_P(0);
	ScLedgerRow row = { .at = PG_GETARG_TIMESTAMPTZ(1) };
	bytea *hash = palloc(VARHDRSZ + SC_LEDGER_HASH_LEN);

	row.source_time = PG_ARGISNULL(2) ? 0 : PG_GETARG_TIMESTAMPTZ(2);
	row.space_id = (int32) sc_json_get_number(json, "space_id", 0);
	row.kind = sc_json_get_text(json, "kind");
	row.has_entity = sc_json_get(json, "entity") != NULL;
	row.entity = sc_json_get_number(json, "entity", 0);
	row.entity_seq = sc_json_get_number(json, "entity_seq", 0);
	row.link = sc_json_get_number(json, "link", 0);
	row.system_id = (int32) sc_json_get_number(json, "system_id", 0);
	row.event = sc_json_get_number(json, "event", 0);
	row.delivery = sc_json_get_number(json, "delivery", 0);
	row.conflict = sc_json_get_number(json, "conflict", 0);
	row.field = sc_json_get_text(json, "field");
	row.old_value = sc_json_get(json, "old");
	row.new_value = sc_json_get(json, "new");
	row.actor = sc_json_get_text(json, "actor");
	row.actor_kind = sc_json_get_text(json, "actor_kind");
	row.rule = sc_json_get_text(json, "rule");
	row.reason = sc_json_get_text(json, "reason");
	row.detail = sc_json_get(json, "detail");
	row.correlation_id = sc_json_get_text(json, "correlation_id");
	SET_VARSIZE(hash, VARHDRSZ + SC_LEDGER_HASH_LEN);
	sc_ledger_hash(&row, PG_ARGISNULL(3) ? NULL : (uint8 *) VARDATA_ANY(PG_GETARG_BYTEA_PP(3)),
				   (uint8 *) VARDATA(hash));
	PG_RETURN_BYTEA_P(hash);
}
