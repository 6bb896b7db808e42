/*
 * combine.c
 *	  The rules that choose none of the versions: union and append put them
 *	  together.
 *
 * What is put together takes nobody's place: the versions stand as before, and
 * their value is made anew from them whenever one of them is replaced.  For that
 * the stamp remembers who put in what, and who took it away having seen it.  A
 * member is there if somebody put it in from whom nobody took it; who puts in
 * what he had seen taken away has put it in anew.  All of this depends on who
 * had seen what, and not on what was heard first (I8).
 *
 * Of a text the members are what each writer added to its end.
 */
#include "postgres.h"

#include "core/combine.h"
#include "core/json.h"
#include "core/policy.h"

typedef struct Book /* the members that a stamp remembers, being written */
{
	int n;
	int room;
	int sorted; /* so many of them are in order, the rest is new */
	ScMember *members;
} Book;

typedef struct
	Keys /* of the members of a set, by what makes them equal, in order: sets may be large */
{
	int n;
	char **keys;
} Keys;

static bool is_kept(const ScField *field, const ScPolicy *policy);
static Book open_book(const ScField *field, const ScStamp *stamp);
static void close_book(Book *book, ScStamp *stamp);
static void put_in(Book *book, const ScMember *member);
static void sort_book(Book *book);
static void remember_set(Book *book, const ScVersion *version);
static void remember_text(Book *book, const ScVersion *version);
static void hear_set(Book *book, const ScVersion *incoming);
static void hear_text(Book *book, const ScVersion *incoming);
static void take_away(Book *book, int from, ScDot by);
static int order_members(const void *a, const void *b);
static int compare_dots(ScDot a, ScDot b);
static int seek(const ScMember *members, int n, const char *text);
static int end_of(const ScMember *members, int n, int from);
static bool is_in_view(const ScMember *members, int n, int from, const ScClock *seen);
static bool has_seen(const ScVersion *version, ScDot dot);
static char *join_texts(const ScMember **members, int n);
static int order_by_time(const void *a, const void *b);
static ScValue unite(const ScStamp *stamp, const bool *in);
static ScValue append(const ScStamp *stamp, const bool *in);
static bool is_there(const ScStamp *stamp, const ScVersion *version, const char *key);
static ScValue each_once(ScJson *members);
static int elements_of(const ScValue *set, Jsonb ***elements);
static Keys keys_of(const ScValue *set);
static char *key_of(Jsonb *member);
static bool has_key(const Keys *keys, const char *key);
static int order_keys(const void *a, const void *b);

bool
sc_combine_can(const ScField *field, const ScRule *rule)
{
	if (rule->name == SC_RULE_UNION)
		return field->kind == SC_KIND_SET;
	return rule->name == SC_RULE_APPEND &&
		   (field->kind == SC_KIND_TEXT || field->kind == SC_KIND_RICH_TEXT);
}

void
sc_combine_hear(ScStamp *stamp, const ScField *field, const ScPolicy *policy,
				const ScVersion *incoming)
{
	Book book;

	if (!is_kept(field, policy))
	{
		stamp->nmembers = 0;
		return;
	}
	book = open_book(field, stamp);
	if (field->kind == SC_KIND_SET)
		hear_set(&book, incoming);
	else
		hear_text(&book, incoming);
	close_book(&book, stamp);
}

void
sc_combine_author(ScStamp *stamp, const ScVersion *version)
{
	ScMember *members = stamp->members;
	TimestampTz at = version->at;

	for (int i = 0; i < stamp->nmembers; i = end_of(members, stamp->nmembers, i))
		if (is_in_view(members, stamp->nmembers, i, &version->context))
			at = Max(at, members[i].at + 1);
	for (int i = 0; i < stamp->nmembers; i++)
		if (members[i].at != 0 && compare_dots(members[i].by, version->dot) == 0)
			members[i].at = at;
}

void
sc_combine_join(ScStamp *stamp, const ScField *field, const ScPolicy *policy, const ScStamp *other)
{
	Book book;
	Book there;

	if (field == NULL || !is_kept(field, policy))
	{
		stamp->nmembers = 0;
		return;
	}
	book = open_book(field, stamp);
	there = open_book(field, other);
	for (int i = 0; i < there.n; i++)
		put_in(&book, &there.members[i]);
	close_book(&book, stamp);
}

