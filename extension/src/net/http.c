/*
 * http.c
 *	  Many transfers at once behind one epoll descriptor.
 *
 * libcurl's sockets and timers live in an epoll set of our own; the worker
 * waits for that one descriptor in its WaitEventSet and calls sc_http_pump.
 * There are two pools of connections, so that one opened to a private address
 * is never used again for a system that may not go there.
 *
 * Callbacks run inside libcurl: they never throw and never palloc.  Signals are
 * blocked while libcurl may start its resolver thread, so that none of the
 * server's handlers ever runs there.
 */
#include "postgres.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "net/address.h"
#include "net/transfer.h"

#define POOLS 2
#define IDLE_CONNECTIONS_MAX 64L
#define EVENTS_PER_PUMP 64
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
};

static bool make_pool(ScHttp *http, uint32 number);
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg);
static int on_timer(CURLM *multi, long timeout_ms, void *arg);
static char *check_target(const ScHttpTarget *target, const ScRequest *request);
static ScTransfer *take_transfer(ScHttp *http);
static void block_signals(sigset_t *old);
static void act_on(ScHttp *http, const struct epoll_event *event);
static void gather_finished(Pool *pool);
static void finish(ScTransfer *transfer, CURLcode result);
static void recycle(ScHttp *http, ScTransfer *transfer);

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

int
sc_http_fd(ScHttp *http)
{
	return http->epoll;
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
	transfer->pool = &http->pools[target->allow_private ? 1 : 0];
	if (!sc_transfer_prepare(transfer, target, request))
	{
		recycle(http, transfer);
		*error = pstrdup("a request header holds a character that it may not hold");
		return NULL;
	}
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
	if (dlist_is_empty(&http->spare))
		return sc_transfer_create();
	return dlist_container(ScTransfer, node, dlist_pop_head_node(&http->spare));
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

	sc_transfer_finish(transfer, result);
	curl_multi_remove_handle(transfer->pool->multi, transfer->easy);
	dlist_delete(&transfer->node);
	dlist_push_tail(&http->done, &transfer->node);
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
	*response = sc_transfer_response(transfer);
	MemoryContextSwitchTo(old);
	void *owner = transfer->owner;
	dlist_delete(&transfer->node);
	recycle(http, transfer);
	return owner;
}

static void
recycle(ScHttp *http, ScTransfer *transfer)
{
	sc_transfer_clear(transfer);
	dlist_push_head(&http->spare, &transfer->node);
}

void
sc_http_abort_all(ScHttp *http)
{
	while (!dlist_is_empty(&http->running))
	{
		ScTransfer *transfer =
			dlist_container(ScTransfer, node, dlist_pop_head_node(&http->running));

		curl_multi_remove_handle(transfer->pool->multi, transfer->easy);
		recycle(http, transfer);
	}
	while (!dlist_is_empty(&http->done))
		recycle(http, dlist_container(ScTransfer, node, dlist_pop_head_node(&http->done)));
}
