/*
 * stamp.c
 *	  The stamps of an entity: find, make, store, load.
 *
 * The winner's value is not stored: it is the canonical value, kept in
 * entity.data or entity.long, and one truth is enough.  Siblings carry theirs,
 * and all do whose values are put together.
 */
#include "postgres.h"

#include "core/codec.h"
#include "core/fields.h"
#include "core/stamp.h"

/* Bits of a stored stamp. */
#define STAMP_IS_HELD 0x01
#define STAMP_IS_TOGETHER 0x02
#define STAMP_HAS_MEMBERS 0x04

/* Bits of a stored member. */
#define MEMBER_IS_GONE 0x01
#define MEMBER_HAS_TIME 0x02
#define MEMBER_IS_WHOLE 0x04

/* Bits of a stored version: what is there beside the fixed part. */
#define VERSION_HAS_SOURCE_VERSION 0x01
#define VERSION_HAS_EVENT 0x02
#define VERSION_KIND_SHIFT 2
#define VERSION_KIND_MASK 0x03

static void put_members(ScWriter *writer, const ScStamp *stamp);
static void get_members(ScReader *reader, ScStamp *stamp);
static void put_version(ScWriter *writer, const ScVersion *version, bool with_value);
static void get_stamp(ScReader *reader, ScStamp *stamp);
static ScVersion get_version(ScReader *reader, bool with_value);

/* The stamp of a field; NULL when the field was never written. */
ScStamp *
sc_stamp_find(ScStamps *stamps, const char *field)
{
	bool found;
	int at = sc_fields_seek(stamps->items, stamps->len, sizeof(ScStamp), field, &found);

	return found ? &stamps->items[at] : NULL;
}

/* The stamp of a field, made when missing.  Moves the others: older pointers into items are void. */
ScStamp *
sc_stamp_get(ScStamps *stamps, const char *field)
{
	bool found;
	int at = sc_fields_seek(stamps->items, stamps->len, sizeof(ScStamp), field, &found);

	if (!found)
		stamps->items = sc_fields_insert(stamps->items, stamps->len++, sizeof(ScStamp), at, field);
	return &stamps->items[at];
}

bool
sc_stamp_is_known(const ScStamp *stamp, int64 link, const ScClock *seen)
{
	for (int i = 0; i < (stamp->together ? stamp->nversions : Min(stamp->nversions, 1)); i++)
		if (stamp->versions[i].dot.link != link &&
			!sc_vclock_covers_dot(seen, stamp->versions[i].dot))
			return false;
	return true;
}

bytea *
sc_stamps_pack(const ScStamps *stamps)
{
	ScWriter writer;

	sc_codec_begin(&writer);
	sc_codec_put_uint(&writer, (uint64) stamps->len);
	for (int i = 0; i < stamps->len; i++)
	{
		const ScStamp *stamp = &stamps->items[i];

		sc_codec_put_text(&writer, stamp->field);
		sc_codec_put_byte(&writer, (uint8) ((stamp->held ? STAMP_IS_HELD : 0) |
											(stamp->together ? STAMP_IS_TOGETHER : 0) |
											(stamp->nmembers > 0 ? STAMP_HAS_MEMBERS : 0)));
		sc_codec_put_clock(&writer, &stamp->clock);
		sc_codec_put_uint(&writer, (uint64) stamp->nversions);
		for (int k = 0; k < stamp->nversions; k++)
			put_version(&writer, &stamp->versions[k], k > 0 || stamp->together);
		if (stamp->nmembers > 0)
			put_members(&writer, stamp);
	}
	return sc_codec_finish(&writer);
}

/* Raises data_corrupted on a bad one. */
ScStamps
sc_stamps_unpack(const bytea *packed)
{
	ScReader reader = sc_codec_open(packed);
	int len = sc_codec_get_count(&reader, SC_STAMP_FIELDS_MAX);
	ScStamps stamps = { .len = len, .items = len > 0 ? palloc0(sizeof(ScStamp) * len) : NULL };

	for (int i = 0; i < len && !reader.failed; i++)
		get_stamp(&reader, &stamps.items[i]);
	sc_codec_close(&reader, "stamps");
	return stamps;
}

