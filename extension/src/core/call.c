/*
 * call.c
 *	  A claimed delivery on its way: which request comes next, and what the
 *	  outcome is when none does.
 *
 * One call holds one write at most.  Once that write is proved, nothing that
 * fails afterwards can make it undone: a read-back that does not come is an
 * outcome without a body.  Nothing here raises on what a peer sends.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "core/call_private.h"
#include "core/json.h"
#include "core/mention.h"
#include "core/richtext.h"
#include "core/say.h"
#include "core/shape.h"

static const char *const step_operations[] = { [SC_STEP_FIND] = "find",
											   [SC_STEP_CREATE] = "create",
											   [SC_STEP_UPDATE] = "update",
											   [SC_STEP_TRANSITIONS] = "transitions",
											   [SC_STEP_TRANSITION] = "transition",
											   [SC_STEP_COMMENT] = "comment",
											   [SC_STEP_COMMENT_EDIT] = "comment_edit",
											   [SC_STEP_COMMENT_DELETE] = "comment_delete",
											   [SC_STEP_COMMENTS] = "comments",
											   [SC_STEP_DELETE] = "delete",
											   [SC_STEP_READ] = "read" };

static char *keep_text(const ScCallPlan *plan, const char *text);
static bool is_told_of(const ScCallPlan *plan);
static ScStep first_step(const ScCallPlan *plan);
static bool has_apart(const ScCallPlan *plan);
static const ScOperation *operation_of(const ScCallPlan *plan, ScStep step);
static void send_step(ScCallPlan *plan, ScStep step);
static void add_comment(ScCallPlan *plan, const ScOperation *operation);
static void take_answer(ScCallPlan *plan, const ScAnswer *answer);
static void take_found(ScCallPlan *plan, Jsonb *body);
static void take_created(ScCallPlan *plan, Jsonb *body);
static void take_written(ScCallPlan *plan, Jsonb *body);
static void take_transitions(ScCallPlan *plan, Jsonb *body);
static bool offers(const ScOperation *operation, Jsonb *transition, const char *wanted,
				   bool exactly);
static void take_commented(ScCallPlan *plan, Jsonb *body);
static void take_comments(ScCallPlan *plan, Jsonb *body);
static bool is_our_comment(const ScCallPlan *plan, const ScOperation *operation, Jsonb *comment);
static void take_read(ScCallPlan *plan, const ScAnswer *answer);
static void keep_record(ScCallPlan *plan, Jsonb *record, ScStatementKind kind);
static void read_back(ScCallPlan *plan);
static void put(ScCallPlan *plan, const char *pointer, const char *value);
static void fail_step(ScCallPlan *plan, const ScAnswer *answer);
static void look_again(ScCallPlan *plan, const ScAnswer *answer);
static void end_call(ScCallPlan *plan, ScOutcomeKind kind, const char *code, const char *error);
static char *without_hidden(const ScCallPlan *plan, const char *error);

void
sc_call_begin(ScCallPlan *plan)
{
	MemoryContext old = MemoryContextSwitchTo(plan->cxt);
	ScCallFlow *flow = palloc0(sizeof(ScCallFlow));

	plan->private_data = flow;
	flow->context = plan->context;
	plan->outcome.delivery = plan->delivery;
	put(plan, "/call/marker", plan->call.marker);
	send_step(plan, first_step(plan));
	MemoryContextSwitchTo(old);
}

void
sc_call_feed(ScCallPlan *plan, const ScResponse *response)
{
	MemoryContext old = MemoryContextSwitchTo(plan->cxt);
	ScCallFlow *flow = plan->private_data;
	ScAnswer answer = sc_call_judge(plan->system, flow->operation, response);
	int64 pause = sc_call_pause_us(plan->system, response);

	plan->retry_after_us = Max(plan->retry_after_us, pause);
	plan->answer = answer.body;
	plan->step++;
	plan->request = NULL;
	if (answer.kind == SC_ANSWER_OK)
		take_answer(plan, &answer);
	else
		fail_step(plan, &answer);
	MemoryContextSwitchTo(old);
}

void
sc_call_finish(ScCallPlan *plan, const ScMapHooks *hooks)
{
	if (plan->record == NULL)
		return;
	plan->outcome.body =
		sc_call_statement(&(ScMapCxt){ plan->conf, plan->system, hooks }, plan->record_operation,
						  plan->record_type, plan->record, plan->record_kind);
	if (plan->record_kind == SC_STATEMENT_RESPONSE)
		plan->outcome.position = plan->outcome.body->position;
	if (plan->outcome.external_key == NULL)
		plan->outcome.external_key = keep_text(plan, plan->outcome.body->external_key);
	if (plan->outcome.url == NULL)
		plan->outcome.url = keep_text(plan, plan->outcome.body->url);
}

/* The body is made anew at every attempt to record; what stays in the outcome must outlive a failed one. */
static char *
keep_text(const ScCallPlan *plan, const char *text)
{
	return text == NULL ? NULL : MemoryContextStrdup(plan->cxt, text);
}

