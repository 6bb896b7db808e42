/*
 * follow.c
 *	  See follow.h.
 *
 * Who reads a record only notes that it waits; a worker fetches each object
 * once, whoever waits for it, and has the records read again.  So events never
 * meet at the row of an object, and nothing is wanted that is not stored.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "engine/follow.h"
#include "store/plan.h"

ScFollowed
sc_follow_find(const ScSystem *system, const ScFieldMap *map, const char *id, Jsonb **object)
{
	static const Oid types[] = { INT4OID, TEXTOID, TEXTOID, TIMESTAMPTZOID };
	static const ScPlan plan = { "follow find",
								 "SELECT body FROM syncore.referenced WHERE system_id = $1 AND "
								 "kind = $2 AND external_id = $3 AND fetched_at > $4",
								 4, types };
	MemoryContext caller = CurrentMemoryContext;
	ScFollowed found = SC_FOLLOWED_UNKNOWN;
	Datum values[] = {
		Int32GetDatum(system->id), CStringGetTextDatum(map->follow), CStringGetTextDatum(id),
		TimestampTzGetDatum(GetCurrentTransactionStartTimestamp() - map->follow_ttl_us)
	};

	SPI_connect();
	sc_plan_run(&plan, values, NULL);
	if (SPI_processed > 0)
	{
		bool isnull;
		Datum body = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);

		found = isnull ? SC_FOLLOWED_MISSING : SC_FOLLOWED;
		if (!isnull)
		{
			MemoryContext old = MemoryContextSwitchTo(caller);

			*object = DatumGetJsonbPCopy(body);
			MemoryContextSwitchTo(old);
		}
	}
	SPI_finish();
	return found;
}

void
sc_follow_want(ScBatch *batch, ScLink *link, const ScStatement *statement)
{
	for (int i = 0; i < statement->nfields; i++)
	{
		const ScMapped *said = &statement->fields[i];
		ScWantOut *want;

		if (!said->wants)
			continue;
		want = palloc0(sizeof(ScWantOut));
		want->link = link;
		want->kind = said->map->follow;
		want->external_id = said->follows;
		batch->wants = lappend(batch->wants, want);
	}
}
