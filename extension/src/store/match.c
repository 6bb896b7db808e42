/*
 * match.c
 *	  Whose is a record that nobody knows?  Exact keys, likeness, and
 *	  references from one system's record to another's.
 *
 * A rule may find several entities: that is told, not decided.  match_key has
 * the key of every entity for every rule; that no two sessions make an entity
 * of one key at one time is seen to by the locks of engine/resolve.c.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "store/load.h"
#include "store/match.h"
#include "store/plan.h"

static void save_keys(const ScConf *conf, ScBatch *batch);
static void put_key(ScRows *rows, ScRows *again, ScEntity *entity, const ScMatchRule *rule);
static void save_candidates(ScBatch *batch);
static bool is_touched(ScEntity *entity, const ScMatchRule *rule);
static char *reference_of(const ScMatchAsk *ask, const ScMatchRule *rule);
static void find_key(const ScMatchAsk *ask, const char *key, ScMatchFound *found);
static void find_near(const ScMatchAsk *ask, const char *key, ScMatchFound *found);
static void find_reference(const ScMatchAsk *ask, const char *key, ScMatchFound *found);
static void take_found(ScMatchFound *found);
static TimestampTz window_end(const ScMatchAsk *ask, const ScMatchRule *rule, int sign);

bool
sc_match_has_rules(const ScConf *conf)
{
	return conf->nmatches > 0;
}

void
sc_match_prepare(const ScConf *conf, ScMatchAsk *ask)
{
	ask->keys = palloc0(sizeof(char *) * Max(conf->nmatches, 1));
	for (int i = 0; i < conf->nmatches; i++)
	{
		const ScMatchRule *rule = &conf->matches[i];

		if (sc_match_applies(rule, ask->system->space->id, ask->map->type))
			ask->keys[i] = rule->kind == SC_MATCH_REFERENCE ? reference_of(ask, rule)
															: sc_match_record_key(conf, ask, rule);
	}
}

bool
sc_match_find(const ScConf *conf, const ScMatchAsk *ask, ScMatchFound *found)
{
	for (int i = 0; i < conf->nmatches; i++)
	{
		const ScMatchRule *rule = &conf->matches[i];

		found->rule = rule;
		found->n = 0;
		if (ask->keys[i] == NULL)
			continue;
		if (rule->kind == SC_MATCH_EXACT)
			find_key(ask, ask->keys[i], found);
		else if (rule->kind == SC_MATCH_FUZZY)
			find_near(ask, ask->keys[i], found);
		else
			find_reference(ask, ask->keys[i], found);
		if (found->n > 0)
			return true;
	}
	return false;
}

bool
sc_match_may_meet(const ScConf *conf, const ScMatchAsk *earlier, const ScMatchAsk *later)
{
	for (int i = 0; i < conf->nmatches; i++)
	{
		const ScMatchRule *rule = &conf->matches[i];
		const char *key = later->keys[i];

		if (key == NULL)
			continue;
		if (rule->kind != SC_MATCH_REFERENCE)
		{
			if (earlier->keys[i] != NULL &&
				(rule->kind == SC_MATCH_FUZZY || strcmp(key, earlier->keys[i]) == 0))
				return true;
		}
		else if (earlier->system->id == rule->refers_to &&
				 ((earlier->external_id != NULL && strcmp(key, earlier->external_id) == 0) ||
				  (earlier->external_key != NULL && strcmp(key, earlier->external_key) == 0)))
			return true;
	}
	return false;
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
	static const ScColumn columns[] = { { "space_id", INT4OID }, { "entity_type_id", INT4OID },
										{ "rule", INT4OID },	 { "key", TEXTOID },
										{ "entity", INT8OID },	 { "near_at", TIMESTAMPTZOID } };
	ScRows *rows = sc_rows_begin("keyed", lengthof(columns), columns);
	ScRows *again = sc_rows_begin("keyed", lengthof(columns), columns);
	ListCell *cell;

	foreach (cell, batch->entities)
	{
		ScEntity *entity = lfirst(cell);

		for (int i = 0; i < conf->nmatches && (entity->fresh || entity->changed); i++)
		{
			const ScMatchRule *rule = &conf->matches[i];

			if (rule->kind != SC_MATCH_REFERENCE && entity->merged_into == 0 &&
				sc_match_applies(rule, entity->space->id, entity->type) && is_touched(entity, rule))
				put_key(rows, again, entity, rule);
		}
	}
	if (rows->count == 0)
		return;
	sc_rows_run(rows, "match_forget",
				"DELETE FROM syncore.match_key m USING keyed k WHERE m.entity = k.entity AND "
				"m.rule = k.rule AND m.key IS DISTINCT FROM k.key");
	sc_rows_run(again, "match_save",
				"INSERT INTO syncore.match_key (space_id, entity_type_id, rule, key, entity, "
				"near_at) SELECT space_id, entity_type_id, rule, key, entity, near_at FROM keyed "
				"ORDER BY 1, 2, 3, 4, 5 ON CONFLICT DO NOTHING");
}

/* rows: what stands no more goes; again: what stands. */
static void
put_key(ScRows *rows, ScRows *again, ScEntity *entity, const ScMatchRule *rule)
{
	char *key = sc_match_entity_key(entity, rule);
	bool nulls[6] = { false };
	Datum values[] = { Int32GetDatum(entity->space->id), Int32GetDatum(entity->type->id),
					   Int32GetDatum(rule->id),			 0,
					   Int64GetDatum(entity->id),		 TimestampTzGetDatum(entity->created_at) };

	nulls[3] = key == NULL;
	nulls[5] = rule->kind != SC_MATCH_FUZZY;
	if (key != NULL)
		values[3] = CStringGetTextDatum(key);
	sc_rows_put(rows, values, nulls);
	if (key != NULL)
		sc_rows_put(again, values, nulls);
}

