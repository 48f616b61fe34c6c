/* SPDX-License-Identifier: MIT */
/*
 * Work that would hold the event loop: done in order by a few threads of its own, each piece's end told on
 * the loop. For reading and writing files, and for adding up many bytes.
 */
#ifndef CACHE_THREADS_H
#define CACHE_THREADS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"

struct event_base;
struct threads;

/* Part of whatever the work is about, which must stay until `done`. */
struct work {
	struct list node;
	void (*run)(struct work *w);  /* in a thread */
	void (*done)(struct work *w); /* on the loop, never inside threads_put */
	bool ran;		      /* false in `done`: threads_free came first */
};

/* At most four. NULL with the reason. */
struct threads *threads_new(struct event_base *base, unsigned n, struct err *e);
/* Waits for what is being run; everything else is `done` without having been run. NULL is fine. */
void threads_free(struct threads *t);
void threads_put(struct threads *t, struct work *w);

#endif
