/* SPDX-License-Identifier: MIT */
/*
 * Which languages this worker can run, and in which version: found by running each one's version command in a
 * slot, exactly where its programs will run. One that cannot be started or does not exit with status 0 is
 * unavailable.
 */
#ifndef WORKER_PROBE_H
#define WORKER_PROBE_H

#include "base/err.h"
#include "executor/executor.h"
#include "lang/lang.h"

struct probe;

/* Starts nothing yet; every language counts as unavailable until it has answered. `done` is called once, when
 * all have. Executor and table are borrowed. NULL when memory is short. */
struct probe *probe_new(struct executor *x, struct lang_table *langs, void (*done)(void *arg), void *arg);
/* Its runs must be gone: after `done` (or inside it), or after executor_free. NULL is fine. */
void probe_free(struct probe *p);

/* Starts as many as the executor has room for. Call it after probe_new and whenever the capacity has changed.
 * `done` may be called inside. */
void probe_go(struct probe *p);

#endif
