/*
 * call_answer.c
 *	  What an answer is worth: proof of success, or which kind of failure; what
 *	  it says about the record; when to ask again.
 *
 * A peer may send anything.  Nothing here raises on what it sent, and nothing
 * counts as success without what the operation declares as proof: a page that
 * says "sleeping" with status 200 is no success.
 */
#include "postgres.h"

#include <ctype.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/jsonb.h"

#include "core/call_private.h"
#include "core/json.h"
#include "core/shape.h"

#define SC_CALL_BACKOFF_BASE_US INT64CONST(1000000)
#define SC_CALL_BACKOFF_MAX_US (INT64CONST(300) * 1000000)
#define SC_CALL_PAUSE_MAX_US (INT64CONST(86400) * 1000000)

static ScAnswerKind kind_of_status(int status);
static bool is_success(const ScOperation *operation, int status);
static bool is_proved(const ScOperation *operation, Jsonb *body);
static bool has_text(Jsonb *from, const char *pointer);
static bool is_container(Jsonb *json, bool array);
static char *peer_message(const ScSystem *system, const ScResponse *response, Jsonb *body);
static void append_at(StringInfo buf, Jsonb *paths, const char *key, Jsonb *body);
static void append_members(StringInfo buf, Jsonb *object);
static char *one_line(char *text);
static const char *header_of(const ScResponse *response, const char *name);
static int64 reset_us(const char *value, TimestampTz now);
static bool parse_http_date(const char *value, TimestampTz *at);
static int month_of(const char *name);
static int64 bounded_pause(int64 pause_us);

/* Judges one answer to one operation. */
ScAnswer
sc_call_judge(const ScSystem *system, const ScOperation *operation, const ScResponse *response)
{
	ScAnswer answer = { SC_ANSWER_OK, NULL, NULL, NULL };

	if (response->transport != SC_TRANSPORT_ANSWERED)
	{
		bool lost = response->transport == SC_TRANSPORT_LOST;

		answer.kind = lost ? SC_ANSWER_LOST : SC_ANSWER_NOT_SENT;
		answer.code = lost ? "lost" : "not_sent";
		answer.message =
			one_line(pstrdup(response->error != NULL ? response->error : "the connection failed"));
		return answer;
	}
	answer.body = sc_call_parse(response);
	answer.code = psprintf("%d", response->status);
	if (is_success(operation, response->status))
	{
		if (is_proved(operation, answer.body))
			return answer;
		answer.kind = SC_ANSWER_UNPROVEN;
		answer.code = "bad_answer";
		answer.message =
			psprintf("status %d, but the body does not show what a success of \"%s\" shows",
					 response->status, operation->operation);
		return answer;
	}
	answer.kind = kind_of_status(response->status);
	/* Who says when to come again has not done it; a proxy that lost its product behind it may have. */
	if (answer.kind == SC_ANSWER_BUSY && response->status >= 500 &&
		sc_call_pause_us(system, response) == 0)
		answer.kind = SC_ANSWER_BROKEN;
	answer.message = peer_message(system, response, answer.body);
	return answer;
}

/* The text that a word of operation.response finds in a document; NULL when it finds nothing or an empty text. */
char *
sc_call_source(const ScOperation *operation, const char *key, Jsonb *from)
{
	char *source = sc_json_get_text(operation->response, key);
	char *found;

	if (source == NULL)
		return NULL;
	if (source[0] != '/' && source[0] != '\0')
		return source;
	found = from != NULL ? sc_pointer_get_cstring(from, source) : NULL;
	return found != NULL && found[0] != '\0' ? found : NULL;
}

/* The part of a body that a word of operation.response names: a record, a list.  NULL when undeclared or absent. */
Jsonb *
sc_call_part(const ScOperation *operation, const char *key, Jsonb *body)
{
	char *source = sc_json_get_text(operation->response, key);

	if (source == NULL || body == NULL)
		return NULL;
	return source[0] == '\0' ? body : sc_pointer_get_text(body, source);
}

/*
 * The time that the other side wants to be left alone: Retry-After, or the
 * reset of a limit that is used up.  0 = it said nothing of the kind.
 */
