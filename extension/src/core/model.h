/*
 * model.h
 *	  The world as decide sees it: entities, their links, statements that
 *	  arrive, and what came of them.  Filled by engine/load.c, changed in place
 *	  by core/decide.c, written back by engine/save.c.
 *
 * All of it lives in one batch context.  Pointers between entities and links
 * are owned by the batch.
 */
#ifndef SC_CORE_MODEL_H
#define SC_CORE_MODEL_H

#include "core/conf.h"
#include "core/map.h"
#include "nodes/pg_list.h"

#define SC_MODEL_REHEARSED                                                                         \
	(PG_INT64_MAX / 2) /* numbers of what is only rehearsed begin here: none is drawn */

typedef enum ScLinkState
{
	SC_LINK_CANDIDATE, /* heard of, not yet known whose: next creating's, or active */
	SC_LINK_CREATING,  /* our create is wanted or on its way: next active, tombstone */
	SC_LINK_ACTIVE,	   /* next diverged, tombstone */
	SC_LINK_DIVERGED, /* active, but a field of it is stopped (R20) and differs until a person releases it: next active, deleting, tombstone */
	SC_LINK_DELETING, /* our delete is wanted or on its way (on_delete delete): next tombstone */
	SC_LINK_TOMBSTONE /* gone there */
} ScLinkState;

typedef enum ScCallKind
{
	SC_CALL_NONE,
	SC_CALL_CREATE,	 /* preceded by a look-up by marker when an earlier outcome is unknown */
	SC_CALL_UPDATE,	 /* fields; transitions are steps of it */
	SC_CALL_COMMENT, /* one comment copy */
	SC_CALL_READ,	 /* slot read */
	SC_CALL_DELETE
} ScCallKind;

typedef enum ScCommentStep /* of SC_CALL_COMMENT */
{
	SC_COMMENT_WRITE,
	SC_COMMENT_EDIT,  /* may be repeated: it says what the copy reads, whole */
	SC_COMMENT_DELETE /* may be repeated */
} ScCommentStep;

typedef struct ScCallField /* one field that a call in flight carries */
{
	char *field;
	ScValue
		value; /* external, in the reader's form; without a reader, in that of the first writer; may be unknown */
	ScValue canonical;
	ScClock clock;		 /* the field's clock as of the send */
	ScValue before_held; /* the shadow as of the send */
	ScPosition before_known_at;
	ScClock before_seen;
	ScPosition
		same_from; /* first and last position at which the record was told to show the same */
	ScPosition same_to;
	int64 same_event; /* that told of the last of them; 0 = none */
} ScCallField;

typedef struct ScCall /* the intent (R13), kept in link.call as jsonb */
{
	ScCallKind kind; /* SC_CALL_NONE: no call */
	bool unknown;	 /* the outcome was lost: read or look up before anything else */
	bool landed;	 /* acknowledged, and nothing shows what came of it: the read will */
	int64 delivery;
	int32 gen;
	char *marker;	/* also the Idempotency-Key; stable over retries of one intent */
	TimestampTz at; /* claim time */
	bool
		heard; /* a statement about the record was decided since the claim (R4g); a claim clears it */
	bool unreadable; /* the record cannot be read: what waits is decided without the outcome (R3) */
	TimestampTz first_at; /* first attempt of this create; patience counts from here */
	ScPosition base;	  /* highest position known at the send */
	int64 comment;		  /* SC_CALL_COMMENT */
	ScCommentStep comment_step;
	int nfields;
	ScCallField *fields;
} ScCall;

struct ScEntity;

typedef enum ScCopyState /* syncore.copy_state */
{
	SC_COPY_ORIGIN, /* the comment was written there */
	SC_COPY_DUE,
	SC_COPY_SENDING,
	SC_COPY_UNKNOWN, /* the outcome was lost: look before sending again */
	SC_COPY_DONE,
	SC_COPY_DEAD,
	SC_COPY_DELETED
} ScCopyState;

typedef struct ScCopy /* a comment as this link's record has it, or shall have it (comment_copy) */
{
	int64 comment;
	char *channel;
	ScCopyState state;
	char *external_id; /* NULL = not known (yet) */
	char *sent_body;   /* as rendered for that system; NULL = not sent */
	bool stale;		   /* the comment was edited or deleted since that was sent */
	bool changed;	   /* state, external_id or stale was set by this batch: must be stored */

	/* Of an origin: the comment itself. */
	char *body;
	ScVisibility visibility;
	TimestampTz written_at;
	TimestampTz edited_at; /* DT_NOBEGIN = never; by the clock of written_at */
	bool gone;			   /* it was deleted there, or taken away from those who saw it */
	bool rewritten;		   /* body, edited_at or gone was set by this batch */
} ScCopy;

