/*
 * drop.c
 *	  DROP EXTENSION takes the ledger with it without a word.  So it is refused
 *	  while the ledger holds rows, unless syncore.allow_drop is on.
 *
 * Dropping an extension that ours requires, with CASCADE, is the same thing.
 * Without preload nobody sees the statement: then only backups help.
 */
#include "postgres.h"

#include "catalog/objectaddress.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/snapmgr.h"

#include "worker/drop.h"
#include "worker/settings.h"

static bool drops_us(const DropStmt *statement);
static bool has_ledger_rows(void);

/* Raises when the statement would drop a ledger that is not empty. */
void
sc_drop_check(Node *statement)
{
	if (sc_allow_drop || !IsA(statement, DropStmt) ||
		((DropStmt *) statement)->removeType != OBJECT_EXTENSION)
		return;
	if (!drops_us((DropStmt *) statement) || !OidIsValid(get_extension_oid("syncore", true)) ||
		!has_ledger_rows())
		return;
	ereport(ERROR, errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			errmsg("cannot drop extension \"syncore\": its ledger is not empty"),
			errdetail("All history, events and configuration would be gone."),
			errhint("Make a dump first, then: SET syncore.allow_drop = on;"));
}

/* Is ours among the names, or one that ours stands on? */
static bool
drops_us(const DropStmt *statement)
{
	ListCell *cell;

	foreach (cell, statement->objects)
	{
		const char *name = strVal(lfirst(cell));

		if (strcmp(name, "syncore") == 0 ||
			(statement->behavior == DROP_CASCADE && strcmp(name, "pg_trgm") == 0))
			return true;
	}
	return false;
}

/* One row is enough. */
static bool
has_ledger_rows(void)
{
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (SPI_execute("SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid "
					"OPERATOR(pg_catalog.=) c.relnamespace "
					"WHERE n.nspname OPERATOR(pg_catalog.=) 'syncore' AND c.relname "
					"OPERATOR(pg_catalog.=) 'ledger'",
					true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look for the ledger");
	bool found = SPI_processed > 0;
	if (found)
	{
		if (SPI_execute("SELECT 1 FROM syncore.ledger", true, 1) != SPI_OK_SELECT)
			elog(ERROR, "could not look into the ledger");
		found = SPI_processed > 0;
	}
	PopActiveSnapshot();
	SPI_finish();
	return found;
}
