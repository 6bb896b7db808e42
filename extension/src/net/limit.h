/*
 * limit.h
 *	  Pace and health of one connection: token bucket, pause, circuit breaker.
 *	  Plain data changed under a lock that the caller holds; it lives in shared
 *	  memory and is shared by all workers.
 */
#ifndef SC_NET_LIMIT_H
#define SC_NET_LIMIT_H

#include "postgres.h"
#include "datatype/timestamp.h"

typedef enum ScBreaker
{
	SC_BREAKER_CLOSED,	 /* next: open after SC_BREAKER_FAILURES in a row */
	SC_BREAKER_OPEN,	 /* next: half open when its time has come */
	SC_BREAKER_HALF_OPEN /* one probe in flight; next: closed, or open again for twice as long */
} ScBreaker;

#define SC_BREAKER_FAILURES 5
#define SC_BREAKER_PAUSE_MIN_US (2 * USECS_PER_SEC)
#define SC_BREAKER_PAUSE_MAX_US (5 * 60 * USECS_PER_SEC)

typedef struct ScLimit
{
	double tokens;
	TimestampTz refilled_at;
	TimestampTz paused_until; /* Retry-After of the other side */
	int in_flight;
	ScBreaker breaker;
	int failures;		   /* in a row */
	TimestampTz opened_at; /* or half-opened at */
	int64 open_for_us;
	uint32 closings; /* how often an open circuit was closed: who rests because of it looks again */
	TimestampTz last_ok_at;
	TimestampTz last_error_at;
	int64 calls;
	int64 errors;
} ScLimit;

/* May a call leave now?  Takes a token and a place in flight if so; else *wait_us says when to ask again. */
extern bool sc_limit_acquire(ScLimit *limit, double max_rate, int max_in_flight, TimestampTz now,
							 int64 *wait_us);

/* A further request of a call that already has its place: takes a token only. */
extern bool sc_limit_take_token(ScLimit *limit, double max_rate, TimestampTz now, int64 *wait_us);

/* Gives an unused place and its token back. */
extern void sc_limit_give_back(ScLimit *limit);

/* A call ended.  reached: the other side answered below 500 and not 429. */
extern void sc_limit_release(ScLimit *limit, bool reached, int64 retry_after_us, TimestampTz now);

/* The other side answered a call that holds no place (a check that a person asked for): its circuit is closed. */
extern void sc_limit_answered(ScLimit *limit, TimestampTz now);

#endif
