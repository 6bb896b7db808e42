/*
 * decide.c
 *	  One statement about one record, step by step, field by field.
 *
 * A statement is taken whole or not at all: if one of its fields cannot be
 * read, or must wait for a call, nothing of it has been decided.  What is
 * decided is in the batch: shadows, versions, values, rows for the ledger.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/reopen.h"
#include "core/say.h"

static void ask_of_defaults(ScBatch *batch, ScLink *link, const ScField *field);
static bool holds_value(const ScBatch *batch, const ScLink *link, const ScShadowField *shadow);
static bool is_own_start(ScLink *link, const ScStatement *statement, const ScMapped *said,
						 ScOrder *order);
static bool is_empty_start(const ScLink *link, const ScShadowField *shadow,
						   const ScStatement *statement, const ScMapped *said);
static bool is_of_our_making(const ScLink *link);
static bool is_unsaid(const ScLink *link, const ScField *field);
static bool is_said(const ScMapped *said);
static bool is_repeated(const ScStatement *statement, int at);
static const ScMapped *find_failure(const ScStatement *statement);
static void wait_for_outcome(ScBatch *batch, ScLink *link, const ScStatement *statement);
static void note_arrival(ScBatch *batch, ScLink *link, const ScStatement *statement);
static bool settle_unsure(ScBatch *batch, ScLink *link, const ScStatement *statement,
						  const ScMapped *said, ScOrder *order);
static const char *echo_rule(const ScOrder *order, const ScSystem *system);
static bool is_listed(List *events, int64 event);
static List *add_event(List *events, int64 event);

ScDecided
sc_decide_statement(ScBatch *batch, ScLink *link, const ScStatement *statement,
					const ScMapped **failure)
{
	const ScMapped *failed = find_failure(statement);
	int64 revision;

	if (failure != NULL)
		*failure = failed;
	if (failed != NULL)
		return SC_DECIDED_QUARANTINE;
	if (link->entity != NULL)
		sc_decide_proof(batch, link, statement);
	if (link->entity == NULL || sc_order_must_wait(link, statement) ||
		sc_reopen_waits(batch, link, statement))
	{
		wait_for_outcome(batch, link, statement);
		return SC_DECIDED_WAITS;
	}
	if (link->state == SC_LINK_TOMBSTONE)
	{
		sc_decide_note(batch, SC_LEDGER_OUT_OF_SCOPE, link, statement, NULL)->reason =
			psprintf(link->in_route ? "the record is gone at %s: what is still heard of it changes "
									  "nothing"
									: "the record at %s was untied when it left its route: what "
									  "is heard of it changes nothing",
					 link->system->name);
		return SC_DECIDED;
	}
	if (statement->kind == SC_STATEMENT_DELETE)
	{
		sc_decide_gone(batch, link, statement);
		return SC_DECIDED;
	}
	if (link->call.kind != SC_CALL_NONE)
		link->call.heard = true;
	for (int i = 0; i < statement->nfields; i++)
		if (statement->fields[i].unmapped)
			sc_decide_tell_unmapped(batch, link->system, &statement->fields[i]);
	sc_decide_keys(link, statement);
	(void) sc_reopen_take(batch, link, statement);
	note_arrival(batch, link, statement);
	revision = link->entity->revision;
	/* Heard of before its answer: the record as our create made it. */
	if (link->call.kind == SC_CALL_CREATE && statement->actor_is_us)
		sc_decide_baseline(batch, link, statement,
						   &(ScCall){ .nfields = link->call.nfields, .fields = link->call.fields });
	sc_decide_fields(batch, link, statement, NULL);
	sc_decide_comments(batch, link, statement);
	if (link->entity->revision > revision)
	{
		link->entity->revision = revision + 1;
		sc_gone_tell_update(batch, link, statement);
	}
	return SC_DECIDED;
}

void
sc_decide_fields(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScCall *skip)
{
	/* A read may be the first to tell of it. */
	if (statement->event == 0)
		(void) sc_reopen_take(batch, link, statement);
	for (int i = 0; i < statement->nfields; i++)
	{
		const ScMapped *said = &statement->fields[i];
		bool carried = false;

		if (!is_said(said) || is_repeated(statement, i))
			continue;
		for (int k = 0; skip != NULL && k < skip->nfields; k++)
			carried = carried || strcmp(skip->fields[k].field, said->map->field->name) == 0;
		if (!carried)
			sc_decide_field(batch, link, statement, said);
	}
}

