/*
 * hide.c
 *	  A peer that refuses a write may repeat what it was sent: what a sensitive
 *	  field held is struck out of its words before anybody keeps them.
 *
 * Peers re-case, cut and wrap what they quote, so every word of the value goes,
 * not only the whole of it.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "core/say.h"

#define WORD_MIN 4	/* bytes of a word that tells something by itself */
#define WHOLE_MIN 2 /* and of a value that has no such word */

static size_t word_length(const char *text);
static char *strike(const char *text, const char *what, size_t len);

char *
sc_say_without(const char *text, const ScValue *value)
{
	char *kept = pstrdup(text);

	if (value->state != SC_VALUE_JSON || sc_value_is_null(value))
		return kept;
	char *held = sc_value_to_cstring(value);

	if (strlen(held) >= WHOLE_MIN)
		kept = strike(kept, held, strlen(held));
	while (*held != '\0')
	{
		size_t len = word_length(held);

		if (len >= WORD_MIN)
			kept = strike(kept, held, len);
		held += Max(len, 1);
	}
	return kept;
}

/* Bytes up to the next one that no number, name or address has. */
static size_t
word_length(const char *text)
{
	size_t len = 0;

	while (text[len] != '\0' && (IS_HIGHBIT_SET(text[len]) || isalnum((unsigned char) text[len]) ||
								 strchr("-_@.+", text[len]) != NULL))
		len++;
	return len;
}

/* Stars wherever it stands in the text, in capitals or not. */
static char *
strike(const char *text, const char *what, size_t len)
{
	StringInfoData struck;

	initStringInfo(&struck);
	while (*text != '\0')
	{
		if (pg_strncasecmp(text, what, len) == 0)
		{
			appendStringInfoString(&struck, "***");
			text += len;
		}
		else
			appendStringInfoChar(&struck, *text++);
	}
	return struck.data;
}
