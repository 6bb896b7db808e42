/*
 * janitor.c
 *	  The janitor of a database: partitions made ahead, old rows removed,
 *	  alerts about the workers themselves, and about records that change too
 *	  often or are there twice, raised and closed.
 *
 * It wakes a few times a minute, and within a second of a commit that queued
 * something; it looks at everything when the settings are read again, writes
 * only when something is to be done, and never waits for a lock longer than a
 * second: what it cannot have now it tries again later.  Removal goes in
 * pieces, a transaction each, so that neither a lock nor a snapshot lives long.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "store/config.h"
#include "worker/base.h"
#include "worker/settings.h"

#define TURN_MS 10000
#define PIECE_MS 200 /* between two pieces of removal */
#define PARTITIONS_US (60 * INT64CONST(60) * USECS_PER_SEC)
#define REMOVAL_US (10 * 60 * USECS_PER_SEC)
#define WATCH_US (10 * USECS_PER_SEC)
#define RESTLESS_US (60 * USECS_PER_SEC)
#define DUPLICATES_US (10 * 60 * USECS_PER_SEC)
#define LINT_US (60 * INT64CONST(60) * USECS_PER_SEC) /* for what time alone makes wrong */
#define AGAIN_US (5 * 60 * USECS_PER_SEC)			  /* an alert that stands is counted again */
#define TELL_US USECS_PER_SEC
#define STUCK_US (5 * 60 * USECS_PER_SEC)
#define STARTING_US (30 * USECS_PER_SEC) /* workers may take so long to come */
#define SHORT_US (2 * 60 * USECS_PER_SEC)

typedef struct Watch /* one thing that is right or wrong */
{
	const char *cause; /* of its alert */
	const char *level;
	bool (*is_wrong)(char *detail, size_t len);
	const char *hint;
	bool raised;
	bool known; /* judged at least once by this process */
	TimestampTz told_at;
} Watch;

extern PGDLLEXPORT void syncore_janitor_main(Datum arg);

static void look_at_all(void);
static long run_turn(ScWorkerSlot *slot);
static bool is_due(TimestampTz *next, int64 every_us);
static long hear_and_tell(ScWorkerSlot *slot);
static void make_partitions(void);
static void look_for_restless(void);
static bool remove_piece(void);
static void watch_config(void);
static void watch_all(void);
static void watch_one(Watch *watch, TimestampTz now);
static bool lacks_slots(char *detail, size_t len);
static bool lacks_dispatchers(char *detail, size_t len);
static bool has_stuck_worker(char *detail, size_t len);
static bool listens_in_vain(char *detail, size_t len);
static bool lacks_partitions(char *detail, size_t len);
static bool has_strays(char *detail, size_t len);
static bool ask_partitions(const char *query, char *detail, size_t len);
static int64 call_number(const char *query);

static TimestampTz started_at;
static TimestampTz next_tell = 0;
static TimestampTz next_partitions = 0;
static TimestampTz next_removal = 0;
static TimestampTz next_watch = 0;
static TimestampTz next_restless = 0;
static TimestampTz next_duplicates = 0;
static int64 looked_until = 0; /* row of the ledger */
static TimestampTz next_lint = 0;
static bool linted = false; /* the configuration as this process has it */

static Watch watches[] = {
	{ "workers:slots", "critical", lacks_slots,
	  "Raise max_worker_processes and restart the server, or lower syncore.max_workers." },
	{ "workers:dispatchers", "warning", lacks_dispatchers,
	  "See the server log for lines of syncore." },
	{ "workers:stuck", "warning", has_stuck_worker, "See what it waits for in pg_stat_activity." },
	{ "workers:listener", "critical", listens_in_vain,
	  "See that syncore.listen_addresses are addresses of this machine and the port is free." },
	{ "partitions:ahead", "critical", lacks_partitions,
	  "Somebody holds a lock on the table for long, or the default partition has rows of that "
	  "time." },
	{ "partitions:default", "warning", has_strays,
	  "The rows are safe and are found, but retention does not reach them." },
};

void
syncore_janitor_main(Datum arg)
{
	ScWorkerSlot *slot = sc_worker_start(SC_ROLE_JANITOR);
	int failures = 0;

	SetConfigOption("lock_timeout", "1s", PGC_USERSET, PGC_S_SESSION);
	started_at = sc_shared_now();
	sc_shared_serving(slot, true);
	for (;;)
	{
		volatile long wait = TURN_MS;

		if (sc_worker_turn(slot))
			look_at_all();
		PG_TRY();
		{
			wait = run_turn(slot);
			failures = 0;
		}
		PG_CATCH();
		{
			sc_worker_recover("the janitor");
			wait = Max(sc_worker_backoff_ms(++failures), 1000);
		}
		PG_END_TRY();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, wait,
						 sc_wait_event("SyncoreJanitor"));
		ResetLatch(MyLatch);
	}
}

