/*
 * instance.c
 *	  Is this the database that may send?
 *
 * A copy of a database must call nobody.  Three things have to agree with the
 * row that CREATE EXTENSION or an administrator wrote: the cluster's system
 * identifier, the database, and a token in a file beside the secrets, outside
 * the data directory, which neither a base backup nor a disk snapshot of the
 * data directory holds.  The first worker makes the token.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "net/auth.h"
#include "worker/dispatcher.h"
#include "worker/settings.h"

#define TOKEN_BYTES 32

static char *check_token(bytea *recorded, bool make_token);
static char *make_file(const char *name);
static bool write_token(int fd);
static void hash_token(const char *token, uint8 *hash);
static void record_hash(const uint8 *hash);

bool
sc_instance_may_send(bool make_token, char **reason)
{
	bool nulls[3];
	Datum values[3];

	*reason = NULL;
	SPI_execute("SELECT system_identifier, database_oid, token_hash FROM syncore.instance", true,
				1);
	if (SPI_processed == 0)
	{
		*reason = "no instance is recorded in syncore.instance";
		return false;
	}
	for (int i = 0; i < 3; i++)
		values[i] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &nulls[i]);
	if ((uint64) DatumGetInt64(values[0]) != GetSystemIdentifier())
		*reason = "this is another cluster than the one recorded: a copy, or a restored dump";
	else if (DatumGetObjectId(values[1]) != MyDatabaseId)
		*reason = "this is another database than the one recorded: a copy, or a restored dump";
	else
		*reason = check_token(nulls[2] ? NULL : DatumGetByteaPP(values[2]), make_token);
	return *reason == NULL;
}

/* What is wrong with the token; NULL when it is the recorded one, or has just been recorded. */
static char *
check_token(bytea *recorded, bool make_token)
{
	char *name = psprintf("syncore_instance_%u.token", MyDatabaseId);
	char *reference = psprintf("file:%s", name);
	uint8 hash[PG_SHA256_DIGEST_LENGTH];
	char *error;

	if (recorded == NULL && !make_token)
		return "the first worker has not yet made the instance token";
	char *token = sc_auth_secret(reference, sc_secret_directory, &error);
	if (token == NULL && recorded == NULL)
	{
		char *problem = make_file(name);

		if (problem != NULL)
			return psprintf("the instance token could not be made: %s", problem);
		token = sc_auth_secret(reference, sc_secret_directory, &error);
	}
	if (token == NULL)
		return psprintf("the instance token could not be read: %s", error);
	hash_token(token, hash);
	sc_auth_wipe(token);
	if (recorded == NULL)
		record_hash(hash);
	else if (VARSIZE_ANY_EXHDR(recorded) != sizeof(hash) ||
			 memcmp(VARDATA_ANY(recorded), hash, sizeof(hash)) != 0)
		return "the instance token is not the one recorded";
	return NULL;
}

/* NULL, or what went wrong. */
static char *
make_file(const char *name)
{
	if (sc_secret_directory == NULL || sc_secret_directory[0] != '/')
		return "syncore.secret_directory is not set to an absolute path";
	int dir = open(sc_secret_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return psprintf("syncore.secret_directory could not be opened: %s", strerror(errno));
	int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	int saved = errno;
	bool written = fd >= 0 && write_token(fd) && fsync(dir) == 0;
	if (fd >= 0)
	{
		saved = errno;
		close(fd);
		if (!written)
			unlinkat(dir, name, 0);
	}
	close(dir);
	return written ? NULL : psprintf("file \"%s\": %s", name, strerror(saved));
}

static bool
write_token(int fd)
{
	uint8 random[TOKEN_BYTES];
	char line[TOKEN_BYTES * 2 + 1];

	if (!pg_strong_random(random, sizeof(random)))
		return false;
	hex_encode((char *) random, sizeof(random), line);
	line[TOKEN_BYTES * 2] = '\n';
	bool written = write(fd, line, sizeof(line)) == sizeof(line) && fsync(fd) == 0;
	explicit_bzero(random, sizeof(random));
	explicit_bzero(line, sizeof(line));
	return written;
}

static void
hash_token(const char *token, uint8 *hash)
{
	pg_cryptohash_ctx *cxt = pg_cryptohash_create(PG_SHA256);

	if (cxt == NULL || pg_cryptohash_init(cxt) < 0 ||
		pg_cryptohash_update(cxt, (const uint8 *) token, strlen(token)) < 0 ||
		pg_cryptohash_final(cxt, hash, PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute a SHA-256 hash");
	pg_cryptohash_free(cxt);
}

static void
record_hash(const uint8 *hash)
{
	bytea *value = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	Oid types[1] = { BYTEAOID };
	Datum values[1] = { PointerGetDatum(value) };

	SET_VARSIZE(value, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	memcpy(VARDATA(value), hash, PG_SHA256_DIGEST_LENGTH);
	SPI_execute_with_args("UPDATE syncore.instance SET token_hash = $1 WHERE token_hash IS NULL", 1,
						  types, values, NULL, false, 0);
}
