/* SPDX-License-Identifier: MIT */
/* The distributed flow among others at its queue: jobs and results of producers and workers that are not
 * ours, and what people do by hand. */
#include <string.h>

#include "queue/flow_redis_scene.h"

static void add_foreign(const char *id, const char *data, const char *opts)
{
	ask("HSET bull:jobs:%s name x data %s opts %s timestamp %lld delay 0 priority 0", id, data, opts,
	    (long long)clock_wall_ms());
	ask("LPUSH bull:jobs:wait %s", id);
	ask("ZADD bull:jobs:marker 0 0");
}

TEST(another_producers_job_is_run_and_kept)
{
	struct lease *l;

	add_foreign("42", "{\"code\":\"print(2)\",\"language\":\"python\"}", "{\"attempts\":0}");
	assert_int_equal(get(&api, "42").state, JOB_QUEUED);
	l = take(&worker);
	assert_string_equal(l->submission->id, "42");
	assert_memory_equal(l->submission->files[0].content.data, "print(2)", 8);
	finish(l, VERDICT_OK);
	WAIT_FOR(&api, get(&api, "42").state == JOB_FINISHED);
	assert_false(get(&api, "43").known);
}

static void run_foreign(const char *id, enum verdict v)
{
	struct lease *l = take(&worker);

	assert_string_equal(l->submission->id, id);
	finish(l, v);
	WAIT_FOR(&api, get(&api, id).state == JOB_FINISHED);
	assert_int_equal(get(&api, id).verdict, v);
	drain(&worker);
}

#define PYTHON "{\"code\":\"print(2)\",\"language\":\"python\"}"

TEST(an_id_that_comes_again_is_another_job)
{
	struct result *told = NULL;
	struct flow_watch *w;

	add_foreign("1", PYTHON, "{}");
	run_foreign("1", VERDICT_OK);
	ask("FLUSHALL");
	/* Whoever sent it waits and must not be told of the first one. */
	add_foreign("1", PYTHON, "{}");
	assert_int_equal(get(&api, "1").state, JOB_QUEUED);
	w = flow_watch(api.flow, "1", on_watched, &told);
	assert_non_null(w);
	ask("CLIENT KILL TYPE normal"); /* now it looks whether it has missed anything */
	WAIT_FOR(&api, is_ready(&api) && is_ready(&worker));
	run_foreign("1", VERDICT_RUNTIME_ERROR);
	WAIT_FOR(&api, told);
	assert_int_equal(told->verdict, VERDICT_RUNTIME_ERROR);
	result_unref(told);
}

/* As BullMQ does it. */
static void retry_by_hand(const char *id, const char *from)
{
	ask("ZREM bull:jobs:%s %s", from, id);
	ask("HDEL bull:jobs:%s finishedOn processedOn failedReason returnvalue", id);
	ask("LPUSH bull:jobs:wait %s", id);
	ask("ZADD bull:jobs:marker 0 0");
}

TEST(a_job_that_is_retried_by_hand_runs_again)
{
	struct lease *l;
	int n = 0;

	add_foreign("1", PYTHON, "{}");
	run_foreign("1", VERDICT_OK);
	retry_by_hand("1", "completed");
	assert_int_equal(get(&api, "1").state, JOB_QUEUED);
	l = take(&worker);
	assert_int_equal(get(&api, "1").state, JOB_RUNNING);
	/* Its worker dies: the next one knows that it has begun anew. */
	flow_on_cancel(l, on_cancel, &n);
	ask("DEL bull:jobs:1:lock");
	WAIT_FOR(&api, n);
	finish(l, VERDICT_OK);
	assert_int_not_equal(get(&api, "1").state, JOB_FINISHED);
	run_foreign("1", VERDICT_RUNTIME_ERROR);
	assert_answer("1", "ZCARD bull:jobs:completed");
	retry_by_hand("1", "completed");
	run_foreign("1", VERDICT_MEMORY_LIMIT);
}

TEST(a_job_of_ours_keeps_its_result_when_it_is_retried_by_hand)
{
	char id[JOB_ID_SIZE];
	struct lease *none = NULL;
	struct flow_take *t;

	submit(&api, id);
	finish(take(&worker), VERDICT_OK);
	drain(&worker);
	retry_by_hand(id, "completed");
	assert_int_equal(get(&api, id).verdict, VERDICT_OK);
	t = flow_take(worker.flow, on_take, &none);
	WAIT_FOR(&api, strcmp(ask("ZRANGE bull:jobs:completed 0 -1"), id) == 0);
	flow_take_cancel(&t);
	assert_null(none);
}

TEST(the_queues_own_keys_are_no_jobs)
{
	static const char *const names[] = { "meta", "wait",   "active",  "events",	"marker",
					     "id",   "failed", "delayed", "cc:workers", "completed" };
	char id[JOB_ID_SIZE];

	add_foreign("x", "{\"code\":1}", "{}");
	ask("ZADD bull:jobs:failed 1 y");
	ask("ZADD bull:jobs:completed 1 y");
	ask("ZADD bull:jobs:delayed 1 y");
	submit(&api, id);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_false(get(&api, names[i]).known);
		assert_int_equal(remove_job(&api, names[i]), FLOW_NO_SUCH_JOB);
		assert_answer("1", "EXISTS bull:jobs:meta");
	}
}

