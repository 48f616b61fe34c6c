/* SPDX-License-Identifier: MIT */
/*
 * One connection's life:
 *
 *   HEAD ──▶ BODY ──▶ HANDLE ──▶ WRITE ──▶ HEAD      (keep-alive; bytes that came early are read then)
 *     └───────┴────────(refused)───┘ └──▶ LINGER     (close)
 *
 * Reading is armed in every state. In HANDLE and WRITE it only fills the buffer, up to PIPELINE_MAX; there
 * it pauses, and `hangup` watches for the peer instead.
 */
#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http/errors.h"
#include "http/private.h"

#define PROGRESS_MIN 65536 /* bytes of an answer that a client must take per write timeout */
#define ERROR_MAX    8192  /* bytes of an error's JSON */

void conn_set_timer(struct http_conn *c, int64_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (ms <= 0)
		(void)event_del(&c->timer);
	else
		(void)event_add(&c->timer, &tv);
}

bool conn_is_idle(const struct http_conn *c)
{
	return c->state == CONN_HEAD && !c->begun;
}

static void release_answer(struct http_conn *c)
{
	c->server->stats.answer_bytes -= (int64_t)c->answer_bytes;
	c->answer_bytes = 0;
}

void conn_free(struct http_conn *c)
{
	struct http_server *s = c->server;

	/* Out of the list first: on_gone may come back to the server. */
	list_remove(&c->link);
	s->stats.connections--;
	release_answer(c);
	(void)event_del(&c->timer);
	(void)event_del(&c->hangup);
	bufferevent_free(c->bev);
	if (c->exchange)
		exchange_abandon(c->exchange);
	free(c);
	server_check_drained(s);
}

static void resume_reading(struct http_conn *c)
{
	(void)event_del(&c->hangup);
	/* After the end, enabling it would only tell of the end again. */
	if (!c->eof)
		(void)bufferevent_enable(c->bev, EV_READ);
}

/* The answer is out. */
static void conn_linger(struct http_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	int64_t ms = c->server->options.linger_timeout_ms;

	if (c->eof) {
		conn_free(c);
		return;
	}
	(void)shutdown(bufferevent_getfd(c->bev), SHUT_WR);
	resume_reading(c);
	c->state = CONN_LINGER;
	(void)evbuffer_drain(in, evbuffer_get_length(in));
	conn_set_timer(c, ms > 0 ? ms : 2000);
}

/* Never frees the connection: neither requests nor handlers do, only the callbacks of the loop. */
static void conn_process(struct http_conn *c)
{
	bool more = true;

	while (more) {
		if (c->state == CONN_HEAD)
			more = request_read_head(c);
		else if (c->state == CONN_BODY)
			more = request_read_body(c);
		else
			return;
	}
}

/* Ready for the next request, which may be in the buffer already. */
static void conn_next(struct http_conn *c)
{
	c->state = CONN_HEAD;
	c->begun = false;
	c->head_only = false;
	c->scan = (struct http_scan){ 0 };
	resume_reading(c);
	conn_set_timer(c, c->server->options.idle_timeout_ms);
	conn_process(c);
	if (c->eof && (c->state == CONN_HEAD || c->state == CONN_BODY))
		conn_free(c);
}

static void written(struct bufferevent *bev, void *arg)
{
	struct http_conn *c = arg;

	/* Also called when "100 Continue" is out. */
	if (c->state != CONN_WRITE || evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		return;
	release_answer(c);
	if (c->close || c->server->draining)
		conn_linger(c);
	else
		conn_next(c);
}

/* Not with the bufferevent's high watermark: above it, libevent 2.1 calls its reader again and again. */
static void pause_reading(struct http_conn *c)
{
	(void)bufferevent_disable(c->bev, EV_READ);
	(void)event_add(&c->hangup, NULL);
}

static void readable(struct bufferevent *bev, void *arg)
{
	struct http_conn *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);

	if (c->state == CONN_LINGER)
		(void)evbuffer_drain(in, evbuffer_get_length(in));
	conn_process(c);
	if ((c->state == CONN_HANDLE || c->state == CONN_WRITE) && evbuffer_get_length(in) >= PIPELINE_MAX)
		pause_reading(c);
}

/* The peer sends no more. Whoever waits for something is taken to have left; who is owed an answer that is
 * being made, or is on its way, gets it. */
static void peer_ended(struct http_conn *c)
{
	bool owed = c->state == CONN_WRITE || (c->state == CONN_HANDLE && !c->exchange->gone);

	if (!owed)
		conn_free(c);
}

