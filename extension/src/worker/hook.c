/*
 * hook.c
 *	  Statements that need a database to themselves: DROP DATABASE, ALTER
 *	  DATABASE … RENAME or SET TABLESPACE, CREATE DATABASE … TEMPLATE.
 *
 * The server waits five seconds for other sessions and then refuses.  So the
 * database's workers are asked to leave first, and none starts until the
 * statement has ended, however it ends.  Only for callers who may do it: a
 * statement that will be refused disturbs nobody.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/latch.h"
#include "tcop/utility.h"
#include "utils/acl.h"

#include "compat.h"
#include "worker/drop.h"
#include "worker/launcher.h"
#include "worker/shared.h"

#define LEAVE_STEP_MS 20
#define LEAVE_STEPS 250

static ProcessUtility_hook_type previous_utility = NULL;

static void on_utility(PlannedStmt *pstmt, const char *query, bool read_only,
					   ProcessUtilityContext context, ParamListInfo params,
					   QueryEnvironment *environment, DestReceiver *dest,
					   QueryCompletion *completion);
static Oid database_to_free(Node *statement);
static const char *named_database(Node *statement);
static const char *option_text(List *options, const char *name);
static void send_workers_away(Oid database);

void
sc_hook_init(void)
{
	previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = on_utility;
}

static void
on_utility(PlannedStmt *pstmt, const char *query, bool read_only, ProcessUtilityContext context,
		   ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest,
		   QueryCompletion *completion)
{
	ProcessUtility_hook_type next = previous_utility ? previous_utility : standard_ProcessUtility;
	volatile Oid database = database_to_free(pstmt->utilityStmt); /* read after a longjmp */

	sc_drop_check(pstmt->utilityStmt);
	if (!OidIsValid(database) || !sc_shared_block(database))
	{
		next(pstmt, query, read_only, context, params, environment, dest, completion);
		return;
	}
	PG_TRY();
	{
		send_workers_away(database);
		next(pstmt, query, read_only, context, params, environment, dest, completion);
	}
	PG_FINALLY();
	{
		sc_shared_unblock(database);
	}
	PG_END_TRY();
}

/* The database that the statement needs for itself, if it exists, is not ours, and the caller may. */
static Oid
database_to_free(Node *statement)
{
	const char *name = sc_shared != NULL ? named_database(statement) : NULL;

	if (name == NULL || !IsTransactionState())
		return InvalidOid;
	Oid database = get_database_oid(name, true);
	if (!OidIsValid(database) || database == MyDatabaseId ||
		!sc_is_database_owner(database, GetUserId()))
		return InvalidOid;
	return database;
}

static const char *
named_database(Node *statement)
{
	if (IsA(statement, DropdbStmt))
		return ((DropdbStmt *) statement)->dbname;
	if (IsA(statement, RenameStmt) && ((RenameStmt *) statement)->renameType == OBJECT_DATABASE)
		return ((RenameStmt *) statement)->subname;
	if (IsA(statement, AlterDatabaseStmt) &&
		option_text(((AlterDatabaseStmt *) statement)->options, "tablespace"))
		return ((AlterDatabaseStmt *) statement)->dbname;
	if (IsA(statement, CreatedbStmt))
		return option_text(((CreatedbStmt *) statement)->options, "template");
	return NULL;
}

static const char *
option_text(List *options, const char *name)
{
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, name) == 0 && option->arg != NULL && IsA(option->arg, String))
			return strVal(option->arg);
	}
	return NULL;
}

/* Asks until all have gone, five seconds at most: then the statement itself says who is still there. */
static void
send_workers_away(Oid database)
{
	for (int i = 0; i < LEAVE_STEPS && sc_shared_terminate(database) > 0; i++)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LEAVE_STEP_MS,
						 sc_wait_event("SyncoreDropDatabase"));
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}
