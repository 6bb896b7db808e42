/*
 * address.c
 *	  Where a call may go: addresses, hosts, origins.
 *
 * Judges the socket address that is about to be connected to, so that neither
 * the spelling of a URL (0x7f.1, 017700000001) nor a name server (rebinding)
 * can lead inside.  An IPv4 address inside an IPv6 one (mapped, compatible,
 * 6to4, NAT64) is judged as that IPv4 address.  Opens nothing itself.
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/inet.h"

#include "net/address.h"

extern PGDLLEXPORT Datum syncore_address_refusal(PG_FUNCTION_ARGS);

typedef struct Range4
{
	uint32 net;
	int bits;
	bool never; /* refused even with allow_private */
	const char *what;
} Range4;

typedef struct Range6
{
	uint8 net[16];
	int bits;
	bool never;
	int inner4; /* offset of the IPv4 address inside, -1 = none */
	const char *what;
} Range6;

#define NET4(a, b, c, d) (((uint32) (a) << 24) | ((b) << 16) | ((c) << 8) | (d))

static const Range4 ranges4[] = {
	{ NET4(0, 0, 0, 0), 8, true, "is an unspecified address" },
	{ NET4(10, 0, 0, 0), 8, false, "is a private address" },
	{ NET4(100, 64, 0, 0), 10, false, "is a carrier's private address" },
	{ NET4(127, 0, 0, 0), 8, false, "is a loopback address" },
	{ NET4(169, 254, 0, 0), 16, false, "is a link-local address" },
	{ NET4(172, 16, 0, 0), 12, false, "is a private address" },
	{ NET4(192, 0, 0, 0), 24, false, "is a protocol's own address" },
	{ NET4(192, 0, 2, 0), 24, false, "is an address for documentation" },
	{ NET4(192, 168, 0, 0), 16, false, "is a private address" },
	{ NET4(198, 18, 0, 0), 15, false, "is an address for benchmarks" },
	{ NET4(198, 51, 100, 0), 24, false, "is an address for documentation" },
	{ NET4(203, 0, 113, 0), 24, false, "is an address for documentation" },
	{ NET4(224, 0, 0, 0), 4, true, "is a multicast address" },
	{ NET4(240, 0, 0, 0), 4, true, "is a reserved address" }
};

static const Range6 ranges6[] = {
	{ { 0 }, 128, true, -1, "is an unspecified address" },
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 128, false, -1, "is a loopback address" },
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 96, false, 12, NULL },
	{ { 0 }, 96, false, 12, NULL },
	{ { 0x00, 0x64, 0xff, 0x9b }, 96, false, 12, NULL },
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, false, -1, "is a private translated address" },
	{ { 0x01, 0x00 }, 64, true, -1, "is an address that discards" },
	{ { 0x20, 0x01, 0x00, 0x00 }, 32, false, -1, "is a tunnel's address" },
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, false, -1, "is an address for documentation" },
	{ { 0x20, 0x02 }, 16, false, 2, NULL },
	{ { 0xfc, 0x00 }, 7, false, -1, "is a private address" },
	{ { 0xfe, 0x80 }, 10, false, -1, "is a link-local address" },
	{ { 0xfe, 0xc0 }, 10, false, -1, "is a site-local address" },
	{ { 0xff, 0x00 }, 8, true, -1, "is a multicast address" }
};

static const char *judge4(uint32 address, bool allow_private);
static const char *judge6(const uint8 *address, bool allow_private);
static bool same_prefix(const uint8 *a, const uint8 *b, int bits);
static bool entry_matches(const char *host, const char *entry, size_t len);
static char *url_part(CURLU *url, CURLUPart part, unsigned int flags);
static CURLU *parse_url(const char *text);

const char *
sc_address_refusal(const struct sockaddr *address, socklen_t len, bool allow_private)
{
	if (address->sa_family == AF_INET && len >= sizeof(struct sockaddr_in))
		return judge4(ntohl(((const struct sockaddr_in *) address)->sin_addr.s_addr),
					  allow_private);
	if (address->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6))
		return judge6(((const struct sockaddr_in6 *) address)->sin6_addr.s6_addr, allow_private);
	return "is no internet address";
}

static const char *
judge4(uint32 address, bool allow_private)
{
	for (int i = 0; i < lengthof(ranges4); i++)
	{
		const Range4 *range = &ranges4[i];

		if (((address ^ range->net) >> (32 - range->bits)) == 0)
			return range->never || !allow_private ? range->what : NULL;
	}
	return NULL;
}

