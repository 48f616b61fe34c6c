/* SPDX-License-Identifier: MIT */
/* Random operations, many in flight, against a model of what must come of them. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "queue/flow_testing.h"

#define OPS  20000
#define JOBS 8000

/* What the model knows of a job. Jobs are in the order of their submits. */
struct model_job {
	struct bench *b;
	char id[JOB_ID_SIZE];
	bool accepted;
	bool taken;	     /* since it last was given back */
	bool may_be_removed; /* a DELETE was asked */
	int given_back;	     /* times; later it must not be found behind its successors */
	int counted;	     /* attempts that count */
	int told;	     /* results its watch was given */
	enum verdict verdict;
	bool finished; /* by the worker, with `finish_verdict` */
	enum verdict finish_verdict;
	bool cancel_seen;
	struct lease *lease;
	struct flow_watch *watch;
};

static struct {
	struct bench b;
	struct model_job jobs[JOBS];
	int n;
	int first_waiting; /* no job before it waits for its first take */
	int pending;	   /* callbacks that are still to come */
	int answers;
	int observed;
} m;

static struct model_job *find(const char *id)
{
	for (int i = m.n - 1; i >= 0; i--)
		if (strcmp(m.jobs[i].id, id) == 0)
			return &m.jobs[i];
	fail_msg("job %s was never submitted", id);
	return NULL;
}

static void on_submitted(const struct err *e, void *arg)
{
	struct model_job *j = arg;

	assert_null(e);
	j->accepted = true;
	m.pending--;
}

static void on_result(struct result *r, void *arg)
{
	struct model_job *j = arg;

	j->watch = NULL;
	j->told++;
	j->verdict = r->verdict;
	assert_int_equal(j->told, 1);
	assert_true(j->accepted);
	assert_string_equal(r->id, j->id);
	if (j->finished)
		assert_true(r->verdict == j->finish_verdict ||
			    (r->verdict == VERDICT_CANCELLED && j->may_be_removed));
	else if (j->counted >= 3)
		assert_true(r->verdict == VERDICT_INTERNAL_ERROR || r->verdict == VERDICT_CANCELLED);
	else
		assert_true(r->verdict == VERDICT_CANCELLED && j->may_be_removed);
}

static void on_observed(struct result *r, void *arg)
{
	(void)r;
	(void)arg;
	m.observed++;
}

static void do_submit(void)
{
	struct submission *s = new_submission(NULL);
	struct model_job *j = &m.jobs[m.n];
	struct err e;

	if (m.n == JOBS) {
		submission_unref(s);
		return;
	}
	m.n++;
	memcpy(j->id, s->id, JOB_ID_SIZE);
	j->watch = flow_watch(m.b.flow, j->id, on_result, j);
	assert_int_equal(flow_submit(m.b.flow, s, on_submitted, j, &e), 0);
	submission_unref(s);
	m.pending++;
}

static void on_cancelled(void *arg)
{
	struct model_job *j = arg;

	assert_false(j->cancel_seen);
	assert_true(j->may_be_removed);
	j->cancel_seen = true;
}

static void on_leased(struct lease *l, void *arg)
{
	struct model_job *j = find(l->submission->id);

	(void)arg;
	m.pending--;
	assert_false(j->taken);
	assert_int_equal(j->told, 0);
	assert_int_equal(l->attempt, j->counted + 1);
	/* Oldest first: those before it were taken, or a DELETE is about them. */
	if (j->given_back == 0)
		for (int i = m.first_waiting; &m.jobs[i] < j; i++)
			assert_true(m.jobs[i].taken || m.jobs[i].finished || m.jobs[i].told ||
				    m.jobs[i].may_be_removed);
	while (m.first_waiting < m.n && (m.jobs[m.first_waiting].told || m.jobs[m.first_waiting].finished))
		m.first_waiting++;
	j->taken = true;
	j->lease = l;
	j->cancel_seen = false;
	flow_on_cancel(l, on_cancelled, j);
}

static struct model_job *random_job(void)
{
	/* Mostly recent ones: the others are long finished. */
	int from = random() % 4 == 0 ? 0 : m.n > 300 ? m.n - 300 : 0;

	return m.n ? &m.jobs[from + random() % (m.n - from)] : NULL;
}

static struct model_job *leased_job(void)
{
	for (int i = m.first_waiting; i < m.n; i++)
		if (m.jobs[i].lease && random() % 3 == 0)
			return &m.jobs[i];
	return NULL;
}

