/* SPDX-License-Identifier: MIT */
/*
 * The namespaces and mounts that each slot has for itself. The rest it inherits from the spawner, which lives
 * in the read-only template already (rootfs.c): all mounts there are private, so nothing propagates.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/defence.h"
#include "sandbox/inside.h"
#include "sandbox/netns.h"
#include "sandbox/rootfs.h"

#define HOSTNAME "codecrusher"

/* Parts of /proc that tell about the host or the kernel rather than about the program. */
static const char *const hidden_files[] = {
	"interrupts",  "kallsyms",  "kcore",	"key-users",  "keys",	     "kmsg",	"latency_stats",
	"sched_debug", "schedstat", "softirqs", "timer_list", "timer_stats", "cmdline",
};

static const char *const hidden_dirs[] = { "acpi", "asound", "driver", "dynamic_debug", "scsi", "tty" };

static const char *const read_only[] = { "bus", "fs", "irq", "sys", "sysrq-trigger" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A used one that is as good as new, or a new one. */
static int enter_network(const struct slot_plan *plan, struct err *e)
{
	if (defence_is_off(DEFENCE_NET_NAMESPACE))
		return 0;
	if (plan->netns < 0)
		return netns_new(e);
	if (setns(plan->netns, CLONE_NEWNET) < 0)
		return err_set(e, ERR_IO, errno, "enter the network namespace");
	return 0;
}

static int namespaces(void)
{
	int all = CLONE_NEWNS;

	all |= defence_is_off(DEFENCE_IPC_NAMESPACE) ? 0 : CLONE_NEWIPC;
	all |= defence_is_off(DEFENCE_UTS_NAMESPACE) ? 0 : CLONE_NEWUTS;
	all |= defence_is_off(DEFENCE_CGROUP_NAMESPACE) ? 0 : CLONE_NEWCGROUP;
	return all;
}

int slot_namespaces(const struct slot_plan *plan, struct err *e)
{
	/* First the cgroups: the new cgroup namespace takes the current ones as its roots. On cgroup v1 this
	 * may sleep for milliseconds (an RCU grace period), which is why it happens here and not in a run. */
	for (int i = 0; i < SLOT_MAX_CGROUPS && plan->cgroup_procs[i] >= 0; i++) {
		if (write(plan->cgroup_procs[i], "0", 1) != 1)
			return err_set(e, ERR_IO, errno, "join cgroup %d", i);
	}
	if (unshare(namespaces()) < 0)
		return err_set(e, ERR_IO, errno, "unshare");
	/* In a namespace that is not ours it would be the host's name. */
	if (!defence_is_off(DEFENCE_UTS_NAMESPACE) &&
	    (sethostname(HOSTNAME, strlen(HOSTNAME)) < 0 || setdomainname("", 0) < 0))
		return err_set(e, ERR_IO, errno, "sethostname");
	return enter_network(plan, e);
}

static int bind_mount(const char *from, const char *to, struct err *e)
{
	if (mount(from, to, NULL, MS_BIND, NULL) < 0)
		return err_set(e, ERR_IO, errno, "mount %s", to);
	return 0;
}

static int make_read_only(const char *path, struct err *e)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	if (mount_setattr(AT_FDCWD, path, 0, &attr, sizeof(attr)) < 0)
		return err_set(e, ERR_IO, errno, "make %s read-only", path);
	return 0;
}

static int mount_box(int box_mount, struct err *e)
{
	if (move_mount(box_mount, "", AT_FDCWD, ROOTFS_SLOT, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(e, ERR_IO, errno, "mount the box");
	if (bind_mount(ROOTFS_SLOT "/box", "/box", e) < 0 || bind_mount(ROOTFS_SLOT "/tmp", "/tmp", e) < 0 ||
	    bind_mount(ROOTFS_SLOT "/shm", "/dev/shm", e) < 0)
		return -1;
	/* What stays writable are the three binds; this one is only for passwd and group. */
	return make_read_only(ROOTFS_SLOT, e);
}

/* A kernel without the entry has nothing to hide. */
static int mask(const char *name, const char *with, struct err *e)
{
	char path[64];

	if (defence_is_off(with ? DEFENCE_PROC_MASK : DEFENCE_PROC_READ_ONLY))
		return 0;
	snprintf(path, sizeof(path), "/proc/%s", name);
	if (mount(with ? with : path, path, NULL, MS_BIND, NULL) < 0)
		return errno == ENOENT ? 0 : err_set(e, ERR_IO, errno, "mask %s", path);
	return with ? 0 : make_read_only(path, e);
}

static int mount_proc(struct err *e)
{
	/* hidepid: init, with the spawner's command line, is none of the program's business. */
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  defence_is_off(DEFENCE_PROC_HIDEPID) ? "" : "hidepid=invisible") < 0)
		return err_set(e, ERR_IO, errno, "mount proc");
	for (size_t i = 0; i < COUNT(hidden_files); i++) {
		if (mask(hidden_files[i], "/dev/null", e) < 0)
			return -1;
	}
	for (size_t i = 0; i < COUNT(hidden_dirs); i++) {
		if (mask(hidden_dirs[i], ROOTFS_EMPTY, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < COUNT(read_only); i++) {
		if (mask(read_only[i], NULL, e) < 0)
			return -1;
	}
	return 0;
}

int slot_mounts(const struct slot_plan *plan, struct err *e)
{
	if (mount_box(plan->box_mount, e) < 0 || mount_proc(e) < 0)
		return -1;
	if (plan->ids != SANDBOX_IDS_ROOT && umount2(ROOTFS_OUTER_PROC, MNT_DETACH) < 0)
		return err_set(e, ERR_IO, errno, "unmount the proc of outside");
	return 0;
}
