/*
 * listener_http.c
 *	  HTTP for the listener: requests in, answers out.
 *
 * Called by libmicrohttpd or beside it: no ereport, no palloc, no database.
 * What comes from outside is bounded before it is kept: headers, bodies,
 * waiting requests.
 *
 * The library can answer only before a body and after it.  A request that is
 * refused by its headers is answered after its body, which is read and thrown
 * away: a sender that writes before it reads would see a broken connection and
 * try again for ever.  A body that turns out too long or too slow gets its
 * answer written to the socket directly, and the connection ends.
 */
#include "postgres.h"

#include "worker/listener_private.h"

#define ANSWER_MAX 160

static ScHook *first_waiting = NULL;
static ScHook *last_waiting = NULL;
static int nwaiting = 0;
static size_t waiting_bytes = 0;
static bool is_healthy = false;

static enum MHD_Result begin_request(struct MHD_Connection *connection, const char *url,
									 const char *method, const char *version, void **con_cls);
static int refuse_request(struct MHD_Connection *connection, const char *url, const char *method,
						  const char *version, ScHook *hook);
static bool discards_body(const ScHook *hook);
static bool read_path(const char *url, ScHook *hook);
static const char *read_name(const char *at, char *name);
static enum MHD_Result read_header(void *cls, enum MHD_ValueKind kind, const char *name,
								   const char *value);
static int check_headers(ScHook *hook);
static bool is_json_type(const char *type);
static const char *find_header(const ScHook *hook, const char *name, int *count);
static bool read_body(ScHook *hook, const char *data, size_t len);
static void wait_for_database(ScHook *hook);
static enum MHD_Result send_status(struct MHD_Connection *connection, int status, ScHook *hook);
static void free_hook(ScHook *hook);

ScHook *
sc_listener_take(int max)
{
	ScHook *hooks = first_waiting;
	ScHook *last = NULL;

	for (; max > 0 && first_waiting != NULL; max--)
	{
		last = first_waiting;
		first_waiting = last->next;
		nwaiting--;
		waiting_bytes -= last->body_len;
	}
	if (last != NULL)
		last->next = NULL;
	if (first_waiting == NULL)
		last_waiting = NULL;
	return hooks;
}

/* The library calls handle_request once more, which sends hook->status. */
void
sc_listener_answer(ScHook *hook)
{
	MHD_resume_connection(hook->connection);
}

int
sc_listener_waiting(void)
{
	return nwaiting;
}

void
sc_listener_set_healthy(bool healthy)
{
	is_healthy = healthy;
}

enum MHD_Result
sc_listener_request(void *cls, struct MHD_Connection *connection, const char *url,
					const char *method, const char *version, const char *data, size_t *len,
					void **con_cls)
{
	ScHook *hook = *con_cls;

	if (hook == NULL)
		return begin_request(connection, url, method, version, con_cls);
	if (*len > 0)
	{
		if (hook->status != 0)
			sc_listener_discard(hook->client, hook->status, *len);
		else if (!read_body(hook, data, *len))
			sc_listener_end_client(hook->client, hook->status = 413);
		*len = 0;
		return MHD_YES;
	}
	if (((ScClient *) hook->client)->ended) /* it has been told */
		return MHD_NO;
	if (!hook->whole && hook->status == 0)
	{
		wait_for_database(hook);
		if (hook->status == 0)
			return MHD_YES;
	}
	return send_status(connection, hook->status, hook);
}

/* At the end of the headers: refuse, answer at once, or go on to the body. */
static enum MHD_Result
begin_request(struct MHD_Connection *connection, const char *url, const char *method,
			  const char *version, void **con_cls)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	ScClient *client = info != NULL ? info->socket_context : NULL;
	ScHook *hook = calloc(1, sizeof(ScHook));

	if (hook == NULL || client == NULL)
	{
		free(hook);
		return MHD_NO;
	}
	*con_cls = hook;
	hook->connection = connection;
	hook->client = client;
	client->hook = hook;
	client->since = sc_listener_clock();
	hook->status = refuse_request(connection, url, method, version, hook);
	if (hook->status == 0)
		return MHD_YES;
	if (!discards_body(hook))
		return send_status(connection, hook->status, hook);
	if (hook->status == 413)
		sc_listener_end_client(client, 413);
	return MHD_YES;
}

