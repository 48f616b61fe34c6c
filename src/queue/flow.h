/* SPDX-License-Identifier: MIT */
/*
 * The flow of jobs: what API and worker ask of queue and store, and the one place that knows in which order
 * the two are written. Embedded, both are SQLite and share one commit; distributed, they are Redis and
 * MongoDB.
 *
 * Durable means: after the next power cut it is still there. A submit is answered when the job is durable;
 * running may begin earlier. Every accepted job reaches exactly one terminal result.
 *
 * All calls and callbacks are on the event loop's thread. A callback never runs inside the call it belongs
 * to, unless said so, and may call back into the flow. Results and submissions are reference-counted: a
 * callback's argument is borrowed, take a reference to keep it.
 */
#ifndef QUEUE_FLOW_H
#define QUEUE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "job/job.h"

struct event_base;
struct flow;
struct store;
struct submission_policy;
struct flow_watch;
struct flow_take;
struct lease;
struct queue_worker; /* queue/workers.h */

struct flow_options {
	const char *data_dir;
	int64_t max_queue;     /* waiting jobs; more are refused with ERR_BUSY */
	int64_t result_ttl_ms; /* finished jobs are removed after it */
	int attempts_max;      /* takes of one job; then it ends as internal_error */
};

/* Opens queue and store in SQLite under data_dir (which exists and is ours): migrates the schema, checks
 * integrity after an unclean stop, voids all leases of an earlier process. Blocks: for start-up only. */
struct flow *flow_open_sqlite(struct event_base *base, const struct flow_options *options, struct err *e);

/* The distributed pair: the queue in Redis as BullMQ has it, rows in a store that all processes share. */
struct flow_redis_options {
	const char *url;	   /* redis://… */
	const char *prefix, *name; /* of the queue's keys: "bull", "code_submission" */
	struct store *store;	   /* the flow's from now on; it is closed even when this fails */
	int64_t max_queue;
	int64_t result_ttl_ms;
	int attempts_max;
	size_t inline_max; /* bytes of each output that BullMQ's own clients get to see */
	bool takes;	   /* flow_take will be called: this process has a worker */
	bool serves;	   /* this process has an API: it hears of every job's end */
	unsigned slots;	   /* of the worker, for others to see */
	/* Borrowed: how submissions of other producers are read. */
	const struct submission_policy *policy;
	/* An API without a worker: called with what the live workers can run, once a second. `versions` has
	 * an entry per language of the policy's table: NULL when nobody has it, "" when the version is
	 * unknown. May be NULL.
	 */
	void (*languages)(const char *const *versions, void *arg);
	void *arg;
	/* How long a lease lasts without renewal, between sweeps for jobs whose lease has run out, and
	 * between comparisons of store and queue; 0: 30 s, 30 s, 60 s. */
	int64_t lock_ms, stalled_ms, reconcile_ms;
};

/* Connects in the background, however long that takes; until then flow_ready says why. Fails only for a URL
 * that cannot be used. */
struct flow *flow_open_redis(struct event_base *base, const struct flow_redis_options *options,
			     struct err *e);

/* The worker's languages are known now, or have changed: others are told. Embedded, nothing. */
void flow_publish(struct flow *f);
/* The worker asks for no more jobs: others see it drain and need not count on it. Embedded, nothing. */
void flow_retire(struct flow *f);

/* Whether the text could be the id of a job here: ours, or distributed that of another producer. */
bool flow_is_id(const struct flow *f, const char *id);

/* Stops the threads after everything handed over is durable, and closes. Pending callbacks are run first. No
 * lease, take or watch may be left. */
void flow_close(struct flow *f);

/* ---- the API's side ---- */

/* `e` is NULL on success. */
typedef void flow_done_fn(const struct err *e, void *arg);

/*
 * Accepts a submission with id and created_ms set; takes its own reference. -1 at once with ERR_BUSY (queue
 * full), ERR_TOO_MANY (its owner has its share of it) or ERR_DISK_FULL; otherwise `done` is called once, when
 * it is durable or could not be made so. After an error the job will not run to a stored result.
 */
int flow_submit(struct flow *f, struct submission *s, flow_done_fn *done, void *arg, struct err *e);

