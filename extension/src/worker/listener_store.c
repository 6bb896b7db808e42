/*
 * listener_store.c
 *	  Webhooks into the database: who sent them, and then one insert per
 *	  system, all in one transaction.
 *
 * A signature is checked over the raw bytes before anybody reads them as
 * anything else; a request that fails leaves a counter and an alert, and no
 * event.  Each system is stored in a sub-transaction of its own, so that what
 * is wrong with one does not cost the others their commit.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "core/json.h"
#include "engine/engine.h"
#include "net/auth.h"
#include "net/signature.h"
#include "store/config.h"
#include "worker/base.h"
#include "worker/listener.h"
#include "worker/settings.h"

#define CREDENTIALS_MAX 8
#define HEADERS_KEPT_MAX 40
#define HEADER_KEPT_MAX 1024

typedef struct Key /* one credential that a sender may have used */
{
	Jsonb *scheme; /* net/signature.h */
	char *secret;  /* wiped after use */
} Key;

typedef struct Front /* one system's webhooks of this commit */
{
	char *space;
	char *system;
	bool known;
	bool unreadable; /* a credential could not be read: nobody can say who is right */
	int nkeys;
	Key keys[CREDENTIALS_MAX];
	List *hooks; /* of ScHook * that are signed */
	int refused;
} Front;

static List *sort_by_system(ScHook *hooks);
static Front *find_front(List *fronts, const ScHook *hook);
static void load_front(Front *front);
static void load_keys(Front *front, const ScSystem *system);
static void load_key(Front *front, const ScSystem *system, HeapTuple row);
static Jsonb *make_scheme(const ScSystem *system, const char *kind, Jsonb *settings);
static char *join_basic(char *username, char *secret);
static void check_hook(Front *front, ScHook *hook);
static void wipe_keys(List *fronts);
static void report_refused(const Front *front);
static void store_front(ScWorkerSlot *slot, Front *front);
static void ingest_front(Front *front, ScIngested *results);
static Jsonb *keep_headers(const ScHook *hook);
static bool is_secret_header(const char *name);

/* See listener.h.  hooks NULL: only tries whether a transaction can be had. */
void
sc_listener_store(ScWorkerSlot *slot, ScHook *hooks)
{
	List *fronts = sort_by_system(hooks);
	ListCell *cell;

	if (sc_worker_begin("storing webhooks") != SC_GATE_OPEN)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("extension syncore is not installed here, or is being changed")));
	foreach (cell, fronts)
		load_front(lfirst(cell));
	for (ScHook *hook = hooks; hook != NULL; hook = hook->next)
		check_hook(find_front(fronts, hook), hook);
	wipe_keys(fronts);
	foreach (cell, fronts)
	{
		Front *front = lfirst(cell);

		slot->failed += front->refused;
		if (front->refused > 0 || front->unreadable)
			report_refused(front);
		if (front->hooks != NIL)
			store_front(slot, front);
	}
	sc_worker_commit();
}

/* One front for each system that is named. */
static List *
sort_by_system(ScHook *hooks)
{
	List *fronts = NIL;

	for (ScHook *hook = hooks; hook != NULL; hook = hook->next)
	{
		if (find_front(fronts, hook) != NULL)
			continue;
		Front *front = palloc0(sizeof(Front));

		front->space = hook->space;
		front->system = hook->system;
		fronts = lappend(fronts, front);
	}
	return fronts;
}

static Front *
find_front(List *fronts, const ScHook *hook)
{
	ListCell *cell;

	foreach (cell, fronts)
	{
		Front *front = lfirst(cell);

		if (strcmp(front->system, hook->system) == 0 && strcmp(front->space, hook->space) == 0)
			return front;
	}
	return NULL;
}

static void
load_front(Front *front)
{
	const ScSystem *system = sc_conf_system_by_name(sc_config_get(), front->system);

	front->known = system != NULL && strcmp(system->space->name, front->space) == 0;
	if (front->known)
		load_keys(front, system);
}