int64
sc_call_pause_us(const ScSystem *system, const ScResponse *response)
{
	const char *retry_after = header_of(response, "retry-after");
	Jsonb *names = system->connector->rate_headers;
	char *remaining_name = sc_json_get_text(names, "remaining");
	char *reset_name = sc_json_get_text(names, "reset");
	const char *remaining = remaining_name != NULL ? header_of(response, remaining_name) : NULL;
	const char *reset = reset_name != NULL ? header_of(response, reset_name) : NULL;
	int64 pause = 0;

	if (response->transport != SC_TRANSPORT_ANSWERED)
		return 0;
	if (retry_after != NULL)
		pause = sc_call_retry_after_us(retry_after, response->arrived_at);
	if (pause == 0 && reset != NULL &&
		(response->status == 429 || (remaining != NULL && strcmp(remaining, "0") == 0)))
		pause = reset_us(reset, response->arrived_at);
	return pause;
}

ScStatement *
sc_call_statement(const ScMapCxt *cxt, const ScOperation *operation, const char *record_type,
				  Jsonb *record, ScStatementKind kind)
{
	const ScSystem *system = cxt->system;
	ScStatement *statement = palloc0(sizeof(ScStatement));
	char *updated = sc_call_source(operation, "updated", record);
	bool has_time;

	statement->kind = kind;
	statement->record = record;
	statement->system = system;
	statement->record_type = pstrdup(record_type);
	statement->map = sc_conf_record_map(system, record_type, record);
	statement->external_id = sc_call_source(operation, "id", record);
	statement->external_key = sc_call_source(operation, "key", record);
	statement->url = sc_call_source(operation, "url", record);
	statement->marker = sc_call_source(operation, "marker", record);
	statement->version_text = sc_call_source(operation, "version", record);
	statement->actor = sc_call_source(operation, "actor", record);
	statement->actor_kind = sc_conf_actor_kind(system, statement->actor);
	statement->actor_is_us = statement->actor != NULL && system->integration_actor != NULL &&
							 strcmp(statement->actor, system->integration_actor) == 0;
	has_time = updated != NULL &&
			   sc_map_parse_time(updated, sc_json_get_text(operation->response, "time_format"),
								 &statement->source_time);
	statement->position = sc_shape_position(system->connector->grade, statement->version_text,
											has_time, statement->source_time);
	if (has_time)
		statement->source_time -= system->clock_offset_us;
	if (statement->version_text == NULL)
		statement->version_text = updated;
	statement->full_record = sc_json_get_boolean(operation->response, "full", false);
	if (statement->map != NULL)
		statement->nfields =
			sc_map_read(cxt, statement->map, record, statement->full_record, &statement->fields);
	return statement;
}

int64
sc_call_backoff_us(int attempts, double random)
{
	int64 ceiling = SC_CALL_BACKOFF_MAX_US;

	if (attempts < 0)
		attempts = 0;
	if (attempts < 20 && (SC_CALL_BACKOFF_BASE_US << attempts) < ceiling)
		ceiling = SC_CALL_BACKOFF_BASE_US << attempts;
	return (int64) (random * (double) ceiling);
}

int64
sc_call_retry_after_us(const char *value, TimestampTz now)
{
	TimestampTz at;
	int64 seconds = 0;

	while (*value == ' ' || *value == '\t')
		value++;
	if (isdigit((unsigned char) *value))
	{
		const char *digit = value;

		for (; isdigit((unsigned char) *digit) && seconds < INT64CONST(1000000000); digit++)
			seconds = seconds * 10 + (*digit - '0');
		while (isdigit((unsigned char) *digit) || *digit == ' ')
			digit++;
		return *digit == '\0' ? bounded_pause(seconds * USECS_PER_SEC) : 0;
	}
	return parse_http_date(value, &at) ? bounded_pause(at - now) : 0;
}

static ScAnswerKind
kind_of_status(int status)
{
	switch (status)
	{
		case 401:
		case 403:
			return SC_ANSWER_DENIED;
		case 404:
		case 410:
			return SC_ANSWER_MISSING;
		case 409:
		case 412:
			return SC_ANSWER_REFUSED;
		case 425:
		case 429:
			return SC_ANSWER_BUSY;
		case 408:
		case 500:
		case 502:
		case 504:
			return SC_ANSWER_BROKEN;
		case 501:
		case 505:
			return SC_ANSWER_WRONG;
		default:
			break;
	}
	if (status >= 500)
		return SC_ANSWER_BUSY;
	return status >= 200 && status < 300 ? SC_ANSWER_UNPROVEN : SC_ANSWER_WRONG;
}

