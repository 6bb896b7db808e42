/*
 * memory.h
 *	  What the code under test allocates, each piece by itself: a sanitizer then
 *	  sees a read past its end, which inside a block of the server it would not.
 *
 * The build gives this file to every source before all else (run), so that
 * palloc and its kin mean these functions there.
 */
#ifndef SYNCORE_TEST_FUZZ_MEMORY_H
#define SYNCORE_TEST_FUZZ_MEMORY_H

#include "postgres.h"

extern void *fuzz_palloc(Size size);
extern void *fuzz_palloc0(Size size);
extern void *fuzz_repalloc(void *pointer, Size size);
extern void fuzz_pfree(void *pointer);
extern char *fuzz_pstrdup(const char *text);
extern char *fuzz_pnstrdup(const char *text, Size len);

/* All of it at once, as a memory context would. */
extern void fuzz_free_all(void);

#ifndef SYNCORE_TEST_FUZZ_MEMORY_C
#define palloc fuzz_palloc
#define palloc0 fuzz_palloc0
#define repalloc fuzz_repalloc
#define pfree fuzz_pfree
#define pstrdup fuzz_pstrdup
#define pnstrdup fuzz_pnstrdup
#endif

#endif