typedef struct ScLink
{
	int64
		id; /* of a link that load makes: drawn before decide (dots name it); 0 = made by fan-out */
	const ScSystem *system;
	const ScRecordMap *map; /* NULL when no record map fits any more */
	char *record_type;
	char *external_id; /* NULL while creating */
	char *external_key;
	char *url;
	char *marker;
	ScLinkState state;
	ScShadow shadow;
	ScCall call;
	bool read_owed;
	List *waiting; /* of int64 *: event ids, oldest first */
	List *unsure;  /* of int64 *: events with an unsure statement */
	char *top_version;
	bool in_route;
	List *
		copies; /* of ScCopy *: every due, sending or unknown one, and those whose id a statement names */
	struct ScEntity *entity; /* NULL: candidate */

	/* What this batch did to it. */
	bool changed;	 /* must be stored */
	bool due;		 /* a delivery must exist */
	bool fresh;		 /* made by this batch */
	bool look_only;	 /* due, but only to read or look up */
	bool joined;	 /* its entity was joined with another: the comments of both go there */
	bool whole;		 /* every field must be looked at for what is due, not only touched ones */
	bool read_taken; /* a slot read was decided: unsure statements can be settled */
	struct HeapTupleData *stored; /* the store's own: the row as it was read; NULL = fresh */
	List *
		replay; /* of int64 *: events to feed to sc_decide_statement after an outcome, oldest first */
	TimestampTz not_before; /* of a new delivery; 0 = at once (settle time of a create) */
	char *gone_by;			/* of a tombstone: who, or what, made it one */
} ScLink;

typedef struct ScFieldValue
{
	char *field;
	ScValue value; /* canonical, whole (long ones too) */
	char *qualifier;
} ScFieldValue;

typedef struct ScEntity
{
	int64 id; /* drawn by load, of fresh ones too */
	const ScSpace *space;
	const ScEntityType *type;
	int nvalues;
	ScFieldValue *values; /* sorted by field */
	ScStamps stamps;	  /* winners filled in */
	int64 revision;
	int64 ledger_seq;
	uint8 ledger_head[32];
	bool has_head;
	char *correlation_id;
	TimestampTz created_at; /* fresh: the batch's now */
	TimestampTz closed_at;	/* as it was loaded; 0 = was not closed */
	int64 predecessor;		/* entity that was closed, and reopened as this one; 0 = none */
	int64 merged_into;		/* this batch joined it to that one; load knows none that are joined */
	List *links;			/* of ScLink *, by id; tombstones too */

	bool changed;
	bool fresh;
	/* since its fields were last looked at together: disputes are, whose rules ask for that (RS-01, RS-08) */
	bool regraded;				  /* its severity is another one, or in review */
	bool redecided;				  /* a winner was chosen */
	struct HeapTupleData *stored; /* the store's own: the row as it was read; NULL = fresh */
} ScEntity;

typedef enum ScStatementKind
{
	SC_STATEMENT_CREATE,
	SC_STATEMENT_UPDATE,
	SC_STATEMENT_DELETE,
	SC_STATEMENT_COMMENT,
	SC_STATEMENT_COMMENT_DELETE,
	SC_STATEMENT_SNAPSHOT, /* a list or poll says what the record is like */
	SC_STATEMENT_READ,	   /* made in the link's slot: says what is held now */
	SC_STATEMENT_RESPONSE  /* the body of our own write's answer; in the slot too */
} ScStatementKind;

typedef struct ScCommentIn /* one comment that a statement speaks of */
{
	char *channel;
	char *external_id; /* NULL = the product gives none */
	char *author;
	char *body; /* plain text or Markdown */
	bool kept;	/* body is spelt as comments are kept (mention.h), no longer as it was read */
	TimestampTz written_at;
	TimestampTz
		edited_at; /* when it got this text, by the same clock; DT_NOBEGIN = the product does not tell of edits */
	ScVisibility narrowed; /* what the comment itself says: its channel may not widen it */
} ScCommentIn;

