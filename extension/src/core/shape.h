/*
 * shape.h
 *	  What a payload is about, read by the connector's rows (connector_event):
 *	  which record, what happened, when, by whom.  Used before an event row is
 *	  stored (columns that are null are filled) and when it is decided.
 *
 * The first row whose condition (jsonpath over the whole payload) holds reads
 * the payload; its column paths is an object with the keys below.  The value
 * of a key is a *source*:
 *
 *	  "/issue/key"						JSON Pointer into the payload; "" is the whole
 *	  "header:x-atlassian-webhook-identifier"	a header, name in lower case
 *	  ["/a", "/b", …]					alternatives: the first that is there and not empty
 *	  {"literal": "comment"}			always this text
 *	  {"join": [source, …], "with": ":"}	all of them, or nothing when one is missing
 *	  {"path": source, "format": "epoch_ms", "values": {"insert": "create"}, "default": "…",
 *	   "after": "/browse/"}				format: of a time, as field_map.format.time (map.h);
 *										values: what is read → what it means (missing there: default, else as read);
 *										after: only what follows this text; default: when nothing is read
 *
 * A source gives text (a number or boolean its JSON spelling); an object, an
 * array, null and "" count as nothing.  An object {"value": …} counts as its
 * value (a ServiceNow reference).
 *
 *	  record		pointer, or alternatives: the part that field_map paths start from; default "" = the payload
 *	  record_type	only where the column record_type is null
 *	  kind			overrides the column kind; with "values" for the product's own words
 *	  external_id	required
 *	  external_key, url, event_id, marker, call_marker, version, actor, actor_name, correlation_id, batch_id
 *	  source_time	a time; default format: any that sc_map_parse_time knows
 *	  comments		{"list": pointer to an array of comments or to one comment, and sources that start at
 *					one comment: "id", "channel", "author", "body", "written_at" (a time), "when" (source:
 *					skip unless it gives something), "body_format": plain (default) or adf}, or an array of
 *					such objects.  A comment without body or channel is skipped, but for a comment_delete,
 *					which needs only the id.  channel is what comment_map.channel is compared with; fixed
 *					ones are {"literal": "comment"}.  Pointers into the payload from inside a comment:
 *					"payload:/user/accountId".
 *
 * ServiceNow, as its business rule sends it:
 *	  {"record": "/fields", "external_id": "/sys_id", "external_key": "/number",
 *	   "record_type": "/table", "kind": {"path": "/operation", "values": {"insert": "create"}},
 *	   "version": "/sys_mod_count", "source_time": {"path": "/sys_updated_on", "format": "servicenow"},
 *	   "event_id": {"join": ["/sys_id", "/sys_mod_count", "/operation"], "with": ":"},
 *	   "actor": "/sys_updated_by", "marker": ["/correlation_id", "/fields/correlation_id"],
 *	   "comments": {"list": "/journal", "id": "/sys_id", "channel": "/element", "author": "/sys_created_by",
 *					"body": "/value", "written_at": {"path": "/sys_created_on", "format": "servicenow"}}}
 * Jira, comment_created:
 *	  {"record": "/issue", "external_id": "/issue/id", "external_key": "/issue/key",
 *	   "event_id": "header:x-atlassian-webhook-identifier", "version": "/issue/fields/updated",
 *	   "source_time": {"path": "/timestamp", "format": "epoch_ms"}, "actor": "/comment/author/accountId",
 *	   "comments": {"list": "/comment", "id": "/id", "channel": {"literal": "comment"}, "author": "/author/displayName",
 *					"body": "/body", "body_format": "adf", "written_at": "/created"}}
 * (body_format adf also takes a body that is a string, as webhooks of some products send it.)
 *
 * The same sources read an API answer: connector_operation.response may hold
 * any of these keys; sc_shape_text, sc_shape_time and sc_shape_comments are
 * for the caller.
 *
 * Position: a counter is the number in version; fine and coarse are version
 * read as a time, or source_time where there is no version.
 */
#ifndef SC_CORE_SHAPE_H
#define SC_CORE_SHAPE_H

#include "core/model.h"

typedef struct ScShape
{
	const ScEventShape *shape;	/* NULL: no row reads this payload */
	const char *kind;			/* create update delete comment comment_delete snapshot ignore */
	char *record_type;
	char *external_id;
	char *external_key;
	char *url;
	char *event_id;				/* from the payload or a header; NULL = none */
	char *marker;				/* of the record */
	char *call_marker;			/* of one write */
	bool has_time;
	TimestampTz source_time;	/* as the source says, not corrected */
	char *version;
	char *actor;
	char *actor_name;
	char *correlation_id;
	char *batch_id;
	Jsonb *record;				/* the part that field_map paths start from; NULL = none */
	int ncomments;
	ScCommentIn *comments;
	char *problem;				/* what is missing or malformed (a sentence for quarantine), or NULL; path of it beside */
	char *problem_path;
	char *problem_hint;
} ScShape;

/* headers: object of lower-case names, or NULL.  Never throws on bad data. */
extern ScShape sc_shape_read(const ScSystem *system, Jsonb *payload, Jsonb *headers);

/* The position a version or time stands for, by the connector's grade. */
extern ScPosition sc_shape_position(ScGrade grade, const char *version, bool has_time, TimestampTz source_time);

/*
 * What may be kept of a payload (keep_payload, sensitive): a copy without what
 * must not be stored.  'mapped' keeps what the shape, the maps of the record
 * type and their conditions read; 'none' only what the shape needs to find the
 * record.  A field that is sensitive in any way is taken out of all three (its
 * value lives in the entity, guarded there), so a payload that was kept is not
 * the payload that came: sc_map_read never takes the absence of a sensitive
 * field for emptiness, and under 'none' a statement cannot be read again.
 */
extern Jsonb *sc_shape_kept(const ScSystem *system, const ScShape *shape, Jsonb *payload);

/* SHA-256 of the payload's canonical text as 'sha256:<hex>': the id of an event whose sender gives none. */
extern char *sc_shape_digest(Jsonb *payload);

/* One source (see above) over a document; source NULL gives nothing.  headers may be NULL. */
extern char *sc_shape_text(Jsonb *source, Jsonb *document, Jsonb *headers);

/* As a time; false when there is none.  *problem is set (static text) when there is one that cannot be read. */
extern bool sc_shape_time(Jsonb *source, Jsonb *document, Jsonb *headers, TimestampTz *at, const char **problem);

/* The comments that a "comments" value reads from a document; 0 for none.  ids_only: of a comment_delete. */
extern int sc_shape_comments(Jsonb *spec, Jsonb *document, bool ids_only, ScCommentIn **result);

#endif
