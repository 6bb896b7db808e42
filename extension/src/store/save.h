/*
 * save.h
 *	  What a batch decided, into the tables, in a few set-based statements.
 */
#ifndef SC_STORE_SAVE_H
#define SC_STORE_SAVE_H

#include "core/model.h"
#include "store/plan.h"

/*
 * Stores everything that the batch changed: deliveries, the ledger, entities,
 * links, comments, conflicts, alerts.  Fresh rows get their ids here if they
 * have none.  Returns true when there is something to send.
 */
extern bool sc_save(ScBatch *batch);

/* save_more.c: what hangs on entities and links.  Called by sc_save in this order. */
extern int sc_save_deliveries(
	ScBatch *batch); /* how many links are due; notes new deliveries for the ledger */
extern void sc_save_conflicts(ScBatch *batch);
extern void sc_save_comments(ScBatch *batch);
extern void sc_save_alerts(ScBatch *batch);
extern bool sc_save_wants(ScBatch *batch); /* true when there are any */

/* Copies of the comments that are there for records that are being made; given: only for this entity, which got its comments after sc_save. */
extern void sc_save_earlier_comments(ScBatch *batch, const ScEntity *given);

/* Shards of the delivery queue: a stable hash of the link. */
#define SC_SAVE_SHARDS 64
extern int sc_save_shard(int64 link);

/* Column helpers. */
extern void sc_save_text(Datum *value, bool *is_null, const char *text);
extern void sc_save_jsonb(Datum *value, bool *is_null, Jsonb *json);
extern void sc_save_ids(Datum *value, bool *is_null, List *ids);

#endif