/* A refusal that waits for the end of a body: where there is one whose end is clear and that is on its way unasked. */
static bool
discards_body(const ScHook *hook)
{
	int count;

	if (hook->status != 404 && hook->status != 405 && hook->status != 413 && hook->status != 415 &&
		hook->status != 503)
		return false;
	if (find_header(hook, "expect", &count) != NULL)
		return false;
	if (find_header(hook, "transfer-encoding", &count) != NULL)
		return true;
	const char *length = find_header(hook, "content-length", &count);

	return length != NULL && strcmp(length, "0") != 0;
}

/* The status for a request that needs no body read; 0 = go on. */
static int
refuse_request(struct MHD_Connection *connection, const char *url, const char *method,
			   const char *version, ScHook *hook)
{
	bool is_health = strcmp(url, "/healthz") == 0;

	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return 505;
	if (MHD_get_connection_values(connection, MHD_HEADER_KIND, NULL, NULL) > SC_HOOK_HEADERS_MAX)
		return 431;
	MHD_get_connection_values(connection, MHD_HEADER_KIND, read_header, hook);
	if (hook->status != 0)
		return hook->status;
	if (is_health && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0))
		return is_healthy ? 200 : 503;
	if (is_health)
		return 405;
	if (!read_path(url, hook))
		return 404;
	if (strcmp(method, "POST") != 0)
		return 405;
	if (nwaiting >= SC_HOOK_QUEUE_MAX || waiting_bytes >= SC_HOOK_QUEUE_BYTES_MAX)
		return 503;
	return check_headers(hook);
}

/* /hooks/<space>/<system>, names as the tables allow them. */
static bool
read_path(const char *url, ScHook *hook)
{
	if (strncmp(url, "/hooks/", 7) != 0)
		return false;
	url = read_name(url + 7, hook->space);
	if (url == NULL || *url != '/')
		return false;
	url = read_name(url + 1, hook->system);
	return url != NULL && *url == '\0';
}

/* Copies a name and gives what is behind it; NULL when there is none. */
static const char *
read_name(const char *at, char *name)
{
	size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");

	if (len == 0 || len > SC_HOOK_NAME_MAX)
		return NULL;
	memcpy(name, at, len);
	name[len] = '\0';
	return at + len;
}

static enum MHD_Result
read_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	ScHook *hook = cls;
	ScHeader *header = &hook->headers[hook->nheaders];

	if (hook->nheaders == SC_HOOK_HEADERS_MAX)
		return MHD_NO;
	header->name = strdup(name);
	header->value = strdup(value != NULL ? value : "");
	hook->nheaders++;
	if (header->name == NULL || header->value == NULL)
	{
		hook->status = 503;
		return MHD_NO;
	}
	for (char *at = header->name; *at != '\0'; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at += 'a' - 'A';
	return MHD_YES;
}

/* What the headers say of the body: one length or one encoding, JSON, not too long. */
static int
check_headers(ScHook *hook)
{
	int lengths;
	int encodings;
	int others;
	const char *length = find_header(hook, "content-length", &lengths);
	const char *encoding = find_header(hook, "transfer-encoding", &encodings);
	const char *type = find_header(hook, "content-type", &others);
	const char *coding;

	if (lengths + encodings > 1)
		return 400;
	if (encoding != NULL && strcasecmp(encoding, "chunked") != 0)
		return 400;
	if (length == NULL && encoding == NULL)
		return 411;
	if (length != NULL)
	{
		if (length[strspn(length, "0123456789")] != '\0' || length[0] == '\0')
			return 400;
		if (strlen(length) > 9 || strtoul(length, NULL, 10) > SC_HOOK_BODY_MAX)
			return 413;
		hook->expected = strtoul(length, NULL, 10);
	}
	if (type != NULL && !is_json_type(type))
		return 415;
	coding = find_header(hook, "content-encoding", &others);
	if (coding != NULL && strcasecmp(coding, "identity") != 0)
		return 415;
	return 0;
}

/* application/json, text/json, anything+json, with or without parameters. */
static bool
is_json_type(const char *type)
{
	size_t len = strcspn(type, "; \t");

	if (len < 5)
		return false;
	return strncasecmp(type + len - 5, "/json", 5) == 0 ||
		   strncasecmp(type + len - 5, "+json", 5) == 0;
}

