/*
 * what_if.c
 *	  what_if(): the same past under two configurations, the committed one and
 *	  the one that the caller's transaction sees; a row for each difference.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/say.h"
#include "engine/replay_past.h"
#include "store/config.h"

typedef struct Asking
{
	ReturnSetInfo *result;
	ScConf *committed;
	ScConf *wanted;
	TimestampTz since;
} Asking;

static void connect(void);
static void ask_entity(const Asking *asking, int64 entity);
static void ask_record(const Asking *asking, const int64 *events, int n);
static void compare(const Asking *asking, const ScPast *past);
static void compare_field(const Asking *asking, const ScWorld *was, const ScWorld *would_be,
						  const ScField *field);
static void compare_link(const Asking *asking, const ScWorld *was, const ScWorld *would_be,
						 ScLink *link);
static void tell_missing(const Asking *asking, const ScWorld *would_be, const ScLink *link);
static void compare_words(const Asking *asking, const ScWorld *was, const ScWorld *would_be,
						  ScLink *before, ScLink *link);
static void compare_refusals(const Asking *asking, const ScPast *past, const ScWorld *was,
							 const ScWorld *would_be);
static ScLink *link_of(const ScWorld *world, const ScLink *like);
static Jsonb *value_of(const ScWorld *world, const ScField *field);
static const int64 *ids_of(Datum array, int *n);

extern PGDLLEXPORT Datum syncore_what_if(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(syncore_what_if);

/*
 * syncore._what_if(entities bigint[], events bigint[], sizes bigint[], since):
 * events of records without an entity, those of one record side by side;
 * sizes: how many each of these records has.
 */
Datum
syncore_what_if(PG_FUNCTION_ARGS)
{
	Asking asking = { .result = (ReturnSetInfo *) fcinfo->resultinfo,
					  .since = PG_GETARG_TIMESTAMPTZ(3) };
	int nentities;
	int nevents;
	int nsizes;
	const int64 *entities = ids_of(PG_GETARG_DATUM(0), &nentities);
	const int64 *events = ids_of(PG_GETARG_DATUM(1), &nevents);
	const int64 *sizes = ids_of(PG_GETARG_DATUM(2), &nsizes);

	InitMaterializedSRF(fcinfo, 0);
	connect();
	asking.wanted = sc_config_get();
	asking.committed = sc_config_committed();
	SPI_finish();
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext cxt = AllocSetContextCreate(caller, "syncore what if", ALLOCSET_DEFAULT_SIZES);

	for (int i = 0; i < nentities + nsizes; i++)
	{
		CHECK_FOR_INTERRUPTS();
		/* What queries return stays until their connection ends. */
		connect();
		MemoryContextSwitchTo(cxt);
		if (i < nentities)
			ask_entity(&asking, entities[i]);
		else
		{
			ask_record(&asking, events, (int) sizes[i - nentities]);
			events += sizes[i - nentities];
		}
		SPI_finish();
		MemoryContextSwitchTo(caller);
		MemoryContextReset(cxt);
	}
	return (Datum) 0;
}

static void
connect(void)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
}

static void
ask_entity(const Asking *asking, int64 entity)
{
	compare(asking, sc_past_of_entity(asking->committed, entity, asking->since));
}

static void
ask_record(const Asking *asking, const int64 *events, int n)
{
	compare(asking, sc_past_of_record(asking->committed, events, n));
}

static void
compare(const Asking *asking, const ScPast *past)
{
	const ScWorld *was = sc_past_replay(past, asking->committed);
	const ScWorld *would_be = sc_past_replay(past, asking->wanted);
	const ScEntity *entity = would_be->entity;

	compare_refusals(asking, past, was, would_be);
	if (entity == NULL)
		return;
	for (int i = 0; i < entity->type->nfields; i++)
		compare_field(asking, was, would_be, &entity->type->fields[i]);
	for (int i = 0; i < list_length(entity->links); i++)
		compare_link(asking, was, would_be, list_nth(entity->links, i));
	for (int i = 0; was->entity != NULL && i < list_length(was->entity->links); i++)
		tell_missing(asking, would_be, list_nth(was->entity->links, i));
}

static void
compare_field(const Asking *asking, const ScWorld *was, const ScWorld *would_be,
			  const ScField *field)
{
	ScEntity *entity = would_be->entity;
	ScStamp *stamp = sc_stamp_find(&entity->stamps, field->name);
	const ScLedgerEntry *ruling = sc_rehearse_ruling(&would_be->batch, entity, field->name, 0);
	ScFieldValue *before = was->entity == NULL ? NULL : sc_model_value(was->entity, field->name);
	ScFieldValue *after = sc_model_value(entity, field->name);
	ScDifference row = { .ref = sc_rehearse_ref(entity), .field = field->name };

	if ((before == NULL || sc_value_is_null(&before->value)) &&
		(after == NULL || sc_value_is_null(&after->value)))
		return;
	if (before != NULL && after != NULL && sc_value_equal(&before->value, &after->value))
		return;
	row.was = value_of(was, field);
	row.would_be = value_of(would_be, field);
	if (stamp != NULL && stamp->nversions > 0)
		row.system =
			sc_say_system(&would_be->batch, stamp->together ? 0 : stamp->versions[0].system_id);
	row.rule = ruling == NULL ? "not read" : ruling->rule;
	row.because =
		ruling == NULL ? "Nothing that was said of it since then is taken." : ruling->reason;
	sc_rehearse_put(asking->result, &row);
}

