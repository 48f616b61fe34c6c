/* SPDX-License-Identifier: MIT */
/* What the kernel says about control groups, in texts that users have a part in (names of groups and mount
 * points): four of them, parted by NUL. */
#include <stdint.h>
#include <string.h>

#include "sandbox/cgroup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX 8192

static void must(bool condition)
{
	if (!condition)
		__builtin_trap();
}

static void take_text(const uint8_t **data, size_t *left, char out[TEXT_MAX])
{
	const uint8_t *end = memchr(*data, '\0', *left);
	size_t len = end ? (size_t)(end - *data) : *left;
	size_t n = len < TEXT_MAX - 1 ? len : TEXT_MAX - 1;

	memcpy(out, *data, n);
	out[n] = '\0';
	*data += len + (end != NULL);
	*left -= len + (end != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char mounts[TEXT_MAX], self[TEXT_MAX], controllers[TEXT_MAX], events[TEXT_MAX];
	static struct cgroup_found found;
	static struct cgroup_layout layout;

	take_text(&data, &size, mounts);
	take_text(&data, &size, self);
	take_text(&data, &size, controllers);
	take_text(&data, &size, events);
	cgroup_find(mounts, self, "engine", &found);
	must(strlen(found.v2_dir) < sizeof(found.v2_dir));
	cgroup_layout_make(&found, controllers, &layout);
	must(layout.n_trees <= CGROUP_MAX_TREES);
	for (size_t c = 0; c < CGROUP_CONTROLLERS; c++) {
		must(strlen(found.v1_dir[c]) < sizeof(found.v1_dir[c]));
		must(layout.tree_of[c] >= -1 && layout.tree_of[c] < (int)layout.n_trees);
	}
	(void)cgroup_value(events, "oom_kill");
	(void)cgroup_value(events, "usage_usec");
	return 0;
}
