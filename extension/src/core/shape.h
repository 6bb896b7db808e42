/*
 * shape.h
 *	  What a payload is about, read by the connector's rows (connector_event):
 *	  which record, what happened, when, by whom.  Used before an event row is
 *	  stored (columns that are null are filled) and when it is decided.
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
	Jsonb *record;				/* the part that field_map paths start from; NULL = none */
	int ncomments;
	ScCommentIn *comments;
	char *problem;				/* what is missing or malformed, or NULL; path of it beside */
	char *problem_path;
} ScShape;

/* headers: object of lower-case names, or NULL.  Never throws on bad data. */
extern ScShape sc_shape_read(const ScSystem *system, Jsonb *payload, Jsonb *headers);

/* The position a version or time stands for, by the connector's grade. */
extern ScPosition sc_shape_position(ScGrade grade, const char *version, bool has_time, TimestampTz source_time);

/*
 * What may be kept of a payload (keep_payload, sensitive): a copy without what
 * must not be stored.  'mapped' keeps the pointers the shape and the maps
 * read; 'none' keeps what the shape needs to find the record.
 */
extern Jsonb *sc_shape_kept(const ScSystem *system, const ScShape *shape, Jsonb *payload);

/* SHA-256 of the payload's canonical text and position as 'sha256:<hex>': the id of an event whose sender gives none. */
extern char *sc_shape_digest(Jsonb *payload);

#endif
