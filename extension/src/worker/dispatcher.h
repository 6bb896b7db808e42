/*
 * dispatcher.h
 *	  One worker that calls other systems: what its parts share.
 *
 * A call is in exactly one state and on exactly one list, and holds its shard
 * and its place in the system's limit from claim to record.
 */
#ifndef SC_WORKER_DISPATCHER_H
#define SC_WORKER_DISPATCHER_H

#include "postgres.h"

#include "core/call.h"
#include "lib/ilist.h"
#include "net/auth.h"
#include "net/http.h"
#include "utils/hsearch.h"
#include "worker/base.h"

#define SC_CLAIM_PIECE 16
#define SC_RECORD_PIECE 16
#define SC_RECORD_AFTER_US 4000
#define SC_SYSTEM_IN_FLIGHT_DEFAULT 32

typedef struct ScPeer /* a system as the dispatcher knows it; refreshed at every claim */
{
	int32 system_id;	 /* hash key */
	int32 connection_id; /* lowest system id of its connection: the key of its limits */
	char *name;
	char *base_url;
	char *ca_file;
	char *integration_actor;
	bool may_send; /* active, its space not paused */
	bool allow_http;
	bool allow_private;
	double max_rate;
	int max_in_flight;
	bool has_credential;
	ScCredential credential; /* the row; the secret itself is read when it is used */
	MemoryContext cxt;		 /* of the strings above; another one at each refresh */
	int64 low_water;		 /* claims go on from here */
	TimestampTz next_at;	 /* nothing is claimed before, unless its circuit closes meanwhile */
	uint32 closings;		 /* of its limits, when next_at was set */
	bool silent;			 /* it cannot be asked now: no call of this turn will leave */
	TimestampTz unread_at;	 /* when to decide next what waits for its silence */
	bool credential_bad;	 /* and told of in an alert */
	bool breaker_told;		 /* open, and told of in an alert */
} ScPeer;

typedef enum ScCallState
{
	SC_CALL_MOVING,	 /* between two steps, inside one function */
	SC_CALL_PACED,	 /* its next request waits for a token */
	SC_CALL_FLYING,	 /* libcurl has it */
	SC_CALL_FINISHED /* waits to be recorded */
} ScCallState;

struct ScJobRun;
struct ScFetch;

typedef struct ScCarried /* one call, of a delivery, of a job, or for an object that records name */
{
	dlist_node node; /* in ScDispatcher.calls */
	ScCallState state;
	MemoryContext cxt; /* the plan's, or the job's */
	ScCallPlan *plan;  /* NULL: of a job, or a fetch */
	struct ScJobRun *job;
	struct ScFetch *fetch;
	ScRequest *request; /* to send next */
	int32 peer_id;
	int32 connection_id;
	int shard;
	bool holds_place; /* in the limits of its connection */
	bool
		reached; /* its last request was answered below 500 and not with 429; true before the first */
	bool answered; /* the same, but false before the first */
	int64 retry_after_us;
	TimestampTz finished_at;
	int record_tries;
} ScCarried;

typedef struct ScDispatcher
{
	ScWorkerSlot *slot;
	ScHttp *http;
	MemoryContext cxt;		/* of the process */
	MemoryContext turn_cxt; /* reset each turn */
	WaitEventSet *events;
	HTAB *peers;	  /* ScPeer by system id */
	dlist_head calls; /* all of them */
	int ncalls;
	int nfinished;
	bool woken; /* somebody committed work */

	bool owned[SC_SHARDS];	/* we hold its advisory lock */
	bool wanted[SC_SHARDS]; /* our share */
	bool stale[SC_SHARDS];	/* marks in it must be adopted before claims */
	int busy[SC_SHARDS];	/* calls of ours in flight there */
	uint32 membership;		/* of shared memory, when wanted was computed */
	bool shares_missing;	/* a wanted shard is still another's */
	TimestampTz shares_at;	/* when to look next */

	bool may_send;			 /* instance proved, syncore.enabled */
	bool instance_ok;		 /* as last proved */
	TimestampTz instance_at; /* when to prove it again */
	TimestampTz survey_at;	 /* when to look for work unasked */
	TimestampTz claim_at;	 /* claims rest until then */
	TimestampTz fetch_at;	 /* when to look next for objects that records name */
	TimestampTz record_at;	 /* records rest until then, after an error */
	int failures;			 /* turns in a row that ended in an error */
	bool careful;			 /* record one by one: a piece failed */
	TimestampTz pace_at;	 /* when a paced call may go on; 0 = none waits */
	int32 reserved_id;		 /* connection in whose limits places were taken for a claim … */
	int reserved;			 /* … that no call holds yet; given back at an error and at exit */
	uint32 next_peer;		 /* where the last round of claims ended */
} ScDispatcher;

/* dispatch_shard.c: which part of the queue is ours. */
extern void sc_dispatch_share(ScDispatcher *d);
extern void sc_dispatch_release_shares(ScDispatcher *d);

/* dispatch_claim.c: what is due. */
extern void sc_dispatch_claim(ScDispatcher *d);

/* dispatch_peer.c: who is called, how, and how fast; in a transaction.  NULL = no such system. */
extern ScPeer *sc_dispatch_peer(ScDispatcher *d, const ScConf *conf, int32 system_id);
extern bool sc_dispatch_credential_works(ScDispatcher *d, ScPeer *peer);
extern void sc_dispatch_watch_breaker(ScPeer *peer);
extern bool sc_dispatch_rests(ScPeer *peer, TimestampTz now);
extern bool sc_dispatch_is_open(const ScPeer *peer); /* its circuit */
extern int sc_dispatch_reserve(ScDispatcher *d, ScPeer *peer, int wanted, int64 *wait_us);
extern void sc_dispatch_unreserve(ScDispatcher *d);

/* dispatch_call.c: a call from its first request to its outcome; no transaction is open. */
extern ScCarried *sc_dispatch_carry(ScDispatcher *d, MemoryContext cxt, ScPeer *peer);
extern void sc_dispatch_advance(ScDispatcher *d, ScCarried *call);
extern void sc_dispatch_take_answers(ScDispatcher *d);
extern void sc_dispatch_resume_paced(ScDispatcher *d);
extern void sc_dispatch_drop(ScDispatcher *d, ScCarried *call);
extern void
sc_dispatch_drop_lost(ScDispatcher *d); /* after an error: calls that were between two steps */
extern void sc_dispatch_give_places_back(ScDispatcher *d); /* at exit */

/* dispatch_record.c: outcomes into the tables. */
extern bool sc_dispatch_record_is_due(ScDispatcher *d, TimestampTz now);
extern void sc_dispatch_record(ScDispatcher *d);

/* instance.c: may this database send at all?  In a transaction.  *reason: why not. */
extern bool sc_instance_may_send(bool make_token, char **reason);

/* job.c */
extern void sc_job_start_next(ScDispatcher *d); /* for the owner of shard 0 */
extern void sc_job_answer(ScDispatcher *d, ScCarried *call, const ScResponse *response);
extern void sc_job_finish(ScDispatcher *d, ScCarried *call); /* in a transaction */
extern void sc_job_adopt(void); /* jobs that another process left; in a transaction */

/* fetch.c: the same three, for objects that records name. */
extern void sc_fetch_start(ScDispatcher *d); /* for the owner of shard 0 */
extern void sc_fetch_answer(ScCarried *call, const ScResponse *response);
extern void sc_fetch_finish(const ScCarried *call); /* in a transaction */

#endif
