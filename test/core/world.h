/*
 * world.h
 *	  A small world for tests of deciding: systems, one entity, a clock that
 *	  only the story moves.
 *
 *	  {"fields": {name: {"kind", "allowed", "sensitive", "required"}},
 *	   "states": [[name, category], …], "transitions": [[from, to], …],
 *	   "type": {"on_delete", "on_illegal", "on_reopen", "loop_limit", "loop_window" and "loop_within" in seconds},
 *	   "systems": {name: {"grade", "rank", "mode", "values": {field: [[external, canonical, direction], …]},
 *	               "fields": {field: direction}, "comments": [[channel, visibility, direction], …], "route": bool}},
 *	   "policy": {field: [rule or {"rule", "system", "review_from", "function"}, …]},
 *	   "owner": {field: [system, on_foreign_write]}}
 */
#ifndef SYNCORE_TEST_WORLD_H
#define SYNCORE_TEST_WORLD_H

#include "core/conf_private.h"
#include "core/decide.h"

typedef struct World
{
	ScConf *conf;
	ScEntityType *type;
	ScSpace *space;
} World;

extern World world_build(Jsonb *document);

/* "test.longest" (the longer text wins), "test.fail", "test.circle", "test.moody" (always the first argument). */
extern const ScDecideHooks world_hooks;

/* The keys of an object, in jsonb's order. */
extern int world_keys(Jsonb *object, char ***keys);

/* Position of a word in a list of words, each followed by a space; raises when it is not there. */
extern int world_word(const char *word, const char *words);

#endif
