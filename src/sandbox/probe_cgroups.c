/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "sandbox/probe_items.h"

struct need {
	enum cgroup_controller controller;
	uint32_t weakness;
	const char *flag;	 /* its name in ALLOW_WEAK */
	const char *v1_files[2]; /* what a v1 directory has to have */
	const char *without;	 /* what follows when there is none */
};

static const struct need needs[] = {
	{ CGROUP_MEMORY,
	  SANDBOX_WEAK_MEMORY,
	  "memory",
	  { "memory.limit_in_bytes", "memory.kmem.tcp.limit_in_bytes" },
	  "one program can use up the memory of the host" },
	{ CGROUP_PIDS, SANDBOX_WEAK_PIDS, "pids", { 0 }, "a fork bomb can use up the host's processes" },
	{ CGROUP_CPU,
	  SANDBOX_WEAK_CPU,
	  "cpu",
	  { "cpu.cfs_quota_us" },
	  "one program can slow down all others" },
	{ CGROUP_CPUACCT,
	  SANDBOX_WEAK_CPUACCT,
	  "cpuacct",
	  { "cpuacct.usage" },
	  "CPU time cannot be limited or reported" },
};

static bool has_file(const char *dir, const char *file)
{
	char path[CGROUP_PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return access(path, F_OK) == 0;
}

/* The first of them that is not there, or NULL. */
static const char *missing_file(const struct need *need, const struct cgroup_tree *t)
{
	for (size_t i = 0; t->version == 1 && i < 2; i++) {
		if (need->v1_files[i] && !has_file(t->dir, need->v1_files[i]))
			return need->v1_files[i];
	}
	return NULL;
}

static bool is_writable(const char *dir)
{
	struct statvfs fs;

	return statvfs(dir, &fs) == 0 && !(fs.f_flag & ST_RDONLY) && access(dir, W_OK) == 0;
}

static void check(struct probe *p, const struct need *need, const struct cgroup_layout *l)
{
	int tree = l->tree_of[need->controller];
	const struct cgroup_tree *t = tree < 0 ? NULL : &l->trees[tree];
	char name[24], what[sizeof(((struct probe_item *)0)->what)];
	bool ok = false;
	struct probe_item *item;

	snprintf(name, sizeof(name), "cgroup-%s", cgroup_controller_name(need->controller));
	if (!t) {
		snprintf(what, sizeof(what), "no such controller can be seen from here");
	} else if (!is_writable(t->dir)) {
		snprintf(what, sizeof(what), "version %d, %.100s is not writable", t->version, t->dir);
	} else if (missing_file(need, t)) {
		snprintf(what, sizeof(what), "version 1, but %.100s has no %s", t->dir,
			 missing_file(need, t));
	} else {
		snprintf(what, sizeof(what), "version %d, at %.120s", t->version, t->dir);
		ok = true;
	}
	item = probe_add(p, name, ok ? PROBE_OK : PROBE_MISSING, what);
	item->weakness = need->weakness;
	if (!ok)
		snprintf(item->advice, sizeof(item->advice),
			 "%s; enable and delegate the controller (in a container: a writable cgroup "
			 "namespace; on systemd: Delegate=yes, from a shell: systemd-run --user --scope -p "
			 "Delegate=yes ...), or accept it with allow-weak=%s",
			 need->without, need->flag);
}

static bool swap_is_on(void)
{
	char text[1024];

	/* A heading, then a line for each area. */
	if (cgroup_read(AT_FDCWD, "/proc/swaps", text, sizeof(text)) < 0)
		return false;
	return strchr(text, '\n') && strchr(text, '\n')[1] != '\0';
}

/* The real root of v2 has no limit files; that its children have them shows at the start at the latest. */
static bool swap_is_limited(const struct cgroup_layout *l)
{
	int tree = l->tree_of[CGROUP_MEMORY];
	const char *dir = tree < 0 ? NULL : l->trees[tree].dir;

	if (!dir)
		return false;
	if (l->trees[tree].version == 1)
		return has_file(dir, "memory.memsw.limit_in_bytes");
	return has_file(dir, "memory.swap.max") || !has_file(dir, "cgroup.type");
}

static void check_swap(struct probe *p, const struct cgroup_layout *l)
{
	bool on = swap_is_on(), limited = swap_is_limited(l);
	struct probe_item *item;

	if (!on || limited) {
		(void)probe_add(p, "swap", PROBE_OK, on ? "on, and limited for each slot" : "off");
		return;
	}
	item = probe_add(p, "swap", PROBE_MISSING, "on, and cannot be limited for each slot");
	item->weakness = SANDBOX_WEAK_SWAP;
	snprintf(item->advice, sizeof(item->advice),
		 "programs can push the host into swap; turn it off (swapoff -a), start the kernel with "
		 "swapaccount=1, or accept it with allow-weak=swap");
}

void probe_cgroups(struct probe *p, const struct sandbox_config *config)
{
	struct cgroup_layout layout;
	char leaf[80];
	struct err e;

	snprintf(leaf, sizeof(leaf), "%s-ctl", config ? config->cgroup_parent : "codecrusher");
	if (cgroup_detect(leaf, &layout, &e) < 0) {
		probe_need(p, "cgroup", false, e.msg, "mount /proc");
		return;
	}
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		check(p, &needs[i], &layout);
	check_swap(p, &layout);
}