/* A record more, one that is no longer written to, or other words for the same. */
static void
compare_link(const Asking *asking, const ScWorld *was, const ScWorld *would_be, ScLink *link)
{
	ScLink *before = link_of(was, link);
	ScDifference row = { .ref = sc_rehearse_ref(would_be->entity),
						 .system = link->system->name,
						 .rule = "route" };

	if (before == NULL && link->state == SC_LINK_CREATING)
		row.because = psprintf("A record of type \"%s\" is created in %s.", link->record_type,
							   link->system->name);
	else if (before != NULL && before->in_route && !link->in_route)
		row.because = psprintf("No route takes it to %s any more: its record there stays as it is.",
							   link->system->name);
	else if (before != NULL && !before->in_route && link->in_route)
		row.because = psprintf("A route takes it to %s again: its record there is kept in step.",
							   link->system->name);
	if (row.because != NULL)
		sc_rehearse_put(asking->result, &row);
	else if (before != NULL)
		compare_words(asking, was, would_be, before, link);
}

/* A record that was made, and would not be. */
static void
tell_missing(const Asking *asking, const ScWorld *would_be, const ScLink *link)
{
	if (link_of(would_be, link) != NULL)
		return;
	sc_rehearse_put(
		asking->result,
		&(ScDifference){ .ref = sc_rehearse_ref(would_be->entity),
						 .system = link->system->name,
						 .rule = "route",
						 .because = psprintf("No record of type \"%s\" is created in %s.",
											 link->record_type, link->system->name) });
}

/* The same value, told in other words. */
static void
compare_words(const Asking *asking, const ScWorld *was, const ScWorld *would_be, ScLink *before,
			  ScLink *link)
{
	ScEntity *entity = would_be->entity;

	for (int i = 0; i < entity->nvalues; i++)
	{
		const char *name = entity->values[i].field;
		ScFieldValue *old = sc_model_value(was->entity, name);
		const ScFieldMap *form = link->map == NULL ? NULL : sc_merge_form(link->map, name);
		const ScFieldMap *form_before =
			before->map == NULL ? NULL : sc_merge_form(before->map, name);

		if (old == NULL || form == NULL || form_before == NULL ||
			!sc_conf_is_written(link->map, name) ||
			!sc_value_equal(&old->value, &entity->values[i].value))
			continue;
		ScValue said = sc_merge_down(&was->batch, was->entity, before, form_before);
		ScValue says = sc_merge_down(&would_be->batch, entity, link, form);

		if (said.state != SC_VALUE_JSON || says.state != SC_VALUE_JSON ||
			sc_value_equal(&said, &says))
			continue;
		sc_rehearse_put(asking->result,
						&(ScDifference){ .ref = sc_rehearse_ref(entity),
										 .system = link->system->name,
										 .field = name,
										 .was = sc_rehearse_external(form->field, &said),
										 .would_be = sc_rehearse_external(form->field, &says),
										 .rule = "map",
										 .because = "The value is the same, its word there is "
													"another." });
	}
}

/* Events that were taken and would not be, or the other way round. */
static void
compare_refusals(const Asking *asking, const ScPast *past, const ScWorld *was,
				 const ScWorld *would_be)
{
	const ScStep *first = past->nsteps == 0 ? NULL : &past->steps[0];
	ScDifference row = { .rule = "quarantine" };

	for (int i = 0; i < past->nsteps && (first == NULL || first->event == NULL); i++)
		first = &past->steps[i];
	if (was->nrefused == would_be->nrefused || first == NULL || first->event == NULL)
		return;
	row.ref = would_be->entity != NULL			   ? sc_rehearse_ref(would_be->entity)
			  : first->event->external_key != NULL ? first->event->external_key
												   : first->event->external_id;
	row.system = first->event->system;
	row.because = would_be->nrefused > was->nrefused
					  ? psprintf("Of its events %d more would be refused: %s",
								 would_be->nrefused - was->nrefused, would_be->refusal)
					  : psprintf("Of its events %d fewer would be refused; they were because: %s",
								 was->nrefused - would_be->nrefused, was->refusal);
	sc_rehearse_put(asking->result, &row);
}

static ScLink *
link_of(const ScWorld *world, const ScLink *like)
{
	ListCell *cell;

	if (world->entity == NULL)
		return NULL;
	foreach (cell, world->entity->links)
		if (((ScLink *) lfirst(cell))->system->id == like->system->id)
			return lfirst(cell);
	return NULL;
}

static Jsonb *
value_of(const ScWorld *world, const ScField *field)
{
	ScFieldValue *value = world->entity == NULL ? NULL : sc_model_value(world->entity, field->name);

	return value == NULL ? NULL : sc_say_jsonb(field, &value->value);
}

static const int64 *
ids_of(Datum array, int *n)
{
	Datum *elements;
	bool *nulls;
	int64 *ids;

	deconstruct_array(DatumGetArrayTypeP(array), INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &elements, &nulls, n);
	ids = palloc(sizeof(int64) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		ids[i] = nulls[i] ? 0 : DatumGetInt64(elements[i]);
	return ids;
}
