/*
 * config.h
 *	  The compiled configuration of this backend: loaded by SPI when first
 *	  needed, dropped when a configuration table changes (relcache
 *	  invalidation, sent by the statement triggers on those tables).
 *
 * Under REPEATABLE READ and above a loaded configuration lives for that
 * transaction only.
 */
#ifndef SC_STORE_CONFIG_H
#define SC_STORE_CONFIG_H

#include "core/conf.h"

/* The configuration in force for the current snapshot.  SPI must be connected.  Valid until the next call. */
extern ScConf *sc_config_get(void);

/* The same if it is loaded, else NULL.  Needs no SPI. */
extern ScConf *sc_config_at_hand(void);

/* What was committed when the transaction's snapshot was taken: without its own changes.  Good until it ends. */
extern ScConf *sc_config_committed(void);

/* Keeps a configuration beyond the next sc_config_get: a dispatcher's plans outlive the transaction. */
extern void sc_config_pin(ScConf *conf);
extern void sc_config_unpin(ScConf *conf);

/* Registers the invalidation callback; once per process. */
extern void sc_config_init(void);

#endif
