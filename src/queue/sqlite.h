/* SPDX-License-Identifier: MIT */
/* What the embedded queue's memory (sqlite.c) and its rows (sqlite_rows.c) share. */
#ifndef QUEUE_SQLITE_H
#define QUEUE_SQLITE_H

#include "db/conn.h"
#include "db/db.h"
#include "queue/id_map.h"
#include "queue/later.h"
#include "queue/queue.h"

/* The window: at most so many jobs and bytes of submissions come in; jobs given back come on top. */
#define WINDOW_MAX	 1024
#define WINDOW_LOW	 256
#define WINDOW_BYTES_MAX ((size_t)64 << 20)
/* Bytes of submissions that one refill reads; a larger one comes alone. */
#define REFILL_BYTES_MAX ((size_t)16 << 20)

/* A waiting job in the window. */
struct waiting {
	struct list node;
	struct id_node by_id;
	char id[JOB_ID_SIZE];
	int64_t seq;
	int attempts;
	bool stored;
	struct submission *submission; /* NULL: what is stored cannot be read */
	size_t cost;
};

/* Of those who have jobs waiting; the id of the node is the mark (base/id.h). */
struct owner_count {
	struct id_node by_owner;
	char owner[ID_OWNER_SIZE];
	int64_t n;
};

struct queue_take {
	struct list node;
	queue_take_fn *fn;
	void *arg;
};

struct sqlite_queue {
	struct queue queue;
	struct db *db;
	struct later_queue later;
	struct later pump;

	struct list window; /* of struct waiting, in order */
	struct id_map by_id;
	int64_t n_window;
	size_t window_bytes;
	int64_t tail;		 /* the greatest seq that ever was in the window */
	int64_t n_disk;		 /* waiting jobs behind `tail` */
	struct list withdrawals; /* of jobs not in the window: on their way */
	bool refilling;

	int64_t n_waiting;	     /* queue_count changes it, and `owners` with it */
	struct id_map owners;	     /* of struct owner_count: whose jobs wait */
	int64_t next_seq, first_seq; /* for the end and, counting down, for the front */
	int64_t last_oldest_ms;
	struct list takes;
};

static inline struct sqlite_queue *queue_of(struct queue *q)
{
	return container_of(q, struct sqlite_queue, queue);
}

/* sqlite.c */
/* A job begins (+1) or ceases (-1) to wait. */
void queue_count(struct sqlite_queue *q, const char *id, int change);
/* The same for jobs already in n_waiting, at the start. */
void queue_count_owner(struct sqlite_queue *q, const char *owner, int change);
size_t submission_cost(const struct submission *s);
struct waiting *window_find(struct sqlite_queue *q, const char *id);
/* Takes over the reference to the submission. */
void window_append(struct sqlite_queue *q, const char *id, int64_t seq, int attempts, struct submission *s);
void queue_pump(struct sqlite_queue *q);
void queue_wake(struct sqlite_queue *q);
void queue_enqueued(struct sqlite_queue *q, const char *id, bool on_disk, bool failed);

/* sqlite_rows.c */
void write_enqueue(struct sqlite_queue *q, const struct submission *s, int64_t seq, bool on_disk,
		   queue_done_fn *done, void *arg);
void write_take(struct sqlite_queue *q, int64_t seq, int attempts);
void write_give_back(struct sqlite_queue *q, const char *id, int64_t seq, int attempts);
void write_withdraw(struct sqlite_queue *q, const char *id, bool on_disk, bool *ret_withdrawn,
		    queue_done_fn *done, void *arg);
void write_cancelled(struct queue *base, const char *id, queue_done_fn *done, void *arg);
void write_finish(struct queue *base, const char *id, queue_done_fn *done, void *arg);
void read_position(struct queue *base, const char *id, queue_position_fn *fn, void *arg);
/* sqlite_refill.c */
void refill_if_low(struct sqlite_queue *q);
int recover(struct sqlite_queue *q, struct db_conn *c, int attempts_max, struct queue_lost **ret_lost,
	    int *ret_n_lost, struct err *e);

/* A withdrawal whose job is on the disk only. */
struct withdrawal {
	struct list node;
	char id[JOB_ID_SIZE];
	bool passed; /* a refill has come by and left it out */
};

#endif
