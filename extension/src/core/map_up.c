/*
 * map_up.c
 *	  One value inbound: null policy, value map or identity, type, and what the
 *	  field may hold.
 */
#include "postgres.h"

#include "core/map_private.h"

static void up_set(ScMapRun *run, Jsonb *external, bool is_fallback);
static Jsonb *up_scalar(ScMapRun *run, Jsonb *external, bool is_fallback);
static void up_null(ScMapRun *run);
static bool is_declared(ScMapRun *run, const char *word);
static bool loses(ScMapRun *run, Jsonb *external, const char *canonical);

void
sc_map_run_up(ScMapRun *run, Jsonb *external)
{
	Jsonb *value = external;
	run->out.external = sc_value_json(external);
	run->out.outcome = SC_MAP_OK;
	if (run->map->transform_in != NULL && !sc_map_transform(run, run->map->transform_in, &value))
		return;
	if (run->map->field->kind != SC_KIND_SET)
		value = sc_convert_unwrap(run->map, value);
	sc_map_up_value(run, value, false);
}

void
sc_map_up_value(ScMapRun *run, Jsonb *external, bool is_fallback)
{
	bool named = !is_fallback && run->map->values != NULL;
	if (sc_convert_is_nothing(external) &&
		!(named && sc_map_pair_in(run->map->values, "") != NULL &&
		  sc_convert_word(external) != NULL))
		up_null(run);
	else if (run->map->field->kind == SC_KIND_SET)
		up_set(run, external, is_fallback);
	else
	{
		Jsonb *canonical = up_scalar(run, external, is_fallback);
		if (canonical == NULL)
			return;
		run->out.canonical = sc_value_json(canonical);
		if (sc_convert_is_nothing(canonical))
			run->out.canonical = sc_value_null();
	}
}

/* Each member by the value map; members that map to nothing, or are to be skipped, are left out. */
static void
up_set(ScMapRun *run, Jsonb *external, bool is_fallback)
{
	Jsonb **members;
	int count = sc_convert_split(run->map, external, &members);
	char **words = palloc(Max(count, 1) * sizeof(char *));
	int kept = 0;
	for (int i = 0; i < count; i++)
	{
		Jsonb *member = sc_convert_unwrap(run->map, members[i]);
		if (sc_convert_is_nothing(member))
			continue;
		Jsonb *canonical = up_scalar(run, member, is_fallback);
		if (canonical == NULL && run->out.outcome == SC_MAP_FAILED)
			return;
		run->out.outcome = SC_MAP_OK;
		char *word = canonical == NULL ? sc_map_member_fallback(run) : sc_convert_word(canonical);
		if (word != NULL)
			words[kept++] = word;
	}
	run->out.qualifier = NULL;
	run->out.canonical = kept == 0 ? sc_value_null() : sc_value_json(sc_convert_set(kept, words));
}

/* A scalar's canonical value; NULL when outcome says why there is none. */
static Jsonb *
up_scalar(ScMapRun *run, Jsonb *external, bool is_fallback)
{
	char *word = sc_convert_word(external);
	const char *found = NULL;
	if (!is_fallback && run->map->values != NULL)
	{
		const ScValuePair *pair = word == NULL ? NULL : sc_map_pair_in(run->map->values, word);
		if (pair == NULL)
		{
			sc_map_unmapped(run, word, run->map->values->name);
			return NULL;
		}
		if (pair->canonical == NULL)
			return sc_value_null().json;
		run->out.qualifier = pair->qualifier;
		found = pair->canonical;
		if (loses(run, external, pair->canonical))
			run->out.outcome = SC_MAP_NEAREST;
	}
	else if (!is_fallback && sc_map_is_person(run->map))
	{
		found = word == NULL ? NULL : sc_conf_person(run->conf, run->system->id, word);
		if (found == NULL)
		{
			sc_map_unmapped(run, word, "identity_map");
			return NULL;
		}
	}
	else if (!is_fallback && word != NULL && sc_map_is_reference(run))
	{
		found = run->hooks->reference_up(run->system, word);
		if (found == NULL)
			found = psprintf("%s:%s", run->system->name, word);
	}
	Jsonb *value = found == NULL ? external : sc_value_text(found).json;
	ScConverted converted = sc_convert_up(run->map, value);
	if (converted.value == NULL)
	{
		sc_map_fail_converted(run, &converted);
		return NULL;
	}
	word = sc_convert_word(converted.value);
	if (word != NULL && !is_declared(run, word))
	{
		if (is_fallback)
			sc_map_fail(run, ERRCODE_INVALID_PARAMETER_VALUE,
						psprintf("the fallback of field \"%s\" is none of its values",
								 run->map->field->name),
						pstrdup("Change fallback in the field map."));
		else
			sc_map_unmapped(run, word, NULL);
		return NULL;
	}
	return converted.value;
}

/* on_null, inbound. */
static void
up_null(ScMapRun *run)
{
	switch (run->map->on_null)
	{
		case SC_NULL_KEEP:
			run->out.outcome = SC_MAP_SKIPPED;
			return;
		case SC_NULL_FALLBACK:
			if (run->map->fallback != NULL && run->map->fallback[0] != '\0')
			{
				sc_map_up_value(run, sc_value_text(run->map->fallback).json, true);
				return;
			}
			break;
		case SC_NULL_REJECT:
			sc_map_fail(
				run, ERRCODE_NOT_NULL_VIOLATION,
				psprintf("field \"%s\" is empty, and its map rejects that", run->map->field->name),
				pstrdup("Fill the field there, or set on_null to clear, keep or fallback."));
			return;
		case SC_NULL_CLEAR:
			break;
	}
	if (run->map->field->required)
	{
		sc_map_fail(run, ERRCODE_NOT_NULL_VIOLATION,
					psprintf("field \"%s\" is required and empty", run->map->field->name),
					pstrdup("Fill the field there, or set on_null to keep or fallback."));
		return;
	}
	run->out.canonical = sc_value_null();
}

/* One of the field's allowed values; of a state, one of the type's states. */
static bool
is_declared(ScMapRun *run, const char *word)
{
	const ScField *field = run->map->field;
	if (field->kind == SC_KIND_STATE && run->type != NULL && run->type->nstates > 0)
	{
		bool found = false;
		for (int i = 0; i < run->type->nstates; i++)
			found = found || strcmp(run->type->states[i].name, word) == 0;
		if (!found)
			return false;
	}
	for (int i = 0; i < field->nallowed; i++)
	{
		if (strcmp(field->allowed[i], word) == 0)
			return true;
	}
	return field->nallowed == 0 || field->allowed == NULL;
}

/* Would the canonical value, sent back, say less than what was read? */
static bool
loses(ScMapRun *run, Jsonb *external, const char *canonical)
{
	bool exact = false;
	if (run->map->direction != SC_DIRECTION_BOTH || run->map->field->kind == SC_KIND_SET)
		return false;
	const ScValuePair *back =
		sc_map_pair_out(run->map->values, canonical, run->out.qualifier, &exact);
	char *word = sc_convert_word(external);
	return back != NULL && word != NULL && (!exact || strcmp(back->external, word) != 0);
}
