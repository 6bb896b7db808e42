/*
 * reference.c
 *	  See reference.h.
 *
 * Canonical is the number of the entity; of a record that nobody has heard of
 * yet, system:key, which is looked up anew whenever it is to be told.  Records
 * are found among those of the system itself, and so within its space.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "engine/reference.h"
#include "store/plan.h"

static char *ask(const ScPlan *plan, Datum *values);
static char *entity_of(const ScConf *conf, const ScSystem *system, const char *canonical);
static bool is_number(const char *text);

char *
sc_reference_up(const ScSystem *system, const char *key)
{
	static const Oid id_types[] = { INT4OID, TEXTOID, TEXTOID };
	static const ScPlan by_id = { "reference by id",
								  "SELECT entity::pg_catalog.text FROM syncore.link WHERE "
								  "system_id = $1 AND record_type = $2 AND "
								  "external_id = $3 AND entity IS NOT NULL",
								  3, id_types };
	static const Oid key_types[] = { INT4OID, TEXTOID };
	static const ScPlan by_key = { "reference by key",
								   "SELECT entity::pg_catalog.text FROM syncore.link WHERE "
								   "system_id = $1 AND external_key = $2 AND "
								   "entity IS NOT NULL ORDER BY id LIMIT 1",
								   2, key_types };
	char *found = NULL;

	for (int i = 0; i < system->nmaps && found == NULL; i++)
	{
		Datum values[] = { Int32GetDatum(system->id),
						   CStringGetTextDatum(system->maps[i].record_type),
						   CStringGetTextDatum(key) };

		if (i == 0 || strcmp(system->maps[i].record_type, system->maps[i - 1].record_type) != 0)
			found = ask(&by_id, values);
	}
	if (found == NULL)
	{
		Datum values[] = { Int32GetDatum(system->id), CStringGetTextDatum(key) };

		found = ask(&by_key, values);
	}
	return found;
}

char *
sc_reference_down(const ScConf *conf, const ScSystem *system, const char *canonical, bool by_key)
{
	static const Oid types[] = { INT4OID, INT8OID, BOOLOID };
	static const ScPlan plan = {
		"reference down",
		"SELECT CASE WHEN $3 THEN k.external_key ELSE k.external_id END FROM syncore.link k "
		"WHERE k.system_id = $1 AND k.state IN ('active', 'diverged') AND k.entity = "
		"COALESCE((SELECT e.merged_into FROM syncore.entity e WHERE e.id = $2), $2) "
		"ORDER BY k.id LIMIT 1",
		3, types
	};
	char *entity = entity_of(conf, system, canonical);
	size_t own = strlen(system->name);

	if (entity != NULL)
	{
		Datum values[] = { Int32GetDatum(system->id), Int64GetDatum(strtoll(entity, NULL, 10)),
						   BoolGetDatum(by_key) };
		char *found = ask(&plan, values);

		if (found != NULL)
			return found;
	}
	/* It said so itself. */
	if (strncmp(canonical, system->name, own) == 0 && canonical[own] == ':')
		return pstrdup(canonical + own + 1);
	return NULL;
}

static char *
entity_of(const ScConf *conf, const ScSystem *system, const char *canonical)
{
	const char *colon = strchr(canonical, ':');
	const ScSystem *other;

	if (is_number(canonical))
		return pstrdup(canonical);
	if (colon == NULL)
		return NULL;
	other = sc_conf_system_by_name(conf, pnstrdup(canonical, colon - canonical));
	return other == NULL || other->space->id != system->space->id
			   ? NULL
			   : sc_reference_up(other, colon + 1);
}

static bool
is_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits <= 18 && text[digits] == '\0';
}

/* The one value of a query, for the caller; what he was reading stays readable. */
static char *
ask(const ScPlan *plan, Datum *values)
{
	MemoryContext caller = CurrentMemoryContext;
	char *found = NULL;

	SPI_connect();
	sc_plan_run(plan, values, NULL);
	if (SPI_processed > 0)
	{
		char *text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);

		found = text == NULL ? NULL : MemoryContextStrdup(caller, text);
	}
	SPI_finish();
	return found;
}
