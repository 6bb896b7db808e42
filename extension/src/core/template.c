/*
 * template.c
 *	  URI Template (RFC 6570, levels 1-4) and body templates over the same
 *	  variables.
 *
 * Templates are configuration: they are checked when they are written.  What
 * the context holds comes from outside and is only ever data: in a URL it is
 * percent-encoded, in a body it becomes a JSON value.
 */
#include "postgres.h"

#include <ctype.h>

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "core/pointer.h"
#include "core/scalar.h"
#include "core/template.h"
#include "core/value.h"

#define SC_TEMPLATE_PREFIX_MAX 9999

typedef struct Operator /* a row of the table in RFC 6570, appendix A */
{
	char sign;			  /* 0 = simple expansion */
	const char *first;	  /* put before the first value */
	char separator;		  /* between values */
	bool named;			  /* name=value */
	const char *if_empty; /* after the name of an empty value */
	bool reserved;		  /* reserved characters stand */
} Operator;

static const Operator operators[] = {
	{ 0, "", ',', false, "", false },	 { '+', "", ',', false, "", true },
	{ '#', "#", ',', false, "", true },	 { '.', ".", '.', false, "", false },
	{ '/', "/", '/', false, "", false }, { ';', ";", ';', true, "", false },
	{ '?', "?", '&', true, "=", false }, { '&', "&", '&', true, "=", false },
};

typedef struct Variable /* one varspec of an expression */
{
	char *name;
	bool explode;
	int prefix; /* 0 = none */
} Variable;

static const char *parse_expression(const char *at, const Operator **operator, const char ** specs);
static const char *parse_variable(const char *at, Variable *variable, const char **reason);
static const char *check_expression(const char *specs);
static void expand_expression(StringInfo buf, const Operator *operator, const char * specs,
							  Jsonb *context);
static bool expand_variable(StringInfo buf, const Operator *operator, const Variable * variable,
							Jsonb *context, bool first);
static bool expand_container(StringInfo buf, const Operator *operator, const Variable * variable,
							 Jsonb *value, bool first);
static void append_name(StringInfo buf, const Operator *operator, const char * name,
						const char *string);
static void append_encoded(StringInfo buf, const char *string, bool reserved, int prefix);
static Jsonb *look_up(const char *name, size_t len, Jsonb *context);
static char *value_text(JsonbValue *value);
static size_t body_variable(const char *string, size_t len);
static void append_text(StringInfo buf, const char *string, size_t len, Jsonb *context);
static JsonbValue *push_expanded(JsonbParseState **state, JsonbContainer *container,
								 Jsonb *context);
static bool expand_member(JsonbParseState **state, JsonbIteratorToken token, JsonbValue *key,
						  JsonbValue *value, Jsonb *context);
static bool expand_string(JsonbValue *value, Jsonb *context);
static bool climbs(const char *uri);
static void append_form(StringInfo buf, const char *string);

/* NULL when the text is a well-formed URI Template, else why not (static text). */
const char *
sc_template_check(const char *uri_template)
{
	if (strlen(uri_template) > SC_TEMPLATE_LENGTH_MAX)
		return "A template has at most 8192 bytes.";
	for (const char *at = uri_template; *at != '\0'; at++)
	{
		if ((unsigned char) *at <= ' ' || *at == 0x7f)
			return "A template has no spaces and no control characters.";
		if (*at == '}')
			return "A \"}\" closes no \"{\".";
		if (*at != '{')
			continue;
		const Operator *operator;
		const char *specs;
		const char *end = parse_expression(at, &operator, & specs);
		if (end == NULL)
			return "A \"{\" is not closed by \"}\".";
		if (operator== NULL)
			return "The operators \"=\", \",\", \"!\", \"@\" and \"|\" are reserved.";
		const char *reason = check_expression(specs);
		if (reason != NULL)
			return reason;
		at = end - 1;
	}
	return NULL;
}

/*
 * The URI that the template stands for.  NULL when what was put in makes a
 * path that climbs: a record may call itself "..", but names no other place.
 */
char *
sc_template_expand_uri(const char *uri_template, Jsonb *context)
{
	StringInfoData buf;
	initStringInfo(&buf);
	const char *at = uri_template;
	while (*at != '\0')
	{
		const Operator *operator;
		const char *specs;
		const char *end = *at == '{' ? parse_expression(at, &operator, & specs) : NULL;
		if (end != NULL && operator!= NULL && check_expression(specs) == NULL)
		{
			expand_expression(&buf, operator, specs, context);
			at = end;
			continue;
		}
		const char *next = at + 1;
		while (*next != '\0' && *next != '{')
			next++;
		append_encoded(&buf, pnstrdup(at, next - at), true, 0);
		at = next;
	}
	return climbs(buf.data) ? NULL : buf.data;
}

