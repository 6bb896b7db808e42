/*
 * survey.h
 *	  What the records of a system look like: the members that they have, of
 *	  which type, and which mapped ones have vanished (record_path).
 *
 * Nothing that was seen within the last minute costs more than a look into a
 * table of hashes.  What is new is noted in the batch and stored with it.
 */
#ifndef SC_STORE_SURVEY_H
#define SC_STORE_SURVEY_H

#include "core/model.h"

#define SC_SURVEY_MEMBERS_MAX 500 /* of one object that are looked at */

/* Which objects inside a record have members of interest: those that several maps lead through. */
extern void sc_survey_prepare(ScRecordMap *map);

/* Notes in the batch what was not seen lately.  record: as the product gave it; NULL = there is none. */
extern void sc_survey_look(ScBatch *batch, const ScStatement *statement, Jsonb *record);

/* Stores what was noted.  Called by sc_save. */
extern void sc_survey_save(ScBatch *batch);

/* Everything is looked at anew: the configuration has changed. */
extern void sc_survey_forget(void);

#endif
