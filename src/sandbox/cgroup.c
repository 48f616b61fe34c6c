/* SPDX-License-Identifier: MIT */
#include "sandbox/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sandbox/cgroup_ops.h"

static const struct cgroup_ops *ops_of(const struct cgroup_layout *l, enum cgroup_controller c)
{
	return l->trees[l->tree_of[c]].version == 1 ? &cgroup_v1_ops : &cgroup_v2_ops;
}

/* The slot's directory in the tree that has the controller, or -1. */
static int dir_of(const struct cgroup_box *box, enum cgroup_controller c)
{
	int tree = box->layout->tree_of[c];

	return tree < 0 ? -1 : box->dir[tree];
}

void cgroup_box_clear(struct cgroup_box *box)
{
	for (size_t i = 0; i < CGROUP_MAX_TREES; i++)
		box->dir[i] = -1;
	box->oom = box->peak = -1;
	box->background = false;
	box->memory_bytes = box->processes = 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void cgroup_box_close(struct cgroup_box *box)
{
	for (size_t i = 0; i < CGROUP_MAX_TREES; i++)
		close_fd(&box->dir[i]);
	close_fd(&box->oom);
	close_fd(&box->peak);
}

/* The slot's init is one process more than the program may have. */
static int limit_processes(struct cgroup_box *box, int64_t processes, struct err *e)
{
	int dir = dir_of(box, CGROUP_PIDS);

	if (dir < 0 || box->processes == processes)
		return 0;
	box->processes = 0;
	if (cgroup_write_number(dir, "pids.max", processes + 1) < 0)
		return err_set(e, ERR_IO, errno, "set pids.max");
	box->processes = processes;
	return 0;
}

static int limit_memory(struct cgroup_box *box, int64_t bytes, struct err *e)
{
	int dir = dir_of(box, CGROUP_MEMORY);

	if (dir < 0 || box->memory_bytes == bytes)
		return 0;
	box->memory_bytes = 0;
	if (ops_of(box->layout, CGROUP_MEMORY)->memory_limit(dir, bytes) < 0)
		return err_set(e, errno == EBUSY ? ERR_LIMIT : ERR_IO, errno, "set the memory limit");
	box->memory_bytes = bytes;
	return 0;
}

static int set_background(struct cgroup_box *box, bool background, struct err *e)
{
	int cpu = dir_of(box, CGROUP_CPU);

	if (cpu < 0 || box->background == background)
		return 0;
	if (ops_of(box->layout, CGROUP_CPU)->cpu_background(cpu, background) < 0)
		return err_set(e, ERR_IO, errno, "set the share of the CPUs");
	box->background = background;
	return 0;
}

static int set_up(struct cgroup_box *box, const struct cgroup_limits *limits, struct err *e)
{
	int memory = dir_of(box, CGROUP_MEMORY), cpu = dir_of(box, CGROUP_CPU);

	if (memory >= 0 && ops_of(box->layout, CGROUP_MEMORY)->memory_init(box, memory) < 0)
		return err_set(e, ERR_IO, errno, "set up the memory group");
	if (limit_memory(box, limits->memory_bytes, e) < 0 || limit_processes(box, limits->processes, e) < 0)
		return -1;
	if (cpu >= 0 && limits->millicpus > 0 &&
	    ops_of(box->layout, CGROUP_CPU)->cpu_limit(cpu, limits->millicpus) < 0)
		return err_set(e, ERR_IO, errno, "limit the CPU bandwidth");
	return set_background(box, limits->background, e);
}

int cgroup_box_open(struct cgroup_box *box, const struct cgroup_layout *layout, const int *dirs,
		    const struct cgroup_limits *limits, struct err *e)
{
	cgroup_box_clear(box);
	box->layout = layout;
	for (size_t i = 0; i < layout->n_trees; i++)
		box->dir[i] = dirs[i];
	if (set_up(box, limits, e) == 0)
		return 0;
	cgroup_box_close(box);
	return -1;
}

int cgroup_box_limit(struct cgroup_box *box, const struct cgroup_limits *limits, struct err *e)
{
	int memory = dir_of(box, CGROUP_MEMORY);

	if (limit_memory(box, limits->memory_bytes, e) < 0 || limit_processes(box, limits->processes, e) < 0)
		return -1;
	if (memory >= 0)
		ops_of(box->layout, CGROUP_MEMORY)->memory_reset_peak(box, memory);
	return set_background(box, limits->background, e);
}

int cgroup_box_hurry(struct cgroup_box *box, struct err *e)
{
	return set_background(box, false, e);
}

int cgroup_box_procs(const struct cgroup_box *box, int *ret, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < box->layout->n_trees; i++) {
		if (box->layout->trees[i].version != 1)
			continue;
		ret[n] = openat(box->dir[i], "cgroup.procs", O_WRONLY | O_CLOEXEC);
		if (ret[n] < 0) {
			err_set(e, ERR_IO, errno, "open cgroup.procs in %s", box->layout->trees[i].dir);
			while (n > 0)
				(void)close(ret[--n]);
			ret[0] = -1;
			return -1;
		}
		n++;
	}
	ret[n] = -1;
	return 0;
}

int cgroup_box_into(const struct cgroup_box *box)
{
	if (!box->layout)
		return -1; /* a position that was never built: killed all the same when everything ends */
	for (size_t i = 0; i < box->layout->n_trees; i++) {
		if (box->layout->trees[i].version == 2)
			return box->dir[i];
	}
	return -1;
}

int64_t cgroup_box_cpu_us(const struct cgroup_box *box)
{
	int dir = dir_of(box, CGROUP_CPUACCT);
	int64_t us = dir < 0 ? 0 : ops_of(box->layout, CGROUP_CPUACCT)->cpu_usage_us(dir);

	return us < 0 ? 0 : us;
}

int64_t cgroup_box_peak_bytes(const struct cgroup_box *box)
{
	int dir = dir_of(box, CGROUP_MEMORY);
	int64_t bytes = dir < 0 ? 0 : ops_of(box->layout, CGROUP_MEMORY)->memory_peak(box, dir);

	return bytes < 0 ? 0 : bytes;
}

struct cgroup_oom cgroup_box_oom(const struct cgroup_box *box)
{
	int dir = dir_of(box, CGROUP_MEMORY);
	struct cgroup_oom none = { 0 };

	return dir < 0 ? none : ops_of(box->layout, CGROUP_MEMORY)->memory_oom(box, dir);
}

bool cgroup_box_kill(const struct cgroup_box *box)
{
	int dir = cgroup_box_into(box);

	return dir >= 0 && cgroup_write(dir, "cgroup.kill", "1") == 0;
}
