/* SPDX-License-Identifier: MIT */
/*
 * Control groups, version 1 or 2 per controller: hosts exist where memory is a v1 hierarchy beside an empty
 * v2 tree, and where some controllers are on each side.
 *
 * A layout says which tree (a mounted hierarchy, at the group this process was started in) serves which
 * controller. Below it, in every tree: <cgroup_parent>/<instance>/<slot>. The directories of slots are made
 * and removed by the builder process (builder.h), because on v1 both can sleep behind another process's
 * attach; what is in this header never makes or removes one and only touches small files of a directory that
 * is open already.
 */
#ifndef SANDBOX_CGROUP_H
#define SANDBOX_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum cgroup_controller { CGROUP_MEMORY, CGROUP_PIDS, CGROUP_CPU, CGROUP_CPUACCT, CGROUP_CONTROLLERS };

#define CGROUP_MAX_TREES CGROUP_CONTROLLERS
#define CGROUP_PATH_MAX	 1024

struct cgroup_tree {
	int version; /* 1 or 2 */
	char dir[CGROUP_PATH_MAX];
};

struct cgroup_layout {
	struct cgroup_tree trees[CGROUP_MAX_TREES];
	size_t n_trees;
	int tree_of[CGROUP_CONTROLLERS]; /* index into trees, -1: the host has none for us */
};

const char *cgroup_controller_name(enum cgroup_controller c);

/*
 * Reads /proc/self/mountinfo and /proc/self/cgroup. A controller that exists but whose directory cannot be
 * seen from here counts as absent. On v2, `leaf` is the name of the group that cgroup_home_open moves our
 * processes to: found inside it, the layout begins above it. -1 only when /proc cannot be read.
 */
int cgroup_detect(const char *leaf, struct cgroup_layout *ret, struct err *e);

/* Takes the controllers out that are not to be used (bits of 1 << enum cgroup_controller), and trees that
 * then serve none. */
void cgroup_layout_without(struct cgroup_layout *l, uint32_t controllers);

/* The parts of it that only look at text. `v2_dir` becomes "" without a v2 tree. */
struct cgroup_found {
	char v1_dir[CGROUP_CONTROLLERS][CGROUP_PATH_MAX]; /* "": none */
	char v2_dir[CGROUP_PATH_MAX];
};
void cgroup_find(const char *mountinfo, const char *self, const char *leaf, struct cgroup_found *ret);
void cgroup_layout_make(const struct cgroup_found *found, const char *v2_controllers,
			struct cgroup_layout *ret);

/* The value behind `key` in a flat keyed file ("oom_kill 3\n"), -1 when it is not there. */
int64_t cgroup_value(const char *text, const char *key);

/* One write to an existing file of `dir`; 0, or -1 with errno. */
int cgroup_write(int dir, const char *file, const char *value);
int cgroup_write_number(int dir, const char *file, int64_t value);
/* Reads text with a NUL behind it; -1 with errno. */
int cgroup_read(int dir, const char *file, char *buf, size_t size);
int64_t cgroup_read_number(int dir, const char *file); /* -1 when there is none */

/* The directories that live as long as the spawner, in the order of the layout's trees. */
struct cgroup_home {
	size_t n_trees;
	int parent[CGROUP_MAX_TREES];
	int instance[CGROUP_MAX_TREES];
};

/*
 * Makes and opens <cgroup_parent> in every tree. On v2 below the real root, processes and children may not
 * share a group: everything in the group we were started in (so the monitor and the engine too) is moved to a
 * child named `leaf` first. Start only: this blocks.
 */
int cgroup_home_open(const struct cgroup_layout *layout, const char *parent, const char *leaf,
		     struct cgroup_home *ret, struct err *e);
/* Makes and opens <parent>/<name> in every tree. */
int cgroup_home_open_instance(const struct cgroup_layout *layout, struct cgroup_home *home, const char *name,
			      struct err *e);
/* Kills what is inside the children of `instance` and removes them; gives up after `timeout_ms`. True when
 * nothing is left. Blocks: start and end only. */
bool cgroup_sweep(int instance, int timeout_ms);

/* The groups of one slot. */
struct cgroup_box {
	const struct cgroup_layout *layout;
	int dir[CGROUP_MAX_TREES];
	int oom;	     /* to be polled for oom_events: the memory limit was hit; -1 without memory */
	uint32_t oom_events; /* for epoll */
	bool background;     /* its share of the CPUs is low */
	int64_t memory_bytes, processes; /* the limits in force; 0: none was set */
	int peak; /* v2: the descriptor whose reset memory.peak remembers; -1 otherwise */
};

struct cgroup_limits {
	int64_t memory_bytes;
	int64_t processes;
	uint32_t millicpus; /* 0: unlimited; only at cgroup_box_open */
	bool background;    /* yields the CPUs to other slots; a later cgroup_box_limit can end it */
};

struct cgroup_oom {
	bool own;    /* the slot's own limit was the reason */
	bool killed; /* a process of the slot was killed for want of memory, the slot's or the host's */
};

/* Takes over the directories (also on failure, when it closes them) and writes the limits. */
int cgroup_box_open(struct cgroup_box *box, const struct cgroup_layout *layout, const int *dirs,
		    const struct cgroup_limits *limits, struct err *e);
void cgroup_box_close(struct cgroup_box *box);
void cgroup_box_clear(struct cgroup_box *box); /* no descriptors: for storage never opened */

/* New memory and process limits, those that differ from what is in force, and the peak starts again; the CPU
 * bandwidth stays. ERR_LIMIT when more memory is in use already. */
int cgroup_box_limit(struct cgroup_box *box, const struct cgroup_limits *limits, struct err *e);

/* Ends `background` alone. */
int cgroup_box_hurry(struct cgroup_box *box, struct err *e);

/* v1: cgroup.procs of each tree, open for writing, for the slot's init to join: at most CGROUP_MAX_TREES, a
 * -1 ends the list. The caller closes them. */
int cgroup_box_procs(const struct cgroup_box *box, int *ret, struct err *e);
/* v2: the directory for CLONE_INTO_CGROUP, or -1. */
int cgroup_box_into(const struct cgroup_box *box);

int64_t cgroup_box_cpu_us(const struct cgroup_box *box);	/* 0 when nothing counts it */
int64_t cgroup_box_peak_bytes(const struct cgroup_box *box);	/* 0 when nothing counts it */
struct cgroup_oom cgroup_box_oom(const struct cgroup_box *box); /* also rearms `oom` */
/* v2: kills all at once; false where the host has no such thing, and init's death has to do. */
bool cgroup_box_kill(const struct cgroup_box *box);

#endif
