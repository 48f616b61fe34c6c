/* SPDX-License-Identifier: MIT */
#include "base/id.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/sha256.h"

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* Milliseconds and count of the last id, as one number: taking the larger of "now" and "one more" keeps ids
 * ascending through a busy millisecond and through a clock that steps back. */
static uint64_t next_tick(int64_t wall_ms)
{
	static _Atomic uint64_t last;
	uint64_t now = (uint64_t)wall_ms << 6;
	uint64_t seen = atomic_load(&last);
	uint64_t mine;

	do {
		mine = now > seen ? now : seen + 1;
	} while (!atomic_compare_exchange_weak(&last, &seen, mine));
	return mine;
}

static void random_bytes(unsigned char *out, size_t len)
{
	if (getrandom(out, len, 0) != (ssize_t)len)
		abort();
}

void id_new(int64_t wall_ms, char out[JOB_ID_SIZE])
{
	uint64_t tick = next_tick(wall_ms);
	unsigned char bits[16];
	unsigned acc = 0, have = 0;
	size_t in = 0;

	random_bytes(bits, sizeof(bits));
	/* 54 bits of tick in front of 74 random ones. */
	for (int i = 0; i < 6; i++)
		bits[i] = (unsigned char)(tick >> (46 - 8 * i));
	bits[6] = (unsigned char)((tick & 0x3f) << 2 | (bits[6] & 0x03));

	out[0] = 'j';
	/* 128 bits are 25 characters of five bits and one of three. */
	for (int i = 1; i < JOB_ID_LEN; i++) {
		if (have < 5 && in < sizeof(bits)) {
			acc = acc << 8 | bits[in++];
			have += 8;
		}
		if (have < 5) {
			acc <<= 5 - have;
			have = 5;
		}
		out[i] = alphabet[acc >> (have - 5) & 0x1f];
		have -= 5;
		acc &= (1U << have) - 1;
	}
	out[JOB_ID_LEN] = '\0';
}

void id_new_owned(int64_t wall_ms, const char *owner, char out[JOB_ID_SIZE])
{
	assert(strlen(owner) == 0 || strlen(owner) == ID_OWNER_LEN);
	id_new(wall_ms, out);
	memcpy(out + JOB_ID_LEN, owner, strlen(owner) + 1);
}

void id_owner_of_name(const char *name, char out[ID_OWNER_SIZE])
{
	unsigned char digest[SHA256_SIZE];
	uint64_t bits = 0;

	sha256(name, strlen(name), digest);
	for (int i = 0; i < 5; i++)
		bits = bits << 8 | digest[i];
	for (int i = 0; i < ID_OWNER_LEN; i++)
		out[i] = alphabet[bits >> (5 * (ID_OWNER_LEN - 1 - i)) & 0x1f];
	out[ID_OWNER_LEN] = '\0';
}

bool id_is_valid(const char *text)
{
	size_t len = strlen(text);

	if (text[0] != 'j' || (len != JOB_ID_LEN && len != JOB_ID_LEN + ID_OWNER_LEN))
		return false;
	return strspn(text + 1, alphabet) == len - 1;
}

const char *id_owner(const char *id)
{
	return id_is_valid(id) ? id + JOB_ID_LEN : "";
}

bool id_is_foreign(const char *text)
{
	size_t n = 0;

	for (; text[n]; n++) {
		if (text[n] <= ' ' || text[n] > '~' || text[n] == '"' || n >= JOB_ID_SIZE - 1)
			return false;
	}
	return n > 0 && !id_is_valid(text);
}
