/*
 * split.c
 *	  A person says that a record does not belong to its entity: R23, the way
 *	  back.  The same load, decide, store as everything.
 *
 * While a write to the record is under way nobody can say what it shows: that
 * is refused, and can be tried again.  A read may be under way; its outcome is
 * decided with the entity that has the record then.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/decide.h"
#include "core/split.h"
#include "engine/hooks.h"
#include "engine/run.h"
#include "store/catalog.h"
#include "store/config.h"
#include "store/plan.h"
#include "store/save.h"

extern PGDLLEXPORT Datum syncore_split(PG_FUNCTION_ARGS);

static ScLink *load_link(ScBatch *batch, int64 id, TimestampTz *made_at);
static void check_link(const ScLink *link);
static void check_comments(const ScLink *link);
static ScEntity *make_entity(ScBatch *batch, const ScEntity *like, TimestampTz made_at);
static void part_comments(const ScLink *link, const ScEntity *from);

PG_FUNCTION_INFO_V1(syncore_split);

/* syncore._split(link, actor, reason): the record goes on as an entity of its own, whose id is returned. */
Datum
syncore_split(PG_FUNCTION_ARGS)
{
	ScSplit split = { .actor = text_to_cstring(PG_GETARG_TEXT_PP(1)),
					  .reason = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)) };
	ScBatch batch = { .now = GetCurrentTransactionStartTimestamp(),
					  .map_hooks = sc_hooks_map(),
					  .hooks = sc_hooks_decide() };
	TimestampTz made_at;
	ScEntity *from;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	batch.conf = sc_config_get();
	split.link = load_link(&batch, PG_GETARG_INT64(0), &made_at);
	check_link(split.link);
	check_comments(split.link);
	from = split.link->entity;
	split.into = make_entity(&batch, from, made_at);
	split.hub = sc_load_next_id(sc_catalog_get()->link_seq);
	sc_split_link(&batch, &split);
	sc_decide_fan_out(&batch, from);
	sc_decide_fan_out(&batch, split.into);
	bool queued = sc_save(&batch);

	part_comments(split.link, from);
	sc_save_earlier_comments(&batch, split.into);
	sc_match_save(batch.conf, &batch);
	if (queued)
		sc_wake_at_commit();
	/* The entity is memory of the connection. */
	int64 made = split.into->id;

	SPI_finish();
	PG_RETURN_INT64(made);
}

/* The link with its entity, locked. */
static ScLink *
load_link(ScBatch *batch, int64 id, TimestampTz *made_at)
{
	static const Oid types[] = { INT8OID };
	Datum values[] = { Int64GetDatum(id) };
	ScEntity *entity = NULL;
	ScLink *link = NULL;
	bool is_null;
	int64 owner;

	sc_plan_run(&(ScPlan){ "split_link",
						   "SELECT entity, created_at FROM syncore.link WHERE id = $1 AND entity "
						   "IS NOT NULL",
						   1, types },
				values, NULL);
	if (SPI_processed == 1)
	{
		owner =
			DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
		*made_at = DatumGetTimestampTz(
			SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &is_null));
		sc_load_entities(batch, &owner, 1);
		entity = sc_load_entity_of(batch, owner);
		link = entity == NULL ? NULL : sc_load_link_of(entity, id);
	}
	if (link == NULL)
		ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE),
				errmsg("the record was given to another entity or removed meanwhile"),
				errhint("Look it up, and try again."));
	return link;
}

static void
check_link(const ScLink *link)
{
	const char *name = sc_model_record_name(link);
	bool alone = true;
	ListCell *cell;

	if (!sc_model_is_linked(link))
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("there is no record to take out"),
				errdetail("%s of system \"%s\" is being created, is being deleted, or is gone.",
						  name, link->system->name),
				errhint("Only a record that stands can be an entity of its own."));
	foreach (cell, link->entity->links)
		alone = alone && (lfirst(cell) == link || !sc_model_is_linked(lfirst(cell)));
	if (alone)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("%s of system \"%s\" is the only record of its entity", name,
					   link->system->name),
				errhint("There is nothing to take it out of."));
	if (link->call.kind != SC_CALL_NONE && link->call.kind != SC_CALL_READ)
		ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE),
				errmsg("a write to %s of system \"%s\" is under way", name, link->system->name),
				errdetail(link->call.unknown ? "Its outcome is not known yet."
											 : "Its answer is not here yet."),
				errhint("Try again when the call has ended: SELECT * FROM syncore.why_not('%s', "
						"'%s');",
						name, link->system->name));
}

