/*
 * listener_socket.c
 *	  The listener's sockets and the connections that come in by them: how many
 *	  at once, and how long each may take.
 *
 * libmicrohttpd runs in this process without threads of its own; its epoll
 * descriptors are entries of the worker's wait set.  Everything here is called
 * by the library or beside it: no ereport, no palloc, no database.
 */
#include "postgres.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "storage/ipc.h"

#include "worker/listener_private.h"

#define IDLE_TIMEOUT_S                                                                             \
	(2 * SC_HOOK_BODY_TIME_S) /* the library says nothing when it loses patience: ours is shorter */
#define BACKLOG 128
#define LAST_WORDS_MAX 200
#define DISCARD_MAX (4 * SC_HOOK_BODY_MAX)

static struct MHD_Daemon *daemons[SC_HOOK_SOCKETS_MAX];
static int ndaemons = 0;
static dlist_head clients = DLIST_STATIC_INIT(clients);
static int nclients = 0;
static bool is_closing = false;

static void open_address(const char *host, int port, char *problem, size_t problem_len);
static int open_socket(const struct addrinfo *address);
static bool start_daemon(int fd);
static void handle_panic(void *cls, const char *file, unsigned int line, const char *reason);
static size_t leave_escaped(void *cls, struct MHD_Connection *connection, char *escaped);
static void track_client(void *cls, struct MHD_Connection *connection, void **socket_cls,
						 enum MHD_ConnectionNotificationCode code);
static void make_room(void);
static void expire_clients(void);
static bool is_being_served(const ScClient *client);

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

/*
 * Answers what waits with 503, and ends all connections.  Other requests may
 * become whole meanwhile; a connection that sleeps when the library is stopped
 * would end the process.
 */
void
sc_listener_close(void)
{
	ScHook *hook = sc_listener_take(SC_HOOK_QUEUE_MAX);

	is_closing = true;
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
	is_closing = false;
}

bool
sc_listener_is_closing(void)
{
	return is_closing;
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
	return sc_listener_waiting() > 0 ? 0 : at_most;
}

int
sc_listener_connections(void)
{
	return nclients;
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
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, sc_listener_request, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int) SC_HOOK_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t) (2 * SC_HOOK_HEADER_BYTES_MAX), MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int) IDLE_TIMEOUT_S, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_NOTIFY_CONNECTION,
		track_client, NULL, MHD_OPTION_NOTIFY_COMPLETED, sc_listener_forget, NULL, MHD_OPTION_END);

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
		ScClient *client = calloc(1, sizeof(ScClient));

		*socket_cls = client;
		if (client == NULL)
			return;
		make_room();
		client->fd = info->connect_fd;
		client->since = sc_listener_clock();
		dlist_push_tail(&clients, &client->node);
		nclients++;
	}
	else if (*socket_cls != NULL)
	{
		ScClient *client = *socket_cls;

		dlist_delete(&client->node);
		nclients--;
		free(client);
		*socket_cls = NULL;
	}
}

/*
 * When nearly all places are taken, the one that idles longest gives up its
 * own, else the one that has been at its body for longest: senders that send
 * are served.
 */
static void
make_room(void)
{
	ScClient *slowest = NULL;
	dlist_iter iter;

	if (nclients < SC_HOOK_CONNECTIONS_MAX - SC_HOOK_CONNECTIONS_MAX / 8)
		return;
	dlist_foreach(iter, &clients)
	{
		ScClient *client = dlist_container(ScClient, node, iter.cur);

		if (client->ended || is_being_served(client))
			continue;
		if (client->hook == NULL)
		{
			sc_listener_end_client(client, 0);
			return;
		}
		if (slowest == NULL || client->since < slowest->since)
			slowest = client;
	}
	if (slowest != NULL)
		sc_listener_end_client(slowest, 503);
}

/* A socket that is closed over bytes nobody has read takes the answer back: while a body comes only our half is shut. */
void
sc_listener_end_client(ScClient *client, int status)
{
	char answer[LAST_WORDS_MAX];

	if (client->ended)
		return;
	client->ended = true;
	client->since = sc_listener_clock();
	if (status != 0)
	{
		int len = snprintf(answer, sizeof(answer), "HTTP/1.1 %d %s\r\nConnection: close\r\n",
						   status, sc_listener_status_words(status));

		if (status == 503)
			len += snprintf(answer + len, sizeof(answer) - len, "Retry-After: %d\r\n",
							SC_HOOK_RETRY_AFTER_S);
		len += snprintf(answer + len, sizeof(answer) - len, "Content-Length: 0\r\n\r\n");
		ssize_t sent = send(client->fd, answer, (size_t) len, MSG_DONTWAIT | MSG_NOSIGNAL);

		(void) sent;
	}
	shutdown(client->fd, status == 413 || client->discarded > 0 ? SHUT_WR : SHUT_RDWR);
}

void
sc_listener_discard(ScClient *client, int status, size_t len)
{
	client->discarded += len;
	if (client->discarded > SC_HOOK_BODY_MAX)
		sc_listener_end_client(client, status);
	if (client->discarded > DISCARD_MAX)
		shutdown(client->fd, SHUT_RDWR);
}

/* Headers and bodies have their time; a request that waits for the database has all it needs. */
static void
expire_clients(void)
{
	time_t now = sc_listener_clock();
	dlist_iter iter;

	dlist_foreach(iter, &clients)
	{
		ScClient *client = dlist_container(ScClient, node, iter.cur);
		time_t limit = client->hook == NULL ? SC_HOOK_HEADER_TIME_S : SC_HOOK_BODY_TIME_S;

		if (client->ended && now - client->since > SC_HOOK_DISCARD_TIME_S)
			shutdown(client->fd, SHUT_RDWR);
		if (!client->ended && !is_being_served(client) && now - client->since > limit)
			sc_listener_end_client(client, 408);
	}
}

/* Its request is whole, or its answer is on its way: what is left to do is ours. */
static bool
is_being_served(const ScClient *client)
{
	return client->hook != NULL && (client->hook->whole || client->hook->answered);
}

time_t
sc_listener_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}
