/*
 * run.h
 *	  What the parts of a run share: the items on their way, and the verbs of
 *	  resolve.c and quarantine.c.
 */
#ifndef SC_ENGINE_RUN_H
#define SC_ENGINE_RUN_H

#include "engine/event.h"
#include "store/load.h"
#include "store/match.h"

typedef struct ScWork /* an item on its way */
{
	ScItem *item;
	int order; /* of arrival */
	const ScSystem *system;
	ScShape shape;			/* of an event */
	const ScRecordMap *map; /* of an event whose record nobody knew when it was looked up */
	ScRecordRef ref;		/* the record, as found without locks */
	ScRecordRef
		other; /* outcome: a candidate with the id that a create returned, or a create with the marker that a read showed */
	int64 entity;		 /* that will be locked; 0 = none known */
	ScMatchAsk *ask;	 /* of a record that nobody knew, where there are match rules */
	ScMatchFound *found; /* whose a record that nobody knows may be; NULL = nobody's */
	bool hint;			 /* seen before without an id of its own: only news when it differs (R1) */
	bool waits;			 /* for the outcome of a call */
	bool settled;		 /* needs no more */
} ScWork;

typedef struct ScRun
{
	ScConf *conf; /* pinned */
	TimestampTz now;
	MemoryContext result_cxt; /* reasons given to items live here */
	MemoryContext piece_cxt;  /* emptied after each piece */
	int nworks;
	ScWork *works;
	bool rehearsal;	 /* nothing is stored: no locks, no sequences, no rows */
	ScBatch outside; /* ledger of what needs no entity: duplicates, out of scope, quarantined */
	bool queued;	 /* something is to be sent */
} ScRun;

/* Errors a row can be blamed for.  Everything else ends the transaction. */
extern bool sc_run_is_data_error(int sqlstate);

/* Ends an item.  reason is copied. */
extern void sc_run_settle(ScRun *run, ScWork *work, const char *result, const char *reason,
						  int64 entity);

/* quarantine.c */
typedef struct ScProblem
{
	int sqlstate;
	const char *path; /* NULL = the whole */
	const char *message;
	const char *hint;
	const ScMapped *failure; /* the field that could not be read; NULL = something else */
	const char *raw;		 /* a body that is no JSON; NULL = none */
	size_t raw_len;
} ScProblem;
/* Stores the event's problem, tells the ledger through the batch, and settles the item. */
extern void sc_quarantine_put(ScRun *run, ScBatch *batch, ScWork *work, ScEntity *entity,
							  const ScProblem *problem);
extern ScProblem sc_quarantine_problem(const ScMapped *failure);

/* ingest.c: what was wrong with the body that became this event; NULL = nothing known. */
extern const ScProblem *sc_ingest_problem(int64 event);

/* intake.c: settles what can be settled without entities, and fills in the rest. */
extern void sc_intake_sort(ScRun *run);

/* Out of scope: kept, told in the ledger of a batch, and not decided. */
extern void sc_intake_pass_over(ScRun *run, ScBatch *batch, ScWork *work, const char *rule,
								const char *reason);

/* piece.c: locks, loads, decides and stores works.  True when there is something to send. */
extern bool sc_decide_piece(ScRun *run, ScWork **works, int n);

/* The same in parts, without storing.  A rehearsal's batch locks nothing. */
extern ScBatch sc_piece_begin(const ScRun *run);
extern void sc_piece_load(ScBatch *batch, ScWork **works, int n);
extern void sc_piece_decide(ScRun *run, ScBatch *batch, ScWork **works, int n);

/* resolve.c: whose record is it? */
extern void sc_resolve_find(
	ScRun *
		run); /* looks all records up; takes the locks under which unknown ones are made; no row locks */
extern void sc_resolve_again(ScRun *run, ScWork **works,
							 int n); /* looks unknown ones up once more */
extern ScLink *
sc_resolve_link(ScRun *run, ScBatch *batch,
				ScWork *work); /* finds or makes; NULL: gone meanwhile, or no record_map takes it */
extern void sc_resolve_undo(ScBatch *batch,
							ScLink *link); /* forgets what sc_resolve_link made last */
extern void sc_resolve_save_keys(ScRun *run, ScBatch *batch);
extern bool sc_resolve_has_moved(
	ScWork *work); /* an outcome's link is another entity's by now, which work then names */
extern ScLink *sc_resolve_outcome(
	ScRun *run, ScBatch *batch,
	ScWork *work); /* the link that a call was about; a candidate is turned into what it is */

/* matching.c: match rules. */
extern void sc_matching_find(ScRun *run, ScWork *work,
							 Jsonb *record);		 /* sets found, and entity where it is sure */
extern bool sc_matching_is_sure(const ScWork *work); /* one entity, by a rule that asks nobody */
extern void sc_matching_note(
	ScBatch *batch, const ScWork *work,
	ScEntity *
		entity); /* R22: entities that the record's own, fresh one may be the same as, for a person */
extern int sc_matching_count(
	const ScRun *run, ScWork **works,
	int n); /* how many, from the first, can be decided together: none may be an earlier one's other half */

#endif