void
sc_decide_field(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScMapped *said)
{
	ScShadowField *shadow = sc_shadow_get(&link->shadow, said->map->field->name);
	ScStamp *stamp = sc_stamp_find(&link->entity->stamps, said->map->field->name);
	ScPosition known_at;
	ScOrder order;

	sc_order_expire(shadow, batch->now);
	order = sc_order_judge(link, shadow, statement, said);
	if (order.verdict == SC_VERDICT_CURRENT && is_empty_start(link, shadow, statement, said))
	{
		shadow->held = said->external;
		shadow->known_at = statement->position;
		link->changed = true;
		if (is_unsaid(link, said->map->field))
			ask_of_defaults(batch, link, said->map->field);
		return;
	}
	if (is_own_start(link, statement, said, &order))
	{
		(void) sc_order_apply(shadow, &order, statement, said);
		link->changed = true;
		return;
	}
	if (sc_author_take_back(batch, link, statement, said, &order) ||
		sc_author_take(batch, link, statement, said, &order))
		return;
	/* R3: what the unread write found there, or set back since: the read will tell. */
	if (order.verdict == SC_VERDICT_NOTHING && order.carried != NULL)
		sc_decide_ask_of(link, statement->event);
	if (order.verdict == SC_VERDICT_UNSURE && link->read_taken &&
		!settle_unsure(batch, link, statement, said, &order))
		return;
	if (order.verdict == SC_VERDICT_CURRENT || order.verdict == SC_VERDICT_RACED)
	{
		sc_decide_change(batch, link, statement, said, order);
		return;
	}
	known_at = shadow->known_at;
	sc_order_apply(shadow, &order, statement, said);
	if (order.verdict != SC_VERDICT_NOTHING || order.write >= 0 ||
		known_at.known != shadow->known_at.known || known_at.at != shadow->known_at.at)
		link->changed = true;
	if (stamp != NULL && order.verdict != SC_VERDICT_NOTHING)
		stamp->touched = true;
	sc_decide_note_verdict(batch, link, statement, said, &order);
}

/*
 * A field that nobody ever said anything about is empty on a record heard of
 * for the first time: that is where the record starts from, not an edit that
 * would empty the field elsewhere.  So it is on a record that we made without
 * it, whoever is heard first of those who wrote beside it: who filled it and
 * emptied it again since has nothing to lose.
 */
static bool
is_empty_start(const ScLink *link, const ScShadowField *shadow, const ScStatement *statement,
			   const ScMapped *said)
{
	return shadow->held.state == SC_VALUE_UNKNOWN && sc_value_is_null(&said->canonical) &&
		   (is_unsaid(link, said->map->field) ||
			(is_of_our_making(link) && sc_model_is_whole(statement)));
}

/* A record that showed up where we were about to make one has a marker as well, and nothing of ours in it at first. */
static bool
is_of_our_making(const ScLink *link)
{
	bool written = false;

	for (int i = 0; i < link->shadow.len; i++)
		written = written || link->shadow.items[i].nwrites > 0;
	return link->marker != NULL && written;
}

static bool
is_unsaid(const ScLink *link, const ScField *field)
{
	const ScStamp *stamp = sc_stamp_find(&link->entity->stamps, field->name);

	return stamp == NULL || stamp->nversions == 0;
}

/*
 * Our own create, told of late: what its record started with is no edit where
 * the entity has a value.  It was there before all that anybody wrote since.
 */
static bool
is_own_start(ScLink *link, const ScStatement *statement, const ScMapped *said, ScOrder *order)
{
	ScShadowField *shadow = sc_shadow_get(&link->shadow, said->map->field->name);
	bool unheard = order->verdict == SC_VERDICT_CURRENT && shadow->held.state == SC_VALUE_UNKNOWN;
	bool overwritten = order->verdict == SC_VERDICT_RACED && order->carried == NULL;

	if (statement->kind != SC_STATEMENT_CREATE || !statement->actor_is_us || link->fresh ||
		!(unheard || overwritten) || sc_model_value(link->entity, shadow->field) == NULL)
		return false;
	if (unheard)
	{
		shadow->held = said->external;
		/* R10: its people see what stands, and have seen all that led to it. */
		link->whole = true;
	}
	order->verdict = SC_VERDICT_NOTHING;
	return true;
}

/* This record has no value: what another one of the entity started with (take_baseline) is heard of anew, as a value. */
static void
ask_of_defaults(ScBatch *batch, ScLink *link, const ScField *field)
{
	for (int i = 0; i < list_length(link->entity->links); i++)
	{
		ScLink *other = list_nth(link->entity->links, i);
		ScShadowField *shadow = sc_shadow_find(&other->shadow, field->name);

		if (other == link || shadow == NULL || shadow->nwrites > 0 || !sc_merge_takes_part(other) ||
			!sc_order_can_be_read(other) || !holds_value(batch, other, shadow))
			continue;
		shadow->held = SC_UNKNOWN;
		shadow->known_at = SC_NO_POSITION;
		other->read_owed = true;
		other->changed = true;
	}
}

