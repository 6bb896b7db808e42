/*
 * catalog.h
 *	  Where our objects are: oids of types, sequences and enum labels, looked
 *	  up by name and kept until the extension is another one.
 */
#ifndef SC_STORE_CATALOG_H
#define SC_STORE_CATALOG_H

#include "core/model.h"

#define SC_LINK_STATES 6
#define SC_ACTOR_KINDS 4
#define SC_VISIBILITIES 3

typedef struct ScCatalog
{
	Oid schema;
	Oid event;	/* the parent table; a new oid means another extension */
	Oid owner;	/* of our tables: configuration is read as this role */
	Oid signal; /* the table whose relcache invalidation says "configuration changed" */
	Oid entity;
	Oid link;
	Oid delivery;
	Oid ledger; /* the parent table */
	Oid event_key;
	Oid comment_copy;
	Oid stamps_type;
	Oid shadow_type;
	Oid vclock_type;
	Oid link_state_type;
	Oid actor_kind_type;
	Oid visibility_type;
	Oid link_states[SC_LINK_STATES];   /* enum labels, by ScLinkState */
	Oid actor_kinds[SC_ACTOR_KINDS];   /* enum labels, by ScActorKind */
	Oid visibilities[SC_VISIBILITIES]; /* enum labels, by ScVisibility */
	Oid delivery_due;				   /* label of delivery_state */
	Oid entity_seq;
	Oid link_seq;
	Oid conflict_seq;
	Oid event_seq;
	Oid ledger_seq;
	Oid delivery_seq;
	uint32 generation; /* raised when the oids were looked up anew */
} ScCatalog;

/* The catalog of this database's extension; NULL when it is not installed. */
extern const ScCatalog *sc_catalog_find(void);

/* The same; raises undefined_object when it is not installed. */
extern const ScCatalog *sc_catalog_get(void);

/* Words of the enums as stored. */
extern const char *sc_catalog_actor_name(ScActorKind kind);
extern ScActorKind sc_catalog_actor_kind(Oid label);
extern ScLinkState sc_catalog_link_state(Oid label);

#endif
