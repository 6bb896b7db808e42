/*
 * claim_plan.c
 *	  What the next call of one link is: derived from state at the moment of
 *	  the claim, never remembered (R9).
 *
 * In this order: a lost outcome is looked for; a read that is owed is made; a
 * record that is wanted is created; fields that are due are written (those of
 * the update operation before those of a transition); comments follow.  The
 * caller holds the row locks and stores what is set here.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/json.h"
#include "core/mention.h"
#include "core/say.h"
#include "core/shape.h"
#include "engine/claim_private.h"
#include "store/config.h"
#include "store/plan.h"

#define SC_MINUTES_MARGIN 10

typedef struct Making /* a plan being made */
{
	ScBatch *batch;
	ScClaimed *claimed;
	ScLink *link;
	ScCall call;
	Jsonb *write;	/* NULL = none */
	Jsonb *comment; /* NULL = none */
} Making;

static bool look_for_lost(Making *making);
static bool make_create(Making *making);
static bool waits_for_person(const ScLink *link);
static bool make_update(Making *making);
static bool make_comment(Making *making);
static bool make_delete(Making *making);
static ScCopy *oldest_due(const ScLink *link);
static Jsonb *read_comment(Making *making, const ScCopy *copy, bool *gone);
static bool can_mention(const ScLink *link, const char *channel, const char *visibility);
static bool adds_author(const ScLink *link, const char *channel);
static Jsonb *write_fields(Making *making, List *due, bool apart, List **carried);
static bool writes_field(Making *making, const ScCallField *due, bool apart, Jsonb **write);
static Jsonb *fixed_values(Making *making);
static Jsonb *overlay(Jsonb *under, Jsonb *over);
static void carry_fields(Making *making, List *carried);
static ScPosition base_position(ScLink *link);
static void name_write(Making *making);
static void note_send(Making *making);
static const char *qualifier_of(const Making *making, const ScCallField *field);
static void note_field(Making *making, const ScCallField *field);
static void note_nearest(Making *making, const ScCallField *field, const ScFieldMap *row);
static ScCallPlan *finish_plan(Making *making, MemoryContext plan_parent);
static Jsonb *template_context(Making *making);
static Jsonb *copy_jsonb(Jsonb *json);
static void unpin(void *arg);

void
sc_claim_plan(ScBatch *batch, ScClaimed *claimed, MemoryContext plan_parent)
{
	ScLink *link = claimed->link;
	Making making = { .batch = batch, .claimed = claimed, .link = link };
	bool sends = true;

	making.call.delivery = claimed->delivery;
	making.call.gen = claimed->gen;
	making.call.at = batch->now;
	making.call.first_at = batch->now;
	making.call.base = base_position(link);
	if (link->call.kind != SC_CALL_NONE && link->call.kind != SC_CALL_READ)
		sends = look_for_lost(&making);
	else if (link->state == SC_LINK_TOMBSTONE)
		return;
	else if (link->state == SC_LINK_DELETING)
		sends = make_delete(&making);
	else if (link->read_owed && link->external_id != NULL)
		making.call.kind = SC_CALL_READ;
	else if (link->state == SC_LINK_CREATING)
		sends = make_create(&making);
	else if (link->entity != NULL && sc_model_is_linked(link))
		sends = make_update(&making) || (claimed->unfit == NULL && make_comment(&making));
	else
		sends = false;
	if (!sends)
		return;
	link->changed = true;
	name_write(&making);
	note_send(&making);
	if (!making.call.unknown || link->call.kind == SC_CALL_NONE)
		link->call = making.call;
	link->call.heard = false;
	claimed->plan = finish_plan(&making, plan_parent);
}

/* An intent without a mark is one whose outcome was lost: it stays, and the call only looks. */
static bool
look_for_lost(Making *making)
{
	ScLink *link = making->link;

	link->call.unknown = true;
	making->call = link->call;
	making->call.delivery = making->claimed->delivery;
	if (making->call.kind == SC_CALL_COMMENT)
	{
		ListCell *cell;
		bool gone;

		foreach (cell, link->copies)
		{
			const ScCopy *copy = lfirst(cell);

			if (copy->comment == making->call.comment)
				making->comment = read_comment(making, copy, &gone);
		}
	}
	return true;
}

