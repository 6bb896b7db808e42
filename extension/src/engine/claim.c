/*
 * claim.c
 *	  Takes deliveries of one system out of the queue: locks, looks what is
 *	  due now, writes mark and intent, and hands back plans to be sent.
 *
 * Candidates are read without a lock and read again once entity, link and
 * delivery are locked, in this order: between the two they may have been sent,
 * coalesced, cancelled or postponed.  No indexed column changes at a claim.
 * A mark found by a new owner of a shard is a call whose outcome is lost.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "engine/claim_private.h"
#include "engine/hooks.h"
#include "store/catalog.h"
#include "store/config.h"
#include "store/load.h"
#include "store/plan.h"
#include "store/save.h"

/* Nothing waits for longer than a day: what seems to was written while the clock of this server was wrong. */
#define MAY_LEAVE_NOW                                                                              \
	"(not_before <= pg_catalog.now() OR not_before > pg_catalog.now() + interval '25 hours')"
#define SC_CLAIM_RESCAN 16 /* one claim in so many starts below the low-water mark */

static bool may_claim(int32 system_id);
static List *find_candidates(int32 system_id, const bool *shards, int limit, int64 *low_water);
static ScBatch *load_links(List *claimed);
static List *lock_deliveries(List *candidates, bool marked);
static ScClaimed *read_claimed(HeapTuple row, TupleDesc desc);
static void find_links(ScBatch *batch, List *claimed);
static void store_marks(List *claimed, TimestampTz now);
static void put_mark(ScRows *rows, const ScClaimed *claimed, TimestampTz now);
static Datum field_array(const ScCall *call);
static Datum clock_of(const ScCall *call);
static void delete_idle(List *claimed);
static void drop_links(List *claimed);
static void bury_unfit(List *claimed);
static void run_over_ids(const char *name, const char *sql, List *ids);
static void lose_call(ScBatch *batch, ScClaimed *claimed);

List *
sc_claim(int32 system_id, const bool *shards, int limit, int64 *low_water,
		 MemoryContext plan_parent)
{
	List *candidates;
	List *claimed;
	List *plans = NIL;
	ScBatch *batch;
	ListCell *cell;

	if (limit <= 0 || !may_claim(system_id))
		return NIL;
	candidates = find_candidates(system_id, shards, limit, low_water);
	if (candidates == NIL)
		return NIL;
	batch = load_links(candidates);
	claimed = lock_deliveries(candidates, false);
	find_links(batch, claimed);
	foreach (cell, claimed)
	{
		ScClaimed *one = lfirst(cell);

		if (one->link != NULL)
			sc_claim_plan(batch, one, plan_parent);
		if (one->plan != NULL)
			plans = lappend(plans, one->plan);
	}
	(void) sc_save(batch);
	store_marks(claimed, batch->now);
	delete_idle(claimed);
	drop_links(claimed);
	bury_unfit(claimed);
	return plans;
}

