/*
 * richtext_html.c
 *	  Reads HTML, as libxml2's parser hears it, into a document.
 *
 * The parser is fed in pieces and builds no tree; what it says goes straight
 * into the document.  It repairs what is not closed or badly nested, so no
 * input fails.  Scripts, styles and comments are dropped, unknown elements are
 * not: their text is kept.  Beyond NESTED_MAX open elements the rest is left
 * out, since the parser looks through all of them at each end tag.
 *
 * libxml2 speaks UTF-8: in a database of another encoding a text stays as it
 * is.
 */
#include "postgres.h"

#include <ctype.h>

#include <libxml/HTMLparser.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "core/richtext_private.h"

#define PIECE 4096		/* bytes fed at a time */
#define NESTED_MAX 256	/* open elements */
#define LANGUAGE_MAX 40 /* bytes of the name of a programming language */

typedef enum Meaning
{
	IS_NOTHING, /* its text counts, it does not */
	IS_DROPPED,
	IS_LINE, /* a paragraph of its own */
	IS_HEADING,
	IS_CONTAINER,
	IS_NUMBERS, /* a container: a list that may start at any number */
	IS_CODE_BLOCK,
	IS_MARK,
	IS_LINK,
	IS_BREAK,
	IS_RULE,
	IS_IMAGE
} Meaning;

typedef struct Element
{
	const char *name;
	Meaning meaning;
	const char *type; /* of a container's node */
	int number;		  /* a heading's level, a mark's bit */
} Element;

static const Element elements[] = {
	{ "p", IS_LINE, NULL, 0 },
	{ "div", IS_LINE, NULL, 0 },
	{ "section", IS_LINE, NULL, 0 },
	{ "article", IS_LINE, NULL, 0 },
	{ "header", IS_LINE, NULL, 0 },
	{ "footer", IS_LINE, NULL, 0 },
	{ "figure", IS_LINE, NULL, 0 },
	{ "figcaption", IS_LINE, NULL, 0 },
	{ "address", IS_LINE, NULL, 0 },
	{ "center", IS_LINE, NULL, 0 },
	{ "dt", IS_LINE, NULL, 0 },
	{ "dd", IS_LINE, NULL, 0 },
	{ "caption", IS_LINE, NULL, 0 },
	{ "h1", IS_HEADING, NULL, 1 },
	{ "h2", IS_HEADING, NULL, 2 },
	{ "h3", IS_HEADING, NULL, 3 },
	{ "h4", IS_HEADING, NULL, 4 },
	{ "h5", IS_HEADING, NULL, 5 },
	{ "h6", IS_HEADING, NULL, 6 },
	{ "ul", IS_CONTAINER, "bulletList", 0 },
	{ "ol", IS_NUMBERS, NULL, 0 },
	{ "li", IS_CONTAINER, "listItem", 0 },
	{ "blockquote", IS_CONTAINER, "blockquote", 0 },
	{ "table", IS_CONTAINER, "table", 0 },
	{ "tr", IS_CONTAINER, "tableRow", 0 },
	{ "td", IS_CONTAINER, "tableCell", 0 },
	{ "th", IS_CONTAINER, "tableHeader", 0 },
	{ "pre", IS_CODE_BLOCK, NULL, 0 },
	{ "b", IS_MARK, NULL, SC_MARK_STRONG },
	{ "strong", IS_MARK, NULL, SC_MARK_STRONG },
	{ "i", IS_MARK, NULL, SC_MARK_EM },
	{ "em", IS_MARK, NULL, SC_MARK_EM },
	{ "s", IS_MARK, NULL, SC_MARK_STRIKE },
	{ "del", IS_MARK, NULL, SC_MARK_STRIKE },
	{ "strike", IS_MARK, NULL, SC_MARK_STRIKE },
	{ "code", IS_MARK, NULL, SC_MARK_CODE },
	{ "tt", IS_MARK, NULL, SC_MARK_CODE },
	{ "kbd", IS_MARK, NULL, SC_MARK_CODE },
	{ "samp", IS_MARK, NULL, SC_MARK_CODE },
	{ "a", IS_LINK, NULL, 0 },
	{ "br", IS_BREAK, NULL, 0 },
	{ "hr", IS_RULE, NULL, 0 },
	{ "img", IS_IMAGE, NULL, 0 },
	{ "script", IS_DROPPED, NULL, 0 },
	{ "style", IS_DROPPED, NULL, 0 },
	{ "title", IS_DROPPED, NULL, 0 },
	{ "template", IS_DROPPED, NULL, 0 },
	{ "textarea", IS_DROPPED, NULL, 0 },
};

