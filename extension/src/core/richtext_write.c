/*
 * richtext_write.c
 *	  Text with Markdown marks to an Atlassian document (ADF).
 *
 * Understood: paragraphs, line breaks, headings, nested lists, quotations,
 * fenced code, rules; strong, emphasis, strike, code, links and bare web
 * addresses.  All else is text as it stands, so no input fails.  A text node is
 * never empty.  Work is linear in the length: a mark that is not closed is
 * looked for once a line.
 */
#include "postgres.h"

#include <ctype.h>

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "core/json.h"
#include "core/mention.h"
#include "core/richtext_private.h"

#define LINK_WORDS_MAX 400		 /* where there are brackets in them */
#define SC_RICHTEXT_NESTED_MAX 8 /* lists in lists, marks in marks */
#define SC_RICHTEXT_FENCE_MAX 15
#define SC_RICHTEXT_ADDRESS_MAX 2048
#define STEP_UNKNOWN -1

typedef struct Lines /* the text cut into lines */
{
	int len;
	char **items;
	int marks; /* SC_MARK_MENTIONS or nothing */
} Lines;

typedef struct Delimiter
{
	const char *sign;
	int mark;
} Delimiter;

static const Delimiter delimiters[] = {
	/* longer ones first */
	{ "**", SC_MARK_STRONG }, { "~~", SC_MARK_STRIKE }, { "`", SC_MARK_CODE },
	{ "*", SC_MARK_EM },	  { "_", SC_MARK_EM },
};

typedef struct Span /* a stretch of one line */
{
	const char *string;
	size_t len;
	int marks; /* that hold for all of it */
	int depth;
	bool dead[lengthof(delimiters)]; /* no closing delimiter is left in it */
} Span;

static Jsonb *to_adf(const char *string, int marks);
static Lines cut_lines(const char *string);
static void write_blocks(ScJson *json, Lines lines, int depth);
static int write_code(ScJson *json, Lines lines, int at);
static int write_quote(ScJson *json, Lines lines, int at, int depth);
static int write_list(ScJson *json, Lines lines, int at, int depth);
static bool goes_on(int last, int number, int *step);
static int write_item(ScJson *json, Lines lines, int at, int depth);
static bool belongs_below(Lines lines, int at, size_t indent);
static int write_paragraph(ScJson *json, Lines lines, int at, int depth);
static void write_empty(ScJson *json, const char *type);
static void write_heading(ScJson *json, const char *line, int level, int marks);
static void write_inline(ScJson *json, const char *string, size_t len, int marks, int depth);
static size_t write_special(ScJson *json, Span *span, size_t at);
static size_t write_marked(ScJson *json, Span *span, size_t at);
static const char *find_middle(const char *words, const char *stop);
static size_t write_link(ScJson *json, const Span *span, size_t at);
static void write_mention(ScJson *json, const char *account, const char *name);
static size_t address_length(const char *string, size_t at, size_t len);
static bool starts_block(const char *line, int depth);
static int heading_level(const char *line);
static size_t list_sign(const char *line, int *number);
static size_t indent_of(const char *line);
static bool is_blank(const char *line);
static bool is_rule(const char *line);
static size_t fence_of(const char *line);
static size_t find_closer(const char *string, size_t from, size_t len, const char *sign);

Jsonb *
sc_richtext_to_adf(const char *string)
{
	return to_adf(string, 0);
}

Jsonb *
sc_richtext_to_adf_mentions(const char *string)
{
	return to_adf(string, SC_MARK_MENTIONS);
}

static Jsonb *
to_adf(const char *string, int marks)
{
	Lines lines = cut_lines(string);
	ScJson json = sc_json_object();
	sc_json_text(&json, "type", "doc");
	sc_json_number(&json, "version", 1);
	sc_json_open_array(&json, "content");
	lines.marks = marks;
	write_blocks(&json, lines, 0);
	sc_json_close_array(&json);
	return sc_json_end(&json);
}

