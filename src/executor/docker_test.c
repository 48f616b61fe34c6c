/* SPDX-License-Identifier: MIT */
/* Against an Engine that the test plays itself on a unix socket, to say what a real one hardly ever says. */
#include "executor/docker.h"

#include "base/unit.h"

#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "box/protocol.h"
#include "executor/docker_outcome.h"
#include "lang/lang.h"
#include "sandbox/wire.h"

#define PATIENCE_MS 5000
#define OWN_ID	    "0123456789abcdef"

struct scene {
	struct event_base *base;
	struct executor *x;
	char dir[64], path[96];
	int listener;
	int attached, problems, changed, done;
	char problem[320];
	struct exec_report report;
	struct buf out;
	int stream; /* our end of the attached stream */
};

/* ---- what the executor tells ---- */

static void on_attached(const char *version, void *arg)
{
	assert_string_equal(version, "test");
	((struct scene *)arg)->attached++;
}

static void on_problem(const struct err *why, void *arg)
{
	struct scene *s = arg;

	s->problems++;
	(void)snprintf(s->problem, sizeof(s->problem), "%s", why->msg);
}

static void on_output(enum exec_stream stream, const char *data, size_t len, void *arg)
{
	assert_int_equal(stream, EXEC_STDOUT);
	assert_true(buf_add(&((struct scene *)arg)->out, data, len));
}

static void on_done(const struct exec_report *report, void *arg)
{
	struct scene *s = arg;

	s->done++;
	s->report = *report;
}

static const struct exec_events events = { on_output, on_done };

/* ---- the Engine's side ---- */

/* Turns the executor's loop until `fd` has something to read. */
static void wait_readable(struct scene *s, int fd)
{
	int64_t deadline = clock_mono_ms() + PATIENCE_MS;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, 5) == 0) {
		assert_true(clock_mono_ms() < deadline);
		(void)event_base_loop(s->base, EVLOOP_NONBLOCK);
	}
}

static void turn_until(struct scene *s, const int *count, int wanted)
{
	int64_t deadline = clock_mono_ms() + PATIENCE_MS;

	while (*count < wanted) {
		assert_true(clock_mono_ms() < deadline);
		(void)event_base_loop(s->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
}

/* Takes the next request, whose head must begin with `line`. */
static int hear(struct scene *s, const char *line)
{
	char text[16384];
	ssize_t n;
	int fd;

	wait_readable(s, s->listener);
	fd = accept(s->listener, NULL, NULL);
	assert_true(fd >= 0);
	wait_readable(s, fd);
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	if (strncmp(text, line, strlen(line)) != 0)
		fail_msg("expected %s, came %.100s", line, text);
	return fd;
}

static void say(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

static void answer(int fd, const char *status, const char *body)
{
	char text[1024];

	(void)snprintf(text, sizeof(text), "HTTP/1.0 %s\r\nContent-Type: application/json\r\n\r\n%s", status,
		       body);
	say(fd, text, strlen(text));
	(void)close(fd);
}

static void greet(struct scene *s, const char *newest, const char *oldest)
{
	char body[200];

	(void)snprintf(body, sizeof(body),
		       "{\"Version\":\"test\",\"ApiVersion\":\"%s\",\"MinAPIVersion\":\"%s\"}", newest,
		       oldest);
	answer(hear(s, "GET /version HTTP/1.0\r\n"), "200 OK", body);
}

/* A frame of the box within one of the Engine. */
static void say_frame(struct scene *s, uint32_t type, const void *data, uint32_t len)
{
	struct box_frame frame = { .type = type, .len = len };
	uint32_t whole = len + (uint32_t)sizeof(frame);
	uint8_t head[8] = { 1,
			    0,
			    0,
			    0,
			    (uint8_t)(whole >> 24),
			    (uint8_t)(whole >> 16),
			    (uint8_t)(whole >> 8),
			    (uint8_t)whole };

	say(s->stream, head, sizeof(head));
	say(s->stream, &frame, sizeof(frame));
	if (len > 0)
		say(s->stream, data, len);
}

static void say_ready(struct scene *s, const char *build)
{
	struct box_ready ready = { .magic = BOX_MAGIC, .version = BOX_VERSION };

	(void)snprintf(ready.build, sizeof(ready.build), "%s", build);
	say_frame(s, BOX_READY, &ready, sizeof(ready));
}

static struct box_order hear_order(struct scene *s)
{
	struct box_order order;

	wait_readable(s, s->stream);
	assert_int_equal(read(s->stream, &order, sizeof(order)), sizeof(order));
	assert_int_equal(order.magic, BOX_MAGIC);
	return order;
}

/* Plays everything up to the running container. */
static void make_container(struct scene *s)
{
	static const char upgraded[] = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

	answer(hear(s, "POST /v1.41/containers/create HTTP/1.0\r\n"), "201 Created",
	       "{\"Id\":\"" OWN_ID "\"}");
	s->stream = hear(s, "POST /v1.41/containers/" OWN_ID
			    "/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\n");
	say(s->stream, upgraded, sizeof(upgraded) - 1);
	answer(hear(s, "POST /v1.41/containers/" OWN_ID "/start HTTP/1.0\r\n"), "204 No Content", "");
}

/* ---- the scene ---- */

static void listen_at(struct scene *s)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/docker-test-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	(void)snprintf(s->path, sizeof(s->path), "%s/sock", s->dir);
	memcpy(at.sun_path, s->path, strlen(s->path) + 1);
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s->listener, 16), 0);
}

