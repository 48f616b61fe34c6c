/* SPDX-License-Identifier: MIT */
#include "api/bucket.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define TOKEN ((int64_t)1000000)
#define WAYS  8 /* places that one address may have */
#define SETS  (BUCKET_TABLE_PLACES / WAYS)

struct place {
	uint64_t address[2];
	struct bucket bucket;
	bool used;
};

struct bucket_table {
	uint64_t keys[2];
	struct place places[SETS][WAYS];
};

/* What is missing at `now_ms`: thousandths per second times milliseconds are millionths. */
static int64_t missing(const struct bucket *b, const struct rate *r, int64_t now_ms)
{
	int64_t passed = now_ms > b->at_ms ? now_ms - b->at_ms : 0;

	if (passed > b->taken / r->per_second)
		return 0;
	return b->taken - passed * r->per_second;
}

int64_t bucket_take(struct bucket *b, const struct rate *r, int64_t now_ms)
{
	int64_t taken, over;

	if (r->per_second == 0)
		return 0;
	taken = missing(b, r, now_ms);
	over = taken + TOKEN - r->burst * TOKEN;
	if (over > 0)
		return (over + r->per_second - 1) / r->per_second;
	b->taken = taken + TOKEN;
	b->at_ms = now_ms;
	return 0;
}

struct bucket_table *bucket_table_new(void)
{
	struct bucket_table *t = calloc(1, sizeof(*t));

	/* Nobody can know which addresses share a set with whose. */
	if (t && getrandom(t->keys, sizeof(t->keys), 0) != sizeof(t->keys))
		abort();
	return t;
}

void bucket_table_free(struct bucket_table *t)
{
	free(t);
}

static void read_address(const unsigned char address[16], uint64_t ret[2])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(ret, address, 16);
	if (memcmp(address, mapped, sizeof(mapped)) != 0)
		ret[1] = 0;
}

/* Two keyed words multiplied, both halves of the product folded: an outsider who does not know the keys
 * cannot aim. */
static size_t set_of(const struct bucket_table *t, const uint64_t address[2])
{
	unsigned __int128 product = (unsigned __int128)(address[0] ^ t->keys[0]) * (address[1] ^ t->keys[1]);

	return (size_t)((uint64_t)(product >> 64) ^ (uint64_t)product) % SETS;
}

static struct place *find(struct place *set, const uint64_t address[2], const struct rate *r, int64_t now_ms)
{
	struct place *fullest = &set[0];

	for (int i = 0; i < WAYS; i++) {
		struct place *p = &set[i];

		if (p->used && memcmp(p->address, address, sizeof(p->address)) == 0)
			return p;
		if (missing(&p->bucket, r, now_ms) < missing(&fullest->bucket, r, now_ms))
			fullest = p;
	}
	*fullest = (struct place){ .address = { address[0], address[1] }, .used = true };
	return fullest;
}

int64_t bucket_table_take(struct bucket_table *t, const unsigned char address[16], const struct rate *r,
			  int64_t now_ms)
{
	uint64_t words[2];

	if (r->per_second == 0)
		return 0;
	read_address(address, words);
	return bucket_take(&find(t->places[set_of(t, words)], words, r, now_ms)->bucket, r, now_ms);
}
