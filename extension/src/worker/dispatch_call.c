/*
 * dispatch_call.c
 *	  Carries calls: request out, answer in, next request or outcome.
 *
 * core/call.c says what is sent and what an answer means; here are only
 * credentials, places in limits, and the wire.  No transaction is open, and
 * nothing here touches a table.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "net/address.h"
#include "store/save.h"
#include "worker/dispatcher.h"
#include "worker/settings.h"

static bool send_request(ScDispatcher *d, ScCarried *call, char **error);
static bool send_with_credential(ScDispatcher *d, ScCarried *call, ScPeer *peer, char **error);
static bool take_token(ScDispatcher *d, ScCarried *call);
static void blot_answer(ScDispatcher *d, ScCarried *call, ScResponse *response);
static void feed(ScDispatcher *d, ScCarried *call, const ScResponse *response);
static void finish(ScDispatcher *d, ScCarried *call);
static void tell_limit(ScCarried *call, TimestampTz now);
static void give_place_back(ScCarried *call);

/* A new call, in state MOVING.  The caller says whether it holds a place in limits, which shard it keeps busy, and what it is about. */
ScCarried *
sc_dispatch_carry(ScDispatcher *d, MemoryContext cxt, ScPeer *peer)
{
	ScCarried *call = MemoryContextAllocZero(cxt, sizeof(ScCarried));

	call->cxt = cxt;
	call->peer_id = peer->system_id;
	call->connection_id = peer->connection_id;
	call->state = SC_CALL_MOVING;
	dlist_push_tail(&d->calls, &call->node);
	d->ncalls++;
	return call;
}

/* Sends the pending request, or ends the call.  The caller has just set call->request. */
void
sc_dispatch_advance(ScDispatcher *d, ScCarried *call)
{
	while (call->request != NULL)
	{
		char *error = NULL;
		ScResponse response = { .transport = SC_TRANSPORT_NOT_SENT,
								.body = "",
								.arrived_at = GetCurrentTimestamp() };

		if (send_request(d, call, &error))
		{
			call->state = SC_CALL_FLYING;
			return;
		}
		response.error = MemoryContextStrdup(call->cxt, error);
		feed(d, call, &response);
	}
	finish(d, call);
}

/* Refuses to leave the system's own origin, whatever a template or a peer's answer made of the URL. */
static bool
send_request(ScDispatcher *d, ScCarried *call, char **error)
{
	ScPeer *peer = hash_search(d->peers, &call->peer_id, HASH_FIND, NULL);

	Assert(!IsTransactionState());
	if (peer == NULL)
		*error = "the system is no longer configured";
	else if (!sc_address_same_origin(call->request->url, peer->base_url))
		*error = "the request's URL is not below the system's base URL";
	else if (!peer->has_credential)
		*error = "the system has no credential for calls";
	else
		return send_with_credential(d, call, peer, error);
	return false;
}

static bool
send_with_credential(ScDispatcher *d, ScCarried *call, ScPeer *peer, char **error)
{
	ScHttpTarget target = { .allow_http = peer->allow_http,
							.allow_private = peer->allow_private,
							.ca_file = peer->ca_file,
							.allowed_hosts = sc_allowed_hosts };

	if (!sc_auth_headers(&peer->credential, peer->base_url, sc_secret_directory, &target.auth,
						 error))
		return false;
	bool started = sc_http_start(d->http, &target, call->request, call, error) != NULL;
	sc_auth_free_headers(&target.auth);
	if (started)
		d->slot->sent++;
	return started;
}

void
sc_dispatch_take_answers(ScDispatcher *d)
{
	ScCarried *call;

	while ((call = sc_http_peek(d->http)) != NULL)
	{
		ScResponse *response;

		(void) sc_http_next(d->http, call->cxt, &response);
		call->state = SC_CALL_MOVING;
		blot_answer(d, call, response);
		feed(d, call, response);
		if (call->request != NULL && !take_token(d, call))
			continue;
		sc_dispatch_advance(d, call);
	}
}

/* True when the next request may leave now; else the call waits for its token. */
static bool
take_token(ScDispatcher *d, ScCarried *call)
{
	ScPeer *peer = hash_search(d->peers, &call->peer_id, HASH_FIND, NULL);
	TimestampTz now = sc_shared_now();
	int64 wait_us = 0;
	bool taken = true;

	if (peer == NULL || peer->max_rate <= 0)
		return true;
	LWLockAcquire(sc_shared->lock, LW_EXCLUSIVE);
	ScLimit *limit = sc_shared_limit(MyDatabaseId, call->connection_id);
	if (limit != NULL)
		taken = sc_limit_take_token(limit, peer->max_rate, now, &wait_us);
	LWLockRelease(sc_shared->lock);
	if (taken)
		return true;
	call->state = SC_CALL_PACED;
	d->pace_at = d->pace_at == 0 ? now + wait_us : Min(d->pace_at, now + wait_us);
	return false;
}

