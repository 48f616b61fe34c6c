/* SPDX-License-Identifier: MIT */
/* The API on a loopback port, over a flow in memory. */
#include "base/unit.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/fake_flow.h"
#include "api/private.h"
#include "base/clock.h"
#include "http/test_client.h"
#include "queue/workers.h"

static struct event_base *base;
static struct flow flow;
static struct api *api;
static int port;

static char *py_aliases[] = { "py", NULL }, *py_extensions[] = { ".py", NULL };
static char *c_compile[] = { "gcc", "{source}", NULL }, *run_argv[] = { "run", NULL };
static struct lang languages[] = {
	{ .name = "c",
	  .source = "main.c",
	  .compile = { c_compile, 2 },
	  .run = { run_argv, 1 },
	  .package = "gcc" },
	{ .name = "python",
	  .aliases = { py_aliases, 1 },
	  .extensions = { py_extensions, 1 },
	  .source = "main.py",
	  .run = { run_argv, 1 },
	  .package = "python3",
	  .limits = { .processes = 32 },
	  .available = true,
	  .version = "3.11.2" },
};
static const struct lang_table langs = { languages, 2 };

#define LIMITS(cpu)                                                    \
	{                                                              \
		cpu, 20000, 256 << 20, 64, 1 << 20, 64 << 20, 64 << 20 \
	}

static const struct conf conf = {
	.connections_max = 100,
	.body_max = 1 << 20,
	.bodies_max = 4 << 20,
	.source_max = 1000,
	.stdin_max = 10000,
	.files_max = 10,
	.head_timeout_s = 10,
	.body_timeout_s = 10,
	.idle_timeout_s = 10,
	.wait_max_s = 60,
	.defaults = LIMITS(10000),
	.maxima = LIMITS(60000),
	.compile_defaults = LIMITS(30000),
	.compile_maxima = LIMITS(60000),
};

static int setup(void **state)
{
	struct api_options o = { .langs = &langs, .conf = &conf, .flow = &flow };
	struct err e;

	(void)state;
	base = event_base_new();
	fake_flow_init(&flow, base);
	o.base = base;
	o.listen_fd = http_listen("127.0.0.1", 0, &e);
	port = http_listen_port(o.listen_fd);
	api = api_new(&o, &e);
	assert_non_null(api);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	api_free(api);
	fake_flow_done(&flow);
	event_base_free(base);
	return 0;
}

static void say(struct test_client *c, const char *method, const char *path, const char *body)
{
	char text[2048];

	if (body)
		snprintf(text, sizeof(text),
			 "%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
			 "%zu\r\n\r\n%s",
			 method, path, strlen(body), body);
	else
		snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: x\r\n\r\n", method, path);
	client_say(c, text);
}

static void ask(const char *method, const char *path, const char *body, struct test_answer *ret)
{
	struct test_client c;

	client_open(&c, base, port);
	say(&c, method, path, body);
	client_read(&c, false, ret);
	client_close(&c);
}

#define PRINT "{\"code\":\"print(1)\",\"language\":\"python\"}"

