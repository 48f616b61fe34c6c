/* SPDX-License-Identifier: MIT */
#include "base/sha256.h"

#include <stdatomic.h>
#include <string.h>

#include "base/sha256_blocks.h"

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes (§4.2.2). */
const uint32_t sha256_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t v, unsigned bits)
{
	return v >> bits | v << (32 - bits);
}

static uint32_t load(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store(unsigned char *p, uint32_t v)
{
	p[0] = (unsigned char)(v >> 24);
	p[1] = (unsigned char)(v >> 16);
	p[2] = (unsigned char)(v >> 8);
	p[3] = (unsigned char)v;
}

/* The message schedule: §6.2.2, step 1. */
static void expand(uint32_t w[64], const unsigned char *block)
{
	for (size_t i = 0; i < 16; i++)
		w[i] = load(block + 4 * i);
	for (size_t i = 16; i < 64; i++) {
		uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
		uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;

		w[i] = w[i - 16] + s0 + w[i - 7] + s1;
	}
}

/* One block: §6.2.2, steps 2 to 4; v[0] to v[7] are its a to h. */
static void take_block(uint32_t state[8], const unsigned char *block)
{
	uint32_t w[64], v[8];

	expand(w, block);
	memcpy(v, state, sizeof(v));
	for (size_t i = 0; i < 64; i++) {
		uint32_t e = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
		uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
		uint32_t a = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
		uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
		uint32_t t = v[7] + e + choice + sha256_constants[i] + w[i];

		memmove(v + 1, v, 7 * sizeof(v[0]));
		v[4] += t;
		v[0] = t + a + majority;
	}
	for (size_t i = 0; i < 8; i++)
		state[i] += v[i];
}

void sha256_blocks_plain(uint32_t state[8], const unsigned char *blocks, size_t n)
{
	for (; n > 0; n--, blocks += 64)
		take_block(state, blocks);
}

/* Asked once: in a virtual machine the instruction that asks takes microseconds. Any number of threads may be
 * first; all find the same. */
static void take_blocks(uint32_t state[8], const unsigned char *blocks, size_t n)
{
	enum { UNKNOWN, PLAIN, X86 };
	static _Atomic int way = UNKNOWN;
	int mine = atomic_load_explicit(&way, memory_order_relaxed);

	if (mine == UNKNOWN) {
		mine = sha256_x86_is_there() ? X86 : PLAIN;
		atomic_store_explicit(&way, mine, memory_order_relaxed);
	}
	if (mine == X86)
		sha256_blocks_x86(state, blocks, n);
	else
		sha256_blocks_plain(state, blocks, n);
}

void sha256_init(struct sha256 *h)
{
	/* Of the square roots of the first eight primes (§5.3.3). */
	*h = (struct sha256){ .state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
					 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };
}

void sha256_update(struct sha256 *h, const void *data, size_t len)
{
	const unsigned char *in = data;
	size_t have = h->total % sizeof(h->block);

	if (len == 0)
		return; /* and `data` may be NULL */
	h->total += len;
	if (have > 0) {
		size_t room = sizeof(h->block) - have;
		size_t n = len < room ? len : room;

		memcpy(h->block + have, in, n);
		if (n < room)
			return;
		take_blocks(h->state, h->block, 1);
		in += n;
		len -= n;
	}
	if (len >= sizeof(h->block))
		take_blocks(h->state, in, len / sizeof(h->block));
	if (len % sizeof(h->block) > 0)
		memcpy(h->block, in + len / sizeof(h->block) * sizeof(h->block), len % sizeof(h->block));
}

void sha256_final(struct sha256 *h, unsigned char out[SHA256_SIZE])
{
	static const unsigned char padding[64] = { 0x80 };
	uint64_t bits = h->total * 8;
	size_t have = h->total % sizeof(h->block);
	unsigned char length[8];

	store(length, (uint32_t)(bits >> 32));
	store(length + 4, (uint32_t)bits);
	/* To 56 bytes of a block, so that the length ends it. */
	sha256_update(h, padding, have < 56 ? 56 - have : 120 - have);
	sha256_update(h, length, sizeof(length));
	for (size_t i = 0; i < 8; i++)
		store(out + 4 * i, h->state[i]);
}

void sha256(const void *data, size_t len, unsigned char out[SHA256_SIZE])
{
	struct sha256 h;

	sha256_init(&h);
	sha256_update(&h, data, len);
	sha256_final(&h, out);
}

void sha256_to_hex(const unsigned char digest[SHA256_SIZE], char out[SHA256_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_SIZE; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[2 * SHA256_SIZE] = '\0';
}
