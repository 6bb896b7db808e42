/*
 * convert.c
 *	  Types both ways; see convert.h and the spellings in map.h.
 *
 * Nothing throws on what a product sends: numbers are checked before the
 * server's own parser sees them, and lengths are bounded.
 */
#include "postgres.h"

#include <ctype.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "core/convert.h"
#include "core/json.h"
#include "core/map.h"
#include "core/richtext.h"
#include "core/scalar.h"

static ScConverted done(Jsonb *value);
static ScConverted failed(int sqlstate, const char *message, const char *hint);
static ScConverted number_up(const ScFieldMap *map, Jsonb *external);
static ScConverted number_down(const ScFieldMap *map, const char *word);
static ScConverted phone_up(const ScFieldMap *map, Jsonb *external);
static ScConverted boolean_up(Jsonb *external);
static ScConverted timestamp_up(const ScFieldMap *map, Jsonb *external);
static ScConverted rich_text_up(const ScFieldMap *map, Jsonb *external);
static ScConverted url_up(Jsonb *external);
static ScConverted text_up(Jsonb *external);
static ScConverted text_checked(char *string);
static ScConverted timestamp_down(const ScFieldMap *map, Jsonb *canonical);
static Jsonb *number_jsonb(const char *string);
static Jsonb *boolean_jsonb(bool value);
static bool read_boolean(const char *word, bool *value);
static char *without_returns(char *string);
static int compare_text(const void *a, const void *b);

bool
sc_convert_is_nothing(Jsonb *external)
{
	if (!JB_ROOT_IS_SCALAR(external))
		return JB_ROOT_IS_ARRAY(external) && JB_ROOT_COUNT(external) == 0;
	JsonbValue scalar;
	sc_scalar_read(external, &scalar);
	return scalar.type == jbvNull || (scalar.type == jbvString && scalar.val.string.len == 0);
}

Jsonb *
sc_convert_unwrap(const ScFieldMap *map, Jsonb *external)
{
	if (!JB_ROOT_IS_OBJECT(external) || map->field->kind == SC_KIND_JSON ||
		(map->field->kind == SC_KIND_RICH_TEXT && sc_richtext_is_adf(external)))
		return external;
	const char *member = map->list_member != NULL ? map->list_member : map->identity_space;
	Jsonb *inner = sc_pointer_get_text(external, member == NULL ? "/value" : member);
	return inner == NULL ? external : inner;
}

char *
sc_convert_word(Jsonb *value)
{
	JsonbValue scalar;
	if (!JB_ROOT_IS_SCALAR(value))
		return NULL;
	sc_scalar_read(value, &scalar);
	switch (scalar.type)
	{
		case jbvString:
			return pnstrdup(scalar.val.string.val, scalar.val.string.len);
		case jbvBool:
			return pstrdup(scalar.val.boolean ? "true" : "false");
		case jbvNumeric:
			return numeric_normalize(scalar.val.numeric);
		default:
			return NULL;
	}
}

ScConverted
sc_convert_up(const ScFieldMap *map, Jsonb *external)
{
	switch (map->field->kind)
	{
		case SC_KIND_NUMBER:
			return number_up(map, external);
		case SC_KIND_BOOLEAN:
			return boolean_up(external);
		case SC_KIND_TIMESTAMP:
			return timestamp_up(map, external);
		case SC_KIND_RICH_TEXT:
			return rich_text_up(map, external);
		case SC_KIND_URL:
			return url_up(external);
		case SC_KIND_JSON:
			return done(external);
		default:
			return map->country != NULL ? phone_up(map, external) : text_up(external);
	}
}

