/*
 * pointer.c
 *	  JSON Pointer (RFC 6901): parse, read, write, remove; JSON Merge Patch
 *	  (RFC 7396).
 *
 * Documents are never changed in place: every verb returns a Jsonb of its own
 * in the current memory context.  A pointer has at most SC_POINTER_STEPS_MAX
 * steps, so its own recursion is bounded; merge patch follows the patch and
 * checks the stack.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/pointer.h"
#include "core/scalar.h"

typedef struct Put /* what is put where */
{
	const ScPointer *pointer;
	JsonbValue *value;
} Put;

static bool unescape_step(const char *start, const char *end, char **step, const char **reason);
static bool parse_index(const char *step, size_t len, uint32 count, uint32 *index);
static bool find_child(JsonbContainer *container, const char *step, size_t len, JsonbValue *child);
static void push_put(JsonbParseState **state, JsonbIteratorToken token, JsonbValue *place,
					 const Put *put, int depth);
static void push_put_object(JsonbParseState **state, JsonbContainer *container, const Put *put,
							int depth);
static void push_put_array(JsonbParseState **state, JsonbContainer *container, const Put *put,
						   int depth);
static void push_fresh(JsonbParseState **state, JsonbIteratorToken token, const Put *put,
					   int depth);
static JsonbValue *push_removed(JsonbParseState **state, JsonbContainer *container,
								const ScPointer *pointer, int depth);
static JsonbValue *push_merged(JsonbParseState **state, JsonbContainer *target,
							   JsonbContainer *patch);
static void root_value(Jsonb *document, JsonbValue *value);
static JsonbValue text_value(const char *string);

/* Compiles a pointer; NULL with *reason set (static text) when the text is none. */
ScPointer *
sc_pointer_parse(const char *string, const char **reason)
{
	*reason = NULL;
	size_t len = strlen(string);
	if (len > SC_POINTER_LENGTH_MAX)
	{
		*reason = "A pointer has at most 1024 bytes.";
		return NULL;
	}
	if (len > 0 && string[0] != '/')
	{
		*reason = "A pointer is empty or starts with \"/\".";
		return NULL;
	}
	ScPointer *pointer = palloc0(sizeof(ScPointer));
	const char *at = string;
	while (*at == '/')
	{
		if (pointer->len == SC_POINTER_STEPS_MAX)
		{
			*reason = "A pointer has at most 32 steps.";
			return NULL;
		}
		const char *end = at + 1;
		while (*end != '\0' && *end != '/')
			end++;
		if (!unescape_step(at + 1, end, &pointer->steps[pointer->len], reason))
			return NULL;
		pointer->len++;
		at = end;
	}
	return pointer;
}

/* The value at the pointer as a Jsonb of its own; NULL when absent. */
Jsonb *
sc_pointer_get(Jsonb *document, const ScPointer *pointer)
{
	if (document == NULL)
		return NULL;
	JsonbValue at;
	root_value(document, &at);
	for (int i = 0; i < pointer->len; i++)
	{
		JsonbValue child;
		if (at.type != jbvBinary ||
			!find_child(at.val.binary.data, pointer->steps[i], strlen(pointer->steps[i]), &child))
			return NULL;
		at = child;
	}
	return sc_scalar_make(&at);
}

/* As sc_pointer_get, by the pointer's text; NULL also when that is no pointer. */
Jsonb *
sc_pointer_get_text(Jsonb *document, const char *pointer)
{
	JsonbValue found;
	return sc_pointer_find(document, pointer, &found) ? sc_scalar_make(&found) : NULL;
}

/* The value inside the document; false when absent, or when the text is no pointer. */
bool
sc_pointer_find(Jsonb *document, const char *pointer, JsonbValue *value)
{
	if (document == NULL || (pointer[0] != '/' && pointer[0] != '\0'))
		return false;
	const char *reason;
	const char *at = pointer;
	root_value(document, value);
	while (*at == '/')
	{
		size_t len = strcspn(at + 1, "/");
		const char *step = at + 1;
		char *unescaped = NULL;
		JsonbValue child;
		if (memchr(step, '~', len) != NULL && !unescape_step(step, step + len, &unescaped, &reason))
			return false;
		size_t step_len = unescaped == NULL ? len : strlen(unescaped);
		if (value->type != jbvBinary ||
			!find_child(value->val.binary.data, unescaped == NULL ? step : unescaped, step_len,
						&child))
			return false;
		*value = child;
		at += len + 1;
	}
	return true;
}

