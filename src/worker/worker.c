/* SPDX-License-Identifier: MIT */
#include "worker/worker.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cache/cache.h"
#include "worker/precompile.h"
#include "worker/probe.h"
#include "worker/task.h"

#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 5000
/* Nothing to do for so long: time for what may be of use later. */
#define IDLE_MS 500
/* Between two looks at how far that is. */
#define STEP_MS 50
/* From the kill at the end of a shutdown's deadline until its report must be there. */
#define KILL_GRACE_MS 1000

/* A place for one job: it is empty, asks for one (`take`), or holds one (`task`). */
struct seat {
	struct worker *worker;
	struct flow_take *take;
	struct lease *lease; /* NULL: given back while its program was still being killed */
	struct task *task;
};

struct worker {
	struct event_base *base;
	struct flow *flow;
	struct executor *executor;
	struct lang_table *langs;
	struct worker_options options;
	struct probe *probe; /* NULL: all languages are known */
	struct seat *seats;  /* options.concurrency of them */
	struct event kick;   /* does `balance` in the next turn of the loop: never inside a callback */
	struct event pause;  /* pending: ask for nothing */
	unsigned setbacks;   /* runs lost in a row */
	struct event idle;   /* pending: there is nothing to do */
	/* shutdown */
	bool draining;
	bool killed; /* the deadline is over */
	struct event deadline;
	void (*drained)(void *arg); /* NULL: told */
	void *drained_arg;
};

static void kick(void *arg)
{
	struct worker *w = arg;

	event_active(&w->kick, 0, 0);
}

static void add_timer(struct event *timer, int64_t ms)
{
	struct timeval after = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	(void)event_add(timer, &after);
}

static bool is_paused(const struct worker *w)
{
	return event_pending(&w->pause, EV_TIMEOUT, NULL);
}

/* ---- the end of a job ---- */

static void pause_taking(struct worker *w)
{
	int64_t ms = PAUSE_MAX_MS;

	if (w->setbacks < 6)
		ms = PAUSE_MIN_MS << w->setbacks;
	w->setbacks++;
	add_timer(&w->pause, ms);
}

static void job_lost(struct seat *s, const struct task_end *end)
{
	struct worker *w = s->worker;
	const char *id = s->lease->submission->id;

	if (w->draining) {
		log_info(id, "given back: %s", end->reason);
	} else {
		log_warn(id, "given back: %s", end->reason);
		pause_taking(w);
	}
	flow_give_back(TAKE(s->lease), end->blameless, end->reason);
}

static void job_finished(struct seat *s, struct result *r)
{
	log_debug(r->id, "ended as %s", verdict_name(r->verdict));
	s->worker->setbacks = 0;
	flow_finish(TAKE(s->lease), r);
}

static void on_task_done(const struct task_end *end, void *arg)
{
	struct seat *s = arg;

	s->task = NULL;
	if (s->lease && end->result)
		job_finished(s, end->result);
	else if (s->lease)
		job_lost(s, end);
	kick(s->worker);
}

static void on_cancel(void *arg)
{
	struct seat *s = arg;

	if (s->task)
		task_cancel(s->task);
}

/* ---- taking jobs ---- */

static void on_taken(struct lease *l, void *arg)
{
	struct seat *s = arg;
	struct worker *w = s->worker;
	struct task_job job = {
		.cache = w->options.cache,
		.precompile = w->options.precompile,
		.lang = lang_find(w->langs, l->submission->language),
		.submission = l->submission,
		.attempt = l->attempt,
		.started_ms = l->started_ms,
	};

	log_debug(l->submission->id, "taken for attempt %d", l->attempt);
	s->take = NULL;
	s->lease = l;
	s->task = task_new(w->executor, &job, on_task_done, s);
	if (!s->task) {
		const struct task_end end = { .reason = "The worker was short of memory." };

		on_task_done(&end, s);
		return;
	}
	flow_on_cancel(l, on_cancel, s);
	task_go(s->task);
	kick(w);
}

static void stop_asking(struct worker *w)
{
	for (unsigned i = 0; i < w->options.concurrency; i++)
		flow_take_cancel(&w->seats[i].take);
}

static unsigned count_asking_or_waiting(const struct worker *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->options.concurrency; i++)
		n += w->seats[i].take || (w->seats[i].task && task_is_waiting(w->seats[i].task));
	return n;
}

static void ask(struct worker *w, unsigned ready)
{
	unsigned asked = count_asking_or_waiting(w);

	for (unsigned i = 0; i < w->options.concurrency && asked < ready; i++) {
		struct seat *s = &w->seats[i];

		if (s->take || s->task)
			continue;
		s->take = flow_take(w->flow, on_taken, s);
		if (!s->take)
			break;
		asked++;
	}
}

/* ---- shutdown ---- */

unsigned worker_running(const struct worker *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->options.concurrency; i++)
		n += w->seats[i].lease != NULL;
	return n;
}

static void tell_if_drained(struct worker *w)
{
	void (*drained)(void *arg) = w->drained;

	if (!w->draining || !drained || worker_running(w) > 0)
		return;
	w->drained = NULL;
	(void)event_del(&w->deadline);
	executor_on_capacity(w->executor, NULL, NULL);
	drained(w->drained_arg);
}

