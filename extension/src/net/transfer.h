/*
 * transfer.h
 *	  One transfer of http.c, from request to answer.  For net/http.c only.
 */
#ifndef SC_NET_TRANSFER_H
#define SC_NET_TRANSFER_H

#include "postgres.h"

#include <curl/curl.h>

#include "lib/ilist.h"
#include "utils/timestamp.h"

#include "net/http.h"

struct ScTransfer
{
	dlist_node node;
	struct Pool *pool; /* of http.c */
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

/* An empty transfer with a handle of libcurl; NULL = out of memory. */
extern ScTransfer *sc_transfer_create(void);

/* Copies all it needs of target and request.  False when a header holds what it may not hold: clear it then. */
extern bool sc_transfer_prepare(ScTransfer *transfer, const ScHttpTarget *target,
								const ScRequest *request);

/* Takes down how it ended, before the handle leaves its pool. */
extern void sc_transfer_finish(ScTransfer *transfer, CURLcode result);

/* The answer, palloc'd in the current context. */
extern ScResponse *sc_transfer_response(const ScTransfer *transfer);

/* Makes it ready for the next request; its handle keeps nothing of this one. */
extern void sc_transfer_clear(ScTransfer *transfer);

#endif