/* Text of the scalar at the pointer; NULL when absent, null or a container. */
char *
sc_pointer_get_cstring(Jsonb *document, const char *pointer)
{
	JsonbValue value;
	if (!sc_pointer_find(document, pointer, &value) || value.type == jbvBinary ||
		value.type == jbvNull)
		return NULL;
	if (value.type == jbvString)
		return pnstrdup(value.val.string.val, value.val.string.len);
	Jsonb *found = sc_scalar_make(&value);
	return JsonbToCString(NULL, &found->root, VARSIZE(found));
}

/* A copy of document with value (NULL = JSON null) at the pointer. */
Jsonb *
sc_pointer_set(Jsonb *document, const ScPointer *pointer, Jsonb *value)
{
	JsonbValue given;
	Put put = { .pointer = pointer, .value = &given };
	if (value == NULL)
		given.type = jbvNull;
	else
		root_value(value, &given);
	if (pointer->len == 0)
		return sc_scalar_make(&given);

	/* The result is built as the one element of an array, so that every level is pushed alike. */
	JsonbParseState *state = NULL;
	JsonbValue root;
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	if (document == NULL)
		push_fresh(&state, WJB_ELEM, &put, 0);
	else
	{
		root_value(document, &root);
		push_put(&state, WJB_ELEM, &root, &put, 0);
	}
	JsonbValue *wrapped = pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	return sc_scalar_make(&wrapped->val.array.elems[0]);
}

/* A copy of document without what is at the pointer; a copy as it is when nothing is there. */
Jsonb *
sc_pointer_remove(Jsonb *document, const ScPointer *pointer)
{
	if (document == NULL || JB_ROOT_IS_SCALAR(document) || pointer->len == 0)
		return document;
	JsonbParseState *state = NULL;
	return JsonbValueToJsonb(push_removed(&state, &document->root, pointer, 0));
}

/* RFC 7396: members of patch replace those of target, null removes, anything but an object replaces whole. */
Jsonb *
sc_pointer_merge_patch(Jsonb *target, Jsonb *patch)
{
	if (patch == NULL)
		return target;
	if (!JB_ROOT_IS_OBJECT(patch))
		return patch;
	JsonbParseState *state = NULL;
	JsonbContainer *below = target != NULL && JB_ROOT_IS_OBJECT(target) ? &target->root : NULL;
	return JsonbValueToJsonb(push_merged(&state, below, &patch->root));
}

/* One reference token without its escapes: "~1" is "/", "~0" is "~". */
static bool
unescape_step(const char *start, const char *end, char **step, const char **reason)
{
	char *out = palloc(end - start + 1);
	char *to = out;
	for (const char *at = start; at < end; at++)
	{
		if (*at != '~')
		{
			*to++ = *at;
			continue;
		}
		if (at + 1 == end || (at[1] != '0' && at[1] != '1'))
		{
			*reason =
				"In a pointer \"~\" is written \"~0\" and \"/\" inside a name is written \"~1\".";
			return false;
		}
		at++;
		*to++ = *at == '0' ? '~' : '/';
	}
	*to = '\0';
	*step = out;
	return true;
}

/* An array index: decimal without leading zeros, or "-", which is one past the end. */
static bool
parse_index(const char *step, size_t len, uint32 count, uint32 *index)
{
	if (len == 1 && step[0] == '-')
	{
		*index = count;
		return true;
	}
	if (len == 0 || len > 9 || (len > 1 && step[0] == '0'))
		return false;
	*index = 0;
	for (size_t i = 0; i < len; i++)
	{
		if (step[i] < '0' || step[i] > '9')
			return false;
		*index = *index * 10 + (step[i] - '0');
	}
	return true;
}