static void begin(struct scene *s)
{
	struct docker_options options = { .runtime = "",
					  .box = "/box",
					  .slots = 1,
					  .attached = on_attached,
					  .problem = on_problem,
					  .arg = s };
	struct err e;

	*s = (struct scene){ .stream = -1 };
	buf_init(&s->out, 1 << 20);
	listen_at(s);
	options.socket = s->path;
	s->base = event_base_new();
	s->x = docker_new(s->base, &options, &e);
	assert_non_null(s->x);
}

static void begin_greeted(struct scene *s)
{
	begin(s);
	greet(s, "1.41", "1.12");
	answer(hear(s, "GET /v1.41/containers/json?all=1&filters="), "200 OK", "[]");
	turn_until(s, &s->attached, 1);
}

static void end(struct scene *s)
{
	executor_free(s->x);
	event_base_free(s->base);
	buf_done(&s->out);
	if (s->stream >= 0)
		(void)close(s->stream);
	(void)close(s->listener);
	(void)unlink(s->path);
	(void)rmdir(s->dir);
}

static struct exec_run *start(struct scene *s, const char *image)
{
	static const char *const argv[] = { "prog", NULL };
	static const char *const env[] = { NULL };
	const struct exec_spec spec = {
		.image = image,
		.argv = argv,
		.env = env,
		.artifacts_fd = -1,
		.stdin_fd = -1,
		.limits = { 1000, 2000, 64 << 20, 10, 100, 1 << 20, 1 << 20 },
	};
	struct err e;

	for (int64_t deadline = clock_mono_ms() + PATIENCE_MS; clock_mono_ms() < deadline;) {
		struct exec_run *run = executor_start(s->x, &spec, &events, s, &e);

		if (run || e.kind != ERR_BUSY)
			return run;
		(void)event_base_loop(s->base, EVLOOP_NONBLOCK); /* the list of leftovers is on its way */
	}
	return NULL;
}

static struct box_order begin_running(struct scene *s)
{
	begin_greeted(s);
	assert_non_null(start(s, "img:1"));
	make_container(s);
	say_ready(s, CODECRUSHER_VERSION);
	return hear_order(s);
}

/* ---- the promises ---- */

