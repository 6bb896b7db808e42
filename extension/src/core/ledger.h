/*
 * ledger.h
 *	  The byte string that a ledger row's hash is taken over, and the chain.
 *
 * hash = SHA-256(prev_hash (32 bytes, zeros for the first of an entity) ||
 * "syncore1" || fields), each field a 4-byte big-endian length and its bytes,
 * 0xffffffff for null; numbers as 8 bytes big-endian, times as microseconds
 * since 2000-01-01 UTC, jsonb as its text in PostgreSQL's canonical form.  The
 * order of fields is that of the table's columns from id to correlation_id,
 * without id and txid (ids are drawn by the INSERT, txid tells nothing).
 */
#ifndef SC_CORE_LEDGER_H
#define SC_CORE_LEDGER_H

#include "core/model.h"

#define SC_LEDGER_HASH_LEN 32

typedef struct ScLedgerRow /* the columns that are hashed, as stored */
{
	TimestampTz at;
	int32 space_id;
	const char *kind;
	bool has_entity;
	int64 entity;
	int64 entity_seq;
	int64 link; /* 0 = null, likewise below */
	int32 system_id;
	int64 event;
	int64 delivery;
	int64 conflict;
	const char *field; /* NULL = null, likewise below */
	Jsonb *old_value;
	Jsonb *new_value;
	const char *actor;
	const char *actor_kind;
	TimestampTz source_time; /* 0 = null */
	const char *rule;
	const char *reason;
	Jsonb *detail;
	const char *correlation_id;
} ScLedgerRow;

/* prev NULL = first of its chain. */
extern void sc_ledger_hash(const ScLedgerRow *row, const uint8 *prev, uint8 *hash);

#endif
