/* SPDX-License-Identifier: MIT */
#include "http/server.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/private.h"

#define ACCEPTS_MAX  64	   /* per turn of the loop, so that a flood leaves room for requests */
#define ANSWER_SMALL 65536 /* bytes; what errors, lists and most results need is always sent */
#define RETRY_MS     100   /* after the kernel refused a descriptor */
#define REFUSE_MAX   64	   /* connections over the cap that are told so in full, with time to read it */

static int listen_on(const struct addrinfo *a)
{
	AUTO_CLOSE int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, 4096) < 0)
		return -1;
	return TAKE_FD(fd);
}

int http_listen(const char *host, int port, struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *found;
	char service[16];
	int fd = -1, rc;

	snprintf(service, sizeof(service), "%d", port);
	rc = getaddrinfo(host, service, &hints, &found);
	if (rc != 0)
		return err_field(e, ERR_INVALID, "HOST", "HOST %s is no address of this machine: %s", host,
				 gai_strerror(rc));
	for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
		fd = listen_on(a);
	rc = errno;
	freeaddrinfo(found);
	if (fd < 0 && rc == EADDRINUSE)
		return err_field(e, ERR_IO, "PORT", "port %d of %s is in use; choose another with PORT", port,
				 host);
	if (fd < 0)
		return err_set(e, ERR_IO, rc, "cannot listen on port %d of %s", port, host);
	return fd;
}

int http_listen_port(int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return -1;
	if (a.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&a)->sin6_port);
	return ntohs(((struct sockaddr_in *)&a)->sin_port);
}

