/* SPDX-License-Identifier: MIT */
#include "http/test_server.h"

#include "base/unit.h"

#include <event2/event.h>
#include <string.h>

struct event_base *base;
struct http_server *server;
int port;

/* What the /later handler holds back. */
struct http_exchange *held[4];
int n_held, n_gone, n_called;

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

void count_gone(void *arg)
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
		assert_true(http_exchange_on_gone(x, count_gone, NULL));
}

void answer_held(int i)
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
	{ HTTP_GET, "/echo", echo, false, 0 },
	{ HTTP_POST, "/echo", echo, true, 0 },
	{ HTTP_GET, "/thing/{id}", echo, false, 0 },
	{ HTTP_DELETE, "/thing/{id}", gone_data, false, 0 },
	{ HTTP_GET, "/later", later, false, 0 },
	{ HTTP_POST, "/later", later, true, 0 },
	{ HTTP_GET, "/large", large, false, 0 },
	{ HTTP_GET, "/busy", busy, false, 0 },
	{ .path = NULL },
};

const struct http_options test_options = {
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

int server_setup(void **state)
{
	(void)state;
	start(&test_options);
	return 0;
}

int server_teardown(void **state)
{
	(void)state;
	http_server_free(server);
	event_base_free(base);
	return 0;
}

void server_restart(const struct http_options *o)
{
	server_teardown(NULL);
	start(o);
}

struct http_stats server_stats(void)
{
	struct http_stats s;

	http_server_stats(server, &s);
	return s;
}

/* One request on its own connection; checks what every answer must have. */
void server_ask(const char *request, struct test_answer *ret)
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

bool no_connections(void *arg)
{
	(void)arg;
	return server_stats().connections == 0;
}
