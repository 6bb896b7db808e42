/*
 * value.c
 *	  One value of one field: compare, fold, remember, copy.
 *
 * Two forms of a value decide equality.  The canonical text is JSON with
 * numbers normalised, so 1.0 is 1; jsonb has put the members of an object in
 * order.  The folded text is what is left of a text when a product has stored
 * it in its own way: without case, white space, line ends and markup.  A long
 * value is remembered by the SHA-256 of both, cut to 16 bytes.
 */
#include "postgres.h"

#include <openssl/sha.h>

#include "catalog/pg_collation_d.h"
#include "lib/stringinfo.h"
#include "utils/formatting.h"
#include "utils/json.h"
#include "utils/numeric.h"

#include "core/richtext.h"
#include "core/scalar.h"
#include "core/value.h"

const ScValue SC_UNKNOWN = { .state = SC_VALUE_UNKNOWN };

static bool is_string(Jsonb *json);
static Jsonb *scalar_jsonb(JsonbValue *value);
static void append_scalar(StringInfo buf, const JsonbValue *value);
static void digest_of(Jsonb *json, uint8 *digest);
static void loose_of(Jsonb *json, uint8 *digest);
static char *folded_text(Jsonb *json);
static void digest_bytes(const char *data, size_t len, uint8 *digest);

/* A known value; json is not copied. */
ScValue
sc_value_json(Jsonb *json)
{
	ScValue value = { .state = SC_VALUE_JSON, .json = json };
	return value;
}

/* "Explicitly nothing". */
ScValue
sc_value_null(void)
{
	JsonbValue null = { .type = jbvNull };
	return sc_value_json(scalar_jsonb(&null));
}

/* A JSON string; NULL is JSON null. */
ScValue
sc_value_text(const char *string)
{
	if (string == NULL)
		return sc_value_null();
	JsonbValue scalar = { .type = jbvString };
	scalar.val.string.val = unconstify(char *, string);
	scalar.val.string.len = (int) strlen(string);
	return sc_value_json(scalar_jsonb(&scalar));
}

bool
sc_value_is_null(const ScValue *value)
{
	if (value->state != SC_VALUE_JSON || !JB_ROOT_IS_SCALAR(value->json))
		return false;
	JsonbValue scalar;
	sc_scalar_read(value->json, &scalar);
	return scalar.type == jbvNull;
}

/* One bare string: it has one stored form, so that other bytes are another string. */
static bool
is_string(Jsonb *json)
{
	return JB_ROOT_IS_SCALAR(json) && JBE_ISSTRING(json->root.children[0]);
}

/* The same JSON value; a digest stands for the value that it was made of.  Unknown equals nothing. */
bool
sc_value_equal(const ScValue *a, const ScValue *b)
{
	if (a->state == SC_VALUE_UNKNOWN || b->state == SC_VALUE_UNKNOWN)
		return false;
	if (a->state == SC_VALUE_JSON && b->state == SC_VALUE_JSON)
	{
		if (VARSIZE(a->json) == VARSIZE(b->json) && memcmp(a->json, b->json, VARSIZE(a->json)) == 0)
			return true;
		if (is_string(a->json) && is_string(b->json))
			return false;
		size_t alen;
		size_t blen;
		char *atext = sc_value_canonical_text(a->json, &alen);
		char *btext = sc_value_canonical_text(b->json, &blen);
		bool equal = alen == blen && memcmp(atext, btext, alen) == 0;
		pfree(atext);
		pfree(btext);
		return equal;
	}
	uint8 adigest[SC_VALUE_DIGEST_LEN];
	uint8 bdigest[SC_VALUE_DIGEST_LEN];
	memcpy(adigest, a->digest, SC_VALUE_DIGEST_LEN);
	memcpy(bdigest, b->digest, SC_VALUE_DIGEST_LEN);
	if (a->state == SC_VALUE_JSON)
		digest_of(a->json, adigest);
	if (b->state == SC_VALUE_JSON)
		digest_of(b->json, bdigest);
	return memcmp(adigest, bdigest, SC_VALUE_DIGEST_LEN) == 0;
}

/* Equal once case, white space, line ends and markup are taken away.  Unknown equals nothing. */
bool
sc_value_equal_loosely(const ScValue *a, const ScValue *b)
{
	if (sc_value_equal(a, b))
		return true;
	if (a->state == SC_VALUE_UNKNOWN || b->state == SC_VALUE_UNKNOWN)
		return false;
	uint8 aloose[SC_VALUE_DIGEST_LEN];
	uint8 bloose[SC_VALUE_DIGEST_LEN];
	memcpy(aloose, a->loose, SC_VALUE_DIGEST_LEN);
	memcpy(bloose, b->loose, SC_VALUE_DIGEST_LEN);
	if (a->state == SC_VALUE_JSON)
		loose_of(a->json, aloose);
	if (b->state == SC_VALUE_JSON)
		loose_of(b->json, bloose);
	return memcmp(aloose, bloose, SC_VALUE_DIGEST_LEN) == 0;
}