void
sc_match_note_candidate(ScBatch *batch, ScEntity *entity, const ScMatch *other, int rule,
						const char *reason)
{
	ScMatchOut *out = palloc0(sizeof(ScMatchOut));

	out->entity = entity;
	out->other = other->entity;
	out->score = other->score;
	out->rule = rule;
	out->reason = pstrdup(reason);
	batch->matches = lappend(batch->matches, out);
}

static void
save_candidates(ScBatch *batch)
{
	static const Oid types[] = { INT4OID, INT8OID, INT8OID, INT4OID, FLOAT4OID, TEXTOID };
	ListCell *cell;

	foreach (cell, batch->matches)
	{
		const ScMatchOut *out = lfirst(cell);
		Datum values[] = { Int32GetDatum(out->entity->space->id),
						   Int64GetDatum(out->entity->id),
						   Int64GetDatum(out->other),
						   Int32GetDatum(out->rule),
						   Float4GetDatum(out->score),
						   CStringGetTextDatum(out->reason) };

		sc_plan_run(
			&(ScPlan){ "match_candidate",
					   "INSERT INTO syncore.match_candidate (space_id, entity, other, rule, score, "
					   "reason) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
					   6, types },
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

/* The key of another system's record that stands in this one; NULL = none. */
static char *
reference_of(const ScMatchAsk *ask, const ScMatchRule *rule)
{
	ScValue value = { .state = SC_VALUE_JSON };
	char *key;

	if (rule->system_id != ask->system->id)
		return NULL;
	value.json = sc_pointer_get(ask->record, rule->path);
	key = value.json == NULL ? NULL : sc_value_to_cstring(&value);
	return key == NULL || key[0] == '\0' ? NULL : key;
}

static void
find_key(const ScMatchAsk *ask, const char *key, ScMatchFound *found)
{
	static const Oid types[] = {
		INT4OID, INT4OID, INT4OID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID
	};
	Datum values[] = { Int32GetDatum(ask->system->space->id),
					   Int32GetDatum(ask->map->type->id),
					   Int32GetDatum(found->rule->id),
					   CStringGetTextDatum(key),
					   TimestampTzGetDatum(window_end(ask, found->rule, -1)),
					   TimestampTzGetDatum(window_end(ask, found->rule, 1)) };

	sc_plan_run(
		&(ScPlan){
			"match_key",
			"SELECT k.entity, 1::float4 FROM syncore.match_key k JOIN syncore.entity e ON e.id = "
			"k.entity WHERE k.space_id = $1 AND k.entity_type_id = $2 AND k.rule = $3 AND k.key = "
			"$4 AND e.created_at >= $5 AND e.created_at <= $6 ORDER BY 1 LIMIT 8",
			6, types },
		values, NULL);
	take_found(found);
}

/* Likeness is between records of different systems: two of one system that are alike are that system's matter. */
static void
find_near(const ScMatchAsk *ask, const char *key, ScMatchFound *found)
{
	static const Oid types[] = { INT4OID,	INT4OID,		INT4OID,		TEXTOID,
								 FLOAT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID };
	Datum values[] = { Int32GetDatum(ask->system->space->id),
					   Int32GetDatum(ask->map->type->id),
					   Int32GetDatum(found->rule->id),
					   CStringGetTextDatum(key),
					   Float4GetDatum(found->rule->threshold),
					   TimestampTzGetDatum(window_end(ask, found->rule, -1)),
					   TimestampTzGetDatum(window_end(ask, found->rule, 1)),
					   Int32GetDatum(ask->system->id) };

	sc_plan_run(
		&(ScPlan){ "match_near",
				   "SELECT entity, score FROM syncore._match_near($1, $2, $3, $4, $5, $6, $7, $8) "
				   "LIMIT 8",
				   8, types },
		values, NULL);
	take_found(found);
}

/* A key that a person would write, or the record's id.  Whatever a rule says, nothing is found in another space. */
static void
find_reference(const ScMatchAsk *ask, const char *key, ScMatchFound *found)
{
	static const Oid types[] = { INT4OID, TEXTOID, INT4OID, INT4OID };
	Datum values[] = { Int32GetDatum(found->rule->refers_to), CStringGetTextDatum(key),
					   Int32GetDatum(ask->system->space->id), Int32GetDatum(ask->map->type->id) };

	sc_plan_run(
		&(ScPlan){
			"match_reference",
			"SELECT DISTINCT l.entity, 1::float4 FROM syncore.link l JOIN syncore.entity e ON e.id "
			"= "
			"l.entity WHERE l.system_id = $1 AND l.state <> 'tombstone' AND (l.external_key = $2 "
			"OR "
			"l.external_id = $2) AND e.space_id = $3 AND e.entity_type_id = $4 ORDER BY 1 LIMIT 8",
			4, types },
		values, NULL);
	take_found(found);
}

static void
take_found(ScMatchFound *found)
{
	bool is_null;

	for (uint64 i = 0; i < SPI_processed && found->n < SC_MATCH_MAX; i++)
	{
		ScMatch *item = &found->items[found->n++];

		item->entity =
			DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null));
		item->score = DatumGetFloat4(
			SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &is_null));
	}
}

/* sign -1: the first moment at which an entity may have been made; 1: the last. */
static TimestampTz
window_end(const ScMatchAsk *ask, const ScMatchRule *rule, int sign)
{
	if (rule->window_us == 0)
		return sign < 0 ? DT_NOBEGIN : DT_NOEND;
	return ask->at + sign * rule->window_us;
}