static void failed(struct bufferevent *bev, short what, void *arg)
{
	struct http_conn *c = arg;

	(void)bev;
	if (!(what & BEV_EVENT_EOF)) {
		conn_free(c);
		return;
	}
	c->eof = true;
	peer_ended(c);
}

static void hung_up(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	peer_ended(arg);
}

/* A client that takes its answer too slowly must not keep the answer's memory. */
static void check_progress(struct http_conn *c)
{
	size_t now = evbuffer_get_length(bufferevent_get_output(c->bev));

	if (c->unsent - now < PROGRESS_MIN) {
		conn_free(c);
		return;
	}
	c->unsent = now;
	conn_set_timer(c, c->server->options.write_timeout_ms);
}

static void timed_out(int fd, short what, void *arg)
{
	struct http_conn *c = arg;

	(void)fd;
	(void)what;
	if (c->state == CONN_WRITE)
		check_progress(c);
	else if (c->state == CONN_HEAD && c->begun)
		conn_refuse(c, 408, "The request head did not arrive in time.", NULL);
	else if (c->state == CONN_BODY)
		conn_refuse(c, 408, "The request body did not arrive in time.", NULL);
	else
		conn_free(c);
}

struct http_conn *conn_new(struct http_server *s, int fd, const unsigned char address[HTTP_ADDRESS_SIZE])
{
	struct http_conn *c = calloc(1, sizeof(*c));
	int one = 1;

	if (!c)
		return NULL;
	c->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c->bev) {
		free(c);
		return NULL;
	}
	c->server = s;
	memcpy(c->address, address, sizeof(c->address));
	list_push_back(&s->conns, &c->link);
	s->stats.connections++;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)event_assign(&c->timer, s->base, -1, 0, timed_out, c);
	(void)event_assign(&c->hangup, s->base, fd, EV_CLOSED, hung_up, c);
	bufferevent_setcb(c->bev, readable, written, failed, c);
	(void)bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	conn_set_timer(c, s->options.idle_timeout_ms);
	return c;
}

static void free_body(const void *data, size_t len, void *arg)
{
	(void)len;
	(void)arg;
	free((void *)(uintptr_t)data);
}

/* Small ones share a piece with the head; large ones are handed on as they are. */
static void add_answer_body(struct http_conn *c, struct evbuffer *out, struct buf *body)
{
	size_t len = body->len;
	char *data;

	if (len <= 4096) {
		(void)evbuffer_add(out, buf_text(body), len);
		return;
	}
	data = buf_detach(body, NULL);
	if (evbuffer_add_reference(out, data, len, free_body, NULL) < 0) {
		free(data);
		c->close = true;
		return;
	}
	c->answer_bytes = len;
	c->server->stats.answer_bytes += (int64_t)len;
}

void conn_send(struct http_conn *c, int status, const char *type, const char *extra, struct buf *body)
{
	struct http_server *s = c->server;
	struct evbuffer *out = bufferevent_get_output(c->bev);

	if (!server_has_room(s, body->len)) {
		buf_done(body);
		conn_error(c, 503, "Too many answers wait to be read by their clients; try again later.",
			   NULL, "");
		return;
	}
	assert(c->state != CONN_LINGER);
	c->state = CONN_WRITE;
	s->stats.answers[status / 100]++;
	(void)evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status, http_reason(status),
				  server_date(s));
	if (status != 204)
		(void)evbuffer_add_printf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", type,
					  body->len);
	(void)evbuffer_add_printf(out,
				  "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n%s%s\r\n",
				  extra, c->close || s->draining ? "Connection: close\r\n" : "");
	if (status != 204 && !c->head_only)
		add_answer_body(c, out, body);
	buf_done(body);
	c->unsent = evbuffer_get_length(out);
	conn_set_timer(c, s->options.write_timeout_ms);
}

void conn_error(struct http_conn *c, int status, const char *sentence, const char *field, const char *extra)
{
	char lines[128];
	struct buf body;

	buf_init(&body, ERROR_MAX);
	if (!http_add_error(&body, NULL, sentence, field))
		buf_clear(&body);
	snprintf(lines, sizeof(lines), "%s", extra);
	if (http_retry_after(status) && !strstr(extra, "Retry-After:"))
		snprintf(lines, sizeof(lines), "%sRetry-After: %d\r\n", extra, http_retry_after(status));
	if (c->exchange)
		exchange_free(c->exchange);
	conn_send(c, status, HTTP_JSON, lines, &body);
}

void conn_refuse(struct http_conn *c, int status, const char *sentence, const char *field)
{
	c->close = true;
	conn_error(c, status, sentence, field, "");
}