/* A value that is cheap to keep: itself while short, else its two digests. */
ScValue
sc_value_remembered(const ScValue *value)
{
	if (value->state != SC_VALUE_JSON || VARSIZE(value->json) <= SC_VALUE_INLINE_MAX)
		return *value;
	ScValue digest = { .state = SC_VALUE_DIGEST };
	digest_of(value->json, digest.digest);
	loose_of(value->json, digest.loose);
	return digest;
}

/* Smaller than its digests: as it is. */
ScValue
sc_value_digested(const ScValue *value)
{
	if (value->state != SC_VALUE_JSON || VARSIZE(value->json) <= 2 * SC_VALUE_DIGEST_LEN)
		return *value;
	ScValue digest = { .state = SC_VALUE_DIGEST };
	digest_of(value->json, digest.digest);
	loose_of(value->json, digest.loose);
	return digest;
}

/* Deep copy into the current memory context. */
ScValue
sc_value_copy(const ScValue *value)
{
	ScValue copy = *value;
	if (value->state == SC_VALUE_JSON)
	{
		copy.json = palloc(VARSIZE(value->json));
		memcpy(copy.json, value->json, VARSIZE(value->json));
	}
	return copy;
}

/* The text of a string, the JSON text of anything else; NULL when there is none. */
char *
sc_value_to_cstring(const ScValue *value)
{
	if (value->state != SC_VALUE_JSON || sc_value_is_null(value))
		return NULL;
	if (JB_ROOT_IS_SCALAR(value->json))
	{
		JsonbValue scalar;
		sc_scalar_read(value->json, &scalar);
		if (scalar.type == jbvString)
			return pnstrdup(scalar.val.string.val, scalar.val.string.len);
	}
	return JsonbToCString(NULL, &value->json->root, VARSIZE(value->json));
}

static Jsonb *
scalar_jsonb(JsonbValue *value)
{
	return sc_scalar_make(value);
}

/* JSON without white space, numbers normalised.  No recursion: the iterator keeps the levels. */
char *
sc_value_canonical_text(Jsonb *json, size_t *len)
{
	StringInfoData buf;
	initStringInfo(&buf);
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbValue value;
	bool first = true;
	for (JsonbIteratorToken token = JsonbIteratorNext(&it, &value, false); token != WJB_DONE;
		 token = JsonbIteratorNext(&it, &value, false))
	{
		bool closes = token == WJB_END_ARRAY || token == WJB_END_OBJECT;
		if (!first && !closes && token != WJB_VALUE)
			appendStringInfoChar(&buf, ',');
		first = token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT || token == WJB_KEY;
		if (token == WJB_BEGIN_ARRAY)
			appendStringInfoChar(&buf, '[');
		else if (token == WJB_BEGIN_OBJECT)
			appendStringInfoChar(&buf, '{');
		else if (token == WJB_END_ARRAY)
			appendStringInfoChar(&buf, ']');
		else if (token == WJB_END_OBJECT)
			appendStringInfoChar(&buf, '}');
		else
			append_scalar(&buf, &value);
		if (token == WJB_KEY)
			appendStringInfoChar(&buf, ':');
	}
	*len = buf.len;
	return buf.data;
}

static void
append_scalar(StringInfo buf, const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			appendStringInfoString(buf, "null");
			break;
		case jbvBool:
			appendStringInfoString(buf, value->val.boolean ? "true" : "false");
			break;
		case jbvNumeric:
			appendStringInfoString(buf, numeric_normalize(value->val.numeric));
			break;
		case jbvString:
		{
			char *string = pnstrdup(value->val.string.val, value->val.string.len);
			escape_json(buf, string);
			pfree(string);
			break;
		}
		default:
			elog(ERROR, "unexpected jsonb value of type %d", (int) value->type);
	}
}

static void
digest_of(Jsonb *json, uint8 *digest)
{
	size_t len;
	char *string = sc_value_canonical_text(json, &len);
	digest_bytes(string, len, digest);
	pfree(string);
}

static void
loose_of(Jsonb *json, uint8 *digest)
{
	char *string = folded_text(json);
	digest_bytes(string, strlen(string), digest);
	pfree(string);
}

/* The text of the value (of a rich text document: its words), folded. */
static char *
folded_text(Jsonb *json)
{
	char *string;
	JsonbValue scalar;
	if (JB_ROOT_IS_SCALAR(json) && sc_scalar_read(json, &scalar) && scalar.type == jbvString)
		string = pnstrdup(scalar.val.string.val, scalar.val.string.len);
	else if (JB_ROOT_IS_SCALAR(json) && scalar.type == jbvNull)
		string = pstrdup("");
	else if (sc_richtext_is_adf(json))
		string = sc_richtext_from_adf(json);
	else
	{
		size_t len;
		string = sc_value_canonical_text(json, &len);
		if (JB_ROOT_IS_SCALAR(json))
		{
			/* a scalar is kept as a one-element array: take its brackets away */
			string[len - 1] = '\0';
			string++;
		}
	}
	char *words = sc_richtext_fold(string);
	char *lower = str_tolower(words, strlen(words), DEFAULT_COLLATION_OID);
	pfree(words);
	return lower;
}

static void
digest_bytes(const char *data, size_t len, uint8 *digest)
{
	uint8 full[SHA256_DIGEST_LENGTH];
	SHA256((const unsigned char *) data, len, full);
	memcpy(digest, full, SC_VALUE_DIGEST_LEN);
}
