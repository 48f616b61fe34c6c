/* SPDX-License-Identifier: MIT */
/* The server on a loopback port, with raw clients on the same loop. */
#include "base/unit.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/server.h"
#include "http/test_client.h"

#define H "Host: x\r\n"
#define J "Content-Type: application/json\r\n"

static struct event_base *base;
static struct http_server *server;
static int port;

/* What the /later handler holds back. */
static struct http_exchange *held[4];
static int n_held, n_gone, n_called;

static void echo(struct http_exchange *x, const struct http_request *q, void *arg)
{
	struct buf out;
	const char *a = http_request_param(q, "a");

	(void)arg;
	n_called++;
	buf_init(&out, 16 << 20);
	buf_printf(&out, "%s|%s|%s|%zu:", q->path, q->tail, a ? a : "-", q->body_len);
	buf_add(&out, q->body, q->body_len);
	http_answer_json(x, 200, &out);
}

static void large(struct http_exchange *x, const struct http_request *q, void *arg)
{
	struct buf out;

	(void)q;
	(void)arg;
	buf_init(&out, 10000000);
	memset(buf_reserve(&out, 10000000), 'x', 10000000);
	buf_commit(&out, 10000000);
	http_answer_json(x, 200, &out);
}

static void on_gone(void *arg)
{
	(void)arg;
	n_gone++;
}

/* Held until the test answers; "?gone" registers the callback. */
static void later(struct http_exchange *x, const struct http_request *q, void *arg)
{
	(void)arg;
	held[n_held++] = x;
	if (http_request_param(q, "gone"))
		assert_true(http_exchange_on_gone(x, on_gone, NULL));
}

static void answer_held(int i)
{
	struct buf out;

	buf_init(&out, 100);
	buf_printf(&out, "held %d", i);
	http_answer_json(held[i], 200, &out);
}

static void busy(struct http_exchange *x, const struct http_request *q, void *arg)
{
	struct err e;

	(void)q;
	(void)arg;
	err_set(&e, ERR_BUSY, 0, "The queue is full.");
	http_answer_err(x, &e);
}

static void gone_data(struct http_exchange *x, const struct http_request *q, void *arg)
{
	struct buf none;

	(void)q;
	(void)arg;
	buf_init(&none, 1);
	http_answer_json(x, 204, &none);
}

static const struct http_route routes[] = {
	{ HTTP_GET, "/echo", echo, false },
	{ HTTP_POST, "/echo", echo, true },
	{ HTTP_GET, "/thing/{id}", echo, false },
	{ HTTP_DELETE, "/thing/{id}", gone_data, false },
	{ HTTP_GET, "/later", later, false },
	{ HTTP_POST, "/later", later, true },
	{ HTTP_GET, "/large", large, false },
	{ HTTP_GET, "/busy", busy, false },
	{ .path = NULL },
};

static const struct http_options defaults = {
	.routes = routes,
	.connections_max = 4000,
	.body_max = 100000,
	.bodies_max = 150000,
	.answers_max = 15000000,
	.head_timeout_ms = 5000,
	.body_timeout_ms = 5000,
	.idle_timeout_ms = 5000,
	.write_timeout_ms = 5000,
	.linger_timeout_ms = 500,
};

static void start(const struct http_options *o)
{
	struct err e;
	int fd;

	n_held = n_gone = n_called = 0;
	base = event_base_new();
	fd = http_listen("127.0.0.1", 0, &e);
	assert_true(fd >= 0);
	port = http_listen_port(fd);
	server = http_server_new(base, fd, o, &e);
	assert_non_null(server);
}

static int setup(void **state)
{
	(void)state;
	start(&defaults);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	http_server_free(server);
	event_base_free(base);
	return 0;
}

static void restart(const struct http_options *o)
{
	teardown(NULL);
	start(o);
}

static struct http_stats stats(void)
{
	struct http_stats s;

	http_server_stats(server, &s);
	return s;
}