/* The body that the template stands for. */
Jsonb *
sc_template_expand(Jsonb *tmpl, Jsonb *context)
{
	if (tmpl == NULL)
		return NULL;
	JsonbParseState *state = NULL;
	if (!JB_ROOT_IS_SCALAR(tmpl))
		return JsonbValueToJsonb(push_expanded(&state, &tmpl->root, context));
	JsonbValue value;
	sc_scalar_read(tmpl, &value);
	if (value.type == jbvString && !expand_string(&value, context))
		value.type = jbvNull;
	return JsonbValueToJsonb(&value);
}

/* application/x-www-form-urlencoded; null members are left out. */
char *
sc_template_form(Jsonb *object)
{
	StringInfoData buf;
	initStringInfo(&buf);
	if (object == NULL || !JB_ROOT_IS_OBJECT(object))
		return buf.data;
	JsonbIterator *it = JsonbIteratorInit(&object->root);
	JsonbValue at;
	for (JsonbIteratorToken token = JsonbIteratorNext(&it, &at, true); token != WJB_DONE;
		 token = JsonbIteratorNext(&it, &at, true))
	{
		if (token != WJB_KEY)
			continue;
		char *name = pnstrdup(at.val.string.val, at.val.string.len);
		JsonbIteratorNext(&it, &at, true);
		char *string = value_text(&at);
		if (string == NULL)
			continue;
		if (buf.len > 0)
			appendStringInfoChar(&buf, '&');
		append_form(&buf, name);
		appendStringInfoChar(&buf, '=');
		append_form(&buf, string);
	}
	return buf.data;
}

/*
 * Splits an expression that starts at "{": its operator (NULL = a reserved
 * one) and the start of its variables, which end at "}".  Returns what
 * follows the "}", or NULL when there is none.
 */
static const char *
parse_expression(const char *at, const Operator **operator, const char ** specs)
{
	const char *end = strchr(at, '}');
	if (end == NULL)
		return NULL;
	*operator= & operators[0];
	*specs = at + 1;
	if (strchr("=,!@|", at[1]) != NULL)
		*operator= NULL;
	for (int i = 1; i < lengthof(operators); i++)
	{
		if (at[1] == operators[i].sign)
		{
			*operator= & operators[i];
			*specs = at + 2;
		}
	}
	return end + 1;
}

/* One variable with its modifier; returns the "," or "}" after it, or NULL with *reason set. */
static const char *
parse_variable(const char *at, Variable *variable, const char **reason)
{
	const char *start = at;
	memset(variable, 0, sizeof(*variable));
	while (isalnum((unsigned char) *at) || *at == '_' || *at == '.' ||
		   (*at == '%' && isxdigit((unsigned char) at[1]) && isxdigit((unsigned char) at[2])))
		at += *at == '%' ? 3 : 1;
	if (at == start || *start == '.' || at[-1] == '.')
	{
		*reason = "A variable's name is made of letters, digits, \"_\" and single dots.";
		return NULL;
	}
	variable->name = pnstrdup(start, at - start);
	if (*at == '*')
	{
		variable->explode = true;
		at++;
	}
	else if (*at == ':')
	{
		size_t digits = strspn(at + 1, "0123456789");
		variable->prefix = digits >= 1 && digits <= 4 ? atoi(at + 1) : 0;
		if (variable->prefix < 1 || variable->prefix > SC_TEMPLATE_PREFIX_MAX || at[1] == '0')
		{
			*reason = "A prefix is a number from 1 to 9999.";
			return NULL;
		}
		at += 1 + digits;
	}
	if (*at != ',' && *at != '}')
	{
		*reason = "A variable's name is made of letters, digits, \"_\" and single dots.";
		return NULL;
	}
	return at;
}

static const char *
check_expression(const char *specs)
{
	const char *at = specs;
	for (;;)
	{
		Variable variable;
		const char *reason = NULL;
		at = parse_variable(at, &variable, &reason);
		if (at == NULL)
			return reason;
		if (strstr(variable.name, "..") != NULL)
			return "A variable's name is made of letters, digits, \"_\" and single dots.";
		if (*at == '}')
			return NULL;
		at++;
	}
}

static void
expand_expression(StringInfo buf, const Operator *operator, const char * specs, Jsonb *context)
{
	bool first = true;
	const char *at = specs;
	for (;;)
	{
		Variable variable;
		const char *reason = NULL;
		at = parse_variable(at, &variable, &reason);
		if (expand_variable(buf, operator, & variable, context, first))
			first = false;
		if (*at == '}')
			break;
		at++;
	}
}

