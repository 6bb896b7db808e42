/*
 * comment.c
 *	  Comments: children that are copied to where a row of comment_map says
 *	  so, and nowhere else.  What becomes of them later: comment_edit.c.
 *
 * A copy comes back as a comment of its own.  It is known by the id that the
 * system gave it or, before that id was recorded, by its text.  What is
 * private never leaves; a visibility goes only to channels of the same name.
 */
#include "postgres.h"

#include "core/decide_private.h"
#include "core/mention.h"

static ScCopy *find_by_id(const ScLink *link, const ScCommentIn *comment);
static ScCopy *find_by_text(const ScLink *link, const ScCommentIn *comment);
static void decide_one(ScBatch *batch, ScLink *link, const ScStatement *statement,
					   ScCommentIn *comment);
static void take_echo(ScBatch *batch, ScLink *link, const ScStatement *statement,
					  const ScCommentIn *comment, ScCopy *copy);
static void take_new(ScBatch *batch, ScLink *link, const ScStatement *statement,
					 ScCommentIn *comment, ScVisibility visibility);
static void leave(ScBatch *batch, ScLink *link, const ScStatement *statement,
				  const ScCommentIn *comment, const ScCommentMap *map);
static ScCommentOut *find_announced(const ScBatch *batch, const ScLink *link,
									const ScCommentIn *comment);
static void rewrite_announced(ScCommentOut *out, const ScCommentIn *comment, bool deleted);

void
sc_decide_comments(ScBatch *batch, ScLink *link, const ScStatement *statement)
{
	for (int i = 0; i < statement->ncomments; i++)
	{
		ScCommentIn *comment = &statement->comments[i];

		if (comment->body != NULL && !comment->kept)
			comment->body =
				sc_mention_keep(&(ScMentionCxt){ batch->conf, link->system->id }, comment->body);
		comment->kept = true;
		decide_one(batch, link, statement, comment);
	}
}

static void
decide_one(ScBatch *batch, ScLink *link, const ScStatement *statement, ScCommentIn *comment)
{
	const ScCommentMap *map = sc_decide_channel(link->map, comment->channel);
	ScCopy *copy = find_by_id(link, comment);
	bool deleted = statement->kind == SC_STATEMENT_COMMENT_DELETE;
	ScCommentOut *announced = find_announced(batch, link, comment);
	ScVisibility visibility =
		map == NULL ? SC_VISIBILITY_PRIVATE : Max(map->visibility, comment->narrowed);

	if (copy != NULL && copy->state == SC_COPY_ORIGIN)
		sc_decide_comment_edit(batch, link, statement, comment, copy);
	else if (announced != NULL)
		rewrite_announced(announced, comment, deleted);
	else if (copy != NULL && deleted)
		sc_decide_copy_deleted(batch, link, statement, copy);
	else if (copy != NULL || (!deleted && (copy = find_by_text(link, comment)) != NULL))
		take_echo(batch, link, statement, comment, copy);
	else if (visibility != SC_VISIBILITY_PRIVATE && sc_decide_channel_takes(map))
		take_new(batch, link, statement, comment, visibility);
	else if (!deleted)
		leave(batch, link, statement, comment, map);
}

/* Not shared: told once. */
static void
leave(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScCommentIn *comment,
	  const ScCommentMap *map)
{
	ScLedgerEntry *entry = sc_decide_note(batch, SC_LEDGER_OUT_OF_SCOPE, link, statement, NULL);

	entry->rule = "comment_map";
	if (map != NULL && map->visibility == SC_VISIBILITY_PRIVATE)
		entry->reason = psprintf("a comment in %s of %s is private and stays there",
								 comment->channel, link->system->name);
	else if (comment->narrowed == SC_VISIBILITY_PRIVATE)
		entry->reason = psprintf("a comment in %s of %s is restricted to some of those who see the "
								 "record, and stays there",
								 comment->channel, link->system->name);
	else
		entry->reason =
			psprintf("a comment in %s of %s is not shared: no row of comment_map takes it in",
					 comment->channel, link->system->name);
}

bool
sc_decide_channel_takes(const ScCommentMap *map)
{
	return map != NULL &&
		   (map->direction == SC_DIRECTION_IN || map->direction == SC_DIRECTION_BOTH);
}

const ScCommentMap *
sc_decide_channel(const ScRecordMap *map, const char *channel)
{
	for (int i = 0; map != NULL && channel != NULL && i < map->ncomments; i++)
		if (strcmp(map->comments[i].channel, channel) == 0)
			return &map->comments[i];
	return NULL;
}

static ScCopy *
find_by_id(const ScLink *link, const ScCommentIn *comment)
{
	for (int i = 0; comment->external_id != NULL && i < list_length(link->copies); i++)
	{
		ScCopy *copy = list_nth(link->copies, i);

		if (copy->external_id != NULL && strcmp(copy->external_id, comment->external_id) == 0 &&
			(comment->channel == NULL || strcmp(copy->channel, comment->channel) == 0))
			return copy;
	}
	return NULL;
}

/*
 * A copy whose id we have not been told: it is on its way, or it was taken and
 * the id could not be looked up, or it was refused by a product that had taken
 * it all the same.  One comment answers for one copy.
 */
