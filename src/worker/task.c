/* SPDX-License-Identifier: MIT */
#include "worker/task.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cache/cache.h"
#include "worker/collect_result.h"
#include "worker/plan.h"
#include "worker/precompile.h"

enum step {
	STEP_CHECK, /* nothing is known yet to be able to run */
	STEP_COMPILE,
	STEP_RUN,
};

struct task {
	struct executor *executor;
	struct cache *cache;
	struct precompile *precompile;
	const struct lang *lang;
	struct submission *submission;
	task_done_fn *done;
	void *arg;
	enum step step;
	struct exec_run *run;  /* of this step; NULL: it waits */
	struct buf streams[2]; /* of this step, by enum exec_stream */
	bool short_of_memory;  /* output is missing */
	bool cancelled;	       /* task_cancel */
	bool stopped;	       /* task_stop */
	bool asks;	       /* the cache has not answered yet */
	bool asked;
	struct cache_ticket *ticket; /* while it asks, and while it leads */
	int artifacts_fd;	     /* of the compile step, for the run step; -1: none */
	struct result *result;	     /* being filled */
};

static void step_output(enum exec_stream stream, const char *data, size_t len, void *arg);
static void step_done(const struct exec_report *report, void *arg);

static const struct exec_events step_events = { .output = step_output, .done = step_done };

/* ---- life ---- */

static bool fill_result(struct result *r, const struct task_job *job)
{
	const struct submission *s = job->submission;

	memcpy(r->id, s->id, sizeof(r->id));
	r->created_ms = s->created_ms;
	r->started_ms = job->started_ms;
	r->attempts = job->attempt;
	r->language = strdup(s->language);
	if (job->lang && job->lang->version)
		r->version = strdup(job->lang->version);
	return r->language && (r->version || !job->lang || !job->lang->version);
}

struct task *task_new(struct executor *x, const struct task_job *job, task_done_fn *done, void *arg)
{
	struct task *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->executor = x;
	t->cache = job->cache;
	t->precompile = job->precompile;
	t->lang = job->lang;
	t->submission = submission_ref(job->submission);
	t->done = done;
	t->arg = arg;
	t->artifacts_fd = -1;
	for (int i = 0; i < 2; i++)
		buf_init(&t->streams[i], 0);
	t->result = result_new();
	if (!t->result || !fill_result(t->result, job)) {
		task_free(t);
		return NULL;
	}
	return t;
}

void task_free(struct task *t)
{
	if (!t)
		return;
	for (int i = 0; i < 2; i++)
		buf_done(&t->streams[i]);
	if (t->artifacts_fd >= 0)
		(void)close(t->artifacts_fd);
	submission_unref(t->submission);
	result_unref(t->result);
	/* Last: whoever it hands over to goes on inside. */
	cache_leave(TAKE(t->ticket));
	free(t);
}

static void finish(struct task *t)
{
	struct task_end end = { .result = t->result };

	t->result->finished_ms = clock_wall_ms();
	if (t->executor->weak && t->executor->weak[0] && (t->result->ran || t->result->compiled))
		t->result->weak = strdup(t->executor->weak);
	t->done(&end, t->arg);
	task_free(t);
}

static void finish_as(struct task *t, enum verdict v, const char *message)
{
	collect_verdict(t->result, v, message);
	finish(t);
}

static void lose(struct task *t, bool blameless, const char *reason)
{
	struct task_end end = { .blameless = blameless, .reason = reason };

	t->done(&end, t->arg);
	task_free(t);
}

/* The end of a task that has nothing running, when somebody asked for it. False: nobody did. */
static bool end_as_asked(struct task *t)
{
	if (t->cancelled)
		finish_as(t, VERDICT_CANCELLED, "The job was cancelled.");
	else if (t->stopped)
		lose(t, true, "The worker was shut down.");
	else
		return false;
	return true;
}

/* ---- before anything runs ---- */

/* The API asks the same at the door; here it is for jobs that came past it, or were put in by a server with
 * other languages. */
