/*
 * match_key.c
 *	  The keys by which records are recognised: the values of the rule's
 *	  fields, without what the rule ignores.
 *
 * The key of an exact rule needs all of its fields; one of a fuzzy rule is the
 * text of those that there are.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

#include "store/match.h"

#define KEY_MAX 1000

extern PGDLLEXPORT Datum syncore_match_key(PG_FUNCTION_ARGS);

static const struct
{
	const char *word;
	uint8 flag;
} words_known[] = { { "lower", SC_NORMALISE_LOWER },
					{ "trim", SC_NORMALISE_TRIM },
					{ "spaces", SC_NORMALISE_SPACES },
					{ "punctuation", SC_NORMALISE_PUNCTUATION },
					{ "alnum", SC_NORMALISE_ALNUM } };

static bool add_part(StringInfo key, const ScValue *value, uint8 ignored, bool fuzzy);
static bool may_lack(const ScMatchRule *rule);
static char *end_key(StringInfo key, bool fuzzy);
static char *normalise(const char *text, uint8 ignored);
static bool is_kept(unsigned char c, uint8 ignored);
static char **text_array(ArrayType *array, int *n);

char *
sc_match_entity_key(ScEntity *entity, const ScMatchRule *rule)
{
	StringInfoData key;

	initStringInfo(&key);
	for (int i = 0; i < rule->nfields; i++)
	{
		ScFieldValue *value = sc_model_value(entity, rule->fields[i]);

		if ((value == NULL || !add_part(&key, &value->value, rule->normalise[i], may_lack(rule))) &&
			!may_lack(rule))
			return NULL;
	}
	return end_key(&key, may_lack(rule));
}

char *
sc_match_record_key(const ScConf *conf, const ScMatchAsk *ask, const ScMatchRule *rule)
{
	StringInfoData key;

	initStringInfo(&key);
	for (int i = 0; i < rule->nfields; i++)
	{
		const ScFieldMap *field = sc_conf_reader(ask->map, rule->fields[i]);
		Jsonb *found = field == NULL || field->transform_in != NULL || field->follow != NULL
						   ? NULL
						   : sc_pointer_get(ask->record, field->path);
		bool said = false;

		if (found != NULL)
		{
			ScValue external = sc_value_json(found);
			ScMapped mapped =
				sc_map_up(&(ScMapCxt){ conf, ask->system, NULL }, field, &external, ask->record);

			said = (mapped.outcome == SC_MAP_OK || mapped.outcome == SC_MAP_NEAREST) &&
				   add_part(&key, &mapped.canonical, rule->normalise[i], may_lack(rule));
		}
		if (!said && !may_lack(rule))
			return NULL;
	}
	return end_key(&key, may_lack(rule));
}

bool
sc_match_applies(const ScMatchRule *rule, int32 space, const ScEntityType *type)
{
	return rule->type == type && (rule->space_id == 0 || rule->space_id == space);
}

uint8 *
sc_match_normalise(char **fields, int nfields, char **words, int nwords)
{
	uint8 *ignored = palloc0(sizeof(uint8) * Max(nfields, 1));

	for (int i = 0; i < nwords; i++)
	{
		const char *colon = strchr(words[i], ':');
		const char *word = colon == NULL ? words[i] : colon + 1;
		uint8 flag = 0;

		for (int k = 0; k < lengthof(words_known); k++)
			if (strcmp(words_known[k].word, word) == 0)
				flag = words_known[k].flag;
		for (int k = 0; k < nfields; k++)
			if (colon == NULL || (strlen(fields[k]) == (size_t) (colon - words[i]) &&
								  strncmp(fields[k], words[i], colon - words[i]) == 0))
				ignored[k] |= flag;
	}
	return ignored;
}

PG_FUNCTION_INFO_V1(syncore_match_key);

/* syncore._match_key(data, fields, normalise, fuzzy): the key of canonical values; null = none. */
Datum
syncore_match_key(PG_FUNCTION_ARGS)
{
	Jsonb *data = PG_GETARG_JSONB_P(0);
	ScMatchRule rule = { .kind = PG_GETARG_BOOL(3) ? SC_MATCH_FUZZY : SC_MATCH_EXACT };
	StringInfoData key;
	int nwords;
	char **words = text_array(PG_GETARG_ARRAYTYPE_P(2), &nwords);

	rule.fields = text_array(PG_GETARG_ARRAYTYPE_P(1), &rule.nfields);
	rule.normalise = sc_match_normalise(rule.fields, rule.nfields, words, nwords);
	initStringInfo(&key);
	for (int i = 0; i < rule.nfields; i++)
	{
		ScPointer path = { 1, { rule.fields[i] } };
		Jsonb *found = sc_pointer_get(data, &path);
		ScValue value = found == NULL ? SC_UNKNOWN : sc_value_json(found);

		if (!add_part(&key, &value, rule.normalise[i], may_lack(&rule)) && !may_lack(&rule))
			PG_RETURN_NULL();
	}
	char *made = end_key(&key, may_lack(&rule));

	if (made == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(made));
}