/* Submits a program and gives its id, which stays valid until the next call. */
static const char *submit(void)
{
	static char id[JOB_ID_SIZE];
	struct test_answer a;

	ask("POST", "/api/v1/submit", PRINT, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(sscanf(a.body, "{\"success\":true,\"jobId\":\"%27[a-z0-9]\"}", id), 1);
	return id;
}

static const char *path3(const char *front, const char *id, const char *back)
{
	static char text[200];

	snprintf(text, sizeof(text), "%s%s%s", front, id, back);
	return text;
}

static const char *path(const char *front, const char *id)
{
	return path3(front, id, "");
}

TEST(a_submit_is_answered_with_the_id_that_was_stored)
{
	struct test_answer a;
	char want[JOB_ID_SIZE + 64];

	ask("POST", "/api/v1/submit", PRINT, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(flow.n_jobs, 1);
	snprintf(want, sizeof(want), "{\"success\":true,\"jobId\":\"%s\"}", flow.jobs[0].submission->id);
	assert_string_equal(a.body, want);
	assert_true(id_is_valid(flow.jobs[0].submission->id));
	assert_int_equal(flow.jobs[0].submission->limits.processes, 32);
}

TEST(a_result_is_pending_and_then_there)
{
	const char *id = submit();
	struct test_answer a;

	ask("GET", path("/api/v1/result?jobId=", id), NULL, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "{\"success\":false,\"status\":\"Pending\"}");
	fake_flow_finish(&flow, id, "1\n");
	ask("GET", path("/api/v1/result?jobId=", id), NULL, &a);
	assert_int_equal(a.status, 200);
	assert_memory_equal(a.body, "{\"success\":true,\"status\":\"completed\",\"response\":\"1\\n\",", 54);
	assert_null(strstr(a.body, "\"state\""));
	ask("GET", path("/api/v1/result?encoding=base64&jobId=", id), NULL, &a);
	assert_non_null(strstr(a.body, "\"response\":\"MQo=\""));
	ask("GET", path("/api/v1/jobs/", id), NULL, &a);
	assert_non_null(strstr(a.body, "\"state\":\"finished\""));
}

TEST(a_job_tells_where_it_is)
{
	const char *id = submit();
	struct test_answer a;
	char want[200];

	ask("GET", path("/api/v1/jobs/", id), NULL, &a);
	snprintf(want, sizeof(want),
		 "{\"success\":false,\"status\":\"Pending\",\"jobId\":\"%s\",\"state\":\"queued\","
		 "\"position\":2,"
		 "\"createdAt\":\"2",
		 id);
	assert_memory_equal(a.body, want, strlen(want));
	fake_flow_find(&flow, id)->state = JOB_RUNNING;
	ask("GET", path("/api/v1/jobs/", id), NULL, &a);
	assert_non_null(strstr(a.body, "\"state\":\"running\",\"createdAt\""));
}

TEST(what_does_not_exist_is_not_found)
{
	static const char *const paths[] = {
		"/api/v1/result?jobId=1",
		"/api/v1/result?jobId=",
		"/api/v1/result?wait=5&jobId=j00000000000000000000000000",
		"/api/v1/jobs/x%22y",
		"/api/v1/jobs/j00000000000000000000000000?wait=1",
	};
	struct test_answer a;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		ask("GET", paths[i], NULL, &a);
		assert_int_equal(a.status, 404);
		assert_memory_equal(a.body, "{\"success\":false,\"status\":\"NotFound\",\"error\":\"", 46);
	}
	ask("DELETE", "/api/v1/jobs/j00000000000000000000000000", NULL, &a);
	assert_int_equal(a.status, 404);
	assert_int_equal(flow.n_watches, 0);
}

TEST(what_cannot_be_used_is_refused_by_name)
{
	static const struct {
		int status;
		const char *method, *path, *body, *holds;
	} rows[] = {
		{ 400, "GET", "/api/v1/result", NULL, "\"field\":\"jobId\"" },
		{ 400, "GET", "/api/v1/result?jobid=1", NULL, "\"field\":\"jobid\"" },
		{ 400, "GET", "/api/v1/result?jobId=1&wait=x", NULL, "\"field\":\"wait\"" },
		{ 400, "GET", "/api/v1/result?jobId=1&encoding=hex", NULL, "\"field\":\"encoding\"" },
		{ 400, "GET", "/api/v1/jobs/1?jobId=1", NULL, "\"field\":\"jobId\"" },
		{ 400, "DELETE", "/api/v1/jobs/1?wait=1", NULL, "\"field\":\"wait\"" },
		{ 400, "GET", "/api/v1/languages?x", NULL, "\"field\":\"x\"" },
		{ 400, "GET", "/api/v1/workers?x", NULL, "\"field\":\"x\"" },
		{ 400, "POST", "/api/v1/submit?x=1", PRINT, "\"field\":\"x\"" },
		{ 400, "POST", "/api/v1/submit", "{", "error" },
		{ 400, "POST", "/api/v1/submit", "", "error" },
		{ 400, "POST", "/api/v1/submit", "{\"language\":\"python\",\"code\":\"\",\"colour\":1}",
		  "colour" },
		{ 400, "POST", "/api/v1/submit", "{\"language\":\"cobol\",\"code\":\"\"}",
		  "\"field\":\"language\"" },
		{ 400, "POST", "/api/v1/submit", "{\"language\":\"python\",\"code\":\"\",\"version\":\"2\"}",
		  "3.11.2" },
		{ 503, "POST", "/api/v1/submit", "{\"language\":\"c\",\"code\":\"\"}", "gcc" },
		{ 405, "DELETE", "/api/v1/submit", NULL, "POST" },
		{ 404, "GET", "/", NULL, "error" },
	};
	struct test_answer a;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(rows[i].method, rows[i].path, rows[i].body, &a);
		if (a.status != rows[i].status || !strstr(a.body, rows[i].holds))
			print_error("%s %s: %d %s\n", rows[i].path, rows[i].body ? rows[i].body : "",
				    a.status, a.body);
		assert_int_equal(a.status, rows[i].status);
		assert_memory_equal(a.body, "{\"success\":false,\"error\":\"", 26);
		assert_non_null(strstr(a.body, rows[i].holds));
	}
	assert_int_equal(flow.n_jobs, 0);
}