/* A record is wanted: all that has a value there, but what only a transition can write. */
static bool
make_create(Making *making)
{
	ScLink *link = making->link;
	TimestampTz after = link->system->create_after;
	List *carried = NIL;

	if (link->entity == NULL)
		return false;
	if (!TIMESTAMP_IS_NOBEGIN(after) && after != 0 && link->entity->created_at < after)
	{
		ScLedgerEntry *entry = sc_model_note(making->batch, SC_LEDGER_UNLINK, link->entity, link);

		entry->reason = psprintf("No record is created in system \"%s\": this one was there before "
								 "the system was activated.",
								 link->system->name);
		making->claimed->drop_link = true;
		return false;
	}
	if (waits_for_person(link))
		return false;
	making->call.kind = SC_CALL_CREATE;
	making->write =
		write_fields(making, sc_merge_due(making->batch, link->entity, link), false, &carried);
	making->write = overlay(fixed_values(making), making->write);
	carry_fields(making, carried);
	return true;
}

/*
 * DD-05: while a person is asked whether two entities are one, no record is made
 * that would be one too many if they are.  Entities that both have a record in
 * one system cannot be joined: they go on as they are.  accept_match() and
 * reject_match() have the link looked at again.
 */
static bool
waits_for_person(const ScLink *link)
{
	static const Oid types[] = { INT8OID, INT4OID };
	Datum values[] = { Int64GetDatum(link->entity->id), Int32GetDatum(link->system->id) };

	sc_plan_run(
		&(ScPlan){
			"claim match",
			"SELECT FROM syncore.match_candidate c WHERE c.state = 'open' AND (c.entity = $1 OR "
			"(c.other = $1 AND EXISTS (SELECT FROM syncore.link k WHERE k.entity = c.entity AND "
			"k.system_id = $2 AND k.state IN ('active', 'diverged')))) AND NOT EXISTS (SELECT FROM "
			"syncore.link a JOIN syncore.link b ON b.system_id = a.system_id WHERE a.entity = "
			"c.entity AND b.entity = c.other AND a.state IN ('active', 'diverged') AND b.state IN "
			"('active', 'diverged')) LIMIT 1",
			2, types },
		values, NULL);
	return SPI_processed > 0;
}

static bool
make_update(Making *making)
{
	ScLink *link = making->link;
	List *due = sc_merge_due(making->batch, link->entity, link);
	List *carried = NIL;

	if (due == NIL || link->external_id == NULL)
		return false;
	making->write = write_fields(making, due, false, &carried);
	if (carried == NIL)
		making->write = write_fields(making, due, true, &carried);
	if (carried == NIL)
	{
		if (making->claimed->unfit == NULL)
			making->claimed->unfit = psprintf("no row of the field map writes field \"%s\"",
											  ((ScCallField *) linitial(due))->field);
		return false;
	}
	making->claimed->unfit = NULL;
	making->call.kind = SC_CALL_UPDATE;
	carry_fields(making, carried);
	return true;
}

/* on_delete delete.  What was never made there needs no call. */
static bool
make_delete(Making *making)
{
	ScLink *link = making->link;

	if (link->external_id == NULL)
	{
		link->state = SC_LINK_TOMBSTONE;
		link->changed = true;
		return false;
	}
	making->call.kind = SC_CALL_DELETE;
	return true;
}

/* The oldest comment that this record does not have yet. */
static bool
make_comment(Making *making)
{
	ScLink *link = making->link;
	ScCopy *oldest = link->external_id == NULL ? NULL : oldest_due(link);
	bool gone = false;

	while (oldest != NULL && (making->comment = read_comment(making, oldest, &gone)) != NULL &&
		   gone && oldest->external_id == NULL && oldest->state == SC_COPY_DUE)
	{
		/* Deleted before it was ever sent. */
		oldest->state = SC_COPY_DELETED;
		oldest->changed = true;
		link->changed = true;
		making->comment = NULL;
		oldest = oldest_due(link);
	}
	if (oldest == NULL || making->comment == NULL)
		return false;
	making->call.kind = SC_CALL_COMMENT;
	making->call.comment = oldest->comment;
	making->call.comment_step = oldest->external_id == NULL ? SC_COMMENT_WRITE
								: gone						? SC_COMMENT_DELETE
															: SC_COMMENT_EDIT;
	making->call.unknown =
		oldest->state != SC_COPY_DUE && making->call.comment_step == SC_COMMENT_WRITE;
	if (!making->call.unknown)
	{
		oldest->state = SC_COPY_SENDING;
		oldest->sent_body = sc_json_get_text(making->comment, "body");
		oldest->stale = false;
		oldest->changed = true;
	}
	return true;
}

