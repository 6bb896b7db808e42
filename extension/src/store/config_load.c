/*
 * config_load.c
 *	  Reads the configuration tables into an ScConf: spaces, entity types,
 *	  value maps, systems and what hangs on them.  A handful of statements, none
 *	  with an operator: what they mean does not depend on the search path.
 *
 * Sorting that must agree with strcmp is done here, never by SQL: a database
 * may sort by other rules.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/map.h"
#include "store/config_load.h"
#include "store/survey.h"

static const char *const field_kinds[] = { "text",		"rich_text", "number",	  "boolean",
										   "timestamp", "rank",		 "state",	  "person",
										   "group",		"set",		 "reference", "url",
										   "json" };
static const char *const sensitivities[] = { "no", "masked", "hashed", "excluded" };
static const char *const categories[] = { "open", "waiting", "done" };
static const char *const modes[] = { "draft", "shadow", "active", "paused" };
static const char *const directions[] = { "both", "in", "out", "none" };
static const char *const unmapped_rules[] = { "halt", "skip", "fallback" };
static const char *const null_rules[] = { "clear", "keep", "fallback", "reject" };
static const char *const visibilities[] = { "public", "internal", "private" };

static void load_spaces(ScConf *conf);
static void load_types(ScConf *conf);
static void load_fields(ScConf *conf);
static void load_states(ScConf *conf);
static void load_transitions(ScConf *conf);
static void load_value_maps(ScConf *conf);
static void load_systems(ScConf *conf);
static void fill_system(ScConf *conf, ScSystem *system, int row);
static void load_record_maps(ScConf *conf);
static void load_field_maps(ScConf *conf);
static void fill_field_map(const ScConf *conf, ScRecordMap *map, ScFieldMap *field, int row);
static void load_comment_maps(ScConf *conf);
static const ScValueMap *find_value_map(const ScConf *conf, const char *system, const char *name);
static ScRecordMap *find_map(const ScConf *conf, const char *system, const char *record_type,
							 const char *type);
static int order_fields(const void *a, const void *b);
static int order_in(const void *a, const void *b);
static int order_out(const void *a, const void *b);
static int order_field_maps(const void *a, const void *b);

void
sc_config_load(ScConf *conf)
{
	conf->private_data = palloc0(sizeof(ScConfPrivate));
	load_spaces(conf);
	load_types(conf);
	load_fields(conf);
	load_states(conf);
	load_transitions(conf);
	load_value_maps(conf);
	sc_config_load_products(conf);
	load_systems(conf);
	load_record_maps(conf);
	load_field_maps(conf);
	load_comment_maps(conf);
	sc_config_load_rules(conf);
	sc_conf_finish(conf);
}

static void
load_spaces(ScConf *conf)
{
	conf->nspaces = sc_config_rows("SELECT id, name::text, paused FROM syncore.space ORDER BY id");
	conf->spaces = palloc0(sizeof(ScSpace) * Max(conf->nspaces, 1));
	for (int i = 0; i < conf->nspaces; i++)
	{
		conf->spaces[i].id = sc_config_int(i, 1);
		conf->spaces[i].name = sc_config_text(i, 2);
		conf->spaces[i].paused = sc_config_bool(i, 3);
	}
}

static void
load_types(ScConf *conf)
{
	conf->ntypes = sc_config_rows("SELECT id, name::text, on_delete, on_reopen, reopen_limit, "
								  "on_illegal, loop_limit, loop_window, loop_within "
								  "FROM syncore.entity_type ORDER BY id");
	conf->types = palloc0(sizeof(ScEntityType) * Max(conf->ntypes, 1));
	for (int i = 0; i < conf->ntypes; i++)
	{
		ScEntityType *type = &conf->types[i];

		type->id = sc_config_int(i, 1);
		type->name = sc_config_text(i, 2);
		type->on_delete = sc_config_text(i, 3);
		type->on_reopen = sc_config_text(i, 4);
		type->reopen_limit_us = sc_config_interval(i, 5);
		type->on_illegal = sc_config_text(i, 6);
		type->loop_limit = sc_config_int(i, 7);
		type->loop_window_us = sc_config_interval(i, 8);
		type->loop_within_us = sc_config_interval(i, 9);
	}
}

static void
load_fields(ScConf *conf)
{
	int n = sc_config_rows("SELECT entity_type::text, name::text, kind::text, required, "
						   "sensitive::text, allowed FROM syncore.field");

	for (int t = 0; t < conf->ntypes; t++)
		conf->types[t].fields = palloc0(sizeof(ScField) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		ScEntityType *type = unconstify(ScEntityType *, sc_config_type(conf, sc_config_text(i, 1)));

		if (type == NULL)
			continue;
		ScField *field = &type->fields[type->nfields++];

		field->name = sc_config_text(i, 2);
		field->kind =
			(ScFieldKind) sc_config_word(sc_config_text(i, 3), field_kinds, lengthof(field_kinds));
		field->required = sc_config_bool(i, 4);
		field->sensitive = (ScSensitive) sc_config_word(sc_config_text(i, 5), sensitivities,
														lengthof(sensitivities));
		field->allowed = sc_config_text_array(i, 6, &field->nallowed);
	}
	for (int t = 0; t < conf->ntypes; t++)
		qsort(conf->types[t].fields, conf->types[t].nfields, sizeof(ScField), order_fields);
}

static void
load_states(ScConf *conf)
{
	int n = sc_config_rows("SELECT entity_type::text, name::text, category::text FROM "
						   "syncore.state ORDER BY position, name::text");

	for (int t = 0; t < conf->ntypes; t++)
		conf->types[t].states = palloc0(sizeof(ScState) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		ScEntityType *type = unconstify(ScEntityType *, sc_config_type(conf, sc_config_text(i, 1)));

		if (type == NULL)
			continue;
		type->states[type->nstates].name = sc_config_text(i, 2);
		type->states[type->nstates].category =
			sc_config_word(sc_config_text(i, 3), categories, lengthof(categories));
		type->nstates++;
	}
}

static void
load_transitions(ScConf *conf)
{
	int n = sc_config_rows(
		"SELECT entity_type::text, from_state::text, to_state::text FROM syncore.state_transition");

	for (int t = 0; t < conf->ntypes; t++)
		conf->types[t].transitions = palloc0(sizeof(char *) * Max(2 * n, 1));
	for (int i = 0; i < n; i++)
	{
		ScEntityType *type = unconstify(ScEntityType *, sc_config_type(conf, sc_config_text(i, 1)));

		if (type == NULL)
			continue;
		type->transitions[2 * type->ntransitions] = sc_config_text(i, 2);
		type->transitions[2 * type->ntransitions + 1] = sc_config_text(i, 3);
		type->ntransitions++;
	}
}

static void
load_value_maps(ScConf *conf)
{
	int n = sc_config_rows("SELECT name, external, canonical, qualifier, direction::text FROM "
						   "syncore.value_map ORDER BY name, id");

	conf->valuemaps = palloc0(sizeof(ScValueMap) * Max(n, 1));
	for (int i = 0; i < n;)
	{
		ScValueMap *map = &conf->valuemaps[conf->nvaluemaps++];
		int end = i;

		map->name = sc_config_text(i, 1);
		while (end < n && strcmp(sc_config_text(end, 1), map->name) == 0)
			end++;
		map->in = palloc0(sizeof(ScValuePair) * (end - i));
		map->out = palloc0(sizeof(ScValuePair) * (end - i));
		for (; i < end; i++)
		{
			ScValuePair pair = { .external = sc_config_text(i, 2),
								 .canonical = sc_config_text(i, 3),
								 .qualifier = sc_config_text(i, 4) };

			pair.direction = (ScDirection) sc_config_word(sc_config_text(i, 5), directions,
														  lengthof(directions));
			if (pair.direction == SC_DIRECTION_BOTH || pair.direction == SC_DIRECTION_IN)
				map->in[map->len++] = pair;
			if (pair.direction == SC_DIRECTION_BOTH || pair.direction == SC_DIRECTION_OUT)
				map->out[map->nout++] = pair;
		}
		qsort(map->in, map->len, sizeof(ScValuePair), order_in);
		qsort(map->out, map->nout, sizeof(ScValuePair), order_out);
	}
}

static void
load_systems(ScConf *conf)
{
	int n = sc_config_rows(
		"SELECT id, name::text, space::text, connector::text, base_url, mode::text, settings, "
		"rank, "
		"connection::text, accepts, keep_payload::text, allow_http, allow_private, ca_file, "
		"integration_actor, clock_offset, create_after, max_rate::pg_catalog.float8, max_in_flight "
		"FROM syncore.system ORDER BY id");

	conf->systems = palloc0(sizeof(ScSystem) * Max(n, 1));
	for (int i = 0; i < n; i++)
		fill_system(conf, &conf->systems[conf->nsystems++], i);
}

static void
fill_system(ScConf *conf, ScSystem *system, int row)
{
	char *space = sc_config_text(row, 3);
	char *connector = sc_config_text(row, 4);

	system->id = sc_config_int(row, 1);
	system->name = sc_config_text(row, 2);
	for (int i = 0; i < conf->nspaces; i++)
		if (strcmp(conf->spaces[i].name, space) == 0)
			system->space = &conf->spaces[i];
	for (int i = 0; i < conf->nconnectors; i++)
		if (strcmp(conf->connectors[i].name, connector) == 0)
			system->connector = &conf->connectors[i];
	if (system->space == NULL || system->connector == NULL)
		elog(ERROR, "space or connector of system \"%s\" is missing", system->name);
	system->base_url = sc_config_text(row, 5);
	system->mode = (ScMode) sc_config_word(sc_config_text(row, 6), modes, lengthof(modes));
	system->settings = sc_config_jsonb(row, 7);
	system->rank = sc_config_int(row, 8);
	system->connection = sc_config_text(row, 9);
	system->accepts = sc_config_jsonpath(row, 10);
	system->keep_payload = sc_config_text(row, 11);
	system->allow_http = sc_config_bool(row, 12);
	system->allow_private = sc_config_bool(row, 13);
	system->ca_file = sc_config_text(row, 14);
	system->integration_actor = sc_config_text(row, 15);
	system->clock_offset_us = sc_config_interval(row, 16);
	system->create_after = DT_NOBEGIN;
	if (!sc_config_is_null(row, 17))
	{
		bool is_null;

		system->create_after = DatumGetTimestampTz(
			SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 17, &is_null));
	}
	system->max_rate = sc_config_float(row, 18);
	system->max_in_flight = sc_config_int(row, 19);
}

static void
load_record_maps(ScConf *conf)
{
	int n = sc_config_rows(
		"SELECT system::text, record_type, entity_type::text, condition, create_with "
		"FROM syncore.record_map ORDER BY system::text, record_type, position, entity_type::text");

	for (int i = 0; i < n; i++)
	{
		ScSystem *system = sc_config_system(conf, sc_config_text(i, 1));
		const ScEntityType *type = sc_config_type(conf, sc_config_text(i, 3));

		if (system == NULL || type == NULL)
			continue;
		if (system->maps == NULL)
			system->maps = palloc0(sizeof(ScRecordMap) * n);
		ScRecordMap *map = &system->maps[system->nmaps++];

		map->record_type = sc_config_text(i, 2);
		map->type = type;
		map->condition = sc_config_jsonpath(i, 4);
		map->create_with = sc_config_jsonb(i, 5);
	}
}

static void
load_field_maps(ScConf *conf)
{
	int n = sc_config_rows(
		"SELECT system::text, record_type, entity_type::text, field::text, path::text, "
		"write_path::text, "
		"direction::text, value_map, on_unmapped, on_null, fallback, transform_in::text, "
		"transform_out::text, run_as, condition, contract, write_as, note_visibility::text, "
		"approval, format "
		"FROM syncore.field_map ORDER BY system::text, record_type, entity_type::text");

	for (int i = 0; i < n; i++)
	{
		ScRecordMap *map =
			find_map(conf, sc_config_text(i, 1), sc_config_text(i, 2), sc_config_text(i, 3));

		if (map == NULL)
			continue;
		if (map->fields == NULL)
			map->fields = palloc0(sizeof(ScFieldMap) * 4);
		else if (map->nfields >= 4 && (map->nfields & (map->nfields - 1)) == 0)
			map->fields = repalloc(map->fields, sizeof(ScFieldMap) * map->nfields * 2);
		ScFieldMap *field = &map->fields[map->nfields];

		memset(field, 0, sizeof(ScFieldMap));
		fill_field_map(conf, map, field, i);
		if (field->field != NULL)
			map->nfields++;
	}
	for (int s = 0; s < conf->nsystems; s++)
		for (int m = 0; m < conf->systems[s].nmaps; m++)
			if (conf->systems[s].maps[m].nfields > 1)
				qsort(conf->systems[s].maps[m].fields, conf->systems[s].maps[m].nfields,
					  sizeof(ScFieldMap), order_field_maps);
	for (int s = 0; s < conf->nsystems; s++)
		for (int m = 0; m < conf->systems[s].nmaps; m++)
			sc_survey_prepare(&conf->systems[s].maps[m]);
	sc_survey_forget();
}

static void
fill_field_map(const ScConf *conf, ScRecordMap *map, ScFieldMap *field, int row)
{
	char *values = sc_config_text(row, 8);
	Jsonb *format = sc_config_jsonb(row, 20);
	char *visibility = sc_config_text(row, 18);

	field->field = sc_conf_field(map->type, sc_config_text(row, 4));
	field->path_text = sc_config_text(row, 5);
	field->path = sc_config_pointer(field->path_text);
	field->write_path_text = sc_config_is_null(row, 6) ? field->path_text : sc_config_text(row, 6);
	field->write_path = sc_config_pointer(field->write_path_text);
	field->direction =
		(ScDirection) sc_config_word(sc_config_text(row, 7), directions, lengthof(directions));
	if (values != NULL)
		field->values = find_value_map(conf, sc_config_text(row, 1), values);
	field->on_unmapped = (ScUnmapped) sc_config_word(sc_config_text(row, 9), unmapped_rules,
													 lengthof(unmapped_rules));
	field->on_null =
		(ScOnNull) sc_config_word(sc_config_text(row, 10), null_rules, lengthof(null_rules));
	field->fallback = sc_config_text(row, 11);
	field->transform_in = sc_config_text(row, 12);
	field->transform_out = sc_config_text(row, 13);
	field->run_as = sc_config_text(row, 14);
	field->condition = sc_config_jsonpath(row, 15);
	field->contract = sc_config_bool(row, 16);
	field->as_note = strcmp(sc_config_text(row, 17), "note") == 0;
	if (visibility != NULL)
		field->note_visibility =
			(ScVisibility) sc_config_word(visibility, visibilities, lengthof(visibilities));
	field->approval = sc_config_bool(row, 19);
	field->time_format = sc_pointer_get_cstring(format, "/time");
	field->list_separator = sc_pointer_get_cstring(format, "/list");
	field->list_member = sc_pointer_get_cstring(format, "/member");
	field->rich_text = sc_pointer_get_cstring(format, "/rich_text");
	field->reference_key = sc_pointer_get_cstring(format, "/reference") != NULL &&
						   strcmp(sc_pointer_get_cstring(format, "/reference"), "key") == 0;
	field->follow = sc_pointer_get_cstring(format, "/follow");
	if (field->follow != NULL)
	{
		char *take = sc_pointer_get_cstring(format, "/take");
		char *ttl = sc_pointer_get_cstring(format, "/ttl_s");

		field->take = sc_config_pointer(take == NULL ? pstrdup("") : take);
		field->follow_ttl_us = (ttl == NULL ? SC_FOLLOW_TTL_S : atoi(ttl)) * USECS_PER_SEC;
	}
	field->country = sc_pointer_get_cstring(format, "/phone");
	field->scale = sc_pointer_get_cstring(format, "/scale") == NULL
					   ? 0
					   : atoi(sc_pointer_get_cstring(format, "/scale"));
	field->null_text = sc_pointer_get_cstring(format, "/null");
	field->identity_space = sc_pointer_get_cstring(format, "/identity");
}

static void
load_comment_maps(ScConf *conf)
{
	int n = sc_config_rows("SELECT system::text, record_type, channel, visibility::text, "
						   "direction::text, author_line, edits "
						   "FROM syncore.comment_map ORDER BY system::text, record_type, channel");

	for (int i = 0; i < n; i++)
	{
		ScSystem *system = sc_config_system(conf, sc_config_text(i, 1));
		char *record_type = sc_config_text(i, 2);

		for (int m = 0; system != NULL && m < system->nmaps; m++)
		{
			ScRecordMap *map = &system->maps[m];

			if (strcmp(map->record_type, record_type) != 0)
				continue;
			if (map->comments == NULL)
				map->comments = palloc0(sizeof(ScCommentMap) * n);
			ScCommentMap *comment = &map->comments[map->ncomments++];

			comment->channel = sc_config_text(i, 3);
			comment->visibility = (ScVisibility) sc_config_word(sc_config_text(i, 4), visibilities,
																lengthof(visibilities));
			comment->direction = (ScDirection) sc_config_word(sc_config_text(i, 5), directions,
															  lengthof(directions));
			comment->author_line = sc_config_bool(i, 6);
			comment->edits = sc_config_bool(i, 7);
		}
	}
}

/*
 * A map without rows, where there is none of that name or it is named after a
 * system of another space: nothing crosses spaces, and what cannot be mapped
 * goes by on_unmapped.
 */