TEST(a_source_over_the_cap_names_the_part)
{
	struct test_answer a;
	char body[1400];

	memset(body, 'x', sizeof(body));
	memcpy(body, "{\"language\":\"python\",\"code\":\"", 29);
	memcpy(body + sizeof(body) - 3, "\"}", 3);
	ask("POST", "/api/v1/submit", body, &a);
	assert_int_equal(a.status, 413);
	assert_non_null(strstr(a.body, "\"field\":\""));
}

TEST(a_full_queue_or_disk_is_503_with_retry_after)
{
	struct test_answer a;

	err_set(&flow.refusal, ERR_BUSY, 0, "The queue is full.");
	ask("POST", "/api/v1/submit?wait=5", PRINT, &a);
	assert_int_equal(a.status, 503);
	assert_non_null(strstr(a.head, "\r\nRetry-After: "));
	ask("GET", "/readyz", NULL, &a);
	assert_int_equal(a.status, 503);
	assert_memory_equal(a.body, "{\"success\":false,\"status\":\"NotReady\"", 36);
	flow.refusal.kind = ERR_NONE;
	err_set(&flow.failure, ERR_DISK_FULL, 0, "The disk is full.");
	ask("POST", "/api/v1/submit?wait=5", PRINT, &a);
	assert_int_equal(a.status, 503);
	assert_int_equal(flow.n_watches, 0);
	err_set(&flow.failure, ERR_IO, 0, "secret detail");
	ask("GET", "/api/v1/result?jobId=j00000000000000000000000000", NULL, &a);
	assert_int_equal(a.status, 500);
	assert_null(strstr(a.body, "secret"));
}

static bool is_parked(void *arg)
{
	return api->n_parked == *(int64_t *)arg;
}

static void wait_parked(int64_t n)
{
	loop_until(base, is_parked, &n);
}

TEST(waiting_requests_are_answered_when_the_result_is_there)
{
	const char *id = submit();
	struct test_client c[3];
	struct test_answer a;

	for (int i = 0; i < 3; i++)
		client_open(&c[i], base, port);
	say(&c[0], "GET", path("/api/v1/result?wait=true&jobId=", id), NULL);
	say(&c[1], "GET", path3("/api/v1/jobs/", id, "?wait=10"), NULL);
	say(&c[2], "POST", "/api/v1/submit?wait=10", PRINT);
	wait_parked(3);
	assert_int_equal(c[0].in.len + c[1].in.len + c[2].in.len, 0);
	fake_flow_finish(&flow, id, "1\n");
	client_read(&c[0], false, &a);
	assert_non_null(strstr(a.body, "\"response\":\"1\\n\""));
	client_read(&c[1], false, &a);
	assert_non_null(strstr(a.body, "\"state\":\"finished\""));
	fake_flow_finish(&flow, flow.jobs[1].submission->id, "2\n");
	client_read(&c[2], false, &a);
	assert_int_equal(a.status, 200);
	assert_memory_equal(a.body, "{\"success\":true,\"status\":\"completed\",\"response\":\"2\\n\",", 54);
	assert_int_equal(flow.n_watches, 0);
	assert_int_equal(api->n_parked, 0);
	for (int i = 0; i < 3; i++)
		client_close(&c[i]);
}

