/* SPDX-License-Identifier: MIT */
#include "executor/native.h"

#include "base/unit.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "sandbox/spec.h"
#include "sandbox/spec_format.h"
#include "sandbox/wire.h"

#define CAP 1000

/* The test plays the spawner on the socket's other end, in the same thread. */
struct scene {
	struct event_base *base;
	struct executor *x;
	int peer;
	unsigned slots;
	int attached, detached, changed;
	char detached_why[320];
};

/* What a run told. */
struct heard {
	struct buf out[2];
	size_t largest;
	int done;
	struct exec_report report;
	struct exec_run *cancel_at_output;
	struct executor *restart; /* start another one from inside `done` */
	enum err_kind restarted;
};

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

static void on_done(const struct exec_report *report, void *arg);
static const struct exec_events events = { on_output, on_done };

static struct exec_spec spec_of(int64_t cap)
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

static void on_done(const struct exec_report *report, void *arg)
{
	struct heard *h = arg;
	struct err e = { 0 };
	struct exec_spec spec = spec_of(CAP);

	h->done++;
	h->report = *report;
	if (h->restart && !executor_start(h->restart, &spec, &events, h, &e))
		h->restarted = e.kind;
}

static void heard_init(struct heard *h)
{
	*h = (struct heard){ 0 };
	buf_init(&h->out[0], 1 << 20);
	buf_init(&h->out[1], 1 << 20);
}

static void heard_done(struct heard *h)
{
	buf_done(&h->out[0]);
	buf_done(&h->out[1]);
}

/* Everything that has arrived. */
static void turn(struct scene *s)
{
	for (int i = 0; i < 4; i++)
		assert_true(event_base_loop(s->base, EVLOOP_NONBLOCK) >= 0);
}

/* ---- the spawner's side ---- */

static void say(struct scene *s, void *message, uint32_t type, size_t size, uint64_t run, const int *fds,
		size_t n_fds)
{
	struct wire_head head = { .type = type, .size = (uint32_t)size, .run = run };

	memcpy(message, &head, sizeof(head));
	assert_int_equal(wire_send(s->peer, message, size, fds, n_fds), 0);
}

static void say_hello(struct scene *s, const char *version, unsigned slots)
{
	struct wire_hello m = { .slots = slots, .weak = 5 };

	(void)snprintf(m.version, sizeof(m.version), "%s", version);
	say(s, &m, WIRE_HELLO, sizeof(m), 0, NULL, 0);
}

static void say_state(struct scene *s, uint32_t ready, uint32_t busy)
{
	struct wire_state m = { .ready = ready, .busy = busy, .broken = 1 };

	say(s, &m, WIRE_STATE, sizeof(m), 0, NULL, 0);
}

/* Returns the writing ends; the caller closes them. */
static void say_started(struct scene *s, uint64_t run, int ret_writers[2])
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

static void say_done(struct scene *s, uint64_t run, struct wire_done m)
{
	say(s, &m, WIRE_DONE, sizeof(m), run, NULL, 0);
}

/* The next message from the executor, which must be there. */
static struct wire_message hear(struct scene *s, uint32_t type)
{
	struct err e = { 0 };
	struct wire_message m;

	assert_int_equal(wire_receive(s->peer, &m, &e), 1);
	assert_int_equal(m.head.type, type);
	return m;
}

static void hear_nothing(struct scene *s)
{
	struct pollfd p = { .fd = s->peer, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 0), 0);
}

static void hear_kill(struct scene *s, uint64_t run, enum wire_stop why)
{
	struct wire_message m = hear(s, WIRE_KILL);

	assert_int_equal(m.head.run, run);
	assert_int_equal(m.kill.stop, why);
}

/* ---- scenes ---- */

static void attach(struct scene *s)
{
	struct err e = { 0 };
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	s->peer = pair[1];
	assert_int_equal(native_attach(s->x, pair[0], &e), 0);
}

static void begin_detached(struct scene *s)
{
	const struct native_options options = { 0, on_attached, on_detached, s };
	struct err e = { 0 };

	*s = (struct scene){ .base = event_base_new(), .peer = -1 };
	s->x = native_new(s->base, &options, &e);
	assert_non_null(s->x);
	executor_on_capacity(s->x, on_changed, s);
}

