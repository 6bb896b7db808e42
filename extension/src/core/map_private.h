/*
 * map_private.h
 *	  One value on its way through a field map, for core/map*.c.
 */
#ifndef SC_CORE_MAP_PRIVATE_H
#define SC_CORE_MAP_PRIVATE_H

#include "core/convert.h"
#include "core/map.h"

typedef struct ScMapRun /* one value on its way */
{
	const ScConf *conf;
	const ScSystem *system;
	const ScFieldMap *map;
	const ScEntityType *type; /* NULL = states are not checked here */
	Jsonb *record;			  /* NULL outbound */
	const ScMapHooks *hooks;
	ScMapped out;
} ScMapRun;

/* Does the value name another record, and can those be looked up here? */
extern bool sc_map_is_reference(const ScMapRun *run);

/* format.follow: from the id of an object to what is taken of it.  False when the outcome says why not. */
extern bool sc_map_follow(ScMapRun *run, Jsonb **external);

/* The whole way in, from transform_in on; the result is run->out. */
extern void sc_map_run_up(ScMapRun *run, Jsonb *external);

/* From the null policy on.  is_fallback: the value is canonical already and is not looked up again. */
extern void sc_map_up_value(ScMapRun *run, Jsonb *external, bool is_fallback);

/* A value that is not nothing, to run->out.external.  is_fallback: a row of the map is not needed. */
extern void sc_map_down_value(ScMapRun *run, Jsonb *canonical, const char *qualifier,
							  bool is_fallback);

/* on_null, outbound: a row of the value map for nothing, else how the product spells nothing. */
extern void sc_map_down_null(ScMapRun *run);

/* Runs a function of the row; false with the failure set. */
extern bool sc_map_transform(ScMapRun *run, const char *function, Jsonb **value);

#define SC_MAP_REFERENCE "syncore.link"

/* on_unmapped.  where: SC_MAP_REFERENCE, the value map or identity_map without the row; NULL: the field's declared values. */
extern void sc_map_unmapped(ScMapRun *run, const char *word, const char *where);

/* Sets the failure; message and hint belong to the result. */
extern void sc_map_fail(ScMapRun *run, int sqlstate, char *message, char *hint);

/* The same, for a value that is none of its type. */
extern void sc_map_fail_converted(ScMapRun *run, const ScConverted *converted);

/* What stands for a member of a set that no row maps; NULL = it is left out. */
extern char *sc_map_member_fallback(ScMapRun *run);

/* The row for an external word; NULL = none. */
extern const ScValuePair *sc_map_pair_in(const ScValueMap *values, const char *external);

/* The row with this qualifier, else the one without, else the first; *exact: nothing was passed over. */
extern const ScValuePair *sc_map_pair_out(const ScValueMap *values, const char *canonical,
										  const char *qualifier, bool *exact);

/* A person or a group: mapped by identity. */
extern bool sc_map_is_person(const ScFieldMap *map);

#endif