ScConverted
sc_convert_down(const ScFieldMap *map, Jsonb *canonical)
{
	char *word = sc_convert_word(canonical);
	if (map->field->kind == SC_KIND_TIMESTAMP)
		return timestamp_down(map, canonical);
	if (map->field->kind == SC_KIND_NUMBER && map->scale > 0 && word != NULL)
		return number_down(map, word);
	if (map->field->kind == SC_KIND_RICH_TEXT && map->rich_text != NULL &&
		strcmp(map->rich_text, "adf") == 0)
	{
		if (word == NULL)
			return failed(ERRCODE_DATATYPE_MISMATCH, "the value is no text",
						  "Give the field a text.");
		return done(sc_richtext_to_adf(word));
	}
	if (map->field->kind == SC_KIND_RICH_TEXT && map->rich_text != NULL && word != NULL)
		return done(sc_value_text(sc_richtext_to(map->rich_text, word)).json);
	if (map->identity_space != NULL && word != NULL)
	{
		const char *reason;
		ScPointer *pointer = sc_pointer_parse(map->identity_space, &reason);
		if (pointer != NULL && pointer->len > 0)
			return done(sc_pointer_set(NULL, pointer, canonical));
	}
	return done(canonical);
}

int
sc_convert_split(const ScFieldMap *map, Jsonb *external, Jsonb ***members)
{
	*members = NULL;
	if (JB_ROOT_IS_ARRAY(external) && !JB_ROOT_IS_SCALAR(external))
		return sc_json_elements(external, members);
	char *word = sc_convert_word(external);
	if (word == NULL || map->list_separator == NULL || map->list_separator[0] == '\0')
	{
		*members = palloc(sizeof(Jsonb *));
		(*members)[0] = external;
		return 1;
	}
	int count = 0;
	int room = 8;
	size_t width = strlen(map->list_separator);
	*members = palloc(room * sizeof(Jsonb *));
	for (char *at = word; at != NULL;)
	{
		char *end = strstr(at, map->list_separator);
		size_t len = end == NULL ? strlen(at) : end - at;
		while (len > 0 && isspace((unsigned char) *at))
			at++, len--;
		while (len > 0 && isspace((unsigned char) at[len - 1]))
			len--;
		if (count == room)
		{
			room *= 2;
			*members = repalloc(*members, room * sizeof(Jsonb *));
		}
		if (len > 0)
			(*members)[count++] = sc_value_text(pnstrdup(at, len)).json;
		at = end == NULL ? NULL : end + width;
	}
	return count;
}

Jsonb *
sc_convert_set(int count, char **members)
{
	ScJson array = sc_json_array();
	qsort(members, count, sizeof(char *), compare_text);
	for (int i = 0; i < count; i++)
	{
		if (i == 0 || strcmp(members[i], members[i - 1]) != 0)
			sc_json_text(&array, NULL, members[i]);
	}
	return sc_json_end(&array);
}

