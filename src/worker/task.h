/* SPDX-License-Identifier: MIT */
/*
 * One job on its way through its steps:
 *
 *   asks -> waits -> compiling -> waits -> running -> finished        a language with a compile step
 *        ------------------------> waits -> running -> finished        it was compiled before
 *                                  waits -> running -> finished        without
 *
 * "Asks" is for the compile cache, where there is one. "Waits" is for a free slot and mostly takes no time.
 * From every state it may end as finished (a result, whatever its verdict) or as lost (no result: the job
 * goes back to the queue).
 *
 * Knows no queue and no lease: that is the worker's part.
 */
#ifndef WORKER_TASK_H
#define WORKER_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "executor/executor.h"
#include "job/job.h"
#include "lang/lang.h"

struct cache;
struct precompile;
struct task;

struct task_job {
	struct cache *cache;	       /* NULL: none */
	struct precompile *precompile; /* NULL: none */
	const struct lang *lang;       /* NULL: the table has no such language */
	struct submission *submission; /* the task takes its own reference */
	int attempt;
	int64_t started_ms; /* wall clock */
};

struct task_end {
	struct result *result; /* borrowed; NULL: lost */
	bool blameless;	       /* lost: the program cannot have been the cause, or was stopped by task_stop */
	const char *reason;    /* lost: a sentence */
};

/* Once; the task is gone when it returns. */
typedef void task_done_fn(const struct task_end *end, void *arg);

/* Starts nothing yet. `job->lang` and the executor are borrowed. NULL when memory is short. */
struct task *task_new(struct executor *x, const struct task_job *job, task_done_fn *done, void *arg);
/* For one whose end nobody waits for; its run must be gone already (executor_free). NULL is fine. */
void task_free(struct task *t);

/* Starts the step that waits, if the executor has room; harmless otherwise. Call it after task_new and
 * whenever the executor's capacity has changed. `done` may be called inside. */
void task_go(struct task *t);
/* Whether it runs nothing. */
bool task_is_idle(const struct task *t);
/* Whether a free slot is all it lacks. */
bool task_is_waiting(const struct task *t);

/* Kills what runs; the task ends as finished, with the verdict cancelled. `done` may be called inside. */
void task_cancel(struct task *t);
/* Kills what runs; the task ends as lost without blame, unless it came to its end before. `done` may be
 * called inside. */
void task_stop(struct task *t);

#endif
