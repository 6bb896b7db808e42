/*
 * world.c
 *	  See world.h.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/jsonpath.h"
#include "utils/timestamp.h"

#include "core/json.h"
#include "world.h"

static void build_fields(ScEntityType *type, Jsonb *fields);
static void build_states(ScEntityType *type, Jsonb *states, Jsonb *transitions);
static void build_systems(World *world, Jsonb *systems);
static void build_system(World *world, ScSystem *system, Jsonb *document);
static void build_maps(World *world, ScRecordMap *map, Jsonb *document);
static ScValueMap *build_values(const char *name, Jsonb *list);
static void build_comments(ScRecordMap *map, Jsonb *list);
static void build_policies(World *world, Jsonb *policies);
static void build_rule(World *world, ScRule *rule, Jsonb *step);
static void build_owners(World *world, Jsonb *owners);
static char *item_text(Jsonb *array, int at);
static char *text_or(Jsonb *object, const char *key, const char *otherwise);
static int order_by_external(const void *a, const void *b);
static bool call_rule(void *arg, const ScRuleCall *asked, int *result, char **error);

const ScDecideHooks world_hooks = { NULL, call_rule };

World
world_build(Jsonb *document)
{
	World world;
	Jsonb *type = sc_json_get(document, "type");

	world.conf = palloc0(sizeof(ScConf));
	world.conf->private_data = palloc0(sizeof(ScConfPrivate));
	world.space = palloc0(sizeof(ScSpace));
	world.space->id = 1;
	world.space->name = "default";
	world.type = palloc0(sizeof(ScEntityType));
	world.type->id = 1;
	world.type->name = "incident";
	world.type->on_delete = text_or(type, "on_delete", "review");
	world.type->on_illegal = text_or(type, "on_illegal", "accept");
	world.type->on_reopen = text_or(type, "on_reopen", "reopen");
	world.type->loop_limit = (int) sc_json_get_number(type, "loop_limit", 3);
	world.type->loop_window_us =
		(int64) sc_json_get_number(type, "loop_window", 60) * USECS_PER_SEC;
	world.type->loop_within_us =
		(int64) sc_json_get_number(type, "loop_within", 10) * USECS_PER_SEC;
	build_fields(world.type, sc_json_get(document, "fields"));
	build_states(world.type, sc_json_get(document, "states"), sc_json_get(document, "transitions"));
	build_systems(&world, sc_json_get(document, "systems"));
	build_policies(&world, sc_json_get(document, "policy"));
	build_owners(&world, sc_json_get(document, "owner"));
	sc_conf_finish(world.conf);
	return world;
}

int
world_keys(Jsonb *object, char ***keys)
{
	JsonbIterator *it;
	JsonbValue item;
	JsonbIteratorToken token;
	int n = 0;

	*keys = NULL;
	if (object == NULL)
		return 0;
	*keys = palloc0(sizeof(char *) * (JB_ROOT_COUNT(object) + 1));
	it = JsonbIteratorInit(&object->root);
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
		if (token == WJB_KEY)
			(*keys)[n++] = pnstrdup(item.val.string.val, item.val.string.len);
	return n;
}

int
world_word(const char *word, const char *words)
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

static int
order_fields(const void *a, const void *b)
{
	return strcmp(((const ScField *) a)->name, ((const ScField *) b)->name);
}

static void
build_fields(ScEntityType *type, Jsonb *fields)
{
	char **names;

	type->nfields = world_keys(fields, &names);
	type->fields = palloc0(sizeof(ScField) * (type->nfields + 1));
	for (int i = 0; i < type->nfields; i++)
	{
		Jsonb *document = sc_json_get(fields, names[i]);
		Jsonb **allowed;
		ScField *field = &type->fields[i];

		field->name = names[i];
		field->kind = world_word(text_or(document, "kind", "text"),
								 "text rich_text number boolean timestamp rank state person "
								 "group set reference url json ");
		field->required = sc_json_get_boolean(document, "required", false);
		field->sensitive =
			world_word(text_or(document, "sensitive", "no"), "no masked hashed excluded ");
		field->nallowed = sc_json_elements(sc_json_get(document, "allowed"), &allowed);
		field->allowed = palloc0(sizeof(char *) * (field->nallowed + 1));
		for (int k = 0; k < field->nallowed; k++)
			field->allowed[k] = item_text(sc_json_get(document, "allowed"), k);
	}
	qsort(type->fields, type->nfields, sizeof(ScField), order_fields);
}

static void
build_states(ScEntityType *type, Jsonb *states, Jsonb *transitions)
{
	Jsonb **elements;

	type->nstates = sc_json_elements(states, &elements);
	type->states = palloc0(sizeof(ScState) * (type->nstates + 1));
	for (int i = 0; i < type->nstates; i++)
	{
		type->states[i].name = item_text(elements[i], 0);
		type->states[i].category = world_word(item_text(elements[i], 1), "open waiting done ");
	}
	type->ntransitions = sc_json_elements(transitions, &elements);
	type->transitions = palloc0(sizeof(char *) * (2 * type->ntransitions + 1));
	for (int i = 0; i < type->ntransitions; i++)
	{
		type->transitions[2 * i] = item_text(elements[i], 0);
		type->transitions[2 * i + 1] = item_text(elements[i], 1);
	}
}

/* Ids by name: the first of the alphabet is 1. */
static void
build_systems(World *world, Jsonb *systems)
{
	char **names;
	ScConf *conf = world->conf;

	conf->nsystems = world_keys(systems, &names);
	conf->systems = palloc0(sizeof(ScSystem) * (conf->nsystems + 1));
	qsort(names, conf->nsystems, sizeof(char *), pg_qsort_strcmp);
	for (int i = 0; i < conf->nsystems; i++)
	{
		conf->systems[i].id = i + 1;
		conf->systems[i].name = names[i];
		build_system(world, &conf->systems[i], sc_json_get(systems, names[i]));
	}
}

