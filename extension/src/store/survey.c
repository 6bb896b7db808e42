/*
 * survey.c
 *	  What the records of a system look like; see survey.h.
 *
 * A look is a pair of a path and a type ("absent" for a contract field that a
 * whole record does not show).  What this process has seen stored is kept as
 * hashes, each for a minute: another process may have noted meanwhile that a
 * path is gone.  A pair counts as stored only once the transaction that stored
 * it has ended: _note_paths() says so.
 *
 * No value is looked at, only its type.  Paths are bounded in number and
 * length, so that a product that makes up names cannot fill the table.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/scalar.h"
#include "store/plan.h"
#include "store/survey.h"

#define KNOWN_US (60 * INT64CONST(1000000)) /* how long a look is good for */
#define KNOWN_MAX 20000						/* looks that are remembered */
#define KEY_LENGTH_MAX 200					/* bytes of a member's name */
#define PATH_LENGTH_MAX (SC_POINTER_LENGTH_MAX + 2 * KEY_LENGTH_MAX + 2)

typedef enum Seen
{
	SEEN_NULL,
	SEEN_STRING,
	SEEN_NUMBER,
	SEEN_BOOLEAN,
	SEEN_OBJECT,
	SEEN_ARRAY,
	SEEN_ABSENT
} Seen;

typedef struct Look /* something that was not seen lately */
{
	int32 system_id;
	const char *record_type;
	char *path;
	Seen type;
} Look;

typedef struct Walk /* one record */
{
	ScBatch *batch;
	const ScStatement *statement;
} Walk;

typedef struct Known
{
	uint64 key;
	TimestampTz at;
} Known;

static const char *const type_names[] = { "null",	"string", "number", "boolean",
										  "object", "array",  "absent" };
static HTAB *known = NULL;

static void walk_members(const Walk *walk, JsonbContainer *object, const char *above);
static void walk_fields(const Walk *walk);
static bool is_missing(const ScStatement *statement, int at);
static void note(const Walk *walk, const char *path, Seen type);
static Seen type_of(const JsonbValue *value);
static char *add_member(char *to, const JsonbValue *key);
static bool store_group(List *looks, int first, int n);
static void remember(const Look *look, TimestampTz now);
static uint64 key_of(const Look *look, Seen type);
static bool is_known(const Look *look, TimestampTz now);
static int order_looks(const ListCell *a, const ListCell *b);

void
sc_survey_prepare(ScRecordMap *map)
{
	map->levels = palloc0(sizeof(char *) * Max(map->nfields, 1));
	map->nlevels = 0;
	for (int i = 0; i < map->nfields; i++)
		for (const char *end = strchr(map->fields[i].path_text + 1, '/');
			 map->fields[i].path_text[0] != '\0' && end != NULL; end = strchr(end + 1, '/'))
		{
			size_t len = end - map->fields[i].path_text + 1;
			size_t step = strcspn(end + 1, "/") + 1;
			bool shared = false;
			bool listed = false;

			for (int k = 0; k < map->nfields && !shared; k++)
				shared = strncmp(map->fields[k].path_text, map->fields[i].path_text, len) == 0 &&
						 strncmp(map->fields[k].path_text + len, end + 1, step) != 0;
			for (int k = 0; k < map->nlevels; k++)
				listed =
					listed || (strlen(map->levels[k]) == len - 1 &&
							   strncmp(map->levels[k], map->fields[i].path_text, len - 1) == 0);
			if (shared && !listed && map->nlevels < map->nfields)
				map->levels[map->nlevels++] = pnstrdup(map->fields[i].path_text, len - 1);
		}
}

void
sc_survey_look(ScBatch *batch, const ScStatement *statement, Jsonb *record)
{
	Walk walk = { .batch = batch, .statement = statement };

	if (statement->map == NULL || record == NULL || !JB_ROOT_IS_OBJECT(record))
		return;
	walk_members(&walk, &record->root, "");
	for (int i = 0; i < statement->map->nlevels; i++)
	{
		JsonbValue inner;

		if (sc_pointer_find(record, statement->map->levels[i], &inner) && inner.type == jbvBinary &&
			JsonContainerIsObject(inner.val.binary.data))
			walk_members(&walk, inner.val.binary.data, statement->map->levels[i]);
	}
	walk_fields(&walk);
}

