/*
 * answer.c
 *	  See answer.h.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "core/json.h"
#include "answer.h"

static void say(StringInfo out, const char *name, const char *value);

ScResponse *
answer_make(Jsonb *answer)
{
	ScResponse *response = palloc0(sizeof(ScResponse));
	Jsonb *body = sc_json_get(answer, "body");
	Jsonb *headers = sc_json_get(answer, "headers");
	char *lost = sc_json_get_text(answer, "lost");
	char *not_sent = sc_json_get_text(answer, "not_sent");

	response->transport = lost != NULL		 ? SC_TRANSPORT_LOST
						  : not_sent != NULL ? SC_TRANSPORT_NOT_SENT
											 : SC_TRANSPORT_ANSWERED;
	response->error = lost != NULL ? lost : not_sent;
	response->status = (int) sc_json_get_number(answer, "status", 0);
	response->body = "";
	if (body != NULL && JB_ROOT_IS_SCALAR(body))
		response->body = sc_json_get_text(answer, "body");
	else if (body != NULL)
		response->body = JsonbToCString(NULL, &body->root, VARSIZE(body));
	if (response->body == NULL)
		response->body = "null";
	response->body_len = strlen(response->body);
	response->headers = palloc0(sizeof(ScHeader) * 8);
	if (headers != NULL)
	{
		JsonbIterator *iterator = JsonbIteratorInit(&headers->root);
		JsonbIteratorToken token;
		JsonbValue value;

		while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE &&
			   response->nheaders < 8)
		{
			if (token == WJB_KEY)
				response->headers[response->nheaders].name =
					pnstrdup(value.val.string.val, value.val.string.len);
			else if (token == WJB_VALUE)
				response->headers[response->nheaders++].value =
					pnstrdup(value.val.string.val, value.val.string.len);
		}
	}
	response->arrived_at = 0;
	return response;
}

void
answer_say_request(StringInfo out, const ScRequest *request)
{
	appendStringInfo(out, "%s %s%s\n", request->method, request->url,
					 request->writes ? "  (writes)" : "");
	for (int i = 0; i < request->nheaders; i++)
		appendStringInfo(out, "  %s: %s\n", request->headers[i].name, request->headers[i].value);
	if (request->body != NULL)
		appendStringInfo(out, "  %s\n", request->body);
}

void
answer_say_outcome(StringInfo out, const ScCallPlan *plan)
{
	static const char *const names[] = {
		"OK", "UNKNOWN", "REFUSED", "FAILED", "GONE", "NOT FOUND"
	};
	const ScOutcome *outcome = &plan->outcome;

	appendStringInfo(out, "=> %s%s%s", names[outcome->kind], plan->permanent ? ", permanent" : "",
					 plan->auth_failed ? ", no access" : "");
	say(out, "id", outcome->external_id);
	say(out, "key", outcome->external_key);
	say(out, "comment", outcome->comment_id);
	if (outcome->position.known)
		appendStringInfo(out, ", position " INT64_FORMAT, outcome->position.at);
	if (plan->retry_after_us > 0)
		appendStringInfo(out, ", not before " INT64_FORMAT " ms", plan->retry_after_us / 1000);
	if (outcome->body != NULL)
		appendStringInfo(out, ", %s of %s at %s",
						 outcome->body->kind == SC_STATEMENT_READ ? "read" : "response",
						 outcome->body->external_id,
						 outcome->body->version_text != NULL ? outcome->body->version_text : "?");
	if (outcome->error_code != NULL)
		appendStringInfo(out, ", %s: %s", outcome->error_code, outcome->error);
	appendStringInfoChar(out, '\n');
}

static void
say(StringInfo out, const char *name, const char *value)
{
	if (value != NULL)
		appendStringInfo(out, ", %s %s", name, value);
}
