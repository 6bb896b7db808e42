/*
 * stamp.c
 *	  The stamps of an entity: find, make, store, load.
 *
 * The winner's value is not stored: it is the canonical value, kept in
 * entity.data or entity.long, and one truth is enough.  Siblings carry theirs.
 */
#include "postgres.h"

#include "core/codec.h"
#include "core/fields.h"
#include "core/stamp.h"

/* Bits of a stored version: what is there beside the fixed part. */
#define VERSION_HAS_SOURCE_VERSION 0x01
#define VERSION_HAS_EVENT 0x02
#define VERSION_KIND_SHIFT 2
#define VERSION_KIND_MASK 0x03

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
		sc_codec_put_byte(&writer, stamp->held ? 1 : 0);
		sc_codec_put_clock(&writer, &stamp->clock);
		sc_codec_put_uint(&writer, (uint64) stamp->nversions);
		for (int k = 0; k < stamp->nversions; k++)
			put_version(&writer, &stamp->versions[k], k > 0);
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
get_stamp(ScReader *reader, ScStamp *stamp)
{
	stamp->field = sc_codec_get_text(reader);
	if (stamp->field == NULL)
		reader->failed = true;
	stamp->held = sc_codec_get_byte(reader) != 0;
	stamp->clock = sc_codec_get_clock(reader);
	stamp->nversions = sc_codec_get_count(reader, SC_STAMP_VERSIONS_MAX);
	if (stamp->nversions == 0)
		return;
	stamp->versions = palloc0(sizeof(ScVersion) * stamp->nversions);
	for (int k = 0; k < stamp->nversions && !reader->failed; k++)
		stamp->versions[k] = get_version(reader, k > 0);
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
