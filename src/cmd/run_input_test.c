/* SPDX-License-Identifier: MIT */
#include "base/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/run_input.h"
#include "sandbox/spec.h"

static struct lang_table *langs;
static char dir[] = "/tmp/codecrusher-run-XXXXXX";

static const struct conf conf = {
	.source_max = 100000,
	.defaults = { 1, 2, 3, 4, 5, 6, 7 },
	.maxima = { 1000, 1000, 1000, 1000, 1000, 1000, 1000 },
	.compile_defaults = { 11, 12, 13, 14, 15, 16, 17 },
	.compile_maxima = { 1000, 1000, 1000, 1000, 1000, 1000, 1000 },
};

static int open_all(void **state)
{
	struct err e;

	(void)state;
	langs = lang_table_load(SOURCE_ROOT "/languages", &e);
	return langs && mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int close_all(void **state)
{
	(void)state;
	lang_table_free(langs);
	return chdir("/") == 0 && rmdir(dir) == 0 ? 0 : -1;
}

static void write_file(const char *name, size_t len)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(putc('x', f), 'x');
	assert_int_equal(fclose(f), 0);
}

/* What run makes of the words, for a file of `len` bytes that exists meanwhile. */
static struct submission *read_it(const struct run_args *args, size_t len, struct err *e)
{
	const struct lang *l = run_choose_language(langs, args, e);
	struct submission *s;

	if (!l)
		return NULL;
	write_file(args->file, len);
	s = run_read_submission(args, l, &conf, e);
	assert_int_equal(unlink(args->file), 0);
	return s;
}

TEST(a_file_keeps_its_name_when_the_language_can_do_with_it)
{
	const struct run_args plain = { .file = "sum of squares.c" };
	const struct run_args other = { .file = "program.txt", .language = "C" };
	const struct run_args dashed = { .file = "-x.c" };
	struct err e;
	struct submission *s = read_it(&plain, 10, &e);

	assert_string_equal(s->files[0].name, "sum of squares.c");
	assert_int_equal(s->files[0].content.len, 10);
	submission_unref(s);
	s = read_it(&other, 0, &e);
	assert_string_equal(s->files[0].name, "main.c");
	assert_int_equal(s->files[0].content.len, 0);
	submission_unref(s);
	s = read_it(&dashed, 1, &e);
	assert_string_equal(s->files[0].name, "main.c");
	submission_unref(s);
}

TEST(a_language_that_is_not_there_is_named)
{
	const struct run_args unknown = { .file = "a.c", .language = "cobol" };
	const struct run_args extension = { .file = "a.unknown" };
	struct err e;

	assert_null(run_choose_language(langs, &unknown, &e));
	assert_non_null(strstr(e.msg, "\"cobol\""));
	assert_null(run_choose_language(langs, &extension, &e));
	assert_non_null(strstr(e.msg, "--lang"));
}

TEST(flags_come_from_the_allow_list_only)
{
	const char *good[] = { "-O2", NULL }, *bad[] = { "-O2", "-fplugin=x", NULL };
	struct run_args args = { .file = "a.c", .flags = good, .n_flags = 1 };
	struct err e;
	struct submission *s = read_it(&args, 1, &e);

	assert_int_equal(s->compiler_flags.n, 1);
	submission_unref(s);
	args.flags = bad;
	args.n_flags = 2;
	assert_null(read_it(&args, 1, &e));
	assert_non_null(strstr(e.msg, "-fplugin=x"));
}

TEST(limits_are_the_given_ones_then_the_languages_then_the_settings)
{
	const struct run_args args = { .file = "a.c", .limits = { .cpu_ms = 500 } };
	const struct run_args greedy = { .file = "a.c", .limits = { .wall_ms = 1001 } };
	struct lang *c = lang_find(langs, "c");
	const struct lang_limits was = c->limits;
	struct err e;
	struct submission *s;

	c->limits = (struct lang_limits){ .cpu_ms = 400, .wall_ms = 300 };
	s = read_it(&args, 1, &e);
	c->limits = was;
	assert_int_equal(s->limits.cpu_ms, 500);
	assert_int_equal(s->limits.wall_ms, 300);
	assert_int_equal(s->limits.memory_bytes, 3);
	assert_int_equal(s->limits.output_bytes, 1000);
	submission_unref(s);
	assert_null(read_it(&greedy, 1, &e));
	assert_non_null(strstr(e.msg, "wallMs"));
}

TEST(a_program_may_be_as_large_as_the_setting_says_and_no_larger)
{
	const struct run_args args = { .file = "a.py" };
	struct err e;
	struct submission *s = read_it(&args, 100000, &e);

	assert_non_null(s);
	assert_int_equal(s->files[0].content.len, 100000);
	submission_unref(s);
	assert_null(read_it(&args, 100001, &e));
	assert_int_equal(e.kind, ERR_LIMIT);
}

TEST(standard_input_becomes_a_sealed_memfd_whatever_its_size)
{
	enum { SIZE = 5000001 };
	const struct run_args args = { .stdin_path = "in" };
	struct stat st;
	struct err e;
	bool empty;
	int fd;

	write_file("in", SIZE);
	fd = run_read_stdin(&args, &empty, &e);
	assert_int_equal(unlink("in"), 0);
	assert_true(fd >= 0);
	assert_false(empty);
	assert_true(spec_is_sealed(fd));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, SIZE);
	close(fd);
}

TEST(an_empty_file_is_empty_input_and_a_missing_one_an_error)
{
	const struct run_args args = { .stdin_path = "in" };
	struct err e;
	bool empty;

	write_file("in", 0);
	assert_int_equal(run_read_stdin(&args, &empty, &e), -1);
	assert_true(empty);
	assert_int_equal(unlink("in"), 0);
	assert_int_equal(run_read_stdin(&args, &empty, &e), -1);
	assert_false(empty);
	assert_non_null(strstr(e.msg, "No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_file_keeps_its_name_when_the_language_can_do_with_it),
		T(a_language_that_is_not_there_is_named),
		T(flags_come_from_the_allow_list_only),
		T(limits_are_the_given_ones_then_the_languages_then_the_settings),
		T(a_program_may_be_as_large_as_the_setting_says_and_no_larger),
		T(standard_input_becomes_a_sealed_memfd_whatever_its_size),
		T(an_empty_file_is_empty_input_and_a_missing_one_an_error),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
