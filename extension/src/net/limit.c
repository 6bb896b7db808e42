/*
 * limit.c
 *	  Pace and health of one connection: token bucket, pause, circuit breaker.
 *
 * Pure arithmetic over a struct and a time that the caller brings.  All zeroes
 * is a valid start: a full bucket, no pause, a closed breaker.  The bucket holds
 * a tenth of a second's worth, so that no second ever sees more than the rate
 * and that tenth.  A pause that the other side asked for is no failure.
 */
#include "postgres.h"

#include "net/limit.h"
#include "utils/timestamp.h"

#define BURST_SECONDS 0.1
#define ASK_AGAIN_US (50 * 1000)
#define PROBE_LIMIT_US (INT64CONST(120) * USECS_PER_SEC)

static bool may_pass_breaker(ScLimit *limit, TimestampTz now, int64 *wait_us);
static void open_breaker(ScLimit *limit, int64 open_for_us, TimestampTz now);
static void refill(ScLimit *limit, double max_rate, TimestampTz now);
static double bucket_size(double max_rate);

bool
sc_limit_acquire(ScLimit *limit, double max_rate, int max_in_flight, TimestampTz now,
				 int64 *wait_us)
{
	if (limit->paused_until > now)
	{
		*wait_us = limit->paused_until - now;
		return false;
	}
	if (limit->breaker == SC_BREAKER_CLOSED && max_in_flight > 0 &&
		limit->in_flight >= max_in_flight)
	{
		*wait_us = ASK_AGAIN_US;
		return false;
	}
	if (limit->breaker != SC_BREAKER_CLOSED && !may_pass_breaker(limit, now, wait_us))
		return false;
	if (!sc_limit_take_token(limit, max_rate, now, wait_us))
		return false;
	if (limit->breaker == SC_BREAKER_OPEN)
	{
		limit->breaker = SC_BREAKER_HALF_OPEN;
		limit->opened_at = now;
	}
	limit->in_flight++;
	*wait_us = 0;
	return true;
}

/* An open breaker lets one probe through when its time has come; a probe that never came back is forgotten. */
static bool
may_pass_breaker(ScLimit *limit, TimestampTz now, int64 *wait_us)
{
	int64 wait = limit->breaker == SC_BREAKER_OPEN ? limit->open_for_us : PROBE_LIMIT_US;

	if (now - limit->opened_at >= wait)
	{
		limit->breaker = SC_BREAKER_OPEN;
		return true;
	}
	*wait_us = limit->breaker == SC_BREAKER_OPEN ? limit->opened_at + wait - now : ASK_AGAIN_US;
	return false;
}

bool
sc_limit_take_token(ScLimit *limit, double max_rate, TimestampTz now, int64 *wait_us)
{
	*wait_us = 0;
	if (max_rate <= 0)
		return true;
	refill(limit, max_rate, now);
	if (limit->tokens >= 1)
	{
		limit->tokens -= 1;
		return true;
	}
	*wait_us = (int64) ((1 - limit->tokens) / max_rate * USECS_PER_SEC) + 1;
	return false;
}

static void
refill(ScLimit *limit, double max_rate, TimestampTz now)
{
	double size = bucket_size(max_rate);

	if (limit->refilled_at == 0)
		limit->tokens = size;
	else if (now > limit->refilled_at)
		limit->tokens += (now - limit->refilled_at) * max_rate / USECS_PER_SEC;
	limit->tokens = Min(limit->tokens, size);
	limit->refilled_at = now;
}

static double
bucket_size(double max_rate)
{
	return Max(1.0, max_rate * BURST_SECONDS);
}

void
sc_limit_give_back(ScLimit *limit)
{
	limit->in_flight = Max(limit->in_flight - 1, 0);
	limit->tokens += 1;
	if (limit->breaker == SC_BREAKER_HALF_OPEN)
	{
		limit->breaker = SC_BREAKER_OPEN;
		limit->opened_at -= limit->open_for_us;
	}
}

void
sc_limit_release(ScLimit *limit, bool reached, int64 retry_after_us, TimestampTz now)
{
	limit->in_flight = Max(limit->in_flight - 1, 0);
	limit->calls++;
	if (retry_after_us > 0)
		limit->paused_until = Max(limit->paused_until, now + retry_after_us);
	if (reached)
	{
		sc_limit_answered(limit, now);
		return;
	}
	limit->errors++;
	limit->last_error_at = now;
	if (limit->breaker == SC_BREAKER_HALF_OPEN)
		open_breaker(limit, limit->open_for_us * 2, now);
	else if (retry_after_us <= 0 && ++limit->failures >= SC_BREAKER_FAILURES &&
			 limit->breaker == SC_BREAKER_CLOSED)
		open_breaker(limit, SC_BREAKER_PAUSE_MIN_US, now);
}

void
sc_limit_answered(ScLimit *limit, TimestampTz now)
{
	if (limit->breaker != SC_BREAKER_CLOSED)
		limit->closings++;
	limit->failures = 0;
	limit->breaker = SC_BREAKER_CLOSED;
	limit->open_for_us = 0;
	limit->last_ok_at = now;
}

static void
open_breaker(ScLimit *limit, int64 open_for_us, TimestampTz now)
{
	limit->breaker = SC_BREAKER_OPEN;
	limit->opened_at = now;
	limit->open_for_us = Min(Max(open_for_us, SC_BREAKER_PAUSE_MIN_US), SC_BREAKER_PAUSE_MAX_US);
}
