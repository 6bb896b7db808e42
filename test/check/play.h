/*
 * play.h
 *	  A history as a line of steps, played by the real code of deciding.
 *
 *	  A step is a word, its arguments after commas; "-" is none, "~" is null.
 *
 *	  M,field,link,n,context,value,kind,at,version,replaced	 merges a version whose dot and context are given
 *	  K	 stamps and shadows are packed and unpacked, as between two transactions
 *	  Z	 all is forgotten: the next order of the same history
 *	  T,ms	 the clock
 *	  S,link,event,position,kind,us,full,at,field=value;…,marker	 a statement; kind is a number of ScActorKind
 *	  G,event	 the same statement, heard again
 *	  C,link	 claims what is due, as a dispatcher does
 *	  A,link,position,field=value;…	 the write is answered, with the record as it left it
 *	  W,link,position,field=value;…	 a read made in the link's slot
 *	  L,link	 the answer is lost	 	F,link	 the write is refused	 	X,link	 the call fails
 *	  U,link	 the call fails and is given up	 	O,link	 a read is owed
 *	  H,field,value	 a word of the hub
 *	  D	 tells the state
 *
 *	  and for histories of several entities (play_make.c):
 *	  B	 nothing is there yet
 *	  N,system,entity,other,record	 a record unknown so far, found to be of that entity; other: if it cannot be
 *	  V,…	 like S, told as the creation of the record
 *	  M,link,record,position,field=value;…	 a create is answered	 	Y,…	 the same, found by a look-up
 *	  Q,link	 a look-up finds nothing
 *	  J,entity,entity	 the second is joined to the first
 *	  R,entity,field,value	 a word of the hub	 	E	 tells of all entities
 *
 *	  The answer to a history is a line as well: "|" and what came of it, for each step that says something.
 */
#ifndef SYNCORE_TEST_PLAY_H
#define SYNCORE_TEST_PLAY_H

#include "lib/stringinfo.h"

#include "core/decide_private.h"

#include "../core/world.h"

#define PLAY_LINKS_MAX 16
#define PLAY_ENTITIES_MAX 4
#define PLAY_EVENTS_MAX 512
#define PLAY_ARGS_MAX 12

typedef struct Play
{
	World world;
	ScBatch batch;
	ScEntity *entity;
	ScEntity *entities[PLAY_ENTITIES_MAX + 1]; /* by id */
	int nlinks;
	ScLink *links[PLAY_LINKS_MAX + 1]; /* by id; NULL = none */
	ScStatement *events[PLAY_EVENTS_MAX];
	ScLink *heard[PLAY_EVENTS_MAX]; /* whose record the event tells of */
	int told;						/* ledger rows already told */
	int alerts;
	int calls; /* writes claimed so far: the next one is marked with this */
	int nargs;
	char *args[PLAY_ARGS_MAX];
	StringInfo out;
} Play;

/* What a step needs of the record: its kind of statement, event and position, and "field=value;…". */
extern ScStatement *play_statement(Play *play, ScStatementKind kind, const char *position,
								   char *fields);

/* What stands and what each system is held to hold. */
extern void play_tell_state(Play *play);

/* play.c: a step has decided something; an outcome, with what waited for it. */
extern void play_end_batch(Play *play);
extern void play_take(Play *play, ScLink *link, const ScOutcome *outcome);

/* play_make.c: is what the step speaks of still there?  A known-bad variant may have lost it. */
extern bool play_is_there(const Play *play);

/* Steps. */
extern void play_bare(Play *play);
extern void play_arrive(Play *play);
extern void play_made(Play *play);
extern void play_found(Play *play);
extern void play_not_found(Play *play);
extern void play_join(Play *play);
extern void play_resolve(Play *play);
extern void play_tell_entities(Play *play);
extern int play_link_id(const Play *play, const ScEntity *entity, const ScSystem *system);

/* Clocks, positions and values in the words of a step. */
extern ScClock play_clock(char *text);
extern ScPosition play_position(const char *text);
extern ScValue play_value(const char *text);
extern const char *play_told(const ScValue *value);

#endif
