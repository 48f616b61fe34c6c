/* SPDX-License-Identifier: MIT */
#include "job/codec.h"

#include "base/unit.h"

static struct submission *sample_submission(void)
{
	struct submission *s = submission_new();

	memcpy(s->id, "j0123456789abcdefghjkmnpqrs", JOB_ID_LEN + 1);
	s->created_ms = 1700000000123;
	s->language = strdup("c");
	s->version = strdup("12");
	s->n_files = 2;
	s->files = calloc(2, sizeof(*s->files));
	s->files[0].name = strdup("main.c");
	assert_true(bytes_set(&s->files[0].content, "int main;\0x", 11));
	s->files[1].name = strdup("a/empty.h");
	assert_true(bytes_set(&s->input, "in\xff", 3));
	assert_true(strings_add(&s->args, "") && strings_add(&s->args, "two"));
	assert_true(strings_add(&s->env, "A=b"));
	assert_true(strings_add(&s->compiler_flags, "-O3"));
	s->limits = (struct limits){ 1, 2, 3, 4, 5, 6, 7 };
	s->compile_limits = (struct limits){ 11, 12, 13, 14, 15, 16, INT64_MAX };
	return s;
}

static struct result *sample_result(void)
{
	struct result *r = result_without_run("j1", "cpp", 1, 3, 2, VERDICT_MEMORY_LIMIT, NULL);

	r->version = strdup("12.2.0");
	r->started_ms = 2;
	r->compiled = r->ran = true;
	r->compile.exit_code = 0;
	r->compile.cached = true;
	assert_true(bytes_set(&r->compile.err.data, "warning", 7));
	r->run.verdict = VERDICT_MEMORY_LIMIT;
	r->run.signal = 9;
	r->run.cpu_us = 12345;
	r->run.wall_us = 23456;
	r->run.memory_bytes = 268435456;
	r->run.out.truncated = true;
	assert_true(bytes_set(&r->run.out.data, "a\0b", 3));
	return r;
}

static void encode_submission(struct buf *out, const struct submission *s)
{
	buf_init(out, 1 << 20);
	assert_true(submission_encode(out, s));
}

static void encode_result(struct buf *out, const struct result *r)
{
	buf_init(out, 1 << 20);
	assert_true(result_encode(out, r));
}

TEST(a_submission_reads_back_as_it_was)
{
	AUTO(submission_unref_p) struct submission *s = sample_submission(), *back = NULL;
	AUTO(buf_done) struct buf out, again;
	struct err e = { 0 };

	encode_submission(&out, s);
	back = submission_decode(out.data, out.len, &e);
	assert_non_null(back);
	assert_int_equal(back->refs, 1);
	assert_string_equal(back->id, s->id);
	assert_int_equal(back->created_ms, 1700000000123);
	assert_string_equal(back->version, "12");
	assert_int_equal(back->n_files, 2);
	assert_int_equal(back->files[0].content.len, 11);
	assert_memory_equal(back->files[0].content.data, "int main;\0x", 12);
	assert_string_equal(back->files[1].name, "a/empty.h");
	assert_null(back->files[1].content.data);
	assert_int_equal(back->args.n, 2);
	assert_string_equal(back->args.items[0], "");
	assert_null(back->args.items[2]);
	assert_string_equal(back->env.items[0], "A=b");
	assert_int_equal(back->limits.disk_bytes, 7);
	assert_int_equal(back->compile_limits.disk_bytes, INT64_MAX);
	encode_submission(&again, back);
	assert_int_equal(again.len, out.len);
	assert_memory_equal(again.data, out.data, out.len);
}

TEST(a_result_reads_back_as_it_was)
{
	AUTO(result_unref_p) struct result *r = sample_result(), *back = NULL;
	AUTO(buf_done) struct buf out, again;
	struct err e = { 0 };

	encode_result(&out, r);
	back = result_decode(out.data, out.len, &e);
	assert_non_null(back);
	assert_string_equal(back->id, "j1");
	assert_string_equal(back->language, "cpp");
	assert_null(back->message);
	assert_int_equal(back->verdict, VERDICT_MEMORY_LIMIT);
	assert_true(back->compile.cached);
	assert_string_equal(back->compile.err.data.data, "warning");
	assert_int_equal(back->run.exit_code, -1);
	assert_int_equal(back->run.signal, 9);
	assert_true(back->run.out.truncated);
	assert_false(back->run.err.truncated);
	assert_memory_equal(back->run.out.data.data, "a\0b", 4);
	assert_int_equal(back->attempts, 2);
	encode_result(&again, back);
	assert_int_equal(again.len, out.len);
	assert_memory_equal(again.data, out.data, out.len);
}

