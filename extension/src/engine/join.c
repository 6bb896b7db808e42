/*
 * join.c
 *	  A person says that two entities are one: R23.  The same load, decide,
 *	  store as everything.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/decide.h"
#include "core/join.h"
#include "engine/hooks.h"
#include "engine/run.h"
#include "store/catalog.h"
#include "store/config.h"
#include "store/plan.h"
#include "store/save.h"

extern PGDLLEXPORT Datum syncore_join(PG_FUNCTION_ARGS);

static void check_pair(const ScEntity *keep, const ScEntity *drop);
static void check_systems(ScBatch *batch, ScEntity *keep, ScEntity *drop);
static void check_system(ScBatch *batch, ScLink *link, ScLink *other);
static bool stands(const ScLink *link);
static void forget_link(ScBatch *batch, ScLink *link);
static void move_rows(const ScJoin *join);
static const char *name_of(const ScLink *link);

PG_FUNCTION_INFO_V1(syncore_join);

/* syncore._join(keep, drop, actor, reason): what drop has is keep's from now on. */
Datum
syncore_join(PG_FUNCTION_ARGS)
{
	int64 keep = PG_GETARG_INT64(0);
	int64 drop = PG_GETARG_INT64(1);
	int64 ids[2] = { Min(keep, drop), Max(keep, drop) };
	ScJoin join = { .actor = text_to_cstring(PG_GETARG_TEXT_PP(2)),
					.reason = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3)) };
	ScBatch batch = { .now = GetCurrentTransactionStartTimestamp(),
					  .map_hooks = sc_hooks_map(),
					  .hooks = sc_hooks_decide() };
	ListCell *cell;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	batch.conf = sc_config_get();
	sc_load_entities(&batch, ids, keep == drop ? 1 : 2);
	join.keep = sc_load_entity_of(&batch, keep);
	join.drop = sc_load_entity_of(&batch, drop);
	join.hub = sc_load_next_id(sc_catalog_get()->link_seq);
	check_pair(join.keep, join.drop);
	check_systems(&batch, join.keep, join.drop);
	sc_join_entities(&batch, &join);
	foreach (cell, join.keep->links)
	{
		ScLink *link = lfirst(cell);

		link->joined = true;
		link->due = link->due || stands(link);
	}
	sc_decide_fan_out(&batch, join.keep);
	move_rows(&join);
	bool queued = sc_save(&batch);

	sc_match_save(batch.conf, &batch);
	if (queued)
		sc_wake_at_commit();
	SPI_finish();
	PG_RETURN_VOID();
}

static void
check_pair(const ScEntity *keep, const ScEntity *drop)
{
	if (keep == NULL || drop == NULL)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("entity does not exist, or was joined to another already"),
				errhint("Look for it by one of its records: SELECT * FROM syncore.why('…');"));
	if (keep == drop)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("entity " INT64_FORMAT " is the same as itself", keep->id),
				errhint("Name two entities."));
	if (keep->space != drop->space || keep->type != drop->type)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("entities of different spaces or types cannot be joined"),
				errdetail("One is a %s of space \"%s\", the other a %s of space \"%s\".",
						  keep->type->name, keep->space->name, drop->type->name, drop->space->name),
				errhint("Both have to be of one type and in one space."));
}

/* R23: not where both have a record in one system.  A record that is only wanted gives way. */
static void
check_systems(ScBatch *batch, ScEntity *keep, ScEntity *drop)
{
	List *mine = list_copy(keep->links);
	List *theirs = list_copy(drop->links);
	ListCell *cell;
	ListCell *other;

	foreach (cell, mine)
		foreach (other, theirs)
		{
			ScLink *link = lfirst(cell);
			ScLink *there = lfirst(other);

			if (link->system == there->system && stands(link) && stands(there))
				check_system(batch, link, there);
		}
}

static void
check_system(ScBatch *batch, ScLink *link, ScLink *other)
{
	ScLink *gives_way;
	ScMeeting meeting = sc_join_meet(link, other, &gives_way);

	if (meeting == SC_MEETING_ONE)
	{
		forget_link(batch, gives_way);
		return;
	}
	if (meeting == SC_MEETING_MAKING)
		ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE),
				errmsg("a record is being created in system \"%s\"", link->system->name),
				errdetail("The other entity has one there, or is given one, too."),
				errhint("Try again when the call has ended; then one of the two has to go."));
	ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("both entities have a record in system \"%s\"", link->system->name),
			errdetail("They are %s and %s.", name_of(link), name_of(other)),
			errhint("An entity has one record a system. Close or delete one of the two there; or, "
					"if they are not the same: SELECT syncore.reject_match(…, '…');"));
}

static bool
stands(const ScLink *link)
{
	return sc_model_is_linked(link) || link->state == SC_LINK_CREATING;
}

/* A record that was wanted and is not any more. */
static void
forget_link(ScBatch *batch, ScLink *link)
{
	static const Oid types[] = { INT8OID };
	Datum values[] = { Int64GetDatum(link->id) };

	batch->links = list_delete_ptr(batch->links, link);
	link->entity->links = list_delete_ptr(link->entity->links, link);
	sc_plan_run(
		&(ScPlan){ "forget_delivery", "DELETE FROM syncore.delivery WHERE link = $1", 1, types },
		values, NULL);
	sc_plan_run(&(ScPlan){ "forget_link", "DELETE FROM syncore.link WHERE id = $1", 1, types },
				values, NULL);
}

/* What hangs on the entity that goes, and is not its links. */
static void
move_rows(const ScJoin *join)
{
	static const Oid types[] = { INT8OID, INT8OID, TEXTOID };
	Datum values[] = { Int64GetDatum(join->keep->id), Int64GetDatum(join->drop->id),
					   CStringGetTextDatum(join->actor) };

	sc_plan_run(&(ScPlan){ "join_comments",
						   "UPDATE syncore.comment SET entity = $1 WHERE entity = $2", 2, types },
				values, NULL);
	sc_plan_run(
		&(ScPlan){ "join_keys", "DELETE FROM syncore.match_key WHERE entity = $2", 2, types },
		values, NULL);
	/* What a person is still to decide is asked anew, of the versions of both. */
	sc_plan_run(&(ScPlan){ "join_conflicts",
						   "UPDATE syncore.conflict SET state = 'resolved', resolved_at = now(), "
						   "resolved_by = $3, choice = 'merged', note = "
						   "pg_catalog.format('joined to entity %s', $1) WHERE entity = $2 AND "
						   "state = 'pending'",
						   3, types },
				values, NULL);
	sc_plan_run(&(ScPlan){ "join_alerts",
						   "UPDATE syncore.alert SET closed_at = now(), closed_by = $3 WHERE "
						   "closed_at IS NULL AND "
						   "pg_catalog.starts_with(cause, pg_catalog.format('review:%s:', $2)) AND "
						   "$1 <> $2",
						   3, types },
				values, NULL);
}

static const char *
name_of(const ScLink *link)
{
	return link->external_key != NULL ? link->external_key : link->external_id;
}
