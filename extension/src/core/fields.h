/*
 * fields.h
 *	  Lists that are sorted by the name of a field: values of an entity, stamps,
 *	  shadows.  An item of any such list begins with its name, a char *.
 */
#ifndef SC_CORE_FIELDS_H
#define SC_CORE_FIELDS_H

#include "postgres.h"

/* Where the item of that name is, or would be; size is that of an item. */
extern int sc_fields_seek(const void *items, int len, size_t size, const char *name, bool *found);

/* A copy of the list with a zeroed item of that name at a place sc_fields_seek gave; the old one is left as it is. */
extern void *sc_fields_insert(const void *items, int len, size_t size, int at, const char *name);

/* For a list that came in another order. */
extern void sc_fields_sort(void *items, int len, size_t size);

#endif