/* Control characters other than tabs are dropped; a text beyond the limit ends in "...". */
static Lines
cut_lines(const char *string)
{
	size_t len = strlen(string);
	bool cut = len > SC_RICHTEXT_LENGTH_MAX;
	if (cut)
		len = pg_mbcliplen(string, (int) Min(len, SC_RICHTEXT_LENGTH_MAX + 8),
						   SC_RICHTEXT_LENGTH_MAX);
	StringInfoData clean;
	initStringInfo(&clean);
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) string[i];
		if (c == '\r')
		{
			if (string[i + 1] != '\n')
				appendStringInfoChar(&clean, '\n');
		}
		else if (c >= ' ' ? c != 0x7f : (c == '\n' || c == '\t'))
			appendStringInfoChar(&clean, (char) c);
	}
	if (cut)
		appendStringInfoString(&clean, "...");
	Lines lines = { .len = 1 };
	for (int i = 0; i < clean.len; i++)
		lines.len += clean.data[i] == '\n';
	lines.items = palloc(lines.len * sizeof(char *));
	lines.len = 0;
	for (char *at = clean.data; at != NULL;)
	{
		char *end = strchr(at, '\n');
		lines.items[lines.len++] = at;
		if (end != NULL)
			*end++ = '\0';
		at = end;
	}
	return lines;
}

/* Inside a list item or quotation (depth > 0) the format has no headings, rules and quotations: they stay text. */
static void
write_blocks(ScJson *json, Lines lines, int depth)
{
	int number;
	for (int at = 0; at < lines.len;)
	{
		const char *line = lines.items[at];
		if (is_blank(line))
			at++;
		else if (fence_of(line) > 0)
			at = write_code(json, lines, at);
		else if (depth == 0 && is_rule(line))
		{
			write_empty(json, "rule");
			at++;
		}
		else if (depth == 0 && heading_level(line) > 0)
		{
			write_heading(json, line, heading_level(line), lines.marks);
			at++;
		}
		else if (depth == 0 && line[0] == '>')
			at = write_quote(json, lines, at, depth);
		else if (depth < SC_RICHTEXT_NESTED_MAX && list_sign(line, &number) > 0)
			at = write_list(json, lines, at, depth);
		else
			at = write_paragraph(json, lines, at, depth);
	}
}

/* A fence, its language, the lines up to the closing fence or the end. */
static int
write_code(ScJson *json, Lines lines, int at)
{
	size_t fence = fence_of(lines.items[at]);
	const char *language = lines.items[at] + fence;
	StringInfoData code;
	initStringInfo(&code);
	int i;
	for (i = at + 1; i < lines.len; i++)
	{
		if (fence_of(lines.items[i]) >= fence &&
			is_blank(lines.items[i] + fence_of(lines.items[i])))
			break;
		if (i > at + 1)
			appendStringInfoChar(&code, '\n');
		appendStringInfoString(&code, lines.items[i]);
	}
	sc_json_open_object(json, NULL);
	sc_json_text(json, "type", "codeBlock");
	if (language[0] != '\0')
	{
		sc_json_open_object(json, "attrs");
		sc_json_text(json, "language", language);
		sc_json_close_object(json);
	}
	if (code.len > 0)
	{
		sc_json_open_array(json, "content");
		sc_richtext_put_text(json, code.data, code.len, 0, NULL);
		sc_json_close_array(json);
	}
	sc_json_close_object(json);
	return Min(i + 1, lines.len);
}

/* Lines that start with ">", without it, as blocks of their own. */
static int
write_quote(ScJson *json, Lines lines, int at, int depth)
{
	int end = at;
	while (end < lines.len && lines.items[end][0] == '>')
		end++;
	Lines inner = { .items = palloc((end - at) * sizeof(char *)), .marks = lines.marks };
	for (int i = at; i < end; i++)
	{
		char *rest = lines.items[i] + 1;
		inner.items[inner.len++] = *rest == ' ' ? rest + 1 : rest;
	}
	sc_json_open_object(json, NULL);
	sc_json_text(json, "type", "blockquote");
	sc_json_open_array(json, "content");
	bool blank = true;
	for (int i = 0; i < inner.len; i++)
		blank = blank && is_blank(inner.items[i]);
	if (blank)
		write_empty(json, "paragraph");
	write_blocks(json, inner, depth + 1);
	sc_json_close_array(json);
	sc_json_close_object(json);
	return end;
}

/* Items of one indentation and one kind; numbers that do not go on begin a list of their own. */
static int
write_list(ScJson *json, Lines lines, int at, int depth)
{
	int number = -1;
	int step = STEP_UNKNOWN;
	size_t indent = indent_of(lines.items[at]);
	list_sign(lines.items[at], &number);
	bool ordered = number >= 0;
	int last;
	sc_json_open_object(json, NULL);
	sc_json_text(json, "type", ordered ? "orderedList" : "bulletList");
	if (ordered && number != 1)
	{
		sc_json_open_object(json, "attrs");
		sc_json_number(json, "order", number);
		sc_json_close_object(json);
	}
	sc_json_open_array(json, "content");
	do
	{
		last = number;
		at = write_item(json, lines, at, depth);
	} while (at < lines.len && list_sign(lines.items[at], &number) > 0 &&
			 (ordered ? goes_on(last, number, &step) : number < 0) &&
			 indent_of(lines.items[at]) >= indent && !is_rule(lines.items[at]));
	sc_json_close_array(json);
	sc_json_close_object(json);
	return at;
}

