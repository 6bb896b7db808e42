/*
 * richtext_private.h
 *	  What the readers and writers of rich text share.
 *
 * The one tree that all spellings go through is an Atlassian document as
 * jsonb.  Readers of HTML and wiki markup build it with the verbs below, which
 * put text into a paragraph where none is open, keep what is open balanced, and
 * bound depth and length.
 */
#ifndef SC_CORE_RICHTEXT_PRIVATE_H
#define SC_CORE_RICHTEXT_PRIVATE_H

#include "lib/stringinfo.h"

#include "core/json.h"
#include "core/richtext.h"

enum /* marks of a text, as bits, in the order in which nodes list them */
{
	SC_MARK_STRONG = 1,
	SC_MARK_EM = 2,
	SC_MARK_STRIKE = 4,
	SC_MARK_CODE = 8,
	SC_MARK_ALL = 15,
	SC_MARK_MENTIONS = 16 /* none of a text: links with the scheme of mentions are mentions */
};

typedef struct ScRichBuild /* a document being built */
{
	ScJson json;
	int depth;				/* containers that are open */
	bool in_line;			/* a paragraph, heading or code block is open */
	bool in_code;			/* it is a code block */
	bool fresh;				/* nothing stands in this line yet */
	bool space;				/* white space was read; it counts if a word follows */
	bool full;				/* the limit is reached */
	int marks;				/* of what is read next */
	const char *href;		/* of what is read next; NULL = none */
	StringInfoData pending; /* text with the marks below, not yet a node */
	int pending_marks;
	const char *pending_href;
	size_t length; /* of all text */
} ScRichBuild;

extern void sc_richtext_begin(ScRichBuild *build);

/* Opens a list, item, quotation, table, row or cell; false when it is too deep: it is left out, not what it holds. */
extern bool sc_richtext_open(ScRichBuild *build, const char *type);
extern void sc_richtext_close(ScRichBuild *build);
/* A list of numbers that starts with one; see sc_richtext_open. */
extern bool sc_richtext_open_numbers(ScRichBuild *build, int order);

/* Opens a heading (level) or a code block (language, may be NULL); sc_richtext_end_line ends it, and a paragraph. */
extern void sc_richtext_open_heading(ScRichBuild *build, int level);
extern void sc_richtext_open_code(ScRichBuild *build, const char *language);
extern void sc_richtext_end_line(ScRichBuild *build);

/* Words: white space between them collapses, at the ends of a line it is dropped. */
extern void sc_richtext_words(ScRichBuild *build, const char *string, size_t len);
/* Text as it stands. */
extern void sc_richtext_raw(ScRichBuild *build, const char *string, size_t len);
extern void sc_richtext_break(ScRichBuild *build);
extern void sc_richtext_rule(ScRichBuild *build);
extern void sc_richtext_mention(ScRichBuild *build, const char *id);

/* Closes whatever is open. */
extern Jsonb *sc_richtext_finish(ScRichBuild *build);

/* A text node; nothing for an empty text. */
extern void sc_richtext_put_text(ScJson *json, const char *string, size_t len, int marks,
								 const char *href);

/* Of a node: a string or number member as text, an object or array, an attribute, a mark.  NULL or false: there is none. */
extern char *sc_richtext_member(JsonbContainer *node, const char *key);
extern JsonbContainer *sc_richtext_inner(JsonbContainer *node, const char *key);
extern char *sc_richtext_attribute(JsonbContainer *node, const char *key);
extern bool sc_richtext_mark(JsonbContainer *node, const char *type, JsonbContainer **mark);

/* The number with which a list starts that says so; 1 for NULL and for what is none. */
extern int sc_richtext_first_number(const char *said);

/* Documents of HTML and wiki markup, and back. */
extern Jsonb *sc_richtext_read_html(const char *string);
extern Jsonb *sc_richtext_read_wiki(const char *string);
extern char *sc_richtext_write_html(Jsonb *document);
extern char *sc_richtext_write_wiki(Jsonb *document);

/* An address without what would end it within wiki markup, or break it off: such signs are spelt %XX. */
extern char *sc_richtext_address(const char *href);

#endif
