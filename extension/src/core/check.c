/*
 * check.c
 *	  What a person may write into a configuration column: JSON Pointers, URI
 *	  Templates, base URLs.  SQL functions behind domains and CHECKs; they
 *	  raise invalid_parameter_value with what is wrong and what to write.
 */
#include "postgres.h"

#include <ctype.h>

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/pointer.h"
#include "core/template.h"

#define SC_URL_LENGTH_MAX 2048

PGDLLEXPORT Datum syncore_check_pointer(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_check_pointer);
PGDLLEXPORT Datum syncore_check_template(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_check_template);
PGDLLEXPORT Datum syncore_check_url(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(syncore_check_url);

static const char *check_url(const char *url, bool allow_http, const char **hint);
static const char *check_host(const char *host, size_t len, const char **hint);
static const char *check_label(const char *label, size_t len);
static const char *check_port(const char *port, size_t len);
static const char *check_path(const char *path);

/* _check_pointer(text) → true, or raises. */
Datum
syncore_check_pointer(PG_FUNCTION_ARGS)
{
	char *pointer = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *reason;
	if (sc_pointer_parse(pointer, &reason) == NULL)
	{
		bool rooted = pointer[0] == '/';
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid JSON Pointer \"%.200s\"", pointer), errdetail("%s", reason),
						rooted ? errhint("RFC 6901 says how a pointer is written, for example "
										 "\"/fields/status/name\".")
							   : errhint("Write \"/%.200s\".", pointer)));
	}
	PG_RETURN_BOOL(true);
}

/* _check_template(text) → true, or raises. */
Datum
syncore_check_template(PG_FUNCTION_ARGS)
{
	char *uri_template = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *reason = sc_template_check(uri_template);
	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid URI Template \"%.200s\"", uri_template), errdetail("%s", reason),
				 errhint("RFC 6570 says how a template is written, for example "
						 "\"/issue/{link.external_id}{?fields}\".")));
	PG_RETURN_BOOL(true);
}

/* _check_url(text, allow_http) → true, or raises.  A URL that may hold a password is not quoted. */
Datum
syncore_check_url(PG_FUNCTION_ARGS)
{
	char *url = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *hint =
		"Write scheme, host and, if needed, port and path: \"https://acme.example.com\".";
	const char *reason = check_url(url, PG_GETARG_BOOL(1), &hint);
	if (reason == NULL)
		PG_RETURN_BOOL(true);
	if (strpbrk(url, "@?#") != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid base URL"),
						errdetail("%s", reason), errhint("%s", hint)));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid base URL \"%.200s\"", url),
			 errdetail("%s", reason), errhint("%s", hint)));
}

/* NULL when the URL may be a system's base, else why not. */
static const char *
check_url(const char *url, bool allow_http, const char **hint)
{
	if (strlen(url) > SC_URL_LENGTH_MAX)
		return "A URL has at most 2048 bytes.";
	for (const char *at = url; *at != '\0'; at++)
	{
		if ((unsigned char) *at <= ' ' || *at == 0x7f)
			return "A URL has no spaces and no control characters.";
		if (*at == '\\')
			return "A URL has no backslashes.";
	}
	const char *host;
	if (pg_strncasecmp(url, "https://", 8) == 0)
		host = url + 8;
	else if (pg_strncasecmp(url, "http://", 7) == 0)
	{
		*hint =
			"Use https; only where the network itself is trusted, set allow_http on the system.";
		if (!allow_http)
			return "The scheme is http, and what is sent could be read on the way.";
		host = url + 7;
	}
	else
		return "The scheme is not https.";
	if (strpbrk(host, "?#") != NULL)
		return "A base URL has no query and no fragment.";
	size_t len = strcspn(host, "/");
	if (memchr(host, '@', len) != NULL)
	{
		*hint = "Leave user and password out and call syncore.set_credential().";
		return "A base URL names no user.";
	}
	const char *reason = check_host(host, len, hint);
	if (reason != NULL)
		return reason;
	return check_path(host + len);
}

/* Host and port: a name, an IPv4 address, or an IPv6 address in brackets. */
static const char *
check_host(const char *host, size_t len, const char **hint)
{
	const char *port;
	if (len > 0 && host[0] == '[')
	{
		const char *end = memchr(host, ']', len);
		if (end == NULL || end - host < 3 ||
			strspn(host + 1, "0123456789abcdefABCDEF:.") != end - host - 1)
			return "The address in brackets is no IPv6 address.";
		port = end + 1;
	}
	else
	{
		const char *colon = memchr(host, ':', len);
		size_t name_len = colon == NULL ? len : colon - host;
		if (name_len == 0)
			return "The URL has no host.";
		if (name_len > 253)
			return "A host name has at most 253 characters.";
		for (size_t i = 0; i < name_len; i++)
		{
			if ((unsigned char) host[i] >= 0x80)
			{
				*hint =
					"Write an international name in its ASCII form, which starts with \"xn--\".";
				return "The host has characters that are not ASCII.";
			}
		}
		size_t start = 0;
		for (size_t i = 0; i <= name_len; i++)
		{
			if (i < name_len && host[i] != '.')
				continue;
			const char *reason = check_label(host + start, i - start);
			if (reason != NULL)
				return reason;
			start = i + 1;
		}
		port = host + name_len;
	}
	return check_port(port, len - (port - host));
}

static const char *
check_label(const char *label, size_t len)
{
	if (len == 0)
		return "The host has an empty label.";
	if (len > 63)
		return "A label of a host has at most 63 characters.";
	if (label[0] == '-' || label[len - 1] == '-')
		return "A label of a host does not start or end with \"-\".";
	for (size_t i = 0; i < len; i++)
	{
		if (!isalnum((unsigned char) label[i]) && label[i] != '-' && label[i] != '_')
			return "A host is made of letters, digits, \"-\" and \".\".";
	}
	return NULL;
}

/* What follows the host: nothing, or ":" and a port. */
static const char *
check_port(const char *port, size_t len)
{
	if (len == 0)
		return NULL;
	if (port[0] != ':' || len < 2 || len > 6 || strspn(port + 1, "0123456789") < len - 1)
		return "The port is not a number.";
	int number = atoi(port + 1);
	return number >= 1 && number <= 65535 ? NULL : "A port is a number from 1 to 65535.";
}

/* No segment "." or "..", however it is spelt. */
static const char *
check_path(const char *path)
{
	const char *at = path;
	while (*at == '/')
	{
		const char *start = ++at;
		int dots = 0;
		bool only_dots = true;
		while (*at != '\0' && *at != '/')
		{
			if (*at == '%' && !(isxdigit((unsigned char) at[1]) && isxdigit((unsigned char) at[2])))
				return "In a path \"%\" is followed by two hexadecimal digits.";
			if (pg_strncasecmp(at, "%2f", 3) == 0 || pg_strncasecmp(at, "%5c", 3) == 0)
				return "A path has no escaped slashes.";
			bool escaped = pg_strncasecmp(at, "%2e", 3) == 0;
			if (escaped || *at == '.')
				dots++;
			else
				only_dots = false;
			at += escaped ? 3 : 1;
		}
		if (at > start && only_dots && dots <= 2)
			return "A path has no \".\" and no \"..\" segments.";
	}
	return NULL;
}
