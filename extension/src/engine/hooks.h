/*
 * hooks.h
 *	  User functions named in configuration rows: transforms and policy rules.
 */
#ifndef SC_ENGINE_HOOKS_H
#define SC_ENGINE_HOOKS_H

#include "core/merge.h"

#define SC_HOOKS_TIMEOUT_MS 1000 /* one call */

/* Hooks for a batch; static, always the same.  SPI must be connected while they are used. */
extern const ScMapHooks *sc_hooks_map(void);
extern const ScDecideHooks *sc_hooks_decide(void);

#endif
