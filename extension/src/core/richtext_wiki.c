/*
 * richtext_wiki.c
 *	  Reads wiki markup, as Jira's server edition and Confluence write it, into a
 *	  document.
 *
 * Line by line: headings, quotations, lists of any nesting, code, rules; in a
 * line: strong, emphasis, strike, {{code}}, links, images, mentions, \\ and
 * escapes.  Macros that only colour or frame are dropped, their text is kept.
 * No input fails, and work is linear in the length: a mark that is not closed
 * is looked for once a line.
 */
#include "postgres.h"

#include <ctype.h>

#include "core/richtext_private.h"

#define LEVELS_MAX 8 /* lists in lists */
#define ADDRESS_MAX 2048

typedef struct Wiki
{
	ScRichBuild build;
	int levels;			   /* lists that are open, each with an item */
	char kind[LEVELS_MAX]; /* '*' or '#' */
	bool quoted;
	bool no_closer[2]; /* of {code}, {noformat} in what is left */
} Wiki;

typedef struct Sign
{
	char sign;
	int mark;
} Sign;

static const Sign signs[] = { { '*', SC_MARK_STRONG },
							  { '_', SC_MARK_EM },
							  { '-', SC_MARK_STRIKE } };

typedef struct Line /* a line, or a stretch of it */
{
	const char *string;
	size_t len;
	bool dead[lengthof(signs)]; /* that sign is not closed in what is left */
	bool no_braces;				/* nor is {{ */
	size_t bracket; /* where the next ] is that no backslash precedes; its length: nowhere */
} Line;

static const char *read_line(Wiki *wiki, const char *line, size_t len);
static const char *read_code(Wiki *wiki, const char *line, size_t len);
static bool read_list(Wiki *wiki, const char *line, size_t len);
static void close_lists(Wiki *wiki, int keep);
static bool is_block(const char *line, size_t len);
static void read_block(Wiki *wiki, const char *line, size_t len);
static void read_row(Wiki *wiki, const char *line, size_t len);
static size_t cell_width(const char *line, size_t len);
static void read_inline(Wiki *wiki, const char *string, size_t len, int depth);
static size_t read_special(Wiki *wiki, Line *line, size_t at, int depth);
static size_t read_marked(Wiki *wiki, Line *line, size_t at, int depth);
static size_t read_braces(Wiki *wiki, Line *line, size_t at);
static size_t read_brackets(Wiki *wiki, Line *line, size_t at);
static size_t read_link(Wiki *wiki, const char *string, const char *end);
static char *words_of(const char *string, size_t len);
static size_t find_bare(const char *string, size_t from, size_t len, char sign);
static size_t read_image(Wiki *wiki, const Line *line, size_t at);
static size_t find_closer(const Line *line, size_t from, char sign);
static bool is_word(unsigned char c);

Jsonb *
sc_richtext_read_wiki(const char *string)
{
	Wiki *wiki = palloc0(sizeof(Wiki));

	sc_richtext_begin(&wiki->build);
	/* Code may end within a line, often: its end is not looked for again. */
	for (const char *end = string; *string != '\0';)
	{
		if (end <= string && *end != '\n')
			end = string + strcspn(string, "\n");
		string = read_line(wiki, string, end - string);
		end = Max(end, string);
	}
	return sc_richtext_finish(&wiki->build);
}

/* Where the next line starts. */
static const char *
read_line(Wiki *wiki, const char *line, size_t len)
{
	const char *next = line + len + (line[len] == '\n');
	size_t used = len;

	while (used > 0 && isspace((unsigned char) line[used - 1]))
		used--;
	if (used == 0)
	{
		close_lists(wiki, 0);
		sc_richtext_end_line(&wiki->build);
		return next;
	}
	if (strncmp(line, "{code", 5) == 0 || strncmp(line, "{noformat", 9) == 0)
	{
		const char *after = read_code(wiki, line, len);

		if (after != NULL)
			return after;
	}
	if (read_list(wiki, line, used))
		return next;
	if (is_block(line, used))
	{
		close_lists(wiki, 0);
		read_block(wiki, line, used);
		return next;
	}
	if (wiki->build.in_line)
		sc_richtext_break(&wiki->build);
	read_inline(wiki, line, used, 0);
	return next;
}

