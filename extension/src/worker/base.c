/*
 * base.c
 *	  What all workers of a database have in common.
 *
 * Workers run as syncore_worker with fixed settings, hold no lock between two
 * turns but advisory ones, and never wait for the extension: before a
 * transaction they take a share lock on the extension object if it is free,
 * so that DROP EXTENSION neither waits for long nor meets them in a deadlock.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "worker/base.h"
#include "worker/settings.h"

#define CAUSES_MAX 64
#define CAUSE_QUIET_US (60 * USECS_PER_SEC)

typedef struct Cause /* when something was last said */
{
	uint32 hash;
	TimestampTz at;
} Cause;

static MemoryContext outside; /* current when the transaction began, and again when it has ended */

static void fix_settings(void);
static bool lock_extension(Oid extension);
static bool is_quiet(Cause *causes, const char *cause);

ScWorkerSlot *
sc_worker_start(ScRole role)
{
	ScWorkerArgs args;

	memcpy(&args, MyBgworkerEntry->bgw_extra, sizeof(args));
	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	sc_worker_reload_first();
	BackgroundWorkerUnblockSignals();
	if (sc_shared == NULL || args.role != role || sc_shared_is_blocked(args.database))
		proc_exit(0);
	BackgroundWorkerInitializeConnectionByOid(args.database, args.role_oid,
											  SC_WORKER_CONNECT_FLAGS);
	fix_settings();
	StartTransactionCommand();
	char *name = MemoryContextStrdup(TopMemoryContext, get_database_name(MyDatabaseId));
	CommitTransactionCommand();
	ScWorkerSlot *slot = sc_shared_attach(role, args.database, name, args.index);
	if (slot == NULL || sc_shared_is_blocked(args.database))
		proc_exit(0);
	pgstat_report_appname(MyBgworkerEntry->bgw_type);
	sc_shared_state(slot, "starting");
	return slot;
}

/* Between its fork and its handlers the server has a worker ignore SIGHUP: a reload of that moment would be lost on it for good. */
void
sc_worker_reload_first(void)
{
	ConfigReloadPending = true;
}

/* Whatever ALTER ROLE or ALTER DATABASE may have set. */
static void
fix_settings(void)
{
	static const char *const fixed[][2] = { { "search_path", "pg_catalog, pg_temp" },
											{ "row_security", "on" },
											{ "default_transaction_isolation", "read committed" },
											{ "default_transaction_read_only", "off" },
											{ "default_transaction_deferrable", "off" },
											{ "statement_timeout", "0" },
											{ "lock_timeout", "0" },
											{ "idle_in_transaction_session_timeout", "0" },
											{ "DateStyle", "ISO, YMD" },
											{ "IntervalStyle", "postgres" },
											{ "extra_float_digits", "1" },
											{ "bytea_output", "hex" },
											{ "standard_conforming_strings", "on" },
											{ "jit", "off" } };

	for (int i = 0; i < lengthof(fixed); i++)
		SetConfigOption(fixed[i][0], fixed[i][1], PGC_USERSET, PGC_S_SESSION);
}

bool
sc_worker_turn(ScWorkerSlot *slot)
{
	bool reload = ConfigReloadPending;

	CHECK_FOR_INTERRUPTS();
	if (reload)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	sc_shared_turn(slot);
	return reload;
}

ScGate
sc_worker_begin(const char *activity)
{
	outside = CurrentMemoryContext;
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	Oid extension = get_extension_oid("syncore", true);
	if (!OidIsValid(extension))
	{
		CommitTransactionCommand();
		MemoryContextSwitchTo(outside);
		return SC_GATE_ABSENT;
	}
	if (!lock_extension(extension))
	{
		CommitTransactionCommand();
		MemoryContextSwitchTo(outside);
		return SC_GATE_BUSY;
	}
	pgstat_report_activity(STATE_RUNNING, activity);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	PushActiveSnapshot(GetTransactionSnapshot());
	return SC_GATE_OPEN;
}