typedef struct Open /* an element that is open, and what it changed */
{
	const Element *element; /* NULL = of no meaning */
	bool opened;			/* a container that is in the document */
	int marks;				/* before it */
	const char *href;
} Open;

typedef struct Reader
{
	ScRichBuild build;
	Open open[NESTED_MAX];
	int len;
	int dropped; /* open elements whose text is dropped */
	bool code_wanted;
	int code; /* open code blocks */
	char language[LANGUAGE_MAX + 1];
	bool too_deep;
} Reader;

static void on_start(void *arg, const xmlChar *name, const xmlChar **attributes);
static void on_end(void *arg, const xmlChar *name);
static void on_text(void *arg, const xmlChar *text, int len);
static void start_element(Reader *reader, Open *open, const xmlChar **attributes);
static const Element *find_element(const char *name);
static const char *attribute(const xmlChar **attributes, const char *name);
static void take_language(Reader *reader, const char *class_name);
static bool is_web(const char *href);
static void feed(htmlParserCtxtPtr parser, const Reader *reader, const char *string);

Jsonb *
sc_richtext_read_html(const char *string)
{
	Reader *reader = palloc0(sizeof(Reader));
	htmlSAXHandler handler;

	sc_richtext_begin(&reader->build);
	if (GetDatabaseEncoding() != PG_UTF8)
	{
		sc_richtext_raw(&reader->build, string, strlen(string));
		return sc_richtext_finish(&reader->build);
	}
	memset(&handler, 0, sizeof(handler));
	handler.startElement = on_start;
	handler.endElement = on_end;
	handler.characters = on_text;
	handler.ignorableWhitespace = on_text;
	handler.cdataBlock = on_text;
	htmlParserCtxtPtr volatile parser =
		htmlCreatePushParserCtxt(&handler, reader, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);

	if (parser == NULL)
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
	htmlCtxtUseOptions(parser, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
								   HTML_PARSE_NONET | HTML_PARSE_NOIMPLIED);
	PG_TRY();
	{
		feed(parser, reader, string);
	}
	PG_FINALLY();
	{
		htmlFreeParserCtxt(parser);
	}
	PG_END_TRY();
	if (reader->too_deep)
		sc_richtext_raw(&reader->build, "...", 3);
	return sc_richtext_finish(&reader->build);
}

/* A text that goes on is cut where no character is. */
static void
feed(htmlParserCtxtPtr parser, const Reader *reader, const char *string)
{
	static const char around[] = "<html><body>";
	size_t len = strlen(string);

	/* Without a body of its own the parser takes what follows the first element for none of the document. */
	htmlParseChunk(parser, around, (int) strlen(around), 0);
	for (size_t at = 0; at < len && !reader->too_deep && !reader->build.full;)
	{
		int piece =
			pg_mbcliplen(string + at, (int) Min(len - at, PIECE + MAX_MULTIBYTE_CHAR_LEN), PIECE);

		CHECK_FOR_INTERRUPTS();
		htmlParseChunk(parser, string + at, piece, 0);
		at += piece;
	}
	htmlParseChunk(parser, "", 0, 1);
}

static void
on_start(void *arg, const xmlChar *name, const xmlChar **attributes)
{
	Reader *reader = arg;

	if (reader->too_deep || reader->len == NESTED_MAX)
	{
		reader->too_deep = true;
		return;
	}
	Open *open = &reader->open[reader->len++];

	memset(open, 0, sizeof(Open));
	open->element = find_element((const char *) name);
	open->marks = reader->build.marks;
	open->href = reader->build.href;
	if (open->element != NULL)
		start_element(reader, open, attributes);
}

