/*
 * conf.h
 *	  Configuration as the pure code sees it: compiled once per change by
 *	  store/config.c, read-only afterwards.
 *
 * Everything lives in one memory context that is dropped whole.  Names are
 * compared by strcmp; ids are those of the tables.
 */
#ifndef SC_CORE_CONF_H
#define SC_CORE_CONF_H

#include "core/shadow.h"
#include "core/pointer.h"
#include "utils/jsonpath.h"

typedef enum ScMode
{
	SC_MODE_DRAFT,
	SC_MODE_SHADOW,
	SC_MODE_ACTIVE,
	SC_MODE_PAUSED
} ScMode;
typedef enum ScDirection
{
	SC_DIRECTION_BOTH,
	SC_DIRECTION_IN,
	SC_DIRECTION_OUT,
	SC_DIRECTION_NONE
} ScDirection;
typedef enum ScFieldKind
{
	SC_KIND_TEXT,
	SC_KIND_RICH_TEXT,
	SC_KIND_NUMBER,
	SC_KIND_BOOLEAN,
	SC_KIND_TIMESTAMP,
	SC_KIND_RANK,
	SC_KIND_STATE,
	SC_KIND_PERSON,
	SC_KIND_GROUP,
	SC_KIND_SET,
	SC_KIND_REFERENCE,
	SC_KIND_URL,
	SC_KIND_JSON
} ScFieldKind;
typedef enum ScUnmapped
{
	SC_UNMAPPED_HALT,
	SC_UNMAPPED_SKIP,
	SC_UNMAPPED_FALLBACK
} ScUnmapped;
typedef enum ScOnNull
{
	SC_NULL_CLEAR,
	SC_NULL_KEEP,
	SC_NULL_FALLBACK,
	SC_NULL_REJECT
} ScOnNull;
typedef enum ScVisibility
{
	SC_VISIBILITY_PUBLIC,
	SC_VISIBILITY_INTERNAL,
	SC_VISIBILITY_PRIVATE
} ScVisibility;
typedef enum ScForeignWrite
{
	SC_FOREIGN_ACCEPT,
	SC_FOREIGN_REFUSE,
	SC_FOREIGN_REVERT
} ScForeignWrite;
typedef enum ScSensitive
{
	SC_SENSITIVE_NO,
	SC_SENSITIVE_MASKED,
	SC_SENSITIVE_HASHED,
	SC_SENSITIVE_EXCLUDED
} ScSensitive;
typedef enum ScRuleName
{
	SC_RULE_ESCALATION_WINS,
	SC_RULE_HUMAN_WINS,
	SC_RULE_SYSTEM_OF_RECORD,
	SC_RULE_VERSION_WINS,
	SC_RULE_LAST_UPDATE_WINS,
	SC_RULE_UNION,
	SC_RULE_APPEND,
	SC_RULE_MANUAL,
	SC_RULE_CALL
} ScRuleName;

typedef struct ScSpace
{
	int32 id;
	char *name;
	bool paused;
} ScSpace;

typedef struct ScField /* a canonical field */
{
	char *name;
	ScFieldKind kind;
	bool required;
	ScSensitive sensitive;
	int nallowed;
	char **allowed; /* in rank order, highest first; NULL = anything */
} ScField;

typedef struct ScState
{
	char *name;
	int category; /* 0 open, 1 waiting, 2 done */
} ScState;

typedef struct ScEntityType
{
	int32 id;
	char *name;
	char *on_delete; /* unlink close delete recreate review */
	char *on_reopen; /* link_new reopen review */
	int64 reopen_limit_us;
	char *on_illegal; /* refuse accept walk */
	int loop_limit;
	int64 loop_window_us;
	int64 loop_within_us; /* so soon after our write, what a machine says is an answer to it */
	int nfields;
	ScField *fields; /* sorted by name */
	int nstates;
	ScState *states; /* by position */
	int ntransitions;
	char **transitions; /* pairs from, to */
} ScEntityType;

typedef struct ScRule /* one step of a policy list */
{
	ScRuleName name;
	int32 system_id; /* system_of_record; 0 = the field's owner */
	char *function;	 /* call */
	char *run_as;
	char *review_from; /* manual: severity from which it holds; NULL = always */
	JsonPath *condition;
} ScRule;

typedef struct ScPolicy /* the list in force for (space, entity type, field) */
{
	int len;
	ScRule *rules;
} ScPolicy;

typedef struct ScOwnership
{
	int32 owner_id; /* system; 0 = shared */
	ScForeignWrite on_foreign_write;
} ScOwnership;

