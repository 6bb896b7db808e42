/*
 * say.h
 *	  Words for the ledger: what a person reads in why().  Full sentences that
 *	  name systems, values, people and times; nothing of a sensitive field.
 */
#ifndef SC_CORE_SAY_H
#define SC_CORE_SAY_H

#include "core/model.h"

/* critical; "Printer on fire"; nothing; a hidden value. */
extern char *sc_say_value(const ScField *field, const ScValue *value);

/* Words of a peer without those of a value that nobody may be told (core/hide.c). */
extern char *sc_say_without(const char *text, const ScValue *value);

/* The value as the ledger may keep it; NULL when unknown. */
extern Jsonb *sc_say_jsonb(const ScField *field, const ScValue *value);

/* 14:03:15, with its date when that is not the day of now; always UTC. */
extern char *sc_say_time(TimestampTz at, TimestampTz now);

/* b.kim; an automation (Router); somebody.  By identity_map where it knows the actor. */
extern char *sc_say_actor(const ScBatch *batch, int32 system_id, const char *actor,
						  ScActorKind kind);

/* critical from pd (b.kim, 14:03:12) */
extern char *sc_say_version(const ScBatch *batch, const ScField *field, const ScVersion *version);

/* The name of a system; "syncore" for the hub. */
extern const char *sc_say_system(const ScBatch *batch, int32 system_id);

/* A version with everything about it, and an array of them, for ledger.detail and conflict.versions. */
extern Jsonb *sc_say_version_json(const ScBatch *batch, const ScField *field,
								  const ScVersion *version);
extern Jsonb *sc_say_versions_json(const ScBatch *batch, const ScField *field,
								   const ScVersion *versions, int n);

extern const char *sc_say_actor_kind(ScActorKind kind); /* human automation integration unknown */

#endif
