/*
 * catalog.c
 *	  Where our objects are.  One look-up by name, after every invalidation of
 *	  the event table, tells whether the extension is still the one we knew;
 *	  only then are kept oids used.  Reads system
 *	  caches only: it may be called in any transaction, without SPI.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "store/catalog.h"

static ScCatalog known;
static bool is_checked =
	false; /* nothing was invalidated since known was compared with the catalogs */
static uint64 invalidations = 0; /* so far */

static const char *const link_state_names[SC_LINK_STATES] = {
	"candidate", "creating", "active", "diverged", "deleting", "tombstone"
};
static const char *const actor_kind_names[SC_ACTOR_KINDS] = { "unknown", "integration",
															  "automation", "human" };
static const char *const visibility_names[SC_VISIBILITIES] = { "public", "internal", "private" };

static void watch(void);
static void on_relation(Datum arg, Oid relation);
static void on_schema(Datum arg, int cache, uint32 hash);
static void look_up(Oid schema, Oid event);
static Oid find_type(Oid schema, const char *name);
static Oid find_label(Oid type, const char *label);
static Oid find_relation(Oid schema, const char *name);

const ScCatalog *
sc_catalog_find(void)
{
	if (is_checked)
		return &known;
	watch();
	uint64 before = invalidations;
	Oid schema = get_namespace_oid("syncore", true);

	if (!OidIsValid(schema))
		return NULL;
	Oid event = get_relname_relid("event", schema);

	if (!OidIsValid(event))
		return NULL;
	if (known.event != event || known.schema != schema)
		look_up(schema, event);
	is_checked = before == invalidations;
	return &known;
}

const ScCatalog *
sc_catalog_get(void)
{
	const ScCatalog *catalog = sc_catalog_find();

	if (catalog == NULL)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("extension \"syncore\" is not installed in this database"),
				errhint("Run CREATE EXTENSION syncore CASCADE."));
	return catalog;
}

const char *
sc_catalog_actor_name(ScActorKind kind)
{
	return actor_kind_names[kind];
}

ScActorKind
sc_catalog_actor_kind(Oid label)
{
	for (int i = 0; i < SC_ACTOR_KINDS; i++)
		if (known.actor_kinds[i] == label)
			return (ScActorKind) i;
	return SC_ACTOR_UNKNOWN;
}

ScLinkState
sc_catalog_link_state(Oid label)
{
	for (int i = 0; i < SC_LINK_STATES; i++)
		if (known.link_states[i] == label)
			return (ScLinkState) i;
	elog(ERROR, "unknown link state %u", label);
}

static void
watch(void)
{
	static bool is_registered = false;

	if (is_registered)
		return;
	CacheRegisterRelcacheCallback(on_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, on_schema, (Datum) 0);
	is_registered = true;
}

static void
on_relation(Datum arg, Oid relation)
{
	(void) arg;
	if (relation != InvalidOid && relation != known.event)
		return;
	is_checked = false;
	invalidations++;
}

static void
on_schema(Datum arg, int cache, uint32 hash)
{
	(void) arg;
	(void) cache;
	(void) hash;
	is_checked = false;
	invalidations++;
}

/* Fills known; on an error it stays unknown, so the next call tries again. */
static void
look_up(Oid schema, Oid event)
{
	ScCatalog found = { .schema = schema, .event = event, .generation = known.generation + 1 };
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(event));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", event);
	found.owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);

	known.event = InvalidOid;
	found.signal = find_relation(schema, "space");
	found.entity = find_relation(schema, "entity");
	found.link = find_relation(schema, "link");
	found.delivery = find_relation(schema, "delivery");
	found.ledger = find_relation(schema, "ledger");
	found.event_key = find_relation(schema, "event_key");
	found.comment_copy = find_relation(schema, "comment_copy");
	found.stamps_type = find_type(schema, "stamps");
	found.shadow_type = find_type(schema, "shadow");
	found.vclock_type = find_type(schema, "vclock");
	found.link_state_type = find_type(schema, "link_state");
	found.actor_kind_type = find_type(schema, "actor_kind");
	found.visibility_type = find_type(schema, "visibility");
	for (int i = 0; i < SC_LINK_STATES; i++)
		found.link_states[i] = find_label(found.link_state_type, link_state_names[i]);
	for (int i = 0; i < SC_ACTOR_KINDS; i++)
		found.actor_kinds[i] = find_label(found.actor_kind_type, actor_kind_names[i]);
	for (int i = 0; i < SC_VISIBILITIES; i++)
		found.visibilities[i] = find_label(found.visibility_type, visibility_names[i]);
	found.delivery_due = find_label(find_type(schema, "delivery_state"), "due");
	found.entity_seq = find_relation(schema, "entity_id_seq");
	found.link_seq = find_relation(schema, "link_id_seq");
	found.conflict_seq = find_relation(schema, "conflict_id_seq");
	found.event_seq = find_relation(schema, "event_id_seq");
	found.ledger_seq = find_relation(schema, "ledger_id_seq");
	found.delivery_seq = find_relation(schema, "delivery_id_seq");
	known = found;
}

static Oid
find_type(Oid schema, const char *name)
{
	Oid type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
							   ObjectIdGetDatum(schema));

	if (!OidIsValid(type))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("type \"syncore.%s\" does not exist", name));
	return type;
}

static Oid
find_label(Oid type, const char *label)
{
	Oid found = GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid, ObjectIdGetDatum(type),
								CStringGetDatum(label));

	if (!OidIsValid(found))
		elog(ERROR, "enum %u has no label \"%s\"", type, label);
	return found;
}

static Oid
find_relation(Oid schema, const char *name)
{
	Oid relation = get_relname_relid(name, schema);

	if (!OidIsValid(relation))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation \"syncore.%s\" does not exist", name));
	return relation;
}