/* Lines that are no paragraph and no item. */
static bool
is_block(const char *line, size_t len)
{
	return (len > 4 && line[0] == 'h' && line[1] >= '1' && line[1] <= '6' && line[2] == '.' &&
			line[3] == ' ') ||
		   (len > 4 && strncmp(line, "bq. ", 4) == 0) || (len >= 4 && strspn(line, "-") >= len) ||
		   (len == 7 && strncmp(line, "{quote}", 7) == 0) ||
		   (len > 1 && line[0] == '|' && line[len - 1] == '|');
}

/* {code:sql|title=x} … {code}: what follows it, or NULL when it is not closed. */
static const char *
read_code(Wiki *wiki, const char *line, size_t len)
{
	bool plain = strncmp(line, "{code", 5) != 0;
	const char *name = plain ? "{noformat}" : "{code}";
	size_t width = strlen(name);
	const char *brace = memchr(line, '}', len);
	const char *end;
	char language[41] = "";

	if (brace == NULL || wiki->no_closer[plain] ||
		(line[width - 1] != '}' && line[width - 1] != ':'))
		return NULL;
	end = strstr(brace + 1, name);
	wiki->no_closer[plain] = end == NULL;
	if (end == NULL)
		return NULL;
	if (line[width - 1] == ':')
	{
		size_t word = strcspn(line + width, "|}");

		if (memchr(line + width, '=', word) == NULL && word < sizeof(language))
			strlcpy(language, line + width, word + 1);
	}
	const char *code = brace + 1;

	code += *code == '\n';
	sc_richtext_open_code(&wiki->build, language);
	sc_richtext_raw(&wiki->build, code, end > code ? end - code : 0);
	sc_richtext_end_line(&wiki->build);
	end += width;
	return *end == '\n' ? end + 1 : end;
}

/* "*# text": as many signs as lists, the last of each says which kind. */
static bool
read_list(Wiki *wiki, const char *line, size_t len)
{
	size_t depth = strspn(line, "*#-");
	int same = 0;

	if (depth == 0 || depth > LEVELS_MAX || depth >= len || line[depth] != ' ')
		return false;
	if (line[0] == '-' && depth > 1)
		return false;
	while (same < wiki->levels && same < (int) depth &&
		   wiki->kind[same] == (line[same] == '#' ? '#' : '*'))
		same++;
	close_lists(wiki, same);
	if (same == (int) depth)
	{
		/* Another item of the innermost list. */
		sc_richtext_close(&wiki->build);
		(void) sc_richtext_open(&wiki->build, "listItem");
	}
	for (; wiki->levels < (int) depth; wiki->levels++)
	{
		wiki->kind[wiki->levels] = line[wiki->levels] == '#' ? '#' : '*';
		(void) sc_richtext_open(&wiki->build,
								wiki->kind[wiki->levels] == '#' ? "orderedList" : "bulletList");
		(void) sc_richtext_open(&wiki->build, "listItem");
	}
	read_inline(wiki, line + depth + 1, len - depth - 1, 0);
	return true;
}

/* Lists are at most twice LEVELS_MAX containers deep, in a quotation: never too deep to be opened. */
static void
close_lists(Wiki *wiki, int keep)
{
	for (; wiki->levels > keep; wiki->levels--)
	{
		sc_richtext_close(&wiki->build);
		sc_richtext_close(&wiki->build);
	}
}

static void
read_block(Wiki *wiki, const char *line, size_t len)
{
	if (line[0] == 'h')
	{
		sc_richtext_open_heading(&wiki->build, line[1] - '0');
		read_inline(wiki, line + 4, len - 4, 0);
		sc_richtext_end_line(&wiki->build);
	}
	else if (line[0] == 'b')
	{
		(void) sc_richtext_open(&wiki->build, "blockquote");
		read_inline(wiki, line + 4, len - 4, 0);
		sc_richtext_close(&wiki->build);
	}
	else if (line[0] == '-')
		sc_richtext_rule(&wiki->build);
	else if (line[0] == '|')
		read_row(wiki, line, len);
	else if (wiki->quoted)
	{
		sc_richtext_close(&wiki->build);
		wiki->quoted = false;
	}
	else
		wiki->quoted = sc_richtext_open(&wiki->build, "blockquote");
}