bool
sc_call_is_apart(const ScConnector *connector, const char *record_type, const char *write_path)
{
	const ScOperation *operation = sc_conf_operation(connector, record_type, "transition", 1);

	for (int i = 0; operation != NULL && i < operation->nwrites; i++)
	{
		if (strcmp(operation->writes[i], write_path) == 0)
			return true;
	}
	return false;
}

/* The record of a lost create may have been told of since; then it is read by its id, which no index delays. */
static bool
is_told_of(const ScCallPlan *plan)
{
	return sc_pointer_get_cstring(plan->context, "/link/external_id") != NULL;
}

/* A lost outcome is looked for before anything else is sent. */
static ScStep
first_step(const ScCallPlan *plan)
{
	bool unknown = plan->call.unknown;

	switch (plan->call.kind)
	{
		case SC_CALL_CREATE:
			if (plan->call.landed || (unknown && is_told_of(plan)))
				return SC_STEP_READ;
			return unknown ? SC_STEP_FIND : SC_STEP_CREATE;
		case SC_CALL_UPDATE:
			if (unknown)
				return SC_STEP_READ;
			return has_apart(plan) ? SC_STEP_TRANSITIONS : SC_STEP_UPDATE;
		case SC_CALL_COMMENT:
			if (plan->call.comment_step == SC_COMMENT_EDIT)
				return SC_STEP_COMMENT_EDIT;
			if (plan->call.comment_step == SC_COMMENT_DELETE)
				return SC_STEP_COMMENT_DELETE;
			return unknown ? SC_STEP_COMMENTS : SC_STEP_COMMENT;
		case SC_CALL_DELETE:
			return unknown ? SC_STEP_READ : SC_STEP_DELETE;
		case SC_CALL_READ:
		case SC_CALL_NONE:
			break;
	}
	return SC_STEP_READ;
}

/* Does the write document hold what only a transition can write? */
static bool
has_apart(const ScCallPlan *plan)
{
	const ScOperation *operation = operation_of(plan, SC_STEP_TRANSITION);

	for (int i = 0; operation != NULL && plan->write != NULL && i < operation->nwrites; i++)
	{
		if (sc_pointer_get_text(plan->write, operation->writes[i]) != NULL)
			return true;
	}
	return false;
}

/* The row that a step is made by; of several comment rows the one of the channel and of what it may show. */
static const ScOperation *
operation_of(const ScCallPlan *plan, ScStep step)
{
	const ScConnector *connector = plan->system->connector;
	const char *name = step_operations[step];
	char *channel = sc_pointer_get_cstring(plan->context, "/comment/channel");
	bool comments =
		step == SC_STEP_COMMENT || step == SC_STEP_COMMENT_EDIT || step == SC_STEP_COMMENT_DELETE;

	if (comments && channel != NULL)
		return sc_call_comment_row(
			connector, plan->record_type, name,
			&(ScChannel){ channel, sc_pointer_get_cstring(plan->context, "/comment/visibility") });
	return sc_conf_operation(connector, plan->record_type, name, 1);
}

const ScOperation *
sc_call_comment_row(const ScConnector *connector, const char *record_type, const char *name,
					const ScChannel *channel)
{
	for (int position = 1;; position++)
	{
		const ScOperation *operation = sc_conf_operation(connector, record_type, name, position);
		char *writes = operation != NULL ? sc_json_get_text(operation->options, "channel") : NULL;
		char *shows = operation != NULL ? sc_json_get_text(operation->options, "visibility") : NULL;

		if (operation == NULL)
			return NULL;
		if (writes != NULL && strcmp(writes, channel->name) == 0 &&
			(shows == NULL || channel->visibility == NULL ||
			 strcmp(shows, channel->visibility) == 0))
			return operation;
	}
}