/* Other settings may make anything right or wrong; and who wants to know now reloads them. */
static void
look_at_all(void)
{
	next_tell = next_partitions = next_removal = next_watch = 0;
	next_restless = next_duplicates = next_lint = 0;
}

/* What is due, each in a transaction of its own.  Returns how long to sleep; a commit elsewhere may wake us early. */
static long
run_turn(ScWorkerSlot *slot)
{
	bool more = false;
	long wait = hear_and_tell(slot);

	if (wait < 0)
		return TURN_MS;
	if (is_due(&next_watch, WATCH_US))
	{
		if (sc_worker_begin("watching") != SC_GATE_OPEN)
			return TURN_MS;
		watch_all();
		sc_worker_commit();
	}
	if (is_due(&next_restless, RESTLESS_US))
	{
		if (sc_worker_begin("looking for restless records") != SC_GATE_OPEN)
			return TURN_MS;
		look_for_restless();
		sc_worker_commit();
	}
	if (is_due(&next_partitions, PARTITIONS_US))
	{
		if (sc_worker_begin("making partitions") != SC_GATE_OPEN)
			return TURN_MS;
		make_partitions();
		sc_worker_commit();
	}
	if (is_due(&next_removal, REMOVAL_US))
	{
		if (sc_worker_begin("removing what is old") != SC_GATE_OPEN)
			return TURN_MS;
		more = remove_piece();
		sc_worker_commit();
		if (more)
			next_removal = 0;
	}
	sc_shared_state(slot, more ? "removing what is old" : "resting");
	return more ? PIECE_MS : wait;
}

/* True when the time has come; then sets the next one.  What fails is tried again after a minute. */
static bool
is_due(TimestampTz *next, int64 every_us)
{
	TimestampTz now = sc_shared_now();

	if (now < *next)
		return false;
	*next = now + every_us;
	return true;
}

/*
 * What commits wake us for, at most once a second: another configuration, an
 * alert.  Returns how long to sleep; -1: the database cannot be worked in now.
 */
static long
hear_and_tell(ScWorkerSlot *slot)
{
	TimestampTz now = sc_shared_now();

	if (!is_due(&next_tell, TELL_US))
		return Max((next_tell - now) / 1000, 1);
	slot->asked = false; /* before the snapshot: what is committed after it asks again */
	pg_memory_barrier();
	if (sc_worker_begin("telling of alerts") != SC_GATE_OPEN)
		return -1;
	watch_config();
	call_number("SELECT syncore._fill_references()");
	call_number("SELECT syncore._fill_match_keys()");
	call_number("SELECT syncore._tell_alerts()");
	sc_worker_commit();
	return TURN_MS;
}

static void
make_partitions(void)
{
	char detail[256];

	call_number("SELECT syncore._make_partitions()");
	CommandCounterIncrement();
	if (lacks_partitions(detail, sizeof(detail)))
		next_partitions = sc_shared_now() + 60 * USECS_PER_SEC;
}

/* Records whose state changes all the time; less often, whether more of them than usual are there twice. */
static void
look_for_restless(void)
{
	char query[80];

	snprintf(query, sizeof(query), "SELECT syncore._watch_transitions(" INT64_FORMAT ")",
			 looked_until);
	looked_until = call_number(query);
	if (is_due(&next_duplicates, DUPLICATES_US))
		call_number("SELECT syncore._watch_duplicates()");
}

/* True when there is more to remove. */
static bool
remove_piece(void)
{
	int64 gone = call_number("SELECT syncore._retire_events()");

	gone += call_number("SELECT syncore._retire_records()");
	call_number("SELECT syncore._close_quiet_alerts()");
	return gone > 0;
}

/* Too dear for every look at health: done when the configuration has changed, else once an hour. */
static void
watch_config(void)
{
	if (sc_config_at_hand() == NULL)
	{
		(void) sc_config_get();
		linted = false;
	}
	if (!is_due(&next_lint, LINT_US) && linted)
		return;
	linted = false;
	call_number("SELECT syncore._watch_config()");
	linted = true;
}

static void
watch_all(void)
{
	TimestampTz now = sc_shared_now();

	for (int i = 0; i < lengthof(watches); i++)
		watch_one(&watches[i], now);
}

