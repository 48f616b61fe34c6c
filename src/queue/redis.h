/* SPDX-License-Identifier: MIT */
/*
 * The distributed queue: BullMQ's layout in Redis, so that any BullMQ producer, worker or board can share it
 * (docs/distributed.md). Knows queue and leases; results and rows are the flow's.
 *
 * Connections: one for commands, and each on its own because it blocks: the wait for the next job, the stream
 * of events, the channel of cancellations. What must happen (the end of a lease) is kept and tried again
 * while Redis is away or refuses writes; everything else fails at once with ERR_BUSY.
 */
#ifndef QUEUE_REDIS_H
#define QUEUE_REDIS_H

#include "job/submission.h"
#include "queue/queue.h"
#include "queue/workers.h"

struct event_base;
struct redis_queue;

/* What happened to jobs elsewhere. */
struct redis_listener {
	/* A job has ended, whoever ended it. */
	void (*ended)(const char *id, void *arg);
	/* Events may have been missed: whoever waits should look. */
	void (*missed)(void *arg);
	/* Somebody wants the end of a job that is leased here. */
	void (*cancelled)(const char *id, void *arg);
	/* The lease is another's now: what its run brings does not count. */
	void (*lost)(const char *id, void *arg);
	/* The languages that live workers have: `versions[i]` belongs to langs->langs[i] and is NULL where no
	 * worker has it, "" where the version is unknown. */
	void (*languages)(const char *const *versions, void *arg);
	void *arg;
};

struct redis_options {
	const char *url;
	const char *prefix, *name; /* "bull", "code_submission" */
	int64_t result_ttl_ms;	   /* for ended jobs whose producer does not say */
	int64_t max_queue;
	int attempts_max;  /* starts of a job, however they ended; a producer may ask for more */
	size_t inline_max; /* bytes of each output that go into returnvalue */
	bool takes;	   /* a worker: fetches, renews, sweeps the stalled */
	bool serves;	   /* an API: listens to events and workers */
	/* The languages, by which data is read and written; `available` and `version` of a worker are
	 * published. */
	const struct submission_policy *policy;
	unsigned slots;		     /* of the worker, to be published */
	int64_t lock_ms, stalled_ms; /* 0: 30 s each */
};

/* Connects in the background. All of `o` but the texts is borrowed; the listener is copied. -1 with a
 * sentence about the URL. */
struct redis_queue *redis_open(struct event_base *base, const struct redis_options *o,
			       const struct redis_listener *l, struct err *e);
/* Its ops: close, take, take_cancel, enqueue (which ends well when the job is there already), position,
 * waiting, oldest_ms. */
struct queue *redis_queue_of(struct redis_queue *q);

int64_t redis_active(const struct redis_queue *q);
/* 0, or -1 with why nothing can be queued right now. */
int redis_ready(const struct redis_queue *q, struct err *e);

/* ---- a lease of this process; each ends it but the first ---- */

/* Whether a failed attempt would be followed by another. */
bool redis_attempts_left(const struct redis_queue *q, const char *id);
/* Ends the job with its row's result. Kept until Redis has it, or says that the lease is another's. */
void redis_finish(struct redis_queue *q, const char *id, const struct result *r, queue_done_fn *done,
		  void *arg);
/* The attempt failed: the next one follows after the producer's backoff. */
void redis_retry(struct redis_queue *q, const char *id, const char *reason);
/* Back to the front, or behind `delay_ms`; no attempt is consumed. */
void redis_give_back(struct redis_queue *q, const char *id, int64_t delay_ms);
/* Whether an end of a lease is still on its way. */
bool redis_busy(const struct redis_queue *q);

/* ---- any job ---- */

/* A leased job with `again` has begun: its row is a new one. */
void redis_begun(struct redis_queue *q, const char *id);

/* `n`: 1 done, 0 not possible in its state, 2 as the call says. */
typedef void redis_did_fn(int n, const struct err *e, void *arg);
/* Takes a waiting job out: it ends as failed with the result's sentence. 0: it does not wait. */
void redis_withdraw(struct redis_queue *q, const struct result *r, redis_did_fn *fn, void *arg);
/* Tells the worker that runs it. 0: it does not run; 2: its worker is of another kind and does not listen. */
void redis_cancel(struct redis_queue *q, const char *id, redis_did_fn *fn, void *arg);
/* Removes an ended job. */
void redis_forget(struct redis_queue *q, const char *id, redis_did_fn *fn, void *arg);

enum redis_where { REDIS_WAITS, REDIS_RUNS, REDIS_ENDED, REDIS_MISSING };
struct redis_place {
	enum redis_where where;
	int64_t position; /* REDIS_WAITS: jobs in front, or QUEUE_FAR_BEHIND */
	int64_t created_ms;
	bool again; /* it had ended, and somebody had it retried: what is known of its end is of before */
};
typedef void redis_where_fn(const struct redis_place *place, const struct err *e, void *arg);
void redis_where(struct redis_queue *q, const char *id, redis_where_fn *fn, void *arg);
/* The same of many, without positions (a job that waits or runs is REDIS_WAITS). */
typedef void redis_states_fn(const enum redis_where *states, int n, const struct err *e, void *arg);
void redis_states(struct redis_queue *q, const char *const *ids, int n, redis_states_fn *fn, void *arg);

/* How a job ended, as a result; NULL when it has not, or is gone. Borrowed. */
typedef void redis_outcome_fn(struct result *r, const struct err *e, void *arg);
void redis_outcome(struct redis_queue *q, const char *id, redis_outcome_fn *fn, void *arg);

/* How many jobs ended as completed and as failed, of those that were heard of since the start. */
void redis_ended(const struct redis_queue *q, int64_t *ret_completed, int64_t *ret_failed);

/* What this worker has to publish changed. */
void redis_publish(struct redis_queue *q);
/* The worker takes no more jobs: the others see it draining and no longer count on its languages. */
void redis_retire(struct redis_queue *q);
/* The worker ends: the others forget it. Nothing when there is none. */
void redis_leave(struct redis_queue *q);
/* The workers of the queue, at most a second ago. Borrowed until the next turn of the loop. -1 with why they
 * cannot be known. For who serves. */
int redis_workers(const struct redis_queue *q, const struct queue_worker **ret, size_t *ret_n, struct err *e);

/* Ends all connections; every callback that is due is called, with an error. Whether there was any. */
bool redis_stop(struct redis_queue *q);

#endif
