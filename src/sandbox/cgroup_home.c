/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sandbox/cgroup.h"

/* A directory below `dir`, made when missing. */
static int open_dir(int dir, const char *name, const char *where, struct err *e)
{
	int fd;

	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return err_set(e, ERR_UNSUPPORTED, errno, "make the control group %s/%s", where, name);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_set(e, ERR_IO, errno, "open the control group %s/%s", where, name) : fd;
}

/* Moves every process of `from` once. Returns how many there were, -1 with errno when one cannot be moved. */
static int move_processes(int from, int to)
{
	AUTO_CLOSE int fd = openat(from, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	AUTO_FCLOSE FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char line[32];
	int n = 0;

	if (!f)
		return -1;
	(void)TAKE_FD(fd);
	while (fgets(line, sizeof(line), f)) {
		/* A process that ended meanwhile needs no move. */
		if (cgroup_write(to, "cgroup.procs", line) < 0 && errno != ESRCH)
			return -1;
		n++;
	}
	return n;
}

/* Processes may fork while they are being moved, so until none is left. */
static int empty_into_leaf(int own, const char *leaf, const char *where, struct err *e)
{
	AUTO_CLOSE int to = -1;
	int n = 1;

	/* Only the real root has no type; there, processes and children may share the group. */
	if (faccessat(own, "cgroup.type", F_OK, 0) < 0)
		return 0;
	to = open_dir(own, leaf, where, e);
	if (to < 0)
		return -1;
	for (int tries = 0; n > 0 && tries < 100; tries++)
		n = move_processes(own, to);
	if (n < 0)
		return err_set(e, ERR_UNSUPPORTED, errno, "move the processes of %s to its child %s", where,
			       leaf);
	return n > 0 ? err_set(e, ERR_BUSY, 0, "processes keep coming into %s", where) : 0;
}

/* Children of `dir` get the controllers that the layout takes from v2. */
static int enable_controllers(const struct cgroup_layout *l, size_t tree, int dir, struct err *e)
{
	for (size_t c = 0; c < CGROUP_CONTROLLERS; c++) {
		char line[16];

		if (l->tree_of[c] != (int)tree || c == CGROUP_CPUACCT)
			continue;
		snprintf(line, sizeof(line), "+%s", cgroup_controller_name((enum cgroup_controller)c));
		if (cgroup_write(dir, "cgroup.subtree_control", line) < 0)
			return err_set(e, ERR_UNSUPPORTED, errno, "enable controller %s below %s", line + 1,
				       l->trees[tree].dir);
	}
	return 0;
}

static int open_parent(const struct cgroup_layout *l, size_t tree, const char *parent, const char *leaf,
		       struct err *e)
{
	const struct cgroup_tree *t = &l->trees[tree];
	AUTO_CLOSE int own = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int fd = -1;

	if (own < 0)
		return err_set(e, ERR_IO, errno, "open %s", t->dir);
	if (t->version == 2 &&
	    (empty_into_leaf(own, leaf, t->dir, e) < 0 || enable_controllers(l, tree, own, e) < 0))
		return -1;
	fd = open_dir(own, parent, t->dir, e);
	if (fd < 0 || (t->version == 2 && enable_controllers(l, tree, fd, e) < 0))
		return -1;
	return TAKE_FD(fd);
}

int cgroup_home_open(const struct cgroup_layout *layout, const char *parent, const char *leaf,
		     struct cgroup_home *ret, struct err *e)
{
	ret->n_trees = layout->n_trees;
	for (size_t i = 0; i < layout->n_trees; i++) {
		ret->instance[i] = -1;
		ret->parent[i] = open_parent(layout, i, parent, leaf, e);
		if (ret->parent[i] < 0)
			return -1;
	}
	return 0;
}

int cgroup_home_open_instance(const struct cgroup_layout *layout, struct cgroup_home *home, const char *name,
			      struct err *e)
{
	for (size_t i = 0; i < home->n_trees; i++) {
		home->instance[i] = open_dir(home->parent[i], name, layout->trees[i].dir, e);
		if (home->instance[i] < 0)
			return -1;
		if (layout->trees[i].version == 2 && enable_controllers(layout, i, home->instance[i], e) < 0)
			return -1;
	}
	return 0;
}

static void kill_all(int group)
{
	AUTO_CLOSE int fd = openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	AUTO_FCLOSE FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char line[32];

	if (!f)
		return;
	(void)TAKE_FD(fd);
	while (fgets(line, sizeof(line), f)) {
		long pid = strtol(line, NULL, 10);

		/* 0 is how a process outside our pid namespace shows; kill(0) would be us. */
		if (pid > 1 && pid != getpid())
			(void)kill((pid_t)pid, SIGKILL);
	}
}

/* Tries each child once; returns how many are left. */
static size_t sweep_once(int instance)
{
	DIR *d;
	struct dirent *entry;
	size_t left = 0;
	int copy = openat(instance, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d) {
		if (copy >= 0)
			(void)close(copy);
		return 1;
	}
	while ((entry = readdir(d))) {
		AUTO_CLOSE int child = -1;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		child = openat(instance, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0)
			kill_all(child);
		if (unlinkat(instance, entry->d_name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			left++;
	}
	(void)closedir(d);
	return left;
}

bool cgroup_sweep(int instance, int timeout_ms)
{
	int64_t end = clock_mono_ms() + timeout_ms;
	struct timespec pause = { .tv_nsec = 1000000 };

	while (sweep_once(instance) > 0) {
		if (clock_mono_ms() >= end)
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return true;
}
