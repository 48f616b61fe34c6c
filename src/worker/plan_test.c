/* SPDX-License-Identifier: MIT */
#include "worker/plan.h"
#include "worker/sample.h"

static const char *const python_files[] = { "main.py", "util.py", "data.txt", NULL };
static const char *const c_files[] = { "main.c", "util.c", "data.txt", "plugin.so", NULL };

static void assert_strings(const char *const *items, const char *const *expected)
{
	size_t i = 0;

	for (; expected[i]; i++) {
		assert_non_null(items[i]);
		assert_string_equal(items[i], expected[i]);
	}
	assert_null(items[i]);
}

static void assert_files(const struct plan *p, const char *const *expected)
{
	size_t i = 0;

	for (; expected[i]; i++) {
		assert_true(i < p->n_files);
		assert_string_equal(p->files[i].name, expected[i]);
		assert_int_equal(p->files[i].len, 4);
	}
	assert_int_equal(p->n_files, i);
}

TEST(an_interpreted_run_gets_all_files_and_the_submitted_arguments)
{
	static const char *const argv[] = { "python3", "main.py", "256", "one", NULL };
	struct lang l = sample_lang(SAMPLE_PYTHON);
	struct submission *s = sample_submission("python", python_files);
	struct plan p;

	strings_add(&s->args, "one");
	assert_false(plan_has_compile(&l));
	assert_true(plan_run(&p, &l, s));
	assert_strings(plan_spec(&p, s->id).argv, argv);
	assert_files(&p, python_files);
	assert_null(p.collect);
	assert_int_equal(p.limits.cpu_ms, 10000);
	plan_done(&p);
	submission_unref(s);
	lang_done(&l);
}

TEST(a_submitted_variable_replaces_the_language_s_and_stands_there_once)
{
	static const char *const env[] = { "A=lang", "B=mine", "C=mine", NULL };
	struct lang l = sample_lang(SAMPLE_PYTHON);
	struct submission *s = sample_submission("python", python_files);
	struct plan p;

	strings_add(&s->env, "B=first");
	strings_add(&s->env, "C=mine");
	strings_add(&s->env, "B=mine");
	assert_true(plan_run(&p, &l, s));
	assert_strings(p.env, env);
	plan_done(&p);
	submission_unref(s);
	lang_done(&l);
}

TEST(a_compile_step_gets_flags_and_all_files_but_neither_arguments_nor_environment)
{
	static const char *const argv[] = { "gcc", "-o", "main", "main.c", "util.c", "-O2", NULL };
	static const char *const collect[] = { "main", "*.so", NULL };
	struct lang l = sample_lang(SAMPLE_C);
	struct submission *s = sample_submission("c", c_files);
	struct plan p;

	strings_add(&s->compiler_flags, "-O2");
	strings_add(&s->args, "one");
	strings_add(&s->env, "A=mine");
	assert_true(plan_has_compile(&l));
	assert_true(plan_compile(&p, &l, s, NULL));
	assert_strings(plan_spec(&p, s->id).argv, argv);
	assert_strings(p.collect, collect);
	assert_null(p.env[0]);
	assert_files(&p, c_files);
	assert_int_equal(p.limits.cpu_ms, 30000);
	plan_done(&p);
	submission_unref(s);
	lang_done(&l);
}

TEST(a_compiled_run_gets_the_submitted_files_without_main_file_and_artifacts)
{
	static const char *const argv[] = { "./main", "one", NULL };
	static const char *const files[] = { "util.c", "data.txt", NULL };
	struct lang l = sample_lang(SAMPLE_C);
	struct submission *s = sample_submission("c", c_files);
	struct plan p;

	strings_add(&s->args, "one");
	assert_true(plan_run(&p, &l, s));
	assert_strings(plan_spec(&p, s->id).argv, argv);
	assert_files(&p, files);
	assert_null(p.collect);
	plan_done(&p);
	submission_unref(s);
	lang_done(&l);
}

