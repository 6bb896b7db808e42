/*
 * map.h
 *	  Between a record as a product spells it and canonical fields: types,
 *	  value maps, null policy; both ways.  No decision is taken here.
 *
 * An external value is what stands on the wire at the map's path, unchanged
 * when read and ready to be put at write_path when made.  So two of them are
 * never compared by their JSON but by sc_map_same_external.
 *
 * Nothing: null, "" and (for a set) [] are all "no value"; so is a path that
 * ends early in a null ({"assignee": null} for /assignee/accountId).  An
 * absent member is "not said"; in a full_record it is empty, but for a row of
 * the contract: that one is always there, so a product that no longer shows it
 * has changed, which empties nothing elsewhere (SE-04).
 *
 * Canonical spellings: text without CR; number as JSON number, exact; boolean;
 * timestamp as ISO 8601 in UTC with as many digits as it has, up to
 * microseconds; rank and state one of the declared names; person and group by
 * identity_map.person; set a sorted array of distinct strings; url http(s)
 * only; rich text as plain text with Markdown marks; reference, without a value map,
 * the number of the entity that the record named belongs to, or system:key of one that nobody has heard of yet.
 *
 * Keys of field_map.format (all optional):
 *	  time		iso8601 (default, reads any spelling that sc_map_parse_time knows), servicenow
 *				"YYYY-MM-DD HH:MM:SS", jira (ISO with ms and +0000), date, epoch_s, epoch_ms; "@Zone" behind
 *				servicenow, iso8601 or date ("servicenow@Europe/Berlin") is the zone of times that
 *				name none, both ways; without it UTC.  A local time that happens twice is its second
 *				occurrence (standard time); one that a clock change leaves out is read with the
 *				offset in force before the change.
 *	  list		separator of a set that is spelt as one string; absent = an array
 *	  member	pointer inside a value or element that comes as an object; when written, each element
 *				of a set is made such an object.  Without it an object's member "value" is taken
 *				(ServiceNow references: {"link": …, "value": …}, or the bare value).
 *	  rich_text	plain (default), markdown, adf, html, wiki (markup of Jira's server edition)
 *	  reference	key: another record is named by the key that people read, not by its id
 *	  follow	the value is the id of an object of that kind (what the connector's operation fetch reads:
 *				a caller, not a record that is kept in step); take is a pointer into that object, and
 *				what stands there is the external value from here on.  ttl_s: how long an object that was
 *				fetched is good for, in seconds (default a day).  Read only; see map_follow.c
 *	  scale		a number is counted there in units of 10^-scale: 2 = cents, 12.30 is 1230
 *	  phone		"+49": a telephone number, made international; the code is that of numbers with a leading 0
 *	  null		how "no value" is written: text, e.g. "" for ServiceNow; absent = JSON null
 *
 * Order inbound: value → transform_in → null policy → value map or identity →
 * type.  Outbound: null policy → type → value map or identity → spelling →
 * transform_out.  fallback is canonical; outbound it is mapped like any other
 * canonical value, or written as it is when no row maps it.  Rows of one field
 * are tried in order: the first whose condition holds and that speaks of the
 * field counts, the others are SKIPPED.
 */
#ifndef SC_CORE_MAP_H
#define SC_CORE_MAP_H

#include "core/conf.h"

#define SC_FOLLOW_TTL_S 86400
#define SC_FOLLOW_ID_MAX 200 /* bytes */

typedef enum ScMapOutcome
{
	SC_MAP_OK,		/* external and canonical are set */
	SC_MAP_ABSENT,	/* the record does not speak of this field */
	SC_MAP_SKIPPED, /* on_unmapped skip, on_null keep, or a condition that does not hold */
	SC_MAP_NEAREST, /* OK, but the external value says more than the canonical one keeps */
	SC_MAP_FAILED	/* quarantine: code, path, message, hint are set */
} ScMapOutcome;

typedef struct ScMapped /* one field of a record */
{
	const ScFieldMap *map;
	ScMapOutcome outcome;
	ScValue external;
	ScValue
		canonical; /* {"value": …, "qualifier": …} never: the qualifier is its own member below */
	char *qualifier; /* from the value map; may be NULL */
	int sqlstate;	 /* of a failure; ERRCODE_… */
	char *message;
	char *hint;
	char *follows; /* id of the object that the value names (format.follow); NULL = it names none */
	bool
		wants; /* of that object: it is not here, and has to be fetched; the field is SKIPPED until then */
	bool unmapped; /* a word that no row knows; message and hint say which, whatever became of it */
} ScMapped;

typedef struct ScTransform /* a user's function, and what it is called with */
{
	const char *function;
	const char *run_as; /* the role that wrote the row */
	Jsonb *value;		/* NULL = SQL null */
	Jsonb *record;		/* for functions of two arguments: read from, or the entity; may be NULL */
} ScTransform;

typedef enum ScFollowed /* an object that a record names, and what is here of it */
{
	SC_FOLLOWED_UNKNOWN, /* nothing, or nothing that is new enough */
	SC_FOLLOWED_MISSING, /* it is not there, as was found lately */
	SC_FOLLOWED
} ScFollowed;

typedef struct ScMapHooks /* what pure code may not do itself; NULL members = not available */
{
	void *arg;
	/* Runs a transform as its run_as, bounded; false on error with *error set.  NULL result = JSON null. */
	bool (*transform)(void *arg, const ScTransform *transform, Jsonb **result, char **error);
	/* Of another record: key there to canonical, and back; NULL = it is not known (there) yet. */
	char *(*reference_up)(const ScSystem *system, const char *key);
	char *(*reference_down)(const ScConf *conf, const ScSystem *system, const char *canonical,
							bool by_key);
	/* The object of kind map->follow with that id, as it was fetched last. */
	ScFollowed (*follow)(const ScSystem *system, const ScFieldMap *map, const char *id,
						 Jsonb **object);
} ScMapHooks;

typedef struct ScMapCxt /* whose values are mapped */
{
	const ScConf *conf;
	const ScSystem *system;
	const ScMapHooks *hooks; /* NULL = no transforms here */
	Jsonb *entity;			 /* canonical data, second argument of a transform_out; may be NULL */
} ScMapCxt;

/*
 * Every readable field of the record map: one ScMapped a row, in the order of
 * the map.  full_record says that an absent member means empty, but for rows of the contract.  Never throws
 * on bad data.
 */
extern int sc_map_read(const ScMapCxt *cxt, const ScRecordMap *map, Jsonb *record, bool full_record,
					   ScMapped **result);

/* One value outbound, in the external form of one map; outcome as above. */
extern ScMapped sc_map_down(const ScMapCxt *cxt, const ScFieldMap *map, const ScValue *canonical,
							const char *qualifier);

/* One value inbound. */
extern ScMapped sc_map_up(const ScMapCxt *cxt, const ScFieldMap *map, const ScValue *external,
						  Jsonb *record);

/* Do two external values of this map stand for the same (time zones, list order, numbers as text)? */
extern bool sc_map_same_external(const ScFieldMap *map, const ScValue *a, const ScValue *b);

/* Source times: ISO 8601, "YYYY-MM-DD HH:MM:SS" as UTC, epoch seconds or milliseconds.  False when it is none, or beyond year 9999. */
extern bool sc_map_parse_time(const char *text, const char *format, TimestampTz *result);
extern char *sc_map_format_time(TimestampTz at, const char *format);

#endif
