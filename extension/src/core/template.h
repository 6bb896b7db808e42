/*
 * template.h
 *	  URLs by URI Template (RFC 6570, levels 1-4), bodies by the same variables.
 *
 * A variable is a dotted name looked up in a context document:
 * {link.external_id} is /link/external_id.  In a body, a string that is one
 * whole "{name}" is replaced by the value with its JSON type, and its member
 * is left out when the value is absent; inside longer text the value's text
 * is put in as it is.
 */
#ifndef SC_CORE_TEMPLATE_H
#define SC_CORE_TEMPLATE_H

#include "postgres.h"
#include "utils/jsonb.h"

#define SC_TEMPLATE_LENGTH_MAX 8192

/* NULL when well-formed, else why not (static text). */
extern const char *sc_template_check(const char *uri_template);

/*
 * Expanded URI, palloc'd; values are percent-encoded as the RFC says.  NULL
 * when what was put in makes a "." or ".." segment of the path: do not send.
 */
extern char *sc_template_expand_uri(const char *uri_template, Jsonb *context);

/* Expanded body or header document. */
extern Jsonb *sc_template_expand(Jsonb *tmpl, Jsonb *context);
/* application/x-www-form-urlencoded of an object with scalar members. */
extern char *sc_template_form(Jsonb *object);

#endif
