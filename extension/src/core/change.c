/*
 * change.c
 *	  A change: what a statement says becomes a version of its field, which
 *	  stands, agrees, loses or waits for a person.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/json.h"
#include "core/policy.h"
#include "core/reopen.h"
#include "core/say.h"
#include "core/walk.h"

static bool is_image(const ScBatch *batch, ScLink *link, const ScMapped *said);
static bool has_seen_winner(const ScEntity *entity, const ScField *field, const ScLink *link,
							const ScClock *context);
static const ScMapped *as_canonical(const ScMapped *said, const ScValue *value);
static void review_field(ScBatch *batch, ScEntity *entity, const ScStamp *stamp);
static ScLedgerKind kind_of(const ScMerge *merge, bool same);
static void note_illegal(ScLedgerEntry *entry, const ScField *field, const ScValue *old,
						 const ScValue *new);
static char *say_unopposed(const ScBatch *batch, const ScField *field, const ScVersion *version,
						   const ScMerge *merge);
static void note_source(ScLedgerEntry *entry, const ScMapped *said);
static void note_nearest(ScBatch *batch, ScLink *link, const ScStatement *statement,
						 const ScMapped *said);
static Jsonb *describe(const ScBatch *batch, ScEntity *entity, const ScField *field, bool is_us);

void
sc_decide_change(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScMapped *said,
				 ScOrder order)
{
	ScEntity *entity = link->entity;
	const ScField *field = said->map->field;
	ScShadowField *shadow = sc_shadow_get(&link->shadow, field->name);
	ScVersion version = sc_author_version(batch, link, statement, said);
	ScPosition after = sc_author_before(shadow, &order, said);
	ScMerge merge;
	ScLedgerEntry *entry;
	ScFieldValue *value;
	bool image;

	if (order.verdict == SC_VERDICT_CURRENT && !sc_author_is_another(link, field, statement))
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
	shadow->told_before = SC_NO_POSITION;
	if (sc_decide_refuses(
			batch, link, statement,
			image ? as_canonical(said, &sc_model_value(entity, field->name)->value) : said, shadow))
		return;
	image = image && has_seen_winner(entity, field, link, &version.context);
	if (image)
	{
		said = as_canonical(said, &sc_model_value(entity, field->name)->value);
		version.value = said->canonical;
	}
	if (order.verdict == SC_VERDICT_RACED)
		sc_decide_note_verdict(batch, link, statement, said, &order);

	if (has_seen_winner(entity, field, link, &version.context) &&
		sc_reopen_asks(batch, entity, field, &version.value))
		sc_reopen_guard(batch, entity, field);
	merge = sc_merge_version(batch, entity, field,
							 sc_conf_policy(batch->conf, entity->space, entity->type, field->name),
							 &version);
	sc_author_open(shadow, statement, after);
	value = sc_model_value(entity, field->name);
	if (!image && sc_value_equal(&value->value, &said->canonical) &&
		merge.outcome != SC_MERGE_CONFLICT_CURRENT)
		value->qualifier = said->qualifier;
	if (!sc_value_equal(&merge.old, &value->value))
		entity->revision++;
	if (statement->correlation_id != NULL)
		entity->correlation_id = statement->correlation_id;
	entry = sc_decide_note(batch, SC_LEDGER_CHANGE, link, statement, said);
	sc_decide_note_merge(batch, entry, &version, &merge, statement->actor_is_us);
	note_source(entry, said);
	if (said->outcome == SC_MAP_NEAREST)
		note_nearest(batch, link, statement, said);
}

void
sc_decide_note_merge(ScBatch *batch, ScLedgerEntry *entry, const ScVersion *version,
					 const ScMerge *merge, bool is_us)
{
	ScEntity *entity = entry->entity;
	const ScField *field = sc_conf_field(entity->type, entry->field);
	const ScValue *now = &sc_model_value(entity, field->name)->value;

	entry->kind = kind_of(merge, sc_value_equal(&merge->old, now));
	entry->actor = version->actor;
	entry->actor_kind = version->actor_kind;
	entry->old_value = sc_say_jsonb(field, &merge->old);
	entry->new_value = sc_say_jsonb(field, now);
	entry->rule = merge->disputed					? unconstify(char *, merge->rule)
				  : entry->kind == SC_LEDGER_CHANGE ? "fast_forward"
													: "agree";
	entry->reason = merge->disputed ? merge->reason : say_unopposed(batch, field, version, merge);
	if (entry->kind == SC_LEDGER_CONFLICT || entry->kind == SC_LEDGER_HOLD)
		sc_decide_conflict(batch, merge, version, entry);
	if (entry->kind == SC_LEDGER_CONFLICT)
		sc_reopen_tell_race(batch, entry, merge, version);
	note_illegal(entry, field, &merge->old, now);
	entry->detail = describe(batch, entity, field, is_us);
	if (merge->was_held)
	{
		ScConflictOut *settled = palloc0(sizeof(ScConflictOut));

		settled->entity = entity;
		settled->field = field->name;
		batch->settled = lappend(batch->settled, settled);
	}
	if (merge->was_held || merge->outcome == SC_MERGE_HELD)
		sc_decide_tell_reviewers(batch, entry, merge->outcome == SC_MERGE_HELD);
	if (merge->failed != NULL)
	{
		ScAlertOut *alert = sc_decide_alert(
			batch, entity->space, "rule", psprintf("rule:%s:%s", entity->type->name, field->name));

		alert->detail = merge->failed;
		alert->hint = "Correct the function named in syncore.policy; until then the next rule of "
					  "the list decides.";
	}
}

void
sc_decide_settled(ScBatch *batch, ScLedgerEntry *entry, const char *rule)
{
	ScConflictOut *settled = palloc0(sizeof(ScConflictOut));

	settled->entity = entry->entity;
	settled->field = entry->field;
	settled->rule = rule == NULL ? NULL : pstrdup(rule);
	batch->settled = lappend(batch->settled, settled);
	sc_decide_tell_reviewers(batch, entry, false);
}

void
sc_decide_review_again(ScBatch *batch, ScEntity *entity)
{
	/* The first round may leave another severity; nothing asks for what the second leaves. */
	for (int round = 0; round < 2 && (entity->regraded || entity->redecided); round++)
	{
		bool regraded = entity->regraded;

		for (int i = 0; i < entity->stamps.len; i++)
			review_field(batch, entity, &entity->stamps.items[i]);
		entity->redecided = false;
		entity->regraded = round == 0 && entity->regraded && !regraded;
	}
}