/* The credentials of the system, else of those that share its connection: the current one and the next. */
static void
load_keys(Front *front, const ScSystem *system)
{
	Oid types[1] = { TEXTOID };
	Datum values[1] = { CStringGetTextDatum(system->name) };
	int code = SPI_execute_with_args(
		"SELECT c.kind, c.reference, c.username, c.settings"
		" FROM syncore.credential c JOIN syncore.system o ON o.name = c.system"
		" WHERE c.used_for = 'webhook' AND c.state IN ('current', 'next')"
		" AND (c.expires_at IS NULL OR c.expires_at > now())"
		" AND o.connection = (SELECT s.connection FROM syncore.system s WHERE s.name = $1)"
		" ORDER BY o.name = $1 DESC, c.state = 'current' DESC, c.id",
		1, types, values, NULL, true, CREDENTIALS_MAX);

	if (code != SPI_OK_SELECT)
		elog(ERROR, "could not read credentials: %s", SPI_result_code_string(code));
	for (uint64 i = 0; i < SPI_processed; i++)
		load_key(front, system, SPI_tuptable->vals[i]);
}

static void
load_key(Front *front, const ScSystem *system, HeapTuple row)
{
	TupleDesc desc = SPI_tuptable->tupdesc;
	char *kind = SPI_getvalue(row, desc, 1);
	char *reference = SPI_getvalue(row, desc, 2);
	char *username = SPI_getvalue(row, desc, 3);
	bool isnull;
	Jsonb *settings = DatumGetJsonbPCopy(SPI_getbinval(row, desc, 4, &isnull));
	char *error;
	char *secret = sc_auth_secret(reference, sc_secret_directory, &error);

	if (secret == NULL)
	{
		front->unreadable = true;
		sc_worker_log(WARNING, reference,
					  "syncore listener: could not read the webhook secret of system \"%s\": %s",
					  system->name, error);
		return;
	}
	Key *key = &front->keys[front->nkeys++];

	key->scheme = make_scheme(system, kind, settings);
	key->secret = strcmp(kind, "basic") == 0 ? join_basic(username, secret) : secret;
}

/* What the connector says its product does; the credential decides when it is of another kind. */
static Jsonb *
make_scheme(const ScSystem *system, const char *kind, Jsonb *settings)
{
	char *usual = sc_json_get_text(system->connector->webhook, "kind");

	if (usual != NULL && strcmp(usual, kind) == 0)
		return system->connector->webhook;

	ScJson scheme = sc_json_object();

	sc_json_text(&scheme, "kind", kind);
	sc_json_text(&scheme, "header", sc_json_get_text(settings, "header"));
	sc_json_text(&scheme, "prefix", sc_json_get_text(settings, "prefix"));
	return sc_json_end(&scheme);
}

static char *
join_basic(char *username, char *secret)
{
	char *joined = psprintf("%s:%s", username != NULL ? username : "", secret);

	sc_auth_wipe(secret);
	return joined;
}

/* Sets the answer of a request that is not to be stored; the others join their front. */
static void
check_hook(Front *front, ScHook *hook)
{
	TimestampTz now = GetCurrentTimestamp();
	ScMessage message = { .headers = hook->headers,
						  .nheaders = hook->nheaders,
						  .body = hook->body,
						  .body_len = hook->body_len };

	hook->status = 401;
	if (!front->known)
		hook->status = 404;
	for (int i = 0; i < front->nkeys && hook->status == 401; i++)
	{
		Key *key = &front->keys[i];

		if (sc_signature_check(key->scheme, key->secret, &message, now) == SC_SIGNED_OK)
			hook->status = 0;
	}
	if (hook->status == 0)
		front->hooks = lappend(front->hooks, hook);
	else if (hook->status == 401 && front->unreadable)
		hook->status = 503;
	else if (hook->status == 401)
		front->refused++;
}

