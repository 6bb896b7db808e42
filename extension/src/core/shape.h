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
 *	  "/issue/key"			JSON Pointer (RFC 6901) from the root of the payload; "" is the whole of it
 *	  "header:x-request-id"	a header, name in lower case
 *	  "comment"				anything else is taken as it stands
 *	  ["/a", "/b", …]		alternatives: the first that gives something
 *	  {"join": [source, …], "with": ":"}	all of them, or nothing when one gives nothing
 *	  {"path": source, "values": {"insert": "create"}, "default": "…", "after": "/browse/", "format": "epoch_ms"}
 *							values: what is read → what it means (not listed: as it is read); after: only
 *							what follows this text; default: when nothing is read; format: of a time,
 *							instead of time_format
 *
 * A source gives text (numbers and booleans in their JSON spelling).  null,
 * "", objects and arrays give nothing, but an object {"value": …} gives its
 * value (a ServiceNow reference).
 *
 *	  record		the part that field_map paths start from; absent: the event speaks of no fields
 *	  record_type	only where the column record_type is null
 *	  kind			overrides the column kind
 *	  external_id	required (but for kind ignore)
 *	  external_key, url, marker (of the record), call_marker (of one write), version, actor, actor_name,
 *	  correlation_id, batch_id
 *	  event_id		absent: the header that connector.webhook names in event_id_header
 *	  source_time	a time, spelt as time_format says (map.h); absent: any spelling that sc_map_parse_time knows
 *	  comments		pointer to an array of comments, or to one comment; the next are relative to each:
 *	  comment_id, comment_channel, comment_author, comment_body, comment_at and comment_edited_at (times), comment_when (skipped
 *	  unless it gives something), comment_restricted (private if it gives something), comment_public
 *	  (internal if it gives false), comment_format ("adf": the body is a document; a string is taken as text).
 *	  "payload:/user/accountId" leads from inside a comment to the payload.  A comment without body or
 *	  channel is skipped; for kind comment_delete the id alone is enough, and body is NULL.
 *
 * Position: a counter is the number in version; fine and coarse are version
 * read as a time, or source_time where there is no version.
 */
#ifndef SC_CORE_SHAPE_H
#define SC_CORE_SHAPE_H

#include "core/model.h"

typedef struct ScShape
{
	const ScEventShape *shape; /* NULL: no row reads this payload */
	const char *kind;		   /* create update delete comment comment_delete snapshot ignore */
	char *record_type;
	char *external_id;
	char *external_key;
	char *url;
	char *event_id;	   /* from the payload or a header; NULL = none */
	char *marker;	   /* of the record */
	char *call_marker; /* of one write */
	bool has_time;
	bool bad_time;			 /* it gives a time that is none: problem says so */
	TimestampTz source_time; /* as the source says, not corrected */
	char *version;
	char *actor;
	char *actor_name;
	char *correlation_id;
	char *batch_id;
	Jsonb *record; /* the part that field_map paths start from; NULL = none */
	int ncomments;
	ScCommentIn *comments;
	char *
		problem; /* what is missing or malformed (a sentence for quarantine), or NULL; path of it beside */
	char *problem_path;
	char *problem_hint;
} ScShape;

/* headers: object of lower-case names, or NULL.  Never throws on bad data. */
extern ScShape sc_shape_read(const ScSystem *system, Jsonb *payload, Jsonb *headers);

/* Is it a kind of event that can be decided?  ("ignore" is none.) */
extern bool sc_shape_is_kind(const char *kind);

/* The position a version or time stands for, by the connector's grade. */
extern ScPosition sc_shape_position(ScGrade grade, const char *version, bool has_time,
									TimestampTz source_time);

/*
 * What may be kept of a payload (keep_payload, sensitive): a copy without what
 * must not be stored.  'mapped' keeps what the shape, the maps of the record
 * type and their conditions read; 'none' only what the shape needs to find the
 * record.  A field that is sensitive in any way is taken out of all three (its
 * value lives in the entity, guarded there), so a payload that was kept is not
 * the payload that came: sc_map_read never takes the absence of a sensitive
 * field for emptiness, and under 'none' a statement cannot be read again.  A
 * payload that no row reads is kept (without what is sensitive) so that a person
 * can mend the rows; under 'none' nothing of it is.
 */
extern Jsonb *sc_shape_kept(const ScSystem *system, const ScShape *shape, Jsonb *payload);

/* SHA-256 of the payload's canonical text as 'sha256:<hex>': the id of an event whose sender gives none. */
extern char *sc_shape_digest(Jsonb *payload);

/* The comments that the comment keys of paths read from a document; ids_only: those of a comment_delete. */
extern char *sc_shape_comment_body(Jsonb *paths, Jsonb *comment); /* NULL = it has none */
extern int sc_shape_comments(Jsonb *paths, Jsonb *document, bool ids_only, ScCommentIn **result);

#endif
