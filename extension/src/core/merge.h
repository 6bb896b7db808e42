/*
 * merge.h
 *	  A set of versions of one field, its winner by policy, what is due, what
 *	  has been seen, when siblings retire: R7-R10, R18.
 */
#ifndef SC_CORE_MERGE_H
#define SC_CORE_MERGE_H

#include "core/model.h"

typedef enum ScMergeOutcome
{
	SC_MERGE_NOTHING,			/* the dot was covered already */
	SC_MERGE_FAST_FORWARD,		/* one version left */
	SC_MERGE_AGREE,				/* several versions, one value */
	SC_MERGE_CONFLICT_INCOMING, /* several values: the incoming one won */
	SC_MERGE_CONFLICT_CURRENT,	/* several values: another stands */
	SC_MERGE_HELD				/* manual: no winner until a person decides */
} ScMergeOutcome;

typedef struct ScRuleCall /* a call(function) rule, and the two versions it compares */
{
	const ScRule *rule;
	const ScEntity *entity;
	const char *field;
	const ScVersion *a;
	const ScVersion *b;
	int nversions; /* the whole set that is decided about, in no order */
	const ScVersion *versions;
} ScRuleCall;

typedef struct ScDecideHooks /* what pure code may not do itself */
{
	void *arg;
	/* call(function): < 0 a wins, > 0 b wins, 0 tie.  False = the function erred; *error is set. */
	bool (*call_rule)(void *arg, const ScRuleCall *call, int *result, char **error);
	/* The id of an entity that deciding makes; NULL = it makes none here. */
	int64 (*draw_entity)(void *arg);
} ScDecideHooks;

typedef struct ScMerge
{
	ScMergeOutcome outcome;
	const char *rule; /* the rule that decided: escalation_wins, …, system_rank */
	char *reason;	  /* a sentence: "critical is more severe than low" */
	char *failed;	  /* a user function that erred or cycled; falls through with an alert */
	const char
		*choice; /* hold: the system whose value the other rules would have stand, or "current" … */
	const char *choice_rule; /* … by this rule … */
	char *choice_reason;	 /* … because */
	bool disputed;			 /* conflict or hold: several values stand; beaten is set */
	ScVersion beaten;		 /* the strongest loser */
	bool image;				 /* a version stepped back because a finer one says as much (SA-02) */
	bool was_held;			 /* a hold stood before */
	ScDot shown; /* the version that was shown before; of link 0 and n 0 when there was none */
	ScValue old; /* the canonical value before; unknown = unset */
} ScMerge;

/*
 * R7/R8: gives the version its dot (n 0: drawn here, clock's highest for that
 * link + 1; context extended by the link's own dots), merges it into the stamp and puts the
 * winner first.  The entity's canonical value is set from the winner.
 */
extern ScMerge sc_merge_version(ScBatch *batch, ScEntity *entity, const ScField *field,
								const ScPolicy *policy, ScVersion *incoming);

/*
 * R5, R8: a version whose author was not known, or only presumed, is his: told
 * has the dot of one that stands, who, and when.  The winner is chosen again.
 */
extern ScMerge sc_merge_author(ScBatch *batch, ScEntity *entity, const ScField *field,
							   const ScVersion *told);

/*
 * R23: the versions and the clock of another entity's stamp of this field join
 * those of entity, and the winner is chosen anew.  NOTHING: there is no version.
 */
extern ScMerge sc_merge_union(ScBatch *batch, ScEntity *entity, const ScField *field,
							  const ScStamp *other);

/*
 * R23: what a record had said goes with it to another entity, unless nothing else is left; the winner is chosen
 * among the rest.  NOTHING: none of its versions stood, or no other does.
 */
extern ScMerge sc_merge_without(ScBatch *batch, ScEntity *entity, const ScField *field, int64 link);

/*
 * RS-01, RS-08: something else is so of the record now; do the rules of the field, which ask for that, choose another
 * winner, or have it wait for a person, or no more?  What every system shows already is not decided anew.
 */
extern bool sc_merge_review(ScBatch *batch, ScEntity *entity, const ScField *field, ScMerge *merge);

/* Nothing of this field is left to be decided: every system shows what stands. */
extern bool sc_merge_all_agree(const ScBatch *batch, ScEntity *entity, const ScField *field);

/* R9: does what the link holds agree with the canonical value? */
extern bool sc_merge_agrees(const ScBatch *batch, const ScEntity *entity, ScLink *link,
							const ScField *field);

/* The map whose form a shadow holds: the reader, else the first writer; NULL = the field is not mapped. */
extern const ScFieldMap *sc_merge_form(const ScRecordMap *map, const char *field);

/* Members of a list, or references: a product keeps them as they are.  Free text it may store in its own way. */
extern bool sc_merge_is_enumeration(const ScFieldMap *map);

/* Would the link's system hold the same for both values?  False when its map cannot say one of them. */
extern bool sc_merge_same_there(const ScBatch *batch, const ScLink *link, const char *field,
								const ScValue *a, const ScValue *b);

/* A value as the link's system would hold it; unknown when its map cannot say it. */
extern ScValue sc_merge_down(const ScBatch *batch, ScEntity *entity, const ScLink *link,
							 const ScFieldMap *map);

/* Does the link take part: mapped, routed, and neither gone nor apart? */
extern bool sc_merge_takes_part(const ScLink *link);

/* R9: fields due on this link, as ScCallField without before_*; empty when none.  Stopped, held and unwritable ones are not due. */
extern List *sc_merge_due(const ScBatch *batch, ScEntity *entity, ScLink *link);

/*
 * Is any field due?  The search ends with the first; until then unsaid gets the
 * fields that the map has no word for, a list of ScMapped * that say why.
 */
extern bool sc_merge_is_due(const ScBatch *batch, ScEntity *entity, ScLink *link, List **unsaid);

/* R10: after every decision: seen, then retirement of siblings for every field.  Returns true when something changed. */
extern bool sc_merge_settle(ScBatch *batch, ScEntity *entity);

#endif
