/*
 * targets.h
 *	  What is fuzzed: each target takes bytes from outside, feeds them to one
 *	  part of core, and checks what must hold of the result.
 */
#ifndef SYNCORE_TEST_FUZZ_TARGETS_H
#define SYNCORE_TEST_FUZZ_TARGETS_H

#include "utils/jsonb.h"

typedef struct FuzzTarget
{
	const char *name;
	/* data is followed by a zero byte. */
	void (*run)(const char *data, size_t size);
} FuzzTarget;

/* Ends with a name that is NULL. */
extern const FuzzTarget fuzz_targets[];

/* A promise: what is false here ends the run, with the input kept. */
#define FUZZ_MUST(condition)                                                                       \
	do                                                                                             \
	{                                                                                              \
		if (!(condition))                                                                          \
			fuzz_broken(#condition);                                                               \
	} while (0)

extern void fuzz_broken(const char *what) pg_attribute_noreturn();

/* A document, or NULL when the text is none; what the server's own parser refuses is no finding. */
extern Jsonb *fuzz_json(const char *text);

#endif
