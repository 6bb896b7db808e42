/*
 * dispatch_peer.c
 *	  The systems as a dispatcher knows them: where they are, with which
 *	  credential, how fast they may be called.
 *
 * Refreshed from the configuration whenever there is work for a system; the
 * secret itself is never kept.  Limits belong to the connection, in shared
 * memory, and hold for all workers together.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "store/config.h"
#include "store/plan.h"
#include "worker/dispatcher.h"
#include "worker/settings.h"

static void fill_peer(ScPeer *peer, const ScConf *conf, const ScSystem *system);
static int32 connection_of(const ScConf *conf, const ScSystem *system);
static void load_credential(ScPeer *peer);
static char *copy_column(int column);

ScPeer *
sc_dispatch_peer(ScDispatcher *d, const ScConf *conf, int32 system_id)
{
	const ScSystem *system = sc_conf_system(conf, system_id);

	if (system == NULL)
	{
		ScPeer *gone = hash_search(d->peers, &system_id, HASH_FIND, NULL);

		if (gone != NULL)
			gone->may_send = false;
		return NULL;
	}
	/* made whole before it takes the place of what calls in flight go by: a statement may fail */
	ScPeer *known = hash_search(d->peers, &system_id, HASH_FIND, NULL);
	ScPeer fresh = { .system_id = system_id };

	if (known != NULL)
		fresh = *known;
	fresh.cxt = AllocSetContextCreate(CurrentMemoryContext, "syncore peer", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(fresh.cxt);
	fill_peer(&fresh, conf, system);
	load_credential(&fresh);
	MemoryContextSwitchTo(old);
	if (known != NULL)
		MemoryContextDelete(known->cxt);
	ScPeer *peer = hash_search(d->peers, &system_id, HASH_ENTER, NULL);
	*peer = fresh;
	MemoryContextSetParent(peer->cxt, d->cxt);
	return peer;
}

static void
fill_peer(ScPeer *peer, const ScConf *conf, const ScSystem *system)
{
	peer->connection_id = connection_of(conf, system);
	peer->name = pstrdup(system->name);
	peer->base_url = pstrdup(system->base_url);
	peer->ca_file = system->ca_file ? pstrdup(system->ca_file) : NULL;
	peer->integration_actor = system->integration_actor ? pstrdup(system->integration_actor) : NULL;
	peer->may_send = system->mode == SC_MODE_ACTIVE && !system->space->paused;
	peer->allow_http = system->allow_http;
	peer->allow_private = system->allow_private;
	peer->max_rate = system->max_rate;
	peer->max_in_flight =
		system->max_in_flight > 0 ? system->max_in_flight : SC_SYSTEM_IN_FLIGHT_DEFAULT;
}

/* Systems of one connection share limits: under the lowest id among them. */
static int32
connection_of(const ScConf *conf, const ScSystem *system)
{
	int32 lowest = system->id;

	for (int i = 0; i < conf->nsystems; i++)
		if (conf->systems[i].id < lowest &&
			strcmp(conf->systems[i].connection, system->connection) == 0)
			lowest = conf->systems[i].id;
	return lowest;
}

static void
load_credential(ScPeer *peer)
{
	static const Oid types[1] = { TEXTOID };
	Datum values[1] = { CStringGetTextDatum(peer->name) };

	memset(&peer->credential, 0, sizeof(peer->credential));
	sc_plan_run(
		&(ScPlan){ "dispatch_credential",
				   "SELECT kind, reference, username, settings, host FROM syncore.credential"
				   " WHERE system = $1 AND used_for = 'api' AND state = 'current'",
				   1, types },
		values, NULL);
	peer->has_credential = SPI_processed > 0;
	if (!peer->has_credential)
		return;
	bool isnull;
	Datum settings = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 4, &isnull);
	peer->credential.kind = copy_column(1);
	peer->credential.reference = copy_column(2);
	peer->credential.username = copy_column(3);
	peer->credential.settings = isnull ? NULL : DatumGetJsonbPCopy(settings);
	peer->credential.host = copy_column(5);
}

/* A column of the first row as text, in the current context; NULL for null. */
static char *
copy_column(int column)
{
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column);
}

