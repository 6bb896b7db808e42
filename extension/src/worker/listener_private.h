/*
 * listener_private.h
 *	  What the HTTP side of the listener shares: connections, and the requests
 *	  on them.  For worker/listener_socket.c and listener_http.c.
 */
#ifndef SC_WORKER_LISTENER_PRIVATE_H
#define SC_WORKER_LISTENER_PRIVATE_H

#include "postgres.h"

#include <microhttpd.h>
#include <time.h>

#include "lib/ilist.h"

#include "worker/listener.h"

typedef struct ScClient /* one connection */
{
	dlist_node node;
	int fd;
	time_t since;	  /* start of what it is doing: reading headers, reading a body */
	ScHook *hook;	  /* the request; NULL while headers are read */
	bool ended;		  /* told, and shut down by us; the library will notice */
	size_t discarded; /* bytes of a body that is refused */
} ScClient;

/* Says why on the bare socket, where the library no longer can, and ends the connection.  status 0: without a word. */
extern void sc_listener_end_client(ScClient *client, int status);

/* A piece of a body that is refused: read, so that the other side gets to see why, up to a limit. */
extern void sc_listener_discard(ScClient *client, int status, size_t len);

/* True while the sockets are being closed: no connection may be put to sleep any more. */
extern bool sc_listener_is_closing(void);

/* Seconds of a clock that nobody sets. */
extern time_t sc_listener_clock(void);

/* The library's one way to us: at the headers, for pieces of the body, at its end, and after a resume. */
extern enum MHD_Result sc_listener_request(void *cls, struct MHD_Connection *connection,
										   const char *url, const char *method, const char *version,
										   const char *data, size_t *len, void **con_cls);

/* The library is done with a request, answered or not. */
extern void sc_listener_forget(void *cls, struct MHD_Connection *connection, void **con_cls,
							   enum MHD_RequestTerminationCode code);

/* A status in words, for the answer. */
extern const char *sc_listener_status_words(int status);

#endif
