/* SPDX-License-Identifier: MIT */
/* The embedded pair: queue and store in one SQLite database, written in one commit. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/flow_internal.h"
#include "store/schema.h"

/* As in flow_remove.c. */
#define ROUNDS_MAX 16

/* ---- submit ---- */

struct submit {
	struct flow *flow;
	char id[JOB_ID_SIZE];
	flow_done_fn *done;
	void *arg;
};

static void submitted(const struct err *e, void *arg)
{
	struct submit *o = arg;
	struct job *job = job_find(o->flow, o->id);

	if (job && !e) {
		job->stored = true;
	} else if (job) {
		/* It was taken before its commit failed. */
		job->failed = true;
		job_tell_cancel(job);
	}
	o->done(e, o->arg);
	free(o);
}

static int ready(struct flow *f, struct err *e)
{
	return db_ready(f->db, e);
}

static void submit(struct flow *f, struct submission *s, flow_done_fn *done, void *arg)
{
	struct submit *o = db_op_new(sizeof(*o));

	o->flow = f;
	o->done = done;
	o->arg = arg;
	snprintf(o->id, sizeof(o->id), "%s", s->id);
	db_group_begin(f->db);
	f->store->ops->create(f->store, s, NULL, NULL);
	f->queue->ops->enqueue(f->queue, s, submitted, o);
	db_group_end(f->db);
}

/* ---- get ---- */

struct get {
	struct flow *flow;
	char id[JOB_ID_SIZE];
	int rounds;
	flow_get_fn *fn;
	void *arg;
	struct later later;
	struct job_view view;
};

static void get_go(struct get *g);

static void get_tell(struct get *g, const struct job_view *view, const struct err *e)
{
	g->fn(view, e, g->arg);
	free(g);
}

static void get_position(int64_t position, const struct err *e, void *arg)
{
	struct get *g = arg;

	if (!e && position == QUEUE_NOT_WAITING) {
		get_go(g); /* it has moved on meanwhile */
		return;
	}
	g->view.state = JOB_QUEUED;
	g->view.position = position;
	get_tell(g, e ? NULL : &g->view, e);
}

static void get_row(const struct store_row *row, const struct err *e, void *arg)
{
	struct get *g = arg;
	struct queue *q = g->flow->queue;
	struct queue_peek peek;

	if (e || !row) {
		get_tell(g, NULL, e);
		return;
	}
	g->view.created_ms = row->created_ms;
	if (row->result) {
		g->view.state = JOB_FINISHED;
		g->view.result = row->result;
		get_tell(g, &g->view, NULL);
	} else if (job_find(g->flow, g->id) || q->ops->peek(q, g->id, &peek)) {
		get_go(g);
	} else {
		q->ops->position(q, g->id, get_position, g);
	}
}

/* A job whose submit is not durable is not there yet. One whose result is not durable still runs, or waits
 * if it never did. */
static void tell_job(struct get *g, const struct job *job)
{
	g->view.state = job->withdrawal ? JOB_QUEUED : JOB_RUNNING;
	if (job->result)
		g->view.created_ms = job->result->created_ms;
	else if (job->lease.submission)
		g->view.created_ms = job->lease.submission->created_ms;
	get_tell(g, job->stored ? &g->view : NULL, NULL);
}

static void tell_waiting(struct get *g, const struct queue_peek *peek)
{
	g->view.state = JOB_QUEUED;
	g->view.position = peek->position;
	if (peek->submission)
		g->view.created_ms = peek->submission->created_ms;
	get_tell(g, peek->stored ? &g->view : NULL, NULL);
}

static void get_go(struct get *g)
{
	struct queue *q = g->flow->queue;
	struct job *job = job_find(g->flow, g->id);
	struct queue_peek peek;
	struct err e;

	if (++g->rounds > ROUNDS_MAX) {
		err_set(&e, ERR_CORRUPT, 0, "Job %s is stored but neither waits nor runs.", g->id);
		get_tell(g, NULL, &e);
	} else if (job) {
		tell_job(g, job);
	} else if (q->ops->peek(q, g->id, &peek)) {
		tell_waiting(g, &peek);
	} else {
		g->flow->store->ops->get(g->flow->store, g->id, get_row, g);
	}
}

static void get_start(struct later *l)
{
	get_go(container_of(l, struct get, later));
}

static void get(struct flow *f, const char *id, flow_get_fn *fn, void *arg)
{
	struct get *g = db_op_new(sizeof(*g));

	g->flow = f;
	g->fn = fn;
	g->arg = arg;
	g->view.position = -1;
	snprintf(g->id, sizeof(g->id), "%s", id);
	later_init(&g->later);
	later_call(&f->later, &g->later, get_start);
}

