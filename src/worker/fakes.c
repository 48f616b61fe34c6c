/* SPDX-License-Identifier: MIT */
#include "worker/fakes.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

struct flow_take {
	struct flow *flow;
	flow_take_fn *fn;
	void *arg;
};

/* ---- the executor ---- */

static struct fake_executor *fake_of(struct executor *x)
{
	return (struct fake_executor *)(void *)x;
}

static void join(const char *const *argv, char *out, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; argv[i] && at < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s", i ? " " : "", argv[i]);
}

static struct exec_run *fake_start(struct executor *x, const struct exec_spec *spec,
				   const struct exec_events *events, void *arg, struct err *e)
{
	struct fake_executor *f = fake_of(x);
	struct fake_run *r = &f->runs[f->n_runs];
	struct stat st = { 0 };

	if (f->ready == 0 || f->refuse != ERR_NONE) {
		f->n_busy += f->ready == 0;
		err_set(e, f->ready == 0 ? ERR_BUSY : f->refuse, 0, "The test refuses.");
		return NULL;
	}
	assert(f->n_runs < FAKES_MAX);
	f->n_runs++;
	f->ready--;
	if (spec->stdin_fd >= 0 && fstat(spec->stdin_fd, &st) < 0)
		abort();
	*r = (struct fake_run){
		.run.executor = x,
		.limits = spec->limits,
		.n_files = spec->n_files,
		.stdin_len = (size_t)st.st_size,
		.has_artifacts = spec->artifacts_fd >= 0,
		.events = events,
		.arg = arg,
	};
	join(spec->argv, r->command, sizeof(r->command));
	return &r->run;
}

static void fake_cancel(struct exec_run *run)
{
	((struct fake_run *)(void *)run)->cancelled = true;
}

static void fake_capacity(struct executor *x, struct exec_capacity *ret)
{
	*ret = (struct exec_capacity){ .slots = fake_of(x)->slots, .ready = fake_of(x)->ready };
}

static void fake_free(struct executor *x)
{
	(void)x;
}

void fake_executor_init(struct fake_executor *x, unsigned slots)
{
	static const struct executor_ops ops = {
		.start = fake_start, .cancel = fake_cancel, .capacity = fake_capacity, .free = fake_free
	};

	*x = (struct fake_executor){ .executor.ops = &ops, .slots = slots, .ready = slots };
}

void fake_executor_ready(struct fake_executor *x, unsigned ready)
{
	x->ready = ready;
	if (x->executor.capacity_changed)
		x->executor.capacity_changed(x->executor.capacity_arg);
}

void fake_run_end(struct fake_executor *x, size_t run, struct exec_report report)
{
	struct fake_run *r = &x->runs[run];

	assert(run < x->n_runs && !r->over);
	r->over = true;
	if (report.artifacts_fd == 0)
		report.artifacts_fd = -1;
	r->events->done(&report, r->arg);
	fake_executor_ready(x, x->ready + 1);
}

void fake_run_print(struct fake_executor *x, size_t run, enum exec_stream stream, const char *text)
{
	x->runs[run].events->output(stream, text, strlen(text), x->runs[run].arg);
}

/* ---- the flow ---- */

static struct fake_job *job_of(struct lease *l)
{
	return (struct fake_job *)(void *)l;
}

void fake_flow_init(struct flow *f)
{
	*f = (struct flow){ 0 };
}

void fake_flow_done(struct flow *f)
{
	for (size_t i = 0; i < f->n_jobs; i++) {
		submission_unref(f->jobs[i].lease.submission);
		result_unref(f->jobs[i].result);
	}
}

size_t fake_flow_asked(const struct flow *f)
{
	size_t n = 0;

	for (size_t i = 0; i < FAKES_MAX; i++)
		n += f->takes[i] != NULL;
	return n;
}

bool fake_flow_give(struct flow *f, struct submission *s)
{
	struct fake_job *job = &f->jobs[f->n_jobs];

	for (size_t i = 0; i < FAKES_MAX; i++) {
		AUTO_FREE struct flow_take *take = f->takes[i];

		if (!take)
			continue;
		assert(f->n_jobs < FAKES_MAX);
		f->takes[i] = NULL;
		f->n_jobs++;
		job->lease = (struct lease){ .submission = s, .attempt = 2, .started_ms = 5000 };
		take->fn(&job->lease, take->arg);
		return true;
	}
	submission_unref(s);
	return false;
}

struct flow_take *flow_take(struct flow *f, flow_take_fn *fn, void *arg)
{
	for (size_t i = 0; i < FAKES_MAX; i++) {
		if (f->takes[i])
			continue;
		f->takes[i] = malloc(sizeof(*f->takes[i]));
		if (f->takes[i])
			*f->takes[i] = (struct flow_take){ f, fn, arg };
		return f->takes[i];
	}
	return NULL;
}

void flow_take_cancel(struct flow_take **t)
{
	if (!*t)
		return;
	for (size_t i = 0; i < FAKES_MAX; i++) {
		if ((*t)->flow->takes[i] == *t)
			(*t)->flow->takes[i] = NULL;
	}
	free(TAKE(*t));
}

void flow_on_cancel(struct lease *l, flow_cancel_fn *fn, void *arg)
{
	job_of(l)->cancel = fn;
	job_of(l)->cancel_arg = arg;
}

void flow_finish(struct lease *l, struct result *r)
{
	assert(!job_of(l)->over);
	job_of(l)->over = true;
	job_of(l)->result = result_ref(r);
}

void flow_give_back(struct lease *l, bool blameless, const char *reason)
{
	struct fake_job *job = job_of(l);

	assert(!job->over);
	job->over = true;
	job->blameless = blameless;
	(void)snprintf(job->reason, sizeof(job->reason), "%s", reason);
}
