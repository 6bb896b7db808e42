/*
 * fields.c
 *	  Lists that are sorted by the name of a field.
 */
#include "postgres.h"

#include "core/fields.h"

static const char *name_of(const void *items, size_t size, int at);
static int compare_names(const void *a, const void *b);

int
sc_fields_seek(const void *items, int len, size_t size, const char *name, bool *found)
{
	int low = 0;
	int high = len;

	*found = false;
	while (low < high)
	{
		int middle = low + (high - low) / 2;
		int order = strcmp(name_of(items, size, middle), name);

		if (order == 0)
		{
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void *
sc_fields_insert(const void *items, int len, size_t size, int at, const char *name)
{
	char *grown = palloc(size * (len + 1));
	char *item = grown + size * at;

	if (at > 0)
		memcpy(grown, items, size * at);
	if (at < len)
		memcpy(item + size, (const char *) items + size * at, size * (len - at));
	memset(item, 0, size);
	*(char **) item = pstrdup(name);
	return grown;
}

void
sc_fields_sort(void *items, int len, size_t size)
{
	if (len > 1)
		qsort(items, len, size, compare_names);
}

static const char *
name_of(const void *items, size_t size, int at)
{
	return *(char *const *) ((const char *) items + size * at);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}
