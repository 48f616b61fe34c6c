/* SPDX-License-Identifier: MIT */
/*
 * The one writable file system of a slot: a tmpfs that limits bytes and inodes for work directory, /tmp and
 * /dev/shm together. Its pages are charged to the slot's memory cgroup.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "sandbox/defence.h"
#include "sandbox/slot.h"

#define PAGE	   4096
#define OUR_PAGES  2 /* passwd and group */
#define INODES_MIN 1024
#define INODES_MAX 262144

/* One inode for each page: programs that make many tiny files get far, and the kernel memory of the inodes
 * (about 1 KiB each) stays within a fourth of the size. */
static int64_t inodes_for(int64_t disk_bytes)
{
	int64_t n = disk_bytes / PAGE;

	if (defence_is_off(DEFENCE_BOX_INODES))
		return 4 * INODES_MAX;
	if (n < INODES_MIN)
		return INODES_MIN;
	return n > INODES_MAX ? INODES_MAX : n;
}

static int set_number(int context, const char *key, int64_t value, struct err *e)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	if (fsconfig(context, FSCONFIG_SET_STRING, key, text, 0) < 0)
		return err_set(e, ERR_IO, errno, "tmpfs %s=%s", key, text);
	return 0;
}

static int set_sizes(int context, int64_t disk_bytes, struct err *e)
{
	/* 0 would mean "unlimited" to tmpfs. */
	if (disk_bytes <= 0)
		return err_set(e, ERR_INVALID, 0, "a box needs at least one byte");
	/* What we put in is not the program's; and tmpfs refuses to become smaller than its content. */
	if (set_number(context, "size", disk_bytes + (int64_t)OUR_PAGES * PAGE, e) < 0)
		return -1;
	return set_number(context, "nr_inodes", inodes_for(disk_bytes), e);
}

static int make_dir(int mount, const char *name, mode_t mode, uid_t owner, struct err *e)
{
	/* chmod as well: mkdir subtracts the umask. */
	if (mkdirat(mount, name, 0700) < 0 || fchmodat(mount, name, mode, 0) < 0 ||
	    fchownat(mount, name, owner, (gid_t)owner, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, ERR_IO, errno, "make %s in the box", name);
	return 0;
}

static int make_file(int mount, const char *name, const char *text, struct err *e)
{
	AUTO_CLOSE int fd = openat(mount, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	size_t len = strlen(text);

	if (fd < 0 || fchmod(fd, 0644) < 0 || write(fd, text, len) != (ssize_t)len)
		return err_set(e, ERR_IO, errno, "write %s in the box", name);
	return 0;
}

/* Each slot has its own uid, the read-only root is shared by all: so /etc/passwd there is a symbolic link to
 * this file. */
static int make_accounts(int mount, uid_t uid, struct err *e)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "root:x:0:0:root:/nonexistent:/bin/sh\n"
		 "runner:x:%u:%u:runner:/box:/bin/bash\n"
		 "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
		 uid, uid);
	if (make_file(mount, "passwd", text, e) < 0)
		return -1;
	snprintf(text, sizeof(text), "root:x:0:\nrunner:x:%u:\nnogroup:x:65534:\n", uid);
	return make_file(mount, "group", text, e);
}

static int fill(int mount, uid_t uid, struct err *e)
{
	if (make_dir(mount, "box", 0755, uid, e) < 0 || make_dir(mount, "tmp", 01777, uid, e) < 0 ||
	    make_dir(mount, "shm", 01777, uid, e) < 0)
		return -1;
	return make_accounts(mount, uid, e);
}

int box_create(const struct slot_plan *plan, int64_t disk_bytes, int *ret_mount, int *ret_context,
	       struct err *e)
{
	AUTO_CLOSE int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	AUTO_CLOSE int mount = -1;

	if (context < 0)
		return err_set(e, ERR_IO, errno, "fsopen tmpfs");
	/* Only its root may list it; the program sees the directories in it under their own names. */
	if (fsconfig(context, FSCONFIG_SET_STRING, "mode", "0711", 0) < 0 ||
	    fsconfig(context, FSCONFIG_SET_STRING, "source", "box", 0) < 0)
		return err_set(e, ERR_IO, errno, "tmpfs options");
	/* Large writes get large pages: an executable of 700 kB is written in less than half the time.
	 * Kernels without huge pages refuse the option, and lose nothing else. */
	(void)fsconfig(context, FSCONFIG_SET_STRING, "huge", "within_size", 0);
	if (set_sizes(context, disk_bytes, e) < 0)
		return -1;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_set(e, ERR_IO, errno, "create a tmpfs of %" PRId64 " bytes", disk_bytes);
	mount = fsmount(context, FSMOUNT_CLOEXEC,
			defence_is_off(DEFENCE_MOUNT_FLAGS) ? 0 : MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (mount < 0)
		return err_set(e, ERR_IO, errno, "fsmount tmpfs");
	if (fill(mount, plan->job_uid, e) < 0)
		return -1;
	*ret_mount = TAKE_FD(mount);
	*ret_context = TAKE_FD(context);
	return 0;
}

int box_resize(int context, int64_t disk_bytes, struct err *e)
{
	if (set_sizes(context, disk_bytes, e) < 0)
		return -1;
	if (fsconfig(context, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		return err_set(e, ERR_IO, errno, "resize the box to %" PRId64 " bytes", disk_bytes);
	return 0;
}
