/* SPDX-License-Identifier: MIT */
/* The embedded queue's writes. Each is harmless when what it is about is not there: the row of a job whose
 * enqueue failed never came, while the job may have been taken and finished in memory. */
#include <stdlib.h>

#include "base/clock.h"
#include "queue/sqlite.h"

/* Jobs in front are counted one by one, so not without end. */
#define POSITION_MAX 100000

struct row_op {
	struct db_op op;
	struct sqlite_queue *q;
	char id[JOB_ID_SIZE];
	int64_t seq;
	int64_t now_ms;
	int attempts;
	bool on_disk;
	bool *ret_withdrawn;
	struct withdrawal withdrawal;
	queue_done_fn *done;
	void *arg;
};

static struct row_op *row_of(struct db_op *op)
{
	return container_of(op, struct row_op, op);
}

static void row_done(struct db_op *op, const struct err *e)
{
	struct row_op *o = row_of(op);

	if (o->done)
		o->done(e, o->arg);
	free(o);
}

static struct row_op *row_new(struct sqlite_queue *q, db_run_fn *run, const char *id)
{
	struct row_op *o = db_op_new(sizeof(*o));

	o->op.run = run;
	o->op.done = row_done;
	o->q = q;
	snprintf(o->id, sizeof(o->id), "%s", id);
	return o;
}

/* One statement of the operation: ?1 seq, ?2 id, ?3 attempts, ?4 now; each as far as it has them. */
static int row_step(struct db_conn *c, const struct row_op *o, const char *literal, int *ret_changes,
		    struct err *e)
{
	sqlite3_stmt *s = db_stmt(c, literal, e);
	int n = s ? sqlite3_bind_parameter_count(s) : 0;

	if (!s)
		return -1;
	if (n >= 1)
		sqlite3_bind_int64(s, 1, o->seq);
	if (n >= 2)
		sqlite3_bind_text(s, 2, o->id, -1, SQLITE_STATIC);
	if (n >= 3)
		sqlite3_bind_int(s, 3, o->attempts);
	if (n >= 4)
		sqlite3_bind_int64(s, 4, o->now_ms);
	return db_run(c, s, ret_changes, e);
}

static int enqueue_run(struct db_conn *c, struct db_op *op, struct err *e)
{
	return row_step(c, row_of(op), "INSERT INTO waiting (seq, id, attempts) VALUES (?1, ?2, ?3)", NULL,
			e);
}

static void enqueue_done(struct db_op *op, const struct err *e)
{
	queue_enqueued(row_of(op)->q, row_of(op)->id, row_of(op)->on_disk, e != NULL);
	row_done(op, e);
}

void write_enqueue(struct sqlite_queue *q, const struct submission *s, int64_t seq, bool on_disk,
		   queue_done_fn *done, void *arg)
{
	struct row_op *o = row_new(q, enqueue_run, s->id);

	o->op.done = enqueue_done;
	o->seq = seq;
	o->on_disk = on_disk;
	o->done = done;
	o->arg = arg;
	db_write(q->db, &o->op);
}

static int take_run(struct db_conn *c, struct db_op *op, struct err *e)
{
	if (row_step(c, row_of(op),
		     "INSERT INTO leases (id, attempts, taken_ms) SELECT id, ?3, ?4 FROM waiting "
		     "WHERE seq = ?1 AND ?2 IS NOT NULL",
		     NULL, e) < 0)
		return -1;
	return row_step(c, row_of(op), "DELETE FROM waiting WHERE seq = ?1", NULL, e);
}

void write_take(struct sqlite_queue *q, int64_t seq, int attempts)
{
	struct row_op *o = row_new(q, take_run, "");

	o->op.flags = DB_HOLD;
	o->seq = seq;
	o->attempts = attempts;
	o->now_ms = clock_wall_ms();
	db_write(q->db, &o->op);
}

static int finish_run(struct db_conn *c, struct db_op *op, struct err *e)
{
	return row_step(c, row_of(op), "DELETE FROM leases WHERE id = ?2", NULL, e);
}

void write_finish(struct queue *base, const char *id, queue_done_fn *done, void *arg)
{
	struct row_op *o = row_new(queue_of(base), finish_run, id);

	o->op.flags = DB_HOLD;
	o->done = done;
	o->arg = arg;
	db_write(o->q->db, &o->op);
}

