/*
 * policy.c
 *	  The rules of policies over a set of versions.
 *
 * Every rule compares two versions by what is frozen in them, never by when
 * they were heard.  A rule keeps the best of the candidates and hands ties to
 * the next; the last word is the rank of the system, and where one system has
 * several versions, their dots.  So the answer depends on the set alone.
 */
#include "postgres.h"

#include "core/combine.h"
#include "core/json.h"
#include "core/policy.h"
#include "core/say.h"
#include "core/view.h"

static const char *const rule_names[] = { "escalation_wins", "human_wins",		 "system_of_record",
										  "version_wins",	 "last_update_wins", "union",
										  "append",			 "manual",			 "call" };

StaticAssertDecl(lengthof(rule_names) == SC_RULE_CALL + 1, "every rule has a name");

typedef struct Contest /* a choice being made */
{
	const ScDispute *dispute;
	Jsonb *document; /* canonical data, for conditions; made when needed */
	bool *in;		 /* candidates left */
	char *failed;
	const ScRule *failed_rule; /* the one that failed: it decides nothing */
} Contest;

static ScChoice choose(Contest *contest, const ScValue *except);
static bool rule_applies(Contest *contest, const ScRule *rule);
static void put_together(Contest *contest, const ScRule *rule, ScChoice *choice);
static void narrow(Contest *contest, const ScRule *rule);
static void narrow_by_call(Contest *contest, const ScRule *rule);
static bool ask_both_ways(Contest *contest, const ScRule *rule, int a, int b, int *result);
static void narrow_last(Contest *contest);
static int compare(const ScDispute *dispute, const ScRule *rule, const ScVersion *a,
				   const ScVersion *b);
static int rank_in(const ScField *field, const ScValue *value);
static int32 owner_of(const ScDispute *dispute, const ScRule *rule);
static bool several_values(const Contest *contest);
static bool must_hold(const Contest *contest, const ScRule *rule);
static bool is_severe(const ScDispute *dispute, const ScField *severity, const ScValue *from);
static void explain(Contest *contest, ScChoice *choice);
static const ScRule *find_decisive(Contest *contest, const ScChoice *choice);
static char *say_why(Contest *contest, const ScRule *rule, const ScChoice *choice);
static int authority(const ScVersion *version);
static const char *say_kind(ScActorKind kind);
static char *say_last(const ScDispute *dispute, const ScVersion *a, const ScVersion *b);
static char *say_manual(const Contest *contest, const ScChoice *choice);

ScChoice
sc_policy_choose(const ScDispute *dispute)
{
	Contest contest = { .dispute = dispute };
	ScChoice choice;

	contest.in = palloc(sizeof(bool) * Max(dispute->n, 1));
	choice = choose(&contest, NULL);
	if (dispute->n > 1)
		choice.beaten = choose(&contest, &dispute->versions[choice.winner].value).winner;
	if (choice.beaten >= 0)
		explain(&contest, &choice);
	choice.failed = contest.failed;
	return choice;
}

/* The best version, leaving out those of the value except; winner -1 when none is left. */
static ScChoice
choose(Contest *contest, const ScValue *except)
{
	const ScDispute *dispute = contest->dispute;
	ScChoice choice = { .winner = -1, .beaten = -1 };

	for (int i = 0; i < dispute->n; i++)
		contest->in[i] = except == NULL || !sc_value_equal(&dispute->versions[i].value, except);
	for (int i = 0; i < dispute->policy->len; i++)
	{
		const ScRule *rule = &dispute->policy->rules[i];

		if (!rule_applies(contest, rule))
			continue;
		if (rule->name == SC_RULE_MANUAL)
			choice.hold = choice.hold || (choice.combine == NULL && must_hold(contest, rule));
		else if (rule->name != SC_RULE_UNION && rule->name != SC_RULE_APPEND)
			narrow(contest, rule);
		else
			put_together(contest, rule, &choice);
	}
	narrow_last(contest);
	for (int i = 0; i < dispute->n; i++)
		if (contest->in[i])
			choice.winner = i;
	return choice;
}

static bool
rule_applies(Contest *contest, const ScRule *rule)
{
	const ScDispute *dispute = contest->dispute;

	if (rule->condition == NULL)
		return true;
	if (dispute->plain)
		return false;
	if (contest->document == NULL)
		contest->document = dispute->view != NULL
								? sc_view_document(dispute->view)
								: sc_model_entity_json(unconstify(ScEntity *, dispute->entity));
	return sc_conf_holds(rule->condition, contest->document);
}