/* Does a number follow the last one in its list: by one, or 1. 1. 1., which Markdown counts? */
static bool
goes_on(int last, int number, int *step)
{
	if (*step == STEP_UNKNOWN)
		*step = number == 1 && last == 1 ? 0 : 1;
	return number == last + *step;
}

/* The item's line and the lines below it that are indented at least to its text. */
static int
write_item(ScJson *json, Lines lines, int at, int depth)
{
	int number;
	size_t sign = list_sign(lines.items[at], &number);
	size_t indent = indent_of(lines.items[at]);
	int end = at + 1;
	while (end < lines.len && belongs_below(lines, end, indent + 2))
		end++;
	Lines inner = { .items = palloc((end - at) * sizeof(char *)), .marks = lines.marks };
	inner.items[inner.len++] = lines.items[at] + sign;
	for (int i = at + 1; i < end; i++)
		inner.items[inner.len++] = lines.items[i] + Min(indent_of(lines.items[i]), sign);
	sc_json_open_object(json, NULL);
	sc_json_text(json, "type", "listItem");
	sc_json_open_array(json, "content");
	/* an item starts with a paragraph or with code */
	if (is_blank(inner.items[0]) ||
		(depth + 1 < SC_RICHTEXT_NESTED_MAX && list_sign(inner.items[0], &number) > 0))
		write_empty(json, "paragraph");
	write_blocks(json, inner, depth + 1);
	sc_json_close_array(json);
	sc_json_close_object(json);
	pfree(inner.items);
	return end;
}

/* Is a line, or the line after an empty one, indented enough to be part of the item above? */
static bool
belongs_below(Lines lines, int at, size_t indent)
{
	if (is_blank(lines.items[at]))
		at++;
	return at < lines.len && !is_blank(lines.items[at]) && indent_of(lines.items[at]) >= indent;
}

/* Lines up to an empty one or the start of another block; line ends are kept as breaks. */
static int
write_paragraph(ScJson *json, Lines lines, int at, int depth)
{
	int first = at;
	sc_json_open_object(json, NULL);
	sc_json_text(json, "type", "paragraph");
	sc_json_open_array(json, "content");
	for (; at < lines.len && !is_blank(lines.items[at]) &&
		   (at == first || !starts_block(lines.items[at], depth));
		 at++)
	{
		if (at > first)
		{
			write_empty(json, "hardBreak");
		}
		write_inline(json, lines.items[at], strlen(lines.items[at]), lines.marks, 0);
	}
	sc_json_close_array(json);
	sc_json_close_object(json);
	return at;
}

/* A node without content. */
static void
write_empty(ScJson *json, const char *type)
{
	sc_json_open_object(json, NULL);
	sc_json_text(json, "type", type);
	sc_json_close_object(json);
}

static void
write_heading(ScJson *json, const char *line, int level, int marks)
{
	const char *title = line + level;
	while (isspace((unsigned char) *title))
		title++;
	sc_json_open_object(json, NULL);
	sc_json_text(json, "type", "heading");
	sc_json_open_object(json, "attrs");
	sc_json_number(json, "level", level);
	sc_json_close_object(json);
	sc_json_open_array(json, "content");
	write_inline(json, title, strlen(title), marks, 0);
	sc_json_close_array(json);
	sc_json_close_object(json);
}

/* One line's text nodes. */
static void
write_inline(ScJson *json, const char *string, size_t len, int marks, int depth)
{
	Span span = { .string = string, .len = len, .marks = marks, .depth = depth };
	size_t plain = 0;
	for (size_t at = 0; at < len;)
	{
		ScJson probe = { NULL };
		size_t used = depth < SC_RICHTEXT_NESTED_MAX ? write_special(&probe, &span, at) : 0;
		if (used == 0)
		{
			at++;
			continue;
		}
		/* what is pending stands before it */
		sc_richtext_put_text(json, string + plain, at - plain, marks, NULL);
		write_special(json, &span, at);
		at += used;
		plain = at;
	}
	sc_richtext_put_text(json, string + plain, len - plain, marks, NULL);
}