/* ||head||head|| and |cell|cell|: rows as text has them. */
static void
read_row(Wiki *wiki, const char *line, size_t len)
{
	size_t at = 0;

	if (wiki->build.in_line)
		sc_richtext_break(&wiki->build);
	while (at < len)
	{
		size_t bars = strspn(line + at, "|");
		size_t cell;

		at += bars;
		sc_richtext_words(&wiki->build, at > bars ? " |" : "|", at > bars ? 2 : 1);
		cell = cell_width(line + at, len - at);
		if (cell > 0)
		{
			sc_richtext_words(&wiki->build, " ", 1);
			read_inline(wiki, line + at, cell, 0);
		}
		at += cell;
	}
}

/* Up to the bar that ends it: one that is escaped, or stands in a link, does not. */
static size_t
cell_width(const char *line, size_t len)
{
	size_t width = 0;

	while (width < len && line[width] != '|')
	{
		size_t bound = Min(len, width + ADDRESS_MAX);
		size_t close = line[width] == '[' ? find_bare(line, width + 1, bound, ']') : bound;

		if (close < bound)
			width = close;
		else
			width += line[width] == '\\' && width + 1 < len ? 2 : 1;
	}
	return width;
}

static void
read_inline(Wiki *wiki, const char *string, size_t len, int depth)
{
	Line line = { .string = string, .len = len };

	for (size_t at = 0; at < len;)
	{
		size_t used = depth < LEVELS_MAX ? read_special(wiki, &line, at, depth) : 0;

		if (used == 0)
			sc_richtext_words(&wiki->build, string + at, 1);
		at += used == 0 ? 1 : used;
	}
}

/* Something that is not plain text: the bytes used, 0 for none. */
static size_t
read_special(Wiki *wiki, Line *line, size_t at, int depth)
{
	const char *string = line->string;
	size_t left = line->len - at;

	switch (string[at])
	{
		case '\\':
			if (left > 1 && string[at + 1] == '\\')
			{
				sc_richtext_break(&wiki->build);
				return 2;
			}
			if (left < 2 || !ispunct((unsigned char) string[at + 1]))
				return 0;
			sc_richtext_words(&wiki->build, string + at + 1, 1);
			return 2;
		case '&':
			if (left < 5 || strncmp(string + at, "&#92;", 5) != 0)
				return 0;
			sc_richtext_words(&wiki->build, "\\", 1);
			return 5;
		case '{':
			return read_braces(wiki, line, at);
		case '[':
			return read_brackets(wiki, line, at);
		case '!':
			return read_image(wiki, line, at);
		default:
			return read_marked(wiki, line, at, depth);
	}
}

/* *strong*, _emphasis_, -struck-: signs that touch words on the inside only. */
static size_t
read_marked(Wiki *wiki, Line *line, size_t at, int depth)
{
	const char *string = line->string;

	for (int i = 0; i < lengthof(signs); i++)
	{
		if (string[at] != signs[i].sign || line->dead[i] ||
			(wiki->build.marks & signs[i].mark) != 0 ||
			(at > 0 && is_word((unsigned char) string[at - 1])) || at + 2 >= line->len ||
			isspace((unsigned char) string[at + 1]) || string[at + 1] == signs[i].sign)
			continue;
		size_t end = find_closer(line, at + 1, signs[i].sign);

		if (end == 0)
		{
			line->dead[i] = true;
			continue;
		}
		wiki->build.marks |= signs[i].mark;
		read_inline(wiki, string + at + 1, end - at - 1, depth + 1);
		wiki->build.marks &= ~signs[i].mark;
		return end + 1 - at;
	}
	return 0;
}

/* {{code}}; {color:red} and its like are dropped. */
static size_t
read_braces(Wiki *wiki, Line *line, size_t at)
{
	static const char *const dropped[] = { "color", "panel", "quote",	"anchor", "info",
										   "note",	"tip",	 "warning", "expand" };
	const char *string = line->string + at;
	size_t left = line->len - at;
	size_t name = 1;

	if (left > 4 && string[1] == '{' && !line->no_braces)
	{
		for (size_t end = 2; end + 1 < left; end++)
			if (end > 2 && string[end] == '}' && string[end + 1] == '}')
			{
				int marks = wiki->build.marks;

				wiki->build.marks = SC_MARK_CODE;
				sc_richtext_raw(&wiki->build, string + 2, end - 2);
				wiki->build.marks = marks;
				return end + 2;
			}
		line->no_braces = true;
		return 0;
	}
	while (name < left && islower((unsigned char) string[name]))
		name++;
	for (int i = 0; i < lengthof(dropped); i++)
	{
		const char *end;

		if (name - 1 != strlen(dropped[i]) || strncmp(string + 1, dropped[i], name - 1) != 0)
			continue;
		end = memchr(string, '}', Min(left, ADDRESS_MAX));
		return end == NULL ? 0 : (size_t) (end - string) + 1;
	}
	return 0;
}

