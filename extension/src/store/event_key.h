/*
 * event_key.h
 *	  Ids of events, each taken once (R1).
 */
#ifndef SC_STORE_EVENT_KEY_H
#define SC_STORE_EVENT_KEY_H

typedef struct ScEventKey
{
	int32 system_id;
	const char *event_id;
	int64 event;
	bool claimed; /* out: nobody had it before */
} ScEventKey;

/*
 * Claims the ids; of two events with the same id in the set the first gets it.
 * Waits for a transaction that is claiming one of them.  Under a fixed snapshot
 * raises serialization_failure when one was claimed by a transaction that the
 * snapshot does not see.
 */
extern void sc_event_key_claim(ScEventKey *keys, int n);

#endif
