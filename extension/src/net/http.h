/*
 * http.h
 *	  Many transfers at once: libcurl's multi interface behind one epoll
 *	  descriptor that a WaitEventSet can wait for.  No SPI, no ereport in
 *	  callbacks; limits always set.
 */
#ifndef SC_NET_HTTP_H
#define SC_NET_HTTP_H

#include "core/call.h"

#define SC_HTTP_BODY_MAX (8 * 1024 * 1024)
#define SC_HTTP_HEADERS_MAX (64 * 1024)
#define SC_HTTP_HEADER_COUNT_MAX 200
#define SC_HTTP_CONNECT_TIMEOUT_MS 5000
#define SC_HTTP_TOTAL_TIMEOUT_MS 30000

typedef struct ScHttp ScHttp; /* one per process */

typedef struct ScHttpTarget /* what holds for all transfers to one system */
{
	bool allow_http;
	bool allow_private;
	const char *ca_file;	   /* NULL = the system's store */
	const char *allowed_hosts; /* syncore.allowed_hosts; NULL or empty = any */
	int timeout_ms;			   /* 0 = default */
	ScHeaderList auth;		   /* headers that prove who calls; copied */
} ScHttpTarget;

typedef struct ScTransfer ScTransfer;

extern ScHttp *sc_http_create(void); /* curl_global_init happens here: workers only */
extern int sc_http_fd(ScHttp *http); /* the epoll descriptor */

/*
 * Starts a transfer.  request and the target's auth headers are copied.  owner comes back
 * with the result.  NULL when it could not even start; *error says why.
 */
extern ScTransfer *sc_http_start(ScHttp *http, const ScHttpTarget *target, const ScRequest *request,
								 void *owner, char **error);

/* Drives sockets and timers that are ready, without waiting. */
extern void sc_http_pump(ScHttp *http);

/* The owner of the next finished transfer, so that its context can be chosen; NULL = none. */
extern void *sc_http_peek(ScHttp *http);

/* The next finished transfer: its owner, and the response palloc'd in cxt; NULL = none. */
extern void *sc_http_next(ScHttp *http, MemoryContext cxt, ScResponse **response);

extern void sc_http_abort_all(ScHttp *http);

#endif