static const char *
find_header(const ScHook *hook, const char *name, int *count)
{
	const char *value = NULL;

	*count = 0;
	for (int i = 0; i < hook->nheaders; i++)
	{
		if (strcmp(hook->headers[i].name, name) != 0)
			continue;
		value = hook->headers[i].value;
		(*count)++;
	}
	return value;
}

/* Appends a piece; false when the body is longer than we take, or memory is short. */
static bool
read_body(ScHook *hook, const char *data, size_t len)
{
	size_t needed = hook->body_len + len + 1;

	if (hook->body_len + len > SC_HOOK_BODY_MAX)
		return false;
	if (needed > hook->body_room)
	{
		size_t room = Max(Max(needed, hook->expected + 1), 2 * hook->body_room);
		char *body = realloc(hook->body, room);

		if (body == NULL)
			return false;
		hook->body = body;
		hook->body_room = room;
	}
	memcpy(hook->body + hook->body_len, data, len);
	hook->body_len += len;
	hook->body[hook->body_len] = '\0';
	return true;
}

/* The body is whole: the connection sleeps until the database has spoken. */
static void
wait_for_database(ScHook *hook)
{
	hook->whole = true;
	if (hook->body_len == 0)
		hook->status = 400;
	else if (nwaiting >= SC_HOOK_QUEUE_MAX || sc_listener_is_closing())
		hook->status = 503;
	if (hook->status != 0)
		return;
	hook->next = NULL;
	if (last_waiting != NULL)
		last_waiting->next = hook;
	else
		first_waiting = hook;
	last_waiting = hook;
	nwaiting++;
	waiting_bytes += hook->body_len;
	MHD_suspend_connection(hook->connection);
}

static enum MHD_Result
send_status(struct MHD_Connection *connection, int status, ScHook *hook)
{
	char body[ANSWER_MAX];
	char retry[16];
	bool ends = status >= 400 && !hook->whole;

	if (hook->outcome[0] != '\0')
		snprintf(body, sizeof(body), "{\"event\": " INT64_FORMAT ", \"outcome\": \"%s\"}\n",
				 hook->event, hook->outcome);
	else
		snprintf(body, sizeof(body), "{\"status\": \"%s\"}\n", sc_listener_status_words(status));

	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_MUST_COPY);

	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", "application/json");
	MHD_add_response_header(response, "Cache-Control", "no-store");
	if (status == 503)
	{
		snprintf(retry, sizeof(retry), "%d", SC_HOOK_RETRY_AFTER_S);
		MHD_add_response_header(response, "Retry-After", retry);
	}
	if (status == 405)
		MHD_add_response_header(response, "Allow", hook->system[0] != '\0' ? "POST" : "GET, HEAD");
	if (ends)
		MHD_add_response_header(response, "Connection", "close");

	enum MHD_Result sent = MHD_queue_response(connection, (unsigned int) status, response);

	hook->answered = true;

	MHD_destroy_response(response);
	return sent;
}

const char *
sc_listener_status_words(int status)
{
	switch (status)
	{
		case 200:
			return "ok";
		case 400:
			return "bad request";
		case 401:
			return "not signed as it should be";
		case 404:
			return "not found";
		case 405:
			return "method not allowed";
		case 408:
			return "too slow";
		case 411:
			return "length required";
		case 413:
			return "body too large";
		case 415:
			return "not JSON";
		case 431:
			return "too many headers";
		case 503:
			return "try again later";
		default:
			return "refused";
	}
}

void
sc_listener_forget(void *cls, struct MHD_Connection *connection, void **con_cls,
				   enum MHD_RequestTerminationCode code)
{
	ScHook *hook = *con_cls;

	*con_cls = NULL;
	if (hook == NULL)
		return;
	if (hook->client != NULL)
	{
		((ScClient *) hook->client)->hook = NULL;
		((ScClient *) hook->client)->since = sc_listener_clock();
	}
	free_hook(hook);
}

static void
free_hook(ScHook *hook)
{
	for (int i = 0; i < hook->nheaders; i++)
	{
		free(hook->headers[i].name);
		free(hook->headers[i].value);
	}
	free(hook->body);
	free(hook);
}
