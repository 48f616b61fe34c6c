/* SPDX-License-Identifier: MIT */
#include "executor/native_scene.h"

#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/unit.h"

/* ---- what is told ---- */

static void on_attached(unsigned slots, uint32_t weak, void *arg)
{
	struct scene *s = arg;

	assert_int_equal(weak, 5);
	s->slots = slots;
	s->attached++;
}

static void on_detached(const struct err *why, void *arg)
{
	struct scene *s = arg;

	s->detached++;
	(void)snprintf(s->detached_why, sizeof(s->detached_why), "%s", why->msg);
}

static void on_changed(void *arg)
{
	((struct scene *)arg)->changed++;
}

static void on_output(enum exec_stream stream, const char *data, size_t len, void *arg)
{
	struct heard *h = arg;

	assert_true(buf_add(&h->out[stream], data, len));
	if (len > h->largest)
		h->largest = len;
	if (h->cancel_at_output)
		executor_cancel(h->cancel_at_output);
}

static void on_done(const struct exec_report *report, void *arg)
{
	struct heard *h = arg;
	struct err e = { 0 };
	struct exec_spec spec = scene_spec(CAP);

	h->done++;
	h->report = *report;
	if (h->restart && !executor_start(h->restart, &spec, &scene_events, h, &e))
		h->restarted = e.kind;
}

const struct exec_events scene_events = { on_output, on_done };

/* ---- scenes ---- */

void scene_attach(struct scene *s)
{
	struct err e = { 0 };
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	s->peer = pair[1];
	assert_int_equal(native_attach(s->x, pair[0], &e), 0);
}

void scene_begin_detached(struct scene *s)
{
	const struct native_options options = { 0, on_attached, on_detached, s };
	struct err e = { 0 };

	*s = (struct scene){ .base = event_base_new(), .peer = -1 };
	s->x = native_new(s->base, &options, &e);
	assert_non_null(s->x);
	executor_on_capacity(s->x, on_changed, s);
}

void scene_begin(struct scene *s)
{
	scene_begin_detached(s);
	scene_attach(s);
	say_hello(s, CODECRUSHER_VERSION, 2);
	say_state(s, 2, 0);
	scene_turn(s);
	assert_int_equal(s->attached, 1);
	assert_int_equal(s->slots, 2);
	assert_int_equal(s->detached, 0);
}

void scene_end(struct scene *s)
{
	executor_free(s->x);
	if (s->peer >= 0)
		(void)close(s->peer);
	event_base_free(s->base);
	libevent_global_shutdown();
}

void scene_turn(struct scene *s)
{
	for (int i = 0; i < 4; i++)
		assert_true(event_base_loop(s->base, EVLOOP_NONBLOCK) >= 0);
}

unsigned scene_ready(struct scene *s)
{
	struct exec_capacity c;

	executor_capacity(s->x, &c);
	return c.ready;
}

/* ---- runs ---- */

void heard_init(struct heard *h)
{
	*h = (struct heard){ 0 };
	buf_init(&h->out[0], 1 << 20);
	buf_init(&h->out[1], 1 << 20);
}

void heard_done(struct heard *h)
{
	buf_done(&h->out[0]);
	buf_done(&h->out[1]);
}

struct exec_spec scene_spec(int64_t cap)
{
	static const char *const argv[] = { "prog", NULL };
	static const char *const env[] = { "A=b", NULL };

	return (struct exec_spec){
		.argv = argv,
		.env = env,
		.artifacts_fd = -1,
		.stdin_fd = -1,
		.limits = { 1, 2, 3, 4, cap, 6, 7 },
	};
}

struct exec_run *scene_start(struct scene *s, struct heard *h, int64_t cap)
{
	struct exec_spec spec = scene_spec(cap);
	struct err e = { 0 };
	struct exec_run *run = executor_start(s->x, &spec, &scene_events, h, &e);

	if (!run)
		fail_msg("%s", e.msg);
	return run;
}

uint64_t scene_start_and_hear(struct scene *s, struct heard *h, int64_t cap, int ret_writers[2])
{
	struct wire_message m;

	heard_init(h);
	(void)scene_start(s, h, cap);
	m = hear(s, WIRE_RUN);
	wire_close_fds(&m);
	say_started(s, m.head.run, ret_writers);
	scene_turn(s);
	return m.head.run;
}

void scene_print(int fd, size_t n)
{
	char text[4 * CAP];

	assert_true(n <= sizeof(text));
	memset(text, 'x', n);
	assert_int_equal(write(fd, text, n), n);
}

void close_both(const int writers[2])
{
	(void)close(writers[0]);
	(void)close(writers[1]);
}

/* ---- the spawner's side ---- */

void say(struct scene *s, void *message, uint32_t type, size_t size, uint64_t run, const int *fds,
	 size_t n_fds)
{
	struct wire_head head = { .type = type, .size = (uint32_t)size, .run = run };

	memcpy(message, &head, sizeof(head));
	assert_int_equal(wire_send(s->peer, message, size, fds, n_fds), 0);
}

void say_hello(struct scene *s, const char *version, unsigned slots)
{
	struct wire_hello m = { .slots = slots, .weak = 5 };

	(void)snprintf(m.version, sizeof(m.version), "%s", version);
	say(s, &m, WIRE_HELLO, sizeof(m), 0, NULL, 0);
}

void say_state(struct scene *s, uint32_t ready, uint32_t busy)
{
	struct wire_state m = { .ready = ready, .busy = busy, .broken = 1 };

	say(s, &m, WIRE_STATE, sizeof(m), 0, NULL, 0);
}

void say_started(struct scene *s, uint64_t run, int ret_writers[2])
{
	struct wire_started m = { 0 };
	int readers[2];

	for (int i = 0; i < 2; i++) {
		int ends[2];

		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		readers[i] = ends[0];
		ret_writers[i] = ends[1];
	}
	say(s, &m, WIRE_STARTED, sizeof(m), run, readers, 2);
	(void)close(readers[0]);
	(void)close(readers[1]);
}

void say_done(struct scene *s, uint64_t run, struct wire_done m)
{
	say(s, &m, WIRE_DONE, sizeof(m), run, NULL, 0);
}

struct wire_message hear(struct scene *s, uint32_t type)
{
	struct err e = { 0 };
	struct wire_message m;

	assert_int_equal(wire_receive(s->peer, &m, &e), 1);
	assert_int_equal(m.head.type, type);
	return m;
}

void hear_nothing(struct scene *s)
{
	struct pollfd p = { .fd = s->peer, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 0), 0);
}

void hear_kill(struct scene *s, uint64_t run, enum wire_stop why)
{
	struct wire_message m = hear(s, WIRE_KILL);

	assert_int_equal(m.head.run, run);
	assert_int_equal(m.kill.stop, why);
}
