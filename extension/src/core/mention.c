/*
 * mention.c
 *	  See mention.h.
 */
#include "postgres.h"

#include <ctype.h>

#include "core/mention.h"
#include "core/richtext.h"

#define BEGIN_MARK '\x01'
#define MIDDLE_MARK '\x02'
#define END_MARK '\x03'
#define ID_MAX 256 /* bytes of an account's id in a text */
#define SOMEONE "someone"

typedef struct Token /* [@name](mention:person) */
{
	const char *next; /* behind it */
	char *name;
	char *target;
} Token;

typedef enum Form /* what becomes of a token */
{
	FORM_KEPT,	  /* as it is, where the person has an account */
	FORM_ACCOUNT, /* with the account */
	FORM_FOLDED,  /* the person alone */
	FORM_NAME	  /* the name alone */
} Form;

static bool find_token(const char *at, Token *token);
static char *rewrite(const ScMentionCxt *cxt, const char *text, Form form);
static void put_token(StringInfo out, const char *name, const char *target);
static char *resolve(const ScMentionCxt *cxt, const char *text);
static size_t id_length(const char *at, char stop);
static char *pick_stem(const char *text);

void
sc_mention_put(StringInfo out, const char *id, const char *name)
{
	appendStringInfo(out, "%c%s%c%s%c", BEGIN_MARK, id == NULL ? "" : id, MIDDLE_MARK,
					 name == NULL ? "" : name, END_MARK);
}

char *
sc_mention_clean(char *text)
{
	char *to = text;

	for (const char *at = text; *at != '\0'; at++)
		if (*at < BEGIN_MARK || *at > END_MARK)
			*to++ = *at;
	*to = '\0';
	return text;
}

/* Nothing that stands within a word, such as the @ of a mail address. */
char *
sc_mention_find(const char *text, const char *sign)
{
	const char *place = strstr(sign, "{id}");
	StringInfoData out;

	if (place == NULL || place == sign)
		return pstrdup(text);
	size_t before = place - sign;
	const char *after = place + strlen("{id}");

	initStringInfo(&out);
	for (const char *at = text; *at != '\0';)
	{
		bool in_word =
			at > text && (isalnum((unsigned char) at[-1]) || strchr("._-", at[-1]) != NULL ||
						  (unsigned char) at[-1] >= 0x80);
		size_t len = in_word || strncmp(at, sign, before) != 0 ? 0 : id_length(at + before, *after);

		if (len > 0 && strncmp(at + before + len, after, strlen(after)) == 0)
		{
			sc_mention_put(&out, pnstrdup(at + before, len), NULL);
			at += before + len + strlen(after);
		}
		else
			appendStringInfoChar(&out, *at++);
	}
	return out.data;
}

/* Up to the sign's end, or as far as an account's name can go. */
static size_t
id_length(const char *at, char stop)
{
	size_t len = 0;

	while (len < ID_MAX && at[len] != '\0' && at[len] != stop &&
		   (isalnum((unsigned char) at[len]) || strchr("._-:@+", at[len]) != NULL))
		len++;
	while (stop == '\0' && len > 0 && ispunct((unsigned char) at[len - 1]))
		len--;
	return len;
}

char *
sc_mention_names(const char *text)
{
	return resolve(NULL, text);
}

char *
sc_mention_keep(const ScMentionCxt *cxt, const char *text)
{
	return resolve(cxt, text);
}

/* What only looks like a mention that was kept is no link: nobody is called by typing it. */
static char *
resolve(const ScMentionCxt *cxt, const char *text)
{
	StringInfoData out;

	initStringInfo(&out);
	for (const char *at = text; *at != '\0';)
	{
		const char *middle = *at == BEGIN_MARK ? strchr(at, MIDDLE_MARK) : NULL;
		const char *end = middle == NULL ? NULL : strchr(middle, END_MARK);

		if (end == NULL)
		{
			if (cxt != NULL &&
				strncmp(at, "](" SC_MENTION_SCHEME, strlen("](" SC_MENTION_SCHEME)) == 0)
				appendStringInfoString(&out, "] ");
			else
				appendStringInfoChar(&out, *at);
			at++;
			continue;
		}
		char *id = pnstrdup(at + 1, middle - at - 1);
		char *name = pnstrdup(middle + 1, end - middle - 1);
		const char *person =
			cxt == NULL || id[0] == '\0' ? NULL : sc_conf_person(cxt->conf, cxt->system_id, id);
		const char *shown = name[0] == '@' ? name + 1 : name;

		if (shown[0] == '\0')
			shown = person != NULL ? pnstrdup(person, strcspn(person, "@")) : id;
		if (shown[0] == '\0')
			shown = SOMEONE;
		if (person != NULL)
			put_token(&out, shown, person);
		else
			appendStringInfo(&out, "@%s", shown);
		at = end + 1;
	}
	return out.data;
}