static bool check(struct task *t)
{
	const struct submission *s = t->submission;
	char sentence[256];

	if (!t->lang) {
		(void)snprintf(sentence, sizeof(sentence), "The worker does not know the language %s.",
			       s->language);
		collect_verdict(t->result, VERDICT_INTERNAL_ERROR, sentence);
		return false;
	}
	if (!t->lang->available) {
		collect_missing(t->result, t->lang);
		return false;
	}
	if (s->version && (!t->lang->version || !lang_version_matches(t->lang->version, s->version))) {
		(void)snprintf(sentence, sizeof(sentence), "The worker has %s in version %s, not %s.",
			       s->language, t->lang->version ? t->lang->version : "unknown", s->version);
		collect_verdict(t->result, VERDICT_INTERNAL_ERROR, sentence);
		return false;
	}
	t->step = plan_has_compile(t->lang) ? STEP_COMPILE : STEP_RUN;
	return true;
}

/* ---- starting a step ---- */

static void prepare_streams(struct task *t, const struct limits *limits)
{
	for (int i = 0; i < 2; i++) {
		buf_done(&t->streams[i]);
		buf_init(&t->streams[i], (size_t)limits->output_bytes);
	}
}

static int start_planned(struct task *t, const struct plan *plan, struct err *e)
{
	const struct bytes *input = &t->submission->input;
	struct exec_spec spec = plan_spec(plan, t->submission->id);
	AUTO_CLOSE int stdin_fd = -1;

	if (t->step == STEP_RUN && input->len > 0) {
		stdin_fd = executor_memfd(input->data, input->len);
		if (stdin_fd < 0)
			return err_set(e, ERR_IO, errno, "hold the program's stdin");
	}
	spec.stdin_fd = stdin_fd;
	spec.artifacts_fd = t->artifacts_fd;
	prepare_streams(t, &plan->limits);
	t->run = executor_start(t->executor, &spec, &step_events, t, e);
	return t->run ? 0 : -1;
}

static const char *precompiled(const struct task *t)
{
	return t->precompile ? precompile_directory(t->precompile, t->lang) : NULL;
}

static int start_step(struct task *t, struct err *e)
{
	struct plan plan;
	bool planned = t->step == STEP_COMPILE ? plan_compile(&plan, t->lang, t->submission, precompiled(t))
					       : plan_run(&plan, t->lang, t->submission);
	int r;

	if (!planned)
		return err_set(e, ERR_IO, ENOMEM, "plan the job's next step");
	r = start_planned(t, &plan, e);
	plan_done(&plan);
	return r;
}

static void start_failed(struct task *t, const struct err *e)
{
	if (e->kind == ERR_BUSY)
		return; /* it waits; task_go comes again */
	if (e->kind == ERR_LIMIT || e->kind == ERR_INVALID)
		finish_as(t, VERDICT_INTERNAL_ERROR, e->msg);
	else
		lose(t, false, e->msg);
}

/* ---- the compile cache ---- */

static void compile_done(struct task *t, const struct exec_report *report);

static void use_entry(struct task *t, const struct cache_entry *entry)
{
	struct exec_report report = {
		.exit_code = entry->exit_code,
		.cpu_us = entry->cpu_us,
		.wall_us = entry->wall_us,
		.memory_bytes = entry->memory_bytes,
		.artifacts_fd = -1,
	};
	bool whole;

	prepare_streams(t, &t->submission->compile_limits);
	whole = buf_add(&t->streams[EXEC_STDOUT], entry->out.data, entry->out.len) &&
		buf_add(&t->streams[EXEC_STDERR], entry->err.data, entry->err.len);
	if (whole && entry->artifacts_fd >= 0) {
		report.artifacts_fd = fcntl(entry->artifacts_fd, F_DUPFD_CLOEXEC, 0);
		whole = report.artifacts_fd >= 0;
	}
	if (!whole) {
		lose(t, false, "The worker was short of memory for a compiled program.");
		return;
	}
	t->artifacts_fd = report.artifacts_fd;
	t->result->compile.cached = true;
	compile_done(t, &report);
}

static void on_cache(const struct cache_entry *entry, void *arg)
{
	struct task *t = arg;

	t->asks = false;
	if (!entry) {
		task_go(t);
		return;
	}
	t->ticket = NULL;
	use_entry(t, entry);
}

/* Whether there is an answer to wait for. What is asked for is the compile without precompiled headers: with
 * them it makes the same. */
static bool ask_cache(struct task *t)
{
	struct cache_question q = { .tenant = id_owner(t->submission->id),
				    .lang = t->lang,
				    .submission = t->submission };
	struct exec_spec spec;
	struct plan plan;

	t->asked = true;
	if (!plan_compile(&plan, t->lang, t->submission, NULL))
		return false;
	spec = plan_spec(&plan, NULL);
	q.spec = &spec;
	t->ticket = cache_ask(t->cache, &q, on_cache, t);
	t->asks = t->ticket;
	plan_done(&plan);
	return t->asks;
}

