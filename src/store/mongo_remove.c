/* SPDX-License-Identifier: MIT */
/* Rows go: on request, and when their time is over. */
#include <stdlib.h>
#include <string.h>

#include "store/mongo_internal.h"

/* A row whose input is still on its way after so long is of a server that died. */
#define STORING_MAX_MS ((int64_t)3600 * 1000)

struct count_op {
	struct mongo_op op;
	char id[JOB_ID_SIZE];
	int64_t now_ms;
	int max;
	int n;
	store_count_fn *fn;
	void *arg;
};

static int remove_run(struct mongo_session *s, struct mongo_op *op, struct err *e)
{
	struct count_op *o = container_of(op, struct count_op, op);
	struct mongo_row row;
	bson_t *query;
	int got = mongo_row_peek(s, s->results, o->id, &row, e);

	if (got <= 0 || !mongo_row_is(&row, "finished"))
		return got < 0 ? -1 : 0;
	/* What a worker that died has left would make it unfinished again. */
	if (mongo_submission_drop(s, o->id, row.created_ms, e) < 0)
		return -1;
	/* The same result, not that of a later job with the same id. */
	query = BCON_NEW("_id", BCON_UTF8(o->id), "writtenBy", BCON_OID(&row.by));
	got = mongo_row_remove(s, s->results, query, &row, e);
	bson_destroy(query);
	o->n = got > 0;
	return got < 0 ? -1 : 0;
}

/* Removes at most `max` of the rows that match; each only if `field` is still before the time. */
static int sweep_rows(struct mongo_session *s, mongoc_collection_t *of, const bson_t *due, const char *field,
		      int64_t before_ms, struct count_op *o, struct err *e)
{
	bson_t *opts = BCON_NEW("projection", "{", "submissionChunks", BCON_INT32(1), "resultChunks",
				BCON_INT32(1), "}", "limit", BCON_INT64(o->max));
	mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(of, due, opts, NULL);
	const bson_t *doc;
	bson_error_t why;
	int got = 0;

	while (got >= 0 && mongoc_cursor_next(cursor, &doc)) {
		struct mongo_row row;
		bson_t *query;

		mongo_row_read(doc, &row);
		query = BCON_NEW("_id", BCON_UTF8(row.id), field, "{", "$lte", BCON_DATE_TIME(before_ms),
				 "}");
		got = mongo_row_remove(s, of, query, &row, e);
		bson_destroy(query);
		o->n += got > 0;
	}
	if (got >= 0 && mongoc_cursor_error(cursor, &why))
		got = mongo_fail(s, &why, "look for expired jobs", e);
	mongoc_cursor_destroy(cursor);
	bson_destroy(opts);
	return got < 0 ? -1 : 0;
}

static int sweep_run(struct mongo_session *s, struct mongo_op *op, struct err *e)
{
	struct count_op *o = container_of(op, struct count_op, op);
	int64_t stale_ms = o->now_ms - STORING_MAX_MS;
	bson_t *due = BCON_NEW("expiresAt", "{", "$lte", BCON_DATE_TIME(o->now_ms), "}");
	bson_t *stale = BCON_NEW("state", BCON_UTF8("storing"), "createdAt", "{", "$lte",
				 BCON_DATE_TIME(stale_ms), "}");
	int got = sweep_rows(s, s->results, due, "expiresAt", o->now_ms, o, e);
	int rows = o->n;

	if (got == 0)
		got = sweep_rows(s, s->submissions, stale, "createdAt", stale_ms, o, e);
	if (got == 0)
		got = mongo_chunks_sweep(s, o->now_ms, o->max, e);
	o->n = rows; /* what tells the caller whether there may be more */
	bson_destroy(stale);
	bson_destroy(due);
	return got;
}

static void count_done(struct mongo_op *op, const struct err *e)
{
	struct count_op *o = container_of(op, struct count_op, op);

	o->fn(e ? 0 : o->n, e, o->arg);
	free(o);
}

static struct count_op *count_op_new(store_count_fn *fn, void *arg)
{
	struct count_op *o = mongo_op_new(sizeof(*o));

	o->op.done = count_done;
	o->fn = fn;
	o->arg = arg;
	return o;
}

void mongo_remove(struct store *st, const char *id, store_count_fn *fn, void *arg)
{
	struct count_op *o = count_op_new(fn, arg);

	o->op.run = remove_run;
	o->op.write = true;
	snprintf(o->id, sizeof(o->id), "%s", id);
	mongo_hand(mongo_of(st), &o->op);
}

void mongo_sweep(struct store *st, int64_t now_ms, int max, store_count_fn *fn, void *arg)
{
	struct count_op *o = count_op_new(fn, arg);

	o->op.run = sweep_run;
	o->now_ms = now_ms;
	o->max = max;
	mongo_hand(mongo_of(st), &o->op);
}
