/*
 * richtext_sql.c
 *	  Rich text conversions for people: try what a mapping would do.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/richtext.h"

PGDLLEXPORT Datum syncore_adf_to_text(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_adf_to_text);
PGDLLEXPORT Datum syncore_text_to_adf(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_text_to_adf);

/* adf_to_text(jsonb) → text */
Datum
syncore_adf_to_text(PG_FUNCTION_ARGS)
{
	Jsonb *document = PG_GETARG_JSONB_P(0);
	if (!sc_richtext_is_adf(document))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("this is no Atlassian document"),
			 errdetail("A document is an object whose \"type\" is \"doc\"."),
			 errhint(
				 "Give the whole document, for example payload #> '{issue,fields,description}'.")));
	PG_RETURN_TEXT_P(cstring_to_text(sc_richtext_from_adf(document)));
}

/* text_to_adf(text) → jsonb */
Datum
syncore_text_to_adf(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(sc_richtext_to_adf(text_to_cstring(PG_GETARG_TEXT_PP(0))));
}
