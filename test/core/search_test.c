/*
 * search_test.c
 *	  Histories drawn by chance: core_search(seed, histories) plays each against
 *	  products that only this file knows, and says which broke a promise.
 *
 * A product is a record with values, a version, and webhooks on their way.
 * People and our calls change it; webhooks arrive late and in any order; a call
 * lands, or not, or late, and its answer may be lost.  When all is quiet every
 * record is read once, as reconcile does.  Then all must agree with the
 * canonical value (I1), no more was written than changes and lost answers
 * explain (I6), and the same edits heard in another order before anything was
 * sent must end the same (I8).
 *
 * A history is drawn from seed plus its number alone: core_search(seed + number,
 * 1) plays one again and tells all of it.
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "core/say.h"
#include "world.h"

PGDLLEXPORT Datum core_search(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(core_search);

#define PEERS_MAX 3
#define FIELDS 2
#define NEWS_MAX 256
#define STEPS 40
#define TURNS_MAX 400 /* until all is quiet; more is a loop */

typedef enum Fate /* of a call on its way */
{
	FATE_NONE,
	FATE_SENT,
	FATE_LANDED
} Fate;

typedef enum Heard /* in which order the same edits are heard (I8) */
{
	HEARD_FROM_FIRST,
	HEARD_FROM_LAST,
	HEARD_BACKWARDS,  /* from the last, and of each the last edit first */
	HEARD_READ_FIRST, /* every record is read before a webhook comes */
	HEARD_READ_EARLY, /* the last record is read before a webhook comes, the first after the others' */
	HEARD_ORDERS
} Heard;

typedef struct Peer
{
	ScLink *link;
	char *values[FIELDS];
	int64 version;
	TimestampTz moved_at;
	bool machine[FIELDS]; /* its automation made the last edit, not a person */
	bool coarse;		  /* three states instead of five */
	bool full;			  /* webhooks show the whole record */
	bool loud;			  /* stores our text in capitals */
	Fate fate;
	bool late; /* a call that was given up may still land */
	ScCall late_call;
	ScStatement *response; /* the record as our call left it */
} Peer;

typedef struct Search
{
	pg_prng_state chance;
	World world;
	ScBatch batch;
	ScEntity *entity;
	int npeers;
	Peer peers[PEERS_MAX];
	int nnews;
	ScStatement *news[NEWS_MAX]; /* NULL once heard */
	int nevents;
	ScStatement *events[NEWS_MAX + PEERS_MAX + 1];
	int lost;
	int writes;
	bool calm; /* nothing is lost or late any more */
	char *broken;
	StringInfoData told;
} Search;

static char *play(uint64 seed, bool tells, int64 *writes);
static char *play_in_order(uint64 seed, Heard how);
static Search *begin(uint64 seed, bool exact);
static Jsonb *draw_world(Search *search, bool exact);
static int draw(Search *search, int n);
static void tell(Search *search, const char *format, ...) pg_attribute_printf(2, 3);
static void step(Search *search);
static void edit(Search *search, Peer *peer, int field);
static void publish(Search *search, Peer *peer, int field, bool us);
static ScStatement *make_statement(Search *search, Peer *peer, ScStatementKind kind, int field);
static void hear(Search *search, int at);
static bool hear_any(Search *search);
static void replay(Search *search, Peer *peer);
static void end_batch(Search *search);
static bool send(Search *search, Peer *peer);
static void land(Search *search, Peer *peer, const ScCall *call);
static void answer(Search *search, Peer *peer, bool lose);
static void read_record(Search *search, Peer *peer);
static bool progress(Search *search, Peer *peer);
static void drain(Search *search);
static void check_agreement(Search *search);
static void check_writes(Search *search);
static char *text_of(Search *search, int field);

static const char *const field_names[FIELDS] = { "status", "title" };
static const char *const fine_states[] = { "new", "working", "pending", "resolved", "closed" };
static const char *const coarse_states[] = { "triggered", "acknowledged", "done" };
static const char *const titles[] = { "a", "b", "c", "d" };