/* Writes only when right turns wrong, wrong turns right, or wrong has lasted. */
static void
watch_one(Watch *watch, TimestampTz now)
{
	char detail[256] = "";

	if (watch->is_wrong(detail, sizeof(detail)))
	{
		if (watch->raised && now - watch->told_at < AGAIN_US)
			return;
		sc_worker_alert(&(ScWorkerAlert){ .level = watch->level,
										  .kind = "worker",
										  .cause = watch->cause,
										  .detail = detail,
										  .hint = watch->hint });
		watch->raised = true;
		watch->told_at = now;
	}
	else if (watch->raised || !watch->known)
	{
		sc_worker_alert_close(watch->cause);
		watch->raised = false;
	}
	watch->known = true;
}

static bool
lacks_slots(char *detail, size_t len)
{
	TimestampTz at = sc_shared->slots_short_at;

	snprintf(detail, len, "The server has no free slot for a worker (max_worker_processes is %d).",
			 max_worker_processes);
	return at != 0 && sc_shared_now() - at < SHORT_US;
}

static bool
lacks_dispatchers(char *detail, size_t len)
{
	int running = 0;

	LWLockAcquire(sc_shared->lock, LW_SHARED);
	for (int i = 0; i < SC_WORKERS_MAX; i++)
		if (sc_shared->workers[i].role == SC_ROLE_DISPATCHER &&
			sc_shared->workers[i].database == MyDatabaseId)
			running++;
	LWLockRelease(sc_shared->lock);
	snprintf(detail, len, "%d of %d dispatchers are at work.", running, sc_max_workers);
	return running < sc_max_workers && sc_shared_now() - started_at > STARTING_US;
}

static bool
has_stuck_worker(char *detail, size_t len)
{
	static const char *const roles[] = { "free", "launcher", "dispatcher", "listener", "janitor" };
	TimestampTz now = sc_shared_now();
	bool found = false;

	LWLockAcquire(sc_shared->lock, LW_SHARED);
	for (int i = 0; i < SC_WORKERS_MAX && !found; i++)
	{
		const ScWorkerSlot *slot = &sc_shared->workers[i];

		if (slot->role == SC_ROLE_FREE || slot->role == SC_ROLE_LAUNCHER ||
			slot->database != MyDatabaseId)
			continue;
		if (slot->turned_at == 0 || now - slot->turned_at < STUCK_US)
			continue;
		found = true;
		snprintf(detail, len, "%s %d (process %d) has not turned for %d minutes: %.100s.",
				 roles[slot->role], slot->index, (int) slot->pid,
				 (int) ((now - slot->turned_at) / (60 * USECS_PER_SEC)), slot->state);
	}
	LWLockRelease(sc_shared->lock);
	return found;
}

static bool
listens_in_vain(char *detail, size_t len)
{
	static const char words[] = "not listening";
	bool found = false;

	LWLockAcquire(sc_shared->lock, LW_SHARED);
	for (int i = 0; i < SC_WORKERS_MAX && !found; i++)
	{
		const ScWorkerSlot *slot = &sc_shared->workers[i];

		found = slot->role == SC_ROLE_LISTENER && slot->database == MyDatabaseId &&
				sc_listen_port != 0 && strncmp(slot->state, words, sizeof(words) - 1) == 0;
		if (found)
			snprintf(detail, len, "The listener takes no webhooks; it is %.120s.", slot->state);
	}
	LWLockRelease(sc_shared->lock);
	return found;
}

static bool
lacks_partitions(char *detail, size_t len)
{
	return ask_partitions(
		"SELECT format('Partitions of %s are made until %s.', p.parent, "
		"coalesce(p.covered_until::text, 'never'))"
		" FROM syncore._partition_state() p"
		" WHERE coalesce(p.covered_until, '-infinity') < now() + interval '2 days' LIMIT 1",
		detail, len);
}

static bool
has_strays(char *detail, size_t len)
{
	return ask_partitions("SELECT format('Rows of %s have missed their partition and are in the "
						  "default one.', p.parent)"
						  " FROM syncore._partition_state() p WHERE p.strays LIMIT 1",
						  detail, len);
}

/* True, with its text, when the query gives a row. */
static bool
ask_partitions(const char *query, char *detail, size_t len)
{
	if (SPI_execute(query, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not ask for the state of partitions");
	if (SPI_processed == 0)
		return false;
	strlcpy(detail, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1), len);
	return true;
}

/* The number that a function of ours returns. */
static int64
call_number(const char *query)
{
	if (SPI_execute(query, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not run \"%s\"", query);
	return strtoll(SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1), NULL, 10);
}