/* One request on its own connection; checks what every answer must have. */
static void ask(const char *request, struct test_answer *ret)
{
	struct test_client c;

	client_open(&c, base, port);
	client_say(&c, request);
	client_read(&c, strncmp(request, "HEAD", 4) == 0, ret);
	client_close(&c);
	assert_non_null(strstr(ret->head, "\r\nX-Content-Type-Options: nosniff\r\n"));
	assert_non_null(strstr(ret->head, "\r\nCache-Control: no-store\r\n"));
	assert_non_null(strstr(ret->head, "\r\nDate: "));
	if (ret->status != 204)
		assert_non_null(strstr(ret->head, "\r\nContent-Type: application/json; charset=utf-8\r\n"));
}

TEST(a_request_reaches_its_handler_decoded)
{
	struct test_answer a;

	ask("GET /echo?a=x%20y HTTP/1.1\r\n" H "\r\n", &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "/echo||x y|0:");
	ask("GET /th%69ng/a%2eb HTTP/1.1\r\n" H "\r\n", &a);
	assert_string_equal(a.body, "/thing/a.b|a.b|-|0:");
	ask("POST /echo HTTP/1.1\r\n" H J "Content-Length: 3\r\n\r\nabc", &a);
	assert_string_equal(a.body, "/echo||-|3:abc");
	ask("POST /echo HTTP/1.1\r\n" H J "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
	    &a);
	assert_string_equal(a.body, "/echo||-|3:abc");
	ask("POST /echo HTTP/1.1\r\n" H
	    "content-type: Application/JSON ; charset=UTF-8\r\nContent-Length: 0\r\n\r\n",
	    &a);
	assert_string_equal(a.body, "/echo||-|0:");
	ask("HEAD /echo HTTP/1.1\r\n" H "\r\n", &a);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.head, "\r\nContent-Length: 11\r\n"));
	ask("DELETE /thing/a HTTP/1.1\r\n" H "\r\n", &a);
	assert_int_equal(a.status, 204);
	assert_null(strstr(a.head, "\r\nContent-"));
}

