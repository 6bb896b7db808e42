/*
 * richtext_render.c
 *	  Documents as HTML and as wiki markup.
 *
 * What is rendered was made by sc_richtext_to_adf, so the nodes are those that
 * it writes, and its depth is bounded.  All text is escaped: a text can neither
 * leave its element in HTML nor become a macro or a link in wiki markup.
 */
#include "postgres.h"

#include <ctype.h>

#include "core/richtext_private.h"

#define SIGNS_MAX 16 /* lists in lists */
#define BACKSLASH "&#92;"

typedef struct Render
{
	StringInfoData out;
	bool html;
	char signs[SIGNS_MAX + 1]; /* of the lists that are open, in wiki markup */
} Render;

static char *render(Jsonb *document, bool html);
static void render_blocks(Render *run, JsonbContainer *content);
static void render_block(Render *run, JsonbContainer *node, const char *type);
static void render_heading(Render *run, JsonbContainer *node);
static void render_code(Render *run, JsonbContainer *node);
static void put_code_macro(Render *run, const char *code, const char *language);
static void render_quote(Render *run, JsonbContainer *node);
static void render_list(Render *run, JsonbContainer *node, bool ordered);
static void render_item(Render *run, JsonbContainer *item, int number);
static void render_line(Render *run, JsonbContainer *content);
static void render_text(Render *run, JsonbContainer *node);
static JsonbContainer *child_at(JsonbContainer *content, uint32 at, char **type);
static void put_html(StringInfo out, const char *string);
static void put_wiki(StringInfo out, const char *string);
static bool is_sign(const char *string, const char *at);
static void end_block(Render *run);

char *
sc_richtext_write_html(Jsonb *document)
{
	return render(document, true);
}

char *
sc_richtext_write_wiki(Jsonb *document)
{
	return render(document, false);
}

static char *
render(Jsonb *document, bool html)
{
	Render run = { .html = html };

	initStringInfo(&run.out);
	render_blocks(&run, sc_richtext_inner(&document->root, "content"));
	while (run.out.len > 0 && isspace((unsigned char) run.out.data[run.out.len - 1]))
		run.out.data[--run.out.len] = '\0';
	return run.out.data;
}

static void
render_blocks(Render *run, JsonbContainer *content)
{
	char *type;

	for (uint32 i = 0; content != NULL && i < JsonContainerSize(content); i++)
	{
		JsonbContainer *node = child_at(content, i, &type);

		if (node != NULL && type != NULL)
			render_block(run, node, type);
	}
}

static void
render_block(Render *run, JsonbContainer *node, const char *type)
{
	JsonbContainer *content = sc_richtext_inner(node, "content");

	if (strcmp(type, "heading") == 0)
		render_heading(run, node);
	else if (strcmp(type, "codeBlock") == 0)
		render_code(run, node);
	else if (strcmp(type, "blockquote") == 0)
		render_quote(run, node);
	else if (strcmp(type, "bulletList") == 0 || strcmp(type, "orderedList") == 0)
		render_list(run, node, strcmp(type, "orderedList") == 0);
	else if (strcmp(type, "rule") == 0)
	{
		appendStringInfoString(&run->out, run->html ? "<hr>" : "----");
		end_block(run);
	}
	else if (content != NULL && JsonContainerSize(content) > 0)
	{
		appendStringInfoString(&run->out, run->html ? "<p>" : "");
		render_line(run, content);
		appendStringInfoString(&run->out, run->html ? "</p>" : "");
		end_block(run);
	}
}

static void
render_heading(Render *run, JsonbContainer *node)
{
	char *level = sc_richtext_attribute(node, "level");

	appendStringInfo(&run->out, run->html ? "<h%s>" : "h%s. ", level);
	render_line(run, sc_richtext_inner(node, "content"));
	if (run->html)
		appendStringInfo(&run->out, "</h%s>", level);
	end_block(run);
}

static void
render_code(Render *run, JsonbContainer *node)
{
	char *language = sc_richtext_attribute(node, "language");
	JsonbContainer *content = sc_richtext_inner(node, "content");
	char *type;
	JsonbContainer *words = content == NULL ? NULL : child_at(content, 0, &type);
	char *code = words == NULL ? NULL : sc_richtext_member(words, "text");

	if (run->html)
	{
		appendStringInfoString(&run->out, "<pre><code");
		if (language != NULL)
		{
			appendStringInfoString(&run->out, " class=\"language-");
			put_html(&run->out, language);
			appendStringInfoChar(&run->out, '"');
		}
		appendStringInfoChar(&run->out, '>');
		put_html(&run->out, code == NULL ? "" : code);
		appendStringInfoString(&run->out, "\n</code></pre>");
		end_block(run);
		return;
	}
	put_code_macro(run, code == NULL ? "" : code, language);
	end_block(run);
}

