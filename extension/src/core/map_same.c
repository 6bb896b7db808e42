/*
 * map_same.c
 *	  Do two values as a product spells them stand for the same?
 */
#include "postgres.h"

#include "core/map_private.h"

static bool same_set(const ScFieldMap *map, Jsonb *a, Jsonb *b);
static int words_of_set(const ScFieldMap *map, Jsonb *external, char ***words);

/* Do two external values stand for the same? */
bool
sc_map_same_external(const ScFieldMap *map, const ScValue *a, const ScValue *b)
{
	if (sc_value_equal(a, b))
		return true;
	if (a->state != SC_VALUE_JSON || b->state != SC_VALUE_JSON)
		return false;
	bool no_a = sc_convert_is_nothing(a->json);
	bool no_b = sc_convert_is_nothing(b->json);
	if (no_a || no_b)
		return no_a && no_b;
	if (map->field->kind == SC_KIND_SET)
		return same_set(map, a->json, b->json);
	Jsonb *bare_a = sc_convert_unwrap(map, a->json);
	Jsonb *bare_b = sc_convert_unwrap(map, b->json);
	char *word_a = sc_convert_word(bare_a);
	char *word_b = sc_convert_word(bare_b);
	if (word_a != NULL && word_b != NULL && strcmp(word_a, word_b) == 0)
		return true;
	if (map->values != NULL || sc_map_is_person(map) || map->field->kind == SC_KIND_JSON)
	{
		ScValue value_a = sc_value_json(bare_a);
		ScValue value_b = sc_value_json(bare_b);
		return sc_value_equal(&value_a, &value_b);
	}
	ScConverted up_a = sc_convert_up(map, bare_a);
	ScConverted up_b = sc_convert_up(map, bare_b);
	if (up_a.value == NULL || up_b.value == NULL)
		return false;
	ScValue value_a = sc_value_json(up_a.value);
	ScValue value_b = sc_value_json(up_b.value);
	return sc_value_equal(&value_a, &value_b);
}

static bool
same_set(const ScFieldMap *map, Jsonb *a, Jsonb *b)
{
	char **words_a;
	char **words_b;
	int count_a = words_of_set(map, a, &words_a);
	int count_b = words_of_set(map, b, &words_b);
	ScValue set_a = sc_value_json(sc_convert_set(count_a, words_a));
	ScValue set_b = sc_value_json(sc_convert_set(count_b, words_b));
	return sc_value_equal(&set_a, &set_b);
}

static int
words_of_set(const ScFieldMap *map, Jsonb *external, char ***words)
{
	Jsonb **members;
	int count = sc_convert_split(map, external, &members);
	int kept = 0;
	*words = palloc(Max(count, 1) * sizeof(char *));
	for (int i = 0; i < count; i++)
	{
		Jsonb *member = sc_convert_unwrap(map, members[i]);
		char *word = sc_convert_word(member);
		if (word == NULL)
			word = JsonbToCString(NULL, &member->root, VARSIZE(member));
		if (word[0] != '\0')
			(*words)[kept++] = word;
	}
	return kept;
}
