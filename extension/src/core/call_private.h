/*
 * call_private.h
 *	  What the parts of call.c share: the flow of a plan through its steps, and
 *	  the judgement of one answer.
 */
#ifndef SC_CORE_CALL_PRIVATE_H
#define SC_CORE_CALL_PRIVATE_H

#include "core/call.h"

typedef enum ScStep /* one request of a call; named like its operation */
{
	SC_STEP_FIND,		  /* next: FIND (a further page), or the outcome */
	SC_STEP_CREATE,		  /* next: READ (read back), or the outcome */
	SC_STEP_UPDATE,		  /* next: READ (read back, or second look), or the outcome */
	SC_STEP_TRANSITIONS,  /* next: TRANSITION, READ (second look), or the outcome */
	SC_STEP_TRANSITION,	  /* next: READ, or the outcome */
	SC_STEP_COMMENT,	  /* next: COMMENTS (to learn its id), READ (second look), or the outcome */
	SC_STEP_COMMENT_EDIT, /* next: READ (second look), or the outcome */
	SC_STEP_COMMENT_DELETE, /* next: READ (second look), or the outcome */
	SC_STEP_COMMENTS,		/* next: READ (second look), or the outcome */
	SC_STEP_DELETE,			/* next: the outcome */
	SC_STEP_READ			/* next: READ (second look), or the outcome */
} ScStep;

typedef struct ScCallFlow /* a plan on its way; ScCallPlan.private_data */
{
	ScStep step;				  /* of the pending request */
	const ScOperation *operation; /* of the pending request */
	Jsonb *context;				  /* the plan's, with what was learnt on the way */
	Jsonb *pending;				  /* the write document of the pending request, or NULL */
	bool acknowledged;			  /* a write was proved: what follows can no longer make it fail */
	bool missed;				  /* a 404 or 410 was seen: a second look is under way */
	int missed_status;
} ScCallFlow;

typedef enum ScAnswerKind
{
	SC_ANSWER_OK,		/* success code and proof */
	SC_ANSWER_NOT_SENT, /* nothing left */
	SC_ANSWER_LOST,		/* bytes went out, no answer came */
	SC_ANSWER_BROKEN,	/* 408, 500, 502, 504: it may have happened all the same */
	SC_ANSWER_UNPROVEN, /* a success code without what the operation declares as proof */
	SC_ANSWER_BUSY,		/* 425, 429, 503 and other 5xx: it did not happen; later */
	SC_ANSWER_DENIED,	/* 401, 403 */
	SC_ANSWER_MISSING,	/* 404, 410 */
	SC_ANSWER_REFUSED,	/* 409, 412: somebody else was there */
	SC_ANSWER_WRONG		/* everything else: the same request will fail again */
} ScAnswerKind;

typedef struct ScAnswer
{
	ScAnswerKind kind;
	Jsonb *body;   /* parsed; NULL when it is no JSON */
	char *code;	   /* "429", "lost", … */
	char *message; /* one line, bounded, of what the peer says */
} ScAnswer;

#define SC_ANSWER_MESSAGE_MAX 500

/* call_request.c */
extern ScRequest *sc_call_build(const ScSystem *system, const ScOperation *operation,
								Jsonb *context, Jsonb *write, const char **problem);
extern bool sc_call_is_write(const char *operation);

/* call_answer.c */
extern ScAnswer sc_call_judge(const ScSystem *system, const ScOperation *operation,
							  const ScResponse *response);
extern char *sc_call_source(const ScOperation *operation, const char *key, Jsonb *from);
extern Jsonb *sc_call_part(const ScOperation *operation, const char *key, Jsonb *body);

#endif
