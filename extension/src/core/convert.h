/*
 * convert.h
 *	  One scalar between the spelling of a product and its canonical spelling,
 *	  by the kind of its field.  No value maps, no null policy: that is map.c.
 */
#ifndef SC_CORE_CONVERT_H
#define SC_CORE_CONVERT_H

#include "core/conf.h"

#define SC_CONVERT_TEXT_MAX (1024 * 1024) /* bytes of one text */
#define SC_CONVERT_NUMBER_MAX 400		  /* characters of one number */

typedef struct ScConverted
{
	Jsonb *value; /* NULL: failed, and the rest says why */
	int sqlstate;
	const char *message; /* about "the value"; without its content */
	const char *hint;
} ScConverted;

/* "No value": JSON null, "" and [] (of any kind of field). */
extern bool sc_convert_is_nothing(Jsonb *external);

/*
 * What stands for a value that comes as an object: what map.list_member or
 * map.identity_space point to, else its member "value"; anything else is
 * returned as it is.
 */
extern Jsonb *sc_convert_unwrap(const ScFieldMap *map, Jsonb *external);

/* The text that a value map or identity map is asked for; NULL for containers and null. */
extern char *sc_convert_word(Jsonb *value);

/* One unwrapped external value that is not nothing → canonical.  Not for sets. */
extern ScConverted sc_convert_up(const ScFieldMap *map, Jsonb *external);

/* One canonical value that is not null → as the product spells it.  Not for sets. */
extern ScConverted sc_convert_down(const ScFieldMap *map, Jsonb *canonical);

/* The members of a set as a product spells it: elements of an array, or of a text split at the separator. */
extern int sc_convert_split(const ScFieldMap *map, Jsonb *external, Jsonb ***members);

/* A canonical set: sorted, each text once. */
extern Jsonb *sc_convert_set(int count, char **members);

/* A number's text without loss and without needless zeros; NULL when it is none or too long. */
extern char *sc_convert_number_text(const char *string);

#endif