static void
build_system(World *world, ScSystem *system, Jsonb *document)
{
	ScConnector *connector = palloc0(sizeof(ScConnector));
	ScRecordMap *map = palloc0(sizeof(ScRecordMap));

	connector->name = system->name;
	connector->grade =
		world_word(text_or(document, "grade", "counter"), "counter fine coarse none ");
	connector->late_landing_us = 30 * USECS_PER_SEC;
	connector->index_lag_us = 5 * USECS_PER_SEC;
	connector->noperations = sc_json_get_boolean(document, "reads", true) ? 1 : 0;
	connector->operations = palloc0(sizeof(ScOperation));
	connector->operations->record_type = pstrdup("*");
	connector->operations->operation = pstrdup("read");
	connector->operations->position = 1;
	system->connector = connector;
	system->space = world->space;
	system->rank = (int32) sc_json_get_number(document, "rank", 100);
	system->mode = world_word(text_or(document, "mode", "active"), "draft shadow active paused ");
	system->integration_actor = "us";
	system->create_after = DT_NOBEGIN;
	system->nmaps = 1;
	system->maps = map;
	map->record_type = "ticket";
	map->type = world->type;
	build_maps(world, map, document);
	build_comments(map, sc_json_get(document, "comments"));
	if (sc_json_get_boolean(document, "route", false))
	{
		system->nroutes = 1;
		system->routes = palloc0(sizeof(ScRoute));
		system->routes->type = world->type;
		system->routes->may_create = true;
	}
}

static void
build_maps(World *world, ScRecordMap *map, Jsonb *document)
{
	Jsonb *values = sc_json_get(document, "values");
	Jsonb *directions = sc_json_get(document, "fields");

	map->fields = palloc0(sizeof(ScFieldMap) * (world->type->nfields + 1));
	for (int i = 0; i < world->type->nfields; i++)
	{
		ScFieldMap *row = &map->fields[map->nfields];
		const ScField *field = &world->type->fields[i];
		const char *reason;

		row->direction =
			world_word(text_or(directions, field->name, directions == NULL ? "both" : "none"),
					   "both in out none ");
		if (row->direction == SC_DIRECTION_NONE)
			continue;
		row->field = field;
		row->path_text = psprintf("/%s", field->name);
		row->path = sc_pointer_parse(row->path_text, &reason);
		row->write_path = row->path;
		row->write_path_text = row->path_text;
		row->values = build_values(field->name, sc_json_get(values, field->name));
		map->nfields++;
	}
}

static ScValueMap *
build_values(const char *name, Jsonb *list)
{
	Jsonb **rows;
	int n = sc_json_elements(list, &rows);
	ScValueMap *map;

	if (list == NULL)
		return NULL;
	map = palloc0(sizeof(ScValueMap));
	map->name = pstrdup(name);
	map->in = palloc0(sizeof(ScValuePair) * (n + 1));
	map->out = palloc0(sizeof(ScValuePair) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		char *direction = item_text(rows[i], 2);
		ScValuePair pair = { item_text(rows[i], 0), item_text(rows[i], 1), NULL,
							 direction == NULL ? SC_DIRECTION_BOTH
											   : world_word(direction, "both in out none ") };

		if (pair.direction != SC_DIRECTION_OUT)
			map->in[map->len++] = pair;
		if (pair.direction != SC_DIRECTION_IN)
			map->out[map->nout++] = pair;
	}
	qsort(map->in, map->len, sizeof(ScValuePair), order_by_external);
	return map;
}

