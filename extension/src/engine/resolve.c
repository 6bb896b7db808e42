/*
 * resolve.c
 *	  Whose record is it?  By external id; by the marker that our create wrote
 *	  into it; by match rules (exact keys, references); else a new entity.
 *
 * Unknown records are made under advisory locks on buckets of what identifies
 * them, taken in order before any row lock: two sessions that hear of one
 * record, or of two records with one key, make one entity.
 *
 * A record whose payload cannot show the marker may be the one that our create
 * in flight is making.  It becomes a candidate: a link without an entity, whose
 * events wait until the record has been read (R21).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"

#include "core/join.h"
#include "engine/run.h"
#include "store/catalog.h"
#include "store/match.h"
#include "store/plan.h"

#define BUCKETS 1024
#define BUCKET_CLASS 0x53594e44 /* "SYND" */

static void collect_refs(ScRun *run, bool unknown_only);
static bool is_unknown(const ScWork *work);
static void map_unknown(ScRun *run);
static void lock_buckets(ScRun *run);
static void add_bucket(const ScRun *run, uint32 *buckets, int *n, const ScWork *work,
					   const ScRecordRef *ref);
static int order_buckets(const void *a, const void *b);
static const ScRecordMap *candidate_map(const ScWork *work);
static bool is_read_candidate(const ScWork *work);
static void match_work(ScRun *run, ScWork *work);
static ScLink *find_loaded(ScBatch *batch, ScWork *work);
static ScLink *find_fresh(ScBatch *batch, const ScWork *work);
static bool create_in_flight(const ScWork *work);
static ScLink *make_candidate(ScRun *run, ScBatch *batch, ScWork *work);
static ScLink *join_entity(ScRun *run, ScBatch *batch, ScWork *work, ScEntity *entity);
static ScEntity *make_entity(ScRun *run, ScBatch *batch, const ScRecordMap *map,
							 const ScSystem *system);
static ScLink *make_link(ScRun *run, ScBatch *batch, const ScWork *work, ScEntity *entity);
static void delete_candidate(ScBatch *batch, ScLink *link);
static void drop_candidate(ScBatch *batch, ScLink *candidate, const char *rule, const char *why);
static ScLink *adopt_candidate(ScRun *run, ScBatch *batch, ScWork *work, ScLink *candidate);
static ScLink *give_record(ScBatch *batch, ScLink *link, ScLink *candidate);
static ScLink *settle_candidate(ScRun *run, ScBatch *batch, ScWork *work, ScLink *candidate);

void
sc_resolve_find(ScRun *run)
{
	bool unknown = false;
	bool locks = false;

	collect_refs(run, false);
	for (int i = 0; i < run->nworks; i++)
	{
		unknown |= is_unknown(&run->works[i]);
		locks |= !run->works[i].settled &&
				 (run->works[i].other.external_id != NULL || is_read_candidate(&run->works[i]));
	}
	if (unknown || locks)
		map_unknown(run);
	if (!unknown && !locks)
		return;
	if (!run->rehearsal)
		lock_buckets(run);
	collect_refs(run, true);
	for (int i = 0; i < run->nworks; i++)
		match_work(run, &run->works[i]);
}

void
sc_resolve_again(ScRun *run, ScWork **works, int n)
{
	ScRecordRef *refs = palloc0(sizeof(ScRecordRef) * Max(n, 1));
	ScWork **asked = palloc0(sizeof(ScWork *) * Max(n, 1));
	int nasked = 0;

	/* The outcome of a create knows its link, and no record yet: there is nothing to look for. */
	for (int i = 0; i < n; i++)
	{
		if (works[i]->ref.external_id == NULL)
			continue;
		refs[nasked] = works[i]->ref;
		refs[nasked].link = refs[nasked].entity = 0;
		asked[nasked++] = works[i];
	}
	sc_load_find(&run->outside, refs, nasked);
	for (int i = 0; i < nasked; i++)
	{
		/* What was found and is gone belongs to nobody any more. */
		if (refs[i].link != 0 || asked[i]->ref.link != 0)
			asked[i]->entity = refs[i].entity;
		asked[i]->ref = refs[i];
		/* What it may belong to may have been made since. */
		if (is_unknown(asked[i]))
			match_work(run, asked[i]);
	}
}