/* union, append: those that are left, as often as they differ; what comes after is about who is named first. */
static void
put_together(Contest *contest, const ScRule *rule, ScChoice *choice)
{
	const ScDispute *dispute = contest->dispute;

	if (choice->combine != NULL || choice->hold || !sc_combine_can(dispute->field, rule) ||
		!several_values(contest))
		return;
	choice->combine = rule;
	choice->parts = palloc(sizeof(bool) * dispute->n);
	memcpy(choice->parts, contest->in, sizeof(bool) * dispute->n);
}

/* Keeps the candidates that none beats. */
static void
narrow(Contest *contest, const ScRule *rule)
{
	const ScDispute *dispute = contest->dispute;
	int best = -1;

	if (rule->name == SC_RULE_CALL)
	{
		narrow_by_call(contest, rule);
		return;
	}
	for (int i = 0; i < dispute->n; i++)
		if (contest->in[i] && (best < 0 || compare(dispute, rule, &dispute->versions[i],
												   &dispute->versions[best]) > 0))
			best = i;
	for (int i = 0; i < dispute->n; i++)
		if (contest->in[i] &&
			compare(dispute, rule, &dispute->versions[best], &dispute->versions[i]) > 0)
			contest->in[i] = false;
}

/* A user's function need not be an order: those that nobody beats stay; if it goes round, it decides nothing. */
static void
narrow_by_call(Contest *contest, const ScRule *rule)
{
	int n = contest->dispute->n;
	bool *beaten = palloc0(sizeof(bool) * Max(n, 1));
	int candidates = 0;
	int left = 0;

	for (int i = 0; i < n; i++)
		candidates += contest->in[i] ? 1 : 0;
	if (rule == contest->failed_rule || candidates < 2)
		return;
	for (int a = 0; a < n; a++)
		for (int b = a + 1; b < n; b++)
		{
			int result;

			if (!contest->in[a] || !contest->in[b] ||
				sc_value_equal(&contest->dispute->versions[a].value,
							   &contest->dispute->versions[b].value))
				continue;
			if (!ask_both_ways(contest, rule, a, b, &result))
			{
				contest->failed_rule = rule;
				return;
			}
			beaten[a] = beaten[a] || result > 0;
			beaten[b] = beaten[b] || result < 0;
		}
	for (int i = 0; i < n; i++)
		left += contest->in[i] && !beaten[i] ? 1 : 0;
	if (left == 0)
	{
		contest->failed_rule = rule;
		contest->failed = psprintf(
			"function %s goes round in a circle: each value loses to another", rule->function);
		return;
	}
	for (int i = 0; i < n; i++)
		contest->in[i] = contest->in[i] && !beaten[i];
}

static bool
ask_both_ways(Contest *contest, const ScRule *rule, int a, int b, int *result)
{
	const ScDispute *dispute = contest->dispute;
	const ScDecideHooks *hooks = dispute->batch->hooks;
	ScRuleCall call = { .rule = rule,
						.entity = dispute->entity,
						.field = dispute->field->name,
						.a = &dispute->versions[a],
						.b = &dispute->versions[b],
						.nversions = dispute->n,
						.versions = dispute->versions };
	ScRuleCall reversed = call;
	char *error = NULL;
	int back;

	reversed.a = call.b;
	reversed.b = call.a;
	if (hooks == NULL || hooks->call_rule == NULL)
	{
		contest->failed = psprintf("function %s is not available here", rule->function);
		return false;
	}
	if (!hooks->call_rule(hooks->arg, &call, result, &error) ||
		!hooks->call_rule(hooks->arg, &reversed, &back, &error))
	{
		contest->failed = psprintf("function %s failed: %s", rule->function,
								   error == NULL ? "no reason given" : error);
		return false;
	}
	*result = (*result > 0) - (*result < 0);
	back = (back > 0) - (back < 0);
	if (*result + back == 0)
		return true;
	contest->failed = psprintf("function %s answers differently when its arguments are exchanged",
							   rule->function);
	return false;
}

static void
narrow_last(Contest *contest)
{
	const ScDispute *dispute = contest->dispute;
	int best = -1;

	for (int i = 0; i < dispute->n; i++)
		if (contest->in[i] && (best < 0 || sc_policy_compare_last(&dispute->versions[i],
																  &dispute->versions[best]) > 0))
			best = i;
	for (int i = 0; i < dispute->n; i++)
		contest->in[i] = i == best;
}

