/*
 * richtext.c
 *	  Rich text folded to the letters and digits that every spelling of it
 *	  shares; see richtext.h.
 */
#include "postgres.h"

#include <ctype.h>

#include "lib/stringinfo.h"

#include "core/mention.h"
#include "core/richtext_private.h"

static const char *skip_tag(const char *at);
static const char *decode_entity(const char *at, char *out);
static const char *skip_line_mark(const char *at);

bool
sc_richtext_is_spelling(const char *spelling)
{
	static const char *const spellings[] = { "plain", "markdown", "html", "wiki", "adf" };

	for (int i = 0; i < lengthof(spellings); i++)
		if (strcmp(spellings[i], spelling) == 0)
			return true;
	return false;
}

char *
sc_richtext_from(const char *spelling, const char *text)
{
	return sc_mention_names(sc_richtext_from_mentions(spelling, text));
}

char *
sc_richtext_from_mentions(const char *spelling, const char *text)
{
	if (spelling != NULL && strcmp(spelling, "html") == 0)
		return sc_richtext_from_adf_mentions(sc_richtext_read_html(text));
	if (spelling != NULL && strcmp(spelling, "wiki") == 0)
		return sc_richtext_from_adf_mentions(sc_richtext_read_wiki(text));
	return sc_mention_clean(pstrdup(text));
}

char *
sc_richtext_to(const char *spelling, const char *text)
{
	if (spelling != NULL && strcmp(spelling, "html") == 0)
		return sc_richtext_write_html(sc_richtext_to_adf(text));
	if (spelling != NULL && strcmp(spelling, "wiki") == 0)
		return sc_richtext_write_wiki(sc_richtext_to_adf(text));
	return pstrdup(text);
}

/*
 * Takes white space, tags, entities and marks away.  Case stays: only the
 * server knows how to fold it.
 */
char *
sc_richtext_fold(const char *string)
{
	StringInfoData buf;
	initStringInfo(&buf);
	bool line_start = true;
	for (const char *at = string; *at != '\0';)
	{
		char decoded;
		const char *next = line_start ? skip_line_mark(at) : at;
		line_start = *at == '\n' || (line_start && isspace((unsigned char) *at));
		if (next == at)
			next = skip_tag(at);
		if (next == at)
		{
			next = decode_entity(at, &decoded);
			if (next != at && !isspace((unsigned char) decoded))
				appendStringInfoChar(&buf, decoded);
		}
		if (next == at && (unsigned char) at[0] == 0xC2 && (unsigned char) at[1] == 0xA0)
			next = at + 2;
		if (next != at)
		{
			at = next;
			continue;
		}
		if (!isspace((unsigned char) *at) && strchr("*_`~\\", *at) == NULL)
			appendStringInfoChar(&buf, *at);
		at++;
	}
	return buf.data;
}

/* Past "<name …>", "</name>" or "<!-- … -->"; at when no tag starts here. */
static const char *
skip_tag(const char *at)
{
	if (*at != '<' || !(isalpha((unsigned char) at[1]) || at[1] == '/' || at[1] == '!'))
		return at;
	const char *end = strchr(at, '>');
	if (end == NULL || end - at > 1000)
		return at;
	return end + 1;
}

/* Past one of the entities that products write for ASCII; at when none starts here. */
static const char *
decode_entity(const char *at, char *out)
{
	static const struct
	{
		const char *name;
		char value;
	} entities[] = { { "&amp;", '&' },	 { "&lt;", '<' },	{ "&gt;", '>' },
					 { "&quot;", '"' },	 { "&#39;", '\'' }, { "&#x27;", '\'' },
					 { "&apos;", '\'' }, { "&nbsp;", ' ' }, { "&#160;", ' ' } };
	if (*at != '&')
		return at;
	for (int i = 0; i < lengthof(entities); i++)
	{
		size_t len = strlen(entities[i].name);
		if (strncmp(at, entities[i].name, len) == 0)
		{
			*out = entities[i].value;
			return at + len;
		}
	}
	return at;
}

/* Past the mark that starts a list item, heading or quotation; at when there is none. */
static const char *
skip_line_mark(const char *at)
{
	const char *end = at + strspn(at, "#>-+*");
	if (end == at)
	{
		end = at + strspn(at, "0123456789");
		if (end == at || end - at > 3 || (*end != '.' && *end != ')'))
			return at;
		end++;
	}
	return *end == ' ' || *end == '\t' || *end == '\n' || *end == '\0' ? end : at;
}
