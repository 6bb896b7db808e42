/*
 * comment.c
 *	  Comments: append-only children that are copied to where a row of
 *	  comment_map says so, and nowhere else.
 *
 * A copy comes back as a comment of its own.  It is known by the id that the
 * system gave it or, before that id was recorded, by its text.  What is
 * private never leaves; a visibility goes only to channels of the same name.
 */
#include "postgres.h"

#include "core/decide_private.h"

static const ScCommentMap *find_channel(const ScRecordMap *map, const char *channel);
static ScCopy *find_by_id(const ScLink *link, const ScCommentIn *comment);
static ScCopy *find_by_text(const ScLink *link, const ScCommentIn *comment);
static void decide_one(ScBatch *batch, ScLink *link, const ScStatement *statement,
					   ScCommentIn *comment);
static void take_echo(ScBatch *batch, ScLink *link, const ScStatement *statement,
					  const ScCommentIn *comment, ScCopy *copy);
static void take_new(ScBatch *batch, ScLink *link, const ScStatement *statement,
					 ScCommentIn *comment, const ScCommentMap *map);
static bool is_announced(const ScBatch *batch, const ScLink *link, const ScCommentIn *comment);

void
sc_decide_comments(ScBatch *batch, ScLink *link, const ScStatement *statement)
{
	for (int i = 0; i < statement->ncomments; i++)
		decide_one(batch, link, statement, &statement->comments[i]);
}

static void
decide_one(ScBatch *batch, ScLink *link, const ScStatement *statement, ScCommentIn *comment)
{
	const ScCommentMap *map = find_channel(link->map, comment->channel);
	ScCopy *copy = find_by_id(link, comment);
	ScLedgerEntry *entry;

	if (statement->kind == SC_STATEMENT_COMMENT_DELETE)
	{
		if (copy == NULL)
			return;
		entry = sc_decide_note(batch, SC_LEDGER_COMMENT, link, statement, NULL);
		entry->rule = "comment_delete";
		entry->reason = psprintf("a comment was deleted at %s; its copies stay where they are",
								 link->system->name);
		return;
	}
	if (copy != NULL && copy->state == SC_COPY_ORIGIN)
		return;
	if (copy == NULL)
		copy = find_by_text(link, comment);
	if (copy != NULL)
	{
		take_echo(batch, link, statement, comment, copy);
		return;
	}
	if (is_announced(batch, link, comment))
		return;
	if (map != NULL && map->visibility != SC_VISIBILITY_PRIVATE &&
		(map->direction == SC_DIRECTION_IN || map->direction == SC_DIRECTION_BOTH))
	{
		take_new(batch, link, statement, comment, map);
		return;
	}
	entry = sc_decide_note(batch, SC_LEDGER_OUT_OF_SCOPE, link, statement, NULL);
	entry->rule = "comment_map";
	entry->reason =
		map != NULL && map->visibility == SC_VISIBILITY_PRIVATE
			? psprintf("a comment in %s of %s is private and stays there", comment->channel,
					   link->system->name)
			: psprintf("a comment in %s of %s is not shared: no row of comment_map takes it in",
					   comment->channel, link->system->name);
}

static const ScCommentMap *
find_channel(const ScRecordMap *map, const char *channel)
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
	ScValue body = sc_value_text(comment->body);

	for (int i = 0; i < list_length(link->copies); i++)
	{
		ScCopy *copy = list_nth(link->copies, i);
		ScValue sent;

		if (copy->state == SC_COPY_ORIGIN || copy->state == SC_COPY_DEAD ||
			copy->state == SC_COPY_DELETED || copy->external_id != NULL ||
			copy->sent_body == NULL || strcmp(copy->channel, comment->channel) != 0)
			continue;
		sent = sc_value_text(copy->sent_body);
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
		copy->changed = true;
		link->changed = true;
	}
	entry = sc_decide_note(batch, SC_LEDGER_ECHO, link, statement, NULL);
	entry->rule = "echo:comment";
	entry->reason =
		psprintf("the comment at %s is the copy that we wrote there", link->system->name);
}

static void
take_new(ScBatch *batch, ScLink *link, const ScStatement *statement, ScCommentIn *comment,
		 const ScCommentMap *map)
{
	ScCommentOut *out = palloc0(sizeof(ScCommentOut));
	ScLedgerEntry *entry = sc_decide_note(batch, SC_LEDGER_COMMENT, link, statement, NULL);
	StringInfoData names;

	out->entity = link->entity;
	out->link = link;
	out->visibility = map->visibility;
	out->comment = comment;
	out->author_kind = statement->actor_kind;
	out->event = statement->event;
	initStringInfo(&names);
	for (int i = 0; i < list_length(link->entity->links); i++)
	{
		ScLink *target = list_nth(link->entity->links, i);
		const char *channel = target == link || !sc_merge_takes_part(target)
								  ? NULL
								  : sc_decide_comment_channel(target, map->visibility);

		if (channel == NULL)
			continue;
		out->targets = lappend(out->targets, target);
		out->channels = lappend(out->channels, pstrdup(channel));
		target->due = true;
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", target->system->name);
	}
	batch->comments = lappend(batch->comments, out);
	entry->rule = "comment_map";
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
static bool
is_announced(const ScBatch *batch, const ScLink *link, const ScCommentIn *comment)
{
	for (int i = 0; comment->external_id != NULL && i < list_length(batch->comments); i++)
	{
		ScCommentOut *out = list_nth(batch->comments, i);

		if (out->link == link && out->comment->external_id != NULL &&
			strcmp(out->comment->external_id, comment->external_id) == 0 &&
			strcmp(out->comment->channel, comment->channel) == 0)
			return true;
	}
	return false;
}
