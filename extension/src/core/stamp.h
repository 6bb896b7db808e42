/*
 * stamp.h
 *	  What is known about one canonical field: the versions that stand, and the
 *	  clock of all that ever stood.
 *
 * The SQL type syncore.stamps holds one stamp per field of an entity.  The
 * winner's value is the canonical one and is kept in entity.data or
 * entity.long, not here; siblings carry their values with them, and so does the
 * winner where the canonical value is made of several versions.
 */
#ifndef SC_CORE_STAMP_H
#define SC_CORE_STAMP_H

#include "core/value.h"
#include "core/vclock.h"
#include "datatype/timestamp.h"

#define SC_STAMP_FIELDS_MAX 10000
#define SC_STAMP_VERSIONS_MAX 10000
#define SC_STAMP_MEMBERS_MAX 1000000

typedef enum ScActorKind /* order of authority: human_wins compares these */
{
	SC_ACTOR_UNKNOWN,
	SC_ACTOR_INTEGRATION,
	SC_ACTOR_AUTOMATION,
	SC_ACTOR_HUMAN
} ScActorKind;

typedef struct ScVersion
{
	ScValue value; /* canonical */
	ScDot dot;
	ScClock context; /* what its writer had seen; frozen */
	ScActorKind actor_kind;
	char *actor;		  /* as the system names it; may be NULL */
	int32 system_id;	  /* 0 = the hub */
	int32 rank;			  /* of the system; lower wins the last tie */
	TimestampTz at;		  /* source time corrected by the clock offset; frozen */
	int64 source_version; /* record version at the source, for version_wins; -1 = none */
	int64 event;		  /* 0 = none (resolve, response of our own call) */
	ScValue replaced;	  /* canonical value its writer saw it replace; for escalation_wins */
} ScVersion;

/*
 * What somebody put into a field that union or append puts together: a member of
 * a set, by its canonical text, or what he added to the end of a text.
 */
typedef struct ScMember
{
	char *text;
	ScDot by; /* the version that put it in */
	ScDot
		gone; /* the version that took it away, having seen it; n 0: none.  A row for each that did */
	TimestampTz at; /* of a text: when, but later than all that its writer had read */
	bool whole;		/* of a text: it is one of its own, and not the end of another */
} ScMember;

typedef struct ScStamp
{
	char *field;
	int nversions;
	ScVersion *versions; /* winner first; the rest are siblings in order of dot */
	ScClock clock;		 /* every dot ever merged */
	bool held;			 /* manual hold: nothing of this field is pushed */
	bool together;		 /* the canonical value is what union or append makes of the versions */
	int nmembers;
	ScMember *members; /* of these rules, by text and dots; until every system has seen the clock */
	bool touched;	   /* not stored: something was decided about it since the last fan-out */
	bool was_touched;  /* not stored: the same, since it was loaded */
} ScStamp;

typedef struct ScStamps
{
	int len;
	ScStamp *items; /* sorted by field name */
} ScStamps;

extern ScStamp *sc_stamp_find(ScStamps *stamps, const char *field); /* NULL = none */
extern ScStamp *sc_stamp_get(ScStamps *stamps, const char *field);	/* made when missing */

/* Does the canonical value say nothing that is new to a link that has seen so much?  All of its parts, if it is made of several. */
extern bool sc_stamp_is_known(const ScStamp *stamp, int64 link, const ScClock *seen);

/*
 * Stored form and back.  Unpacked winners have an unknown value: the caller
 * fills it in from the entity.  Unpack raises data_corrupted on a bad varlena.
 */
extern bytea *sc_stamps_pack(const ScStamps *stamps);
extern ScStamps sc_stamps_unpack(const bytea *packed);

#endif