/* Makes the request of a step the pending one; without a row for it, or with steps used up, the call ends. */
static void
send_step(ScCallPlan *plan, ScStep step)
{
	ScCallFlow *flow = plan->private_data;
	const ScOperation *operation = operation_of(plan, step);
	const char *problem = "the connector has no such operation";
	Jsonb *write = step == SC_STEP_CREATE || step == SC_STEP_UPDATE ? plan->write : NULL;

	plan->request = NULL;
	if (plan->step < SC_CALL_STEPS_MAX && operation != NULL)
	{
		flow->step = step;
		flow->operation = operation;
		if (step == SC_STEP_COMMENT || step == SC_STEP_COMMENT_EDIT)
			add_comment(plan, operation);
		plan->request = sc_call_build(plan->system, operation, flow->context, write, &problem);
	}
	else if (operation != NULL)
		problem = "the call took too many steps";
	if (plan->request != NULL)
	{
		plan->wrote = plan->wrote || plan->request->writes;
		plan->nsteps = plan->step + 1;
		return;
	}
	if (flow->acknowledged)
		end_call(plan, SC_OUTCOME_OK, NULL, NULL);
	else
	{
		plan->permanent = true;
		end_call(plan, plan->call.unknown ? SC_OUTCOME_UNKNOWN : SC_OUTCOME_FAILED, "bad_request",
				 psprintf("could not make request \"%s\" for record type \"%s\": %s",
						  step_operations[step], plan->record_type, problem));
	}
}

/* The comment's text as this row spells it. */
static void
add_comment(ScCallPlan *plan, const ScOperation *operation)
{
	ScCallFlow *flow = plan->private_data;
	ScMentionCxt cxt = { plan->conf, plan->system->id };
	char *spelling = sc_json_get_text(operation->options, "rich_text");
	char *sign = sc_json_get_text(operation->options, "mention");
	char *body = sc_pointer_get_cstring(plan->context, "/comment/body");
	const char *reason;
	Jsonb *spelt;

	if (body == NULL)
		return;
	if (spelling != NULL && strcmp(spelling, "adf") == 0)
		spelt = sc_richtext_to_adf_mentions(sc_mention_accounts(&cxt, body));
	else
		spelt = sc_value_text(sc_mention_spell(&cxt, body, sign, spelling)).json;
	flow->context =
		sc_pointer_set(flow->context, sc_pointer_parse("/comment/body", &reason), spelt);
}

static void
take_answer(ScCallPlan *plan, const ScAnswer *answer)
{
	ScCallFlow *flow = plan->private_data;

	switch (flow->step)
	{
		case SC_STEP_FIND:
			take_found(plan, answer->body);
			break;
		case SC_STEP_CREATE:
			take_created(plan, answer->body);
			break;
		case SC_STEP_UPDATE:
		case SC_STEP_TRANSITION:
			take_written(plan, answer->body);
			break;
		case SC_STEP_TRANSITIONS:
			take_transitions(plan, answer->body);
			break;
		case SC_STEP_COMMENT:
			take_commented(plan, answer->body);
			break;
		case SC_STEP_COMMENTS:
			take_comments(plan, answer->body);
			break;
		case SC_STEP_COMMENT_EDIT:
		case SC_STEP_COMMENT_DELETE:
		case SC_STEP_DELETE:
			end_call(plan, SC_OUTCOME_OK, NULL, NULL);
			break;
		case SC_STEP_READ:
			take_read(plan, answer);
			break;
	}
}

/* The record that carries our marker; a search may return others, and more than one page. */
static void
take_found(ScCallPlan *plan, Jsonb *body)
{
	ScCallFlow *flow = plan->private_data;
	char *marker = sc_pointer_get_cstring(plan->context, "/link/marker");
	char *next = sc_call_source(flow->operation, "next", body);
	Jsonb **records;
	int n = sc_json_elements(sc_call_part(flow->operation, "list", body), &records);

	for (int i = 0; i < n; i++)
	{
		char *shown = sc_call_source(flow->operation, "marker", records[i]);

		if (shown == NULL || marker == NULL || strcmp(shown, marker) != 0)
			continue;
		plan->outcome.external_id = sc_call_source(flow->operation, "id", records[i]);
		plan->outcome.external_key = sc_call_source(flow->operation, "key", records[i]);
		if (plan->outcome.external_id == NULL)
			continue;
		keep_record(plan, records[i], SC_STATEMENT_READ);
		end_call(plan, SC_OUTCOME_OK, NULL, NULL);
		return;
	}
	if (next == NULL)
		end_call(plan, SC_OUTCOME_NOT_FOUND, "not_found", "no record with our marker was found");
	else if (plan->step < SC_CALL_STEPS_MAX)
	{
		put(plan, "/next", next);
		send_step(plan, SC_STEP_FIND);
	}
	else
		end_call(plan, SC_OUTCOME_UNKNOWN, "too_many",
				 "too many records to look through for our marker");
}

