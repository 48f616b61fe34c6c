/* SPDX-License-Identifier: MIT */
/*
 * Decisions about a run from numbers alone: when to look at its CPU time next, and what ended it. No clock,
 * no descriptor.
 */
#ifndef SANDBOX_VERDICT_H
#define SANDBOX_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/wire.h"

/*
 * Microseconds until the CPU time of a run has to be read again so that it cannot pass its limit by more than
 * about a millisecond: `cpus` of it may be in use at once. At least 1000, unless less than that is left.
 */
int64_t verdict_cpu_check_us(int64_t limit_us, int64_t used_us, uint32_t cpus);

struct verdict_facts {
	enum wire_stop stop; /* the limit that fired while it ran, or WIRE_STOP_NONE */
	bool killed;	     /* we killed it */
	bool ended; /* the main process ended by itself, as far as its init saw: wait_status counts */
	int wait_status;
	int start_errno; /* not 0: nothing was executed */
	bool oom_own;	 /* its own memory limit was hit */
	bool oom_killed; /* the kernel killed one of its processes for memory, its own limit or the host's */
	int64_t cpu_us, cpu_limit_us;
	int64_t wall_us, wall_limit_us;
};

struct verdict {
	enum wire_stop stop;
	int exit_code; /* -1: signalled or killed */
	int signal;    /* 0: exited or killed for a limit */
	bool lost;
	const char *problem; /* with lost */
};

/*
 * The first limit that fired; among limits that are found passed at the same look: memory, then CPU, then
 * wall (cancelled and output only ever fire by message, and are first then). A program whose main process
 * ended by itself keeps its exit status even when a limit is found passed.
 */
struct verdict verdict_decide(const struct verdict_facts *f);

#endif
