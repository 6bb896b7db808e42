/*
 * vclock.c
 *	  Version vectors.  Pure: every function takes clocks and gives a new one.
 *
 * Entries are sorted by link, so that each operation is one walk over two
 * lists.  A clock never has more than SC_VCLOCK_ENTRIES_MAX entries: what
 * would grow beyond is an error, not a slow death.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "core/codec.h"
#include "core/vclock.h"

static ScClock make_clock(int room);
static void push_dot(ScClock *clock, ScDot dot);
static int compare_links(const void *a, const void *b);
static const char *parse_number(const char *text, int64 *number);
static const char *skip_space(const char *text);

ScClock
sc_vclock_empty(void)
{
	return (ScClock){ .len = 0, .dots = NULL };
}

/* A copy in the current context. */
ScClock
sc_vclock_copy(const ScClock *clock)
{
	ScClock copy = make_clock(clock->len);

	if (clock->len > 0)
		memcpy(copy.dots, clock->dots, sizeof(ScDot) * clock->len);
	copy.len = clock->len;
	return copy;
}

/* The highest counter of a link; 0 = none. */
int64
sc_vclock_get(const ScClock *clock, int64 link)
{
	int low = 0;
	int high = clock->len;

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (clock->dots[middle].link == link)
			return clock->dots[middle].n;
		if (clock->dots[middle].link < link)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

bool
sc_vclock_equal(const ScClock *a, const ScClock *b)
{
	if (a->len != b->len)
		return false;
	for (int i = 0; i < a->len; i++)
	{
		if (a->dots[i].link != b->dots[i].link || a->dots[i].n != b->dots[i].n)
			return false;
	}
	return true;
}

/* Is every entry of b in a, at least as high? */
bool
sc_vclock_covers(const ScClock *a, const ScClock *b)
{
	int i = 0;

	for (int j = 0; j < b->len; j++)
	{
		while (i < a->len && a->dots[i].link < b->dots[j].link)
			i++;
		if (i == a->len || a->dots[i].link != b->dots[j].link || a->dots[i].n < b->dots[j].n)
			return false;
	}
	return true;
}

bool
sc_vclock_covers_dot(const ScClock *clock, ScDot dot)
{
	return sc_vclock_get(clock, dot.link) >= dot.n;
}

/* Neither covers the other. */
bool
sc_vclock_concurrent(const ScClock *a, const ScClock *b)
{
	return !sc_vclock_covers(a, b) && !sc_vclock_covers(b, a);
}

/* The least clock that covers both. */
ScClock
sc_vclock_merge(const ScClock *a, const ScClock *b)
{
	ScClock merged = make_clock(a->len + b->len);
	int i = 0;
	int j = 0;

	while (i < a->len || j < b->len)
	{
		if (j == b->len || (i < a->len && a->dots[i].link < b->dots[j].link))
			push_dot(&merged, a->dots[i++]);
		else if (i == a->len || b->dots[j].link < a->dots[i].link)
			push_dot(&merged, b->dots[j++]);
		else
		{
			push_dot(&merged, a->dots[i].n >= b->dots[j].n ? a->dots[i] : b->dots[j]);
			i++;
			j++;
		}
	}
	return merged;
}

ScClock
sc_vclock_with_dot(const ScClock *clock, ScDot dot)
{
	ScClock single = { .len = 1, .dots = &dot };

	return sc_vclock_merge(clock, &single);
}

/* {1:3,42:7} */
char *
sc_vclock_to_cstring(const ScClock *clock)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '{');
	for (int i = 0; i < clock->len; i++)
		appendStringInfo(&buf, "%s" INT64_FORMAT ":" INT64_FORMAT, i > 0 ? "," : "",
						 clock->dots[i].link, clock->dots[i].n);
	appendStringInfoChar(&buf, '}');
	return buf.data;
}

/*
 * Reads the text form: entries in any order, each link once, blanks between
 * tokens.  False when malformed or too long; never an error.
 */
bool
sc_vclock_parse(const char *text, ScClock *result)
{
	int room = 8;
	ScClock clock = make_clock(room);

	text = skip_space(text);
	if (*text != '{')
		return false;
	text = skip_space(text + 1);
	while (*text != '}')
	{
		ScDot dot;

		if (clock.len == SC_VCLOCK_ENTRIES_MAX)
			return false;
		if (clock.len == room)
			clock.dots = repalloc(clock.dots, sizeof(ScDot) * (room *= 2));
		text = parse_number(text, &dot.link);
		if (text == NULL || *text != ':')
			return false;
		text = parse_number(skip_space(text + 1), &dot.n);
		if (text == NULL || dot.n == 0)
			return false;
		clock.dots[clock.len++] = dot;
		if (*text == ',')
		{
			text = skip_space(text + 1);
			if (*text == '}')
				return false;
		}
		else if (*text != '}')
			return false;
	}
	if (*skip_space(text + 1) != '\0')
		return false;
	qsort(clock.dots, clock.len, sizeof(ScDot), compare_links);
	for (int i = 1; i < clock.len; i++)
	{
		if (clock.dots[i].link == clock.dots[i - 1].link)
			return false;
	}
	*result = clock;
	return true;
}

bytea *
sc_vclock_pack(const ScClock *clock)
{
	ScWriter writer;

	sc_codec_begin(&writer);
	sc_codec_put_clock(&writer, clock);
	return sc_codec_finish(&writer);
}

ScClock
sc_vclock_unpack(const bytea *packed)
{
	ScReader reader = sc_codec_open(packed);
	ScClock clock = sc_codec_get_clock(&reader);

	sc_codec_close(&reader, "vclock");
	return clock;
}

/* An empty clock with room for so many entries. */
static ScClock
make_clock(int room)
{
	return (ScClock){ .len = 0, .dots = room > 0 ? palloc(sizeof(ScDot) * room) : NULL };
}

/* Appends an entry that sorts behind the others. */
static void
push_dot(ScClock *clock, ScDot dot)
{
	if (clock->len == SC_VCLOCK_ENTRIES_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("clock would have more than %d entries", SC_VCLOCK_ENTRIES_MAX)));
	clock->dots[clock->len++] = dot;
}

static int
compare_links(const void *a, const void *b)
{
	int64 left = ((const ScDot *) a)->link;
	int64 right = ((const ScDot *) b)->link;

	return left < right ? -1 : left > right;
}

/* Digits up to the bigint limit, and the blanks behind them; NULL when there are none or too many. */
static const char *
parse_number(const char *text, int64 *number)
{
	int64 value = 0;

	if (*text < '0' || *text > '9')
		return NULL;
	for (; *text >= '0' && *text <= '9'; text++)
	{
		int digit = *text - '0';

		if (value > (PG_INT64_MAX - digit) / 10)
			return NULL;
		value = value * 10 + digit;
	}
	*number = value;
	return skip_space(text);
}

static const char *
skip_space(const char *text)
{
	while (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\r')
		text++;
	return text;
}
