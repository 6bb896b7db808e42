/*
 * json.c
 *	  Building and reading objects of jsonb.  No input makes a reader raise.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "core/json.h"
#include "core/scalar.h"

static void push_key(ScJson *json, const char *key);
static void push_scalar(ScJson *json, const char *key, JsonbValue *value);
static JsonbValue *find_member(Jsonb *object, const char *key);

ScJson
sc_json_object(void)
{
	ScJson json = { NULL };

	pushJsonbValue(&json.state, WJB_BEGIN_OBJECT, NULL);
	return json;
}

ScJson
sc_json_array(void)
{
	ScJson json = { NULL };

	pushJsonbValue(&json.state, WJB_BEGIN_ARRAY, NULL);
	return json;
}

void
sc_json_open_object(ScJson *json, const char *key)
{
	push_key(json, key);
	pushJsonbValue(&json->state, WJB_BEGIN_OBJECT, NULL);
}

void
sc_json_open_array(ScJson *json, const char *key)
{
	push_key(json, key);
	pushJsonbValue(&json->state, WJB_BEGIN_ARRAY, NULL);
}

void
sc_json_close_object(ScJson *json)
{
	pushJsonbValue(&json->state, WJB_END_OBJECT, NULL);
}

void
sc_json_close_array(ScJson *json)
{
	pushJsonbValue(&json->state, WJB_END_ARRAY, NULL);
}

Jsonb *
sc_json_end(ScJson *json)
{
	bool array = json->state->contVal.type == jbvArray;

	return JsonbValueToJsonb(
		pushJsonbValue(&json->state, array ? WJB_END_ARRAY : WJB_END_OBJECT, NULL));
}

void
sc_json_text(ScJson *json, const char *key, const char *text)
{
	if (text == NULL)
		return;

	JsonbValue value;

	value.type = jbvString;
	value.val.string.val = pstrdup(text);
	value.val.string.len = strlen(text);
	push_scalar(json, key, &value);
}

void
sc_json_number(ScJson *json, const char *key, int64 number)
{
	JsonbValue value;

	value.type = jbvNumeric;
	value.val.numeric = int64_to_numeric(number);
	push_scalar(json, key, &value);
}

void
sc_json_boolean(ScJson *json, const char *key, bool boolean)
{
	JsonbValue value;

	value.type = jbvBool;
	value.val.boolean = boolean;
	push_scalar(json, key, &value);
}

void
sc_json_jsonb(ScJson *json, const char *key, Jsonb *jsonb)
{
	if (jsonb == NULL)
		return;

	JsonbValue value;

	if (JB_ROOT_IS_SCALAR(jsonb))
		sc_scalar_read(jsonb, &value);
	else
	{
		value.type = jbvBinary;
		value.val.binary.data = &jsonb->root;
		value.val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
	}
	push_scalar(json, key, &value);
}

Jsonb *
sc_json_get(Jsonb *object, const char *key)
{
	JsonbValue *value = find_member(object, key);

	return value == NULL ? NULL : sc_scalar_make(value);
}

char *
sc_json_get_text(Jsonb *object, const char *key)
{
	JsonbValue *value = find_member(object, key);

	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* Whole numbers that fit; anything else is otherwise. */
int64
sc_json_get_number(Jsonb *object, const char *key, int64 otherwise)
{
	JsonbValue *value = find_member(object, key);

	if (value == NULL || value->type != jbvNumeric || numeric_is_nan(value->val.numeric))
		return otherwise;

	char *text =
		DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	char *end;
	int64 number;

	errno = 0;
	number = strtoll(text, &end, 10);
	return errno != 0 || *end != '\0' ? otherwise : number;
}

bool
sc_json_get_boolean(Jsonb *object, const char *key, bool otherwise)
{
	JsonbValue *value = find_member(object, key);

	return value == NULL || value->type != jbvBool ? otherwise : value->val.boolean;
}

/* Elements of an array, each a jsonb of its own; 0 for anything else. */
int
sc_json_elements(Jsonb *array, Jsonb ***elements)
{
	if (array == NULL || !JB_ROOT_IS_ARRAY(array) || JB_ROOT_IS_SCALAR(array))
		return 0;

	int len = JB_ROOT_COUNT(array);

	*elements = palloc(sizeof(Jsonb *) * Max(len, 1));
	for (int i = 0; i < len; i++)
		(*elements)[i] = sc_scalar_make(getIthJsonbValueFromContainer(&array->root, i));
	return len;
}

static void
push_key(ScJson *json, const char *key)
{
	if (key == NULL)
		return;

	JsonbValue value;

	value.type = jbvString;
	value.val.string.val = pstrdup(key);
	value.val.string.len = strlen(key);
	pushJsonbValue(&json->state, WJB_KEY, &value);
}

static void
push_scalar(ScJson *json, const char *key, JsonbValue *value)
{
	push_key(json, key);
	pushJsonbValue(&json->state, key == NULL ? WJB_ELEM : WJB_VALUE, value);
}

static JsonbValue *
find_member(Jsonb *object, const char *key)
{
	if (object == NULL || !JB_ROOT_IS_OBJECT(object))
		return NULL;
	return getKeyJsonValueFromContainer(&object->root, key, strlen(key), NULL);
}
