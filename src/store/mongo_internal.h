/* SPDX-License-Identifier: MIT */
/*
 * Inside libcodecrusher-mongo.so: mongo_store.c opens and closes, mongo_threads.c carries out on its threads
 * the ops of mongo_write.c, mongo_read.c and mongo_remove.c; mongo_rows.c and mongo_chunks.c know how things
 * look in the database, mongo_setup.c makes it ready and mongo_error.c understands what it answers.
 *
 * `submissions` has the jobs that have no result yet:
 *	_id, jobId	the job's id
 *	state		queued; storing while its input is on the way into chunks, when nobody sees it yet
 *	createdAt, language, requestedVersion, files, inputBytes
 *	submission	of job/codec.h, or submissionChunks {set, n, bytes}
 * `results` has the others:
 *	_id, jobId	the job's id
 *	state		finished; rejected: never queued, and whoever sent it knows
 *	createdAt, language, verdict, startedAt, finishedAt, attempts, version, message,
 *	exitCode, signal, cpuMs, wallMs, memoryBytes, expiresAt
 *	result		of job/codec.h, or resultChunks {set, n, bytes}
 *	writtenBy	names the write, which so knows its row again when the answer to it got lost
 *
 * All that must not happen twice is the insertion of an _id: the one thing that is atomic on every server of
 * this protocol (FerretDB 1 takes two steps for an update with a condition). What has a result is finished,
 * though its submission may be there for a moment longer, or until `unfinished` meets it.
 *
 * What is in readable fields is there for people and their queries: we read the encoded form. Chunks are
 * found by _id alone, "<set>/<n>", and so without an index of their own.
 */
#ifndef STORE_MONGO_INTERNAL_H
#define STORE_MONGO_INTERNAL_H

#include <mongoc/mongoc.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "job/job.h"
#include "store/mongo.h"

struct event;

/* ---- threads ---- */

/* What a thread of ours talks through. */
struct mongo_session {
	mongoc_client_t *client;
	mongoc_database_t *db;
	mongoc_collection_t *submissions;
	mongoc_collection_t *results;
	mongoc_collection_t *chunks;
	bool lost; /* the call in hand met a server that is not there, or not the primary */
};

/*
 * One call. `run` is on a thread of ours: 0 or -1; it may be called again after a failure, and must come to
 * the same then. `done` is on the loop, and frees the op.
 */
struct mongo_op {
	struct list node;
	int (*run)(struct mongo_session *s, struct mongo_op *op, struct err *e);
	void (*done)(struct mongo_op *op, const struct err *e);
	bool write; /* counts for `busy` */
	bool hold;  /* tried until it works, or cannot work */
	bool again; /* it was tried before */
	struct err err;
};

enum gate {
	GATE_SHUT, /* the server is being looked for; calls wait */
	GATE_OPEN,
	GATE_LOST, /* it was looked for in vain: calls fail at once */
};

struct mongo {
	struct store store;
	struct event_base *base;
	struct store_mongo_options options;
	mongoc_client_pool_t *pool;
	char *database;
	pthread_t *threads;
	int n_threads;

	/* the loop's side */
	int wake_fd; /* eventfd */
	struct event *wake_event;
	int writing; /* writes not told yet */
	enum gate told;

	pthread_mutex_t lock; /* of the following */
	pthread_cond_t wake;
	struct list queue; /* to be done */
	struct list held;  /* to be tried again at held_at */
	struct list over;  /* to be told */
	int pending;	   /* of `queue`, those that count for max_pending */
	bool stopping;
	enum gate gate;
	bool probing;
	struct err why;	  /* GATE_LOST: why */
	struct err full;  /* ERR_DISK_FULL until full_until, unless a write works before */
	char about[128];  /* the server */
	int64_t probe_at; /* monotonic ms, like the next three */
	int64_t held_at;
	int64_t full_until;
	int64_t probe_pause_ms;
	int64_t held_pause_ms;
};

static inline struct mongo *mongo_of(struct store *st)
{
	return container_of(st, struct mongo, store);
}

/* Zeroed; aborts when memory is short: what was accepted must not be forgotten. */
void *mongo_op_new(size_t size);

int mongo_threads_start(struct mongo *m, struct err *e);
/* Lets the threads end what can be done now, fails the rest, and waits for them. */
void mongo_threads_stop(struct mongo *m);
void mongo_hand(struct mongo *m, struct mongo_op *op);

/* ---- the database ---- */

/* Makes the indexes and tells what the server is. */
int mongo_setup(struct mongo_session *s, char *about, size_t about_size, struct err *e);

