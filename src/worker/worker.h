/* SPDX-License-Identifier: MIT */
/*
 * The worker: takes jobs from the flow, runs their steps through an executor, and hands each one's result
 * back. It probes the languages first and takes no job before they are known.
 *
 * It asks for a job only while the executor could start one at once, so that a job waits in the queue, where
 * another worker may take it, and not here. A run that is lost without an answer makes it pause before it
 * asks again, longer each time: a broken executor must not spin through the queue.
 *
 * On the event loop's thread.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdint.h>

#include "base/err.h"
#include "executor/executor.h"
#include "lang/lang.h"
#include "queue/flow.h"

struct cache;
struct event_base;
struct precompile;
struct worker;

struct worker_options {
	struct cache *cache;	       /* of compiled programs; NULL: none */
	struct precompile *precompile; /* of headers; NULL: none */
	unsigned concurrency;	       /* jobs at once, at least 1 */
	/* All languages are probed: the table's `available` and `version` are set, and the first job is being
	 * asked for. May be NULL. */
	void (*probed)(void *arg);
	void *arg;
};

/*
 * Starts probing. All arguments are borrowed; flow and table outlive the worker. It becomes the executor's
 * capacity listener. NULL only when memory is short.
 */
struct worker *worker_new(struct event_base *base, struct flow *flow, struct executor *executor,
			  struct lang_table *langs, const struct worker_options *options, struct err *e);

/* NULL is fine. Leases still held are given back, without blame. Free the executor before: a run in flight
 * would tell a worker that is gone. */
void worker_free(struct worker *w);

/* How many jobs it holds. */
unsigned worker_running(const struct worker *w);

/*
 * Shutdown: asks for no more jobs, gives back those that run nothing yet, and lets the others end. Those that
 * still run `deadline_ms` from now are killed and given back without blame; with WORKER_NO_DEADLINE, none is.
 * Then calls `done` once, never inside this call.
 */
#define WORKER_NO_DEADLINE (-1)
void worker_drain(struct worker *w, int64_t deadline_ms, void (*done)(void *arg), void *arg);
/* Sets another deadline for a drain that has begun. Nothing when it has ended. */
void worker_hurry(struct worker *w, int64_t deadline_ms);

#endif
