/*
 * richtext.h
 *	  Rich text between its spellings.  Canonical is plain text with Markdown
 *	  marks; products speak the Atlassian Document Format (ADF), HTML or wiki
 *	  markup.
 *
 * Nothing here throws on what a document holds.  Depth and size are bounded;
 * what lies below the bound is left out, and a place where something was left
 * out shows "…".
 */
#ifndef SC_CORE_RICHTEXT_H
#define SC_CORE_RICHTEXT_H

#include "postgres.h"

/* What is left of a text when white space, tags, entities and marks are taken away. */
extern char *sc_richtext_fold(const char *text);

#endif
