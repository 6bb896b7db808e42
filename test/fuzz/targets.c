/*
 * targets.c
 *	  See targets.h.  Inputs are what these functions get in life: text that the
 *	  server has verified, documents that its parser has taken, stored bytes that
 *	  somebody may have damaged.
 */
#include "postgres.h"

#include <ctype.h>

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "core/codec.h"
#include "core/convert.h"
#include "core/json.h"
#include "core/pointer.h"
#include "core/richtext.h"
#include "core/shadow.h"
#include "core/stamp.h"
#include "core/template.h"
#include "core/vclock.h"
#include "targets.h"

static void run_vclock(const char *data, size_t size);
static void run_stored(const char *data, size_t size);
static void run_pointer(const char *data, size_t size);
static void run_template(const char *data, size_t size);
static void run_richtext(const char *data, size_t size);
static void run_value(const char *data, size_t size);
static char *words_of(const char *text, bool lists);

const FuzzTarget fuzz_targets[] = {
	{ "vclock", run_vclock },
	{ "stored", run_stored },
	{ "pointer", run_pointer },
	{ "template", run_template },
	{ "richtext", run_richtext },
	{ "value", run_value },
	{ NULL, NULL },
};

/* As a text of the database would be: no zero byte, valid in its encoding. */
static char *
text_of(const char *data, size_t size)
{
	size_t len = strlen(data);

	if (len > size || !pg_verify_mbstr(PG_UTF8, data, (int) len, true))
		return NULL;
	return pnstrdup(data, len);
}

/* The first line, and what comes after it; false when there is no second. */
static bool
two_parts(const char *data, size_t size, char **first, char **second)
{
	char *text = text_of(data, size);
	char *end = text == NULL ? NULL : strchr(text, '\n');

	if (end == NULL)
		return false;
	*first = pnstrdup(text, end - text);
	*second = pstrdup(end + 1);
	return true;
}

static bool
same_json(Jsonb *a, Jsonb *b)
{
	return a != NULL && b != NULL && compareJsonbContainers(&a->root, &b->root) == 0;
}

static void
run_vclock(const char *data, size_t size)
{
	char *text = text_of(data, size);
	ScClock clock;
	ScClock again;
	ScClock both;

	if (text == NULL || !sc_vclock_parse(text, &clock))
		return;
	FUZZ_MUST(sc_vclock_parse(sc_vclock_to_cstring(&clock), &again));
	FUZZ_MUST(sc_vclock_equal(&clock, &again));
	again = sc_vclock_unpack(sc_vclock_pack(&clock));
	FUZZ_MUST(sc_vclock_equal(&clock, &again));
	both = sc_vclock_merge(&clock, &again);
	FUZZ_MUST(sc_vclock_equal(&clock, &both));
	FUZZ_MUST(sc_vclock_covers(&clock, &again) && !sc_vclock_concurrent(&clock, &again));
}

/* The bytes as a stored value; damaged ones are refused as corrupt (fuzz.c), others are stored the same again. */
static void
run_stored(const char *data, size_t size)
{
	bytea *packed;
	bytea *again;

	if (size < 1)
		return;
	packed = palloc(VARHDRSZ + size - 1);
	SET_VARSIZE(packed, VARHDRSZ + size - 1);
	memcpy(VARDATA(packed), data + 1, size - 1);
	if (data[0] % 3 == 0)
	{
		ScClock clock = sc_vclock_unpack(packed);
		ScClock second;

		again = sc_vclock_pack(&clock);
		second = sc_vclock_unpack(again);
		FUZZ_MUST(sc_vclock_equal(&clock, &second));
		return;
	}
	if (data[0] % 3 == 1)
	{
		ScStamps stamps = sc_stamps_unpack(packed);

		again = sc_stamps_pack(&stamps);
		stamps = sc_stamps_unpack(again);
		packed = sc_stamps_pack(&stamps);
	}
	else
	{
		ScShadow shadow = sc_shadow_unpack(packed);

		again = sc_shadow_pack(&shadow);
		shadow = sc_shadow_unpack(again);
		packed = sc_shadow_pack(&shadow);
	}
	FUZZ_MUST(VARSIZE(packed) == VARSIZE(again) && memcmp(packed, again, VARSIZE(again)) == 0);
}

