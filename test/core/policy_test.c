/*
 * policy_test.c
 *	  The choice among versions: one set in every order (core_winner), and
 *	  random histories merged in every order their causes allow (core_confluence).
 */
#include "postgres.h"

#include "fmgr.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/json.h"
#include "core/policy.h"
#include "world.h"

#define EXPORTED(name)                                                                             \
	PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                      \
	PG_FUNCTION_INFO_V1(name)

EXPORTED(core_winner);
EXPORTED(core_confluence);

#define EVENTS_MAX 6

typedef struct Bench /* what every merge of a test needs */
{
	World world;
	ScBatch batch;
	const ScField *field;
	const ScPolicy *policy;
	int n;
	ScVersion versions[EVENTS_MAX];
	char *first; /* the result of the first order */
	int64 orders;
	int64 different;
	bool forget;
} Bench;

static void build_bench(Bench *bench, Jsonb *document, const char *field);
static void build_versions(Bench *bench, Jsonb *list);
static void try_orders(Bench *bench, int *order, int len,
					   void (*try_one)(Bench *bench, const int *order));
static bool may_follow(const Bench *bench, const int *order, int len, int next);
static void choose_in_order(Bench *bench, const int *order);
static ScValue combine(Bench *bench, const ScVersion *versions);
static void merge_in_order(Bench *bench, const int *order);
static void compare_result(Bench *bench, char *result);
static void invent_history(Bench *bench, pg_prng_state *random, int nlinks);
static int order_by_text(const void *a, const void *b);

/* (world, field, versions): winner, rule and reason, after trying every order of the versions */
Datum
core_winner(PG_FUNCTION_ARGS)
{
	Bench bench;
	int order[EVENTS_MAX];

	build_bench(&bench, PG_GETARG_JSONB_P(0), text_to_cstring(PG_GETARG_TEXT_PP(1)));
	build_versions(&bench, PG_GETARG_JSONB_P(2));
	try_orders(&bench, order, 0, choose_in_order);
	if (bench.different > 0)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("the winner depends on the order: " INT64_FORMAT " of " INT64_FORMAT
							   " orders differ from %s",
							   bench.different, bench.orders, bench.first)));
	PG_RETURN_TEXT_P(cstring_to_text(bench.first));
}

/*
 * (world, field, links, events, histories, seed, forget): how many ended
 * differently.  forget: losers are thrown away, as a register of winners would.
 */
