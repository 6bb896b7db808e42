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

PGDLLEXPORT Datum syncore_convert_rich_text(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_convert_rich_text);

static void check_spelling(const char *spelling);

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

/* convert_rich_text(content text, from_format text, to_format text) → text */
Datum
syncore_convert_rich_text(PG_FUNCTION_ARGS)
{
	char *from = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char *to = text_to_cstring(PG_GETARG_TEXT_PP(2));
	char *content;

	check_spelling(from);
	check_spelling(to);
	content = sc_richtext_from(from, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_TEXT_P(cstring_to_text(sc_richtext_to(to, content)));
}

/* A document is jsonb, not text: it has functions of its own. */
static void
check_spelling(const char *spelling)
{
	if (!sc_richtext_is_spelling(spelling) || strcmp(spelling, "adf") == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" is no spelling of rich text", spelling),
						errhint("Write plain, markdown, html or wiki; documents are converted by "
								"adf_to_text() and text_to_adf().")));
}