static bool
is_success(const ScOperation *operation, int status)
{
	for (int i = 0; i < operation->nsuccess; i++)
	{
		if (operation->success[i] == status)
			return true;
	}
	return false;
}

/* Does the body hold what the operation declares? */
static bool
is_proved(const ScOperation *operation, Jsonb *body)
{
	Jsonb *response = operation->response;
	char *record_source = sc_json_get_text(response, "record");
	Jsonb *record = record_source != NULL ? sc_call_part(operation, "record", body) : body;
	Jsonb *proof = sc_json_get(response, "proof");
	char *id = sc_json_get_text(response, "id");
	Jsonb **pointers;
	int n;

	if (sc_json_get_text(response, "list") != NULL)
		return is_container(sc_call_part(operation, "list", body), true);
	if (sc_json_get_text(response, "comments") != NULL)
		return is_container(sc_call_part(operation, "comments", body), true);
	if (record_source != NULL && !is_container(record, false))
		return false;
	if (proof == NULL)
		return id == NULL || has_text(record, id);
	n = sc_json_elements(proof, &pointers);
	for (int i = 0; i < n; i++)
	{
		ScValue pointer = sc_value_json(pointers[i]);
		char *text = sc_value_to_cstring(&pointer);

		if (text == NULL || !has_text(record, text))
			return false;
	}
	return true;
}

static bool
has_text(Jsonb *from, const char *pointer)
{
	char *found = from != NULL ? sc_pointer_get_cstring(from, pointer) : NULL;

	return found != NULL && found[0] != '\0';
}

static bool
is_container(Jsonb *json, bool array)
{
	if (json == NULL || JB_ROOT_IS_SCALAR(json))
		return false;
	return array ? JB_ROOT_IS_ARRAY(json) : JB_ROOT_IS_OBJECT(json);
}

/*
 * The body as jsonb, or NULL.  The parser raises on bad text and only
 * allocates, so its error is caught here; what is not the text's fault goes on.
 */
Jsonb *
sc_call_parse(const ScResponse *response)
{
	MemoryContext cxt = CurrentMemoryContext;
	volatile Jsonb *result = NULL;

	if (response->body == NULL || response->body_len == 0 ||
		strlen(response->body) != response->body_len ||
		pg_verify_mbstr_len(GetDatabaseEncoding(), response->body, (int) response->body_len, true) <
			0)
		return NULL;
	PG_TRY();
	{
		result = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(response->body)));
	}
	PG_CATCH();
	{
		ErrorData *error;
		int category;

		MemoryContextSwitchTo(cxt);
		error = CopyErrorData();
		category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
		if (category != ERRCODE_DATA_EXCEPTION && category != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
			PG_RE_THROW();
		FlushErrorState();
		FreeErrorData(error);
	}
	PG_END_TRY();
	return (Jsonb *) result;
}

/* What the peer says, as one bounded line; falls back to the bare status. */
static char *
peer_message(const ScSystem *system, const ScResponse *response, Jsonb *body)
{
	Jsonb *paths = system->connector->error_paths;
	StringInfoData buf;

	initStringInfo(&buf);
	if (body != NULL && paths != NULL)
	{
		append_at(&buf, paths, "message", body);
		append_at(&buf, paths, "detail", body);
		if (sc_json_get_text(paths, "fields") != NULL)
			append_members(&buf, sc_pointer_get_text(body, sc_json_get_text(paths, "fields")));
	}
	if (buf.len == 0)
		appendStringInfo(&buf, "answered with status %d", response->status);
	return one_line(buf.data);
}