ScLink *
sc_resolve_link(ScRun *run, ScBatch *batch, ScWork *work)
{
	ScLink *link = find_loaded(batch, work);

	if (link == NULL)
		link = find_fresh(batch, work);
	if (link != NULL)
	{
		/* The first word of a record that our create made: the link learns its id. */
		if (link->external_id == NULL)
		{
			link->external_id = pstrdup(work->shape.external_id);
			link->state = link->state == SC_LINK_CREATING ? SC_LINK_ACTIVE : link->state;
			link->changed = true;
		}
		return link;
	}
	if (work->ref.link != 0)
		return NULL;
	if (work->map == NULL)
		work->map = sc_conf_record_map(work->system, work->shape.record_type, work->shape.record);
	if (!work->system->connector->marker_in_webhook && create_in_flight(work))
		return make_candidate(run, batch, work);
	/* No row of record_map takes it. */
	if (work->map == NULL)
		return NULL;
	ScEntity *entity = work->entity == 0 ? NULL : sc_load_entity_of(batch, work->entity);

	if (entity != NULL)
		return join_entity(run, batch, work, entity);
	entity = make_entity(run, batch, work->map, work->system);
	sc_matching_note(batch, work, entity);
	return make_link(run, batch, work, entity);
}

void
sc_resolve_undo(ScBatch *batch, ScLink *link)
{
	if (!link->fresh)
		return;
	batch->links = list_delete_ptr(batch->links, link);
	if (link->entity == NULL)
		return;
	link->entity->links = list_delete_ptr(link->entity->links, link);
	if (!link->entity->fresh)
		return;
	batch->entities = list_delete_ptr(batch->entities, link->entity);
	for (int i = list_length(batch->matches) - 1; i >= 0; i--)
		if (((ScMatchOut *) list_nth(batch->matches, i))->entity == link->entity)
			batch->matches = list_delete_nth_cell(batch->matches, i);
	for (int i = list_length(batch->ledger) - 1; i >= 0; i--)
		if (((ScLedgerEntry *) list_nth(batch->ledger, i))->entity == link->entity)
			batch->ledger = list_delete_nth_cell(batch->ledger, i);
}

void
sc_resolve_save_keys(ScRun *run, ScBatch *batch)
{
	if (sc_match_has_rules(run->conf))
		sc_match_save(run->conf, batch);
}

ScLink *
sc_resolve_outcome(ScRun *run, ScBatch *batch, ScWork *work)
{
	const ScCallPlan *plan = work->item->plan;
	ListCell *cell;
	ScLink *link = NULL;

	foreach (cell, batch->links)
		if (((ScLink *) lfirst(cell))->id == plan->link)
			link = lfirst(cell);
	if (link == NULL)
		return NULL;
	if (link->entity == NULL)
		return adopt_candidate(run, batch, work, link);
	/* A webhook of the record that this create made came first: what it said waits in the candidate. */
	foreach (cell, batch->links)
	{
		ScLink *candidate = lfirst(cell);

		if (candidate->entity != NULL || candidate == link || candidate->external_id == NULL ||
			plan->outcome.external_id == NULL || candidate->system != link->system ||
			strcmp(candidate->record_type, link->record_type) != 0 ||
			strcmp(candidate->external_id, plan->outcome.external_id) != 0)
			continue;
		link->replay = list_concat(link->replay, candidate->waiting);
		delete_candidate(batch, candidate);
		break;
	}
	return link;
}

bool
sc_resolve_has_moved(ScWork *work)
{
	static const Oid types[] = { INT8OID, INT8OID };
	Datum values[] = { Int64GetDatum(work->item->plan->link), Int64GetDatum(work->entity) };
	bool is_null;

	sc_plan_run(&(ScPlan){ "moved_link",
						   "SELECT entity FROM syncore.link WHERE id = $1 AND entity <> $2", 2,
						   types },
				values, NULL);
	if (SPI_processed == 0 || work->item->plan->entity == 0)
		return false;
	work->entity =
		DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	return true;
}

/* Looks the records of all works up; unknown_only: those still unknown, and what outcomes may meet. */
static void
collect_refs(ScRun *run, bool unknown_only)
{
	ScRecordRef *refs = palloc0(sizeof(ScRecordRef) * Max(run->nworks * 2, 1));
	ScRecordRef **targets = palloc0(sizeof(ScRecordRef *) * Max(run->nworks * 2, 1));
	int n = 0;

	for (int i = 0; i < run->nworks; i++)
	{
		ScWork *work = &run->works[i];

		if (work->settled)
			continue;
		if (work->ref.external_id != NULL && (!unknown_only || work->ref.link == 0))
			targets[n++] = &work->ref;
		if (work->other.external_id != NULL && unknown_only)
			targets[n++] = &work->other;
	}
	for (int i = 0; i < n; i++)
		refs[i] = *targets[i];
	sc_load_find(&run->outside, refs, n);
	for (int i = 0; i < n; i++)
		*targets[i] = refs[i];
	for (int i = 0; i < run->nworks; i++)
	{
		ScWork *work = &run->works[i];

		if (work->ref.link != 0)
			work->entity = work->ref.entity;
		/* A candidate's record shows the marker of a create of ours: it is judged with that entity. */
		if (work->item->kind == SC_ITEM_OUTCOME && work->item->plan->entity == 0 &&
			work->other.entity != 0)
			work->entity = work->other.entity;
	}
}

