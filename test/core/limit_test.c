/*
 * limit_test.c
 *	  core_limit(rate, places, script): pace and breaker of one connection, by
 *	  a clock of the script's own.
 *
 * A line of the script is a time in milliseconds and a word: ask (for a place
 * and a token), token (one more request of a call), ok, fail, later N (429 with
 * Retry-After N ms), unused.  The answers come back a line each.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "net/limit.h"

PGDLLEXPORT Datum core_limit(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(core_limit);

/* A time to which the script's are added: none is zero, which means never. */
#define START (INT64CONST(1000) * USECS_PER_SEC)

typedef struct Connection
{
	ScLimit limit;
	double rate;
	int places;
} Connection;

static void play_line(Connection *connection, const char *line, StringInfo out);

Datum
core_limit(PG_FUNCTION_ARGS)
{
	Connection connection = { .rate = PG_GETARG_FLOAT8(0), .places = PG_GETARG_INT32(1) };
	char *rest = text_to_cstring(PG_GETARG_TEXT_PP(2));
	char *line;
	StringInfoData out;

	initStringInfo(&out);
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[strspn(line, " \t")] != '\0')
			play_line(&connection, line, &out);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

static void
play_line(Connection *connection, const char *line, StringInfo out)
{
	static const char *const states[] = { "closed", "open", "half open" };
	ScLimit *limit = &connection->limit;
	int ms = 0;
	int more = 0;
	char word[16] = "";
	int64 wait = 0;
	bool yes = true;

	if (sscanf(line, "%d %15s %d", &ms, word, &more) < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("no such line: %s", line)));

	TimestampTz now = START + ms * INT64CONST(1000);

	if (strcmp(word, "ask") == 0)
		yes = sc_limit_acquire(limit, connection->rate, connection->places, now, &wait);
	else if (strcmp(word, "token") == 0)
		yes = sc_limit_take_token(limit, connection->rate, now, &wait);
	else if (strcmp(word, "unused") == 0)
		sc_limit_give_back(limit);
	else
		sc_limit_release(limit, strcmp(word, "ok") == 0, more * INT64CONST(1000), now);
	appendStringInfo(out, "%s%s: %s, %d in flight, %s", out->len > 0 ? "\n" : "", line,
					 yes ? "yes" : "no", limit->in_flight, states[limit->breaker]);
	if (!yes)
		appendStringInfo(out, ", in " INT64_FORMAT " ms", (wait + 999) / 1000);
}
