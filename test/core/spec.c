/*
 * spec.c
 *	  See spec.h.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonpath.h"

#include "core/conf_private.h"
#include "core/json.h"
#include "spec.h"

static void build_field(ScField *field, Jsonb *document, const char *name);
static void build_field_map(ScFieldMap *map, ScField *field, ScValueMap *values, Jsonb *document);
static ScValueMap *build_values(Jsonb *list);
static int compare_in(const void *a, const void *b);
static void build_events(ScConnector *connector, Jsonb *list);
static void build_people(ScConf *conf, Jsonb *people);
static JsonPath *path_of(const char *condition);
static int index_of(const char *word, const char *words);
static bool run_transform(void *arg, const ScTransform *asked, Jsonb **result, char **error);

const ScMapHooks spec_hooks = { .transform = run_transform };

Spec
spec_build(Jsonb *document)
{
	Spec spec;
	spec.conf = palloc0(sizeof(ScConf));
	spec.conf->private_data = palloc0(sizeof(ScConfPrivate));
	spec.conf->nsystems = 1;
	spec.conf->systems = spec.system = palloc0(sizeof(ScSystem));
	ScConnector *connector = palloc0(sizeof(ScConnector));
	connector->name = pstrdup("made_up");
	connector->webhook = sc_json_get(document, "webhook");
	build_events(connector, sc_json_get(document, "events"));
	spec.system->id = 7;
	spec.system->name = pstrdup("snow");
	spec.system->connector = connector;
	char *keep = sc_json_get_text(document, "keep");
	spec.system->keep_payload = keep == NULL ? pstrdup("mapped") : keep;
	spec.system->accepts = path_of(sc_json_get_text(document, "accepts"));
	spec.system->nmaps = 1;
	spec.system->maps = spec.map = palloc0(sizeof(ScRecordMap));
	ScEntityType *type = palloc0(sizeof(ScEntityType));
	type->name = pstrdup("incident");
	Jsonb *states = sc_json_get(document, "states");
	Jsonb **elements;
	type->nstates = states == NULL ? 0 : sc_json_elements(states, &elements);
	type->states = palloc0((type->nstates + 1) * sizeof(ScState));
	for (int i = 0; i < type->nstates; i++)
	{
		ScValue name = sc_value_json(elements[i]);
		type->states[i].name = sc_value_to_cstring(&name);
	}
	spec.map->record_type = pstrdup("incident");
	spec.map->type = type;
	spec.map->condition = path_of(sc_json_get_text(document, "record_condition"));
	ScValueMap *values = build_values(sc_json_get(document, "values"));
	Jsonb *maps = sc_json_get(document, "maps");
	Jsonb *only = sc_json_get(document, "map");
	spec.map->nfields = maps == NULL ? (only == NULL ? 0 : 1) : sc_json_elements(maps, &elements);
	if (maps == NULL)
		elements = &only;
	spec.map->fields = palloc0((spec.map->nfields + 1) * sizeof(ScFieldMap));
	for (int i = 0; i < spec.map->nfields; i++)
	{
		Jsonb *own = sc_json_get(elements[i], "field");
		ScField *field = palloc0(sizeof(ScField));
		build_field(field, own == NULL ? sc_json_get(document, "field") : own, "severity");
		if (i > 0 && strcmp(field->name, spec.map->fields[i - 1].field->name) == 0)
			field = unconstify(ScField *, spec.map->fields[i - 1].field);
		build_field_map(&spec.map->fields[i], field, values, elements[i]);
	}
	build_people(spec.conf, sc_json_get(document, "people"));
	sc_conf_finish(spec.conf);
	return spec;
}

static void
build_field(ScField *field, Jsonb *document, const char *name)
{
	char *own = document == NULL ? NULL : sc_json_get_text(document, "name");
	char *kind = document == NULL ? NULL : sc_json_get_text(document, "kind");
	field->name = own == NULL ? pstrdup(name) : own;
	if (document == NULL)
		return;
	field->kind = kind == NULL
					  ? SC_KIND_TEXT
					  : index_of(kind, "text rich_text number boolean timestamp rank state person "
									   "group set reference url json ");
	field->required = sc_json_get_boolean(document, "required", false);
	char *sensitive = sc_json_get_text(document, "sensitive");
	field->sensitive =
		sensitive == NULL ? SC_SENSITIVE_NO : index_of(sensitive, "no masked hashed excluded ");
	Jsonb *allowed = sc_json_get(document, "allowed");
	Jsonb **elements;
	field->nallowed = allowed == NULL ? 0 : sc_json_elements(allowed, &elements);
	field->allowed = palloc0((field->nallowed + 1) * sizeof(char *));
	for (int i = 0; i < field->nallowed; i++)
	{
		ScValue word = sc_value_json(elements[i]);
		field->allowed[i] = sc_value_to_cstring(&word);
	}
}

static void
build_field_map(ScFieldMap *map, ScField *field, ScValueMap *values, Jsonb *document)
{
	const char *reason;
	char *path = sc_json_get_text(document, "path");
	char *direction = sc_json_get_text(document, "direction");
	char *on_unmapped = sc_json_get_text(document, "on_unmapped");
	char *on_null = sc_json_get_text(document, "on_null");
	map->field = field;
	map->path_text = path == NULL ? pstrdup("/x") : path;
	map->path = sc_pointer_parse(map->path_text, &reason);
	map->write_path = map->path;
	map->write_path_text = map->path_text;
	map->direction =
		direction == NULL ? SC_DIRECTION_BOTH : index_of(direction, "both in out none ");
	map->on_unmapped =
		on_unmapped == NULL ? SC_UNMAPPED_HALT : index_of(on_unmapped, "halt skip fallback ");
	map->on_null =
		on_null == NULL ? SC_NULL_CLEAR : index_of(on_null, "clear keep fallback reject ");
	map->fallback = sc_json_get_text(document, "fallback");
	map->transform_in = sc_json_get_text(document, "transform_in");
	map->transform_out = sc_json_get_text(document, "transform_out");
	map->run_as = pstrdup("tester");
	map->condition = path_of(sc_json_get_text(document, "condition"));
	map->values = sc_json_get_boolean(document, "mapped", true) ? values : NULL;
	map->contract = sc_json_get_boolean(document, "contract", false);
	map->time_format = sc_pointer_get_cstring(document, "/format/time");
	map->list_separator = sc_pointer_get_cstring(document, "/format/list");
	map->list_member = sc_pointer_get_cstring(document, "/format/member");
	map->rich_text = sc_pointer_get_cstring(document, "/format/rich_text");
	map->country = sc_pointer_get_cstring(document, "/format/phone");
	map->scale = sc_pointer_get_cstring(document, "/format/scale") == NULL
					 ? 0
					 : atoi(sc_pointer_get_cstring(document, "/format/scale"));
	map->null_text = sc_pointer_get_cstring(document, "/format/null");
	map->identity_space = sc_pointer_get_cstring(document, "/format/identity");
}

static ScValueMap *
build_values(Jsonb *list)
{
	Jsonb **elements;
	if (list == NULL)
		return NULL;
	int count = sc_json_elements(list, &elements);
	ScValueMap *map = palloc0(sizeof(ScValueMap));
	map->name = pstrdup("snow.severity");
	map->in = palloc0((count + 1) * sizeof(ScValuePair));
	map->out = palloc0((count + 1) * sizeof(ScValuePair));
	for (int i = 0; i < count; i++)
	{
		ScValuePair pair = { .external = sc_pointer_get_cstring(elements[i], "/0"),
							 .canonical = sc_pointer_get_cstring(elements[i], "/1"),
							 .qualifier = sc_pointer_get_cstring(elements[i], "/2") };
		char *direction = sc_pointer_get_cstring(elements[i], "/3");
		pair.direction =
			direction == NULL ? SC_DIRECTION_BOTH : index_of(direction, "both in out none ");
		if (pair.direction != SC_DIRECTION_OUT)
			map->in[map->len++] = pair;
		if (pair.direction != SC_DIRECTION_IN)
			map->out[map->nout++] = pair;
	}
	qsort(map->in, map->len, sizeof(ScValuePair), compare_in);
	return map;
}

static int
compare_in(const void *a, const void *b)
{
	const ScValuePair *left = a;
	const ScValuePair *right = b;
	int order = strcmp(left->external, right->external);
	return order != 0 ? order : (int) right->direction - (int) left->direction;
}

static void
build_events(ScConnector *connector, Jsonb *list)
{
	Jsonb **elements;
	connector->nevents = list == NULL ? 0 : sc_json_elements(list, &elements);
	connector->events = palloc0((connector->nevents + 1) * sizeof(ScEventShape));
	for (int i = 0; i < connector->nevents; i++)
	{
		ScEventShape *event = &connector->events[i];
		event->position = i + 1;
		event->name = psprintf("event %d", i + 1);
		event->condition = path_of(sc_json_get_text(elements[i], "condition"));
		event->record_type = sc_json_get_text(elements[i], "record_type");
		event->kind = sc_json_get_text(elements[i], "kind");
		event->paths = sc_json_get(elements[i], "paths");
		event->full_record = sc_json_get_boolean(elements[i], "full_record", false);
	}
}

static void
build_people(ScConf *conf, Jsonb *people)
{
	JsonbValue key;
	JsonbValue at;
	if (people == NULL)
		return;
	ScConfPrivate *private_data = conf->private_data;
	private_data->identities = palloc0((JB_ROOT_COUNT(people) + 1) * sizeof(ScIdentityRow));
	JsonbIterator *it = JsonbIteratorInit(&people->root);
	while (JsonbIteratorNext(&it, &key, true) != WJB_DONE)
	{
		if (key.type != jbvString)
			continue;
		ScIdentityRow *row = &private_data->identities[private_data->nidentities++];
		row->system_id = 7;
		row->external_id = pnstrdup(key.val.string.val, key.val.string.len);
		JsonbIteratorNext(&it, &at, true);
		row->person = pnstrdup(at.val.string.val, at.val.string.len);
	}
}

static JsonPath *
path_of(const char *condition)
{
	return condition == NULL
			   ? NULL
			   : DatumGetJsonPathP(DirectFunctionCall1(jsonpath_in, CStringGetDatum(condition)));
}

/* Position of a word in a list of words, each followed by a space. */
static int
index_of(const char *word, const char *words)
{
	int index = 0;
	for (const char *at = words; *at != '\0'; index++)
	{
		size_t len = strcspn(at, " ");
		if (strlen(word) == len && strncmp(word, at, len) == 0)
			return index;
		at += len + 1;
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown word \"%s\"", word)));
}

static bool
run_transform(void *arg, const ScTransform *asked, Jsonb **result, char **error)
{
	ScValue in = sc_value_json(asked->value);
	char *word = sc_value_to_cstring(&in);
	if (strcmp(asked->function, "test.upper") == 0 && word != NULL)
	{
		for (char *at = word; *at != '\0'; at++)
			*at = pg_ascii_toupper((unsigned char) *at);
		*result = sc_value_text(word).json;
		return true;
	}
	if (strcmp(asked->function, "test.full_name") == 0)
	{
		*result = sc_value_text(psprintf("%s %s", sc_pointer_get_cstring(asked->record, "/first"),
										 sc_pointer_get_cstring(asked->record, "/last")))
					  .json;
		return true;
	}
	if (strcmp(asked->function, "test.nothing") == 0)
	{
		*result = NULL;
		return true;
	}
	*error = pstrdup("division by zero");
	return false;
}
