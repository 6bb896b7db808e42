/*
 * shadow.c
 *	  The shadow of a link: find, make, store, load.
 *
 * A link that was only ever read costs a few bytes a field: each part of an
 * entry is stored only when a bit says that it is there.
 */
#include "postgres.h"

#include "core/codec.h"
#include "core/fields.h"
#include "core/shadow.h"

/* Bits of a stored entry. */
#define FIELD_HAS_SENT 0x01
#define FIELD_HAS_KNOWN_AT 0x02
#define FIELD_HAS_CHANGED_AT 0x04
#define FIELD_HAS_WRITES 0x08
#define FIELD_HAS_UNCONFIRMED 0x10
#define FIELD_HAS_REVERSALS 0x20
#define FIELD_HAS_WERE 0x40
#define FIELD_IS_STOPPED 0x80
#define FIELD_IS_UNSAID 0x100
#define FIELD_HAS_TOLD_BEFORE 0x200
#define FIELD_HAS_CHANGED_AFTER 0x400
#define FIELD_BITS 0x7ff

/* Bits of a stored write. */
#define WRITE_HAS_AT 0x01
#define WRITE_IS_EXACT 0x02
#define WRITE_HAS_BEFORE_KNOWN_AT 0x04
#define WRITE_HAS_MARKER 0x08
#define WRITE_BITS 0x0f

static void put_field(ScWriter *writer, const ScShadowField *field);
static void put_write(ScWriter *writer, const ScWrite *write);
static void put_remembered(ScWriter *writer, const ScValue *value);
static void get_field(ScReader *reader, ScShadowField *field);
static uint64 get_bits(ScReader *reader);
static void get_lists(ScReader *reader, uint16 bits, ScShadowField *field);
static void get_write(ScReader *reader, ScWrite *write);
static void get_were(ScReader *reader, int *nwere, ScValue **were);
static ScPosition get_position(ScReader *reader, bool known);

/* The entry of a field; NULL when the field is not known of this record. */
ScShadowField *
sc_shadow_find(ScShadow *shadow, const char *field)
{
	bool found;
	int at = sc_fields_seek(shadow->items, shadow->len, sizeof(ScShadowField), field, &found);

	return found ? &shadow->items[at] : NULL;
}

/* The entry of a field, made when missing.  Moves the others: older pointers into items are void. */
ScShadowField *
sc_shadow_get(ScShadow *shadow, const char *field)
{
	bool found;
	int at = sc_fields_seek(shadow->items, shadow->len, sizeof(ScShadowField), field, &found);

	if (!found)
		shadow->items =
			sc_fields_insert(shadow->items, shadow->len++, sizeof(ScShadowField), at, field);
	return &shadow->items[at];
}

bytea *
sc_shadow_pack(const ScShadow *shadow)
{
	ScWriter writer;

	sc_codec_begin(&writer);
	sc_codec_put_uint(&writer, (uint64) shadow->len);
	for (int i = 0; i < shadow->len; i++)
		put_field(&writer, &shadow->items[i]);
	return sc_codec_finish(&writer);
}

/* Raises data_corrupted on a bad one. */
ScShadow
sc_shadow_unpack(const bytea *packed)
{
	ScReader reader = sc_codec_open(packed);
	int len = sc_codec_get_count(&reader, SC_SHADOW_FIELDS_MAX);
	ScShadow shadow = { .len = len };

	if (len > 0)
		shadow.items = palloc0(sizeof(ScShadowField) * len);
	for (int i = 0; i < len && !reader.failed; i++)
		get_field(&reader, &shadow.items[i]);
	sc_codec_close(&reader, "shadow");
	return shadow;
}

