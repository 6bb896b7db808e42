/*
 * job.c
 *	  Jobs: calls made because a person asked.
 *
 * The owner of shard 0 runs them, one at a time, beside its deliveries; a job
 * that its process left behind starts again.  check_system makes every "check"
 * call that the connector has and says what came of each, as whom we are
 * known there, and how far its clock is from ours.  register_webhook is in
 * job_webhook.c.
 */
#include "postgres.h"

#include <curl/curl.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/json.h"
#include "core/pointer.h"
#include "net/auth.h"
#include "store/config.h"
#include "store/plan.h"
#include "worker/dispatcher.h"
#include "worker/job.h"
#include "worker/settings.h"

#define CLOCK_WRONG_S 300

static ScJobRun *take_next(ScDispatcher *d, MemoryContext cxt);
static char *find_credential_fault(const ScPeer *peer);
static void prepare(ScDispatcher *d, ScJobRun *run);
static void unpin(void *arg);
static ScRequest *next_request(ScJobRun *run);
static ScFinding *add_item(ScJobRun *run, const char *name, bool ok, char *detail, char *hint);
static void judge(ScJobRun *run, const ScOperation *operation, const ScResponse *response);
static void note_answer(ScJobRun *run, const ScOperation *operation, const ScResponse *response,
						const char *item);
static void note_clock(ScJobRun *run, const ScResponse *response);
static void add_clock(MemoryContext cxt, ScJobRun *run);
static Jsonb *result_json(const ScJobRun *run);
static void store_result(const ScJobRun *run);
static void store_findings(const ScJobRun *run);

void
sc_job_start_next(ScDispatcher *d)
{
	ScJobRun *volatile taken = NULL;
	dlist_iter iter;

	dlist_foreach(iter,
				  &d->calls) if (dlist_container(ScCarried, node, iter.cur)->job != NULL) return;
	MemoryContext cxt = AllocSetContextCreate(d->cxt, "syncore job", ALLOCSET_DEFAULT_SIZES);
	PG_TRY();
	{
		taken = take_next(d, cxt);
	}
	PG_CATCH();
	{
		MemoryContextDelete(cxt);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (taken == NULL)
	{
		MemoryContextDelete(cxt);
		return;
	}
	ScJobRun *run = taken;
	ScPeer none = { .system_id = run->system_id };
	ScPeer *peer = hash_search(d->peers, &run->system_id, HASH_FIND, NULL);
	ScCarried *call = sc_dispatch_carry(d, cxt, peer ? peer : &none);
	call->job = run;
	call->reached = true;
	d->busy[0]++;
	MemoryContext old = MemoryContextSwitchTo(cxt);
	call->request = run->error_code == NULL ? next_request(run) : NULL;
	MemoryContextSwitchTo(old);
	sc_dispatch_advance(d, call);
}

/* Marks the oldest queued job as running and prepares it in cxt; NULL = there is none. */
static ScJobRun *
take_next(ScDispatcher *d, MemoryContext cxt)
{
	bool isnull;

	if (sc_worker_begin("looking for jobs") != SC_GATE_OPEN)
		return NULL;
	sc_plan_run(&(ScPlan){ "job_next",
						   "SELECT id, system_id, kind = 'register_webhook' FROM syncore.job"
						   " WHERE state = 'queued' AND kind IN ('check_system', "
						   "'register_webhook') ORDER BY id LIMIT 1",
						   0, NULL },
				NULL, NULL);
	if (SPI_processed == 0)
	{
		sc_worker_commit();
		return NULL;
	}
	MemoryContext old = MemoryContextSwitchTo(cxt);
	ScJobRun *run = palloc0(sizeof(ScJobRun));
	run->id =
		DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	run->system_id =
		DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	run->registers =
		DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3, &isnull));
	prepare(d, run);
	MemoryContextSwitchTo(old);
	static const Oid types[1] = { INT8OID };
	Datum values[1] = { Int64GetDatum(run->id) };
	sc_plan_run(&(ScPlan){ "job_begin",
						   "UPDATE syncore.job SET state = 'running', started = now() WHERE id = "
						   "$1 AND state = 'queued'",
						   1, types },
				values, NULL);
	sc_worker_commit();
	return run;
}

