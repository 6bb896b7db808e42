/*
 * map.c
 *	  Field maps at work: a record's fields in canonical form, a canonical value
 *	  in a product's form.  The order of steps is told in map.h.
 *
 * Bad data is an outcome, never an error: SC_MAP_FAILED says what is wrong and
 * what to do, without the value of a field that is sensitive.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "core/convert.h"
#include "core/json.h"
#include "core/map.h"
#include "core/richtext.h"

#define SC_MAP_QUOTED_MAX 60 /* bytes of a value that a message shows */

typedef struct Run /* one value on its way */
{
	const ScConf *conf;
	const ScSystem *system;
	const ScFieldMap *map;
	const ScEntityType *type; /* NULL = states are not checked here */
	Jsonb *record;			  /* NULL outbound */
	const ScMapHooks *hooks;
	ScMapped out;
} Run;

static Run start_run(const ScMapCxt *cxt, const ScFieldMap *map, Jsonb *record);
static ScMapped map_up(Run *run, Jsonb *external);
static void up_value(Run *run, Jsonb *external, bool is_fallback);
static void up_set(Run *run, Jsonb *external, bool is_fallback);
static Jsonb *up_scalar(Run *run, Jsonb *external, bool is_fallback);
static void up_null(Run *run);
static void down_value(Run *run, Jsonb *canonical, const char *qualifier, bool is_fallback);
static void down_set(Run *run, Jsonb *canonical);
static Jsonb *down_scalar(Run *run, Jsonb *canonical, const char *qualifier, bool is_fallback);
static void down_null(Run *run);
static char *fallback_of_member(Run *run);
static Jsonb *nothing_of(const ScFieldMap *map);
static bool transform(Run *run, const char *function, Jsonb **value);
static void unmapped(Run *run, const char *word, const char *where);
static void fail(Run *run, int sqlstate, char *message, char *hint);
static void fail_converted(Run *run, const ScConverted *converted);
static bool is_declared(Run *run, const char *word);
static bool loses(Run *run, Jsonb *external, const char *canonical);
static const ScValuePair *pair_in(const ScValueMap *values, const char *external);
static const ScValuePair *pair_out(const ScValueMap *values, const char *canonical,
								   const char *qualifier, bool *exact);
static Jsonb *look_up(Jsonb *record, const ScPointer *pointer);
static char *quoted(Run *run, const char *word);
static bool same_set(const ScFieldMap *map, Jsonb *a, Jsonb *b);
static int words_of_set(const ScFieldMap *map, Jsonb *external, char ***words);
static bool is_person(const ScFieldMap *map);

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
		Run run = start_run(cxt, row, record);
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
			if (external == NULL && full_record && record != NULL &&
				row->field->sensitive == SC_SENSITIVE_NO)
				external = sc_value_null().json;
			run.out.outcome = SC_MAP_ABSENT;
			if (external != NULL)
				map_up(&run, external);
		}
		(*result)[count++] = run.out;
	}
	return count;
}

/* One value inbound; its condition is looked at when there is a record. */
ScMapped
sc_map_up(const ScMapCxt *cxt, const ScFieldMap *map, const ScValue *external, Jsonb *record)
{
	Run run = start_run(cxt, map, record);
	run.out.external = *external;
	if (external->state != SC_VALUE_JSON)
		run.out.outcome = SC_MAP_ABSENT;
	else if (record != NULL && !sc_conf_holds(map->condition, record))
		run.out.outcome = SC_MAP_SKIPPED;
	else
		map_up(&run, external->json);
	return run.out;
}

/* One value outbound.  A condition is over the external record, so it is the caller's to look at. */
ScMapped
sc_map_down(const ScMapCxt *cxt, const ScFieldMap *map, const ScValue *canonical,
			const char *qualifier)
{
	Run run = start_run(cxt, map, NULL);
	run.out.canonical = *canonical;
	run.out.qualifier = qualifier == NULL ? NULL : pstrdup(qualifier);
	if (canonical->state != SC_VALUE_JSON)
	{
		run.out.outcome = SC_MAP_ABSENT;
		return run.out;
	}
	run.out.outcome = SC_MAP_OK;
	if (sc_convert_is_nothing(canonical->json))
		down_null(&run);
	else
		down_value(&run, canonical->json, qualifier, false);
	if (run.out.outcome != SC_MAP_OK && run.out.outcome != SC_MAP_NEAREST)
		return run.out;
	Jsonb *spelt = run.out.external.json;
	if (map->transform_out != NULL)
	{
		if (!transform(&run, map->transform_out, &spelt))
			return run.out;
		run.out.external = sc_value_json(spelt);
	}
	return run.out;
}

