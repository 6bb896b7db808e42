/*
 * address.h
 *	  Where a call may go: addresses, hosts, origins.  Looks at what a name was
 *	  resolved to, never at how it was spelt.
 */
#ifndef SC_NET_ADDRESS_H
#define SC_NET_ADDRESS_H

#include "postgres.h"

#include <sys/socket.h>

/*
 * Why this address may not be connected to, as the rest of a sentence ("is a
 * loopback address"); NULL when it may.  With allow_private only addresses
 * that are no single host's stay refused.
 */
extern const char *sc_address_refusal(const struct sockaddr *address, socklen_t len,
									  bool allow_private);

/* Is the host on the list (host names and *.domain, comma-separated)?  An empty list allows all. */
extern bool sc_address_host_allowed(const char *host, const char *list);

/* Do both URLs have the same scheme, host and port, and neither a user? */
extern bool sc_address_same_origin(const char *url, const char *other);

/* The host of a URL in lower case, with ":port" when with_port and it is not the scheme's own; palloc'd, NULL = no URL. */
extern char *sc_address_host(const char *url, bool with_port);

#endif