/* The member or element that one step names. */
static bool
find_child(JsonbContainer *container, const char *step, size_t len, JsonbValue *child)
{
	if (JsonContainerIsObject(container))
		return getKeyJsonValueFromContainer(container, step, (int) len, child) != NULL;
	if (!JsonContainerIsArray(container) || JsonContainerIsScalar(container))
		return false;
	uint32 index;
	if (!parse_index(step, len, JsonContainerSize(container), &index) ||
		index >= JsonContainerSize(container))
		return false;
	*child = *getIthJsonbValueFromContainer(container, index);
	return true;
}

/* Pushes place with value put below it; token is WJB_ELEM or WJB_VALUE. */
static void
push_put(JsonbParseState **state, JsonbIteratorToken token, JsonbValue *place, const Put *put,
		 int depth)
{
	if (depth == put->pointer->len)
	{
		pushJsonbValue(state, token, put->value);
		return;
	}
	uint32 index;
	if (place->type == jbvBinary && JsonContainerIsObject(place->val.binary.data))
		push_put_object(state, place->val.binary.data, put, depth);
	else if (place->type == jbvBinary &&
			 parse_index(put->pointer->steps[depth], strlen(put->pointer->steps[depth]),
						 JsonContainerSize(place->val.binary.data), &index))
		push_put_array(state, place->val.binary.data, put, depth);
	else
		push_fresh(state, token, put, depth);
}