static bool
is_unknown(const ScWork *work)
{
	return !work->settled && work->item->kind != SC_ITEM_OUTCOME && work->ref.link == 0;
}

/* Which entity type an unknown record would be of: match rules need to know. */
static void
map_unknown(ScRun *run)
{
	for (int i = 0; i < run->nworks; i++)
	{
		ScWork *work = &run->works[i];

		if (is_unknown(work))
			work->map =
				sc_conf_record_map(work->system, work->shape.record_type, work->shape.record);
		else if (work->item->kind == SC_ITEM_OUTCOME)
			work->map = candidate_map(work);
	}
}

/* What a candidate's record was read to be; NULL: no candidate's outcome, nothing was read, or no row of record_map takes it. */
static const ScRecordMap *
candidate_map(const ScWork *work)
{
	const ScCallPlan *plan = work->item->plan;

	if (work->settled || plan->entity != 0 || plan->outcome.kind != SC_OUTCOME_OK ||
		plan->outcome.body == NULL ||
		!sc_conf_holds(work->system->accepts, plan->outcome.body->record))
		return NULL;
	return sc_conf_record_map(work->system, plan->record_type, plan->outcome.body->record);
}

static void
lock_buckets(ScRun *run)
{
	uint32 *buckets = palloc(sizeof(uint32) * Max(run->nworks * 4, 1));
	int n = 0;

	for (int i = 0; i < run->nworks; i++)
	{
		ScWork *work = &run->works[i];

		if (work->settled)
			continue;
		if (is_unknown(work))
			add_bucket(run, buckets, &n, work, &work->ref);
		if (work->other.external_id != NULL)
			add_bucket(run, buckets, &n, work, &work->other);
		if (is_read_candidate(work) && sc_match_has_rules(run->conf))
			buckets[n++] = BUCKETS + (uint32) candidate_map(work)->type->id;
	}
	qsort(buckets, n, sizeof(uint32), order_buckets);
	for (int i = 0; i < n; i++)
	{
		LOCKTAG tag;

		if (i > 0 && buckets[i] == buckets[i - 1])
			continue;
		SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, BUCKET_CLASS, buckets[i], 2);
		(void) LockAcquire(&tag, ExclusiveLock, false, false);
	}
}

/* The bucket of a record; with match rules also the one of its type, for records may share a key: creates are rare beside edits. */
static void
add_bucket(const ScRun *run, uint32 *buckets, int *n, const ScWork *work, const ScRecordRef *ref)
{
	uint32 hash = hash_combine(
		hash_bytes((const unsigned char *) ref->record_type, (int) strlen(ref->record_type)),
		hash_bytes((const unsigned char *) ref->external_id, (int) strlen(ref->external_id)));

	hash = hash_combine(hash, hash_bytes_uint32((uint32) ref->system_id));
	buckets[(*n)++] = hash % BUCKETS;
	if (work->map != NULL && sc_match_has_rules(run->conf))
		buckets[(*n)++] = BUCKETS + (uint32) work->map->type->id;
}

static int
order_buckets(const void *a, const void *b)
{
	uint32 x = *(const uint32 *) a;
	uint32 y = *(const uint32 *) b;

	return x < y ? -1 : x > y ? 1 : 0;
}

static bool
is_read_candidate(const ScWork *work)
{
	return !work->settled && work->item->kind == SC_ITEM_OUTCOME && candidate_map(work) != NULL;
}

/* Match rules, for a record that is still unknown. */
static void
match_work(ScRun *run, ScWork *work)
{
	if (is_unknown(work))
		sc_matching_find(run, work, work->shape.record);
	else if (is_read_candidate(work) && work->entity == 0)
		sc_matching_find(run, work, work->item->plan->outcome.body->record);
}

