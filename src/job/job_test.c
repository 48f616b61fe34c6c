/* SPDX-License-Identifier: MIT */
#include "base/unit.h"
#include "job/job.h"

TEST(every_verdict_has_a_name_that_reads_back)
{
	for (unsigned i = 0; i < VERDICT_COUNT; i++) {
		enum verdict v = VERDICT_COUNT - 1 - i;

		assert_true(verdict_from_name(verdict_name((enum verdict)i), &v));
		assert_int_equal(v, i);
	}
}

TEST(verdict_names_are_those_of_the_api)
{
	assert_string_equal(verdict_name(VERDICT_OK), "ok");
	assert_string_equal(verdict_name(VERDICT_CPU_TIME_LIMIT), "cpu_time_limit");
	assert_string_equal(verdict_name(VERDICT_WALL_TIME_LIMIT), "wall_time_limit");
	assert_string_equal(verdict_name(VERDICT_MEMORY_LIMIT), "memory_limit");
	assert_string_equal(verdict_name(VERDICT_OUTPUT_LIMIT), "output_limit");
	assert_string_equal(verdict_name(VERDICT_INTERNAL_ERROR), "internal_error");
}

TEST(an_unknown_verdict_name_is_refused_and_nothing_is_set)
{
	enum verdict v = VERDICT_CANCELLED;

	assert_false(verdict_from_name("OK", &v));
	assert_false(verdict_from_name("", &v));
	assert_int_equal(v, VERDICT_CANCELLED);
}

TEST(states_are_named)
{
	assert_string_equal(job_state_name(JOB_QUEUED), "queued");
	assert_string_equal(job_state_name(JOB_RUNNING), "running");
	assert_string_equal(job_state_name(JOB_FINISHED), "finished");
}

TEST(signals_have_their_usual_names_or_numbers)
{
	static const struct {
		int signal;
		const char *name;
	} rows[] = {
		{ 9, "SIGKILL" }, { 11, "SIGSEGV" }, { 6, "SIGABRT" }, { 25, "SIGXFSZ" },
		{ 31, "SIGSYS" }, { 40, "SIG40" },   { 99, "SIG99" },
	};

	assert_null(signal_name(0));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(signal_name(rows[i].signal), rows[i].name);
}

TEST(limits_that_are_not_given_come_from_the_defaults)
{
	struct limits l = { .cpu_ms = 5, .disk_bytes = 7 };
	const struct limits defaults = { 1, 2, 3, 4, 5, 6, 8 };

	limits_resolve(&l, &defaults);
	assert_int_equal(l.cpu_ms, 5);
	assert_int_equal(l.wall_ms, 2);
	assert_int_equal(l.file_bytes, 6);
	assert_int_equal(l.disk_bytes, 7);
}

TEST(limit_rows_point_at_their_fields)
{
	struct limits l = { 0 };

	for (size_t i = 0; i < n_limit_fields; i++)
		*limit_at(&l, &limit_fields[i]) = (int64_t)i + 1;
	assert_int_equal(l.cpu_ms, 1);
	assert_int_equal(l.processes, 4);
	assert_int_equal(l.disk_bytes, 7);
	assert_int_equal(limit_value(&l, &limit_fields[2]), 3);
	assert_string_equal(limit_fields[2].name, "memoryBytes");
}

TEST(a_list_of_strings_grows_and_stays_terminated)
{
	struct strings s = { 0 };
	char text[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_true(strings_add(&s, text));
		assert_int_equal(s.n, i + 1);
		assert_null(s.items[s.n]);
	}
	assert_string_equal(s.items[0], "0");
	assert_string_equal(s.items[999], "999");
	strings_done(&s);
	assert_null(s.items);
	assert_int_equal(s.n, 0);
}

TEST(bytes_are_copied_with_a_nul_behind_them)
{
	struct bytes b = { 0 };

	assert_true(bytes_set(&b, "a\0b", 3));
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b\0", 4);
	assert_true(bytes_set(&b, "", 0));
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	bytes_done(&b);
}

TEST(a_submission_lives_until_its_last_reference_is_gone)
{
	struct submission *s = submission_new();

	s->language = strdup("python");
	assert_ptr_equal(submission_ref(s), s);
	submission_unref(s);
	assert_string_equal(s->language, "python");
	submission_unref(s);
	submission_unref(NULL);
}

TEST(a_result_lives_until_its_last_reference_is_gone)
{
	struct result *r = result_new();

	assert_ptr_equal(result_ref(r), r);
	result_unref(r);
	assert_int_equal(r->run.exit_code, -1);
	result_unref(r);
	result_unref(NULL);
}

TEST(a_result_without_run_says_why)
{
	AUTO(result_unref_p)
	struct result *r = result_without_run("j1", "python", 100, 200, 2, VERDICT_INTERNAL_ERROR, "lost");

	assert_string_equal(r->id, "j1");
	assert_string_equal(r->language, "python");
	assert_string_equal(r->message, "lost");
	assert_int_equal(r->verdict, VERDICT_INTERNAL_ERROR);
	assert_int_equal(r->created_ms, 100);
	assert_int_equal(r->started_ms, 0);
	assert_int_equal(r->finished_ms, 200);
	assert_int_equal(r->attempts, 2);
	assert_false(r->ran);
	assert_false(r->compiled);
	assert_null(r->version);
}

UNIT_MAIN(T(every_verdict_has_a_name_that_reads_back), T(verdict_names_are_those_of_the_api),
	  T(an_unknown_verdict_name_is_refused_and_nothing_is_set), T(states_are_named),
	  T(signals_have_their_usual_names_or_numbers), T(limits_that_are_not_given_come_from_the_defaults),
	  T(limit_rows_point_at_their_fields), T(a_list_of_strings_grows_and_stays_terminated),
	  T(bytes_are_copied_with_a_nul_behind_them), T(a_submission_lives_until_its_last_reference_is_gone),
	  T(a_result_lives_until_its_last_reference_is_gone), T(a_result_without_run_says_why))
