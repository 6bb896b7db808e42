/*
 * decide_private.h
 *	  What the files of decide share: one field, one record that is gone,
 *	  comments, the loop breaker.  For core/decide*.c, outcome.c and fan_out.c.
 */
#ifndef SC_CORE_DECIDE_PRIVATE_H
#define SC_CORE_DECIDE_PRIVATE_H

#include "core/decide.h"

/* R4-R6 for one field of a statement. */
extern void sc_decide_field(ScBatch *batch, ScLink *link, const ScStatement *statement,
							const ScMapped *said);

/* The same for all its fields; those of the call are left out when skip is set. */
extern void sc_decide_fields(ScBatch *batch, ScLink *link, const ScStatement *statement,
							 const ScCall *skip);

/* A field that the statement is known to change, whatever its position says (R14). */
extern void sc_decide_change(ScBatch *batch, ScLink *link, const ScStatement *statement,
							 const ScMapped *said, ScOrder order);

/* Tells in the ledger of a field's verdict; a read that it asks for is noted on the link. */
extern void sc_decide_note_verdict(ScBatch *batch, ScLink *link, const ScStatement *statement,
								   const ScMapped *said, const ScOrder *order);

/*
 * Not the owner's to change, or not a step the type allows: told in the ledger.  The shadow knows what is held
 * there; no version is made.
 */
extern bool sc_decide_refuses(ScBatch *batch, ScLink *link, const ScStatement *statement,
							  const ScMapped *said, ScShadowField *shadow);

/* A step of a state that no row of state_transition allows; a type without rows allows all. */
extern bool sc_decide_is_illegal(const ScEntityType *type, const ScField *field, const ScValue *old,
								 const ScValue *new);

/* The version that a statement makes of a field, without dot and context. */
extern ScVersion sc_author_version(ScBatch *batch, ScLink *link, const ScStatement *statement,
								   const ScMapped *said);

/* Is it somebody else's change that our own name stands beside? */
extern bool sc_author_is_another(const ScLink *link, const ScField *field,
								 const ScStatement *statement);

/* The position at which what a change replaces was last held.  Before the change is applied. */
extern ScPosition sc_author_before(const ScShadowField *shadow, const ScOrder *order,
								   const ScMapped *said);

/* A version was made of what the statement shows: its author is only presumed if it shows more than one person's change. */
extern void sc_author_open(ScShadowField *shadow, const ScStatement *statement, ScPosition after);

/* Does the statement tell who made the last change, heard before without its author?  Then that is done, and told. */
extern bool sc_author_take(ScBatch *batch, ScLink *link, const ScStatement *statement,
						   const ScMapped *said, const ScOrder *order);

/*
 * Our own create, told of late, shows what a version was made of that was heard
 * in a record told whole: where the record started from, and nobody's edit.
 * The version goes where another stands beside it, and that is told.
 */
extern bool sc_author_take_back(ScBatch *batch, ScLink *link, const ScStatement *statement,
								const ScMapped *said, const ScOrder *order);

/* Maintains keys, address and version of the link from what a statement says. */
extern void sc_decide_keys(ScLink *link, const ScStatement *statement);

/* The record is gone there: the tombstone, and the type's rule.  statement NULL: a call found it so. */
extern void sc_decide_gone(ScBatch *batch, ScLink *link, const ScStatement *statement);

/* A change of a record that is being deleted because another one was: told as a conflict. */
extern void sc_gone_tell_update(ScBatch *batch, ScLink *link, const ScStatement *statement);

/* R15: a statement that shows that a write whose answer was lost has landed; what waited is then in link->replay. */
extern void sc_decide_proof(ScBatch *batch, ScLink *link, const ScStatement *statement);

/* landing.c.  One field of an acknowledged write: what its answer shows is held now (R14). */
extern void sc_decide_land(ScBatch *batch, ScLink *link, const ScOutcome *outcome,
						   const ScCallField *carried);