static void
build_comments(ScRecordMap *map, Jsonb *list)
{
	Jsonb **rows;

	map->ncomments = sc_json_elements(list, &rows);
	map->comments = palloc0(sizeof(ScCommentMap) * (map->ncomments + 1));
	for (int i = 0; i < map->ncomments; i++)
	{
		map->comments[i].channel = item_text(rows[i], 0);
		map->comments[i].visibility = world_word(item_text(rows[i], 1), "public internal private ");
		map->comments[i].direction = world_word(item_text(rows[i], 2), "both in out none ");
	}
}

static void
build_policies(World *world, Jsonb *policies)
{
	char **fields;
	ScConfPrivate *private_data = world->conf->private_data;

	private_data->npolicies = world_keys(policies, &fields);
	private_data->policies = palloc0(sizeof(ScPolicyList) * (private_data->npolicies + 1));
	for (int i = 0; i < private_data->npolicies; i++)
	{
		ScPolicyList *list = &private_data->policies[i];
		Jsonb **steps;

		list->type_id = world->type->id;
		list->field = strcmp(fields[i], "*") == 0 ? NULL : fields[i];
		list->policy.len = sc_json_elements(sc_json_get(policies, fields[i]), &steps);
		list->policy.rules = palloc0(sizeof(ScRule) * (list->policy.len + 1));
		for (int k = 0; k < list->policy.len; k++)
			build_rule(world, &list->policy.rules[k], steps[k]);
	}
}

static void
build_rule(World *world, ScRule *rule, Jsonb *step)
{
	ScValue bare = sc_value_json(step);
	bool object = JB_ROOT_IS_OBJECT(step);
	char *name = object ? sc_json_get_text(step, "rule") : sc_value_to_cstring(&bare);
	char *system = object ? sc_json_get_text(step, "system") : NULL;
	char *condition = object ? sc_json_get_text(step, "condition") : NULL;

	rule->name = world_word(name, "escalation_wins human_wins system_of_record version_wins "
								  "last_update_wins union append manual call ");
	if (!object)
		return;
	rule->review_from = sc_json_get_text(step, "review_from");
	rule->function = sc_json_get_text(step, "function");
	rule->condition =
		condition == NULL
			? NULL
			: DatumGetJsonPathP(DirectFunctionCall1(jsonpath_in, CStringGetDatum(condition)));
	for (int i = 0; system != NULL && i < world->conf->nsystems; i++)
		if (strcmp(world->conf->systems[i].name, system) == 0)
			rule->system_id = world->conf->systems[i].id;
}

static void
build_owners(World *world, Jsonb *owners)
{
	char **fields;
	ScConfPrivate *private_data = world->conf->private_data;

	private_data->nownerships = world_keys(owners, &fields);
	private_data->ownerships = palloc0(sizeof(ScOwnershipRow) * (private_data->nownerships + 1));
	for (int i = 0; i < private_data->nownerships; i++)
	{
		ScOwnershipRow *row = &private_data->ownerships[i];
		Jsonb *owner = sc_json_get(owners, fields[i]);

		row->type_id = world->type->id;
		row->field = fields[i];
		row->ownership.on_foreign_write = world_word(item_text(owner, 1), "accept refuse revert ");
		for (int k = 0; k < world->conf->nsystems; k++)
			if (strcmp(world->conf->systems[k].name, item_text(owner, 0)) == 0)
				row->ownership.owner_id = world->conf->systems[k].id;
	}
}

static char *
item_text(Jsonb *array, int at)
{
	Jsonb **elements;
	ScValue item;

	if (at >= sc_json_elements(array, &elements))
		return NULL;
	item = sc_value_json(elements[at]);
	return sc_value_to_cstring(&item);
}

static char *
text_or(Jsonb *object, const char *key, const char *otherwise)
{
	char *text = object == NULL ? NULL : sc_json_get_text(object, key);

	return text == NULL ? pstrdup(otherwise) : text;
}

static int
order_by_external(const void *a, const void *b)
{
	return strcmp(((const ScValuePair *) a)->external, ((const ScValuePair *) b)->external);
}

static bool
call_rule(void *arg, const ScRuleCall *asked, int *result, char **error)
{
	char *one = sc_value_to_cstring(&asked->a->value);
	char *other = sc_value_to_cstring(&asked->b->value);

	one = one == NULL ? pstrdup("~") : one;
	other = other == NULL ? pstrdup("~") : other;
	if (strcmp(asked->rule->function, "test.fail") == 0)
	{
		*error = pstrdup("division by zero");
		return false;
	}
	if (strcmp(asked->rule->function, "test.moody") == 0)
		*result = -1;
	else if (strcmp(asked->rule->function, "test.circle") == 0)
		*result = (one[0] - other[0] + 3) % 3 == 1 ? -1 : 1;
	else
		*result = (int) strlen(other) - (int) strlen(one);
	return true;
}
