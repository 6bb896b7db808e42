/*
 * listener.h
 *	  The parts of the listener: sockets and HTTP on one side, the database on
 *	  the other, and requests that travel between them.
 *
 * A request is made by the HTTP side in malloc'ed memory and belongs to it.
 * Once its body is whole its connection is suspended and the request waits in
 * a list; the database side sets its answer; the HTTP side then sends that and
 * frees it.  Nothing frees a request while its connection is suspended.
 */
#ifndef SC_WORKER_LISTENER_H
#define SC_WORKER_LISTENER_H

#include "postgres.h"
#include "core/call.h"
#include "worker/shared.h"

#define SC_HOOK_BODY_MAX (1024 * 1024)
#define SC_HOOK_HEADERS_MAX 100
#define SC_HOOK_HEADER_BYTES_MAX (32 * 1024)
#define SC_HOOK_CONNECTIONS_MAX 256
#define SC_HOOK_QUEUE_MAX 1000 /* whole requests that wait for the database */
#define SC_HOOK_QUEUE_BYTES_MAX (64 * 1024 * 1024)
#define SC_HOOK_BATCH_MAX 500 /* requests of one commit */
#define SC_HOOK_HEADER_TIME_S                                                                      \
	15 /* from the first byte, or the last answer, to the end of the headers */
#define SC_HOOK_BODY_TIME_S 30	 /* from the headers to the end of the body */
#define SC_HOOK_DISCARD_TIME_S 5 /* for what follows a body that was refused */
#define SC_HOOK_RETRY_AFTER_S 5
#define SC_HOOK_SOCKETS_MAX 16
#define SC_HOOK_NAME_MAX 40

typedef struct ScHook /* one webhook on its way */
{
	struct ScHook *next; /* in the list of those that wait for the database */
	void *connection;	 /* of the HTTP library; suspended while the request waits */
	void *client;		 /* the HTTP side's own record of the connection */
	bool whole;			 /* the body is complete: it waits, or has its answer */
	bool answered;		 /* the answer is with the library */
	char space[SC_HOOK_NAME_MAX + 1];
	char system[SC_HOOK_NAME_MAX + 1];
	int nheaders;
	ScHeader headers[SC_HOOK_HEADERS_MAX]; /* names in lower case; malloc'ed */
	char *body;							   /* raw, malloc'ed, NUL behind its end */
	size_t body_len;
	size_t body_room;
	size_t expected;  /* Content-Length; 0 = unknown */
	int status;		  /* the answer; 0 = none yet */
	int64 event;	  /* of an accepted one */
	char outcome[24]; /* what became of it, for the answer's body; empty = not stored */
} ScHook;

/* listener_socket.c, listener_http.c: never throws, never touches the database or palloc. */
extern int sc_listener_open(const char *addresses, int port, char *problem,
							size_t problem_len); /* sockets opened */
extern void sc_listener_close(void);			 /* answers what waits with 503 first */
extern int sc_listener_fds(int *fds); /* descriptors to wait for; at most SC_HOOK_SOCKETS_MAX */
extern void sc_listener_pump(void);	  /* reads, writes and expires what is ready, without waiting */
extern long sc_listener_wait_ms(long at_most);
extern ScHook *
sc_listener_take(int max); /* requests that wait, oldest first; each must get an answer */
extern void
sc_listener_answer(ScHook *hook);	  /* with status set: sends it, and the request is gone */
extern int sc_listener_waiting(void); /* how many wait for the database */
extern int sc_listener_connections(void);
extern void sc_listener_set_healthy(bool healthy); /* what /healthz says */

/* listener_store.c: checks signatures and stores, in one transaction.  Raises when that fails: then nothing was stored. */
extern void sc_listener_store(ScWorkerSlot *slot, ScHook *hooks);

#endif
