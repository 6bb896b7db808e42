/*
 * listener_http.c
 *	  HTTP for the listener: sockets, limits, requests in, answers out.
 *
 * libmicrohttpd runs in this process without threads of its own; its epoll
 * descriptors are entries of the worker's wait set.  Everything here is called
 * by the library or beside it: no ereport, no palloc, no database.  What comes
 * from outside is bounded before it is kept: connections, headers, bodies,
 * waiting requests, and time.
 *
 * The library can answer only before a body and after it.  A body that turns
 * out too long or too slow gets its answer written to the socket directly,
 * and the connection ends.
 */
#include "postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/ilist.h"
#include "storage/ipc.h"

#include "worker/listener.h"

#define IDLE_TIMEOUT_S 30
#define BACKLOG 128
#define ANSWER_MAX 160

typedef struct Client /* one connection */
{
	dlist_node node;
	int fd;
	time_t since; /* start of what it is doing: reading headers, reading a body */
	ScHook *hook; /* the request; NULL while headers are read */
	bool ended;	  /* shut down by us; the library will notice */
} Client;

static struct MHD_Daemon *daemons[SC_HOOK_SOCKETS_MAX];
static int ndaemons = 0;
static dlist_head clients = DLIST_STATIC_INIT(clients);
static int nclients = 0;
static ScHook *first_waiting = NULL;
static ScHook *last_waiting = NULL;
static int nwaiting = 0;
static size_t waiting_bytes = 0;
static bool is_healthy = false;

static void open_address(const char *host, int port, char *problem, size_t problem_len);
static int open_socket(const struct addrinfo *address);
static bool start_daemon(int fd);
static void handle_panic(void *cls, const char *file, unsigned int line, const char *reason)
	pg_attribute_noreturn();
static size_t leave_escaped(void *cls, struct MHD_Connection *connection, char *escaped);
static void track_client(void *cls, struct MHD_Connection *connection, void **socket_cls,
						 enum MHD_ConnectionNotificationCode code);
static void make_room(void);
static enum MHD_Result handle_request(void *cls, struct MHD_Connection *connection, const char *url,
									  const char *method, const char *version, const char *data,
									  size_t *len, void **con_cls);
static enum MHD_Result begin_request(struct MHD_Connection *connection, const char *url,
									 const char *method, const char *version, void **con_cls);
static int refuse_request(struct MHD_Connection *connection, const char *url, const char *method,
						  const char *version, ScHook *hook);
static bool read_path(const char *url, ScHook *hook);
static const char *read_name(const char *at, char *name);
static enum MHD_Result read_header(void *cls, enum MHD_ValueKind kind, const char *name,
								   const char *value);
static int check_headers(ScHook *hook);
static bool is_json_type(const char *type);
static const char *find_header(const ScHook *hook, const char *name, int *count);
static bool read_body(ScHook *hook, const char *data, size_t len);
static void wait_for_database(ScHook *hook);
static enum MHD_Result send_status(struct MHD_Connection *connection, int status,
								   const ScHook *hook);
static const char *status_words(int status);
static void end_client(Client *client, int status);
static void expire_clients(void);
static void forget_request(void *cls, struct MHD_Connection *connection, void **con_cls,
						   enum MHD_RequestTerminationCode code);
static void free_hook(ScHook *hook);
static time_t read_clock(void);

/*
 * Opens every address of a comma-separated list ("*" = all).  Returns how many
 * sockets listen; problem says what did not work, or is empty.
 */
int
sc_listener_open(const char *addresses, int port, char *problem, size_t problem_len)
{
	char list[1024];
	char *rest = list;
	char *host;

	problem[0] = '\0';
	strlcpy(list, addresses, sizeof(list));
	MHD_set_panic_func(handle_panic, NULL);
	while ((host = strsep(&rest, ",")) != NULL)
	{
		host += strspn(host, " \t\"'");
		host[strcspn(host, " \t\"'")] = '\0';
		if (host[0] != '\0')
			open_address(host, port, problem, problem_len);
	}
	if (ndaemons == 0 && problem[0] == '\0')
		strlcpy(problem, "syncore.listen_addresses is empty", problem_len);
	return ndaemons;
}

