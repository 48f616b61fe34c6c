/* SPDX-License-Identifier: MIT */
#include "queue/flow.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/flow_internal.h"
#include "queue/redis.h"

/* Rows that one sweep step removes, and the pause to the next when there may be more. */
#define SWEEP_ROWS     200
#define SWEEP_PAUSE_MS 5

/* ---- what the pair does ---- */

int flow_ready(struct flow *f, struct err *e)
{
	if (f->closing)
		return err_set(e, ERR_BUSY, 0, "The server is shutting down.");
	if (f->pair->ready(f, e) < 0)
		return -1;
	if (f->queue->ops->waiting(f->queue) >= f->max_queue)
		return err_set(e, ERR_BUSY, 0, "The queue is full (%lld jobs wait). Try again later.",
			       (long long)f->max_queue);
	return 0;
}

int flow_over_share(int64_t share, struct err *e)
{
	return err_set(e, ERR_TOO_MANY, 0,
		       "%lld jobs of yours wait, which is your share of the queue. Wait until some have run.",
		       (long long)share);
}

static int check_share(const struct flow *f, const struct submission *s, struct err *e)
{
	const struct queue *q = f->queue;

	if (s->share == 0 || !q->ops->waiting_of || q->ops->waiting_of(q, id_owner(s->id)) < s->share)
		return 0;
	return flow_over_share(s->share, e);
}

int flow_submit(struct flow *f, struct submission *s, flow_done_fn *done, void *arg, struct err *e)
{
	if (flow_ready(f, e) < 0 || check_share(f, s, e) < 0)
		return -1;
	f->pair->submit(f, s, done, arg);
	return 0;
}

void flow_get(struct flow *f, const char *id, flow_get_fn *fn, void *arg)
{
	f->pair->get(f, id, fn, arg);
}

void flow_remove(struct flow *f, const char *id, flow_remove_fn *fn, void *arg)
{
	f->pair->remove(f, id, fn, arg);
}

void flow_drain(struct flow *f, flow_done_fn *fn, void *arg)
{
	f->pair->drain(f, fn, arg);
}

int flow_workers(struct flow *f, const struct queue_worker **ret, size_t *ret_n, struct err *e)
{
	*ret = NULL;
	*ret_n = 0;
	return f->redis ? redis_workers(f->redis, ret, ret_n, e) : 0;
}

static void count_workers(struct flow *f, struct flow_counts *ret_counts)
{
	const struct queue_worker *workers;
	size_t n;
	struct err e;

	ret_counts->workers = ret_counts->worker_slots = -1;
	if (flow_workers(f, &workers, &n, &e) < 0 || !workers)
		return;
	ret_counts->workers = ret_counts->worker_slots = 0;
	for (size_t i = 0; i < n; i++) {
		if (!workers[i].alive || workers[i].draining)
			continue;
		ret_counts->workers++;
		ret_counts->worker_slots += workers[i].slots;
	}
}

void flow_counts(struct flow *f, struct flow_counts *ret_counts)
{
	ret_counts->queued = f->queue->ops->waiting(f->queue);
	ret_counts->running = f->pair->running(f);
	ret_counts->oldest_queued_ms = f->queue->ops->oldest_ms(f->queue);
	count_workers(f, ret_counts);
	ret_counts->heard_completed = ret_counts->heard_failed = 0;
	if (f->redis)
		redis_ended(f->redis, &ret_counts->heard_completed, &ret_counts->heard_failed);
}

bool flow_is_id(const struct flow *f, const char *id)
{
	return id_is_valid(id) || (f->pair->foreign_ids && id_is_foreign(id));
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

struct flow *flow_new(struct event_base *base, const struct flow_pair *pair, const struct flow_options *o)
{
	struct flow *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->pair = pair;
	f->base = base;
	list_init(&f->drains);
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

void flow_start_sweeping(struct flow *f)
{
	plan_sweep(f, sweep_interval(f));
}

void flow_close(struct flow *f)
{
	if (!f)
		return;
	assert(f->n_takes == 0 && f->watches.n == 0);
	f->closing = true;
	if (f->sweep)
		event_free(f->sweep);
	reconcile_stop(f);
	/* A callback may ask again and gets its answer, an error, in the next round. */
	while (f->pair->stop(f) || (f->later.event && later_run(&f->later)))
		;
	assert(f->jobs.n == 0);
	reconcile_stop(f);
	if (f->drain_check)
		event_free(f->drain_check);
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