static void
wipe_keys(List *fronts)
{
	ListCell *cell;

	foreach (cell, fronts)
	{
		Front *front = lfirst(cell);

		for (int i = 0; i < front->nkeys; i++)
			sc_auth_wipe(front->keys[i].secret);
		front->nkeys = 0;
	}
}

static void
report_refused(const Front *front)
{
	if (front->unreadable)
		sc_worker_alert(&(ScWorkerAlert){
			.level = "critical",
			.kind = "credential",
			.cause = psprintf("webhook_secret:%s", front->system),
			.object = front->system,
			.detail =
				"The webhook secret of this system cannot be read, so its webhooks are not taken.",
			.hint = "See that its file in syncore.secret_directory exists and only the server's "
					"user can "
					"read it." });
	if (front->refused > 0)
		sc_worker_alert(&(ScWorkerAlert){
			.level = "warning",
			.kind = "webhook_refused",
			.cause = psprintf("webhook_refused:%s", front->system),
			.object = front->system,
			.detail = psprintf("%d webhooks were not signed as they should be, and were refused.",
							   front->refused),
			.hint = "Compare the secret on that side with the file of the webhook credential. "
					"If nobody changed it, somebody is guessing." });
}

/* Inserts in a sub-transaction: if that fails these are told to come again, and the rest of the commit goes on. */
static void
store_front(ScWorkerSlot *slot, Front *front)
{
	MemoryContext cxt = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ScIngested *results = palloc0(sizeof(ScIngested) * list_length(front->hooks));
	volatile bool stored = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(cxt);
	PG_TRY();
	{
		ingest_front(front, results);
		ReleaseCurrentSubTransaction();
		stored = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(cxt);
		ErrorData *error = CopyErrorData();

		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		sc_worker_log(WARNING, error->message,
					  "syncore listener: webhooks of system \"%s\" could not be stored: %s (%s)",
					  front->system, error->message, unpack_sql_state(error->sqlerrcode));
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(cxt);
	CurrentResourceOwner = owner;
	for (int i = 0; i < list_length(front->hooks); i++)
	{
		ScHook *hook = list_nth(front->hooks, i);

		hook->status = stored ? 200 : 503;
		hook->event = stored ? results[i].event_id : 0;
		strlcpy(hook->outcome, stored ? results[i].outcome : "", sizeof(hook->outcome));
	}
	if (stored)
		slot->events += list_length(front->hooks);
}

static void
ingest_front(Front *front, ScIngested *results)
{
	int n = list_length(front->hooks);
	ScIngestBody *bodies = palloc(sizeof(ScIngestBody) * n);

	for (int i = 0; i < n; i++)
	{
		ScHook *hook = list_nth(front->hooks, i);

		bodies[i] = (ScIngestBody){ hook->body, hook->body_len, keep_headers(hook) };
	}
	sc_ingest(front->system, "webhook", n, bodies, results);
}

/* Headers that may say something about the event, never those that prove who sent it. */
static Jsonb *
keep_headers(const ScHook *hook)
{
	ScJson kept = sc_json_object();
	int n = 0;

	for (int i = 0; i < hook->nheaders && n < HEADERS_KEPT_MAX; i++)
	{
		const ScHeader *header = &hook->headers[i];

		if (strlen(header->name) > HEADER_KEPT_MAX || strlen(header->value) > HEADER_KEPT_MAX ||
			is_secret_header(header->name))
			continue;
		if (!pg_verifymbstr(header->name, (int) strlen(header->name), true) ||
			!pg_verifymbstr(header->value, (int) strlen(header->value), true))
			continue;
		sc_json_text(&kept, header->name, header->value);
		n++;
	}
	return sc_json_end(&kept);
}

static bool
is_secret_header(const char *name)
{
	static const char *const parts[] = { "auth",   "cookie", "signature", "token",
										 "secret", "key",	 "password",  "credential" };

	for (int i = 0; i < lengthof(parts); i++)
		if (strstr(name, parts[i]) != NULL)
			return true;
	return false;
}
