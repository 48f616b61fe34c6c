/* SPDX-License-Identifier: MIT */
#include "worker/collect_result.h"

#include <errno.h>
#include <signal.h>

#include "worker/sample.h"

static const struct limits limits = { 10000, 20000, 256 << 20, 64, 100, 1 << 20, 64 << 20 };

/* One report and what becomes of it. `message` is NULL when the output speaks for itself. */
struct row {
	struct exec_report report;
	const char *out, *err;
	bool goes_on; /* compile steps */
	enum verdict verdict, step;
	const char *message;
	bool no_step; /* the step does not show in the result */
};

static void fill(struct buf *b, const char *text)
{
	buf_init(b, 100);
	if (text)
		assert_true(buf_add_str(b, text));
}

static void assert_output(const struct output *o, const char *text)
{
	if (!text) {
		assert_null(o->data.data);
		return;
	}
	assert_int_equal(o->data.len, strlen(text));
	assert_memory_equal(o->data.data, text, o->data.len);
}

static void check_row(const struct row *row, const char *lang, bool compile)
{
	struct lang l = sample_lang(lang);
	struct result *r = result_new();
	const struct step_result *step = compile ? &r->compile : &r->run;
	struct buf streams[2];
	bool goes_on = false;

	fill(&streams[EXEC_STDOUT], row->out);
	fill(&streams[EXEC_STDERR], row->err);
	if (compile)
		goes_on = collect_compile(r, &l, &limits, &row->report, streams);
	else
		collect_run(r, &l, &limits, &row->report, streams);
	assert_int_equal(goes_on, row->goes_on);
	assert_int_equal(compile ? r->compiled : r->ran, !row->no_step);
	if (!goes_on)
		assert_int_equal(r->verdict, row->verdict);
	assert_int_equal(step->verdict, row->step);
	if (row->message)
		assert_string_equal(r->message ? r->message : "", row->message);
	else
		assert_null(r->message);
	assert_output(&step->out, row->out);
	assert_output(&step->err, row->err);
	assert_int_equal(step->exit_code, row->report.stop ? -1 : row->report.exit_code);
	assert_int_equal(step->signal, row->report.signal);
	assert_int_equal(step->out.truncated, row->report.truncated[0]);
	assert_int_equal(step->cpu_us, row->report.cpu_us);
	buf_done(&streams[0]);
	buf_done(&streams[1]);
	result_unref(r);
	lang_done(&l);
}

#define EXITED(status)	 .exit_code = (status), .artifacts_fd = -1, .cpu_us = 7
#define KILLED(why)	 .stop = (why), .exit_code = -1, .signal = SIGKILL, .artifacts_fd = -1
#define START_FAILED(no) .exit_code = -1, .start_errno = (no), .artifacts_fd = -1

TEST(a_run_s_verdict_is_the_limit_that_fired_or_the_exit_of_its_main_process)
{
	static const struct row rows[] = {
		{ { EXITED(0) }, "1\n", NULL, .verdict = VERDICT_OK, .step = VERDICT_OK },
		{ { EXITED(3) },
		  "x",
		  "trace",
		  .verdict = VERDICT_RUNTIME_ERROR,
		  .step = VERDICT_RUNTIME_ERROR },
		{ { EXITED(3) },
		  "x",
		  NULL,
		  .verdict = VERDICT_RUNTIME_ERROR,
		  .step = VERDICT_RUNTIME_ERROR,
		  .message = "The program exited with status 3." },
		{ { .exit_code = -1, .signal = SIGSEGV, .artifacts_fd = -1 },
		  NULL,
		  NULL,
		  .verdict = VERDICT_RUNTIME_ERROR,
		  .step = VERDICT_RUNTIME_ERROR,
		  .message = "The program was ended by signal SIGSEGV (11)." },
		{ { KILLED(EXEC_STOP_CANCELLED) },
		  "x",
		  "e",
		  .verdict = VERDICT_CANCELLED,
		  .step = VERDICT_CANCELLED,
		  .message = "The job was cancelled." },
		{ { KILLED(EXEC_STOP_CPU) },
		  "x",
		  NULL,
		  .verdict = VERDICT_CPU_TIME_LIMIT,
		  .step = VERDICT_CPU_TIME_LIMIT,
		  .message = "The program used more than 10000 ms of CPU time." },
		{ { KILLED(EXEC_STOP_WALL) },
		  "x",
		  "e",
		  .verdict = VERDICT_WALL_TIME_LIMIT,
		  .step = VERDICT_WALL_TIME_LIMIT,
		  .message = "The program ran for more than 20000 ms." },
		{ { KILLED(EXEC_STOP_MEMORY) },
		  NULL,
		  NULL,
		  .verdict = VERDICT_MEMORY_LIMIT,
		  .step = VERDICT_MEMORY_LIMIT,
		  .message = "The program used more than 268435456 bytes of memory." },
		{ { KILLED(EXEC_STOP_OUTPUT), .truncated = { true, false } },
		  "xxx",
		  NULL,
		  .verdict = VERDICT_OUTPUT_LIMIT,
		  .step = VERDICT_OUTPUT_LIMIT,
		  .message = "The program wrote more than 100 bytes to stdout." },
		/* It ended by itself, but what it left in the pipe was too much. */
		{ { EXITED(0), .stop = EXEC_STOP_OUTPUT, .truncated = { false, true } },
		  NULL,
		  "xxx",
		  .verdict = VERDICT_OUTPUT_LIMIT,
		  .step = VERDICT_OUTPUT_LIMIT,
		  .message = "The program wrote more than 100 bytes to stderr." },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], SAMPLE_PYTHON, false);
}

