/* SPDX-License-Identifier: MIT */
/*
 * The builder: a process of its own that makes and removes the slots' control groups. While anything attaches
 * to a v1 group, mkdir and rmdir in the whole hierarchy wait for it, up to tens of milliseconds; the
 * spawner's loop must not. It also looks at what dead slots have left in their network namespaces. Should it
 * die, the spawner forks another and asks again.
 */
#ifndef SANDBOX_BUILDER_H
#define SANDBOX_BUILDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "sandbox/cgroup.h"

enum builder_op { BUILDER_MAKE = 1, BUILDER_REMOVE };

struct builder_message {
	uint32_t op;
	uint32_t slot; /* comes back as it was */
	uint64_t serial;
	int32_t error;	    /* replies: errno; REMOVE: EBUSY when still in use after some milliseconds */
	uint32_t untouched; /* replies to REMOVE: the network namespace is as good as new */
};

struct builder {
	pid_t pid;
	int sock;
};

/* Forks it. The socket is the caller's through builder_stop. */
int builder_start(struct builder *b, const struct cgroup_home *home, struct err *e);
/* Kills and reaps it. Harmless when it is gone. */
void builder_stop(struct builder *b);

/* Never blocks; false when the request could not be sent now. `netns`, of a REMOVE, stays the caller's; it is
 * looked at (netns.h) after the groups are gone. -1: there is none. */
bool builder_ask(const struct builder *b, enum builder_op op, uint32_t slot, uint64_t serial, int netns);
/* 1 with a reply and, for a MAKE without error, one directory for each tree; 0 when none waits; -1 when the
 * builder is gone or talks nonsense. */
int builder_answer(const struct builder *b, size_t n_trees, struct builder_message *ret,
		   int dirs[CGROUP_MAX_TREES]);

#endif
