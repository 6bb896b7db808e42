/*
 * combine.h
 *	  What union and append make of the versions of a field, and what has to be
 *	  remembered for that: who put in what, and who took it away.
 */
#ifndef SC_CORE_COMBINE_H
#define SC_CORE_COMBINE_H

#include "core/conf.h"
#include "core/stamp.h"

/* Sets are united, texts appended to: of anything else these rules would make rubbish, and are passed over. */
extern bool sc_combine_can(const ScField *field, const ScRule *rule);

/* A version that has its dot is about to join those of stamp, of which none is replaced yet. */
extern void sc_combine_hear(ScStamp *stamp, const ScField *field, const ScPolicy *policy,
							const ScVersion *incoming);

/* R5: who wrote a version that stands, and when, is told only now. */
extern void sc_combine_author(ScStamp *stamp, const ScVersion *version);

/* R23: the same of all the versions of another stamp. */
extern void sc_combine_join(ScStamp *stamp, const ScField *field, const ScPolicy *policy,
							const ScStamp *other);

/* R23: the versions of link are about to go elsewhere: what they took away is back. */
extern void sc_combine_leave(ScStamp *stamp, int64 link);

/* What everybody has seen to be taken away need not be remembered. */
extern void sc_combine_forget(ScStamp *stamp, const ScClock *seen);

/* What the rule makes of the versions that are in, one flag for each; what any version took away stays away. */
extern ScValue sc_combine_value(const ScRule *rule, const ScStamp *stamp, const bool *in);

#endif