Datum
core_search(PG_FUNCTION_ARGS)
{
	uint64 seed = (uint64) PG_GETARG_INT64(0);
	int histories = PG_GETARG_INT32(1);
	int broken = 0;
	int64 writes = 0;
	StringInfoData answer_text;
	MemoryContext cxt =
		AllocSetContextCreate(CurrentMemoryContext, "search", ALLOCSET_DEFAULT_SIZES);

	initStringInfo(&answer_text);
	for (int i = 0; i < histories; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(cxt);
		char *wrong = play(seed + i, histories == 1, &writes);
		char *one = play_in_order(seed + i, HEARD_FROM_FIRST);

		for (int how = HEARD_FROM_LAST; how < HEARD_ORDERS; how++)
		{
			char *other = play_in_order(seed + i, how);

			if (wrong == NULL && strcmp(one, other) != 0)
				wrong = psprintf("I8: %s, or in order %d %s", one, how, other);
		}
		MemoryContextSwitchTo(old);
		if (wrong != NULL && ++broken <= 10)
			appendStringInfo(&answer_text, "\nseed " UINT64_FORMAT ": %s", seed + i, wrong);
		MemoryContextReset(cxt);
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_TEXT_P(cstring_to_text(
		psprintf("%d of %d histories broke a promise%s%s", broken, histories,
				 writes > histories ? "" : "; too little was written", answer_text.data)));
}

/* One history; NULL when all promises were kept. */
static char *
play(uint64 seed, bool tells, int64 *writes)
{
	Search *search = begin(seed, false);

	for (int i = 0; i < STEPS && search->broken == NULL; i++)
		step(search);
	drain(search);
	for (int i = 0; i < search->npeers; i++)
	{
		search->peers[i].link->read_owed = true;
		progress(search, &search->peers[i]);
	}
	drain(search);
	check_agreement(search);
	check_writes(search);
	*writes += search->writes;
	if (tells)
		return psprintf("%s%s", search->broken == NULL ? "kept" : search->broken,
						search->told.data);
	return search->broken;
}

/*
 * I8: each says one thing of each field, having seen nothing of the others;
 * heard in any order, and with the record itself before or between.  With two
 * edits of a field by one peer what it had seen in between would depend on the
 * order (R10).
 */
static char *
play_in_order(uint64 seed, Heard how)
{
	Search *search = begin(seed, true);
	bool from_last = how == HEARD_FROM_LAST || how == HEARD_BACKWARDS;
	StringInfoData end;

	for (int i = 0; i < search->npeers; i++)
		for (int field = 0; field < FIELDS; field++)
			edit(search, &search->peers[i], field);
	for (int i = 0; i < search->npeers; i++)
		if (how == HEARD_READ_FIRST || (how == HEARD_READ_EARLY && i > 0))
			read_record(search, &search->peers[i]);
	for (int i = 0; i < search->npeers; i++)
	{
		Peer *peer = &search->peers[from_last ? search->npeers - 1 - i : i];

		for (int k = 0; k < search->nnews; k++)
		{
			int at = how == HEARD_BACKWARDS ? search->nnews - 1 - k : k;

			if (search->news[at] != NULL && search->news[at]->system == peer->link->system)
				hear(search, at);
		}
	}
	initStringInfo(&end);
	for (int i = 0; i < FIELDS; i++)
		appendStringInfo(&end, " %s=%s", field_names[i], text_of(search, i));
	return end.data;
}

/* A world of two or three products that all hold the same record.  exact: of grades C and F. */
static Search *
begin(uint64 seed, bool exact)
{
	Search *search = palloc0(sizeof(Search));

	pg_prng_seed(&search->chance, seed);
	initStringInfo(&search->told);
	search->npeers = 2 + draw(search, 2);
	search->world = world_build(draw_world(search, exact));
	search->batch.conf = search->world.conf;
	search->batch.hooks = &world_hooks;
	search->batch.now = USECS_PER_DAY * 9000;
	search->entity = palloc0(sizeof(ScEntity));
	search->entity->id = 1;
	search->entity->space = search->world.space;
	search->entity->type = search->world.type;
	search->entity->fresh = true;
	for (int i = 0; i < search->npeers; i++)
	{
		Peer *peer = &search->peers[i];
		ScLink *link = palloc0(sizeof(ScLink));

		link->id = i + 1;
		link->system = &search->world.conf->systems[i];
		link->map = &link->system->maps[0];
		link->record_type = "ticket";
		link->external_id = psprintf("%s-1", link->system->name);
		link->state = SC_LINK_ACTIVE;
		link->in_route = true;
		link->entity = search->entity;
		link->fresh = true;
		search->entity->links = lappend(search->entity->links, link);
		peer->link = link;
		peer->full = draw(search, 2) == 0;
		peer->loud = draw(search, 3) == 0;
		peer->coarse = link->map->fields[0].values != NULL;
		peer->values[0] = pstrdup(peer->coarse ? "triggered" : "new");
		peer->values[1] = pstrdup("a");
		peer->version = 1;
		peer->moved_at = search->batch.now;
		publish(search, peer, -1, false);
		hear(search, search->nnews - 1);
	}
	search->batch.now += 5 * USECS_PER_SEC;
	return search;
}

static Jsonb *
draw_world(Search *search, bool exact)
{
	static const char *const grades[] = { "counter", "fine", "coarse", "none" };
	static const char *const policies[] = { "\"last_update_wins\"",
											"\"human_wins\", \"last_update_wins\"",
											"\"system_of_record\"" };
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(
		&text,
		"{\"fields\": {\"status\": {\"kind\": \"state\"}, \"title\": {\"kind\": \"text\"}}, "
		"\"states\": [[\"new\", \"open\"], [\"working\", \"open\"], [\"pending\", \"waiting\"], "
		"[\"resolved\", \"done\"], [\"closed\", \"done\"]], \"policy\": {\"*\": [%s]}, "
		"\"systems\": {",
		policies[draw(search, 3)]);
	for (int i = 0; i < search->npeers; i++)
	{
		appendStringInfo(&text, "%s\"p%d\": {\"rank\": %d, \"grade\": \"%s\"", i > 0 ? ", " : "", i,
						 10 * (i + 1), grades[draw(search, exact ? 2 : 4)]);
		if (draw(search, 2) == 0)
			appendStringInfoString(
				&text, ", \"values\": {\"status\": [[\"triggered\", \"new\"], "
					   "[\"acknowledged\", \"working\"], [\"acknowledged\", \"pending\", \"out\"], "
					   "[\"done\", \"resolved\"], [\"done\", \"closed\", \"out\"]]}");
		appendStringInfoString(&text, "}");
	}
	appendStringInfoString(&text, "}}");
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data)));
}

