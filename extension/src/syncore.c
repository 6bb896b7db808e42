/*
 * syncore.c
 *	  The module's entry: identity, settings, shared memory, the launcher.
 *
 * Works in two ways.  Preloaded it also has workers.  Loaded by a function call
 * only, it decides but sends nothing: no shared memory, no hooks.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "compat.h"
#include "engine/engine.h"
#include "worker/launcher.h"
#include "worker/settings.h"
#include "worker/shared.h"

SC_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	bool preloaded = process_shared_preload_libraries_in_progress;

	sc_settings_define(preloaded);
	if (!preloaded || IsBinaryUpgrade)
		return;
	sc_shared_init();
	sc_hook_init();
	sc_launcher_register();
	sc_wake_hook = sc_shared_wake;
}
