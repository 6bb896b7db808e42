/*
 * unread.c
 *	  What waits for the outcome of a write to a system that cannot be asked
 *	  (R3): its circuit is open, it is paused, nobody knows its password.
 *
 * Where it can be asked, the look-up that fails ends the wait (core/outcome.c).
 * Here none is made, so none can fail: the same word is said in its place, with
 * the same patience, and what waits is decided as overwritten by that write.
 * The write stays unknown, and is looked up when the system is back.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "core/call.h"
#include "engine/claim_private.h"
#include "engine/engine.h"
#include "store/config.h"
#include "store/plan.h"

static ScItem *lost_look(HeapTuple row, TupleDesc desc, const ScSystem *system);

int
sc_unread_decide(int32 system_id, const bool *shards)
{
	static const Oid types[4] = { INT4OID, INT2ARRAYOID, INT8OID, INT4OID };
	const ScSystem *system = sc_conf_system(sc_config_get(), system_id);
	List *items = NIL;
	Datum values[4];

	if (system == NULL)
		return 0;
	/* Goes by link_waiting: a queue of any length that waits with it costs nothing. */
	values[0] = Int32GetDatum(system_id);
	values[1] = sc_claim_shards(shards);
	values[2] = Int64GetDatum(GetCurrentTransactionStartTimestamp() - sc_decide_patience(system));
	values[3] = Int32GetDatum(SC_RUN_PIECE);
	sc_plan_run(&(ScPlan){ "unread links",
						   "SELECT d.id, l.id, l.entity, l.record_type, l.call"
						   " FROM syncore.link l JOIN syncore.delivery d ON d.link = l.id"
						   " WHERE l.system_id = $1 AND d.sent_at IS NULL AND d.shard = ANY ($2)"
						   " AND l.entity IS NOT NULL AND l.waiting IS NOT NULL"
						   " AND l.call ->> 'kind' = 'update' AND (l.call ->> 'unknown')::boolean"
						   " AND (l.call ->> 'at')::bigint < $3 ORDER BY l.id LIMIT $4",
						   4, types },
				values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
		items = lappend(items, lost_look(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, system));
	if (items != NIL)
		sc_run(items);
	return list_length(items);
}

/* The outcome of a look-up that could not be made. */
static ScItem *
lost_look(HeapTuple row, TupleDesc desc, const ScSystem *system)
{
	ScItem *item = palloc0(sizeof(ScItem));
	ScCallPlan *plan = palloc0(sizeof(ScCallPlan));
	bool isnull;

	plan->delivery = DatumGetInt64(SPI_getbinval(row, desc, 1, &isnull));
	plan->link = DatumGetInt64(SPI_getbinval(row, desc, 2, &isnull));
	plan->entity = DatumGetInt64(SPI_getbinval(row, desc, 3, &isnull));
	plan->record_type = SPI_getvalue(row, desc, 4);
	plan->call = sc_model_call_unpack(DatumGetJsonbPCopy(SPI_getbinval(row, desc, 5, &isnull)));
	plan->system_id = system->id;
	plan->space_id = system->space->id;
	plan->system = system;
	plan->outcome.kind = SC_OUTCOME_UNKNOWN;
	plan->outcome.delivery = plan->delivery;
	item->kind = SC_ITEM_OUTCOME;
	item->plan = plan;
	return item;
}