/* Appends one variable; false when it is undefined (absent, null, an empty list) and nothing was appended. */
static bool
expand_variable(StringInfo buf, const Operator *operator, const Variable * variable, Jsonb *context,
				bool first)
{
	Jsonb *value = look_up(variable->name, strlen(variable->name), context);
	if (value == NULL)
		return false;
	if (!JB_ROOT_IS_SCALAR(value))
		return expand_container(buf, operator, variable, value, first);
	JsonbValue scalar;
	sc_scalar_read(value, &scalar);
	char *string = value_text(&scalar);
	if (string == NULL)
		return false;
	if (first)
		appendStringInfoString(buf, operator->first);
	else
		appendStringInfoChar(buf, operator->separator);
	if (operator->named)
		append_name(buf, operator, variable->name, string);
	append_encoded(buf, string, operator->reserved, variable->prefix);
	return true;
}

/* A list or an associative array (RFC 6570 §3.2.1); null members are undefined, so they are left out. */
static bool
expand_container(StringInfo buf, const Operator *operator, const Variable * variable, Jsonb *value,
				 bool first)
{
	bool object = JB_ROOT_IS_OBJECT(value);
	bool any = false;
	char *name = NULL;
	JsonbIterator *it = JsonbIteratorInit(&value->root);
	JsonbValue at;
	for (JsonbIteratorToken token = JsonbIteratorNext(&it, &at, true); token != WJB_DONE;
		 token = JsonbIteratorNext(&it, &at, true))
	{
		if (token == WJB_KEY)
			name = pnstrdup(at.val.string.val, at.val.string.len);
		if (token != WJB_VALUE && token != WJB_ELEM)
			continue;
		char *string = value_text(&at);
		if (string == NULL)
			continue;
		if (any)
			appendStringInfoChar(buf, variable->explode ? operator->separator : ',');
		else if (first)
			appendStringInfoString(buf, operator->first);
		else
			appendStringInfoChar(buf, operator->separator);
		if (operator->named &&(variable->explode ? !object : !any))
			append_name(buf, operator, variable->name, variable->explode ? string : "x");
		if (object)
		{
			append_encoded(buf, name, operator->reserved, 0);
			if (!variable->explode)
				appendStringInfoChar(buf, ',');
			else if (operator->named && string[0] == '\0')
				appendStringInfoString(buf, operator->if_empty);
			else
				appendStringInfoChar(buf, '=');
		}
		append_encoded(buf, string, operator->reserved, 0);
		any = true;
	}
	return any;
}

/* "name=", or "name" and the operator's mark for an empty value. */
static void
append_name(StringInfo buf, const Operator *operator, const char * name, const char *string)
{
	appendStringInfoString(buf, name);
	if (string[0] == '\0')
		appendStringInfoString(buf, operator->if_empty);
	else
		appendStringInfoChar(buf, '=');
}

/* Percent-encodes; prefix > 0 keeps that many characters of the text. */
static void
append_encoded(StringInfo buf, const char *string, bool reserved, int prefix)
{
	int characters = 0;
	for (const char *at = string; *at != '\0'; at++)
	{
		unsigned char c = (unsigned char) *at;
		if ((c & 0xC0) != 0x80 && prefix > 0 && ++characters > prefix)
			break;
		if (c < 0x80 && (isalnum(c) || strchr("-._~", c) != NULL))
			appendStringInfoChar(buf, (char) c);
		else if (reserved && c < 0x80 && strchr(":/?#[]@!$&'()*+,;=", c) != NULL)
			appendStringInfoChar(buf, (char) c);
		else if (reserved && c == '%' && isxdigit((unsigned char) at[1]) &&
				 isxdigit((unsigned char) at[2]))
			appendStringInfoChar(buf, '%');
		else
			appendStringInfo(buf, "%%%02X", c);
	}
}

/* The value of a dotted name in the context; NULL when absent. */
static Jsonb *
look_up(const char *name, size_t len, Jsonb *context)
{
	ScPointer pointer = { 0 };
	const char *at = name;
	const char *end = name + len;
	while (at <= end)
	{
		const char *dot = memchr(at, '.', end - at);
		const char *stop = dot == NULL ? end : dot;
		if (pointer.len == SC_POINTER_STEPS_MAX)
			return NULL;
		pointer.steps[pointer.len++] = pnstrdup(at, stop - at);
		at = stop + 1;
	}
	return sc_pointer_get(context, &pointer);
}

/* A scalar's text, a container's JSON; NULL for null. */
static char *
value_text(JsonbValue *value)
{
	if (value->type == jbvNull)
		return NULL;
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	Jsonb *json = JsonbValueToJsonb(value);
	return JsonbToCString(NULL, &json->root, VARSIZE(json));
}