TEST(in_what_a_container_was_weak_is_kept)
{
	AUTO(result_unref_p) struct result *r = sample_result(), *back = NULL;
	AUTO(buf_done) struct buf out, again;
	struct err e = { 0 };

	r->weak = strdup("rootless,cpu");
	encode_result(&out, r);
	back = result_decode(out.data, out.len, &e);
	assert_non_null(back);
	assert_string_equal(back->weak, "rootless,cpu");
	assert_int_equal(back->attempts, 2);
	encode_result(&again, back);
	assert_int_equal(again.len, out.len);
	assert_memory_equal(again.data, out.data, out.len);
}

TEST(no_version_and_an_empty_message_stay_apart)
{
	AUTO(result_unref_p)
	struct result *r = result_without_run("", "c", 0, 0, 0, VERDICT_CANCELLED, ""), *back = NULL;
	AUTO(buf_done) struct buf out;
	struct err e = { 0 };

	encode_result(&out, r);
	back = result_decode(out.data, out.len, &e);
	assert_non_null(back);
	assert_null(back->version);
	assert_string_equal(back->message, "");
	assert_false(back->ran);
}

TEST(every_shortened_row_is_corrupt)
{
	AUTO(submission_unref_p) struct submission *s = sample_submission();
	AUTO(result_unref_p) struct result *r = sample_result();
	AUTO(buf_done) struct buf sub, res;

	encode_submission(&sub, s);
	encode_result(&res, r);
	for (size_t n = 0; n < sub.len; n++) {
		struct err e = { 0 };

		assert_null(submission_decode(sub.data, n, &e));
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
	for (size_t n = 0; n < res.len; n++) {
		struct err e = { 0 };

		assert_null(result_decode(res.data, n, &e));
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
}

TEST(bytes_behind_the_end_are_corrupt)
{
	AUTO(result_unref_p) struct result *r = sample_result();
	AUTO(buf_done) struct buf out;
	struct err e = { 0 };

	encode_result(&out, r);
	assert_true(buf_add_char(&out, '\0'));
	assert_null(result_decode(out.data, out.len, &e));
	assert_int_equal(e.kind, ERR_CORRUPT);
}

TEST(a_row_of_the_other_kind_or_a_newer_form_is_corrupt)
{
	AUTO(submission_unref_p) struct submission *s = sample_submission();
	AUTO(buf_done) struct buf out;
	struct err e = { 0 };

	encode_submission(&out, s);
	assert_null(result_decode(out.data, out.len, &e));
	assert_int_equal(e.kind, ERR_CORRUPT);
	out.data[0]++;
	assert_null(submission_decode(out.data, out.len, &e));
	assert_non_null(strstr(e.msg, "newer"));
}

TEST(no_changed_byte_is_more_than_an_error)
{
	AUTO(submission_unref_p) struct submission *s = sample_submission();
	AUTO(result_unref_p) struct result *r = sample_result();
	AUTO(buf_done) struct buf sub, res;
	static const unsigned char values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };

	encode_submission(&sub, s);
	encode_result(&res, r);
	for (size_t i = 0; i < sub.len + res.len; i++) {
		char *at = i < sub.len ? sub.data + i : res.data + (i - sub.len);
		char was = *at;

		for (size_t k = 0; k < sizeof(values); k++) {
			struct err e = { 0 };
			bool read;

			*at = (char)values[k];
			if (i < sub.len) {
				AUTO(submission_unref_p)
				struct submission *back = submission_decode(sub.data, sub.len, &e);
				read = back != NULL;
			} else {
				AUTO(result_unref_p)
				struct result *back = result_decode(res.data, res.len, &e);
				read = back != NULL;
			}
			assert_true(read || e.kind == ERR_CORRUPT);
		}
		*at = was;
	}
}

TEST(a_submission_without_files_is_corrupt)
{
	AUTO(submission_unref_p) struct submission *s = submission_new();
	AUTO(buf_done) struct buf out;
	struct err e = { 0 };

	s->language = strdup("c");
	encode_submission(&out, s);
	assert_null(submission_decode(out.data, out.len, &e));
	assert_int_equal(e.kind, ERR_CORRUPT);
}

TEST(a_full_buffer_is_left_as_it_was)
{
	AUTO(submission_unref_p) struct submission *s = sample_submission();
	AUTO(result_unref_p) struct result *r = sample_result();
	struct buf out;

	for (size_t max = 3; max < 100; max++) {
		buf_init(&out, max);
		assert_true(buf_add(&out, "abc", 3));
		assert_false(submission_encode(&out, s));
		assert_false(result_encode(&out, r));
		assert_int_equal(out.len, 3);
		assert_string_equal(out.data, "abc");
		buf_done(&out);
	}
}

UNIT_MAIN(T(a_submission_reads_back_as_it_was), T(a_result_reads_back_as_it_was),
	  T(no_version_and_an_empty_message_stay_apart), T(every_shortened_row_is_corrupt),
	  T(bytes_behind_the_end_are_corrupt), T(a_row_of_the_other_kind_or_a_newer_form_is_corrupt),
	  T(no_changed_byte_is_more_than_an_error), T(a_submission_without_files_is_corrupt),
	  T(a_full_buffer_is_left_as_it_was), T(in_what_a_container_was_weak_is_kept))