/* Do two external values stand for the same? */
bool
sc_map_same_external(const ScFieldMap *map, const ScValue *a, const ScValue *b)
{
	if (sc_value_equal(a, b))
		return true;
	if (a->state != SC_VALUE_JSON || b->state != SC_VALUE_JSON)
		return false;
	bool no_a = sc_convert_is_nothing(a->json);
	bool no_b = sc_convert_is_nothing(b->json);
	if (no_a || no_b)
		return no_a && no_b;
	if (map->field->kind == SC_KIND_SET)
		return same_set(map, a->json, b->json);
	Jsonb *bare_a = sc_convert_unwrap(map, a->json);
	Jsonb *bare_b = sc_convert_unwrap(map, b->json);
	char *word_a = sc_convert_word(bare_a);
	char *word_b = sc_convert_word(bare_b);
	if (word_a != NULL && word_b != NULL && strcmp(word_a, word_b) == 0)
		return true;
	if (map->values != NULL || is_person(map) || map->field->kind == SC_KIND_JSON)
	{
		ScValue value_a = sc_value_json(bare_a);
		ScValue value_b = sc_value_json(bare_b);
		return sc_value_equal(&value_a, &value_b);
	}
	ScConverted up_a = sc_convert_up(map, bare_a);
	ScConverted up_b = sc_convert_up(map, bare_b);
	if (up_a.value == NULL || up_b.value == NULL)
		return false;
	ScValue value_a = sc_value_json(up_a.value);
	ScValue value_b = sc_value_json(up_b.value);
	return sc_value_equal(&value_a, &value_b);
}

static Run
start_run(const ScMapCxt *cxt, const ScFieldMap *map, Jsonb *record)
{
	Run run = {
		.conf = cxt->conf, .system = cxt->system, .map = map, .record = record, .hooks = cxt->hooks
	};
	run.out.map = map;
	run.out.external = SC_UNKNOWN;
	run.out.canonical = SC_UNKNOWN;
	return run;
}

static ScMapped
map_up(Run *run, Jsonb *external)
{
	Jsonb *value = external;
	run->out.external = sc_value_json(external);
	run->out.outcome = SC_MAP_OK;
	if (run->map->transform_in != NULL && !transform(run, run->map->transform_in, &value))
		return run->out;
	if (run->map->field->kind != SC_KIND_SET)
		value = sc_convert_unwrap(run->map, value);
	up_value(run, value, false);
	return run->out;
}

/* is_fallback: the value is canonical already and is not looked up again. */
static void
up_value(Run *run, Jsonb *external, bool is_fallback)
{
	bool named = !is_fallback && run->map->values != NULL;
	if (sc_convert_is_nothing(external) &&
		!(named && pair_in(run->map->values, "") != NULL && sc_convert_word(external) != NULL))
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
up_set(Run *run, Jsonb *external, bool is_fallback)
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
		char *word = canonical == NULL ? fallback_of_member(run) : sc_convert_word(canonical);
		if (word != NULL)
			words[kept++] = word;
	}
	run->out.qualifier = NULL;
	run->out.canonical = kept == 0 ? sc_value_null() : sc_value_json(sc_convert_set(kept, words));
}

/* A scalar's canonical value; NULL when outcome says why there is none. */
static Jsonb *
up_scalar(Run *run, Jsonb *external, bool is_fallback)
{
	char *word = sc_convert_word(external);
	const char *found = NULL;
	if (!is_fallback && run->map->values != NULL)
	{
		const ScValuePair *pair = word == NULL ? NULL : pair_in(run->map->values, word);
		if (pair == NULL)
		{
			unmapped(run, word, run->map->values->name);
			return NULL;
		}
		if (pair->canonical == NULL)
			return sc_value_null().json;
		run->out.qualifier = pair->qualifier;
		found = pair->canonical;
		if (loses(run, external, pair->canonical))
			run->out.outcome = SC_MAP_NEAREST;
	}
	else if (!is_fallback && is_person(run->map))
	{
		found = word == NULL ? NULL : sc_conf_person(run->conf, run->system->id, word);
		if (found == NULL)
		{
			unmapped(run, word, "identity_map");
			return NULL;
		}
	}
	Jsonb *value = found == NULL ? external : sc_value_text(found).json;
	ScConverted converted = sc_convert_up(run->map, value);
	if (converted.value == NULL)
	{
		fail_converted(run, &converted);
		return NULL;
	}
	word = sc_convert_word(converted.value);
	if (word != NULL && !is_declared(run, word))
	{
		if (is_fallback)
			fail(run, ERRCODE_INVALID_PARAMETER_VALUE,
				 psprintf("the fallback of field \"%s\" is none of its values",
						  run->map->field->name),
				 pstrdup("Change fallback in the field map."));
		else
			unmapped(run, word, NULL);
		return NULL;
	}
	return converted.value;
}

