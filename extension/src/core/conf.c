/*
 * conf.c
 *	  Look-ups in the compiled configuration.  Reads only; nothing is
 *	  remembered between calls.
 *
 * What is looked up for every event goes through sorted arrays that
 * sc_conf_finish makes; lists of a few rows are walked.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#include "core/conf_private.h"

static ScRule default_rule = { .name = SC_RULE_LAST_UPDATE_WINS };
static const ScPolicy default_policy = { 1, &default_rule };

static const ScIdentityRow *find_identity(ScIdentityRow *const *rows, int len, int32 system_id,
										  const char *key, bool by_person);
static int compare_identity(const ScIdentityRow *row, int32 system_id, const char *key,
							bool by_person);
static int order_by_external(const void *a, const void *b);
static int order_by_person(const void *a, const void *b);
static int order_by_name(const void *a, const void *b);
static bool is_like(const char *text, const char *pattern);

void
sc_conf_finish(ScConf *conf)
{
	ScConfPrivate *private_data = conf->private_data;
	int n = private_data->nidentities;

	private_data->by_external = palloc(sizeof(ScIdentityRow *) * Max(n, 1));
	private_data->by_person = palloc(sizeof(ScIdentityRow *) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		private_data->by_external[i] = &private_data->identities[i];
		private_data->by_person[i] = &private_data->identities[i];
	}
	qsort(private_data->by_external, n, sizeof(ScIdentityRow *), order_by_external);
	qsort(private_data->by_person, n, sizeof(ScIdentityRow *), order_by_person);

	private_data->by_name = palloc(sizeof(ScSystem *) * Max(conf->nsystems, 1));
	for (int i = 0; i < conf->nsystems; i++)
		private_data->by_name[i] = &conf->systems[i];
	qsort(private_data->by_name, conf->nsystems, sizeof(ScSystem *), order_by_name);
}

const ScSystem *
sc_conf_system(const ScConf *conf, int32 id)
{
	int low = 0;
	int high = conf->nsystems - 1;

	while (low <= high)
	{
		int middle = low + (high - low) / 2;
		const ScSystem *system = &conf->systems[middle];

		if (system->id == id)
			return system;
		if (system->id < id)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return NULL;
}

const ScSystem *
sc_conf_system_by_name(const ScConf *conf, const char *name)
{
	int low = 0;
	int high = conf->nsystems - 1;

	while (low <= high)
	{
		int middle = low + (high - low) / 2;
		const ScSystem *system = conf->private_data->by_name[middle];
		int order = strcmp(system->name, name);

		if (order == 0)
			return system;
		if (order < 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return NULL;
}

const ScEntityType *
sc_conf_type(const ScConf *conf, int32 id)
{
	for (int i = 0; i < conf->ntypes; i++)
		if (conf->types[i].id == id)
			return &conf->types[i];
	return NULL;
}

const ScField *
sc_conf_field(const ScEntityType *type, const char *name)
{
	int low = 0;
	int high = type->nfields - 1;

	while (low <= high)
	{
		int middle = low + (high - low) / 2;
		int order = strcmp(type->fields[middle].name, name);

		if (order == 0)
			return &type->fields[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return NULL;
}

const ScRecordMap *
sc_conf_record_map(const ScSystem *system, const char *record_type, Jsonb *record)
{
	for (int i = 0; i < system->nmaps; i++)
	{
		const ScRecordMap *map = &system->maps[i];

		if (strcmp(map->record_type, record_type) != 0)
			continue;
		if (record == NULL || sc_conf_holds(map->condition, record))
			return map;
	}
	return NULL;
}

/* record_type NULL: the system's first map of that type. */
const ScRecordMap *
sc_conf_record_map_of(const ScSystem *system, const char *record_type, const ScEntityType *type)
{
	for (int i = 0; i < system->nmaps; i++)
	{
		const ScRecordMap *map = &system->maps[i];

		if (map->type == type &&
			(record_type == NULL || strcmp(map->record_type, record_type) == 0))
			return map;
	}
	return NULL;
}

const ScFieldMap *
sc_conf_reader(const ScRecordMap *map, const char *field)
{
	for (int i = 0; i < map->nfields; i++)
	{
		const ScFieldMap *row = &map->fields[i];

		if ((row->direction == SC_DIRECTION_IN || row->direction == SC_DIRECTION_BOTH) &&
			strcmp(row->field->name, field) == 0)
			return row;
	}
	return NULL;
}

bool
sc_conf_is_written(const ScRecordMap *map, const char *field)
{
	for (int i = 0; i < map->nfields; i++)
	{
		const ScFieldMap *row = &map->fields[i];

		if ((row->direction == SC_DIRECTION_OUT || row->direction == SC_DIRECTION_BOTH) &&
			!row->as_note && strcmp(row->field->name, field) == 0)
			return true;
	}
	return false;
}

const ScPolicy *
sc_conf_policy(const ScConf *conf, const ScSpace *space, const ScEntityType *type,
			   const char *field)
{
	const ScPolicyList *best = NULL;
	int best_score = -1;

	for (int i = 0; i < conf->private_data->npolicies; i++)
	{
		const ScPolicyList *list = &conf->private_data->policies[i];

		if (list->type_id != type->id || (list->space_id != 0 && list->space_id != space->id) ||
			(list->field != NULL && strcmp(list->field, field) != 0))
			continue;

		int score = (list->space_id != 0 ? 2 : 0) + (list->field != NULL ? 1 : 0);

		if (score > best_score)
		{
			best = list;
			best_score = score;
		}
	}
	return best == NULL ? &default_policy : &best->policy;
}

