/*
 * event.h
 *	  Rows of syncore.event in C: read from a slot or by id, the shape that was
 *	  read of them before they were stored, and the statement they make.
 */
#ifndef SC_ENGINE_EVENT_H
#define SC_ENGINE_EVENT_H

#include "core/shape.h"
#include "engine/engine.h"
#include "executor/tuptable.h"

enum
{
	EVENT_ID,
	EVENT_RECEIVED_AT,
	EVENT_TXID,
	EVENT_SYSTEM,
	EVENT_PAYLOAD,
	EVENT_RECORD_TYPE,
	EVENT_EVENT_ID,
	EVENT_KIND,
	EVENT_EXTERNAL_ID,
	EVENT_SOURCE_TIME,
	EVENT_SOURCE_VERSION,
	EVENT_ACTOR,
	EVENT_CORRELATION_ID,
	EVENT_BATCH_ID,
	EVENT_HEADERS,
	EVENT_EXTERNAL_KEY,
	EVENT_ACTOR_KIND,
	EVENT_MARKER,
	EVENT_SHAPE,
	EVENT_SYSTEM_ID,
	EVENT_SPACE_ID,
	EVENT_COLUMNS
};

/* Attribute numbers of the columns above in a row type; raises when one is missing.  Remembered for the last row type. */
extern const AttrNumber *sc_event_columns(TupleDesc desc);

/* Is the row this transaction's own, or was it loaded by a restore? */
extern bool sc_event_is_new(Datum txid, TimestampTz received_at);

/* Deep copy of a row into the current context. */
extern ScEventRow *sc_event_read(TupleTableSlot *slot);

/* Stored events by id, in the order of ids given; those no longer kept are NULL.  SPI must be connected. */
extern ScEventRow **sc_event_load(const int64 *ids, int n);

/*
 * What the BEFORE trigger read of an event before parts of its payload were
 * left out: kept until the AFTER trigger of the same statement has used it.
 */
typedef struct ScHeard
{
	int64 event; /* key */
	ScShape shape;
	Jsonb *payload; /* as it came */
} ScHeard;
extern MemoryContext sc_event_heard_context(void); /* shape and payload must live here */
extern void sc_event_remember(const ScHeard *heard, ScConf *conf);
extern const ScHeard *sc_event_heard(int64 event, const ScConf *conf); /* NULL = read it anew */
extern void sc_event_forget(void);

/* The shape of a row: as heard, else read anew; what the row's own columns say comes first. */
extern ScShape sc_event_shape(const ScConf *conf, const ScSystem *system, const ScEventRow *row);

/* The statement of an event about a record of that map. */
extern ScStatement *sc_event_statement(const ScBatch *batch, const ScSystem *system,
									   const ScRecordMap *map, const ScEventRow *row,
									   const ScShape *shape);

#endif