/* on_null, inbound. */
static void
up_null(Run *run)
{
	switch (run->map->on_null)
	{
		case SC_NULL_KEEP:
			run->out.outcome = SC_MAP_SKIPPED;
			return;
		case SC_NULL_FALLBACK:
			if (run->map->fallback != NULL && run->map->fallback[0] != '\0')
			{
				up_value(run, sc_value_text(run->map->fallback).json, true);
				return;
			}
			break;
		case SC_NULL_REJECT:
			fail(run, ERRCODE_NOT_NULL_VIOLATION,
				 psprintf("field \"%s\" is empty, and its map rejects that", run->map->field->name),
				 pstrdup("Fill the field there, or set on_null to clear, keep or fallback."));
			return;
		case SC_NULL_CLEAR:
			break;
	}
	if (run->map->field->required)
	{
		fail(run, ERRCODE_NOT_NULL_VIOLATION,
			 psprintf("field \"%s\" is required and empty", run->map->field->name),
			 pstrdup("Fill the field there, or set on_null to keep or fallback."));
		return;
	}
	run->out.canonical = sc_value_null();
}

static void
down_value(Run *run, Jsonb *canonical, const char *qualifier, bool is_fallback)
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
down_set(Run *run, Jsonb *canonical)
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
		char *word = external == NULL ? fallback_of_member(run) : sc_convert_word(external);
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

/* What stands for a member of a set that no row maps; NULL = it is left out. */
static char *
fallback_of_member(Run *run)
{
	return run->map->on_unmapped == SC_UNMAPPED_FALLBACK ? run->map->fallback : NULL;
}

/* A scalar as the product spells it; NULL when outcome says why there is none. */
static Jsonb *
down_scalar(Run *run, Jsonb *canonical, const char *qualifier, bool is_fallback)
{
	char *word = sc_convert_word(canonical);
	if (run->map->values != NULL)
	{
		bool exact = false;
		const ScValuePair *pair =
			word == NULL ? NULL : pair_out(run->map->values, word, qualifier, &exact);
		if (pair != NULL)
		{
			if (!exact)
				run->out.outcome = SC_MAP_NEAREST;
			return sc_value_text(pair->external).json;
		}
		if (!is_fallback)
		{
			unmapped(run, word, run->map->values->name);
			return run->out.outcome == SC_MAP_OK ? run->out.external.json : NULL;
		}
	}
	else if (is_person(run->map))
	{
		const char *identity =
			word == NULL ? NULL : sc_conf_identity(run->conf, run->system->id, word);
		if (identity == NULL && !is_fallback)
		{
			unmapped(run, word, "identity_map");
			return run->out.outcome == SC_MAP_OK ? run->out.external.json : NULL;
		}
		if (identity != NULL)
			canonical = sc_value_text(identity).json;
	}
	ScConverted converted = sc_convert_down(run->map, canonical);
	if (converted.value == NULL)
		fail_converted(run, &converted);
	return converted.value;
}

