/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "executor/docker_internal.h"

/* The Engine's framing of an attached container's output. */
#define ENGINE_HEAD   8
#define ENGINE_STDOUT 1
#define ENGINE_STDERR 2

#define CREATED	      201
#define NO_CONTENT    204
#define NOT_FOUND     404
#define SERVER_ERROR  500

#define START_S	      60 /* to be made and ready */
#define GRACE_S	      20 /* beyond the wall limit, which the box keeps itself */

static void on_stream_read(struct bufferevent *stream, void *arg);
static void on_stream_event(struct bufferevent *stream, short what, void *arg);

/* ---- its end ---- */

void docker_box_free(struct docker_box *b)
{
	/* Attached, it ends with its stdin and the Engine removes it. */
	if (b->id[0] && !b->stream)
		docker_remove(b->docker, b->id);
	if (!b->run)
		b->docker->n_spares--;
	docker_call_cancel(b->call);
	if (b->stream)
		bufferevent_free(b->stream);
	evbuffer_free(b->plain);
	(void)event_del(&b->deadline);
	list_remove(&b->node);
	free(b->kind.image);
	free(b);
}

/* `refused`: asking again would meet the same. */
static void give_up(struct docker_box *b, bool refused, const char *problem)
{
	struct docker *d = b->docker;
	struct docker_run *run = b->run;
	struct err e;

	if (run) {
		docker_run_lost(run, refused, problem);
	} else if (refused) {
		err_set(&e, ERR_UNSUPPORTED, 0, "%s", problem);
		docker_complain(d, b->kind.image, &e);
	}
	docker_box_free(b);
	docker_kick(d);
}

static void unreachable(struct docker_box *b, const struct err *why)
{
	docker_lost(b->docker, why);
	give_up(b, false, why->msg);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct docker_box *b = arg;

	(void)fd;
	(void)what;
	docker_remove(b->docker, b->id);
	give_up(b, false,
		b->state == DOCKER_RUNNING ? "the container did not report its end"
					   : "the container was not ready in time");
}

static void set_deadline(struct docker_box *b, int64_t seconds)
{
	const struct timeval at = { .tv_sec = seconds };

	(void)event_add(&b->deadline, &at);
}

/* ---- its run ---- */

static void append_file(struct evbuffer *out, int *fd, uint64_t len)
{
	if (*fd < 0)
		return;
	if (len > 0)
		(void)evbuffer_add_file(out, TAKE_FD(*fd), 0, (off_t)len);
}

static void send_order(struct docker_box *b)
{
	struct docker_run *r = b->run;
	struct evbuffer *out = bufferevent_get_output(b->stream);

	r->order.job_uid = docker_job_uid(b->number);
	r->order.box_uid = docker_box_uid(b->number);
	(void)evbuffer_add(out, &r->order, sizeof(r->order));
	append_file(out, &r->fds[0], r->order.spec_len);
	append_file(out, &r->fds[1], r->order.artifacts_len);
	append_file(out, &r->fds[2], r->order.stdin_len);
	r->sent = true;
	b->state = DOCKER_RUNNING;
	set_deadline(b, r->order.limits.wall_ms / 1000 + GRACE_S);
}

void docker_box_take(struct docker_box *b, struct docker_run *run)
{
	b->run = run;
	run->box = b;
	b->docker->n_spares--;
	if (b->state == DOCKER_READY)
		send_order(b);
}

void docker_box_cancel(struct docker_box *b)
{
	struct docker_run *run = b->run;
	const char byte = BOX_CANCEL;

	if (b->state == DOCKER_RUNNING) {
		(void)bufferevent_write(b->stream, &byte, 1);
		set_deadline(b, GRACE_S);
		return;
	}
	/* It has not begun: the container stays for another. */
	b->run = NULL;
	b->docker->n_spares++;
	docker_run_cancelled(run);
}

/* ---- what the box says; each returns false when the container is gone ---- */

static bool protocol_broken(struct docker_box *b)
{
	give_up(b, false, "the container sent what makes no sense");
	return false;
}

static bool on_ready(struct docker_box *b, const char *data, size_t len)
{
	struct box_ready ready;

	if (b->state != DOCKER_STARTING || len != sizeof(ready))
		return protocol_broken(b);
	memcpy(&ready, data, len);
	if (ready.magic != BOX_MAGIC || ready.version != BOX_VERSION ||
	    strncmp(ready.build, CODECRUSHER_VERSION, sizeof(ready.build)) != 0) {
		give_up(b, true,
			"codecrusher-box is of another version than the server: install both from one build");
		return false;
	}
	(void)event_del(&b->deadline);
	b->state = DOCKER_READY;
	if (b->run)
		send_order(b);
	else
		docker_kick(b->docker);
	return true;
}

