/* SPDX-License-Identifier: MIT */
/* What a child keeps of the descriptors it inherited. */
#ifndef SANDBOX_LOWFDS_H
#define SANDBOX_LOWFDS_H

#include <stddef.h>

#define LOWFDS_MAX 16

/*
 * Moves the descriptors (each above 2, each another one; at most LOWFDS_MAX) to 3, 4, ..., writes their new
 * numbers back, and closes all others above 2. Async-signal-safe; ends the process when it cannot be done,
 * because a child with a stranger's descriptor must not go on.
 */
void lowfds_keep(int *const *fds, size_t n);

#endif
