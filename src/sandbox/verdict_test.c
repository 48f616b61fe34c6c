/* SPDX-License-Identifier: MIT */
#include "sandbox/verdict.h"

#include <errno.h>
#include <signal.h>

#include "base/unit.h"

#define EXITED(code) ((code) << 8)
#define SIGNALED(s)  (s)

TEST(cpu_time_is_looked_at_before_it_can_pass_the_limit)
{
	static const struct {
		int64_t limit, used;
		uint32_t cpus;
		int64_t expected;
	} rows[] = {
		{ 10000000, 0, 1, 10000000 },	/* one CPU cannot be faster than the wall clock */
		{ 10000000, 0, 4, 2500000 },	/* four can */
		{ 10000000, 9999000, 1, 1000 }, /* the last millisecond */
		{ 10000000, 9996000, 8, 1000 }, /* never more often than each millisecond ... */
		{ 10000000, 9999900, 8, 100 },	/* ... unless less than that is left */
		{ 10000000, 10000000, 1, 0 },	/* nothing is left */
		{ 10000000, 12000000, 2, 0 },	/* it is passed */
		{ INT64_C(1) << 50, 0, 0, INT64_C(1) << 50 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(verdict_cpu_check_us(rows[i].limit, rows[i].used, rows[i].cpus),
				 rows[i].expected);
}

/* A program that ended by itself within all limits. */
static struct verdict_facts fine(int wait_status)
{
	return (struct verdict_facts){ .ended = true,
				       .wait_status = wait_status,
				       .cpu_us = 10,
				       .cpu_limit_us = 1000,
				       .wall_us = 20,
				       .wall_limit_us = 2000 };
}

TEST(exit_status_and_signal_are_the_programs_own)
{
	struct verdict_facts f = fine(EXITED(42));
	struct verdict v = verdict_decide(&f);

	assert_int_equal(v.stop, WIRE_STOP_NONE);
	assert_int_equal(v.exit_code, 42);
	assert_int_equal(v.signal, 0);
	assert_false(v.lost);
	f = fine(SIGNALED(SIGKILL));
	v = verdict_decide(&f);
	assert_int_equal(v.stop, WIRE_STOP_NONE); /* a program may kill itself: that is no limit */
	assert_int_equal(v.exit_code, -1);
	assert_int_equal(v.signal, SIGKILL);
}

TEST(what_we_killed_has_neither_exit_code_nor_signal)
{
	struct verdict_facts f = fine(0);
	struct verdict v;

	f.ended = false;
	f.killed = true;
	f.stop = WIRE_STOP_WALL;
	v = verdict_decide(&f);
	assert_int_equal(v.stop, WIRE_STOP_WALL);
	assert_int_equal(v.exit_code, -1);
	assert_int_equal(v.signal, 0);
	assert_false(v.lost);
}

TEST(the_first_limit_stays_the_reason)
{
	struct verdict_facts f = fine(0);

	f.killed = true;
	f.ended = false;
	f.cpu_us = f.wall_us = 1000000;
	f.oom_own = f.oom_killed = true;
	f.stop = WIRE_STOP_CANCELLED;
	assert_int_equal(verdict_decide(&f).stop, WIRE_STOP_CANCELLED);
	f.stop = WIRE_STOP_OUTPUT;
	assert_int_equal(verdict_decide(&f).stop, WIRE_STOP_OUTPUT);
}

TEST(ties_go_to_memory_then_cpu_then_wall)
{
	struct verdict_facts f = fine(EXITED(0));

	f.wall_us = f.wall_limit_us + 1;
	assert_int_equal(verdict_decide(&f).stop, WIRE_STOP_WALL);
	f.cpu_us = f.cpu_limit_us + 1;
	assert_int_equal(verdict_decide(&f).stop, WIRE_STOP_CPU);
	f.oom_own = f.oom_killed = true;
	assert_int_equal(verdict_decide(&f).stop, WIRE_STOP_MEMORY);
	/* Found out only after the clocks were blamed: the kill for memory was earlier all the same. */
	f.stop = WIRE_STOP_WALL;
	assert_int_equal(verdict_decide(&f).stop, WIRE_STOP_MEMORY);
}

TEST(exactly_at_a_limit_is_within_it)
{
	struct verdict_facts f = fine(EXITED(0));

	f.cpu_us = f.cpu_limit_us;
	f.wall_us = f.wall_limit_us;
	assert_int_equal(verdict_decide(&f).stop, WIRE_STOP_NONE);
}

TEST(a_program_that_ended_keeps_its_status_beside_a_limit)
{
	struct verdict_facts f = fine(EXITED(3));
	struct verdict v;

	f.cpu_us = f.cpu_limit_us + 1;
	v = verdict_decide(&f);
	assert_int_equal(v.stop, WIRE_STOP_CPU);
	assert_int_equal(v.exit_code, 3);
}

TEST(the_kernels_kill_for_memory_is_no_signal_of_the_program)
{
	struct verdict_facts f = fine(SIGNALED(SIGKILL));
	struct verdict v;

	f.oom_own = f.oom_killed = true;
	v = verdict_decide(&f);
	assert_int_equal(v.stop, WIRE_STOP_MEMORY);
	assert_int_equal(v.signal, 0);
	f.wait_status = SIGNALED(SIGSEGV);
	assert_int_equal(verdict_decide(&f).signal, SIGSEGV);
}

TEST(memory_of_the_host_is_not_the_programs_fault)
{
	struct verdict_facts f = fine(SIGNALED(SIGKILL));
	struct verdict v;

	f.oom_killed = true;
	v = verdict_decide(&f);
	assert_true(v.lost);
	assert_non_null(v.problem);
	assert_int_equal(v.stop, WIRE_STOP_NONE);
}

TEST(a_limit_that_was_hit_but_killed_nobody_is_no_stop)
{
	struct verdict_facts f = fine(EXITED(0));

	f.oom_own = true;
	assert_int_equal(verdict_decide(&f).stop, WIRE_STOP_NONE);
}

TEST(a_slot_that_ends_without_a_word_is_lost)
{
	struct verdict_facts f = fine(0);
	struct verdict v;

	f.ended = false;
	v = verdict_decide(&f);
	assert_true(v.lost);
	assert_non_null(v.problem);
	f.oom_own = f.oom_killed = true;
	v = verdict_decide(&f);
	assert_false(v.lost);
	assert_int_equal(v.stop, WIRE_STOP_MEMORY);
}

TEST(what_could_not_be_executed_has_no_status)
{
	struct verdict_facts f = fine(EXITED(127));
	struct verdict v;

	f.start_errno = ENOENT;
	v = verdict_decide(&f);
	assert_int_equal(v.exit_code, -1);
	assert_int_equal(v.signal, 0);
	assert_false(v.lost);
}

UNIT_MAIN(T(cpu_time_is_looked_at_before_it_can_pass_the_limit),
	  T(exit_status_and_signal_are_the_programs_own), T(what_we_killed_has_neither_exit_code_nor_signal),
	  T(the_first_limit_stays_the_reason), T(ties_go_to_memory_then_cpu_then_wall),
	  T(exactly_at_a_limit_is_within_it), T(a_program_that_ended_keeps_its_status_beside_a_limit),
	  T(the_kernels_kill_for_memory_is_no_signal_of_the_program),
	  T(memory_of_the_host_is_not_the_programs_fault),
	  T(a_limit_that_was_hit_but_killed_nobody_is_no_stop), T(a_slot_that_ends_without_a_word_is_lost),
	  T(what_could_not_be_executed_has_no_status))
