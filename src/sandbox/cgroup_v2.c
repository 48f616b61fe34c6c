/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "sandbox/cgroup_ops.h"

static int memory_init(struct cgroup_box *box, int dir)
{
	/* Swap first: with memory.max already low, a slot that still has swap would be pushed into it and the
	 * kill that we report would never come. Without swap in the kernel there is no such file. */
	if (cgroup_write(dir, "memory.swap.max", "0") < 0 && errno != ENOENT)
		return -1;
	if (cgroup_write(dir, "memory.oom.group", "1") < 0)
		return -1;
	box->oom = openat(dir, "memory.events", O_RDONLY | O_CLOEXEC);
	box->oom_events = EPOLLPRI; /* it is always readable; a change shows as priority data */
	/* A kernel before 6.12 refuses the reset; then the peak includes the little that building took. */
	box->peak = openat(dir, "memory.peak", O_RDWR | O_CLOEXEC);
	return box->oom < 0 ? -1 : 0;
}

static int memory_limit(int dir, int64_t bytes)
{
	return cgroup_write_number(dir, "memory.max", bytes);
}

static void memory_reset_peak(const struct cgroup_box *box, int dir)
{
	(void)dir;
	if (box->peak >= 0)
		(void)!pwrite(box->peak, "reset", 5, 0);
}

static int64_t memory_peak(const struct cgroup_box *box, int dir)
{
	char text[32];
	ssize_t n = box->peak < 0 ? -1 : pread(box->peak, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return cgroup_read_number(dir, "memory.peak");
	text[n] = '\0';
	return strtoll(text, NULL, 10);
}

static struct cgroup_oom memory_oom(const struct cgroup_box *box, int dir)
{
	struct cgroup_oom oom = { 0 };
	char text[256];
	ssize_t n;

	(void)dir;
	/* Reading the very descriptor that is polled is what rearms it. */
	n = pread(box->oom, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return oom;
	text[n] = '\0';
	oom.own = cgroup_value(text, "oom") > 0;
	oom.killed = cgroup_value(text, "oom_kill") > 0;
	return oom;
}

static int cpu_limit(int dir, uint32_t millicpus)
{
	char line[48];

	snprintf(line, sizeof(line), "%" PRId64 " %d", (int64_t)millicpus * CGROUP_CPU_PERIOD_US / 1000,
		 CGROUP_CPU_PERIOD_US);
	return cgroup_write(dir, "cpu.max", line);
}

static int cpu_background(int dir, bool background)
{
	return cgroup_write_number(dir, "cpu.weight", background ? 6 : 100);
}

static int64_t cpu_usage_us(int dir)
{
	char text[1024];

	return cgroup_read(dir, "cpu.stat", text, sizeof(text)) < 0 ? -1 : cgroup_value(text, "usage_usec");
}

const struct cgroup_ops cgroup_v2_ops = {
	.memory_init = memory_init,
	.memory_limit = memory_limit,
	.memory_reset_peak = memory_reset_peak,
	.memory_peak = memory_peak,
	.memory_oom = memory_oom,
	.cpu_limit = cpu_limit,
	.cpu_background = cpu_background,
	.cpu_usage_us = cpu_usage_us,
};
