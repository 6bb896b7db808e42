/*
 * auth.c
 *	  Secrets by reference, and the headers they become.
 *
 * A file is opened by its bare name below the directory's descriptor, never
 * through a link, and judged by the open descriptor, so that nothing can be
 * swapped between look and read.  Every buffer that held a secret is wiped
 * before it is freed.  Messages name the reference, never the content.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base64.h"

#include "core/pointer.h"
#include "net/address.h"
#include "net/auth.h"

#define BLOT_MIN 4 /* letters of a word that is blotted out */

static char *read_file(const char *name, const char *directory, char **error);
static int open_directory(const char *directory, char **error);
static char *read_checked(int fd, const char *name, char **error);
static char *read_environment(const char *name, char **error);
static char *cut_line_end(char *secret);
static bool host_matches(const ScCredential *credential, const char *base_url);
static bool is_header_text(const char *secret);
static char *header_value(const ScCredential *credential, const char *secret);
static char *basic_value(const char *username, const char *secret);
static const char *setting(const ScCredential *credential, const char *pointer,
						   const char *otherwise);
static void blot(ScResponse *response, const char *word);

char *
sc_auth_secret(const char *reference, const char *directory, char **error)
{
	char *secret;

	*error = NULL;
	if (strncmp(reference, "file:", 5) == 0)
		secret = read_file(reference + 5, directory, error);
	else if (strncmp(reference, "env:", 4) == 0)
		secret = read_environment(reference + 4, error);
	else
	{
		*error = psprintf("References of the kind of \"%s\" cannot be read here.", reference);
		return NULL;
	}
	if (secret == NULL)
		return NULL;
	cut_line_end(secret);
	if (secret[0] != '\0')
		return secret;
	sc_auth_wipe(secret);
	*error = psprintf("\"%s\" is empty.", reference);
	return NULL;
}

static char *
read_file(const char *name, const char *directory, char **error)
{
	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
	{
		*error = psprintf("\"%s\" is no bare file name.", name);
		return NULL;
	}
	int dir = open_directory(directory, error);
	if (dir < 0)
		return NULL;
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int saved = errno;
	close(dir);
	if (fd < 0)
	{
		*error = saved == ELOOP
					 ? psprintf("File \"%s\" is a symbolic link.", name)
					 : psprintf("File \"%s\" could not be opened: %s.", name, strerror(saved));
		return NULL;
	}
	char *secret = read_checked(fd, name, error);
	close(fd);
	return secret;
}

static int
open_directory(const char *directory, char **error)
{
	struct stat st;

	if (directory == NULL || directory[0] != '/')
	{
		*error = pstrdup("syncore.secret_directory is not set to an absolute path.");
		return -1;
	}
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
	{
		*error = psprintf("syncore.secret_directory could not be opened: %s.", strerror(errno));
		return -1;
	}
	if (fstat(dir, &st) == 0 && (st.st_uid == geteuid() || st.st_uid == 0) &&
		(st.st_mode & 022) == 0)
		return dir;
	close(dir);
	*error = pstrdup("syncore.secret_directory belongs to, or can be written by, somebody else.");
	return -1;
}

/* Judges the open file, then reads it. */
static char *
read_checked(int fd, const char *name, char **error)
{
	struct stat st;
	const char *wrong = NULL;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		wrong = "is no regular file";
	else if (st.st_uid != geteuid())
		wrong = "belongs to another user than the server's";
	else if ((st.st_mode & 077) != 0)
		wrong = "is readable by others";
	else if (st.st_size > SC_SECRET_MAX)
		wrong = "is too large";
	if (wrong != NULL)
	{
		*error = psprintf("File \"%s\" %s.", name, wrong);
		return NULL;
	}
	char *buf = palloc0(SC_SECRET_MAX + 2);
	ssize_t len = 0;
	ssize_t got;
	while (len <= SC_SECRET_MAX && (got = read(fd, buf + len, SC_SECRET_MAX + 1 - len)) > 0)
		len += got;
	if (len <= SC_SECRET_MAX && strlen(buf) == len)
		return buf;
	explicit_bzero(buf, SC_SECRET_MAX + 2);
	pfree(buf);
	*error = psprintf("File \"%s\" is too large or holds a zero byte.", name);
	return NULL;
}

static char *
read_environment(const char *name, char **error)
{
	const char *value = strncmp(name, "SYNCORE_", 8) == 0 ? getenv(name) : NULL;

	if (value == NULL)
		*error = psprintf("The server's environment has no \"%s\".", name);
	return value != NULL ? pstrdup(value) : NULL;
}

static char *
cut_line_end(char *secret)
{
	size_t len = strlen(secret);

	while (len > 0 && (secret[len - 1] == '\n' || secret[len - 1] == '\r'))
		secret[--len] = '\0';
	return secret;
}

void
sc_auth_wipe(char *secret)
{
	if (secret == NULL)
		return;
	explicit_bzero(secret, strlen(secret));
	pfree(secret);
}

