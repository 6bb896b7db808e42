/*
 * shape.c
 *	  Reads a payload by the connector's rows; the words of those rows are told
 *	  in shape.h.
 *
 * A payload comes from outside and may be anything: what is missing or
 * malformed is put into problem, nothing throws.
 */
#include "postgres.h"

#include <openssl/sha.h>

#include "lib/stringinfo.h"
#include "utils/timestamp.h"

#include "core/json.h"
#include "core/mention.h"
#include "core/richtext.h"
#include "core/scalar.h"
#include "core/shape.h"

#define SC_SHAPE_COMMENTS_MAX 1000 /* comments of one payload */
#define SC_SHAPE_NESTED_MAX 8	   /* sources in sources */
#define SC_SHAPE_COUNTER_DIGITS_MAX 18

typedef struct Place /* where sources are read */
{
	Jsonb *document;
	Jsonb *payload; /* for "payload:…"; NULL = document */
	Jsonb *headers; /* NULL = none */
} Place;

static const ScEventShape *find_shape(const ScSystem *system, Jsonb *payload);
static void read_names(ScShape *shape, const ScSystem *system, Place place);
static void read_time(ScShape *shape, Place place);
static void read_record(ScShape *shape, Jsonb *payload);
static void check_shape(ScShape *shape);
static void blame(ScShape *shape, const char *key, char *problem, const char *hint);
static char *read_key(Jsonb *paths, const char *key, Place place);
static char *read_source(Jsonb *source, Place place, int depth);
static char *read_string(const char *source, Place place);
static char *read_join(Jsonb *source, Place place, int depth);
static char *read_object(Jsonb *source, Place place, int depth);
static char *text_of(Jsonb *value);
static char *text_at(JsonbValue *value);
static const char *time_format(Jsonb *source, Jsonb *paths);
static bool read_comment(Jsonb *paths, Jsonb *element, Jsonb *payload, bool ids_only,
						 ScCommentIn *comment);
static TimestampTz comment_time(Jsonb *paths, const char *key, Place place);
static ScVisibility comment_visibility(Jsonb *paths, Place place);
static char *comment_body(Jsonb *paths, Place place);

/* What the payload is about; problem says what is missing or malformed. */
ScShape
sc_shape_read(const ScSystem *system, Jsonb *payload, Jsonb *headers)
{
	ScShape shape = { 0 };
	Place place = { .document = payload, .headers = headers };
	if (payload != NULL)
		shape.shape = find_shape(system, payload);
	if (shape.shape == NULL)
	{
		shape.problem =
			psprintf("no row of connector \"%s\" reads this payload", system->connector->name);
		shape.problem_path = pstrdup("");
		shape.problem_hint =
			pstrdup("Compare the payload with the conditions in syncore.connector_event.");
		return shape;
	}
	shape.kind = read_key(shape.shape->paths, "kind", place);
	if (shape.kind == NULL)
		shape.kind = shape.shape->kind;
	if (strcmp(shape.kind, "ignore") == 0)
		return shape;
	read_names(&shape, system, place);
	read_time(&shape, place);
	read_record(&shape, payload);
	shape.ncomments = sc_shape_comments(shape.shape->paths, payload,
										strcmp(shape.kind, "comment_delete") == 0, &shape.comments);
	for (int i = 0; i < shape.ncomments; i++)
	{
		if (shape.comments[i].written_at == DT_NOBEGIN && shape.has_time)
			shape.comments[i].written_at = shape.source_time;
	}
	check_shape(&shape);
	return shape;
}