/* True with the lock, taken for this transaction, on the extension as it still is. */
static bool
lock_extension(Oid extension)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, ExtensionRelationId, extension, 0);
	if (LockAcquire(&tag, AccessShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	AcceptInvalidationMessages();
	return get_extension_oid("syncore", true) == extension;
}

void
sc_worker_commit(void)
{
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(outside);
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
}

void
sc_worker_recover(const char *what)
{
	HOLD_INTERRUPTS();
	MemoryContextSwitchTo(TopMemoryContext);
	ErrorData *error = CopyErrorData();
	FlushErrorState();
	error_context_stack = NULL;
	AbortCurrentTransaction();
	LWLockReleaseAll();
	pgstat_report_activity(STATE_IDLE, NULL);
	RESUME_INTERRUPTS();
	sc_worker_log(WARNING, error->message, "syncore: %s failed: %s (%s)", what, error->message,
				  unpack_sql_state(error->sqlerrcode));
	FreeErrorData(error);
}

void
sc_worker_log(int level, const char *cause, const char *format, ...)
{
	static Cause causes[CAUSES_MAX];
	char words[1024];
	va_list args;

	if (level < sc_log_min_messages || is_quiet(causes, cause))
		return;
	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	ereport(level, (errcode(ERRCODE_WARNING), errmsg_internal("%s", words)));
}

/* True when the cause was told of within the last minute; else remembers it. */
static bool
is_quiet(Cause *causes, const char *cause)
{
	uint32 hash = hash_bytes((const unsigned char *) cause, strlen(cause));
	TimestampTz now = sc_shared_now();
	Cause *oldest = causes;

	for (int i = 0; i < CAUSES_MAX; i++)
	{
		if (causes[i].hash == hash && causes[i].at != 0)
		{
			bool quiet = now - causes[i].at < CAUSE_QUIET_US;

			if (!quiet)
				causes[i].at = now;
			return quiet;
		}
		if (causes[i].at < oldest->at)
			oldest = &causes[i];
	}
	oldest->hash = hash;
	oldest->at = now;
	return false;
}

void
sc_worker_alert(const ScWorkerAlert *alert)
{
	static Cause causes[CAUSES_MAX];
	Oid types[6] = { TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID };
	const char *texts[6] = { alert->level,	alert->kind,   alert->cause,
							 alert->object, alert->detail, alert->hint };
	Datum values[6];
	char nulls[7] = "      ";

	if (is_quiet(causes, alert->cause))
		return;
	for (int i = 0; i < 6; i++)
	{
		values[i] = texts[i] ? CStringGetTextDatum(texts[i]) : (Datum) 0;
		nulls[i] = texts[i] ? ' ' : 'n';
	}
	SPI_execute_with_args(
		"INSERT INTO syncore.alert (level, kind, cause, object, detail, hint, space_id)"
		" VALUES ($1, $2, $3, $4, $5, $6, (SELECT s.id FROM syncore.system y"
		" JOIN syncore.space s ON s.name = y.space WHERE y.name = $4))"
		" ON CONFLICT (cause) WHERE closed_at IS NULL"
		" DO UPDATE SET last_at = now(), times = alert.times + 1, detail = excluded.detail",
		6, types, values, nulls, false, 0);
}

void
sc_worker_alert_close(const char *cause)
{
	Oid types[1] = { TEXTOID };
	Datum values[1] = { CStringGetTextDatum(cause) };

	SPI_execute_with_args("UPDATE syncore.alert SET closed_at = now(), closed_by = 'syncore'"
						  " WHERE cause = $1 AND closed_at IS NULL",
						  1, types, values, NULL, false, 0);
}

long
sc_worker_backoff_ms(int failures)
{
	long wait = 200;

	for (int i = 1; i < failures && wait < 60000; i++)
		wait *= 2;
	return Min(wait, 60000);
}