static ScCopy *
oldest_due(const ScLink *link)
{
	ScCopy *oldest = NULL;
	ListCell *cell;

	foreach (cell, link->copies)
	{
		ScCopy *copy = lfirst(cell);

		if ((copy->state == SC_COPY_DUE || copy->state == SC_COPY_SENDING ||
			 copy->state == SC_COPY_UNKNOWN) &&
			(oldest == NULL || copy->comment < oldest->comment))
			oldest = copy;
	}
	return oldest;
}

/* The comment as this system gets to read it: {"id", "external_id", "channel", "body", "author", "visibility"}. */
static Jsonb *
read_comment(Making *making, const ScCopy *copy, bool *gone)
{
	Oid types[1] = { INT8OID };
	Datum values[1] = { Int64GetDatum(copy->comment) };
	ScJson json;

	sc_plan_run(&(ScPlan){ "claim comment",
						   "SELECT c.author, c.body, c.visibility::text, l.system_id,"
						   " c.deleted_at::text"
						   " FROM syncore.comment c LEFT JOIN syncore.link l ON l.id = c.link"
						   " WHERE c.id = $1",
						   1, types },
				values, NULL);
	if (SPI_processed == 0)
		return NULL;

	HeapTuple row = SPI_tuptable->vals[0];
	TupleDesc desc = SPI_tuptable->tupdesc;
	char *author = SPI_getvalue(row, desc, 1);
	char *body = SPI_getvalue(row, desc, 2);
	char *visibility = SPI_getvalue(row, desc, 3);
	char *system_id = SPI_getvalue(row, desc, 4);
	*gone = SPI_getvalue(row, desc, 5) != NULL;
	const ScSystem *origin =
		system_id != NULL ? sc_conf_system(making->batch->conf, atoi(system_id)) : NULL;
	const char *person = origin != NULL && author != NULL
							 ? sc_conf_person(making->batch->conf, origin->id, author)
							 : NULL;

	if (person == NULL)
		person = author;
	if (copy->sent_body != NULL && copy->state != SC_COPY_DUE)
		body = copy->sent_body;
	else if (adds_author(making->link, copy->channel) && person != NULL)
		body = psprintf("%s (%s) wrote:\n\n%s", person, origin != NULL ? origin->name : "syncore",
						body);
	body = sc_mention_tell(&(ScMentionCxt){ making->batch->conf, making->link->system->id }, body,
						   can_mention(making->link, copy->channel, visibility));
	json = sc_json_object();
	sc_json_number(&json, "id", copy->comment);
	sc_json_text(&json, "external_id", copy->external_id);
	sc_json_text(&json, "channel", copy->channel);
	sc_json_text(&json, "body", body);
	sc_json_text(&json, "author", person);
	sc_json_text(&json, "visibility", visibility);
	return sc_json_end(&json);
}

/* Has the product a way to write that somebody is called? */
static bool
can_mention(const ScLink *link, const char *channel, const char *visibility)
{
	const ScOperation *row = sc_call_comment_row(link->system->connector, link->record_type,
												 "comment", &(ScChannel){ channel, visibility });
	char *spelling = row == NULL ? NULL : sc_json_get_text(row->options, "rich_text");

	return row != NULL && (sc_json_get_text(row->options, "mention") != NULL ||
						   (spelling != NULL && strcmp(spelling, "adf") == 0));
}

static bool
adds_author(const ScLink *link, const char *channel)
{
	for (int i = 0; link->map != NULL && i < link->map->ncomments; i++)
	{
		if (strcmp(link->map->comments[i].channel, channel) == 0)
			return link->map->comments[i].author_line;
	}
	return true;
}

/*
 * The write document of those due fields that go by the update operation
 * (apart false), or of the first that goes by a transition.
 */
static Jsonb *
write_fields(Making *making, List *due, bool apart, List **carried)
{
	Jsonb *write = NULL;
	ListCell *cell;

	foreach (cell, due)
	{
		ScCallField *field = lfirst(cell);

		if (writes_field(making, field, apart, &write))
			*carried = lappend(*carried, field);
		if (apart && *carried != NIL)
			break;
	}
	return write;
}