TEST(data_that_is_no_submission_fails_with_the_reason)
{
	struct lease *none = NULL;
	struct flow_take *t = flow_take(worker.flow, on_take, &none);

	add_foreign("a", "{\"code\":1,\"language\":\"python\"}", "{\"attempts\":5}");
	add_foreign("b", "{\"code\":\"\",\"language\":\"cobol\"}", "{}");
	add_foreign("c", "[]", "{}");
	WAIT_FOR(&api, strcmp(ask("ZCARD bull:jobs:failed"), "3") == 0);
	assert_non_null(strstr(ask("HGET bull:jobs:a failedReason"), "code"));
	assert_non_null(strstr(ask("HGET bull:jobs:b failedReason"), "cobol"));
	flow_take_cancel(&t);
	assert_null(none);
	assert_int_equal(get(&api, "a").verdict, VERDICT_INTERNAL_ERROR);
}

TEST(what_another_kind_of_worker_returned_is_taken_over)
{
	struct result *told = NULL;
	struct flow_watch *w;
	char id[JOB_ID_SIZE];

	submit(&api, id);
	w = flow_watch(api.flow, id, on_watched, &told);
	assert_non_null(w);
	ask("RPOPLPUSH bull:jobs:wait bull:jobs:active");
	ask("LREM bull:jobs:active 0 %s", id);
	ask("HSET bull:jobs:%s returnvalue %s finishedOn 5 ats 1", id, "\"hello\"");
	ask("ZADD bull:jobs:completed 5 %s", id);
	ask("XADD bull:jobs:events * event completed jobId %s returnvalue x prev active", id);
	WAIT_FOR(&api, told);
	assert_int_equal(told->verdict, VERDICT_OK);
	assert_memory_equal(told->run.out.data.data, "hello", 5);
	assert_true(told->foreign);
	result_unref(told);
	assert_int_equal(get(&api, id).state, JOB_FINISHED);
}

TEST(delayed_prioritised_and_paused_jobs_come_when_they_may)
{
	int64_t due = clock_wall_ms() + 150;
	struct lease *l;

	ask("HSET bull:jobs:meta paused 1");
	add_foreign("later", "{\"code\":\"1\",\"language\":\"python\"}", "{}");
	ask("LREM bull:jobs:wait 0 later");
	ask("ZADD bull:jobs:delayed %lld later", (long long)(due * 4096));
	add_foreign("low", "{\"code\":\"1\",\"language\":\"python\"}", "{}");
	ask("LREM bull:jobs:wait 0 low");
	ask("HSET bull:jobs:low priority 5");
	ask("ZADD bull:jobs:prioritized 21474836481 low");
	add_foreign("first", "{\"code\":\"1\",\"language\":\"python\"}", "{}");
	ask("HDEL bull:jobs:meta paused");
	ask("ZADD bull:jobs:marker 0 0");
	l = take(&worker);
	assert_string_equal(l->submission->id, "first");
	finish(l, VERDICT_OK);
	l = take(&worker);
	assert_string_equal(l->submission->id, "low");
	finish(l, VERDICT_OK);
	l = take(&worker);
	assert_string_equal(l->submission->id, "later");
	assert_true(clock_wall_ms() >= due);
	finish(l, VERDICT_OK);
}

TEST(the_producers_backoff_is_kept)
{
	int64_t given_back;
	struct lease *l;

	add_foreign("b", "{\"code\":\"1\",\"language\":\"python\"}",
		    "{\"attempts\":3,\"backoff\":{\"type\":\"exponential\",\"delay\":100}}");
	l = take(&worker);
	flow_give_back(l, false, "Once.");
	l = take(&worker);
	given_back = clock_wall_ms();
	flow_give_back(l, false, "Twice.");
	l = take(&worker);
	assert_true(clock_wall_ms() - given_back >= 200);
	assert_answer("2", "HGET bull:jobs:b atm");
	assert_answer("Twice.", "HGET bull:jobs:b failedReason");
	flow_give_back(l, false, "Thrice.");
	WAIT_FOR(&api, get(&api, "b").state == JOB_FINISHED);
	drain(&worker);
	assert_non_null(strstr(ask("XRANGE bull:jobs:events - +"), "retries-exhausted"));
}

UNIT_MAIN(R(another_producers_job_is_run_and_kept), R(an_id_that_comes_again_is_another_job),
	  R(a_job_that_is_retried_by_hand_runs_again),
	  R(a_job_of_ours_keeps_its_result_when_it_is_retried_by_hand), R(the_queues_own_keys_are_no_jobs),
	  R(data_that_is_no_submission_fails_with_the_reason),
	  R(what_another_kind_of_worker_returned_is_taken_over),
	  R(delayed_prioritised_and_paused_jobs_come_when_they_may), R(the_producers_backoff_is_kept))