/* Something that is a value to us: an empty list is none, however the product spells it. */
static bool
holds_value(const ScBatch *batch, const ScLink *link, const ScShadowField *shadow)
{
	const ScFieldMap *reader = sc_conf_reader(link->map, shadow->field);
	ScMapped mapped;

	if (reader == NULL || shadow->held.state != SC_VALUE_JSON)
		return false;
	mapped = sc_map_up(&(ScMapCxt){ batch->conf, link->system, batch->map_hooks }, reader,
					   &shadow->held, NULL);
	return (mapped.outcome == SC_MAP_OK || mapped.outcome == SC_MAP_NEAREST) &&
		   !sc_value_is_null(&mapped.canonical);
}

static bool
is_said(const ScMapped *said)
{
	return said->outcome == SC_MAP_OK || said->outcome == SC_MAP_NEAREST;
}

/* Several rows may read one field; the first that says something is the one that counts. */
static bool
is_repeated(const ScStatement *statement, int at)
{
	for (int i = at - 1;
		 i >= 0 && statement->fields[i].map->field == statement->fields[at].map->field; i--)
		if (is_said(&statement->fields[i]))
			return true;
	return false;
}

static const ScMapped *
find_failure(const ScStatement *statement)
{
	for (int i = 0; i < statement->nfields; i++)
		if (statement->fields[i].outcome == SC_MAP_FAILED)
			return &statement->fields[i];
	return NULL;
}

void
sc_decide_keys(ScLink *link, const ScStatement *statement)
{
	ScPosition top = sc_order_top(link);

	if (statement->external_key != NULL &&
		(link->external_key == NULL || strcmp(link->external_key, statement->external_key) != 0))
	{
		link->external_key = statement->external_key;
		link->changed = true;
	}
	if (statement->url != NULL && (link->url == NULL || strcmp(link->url, statement->url) != 0))
	{
		link->url = statement->url;
		link->changed = true;
	}
	if (statement->version_text != NULL &&
		(!statement->position.known || !top.known || statement->position.at >= top.at) &&
		(link->top_version == NULL || strcmp(link->top_version, statement->version_text) != 0))
	{
		link->top_version = statement->version_text;
		link->changed = true;
	}
}

static void
wait_for_outcome(ScBatch *batch, ScLink *link, const ScStatement *statement)
{
	ScLedgerEntry *entry;

	link->changed = true;
	if (is_listed(link->waiting, statement->event))
		return;
	link->waiting = add_event(link->waiting, statement->event);
	entry = sc_decide_note(batch, SC_LEDGER_WAIT, link, statement, NULL);
	if (link->entity == NULL)
		entry->reason = psprintf("a record of %s that nobody knows yet: it may be the one that is "
								 "being created there, so it is read first",
								 link->system->name);
	else
		entry->reason = psprintf("a call to %s that is under way writes a field of which it tells: "
								 "it is decided when the outcome is known",
								 link->system->name);
	entry->rule = "R3";
}

/* An event that made an entity, or tied a record to one. */
static void
note_arrival(ScBatch *batch, ScLink *link, const ScStatement *statement)
{
	ScEntity *entity = link->entity;
	ScLedgerEntry *entry;
	const char *name = link->external_key != NULL ? link->external_key : link->external_id;

	if ((!link->fresh && !entity->fresh) || statement->event == 0)
		return;
	/* R2: it is not known how old this word is.  It stands until the record was read. */
	if (link->system->connector->grade == SC_GRADE_NONE && sc_order_can_be_read(link))
		link->read_owed = true;
	for (int i = 0; i < list_length(batch->ledger); i++)
	{
		ScLedgerEntry *earlier = list_nth(batch->ledger, i);

		if (earlier->link == link &&
			(earlier->kind == SC_LEDGER_RECEIVE || earlier->kind == SC_LEDGER_LINK))
			return;
	}
	entry = sc_decide_note(batch, entity->fresh ? SC_LEDGER_RECEIVE : SC_LEDGER_LINK, link,
						   statement, NULL);
	if (entity->fresh)
		entry->reason = psprintf("%s told of %s %s for the first time", link->system->name,
								 link->record_type, name);
	else
		entry->reason = psprintf("%s %s of %s was tied to this %s", link->record_type, name,
								 link->system->name, entity->type->name);
}

