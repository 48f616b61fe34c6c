/* SPDX-License-Identifier: MIT */
/* Jobs come into being, and get their end. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "job/codec.h"
#include "store/mongo_internal.h"

/* Tries at putting a result in the place of that of an earlier job; each meets another one's. */
#define ROUNDS_MAX 5
/* The end of the year 9999: no job is newer. */
#define ANY_TIME_MS 253402300799999

static void plan_chunks(struct chunk_set *set, const struct buf *data)
{
	set->bytes = (int64_t)data->len;
	set->n = data->len > MONGO_INLINE_MAX ? (int)((data->len + MONGO_INLINE_MAX - 1) / MONGO_INLINE_MAX)
					      : 0;
}

/* If it is still that of this very write. */
static int remove_result(struct mongo_session *s, const char *id, const struct mongo_row *row, struct err *e)
{
	bson_t *query = BCON_NEW("_id", BCON_UTF8(id), "writtenBy", BCON_OID(&row->by));
	int got = mongo_row_remove(s, s->results, query, row, e);

	bson_destroy(query);
	return got;
}

/* Whether a row of `results` is in the way of a job created then, and not what an earlier one has left. */
static bool stays(const struct mongo_row *row, int64_t created_ms)
{
	return mongo_row_is(row, "rejected") || row->created_ms >= created_ms;
}

/* ---- create ---- */

struct create_op {
	struct mongo_op op;
	struct submission *submission;
	store_done_fn *done;
	void *arg;
};

static int set_queued(struct mongo_session *s, const struct submission *sub, struct err *e)
{
	bson_t *query = BCON_NEW("_id", BCON_UTF8(sub->id), "state", BCON_UTF8("storing"));
	bson_t *update = BCON_NEW("$set", "{", "state", BCON_UTF8("queued"), "}");
	bson_error_t why;
	bool ok = mongoc_collection_update_one(s->submissions, query, update, NULL, NULL, &why);

	bson_destroy(update);
	bson_destroy(query);
	return ok ? 0 : mongo_fail(s, &why, "store a job", e);
}

/* Whether the row that is there is this very one, of an earlier try that did not get to its end. 1, 0, -1. */
static int is_my_storing(struct mongo_session *s, const struct submission *sub, struct err *e)
{
	struct mongo_row row;
	int got = mongo_row_peek(s, s->submissions, sub->id, &row, e);

	return got <= 0 ? got : mongo_row_is(&row, "storing") && row.created_ms == sub->created_ms;
}

static int insert_submission(struct mongo_session *s, const struct submission *sub, const struct buf *data,
			     const struct chunk_set *set, struct err *e)
{
	bson_t row;
	int got;

	mongo_row_of_submission(&row, sub, data, set);
	got = mongo_row_insert(s, s->submissions, &row, "store a job", e);
	bson_destroy(&row);
	if (got < 0 || !set->n)
		return got < 0 ? -1 : 0;
	if (got == 0)
		got = is_my_storing(s, sub, e);
	if (got <= 0)
		return got;
	return mongo_chunks_write(s, set, data, 0, e) < 0 ? -1 : set_queued(s, sub, e);
}

/* Encoding is done here and not on the loop: 16 MiB of input would hold up everybody. */
static int create_run(struct mongo_session *s, struct mongo_op *op, struct err *e)
{
	const struct submission *sub = container_of(op, struct create_op, op)->submission;
	struct mongo_row before;
	struct chunk_set set = { 0 };
	AUTO(buf_done) struct buf data = { 0 };
	int reused = 0;

	buf_init(&data, MONGO_BLOB_MAX);
	if (!submission_encode(&data, sub))
		return err_set(e, ERR_LIMIT, 0, "The submission is too large to be stored.");
	/* Ids of ours are never used again. */
	if (!id_is_valid(sub->id))
		reused = mongo_row_peek(s, s->results, sub->id, &before, e);
	if (reused < 0 || (reused && stays(&before, sub->created_ms)))
		return reused < 0 ? -1 : 0;
	mongo_chunks_name_submission(&set, sub->id, sub->created_ms);
	plan_chunks(&set, &data);
	if (insert_submission(s, sub, &data, &set, e) < 0)
		return -1;
	return reused && remove_result(s, sub->id, &before, e) < 0 ? -1 : 0;
}

static void create_done(struct mongo_op *op, const struct err *e)
{
	struct create_op *o = container_of(op, struct create_op, op);

	if (o->done)
		o->done(e, o->arg);
	submission_unref(o->submission);
	free(o);
}

void mongo_create(struct store *st, struct submission *s, store_done_fn *done, void *arg)
{
	struct create_op *o = mongo_op_new(sizeof(*o));

	o->op.run = create_run;
	o->op.done = create_done;
	o->op.write = true;
	o->submission = submission_ref(s);
	o->done = done;
	o->arg = arg;
	mongo_hand(mongo_of(st), &o->op);
}

/* ---- finish ---- */

struct finish_op {
	struct mongo_op op;
	struct store_finish finish;
	bson_oid_t by;
	bool applied;
	store_done_fn *done;
	void *arg;
};

