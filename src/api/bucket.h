/* SPDX-License-Identifier: MIT */
/*
 * Rates: token buckets, and a table of them for addresses that cannot grow.
 *
 * A bucket holds `burst` tokens at most and gets `per_second` of them back; each request takes one. Time is
 * passed in, in monotonic milliseconds. The integers cannot overflow for the values that rate_is_valid
 * accepts.
 */
#ifndef API_BUCKET_H
#define API_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

struct rate {
	int64_t per_second; /* in thousandths: 2500 is five requests in two seconds; 0: no limit */
	int64_t burst;	    /* requests at once, at least 1 */
};
#define RATE_MAX  ((int64_t)1000000 * 1000)
#define BURST_MAX ((int64_t)1000000)

/* What has been taken and has not come back; zeroed it is full. */
struct bucket {
	int64_t taken; /* in millionths of a token */
	int64_t at_ms; /* when that was so */
};

/* Takes a token: 0, or when there is none the milliseconds until there will be. */
int64_t bucket_take(struct bucket *b, const struct rate *r, int64_t now_ms);

/* Buckets of addresses. Its size is fixed: when there are more addresses than it has places, one that has
 * nearly all of its tokens is forgotten, and finds a full bucket when it comes again. */
struct bucket_table;
#define BUCKET_TABLE_PLACES 16384

struct bucket_table *bucket_table_new(void); /* NULL when memory is short */
void bucket_table_free(struct bucket_table *t);
DEFINE_AUTO(struct bucket_table, bucket_table_free)

/* Takes a token for an address of 16 bytes, IPv4 as ::ffff:a.b.c.d: IPv4 counts in full, of IPv6 the network
 * of 64 bits, since a subscriber has all of that. As bucket_take. */
int64_t bucket_table_take(struct bucket_table *t, const unsigned char address[16], const struct rate *r,
			  int64_t now_ms);

#endif
