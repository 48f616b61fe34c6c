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
	assert_true(plan_compile(&p, &l, s));
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

UNIT_MAIN(T(an_interpreted_run_gets_all_files_and_the_submitted_arguments),
	  T(a_submitted_variable_replaces_the_language_s_and_stands_there_once),
	  T(a_compile_step_gets_flags_and_all_files_but_neither_arguments_nor_environment),
	  T(a_compiled_run_gets_the_submitted_files_without_main_file_and_artifacts))
