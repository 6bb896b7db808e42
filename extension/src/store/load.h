/*
 * load.h
 *	  The world of a batch out of the tables.  Row locks are taken in one order:
 *	  entities by id, then candidate links by id.
 */
#ifndef SC_STORE_LOAD_H
#define SC_STORE_LOAD_H

#include "core/model.h"

typedef struct ScRecordRef /* a record that somebody speaks of, and whose it is */
{
	int32 system_id;
	const char *record_type;
	const char *external_id;
	const char *marker; /* NULL = none shown */
	int64 link;			/* 0 = nobody knows it */
	int64 entity;		/* 0 = none (candidate, or unknown) */
} ScRecordRef;

/* By external id, else by marker.  No locks: what it says must be checked again under the entity's lock. */
extern void sc_load_find(const ScBatch *batch, ScRecordRef *refs, int n);

/*
 * Locks entities (unless it is a rehearsal) and adds them and all their links to the batch.  ids sorted,
 * each once.  Entities that are gone, or merged into another, are left out.
 */
extern void sc_load_entities(ScBatch *batch, const int64 *ids, int n);

/* Locks candidate links (no entity) and adds them to the batch. */
extern void sc_load_candidates(ScBatch *batch, const int64 *ids, int n);

/* Of each closed entity of the batch: what is open and goes on from it. */
extern void sc_load_successors(ScBatch *batch);

/* Adds the copies of the comments that statements name to their links, and those that are there without a known id. */
typedef struct ScCommentRef
{
	ScLink *link;
	const char *channel;
	const char *external_id;
} ScCommentRef;
extern void sc_load_due_copies(ScBatch *batch, List *links); /* load_copies.c */
extern void sc_load_copies(const ScCommentRef *refs, int n);

/* Ids from a sequence. */
extern int64 sc_load_next_id(Oid sequence);

/* The same for what a batch makes; a rehearsal leaves the sequence alone, and its ids are higher than any. */
#define SC_LOAD_REHEARSED SC_MODEL_REHEARSED
extern int64 sc_load_draw_id(ScBatch *batch, Oid sequence);

/* Batches keep their entities by id: loaded ones first, fresh ones (whose ids are higher) after. */
extern ScEntity *sc_load_entity_of(const ScBatch *batch, int64 id); /* NULL = not loaded */
extern ScLink *sc_load_link_of(const ScEntity *entity, int64 id);

/* For list_sort: links by id, the order in which their rows are written. */
extern int sc_load_order_links(const ListCell *a, const ListCell *b);

#endif
