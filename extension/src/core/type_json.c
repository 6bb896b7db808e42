/*
 * type_json.c
 *	  The JSON forms of the stored types: strict reading, plain writing.
 *
 * Numbers are read exactly or not at all, times only in the spelling that we
 * write, so that reading depends on no setting.  Nothing here trusts a length.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "core/scalar.h"
#include "core/type_json.h"

static void push_key(ScJsonOut *out, const char *key);
static void push_scalar(ScJsonOut *out, const char *key, JsonbValue *value);
static char *spell_digest(const uint8 *digest);
static void read_digest(ScJsonIn *in, const char *key, uint8 *digest);
static bool read_digits(const char *text, int64 *number);
static bool parse_time(const char *text, TimestampTz *at);

void
sc_type_json_open_object(ScJsonOut *out, const char *key)
{
	push_key(out, key);
	out->result = pushJsonbValue(&out->state, WJB_BEGIN_OBJECT, NULL);
}

void
sc_type_json_close_object(ScJsonOut *out)
{
	out->result = pushJsonbValue(&out->state, WJB_END_OBJECT, NULL);
}

void
sc_type_json_open_array(ScJsonOut *out, const char *key)
{
	push_key(out, key);
	out->result = pushJsonbValue(&out->state, WJB_BEGIN_ARRAY, NULL);
}

void
sc_type_json_close_array(ScJsonOut *out)
{
	out->result = pushJsonbValue(&out->state, WJB_END_ARRAY, NULL);
}

void
sc_type_json_put_int(ScJsonOut *out, const char *key, int64 number)
{
	JsonbValue value = { .type = jbvNumeric };

	value.val.numeric = int64_to_numeric(number);
	push_scalar(out, key, &value);
}

void
sc_type_json_put_true(ScJsonOut *out, const char *key)
{
	JsonbValue value = { .type = jbvBool };

	value.val.boolean = true;
	push_scalar(out, key, &value);
}

void
sc_type_json_put_text(ScJsonOut *out, const char *key, const char *text)
{
	JsonbValue value = { .type = jbvString };

	value.val.string.val = pstrdup(text);
	value.val.string.len = (int) strlen(text);
	push_scalar(out, key, &value);
}

/* ISO 8601 in UTC with all its microseconds. */
void
sc_type_json_put_time(ScJsonOut *out, const char *key, TimestampTz at)
{
	char buf[MAXDATELEN + 1];
	int utc = 0;

	JsonEncodeDateTime(buf, TimestampTzGetDatum(at), TIMESTAMPTZOID, &utc);
	sc_type_json_put_text(out, key, buf);
}

/* {"1": 3, "42": 7} */
void
sc_type_json_put_clock(ScJsonOut *out, const char *key, const ScClock *clock)
{
	sc_type_json_open_object(out, key);
	for (int i = 0; i < clock->len; i++)
	{
		char name[24];

		snprintf(name, sizeof(name), INT64_FORMAT, clock->dots[i].link);
		sc_type_json_put_int(out, name, clock->dots[i].n);
	}
	sc_type_json_close_object(out);
}

/* {"value": …}, or {"digest": hex, "loose": hex}; nothing at all when unknown, but null in an array. */
void
sc_type_json_put_value(ScJsonOut *out, const char *key, const ScValue *value)
{
	JsonbValue inner;

	if (value->state == SC_VALUE_UNKNOWN)
	{
		inner.type = jbvNull;
		if (key == NULL)
			push_scalar(out, key, &inner);
		return;
	}
	sc_type_json_open_object(out, key);
	if (value->state == SC_VALUE_DIGEST)
	{
		sc_type_json_put_text(out, "digest", spell_digest(value->digest));
		sc_type_json_put_text(out, "loose", spell_digest(value->loose));
	}
	else
	{
		if (!sc_scalar_read(value->json, &inner))
		{
			inner.type = jbvBinary;
			inner.val.binary.data = &value->json->root;
			inner.val.binary.len = (int) VARSIZE_ANY_EXHDR(value->json);
		}
		push_scalar(out, "value", &inner);
	}
	sc_type_json_close_object(out);
}

Jsonb *
sc_type_json_finish(ScJsonOut *out)
{
	return JsonbValueToJsonb(out->result);
}

/* Starts reading a document, which must be an object. */
ScJsonIn
sc_type_json_read(const char *type, Jsonb *document)
{
	ScJsonIn in = { .type = type, .object = &document->root };

	if (!JB_ROOT_IS_OBJECT(document))
		sc_type_json_malformed(&in, "an object is expected");
	return in;
}