/* 1: the row is ours, 0: there is one that stays, -1. */
static int place_result(struct mongo_session *s, const struct finish_op *o, const bson_t *row, struct err *e)
{
	const struct result *r = o->finish.result;

	for (int i = 0; i < ROUNDS_MAX; i++) {
		struct mongo_row there;
		int got = mongo_row_insert(s, s->results, row, "store a result", e);

		if (got)
			return got;
		got = mongo_row_peek(s, s->results, r->id, &there, e);
		if (got < 0)
			return -1;
		if (got == 0)
			continue; /* removed this moment */
		if (bson_oid_equal(&there.by, &o->by))
			return 1;
		if (stays(&there, r->created_ms))
			return 0;
		if (remove_result(s, r->id, &there, e) < 0)
			return -1;
	}
	return err_set(e, ERR_IO, 0, "The result of %s cannot be stored: its row changes all the time.",
		       r->id);
}

/* A submission that is newer is of another job, whose result this must not seem to be. */
static int settle(struct mongo_session *s, struct finish_op *o, const struct chunk_set *set, struct err *e)
{
	const struct result *r = o->finish.result;
	struct mongo_row mine = { .by = o->by, .result_chunks = *set };
	int got = mongo_submission_drop(s, r->id, r->created_ms > 0 ? r->created_ms : ANY_TIME_MS, e);

	if (got < 0)
		return -1;
	o->applied = got;
	return !got && remove_result(s, r->id, &mine, e) < 0 ? -1 : 0;
}

static int finish_run(struct mongo_session *s, struct mongo_op *op, struct err *e)
{
	struct finish_op *o = container_of(op, struct finish_op, op);
	const struct result *r = o->finish.result;
	struct chunk_set set = { 0 };
	AUTO(buf_done) struct buf data = { 0 };
	bson_t row;
	int got;

	buf_init(&data, MONGO_BLOB_MAX);
	if (!result_encode(&data, r))
		return err_set(e, ERR_LIMIT, 0, "The result is too large to be stored.");
	mongo_chunks_name_result(&set, r->id, &o->by);
	plan_chunks(&set, &data);
	if (mongo_chunks_write(s, &set, &data, o->finish.expires_ms, e) < 0)
		return -1;
	mongo_row_of_result(&row, r, &data, &set, &o->by, o->finish.expires_ms);
	got = place_result(s, o, &row, e);
	bson_destroy(&row);
	if (got > 0)
		return settle(s, o, &set, e);
	if (got < 0)
		return -1;
	o->applied = false;
	(void)mongo_chunks_drop(s, &set, NULL); /* they expire in any case */
	return 0;
}

static void finish_done(struct mongo_op *op, const struct err *e)
{
	struct finish_op *o = container_of(op, struct finish_op, op);

	if (!e)
		*o->finish.ret_applied = o->applied;
	if (o->done)
		o->done(e, o->arg);
	result_unref(o->finish.result);
	free(o);
}

void mongo_finish(struct store *st, const struct store_finish *f, store_done_fn *done, void *arg)
{
	struct finish_op *o = mongo_op_new(sizeof(*o));

	o->op.run = finish_run;
	o->op.done = finish_done;
	o->op.write = o->op.hold = true;
	o->finish = *f;
	*f->ret_applied = false;
	result_ref(f->result);
	bson_oid_init(&o->by, NULL);
	o->done = done;
	o->arg = arg;
	mongo_hand(mongo_of(st), &o->op);
}

/* ---- reject ---- */

struct reject_op {
	struct mongo_op op;
	char id[JOB_ID_SIZE];
	int64_t expires_ms;
	bson_oid_t by;
	store_done_fn *done;
	void *arg;
};

/* It stands where a result would: so nothing else can come there, and a submission that is still on its way
 * comes too late. */
static int reject_run(struct mongo_session *s, struct mongo_op *op, struct err *e)
{
	const struct reject_op *o = container_of(op, struct reject_op, op);
	bson_t *row = BCON_NEW("_id", BCON_UTF8(o->id), "jobId", BCON_UTF8(o->id), "state",
			       BCON_UTF8("rejected"), "rejectedAt", BCON_DATE_TIME(clock_wall_ms()),
			       "expiresAt", BCON_DATE_TIME(o->expires_ms), "writtenBy", BCON_OID(&o->by));
	int got = mongo_row_insert(s, s->results, row, "take back a job", e);

	bson_destroy(row);
	if (got < 0)
		return -1;
	return mongo_submission_drop(s, o->id, ANY_TIME_MS, e) < 0 ? -1 : 0;
}

static void reject_done(struct mongo_op *op, const struct err *e)
{
	struct reject_op *o = container_of(op, struct reject_op, op);

	if (o->done)
		o->done(e, o->arg);
	free(o);
}

void mongo_reject(struct store *st, const char *id, int64_t expires_ms, store_done_fn *done, void *arg)
{
	struct reject_op *o = mongo_op_new(sizeof(*o));

	o->op.run = reject_run;
	o->op.done = reject_done;
	o->op.write = o->op.hold = true;
	snprintf(o->id, sizeof(o->id), "%s", id);
	o->expires_ms = expires_ms;
	bson_oid_init(&o->by, NULL);
	o->done = done;
	o->arg = arg;
	mongo_hand(mongo_of(st), &o->op);
}