struct warm_row {
	const char *what;
	bool expected;
	const char *code; /* NULL: "print(1)" */
	size_t code_len;  /* 0: of the string */
	size_t input_len;
	const char *name; /* NULL: main.py */
	const char *arg, *env, *flag, *second_file;
	int64_t memory_bytes, processes, file_bytes; /* 0: as usual */
};

static bool is_warm(const struct warm_row *row, unsigned index)
{
	static char zeros[(1 << 20) + 1];
	const char *files[] = { row->name ? row->name : "main.py", row->second_file, NULL };
	const char *code = row->code ? row->code : "print(1)";
	struct lang l = sample_lang(SAMPLE_PYTHON);
	struct submission *s = sample_submission("python", files);
	struct plan p;
	bool warm;

	l.warm_index = index;
	l.warm_file_bytes = s->limits.file_bytes;
	assert_true(bytes_set(&s->files[0].content, code, row->code_len ? row->code_len : strlen(code)));
	assert_true(bytes_set(&s->input, zeros, row->input_len));
	assert_true(!row->arg || strings_add(&s->args, row->arg));
	assert_true(!row->env || strings_add(&s->env, row->env));
	assert_true(!row->flag || strings_add(&s->compiler_flags, row->flag));
	if (row->memory_bytes)
		s->limits.memory_bytes = row->memory_bytes;
	if (row->processes)
		s->limits.processes = row->processes;
	if (row->file_bytes)
		s->limits.file_bytes = row->file_bytes;
	warm = plan_is_warm(&l, s);
	assert_true(plan_run(&p, &l, s));
	assert_int_equal(plan_spec(&p, s->id).warm, warm ? index : 0);
	plan_done(&p);
	submission_unref(s);
	lang_done(&l);
	return warm;
}

TEST(a_started_interpreter_is_for_jobs_it_does_exactly)
{
	static char long_source[(256 << 10) + 1];
	static const struct warm_row rows[] = {
		{ .what = "plain", .expected = true },
		{ .what = "nothing", .expected = true, .code = "" },
		{ .what = "256 KiB", .expected = true, .code = long_source, .code_len = 256 << 10 },
		{ .what = "longer", .code = long_source, .code_len = (256 << 10) + 1 },
		{ .what = "a NUL", .code = "x\0y", .code_len = 3 },
		{ .what = "an encoding", .code = "# -*- coding: latin-1 -*-\n" },
		{ .what = "in the second line", .code = "#!x\n# vim: fileencoding=utf-8" },
		{ .what = "in the third", .expected = true, .code = "1\n2\n# coding: x\n" },
		{ .what = "data behind its end", .code = "x\n__END__\ny\n" },
		{ .what = "stdin", .expected = true, .input_len = 1 << 20 },
		{ .what = "much stdin", .input_len = (1 << 20) + 1 },
		{ .what = "another name", .name = "app.py" },
		{ .what = "another file", .second_file = "util.py" },
		{ .what = "an argument", .arg = "" },
		{ .what = "a variable", .env = "A=b" },
		{ .what = "a flag", .flag = "-O" },
		{ .what = "little memory", .memory_bytes = (64 << 20) - 1 },
		{ .what = "enough memory", .expected = true, .memory_bytes = 64 << 20 },
		{ .what = "few processes", .processes = 31 },
		{ .what = "enough processes", .expected = true, .processes = 32 },
		{ .what = "a limit of files of its own", .file_bytes = 4096 },
	};

	memset(long_source, '#', sizeof(long_source));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (is_warm(&rows[i], 3) != rows[i].expected)
			fail_msg("%s: not as expected", rows[i].what);
		assert_false(is_warm(&rows[i], 0));
	}
}

UNIT_MAIN(T(a_started_interpreter_is_for_jobs_it_does_exactly),
	  T(an_interpreted_run_gets_all_files_and_the_submitted_arguments),
	  T(a_submitted_variable_replaces_the_language_s_and_stands_there_once),
	  T(a_compile_step_gets_flags_and_all_files_but_neither_arguments_nor_environment),
	  T(a_compiled_run_gets_the_submitted_files_without_main_file_and_artifacts))