static void
walk_members(const Walk *walk, JsonbContainer *object, const char *above)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue value;
	char path[PATH_LENGTH_MAX];
	size_t len = strlcpy(path, above, sizeof(path));
	int n = 0;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token != WJB_KEY || value.val.string.len > KEY_LENGTH_MAX ||
			++n > SC_SURVEY_MEMBERS_MAX)
			continue;
		(void) add_member(path + len, &value);
		if (JsonbIteratorNext(&iterator, &value, true) == WJB_VALUE)
			note(walk, path, type_of(&value));
	}
}

/* Mapped fields, wherever they stand; of a whole record also those that are missing. */
static void
walk_fields(const Walk *walk)
{
	const ScStatement *statement = walk->statement;

	for (int i = 0; i < statement->nfields; i++)
	{
		const ScMapped *said = &statement->fields[i];

		if (is_missing(statement, i))
			note(walk, said->map->path_text, SEEN_ABSENT);
		else if (said->external.state == SC_VALUE_JSON)
		{
			Jsonb *json = said->external.json;
			JsonbValue scalar = { .type = jbvBinary };

			scalar.val.binary.data = &json->root;
			if (JB_ROOT_IS_SCALAR(json))
				sc_scalar_read(json, &scalar);
			if (type_of(&scalar) != SEEN_NULL || said->map->contract)
				note(walk, said->map->path_text, type_of(&scalar));
		}
	}
}

/* A sensitive field is not kept with a payload: that it is missing says nothing. */
static bool
is_missing(const ScStatement *statement, int at)
{
	const ScMapped *said = &statement->fields[at];

	if (!statement->full_record || said->outcome != SC_MAP_ABSENT || !said->map->contract ||
		said->map->field->sensitive != SC_SENSITIVE_NO)
		return false;
	for (int i = 0; i < statement->nfields; i++)
		if (statement->fields[i].map->field == said->map->field &&
			statement->fields[i].outcome != SC_MAP_ABSENT &&
			statement->fields[i].outcome != SC_MAP_SKIPPED)
			return false;
	return true;
}

static void
note(const Walk *walk, const char *path, Seen type)
{
	Look look = { .system_id = walk->statement->system->id,
				  .record_type = walk->statement->map->record_type,
				  .path = unconstify(char *, path),
				  .type = type };

	if (is_known(&look, walk->batch->now))
		return;
	Look *copy = palloc(sizeof(Look));

	*copy = look;
	copy->path = pstrdup(path);
	walk->batch->looks = lappend(walk->batch->looks, copy);
}

/* An empty text says no more about the type than null does. */
static Seen
type_of(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			return value->val.string.len == 0 ? SEEN_NULL : SEEN_STRING;
		case jbvNumeric:
			return SEEN_NUMBER;
		case jbvBool:
			return SEEN_BOOLEAN;
		case jbvBinary:
			return JsonContainerIsObject(value->val.binary.data) ? SEEN_OBJECT : SEEN_ARRAY;
		default:
			return SEEN_NULL;
	}
}

/* A member's step of a pointer, escaped (RFC 6901); the caller has room for twice its length. */
static char *
add_member(char *to, const JsonbValue *key)
{
	*to++ = '/';
	for (int i = 0; i < key->val.string.len; i++)
	{
		char c = key->val.string.val[i];

		if (c == '~' || c == '/')
		{
			*to++ = '~';
			c = c == '~' ? '0' : '1';
		}
		*to++ = c;
	}
	*to = '\0';
	return to;
}

