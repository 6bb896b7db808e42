/*
 * signature_test.c
 *	  Webhook signatures: scheme, secret, headers, body and time in, a word out.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "core/json.h"
#include "net/signature.h"

#define HEADERS_MAX 20

PGDLLEXPORT Datum core_test_signature(PG_FUNCTION_ARGS);

/* (scheme jsonb, secret text, headers jsonb: an array of [name, value], body bytea, now timestamptz) → text */
PG_FUNCTION_INFO_V1(core_test_signature);
Datum
core_test_signature(PG_FUNCTION_ARGS)
{
	static const char *const words[] = { "ok", "missing", "wrong", "old" };
	bytea *body = PG_GETARG_BYTEA_PP(3);
	ScHeader headers[HEADERS_MAX];
	Jsonb **pairs;
	int npairs = Min(sc_json_elements(PG_GETARG_JSONB_P(2), &pairs), HEADERS_MAX);

	for (int i = 0; i < npairs; i++)
	{
		Jsonb **parts;

		if (sc_json_elements(pairs[i], &parts) != 2)
			elog(ERROR, "a header is a pair");
		headers[i].name =
			sc_value_to_cstring(&(ScValue){ .state = SC_VALUE_JSON, .json = parts[0] });
		headers[i].value =
			sc_value_to_cstring(&(ScValue){ .state = SC_VALUE_JSON, .json = parts[1] });
	}
	ScMessage message = { .headers = headers,
						  .nheaders = npairs,
						  .body = VARDATA_ANY(body),
						  .body_len = VARSIZE_ANY_EXHDR(body) };
	ScSigned result =
		sc_signature_check(PG_GETARG_JSONB_P(0), text_to_cstring(PG_GETARG_TEXT_PP(1)), &message,
						   PG_GETARG_TIMESTAMPTZ(4));

	PG_RETURN_TEXT_P(cstring_to_text(words[result]));
}
