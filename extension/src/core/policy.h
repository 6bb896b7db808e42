/*
 * policy.h
 *	  Which of several versions stands: a list of rules, each a total preorder,
 *	  applied in order.  The same set gives the same answer in any order.
 */
#ifndef SC_CORE_POLICY_H
#define SC_CORE_POLICY_H

#include "core/merge.h"

typedef struct ScChoice
{
	int winner;		  /* index into versions */
	int beaten;		  /* strongest version of another value; -1 = there is none */
	const char *rule; /* the rule that put winner before beaten; "system_rank" is the last */
	char *reason;	  /* a sentence; NULL when nothing was beaten */
	char *failed; /* a user function that erred, disagreed with itself or went round in a circle */
	const char *would_rule; /* hold: the rule that would put winner before beaten, and why */
	char *would_reason;
	bool hold; /* manual was reached with several values left: no winner until a person decides */
	const ScRule *combine; /* union or append was reached with several values left; NULL = no */
	bool *parts;		   /* the versions that it puts together, one flag for each */
} ScChoice;

struct ScView;

typedef struct ScDispute /* what is to be decided */
{
	const ScBatch *batch;
	const ScEntity *entity;
	const ScField *field;
	const ScPolicy *policy;
	int n;
	const ScVersion *versions;
	const struct ScView *view; /* what else is so of the record; NULL = as it is just now */
	bool plain;				   /* rules that ask for that are passed over */
} ScDispute;

/* The field by which review_from goes. */
#define SC_POLICY_SEVERITY "severity"

extern ScChoice sc_policy_choose(const ScDispute *dispute);

/* The same, leaving out versions that say less than a finer one beside them; image: some were left out. */
extern ScChoice sc_merge_choose(const ScDispute *dispute, bool *image);

/* The last word: > 0 = a is preferred.  Never a tie between two versions of a set. */
extern int sc_policy_compare_last(const ScVersion *a, const ScVersion *b);

/* For qsort, of pointers to versions: the oldest first. */
extern int sc_policy_order_by_time(const void *a, const void *b);

#endif