/* Code that speaks of one macro is put into the other; of code that speaks of both, the macro is broken by a space. */
static void
put_code_macro(Render *run, const char *code, const char *language)
{
	const char *name = strstr(code, "{code}") == NULL ? "{code}" : "{noformat}";

	if (name[1] == 'c' && language != NULL && strpbrk(language, "{}|=:") == NULL)
		appendStringInfo(&run->out, "{code:%s}\n", language);
	else
		appendStringInfo(&run->out, "%s\n", name);
	for (const char *at = code; *at != '\0'; at++)
	{
		appendStringInfoChar(&run->out, *at);
		if (strncmp(at, name, strlen(name)) == 0)
			appendStringInfoChar(&run->out, ' ');
	}
	appendStringInfo(&run->out, "\n%s", name);
}

static void
render_quote(Render *run, JsonbContainer *node)
{
	appendStringInfoString(&run->out, run->html ? "<blockquote>" : "{quote}\n");
	render_blocks(run, sc_richtext_inner(node, "content"));
	while (run->out.len > 0 && run->out.data[run->out.len - 1] == '\n')
		run->out.data[--run->out.len] = '\0';
	appendStringInfoString(&run->out, run->html ? "</blockquote>" : "\n{quote}");
	end_block(run);
}

static void
render_list(Render *run, JsonbContainer *node, bool ordered)
{
	JsonbContainer *content = sc_richtext_inner(node, "content");
	size_t depth = strlen(run->signs);
	char *start = sc_richtext_attribute(node, "order");
	char *type;

	if (run->html && start != NULL)
		appendStringInfo(&run->out, "<ol start=\"%s\">", start);
	else if (run->html)
		appendStringInfoString(&run->out, ordered ? "<ol>" : "<ul>");
	/* there a list always starts with 1: other numbers are text */
	bool counted = ordered && (run->html || start == NULL);
	int number = sc_richtext_first_number(start);
	if (depth < SIGNS_MAX)
		run->signs[depth] = counted ? '#' : '*';
	for (uint32 i = 0; content != NULL && i < JsonContainerSize(content); i++)
	{
		JsonbContainer *item = child_at(content, i, &type);

		if (item != NULL)
			render_item(run, item, ordered && !counted ? number++ : -1);
	}
	if (depth < SIGNS_MAX)
		run->signs[depth] = '\0';
	if (run->html)
		appendStringInfoString(&run->out, ordered ? "</ol>" : "</ul>");
	while (depth == 0 && run->out.data[run->out.len - 1] == '\n')
		run->out.data[--run->out.len] = '\0';
	if (depth == 0)
		end_block(run);
}

/* A paragraph that starts an item needs no element of its own; what follows it stays in the item.  A number that is not -1 is text. */
static void
render_item(Render *run, JsonbContainer *item, int number)
{
	JsonbContainer *content = sc_richtext_inner(item, "content");
	char *type;

	appendStringInfoString(&run->out, run->html ? "<li>" : run->signs);
	appendStringInfoString(&run->out, run->html ? "" : " ");
	if (number >= 0)
		appendStringInfo(&run->out, "%d. ", number);
	for (uint32 i = 0; content != NULL && i < JsonContainerSize(content); i++)
	{
		JsonbContainer *child = child_at(content, i, &type);

		if (child == NULL || type == NULL)
			continue;
		if (strcmp(type, "paragraph") != 0 || (run->html && i > 0))
		{
			if (!run->html && i > 0 && run->out.data[run->out.len - 1] != '\n')
				appendStringInfoChar(&run->out, '\n');
			render_block(run, child, type);
			continue;
		}
		appendStringInfoString(&run->out, i > 0 ? "\\\\\n" : "");
		render_line(run, sc_richtext_inner(child, "content"));
	}
	if (run->html)
		appendStringInfoString(&run->out, "</li>");
	else if (run->out.data[run->out.len - 1] != '\n')
		appendStringInfoChar(&run->out, '\n');
}

static void
render_line(Render *run, JsonbContainer *content)
{
	char *type;

	for (uint32 i = 0; content != NULL && i < JsonContainerSize(content); i++)
	{
		JsonbContainer *node = child_at(content, i, &type);

		if (node == NULL || type == NULL)
			continue;
		if (strcmp(type, "hardBreak") == 0)
			appendStringInfoString(&run->out, run->html ? "<br>" : "\n");
		else
			render_text(run, node);
	}
}

