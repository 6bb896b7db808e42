/*
 * order.c
 *	  Is a statement about one field news?  The judgement (R4); what it does to
 *	  the shadow is in effect.c.
 *
 * Three things are compared, never mixed: positions order the statements of
 * one system among themselves and against our own writes to it; values tell an
 * echo from an edit where positions cannot; the actor is evidence, not proof.
 * Nothing here looks at the canonical value: what wins is merge's business.
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "core/merge.h"
#include "core/order.h"

typedef struct Question /* one field of one statement */
{
	const ScLink *link;
	ScShadowField *shadow;
	const ScStatement *statement;
	const ScMapped *said;
	ScGrade grade;
	ScPosition position;
	bool in_slot; /* READ, RESPONSE: no write of ours can be on its way meanwhile */
} Question;

static ScOrder verdict(ScVerdict kind, const char *rule);
static bool is_held(const Question *question);
static bool is_ours(const Question *question, const ScWrite *write);
static bool was_found_as(const Question *question, const ScWrite *write);
static bool is_marked(const Question *question);
static int find_unconfirmed(const Question *question);
static ScOrder judge_unordered(const Question *question);
static bool is_own_word(const ScStatement *statement);
static bool is_beside_call(const Question *question, const ScCallField *carried);
static ScOrder judge_against_call(const Question *question, ScCallField *carried);
static bool judge_past(const Question *question, ScOrder *order);
static bool judge_tie(const Question *question, ScOrder *order);
static bool judge_earlier(const Question *question, ScOrder *order);
static ScOrder judge_against(const Question *question, int write);
static ScOrder judge_latest(const Question *question);
static ScOrder judge_current(const Question *question, const char *rule);
static bool was_held(const ScValue *were, int nwere, const ScValue *value);

/*
 * R3.  A statement that contradicts the call waits.  The same value is an echo or
 * an agreement whichever way the call ends, if it is our own name that says it,
 * or somebody of that one field.  A record told whole, or by nobody, may show it
 * because our write has landed by then, or because somebody set it before:
 * the outcome tells, where there are positions.
 */
bool
sc_order_must_wait(const ScLink *link, const ScStatement *statement)
{
	bool ordered = statement->position.known && link->system->connector->grade != SC_GRADE_NONE;
	bool same_waits = ordered && !statement->actor_is_us && !is_own_word(statement);

	if (sc_model_is_slot(statement) || link->call.unreadable)
		return false;
	if (statement->call_marker != NULL && link->call.marker != NULL &&
		strcmp(statement->call_marker, link->call.marker) == 0)
		return false;
	for (int i = 0; i < statement->nfields; i++)
	{
		const ScMapped *said = &statement->fields[i];
		const ScCallField *carried;

		if (said->outcome != SC_MAP_OK && said->outcome != SC_MAP_NEAREST)
			continue;
		carried = sc_order_in_call(link, said->map->field->name);
		if (carried != NULL &&
			(same_waits || !sc_order_same(said->map, &said->external, &carried->value)))
			return true;
	}
	return false;
}

ScOrder
sc_order_judge(const ScLink *link, ScShadowField *shadow, const ScStatement *statement,
			   const ScMapped *said)
{
	Question question = { .link = link,
						  .shadow = shadow,
						  .statement = statement,
						  .said = said,
						  .grade = link->system->connector->grade,
						  .position = statement->position,
						  .in_slot = sc_model_is_slot(statement) };
	ScOrder order;

	if (is_marked(&question))
		return verdict(SC_VERDICT_ECHO, "R4a");
	if (is_beside_call(&question, sc_order_in_call(link, shadow->field)))
		return judge_against_call(&question, sc_order_in_call(link, shadow->field));
	if (question.grade == SC_GRADE_NONE || !question.position.known)
		return judge_unordered(&question);
	if (judge_past(&question, &order) || judge_tie(&question, &order) ||
		judge_earlier(&question, &order))
		return order;
	return judge_latest(&question);
}

/* Known values that the map takes for one (time zones, order of a list), or that are one. */
bool
sc_order_same(const ScFieldMap *map, const ScValue *a, const ScValue *b)
{
	if (a->state == SC_VALUE_UNKNOWN || b->state == SC_VALUE_UNKNOWN)
		return false;
	if (sc_value_equal(a, b))
		return true;
	return map != NULL && a->state == SC_VALUE_JSON && b->state == SC_VALUE_JSON &&
		   sc_map_same_external(map, a, b);
}