/* What the connection does not survive, and what it does. */
static const struct {
	int status;
	bool closes;
	const char *request, *holds; /* a part of the answer */
} refusals[] = {
	{ 404, false, "GET /nothing HTTP/1.1\r\n" H "\r\n", "nothing at this path" },
	{ 404, false, "GET /thing/ HTTP/1.1\r\n" H "\r\n", "nothing" },
	{ 404, false, "GET /thing/a/b HTTP/1.1\r\n" H "\r\n", "nothing" },
	{ 404, false, "GET /thing/a%2Fb HTTP/1.1\r\n" H "\r\n", "nothing" },
	{ 404, true, "POST /nothing HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n", "nothing" },
	{ 405, false, "DELETE /echo HTTP/1.1\r\n" H "\r\n", "GET, HEAD, POST" },
	{ 405, true, "PUT /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n", "GET, HEAD, POST" },
	{ 405, false, "POST /thing/a HTTP/1.1\r\n" H "\r\n", "GET, HEAD, DELETE" },
	{ 400, false, "GET /echo?a=%g1 HTTP/1.1\r\n" H "\r\n", "percent-encoded" },
	{ 400, false, "GET /echo?a=1&a=2 HTTP/1.1\r\n" H "\r\n", "twice" },
	{ 400, true, "GET /%zz HTTP/1.1\r\n" H "\r\n", "percent-encoded" },
	{ 400, true, "GET /echo HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\n", "no body" },
	{ 400, true, "GET /echo HTTP/1.1\r\n\r\n", "Host" },
	{ 400, true, "GET /echo HTTP/1.1\r\n" H "A : b\r\n\r\n", "colon" },
	{ 400, true, "GET /echo HTTP/1.1\nHost", "CR LF" },
	{ 411, true, "POST /echo HTTP/1.1\r\n" H J "\r\n", "Content-Length" },
	{ 415, true, "POST /echo HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n{}", "application/json" },
	{ 415, true, "POST /echo HTTP/1.1\r\n" H "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
	  "application/json" },
	{ 415, true,
	  "POST /echo HTTP/1.1\r\n" H "Content-Type: application/jsonp\r\nContent-Length: 2\r\n\r\n{}",
	  "application/json" },
	{ 415, true,
	  "POST /echo HTTP/1.1\r\n" H
	  "Content-Type: application/json; charset=latin1\r\nContent-Length: 2\r\n\r\n",
	  "application/json" },
	{ 415, true, "POST /echo HTTP/1.1\r\n" H J "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
	  "uncompressed" },
	{ 413, true, "POST /echo HTTP/1.1\r\n" H J "Content-Length: 100001\r\n\r\n", "\"field\":\"body\"" },
	{ 413, true,
	  "POST /echo HTTP/1.1\r\n" H J
	  "Expect: 100-continue\r\nContent-Length: 99999999999999999999\r\n\r\n",
	  "larger" },
	{ 413, true, "POST /echo HTTP/1.1\r\n" H J "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\nfffff\r\n%",
	  "larger" },
	{ 400, true, "POST /echo HTTP/1.1\r\n" H J "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "malformed" },
	{ 400, true, "POST /echo HTTP/1.1\r\n" H J "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
	  "not both" },
	{ 417, true, "POST /echo HTTP/1.1\r\n" H J "Expect: x\r\nContent-Length: 1\r\n\r\n", "expectation" },
	{ 501, true, "BREW /echo HTTP/1.1\r\n" H "\r\n", "method" },
	{ 501, true, "POST /echo HTTP/1.1\r\n" H J "Transfer-Encoding: gzip\r\n\r\n", "chunked" },
	{ 505, true, "GET /echo HTTP/3.0\r\n" H "\r\n", "HTTP/1.1" },
};

TEST(each_refusal_is_json_and_leaves_the_connection_in_order)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct test_answer a;
		struct test_client c;

		client_open(&c, base, port);
		client_say(&c, refusals[i].request);
		/* A '%' stands for more body than the cap. */
		for (int n = 0; refusals[i].request[strlen(refusals[i].request) - 1] == '%' && n < 110; n++) {
			char kilo[1000] = { 'x' };

			client_send(&c, kilo, sizeof(kilo));
		}
		client_read(&c, false, &a);
		if (a.status != refusals[i].status || !strstr(a.body, refusals[i].holds))
			print_error("%s\ngave %s%s\n", refusals[i].request, a.head, a.body);
		assert_int_equal(a.status, refusals[i].status);
		assert_memory_equal(a.body, "{\"success\":false,\"error\":\"", 26);
		assert_non_null(strstr(a.body, refusals[i].holds));
		assert_non_null(strstr(a.head, "Content-Type: application/json"));
		assert_int_equal(strstr(a.head, "Connection: close") != NULL, refusals[i].closes);
		assert_int_equal(a.status == 405, strstr(a.head, "\r\nAllow: ") != NULL);
		if (refusals[i].closes) {
			client_expect_end(&c);
		} else {
			client_say(&c, "GET /echo HTTP/1.1\r\n" H "\r\n");
			client_read(&c, false, &a);
			assert_int_equal(a.status, 200);
		}
		client_close(&c);
	}
	assert_int_equal(stats().body_bytes, 0);
}

TEST(a_head_over_32_kib_is_refused_with_431)
{
	char *head = malloc(40000);
	struct test_client c;
	struct test_answer a;

	memset(head, 'a', 40000);
	memcpy(head, "GET /", 5);
	client_open(&c, base, port);
	client_send(&c, head, 40000);
	client_read(&c, false, &a);
	assert_int_equal(a.status, 431);
	client_expect_end(&c);
	client_close(&c);
	/* A complete one, one byte too long. */
	memcpy(head, "GET /echo HTTP/1.1\r\n" H "X: ", 32);
	memcpy(head + 32769 - 4, "\r\n\r\n", 4);
	client_open(&c, base, port);
	client_send(&c, head, 32769);
	client_read(&c, false, &a);
	assert_int_equal(a.status, 431);
	client_close(&c);
	memcpy(head + 32768 - 4, "\r\n\r\n", 4);
	client_open(&c, base, port);
	client_send(&c, head, 32768);
	client_read(&c, false, &a);
	assert_int_equal(a.status, 200);
	client_close(&c);
	free(head);
}

