/*
 * job.h
 *	  A job under way, for the files that know one kind of job each.
 */
#ifndef SC_WORKER_JOB_H
#define SC_WORKER_JOB_H

#include "worker/dispatcher.h"

#define SC_JOB_ITEMS_MAX 32

typedef struct ScFinding /* one line of a check's result */
{
	const char *name;
	bool ok;
	char *detail;
	char *hint; /* NULL = none */
} ScFinding;

typedef struct ScJobRun
{
	int64 id;
	int32 system_id;
	bool registers; /* register_webhook; else check_system */
	char *system_name;
	const ScSystem *system;
	ScConf *conf;			/* pinned */
	int at;					/* the operation that is being called */
	bool complete;			/* the operations that are left need not be called */
	const char *error_code; /* NULL = the job is done */
	char *error;
	char *hint;

	int nitems;
	ScFinding items[SC_JOB_ITEMS_MAX];
	char *actor; /* as whom we are known there */
	bool has_clock;
	double clock_s;	 /* its clock minus ours */
	bool clock_told; /* it is among the items */

	char *hook_url;		  /* where webhooks are to come to */
	char *hook_reference; /* where the secret of their signatures is */
	char *hook_id;		  /* what the product calls the registration */
	bool hook_was_there;
	char *secret_body; /* a request's body that holds the secret; NULL = none */
	size_t secret_body_len;
} ScJobRun;

/* job.c */
extern const ScOperation *sc_job_operation(const ScJobRun *run);
extern bool sc_job_is_success(const ScOperation *operation, int status);
extern void sc_job_fail(ScJobRun *run, const char *code, char *error, char *hint);

/* job_webhook.c; prepare in a transaction, in the job's memory context. */
extern void sc_job_webhook_prepare(ScJobRun *run);
extern ScRequest *sc_job_webhook_request(ScJobRun *run, const ScOperation *operation);
extern void sc_job_webhook_answer(ScJobRun *run, const ScOperation *operation,
								  const ScResponse *response);
extern Jsonb *sc_job_webhook_result(const ScJobRun *run);

#endif
