/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "queue/flow_testing.h"

struct told {
	int n;
	enum verdict verdict;
	char id[JOB_ID_SIZE];
};

static void on_told(struct result *r, void *arg)
{
	struct told *t = arg;

	t->n++;
	t->verdict = r->verdict;
	snprintf(t->id, sizeof(t->id), "%s", r->id);
}

TEST(a_job_goes_from_submit_to_a_stored_result)
{
	struct told told = { 0 }, observed = { 0 };
	struct flow_counts counts;
	char id[JOB_ID_SIZE];
	struct bench b;
	struct lease *l;
	struct view v;

	bench_init(&b);
	flow_observe(b.flow, on_told, &observed);
	submit(&b, id);
	v = get(&b, id);
	assert_true(v.known);
	assert_int_equal(v.state, JOB_QUEUED);
	assert_int_equal(v.position, 0);
	flow_counts(b.flow, &counts);
	assert_int_equal(counts.queued, 1);
	assert_true(counts.oldest_queued_ms > 0);

	l = take(&b);
	assert_string_equal(l->submission->id, id);
	assert_int_equal(l->attempt, 1);
	assert_int_equal(get(&b, id).state, JOB_RUNNING);
	flow_counts(b.flow, &counts);
	assert_int_equal(counts.queued, 0);
	assert_int_equal(counts.running, 1);
	assert_int_equal(counts.oldest_queued_ms, 0);

	flow_watch(b.flow, id, on_told, &told);
	finish(l, VERDICT_RUNTIME_ERROR);
	assert_int_equal(told.n, 0);
	WAIT_FOR(&b, told.n);
	assert_int_equal(told.verdict, VERDICT_RUNTIME_ERROR);
	assert_int_equal(observed.n, 1);
	v = get(&b, id);
	assert_int_equal(v.state, JOB_FINISHED);
	assert_int_equal(v.verdict, VERDICT_RUNTIME_ERROR);
	drain(&b);
	assert_int_equal(told.n, 1);
	flow_counts(b.flow, &counts);
	assert_int_equal(counts.running, 0);
	bench_done(&b);
}

TEST(an_unknown_job_is_unknown)
{
	char id[JOB_ID_SIZE];
	struct bench b;

	bench_init(&b);
	id_new(1, id);
	assert_false(get(&b, id).known);
	assert_int_equal(remove_job(&b, id), FLOW_NO_SUCH_JOB);
	bench_done(&b);
}

TEST(a_result_is_not_shown_before_it_is_durable)
{
	char id[JOB_ID_SIZE];
	struct bench b;
	struct view early = { 0 };
	struct lease *l;

	bench_init(&b);
	submit(&b, id);
	l = take(&b);
	finish(l, VERDICT_OK);
	flow_get(b.flow, id, on_view, &early);
	WAIT_FOR(&b, early.n);
	assert_int_equal(early.state, JOB_RUNNING);
	drain(&b);
	assert_int_equal(get(&b, id).state, JOB_FINISHED);
	bench_done(&b);
}

TEST(a_job_may_run_before_it_is_durable_but_is_not_shown)
{
	struct submission *s = new_submission(NULL);
	struct answer a = { 0 };
	struct view early = { 0 };
	struct lease *l = NULL;
	struct err e;
	struct bench b;

	bench_init(&b);
	flow_take(b.flow, on_take, &l);
	assert_int_equal(flow_submit(b.flow, s, on_answer, &a, &e), 0);
	flow_get(b.flow, s->id, on_view, &early);
	event_base_loop(b.base, EVLOOP_NONBLOCK);
	WAIT_FOR(&b, l && a.n && early.n);
	assert_ptr_equal(l->submission, s);
	assert_false(early.known);
	assert_int_equal(get(&b, s->id).state, JOB_RUNNING);
	finish(l, VERDICT_OK);
	drain(&b);
	assert_int_equal(get(&b, s->id).verdict, VERDICT_OK);
	submission_unref(s);
	bench_done(&b);
}

