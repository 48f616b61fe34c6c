/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/cgroup_ops.h"

static int memory_init(struct cgroup_box *box, int dir)
{
	AUTO_CLOSE int control = openat(dir, "memory.oom_control", O_RDONLY | O_CLOEXEC);
	char line[32];

	/* Best effort: the memsw limit is what keeps a slot out of swap. */
	(void)cgroup_write(dir, "memory.swappiness", "0");
	if (control < 0)
		return -1;
	box->oom = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	box->oom_events = EPOLLIN;
	if (box->oom < 0)
		return -1;
	snprintf(line, sizeof(line), "%d %d", box->oom, control);
	return cgroup_write(dir, "cgroup.event_control", line);
}

/* A host without swap accounting has no memsw file; whether that is acceptable was decided at the start. */
static int limit_with_swap(int dir, int64_t bytes)
{
	return cgroup_write_number(dir, "memory.memsw.limit_in_bytes", bytes) < 0 && errno != ENOENT ? -1 : 0;
}

/*
 * Version 1 counts what sockets hold apart from all else, and only once a limit is written: without one a
 * program fills the host's memory with connections to itself. As with swap, whether a host without the file
 * is acceptable was decided at the start.
 */
static int limit_sockets(int dir, int64_t bytes)
{
	return cgroup_write_number(dir, "memory.kmem.tcp.limit_in_bytes", bytes) < 0 && errno != ENOENT ? -1
													: 0;
}

static int memory_limit(int dir, int64_t bytes)
{
	if (limit_sockets(dir, bytes) < 0)
		return -1;
	if (cgroup_write_number(dir, "memory.limit_in_bytes", bytes) == 0)
		return limit_with_swap(dir, bytes);
	if (errno != EINVAL)
		return -1;
	/* The limit may never be above the one that counts swap too: going up, that one goes first. */
	if (limit_with_swap(dir, bytes) < 0)
		return -1;
	return cgroup_write_number(dir, "memory.limit_in_bytes", bytes);
}

static void memory_reset_peak(const struct cgroup_box *box, int dir)
{
	(void)box;
	(void)cgroup_write(dir, "memory.max_usage_in_bytes", "0");
}

static int64_t memory_peak(const struct cgroup_box *box, int dir)
{
	(void)box;
	return cgroup_read_number(dir, "memory.max_usage_in_bytes");
}

/*
 * Whether our own limit was reached. The fail counters ought to say so, but kernels exist where they stay 0
 * (6.18); then the peak does. An allocation may fail a little below the limit when it is of several pages.
 */
static bool limit_was_reached(int dir)
{
	const int64_t slack = 1 << 20;

	return cgroup_read_number(dir, "memory.failcnt") > 0 ||
	       cgroup_read_number(dir, "memory.memsw.failcnt") > 0 ||
	       cgroup_read_number(dir, "memory.max_usage_in_bytes") + slack >=
		       cgroup_read_number(dir, "memory.limit_in_bytes");
}

/* The event also comes when an ancestor's limit is hit, so it proves nothing by itself. */
static struct cgroup_oom memory_oom(const struct cgroup_box *box, int dir)
{
	struct cgroup_oom oom = { 0 };
	uint64_t events = 0;
	bool event;
	char text[128];

	event = read(box->oom, &events, sizeof(events)) == sizeof(events);
	if (cgroup_read(dir, "memory.oom_control", text, sizeof(text)) == 0)
		oom.killed = cgroup_value(text, "oom_kill") > 0;
	if (event || oom.killed)
		oom.own = limit_was_reached(dir);
	return oom;
}

/* The period needs no words: it is the kernel's own for a new group. */
static int cpu_limit(int dir, uint32_t millicpus)
{
	return cgroup_write_number(dir, "cpu.cfs_quota_us", (int64_t)millicpus * CGROUP_CPU_PERIOD_US / 1000);
}

static int cpu_background(int dir, bool background)
{
	return cgroup_write_number(dir, "cpu.shares", background ? 64 : 1024);
}

static int64_t cpu_usage_us(int dir)
{
	return cgroup_read_number(dir, "cpuacct.usage") / 1000;
}

const struct cgroup_ops cgroup_v1_ops = {
	.memory_init = memory_init,
	.memory_limit = memory_limit,
	.memory_reset_peak = memory_reset_peak,
	.memory_peak = memory_peak,
	.memory_oom = memory_oom,
	.cpu_limit = cpu_limit,
	.cpu_background = cpu_background,
	.cpu_usage_us = cpu_usage_us,
};
