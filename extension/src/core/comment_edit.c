/*
 * comment_edit.c
 *	  What becomes of a comment later: it is edited or deleted where it was
 *	  written, and its copies follow.
 *
 * Where a product has a call for it the copy is edited or deleted; where it
 * has none, a correction is written, a comment of its own.  A comment follows
 * the place where it was written: what somebody does to a copy stays there.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "core/call.h"
#include "core/decide_private.h"
#include "core/mention.h"

static bool is_newer(const ScCommentIn *comment, const ScCopy *origin);
static void follow(ScBatch *batch, ScLink *link, const ScStatement *statement,
				   const ScCommentIn *comment, const ScCopy *origin);
static bool follow_at(ScLink *target, ScCopy *copy, const ScCopy *origin);
static void put_correction(ScBatch *batch, ScLink *link, const ScStatement *statement,
						   const ScCopy *origin, ScCommentOut *out);
static ScCopy *find_copy_of(const ScLink *link, int64 comment);
static void name(StringInfo names, const ScLink *link);

void
sc_decide_comment_edit(ScBatch *batch, ScLink *link, const ScStatement *statement,
					   const ScCommentIn *comment, ScCopy *origin)
{
	const ScCommentMap *map = sc_decide_channel(link->map, origin->channel);
	bool deleted = statement->kind == SC_STATEMENT_COMMENT_DELETE;
	bool narrower = comment->narrowed > origin->visibility;
	ScLedgerEntry *entry;

	if (origin->gone || (!deleted && !narrower &&
						 (comment->body == NULL || strcmp(comment->body, origin->body) == 0 ||
						  TIMESTAMP_IS_NOBEGIN(comment->edited_at))))
		return;
	if (!deleted && !is_newer(comment, origin))
	{
		entry = sc_decide_note(batch, SC_LEDGER_STALE, link, statement, NULL);
		entry->rule = "comment_edit";
		entry->reason = psprintf("a later text of the comment at %s is known", link->system->name);
		return;
	}
	/* Fewer people may see it than it was shared with: no setting keeps the copies. */
	if (!narrower && (!sc_decide_channel_takes(map) || !map->edits))
	{
		entry = sc_decide_note(batch, SC_LEDGER_OUT_OF_SCOPE, link, statement, NULL);
		entry->rule = deleted ? "comment_delete" : "comment_edit";
		entry->reason = psprintf("edits and deletes of comments in %s of %s are not taken: the "
								 "copies stay as they are",
								 origin->channel, link->system->name);
		return;
	}
	origin->rewritten = true;
	if (deleted || narrower)
		origin->gone = true;
	else
		origin->body = comment->body;
	if (!TIMESTAMP_IS_NOBEGIN(comment->edited_at) && !deleted)
		origin->edited_at = comment->edited_at;
	link->changed = true;
	follow(batch, link, statement, comment, origin);
}

static bool
is_newer(const ScCommentIn *comment, const ScCopy *origin)
{
	return comment->edited_at > Max(origin->written_at, origin->edited_at);
}

/* Tells every copy; one row says where it goes and how. */
static void
follow(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScCommentIn *comment,
	   const ScCopy *origin)
{
	bool deleted = statement->kind == SC_STATEMENT_COMMENT_DELETE;
	ScLedgerEntry *entry = sc_decide_note(batch, SC_LEDGER_COMMENT, link, statement, NULL);
	ScCommentOut *out = palloc0(sizeof(ScCommentOut));
	StringInfoData followed;
	StringInfoData corrected;

	initStringInfo(&followed);
	initStringInfo(&corrected);
	for (int i = 0; i < list_length(link->entity->links); i++)
	{
		ScLink *target = list_nth(link->entity->links, i);
		ScCopy *copy = target == link ? NULL : find_copy_of(target, origin->comment);
		const ScCommentMap *map =
			copy == NULL ? NULL : sc_decide_channel(target->map, copy->channel);

		if (map == NULL || (!map->edits && comment->narrowed <= origin->visibility) ||
			copy->state == SC_COPY_DEAD || copy->state == SC_COPY_DELETED ||
			!sc_merge_takes_part(target))
			continue;
		if (follow_at(target, copy, origin))
			name(&followed, target);
		else
		{
			name(&corrected, target);
			out->targets = lappend(out->targets, target);
			out->channels = lappend(out->channels, copy->channel);
		}
		target->due = true;
		target->changed = true;
	}
	if (out->targets != NIL)
		put_correction(batch, link, statement, origin, out);
	entry->rule = origin->gone ? "comment_delete" : "comment_edit";
	entry->reason = psprintf(
		"a comment was %s at %s%s%s%s%s%s",
		deleted		   ? "deleted"
		: origin->gone ? "restricted to fewer people"
					   : "edited",
		link->system->name, followed.len > 0 ? "; its copies follow at " : "", followed.data,
		corrected.len > 0 ? "; a correction is written where none can be changed: " : "",
		corrected.data, followed.len + corrected.len > 0 ? "" : "; no copy of it is to follow");
}

