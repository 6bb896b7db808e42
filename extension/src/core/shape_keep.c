/*
 * shape_keep.c
 *	  What may be stored of a payload: a copy with only the places that are
 *	  read, and without sensitive ones.
 *
 * A place is a list of names from the root; "*" stands for any name.  Places
 * come from the sources of the shape, the paths of the field maps, and the
 * jsonpath conditions, which are walked for the members they touch.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/jsonpath.h"

#include "core/json.h"
#include "core/shape.h"

#define SC_KEEP_NESTED_MAX 64 /* items in items of a jsonpath */

typedef struct ScKeptPlaces /* the places of one shape and record type; as many as there are maps */
{
	const ScEventShape *event;
	const char *record_type; /* of a map */
	List *places;
	struct ScKeptPlaces *next;
} ScKeptPlaces;

static List *find_places(const ScSystem *system, const ScShape *shape, bool none);
static List *collect_places(const ScSystem *system, const ScShape *shape, bool none);
static bool may_be_sensitive(const ScSystem *system);
static List *places_of_shape(const ScSystem *system, const ScShape *shape, bool only_names);
static List *places_of_maps(const ScSystem *system, const ScShape *shape, List *places);
static List *add_pointer(List *places, const List *prefix, const char *pointer);
static List *add_source(List *places, const List *prefix, Jsonb *source, int depth);
static List *add_condition(List *places, const List *prefix, JsonPath *condition);
static List *add_items(List *places, List *place, const List *root, JsonPathItem *item, int depth);
static List *add_operands(List *places, List *place, const List *root, JsonPathItem *item,
						  int depth);
static List *record_roots(const ScEventShape *event, List *roots);
static List *as_place(const ScPointer *pointer);
static JsonbValue *push_kept(JsonbParseState **state, JsonbContainer *container, List *places,
							 int depth);
static List *places_below(List *places, int depth, const char *name, bool *whole);
static Jsonb *without_sensitive(const ScSystem *system, const ScShape *shape, Jsonb *payload);

/* See shape.h.  shape as sc_shape_read made it of the same payload. */
Jsonb *
sc_shape_kept(const ScSystem *system, const ScShape *shape, Jsonb *payload)
{
	if (payload == NULL)
		return payload;
	bool none = strcmp(system->keep_payload, "none") == 0;
	Jsonb *clean = without_sensitive(system, shape, payload);
	if (shape->shape == NULL && none)
	{
		ScJson nothing = sc_json_object();
		return sc_json_end(&nothing);
	}
	if (shape->shape == NULL || strcmp(system->keep_payload, "all") == 0 ||
		JB_ROOT_IS_SCALAR(clean))
		return clean;
	List *places = find_places(system, shape, none);
	if (list_member_ptr(places, NIL))
		return clean;
	JsonbParseState *state = NULL;
	return JsonbValueToJsonb(push_kept(&state, &clean->root, places, 0));
}

/* As collect_places, remembered as long as the configuration is. */
static List *
find_places(const ScSystem *system, const ScShape *shape, bool none)
{
	const ScRecordMap *map =
		shape->record_type == NULL ? NULL : sc_conf_record_map(system, shape->record_type, NULL);
	if (map == NULL || system->cxt == NULL)
		return collect_places(system, shape, none);
	for (ScKeptPlaces *kept = system->kept; kept != NULL; kept = kept->next)
		if (kept->event == shape->shape && strcmp(kept->record_type, map->record_type) == 0)
			return kept->places;
	MemoryContext old = MemoryContextSwitchTo(system->cxt);
	ScKeptPlaces *kept = palloc(sizeof(ScKeptPlaces));
	kept->event = shape->shape;
	kept->record_type = map->record_type;
	kept->places = collect_places(system, shape, none);
	kept->next = system->kept;
	unconstify(ScSystem *, system)->kept = kept;
	MemoryContextSwitchTo(old);
	return kept->places;
}

static List *
collect_places(const ScSystem *system, const ScShape *shape, bool none)
{
	List *places = places_of_shape(system, shape, none);
	return none ? places : places_of_maps(system, shape, places);
}

/* All that the shape reads; only_names: without comments. */
static List *
places_of_shape(const ScSystem *system, const ScShape *shape, bool only_names)
{
	static const char *const names[] = { "record_type",	 "kind",		"external_id",
										 "external_key", "url",			"event_id",
										 "marker",		 "call_marker", "version",
										 "actor",		 "actor_name",	"correlation_id",
										 "batch_id",	 "source_time" };
	Jsonb *paths = shape->shape->paths;
	List *places = NIL;
	for (int i = 0; i < lengthof(names); i++)
	{
		Jsonb *source = sc_json_get(paths, names[i]);
		if (source != NULL)
			places = add_source(places, NIL, source, 0);
	}
	for (int i = 0; i < system->connector->nevents; i++)
		places = add_condition(places, NIL, system->connector->events[i].condition);
	char *list = only_names ? NULL : sc_json_get_text(paths, "comments");
	if (list != NULL)
		places = add_pointer(places, NIL, list);
	return places;
}

