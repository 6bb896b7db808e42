/*
 * event_key.c
 *	  See event_key.h.  In the order of ids: two sessions with the same ids wait
 *	  for one another and never deadlock.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "store/catalog.h"
#include "store/event_key.h"
#include "store/table.h"

enum
{
	KEY_SYSTEM,
	KEY_EVENT_ID,
	KEY_EVENT,
	KEY_SEEN_AT,
	KEY_REPEATED,
	KEY_COLUMNS
};

static int order_keys(const void *a, const void *b);

void
sc_event_key_claim(ScEventKey *keys, int n)
{
	static const char *const columns[KEY_COLUMNS] = { "system_id", "event_id", "event", "seen_at",
													  "repeated" };
	ScEventKey **sorted = palloc(sizeof(ScEventKey *) * Max(n, 1));
	ScTable *table;

	if (n == 0)
		return;
	for (int i = 0; i < n; i++)
		sorted[i] = &keys[i];
	qsort(sorted, n, sizeof(ScEventKey *), order_keys);
	table = sc_table_open(sc_catalog_get()->event_key, KEY_COLUMNS, columns);
	sc_table_arbitrate(table);
	TupleTableSlot *row = sc_table_row(table);

	for (int i = 0; i < n; i++)
	{
		ExecClearTuple(row);
		sc_table_set(table, row, KEY_SYSTEM, Int32GetDatum(sorted[i]->system_id));
		sc_table_set_text(table, row, KEY_EVENT_ID, sorted[i]->event_id);
		sc_table_set(table, row, KEY_EVENT, Int64GetDatum(sorted[i]->event));
		sc_table_set(table, row, KEY_SEEN_AT,
					 TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
		sc_table_set(table, row, KEY_REPEATED, Int32GetDatum(0));
		sorted[i]->claimed = sc_table_claim(table, row);
	}
	sc_table_close(table);
}

/* Of one id, the first in the set comes first. */
static int
order_keys(const void *a, const void *b)
{
	const ScEventKey *x = *(const ScEventKey *const *) a;
	const ScEventKey *y = *(const ScEventKey *const *) b;

	if (x->system_id != y->system_id)
		return x->system_id < y->system_id ? -1 : 1;
	int order = strcmp(x->event_id, y->event_id);

	return order != 0 ? order : x < y ? -1 : x > y ? 1 : 0;
}
