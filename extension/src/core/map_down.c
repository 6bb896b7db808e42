/*
 * map_down.c
 *	  One value outbound: null policy, type, value map or identity, spelling.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "core/json.h"
#include "core/map_private.h"

static void down_set(ScMapRun *run, Jsonb *canonical);
static Jsonb *down_scalar(ScMapRun *run, Jsonb *canonical, const char *qualifier, bool is_fallback);
static Jsonb *nothing_of(const ScFieldMap *map);

void
sc_map_down_value(ScMapRun *run, Jsonb *canonical, const char *qualifier, bool is_fallback)
{
	if (run->map->field->kind == SC_KIND_SET)
	{
		down_set(run, canonical);
		return;
	}
	Jsonb *external = down_scalar(run, canonical, qualifier, is_fallback);
	if (external != NULL)
		run->out.external = sc_value_json(external);
}

/* An array, of objects where format.member says so; or one text. */
static void
down_set(ScMapRun *run, Jsonb *canonical)
{
	Jsonb **members;
	int count = sc_convert_split(run->map, canonical, &members);
	const char *reason;
	ScPointer *member =
		run->map->list_member == NULL ? NULL : sc_pointer_parse(run->map->list_member, &reason);
	ScJson array = sc_json_array();
	StringInfoData joined;
	initStringInfo(&joined);
	for (int i = 0; i < count; i++)
	{
		if (sc_convert_is_nothing(members[i]))
			continue;
		Jsonb *external = down_scalar(run, members[i], NULL, false);
		if (external == NULL && run->out.outcome == SC_MAP_FAILED)
			return;
		run->out.outcome = SC_MAP_OK;
		char *word = external == NULL ? sc_map_member_fallback(run) : sc_convert_word(external);
		if (external == NULL && word == NULL)
			continue;
		if (external == NULL)
			external = sc_value_text(word).json;
		appendStringInfo(&joined, "%s%s", joined.len > 0 ? run->map->list_separator : "",
						 word == NULL ? "" : word);
		sc_json_jsonb(&array, NULL,
					  member != NULL && member->len > 0 ? sc_pointer_set(NULL, member, external)
														: external);
	}
	if (run->map->list_separator != NULL && run->map->list_separator[0] != '\0')
		run->out.external = sc_value_text(joined.data);
	else
		run->out.external = sc_value_json(sc_json_end(&array));
}

/* A scalar as the product spells it; NULL when outcome says why there is none. */
static Jsonb *
down_scalar(ScMapRun *run, Jsonb *canonical, const char *qualifier, bool is_fallback)
{
	char *word = sc_convert_word(canonical);
	if (run->map->values != NULL)
	{
		bool exact = false;
		const ScValuePair *pair =
			word == NULL ? NULL : sc_map_pair_out(run->map->values, word, qualifier, &exact);
		if (pair != NULL)
		{
			if (!exact)
				run->out.outcome = SC_MAP_NEAREST;
			return sc_value_text(pair->external).json;
		}
		if (!is_fallback)
		{
			sc_map_unmapped(run, word, run->map->values->name);
			return run->out.outcome == SC_MAP_OK ? run->out.external.json : NULL;
		}
	}
	else if (sc_map_is_person(run->map))
	{
		const char *identity =
			word == NULL ? NULL : sc_conf_identity(run->conf, run->system->id, word);
		if (identity == NULL && !is_fallback)
		{
			sc_map_unmapped(run, word, "identity_map");
			return run->out.outcome == SC_MAP_OK ? run->out.external.json : NULL;
		}
		if (identity != NULL)
			canonical = sc_value_text(identity).json;
	}
	else if (word != NULL && sc_map_is_reference(run))
	{
		char *key =
			run->hooks->reference_down(run->conf, run->system, word, run->map->reference_key);
		if (key == NULL && !is_fallback)
		{
			sc_map_unmapped(run, word, SC_MAP_REFERENCE);
			return run->out.outcome == SC_MAP_OK ? run->out.external.json : NULL;
		}
		if (key != NULL)
			canonical = sc_value_text(key).json;
	}
	ScConverted converted = sc_convert_down(run->map, canonical);
	if (converted.value == NULL)
		sc_map_fail_converted(run, &converted);
	return converted.value;
}

void
sc_map_down_null(ScMapRun *run)
{
	const ScFieldMap *map = run->map;
	if (map->on_null == SC_NULL_KEEP)
	{
		run->out.outcome = SC_MAP_SKIPPED;
		return;
	}
	if (map->on_null == SC_NULL_REJECT)
	{
		sc_map_fail(run, ERRCODE_NOT_NULL_VIOLATION,
					psprintf("field \"%s\" is empty, and its map rejects that", map->field->name),
					pstrdup("Fill the field, or set on_null to clear, keep or fallback."));
		return;
	}
	if (map->on_null == SC_NULL_FALLBACK && map->fallback != NULL && map->fallback[0] != '\0')
	{
		sc_map_down_value(run, sc_value_text(map->fallback).json, NULL, true);
		return;
	}
	run->out.external = sc_value_json(nothing_of(map));
}

static Jsonb *
nothing_of(const ScFieldMap *map)
{
	for (int i = 0; map->values != NULL && i < map->values->nout; i++)
	{
		if (map->values->out[i].canonical == NULL)
			return sc_value_text(map->values->out[i].external).json;
	}
	if (map->field->kind == SC_KIND_SET && map->null_text == NULL && map->list_separator == NULL)
	{
		ScJson empty = sc_json_array();
		return sc_json_end(&empty);
	}
	return sc_value_text(map->null_text).json;
}