/* [words|address], [address], [~person], [^file]. */
static size_t
read_brackets(Wiki *wiki, Line *line, size_t at)
{
	const char *string = line->string + at;
	const char *end;

	if (line->bracket <= at)
		line->bracket = find_bare(line->string, at + 1, line->len, ']');
	if (line->bracket >= line->len || line->bracket - at < 2 || line->bracket - at > ADDRESS_MAX)
		return 0;
	end = line->string + line->bracket;
	if (string[1] == '~')
	{
		const char *id = string + 2;

		if (strncmp(id, "accountid:", 10) == 0)
			id += 10;
		sc_richtext_mention(&wiki->build, pnstrdup(id, end - id));
		return end + 1 - string;
	}
	return read_link(wiki, string, end);
}

/* From its bracket to the one that ends it. */
static size_t
read_link(Wiki *wiki, const char *string, const char *end)
{
	size_t bar = find_bare(string, 1, end - string, '|');
	bool named = string + bar < end;
	const char *href = named ? string + bar + 1 : string + 1;
	size_t length = strcspn(href, "|] ");
	const char *words;

	if ((pg_strncasecmp(href, "https://", 8) != 0 && pg_strncasecmp(href, "http://", 7) != 0 &&
		 pg_strncasecmp(href, "mailto:", 7) != 0) ||
		bar == 1 || memchr(href, '(', length) != NULL || memchr(href, ')', length) != NULL)
		return 0;
	wiki->build.href = pnstrdup(href, length);
	words = named ? words_of(string + 1, bar - 1) : wiki->build.href;
	/* an address that stood there by itself, before it was spelt for these brackets */
	if (strcmp(sc_richtext_address(words), wiki->build.href) == 0)
		wiki->build.href = words;
	sc_richtext_words(&wiki->build, words, strlen(words));
	wiki->build.href = NULL;
	return end + 1 - string;
}

/* Text in which only escapes mean something. */
static char *
words_of(const char *string, size_t len)
{
	StringInfoData words;

	initStringInfo(&words);
	for (size_t at = 0; at < len; at++)
	{
		if (len - at >= 5 && strncmp(string + at, "&#92;", 5) == 0)
		{
			appendStringInfoChar(&words, '\\');
			at += 4;
			continue;
		}
		if (string[at] == '\\' && at + 1 < len && ispunct((unsigned char) string[at + 1]))
			at++;
		appendStringInfoChar(&words, string[at]);
	}
	return words.data;
}

/* Where a sign stands that no backslash precedes; len when nowhere. */
static size_t
find_bare(const char *string, size_t from, size_t len, char sign)
{
	for (size_t at = from; at < len; at++)
	{
		if (string[at] == '\\')
			at++;
		else if (string[at] == sign)
			return at;
	}
	return len;
}

/* !picture.png|thumbnail! */
static size_t
read_image(Wiki *wiki, const Line *line, size_t at)
{
	const char *string = line->string + at;
	size_t left = line->len - at;
	const char *end = left < 3 ? NULL : memchr(string + 1, '!', Min(left - 1, ADDRESS_MAX));
	size_t name;

	if (end == NULL || (at > 0 && is_word((unsigned char) string[-1])))
		return 0;
	name = strcspn(string + 1, "|!");
	for (size_t i = 1; i <= name; i++)
		if (isspace((unsigned char) string[i]))
			return 0;
	if (name == 0 || memchr(string + 1, '.', name) == NULL)
		return 0;
	sc_richtext_words(&wiki->build, "[", 1);
	sc_richtext_words(&wiki->build, string + 1, name);
	sc_richtext_words(&wiki->build, "]", 1);
	return end + 1 - string;
}

/* Where the sign closes: behind a word, before none; 0 when nowhere. */
static size_t
find_closer(const Line *line, size_t from, char sign)
{
	for (size_t at = from + 1; at < line->len; at++)
	{
		if (line->string[at] != sign || isspace((unsigned char) line->string[at - 1]) ||
			line->string[at - 1] == '\\')
			continue;
		if (at + 1 == line->len || !is_word((unsigned char) line->string[at + 1]))
			return at;
	}
	return 0;
}

static bool
is_word(unsigned char c)
{
	return isalnum(c) || c >= 0x80;
}