int
sc_claim_adopt(const bool *shards)
{
	Oid types[1] = { INT2ARRAYOID };
	Datum values[1] = { sc_claim_shards(shards) };
	List *marked = NIL;
	List *claimed;
	ScBatch *batch;
	ListCell *cell;
	List *ids = NIL;

	sc_plan_run(
		&(ScPlan){
			"claim adopt",
			"SELECT id, link FROM syncore.delivery WHERE sent_at IS NOT NULL AND shard = ANY "
			"($1) ORDER BY id",
			1, types },
		values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
		marked = lappend(marked, read_claimed(SPI_tuptable->vals[i], SPI_tuptable->tupdesc));
	if (marked == NIL)
		return 0;
	batch = load_links(marked);
	claimed = lock_deliveries(marked, true);
	find_links(batch, claimed);
	foreach (cell, claimed)
	{
		ScClaimed *one = lfirst(cell);

		if (one->link != NULL)
			lose_call(batch, one);
		ids = lappend(ids, one);
	}
	(void) sc_save(batch);
	run_over_ids("claim clear",
				 "UPDATE syncore.delivery d SET sent_at = NULL, sent_gen = NULL, not_before = "
				 "pg_catalog.now()"
				 " FROM claim_ids i WHERE d.id = i.id",
				 ids);
	return list_length(claimed);
}

/* Is anything to leave for this system at all? */
static bool
may_claim(int32 system_id)
{
	const ScSystem *system = sc_conf_system(sc_config_get(), system_id);
	const char *enabled = GetConfigOption("syncore.enabled", true, false);

	if (enabled != NULL && strcmp(enabled, "off") == 0)
		return false;
	return system != NULL && system->mode == SC_MODE_ACTIVE && !system->space->paused;
}

/*
 * Deliveries that may be due, people's before backfills, above the low-water
 * mark: dead rows that a long snapshot holds are not walked over again.  Now
 * and then, and whenever nothing is found, the next scan starts from the bottom.
 */
static List *
find_candidates(int32 system_id, const bool *shards, int limit, int64 *low_water)
{
	static uint32 turns = 0;
	Oid types[4] = { INT4OID, INT8OID, INT2ARRAYOID, INT4OID };
	Datum values[4];
	List *found = NIL;
	int64 highest = 0;

	if (++turns % SC_CLAIM_RESCAN == 0)
		*low_water = 0;
	values[0] = Int32GetDatum(system_id);
	values[1] = Int64GetDatum(*low_water);
	values[2] = sc_claim_shards(shards);
	values[3] = Int32GetDatum(limit);
	sc_plan_run(&(ScPlan){ "claim candidates",
						   "SELECT id, link FROM ("
						   "SELECT id, link, priority FROM syncore.delivery"
						   " WHERE system_id = $1 AND id > $2 AND state = 'due' AND sent_at IS NULL"
						   " AND " MAY_LEAVE_NOW " AND shard = ANY ($3) ORDER BY id LIMIT $4 * 4) c"
						   " ORDER BY priority, id LIMIT $4",
						   4, types },
				values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		ScClaimed *one = read_claimed(SPI_tuptable->vals[i], SPI_tuptable->tupdesc);

		found = lappend(found, one);
		highest = Max(highest, one->delivery);
	}
	*low_water = list_length(found) < limit ? 0 : highest;
	return found;
}

Datum
sc_claim_shards(const bool *shards)
{
	Datum elements[SC_SAVE_SHARDS];
	int n = 0;

	for (int i = 0; i < SC_SAVE_SHARDS; i++)
	{
		if (shards[i])
			elements[n++] = Int16GetDatum((int16) i);
	}
	return PointerGetDatum(
		construct_array(elements, n, INT2OID, sizeof(int16), true, TYPALIGN_SHORT));
}

/*
 * The links with their entities, rows locked: entities by id, then links by id.
 * Whose a link is is read without a lock; under the lock it may be another's,
 * and is then left out until the next claim.
 */
static ScBatch *
load_links(List *claimed)
{
	Oid types[1] = { INT8ARRAYOID };
	Datum *elements = palloc(sizeof(Datum) * list_length(claimed));
	int64 *entities = palloc(sizeof(int64) * list_length(claimed));
	int64 *candidates = palloc(sizeof(int64) * list_length(claimed));
	ScBatch *batch = palloc0(sizeof(ScBatch));
	int nentities = 0;
	int ncandidates = 0;
	int n = 0;
	Datum values[1];
	ListCell *cell;

	foreach (cell, claimed)
		elements[n++] = Int64GetDatum(((ScClaimed *) lfirst(cell))->link_id);
	values[0] = PointerGetDatum(
		construct_array(elements, n, INT8OID, sizeof(int64), true, TYPALIGN_DOUBLE));
	batch->conf = sc_config_get();
	batch->now = GetCurrentTransactionStartTimestamp();
	batch->map_hooks = sc_hooks_map();
	batch->hooks = sc_hooks_decide();
	sc_plan_run(
		&(ScPlan){
			"claim entities",
			"SELECT DISTINCT COALESCE(entity, id), entity IS NULL FROM syncore.link WHERE id = "
			"ANY ($1) ORDER BY 1",
			1, types },
		values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool isnull;
		int64 id =
			DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));

		if (DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull)))
			candidates[ncandidates++] = id;
		else
			entities[nentities++] = id;
	}
	sc_load_entities(batch, entities, nentities);
	sc_load_candidates(batch, candidates, ncandidates);
	return batch;
}