/* All that the maps of the record type, and the match rules, read below the record. */
static List *
places_of_maps(const ScSystem *system, const ScShape *shape, List *places)
{
	ListCell *cell;
	foreach (cell, record_roots(shape->shape, NIL))
	{
		const List *prefix = as_place((ScPointer *) lfirst(cell));
		ListCell *reference;
		places = add_condition(places, prefix, system->accepts);
		foreach (reference, system->references)
			places = add_pointer(places, prefix, lfirst(reference));
		for (int m = 0; m < system->nmaps; m++)
		{
			const ScRecordMap *map = &system->maps[m];
			if (shape->record_type != NULL && strcmp(map->record_type, shape->record_type) != 0)
				continue;
			places = add_condition(places, prefix, map->condition);
			for (int f = 0; f < map->nfields; f++)
			{
				places = add_pointer(places, prefix, map->fields[f].path_text);
				places = add_condition(places, prefix, map->fields[f].condition);
			}
		}
	}
	return places;
}

/* Adds the pointers at which a row finds records (compiled). */
static List *
record_roots(const ScEventShape *event, List *roots)
{
	Jsonb *source = sc_json_get(event->paths, "record");
	Jsonb **pointers = &source;
	int count = source == NULL				? 0
				: JB_ROOT_IS_SCALAR(source) ? 1
											: sc_json_elements(source, &pointers);
	for (int i = 0; i < count; i++)
	{
		ScValue root = sc_value_json(pointers[i]);
		char *pointer = sc_value_to_cstring(&root);
		const char *reason;
		ScPointer *compiled = pointer == NULL ? NULL : sc_pointer_parse(pointer, &reason);
		if (compiled != NULL)
			roots = lappend(roots, compiled);
	}
	return roots;
}

static List *
as_place(const ScPointer *pointer)
{
	List *place = NIL;
	for (int i = 0; i < pointer->len; i++)
		place = lappend(place, pointer->steps[i]);
	return place;
}

static List *
add_pointer(List *places, const List *prefix, const char *pointer)
{
	const char *reason;
	ScPointer *compiled = sc_pointer_parse(pointer, &reason);
	if (compiled == NULL)
		return places;
	List *place = list_copy(prefix);
	for (int i = 0; i < compiled->len; i++)
	{
		/* an array is kept whole: its elements have no names of their own */
		if (strspn(compiled->steps[i], "0123456789") == strlen(compiled->steps[i]))
			break;
		place = lappend(place, compiled->steps[i]);
	}
	return lappend(places, place);
}

/* Every pointer that a source mentions. */
static List *
add_source(List *places, const List *prefix, Jsonb *source, int depth)
{
	if (depth > 8)
		return places;
	if (JB_ROOT_IS_OBJECT(source))
	{
		Jsonb *inner = sc_json_get(source, "path");
		if (inner == NULL)
			inner = sc_json_get(source, "join");
		return inner == NULL ? places : add_source(places, prefix, inner, depth + 1);
	}
	if (!JB_ROOT_IS_SCALAR(source))
	{
		Jsonb **parts;
		int count = sc_json_elements(source, &parts);
		for (int i = 0; i < count; i++)
			places = add_source(places, prefix, parts[i], depth + 1);
		return places;
	}
	ScValue value = sc_value_json(source);
	char *string = sc_value_to_cstring(&value);
	return string != NULL && string[0] == '/' ? add_pointer(places, prefix, string) : places;
}

static List *
add_condition(List *places, const List *prefix, JsonPath *condition)
{
	if (condition == NULL)
		return places;
	JsonPathItem item;
	jspInit(&item, condition);
	return add_items(places, list_copy(prefix), prefix, &item, 0);
}

/* Follows a chain of accessors from a place; what it ends at is kept whole. */
static List *
add_items(List *places, List *place, const List *root, JsonPathItem *item, int depth)
{
	JsonPathItem next;
	int32 len;
	if (depth > SC_KEEP_NESTED_MAX)
		return lappend(places, list_copy(root));
	switch (item->type)
	{
		case jpiRoot:
			place = list_copy(root);
			break;
		case jpiCurrent:
		case jpiAnyArray:
		case jpiIndexArray:
			break;
		case jpiKey:
			place = lappend(list_copy(place), pstrdup(jspGetString(item, &len)));
			break;
		case jpiAnyKey:
			place = lappend(list_copy(place), pstrdup("*"));
			break;
		case jpiAny:
			return lappend(places, place);
		case jpiString:
		case jpiNumeric:
		case jpiBool:
		case jpiNull:
		case jpiVariable:
			return places;
		default:
			return add_operands(places, place, root, item, depth);
	}
	if (!jspGetNext(item, &next))
		return lappend(places, place);
	return add_items(places, place, root, &next, depth + 1);
}