/* Turns the driver's error into ours; always -1. `what` is what was tried: "store a job". */
int mongo_fail(struct mongo_session *s, const bson_error_t *why, const char *what, struct err *e);
/* A row with that _id is there already. */
bool mongo_is_duplicate(const bson_error_t *why);
/* The message without what could hold the password of `url`. */
const char *mongo_without_password(const char *message, const char *url);

/* Bytes that are too many for a row, in pieces of a collection of their own. */
struct chunk_set {
	char name[JOB_ID_SIZE + 48];
	int n; /* 0: there is none */
	int64_t bytes;
};
/* What a row keeps in itself, and the size of a piece. */
#define MONGO_INLINE_MAX (1 << 20)
/* Above what the limits on submissions and outputs allow, below what a set holds. */
#define MONGO_BLOB_MAX ((size_t)900 << 20)

/* `expires_ms` 0: never by itself. May be written again. */
int mongo_chunks_write(struct mongo_session *s, const struct chunk_set *set, const struct buf *data,
		       int64_t expires_ms, struct err *e);
/* 1: read, 0: not all are there, -1. */
int mongo_chunks_read(struct mongo_session *s, const struct chunk_set *set, struct buf *data, struct err *e);
int mongo_chunks_drop(struct mongo_session *s, const struct chunk_set *set, struct err *e);
/* At most `max` pieces that nobody dropped in time. */
int mongo_chunks_sweep(struct mongo_session *s, int64_t now_ms, int max, struct err *e);
/* The sets of a job: one of its submission, one for each write of a result. */
void mongo_chunks_name_submission(struct chunk_set *set, const char *id, int64_t created_ms);
void mongo_chunks_name_result(struct chunk_set *set, const char *id, const bson_oid_t *by);

/* Both make a row; `data` goes into it when `set->n` is 0. */
void mongo_row_of_submission(bson_t *row, const struct submission *s, const struct buf *data,
			     const struct chunk_set *set);
void mongo_row_of_result(bson_t *row, const struct result *r, const struct buf *data,
			 const struct chunk_set *set, const bson_oid_t *by, int64_t expires_ms);

/* What is read of a row; `encoded` points into the document. */
struct mongo_row {
	char id[JOB_ID_SIZE];
	char state[16];
	int64_t created_ms;
	char language[64];
	const void *submission;
	uint32_t submission_len;
	const void *result;
	uint32_t result_len;
	struct chunk_set submission_chunks;
	struct chunk_set result_chunks;
	bson_oid_t by;
};
void mongo_row_read(const bson_t *doc, struct mongo_row *ret_row);
/* The row of `from` without the field `hide`. 1, 0 when there is none, -1. *ret_doc, which the row points
 * into, is the caller's to destroy after 1. */
int mongo_row_find(struct mongo_session *s, mongoc_collection_t *from, const char *id, const char *hide,
		   bson_t **ret_doc, struct mongo_row *ret_row, struct err *e);
/* The same without what has to be destroyed, for when only the small fields matter. */
int mongo_row_peek(struct mongo_session *s, mongoc_collection_t *from, const char *id,
		   struct mongo_row *ret_row, struct err *e);
/* 1: it is in now, 0: there is a row with that _id, -1. */
int mongo_row_insert(struct mongo_session *s, mongoc_collection_t *into, const bson_t *row, const char *what,
		     struct err *e);
/* Removes the row if it still matches, and its chunks after it, so that nobody sees it without. 1, 0 when
 * nothing matched, -1. */
int mongo_row_remove(struct mongo_session *s, mongoc_collection_t *from, const bson_t *query,
		     const struct mongo_row *row, struct err *e);
/* Removes what has a result by now, but no later submission under the same id. 1: it is gone, 0: there is a
 * later one, -1. */
int mongo_submission_drop(struct mongo_session *s, const char *id, int64_t created_ms, struct err *e);

static inline bool mongo_row_is(const struct mongo_row *row, const char *state)
{
	return !strcmp(row->state, state);
}

/* ---- the ops ---- */

void mongo_create(struct store *st, struct submission *s, store_done_fn *done, void *arg);
void mongo_finish(struct store *st, const struct store_finish *f, store_done_fn *done, void *arg);
void mongo_reject(struct store *st, const char *id, int64_t expires_ms, store_done_fn *done, void *arg);
void mongo_get(struct store *st, const char *id, store_get_fn *fn, void *arg);
void mongo_load(struct store *st, const char *id, store_load_fn *fn, void *arg);
void mongo_unfinished(struct store *st, int64_t before_ms, const char *after, int max,
		      store_unfinished_fn *fn, void *arg);
void mongo_remove(struct store *st, const char *id, store_count_fn *fn, void *arg);
void mongo_sweep(struct store *st, int64_t now_ms, int max, store_count_fn *fn, void *arg);

#endif