void
sc_combine_leave(ScStamp *stamp, int64 link)
{
	Book book = { .n = stamp->nmembers, .room = stamp->nmembers, .members = stamp->members };

	for (int i = 0; i < book.n; i++)
		if (book.members[i].gone.n > 0 && book.members[i].gone.link == link)
			book.members[i].gone = (ScDot){ 0, 0 };
	close_book(&book, stamp);
}

void
sc_combine_forget(ScStamp *stamp, const ScClock *seen)
{
	int n = 0;
	int end;

	for (int i = 0; i < stamp->nmembers; i = end)
	{
		bool over = false;

		end = end_of(stamp->members, stamp->nmembers, i);
		for (int k = i; k < end; k++)
			over = over || (stamp->members[k].gone.n > 0 &&
							sc_vclock_covers_dot(seen, stamp->members[k].gone));
		for (int k = i; k < end && !over; k++)
			stamp->members[n++] = stamp->members[k];
	}
	stamp->nmembers = n;
}

ScValue
sc_combine_value(const ScRule *rule, const ScStamp *stamp, const bool *in)
{
	return rule->name == SC_RULE_UNION ? unite(stamp, in) : append(stamp, in);
}

/* Does any rule ask who put in what? */
static bool
is_kept(const ScField *field, const ScPolicy *policy)
{
	for (int i = 0; i < policy->len; i++)
		if (sc_combine_can(field, &policy->rules[i]))
			return true;
	return false;
}

/* Of versions of which nothing is remembered (older than the rule, or everybody had seen them) all is their own. */
static Book
open_book(const ScField *field, const ScStamp *stamp)
{
	Book book = { .n = stamp->nmembers, .room = stamp->nmembers + 16, .sorted = stamp->nmembers };

	book.members = palloc(sizeof(ScMember) * book.room);
	if (book.n > 0)
		memcpy(book.members, stamp->members, sizeof(ScMember) * book.n);
	for (int i = 0; i < stamp->nversions; i++)
	{
		if (field->kind == SC_KIND_SET)
			remember_set(&book, &stamp->versions[i]);
		else
			remember_text(&book, &stamp->versions[i]);
	}
	sort_book(&book);
	return book;
}

/* Each once; a member of which somebody knows that it was taken away is not there as well. */
static void
close_book(Book *book, ScStamp *stamp)
{
	int n = 0;

	sort_book(book);
	for (int i = 0; i < book->n; i++)
	{
		const ScMember *member = &book->members[i];
		const ScMember *next = i + 1 < end_of(book->members, book->n, i) ? member + 1 : NULL;

		if (next == NULL || (member->gone.n > 0 && compare_dots(member->gone, next->gone) != 0))
			book->members[n++] = *member;
	}
	stamp->members = book->members;
	stamp->nmembers = n;
}

static void
put_in(Book *book, const ScMember *member)
{
	if (book->n == book->room)
	{
		book->room = 2 * book->room + 16;
		book->members = repalloc(book->members, sizeof(ScMember) * book->room);
	}
	book->members[book->n++] = *member;
}

static void
sort_book(Book *book)
{
	if (book->n > 1)
		qsort(book->members, book->n, sizeof(ScMember), order_members);
	book->sorted = book->n;
}

static void
remember_set(Book *book, const ScVersion *version)
{
	Keys keys = keys_of(&version->value);

	for (int i = 0; i < keys.n; i++)
	{
		bool known = false;

		for (int k = seek(book->members, book->sorted, keys.keys[i]);
			 k < book->sorted && strcmp(book->members[k].text, keys.keys[i]) == 0; k++)
			known = known || has_seen(version, book->members[k].by);
		if (!known)
			put_in(book, &(ScMember){ .text = keys.keys[i], .by = version->dot });
	}
}

static void
remember_text(Book *book, const ScVersion *version)
{
	char *text = sc_value_to_cstring(&version->value);

	for (int i = 0; i < book->n; i++)
		if (has_seen(version, book->members[i].by))
			return;
	if (text != NULL && text[0] != '\0')
		put_in(book,
			   &(ScMember){ .text = text, .by = version->dot, .at = version->at, .whole = true });
}