/* More than the window holds, so that the disk's part of the queue takes part. */
TEST(jobs_come_oldest_first_and_know_their_position)
{
	enum { N = 3000 };
	static char ids[N][JOB_ID_SIZE];
	struct answer a = { 0 };
	struct view v;
	struct bench b;
	struct err e;

	bench_init(&b);
	for (int i = 0; i < N; i++) {
		struct submission *s = new_submission(NULL);

		memcpy(ids[i], s->id, JOB_ID_SIZE);
		assert_int_equal(flow_submit(b.flow, s, on_answer, &a, &e), 0);
		submission_unref(s);
	}
	WAIT_FOR(&b, a.n == N);
	v = get(&b, ids[500]);
	assert_int_equal(v.position, 500);
	v = get(&b, ids[N - 1]);
	assert_int_equal(v.state, JOB_QUEUED);
	assert_int_equal(v.position, N - 1);
	for (int i = 0; i < N; i++) {
		struct lease *l = take(&b);

		assert_string_equal(l->submission->id, ids[i]);
		finish(l, VERDICT_OK);
		if (i == 999) {
			drain(&b);
			assert_int_equal(get(&b, ids[N - 1]).position, N - 1 - 1000);
		}
	}
	drain(&b);
	bench_done(&b);
}

TEST(a_waiting_job_is_cancelled_and_never_runs)
{
	char first[JOB_ID_SIZE], second[JOB_ID_SIZE];
	struct told told = { 0 };
	struct flow_counts counts;
	struct bench b;
	struct lease *l;
	struct view v;

	bench_init(&b);
	submit(&b, first);
	submit(&b, second);
	flow_watch(b.flow, first, on_told, &told);
	assert_int_equal(remove_job(&b, first), FLOW_CANCELLED);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.verdict, VERDICT_CANCELLED);
	v = get(&b, first);
	assert_int_equal(v.state, JOB_FINISHED);
	assert_int_equal(v.verdict, VERDICT_CANCELLED);
	flow_counts(b.flow, &counts);
	assert_int_equal(counts.queued, 1);
	l = take(&b);
	assert_string_equal(l->submission->id, second);
	finish(l, VERDICT_OK);
	bench_done(&b);
}

TEST(a_job_far_behind_is_cancelled_too)
{
	enum { N = 2000 };
	static char ids[N][JOB_ID_SIZE];
	struct removal_answer removals[2] = { 0 };
	struct answer a = { 0 };
	struct bench b;
	struct err e;

	bench_init(&b);
	for (int i = 0; i < N; i++) {
		struct submission *s = new_submission(NULL);

		memcpy(ids[i], s->id, JOB_ID_SIZE);
		assert_int_equal(flow_submit(b.flow, s, on_answer, &a, &e), 0);
		submission_unref(s);
	}
	WAIT_FOR(&b, a.n == N);
	/* Twice at once: one cancels, the other comes after it. */
	flow_remove(b.flow, ids[1500], on_removal, &removals[0]);
	flow_remove(b.flow, ids[1500], on_removal, &removals[1]);
	for (int i = 0; i < N; i++) {
		struct lease *l;

		if (i == 1500)
			continue;
		l = take(&b);
		assert_string_equal(l->submission->id, ids[i]);
		finish(l, VERDICT_OK);
	}
	WAIT_FOR(&b, removals[0].n && removals[1].n);
	assert_int_equal(removals[0].what, FLOW_CANCELLED);
	assert_int_equal(removals[1].what, FLOW_REMOVED);
	assert_false(get(&b, ids[1500]).known);
	bench_done(&b);
}

TEST(a_running_job_is_told_once_that_it_is_cancelled)
{
	char id[JOB_ID_SIZE];
	struct bench b;
	struct lease *l;
	struct view v;
	int cancels = 0;

	bench_init(&b);
	submit(&b, id);
	l = take(&b);
	flow_on_cancel(l, on_cancel, &cancels);
	assert_int_equal(remove_job(&b, id), FLOW_CANCELLED);
	assert_int_equal(remove_job(&b, id), FLOW_CANCELLED);
	assert_int_equal(cancels, 1);
	assert_int_equal(get(&b, id).state, JOB_RUNNING);
	/* The worker was faster than the kill: the client was promised a cancelled one. */
	finish(l, VERDICT_OK);
	drain(&b);
	v = get(&b, id);
	assert_int_equal(v.verdict, VERDICT_CANCELLED);
	bench_done(&b);
}

TEST(a_cancel_reaches_a_lease_whose_worker_listens_late)
{
	char id[JOB_ID_SIZE];
	struct bench b;
	struct lease *l;
	int cancels = 0;

	bench_init(&b);
	submit(&b, id);
	l = take(&b);
	assert_int_equal(remove_job(&b, id), FLOW_CANCELLED);
	flow_on_cancel(l, on_cancel, &cancels);
	assert_int_equal(cancels, 0);
	WAIT_FOR(&b, cancels);
	/* Given back instead of finished: it does not run again. */
	flow_give_back(l, true, "");
	drain(&b);
	assert_int_equal(get(&b, id).verdict, VERDICT_CANCELLED);
	bench_done(&b);
}