/* Tries to make the headers that calls would carry; an alert tells when that fails, and is closed when it works again. */
bool
sc_dispatch_credential_works(ScDispatcher *d, ScPeer *peer)
{
	ScHeaderList headers = { NULL, 0 };
	char *error = "It has none that is current.";
	char *cause = psprintf("credential:%s", peer->name);
	bool works = peer->has_credential && sc_auth_headers(&peer->credential, peer->base_url,
														 sc_secret_directory, &headers, &error);

	sc_auth_free_headers(&headers);
	if (!works)
		sc_worker_alert(&(ScWorkerAlert){
			.level = "critical",
			.kind = "credential",
			.cause = cause,
			.object = peer->name,
			.detail =
				psprintf("could not use the credential of system \"%s\": %s", peer->name, error),
			.hint = psprintf(
				"Put the secret in its place, or run SELECT syncore.set_credential('%s', …).",
				peer->name) });
	else if (peer->credential_bad)
		sc_worker_alert_close(cause);
	peer->credential_bad = !works;
	return works;
}

/* An alert while the breaker of a system with work is open. */
void
sc_dispatch_watch_breaker(ScPeer *peer)
{
	char *cause = psprintf("breaker:%s", peer->name);

	LWLockAcquire(sc_shared->lock, LW_EXCLUSIVE);
	ScLimit *limit = sc_shared_limit(MyDatabaseId, peer->connection_id);
	ScBreaker breaker = limit ? limit->breaker : SC_BREAKER_CLOSED;
	int failures = limit ? limit->failures : 0;
	LWLockRelease(sc_shared->lock);
	if (breaker == SC_BREAKER_OPEN && !peer->breaker_told)
		sc_worker_alert(&(ScWorkerAlert){
			.level = "warning",
			.kind = "breaker",
			.cause = cause,
			.object = peer->name,
			.detail = psprintf("system \"%s\" failed %d times in a row; calls to it rest",
							   peer->name, failures),
			.hint = psprintf("It is tried again by itself. SELECT syncore.check_system('%s') "
							 "says what is wrong.",
							 peer->name) });
	if (breaker == SC_BREAKER_CLOSED && peer->breaker_told)
		sc_worker_alert_close(cause);
	peer->breaker_told =
		breaker == SC_BREAKER_OPEN || (peer->breaker_told && breaker != SC_BREAKER_CLOSED);
}

/* Does it rest?  Not any longer than until its circuit is closed, whoever's call did that. */
bool
sc_dispatch_rests(ScPeer *peer, TimestampTz now)
{
	bool rests = peer->next_at > now;

	if (!rests)
		return false;
	LWLockAcquire(sc_shared->lock, LW_EXCLUSIVE);
	ScLimit *limit = sc_shared_limit(MyDatabaseId, peer->connection_id);
	rests = limit == NULL || limit->closings == peer->closings;
	LWLockRelease(sc_shared->lock);
	return rests;
}

bool
sc_dispatch_is_open(const ScPeer *peer)
{
	LWLockAcquire(sc_shared->lock, LW_EXCLUSIVE);
	ScLimit *limit = sc_shared_limit(MyDatabaseId, peer->connection_id);
	bool open = limit != NULL && limit->breaker != SC_BREAKER_CLOSED;
	LWLockRelease(sc_shared->lock);
	return open;
}

/*
 * Takes up to wanted places at once; 0 with *wait_us when none is to be had.
 * They are the dispatcher's until a call takes one over: a claim that ends in
 * an error, or with the process, must not leave them taken for ever.
 */
int
sc_dispatch_reserve(ScDispatcher *d, ScPeer *peer, int wanted, int64 *wait_us)
{
	TimestampTz now = sc_shared_now();

	Assert(d->reserved == 0);
	*wait_us = USECS_PER_SEC;
	LWLockAcquire(sc_shared->lock, LW_EXCLUSIVE);
	ScLimit *limit = sc_shared_limit(MyDatabaseId, peer->connection_id);
	d->reserved_id = peer->connection_id;
	while (limit != NULL && d->reserved < wanted &&
		   sc_limit_acquire(limit, peer->max_rate, peer->max_in_flight, now, wait_us))
		d->reserved++;
	peer->closings = limit == NULL ? 0 : limit->closings;
	LWLockRelease(sc_shared->lock);
	if (limit == NULL)
		sc_worker_log(WARNING, "limits",
					  "syncore.shared_memory is too small for the limits of all systems");
	return d->reserved;
}

/* Gives back the places that no call has taken over. */
void
sc_dispatch_unreserve(ScDispatcher *d)
{
	if (d->reserved == 0)
		return;
	LWLockAcquire(sc_shared->lock, LW_EXCLUSIVE);
	ScLimit *limit = sc_shared_limit(MyDatabaseId, d->reserved_id);
	for (; d->reserved > 0; d->reserved--)
		if (limit != NULL)
			sc_limit_give_back(limit);
	LWLockRelease(sc_shared->lock);
}
