/* SPDX-License-Identifier: MIT */
#include "http/test_client.h"

#include "base/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define PATIENCE_MS 10000

static void wake(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

void loop_until(struct event_base *base, test_condition_fn *fn, void *arg)
{
	struct timeval tick = { .tv_sec = 1 };
	struct event *timer = event_new(base, -1, EV_PERSIST, wake, NULL);
	int64_t end = clock_mono_ms() + PATIENCE_MS;

	/* Only so that a loop in which nothing happens returns to look at the clock. */
	event_add(timer, &tick);
	while (!fn(arg)) {
		event_base_loop(base, EVLOOP_ONCE);
		if (clock_mono_ms() > end)
			fail_msg("nothing came in 10 s");
	}
	event_free(timer);
}

void loop_settle(struct event_base *base)
{
	/* A turn that runs nothing adds nothing; a few more let bytes cross the loopback. */
	for (int i = 0; i < 20; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static void readable(int fd, short what, void *arg)
{
	struct test_client *c = arg;
	void *room = buf_reserve(&c->in, 65536);
	ssize_t n = recv(fd, room, 65536, 0);

	(void)what;
	assert_non_null(room);
	if (n > 0) {
		buf_commit(&c->in, (size_t)n);
		return;
	}
	if (n < 0 && errno == EAGAIN)
		return;
	c->eof = true;
	event_del(c->event);
}

void client_open(struct test_client *c, struct event_base *base, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };

	*c = (struct test_client){ .base = base };
	buf_init(&c->in, 256 << 20);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(c->fd >= 0);
	assert_int_equal(connect(c->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	c->event = event_new(base, c->fd, EV_READ | EV_PERSIST, readable, c);
	event_add(c->event, NULL);
}

void client_close(struct test_client *c)
{
	event_free(c->event);
	close(c->fd);
	buf_done(&c->in);
}

void client_send(struct test_client *c, const void *data, size_t len)
{
	const char *at = data;
	int64_t end = clock_mono_ms() + PATIENCE_MS;

	while (len > 0) {
		ssize_t n = send(c->fd, at, len, MSG_NOSIGNAL);

		if (n > 0) {
			at += n;
			len -= (size_t)n;
		} else if (errno != EAGAIN) {
			return; /* closed by the server: what it said is still to be read */
		}
		event_base_loop(c->base, EVLOOP_NONBLOCK);
		if (clock_mono_ms() > end)
			fail_msg("the server takes no more bytes");
	}
}

void client_say(struct test_client *c, const char *text)
{
	client_send(c, text, strlen(text));
}

struct reading {
	struct test_client *c;
	bool head_only;
	size_t head_len, body_len;
};

static bool is_complete(void *arg)
{
	struct reading *r = arg;
	const char *text = buf_text(&r->c->in), *end = strstr(text, "\r\n\r\n"), *field;

	if (!end)
		return r->c->eof;
	r->head_len = (size_t)(end - text) + 4;
	field = strcasestr(text, "\r\nContent-Length:");
	r->body_len = field && field < end && !r->head_only ? (size_t)strtoul(field + 17, NULL, 10) : 0;
	return r->c->in.len >= r->head_len + r->body_len || r->c->eof;
}

static size_t copy_cut(char *to, size_t room, const char *from, size_t len)
{
	size_t n = len < room - 1 ? len : room - 1;

	memcpy(to, from, n);
	to[n] = '\0';
	return len;
}

void client_read(struct test_client *c, bool head_only, struct test_answer *ret)
{
	struct reading r = { .c = c, .head_only = head_only };

	loop_until(c->base, is_complete, &r);
	if (r.head_len == 0 || c->in.len < r.head_len + r.body_len)
		fail_msg("the connection ended instead of an answer");
	copy_cut(ret->head, sizeof(ret->head), c->in.data, r.head_len);
	ret->len = copy_cut(ret->body, sizeof(ret->body), c->in.data + r.head_len, r.body_len);
	assert_memory_equal(ret->head, "HTTP/1.1 ", 9);
	ret->status = (int)strtol(ret->head + 9, NULL, 10);
	buf_consume(&c->in, r.head_len + r.body_len);
}

static bool has_ended(void *arg)
{
	return ((struct test_client *)arg)->eof;
}

void client_expect_end(struct test_client *c)
{
	loop_until(c->base, has_ended, c);
	assert_int_equal(c->in.len, 0);
}
