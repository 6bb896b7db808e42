/*
 * layout.c
 *	  Column names, in the order of layout.h.
 */
#include "postgres.h"

#include "store/layout.h"

const char *const sc_layout_entity[ENTITY_COLUMNS] = {
	"id",		 "space_id",	"entity_type_id", "data",			"stamps",
	"revision",	 "ledger_seq",	"ledger_head",	  "created_at",		"updated_at",
	"closed_at", "predecessor", "merged_into",	  "correlation_id", "long"
};

const char *const sc_layout_link[LINK_COLUMNS] = {
	"id",			"space_id", "system_id", "record_type", "entity",	"external_id",
	"external_key", "url",		"state",	 "marker",		"shadow",	"call",
	"read_owed",	"waiting",	"unsure",	 "top_version", "in_route", "created_at",
	"updated_at",	"gone_at",	"long",		 "gone_by"
};

const char *const sc_layout_delivery[DELIVERY_COLUMNS] = {
	"id",  "link",	   "system_id",	 "space_id",   "shard",			 "state",	"priority",
	"gen", "attempts", "not_before", "created_at", "correlation_id", "sent_gen"
};

const char *const sc_layout_ledger[LEDGER_COLUMNS] = {
	"id",		  "at",		"txid",		 "space_id",	   "kind",		 "entity",
	"entity_seq", "link",	"system_id", "event",		   "delivery",	 "conflict",
	"field",	  "old",	"new",		 "actor",		   "actor_kind", "source_time",
	"rule",		  "reason", "detail",	 "correlation_id", "prev_hash",	 "hash"
};