/* The position of a statement by the grade of its system. */
ScPosition
sc_shape_position(ScGrade grade, const char *version, bool has_time, TimestampTz source_time)
{
	ScPosition position = { .known = false };
	switch (grade)
	{
		case SC_GRADE_COUNTER:
		{
			size_t len = version == NULL ? 0 : strlen(version);
			if (len == 0 || len > SC_SHAPE_COUNTER_DIGITS_MAX ||
				strspn(version, "0123456789") != len)
				return position;
			position.known = true;
			position.at = strtoll(version, NULL, 10);
			return position;
		}
		case SC_GRADE_FINE:
		case SC_GRADE_COARSE:
		{
			TimestampTz at = source_time;
			bool told = version != NULL && sc_map_parse_time(version, NULL, &at);
			if (!told && !has_time)
				return position;
			position.known = true;
			position.at = at;
			if (grade == SC_GRADE_COARSE)
				position.at -= (position.at % USECS_PER_SEC + USECS_PER_SEC) % USECS_PER_SEC;
			return position;
		}
		case SC_GRADE_NONE:
			break;
	}
	return position;
}

/* An id for an event whose sender gives none. */
char *
sc_shape_digest(Jsonb *payload)
{
	size_t len;
	char *canonical = sc_value_canonical_text(payload, &len);
	uint8 digest[SHA256_DIGEST_LENGTH];
	char *text_form = palloc(sizeof("sha256:") + 2 * SHA256_DIGEST_LENGTH);
	SHA256((const unsigned char *) canonical, len, digest);
	char *at = text_form + sprintf(text_form, "sha256:");
	for (int i = 0; i < SHA256_DIGEST_LENGTH; i++)
		at += sprintf(at, "%02x", digest[i]);
	pfree(canonical);
	return text_form;
}

/* The comments of a document; those that lack what they need are left out. */
int
sc_shape_comments(Jsonb *paths, Jsonb *document, bool ids_only, ScCommentIn **result)
{
	*result = NULL;
	char *list = sc_json_get_text(paths, "comments");
	Jsonb *found = list == NULL || document == NULL ? NULL : sc_pointer_get_text(document, list);
	if (found == NULL || JB_ROOT_IS_SCALAR(found))
		return 0;
	Jsonb **elements = &found;
	int count = 1;
	if (JB_ROOT_IS_ARRAY(found))
		count = sc_json_elements(found, &elements);
	count = Min(count, SC_SHAPE_COMMENTS_MAX);
	*result = palloc0(Max(count, 1) * sizeof(ScCommentIn));
	int kept = 0;
	for (int i = 0; i < count; i++)
	{
		if (JB_ROOT_IS_OBJECT(elements[i]) &&
			read_comment(paths, elements[i], document, ids_only, &(*result)[kept]))
			kept++;
	}
	return kept;
}

static const ScEventShape *
find_shape(const ScSystem *system, Jsonb *payload)
{
	for (int i = 0; i < system->connector->nevents; i++)
	{
		const ScEventShape *shape = &system->connector->events[i];
		if (sc_conf_holds(shape->condition, payload))
			return shape;
	}
	return NULL;
}

static void
read_names(ScShape *shape, const ScSystem *system, Place place)
{
	Jsonb *paths = shape->shape->paths;
	shape->record_type = shape->shape->record_type == NULL ? read_key(paths, "record_type", place)
														   : shape->shape->record_type;
	shape->external_id = read_key(paths, "external_id", place);
	shape->external_key = read_key(paths, "external_key", place);
	shape->url = read_key(paths, "url", place);
	shape->event_id = read_key(paths, "event_id", place);
	shape->marker = read_key(paths, "marker", place);
	shape->call_marker = read_key(paths, "call_marker", place);
	shape->version = read_key(paths, "version", place);
	shape->actor = read_key(paths, "actor", place);
	shape->actor_name = read_key(paths, "actor_name", place);
	shape->correlation_id = read_key(paths, "correlation_id", place);
	shape->batch_id = read_key(paths, "batch_id", place);
	if (shape->event_id == NULL && system->connector->webhook != NULL && place.headers != NULL)
	{
		char *header = sc_json_get_text(system->connector->webhook, "event_id_header");
		shape->event_id = header == NULL ? NULL : read_string(psprintf("header:%s", header), place);
	}
}

