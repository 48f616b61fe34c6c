/* SPDX-License-Identifier: MIT */
/* What the tests of the flow share: a directory, an event loop, and calls that wait for their callback. */
#ifndef QUEUE_FLOW_TESTING_H
#define QUEUE_FLOW_TESTING_H

#include <event2/event.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/unit.h"
#include "queue/flow.h"

/* No wait of these tests takes long; one that does is a failure, not a hang. */
#define PATIENCE_MS 60000

struct bench {
	char dir[64];
	struct event_base *base;
	struct flow *flow;
	struct flow_options options;
};

static inline void bench_open(struct bench *b)
{
	struct err e = { 0 };

	b->options.data_dir = b->dir;
	b->flow = flow_open_sqlite(b->base, &b->options, &e);
	if (!b->flow)
		fail_msg("%s", e.msg);
}

/* A fresh directory, not opened. */
static inline void bench_prepare(struct bench *b)
{
	snprintf(b->dir, sizeof(b->dir), "/tmp/flow-test-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	b->base = event_base_new();
	assert_non_null(b->base);
	b->options =
		(struct flow_options){ .max_queue = 1000000, .result_ttl_ms = 86400000, .attempts_max = 3 };
}

static inline void bench_init(struct bench *b)
{
	bench_prepare(b);
	bench_open(b);
}

static inline void bench_close(struct bench *b)
{
	flow_close(b->flow);
	b->flow = NULL;
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void bench_done(struct bench *b)
{
	flow_close(b->flow);
	event_base_free(b->base);
	assert_int_equal(nftw(b->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void bench_tick(struct bench *b)
{
	struct timeval tv = { .tv_usec = 20000 };

	/* The timeout is for waits that an earlier tick has fulfilled and for the clock of the caller. */
	event_base_loopexit(b->base, &tv);
	event_base_loop(b->base, EVLOOP_ONCE);
}

#define WAIT_FOR(b, condition)                                                 \
	do {                                                                   \
		int64_t until_ = clock_mono_ms() + PATIENCE_MS;                \
		while (!(condition)) {                                         \
			if (clock_mono_ms() > until_)                          \
				fail_msg("waited in vain for %s", #condition); \
			bench_tick(b);                                         \
		}                                                              \
	} while (0)

static inline struct submission *new_submission(const char *input)
{
	struct submission *s = submission_new();

	assert_non_null(s);
	s->created_ms = clock_wall_ms();
	id_new(s->created_ms, s->id);
	s->language = strdup("python");
	s->files = calloc(1, sizeof(*s->files));
	s->files[0].name = strdup("main.py");
	s->n_files = 1;
	assert_true(bytes_set(&s->files[0].content, "print(1)", 8));
	if (input)
		assert_true(bytes_set(&s->input, input, strlen(input)));
	return s;
}

struct answer {
	int n; /* how often it was called */
	struct err err;
};

static inline void on_answer(const struct err *e, void *arg)
{
	struct answer *a = arg;

	a->n++;
	a->err = e ? *e : (struct err){ 0 };
}

/* Submits and waits until it is durable. */
static inline void submit(struct bench *b, char id[JOB_ID_SIZE])
{
	struct submission *s = new_submission(NULL);
	struct answer a = { 0 };
	struct err e = { 0 };

	memcpy(id, s->id, JOB_ID_SIZE);
	assert_int_equal(flow_submit(b->flow, s, on_answer, &a, &e), 0);
	submission_unref(s);
	WAIT_FOR(b, a.n);
	assert_int_equal(a.err.kind, ERR_NONE);
}

struct view {
	int n;
	bool known;
	enum job_state state;
	int64_t position;
	enum verdict verdict;
	int attempts;
	char message[160];
	struct err err;
};

static inline void on_view(const struct job_view *v, const struct err *e, void *arg)
{
	struct view *view = arg;

	view->n++;
	view->err = e ? *e : (struct err){ 0 };
	view->known = v != NULL;
	if (!v)
		return;
	view->state = v->state;
	view->position = v->position;
	if (!v->result)
		return;
	view->verdict = v->result->verdict;
	view->attempts = v->result->attempts;
	snprintf(view->message, sizeof(view->message), "%s", v->result->message ? v->result->message : "");
}

static inline struct view get(struct bench *b, const char *id)
{
	struct view view = { 0 };

	flow_get(b->flow, id, on_view, &view);
	assert_int_equal(view.n, 0); /* never inside the call */
	WAIT_FOR(b, view.n);
	assert_int_equal(view.err.kind, ERR_NONE);
	return view;
}

static inline void on_take(struct lease *l, void *arg)
{
	struct lease **slot = arg;

	assert_null(*slot);
	*slot = l;
}

static inline struct lease *take(struct bench *b)
{
	struct lease *l = NULL;

	flow_take(b->flow, on_take, &l);
	assert_null(l);
	WAIT_FOR(b, l);
	return l;
}

static inline struct result *new_result(const struct lease *l, enum verdict v)
{
	struct result *r = result_without_run(l->submission->id, "python", l->submission->created_ms,
					      clock_wall_ms(), l->attempt, v, NULL);

	assert_non_null(r);
	return r;
}

static inline void finish(struct lease *l, enum verdict v)
{
	struct result *r = new_result(l, v);

	flow_finish(l, r);
	result_unref(r);
}

static inline void drain(struct bench *b)
{
	struct answer a = { 0 };

	flow_drain(b->flow, on_answer, &a);
	WAIT_FOR(b, a.n);
	assert_int_equal(a.err.kind, ERR_NONE);
}

struct removal_answer {
	int n;
	enum flow_removal what;
	struct err err;
};

static inline void on_removal(enum flow_removal what, const struct err *e, void *arg)
{
	struct removal_answer *a = arg;

	a->n++;
	a->what = what;
	a->err = e ? *e : (struct err){ 0 };
}

static inline enum flow_removal remove_job(struct bench *b, const char *id)
{
	struct removal_answer a = { 0 };

	flow_remove(b->flow, id, on_removal, &a);
	assert_int_equal(a.n, 0);
	WAIT_FOR(b, a.n);
	assert_int_equal(a.err.kind, ERR_NONE);
	return a.what;
}

static inline void on_cancel(void *arg)
{
	++*(int *)arg;
}

#endif
