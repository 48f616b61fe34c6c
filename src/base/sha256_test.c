/* SPDX-License-Identifier: MIT */
#include "base/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/sha256_blocks.h"

static void hex_of(const void *data, size_t len, char out[SHA256_HEX_SIZE])
{
	unsigned char digest[SHA256_SIZE];

	sha256(data, len, digest);
	sha256_to_hex(digest, out);
}

/* The examples that NIST publishes with FIPS 180-4, and the short messages of its CAVS vectors. */
TEST(digests_are_those_of_the_standard)
{
	static const struct {
		const char *message, *digest;
	} vectors[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlm"
		  "nopq"
		  "rsmnopqrstnopqrstu",
		  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
		{ "\xd3", "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1" },
	};
	char hex[SHA256_HEX_SIZE];

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		hex_of(vectors[i].message, strlen(vectors[i].message), hex);
		assert_string_equal(hex, vectors[i].digest);
	}
}

TEST(a_million_letters_have_the_digest_of_the_standard)
{
	char *text = malloc(1000000), hex[SHA256_HEX_SIZE];

	assert_non_null(text);
	memset(text, 'a', 1000000);
	hex_of(text, 1000000, hex);
	assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(text);
}

/* All lengths around the edges of a block, cut at every place. */
TEST(pieces_have_the_digest_of_the_whole)
{
	unsigned char text[130], whole[SHA256_SIZE], pieces[SHA256_SIZE];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (unsigned char)(i * 7);
	for (size_t len = 0; len <= sizeof(text); len++) {
		sha256(text, len, whole);
		for (size_t cut = 0; cut <= len; cut++) {
			struct sha256 h;

			sha256_init(&h);
			sha256_update(&h, text, cut);
			sha256_update(&h, text + cut, len - cut);
			sha256_final(&h, pieces);
			assert_memory_equal(pieces, whole, SHA256_SIZE);
		}
	}
}

/* What this machine does not have cannot be run on it; elsewhere the vectors above are for that way. */
TEST(nothing_may_lie_nowhere)
{
	unsigned char digest[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE], whole[SHA256_HEX_SIZE];
	struct sha256 h;

	sha256_init(&h);
	sha256_update(&h, "a", 1);
	sha256_update(&h, NULL, 0);
	sha256_update(&h, "bc", 2);
	sha256_final(&h, digest);
	sha256_to_hex(digest, hex);
	hex_of("abc", 3, whole);
	assert_string_equal(hex, whole);
}

TEST(both_ways_to_take_blocks_do_the_same)
{
	unsigned char blocks[64 * 5];
	uint32_t random = 1;

	if (!sha256_x86_is_there())
		return;
	for (int round = 0; round < 200; round++) {
		uint32_t a[8], b[8];

		for (size_t i = 0; i < sizeof(blocks); i++)
			blocks[i] = (unsigned char)((random = random * 1664525 + 1013904223) >> 24);
		for (size_t i = 0; i < 8; i++)
			a[i] = b[i] = random = random * 1664525 + 1013904223;
		sha256_blocks_plain(a, blocks, (size_t)round % 6);
		sha256_blocks_x86(b, blocks, (size_t)round % 6);
		assert_memory_equal(a, b, sizeof(a));
	}
}

UNIT_MAIN(T(both_ways_to_take_blocks_do_the_same), T(digests_are_those_of_the_standard),
	  T(nothing_may_lie_nowhere), T(a_million_letters_have_the_digest_of_the_standard),
	  T(pieces_have_the_digest_of_the_whole))