/* Starts reading an object inside. */
ScJsonIn
sc_type_json_object(ScJsonIn *in, const JsonbValue *value)
{
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		sc_type_json_malformed(in, "an object is expected");
	return (ScJsonIn){ .type = in->type, .object = value->val.binary.data };
}

JsonbValue *
sc_type_json_take(ScJsonIn *in, const char *key)
{
	JsonbValue *value = getKeyJsonValueFromContainer(in->object, key, (int) strlen(key), NULL);

	if (value != NULL)
		in->taken++;
	return value;
}

void
sc_type_json_end(const ScJsonIn *in)
{
	if (in->taken != JsonContainerSize(in->object))
		sc_type_json_malformed(in, "an object has a member that is not known here");
}

/* An integer, written without fraction or exponent. */
bool
sc_type_json_get_int(ScJsonIn *in, const char *key, int64 *number)
{
	JsonbValue *value = sc_type_json_take(in, key);

	if (value == NULL)
		return false;
	if (value->type != jbvNumeric)
		sc_type_json_malformed(in, "a number is expected");

	Datum text = DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric));

	if (!read_digits(DatumGetCString(text), number))
		sc_type_json_malformed(in, "a number is no integer or out of range");
	return true;
}

int32
sc_type_json_get_int32(ScJsonIn *in, const char *key)
{
	int64 number = 0;

	if (sc_type_json_get_int(in, key, &number) && (number > PG_INT32_MAX || number < PG_INT32_MIN))
		sc_type_json_malformed(in, "a number is out of range");
	return (int32) number;
}

/* True when the member is true; absent or false is false. */
bool
sc_type_json_get_true(ScJsonIn *in, const char *key)
{
	JsonbValue *value = sc_type_json_take(in, key);

	if (value == NULL)
		return false;
	if (value->type != jbvBool)
		sc_type_json_malformed(in, "true or false is expected");
	return value->val.boolean;
}

char *
sc_type_json_get_text(ScJsonIn *in, const char *key)
{
	JsonbValue *value = sc_type_json_take(in, key);

	if (value == NULL)
		return NULL;
	if (value->type != jbvString)
		sc_type_json_malformed(in, "a string is expected");
	return sc_type_json_key(value);
}

bool
sc_type_json_get_time(ScJsonIn *in, const char *key, TimestampTz *at)
{
	JsonbValue *value = sc_type_json_take(in, key);

	if (value == NULL)
		return false;
	*at = sc_type_json_time(in, value);
	return true;
}

/* A time in the spelling of put_time. */
TimestampTz
sc_type_json_time(ScJsonIn *in, const JsonbValue *value)
{
	TimestampTz at;

	if (value->type != jbvString || !parse_time(sc_type_json_key(value), &at))
		sc_type_json_malformed(in, "a time in ISO 8601 with time zone is expected");
	return at;
}

ScClock
sc_type_json_get_clock(ScJsonIn *in, const char *key)
{
	JsonbValue *value = sc_type_json_take(in, key);

	if (value == NULL)
		return sc_vclock_empty();

	ScJsonIn entries = sc_type_json_object(in, value);
	uint32 len = JsonContainerSize(entries.object);

	if (len > SC_VCLOCK_ENTRIES_MAX)
		sc_type_json_too_many(in, "clock entries", SC_VCLOCK_ENTRIES_MAX);

	/* by way of the text form, which sorts and checks */
	StringInfoData buf;
	JsonbIterator *it = JsonbIteratorInit(entries.object);
	JsonbIteratorToken token;
	JsonbValue item;

	initStringInfo(&buf);
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char *link = sc_type_json_key(&item);
			int64 n = 0;

			sc_type_json_get_int(&entries, link, &n);
			appendStringInfo(&buf, "%c%s:" INT64_FORMAT, buf.len == 0 ? '{' : ',', link, n);
		}
	}
	appendStringInfoString(&buf, buf.len == 0 ? "{}" : "}");

	ScClock clock;

	if (!sc_vclock_parse(buf.data, &clock) || (uint32) clock.len != len)
		sc_type_json_malformed(in, "a clock is an object of link numbers and counters above zero");
	return clock;
}

ScValue
sc_type_json_get_value(ScJsonIn *in, const char *key)
{
	JsonbValue *value = sc_type_json_take(in, key);

	if (value == NULL)
		return (ScValue){ .state = SC_VALUE_UNKNOWN };
	return sc_type_json_value(in, value);
}

