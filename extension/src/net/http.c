/*
 * http.c
 *	  Many transfers at once behind one epoll descriptor.
 *
 * libcurl's sockets and timers live in an epoll set of our own; the worker
 * waits for that one descriptor in its WaitEventSet and calls sc_http_pump.
 * There are two pools of connections, so that one opened to a private address
 * is never used again for a system that may not go there.
 *
 * Callbacks run inside libcurl: they never throw and never palloc.  What they
 * gather is malloc'ed, bounded, and freed with the transfer.  Signals are
 * blocked while libcurl may start its resolver thread, so that none of the
 * server's handlers ever runs there.
 *
 * A write is never repeated by libcurl: its body is read through a callback
 * that cannot be rewound, and without a body it gets a fresh connection.
 */
#include "postgres.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lib/ilist.h"
#include "utils/timestamp.h"

#include "net/address.h"
#include "net/http.h"

#define POOLS 2
#define IDLE_CONNECTIONS_MAX 64L
#define IDLE_CONNECTION_AGE_S 20L
#define LOW_SPEED_BYTES 10L
#define LOW_SPEED_SECONDS 20L
#define EVENTS_PER_PUMP 64
#define BODY_START 4096
#define TIMER_MARK UINT32_MAX

typedef struct Pool
{
	ScHttp *http;
	uint32 number; /* 0: public addresses only, 1: private ones too */
	CURLM *multi;
	int timer; /* timerfd */
} Pool;

struct ScHttp
{
	int epoll;
	Pool pools[POOLS];
	dlist_head running;
	dlist_head done;
	dlist_head spare; /* transfers whose handle waits to be used again */
	int in_flight;
};

struct ScTransfer
{
	dlist_node node;
	Pool *pool;
	CURL *easy;
	void *owner;
	struct curl_slist *headers; /* holds credentials: wiped */
	char *request_body;
	size_t request_len;
	size_t request_at;
	char *body;
	size_t body_len;
	size_t body_size;
	char *head; /* header lines of the last response, NUL-separated */
	size_t head_len;
	int head_count;
	bool allow_private;
	const char *refusal;  /* of an address that was not connected to */
	const char *overflow; /* which limit the answer broke */
	CURLcode result;
	long status;
	long request_size; /* bytes of the request that left */
	curl_off_t duration_us;
	TimestampTz arrived_at;
	char message[CURL_ERROR_SIZE];
};

static bool make_pool(ScHttp *http, uint32 number);
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg);
static int on_timer(CURLM *multi, long timeout_ms, void *arg);
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address);
static size_t on_header(char *data, size_t size, size_t count, void *arg);
static size_t on_body(char *data, size_t size, size_t count, void *arg);
static size_t on_read(char *data, size_t size, size_t count, void *arg);
static ScTransfer *take_transfer(ScHttp *http);
static char *check_target(const ScHttpTarget *target, const ScRequest *request);
static bool set_headers(ScTransfer *transfer, const ScHeader *headers, int n);
static bool is_clean(const ScHeader *header);
static void set_limits(ScTransfer *transfer, const ScHttpTarget *target);
static void set_security(ScTransfer *transfer, const ScHttpTarget *target);
static bool set_request(ScTransfer *transfer, const ScRequest *request);
static void block_signals(sigset_t *old);
static void act_on(ScHttp *http, const struct epoll_event *event);
static void gather_finished(Pool *pool);
static void finish(ScTransfer *transfer, CURLcode result);
static ScResponse *make_response(const ScTransfer *transfer);
static void copy_headers(const ScTransfer *transfer, ScResponse *response);
static void recycle(ScHttp *http, ScTransfer *transfer);
static void wipe_headers(ScTransfer *transfer);
static void free_transfer(ScTransfer *transfer);

ScHttp *
sc_http_create(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		ereport(ERROR, (errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
						errmsg("could not initialize libcurl")));
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
	if ((info->features & CURL_VERSION_ASYNCHDNS) == 0 || (info->features & CURL_VERSION_SSL) == 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("libcurl lacks an asynchronous resolver or TLS"),
						errhint("Install a libcurl built with the threaded resolver or c-ares, and "
								"with OpenSSL.")));
	ScHttp *http = malloc(sizeof(ScHttp));
	if (http == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	memset(http, 0, sizeof(*http));
	dlist_init(&http->running);
	dlist_init(&http->done);
	dlist_init(&http->spare);
	http->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (http->epoll < 0 || !make_pool(http, 0) || !make_pool(http, 1))
		ereport(ERROR, (errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
						errmsg("could not prepare for calling other systems: %m")));
	return http;
}

