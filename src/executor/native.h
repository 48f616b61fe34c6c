/* SPDX-License-Identifier: MIT */
/*
 * The native executor: programs run in the slots of a spawner at the other end of a SOCK_SEQPACKET socket
 * (sandbox/wire.h). The spawner may die and be started anew: then every run in flight is reported lost, and
 * starts are ERR_BUSY until the new one's socket is attached and it has said hello.
 *
 * Output comes over pipes straight from the program. What is read is counted against the cap; one byte more
 * and the program is killed. Sends never block: a RUN that meets a full socket is ERR_BUSY, a KILL is kept
 * with its run and sent when there is room.
 */
#ifndef EXECUTOR_NATIVE_H
#define EXECUTOR_NATIVE_H

#include <stdint.h>

#include "base/err.h"
#include "executor/executor.h"

struct event_base;

/* Callbacks may be NULL; none runs inside another call of this module. */
struct native_options {
	unsigned slots; /* most runs at once; 0: as many as the spawner says it has */
	/* The spawner said hello. `weak`: accepted weaknesses in effect (enum sandbox_weakness). */
	void (*attached)(unsigned slots, uint32_t weak, void *arg);
	/* Its socket ended, or it broke the protocol; every run has been reported lost. */
	void (*detached)(const struct err *why, void *arg);
	void *arg;
};

/* Without a spawner yet. NULL only when memory is short. Free it with executor_free, outside its callbacks,
 * before `base`. */
struct executor *native_new(struct event_base *base, const struct native_options *options, struct err *e);

/* Takes over the socket to a new spawner, also when -1 is returned. A former one is closed and its runs are
 * reported lost (within this call). */
int native_attach(struct executor *x, int spawner_fd, struct err *e);

#endif