/* "pointer\ndocument" */
static void
run_pointer(const char *data, size_t size)
{
	char *path;
	char *rest;
	const char *reason = NULL;
	ScPointer *pointer;
	Jsonb *document;
	Jsonb *value;

	if (!two_parts(data, size, &path, &rest))
		return;
	pointer = sc_pointer_parse(path, &reason);
	FUZZ_MUST(pointer != NULL || reason != NULL);
	document = fuzz_json(rest);
	if (pointer == NULL || document == NULL)
		return;
	value = sc_pointer_get(document, pointer);
	sc_pointer_get_cstring(document, path);
	sc_pointer_remove(document, pointer);
	sc_pointer_merge_patch(document, document);
	if (value != NULL)
		FUZZ_MUST(
			same_json(sc_pointer_get(sc_pointer_set(document, pointer, value), pointer), value));
	else
		sc_pointer_set(document, pointer, document);
}

/* "template\ncontext": a URL, and a body that is the context itself */
static void
run_template(const char *data, size_t size)
{
	char *uri;
	char *rest;
	char *expanded;
	Jsonb *context;

	if (!two_parts(data, size, &uri, &rest))
		return;
	context = fuzz_json(rest);
	if (context == NULL)
		return;
	sc_template_expand(context, context);
	if (JB_ROOT_IS_OBJECT(context))
		sc_template_form(context);
	if (sc_template_check(uri) != NULL)
		return;
	expanded = sc_template_expand_uri(uri, context);
	for (const char *at = expanded; at != NULL && *at != '\0'; at++)
		FUZZ_MUST((unsigned char) *at > ' ' && *at != 0x7f);
}

/* A text; or, when it is one, a document of a product */
static void
run_richtext(const char *data, size_t size)
{
	char *text = text_of(data, size);
	Jsonb *document;
	Jsonb *made;
	char *markdown;
	char *again;

	if (text == NULL)
		return;
	document = fuzz_json(text);
	sc_richtext_fold(text);
	if (document != NULL && sc_richtext_is_adf(document))
		text = sc_richtext_from_adf(document);
	made = sc_richtext_to_adf(text);
	FUZZ_MUST(sc_richtext_is_adf(made));
	markdown = sc_richtext_from_adf(made);
	FUZZ_MUST(pg_verify_mbstr(PG_UTF8, markdown, (int) strlen(markdown), true));
	FUZZ_MUST(strcmp(words_of(text, true), words_of(markdown, true)) == 0);
	/* lists that were only counted (1. 1.) are written out now: their numbers stay, too */
	again = sc_richtext_from_adf(sc_richtext_to_adf(markdown));
	FUZZ_MUST(strcmp(words_of(markdown, false), words_of(again, false)) == 0);
}

/* What no spelling may lose: letters and numbers; without those that a list may have counted (1. or 1)). */
static char *
words_of(const char *text, bool lists)
{
	StringInfoData clean;
	StringInfoData words;

	initStringInfo(&clean);
	initStringInfo(&words);
	for (const char *at = text; *at != '\0'; at++)
		if (*at == '\r' || *at == '\n' || *at == '\t' || !iscntrl((unsigned char) *at))
			appendStringInfoChar(&clean, *at == '\r' ? '\n' : *at);
	for (const char *at = clean.data; *at != '\0'; at++)
	{
		size_t digits = strspn(at, "0123456789");

		if (lists && digits > 0 && (at[digits] == '.' || at[digits] == ')'))
			at += digits;
		else if (isalnum((unsigned char) *at) || (unsigned char) *at >= 0x80)
			appendStringInfoChar(&words, *at);
	}
	return words.data;
}

/* "kind format\nvalue": up, and what came of it down */
static void
run_value(const char *data, size_t size)
{
	char *spec;
	char *rest;
	ScField field = { .name = "f" };
	ScFieldMap map = { .field = &field };
	ScConverted up;
	Jsonb *external;
	Jsonb **members;

	if (!two_parts(data, size, &spec, &rest) || spec[0] == '\0')
		return;
	field.kind = (unsigned char) spec[0] % (SC_KIND_JSON + 1);
	map.time_format = spec[1] == '\0' ? NULL : spec + 1;
	map.rich_text = strlen(spec) % 2 == 0 ? "adf" : NULL;
	map.list_separator = ",";
	external = fuzz_json(rest);
	if (external == NULL)
		return;
	sc_convert_word(external);
	sc_convert_split(&map, external, &members);
	external = sc_convert_unwrap(&map, external);
	if (external == NULL || sc_convert_is_nothing(external) || field.kind == SC_KIND_SET)
		return;
	up = sc_convert_up(&map, external);
	FUZZ_MUST(up.value != NULL || (up.message != NULL && up.sqlstate != 0));
	if (up.value != NULL && !sc_convert_is_nothing(up.value))
	{
		ScConverted down = sc_convert_down(&map, up.value);

		FUZZ_MUST(down.value != NULL || (down.message != NULL && down.sqlstate != 0));
	}
}