static void
read_time(ScShape *shape, Place place)
{
	Jsonb *paths = shape->shape->paths;
	Jsonb *source = sc_json_get(paths, "source_time");
	char *spelt = source == NULL ? NULL : read_source(source, place, 0);
	if (spelt == NULL)
		return;
	shape->has_time = sc_map_parse_time(spelt, time_format(source, paths), &shape->source_time);
	shape->bad_time = !shape->has_time;
	if (shape->bad_time)
		blame(shape, "source_time",
			  pstrdup("the time of the event is not a time, or lies beyond the year 9999"),
			  "Compare it with time_format in the row of syncore.connector_event.");
}

/* The part that field maps read: a pointer, or the first of several that leads to an object. */
static void
read_record(ScShape *shape, Jsonb *payload)
{
	Jsonb *source = sc_json_get(shape->shape->paths, "record");
	if (source == NULL)
		return;
	Jsonb **pointers = &source;
	int count = JB_ROOT_IS_SCALAR(source) ? 1 : sc_json_elements(source, &pointers);
	for (int i = 0; i < count && shape->record == NULL; i++)
	{
		ScValue pointer = sc_value_json(pointers[i]);
		char *path = sc_value_to_cstring(&pointer);
		Jsonb *found = path == NULL ? NULL : sc_pointer_get_text(payload, path);
		if (found != NULL && JB_ROOT_IS_OBJECT(found))
			shape->record = found;
	}
}

/* What a shape cannot do without. */
static void
check_shape(ScShape *shape)
{
	if (!sc_shape_is_kind(shape->kind))
		blame(shape, "kind", psprintf("\"%.60s\" is no kind of event", shape->kind),
			  "Give paths.kind \"values\" that name create, update, delete, comment, "
			  "comment_delete or snapshot.");
	else if (shape->external_id == NULL)
		blame(shape, "external_id", pstrdup("the payload names no record"),
			  "Send the record's id where the row of syncore.connector_event looks for it.");
	else if (shape->record_type == NULL)
		blame(shape, "record_type",
			  pstrdup("the payload does not say what type of record it is about"),
			  "Send the type where the row of syncore.connector_event looks for it.");
}

bool
sc_shape_is_kind(const char *kind)
{
	static const char *const kinds[] = { "create",	"update",		  "delete",
										 "comment", "comment_delete", "snapshot" };
	for (int i = 0; i < lengthof(kinds); i++)
	{
		if (strcmp(kinds[i], kind) == 0)
			return true;
	}
	return false;
}

/* The first problem counts; its path is the first pointer of the source. */
static void
blame(ScShape *shape, const char *key, char *problem, const char *hint)
{
	if (shape->problem != NULL)
		return;
	Jsonb *source = sc_json_get(shape->shape->paths, key);
	while (source != NULL && !JB_ROOT_IS_SCALAR(source))
	{
		Jsonb *inner = sc_json_get(source, "path");
		if (inner == NULL)
			inner = sc_json_get(source, "join");
		if (inner == NULL)
			inner = sc_pointer_get_text(source, "/0");
		source = inner;
	}
	ScValue path = source == NULL ? SC_UNKNOWN : sc_value_json(source);
	shape->problem = problem;
	shape->problem_path = sc_value_to_cstring(&path);
	if (shape->problem_path == NULL ||
		(shape->problem_path[0] != '/' && shape->problem_path[0] != '\0'))
		shape->problem_path = pstrdup("");
	shape->problem_hint = pstrdup(hint);
}

static char *
read_key(Jsonb *paths, const char *key, Place place)
{
	JsonbValue source;
	if (!JB_ROOT_IS_OBJECT(paths) ||
		getKeyJsonValueFromContainer(&paths->root, key, (int) strlen(key), &source) == NULL)
		return NULL;
	if (source.type == jbvString)
		return read_string(pnstrdup(source.val.string.val, source.val.string.len), place);
	return read_source(sc_scalar_make(&source), place, 0);
}

