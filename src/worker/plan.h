/* SPDX-License-Identifier: MIT */
/*
 * What a step of a job runs: its command, environment and files, out of a language and a submission. Pure.
 *
 * The compile step gets all submitted files and the language's environment. The run step gets the
 * submission's own environment as well; of a compiled language it gets the artifacts and, so that programs
 * can read their data, all submitted files but the main one; of an interpreted language it gets all files.
 */
#ifndef WORKER_PLAN_H
#define WORKER_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "executor/executor.h"
#include "job/job.h"
#include "lang/lang.h"

/* Borrows from language and submission, which must outlive it. */
struct plan {
	const char *image; /* or NULL */
	struct lang_argv argv;
	const char **env; /* NULL-terminated */
	struct exec_file *files;
	size_t n_files;
	const char *const *collect; /* NULL-terminated, or NULL */
	struct limits limits;
	unsigned warm; /* as in struct exec_spec */
};

bool plan_has_compile(const struct lang *l);

/* Each is false only when memory is short; the plan needs no plan_done then. `precompiled` is the directory
 * of headers that are ready, or NULL; a submission with flags of its own goes without. */
bool plan_compile(struct plan *ret, const struct lang *l, const struct submission *s,
		  const char *precompiled);
bool plan_run(struct plan *ret, const struct lang *l, const struct submission *s);
void plan_done(struct plan *p);

/* Whether a started interpreter that waits for the language's main file does exactly what a cold start of
 * this submission's run would. */
bool plan_is_warm(const struct lang *l, const struct submission *s);

/* The plan as the executor takes it, without descriptors. Borrows from the plan. */
struct exec_spec plan_spec(const struct plan *p, const char *job);

#endif