static void
put_field(ScWriter *writer, const ScShadowField *field)
{
	uint16 bits = 0;

	bits |= field->sent.state != SC_VALUE_UNKNOWN ? FIELD_HAS_SENT : 0;
	bits |= field->known_at.known ? FIELD_HAS_KNOWN_AT : 0;
	bits |= field->changed_at.known ? FIELD_HAS_CHANGED_AT : 0;
	bits |= field->nwrites > 0 ? FIELD_HAS_WRITES : 0;
	bits |= field->nunconfirmed > 0 ? FIELD_HAS_UNCONFIRMED : 0;
	bits |= field->nreversals > 0 ? FIELD_HAS_REVERSALS : 0;
	bits |= field->stopped ? FIELD_IS_STOPPED : 0;
	bits |= field->nwere > 0 ? FIELD_HAS_WERE : 0;
	bits |= field->unsaid ? FIELD_IS_UNSAID : 0;
	bits |= field->told_before.known ? FIELD_HAS_TOLD_BEFORE : 0;
	bits |= field->told_before.known && field->changed_after.known ? FIELD_HAS_CHANGED_AFTER : 0;

	sc_codec_put_text(writer, field->field);
	sc_codec_put_uint(writer, bits);
	put_remembered(writer, &field->held);
	sc_codec_put_clock(writer, &field->seen);
	if (bits & FIELD_HAS_SENT)
		put_remembered(writer, &field->sent);
	if (bits & FIELD_HAS_KNOWN_AT)
		sc_codec_put_int(writer, field->known_at.at);
	if (bits & FIELD_HAS_CHANGED_AT)
		sc_codec_put_int(writer, field->changed_at.at);
	if (bits & FIELD_HAS_TOLD_BEFORE)
		sc_codec_put_int(writer, field->told_before.at);
	if (bits & FIELD_HAS_CHANGED_AFTER)
		sc_codec_put_int(writer, field->changed_after.at);
	if (bits & FIELD_HAS_WRITES)
		sc_codec_put_uint(writer, (uint64) field->nwrites);
	for (int i = 0; i < field->nwrites; i++)
		put_write(writer, &field->writes[i]);
	if (bits & FIELD_HAS_UNCONFIRMED)
		sc_codec_put_uint(writer, (uint64) field->nunconfirmed);
	for (int i = 0; i < field->nunconfirmed; i++)
	{
		put_remembered(writer, &field->unconfirmed[i].value);
		put_remembered(writer, &field->unconfirmed[i].canonical);
		sc_codec_put_clock(writer, &field->unconfirmed[i].clock);
		sc_codec_put_int(writer, field->unconfirmed[i].until);
	}
	if (bits & FIELD_HAS_REVERSALS)
		sc_codec_put_uint(writer, (uint64) field->nreversals);
	for (int i = 0; i < field->nreversals; i++)
		sc_codec_put_int(writer, field->reversals[i]);
	if (bits & FIELD_HAS_WERE)
		sc_codec_put_uint(writer, (uint64) field->nwere);
	for (int i = 0; i < field->nwere; i++)
		put_remembered(writer, &field->were[i]);
}

static void
put_write(ScWriter *writer, const ScWrite *write)
{
	uint8 bits = 0;

	bits |= write->at.known ? WRITE_HAS_AT : 0;
	bits |= write->exact ? WRITE_IS_EXACT : 0;
	bits |= write->before_known_at.known ? WRITE_HAS_BEFORE_KNOWN_AT : 0;
	bits |= write->marker != 0 ? WRITE_HAS_MARKER : 0;

	sc_codec_put_byte(writer, bits);
	put_remembered(writer, &write->value);
	put_remembered(writer, &write->canonical);
	if (bits & WRITE_HAS_AT)
		sc_codec_put_int(writer, write->at.at);
	sc_codec_put_int(writer, write->acked_at);
	if (bits & WRITE_HAS_MARKER)
		sc_codec_put_int(writer, write->marker);
	put_remembered(writer, &write->before_held);
	if (bits & WRITE_HAS_BEFORE_KNOWN_AT)
		sc_codec_put_int(writer, write->before_known_at.at);
	sc_codec_put_clock(writer, &write->before_seen);
	sc_codec_put_uint(writer, (uint64) write->nwere);
	for (int i = 0; i < write->nwere; i++)
		put_remembered(writer, &write->were[i]);
}

/* Long values by digest: enough to compare; the text itself is in link.long. */
static void
put_remembered(ScWriter *writer, const ScValue *value)
{
	ScValue remembered = sc_value_remembered(value);

	sc_codec_put_value(writer, &remembered);
}