TEST(removing_a_job_whose_result_is_on_its_way_waits_for_it)
{
	struct removal_answer removals[2] = { 0 };
	struct told told = { 0 };
	char id[JOB_ID_SIZE];
	struct bench b;

	bench_init(&b);
	submit(&b, id);
	flow_watch(b.flow, id, on_told, &told);
	finish(take(&b), VERDICT_OK);
	flow_remove(b.flow, id, on_removal, &removals[0]);
	flow_remove(b.flow, id, on_removal, &removals[1]);
	WAIT_FOR(&b, removals[0].n && removals[1].n);
	assert_int_equal(told.n, 1);
	assert_int_equal(removals[0].what, FLOW_REMOVED);
	assert_int_equal(removals[1].what, FLOW_NO_SUCH_JOB);
	assert_false(get(&b, id).known);
	bench_done(&b);
}

TEST(a_watch_that_was_withdrawn_says_nothing)
{
	struct told kept = { 0 }, gone = { 0 };
	struct flow_watch *w;
	char id[JOB_ID_SIZE];
	struct bench b;

	bench_init(&b);
	submit(&b, id);
	w = flow_watch(b.flow, id, on_told, &gone);
	flow_watch(b.flow, id, on_told, &kept);
	flow_unwatch(&w);
	assert_null(w);
	flow_unwatch(&w);
	finish(take(&b), VERDICT_OK);
	WAIT_FOR(&b, kept.n);
	assert_int_equal(gone.n, 0);
	bench_done(&b);
}

static void on_unwatch_other(struct result *r, void *arg)
{
	(void)r;
	flow_unwatch(arg);
}

TEST(a_watch_may_end_another_one_of_the_same_job)
{
	struct told told = { 0 };
	struct flow_watch *other;
	char id[JOB_ID_SIZE];
	struct bench b;

	bench_init(&b);
	submit(&b, id);
	flow_watch(b.flow, id, on_unwatch_other, &other);
	other = flow_watch(b.flow, id, on_told, &told);
	finish(take(&b), VERDICT_OK);
	drain(&b);
	assert_null(other);
	assert_int_equal(told.n, 0);
	bench_done(&b);
}

TEST(a_withdrawn_take_gets_nothing)
{
	struct lease *none = NULL, *l = NULL;
	struct flow_take *t;
	char id[JOB_ID_SIZE];
	struct bench b;

	bench_init(&b);
	t = flow_take(b.flow, on_take, &none);
	flow_take(b.flow, on_take, &l);
	flow_take_cancel(&t);
	assert_null(t);
	submit(&b, id);
	WAIT_FOR(&b, l);
	assert_null(none);
	finish(l, VERDICT_OK);
	bench_done(&b);
}

TEST(a_job_given_back_is_the_next_one)
{
	char first[JOB_ID_SIZE], second[JOB_ID_SIZE];
	struct bench b;
	struct lease *l;
	struct view v;

	bench_init(&b);
	submit(&b, first);
	submit(&b, second);
	flow_give_back(take(&b), true, "shutting down");
	assert_int_equal(get(&b, first).position, 0);
	l = take(&b);
	assert_string_equal(l->submission->id, first);
	assert_int_equal(l->attempt, 1); /* blameless: not counted */
	flow_give_back(l, false, "its slot broke");
	l = take(&b);
	assert_int_equal(l->attempt, 2);
	flow_give_back(l, false, "its slot broke");
	l = take(&b);
	assert_int_equal(l->attempt, 3);
	flow_give_back(l, false, "its slot broke");
	drain(&b);
	v = get(&b, first);
	assert_int_equal(v.state, JOB_FINISHED);
	assert_int_equal(v.verdict, VERDICT_INTERNAL_ERROR);
	assert_int_equal(v.attempts, 3);
	assert_string_equal(v.message,
			    "The job was started 3 times and lost each time; the last time: its slot broke.");
	l = take(&b);
	assert_string_equal(l->submission->id, second);
	finish(l, VERDICT_OK);
	bench_done(&b);
}