ScCallField *
sc_order_in_call(const ScLink *link, const char *field)
{
	if (link->call.kind != SC_CALL_UPDATE && link->call.kind != SC_CALL_CREATE)
		return NULL;
	for (int i = 0; i < link->call.nfields; i++)
		if (strcmp(link->call.fields[i].field, field) == 0)
			return &link->call.fields[i];
	return NULL;
}

int64
sc_order_marker(const char *marker)
{
	if (marker == NULL)
		return 0;

	int64 hash = (int64) hash_bytes_extended((const unsigned char *) marker, strlen(marker), 0);

	return hash == 0 ? 1 : hash;
}

/*
 * The read found what we had written, so the statement was made before it, in
 * the same instant: it was overwritten, unless it is what stood there earlier.
 */
bool
sc_order_was_raced(const ScShadowField *shadow, const ScOrder *order, const ScMapped *said)
{
	if (shadow->moved || order->write < 0)
		return false;

	const ScWrite *write = &shadow->writes[order->write];

	return !was_held(write->were, write->nwere, &said->external);
}

bool
sc_order_was_held(const ScShadowField *shadow, const ScMapped *said)
{
	if (was_held(shadow->were, shadow->nwere, &said->external))
		return true;
	for (int i = 0; i < shadow->nwrites; i++)
		if (sc_order_same(said->map, &said->external, &shadow->writes[i].value))
			return true;
	return false;
}

bool
sc_order_was_overwritten(const ScShadowField *shadow, const ScMapped *said)
{
	for (int i = 0; i < shadow->nwrites; i++)
		if (shadow->writes[i].before_held.state != SC_VALUE_UNKNOWN &&
			was_held(&shadow->writes[i].before_held, 1, &said->external))
			return true;
	return false;
}

static ScOrder
verdict(ScVerdict kind, const char *rule)
{
	ScOrder order = { .verdict = kind, .rule = rule, .write = -1, .unconfirmed = -1 };

	return order;
}

static bool
is_held(const Question *question)
{
	return sc_order_same(question->said->map, &question->said->external, &question->shadow->held);
}

/* A write whose external form is not known is recognised by what it stood for. */
static bool
is_ours(const Question *question, const ScWrite *write)
{
	if (write->value.state == SC_VALUE_UNKNOWN)
		return sc_value_equal(&question->said->canonical, &write->canonical);
	return sc_order_same(question->said->map, &question->said->external, &write->value) ||
		   sc_value_equal_loosely(&question->said->external, &write->value);
}

/*
 * A write that was lost and then found may stand there in another word of its
 * system; at its position, which is that of what was found, any such word is it.
 */
static bool
was_found_as(const Question *question, const ScWrite *write)
{
	return !write->exact && question->said->map != NULL &&
		   sc_merge_is_enumeration(question->said->map) &&
		   sc_value_equal(&question->said->canonical, &write->canonical);
}

/* R4a: the product hands the marker of a call back, and that call wrote this field. */
static bool
is_marked(const Question *question)
{
	const char *marker = question->statement->call_marker;

	if (marker == NULL)
		return false;
	if (question->link->call.marker != NULL && strcmp(question->link->call.marker, marker) == 0)
		return sc_order_in_call(question->link, question->shadow->field) != NULL;

	int64 hash = sc_order_marker(marker);

	for (int i = 0; i < question->shadow->nwrites; i++)
		if (question->shadow->writes[i].marker == hash)
			return true;
	return false;
}

static int
find_unconfirmed(const Question *question)
{
	for (int i = 0; i < question->shadow->nunconfirmed; i++)
	{
		const ScUnconfirmed *sent = &question->shadow->unconfirmed[i];

		if (sent->until >= question->statement->received_at &&
			(sc_order_same(question->said->map, &question->said->external, &sent->value) ||
			 sc_value_equal_loosely(&question->said->external, &sent->value)))
			return i;
	}
	return -1;
}