/* Answers what waits with 503, and ends all connections. */
void
sc_listener_close(void)
{
	ScHook *hook = sc_listener_take(SC_HOOK_QUEUE_MAX);

	while (hook != NULL)
	{
		ScHook *next = hook->next;

		hook->status = 503;
		sc_listener_answer(hook);
		hook = next;
	}
	sc_listener_pump();
	for (int i = 0; i < ndaemons; i++)
		MHD_stop_daemon(daemons[i]);
	ndaemons = 0;
}

int
sc_listener_fds(int *fds)
{
	for (int i = 0; i < ndaemons; i++)
		fds[i] = MHD_get_daemon_info(daemons[i], MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	return ndaemons;
}

void
sc_listener_pump(void)
{
	for (int i = 0; i < ndaemons; i++)
		MHD_run(daemons[i]);
	expire_clients();
}

/* How long one may wait before the library wants to be pumped again. */
long
sc_listener_wait_ms(long at_most)
{
	for (int i = 0; i < ndaemons; i++)
	{
		MHD_UNSIGNED_LONG_LONG timeout;

		if (MHD_get_timeout(daemons[i], &timeout) == MHD_YES &&
			timeout < (MHD_UNSIGNED_LONG_LONG) at_most)
			at_most = (long) timeout;
	}
	return nwaiting > 0 ? 0 : at_most;
}

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

int
sc_listener_connections(void)
{
	return nclients;
}

void
sc_listener_set_healthy(bool healthy)
{
	is_healthy = healthy;
}

static void
open_address(const char *host, int port, char *problem, size_t problem_len)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char service[16];

	snprintf(service, sizeof(service), "%d", port);
	int code = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, service, &hints, &found);

	if (code != 0)
	{
		snprintf(problem, problem_len, "could not find address \"%.80s\": %s", host,
				 gai_strerror(code));
		return;
	}
	for (const struct addrinfo *address = found; address != NULL; address = address->ai_next)
	{
		int fd = ndaemons < SC_HOOK_SOCKETS_MAX ? open_socket(address) : -1;

		if (fd < 0)
			snprintf(problem, problem_len, "could not listen on \"%.80s\" port %d: %s", host, port,
					 ndaemons < SC_HOOK_SOCKETS_MAX ? strerror(errno) : "too many addresses");
		else if (!start_daemon(fd))
		{
			snprintf(problem, problem_len, "could not start the HTTP server on \"%.80s\"", host);
			close(fd);
		}
	}
	freeaddrinfo(found);
}

/* A listening socket, or -1 with errno. */
static int
open_socket(const struct addrinfo *address)
{
	int one = 1;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (address->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
	{
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static bool
start_daemon(int fd)
{
	struct MHD_Daemon *daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle_request, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int) SC_HOOK_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t) (2 * SC_HOOK_HEADER_BYTES_MAX), MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int) IDLE_TIMEOUT_S, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_NOTIFY_CONNECTION,
		track_client, NULL, MHD_OPTION_NOTIFY_COMPLETED, forget_request, NULL, MHD_OPTION_END);

	if (daemon == NULL)
		return false;
	daemons[ndaemons++] = daemon;
	return true;
}

/* The library's own way out is abort(), which would restart the whole server. */
static void
handle_panic(void *cls, const char *file, unsigned int line, const char *reason)
{
	proc_exit(1);
}

/* Our paths need no escapes: one that has some is a path we do not know. */
static size_t
leave_escaped(void *cls, struct MHD_Connection *connection, char *escaped)
{
	return strlen(escaped);
}

