/* SPDX-License-Identifier: MIT */
/* Clients that leave, drip, flood or never read; shutting down. */
#include "base/unit.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/test_server.h"

TEST(answers_that_nobody_reads_have_a_cap)
{
	struct test_client slow, other;
	struct test_answer a;

	client_open(&slow, base, port);
	event_del(slow.event); /* reads nothing */
	client_say(&slow, "GET /large HTTP/1.1\r\n" H "\r\n");
	loop_settle(base);
	assert_int_equal(server_stats().answer_bytes, 10000000);
	client_open(&other, base, port);
	client_say(&other, "GET /large HTTP/1.1\r\n" H "\r\n");
	client_read(&other, false, &a);
	assert_int_equal(a.status, 503);
	client_say(&other, "GET /echo HTTP/1.1\r\n" H "\r\n");
	client_read(&other, false, &a);
	assert_int_equal(a.status, 200);
	client_close(&slow);
	loop_settle(base);
	assert_int_equal(server_stats().answer_bytes, 0);
	client_close(&other);
}

TEST(a_client_that_leaves_is_seen_at_once)
{
	struct test_client c;

	client_open(&c, base, port);
	client_say(&c, "GET /later?gone HTTP/1.1\r\n" H "\r\n");
	loop_settle(base);
	assert_int_equal(server_stats().exchanges, 1);
	client_close(&c);
	loop_until(base, no_connections, NULL);
	assert_int_equal(n_gone, 1);
	assert_int_equal(server_stats().exchanges, 0);
}

TEST(a_client_that_leaves_is_seen_behind_a_full_buffer)
{
	struct test_client c;
	char kilo[1024];

	memset(kilo, '\n', sizeof(kilo));
	client_open(&c, base, port);
	client_say(&c, "GET /later?gone HTTP/1.1\r\n" H "\r\n");
	for (int i = 0; i < 100; i++)
		client_send(&c, kilo, sizeof(kilo));
	loop_settle(base);
	assert_int_equal(n_gone, 0);
	client_close(&c);
	loop_until(base, no_connections, NULL);
	assert_int_equal(n_gone, 1);
}

TEST(answering_a_client_that_has_left_does_nothing)
{
	struct test_client c;

	client_open(&c, base, port);
	client_say(&c, "GET /later HTTP/1.1\r\n" H "\r\n");
	loop_settle(base);
	/* A reset, not an orderly end: that one would still be answered. */
	setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
	client_close(&c);
	loop_until(base, no_connections, NULL);
	assert_int_equal(server_stats().exchanges, 1);
	assert_false(http_exchange_on_gone(held[0], count_gone, NULL));
	answer_held(0);
	assert_int_equal(server_stats().exchanges, 0);
	assert_int_equal(n_gone, 0);
}

TEST(a_half_closed_client_gets_the_answers_it_is_owed)
{
	struct test_client c;
	struct test_answer a;

	client_open(&c, base, port);
	client_say(&c, "GET /later HTTP/1.1\r\n" H "\r\nGET /echo HTTP/1.1\r\n" H "\r\n");
	shutdown(c.fd, SHUT_WR);
	loop_settle(base);
	answer_held(0);
	client_read(&c, false, &a);
	assert_string_equal(a.body, "held 0");
	client_read(&c, false, &a);
	assert_int_equal(a.status, 200);
	client_expect_end(&c);
	client_close(&c);
	/* With a callback, before or after the end is seen, it counts as having left. */
	client_open(&c, base, port);
	client_say(&c, "GET /later HTTP/1.1\r\n" H "\r\n");
	shutdown(c.fd, SHUT_WR);
	loop_settle(base);
	assert_true(http_exchange_on_gone(held[1], count_gone, NULL));
	client_expect_end(&c);
	assert_int_equal(n_gone, 1);
	client_close(&c);
}

TEST(dripping_clients_end)
{
	struct http_options o = test_options;
	struct test_client head, body, idle, write;
	struct test_answer a;
	int64_t begin = clock_mono_ms();

	o.head_timeout_ms = o.body_timeout_ms = 150;
	o.idle_timeout_ms = o.write_timeout_ms = 200;
	server_restart(&o);
	client_open(&head, base, port);
	client_open(&body, base, port);
	client_open(&idle, base, port);
	client_open(&write, base, port);
	client_say(&body, "POST /echo HTTP/1.1\r\n" H J "Content-Length: 10000\r\n\r\n");
	event_del(write.event);
	client_say(&write, "GET /large HTTP/1.1\r\n" H "\r\n");
	/* A byte now and then does not move the deadline. */
	while (head.in.len == 0 || body.in.len == 0) {
		client_say(&head, "G");
		client_say(&body, "x");
		event_base_loop(base, EVLOOP_ONCE);
		assert_true(clock_mono_ms() - begin < 5000);
	}
	client_read(&head, false, &a);
	assert_int_equal(a.status, 408);
	client_read(&body, false, &a);
	assert_int_equal(a.status, 408);
	client_expect_end(&idle);
	client_close(&head);
	client_close(&body);
	loop_until(base, no_connections, NULL);
	assert_int_equal(server_stats().answer_bytes, 0);
	assert_int_equal(server_stats().body_bytes, 0);
	client_close(&idle);
	client_close(&write);
}

