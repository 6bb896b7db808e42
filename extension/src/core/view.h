/*
 * view.h
 *	  What stands in a record, for rules that ask for it: conditions, review_from.
 *	  It depends on the sets of versions alone.
 */
#ifndef SC_CORE_VIEW_H
#define SC_CORE_VIEW_H

#include "core/policy.h"

typedef struct ScView
{
	const ScEntity *entity;
	ScValue *values; /* by stamp: what the rules choose, also while a person is asked */
	bool *held;
} ScView;

/* Does the rule of this field ask what else is so of the record? */
extern bool sc_view_is_asked(const ScRule *rule, const char *field);

/* What stands while this field is decided about. */
extern ScView *sc_view_make(const ScBatch *batch, ScEntity *entity, const ScField *field);

extern Jsonb *sc_view_document(const ScView *view);

#endif