void
sc_survey_save(ScBatch *batch)
{
	int n;

	if (batch->looks == NIL)
		return;
	list_sort(batch->looks, order_looks);
	for (int first = 0; first < list_length(batch->looks); first += n)
	{
		const Look *look = list_nth(batch->looks, first);

		for (n = 1; first + n < list_length(batch->looks); n++)
		{
			const Look *next = list_nth(batch->looks, first + n);

			if (next->system_id != look->system_id ||
				strcmp(next->record_type, look->record_type) != 0)
				break;
		}
		bool stored = store_group(batch->looks, first, n);

		for (int i = first; i < first + n; i++)
			remember(list_nth(batch->looks, i), stored ? batch->now : DT_NOBEGIN);
	}
	batch->looks = NIL;
}

/* True when nothing had to be written: all of it was there. */
static bool
store_group(List *looks, int first, int n)
{
	static const Oid types[] = { INT4OID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID };
	const Look *look = list_nth(looks, first);
	Datum *paths = palloc(sizeof(Datum) * n);
	Datum *kinds = palloc(sizeof(Datum) * n);
	int count = 0;
	bool is_null;

	for (int i = first; i < first + n; i++)
	{
		const Look *one = list_nth(looks, i);

		if (i > first && order_looks(list_nth_cell(looks, i - 1), list_nth_cell(looks, i)) == 0)
			continue;
		paths[count] = CStringGetTextDatum(one->path);
		kinds[count++] = CStringGetTextDatum(type_names[one->type]);
	}
	Datum values[] = {
		Int32GetDatum(look->system_id), CStringGetTextDatum(look->record_type),
		PointerGetDatum(construct_array(paths, count, TEXTOID, -1, false, TYPALIGN_INT)),
		PointerGetDatum(construct_array(kinds, count, TEXTOID, -1, false, TYPALIGN_INT))
	};

	sc_plan_run(&(ScPlan){ "note_paths", "SELECT syncore._note_paths($1, $2, $3, $4)", 4, types },
				values, NULL);
	bool stored =
		DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));

	SPI_freetuptable(SPI_tuptable);
	return stored;
}

/* What is there ends that it was absent, and the other way round. */
static void
remember(const Look *look, TimestampTz now)
{
	bool found;

	if (known == NULL || hash_get_num_entries(known) > KNOWN_MAX)
	{
		HASHCTL control = { .keysize = sizeof(uint64),
							.entrysize = sizeof(Known),
							.hcxt = TopMemoryContext };

		sc_survey_forget();
		known =
			hash_create("syncore paths seen", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	for (int type = SEEN_NULL; type <= SEEN_ABSENT; type++)
	{
		uint64 key = key_of(look, (Seen) type);

		if ((type == SEEN_ABSENT) != (look->type == SEEN_ABSENT))
			hash_search(known, &key, HASH_REMOVE, NULL);
	}
	if (TIMESTAMP_IS_NOBEGIN(now))
		return;
	uint64 key = key_of(look, look->type);
	Known *entry = hash_search(known, &key, HASH_ENTER, &found);

	entry->at = now;
}

static uint64
key_of(const Look *look, Seen type)
{
	uint64 seed = hash_bytes_extended((const unsigned char *) look->record_type,
									  (int) strlen(look->record_type), (uint64) look->system_id);

	return hash_bytes_extended((const unsigned char *) look->path, (int) strlen(look->path),
							   hash_combine64(seed, (uint64) type));
}

static bool
is_known(const Look *look, TimestampTz now)
{
	uint64 key;
	const Known *entry;

	if (known == NULL)
		return false;
	key = key_of(look, look->type);
	entry = hash_search(known, &key, HASH_FIND, NULL);
	return entry != NULL && now < entry->at + KNOWN_US;
}

void
sc_survey_forget(void)
{
	HTAB *old = known;

	known = NULL;
	if (old != NULL)
		hash_destroy(old);
}

static int
order_looks(const ListCell *a, const ListCell *b)
{
	const Look *one = lfirst(a);
	const Look *two = lfirst(b);
	int order = one->system_id < two->system_id ? -1 : one->system_id > two->system_id;

	if (order == 0)
		order = strcmp(one->record_type, two->record_type);
	if (order == 0)
		order = strcmp(one->path, two->path);
	return order != 0 ? order : (int) one->type - (int) two->type;
}
