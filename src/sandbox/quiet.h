/* SPDX-License-Identifier: MIT */
/*
 * Whether a program that came alone is to have the CPUs to itself. Where runs come one by one, most have
 * ended soon, and a slot that is built meanwhile takes time and caches from them (docs/decisions/0013).
 */
#ifndef SANDBOX_QUIET_H
#define SANDBOX_QUIET_H

#include <stdbool.h>
#include <stdint.h>

/* A run that comes so long after the last one ended came alone. Nanoseconds. */
#define QUIET_GAP_NS INT64_C(10000000)
/* It has so long; programs that take longer are built beside. */
#define QUIET_MOST_NS INT64_C(20000000)

/* All zero: nothing ever ran. Times are nanoseconds of one clock. */
struct quiet {
	bool was_running;
	int64_t idle_since;
	int64_t until;
};

/* Notes whether a program runs now, and returns when slots may be built: a time that is not after `now` means
 * at once. To be called whenever that may have changed. */
int64_t quiet_until(struct quiet *q, bool running, int64_t now);

#endif