/* The link among those that were loaded; a candidate's too. */
static ScLink *
find_loaded(ScBatch *batch, ScWork *work)
{
	ListCell *cell;

	if (work->ref.link == 0)
		return NULL;
	if (work->entity != 0)
	{
		ScEntity *entity = sc_load_entity_of(batch, work->entity);
		ScLink *link = entity == NULL ? NULL : sc_load_link_of(entity, work->ref.link);

		if (link != NULL)
			return link;
	}
	/* A candidate's, or of a record that an earlier event of this piece gave to another entity. */
	foreach (cell, batch->links)
		if (((ScLink *) lfirst(cell))->id == work->ref.link)
			return lfirst(cell);
	return NULL;
}

/* Made by an earlier event of the same piece? */
static ScLink *
find_fresh(ScBatch *batch, const ScWork *work)
{
	for (int i = list_length(batch->links) - 1; i >= 0; i--)
	{
		ScLink *link = list_nth(batch->links, i);

		if (!link->fresh)
			continue;
		if (link->system == work->system && link->external_id != NULL &&
			strcmp(link->external_id, work->shape.external_id) == 0 &&
			strcmp(link->record_type, work->shape.record_type) == 0)
			return link;
	}
	return NULL;
}

/* Is there a create of such a record whose outcome nobody knows yet? */
static bool
create_in_flight(const ScWork *work)
{
	static const Oid types[] = { INT4OID, TEXTOID };
	Datum values[] = { Int32GetDatum(work->system->id),
					   CStringGetTextDatum(work->shape.record_type) };

	sc_plan_run(
		&(ScPlan){ "create_in_flight",
				   "SELECT FROM syncore.link WHERE system_id = $1 AND record_type = $2 AND state = "
				   "'creating' AND call IS NOT NULL LIMIT 1",
				   2, types },
		values, NULL);
	return SPI_processed > 0;
}

static ScLink *
make_candidate(ScRun *run, ScBatch *batch, ScWork *work)
{
	ScLink *link = make_link(run, batch, work, NULL);

	link->state = SC_LINK_CANDIDATE;
	link->read_owed = true;
	link->due = true;
	link->look_only = true;
	return link;
}

/* A record that matches an entity: a wanted create adopts it; a second record of one system goes to review. */
static ScLink *
join_entity(ScRun *run, ScBatch *batch, ScWork *work, ScEntity *entity)
{
	ScLink *there;
	ScPlace place = sc_join_place(entity, work->system, &there);
	ScEntity *other;

	if (place == SC_PLACE_FREE)
		return make_link(run, batch, work, entity);
	if (place == SC_PLACE_WANTED)
	{
		there->external_id = pstrdup(work->shape.external_id);
		there->state = SC_LINK_ACTIVE;
		there->changed = true;
		return there;
	}
	other = make_entity(run, batch, work->map, work->system);
	sc_matching_note(batch, work, other);
	return make_link(run, batch, work, other);
}

static ScEntity *
make_entity(ScRun *run, ScBatch *batch, const ScRecordMap *map, const ScSystem *system)
{
	ScEntity *entity = palloc0(sizeof(ScEntity));

	entity->id = sc_load_draw_id(batch, sc_catalog_get()->entity_seq);
	entity->space = system->space;
	entity->type = map->type;
	entity->created_at = run->now;
	entity->fresh = true;
	entity->changed = true;
	batch->entities = lappend(batch->entities, entity);
	return entity;
}

static ScLink *
make_link(ScRun *run, ScBatch *batch, const ScWork *work, ScEntity *entity)
{
	ScLink *link = palloc0(sizeof(ScLink));

	link->id = sc_load_draw_id(batch, sc_catalog_get()->link_seq);
	link->system = work->system;
	link->record_type = pstrdup(work->shape.record_type);
	link->external_id = pstrdup(work->shape.external_id);
	link->external_key =
		work->shape.external_key == NULL ? NULL : pstrdup(work->shape.external_key);
	link->url = work->shape.url == NULL ? NULL : pstrdup(work->shape.url);
	link->state = SC_LINK_ACTIVE;
	link->in_route = true;
	link->entity = entity;
	link->fresh = true;
	link->changed = true;
	link->map = entity == NULL
					? work->map
					: sc_conf_record_map_of(work->system, work->shape.record_type, entity->type);
	batch->links = lappend(batch->links, link);
	if (entity != NULL)
		entity->links = lappend(entity->links, link);
	return link;
}

