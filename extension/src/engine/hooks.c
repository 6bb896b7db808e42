/*
 * hooks.c
 *	  Runs user functions: as the role that wrote the row, unable to change that
 *	  role or anything else, and for a bounded time.
 *
 * A transform is f(value jsonb) or f(value jsonb, record jsonb) returning jsonb.
 * A rule is f(a jsonb, b jsonb, entity jsonb) returning integer: below zero
 * when a wins, above when b does; a version is {"value", "replaced", "system",
 * "actor", "actor_kind", "at", "source_version"}.  One that takes a fourth
 * jsonb is given the whole set, oldest first: the history that the answer may
 * depend on.  What was decided before is not in it, for that is not the same
 * in every order in which the statements can be heard (R8).
 *
 * Each call has a sub-transaction of its own, which is always rolled back: it
 * may read what it likes and keep nothing.  A statement_timeout set inside a
 * statement has no effect, hence the timer; a cancel that our timer did not
 * ask for is the user's and is passed on.  A cancel of ours that comes too
 * late for the function is taken back.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "core/json.h"
#include "core/policy.h"
#include "engine/follow.h"
#include "engine/hooks.h"
#include "engine/reference.h"
#include "engine/run.h"
#include "store/catalog.h"
#include "store/load.h"

#define INSIST_MS 100 /* between the first cancel and the next */
#define INSIST_MAX 20 /* cancels that a function may catch */

typedef struct UserCall /* one call, and what came of it */
{
	const char *function; /* schema.name */
	const char *run_as;
	int nargs;
	Datum args[4];
	Oid types[4];
	char nulls[4];
	MemoryContext result_cxt;
	bool is_null;
	Datum result; /* of a jsonb or integer function, copied to result_cxt */
	bool is_jsonb;
	char *error; /* NULL = it went well */
} UserCall;

static TimeoutId timer;
static bool timer_registered = false;
static volatile sig_atomic_t timer_fired = false;
static volatile sig_atomic_t firings = 0;

static bool transform(void *arg, const ScTransform *asked, Jsonb **result, char **error);
static bool call_rule(void *arg, const ScRuleCall *asked, int *result, char **error);
static int64 draw_entity(void *arg);
static Jsonb *version_json(const ScVersion *version);
static Jsonb *history_json(const ScRuleCall *asked);
static bool run_call(UserCall *call);
static bool is_function_at_fault(int sqlstate);
static void stop_timer(void);
static void enter_role(const char *name);
static void execute(UserCall *call);
static char *quote_function(const char *function);
static bool takes(const char *function, int nargs);
static void on_timer(void);
static void start_timer(void);

static const ScMapHooks map_hooks = { .transform = transform,
									  .reference_up = sc_reference_up,
									  .reference_down = sc_reference_down,
									  .follow = sc_follow_find };
static const ScDecideHooks decide_hooks = { .call_rule = call_rule, .draw_entity = draw_entity };

const ScMapHooks *
sc_hooks_map(void)
{
	return &map_hooks;
}

const ScDecideHooks *
sc_hooks_decide(void)
{
	return &decide_hooks;
}

static bool
transform(void *arg, const ScTransform *asked, Jsonb **result, char **error)
{
	UserCall call = { .function = asked->function,
					  .run_as = asked->run_as,
					  .nargs = 1,
					  .nulls = "    ",
					  .is_jsonb = true };

	call.result_cxt = CurrentMemoryContext;
	call.types[0] = JSONBOID;
	call.types[1] = JSONBOID;
	call.args[0] = JsonbPGetDatum(asked->value);
	call.nulls[0] = asked->value == NULL ? 'n' : ' ';
	if (takes(asked->function, 2))
	{
		call.nargs = 2;
		call.args[1] = JsonbPGetDatum(asked->record);
		call.nulls[1] = asked->record == NULL ? 'n' : ' ';
	}
	if (!run_call(&call))
	{
		*error = call.error;
		return false;
	}
	*result = call.is_null ? NULL : DatumGetJsonbP(call.result);
	return true;
}

