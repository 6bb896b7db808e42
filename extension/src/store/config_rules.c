/*
 * config_rules.c
 *	  The rest of the configuration: products (operations, event shapes),
 *	  routes, actors, policies, ownership, people, match rules; and the reading
 *	  of columns that all parts share.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "store/config_load.h"
#include "store/match.h"

static const char *const grades[] = { "counter", "fine", "coarse", "none" };
static const char *const actor_kinds[] = { "unknown", "integration", "automation", "human" };
static const char *const foreign_writes[] = { "accept", "refuse", "revert" };
static const char *const match_kinds[] = { "exact", "fuzzy", "reference" };
static const char *const rule_names[] = { "escalation_wins", "human_wins",		 "system_of_record",
										  "version_wins",	 "last_update_wins", "union",
										  "append",			 "manual",			 "call" };

static void load_connectors(ScConf *conf);
static void load_operations(ScConf *conf);
static void load_shapes(ScConf *conf);
static void load_routes(ScConf *conf);
static void load_actors(ScConf *conf);
static void load_policies(ScConf *conf);
static void load_ownership(ScConf *conf);
static void load_identities(ScConf *conf);
static void load_matches(ScConf *conf);
static ScConnector *find_connector(const ScConf *conf, const char *name);
static int32 space_id(const ScConf *conf, const char *name);
static int32 system_id(const ScConf *conf, const char *name);
static int64 milliseconds_at(Jsonb *abilities, const char *pointer);
static bool true_at(Jsonb *abilities, const char *pointer);
static Datum get_datum(int row, int column, bool *is_null);

void
sc_config_load_products(ScConf *conf)
{
	load_connectors(conf);
	load_operations(conf);
	load_shapes(conf);
}

void
sc_config_load_rules(ScConf *conf)
{
	load_routes(conf);
	load_actors(conf);
	load_policies(conf);
	load_ownership(conf);
	load_identities(conf);
	load_matches(conf);
}

static void
load_connectors(ScConf *conf)
{
	int n = sc_config_rows(
		"SELECT name::text, position_grade::text, abilities, webhook, error_paths, rate_headers "
		"FROM syncore.connector");

	conf->nconnectors = n;
	conf->connectors = palloc0(sizeof(ScConnector) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		ScConnector *connector = &conf->connectors[i];

		connector->name = sc_config_text(i, 1);
		connector->grade = (ScGrade) sc_config_word(sc_config_text(i, 2), grades, lengthof(grades));
		connector->abilities = sc_config_jsonb(i, 3);
		connector->marker = true_at(connector->abilities, "/marker");
		connector->marker_in_webhook = true_at(connector->abilities, "/marker_in_webhook");
		connector->index_lag_us = milliseconds_at(connector->abilities, "/index_lag_ms");
		connector->late_landing_us = milliseconds_at(connector->abilities, "/late_landing_ms");
		connector->webhook = sc_config_jsonb(i, 4);
		connector->error_paths = sc_config_jsonb(i, 5);
		connector->rate_headers = sc_config_jsonb(i, 6);
	}
}

static void
load_operations(ScConf *conf)
{
	int n = sc_config_rows("SELECT connector::text, record_type, operation, position, method, url, "
						   "headers, body, body_kind, "
						   "writes, success, response, options FROM syncore.connector_operation "
						   "ORDER BY connector::text, record_type, operation, position");

	for (int i = 0; i < n; i++)
	{
		ScConnector *connector = find_connector(conf, sc_config_text(i, 1));

		if (connector == NULL)
			continue;
		if (connector->operations == NULL)
			connector->operations = palloc0(sizeof(ScOperation) * n);
		ScOperation *operation = &connector->operations[connector->noperations++];

		operation->record_type = sc_config_text(i, 2);
		operation->operation = sc_config_text(i, 3);
		operation->position = sc_config_int(i, 4);
		operation->method = sc_config_text(i, 5);
		operation->url = sc_config_text(i, 6);
		operation->headers = sc_config_jsonb(i, 7);
		operation->body = sc_config_jsonb(i, 8);
		operation->body_kind = sc_config_text(i, 9);
		operation->writes = sc_config_text_array(i, 10, &operation->nwrites);
		operation->success = sc_config_int_array(i, 11, &operation->nsuccess);
		operation->response = sc_config_jsonb(i, 12);
		operation->options = sc_config_jsonb(i, 13);
	}
}

static void
load_shapes(ScConf *conf)
{
	int n = sc_config_rows(
		"SELECT connector::text, position, name, condition, record_type, kind, paths, full_record "
		"FROM syncore.connector_event ORDER BY connector::text, position");

	for (int i = 0; i < n; i++)
	{
		ScConnector *connector = find_connector(conf, sc_config_text(i, 1));

		if (connector == NULL)
			continue;
		if (connector->events == NULL)
			connector->events = palloc0(sizeof(ScEventShape) * n);
		ScEventShape *shape = &connector->events[connector->nevents++];

		shape->position = sc_config_int(i, 2);
		shape->name = sc_config_text(i, 3);
		shape->condition = sc_config_jsonpath(i, 4);
		shape->record_type = sc_config_text(i, 5);
		shape->kind = sc_config_text(i, 6);
		shape->paths = sc_config_jsonb(i, 7);
		shape->full_record = sc_config_bool(i, 8);
	}
}

static void
load_routes(ScConf *conf)
{
	int n = sc_config_rows(
		"SELECT system::text, entity_type::text, record_type, condition, may_create, create_with, "
		"from_systems, on_leave, settle FROM syncore.route ORDER BY system::text, "
		"entity_type::text, position");

	for (int i = 0; i < n; i++)
	{
		ScSystem *system = sc_config_system(conf, sc_config_text(i, 1));
		const ScEntityType *type = sc_config_type(conf, sc_config_text(i, 2));
		int nfrom;
		char **from = sc_config_text_array(i, 7, &nfrom);

		if (system == NULL || type == NULL)
			continue;
		if (system->routes == NULL)
			system->routes = palloc0(sizeof(ScRoute) * n);
		ScRoute *route = &system->routes[system->nroutes++];

		route->type = type;
		route->record_type = sc_config_text(i, 3);
		route->condition = sc_config_jsonpath(i, 4);
		route->may_create = sc_config_bool(i, 5);
		route->create_with = sc_config_jsonb(i, 6);
		route->on_leave = sc_config_text(i, 8);
		route->settle_us = sc_config_interval(i, 9);
		if (from == NULL)
			continue;
		route->from_systems = palloc(sizeof(int32) * Max(nfrom, 1));
		for (int f = 0; f < nfrom; f++)
			if (system_id(conf, from[f]) != 0)
				route->from_systems[route->nfrom++] = system_id(conf, from[f]);
	}
}

static void
load_actors(ScConf *conf)
{
	int n = sc_config_rows("SELECT system::text, pattern, kind::text FROM syncore.actor ORDER BY "
						   "system::text, position, pattern");

	for (int i = 0; i < n; i++)
	{
		ScSystem *system = sc_config_system(conf, sc_config_text(i, 1));

		if (system == NULL)
			continue;
		if (system->actors == NULL)
			system->actors = palloc0(sizeof(ScActorPattern) * n);
		system->actors[system->nactors].pattern = sc_config_text(i, 2);
		system->actors[system->nactors].kind =
			(ScActorKind) sc_config_word(sc_config_text(i, 3), actor_kinds, lengthof(actor_kinds));
		system->nactors++;
	}
}

static void
load_policies(ScConf *conf)
{
	ScConfPrivate *private_data = conf->private_data;
	int n = sc_config_rows("SELECT space::text, entity_type::text, field::text, rule::text, "
						   "system::text, function::text, "
						   "run_as, review_from, condition FROM syncore.policy "
						   "ORDER BY space::text, entity_type::text, field::text, position");

	private_data->policies = palloc0(sizeof(ScPolicyList) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		int32 space = space_id(conf, sc_config_text(i, 1));
		const ScEntityType *type = sc_config_type(conf, sc_config_text(i, 2));
		char *field = sc_config_text(i, 3);
		ScPolicyList *list = private_data->npolicies == 0
								 ? NULL
								 : &private_data->policies[private_data->npolicies - 1];

		if (type == NULL)
			continue;
		if (list == NULL || list->space_id != space || list->type_id != type->id ||
			strcmp(list->field ? list->field : "", field ? field : "") != 0)
		{
			list = &private_data->policies[private_data->npolicies++];
			list->space_id = space;
			list->type_id = type->id;
			list->field = field;
			list->policy.rules = palloc0(sizeof(ScRule) * n);
		}
		ScRule *rule = &list->policy.rules[list->policy.len++];

		rule->name =
			(ScRuleName) sc_config_word(sc_config_text(i, 4), rule_names, lengthof(rule_names));
		rule->system_id = system_id(conf, sc_config_text(i, 5));
		rule->function = sc_config_text(i, 6);
		rule->run_as = sc_config_text(i, 7);
		rule->review_from = sc_config_text(i, 8);
		rule->condition = sc_config_jsonpath(i, 9);
	}
}

static void
load_ownership(ScConf *conf)
{
	ScConfPrivate *private_data = conf->private_data;
	int n = sc_config_rows("SELECT space::text, entity_type::text, field::text, owner::text, "
						   "on_foreign_write FROM syncore.ownership");

	private_data->ownerships = palloc0(sizeof(ScOwnershipRow) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		const ScEntityType *type = sc_config_type(conf, sc_config_text(i, 2));

		if (type == NULL)
			continue;
		ScOwnershipRow *row = &private_data->ownerships[private_data->nownerships++];

		row->space_id = space_id(conf, sc_config_text(i, 1));
		row->type_id = type->id;
		row->field = sc_config_text(i, 3);
		row->ownership.owner_id = system_id(conf, sc_config_text(i, 4));
		row->ownership.on_foreign_write = (ScForeignWrite) sc_config_word(
			sc_config_text(i, 5), foreign_writes, lengthof(foreign_writes));
	}
}

static void
load_identities(ScConf *conf)
{
	ScConfPrivate *private_data = conf->private_data;
	int n =
		sc_config_rows("SELECT system::text, external_id, person, kind FROM syncore.identity_map");

	private_data->identities = palloc0(sizeof(ScIdentityRow) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		ScIdentityRow *row = &private_data->identities[private_data->nidentities++];

		row->system_id = system_id(conf, sc_config_text(i, 1));
		row->external_id = sc_config_text(i, 2);
		row->person = sc_config_text(i, 3);
		row->group = strcmp(sc_config_text(i, 4), "group") == 0;
	}
}

static void
load_matches(ScConf *conf)
{
	int n = sc_config_rows("SELECT id, space::text, entity_type::text, kind, fields, normalise, "
						   "on_match, system::text, "
						   "path::text, refers_to::text, threshold::text, "
						   "(pg_catalog.date_part('epoch', time_window) * 1000000)::bigint::text "
						   "FROM syncore.match_rule ORDER BY position, id");

	conf->matches = palloc0(sizeof(ScMatchRule) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		const ScEntityType *type = sc_config_type(conf, sc_config_text(i, 3));
		int nnormalise;
		char **normalise = sc_config_text_array(i, 6, &nnormalise);

		if (type == NULL)
			continue;
		ScMatchRule *rule = &conf->matches[conf->nmatches++];

		rule->id = sc_config_int(i, 1);
		rule->space_id = space_id(conf, sc_config_text(i, 2));
		rule->type = type;
		rule->kind =
			(ScMatchKind) sc_config_word(sc_config_text(i, 4), match_kinds, lengthof(match_kinds));
		rule->fields = sc_config_text_array(i, 5, &rule->nfields);
		rule->normalise = sc_match_normalise(rule->fields, rule->nfields, normalise, nnormalise);
		rule->threshold =
			sc_config_is_null(i, 11) ? 0 : (float) strtod(sc_config_text(i, 11), NULL);
		rule->window_us = sc_config_is_null(i, 12) ? 0 : strtoll(sc_config_text(i, 12), NULL, 10);
		rule->review = strcmp(sc_config_text(i, 7), "review") == 0;
		rule->system_id = system_id(conf, sc_config_text(i, 8));
		rule->path = sc_config_is_null(i, 9) ? NULL : sc_config_pointer(sc_config_text(i, 9));
		rule->refers_to = system_id(conf, sc_config_text(i, 10));
		for (int k = 0; rule->path != NULL && k < conf->nsystems; k++)
			if (conf->systems[k].id == rule->system_id)
				conf->systems[k].references =
					lappend(conf->systems[k].references, sc_config_text(i, 9));
	}
}

int
sc_config_rows(const char *sql)
{
	MemoryContext cxt = CurrentMemoryContext;
	int result = SPI_execute(sql, true, 0);

	MemoryContextSwitchTo(cxt);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "unexpected result of SPI: %s", SPI_result_code_string(result));
	return (int) SPI_processed;
}

bool
sc_config_is_null(int row, int column)
{
	bool is_null;

	(void) get_datum(row, column, &is_null);
	return is_null;
}

char *
sc_config_text(int row, int column)
{
	bool is_null;
	Datum datum = get_datum(row, column, &is_null);

	return is_null ? NULL : TextDatumGetCString(datum);
}

int32
sc_config_int(int row, int column)
{
	bool is_null;
	Datum datum = get_datum(row, column, &is_null);

	return is_null ? 0 : DatumGetInt32(datum);
}

bool
sc_config_bool(int row, int column)
{
	bool is_null;
	Datum datum = get_datum(row, column, &is_null);

	return !is_null && DatumGetBool(datum);
}

int64
sc_config_interval(int row, int column)
{
	bool is_null;
	Datum datum = get_datum(row, column, &is_null);

	if (is_null)
		return 0;
	Interval *interval = DatumGetIntervalP(datum);

	return interval->time +
		   (interval->day + interval->month * (int64) DAYS_PER_MONTH) * USECS_PER_DAY;
}

double
sc_config_float(int row, int column)
{
	bool is_null;
	Datum datum = get_datum(row, column, &is_null);

	return is_null ? 0 : DatumGetFloat8(datum);
}

Jsonb *
sc_config_jsonb(int row, int column)
{
	bool is_null;
	Datum datum = get_datum(row, column, &is_null);

	return is_null ? NULL : DatumGetJsonbPCopy(datum);
}

JsonPath *
sc_config_jsonpath(int row, int column)
{
	bool is_null;
	Datum datum = get_datum(row, column, &is_null);

	return is_null ? NULL : DatumGetJsonPathPCopy(datum);
}

char **
sc_config_text_array(int row, int column, int *len)
{
	bool is_null;
	Datum datum = get_datum(row, column, &is_null);
	Datum *elements;
	bool *nulls;

	*len = 0;
	if (is_null)
		return NULL;
	deconstruct_array(DatumGetArrayTypeP(datum), TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, len);
	char **result = palloc0(sizeof(char *) * Max(*len, 1));

	for (int i = 0; i < *len; i++)
		result[i] = nulls[i] ? pstrdup("") : TextDatumGetCString(elements[i]);
	return result;
}

int *
sc_config_int_array(int row, int column, int *len)
{
	bool is_null;
	Datum datum = get_datum(row, column, &is_null);
	Datum *elements;
	bool *nulls;

	*len = 0;
	if (is_null)
		return NULL;
	deconstruct_array(DatumGetArrayTypeP(datum), INT4OID, sizeof(int32), true, TYPALIGN_INT,
					  &elements, &nulls, len);
	int *result = palloc0(sizeof(int) * Max(*len, 1));

	for (int i = 0; i < *len; i++)
		result[i] = nulls[i] ? 0 : DatumGetInt32(elements[i]);
	return result;
}

ScPointer *
sc_config_pointer(const char *text)
{
	const char *reason;
	ScPointer *pointer = sc_pointer_parse(text, &reason);

	if (pointer == NULL)
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
				errmsg("invalid JSON Pointer \"%s\" in the configuration", text),
				errdetail("%s", reason));
	return pointer;
}

int
sc_config_word(const char *text, const char *const *words, int n)
{
	for (int i = 0; i < n; i++)
		if (text != NULL && strcmp(text, words[i]) == 0)
			return i;
	elog(ERROR, "unexpected word \"%s\" in the configuration", text ? text : "");
}

const ScEntityType *
sc_config_type(const ScConf *conf, const char *name)
{
	for (int i = 0; i < conf->ntypes; i++)
		if (strcmp(conf->types[i].name, name) == 0)
			return &conf->types[i];
	return NULL;
}

ScSystem *
sc_config_system(const ScConf *conf, const char *name)
{
	for (int i = 0; i < conf->nsystems; i++)
		if (strcmp(conf->systems[i].name, name) == 0)
			return &conf->systems[i];
	return NULL;
}

static ScConnector *
find_connector(const ScConf *conf, const char *name)
{
	for (int i = 0; i < conf->nconnectors; i++)
		if (strcmp(conf->connectors[i].name, name) == 0)
			return &conf->connectors[i];
	return NULL;
}

static int32
space_id(const ScConf *conf, const char *name)
{
	for (int i = 0; name != NULL && i < conf->nspaces; i++)
		if (strcmp(conf->spaces[i].name, name) == 0)
			return conf->spaces[i].id;
	return 0;
}

static int32
system_id(const ScConf *conf, const char *name)
{
	ScSystem *system = name == NULL ? NULL : sc_config_system(conf, name);

	return system == NULL ? 0 : system->id;
}

static int64
milliseconds_at(Jsonb *abilities, const char *pointer)
{
	char *text = sc_pointer_get_cstring(abilities, pointer);

	return text == NULL ? 0 : strtoll(text, NULL, 10) * 1000;
}

static bool
true_at(Jsonb *abilities, const char *pointer)
{
	char *text = sc_pointer_get_cstring(abilities, pointer);

	return text != NULL && strcmp(text, "true") == 0;
}

static Datum
get_datum(int row, int column, bool *is_null)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, is_null);
}
