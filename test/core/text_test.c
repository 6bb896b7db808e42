/*
 * text_test.c
 *	  SQL functions over pointers, templates, values, times and rich text.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/json.h"
#include "core/map.h"
#include "core/pointer.h"
#include "core/richtext.h"
#include "core/template.h"

#define EXPORTED(name)                                                                             \
	PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                      \
	PG_FUNCTION_INFO_V1(name)

EXPORTED(core_pointer_get);
EXPORTED(core_pointer_set);
EXPORTED(core_pointer_remove);
EXPORTED(core_merge_patch);
EXPORTED(core_uri);
EXPORTED(core_body);
EXPORTED(core_form);
EXPORTED(core_time);
EXPORTED(core_time_spelt);
EXPORTED(core_equal);
EXPORTED(core_equal_loosely);
EXPORTED(core_equal_remembered);
EXPORTED(core_fold);

static ScPointer *parse(FunctionCallInfo fcinfo, int argument);

/* (document, pointer) → value, NULL when absent */
Datum
core_pointer_get(PG_FUNCTION_ARGS)
{
	Jsonb *found = sc_pointer_get(PG_GETARG_JSONB_P(0), parse(fcinfo, 1));
	if (found == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(found);
}

/* (document or NULL, pointer, value or NULL) → document */
Datum
core_pointer_set(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(sc_pointer_set(PG_ARGISNULL(0) ? NULL : PG_GETARG_JSONB_P(0),
									 parse(fcinfo, 1),
									 PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2)));
}

Datum
core_pointer_remove(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(sc_pointer_remove(PG_GETARG_JSONB_P(0), parse(fcinfo, 1)));
}

Datum
core_merge_patch(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(sc_pointer_merge_patch(PG_GETARG_JSONB_P(0), PG_GETARG_JSONB_P(1)));
}

/* (template, context) → URI, or why it is none; NULL when its path climbs */
Datum
core_uri(PG_FUNCTION_ARGS)
{
	char *uri_template = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *reason = sc_template_check(uri_template);
	char *uri = reason != NULL ? psprintf("! %s", reason)
							   : sc_template_expand_uri(uri_template, PG_GETARG_JSONB_P(1));
	if (uri == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(uri));
}

Datum
core_body(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(sc_template_expand(PG_GETARG_JSONB_P(0), PG_GETARG_JSONB_P(1)));
}

Datum
core_form(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(sc_template_form(PG_GETARG_JSONB_P(0))));
}

/* (text, format or NULL) → time, NULL when it is none */
Datum
core_time(PG_FUNCTION_ARGS)
{
	TimestampTz at;
	if (!sc_map_parse_time(text_to_cstring(PG_GETARG_TEXT_PP(0)),
						   PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)), &at))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(at);
}

Datum
core_time_spelt(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	char *spelt = sc_map_format_time(
		PG_GETARG_TIMESTAMPTZ(0), PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (spelt == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(spelt));
}

Datum
core_equal(PG_FUNCTION_ARGS)
{
	ScValue a = sc_value_json(PG_GETARG_JSONB_P(0));
	ScValue b = sc_value_json(PG_GETARG_JSONB_P(1));
	PG_RETURN_BOOL(sc_value_equal(&a, &b));
}

Datum
core_equal_loosely(PG_FUNCTION_ARGS)
{
	ScValue a = sc_value_json(PG_GETARG_JSONB_P(0));
	ScValue b = sc_value_json(PG_GETARG_JSONB_P(1));
	PG_RETURN_BOOL(sc_value_equal_loosely(&a, &b));
}

/* As core_equal ("=") or core_equal_loosely ("~"), with one side or both remembered by digest; all three must agree */
Datum
core_equal_remembered(PG_FUNCTION_ARGS)
{
	ScValue a = sc_value_json(PG_GETARG_JSONB_P(0));
	ScValue b = sc_value_json(PG_GETARG_JSONB_P(1));
	ScValue short_a = sc_value_remembered(&a);
	ScValue short_b = sc_value_remembered(&b);
	StringInfoData buf;
	initStringInfo(&buf);
	appendStringInfo(
		&buf, "%s %s: %d%d%d loosely %d%d%d", short_a.state == SC_VALUE_DIGEST ? "digest" : "value",
		short_b.state == SC_VALUE_DIGEST ? "digest" : "value", sc_value_equal(&short_a, &b),
		sc_value_equal(&a, &short_b), sc_value_equal(&short_a, &short_b),
		sc_value_equal_loosely(&short_a, &b), sc_value_equal_loosely(&a, &short_b),
		sc_value_equal_loosely(&short_a, &short_b));
	PG_RETURN_TEXT_P(cstring_to_text(buf.data));
}

Datum
core_fold(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(sc_richtext_fold(text_to_cstring(PG_GETARG_TEXT_PP(0)))));
}

static ScPointer *
parse(FunctionCallInfo fcinfo, int argument)
{
	const char *reason;
	ScPointer *pointer = sc_pointer_parse(text_to_cstring(PG_GETARG_TEXT_PP(argument)), &reason);
	if (pointer == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("no pointer: %s", reason)));
	return pointer;
}
