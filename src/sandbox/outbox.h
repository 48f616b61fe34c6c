/* SPDX-License-Identifier: MIT */
/*
 * Messages to the engine that its socket had no room for. Bounded: the spawner reads no more requests while
 * anything waits here, so an engine that does not read can make it hold two messages for each run it has and
 * a few more. Nothing is allocated after init.
 */
#ifndef SANDBOX_OUTBOX_H
#define SANDBOX_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "sandbox/wire.h"

struct outbox_entry {
	union {
		struct wire_head head;
		struct wire_hello hello;
		struct wire_state state;
		struct wire_started started;
		struct wire_done done;
		struct wire_refused refused;
	};
	int fds[2];
	size_t n_fds;
};

struct outbox {
	struct outbox_entry *ring;
	size_t size, first, count;
	int sock; /* borrowed */
	bool broken;
};

int outbox_init(struct outbox *o, int sock, size_t size, struct err *e);
void outbox_done(struct outbox *o);

/* Sends or keeps one message; takes over the descriptors. `broken` is set when the engine is gone or the
 * outbox full. */
void outbox_put(struct outbox *o, const void *message, const int *fds, size_t n_fds);
/* Sends what waits, as far as the socket takes it. */
void outbox_flush(struct outbox *o);
static inline bool outbox_is_empty(const struct outbox *o)
{
	return o->count == 0;
}

#endif
