/*
 * auth.h
 *	  Secrets by reference, and the headers they become.
 *
 * A secret is read from syncore.secret_directory (regular file, inside it, not
 * readable by group or others, owned by the server's user) or from the environment, used, and wiped.  It is
 * never in a message, a log line, or memory that outlives the transfer.
 */
#ifndef SC_NET_AUTH_H
#define SC_NET_AUTH_H

#include "core/call.h"

#define SC_SECRET_MAX (64 * 1024)

typedef struct ScCredential /* one row of syncore.credential */
{
	char *kind;
	char *reference;
	char *username;
	Jsonb *settings;
	char *host;
} ScCredential;

/* The secret's bytes (NUL-terminated, trailing line end cut); NULL with *error (names the reference, never the content). */
extern char *sc_auth_secret(const char *reference, const char *directory, char **error);
extern void sc_auth_wipe(char *secret);

/* Headers for a request to base_url's host: none, basic, bearer, header.  False with *error. */
extern bool sc_auth_headers(const ScCredential *credential, const char *base_url,
							const char *directory, ScHeaderList *headers, char **error);
extern void sc_auth_free_headers(ScHeaderList *headers);

/*
 * Blots the secret and the headers made of it out of an answer.  A peer may
 * repeat what it was sent, and what it says of an error is kept.
 */
extern void sc_auth_blot(const ScCredential *credential, const char *base_url,
						 const char *directory, ScResponse *response);

#endif