/* The first pointer of a list (or the only one) that gives text. */
static void
append_at(StringInfo buf, Jsonb *paths, const char *key, Jsonb *body)
{
	Jsonb *source = sc_json_get(paths, key);
	Jsonb **elements;
	int n;

	if (source == NULL)
		return;
	if (JB_ROOT_IS_SCALAR(source))
	{
		elements = &source;
		n = 1;
	}
	else
		n = sc_json_elements(source, &elements);
	for (int i = 0; i < n; i++)
	{
		ScValue pointer = sc_value_json(elements[i]);
		char *text = sc_value_to_cstring(&pointer);
		char *found = text != NULL ? sc_pointer_get_cstring(body, text) : NULL;

		if (found == NULL || found[0] == '\0')
			continue;
		appendStringInfo(buf, "%s%s", buf->len > 0 ? ": " : "", found);
		return;
	}
}

/* "field: what is wrong with it" for each member. */
static void
append_members(StringInfo buf, Jsonb *object)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue value;

	if (!is_container(object, false))
		return;
	iterator = JsonbIteratorInit(&object->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			appendStringInfo(buf, "%s%.*s", buf->len > 0 ? "; " : "", value.val.string.len,
							 value.val.string.val);
		else if (token == WJB_VALUE && value.type == jbvString)
			appendStringInfo(buf, ": %.*s", value.val.string.len, value.val.string.val);
	}
}

/* Control characters become spaces; cut at a character's border. */
static char *
one_line(char *text)
{
	size_t len = strlen(text);

	if (len > SC_ANSWER_MESSAGE_MAX)
		text[pg_mbcliplen(text, (int) len, SC_ANSWER_MESSAGE_MAX)] = '\0';
	for (char *at = text; *at; at++)
	{
		if ((unsigned char) *at < ' ' || *at == 0x7f)
			*at = ' ';
	}
	return text;
}

static const char *
header_of(const ScResponse *response, const char *name)
{
	for (int i = 0; i < response->nheaders; i++)
	{
		if (strcmp(response->headers[i].name, name) == 0)
			return response->headers[i].value;
	}
	return NULL;
}

/* A reset: Unix seconds, seconds from now when the number is small, or a time. */
static int64
reset_us(const char *value, TimestampTz now)
{
	TimestampTz at;
	char *end;
	int64 number;

	errno = 0;
	number = strtoll(value, &end, 10);
	if (end != value && *end == '\0' && errno == 0)
	{
		if (number < INT64CONST(100000000))
			return bounded_pause(number * USECS_PER_SEC);
		if (number > INT64CONST(100000000000))
			return 0;
		at = (number - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY) *
			 USECS_PER_SEC;
		return bounded_pause(at - now);
	}
	if (sc_map_parse_time(value, NULL, &at) || parse_http_date(value, &at))
		return bounded_pause(at - now);
	return 0;
}

/* The three forms of RFC 9110, section 5.6.7. */
static bool
parse_http_date(const char *value, TimestampTz *at)
{
	char month[4] = "";
	int day;
	int year;
	int hour;
	int minute;
	int second;
	int used = 0;

	if (sscanf(value, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &day, month, &year,
			   &hour, &minute, &second, &used) < 6 ||
		value[used] != '\0' || used == 0)
	{
		used = 0;
		if (sscanf(value, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &day, month, &year,
				   &hour, &minute, &second, &used) == 6 &&
			used > 0 && value[used] == '\0')
			year += year < 70 ? 2000 : 1900;
		else if (sscanf(value, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, &day, &hour,
						&minute, &second, &year, &used) < 6 ||
				 used == 0 || value[used] != '\0')
			return false;
	}
	if (month_of(month) == 0 || day < 1 || day > 31 || year < 1970 || year > 9999 || hour < 0 ||
		hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
		return false;
	*at = ((int64) (date2j(year, month_of(month), day) - POSTGRES_EPOCH_JDATE) * SECS_PER_DAY +
		   hour * SECS_PER_HOUR + minute * SECS_PER_MINUTE + second) *
		  USECS_PER_SEC;
	return true;
}

static int
month_of(const char *name)
{
	static const char *const names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
										 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

	for (int i = 0; i < lengthof(names); i++)
	{
		if (strcmp(names[i], name) == 0)
			return i + 1;
	}
	return 0;
}

/* Never negative, never longer than a day: a peer must not be able to switch itself off for ever. */
static int64
bounded_pause(int64 pause_us)
{
	return Max(0, Min(pause_us, SC_CALL_PAUSE_MAX_US));
}
