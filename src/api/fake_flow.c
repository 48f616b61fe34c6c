/* SPDX-License-Identifier: MIT */
#include "api/fake_flow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct flow_watch {
	struct list link;
	struct flow *flow;
	char id[JOB_ID_SIZE];
	flow_watch_fn *fn;
	void *arg;
};

struct call {
	struct flow *flow;
	flow_done_fn *done;
	flow_get_fn *get;
	flow_remove_fn *remove;
	void *arg;
	char id[JOB_ID_SIZE];
};

void fake_flow_init(struct flow *f, struct event_base *base)
{
	*f = (struct flow){ .base = base };
	list_init(&f->watches);
}

void fake_flow_done(struct flow *f)
{
	assert(f->n_calls == 0 && f->n_watches == 0);
	for (int i = 0; i < f->n_jobs; i++) {
		submission_unref(f->jobs[i].submission);
		result_unref(f->jobs[i].result);
	}
}

struct fake_job *fake_flow_find(struct flow *f, const char *id)
{
	for (int i = 0; i < f->n_jobs; i++)
		if (f->jobs[i].submission && strcmp(f->jobs[i].submission->id, id) == 0)
			return &f->jobs[i];
	return NULL;
}

static void free_watch(struct flow_watch *w)
{
	w->flow->n_watches--;
	list_remove(&w->link);
	free(w);
}

void fake_flow_finish(struct flow *f, const char *id, const char *out)
{
	struct fake_job *job = fake_flow_find(f, id);
	struct result *r = result_new();
	struct flow_watch *w;

	assert(job && r);
	memcpy(r->id, job->submission->id, sizeof(r->id));
	r->language = strdup(job->submission->language);
	r->verdict = VERDICT_OK;
	r->ran = true;
	r->run.verdict = VERDICT_OK;
	r->run.wall_us = 3000;
	r->created_ms = r->started_ms = job->submission->created_ms;
	r->finished_ms = r->created_ms + 4;
	r->attempts = 1;
	bytes_set(&r->run.out.data, out, strlen(out));
	job->state = JOB_FINISHED;
	job->result = r;
	if (f->observer)
		f->observer(r, f->observer_arg);
	list_for_each (w, &f->watches, struct flow_watch, link) {
		flow_watch_fn *fn = w->fn;
		void *arg = w->arg;

		if (strcmp(w->id, id) != 0)
			continue;
		free_watch(w);
		fn(r, arg);
	}
}

static void deliver_get(struct call *c, const struct err *e)
{
	struct fake_job *job = fake_flow_find(c->flow, c->id);
	struct job_view view = { .position = 2 };

	if (e || !job) {
		c->get(NULL, e, c->arg);
		return;
	}
	view.state = job->state;
	view.created_ms = job->submission->created_ms;
	view.result = job->result;
	c->get(&view, NULL, c->arg);
}

static void deliver_remove(struct call *c, const struct err *e)
{
	struct fake_job *job = fake_flow_find(c->flow, c->id);
	enum flow_removal what = FLOW_NO_SUCH_JOB;

	if (!e && job) {
		what = job->state == JOB_FINISHED ? FLOW_REMOVED : FLOW_CANCELLED;
		if (what == FLOW_REMOVED) {
			submission_unref(job->submission);
			job->submission = NULL;
		}
	}
	c->remove(what, e, c->arg);
}

static void deliver(int fd, short what, void *arg)
{
	struct call *c = arg;
	const struct err *e = c->flow->failure.kind ? &c->flow->failure : NULL;

	(void)fd;
	(void)what;
	c->flow->n_calls--;
	if (c->done && c->flow->finish_first)
		fake_flow_finish(c->flow, c->id, "first\n");
	if (c->done)
		c->done(e, c->arg);
	else if (c->get)
		deliver_get(c, e);
	else
		deliver_remove(c, e);
	free(c);
}

static struct call *new_call(struct flow *f, const char *id, void *arg)
{
	struct call *c = calloc(1, sizeof(*c));
	struct timeval soon = { 0 };

	if (!c)
		abort();
	c->flow = f;
	c->arg = arg;
	memcpy(c->id, id, strlen(id) + 1);
	f->n_calls++;
	event_base_once(f->base, -1, EV_TIMEOUT, deliver, c, &soon);
	return c;
}

int flow_submit(struct flow *f, struct submission *s, flow_done_fn *done, void *arg, struct err *e)
{
	if (f->refusal.kind) {
		*e = f->refusal;
		return -1;
	}
	assert(f->n_jobs < FAKE_JOBS_MAX);
	f->jobs[f->n_jobs++] = (struct fake_job){ .submission = submission_ref(s), .state = JOB_QUEUED };
	new_call(f, s->id, arg)->done = done;
	return 0;
}

void flow_get(struct flow *f, const char *id, flow_get_fn *fn, void *arg)
{
	new_call(f, id, arg)->get = fn;
}

void flow_remove(struct flow *f, const char *id, flow_remove_fn *fn, void *arg)
{
	new_call(f, id, arg)->remove = fn;
}

struct flow_watch *flow_watch(struct flow *f, const char *id, flow_watch_fn *fn, void *arg)
{
	struct flow_watch *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->flow = f;
	w->fn = fn;
	w->arg = arg;
	memcpy(w->id, id, strlen(id) + 1);
	list_push_back(&f->watches, &w->link);
	f->n_watches++;
	return w;
}

void flow_unwatch(struct flow_watch **w)
{
	if (*w)
		free_watch(*w);
	*w = NULL;
}

void flow_counts(struct flow *f, struct flow_counts *ret_counts)
{
	*ret_counts = (struct flow_counts){ .workers = -1, .worker_slots = -1 };
	for (int i = 0; i < f->n_jobs; i++) {
		if (f->jobs[i].state == JOB_QUEUED && ret_counts->queued++ == 0)
			ret_counts->oldest_queued_ms = f->jobs[i].submission->created_ms;
		ret_counts->running += f->jobs[i].state == JOB_RUNNING;
	}
}

int flow_workers(struct flow *f, const struct queue_worker **ret, size_t *ret_n, struct err *e)
{
	if (f->refusal.kind) {
		*e = f->refusal;
		return -1;
	}
	*ret = f->workers;
	*ret_n = f->n_workers;
	return 0;
}

int flow_ready(struct flow *f, struct err *e)
{
	if (!f->refusal.kind)
		return 0;
	*e = f->refusal;
	return -1;
}

void flow_observe(struct flow *f, flow_watch_fn *fn, void *arg)
{
	f->observer = fn;
	f->observer_arg = arg;
}

bool flow_is_id(const struct flow *f, const char *id)
{
	(void)f;
	return id_is_valid(id);
}
