/*
 * transfer.c
 *	  One transfer: a request and its limits given to libcurl, and the answer
 *	  that comes of it.
 *
 * Callbacks run inside libcurl: they never throw and never palloc.  What they
 * gather is malloc'ed, bounded, and freed with the transfer.
 *
 * A write is never repeated by libcurl: its body is read through a callback
 * that cannot be rewound, and without a body it gets a fresh connection.
 */
#include "postgres.h"

#include <unistd.h>

#include "net/address.h"
#include "net/transfer.h"

#define IDLE_CONNECTION_AGE_S 20L
#define LOW_SPEED_BYTES 10L
#define LOW_SPEED_SECONDS 20L
#define BODY_START 4096

static bool set_headers(ScTransfer *transfer, const ScHeader *headers, int n);
static bool is_clean(const ScHeader *header);
static bool set_request(ScTransfer *transfer, const ScRequest *request);
static void set_limits(ScTransfer *transfer, const ScHttpTarget *target);
static void set_security(ScTransfer *transfer, const ScHttpTarget *target);
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address);
static size_t on_header(char *data, size_t size, size_t count, void *arg);
static size_t on_body(char *data, size_t size, size_t count, void *arg);
static size_t on_read(char *data, size_t size, size_t count, void *arg);
static void copy_headers(const ScTransfer *transfer, ScResponse *response);
static void wipe_headers(ScTransfer *transfer);

ScTransfer *
sc_transfer_create(void)
{
	ScTransfer *transfer = calloc(1, sizeof(ScTransfer));

	if (transfer == NULL)
		return NULL;
	transfer->easy = curl_easy_init();
	if (transfer->easy != NULL)
		return transfer;
	free(transfer);
	return NULL;
}

bool
sc_transfer_prepare(ScTransfer *transfer, const ScHttpTarget *target, const ScRequest *request)
{
	transfer->allow_private = target->allow_private;
	if (!set_headers(transfer, request->headers, request->nheaders) ||
		!set_headers(transfer, target->auth.items, target->auth.n) ||
		!set_request(transfer, request))
		return false;
	set_limits(transfer, target);
	set_security(transfer, target);
	return true;
}

static bool
set_headers(ScTransfer *transfer, const ScHeader *headers, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (!is_clean(&headers[i]))
			return false;
		char *line = headers[i].value[0] ? psprintf("%s: %s", headers[i].name, headers[i].value)
										 : psprintf("%s;", headers[i].name);
		struct curl_slist *longer = curl_slist_append(transfer->headers, line);
		explicit_bzero(line, strlen(line));
		pfree(line);
		if (longer == NULL)
			return false;
		transfer->headers = longer;
	}
	return true;
}

/* No line ends, nor anything else that would start another header. */
static bool
is_clean(const ScHeader *header)
{
	if (header->name[0] == '\0')
		return false;
	for (const unsigned char *at = (const unsigned char *) header->name; *at; at++)
		if (*at <= ' ' || *at >= 0x7f || *at == ':' || *at == ';')
			return false;
	for (const unsigned char *at = (const unsigned char *) header->value; *at; at++)
		if ((*at < ' ' && *at != '\t') || *at == 0x7f)
			return false;
	return true;
}

static bool
set_request(ScTransfer *transfer, const ScRequest *request)
{
	CURL *easy = transfer->easy;
	struct curl_slist *longer = curl_slist_append(transfer->headers, "Expect:");

	if (longer == NULL)
		return false;
	transfer->headers = longer;
	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	if (request->body != NULL || strcmp(request->method, "POST") == 0)
	{
		transfer->request_len = request->body ? request->body_len : 0;
		transfer->request_body = malloc(transfer->request_len + 1);
		if (transfer->request_body == NULL)
			return false;
		memcpy(transfer->request_body, request->body ? request->body : "", transfer->request_len);
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) transfer->request_len);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
	}
	else
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
	if (request->writes && transfer->request_len == 0)
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	return true;
}

static void
set_limits(ScTransfer *transfer, const ScHttpTarget *target)
{
	CURL *easy = transfer->easy;
	long timeout = target->timeout_ms > 0 ? target->timeout_ms : SC_HTTP_TOTAL_TIMEOUT_MS;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->message);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* a name server that hangs must hold up nobody but its own transfer, nor a shutdown */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
					 Min(timeout, (long) SC_HTTP_CONNECT_TIMEOUT_MS));
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, LOW_SPEED_SECONDS);
	curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) SC_HTTP_BODY_MAX);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_CONNECTION_AGE_S);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
}

