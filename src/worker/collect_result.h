/* SPDX-License-Identifier: MIT */
/*
 * From what the executor reports to what the user is told: verdicts and sentences. Pure. A verdict comes from
 * the limit that fired or from the exit of the main process, nothing else.
 *
 * Lost runs have no verdict and do not come here. A sentence is left out when memory is short.
 */
#ifndef WORKER_COLLECT_RESULT_H
#define WORKER_COLLECT_RESULT_H

#include <stdbool.h>

#include "base/buf.h"
#include "executor/executor.h"
#include "job/job.h"
#include "lang/lang.h"

/* Sets verdict and sentence. `message` may be NULL. */
void collect_verdict(struct result *r, enum verdict v, const char *message);

/* internal_error, with a sentence that names the language and the package to install. */
void collect_missing(struct result *r, const struct lang *l);

/*
 * Fill r->compile or r->run and take the bytes out of `streams` (two, by enum exec_stream). collect_compile
 * returns whether the job goes on to its run step; otherwise verdict and sentence are set, as they always are
 * by collect_run.
 */
bool collect_compile(struct result *r, const struct lang *l, const struct limits *limits,
		     const struct exec_report *report, struct buf *streams);
void collect_run(struct result *r, const struct lang *l, const struct limits *limits,
		 const struct exec_report *report, struct buf *streams);

#endif
