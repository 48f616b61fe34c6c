/* SPDX-License-Identifier: MIT */
/* A job's way through the distributed flow: there and back, attempts, cancels, leases, stalls. */
#include <stdlib.h>
#include <string.h>

#include "queue/flow_redis_scene.h"

TEST(a_job_goes_from_one_process_to_another_and_its_result_back)
{
	struct result *told = NULL;
	struct flow_watch *w;
	char id[JOB_ID_SIZE];
	struct lease *l;

	submit(&api, id);
	assert_answer(id, "LRANGE bull:jobs:wait 0 -1");
	assert_answer("run", "HGET bull:jobs:%s name", id);
	assert_non_null(strstr(ask("HGET bull:jobs:%s data", id), "\"code\":\"print(1)\""));
	assert_answer("0 0", "ZRANGE bull:jobs:marker 0 -1 WITHSCORES");
	assert_int_equal(get(&api, id).state, JOB_QUEUED);
	w = flow_watch(api.flow, id, on_watched, &told);
	assert_non_null(w);
	l = take(&worker);
	assert_string_equal(l->submission->id, id);
	assert_int_equal(l->attempt, 1);
	assert_memory_equal(l->submission->files[0].content.data, "print(1)", 8);
	assert_answer(id, "LRANGE bull:jobs:active 0 -1");
	assert_int_equal(get(&api, id).state, JOB_RUNNING);
	finish(l, VERDICT_OK);
	WAIT_FOR(&api, told);
	assert_int_equal(told->verdict, VERDICT_OK);
	result_unref(told);
	drain(&worker);
	assert_int_equal(get(&api, id).state, JOB_FINISHED);
	assert_answer("0", "LLEN bull:jobs:active");
	assert_answer(id, "ZRANGE bull:jobs:completed 0 -1");
	assert_answer("0", "EXISTS bull:jobs:%s:lock", id);
	assert_non_null(strstr(ask("HGET bull:jobs:%s returnvalue", id), "\"verdict\":\"ok\""));
	assert_answer("1", "HGET bull:jobs:%s atm", id);
	assert_int_equal(rows.n_finishes, 1);
}

TEST(a_large_submission_stays_in_the_store)
{
	struct submission *s = new_submission(NULL);
	struct answer a = { 0 };
	struct lease *l;
	struct err e;
	char *input = malloc(2 << 20);

	memset(input, 'x', 2 << 20);
	assert_true(bytes_set(&s->input, input, 2 << 20));
	assert_int_equal(flow_submit(api.flow, s, on_answer, &a, &e), 0);
	WAIT_FOR(&api, a.n);
	assert_answer("{\"language\":\"python\",\"stored\":true}", "HGET bull:jobs:%s data", s->id);
	l = take(&worker);
	assert_int_equal(l->submission->input.len, 2 << 20);
	finish(l, VERDICT_OK);
	submission_unref(s);
	free(input);
}

TEST(a_job_that_is_there_already_is_not_added_twice)
{
	struct submission *s = new_submission(NULL);
	struct answer a = { 0 };
	struct err e;

	ask("HSET bull:jobs:%s name run data {} opts {} timestamp 1", s->id);
	assert_int_equal(flow_submit(api.flow, s, on_answer, &a, &e), 0);
	WAIT_FOR(&api, a.n);
	assert_int_equal(a.err.kind, ERR_NONE);
	assert_answer("0", "LLEN bull:jobs:wait");
	assert_answer("1", "GET bull:jobs:id");
	assert_non_null(strstr(ask("XRANGE bull:jobs:events - +"), "duplicated"));
	submission_unref(s);
}

TEST(a_failed_attempt_is_followed_by_others_and_then_by_a_sentence)
{
	char id[JOB_ID_SIZE];

	submit(&api, id);
	for (int n = 1; n <= 3; n++) {
		struct lease *l = take(&worker);

		assert_int_equal(l->attempt, n);
		flow_give_back(l, false, "The container was lost.");
	}
	WAIT_FOR(&api, get(&api, id).state == JOB_FINISHED);
	assert_int_equal(get(&api, id).verdict, VERDICT_INTERNAL_ERROR);
	drain(&worker);
	assert_answer(id, "ZRANGE bull:jobs:failed 0 -1");
	assert_non_null(
		strstr(ask("HGET bull:jobs:%s failedReason", id), "the last time: The container was lost."));
	assert_answer("3", "HGET bull:jobs:%s atm", id);
}