typedef struct ScValuePair
{
	char *external;
	char *canonical; /* NULL = explicitly nothing */
	char *qualifier;
	ScDirection direction;
} ScValuePair;

typedef struct ScValueMap
{
	char *name;
	int len;
	ScValuePair *in; /* usable inbound, sorted by external; 'in' rows before 'both' */
	int nout;
	ScValuePair *out; /* usable outbound, sorted by canonical, qualifier */
} ScValueMap;

typedef struct ScFieldMap
{
	const ScField *field;
	ScPointer *path;	   /* inside the record; compiled */
	ScPointer *write_path; /* inside the write document */
	char *path_text;
	char *write_path_text;
	ScDirection direction;
	const ScValueMap *values; /* NULL = none */
	ScUnmapped on_unmapped;
	ScOnNull on_null;
	char *fallback;
	char *transform_in; /* schema.name, or NULL */
	char *transform_out;
	char *run_as;
	JsonPath *condition;
	bool contract;
	bool as_note;
	ScVisibility note_visibility;
	bool approval;
	char
		*time_format; /* from format.time: iso8601, servicenow, epoch_s, epoch_ms; NULL = iso8601 */
	char *list_separator; /* from format.list: a set is spelt as one string; NULL = an array */
	char *
		list_member; /* from format.member: pointer inside each element of an array; NULL = the element */
	char *rich_text; /* from format.rich_text: plain, adf, html, wiki, markdown; NULL = plain */
	int scale;		 /* from format.scale: there it is counted in 10^-scale; 0 = as here */
	char *country;	 /* from format.phone: calling code of numbers without one; NULL = no phone */
	bool reference_key; /* format.reference is key: another record is named by its human key */
	char *follow;	 /* from format.follow: the value names an object of that kind; NULL = none */
	ScPointer *take; /* from format.take: what is read of that object */
	int64 follow_ttl_us; /* from format.ttl_s: how long what was fetched of it is good for */
	char *null_text;	 /* from format.null: how "no value" is written; NULL = JSON null */
	char *
		identity_space; /* from format.identity: how a person is spelt on write, as URI-template-free JSON: pointer; NULL = bare id */
} ScFieldMap;

typedef struct ScCommentMap
{
	char *channel;
	ScVisibility visibility;
	ScDirection direction;
	bool author_line;
	bool edits; /* edits and deletes are taken from there, and passed on to there */
} ScCommentMap;

typedef struct ScRecordMap /* (system, record type) -> entity type */
{
	char *record_type;
	const ScEntityType *type;
	JsonPath *condition;
	Jsonb *create_with;
	int nfields;
	ScFieldMap *fields; /* by field name, then path */
	int ncomments;
	ScCommentMap *comments;
	int nlevels;   /* objects inside a record whose members are surveyed: store/survey.c */
	char **levels; /* pointers to them */
} ScRecordMap;

typedef struct ScRoute
{
	const ScEntityType *type;
	char *record_type; /* NULL = the system's first record map of that type */
	JsonPath *condition;
	bool may_create;
	Jsonb *create_with;
	int nfrom;
	int32 *from_systems; /* NULL = any */
	char *on_leave;
	int64 settle_us;
} ScRoute;

typedef struct ScOperation
{
	char *record_type; /* '*' = of the product */
	char *operation;
	int position;
	char *method;
	char *url;
	Jsonb *headers;
	Jsonb *body;	 /* NULL = none */
	char *body_kind; /* json form none */
	int nwrites;
	char **writes; /* pointers; NULL = the rest */
	int nsuccess;
	int *success;
	Jsonb *response;
	Jsonb *options;
} ScOperation;

typedef struct ScEventShape /* connector_event */
{
	int position;
	char *name;
	JsonPath *condition;
	char *record_type;
	char *kind;
	Jsonb *paths;
	bool full_record;
} ScEventShape;

typedef struct ScConnector
{
	char *name;
	ScGrade grade;
	Jsonb *abilities;
	bool marker;			/* ability: a create can carry our marker and it can be found again */
	bool marker_in_webhook; /* ability: webhooks show it */
	int64 index_lag_us;
	int64 late_landing_us;
	Jsonb *webhook;
	Jsonb *error_paths;
	Jsonb *rate_headers;
	int noperations;
	ScOperation *operations;
	int nevents;
	ScEventShape *events;
} ScConnector;

typedef struct ScActorPattern
{
	char *pattern; /* exact, or like */
	ScActorKind kind;
} ScActorPattern;

