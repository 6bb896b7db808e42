/*
 * call_request.c
 *	  An operation row and a context document become a request.
 *
 * What the context holds came from outside: in the URL it is percent-encoded,
 * in the body it is a JSON value, in a header it is refused when it holds
 * control characters.  Nothing here knows of credentials or products.
 */
#include "postgres.h"

#include <ctype.h>

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "core/call_private.h"
#include "core/json.h"
#include "core/template.h"

#define SC_CALL_HEADERS_MAX 32

static const char *const write_operations[] = { "create",		  "update",			 "transition",
												"delete",		  "comment",		 "comment_edit",
												"comment_delete", "register_webhook" };

static char *make_url(const ScSystem *system, const ScOperation *operation, Jsonb *context);
static char *make_body(const ScOperation *operation, Jsonb *context, Jsonb *write);
static bool add_header(ScRequest *request, const char *name, const char *value);
static bool add_row_headers(ScRequest *request, const ScOperation *operation, Jsonb *context);
static void overlay_object(JsonbParseState **state, JsonbContainer *under, JsonbContainer *over);
static bool is_object(const JsonbValue *value);

ScRequest *
sc_call_request(const ScSystem *system, const ScOperation *operation, Jsonb *context, Jsonb *write)
{
	const char *problem;

	return sc_call_build(system, operation, context, write, &problem);
}

/*
 * The request, or NULL with *problem (static text) when what would be sent is
 * not fit to be sent: a path segment made of dots, a header with a line end.
 * On writes the context's call.marker becomes the idempotency key.
 */
ScRequest *
sc_call_build(const ScSystem *system, const ScOperation *operation, Jsonb *context, Jsonb *write,
			  const char **problem)
{
	ScRequest *request = palloc0(sizeof(ScRequest));
	char *marker = sc_pointer_get_cstring(context, "/call/marker");
	bool fit;

	request->method = pstrdup(operation->method);
	request->writes = sc_call_is_write(operation->operation);
	request->url = make_url(system, operation, context);
	if (request->url == NULL)
	{
		*problem = "the address would leave the path that the operation names";
		return NULL;
	}
	request->headers = palloc0(SC_CALL_HEADERS_MAX * sizeof(ScHeader));
	request->body = make_body(operation, context, write);
	request->body_len = request->body != NULL ? strlen(request->body) : 0;
	fit = add_header(request, "Accept", "application/json") &&
		  add_header(request, "User-Agent", "syncore/0.1");
	if (fit && request->body != NULL)
		fit = add_header(request, "Content-Type",
						 strcmp(operation->body_kind, "form") == 0
							 ? "application/x-www-form-urlencoded"
							 : "application/json");
	if (fit && request->writes && marker != NULL)
		fit = add_header(request, "Idempotency-Key", marker) &&
			  add_header(request, "X-Syncore-Marker", marker);
	if (fit)
		fit = add_row_headers(request, operation, context);
	if (!fit)
	{
		*problem = "a header would hold control characters, or there are too many headers";
		return NULL;
	}
	*problem = NULL;
	return request;
}

/* Does a lost answer to this operation leave something unknown? */
bool
sc_call_is_write(const char *operation)
{
	for (int i = 0; i < lengthof(write_operations); i++)
	{
		if (strcmp(operation, write_operations[i]) == 0)
			return true;
	}
	return false;
}

/*
 * over laid on under: members of objects are joined, anything else of over
 * stands.  Unlike a merge patch a null stays: it clears a field over there.
 */