TEST(what_is_given_back_without_blame_costs_no_attempt_and_is_next)
{
	char first[JOB_ID_SIZE], second[JOB_ID_SIZE];
	struct lease *l;

	submit(&api, first);
	submit(&api, second);
	l = take(&worker);
	flow_give_back(l, true, "");
	drain(&worker);
	l = take(&worker);
	assert_string_equal(l->submission->id, first);
	assert_int_equal(l->attempt, 1);
	finish(l, VERDICT_OK);
	finish(take(&worker), VERDICT_OK);
}

TEST(a_waiting_job_is_cancelled_and_never_runs)
{
	struct result *told = NULL;
	struct flow_watch *w;
	char id[JOB_ID_SIZE];

	submit(&api, id);
	w = flow_watch(api.flow, id, on_watched, &told);
	assert_non_null(w);
	assert_int_equal(remove_job(&api, id), FLOW_CANCELLED);
	WAIT_FOR(&api, told);
	assert_int_equal(told->verdict, VERDICT_CANCELLED);
	result_unref(told);
	assert_answer("0", "LLEN bull:jobs:wait");
	assert_answer("The job was cancelled before it started.", "HGET bull:jobs:%s failedReason", id);
	assert_int_equal(remove_job(&api, id), FLOW_REMOVED);
	assert_answer("0", "EXISTS bull:jobs:%s", id);
	assert_false(get(&api, id).known);
	assert_int_equal(remove_job(&api, id), FLOW_NO_SUCH_JOB);
}

TEST(a_running_job_is_cancelled_from_another_process)
{
	char id[JOB_ID_SIZE];
	struct lease *l;
	int n = 0;

	submit(&api, id);
	l = take(&worker);
	flow_on_cancel(l, on_cancel, &n);
	assert_int_equal(remove_job(&api, id), FLOW_CANCELLED);
	WAIT_FOR(&api, n);
	finish(l, VERDICT_CANCELLED);
	WAIT_FOR(&api, get(&api, id).state == JOB_FINISHED);
	assert_int_equal(get(&api, id).verdict, VERDICT_CANCELLED);
}

TEST(a_dead_workers_job_is_taken_again_and_the_zombie_changes_nothing)
{
	char id[JOB_ID_SIZE];
	struct lease *zombie, *l;
	int n = 0;

	submit(&api, id);
	open_flow(&other, false, true);
	zombie = take(&other);
	flow_on_cancel(zombie, on_cancel, &n);
	redis_rig_ask(&rig, "DEL bull:jobs:%s:lock", id);
	l = take(&worker);
	assert_int_equal(l->attempt, 2);
	assert_answer("1", "HGET bull:jobs:%s stc", id);
	WAIT_FOR(&api, n); /* it learns that its lease is lost */
	finish(zombie, VERDICT_RUNTIME_ERROR);
	finish(l, VERDICT_OK);
	WAIT_FOR(&api, get(&api, id).state == JOB_FINISHED);
	assert_int_equal(get(&api, id).verdict, VERDICT_OK);
	assert_int_equal(rows.n_finishes, 1);
}

TEST(only_the_holder_of_the_lock_ends_a_job)
{
	char id[JOB_ID_SIZE], next[JOB_ID_SIZE];
	struct lease *zombie;

	submit(&api, id);
	zombie = take(&worker);
	redis_rig_ask(&rig, "SET bull:jobs:%s:lock somebody PX 60000", id);
	finish(zombie, VERDICT_OK); /* it does not know yet */
	/* What follows on the same connection is answered later. */
	submit(&api, next);
	finish(take(&worker), VERDICT_OK);
	WAIT_FOR(&api, *ask("ZSCORE bull:jobs:completed %s", next));
	assert_answer(id, "LRANGE bull:jobs:active 0 -1");
	assert_answer("1", "ZCARD bull:jobs:completed");
	assert_answer("somebody", "GET bull:jobs:%s:lock", id);
}

