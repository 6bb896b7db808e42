/*
 * outcome.c
 *	  What the outcome of a call does to its link (R13-R17, R21).
 *
 * A lost answer is neither yes nor no: the record is read, and the read
 * decides.  What then becomes of the fields of a write is said in landing.c.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/say.h"

static void take_ok(ScBatch *batch, ScLink *link, const ScOutcome *outcome);
static void take_write(ScBatch *batch, ScLink *link, const ScOutcome *outcome);
static void take_created(ScBatch *batch, ScLink *link, const ScOutcome *outcome);
static void take_comment(ScBatch *batch, ScLink *link, const ScOutcome *outcome);
static void take_read(ScBatch *batch, ScLink *link, const ScStatement *body);
static void take_unknown(ScBatch *batch, ScLink *link, const ScOutcome *outcome);
static void take_failed(ScBatch *batch, ScLink *link, const ScOutcome *outcome);
static void take_not_found(ScBatch *batch, ScLink *link, const ScOutcome *outcome);
static void give_up_waiting(ScBatch *batch, ScLink *link, const ScOutcome *outcome);
static ScCopy *find_copy(const ScLink *link, int64 comment);
static void set_copy(ScLink *link, ScCopy *copy, ScCopyState state);

void
sc_decide_outcome(ScBatch *batch, ScLink *link, const ScOutcome *outcome)
{
	link->changed = true;
	link->whole = true;
	switch (outcome->kind)
	{
		case SC_OUTCOME_OK:
			take_ok(batch, link, outcome);
			break;
		case SC_OUTCOME_UNKNOWN:
			take_unknown(batch, link, outcome);
			break;
		case SC_OUTCOME_REFUSED:
		case SC_OUTCOME_FAILED:
			take_failed(batch, link, outcome);
			break;
		case SC_OUTCOME_GONE:
			sc_decide_gone(batch, link, NULL);
			break;
		case SC_OUTCOME_NOT_FOUND:
			take_not_found(batch, link, outcome);
			break;
	}
	if (link->call.kind == SC_CALL_NONE)
		sc_decide_give_replay(link);
}

static void
take_ok(ScBatch *batch, ScLink *link, const ScOutcome *outcome)
{
	bool lost = link->call.unknown;

	switch (link->call.kind)
	{
		case SC_CALL_CREATE:
			take_created(batch, link, outcome);
			break;
		case SC_CALL_UPDATE:
			if (lost && outcome->body != NULL)
				sc_decide_settle_lost(batch, link, outcome->body);
			else
				take_write(batch, link, outcome);
			break;
		case SC_CALL_COMMENT:
			take_comment(batch, link, outcome);
			break;
		case SC_CALL_DELETE:
			sc_decide_end_call(link);
			if (!lost || outcome->body == NULL)
				sc_decide_gone(batch, link, NULL);
			break;
		case SC_CALL_READ:
			if (outcome->body != NULL)
				take_read(batch, link, outcome->body);
			sc_decide_end_call(link);
			break;
		case SC_CALL_NONE:
			/* R17: a call that we gave up. */
			break;
	}
}

/*
 * R14: an acknowledged write.  Without body and position it is proved but not
 * shown: until the record was read nobody knows what the system made of it, nor
 * whether what was heard meanwhile was said before it or after it.
 */
static void
take_write(ScBatch *batch, ScLink *link, const ScOutcome *outcome)
{
	ScCall call = link->call;

	if (outcome->body == NULL && !outcome->position.known && sc_order_can_be_read(link))
	{
		link->call.unknown = true;
		link->call.landed = true;
		link->read_owed = true;
		return;
	}
	for (int i = 0; i < call.nfields; i++)
		sc_decide_land(batch, link, outcome, &call.fields[i]);
	if (outcome->body == NULL)
		link->read_owed = link->read_owed || !outcome->position.known;
	else
	{
		if (call.kind == SC_CALL_CREATE)
			sc_decide_baseline(batch, link, outcome->body, &call);
		sc_decide_fields(batch, link, outcome->body, &call);
		sc_decide_keys(link, outcome->body);
	}
	sc_decide_end_call(link);
}