/*
 * R11, after the slot read.  True: the order says how to go on.  False: the
 * statement ends here, because it was decided before or cannot be ordered.
 */
static bool
settle_unsure(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScMapped *said,
			  ScOrder *order)
{
	ScShadowField *shadow = sc_shadow_get(&link->shadow, said->map->field->name);
	ScStamp *stamp = sc_stamp_find(&link->entity->stamps, said->map->field->name);
	ScLedgerEntry *entry;

	for (int i = 0; stamp != NULL && i < stamp->nversions; i++)
		if (statement->event != 0 && stamp->versions[i].event == statement->event)
			return false;
	if (sc_order_was_raced(shadow, order, said))
	{
		order->verdict = SC_VERDICT_RACED;
		order->rule = "R11";
		return true;
	}
	entry = sc_decide_note(batch, SC_LEDGER_UNORDERED, link, statement, said);
	entry->rule = "R11";
	entry->reason = psprintf("%s gives no position by which %s could be ordered against what we "
							 "wrote or heard; what the record held when it was read stands",
							 link->system->name, sc_say_value(said->map->field, &said->canonical));
	return false;
}

void
sc_decide_note_verdict(ScBatch *batch, ScLink *link, const ScStatement *statement,
					   const ScMapped *said, const ScOrder *order)
{
	const ScField *field = said->map->field;
	char *value = sc_say_value(field, &said->canonical);
	const char *name = link->system->name;
	ScShadowField *shadow = sc_shadow_get(&link->shadow, field->name);
	ScLedgerEntry *entry;

	switch (order->verdict)
	{
		case SC_VERDICT_ECHO:
			entry = sc_decide_note(batch, SC_LEDGER_ECHO, link, statement, said);
			entry->rule = unconstify(char *, echo_rule(order, link->system));
			entry->reason = psprintf("%s came back from %s, where we had written it", value, name);
			break;
		case SC_VERDICT_STALE:
			entry = sc_decide_note(batch, SC_LEDGER_STALE, link, statement, said);
			entry->rule = sc_order_was_held(shadow, said) ? "redelivery" : "stale";
			entry->reason = psprintf("%s is older than what %s told us since", value, name);
			break;
		case SC_VERDICT_UNSURE:
			entry = sc_decide_note(batch, SC_LEDGER_UNSURE, link, statement, said);
			entry->rule = unconstify(char *, order->rule);
			entry->reason = psprintf("it cannot be told whether %s came before or after what we "
									 "know of %s: the record is read",
									 value, name);
			if (!is_listed(link->waiting, statement->event))
				sc_decide_ask_of(link, statement->event);
			link->read_owed = true;
			break;
		case SC_VERDICT_RACED:
			entry = sc_decide_note(batch, SC_LEDGER_RACED, link, statement, said);
			entry->rule = unconstify(char *, order->rule);
			entry->reason = psprintf(
				"%s was set at %s while our write of %s was on its way, which %s it: it is "
				"judged by what %s had seen before that write",
				value, name,
				sc_say_value(field, order->carried != NULL
										? &order->carried->canonical
										: &shadow->writes[order->write].canonical),
				order->carried != NULL ? "may have overwritten" : "overwrote", name);
			break;
		case SC_VERDICT_LANDED:
			entry = sc_decide_note(batch, SC_LEDGER_LANDED, link, statement, said);
			entry->rule = "R5";
			entry->reason = psprintf(
				"our write of %s to %s, whose answer was lost, has landed after all", value, name);
			break;
		case SC_VERDICT_READ_AGAIN:
			link->read_owed = true;
			break;
		default:
			break;
	}
}

static const char *
echo_rule(const ScOrder *order, const ScSystem *system)
{
	if (strcmp(order->rule, "R4a") == 0)
		return "echo:correlation";
	if (strcmp(order->rule, "R4d") == 0 && system->connector->grade == SC_GRADE_COUNTER)
		return "echo:position";
	return "echo:value";
}

static bool
is_listed(List *events, int64 event)
{
	for (int i = 0; i < list_length(events); i++)
		if (*(int64 *) list_nth(events, i) == event)
			return true;
	return false;
}

void
sc_decide_ask_of(ScLink *link, int64 event)
{
	link->unsure = add_event(link->unsure, event);
}

static List *
add_event(List *events, int64 event)
{
	int64 *member;

	if (event == 0 || is_listed(events, event))
		return events;
	member = palloc(sizeof(int64));
	*member = event;
	return lappend(events, member);
}
