/*
 * fuzz.c
 *	  syncore_fuzz(target, arguments): libFuzzer inside a backend, since core
 *	  stands on the server's memory, errors and jsonb.  It does not come back:
 *	  libFuzzer ends the process.
 *
 * An error is a finding, as what comes from outside must become a result; but
 * a stored value may be refused as corrupt, and anything may be too large.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "memory.h"
#include "targets.h"

PG_MODULE_MAGIC;

PGDLLEXPORT Datum syncore_fuzz(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_fuzz);

extern int LLVMFuzzerRunDriver(int *argc, char ***argv,
							   int (*one)(const uint8_t *data, size_t size));

#define ARGS_MAX 32

static const FuzzTarget *target;
static MemoryContext one_input;

void
fuzz_broken(const char *what)
{
	fprintf(stderr, "== a promise was broken: %s\n", what);
	abort();
}

/* What the server's parser refuses is no document; its memory is the server's. */
Jsonb *
fuzz_json(const char *text)
{
	Jsonb *volatile document = NULL;
	MemoryContext cxt = CurrentMemoryContext;

	PG_TRY();
	{
		document = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(cxt);
		FlushErrorState();
	}
	PG_END_TRY();
	return document;
}

static bool
is_expected(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_STATEMENT_TOO_COMPLEX ||
		   error->sqlerrcode == ERRCODE_PROGRAM_LIMIT_EXCEEDED ||
		   (strcmp(target->name, "stored") == 0 && error->sqlerrcode == ERRCODE_DATA_CORRUPTED);
}

static int
run_one(const uint8_t *data, size_t size)
{
	MemoryContext old = MemoryContextSwitchTo(one_input);
	char *copy = fuzz_palloc(size + 1);

	memcpy(copy, data, size);
	copy[size] = '\0';
	PG_TRY();
	{
		target->run(copy, size);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(one_input);
		error = CopyErrorData();
		FlushErrorState();
		if (!is_expected(error))
		{
			fprintf(stderr, "== an error: %s (%s)\n", error->message,
					unpack_sql_state(error->sqlerrcode));
			abort();
		}
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	MemoryContextReset(one_input);
	fuzz_free_all();
	return 0;
}

Datum
syncore_fuzz(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *words = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char *rest = NULL;
	char *args[ARGS_MAX + 1] = { "syncore_fuzz" };
	char **argv = args;
	int argc = 1;

	for (target = fuzz_targets; target->name != NULL && strcmp(target->name, name) != 0; target++)
		;
	if (target->name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("no target \"%s\"", name)));
	for (char *word = strtok_r(words, " ", &rest); word != NULL && argc < ARGS_MAX;
		 word = strtok_r(NULL, " ", &rest))
		args[argc++] = word;
	one_input = AllocSetContextCreate(TopMemoryContext, "one input", ALLOCSET_DEFAULT_SIZES);
	PG_RETURN_INT32(LLVMFuzzerRunDriver(&argc, &argv, run_one));
}
