/*
 * fetch.c
 *	  Fetches objects that records name: one call for each, whoever waits for it.
 *
 * The owner of shard 0 does it, beside its deliveries and within the limits of
 * the system, one call of a system at a time.  A call is remembered by this
 * process only: one that is lost with it is made again, for it reads.  Nothing
 * waits for it but records of which every other field goes on.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/call.h"
#include "core/json.h"
#include "core/pointer.h"
#include "store/config.h"
#include "store/plan.h"
#include "worker/dispatcher.h"
#include "worker/job.h"

#define FETCHES_MAX 16 /* systems that are asked in one turn */
#define LOOK_SHARE                                                                                 \
	10 /* a look over many that wait is followed by a rest of so many times its length */

typedef struct ScFetch
{
	MemoryContext cxt;
	int32 system_id;
	char *kind;
	char *external_id;
	ScConf *conf; /* pinned */
	const ScOperation *operation;
	ScRequest *request;
	Jsonb *body;	/* NULL = not had */
	char *error;	/* why not */
	bool temporary; /* it is asked again soon */
} ScFetch;

static List *find_wanted(ScDispatcher *d);
static Datum systems_asked(ScDispatcher *d);
static ScFetch *prepare(ScDispatcher *d, int row);
static void unpin(void *arg);
static ScRequest *make_request(const ScSystem *system, const ScFetch *fetch);
static void carry(ScDispatcher *d, ScFetch *fetch);

void
sc_fetch_start(ScDispatcher *d)
{
	TimestampTz now = sc_shared_now();
	List *wanted;
	ListCell *cell;

	if (!d->may_send)
		return;
	if (now < d->fetch_at)
	{
		d->survey_at = Min(d->survey_at, d->fetch_at);
		return;
	}
	if (sc_worker_begin("looking for objects that records name") != SC_GATE_OPEN)
		return;
	wanted = find_wanted(d);
	sc_worker_commit();
	d->fetch_at = sc_shared_now() + LOOK_SHARE * (sc_shared_now() - now);
	foreach (cell, wanted)
		carry(d, lfirst(cell));
}

/* Has records read whose objects have come; of each system that may be asked, the object that is wanted longest. */
static List *
find_wanted(ScDispatcher *d)
{
	static const Oid types[] = { INT4ARRAYOID };
	Datum values[1];
	List *wanted = NIL;
	int n;

	sc_plan_run(&(ScPlan){ "fetch waits", "SELECT FROM syncore.reference_wait LIMIT 1", 0, NULL },
				NULL, NULL);
	if (SPI_processed == 0)
		return NIL;
	sc_plan_run(&(ScPlan){ "fetch settle", "SELECT syncore._settle_references()", 0, NULL }, NULL,
				NULL);
	values[0] = systems_asked(d);
	sc_plan_run(&(ScPlan){ "fetch next", "SELECT * FROM syncore._wanted_references($1)", 1, types },
				values, NULL);
	n = (int) Min(SPI_processed, FETCHES_MAX);
	SPITupleTable *rows = SPI_tuptable;

	for (int i = 0; i < n; i++)
	{
		SPI_tuptable = rows;
		ScFetch *fetch = prepare(d, i);
		MemoryContext old = MemoryContextSwitchTo(d->turn_cxt);

		if (fetch != NULL)
			wanted = lappend(wanted, fetch);
		MemoryContextSwitchTo(old);
	}
	return wanted;
}

