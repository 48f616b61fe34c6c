/* SPDX-License-Identifier: MIT */
#include "job/result.h"

#include <jansson.h>

#include "base/base64.h"
#include "base/unit.h"

/* A program that ran and wrote. */
static struct result *ran(enum verdict v, const char *out, size_t out_len, const char *err)
{
	struct result *r = result_without_run("j1", "python", 1000, 1500, 1, v, NULL);

	r->version = strdup("3.11.2");
	r->started_ms = 1200;
	r->ran = true;
	r->run.verdict = v;
	r->run.exit_code = v == VERDICT_OK ? 0 : 1;
	r->run.cpu_us = 12345;
	r->run.wall_us = 20000;
	r->run.memory_bytes = 9000000;
	assert_true(bytes_set(&r->run.out.data, out, out_len));
	assert_true(bytes_set(&r->run.err.data, err, strlen(err)));
	return r;
}

/* The JSON, read back by another library. */
static json_t *json_of(const struct result *r, enum output_encoding encoding)
{
	AUTO(buf_done) struct buf out;
	json_error_t why;
	json_t *root;

	buf_init(&out, 1 << 24);
	assert_true(result_add_json(&out, r, encoding, false));
	root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
	assert_non_null(root);
	return root;
}

static void assert_text(json_t *root, const char *key, const char *expected)
{
	json_t *value = json_object_get(root, key);

	assert_true(json_is_string(value));
	assert_string_equal(json_string_value(value), expected);
}

TEST(a_completed_result_has_every_field_and_no_other)
{
	AUTO(result_unref_p) struct result *r = ran(VERDICT_OK, "1\n", 2, "");
	AUTO(buf_done) struct buf out;

	buf_init(&out, 4096);
	assert_true(result_add_json(&out, r, OUTPUT_TEXT, false));
	assert_string_equal(
		out.data,
		"{\"success\":true,\"status\":\"completed\",\"response\":\"1\\n\",\"jobId\":\"j1\","
		"\"language\":\"python\",\"version\":\"3.11.2\",\"verdict\":\"ok\",\"stdout\":\"1\\n\","
		"\"stderr\":\"\",\"exitCode\":0,\"signal\":null,"
		"\"truncated\":{\"stdout\":false,\"stderr\":false},\"cpuMs\":12.345,\"wallMs\":20,"
		"\"memoryBytes\":9000000,\"compile\":null,"
		"\"createdAt\":\"1970-01-01T00:00:01.000Z\",\"startedAt\":\"1970-01-01T00:00:01.200Z\","
		"\"finishedAt\":\"1970-01-01T00:00:01.500Z\",\"queueMs\":200,\"attempts\":1}");
}

TEST(the_jobs_resource_also_shows_the_state)
{
	AUTO(result_unref_p) struct result *r = ran(VERDICT_OK, "", 0, "");
	AUTO(buf_done) struct buf out;

	buf_init(&out, 4096);
	assert_true(result_add_json(&out, r, OUTPUT_TEXT, true));
	assert_non_null(strstr(out.data, "\"state\":\"finished\""));
}

TEST(a_runtime_error_answers_with_stderr)
{
	AUTO(result_unref_p) struct result *r = ran(VERDICT_RUNTIME_ERROR, "partial", 7, "Traceback\n");
	json_t *root = json_of(r, OUTPUT_TEXT);

	assert_text(root, "status", "failed");
	assert_text(root, "response", "Traceback\n");
	assert_text(root, "stdout", "partial");
	json_decref(root);
}

TEST(every_silent_failure_answers_with_a_sentence)
{
	static const struct {
		enum verdict verdict;
		int exit_code, signal;
		const char *response;
	} rows[] = {
		{ VERDICT_RUNTIME_ERROR, 3, 0, "The program ended with exit status 3 and no message." },
		{ VERDICT_RUNTIME_ERROR, -1, 11, "The program was ended by SIGSEGV." },
		{ VERDICT_CPU_TIME_LIMIT, -1, 9,
		  "The program was stopped: it used more CPU time than its limit." },
		{ VERDICT_WALL_TIME_LIMIT, -1, 9, "The program was stopped: it ran longer than its limit." },
		{ VERDICT_MEMORY_LIMIT, -1, 9,
		  "The program was stopped: it needed more memory than its limit." },
		{ VERDICT_OUTPUT_LIMIT, -1, 9,
		  "The program was stopped: it wrote more output than its limit." },
		{ VERDICT_WRONG_ANSWER, 0, 0, "The output is not the expected one." },
		{ VERDICT_CANCELLED, -1, 9, "The job was cancelled." },
		{ VERDICT_INTERNAL_ERROR, -1, 0,
		  "The server could not run the job; the program is not to blame." },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(result_unref_p) struct result *r = ran(rows[i].verdict, "", 0, "");
		json_t *root;

		r->run.exit_code = rows[i].exit_code;
		r->run.signal = rows[i].signal;
		root = json_of(r, OUTPUT_TEXT);
		assert_text(root, "status", "failed");
		assert_text(root, "verdict", verdict_name(rows[i].verdict));
		assert_text(root, "response", rows[i].response);
		assert_int_equal(json_is_null(json_object_get(root, "exitCode")), rows[i].exit_code < 0);
		assert_int_equal(json_is_null(json_object_get(root, "signal")), rows[i].signal == 0);
		json_decref(root);
	}
}