TEST(pipelined_requests_are_answered_in_order)
{
	struct test_client c;
	struct test_answer a;

	client_open(&c, base, port);
	client_say(&c, "GET /later HTTP/1.1\r\n" H "\r\nPOST /echo HTTP/1.1\r\n" H J
		       "Content-Length: 2\r\n\r\nhiGET /thing/3 HTTP/1.1\r\n" H "\r\n"
		       "POST /echo HTTP/1.1\r\n" H J "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
		       "GET /echo?a=last HTTP/1.1\r\n" H "Connection: close\r\n\r\nGET /echo HTTP/1.1\r\n" H
		       "\r\n");
	loop_settle(base);
	assert_int_equal(n_called, 0);
	assert_int_equal(n_held, 1);
	answer_held(0);
	client_read(&c, false, &a);
	assert_string_equal(a.body, "held 0");
	client_read(&c, false, &a);
	assert_string_equal(a.body, "/echo||-|2:hi");
	client_read(&c, false, &a);
	assert_string_equal(a.body, "/thing/3|3|-|0:");
	client_read(&c, false, &a);
	assert_string_equal(a.body, "/echo||-|1:a");
	client_read(&c, false, &a);
	assert_string_equal(a.body, "/echo||last|0:");
	/* Nothing after a "close" is looked at. */
	client_expect_end(&c);
	assert_int_equal(n_called, 4);
	client_close(&c);
}

TEST(http_1_0_gets_its_answer_and_the_end)
{
	struct test_client c;
	struct test_answer a;

	client_open(&c, base, port);
	client_say(&c, "GET /echo HTTP/1.0\r\n\r\n");
	client_read(&c, false, &a);
	assert_int_equal(a.status, 200);
	client_expect_end(&c);
	client_close(&c);
}

TEST(a_request_may_come_byte_by_byte)
{
	static const char request[] = "POST /echo HTTP/1.1\r\n" H J "Transfer-Encoding: chunked\r\n\r\n"
				      "3\r\nabc\r\n0\r\n\r\nGET /echo HTTP/1.1\r\n" H "\r\n";
	struct test_client c;
	struct test_answer a;

	client_open(&c, base, port);
	for (size_t i = 0; i < sizeof(request) - 1; i++) {
		client_send(&c, &request[i], 1);
		loop_settle(base);
	}
	client_read(&c, false, &a);
	assert_string_equal(a.body, "/echo||-|3:abc");
	client_read(&c, false, &a);
	assert_string_equal(a.body, "/echo||-|0:");
	client_close(&c);
}