/* Said by somebody else than us, of that field and no other: he set it, and did not only find it so. */
static bool
is_own_word(const ScStatement *statement)
{
	return !statement->actor_is_us && statement->actor_kind != SC_ACTOR_UNKNOWN &&
		   !sc_model_is_whole(statement);
}

/* What is older than all that the call found there has nothing to do with it. */
static bool
is_beside_call(const Question *question, const ScCallField *carried)
{
	ScPosition p = question->position;

	if (carried == NULL || question->in_slot)
		return false;
	return !p.known || !carried->before_known_at.known || p.at > carried->before_known_at.at ||
		   (p.at == carried->before_known_at.at && question->grade != SC_GRADE_COUNTER);
}

/* R3: our value is an echo or an agreement; another one is judged as overwritten, since no outcome is to be had. */
static ScOrder
judge_against_call(const Question *question, ScCallField *carried)
{
	ScOrder order;

	if (sc_order_same(question->said->map, &question->said->external, &carried->value))
	{
		order = verdict(SC_VERDICT_ECHO, "R3");
		order.carried = is_own_word(question->statement) ? carried : NULL;
		return order;
	}
	if (question->position.known && judge_past(question, &order))
		return order;
	order =
		verdict(sc_order_same(question->said->map, &question->said->external, &carried->before_held)
					? SC_VERDICT_NOTHING
					: SC_VERDICT_RACED,
				"R3");
	order.carried = carried;
	return order;
}

/* R4b: without a position only a read in the slot can say what is news. */
static ScOrder
judge_unordered(const Question *question)
{
	const ScShadowField *shadow = question->shadow;

	/* The first word about a record makes it known, and it is read as well; see note_arrival in decide.c. */
	if (question->in_slot || (question->link->fresh && shadow->held.state == SC_VALUE_UNKNOWN &&
							  shadow->nwrites == 0 && shadow->nunconfirmed == 0))
		return judge_current(question, "R4b");
	if (is_held(question))
		return verdict(SC_VERDICT_NOTHING, "R4b");
	if (question->statement->actor_is_us || !sc_order_can_be_read(question->link))
		for (int i = shadow->nwrites - 1; i >= 0; i--)
			if (is_ours(question, &shadow->writes[i]))
				return verdict(SC_VERDICT_ECHO, "R4b");
	/* What cannot be read is taken as it comes: the only other way would be never. */
	if (!sc_order_can_be_read(question->link))
		return judge_current(question, "R4b");
	return verdict(SC_VERDICT_UNSURE, "R4b");
}

bool
sc_order_can_be_read(const ScLink *link)
{
	return sc_conf_operation(link->system->connector, link->record_type, "read", 1) != NULL;
}

/* R4c; and a slot read from a replica that lags behind what we were told. */
static bool
judge_past(const Question *question, ScOrder *order)
{
	const ScShadowField *shadow = question->shadow;
	int64 p = question->position.at;

	if (question->statement->kind == SC_STATEMENT_READ && shadow->known_at.known &&
		p < shadow->known_at.at)
	{
		*order = verdict(is_held(question) ? SC_VERDICT_NOTHING : SC_VERDICT_READ_AGAIN, "R4f");
		return true;
	}
	if (!shadow->changed_at.known)
		return false;
	if (p < shadow->changed_at.at ||
		(question->grade == SC_GRADE_COUNTER && p == shadow->changed_at.at))
	{
		*order = verdict(is_held(question) ? SC_VERDICT_NOTHING : SC_VERDICT_STALE, "R4c");
		return true;
	}
	return false;
}

/* R4d: the position of one of our own writes. */
static bool
judge_tie(const Question *question, ScOrder *order)
{
	const ScShadowField *shadow = question->shadow;
	int earliest = -1;

	if (question->grade != SC_GRADE_COUNTER && question->in_slot)
		return false;
	for (int i = 0; i < shadow->nwrites; i++)
	{
		const ScWrite *write = &shadow->writes[i];

		if (!write->at.known || write->at.at != question->position.at)
			continue;
		if (question->grade == SC_GRADE_COUNTER || is_ours(question, write) ||
			was_found_as(question, write))
		{
			*order = verdict(SC_VERDICT_ECHO, "R4d");
			return true;
		}
		if (earliest < 0)
			earliest = i;
	}
	if (earliest < 0)
		return false;
	*order = verdict(is_held(question) ? SC_VERDICT_NOTHING : SC_VERDICT_UNSURE, "R4d");
	if (order->verdict == SC_VERDICT_UNSURE)
		order->write = earliest;
	return true;
}

