/* SPDX-License-Identifier: MIT */
/* Requests and answers: what is taken, what is refused and how, in which order. */
#include "base/unit.h"

#include <stdlib.h>
#include <string.h>

#include "http/test_server.h"

TEST(a_request_reaches_its_handler_decoded)
{
	struct test_answer a;

	server_ask("GET /echo?a=x%20y HTTP/1.1\r\n" H "\r\n", &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "/echo||x y|0:");
	server_ask("GET /th%69ng/a%2eb HTTP/1.1\r\n" H "\r\n", &a);
	assert_string_equal(a.body, "/thing/a.b|a.b|-|0:");
	server_ask("POST /echo HTTP/1.1\r\n" H J "Content-Length: 3\r\n\r\nabc", &a);
	assert_string_equal(a.body, "/echo||-|3:abc");
	server_ask("POST /echo HTTP/1.1\r\n" H J
		   "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
		   &a);
	assert_string_equal(a.body, "/echo||-|3:abc");
	server_ask("POST /echo HTTP/1.1\r\n" H
		   "content-type: Application/JSON ; charset=UTF-8\r\nContent-Length: 0\r\n\r\n",
		   &a);
	assert_string_equal(a.body, "/echo||-|0:");
	server_ask("HEAD /echo HTTP/1.1\r\n" H "\r\n", &a);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.head, "\r\nContent-Length: 11\r\n"));
	server_ask("DELETE /thing/a HTTP/1.1\r\n" H "\r\n", &a);
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
	{ 413, true, "POST /echo HTTP/1.1\r\n" H J "Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
	  "\"field\":\"body\"" },
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
	assert_int_equal(server_stats().body_bytes, 0);
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
	assert_int_equal(server_stats().answer_bytes, 0);
	client_close(&c);
}

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