static void
review_field(ScBatch *batch, ScEntity *entity, const ScStamp *stamp)
{
	const ScField *field = sc_conf_field(entity->type, stamp->field);
	const ScFieldValue *severity = sc_model_value(entity, SC_POLICY_SEVERITY);
	ScLedgerEntry *entry;
	ScMerge merge;

	if (stamp->nversions < 2 || field == NULL || !sc_merge_review(batch, entity, field, &merge))
		return;
	if (!sc_value_equal(&merge.old, &sc_model_value(entity, field->name)->value))
		entity->revision++;
	entry = sc_model_note(batch, SC_LEDGER_CHANGE, entity, NULL);
	entry->field = field->name;
	sc_decide_note_merge(batch, entry, &stamp->versions[0], &merge, false);
	if (entity->regraded && severity != NULL && strcmp(field->name, SC_POLICY_SEVERITY) != 0)
		entry->reason = psprintf(
			"%s (the severity is %s)", entry->reason,
			sc_say_value(sc_conf_field(entity->type, SC_POLICY_SEVERITY), &severity->value));
	else
		entry->reason = psprintf("%s (by what else stands in the record now)", entry->reason);
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

	return stamp != NULL && stamp->nversions > 0 && sc_stamp_is_known(stamp, link->id, context);
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

static ScLedgerKind
kind_of(const ScMerge *merge, bool same)
{
	static const ScLedgerKind kinds[] = { SC_LEDGER_AGREE,	  SC_LEDGER_CHANGE,	  SC_LEDGER_AGREE,
										  SC_LEDGER_CONFLICT, SC_LEDGER_CONFLICT, SC_LEDGER_HOLD };

	return merge->outcome == SC_MERGE_FAST_FORWARD && same ? SC_LEDGER_AGREE
														   : kinds[merge->outcome];
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

/* What stands all the same is told: a closing that is undone (on_reopen), a step that no row allows (on_illegal). */
static void
note_illegal(ScLedgerEntry *entry, const ScField *field, const ScValue *old, const ScValue *new)
{
	const ScEntityType *type = entry->entity->type;
	const char *between;

	if (sc_reopen_is(type, field, old, new))
		entry->reason = psprintf("%s; it was closed, and is open again", entry->reason);
	if (!sc_decide_is_illegal(type, field, old, new))
		return;
	between = strcmp(type->on_illegal, "walk") == 0 ? sc_walk_say(type, old, new) : NULL;
	entry->reason =
		psprintf(between != NULL ? "%s; no transition of %s leads there: it is told by way of %s"
								 : "%s; no transition of %s leads there, it is taken all the same",
				 entry->reason, type->name, between);
}

/* FM-05: it does not stand in the record itself. */
static void
note_source(ScLedgerEntry *entry, const ScMapped *said)
{
	if (said->follows != NULL)
		entry->reason =
			psprintf("%s; it is read of %s %s, which the record names at %s", entry->reason,
					 said->map->follow, said->follows, said->map->path_text);
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
