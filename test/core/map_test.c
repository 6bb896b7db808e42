/*
 * map_test.c
 *	  SQL functions over field maps and shapes; see spec.h for their
 *	  configuration.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/json.h"
#include "core/shape.h"
#include "spec.h"

#define EXPORTED(name)                                                                             \
	PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                      \
	PG_FUNCTION_INFO_V1(name)

EXPORTED(core_up);
EXPORTED(core_down);
EXPORTED(core_same);
EXPORTED(core_read);
EXPORTED(core_shape);
EXPORTED(core_kept);
EXPORTED(core_digest);
EXPORTED(core_position);

static char *told(const ScMapped *mapped, const ScValue *value);

/* (spec, external, record or NULL) → canonical value or what became of it */
Datum
core_up(PG_FUNCTION_ARGS)
{
	Spec spec = spec_build(PG_GETARG_JSONB_P(0));
	ScValue external = sc_value_json(PG_GETARG_JSONB_P(1));
	ScMapped mapped =
		sc_map_up(&(ScMapCxt){ spec.conf, spec.system, &spec_hooks }, &spec.map->fields[0],
				  &external, PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2));
	PG_RETURN_TEXT_P(cstring_to_text(told(&mapped, &mapped.canonical)));
}

/* (spec, canonical, qualifier or NULL) → external value or what became of it */
Datum
core_down(PG_FUNCTION_ARGS)
{
	Spec spec = spec_build(PG_GETARG_JSONB_P(0));
	ScValue canonical = sc_value_json(PG_GETARG_JSONB_P(1));
	ScMapped mapped =
		sc_map_down(&(ScMapCxt){ spec.conf, spec.system, &spec_hooks }, &spec.map->fields[0],
					&canonical, PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)));
	mapped.qualifier = NULL;
	PG_RETURN_TEXT_P(cstring_to_text(told(&mapped, &mapped.external)));
}

Datum
core_same(PG_FUNCTION_ARGS)
{
	Spec spec = spec_build(PG_GETARG_JSONB_P(0));
	ScValue a = sc_value_json(PG_GETARG_JSONB_P(1));
	ScValue b = sc_value_json(PG_GETARG_JSONB_P(2));
	PG_RETURN_BOOL(sc_map_same_external(&spec.map->fields[0], &a, &b));
}

/* (spec, record or NULL, full) → one line a row that reads */
Datum
core_read(PG_FUNCTION_ARGS)
{
	Spec spec = spec_build(PG_GETARG_JSONB_P(0));
	ScMapped *mapped;
	StringInfoData buf;
	int count =
		sc_map_read(&(ScMapCxt){ spec.conf, spec.system, &spec_hooks }, spec.map,
					PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1), PG_GETARG_BOOL(2), &mapped);
	initStringInfo(&buf);
	for (int i = 0; i < count; i++)
		appendStringInfo(&buf, "%s%s %s: %s", i > 0 ? "\n" : "", mapped[i].map->field->name,
						 mapped[i].map->path_text, told(&mapped[i], &mapped[i].canonical));
	PG_RETURN_TEXT_P(cstring_to_text(buf.data));
}

/* (spec, payload, headers or NULL) → what the shape says */
Datum
core_shape(PG_FUNCTION_ARGS)
{
	Spec spec = spec_build(PG_GETARG_JSONB_P(0));
	ScShape shape = sc_shape_read(spec.system, PG_GETARG_JSONB_P(1),
								  PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2));
	ScJson json = sc_json_object();
	sc_json_text(&json, "kind", shape.kind);
	sc_json_text(&json, "record_type", shape.record_type);
	sc_json_text(&json, "external_id", shape.external_id);
	sc_json_text(&json, "external_key", shape.external_key);
	sc_json_text(&json, "url", shape.url);
	sc_json_text(&json, "event_id", shape.event_id);
	sc_json_text(&json, "marker", shape.marker);
	sc_json_text(&json, "call_marker", shape.call_marker);
	sc_json_text(&json, "version", shape.version);
	sc_json_text(&json, "actor", shape.actor);
	sc_json_text(&json, "actor_name", shape.actor_name);
	sc_json_text(&json, "correlation_id", shape.correlation_id);
	if (shape.has_time)
		sc_json_text(&json, "source_time", sc_map_format_time(shape.source_time, NULL));
	sc_json_jsonb(&json, "record", shape.record);
	sc_json_text(&json, "problem", shape.problem);
	sc_json_text(&json, "problem_path", shape.problem_path);
	if (shape.ncomments > 0)
	{
		sc_json_open_array(&json, "comments");
		for (int i = 0; i < shape.ncomments; i++)
		{
			ScCommentIn *comment = &shape.comments[i];
			sc_json_open_object(&json, NULL);
			sc_json_text(&json, "id", comment->external_id);
			sc_json_text(&json, "channel", comment->channel);
			sc_json_text(&json, "author", comment->author);
			sc_json_text(&json, "body", comment->body);
			sc_json_text(&json, "at", sc_map_format_time(comment->written_at, NULL));
			sc_json_close_object(&json);
		}
		sc_json_close_array(&json);
	}
	PG_RETURN_JSONB_P(sc_json_end(&json));
}

/* (spec, payload) → what may be stored */
Datum
core_kept(PG_FUNCTION_ARGS)
{
	Spec spec = spec_build(PG_GETARG_JSONB_P(0));
	Jsonb *payload = PG_GETARG_JSONB_P(1);
	ScShape shape = sc_shape_read(spec.system, payload, NULL);
	PG_RETURN_JSONB_P(sc_shape_kept(spec.system, &shape, payload));
}

Datum
core_digest(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(sc_shape_digest(PG_GETARG_JSONB_P(0))));
}

/* (grade, version or NULL, source time or NULL) → position, NULL when unknown */
Datum
core_position(PG_FUNCTION_ARGS)
{
	char *grade = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ScGrade graded = grade[0] == 'C'   ? SC_GRADE_COUNTER
					 : grade[0] == 'F' ? SC_GRADE_FINE
					 : grade[0] == 'S' ? SC_GRADE_COARSE
									   : SC_GRADE_NONE;
	ScPosition position =
		sc_shape_position(graded, PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)),
						  !PG_ARGISNULL(2), PG_ARGISNULL(2) ? 0 : PG_GETARG_TIMESTAMPTZ(2));
	if (!position.known)
		PG_RETURN_NULL();
	PG_RETURN_INT64(position.at);
}

static char *
told(const ScMapped *mapped, const ScValue *value)
{
	switch (mapped->outcome)
	{
		case SC_MAP_ABSENT:
			return pstrdup("(absent)");
		case SC_MAP_SKIPPED:
			return pstrdup("(skipped)");
		case SC_MAP_FAILED:
			return psprintf("%s %s", unpack_sql_state(mapped->sqlstate), mapped->message);
		default:
			break;
	}
	char *json = value->state == SC_VALUE_JSON
					 ? JsonbToCString(NULL, &value->json->root, VARSIZE(value->json))
					 : pstrdup("?");
	return psprintf("%s%s%s%s", mapped->outcome == SC_MAP_NEAREST ? "nearest " : "", json,
					mapped->qualifier == NULL ? "" : " / ",
					mapped->qualifier == NULL ? "" : mapped->qualifier);
}