static int
draw(Search *search, int n)
{
	return (int) pg_prng_uint64_range(&search->chance, 0, n - 1);
}

static void
tell(Search *search, const char *format, ...)
{
	char line[400];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	appendStringInfo(&search->told, "\n%d.%03d %s",
					 (int) (search->batch.now / USECS_PER_SEC % 1000),
					 (int) (search->batch.now / 1000 % 1000), line);
}

static void
step(Search *search)
{
	Peer *peer = &search->peers[draw(search, search->npeers)];
	int what = draw(search, 20);

	search->batch.now += (1 + draw(search, 900)) * 1000;
	if (peer->late && draw(search, 3) == 0)
	{
		peer->late = false;
		if (search->batch.now < peer->late_call.at + 25 * USECS_PER_SEC)
			land(search, peer, &peer->late_call);
	}
	if (what < 5)
		edit(search, peer, draw(search, FIELDS));
	else if (what < 12)
		hear_any(search);
	else if (peer->fate == FATE_NONE)
		send(search, peer);
	else if (peer->fate == FATE_SENT && what < 18)
		land(search, peer, &peer->link->call);
	else
		answer(search, peer, what == 19 || peer->fate == FATE_SENT);
}

static void
edit(Search *search, Peer *peer, int field)
{
	const char *value = field == 1	   ? titles[draw(search, 4)]
						: peer->coarse ? coarse_states[draw(search, 3)]
									   : fine_states[draw(search, 5)];

	if (search->nnews == NEWS_MAX || strcmp(peer->values[field], value) == 0)
		return;
	search->batch.now += 1000;
	peer->values[field] = pstrdup(value);
	peer->version++;
	peer->moved_at = search->batch.now;
	peer->machine[field] = draw(search, 4) == 0;
	tell(search, "%s: a %s sets %s=%s", peer->link->system->name,
		 peer->machine[field] ? "machine" : "person", field_names[field], value);
	publish(search, peer, field, false);
}