static void
take_created(ScCallPlan *plan, Jsonb *body)
{
	ScCallFlow *flow = plan->private_data;
	Jsonb *record = sc_call_part(flow->operation, "record", body);
	Jsonb *from = record != NULL ? record : body;

	plan->outcome.external_id = sc_call_source(flow->operation, "id", from);
	plan->outcome.external_key = sc_call_source(flow->operation, "key", from);
	if (plan->outcome.external_id == NULL)
	{
		end_call(plan, SC_OUTCOME_UNKNOWN, "bad_answer",
				 "the answer to the create names no record");
		return;
	}
	flow->acknowledged = true;
	put(plan, "/link/external_id", plan->outcome.external_id);
	if (record != NULL)
	{
		keep_record(plan, record, SC_STATEMENT_RESPONSE);
		end_call(plan, SC_OUTCOME_OK, NULL, NULL);
	}
	else
		read_back(plan);
}

/* An update or a transition was accepted; a body must speak of the record that we meant. */
static void
take_written(ScCallPlan *plan, Jsonb *body)
{
	ScCallFlow *flow = plan->private_data;
	Jsonb *record = sc_call_part(flow->operation, "record", body);
	char *wanted = sc_pointer_get_cstring(plan->context, "/link/external_id");
	char *shown = record != NULL ? sc_call_source(flow->operation, "id", record) : NULL;

	if (record != NULL && (shown == NULL || wanted == NULL || strcmp(shown, wanted) != 0))
	{
		end_call(plan, SC_OUTCOME_UNKNOWN, "bad_answer",
				 "the answer speaks of another record than the one written to");
		return;
	}
	flow->acknowledged = true;
	if (record != NULL)
	{
		keep_record(plan, record, SC_STATEMENT_RESPONSE);
		end_call(plan, SC_OUTCOME_OK, NULL, NULL);
	}
	else
		read_back(plan);
}

/* Of the transitions on offer the one that leads to what is due; exact names before those that differ in case. */
static void
take_transitions(ScCallPlan *plan, Jsonb *body)
{
	ScCallFlow *flow = plan->private_data;
	const ScOperation *transition = operation_of(plan, SC_STEP_TRANSITION);
	char *wanted = NULL;
	Jsonb **offered;
	int n = sc_json_elements(sc_call_part(flow->operation, "list", body), &offered);

	for (int i = 0; wanted == NULL && i < transition->nwrites; i++)
		wanted = sc_pointer_get_cstring(plan->write, transition->writes[i]);
	for (int pass = 0; wanted != NULL && pass < 2; pass++)
	{
		for (int i = 0; i < n; i++)
		{
			char *id = sc_call_source(flow->operation, "id", offered[i]);

			if (id == NULL || !offers(flow->operation, offered[i], wanted, pass == 0))
				continue;
			put(plan, "/transition/id", id);
			send_step(plan, SC_STEP_TRANSITION);
			return;
		}
	}
	if (plan->attempts == 0)
	{
		/* Somebody may have moved the record already: it is read and judged before we give up. */
		end_call(plan, SC_OUTCOME_REFUSED, "no_transition", "no transition on offer leads there");
		return;
	}
	plan->permanent = true;
	end_call(plan, SC_OUTCOME_FAILED, "no_transition",
			 psprintf("none of the %d transitions on offer leads to \"%s\"", n,
					  wanted != NULL ? wanted : ""));
}

static bool
offers(const ScOperation *operation, Jsonb *transition, const char *wanted, bool exactly)
{
	char *available = sc_json_get_text(operation->options, "available");
	char *open = available != NULL ? sc_pointer_get_cstring(transition, available) : NULL;
	Jsonb **targets;
	int n = sc_json_elements(sc_json_get(operation->options, "target"), &targets);

	if (open != NULL && strcmp(open, "false") == 0)
		return false;
	for (int i = 0; i < n; i++)
	{
		ScValue pointer = sc_value_json(targets[i]);
		char *text = sc_value_to_cstring(&pointer);
		char *leads_to = text != NULL ? sc_pointer_get_cstring(transition, text) : NULL;

		if (leads_to != NULL &&
			(exactly ? strcmp(leads_to, wanted) : pg_strcasecmp(leads_to, wanted)) == 0)
			return true;
	}
	return false;
}