TEST(bodies_in_flight_have_a_cap)
{
	static char bytes[90000];
	struct test_client c[3];
	struct test_answer a;

	for (int i = 0; i < 3; i++)
		client_open(&c[i], base, port);
	client_say(&c[0], "POST /later HTTP/1.1\r\n" H J "Content-Length: 90000\r\n\r\n");
	client_send(&c[0], bytes, 90000);
	loop_settle(base);
	/* The handler has it, and it still counts. */
	assert_int_equal(n_held, 1);
	assert_int_equal(server_stats().body_bytes, 90000);
	client_say(&c[1], "POST /echo HTTP/1.1\r\n" H J "Content-Length: 90000\r\n\r\n");
	client_read(&c[1], false, &a);
	assert_int_equal(a.status, 503);
	assert_non_null(strstr(a.head, "\r\nRetry-After: "));
	client_say(&c[2], "POST /echo HTTP/1.1\r\n" H J "Transfer-Encoding: chunked\r\n\r\n15f90\r\n");
	client_send(&c[2], bytes, 90000);
	client_read(&c[2], false, &a);
	assert_int_equal(a.status, 503);
	http_exchange_release_body(held[0]);
	assert_int_equal(server_stats().body_bytes, 0);
	answer_held(0);
	client_read(&c[0], false, &a);
	assert_int_equal(a.status, 200);
	client_say(&c[0], "POST /echo HTTP/1.1\r\n" H J "Content-Length: 90000\r\n\r\n");
	client_send(&c[0], bytes, 90000);
	client_read(&c[0], false, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(server_stats().body_bytes, 0);
	for (int i = 0; i < 3; i++)
		client_close(&c[i]);
}

TEST(beyond_the_cap_connections_get_503_and_the_rest_is_served)
{
	struct http_options o = test_options;
	struct test_client c[5], many[100];
	struct test_answer a;

	o.connections_max = 4;
	server_restart(&o);
	for (int i = 0; i < 5; i++)
		client_open(&c[i], base, port);
	client_say(&c[4], "GET /echo HTTP/1.1\r\n" H "\r\n");
	client_read(&c[4], false, &a);
	assert_int_equal(a.status, 503);
	assert_non_null(strstr(a.head, "\r\nRetry-After: "));
	client_expect_end(&c[4]);
	for (int i = 0; i < 100; i++)
		client_open(&many[i], base, port);
	client_say(&c[0], "GET /echo HTTP/1.1\r\n" H "\r\n");
	client_read(&c[0], false, &a);
	assert_int_equal(a.status, 200);
	loop_settle(base);
	assert_true(server_stats().connections <= 4 + 64);
	for (int i = 0; i < 100; i++)
		client_close(&many[i]);
	for (int i = 0; i < 5; i++)
		client_close(&c[i]);
	loop_until(base, no_connections, NULL);
	client_open(&c[0], base, port);
	client_say(&c[0], "GET /echo HTTP/1.1\r\n" H "\r\n");
	client_read(&c[0], false, &a);
	assert_int_equal(a.status, 200);
	client_close(&c[0]);
}

static bool all_accepted(void *arg)
{
	return server_stats().accepted >= *(int64_t *)arg;
}

TEST(two_thousand_slow_clients_do_not_slow_an_honest_one)
{
	struct rlimit files;
	struct test_client *slow, honest;
	struct test_answer a;
	int64_t n = 2000, begin;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur < 4200)
		n = ((int64_t)files.rlim_cur - 100) / 2;
	slow = calloc((size_t)n, sizeof(*slow));
	for (int64_t i = 0; i < n; i++) {
		client_open(&slow[i], base, port);
		client_say(&slow[i],
			   i % 2 ? "GET /ec" : "POST /echo HTTP/1.1\r\n" H J "Content-Length: 9\r\n\r\n");
	}
	loop_until(base, all_accepted, &n);
	client_open(&honest, base, port);
	begin = clock_mono_ms();
	for (int i = 0; i < 100; i++) {
		client_say(&slow[i], "x");
		client_say(&honest, "GET /echo HTTP/1.1\r\n" H "\r\n");
		client_read(&honest, false, &a);
		assert_int_equal(a.status, 200);
	}
	/* 100 round trips take a few ms; a server that looked at each connection would need far more. */
	assert_true(clock_mono_ms() - begin < 2000);
	assert_int_equal(server_stats().connections, n + 1);
	for (int64_t i = 0; i < n; i++)
		client_close(&slow[i]);
	client_close(&honest);
	loop_until(base, no_connections, NULL);
	free(slow);
}