ScOwnership
sc_conf_ownership(const ScConf *conf, const ScSpace *space, const ScEntityType *type,
				  const char *field)
{
	ScOwnership shared = { 0, SC_FOREIGN_ACCEPT };
	const ScOwnershipRow *best = NULL;

	for (int i = 0; i < conf->private_data->nownerships; i++)
	{
		const ScOwnershipRow *row = &conf->private_data->ownerships[i];

		if (row->type_id != type->id || strcmp(row->field, field) != 0 ||
			(row->space_id != 0 && row->space_id != space->id))
			continue;
		if (best == NULL || row->space_id != 0)
			best = row;
	}
	return best == NULL ? shared : best->ownership;
}

const char *
sc_conf_person(const ScConf *conf, int32 system_id, const char *external_id)
{
	const ScIdentityRow *row =
		find_identity(conf->private_data->by_external, conf->private_data->nidentities, system_id,
					  external_id, false);

	return row == NULL ? NULL : row->person;
}

const char *
sc_conf_identity(const ScConf *conf, int32 system_id, const char *person)
{
	const ScIdentityRow *row = find_identity(
		conf->private_data->by_person, conf->private_data->nidentities, system_id, person, true);

	return row == NULL ? NULL : row->external_id;
}

const ScOperation *
sc_conf_operation(const ScConnector *connector, const char *record_type, const char *operation,
				  int position)
{
	const ScOperation *of_product = NULL;

	for (int i = 0; i < connector->noperations; i++)
	{
		const ScOperation *candidate = &connector->operations[i];

		if (strcmp(candidate->operation, operation) != 0 || candidate->position != position)
			continue;
		if (strcmp(candidate->record_type, record_type) == 0)
			return candidate;
		if (strcmp(candidate->record_type, "*") == 0)
			of_product = candidate;
	}
	return of_product;
}

ScActorKind
sc_conf_actor_kind(const ScSystem *system, const char *actor)
{
	if (actor == NULL || actor[0] == '\0')
		return SC_ACTOR_UNKNOWN;
	for (int i = 0; i < system->nactors; i++)
	{
		const ScActorPattern *row = &system->actors[i];

		if (strcmp(row->pattern, actor) == 0 || is_like(actor, row->pattern))
			return row->kind;
	}
	if (system->integration_actor != NULL && strcmp(system->integration_actor, actor) == 0)
		return SC_ACTOR_INTEGRATION;
	return SC_ACTOR_HUMAN;
}

/*
 * A predicate ($.a == 1) yields its one boolean; a path ($.a ? (@ > 1)) holds
 * when it finds anything.
 */
bool
sc_conf_holds(JsonPath *condition, Jsonb *document)
{
	if (condition == NULL)
		return true;
	if (document == NULL)
		return false;

	Jsonb no_variables = { .root = { .header = JB_FOBJECT } };
	Jsonb *found;

	SET_VARSIZE(&no_variables, sizeof(no_variables));
	found = DatumGetJsonbP(DirectFunctionCall4(jsonb_path_query_array, JsonbPGetDatum(document),
											   PointerGetDatum(condition),
											   JsonbPGetDatum(&no_variables), BoolGetDatum(true)));
	if (JB_ROOT_COUNT(found) != 1)
		return JB_ROOT_COUNT(found) > 1;

	JsonbValue *only = getIthJsonbValueFromContainer(&found->root, 0);

	if (only->type == jbvBool)
		return only->val.boolean;
	return only->type != jbvNull;
}

static const ScIdentityRow *
find_identity(ScIdentityRow *const *rows, int len, int32 system_id, const char *key, bool by_person)
{
	int low = 0;
	int high = len - 1;

	while (low <= high)
	{
		int middle = low + (high - low) / 2;
		int order = compare_identity(rows[middle], system_id, key, by_person);

		if (order == 0)
			return rows[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return NULL;
}

static int
compare_identity(const ScIdentityRow *row, int32 system_id, const char *key, bool by_person)
{
	if (row->system_id != system_id)
		return row->system_id < system_id ? -1 : 1;
	return strcmp(by_person ? row->person : row->external_id, key);
}

static int
order_by_external(const void *a, const void *b)
{
	const ScIdentityRow *right = *(ScIdentityRow *const *) b;

	return compare_identity(*(ScIdentityRow *const *) a, right->system_id, right->external_id,
							false);
}

static int
order_by_person(const void *a, const void *b)
{
	const ScIdentityRow *right = *(ScIdentityRow *const *) b;

	return compare_identity(*(ScIdentityRow *const *) a, right->system_id, right->person, true);
}

static int
order_by_name(const void *a, const void *b)
{
	return strcmp((*(const ScSystem *const *) a)->name, (*(const ScSystem *const *) b)->name);
}

/* LIKE with % and _, without recursion: a pattern from outside cannot make it slow. */
static bool
is_like(const char *text, const char *pattern)
{
	const char *star = NULL;
	const char *resume = NULL;

	while (*text != '\0')
	{
		if (*pattern == '%')
		{
			star = ++pattern;
			resume = text;
		}
		else if (*pattern == '_' || *pattern == *text)
		{
			pattern++;
			text++;
		}
		else if (star != NULL)
		{
			pattern = star;
			text = ++resume;
		}
		else
			return false;
	}
	while (*pattern == '%')
		pattern++;
	return *pattern == '\0';
}
