/*
 * decide.c
 *	  One statement about one record: DESIGN §4 in order, field by field.
 *
 * A statement is taken whole or not at all: if one of its fields cannot be
 * read, or must wait for a call, nothing of it has been decided.  What is
 * decided is in the batch: shadows, versions, values, rows for the ledger.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/json.h"
#include "core/policy.h"
#include "core/say.h"

static bool is_said(const ScMapped *said);
static bool is_repeated(const ScStatement *statement, int at);
static const ScMapped *find_failure(const ScStatement *statement);
static bool is_listed(List *events, int64 event);
static List *add_event(List *events, int64 event);
static void wait_for_outcome(ScBatch *batch, ScLink *link, const ScStatement *statement);
static void note_arrival(ScBatch *batch, ScLink *link, const ScStatement *statement);
static bool is_empty_start(const ScLink *link, const ScShadowField *shadow, const ScMapped *said);
static bool settle_unsure(ScBatch *batch, ScLink *link, const ScStatement *statement,
						  const ScMapped *said, ScOrder *order);
static void note_verdict(ScBatch *batch, ScLink *link, const ScStatement *statement,
						 const ScMapped *said, const ScOrder *order);
static const char *echo_rule(const ScOrder *order, const ScSystem *system);
static bool is_by_another(const ScLink *link, const ScField *field, const ScStatement *statement);
static ScVersion make_version(ScBatch *batch, ScLink *link, const ScStatement *statement,
							  const ScMapped *said);
static bool is_image(const ScBatch *batch, ScLink *link, const ScMapped *said);
static bool has_seen_winner(const ScEntity *entity, const ScField *field, const ScLink *link,
							const ScClock *context);
static const ScMapped *as_canonical(const ScMapped *said, const ScValue *value);
static bool is_refused(ScBatch *batch, ScLink *link, const ScStatement *statement,
					   const ScMapped *said, ScShadowField *shadow);
static bool is_foreign(ScBatch *batch, ScLink *link, const ScStatement *statement,
					   const ScMapped *said, ScShadowField *shadow);
static bool is_illegal(const ScEntity *entity, const ScMapped *said);
static void note_merge(ScBatch *batch, ScLedgerEntry *entry, const ScField *field,
					   const ScVersion *version, const ScMerge *merge);
static ScLedgerKind kind_of(const ScMerge *merge, bool same);
static void note_nearest(ScBatch *batch, ScLink *link, const ScStatement *statement,
						 const ScMapped *said);
static char *say_unopposed(const ScBatch *batch, const ScField *field, const ScVersion *version,
						   const ScMerge *merge);
static Jsonb *describe(const ScBatch *batch, ScEntity *entity, const ScField *field, bool is_us);

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
	if (link->entity == NULL || sc_order_must_wait(link, statement))
	{
		wait_for_outcome(batch, link, statement);
		return SC_DECIDED_WAITS;
	}
	if (link->state == SC_LINK_TOMBSTONE)
	{
		sc_decide_note(batch, SC_LEDGER_OUT_OF_SCOPE, link, statement, NULL)->reason =
			psprintf("the record is gone at %s: what is still heard of it changes nothing",
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
	sc_decide_keys(link, statement);
	note_arrival(batch, link, statement);
	revision = link->entity->revision;
	sc_decide_fields(batch, link, statement, NULL);
	sc_decide_comments(batch, link, statement);
	if (link->entity->revision > revision)
		link->entity->revision = revision + 1;
	return SC_DECIDED;
}

void
sc_decide_fields(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScCall *skip)
{
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
	if (order.verdict == SC_VERDICT_CURRENT && is_empty_start(link, shadow, said))
	{
		shadow->held = said->external;
		shadow->known_at = statement->position;
		link->changed = true;
		return;
	}
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
	note_verdict(batch, link, statement, said, &order);
}

/*
 * A field that nobody ever said anything about is empty on a record heard of
 * for the first time: that is where the record starts from, not an edit that
 * would empty the field elsewhere.
 */
static bool
is_empty_start(const ScLink *link, const ScShadowField *shadow, const ScMapped *said)
{
	const ScStamp *stamp = sc_stamp_find(&link->entity->stamps, said->map->field->name);

	return shadow->held.state == SC_VALUE_UNKNOWN && sc_value_is_null(&said->canonical) &&
		   (stamp == NULL || stamp->nversions == 0);
}