/* A value in the spelling of put_value. */
ScValue
sc_type_json_value(ScJsonIn *in, JsonbValue *value)
{
	ScValue result = { .state = SC_VALUE_UNKNOWN };

	if (value->type == jbvNull)
		return result;

	ScJsonIn object = sc_type_json_object(in, value);
	JsonbValue *json = sc_type_json_take(&object, "value");

	if (json != NULL)
	{
		result.state = SC_VALUE_JSON;
		result.json = JsonbValueToJsonb(json);
	}
	else
	{
		result.state = SC_VALUE_DIGEST;
		read_digest(&object, "digest", result.digest);
		read_digest(&object, "loose", result.loose);
	}
	sc_type_json_end(&object);
	return result;
}

JsonbContainer *
sc_type_json_get_array(ScJsonIn *in, const char *key, int max, int *len)
{
	JsonbValue *value = sc_type_json_take(in, key);

	*len = 0;
	if (value == NULL)
		return NULL;
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		sc_type_json_malformed(in, "an array is expected");
	if (JsonContainerSize(value->val.binary.data) > (uint32) max)
		sc_type_json_too_many(in, key, max);
	*len = (int) JsonContainerSize(value->val.binary.data);
	return value->val.binary.data;
}

/* A string or key, NUL-terminated. */
char *
sc_type_json_key(const JsonbValue *key)
{
	return pnstrdup(key->val.string.val, key->val.string.len);
}

void
sc_type_json_malformed(const ScJsonIn *in, const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					errmsg("invalid input for type syncore.%s: %s", in->type, what)));
}

void
sc_type_json_too_many(const ScJsonIn *in, const char *what, int max)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("too many %s for type syncore.%s: the limit is %d", what, in->type, max)));
}

static void
push_key(ScJsonOut *out, const char *key)
{
	if (key == NULL)
		return;
	JsonbValue value = { .type = jbvString };

	value.val.string.val = pstrdup(key);
	value.val.string.len = (int) strlen(key);
	pushJsonbValue(&out->state, WJB_KEY, &value);
}

static void
push_scalar(ScJsonOut *out, const char *key, JsonbValue *value)
{
	push_key(out, key);
	pushJsonbValue(&out->state, key == NULL ? WJB_ELEM : WJB_VALUE, value);
}

static char *
spell_digest(const uint8 *digest)
{
	char *text = palloc(2 * SC_VALUE_DIGEST_LEN + 1);

	text[hex_encode((const char *) digest, SC_VALUE_DIGEST_LEN, text)] = '\0';
	return text;
}

static void
read_digest(ScJsonIn *in, const char *key, uint8 *digest)
{
	char *text = sc_type_json_get_text(in, key);

	if (text == NULL || strlen(text) != 2 * SC_VALUE_DIGEST_LEN ||
		strspn(text, "0123456789abcdef") != 2 * SC_VALUE_DIGEST_LEN)
		sc_type_json_malformed(in, "a digest of 32 hexadecimal digits is expected");
	hex_decode(text, 2 * SC_VALUE_DIGEST_LEN, (char *) digest);
}

/* Sign and digits within the bigint range. */
static bool
read_digits(const char *text, int64 *number)
{
	char *end;

	if (text[strspn(text, "-0123456789")] != '\0' || strlen(text) > 20)
		return false;
	errno = 0;
	*number = strtoi64(text, &end, 10);
	return errno == 0 && end != text && *end == '\0';
}

/* Only what put_time writes: digits with a zone, or an infinity; no word that means "today". */
static bool
parse_time(const char *text, TimestampTz *at)
{
	char *field[MAXDATEFIELDS];
	int ftype[MAXDATEFIELDS];
	char workbuf[MAXDATELEN + MAXDATEFIELDS];
	struct pg_tm tm;
	int nf;
	int dtype;
	int tz = 0;
	fsec_t fsec;
	size_t digits = strspn(text, "0123456789-+:.T");

	if (strcmp(text, "infinity") == 0)
		*at = DT_NOEND;
	else if (strcmp(text, "-infinity") == 0)
		*at = DT_NOBEGIN;
	else
	{
		const char *time = strchr(text, 'T');

		if (time == NULL || strpbrk(time, "+-") == NULL ||
			(text[digits] != '\0' && strcmp(text + digits, " BC") != 0))
			return false;
		if (ParseDateTime(text, workbuf, sizeof(workbuf), field, ftype, MAXDATEFIELDS, &nf) != 0 ||
			DecodeDateTime(field, ftype, nf, &dtype, &tm, &fsec, &tz) != 0)
			return false;
		return dtype == DTK_DATE && tm2timestamp(&tm, fsec, &tz, at) == 0;
	}
	return true;
}
