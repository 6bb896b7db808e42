/*
 * settings.c
 *	  Defines the settings of syncore (GUCs) and holds their values.
 *
 * Without preload there is no shared memory and no worker; the settings that
 * size them then change nothing, and are defined so that SHOW works and a
 * typing error is still reported.
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "worker/settings.h"

int sc_max_workers = SC_MAX_WORKERS_DEFAULT;
int sc_shared_memory = 8192;
char *sc_databases = NULL;
bool sc_enabled = true;
char *sc_secret_directory = NULL;
int sc_listen_port = 0;
char *sc_listen_addresses = NULL;
char *sc_public_url = NULL;
char *sc_allowed_hosts = NULL;
int sc_max_in_flight = SC_MAX_IN_FLIGHT_DEFAULT;
int sc_log_min_messages = WARNING;
int sc_poll_naptime = SC_POLL_NAPTIME_DEFAULT;
char *sc_change_reason = NULL;
char *sc_operator = NULL;
bool sc_allow_drop = false;

static const struct config_enum_entry message_levels[] = {
	{ "debug", DEBUG2, true }, { "debug2", DEBUG2, false }, { "debug1", DEBUG1, false },
	{ "info", INFO, false },   { "notice", NOTICE, false }, { "warning", WARNING, false },
	{ "error", ERROR, false }, { "log", LOG, false },		{ NULL, 0, false }
};

static void define_restart(GucContext context);
static void define_reload_text(void);
static void define_reload_numbers(void);
static void define_session(void);

void
sc_settings_define(bool preloaded)
{
	define_restart(preloaded ? PGC_POSTMASTER : PGC_SIGHUP);
	define_reload_text();
	define_reload_numbers();
	define_session();
	MarkGUCPrefixReserved("syncore");
}

static void
define_restart(GucContext context)
{
	DefineCustomIntVariable("syncore.max_workers",
							"Dispatchers that call other systems, per database.", NULL,
							&sc_max_workers, SC_MAX_WORKERS_DEFAULT, 1, SC_MAX_WORKERS_MAX, context,
							0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"syncore.shared_memory", "Shared memory for limits and counters of all systems.", NULL,
		&sc_shared_memory, 8192, 256, 1024 * 1024, context, GUC_UNIT_KB, NULL, NULL, NULL);
}

/* Texts that a reload changes. */
static void
define_reload_text(void)
{
	DefineCustomStringVariable("syncore.databases",
							   "Databases whose workers run, separated by commas.", NULL,
							   &sc_databases, "", PGC_SIGHUP, GUC_LIST_INPUT, NULL, NULL, NULL);
	DefineCustomStringVariable(
		"syncore.secret_directory",
		"Directory, outside the data directory, that holds secrets and the instance token.", NULL,
		&sc_secret_directory, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomStringVariable(
		"syncore.listen_addresses", "Addresses on which the webhook listener listens.", NULL,
		&sc_listen_addresses, "localhost", PGC_SIGHUP, GUC_LIST_INPUT, NULL, NULL, NULL);
	DefineCustomStringVariable("syncore.public_url",
							   "URL under which other systems reach the webhook listener.", NULL,
							   &sc_public_url, "", PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("syncore.allowed_hosts",
							   "Hosts that may be called, separated by commas; empty for all that "
							   "the address rules allow.",
							   "An entry is a host name, or *.domain for all hosts below a domain.",
							   &sc_allowed_hosts, "", PGC_SIGHUP, GUC_LIST_INPUT, NULL, NULL, NULL);
}

/* Switches and numbers that a reload changes. */
static void
define_reload_numbers(void)
{
	DefineCustomBoolVariable("syncore.enabled",
							 "Lets calls leave; when off everything is still received and decided.",
							 NULL, &sc_enabled, true, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("syncore.listen_port", "Port of the webhook listener; 0 for none.",
							NULL, &sc_listen_port, 0, 0, 65535, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("syncore.max_in_flight",
							"Calls that one dispatcher has in flight at most.", NULL,
							&sc_max_in_flight, SC_MAX_IN_FLIGHT_DEFAULT, 1, SC_MAX_IN_FLIGHT_MAX,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable(
		"syncore.log_min_messages", "Least level of what workers write to the server log.",
		"A cause is logged once a minute at most, and never with a payload.", &sc_log_min_messages,
		WARNING, message_levels, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("syncore.poll_naptime",
							"How long an idle worker sleeps before it looks for work unasked.",
							NULL, &sc_poll_naptime, SC_POLL_NAPTIME_DEFAULT, 1000, 60 * 1000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
}

static void
define_session(void)
{
	DefineCustomStringVariable("syncore.change_reason",
							   "Why the configuration is being changed; kept with the change.",
							   NULL, &sc_change_reason, "", PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("syncore.operator",
							   "The person behind a shared login; kept with changes and decisions.",
							   NULL, &sc_operator, "", PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("syncore.allow_drop",
							 "Lets DROP EXTENSION take a ledger that is not empty.", NULL,
							 &sc_allow_drop, false, PGC_SUSET, 0, NULL, NULL, NULL);
}