static const ScValueMap *
find_value_map(const ScConf *conf, const char *system, const char *name)
{
	const ScSystem *user = sc_config_system(conf, system);
	const ScSystem *owner = sc_config_system(conf, pnstrdup(name, strcspn(name, ".")));
	ScValueMap *none;

	if (owner == NULL || owner->space == user->space)
		for (int i = 0; i < conf->nvaluemaps; i++)
			if (strcmp(conf->valuemaps[i].name, name) == 0)
				return &conf->valuemaps[i];
	none = palloc0(sizeof(ScValueMap));
	none->name = pstrdup(name);
	return none;
}

static ScRecordMap *
find_map(const ScConf *conf, const char *system, const char *record_type, const char *type)
{
	ScSystem *owner = sc_config_system(conf, system);

	for (int i = 0; owner != NULL && i < owner->nmaps; i++)
		if (strcmp(owner->maps[i].record_type, record_type) == 0 &&
			strcmp(owner->maps[i].type->name, type) == 0)
			return &owner->maps[i];
	return NULL;
}

static int
order_fields(const void *a, const void *b)
{
	return strcmp(((const ScField *) a)->name, ((const ScField *) b)->name);
}

/* By external value; rows of direction 'in' are more specific and come first. */
static int
order_in(const void *a, const void *b)
{
	const ScValuePair *x = a;
	const ScValuePair *y = b;
	int order = strcmp(x->external, y->external);

	if (order != 0)
		return order;
	return (y->direction == SC_DIRECTION_IN) - (x->direction == SC_DIRECTION_IN);
}

/* By canonical value and qualifier; nothing comes first. */
static int
order_out(const void *a, const void *b)
{
	const ScValuePair *x = a;
	const ScValuePair *y = b;
	int order = strcmp(x->canonical ? x->canonical : "", y->canonical ? y->canonical : "");

	if (order != 0)
		return order;
	order = strcmp(x->qualifier ? x->qualifier : "", y->qualifier ? y->qualifier : "");
	if (order != 0)
		return order;
	return (y->direction == SC_DIRECTION_OUT) - (x->direction == SC_DIRECTION_OUT);
}

static int
order_field_maps(const void *a, const void *b)
{
	const ScFieldMap *x = a;
	const ScFieldMap *y = b;
	int order = strcmp(x->field->name, y->field->name);

	return order != 0 ? order : strcmp(x->path_text, y->path_text);
}