static bool on_end(struct docker_box *b, const char *data, size_t len)
{
	struct docker *d = b->docker;
	struct box_end end;

	if (len != sizeof(end))
		return protocol_broken(b);
	memcpy(&end, data, len);
	if (!docker_run_end(b->run, &end))
		return protocol_broken(b);
	docker_box_free(b);
	docker_kick(d);
	return false;
}

static bool on_broken(struct docker_box *b, const char *data, size_t len)
{
	char text[200];

	(void)snprintf(text, sizeof(text), "the container: %.*s", (int)len, data);
	give_up(b, b->state != DOCKER_RUNNING, text);
	return false;
}

static bool on_frame(struct docker_box *b, uint32_t type, const char *data, size_t len)
{
	if (type == BOX_READY)
		return on_ready(b, data, len);
	if (type == BOX_BROKEN)
		return on_broken(b, data, len);
	if (b->state != DOCKER_RUNNING)
		return protocol_broken(b);
	switch (type) {
	case BOX_STARTED:
		return true;
	case BOX_STDOUT:
	case BOX_STDERR:
		return docker_run_output(b->run, type == BOX_STDOUT ? EXEC_STDOUT : EXEC_STDERR, data, len) ||
		       protocol_broken(b);
	case BOX_ARTIFACTS:
		return docker_run_artifacts(b->run, data, len) || protocol_broken(b);
	case BOX_END:
		return on_end(b, data, len);
	default:
		return protocol_broken(b);
	}
}

/* Takes every complete frame. False when the container is gone. */
static bool read_frames(struct docker_box *b)
{
	struct box_frame frame;

	while (evbuffer_get_length(b->plain) >= sizeof(frame)) {
		char data[BOX_FRAME_MAX];

		(void)evbuffer_copyout(b->plain, &frame, sizeof(frame));
		if (frame.len > sizeof(data))
			return protocol_broken(b);
		if (evbuffer_get_length(b->plain) < sizeof(frame) + frame.len)
			return true;
		(void)evbuffer_drain(b->plain, sizeof(frame));
		(void)evbuffer_remove(b->plain, data, frame.len);
		if (!on_frame(b, frame.type, data, frame.len))
			return false;
	}
	return true;
}

static void keep_complaint(struct docker_box *b, struct evbuffer *in, size_t len)
{
	size_t have = strlen(b->complaint), room = sizeof(b->complaint) - 1 - have;
	size_t n = len < room ? len : room;

	(void)evbuffer_copyout(in, b->complaint + have, n);
	b->complaint[have + n] = '\0';
	(void)evbuffer_drain(in, len);
}

static bool next_engine_frame(struct docker_box *b, struct evbuffer *in)
{
	uint8_t head[ENGINE_HEAD];

	if (evbuffer_get_length(in) < ENGINE_HEAD)
		return false;
	(void)evbuffer_remove(in, head, sizeof(head));
	b->left_kind = head[0];
	b->left = (uint32_t)head[4] << 24 | (uint32_t)head[5] << 16 | (uint32_t)head[6] << 8 | head[7];
	return true;
}

static void on_stream_read(struct bufferevent *stream, void *arg)
{
	struct docker_box *b = arg;
	struct evbuffer *in = bufferevent_get_input(stream);

	while (evbuffer_get_length(in) > 0) {
		size_t n = evbuffer_get_length(in);

		if (b->left == 0) {
			if (!next_engine_frame(b, in))
				break;
			continue;
		}
		if (n > b->left)
			n = b->left;
		b->left -= (uint32_t)n;
		if (b->left_kind == ENGINE_STDOUT)
			(void)evbuffer_remove_buffer(in, b->plain, n);
		else
			keep_complaint(b, in, n);
		if (!read_frames(b))
			return;
	}
}

static void on_stream_event(struct bufferevent *stream, short what, void *arg)
{
	struct docker_box *b = arg;
	char text[200];

	(void)stream;
	(void)what;
	if (b->complaint[0])
		(void)snprintf(text, sizeof(text), "the container ended: %.150s", b->complaint);
	else
		(void)snprintf(text, sizeof(text),
			       "the container ended without a report, or the Docker Engine did");
	give_up(b, false, text);
}

/* ---- its making ---- */

static void on_started(int status, const char *body, const struct err *why, void *arg)
{
	struct docker_box *b = arg;
	char message[120], text[200];

	b->call = NULL;
	if (status == 0) {
		unreachable(b, why);
	} else if (status != NO_CONTENT) {
		docker_message(body, message, sizeof(message));
		(void)snprintf(text, sizeof(text),
			       "the Docker Engine cannot start a container of %.40s: %.100s", b->kind.image,
			       message);
		docker_remove(b->docker, b->id);
		give_up(b, status < SERVER_ERROR, text);
	}
	/* Now the box in it has to say that it is ready. */
}

