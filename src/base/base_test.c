/* SPDX-License-Identifier: MIT */
#include "base/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/list.h"
#include "base/utf8.h"

TEST(a_buffer_refuses_to_pass_its_maximum_and_keeps_what_it_had)
{
	struct buf b;

	buf_init(&b, 5);
	assert_true(buf_add_str(&b, "abc"));
	assert_false(buf_add_str(&b, "def"));
	assert_string_equal(buf_text(&b), "abc");
	assert_true(buf_add_str(&b, "de"));
	assert_false(buf_add_char(&b, 'f'));
	assert_false(buf_printf(&b, "%d", 1));
	buf_consume(&b, 2);
	assert_string_equal(buf_text(&b), "cde");
	buf_done(&b);
}

TEST(a_detached_buffer_is_text_even_when_empty)
{
	struct buf b;
	size_t len = 9;
	char *text;

	buf_init(&b, 0);
	text = buf_detach(&b, &len);
	assert_string_equal(text, "");
	assert_int_equal(len, 0);
	free(text);
}

TEST(a_buffer_grows_through_many_small_adds)
{
	struct buf b;

	buf_init(&b, 100000);
	for (int i = 0; i < 10000; i++)
		assert_true(buf_printf(&b, "%d,", i % 10));
	assert_int_equal(b.len, 20000);
	assert_memory_equal(b.data + 19998, "9,", 3);
	buf_done(&b);
}

TEST(times_are_rfc3339_utc_with_milliseconds)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	clock_format_rfc3339(INT64_C(1709210096007), text);
	assert_string_equal(text, "2024-02-29T12:34:56.007Z");
	clock_format_rfc3339(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

TEST(ids_ascend_within_a_millisecond_and_through_a_clock_that_steps_back)
{
	char last[JOB_ID_SIZE], next[JOB_ID_SIZE];

	id_new(1700000000000, last);
	for (int i = 0; i < 1000; i++) {
		id_new(i < 500 ? 1700000000000 : 1600000000000, next);
		assert_true(strcmp(last, next) < 0);
		assert_true(id_is_valid(next));
		memcpy(last, next, sizeof(last));
	}
}

TEST(an_owned_id_carries_the_mark_of_its_owner_and_orders_as_before)
{
	char alice[ID_OWNER_SIZE], bob[ID_OWNER_SIZE], first[JOB_ID_SIZE], second[JOB_ID_SIZE];

	id_owner_of_name("alice", alice);
	id_owner_of_name("bob", bob);
	/* SHA-256 of "alice" begins 2bd806c97f: 40 bits in base32. */
	assert_string_equal(alice, "5fc0djbz");
	assert_string_not_equal(alice, bob);
	id_new_owned(1000, bob, first);
	id_new_owned(1000, alice, second);
	assert_true(id_is_valid(first) && id_is_valid(second) && strcmp(first, second) < 0);
	assert_string_equal(id_owner(first), bob);
	assert_string_equal(id_owner(second), alice);
	id_new_owned(1000, "", first);
	assert_int_equal(strlen(first), JOB_ID_LEN);
	assert_string_equal(id_owner(first), "");
	assert_string_equal(id_owner("some:foreign"), "");
}

/* The 14 characters after the time are random, 70 bits of 74: each takes all kinds of values, and does not
 * follow from the id before, in ids of one millisecond too. A false alarm is less likely than 2^-100. */
TEST(ids_cannot_be_guessed_from_others)
{
	int ones[14] = { 0 }, changes[14] = { 0 };
	char before[JOB_ID_SIZE] = "", id[JOB_ID_SIZE];

	for (int i = 0; i < 1000; i++) {
		id_new(5000, id);
		for (int k = 0; k < 14; k++) {
			ones[k] += id[12 + k] >= 'g';
			changes[k] += before[0] && id[12 + k] != before[12 + k];
		}
		memcpy(before, id, sizeof(id));
	}
	for (int k = 0; k < 14; k++) {
		assert_in_range(ones[k], 250, 750);
		assert_true(changes[k] > 800);
	}
}

TEST(texts_that_are_no_ids_are_told_apart)
{
	char id[JOB_ID_SIZE];

	id_new(1700000000000, id);
	assert_true(id_is_valid(id));
	id[5] = 'u';
	assert_false(id_is_valid(id));
	assert_false(id_is_valid(""));
	assert_false(id_is_valid("123456"));
	assert_false(id_is_valid("j0123456789abcdefghjkmnpqrst"));
}

TEST(utf8_validity_follows_rfc_3629)
{
	static const struct {
		const char *bytes;
		bool valid;
	} rows[] = {
		{ "plain", true },
		{ "\xc3\xa9", true },
		{ "\xe2\x82\xac", true },
		{ "\xf0\x9f\x98\x80", true },
		{ "\xc0\x80", false },
		{ "\xc1\xbf", false },
		{ "\xe0\x80\x80", false },
		{ "\xed\xa0\x80", false },
		{ "\xf4\x90\x80\x80", false },
		{ "\xf5\x80\x80\x80", false },
		{ "\x80", false },
		{ "\xe2\x82", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(utf8_is_valid(rows[i].bytes, strlen(rows[i].bytes)), rows[i].valid);
}

TEST(invalid_bytes_are_replaced_by_maximal_subparts)
{
	struct buf b;
	bool replaced;

	buf_init(&b, 100);
	/* The example of Unicode 15 §3.9, table 3-8. */
	assert_true(
		utf8_add_replaced(&b, "\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64", 13, &replaced));
	assert_true(replaced);
	assert_string_equal(buf_text(&b), "a\uFFFD\uFFFD\uFFFD"
					  "b\uFFFD"
					  "c\uFFFD\uFFFD"
					  "d");
	buf_clear(&b);
	assert_true(utf8_add_replaced(&b, "ok\0ok", 5, &replaced));
	assert_false(replaced);
	assert_int_equal(b.len, 5);
	buf_done(&b);
}

TEST(base64_round_trips_and_is_strict)
{
	static const char *const bad[] = { "A",	       "AA",   "AAA",  "A===", "AA=A",
					   "AAAA=AAA", "AB==", "AAB=", "A A=", "AA==AAAA" };
	static const struct {
		const char *plain, *coded;
	} rows[] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foobar", "Zm9vYmFy" }
	};
	struct buf b;

	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&b);
		assert_true(base64_add_encoded(&b, rows[i].plain, strlen(rows[i].plain)));
		assert_string_equal(buf_text(&b), rows[i].coded);
		buf_clear(&b);
		assert_true(base64_add_decoded(&b, rows[i].coded, strlen(rows[i].coded)));
		assert_string_equal(buf_text(&b), rows[i].plain);
	}
	buf_clear(&b);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(base64_add_decoded(&b, bad[i], strlen(bad[i])));
	assert_int_equal(b.len, 0);
	buf_done(&b);
}