/* on_null, outbound: a row of the value map for nothing, else how the product spells nothing. */
static void
down_null(Run *run)
{
	const ScFieldMap *map = run->map;
	if (map->on_null == SC_NULL_KEEP)
	{
		run->out.outcome = SC_MAP_SKIPPED;
		return;
	}
	if (map->on_null == SC_NULL_REJECT)
	{
		fail(run, ERRCODE_NOT_NULL_VIOLATION,
			 psprintf("field \"%s\" is empty, and its map rejects that", map->field->name),
			 pstrdup("Fill the field, or set on_null to clear, keep or fallback."));
		return;
	}
	if (map->on_null == SC_NULL_FALLBACK && map->fallback != NULL && map->fallback[0] != '\0')
	{
		down_value(run, sc_value_text(map->fallback).json, NULL, true);
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

/* Runs a function of the row; false with the failure set. */
static bool
transform(Run *run, const char *function, Jsonb **value)
{
	char *error = NULL;
	Jsonb *result = NULL;
	ScTransform asked = {
		.function = function, .run_as = run->map->run_as, .value = *value, .record = run->record
	};
	if (run->hooks == NULL || run->hooks->transform == NULL)
	{
		fail(run, ERRCODE_FEATURE_NOT_SUPPORTED,
			 psprintf("transform \"%s\" of field \"%s\" cannot run here", function,
					  run->map->field->name),
			 pstrdup("Transforms run where events are decided and calls are built."));
		return false;
	}
	if (!run->hooks->transform(run->hooks->arg, &asked, &result, &error))
	{
		fail(run, ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
			 psprintf("transform \"%s\" of field \"%s\" failed: %s", function,
					  run->map->field->name, error == NULL ? "no reason given" : error),
			 psprintf("Try it by hand as role %s, then release the event.",
					  run->map->run_as == NULL ? "that wrote the row" : run->map->run_as));
		return false;
	}
	*value = result == NULL ? sc_value_null().json : result;
	return true;
}

/* on_unmapped.  where: the value map or identity_map without the row; NULL: the field's declared values. */
static void
unmapped(Run *run, const char *word, const char *where)
{
	const ScFieldMap *map = run->map;
	bool outbound = run->out.canonical.state == SC_VALUE_JSON;
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
			down_value(run, fallback, NULL, true);
		else
			up_value(run, fallback, true);
		return;
	}
	char *shown = quoted(run, word);
	if (where == NULL)
		fail(run, ERRCODE_INVALID_PARAMETER_VALUE,
			 psprintf("%s is no value of field \"%s\"", shown, map->field->name),
			 pstrdup("Add it to the field's allowed values or states, give the field map a value "
					 "map, or set on_unmapped."));
	else if (strcmp(where, "identity_map") == 0)
		fail(run, ERRCODE_INVALID_PARAMETER_VALUE,
			 psprintf("%s of field \"%s\" is nobody that syncore knows in system \"%s\"", shown,
					  map->field->name, run->system->name),
			 pstrdup("Add a row to syncore.identity_map, or set on_unmapped of the field map to "
					 "skip or fallback."));
	else
		fail(run, ERRCODE_INVALID_PARAMETER_VALUE,
			 psprintf("%s of field \"%s\" has no row in value map \"%s\"", shown, map->field->name,
					  where),
			 psprintf("Add a row to syncore.value_map with name = '%s', or set on_unmapped of the "
					  "field map.",
					  where));
}

static void
fail(Run *run, int sqlstate, char *message, char *hint)
{
	run->out.outcome = SC_MAP_FAILED;
	run->out.sqlstate = sqlstate;
	run->out.message = message;
	run->out.hint = hint;
}

static void
fail_converted(Run *run, const ScConverted *converted)
{
	fail(run, converted->sqlstate,
		 psprintf("field \"%s\": %s", run->map->field->name, converted->message),
		 pstrdup(converted->hint));
}

/* One of the field's allowed values; of a state, one of the type's states. */
static bool
is_declared(Run *run, const char *word)
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
loses(Run *run, Jsonb *external, const char *canonical)
{
	bool exact = false;
	if (run->map->direction != SC_DIRECTION_BOTH || run->map->field->kind == SC_KIND_SET)
		return false;
	const ScValuePair *back = pair_out(run->map->values, canonical, run->out.qualifier, &exact);
	char *word = sc_convert_word(external);
	return back != NULL && word != NULL && (!exact || strcmp(back->external, word) != 0);
}

static const ScValuePair *
pair_in(const ScValueMap *values, const char *external)
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

/* The row with this qualifier, else the one without, else the first; *exact: nothing was passed over. */
static const ScValuePair *
pair_out(const ScValueMap *values, const char *canonical, const char *qualifier, bool *exact)
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

/* A value as a message may show it: not that of a sensitive field, and not all of a long one. */
static char *
quoted(Run *run, const char *word)
{
	if (word == NULL || run->map->field->sensitive != SC_SENSITIVE_NO)
		return pstrdup("the value");
	if (strlen(word) <= SC_MAP_QUOTED_MAX)
		return psprintf("value \"%s\"", word);
	int len = pg_mbcliplen(word, (int) strlen(word), SC_MAP_QUOTED_MAX);
	return psprintf("value \"%.*s...\"", len, word);
}

static bool
same_set(const ScFieldMap *map, Jsonb *a, Jsonb *b)
{
	char **words_a;
	char **words_b;
	int count_a = words_of_set(map, a, &words_a);
	int count_b = words_of_set(map, b, &words_b);
	ScValue set_a = sc_value_json(sc_convert_set(count_a, words_a));
	ScValue set_b = sc_value_json(sc_convert_set(count_b, words_b));
	return sc_value_equal(&set_a, &set_b);
}

static int
words_of_set(const ScFieldMap *map, Jsonb *external, char ***words)
{
	Jsonb **members;
	int count = sc_convert_split(map, external, &members);
	int kept = 0;
	*words = palloc(Max(count, 1) * sizeof(char *));
	for (int i = 0; i < count; i++)
	{
		Jsonb *member = sc_convert_unwrap(map, members[i]);
		char *word = sc_convert_word(member);
		if (word == NULL)
			word = JsonbToCString(NULL, &member->root, VARSIZE(member));
		if (word[0] != '\0')
			(*words)[kept++] = word;
	}
	return kept;
}

static bool
is_person(const ScFieldMap *map)
{
	return map->field->kind == SC_KIND_PERSON || map->field->kind == SC_KIND_GROUP;
}
