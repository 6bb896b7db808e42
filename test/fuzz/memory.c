/*
 * memory.c
 *	  See memory.h.
 */
#define SYNCORE_TEST_FUZZ_MEMORY_C
#include "memory.h"

#include "utils/memutils.h"

#define PIECES_MAX 65536

/* In order of birth; what was freed leaves a hole. */
static void *pieces[PIECES_MAX];
static int npieces;

void *
fuzz_palloc(Size size)
{
	void *piece;

	if (!AllocSizeIsValid(size))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("invalid memory alloc request size %zu", size)));
	if (npieces == PIECES_MAX)
		return palloc(size);
	piece = malloc(size == 0 ? 1 : size);
	if (piece == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	pieces[npieces++] = piece;
	return piece;
}

void *
fuzz_palloc0(Size size)
{
	void *piece = fuzz_palloc(size);

	memset(piece, 0, size);
	return piece;
}

/* Where it is kept; -1 = the server made it. */
static int
find(const void *pointer)
{
	for (int i = npieces - 1; i >= 0; i--)
		if (pieces[i] == pointer)
			return i;
	return -1;
}

void *
fuzz_repalloc(void *pointer, Size size)
{
	int at = find(pointer);

	if (at < 0)
		return repalloc(pointer, size);
	pieces[at] = realloc(pointer, size);
	return pieces[at];
}

void
fuzz_pfree(void *pointer)
{
	int at = find(pointer);

	if (at < 0)
	{
		pfree(pointer);
		return;
	}
	free(pointer);
	pieces[at] = NULL;
	while (npieces > 0 && pieces[npieces - 1] == NULL)
		npieces--;
}

char *
fuzz_pstrdup(const char *text)
{
	return fuzz_pnstrdup(text, strlen(text));
}

char *
fuzz_pnstrdup(const char *text, Size len)
{
	char *copy;

	len = strnlen(text, len);
	copy = fuzz_palloc(len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

void
fuzz_free_all(void)
{
	for (int i = 0; i < npieces; i++)
		free(pieces[i]);
	npieces = 0;
}
