/* SPDX-License-Identifier: MIT */
/*
 * Where submissions and results are kept: an ops table, so that flow.c is the same over SQLite and over
 * MongoDB. A job has one row; it is finished once it has a result, and the first result stays.
 *
 * All calls and callbacks are on the event loop's thread; a callback is never called inside the call. `e` is
 * NULL on success.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "job/job.h"

struct store;

typedef void store_done_fn(const struct err *e, void *arg);

/* What the store knows of a job. */
struct store_row {
	int64_t created_ms;
	const char *language;
	struct result *result; /* NULL: not finished; borrowed */
};
/* `row` is NULL when there is none. */
typedef void store_get_fn(const struct store_row *row, const struct err *e, void *arg);

/* `n` is what the call is about: rows removed. */
typedef void store_count_fn(int n, const struct err *e, void *arg);

/* A terminal result on its way into the store. `*ret_applied` is set (before `done`, or before the next
 * write of a joined group begins) to whether this result is the one that counts. */
struct store_finish {
	struct result *result; /* referenced by the store until done */
	int64_t expires_ms;    /* wall clock */
	/* Embedded only, in a group with a queue's withdrawal: when not NULL, and false at the time of the
	 * write, nothing is written. */
	const bool *only_if;
	bool *ret_applied;
};

/* An unfinished row, for the sweep of a distributed flow. */
struct store_unfinished {
	char id[JOB_ID_SIZE];
	int64_t created_ms;
};
/* `rows` are borrowed; ordered by id. */
typedef void store_unfinished_fn(const struct store_unfinished *rows, int n, const struct err *e, void *arg);
/* `s` is NULL when the row is not there, is finished, or was rejected (e NULL); borrowed. */
typedef void store_load_fn(struct submission *s, const struct err *e, void *arg);

struct store_ops {
	void (*close)(struct store *st);
	/*
	 * A new row. `done` may be NULL. Embedded, the id is always new. Distributed, a job that came past us
	 * through the queue may have a row already: one that is finished and has an older created_ms begins
	 * anew (its result is dropped), any other is left as it is; neither is an error.
	 */
	void (*create)(struct store *st, struct submission *s, store_done_fn *done, void *arg);
	/* Kept and tried again until it is durable; the submission is dropped with it. Distributed, a row
	 * that is not there is made from the result; one that was rejected counts as finished (not applied).
	 */
	void (*finish)(struct store *st, const struct store_finish *f, store_done_fn *done, void *arg);
	void (*get)(struct store *st, const char *id, store_get_fn *fn, void *arg);
	/* Removes a finished row; tells 1 if it was there. */
	void (*remove)(struct store *st, const char *id, store_count_fn *fn, void *arg);
	/* Removes at most `max` rows that expired before `now_ms`. */
	void (*sweep)(struct store *st, int64_t now_ms, int max, store_count_fn *fn, void *arg);

	/* ---- distributed only: NULL embedded ---- */

	/* 0, or -1 with a sentence why nothing can be stored right now (from what is known, without asking).
	 */
	int (*ready)(struct store *st, struct err *e);
	/* The job could not be queued, and its client is about to be told so: from now on `get` finds no such
	 * row, `unfinished` and `load` leave it out, `finish` is not applied to it, `sweep` removes it after
	 * `expires_ms`. An unfinished row only. */
	void (*reject)(struct store *st, const char *id, int64_t expires_ms, store_done_fn *done, void *arg);
	/* At most `max` unfinished rows with created_ms before `before_ms` and an id after `after` ("" at
	 * first), ordered by id. */
	void (*unfinished)(struct store *st, int64_t before_ms, const char *after, int max,
			   store_unfinished_fn *fn, void *arg);
	/* The submission of an unfinished row. */
	void (*load)(struct store *st, const char *id, store_load_fn *fn, void *arg);
	/* At the end: waits for what can be done, fails the rest (held writes too) and calls every callback
	 * that is due, on this thread. What is handed over from now on fails. To be called again until it
	 * returns false: then no callback was left. */
	bool (*stop)(struct store *st);
	/* Whether a write that was handed over is not durable yet. */
	bool (*busy)(const struct store *st);
};

/* Implementations embed it first. */
struct store {
	const struct store_ops *ops;
};

struct db;
/* The store in an embedded database that has the tables of store/schema.h. NULL when memory is short. */
struct store *store_sqlite_open(struct db *db);

#endif