TEST(a_job_that_stalls_too_often_ends)
{
	char id[JOB_ID_SIZE];
	struct flow_take *t;
	struct lease *none = NULL;

	submit(&api, id);
	for (int i = 1; i <= 3; i++) {
		struct lease *l = take(&worker);
		int n = 0;

		assert_int_equal(l->attempt, i);
		flow_on_cancel(l, on_cancel, &n);
		redis_rig_ask(&rig, "DEL bull:jobs:%s:lock", id);
		WAIT_FOR(&api, n);
		finish(l, VERDICT_OK); /* dropped */
	}
	t = flow_take(worker.flow, on_take, &none);
	WAIT_FOR(&api, get(&api, id).state == JOB_FINISHED);
	flow_take_cancel(&t);
	assert_int_equal(get(&api, id).verdict, VERDICT_INTERNAL_ERROR);
	assert_null(none);
}

/* A lease of `worker` runs out under it. */
static void stall(struct lease *l, const char *id)
{
	int n = 0;

	flow_on_cancel(l, on_cancel, &n);
	redis_rig_ask(&rig, "DEL bull:jobs:%s:lock", id);
	WAIT_FOR(&api, n);
	finish(l, VERDICT_OK); /* dropped */
}

static void assert_ends_without_a_start(const char *id)
{
	struct lease *none = NULL;
	struct flow_take *t = flow_take(worker.flow, on_take, &none);

	WAIT_FOR(&api, get(&api, id).state == JOB_FINISHED);
	flow_take_cancel(&t);
	assert_null(none);
	assert_int_equal(get(&api, id).verdict, VERDICT_INTERNAL_ERROR);
	assert_int_equal(fake_rows_find(&rows, id)->result->attempts, 3);
}

TEST(failures_and_stalls_share_the_attempts)
{
	char id[JOB_ID_SIZE];

	submit(&api, id);
	flow_give_back(take(&worker), false, "The container was lost.");
	drain(&worker);
	for (int i = 2; i <= 3; i++) {
		struct lease *l = take(&worker);

		assert_int_equal(l->attempt, i);
		stall(l, id);
	}
	assert_ends_without_a_start(id);
}

TEST(stalls_and_then_a_failure_share_the_attempts)
{
	char id[JOB_ID_SIZE];

	submit(&api, id);
	stall(take(&worker), id);
	stall(take(&worker), id);
	flow_give_back(take(&worker), false, "The container was lost.");
	assert_ends_without_a_start(id);
}

TEST(a_job_that_another_kind_of_worker_put_back_too_often_ends)
{
	char id[JOB_ID_SIZE];

	submit(&api, id);
	ask("HSET bull:jobs:%s ats 3", id);
	assert_ends_without_a_start(id);
	assert_non_null(strstr(ask("HGET bull:jobs:%s failedReason", id), "started 3 times"));
}

TEST(a_job_with_a_result_is_ended_and_not_run_again)
{
	char id[JOB_ID_SIZE];
	struct result *r;
	struct lease *none = NULL;
	struct flow_take *t;

	submit(&api, id);
	/* Its worker died between its two writes. */
	r = result_without_run(id, "python", 1, 2, 1, VERDICT_RUNTIME_ERROR, NULL);
	fake_rows_find(&rows, id)->result = r;
	ask("HSET bull:jobs:%s ats 1", id);
	t = flow_take(worker.flow, on_take, &none);
	WAIT_FOR(&api, strcmp(ask("ZCARD bull:jobs:completed"), "1") == 0);
	flow_take_cancel(&t);
	assert_null(none);
	assert_non_null(strstr(ask("HGET bull:jobs:%s returnvalue", id), "runtime_error"));
}

UNIT_MAIN(R(a_job_goes_from_one_process_to_another_and_its_result_back),
	  R(a_large_submission_stays_in_the_store), R(a_job_that_is_there_already_is_not_added_twice),
	  R(a_failed_attempt_is_followed_by_others_and_then_by_a_sentence),
	  R(what_is_given_back_without_blame_costs_no_attempt_and_is_next),
	  R(a_waiting_job_is_cancelled_and_never_runs), R(a_running_job_is_cancelled_from_another_process),
	  R(a_dead_workers_job_is_taken_again_and_the_zombie_changes_nothing),
	  R(only_the_holder_of_the_lock_ends_a_job), R(a_job_that_stalls_too_often_ends),
	  R(failures_and_stalls_share_the_attempts), R(stalls_and_then_a_failure_share_the_attempts),
	  R(a_job_that_another_kind_of_worker_put_back_too_often_ends),
	  R(a_job_with_a_result_is_ended_and_not_run_again))