/* R4e: a write of ours came later; the earliest of those is the one that may have overwritten it. */
static bool
judge_earlier(const Question *question, ScOrder *order)
{
	const ScShadowField *shadow = question->shadow;
	int earliest = -1;

	for (int i = 0; i < shadow->nwrites; i++)
	{
		const ScWrite *write = &shadow->writes[i];

		if (!write->at.known || write->at.at <= question->position.at)
			continue;
		if (earliest < 0 || write->at.at < shadow->writes[earliest].at.at)
			earliest = i;
	}
	if (earliest < 0)
		return false;
	*order = judge_against(question, earliest);
	return true;
}

static ScOrder
judge_against(const Question *question, int index)
{
	const ScWrite *write = &question->shadow->writes[index];
	const ScStatement *statement = question->statement;
	int64 p = question->position.at;
	ScOrder order;

	if (write->before_known_at.known)
	{
		int64 known_at = write->before_known_at.at;

		if (p < known_at || (p == known_at && question->grade == SC_GRADE_COUNTER))
			return verdict(is_held(question) ? SC_VERDICT_NOTHING : SC_VERDICT_STALE, "R4e");
		if (p == known_at && was_held(write->were, write->nwere, &question->said->external) &&
			!sc_order_same(question->said->map, &question->said->external, &write->before_held))
			return verdict(SC_VERDICT_STALE, "R4e");
	}
	/* A record told whole shows our write beside the name of whoever wrote something else since. */
	if (!write->exact && is_ours(question, write) &&
		(statement->actor_is_us || statement->actor_kind == SC_ACTOR_UNKNOWN ||
		 sc_model_is_whole(statement)))
		return verdict(SC_VERDICT_ECHO, "R4e");

	order = verdict(SC_VERDICT_ECHO, "R4e");
	order.write = index;
	order.unconfirmed = statement->actor_kind == SC_ACTOR_HUMAN ? -1 : find_unconfirmed(question);
	if (order.unconfirmed >= 0)
		return order;
	order.verdict =
		sc_order_same(question->said->map, &question->said->external, &write->before_held)
			? SC_VERDICT_NOTHING
			: SC_VERDICT_RACED;
	return order;
}

/* R4f, R4g, R4h: no write of ours is concerned. */
static ScOrder
judge_latest(const Question *question)
{
	const ScShadowField *shadow = question->shadow;
	int64 p = question->position.at;

	if (shadow->known_at.known && p < shadow->known_at.at)
		return verdict(is_held(question) ? SC_VERDICT_NOTHING : SC_VERDICT_STALE, "R4f");
	if (shadow->known_at.known && p == shadow->known_at.at &&
		shadow->held.state != SC_VALUE_UNKNOWN && !is_held(question))
	{
		if (question->grade == SC_GRADE_COUNTER)
			return verdict(SC_VERDICT_STALE, "R4g");
		if (!question->in_slot)
			return verdict(SC_VERDICT_UNSURE, "R4g");
		if (question->link->call.heard)
			return verdict(SC_VERDICT_READ_AGAIN, "R4g");
		return judge_current(question, "R4g");
	}
	return judge_current(question, "R4h");
}

/* Current: the first line of R5. */
static ScOrder
judge_current(const Question *question, const char *rule)
{
	ScOrder order;

	if (is_held(question))
		return verdict(SC_VERDICT_NOTHING, rule);
	order = verdict(SC_VERDICT_LANDED, "R5");
	order.unconfirmed =
		question->statement->actor_kind == SC_ACTOR_HUMAN ? -1 : find_unconfirmed(question);
	if (order.unconfirmed >= 0)
		return order;
	return verdict(SC_VERDICT_CURRENT, rule);
}

static bool
was_held(const ScValue *were, int nwere, const ScValue *value)
{
	for (int i = 0; i < nwere; i++)
		if (sc_value_equal(&were[i], value))
			return true;
	return false;
}
