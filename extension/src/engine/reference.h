/*
 * reference.h
 *	  Fields that name another record: its key there, its entity here.
 */
#ifndef SC_ENGINE_REFERENCE_H
#define SC_ENGINE_REFERENCE_H

#include "core/conf.h"

/* The number of the entity that a record of the system belongs to, by its id or the key that people read; NULL: nobody knows it yet. */
extern char *sc_reference_up(const ScSystem *system, const char *key);

/* The id, or with by_key the key that people read, of the record that a canonical reference has in a system; NULL: it has none yet. */
extern char *sc_reference_down(const ScConf *conf, const ScSystem *system, const char *canonical,
							   bool by_key);

#endif
