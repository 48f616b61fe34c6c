/* SPDX-License-Identifier: MIT */
#include "base/unit.h"

#include "cmd/backoff.h"
#include "cmd/probe_line.h"
#include "cmd/run_args.h"

TEST(a_child_that_dies_at_once_is_restarted_ever_more_slowly)
{
	static const int64_t waits[] = { 100, 200, 400, 800, 1600, 3200, 5000, 5000 };
	struct backoff b = { 0 };

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		assert_int_equal(backoff_next(&b, 5), waits[i]);
}

TEST(a_child_that_lived_ten_seconds_is_restarted_quickly_again)
{
	struct backoff b = { .last_ms = BACKOFF_MAX_MS };

	assert_int_equal(backoff_next(&b, BACKOFF_RESET_MS - 1), BACKOFF_MAX_MS);
	assert_int_equal(backoff_next(&b, BACKOFF_RESET_MS), BACKOFF_FIRST_MS);
}

TEST(a_probe_line_has_name_ability_what_and_perhaps_advice)
{
	char full[] = "swap\tweak\tswap is on\tturn it off";
	char brief[] = "seccomp\tok\tthe filter loads";
	char empty[] = "pids\tmissing\tno controller\t";
	struct probe_line l;

	assert_true(probe_line_parse(full, &l));
	assert_string_equal(l.name, "swap");
	assert_int_equal(l.ability, ABILITY_WEAK);
	assert_string_equal(l.what, "swap is on");
	assert_string_equal(l.advice, "turn it off");
	assert_true(probe_line_parse(brief, &l));
	assert_int_equal(l.ability, ABILITY_OK);
	assert_string_equal(l.advice, "");
	assert_true(probe_line_parse(empty, &l));
	assert_int_equal(l.ability, ABILITY_MISSING);
	assert_string_equal(l.advice, "");
}

TEST(what_is_no_probe_line_is_refused)
{
	static const char *const lines[] = {
		"", "swap", "swap\tweak", "\tok\tx", "swap\tfine\tx\ty", "swap\tok\tx\ty\tz",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct probe_line l;
		char line[64];

		snprintf(line, sizeof(line), "%s", lines[i]);
		assert_false(probe_line_parse(line, &l));
	}
}

static int parse(const char *const words[], struct run_args *ret_args, struct err *e)
{
	int n = 0;

	while (words[n])
		n++;
	return run_args_parse(n, (char *const *)words, ret_args, e);
}

#define WORDS(...)                \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

TEST(run_takes_options_on_both_sides_of_the_file)
{
	struct run_args a;
	struct err e;

	assert_int_equal(parse(WORDS("--summary", "--stdin=in", "main.c", "--flag", "-O2", "--flag=-lm",
				     "--lang", "c", "--limit", "cpuMs=250", "--limit=memoryBytes=64M"),
			       &a, &e),
			 0);
	assert_string_equal(a.file, "main.c");
	assert_string_equal(a.stdin_path, "in");
	assert_string_equal(a.language, "c");
	assert_true(a.summary);
	assert_int_equal(a.n_flags, 2);
	assert_string_equal(a.flags[0], "-O2");
	assert_string_equal(a.flags[1], "-lm");
	assert_null(a.flags[2]);
	assert_int_equal(a.limits.cpu_ms, 250);
	assert_int_equal(a.limits.memory_bytes, 64 << 20);
	assert_int_equal(a.limits.wall_ms, 0);
	assert_int_equal(a.n_args, 0);
	run_args_done(&a);
}

TEST(what_follows_the_double_dash_is_the_programs)
{
	struct run_args a;
	struct err e;

	assert_int_equal(parse(WORDS("a.py", "--", "--summary", "--", "x"), &a, &e), 0);
	assert_false(a.summary);
	assert_int_equal(a.n_args, 3);
	assert_string_equal(a.args[0], "--summary");
	assert_string_equal(a.args[1], "--");
	assert_string_equal(a.args[2], "x");
	assert_null(a.args[3]);
	run_args_done(&a);
}