static void
start_element(Reader *reader, Open *open, const xmlChar **attributes)
{
	const Element *element = open->element;
	const char *href;

	switch (element->meaning)
	{
		case IS_LINE:
			sc_richtext_end_line(&reader->build);
			break;
		case IS_HEADING:
			sc_richtext_open_heading(&reader->build, element->number);
			break;
		case IS_CONTAINER:
			open->opened = sc_richtext_open(&reader->build, element->type);
			break;
		case IS_NUMBERS:
			open->opened = sc_richtext_open_numbers(
				&reader->build, sc_richtext_first_number(attribute(attributes, "start")));
			break;
		case IS_CODE_BLOCK:
			reader->code_wanted = true;
			reader->code++;
			reader->language[0] = '\0';
			take_language(reader, attribute(attributes, "class"));
			break;
		case IS_MARK:
			reader->build.marks |= element->number;
			if (reader->code_wanted)
				take_language(reader, attribute(attributes, "class"));
			break;
		case IS_LINK:
			href = attribute(attributes, "href");
			if (href != NULL && is_web(href))
				reader->build.href = pstrdup(href);
			break;
		case IS_BREAK:
			sc_richtext_break(&reader->build);
			break;
		case IS_RULE:
			sc_richtext_rule(&reader->build);
			break;
		case IS_IMAGE:
			href = attribute(attributes, "alt");
			sc_richtext_words(&reader->build, "[", 1);
			sc_richtext_words(&reader->build, href == NULL || href[0] == '\0' ? "image" : href,
							  href == NULL || href[0] == '\0' ? 5 : strlen(href));
			sc_richtext_words(&reader->build, "]", 1);
			break;
		case IS_DROPPED:
			reader->dropped++;
			break;
		default:
			break;
	}
}

static void
on_end(void *arg, const xmlChar *name)
{
	Reader *reader = arg;

	if (reader->too_deep || reader->len == 0)
		return;
	Open *open = &reader->open[--reader->len];

	reader->build.marks = open->marks;
	reader->build.href = open->href;
	if (open->element == NULL)
		return;
	switch (open->element->meaning)
	{
		case IS_LINE:
		case IS_HEADING:
			sc_richtext_end_line(&reader->build);
			break;
		case IS_CONTAINER:
		case IS_NUMBERS:
			if (open->opened)
				sc_richtext_close(&reader->build);
			break;
		case IS_CODE_BLOCK:
			reader->code--;
			if (reader->code_wanted)
				sc_richtext_open_code(&reader->build, reader->language);
			reader->code_wanted = false;
			sc_richtext_end_line(&reader->build);
			break;
		case IS_DROPPED:
			reader->dropped--;
			break;
		default:
			break;
	}
}

static void
on_text(void *arg, const xmlChar *text, int len)
{
	Reader *reader = arg;
	const char *string = (const char *) text;

	if (reader->too_deep || reader->dropped > 0)
		return;
	if (reader->code == 0)
	{
		sc_richtext_words(&reader->build, string, len);
		return;
	}
	/* The first line end after <pre> belongs to the tag. */
	if (reader->code_wanted && len > 0 && string[0] == '\n')
		string++, len--;
	if (reader->code_wanted || !reader->build.in_code)
		sc_richtext_open_code(&reader->build, reader->language);
	reader->code_wanted = false;
	sc_richtext_raw(&reader->build, string, len);
}

static const Element *
find_element(const char *name)
{
	for (int i = 0; i < lengthof(elements); i++)
		if (strcmp(elements[i].name, name) == 0)
			return &elements[i];
	return NULL;
}

static const char *
attribute(const xmlChar **attributes, const char *name)
{
	for (int i = 0; attributes != NULL && attributes[i] != NULL; i += 2)
		if (strcmp((const char *) attributes[i], name) == 0)
			return (const char *) attributes[i + 1];
	return NULL;
}

/* "language-sql" or "lang-sql" among the classes. */
static void
take_language(Reader *reader, const char *class_name)
{
	static const char *const before[] = { "language-", "lang-" };

	for (int i = 0; class_name != NULL && i < lengthof(before); i++)
	{
		const char *at = strstr(class_name, before[i]);

		if (at == NULL || reader->language[0] != '\0')
			continue;
		at += strlen(before[i]);
		size_t len = strcspn(at, " \t\n`");

		if (len <= LANGUAGE_MAX)
			strlcpy(reader->language, at, len + 1);
	}
}

/* Other addresses (javascript:, data:, relative ones) are no links elsewhere: their words stay. */
static bool
is_web(const char *href)
{
	return (pg_strncasecmp(href, "https://", 8) == 0 || pg_strncasecmp(href, "http://", 7) == 0 ||
			pg_strncasecmp(href, "mailto:", 7) == 0) &&
		   strpbrk(href, " \t\n\"<>()") == NULL;
}