TEST(a_run_is_made_started_and_told)
{
	struct scene s;
	struct box_order order = begin_running(&s);
	struct box_end told = {
		.ended = 1, .wait_status = 3 << 8, .cpu_us = 5, .wall_us = 6, .memory_bytes = 7
	};

	memcpy(told.nonce, order.nonce, sizeof(told.nonce));
	assert_int_equal(order.output_bytes, 100);
	assert_int_not_equal(order.job_uid, order.box_uid);
	say_frame(&s, BOX_STARTED, NULL, 0);
	say_frame(&s, BOX_STDOUT, "hello", 5);
	say_frame(&s, BOX_END, &told, sizeof(told));
	turn_until(&s, &s.done, 1);
	assert_string_equal(buf_text(&s.out), "hello");
	assert_false(s.report.lost);
	assert_int_equal(s.report.exit_code, 3);
	assert_int_equal(s.report.memory_bytes, 7);
	end(&s);
}

TEST(an_end_without_the_nonce_is_no_end)
{
	struct scene s;
	struct box_end told = { .ended = 1 };

	(void)begin_running(&s);
	say_frame(&s, BOX_END, &told, sizeof(told));
	turn_until(&s, &s.done, 1);
	assert_true(s.report.lost);
	assert_true(s.report.started);
	end(&s);
}

TEST(more_output_than_the_cap_breaks_the_protocol)
{
	static const char flood[101] = { 0 };
	struct scene s;

	(void)begin_running(&s);
	say_frame(&s, BOX_STDOUT, flood, sizeof(flood));
	turn_until(&s, &s.done, 1);
	assert_true(s.report.lost);
	assert_int_equal(s.out.len, 0);
	end(&s);
}

TEST(a_container_that_ends_without_a_word_is_lost_and_not_refused)
{
	struct scene s;

	(void)begin_running(&s);
	(void)close(s.stream);
	s.stream = -1;
	turn_until(&s, &s.done, 1);
	assert_true(s.report.lost && s.report.started && !s.report.refused);
	end(&s);
}

TEST(a_box_of_another_build_is_refused)
{
	struct scene s;

	begin_greeted(&s);
	assert_non_null(start(&s, "img:1"));
	make_container(&s);
	say_ready(&s, "0.0.0-old");
	turn_until(&s, &s.done, 1);
	assert_true(s.report.lost && s.report.refused && !s.report.started);
	assert_non_null(strstr(s.report.problem, "another version"));
	end(&s);
}

TEST(a_missing_image_is_named_with_the_command_to_run)
{
	struct scene s;

	begin_greeted(&s);
	assert_non_null(start(&s, "img:1"));
	answer(hear(&s, "POST /v1.41/containers/create"), "404 Not Found",
	       "{\"message\":\"No such image: img:1\"}");
	turn_until(&s, &s.done, 1);
	assert_true(s.report.lost && s.report.refused);
	assert_non_null(strstr(s.report.problem, "docker pull img:1"));
	assert_int_equal(s.problems, 1);
	end(&s);
}

TEST(a_cancel_before_the_start_ends_the_run_and_after_it_is_a_byte)
{
	struct scene s;
	struct exec_run *run;
	char spec[4096], byte = 0;
	ssize_t n;

	begin_greeted(&s);
	executor_cancel(start(&s, "img:1"));
	turn_until(&s, &s.done, 1);
	assert_int_equal(s.report.stop, EXEC_STOP_CANCELLED);
	run = start(&s, "img:1"); /* takes the container that is being made */
	make_container(&s);
	say_ready(&s, CODECRUSHER_VERSION);
	n = (ssize_t)hear_order(&s).spec_len;
	while (n > 0) {
		wait_readable(&s, s.stream);
		n -= read(s.stream, spec, (size_t)n);
	}
	executor_cancel(run);
	wait_readable(&s, s.stream);
	assert_int_equal(read(s.stream, &byte, 1), 1);
	assert_int_equal(byte, BOX_CANCEL);
	end(&s);
}

