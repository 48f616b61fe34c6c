/* SPDX-License-Identifier: MIT */
/* The native executor: what a run is asked for, and what is reported of it. */
#include <poll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/unit.h"
#include "executor/native_scene.h"
#include "sandbox/spec.h"
#include "sandbox/spec_format.h"

TEST(a_run_is_asked_for_with_its_limits_and_descriptors)
{
	AUTO_CLOSE int input = executor_memfd("hello", 5);
	static const char *const collect[] = { "main", NULL };
	struct exec_spec spec = scene_spec(CAP);
	struct wire_message m;
	struct err e = { 0 };
	struct heard h;
	struct scene s;
	char text[8];

	scene_begin(&s);
	heard_init(&h);
	assert_true(input >= 0);
	spec.stdin_fd = input;
	spec.artifacts_fd = input;
	spec.collect = collect;
	assert_non_null(executor_start(s.x, &spec, &scene_events, &h, &e));
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
	scene_end(&s);
}

/* Starts a run that may have interpreter 2, and answers as the flags say. */
static void start_warm(struct scene *s, struct heard *h, uint32_t flags, int writers[2])
{
	struct exec_spec spec = scene_spec(CAP);
	struct wire_started started = { .flags = flags };
	struct wire_message m;
	int out[2], err[2];
	struct err e = { 0 };

	heard_init(h);
	spec.warm = 2;
	assert_non_null(executor_start(s->x, &spec, &scene_events, h, &e));
	m = hear(s, WIRE_RUN);
	wire_close_fds(&m);
	assert_int_equal(m.run.warm, 2);
	assert_int_equal(pipe(out) | pipe(err), 0);
	say(s, &started, WIRE_STARTED, sizeof(started), m.head.run, (int[]){ out[0], err[0] }, 2);
	(void)close(out[0]);
	(void)close(err[0]);
	writers[0] = out[1];
	writers[1] = err[1];
	scene_turn(s);
}

TEST(runs_that_met_a_started_interpreter_are_counted_and_those_that_did_not)
{
	struct heard warm, cold;
	struct exec_warm counts;
	int writers[2][2];
	struct scene s;

	scene_begin(&s);
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
	scene_end(&s);
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

	scene_begin(&s);
	start_warm(&s, &h, WIRE_STARTED_WARM, writers);
	assert_int_equal(pipe(again) | pipe(err), 0);
	say(&s, &started, WIRE_STARTED, sizeof(started), 1, (int[]){ again[0], err[0] }, 2);
	(void)close(again[0]);
	(void)close(err[0]);
	scene_turn(&s);
	assert_true(has_no_reader(writers[0]));
	scene_print(again[1], 5);
	(void)close(again[1]);
	(void)close(err[1]);
	say_done(&s, 1, (struct wire_done){ .exit_code = 0 });
	scene_turn(&s);
	assert_int_equal(h.done, 1);
	assert_false(h.report.lost);
	assert_int_equal(h.out[0].len, 5);
	executor_warm(s.x, 2, &counts);
	assert_int_equal(counts.hits, 1);
	assert_int_equal(counts.misses, 1);
	close_both(writers);
	scene_end(&s);
	heard_done(&h);
}

TEST(cancelling_sends_one_kill_also_before_the_start_and_from_inside_a_callback)
{
	struct exec_run *run;
	struct wire_message m;
	struct heard h;
	struct scene s;
	int writers[2];

	scene_begin(&s);
	heard_init(&h);
	run = scene_start(&s, &h, CAP);
	executor_cancel(run);
	executor_cancel(run);
	m = hear(&s, WIRE_RUN);
	wire_close_fds(&m);
	hear_kill(&s, m.head.run, WIRE_STOP_CANCELLED);
	hear_nothing(&s);
	say_done(&s, m.head.run, (struct wire_done){ .stop = WIRE_STOP_CANCELLED, .exit_code = -1 });
	scene_turn(&s);
	assert_int_equal(h.report.stop, EXEC_STOP_CANCELLED);

	h.cancel_at_output = scene_start(&s, &h, CAP);
	m = hear(&s, WIRE_RUN);
	wire_close_fds(&m);
	say_started(&s, m.head.run, writers);
	scene_turn(&s);
	scene_print(writers[0], CAP + 1);
	scene_turn(&s);
	hear_kill(&s, m.head.run, WIRE_STOP_CANCELLED);
	hear_nothing(&s);
	close_both(writers);
	heard_done(&h);
	scene_end(&s);
}