TEST(a_lack_of_descriptors_is_waited_out)
{
	struct rlimit files, low;
	struct test_client c;
	struct test_answer a;
	int64_t accepted;
	int hole;

	getrlimit(RLIMIT_NOFILE, &files);
	client_open(&c, base, port);
	/* No descriptor is left below the limit. */
	hole = dup(c.fd);
	close(hole);
	low = (struct rlimit){ (rlim_t)hole, files.rlim_max };
	setrlimit(RLIMIT_NOFILE, &low);
	loop_settle(base);
	accepted = server_stats().accepted;
	setrlimit(RLIMIT_NOFILE, &files);
	assert_int_equal(accepted, 0);
	client_say(&c, "GET /echo HTTP/1.1\r\n" H "\r\n");
	client_read(&c, false, &a);
	assert_int_equal(a.status, 200);
	client_close(&c);
}

static void set_true(void *arg)
{
	*(bool *)arg = true;
}

static bool is_true(void *arg)
{
	return *(bool *)arg;
}

TEST(draining_answers_those_who_wait_and_closes_the_rest)
{
	struct test_client idle, waiting;
	struct test_answer a;
	bool drained = false;

	client_open(&idle, base, port);
	client_open(&waiting, base, port);
	client_say(&waiting, "GET /later?gone HTTP/1.1\r\n" H "\r\n");
	loop_settle(base);
	http_server_drain(server, 60000, set_true, &drained);
	client_expect_end(&idle);
	client_close(&idle);
	assert_false(drained);
	answer_held(0);
	client_read(&waiting, false, &a);
	assert_string_equal(a.body, "held 0");
	assert_non_null(strstr(a.head, "Connection: close"));
	client_expect_end(&waiting);
	client_close(&waiting);
	loop_until(base, is_true, &drained);
	assert_int_equal(n_gone, 0);
}

TEST(draining_ends_at_its_deadline)
{
	struct test_client c;
	bool drained = false;

	client_open(&c, base, port);
	client_say(&c, "GET /later?gone HTTP/1.1\r\n" H "\r\n");
	loop_settle(base);
	http_server_drain(server, 50, set_true, &drained);
	loop_until(base, is_true, &drained);
	client_expect_end(&c);
	assert_int_equal(n_gone, 1);
	client_close(&c);
}

TEST(an_error_that_asks_for_patience_says_how_much)
{
	struct test_answer a;

	server_ask("GET /busy HTTP/1.1\r\n" H "\r\n", &a);
	assert_int_equal(a.status, 503);
	assert_string_equal(a.body, "{\"success\":false,\"error\":\"The queue is full.\"}");
	assert_non_null(strstr(a.head, "\r\nRetry-After: 5\r\n"));
	assert_int_equal(server_stats().answers[5], 1);
}

TEST(a_port_in_use_is_said)
{
	struct err e;

	assert_int_equal(http_listen("127.0.0.1", port, &e), -1);
	assert_non_null(strstr(e.msg, "in use"));
	assert_int_equal(http_listen("no-such-host.invalid", 0, &e), -1);
	assert_string_equal(e.field, "HOST");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(answers_that_nobody_reads_have_a_cap),
		S(a_client_that_leaves_is_seen_at_once),
		S(a_client_that_leaves_is_seen_behind_a_full_buffer),
		S(answering_a_client_that_has_left_does_nothing),
		S(a_half_closed_client_gets_the_answers_it_is_owed),
		S(dripping_clients_end),
		S(bodies_in_flight_have_a_cap),
		S(beyond_the_cap_connections_get_503_and_the_rest_is_served),
		S(two_thousand_slow_clients_do_not_slow_an_honest_one),
		S(a_lack_of_descriptors_is_waited_out),
		S(draining_answers_those_who_wait_and_closes_the_rest),
		S(draining_ends_at_its_deadline),
		S(an_error_that_asks_for_patience_says_how_much),
		S(a_port_in_use_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
