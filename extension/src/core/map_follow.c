/*
 * map_follow.c
 *	  A record names an object that is kept elsewhere in its product (its caller
 *	  by id), and a field is read of that object (the caller's mail address).
 *
 * Only a record is followed, when it is read.  What is taken of the object is
 * the external value from then on: it is what the shadow holds, so that another
 * address of the same caller is a change, and the same address of another one
 * is none.  Nobody writes there: such rows are read only.
 *
 * What is not here is not waited for.  The field is left as it was, the rest of
 * the record goes on, and the result says that the object is wanted.
 */
#include "postgres.h"

#include "core/map_private.h"

static bool is_askable(const char *id);

bool
sc_map_follow(ScMapRun *run, Jsonb **external)
{
	Jsonb *object = NULL;
	Jsonb *taken;
	char *id;

	if (run->map->follow == NULL || sc_convert_is_nothing(*external))
		return true;
	*external = sc_convert_unwrap(run->map, *external);
	if (sc_convert_is_nothing(*external))
		return true;
	id = sc_convert_word(*external);
	run->out.outcome = SC_MAP_SKIPPED;
	if (id == NULL || !is_askable(id) || run->hooks == NULL || run->hooks->follow == NULL)
		return false;
	run->out.follows = id;
	switch (run->hooks->follow(run->system, run->map, id, &object))
	{
		case SC_FOLLOWED_UNKNOWN:
			run->out.wants = true;
			return false;
		case SC_FOLLOWED_MISSING:
			return false;
		case SC_FOLLOWED:
			break;
	}
	taken = sc_pointer_get(object, run->map->take);
	*external = taken == NULL ? sc_value_null().json : taken;
	return true;
}

/* It becomes a part of a path: nothing that leads elsewhere, nor without end. */
static bool
is_askable(const char *id)
{
	return strlen(id) <= SC_FOLLOW_ID_MAX && strcmp(id, ".") != 0 && strcmp(id, "..") != 0;
}