/* Puts one field wherever the map writes it; false when nothing of it can be written that way. */
static bool
writes_field(Making *making, const ScCallField *due, bool apart, Jsonb **write)
{
	ScLink *link = making->link;
	const ScRecordMap *map = link->map;
	ScMapCxt cxt = { making->batch->conf, link->system, making->batch->map_hooks, NULL };
	bool any = false;

	for (int i = 0; map != NULL && i < map->nfields; i++)
	{
		const ScFieldMap *row = &map->fields[i];
		ScMapped mapped;

		if (strcmp(row->field->name, due->field) != 0 || row->as_note ||
			(row->direction != SC_DIRECTION_BOTH && row->direction != SC_DIRECTION_OUT) ||
			sc_call_is_apart(link->system->connector, link->record_type, row->write_path_text) !=
				apart)
			continue;
		cxt.entity = row->transform_out == NULL ? NULL : sc_model_entity_json(link->entity);
		mapped = sc_map_down(&cxt, row, &due->canonical, qualifier_of(making, due));
		if (mapped.outcome == SC_MAP_FAILED && making->claimed->unfit == NULL)
			making->claimed->unfit = psprintf("field \"%s\" cannot be written to \"%s\": %s",
											  due->field, row->write_path_text, mapped.message);
		if (mapped.outcome != SC_MAP_OK && mapped.outcome != SC_MAP_NEAREST)
			continue;
		*write = sc_pointer_set(*write, row->write_path, mapped.external.json);
		any = true;
	}
	return any;
}

/* What every new record of this kind gets: by the record map, then by the route. */
static Jsonb *
fixed_values(Making *making)
{
	ScLink *link = making->link;
	Jsonb *fixed = link->map != NULL ? link->map->create_with : NULL;

	for (int i = 0; i < link->system->nroutes; i++)
	{
		const ScRoute *route = &link->system->routes[i];

		if (route->type != link->entity->type ||
			(route->record_type != NULL && strcmp(route->record_type, link->record_type) != 0) ||
			!sc_conf_holds(route->condition, sc_model_entity_json(link->entity)))
			continue;
		return overlay(fixed, route->create_with);
	}
	return fixed;
}

/* Documents from configuration and the write document, the later over the earlier; nulls stand. */
static Jsonb *
overlay(Jsonb *under, Jsonb *over)
{
	return under == NULL ? over : sc_call_overlay(under, over);
}

/* R13: the intent says what each field was before, as of the send. */
static void
carry_fields(Making *making, List *carried)
{
	ListCell *cell;

	making->call.fields = palloc0(sizeof(ScCallField) * Max(1, list_length(carried)));
	foreach (cell, carried)
	{
		ScCallField *field = &making->call.fields[making->call.nfields++];
		ScShadowField *shadow;

		*field = *(ScCallField *) lfirst(cell);
		field->before_held = SC_UNKNOWN;
		shadow = sc_shadow_find(&making->link->shadow, field->field);
		if (shadow == NULL)
			continue;
		field->before_held = shadow->held;
		field->before_known_at = shadow->known_at;
		field->before_seen = shadow->seen;
	}
}

/* The highest position known of the record: what a write must move it past. */
static ScPosition
base_position(ScLink *link)
{
	ScPosition base =
		sc_shape_position(link->system->connector->grade, link->top_version, false, 0);

	for (int i = 0; i < link->shadow.len; i++)
	{
		ScPosition known = link->shadow.items[i].known_at;

		if (known.known && (!base.known || known.at > base.at))
			base = known;
	}
	return base;
}

/* The idempotency key: drawn anew when what is said is not what the last attempt said. */
static void
name_write(Making *making)
{
	ScClaimed *claimed = making->claimed;
	ScJson json;
	char *hash;
	pg_uuid_t uuid;

	if (making->call.unknown || making->call.kind == SC_CALL_READ)
		return;
	json = sc_json_object();
	sc_json_number(&json, "kind", making->call.kind);
	sc_json_jsonb(&json, "write", making->write);
	sc_json_jsonb(&json, "comment", making->comment);
	hash = sc_shape_digest(sc_json_end(&json));
	claimed->writes = true;
	if (claimed->hash != NULL && claimed->marker != NULL && strcmp(claimed->hash, hash) == 0)
	{
		making->call.marker = claimed->marker;
		return;
	}
	if (!pg_strong_random(uuid.data, UUID_LEN))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not draw random bytes")));
	uuid.data[6] = (uuid.data[6] & 0x0f) | 0x40;
	uuid.data[8] = (uuid.data[8] & 0x3f) | 0x80;
	claimed->hash = hash;
	claimed->marker = DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&uuid)));
	making->call.marker = claimed->marker;
}

