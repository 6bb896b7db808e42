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
	SC_SIGNED_MISSING,			/* no signature header */
	SC_SIGNED_WRONG,
	SC_SIGNED_OLD				/* timestamp outside the tolerance */
} ScSigned;

/*
 * scheme (connector.webhook): {"kind": "hmac_sha256" | "basic" | "bearer" | "header", "header": "x-hub-signature",
 * "prefix": "sha256=", "encoding": "hex" | "base64", "timestamp_header": …, "signed": "{timestamp}.{body}" | "{body}",
 * "tolerance_s": 300, "separator": ","}.  headers: lower-case names.  now in microseconds as TimestampTz.
 */
extern ScSigned sc_signature_check(Jsonb *scheme, const char *secret, const ScHeader *headers, int nheaders,
								   const char *body, size_t body_len, TimestampTz now);

#endif