TEST(an_engine_that_is_too_old_is_told_once_and_has_no_slots)
{
	struct exec_capacity c;
	struct scene s;

	begin(&s);
	greet(&s, "1.40", "1.12");
	turn_until(&s, &s.problems, 1);
	assert_non_null(strstr(s.problem, "1.41"));
	executor_capacity(s.x, &c);
	assert_int_equal(c.slots, 0);
	greet(&s, "1.40", "1.12");
	(void)event_base_loop(s.base, EVLOOP_NONBLOCK);
	assert_int_equal(s.problems, 1);
	end(&s);
}

TEST(an_engine_newer_than_we_is_asked_in_a_version_it_still_speaks)
{
	struct scene s;

	begin(&s);
	greet(&s, "1.99", "1.50");
	answer(hear(&s, "GET /v1.50/containers/json"), "200 OK", "[]");
	turn_until(&s, &s.attached, 1);
	end(&s);
}

TEST(nonsense_from_the_engine_is_survived)
{
	struct scene s;
	int fd;

	begin(&s);
	fd = hear(&s, "GET /version");
	say(fd, "what?\r\n\r\n", 9);
	(void)close(fd);
	turn_until(&s, &s.problems, 1);
	answer(hear(&s, "GET /version"), "200 OK", "[[[");
	turn_until(&s, &s.problems, 2);
	end(&s);
}

TEST(a_limit_found_passed_at_the_end_is_the_verdict)
{
	const struct sandbox_limits limits = { .cpu_ms = 1, .wall_ms = 1000 };
	struct box_end told = { .ended = 1, .wait_status = 9, .cpu_us = 2000 };

	assert_int_equal(docker_outcome(&told, &limits).stop, WIRE_STOP_CPU);
	told = (struct box_end){ .ended = 1, .wait_status = 9, .oom_own = 1, .oom_killed = 1 };
	assert_int_equal(docker_outcome(&told, &limits).stop, WIRE_STOP_MEMORY);
	told = (struct box_end){ .ended = 1, .wait_status = 9, .oom_killed = 1 };
	assert_true(docker_outcome(&told, &limits).lost);
	told = (struct box_end){ .ended = 1, .truncated = { 0, 1 } };
	assert_int_equal(docker_outcome(&told, &limits).stop, WIRE_STOP_OUTPUT);
}

TEST(images_are_overridden_by_language)
{
	struct lang langs[1] = { { .name = (char *)(uintptr_t) "python" } };
	struct lang_table table = { langs, 1 };
	struct err e;

	assert_int_equal(docker_override_images(&table, "python=own/python@sha256:00, ", &e), 0);
	assert_string_equal(langs[0].image, "own/python@sha256:00");
	assert_int_equal(docker_override_images(&table, "", &e), 0);
	assert_int_equal(docker_override_images(&table, "perl=x", &e), -1);
	assert_string_equal(e.field, "DOCKER_IMAGES");
	assert_int_equal(docker_override_images(&table, "python", &e), -1);
	assert_int_equal(docker_override_images(&table, "python=", &e), -1);
	free(langs[0].image);
}

UNIT_MAIN(T(a_run_is_made_started_and_told), T(an_end_without_the_nonce_is_no_end),
	  T(more_output_than_the_cap_breaks_the_protocol),
	  T(a_container_that_ends_without_a_word_is_lost_and_not_refused),
	  T(a_box_of_another_build_is_refused), T(a_missing_image_is_named_with_the_command_to_run),
	  T(a_cancel_before_the_start_ends_the_run_and_after_it_is_a_byte),
	  T(an_engine_that_is_too_old_is_told_once_and_has_no_slots),
	  T(an_engine_newer_than_we_is_asked_in_a_version_it_still_speaks),
	  T(nonsense_from_the_engine_is_survived), T(a_limit_found_passed_at_the_end_is_the_verdict),
	  T(images_are_overridden_by_language))