static void
publish(Search *search, Peer *peer, int field, bool us)
{
	ScStatement *statement =
		make_statement(search, peer, SC_STATEMENT_UPDATE, peer->full ? -1 : field);

	bool machine = field >= 0 && peer->machine[field];

	statement->actor = us ? "us" : machine ? "bot" : "kim";
	statement->actor_is_us = us;
	statement->actor_kind = us		  ? SC_ACTOR_INTEGRATION
							: machine ? SC_ACTOR_AUTOMATION
									  : SC_ACTOR_HUMAN;
	statement->event = ++search->nevents;
	search->events[statement->event] = statement;
	search->news[search->nnews++] = statement;
}

/* What the record holds now: all of it, or one field. */
static ScStatement *
make_statement(Search *search, Peer *peer, ScStatementKind kind, int field)
{
	ScStatement *statement = palloc0(sizeof(ScStatement));
	ScGrade grade = peer->link->system->connector->grade;
	const ScMapCxt cxt = { search->world.conf, peer->link->system, NULL };
	int64 second = peer->moved_at / USECS_PER_SEC * USECS_PER_SEC;

	statement->kind = kind;
	statement->received_at = search->batch.now;
	statement->source_time = peer->moved_at;
	statement->system = peer->link->system;
	statement->map = peer->link->map;
	statement->record_type = "ticket";
	statement->external_id = peer->link->external_id;
	statement->full_record = field < 0;
	statement->position.known = grade != SC_GRADE_NONE;
	statement->position.at = grade == SC_GRADE_COUNTER ? peer->version
							 : grade == SC_GRADE_FINE  ? peer->moved_at
													   : second;
	statement->fields = palloc0(sizeof(ScMapped) * FIELDS);
	for (int i = 0; i < FIELDS; i++)
	{
		const ScFieldMap *map = sc_conf_reader(peer->link->map, field_names[i]);
		ScValue external = sc_value_text(peer->values[i]);

		if (field >= 0 && i != field)
			continue;
		statement->fields[statement->nfields] = sc_map_up(&cxt, map, &external, NULL);
		statement->fields[statement->nfields].map = map;
		statement->fields[statement->nfields++].external = external;
	}
	return statement;
}

static void
hear(Search *search, int at)
{
	ScStatement *statement = search->news[at];
	Peer *peer = &search->peers[statement->system->id - 1];
	const ScMapped *failure;

	search->news[at] = NULL;
	statement->received_at = search->batch.now;
	tell(search, "%s says (" INT64_FORMAT ") v" INT64_FORMAT " %s=%s%s", statement->system->name,
		 statement->event, statement->position.at, statement->fields[0].map->field->name,
		 sc_value_to_cstring(&statement->fields[0].external),
		 statement->nfields > 1
			 ? psprintf(" title=%s", sc_value_to_cstring(&statement->fields[1].external))
			 : "");
	sc_decide_statement(&search->batch, peer->link, statement, &failure);
	replay(search, peer);
	end_batch(search);
}