/* A comment that is being written from one side to the other cannot be told apart now. */
static void
check_comments(const ScLink *link)
{
	static const Oid types[] = { INT8OID, INT8OID };
	Datum values[] = { Int64GetDatum(link->entity->id), Int64GetDatum(link->id) };

	sc_plan_run(&(ScPlan){ "split_sending",
						   "SELECT FROM syncore.comment m JOIN syncore.comment_copy c ON c.comment "
						   "= m.id WHERE m.entity = $1 AND (m.link = $2) <> (c.link = $2) AND "
						   "c.state IN ('sending', 'unknown') LIMIT 1",
						   2, types },
				values, NULL);
	if (SPI_processed > 0)
		ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE),
				errmsg("a comment is on its way between %s of system \"%s\" and the other records",
					   sc_model_record_name(link), link->system->name),
				errhint("Try again when the call has ended."));
}

/* As old as its record, so that neither routes nor time windows take it for new. */
static ScEntity *
make_entity(ScBatch *batch, const ScEntity *like, TimestampTz made_at)
{
	ScEntity *entity = palloc0(sizeof(ScEntity));

	entity->id = sc_load_next_id(sc_catalog_get()->entity_seq);
	entity->space = like->space;
	entity->type = like->type;
	entity->created_at = made_at;
	entity->fresh = true;
	entity->changed = true;
	batch->entities = lappend(batch->entities, entity);
	return entity;
}

/*
 * What was written at the record goes with it.  A copy that stands at the other
 * side is that side's own from now on, a comment without an origin: it is known
 * when it is told of again, and follows nobody's edits.  What was to be copied
 * across is not.
 */
static void
part_comments(const ScLink *link, const ScEntity *from)
{
	static const Oid types[] = { INT8OID, INT8OID, INT8OID };
	Datum values[] = { Int64GetDatum(from->id), Int64GetDatum(link->entity->id),
					   Int64GetDatum(link->id) };

	sc_plan_run(&(ScPlan){ "split_comments",
						   "UPDATE syncore.comment SET entity = $2 WHERE entity = $1 AND link = $3",
						   3, types },
				values, NULL);
	sc_plan_run(&(ScPlan){ "split_due_copies",
						   "DELETE FROM syncore.comment_copy c USING syncore.comment m, "
						   "syncore.link l WHERE m.id = c.comment AND l.id = c.link AND m.entity "
						   "IN ($1, $2) AND l.entity IN ($1, $2) AND l.entity <> m.entity AND "
						   "c.state IN ('due', 'dead') AND c.external_id IS NULL AND $3 <> 0",
						   3, types },
				values, NULL);
	sc_plan_run(
		&(ScPlan){
			"split_copies",
			"WITH across AS MATERIALIZED (SELECT o.*, pg_catalog.nextval('syncore.comment_id_seq') "
			"AS copy_of FROM (SELECT DISTINCT m.id, l.entity FROM syncore.comment m JOIN "
			"syncore.comment_copy c ON c.comment = m.id JOIN syncore.link l ON l.id = c.link "
			"WHERE m.entity IN ($1, $2) AND l.entity IN ($1, $2) AND l.entity <> m.entity AND $3 "
			"<> 0) o), "
			"made AS (INSERT INTO syncore.comment (id, space_id, entity, link, visibility, author, "
			"author_kind, body, written_at, edited_at, deleted_at, event) SELECT a.copy_of, "
			"m.space_id, a.entity, 0, m.visibility, m.author, m.author_kind, m.body, m.written_at, "
			"m.edited_at, m.deleted_at, m.event FROM across a JOIN syncore.comment m ON m.id = "
			"a.id ORDER BY a.copy_of) "
			"UPDATE syncore.comment_copy c SET comment = a.copy_of, stale = false, state = CASE "
			"c.state WHEN 'due' THEN 'done' ELSE c.state END FROM across a, syncore.link l WHERE "
			"c.comment = a.id AND l.id = c.link AND l.entity = a.entity",
			3, types },
		values, NULL);
}
