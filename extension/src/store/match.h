/*
 * match.h
 *	  Match rules: keys of entities, and which entities a record that nobody
 *	  knows may belong to.
 */
#ifndef SC_STORE_MATCH_H
#define SC_STORE_MATCH_H

#include "core/model.h"

#define SC_MATCH_MAX 8 /* so many are shown to the person who has to choose */

typedef struct ScMatchAsk /* a record that nobody knows */
{
	const ScSystem *system;
	const ScRecordMap *map;
	Jsonb *record;
	const char *external_id;  /* NULL = none */
	const char *external_key; /* NULL = none */
	TimestampTz at;			  /* when it was heard of */
	char **keys; /* beside the rules of the configuration; NULL = that rule says nothing of it */
} ScMatchAsk;

typedef struct ScMatch
{
	int64 entity;
	float4 score; /* 1 = the same key */
} ScMatch;

typedef struct ScMatchFound /* what one rule found, the likest first */
{
	const ScMatchRule *rule;
	int n;
	ScMatch items[SC_MATCH_MAX];
} ScMatchFound;

extern bool sc_match_has_rules(const ScConf *conf);

/* Fills in the keys. */
extern void sc_match_prepare(const ScConf *conf, ScMatchAsk *ask);

/* By the first rule that finds any.  False = none does. */
extern bool sc_match_find(const ScConf *conf, const ScMatchAsk *ask, ScMatchFound *found);

/*
 * Might the later of two unknown records find the entity that the earlier one
 * makes?  Then they cannot be matched at one time.
 */
extern bool sc_match_may_meet(const ScConf *conf, const ScMatchAsk *earlier,
							  const ScMatchAsk *later);

/* Brings match_key in line with entities that are fresh or changed.  After they are stored. */
extern void sc_match_save(const ScConf *conf, ScBatch *batch);

/* Two entities that may be one: for a person.  Stored by sc_match_save. */
extern void sc_match_note_candidate(ScBatch *batch, ScEntity *entity, const ScMatch *other,
									int rule, const char *reason);

/* match_key.c: keys.  NULL = none: a field is missing, or the key is too long. */
extern char *sc_match_entity_key(ScEntity *entity, const ScMatchRule *rule);
extern char *sc_match_record_key(const ScConf *conf, const ScMatchAsk *ask,
								 const ScMatchRule *rule);

/* Does a rule speak of such records? */
extern bool sc_match_applies(const ScMatchRule *rule, int32 space, const ScEntityType *type);

/* What is ignored in comparing each field: words, or field:word.  palloc'd. */
extern uint8 *sc_match_normalise(char **fields, int nfields, char **words, int nwords);

#endif