TEST(a_full_queue_refuses_with_a_sentence)
{
	struct submission *s = new_submission(NULL);
	struct answer a = { 0 };
	char id[JOB_ID_SIZE];
	struct err e = { 0 };
	struct bench b;

	bench_prepare(&b);
	b.options.max_queue = 2;
	bench_open(&b);
	submit(&b, id);
	submit(&b, id);
	assert_int_equal(flow_submit(b.flow, s, on_answer, &a, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_non_null(strstr(e.msg, "full"));
	assert_int_equal(flow_ready(b.flow, &e), -1);
	finish(take(&b), VERDICT_OK);
	assert_int_equal(flow_ready(b.flow, &e), 0);
	assert_int_equal(flow_submit(b.flow, s, on_answer, &a, &e), 0);
	WAIT_FOR(&b, a.n);
	submission_unref(s);
	bench_done(&b);
}

/* What a submit of that owner comes to at once; waits until it is durable. `id` may be NULL. */
static enum err_kind submit_owned(struct bench *b, const char *owner, int64_t share, char *id)
{
	struct submission *s = new_submission(NULL);
	struct answer a = { 0 };
	struct err e = { 0 };

	id_new_owned(s->created_ms, owner, s->id);
	s->share = share;
	if (id)
		memcpy(id, s->id, sizeof(s->id));
	if (flow_submit(b->flow, s, on_answer, &a, &e) == 0)
		WAIT_FOR(b, a.n);
	submission_unref(s);
	return e.kind;
}

TEST(an_owner_has_its_share_of_the_queue_whatever_becomes_of_its_jobs)
{
	char id[JOB_ID_SIZE];
	struct lease *l;
	struct bench b;

	bench_init(&b);
	for (int i = 0; i < 3; i++)
		assert_int_equal(submit_owned(&b, "00000000", 3, id), ERR_NONE);
	assert_int_equal(submit_owned(&b, "00000000", 3, NULL), ERR_TOO_MANY);
	assert_int_equal(submit_owned(&b, "11111111", 3, NULL), ERR_NONE);
	assert_int_equal(submit_owned(&b, "", 0, NULL), ERR_NONE);
	/* One runs, and there is room for one; given back it counts again. */
	l = take(&b);
	assert_int_equal(submit_owned(&b, "00000000", 3, NULL), ERR_NONE);
	flow_give_back(l, true, "");
	assert_int_equal(submit_owned(&b, "00000000", 4, NULL), ERR_TOO_MANY);
	/* One is cancelled while it waits. */
	assert_int_equal(remove_job(&b, id), FLOW_CANCELLED);
	assert_int_equal(submit_owned(&b, "00000000", 4, NULL), ERR_NONE);
	assert_int_equal(submit_owned(&b, "00000000", 4, NULL), ERR_TOO_MANY);
	/* The next process counts what it finds. */
	bench_close(&b);
	bench_open(&b);
	assert_int_equal(submit_owned(&b, "00000000", 4, NULL), ERR_TOO_MANY);
	assert_int_equal(submit_owned(&b, "00000000", 5, NULL), ERR_NONE);
	assert_int_equal(submit_owned(&b, "11111111", 2, NULL), ERR_NONE);
	bench_done(&b);
}

/* More than the window holds, so that most of them are on the disk alone. */
TEST(a_share_counts_jobs_far_behind)
{
	enum { N = 1100 };
	char id[JOB_ID_SIZE];
	struct bench b;

	bench_init(&b);
	for (int i = 0; i < N; i++)
		assert_int_equal(submit_owned(&b, "00000000", N, id), ERR_NONE);
	assert_int_equal(submit_owned(&b, "00000000", N, NULL), ERR_TOO_MANY);
	assert_int_equal(remove_job(&b, id), FLOW_CANCELLED);
	assert_int_equal(submit_owned(&b, "00000000", N, NULL), ERR_NONE);
	for (int i = 0; i < N; i++)
		finish(take(&b), VERDICT_OK);
	for (int i = 0; i < 2; i++)
		assert_int_equal(submit_owned(&b, "00000000", 2, NULL), ERR_NONE);
	assert_int_equal(submit_owned(&b, "00000000", 2, NULL), ERR_TOO_MANY);
	bench_done(&b);
}

TEST(results_are_removed_when_their_time_is_over)
{
	enum { N = 450 }; /* more than two steps */
	char id[JOB_ID_SIZE], waiting[JOB_ID_SIZE];
	struct bench b;

	bench_prepare(&b);
	b.options.result_ttl_ms = 100;
	bench_open(&b);
	for (int i = 0; i < N; i++) {
		struct submission *s = new_submission(NULL);
		struct answer a = { 0 };
		struct err e;

		memcpy(id, s->id, JOB_ID_SIZE);
		assert_int_equal(flow_submit(b.flow, s, on_answer, &a, &e), 0);
		submission_unref(s);
		finish(take(&b), VERDICT_OK);
		WAIT_FOR(&b, a.n);
	}
	submit(&b, waiting);
	WAIT_FOR(&b, !get(&b, id).known);
	assert_int_equal(get(&b, waiting).state, JOB_QUEUED);
	bench_done(&b);
}

TEST(waiting_jobs_and_results_are_there_after_a_restart)
{
	char done[JOB_ID_SIZE], waiting[JOB_ID_SIZE];
	struct bench b;
	struct lease *l;

	bench_init(&b);
	submit(&b, done);
	submit(&b, waiting);
	finish(take(&b), VERDICT_OK);
	bench_close(&b); /* not drained: closing is what makes it durable */
	bench_open(&b);
	assert_int_equal(get(&b, done).verdict, VERDICT_OK);
	assert_int_equal(get(&b, waiting).state, JOB_QUEUED);
	l = take(&b);
	assert_string_equal(l->submission->id, waiting);
	assert_string_equal(l->submission->files[0].content.data, "print(1)");
	finish(l, VERDICT_OK);
	bench_done(&b);
}

TEST(large_input_is_kept_whole)
{
	enum { SIZE = 16 << 20 };
	struct submission *s = new_submission(NULL);
	char *input = malloc(SIZE);
	struct answer a = { 0 };
	struct err e;
	struct bench b;
	struct lease *l;

	assert_non_null(input);
	memset(input, 'x', SIZE);
	assert_true(bytes_set(&s->input, input, SIZE));
	bench_init(&b);
	assert_int_equal(flow_submit(b.flow, s, on_answer, &a, &e), 0);
	WAIT_FOR(&b, a.n);
	submission_unref(s);
	bench_close(&b);
	bench_open(&b);
	l = take(&b);
	assert_int_equal(l->submission->input.len, SIZE);
	assert_memory_equal(l->submission->input.data, input, SIZE);
	finish(l, VERDICT_OK);
	free(input);
	bench_done(&b);
}

TEST(closing_answers_everything)
{
	struct removal_answer removal = { 0 };
	struct answer a = { 0 }, drained = { 0 };
	struct submission *s = new_submission(NULL);
	struct view v = { 0 };
	struct err e;
	struct bench b;

	bench_init(&b);
	assert_int_equal(flow_submit(b.flow, s, on_answer, &a, &e), 0);
	flow_get(b.flow, s->id, on_view, &v);
	flow_remove(b.flow, s->id, on_removal, &removal);
	flow_drain(b.flow, on_answer, &drained);
	bench_close(&b);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.err.kind, ERR_NONE);
	assert_int_equal(v.n, 1);
	assert_int_equal(removal.n, 1);
	assert_int_equal(removal.what, FLOW_CANCELLED);
	assert_int_equal(drained.n, 1);
	submission_unref(s);
	bench_done(&b);
}

UNIT_MAIN(T(a_job_goes_from_submit_to_a_stored_result), T(an_unknown_job_is_unknown),
	  T(a_result_is_not_shown_before_it_is_durable),
	  T(a_job_may_run_before_it_is_durable_but_is_not_shown),
	  T(jobs_come_oldest_first_and_know_their_position), T(a_waiting_job_is_cancelled_and_never_runs),
	  T(a_job_far_behind_is_cancelled_too), T(a_running_job_is_told_once_that_it_is_cancelled),
	  T(a_cancel_reaches_a_lease_whose_worker_listens_late),
	  T(removing_a_job_whose_result_is_on_its_way_waits_for_it),
	  T(a_watch_that_was_withdrawn_says_nothing), T(a_watch_may_end_another_one_of_the_same_job),
	  T(a_withdrawn_take_gets_nothing), T(a_job_given_back_is_the_next_one),
	  T(a_full_queue_refuses_with_a_sentence),
	  T(an_owner_has_its_share_of_the_queue_whatever_becomes_of_its_jobs),
	  T(a_share_counts_jobs_far_behind), T(results_are_removed_when_their_time_is_over),
	  T(waiting_jobs_and_results_are_there_after_a_restart), T(large_input_is_kept_whole),
	  T(closing_answers_everything))