TEST(a_refused_run_is_lost_and_says_why)
{
	struct wire_refused refused = { .reason = "no slot is free" };
	struct wire_message m;
	struct heard h;
	struct scene s;

	scene_begin(&s);
	heard_init(&h);
	(void)scene_start(&s, &h, CAP);
	m = hear(&s, WIRE_RUN);
	wire_close_fds(&m);
	say(&s, &refused, WIRE_REFUSED, sizeof(refused), m.head.run, NULL, 0);
	scene_turn(&s);
	assert_int_equal(h.done, 1);
	assert_true(h.report.lost && h.report.refused && !h.report.started);
	assert_string_equal(h.report.problem, "no slot is free");
	assert_int_equal(scene_ready(&s), 2);
	heard_done(&h);
	scene_end(&s);
}

TEST(a_lost_slot_is_reported_with_whether_the_program_may_have_run)
{
	struct wire_message m;
	struct heard h;
	struct scene s;
	int writers[2];
	uint64_t run;

	scene_begin(&s);
	heard_init(&h);
	(void)scene_start(&s, &h, CAP);
	m = hear(&s, WIRE_RUN);
	wire_close_fds(&m);
	say_done(&s, m.head.run, (struct wire_done){ .flags = WIRE_DONE_LOST, .problem = "init died" });
	scene_turn(&s);
	assert_true(h.report.lost && !h.report.started);
	assert_string_equal(h.report.problem, "init died");
	heard_done(&h);
	run = scene_start_and_hear(&s, &h, CAP, writers);
	close_both(writers);
	say_done(&s, run, (struct wire_done){ .flags = WIRE_DONE_LOST | WIRE_DONE_STARTED });
	scene_turn(&s);
	assert_true(h.report.lost && h.report.started);
	heard_done(&h);
	scene_end(&s);
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

	scene_begin(&s);
	run = scene_start_and_hear(&s, &h, CAP, writers);
	close_both(writers);
	say(&s, &done, WIRE_DONE, sizeof(done), run, &set, 1);
	scene_turn(&s);
	assert_true(h.report.artifacts_fd >= 0);
	assert_int_equal(pread(h.report.artifacts_fd, text, sizeof(text), 0), 3);
	(void)close(h.report.artifacts_fd);
	heard_done(&h);
	scene_end(&s);
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

	scene_begin(&s);
	run = scene_start_and_hear(&s, &h, CAP, writers);
	close_both(writers);
	say(&s, &done, WIRE_DONE, sizeof(done), run, &set, 1);
	scene_turn(&s);
	assert_int_equal(h.done, 1);
	assert_int_equal(h.report.artifacts_fd, -1);
	heard_done(&h);
	scene_end(&s);
}

TEST(freeing_the_executor_tells_nothing_more)
{
	struct heard h;
	struct scene s;
	int writers[2];

	scene_begin(&s);
	(void)scene_start_and_hear(&s, &h, CAP, writers);
	scene_end(&s);
	assert_int_equal(h.done, 0);
	close_both(writers);
	heard_done(&h);
}

UNIT_MAIN(T(a_run_is_asked_for_with_its_limits_and_descriptors),
	  T(runs_that_met_a_started_interpreter_are_counted_and_those_that_did_not),
	  T(a_run_whose_started_interpreter_was_gone_is_heard_from_its_second_start),
	  T(cancelling_sends_one_kill_also_before_the_start_and_from_inside_a_callback),
	  T(a_refused_run_is_lost_and_says_why),
	  T(a_lost_slot_is_reported_with_whether_the_program_may_have_run), T(artifacts_come_with_the_report),
	  T(a_file_set_without_files_is_no_artifact), T(freeing_the_executor_tells_nothing_more))