/* > 0: a is preferred. */
static int
compare(const ScDispute *dispute, const ScRule *rule, const ScVersion *a, const ScVersion *b)
{
	switch (rule->name)
	{
		case SC_RULE_ESCALATION_WINS:
			return rank_in(dispute->field, &b->value) - rank_in(dispute->field, &a->value);
		case SC_RULE_HUMAN_WINS:
			return authority(a) - authority(b);
		case SC_RULE_SYSTEM_OF_RECORD:
		{
			int32 owner = owner_of(dispute, rule);

			return owner == 0 ? 0 : (a->system_id == owner) - (b->system_id == owner);
		}
		case SC_RULE_VERSION_WINS:
			return (a->source_version > b->source_version) -
				   (a->source_version < b->source_version);
		case SC_RULE_LAST_UPDATE_WINS:
			return (a->at > b->at) - (a->at < b->at);
		default:
			return 0;
	}
}

/* Place in the field's list, 0 = most severe; what is not in it comes last. */
static int
rank_in(const ScField *field, const ScValue *value)
{
	char *text;

	if (field->nallowed == 0 || value->state != SC_VALUE_JSON || sc_value_is_null(value))
		return field->nallowed;
	text = sc_value_to_cstring(value);
	for (int i = 0; i < field->nallowed; i++)
		if (strcmp(field->allowed[i], text) == 0)
			return i;
	return field->nallowed;
}

static int32
owner_of(const ScDispute *dispute, const ScRule *rule)
{
	if (rule->system_id != 0)
		return rule->system_id;
	return sc_conf_ownership(dispute->batch->conf, dispute->entity->space, dispute->entity->type,
							 dispute->field->name)
		.owner_id;
}

static bool
several_values(const Contest *contest)
{
	const ScVersion *first = NULL;

	for (int i = 0; i < contest->dispute->n; i++)
	{
		if (!contest->in[i])
			continue;
		if (first != NULL && !sc_value_equal(&first->value, &contest->dispute->versions[i].value))
			return true;
		first = &contest->dispute->versions[i];
	}
	return false;
}

/* review_from: only when the record, or for severity itself a value in dispute, is that severe. */
static bool
must_hold(const Contest *contest, const ScRule *rule)
{
	const ScDispute *dispute = contest->dispute;
	const ScField *severity = sc_conf_field(dispute->entity->type, SC_POLICY_SEVERITY);
	ScValue from;

	if (!several_values(contest))
		return false;
	if (rule->review_from == NULL || severity == NULL)
		return true;
	from = sc_value_text(rule->review_from);
	if (strcmp(dispute->field->name, SC_POLICY_SEVERITY) != 0)
		return !dispute->plain && is_severe(dispute, severity, &from);
	for (int i = 0; i < dispute->n; i++)
		if (contest->in[i] &&
			rank_in(severity, &dispute->versions[i].value) <= rank_in(severity, &from))
			return true;
	return false;
}

/* While its severity is in review, the record is as severe as the worst that is said of it (I8). */
static bool
is_severe(const ScDispute *dispute, const ScField *severity, const ScValue *from)
{
	const ScStamps *stamps = &dispute->entity->stamps;
	const ScFieldValue *current =
		sc_model_value(unconstify(ScEntity *, dispute->entity), SC_POLICY_SEVERITY);

	for (int i = 0; dispute->view != NULL && i < stamps->len; i++)
	{
		const ScStamp *stamp = &stamps->items[i];

		if (stamp->nversions == 0 || strcmp(stamp->field, SC_POLICY_SEVERITY) != 0)
			continue;
		for (int k = 0; dispute->view->held[i] && k < stamp->nversions; k++)
			if (rank_in(severity, &stamp->versions[k].value) <= rank_in(severity, from))
				return true;
		return rank_in(severity, &dispute->view->values[i]) <= rank_in(severity, from);
	}
	return current != NULL && rank_in(severity, &current->value) <= rank_in(severity, from);
}

/* Which rule put the winner before the strongest of the others, and how to say so. */
static void
explain(Contest *contest, ScChoice *choice)
{
	const ScDispute *dispute = contest->dispute;
	const ScRule *rule = find_decisive(contest, choice);

	choice->rule = rule == NULL ? "system_rank" : rule_names[rule->name];
	choice->reason = rule == NULL ? say_last(dispute, &dispute->versions[choice->winner],
											 &dispute->versions[choice->beaten])
								  : say_why(contest, rule, choice);
	if (!choice->hold)
		return;
	choice->would_rule = choice->rule;
	choice->would_reason = choice->reason;
	choice->rule = rule_names[SC_RULE_MANUAL];
	choice->reason = say_manual(contest, choice);
}