/* False when the product has no call to change a comment that it has. */
static bool
follow_at(ScLink *target, ScCopy *copy, const ScCopy *origin)
{
	const char *operation = origin->gone ? "comment_delete" : "comment_edit";

	/* Not sent yet: it is sent as it reads now, or not at all. */
	if (copy->state == SC_COPY_DUE && copy->external_id == NULL)
		return true;
	if (sc_call_comment_row(target->system->connector, target->record_type, operation,
							&(ScChannel){ copy->channel, NULL }) == NULL)
		return false;
	copy->stale = true;
	copy->changed = true;
	if (copy->state == SC_COPY_DONE)
		sc_decide_copied(target, copy, false);
	return true;
}

/* A comment of its own, by whoever changed the first one.  What was taken back is not repeated. */
static void
put_correction(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScCopy *origin,
			   ScCommentOut *out)
{
	ScCommentIn *comment = palloc0(sizeof(ScCommentIn));
	char *when = pstrdup(timestamptz_to_str(origin->written_at));

	comment->channel = origin->channel;
	comment->author = statement->actor;
	comment->body = origin->gone
						? psprintf("The comment of %s was deleted in %s.", when, link->system->name)
						: psprintf("Correction of the comment of %s:\n\n%s", when, origin->body);
	comment->written_at = batch->now;
	comment->edited_at = DT_NOBEGIN;
	out->entity = link->entity;
	out->link = link;
	out->visibility = origin->visibility;
	out->comment = comment;
	out->author_kind = statement->actor_kind;
	out->event = statement->event;
	out->corrects = origin->comment;
	batch->comments = lappend(batch->comments, out);
}

/* The copy is at the system as it was sent; what changed meanwhile is due. */
void
sc_decide_copied(ScLink *link, ScCopy *copy, bool gone)
{
	copy->state = gone										 ? SC_COPY_DELETED
				  : copy->stale && copy->external_id != NULL ? SC_COPY_DUE
															 : SC_COPY_DONE;
	link->due = link->due || copy->state == SC_COPY_DUE;
	copy->changed = true;
	link->changed = true;
}

/* Somebody, or we, deleted our copy. */
void
sc_decide_copy_deleted(ScBatch *batch, ScLink *link, const ScStatement *statement, ScCopy *copy)
{
	bool ours =
		statement->actor_is_us || copy->state == SC_COPY_DELETED ||
		(link->call.comment == copy->comment && link->call.comment_step == SC_COMMENT_DELETE);
	ScLedgerEntry *entry =
		sc_decide_note(batch, ours ? SC_LEDGER_ECHO : SC_LEDGER_COMMENT, link, statement, NULL);

	entry->rule = ours ? "echo:comment" : "comment_delete";
	entry->reason =
		ours ? psprintf("the comment was deleted at %s by us", link->system->name)
			 : psprintf("the copy of a comment was deleted at %s; the comment stays where it was "
						"written",
						link->system->name);
	if (copy->state == SC_COPY_DONE || copy->state == SC_COPY_DUE)
	{
		copy->state = SC_COPY_DELETED;
		copy->changed = true;
		link->changed = true;
	}
}

/* Somebody edited our copy: told, and left alone until the comment itself is edited. */
bool
sc_decide_copy_edited(ScBatch *batch, ScLink *link, const ScStatement *statement,
					  const ScCommentIn *comment, const ScCopy *copy)
{
	ScValue said = sc_value_text(sc_mention_fold(comment->body == NULL ? "" : comment->body));
	ScValue sent =
		copy->sent_body == NULL ? SC_UNKNOWN : sc_value_text(sc_mention_fold(copy->sent_body));
	ScLedgerEntry *entry;

	if (statement->actor_is_us || copy->sent_body == NULL ||
		comment->edited_at <= comment->written_at || sc_value_equal_loosely(&said, &sent))
		return false;
	entry = sc_decide_note(batch, SC_LEDGER_OUT_OF_SCOPE, link, statement, NULL);
	entry->rule = "comment_edit";
	entry->reason = psprintf("the copy of a comment was edited at %s; a comment follows the place "
							 "where it was written",
							 link->system->name);
	return true;
}

static ScCopy *
find_copy_of(const ScLink *link, int64 comment)
{
	for (int i = 0; i < list_length(link->copies); i++)
		if (((ScCopy *) list_nth(link->copies, i))->comment == comment)
			return list_nth(link->copies, i);
	return NULL;
}

static void
name(StringInfo names, const ScLink *link)
{
	appendStringInfo(names, "%s%s", names->len > 0 ? ", " : "", link->system->name);
}
