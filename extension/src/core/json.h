/*
 * json.h
 *	  Small verbs to build and read objects of jsonb in C.
 */
#ifndef SC_CORE_JSON_H
#define SC_CORE_JSON_H

#include "core/value.h"

typedef struct ScJson /* a document being built */
{
	JsonbParseState *state;
} ScJson;

extern ScJson sc_json_object(void);
extern ScJson sc_json_array(void);
extern void sc_json_open_object(ScJson *json, const char *key); /* key NULL: as an element */
extern void sc_json_open_array(ScJson *json, const char *key);
extern void sc_json_close_object(ScJson *json);
extern void sc_json_close_array(ScJson *json);
extern Jsonb *sc_json_end(ScJson *json); /* closes the outermost one */

/* Members of an object; with key NULL, elements of an array.  NULL text and NULL jsonb are left out. */
extern void sc_json_text(ScJson *json, const char *key, const char *text);
extern void sc_json_number(ScJson *json, const char *key, int64 number);
extern void sc_json_boolean(ScJson *json, const char *key, bool value);
extern void sc_json_jsonb(ScJson *json, const char *key, Jsonb *value);

/* Readers never throw: a missing or different thing is NULL, 0 or false. */
extern Jsonb *sc_json_get(Jsonb *object, const char *key);
extern char *sc_json_get_text(Jsonb *object, const char *key);
extern int64 sc_json_get_number(Jsonb *object, const char *key, int64 otherwise);
extern bool sc_json_get_boolean(Jsonb *object, const char *key, bool otherwise);
extern int sc_json_elements(Jsonb *array, Jsonb ***elements);

#endif