/* Length of the "{name}" that text starts with; 0 when it starts with none. */
static size_t
body_variable(const char *string, size_t len)
{
	size_t at = 1;
	if (len < 3 || string[0] != '{' || !(isalpha((unsigned char) string[1]) || string[1] == '_'))
		return 0;
	while (at < len && (isalnum((unsigned char) string[at]) || string[at] == '_' ||
						(string[at] == '.' && string[at - 1] != '.')))
		at++;
	if (at >= len || string[at] != '}' || string[at - 1] == '.')
		return 0;
	return at + 1;
}

static void
append_text(StringInfo buf, const char *string, size_t len, Jsonb *context)
{
	size_t at = 0;
	while (at < len)
	{
		size_t span = body_variable(string + at, len - at);
		if (span == 0)
		{
			appendStringInfoChar(buf, string[at++]);
			continue;
		}
		ScValue value = SC_UNKNOWN;
		Jsonb *found = look_up(string + at + 1, span - 2, context);
		if (found != NULL)
			value = sc_value_json(found);
		char *put = sc_value_to_cstring(&value);
		if (put != NULL)
			appendStringInfoString(buf, put);
		at += span;
	}
}

/* Pushes a container of the template, expanded. */
static JsonbValue *
push_expanded(JsonbParseState **state, JsonbContainer *container, Jsonb *context)
{
	check_stack_depth();
	bool array = JsonContainerIsArray(container);
	JsonbIterator *it = JsonbIteratorInit(container);
	JsonbValue key = { .type = jbvNull };
	JsonbValue at;
	pushJsonbValue(state, array ? WJB_BEGIN_ARRAY : WJB_BEGIN_OBJECT, NULL);
	JsonbIteratorNext(&it, &at, true);
	for (JsonbIteratorToken token = JsonbIteratorNext(&it, &at, true);
		 token == WJB_KEY || token == WJB_VALUE || token == WJB_ELEM;
		 token = JsonbIteratorNext(&it, &at, true))
	{
		if (token == WJB_KEY)
			key = at;
		else
			expand_member(state, token, &key, &at, context);
	}
	return pushJsonbValue(state, array ? WJB_END_ARRAY : WJB_END_OBJECT, NULL);
}

/* Pushes one member (with its key) or element; false when its variable is absent and it is left out. */
static bool
expand_member(JsonbParseState **state, JsonbIteratorToken token, JsonbValue *key, JsonbValue *value,
			  Jsonb *context)
{
	bool nested = value->type == jbvBinary;
	if (value->type == jbvString && !expand_string(value, context))
		return false;
	if (token == WJB_VALUE)
		pushJsonbValue(state, WJB_KEY, key);
	if (nested)
		push_expanded(state, value->val.binary.data, context);
	else
		pushJsonbValue(state, token, value);
	return true;
}

/* Replaces a string by what it stands for; false when it is one whole variable that is absent. */
static bool
expand_string(JsonbValue *value, Jsonb *context)
{
	const char *string = value->val.string.val;
	size_t len = value->val.string.len;
	if (body_variable(string, len) == len && len > 0)
	{
		Jsonb *found = look_up(string + 1, len - 2, context);
		if (found == NULL)
			return false;
		if (JB_ROOT_IS_SCALAR(found))
			return sc_scalar_read(found, value);
		value->type = jbvBinary;
		value->val.binary.data = &found->root;
		value->val.binary.len = VARSIZE(found) - VARHDRSZ;
		return true;
	}
	StringInfoData buf;
	initStringInfo(&buf);
	append_text(&buf, string, len, context);
	value->val.string.val = buf.data;
	value->val.string.len = buf.len;
	return true;
}

/* Does the path have a segment "." or ".."? */
static bool
climbs(const char *uri)
{
	size_t path = strcspn(uri, "?#");
	size_t start = 0;
	for (size_t at = 0; at <= path; at++)
	{
		if (at < path && uri[at] != '/')
			continue;
		size_t len = at - start;
		if ((len == 1 && uri[start] == '.') ||
			(len == 2 && uri[start] == '.' && uri[start + 1] == '.'))
			return true;
		start = at + 1;
	}
	return false;
}

static void
append_form(StringInfo buf, const char *string)
{
	for (const char *at = string; *at != '\0'; at++)
	{
		unsigned char c = (unsigned char) *at;
		if (c == ' ')
			appendStringInfoChar(buf, '+');
		else if (c < 0x80 && (isalnum(c) || strchr("*-._", c) != NULL))
			appendStringInfoChar(buf, (char) c);
		else
			appendStringInfo(buf, "%%%02X", c);
	}
}
