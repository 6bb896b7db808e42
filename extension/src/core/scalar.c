/*
 * scalar.c
 *	  Scalars in and out of jsonb.
 *
 * A scalar is stored as an array of one element, marked as such: its only
 * entry says the kind and the length, and its bytes follow at once.
 */
#include "postgres.h"

#include "core/scalar.h"

bool
sc_scalar_read(Jsonb *json, JsonbValue *value)
{
	if (!JB_ROOT_IS_SCALAR(json))
		return false;

	JEntry entry = json->root.children[0];
	char *bytes = (char *) &json->root.children[1];

	if (JBE_ISSTRING(entry))
	{
		value->type = jbvString;
		value->val.string.val = bytes;
		value->val.string.len = (int) JBE_OFFLENFLD(entry);
	}
	else if (JBE_ISNUMERIC(entry))
	{
		value->type = jbvNumeric;
		value->val.numeric = (Numeric) bytes;
	}
	else if (JBE_ISNULL(entry))
		value->type = jbvNull;
	else
	{
		value->type = jbvBool;
		value->val.boolean = JBE_ISBOOL_TRUE(entry);
	}
	return true;
}

Jsonb *
sc_scalar_make(JsonbValue *value)
{
	if (value->type != jbvString || value->val.string.len > JENTRY_OFFLENMASK)
		return JsonbValueToJsonb(value);

	int len = value->val.string.len;
	size_t size = offsetof(Jsonb, root) + offsetof(JsonbContainer, children) + sizeof(JEntry) + len;
	Jsonb *json = palloc(size);

	SET_VARSIZE(json, size);
	json->root.header = 1 | JB_FARRAY | JB_FSCALAR;
	json->root.children[0] = JENTRY_ISSTRING | JENTRY_HAS_OFF | (uint32) len;
	memcpy(&json->root.children[1], value->val.string.val, len);
	return json;
}