typedef struct ScStatement
{
	ScStatementKind kind;
	int64 event; /* 0 for READ and RESPONSE */
	TimestampTz received_at;
	const ScSystem *system;
	const ScRecordMap *map;
	char *record_type;
	char *external_id;
	char *external_key;
	char *url;
	char *marker;	   /* of the record: link.marker, when the record shows it */
	char *call_marker; /* of one write (call.marker), when the product hands it back; R4a */
	ScPosition position;
	char *version_text;		 /* as the system spells it */
	TimestampTz source_time; /* corrected by the clock offset, never beyond now + tolerance */
	ScActorKind actor_kind;
	bool actor_is_us; /* our integration user */
	char *actor;
	char *correlation_id;
	bool full_record;
	int nfields;
	ScMapped *fields; /* in the order of the map; ABSENT ones may be left out */
	int ncomments;
	ScCommentIn *comments;
	Jsonb *record; /* of READ and RESPONSE: as the product gave it */
} ScStatement;

/* What becomes of things, in the order in which it happened. */
typedef enum ScLedgerKind
{
	SC_LEDGER_RECEIVE,	 /* an event made or joined an entity */
	SC_LEDGER_CHANGE,	 /* a field got a new canonical value */
	SC_LEDGER_AGREE,	 /* same value from another side: versions merged, value stands */
	SC_LEDGER_CONFLICT,	 /* concurrent versions: rule, reason, all versions in detail */
	SC_LEDGER_RETIRE,	 /* siblings retired */
	SC_LEDGER_ECHO,		 /* dropped: our own write coming back */
	SC_LEDGER_STALE,	 /* dropped: older than what was heard */
	SC_LEDGER_DUPLICATE, /* dropped: event seen before */
	SC_LEDGER_UNORDERED, /* passed over: could not be ordered against our write */
	SC_LEDGER_WAIT,		 /* waits for the outcome of a call */
	SC_LEDGER_UNSURE,	 /* a read is owed */
	SC_LEDGER_RACED,	 /* a person's edit that our write overwrote */
	SC_LEDGER_HOLD,		 /* manual: held for review */
	SC_LEDGER_RESOLVE,
	SC_LEDGER_REFUSE, /* not the owner, or an illegal transition */
	SC_LEDGER_QUARANTINE,
	SC_LEDGER_RELEASE,
	SC_LEDGER_OUT_OF_SCOPE,
	SC_LEDGER_NEAREST, /* a value map kept less than it was given */
	SC_LEDGER_COMMENT,
	SC_LEDGER_DELETE,
	SC_LEDGER_LINK, /* a record was tied to an entity */
	SC_LEDGER_UNLINK,
	SC_LEDGER_QUEUE,	/* a delivery was made */
	SC_LEDGER_SEND,		/* intent: what a call carries, before it leaves */
	SC_LEDGER_CONFIRM,	/* acknowledged: what the system now holds */
	SC_LEDGER_FAIL,		/* a call failed; will be tried again */
	SC_LEDGER_UNKNOWN,	/* outcome lost */
	SC_LEDGER_LANDED,	/* an unknown or late write was found to have landed */
	SC_LEDGER_REPEATED, /* repeated_after_unknown */
	SC_LEDGER_DEAD,
	SC_LEDGER_RETRY,
	SC_LEDGER_CANCEL,
	SC_LEDGER_LOOP,	 /* the breaker fired */
	SC_LEDGER_CONFIG /* a configuration change */
} ScLedgerKind;

typedef struct ScLedgerEntry
{
	ScLedgerKind kind;
	ScEntity *entity; /* NULL = none */
	ScLink *link;
	const ScSystem *system;
	const ScSpace *space; /* needed when entity is NULL */
	int64 event;
	int64 delivery;
	char *field;
	Jsonb *old_value;
	Jsonb *new_value;
	char *actor;
	ScActorKind actor_kind;
	TimestampTz source_time; /* 0 = none */
	char *rule;
	char *reason; /* a sentence */
	Jsonb *detail;
	char *correlation_id;
	struct ScConflictOut *conflict; /* the conflict this row tells of */
} ScLedgerEntry;

