/*
 * answer.h
 *	  Answers of a peer, written as JSON:
 *	  {"status": 200, "body": {…} | "text", "headers": {…}}, {"lost": "why"}, {"not_sent": "why"}
 */
#ifndef SYNCORE_TEST_ANSWER_H
#define SYNCORE_TEST_ANSWER_H

#include "lib/stringinfo.h"

#include "core/call.h"

extern ScResponse *answer_make(Jsonb *answer);
extern void answer_say_request(StringInfo out, const ScRequest *request);
extern void answer_say_outcome(StringInfo out, const ScCallPlan *plan);

#endif
