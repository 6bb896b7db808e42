/*
 * settings.h
 *	  The settings of syncore (GUCs).  Read-only everywhere else.
 */
#ifndef SC_WORKER_SETTINGS_H
#define SC_WORKER_SETTINGS_H

#include "postgres.h"

#define SC_MAX_WORKERS_DEFAULT 4
#define SC_MAX_WORKERS_MAX 16
#define SC_MAX_IN_FLIGHT_DEFAULT 256
#define SC_MAX_IN_FLIGHT_MAX 10000
#define SC_POLL_NAPTIME_DEFAULT 1000

/* Restart. */
extern int sc_max_workers;	 /* dispatchers per database */
extern int sc_shared_memory; /* kB */

/* Reload. */
extern char *sc_databases;		  /* comma-separated; NULL or empty = none */
extern bool sc_enabled;			  /* off: nothing leaves, everything is still decided */
extern char *sc_secret_directory; /* NULL or empty = none */
extern int sc_listen_port;		  /* 0 = no listener */
extern char *sc_listen_addresses;
extern char *sc_public_url;
extern char *sc_allowed_hosts;	/* empty = any that the address rules allow */
extern int sc_max_in_flight;	/* calls of one dispatcher */
extern int sc_log_min_messages; /* an elog level */
extern int sc_poll_naptime;		/* ms; how long an idle worker sleeps */

/* Session. */
extern char *sc_change_reason;
extern char *sc_operator;
extern bool sc_allow_drop;

/* Defines them all; called once, from _PG_init. */
extern void sc_settings_define(bool preloaded);

#endif
