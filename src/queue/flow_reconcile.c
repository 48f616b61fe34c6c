/* SPDX-License-Identifier: MIT */
/*
 * Every minute, each row that is unfinished for a minute is held against the queue: a job that the queue has
 * lost (a Redis that came back without its memory) is queued again, one that ended there (a worker of another
 * kind, or one that died between its two writes) is taken over. Several servers may do so at once.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/flow_internal.h"
#include "queue/redis.h"

#define PAGE 200

struct reconcile {
	struct flow *flow;
	struct event *timer;
	int64_t every_ms;
	bool going;
	char after[JOB_ID_SIZE];
	char ids[PAGE][JOB_ID_SIZE];
	int n;
};

static void plan(struct reconcile *r, int64_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	r->going = false;
	if (!r->flow->closing)
		(void)event_add(r->timer, &tv);
}

/* ---- one that is missing ---- */

struct restore {
	struct flow *flow;
	char id[JOB_ID_SIZE];
};

static void restored(const struct err *e, void *arg)
{
	struct restore *o = arg;

	if (e)
		log_warn(o->id, "a lost job could not be queued again yet: %s", e->msg);
	else
		log_warn(o->id, "was missing from the queue and was put there again");
	free(o);
}

static void loaded(struct submission *s, const struct err *e, void *arg)
{
	struct restore *o = arg;

	if (s && !o->flow->closing) {
		o->flow->queue->ops->enqueue(o->flow->queue, s, restored, o);
		return;
	}
	if (e)
		log_warn(o->id, "a lost job cannot be read: %s", e->msg);
	free(o);
}

static void restore(struct flow *f, const char *id)
{
	struct restore *o = db_op_new(sizeof(*o));

	o->flow = f;
	snprintf(o->id, sizeof(o->id), "%s", id);
	f->store->ops->load(f->store, id, loaded, o);
}

/* ---- a page of them ---- */

static void states_known(const enum redis_where *states, int n, const struct err *e, void *arg)
{
	struct reconcile *r = arg;

	for (int i = 0; !e && !r->flow->closing && i < n; i++) {
		if (states[i] == REDIS_MISSING)
			restore(r->flow, r->ids[i]);
		else if (states[i] == REDIS_ENDED)
			flow_adopt(r->flow, r->ids[i], NULL, NULL);
	}
	if (!e && r->n == PAGE) {
		snprintf(r->after, sizeof(r->after), "%s", r->ids[PAGE - 1]);
		plan(r, 1);
		return;
	}
	r->after[0] = '\0';
	plan(r, r->every_ms);
}

static void rows_known(const struct store_unfinished *rows, int n, const struct err *e, void *arg)
{
	struct reconcile *r = arg;
	const char *ids[PAGE];

	if (e)
		log_warn(NULL, "unfinished jobs cannot be listed now: %s", e->msg);
	if (e || n <= 0) {
		r->after[0] = '\0';
		plan(r, r->every_ms);
		return;
	}
	r->n = n < PAGE ? n : PAGE;
	for (int i = 0; i < r->n; i++) {
		snprintf(r->ids[i], sizeof(r->ids[i]), "%s", rows[i].id);
		ids[i] = r->ids[i];
	}
	redis_states(r->flow->redis, ids, r->n, states_known, r);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct reconcile *r = arg;
	struct store *store = r->flow->store;
	struct err e;

	(void)fd;
	(void)what;
	if (redis_ready(r->flow->redis, &e) < 0) {
		plan(r, r->every_ms);
		return;
	}
	r->going = true;
	store->ops->unfinished(store, clock_wall_ms() - r->every_ms, r->after, PAGE, rows_known, r);
}

void reconcile_start(struct flow *f, int64_t every_ms)
{
	struct reconcile *r = db_op_new(sizeof(*r));

	r->flow = f;
	r->every_ms = every_ms;
	r->timer = evtimer_new(f->base, on_timer, r);
	if (!r->timer)
		abort();
	f->reconcile = r;
	plan(r, every_ms);
}

/* First the timer ends, then, when no call is on its way any more, the rest. */
void reconcile_stop(struct flow *f)
{
	struct reconcile *r = f->reconcile;

	if (!r)
		return;
	if (r->timer)
		event_free(TAKE(r->timer));
	if (!f->closing || r->going)
		return;
	free(TAKE(f->reconcile));
}
