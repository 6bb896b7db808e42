/*
 * combine.c
 *	  The rules that choose none of the versions: union and append put them
 *	  together, from what each writer had before it.
 */
#include "postgres.h"

#include "core/json.h"
#include "core/policy.h"

typedef struct
	Members /* of a set, by what makes them equal, in order: sets may be large, and are looked up in */
{
	int n;
	char **keys;
} Members;

static int elements_of(const ScValue *set, Jsonb ***elements);
static Members members_of(const ScValue *set);
static Members removed_members(const ScVersion *versions, int n);
static char *key_of(Jsonb *member);
static bool has_key(const Members *members, const char *key);
static int order_keys(const void *a, const void *b);
static ScValue unite(const ScVersion *versions, int n);
static ScValue each_once(ScJson *members);
static void put_members(ScJson *json, const ScValue *set, const Members *but);
static ScValue join_texts(const ScVersion *versions, int n);

ScValue
sc_policy_combine(const ScRule *rule, const ScVersion *versions, int n)
{
	return rule->name == SC_RULE_UNION ? unite(versions, n) : join_texts(versions, n);
}

/*
 * What the versions put together have replaced, for who is put together with
 * them later: what any of them took away is to stay away.
 */
ScValue
sc_policy_combined_from(const ScRule *rule, const ScVersion *versions, int n)
{
	const ScVersion *first = &versions[0];
	ScJson json;

	if (rule->name == SC_RULE_UNION)
	{
		json = sc_json_object();
		for (int i = 0; i < n; i++)
			put_members(&json, &versions[i].replaced, NULL);
		return each_once(&json);
	}
	for (int i = 1; i < n; i++)
	{
		const ScVersion *other = &versions[i];

		if (sc_policy_order_by_time(&other, &first) < 0)
			first = other;
	}
	return first->replaced;
}

/* Never a tie between two versions: dots are unique. */
int
sc_policy_compare_last(const ScVersion *a, const ScVersion *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank ? 1 : -1;
	if (a->system_id != b->system_id)
		return a->system_id < b->system_id ? 1 : -1;
	if (a->dot.link != b->dot.link)
		return a->dot.link < b->dot.link ? 1 : -1;
	return (a->dot.n > b->dot.n) - (a->dot.n < b->dot.n);
}

static int
elements_of(const ScValue *set, Jsonb ***elements)
{
	*elements = NULL;
	if (set->state != SC_VALUE_JSON || sc_value_is_null(set))
		return 0;
	if (JB_ROOT_IS_ARRAY(set->json) && !JB_ROOT_IS_SCALAR(set->json))
		return sc_json_elements(set->json, elements);

	/* What is no list is the only member of one. */
	*elements = palloc(sizeof(Jsonb *));
	(*elements)[0] = set->json;
	return 1;
}

static Members
members_of(const ScValue *set)
{
	Jsonb **elements;
	Members members = { .n = elements_of(set, &elements) };

	members.keys = palloc(sizeof(char *) * Max(members.n, 1));
	for (int i = 0; i < members.n; i++)
		members.keys[i] = key_of(elements[i]);
	qsort(members.keys, members.n, sizeof(char *), order_keys);
	return members;
}

/* As sc_value_equal compares. */
static char *
key_of(Jsonb *member)
{
	size_t len;

	return sc_value_canonical_text(member, &len);
}

static bool
has_key(const Members *members, const char *key)
{
	return members->n > 0 &&
		   bsearch(&key, members->keys, members->n, sizeof(char *), order_keys) != NULL;
}

static int
order_keys(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* A member stays if a writer has it, and no writer that saw it took it away. */
static ScValue
unite(const ScVersion *versions, int n)
{
	ScJson json = sc_json_object();
	Members removed = removed_members(versions, n);

	for (int i = 0; i < n; i++)
		put_members(&json, &versions[i].value, &removed);
	return each_once(&json);
}

static void
put_members(ScJson *json, const ScValue *set, const Members *but)
{
	Jsonb **members;
	int nmembers = elements_of(set, &members);

	for (int k = 0; k < nmembers; k++)
	{
		ScValue member = sc_value_json(members[k]);
		char *text = sc_value_to_cstring(&member);

		if (but == NULL || !has_key(but, key_of(members[k])))
			sc_json_jsonb(json, text == NULL ? "" : text, members[k]);
	}
}

/* An object keeps each once, in an order that does not depend on that of the versions. */
static ScValue
each_once(ScJson *members)
{
	ScJson result = sc_json_array();
	Jsonb *kept = sc_json_end(members);
	JsonbIterator *it = JsonbIteratorInit(&kept->root);
	JsonbValue item;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
		if (token == WJB_VALUE)
			sc_json_jsonb(&result, NULL, JsonbValueToJsonb(&item));
	return sc_value_json(sc_json_end(&result));
}

/* What any writer took away of what it had seen. */
static Members
removed_members(const ScVersion *versions, int n)
{
	Members removed = { 0 };

	for (int i = 0; i < n; i++)
	{
		Members before = members_of(&versions[i].replaced);
		Members after = members_of(&versions[i].value);

		if (before.n == 0)
			continue;
		if (removed.keys == NULL)
			removed.keys = palloc(sizeof(char *) * before.n);
		else
			removed.keys = repalloc(removed.keys, sizeof(char *) * (removed.n + before.n));
		for (int k = 0; k < before.n; k++)
			if (!has_key(&after, before.keys[k]))
				removed.keys[removed.n++] = before.keys[k];
	}
	if (removed.n > 1)
		qsort(removed.keys, removed.n, sizeof(char *), order_keys);
	return removed;
}

int
sc_policy_order_by_time(const void *a, const void *b)
{
	const ScVersion *one = *(const ScVersion *const *) a;
	const ScVersion *other = *(const ScVersion *const *) b;

	if (one->at != other->at)
		return one->at < other->at ? -1 : 1;
	return -sc_policy_compare_last(one, other);
}

/* What each writer added to the end of what it had seen, oldest first. */
static ScValue
join_texts(const ScVersion *versions, int n)
{
	const ScVersion **sorted = palloc(sizeof(ScVersion *) * n);
	StringInfoData text;

	for (int i = 0; i < n; i++)
		sorted[i] = &versions[i];
	qsort(sorted, n, sizeof(ScVersion *), sc_policy_order_by_time);
	initStringInfo(&text);
	for (int i = 0; i < n; i++)
	{
		char *before = sc_value_to_cstring(&sorted[i]->replaced);
		char *after = sc_value_to_cstring(&sorted[i]->value);
		size_t len = before == NULL ? 0 : strlen(before);

		if (after == NULL)
			continue;
		if (len > 0 && strncmp(after, before, len) == 0)
		{
			if (text.len == 0)
				appendStringInfoString(&text, before);
			appendStringInfoString(&text, after + len);
		}
		else
			appendStringInfo(&text, "%s%s", text.len > 0 ? "\n" : "", after);
	}
	return sc_value_text(text.data);
}
