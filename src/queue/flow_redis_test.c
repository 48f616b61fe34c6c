/* SPDX-License-Identifier: MIT */
/* The distributed flow over a real Redis; rows are in memory. */
#include <stdlib.h>
#include <string.h>

#include "job/submission.h"
#include "lang/lang.h"
#include "queue/fake_store.h"
#include "queue/flow_testing.h"
#include "queue/redis_rig.h"
#include "queue/workers.h"

static struct redis_rig rig;
static struct fake_rows rows;
static struct bench api, worker, other; /* one event loop, several processes' flows */

static char *run_argv[] = { (char *)"run", NULL };
static struct lang languages[] = { { .name = (char *)"python",
				     .source = (char *)"main.py",
				     .run = { run_argv, 1 },
				     .available = true,
				     .version = (char *)"3.11.2" } };
static struct lang_table langs = { languages, 1 };
#define LIMITS                                                           \
	{                                                                \
		10000, 20000, 256 << 20, 64, 1 << 20, 64 << 20, 64 << 20 \
	}
static const struct submission_policy policy = {
	.langs = &langs,
	.source_max = 4 << 20,
	.stdin_max = 4 << 20,
	.files_max = 10,
	.args_max = 10,
	.defaults = LIMITS,
	.maxima = LIMITS,
	.compile_defaults = LIMITS,
	.compile_maxima = LIMITS,
};
static const char *seen_version;

static void on_languages(const char *const *versions, void *arg)
{
	(void)arg;
	seen_version = versions[0] ? "3.11.2" : NULL;
}

static void open_flow(struct bench *b, bool serves, bool takes)
{
	struct flow_redis_options o = {
		.url = rig.url,
		.prefix = "bull",
		.name = "jobs",
		.max_queue = 100,
		.result_ttl_ms = 3600000,
		.attempts_max = 3,
		.inline_max = 1000,
		.serves = serves,
		.takes = takes,
		.slots = 2,
		.policy = &policy,
		.languages = on_languages,
		.lock_ms = 600,
		.stalled_ms = 200,
		.reconcile_ms = 300,
	};
	struct err e = { 0 };

	b->base = api.base;
	o.store = fake_store_open(b->base, &rows);
	b->flow = flow_open_redis(b->base, &o, &e);
	if (!b->flow)
		fail_msg("%s", e.msg);
}

static bool is_ready(struct bench *b)
{
	struct err e;

	return flow_ready(b->flow, &e) == 0;
}

static int setup(void **state)
{
	(void)state;
	api.base = event_base_new();
	redis_rig_start(&rig);
	open_flow(&api, true, false);
	open_flow(&worker, false, true);
	WAIT_FOR(&api, is_ready(&api) && is_ready(&worker));
	return 0;
}

static void close_flow(struct bench *b)
{
	if (b->flow)
		flow_close(b->flow);
	b->flow = NULL;
}

static int teardown(void **state)
{
	(void)state;
	close_flow(&api);
	close_flow(&worker);
	close_flow(&other);
	event_base_free(api.base);
	fake_rows_done(&rows);
	redis_rig_done(&rig);
	return 0;
}

#define ask(...)		 redis_rig_ask(&rig, __VA_ARGS__)
#define assert_answer(want, ...) assert_string_equal(ask(__VA_ARGS__), want)

static void on_watched(struct result *r, void *arg)
{
	*(struct result **)arg = result_ref(r);
}

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