static const char *
judge6(const uint8 *address, bool allow_private)
{
	for (int i = 0; i < lengthof(ranges6); i++)
	{
		const Range6 *range = &ranges6[i];

		if (!same_prefix(address, range->net, range->bits))
			continue;
		if (range->inner4 >= 0)
		{
			const uint8 *inner = address + range->inner4;

			return judge4(NET4(inner[0], inner[1], inner[2], inner[3]), allow_private);
		}
		return range->never || !allow_private ? range->what : NULL;
	}
	return NULL;
}

static bool
same_prefix(const uint8 *a, const uint8 *b, int bits)
{
	int rest = bits % 8;

	if (memcmp(a, b, bits / 8) != 0)
		return false;
	return rest == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0;
}

bool
sc_address_host_allowed(const char *host, const char *list)
{
	bool empty = true;

	for (const char *at = list ? list : ""; *at != '\0';)
	{
		size_t len = strcspn(at, ",");
		const char *entry = at;
		size_t entry_len = len;

		while (entry_len > 0 && strchr(" \t\"", *entry))
			entry++, entry_len--;
		while (entry_len > 0 && strchr(" \t\"", entry[entry_len - 1]))
			entry_len--;
		if (entry_len > 0)
		{
			empty = false;
			if (entry_matches(host, entry, entry_len))
				return true;
		}
		at += len + (at[len] == ',');
	}
	return empty;
}

static bool
entry_matches(const char *host, const char *entry, size_t len)
{
	size_t host_len = strlen(host);

	if (len > 2 && entry[0] == '*' && entry[1] == '.')
		return host_len > len - 1 &&
			   pg_strncasecmp(host + host_len - (len - 1), entry + 1, len - 1) == 0;
	return host_len == len && pg_strncasecmp(host, entry, len) == 0;
}

bool
sc_address_same_origin(const char *url, const char *other)
{
	CURLU *a = parse_url(url);
	CURLU *b = parse_url(other);
	bool same = a != NULL && b != NULL;
	static const CURLUPart parts[] = { CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT };

	for (int i = 0; same && i < lengthof(parts); i++)
	{
		char *left = url_part(a, parts[i], CURLU_DEFAULT_PORT);
		char *right = url_part(b, parts[i], CURLU_DEFAULT_PORT);

		same = left != NULL && right != NULL && pg_strcasecmp(left, right) == 0;
	}
	curl_url_cleanup(a);
	curl_url_cleanup(b);
	return same;
}

char *
sc_address_host(const char *url, bool with_port)
{
	CURLU *parsed = parse_url(url);

	if (parsed == NULL)
		return NULL;
	char *host = url_part(parsed, CURLUPART_HOST, 0);
	char *port = with_port ? url_part(parsed, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT) : NULL;
	curl_url_cleanup(parsed);
	if (host == NULL)
		return NULL;
	for (char *at = host; *at; at++)
		*at = pg_ascii_tolower((unsigned char) *at);
	return port != NULL ? psprintf("%s:%s", host, port) : host;
}

/* As libcurl reads it, which will make the connection; NULL for no URL, or one with a user in it. */
static CURLU *
parse_url(const char *spelling)
{
	CURLU *url = curl_url();

	if (url == NULL)
		return NULL;
	if (curl_url_set(url, CURLUPART_URL, spelling, CURLU_DISALLOW_USER) == CURLUE_OK)
		return url;
	curl_url_cleanup(url);
	return NULL;
}

static char *
url_part(CURLU *url, CURLUPart part, unsigned int flags)
{
	char *raw = NULL;

	if (curl_url_get(url, part, &raw, flags) != CURLUE_OK)
		return NULL;
	char *copy = palloc_extended(strlen(raw) + 1, MCXT_ALLOC_NO_OOM);
	if (copy != NULL)
		strcpy(copy, raw);
	curl_free(raw);
	return copy;
}

/* Why an address would be refused; null when it would not.  For lint, health and tests. */
PG_FUNCTION_INFO_V1(syncore_address_refusal);
Datum
syncore_address_refusal(PG_FUNCTION_ARGS)
{
	inet *address = PG_GETARG_INET_PP(0);
	bool allow_private = PG_GETARG_BOOL(1);
	const char *refusal;

	if (ip_family(address) == PGSQL_AF_INET)
	{
		struct sockaddr_in in = { .sin_family = AF_INET };

		memcpy(&in.sin_addr, ip_addr(address), 4);
		refusal = sc_address_refusal((struct sockaddr *) &in, sizeof(in), allow_private);
	}
	else
	{
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

		memcpy(&in6.sin6_addr, ip_addr(address), 16);
		refusal = sc_address_refusal((struct sockaddr *) &in6, sizeof(in6), allow_private);
	}
	if (refusal == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(refusal));
}