static void
delete_candidate(ScBatch *batch, ScLink *link)
{
	static const Oid types[] = { INT8OID };
	Datum values[] = { Int64GetDatum(link->id) };

	batch->links = list_delete_ptr(batch->links, link);
	sc_plan_run(&(ScPlan){ "delete_candidate_delivery",
						   "DELETE FROM syncore.delivery WHERE link = $1", 1, types },
				values, NULL);
	sc_plan_run(&(ScPlan){ "delete_candidate", "DELETE FROM syncore.link WHERE id = $1", 1, types },
				values, NULL);
}

/* It becomes nothing: the ledger says so of each event that waited for that. */
static void
drop_candidate(ScBatch *batch, ScLink *candidate, const char *rule, const char *why)
{
	ListCell *cell;

	foreach (cell, candidate->waiting)
	{
		ScLedgerEntry *entry = sc_model_note(batch, SC_LEDGER_OUT_OF_SCOPE, NULL, NULL);

		entry->system = candidate->system;
		entry->space = candidate->system->space;
		entry->event = *(int64 *) lfirst(cell);
		entry->rule = pstrdup(rule);
		entry->reason = psprintf("%s %s of %s %s.", candidate->record_type, candidate->external_id,
								 candidate->system->name, why);
	}
	delete_candidate(batch, candidate);
}

/*
 * A candidate's record was read.  It shows the marker of a create of ours: that
 * link learns its id and hears what waited.  Else it is somebody else's record.
 */
static ScLink *
adopt_candidate(ScRun *run, ScBatch *batch, ScWork *work, ScLink *candidate)
{
	const ScOutcome *outcome = &work->item->plan->outcome;
	ScEntity *entity = work->entity == 0 ? NULL : sc_load_entity_of(batch, work->entity);
	ScLink *link = entity == NULL ? NULL : sc_load_link_of(entity, work->other.link);

	if (outcome->kind == SC_OUTCOME_GONE || outcome->kind == SC_OUTCOME_NOT_FOUND)
	{
		drop_candidate(batch, candidate, "deleted", "was deleted before it became anything here");
		return NULL;
	}
	if (outcome->kind != SC_OUTCOME_OK || outcome->body == NULL)
	{
		candidate->due = true;
		candidate->look_only = true;
		candidate->call = (ScCall){ 0 };
		candidate->changed = true;
		return NULL;
	}
	if (link != NULL && link->external_id == NULL)
		return give_record(batch, link, candidate);
	return settle_candidate(run, batch, work, candidate);
}

/* The candidate's record is the one that the link's create made, or was to make. */
static ScLink *
give_record(ScBatch *batch, ScLink *link, ScLink *candidate)
{
	link->external_id = candidate->external_id;
	link->external_key = candidate->external_key;
	link->url = candidate->url;
	link->state = SC_LINK_ACTIVE;
	link->changed = true;
	link->replay = list_concat(link->replay, candidate->waiting);
	delete_candidate(batch, candidate);
	return link;
}

/* Not ours: a record like any other that is heard of, so the match rules were asked for its entity. */
static ScLink *
settle_candidate(ScRun *run, ScBatch *batch, ScWork *work, ScLink *candidate)
{
	ScEntity *match = sc_matching_is_sure(work) ? sc_load_entity_of(batch, work->entity) : NULL;
	ScLink *there = NULL;
	ScPlace place =
		match == NULL ? SC_PLACE_TAKEN : sc_join_place(match, candidate->system, &there);
	ScLedgerEntry *entry;

	if (work->map == NULL)
	{
		drop_candidate(batch, candidate, "record_map",
					   "was read: its system does not accept it, or no row of record_map takes it");
		return NULL;
	}
	if (place == SC_PLACE_WANTED)
		return give_record(batch, there, candidate);
	if (place == SC_PLACE_FREE)
	{
		candidate->entity = match;
		entry = sc_model_note(batch, SC_LEDGER_LINK, match, candidate);
		entry->rule = "match";
		entry->reason = psprintf("%s %s of %s was tied to this %s", candidate->record_type,
								 candidate->external_key != NULL ? candidate->external_key
																 : candidate->external_id,
								 candidate->system->name, match->type->name);
	}
	else
	{
		candidate->entity = make_entity(run, batch, work->map, candidate->system);
		sc_matching_note(batch, work, candidate->entity);
	}
	candidate->entity->links = lappend(candidate->entity->links, candidate);
	candidate->map =
		sc_conf_record_map_of(candidate->system, candidate->record_type, candidate->entity->type);
	candidate->state = SC_LINK_ACTIVE;
	candidate->changed = true;
	candidate->replay = candidate->waiting;
	candidate->waiting = NIL;
	return candidate;
}