/* An address, link or marked text that starts at "at"; the bytes used, 0 for none.  json without a state: only looks. */
static size_t
write_special(ScJson *json, Span *span, size_t at)
{
	size_t address = address_length(span->string, at, span->len);
	if (address > 0)
	{
		if (json->state != NULL)
			sc_richtext_put_text(json, span->string + at, address, span->marks,
								 pnstrdup(span->string + at, address));
		return address;
	}
	if (span->string[at] == '[')
		return write_link(json, span, at);
	return strchr("*~`_", span->string[at]) != NULL ? write_marked(json, span, at) : 0;
}

/* What stands between a delimiter at "at" and its twin, with the mark; see write_special. */
static size_t
write_marked(ScJson *json, Span *span, size_t at)
{
	const char *string = span->string;
	for (int i = 0; i < lengthof(delimiters); i++)
	{
		size_t width = strlen(delimiters[i].sign);
		if (at + width >= span->len || strncmp(string + at, delimiters[i].sign, width) != 0 ||
			span->dead[i] || (span->marks & delimiters[i].mark) != 0 ||
			isspace((unsigned char) string[at + width]))
			continue;
		bool word = delimiters[i].sign[0] == '_';
		if (word && at > 0 &&
			(isalnum((unsigned char) string[at - 1]) || (unsigned char) string[at - 1] >= 0x80))
			continue;
		size_t end = find_closer(string, at + width, span->len, delimiters[i].sign);
		if (end == 0)
		{
			span->dead[i] = true;
			continue;
		}
		if (json->state != NULL)
		{
			const char *inner = string + at + width;
			int all = span->marks | delimiters[i].mark;
			if (delimiters[i].mark == SC_MARK_CODE)
				sc_richtext_put_text(json, inner, end - at - width, SC_MARK_CODE, NULL);
			else
				write_inline(json, inner, end - at - width, all, span->depth + 1);
		}
		return end + width - at;
	}
	return 0;
}

/* Where "](" ends the words of a link; NULL when nowhere.  Brackets in the words are in pairs, and not far off; links are not in links. */
static const char *
find_middle(const char *words, const char *stop)
{
	int open = 0;

	for (const char *look = words; look + 1 < stop; look++)
	{
		if (look[0] == '[')
		{
			if (open == 0)
				stop = Min(stop, words + LINK_WORDS_MAX);
			open++;
		}
		else if (look[0] == ']' && look[1] == '(')
			return open == 0 ? look : NULL;
		else if (look[0] == ']' && open > 0)
			open--;
	}
	return NULL;
}

/* [words](address); see write_special. */
static size_t
write_link(ScJson *json, const Span *span, size_t at)
{
	const char *string = span->string;
	const char *stop = string + span->len;
	const char *middle = find_middle(string + at + 1, stop);
	if (middle == NULL)
		return 0;
	const char *end = memchr(middle, ')', Min(stop - middle, SC_RICHTEXT_ADDRESS_MAX));
	if (end == NULL)
		return 0;
	size_t words = middle - (string + at + 1);
	char *href = pnstrdup(middle + 2, end - middle - 2);
	char *account = (span->marks & SC_MARK_MENTIONS) != 0 ? sc_mention_target(href) : NULL;
	if (account != NULL && string[at + 1] == '@')
	{
		if (json->state != NULL)
			write_mention(json, account, pnstrdup(string + at + 1, words));
		return end + 1 - (string + at);
	}
	bool web = pg_strncasecmp(href, "https://", 8) == 0 ||
			   pg_strncasecmp(href, "http://", 7) == 0 || pg_strncasecmp(href, "mailto:", 7) == 0;
	if (words == 0 || !web || strpbrk(href, " \t\"<>") != NULL)
		return 0;
	if (json->state != NULL)
		sc_richtext_put_text(json, string + at + 1, words, span->marks, href);
	return end + 1 - (string + at);
}

static void
write_mention(ScJson *json, const char *account, const char *name)
{
	sc_json_open_object(json, NULL);
	sc_json_text(json, "type", "mention");
	sc_json_open_object(json, "attrs");
	sc_json_text(json, "id", account);
	sc_json_text(json, "text", name);
	sc_json_close_object(json);
	sc_json_close_object(json);
}

