/*
 * match.c
 *	  Exact keys in match_key, made of canonical values; references from one
 *	  system's record to another's.
 *
 * A key is the normalised values of the rule's fields; a missing one makes no
 * key.  The primary key of match_key says whose it is: the first entity keeps it.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "store/load.h"
#include "store/match.h"
#include "store/plan.h"

#define KEY_MAX 1000

static void save_keys(const ScConf *conf, ScBatch *batch);
static void save_candidates(ScBatch *batch);
static bool is_touched(ScEntity *entity, const ScMatchRule *rule);
static char *entity_key(ScEntity *entity, const ScMatchRule *rule);
static char *record_key(const ScConf *conf, const ScSystem *system, const ScRecordMap *map,
						Jsonb *record, const ScMatchRule *rule);
static bool add_part(StringInfo key, const ScValue *value, const ScMatchRule *rule);
static bool applies(const ScMatchRule *rule, int32 space, const ScEntityType *type);
static int64 find_key(int32 space, const ScEntityType *type, const ScMatchRule *rule,
					  const char *key);
static int64 find_reference(const ScMatchRule *rule, const char *key);

bool
sc_match_has_rules(const ScConf *conf)
{
	for (int i = 0; i < conf->nmatches; i++)
		if (conf->matches[i].kind != SC_MATCH_FUZZY)
			return true;
	return false;
}

int64
sc_match_find(const ScConf *conf, const ScSystem *system, const ScRecordMap *map, Jsonb *record,
			  const ScMatchRule **rule)
{
	for (int i = 0; i < conf->nmatches; i++)
	{
		int64 entity = 0;

		*rule = &conf->matches[i];
		if (!applies(*rule, system->space->id, map->type))
			continue;
		if ((*rule)->kind == SC_MATCH_EXACT)
		{
			char *key = record_key(conf, system, map, record, *rule);

			entity = key == NULL ? 0 : find_key(system->space->id, map->type, *rule, key);
		}
		else if ((*rule)->kind == SC_MATCH_REFERENCE && (*rule)->system_id == system->id)
		{
			ScValue value = { .state = SC_VALUE_JSON,
							  .json = sc_pointer_get(record, (*rule)->path) };
			char *key = value.json == NULL ? NULL : sc_value_to_cstring(&value);

			entity = key == NULL || key[0] == '\0' ? 0 : find_reference(*rule, key);
		}
		if (entity != 0)
			return entity;
	}
	return 0;
}

void
sc_match_save(const ScConf *conf, ScBatch *batch)
{
	save_candidates(batch);
	save_keys(conf, batch);
}

static void
save_keys(const ScConf *conf, ScBatch *batch)
{
	static const ScColumn columns[] = { { "space_id", INT4OID },
										{ "entity_type_id", INT4OID },
										{ "rule", INT4OID },
										{ "key", TEXTOID },
										{ "entity", INT8OID } };
	ScRows *rows = sc_rows_begin("keyed", lengthof(columns), columns);
	ScRows *again = sc_rows_begin("keyed", lengthof(columns), columns);
	ListCell *cell;

	foreach (cell, batch->entities)
	{
		ScEntity *entity = lfirst(cell);

		for (int i = 0; i < conf->nmatches && (entity->fresh || entity->changed); i++)
		{
			const ScMatchRule *rule = &conf->matches[i];
			char *key = NULL;

			if (rule->kind == SC_MATCH_EXACT && applies(rule, entity->space->id, entity->type) &&
				is_touched(entity, rule))
				key = entity_key(entity, rule);
			if (key == NULL)
				continue;
			Datum values[] = { Int32GetDatum(entity->space->id), Int32GetDatum(entity->type->id),
							   Int32GetDatum(rule->id), CStringGetTextDatum(key),
							   Int64GetDatum(entity->id) };
			bool nulls[lengthof(columns)] = { false };

			sc_rows_put(rows, values, nulls);
			sc_rows_put(again, values, nulls);
		}
	}
	if (rows->count == 0)
		return;
	sc_rows_run(rows, "match_forget",
				"DELETE FROM syncore.match_key m USING keyed k WHERE m.entity = k.entity AND "
				"m.rule = k.rule AND m.key <> k.key");
	sc_rows_run(again, "match_save",
				"INSERT INTO syncore.match_key (space_id, entity_type_id, rule, key, entity) "
				"SELECT space_id, entity_type_id, rule, key, entity FROM keyed ORDER BY 1, 2, 3, "
				"4, 5 ON CONFLICT DO NOTHING");
}

void
sc_match_note_candidate(ScBatch *batch, ScEntity *entity, ScEntity *other, int rule,
						const char *reason)
{
	ScMatchOut *out = palloc0(sizeof(ScMatchOut));

	out->entity = entity;
	out->other = other;
	out->rule = rule;
	out->reason = pstrdup(reason);
	batch->matches = lappend(batch->matches, out);
}

static void
save_candidates(ScBatch *batch)
{
	static const Oid types[] = { INT4OID, INT8OID, INT8OID, INT4OID, TEXTOID };
	ListCell *cell;

	foreach (cell, batch->matches)
	{
		const ScMatchOut *out = lfirst(cell);
		Datum values[] = { Int32GetDatum(out->entity->space->id), Int64GetDatum(out->entity->id),
						   Int64GetDatum(out->other->id), Int32GetDatum(out->rule),
						   CStringGetTextDatum(out->reason) };

		sc_plan_run(
			&(ScPlan){ "match_candidate",
					   "INSERT INTO syncore.match_candidate (space_id, entity, other, rule, score, "
					   "reason) VALUES ($1, $2, $3, $4, 1, $5)",
					   5, types },
			values, NULL);
	}
}

/* Did this batch decide anything about the fields of the key? */
static bool
is_touched(ScEntity *entity, const ScMatchRule *rule)
{
	bool touched = entity->fresh;

	for (int i = 0; i < rule->nfields && !touched; i++)
	{
		const ScStamp *stamp = sc_stamp_find(&entity->stamps, rule->fields[i]);

		touched = stamp != NULL && (stamp->touched || stamp->was_touched);
	}
	return touched;
}