TEST(a_result_that_is_durable_with_its_job_is_not_missed)
{
	struct test_answer a;

	flow.finish_first = true;
	ask("POST", "/api/v1/submit?wait=10&encoding=base64", PRINT, &a);
	assert_non_null(strstr(a.body, "\"response\":\"Zmlyc3QK\""));
	assert_int_equal(flow.n_watches, 0);
	loop_settle(base);
	assert_true(list_is_empty(&api->waits));
}

TEST(a_wait_that_runs_out_gives_the_normal_answer)
{
	char id[JOB_ID_SIZE];
	struct test_answer a;

	memcpy(id, submit(), sizeof(id));
	ask("GET", path("/api/v1/result?wait=0.02&jobId=", id), NULL, &a);
	assert_string_equal(a.body, "{\"success\":false,\"status\":\"Pending\"}");
	ask("GET", path3("/api/v1/jobs/", id, "?wait=0.02"), NULL, &a);
	assert_non_null(strstr(a.body, "\"state\":\"queued\""));
	ask("POST", "/api/v1/submit?wait=0.02", PRINT, &a);
	assert_memory_equal(a.body, "{\"success\":true,\"jobId\":\"j", 26);
	assert_int_equal(flow.n_watches, 0);
}

TEST(a_client_that_leaves_frees_its_watch)
{
	const char *id = submit();
	struct test_client c[2];

	client_open(&c[0], base, port);
	client_open(&c[1], base, port);
	say(&c[0], "GET", path("/api/v1/result?wait=true&jobId=", id), NULL);
	say(&c[1], "POST", "/api/v1/submit?wait=true", PRINT);
	wait_parked(2);
	assert_int_equal(flow.n_watches, 2);
	client_close(&c[0]);
	client_close(&c[1]);
	wait_parked(0);
	assert_int_equal(flow.n_watches, 0);
	/* Leaving cancels nothing. */
	assert_int_equal(flow.jobs[1].state, JOB_QUEUED);
}

TEST(a_client_that_leaves_before_the_flow_answers_is_no_harm)
{
	struct test_client c;

	client_open(&c, base, port);
	say(&c, "POST", "/api/v1/submit?wait=true", PRINT);
	client_close(&c);
	loop_settle(base);
	wait_parked(0);
	assert_int_equal(flow.n_watches, 0);
}

TEST(deleting_cancels_or_removes)
{
	const char *id = submit();
	struct test_answer a;
	char want[JOB_ID_SIZE + 64];

	ask("DELETE", path("/api/v1/jobs/", id), NULL, &a);
	assert_int_equal(a.status, 200);
	snprintf(want, sizeof(want), "{\"success\":true,\"status\":\"Cancelled\",\"jobId\":\"%s\"}", id);
	assert_string_equal(a.body, want);
	fake_flow_finish(&flow, id, "");
	ask("DELETE", path("/api/v1/jobs/", id), NULL, &a);
	assert_int_equal(a.status, 204);
	assert_int_equal(a.len, 0);
	ask("DELETE", path("/api/v1/jobs/", id), NULL, &a);
	assert_int_equal(a.status, 404);
}

