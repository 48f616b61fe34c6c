/* SPDX-License-Identifier: MIT */
/* Rates and keys, with the time as a parameter. The door itself is tested from outside, in
 * tests/api/test_door.py. */
#include "base/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/bucket.h"
#include "api/keys.h"
#include "base/buf.h"

/* ---- buckets ---- */

TEST(a_bucket_gives_its_burst_and_then_its_rate)
{
	const struct rate r = { .per_second = 2000, .burst = 3 };
	struct bucket b = { 0 };

	for (int i = 0; i < 3; i++)
		assert_int_equal(bucket_take(&b, &r, 1000), 0);
	assert_int_equal(bucket_take(&b, &r, 1000), 500);
	assert_int_equal(bucket_take(&b, &r, 1499), 1);
	assert_int_equal(bucket_take(&b, &r, 1500), 0);
	assert_int_equal(bucket_take(&b, &r, 1500), 500);
	/* After a pause the burst, and not more. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(bucket_take(&b, &r, 1000000), 0);
	assert_int_equal(bucket_take(&b, &r, 1000000), 500);
}

TEST(buckets_live_with_extreme_numbers)
{
	const struct rate fastest = { RATE_MAX, BURST_MAX }, slowest = { 1, 1 }, none = { 0, 1 };
	struct bucket b = { 0 };

	for (int64_t i = 0; i < BURST_MAX; i++)
		assert_int_equal(bucket_take(&b, &fastest, 5), 0);
	assert_int_equal(bucket_take(&b, &fastest, 5), 1);
	assert_int_equal(bucket_take(&b, &fastest, INT64_MAX), 0);
	/* The clock is monotonic, but nothing breaks if it were not. */
	assert_int_equal(bucket_take(&b, &fastest, 0), 0);
	memset(&b, 0, sizeof(b));
	assert_int_equal(bucket_take(&b, &slowest, 0), 0);
	assert_int_equal(bucket_take(&b, &slowest, 0), 1000000);
	assert_int_equal(bucket_take(&b, &slowest, 1000000), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(bucket_take(&b, &none, 0), 0);
}

static void ipv4(unsigned char out[16], uint32_t n)
{
	memset(out, 0, 10);
	memset(out + 10, 0xff, 2);
	for (int i = 0; i < 4; i++)
		out[12 + i] = (unsigned char)(n >> (24 - 8 * i));
}

TEST(each_ipv4_address_and_each_ipv6_network_has_a_bucket)
{
	AUTO(bucket_table_free_p) struct bucket_table *t = bucket_table_new();
	const struct rate r = { .per_second = 1, .burst = 1 };
	unsigned char a[16], b[16], six[16] = { 0x20, 0x01, 0x0d, 0xb8, [7] = 1, [15] = 1 };

	ipv4(a, 0x0a000001);
	ipv4(b, 0x0a000002);
	assert_int_equal(bucket_table_take(t, a, &r, 0), 0);
	assert_true(bucket_table_take(t, a, &r, 0) > 0);
	assert_int_equal(bucket_table_take(t, b, &r, 0), 0);
	assert_int_equal(bucket_table_take(t, six, &r, 0), 0);
	six[15] = 2;
	assert_true(bucket_table_take(t, six, &r, 0) > 0);
	six[7] = 2;
	assert_int_equal(bucket_table_take(t, six, &r, 0), 0);
}

/* A flood of addresses, ten times what the table has room for: it stays as large as it is, and whoever has
 * used up his tokens is not the one that is forgotten. */
TEST(a_flood_of_addresses_does_not_clear_the_one_that_floods)
{
	AUTO(bucket_table_free_p) struct bucket_table *t = bucket_table_new();
	const struct rate r = { .per_second = 1, .burst = 10 };
	unsigned char flooder[16], other[16];

	ipv4(flooder, 1);
	while (bucket_table_take(t, flooder, &r, 0) == 0)
		;
	for (uint32_t i = 2; i < 10 * BUCKET_TABLE_PLACES; i++) {
		ipv4(other, i);
		(void)bucket_table_take(t, other, &r, 0);
	}
	assert_true(bucket_table_take(t, flooder, &r, 0) > 0);
}

/* ---- keys ---- */

#define HASH_A "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" /* of "x" */
#define HASH_B "a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa" /* of "y" */
#define HASH_C "594e519ae499312b29433b7dd8a97ff068defcba9755b6d5d00e84c524d67b06" /* of "z" */

static struct key_table *parse(const char *text, struct err *e)
{
	return key_table_parse(text, strlen(text), e);
}

TEST(a_key_is_found_by_its_hash_and_brings_its_names_settings)
{
	struct err e;
	AUTO(key_table_free_p)
	struct key_table *t = parse("# two of one, one of another\r\n\r\n"
				    "  bob\t" HASH_B " rate=2.5 burst=7 queue=10 all # why\r\n"
				    "alice " HASH_A "\n"
				    "bob " HASH_C,
				    &e);
	struct client *bob, *alice;

	assert_non_null(t);
	assert_int_equal(t->n_keys, 3);
	assert_int_equal(t->n_clients, 2);
	bob = key_table_find(t, "y", 1);
	alice = key_table_find(t, "x", 1);
	assert_string_equal(bob->name, "bob");
	assert_string_equal(alice->name, "alice");
	assert_ptr_equal(key_table_find(t, "z", 1), bob);
	assert_ptr_equal(key_table_client(t, bob->owner), bob);
	assert_ptr_equal(key_table_client(t, alice->owner), alice);
	assert_null(key_table_client(t, ""));
	assert_null(key_table_client(t, "00000000"));
	assert_int_equal(bob->rate.per_second, 2500);
	assert_int_equal(bob->rate.burst, 7);
	assert_int_equal(bob->queue_percent, 10);
	assert_true(bob->all);
	assert_int_equal(alice->rate.per_second, -1);
	assert_int_equal(alice->rate.burst, -1);
	assert_int_equal(alice->queue_percent, -1);
	assert_false(alice->all);
	assert_null(key_table_find(t, "w", 1));
	assert_null(key_table_find(t, "", 0));
	/* The hash is not the key. */
	assert_null(key_table_find(t, HASH_A, strlen(HASH_A)));
}

TEST(what_is_wrong_is_said_with_its_line_and_without_its_words)
{
	static const struct {
		const char *text;
		const char *line;
	} rows[] = {
		{ "alice", "line 1" },
		{ "\n\nalice secretsecret", "line 3" },
		{ "a:b " HASH_A, "line 1" },
		{ "alice " HASH_A "0", "line 1" },
		{ "alice " HASH_A " ratee=1", "line 1" },
		{ "alice " HASH_A " rate=", "line 1" },
		{ "alice " HASH_A " rate=1.", "line 1" },
		{ "alice " HASH_A " rate=.5", "line 1" },
		{ "alice " HASH_A " rate=0.0001", "line 1" },
		{ "alice " HASH_A " rate=-1", "line 1" },
		{ "alice " HASH_A " rate=99999999999999999999", "line 1" },
		{ "alice " HASH_A " burst=0", "line 1" },
		{ "alice " HASH_A " burst=1.5", "line 1" },
		{ "alice " HASH_A " queue=0", "line 1" },
		{ "alice " HASH_A " queue=101", "line 1" },
		{ "alice " HASH_A " all all all all all all all all", "line 1" },
		{ "alice " HASH_A "\nbob " HASH_A, "line 2" },
		{ "alice " HASH_A " all\nalice " HASH_B " all", "line 2" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = { 0 };

		assert_null(parse(rows[i].text, &e));
		assert_int_equal(e.kind, ERR_INVALID);
		assert_non_null(strstr(e.msg, rows[i].line));
		assert_null(strstr(e.msg, "secret"));
	}
}

TEST(a_made_key_opens_with_its_line)
{
	char key[KEY_TEXT_LEN + 1], again[KEY_TEXT_LEN + 1], line[KEY_LINE_SIZE];
	struct err e;

	assert_int_equal(key_make("alice", key, line, &e), 0);
	assert_int_equal(strlen(key), KEY_TEXT_LEN);
	assert_null(strstr(line, key));
	{
		AUTO(key_table_free_p) struct key_table *t = parse(line, &e);

		assert_non_null(t);
		assert_string_equal(key_table_find(t, key, strlen(key))->name, "alice");
	}
	assert_int_equal(key_make("alice", again, line, &e), 0);
	assert_string_not_equal(key, again);
	assert_int_equal(key_make("", key, line, &e), -1);
	assert_int_equal(key_make("two words", key, line, &e), -1);
}

TEST(as_many_keys_as_there_may_be_are_read_and_one_more_is_not)
{
	struct err e = { 0 };
	struct buf text;

	buf_init(&text, KEYS_FILE_MAX);
	for (int i = 0; i < KEYS_MAX; i++)
		assert_true(buf_printf(&text, "n%d %064x\n", i, (unsigned)i));
	{
		AUTO(key_table_free_p) struct key_table *t = parse(buf_text(&text), &e);

		assert_non_null(t);
		assert_int_equal(t->n_clients, KEYS_MAX);
		for (size_t i = 0; i < t->n_keys; i++) {
			char name[32];

			snprintf(name, sizeof(name), "n%zu", i);
			assert_string_equal(t->clients[t->keys[i].client].name, name);
		}
	}
	assert_true(buf_printf(&text, "n %064x\n", KEYS_MAX));
	assert_null(parse(buf_text(&text), &e));
	assert_non_null(strstr(e.msg, "10000"));
	buf_done(&text);
}

UNIT_MAIN(T(a_bucket_gives_its_burst_and_then_its_rate), T(buckets_live_with_extreme_numbers),
	  T(each_ipv4_address_and_each_ipv6_network_has_a_bucket),
	  T(a_flood_of_addresses_does_not_clear_the_one_that_floods),
	  T(a_key_is_found_by_its_hash_and_brings_its_names_settings),
	  T(what_is_wrong_is_said_with_its_line_and_without_its_words), T(a_made_key_opens_with_its_line),
	  T(as_many_keys_as_there_may_be_are_read_and_one_more_is_not))
