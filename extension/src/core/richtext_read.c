/*
 * richtext_read.c
 *	  Atlassian documents (ADF) to text with Markdown marks.
 *
 * A document comes from outside: any node may be missing, of another type or
 * nested without end.  What is not understood is descended into; what lies
 * deeper than SC_RICHTEXT_DEPTH_MAX or beyond SC_RICHTEXT_LENGTH_MAX is left
 * out, and "..." stands in its place.
 */
#include "postgres.h"

#include <ctype.h>

#include "lib/stringinfo.h"
#include "utils/numeric.h"

#include "core/map.h"
#include "core/mention.h"
#include "core/richtext_private.h"

#define ELLIPSIS "..."

typedef struct Mark /* how a mark is written around its text */
{
	const char *type;
	const char *sign;
} Mark;

static const Mark marks[] = {
	{ "code", "`" },
	{ "em", "*" },
	{ "strong", "**" },
	{ "strike", "~~" },
};

static void read_blocks(StringInfo buf, JsonbContainer *content, int depth);
static void read_block(StringInfo buf, JsonbContainer *node, int depth);
static void read_inlines(StringInfo buf, JsonbContainer *content, int depth);
static void read_inline(StringInfo buf, JsonbContainer *node, int depth);
static void read_text(StringInfo buf, JsonbContainer *node);
static void read_list(StringInfo buf, JsonbContainer *node, const char *type, int depth);
static void read_code(StringInfo buf, JsonbContainer *node);
static void read_row(StringInfo buf, JsonbContainer *node, int depth);
static void read_date(StringInfo buf, JsonbContainer *node);
static void append_indented(StringInfo buf, const char *string, const char *first,
							const char *rest);
static bool too_much(StringInfo buf, int depth);
static bool is_inline(const char *type);

bool
sc_richtext_is_adf(Jsonb *json)
{
	if (!JB_ROOT_IS_OBJECT(json))
		return false;
	char *type = sc_richtext_member(&json->root, "type");
	return type != NULL && strcmp(type, "doc") == 0;
}

char *
sc_richtext_from_adf(Jsonb *document)
{
	return sc_mention_names(sc_richtext_from_adf_mentions(document));
}

char *
sc_richtext_from_adf_mentions(Jsonb *document)
{
	StringInfoData buf;
	initStringInfo(&buf);
	if (!sc_richtext_is_adf(document))
		return buf.data;
	read_blocks(&buf, sc_richtext_inner(&document->root, "content"), 0);
	while (buf.len > 0 && isspace((unsigned char) buf.data[buf.len - 1]))
		buf.data[--buf.len] = '\0';
	return buf.data;
}

/* Blocks, an empty line between each two. */
static void
read_blocks(StringInfo buf, JsonbContainer *content, int depth)
{
	if (content == NULL || !JsonContainerIsArray(content))
		return;
	bool first = true;
	bool after_numbers = false;
	for (uint32 i = 0; i < JsonContainerSize(content); i++)
	{
		JsonbValue *child = getIthJsonbValueFromContainer(content, i);
		if (child->type != jbvBinary || !JsonContainerIsObject(child->val.binary.data))
			continue;
		if (too_much(buf, depth))
		{
			appendStringInfoString(buf, ELLIPSIS);
			return;
		}
		StringInfoData block;
		initStringInfo(&block);
		read_block(&block, child->val.binary.data, depth + 1);
		while (block.len > 0 && isspace((unsigned char) block.data[block.len - 1]))
			block.data[--block.len] = '\0';
		if (block.len > 0)
		{
			char *type = sc_richtext_member(child->val.binary.data, "type");
			bool numbers = type != NULL && strcmp(type, "orderedList") == 0;
			/* two lists of numbers would be read as one */
			bool close =
				type != NULL &&
				((strstr(type, "List") != NULL && depth > 0 && !(numbers && after_numbers)) ||
				 strcmp(type, "tableRow") == 0);
			after_numbers = numbers;
			if (!first)
				appendStringInfoString(buf, close ? "\n" : "\n\n");
			appendBinaryStringInfo(buf, block.data, block.len);
			first = false;
		}
		pfree(block.data);
	}
}

