/*
 * walk.c
 *	  States along declared transitions.  What changes in one system by a step
 *	  that no row allows is told to the others by way of the states between
 *	  (entity_type.on_illegal = walk).
 *
 * The way is derived from what a record holds, each time something is due
 * there (R9); it is remembered nowhere.  A state between is taken only if that
 * system reads it back as the same state, so each step is nearer to the end.
 * Who holds a state between has not seen the value at the end (R10).
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "core/decide_private.h"
#include "core/walk.h"

static int find_state(const ScEntityType *type, const ScValue *value);
static int find_name(const ScEntityType *type, const char *name);

int
sc_walk_path(const ScEntityType *type, const ScValue *from, const ScValue *to, char ***path)
{
	int start = find_state(type, from);
	int goal = find_state(type, to);
	int *before = palloc(sizeof(int) * (type->nstates + 1));
	int *queue = palloc(sizeof(int) * (type->nstates + 1));
	int tail = 0;
	int n = 0;

	if (start < 0 || goal < 0 || start == goal)
		return 0;
	memset(before, -1, sizeof(int) * (type->nstates + 1));
	before[start] = start;
	queue[tail++] = start;
	for (int head = 0; head < tail && before[goal] < 0; head++)
		for (int i = 0; i < type->ntransitions; i++)
		{
			int next = find_name(type, type->transitions[2 * i + 1]);

			if (next < 0 || before[next] >= 0 ||
				strcmp(type->transitions[2 * i], type->states[queue[head]].name) != 0)
				continue;
			before[next] = queue[head];
			queue[tail++] = next;
		}
	if (before[goal] < 0)
		return 0;
	for (int at = goal; at != start; at = before[at])
		n++;
	*path = palloc(sizeof(char *) * n);
	for (int at = goal, i = n; at != start; at = before[at])
		(*path)[--i] = type->states[at].name;
	return n;
}

char *
sc_walk_say(const ScEntityType *type, const ScValue *from, const ScValue *to)
{
	StringInfoData line;
	char **path;
	int n = sc_walk_path(type, from, to, &path);

	if (n == 0)
		return NULL;
	initStringInfo(&line);
	for (int i = 0; i < n - 1; i++)
		appendStringInfo(&line, "%s%s", i > 0 ? ", " : "", path[i]);
	return line.data;
}

void
sc_walk_step(const ScBatch *batch, const ScLink *link, ScCallField *due)
{
	const ScEntityType *type = link->entity->type;
	const ScFieldMap *reader = sc_conf_reader(link->map, due->field);
	const ScMapCxt cxt = { batch->conf, link->system, batch->map_hooks };
	ScShadowField *shadow = sc_shadow_find(&unconstify(ScLink *, link)->shadow, due->field);
	ScMapped held;
	char **path;
	int n;

	if (strcmp(type->on_illegal, "walk") != 0 || !sc_model_is_linked(link) || reader == NULL ||
		shadow == NULL || shadow->held.state != SC_VALUE_JSON)
		return;
	held = sc_map_up(&cxt, reader, &shadow->held, NULL);
	if ((held.outcome != SC_MAP_OK && held.outcome != SC_MAP_NEAREST) ||
		!sc_decide_is_illegal(type, reader->field, &held.canonical, &due->canonical))
		return;
	n = sc_walk_path(type, &held.canonical, &due->canonical, &path);
	for (int i = 0; i < n - 1; i++)
	{
		ScValue step = sc_value_text(path[i]);
		ScMapped down = sc_map_down(&cxt, reader, &step, NULL);
		ScMapped back;

		if (down.outcome != SC_MAP_OK && down.outcome != SC_MAP_NEAREST)
			continue;
		back = sc_map_up(&cxt, reader, &down.external, NULL);
		if ((back.outcome != SC_MAP_OK && back.outcome != SC_MAP_NEAREST) ||
			!sc_value_equal(&back.canonical, &step))
			continue;
		due->canonical = step;
		due->value = down.external;
		due->clock = sc_vclock_copy(&shadow->seen);
		return;
	}
}

static int
find_state(const ScEntityType *type, const ScValue *value)
{
	char *name = value->state == SC_VALUE_JSON ? sc_value_to_cstring(value) : NULL;

	return name == NULL ? -1 : find_name(type, name);
}

static int
find_name(const ScEntityType *type, const char *name)
{
	for (int i = 0; i < type->nstates; i++)
		if (strcmp(type->states[i].name, name) == 0)
			return i;
	return -1;
}
