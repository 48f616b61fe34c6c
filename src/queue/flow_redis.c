/* SPDX-License-Identifier: MIT */
/* The distributed pair: life, submits, and what is heard of other processes. */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/flow_internal.h"
#include "queue/redis.h"

#define DRAIN_CHECK_MS 10
/* A Redis that does not come back holds a shutdown up for so long: what it does not know is in the store. */
#define DRAIN_MS     5000
#define RECONCILE_MS 60000

/* ---- submit: the row, then the queue, then the answer ---- */

struct submit {
	struct flow *flow;
	struct submission *submission;
	struct err why;
	flow_done_fn *done;
	void *arg;
};

static void submit_end(struct submit *o, const struct err *e)
{
	o->done(e, o->arg);
	submission_unref(o->submission);
	free(o);
}

static void rejected(const struct err *e, void *arg)
{
	struct submit *o = arg;

	if (e)
		log_error(
			o->submission->id,
			"could be neither queued nor marked as rejected, it may run although its client was "
			"told otherwise: %s",
			e->msg);
	submit_end(o, &o->why);
}

static void enqueued(const struct err *e, void *arg)
{
	struct submit *o = arg;
	struct flow *f = o->flow;

	if (!e) {
		submit_end(o, NULL);
		return;
	}
	o->why = *e;
	f->store->ops->reject(f->store, o->submission->id, clock_wall_ms() + f->result_ttl_ms, rejected, o);
}

static void nothing(const struct err *e, void *arg)
{
	(void)e;
	(void)arg;
}

/* A row whose making failed may be there all the same, or come later. Its client hears of it at once, since a
 * store that is away could not even mark it. */
static void created(const struct err *e, void *arg)
{
	struct submit *o = arg;
	struct flow *f = o->flow;

	if (e) {
		f->store->ops->reject(f->store, o->submission->id, clock_wall_ms() + f->result_ttl_ms,
				      nothing, NULL);
		submit_end(o, e);
		return;
	}
	f->queue->ops->enqueue(f->queue, o->submission, enqueued, o);
}

static void submit(struct flow *f, struct submission *s, flow_done_fn *done, void *arg)
{
	struct submit *o = db_op_new(sizeof(*o));

	o->flow = f;
	o->submission = submission_ref(s);
	o->done = done;
	o->arg = arg;
	f->store->ops->create(f->store, s, created, o);
}

static int ready(struct flow *f, struct err *e)
{
	return redis_ready(f->redis, e) < 0 ? -1 : f->store->ops->ready(f->store, e);
}

/* ---- leases ---- */

static int64_t running(const struct flow *f)
{
	return redis_active(f->redis);
}

static bool attempts_left(const struct job *job)
{
	return redis_attempts_left(job->flow->redis, job->id);
}

static void give_back(struct job *job, bool blameless, const char *reason)
{
	if (blameless)
		redis_give_back(job->flow->redis, job->id, 0);
	else
		redis_retry(job->flow->redis, job->id, reason);
	job_free(job);
}

/* ---- what is heard ---- */

static void on_ended(const char *id, void *arg)
{
	struct flow *f = arg;

	if (!f->closing && watches_have(f, id))
		flow_look(f, id);
}

static void on_missed(void *arg)
{
	struct flow *f = arg;

	if (!f->closing)
		watches_each(f, flow_look);
}

static void on_cancelled(const char *id, void *arg)
{
	struct flow *f = arg;
	struct job *job = job_find(f, id);

	if (!job || job->stage != STAGE_LEASED || job->failed)
		return;
	job->cancelled = true;
	job_tell_cancel(job);
}

/* Whatever its run brings is another worker's to say. */
static void on_lost(const char *id, void *arg)
{
	struct flow *f = arg;
	struct job *job = job_find(f, id);

	if (!job || job->stage != STAGE_LEASED)
		return;
	job->failed = true;
	job_tell_cancel(job);
}

static void on_languages(const char *const *versions, void *arg)
{
	const struct flow *f = arg;

	if (f->languages && !f->closing)
		f->languages(versions, f->languages_arg);
}

void flow_publish(struct flow *f)
{
	if (f->redis)
		redis_publish(f->redis);
}

void flow_retire(struct flow *f)
{
	if (f->redis)
		redis_retire(f->redis);
}