TEST(a_missing_toolchain_is_the_worker_s_fault_and_names_the_package)
{
	static const struct row rows[] = {
		{ { START_FAILED(ENOENT) },
		  .verdict = VERDICT_INTERNAL_ERROR,
		  .step = VERDICT_RUNTIME_ERROR,
		  .message = "The worker cannot run python: its toolchain is missing; install the package "
			     "python3.",
		  .no_step = true },
		{ { START_FAILED(ENOEXEC) },
		  .verdict = VERDICT_INTERNAL_ERROR,
		  .step = VERDICT_RUNTIME_ERROR,
		  .message = "The worker could not start python: Exec format error.",
		  .no_step = true },
		{ { START_FAILED(E2BIG) },
		  .verdict = VERDICT_RUNTIME_ERROR,
		  .step = VERDICT_RUNTIME_ERROR,
		  .message =
			  "The program could not be started: its arguments and environment are too large." },
		{ { START_FAILED(ENOSPC) },
		  .verdict = VERDICT_RUNTIME_ERROR,
		  .step = VERDICT_RUNTIME_ERROR,
		  .message = "The program could not be started: its files do not fit into diskBytes and "
			     "fileBytes." },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], SAMPLE_PYTHON, false);
}

TEST(an_artifact_that_does_not_start_is_the_program_s_fault)
{
	static const struct row rows[] = {
		{ { START_FAILED(ENOENT) },
		  .verdict = VERDICT_RUNTIME_ERROR,
		  .step = VERDICT_RUNTIME_ERROR,
		  .message = "The compiled program could not be started: No such file or directory." },
		{ { START_FAILED(ENOEXEC) },
		  .verdict = VERDICT_RUNTIME_ERROR,
		  .step = VERDICT_RUNTIME_ERROR,
		  .message = "The compiled program could not be started: Exec format error." },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], SAMPLE_C, false);
}

TEST(a_compile_step_that_makes_no_program_ends_the_job_as_compile_error)
{
	static const struct row rows[] = {
		{ { .artifacts_fd = 9 }, NULL, "warning", .goes_on = true, .step = VERDICT_OK },
		{ { EXITED(1) },
		  NULL,
		  "main.c:1: error",
		  .verdict = VERDICT_COMPILE_ERROR,
		  .step = VERDICT_COMPILE_ERROR },
		{ { EXITED(1) },
		  .verdict = VERDICT_COMPILE_ERROR,
		  .step = VERDICT_COMPILE_ERROR,
		  .message = "The compiler exited with status 1." },
		{ { .exit_code = -1, .signal = SIGABRT, .artifacts_fd = -1 },
		  .verdict = VERDICT_COMPILE_ERROR,
		  .step = VERDICT_COMPILE_ERROR,
		  .message = "The compiler was ended by signal SIGABRT (6)." },
		{ { EXITED(0) },
		  .verdict = VERDICT_COMPILE_ERROR,
		  .step = VERDICT_COMPILE_ERROR,
		  .message = "The compiler reported no error but did not make the file main." },
		{ { EXITED(0), .problem = "more than 64 files" },
		  .verdict = VERDICT_COMPILE_ERROR,
		  .step = VERDICT_COMPILE_ERROR,
		  .message = "What the compiler made cannot be run: more than 64 files." },
		{ { KILLED(EXEC_STOP_MEMORY) },
		  NULL,
		  "cc1plus",
		  .verdict = VERDICT_COMPILE_ERROR,
		  .step = VERDICT_MEMORY_LIMIT,
		  .message = "The compiler used more than 268435456 bytes of memory." },
		{ { KILLED(EXEC_STOP_CANCELLED) },
		  .verdict = VERDICT_CANCELLED,
		  .step = VERDICT_CANCELLED,
		  .message = "The job was cancelled." },
		{ { START_FAILED(ENOENT) },
		  .verdict = VERDICT_INTERNAL_ERROR,
		  .step = VERDICT_COMPILE_ERROR,
		  .message = "The worker cannot run c: its toolchain is missing; install the package gcc.",
		  .no_step = true },
		{ { START_FAILED(E2BIG) },
		  .verdict = VERDICT_COMPILE_ERROR,
		  .step = VERDICT_COMPILE_ERROR,
		  .message =
			  "The program could not be started: its arguments and environment are too large." },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], SAMPLE_C, true);
}

UNIT_MAIN(T(a_run_s_verdict_is_the_limit_that_fired_or_the_exit_of_its_main_process),
	  T(a_missing_toolchain_is_the_worker_s_fault_and_names_the_package),
	  T(an_artifact_that_does_not_start_is_the_program_s_fault),
	  T(a_compile_step_that_makes_no_program_ends_the_job_as_compile_error))
