/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "db/conn.h"
#include "db/db.h"
#include "job/codec.h"
#include "store/store.h"

/* Far above what the limits on submissions and outputs allow; SQLite itself ends at 1 GB. */
#define BLOB_MAX ((size_t)900 << 20)

struct sqlite_store {
	struct store store;
	struct db *db;
};

static struct db *db_of(struct store *st)
{
	return container_of(st, struct sqlite_store, store)->db;
}

static void bind_id(sqlite3_stmt *q, int at, const char *id)
{
	sqlite3_bind_text(q, at, id, -1, SQLITE_STATIC);
}

static void bind_buf(sqlite3_stmt *q, int at, const struct buf *b)
{
	sqlite3_bind_blob64(q, at, b->data, b->len, SQLITE_STATIC);
}

/* ---- create ---- */

struct create_op {
	struct db_op op;
	struct submission *submission;
	store_done_fn *done;
	void *arg;
};

/* Encoding is done here and not on the loop: 16 MiB of input would hold up everybody. */
static int create_run(struct db_conn *c, struct db_op *op, struct err *e)
{
	const struct submission *s = container_of(op, struct create_op, op)->submission;
	sqlite3_stmt *q = db_stmt(
		c, "INSERT INTO jobs (id, created_ms, language, submission) VALUES (?1, ?2, ?3, ?4)", e);
	AUTO(buf_done) struct buf data;
	int got;

	buf_init(&data, BLOB_MAX);
	if (!q)
		return -1;
	if (!submission_encode(&data, s))
		return err_set(e, ERR_LIMIT, 0, "The submission is too large to be stored.");
	bind_id(q, 1, s->id);
	sqlite3_bind_int64(q, 2, s->created_ms);
	sqlite3_bind_text(q, 3, s->language, -1, SQLITE_STATIC);
	bind_buf(q, 4, &data);
	got = db_run(c, q, NULL, e);
	sqlite3_clear_bindings(q);
	return got;
}

static void create_done(struct db_op *op, const struct err *e)
{
	struct create_op *o = container_of(op, struct create_op, op);

	if (o->done)
		o->done(e, o->arg);
	submission_unref(o->submission);
	free(o);
}

static void create(struct store *st, struct submission *s, store_done_fn *done, void *arg)
{
	struct create_op *o = db_op_new(sizeof(*o));

	o->op.run = create_run;
	o->op.done = create_done;
	o->submission = submission_ref(s);
	o->done = done;
	o->arg = arg;
	db_write(db_of(st), &o->op);
}

/* ---- finish ---- */

struct finish_op {
	struct db_op op;
	struct store_finish finish;
	store_done_fn *done;
	void *arg;
};

static int finish_run(struct db_conn *c, struct db_op *op, struct err *e)
{
	const struct store_finish *f = &container_of(op, struct finish_op, op)->finish;
	sqlite3_stmt *q;
	AUTO(buf_done) struct buf data;
	int changes = 0;

	*f->ret_applied = false;
	buf_init(&data, BLOB_MAX);
	if (f->only_if && !*f->only_if)
		return 0;
	q = db_stmt(c,
		    "UPDATE jobs SET result = ?2, expires_ms = ?3, submission = NULL "
		    "WHERE id = ?1 AND result IS NULL",
		    e);
	if (!q)
		return -1;
	if (!result_encode(&data, f->result))
		return err_set(e, ERR_LIMIT, 0, "The result is too large to be stored.");
	bind_id(q, 1, f->result->id);
	bind_buf(q, 2, &data);
	sqlite3_bind_int64(q, 3, f->expires_ms);
	if (db_run(c, q, &changes, e) < 0)
		return -1;
	sqlite3_clear_bindings(q);
	*f->ret_applied = changes == 1;
	return 0;
}

static void finish_done(struct db_op *op, const struct err *e)
{
	struct finish_op *o = container_of(op, struct finish_op, op);

	if (o->done)
		o->done(e, o->arg);
	result_unref(o->finish.result);
	free(o);
}

static void finish(struct store *st, const struct store_finish *f, store_done_fn *done, void *arg)
{
	struct finish_op *o = db_op_new(sizeof(*o));

	o->op.run = finish_run;
	o->op.done = finish_done;
	o->op.flags = DB_HOLD;
	o->finish = *f;
	result_ref(f->result);
	o->done = done;
	o->arg = arg;
	db_write(db_of(st), &o->op);
}

/* ---- get ---- */

struct get_op {
	struct db_op op;
	char id[JOB_ID_SIZE];
	bool found;
	struct store_row row;
	char *language;
	store_get_fn *fn;
	void *arg;
};

