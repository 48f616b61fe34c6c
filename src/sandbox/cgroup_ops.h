/* SPDX-License-Identifier: MIT */
/*
 * What differs between the two versions, for cgroup.c alone. Every function is given the slot's directory in
 * the tree of its controller. Results are 0, or -1 with errno, unless said otherwise.
 */
#ifndef SANDBOX_CGROUP_OPS_H
#define SANDBOX_CGROUP_OPS_H

#include "sandbox/cgroup.h"

/* Control groups' CPU bandwidth is a quota per period. */
#define CGROUP_CPU_PERIOD_US 100000

struct cgroup_ops {
	/* Makes the group one whose memory limit ends the program, and opens what tells of it. */
	int (*memory_init)(struct cgroup_box *box, int dir);
	int (*memory_limit)(int dir, int64_t bytes);
	void (*memory_reset_peak)(const struct cgroup_box *box, int dir);
	int64_t (*memory_peak)(const struct cgroup_box *box, int dir);
	struct cgroup_oom (*memory_oom)(const struct cgroup_box *box, int dir);
	int (*cpu_limit)(int dir, uint32_t millicpus);
	int (*cpu_background)(int dir, bool background);
	int64_t (*cpu_usage_us)(int dir);
};

extern const struct cgroup_ops cgroup_v1_ops;
extern const struct cgroup_ops cgroup_v2_ops;

#endif
