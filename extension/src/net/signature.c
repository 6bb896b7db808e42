/*
 * signature.c
 *	  Who sent this webhook?  HMAC-SHA256 over what the connector's webhook
 *	  column says was signed, or a shared secret as a header.
 *
 * Comparing takes the same time whatever differs where.  A header may carry
 * several signatures (a sender that rotates its secret): one that fits is
 * enough.  A timestamp that is not itself signed proves nothing, so it is
 * asked for only where the scheme has one.  Nothing here reads the body as
 * anything but bytes, and nothing here throws on what a peer sends.
 */
#include "postgres.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/base64.h"
#include "lib/stringinfo.h"
#include "utils/timestamp.h"

#include "core/json.h"
#include "net/signature.h"

#define MAC_LEN 32
#define SIGNATURE_HEADER_MAX 8192
#define SIGNATURES_MAX 16
#define TOLERANCE_DEFAULT_S 300
#define UNIX_TO_2000_S (((int64) POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

static ScSigned check_hmac(Jsonb *scheme, const char *secret, const ScMessage *message,
						   TimestampTz now);
static ScSigned check_time(Jsonb *scheme, const char *spelt, TimestampTz now);
static bool compute_mac(Jsonb *scheme, const char *secret, const ScMessage *message,
						const char *stamp, uint8 *mac);
static bool any_fits(Jsonb *scheme, const char *header, const uint8 *mac);
static bool decode_mac(const char *spelt, size_t len, bool base64, uint8 *mac);
static int hex_digit(char digit);
static ScSigned check_basic(const char *secret, const ScMessage *message);
static ScSigned check_equal(const char *header, const char *prefix, const char *secret);
static bool same_secret(const char *a, size_t a_len, const char *b, size_t b_len);
static const char *find_header(const ScMessage *message, const char *name);
static const char *word(Jsonb *scheme, const char *key, const char *otherwise);

/* See signature.h. */
ScSigned
sc_signature_check(Jsonb *scheme, const char *secret, const ScMessage *message, TimestampTz now)
{
	const char *kind = word(scheme, "kind", "hmac_sha256");

	if (strcmp(kind, "hmac_sha256") == 0)
		return check_hmac(scheme, secret, message, now);
	if (strcmp(kind, "basic") == 0)
		return check_basic(secret, message);
	if (strcmp(kind, "bearer") == 0)
		return check_equal(find_header(message, "authorization"), "Bearer ", secret);
	if (strcmp(kind, "header") == 0)
		return check_equal(find_header(message, word(scheme, "header", "x-syncore-token")),
						   word(scheme, "prefix", ""), secret);
	return SC_SIGNED_WRONG;
}

static ScSigned
check_hmac(Jsonb *scheme, const char *secret, const ScMessage *message, TimestampTz now)
{
	const char *header = find_header(message, word(scheme, "header", "x-syncore-signature"));
	const char *stamp_header = word(scheme, "timestamp_header", NULL);
	const char *stamp = "";
	uint8 mac[MAC_LEN];

	if (header == NULL)
		return SC_SIGNED_MISSING;
	if (strlen(header) > SIGNATURE_HEADER_MAX)
		return SC_SIGNED_WRONG;
	if (stamp_header != NULL)
	{
		stamp = find_header(message, stamp_header);
		if (stamp == NULL)
			return SC_SIGNED_MISSING;
	}
	if (!compute_mac(scheme, secret, message, stamp, mac) || !any_fits(scheme, header, mac))
		return SC_SIGNED_WRONG;
	return stamp_header != NULL ? check_time(scheme, stamp, now) : SC_SIGNED_OK;
}

/* Unix seconds (or milliseconds, if the scheme says so) within the tolerance, either way. */
static ScSigned
check_time(Jsonb *scheme, const char *spelt, TimestampTz now)
{
	int64 tolerance = sc_json_get_number(scheme, "tolerance_s", TOLERANCE_DEFAULT_S);
	bool milliseconds = strcmp(word(scheme, "timestamp_unit", "s"), "ms") == 0;
	size_t len = strlen(spelt);

	if (len == 0 || len > 15 || strspn(spelt, "0123456789") != len)
		return SC_SIGNED_OLD;

	int64 seconds = strtoll(spelt, NULL, 10) / (milliseconds ? 1000 : 1);
	int64 age = now / USECS_PER_SEC + UNIX_TO_2000_S - seconds;

	return age <= tolerance && age >= -tolerance ? SC_SIGNED_OK : SC_SIGNED_OLD;
}

/* The MAC over the scheme's "signed" text, {timestamp} and {body} replaced. */
static bool
compute_mac(Jsonb *scheme, const char *secret, const ScMessage *message, const char *stamp,
			uint8 *mac)
{
	const char *at = word(scheme, "signed", "{body}");
	StringInfoData buf;
	unsigned int len = 0;

	initStringInfo(&buf);
	while (*at != '\0')
	{
		if (strncmp(at, "{body}", 6) == 0)
		{
			appendBinaryStringInfo(&buf, message->body, (int) message->body_len);
			at += 6;
		}
		else if (strncmp(at, "{timestamp}", 11) == 0)
		{
			appendStringInfoString(&buf, stamp);
			at += 11;
		}
		else
			appendStringInfoChar(&buf, *at++);
	}
	bool made = HMAC(EVP_sha256(), secret, (int) strlen(secret), (const unsigned char *) buf.data,
					 (size_t) buf.len, mac, &len) != NULL;

	pfree(buf.data);
	return made && len == MAC_LEN;
}

