/* SPDX-License-Identifier: MIT */
/* What the distributed flow stands on: Redis when it is down, full or empty, the workers it knows, and what
 * the queue holds at most. */
#include <string.h>

#include "queue/flow_redis_scene.h"
#include "queue/workers.h"

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

UNIT_MAIN(R(without_redis_submits_are_refused_and_results_wait),
	  R(a_full_or_read_only_redis_rejects_the_submit_and_its_row),
	  R(a_redis_that_lost_its_memory_gets_the_jobs_again), R(apis_know_what_live_workers_can_run),
	  R(a_worker_is_seen_alive_draining_gone_and_dead), R(a_full_queue_is_busy),
	  R(an_owner_has_its_share_of_the_queue_whoever_runs_its_jobs),
	  R(password_and_database_come_from_the_url))
