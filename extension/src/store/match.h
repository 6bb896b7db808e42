/*
 * match.h
 *	  Match rules of kind exact and reference: keys of entities, and who has
 *	  one.  Fuzzy rules are not decided here.
 */
#ifndef SC_STORE_MATCH_H
#define SC_STORE_MATCH_H

#include "core/model.h"

extern bool sc_match_has_rules(const ScConf *conf);

/* The entity that an unknown record belongs to by the first rule that finds one; 0 = none. */
extern int64 sc_match_find(const ScConf *conf, const ScSystem *system, const ScRecordMap *map,
						   Jsonb *record, const ScMatchRule **rule);

/* Brings match_key in line with entities that are fresh or changed.  After they are stored. */
extern void sc_match_save(const ScConf *conf, ScBatch *batch);

/* Two entities that may be one: for a person.  Stored by sc_match_save. */
extern void sc_match_note_candidate(ScBatch *batch, ScEntity *entity, ScEntity *other, int rule,
									const char *reason);

#endif