/* Does one of the header's signatures fit?  All are compared, whichever fits. */
static bool
any_fits(Jsonb *scheme, const char *header, const uint8 *mac)
{
	const char *prefix = word(scheme, "prefix", "");
	const char *separator = word(scheme, "separator", ",");
	bool base64 = strcmp(word(scheme, "encoding", "hex"), "base64") == 0;
	size_t prefix_len = strlen(prefix);
	bool fits = false;

	for (int i = 0; i < SIGNATURES_MAX && *header != '\0'; i++)
	{
		header += strspn(header, " \t");

		size_t len = *separator != '\0' ? strcspn(header, separator) : strlen(header);
		size_t used = len;
		uint8 claimed[MAC_LEN];

		while (used > 0 && (header[used - 1] == ' ' || header[used - 1] == '\t'))
			used--;
		if (used >= prefix_len && strncmp(header, prefix, prefix_len) == 0 &&
			decode_mac(header + prefix_len, used - prefix_len, base64, claimed))
			fits |= CRYPTO_memcmp(claimed, mac, MAC_LEN) == 0;
		header += len;
		if (*header != '\0')
			header++;
	}
	return fits;
}

/* Exactly one MAC, in hexadecimal or base64. */
static bool
decode_mac(const char *spelt, size_t len, bool base64, uint8 *mac)
{
	if (base64)
	{
		char decoded[MAC_LEN + 3];

		if (len > 44 || pg_b64_decode(spelt, (int) len, decoded, sizeof(decoded)) != MAC_LEN)
			return false;
		memcpy(mac, decoded, MAC_LEN);
		return true;
	}
	if (len != 2 * MAC_LEN)
		return false;
	for (int i = 0; i < MAC_LEN; i++)
	{
		int high = hex_digit(spelt[2 * i]);
		int low = hex_digit(spelt[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		mac[i] = (uint8) (high << 4 | low);
	}
	return true;
}

static int
hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* RFC 7617. */
static ScSigned
check_basic(const char *secret, const ScMessage *message)
{
	const char *header = find_header(message, "authorization");

	if (header == NULL)
		return SC_SIGNED_MISSING;
	if (pg_strncasecmp(header, "Basic ", 6) != 0 || strlen(header) > SIGNATURE_HEADER_MAX)
		return SC_SIGNED_WRONG;
	header += 6;

	int room = pg_b64_dec_len((int) strlen(header));
	char *decoded = palloc(room + 1);
	int len = pg_b64_decode(header, (int) strlen(header), decoded, room);
	bool same = len >= 0 && same_secret(decoded, (size_t) len, secret, strlen(secret));

	explicit_bzero(decoded, (size_t) room + 1);
	pfree(decoded);
	return same ? SC_SIGNED_OK : SC_SIGNED_WRONG;
}

/* The secret itself stands in a header, behind a prefix whose case does not matter. */
static ScSigned
check_equal(const char *header, const char *prefix, const char *secret)
{
	size_t len = strlen(prefix);

	if (header == NULL)
		return SC_SIGNED_MISSING;
	if (pg_strncasecmp(header, prefix, len) != 0)
		return SC_SIGNED_WRONG;
	header += len;
	return same_secret(header, strlen(header), secret, strlen(secret)) ? SC_SIGNED_OK
																	   : SC_SIGNED_WRONG;
}

/* Compares by their digests, so that not even the length shows in the time it takes. */
static bool
same_secret(const char *a, size_t a_len, const char *b, size_t b_len)
{
	static const char key[] = "syncore";
	uint8 a_mac[MAC_LEN];
	uint8 b_mac[MAC_LEN];
	unsigned int len = 0;

	if (HMAC(EVP_sha256(), key, sizeof(key), (const unsigned char *) a, a_len, a_mac, &len) ==
			NULL ||
		HMAC(EVP_sha256(), key, sizeof(key), (const unsigned char *) b, b_len, b_mac, &len) == NULL)
		return false;
	return CRYPTO_memcmp(a_mac, b_mac, MAC_LEN) == 0;
}

/* A header's value; two of one name are none, since nobody can say which one counts. */
static const char *
find_header(const ScMessage *message, const char *name)
{
	const char *value = NULL;

	for (int i = 0; i < message->nheaders; i++)
	{
		if (pg_strcasecmp(message->headers[i].name, name) != 0)
			continue;
		if (value != NULL)
			return NULL;
		value = message->headers[i].value;
	}
	return value;
}

static const char *
word(Jsonb *scheme, const char *key, const char *otherwise)
{
	char *value = sc_json_get_text(scheme, key);

	return value != NULL ? value : otherwise;
}