/* What is known of a job. */
struct job_view {
	enum job_state state;
	int64_t created_ms;
	int64_t position;      /* JOB_QUEUED: jobs before it, counted from 0; -1 when not known */
	struct result *result; /* JOB_FINISHED; borrowed */
};

/* `view` is NULL when there is no such job (e NULL) or the store failed (e set). */
typedef void flow_get_fn(const struct job_view *view, const struct err *e, void *arg);
void flow_get(struct flow *f, const char *id, flow_get_fn *fn, void *arg);

/* Tells once, right after the job's terminal result has become durable. Then the watch is gone. To miss
 * nothing: watch first, then flow_get. */
typedef void flow_watch_fn(struct result *r, void *arg);
struct flow_watch *flow_watch(struct flow *f, const char *id, flow_watch_fn *fn, void *arg);
/* Removes a watch that has not told yet and sets the pointer to NULL; NULL is fine. */
void flow_unwatch(struct flow_watch **w);

/* What DELETE came to. */
enum flow_removal {
	FLOW_NO_SUCH_JOB,
	FLOW_CANCELLED, /* it waited and will not run, or it runs and is being killed; it ends as cancelled */
	FLOW_REMOVED,	/* it was finished; its data is gone */
};
typedef void flow_remove_fn(enum flow_removal what, const struct err *e, void *arg);
void flow_remove(struct flow *f, const char *id, flow_remove_fn *fn, void *arg);

struct flow_counts {
	int64_t queued;
	int64_t running;
	int64_t oldest_queued_ms; /* created_ms of the oldest waiting job; 0 when none waits */
	/* Distributed, where there is an API: live workers that take jobs, and their slots; -1: not counted
	 * here. */
	int64_t workers, worker_slots;
	/* Distributed: jobs of the whole queue whose end was heard of since the start, as BullMQ counts them.
	 */
	int64_t heard_completed, heard_failed;
};
void flow_counts(struct flow *f, struct flow_counts *ret_counts);

/* All workers of the queue, also those that died a short time ago. Borrowed until the next turn of the loop.
 * Embedded, *ret is NULL: the worker is this process's. -1 with why they cannot be known now. */
int flow_workers(struct flow *f, const struct queue_worker **ret, size_t *ret_n, struct err *e);

/* Whether submits are refused right now, and why: for /readyz. 0, or -1 with the reason. */
int flow_ready(struct flow *f, struct err *e);

/* Calls `fn` for each terminal result of this process once it is durable: for metrics. One observer. */
void flow_observe(struct flow *f, flow_watch_fn *fn, void *arg);

/* ---- the worker's side ---- */

/* A job this process may run. The lease is renewed by the flow until it is finished or given back. */
struct lease {
	struct submission *submission; /* borrowed from the lease */
	int attempt;		       /* counted from 1 */
	int64_t started_ms;	       /* wall clock of the take */
};

/* Asks for one job. `fn` is called when there is one; none is handed out while nothing can be stored, for its
 * result could only be kept in memory. Jobs come oldest first. */
typedef void flow_take_fn(struct lease *l, void *arg);
struct flow_take *flow_take(struct flow *f, flow_take_fn *fn, void *arg);
/* Withdraws the question and sets the pointer to NULL; NULL is fine. */
void flow_take_cancel(struct flow_take **t);

/* `fn` is called when someone cancels the job while the lease is held (at most once; also when the lease is
 * lost to another worker): kill it, then finish it as cancelled. */
typedef void flow_cancel_fn(void *arg);
void flow_on_cancel(struct lease *l, flow_cancel_fn *fn, void *arg);

/*
 * Ends the job with its result and ends the lease. The flow takes its own reference and keeps the result
 * until it is durable (a full disk holds it back, meanwhile submits get ERR_DISK_FULL). If the job was
 * cancelled before, the caller's result still counts when its verdict is cancelled, else it is replaced by a
 * cancelled one.
 */
void flow_finish(struct lease *l, struct result *r);

/* Puts the job back to the front of the queue; consumes no attempt when `blameless` (a shutdown, a spawner
 * that died before the program started), else the attempt counts and the last one ends it as internal_error
 * with `reason`. Ends the lease. */
void flow_give_back(struct lease *l, bool blameless, const char *reason);

/* Calls `fn` when nothing handed over so far is waiting to become durable: the last step of a shutdown. */
void flow_drain(struct flow *f, flow_done_fn *fn, void *arg);

#endif
