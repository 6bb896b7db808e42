/*
 * spec.h
 *	  A small configuration made from one JSON document, for tests of the maps
 *	  and shapes without tables.
 *
 *	  {"field": {"kind", "required", "sensitive", "allowed": […]}, "states": […],
 *	   "map": {columns of field_map}, or "maps": [{…, "field": {…}}, …],
 *	   "values": [[external, canonical, qualifier, direction], …], "people": {external id: person},
 *	   "events": [{columns of connector_event}], "webhook": {…}, "keep": "mapped",
 *	   "record_condition": jsonpath, "accepts": jsonpath}
 */
#ifndef SYNCORE_TEST_SPEC_H
#define SYNCORE_TEST_SPEC_H

#include "core/conf.h"
#include "core/map.h"

typedef struct Spec
{
	ScConf *conf;
	ScSystem *system;
	ScRecordMap *map;
} Spec;

extern Spec spec_build(Jsonb *document);

/* A transform that knows "test.upper", "test.fail" and "test.full_name". */
extern const ScMapHooks spec_hooks;

#endif