static bool
make_pool(ScHttp *http, uint32 number)
{
	Pool *pool = &http->pools[number];
	struct epoll_event event = { .events = EPOLLIN,
								 .data.u64 = ((uint64) number << 32) | TIMER_MARK };

	pool->http = http;
	pool->number = number;
	pool->multi = curl_multi_init();
	pool->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (pool->multi == NULL || pool->timer < 0 ||
		epoll_ctl(http->epoll, EPOLL_CTL_ADD, pool->timer, &event) < 0)
		return false;
	curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool);
	curl_multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool);
	curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS_MAX);
	curl_multi_setopt(pool->multi, CURLMOPT_PIPELINING, (long) CURLPIPE_NOTHING);
	return true;
}

void
sc_http_destroy(ScHttp *http)
{
	dlist_mutable_iter iter;

	sc_http_abort_all(http);
	dlist_foreach_modify(iter, &http->spare)
		free_transfer(dlist_container(ScTransfer, node, iter.cur));
	for (int i = 0; i < POOLS; i++)
	{
		curl_multi_cleanup(http->pools[i].multi);
		close(http->pools[i].timer);
	}
	close(http->epoll);
	free(http);
}

int
sc_http_fd(ScHttp *http)
{
	return http->epoll;
}

int
sc_http_in_flight(ScHttp *http)
{
	return http->in_flight;
}

/* libcurl: watch this socket for these events. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	Pool *pool = arg;
	struct epoll_event event = { .data.u64 = ((uint64) pool->number << 32) | (uint32) fd };

	if (what == CURL_POLL_REMOVE)
	{
		epoll_ctl(pool->http->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		event.events |= EPOLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		event.events |= EPOLLOUT;
	if (epoll_ctl(pool->http->epoll, EPOLL_CTL_MOD, fd, &event) == 0)
		return 0;
	return epoll_ctl(pool->http->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -1;
}

/* libcurl: call me again in so many milliseconds; -1 = never. */
static int
on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	Pool *pool = arg;
	struct itimerspec when = { 0 };

	if (timeout_ms == 0)
		when.it_value.tv_nsec = 1;
	else if (timeout_ms > 0)
	{
		when.it_value.tv_sec = timeout_ms / 1000;
		when.it_value.tv_nsec = (timeout_ms % 1000) * 1000000;
	}
	return timerfd_settime(pool->timer, 0, &when, NULL) == 0 ? 0 : -1;
}

/* libcurl: open a socket to this resolved address.  Here an address is refused, whatever it was called. */
static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	ScTransfer *transfer = arg;
	const char *refusal =
		sc_address_refusal(&address->addr, address->addrlen, transfer->allow_private);

	if (purpose != CURLSOCKTYPE_IPCXN && refusal == NULL)
		refusal = "is no internet address";
	if (refusal != NULL)
	{
		transfer->refusal = refusal;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* libcurl: one header line.  Keeps those of the last response (not of a 100). */
static size_t
on_header(char *data, size_t size, size_t count, void *arg)
{
	ScTransfer *transfer = arg;
	size_t len = size * count;
	size_t kept = len;

	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
	{
		transfer->head_len = 0;
		transfer->head_count = 0;
		return len;
	}
	while (kept > 0 && (data[kept - 1] == '\r' || data[kept - 1] == '\n'))
		kept--;
	if (kept == 0)
		return len;
	if (transfer->head_len + kept + 1 > SC_HTTP_HEADERS_MAX ||
		transfer->head_count >= SC_HTTP_HEADER_COUNT_MAX || memchr(data, '\0', kept) != NULL)
	{
		transfer->overflow = "headers";
		return 0;
	}
	if (transfer->head == NULL)
		transfer->head = malloc(SC_HTTP_HEADERS_MAX);
	if (transfer->head == NULL)
		return 0;
	memcpy(transfer->head + transfer->head_len, data, kept);
	transfer->head[transfer->head_len + kept] = '\0';
	transfer->head_len += kept + 1;
	transfer->head_count++;
	return len;
}

/* libcurl: a piece of the body. */
static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
	ScTransfer *transfer = arg;
	size_t len = size * count;

	if (len > SC_HTTP_BODY_MAX - transfer->body_len)
	{
		transfer->overflow = "body";
		return 0;
	}
	if (transfer->body_len + len + 1 > transfer->body_size)
	{
		size_t wanted = Max(transfer->body_size * 2, BODY_START);

		while (wanted < transfer->body_len + len + 1)
			wanted *= 2;
		char *larger = realloc(transfer->body, wanted);
		if (larger == NULL)
			return 0;
		transfer->body = larger;
		transfer->body_size = wanted;
	}
	memcpy(transfer->body + transfer->body_len, data, len);
	transfer->body_len += len;
	transfer->body[transfer->body_len] = '\0';
	return len;
}

