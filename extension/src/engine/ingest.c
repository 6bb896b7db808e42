/*
 * ingest.c
 *	  The front door: bodies as text or bytes become rows of syncore.event, in
 *	  one statement.  A body that is no JSON becomes an event without payload
 *	  whose bytes are kept in quarantine: nothing that was received is lost, and
 *	  its neighbours are unharmed.
 *
 * The INSERT is the caller's own: rights and row security are those of the
 * table.  What became of each row comes back from the trigger in memory.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/varlena.h"

#include "engine/ingest.h"
#include "store/config.h"
#include "store/plan.h"

typedef struct Ingest /* the INSERT under way */
{
	int n;
	int taken; /* rows that have a number */
	int64 *events;
	ScProblem *problems; /* message NULL = none */
	ScIngested *results;
	MemoryContext cxt;
} Ingest;

static Ingest *current = NULL;

static void check_system(const char *name);
static ErrorData *parse_all(int n, const ScIngestBody *bodies, Jsonb **parsed);
static void parse_one(const ScIngestBody *body, Jsonb **parsed, ScProblem *problem);
static Jsonb *parse(const ScIngestBody *body);
static void insert_rows(const char *system, const char *via, const ScIngestBody *bodies,
						Jsonb **parsed, int n);
static Datum result_row(FunctionCallInfo fcinfo, const ScIngested *result);
static Datum ingest_one(FunctionCallInfo fcinfo);

extern PGDLLEXPORT Datum syncore_ingest(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(syncore_ingest);

/* syncore.ingest(system, payload, headers) and ingest_raw: text and bytea have one layout. */
Datum
syncore_ingest(PG_FUNCTION_ARGS)
{
	return ingest_one(fcinfo);
}

void
sc_ingest(const char *system, const char *via, int n, const ScIngestBody *bodies,
		  ScIngested *results)
{
	Ingest ingest = { .n = n, .results = results, .cxt = CurrentMemoryContext };
	Jsonb **parsed = palloc0(sizeof(Jsonb *) * Max(n, 1));
	Ingest *outer = current;

	check_system(system);
	ingest.events = palloc0(sizeof(int64) * Max(n, 1));
	ingest.problems = palloc0(sizeof(ScProblem) * Max(n, 1));
	if (parse_all(n, bodies, parsed) != NULL)
		for (int i = 0; i < n; i++)
			parse_one(&bodies[i], &parsed[i], &ingest.problems[i]);
	current = &ingest;
	PG_TRY();
	{
		insert_rows(system, via, bodies, parsed, n);
	}
	PG_FINALLY();
	{
		current = outer;
	}
	PG_END_TRY();
}

void
sc_ingest_took(int64 event)
{
	if (current != NULL && current->taken < current->n)
		current->events[current->taken++] = event;
}

const ScProblem *
sc_ingest_problem(int64 event)
{
	for (int i = 0; current != NULL && i < current->taken; i++)
		if (current->events[i] == event && current->problems[i].message != NULL)
			return &current->problems[i];
	return NULL;
}

void
sc_ingest_settled(List *items, int before)
{
	for (int i = 0; current != NULL && i < list_length(items) && before + i < current->n; i++)
	{
		const ScItem *item = list_nth(items, i);
		ScIngested *result = &current->results[before + i];

		result->event_id = item->event->id;
		result->outcome = item->result;
		result->entity = item->entity;
		result->reason =
			item->reason == NULL ? NULL : MemoryContextStrdup(current->cxt, item->reason);
	}
}

static Datum
ingest_one(FunctionCallInfo fcinfo)
{
	char *system = text_to_cstring(PG_GETARG_TEXT_PP(0));
	struct varlena *payload = PG_GETARG_VARLENA_PP(1);
	ScIngestBody body = { .bytes = VARDATA_ANY(payload), .len = VARSIZE_ANY_EXHDR(payload) };
	ScIngested result = { 0 };

	body.headers = PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	sc_ingest(system, "ingest", 1, &body, &result);
	Datum row = result_row(fcinfo, &result);

	SPI_finish();
	return row;
}

/* The caller named it: a typing error is an error here.  He hears only of systems that he feeds. */
static void
check_system(const char *name)
{
	const char *nearest = NULL;
	int best = 4;

	if (sc_conf_system_by_name(sc_config_get(), name) != NULL)
		return;
	SPI_execute("SELECT m FROM pg_catalog.unnest(syncore._my_systems('ingest')) AS m", true, 0);
	for (int i = 0; i < (int) SPI_processed && strlen(name) < 100; i++)
	{
		const char *other = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		int distance = varstr_levenshtein_less_equal(name, (int) strlen(name), other,
													 (int) strlen(other), 1, 1, 1, best, true);

		if (distance < best)
		{
			best = distance;
			nearest = other;
		}
	}
	ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("system \"%s\" does not exist", name),
			nearest != NULL ? errhint("Perhaps you meant \"%s\".", nearest)
							: errhint("Add it with syncore.add_system()."));
}

