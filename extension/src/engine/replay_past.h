/*
 * replay_past.h
 *	  One record's past, read once, and what it comes to under a configuration.
 *
 * What the outside said is taken from the events, as far as the ledger judged
 * it an edit: what had merely come back from our own calls is left out, for
 * those calls belong to the configuration that made them.  Calls that went
 * through then go through at the same time now, with what is due by then.
 * A record from before the time asked for is taken to have been in step.
 */
#ifndef SC_ENGINE_REPLAY_PAST_H
#define SC_ENGINE_REPLAY_PAST_H

#include "engine/rehearse.h"

typedef enum ScStepKind
{
	SC_STEP_EVENT,
	SC_STEP_RESOLVE, /* a person decided here */
	SC_STEP_SEND,	 /* a call left for a link */
	SC_STEP_ARRIVE	 /* it went through */
} ScStepKind;

typedef struct ScStep
{
	ScStepKind kind;
	TimestampTz at;
	int64 link; /* 0 = none */
	ScEventRow *event;
	bool undecided;		 /* an event that was quarantined or out of scope then */
	List *edits;		 /* char *: fields of which the ledger says that the event edited them */
	List *heard;		 /* char *: fields that the committed configuration reads in it */
	const char *field;	 /* RESOLVE */
	Jsonb *value;		 /* RESOLVE */
	const char *decider; /* RESOLVE */
} ScStep;

typedef struct ScPast
{
	int64 entity; /* 0: a record that no entity stands for */
	TimestampTz since;
	int nsteps;
	ScStep *steps;
	List *old_links; /* int64 *: there before */
	int nvalues;	 /* as they stood then */
	ScFieldValue *values;
	int32 *by; /* system that each value is from; 0 = here */
} ScPast;

typedef struct ScWorld /* what it comes to */
{
	ScRun run;
	ScBatch batch;
	ScEntity *entity; /* NULL: nothing made one */
	List *pool;		  /* ScLink *: links that there were, not yet met */
	List *met;		  /* ScLink *: those that took a place */
	List *sent;		  /* calls under way */
	int nrefused;	  /* events that could not be read or were out of scope */
	const char *refusal;
} ScWorld;

/* Reads the past of an entity, or of the events (sorted) of one record that has none; committed: the configuration of then. */
extern ScPast *sc_past_of_entity(ScConf *committed, int64 entity, TimestampTz since);
extern ScPast *sc_past_of_record(ScConf *committed, const int64 *events, int n);

extern ScWorld *sc_past_replay(const ScPast *past, ScConf *conf);

#endif