static void do_finish(void)
{
	struct model_job *j = leased_job();

	if (!j)
		return;
	j->finished = true;
	j->finish_verdict = random() % 2 ? VERDICT_OK : VERDICT_WALL_TIME_LIMIT;
	finish(TAKE(j->lease), j->finish_verdict);
}

static void do_give_back(void)
{
	struct model_job *j = leased_job();
	bool blameless = random() % 2;

	if (!j)
		return;
	j->given_back++;
	j->counted += !blameless;
	j->taken = j->counted >= 3; /* that was the last: it ends now */
	flow_give_back(TAKE(j->lease), blameless, "the slot broke");
}

static void on_removed(enum flow_removal what, const struct err *e, void *arg)
{
	struct model_job *j = arg;

	assert_null(e);
	m.pending--;
	if (what == FLOW_REMOVED)
		assert_int_equal(j->told, 1);
}

static void do_remove(void)
{
	struct model_job *j = random_job();

	if (!j)
		return;
	j->may_be_removed = true;
	flow_remove(m.b.flow, j->id, on_removed, j);
	m.pending++;
}

/* A question, and what was certain when it was asked: what has happened since, the answer may tell or not. */
struct question {
	struct model_job *job;
	bool accepted, told;
};

static void on_got(const struct job_view *v, const struct err *e, void *arg)
{
	AUTO_FREE struct question *q = arg;

	assert_null(e);
	m.pending--;
	m.answers++;
	if (!v)
		assert_true(!q->accepted || q->job->may_be_removed);
	else if (v->state != JOB_FINISHED)
		assert_false(q->told);
	else if (q->job->told)
		assert_int_equal(v->result->verdict, q->job->verdict);
}

static void do_get(void)
{
	struct model_job *j = random_job();
	struct question *q = calloc(1, sizeof(*q));

	assert_non_null(q);
	if (!j) {
		free(q);
		return;
	}
	*q = (struct question){ .job = j, .accepted = j->accepted, .told = j->told > 0 };
	flow_get(m.b.flow, j->id, on_got, q);
	m.pending++;
}

static void step(void)
{
	long dice = random() % 100;

	if (dice < 38)
		do_submit();
	else if (dice < 58)
		flow_take(m.b.flow, on_leased, NULL), m.pending++;
	else if (dice < 74)
		do_finish();
	else if (dice < 78)
		do_give_back();
	else if (dice < 84)
		do_remove();
	else if (dice < 92)
		do_get();
	else
		event_base_loop(m.b.base, EVLOOP_NONBLOCK);
	if (random() % 200 == 0)
		bench_tick(&m.b);
}

/* Takes and finishes what is left. */
static void settle(void)
{
	struct flow_counts counts;

	for (;;) {
		for (int i = 0; i < m.n; i++)
			if (m.jobs[i].lease) {
				m.jobs[i].finished = true;
				m.jobs[i].finish_verdict = VERDICT_OK;
				finish(TAKE(m.jobs[i].lease), VERDICT_OK);
			}
		drain(&m.b);
		flow_counts(m.b.flow, &counts);
		if (counts.queued == 0 && counts.running == 0)
			return;
		for (int64_t i = m.pending; i < counts.queued; i++)
			flow_take(m.b.flow, on_leased, NULL), m.pending++;
		bench_tick(&m.b);
	}
}

TEST(whatever_happens_in_whatever_order_each_job_ends_once)
{
	unsigned seed = (unsigned)clock_mono_ns();
	struct flow_counts counts;

	if (getenv("SEED"))
		seed = (unsigned)strtoul(getenv("SEED"), NULL, 10);
	print_message("SEED=%u\n", seed);
	srandom(seed);
	bench_init(&m.b);
	flow_observe(m.b.flow, on_observed, NULL);
	for (int i = 0; i < OPS; i++)
		step();
	settle();
	/* Takes that nothing is left for get a job each. */
	while (m.pending > 0) {
		do_submit();
		settle();
	}
	for (int i = 0; i < m.n; i++) {
		assert_int_equal(m.jobs[i].told, 1);
		assert_null(m.jobs[i].watch);
	}
	assert_int_equal(m.observed, m.n);
	flow_counts(m.b.flow, &counts);
	assert_int_equal(counts.queued, 0);
	assert_int_equal(counts.oldest_queued_ms, 0);
	print_message("%d jobs, %d answers\n", m.n, m.answers);
	bench_done(&m.b);
}

UNIT_MAIN(T(whatever_happens_in_whatever_order_each_job_ends_once))
