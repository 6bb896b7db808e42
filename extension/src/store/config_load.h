/*
 * config_load.h
 *	  Reads the configuration tables into an ScConf.  Used by config.c only.
 */
#ifndef SC_STORE_CONFIG_LOAD_H
#define SC_STORE_CONFIG_LOAD_H

#include "core/conf_private.h"

/* Fills conf, allocating in the current context.  SPI must be connected, as a role that may read everything. */
extern void sc_config_load(ScConf *conf);

/* Parts that live in files of their own. */
extern void sc_config_load_products(ScConf *conf);
extern void sc_config_load_rules(ScConf *conf);

/* One table's rows, as the active snapshot shows them, and their columns in the current context. */
extern int sc_config_rows(const char *sql);
extern bool sc_config_is_null(int row, int column);
extern char *sc_config_text(int row, int column); /* NULL = null */
extern int32 sc_config_int(int row, int column);  /* 0 = null */
extern bool sc_config_bool(int row, int column);
extern int64 sc_config_interval(int row, int column); /* microseconds; 0 = null */
extern double sc_config_float(int row, int column);
extern Jsonb *sc_config_jsonb(int row, int column); /* NULL = null */
extern JsonPath *sc_config_jsonpath(int row, int column);
extern char **sc_config_text_array(int row, int column, int *len); /* NULL = null */
extern int *sc_config_int_array(int row, int column, int *len);
extern ScPointer *sc_config_pointer(const char *text);
extern int sc_config_word(const char *text, const char *const *words, int n); /* index of a label */
extern const ScEntityType *sc_config_type(const ScConf *conf, const char *name); /* NULL = none */
extern ScSystem *sc_config_system(const ScConf *conf, const char *name); /* before sc_conf_finish */

#endif
