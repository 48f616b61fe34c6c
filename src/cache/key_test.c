/* SPDX-License-Identifier: MIT */
#include "cache/key.h"
#include "cache/testing.h"

static struct lang language = { .name = (char[]){ "c" }, .version = (char[]){ "12.2.0" } };

struct ask {
	const char *tenant;
	const char *argv[4], *env[3], *collect[3];
	const char *names[3], *contents[3];
	int64_t memory;
	unsigned char toolchain;
};

static const struct ask plain = {
	.tenant = "",
	.argv = { "gcc", "-O2", "main.c" },
	.collect = { "main" },
	.names = { "main.c", "util.h" },
	.contents = { "int main;", "x" },
	.memory = 100,
};

static void key_of(const struct ask *a, unsigned char key[CACHE_KEY_SIZE])
{
	const struct exec_spec spec = {
		.argv = a->argv, .env = a->env, .collect = a->collect, .limits.memory_bytes = a->memory
	};
	struct submission *s = submission_new();
	const struct cache_question q = { a->tenant, &language, &spec, s };
	unsigned char toolchain[SHA256_SIZE] = { a->toolchain };
	struct sha256 h;

	assert_non_null(s);
	s->files = calloc(3, sizeof(*s->files));
	for (; s->n_files < 3 && a->names[s->n_files]; s->n_files++) {
		const char *content = a->contents[s->n_files];

		s->files[s->n_files].name = strdup(a->names[s->n_files]);
		assert_true(bytes_set(&s->files[s->n_files].content, content, strlen(content)));
	}
	cache_key_begin(&h, &q);
	cache_key_files(&h, s);
	cache_key_end(&h, toolchain, key);
	submission_unref(s);
}

static bool same(const struct ask *a, const struct ask *b)
{
	unsigned char x[CACHE_KEY_SIZE], y[CACHE_KEY_SIZE];

	key_of(a, x);
	key_of(b, y);
	return memcmp(x, y, sizeof(x)) == 0;
}

TEST(the_same_question_has_the_same_key)
{
	struct ask again = plain;

	assert_true(same(&plain, &again));
}

TEST(everything_that_decides_the_artefact_is_in_the_key)
{
	struct ask other = plain;

	other.tenant = "somebody";
	assert_false(same(&plain, &other));
	other = plain;
	other.argv[1] = "-O3";
	assert_false(same(&plain, &other));
	other = plain;
	other.env[0] = "A=1";
	assert_false(same(&plain, &other));
	other = plain;
	other.collect[0] = "*";
	assert_false(same(&plain, &other));
	other = plain;
	other.memory++;
	assert_false(same(&plain, &other));
	other = plain;
	other.toolchain = 1;
	assert_false(same(&plain, &other));
	other = plain;
	other.names[1] = "util.c";
	assert_false(same(&plain, &other));
	other = plain;
	other.contents[1] = "y";
	assert_false(same(&plain, &other));
	other = plain;
	language.version[0] = '2';
	{
		unsigned char x[CACHE_KEY_SIZE], y[CACHE_KEY_SIZE];

		key_of(&plain, x);
		language.version[0] = '1';
		key_of(&plain, y);
		assert_memory_not_equal(x, y, sizeof(x));
	}
}

TEST(the_order_of_flags_and_of_files_counts)
{
	struct ask a = plain, b = plain;

	a.argv[1] = "-DA=1";
	a.argv[2] = "-UA";
	b.argv[1] = "-UA";
	b.argv[2] = "-DA=1";
	assert_false(same(&a, &b));
	b = plain;
	b.names[0] = plain.names[1];
	b.names[1] = plain.names[0];
	b.contents[0] = plain.contents[1];
	b.contents[1] = plain.contents[0];
	assert_false(same(&plain, &b));
}

/* Bytes may not move from one part into its neighbour and leave the key as it was. */
TEST(no_two_questions_run_into_the_same_bytes)
{
	static const struct ask pairs[][2] = {
		{ { .tenant = "", .argv = { "cc", "ab", "c" } },
		  { .tenant = "", .argv = { "cc", "a", "bc" } } },
		{ { .tenant = "", .argv = { "cc", "a" }, .env = { "b" } },
		  { .tenant = "", .argv = { "cc", "a", "b" } } },
		{ { .tenant = "", .argv = { "cc" }, .env = { "x" } },
		  { .tenant = "", .argv = { "cc" }, .collect = { "x" } } },
		{ { .tenant = "", .argv = { "cc" }, .names = { "a", "b" }, .contents = { "xy", "z" } },
		  { .tenant = "", .argv = { "cc" }, .names = { "a", "b" }, .contents = { "x", "yz" } } },
		{ { .tenant = "", .argv = { "cc" }, .names = { "ab" }, .contents = { "c" } },
		  { .tenant = "", .argv = { "cc" }, .names = { "a" }, .contents = { "bc" } } },
		{ { .tenant = "", .argv = { "cc" }, .names = { "a" }, .contents = { "" } },
		  { .tenant = "", .argv = { "cc" } } },
		{ { .tenant = "c", .argv = { "cc" } }, { .tenant = "", .argv = { "ccc" } } },
		{ { .tenant = "", .argv = { "cc", "" } }, { .tenant = "", .argv = { "cc" } } },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (same(&pairs[i][0], &pairs[i][1]))
			fail_msg("pair %zu has one key", i);
	}
}

UNIT_MAIN(T(the_same_question_has_the_same_key), T(everything_that_decides_the_artefact_is_in_the_key),
	  T(the_order_of_flags_and_of_files_counts), T(no_two_questions_run_into_the_same_bytes))