typedef struct ScConflictOut
{
	int64 id; /* drawn when it is saved */
	ScEntity *entity;
	char *field;
	const char *kind;  /* update_origin_differs, … */
	const char *state; /* decided, pending */
	int32 incoming_system;
	int32 current_system;
	Jsonb *incoming;
	Jsonb *current;
	Jsonb *versions;
	char *rule;
	char *reason;
	const char *outcome; /* apply_remote keep_local merged deferred */
	Jsonb *suggestion;	 /* pending: what the other rules would have chosen; NULL = nothing */
	int64 event;
} ScConflictOut;

typedef struct ScAlertOut
{
	const ScSpace *space;
	const char *level;
	const char *kind;
	char *cause;
	char *object;
	char *detail;
	char *hint;
	bool over; /* its cause is gone: an open one is closed */
} ScAlertOut;

typedef struct ScCommentOut /* a comment to be stored with its copies */
{
	ScEntity *entity;
	ScLink *link; /* origin */
	ScVisibility visibility;
	ScCommentIn *comment;
	ScActorKind author_kind;
	int64 event;
	List *targets;	/* of ScLink *: each gets a due copy */
	List *channels; /* of char *, beside targets */
	int64
		corrects; /* not a person's comment: tells of an edit or delete of this one where neither can be done; 0 = none */
	bool gone; /* deleted before we heard of it: only its id is kept, lest it be heard of later */
} ScCommentOut;

typedef struct ScMatchOut /* two entities that may be one: for the review */
{
	ScEntity *entity; /* fresh */
	int64 other;
	float4 score; /* 1 = the same key */
	int rule;	  /* match_rule.id */
	char *reason;
} ScMatchOut;

typedef struct ScWantOut /* a record names an object that is not here */
{
	const ScLink *link;
	const char *kind;
	const char *external_id;
} ScWantOut;

typedef struct ScBatch /* one run of decide */
{
	const ScConf *conf;
	TimestampTz now;
	const ScMapHooks *map_hooks;
	const struct ScDecideHooks *hooks;
	List *entities; /* of ScEntity * */
	List *links;	/* of ScLink * */
	bool rehearsal; /* nothing of it will be stored: no row is locked, no sequence moved */
	int64 drawn;	/* of a rehearsal: ids given so far */

	List *ledger;	 /* of ScLedgerEntry * */
	List *conflicts; /* of ScConflictOut * */
	List *settled;	 /* of ScConflictOut *: pending ones of this entity and field that ended */
	List *alerts;	 /* of ScAlertOut * */
	List *comments;	 /* of ScCommentOut * */
	List *matches;	 /* of ScMatchOut *; made by resolve, not by decide */
	List *wants;	 /* of ScWantOut *; made by engine/follow.c */
	List *looks;	 /* what records look like; made and stored by store/survey.c */
} ScBatch;

/* Is there a record that is written to?  Of one that diverged, all but its stopped fields. */
static inline bool
sc_model_is_linked(const ScLink *link)
{
	return link->state == SC_LINK_ACTIVE || link->state == SC_LINK_DIVERGED;
}

/* Made while no write of ours can be on its way to the record. */
static inline bool
sc_model_is_slot(const ScStatement *statement)
{
	return statement->kind == SC_STATEMENT_READ || statement->kind == SC_STATEMENT_RESPONSE;
}

extern ScFieldValue *sc_model_value(ScEntity *entity, const char *field); /* NULL = unset */
extern ScFieldValue *sc_model_value_get(ScEntity *entity,
										const char *field); /* made when missing */
extern ScLedgerEntry *sc_model_note(ScBatch *batch, ScLedgerKind kind, ScEntity *entity,
									ScLink *link);
extern const char *
sc_model_ledger_name(ScLedgerKind kind); /* 'change', 'echo', … as stored in ledger.kind */
/* A link's record as a person knows it: its key, else its id. */
extern const char *sc_model_record_name(const ScLink *link);
/* closed where the type has it, else its first state of category done; NULL = it has none. */
extern const char *sc_model_closing_state(const ScEntityType *type);
/* Does it say more than one field?  Then it may name what somebody else changed, not only what its author did. */
extern bool sc_model_is_whole(const ScStatement *statement);
extern Jsonb *sc_model_entity_json(ScEntity *entity); /* canonical data, for conditions */

/* The intent as stored in link.call, and back; unpack never throws: a malformed one is SC_CALL_READ, unknown. */
extern Jsonb *sc_model_call_pack(const ScCall *call);
extern ScCall sc_model_call_unpack(Jsonb *packed);

#endif