static void
get_field(ScReader *reader, ScShadowField *field)
{
	field->field = sc_codec_get_text(reader);
	if (field->field == NULL)
		reader->failed = true;

	uint16 bits = (uint16) get_bits(reader);

	field->held = sc_codec_get_value(reader);
	field->seen = sc_codec_get_clock(reader);
	if (bits & FIELD_HAS_SENT)
		field->sent = sc_codec_get_value(reader);
	field->known_at = get_position(reader, bits & FIELD_HAS_KNOWN_AT);
	field->changed_at = get_position(reader, bits & FIELD_HAS_CHANGED_AT);
	field->told_before = get_position(reader, bits & FIELD_HAS_TOLD_BEFORE);
	field->changed_after = get_position(reader, bits & FIELD_HAS_CHANGED_AFTER);
	field->stopped = (bits & FIELD_IS_STOPPED) != 0;
	field->unsaid = (bits & FIELD_IS_UNSAID) != 0;
	get_lists(reader, bits, field);
}

static uint64
get_bits(ScReader *reader)
{
	uint64 bits = sc_codec_get_uint(reader);

	reader->failed = reader->failed || bits > FIELD_BITS;
	return reader->failed ? 0 : bits;
}

static void
get_lists(ScReader *reader, uint16 bits, ScShadowField *field)
{
	if (bits & FIELD_HAS_WRITES)
		field->nwrites = sc_codec_get_count(reader, SC_SHADOW_WRITES_MAX);
	if (field->nwrites > 0)
		field->writes = palloc0(sizeof(ScWrite) * field->nwrites);
	for (int i = 0; i < field->nwrites && !reader->failed; i++)
		get_write(reader, &field->writes[i]);
	if (bits & FIELD_HAS_UNCONFIRMED)
		field->nunconfirmed = sc_codec_get_count(reader, SC_SHADOW_UNCONFIRMED_MAX);
	if (field->nunconfirmed > 0)
		field->unconfirmed = palloc0(sizeof(ScUnconfirmed) * field->nunconfirmed);
	for (int i = 0; i < field->nunconfirmed && !reader->failed; i++)
	{
		field->unconfirmed[i].value = sc_codec_get_value(reader);
		field->unconfirmed[i].canonical = sc_codec_get_value(reader);
		field->unconfirmed[i].clock = sc_codec_get_clock(reader);
		field->unconfirmed[i].until = sc_codec_get_int(reader);
	}
	if (bits & FIELD_HAS_REVERSALS)
		field->nreversals = sc_codec_get_count(reader, SC_SHADOW_REVERSALS_MAX);
	if (field->nreversals > 0)
		field->reversals = palloc(sizeof(TimestampTz) * field->nreversals);
	for (int i = 0; i < field->nreversals; i++)
		field->reversals[i] = sc_codec_get_int(reader);
	if (bits & FIELD_HAS_WERE)
		get_were(reader, &field->nwere, &field->were);
}

static void
get_write(ScReader *reader, ScWrite *write)
{
	uint8 bits = sc_codec_get_byte(reader);

	if (bits & ~WRITE_BITS)
		reader->failed = true;
	write->exact = (bits & WRITE_IS_EXACT) != 0;
	write->value = sc_codec_get_value(reader);
	write->canonical = sc_codec_get_value(reader);
	write->at = get_position(reader, bits & WRITE_HAS_AT);
	write->acked_at = sc_codec_get_int(reader);
	if (bits & WRITE_HAS_MARKER)
		write->marker = sc_codec_get_int(reader);
	write->before_held = sc_codec_get_value(reader);
	write->before_known_at = get_position(reader, bits & WRITE_HAS_BEFORE_KNOWN_AT);
	write->before_seen = sc_codec_get_clock(reader);
	get_were(reader, &write->nwere, &write->were);
}

static void
get_were(ScReader *reader, int *nwere, ScValue **were)
{
	*nwere = sc_codec_get_count(reader, SC_SHADOW_WERE_MAX);
	if (*nwere > 0)
		*were = palloc0(sizeof(ScValue) * *nwere);
	for (int i = 0; i < *nwere; i++)
		(*were)[i] = sc_codec_get_value(reader);
}

static ScPosition
get_position(ScReader *reader, bool known)
{
	ScPosition position = { .known = known };

	if (known)
		position.at = sc_codec_get_int(reader);
	return position;
}