static bool
call_rule(void *arg, const ScRuleCall *asked, int *result, char **error)
{
	UserCall call = { .function = asked->rule->function,
					  .run_as = asked->rule->run_as,
					  .nargs = 3,
					  .nulls = "    " };

	call.result_cxt = CurrentMemoryContext;
	for (int i = 0; i < (int) lengthof(call.types); i++)
		call.types[i] = JSONBOID;
	call.args[0] = JsonbPGetDatum(version_json(asked->a));
	call.args[1] = JsonbPGetDatum(version_json(asked->b));
	call.args[2] = JsonbPGetDatum(sc_model_entity_json(unconstify(ScEntity *, asked->entity)));
	if (takes(asked->rule->function, 4))
	{
		call.nargs = 4;
		call.args[3] = JsonbPGetDatum(history_json(asked));
	}
	if (!run_call(&call))
	{
		*error = call.error;
		return false;
	}
	if (call.is_null)
	{
		*error = psprintf("it returned null for field \"%s\"", asked->field);
		return false;
	}
	*result = DatumGetInt32(call.result);
	return true;
}

static int64
draw_entity(void *arg)
{
	return sc_load_next_id(sc_catalog_get()->entity_seq);
}

static Jsonb *
version_json(const ScVersion *version)
{
	ScJson json = sc_json_object();

	if (version->value.state == SC_VALUE_JSON)
		sc_json_jsonb(&json, "value", version->value.json);
	if (version->replaced.state == SC_VALUE_JSON)
		sc_json_jsonb(&json, "replaced", version->replaced.json);
	sc_json_number(&json, "system", version->system_id);
	sc_json_text(&json, "actor", version->actor);
	sc_json_text(&json, "actor_kind", sc_catalog_actor_name(version->actor_kind));
	if (version->at != 0)
		sc_json_text(&json, "at", timestamptz_to_str(version->at));
	if (version->source_version >= 0)
		sc_json_number(&json, "source_version", version->source_version);
	return sc_json_end(&json);
}

static Jsonb *
history_json(const ScRuleCall *asked)
{
	const ScVersion **sorted = palloc(sizeof(ScVersion *) * Max(asked->nversions, 1));
	ScJson json = sc_json_array();

	for (int i = 0; i < asked->nversions; i++)
		sorted[i] = &asked->versions[i];
	qsort(sorted, asked->nversions, sizeof(ScVersion *), sc_policy_order_by_time);
	for (int i = 0; i < asked->nversions; i++)
		sc_json_jsonb(&json, NULL, version_json(sorted[i]));
	return sc_json_end(&json);
}

/* True when the function returned; else call->error says why not. */
static bool
run_call(UserCall *call)
{
	MemoryContext old_cxt = CurrentMemoryContext;
	ResourceOwner old_owner = CurrentResourceOwner;
	Oid user;
	int security;

	GetUserIdAndSecContext(&user, &security);
	timer_fired = false;
	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		enter_role(call->run_as);
		start_timer();
		execute(call);
		stop_timer();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		stop_timer();
		MemoryContextSwitchTo(old_cxt);
		ErrorData *error = CopyErrorData();

		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(old_cxt);
		CurrentResourceOwner = old_owner;
		SetUserIdAndSecContext(user, security);
		bool ours = error->sqlerrcode == ERRCODE_QUERY_CANCELED && timer_fired;

		if (!ours && !is_function_at_fault(error->sqlerrcode))
			ReThrowError(error);
		call->error = ours ? psprintf("it took longer than %d ms", SC_HOOKS_TIMEOUT_MS)
						   : pstrdup(error->message);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old_cxt);
	CurrentResourceOwner = old_owner;
	SetUserIdAndSecContext(user, security);
	return call->error == NULL;
}