/* What he has and had not seen, he puts in; what he had seen and has not, he takes away. */
static void
hear_set(Book *book, const ScVersion *incoming)
{
	Keys keys = keys_of(&incoming->value);
	int n = book->n;
	int from = 0;

	for (int i = 0; i < keys.n; i++)
	{
		bool in_view = false;

		for (int k = seek(book->members, n, keys.keys[i]);
			 k < n && strcmp(book->members[k].text, keys.keys[i]) == 0;
			 k = end_of(book->members, n, k))
			in_view = in_view || is_in_view(book->members, n, k, &incoming->context);
		if (!in_view)
			put_in(book, &(ScMember){ .text = keys.keys[i], .by = incoming->dot });
	}
	for (; from < n; from = end_of(book->members, n, from))
		if (is_in_view(book->members, n, from, &incoming->context) &&
			!has_key(&keys, book->members[from].text))
			take_away(book, from, incoming->dot);
}

/*
 * Who left what he saw as it was has added to its end.  Who did not has written
 * a text of his own, and taken all of the old one away.
 */
static void
hear_text(Book *book, const ScVersion *incoming)
{
	const ScMember **view = palloc(sizeof(ScMember *) * Max(book->n, 1));
	char *before = sc_value_to_cstring(&incoming->replaced);
	char *after = sc_value_to_cstring(&incoming->value);
	ScMember added = { .by = incoming->dot, .at = incoming->at, .whole = true, .text = after };
	int nview = 0;
	int n = book->n;

	for (int i = 0; i < n; i = end_of(book->members, n, i))
		if (is_in_view(book->members, n, i, &incoming->context))
		{
			view[nview++] = &book->members[i];
			/* Whatever the clocks of the systems say, he wrote after what he had read. */
			added.at = Max(added.at, book->members[i].at + 1);
		}
	if (before == NULL)
		before = join_texts(view, nview);
	if (after != NULL && nview > 0 && before[0] != '\0' &&
		strncmp(after, before, strlen(before)) == 0)
	{
		added.whole = false;
		added.text = after + strlen(before);
	}
	for (int i = 0; i < n && added.whole; i = end_of(book->members, n, i))
		if (is_in_view(book->members, n, i, &incoming->context))
			take_away(book, i, incoming->dot);
	if (added.text != NULL && added.text[0] != '\0')
		put_in(book, &added);
}

/* One row for each who did, none having seen the others. */
static void
take_away(Book *book, int from, ScDot by)
{
	ScMember gone = book->members[from];

	gone.gone = by;
	if (book->members[from].gone.n == 0)
		book->members[from] = gone;
	else
		put_in(book, &gone);
}

static int
order_members(const void *a, const void *b)
{
	const ScMember *one = a;
	const ScMember *other = b;
	int order = strcmp(one->text, other->text);

	if (order == 0)
		order = compare_dots(one->by, other->by);
	return order != 0 ? order : compare_dots(one->gone, other->gone);
}

static int
compare_dots(ScDot a, ScDot b)
{
	if (a.link != b.link)
		return a.link < b.link ? -1 : 1;
	return (a.n > b.n) - (a.n < b.n);
}

/* The first member of that text, or where it would be. */
static int
seek(const ScMember *members, int n, const char *text)
{
	int from = 0;

	while (from < n)
	{
		int middle = from + (n - from) / 2;

		if (strcmp(members[middle].text, text) < 0)
			from = middle + 1;
		else
			n = middle;
	}
	return from;
}

/* Behind the rows of one member that one version put in. */
static int
end_of(const ScMember *members, int n, int from)
{
	int end = from + 1;

	while (end < n && compare_dots(members[from].by, members[end].by) == 0 &&
		   strcmp(members[from].text, members[end].text) == 0)
		end++;
	return end;
}

/* Was it there for somebody who had seen so much? */
static bool
is_in_view(const ScMember *members, int n, int from, const ScClock *seen)
{
	if (!sc_vclock_covers_dot(seen, members[from].by))
		return false;
	for (int i = from; i < end_of(members, n, from); i++)
		if (members[i].gone.n > 0 && sc_vclock_covers_dot(seen, members[i].gone))
			return false;
	return true;
}