/* libcurl: give me more of the request's body. */
static size_t
on_read(char *data, size_t size, size_t count, void *arg)
{
	ScTransfer *transfer = arg;
	size_t len = Min(size * count, transfer->request_len - transfer->request_at);

	memcpy(data, transfer->request_body + transfer->request_at, len);
	transfer->request_at += len;
	return len;
}

ScTransfer *
sc_http_start(ScHttp *http, const ScHttpTarget *target, const ScRequest *request, void *owner,
			  char **error)
{
	*error = check_target(target, request);
	if (*error != NULL)
		return NULL;
	ScTransfer *transfer = take_transfer(http);
	if (transfer == NULL)
	{
		*error = pstrdup("out of memory");
		return NULL;
	}
	transfer->owner = owner;
	transfer->allow_private = target->allow_private;
	transfer->pool = &http->pools[target->allow_private ? 1 : 0];
	if (!set_headers(transfer, request->headers, request->nheaders) ||
		!set_headers(transfer, target->auth.items, target->auth.n) ||
		!set_request(transfer, request))
	{
		recycle(http, transfer);
		*error = pstrdup("a request header holds a character that it may not hold");
		return NULL;
	}
	set_limits(transfer, target);
	set_security(transfer, target);
	sigset_t old;
	block_signals(&old);
	CURLMcode code = curl_multi_add_handle(transfer->pool->multi, transfer->easy);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (code != CURLM_OK)
	{
		recycle(http, transfer);
		*error = pstrdup(curl_multi_strerror(code));
		return NULL;
	}
	dlist_push_tail(&http->running, &transfer->node);
	http->in_flight++;
	return transfer;
}

/* Why this URL may not be called at all; NULL when it may. */
static char *
check_target(const ScHttpTarget *target, const ScRequest *request)
{
	char *host = sc_address_host(request->url, false);

	if (host == NULL)
		return pstrdup("the request's URL is none");
	bool allowed = sc_address_host_allowed(host, target->allowed_hosts);
	char *error = allowed ? NULL : psprintf("host \"%s\" is not in syncore.allowed_hosts", host);
	pfree(host);
	return error;
}

static ScTransfer *
take_transfer(ScHttp *http)
{
	if (!dlist_is_empty(&http->spare))
		return dlist_container(ScTransfer, node, dlist_pop_head_node(&http->spare));
	ScTransfer *transfer = calloc(1, sizeof(ScTransfer));
	if (transfer == NULL)
		return NULL;
	transfer->easy = curl_easy_init();
	if (transfer->easy != NULL)
		return transfer;
	free(transfer);
	return NULL;
}

static bool
set_headers(ScTransfer *transfer, const ScHeader *headers, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (!is_clean(&headers[i]))
			return false;
		char *line = headers[i].value[0] ? psprintf("%s: %s", headers[i].name, headers[i].value)
										 : psprintf("%s;", headers[i].name);
		struct curl_slist *longer = curl_slist_append(transfer->headers, line);
		explicit_bzero(line, strlen(line));
		pfree(line);
		if (longer == NULL)
			return false;
		transfer->headers = longer;
	}
	return true;
}

