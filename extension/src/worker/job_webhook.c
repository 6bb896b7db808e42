/*
 * job_webhook.c
 *	  The job register_webhook: asks a product to send us its webhooks.
 *
 * The operations "register_webhook" of the connector are called in order; one
 * with the option "lookup" lists what is registered, and the job is done when
 * our address is among it, so that a job may be repeated after a lost answer.
 *
 * The product has to learn the secret of the signatures.  It goes from its file
 * into the body of the one request and nowhere else: the template is expanded
 * with a random word in its place, and the buffers that held the secret are
 * wiped.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "core/json.h"
#include "core/pointer.h"
#include "net/auth.h"
#include "store/plan.h"
#include "worker/job.h"
#include "worker/settings.h"

#define WORD_BYTES 16

static char *find_secret(const char *system);
static char *random_word(void);
static void put_secret(ScJobRun *run, ScRequest *request, const char *word);
static void keep_secret(ScJobRun *run, ScRequest *request, char *body);
static void wipe(void *arg);
static void look_up(ScJobRun *run, const ScOperation *operation, const ScResponse *response);
static void take_registration(ScJobRun *run, const ScOperation *operation,
							  const ScResponse *response);

void
sc_job_webhook_prepare(ScJobRun *run)
{
	run->hook_reference = find_secret(run->system_name);
	if (sc_job_operation(run) == NULL)
		sc_job_fail(
			run, "0A000",
			psprintf("connector \"%s\" cannot register webhooks", run->system->connector->name),
			psprintf("Do it by hand: SELECT setup FROM syncore.webhook WHERE system = '%s';",
					 run->system_name));
	else if (sc_public_url == NULL || sc_public_url[0] == '\0')
		sc_job_fail(run, "55000", pstrdup("syncore.public_url is not set"),
					pstrdup("Set it to the address under which other systems reach the listener."));
	else if (run->hook_reference == NULL)
		sc_job_fail(run, "SY005",
					psprintf("system \"%s\" has no webhook credential", run->system_name),
					psprintf("SELECT syncore.set_credential('%s', 'hmac_sha256', 'file:…', "
							 "used_for => 'webhook');",
							 run->system_name));
	else
	{
		size_t len = strlen(sc_public_url);

		while (len > 0 && sc_public_url[len - 1] == '/')
			len--;
		run->hook_url = psprintf("%.*s/hooks/%s/%s", (int) len, sc_public_url,
								 run->system->space->name, run->system_name);
	}
}

/* The reference of what the listener checks signatures with; a system may share that of its connection. */
static char *
find_secret(const char *system)
{
	static const Oid types[1] = { TEXTOID };
	Datum values[1] = { CStringGetTextDatum(system) };

	sc_plan_run(
		&(ScPlan){
			"job_webhook_secret",
			"SELECT c.reference FROM syncore.credential c JOIN syncore.system o ON o.name = "
			"c.system"
			" WHERE c.used_for = 'webhook' AND c.state = 'current' AND c.kind <> 'none'"
			" AND o.connection = (SELECT s.connection FROM syncore.system s WHERE s.name = $1)"
			" ORDER BY o.name = $1 DESC, c.id LIMIT 1",
			1, types },
		values, NULL);
	return SPI_processed == 0 ? NULL
							  : SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* The request of an operation; NULL with the job failed when there is none to make. */
ScRequest *
sc_job_webhook_request(ScJobRun *run, const ScOperation *operation)
{
	ScJson context = sc_json_object();
	char *word = random_word();

	sc_json_text(&context, "system", run->system_name);
	sc_json_jsonb(&context, "settings", run->system->settings);
	sc_json_open_object(&context, "webhook");
	sc_json_text(&context, "url", run->hook_url);
	sc_json_text(&context, "secret", word);
	sc_json_close_object(&context);
	ScRequest *request = sc_call_request(run->system, operation, sc_json_end(&context), NULL);

	if (request == NULL)
		sc_job_fail(run, "22023",
					psprintf("the registration at system \"%s\" cannot be put into a request",
							 run->system_name),
					pstrdup("Look at connector_operation, operation register_webhook."));
	else if (request->body != NULL && strstr(request->body, word) != NULL)
		put_secret(run, request, word);
	return run->error_code == NULL ? request : NULL;
}

static char *
random_word(void)
{
	uint8 bytes[WORD_BYTES];
	char *word = palloc(WORD_BYTES * 2 + 1);

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes")));
	for (int i = 0; i < WORD_BYTES; i++)
		snprintf(word + i * 2, 3, "%02x", bytes[i]);
	return word;
}

/* Puts the secret, spelt as in a JSON string, where the word stands. */
static void
put_secret(ScJobRun *run, ScRequest *request, const char *word)
{
	char *error;
	char *secret = sc_auth_secret(run->hook_reference, sc_secret_directory, &error);
	StringInfoData spelt;

	if (secret == NULL || !pg_verify_mbstr(PG_UTF8, secret, strlen(secret), true))
	{
		sc_job_fail(run, "SY005",
					psprintf("could not use the webhook secret of system \"%s\": %s",
							 run->system_name, secret == NULL ? error : "it is no text in UTF-8."),
					NULL);
		sc_auth_wipe(secret);
		return;
	}
	initStringInfo(&spelt);
	enlargeStringInfo(&spelt, strlen(secret) * 6 + 3); /* so that it is never moved */
	escape_json(&spelt, secret);
	sc_auth_wipe(secret);
	char *at = strstr(request->body, word);
	size_t before = at - request->body;
	size_t after = strlen(at) - strlen(word);
	char *body = palloc(before + spelt.len + after + 1);

	memcpy(body, request->body, before);
	memcpy(body + before, spelt.data + 1, spelt.len - 2);
	memcpy(body + before + spelt.len - 2, at + strlen(word), after + 1);
	sc_auth_wipe(spelt.data);
	keep_secret(run, request, body);
}

/* However the job ends, its memory context takes the body with it, wiped. */
static void
keep_secret(ScJobRun *run, ScRequest *request, char *body)
{
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	run->secret_body = request->body = body;
	run->secret_body_len = request->body_len = strlen(body);
	callback->func = wipe;
	callback->arg = run;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
}

static void
wipe(void *arg)
{
	ScJobRun *run = arg;

	if (run->secret_body != NULL)
		explicit_bzero(run->secret_body, run->secret_body_len);
	run->secret_body = NULL;
}

void
sc_job_webhook_answer(ScJobRun *run, const ScOperation *operation, const ScResponse *response)
{
	wipe(run);
	if (response->transport != SC_TRANSPORT_ANSWERED)
		sc_job_fail(
			run, "08006",
			psprintf("system \"%s\" could not be reached: %s", run->system_name, response->error),
			pstrdup("Ask again: what is registered already is not registered twice."));
	else if (response->status == 401 || response->status == 403)
		sc_job_fail(run, "SY005",
					psprintf("system \"%s\" refused the registration: HTTP %d", run->system_name,
							 response->status),
					psprintf("It needs the rights of an administrator there; or do it by hand:"
							 " SELECT setup FROM syncore.webhook WHERE system = '%s';",
							 run->system_name));
	else if (!sc_job_is_success(operation, response->status))
		sc_job_fail(
			run, "08P01",
			psprintf("system \"%s\" did not take the registration: HTTP %d", run->system_name,
					 response->status),
			psprintf("Do it by hand: SELECT setup FROM syncore.webhook WHERE system = '%s';",
					 run->system_name));
	else if (sc_json_get_boolean(operation->options, "lookup", false))
		look_up(run, operation, response);
	else
		take_registration(run, operation, response);
}

/* Is our address among those that are registered? */
static void
look_up(ScJobRun *run, const ScOperation *operation, const ScResponse *response)
{
	Jsonb *body = sc_call_parse(response);
	char *list_at = sc_pointer_get_cstring(operation->response, "/list");
	char *url_at = sc_pointer_get_cstring(operation->response, "/url");
	char *id_at = sc_pointer_get_cstring(operation->response, "/id");
	Jsonb *list = body != NULL && list_at != NULL ? sc_pointer_get_text(body, list_at) : NULL;
	Jsonb **hooks = NULL;
	int nhooks = list != NULL && url_at != NULL ? sc_json_elements(list, &hooks) : 0;

	for (int i = 0; i < nhooks; i++)
	{
		char *url = sc_pointer_get_cstring(hooks[i], url_at);

		if (url == NULL || strcmp(url, run->hook_url) != 0)
			continue;
		run->hook_id = id_at != NULL ? sc_pointer_get_cstring(hooks[i], id_at) : NULL;
		run->hook_was_there = run->complete = true;
		return;
	}
}

static void
take_registration(ScJobRun *run, const ScOperation *operation, const ScResponse *response)
{
	Jsonb *body = sc_call_parse(response);
	char *id_at = sc_pointer_get_cstring(operation->response, "/id");

	run->hook_id = body != NULL && id_at != NULL ? sc_pointer_get_cstring(body, id_at) : NULL;
	if (run->hook_id == NULL)
		sc_job_fail(
			run, "08P01",
			psprintf("system \"%s\" answered the registration without naming it", run->system_name),
			pstrdup("Look there whether it exists, then ask again."));
	run->complete = true;
}

Jsonb *
sc_job_webhook_result(const ScJobRun *run)
{
	ScJson json = sc_json_object();

	sc_json_text(&json, "url", run->hook_url);
	sc_json_text(&json, "id", run->hook_id);
	if (run->error_code == NULL)
		sc_json_boolean(&json, "was_there", run->hook_was_there);
	return sc_json_end(&json);
}
