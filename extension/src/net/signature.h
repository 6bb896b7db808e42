/*
 * signature.h
 *	  Who sent this webhook?  HMAC-SHA256 (RFC 2104) over what the connector's
 *	  webhook column says was signed, compared in constant time.
 */
#ifndef SC_NET_SIGNATURE_H
#define SC_NET_SIGNATURE_H

#include "core/call.h"

typedef enum ScSigned
{
	SC_SIGNED_OK,
	SC_SIGNED_MISSING, /* no signature header */
	SC_SIGNED_WRONG,
	SC_SIGNED_OLD /* timestamp outside the tolerance */
} ScSigned;

typedef struct ScMessage /* what arrived, as it arrived */
{
	const ScHeader *headers; /* names in lower case */
	int nheaders;
	const char *body; /* raw bytes */
	size_t body_len;
} ScMessage;

/*
 * scheme (connector.webhook): {"kind": "hmac_sha256" | "basic" | "bearer" | "header", "header": "x-hub-signature",
 * "prefix": "sha256=", "encoding": "hex" | "base64", "timestamp_header": …, "signed": "{timestamp}.{body}" | "{body}",
 * "tolerance_s": 300, "separator": ","}.  For kind basic the secret is "user:password".
 */
extern ScSigned sc_signature_check(Jsonb *scheme, const char *secret, const ScMessage *message,
								   TimestampTz now);

#endif
