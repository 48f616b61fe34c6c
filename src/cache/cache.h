/* SPDX-License-Identifier: MIT */
/*
 * The compile cache: who asks for a compile that has been made before, by the same tenant, from the same
 * bytes, with the same toolchain and limits (cache/key.h), gets its outcome without a compiler. And of those
 * who ask at once for the same, one compiles and the others wait for it (single flight).
 *
 *   asked -> found                          (on disk, or just made by somebody else)
 *         -> leads, then settles            (nobody has it: the asker compiles and tells what came of it)
 *         -> waits -> found | leads         (somebody leads; when that one leaves or has nothing to share,
 *                                            the next who waits leads)
 *
 * Files, hashing and looking at the toolchain are the business of threads; on the loop there is only the
 * table of flights. Everything here is called on the loop's thread.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cache/entry.h"
#include "cache/key.h"

struct event_base;
struct cache;
struct cache_ticket;

struct cache_options {
	const char *path;  /* directory of its own, in the engine's */
	int64_t max_bytes; /* over 0 */
	int rootfs;	   /* where compilers are looked at: a directory descriptor, the caller's */
	bool shared;	   /* one tenant meets what another compiled */
};

/* NULL with the reason. */
struct cache *cache_new(struct event_base *base, const struct cache_options *options, struct err *e);
/* Nobody who waits is answered from now on: for an end in which one leader after the other leaves. */
void cache_stop(struct cache *c);
/* Waits for what is being written. All tickets must be gone or left. NULL is fine. */
void cache_free(struct cache *c);

/*
 * The answer: `entry` (borrowed, gone after the call; the ticket is gone already), or NULL: the asker leads,
 * compiles, and calls cache_settle or cache_leave.
 */
typedef void cache_answer_fn(const struct cache_entry *entry, void *arg);

/* Asks; the answer never comes inside this call. The spec is borrowed during the call only. NULL when memory
 * is short: then compile without it. */
struct cache_ticket *cache_ask(struct cache *c, const struct cache_question *q, cache_answer_fn *fn,
			       void *arg);

/* The leader's outcome, borrowed: it is kept, and those who wait get it, inside this call. */
void cache_settle(struct cache_ticket *t, const struct cache_entry *entry);

/* Leaves, wherever the ticket is; no answer comes. A leader that leaves hands over, inside this call: another
 * asker's callback may run. NULL is fine. */
void cache_leave(struct cache_ticket *t);

struct cache_counts {
	int64_t hits;	  /* artefacts that no compiler had to make */
	int64_t refusals; /* compile errors that no compiler had to find */
	int64_t misses;	  /* compiles that were led */
	int64_t waiting;  /* now, for what somebody else compiles */
	int64_t bytes;	  /* on disk */
};
void cache_count(struct cache *c, struct cache_counts *ret);

#endif