static void
set_security(ScTransfer *transfer, const ScHttpTarget *target)
{
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, target->allow_http ? "http,https" : "https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	if (target->ca_file != NULL && target->ca_file[0] != '\0')
	{
		curl_easy_setopt(easy, CURLOPT_CAINFO, target->ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "syncore/0.1");
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
}

/* libcurl: open a socket to this resolved address.  Here an address is refused, whatever it was called. */
static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	ScTransfer *transfer = arg;
	const char *refusal =
		sc_address_refusal(&address->addr, address->addrlen, transfer->allow_private);

	if (purpose != CURLSOCKTYPE_IPCXN && refusal == NULL)
		refusal = "is no internet address";
	if (refusal != NULL)
	{
		transfer->refusal = refusal;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* libcurl: one header line.  Keeps those of the last response (not of a 100). */
static size_t
on_header(char *data, size_t size, size_t count, void *arg)
{
	ScTransfer *transfer = arg;
	size_t len = size * count;
	size_t kept = len;

	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
	{
		transfer->head_len = 0;
		transfer->head_count = 0;
		return len;
	}
	while (kept > 0 && (data[kept - 1] == '\r' || data[kept - 1] == '\n'))
		kept--;
	if (kept == 0)
		return len;
	if (transfer->head_len + kept + 1 > SC_HTTP_HEADERS_MAX ||
		transfer->head_count >= SC_HTTP_HEADER_COUNT_MAX || memchr(data, '\0', kept) != NULL)
	{
		transfer->overflow = "headers";
		return 0;
	}
	if (transfer->head == NULL)
		transfer->head = malloc(SC_HTTP_HEADERS_MAX);
	if (transfer->head == NULL)
		return 0;
	memcpy(transfer->head + transfer->head_len, data, kept);
	transfer->head[transfer->head_len + kept] = '\0';
	transfer->head_len += kept + 1;
	transfer->head_count++;
	return len;
}

/* libcurl: a piece of the body. */
static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
	ScTransfer *transfer = arg;
	size_t len = size * count;

	if (len > SC_HTTP_BODY_MAX - transfer->body_len)
	{
		transfer->overflow = "body";
		return 0;
	}
	if (transfer->body_len + len + 1 > transfer->body_size)
	{
		size_t wanted = Max(transfer->body_size * 2, BODY_START);

		while (wanted < transfer->body_len + len + 1)
			wanted *= 2;
		char *larger = realloc(transfer->body, wanted);
		if (larger == NULL)
			return 0;
		transfer->body = larger;
		transfer->body_size = wanted;
	}
	memcpy(transfer->body + transfer->body_len, data, len);
	transfer->body_len += len;
	transfer->body[transfer->body_len] = '\0';
	return len;
}

/* libcurl: give me more of the request's body. */
static size_t
on_read(char *data, size_t size, size_t count, void *arg)
{
	ScTransfer *transfer = arg;
	size_t len = Min(size * count, transfer->request_len - transfer->request_at);

	memcpy(data, transfer->request_body + transfer->request_at, len);
	transfer->request_at += len;
	return len;
}

void
sc_transfer_finish(ScTransfer *transfer, CURLcode result)
{
	transfer->result = result;
	transfer->arrived_at = GetCurrentTimestamp();
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &transfer->status);
	curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &transfer->request_size);
	curl_easy_getinfo(transfer->easy, CURLINFO_TOTAL_TIME_T, &transfer->duration_us);
}

ScResponse *
sc_transfer_response(const ScTransfer *transfer)
{
	ScResponse *response = palloc0(sizeof(ScResponse));

	response->duration_us = transfer->duration_us;
	response->arrived_at = transfer->arrived_at;
	response->body = palloc(transfer->body_len + 1);
	if (transfer->body_len > 0)
		memcpy(response->body, transfer->body, transfer->body_len);
	response->body[transfer->body_len] = '\0';
	response->body_len = transfer->body_len;
	copy_headers(transfer, response);
	if (transfer->result == CURLE_OK)
	{
		response->transport = SC_TRANSPORT_ANSWERED;
		response->status = (int) transfer->status;
		return response;
	}
	response->transport = transfer->request_size > 0 ? SC_TRANSPORT_LOST : SC_TRANSPORT_NOT_SENT;
	if (transfer->overflow != NULL || transfer->result == CURLE_FILESIZE_EXCEEDED)
		response->error = psprintf("the answer's %s is larger than allowed",
								   transfer->overflow ? transfer->overflow : "body");
	else if (transfer->refusal != NULL && response->transport == SC_TRANSPORT_NOT_SENT)
		response->error = psprintf("address not allowed: the host's address %s", transfer->refusal);
	else
		response->error = pstrdup(transfer->message[0] ? transfer->message
													   : curl_easy_strerror(transfer->result));
	return response;
}

/* Names in lower case, values without the space around them. */
static void
copy_headers(const ScTransfer *transfer, ScResponse *response)
{
	const char *line = transfer->head;

	response->headers = palloc0(sizeof(ScHeader) * Max(transfer->head_count, 1));
	for (int i = 0; i < transfer->head_count; i++, line += strlen(line) + 1)
	{
		const char *colon = strchr(line, ':');

		if (colon == NULL)
			continue;
		ScHeader *header = &response->headers[response->nheaders++];
		header->name = pnstrdup(line, colon - line);
		for (char *at = header->name; *at; at++)
			*at = pg_ascii_tolower((unsigned char) *at);
		header->value = pstrdup(colon + 1 + strspn(colon + 1, " \t"));
		size_t len = strlen(header->value);
		while (len > 0 && (header->value[len - 1] == ' ' || header->value[len - 1] == '\t'))
			header->value[--len] = '\0';
	}
}

void
sc_transfer_clear(ScTransfer *transfer)
{
	CURL *easy = transfer->easy;

	curl_easy_reset(easy);
	wipe_headers(transfer);
	if (transfer->request_body != NULL) /* a registration carries a secret */
		explicit_bzero(transfer->request_body, transfer->request_len);
	free(transfer->request_body);
	free(transfer->body);
	free(transfer->head);
	memset(transfer, 0, sizeof(*transfer));
	transfer->easy = easy;
}

static void
wipe_headers(ScTransfer *transfer)
{
	for (struct curl_slist *at = transfer->headers; at != NULL; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
}