static void
read_block(StringInfo buf, JsonbContainer *node, int depth)
{
	char *type = sc_richtext_member(node, "type");
	JsonbContainer *content = sc_richtext_inner(node, "content");
	if (type == NULL)
		return;
	if (strcmp(type, "heading") == 0)
	{
		char *level = sc_richtext_attribute(node, "level");
		int signs = level == NULL ? 1 : atoi(level);
		StringInfoData line;
		initStringInfo(&line);
		read_inlines(&line, content, depth);
		if (line.len > 0)
			appendStringInfo(buf, "%.*s %s", Min(Max(signs, 1), 6), "######", line.data);
	}
	else if (strcmp(type, "bulletList") == 0 || strcmp(type, "orderedList") == 0 ||
			 strcmp(type, "taskList") == 0 || strcmp(type, "decisionList") == 0)
		read_list(buf, node, type, depth);
	else if (strcmp(type, "codeBlock") == 0)
		read_code(buf, node);
	else if (strcmp(type, "rule") == 0)
		appendStringInfoString(buf, "---");
	else if (strcmp(type, "tableRow") == 0)
		read_row(buf, node, depth);
	else if (strcmp(type, "media") == 0)
	{
		char *alt = sc_richtext_attribute(node, "alt");
		appendStringInfo(buf, "[%s]", alt == NULL ? "attachment" : alt);
	}
	else if (strcmp(type, "blockquote") == 0)
	{
		StringInfoData quoted;
		initStringInfo(&quoted);
		read_blocks(&quoted, content, depth);
		append_indented(buf, quoted.data, "> ", "> ");
	}
	else if (strcmp(type, "paragraph") == 0)
		read_inlines(buf, content, depth);
	else if (is_inline(type))
		read_inline(buf, node, depth);
	else
		read_blocks(buf, content, depth);
}

static void
read_inlines(StringInfo buf, JsonbContainer *content, int depth)
{
	if (content == NULL || !JsonContainerIsArray(content))
		return;
	for (uint32 i = 0; i < JsonContainerSize(content); i++)
	{
		JsonbValue *child = getIthJsonbValueFromContainer(content, i);
		if (child->type != jbvBinary || !JsonContainerIsObject(child->val.binary.data))
			continue;
		if (too_much(buf, depth))
		{
			appendStringInfoString(buf, ELLIPSIS);
			return;
		}
		read_inline(buf, child->val.binary.data, depth + 1);
	}
}

static void
read_inline(StringInfo buf, JsonbContainer *node, int depth)
{
	char *type = sc_richtext_member(node, "type");
	char *label = sc_richtext_attribute(node, "text");
	if (type == NULL)
		return;
	if (strcmp(type, "text") == 0)
		read_text(buf, node);
	else if (strcmp(type, "hardBreak") == 0)
		appendStringInfoChar(buf, '\n');
	else if (strcmp(type, "mention") == 0)
		sc_mention_put(buf, sc_richtext_attribute(node, "id"), label);
	else if (strcmp(type, "emoji") == 0)
	{
		char *name = label == NULL ? sc_richtext_attribute(node, "shortName") : label;
		appendStringInfoString(buf, name == NULL ? "" : name);
	}
	else if (strcmp(type, "inlineCard") == 0 || strcmp(type, "blockCard") == 0 ||
			 strcmp(type, "embedCard") == 0)
	{
		char *url = sc_richtext_attribute(node, "url");
		appendStringInfoString(buf, url == NULL ? "" : url);
	}
	else if (strcmp(type, "date") == 0)
		read_date(buf, node);
	else if (label != NULL)
		appendStringInfoString(buf, label);
	else
		read_inlines(buf, sc_richtext_inner(node, "content"), depth);
}