/* Length of a web address that starts at "at"; 0 when none does. */
static size_t
address_length(const char *string, size_t at, size_t len)
{
	if (string[at] != 'h' || (at > 0 && isalnum((unsigned char) string[at - 1])))
		return 0;
	size_t scheme = strncmp(string + at, "https://", 8) == 0  ? 8
					: strncmp(string + at, "http://", 7) == 0 ? 7
															  : 0;
	size_t span = scheme;
	while (scheme > 0 && at + span < len && (unsigned char) string[at + span] > ' ' &&
		   strchr("<>\"()[]{}|^`", string[at + span]) == NULL)
		span++;
	while (span > scheme && strchr(".,;:!?'*_~", string[at + span - 1]) != NULL)
		span--;
	return span > scheme ? span : 0;
}

/* A text node; nothing for an empty text. */
void
sc_richtext_put_text(ScJson *json, const char *string, size_t len, int marks, const char *href)
{
	static const char *const names[] = { "strong", "em", "strike", "code" };
	marks &= SC_MARK_ALL;
	if (len == 0)
		return;
	sc_json_open_object(json, NULL);
	sc_json_text(json, "type", "text");
	sc_json_text(json, "text", pnstrdup(string, len));
	if (marks != 0 || href != NULL)
	{
		sc_json_open_array(json, "marks");
		for (int i = 0; i < lengthof(names); i++)
		{
			if ((marks & (1 << i)) == 0)
				continue;
			sc_json_open_object(json, NULL);
			sc_json_text(json, "type", names[i]);
			sc_json_close_object(json);
		}
		if (href != NULL)
		{
			sc_json_open_object(json, NULL);
			sc_json_text(json, "type", "link");
			sc_json_open_object(json, "attrs");
			sc_json_text(json, "href", href);
			sc_json_close_object(json);
			sc_json_close_object(json);
		}
		sc_json_close_array(json);
	}
	sc_json_close_object(json);
}

static bool
starts_block(const char *line, int depth)
{
	int number;
	if (fence_of(line) > 0 ||
		(depth == 0 && (heading_level(line) > 0 || is_rule(line) || line[0] == '>')))
		return true;
	return depth < SC_RICHTEXT_NESTED_MAX && list_sign(line, &number) > 0;
}

/* 1 to 6 for "# …" to "###### …", else 0. */
static int
heading_level(const char *line)
{
	size_t signs = strspn(line, "#");
	return signs >= 1 && signs <= 6 && line[signs] == ' ' && !is_blank(line + signs) ? (int) signs
																					 : 0;
}

/*
 * Bytes up to the text of a list item, 0 when the line starts none; *number is
 * its number or -1.  01. is none: a list could not keep its zero.
 */
static size_t
list_sign(const char *line, int *number)
{
	size_t at = indent_of(line);
	*number = -1;
	if (line[at] != '\0' && strchr("-*+", line[at]) != NULL)
		at++;
	else
	{
		size_t digits = strspn(line + at, "0123456789");
		if (digits < 1 || digits > 6 || (digits > 1 && line[at] == '0') ||
			(line[at + digits] != '.' && line[at + digits] != ')'))
			return 0;
		*number = atoi(line + at);
		at += digits + 1;
	}
	return line[at] == ' ' ? at + 1 : 0;
}

static size_t
indent_of(const char *line)
{
	return strspn(line, " ");
}

static bool
is_blank(const char *line)
{
	return line[strspn(line, " \t")] == '\0';
}

static bool
is_rule(const char *line)
{
	size_t signs = strspn(line, "-");
	return signs >= 3 && is_blank(line + signs);
}

/* Length of a fence of at least three backquotes, else 0. */
static size_t
fence_of(const char *line)
{
	size_t signs = strspn(line, "`");
	return signs >= 3 && signs <= SC_RICHTEXT_FENCE_MAX && strchr(line + signs, '`') == NULL ? signs
																							 : 0;
}

/* Where the closing delimiter stands, 0 when nowhere: something before it, and no space. */
static size_t
find_closer(const char *string, size_t from, size_t len, const char *sign)
{
	size_t width = strlen(sign);
	for (size_t at = from + 1; at + width <= len; at++)
	{
		if (strncmp(string + at, sign, width) != 0 || isspace((unsigned char) string[at - 1]))
			continue;
		unsigned char after = at + width < len ? (unsigned char) string[at + width] : ' ';
		if (sign[0] == '_' && (isalnum(after) || after >= 0x80))
			continue;
		if (sign[0] == '*' && width == 1 && (after == '*' || string[at - 1] == '*'))
			continue;
		return at;
	}
	return 0;
}