TEST(a_limit_answers_with_its_sentence_even_beside_stderr)
{
	AUTO(result_unref_p) struct result *r = ran(VERDICT_MEMORY_LIMIT, "", 0, "noise");
	json_t *root = json_of(r, OUTPUT_TEXT);

	assert_text(root, "response", "The program was stopped: it needed more memory than its limit.");
	assert_text(root, "stderr", "noise");
	json_decref(root);
}

TEST(the_message_of_a_result_is_the_response)
{
	AUTO(result_unref_p)
	struct result *r =
		result_without_run("j1", "c", 1000, 4000, 3, VERDICT_INTERNAL_ERROR, "3 workers died.");
	json_t *root = json_of(r, OUTPUT_TEXT);

	assert_text(root, "response", "3 workers died.");
	assert_true(json_is_null(json_object_get(root, "startedAt")));
	assert_true(json_is_null(json_object_get(root, "version")));
	assert_true(json_is_null(json_object_get(root, "exitCode")));
	assert_text(root, "stdout", "");
	assert_int_equal(json_integer_value(json_object_get(root, "queueMs")), 3000);
	json_decref(root);
}

TEST(a_compile_error_answers_with_all_the_compiler_said)
{
	static const struct {
		const char *out, *err, *response;
	} rows[] = {
		{ "", "main.c:1: error\n", "main.c:1: error\n" },
		{ "on stdout\n", "", "on stdout\n" },
		{ "then this", "first\n", "first\nthen this" },
		{ "", "", "The compiler ended with exit status 1 and no message." },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(result_unref_p)
		struct result *r = result_without_run("j1", "c", 1, 2, 1, VERDICT_COMPILE_ERROR, NULL);
		json_t *root, *compile;

		r->compiled = true;
		r->compile.verdict = VERDICT_RUNTIME_ERROR;
		r->compile.exit_code = 1;
		assert_true(bytes_set(&r->compile.out.data, rows[i].out, strlen(rows[i].out)));
		assert_true(bytes_set(&r->compile.err.data, rows[i].err, strlen(rows[i].err)));
		root = json_of(r, OUTPUT_TEXT);
		compile = json_object_get(root, "compile");
		assert_text(root, "response", rows[i].response);
		assert_text(compile, "verdict", "runtime_error");
		assert_text(compile, "stderr", rows[i].err);
		assert_true(json_is_false(json_object_get(compile, "cached")));
		assert_int_equal(json_object_size(compile), 10);
		json_decref(root);
	}
}

TEST(a_silent_compile_limit_is_named)
{
	AUTO(result_unref_p)
	struct result *r = result_without_run("j1", "cpp", 1, 2, 1, VERDICT_COMPILE_ERROR, NULL);
	json_t *root;

	r->compiled = true;
	r->compile.verdict = VERDICT_CPU_TIME_LIMIT;
	r->compile.signal = 9;
	root = json_of(r, OUTPUT_TEXT);
	assert_text(root, "response", "The compiler was stopped: it used more CPU time than its limit.");
	json_decref(root);
}