void
sc_decide_change(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScMapped *said,
				 ScOrder order)
{
	ScEntity *entity = link->entity;
	const ScField *field = said->map->field;
	ScShadowField *shadow = sc_shadow_get(&link->shadow, field->name);
	ScVersion version = make_version(batch, link, statement, said);
	ScMerge merge;
	ScFieldValue *value;
	ScLedgerEntry *entry;
	bool image;

	if (order.verdict == SC_VERDICT_CURRENT && !is_by_another(link, field, statement))
		sc_breaker_watch(batch, link, shadow, statement, said);
	image = is_image(batch, link, said);
	version.replaced =
		sc_value_copy(order.carried != NULL				  ? &order.carried->before_held
					  : order.verdict == SC_VERDICT_RACED ? &shadow->writes[order.write].before_held
														  : &shadow->held);
	version.context = sc_order_apply(shadow, &order, statement, said);
	version.replaced = version.replaced.state != SC_VALUE_JSON
						   ? SC_UNKNOWN
						   : sc_map_up(&(ScMapCxt){ batch->conf, link->system, batch->map_hooks },
									   said->map, &version.replaced, NULL)
								 .canonical;
	link->changed = true;
	if (is_refused(batch, link, statement,
				   image ? as_canonical(said, &sc_model_value(entity, field->name)->value) : said,
				   shadow))
		return;
	image = image && has_seen_winner(entity, field, link, &version.context);
	if (image)
	{
		said = as_canonical(said, &sc_model_value(entity, field->name)->value);
		version.value = said->canonical;
	}
	if (order.verdict == SC_VERDICT_RACED)
		note_verdict(batch, link, statement, said, &order);

	merge = sc_merge_version(batch, entity, field,
							 sc_conf_policy(batch->conf, entity->space, entity->type, field->name),
							 &version);
	value = sc_model_value(entity, field->name);
	if (!image && sc_value_equal(&value->value, &said->canonical) &&
		merge.outcome != SC_MERGE_CONFLICT_CURRENT)
		value->qualifier = said->qualifier;
	if (!sc_value_equal(&merge.old, &value->value))
		entity->revision++;
	if (statement->correlation_id != NULL)
		entity->correlation_id = statement->correlation_id;
	entry = sc_decide_note(batch, kind_of(&merge, sc_value_equal(&merge.old, &value->value)), link,
						   statement, said);
	note_merge(batch, entry, field, &version, &merge);
	entry->detail = describe(batch, entity, field, statement->actor_is_us);
	if (said->outcome == SC_MAP_NEAREST)
		note_nearest(batch, link, statement, said);
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

ScLedgerEntry *
sc_decide_note(ScBatch *batch, ScLedgerKind kind, ScLink *link, const ScStatement *statement,
			   const ScMapped *said)
{
	ScLedgerEntry *entry = sc_model_note(batch, kind, link->entity, link);

	if (statement != NULL)
	{
		entry->event = statement->event;
		entry->actor = statement->actor;
		entry->actor_kind = statement->actor_kind;
		entry->source_time = statement->source_time;
		if (statement->correlation_id != NULL)
			entry->correlation_id = statement->correlation_id;
	}
	if (said != NULL)
	{
		entry->field = said->map->field->name;
		entry->new_value = sc_say_jsonb(said->map->field, &said->canonical);
	}
	return entry;
}

ScAlertOut *
sc_decide_alert(ScBatch *batch, const ScSpace *space, const char *kind, char *cause)
{
	ScAlertOut *alert = palloc0(sizeof(ScAlertOut));

	alert->space = space;
	alert->level = "warning";
	alert->kind = kind;
	alert->cause = cause;
	batch->alerts = lappend(batch->alerts, alert);
	return alert;
}

void
sc_decide_conflict(ScBatch *batch, const ScMerge *merge, const ScVersion *incoming,
				   ScLedgerEntry *entry)
{
	ScEntity *entity = entry->entity;
	const ScField *field = sc_conf_field(entity->type, entry->field);
	ScStamp *stamp = sc_stamp_find(&entity->stamps, field->name);
	ScConflictOut *conflict = palloc0(sizeof(ScConflictOut));
	bool won = merge->outcome == SC_MERGE_CONFLICT_INCOMING;
	const ScVersion *other = won || (stamp->versions[0].dot.link == incoming->dot.link &&
									 stamp->versions[0].dot.n == incoming->dot.n)
								 ? &merge->beaten
								 : &stamp->versions[0];

	conflict->entity = entity;
	conflict->field = field->name;
	conflict->kind =
		entry->link != NULL && entry->link->fresh ? "insert_exists" : "update_origin_differs";
	conflict->state = merge->outcome == SC_MERGE_HELD ? "pending" : "decided";
	conflict->incoming_system = incoming->system_id;
	conflict->current_system = other->system_id;
	conflict->incoming = sc_say_version_json(batch, field, incoming);
	conflict->current = sc_say_version_json(batch, field, other);
	conflict->versions = sc_say_versions_json(batch, field, stamp->versions, stamp->nversions);
	conflict->rule = pstrdup(merge->rule);
	conflict->reason = merge->reason;
	conflict->outcome = merge->outcome == SC_MERGE_HELD								? "deferred"
						: stamp->versions[0].dot.link == 0 && stamp->nversions == 1 ? "merged"
						: won														? "apply_remote"
																					: "keep_local";
	conflict->event = incoming->event;
	entry->conflict = conflict;
	batch->conflicts = lappend(batch->conflicts, conflict);
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

static bool
is_listed(List *events, int64 event)
{
	for (int i = 0; i < list_length(events); i++)
		if (*(int64 *) list_nth(events, i) == event)
			return true;
	return false;
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
		entry->reason = psprintf("it says something else than the call to %s that is under way: it "
								 "is decided when the outcome is known",
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

static void
note_verdict(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScMapped *said,
			 const ScOrder *order)
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
				link->unsure = add_event(link->unsure, statement->event);
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

static ScVersion
make_version(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScMapped *said)
{
	ScVersion version = { .value = said->canonical,
						  .dot = { link->id, 0 },
						  .actor_kind = statement->actor_kind,
						  .actor = statement->actor,
						  .system_id = link->system->id,
						  .rank = link->system->rank,
						  .at = statement->source_time != 0	  ? statement->source_time
								: statement->received_at != 0 ? statement->received_at
															  : batch->now,
						  .source_version = -1,
						  .event = statement->event };

	version.at = Min(version.at, batch->now + SC_DECIDE_FUTURE_US);
	if (link->system->connector->grade == SC_GRADE_COUNTER && statement->position.known)
		version.source_version = statement->position.at;
	if (is_by_another(link, said->map->field, statement))
	{
		version.actor = NULL;
		version.actor_kind = SC_ACTOR_UNKNOWN;
	}
	else if (statement->kind == SC_STATEMENT_RESPONSE && statement->actor_kind != SC_ACTOR_HUMAN)
		version.actor_kind = SC_ACTOR_AUTOMATION;
	return version;
}

/*
 * A record that we were the last to write shows a change of a field that this
 * write did not carry: somebody made it before us, and the name beside it is
 * ours all the same.  Who it was is not known, least of all that it was a machine.
 */
static bool
is_by_another(const ScLink *link, const ScField *field, const ScStatement *statement)
{
	bool in_slot = statement->kind == SC_STATEMENT_RESPONSE || statement->kind == SC_STATEMENT_READ;
	bool nameless = statement->kind == SC_STATEMENT_RESPONSE &&
					statement->actor_kind == SC_ACTOR_UNKNOWN && statement->actor == NULL;

	if (!in_slot || !(statement->actor_is_us || nameless))
		return false;
	for (int i = 0; i < link->call.nfields; i++)
		if (strcmp(link->call.fields[i].field, field->name) == 0)
			return false;
	return true;
}

/*
 * The canonical value as this system shows it: Closed, where it is resolved and
 * the system has no other word for that.  It says nothing new (SA-02).
 */
static bool
is_image(const ScBatch *batch, ScLink *link, const ScMapped *said)
{
	ScFieldValue *value = sc_model_value(link->entity, said->map->field->name);
	ScValue image;

	if (value == NULL || !sc_merge_is_enumeration(said->map) ||
		sc_value_equal(&value->value, &said->canonical))
		return false;
	image = sc_merge_down(batch, link->entity, link, said->map);
	return sc_order_same(said->map, &image, &said->external);
}

/* The coarse value of somebody who knew the finer one stands for it; of anybody else it is a version (I8). */
static bool
has_seen_winner(const ScEntity *entity, const ScField *field, const ScLink *link,
				const ScClock *context)
{
	const ScStamp *stamp = sc_stamp_find(&unconstify(ScEntity *, entity)->stamps, field->name);

	return stamp != NULL && stamp->nversions > 0 &&
		   (stamp->versions[0].dot.link == link->id ||
			sc_vclock_covers_dot(context, stamp->versions[0].dot));
}

static const ScMapped *
as_canonical(const ScMapped *said, const ScValue *value)
{
	ScMapped *copy = palloc(sizeof(ScMapped));

	*copy = *said;
	copy->canonical = *value;
	copy->outcome = SC_MAP_OK;
	copy->qualifier = NULL;
	return copy;
}

/* Not the owner's to change, or not a step the type allows.  The shadow knows what is held there; no version is made. */
static bool
is_refused(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScMapped *said,
		   ScShadowField *shadow)
{
	ScFieldValue *value = sc_model_value(link->entity, said->map->field->name);
	ScStamp *stamp = sc_stamp_find(&link->entity->stamps, said->map->field->name);
	ScLedgerEntry *entry;

	if (value == NULL || stamp == NULL || sc_value_equal(&value->value, &said->canonical))
		return false;
	stamp->touched = true;
	if (is_foreign(batch, link, statement, said, shadow))
		return true;
	if (!is_illegal(link->entity, said) || strcmp(link->entity->type->on_illegal, "refuse") != 0)
		return false;
	entry = sc_decide_note(batch, SC_LEDGER_REFUSE, link, statement, said);
	entry->old_value = sc_say_jsonb(said->map->field, &value->value);
	entry->rule = "illegal_transition";
	entry->reason =
		psprintf("%s may not go from %s to %s: %s is given %s back", link->entity->type->name,
				 sc_say_value(said->map->field, &value->value),
				 sc_say_value(said->map->field, &said->canonical), link->system->name,
				 sc_say_value(said->map->field, &value->value));
	return true;
}

/* refuse: the value stays where it was set, and nowhere else.  revert: it is written back. */
static bool
is_foreign(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScMapped *said,
		   ScShadowField *shadow)
{
	const ScField *field = said->map->field;
	ScOwnership ownership =
		sc_conf_ownership(batch->conf, link->entity->space, link->entity->type, field->name);
	bool revert = ownership.on_foreign_write == SC_FOREIGN_REVERT;
	ScLedgerEntry *entry;

	if (ownership.owner_id == 0 || ownership.owner_id == link->system->id ||
		ownership.on_foreign_write == SC_FOREIGN_ACCEPT)
		return false;
	if (!revert)
		shadow->sent = sc_merge_down(batch, link->entity, link, said->map);
	entry = sc_decide_note(batch, SC_LEDGER_REFUSE, link, statement, said);
	entry->old_value = sc_say_jsonb(field, &sc_model_value(link->entity, field->name)->value);
	entry->rule = "ownership";
	entry->reason = psprintf("%s owns %s: %s from %s %s", sc_say_system(batch, ownership.owner_id),
							 field->name, sc_say_value(field, &said->canonical), link->system->name,
							 revert ? "is written back to what it was" : "is not taken over");
	return true;
}

/* A step that no row of state_transition allows; a type without rows allows all. */
static bool
is_illegal(const ScEntity *entity, const ScMapped *said)
{
	const ScEntityType *type = entity->type;
	ScFieldValue *value = sc_model_value(unconstify(ScEntity *, entity), said->map->field->name);
	char *from;
	char *to;

	if (said->map->field->kind != SC_KIND_STATE || type->ntransitions == 0 || value == NULL)
		return false;
	from = sc_value_to_cstring(&value->value);
	to = sc_value_to_cstring(&said->canonical);
	if (from == NULL || to == NULL || strcmp(from, to) == 0)
		return false;
	for (int i = 0; i < type->ntransitions; i++)
		if (strcmp(type->transitions[2 * i], from) == 0 &&
			strcmp(type->transitions[2 * i + 1], to) == 0)
			return false;
	return true;
}

static ScLedgerKind
kind_of(const ScMerge *merge, bool same)
{
	static const ScLedgerKind kinds[] = { SC_LEDGER_AGREE,	  SC_LEDGER_CHANGE,	  SC_LEDGER_AGREE,
										  SC_LEDGER_CONFLICT, SC_LEDGER_CONFLICT, SC_LEDGER_HOLD };

	return merge->outcome == SC_MERGE_FAST_FORWARD && same ? SC_LEDGER_AGREE
														   : kinds[merge->outcome];
}

static void
note_merge(ScBatch *batch, ScLedgerEntry *entry, const ScField *field, const ScVersion *version,
		   const ScMerge *merge)
{
	ScEntity *entity = entry->entity;

	entry->actor_kind = version->actor_kind;
	entry->old_value = sc_say_jsonb(field, &merge->old);
	entry->new_value = sc_say_jsonb(field, &sc_model_value(entity, field->name)->value);
	entry->rule = merge->disputed					? unconstify(char *, merge->rule)
				  : entry->kind == SC_LEDGER_CHANGE ? "fast_forward"
													: "agree";
	entry->reason = merge->disputed ? merge->reason : say_unopposed(batch, field, version, merge);
	if (entry->kind == SC_LEDGER_CONFLICT || entry->kind == SC_LEDGER_HOLD)
		sc_decide_conflict(batch, merge, version, entry);
	if (merge->was_held)
	{
		ScConflictOut *settled = palloc0(sizeof(ScConflictOut));

		settled->entity = entity;
		settled->field = field->name;
		batch->settled = lappend(batch->settled, settled);
	}
	if (merge->failed != NULL)
	{
		ScAlertOut *alert = sc_decide_alert(
			batch, entity->space, "rule", psprintf("rule:%s:%s", entity->type->name, field->name));

		alert->detail = merge->failed;
		alert->hint = "Correct the function named in syncore.policy; until then the next rule of "
					  "the list decides.";
	}
}

/* CS-04: a value map kept less than it was given. */
static void
note_nearest(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScMapped *said)
{
	const ScField *field = said->map->field;
	ScLedgerEntry *entry = sc_decide_note(batch, SC_LEDGER_NEAREST, link, statement, said);

	entry->old_value = sc_say_jsonb(field, &said->external);
	entry->rule = said->map->values == NULL ? "nearest" : said->map->values->name;
	entry->reason = psprintf("nearest: %s of %s says more than %s can keep%s%s",
							 sc_say_value(field, &said->external), link->system->name,
							 sc_say_value(field, &said->canonical),
							 said->qualifier == NULL ? "" : "; kept beside it: ",
							 said->qualifier == NULL ? "" : said->qualifier);
}

static char *
say_unopposed(const ScBatch *batch, const ScField *field, const ScVersion *version,
			  const ScMerge *merge)
{
	char *text = sc_say_version(batch, field, version);

	if (merge->old.state == SC_VALUE_UNKNOWN)
		return psprintf("%s is the first value", text);
	if (sc_value_equal(&merge->old, &version->value))
		return psprintf("%s is what stands already", text);
	if (merge->image && merge->outcome == SC_MERGE_AGREE)
		return psprintf("%s is how %s shows %s: it says nothing new", text,
						sc_say_system(batch, version->system_id), sc_say_value(field, &merge->old));
	if (merge->image)
		return psprintf("%s says more than %s", text, sc_say_value(field, &merge->old));
	return psprintf("%s follows %s, which %s had seen", text, sc_say_value(field, &merge->old),
					sc_say_system(batch, version->system_id));
}

static Jsonb *
describe(const ScBatch *batch, ScEntity *entity, const ScField *field, bool is_us)
{
	ScStamp *stamp = sc_stamp_find(&entity->stamps, field->name);
	ScJson json = sc_json_object();

	if (is_us)
		sc_json_text(&json, "account", "our own: not what we wrote, so taken as an edit");
	sc_json_jsonb(&json, "versions",
				  sc_say_versions_json(batch, field, stamp->versions, stamp->nversions));
	return sc_json_end(&json);
}