typedef struct ScSystem
{
	int32 id;
	char *name;
	const ScSpace *space;
	const ScConnector *connector;
	char *base_url;
	ScMode mode;
	Jsonb *settings;
	int32 rank;
	char *connection;
	JsonPath *accepts;
	char *keep_payload; /* mapped all none */
	bool allow_http;
	bool allow_private;
	char *ca_file;
	char *integration_actor;
	int64 clock_offset_us;	  /* its clock minus ours */
	TimestampTz create_after; /* DT_NOBEGIN = none */
	double max_rate;		  /* 0 = none */
	int max_in_flight;		  /* 0 = default */
	int nmaps;
	ScRecordMap *maps; /* by record type, position */
	int nroutes;
	ScRoute *routes; /* by position */
	int nactors;
	ScActorPattern *actors;	   /* by position */
	List *references;		   /* char *: what match rules read of its records */
	MemoryContext cxt;		   /* in which kept may grow; NULL = nothing is remembered */
	struct ScKeptPlaces *kept; /* shape_keep.c: what was worked out of the rows above */
} ScSystem;

typedef enum ScMatchKind
{
	SC_MATCH_EXACT,
	SC_MATCH_FUZZY,
	SC_MATCH_REFERENCE
} ScMatchKind;

/* What is ignored in comparing a field. */
#define SC_NORMALISE_LOWER 0x01		  /* case */
#define SC_NORMALISE_TRIM 0x02		  /* white space around it */
#define SC_NORMALISE_SPACES 0x04	  /* how much white space stands between words */
#define SC_NORMALISE_PUNCTUATION 0x08 /* ASCII punctuation */
#define SC_NORMALISE_ALNUM 0x10		  /* all of ASCII but letters and digits */

typedef struct ScMatchRule /* how a record that nobody knows finds its entity */
{
	int32 id;
	int32 space_id; /* 0 = every space */
	const ScEntityType *type;
	ScMatchKind kind;
	int nfields;
	char **fields;
	uint8 *normalise; /* beside fields: SC_NORMALISE_… */
	float threshold;  /* fuzzy: least similarity */
	int64 window_us;  /* only entities made so near to each other; 0 = however long ago */
	bool review;	  /* on_match review: a person decides */
	int32 system_id;  /* reference: whose records name the other's key */
	ScPointer *path;  /* reference: where */
	int32 refers_to;  /* reference: whose key it is */
} ScMatchRule;

typedef struct ScConf
{
	int nspaces;
	ScSpace *spaces;
	int ntypes;
	ScEntityType *types;
	int nsystems;
	ScSystem *systems; /* sorted by id */
	int nconnectors;
	ScConnector *connectors;
	int nvaluemaps;
	ScValueMap *valuemaps;
	int nmatches;
	ScMatchRule *matches;				/* by position */
	struct ScConfPrivate *private_data; /* look-up tables of conf.c and store/config.c */
} ScConf;

extern const ScSystem *sc_conf_system(const ScConf *conf, int32 id);
extern const ScSystem *sc_conf_system_by_name(const ScConf *conf, const char *name);
extern const ScEntityType *sc_conf_type(const ScConf *conf, int32 id);
extern const ScField *sc_conf_field(const ScEntityType *type, const char *name);

/* First record map of the record type whose condition holds over record (NULL record: the first). */
extern const ScRecordMap *sc_conf_record_map(const ScSystem *system, const char *record_type,
											 Jsonb *record);
extern const ScRecordMap *sc_conf_record_map_of(const ScSystem *system, const char *record_type,
												const ScEntityType *type);

/* The map that reads a field, and whether any map writes it. */
extern const ScFieldMap *sc_conf_reader(const ScRecordMap *map, const char *field);
extern bool sc_conf_is_written(const ScRecordMap *map, const char *field);

/* The most specific list, whole: (space, field), (space, type), (any, field), (any, type); never NULL. */
extern const ScPolicy *sc_conf_policy(const ScConf *conf, const ScSpace *space,
									  const ScEntityType *type, const char *field);
extern ScOwnership sc_conf_ownership(const ScConf *conf, const ScSpace *space,
									 const ScEntityType *type, const char *field);
extern const char *sc_conf_person(const ScConf *conf, int32 system_id,
								  const char *external_id); /* NULL = unknown */
extern const char *sc_conf_identity(const ScConf *conf, int32 system_id,
									const char *person); /* NULL = unknown */
extern const ScOperation *sc_conf_operation(const ScConnector *connector, const char *record_type,
											const char *operation, int position);
extern ScActorKind sc_conf_actor_kind(
	const ScSystem *system,
	const char *
		actor); /* by actor rows, integration_actor, else unknown -> human where the product names a person */

/* jsonpath predicate over a document; absent path or NULL condition = true.  Errors inside count as false. */
extern bool sc_conf_holds(JsonPath *condition, Jsonb *document);

#endif