static char *
read_source(Jsonb *source, Place place, int depth)
{
	if (depth > SC_SHAPE_NESTED_MAX)
		return NULL;
	if (JB_ROOT_IS_OBJECT(source))
		return sc_json_get(source, "join") != NULL ? read_join(source, place, depth)
												   : read_object(source, place, depth);
	if (!JB_ROOT_IS_SCALAR(source))
	{
		Jsonb **alternatives;
		int count = sc_json_elements(source, &alternatives);
		char *found = NULL;
		for (int i = 0; i < count && found == NULL; i++)
			found = read_source(alternatives[i], place, depth + 1);
		return found;
	}
	ScValue value = sc_value_json(source);
	char *string = sc_value_to_cstring(&value);
	return string == NULL ? NULL : read_string(string, place);
}

/* A pointer, a header, or the text itself. */
static char *
read_string(const char *source, Place place)
{
	if (strncmp(source, "header:", 7) == 0)
	{
		char *name = pstrdup(source + 7);
		for (char *at = name; *at != '\0'; at++)
			*at = pg_ascii_tolower((unsigned char) *at);
		Jsonb *header = place.headers == NULL || !JB_ROOT_IS_OBJECT(place.headers)
							? NULL
							: sc_json_get(place.headers, name);
		return header == NULL ? NULL : text_of(header);
	}
	if (strncmp(source, "payload:", 8) == 0)
	{
		JsonbValue found;
		Jsonb *payload = place.payload == NULL ? place.document : place.payload;
		return sc_pointer_find(payload, source + 8, &found) ? text_at(&found) : NULL;
	}
	if (source[0] != '\0' && source[0] != '/')
		return pstrdup(source);
	JsonbValue found;
	return sc_pointer_find(place.document, source, &found) ? text_at(&found) : NULL;
}

static char *
read_join(Jsonb *source, Place place, int depth)
{
	Jsonb **parts;
	Jsonb *list = sc_json_get(source, "join");
	char *between = sc_json_get_text(source, "with");
	StringInfoData buf;
	if (JB_ROOT_IS_SCALAR(list) || !JB_ROOT_IS_ARRAY(list))
		return NULL;
	int count = sc_json_elements(list, &parts);
	initStringInfo(&buf);
	for (int i = 0; i < count; i++)
	{
		char *part = read_source(parts[i], place, depth + 1);
		if (part == NULL)
			return NULL;
		appendStringInfo(&buf, "%s%s", i > 0 && between != NULL ? between : "", part);
	}
	return buf.len == 0 ? NULL : buf.data;
}

/* {"path", "after", "values", "default"}, or {"literal"} */
static char *
read_object(Jsonb *source, Place place, int depth)
{
	Jsonb *literal = sc_json_get(source, "literal");
	if (literal != NULL)
		return text_of(literal);
	Jsonb *path = sc_json_get(source, "path");
	char *found = path == NULL ? NULL : read_source(path, place, depth + 1);
	char *after = sc_json_get_text(source, "after");
	if (found != NULL && after != NULL)
	{
		char *at = strstr(found, after);
		found = at == NULL ? NULL : at + strlen(after);
	}
	char *otherwise = sc_json_get_text(source, "default");
	Jsonb *values = sc_json_get(source, "values");
	if (found != NULL && values != NULL && JB_ROOT_IS_OBJECT(values))
	{
		char *meant = sc_json_get_text(values, found);
		if (meant != NULL)
			return meant;
		return otherwise == NULL ? found : otherwise;
	}
	return found == NULL || found[0] == '\0' ? otherwise : found;
}

/* Text of a scalar, or of the "value" of a reference; NULL when there is none. */
static char *
text_of(Jsonb *value)
{
	if (JB_ROOT_IS_OBJECT(value))
		value = sc_json_get(value, "value");
	if (value == NULL || !JB_ROOT_IS_SCALAR(value))
		return NULL;
	ScValue scalar = sc_value_json(value);
	char *string = sc_value_to_cstring(&scalar);
	return string == NULL || string[0] == '\0' ? NULL : string;
}