TEST(expect_continue_is_answered_before_the_body)
{
	struct test_client c;
	struct test_answer a;

	client_open(&c, base, port);
	client_say(&c, "POST /echo HTTP/1.1\r\n" H J "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	client_read(&c, true, &a);
	assert_int_equal(a.status, 100);
	client_say(&c, "ok");
	client_read(&c, false, &a);
	assert_string_equal(a.body, "/echo||-|2:ok");
	client_close(&c);
}

TEST(a_large_answer_arrives_whole)
{
	struct test_client c;
	struct test_answer a;

	client_open(&c, base, port);
	client_say(&c, "GET /large HTTP/1.1\r\n" H "\r\nGET /echo HTTP/1.1\r\n" H "\r\n");
	client_read(&c, false, &a);
	assert_int_equal(a.len, 10000000);
	client_read(&c, false, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(stats().answer_bytes, 0);
	client_close(&c);
}

TEST(answers_that_nobody_reads_have_a_cap)
{
	struct test_client slow, other;
	struct test_answer a;

	client_open(&slow, base, port);
	event_del(slow.event); /* reads nothing */
	client_say(&slow, "GET /large HTTP/1.1\r\n" H "\r\n");
	loop_settle(base);
	assert_int_equal(stats().answer_bytes, 10000000);
	client_open(&other, base, port);
	client_say(&other, "GET /large HTTP/1.1\r\n" H "\r\n");
	client_read(&other, false, &a);
	assert_int_equal(a.status, 503);
	client_say(&other, "GET /echo HTTP/1.1\r\n" H "\r\n");
	client_read(&other, false, &a);
	assert_int_equal(a.status, 200);
	client_close(&slow);
	loop_settle(base);
	assert_int_equal(stats().answer_bytes, 0);
	client_close(&other);
}

static bool no_connections(void *arg)
{
	(void)arg;
	return stats().connections == 0;
}

TEST(a_client_that_leaves_is_seen_at_once)
{
	struct test_client c;

	client_open(&c, base, port);
	client_say(&c, "GET /later?gone HTTP/1.1\r\n" H "\r\n");
	loop_settle(base);
	assert_int_equal(stats().exchanges, 1);
	client_close(&c);
	loop_until(base, no_connections, NULL);
	assert_int_equal(n_gone, 1);
	assert_int_equal(stats().exchanges, 0);
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
	assert_int_equal(stats().exchanges, 1);
	assert_false(http_exchange_on_gone(held[0], on_gone, NULL));
	answer_held(0);
	assert_int_equal(stats().exchanges, 0);
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
	assert_true(http_exchange_on_gone(held[1], on_gone, NULL));
	client_expect_end(&c);
	assert_int_equal(n_gone, 1);
	client_close(&c);
}

TEST(dripping_clients_end)
{
	struct http_options o = defaults;
	struct test_client head, body, idle, write;
	struct test_answer a;
	int64_t begin = clock_mono_ms();

	o.head_timeout_ms = o.body_timeout_ms = 150;
	o.idle_timeout_ms = o.write_timeout_ms = 200;
	restart(&o);
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
	assert_int_equal(stats().answer_bytes, 0);
	assert_int_equal(stats().body_bytes, 0);
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
	assert_int_equal(stats().body_bytes, 90000);
	client_say(&c[1], "POST /echo HTTP/1.1\r\n" H J "Content-Length: 90000\r\n\r\n");
	client_read(&c[1], false, &a);
	assert_int_equal(a.status, 503);
	assert_non_null(strstr(a.head, "\r\nRetry-After: "));
	client_say(&c[2], "POST /echo HTTP/1.1\r\n" H J "Transfer-Encoding: chunked\r\n\r\n15f90\r\n");
	client_send(&c[2], bytes, 90000);
	client_read(&c[2], false, &a);
	assert_int_equal(a.status, 503);
	http_exchange_release_body(held[0]);
	assert_int_equal(stats().body_bytes, 0);
	answer_held(0);
	client_read(&c[0], false, &a);
	assert_int_equal(a.status, 200);
	client_say(&c[0], "POST /echo HTTP/1.1\r\n" H J "Content-Length: 90000\r\n\r\n");
	client_send(&c[0], bytes, 90000);
	client_read(&c[0], false, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(stats().body_bytes, 0);
	for (int i = 0; i < 3; i++)
		client_close(&c[i]);
}

TEST(beyond_the_cap_connections_get_503_and_the_rest_is_served)
{
	struct http_options o = defaults;
	struct test_client c[5], many[100];
	struct test_answer a;

	o.connections_max = 4;
	restart(&o);
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
	assert_true(stats().connections <= 4 + 64);
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
	return stats().accepted >= *(int64_t *)arg;
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
	assert_int_equal(stats().connections, n + 1);
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
	accepted = stats().accepted;
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

	ask("GET /busy HTTP/1.1\r\n" H "\r\n", &a);
	assert_int_equal(a.status, 503);
	assert_string_equal(a.body, "{\"success\":false,\"error\":\"The queue is full.\"}");
	assert_non_null(strstr(a.head, "\r\nRetry-After: 5\r\n"));
	assert_int_equal(stats().answers[5], 1);
}

TEST(a_port_in_use_is_said)
{
	struct err e;

	assert_int_equal(http_listen("127.0.0.1", port, &e), -1);
	assert_non_null(strstr(e.msg, "in use"));
	assert_int_equal(http_listen("no-such-host.invalid", 0, &e), -1);
	assert_string_equal(e.field, "HOST");
}

#define S(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(a_request_reaches_its_handler_decoded),
		S(each_refusal_is_json_and_leaves_the_connection_in_order),
		S(a_head_over_32_kib_is_refused_with_431),
		S(pipelined_requests_are_answered_in_order),
		S(http_1_0_gets_its_answer_and_the_end),
		S(a_request_may_come_byte_by_byte),
		S(expect_continue_is_answered_before_the_body),
		S(a_large_answer_arrives_whole),
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

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