/* The first rule that tells the winner from the strongest of the others; NULL = none does. */
static const ScRule *
find_decisive(Contest *contest, const ScChoice *choice)
{
	const ScDispute *dispute = contest->dispute;
	const ScVersion *winner = &dispute->versions[choice->winner];
	const ScVersion *beaten = &dispute->versions[choice->beaten];

	for (int i = 0; i < dispute->policy->len; i++)
	{
		const ScRule *rule = &dispute->policy->rules[i];
		int result;
		bool decides;

		if (!rule_applies(contest, rule) || rule == contest->failed_rule)
			continue;
		if (rule->name == SC_RULE_CALL)
			decides =
				ask_both_ways(contest, rule, choice->winner, choice->beaten, &result) && result < 0;
		else
			decides = rule == choice->combine || compare(dispute, rule, winner, beaten) > 0;
		if (decides)
			return rule;
	}
	return NULL;
}

static char *
say_why(Contest *contest, const ScRule *rule, const ScChoice *choice)
{
	const ScDispute *dispute = contest->dispute;
	const ScVersion *winner = &dispute->versions[choice->winner];
	const ScVersion *beaten = &dispute->versions[choice->beaten];
	char *a = sc_say_version(dispute->batch, dispute->field, winner);
	char *b = sc_say_version(dispute->batch, dispute->field, beaten);

	switch (rule->name)
	{
		case SC_RULE_ESCALATION_WINS:
			return psprintf("%s is more severe than %s", a, b);
		case SC_RULE_HUMAN_WINS:
			return psprintf("%s was set by %s, %s by %s", a, say_kind(winner->actor_kind), b,
							say_kind(beaten->actor_kind));
		case SC_RULE_SYSTEM_OF_RECORD:
			return psprintf("%s is the system of record for %s: %s goes before %s",
							sc_say_system(dispute->batch, winner->system_id), dispute->field->name,
							a, b);
		case SC_RULE_VERSION_WINS:
			return psprintf("%s is version " INT64_FORMAT
							" of its record, %s is version " INT64_FORMAT,
							a, winner->source_version, b, beaten->source_version);
		case SC_RULE_LAST_UPDATE_WINS:
			return psprintf("%s is later than %s", a, b);
		case SC_RULE_CALL:
			return psprintf("function %s prefers %s to %s", rule->function, a, b);
		default:
			return psprintf("%s and %s were put together by the rule %s", a, b,
							rule_names[rule->name]);
	}
}

/* Somebody unknown may be a person: no machine beats him for being one. */
static int
authority(const ScVersion *version)
{
	return version->actor_kind == SC_ACTOR_UNKNOWN ? SC_ACTOR_AUTOMATION
												   : (int) version->actor_kind;
}

static const char *
say_kind(ScActorKind kind)
{
	switch (kind)
	{
		case SC_ACTOR_HUMAN:
			return "a person";
		case SC_ACTOR_AUTOMATION:
			return "an automation";
		case SC_ACTOR_INTEGRATION:
			return "an integration account";
		default:
			return "nobody we know";
	}
}

static char *
say_last(const ScDispute *dispute, const ScVersion *winner, const ScVersion *beaten)
{
	char *a = sc_say_version(dispute->batch, dispute->field, winner);
	char *b = sc_say_version(dispute->batch, dispute->field, beaten);

	if (winner->rank == beaten->rank)
		return psprintf("%s goes before %s: no rule tells them apart, their systems have the same "
						"rank, and %s was set up first",
						a, b, sc_say_system(dispute->batch, winner->system_id));
	return psprintf(
		"%s goes before %s: no rule tells them apart, and %s has rank %d, before %s with %d", a, b,
		sc_say_system(dispute->batch, winner->system_id), winner->rank,
		sc_say_system(dispute->batch, beaten->system_id), beaten->rank);
}

static char *
say_manual(const Contest *contest, const ScChoice *choice)
{
	const ScDispute *dispute = contest->dispute;

	return psprintf(
		"%s and %s wait for a person: that is the policy of %s",
		sc_say_version(dispute->batch, dispute->field, &dispute->versions[choice->winner]),
		sc_say_version(dispute->batch, dispute->field, &dispute->versions[choice->beaten]),
		dispute->field->name);
}

/* Never a tie between two versions: dots are unique. */
int
sc_policy_compare_last(const ScVersion *a, const ScVersion *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank ? 1 : -1;
	if (a->system_id != b->system_id)
		return a->system_id < b->system_id ? 1 : -1;
	if (a->dot.link != b->dot.link)
		return a->dot.link < b->dot.link ? 1 : -1;
	return (a->dot.n > b->dot.n) - (a->dot.n < b->dot.n);
}

int
sc_policy_order_by_time(const void *a, const void *b)
{
	const ScVersion *one = *(const ScVersion *const *) a;
	const ScVersion *other = *(const ScVersion *const *) b;

	if (one->at != other->at)
		return one->at < other->at ? -1 : 1;
	return -sc_policy_compare_last(one, other);
}