/* No line ends, nor anything else that would start another header. */
static bool
is_clean(const ScHeader *header)
{
	if (header->name[0] == '\0')
		return false;
	for (const unsigned char *at = (const unsigned char *) header->name; *at; at++)
		if (*at <= ' ' || *at >= 0x7f || *at == ':' || *at == ';')
			return false;
	for (const unsigned char *at = (const unsigned char *) header->value; *at; at++)
		if ((*at < ' ' && *at != '\t') || *at == 0x7f)
			return false;
	return true;
}

static bool
set_request(ScTransfer *transfer, const ScRequest *request)
{
	CURL *easy = transfer->easy;
	struct curl_slist *longer = curl_slist_append(transfer->headers, "Expect:");

	if (longer == NULL)
		return false;
	transfer->headers = longer;
	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	if (request->body != NULL || strcmp(request->method, "POST") == 0)
	{
		transfer->request_len = request->body ? request->body_len : 0;
		transfer->request_body = malloc(transfer->request_len + 1);
		if (transfer->request_body == NULL)
			return false;
		memcpy(transfer->request_body, request->body ? request->body : "", transfer->request_len);
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) transfer->request_len);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
	}
	else
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
	if (request->writes && transfer->request_len == 0)
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	return true;
}

static void
set_limits(ScTransfer *transfer, const ScHttpTarget *target)
{
	CURL *easy = transfer->easy;
	long timeout = target->timeout_ms > 0 ? target->timeout_ms : SC_HTTP_TOTAL_TIMEOUT_MS;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->message);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* a name server that hangs must hold up nobody but its own transfer, nor a shutdown */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
					 Min(timeout, (long) SC_HTTP_CONNECT_TIMEOUT_MS));
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, LOW_SPEED_SECONDS);
	curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) SC_HTTP_BODY_MAX);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_CONNECTION_AGE_S);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
}

static void
set_security(ScTransfer *transfer, const ScHttpTarget *target)
{
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, target->allow_http ? "http,https" : "https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	if (target->ca_file != NULL && target->ca_file[0] != '\0')
	{
		curl_easy_setopt(easy, CURLOPT_CAINFO, target->ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "syncore/0.1");
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
}

static void
block_signals(sigset_t *old)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, old);
}

void
sc_http_pump(ScHttp *http)
{
	struct epoll_event events[EVENTS_PER_PUMP];
	sigset_t old;

	block_signals(&old);
	int n = epoll_wait(http->epoll, events, EVENTS_PER_PUMP, 0);
	for (int i = 0; i < n; i++)
		act_on(http, &events[i]);
	for (int i = 0; i < POOLS; i++)
		gather_finished(&http->pools[i]);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void
act_on(ScHttp *http, const struct epoll_event *event)
{
	Pool *pool = &http->pools[event->data.u64 >> 32];
	uint32 mark = (uint32) event->data.u64;
	int running;

	if (mark == TIMER_MARK)
	{
		uint64 ticks;

		if (read(pool->timer, &ticks, sizeof(ticks)) == sizeof(ticks))
			curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0, &running);
		return;
	}
	int bits = 0;
	if (event->events & (EPOLLIN | EPOLLHUP))
		bits |= CURL_CSELECT_IN;
	if (event->events & EPOLLOUT)
		bits |= CURL_CSELECT_OUT;
	if (event->events & EPOLLERR)
		bits |= CURL_CSELECT_ERR;
	curl_multi_socket_action(pool->multi, (curl_socket_t) mark, bits, &running);
}

static void
gather_finished(Pool *pool)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(pool->multi, &left)) != NULL)
	{
		char *transfer = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode result = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		finish((ScTransfer *) transfer, result);
	}
}

static void
finish(ScTransfer *transfer, CURLcode result)
{
	ScHttp *http = transfer->pool->http;

	transfer->result = result;
	transfer->arrived_at = GetCurrentTimestamp();
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &transfer->status);
	curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &transfer->request_size);
	curl_easy_getinfo(transfer->easy, CURLINFO_TOTAL_TIME_T, &transfer->duration_us);
	curl_multi_remove_handle(transfer->pool->multi, transfer->easy);
	dlist_delete(&transfer->node);
	dlist_push_tail(&http->done, &transfer->node);
	http->in_flight--;
}

void *
sc_http_peek(ScHttp *http)
{
	return dlist_is_empty(&http->done)
			   ? NULL
			   : dlist_container(ScTransfer, node, dlist_head_node(&http->done))->owner;
}