/* Why the headers that calls would carry cannot be made, or NULL. */
static char *
find_credential_fault(const ScPeer *peer)
{
	ScHeaderList headers = { NULL, 0 };
	char *error = NULL;
	bool works =
		sc_auth_headers(&peer->credential, peer->base_url, sc_secret_directory, &headers, &error);

	sc_auth_free_headers(&headers);
	return works ? NULL : error;
}

static void
prepare(ScDispatcher *d, ScJobRun *run)
{
	MemoryContext cxt = CurrentMemoryContext;
	MemoryContextCallback *callback = MemoryContextAlloc(cxt, sizeof(MemoryContextCallback));

	run->conf = sc_config_get();
	sc_config_pin(run->conf);
	callback->func = unpin;
	callback->arg = run->conf;
	MemoryContextRegisterResetCallback(cxt, callback);
	run->system = sc_conf_system(run->conf, run->system_id);
	ScPeer *peer = sc_dispatch_peer(d, run->conf, run->system_id);
	run->system_name = pstrdup(run->system ? run->system->name : "?");
	char *fault = peer == NULL || !peer->has_credential ? NULL : find_credential_fault(peer);
	if (run->system == NULL || peer == NULL)
		sc_job_fail(run, "42704", pstrdup("the system no longer exists"), NULL);
	else if (!d->instance_ok)
		sc_job_fail(run, "SY003", pstrdup("this database is not the instance that may send"),
					pstrdup("TABLE syncore.health says what differs."));
	else if (!sc_enabled)
		sc_job_fail(run, "55000", pstrdup("nothing leaves while syncore.enabled is off"), NULL);
	else if (!peer->has_credential)
		sc_job_fail(run, "SY005", psprintf("system \"%s\" has no credential", peer->name),
					psprintf("SELECT syncore.set_credential('%s', …);", peer->name));
	else if (fault != NULL)
		sc_job_fail(
			run, "SY005",
			psprintf("could not use the credential of system \"%s\": %s", peer->name, fault),
			psprintf("Put the secret in its place, or: SELECT syncore.set_credential('%s', …);",
					 peer->name));
	else if (run->registers)
		sc_job_webhook_prepare(run);
	else if (next_request(run) == NULL)
		sc_job_fail(run, "0A000",
					psprintf("connector \"%s\" has no check", run->system->connector->name), NULL);
}

static void
unpin(void *arg)
{
	sc_config_unpin(arg);
}

/* The operation whose turn it is; NULL = that was the last one. */
const ScOperation *
sc_job_operation(const ScJobRun *run)
{
	return sc_conf_operation(run->system->connector, "*",
							 run->registers ? "register_webhook" : "check", run->at + 1);
}

/* The request of the operation whose turn it is; NULL = that was the last one. */
static ScRequest *
next_request(ScJobRun *run)
{
	const ScOperation *operation = sc_job_operation(run);
	ScJson context = sc_json_object();

	if (operation == NULL)
		return NULL;
	if (run->registers)
		return sc_job_webhook_request(run, operation);
	sc_json_jsonb(&context, "settings", run->system->settings);
	return sc_call_request(run->system, operation, sc_json_end(&context), NULL);
}

void
sc_job_answer(ScDispatcher *d, ScCarried *call, const ScResponse *response)
{
	ScJobRun *run = call->job;

	if (run->registers)
		sc_job_webhook_answer(run, sc_job_operation(run), response);
	else
		judge(run, sc_job_operation(run), response);
	run->at++;
	call->request = run->error_code == NULL && !run->complete && run->nitems < SC_JOB_ITEMS_MAX - 2
						? next_request(run)
						: NULL;
}

