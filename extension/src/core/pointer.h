/*
 * pointer.h
 *	  JSON Pointer (RFC 6901): compiled once, read from and written into Jsonb.
 */
#ifndef SC_CORE_POINTER_H
#define SC_CORE_POINTER_H

#include "postgres.h"
#include "utils/jsonb.h"

#define SC_POINTER_STEPS_MAX 32
#define SC_POINTER_LENGTH_MAX 1024

typedef struct ScPointer
{
	int len;
	char *steps[SC_POINTER_STEPS_MAX]; /* unescaped */
} ScPointer;

/* NULL when the text is no pointer; *reason then says why (static text). */
extern ScPointer *sc_pointer_parse(const char *text, const char **reason);

/*
 * The value at the pointer; NULL when absent.  "-" and members of a scalar are
 * absent.  The result is a Jsonb of its own in the current context (a scalar
 * is wrapped as PostgreSQL does: raw scalar array).
 */
extern Jsonb *sc_pointer_get(Jsonb *document, const ScPointer *pointer);
extern Jsonb *sc_pointer_get_text(Jsonb *document, const char *pointer);

/* As sc_pointer_get_text without making a Jsonb: the value inside the document; false when absent. */
extern bool sc_pointer_find(Jsonb *document, const char *pointer, JsonbValue *value);

/* Convenience: text at a pointer (number and boolean in their JSON spelling); NULL when absent, null, or a container. */
extern char *sc_pointer_get_cstring(Jsonb *document, const char *pointer);

/*
 * A copy of document (NULL = empty object) with value put at pointer; objects
 * on the way are made.  A numeric step into an existing array replaces or, one
 * past the end or "-", appends.  NULL value stores JSON null.
 */
extern Jsonb *sc_pointer_set(Jsonb *document, const ScPointer *pointer, Jsonb *value);
extern Jsonb *sc_pointer_remove(Jsonb *document, const ScPointer *pointer);

/* JSON Merge Patch (RFC 7396) of two documents. */
extern Jsonb *sc_pointer_merge_patch(Jsonb *target, Jsonb *patch);

#endif
