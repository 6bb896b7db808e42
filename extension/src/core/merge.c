/*
 * merge.c
 *	  The versions of one field: how a change joins them, and when one is
 *	  replaced for good (R7, R8, R10, R18, R23).
 *
 * A version is replaced by one whose writer had seen it, and by nothing else.
 * The rest stand side by side; policy only says which of them is shown and
 * sent.  Losers are kept until nobody can write any more without having seen
 * what beat them.
 */
#include "postgres.h"

#include "core/combine.h"
#include "core/merge.h"
#include "core/order.h"
#include "core/policy.h"
#include "core/reopen.h"
#include "core/say.h"
#include "core/view.h"

static ScMerge before_merge(ScEntity *entity, const ScStamp *stamp);
static void elect(ScBatch *batch, ScEntity *entity, const ScField *field, const ScPolicy *policy,
				  ScMerge *merge);
static void forget_seen(ScBatch *batch, ScEntity *entity, const ScField *field,
						const ScStamp *stamp);
static void forget_dot(ScBatch *batch, ScEntity *entity, const ScField *field, ScDot dot);
static bool give_dot(ScStamp *stamp, ScVersion *incoming);
static void add_version(ScStamp *stamp, const ScVersion *incoming);
static ScValue choose_winner(ScBatch *batch, ScEntity *entity, const ScField *field,
							 const ScPolicy *policy, ScMerge *merge);
static ScValue show(ScStamp *stamp, const ScMerge *merge, const ScChoice *choice);
static bool is_finer(const ScDispute *dispute, const ScVersion *a, const ScVersion *b);
static ScLink *link_of(const ScEntity *entity, int64 id);
static void keep_shown(ScStamp *stamp, ScDot shown, int winner);
static void put_first(ScStamp *stamp, int winner);
static ScMergeOutcome name_outcome(ScEntity *entity, const ScStamp *stamp, const ScMerge *merge,
								   const ScVersion *incoming);
static const ScValue *shown_value(ScEntity *entity, const ScStamp *stamp);
static bool one_value(const ScStamp *stamp);
static int order_by_dot(const void *a, const void *b);
static bool asks_again(const ScEntity *entity, const ScField *field, const ScPolicy *policy);
static bool settle_field(ScBatch *batch, ScEntity *entity, ScStamp *stamp);
static bool show_clock(ScBatch *batch, ScEntity *entity, ScLink *link, const ScField *field,
					   const ScStamp *stamp);
static ScClock seen_by_all(const ScEntity *entity, const ScStamp *stamp);
static void lower(ScClock *clock, const ScClock *other, int64 link);
static bool forget_members(ScStamp *stamp, ScClock *seen);
static void retire(ScBatch *batch, ScEntity *entity, const ScField *field, ScStamp *stamp);
static void become_one(ScEntity *entity, ScStamp *stamp);
static void unite(ScStamp *stamp, const ScStamp *other);

ScMerge
sc_merge_version(ScBatch *batch, ScEntity *entity, const ScField *field, const ScPolicy *policy,
				 ScVersion *incoming)
{
	ScStamp *stamp = sc_stamp_get(&entity->stamps, field->name);
	ScMerge merge = before_merge(entity, stamp);

	if (!give_dot(stamp, incoming))
		return merge;
	sc_combine_hear(stamp, field, policy, incoming);
	add_version(stamp, incoming);
	elect(batch, entity, field, policy, &merge);
	merge.outcome = name_outcome(entity, stamp, &merge, incoming);
	return merge;
}

ScMerge
sc_merge_author(ScBatch *batch, ScEntity *entity, const ScField *field, const ScVersion *told)
{
	ScStamp *stamp = sc_stamp_get(&entity->stamps, field->name);
	ScMerge merge = before_merge(entity, stamp);

	for (int i = 0; i < stamp->nversions; i++)
	{
		ScVersion *version = &stamp->versions[i];

		if (version->dot.link != told->dot.link || version->dot.n != told->dot.n)
			continue;
		version->actor = told->actor;
		version->actor_kind = told->actor_kind;
		version->at = told->at;
		version->source_version = told->source_version;
		version->event = told->event;
		sc_combine_author(stamp, version);
	}
	elect(batch, entity, field,
		  sc_conf_policy(batch->conf, entity->space, entity->type, field->name), &merge);
	merge.outcome = name_outcome(entity, stamp, &merge, told);
	if (!sc_value_equal(&merge.old, shown_value(entity, stamp)))
		forget_seen(batch, entity, field, stamp);
	return merge;
}