TEST(every_byte_of_text_survives_json)
{
	char all[128];
	AUTO(result_unref_p) struct result *r = NULL;
	json_t *root, *value;

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	r = ran(VERDICT_OK, all, sizeof(all), "\"\\/\xe2\x82\xac\xf0\x9f\x98\x80");
	root = json_of(r, OUTPUT_TEXT);
	value = json_object_get(root, "stdout");
	assert_int_equal(json_string_length(value), sizeof(all));
	assert_memory_equal(json_string_value(value), all, sizeof(all));
	assert_text(root, "stderr", "\"\\/\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_null(json_object_get(root, "encodingReplaced"));
	json_decref(root);
}

TEST(bytes_that_are_no_text_are_replaced_and_flagged)
{
	AUTO(result_unref_p) struct result *r = ran(VERDICT_OK, "a\xff\x80z", 4, "");
	json_t *root = json_of(r, OUTPUT_TEXT);

	assert_text(root, "stdout", "a\xef\xbf\xbd\xef\xbf\xbdz");
	assert_true(json_is_true(json_object_get(root, "encodingReplaced")));
	json_decref(root);
}

TEST(the_compilers_flag_is_its_own)
{
	AUTO(result_unref_p) struct result *r = ran(VERDICT_OK, "fine", 4, "");
	json_t *root;

	r->compiled = true;
	assert_true(bytes_set(&r->compile.err.data, "\xff", 1));
	root = json_of(r, OUTPUT_TEXT);
	assert_null(json_object_get(root, "encodingReplaced"));
	assert_true(json_is_true(json_object_get(json_object_get(root, "compile"), "encodingReplaced")));
	json_decref(root);
}

TEST(base64_gives_every_byte_back)
{
	AUTO(result_unref_p) struct result *r = ran(VERDICT_OK, "\xff\0\n", 3, "e");
	json_t *root = json_of(r, OUTPUT_BASE64);

	assert_text(root, "stdout", "/wAK");
	assert_text(root, "response", "/wAK");
	assert_text(root, "stderr", "ZQ==");
	assert_text(root, "encoding", "base64");
	assert_null(json_object_get(root, "encodingReplaced"));
	json_decref(root);
}

TEST(times_have_at_most_three_decimals)
{
	static const struct {
		int64_t us;
		const char *text;
	} rows[] = {
		{ 0, "\"cpuMs\":0," },	   { 1, "\"cpuMs\":0.001," },
		{ 10, "\"cpuMs\":0.01," }, { 100, "\"cpuMs\":0.1," },
		{ 1000, "\"cpuMs\":1," },  { 1050, "\"cpuMs\":1.05," },
		{ -7, "\"cpuMs\":0," },	   { INT64_MAX, "\"cpuMs\":9223372036854775.807," },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(result_unref_p) struct result *r = ran(VERDICT_OK, "", 0, "");
		AUTO(buf_done) struct buf out;

		r->run.cpu_us = rows[i].us;
		buf_init(&out, 4096);
		assert_true(result_add_json(&out, r, OUTPUT_TEXT, false));
		assert_non_null(strstr(out.data, rows[i].text));
	}
}

TEST(truncation_is_told_per_stream)
{
	AUTO(result_unref_p) struct result *r = ran(VERDICT_OUTPUT_LIMIT, "xx", 2, "");
	json_t *root, *truncated;

	r->run.out.truncated = true;
	root = json_of(r, OUTPUT_TEXT);
	truncated = json_object_get(root, "truncated");
	assert_true(json_is_true(json_object_get(truncated, "stdout")));
	assert_true(json_is_false(json_object_get(truncated, "stderr")));
	json_decref(root);
}

TEST(a_clock_that_went_back_gives_no_negative_wait)
{
	AUTO(result_unref_p) struct result *r = ran(VERDICT_OK, "", 0, "");
	json_t *root;

	r->started_ms = 500;
	root = json_of(r, OUTPUT_TEXT);
	assert_int_equal(json_integer_value(json_object_get(root, "queueMs")), 0);
	json_decref(root);
}

TEST(weaknesses_are_a_list_and_absent_without_any)
{
	static const struct {
		const char *weak, *end;
	} rows[] = {
		{ NULL, "\"attempts\":1}" },
		{ "", "\"attempts\":1}" },
		{ "uids", "\"attempts\":1,\"weakIsolation\":[\"uids\"]}" },
		{ "rootless,cpu", "\"attempts\":1,\"weakIsolation\":[\"rootless\",\"cpu\"]}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(result_unref_p) struct result *r = ran(VERDICT_OK, "1\n", 2, "");
		AUTO(buf_done) struct buf out;

		r->weak = rows[i].weak ? strdup(rows[i].weak) : NULL;
		buf_init(&out, 4096);
		assert_true(result_add_json(&out, r, OUTPUT_TEXT, false));
		assert_true(out.len > strlen(rows[i].end));
		assert_string_equal(out.data + out.len - strlen(rows[i].end), rows[i].end);
	}
}

TEST(a_full_buffer_is_an_answer)
{
	AUTO(result_unref_p) struct result *r = ran(VERDICT_OK, "\xff output", 8, "");
	AUTO(buf_done) struct buf whole;

	buf_init(&whole, 4096);
	assert_true(result_add_json(&whole, r, OUTPUT_TEXT, true));
	for (size_t max = 0; max < whole.len; max++) {
		AUTO(buf_done) struct buf out;

		buf_init(&out, max);
		assert_false(result_add_json(&out, r, OUTPUT_TEXT, true));
	}
}

UNIT_MAIN(T(a_completed_result_has_every_field_and_no_other), T(the_jobs_resource_also_shows_the_state),
	  T(a_runtime_error_answers_with_stderr), T(every_silent_failure_answers_with_a_sentence),
	  T(a_limit_answers_with_its_sentence_even_beside_stderr), T(the_message_of_a_result_is_the_response),
	  T(a_compile_error_answers_with_all_the_compiler_said), T(a_silent_compile_limit_is_named),
	  T(every_byte_of_text_survives_json), T(bytes_that_are_no_text_are_replaced_and_flagged),
	  T(the_compilers_flag_is_its_own), T(base64_gives_every_byte_back),
	  T(times_have_at_most_three_decimals), T(truncation_is_told_per_stream),
	  T(a_clock_that_went_back_gives_no_negative_wait), T(a_full_buffer_is_an_answer),
	  T(weaknesses_are_a_list_and_absent_without_any))