TEST(languages_tell_what_is_there_and_what_is_missing)
{
	struct test_answer a;
	json_t *root, *c, *python;

	ask("GET", "/api/v1/languages", NULL, &a);
	root = json_loads(a.body, 0, NULL);
	c = json_array_get(json_object_get(root, "languages"), 0);
	python = json_array_get(json_object_get(root, "languages"), 1);
	assert_string_equal(json_string_value(json_object_get(c, "package")), "gcc");
	assert_true(json_is_false(json_object_get(c, "available")));
	assert_true(json_is_object(json_object_get(c, "compileLimits")));
	assert_true(json_is_null(json_object_get(python, "package")));
	assert_true(json_is_null(json_object_get(python, "compileLimits")));
	assert_string_equal(json_string_value(json_array_get(json_object_get(python, "versions"), 0)),
			    "3.11.2");
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(json_object_get(python, "limits"), "default"), "processes")),
			 32);
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(json_object_get(python, "limits"), "max"), "cpuMs")),
			 60000);
	json_decref(root);
}

TEST(workers_of_the_queue_are_listed_as_they_told)
{
	struct test_answer a;
	json_t *known = json_pack("{s:s,s:s}", "c", "12.2", "bash", "");
	const struct queue_worker workers[] = {
		{ .id = "cc-1",
		  .host = "b",
		  .version = "0.1",
		  .alive = true,
		  .slots = 4,
		  .running = 3,
		  .started_ms = 1,
		  .seen_ms = 1700000000000,
		  .languages = known },
		{ .id = "cc-2", .host = "", .version = "", .draining = true },
	};

	flow.workers = workers;
	flow.n_workers = 2;
	ask("GET", "/api/v1/workers", NULL, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(
		a.body, "{\"success\":true,\"workers\":[{\"id\":\"cc-1\",\"host\":\"b\",\"version\":\"0.1\","
			"\"alive\":true,\"draining\":false,\"slots\":4,\"running\":3,"
			"\"languages\":{\"c\":\"12.2\",\"bash\":null},"
			"\"startedAt\":\"1970-01-01T00:00:00.001Z\",\"seenAt\":\"2023-11-14T22:13:20.000Z\"},"
			"{\"id\":\"cc-2\",\"host\":\"\",\"version\":\"\",\"alive\":false,\"draining\":true,"
			"\"slots\":0,\"running\":0,\"languages\":{},\"startedAt\":null,\"seenAt\":null}]}");
	err_set(&flow.refusal, ERR_BUSY, 0, "Redis is away. Try again later.");
	ask("GET", "/api/v1/workers", NULL, &a);
	assert_int_equal(a.status, 503);
	flow.refusal.kind = ERR_NONE;
	flow.workers = NULL;
	flow.n_workers = 0;
	ask("GET", "/api/v1/workers", NULL, &a);
	assert_non_null(strstr(a.body, "\"id\":\"embedded\""));
	assert_non_null(strstr(a.body, "\"languages\":{\"python\":\"3.11.2\"}"));
	json_decref(known);
}

TEST(health_and_metrics_are_told)
{
	const char *id = submit();
	struct test_answer a;

	ask("GET", "/healthz", NULL, &a);
	assert_string_equal(a.body, "{\"success\":true,\"status\":\"ok\"}");
	ask("GET", "/readyz", NULL, &a);
	assert_string_equal(a.body, "{\"success\":true,\"status\":\"ready\"}");
	fake_flow_finish(&flow, id, "");
	submit();
	ask("GET", "/metrics", NULL, &a);
	assert_non_null(strstr(a.head, "Content-Type: text/plain; version=0.0.4"));
	assert_non_null(strstr(a.body, "\ncodecrusher_jobs_accepted_total 2\n"));
	assert_non_null(
		strstr(a.body, "\ncodecrusher_jobs_finished_total{language=\"python\",verdict=\"ok\"} 1\n"));
	assert_non_null(strstr(a.body, "\ncodecrusher_queue_depth 1\n"));
	assert_non_null(strstr(a.body, "\ncodecrusher_run_seconds_bucket{le=\"0.0025\"} 0\n"
				       "codecrusher_run_seconds_bucket{le=\"0.005\"} 1\n"));
	assert_non_null(strstr(a.body,
			       "\ncodecrusher_run_seconds_bucket{le=\"+Inf\"} 1\n"
			       "codecrusher_run_seconds_sum 0.003000\ncodecrusher_run_seconds_count 1\n"));
	assert_non_null(strstr(a.body, "\ncodecrusher_http_requests_total{class=\"2xx\"} 4\n"));
	assert_null(strstr(a.body, "codecrusher_slots"));
}

static void set_true(void *arg)
{
	*(bool *)arg = true;
}

static bool is_true(void *arg)
{
	return *(bool *)arg;
}

TEST(a_drain_answers_who_waits_in_time_or_at_its_deadline)
{
	char id[JOB_ID_SIZE];
	struct test_client c[3];
	struct test_answer a;
	bool drained = false;

	memcpy(id, submit(), sizeof(id));
	for (int i = 0; i < 3; i++)
		client_open(&c[i], base, port);
	say(&c[0], "GET", path("/api/v1/result?wait=true&jobId=", id), NULL);
	say(&c[1], "POST", "/api/v1/submit?wait=true", PRINT);
	wait_parked(2);
	say(&c[2], "GET", path3("/api/v1/jobs/", flow.jobs[1].submission->id, "?wait=true"), NULL);
	wait_parked(3);
	api_drain(api, 300, set_true, &drained);
	fake_flow_finish(&flow, id, "1\n");
	client_read(&c[0], false, &a);
	assert_non_null(strstr(a.body, "\"response\":\"1\\n\""));
	client_read(&c[1], false, &a);
	assert_memory_equal(a.body, "{\"success\":true,\"jobId\":\"", 25);
	client_read(&c[2], false, &a);
	assert_non_null(strstr(a.body, "\"state\":\"queued\""));
	for (int i = 0; i < 3; i++) {
		client_expect_end(&c[i]);
		client_close(&c[i]);
	}
	loop_until(base, is_true, &drained);
	assert_true(list_is_empty(&api->waits));
}

TEST(wait_is_seconds_or_true)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} rows[] = {
		{ "true", 60000 },   { "0", 0 },       { "5", 5000 },	{ "0.5", 500 },
		{ "1.25", 1250 },    { "60", 60000 },  { "61", 60000 }, { "99999999999999999999", 60000 },
		{ "60.001", 60000 }, { "", -1 },       { "-1", -1 },	{ "1.", -1 },
		{ ".5", -1 },	     { "1.2345", -1 }, { "1e3", -1 },	{ " 1", -1 },
		{ "yes", -1 },	     { "True", -1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ms = -2;
		struct err e;

		assert_int_equal(query_parse_wait(rows[i].text, 60, &ms, &e), rows[i].ms < 0 ? -1 : 0);
		assert_int_equal(ms, rows[i].ms < 0 ? -2 : rows[i].ms);
	}
}

#define S(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(a_submit_is_answered_with_the_id_that_was_stored),
		S(a_result_is_pending_and_then_there),
		S(a_job_tells_where_it_is),
		S(what_does_not_exist_is_not_found),
		S(what_cannot_be_used_is_refused_by_name),
		S(a_source_over_the_cap_names_the_part),
		S(a_full_queue_or_disk_is_503_with_retry_after),
		S(waiting_requests_are_answered_when_the_result_is_there),
		S(a_result_that_is_durable_with_its_job_is_not_missed),
		S(a_wait_that_runs_out_gives_the_normal_answer),
		S(a_client_that_leaves_frees_its_watch),
		S(a_client_that_leaves_before_the_flow_answers_is_no_harm),
		S(deleting_cancels_or_removes),
		S(languages_tell_what_is_there_and_what_is_missing),
		S(workers_of_the_queue_are_listed_as_they_told),
		S(health_and_metrics_are_told),
		S(a_drain_answers_who_waits_in_time_or_at_its_deadline),
		T(wait_is_seconds_or_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
