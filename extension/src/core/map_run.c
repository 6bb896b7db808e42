/*
 * map_run.c
 *	  What both directions of a field map use: functions of the row, rows of a
 *	  value map, what is done with a value that no row knows, failures.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "core/map_private.h"

#define SC_MAP_QUOTED_MAX 60 /* bytes of a value that a message shows */

static void say_unmapped(ScMapRun *run, const char *word, const char *where);
static char *quoted(ScMapRun *run, const char *word);

bool
sc_map_transform(ScMapRun *run, const char *function, Jsonb **value)
{
	char *error = NULL;
	Jsonb *result = NULL;
	ScTransform asked = {
		.function = function, .run_as = run->map->run_as, .value = *value, .record = run->record
	};
	if (run->hooks == NULL || run->hooks->transform == NULL)
	{
		sc_map_fail(run, ERRCODE_FEATURE_NOT_SUPPORTED,
					psprintf("transform \"%s\" of field \"%s\" cannot run here", function,
							 run->map->field->name),
					pstrdup("Transforms run where events are decided and calls are built."));
		return false;
	}
	if (!run->hooks->transform(run->hooks->arg, &asked, &result, &error))
	{
		sc_map_fail(run, ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
					psprintf("transform \"%s\" of field \"%s\" failed: %s", function,
							 run->map->field->name, error == NULL ? "no reason given" : error),
					psprintf("Try it by hand as role %s, then release the event.",
							 run->map->run_as == NULL ? "that wrote the row" : run->map->run_as));
		return false;
	}
	*value = result == NULL ? sc_value_null().json : result;
	return true;
}

void
sc_map_unmapped(ScMapRun *run, const char *word, const char *where)
{
	const ScFieldMap *map = run->map;
	bool outbound = run->out.canonical.state == SC_VALUE_JSON;
	bool person = where != NULL && strcmp(where, "identity_map") == 0;

	/* Strangers, and members that a set is not to have, are everyday; a word of a scale is not. */
	if (!person && map->field->kind != SC_KIND_SET)
	{
		run->out.unmapped = true;
		say_unmapped(run, word, where);
	}
	if (map->on_unmapped == SC_UNMAPPED_SKIP ||
		(map->on_unmapped == SC_UNMAPPED_FALLBACK && map->field->kind == SC_KIND_SET))
	{
		run->out.outcome = SC_MAP_SKIPPED;
		return;
	}
	if (map->on_unmapped == SC_UNMAPPED_FALLBACK && map->fallback != NULL)
	{
		Jsonb *fallback = sc_value_text(map->fallback).json;
		run->out.qualifier = NULL;
		if (outbound)
			sc_map_down_value(run, fallback, NULL, true);
		else
		{
			sc_map_up_value(run, fallback, true);
			/* What was said is not what is kept: the ledger tells. */
			if (run->out.outcome == SC_MAP_OK)
				run->out.outcome = SC_MAP_NEAREST;
		}
		return;
	}
	say_unmapped(run, word, where);
	run->out.outcome = SC_MAP_FAILED;
	run->out.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE;
}

/* Which word it is that no row knows, and what to do. */
static void
say_unmapped(ScMapRun *run, const char *word, const char *where)
{
	const ScFieldMap *map = run->map;
	char *shown = quoted(run, word);

	if (where == NULL)
	{
		run->out.message = psprintf("%s is no value of field \"%s\"", shown, map->field->name);
		run->out.hint = "Add it to the field's allowed values or states, give the field map a "
						"value map, or set on_unmapped.";
	}
	else if (strcmp(where, SC_MAP_REFERENCE) == 0)
	{
		run->out.message =
			psprintf("%s of field \"%s\" is no record that there is in system \"%s\"", shown,
					 map->field->name, run->system->name);
		run->out.hint = "It follows when that record is there; if it never will be, set "
						"on_unmapped of the field map to skip or fallback.";
	}
	else if (strcmp(where, "identity_map") == 0)
	{
		run->out.message = psprintf("%s of field \"%s\" is nobody that syncore knows in system "
									"\"%s\"",
									shown, map->field->name, run->system->name);
		run->out.hint = "Add a row to syncore.identity_map, or set on_unmapped of the field map to "
						"skip or fallback.";
	}
	else
	{
		run->out.message = psprintf("%s of field \"%s\" has no row in value map \"%s\"", shown,
									map->field->name, where);
		run->out.hint = psprintf("Add a row to syncore.value_map with name = '%s', or set "
								 "on_unmapped of the field map.",
								 where);
	}
}

void
sc_map_fail(ScMapRun *run, int sqlstate, char *message, char *hint)
{
	run->out.outcome = SC_MAP_FAILED;
	run->out.sqlstate = sqlstate;
	run->out.message = message;
	run->out.hint = hint;
}

void
sc_map_fail_converted(ScMapRun *run, const ScConverted *converted)
{
	sc_map_fail(run, converted->sqlstate,
				psprintf("field \"%s\": %s", run->map->field->name, converted->message),
				pstrdup(converted->hint));
}

/* A value as a message may show it: not that of a sensitive field, and not all of a long one. */
static char *
quoted(ScMapRun *run, const char *word)
{
	if (word == NULL || run->map->field->sensitive != SC_SENSITIVE_NO)
		return pstrdup("the value");
	if (strlen(word) <= SC_MAP_QUOTED_MAX)
		return psprintf("value \"%s\"", word);
	int len = pg_mbcliplen(word, (int) strlen(word), SC_MAP_QUOTED_MAX);
	return psprintf("value \"%.*s...\"", len, word);
}

char *
sc_map_member_fallback(ScMapRun *run)
{
	return run->map->on_unmapped == SC_UNMAPPED_FALLBACK ? run->map->fallback : NULL;
}

const ScValuePair *
sc_map_pair_in(const ScValueMap *values, const char *external)
{
	int low = 0;
	int high = values->len;
	while (low < high)
	{
		int middle = low + (high - low) / 2;
		if (strcmp(values->in[middle].external, external) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < values->len && strcmp(values->in[low].external, external) == 0 ? &values->in[low]
																				: NULL;
}

const ScValuePair *
sc_map_pair_out(const ScValueMap *values, const char *canonical, const char *qualifier, bool *exact)
{
	const ScValuePair *plain = NULL;
	const ScValuePair *any = NULL;
	*exact = true;
	for (int i = 0; i < values->nout; i++)
	{
		const ScValuePair *pair = &values->out[i];
		if (pair->canonical == NULL || strcmp(pair->canonical, canonical) != 0)
			continue;
		if (qualifier != NULL && pair->qualifier != NULL && strcmp(pair->qualifier, qualifier) == 0)
			return pair;
		if (pair->qualifier == NULL && plain == NULL)
			plain = pair;
		if (any == NULL)
			any = pair;
	}
	*exact = qualifier == NULL || qualifier[0] == '\0';
	return plain != NULL ? plain : any;
}

bool
sc_map_is_person(const ScFieldMap *map)
{
	return map->field->kind == SC_KIND_PERSON || map->field->kind == SC_KIND_GROUP;
}

bool
sc_map_is_reference(const ScMapRun *run)
{
	return run->map->field->kind == SC_KIND_REFERENCE && run->hooks != NULL &&
		   run->hooks->reference_up != NULL && run->hooks->reference_down != NULL;
}