char *
sc_convert_number_text(const char *string)
{
	while (isspace((unsigned char) *string))
		string++;
	size_t len = strlen(string);
	while (len > 0 && isspace((unsigned char) string[len - 1]))
		len--;
	if (len == 0 || len > SC_CONVERT_NUMBER_MAX)
		return NULL;
	char *copy = pnstrdup(string, len);
	const char *at = copy + (*copy == '-' || *copy == '+');
	size_t whole = strspn(at, "0123456789");
	at += whole;
	size_t fraction = *at == '.' ? strspn(at + 1, "0123456789") : 0;
	at += *at == '.' ? fraction + 1 : 0;
	if (whole + fraction == 0)
		return NULL;
	if (*at == 'e' || *at == 'E')
	{
		at += at[1] == '-' || at[1] == '+' ? 2 : 1;
		size_t digits = strspn(at, "0123456789");
		if (digits == 0 || digits > 3 || atoi(at) > SC_CONVERT_NUMBER_MAX)
			return NULL;
		at += digits;
	}
	if (*at != '\0')
		return NULL;
	Datum number = DirectFunctionCall3(numeric_in, CStringGetDatum(copy),
									   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	return numeric_normalize(DatumGetNumeric(number));
}

static ScConverted
done(Jsonb *value)
{
	ScConverted result = { .value = value };
	return result;
}

static ScConverted
failed(int sqlstate, const char *message, const char *hint)
{
	ScConverted result = { .value = NULL, .sqlstate = sqlstate, .message = message, .hint = hint };
	return result;
}

/* JSON numbers and numbers in text, exact; never NaN or an infinity. */
static ScConverted
number_up(const ScFieldMap *map, Jsonb *external)
{
	char *word = sc_convert_word(external);
	if (word == NULL)
		return failed(ERRCODE_DATATYPE_MISMATCH, "the value is an object or a list, not a number",
					  "Point the path at the number itself.");
	char *number = sc_convert_number_text(word);
	if (number == NULL)
		return failed(
			ERRCODE_INVALID_TEXT_REPRESENTATION,
			"the value is not a number, or has more than 400 digits",
			"Digits with a point as decimal mark are read; anything else needs transform_in.");
	if (map->scale > 0)
		number = sc_convert_number_text(psprintf("%se-%d", number, map->scale));
	return number == NULL ? failed(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "the value is too long",
								   "Check format.scale of the field map.")
						  : done(number_jsonb(number));
}

/* 12.30 as 1230: whole units only, or something would be lost. */
static ScConverted
number_down(const ScFieldMap *map, const char *word)
{
	char *plain = sc_convert_number_text(word);
	char *number =
		plain == NULL ? NULL : sc_convert_number_text(psprintf("%se%d", plain, map->scale));

	if (number == NULL || strchr(number, '.') != NULL)
		return failed(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
					  "the value has more decimals than the system can hold",
					  "Round it with transform_out, or raise format.scale of the field map.");
	return done(number_jsonb(number));
}

/*
 * A telephone number in international form (E.164).  A number with neither a
 * country nor a leading zero may be anything: it is not guessed.
 */
static ScConverted
phone_up(const ScFieldMap *map, Jsonb *external)
{
	char *word = sc_convert_word(external);
	StringInfoData digits;
	StringInfoData number;

	if (word == NULL)
		return text_up(external);
	initStringInfo(&digits);
	initStringInfo(&number);
	for (const char *at = word; *at != '\0'; at++)
	{
		if (isdigit((unsigned char) *at) || (*at == '+' && digits.len == 0))
			appendStringInfoChar(&digits, *at);
		else if (strncmp(at, "(0)", 3) == 0 && digits.len > 0)
			at += 2; /* +49 (0)30: the zero is dialled inside the country only */
		else if (strchr(" -./()", *at) == NULL)
		{
			resetStringInfo(&digits);
			break;
		}
	}
	if (digits.data[0] == '+')
		appendStringInfoString(&number, digits.data);
	else if (strncmp(digits.data, "00", 2) == 0)
		appendStringInfo(&number, "+%s", digits.data + 2);
	else if (digits.data[0] == '0')
		appendStringInfo(&number, "%s%s", map->country, digits.data + 1);
	if (number.len < 8 || number.len > 16 || number.data[1] == '0')
		return failed(ERRCODE_INVALID_TEXT_REPRESENTATION,
					  "the value is no telephone number, or it is not clear of which country",
					  "Write it with + and the country, or with a leading 0 for that of "
					  "format.phone.");
	return done(sc_value_text(number.data).json);
}

static ScConverted
boolean_up(Jsonb *external)
{
	char *word = sc_convert_word(external);
	bool value;
	if (word == NULL || !read_boolean(word, &value))
		return failed(
			ERRCODE_INVALID_TEXT_REPRESENTATION, "the value is neither true nor false",
			"true, false, yes, no, on, off, 1 and 0 are read; other words need a value map.");
	return done(boolean_jsonb(value));
}

static ScConverted
timestamp_up(const ScFieldMap *map, Jsonb *external)
{
	char *word = sc_convert_word(external);
	TimestampTz at;
	if (word == NULL || !sc_map_parse_time(word, map->time_format, &at))
		return failed(ERRCODE_INVALID_DATETIME_FORMAT,
					  "the value is not a time, or lies beyond the year 9999",
					  "Say how times are spelt in format.time of the field map.");
	return done(sc_value_text(sc_map_format_time(at, NULL)).json);
}

static ScConverted
rich_text_up(const ScFieldMap *map, Jsonb *external)
{
	ScConverted text;

	if (sc_richtext_is_adf(external))
		return text_checked(sc_richtext_from_adf(external));
	text = text_up(external);
	if (text.value == NULL || map->rich_text == NULL)
		return text;
	return text_checked(sc_richtext_from(map->rich_text, sc_convert_word(text.value)));
}

static ScConverted
url_up(Jsonb *external)
{
	ScConverted result = text_up(external);
	if (result.value == NULL)
		return result;
	char *word = sc_convert_word(result.value);
	bool web = pg_strncasecmp(word, "https://", 8) == 0 || pg_strncasecmp(word, "http://", 7) == 0;
	for (const char *at = word; *at != '\0'; at++)
		web = web && (unsigned char) *at > ' ' && *at != 0x7f;
	if (!web)
		return failed(ERRCODE_INVALID_PARAMETER_VALUE, "the value is not a web address",
					  "An address starts with https:// or http:// and has no spaces.");
	return result;
}

static ScConverted
text_up(Jsonb *external)
{
	char *word = sc_convert_word(external);
	if (word == NULL)
		return failed(ERRCODE_DATATYPE_MISMATCH, "the value is an object or a list, not a text",
					  "Point the path at the text itself, or set format.member.");
	return text_checked(word);
}

static ScConverted
text_checked(char *string)
{
	if (strlen(string) > SC_CONVERT_TEXT_MAX)
		return failed(ERRCODE_STRING_DATA_RIGHT_TRUNCATION, "the value is longer than one megabyte",
					  "Leave the field out of the map, or shorten it with transform_in.");
	return done(sc_value_text(without_returns(string)).json);
}

static ScConverted
timestamp_down(const ScFieldMap *map, Jsonb *canonical)
{
	char *word = sc_convert_word(canonical);
	TimestampTz at;
	char *spelt = NULL;
	if (word != NULL && sc_map_parse_time(word, NULL, &at))
		spelt = sc_map_format_time(at, map->time_format);
	if (spelt == NULL)
		return failed(ERRCODE_INVALID_DATETIME_FORMAT,
					  "the value is not a time, or lies beyond the year 9999",
					  "A time is given as ISO 8601.");
	if (map->time_format != NULL && strncmp(map->time_format, "epoch", 5) == 0)
		return done(number_jsonb(spelt));
	return done(sc_value_text(spelt).json);
}

static Jsonb *
number_jsonb(const char *string)
{
	JsonbValue value = { .type = jbvNumeric };
	value.val.numeric = DatumGetNumeric(DirectFunctionCall3(
		numeric_in, CStringGetDatum(string), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	return sc_scalar_make(&value);
}

static Jsonb *
boolean_jsonb(bool value)
{
	JsonbValue boolean = { .type = jbvBool };
	boolean.val.boolean = value;
	return sc_scalar_make(&boolean);
}

static bool
read_boolean(const char *word, bool *value)
{
	static const char *const yes[] = { "true", "yes", "on", "y", "t", "1" };
	static const char *const no[] = { "false", "no", "off", "n", "f", "0" };
	for (int i = 0; i < lengthof(yes); i++)
	{
		if (pg_strcasecmp(word, yes[i]) == 0 || pg_strcasecmp(word, no[i]) == 0)
		{
			*value = pg_strcasecmp(word, yes[i]) == 0;
			return true;
		}
	}
	return false;
}

/* Line ends as LF. */
static char *
without_returns(char *string)
{
	char *to = string;
	for (char *at = string; *at != '\0'; at++)
	{
		if (*at == '\r' && at[1] == '\n')
			continue;
		*to++ = *at == '\r' ? '\n' : *at;
	}
	*to = '\0';
	return string;
}

static int
compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}