static void
take_commented(ScCallPlan *plan, Jsonb *body)
{
	ScCallFlow *flow = plan->private_data;
	Jsonb *record = sc_call_part(flow->operation, "record", body);

	flow->acknowledged = true;
	plan->outcome.comment_id = sc_call_source(flow->operation, "comment_id", body);
	if (record != NULL)
		keep_record(plan, record, SC_STATEMENT_RESPONSE);
	if (plan->outcome.comment_id == NULL &&
		sc_json_get_boolean(flow->operation->options, "id_by_list", false))
		send_step(plan, SC_STEP_COMMENTS);
	else
		end_call(plan, SC_OUTCOME_OK, NULL, NULL);
}

/* The id that our comment got; after a lost answer: whether it is there at all. */
static void
take_comments(ScCallPlan *plan, Jsonb *body)
{
	ScCallFlow *flow = plan->private_data;
	Jsonb **comments;
	int n = sc_json_elements(sc_call_part(flow->operation, "comments", body), &comments);

	for (int i = 0; i < n; i++)
	{
		if (!is_our_comment(plan, flow->operation, comments[i]))
			continue;
		plan->outcome.comment_id = sc_call_source(flow->operation, "comment_id", comments[i]);
		end_call(plan, SC_OUTCOME_OK, NULL, NULL);
		return;
	}
	if (flow->acknowledged)
		end_call(plan, SC_OUTCOME_OK, NULL, NULL);
	else
		end_call(plan, SC_OUTCOME_NOT_FOUND, "not_found",
				 "our comment is not among the record's comments");
}

/* By channel, by author where both are known, and by the text that we wrote but for what the product makes of it. */
static bool
is_our_comment(const ScCallPlan *plan, const ScOperation *operation, Jsonb *comment)
{
	char *channel = sc_call_source(operation, "comment_channel", comment);
	char *author = sc_call_source(operation, "comment_author", comment);
	char *wanted_channel = sc_pointer_get_cstring(plan->context, "/comment/channel");
	char *body = sc_shape_comment_body(operation->response, comment);
	char *ours = sc_pointer_get_cstring(plan->context, "/comment/body");
	ScMentionCxt cxt = { plan->conf, plan->system->id };
	ScValue shown;
	ScValue sent;

	if (body == NULL || ours == NULL)
		return false;
	shown = sc_value_text(sc_mention_fold(sc_mention_keep(&cxt, body)));
	sent = sc_value_text(sc_mention_fold(ours));

	if (channel != NULL && wanted_channel != NULL && strcmp(channel, wanted_channel) != 0)
		return false;
	if (author != NULL && plan->system->integration_actor != NULL &&
		strcmp(author, plan->system->integration_actor) != 0)
		return false;
	return sc_value_equal_loosely(&shown, &sent);
}

/* A read in the slot: the call itself, a read-back, or the second look after a miss. */
static void
take_read(ScCallPlan *plan, const ScAnswer *answer)
{
	ScCallFlow *flow = plan->private_data;
	Jsonb *record = sc_call_part(flow->operation, "record", answer->body);
	char *wanted = sc_pointer_get_cstring(flow->context, "/link/external_id");
	char *shown = sc_call_source(flow->operation, "id", record);

	if (wanted == NULL || shown == NULL || strcmp(shown, wanted) != 0)
	{
		ScAnswer other = { SC_ANSWER_UNPROVEN, NULL, "bad_answer",
						   "the answer speaks of another record than the one asked for" };

		fail_step(plan, &other);
		return;
	}
	if (flow->missed && plan->call.kind == SC_CALL_COMMENT &&
		plan->call.comment_step != SC_COMMENT_WRITE)
	{
		plan->outcome.comment_gone = true;
		end_call(plan, SC_OUTCOME_OK, NULL, NULL);
		return;
	}
	if (flow->missed && plan->call.kind != SC_CALL_READ && !plan->call.unknown)
	{
		plan->permanent = true;
		end_call(plan, SC_OUTCOME_FAILED, psprintf("%d", flow->missed_status),
				 "the record can be read, but what was to be written to it was not found");
		return;
	}
	keep_record(plan, record, SC_STATEMENT_READ);
	end_call(plan, SC_OUTCOME_OK, NULL, NULL);
}