static bool
hear_any(Search *search)
{
	int from = search->nnews == 0 ? 0 : draw(search, search->nnews);

	for (int i = 0; i < search->nnews; i++)
	{
		int at = (from + i) % search->nnews;

		if (search->news[at] == NULL)
			continue;
		hear(search, at);
		return true;
	}
	return false;
}

static void
replay(Search *search, Peer *peer)
{
	List *events = peer->link->replay;
	const ScMapped *failure;

	peer->link->replay = NIL;
	for (int i = 0; i < list_length(events); i++)
		sc_decide_statement(&search->batch, peer->link,
							search->events[*(int64 *) list_nth(events, i)], &failure);
}

static void
end_batch(Search *search)
{
	sc_decide_fan_out(&search->batch, search->entity);
	search->entity->fresh = false;
	for (int i = 0; i < search->npeers; i++)
	{
		ScLink *link = search->peers[i].link;

		if (link == NULL)
			continue;
		link->fresh = link->changed = link->due = link->whole = link->read_taken = false;
		for (int k = 0; k < link->shadow.len; k++)
			link->shadow.items[k].moved = false;
	}
}

/* The intent, as a claim writes it.  False: there was nothing to do. */
static bool
send(Search *search, Peer *peer)
{
	ScLink *link = peer->link;
	List *due;

	link->call.heard = false;
	if (link->call.unknown || link->read_owed)
	{
		read_record(search, peer);
		return true;
	}
	due = sc_merge_due(&search->batch, search->entity, link);
	if (due == NIL)
		return false;
	memset(&link->call, 0, sizeof(ScCall));
	link->call.kind = SC_CALL_UPDATE;
	link->call.at = link->call.first_at = search->batch.now;
	link->call.base = sc_order_top(link);
	link->call.fields = palloc0(sizeof(ScCallField) * list_length(due));
	for (int i = 0; i < list_length(due); i++)
	{
		ScCallField *field = list_nth(due, i);
		ScShadowField *shadow = sc_shadow_get(&link->shadow, field->field);

		field->before_held = shadow->held;
		field->before_known_at = shadow->known_at;
		field->before_seen = sc_vclock_copy(&shadow->seen);
		link->call.fields[link->call.nfields++] = *field;
		tell(search, "we send %s=%s to %s", field->field, sc_value_to_cstring(&field->value),
			 link->system->name);
	}
	peer->fate = FATE_SENT;
	search->writes++;
	return true;
}

static void
land(Search *search, Peer *peer, const ScCall *call)
{
	bool moved = false;

	search->batch.now += 1000;
	for (int i = 0; i < call->nfields; i++)
	{
		int field = strcmp(call->fields[i].field, field_names[0]) == 0 ? 0 : 1;
		char *value = sc_value_to_cstring(&call->fields[i].value);

		if (field == 1 && peer->loud)
			value[0] = pg_toupper((unsigned char) value[0]);
		moved = moved || strcmp(value, peer->values[field]) != 0;
		peer->values[field] = value;
	}
	tell(search, "it lands at %s", peer->link->system->name);
	if (moved)
	{
		peer->version++;
		peer->moved_at = search->batch.now;
	}
	if (call == &peer->link->call)
	{
		peer->fate = FATE_LANDED;
		peer->response = make_statement(search, peer, SC_STATEMENT_RESPONSE, -1);
	}
	if (!moved || search->nnews + FIELDS > NEWS_MAX)
		return;
	for (int i = 0; i < call->nfields; i++)
		if (!peer->full || i == 0)
			publish(search, peer, strcmp(call->fields[i].field, field_names[0]) == 0 ? 0 : 1, true);
}