static void
take_created(ScBatch *batch, ScLink *link, const ScOutcome *outcome)
{
	ScLedgerEntry *entry;
	bool found = link->call.unknown;
	bool told = link->call.landed;

	/* A record that was heard of first may have been read and found to be ours: then its id is known. */
	if (outcome->external_id == NULL && (link->external_id == NULL || outcome->body == NULL))
	{
		take_unknown(batch, link, outcome);
		return;
	}
	if (outcome->external_id != NULL)
		link->external_id = outcome->external_id;
	if (outcome->external_key != NULL)
		link->external_key = outcome->external_key;
	if (outcome->url != NULL)
		link->url = outcome->url;
	if (link->state == SC_LINK_CREATING)
		link->state = SC_LINK_ACTIVE;
	if (told)
	{
		link->read_owed = false;
		take_write(batch, link, outcome);
		return;
	}
	entry = sc_model_note(batch, found ? SC_LEDGER_LANDED : SC_LEDGER_LINK, link->entity, link);
	entry->delivery = outcome->delivery;
	entry->rule = "create";
	entry->reason = psprintf(found ? "%s %s is at %s: the create whose answer was lost had landed"
								   : "%s %s was created at %s",
							 link->record_type,
							 link->external_key != NULL ? link->external_key : link->external_id,
							 link->system->name);
	take_write(batch, link, outcome);
}

/* Found by a look-up or acknowledged, it is there; a look-up that read the comments and names none did not find it. */
static void
take_comment(ScBatch *batch, ScLink *link, const ScOutcome *outcome)
{
	ScCopy *copy = find_copy(link, link->call.comment);
	ScLedgerEntry *entry = sc_model_note(batch, SC_LEDGER_CONFIRM, link->entity, link);

	entry->delivery = outcome->delivery;
	entry->rule = "comment";
	entry->reason = psprintf("the comment is at %s", link->system->name);
	if (outcome->comment_gone)
		entry->reason = psprintf("the copy of the comment was deleted at %s; nothing is left to "
								 "follow",
								 link->system->name);
	else if (link->call.comment_step == SC_COMMENT_DELETE)
		entry->reason = psprintf("the comment is no longer at %s", link->system->name);
	if (copy != NULL)
	{
		if (outcome->comment_id != NULL)
			copy->external_id = outcome->comment_id;
		sc_decide_copied(link, copy,
						 outcome->comment_gone || link->call.comment_step == SC_COMMENT_DELETE);
	}
	sc_decide_end_call(link);
}

/* A read in the slot.  Fields that cannot be read are left as they are; the rest is taken. */
static void
take_read(ScBatch *batch, ScLink *link, const ScStatement *body)
{
	link->read_owed = false;
	sc_decide_keys(link, body);
	if (link->entity != NULL)
	{
		sc_decide_fields(batch, link, body, NULL);
		sc_decide_comments(batch, link, body);
	}
	/* A replica that lags has settled nothing. */
	link->read_taken = !link->read_owed;
}

/* R15: nothing more is written before the record is read or looked up. */
static void
take_unknown(ScBatch *batch, ScLink *link, const ScOutcome *outcome)
{
	ScLedgerEntry *entry;
	ScCopy *copy;

	if (link->call.kind == SC_CALL_READ || link->call.kind == SC_CALL_NONE)
	{
		if (!link->call.unknown)
			sc_decide_end_call(link);
		link->read_owed = true;
		return;
	}
	if (link->call.unknown)
	{
		give_up_waiting(batch, link, outcome);
		return;
	}
	link->call.unknown = true;
	link->read_owed = link->call.kind != SC_CALL_CREATE;
	copy = link->call.kind == SC_CALL_COMMENT ? find_copy(link, link->call.comment) : NULL;
	if (copy != NULL)
		set_copy(link, copy,
				 copy->external_id == NULL || link->call.comment_step != SC_COMMENT_WRITE
					 ? SC_COPY_UNKNOWN
					 : SC_COPY_DONE);
	entry = sc_model_note(batch, SC_LEDGER_UNKNOWN, link->entity, link);
	entry->delivery = outcome->delivery;
	entry->rule = "R15";
	entry->reason = psprintf("the answer of %s was lost%s%s: whether it took what we wrote is "
							 "looked up before anything else is sent",
							 link->system->name, outcome->error == NULL ? "" : ": ",
							 outcome->error == NULL ? "" : outcome->error);
}