static void
put_version(ScWriter *writer, const ScVersion *version, bool with_value)
{
	uint8 bits = (uint8) ((version->actor_kind & VERSION_KIND_MASK) << VERSION_KIND_SHIFT);

	if (version->source_version >= 0)
		bits |= VERSION_HAS_SOURCE_VERSION;
	if (version->event != 0)
		bits |= VERSION_HAS_EVENT;
	sc_codec_put_byte(writer, bits);
	sc_codec_put_int(writer, version->dot.link);
	sc_codec_put_int(writer, version->dot.n);
	sc_codec_put_clock(writer, &version->context);
	sc_codec_put_text(writer, version->actor);
	sc_codec_put_int(writer, version->system_id);
	sc_codec_put_int(writer, version->rank);
	sc_codec_put_int(writer, version->at);
	if (bits & VERSION_HAS_SOURCE_VERSION)
		sc_codec_put_int(writer, version->source_version);
	if (bits & VERSION_HAS_EVENT)
		sc_codec_put_int(writer, version->event);
	ScValue replaced = sc_value_remembered(&version->replaced);

	sc_codec_put_value(writer, &replaced);
	if (with_value)
		sc_codec_put_value(writer, &version->value);
}

static void
put_members(ScWriter *writer, const ScStamp *stamp)
{
	sc_codec_put_uint(writer, (uint64) stamp->nmembers);
	for (int i = 0; i < stamp->nmembers; i++)
	{
		const ScMember *member = &stamp->members[i];
		uint8 bits = (uint8) ((member->gone.n > 0 ? MEMBER_IS_GONE : 0) |
							  (member->at != 0 ? MEMBER_HAS_TIME : 0) |
							  (member->whole ? MEMBER_IS_WHOLE : 0));

		sc_codec_put_byte(writer, bits);
		sc_codec_put_text(writer, member->text);
		sc_codec_put_int(writer, member->by.link);
		sc_codec_put_int(writer, member->by.n);
		if (bits & MEMBER_IS_GONE)
		{
			sc_codec_put_int(writer, member->gone.link);
			sc_codec_put_int(writer, member->gone.n);
		}
		if (bits & MEMBER_HAS_TIME)
			sc_codec_put_int(writer, member->at);
	}
}

static void
get_members(ScReader *reader, ScStamp *stamp)
{
	stamp->nmembers = sc_codec_get_count(reader, SC_STAMP_MEMBERS_MAX);
	stamp->members = palloc0(sizeof(ScMember) * Max(stamp->nmembers, 1));
	for (int i = 0; i < stamp->nmembers && !reader->failed; i++)
	{
		ScMember *member = &stamp->members[i];
		uint8 bits = sc_codec_get_byte(reader);

		member->text = sc_codec_get_text(reader);
		member->by.link = sc_codec_get_int(reader);
		member->by.n = sc_codec_get_int(reader);
		if (bits & MEMBER_IS_GONE)
		{
			member->gone.link = sc_codec_get_int(reader);
			member->gone.n = sc_codec_get_int(reader);
		}
		if (bits & MEMBER_HAS_TIME)
			member->at = sc_codec_get_int(reader);
		member->whole = (bits & MEMBER_IS_WHOLE) != 0;
		if (member->text == NULL || member->by.n <= 0 || member->gone.n < 0)
			reader->failed = true;
	}
}

static void
get_stamp(ScReader *reader, ScStamp *stamp)
{
	uint8 bits;

	stamp->field = sc_codec_get_text(reader);
	if (stamp->field == NULL)
		reader->failed = true;
	bits = sc_codec_get_byte(reader);
	stamp->held = (bits & STAMP_IS_HELD) != 0;
	stamp->together = (bits & STAMP_IS_TOGETHER) != 0;
	stamp->clock = sc_codec_get_clock(reader);
	stamp->nversions = sc_codec_get_count(reader, SC_STAMP_VERSIONS_MAX);
	stamp->versions = stamp->nversions == 0 ? NULL : palloc0(sizeof(ScVersion) * stamp->nversions);
	for (int k = 0; k < stamp->nversions && !reader->failed; k++)
		stamp->versions[k] = get_version(reader, k > 0 || stamp->together);
	if (bits & STAMP_HAS_MEMBERS)
		get_members(reader, stamp);
}

static ScVersion
get_version(ScReader *reader, bool with_value)
{
	ScVersion version = { .source_version = -1 };
	uint8 bits = sc_codec_get_byte(reader);

	version.actor_kind = (bits >> VERSION_KIND_SHIFT) & VERSION_KIND_MASK;
	version.dot.link = sc_codec_get_int(reader);
	version.dot.n = sc_codec_get_int(reader);
	version.context = sc_codec_get_clock(reader);
	version.actor = sc_codec_get_text(reader);
	version.system_id = (int32) sc_codec_get_int(reader);
	version.rank = (int32) sc_codec_get_int(reader);
	version.at = sc_codec_get_int(reader);
	if (bits & VERSION_HAS_SOURCE_VERSION)
		version.source_version = sc_codec_get_int(reader);
	if (bits & VERSION_HAS_EVENT)
		version.event = sc_codec_get_int(reader);
	version.replaced = sc_codec_get_value(reader);
	if (with_value)
		version.value = sc_codec_get_value(reader);
	return version;
}
