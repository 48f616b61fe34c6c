/* SPDX-License-Identifier: MIT */
/*
 * Headers that are compiled before a job needs them: for each language whose file says so, in a slot, while
 * the worker has nothing else to do. They lie in a directory that every slot sees read-only at
 * SANDBOX_HEADERS and that no slot can write or list; only a compile step with the language's own command is
 * told the name.
 *
 *   unknown -> missing -> builds -> stores -> ready          each header of each language
 *           -> ready                                         it is there from an earlier start, and whole
 *
 * A job that finds no free slot while one builds gets that slot: the build is killed and begins anew later.
 * When packages change, everything is unknown again, and nobody is told of a header until it is made anew.
 *
 * On the event loop's thread; files are read and written in a thread of its own.
 */
#ifndef WORKER_PRECOMPILE_H
#define WORKER_PRECOMPILE_H

#include <stdbool.h>

#include "base/err.h"
#include "executor/executor.h"
#include "lang/lang.h"

struct event_base;
struct precompile;

struct precompile_options {
	const char *path; /* the directory, which must be there */
	int rootfs;	  /* where compilers are looked at: a directory descriptor, the caller's */
};

/* Starts nothing yet. The executor and the table are borrowed. NULL with the reason. */
struct precompile *precompile_new(struct event_base *base, struct executor *x, const struct lang_table *langs,
				  const struct precompile_options *options, struct err *e);
/* Its run must be gone (executor_free). NULL is fine. */
void precompile_free(struct precompile *p);

/* The worker is idle: takes the next step. False when there is none left, or only one that was not possible
 * now; otherwise call it again. */
bool precompile_go(struct precompile *p);
/* Whether it has a slot. */
bool precompile_builds(const struct precompile *p);
/* Kills what it builds: a job needs the slot. */
void precompile_yield(struct precompile *p);

/* What lang_values.precompiled is for a compile of this language now: NULL when nothing is ready. Valid until
 * the next call. */
const char *precompile_directory(struct precompile *p, const struct lang *l);

struct precompile_counts {
	unsigned ready;
	unsigned missing; /* not ready, of languages that are available */
};
void precompile_count(const struct precompile *p, struct precompile_counts *ret);

#endif