/* A text node between its marks; white space at its ends stays outside them. */
static void
read_text(StringInfo buf, JsonbContainer *node)
{
	char *words = sc_richtext_member(node, "text");
	if (words == NULL || words[0] == '\0')
		return;
	size_t len = strlen(words);
	size_t start = 0;
	while (start < len && isspace((unsigned char) words[start]))
		start++;
	size_t end = len;
	while (end > start && isspace((unsigned char) words[end - 1]))
		end--;
	if (start == end)
	{
		appendStringInfoString(buf, words);
		return;
	}
	JsonbContainer *mark;
	char *href = sc_richtext_mark(node, "link", &mark) ? sc_richtext_attribute(mark, "href") : NULL;
	if (href != NULL && strlen(href) == end - start &&
		strncmp(href, words + start, end - start) == 0)
		href = NULL;
	appendBinaryStringInfo(buf, words, start);
	if (href != NULL)
		appendStringInfoChar(buf, '[');
	for (int i = lengthof(marks) - 1; i >= 0; i--)
		appendStringInfoString(buf,
							   sc_richtext_mark(node, marks[i].type, &mark) ? marks[i].sign : "");
	appendBinaryStringInfo(buf, words + start, end - start);
	for (int i = 0; i < lengthof(marks); i++)
		appendStringInfoString(buf,
							   sc_richtext_mark(node, marks[i].type, &mark) ? marks[i].sign : "");
	if (href != NULL)
		appendStringInfo(buf, "](%s)", href);
	appendBinaryStringInfo(buf, words + end, len - end);
}

/* Items with their sign, what follows the first line indented below it. */
static void
read_list(StringInfo buf, JsonbContainer *node, const char *type, int depth)
{
	JsonbContainer *content = sc_richtext_inner(node, "content");
	int number = sc_richtext_first_number(sc_richtext_attribute(node, "order"));
	bool first = true;
	if (content == NULL || !JsonContainerIsArray(content))
		return;
	for (uint32 i = 0; i < JsonContainerSize(content); i++)
	{
		JsonbValue *child = getIthJsonbValueFromContainer(content, i);
		if (child->type != jbvBinary || !JsonContainerIsObject(child->val.binary.data))
			continue;
		if (too_much(buf, depth))
		{
			appendStringInfoString(buf, ELLIPSIS);
			return;
		}
		StringInfoData item;
		initStringInfo(&item);
		char *item_type = sc_richtext_member(child->val.binary.data, "type");
		if (item_type != NULL &&
			(strcmp(item_type, "taskItem") == 0 || strcmp(item_type, "decisionItem") == 0))
			read_inlines(&item, sc_richtext_inner(child->val.binary.data, "content"), depth + 1);
		else
			read_block(&item, child->val.binary.data, depth + 1);
		char *state = sc_richtext_attribute(child->val.binary.data, "state");
		char sign[32] = "- ";
		if (strcmp(type, "orderedList") == 0)
			snprintf(sign, sizeof(sign), "%d. ", number++);
		else if (strcmp(type, "taskList") == 0)
			snprintf(sign, sizeof(sign), "- [%c] ",
					 state != NULL && strcmp(state, "DONE") == 0 ? 'x' : ' ');
		if (!first)
			appendStringInfoChar(buf, '\n');
		char below[32];
		size_t width = strcmp(type, "orderedList") == 0 ? strlen(sign) : 2;
		memset(below, ' ', width);
		below[width] = '\0';
		append_indented(buf, item.data, sign, below);
		first = false;
		pfree(item.data);
	}
}

int
sc_richtext_first_number(const char *said)
{
	size_t digits = said == NULL ? 0 : strspn(said, "0123456789");
	return digits > 0 && digits <= 6 && said[digits] == '\0' ? atoi(said) : 1;
}

/* A fence that the code itself does not contain. */
static void
read_code(StringInfo buf, JsonbContainer *node)
{
	StringInfoData code;
	initStringInfo(&code);
	JsonbContainer *content = sc_richtext_inner(node, "content");
	for (uint32 i = 0;
		 content != NULL && JsonContainerIsArray(content) && i < JsonContainerSize(content); i++)
	{
		JsonbValue *child = getIthJsonbValueFromContainer(content, i);
		if (child->type != jbvBinary || too_much(&code, 0))
			continue;
		char *words = sc_richtext_member(child->val.binary.data, "text");
		appendStringInfoString(&code, words == NULL ? "" : words);
	}
	char *language = sc_richtext_attribute(node, "language");
	char fence[16] = "```";
	while (strstr(code.data, fence) != NULL && strlen(fence) < sizeof(fence) - 1)
		strcat(fence, "`");
	appendStringInfo(buf, "%s%s\n%s%s%s", fence, language == NULL ? "" : language, code.data,
					 code.len > 0 ? "\n" : "", fence);
}