/* R15: the read of a record after a write whose answer was lost.  Ends the call, unless a lagging replica answered. */
extern void sc_decide_settle_lost(ScBatch *batch, ScLink *link, const ScStatement *body);

/* An event that a read will tell more of: it is decided again after that.  0 is none. */
extern void sc_decide_ask_of(ScLink *link, int64 event);

/* outcome.c.  The link has no call any more. */
extern void sc_decide_end_call(ScLink *link);

/* R19: what waited is decided before anything is sent; what was unsure once a read was taken. */
extern void sc_decide_give_replay(ScLink *link);

/* What a record of our own making holds beside what the call gave it: where it starts from, no edit. */
extern void sc_decide_baseline(ScBatch *batch, ScLink *link, const ScStatement *body, ScCall *call);

/* Comments of a statement: new ones to be copied, echoes of our copies. */
extern void sc_decide_comments(ScBatch *batch, ScLink *link, const ScStatement *statement);

/* The channel's row of the record map, and whether it takes comments in; NULL = none. */
extern const ScCommentMap *sc_decide_channel(const ScRecordMap *map, const char *channel);
extern bool sc_decide_channel_takes(const ScCommentMap *map);

/* A comment is told of again where it was written: edited, deleted, restricted, or unchanged. */
extern void sc_decide_comment_edit(ScBatch *batch, ScLink *link, const ScStatement *statement,
								   const ScCommentIn *comment, ScCopy *origin);

/* A copy was written, edited or (gone: found to be) deleted; it is due again when the comment changed meanwhile. */
extern void sc_decide_copied(ScLink *link, ScCopy *copy, bool gone);

/* What somebody does to a copy; sc_decide_copy_edited: false when it is as we wrote it. */
extern void sc_decide_copy_deleted(ScBatch *batch, ScLink *link, const ScStatement *statement,
								   ScCopy *copy);
extern bool sc_decide_copy_edited(ScBatch *batch, ScLink *link, const ScStatement *statement,
								  const ScCommentIn *comment, const ScCopy *copy);

/* Fields that a system gets as notes: those that changed become comments.  After the routes, before what is due. */
extern void sc_decide_enrich(ScBatch *batch, ScEntity *entity);

/* R20.  before: what the field held until now. */
extern void sc_breaker_watch(ScBatch *batch, ScLink *link, ScShadowField *shadow,
							 const ScStatement *statement, const ScMapped *said);

/* A ledger row about a statement, with its actor, time and event. */
extern ScLedgerEntry *sc_decide_note(ScBatch *batch, ScLedgerKind kind, ScLink *link,
									 const ScStatement *statement, const ScMapped *said);

/*
 * What a merge came to: kind, values, rule, reason and conflict of a row that
 * names entity and field.  is_us: said under our own account.
 */
extern void sc_decide_note_merge(ScBatch *batch, ScLedgerEntry *entry, const ScVersion *version,
								 const ScMerge *merge, bool is_us);

/* An alert of level warning; the caller says detail and hint. */
extern ScAlertOut *sc_decide_alert(ScBatch *batch, const ScSpace *space, const char *kind,
								   char *cause);

/* The alert that a field, which entry names, waits for a person; or that it does no more. */
extern void sc_decide_tell_reviewers(ScBatch *batch, const ScLedgerEntry *entry, bool waits);

/* A hold is over: its row of conflict, by rule (NULL: as entry says), and the alert. */
extern void sc_decide_settled(ScBatch *batch, ScLedgerEntry *entry, const char *rule);

/* RS-01, RS-08: something of the record is another than it was: disputes whose rules ask for that are looked at again. */
extern void sc_decide_review_again(ScBatch *batch, ScEntity *entity);

/* The conflict row of a merge; entry, which names entity and field, tells of it. */
extern void sc_decide_conflict(ScBatch *batch, const ScMerge *merge, const ScVersion *incoming,
							   ScLedgerEntry *entry);

#endif