static void
push_put_object(JsonbParseState **state, JsonbContainer *container, const Put *put, int depth)
{
	const char *step = put->pointer->steps[depth];
	size_t len = strlen(step);
	bool found = false;
	JsonbIterator *it = JsonbIteratorInit(container);
	JsonbValue at;
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	for (JsonbIteratorToken token = JsonbIteratorNext(&it, &at, true); token != WJB_DONE;
		 token = JsonbIteratorNext(&it, &at, true))
	{
		if (token != WJB_KEY)
			continue;
		bool hit = at.val.string.len == len && memcmp(at.val.string.val, step, len) == 0;
		pushJsonbValue(state, WJB_KEY, &at);
		token = JsonbIteratorNext(&it, &at, true);
		if (hit)
			push_put(state, WJB_VALUE, &at, put, depth + 1);
		else
			pushJsonbValue(state, WJB_VALUE, &at);
		found = found || hit;
	}
	if (!found)
	{
		JsonbValue key = text_value(step);
		pushJsonbValue(state, WJB_KEY, &key);
		push_fresh(state, WJB_VALUE, put, depth + 1);
	}
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

static void
push_put_array(JsonbParseState **state, JsonbContainer *container, const Put *put, int depth)
{
	uint32 count = JsonContainerSize(container);
	uint32 index;
	parse_index(put->pointer->steps[depth], strlen(put->pointer->steps[depth]), count, &index);
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (uint32 i = 0; i < count; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(container, i);
		if (i == index)
			push_put(state, WJB_ELEM, element, put, depth + 1);
		else
			pushJsonbValue(state, WJB_ELEM, element);
	}
	if (index >= count)
		push_fresh(state, WJB_ELEM, put, depth + 1);
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

/* Pushes value inside what the rest of the pointer makes: an array for "-", else objects. */
static void
push_fresh(JsonbParseState **state, JsonbIteratorToken token, const Put *put, int depth)
{
	if (depth == put->pointer->len)
	{
		pushJsonbValue(state, token, put->value);
		return;
	}
	if (strcmp(put->pointer->steps[depth], "-") == 0)
	{
		pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
		push_fresh(state, WJB_ELEM, put, depth + 1);
		pushJsonbValue(state, WJB_END_ARRAY, NULL);
		return;
	}
	JsonbValue key = text_value(put->pointer->steps[depth]);
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(state, WJB_KEY, &key);
	push_fresh(state, WJB_VALUE, put, depth + 1);
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* Pushes a container without what the rest of the pointer names. */
static JsonbValue *
push_removed(JsonbParseState **state, JsonbContainer *container, const ScPointer *pointer,
			 int depth)
{
	const char *step = pointer->steps[depth];
	bool last = depth + 1 == pointer->len;
	bool array = JsonContainerIsArray(container);
	uint32 index = 0;
	bool indexed = array && parse_index(step, strlen(step), JsonContainerSize(container), &index);
	JsonbIterator *it = JsonbIteratorInit(container);
	JsonbValue at;
	bool hit = false;
	uint32 i = 0;
	pushJsonbValue(state, array ? WJB_BEGIN_ARRAY : WJB_BEGIN_OBJECT, NULL);
	JsonbIteratorNext(&it, &at, true);
	for (JsonbIteratorToken token = JsonbIteratorNext(&it, &at, true);
		 token == WJB_KEY || token == WJB_VALUE || token == WJB_ELEM;
		 token = JsonbIteratorNext(&it, &at, true))
	{
		if (token == WJB_KEY)
		{
			hit = at.val.string.len == strlen(step) &&
				  memcmp(at.val.string.val, step, strlen(step)) == 0;
			if (!(hit && last))
				pushJsonbValue(state, WJB_KEY, &at);
			continue;
		}
		if (token == WJB_ELEM)
			hit = indexed && i++ == index;
		if (hit && last)
			continue;
		if (hit && at.type == jbvBinary)
			push_removed(state, at.val.binary.data, pointer, depth + 1);
		else
			pushJsonbValue(state, token, &at);
	}
	return pushJsonbValue(state, array ? WJB_END_ARRAY : WJB_END_OBJECT, NULL);
}

/* Pushes target (NULL = none) with the members of the object patch applied. */
static JsonbValue *
push_merged(JsonbParseState **state, JsonbContainer *target, JsonbContainer *patch)
{
	check_stack_depth();
	JsonbValue key;
	JsonbValue at;
	JsonbValue other;
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	JsonbIterator *it = target == NULL ? NULL : JsonbIteratorInit(target);
	while (it != NULL && JsonbIteratorNext(&it, &key, true) != WJB_DONE)
	{
		if (key.type != jbvString)
			continue;
		JsonbIteratorNext(&it, &at, true);
		if (getKeyJsonValueFromContainer(patch, key.val.string.val, key.val.string.len, &other) !=
			NULL)
			continue;
		pushJsonbValue(state, WJB_KEY, &key);
		pushJsonbValue(state, WJB_VALUE, &at);
	}
	it = JsonbIteratorInit(patch);
	for (JsonbIteratorToken token = JsonbIteratorNext(&it, &key, true); token != WJB_DONE;
		 token = JsonbIteratorNext(&it, &key, true))
	{
		if (token != WJB_KEY)
			continue;
		JsonbIteratorNext(&it, &at, true);
		if (at.type == jbvNull)
			continue;
		pushJsonbValue(state, WJB_KEY, &key);
		bool deeper = at.type == jbvBinary && JsonContainerIsObject(at.val.binary.data);
		bool below = deeper && target != NULL &&
					 getKeyJsonValueFromContainer(target, key.val.string.val, key.val.string.len,
												  &other) != NULL &&
					 other.type == jbvBinary && JsonContainerIsObject(other.val.binary.data);
		if (deeper)
			push_merged(state, below ? other.val.binary.data : NULL, at.val.binary.data);
		else
			pushJsonbValue(state, WJB_VALUE, &at);
	}
	return pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* The root as a value: a scalar is itself, anything else its container. */
static void
root_value(Jsonb *document, JsonbValue *value)
{
	if (JB_ROOT_IS_SCALAR(document))
	{
		sc_scalar_read(document, value);
		return;
	}
	value->type = jbvBinary;
	value->val.binary.data = &document->root;
	value->val.binary.len = VARSIZE(document) - VARHDRSZ;
}

static JsonbValue
text_value(const char *string)
{
	JsonbValue value;
	value.type = jbvString;
	value.val.string.val = pstrdup(string);
	value.val.string.len = (int) strlen(string);
	return value;
}
