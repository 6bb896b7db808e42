/*
 * richtext_build.c
 *	  Builds a document from what a reader finds, piece by piece; see
 *	  richtext_private.h.
 */
#include "postgres.h"

#include <ctype.h>

#include "core/richtext_private.h"

#define ELLIPSIS "..."

static bool open_container(ScRichBuild *build, const char *type, int order);
static void open_node(ScRichBuild *build, const char *type);
static void open_line(ScRichBuild *build, const char *type);
static void begin_text(ScRichBuild *build);
static bool has_room(ScRichBuild *build, size_t len);
static void flush(ScRichBuild *build);

void
sc_richtext_begin(ScRichBuild *build)
{
	memset(build, 0, sizeof(ScRichBuild));
	initStringInfo(&build->pending);
	build->json = sc_json_object();
	sc_json_text(&build->json, "type", "doc");
	sc_json_number(&build->json, "version", 1);
	sc_json_open_array(&build->json, "content");
}

bool
sc_richtext_open(ScRichBuild *build, const char *type)
{
	return open_container(build, type, 1);
}

bool
sc_richtext_open_numbers(ScRichBuild *build, int order)
{
	return open_container(build, "orderedList", order);
}

static bool
open_container(ScRichBuild *build, const char *type, int order)
{
	sc_richtext_end_line(build);
	if (build->depth >= SC_RICHTEXT_DEPTH_MAX / 2)
		return false;
	open_node(build, type);
	if (order != 1)
	{
		sc_json_open_object(&build->json, "attrs");
		sc_json_number(&build->json, "order", order);
		sc_json_close_object(&build->json);
	}
	sc_json_open_array(&build->json, "content");
	build->depth++;
	return true;
}

void
sc_richtext_close(ScRichBuild *build)
{
	sc_richtext_end_line(build);
	if (build->depth == 0)
		return;
	sc_json_close_array(&build->json);
	sc_json_close_object(&build->json);
	build->depth--;
}

void
sc_richtext_open_heading(ScRichBuild *build, int level)
{
	sc_richtext_end_line(build);
	open_node(build, "heading");
	sc_json_open_object(&build->json, "attrs");
	sc_json_number(&build->json, "level", level);
	sc_json_close_object(&build->json);
	open_line(build, NULL);
}

void
sc_richtext_open_code(ScRichBuild *build, const char *language)
{
	sc_richtext_end_line(build);
	open_node(build, "codeBlock");
	if (language != NULL && language[0] != '\0')
	{
		sc_json_open_object(&build->json, "attrs");
		sc_json_text(&build->json, "language", language);
		sc_json_close_object(&build->json);
	}
	open_line(build, NULL);
	build->in_code = true;
}

void
sc_richtext_end_line(ScRichBuild *build)
{
	if (!build->in_line)
		return;
	/* The last line end of code belongs to what closes it. */
	if (build->in_code && build->pending.len > 0 &&
		build->pending.data[build->pending.len - 1] == '\n')
		build->pending.data[--build->pending.len] = '\0';
	flush(build);
	sc_json_close_array(&build->json);
	sc_json_close_object(&build->json);
	build->in_line = false;
	build->in_code = false;
}

void
sc_richtext_words(ScRichBuild *build, const char *string, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) string[i];
		bool unbreakable = c == 0xC2 && i + 1 < len && (unsigned char) string[i + 1] == 0xA0;

		if (isspace(c) || unbreakable)
		{
			build->space = build->in_line && !build->fresh;
			i += unbreakable;
			continue;
		}
		if (!has_room(build, 2))
			return;
		begin_text(build);
		if (build->space && !build->fresh)
			appendStringInfoChar(&build->pending, ' ');
		appendStringInfoChar(&build->pending, (char) c);
		build->space = false;
		build->fresh = false;
	}
}

void
sc_richtext_raw(ScRichBuild *build, const char *string, size_t len)
{
	if (len == 0 || !has_room(build, len))
		return;
	begin_text(build);
	if (build->space && !build->fresh)
		appendStringInfoChar(&build->pending, ' ');
	appendBinaryStringInfo(&build->pending, string, (int) len);
	build->space = false;
	build->fresh = false;
}

void
sc_richtext_break(ScRichBuild *build)
{
	if (build->in_code)
	{
		sc_richtext_raw(build, "\n", 1);
		return;
	}
	begin_text(build);
	flush(build);
	open_node(build, "hardBreak");
	sc_json_close_object(&build->json);
	build->fresh = true;
	build->space = false;
}

void
sc_richtext_rule(ScRichBuild *build)
{
	sc_richtext_end_line(build);
	open_node(build, "rule");
	sc_json_close_object(&build->json);
}

/* What is read before and after it stands in the same line. */
void
sc_richtext_mention(ScRichBuild *build, const char *id)
{
	if (id[0] == '\0' || !has_room(build, strlen(id)))
		return;
	begin_text(build);
	if (build->space && !build->fresh)
		appendStringInfoChar(&build->pending, ' ');
	flush(build);
	open_node(build, "mention");
	sc_json_open_object(&build->json, "attrs");
	sc_json_text(&build->json, "id", id);
	sc_json_close_object(&build->json);
	sc_json_close_object(&build->json);
	build->space = false;
	build->fresh = false;
}

Jsonb *
sc_richtext_finish(ScRichBuild *build)
{
	while (build->depth > 0)
		sc_richtext_close(build);
	sc_richtext_end_line(build);
	sc_json_close_array(&build->json);
	return sc_json_end(&build->json);
}

static void
open_node(ScRichBuild *build, const char *type)
{
	sc_json_open_object(&build->json, NULL);
	sc_json_text(&build->json, "type", type);
}

/* type NULL: the node is open already. */
static void
open_line(ScRichBuild *build, const char *type)
{
	if (type != NULL)
		open_node(build, type);
	sc_json_open_array(&build->json, "content");
	build->in_line = true;
	build->fresh = true;
	build->space = false;
}

/* A place for text: in a paragraph at least, behind what has other marks. */
static void
begin_text(ScRichBuild *build)
{
	int marks = build->in_code ? 0 : build->marks;
	const char *href = build->in_code ? NULL : build->href;

	if (!build->in_line)
		open_line(build, "paragraph");
	if (build->pending_marks != marks || build->pending_href != href)
		flush(build);
	build->pending_marks = marks;
	build->pending_href = href;
}

/* What is beyond the limit is left out, and shows as "...". */
static bool
has_room(ScRichBuild *build, size_t len)
{
	if (build->full)
		return false;
	build->length += len;
	build->full = build->length > 2 * SC_RICHTEXT_LENGTH_MAX;
	if (build->full)
	{
		begin_text(build);
		appendStringInfoString(&build->pending, ELLIPSIS);
	}
	return !build->full;
}

static void
flush(ScRichBuild *build)
{
	sc_richtext_put_text(&build->json, build->pending.data, build->pending.len,
						 build->pending_marks, build->pending_href);
	resetStringInfo(&build->pending);
}