/* Appends a normalised value; false when there is none. */
static bool
add_part(StringInfo key, const ScValue *value, uint8 ignored, bool fuzzy)
{
	char *text = value->state == SC_VALUE_JSON ? sc_value_to_cstring(value) : NULL;

	if (text == NULL)
		return false;
	text = normalise(text, ignored);
	if (text[0] == '\0')
		return false;
	if (key->len > 0)
		appendStringInfoChar(key, fuzzy ? ' ' : '\x1f');
	appendStringInfoString(key, text);
	return true;
}

static bool
may_lack(const ScMatchRule *rule)
{
	return rule->kind == SC_MATCH_FUZZY;
}

/* What is like the beginning of a long text is like it. */
static char *
end_key(StringInfo key, bool fuzzy)
{
	if (fuzzy && key->len > KEY_MAX)
	{
		key->len = pg_mbcliplen(key->data, key->len, KEY_MAX);
		key->data[key->len] = '\0';
	}
	return key->len > 0 && key->len <= KEY_MAX ? key->data : NULL;
}

static char *
normalise(const char *text, uint8 ignored)
{
	char *folded = (ignored & SC_NORMALISE_LOWER) != 0
					   ? str_tolower(text, strlen(text), DEFAULT_COLLATION_OID)
					   : pstrdup(text);
	StringInfoData kept;

	initStringInfo(&kept);
	for (const char *c = folded; *c != '\0'; c++)
	{
		bool blank = isspace((unsigned char) *c) && (unsigned char) *c < 0x80;

		if (!is_kept((unsigned char) *c, ignored))
			continue;
		if (blank && (ignored & SC_NORMALISE_SPACES) != 0)
		{
			if (kept.len == 0 || kept.data[kept.len - 1] != ' ')
				appendStringInfoChar(&kept, ' ');
		}
		else if (!blank || (ignored & SC_NORMALISE_TRIM) == 0 || kept.len > 0)
			appendStringInfoChar(&kept, *c);
	}
	if ((ignored & (SC_NORMALISE_TRIM | SC_NORMALISE_SPACES)) == 0)
		return kept.data;
	while (kept.len > 0 && (unsigned char) kept.data[kept.len - 1] < 0x80 &&
		   isspace((unsigned char) kept.data[kept.len - 1]))
		kept.data[--kept.len] = '\0';
	return kept.data[0] == ' ' ? kept.data + 1 : kept.data;
}

static bool
is_kept(unsigned char c, uint8 ignored)
{
	if (c >= 0x80)
		return true;
	if ((ignored & SC_NORMALISE_PUNCTUATION) != 0 && ispunct(c))
		return false;
	return (ignored & SC_NORMALISE_ALNUM) == 0 || isalnum(c);
}

static char **
text_array(ArrayType *array, int *n)
{
	Datum *elements;
	char **texts;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, n);
	texts = palloc(sizeof(char *) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		texts[i] = TextDatumGetCString(elements[i]);
	return texts;
}