static void begin(struct scene *s)
{
	begin_detached(s);
	attach(s);
	say_hello(s, CODECRUSHER_VERSION, 2);
	say_state(s, 2, 0);
	turn(s);
	assert_int_equal(s->attached, 1);
	assert_int_equal(s->slots, 2);
	assert_int_equal(s->detached, 0);
}

static void end(struct scene *s)
{
	executor_free(s->x);
	if (s->peer >= 0)
		(void)close(s->peer);
	event_base_free(s->base);
	libevent_global_shutdown();
}

static struct exec_run *start(struct scene *s, struct heard *h, int64_t cap)
{
	struct exec_spec spec = spec_of(cap);
	struct err e = { 0 };
	struct exec_run *run = executor_start(s->x, &spec, &events, h, &e);

	if (!run)
		fail_msg("%s", e.msg);
	return run;
}

/* A run that has started: its id and the writing ends of its pipes. */
static uint64_t start_and_hear(struct scene *s, struct heard *h, int64_t cap, int writers[2])
{
	struct wire_message m;

	heard_init(h);
	(void)start(s, h, cap);
	m = hear(s, WIRE_RUN);
	wire_close_fds(&m);
	say_started(s, m.head.run, writers);
	turn(s);
	return m.head.run;
}

static void print(int fd, size_t n)
{
	char text[4 * CAP];

	assert_true(n <= sizeof(text));
	memset(text, 'x', n);
	assert_int_equal(write(fd, text, n), n);
}

static void close_both(const int writers[2])
{
	(void)close(writers[0]);
	(void)close(writers[1]);
}

static unsigned ready(struct scene *s)
{
	struct exec_capacity c;

	executor_capacity(s->x, &c);
	return c.ready;
}

/* ---- promises ---- */

TEST(a_run_is_asked_for_with_its_limits_and_descriptors)
{
	AUTO_CLOSE int input = executor_memfd("hello", 5);
	static const char *const collect[] = { "main", NULL };
	struct exec_spec spec = spec_of(CAP);
	struct wire_message m;
	struct err e = { 0 };
	struct heard h;
	struct scene s;
	char text[8];

	begin(&s);
	heard_init(&h);
	assert_true(input >= 0);
	spec.stdin_fd = input;
	spec.artifacts_fd = input;
	spec.collect = collect;
	assert_non_null(executor_start(s.x, &spec, &events, &h, &e));
	m = hear(&s, WIRE_RUN);
	assert_int_equal(m.n_fds, 3);
	assert_int_equal(m.run.flags, WIRE_RUN_STDIN | WIRE_RUN_ARTIFACTS | WIRE_RUN_COLLECT);
	assert_int_equal(m.run.limits.cpu_ms, 1);
	assert_int_equal(m.run.limits.wall_ms, 2);
	assert_int_equal(m.run.limits.memory_bytes, 3);
	assert_int_equal(m.run.limits.processes, 4);
	assert_int_equal(m.run.limits.file_bytes, 6);
	assert_int_equal(m.run.limits.disk_bytes, 7);
	assert_true(spec_is_sealed(m.fds[0]));
	assert_true(spec_is_sealed(m.fds[1]));
	assert_int_equal(read(m.fds[1], text, sizeof(text)), 5);
	assert_memory_equal(text, "hello", 5);
	wire_close_fds(&m);
	heard_done(&h);
	end(&s);
}

/* Starts a run that may have interpreter 2, and answers as the flags say. */
static void start_warm(struct scene *s, struct heard *h, uint32_t flags, int writers[2])
{
	struct exec_spec spec = spec_of(CAP);
	struct wire_started started = { .flags = flags };
	struct wire_message m;
	int out[2], err[2];
	struct err e = { 0 };

	heard_init(h);
	spec.warm = 2;
	assert_non_null(executor_start(s->x, &spec, &events, h, &e));
	m = hear(s, WIRE_RUN);
	wire_close_fds(&m);
	assert_int_equal(m.run.warm, 2);
	assert_int_equal(pipe(out) | pipe(err), 0);
	say(s, &started, WIRE_STARTED, sizeof(started), m.head.run, (int[]){ out[0], err[0] }, 2);
	(void)close(out[0]);
	(void)close(err[0]);
	writers[0] = out[1];
	writers[1] = err[1];
	turn(s);
}