static void
answer(Search *search, Peer *peer, bool lose)
{
	ScOutcome outcome = { .kind = lose ? SC_OUTCOME_UNKNOWN : SC_OUTCOME_OK };

	if (lose)
	{
		search->lost++;
		tell(search, "the answer of %s is lost", peer->link->system->name);
		if (peer->fate == FATE_SENT && draw(search, 2) == 0)
		{
			peer->late = true;
			peer->late_call = peer->link->call;
		}
	}
	else
	{
		tell(search, "%s answers", peer->link->system->name);
		outcome.body = peer->response;
		outcome.position = outcome.body->position;
	}
	peer->fate = FATE_NONE;
	sc_decide_outcome(&search->batch, peer->link, &outcome);
	replay(search, peer);
	end_batch(search);
}

static void
read_record(Search *search, Peer *peer)
{
	ScOutcome outcome = { .kind = SC_OUTCOME_OK };

	if (!peer->link->call.unknown)
		peer->link->call.kind = SC_CALL_READ;
	tell(search, "we read %s: status=%s title=%s v" INT64_FORMAT, peer->link->system->name,
		 peer->values[0], peer->values[1], peer->version);
	outcome.body = make_statement(search, peer, SC_STATEMENT_READ, -1);
	sc_decide_outcome(&search->batch, peer->link, &outcome);
	replay(search, peer);
	end_batch(search);
}

static bool
progress(Search *search, Peer *peer)
{
	search->batch.now += USECS_PER_SEC;
	if (peer->fate == FATE_SENT)
		land(search, peer, &peer->link->call);
	if (peer->fate == FATE_NONE)
		return send(search, peer);
	answer(search, peer, false);
	return true;
}

static void
drain(Search *search)
{
	int turns = 0;
	bool busy = true;

	for (int i = 0; i < search->npeers; i++)
		search->peers[i].late = false;
	while (busy && search->broken == NULL)
	{
		busy = hear_any(search);
		for (int i = 0; i < search->npeers && !busy; i++)
			busy = progress(search, &search->peers[i]);
		if (++turns > TURNS_MAX)
			search->broken = pstrdup("I6: it does not end");
	}
}

/* I1, up to the value map and, for text, to how the product stores it. */
static void
check_agreement(Search *search)
{
	for (int i = 0; i < search->npeers && search->broken == NULL; i++)
	{
		Peer *peer = &search->peers[i];

		for (int field = 0; field < FIELDS; field++)
		{
			const ScFieldMap *map = sc_conf_reader(peer->link->map, field_names[field]);
			ScFieldValue *value = sc_model_value(search->entity, field_names[field]);
			ScValue held = sc_value_text(peer->values[field]);
			ScValue down = sc_merge_down(&search->batch, search->entity, peer->link, map);
			ScMapped up = sc_map_up(&(ScMapCxt){ search->world.conf, peer->link->system, NULL },
									map, &held, NULL);

			if (sc_value_equal(&up.canonical, &value->value) || sc_value_equal(&down, &held) ||
				(field == 1 && sc_value_equal_loosely(&down, &held)))
				continue;
			search->broken =
				psprintf("I1: %s holds %s=%s, canonical is %s", peer->link->system->name,
						 field_names[field], peer->values[field], text_of(search, field));
		}
	}
}

/* I6: what changed here may go once to each; what was lost may go again. */
static void
check_writes(Search *search)
{
	int changes = 0;

	for (int i = 0; i < list_length(search->batch.ledger); i++)
	{
		ScLedgerEntry *entry = list_nth(search->batch.ledger, i);

		changes += entry->kind == SC_LEDGER_CHANGE || entry->kind == SC_LEDGER_CONFLICT ? 1 : 0;
	}
	if (search->broken == NULL && search->writes > changes * search->npeers + 2 * search->lost)
		search->broken = psprintf("I6: %d writes for %d changes in %d systems and %d lost answers",
								  search->writes, changes, search->npeers, search->lost);
}

static char *
text_of(Search *search, int field)
{
	ScFieldValue *value = sc_model_value(search->entity, field_names[field]);
	char *text = value == NULL ? NULL : sc_value_to_cstring(&value->value);

	return text == NULL ? pstrdup("nothing") : text;
}
