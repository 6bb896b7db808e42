/*
 * call.h
 *	  What a claimed delivery says on the wire, step by step.  Pure: requests
 *	  out, responses in, until there is an outcome.  The worker only carries.
 *
 * A call holds the link's slot from its first step to its last, so an update
 * that needs a transition, or a read-back because the product answers writes
 * without a body, is one call of several steps.
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

typedef struct ScRequest
{
	const char *method;
	char *url;					/* absolute, below the system's base_url */
	int nheaders;
	ScHeader *headers;			/* without credentials: net/auth.c adds those */
	char *body;					/* NULL = none */
	size_t body_len;
	bool writes;				/* a lost answer leaves the outcome unknown */
} ScRequest;

typedef enum ScTransport
{
	SC_TRANSPORT_ANSWERED,		/* status is set */
	SC_TRANSPORT_NOT_SENT,		/* refused, DNS, TLS, address not allowed: it did not happen */
	SC_TRANSPORT_LOST			/* timeout or cut after bytes went out: unknown */
} ScTransport;

typedef struct ScResponse
{
	ScTransport transport;
	int status;
	int nheaders;
	ScHeader *headers;			/* names in lower case */
	char *body;					/* NUL-terminated; may be empty */
	size_t body_len;
	char *error;				/* transport error in words */
	int64 duration_us;
	TimestampTz arrived_at;
} ScResponse;

typedef struct ScCallPlan		/* one claimed delivery, from claim to record; lives in its own memory context */
{
	MemoryContext cxt;
	int64 delivery;
	int64 link;
	int64 entity;
	int32 system_id;
	int32 space_id;
	int32 attempts;				/* before this one */
	char *correlation_id;
	const ScSystem *system;		/* from a config that outlives the plan: the plan pins it */
	ScConf *conf;				/* pinned */
	char *record_type;
	const ScRecordMap *map;
	ScCall call;
	Jsonb *context;				/* variables of the templates */
	Jsonb *write;				/* the write document */
	int step;					/* index into steps done */
	int nsteps;
	ScRequest *request;			/* the one to send now; NULL when there is an outcome */
	ScOutcome outcome;			/* valid when request is NULL */
	Jsonb *answer;				/* last parsed body */
	bool wrote;					/* a write step was sent: a failure from here on is unknown, not failed */
	int64 retry_after_us;		/* from Retry-After or limit headers; 0 = none */
	bool permanent;				/* FAILED must not be tried again blindly */
	bool auth_failed;			/* 401, 403 */
	void *private_data;			/* call.c's own */
} ScCallPlan;

/* The first request of a plan. */
extern void sc_call_begin(ScCallPlan *plan);

/* Feeds the answer to the pending request; sets the next one or the outcome.  Never throws on what a peer sends. */
extern void sc_call_feed(ScCallPlan *plan, const ScResponse *response);

/* A request outside any link: check, list; for jobs.  operation as in connector_operation. */
extern ScRequest *sc_call_request(const ScSystem *system, const ScOperation *operation, Jsonb *context, Jsonb *write);

/* A record in an API answer as a statement (READ, RESPONSE, SNAPSHOT), in the current context. */
extern ScStatement *sc_call_statement(const ScConf *conf, const ScSystem *system, const ScOperation *operation,
									  const char *record_type, Jsonb *record, ScStatementKind kind, const ScMapHooks *hooks);

/* Backoff with full jitter: uniform in [0, min(cap, base * 2^attempts)), by a random number the caller drew in [0, 1). */
extern int64 sc_call_backoff_us(int attempts, double random);

/* Retry-After: seconds or HTTP date; 0 when it is neither or in the past. */
extern int64 sc_call_retry_after_us(const char *value, TimestampTz now);

#endif