TEST(run_refuses_what_it_cannot_read)
{
	static const struct {
		const char *words[5];
		const char *says;
	} cases[] = {
		{ { NULL }, "needs a FILE" },
		{ { "--", "a.py", NULL }, "needs a FILE" },
		{ { "a.py", "b", NULL }, "go after --" },
		{ { "a.py", "--stdin", NULL }, "needs a value" },
		{ { "a.py", "--stdin", "--", "x", NULL }, "needs a value" },
		{ { "a.py", "--nonsense", NULL }, "unknown option --nonsense" },
		{ { "a.py", "--summaryx", NULL }, "unknown option" },
		{ { "a.py", "--limit", "cpuMs", NULL }, "NAME=NUMBER" },
		{ { "a.py", "--limit", "cpu=1", NULL }, "NAME=NUMBER" },
		{ { "a.py", "--limit", "cpuMs=0", NULL }, "positive" },
		{ { "a.py", "--limit", "cpuMs=-1", NULL }, "positive" },
		{ { "a.py", "--limit", "cpuMs=1x", NULL }, "positive" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run_args a;
		struct err e = { 0 };

		assert_int_equal(parse(cases[i].words, &a, &e), -1);
		assert_non_null(strstr(e.msg, cases[i].says));
	}
}

TEST(amounts_may_carry_a_binary_suffix)
{
	int64_t n;

	assert_int_equal(run_parse_amount("7", &n), 0);
	assert_int_equal(n, 7);
	assert_int_equal(run_parse_amount("3K", &n), 0);
	assert_int_equal(n, 3072);
	assert_int_equal(run_parse_amount("2G", &n), 0);
	assert_int_equal(n, INT64_C(2) << 30);
	assert_int_equal(run_parse_amount("9223372036854775807", &n), 0);
	assert_int_equal(run_parse_amount("9223372036854775808", &n), -1);
	assert_int_equal(run_parse_amount("9223372036854775807K", &n), -1);
	assert_int_equal(run_parse_amount("1MB", &n), -1);
	assert_int_equal(run_parse_amount(" 1", &n), -1);
	assert_int_equal(run_parse_amount("", &n), -1);
}

TEST(the_exit_status_of_run_says_how_the_program_ended)
{
	assert_int_equal(run_exit_status(VERDICT_OK, 0, 0), 0);
	assert_int_equal(run_exit_status(VERDICT_RUNTIME_ERROR, 3, 0), 3);
	assert_int_equal(run_exit_status(VERDICT_RUNTIME_ERROR, -1, 11), 139);
	assert_int_equal(run_exit_status(VERDICT_COMPILE_ERROR, 1, 0), 126);
	assert_int_equal(run_exit_status(VERDICT_CPU_TIME_LIMIT, -1, 9), 124);
	assert_int_equal(run_exit_status(VERDICT_WALL_TIME_LIMIT, -1, 9), 124);
	assert_int_equal(run_exit_status(VERDICT_MEMORY_LIMIT, -1, 9), 137);
	assert_int_equal(run_exit_status(VERDICT_OUTPUT_LIMIT, -1, 9), 123);
	assert_int_equal(run_exit_status(VERDICT_INTERNAL_ERROR, -1, 0), 125);
}

UNIT_MAIN(T(a_child_that_dies_at_once_is_restarted_ever_more_slowly),
	  T(a_child_that_lived_ten_seconds_is_restarted_quickly_again),
	  T(a_probe_line_has_name_ability_what_and_perhaps_advice), T(what_is_no_probe_line_is_refused),
	  T(run_takes_options_on_both_sides_of_the_file), T(what_follows_the_double_dash_is_the_programs),
	  T(run_refuses_what_it_cannot_read), T(amounts_may_carry_a_binary_suffix),
	  T(the_exit_status_of_run_says_how_the_program_ended))
