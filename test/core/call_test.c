/*
 * call_test.c
 *	  Plays one call: operation rows, a plan and scripted answers in; every
 *	  request and the outcome out, as text that a person can read.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/call.h"
#include "core/json.h"
#include "answer.h"

PGDLLEXPORT Datum core_test_call(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum core_test_retry_after(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum core_test_backoff(PG_FUNCTION_ARGS);

static void finish_and_fail(ScCallPlan *plan);
static bool is_of(MemoryContext cxt, char *text);
static ScSystem *make_system(Jsonb *connector, Jsonb *operations, Jsonb *plan);
static void make_operation(ScOperation *operation, Jsonb *row);
static ScCallPlan *make_plan(ScSystem *system, Jsonb *json);
static ScCallKind kind_of(const char *name);

/* (connector row, operation rows, plan, answers) → the conversation. */
PG_FUNCTION_INFO_V1(core_test_call);
Datum
core_test_call(PG_FUNCTION_ARGS)
{
	ScSystem *system =
		make_system(PG_GETARG_JSONB_P(0), PG_GETARG_JSONB_P(1), PG_GETARG_JSONB_P(2));
	ScCallPlan *plan = make_plan(system, PG_GETARG_JSONB_P(2));
	Jsonb **answers;
	int nanswers = sc_json_elements(PG_GETARG_JSONB_P(3), &answers);
	int next = 0;
	StringInfoData out;

	initStringInfo(&out);
	sc_call_begin(plan);
	while (plan->request != NULL)
	{
		answer_say_request(&out, plan->request);
		if (next >= nanswers)
		{
			appendStringInfoString(&out, "  (no more answers)\n");
			break;
		}
		sc_call_feed(plan, answer_make(answers[next++]));
	}
	if (plan->request == NULL)
	{
		finish_and_fail(plan);
		sc_call_finish(plan, NULL);
		answer_say_outcome(&out, plan);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* C1: an attempt to record that fails takes its memory with it, and nothing of the outcome. */
static void
finish_and_fail(ScCallPlan *plan)
{
	MemoryContext attempt =
		AllocSetContextCreate(CurrentMemoryContext, "attempt to record", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(attempt);

	sc_call_finish(plan, NULL);
	MemoryContextSwitchTo(old);
	if (is_of(attempt, plan->outcome.external_key) || is_of(attempt, plan->outcome.url))
		elog(ERROR, "the outcome holds memory of an attempt to record it");
	MemoryContextDelete(attempt);
}

static bool
is_of(MemoryContext cxt, char *text)
{
	return text != NULL && GetMemoryChunkContext(text) == cxt;
}

PG_FUNCTION_INFO_V1(core_test_retry_after);
Datum
core_test_retry_after(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(
		sc_call_retry_after_us(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_TIMESTAMPTZ(1)));
}

PG_FUNCTION_INFO_V1(core_test_backoff);
Datum
core_test_backoff(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(sc_call_backoff_us(PG_GETARG_INT32(0), PG_GETARG_FLOAT8(1)));
}

static ScSystem *
make_system(Jsonb *connector_row, Jsonb *operations, Jsonb *plan)
{
	ScSystem *system = palloc0(sizeof(ScSystem));
	ScSpace *space = palloc0(sizeof(ScSpace));
	ScConnector *connector = palloc0(sizeof(ScConnector));
	Jsonb **rows;

	connector->name = sc_json_get_text(connector_row, "name");
	connector->grade = strcmp(sc_json_get_text(connector_row, "position_grade"), "counter") == 0
						   ? SC_GRADE_COUNTER
						   : SC_GRADE_FINE;
	connector->error_paths = sc_json_get(connector_row, "error_paths");
	connector->rate_headers = sc_json_get(connector_row, "rate_headers");
	connector->noperations = sc_json_elements(operations, &rows);
	connector->operations = palloc0(sizeof(ScOperation) * connector->noperations);
	for (int i = 0; i < connector->noperations; i++)
		make_operation(&connector->operations[i], rows[i]);
	space->id = 1;
	space->name = "default";
	system->id = 1;
	system->name = "peer";
	system->space = space;
	system->connector = connector;
	system->base_url = "https://peer.example";
	system->settings = sc_json_get(plan, "settings");
	system->integration_actor = sc_json_get_text(plan, "we");
	return system;
}

static void
make_operation(ScOperation *operation, Jsonb *row)
{
	Jsonb **elements;

	operation->record_type = sc_json_get_text(row, "record_type");
	operation->operation = sc_json_get_text(row, "operation");
	operation->position = (int) sc_json_get_number(row, "position", 1);
	operation->method = sc_json_get_text(row, "method");
	operation->url = sc_json_get_text(row, "url");
	operation->headers = sc_json_get(row, "headers");
	operation->body = sc_json_get(row, "body");
	if (operation->body != NULL && JB_ROOT_IS_SCALAR(operation->body))
		operation->body = NULL;
	operation->body_kind = sc_json_get_text(row, "body_kind");
	operation->response = sc_json_get(row, "response");
	operation->options = sc_json_get(row, "options");
	operation->nwrites = sc_json_elements(sc_json_get(row, "writes"), &elements);
	operation->writes = palloc0(sizeof(char *) * Max(1, operation->nwrites));
	for (int i = 0; i < operation->nwrites; i++)
	{
		ScValue value = sc_value_json(elements[i]);

		operation->writes[i] = sc_value_to_cstring(&value);
	}
	operation->nsuccess = sc_json_elements(sc_json_get(row, "success"), &elements);
	operation->success = palloc0(sizeof(int) * Max(1, operation->nsuccess));
	for (int i = 0; i < operation->nsuccess; i++)
	{
		ScValue value = sc_value_json(elements[i]);

		operation->success[i] = atoi(sc_value_to_cstring(&value));
	}
}

static ScCallPlan *
make_plan(ScSystem *system, Jsonb *json)
{
	ScCallPlan *plan = palloc0(sizeof(ScCallPlan));

	plan->cxt = CurrentMemoryContext;
	plan->system = system;
	plan->system_id = system->id;
	plan->conf = palloc0(sizeof(ScConf));
	plan->record_type = sc_json_get_text(json, "record_type");
	plan->call.kind = kind_of(sc_json_get_text(json, "kind"));
	plan->call.unknown = sc_json_get_boolean(json, "unknown", false);
	plan->call.marker = sc_json_get_text(json, "marker");
	plan->attempts = (int32) sc_json_get_number(json, "attempts", 0);
	plan->write = sc_json_get(json, "write");
	plan->context = sc_json_get(json, "context");
	if (plan->context == NULL)
		plan->context = json;
	return plan;
}

static ScCallKind
kind_of(const char *name)
{
	static const char *const names[] = { "none", "create", "update", "comment", "read", "delete" };

	for (int i = 0; i < lengthof(names); i++)
	{
		if (strcmp(names[i], name) == 0)
			return (ScCallKind) i;
	}
	elog(ERROR, "no call kind \"%s\"", name);
}
