/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 with the SHA extensions, after their description in the Intel 64 manual, volume 2: SHA256RNDS2 does
 * two rounds on a state that lies in two registers as {f,e,b,a} and {h,g,d,c}; SHA256MSG1 and SHA256MSG2 make
 * four words of the message schedule of the sixteen before.
 */
#include "base/sha256_blocks.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>

#define TARGET __attribute__((target("sha,sse4.1,ssse3")))

#define SSSE3  (1U << 9)  /* leaf 1, ecx */
#define SSE4_1 (1U << 19) /* the same */
#define SHA    (1U << 29) /* leaf 7, ebx */

bool sha256_x86_is_there(void)
{
	unsigned a, b, c, d, features;

	if (!__get_cpuid(1, &a, &b, &features, &d) || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
		return false;
	return (features & SSSE3) && (features & SSE4_1) && (b & SHA);
}

/* Each vector holds four words of the schedule, §6.2.2 step 1. */
TARGET static inline void expand(__m128i w[16], const unsigned char *block)
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);

	for (int i = 0; i < 4; i++)
		w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const void *)(block + 16 * i)), big_endian);
	for (int i = 4; i < 16; i++) {
		__m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[i - 4], w[i - 3]),
					    _mm_alignr_epi8(w[i - 1], w[i - 2], 4));

		w[i] = _mm_sha256msg2_epu32(sum, w[i - 1]);
	}
}

TARGET void sha256_blocks_x86(uint32_t state[8], const unsigned char *blocks, size_t n)
{
	__m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const void *)state), 0xb1);
	__m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const void *)(state + 4)), 0x1b);
	__m128i feba = _mm_alignr_epi8(badc, hgfe, 8);
	__m128i hgdc = _mm_blend_epi16(hgfe, badc, 0xf0);
	__m128i abef, ghcd;

	for (; n > 0; n--, blocks += 64) {
		__m128i w[16], first = feba, second = hgdc;

		expand(w, blocks);
		for (int i = 0; i < 16; i++) {
			__m128i k = _mm_loadu_si128((const void *)(sha256_constants + 4 * i));
			__m128i four = _mm_add_epi32(w[i], k);

			second = _mm_sha256rnds2_epu32(second, first, four);
			first = _mm_sha256rnds2_epu32(first, second, _mm_shuffle_epi32(four, 0x0e));
		}
		feba = _mm_add_epi32(feba, first);
		hgdc = _mm_add_epi32(hgdc, second);
	}
	abef = _mm_shuffle_epi32(feba, 0x1b);
	ghcd = _mm_shuffle_epi32(hgdc, 0xb1);
	_mm_storeu_si128((void *)state, _mm_blend_epi16(abef, ghcd, 0xf0));
	_mm_storeu_si128((void *)(state + 4), _mm_alignr_epi8(ghcd, abef, 8));
}

#else

bool sha256_x86_is_there(void)
{
	return false;
}

void sha256_blocks_x86(uint32_t state[8], const unsigned char *blocks, size_t n)
{
	sha256_blocks_plain(state, blocks, n);
}

#endif