static bool
has_seen(const ScVersion *version, ScDot dot)
{
	return (version->dot.link == dot.link && version->dot.n >= dot.n) ||
		   sc_vclock_covers_dot(&version->context, dot);
}

/* Oldest first; a text of its own begins a line. */
static char *
join_texts(const ScMember **members, int n)
{
	StringInfoData text;

	initStringInfo(&text);
	if (n > 1)
		qsort(members, n, sizeof(ScMember *), order_by_time);
	for (int i = 0; i < n; i++)
		appendStringInfo(&text, "%s%s", members[i]->whole && text.len > 0 ? "\n" : "",
						 members[i]->text);
	return text.data;
}

static int
order_by_time(const void *a, const void *b)
{
	const ScMember *one = *(const ScMember *const *) a;
	const ScMember *other = *(const ScMember *const *) b;

	if (one->at != other->at)
		return one->at < other->at ? -1 : 1;
	return compare_dots(one->by, other->by);
}

static ScValue
unite(const ScStamp *stamp, const bool *in)
{
	ScJson json = sc_json_object();

	for (int i = 0; i < stamp->nversions; i++)
	{
		Jsonb **members;
		int n = in[i] ? elements_of(&stamp->versions[i].value, &members) : 0;

		for (int k = 0; k < n; k++)
		{
			ScValue member = sc_value_json(members[k]);
			char *text = sc_value_to_cstring(&member);

			if (is_there(stamp, &stamp->versions[i], key_of(members[k])))
				sc_json_jsonb(&json, text == NULL ? "" : text, members[k]);
		}
	}
	return each_once(&json);
}

static ScValue
append(const ScStamp *stamp, const bool *in)
{
	const ScMember **members = palloc(sizeof(ScMember *) * Max(stamp->nmembers, 1));
	int n = 0;

	for (int i = 0; i < stamp->nmembers; i++)
	{
		bool said = false;

		for (int k = 0; k < stamp->nversions; k++)
			said = said || (in[k] && has_seen(&stamp->versions[k], stamp->members[i].by));
		if (said && stamp->members[i].gone.n == 0)
			members[n++] = &stamp->members[i];
	}
	return sc_value_text(join_texts(members, n));
}

/* Somebody put it in whose word the version knows, and nobody took it away. */
static bool
is_there(const ScStamp *stamp, const ScVersion *version, const char *key)
{
	for (int i = seek(stamp->members, stamp->nmembers, key);
		 i < stamp->nmembers && strcmp(stamp->members[i].text, key) == 0; i++)
		if (stamp->members[i].gone.n == 0 && has_seen(version, stamp->members[i].by))
			return true;
	return false;
}

/* An object keeps each once, in an order that does not depend on that of the versions.  A list of nothing is nothing. */
static ScValue
each_once(ScJson *members)
{
	ScJson result = sc_json_array();
	Jsonb *kept = sc_json_end(members);
	JsonbIterator *it = JsonbIteratorInit(&kept->root);
	JsonbValue item;
	JsonbIteratorToken token;

	if (JB_ROOT_COUNT(kept) == 0)
		return sc_value_null();
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
		if (token == WJB_VALUE)
			sc_json_jsonb(&result, NULL, JsonbValueToJsonb(&item));
	return sc_value_json(sc_json_end(&result));
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

static Keys
keys_of(const ScValue *set)
{
	Jsonb **elements;
	Keys keys = { .n = elements_of(set, &elements) };
	int n = 0;

	keys.keys = palloc(sizeof(char *) * Max(keys.n, 1));
	for (int i = 0; i < keys.n; i++)
		keys.keys[i] = key_of(elements[i]);
	if (keys.n > 1)
		qsort(keys.keys, keys.n, sizeof(char *), order_keys);
	for (int i = 0; i < keys.n; i++)
		if (i == 0 || strcmp(keys.keys[i], keys.keys[n - 1]) != 0)
			keys.keys[n++] = keys.keys[i];
	keys.n = n;
	return keys;
}

/* As sc_value_equal compares. */
static char *
key_of(Jsonb *member)
{
	size_t len;

	return sc_value_canonical_text(member, &len);
}

static bool
has_key(const Keys *keys, const char *key)
{
	return keys->n > 0 && bsearch(&key, keys->keys, keys->n, sizeof(char *), order_keys) != NULL;
}

static int
order_keys(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}