static void
keep_record(ScCallPlan *plan, Jsonb *record, ScStatementKind kind)
{
	ScCallFlow *flow = plan->private_data;

	plan->record = record;
	plan->record_operation = flow->operation;
	plan->record_kind = kind;
}

/* The answer told nothing about the record: read it while the slot is ours. */
static void
read_back(ScCallPlan *plan)
{
	if (operation_of(plan, SC_STEP_READ) != NULL)
		send_step(plan, SC_STEP_READ);
	else
		end_call(plan, SC_OUTCOME_OK, NULL, NULL);
}

/* Puts a text into the context of the templates. */
static void
put(ScCallPlan *plan, const char *pointer, const char *value)
{
	ScCallFlow *flow = plan->private_data;
	const char *reason;

	if (value != NULL)
		flow->context = sc_pointer_set(flow->context, sc_pointer_parse(pointer, &reason),
									   sc_value_text(value).json);
}

/* What a failed step means for the call. */
static void
fail_step(ScCallPlan *plan, const ScAnswer *answer)
{
	ScCallFlow *flow = plan->private_data;
	bool writes = sc_call_is_write(flow->operation->operation);
	ScOutcomeKind failed = plan->call.unknown ? SC_OUTCOME_UNKNOWN : SC_OUTCOME_FAILED;

	if (flow->acknowledged)
	{
		end_call(plan, SC_OUTCOME_OK, NULL, NULL);
		return;
	}
	switch (answer->kind)
	{
		case SC_ANSWER_LOST:
		case SC_ANSWER_BROKEN:
		case SC_ANSWER_UNPROVEN:
			end_call(plan, writes ? SC_OUTCOME_UNKNOWN : failed, answer->code, answer->message);
			return;
		case SC_ANSWER_REFUSED:
			end_call(plan, writes && flow->step != SC_STEP_CREATE ? SC_OUTCOME_REFUSED : failed,
					 answer->code, answer->message);
			return;
		case SC_ANSWER_MISSING:
			look_again(plan, answer);
			return;
		case SC_ANSWER_DENIED:
			plan->auth_failed = true;
			plan->permanent = true;
			break;
		case SC_ANSWER_WRONG:
			plan->permanent = true;
			break;
		case SC_ANSWER_OK:
		case SC_ANSWER_NOT_SENT:
		case SC_ANSWER_BUSY:
			break;
	}
	end_call(plan, failed, answer->code, answer->message);
}

/* 404 and 410: gone only when a second look says so; a missing permission looks the same. */
static void
look_again(ScCallPlan *plan, const ScAnswer *answer)
{
	ScCallFlow *flow = plan->private_data;

	if (flow->step == SC_STEP_CREATE || flow->step == SC_STEP_FIND)
	{
		plan->permanent = true;
		end_call(plan, plan->call.unknown ? SC_OUTCOME_UNKNOWN : SC_OUTCOME_FAILED, answer->code,
				 answer->message);
	}
	else if (flow->missed && flow->step == SC_STEP_READ)
		end_call(plan, plan->call.kind == SC_CALL_DELETE ? SC_OUTCOME_OK : SC_OUTCOME_GONE,
				 answer->code, answer->message);
	else
	{
		flow->missed = true;
		flow->missed_status = atoi(answer->code);
		send_step(plan, SC_STEP_READ);
	}
}

static void
end_call(ScCallPlan *plan, ScOutcomeKind kind, const char *code, const char *error)
{
	plan->request = NULL;
	plan->outcome.kind = kind;
	plan->outcome.error_code = code != NULL ? pstrdup(code) : NULL;
	plan->outcome.error = error != NULL ? without_hidden(plan, error) : NULL;
}

/* LG-07: what it says, without what the call carried of sensitive fields. */
static char *
without_hidden(const ScCallPlan *plan, const char *error)
{
	char *kept = pstrdup(error);

	for (int i = 0; plan->map != NULL && i < plan->call.nfields; i++)
	{
		const ScCallField *carried = &plan->call.fields[i];
		const ScField *field = sc_conf_field(plan->map->type, carried->field);

		if (field == NULL || field->sensitive == SC_SENSITIVE_NO)
			continue;
		kept = sc_say_without(kept, &carried->value);
		kept = sc_say_without(kept, &carried->canonical);
	}
	return kept;
}