/* Brackets would end the name early; what is no letter or digit of the target is written as %xx. */
static void
put_token(StringInfo out, const char *name, const char *target)
{
	appendStringInfoString(out, "[@");
	for (const char *at = name; *at != '\0'; at++)
		appendStringInfoChar(out, strchr("[]\n", *at) != NULL ? ' ' : *at);
	appendStringInfoString(out, "](" SC_MENTION_SCHEME);
	for (const char *at = target; *at != '\0'; at++)
		if (isalnum((unsigned char) *at) || strchr("@._:+-", *at) != NULL)
			appendStringInfoChar(out, *at);
		else
			appendStringInfo(out, "%%%02X", (unsigned char) *at);
	appendStringInfoChar(out, ')');
}

char *
sc_mention_tell(const ScMentionCxt *cxt, const char *text, bool able)
{
	return rewrite(cxt, text, able ? FORM_KEPT : FORM_NAME);
}

char *
sc_mention_accounts(const ScMentionCxt *cxt, const char *text)
{
	return rewrite(cxt, text, FORM_ACCOUNT);
}

char *
sc_mention_fold(const char *text)
{
	return rewrite(NULL, text, FORM_FOLDED);
}

static char *
rewrite(const ScMentionCxt *cxt, const char *text, Form form)
{
	StringInfoData out;
	Token token;

	initStringInfo(&out);
	for (const char *at = text; *at != '\0';)
	{
		if (*at != '[' || !find_token(at, &token))
		{
			appendStringInfoChar(&out, *at++);
			continue;
		}
		const char *account =
			cxt == NULL ? NULL : sc_conf_identity(cxt->conf, cxt->system_id, token.target);

		if (form == FORM_FOLDED)
			appendStringInfo(&out, "@%s", token.target);
		else if (form == FORM_NAME || account == NULL)
			appendStringInfo(&out, "@%s", token.name);
		else
			put_token(&out, token.name, form == FORM_ACCOUNT ? account : token.target);
		at = token.next;
	}
	return out.data;
}

/* The text between is converted with words that it does not hold in place of mentions, which no spelling changes. */
char *
sc_mention_spell(const ScMentionCxt *cxt, const char *text, const char *sign, const char *spelling)
{
	const char *place = sign == NULL ? NULL : strstr(sign, "{id}");
	char *accounts = sc_mention_accounts(cxt, text);
	char *stem = pick_stem(accounts);
	StringInfoData stood;
	StringInfoData out;
	List *found = NIL;
	Token token;

	initStringInfo(&stood);
	initStringInfo(&out);
	for (const char *at = accounts; *at != '\0';)
	{
		if (*at != '[' || !find_token(at, &token))
		{
			appendStringInfoChar(&stood, *at++);
			continue;
		}
		if (place == NULL)
			appendStringInfo(&stood, "@%s", token.name);
		else
		{
			appendStringInfo(&stood, "%s%dq", stem, list_length(found));
			found = lappend(found, token.target);
		}
		at = token.next;
	}
	char *converted = sc_richtext_to(spelling, stood.data);

	for (const char *at = converted; *at != '\0';)
	{
		if (strncmp(at, stem, strlen(stem)) != 0)
		{
			appendStringInfoChar(&out, *at++);
			continue;
		}
		char *end;
		long n = strtol(at + strlen(stem), &end, 10);

		appendStringInfo(&out, "%.*s%s%s", (int) (place - sign), sign,
						 (char *) list_nth(found, (int) n), place + strlen("{id}"));
		at = end + 1;
	}
	return out.data;
}

static char *
pick_stem(const char *text)
{
	char *stem = pstrdup("mentionqa");

	while (strstr(text, stem) != NULL)
	{
		char *last = stem + strlen(stem) - 1;

		if (*last == 'p')
			stem = psprintf("%sa", stem);
		else
			(*last)++;
	}
	return stem;
}

static bool
find_token(const char *at, Token *token)
{
	const char *middle = strstr(at, "](" SC_MENTION_SCHEME);
	const char *end = middle == NULL ? NULL : strchr(middle, ')');

	if (at[0] != '[' || at[1] != '@' || end == NULL || strcspn(at, "]\n") < (size_t) (middle - at))
		return false;
	token->name = pnstrdup(at + 2, middle - at - 2);
	token->target = sc_mention_target(pnstrdup(middle + 2, end - middle - 2));
	token->next = end + 1;
	return token->target != NULL;
}

char *
sc_mention_target(const char *href)
{
	StringInfoData out;

	if (strncmp(href, SC_MENTION_SCHEME, strlen(SC_MENTION_SCHEME)) != 0)
		return NULL;
	initStringInfo(&out);
	for (const char *at = href + strlen(SC_MENTION_SCHEME); *at != '\0'; at++)
	{
		if (*at == '%' && isxdigit((unsigned char) at[1]) && isxdigit((unsigned char) at[2]))
		{
			char byte[3] = { at[1], at[2], '\0' };

			appendStringInfoChar(&out, (char) strtol(byte, NULL, 16));
			at += 2;
		}
		else
			appendStringInfoChar(&out, *at);
	}
	return out.len == 0 ? NULL : out.data;
}
