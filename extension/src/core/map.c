/*
 * map.c
 *	  Field maps at work: a record's fields in canonical form, a canonical value
 *	  in a product's form.  The order of steps is told in map.h.
 *
 * Bad data is an outcome, never an error: SC_MAP_FAILED says what is wrong and
 * what to do, without the value of a field that is sensitive.
 */
#include "postgres.h"

#include "core/map_private.h"

static ScMapRun start_run(const ScMapCxt *cxt, const ScFieldMap *map, Jsonb *record);
static Jsonb *look_up(Jsonb *record, const ScPointer *pointer);

/* One ScMapped for every row that reads, in the order of the map. */
int
sc_map_read(const ScMapCxt *cxt, const ScRecordMap *map, Jsonb *record, bool full_record,
			ScMapped **result)
{
	int count = 0;
	*result = palloc0(Max(map->nfields, 1) * sizeof(ScMapped));
	for (int i = 0; i < map->nfields; i++)
	{
		const ScFieldMap *row = &map->fields[i];
		if (row->direction != SC_DIRECTION_BOTH && row->direction != SC_DIRECTION_IN)
			continue;
		ScMapRun run = start_run(cxt, row, record);
		run.type = map->type;
		run.out.outcome = SC_MAP_SKIPPED;
		bool spoken = false;
		for (int k = 0; k < count; k++)
			spoken = spoken || ((*result)[k].map->field == row->field &&
								(*result)[k].outcome != SC_MAP_ABSENT &&
								(*result)[k].outcome != SC_MAP_SKIPPED);
		if (!spoken && (record == NULL || sc_conf_holds(row->condition, record)))
		{
			Jsonb *external = record == NULL ? NULL : look_up(record, row->path);
			if (external == NULL && full_record && record != NULL && !row->contract &&
				row->field->sensitive == SC_SENSITIVE_NO)
				external = sc_value_null().json;
			run.out.outcome = SC_MAP_ABSENT;
			if (external != NULL && sc_map_follow(&run, &external))
				sc_map_run_up(&run, external);
		}
		(*result)[count++] = run.out;
	}
	return count;
}

/* One value inbound; its condition is looked at when there is a record. */
ScMapped
sc_map_up(const ScMapCxt *cxt, const ScFieldMap *map, const ScValue *external, Jsonb *record)
{
	ScMapRun run = start_run(cxt, map, record);
	run.out.external = *external;
	if (external->state != SC_VALUE_JSON)
		run.out.outcome = SC_MAP_ABSENT;
	else if (record != NULL && !sc_conf_holds(map->condition, record))
		run.out.outcome = SC_MAP_SKIPPED;
	else
		sc_map_run_up(&run, external->json);
	return run.out;
}

/* One value outbound.  A condition is over the external record, so it is the caller's to look at. */
ScMapped
sc_map_down(const ScMapCxt *cxt, const ScFieldMap *map, const ScValue *canonical,
			const char *qualifier)
{
	ScMapRun run = start_run(cxt, map, NULL);
	run.out.canonical = *canonical;
	run.out.qualifier = qualifier == NULL ? NULL : pstrdup(qualifier);
	if (canonical->state != SC_VALUE_JSON)
	{
		run.out.outcome = SC_MAP_ABSENT;
		return run.out;
	}
	run.out.outcome = SC_MAP_OK;
	if (sc_convert_is_nothing(canonical->json))
		sc_map_down_null(&run);
	else
		sc_map_down_value(&run, canonical->json, qualifier, false);
	if (run.out.outcome != SC_MAP_OK && run.out.outcome != SC_MAP_NEAREST)
		return run.out;
	Jsonb *spelt = run.out.external.json;
	if (map->transform_out != NULL)
	{
		run.record = cxt->entity;
		if (!sc_map_transform(&run, map->transform_out, &spelt))
			return run.out;
		run.out.external = sc_value_json(spelt);
	}
	return run.out;
}

static ScMapRun
start_run(const ScMapCxt *cxt, const ScFieldMap *map, Jsonb *record)
{
	ScMapRun run = {
		.conf = cxt->conf, .system = cxt->system, .map = map, .record = record, .hooks = cxt->hooks
	};
	run.out.map = map;
	run.out.external = SC_UNKNOWN;
	run.out.canonical = SC_UNKNOWN;
	return run;
}

/*
 * The value at the pointer; a path that ends early in a null or an empty text
 * gives JSON null; NULL when the record does not speak of it.
 */
static Jsonb *
look_up(Jsonb *record, const ScPointer *pointer)
{
	Jsonb *found = sc_pointer_get(record, pointer);
	ScPointer above = *pointer;
	while (found == NULL && above.len > 1)
	{
		above.len--;
		Jsonb *parent = sc_pointer_get(record, &above);
		if (parent != NULL)
			return JB_ROOT_IS_SCALAR(parent) && sc_convert_is_nothing(parent) ? sc_value_null().json
																			  : NULL;
	}
	return found;
}
