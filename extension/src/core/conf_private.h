/*
 * conf_private.h
 *	  The look-up tables behind conf.h.  store/config.c fills the arrays in any
 *	  order and calls sc_conf_finish once; conf.c searches them.
 */
#ifndef SC_CORE_CONF_PRIVATE_H
#define SC_CORE_CONF_PRIVATE_H

#include "core/conf.h"

typedef struct ScPolicyList /* all policy rows of one (space, type, field), by position */
{
	int32 space_id; /* 0 = every space */
	int32 type_id;
	char *field; /* NULL = every field of the type */
	ScPolicy policy;
} ScPolicyList;

typedef struct ScOwnershipRow
{
	int32 space_id; /* 0 = every space */
	int32 type_id;
	char *field;
	ScOwnership ownership;
} ScOwnershipRow;

typedef struct ScIdentityRow
{
	int32 system_id;
	char *external_id;
	char *person; /* or group: person, kind is unique per system */
	bool group;
} ScIdentityRow;

typedef struct ScConfPrivate
{
	int npolicies;
	ScPolicyList *policies;
	int nownerships;
	ScOwnershipRow *ownerships;
	int nidentities;
	ScIdentityRow *identities;

	/* Made by sc_conf_finish. */
	ScIdentityRow **by_external; /* by system, external_id */
	ScIdentityRow **by_person;	 /* by system, person */
	const ScSystem **by_name;
} ScConfPrivate;

/* Sorts what the look-ups need; allocates in the current context (the configuration's own). */
extern void sc_conf_finish(ScConf *conf);

#endif