static int give_back_run(struct db_conn *c, struct db_op *op, struct err *e)
{
	if (row_step(c, row_of(op),
		     "INSERT INTO waiting (seq, id, attempts) SELECT ?1, id, ?3 FROM leases WHERE id = ?2",
		     NULL, e) < 0)
		return -1;
	return finish_run(c, op, e);
}

void write_give_back(struct sqlite_queue *q, const char *id, int64_t seq, int attempts)
{
	struct row_op *o = row_new(q, give_back_run, id);

	o->op.flags = DB_HOLD;
	o->seq = seq;
	o->attempts = attempts;
	db_write(q->db, &o->op);
}

static int withdraw_run(struct db_conn *c, struct db_op *op, struct err *e)
{
	struct row_op *o = row_of(op);
	int changes;

	*o->ret_withdrawn = false;
	if (row_step(c, o, "DELETE FROM waiting WHERE id = ?2", &changes, e) < 0)
		return -1;
	*o->ret_withdrawn = changes == 1;
	return 0;
}

static void withdraw_done(struct db_op *op, const struct err *e)
{
	struct row_op *o = row_of(op);

	if (o->on_disk) {
		list_remove(&o->withdrawal.node);
		if (!e && *o->ret_withdrawn) {
			queue_count(o->q, o->id, -1);
			o->q->n_disk -= !o->withdrawal.passed;
		}
	}
	row_done(op, e);
}

void write_withdraw(struct sqlite_queue *q, const char *id, bool on_disk, bool *ret_withdrawn,
		    queue_done_fn *done, void *arg)
{
	struct row_op *o = row_new(q, withdraw_run, id);

	o->op.flags = DB_HOLD;
	o->op.done = withdraw_done;
	o->on_disk = on_disk;
	o->ret_withdrawn = ret_withdrawn;
	o->done = done;
	o->arg = arg;
	if (on_disk) {
		snprintf(o->withdrawal.id, sizeof(o->withdrawal.id), "%s", id);
		list_push_back(&q->withdrawals, &o->withdrawal.node);
	}
	db_write(q->db, &o->op);
}

static int cancelled_run(struct db_conn *c, struct db_op *op, struct err *e)
{
	return row_step(c, row_of(op), "UPDATE leases SET cancelled = 1 WHERE id = ?2", NULL, e);
}

void write_cancelled(struct queue *base, const char *id, queue_done_fn *done, void *arg)
{
	struct row_op *o = row_new(queue_of(base), cancelled_run, id);

	o->done = done;
	o->arg = arg;
	db_write(o->q->db, &o->op);
}

/* ---- position ---- */

struct position_op {
	struct db_op op;
	char id[JOB_ID_SIZE];
	int64_t position;
	queue_position_fn *fn;
	void *arg;
};

static int position_run(struct db_conn *c, struct db_op *op, struct err *e)
{
	struct position_op *o = container_of(op, struct position_op, op);
	sqlite3_stmt *s = db_stmt(c,
				  "SELECT (SELECT count(*) FROM (SELECT 1 FROM waiting AS w "
				  "WHERE w.seq < me.seq LIMIT ?2)) FROM waiting AS me WHERE me.id = ?1",
				  e);
	int got;

	if (!s)
		return -1;
	sqlite3_bind_text(s, 1, o->id, -1, SQLITE_STATIC);
	sqlite3_bind_int(s, 2, POSITION_MAX);
	o->position = QUEUE_NOT_WAITING;
	got = db_next(c, s, e);
	if (got <= 0)
		return got;
	o->position = sqlite3_column_int64(s, 0);
	if (o->position == POSITION_MAX)
		o->position = QUEUE_FAR_BEHIND;
	db_end(s);
	return 0;
}

static void position_done(struct db_op *op, const struct err *e)
{
	struct position_op *o = container_of(op, struct position_op, op);

	o->fn(o->position, e, o->arg);
	free(o);
}

void read_position(struct queue *base, const char *id, queue_position_fn *fn, void *arg)
{
	struct position_op *o = db_op_new(sizeof(*o));

	o->op.run = position_run;
	o->op.done = position_done;
	snprintf(o->id, sizeof(o->id), "%s", id);
	o->fn = fn;
	o->arg = arg;
	db_read(queue_of(base)->db, &o->op);
}
