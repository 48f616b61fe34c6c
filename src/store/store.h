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

struct store_ops {
	void (*close)(struct store *st);
	/* A new row. `done` may be NULL. */
	void (*create)(struct store *st, struct submission *s, store_done_fn *done, void *arg);
	/* Kept and tried again until it is durable; the submission is dropped with it. */
	void (*finish)(struct store *st, const struct store_finish *f, store_done_fn *done, void *arg);
	void (*get)(struct store *st, const char *id, store_get_fn *fn, void *arg);
	/* Removes a finished row; tells 1 if it was there. */
	void (*remove)(struct store *st, const char *id, store_count_fn *fn, void *arg);
	/* Removes at most `max` rows that expired before `now_ms`. */
	void (*sweep)(struct store *st, int64_t now_ms, int max, store_count_fn *fn, void *arg);
};

/* Implementations embed it first. */
struct store {
	const struct store_ops *ops;
};

struct db;
/* The store in an embedded database that has the tables of store/schema.h. NULL when memory is short. */
struct store *store_sqlite_open(struct db *db);

#endif
