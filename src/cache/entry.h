/* SPDX-License-Identifier: MIT */
/* What a compiler made of a submission, as far as it would make the same again: data, and its copies. */
#ifndef CACHE_ENTRY_H
#define CACHE_ENTRY_H

#include <stdint.h>

#include "base/cleanup.h"
#include "job/job.h"

struct cache_entry {
	int artifacts_fd; /* a sealed memfd with the file set; -1: the compiler refused */
	int exit_code;	  /* of the compiler; 0 exactly when there are artifacts */
	int64_t cpu_us;	  /* what it cost then */
	int64_t wall_us;
	int64_t memory_bytes;
	struct bytes out, err; /* what it printed */
	int64_t made_ms;       /* wall clock */
};

/* Releases what it holds. */
void cache_entry_done(struct cache_entry *e);
/* A copy of its own. False when memory or descriptors are short; *ret needs no cache_entry_done then. */
bool cache_entry_copy(struct cache_entry *ret, const struct cache_entry *e);

#endif
