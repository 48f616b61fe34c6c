/* SPDX-License-Identifier: MIT */
/* The native executor: a run's output and its cap. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/unit.h"
#include "executor/native_scene.h"

TEST(exactly_as_many_bytes_as_the_cap_are_no_overrun)
{
	struct heard h;
	struct scene s;
	int writers[2];
	uint64_t run;

	scene_begin(&s);
	run = scene_start_and_hear(&s, &h, CAP, writers);
	scene_print(writers[0], CAP);
	scene_print(writers[1], CAP);
	scene_turn(&s);
	assert_int_equal(h.out[0].len, CAP);
	assert_int_equal(h.out[1].len, CAP);
	hear_nothing(&s);
	close_both(writers);
	say_done(&s, run, (struct wire_done){ .exit_code = 3, .cpu_us = 4, .wall_us = 5, .memory_bytes = 6 });
	scene_turn(&s);
	assert_int_equal(h.done, 1);
	assert_int_equal(h.report.stop, EXEC_STOP_NONE);
	assert_false(h.report.truncated[0] || h.report.truncated[1]);
	assert_int_equal(h.report.exit_code, 3);
	assert_int_equal(h.report.cpu_us, 4);
	assert_int_equal(h.report.wall_us, 5);
	assert_int_equal(h.report.memory_bytes, 6);
	assert_int_equal(h.report.artifacts_fd, -1);
	heard_done(&h);
	scene_end(&s);
}

TEST(one_byte_over_the_cap_kills_once_and_is_not_delivered)
{
	struct heard h;
	struct scene s;
	int writers[2];
	uint64_t run;

	scene_begin(&s);
	run = scene_start_and_hear(&s, &h, CAP, writers);
	scene_print(writers[0], CAP + 1);
	scene_turn(&s);
	hear_kill(&s, run, WIRE_STOP_OUTPUT);
	scene_print(writers[0], CAP);
	scene_print(writers[1], CAP + 1);
	scene_turn(&s);
	hear_nothing(&s);
	close_both(writers);
	say_done(&s, run, (struct wire_done){ .stop = WIRE_STOP_OUTPUT, .exit_code = -1, .signal = SIGKILL });
	scene_turn(&s);
	assert_int_equal(h.out[0].len, CAP);
	assert_int_equal(h.out[1].len, CAP);
	assert_true(h.report.truncated[0] && h.report.truncated[1]);
	assert_int_equal(h.report.stop, EXEC_STOP_OUTPUT);
	heard_done(&h);
	scene_end(&s);
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

		scene_begin(&s);
		run = scene_start_and_hear(&s, &h, CAP, writers);
		/* The report is read first, and nobody waits for the end of the file: the writers stay open.
		 */
		say_done(&s, run, (struct wire_done){ .stop = rows[i].said });
		scene_print(writers[1], rows[i].left);
		scene_turn(&s);
		assert_int_equal(h.done, 1);
		assert_int_equal(h.out[1].len, rows[i].left < CAP ? rows[i].left : CAP);
		assert_int_equal(h.report.stop, rows[i].stop);
		assert_int_equal(h.report.truncated[1], rows[i].truncated);
		assert_false(h.report.truncated[0]);
		close_both(writers);
		heard_done(&h);
		scene_end(&s);
	}
}

TEST(a_flood_is_read_in_bounded_pieces)
{
	static char flood[300000];
	struct heard h;
	struct scene s;
	int writers[2];
	uint64_t run;

	scene_begin(&s);
	run = scene_start_and_hear(&s, &h, sizeof(flood), writers);
	assert_true(fcntl(writers[0], F_SETPIPE_SZ, 1 << 20) >= (int)sizeof(flood));
	assert_int_equal(write(writers[0], flood, sizeof(flood)), sizeof(flood));
	say_done(&s, run, (struct wire_done){ 0 });
	scene_turn(&s);
	assert_int_equal(h.done, 1);
	assert_int_equal(h.out[0].len, sizeof(flood));
	assert_true(h.largest <= 65536);
	assert_false(h.report.truncated[0]);
	close_both(writers);
	heard_done(&h);
	scene_end(&s);
}

TEST(a_closed_stream_ends_nothing_but_itself)
{
	struct heard h;
	struct scene s;
	int writers[2];
	uint64_t run;

	scene_begin(&s);
	run = scene_start_and_hear(&s, &h, CAP, writers);
	(void)close(writers[0]);
	scene_turn(&s);
	assert_int_equal(h.done, 0);
	scene_print(writers[1], 3);
	scene_turn(&s);
	assert_int_equal(h.out[1].len, 3);
	say_done(&s, run, (struct wire_done){ 0 });
	scene_turn(&s);
	assert_int_equal(h.done, 1);
	(void)close(writers[1]);
	heard_done(&h);
	scene_end(&s);
}

UNIT_MAIN(T(exactly_as_many_bytes_as_the_cap_are_no_overrun),
	  T(one_byte_over_the_cap_kills_once_and_is_not_delivered),
	  T(what_is_left_in_the_pipes_at_the_end_still_counts), T(a_flood_is_read_in_bounded_pieces),
	  T(a_closed_stream_ends_nothing_but_itself))
