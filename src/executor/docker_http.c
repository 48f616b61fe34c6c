/* SPDX-License-Identifier: MIT */
#include "executor/docker_http.h"

#include <ctype.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ANSWER_MAX	((size_t)8 << 20)
#define SILENCE_S	60 /* starting a container on a busy machine takes seconds */
#define SWITCHING	101
#define SHORTEST_STATUS 12 /* "HTTP/1.1 200" */

struct docker_call {
	struct bufferevent *stream;
	docker_answer_fn *answer; /* one of the two */
	docker_stream_fn *upgraded;
	void *arg;
};

void docker_call_cancel(struct docker_call *c)
{
	if (!c)
		return;
	if (c->stream)
		bufferevent_free(c->stream);
	free(c);
}

/* Tells the end, whatever kind of call it is. */
static void end_call(struct docker_call *c, int status, const char *body, const struct err *why)
{
	struct docker_call call = *c;

	c->stream = NULL;
	docker_call_cancel(c);
	if (call.answer) {
		call.answer(status, body, why, call.arg);
		bufferevent_free(call.stream);
	} else if (status == SWITCHING) {
		bufferevent_disable(call.stream, EV_READ);
		bufferevent_setcb(call.stream, NULL, NULL, NULL, NULL);
		bufferevent_set_timeouts(call.stream, NULL, NULL);
		call.upgraded(call.stream, NULL, call.arg);
	} else {
		call.upgraded(NULL, why, call.arg);
		bufferevent_free(call.stream);
	}
}

static void fail_call(struct docker_call *c, int error, const char *what)
{
	struct err e;

	err_set(&e, ERR_IO, error, "the Docker Engine %s", what);
	end_call(c, 0, "", &e);
}

/* The status of a complete head, 0 while it is not there, -1 when it is no HTTP. *ret_len: with its blank
 * line. */
static int read_head(struct evbuffer *in, size_t *ret_len)
{
	struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	char line[SHORTEST_STATUS + 1] = "";

	if (end.pos < 0)
		return 0;
	*ret_len = (size_t)end.pos + 4;
	(void)evbuffer_copyout(in, line, SHORTEST_STATUS);
	if (strncmp(line, "HTTP/1.", 7) != 0 || !isdigit((unsigned char)line[9]))
		return -1;
	return (int)strtol(line + 9, NULL, 10);
}

static void on_head(struct docker_call *c)
{
	struct evbuffer *in = bufferevent_get_input(c->stream);
	struct err e;
	size_t len;
	int status = read_head(in, &len);

	if (status == 0)
		return;
	if (status == SWITCHING) {
		(void)evbuffer_drain(in, len);
		end_call(c, status, "", NULL);
		return;
	}
	err_set(&e, ERR_IO, 0, "the Docker Engine refused to attach to a container (status %d)", status);
	end_call(c, status, "", &e);
}

static void on_end(struct docker_call *c)
{
	struct evbuffer *in = bufferevent_get_input(c->stream);
	AUTO_FREE char *body = NULL;
	size_t len;
	int status = read_head(in, &len);

	if (status <= 0 || c->upgraded) {
		fail_call(c, 0, "closed the connection without an answer");
		return;
	}
	(void)evbuffer_drain(in, len);
	len = evbuffer_get_length(in);
	body = calloc(1, len + 1);
	if (!body) {
		fail_call(c, ENOMEM, "answered, but memory is short");
		return;
	}
	(void)evbuffer_copyout(in, body, len);
	end_call(c, status, body, NULL);
}

static void on_read(struct bufferevent *stream, void *arg)
{
	struct docker_call *c = arg;

	if (evbuffer_get_length(bufferevent_get_input(stream)) > ANSWER_MAX)
		fail_call(c, 0, "gave an answer that is too long");
	else if (c->upgraded)
		on_head(c);
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct docker_call *c = arg;

	(void)stream;
	if (what & BEV_EVENT_TIMEOUT)
		fail_call(c, 0, "does not answer");
	else if (what & BEV_EVENT_ERROR)
		fail_call(c, EVUTIL_SOCKET_ERROR(), "broke the connection");
	else if (what & BEV_EVENT_EOF)
		on_end(c);
}

/* Unix sockets connect at once or not at all. */
static int connect_to(const char *path, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	AUTO_CLOSE int fd = -1;

	if (strlen(path) >= sizeof(to.sun_path))
		return err_field(e, ERR_INVALID, "DOCKER_SOCKET", "the socket's path is too long");
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(e, ERR_IO, errno, "make a socket");
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return err_set(
			e, ERR_IO, errno,
			errno == EACCES
				? "no right to use the Docker Engine at %s: the server's user must be in "
				  "the group that the socket belongs to"
				: "no Docker Engine at %s (start it, or set CODECRUSHER_DOCKER_SOCKET)",
			path);
	return TAKE_FD(fd);
}

static struct docker_call *new_call(struct event_base *base, const char *socket, void *arg, struct err *e)
{
	const struct timeval silence = { .tv_sec = SILENCE_S };
	struct docker_call *c = calloc(1, sizeof(*c));
	AUTO_CLOSE int fd = c ? connect_to(socket, e) : err_set(e, ERR_IO, ENOMEM, "ask the Docker Engine");

	if (!c || fd < 0) {
		free(c);
		return NULL;
	}
	c->arg = arg;
	c->stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c->stream) {
		free(c);
		err_set(e, ERR_IO, ENOMEM, "ask the Docker Engine");
		return NULL;
	}
	(void)TAKE_FD(fd);
	bufferevent_setcb(c->stream, on_read, NULL, on_event, c);
	bufferevent_set_timeouts(c->stream, &silence, &silence);
	bufferevent_enable(c->stream, EV_READ | EV_WRITE);
	return c;
}

struct docker_call *docker_call(struct event_base *base, const char *socket, const char *method,
				const char *path, const char *body, docker_answer_fn *fn, void *arg,
				struct err *e)
{
	struct docker_call *c = new_call(base, socket, arg, e);
	size_t len = body ? strlen(body) : 0;

	if (!c)
		return NULL;
	c->answer = fn;
	(void)evbuffer_add_printf(bufferevent_get_output(c->stream),
				  "%s %s HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\n"
				  "Content-Length: %zu\r\n\r\n",
				  method, path, len);
	if (len > 0)
		(void)bufferevent_write(c->stream, body, len);
	return c;
}

struct docker_call *docker_call_stream(struct event_base *base, const char *socket, const char *path,
				       docker_stream_fn *fn, void *arg, struct err *e)
{
	struct docker_call *c = new_call(base, socket, arg, e);

	if (!c)
		return NULL;
	c->upgraded = fn;
	(void)evbuffer_add_printf(
		bufferevent_get_output(c->stream),
		"POST %s HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
		"Content-Length: 0\r\n\r\n",
		path);
	return c;
}

void docker_message(const char *body, char *out, size_t size)
{
	json_t *json = json_loads(body, 0, NULL);
	const char *text = json_string_value(json_object_get(json, "message"));

	(void)snprintf(out, size, "%s", text ? text : "no reason given");
	json_decref(json);
}