static ScCopy *
find_by_text(const ScLink *link, const ScCommentIn *comment)
{
	ScValue body = sc_value_text(sc_mention_fold(comment->body));

	for (int i = 0; i < list_length(link->copies); i++)
	{
		ScCopy *copy = list_nth(link->copies, i);
		ScValue sent;

		if (copy->state == SC_COPY_ORIGIN || copy->state == SC_COPY_DEAD ||
			copy->state == SC_COPY_DELETED || copy->external_id != NULL ||
			copy->sent_body == NULL || strcmp(copy->channel, comment->channel) != 0)
			continue;
		sent = sc_value_text(sc_mention_fold(copy->sent_body));
		if (sc_value_equal(&sent, &body) || sc_value_equal_loosely(&sent, &body))
			return copy;
	}
	return NULL;
}

static void
take_echo(ScBatch *batch, ScLink *link, const ScStatement *statement, const ScCommentIn *comment,
		  ScCopy *copy)
{
	ScLedgerEntry *entry;

	if (copy->external_id == NULL && comment->external_id != NULL)
	{
		copy->external_id = comment->external_id;
		copy->state = copy->state == SC_COPY_DUE ? SC_COPY_DONE : copy->state;
		if (copy->state == SC_COPY_DONE)
			sc_decide_copied(link, copy, false);
		copy->changed = true;
		link->changed = true;
	}
	if (sc_decide_copy_edited(batch, link, statement, comment, copy))
		return;
	entry = sc_decide_note(batch, SC_LEDGER_ECHO, link, statement, NULL);
	entry->rule = "echo:comment";
	entry->reason =
		psprintf("the comment at %s is the copy that we wrote there", link->system->name);
}

static void
take_new(ScBatch *batch, ScLink *link, const ScStatement *statement, ScCommentIn *comment,
		 ScVisibility visibility)
{
	bool gone = statement->kind == SC_STATEMENT_COMMENT_DELETE;
	ScCommentOut *out = palloc0(sizeof(ScCommentOut));
	ScLedgerEntry *entry = sc_decide_note(batch, SC_LEDGER_COMMENT, link, statement, NULL);
	StringInfoData names;

	out->entity = link->entity;
	out->link = link;
	out->visibility = visibility;
	out->comment = comment;
	out->author_kind = statement->actor_kind;
	out->event = statement->event;
	out->gone = gone;
	if (comment->body == NULL)
		comment->body = pstrdup("");
	initStringInfo(&names);
	for (int i = 0; !gone && i < list_length(link->entity->links); i++)
	{
		ScLink *target = list_nth(link->entity->links, i);
		const char *channel = target == link || !sc_merge_takes_part(target)
								  ? NULL
								  : sc_decide_comment_channel(target, visibility);

		if (channel == NULL)
			continue;
		out->targets = lappend(out->targets, target);
		out->channels = lappend(out->channels, pstrdup(channel));
		target->due = true;
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", target->system->name);
	}
	batch->comments = lappend(batch->comments, out);
	entry->rule = gone ? "comment_delete" : "comment_map";
	if (gone)
	{
		entry->reason =
			psprintf("a comment was deleted at %s before it was heard of; it goes nowhere",
					 link->system->name);
		return;
	}
	entry->actor = comment->author != NULL ? comment->author : entry->actor;
	entry->reason = names.len > 0 ? psprintf("a comment written at %s in %s goes to %s",
											 link->system->name, comment->channel, names.data)
								  : psprintf("a comment written at %s in %s is kept; no other "
											 "record takes comments of its visibility",
											 link->system->name, comment->channel);
}

const char *
sc_decide_comment_channel(const ScLink *link, ScVisibility visibility)
{
	for (int i = 0; i < link->map->ncomments; i++)
	{
		const ScCommentMap *map = &link->map->comments[i];

		if (map->visibility == visibility && map->visibility != SC_VISIBILITY_PRIVATE &&
			(map->direction == SC_DIRECTION_OUT || map->direction == SC_DIRECTION_BOTH))
			return map->channel;
	}
	return NULL;
}

/* Two events of one statement may tell of the same comment. */
static ScCommentOut *
find_announced(const ScBatch *batch, const ScLink *link, const ScCommentIn *comment)
{
	for (int i = 0; comment->external_id != NULL && i < list_length(batch->comments); i++)
	{
		ScCommentOut *out = list_nth(batch->comments, i);

		if (out->link == link && out->comment->external_id != NULL &&
			strcmp(out->comment->external_id, comment->external_id) == 0 &&
			(comment->channel == NULL || strcmp(out->comment->channel, comment->channel) == 0))
			return out;
	}
	return NULL;
}

/* It is not stored yet: what the later event says is what is stored. */
static void
rewrite_announced(ScCommentOut *out, const ScCommentIn *comment, bool deleted)
{
	if (deleted || comment->narrowed > out->visibility)
	{
		out->gone = true;
		out->targets = NIL;
		out->channels = NIL;
	}
	else if (comment->edited_at > Max(out->comment->edited_at, out->comment->written_at))
	{
		out->comment->body = comment->body;
		out->comment->edited_at = comment->edited_at;
	}
}
