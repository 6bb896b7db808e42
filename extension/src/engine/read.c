/*
 * read.c
 *	  What an event says, read and mapped as the configuration of the caller's
 *	  own transaction has it: what test cases are compared with.
 *
 * Nothing is looked up, decided or stored, no row is locked and no number is
 * drawn: it only reads rows of the configuration, and runs the functions that
 * they name as every event would.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/json.h"
#include "engine/event.h"
#include "engine/hooks.h"
#include "store/catalog.h"
#include "store/config.h"

static Jsonb *read_event(ScConf *conf, const char *name, Jsonb *payload);
static const char *problem_of(const ScSystem *system, const ScShape *shape);
static void tell_shape(ScJson *json, const ScShape *shape);
static const char *tell_fields(ScJson *json, const ScStatement *statement);
static bool is_told(const ScStatement *statement, int before);

extern PGDLLEXPORT Datum syncore_read_event(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(syncore_read_event);

/* syncore._read_event(system, payload): an object of canonical fields; what is said of the event itself begins with @. */
Datum
syncore_read_event(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Jsonb *payload = PG_GETARG_JSONB_P(1);
	MemoryContext caller = CurrentMemoryContext;
	Jsonb *volatile copy = NULL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	ScConf *conf = sc_config_get();

	sc_config_pin(conf);
	PG_TRY();
	{
		Jsonb *said = read_event(conf, name, payload);

		copy = memcpy(MemoryContextAlloc(caller, VARSIZE(said)), said, VARSIZE(said));
	}
	PG_FINALLY();
	{
		sc_config_unpin(conf);
	}
	PG_END_TRY();
	SPI_finish();
	PG_RETURN_JSONB_P(copy);
}

static Jsonb *
read_event(ScConf *conf, const char *name, Jsonb *payload)
{
	const ScSystem *system = sc_conf_system_by_name(conf, name);
	ScEventRow row = { .system = unconstify(char *, name), .payload = payload };
	ScBatch batch = { .now = GetCurrentTransactionStartTimestamp(),
					  .conf = conf,
					  .map_hooks = sc_hooks_map() };
	ScJson json = sc_json_object();
	const char *problem;

	if (system == NULL)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("system \"%s\" does not exist", name),
				errhint("SELECT name FROM syncore.system lists them."));
	row.received_at = batch.now;
	ScShape shape = sc_shape_read(system, payload, NULL);

	tell_shape(&json, &shape);
	if ((shape.kind != NULL && strcmp(shape.kind, "ignore") == 0) ||
		!sc_conf_holds(system->accepts, shape.record))
	{
		sc_json_text(&json, "@outcome", "ignored");
		return sc_json_end(&json);
	}
	problem = problem_of(system, &shape);
	if (problem == NULL)
	{
		const ScRecordMap *map = sc_conf_record_map(system, shape.record_type, shape.record);
		ScStatement *statement = sc_event_statement(&batch, system, map, &row, &shape);

		sc_json_text(&json, "@actor_kind", sc_catalog_actor_name(statement->actor_kind));
		if (map == NULL)
		{
			sc_json_text(&json, "@outcome", "ignored");
			return sc_json_end(&json);
		}
		sc_json_text(&json, "@entity_type", map->type->name);
		problem = tell_fields(&json, statement);
	}
	sc_json_text(&json, "@outcome", problem == NULL ? "read" : "quarantined");
	sc_json_text(&json, "@problem", problem);
	return sc_json_end(&json);
}

/* What keeps an event from being understood at all; NULL = nothing. */
static const char *
problem_of(const ScSystem *system, const ScShape *shape)
{
	if (shape->problem != NULL &&
		(shape->external_id == NULL || shape->record_type == NULL || shape->bad_time))
		return shape->problem;
	if (shape->record_type == NULL || shape->external_id == NULL)
		return "the payload names no record";
	if (sc_conf_record_map(system, shape->record_type, NULL) == NULL)
		return psprintf("record type \"%s\" of system \"%s\" is not mapped", shape->record_type,
						system->name);
	return NULL;
}

static void
tell_shape(ScJson *json, const ScShape *shape)
{
	sc_json_text(json, "@kind", shape->kind);
	sc_json_text(json, "@record_type", shape->record_type);
	sc_json_text(json, "@external_id", shape->external_id);
	sc_json_text(json, "@external_key", shape->external_key);
	sc_json_text(json, "@version", shape->version);
	sc_json_text(json, "@actor", shape->actor);
	if (shape->has_time)
		sc_json_text(json, "@source_time", sc_map_format_time(shape->source_time, "iso8601"));
	if (shape->ncomments > 0)
		sc_json_number(json, "@comments", shape->ncomments);
}

/* Canonical values by field; returns the first that cannot be mapped, NULL when all can. */
static const char *
tell_fields(ScJson *json, const ScStatement *statement)
{
	const char *problem = NULL;

	for (int i = 0; i < statement->nfields; i++)
	{
		const ScMapped *said = &statement->fields[i];

		if (said->outcome == SC_MAP_FAILED && problem == NULL)
			problem = psprintf("%s: %s", said->map->field->name, said->message);
		if ((said->outcome != SC_MAP_OK && said->outcome != SC_MAP_NEAREST) ||
			said->canonical.state != SC_VALUE_JSON || is_told(statement, i))
			continue;
		sc_json_jsonb(json, said->map->field->name, said->canonical.json);
		if (said->qualifier != NULL)
			sc_json_text(json, psprintf("@qualifier.%s", said->map->field->name), said->qualifier);
	}
	return problem;
}

/* Has an earlier row of the same field spoken? */
static bool
is_told(const ScStatement *statement, int before)
{
	for (int i = 0; i < before; i++)
		if (statement->fields[i].map->field == statement->fields[before].map->field &&
			(statement->fields[i].outcome == SC_MAP_OK ||
			 statement->fields[i].outcome == SC_MAP_NEAREST))
			return true;
	return false;
}