/* A function may raise any code of its own.  What the server raises to be tried again, or to end, is not its fault. */
static bool
is_function_at_fault(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case MAKE_SQLSTATE('4', '0', '0', '0', '0'): /* deadlock, serialization */
		case MAKE_SQLSTATE('5', '3', '0', '0', '0'): /* no memory, no disk */
		case MAKE_SQLSTATE('5', '7', '0', '0', '0'): /* cancel, shutdown */
		case MAKE_SQLSTATE('5', '8', '0', '0', '0'): /* the operating system */
		case MAKE_SQLSTATE('X', 'X', '0', '0', '0'): /* a broken server */
			return false;
		default:
			return sqlstate != ERRCODE_LOCK_NOT_AVAILABLE;
	}
}

/* From here on the role and the session's settings cannot be changed; nothing can be written. */
static void
enter_role(const char *name)
{
	Oid role = get_role_oid(name, false);

	SetUserIdAndSecContext(role, SECURITY_RESTRICTED_OPERATION | SECURITY_LOCAL_USERID_CHANGE);
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
	/* The engine's own plans go by index only; a user's query is planned as ever. */
	(void) set_config_option("enable_seqscan", "on", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
							 true, 0, false);
	(void) set_config_option("enable_hashjoin", "on", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
							 true, 0, false);
	XactReadOnly = true; /* of this sub-transaction: its end restores it */
}

static void
execute(UserCall *call)
{
	StringInfoData sql;
	bool is_null;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s(", quote_function(call->function));
	for (int i = 0; i < call->nargs; i++)
		appendStringInfo(&sql, "%s$%d", i > 0 ? ", " : "", i + 1);
	appendStringInfo(&sql, ")%s", call->is_jsonb ? "::pg_catalog.jsonb" : "::pg_catalog.int4");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	int result =
		SPI_execute_with_args(sql.data, call->nargs, call->types, call->args, call->nulls, true, 1);

	if (result != SPI_OK_SELECT || SPI_processed != 1)
		ereport(ERROR, errcode(ERRCODE_CARDINALITY_VIOLATION),
				errmsg("function %s returned no row", call->function));
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
	MemoryContext old = MemoryContextSwitchTo(call->result_cxt);

	call->is_null = is_null;
	if (!is_null)
		call->result = call->is_jsonb ? JsonbPGetDatum(DatumGetJsonbPCopy(value)) : value;
	MemoryContextSwitchTo(old);
	SPI_finish();
}

static char *
quote_function(const char *function)
{
	char *copy = pstrdup(function);
	char *dot = strchr(copy, '.');

	if (dot == NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_NAME),
				errmsg("\"%s\" does not name a function with its schema", function));
	*dot = '\0';
	return quote_qualified_identifier(copy, dot + 1);
}

/* Is there a version of the function with so many arguments, all jsonb? */
static bool
takes(const char *function, int nargs)
{
	char *copy = pstrdup(function);
	char *dot = strchr(copy, '.');
	Oid types[] = { JSONBOID, JSONBOID, JSONBOID, JSONBOID };

	Assert(nargs <= (int) lengthof(types));
	if (dot == NULL)
		return false;
	*dot = '\0';
	if (!OidIsValid(get_namespace_oid(copy, true)))
		return false;
	return OidIsValid(
		LookupFuncName(list_make2(makeString(copy), makeString(dot + 1)), nargs, types, true));
}

static void
start_timer(void)
{
	if (!timer_registered)
	{
		timer = RegisterTimeout(USER_TIMEOUT, on_timer);
		timer_registered = true;
	}
	firings = 0;
	enable_timeout_every(
		timer, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), SC_HOOKS_TIMEOUT_MS), INSIST_MS);
}

/* A cancel that the timer asked for and nobody took must not hit what comes next. */
static void
stop_timer(void)
{
	disable_timeout(timer, false);
	if (timer_fired)
		QueryCancelPending = false;
}

/*
 * In a signal handler: asks for a cancel, as a user would.  A function can
 * catch that and go on, so it is asked again; one that never gives in ends
 * with its session.
 */
static void
on_timer(void)
{
	timer_fired = true;
	firings++;
	InterruptPending = true;
	if (firings > INSIST_MAX)
		ProcDiePending = true;
	else
		QueryCancelPending = true;
	SetLatch(MyLatch);
}