/* The intent in the ledger, before anything leaves. */
static void
note_send(Making *making)
{
	ScLedgerEntry *entry;

	if (making->call.unknown || making->call.kind == SC_CALL_READ)
		return;
	for (int i = 0; i < making->call.nfields; i++)
	{
		const ScCallField *field = &making->call.fields[i];
		const ScRecordMap *map = making->link->map;

		if (making->call.kind == SC_CALL_UPDATE)
			note_field(making, field);
		for (int j = 0; map != NULL && making->claimed->attempts == 0 && j < map->nfields; j++)
			if (map->fields[j].values != NULL &&
				strcmp(map->fields[j].field->name, field->field) == 0)
				note_nearest(making, field, &map->fields[j]);
	}
	if (making->call.kind == SC_CALL_UPDATE)
		return;
	entry = sc_model_note(making->batch, SC_LEDGER_SEND, making->link->entity, making->link);
	entry->delivery = making->claimed->delivery;
	entry->correlation_id = making->claimed->correlation_id;
	if (making->call.kind == SC_CALL_CREATE)
		entry->reason = psprintf("A record of type \"%s\" is created in system \"%s\".",
								 making->link->record_type, making->link->system->name);
	else if (making->call.kind == SC_CALL_DELETE)
		entry->reason = psprintf("The record is deleted in system \"%s\", as another one was.",
								 making->link->system->name);
	else
		entry->reason =
			psprintf("Comment " INT64_FORMAT " is %s system \"%s\".", making->call.comment,
					 making->call.comment_step == SC_COMMENT_EDIT	  ? "edited in"
					 : making->call.comment_step == SC_COMMENT_DELETE ? "deleted from"
																	  : "written to",
					 making->link->system->name);
}

static void
note_field(Making *making, const ScCallField *field)
{
	ScLedgerEntry *entry =
		sc_model_note(making->batch, SC_LEDGER_SEND, making->link->entity, making->link);
	const ScField *known = sc_conf_field(making->link->entity->type, field->field);
	const ScFieldValue *value = sc_model_value(making->link->entity, field->field);

	entry->delivery = making->claimed->delivery;
	entry->correlation_id = making->claimed->correlation_id;
	entry->field = field->field;
	entry->reason = psprintf("The value is written to system \"%s\".", making->link->system->name);
	if (value != NULL && !sc_value_equal(&value->value, &field->canonical) && known != NULL)
		entry->reason =
			psprintf("%s is written to system \"%s\", where %s",
					 sc_say_value(known, &field->canonical), making->link->system->name,
					 making->link->in_route
						 ? psprintf("it lies on the way to %s", sc_say_value(known, &value->value))
						 : "the record has left its route");
	if (known == NULL || known->sensitive != SC_SENSITIVE_NO)
		return;
	entry->old_value = field->before_held.state == SC_VALUE_JSON ? field->before_held.json : NULL;
	entry->new_value =
		field->value.state == SC_VALUE_JSON ? field->value.json : field->canonical.json;
}

/* A value that is not the entity's own (a step on the way, a closing) has no qualifier. */
static const char *
qualifier_of(const Making *making, const ScCallField *field)
{
	const ScFieldValue *value = sc_model_value(making->link->entity, field->field);

	return value != NULL && sc_value_equal(&value->value, &field->canonical) ? value->qualifier
																			 : NULL;
}