ScMerge
sc_merge_union(ScBatch *batch, ScEntity *entity, const ScField *field, const ScStamp *other)
{
	ScStamp *stamp = sc_stamp_get(&entity->stamps, other->field);
	ScMerge merge = before_merge(entity, stamp);
	const ScPolicy *policy =
		field == NULL ? NULL
					  : sc_conf_policy(batch->conf, entity->space, entity->type, field->name);

	if (policy != NULL)
		sc_combine_join(stamp, field, policy, other);
	unite(stamp, other);
	stamp->touched = true;
	if (policy == NULL || stamp->nversions == 0)
		return merge;
	elect(batch, entity, field, policy, &merge);
	if (other->nversions > 0)
		merge.outcome = name_outcome(entity, stamp, &merge, &other->versions[0]);
	return merge;
}

ScMerge
sc_merge_without(ScBatch *batch, ScEntity *entity, const ScField *field, int64 link)
{
	ScStamp *stamp = sc_stamp_get(&entity->stamps, field->name);
	ScMerge merge = before_merge(entity, stamp);
	ScVersion *versions = palloc0(sizeof(ScVersion) * Max(stamp->nversions, 1));
	int n = 0;

	for (int i = 0; i < stamp->nversions; i++)
		if (stamp->versions[i].dot.link != link)
			versions[n++] = stamp->versions[i];
	if (n == 0 || n == stamp->nversions)
		return merge;
	sc_combine_leave(stamp, link);
	stamp->versions = versions;
	stamp->nversions = n;
	elect(batch, entity, field,
		  sc_conf_policy(batch->conf, entity->space, entity->type, field->name), &merge);
	merge.outcome = name_outcome(entity, stamp, &merge, &stamp->versions[0]);
	if (!sc_value_equal(&merge.old, shown_value(entity, stamp)))
		forget_seen(batch, entity, field, stamp);
	return merge;
}

bool
sc_merge_review(ScBatch *batch, ScEntity *entity, const ScField *field, ScMerge *merge)
{
	ScStamp *stamp = sc_stamp_get(&entity->stamps, field->name);
	const ScPolicy *policy = sc_conf_policy(batch->conf, entity->space, entity->type, field->name);
	bool redecided = entity->redecided;
	bool another;

	if (!asks_again(entity, field, policy) ||
		(!stamp->held && sc_merge_all_agree(batch, entity, field)))
		return false;
	*merge = before_merge(entity, stamp);
	elect(batch, entity, field, policy, merge);
	entity->redecided = redecided;
	merge->outcome = name_outcome(entity, stamp, merge, &stamp->versions[0]);
	another = !sc_value_equal(&merge->old, shown_value(entity, stamp));
	if (another)
		forget_seen(batch, entity, field, stamp);
	return another || stamp->held != merge->was_held;
}

/* By what was decided of the record since: its severity, or anything. */
static bool
asks_again(const ScEntity *entity, const ScField *field, const ScPolicy *policy)
{
	for (int i = 0; i < policy->len; i++)
		if (sc_view_is_asked(&policy->rules[i], field->name) &&
			(entity->regraded || policy->rules[i].condition != NULL))
			return true;
	return false;
}

bool
sc_merge_all_agree(const ScBatch *batch, ScEntity *entity, const ScField *field)
{
	for (int i = 0; i < list_length(entity->links); i++)
	{
		ScLink *link = list_nth(entity->links, i);

		if (sc_merge_takes_part(link) && !sc_merge_agrees(batch, entity, link, field))
			return false;
	}
	return true;
}

bool
sc_merge_settle(ScBatch *batch, ScEntity *entity)
{
	bool changed = false;
	bool whole = entity->fresh;

	for (int i = 0; i < list_length(entity->links); i++)
		whole = whole || ((ScLink *) list_nth(entity->links, i))->whole;
	for (int i = 0; i < entity->stamps.len; i++)
		if (whole || entity->stamps.items[i].touched)
			changed = settle_field(batch, entity, &entity->stamps.items[i]) || changed;
	return changed;
}