static char *
entity_key(ScEntity *entity, const ScMatchRule *rule)
{
	StringInfoData key;

	initStringInfo(&key);
	for (int i = 0; i < rule->nfields; i++)
	{
		ScFieldValue *value = sc_model_value(entity, rule->fields[i]);

		if (value == NULL || !add_part(&key, &value->value, rule))
			return NULL;
	}
	return key.len > 0 && key.len <= KEY_MAX ? key.data : NULL;
}

static char *
record_key(const ScConf *conf, const ScSystem *system, const ScRecordMap *map, Jsonb *record,
		   const ScMatchRule *rule)
{
	StringInfoData key;

	initStringInfo(&key);
	for (int i = 0; i < rule->nfields; i++)
	{
		const ScFieldMap *field = sc_conf_reader(map, rule->fields[i]);
		Jsonb *found = field == NULL || field->transform_in != NULL
						   ? NULL
						   : sc_pointer_get(record, field->path);

		if (found == NULL)
			return NULL;
		ScValue external = sc_value_json(found);
		ScMapped mapped = sc_map_up(&(ScMapCxt){ conf, system, NULL }, field, &external, record);

		if ((mapped.outcome != SC_MAP_OK && mapped.outcome != SC_MAP_NEAREST) ||
			!add_part(&key, &mapped.canonical, rule))
			return NULL;
	}
	return key.len > 0 && key.len <= KEY_MAX ? key.data : NULL;
}

/* Appends a normalised value; false when there is none. */
static bool
add_part(StringInfo key, const ScValue *value, const ScMatchRule *rule)
{
	char *text = sc_value_to_cstring(value);
	int before = key->len;

	if (text == NULL)
		return false;
	if (before > 0)
		appendStringInfoChar(key, '\x1f');
	before = key->len;
	for (char *c = text; *c != '\0'; c++)
	{
		bool ascii = (unsigned char) *c < 0x80;

		if (rule->trim && ascii && (c == text || c[1] == '\0') && isspace((unsigned char) *c))
			continue;
		if (rule->alnum && ascii && !isalnum((unsigned char) *c))
			continue;
		appendStringInfoChar(key,
							 rule->fold_case && ascii ? (char) pg_tolower((unsigned char) *c) : *c);
	}
	return key->len > before;
}

static bool
applies(const ScMatchRule *rule, int32 space, const ScEntityType *type)
{
	return rule->type == type && (rule->space_id == 0 || rule->space_id == space);
}

static int64
find_key(int32 space, const ScEntityType *type, const ScMatchRule *rule, const char *key)
{
	static const Oid types[] = { INT4OID, INT4OID, INT4OID, TEXTOID };
	Datum values[] = { Int32GetDatum(space), Int32GetDatum(type->id), Int32GetDatum(rule->id),
					   CStringGetTextDatum(key) };
	bool is_null;

	sc_plan_run(
		&(ScPlan){
			"match_key",
			"SELECT entity FROM syncore.match_key WHERE space_id = $1 AND entity_type_id = $2 "
			"AND rule = $3 AND key = $4",
			4, types },
		values, NULL);
	return SPI_processed == 0 ? 0
							  : DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
															SPI_tuptable->tupdesc, 1, &is_null));
}

/* A key that a person would write, or the record's id; only when it names one record. */
static int64
find_reference(const ScMatchRule *rule, const char *key)
{
	static const Oid types[] = { INT4OID, TEXTOID };
	Datum values[] = { Int32GetDatum(rule->refers_to), CStringGetTextDatum(key) };
	bool is_null;

	sc_plan_run(
		&(ScPlan){
			"match_reference",
			"SELECT min(entity), count(DISTINCT entity) FROM syncore.link WHERE system_id = $1 "
			"AND entity IS NOT NULL "
			"AND state <> 'tombstone' AND (external_key = $2 OR external_id = $2)",
			2, types },
		values, NULL);
	Datum count = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &is_null);

	if (DatumGetInt64(count) != 1)
		return 0;
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
}