static Datum
systems_asked(ScDispatcher *d)
{
	Datum *ids = palloc(sizeof(Datum) * Max(d->ncalls, 1));
	int n = 0;
	dlist_iter iter;

	dlist_foreach(iter, &d->calls)
	{
		const ScCarried *call = dlist_container(ScCarried, node, iter.cur);

		if (call->fetch != NULL)
			ids[n++] = Int32GetDatum(call->fetch->system_id);
	}
	return PointerGetDatum(construct_array(ids, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

/* One row: system_id, kind, external_id.  NULL when that system cannot be asked now. */
static ScFetch *
prepare(ScDispatcher *d, int row)
{
	bool isnull;
	HeapTuple tuple = SPI_tuptable->vals[row];
	TupleDesc desc = SPI_tuptable->tupdesc;
	int32 system_id = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &isnull));
	char *kind = SPI_getvalue(tuple, desc, 2);
	char *external_id = SPI_getvalue(tuple, desc, 3);
	ScConf *conf = sc_config_get();
	const ScSystem *system = sc_conf_system(conf, system_id);
	ScPeer *peer = sc_dispatch_peer(d, conf, system_id);

	if (system == NULL || peer == NULL || !peer->may_send || peer->credential_bad ||
		!peer->has_credential || sc_dispatch_rests(peer, sc_shared_now()))
		return NULL;
	/* The turn's until its call is on the books. */
	MemoryContext cxt = AllocSetContextCreate(d->turn_cxt, "syncore fetch", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	MemoryContextCallback *callback = palloc(sizeof(MemoryContextCallback));
	ScFetch *fetch = palloc0(sizeof(ScFetch));

	fetch->cxt = cxt;
	fetch->system_id = system_id;
	fetch->kind = pstrdup(kind);
	fetch->external_id = pstrdup(external_id);
	fetch->conf = conf;
	sc_config_pin(conf);
	callback->func = unpin;
	callback->arg = conf;
	MemoryContextRegisterResetCallback(cxt, callback);
	fetch->operation = sc_conf_operation(system->connector, kind, "fetch", 1);
	if (fetch->operation != NULL)
		fetch->request = make_request(system, fetch);
	if (fetch->request == NULL)
		fetch->error =
			psprintf("connector \"%s\" has no call that fetches it", system->connector->name);
	MemoryContextSwitchTo(old);
	return fetch;
}

static void
unpin(void *arg)
{
	sc_config_unpin(arg);
}

static ScRequest *
make_request(const ScSystem *system, const ScFetch *fetch)
{
	ScJson context = sc_json_object();

	sc_json_jsonb(&context, "settings", system->settings);
	sc_json_text(&context, "system", system->name);
	sc_json_open_object(&context, "reference");
	sc_json_text(&context, "kind", fetch->kind);
	sc_json_text(&context, "id", fetch->external_id);
	sc_json_close_object(&context);
	return sc_call_request(system, fetch->operation, sc_json_end(&context), NULL);
}

/* Sends it, if the limits of its system leave a place; else it is wanted still. */
static void
carry(ScDispatcher *d, ScFetch *fetch)
{
	ScPeer *peer = hash_search(d->peers, &fetch->system_id, HASH_FIND, NULL);
	int64 wait_us;

	if (peer == NULL || (fetch->request != NULL && sc_dispatch_reserve(d, peer, 1, &wait_us) == 0))
		return;
	MemoryContextSetParent(fetch->cxt, d->cxt);
	ScCarried *call = sc_dispatch_carry(d, fetch->cxt, peer);

	call->fetch = fetch;
	call->holds_place = fetch->request != NULL;
	if (call->holds_place)
		d->reserved--;
	call->reached = true;
	d->busy[0]++;
	call->request = fetch->request;
	sc_dispatch_advance(d, call);
}

/* What the answer says: the object, that there is none, or nothing yet. */
void
sc_fetch_answer(ScCarried *call, const ScResponse *response)
{
	ScFetch *fetch = call->fetch;
	Jsonb *body = sc_call_parse(response);
	char *root = sc_pointer_get_cstring(fetch->operation->response, "/record");
	char *proof = sc_pointer_get_cstring(fetch->operation->response, "/id");

	call->request = NULL;
	call->retry_after_us =
		sc_call_pause_us(sc_conf_system(fetch->conf, fetch->system_id), response);
	if (response->transport != SC_TRANSPORT_ANSWERED)
	{
		fetch->error = pstrdup(response->error == NULL ? "no answer" : response->error);
		fetch->temporary = true;
		return;
	}
	if (!sc_job_is_success(fetch->operation, response->status))
	{
		fetch->error = psprintf("HTTP %d", response->status);
		fetch->temporary = response->status == 429 || response->status >= 500 ||
						   response->status == 401 || response->status == 403;
		return;
	}
	fetch->body = body == NULL || root == NULL ? body : sc_pointer_get_text(body, root);
	if (fetch->body != NULL && proof != NULL && sc_pointer_get_text(fetch->body, proof) == NULL)
		fetch->body = NULL;
	if (fetch->body == NULL)
		fetch->error = psprintf("HTTP %d, with an answer that is no such object", response->status);
}

void
sc_fetch_finish(const ScCarried *call)
{
	static const Oid types[] = { INT4OID, TEXTOID, TEXTOID, JSONBOID, TEXTOID, BOOLOID };
	const ScFetch *fetch = call->fetch;
	Datum values[] = { Int32GetDatum(fetch->system_id),
					   CStringGetTextDatum(fetch->kind),
					   CStringGetTextDatum(fetch->external_id),
					   (Datum) 0,
					   (Datum) 0,
					   BoolGetDatum(fetch->temporary) };
	char nulls[] = "   nn ";

	if (fetch->body != NULL)
	{
		values[3] = JsonbPGetDatum(fetch->body);
		nulls[3] = ' ';
	}
	if (fetch->error != NULL)
	{
		values[4] = CStringGetTextDatum(fetch->error);
		nulls[4] = ' ';
	}
	sc_plan_run(
		&(ScPlan){ "fetch record", "SELECT syncore._fetched($1, $2, $3, $4, $5, $6)", 6, types },
		values, nulls);
}
