/* SPDX-License-Identifier: MIT */
/*
 * The order of waiting jobs and the leases of running ones: an ops table, so that flow.c is the same over
 * SQLite and over Redis. A job is in the queue from enqueue until finish or withdraw; it waits, or is leased.
 *
 * All calls and callbacks are on the event loop's thread; a callback is never called inside the call. `e` is
 * NULL on success.
 */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "job/job.h"

struct queue;
struct queue_take;

typedef void queue_done_fn(const struct err *e, void *arg);

/* A job as it leaves the queue with a lease. */
struct queue_job {
	char id[JOB_ID_SIZE];
	int attempt; /* this one included */
	bool stored; /* false: its enqueue is still on the way to the disk, and will be told */
	/* A reference for the receiver. NULL: what is stored cannot be read. */
	struct submission *submission;
	/* Distributed only. */
	bool own;	/* came through an API of ours, which made its row before */
	bool load;	/* no submission here: the store has it */
	bool cancelled; /* somebody cancelled it while an earlier worker had it */
	bool again;	/* it had ended, and somebody had it retried */
	int64_t created_ms;
	const char *language; /* without a submission; or NULL */
	const char *problem;  /* why it has no submission and must end, or NULL */
};
typedef void queue_take_fn(struct queue_job *j, void *arg);

/* `position` counts the jobs in front from 0. -1: it waits, but so far behind that nobody counted; -2: it
 * does not wait. */
#define QUEUE_FAR_BEHIND  -1
#define QUEUE_NOT_WAITING -2
typedef void queue_position_fn(int64_t position, const struct err *e, void *arg);

/* A waiting job that the queue has in memory. */
struct queue_peek {
	int64_t position;
	bool stored;
	struct submission *submission; /* borrowed; NULL when it cannot be read */
};

/* A lease of an earlier process that cannot go on. */
struct queue_lost {
	char id[JOB_ID_SIZE];
	int attempts;
	int64_t taken_ms;
	bool cancelled; /* else it has used up its attempts */
};

struct queue_ops {
	void (*close)(struct queue *q);
	/* At the end of the queue. After an error it is not in it (if it was taken meanwhile, the lease's
	 * writes come to nothing). */
	void (*enqueue)(struct queue *q, struct submission *s, queue_done_fn *done, void *arg);
	/* One question, answered with one job, the oldest, once there is one. Embedded, a job may be handed
	 * out before its enqueue is durable. */
	struct queue_take *(*take)(struct queue *q, queue_take_fn *fn, void *arg);
	void (*take_cancel)(struct queue_take *t);
	/* Remembers that the job of a lease is cancelled, for when this process dies before it ends. */
	void (*mark_cancelled)(struct queue *q, const char *id, queue_done_fn *done, void *arg);
	/* Ends a lease. Kept and tried again until it is durable. */
	void (*finish)(struct queue *q, const char *id, queue_done_fn *done, void *arg);
	/* Ends a lease; the job is the next to be taken. `attempts` are those that count. */
	void (*give_back)(struct queue *q, struct submission *s, int attempts, bool stored);
	/* Takes a waiting job out for good. *ret_withdrawn is set (before `done`, or before the next write of
	 * a joined group begins) to whether it did wait. Kept and tried again until it is durable. */
	void (*withdraw)(struct queue *q, const char *id, bool *ret_withdrawn, queue_done_fn *done,
			 void *arg);
	/* Whether a waiting job is at hand. */
	bool (*peek)(struct queue *q, const char *id, struct queue_peek *ret_peek);
	void (*position)(struct queue *q, const char *id, queue_position_fn *fn, void *arg);
	int64_t (*waiting)(const struct queue *q);
	/* How many jobs of that owner (id_owner) wait. NULL: enqueue itself minds submission.share. */
	int64_t (*waiting_of)(const struct queue *q, const char *owner);
	int64_t (*oldest_ms)(const struct queue *q); /* created_ms of the first; 0 when none waits */
	/* Jobs can be handed out again (the disk takes writes). */
	void (*resume)(struct queue *q);
};

/* Implementations embed it first. */
struct queue {
	const struct queue_ops *ops;
};

struct db;
struct event_base;
/*
 * The queue in an embedded database that has the tables of store/schema.h, before db_start. Leases of an
 * earlier process are void: their jobs go back to the front, but those in *ret_lost (for the caller to
 * finish; it frees the array), which were cancelled or taken `attempts_max` times. The window of jobs in
 * memory is bounded in jobs and bytes, whatever waits on the disk.
 */
struct queue *queue_sqlite_open(struct db *db, struct event_base *base, int attempts_max,
				struct queue_lost **ret_lost, int *ret_n_lost, struct err *e);

/* The sentence of a submission over its owner's share. Always -1. */
int flow_over_share(int64_t share, struct err *e);

#endif