/* As text_of, of a value inside a document. */
static char *
text_at(JsonbValue *value)
{
	if (value->type == jbvString)
		return value->val.string.len == 0 ? NULL
										  : pnstrdup(value->val.string.val, value->val.string.len);
	return value->type == jbvNull ? NULL : text_of(sc_scalar_make(value));
}

static const char *
time_format(Jsonb *source, Jsonb *paths)
{
	char *own = JB_ROOT_IS_OBJECT(source) ? sc_json_get_text(source, "format") : NULL;
	return own != NULL ? own : sc_json_get_text(paths, "time_format");
}

/* False when the comment lacks what it needs. */
static bool
read_comment(Jsonb *paths, Jsonb *element, Jsonb *payload, bool ids_only, ScCommentIn *comment)
{
	Place place = { .document = element, .payload = payload };
	if (sc_json_get(paths, "comment_when") != NULL &&
		read_key(paths, "comment_when", place) == NULL)
		return false;
	comment->external_id = read_key(paths, "comment_id", place);
	comment->channel = read_key(paths, "comment_channel", place);
	comment->author = read_key(paths, "comment_author", place);
	comment->body = ids_only ? NULL : comment_body(paths, place);
	comment->narrowed = comment_visibility(paths, place);
	comment->written_at = comment_time(paths, "comment_at", place);
	comment->edited_at = comment_time(paths, "comment_edited_at", place);
	if (ids_only)
		return comment->external_id != NULL;
	return comment->channel != NULL && comment->body != NULL;
}

static TimestampTz
comment_time(Jsonb *paths, const char *key, Place place)
{
	TimestampTz time = DT_NOBEGIN;
	Jsonb *at = sc_json_get(paths, key);
	char *spelt = at == NULL ? NULL : read_source(at, place, 0);

	if (spelt != NULL && !sc_map_parse_time(spelt, time_format(at, paths), &time) &&
		!sc_map_parse_time(spelt, NULL, &time))
		time = DT_NOBEGIN;
	return time;
}

/* A channel may hold comments that fewer people see than its row says: they are never shared as widely as the row allows. */
static ScVisibility
comment_visibility(Jsonb *paths, Place place)
{
	char *open = NULL;

	if (sc_json_get(paths, "comment_restricted") != NULL &&
		read_key(paths, "comment_restricted", place) != NULL)
		return SC_VISIBILITY_PRIVATE;
	if (sc_json_get(paths, "comment_public") != NULL)
		open = read_key(paths, "comment_public", place);
	return open != NULL && strcmp(open, "false") == 0 ? SC_VISIBILITY_INTERNAL
													  : SC_VISIBILITY_PUBLIC;
}

/* Text, or the text of a document, with its mentions marked (mention.h). */
static char *
comment_body(Jsonb *paths, Place place)
{
	char *format = sc_json_get_text(paths, "comment_format");
	char *sign = sc_json_get_text(paths, "comment_mention");
	char *pointer = sc_json_get_text(paths, "comment_body");
	char *body;

	if (format != NULL && strcmp(format, "adf") == 0 && pointer != NULL)
	{
		Jsonb *document = sc_pointer_get_text(place.document, pointer);
		if (document != NULL && sc_richtext_is_adf(document))
		{
			body = sc_richtext_from_adf_mentions(document);
			return body[0] == '\0' ? NULL : body;
		}
	}
	body = read_key(paths, "comment_body", place);
	if (body == NULL)
		return NULL;
	body = sc_richtext_from_mentions(format, body);
	if (sign != NULL)
		body = sc_mention_find(body, sign);
	return body[0] == '\0' ? NULL : body;
}

char *
sc_shape_comment_body(Jsonb *paths, Jsonb *comment)
{
	return comment_body(paths, (Place){ .document = comment, .payload = comment });
}