TEST(runs_that_met_a_started_interpreter_are_counted_and_those_that_did_not)
{
	struct heard warm, cold;
	struct exec_warm counts;
	int writers[2][2];
	struct scene s;

	begin(&s);
	start_warm(&s, &warm, WIRE_STARTED_WARM, writers[0]);
	start_warm(&s, &cold, 0, writers[1]);
	executor_warm(s.x, 2, &counts);
	assert_int_equal(counts.hits, 1);
	assert_int_equal(counts.misses, 1);
	executor_warm(s.x, 1, &counts);
	assert_int_equal(counts.hits + counts.misses, 0);
	executor_warm(s.x, 99, &counts);
	assert_int_equal(counts.hits + counts.misses, 0);
	close_both(writers[0]);
	close_both(writers[1]);
	end(&s);
	heard_done(&warm);
	heard_done(&cold);
}

static bool has_no_reader(int writer)
{
	struct pollfd p = { .fd = writer, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

TEST(a_run_whose_started_interpreter_was_gone_is_heard_from_its_second_start)
{
	struct wire_started started = { 0 };
	int writers[2], again[2], err[2];
	struct exec_warm counts;
	struct heard h;
	struct scene s;

	begin(&s);
	start_warm(&s, &h, WIRE_STARTED_WARM, writers);
	assert_int_equal(pipe(again) | pipe(err), 0);
	say(&s, &started, WIRE_STARTED, sizeof(started), 1, (int[]){ again[0], err[0] }, 2);
	(void)close(again[0]);
	(void)close(err[0]);
	turn(&s);
	assert_true(has_no_reader(writers[0]));
	print(again[1], 5);
	(void)close(again[1]);
	(void)close(err[1]);
	say_done(&s, 1, (struct wire_done){ .exit_code = 0 });
	turn(&s);
	assert_int_equal(h.done, 1);
	assert_false(h.report.lost);
	assert_int_equal(h.out[0].len, 5);
	executor_warm(s.x, 2, &counts);
	assert_int_equal(counts.hits, 1);
	assert_int_equal(counts.misses, 1);
	close_both(writers);
	end(&s);
	heard_done(&h);
}

TEST(exactly_as_many_bytes_as_the_cap_are_no_overrun)
{
	struct heard h;
	struct scene s;
	int writers[2];
	uint64_t run;

	begin(&s);
	run = start_and_hear(&s, &h, CAP, writers);
	print(writers[0], CAP);
	print(writers[1], CAP);
	turn(&s);
	assert_int_equal(h.out[0].len, CAP);
	assert_int_equal(h.out[1].len, CAP);
	hear_nothing(&s);
	close_both(writers);
	say_done(&s, run, (struct wire_done){ .exit_code = 3, .cpu_us = 4, .wall_us = 5, .memory_bytes = 6 });
	turn(&s);
	assert_int_equal(h.done, 1);
	assert_int_equal(h.report.stop, EXEC_STOP_NONE);
	assert_false(h.report.truncated[0] || h.report.truncated[1]);
	assert_int_equal(h.report.exit_code, 3);
	assert_int_equal(h.report.cpu_us, 4);
	assert_int_equal(h.report.wall_us, 5);
	assert_int_equal(h.report.memory_bytes, 6);
	assert_int_equal(h.report.artifacts_fd, -1);
	heard_done(&h);
	end(&s);
}

TEST(one_byte_over_the_cap_kills_once_and_is_not_delivered)
{
	struct heard h;
	struct scene s;
	int writers[2];
	uint64_t run;

	begin(&s);
	run = start_and_hear(&s, &h, CAP, writers);
	print(writers[0], CAP + 1);
	turn(&s);
	hear_kill(&s, run, WIRE_STOP_OUTPUT);
	print(writers[0], CAP);
	print(writers[1], CAP + 1);
	turn(&s);
	hear_nothing(&s);
	close_both(writers);
	say_done(&s, run, (struct wire_done){ .stop = WIRE_STOP_OUTPUT, .exit_code = -1, .signal = SIGKILL });
	turn(&s);
	assert_int_equal(h.out[0].len, CAP);
	assert_int_equal(h.out[1].len, CAP);
	assert_true(h.report.truncated[0] && h.report.truncated[1]);
	assert_int_equal(h.report.stop, EXEC_STOP_OUTPUT);
	heard_done(&h);
	end(&s);
}

TEST(what_is_left_in_the_pipes_at_the_end_still_counts)
{
	static const struct {
		size_t left;
		enum wire_stop said;
		enum exec_stop stop;
		bool truncated;
	} rows[] = {
		{ CAP, WIRE_STOP_NONE, EXEC_STOP_NONE, false },
		{ CAP + 1, WIRE_STOP_NONE, EXEC_STOP_OUTPUT, true },
		{ CAP + 1, WIRE_STOP_CPU, EXEC_STOP_CPU, true },
		{ 0, WIRE_STOP_WALL, EXEC_STOP_WALL, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct heard h;
		struct scene s;
		int writers[2];
		uint64_t run;

		begin(&s);
		run = start_and_hear(&s, &h, CAP, writers);
		/* The report is read first, and nobody waits for the end of the file: the writers stay open.
		 */
		say_done(&s, run, (struct wire_done){ .stop = rows[i].said });
		print(writers[1], rows[i].left);
		turn(&s);
		assert_int_equal(h.done, 1);
		assert_int_equal(h.out[1].len, rows[i].left < CAP ? rows[i].left : CAP);
		assert_int_equal(h.report.stop, rows[i].stop);
		assert_int_equal(h.report.truncated[1], rows[i].truncated);
		assert_false(h.report.truncated[0]);
		close_both(writers);
		heard_done(&h);
		end(&s);
	}
}

TEST(a_flood_is_read_in_bounded_pieces)
{
	static char flood[300000];
	struct heard h;
	struct scene s;
	int writers[2];
	uint64_t run;

	begin(&s);
	run = start_and_hear(&s, &h, sizeof(flood), writers);
	assert_true(fcntl(writers[0], F_SETPIPE_SZ, 1 << 20) >= (int)sizeof(flood));
	assert_int_equal(write(writers[0], flood, sizeof(flood)), sizeof(flood));
	say_done(&s, run, (struct wire_done){ 0 });
	turn(&s);
	assert_int_equal(h.done, 1);
	assert_int_equal(h.out[0].len, sizeof(flood));
	assert_true(h.largest <= 65536);
	assert_false(h.report.truncated[0]);
	close_both(writers);
	heard_done(&h);
	end(&s);
}

TEST(a_closed_stream_ends_nothing_but_itself)
{
	struct heard h;
	struct scene s;
	int writers[2];
	uint64_t run;

	begin(&s);
	run = start_and_hear(&s, &h, CAP, writers);
	(void)close(writers[0]);
	turn(&s);
	assert_int_equal(h.done, 0);
	print(writers[1], 3);
	turn(&s);
	assert_int_equal(h.out[1].len, 3);
	say_done(&s, run, (struct wire_done){ 0 });
	turn(&s);
	assert_int_equal(h.done, 1);
	(void)close(writers[1]);
	heard_done(&h);
	end(&s);
}

TEST(cancelling_sends_one_kill_also_before_the_start_and_from_inside_a_callback)
{
	struct exec_run *run;
	struct wire_message m;
	struct heard h;
	struct scene s;
	int writers[2];

	begin(&s);
	heard_init(&h);
	run = start(&s, &h, CAP);
	executor_cancel(run);
	executor_cancel(run);
	m = hear(&s, WIRE_RUN);
	wire_close_fds(&m);
	hear_kill(&s, m.head.run, WIRE_STOP_CANCELLED);
	hear_nothing(&s);
	say_done(&s, m.head.run, (struct wire_done){ .stop = WIRE_STOP_CANCELLED, .exit_code = -1 });
	turn(&s);
	assert_int_equal(h.report.stop, EXEC_STOP_CANCELLED);

	h.cancel_at_output = start(&s, &h, CAP);
	m = hear(&s, WIRE_RUN);
	wire_close_fds(&m);
	say_started(&s, m.head.run, writers);
	turn(&s);
	print(writers[0], CAP + 1);
	turn(&s);
	hear_kill(&s, m.head.run, WIRE_STOP_CANCELLED);
	hear_nothing(&s);
	close_both(writers);
	heard_done(&h);
	end(&s);
}

TEST(a_refused_run_is_lost_and_says_why)
{
	struct wire_refused refused = { .reason = "no slot is free" };
	struct wire_message m;
	struct heard h;
	struct scene s;

	begin(&s);
	heard_init(&h);
	(void)start(&s, &h, CAP);
	m = hear(&s, WIRE_RUN);
	wire_close_fds(&m);
	say(&s, &refused, WIRE_REFUSED, sizeof(refused), m.head.run, NULL, 0);
	turn(&s);
	assert_int_equal(h.done, 1);
	assert_true(h.report.lost && h.report.refused && !h.report.started);
	assert_string_equal(h.report.problem, "no slot is free");
	assert_int_equal(ready(&s), 2);
	heard_done(&h);
	end(&s);
}

TEST(a_lost_slot_is_reported_with_whether_the_program_may_have_run)
{
	struct wire_message m;
	struct heard h;
	struct scene s;
	int writers[2];
	uint64_t run;

	begin(&s);
	heard_init(&h);
	(void)start(&s, &h, CAP);
	m = hear(&s, WIRE_RUN);
	wire_close_fds(&m);
	say_done(&s, m.head.run, (struct wire_done){ .flags = WIRE_DONE_LOST, .problem = "init died" });
	turn(&s);
	assert_true(h.report.lost && !h.report.started);
	assert_string_equal(h.report.problem, "init died");
	heard_done(&h);
	run = start_and_hear(&s, &h, CAP, writers);
	close_both(writers);
	say_done(&s, run, (struct wire_done){ .flags = WIRE_DONE_LOST | WIRE_DONE_STARTED });
	turn(&s);
	assert_true(h.report.lost && h.report.started);
	heard_done(&h);
	end(&s);
}

TEST(artifacts_come_with_the_report)
{
	AUTO_CLOSE int set = executor_memfd("set", 3);
	struct wire_done done = { .flags = WIRE_DONE_ARTIFACTS };
	struct heard h;
	struct scene s;
	int writers[2];
	uint64_t run;
	char text[4];

	begin(&s);
	run = start_and_hear(&s, &h, CAP, writers);
	close_both(writers);
	say(&s, &done, WIRE_DONE, sizeof(done), run, &set, 1);
	turn(&s);
	assert_true(h.report.artifacts_fd >= 0);
	assert_int_equal(pread(h.report.artifacts_fd, text, sizeof(text), 0), 3);
	(void)close(h.report.artifacts_fd);
	heard_done(&h);
	end(&s);
}

TEST(a_file_set_without_files_is_no_artifact)
{
	const struct spec_head head = { .magic = SPEC_SET_MAGIC, .size = sizeof(head) };
	AUTO_CLOSE int set = executor_memfd(&head, sizeof(head));
	struct wire_done done = { .flags = WIRE_DONE_ARTIFACTS };
	struct heard h;
	struct scene s;
	int writers[2];
	uint64_t run;

	begin(&s);
	run = start_and_hear(&s, &h, CAP, writers);
	close_both(writers);
	say(&s, &done, WIRE_DONE, sizeof(done), run, &set, 1);
	turn(&s);
	assert_int_equal(h.done, 1);
	assert_int_equal(h.report.artifacts_fd, -1);
	heard_done(&h);
	end(&s);
}

TEST(when_the_spawner_ends_all_runs_are_lost_and_the_next_spawner_serves_again)
{
	struct heard started, asked;
	struct scene s;
	int writers[2];
	uint64_t run;

	begin(&s);
	(void)start_and_hear(&s, &started, CAP, writers);
	heard_init(&asked);
	asked.restart = s.x;
	(void)start(&s, &asked, CAP);
	(void)close(s.peer);
	turn(&s);
	assert_true(started.report.lost && started.report.started && !started.report.refused);
	assert_true(asked.report.lost && !asked.report.started && !asked.report.refused);
	assert_int_equal(asked.done, 1);
	assert_int_equal(asked.restarted, ERR_BUSY);
	assert_int_equal(s.detached, 1);
	assert_string_equal(s.detached_why, "the spawner ended");
	assert_int_equal(ready(&s), 0);
	close_both(writers);
	heard_done(&started);
	heard_done(&asked);

	attach(&s);
	assert_int_equal(ready(&s), 0);
	say_hello(&s, CODECRUSHER_VERSION, 2);
	say_state(&s, 2, 0);
	turn(&s);
	assert_int_equal(s.attached, 2);
	run = start_and_hear(&s, &started, CAP, writers);
	say_done(&s, run, (struct wire_done){ .exit_code = 0 });
	turn(&s);
	assert_int_equal(started.done, 1);
	assert_false(started.report.lost);
	close_both(writers);
	heard_done(&started);
	end(&s);
}

TEST(attaching_a_new_spawner_loses_the_runs_of_the_old_one)
{
	struct heard h;
	struct scene s;
	int writers[2], old;

	begin(&s);
	(void)start_and_hear(&s, &h, CAP, writers);
	old = s.peer;
	attach(&s);
	assert_int_equal(h.done, 1);
	assert_true(h.report.lost);
	assert_int_equal(s.detached, 1);
	(void)close(old);
	close_both(writers);
	heard_done(&h);
	end(&s);
}

TEST(a_start_without_a_ready_slot_is_busy_and_the_listener_hears_when_there_is_one)
{
	struct exec_spec spec = spec_of(CAP);
	struct exec_capacity c;
	struct err e = { 0 };
	struct wire_message m;
	struct heard h;
	struct scene s;
	int writers[2];

	begin_detached(&s);
	heard_init(&h);
	assert_null(executor_start(s.x, &spec, &events, &h, &e));
	assert_int_equal(e.kind, ERR_BUSY);
	attach(&s);
	say_hello(&s, CODECRUSHER_VERSION, 2);
	turn(&s);
	assert_null(executor_start(s.x, &spec, &events, &h, &e));
	assert_int_equal(e.kind, ERR_BUSY);
	s.changed = 0;
	say_state(&s, 1, 0);
	turn(&s);
	assert_int_equal(s.changed, 1);
	(void)start(&s, &h, CAP);
	/* The spawner's count is older than the request. */
	assert_int_equal(ready(&s), 0);
	say_state(&s, 2, 0);
	turn(&s);
	assert_int_equal(ready(&s), 1);
	m = hear(&s, WIRE_RUN);
	wire_close_fds(&m);
	say_started(&s, m.head.run, writers);
	turn(&s);
	assert_int_equal(ready(&s), 1);
	say_state(&s, 1, 1);
	turn(&s);
	executor_capacity(s.x, &c);
	assert_int_equal(c.ready, 1);
	assert_int_equal(c.busy, 1);
	assert_int_equal(c.broken, 1);
	assert_int_equal(c.slots, 2);
	close_both(writers);
	heard_done(&h);
	end(&s);
}

TEST(a_spawner_that_breaks_the_protocol_is_left)
{
	static const char *const why[] = {
		"the spawner did not say hello first",
		"the spawner is of version 0.0.0, this is " CODECRUSHER_VERSION
		": install both from one build",
		"the spawner said hello twice",
		"the spawner named a run that does not exist",
		"the spawner sent a message that is not its own to send",
		"a message of 3 bytes",
		"the spawner started a run twice",
		"the spawner refused a run it had started",
	};

	for (size_t i = 0; i < sizeof(why) / sizeof(why[0]); i++) {
		struct wire_refused refused = { 0 };
		struct wire_kill kill = { .stop = WIRE_STOP_CANCELLED };
		struct heard h;
		struct scene s;
		int writers[2] = { -1, -1 };
		uint64_t run = 0;

		begin_detached(&s);
		attach(&s);
		heard_init(&h);
		if (i > 1)
			say_hello(&s, CODECRUSHER_VERSION, 2);
		if (i > 5) {
			say_state(&s, 1, 0);
			turn(&s);
			run = start_and_hear(&s, &h, CAP, writers);
			close_both(writers);
		}
		if (i == 0)
			say_state(&s, 1, 0);
		else if (i == 1)
			say_hello(&s, "0.0.0", 2);
		else if (i == 2)
			say_hello(&s, CODECRUSHER_VERSION, 2);
		else if (i == 3)
			say_done(&s, 77, (struct wire_done){ 0 });
		else if (i == 4)
			say(&s, &kill, WIRE_KILL, sizeof(kill), 1, NULL, 0);
		else if (i == 5)
			assert_int_equal(send(s.peer, "abc", 3, 0), 3);
		else if (i == 6)
			say_started(&s, run, writers);
		else
			say(&s, &refused, WIRE_REFUSED, sizeof(refused), run, NULL, 0);
		turn(&s);
		assert_int_equal(s.detached, 1);
		assert_string_equal(s.detached_why, why[i]);
		assert_int_equal(ready(&s), 0);
		assert_int_equal(h.done, i > 5);
		if (i == 6)
			close_both(writers);
		heard_done(&h);
		end(&s);
	}
}

TEST(a_kill_that_meets_a_full_socket_is_sent_when_there_is_room)
{
	struct exec_spec spec = spec_of(CAP);
	struct exec_run *runs[2000];
	struct wire_message m;
	struct err e = { 0 };
	struct heard h;
	struct scene s;
	size_t n = 0, kills = 0;

	begin(&s);
	heard_init(&h);
	executor_on_capacity(s.x, NULL, NULL);
	(void)close(s.peer);
	turn(&s);
	attach(&s);
	/* More slots than the socket holds requests. */
	say_hello(&s, CODECRUSHER_VERSION, 2000);
	say_state(&s, 2000, 0);
	turn(&s);
	while (n < 2000 && (runs[n] = executor_start(s.x, &spec, &events, &h, &e)))
		n++;
	assert_true(n > 0 && n < 2000);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_int_equal(ready(&s), 0);
	for (size_t i = 0; i < n; i++)
		executor_cancel(runs[i]);
	for (int i = 0; i < 10000 && kills < n; i++) {
		struct pollfd p = { .fd = s.peer, .events = POLLIN };

		if (poll(&p, 1, 0) == 1 && wire_receive(s.peer, &m, &e) == 1) {
			kills += m.head.type == WIRE_KILL;
			wire_close_fds(&m);
		}
		turn(&s);
	}
	assert_int_equal(kills, n);
	assert_true(ready(&s) > 0);
	hear_nothing(&s);
	heard_done(&h);
	end(&s);
}

TEST(freeing_the_executor_tells_nothing_more)
{
	struct heard h;
	struct scene s;
	int writers[2];

	begin(&s);
	(void)start_and_hear(&s, &h, CAP, writers);
	end(&s);
	assert_int_equal(h.done, 0);
	close_both(writers);
	heard_done(&h);
}

UNIT_MAIN(T(a_run_is_asked_for_with_its_limits_and_descriptors),
	  T(runs_that_met_a_started_interpreter_are_counted_and_those_that_did_not),
	  T(a_run_whose_started_interpreter_was_gone_is_heard_from_its_second_start),
	  T(exactly_as_many_bytes_as_the_cap_are_no_overrun),
	  T(one_byte_over_the_cap_kills_once_and_is_not_delivered),
	  T(what_is_left_in_the_pipes_at_the_end_still_counts), T(a_flood_is_read_in_bounded_pieces),
	  T(a_closed_stream_ends_nothing_but_itself),
	  T(cancelling_sends_one_kill_also_before_the_start_and_from_inside_a_callback),
	  T(a_refused_run_is_lost_and_says_why),
	  T(a_lost_slot_is_reported_with_whether_the_program_may_have_run), T(artifacts_come_with_the_report),
	  T(a_file_set_without_files_is_no_artifact),
	  T(when_the_spawner_ends_all_runs_are_lost_and_the_next_spawner_serves_again),
	  T(attaching_a_new_spawner_loses_the_runs_of_the_old_one),
	  T(a_start_without_a_ready_slot_is_busy_and_the_listener_hears_when_there_is_one),
	  T(a_spawner_that_breaks_the_protocol_is_left),
	  T(a_kill_that_meets_a_full_socket_is_sent_when_there_is_room),
	  T(freeing_the_executor_tells_nothing_more))
