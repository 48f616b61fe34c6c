/* SPDX-License-Identifier: MIT */
#include "queue/flow.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/flow_internal.h"
#include "store/schema.h"

/* Rows that one sweep step removes, and the pause to the next when there may be more. */
#define SWEEP_ROWS     200
#define SWEEP_PAUSE_MS 5
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

int flow_ready(struct flow *f, struct err *e)
{
	if (f->closing)
		return err_set(e, ERR_BUSY, 0, "The server is shutting down.");
	if (db_ready(f->db, e) < 0)
		return -1;
	if (f->queue->ops->waiting(f->queue) >= f->max_queue)
		return err_set(e, ERR_BUSY, 0, "The queue is full (%lld jobs wait). Try again later.",
			       (long long)f->max_queue);
	return 0;
}

int flow_submit(struct flow *f, struct submission *s, flow_done_fn *done, void *arg, struct err *e)
{
	struct submit *o;

	if (flow_ready(f, e) < 0)
		return -1;
	o = db_op_new(sizeof(*o));
	o->flow = f;
	o->done = done;
	o->arg = arg;
	snprintf(o->id, sizeof(o->id), "%s", s->id);
	db_group_begin(f->db);
	f->store->ops->create(f->store, s, NULL, NULL);
	f->queue->ops->enqueue(f->queue, s, submitted, o);
	db_group_end(f->db);
	return 0;
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

void flow_get(struct flow *f, const char *id, flow_get_fn *fn, void *arg)
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

void flow_counts(struct flow *f, struct flow_counts *ret_counts)
{
	ret_counts->queued = f->queue->ops->waiting(f->queue);
	ret_counts->running = (int64_t)f->jobs.n;
	ret_counts->oldest_queued_ms = f->queue->ops->oldest_ms(f->queue);
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

void flow_drain(struct flow *f, flow_done_fn *fn, void *arg)
{
	struct drain *d = db_op_new(sizeof(*d));

	d->op.run = drain_run;
	d->op.done = drain_done;
	d->op.flags = DB_HOLD;
	d->fn = fn;
	d->arg = arg;
	db_write(f->db, &d->op);
}

/* ---- sweeping ---- */

static void plan_sweep(struct flow *f, int64_t in_ms)
{
	struct timeval tv = { .tv_sec = in_ms / 1000, .tv_usec = in_ms % 1000 * 1000 };

	(void)event_add(f->sweep, &tv); /* only fails without memory; the next start sweeps */
}

static int64_t sweep_interval(const struct flow *f)
{
	int64_t ms = f->result_ttl_ms / 10;

	return ms < 50 ? 50 : ms > 10000 ? 10000 : ms;
}

static void swept(int n, const struct err *e, void *arg)
{
	struct flow *f = arg;

	f->sweeping = false;
	if (e && !f->closing)
		log_warn(NULL, "expired jobs could not be removed, will try again: %s", e->msg);
	if (!f->closing)
		plan_sweep(f, n == SWEEP_ROWS ? SWEEP_PAUSE_MS : sweep_interval(f));
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct flow *f = arg;

	(void)fd;
	(void)what;
	f->sweeping = true;
	f->store->ops->sweep(f->store, clock_wall_ms(), SWEEP_ROWS, swept, f);
}

/* ---- life ---- */

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

static struct flow *flow_new(struct event_base *base, const struct flow_options *o)
{
	struct flow *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->base = base;
	f->max_queue = o->max_queue;
	f->result_ttl_ms = o->result_ttl_ms;
	f->attempts_max = o->attempts_max;
	id_map_init(&f->jobs);
	id_map_init(&f->watches);
	f->sweep = evtimer_new(base, on_sweep, f);
	if (!later_queue_init(&f->later, base) || !f->sweep) {
		flow_close(f);
		return NULL;
	}
	return f;
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
	struct flow *f = flow_new(base, options);

	if (!f) {
		err_set(e, ERR_IO, ENOMEM, "open the queue");
		return NULL;
	}
	if (open_embedded(f, options, e) < 0) {
		flow_close(f);
		return NULL;
	}
	plan_sweep(f, sweep_interval(f));
	return f;
}

void flow_close(struct flow *f)
{
	if (!f)
		return;
	assert(f->n_takes == 0 && f->watches.n == 0);
	f->closing = true;
	if (f->sweep)
		event_free(f->sweep);
	/* A callback may ask again and gets its answer, an error, in the next round. */
	while ((f->db && db_stop(f->db)) || (f->later.event && later_run(&f->later)))
		;
	assert(f->jobs.n == 0);
	if (f->queue)
		f->queue->ops->close(f->queue);
	if (f->store)
		f->store->ops->close(f->store);
	db_close(f->db);
	later_queue_done(&f->later);
	id_map_done(&f->watches);
	id_map_done(&f->jobs);
	free(f);
}