/* CS-04: what the system has no word for is told when its nearest word is written. */
static void
note_nearest(Making *making, const ScCallField *field, const ScFieldMap *row)
{
	const char *qualifier = qualifier_of(making, field);
	ScMapCxt cxt = { making->batch->conf, making->link->system, making->batch->map_hooks };
	ScMapped down;
	ScMapped up;
	ScLedgerEntry *entry;

	if (row->as_note || row->direction == SC_DIRECTION_IN || row->direction == SC_DIRECTION_NONE)
		return;
	cxt.entity = row->transform_out == NULL ? NULL : sc_model_entity_json(making->link->entity);
	down = sc_map_down(&cxt, row, &field->canonical, qualifier);
	if (down.outcome != SC_MAP_OK && down.outcome != SC_MAP_NEAREST)
		return;
	up = sc_map_up(&cxt, row, &down.external, NULL);
	if (down.outcome == SC_MAP_OK && ((up.outcome != SC_MAP_OK && up.outcome != SC_MAP_NEAREST) ||
									  sc_value_equal(&up.canonical, &field->canonical)))
		return;
	entry = sc_model_note(making->batch, SC_LEDGER_NEAREST, making->link->entity, making->link);
	entry->delivery = making->claimed->delivery;
	entry->correlation_id = making->claimed->correlation_id;
	entry->field = field->field;
	entry->old_value = sc_say_jsonb(row->field, &field->canonical);
	entry->new_value = sc_say_jsonb(row->field, &down.external);
	entry->rule = row->values->name;
	entry->reason = psprintf(
		"nearest: %s has no word of its own for %s%s%s; %s is written", making->link->system->name,
		sc_say_value(row->field, &field->canonical), qualifier == NULL ? "" : " with ",
		qualifier == NULL ? "" : qualifier, sc_say_value(row->field, &down.external));
}

/* The plan in a memory context of its own, holding on to the configuration that it was made by. */
static ScCallPlan *
finish_plan(Making *making, MemoryContext plan_parent)
{
	MemoryContext cxt = AllocSetContextCreate(plan_parent, "syncore call", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	ScCallPlan *plan = palloc0(sizeof(ScCallPlan));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	ScLink *link = making->link;

	plan->cxt = cxt;
	plan->delivery = making->claimed->delivery;
	plan->link = link->id;
	plan->entity = link->entity != NULL ? link->entity->id : 0;
	plan->system_id = link->system->id;
	plan->space_id = link->system->space->id;
	plan->attempts = making->claimed->attempts;
	plan->claimed_at = making->batch->now;
	plan->correlation_id =
		making->claimed->correlation_id != NULL ? pstrdup(making->claimed->correlation_id) : NULL;
	plan->conf = unconstify(ScConf *, making->batch->conf);
	plan->system = link->system;
	plan->record_type = pstrdup(link->record_type);
	plan->map = link->map;
	plan->call = sc_model_call_unpack(sc_model_call_pack(&making->call));
	plan->context = template_context(making);
	plan->write = making->write != NULL ? copy_jsonb(making->write) : NULL;
	sc_config_pin(plan->conf);
	callback->func = unpin;
	callback->arg = plan->conf;
	MemoryContextRegisterResetCallback(cxt, callback);
	MemoryContextSwitchTo(old);
	return plan;
}

/* The variables of the templates; extension/connectors/README.md lists them. */
static Jsonb *
template_context(Making *making)
{
	ScLink *link = making->link;
	ScJson json = sc_json_object();

	sc_json_text(&json, "system", link->system->name);
	sc_json_text(&json, "record_type", link->record_type);
	sc_json_text(&json, "correlation_id", making->claimed->correlation_id);
	sc_json_number(&json, "minutes",
				   (making->batch->now - making->call.first_at) / USECS_PER_MINUTE +
					   SC_MINUTES_MARGIN);
	sc_json_jsonb(&json, "settings", link->system->settings);
	sc_json_jsonb(&json, "comment", making->comment);
	sc_json_open_object(&json, "link");
	sc_json_number(&json, "id", link->id);
	sc_json_text(&json, "external_id", link->external_id);
	sc_json_text(&json, "external_key", link->external_key);
	sc_json_text(&json, "marker", link->marker);
	sc_json_close_object(&json);
	sc_json_open_object(&json, "entity");
	if (link->entity != NULL)
		sc_json_number(&json, "id", link->entity->id);
	sc_json_close_object(&json);
	sc_json_open_object(&json, "call");
	sc_json_text(&json, "marker", making->call.marker);
	sc_json_close_object(&json);
	return sc_json_end(&json);
}

static Jsonb *
copy_jsonb(Jsonb *json)
{
	Jsonb *copy = palloc(VARSIZE(json));

	memcpy(copy, json, VARSIZE(json));
	return copy;
}

static void
unpin(void *arg)
{
	sc_config_unpin(arg);
}