const char *server_date(struct http_server *s)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm tm;

	if (now != s->date_s && gmtime_r(&now, &tm)) {
		(void)strftime(s->date, sizeof(s->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		s->date_s = now;
	}
	return s->date;
}

static void address_of(const struct sockaddr_storage *from, unsigned char ret[HTTP_ADDRESS_SIZE])
{
	memset(ret, 0, HTTP_ADDRESS_SIZE);
	if (from->ss_family == AF_INET6) {
		memcpy(ret, &((const struct sockaddr_in6 *)from)->sin6_addr, HTTP_ADDRESS_SIZE);
	} else if (from->ss_family == AF_INET) {
		memset(ret + 10, 0xff, 2);
		memcpy(ret + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
	}
}

static void serve(struct http_server *s, int fd, const struct sockaddr_storage *from)
{
	const int64_t max = s->options.connections_max;
	unsigned char address[HTTP_ADDRESS_SIZE];
	struct http_conn *c;

	address_of(from, address);
	c = s->stats.connections < max + REFUSE_MAX ? conn_new(s, fd, address) : NULL;

	s->stats.accepted++;
	if (c && s->stats.connections <= max)
		return;
	s->stats.refused++;
	if (c)
		conn_refuse(c, 503, "This server has too many connections; try again later.", NULL);
	else
		(void)close(fd);
}

static void wait_for_descriptors(struct http_server *s)
{
	struct timeval tv = { .tv_usec = RETRY_MS * 1000 };

	(void)event_del(s->accept_event);
	(void)event_add(s->retry_timer, &tv);
}

static void accept_clients(int listen_fd, short what, void *arg)
{
	struct http_server *s = arg;

	(void)what;
	for (int n = 0; n < ACCEPTS_MAX; n++) {
		struct sockaddr_storage from = { 0 };
		socklen_t len = sizeof(from);
		int fd = accept4(listen_fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			serve(s, fd, &from);
			continue;
		}
		/* The connection stays in the backlog, so the socket stays readable: without a pause this
		 * would spin. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_warn(NULL, "cannot accept connections for now: %s", strerror(errno));
			wait_for_descriptors(s);
			return;
		}
		if (errno == EAGAIN)
			return;
		/* What else accept reports belongs to that one connection (accept(2)). */
	}
}

static void accept_again(int fd, short what, void *arg)
{
	struct http_server *s = arg;

	(void)fd;
	(void)what;
	(void)event_add(s->accept_event, NULL);
}

static void drain_deadline(int fd, short what, void *arg)
{
	struct http_server *s = arg;
	struct http_conn *c;
	http_drained_fn *fn = s->drained;

	(void)fd;
	(void)what;
	/* Told once, after the last is gone. */
	s->drained = NULL;
	list_for_each (c, &s->conns, struct http_conn, link)
		conn_free(c);
	if (fn)
		fn(s->drained_arg);
}

struct http_server *http_server_new(struct event_base *base, int listen_fd, const struct http_options *o,
				    struct err *e)
{
	AUTO(http_server_free_p) struct http_server *s = calloc(1, sizeof(*s));

	if (!s) {
		err_set(e, ERR_IO, ENOMEM, "start the HTTP server");
		return NULL;
	}
	s->base = base;
	s->options = *o;
	s->listen_fd = -1;
	list_init(&s->conns);
	list_init(&s->exchanges);
	s->accept_event = event_new(base, listen_fd, EV_READ | EV_PERSIST, accept_clients, s);
	s->retry_timer = event_new(base, -1, 0, accept_again, s);
	s->drain_timer = event_new(base, -1, 0, drain_deadline, s);
	if (!s->accept_event || !s->retry_timer || !s->drain_timer || event_add(s->accept_event, NULL) < 0) {
		err_set(e, ERR_IO, ENOMEM, "start the HTTP server");
		return NULL;
	}
	s->listen_fd = listen_fd;
	/* A client that resets must cost its connection, not the process. */
	(void)signal(SIGPIPE, SIG_IGN);
	return TAKE(s);
}

static void stop_accepting(struct http_server *s)
{
	if (s->accept_event)
		event_free(s->accept_event);
	if (s->retry_timer)
		event_free(s->retry_timer);
	if (s->listen_fd >= 0)
		(void)close(s->listen_fd);
	s->accept_event = s->retry_timer = NULL;
	s->listen_fd = -1;
}

void http_server_free(struct http_server *s)
{
	struct http_exchange *x;
	struct http_conn *c;

	if (!s)
		return;
	stop_accepting(s);
	s->drained = NULL;
	list_for_each (c, &s->conns, struct http_conn, link)
		conn_free(c);
	/* What is left belongs to handlers that have not answered yet. */
	list_for_each (x, &s->exchanges, struct http_exchange, link) {
		list_remove(&x->link);
		x->server = NULL;
	}
	if (s->drain_timer)
		event_free(s->drain_timer);
	free(s);
}

bool server_has_room(const struct http_server *s, size_t bytes)
{
	return bytes <= ANSWER_SMALL || s->stats.answer_bytes == 0 ||
	       (int64_t)bytes <= s->options.answers_max - s->stats.answer_bytes;
}

void server_check_drained(struct http_server *s)
{
	/* From the loop, not from within whatever closed the last connection. */
	if (s->draining && s->drained && list_is_empty(&s->conns))
		event_active(s->drain_timer, EV_TIMEOUT, 0);
}

void http_server_drain(struct http_server *s, int64_t deadline_ms, http_drained_fn *fn, void *arg)
{
	struct timeval tv = { .tv_sec = deadline_ms / 1000, .tv_usec = deadline_ms % 1000 * 1000 };
	struct http_conn *c;

	assert(!s->draining);
	stop_accepting(s);
	s->draining = true;
	s->drained = fn;
	s->drained_arg = arg;
	(void)event_add(s->drain_timer, &tv);
	list_for_each (c, &s->conns, struct http_conn, link)
		if (conn_is_idle(c) || c->state == CONN_LINGER)
			conn_free(c);
	server_check_drained(s);
}

void http_server_stats(const struct http_server *s, struct http_stats *ret)
{
	*ret = s->stats;
}