/* What one answer of the other side says. */
static void
judge(ScJobRun *run, const ScOperation *operation, const ScResponse *response)
{
	char *item = sc_pointer_get_cstring(operation->options, "/item");

	if (item == NULL)
		item = psprintf("check %d", operation->position);
	if (response->transport != SC_TRANSPORT_ANSWERED)
	{
		add_item(run, item, false, pstrdup(response->error),
				 pstrdup("Is the base URL right, and may this server reach it?"));
		sc_job_fail(
			run, "08006",
			psprintf("system \"%s\" could not be reached: %s", run->system_name, response->error),
			pstrdup("TABLE syncore.system_check has the details."));
		return;
	}
	note_clock(run, response);
	if (response->status == 401 || response->status == 403)
	{
		add_item(run, item, false, psprintf("HTTP %d", response->status),
				 pstrdup("Are user name and secret right, and has that user the rights the "
						 "connector asks for?"));
		if (run->at == 0)
			sc_job_fail(run, "SY005",
						psprintf("system \"%s\" refused the credential: HTTP %d", run->system_name,
								 response->status),
						psprintf("SELECT * FROM syncore.required_scopes('%s');", run->system_name));
		return;
	}
	note_answer(run, operation, response, item);
}

static void
note_answer(ScJobRun *run, const ScOperation *operation, const ScResponse *response,
			const char *item)
{
	Jsonb *body = sc_call_parse(response);
	char *root = sc_pointer_get_cstring(operation->response, "/record");
	Jsonb *record = body != NULL && root != NULL ? sc_pointer_get_text(body, root) : body;
	char *actor_at = sc_pointer_get_cstring(operation->response, "/actor");
	char *actor =
		record != NULL && actor_at != NULL ? sc_pointer_get_cstring(record, actor_at) : NULL;
	bool ok = sc_job_is_success(operation, response->status) && body != NULL &&
			  (actor_at == NULL || actor != NULL);

	if (actor != NULL)
		run->actor = actor;
	add_item(run, item, ok,
			 ok ? psprintf("HTTP %d in %d ms%s%s", response->status,
						   (int) (response->duration_us / 1000), actor ? ", as " : "",
						   actor ? actor : "")
				: psprintf("HTTP %d, with an answer that is not that of %s", response->status,
						   run->system->connector->name),
			 ok ? NULL
				: pstrdup("Does the base URL lead to that product, and past any sign-in page?"));
	if (!ok && run->at == 0)
		sc_job_fail(run, "08P01",
					psprintf("system \"%s\" did not answer as %s does: HTTP %d", run->system_name,
							 run->system->connector->name, response->status),
					pstrdup("Does the base URL lead to that product, and past any sign-in page?"));
}

bool
sc_job_is_success(const ScOperation *operation, int status)
{
	for (int i = 0; i < operation->nsuccess; i++)
		if (operation->success[i] == status)
			return true;
	return false;
}

/*
 * Its clock against ours, from the first Date header.  That header is cut to
 * seconds, so half a second is added; the answer was made about half way.
 */
static void
note_clock(ScJobRun *run, const ScResponse *response)
{
	for (int i = 0; i < response->nheaders && !run->has_clock; i++)
	{
		if (strcmp(response->headers[i].name, "date") != 0)
			continue;
		time_t date = curl_getdate(response->headers[i].value, NULL);
		if (date == (time_t) -1)
			return;
		TimestampTz made_at = response->arrived_at - response->duration_us / 2;
		double offset = (time_t_to_timestamptz((pg_time_t) date) - made_at) / 1e6 + 0.5;
		run->has_clock = true;
		run->clock_s = fabs(offset) < 1.5 ? 0 : rint(offset);
	}
}

static ScFinding *
add_item(ScJobRun *run, const char *name, bool ok, char *detail, char *hint)
{
	ScFinding *item = &run->items[run->nitems++];

	item->name = name;
	item->ok = ok;
	item->detail = detail;
	item->hint = hint;
	return item;
}

void
sc_job_fail(ScJobRun *run, const char *code, char *error, char *hint)
{
	run->error_code = code;
	run->error = error;
	run->hint = hint;
}

void
sc_job_finish(ScDispatcher *d, ScCarried *call)
{
	ScJobRun *run = call->job;

	add_clock(call->cxt, run);
	store_result(run);
	if (run->error_code == NULL && !run->registers)
		store_findings(run);
}

