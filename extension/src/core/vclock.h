/*
 * vclock.h
 *	  Version vectors: per link the highest counter merged.
 *
 * A dot is one write of one field: (link, n).  Link 0 is the hub itself
 * (resolve, SQL).  Entries are sorted by link and have n > 0.  The SQL type
 * syncore.vclock is a varlena of varints; text form {1:3,42:7}.
 */
#ifndef SC_CORE_VCLOCK_H
#define SC_CORE_VCLOCK_H

#include "postgres.h"

#define SC_VCLOCK_ENTRIES_MAX 10000

typedef struct ScDot
{
	int64 link; /* 0 = the hub */
	int64 n;	/* counts from 1 per (link, field) */
} ScDot;

typedef struct ScClock
{
	int len;
	ScDot *dots; /* sorted by link, each link once; palloc'd in the owner's context */
} ScClock;

extern ScClock sc_vclock_empty(void);
extern ScClock sc_vclock_copy(const ScClock *clock);
extern int64 sc_vclock_get(const ScClock *clock, int64 link); /* 0 = none */
extern bool sc_vclock_equal(const ScClock *a, const ScClock *b);
extern bool sc_vclock_covers(const ScClock *a, const ScClock *b); /* a >= b in every entry */
extern bool sc_vclock_covers_dot(const ScClock *clock, ScDot dot);
extern bool sc_vclock_concurrent(const ScClock *a, const ScClock *b);

/* Results are palloc'd in the current context; inputs are left alone. */
extern ScClock sc_vclock_merge(const ScClock *a, const ScClock *b);
extern ScClock sc_vclock_with_dot(const ScClock *clock, ScDot dot);

/* Text form, palloc'd; and back.  A malformed text gives false, never an error. */
extern char *sc_vclock_to_cstring(const ScClock *clock);
extern bool sc_vclock_parse(const char *text, ScClock *result);

/* The stored form (whole varlena), and back.  sc_vclock_unpack raises data_corrupted on a bad one. */
extern bytea *sc_vclock_pack(const ScClock *clock);
extern ScClock sc_vclock_unpack(const bytea *packed);

#endif