static ScMerge
before_merge(ScEntity *entity, const ScStamp *stamp)
{
	ScFieldValue *value = sc_model_value(entity, stamp->field);
	ScMerge merge = { .outcome = SC_MERGE_NOTHING, .was_held = stamp->held };

	merge.old = value == NULL ? SC_UNKNOWN : value->value;
	if (stamp->nversions > 0)
		merge.shown = stamp->versions[0].dot;
	return merge;
}

/* The winner of the set becomes the value of the entity. */
static void
elect(ScBatch *batch, ScEntity *entity, const ScField *field, const ScPolicy *policy,
	  ScMerge *merge)
{
	ScStamp *stamp = sc_stamp_get(&entity->stamps, field->name);
	ScValue shown = choose_winner(batch, entity, field, policy, merge);
	ScFieldValue *value = sc_model_value_get(entity, field->name);

	stamp->touched = true;
	if (!sc_value_equal(&value->value, &shown))
		value->qualifier = NULL;
	entity->regraded = entity->regraded ||
					   (strcmp(field->name, SC_POLICY_SEVERITY) == 0 &&
						(merge->was_held || stamp->held || !sc_value_equal(&value->value, &shown)));
	entity->redecided = true;
	value->value = shown;
	entity->changed = true;
}

/*
 * A system that agreed with what stood until now counts as having seen what
 * had lost to it (R10); now that the loser wins, it has yet to be shown it.
 */
static void
forget_seen(ScBatch *batch, ScEntity *entity, const ScField *field, const ScStamp *stamp)
{
	for (int i = 0; i < (stamp->together ? stamp->nversions : 1); i++)
		forget_dot(batch, entity, field, stamp->versions[i].dot);
}

static void
forget_dot(ScBatch *batch, ScEntity *entity, const ScField *field, ScDot dot)
{
	for (int i = 0; i < list_length(entity->links); i++)
	{
		ScLink *link = list_nth(entity->links, i);
		ScShadowField *shadow = sc_shadow_find(&link->shadow, field->name);
		ScClock seen = sc_vclock_empty();

		if (link->id == dot.link || shadow == NULL || !sc_vclock_covers_dot(&shadow->seen, dot) ||
			sc_merge_agrees(batch, entity, link, field))
			continue;
		for (int k = 0; k < shadow->seen.len; k++)
		{
			ScDot one = shadow->seen.dots[k];

			one.n = one.link == dot.link ? dot.n - 1 : one.n;
			if (one.n > 0)
				seen = sc_vclock_with_dot(&seen, one);
		}
		shadow->seen = seen;
		link->changed = true;
	}
}

/* R7.  False when the version was merged before. */
static bool
give_dot(ScStamp *stamp, ScVersion *incoming)
{
	ScDot own;

	if (incoming->dot.n == 0)
		incoming->dot.n = sc_vclock_get(&stamp->clock, incoming->dot.link) + 1;
	else if (sc_vclock_covers_dot(&stamp->clock, incoming->dot))
		return false;
	own = incoming->dot;
	own.n--;
	if (own.n > 0 && !sc_vclock_covers_dot(&incoming->context, own))
		incoming->context = sc_vclock_with_dot(&incoming->context, own);
	return true;
}

/* R8: what the writer had seen goes, the rest stands beside it. */
static void
add_version(ScStamp *stamp, const ScVersion *incoming)
{
	ScVersion *versions = palloc0(sizeof(ScVersion) * (stamp->nversions + 1));
	int n = 0;

	for (int i = 0; i < stamp->nversions; i++)
		if (!sc_vclock_covers_dot(&incoming->context, stamp->versions[i].dot))
			versions[n++] = stamp->versions[i];
	versions[n++] = *incoming;
	stamp->clock = sc_vclock_with_dot(&stamp->clock, incoming->dot);
	stamp->clock = sc_vclock_merge(&stamp->clock, &incoming->context);
	stamp->versions = versions;
	stamp->nversions = n;
}