/* Operators and filters: their operands start at the same place. */
static List *
add_operands(List *places, List *place, const List *root, JsonPathItem *item, int depth)
{
	JsonPathItem inner;
	switch (item->type)
	{
		case jpiAnd:
		case jpiOr:
		case jpiEqual:
		case jpiNotEqual:
		case jpiLess:
		case jpiGreater:
		case jpiLessOrEqual:
		case jpiGreaterOrEqual:
		case jpiAdd:
		case jpiSub:
		case jpiMul:
		case jpiDiv:
		case jpiMod:
		case jpiStartsWith:
			jspGetLeftArg(item, &inner);
			places = add_items(places, place, root, &inner, depth + 1);
			jspGetRightArg(item, &inner);
			places = add_items(places, place, root, &inner, depth + 1);
			break;
		case jpiNot:
		case jpiIsUnknown:
		case jpiPlus:
		case jpiMinus:
		case jpiExists:
		case jpiFilter:
			jspGetArg(item, &inner);
			places = add_items(places, place, root, &inner, depth + 1);
			break;
		case jpiLikeRegex:
			jspInitByBuffer(&inner, item->base, item->content.like_regex.expr);
			places = add_items(places, place, root, &inner, depth + 1);
			break;
		default:
			/* a method such as size() or type() looks at the whole of what it is asked about */
			places = lappend(places, place);
			break;
	}
	if (jspGetNext(item, &inner))
		places = add_items(places, place, root, &inner, depth + 1);
	return places;
}

/* Pushes the members of a container that lie on the way to a place, or below one. */
static JsonbValue *
push_kept(JsonbParseState **state, JsonbContainer *container, List *places, int depth)
{
	check_stack_depth();
	bool array = JsonContainerIsArray(container);
	JsonbIterator *it = JsonbIteratorInit(container);
	JsonbValue key = { .type = jbvNull };
	JsonbValue at;
	pushJsonbValue(state, array ? WJB_BEGIN_ARRAY : WJB_BEGIN_OBJECT, NULL);
	JsonbIteratorNext(&it, &at, true);
	for (JsonbIteratorToken token = JsonbIteratorNext(&it, &at, true);
		 token == WJB_KEY || token == WJB_VALUE || token == WJB_ELEM;
		 token = JsonbIteratorNext(&it, &at, true))
	{
		if (token == WJB_KEY)
		{
			key = at;
			continue;
		}
		bool whole = false;
		List *below = places;
		if (token == WJB_VALUE)
			below = places_below(places, depth, pnstrdup(key.val.string.val, key.val.string.len),
								 &whole);
		else
			whole = at.type != jbvBinary;
		if (below == NIL && !whole)
			continue;
		if (token == WJB_VALUE)
			pushJsonbValue(state, WJB_KEY, &key);
		if (whole || at.type != jbvBinary)
			pushJsonbValue(state, token, &at);
		else
			push_kept(state, at.val.binary.data, below, token == WJB_VALUE ? depth + 1 : depth);
	}
	return pushJsonbValue(state, array ? WJB_END_ARRAY : WJB_END_OBJECT, NULL);
}

/* The places that go on through a member of this name; *whole: one of them ends there. */
static List *
places_below(List *places, int depth, const char *name, bool *whole)
{
	List *below = NIL;
	ListCell *cell;
	foreach (cell, places)
	{
		List *place = (List *) lfirst(cell);
		if (list_length(place) <= depth)
			continue;
		const char *step = list_nth(place, depth);
		if (strcmp(step, name) != 0 && strcmp(step, "*") != 0)
			continue;
		if (list_length(place) == depth + 1)
			*whole = true;
		below = lappend(below, place);
	}
	return below;
}

/*
 * A copy without the places of sensitive fields, wherever the row that reads
 * the payload, or any row when none does, may find a record.
 */
static Jsonb *
without_sensitive(const ScSystem *system, const ScShape *shape, Jsonb *payload)
{
	if (!may_be_sensitive(system))
		return payload;
	List *roots = shape->shape == NULL ? NIL : record_roots(shape->shape, NIL);
	for (int i = 0; shape->shape == NULL && i < system->connector->nevents; i++)
		roots = record_roots(&system->connector->events[i], roots);
	for (int m = 0; m < system->nmaps; m++)
	{
		const ScRecordMap *map = &system->maps[m];
		if (shape->record_type != NULL && strcmp(map->record_type, shape->record_type) != 0)
			continue;
		for (int f = 0; f < map->nfields; f++)
		{
			ListCell *cell;
			if (map->fields[f].field->sensitive == SC_SENSITIVE_NO)
				continue;
			foreach (cell, roots)
			{
				ScPointer place = *(ScPointer *) lfirst(cell);
				const ScPointer *path = map->fields[f].path;
				for (int i = 0; i < path->len && place.len < SC_POINTER_STEPS_MAX; i++)
					place.steps[place.len++] = path->steps[i];
				payload = sc_pointer_remove(payload, &place);
			}
		}
	}
	return payload;
}

static bool
may_be_sensitive(const ScSystem *system)
{
	for (int m = 0; m < system->nmaps; m++)
		for (int f = 0; f < system->maps[m].nfields; f++)
			if (system->maps[m].fields[f].field->sensitive != SC_SENSITIVE_NO)
				return true;
	return false;
}