/* ---- drain ---- */

struct drain {
	struct db_op op;
	flow_done_fn *fn;
	void *arg;
};

/* Writes nothing: being in a commit that worked is what it is about. */
static int drain_run(struct db_conn *c, struct db_op *op, struct err *e)
{
	(void)c;
	(void)op;
	(void)e;
	return 0;
}

static void drain_done(struct db_op *op, const struct err *e)
{
	struct drain *d = container_of(op, struct drain, op);

	d->fn(e, d->arg);
	free(d);
}

static void drain(struct flow *f, flow_done_fn *fn, void *arg)
{
	struct drain *d = db_op_new(sizeof(*d));

	d->op.run = drain_run;
	d->op.done = drain_done;
	d->op.flags = DB_HOLD;
	d->fn = fn;
	d->arg = arg;
	db_write(f->db, &d->op);
}

/* ---- the worker's side ---- */

static int64_t running(const struct flow *f)
{
	return (int64_t)f->jobs.n;
}

static void admit(struct flow_take *t, struct job *job, struct queue_job *j)
{
	if (j->submission) {
		flow_hand_out(t, job);
		return;
	}
	job_end(job, job_result_of(job, VERDICT_INTERNAL_ERROR,
				   "The stored job cannot be read. Please submit it again."));
	flow_ask_again(t);
}

static void ended(const struct err *e, void *arg)
{
	flow_job_ended(arg, e);
}

static void end(struct job *job)
{
	struct flow *f = job->flow;
	struct store_finish finish = {
		.result = job->result,
		.expires_ms = clock_wall_ms() + f->result_ttl_ms,
		.only_if = job->withdrawal ? &job->withdrawn : NULL,
		.ret_applied = &job->applied,
	};

	db_group_begin(f->db);
	if (job->withdrawal)
		f->queue->ops->withdraw(f->queue, job->id, &job->withdrawn, NULL, NULL);
	f->store->ops->finish(f->store, &finish, NULL, NULL);
	f->queue->ops->finish(f->queue, job->id, ended, job);
	db_group_end(f->db);
}

static bool attempts_left(const struct job *job)
{
	return job->lease.attempt < job->flow->attempts_max;
}

static void give_back(struct job *job, bool blameless, const char *reason)
{
	struct queue *q = job->flow->queue;

	(void)reason;
	q->ops->give_back(q, job->lease.submission, job->lease.attempt - (blameless ? 1 : 0), job->stored);
	job_free(job);
}

/* ---- life ---- */

static bool stop(struct flow *f)
{
	return f->db && db_stop(f->db);
}

const struct flow_pair flow_embedded = {
	.ready = ready,
	.submit = submit,
	.get = get,
	.remove = embedded_remove,
	.running = running,
	.admit = admit,
	.end = end,
	.attempts_left = attempts_left,
	.give_back = give_back,
	.drain = drain,
	.stop = stop,
};

static void on_change(void *arg)
{
	struct flow *f = arg;
	struct err why;

	if (db_ready(f->db, &why) < 0)
		log_error(NULL, "nothing can be stored for now, results are kept and submits refused: %s",
			  why.msg);
	else
		log_info(NULL, "the database takes writes again");
	f->queue->ops->resume(f->queue);
}

static int open_embedded(struct flow *f, const struct flow_options *o, struct err *e)
{
	struct db_options options = {
		.dir = o->data_dir,
		.migrations = schema_migrations,
		.n_migrations = n_schema_migrations,
	};
	AUTO_FREE struct queue_lost *lost = NULL;
	int n_lost = 0;

	f->db = db_open(f->base, &options, e);
	if (!f->db)
		return -1;
	db_on_change(f->db, on_change, f);
	f->store = store_sqlite_open(f->db);
	if (!f->store)
		return err_set(e, ERR_IO, ENOMEM, "open the store");
	f->queue = queue_sqlite_open(f->db, f->base, f->attempts_max, &lost, &n_lost, e);
	if (!f->queue || db_start(f->db, e) < 0)
		return -1;
	finish_lost(f, lost, n_lost);
	return 0;
}

struct flow *flow_open_sqlite(struct event_base *base, const struct flow_options *options, struct err *e)
{
	struct flow *f = flow_new(base, &flow_embedded, options);

	if (!f) {
		err_set(e, ERR_IO, ENOMEM, "open the queue");
		return NULL;
	}
	if (open_embedded(f, options, e) < 0) {
		flow_close(f);
		return NULL;
	}
	flow_start_sweeping(f);
	return f;
}