static void on_attached(struct bufferevent *stream, const struct err *why, void *arg)
{
	struct docker_box *b = arg;
	char path[DOCKER_PATH_SIZE];
	struct err e;

	b->call = NULL;
	if (!stream) {
		give_up(b, false, why->msg);
		return;
	}
	b->stream = stream;
	bufferevent_setcb(stream, on_stream_read, NULL, on_stream_event, b);
	(void)bufferevent_set_max_single_read(stream, BOX_FRAME_MAX);
	bufferevent_enable(stream, EV_READ | EV_WRITE);
	b->state = DOCKER_STARTING;
	docker_path(b->docker, path, "/containers/%s/start", b->id);
	b->call = docker_call(b->docker->base, b->docker->options.socket, "POST", path, NULL, on_started, b,
			      &e);
	if (!b->call) {
		docker_remove(b->docker, b->id);
		unreachable(b, &e);
	}
}

static void create_failed(struct docker_box *b, int status, const char *body)
{
	char message[120], text[200];

	docker_message(body, message, sizeof(message));
	/* A volume that is missing would be a 404 as well, but volumes are made on demand. */
	if (status == NOT_FOUND)
		(void)snprintf(text, sizeof(text),
			       "the image %.60s is missing on the Docker Engine: run docker pull %.60s",
			       b->kind.image, b->kind.image);
	else
		(void)snprintf(text, sizeof(text), "the Docker Engine makes no container of %.40s: %.100s",
			       b->kind.image, message);
	give_up(b, status < SERVER_ERROR, text);
}

static bool read_id(struct docker_box *b, const char *body)
{
	json_t *json = json_loads(body, 0, NULL);
	const char *id = json_string_value(json_object_get(json, "Id"));
	bool good = id && id[0] && strlen(id) < sizeof(b->id) && strspn(id, "0123456789abcdef") == strlen(id);

	if (good)
		(void)snprintf(b->id, sizeof(b->id), "%s", id);
	json_decref(json);
	return good;
}

static void on_created(int status, const char *body, const struct err *why, void *arg)
{
	struct docker_box *b = arg;
	char path[DOCKER_PATH_SIZE];
	struct err e;

	b->call = NULL;
	if (status == 0) {
		unreachable(b, why);
		return;
	}
	if (status != CREATED || !read_id(b, body)) {
		create_failed(b, status, body);
		return;
	}
	b->state = DOCKER_ATTACHING;
	docker_path(b->docker, path, "/containers/%s/attach?stream=1&stdin=1&stdout=1&stderr=1", b->id);
	b->call = docker_call_stream(b->docker->base, b->docker->options.socket, path, on_attached, b, &e);
	if (!b->call)
		unreachable(b, &e);
}

static int create(struct docker_box *b, struct err *e)
{
	struct docker *d = b->docker;
	AUTO_FREE char *body = docker_create_body(d, &b->kind, b->number);
	char path[DOCKER_PATH_SIZE];

	if (!body)
		return err_set(e, ERR_IO, ENOMEM, "describe a container");
	docker_path(d, path, "/containers/create");
	b->call = docker_call(d->base, d->options.socket, "POST", path, body, on_created, b, e);
	return b->call ? 0 : -1;
}

struct docker_box *docker_box_new(struct docker *d, const struct docker_kind *kind, struct err *e)
{
	struct docker_box *b = calloc(1, sizeof(*b));

	if (b) {
		b->plain = evbuffer_new();
		b->kind = *kind;
		b->kind.image = strdup(kind->image);
	}
	if (!b || !b->plain || !b->kind.image) {
		if (b && b->plain)
			evbuffer_free(b->plain);
		if (b)
			free(b->kind.image);
		free(b);
		err_set(e, ERR_IO, ENOMEM, "make a container");
		return NULL;
	}
	b->docker = d;
	b->number = d->last_number++;
	d->n_spares++;
	list_push_back(&d->boxes, &b->node);
	(void)event_assign(&b->deadline, d->base, -1, 0, on_deadline, b);
	set_deadline(b, START_S);
	if (create(b, e) < 0) {
		docker_box_free(b);
		return NULL;
	}
	return b;
}

bool docker_kind_is(const struct docker_kind *a, const struct docker_kind *b)
{
	return strcmp(a->image, b->image) == 0 && a->memory_bytes == b->memory_bytes &&
	       a->processes == b->processes && a->disk_bytes == b->disk_bytes;
}