static void
read_row(StringInfo buf, JsonbContainer *node, int depth)
{
	JsonbContainer *content = sc_richtext_inner(node, "content");
	appendStringInfoChar(buf, '|');
	for (uint32 i = 0;
		 content != NULL && JsonContainerIsArray(content) && i < JsonContainerSize(content); i++)
	{
		JsonbValue *cell = getIthJsonbValueFromContainer(content, i);
		StringInfoData words;
		initStringInfo(&words);
		if (cell->type == jbvBinary && JsonContainerIsObject(cell->val.binary.data))
			read_blocks(&words, sc_richtext_inner(cell->val.binary.data, "content"), depth);
		for (char *at = words.data; *at != '\0'; at++)
			*at = *at == '\n' ? ' ' : *at;
		appendStringInfo(buf, " %s |", words.data);
		pfree(words.data);
	}
}

/* attrs.timestamp counts milliseconds. */
static void
read_date(StringInfo buf, JsonbContainer *node)
{
	char *stamp = sc_richtext_attribute(node, "timestamp");
	TimestampTz at;
	if (stamp != NULL && sc_map_parse_time(stamp, "epoch_ms", &at))
		appendStringInfoString(buf, sc_map_format_time(at, "date"));
}

/* The first line after first, the others after rest; empty lines stay empty. */
static void
append_indented(StringInfo buf, const char *string, const char *first, const char *rest)
{
	bool is_first = true;
	const char *at = string;
	for (;;)
	{
		size_t len = strcspn(at, "\n");
		if (len > 0 || is_first)
			appendStringInfoString(buf, is_first ? first : rest);
		else if (rest[0] != ' ')
			appendStringInfoChar(buf, rest[0]);
		appendBinaryStringInfo(buf, at, len);
		if (at[len] == '\0')
			return;
		appendStringInfoChar(buf, '\n');
		at += len + 1;
		is_first = false;
	}
}

bool
sc_richtext_mark(JsonbContainer *node, const char *type, JsonbContainer **mark)
{
	JsonbContainer *all = sc_richtext_inner(node, "marks");
	if (all == NULL || !JsonContainerIsArray(all))
		return false;
	for (uint32 i = 0; i < Min(JsonContainerSize(all), 16); i++)
	{
		JsonbValue *one = getIthJsonbValueFromContainer(all, i);
		if (one->type != jbvBinary || !JsonContainerIsObject(one->val.binary.data))
			continue;
		char *name = sc_richtext_member(one->val.binary.data, "type");
		if (name != NULL && strcmp(name, type) == 0)
		{
			*mark = one->val.binary.data;
			return true;
		}
	}
	return false;
}

static bool
too_much(StringInfo buf, int depth)
{
	return depth >= SC_RICHTEXT_DEPTH_MAX || buf->len > SC_RICHTEXT_LENGTH_MAX;
}

static bool
is_inline(const char *type)
{
	static const char *const types[] = { "text",	  "hardBreak", "mention", "emoji", "inlineCard",
										 "blockCard", "embedCard", "date",	  "status" };
	for (int i = 0; i < lengthof(types); i++)
	{
		if (strcmp(types[i], type) == 0)
			return true;
	}
	return false;
}

/* A string or number member as text; NULL otherwise. */
char *
sc_richtext_member(JsonbContainer *node, const char *key)
{
	JsonbValue value;
	if (!JsonContainerIsObject(node) ||
		getKeyJsonValueFromContainer(node, key, (int) strlen(key), &value) == NULL)
		return NULL;
	if (value.type == jbvString)
		return sc_mention_clean(pnstrdup(value.val.string.val, value.val.string.len));
	if (value.type == jbvNumeric)
		return numeric_normalize(value.val.numeric);
	return NULL;
}

JsonbContainer *
sc_richtext_inner(JsonbContainer *node, const char *key)
{
	JsonbValue value;
	if (!JsonContainerIsObject(node) ||
		getKeyJsonValueFromContainer(node, key, (int) strlen(key), &value) == NULL)
		return NULL;
	return value.type == jbvBinary ? value.val.binary.data : NULL;
}

char *
sc_richtext_attribute(JsonbContainer *node, const char *key)
{
	JsonbContainer *attributes = sc_richtext_inner(node, "attrs");
	return attributes == NULL ? NULL : sc_richtext_member(attributes, key);
}