static ScValue
choose_winner(ScBatch *batch, ScEntity *entity, const ScField *field, const ScPolicy *policy,
			  ScMerge *merge)
{
	ScStamp *stamp = sc_stamp_get(&entity->stamps, field->name);
	ScDispute dispute = { batch, entity, field, policy, stamp->nversions, stamp->versions };
	ScChoice choice;

	for (int i = 0; i < policy->len && stamp->nversions > 1 && dispute.view == NULL; i++)
		if (sc_view_is_asked(&policy->rules[i], field->name))
			dispute.view = sc_view_make(batch, entity, field);
	choice = sc_merge_choose(&dispute, &merge->image);
	merge->rule = choice.rule;
	merge->reason = choice.reason;
	merge->failed = choice.failed;
	merge->disputed = choice.beaten >= 0;
	if (merge->disputed)
		merge->beaten = stamp->versions[choice.beaten];
	if (merge->disputed && sc_reopen_holds(entity->type, field, stamp))
	{
		if (!choice.hold)
		{
			choice.would_rule = choice.rule;
			choice.would_reason = choice.reason;
		}
		choice.hold = true;
		merge->rule = "on_reopen";
		merge->reason = psprintf("%s was closed, and was reopened: a person decides whether it is",
								 entity->type->name);
	}
	stamp->held = choice.hold;
	if (choice.hold && merge->disputed)
	{
		const ScVersion *winner = &stamp->versions[choice.winner];

		merge->choice =
			winner->dot.link == 0 ? "current" : pstrdup(sc_say_system(batch, winner->system_id));
		merge->choice_rule = choice.would_rule;
		merge->choice_reason = choice.would_reason;
	}
	return show(stamp, merge, &choice);
}

/* The canonical value, and its version first: of what is put together, that which the other rules like best. */
static ScValue
show(ScStamp *stamp, const ScMerge *merge, const ScChoice *choice)
{
	bool was_together = stamp->together;
	ScValue together;

	stamp->together = false;
	if (choice->hold)
		keep_shown(stamp, merge->shown, choice->winner);
	else if (choice->combine != NULL)
	{
		together = sc_combine_value(choice->combine, stamp, choice->parts);
		put_first(stamp, choice->winner);
		stamp->together = true;
		return together;
	}
	else
		put_first(stamp, choice->winner);
	/* R18: what was shown before stays shown while a person is asked. */
	stamp->together = choice->hold && was_together;
	return stamp->together ? merge->old : stamp->versions[0].value;
}

/*
 * A coarse value says no more than a finer one that its system could not tell
 * from it: Acknowledged beside pending, where the system has no pending.  Such
 * a version has no say while the finer one stands.  This depends on the set of
 * versions alone, not on which was heard first (I8).
 */
ScChoice
sc_merge_choose(const ScDispute *dispute, bool *image)
{
	ScVersion *versions;
	ScDispute finest = *dispute;
	ScChoice choice;
	int *from;

	if (dispute->n < 2)
		return sc_policy_choose(dispute);
	versions = palloc(sizeof(ScVersion) * dispute->n);
	from = palloc(sizeof(int) * dispute->n);
	finest.versions = versions;
	finest.n = 0;
	for (int i = 0; i < dispute->n; i++)
	{
		bool coarse = false;

		for (int k = 0; k < dispute->n && !coarse; k++)
			coarse = is_finer(dispute, &dispute->versions[k], &dispute->versions[i]);
		if (coarse)
			continue;
		versions[finest.n] = dispute->versions[i];
		from[finest.n++] = i;
	}
	/* Three value maps can make a ring; then none is the finest. */
	if (finest.n == 0 || finest.n == dispute->n)
		return sc_policy_choose(dispute);
	*image = true;
	choice = sc_policy_choose(&finest);
	if (choice.combine != NULL)
	{
		bool *parts = palloc0(sizeof(bool) * dispute->n);

		for (int i = 0; i < finest.n; i++)
			parts[from[i]] = choice.parts[i];
		choice.parts = parts;
	}
	choice.winner = from[choice.winner];
	choice.beaten = choice.beaten < 0 ? -1 : from[choice.beaten];
	return choice;
}

/* a says all that b says, and more: b's system shows both as one, a's system (or the hub) does not. */
static bool
is_finer(const ScDispute *dispute, const ScVersion *a, const ScVersion *b)
{
	const char *field = dispute->field->name;
	const ScLink *one = link_of(dispute->entity, a->dot.link);
	const ScLink *other = link_of(dispute->entity, b->dot.link);

	return other != NULL && other != one && !sc_value_equal(&a->value, &b->value) &&
		   sc_merge_same_there(dispute->batch, other, field, &a->value, &b->value) &&
		   (one == NULL || !sc_merge_same_there(dispute->batch, one, field, &a->value, &b->value));
}