bool
sc_auth_headers(const ScCredential *credential, const char *base_url, const char *directory,
				ScHeaderList *headers, char **error)
{
	*headers = (ScHeaderList){ NULL, 0 };
	*error = NULL;
	if (strcmp(credential->kind, "none") == 0)
		return true;
	if (!host_matches(credential, base_url))
	{
		*error = psprintf("It was set for host \"%s\", and the base URL now names another.",
						  credential->host);
		return false;
	}
	char *secret = sc_auth_secret(credential->reference, directory, error);
	if (secret == NULL)
		return false;
	char *value = is_header_text(secret) ? header_value(credential, secret) : NULL;
	if (value == NULL)
		*error = is_header_text(secret)
					 ? psprintf("Its kind \"%s\" cannot be used for calls.", credential->kind)
					 : psprintf("\"%s\" holds a character that no header may hold.",
								credential->reference);
	sc_auth_wipe(secret);
	if (value == NULL)
		return false;
	headers->items = palloc(sizeof(ScHeader));
	headers->n = 1;
	headers->items->name = pstrdup(strcmp(credential->kind, "header") == 0
									   ? setting(credential, "/header", "X-API-Key")
									   : "Authorization");
	headers->items->value = value;
	return true;
}

/* The credential is void once the base URL names another host, or another port. */
static bool
host_matches(const ScCredential *credential, const char *base_url)
{
	const char *rest = strstr(base_url, "://");
	char *host = sc_address_host(base_url, false);
	char *with_port = sc_address_host(base_url, true);

	if (rest == NULL || host == NULL)
		return false;
	/* read as a URL of the same scheme, so that both are spelt the same way */
	char *set_for = sc_address_host(
		psprintf("%.*s%s", (int) (rest - base_url + 3), base_url, credential->host), true);
	return set_for != NULL && (strcmp(set_for, host) == 0 || strcmp(set_for, with_port) == 0);
}

static bool
is_header_text(const char *secret)
{
	for (const unsigned char *at = (const unsigned char *) secret; *at; at++)
		if (*at < ' ' || *at == 0x7f)
			return false;
	return true;
}

/* The header's value; NULL when the kind makes none. */
static char *
header_value(const ScCredential *credential, const char *secret)
{
	if (strcmp(credential->kind, "basic") == 0)
		return basic_value(credential->username ? credential->username : "", secret);
	if (strcmp(credential->kind, "bearer") == 0)
		return psprintf("%s %s", setting(credential, "/scheme", "Bearer"), secret);
	if (strcmp(credential->kind, "header") == 0)
		return psprintf("%s%s", setting(credential, "/prefix", ""), secret);
	return NULL;
}

static char *
basic_value(const char *username, const char *secret)
{
	char *plain = psprintf("%s:%s", username, secret);
	int len = strlen(plain);
	int room = pg_b64_enc_len(len);
	char *value = palloc0(room + 7);

	strcpy(value, "Basic ");
	int used = pg_b64_encode(plain, len, value + 6, room);
	value[6 + Max(used, 0)] = '\0';
	sc_auth_wipe(plain);
	return value;
}

static const char *
setting(const ScCredential *credential, const char *pointer, const char *otherwise)
{
	const char *value =
		credential->settings ? sc_pointer_get_cstring(credential->settings, pointer) : NULL;

	return value != NULL ? value : otherwise;
}

void
sc_auth_blot(const ScCredential *credential, const char *base_url, const char *directory,
			 ScResponse *response)
{
	ScHeaderList headers = { 0 };
	char *error = NULL;

	if (strcmp(credential->kind, "none") == 0)
		return;
	char *secret = sc_auth_secret(credential->reference, directory, &error);

	if (secret == NULL)
		return;
	blot(response, secret);
	sc_auth_wipe(secret);
	if (sc_auth_headers(credential, base_url, directory, &headers, &error))
		for (int i = 0; i < headers.n; i++)
		{
			const char *scheme_end = strchr(headers.items[i].value, ' ');

			blot(response, scheme_end != NULL ? scheme_end + 1 : headers.items[i].value);
		}
	sc_auth_free_headers(&headers);
}

/* Every place where the answer holds the word becomes asterisks.  Too short a word would hit by chance. */
static void
blot(ScResponse *response, const char *word)
{
	size_t len = strlen(word);

	if (len < BLOT_MIN)
		return;
	if (response->body != NULL)
		for (char *at = response->body; (at = strstr(at, word)) != NULL; at += len)
			memset(at, '*', len);
	for (int i = 0; i < response->nheaders; i++)
		for (char *at = response->headers[i].value; (at = strstr(at, word)) != NULL; at += len)
			memset(at, '*', len);
}

void
sc_auth_free_headers(ScHeaderList *headers)
{
	for (int i = 0; i < headers->n; i++)
	{
		sc_auth_wipe(headers->items[i].value);
		pfree(headers->items[i].name);
	}
	if (headers->items != NULL)
		pfree(headers->items);
	*headers = (ScHeaderList){ NULL, 0 };
}