Datum
core_confluence(PG_FUNCTION_ARGS)
{
	Bench bench;
	pg_prng_state random;
	int nlinks = PG_GETARG_INT32(2);
	int nevents = Min(PG_GETARG_INT32(3), EVENTS_MAX);
	int histories = PG_GETARG_INT32(4);
	int64 orders = 0;
	int64 different = 0;

	build_bench(&bench, PG_GETARG_JSONB_P(0), text_to_cstring(PG_GETARG_TEXT_PP(1)));
	bench.forget = PG_GETARG_BOOL(6);
	pg_prng_seed(&random, (uint64) PG_GETARG_INT64(5));
	for (int i = 0; i < histories; i++)
	{
		MemoryContext cxt =
			AllocSetContextCreate(CurrentMemoryContext, "history", ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(cxt);
		int order[EVENTS_MAX];

		bench.n = nevents;
		bench.first = NULL;
		bench.orders = 0;
		bench.different = 0;
		invent_history(&bench, &random, nlinks);
		try_orders(&bench, order, 0, merge_in_order);
		orders += bench.orders;
		different += bench.different;
		MemoryContextSwitchTo(old);
		MemoryContextDelete(cxt);
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_TEXT_P(
		cstring_to_text(psprintf("%d histories, %s, %s", histories,
								 orders > histories ? "each in every order" : "one order each",
								 different == 0 ? "no order differs" : "SOME ORDERS DIFFER")));
}

static void
build_bench(Bench *bench, Jsonb *document, const char *field)
{
	memset(bench, 0, sizeof(Bench));
	bench->world = world_build(document);
	bench->batch.conf = bench->world.conf;
	bench->batch.hooks = &world_hooks;
	bench->field = sc_conf_field(bench->world.type, field);
	bench->policy = sc_conf_policy(bench->world.conf, bench->world.space, bench->world.type, field);
}

/* [{"system", "value", "kind", "at": seconds, "version", "replaced"}] */
static void
build_versions(Bench *bench, Jsonb *list)
{
	Jsonb **items;

	bench->n = Min(sc_json_elements(list, &items), EVENTS_MAX);
	for (int i = 0; i < bench->n; i++)
	{
		ScVersion *version = &bench->versions[i];
		const ScSystem *system =
			sc_conf_system_by_name(bench->world.conf, sc_json_get_text(items[i], "system"));
		char *kind = sc_json_get_text(items[i], "kind");
		Jsonb *replaced = sc_json_get(items[i], "replaced");

		version->value = sc_value_json(sc_json_get(items[i], "value"));
		version->replaced = replaced == NULL ? SC_UNKNOWN : sc_value_json(replaced);
		version->system_id = system->id;
		version->rank = system->rank;
		version->dot.link = i + 1;
		version->dot.n = 1;
		version->actor = sc_json_get_text(items[i], "actor");
		version->actor_kind = kind == NULL
								  ? SC_ACTOR_HUMAN
								  : world_word(kind, "unknown integration automation human ");
		version->at = sc_json_get_number(items[i], "at", 0) * USECS_PER_SEC;
		version->source_version = sc_json_get_number(items[i], "version", -1);
	}
}

/* Every order in which an event comes after all that its writer had seen. */
static void
try_orders(Bench *bench, int *order, int len, void (*try_one)(Bench *bench, const int *order))
{
	if (len == bench->n)
	{
		bench->orders++;
		try_one(bench, order);
		return;
	}
	for (int next = 0; next < bench->n; next++)
		if (may_follow(bench, order, len, next))
		{
			order[len] = next;
			try_orders(bench, order, len + 1, try_one);
		}
}

static bool
may_follow(const Bench *bench, const int *order, int len, int next)
{
	for (int i = 0; i < len; i++)
		if (order[i] == next)
			return false;
	for (int other = 0; other < bench->n; other++)
	{
		bool before = false;

		if (other == next ||
			!sc_vclock_covers_dot(&bench->versions[next].context, bench->versions[other].dot))
			continue;
		for (int i = 0; i < len; i++)
			before = before || order[i] == other;
		if (!before)
			return false;
	}
	return true;
}

static void
choose_in_order(Bench *bench, const int *order)
{
	ScEntity entity = { .space = bench->world.space, .type = bench->world.type };
	ScVersion versions[EVENTS_MAX];
	ScDispute dispute = { &bench->batch, &entity, bench->field, bench->policy, bench->n, versions };
	ScChoice choice;
	ScValue united;
	char *value;

	for (int i = 0; i < bench->n; i++)
		versions[i] = bench->versions[order[i]];
	choice = sc_policy_choose(&dispute);
	united = choice.combine == NULL ? versions[choice.winner].value : combine(bench, versions);
	value = sc_value_to_cstring(&united);
	compare_result(bench, psprintf("%s%s by %s: %s%s%s", choice.hold ? "(held) " : "", value,
								   choice.rule == NULL ? "nothing" : choice.rule,
								   choice.reason == NULL ? "-" : choice.reason,
								   choice.failed == NULL ? "" : "; ",
								   choice.failed == NULL ? "" : choice.failed));
}

/* What comes of them, each made by somebody who had seen what it replaced. */
static ScValue
combine(Bench *bench, const ScVersion *versions)
{
	ScEntity entity = { .space = bench->world.space, .type = bench->world.type };

	for (int i = 0; i < bench->n; i++)
	{
		ScVersion base = { .value = bench->versions[0].replaced, .dot = { 0, 1 } };
		ScVersion version = versions[i];

		if (base.value.state != SC_VALUE_UNKNOWN)
		{
			sc_merge_version(&bench->batch, &entity, bench->field, bench->policy, &base);
			version.context = sc_vclock_with_dot(&version.context, base.dot);
		}
		sc_merge_version(&bench->batch, &entity, bench->field, bench->policy, &version);
	}
	return sc_model_value(&entity, bench->field->name)->value;
}

/* The versions that stand, the clock, and the value that is shown. */
static void
merge_in_order(Bench *bench, const int *order)
{
	ScEntity entity = { .space = bench->world.space, .type = bench->world.type };
	ScStamp *stamp;
	char *lines[EVENTS_MAX + 2];
	StringInfoData result;
	int n = 0;

	for (int i = 0; i < bench->n; i++)
	{
		ScVersion version = bench->versions[order[i]];

		version.context = sc_vclock_copy(&version.context);
		sc_merge_version(&bench->batch, &entity, bench->field, bench->policy, &version);
		/* Heard twice: nothing happens (R8). */
		sc_merge_version(&bench->batch, &entity, bench->field, bench->policy, &version);
		if (bench->forget)
			sc_stamp_find(&entity.stamps, bench->field->name)->nversions = 1;
	}
	stamp = sc_stamp_find(&entity.stamps, bench->field->name);
	initStringInfo(&result);
	for (int i = 0; i < stamp->nversions; i++)
		lines[n++] =
			psprintf(INT64_FORMAT ":" INT64_FORMAT "=%s", stamp->versions[i].dot.link,
					 stamp->versions[i].dot.n, sc_value_to_cstring(&stamp->versions[i].value));
	appendStringInfo(&result, "%s %s|", stamp->held ? "held" : lines[0],
					 sc_vclock_to_cstring(&stamp->clock));
	qsort(lines, n, sizeof(char *), order_by_text);
	for (int i = 0; i < n; i++)
		appendStringInfo(&result, " %s", lines[i]);
	compare_result(bench, result.data);
}

static void
compare_result(Bench *bench, char *result)
{
	if (bench->first == NULL)
		bench->first = result;
	else if (strcmp(bench->first, result) != 0)
		bench->different++;
}

/* Each event is written by a link that has seen some of what was written before, and all that led to it. */
static void
invent_history(Bench *bench, pg_prng_state *random, int nlinks)
{
	static const ScActorKind kinds[] = { SC_ACTOR_HUMAN, SC_ACTOR_AUTOMATION, SC_ACTOR_UNKNOWN };

	for (int i = 0; i < bench->n; i++)
	{
		ScVersion *version = &bench->versions[i];
		int link = (int) pg_prng_uint64_range(random, 1, nlinks);
		int value = (int) pg_prng_uint64_range(random, 0, bench->field->nallowed - 1);

		memset(version, 0, sizeof(ScVersion));
		version->dot.link = link;
		version->dot.n = 1;
		version->context = sc_vclock_empty();
		for (int k = 0; k < i; k++)
			if (bench->versions[k].dot.link == link || pg_prng_bool(random))
			{
				version->context = sc_vclock_merge(&version->context, &bench->versions[k].context);
				version->context = sc_vclock_with_dot(&version->context, bench->versions[k].dot);
				if (bench->versions[k].dot.link == link)
					version->dot.n = bench->versions[k].dot.n + 1;
			}
		version->value = sc_value_text(bench->field->allowed[value]);
		version->system_id = (link - 1) % bench->world.conf->nsystems + 1;
		version->rank = bench->world.conf->systems[version->system_id - 1].rank;
		version->actor_kind = kinds[pg_prng_uint64_range(random, 0, 2)];
		version->at = (TimestampTz) pg_prng_uint64_range(random, 0, 3) * USECS_PER_SEC;
		version->source_version = (int64) pg_prng_uint64_range(random, 0, 3) - 1;
	}
}

static int
order_by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}