/* Marks open in one order and close in the other; in wiki markup code has no marks inside. */
static void
render_text(Render *run, JsonbContainer *node)
{
	static const struct
	{
		const char *type;
		const char *open;
		const char *close;
		const char *sign;
	} marks[] = { { "strong", "<strong>", "</strong>", "*" },
				  { "em", "<em>", "</em>", "_" },
				  { "strike", "<s>", "</s>", "-" } };
	char *words = sc_richtext_member(node, "text");
	JsonbContainer *mark;
	bool code = sc_richtext_mark(node, "code", &mark);
	char *href = sc_richtext_mark(node, "link", &mark) ? sc_richtext_attribute(mark, "href") : NULL;
	bool bare = href != NULL && words != NULL && strcmp(href, words) == 0 &&
				strpbrk(href, "{}[]|\\ ") == NULL;

	if (words == NULL)
		return;
	for (int i = 0; i < lengthof(marks); i++)
		if (sc_richtext_mark(node, marks[i].type, &mark))
			appendStringInfoString(&run->out, run->html ? marks[i].open : marks[i].sign);
	if (run->html)
	{
		if (href != NULL)
		{
			appendStringInfoString(&run->out, "<a href=\"");
			put_html(&run->out, href);
			appendStringInfoString(&run->out, "\">");
		}
		appendStringInfoString(&run->out, code ? "<code>" : "");
		put_html(&run->out, words);
		appendStringInfoString(&run->out, code ? "</code>" : "");
		appendStringInfoString(&run->out, href != NULL ? "</a>" : "");
	}
	else if (bare)
		appendStringInfoString(&run->out, words);
	else if (code && strstr(words, "}}") == NULL)
		appendStringInfo(&run->out, "{{%s}}", words);
	else
	{
		appendStringInfoString(&run->out, href == NULL ? "" : "[");
		put_wiki(&run->out, words);
		if (href != NULL)
			appendStringInfo(&run->out, "|%s]", sc_richtext_address(href));
	}
	for (int i = lengthof(marks) - 1; i >= 0; i--)
		if (sc_richtext_mark(node, marks[i].type, &mark))
			appendStringInfoString(&run->out, run->html ? marks[i].close : marks[i].sign);
}

/* An object among the content; *type may be NULL. */
static JsonbContainer *
child_at(JsonbContainer *content, uint32 at, char **type)
{
	JsonbValue *value = getIthJsonbValueFromContainer(content, at);

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		return NULL;
	*type = sc_richtext_member(value->val.binary.data, "type");
	return value->val.binary.data;
}

static void
put_html(StringInfo out, const char *string)
{
	for (; *string != '\0'; string++)
	{
		switch (*string)
		{
			case '&':
				appendStringInfoString(out, "&amp;");
				break;
			case '<':
				appendStringInfoString(out, "&lt;");
				break;
			case '>':
				appendStringInfoString(out, "&gt;");
				break;
			case '"':
				appendStringInfoString(out, "&quot;");
				break;
			default:
				appendStringInfoChar(out, *string);
		}
	}
}

/* Signs that would mean something there are escaped, others are left as people write them. */
static void
put_wiki(StringInfo out, const char *string)
{
	for (const char *at = string; *at != '\0'; at++)
	{
		/* Two of them are a line break there, and what follows it is no sign. */
		if (*at == '\\' && (at[1] == '\0' || ispunct((unsigned char) at[1])))
		{
			appendStringInfoString(out, BACKSLASH);
			continue;
		}
		if (strchr("{}[]|", *at) != NULL || (strchr("*_-!", *at) != NULL && is_sign(string, at)))
			appendStringInfoChar(out, '\\');
		appendStringInfoChar(out, *at);
	}
}

char *
sc_richtext_address(const char *href)
{
	StringInfoData out;

	initStringInfo(&out);
	for (const char *at = href; *at != '\0'; at++)
	{
		if (strchr("{}[]()|\\", *at) != NULL || (unsigned char) *at <= ' ')
			appendStringInfo(&out, "%%%02X", (unsigned char) *at);
		else
			appendStringInfoChar(&out, *at);
	}
	return out.data;
}

/* A sign counts where it touches a word on one side only, or starts a line of its own kind. */
static bool
is_sign(const char *string, const char *at)
{
	bool before =
		at > string && (isalnum((unsigned char) at[-1]) || (unsigned char) at[-1] >= 0x80);
	bool after = at[1] != '\0' && !isspace((unsigned char) at[1]);

	return (!before && after) || at == string;
}

static void
end_block(Render *run)
{
	appendStringInfoString(&run->out, run->html ? "\n" : "\n\n");
}