static ScLink *
link_of(const ScEntity *entity, int64 id)
{
	for (int i = 0; id != 0 && i < list_length(entity->links); i++)
		if (((ScLink *) list_nth(entity->links, i))->id == id)
			return list_nth(entity->links, i);
	return NULL;
}

/* R18: what was shown stays shown while a person is asked; if it was replaced, the rules say what is. */
static void
keep_shown(ScStamp *stamp, ScDot shown, int winner)
{
	for (int i = 0; i < stamp->nversions; i++)
		if (stamp->versions[i].dot.link == shown.link && stamp->versions[i].dot.n == shown.n)
			winner = i;
	put_first(stamp, winner);
}

static void
put_first(ScStamp *stamp, int winner)
{
	ScVersion first = stamp->versions[winner];

	stamp->versions[winner] = stamp->versions[0];
	stamp->versions[0] = first;
	if (stamp->nversions > 2)
		qsort(stamp->versions + 1, stamp->nversions - 1, sizeof(ScVersion), order_by_dot);
}

static ScMergeOutcome
name_outcome(ScEntity *entity, const ScStamp *stamp, const ScMerge *merge,
			 const ScVersion *incoming)
{
	const ScValue *shown = shown_value(entity, stamp);

	if (stamp->held)
		return SC_MERGE_HELD;
	if (stamp->nversions == 1 && !merge->disputed)
		return SC_MERGE_FAST_FORWARD;
	if (one_value(stamp) && !merge->disputed)
		return SC_MERGE_AGREE;
	if (merge->image && !merge->disputed)
		return sc_value_equal(&incoming->value, shown) ? SC_MERGE_FAST_FORWARD : SC_MERGE_AGREE;
	if (sc_value_equal(&incoming->value, shown))
		return sc_value_equal(&merge->old, &incoming->value) ? SC_MERGE_AGREE
															 : SC_MERGE_CONFLICT_INCOMING;
	return SC_MERGE_CONFLICT_CURRENT;
}

/* What stands, be it one version's or put together. */
static const ScValue *
shown_value(ScEntity *entity, const ScStamp *stamp)
{
	return &sc_model_value(entity, stamp->field)->value;
}

static bool
one_value(const ScStamp *stamp)
{
	for (int i = 1; i < stamp->nversions; i++)
		if (!sc_value_equal(&stamp->versions[0].value, &stamp->versions[i].value))
			return false;
	return true;
}

static int
order_by_dot(const void *a, const void *b)
{
	const ScVersion *one = a;
	const ScVersion *other = b;

	if (one->dot.link != other->dot.link)
		return one->dot.link < other->dot.link ? -1 : 1;
	return (one->dot.n > other->dot.n) - (one->dot.n < other->dot.n);
}

/* R10 for one field of an entity. */
static bool
settle_field(ScBatch *batch, ScEntity *entity, ScStamp *stamp)
{
	const ScField *field = sc_conf_field(entity->type, stamp->field);
	bool changed = false;
	ScClock seen;

	if (field == NULL || stamp->held)
		return false;
	for (int i = 0; i < list_length(entity->links); i++)
		changed = show_clock(batch, entity, list_nth(entity->links, i), field, stamp) || changed;
	if (stamp->nversions < 2 && stamp->nmembers == 0)
		return changed;
	seen = seen_by_all(entity, stamp);
	if (sc_vclock_covers(&seen, &stamp->clock))
	{
		if (stamp->nversions > 1)
			retire(batch, entity, field, stamp);
		stamp->nmembers = 0;
	}
	else if (!forget_members(stamp, &seen))
		return changed;
	entity->changed = true;
	return true;
}

/* A system that holds the canonical value has seen everything that led to it. */
static bool
show_clock(ScBatch *batch, ScEntity *entity, ScLink *link, const ScField *field,
		   const ScStamp *stamp)
{
	ScShadowField *shadow = sc_shadow_find(&link->shadow, field->name);

	if (shadow == NULL || !sc_merge_takes_part(link) ||
		sc_merge_form(link->map, field->name) == NULL ||
		sc_vclock_covers(&shadow->seen, &stamp->clock) ||
		sc_order_in_call(link, field->name) != NULL || !sc_merge_agrees(batch, entity, link, field))
		return false;
	shadow->seen = sc_vclock_merge(&shadow->seen, &stamp->clock);
	link->changed = true;
	return true;
}

/*
 * What every change that is still to be heard was made having seen: by a link as
 * it stands, or by one that our remembered writes have overwritten.  Siblings may
 * go when that is all there is; what is remembered of members that were taken
 * away, when it is that they were.
 */