static void
track_client(void *cls, struct MHD_Connection *connection, void **socket_cls,
			 enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
	{
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		Client *client = calloc(1, sizeof(Client));

		*socket_cls = client;
		if (client == NULL)
			return;
		make_room();
		client->fd = info->connect_fd;
		client->since = read_clock();
		dlist_push_tail(&clients, &client->node);
		nclients++;
	}
	else if (*socket_cls != NULL)
	{
		Client *client = *socket_cls;

		dlist_delete(&client->node);
		nclients--;
		free(client);
		*socket_cls = NULL;
	}
}

/* When nearly all places are taken, the one that idles longest gives up its own: senders that send are served. */
static void
make_room(void)
{
	dlist_iter iter;

	if (nclients < SC_HOOK_CONNECTIONS_MAX - SC_HOOK_CONNECTIONS_MAX / 8)
		return;
	dlist_foreach(iter, &clients)
	{
		Client *client = dlist_container(Client, node, iter.cur);

		if (client->hook == NULL && !client->ended)
		{
			end_client(client, 0);
			return;
		}
	}
}

/* The library's one way to us: at the headers, for pieces of the body, at its end, and after a resume. */
static enum MHD_Result
handle_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
			   const char *version, const char *data, size_t *len, void **con_cls)
{
	ScHook *hook = *con_cls;

	if (hook == NULL)
		return begin_request(connection, url, method, version, con_cls);
	if (*len > 0)
	{
		if (!read_body(hook, data, *len))
			end_client(hook->client, 413);
		*len = 0;
		return MHD_YES;
	}
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
	Client *client = info != NULL ? info->socket_context : NULL;
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
	client->since = read_clock();
	hook->status = refuse_request(connection, url, method, version, hook);
	return hook->status != 0 ? send_status(connection, hook->status, hook) : MHD_YES;
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
	else if (nwaiting >= SC_HOOK_QUEUE_MAX)
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
send_status(struct MHD_Connection *connection, int status, const ScHook *hook)
{
	char body[ANSWER_MAX];
	char retry[16];
	bool ends = status >= 400 && !hook->whole;

	if (hook->outcome[0] != '\0')
		snprintf(body, sizeof(body), "{\"event\": " INT64_FORMAT ", \"outcome\": \"%s\"}\n",
				 hook->event, hook->outcome);
	else
		snprintf(body, sizeof(body), "{\"status\": \"%s\"}\n", status_words(status));

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

	MHD_destroy_response(response);
	return sent;
}

static const char *
status_words(int status)
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

/* Says why on the bare socket, where the library no longer can, and ends the connection.  status 0: without a word. */
static void
end_client(Client *client, int status)
{
	char answer[ANSWER_MAX];

	if (client->ended)
		return;
	client->ended = true;
	if (status != 0)
	{
		int len = snprintf(answer, sizeof(answer),
						   "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
						   status, status_words(status));
		ssize_t sent = send(client->fd, answer, (size_t) len, MSG_DONTWAIT | MSG_NOSIGNAL);

		(void) sent;
	}
	shutdown(client->fd, SHUT_RDWR);
}

/* Headers and bodies have their time; a request that waits for the database has all it needs. */
static void
expire_clients(void)
{
	time_t now = read_clock();
	dlist_iter iter;

	dlist_foreach(iter, &clients)
	{
		Client *client = dlist_container(Client, node, iter.cur);
		time_t limit = client->hook == NULL ? SC_HOOK_HEADER_TIME_S : SC_HOOK_BODY_TIME_S;

		if (client->hook != NULL && (client->hook->whole || client->hook->status != 0))
			continue;
		if (now - client->since > limit)
			end_client(client, 408);
	}
}

/* The library is done with a request, answered or not. */
static void
forget_request(void *cls, struct MHD_Connection *connection, void **con_cls,
			   enum MHD_RequestTerminationCode code)
{
	ScHook *hook = *con_cls;

	*con_cls = NULL;
	if (hook == NULL)
		return;
	if (hook->client != NULL)
	{
		((Client *) hook->client)->hook = NULL;
		((Client *) hook->client)->since = read_clock();
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

/* Seconds of a clock that nobody sets. */
static time_t
read_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}
