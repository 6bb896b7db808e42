/*
 * call.h
 *	  What a claimed delivery says on the wire, step by step.  Pure: requests
 *	  out, responses in, until there is an outcome.  The worker only carries.
 *
 * A call holds the link's slot from its first step to its last: a transition
 * with the list of those on offer before it, or a write with the read-back
 * that an answer without a body needs, is one call of several steps.  It holds
 * one write at most, so that it has one outcome: fields that go by the update
 * operation and fields that go by a transition are two calls, in that order.
 *
 * What the outcome says of a call whose earlier outcome was lost (call.unknown):
 *	create	OK with external_id: found by marker.  NOT_FOUND: not found (now)
 *	update, delete	OK with a READ body: what the record holds; R15 judges
 *	comment	OK with comment_id: found.  NOT_FOUND: not there
 *	any		UNKNOWN: the look-up itself failed, nothing is known yet
 * OK without body and position, of a write: proved, but the read-back failed.
 */
#ifndef SC_CORE_CALL_H
#define SC_CORE_CALL_H

#include "core/decide.h"

#define SC_CALL_STEPS_MAX 8

typedef struct ScHeader
{
	char *name;
	char *value;
} ScHeader;

typedef struct ScHeaderList
{
	ScHeader *items; /* NULL when there are none */
	int n;
} ScHeaderList;

typedef struct ScRequest
{
	const char *method;
	char *url; /* absolute, below the system's base_url */
	int nheaders;
	ScHeader *headers; /* without credentials: net/auth.c adds those */
	char *body;		   /* NULL = none */
	size_t body_len;
	bool writes; /* a lost answer leaves the outcome unknown */
} ScRequest;

typedef enum ScTransport
{
	SC_TRANSPORT_ANSWERED, /* status is set */
	SC_TRANSPORT_NOT_SENT, /* refused, DNS, TLS, address not allowed: it did not happen */
	SC_TRANSPORT_LOST	   /* timeout or cut after bytes went out: unknown */
} ScTransport;

typedef struct ScResponse
{
	ScTransport transport;
	int status;
	int nheaders;
	ScHeader *headers; /* names in lower case */
	char *body;		   /* NUL-terminated; may be empty */
	size_t body_len;
	char *error; /* transport error in words */
	int64 duration_us;
	TimestampTz arrived_at;
} ScResponse;

typedef struct
	ScCallPlan /* one claimed delivery, from claim to record; lives in its own memory context */
{
	MemoryContext cxt;
	int64 delivery;
	int64 link;
	int64 entity;
	int32 system_id;
	int32 space_id;
	int32 attempts; /* before this one */
	TimestampTz
		claimed_at; /* delivery.sent_at; an outcome whose mark is another one is refused (R17) */
	char *correlation_id;
	const ScSystem *system; /* from a config that outlives the plan: the plan pins it */
	ScConf *conf;			/* pinned */
	char *record_type;
	const ScRecordMap *map;
	ScCall call;
	Jsonb *context; /* variables of the templates */
	Jsonb *write;	/* the write document */
	int step;		/* index into steps done */
	int nsteps;
	ScRequest *request; /* the one to send now; NULL when there is an outcome */
	ScOutcome outcome;	/* valid when request is NULL */
	Jsonb *answer;		/* last parsed body */
	Jsonb *record;		/* what the last answer says the record holds; NULL = nothing */
	const ScOperation *record_operation; /* how to read it */
	ScStatementKind record_kind;		 /* RESPONSE: of the write itself; READ: read in the slot */
	bool wrote;			  /* a write step was sent: a failure from here on is unknown, not failed */
	int64 retry_after_us; /* from Retry-After or limit headers; 0 = none */
	bool permanent;		  /* FAILED must not be tried again blindly */
	bool auth_failed;	  /* 401, 403 */
	bool landed;		  /* set when recorded: a lost write was found to have landed */
	void *private_data;	  /* call.c's own */
} ScCallPlan;

/* The first request of a plan. */
extern void sc_call_begin(ScCallPlan *plan);

/* Feeds the answer to the pending request; sets the next one or the outcome.  Never throws on what a peer sends. */
extern void sc_call_feed(ScCallPlan *plan, const ScResponse *response);

/*
 * Makes outcome.body of what the answers said about the record.  Apart from
 * feed because transforms need a transaction, and none is open while calls run.
 */
extern void sc_call_finish(ScCallPlan *plan, const ScMapHooks *hooks);

/* Does an operation other than create and update write this pointer of the write document (a status by transition)? */
extern bool sc_call_is_apart(const ScConnector *connector, const char *record_type,
							 const char *write_path);

typedef struct ScChannel
{
	const char *name;
	const char *visibility; /* of the comment; NULL = any */
} ScChannel;

/* The row by which a comment is written, edited or deleted in that channel; NULL = the product has no such call. */
extern const ScOperation *sc_call_comment_row(const ScConnector *connector, const char *record_type,
											  const char *name, const ScChannel *channel);

/* over laid on under: members of objects are joined, anything else of over stands; nulls stay.  over may be NULL. */
extern Jsonb *sc_call_overlay(Jsonb *under, Jsonb *over);

/* A request outside any link: check, list; for jobs.  operation as in connector_operation. */
extern ScRequest *sc_call_request(const ScSystem *system, const ScOperation *operation,
								  Jsonb *context, Jsonb *write);

/* The body of an answer as jsonb; NULL when it is no JSON.  Never throws on what a peer sends. */
extern Jsonb *sc_call_parse(const ScResponse *response);

/* A record in an API answer as a statement (READ, RESPONSE, SNAPSHOT), in the current context. */
extern ScStatement *sc_call_statement(const ScMapCxt *cxt, const ScOperation *operation,
									  const char *record_type, Jsonb *record, ScStatementKind kind);

/* Backoff with full jitter: uniform in [0, min(cap, base * 2^attempts)), by a random number the caller drew in [0, 1). */
extern int64 sc_call_backoff_us(int attempts, double random);

/* Retry-After: seconds or HTTP date; 0 when it is neither or in the past. */
extern int64 sc_call_retry_after_us(const char *value, TimestampTz now);

/* How long an answer asks us to wait before the next call, by the headers this system's connector names; 0 = it does not. */
extern int64 sc_call_pause_us(const ScSystem *system, const ScResponse *response);

#endif
