/*
 * hub.c
 *	  What a person decides here: a field's value (resolve), and an event that
 *	  is decided anew (release).  The same load, decide, store as everything.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "engine/hooks.h"
#include "engine/run.h"
#include "store/config.h"

extern PGDLLEXPORT Datum syncore_decide_hub(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum syncore_replay_event(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(syncore_decide_hub);

/* syncore._decide_hub(entity, field, value, actor, reason): the hub's own version of a field. */
Datum
syncore_decide_hub(PG_FUNCTION_ARGS)
{
	int64 id = PG_GETARG_INT64(0);
	char *field = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Jsonb *json = PG_GETARG_JSONB_P(2);
	char *actor = text_to_cstring(PG_GETARG_TEXT_PP(3));
	char *reason = text_to_cstring(PG_GETARG_TEXT_PP(4));
	ScBatch batch = { .now = GetCurrentTransactionStartTimestamp(),
					  .map_hooks = sc_hooks_map(),
					  .hooks = sc_hooks_decide() };

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	ScConf *conf = sc_config_get();

	batch.conf = conf;
	sc_load_entities(&batch, &id, 1);
	if (batch.entities == NIL)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("entity " INT64_FORMAT " does not exist", id));
	ScEntity *entity = linitial(batch.entities);

	if (sc_conf_field(entity->type, field) == NULL)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("entity type \"%s\" has no field \"%s\"", entity->type->name, field),
				errhint("Its fields are in syncore.field."));
	ScValue value = sc_value_json(json);

	ScHubWord word = { .field = field, .value = value, .actor = actor, .reason = reason };

	sc_decide_hub(&batch, entity, &word);
	sc_decide_fan_out(&batch, entity);
	if (sc_save(&batch))
		sc_wake_at_commit();
	SPI_finish();
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(syncore_replay_event);

/* syncore._replay_event(event): decides a stored event anew; returns what came of it. */
Datum
syncore_replay_event(PG_FUNCTION_ARGS)
{
	int64 id = PG_GETARG_INT64(0);
	MemoryContext caller = CurrentMemoryContext;
	ScItem item = { .kind = SC_ITEM_REPLAY };

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	item.event = sc_event_load(&id, 1)[0];
	if (item.event == NULL)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("event " INT64_FORMAT " does not exist", id),
				errdetail("It never did, or its retention time has passed."));
	sc_run(list_make1(&item));
	MemoryContext old = MemoryContextSwitchTo(caller);
	text *result = cstring_to_text(item.result == NULL ? "nothing" : item.result);

	MemoryContextSwitchTo(old);
	SPI_finish();
	PG_RETURN_TEXT_P(result);
}
