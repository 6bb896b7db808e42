/*
 * errors.h
 *	  SQLSTATEs of class SY: errors that have no standard code.  Where a
 *	  standard code fits, it is used.
 */
#ifndef SC_CORE_ERRORS_H
#define SC_CORE_ERRORS_H

#include "postgres.h"

#define SC_ERRCODE_LINT MAKE_SQLSTATE('S', 'Y', '0', '0', '1') /* cannot be activated */
#define SC_ERRCODE_AMBIGUOUS                                                                       \
	MAKE_SQLSTATE('S', 'Y', '0', '0', '2') /* a reference names several records */
#define SC_ERRCODE_INSTANCE                                                                        \
	MAKE_SQLSTATE('S', 'Y', '0', '0', '3')					   /* not the instance that may send */
#define SC_ERRCODE_MODE MAKE_SQLSTATE('S', 'Y', '0', '0', '4') /* system is in the wrong mode */
#define SC_ERRCODE_CREDENTIAL                                                                      \
	MAKE_SQLSTATE('S', 'Y', '0', '0', '5')						 /* credential could not be used */
#define SC_ERRCODE_LEDGER MAKE_SQLSTATE('S', 'Y', '0', '0', '6') /* ledger rows cannot be changed */
#define SC_ERRCODE_REASON MAKE_SQLSTATE('S', 'Y', '0', '0', '7') /* a change needs a reason */
#define SC_ERRCODE_APPROVAL                                                                        \
	MAKE_SQLSTATE('S', 'Y', '0', '0', '8') /* a change needs another role's approval */
#define SC_ERRCODE_SHIPPED MAKE_SQLSTATE('S', 'Y', '0', '0', '9') /* shipped rows are read-only */
#define SC_ERRCODE_LOOP MAKE_SQLSTATE('S', 'Y', '0', '1', '0')	  /* held by the loop breaker */

#endif