/* Locks the deliveries and reads them again; those that are no longer what they were are left out. */
static List *
lock_deliveries(List *candidates, bool marked)
{
	Oid types[2] = { INT8ARRAYOID, BOOLOID };
	Datum *ids = palloc(sizeof(Datum) * list_length(candidates));
	Datum values[2];
	List *locked = NIL;
	int n = 0;
	ListCell *cell;

	foreach (cell, candidates)
		ids[n++] = Int64GetDatum(((ScClaimed *) lfirst(cell))->delivery);
	values[0] =
		PointerGetDatum(construct_array(ids, n, INT8OID, sizeof(int64), true, TYPALIGN_DOUBLE));
	values[1] = BoolGetDatum(marked);
	sc_plan_run(
		&(ScPlan){
			"claim lock",
			"SELECT id, link, gen, attempts, 'sha256:' || pg_catalog.encode(sent_hash, 'hex'), "
			"sent_marker, correlation_id"
			" FROM syncore.delivery WHERE id = ANY ($1) AND ($2 = (sent_at IS NOT NULL))"
			" AND ($2 OR (state = 'due' AND " MAY_LEAVE_NOW "))"
			" ORDER BY id FOR NO KEY UPDATE",
			2, types },
		values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple row = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		ScClaimed *one = read_claimed(row, desc);

		one->gen = atoi(SPI_getvalue(row, desc, 3));
		one->attempts = atoi(SPI_getvalue(row, desc, 4));
		one->hash = SPI_getvalue(row, desc, 5);
		one->marker = SPI_getvalue(row, desc, 6);
		one->correlation_id = SPI_getvalue(row, desc, 7);
		locked = lappend(locked, one);
	}
	return locked;
}

/* id and link are the first columns. */
static ScClaimed *
read_claimed(HeapTuple row, TupleDesc desc)
{
	ScClaimed *one = palloc0(sizeof(ScClaimed));
	bool isnull;

	one->delivery = DatumGetInt64(SPI_getbinval(row, desc, 1, &isnull));
	one->link_id = DatumGetInt64(SPI_getbinval(row, desc, 2, &isnull));
	return one;
}

/* A link has one delivery; both lists are short.  The newest edit among those that it carries gives it its name. */
static void
find_links(ScBatch *batch, List *claimed)
{
	ListCell *cell;
	ListCell *other;

	foreach (cell, claimed)
	{
		ScClaimed *one = lfirst(cell);

		foreach (other, batch->links)
		{
			ScLink *link = lfirst(other);

			if (link->id != one->link_id)
				continue;
			one->link = link;
			if (link->entity != NULL && link->entity->correlation_id != NULL)
				one->correlation_id = link->entity->correlation_id;
		}
	}
}

/* One set-based update for all marks of this claim. */
static void
store_marks(List *claimed, TimestampTz now)
{
	const ScColumn columns[] = {
		{ "id", INT8OID },			{ "gen", INT4OID },
		{ "fields", TEXTARRAYOID }, { "clock", sc_catalog_get()->vclock_type },
		{ "hash", TEXTOID },		{ "marker", TEXTOID },
		{ "at", TIMESTAMPTZOID }
	};
	ScRows *rows = sc_rows_begin("claim_marks", lengthof(columns), columns);
	ListCell *cell;

	foreach (cell, claimed)
	{
		const ScClaimed *one = lfirst(cell);

		if (one->plan != NULL)
			put_mark(rows, one, now);
	}
	sc_rows_run(rows, "claim mark",
				"UPDATE syncore.delivery d SET sent_gen = m.gen, sent_fields = m.fields, "
				"sent_clock = m.clock, sent_at = m.at,"
				" sent_hash = COALESCE(pg_catalog.decode(pg_catalog.substr(m.hash, 8), 'hex'), "
				"d.sent_hash),"
				" sent_marker = COALESCE(m.marker, d.sent_marker)"
				" FROM claim_marks m WHERE d.id = m.id");
}

static void
put_mark(ScRows *rows, const ScClaimed *claimed, TimestampTz now)
{
	const ScCall *call = &claimed->plan->call;
	Datum values[7];
	bool nulls[7] = { false };

	values[0] = Int64GetDatum(claimed->delivery);
	values[1] = Int32GetDatum(claimed->gen);
	values[2] = field_array(call);
	values[3] = clock_of(call);
	nulls[4] = nulls[5] = !claimed->writes;
	values[4] = claimed->writes ? CStringGetTextDatum(claimed->hash) : (Datum) 0;
	values[5] = claimed->writes ? CStringGetTextDatum(claimed->marker) : (Datum) 0;
	values[6] = TimestampTzGetDatum(now);
	sc_rows_put(rows, values, nulls);
}