/* It did not happen.  R16: refused because the record had moved: it is read and judged first. */
static void
take_failed(ScBatch *batch, ScLink *link, const ScOutcome *outcome)
{
	bool refused = outcome->kind == SC_OUTCOME_REFUSED;
	ScLedgerEntry *entry = sc_model_note(batch, SC_LEDGER_FAIL, link->entity, link);
	ScCopy *copy = find_copy(link, link->call.comment);

	entry->delivery = outcome->delivery;
	entry->rule = outcome->error_code;
	entry->reason = refused ? psprintf("%s refused the write because the record had changed there: "
									   "it is read before anything else is sent",
									   link->system->name)
							: psprintf("the call to %s failed%s%s", link->system->name,
									   outcome->error == NULL ? "" : ": ",
									   outcome->error == NULL ? "" : outcome->error);
	link->read_owed = link->read_owed || refused;
	if (link->call.unknown)
	{
		give_up_waiting(batch, link, outcome);
		return;
	}
	if (copy != NULL)
		set_copy(link, copy, SC_COPY_DUE);
	for (int i = 0; i < link->call.nfields; i++)
		sc_order_not_landed(sc_shadow_get(&link->shadow, link->call.fields[i].field),
							&link->call.fields[i]);
	sc_decide_end_call(link);
}

/* R21: a look-up that finds nothing proves nothing until the record would have shown. */
static void
take_not_found(ScBatch *batch, ScLink *link, const ScOutcome *outcome)
{
	const ScConnector *connector = link->system->connector;
	TimestampTz first_at = link->call.first_at != 0 ? link->call.first_at : link->call.at;
	ScCopy *copy = find_copy(link, link->call.comment);
	ScLedgerEntry *entry;

	/* A record that was told of while it was looked up is there, whatever the search says: it is read. */
	if (link->call.kind == SC_CALL_NONE ||
		(link->call.kind == SC_CALL_CREATE && link->external_id != NULL))
		return;
	if (link->call.kind == SC_CALL_CREATE && batch->now < first_at + SC_DECIDE_PATIENCE_US +
															  connector->late_landing_us +
															  connector->index_lag_us)
		return;
	entry = sc_model_note(batch, SC_LEDGER_REPEATED, link->entity, link);
	entry->delivery = outcome->delivery;
	entry->rule = "repeated_after_unknown";
	entry->reason = psprintf("nothing of the call whose answer was lost is at %s: it is made again",
							 link->system->name);
	if (copy != NULL)
		set_copy(link, copy, SC_COPY_DUE);
	sc_decide_end_call(link);
	link->read_owed = false;
}

/*
 * R3: the outcome cannot be had, because the record could not be read for as
 * long as a landing may take, or will not be read any more.  What waits is
 * decided as overwritten by that write; the write stays unknown.
 */
static void
give_up_waiting(ScBatch *batch, ScLink *link, const ScOutcome *outcome)
{
	TimestampTz until = link->call.at + sc_decide_patience(link->system);

	if (link->call.kind != SC_CALL_UPDATE || (batch->now <= until && !outcome->last))
		return;
	link->call.unreadable = true;
	link->replay = list_concat(link->replay, link->waiting);
	link->waiting = NIL;
}

int64
sc_decide_patience(const ScSystem *system)
{
	return SC_DECIDE_PATIENCE_US + system->connector->late_landing_us;
}

void
sc_decide_end_call(ScLink *link)
{
	memset(&link->call, 0, sizeof(ScCall));
}

void
sc_decide_give_replay(ScLink *link)
{
	link->replay = list_concat(link->replay, link->waiting);
	link->waiting = NIL;
	if (!link->read_taken)
		return;
	link->replay = list_concat(link->replay, link->unsure);
	link->unsure = NIL;
}

static ScCopy *
find_copy(const ScLink *link, int64 comment)
{
	for (int i = 0; comment != 0 && i < list_length(link->copies); i++)
		if (((ScCopy *) list_nth(link->copies, i))->comment == comment)
			return list_nth(link->copies, i);
	return NULL;
}

static void
set_copy(ScLink *link, ScCopy *copy, ScCopyState state)
{
	copy->state = state;
	copy->changed = true;
	link->changed = true;
}