TEST(without_redis_submits_are_refused_and_results_wait)
{
	struct submission *s;
	struct answer a = { 0 };
	char id[JOB_ID_SIZE];
	struct lease *l;
	struct err e;

	submit(&api, id);
	l = take(&worker);
	redis_rig_kill(&rig);
	finish(l, VERDICT_OK);
	WAIT_FOR(&api, !is_ready(&api));
	s = new_submission(NULL);
	assert_int_equal(flow_submit(api.flow, s, on_answer, &a, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_non_null(strstr(e.msg, "Redis at 127.0.0.1"));
	submission_unref(s);
	assert_int_equal(get(&api, id).state, JOB_FINISHED); /* the row knows */
	redis_rig_restart(&rig);
	WAIT_FOR(&api, is_ready(&api));
	drain(&worker);
	WAIT_FOR(&api, strcmp(ask("ZRANGE bull:jobs:completed 0 -1"), id) == 0);
}

static void submit_in_vain(void)
{
	struct submission *s = new_submission(NULL);
	struct answer a = { 0 };
	struct err e;

	assert_int_equal(flow_submit(api.flow, s, on_answer, &a, &e), 0);
	WAIT_FOR(&api, a.n);
	assert_int_equal(a.err.kind, ERR_BUSY);
	assert_false(get(&api, s->id).known);
	assert_true(fake_rows_find(&rows, s->id)->rejected);
	submission_unref(s);
}

TEST(a_full_or_read_only_redis_rejects_the_submit_and_its_row)
{
	ask("CONFIG SET maxmemory 1");
	submit_in_vain();
	ask("CONFIG SET maxmemory 0");
	ask("REPLICAOF 127.0.0.1 1");
	submit_in_vain();
	ask("REPLICAOF NO ONE");
	assert_answer("0", "LLEN bull:jobs:wait");
}

TEST(a_redis_that_lost_its_memory_gets_the_jobs_again)
{
	char id[JOB_ID_SIZE];
	struct lease *l;

	submit(&api, id);
	ask("FLUSHALL");
	l = take(&worker);
	assert_string_equal(l->submission->id, id);
	finish(l, VERDICT_OK);
}

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

TEST(apis_know_what_live_workers_can_run)
{
	flow_publish(worker.flow);
	WAIT_FOR(&api, seen_version);
	flow_retire(worker.flow);
	WAIT_FOR(&api, !seen_version);
}

/* The one worker as the API sees it, or NULL. */
static const struct queue_worker *the_worker(void)
{
	const struct queue_worker *w;
	size_t n;
	struct err e;

	return flow_workers(api.flow, &w, &n, &e) == 0 && n == 1 ? w : NULL;
}

TEST(a_worker_is_seen_alive_draining_gone_and_dead)
{
	struct flow_counts c;
	char id[JOB_ID_SIZE];
	struct lease *l;

	submit(&api, id);
	l = take(&worker);
	flow_publish(worker.flow);
	WAIT_FOR(&api, the_worker() && the_worker()->running == 1);
	assert_true(the_worker()->alive && !the_worker()->draining);
	assert_int_equal(the_worker()->slots, 2);
	assert_string_equal(the_worker()->version, CODECRUSHER_VERSION);
	assert_true(the_worker()->started_ms > 0 && the_worker()->started_ms <= the_worker()->seen_ms + 1);
	assert_string_equal(json_string_value(json_object_get(the_worker()->languages, "python")), "3.11.2");
	flow_counts(api.flow, &c);
	assert_int_equal(c.workers, 1);
	assert_int_equal(c.worker_slots, 2);
	flow_retire(worker.flow);
	WAIT_FOR(&api, the_worker()->draining);
	flow_counts(api.flow, &c);
	assert_int_equal(c.workers, 0);
	finish(l, VERDICT_OK);
	drain(&worker);
	WAIT_FOR(&api, !the_worker());
	/* One that died told nobody. */
	ask("HSET bull:jobs:cc:workers:info cc-x %s", "{\"id\":\"cc-x\",\"slots\":4}");
	ask("ZADD bull:jobs:cc:workers %lld cc-x", (long long)clock_wall_ms() - 1000);
	WAIT_FOR(&api, the_worker());
	assert_false(the_worker()->alive);
	assert_int_equal(the_worker()->slots, 4);
	assert_string_equal(the_worker()->host, "");
}

TEST(a_full_queue_is_busy)
{
	struct answer a = { 0 };
	struct err e;
	int refused = 0;

	for (int i = 0; i < 101; i++) {
		struct submission *s = new_submission(NULL);

		assert_int_equal(flow_submit(api.flow, s, on_answer, &a, &e), 0);
		submission_unref(s);
	}
	WAIT_FOR(&api, a.n == 101);
	refused = a.err.kind == ERR_BUSY;
	assert_int_equal(refused, 1);
	assert_answer("100", "LLEN bull:jobs:wait");
}

/* What the submit of a job of that owner comes to. */
static enum err_kind submit_owned(const char *owner, int64_t share, char id[JOB_ID_SIZE])
{
	struct submission *s = new_submission(NULL);
	struct answer a = { 0 };
	struct err e;

	id_new_owned(s->created_ms, owner, s->id);
	s->share = share;
	memcpy(id, s->id, JOB_ID_SIZE);
	assert_int_equal(flow_submit(api.flow, s, on_answer, &a, &e), 0);
	submission_unref(s);
	WAIT_FOR(&api, a.n);
	return a.err.kind;
}

TEST(an_owner_has_its_share_of_the_queue_whoever_runs_its_jobs)
{
	char id[JOB_ID_SIZE], first[JOB_ID_SIZE];

	assert_int_equal(submit_owned("00000000", 3, first), ERR_NONE);
	for (int i = 0; i < 2; i++)
		assert_int_equal(submit_owned("00000000", 3, id), ERR_NONE);
	assert_answer("3", "LLEN bull:jobs:cc:held:00000000");
	assert_int_equal(submit_owned("00000000", 3, first), ERR_TOO_MANY);
	assert_int_equal(submit_owned("11111111", 3, first), ERR_NONE);
	/* One is cancelled in the middle. */
	assert_int_equal(remove_job(&api, id), FLOW_CANCELLED);
	assert_int_equal(submit_owned("00000000", 3, first), ERR_NONE);
	assert_int_equal(submit_owned("00000000", 3, first), ERR_TOO_MANY);
	/* A worker of any kind takes the oldest. */
	ask("EVAL %s 0", "local id = redis.call('RPOPLPUSH', 'bull:jobs:wait', 'bull:jobs:active') "
			 "return redis.call('HSET', 'bull:jobs:' .. id, 'processedOn', 1)");
	assert_int_equal(submit_owned("00000000", 3, first), ERR_NONE);
	assert_int_equal(submit_owned("00000000", 3, first), ERR_TOO_MANY);
	assert_answer("3", "LLEN bull:jobs:cc:held:00000000");
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

TEST(password_and_database_come_from_the_url)
{
	char id[JOB_ID_SIZE];

	ask("CONFIG SET requirepass sesame");
	snprintf(rig.url, sizeof(rig.url), "redis://:sesame@127.0.0.1:%d/2", rig.port);
	close_flow(&api);
	open_flow(&api, true, false);
	WAIT_FOR(&api, is_ready(&api));
	submit(&api, id);
	ask("SELECT 2");
	assert_answer(id, "LRANGE bull:jobs:wait 0 -1");
}

#define R(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		R(a_job_goes_from_one_process_to_another_and_its_result_back),
		R(a_failed_attempt_is_followed_by_others_and_then_by_a_sentence),
		R(what_is_given_back_without_blame_costs_no_attempt_and_is_next),
		R(a_waiting_job_is_cancelled_and_never_runs),
		R(a_running_job_is_cancelled_from_another_process),
		R(a_dead_workers_job_is_taken_again_and_the_zombie_changes_nothing),
		R(only_the_holder_of_the_lock_ends_a_job),
		R(a_job_that_stalls_too_often_ends),
		R(failures_and_stalls_share_the_attempts),
		R(stalls_and_then_a_failure_share_the_attempts),
		R(a_job_that_another_kind_of_worker_put_back_too_often_ends),
		R(a_job_with_a_result_is_ended_and_not_run_again),
		R(without_redis_submits_are_refused_and_results_wait),
		R(a_full_or_read_only_redis_rejects_the_submit_and_its_row),
		R(a_redis_that_lost_its_memory_gets_the_jobs_again),
		R(another_producers_job_is_run_and_kept),
		R(an_id_that_comes_again_is_another_job),
		R(a_job_that_is_retried_by_hand_runs_again),
		R(a_job_of_ours_keeps_its_result_when_it_is_retried_by_hand),
		R(the_queues_own_keys_are_no_jobs),
		R(data_that_is_no_submission_fails_with_the_reason),
		R(what_another_kind_of_worker_returned_is_taken_over),
		R(delayed_prioritised_and_paused_jobs_come_when_they_may),
		R(a_large_submission_stays_in_the_store),
		R(apis_know_what_live_workers_can_run),
		R(a_worker_is_seen_alive_draining_gone_and_dead),
		R(a_full_queue_is_busy),
		R(an_owner_has_its_share_of_the_queue_whoever_runs_its_jobs),
		R(a_job_that_is_there_already_is_not_added_twice),
		R(the_producers_backoff_is_kept),
		R(password_and_database_come_from_the_url),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
