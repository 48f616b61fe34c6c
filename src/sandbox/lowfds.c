/* SPDX-License-Identifier: MIT */
#include "sandbox/lowfds.h"

#include <assert.h>
#include <fcntl.h>
#include <unistd.h>

void lowfds_keep(int *const *fds, size_t n)
{
	int *sorted[LOWFDS_MAX];

	assert(n <= LOWFDS_MAX);
	for (size_t i = 0; i < n; i++) {
		size_t at = i;

		for (; at > 0 && *sorted[at - 1] > *fds[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = fds[i];
	}
	/* In ascending order a target is never above its source, so it never hits one that is still to move.
	 */
	for (size_t i = 0; i < n; i++) {
		int target = 3 + (int)i;

		if (*sorted[i] != target && dup3(*sorted[i], target, O_CLOEXEC) < 0)
			_exit(1);
		*sorted[i] = target;
	}
	if (close_range(3 + (unsigned)n, ~0u, 0) < 0)
		_exit(1);
}