void *
sc_http_next(ScHttp *http, MemoryContext cxt, ScResponse **response)
{
	if (dlist_is_empty(&http->done))
		return NULL;
	ScTransfer *transfer = dlist_container(ScTransfer, node, dlist_head_node(&http->done));
	MemoryContext old = MemoryContextSwitchTo(cxt);
	*response = make_response(transfer);
	MemoryContextSwitchTo(old);
	void *owner = transfer->owner;
	dlist_delete(&transfer->node);
	recycle(http, transfer);
	return owner;
}

static ScResponse *
make_response(const ScTransfer *transfer)
{
	ScResponse *response = palloc0(sizeof(ScResponse));

	response->duration_us = transfer->duration_us;
	response->arrived_at = transfer->arrived_at;
	response->body = palloc(transfer->body_len + 1);
	if (transfer->body_len > 0)
		memcpy(response->body, transfer->body, transfer->body_len);
	response->body[transfer->body_len] = '\0';
	response->body_len = transfer->body_len;
	copy_headers(transfer, response);
	if (transfer->result == CURLE_OK)
	{
		response->transport = SC_TRANSPORT_ANSWERED;
		response->status = (int) transfer->status;
		return response;
	}
	response->transport = transfer->request_size > 0 ? SC_TRANSPORT_LOST : SC_TRANSPORT_NOT_SENT;
	if (transfer->overflow != NULL || transfer->result == CURLE_FILESIZE_EXCEEDED)
		response->error = psprintf("the answer's %s is larger than allowed",
								   transfer->overflow ? transfer->overflow : "body");
	else if (transfer->refusal != NULL && response->transport == SC_TRANSPORT_NOT_SENT)
		response->error = psprintf("address not allowed: the host's address %s", transfer->refusal);
	else
		response->error = pstrdup(transfer->message[0] ? transfer->message
													   : curl_easy_strerror(transfer->result));
	return response;
}

/* Names in lower case, values without the space around them. */
static void
copy_headers(const ScTransfer *transfer, ScResponse *response)
{
	const char *line = transfer->head;

	response->headers = palloc0(sizeof(ScHeader) * Max(transfer->head_count, 1));
	for (int i = 0; i < transfer->head_count; i++, line += strlen(line) + 1)
	{
		const char *colon = strchr(line, ':');

		if (colon == NULL)
			continue;
		ScHeader *header = &response->headers[response->nheaders++];
		header->name = pnstrdup(line, colon - line);
		for (char *at = header->name; *at; at++)
			*at = pg_ascii_tolower((unsigned char) *at);
		header->value = pstrdup(colon + 1 + strspn(colon + 1, " \t"));
		size_t len = strlen(header->value);
		while (len > 0 && (header->value[len - 1] == ' ' || header->value[len - 1] == '\t'))
			header->value[--len] = '\0';
	}
}

/* Makes a transfer ready for the next request; its handle keeps nothing of this one. */
static void
recycle(ScHttp *http, ScTransfer *transfer)
{
	CURL *easy = transfer->easy;

	curl_easy_reset(easy);
	wipe_headers(transfer);
	if (transfer->request_body != NULL) /* a registration carries a secret */
		explicit_bzero(transfer->request_body, transfer->request_len);
	free(transfer->request_body);
	free(transfer->body);
	free(transfer->head);
	memset(transfer, 0, sizeof(*transfer));
	transfer->easy = easy;
	dlist_push_head(&http->spare, &transfer->node);
}

static void
wipe_headers(ScTransfer *transfer)
{
	for (struct curl_slist *at = transfer->headers; at != NULL; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
}

static void
free_transfer(ScTransfer *transfer)
{
	curl_easy_cleanup(transfer->easy);
	free(transfer);
}

void
sc_http_abort_all(ScHttp *http)
{
	while (!dlist_is_empty(&http->running))
	{
		ScTransfer *transfer =
			dlist_container(ScTransfer, node, dlist_pop_head_node(&http->running));

		curl_multi_remove_handle(transfer->pool->multi, transfer->easy);
		http->in_flight--;
		recycle(http, transfer);
	}
	while (!dlist_is_empty(&http->done))
		recycle(http, dlist_container(ScTransfer, node, dlist_pop_head_node(&http->done)));
}