TEST(errors_carry_kind_field_and_the_whole_sentence)
{
	struct err e = { 0 };

	assert_int_equal(err_set(&e, ERR_IO, ENOENT, "open %s", "x"), -1);
	assert_string_equal(e.msg, "open x: No such file or directory");
	err_wrap(&e, "load");
	assert_string_equal(e.msg, "load: open x: No such file or directory");
	assert_int_equal(e.kind, ERR_IO);
	err_field(&e, ERR_INVALID, "limits.cpuMs", "must be %d or more", 1);
	assert_string_equal(e.field, "limits.cpuMs");
	assert_int_equal(err_set(NULL, ERR_IO, 0, "ignored"), -1);
}

struct item {
	int n;
	struct list link;
};

TEST(a_list_node_may_be_removed_twice_and_while_walking)
{
	struct list l = LIST_INIT(l);
	struct item items[3], *pos;
	int sum = 0;

	for (int i = 0; i < 3; i++) {
		items[i].n = i + 1;
		list_push_back(&l, &items[i].link);
	}
	list_for_each (pos, &l, struct item, link) {
		sum += pos->n;
		list_remove(&pos->link);
		list_remove(&pos->link);
	}
	assert_int_equal(sum, 6);
	assert_true(list_is_empty(&l));
	assert_false(list_is_linked(&items[0].link));
}

UNIT_MAIN(T(a_buffer_refuses_to_pass_its_maximum_and_keeps_what_it_had),
	  T(a_detached_buffer_is_text_even_when_empty), T(a_buffer_grows_through_many_small_adds),
	  T(times_are_rfc3339_utc_with_milliseconds),
	  T(ids_ascend_within_a_millisecond_and_through_a_clock_that_steps_back),
	  T(an_owned_id_carries_the_mark_of_its_owner_and_orders_as_before),
	  T(ids_cannot_be_guessed_from_others), T(texts_that_are_no_ids_are_told_apart),
	  T(utf8_validity_follows_rfc_3629), T(invalid_bytes_are_replaced_by_maximal_subparts),
	  T(base64_round_trips_and_is_strict), T(errors_carry_kind_field_and_the_whole_sentence),
	  T(a_list_node_may_be_removed_twice_and_while_walking))