static void give_back_all(struct worker *w)
{
	for (unsigned i = 0; i < w->options.concurrency; i++) {
		if (w->seats[i].lease)
			flow_give_back(TAKE(w->seats[i].lease), true, "The worker was shut down.");
	}
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	if (w->killed) {
		give_back_all(w);
		kick(w);
		return;
	}
	w->killed = true;
	add_timer(&w->deadline, KILL_GRACE_MS);
	for (unsigned i = 0; i < w->options.concurrency; i++) {
		if (w->seats[i].task)
			task_stop(w->seats[i].task);
	}
}

void worker_drain(struct worker *w, int64_t deadline_ms, void (*done)(void *arg), void *arg)
{
	assert(!w->draining);
	w->draining = true;
	w->drained = done;
	w->drained_arg = arg;
	stop_asking(w);
	for (unsigned i = 0; i < w->options.concurrency; i++) {
		struct seat *s = &w->seats[i];

		if (s->task && task_is_idle(s->task))
			task_stop(s->task);
	}
	worker_hurry(w, deadline_ms);
	kick(w);
}

void worker_hurry(struct worker *w, int64_t deadline_ms)
{
	assert(w->draining);
	if (w->drained && deadline_ms >= 0)
		add_timer(&w->deadline, deadline_ms);
}

/* ---- what the loop calls ---- */

/* ---- while there is nothing to do ---- */

static bool is_idle(const struct worker *w)
{
	for (unsigned i = 0; i < w->options.concurrency; i++) {
		if (w->seats[i].task)
			return false;
	}
	return !w->draining && !w->probe;
}

static void on_idle(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	if (is_idle(w) && precompile_go(w->options.precompile))
		add_timer(&w->idle, STEP_MS);
}

/* Its slot belongs to whoever waits. */
static void balance_precompile(struct worker *w, unsigned ready)
{
	bool wanted = w->draining;

	if (!w->options.precompile)
		return;
	for (unsigned i = 0; i < w->options.concurrency && ready == 0; i++)
		wanted |= w->seats[i].task && task_is_waiting(w->seats[i].task);
	if (wanted)
		precompile_yield(w->options.precompile);
	if (!is_idle(w))
		(void)event_del(&w->idle);
	else if (!event_pending(&w->idle, EV_TIMEOUT, NULL))
		add_timer(&w->idle, IDLE_MS);
}

/* Brings everything on its way that the executor's capacity now allows. */
static void balance(struct worker *w)
{
	struct exec_capacity capacity;

	if (w->probe && !w->draining) {
		probe_go(w->probe);
		return;
	}
	for (unsigned i = 0; i < w->options.concurrency; i++) {
		if (w->seats[i].task)
			task_go(w->seats[i].task);
	}
	executor_capacity(w->executor, &capacity);
	balance_precompile(w, capacity.ready);
	if (w->draining) {
		tell_if_drained(w);
		return;
	}
	if (w->options.precompile && precompile_builds(w->options.precompile))
		capacity.ready++;
	/* Without any slot, a question left standing would bring a job that another worker could run. */
	if (is_paused(w) || capacity.slots == 0)
		stop_asking(w);
	else
		ask(w, capacity.ready);
}

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	balance(arg);
}

static void on_probed(void *arg)
{
	struct worker *w = arg;

	probe_free(TAKE(w->probe));
	kick(w);
	if (w->options.probed)
		w->options.probed(w->options.arg);
}

/* ---- life ---- */

struct worker *worker_new(struct event_base *base, struct flow *flow, struct executor *executor,
			  struct lang_table *langs, const struct worker_options *options, struct err *e)
{
	struct worker *w = calloc(1, sizeof(*w));

	assert(options->concurrency > 0);
	if (w) {
		w->seats = calloc(options->concurrency, sizeof(*w->seats));
		w->probe = probe_new(executor, langs, on_probed, w);
	}
	if (!w || !w->seats || !w->probe) {
		if (w) {
			probe_free(w->probe);
			free(w->seats);
		}
		free(w);
		err_set(e, ERR_IO, ENOMEM, "create the worker");
		return NULL;
	}
	w->base = base;
	w->flow = flow;
	w->executor = executor;
	w->langs = langs;
	w->options = *options;
	for (unsigned i = 0; i < options->concurrency; i++)
		w->seats[i].worker = w;
	(void)event_assign(&w->kick, base, -1, 0, on_kick, w);
	(void)event_assign(&w->pause, base, -1, 0, on_kick, w);
	(void)event_assign(&w->idle, base, -1, 0, on_idle, w);
	(void)event_assign(&w->deadline, base, -1, 0, on_deadline, w);
	executor_on_capacity(executor, kick, w);
	kick(w);
	return w;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	stop_asking(w);
	give_back_all(w);
	if (w->options.cache)
		cache_stop(w->options.cache);
	for (unsigned i = 0; i < w->options.concurrency; i++)
		task_free(w->seats[i].task);
	probe_free(w->probe);
	(void)event_del(&w->kick);
	(void)event_del(&w->pause);
	(void)event_del(&w->deadline);
	(void)event_del(&w->idle);
	free(w->seats);
	free(w);
}