static ScClock
seen_by_all(const ScEntity *entity, const ScStamp *stamp)
{
	ScClock seen = sc_vclock_copy(&stamp->clock);

	for (int i = 0; i < list_length(entity->links); i++)
	{
		ScLink *link = list_nth(entity->links, i);
		ScShadowField *shadow = sc_shadow_find(&link->shadow, stamp->field);
		const ScCallField *carried = sc_order_in_call(link, stamp->field);

		if (!sc_merge_takes_part(link) || link->state == SC_LINK_CREATING || shadow == NULL ||
			sc_merge_form(link->map, stamp->field) == NULL)
			continue;
		lower(&seen, &shadow->seen, link->id);
		if (carried != NULL)
			lower(&seen, &carried->before_seen, link->id);
		for (int k = 0; k < shadow->nwrites; k++)
			lower(&seen, &shadow->writes[k].before_seen, link->id);
	}
	return seen;
}

/* To what is in other as well, but for the dots of one link: whoever writes there has seen those. */
static void
lower(ScClock *clock, const ScClock *other, int64 link)
{
	for (int i = 0; i < clock->len; i++)
		if (clock->dots[i].link != link)
			clock->dots[i].n = Min(clock->dots[i].n, sc_vclock_get(other, clock->dots[i].link));
}

/* What none of the versions that stand holds on to, either. */
static bool
forget_members(ScStamp *stamp, ScClock *seen)
{
	int before = stamp->nmembers;

	for (int i = 0; i < stamp->nversions; i++)
		lower(seen, &stamp->versions[i].context, stamp->versions[i].dot.link);
	sc_combine_forget(stamp, seen);
	return stamp->nmembers < before;
}

static void
retire(ScBatch *batch, ScEntity *entity, const ScField *field, ScStamp *stamp)
{
	ScLedgerEntry *entry = sc_model_note(batch, SC_LEDGER_RETIRE, entity, NULL);
	int first = stamp->together ? 0 : 1;
	int n = stamp->nversions - first;

	entry->field = stamp->field;
	entry->new_value = sc_say_jsonb(field, shown_value(entity, stamp));
	entry->detail = sc_say_versions_json(batch, field, stamp->versions + first, n);
	if (stamp->together)
		become_one(entity, stamp);
	entry->reason =
		psprintf("every system has seen that %s stands: %d earlier %s no longer compared with it",
				 sc_say_version(batch, field, &stamp->versions[0]), n,
				 n == 1 ? "version is" : "versions are");
	stamp->nversions = 1;
}

/* What was put together has been seen by everybody: from now on it is one word, and nobody's own. */
static void
become_one(ScEntity *entity, ScStamp *stamp)
{
	ScVersion *one = &stamp->versions[0];

	for (int i = 1; i < stamp->nversions; i++)
	{
		one->at = Max(one->at, stamp->versions[i].at);
		one->actor_kind = Max(one->actor_kind, stamp->versions[i].actor_kind);
	}
	one->value = *shown_value(entity, stamp);
	one->actor = pstrdup("syncore");
	one->system_id = 0;
	one->source_version = -1;
	one->event = 0;
	one->replaced = SC_UNKNOWN;
	stamp->together = false;
}

/* A version that one side no longer has although its clock knows it was replaced there. */
static void
unite(ScStamp *stamp, const ScStamp *other)
{
	ScVersion *versions = palloc0(sizeof(ScVersion) * Max(stamp->nversions + other->nversions, 1));
	int n = 0;

	for (int i = 0; i < stamp->nversions + other->nversions; i++)
	{
		bool mine = i < stamp->nversions;
		const ScVersion *version =
			mine ? &stamp->versions[i] : &other->versions[i - stamp->nversions];
		const ScStamp *opposite = mine ? other : stamp;
		bool there = false;

		for (int k = 0; k < opposite->nversions; k++)
			there = there || (opposite->versions[k].dot.link == version->dot.link &&
							  opposite->versions[k].dot.n == version->dot.n);
		if (there ? mine : !sc_vclock_covers_dot(&opposite->clock, version->dot))
			versions[n++] = *version;
	}
	stamp->versions = versions;
	stamp->nversions = n;
	stamp->clock = sc_vclock_merge(&stamp->clock, &other->clock);
}