Jsonb *
sc_call_overlay(Jsonb *under, Jsonb *over)
{
	JsonbParseState *state = NULL;

	if (over == NULL)
		return under;
	if (under == NULL || !JB_ROOT_IS_OBJECT(under) || !JB_ROOT_IS_OBJECT(over))
		return over;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	overlay_object(&state, &under->root, &over->root);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static char *
make_url(const ScSystem *system, const ScOperation *operation, Jsonb *context)
{
	char *path = sc_template_expand_uri(operation->url, context);
	size_t len = strlen(system->base_url);

	if (path == NULL)
		return NULL;
	while (len > 0 && system->base_url[len - 1] == '/')
		len--;
	return psprintf("%.*s%s%s", (int) len, system->base_url, path[0] == '/' ? "" : "/", path);
}

static char *
make_body(const ScOperation *operation, Jsonb *context, Jsonb *write)
{
	Jsonb *body;

	if (strcmp(operation->body_kind, "none") == 0)
		return NULL;
	body = operation->body != NULL ? sc_template_expand(operation->body, context) : NULL;
	body = sc_call_overlay(body, write);
	if (body == NULL)
	{
		ScJson empty = sc_json_object();

		body = sc_json_end(&empty);
	}
	if (strcmp(operation->body_kind, "form") == 0)
		return sc_template_form(body);
	return JsonbToCString(NULL, &body->root, VARSIZE(body));
}

/* False when the value may not stand in a header, or there is no room. */
static bool
add_header(ScRequest *request, const char *name, const char *value)
{
	ScHeader *header;

	if (request->nheaders >= SC_CALL_HEADERS_MAX)
		return false;
	for (const char *at = name; *at; at++)
	{
		if (!isalnum((unsigned char) *at) && strchr("!#$%&'*+-.^_`|~", *at) == NULL)
			return false;
	}
	for (const char *at = value; *at; at++)
	{
		unsigned char byte = (unsigned char) *at;

		if ((byte < ' ' && byte != '\t') || byte == 0x7f)
			return false;
	}
	header = &request->headers[request->nheaders++];
	header->name = pstrdup(name);
	header->value = pstrdup(value);
	return true;
}

static bool
add_row_headers(ScRequest *request, const ScOperation *operation, Jsonb *context)
{
	Jsonb *headers;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue value;
	char *name = NULL;

	if (operation->headers == NULL || !JB_ROOT_IS_OBJECT(operation->headers))
		return true;
	headers = sc_template_expand(operation->headers, context);
	iterator = JsonbIteratorInit(&headers->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE && value.type == jbvString)
		{
			if (!add_header(request, name, pnstrdup(value.val.string.val, value.val.string.len)))
				return false;
		}
	}
	return true;
}

/* Pushes the members of both into the object that is open. */
static void
overlay_object(JsonbParseState **state, JsonbContainer *under, JsonbContainer *over)
{
	JsonbIterator *iterator = JsonbIteratorInit(under);
	JsonbIteratorToken token;
	JsonbValue value;
	JsonbValue key;

	check_stack_depth();
	(void) JsonbIteratorNext(&iterator, &value, true);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) == WJB_KEY)
	{
		JsonbValue found;
		JsonbValue *other =
			getKeyJsonValueFromContainer(over, key.val.string.val, key.val.string.len, &found);

		token = JsonbIteratorNext(&iterator, &value, true);
		pushJsonbValue(state, WJB_KEY, &key);
		if (other != NULL && is_object(other) && is_object(&value))
		{
			pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
			overlay_object(state, value.val.binary.data, other->val.binary.data);
			pushJsonbValue(state, WJB_END_OBJECT, NULL);
		}
		else
			pushJsonbValue(state, WJB_VALUE, other != NULL ? other : &value);
	}
	iterator = JsonbIteratorInit(over);
	(void) JsonbIteratorNext(&iterator, &value, true);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) == WJB_KEY)
	{
		JsonbValue found;

		token = JsonbIteratorNext(&iterator, &value, true);
		if (getKeyJsonValueFromContainer(under, key.val.string.val, key.val.string.len, &found) !=
			NULL)
			continue;
		pushJsonbValue(state, WJB_KEY, &key);
		pushJsonbValue(state, WJB_VALUE, &value);
	}
}

static bool
is_object(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data);
}