/* Only what the compiler would do again: no limit, no signal, nothing that the container was to blame for. */
static bool is_worth_keeping(const struct exec_report *report)
{
	bool by_itself = !report->lost && report->stop == EXEC_STOP_NONE && report->start_errno == 0 &&
			 report->signal == 0 && !report->truncated[0] && !report->truncated[1];

	return by_itself && (report->exit_code == 0) == (report->artifacts_fd >= 0);
}

/* After collect_compile, which has put what was printed into the result. */
static void settle(struct task *t, const struct exec_report *report)
{
	const struct step_result *step = &t->result->compile;
	const struct cache_entry entry = {
		.artifacts_fd = report->artifacts_fd,
		.exit_code = report->exit_code,
		.cpu_us = report->cpu_us,
		.wall_us = report->wall_us,
		.memory_bytes = report->memory_bytes,
		.out = step->out.data,
		.err = step->err.data,
		.made_ms = clock_wall_ms(),
	};
	struct cache_ticket *ticket = TAKE(t->ticket);

	if (ticket && is_worth_keeping(report))
		cache_settle(ticket, &entry);
	else
		cache_leave(ticket);
}

void task_go(struct task *t)
{
	struct exec_capacity capacity;
	struct err e = { 0 };

	if (t->run || t->asks)
		return;
	if (t->step == STEP_CHECK && !check(t)) {
		finish(t);
		return;
	}
	if (t->step == STEP_COMPILE && t->cache && !t->asked && ask_cache(t))
		return;
	/* Asked first, since all that a start is handed must be built before it can say no. */
	executor_capacity(t->executor, &capacity);
	if (capacity.ready > 0 && start_step(t, &e) < 0)
		start_failed(t, &e);
}

bool task_is_idle(const struct task *t)
{
	return !t->run;
}

bool task_is_waiting(const struct task *t)
{
	return !t->run && !t->asks;
}

/* ---- while it runs ---- */

static void step_output(enum exec_stream stream, const char *data, size_t len, void *arg)
{
	struct task *t = arg;

	if (!buf_add(&t->streams[stream], data, len))
		t->short_of_memory = true;
}

static void step_lost(struct task *t, const struct exec_report *report)
{
	if (!end_as_asked(t))
		lose(t, !report->started && !report->refused,
		     report->problem[0] ? report->problem : "Its container was lost.");
}

static void compile_done(struct task *t, const struct exec_report *report)
{
	bool goes_on =
		collect_compile(t->result, t->lang, &t->submission->compile_limits, report, t->streams);

	settle(t, report);
	if (!goes_on) {
		finish(t);
		return;
	}
	t->step = STEP_RUN;
	if (!end_as_asked(t))
		task_go(t);
}

static void run_done(struct task *t, const struct exec_report *report)
{
	collect_run(t->result, t->lang, &t->submission->limits, report, t->streams);
	/* It ended by itself just before the kill; whoever cancelled was told that it will not count. */
	if (t->cancelled && t->result->verdict != VERDICT_CANCELLED)
		collect_verdict(t->result, VERDICT_CANCELLED, "The job was cancelled.");
	finish(t);
}

static void step_done(const struct exec_report *report, void *arg)
{
	struct task *t = arg;
	bool compile = t->step == STEP_COMPILE;

	t->run = NULL;
	if (compile)
		t->artifacts_fd = report->artifacts_fd;
	else if (report->artifacts_fd >= 0)
		(void)close(report->artifacts_fd);
	if (report->lost)
		step_lost(t, report);
	else if (t->stopped && !t->cancelled && report->stop == EXEC_STOP_CANCELLED)
		(void)end_as_asked(t);
	else if (t->short_of_memory)
		lose(t, false, "The worker was short of memory for the program's output.");
	else if (compile)
		compile_done(t, report);
	else
		run_done(t, report);
}

/* ---- ending it early ---- */

static void end_early(struct task *t)
{
	if (t->run)
		executor_cancel(t->run);
	else
		(void)end_as_asked(t);
}

void task_cancel(struct task *t)
{
	t->cancelled = true;
	end_early(t);
}

void task_stop(struct task *t)
{
	t->stopped = true;
	end_early(t);
}