static int get_row(sqlite3_stmt *q, struct get_op *o, struct err *e)
{
	o->row.created_ms = sqlite3_column_int64(q, 0);
	o->language = strdup((const char *)sqlite3_column_text(q, 1));
	if (!o->language)
		return err_set(e, ERR_IO, ENOMEM, "read a job");
	o->row.language = o->language;
	if (sqlite3_column_type(q, 2) == SQLITE_NULL)
		return 0;
	o->row.result = result_decode(sqlite3_column_blob(q, 2), (size_t)sqlite3_column_bytes(q, 2), e);
	return o->row.result ? 0 : err_wrap(e, "job %s", o->id);
}

static int get_run(struct db_conn *c, struct db_op *op, struct err *e)
{
	struct get_op *o = container_of(op, struct get_op, op);
	sqlite3_stmt *q = db_stmt(c, "SELECT created_ms, language, result FROM jobs WHERE id = ?1", e);
	int got;

	if (!q)
		return -1;
	bind_id(q, 1, o->id);
	got = db_next(c, q, e);
	if (got <= 0)
		return got;
	o->found = true;
	got = get_row(q, o, e);
	db_end(q);
	return got;
}

static void get_done(struct db_op *op, const struct err *e)
{
	struct get_op *o = container_of(op, struct get_op, op);

	o->fn(o->found && !e ? &o->row : NULL, e, o->arg);
	result_unref(o->row.result);
	free(o->language);
	free(o);
}

static void get(struct store *st, const char *id, store_get_fn *fn, void *arg)
{
	struct get_op *o = db_op_new(sizeof(*o));

	o->op.run = get_run;
	o->op.done = get_done;
	snprintf(o->id, sizeof(o->id), "%s", id);
	o->fn = fn;
	o->arg = arg;
	db_read(db_of(st), &o->op);
}

/* ---- remove and sweep ---- */

struct count_op {
	struct db_op op;
	char id[JOB_ID_SIZE];
	int64_t now_ms;
	int max;
	int n;
	store_count_fn *fn;
	void *arg;
};

static int remove_run(struct db_conn *c, struct db_op *op, struct err *e)
{
	struct count_op *o = container_of(op, struct count_op, op);
	sqlite3_stmt *q = db_stmt(c, "DELETE FROM jobs WHERE id = ?1 AND result IS NOT NULL", e);

	if (!q)
		return -1;
	bind_id(q, 1, o->id);
	return db_run(c, q, &o->n, e);
}

static int sweep_run(struct db_conn *c, struct db_op *op, struct err *e)
{
	struct count_op *o = container_of(op, struct count_op, op);
	sqlite3_stmt *q = db_stmt(c,
				  "DELETE FROM jobs WHERE n IN (SELECT n FROM jobs WHERE expires_ms <= ?1 "
				  "ORDER BY expires_ms LIMIT ?2)",
				  e);

	if (!q)
		return -1;
	sqlite3_bind_int64(q, 1, o->now_ms);
	sqlite3_bind_int(q, 2, o->max);
	return db_run(c, q, &o->n, e);
}

static void count_done(struct db_op *op, const struct err *e)
{
	struct count_op *o = container_of(op, struct count_op, op);

	o->fn(e ? 0 : o->n, e, o->arg);
	free(o);
}

static struct count_op *count_op_new(db_run_fn *run, store_count_fn *fn, void *arg)
{
	struct count_op *o = db_op_new(sizeof(*o));

	o->op.run = run;
	o->op.done = count_done;
	o->op.flags = DB_FREES;
	o->fn = fn;
	o->arg = arg;
	return o;
}

static void remove_row(struct store *st, const char *id, store_count_fn *fn, void *arg)
{
	struct count_op *o = count_op_new(remove_run, fn, arg);

	snprintf(o->id, sizeof(o->id), "%s", id);
	db_write(db_of(st), &o->op);
}

static void sweep(struct store *st, int64_t now_ms, int max, store_count_fn *fn, void *arg)
{
	struct count_op *o = count_op_new(sweep_run, fn, arg);

	o->now_ms = now_ms;
	o->max = max;
	db_write(db_of(st), &o->op);
}

static void close_store(struct store *st)
{
	free(container_of(st, struct sqlite_store, store));
}

static const struct store_ops ops = {
	.close = close_store,
	.create = create,
	.finish = finish,
	.get = get,
	.remove = remove_row,
	.sweep = sweep,
};

struct store *store_sqlite_open(struct db *db)
{
	struct sqlite_store *st = calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	st->store.ops = &ops;
	st->db = db;
	return &st->store;
}