/*
 * All in one sub-transaction, for that is what they are nearly always:
 * well-formed.  NULL, or what is wrong with the first that is not; then none
 * counts as parsed.
 */
static ErrorData *
parse_all(int n, const ScIngestBody *bodies, Jsonb **parsed)
{
	MemoryContext old_cxt = CurrentMemoryContext;
	ResourceOwner old_owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(old_cxt);
	PG_TRY();
	{
		for (int i = 0; i < n; i++)
			parsed[i] = parse(&bodies[i]);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old_cxt);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(old_cxt);
		CurrentResourceOwner = old_owner;
		if (!sc_run_is_data_error(error->sqlerrcode))
			ReThrowError(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old_cxt);
	CurrentResourceOwner = old_owner;
	return error;
}

/* One of those among which some are not well-formed: parsed, or told what is wrong with it. */
static void
parse_one(const ScIngestBody *body, Jsonb **parsed, ScProblem *problem)
{
	const ErrorData *error = parse_all(1, body, parsed);

	if (error == NULL)
		return;
	*parsed = NULL;
	problem->sqlstate = error->sqlerrcode;
	problem->path = "";
	problem->message = error->message;
	problem->hint = "The body is kept as it came: look at it with "
					"syncore.quarantine_payload(), and correct the sender.";
	problem->raw = body->bytes;
	problem->raw_len = body->len;
}

/* Bodies are UTF-8 (RFC 8259), whatever the encoding of the database. */
static Jsonb *
parse(const ScIngestBody *body)
{
	char *text;

	pg_verify_mbstr(PG_UTF8, body->bytes, (int) body->len, false);
	text = pnstrdup(body->bytes, body->len);
	if (body->len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	text = (char *) pg_do_encoding_conversion((unsigned char *) text, (int) strlen(text), PG_UTF8,
											  GetDatabaseEncoding());
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

static void
insert_rows(const char *system, const char *via, const ScIngestBody *bodies, Jsonb **parsed, int n)
{
	static const ScColumn columns[] = {
		{ "system", TEXTOID }, { "payload", JSONBOID }, { "headers", JSONBOID }, { "via", TEXTOID }
	};
	ScRows *rows = sc_rows_begin("body", lengthof(columns), columns);

	for (int i = 0; i < n; i++)
	{
		Datum values[] = { CStringGetTextDatum(system), 0, 0, CStringGetTextDatum(via) };
		bool nulls[lengthof(columns)] = { false };

		sc_save_jsonb(&values[1], &nulls[1], parsed[i]);
		sc_save_jsonb(&values[2], &nulls[2], bodies[i].headers);
		sc_rows_put(rows, values, nulls);
	}
	sc_rows_run(rows, "ingest",
				"INSERT INTO syncore.event (system, payload, headers, via) SELECT system, payload, "
				"headers, via::syncore.event_via FROM body");
}

static Datum
result_row(FunctionCallInfo fcinfo, const ScIngested *result)
{
	TupleDesc desc;
	Datum values[4] = { Int64GetDatum(result->event_id), 0, Int64GetDatum(result->entity), 0 };
	bool nulls[4] = { false, false, result->entity == 0, false };

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	sc_save_text(&values[1], &nulls[1], result->outcome);
	sc_save_text(&values[3], &nulls[3], result->reason);
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	Datum row = HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));

	MemoryContextSwitchTo(old);
	return row;
}
