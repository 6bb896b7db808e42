/*
 * base.h
 *	  What all workers of a database have in common: how they start, how they
 *	  open a transaction, how they survive an error, how they speak.
 */
#ifndef SC_WORKER_BASE_H
#define SC_WORKER_BASE_H

#include "postgres.h"
#include "postmaster/bgworker.h"

#include "worker/shared.h"

typedef struct ScWorkerArgs /* passed in bgw_extra */
{
	Oid database;
	Oid role_oid; /* syncore_worker */
	ScRole role;
	int index;
} ScWorkerArgs;

/* What sc_worker_begin found. */
typedef enum ScGate
{
	SC_GATE_OPEN,	/* a transaction with SPI and a snapshot is open */
	SC_GATE_ABSENT, /* the extension is not installed here; nothing is open */
	SC_GATE_BUSY	/* it is being dropped or altered; nothing is open: come back soon */
} ScGate;

/*
 * First call of every worker's main: signals, connection as syncore_worker,
 * fixed settings, slot.  Does not return when there is nothing to do for it.
 */
extern ScWorkerSlot *sc_worker_start(ScRole role);

/* With the handlers of signals in place: the first turn reads the settings again. */
extern void sc_worker_reload_first(void);

/* Interrupts, settings, counters: once a turn.  True when the settings were read again. */
extern bool sc_worker_turn(ScWorkerSlot *slot);

/*
 * Opens a transaction, unless the extension is absent or somebody is changing
 * it: a worker never stands in the way of DROP EXTENSION.
 */
extern ScGate sc_worker_begin(const char *activity);
extern void sc_worker_commit(void);

/* In PG_CATCH: aborts what is open and logs the message (never detail or context).  The caller then backs off. */
extern void sc_worker_recover(const char *what);

/* One line a cause a minute, if syncore.log_min_messages lets it. */
extern void sc_worker_log(int level, const char *cause, const char *format, ...)
	pg_attribute_printf(3, 4);

typedef struct ScWorkerAlert /* a row of syncore.alert */
{
	const char *level; /* warning or critical */
	const char *kind;
	const char *cause;	/* unique among the open ones */
	const char *object; /* may be NULL, as what follows */
	const char *detail;
	const char *hint;
} ScWorkerAlert;

/* Opens, or counts again, an alert; in a transaction.  At most once a minute a cause and process. */
extern void sc_worker_alert(const ScWorkerAlert *alert);
extern void sc_worker_alert_close(const char *cause);

/* Milliseconds to wait after so many failures in a row: 200, 400, … 60000. */
extern long sc_worker_backoff_ms(int failures);

#endif