/* Once, and in the job's own memory: recording may fail and be tried again. */
static void
add_clock(MemoryContext cxt, ScJobRun *run)
{
	MemoryContext old = MemoryContextSwitchTo(cxt);

	if (run->has_clock && !run->clock_told && run->nitems < SC_JOB_ITEMS_MAX)
	{
		bool fine = fabs(run->clock_s) < CLOCK_WRONG_S;

		add_item(run, "clock", fine,
				 run->clock_s == 0 ? pstrdup("as ours")
								   : psprintf("%.0f s %s ours", fabs(run->clock_s),
											  run->clock_s > 0 ? "ahead of" : "behind"),
				 fine ? NULL
					  : pstrdup("Times from there are corrected by this; better set that clock."));
	}
	run->clock_told = true;
	MemoryContextSwitchTo(old);
}

static Jsonb *
result_json(const ScJobRun *run)
{
	ScJson json = sc_json_array();

	for (int i = 0; i < run->nitems; i++)
	{
		sc_json_open_object(&json, NULL);
		sc_json_text(&json, "item", run->items[i].name);
		sc_json_boolean(&json, "ok", run->items[i].ok);
		sc_json_text(&json, "detail", run->items[i].detail);
		if (run->items[i].hint != NULL)
			sc_json_text(&json, "hint", run->items[i].hint);
		sc_json_close_object(&json);
	}
	return sc_json_end(&json);
}

static void
store_result(const ScJobRun *run)
{
	static const Oid types[6] = { INT8OID, JSONBOID, TEXTOID, TEXTOID, TEXTOID, INT4OID };
	Jsonb *result = run->registers ? sc_job_webhook_result(run) : result_json(run);
	Datum values[6] = { Int64GetDatum(run->id),
						JsonbPGetDatum(result),
						(Datum) 0,
						(Datum) 0,
						(Datum) 0,
						Int32GetDatum(run->registers ? 1 : run->nitems) };
	char nulls[7] = "  nnn ";

	if (run->error_code != NULL)
	{
		values[2] = CStringGetTextDatum(run->error_code);
		values[3] = CStringGetTextDatum(run->error);
		nulls[2] = nulls[3] = ' ';
		if (run->hint != NULL)
		{
			values[4] = CStringGetTextDatum(run->hint);
			nulls[4] = ' ';
		}
	}
	sc_plan_run(
		&(ScPlan){ "job_end",
				   "UPDATE syncore.job SET state = CASE WHEN $3 IS NULL THEN 'done' ELSE 'failed' "
				   "END, result = $2,"
				   " done = CASE WHEN $3 IS NULL THEN $6 ELSE 0 END, total = $6, ended = "
				   "clock_timestamp(),"
				   " error_code = $3, error = $4, hint = $5 WHERE id = $1 AND state = 'running'",
				   6, types },
		values, nulls);
}

/* What the check learned of the system; nothing is written where nothing is new. */
static void
store_findings(const ScJobRun *run)
{
	static const Oid types[3] = { INT4OID, FLOAT8OID, TEXTOID };
	Datum values[3] = { Int32GetDatum(run->system_id), Float8GetDatum(run->clock_s), (Datum) 0 };
	char nulls[4] = "   ";

	nulls[1] = run->has_clock ? ' ' : 'n';
	nulls[2] = run->actor != NULL ? ' ' : 'n';
	if (run->actor != NULL)
		values[2] = CStringGetTextDatum(run->actor);
	sc_plan_run(&(ScPlan){ "job_findings",
						   "UPDATE syncore.system SET clock_offset = COALESCE(make_interval(secs "
						   "=> $2), clock_offset),"
						   " integration_actor = COALESCE($3, integration_actor)"
						   " WHERE id = $1 AND ((clock_offset, integration_actor) IS DISTINCT FROM"
						   " (COALESCE(make_interval(secs => $2), clock_offset), COALESCE($3, "
						   "integration_actor)))",
						   3, types },
				values, nulls);
}

/* The process that ran them is gone; what they do can be done again. */
void
sc_job_adopt(void)
{
	sc_plan_run(
		&(ScPlan){ "job_adopt",
				   "UPDATE syncore.job SET state = 'queued', started = NULL WHERE state = 'running'"
				   " AND kind IN ('check_system', 'register_webhook')",
				   0, NULL },
		NULL, NULL);
}