static Datum
field_array(const ScCall *call)
{
	Datum *names = palloc(sizeof(Datum) * Max(1, call->nfields));

	for (int i = 0; i < call->nfields; i++)
		names[i] = CStringGetTextDatum(call->fields[i].field);
	return PointerGetDatum(construct_array(names, call->nfields, TEXTOID, -1, false, TYPALIGN_INT));
}

/* The clocks of all fields that the call carries, joined. */
static Datum
clock_of(const ScCall *call)
{
	ScClock clock = sc_vclock_empty();

	for (int i = 0; i < call->nfields; i++)
		clock = sc_vclock_merge(&clock, &call->fields[i].clock);
	return PointerGetDatum(sc_vclock_pack(&clock));
}

/* Those that turned out to need nothing. */
static void
delete_idle(List *claimed)
{
	List *idle = NIL;
	ListCell *cell;

	foreach (cell, claimed)
	{
		ScClaimed *one = lfirst(cell);

		if (one->plan == NULL && one->unfit == NULL)
			idle = lappend(idle, one);
	}
	if (idle != NIL)
		run_over_ids("claim idle",
					 "DELETE FROM syncore.delivery d USING claim_ids i WHERE d.id = i.id", idle);
}

/* Records that were wanted before the system was active are not created (create_after). */
static void
drop_links(List *claimed)
{
	List *dropped = NIL;
	ListCell *cell;

	foreach (cell, claimed)
	{
		ScClaimed *one = lfirst(cell);

		if (one->drop_link)
			dropped = lappend(dropped, one);
	}
	if (dropped != NIL)
		run_over_ids("claim drop",
					 "DELETE FROM syncore.link l USING claim_ids i WHERE l.id = i.link AND l.state "
					 "= 'creating'",
					 dropped);
}

/* What is due and can never be written as it stands waits for a person as a dead letter. */
static void
bury_unfit(List *claimed)
{
	const ScColumn columns[] = { { "id", INT8OID }, { "message", TEXTOID } };
	ScRows *rows = sc_rows_begin("claim_unfit", lengthof(columns), columns);
	ListCell *cell;

	foreach (cell, claimed)
	{
		const ScClaimed *one = lfirst(cell);
		Datum values[2];
		bool nulls[2] = { false };

		if (one->plan != NULL || one->unfit == NULL)
			continue;
		values[0] = Int64GetDatum(one->delivery);
		values[1] = CStringGetTextDatum(one->unfit);
		sc_rows_put(rows, values, nulls);
	}
	sc_rows_run(rows, "claim bury",
				"UPDATE syncore.delivery d SET state = 'dead', error_code = 'unmapped', "
				"error_message = u.message,"
				" error_at = pg_catalog.now() FROM claim_unfit u WHERE d.id = u.id");
}

/* Runs a statement over claim_ids (id, link) of the listed deliveries. */
static void
run_over_ids(const char *name, const char *sql, List *ids)
{
	const ScColumn columns[] = { { "id", INT8OID }, { "link", INT8OID } };
	ScRows *rows = sc_rows_begin("claim_ids", lengthof(columns), columns);
	ListCell *cell;

	foreach (cell, ids)
	{
		const ScClaimed *one = lfirst(cell);
		Datum values[2] = { Int64GetDatum(one->delivery), Int64GetDatum(one->link_id) };
		bool nulls[2] = { false };

		sc_rows_put(rows, values, nulls);
	}
	sc_rows_run(rows, name, sql);
}

/* The process that made this call ended before its outcome was recorded. */
static void
lose_call(ScBatch *batch, ScClaimed *claimed)
{
	ScLink *link = claimed->link;
	ScLedgerEntry *entry;
	ListCell *cell;

	if (link->call.kind == SC_CALL_NONE)
		return;
	link->changed = true;
	if (link->call.kind == SC_CALL_READ)
	{
		link->call.kind = SC_CALL_NONE;
		return;
	}
	link->call.unknown = true;
	foreach (cell, link->copies)
	{
		ScCopy *copy = lfirst(cell);

		if (copy->state != SC_COPY_SENDING)
			continue;
		copy->state = SC_COPY_UNKNOWN;
		copy->changed = true;
	}
	entry = sc_model_note(batch, SC_LEDGER_UNKNOWN, link->entity, link);
	entry->delivery = claimed->delivery;
	entry->reason = "The worker that made the call ended before its outcome was recorded; it is "
					"looked up before anything else is sent.";
}
