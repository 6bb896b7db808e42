/*
 * richtext.h
 *	  Rich text between its spellings.  Canonical is plain text with Markdown
 *	  marks; products speak the Atlassian Document Format (ADF), HTML or wiki
 *	  markup.
 *
 * Nothing here throws on what a document holds.  Depth and size are bounded;
 * what lies below the bound is left out, and a place where something was left
 * out shows "...".
 */
#ifndef SC_CORE_RICHTEXT_H
#define SC_CORE_RICHTEXT_H

#include "postgres.h"
#include "utils/jsonb.h"

#define SC_RICHTEXT_DEPTH_MAX 32
#define SC_RICHTEXT_LENGTH_MAX (1024 * 1024)

/* {"type": "doc", "content": […]} */
extern bool sc_richtext_is_adf(Jsonb *json);

/* Markdown of an ADF document; "" for anything else. */
extern char *sc_richtext_from_adf(Jsonb *document);

/* The same with its mentions marked: see mention.h. */
extern char *sc_richtext_from_adf_mentions(Jsonb *document);

/* A document of a text whose links [@name](mention:account) are mentions. */
extern Jsonb *sc_richtext_to_adf_mentions(const char *text);

/* ADF document of a text; never holds an empty text node. */
extern Jsonb *sc_richtext_to_adf(const char *text);

/*
 * Between text with Markdown marks and another spelling: "html", "wiki";
 * anything else (plain, markdown) is the text itself.  HTML is read by libxml2.
 */
extern char *sc_richtext_from(const char *spelling, const char *text);
extern char *sc_richtext_from_mentions(const char *spelling, const char *text);
extern char *sc_richtext_to(const char *spelling, const char *text);
extern bool sc_richtext_is_spelling(const char *spelling); /* plain markdown html wiki adf */

/* What is left of a text when white space, tags, entities and marks are taken away. */
extern char *sc_richtext_fold(const char *text);

#endif