void
sc_dispatch_resume_paced(ScDispatcher *d)
{
	dlist_mutable_iter iter;

	if (d->pace_at == 0 || sc_shared_now() < d->pace_at)
		return;
	d->pace_at = 0;
	dlist_foreach_modify(iter, &d->calls)
	{
		ScCarried *call = dlist_container(ScCarried, node, iter.cur);

		if (call->state != SC_CALL_PACED || !take_token(d, call))
			continue;
		call->state = SC_CALL_MOVING;
		sc_dispatch_advance(d, call);
	}
}

/* What a peer says of an error is kept, and a peer may repeat what it was sent. */
static void
blot_answer(ScDispatcher *d, ScCarried *call, ScResponse *response)
{
	ScPeer *peer = hash_search(d->peers, &call->peer_id, HASH_FIND, NULL);

	if (peer != NULL && peer->has_credential && (response->status < 200 || response->status > 299))
		sc_auth_blot(&peer->credential, peer->base_url, sc_secret_directory, response);
}

/* Hands an answer to what the call is about: a link's plan, a job, or a fetch. */
static void
feed(ScDispatcher *d, ScCarried *call, const ScResponse *response)
{
	MemoryContext old = MemoryContextSwitchTo(call->cxt);

	call->reached = response->transport == SC_TRANSPORT_ANSWERED && response->status < 500 &&
					response->status != 429;
	call->answered = call->reached;
	if (call->job != NULL)
		sc_job_answer(d, call, response);
	else if (call->fetch != NULL)
		sc_fetch_answer(call, response);
	else
	{
		sc_call_feed(call->plan, response);
		call->request = call->plan->request;
		call->retry_after_us = call->plan->retry_after_us;
	}
	MemoryContextSwitchTo(old);
}

static void
finish(ScDispatcher *d, ScCarried *call)
{
	TimestampTz now = sc_shared_now();

	call->state = SC_CALL_FINISHED;
	call->finished_at = now;
	d->nfinished++;
	if (!call->reached)
		d->slot->failed++;
	tell_limit(call, now);
}

/* What its end says of the connection.  When that closes an open circuit, all who rest because of it are woken. */
static void
tell_limit(ScCarried *call, TimestampTz now)
{
	uint32 closings = 0;
	bool closed;

	if (!call->holds_place && !call->answered)
		return;
	LWLockAcquire(sc_shared->lock, LW_EXCLUSIVE);
	ScLimit *limit = sc_shared_limit(MyDatabaseId, call->connection_id);
	if (limit != NULL)
		closings = limit->closings;
	if (limit != NULL && call->holds_place)
		sc_limit_release(limit, call->reached, call->retry_after_us, now);
	else if (limit != NULL)
		sc_limit_answered(limit, now);
	closed = limit != NULL && limit->closings != closings;
	call->holds_place = false;
	LWLockRelease(sc_shared->lock);
	if (closed)
		sc_shared_wake(MyDatabaseId);
}

/* Forgets a call and frees all of it. */
void
sc_dispatch_drop(ScDispatcher *d, ScCarried *call)
{
	dlist_delete(&call->node);
	d->ncalls--;
	d->busy[call->shard]--;
	if (call->state == SC_CALL_FINISHED)
		d->nfinished--;
	give_place_back(call);
	MemoryContextDelete(call->cxt);
}

static void
give_place_back(ScCarried *call)
{
	if (!call->holds_place)
		return;
	LWLockAcquire(sc_shared->lock, LW_EXCLUSIVE);
	ScLimit *limit = sc_shared_limit(MyDatabaseId, call->connection_id);
	if (limit != NULL)
		sc_limit_give_back(limit);
	call->holds_place = false;
	LWLockRelease(sc_shared->lock);
}

/* Their marks stay in the table: once their shard is quiet they are adopted, as calls whose outcome is unknown. */
void
sc_dispatch_drop_lost(ScDispatcher *d)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &d->calls)
	{
		ScCarried *call = dlist_container(ScCarried, node, iter.cur);

		if (call->state != SC_CALL_MOVING)
			continue;
		d->stale[call->shard] = true;
		sc_dispatch_drop(d, call);
	}
}

void
sc_dispatch_give_places_back(ScDispatcher *d)
{
	dlist_iter iter;

	dlist_foreach(iter, &d->calls) give_place_back(dlist_container(ScCarried, node, iter.cur));
}