/* ---- drain ---- */

struct drain {
	struct list node;
	int64_t until_ms;
	flow_done_fn *fn;
	void *arg;
};

static void check_drains(struct flow *f)
{
	bool busy = f->store->ops->busy(f->store) || redis_busy(f->redis);
	struct drain *d;

	list_for_each (d, &f->drains, struct drain, node) {
		struct err e;

		if (busy && clock_mono_ms() < d->until_ms)
			continue;
		err_set(&e, ERR_BUSY, 0,
			"Redis or the store did not answer in time; the jobs will be ended later");
		list_remove(&d->node);
		d->fn(busy ? &e : NULL, d->arg);
		free(d);
	}
	if (!list_is_empty(&f->drains)) {
		struct timeval tv = { .tv_usec = DRAIN_CHECK_MS * 1000 };

		(void)event_add(f->drain_check, &tv);
	}
}

static void on_drain_check(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	check_drains(arg);
}

static void drain(struct flow *f, flow_done_fn *fn, void *arg)
{
	struct drain *d = db_op_new(sizeof(*d));
	struct timeval now = { 0 };

	redis_leave(f->redis);
	d->fn = fn;
	d->arg = arg;
	d->until_ms = clock_mono_ms() + DRAIN_MS;
	list_push_back(&f->drains, &d->node);
	(void)event_add(f->drain_check, &now);
}

/* ---- life ---- */

static bool stop(struct flow *f)
{
	bool any = false;
	struct drain *d;

	while ((d = list_first(&f->drains, struct drain, node))) {
		struct err e;

		err_set(&e, ERR_BUSY, 0, "The server is shutting down.");
		list_remove(&d->node);
		d->fn(&e, d->arg);
		free(d);
		any = true;
	}
	/* The store first: it waits for its threads, and their answers lead to Redis. */
	any |= f->store && f->store->ops->stop(f->store);
	any |= f->redis && redis_stop(f->redis);
	return any;
}

const struct flow_pair flow_distributed = {
	.ready = ready,
	.submit = submit,
	.get = distributed_get,
	.remove = distributed_remove,
	.running = running,
	.admit = distributed_admit,
	.end = distributed_end,
	.attempts_left = attempts_left,
	.give_back = give_back,
	.drain = drain,
	.stop = stop,
	.foreign_ids = true,
};

static int open_queue(struct flow *f, const struct flow_redis_options *o, struct err *e)
{
	const struct redis_options options = {
		.url = o->url,
		.prefix = o->prefix,
		.name = o->name,
		.result_ttl_ms = o->result_ttl_ms,
		.max_queue = o->max_queue,
		.attempts_max = o->attempts_max,
		.inline_max = o->inline_max,
		.takes = o->takes,
		.serves = o->serves,
		.policy = o->policy,
		.slots = o->slots,
		.lock_ms = o->lock_ms,
		.stalled_ms = o->stalled_ms,
	};
	const struct redis_listener listener = {
		.ended = on_ended,
		.missed = on_missed,
		.cancelled = on_cancelled,
		.lost = on_lost,
		.languages = on_languages,
		.arg = f,
	};

	f->redis = redis_open(f->base, &options, &listener, e);
	if (!f->redis)
		return -1;
	f->queue = redis_queue_of(f->redis);
	return 0;
}

struct flow *flow_open_redis(struct event_base *base, const struct flow_redis_options *o, struct err *e)
{
	const struct flow_options common = {
		.max_queue = o->max_queue,
		.result_ttl_ms = o->result_ttl_ms,
		.attempts_max = o->attempts_max,
	};
	struct flow *f = flow_new(base, &flow_distributed, &common);

	if (!f) {
		o->store->ops->close(o->store);
		err_set(e, ERR_IO, ENOMEM, "open the queue");
		return NULL;
	}
	f->store = o->store;
	f->languages = o->languages;
	f->languages_arg = o->arg;
	f->drain_check = evtimer_new(base, on_drain_check, f);
	if (!f->drain_check)
		abort();
	if (open_queue(f, o, e) < 0) {
		flow_close(f);
		return NULL;
	}
	if (o->serves)
		reconcile_start(f, o->reconcile_ms ? o->reconcile_ms : RECONCILE_MS);
	flow_start_sweeping(f);
	return f;
}
