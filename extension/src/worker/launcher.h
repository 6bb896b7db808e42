/*
 * launcher.h
 *	  The one worker of the cluster that starts and stops all others.
 */
#ifndef SC_WORKER_LAUNCHER_H
#define SC_WORKER_LAUNCHER_H

extern void sc_launcher_register(void); /* in _PG_init, preloading */
extern void sc_hook_init(void); /* hook.c: statements that need a database without workers */

#endif
