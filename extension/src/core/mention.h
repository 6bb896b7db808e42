/*
 * mention.h
 *	  People who are mentioned in a comment.
 *
 * In a text that was just read, a mention stands between control characters
 * that no other text holds, with the account it names.  In a comment as it is
 * kept it is a link, [@name](mention:person), where identity_map knows who that
 * is, else the name alone.  In what is sent it is spelt as the product spells a
 * mention of its own account of that person, else the name alone.
 */
#ifndef SC_CORE_MENTION_H
#define SC_CORE_MENTION_H

#include "lib/stringinfo.h"

#include "core/conf.h"

#define SC_MENTION_SCHEME "mention:"

typedef struct ScMentionCxt /* whose accounts */
{
	const ScConf *conf;
	int32 system_id;
} ScMentionCxt;

/* Appends a mention to a text that is being read; name NULL: the product gives none. */
extern void sc_mention_put(StringInfo out, const char *id, const char *name);
/* Takes the characters out that only sc_mention_put may write; in place. */
extern char *sc_mention_clean(char *text);
/* Marks what reads like sign: "@{id}", "[~accountid:{id}]". */
extern char *sc_mention_find(const char *text, const char *sign);

/* A text that was read: names alone; or as it is kept. */
extern char *sc_mention_names(const char *text);
extern char *sc_mention_keep(const ScMentionCxt *cxt, const char *text);

/* A kept text for a system; without the ability, and for who has no account there, names alone. */
extern char *sc_mention_tell(const ScMentionCxt *cxt, const char *text, bool able);
/* The same with accounts in place of persons, for sc_richtext_to_adf_mentions. */
extern char *sc_mention_accounts(const ScMentionCxt *cxt, const char *text);
/* As accounts, each spelt as sign says; around: what turns the text between into the product's spelling, or NULL. */
extern char *sc_mention_spell(const ScMentionCxt *cxt, const char *text, const char *sign,
							  const char *spelling);

/* What two texts with the same mentions share, however a product names the people. */
extern char *sc_mention_fold(const char *text);

/* The account or person of a link [@name](mention:…), as it was before it was written into one. */
extern char *sc_mention_target(const char *href);

#endif
