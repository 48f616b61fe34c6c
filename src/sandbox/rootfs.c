/* SPDX-License-Identifier: MIT */
/*
 * The template root: a small tmpfs with the toolchains bound into it, read-only, no setuid, no devices. The
 * spawner itself moves in, so that a slot's mount namespace begins as a copy of a dozen mounts, and nothing
 * of the host is there to be reached.
 *
 * /etc and /dev are directories of that tmpfs and no mounts of their own: each mount here is copied for each
 * slot.
 */
#include "sandbox/rootfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "sandbox/defence.h"
#include "sandbox/slot.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

#define TEMPLATE_SIZE	"64M" /* /etc is copied into it; used pages only */
#define TEMPLATE_INODES "65536"

/* Any directory that is surely there; the template hides it until pivot_root makes it the root. */
#define ATTACH_POINT "/proc"

static const struct {
	const char *name;
	unsigned major, minor;
} nodes[] = {
	{ "null", 1, 3 }, { "zero", 1, 5 }, { "full", 1, 7 }, { "random", 1, 8 }, { "urandom", 1, 9 },
};

/* Taken from the host when CODECRUSHER_ROOTFS=host. Often symbolic links into usr. */
static const char *const host_names[] = { "usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32" };

/* Never taken from a rootfs directory: ours, private to a machine, or of no use. */
static const char *const skipped[] = { ".",   "..",   "etc",  "proc", "sys", "dev",   "tmp",	   "box",
				       "run", "root", "home", "boot", "mnt", "media", "lost+found" };

static void close_dir(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

static bool is_skipped(const char *name)
{
	for (size_t i = 0; i < COUNT(skipped); i++) {
		if (strcmp(skipped[i], name) == 0)
			return true;
	}
	return false;
}

static int make_template(struct err *e)
{
	AUTO_CLOSE int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	AUTO_CLOSE int root = -1;

	if (context < 0)
		return err_set(e, ERR_UNSUPPORTED, errno, "fsopen tmpfs (Linux 6.1 or newer is needed)");
	if (fsconfig(context, FSCONFIG_SET_STRING, "mode", "0755", 0) < 0 ||
	    fsconfig(context, FSCONFIG_SET_STRING, "size", TEMPLATE_SIZE, 0) < 0 ||
	    fsconfig(context, FSCONFIG_SET_STRING, "nr_inodes", TEMPLATE_INODES, 0) < 0 ||
	    fsconfig(context, FSCONFIG_SET_STRING, "source", "rootfs", 0) < 0 ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_set(e, ERR_IO, errno, "create the root tmpfs");
	root = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (root < 0 || move_mount(root, "", AT_FDCWD, ATTACH_POINT, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(e, ERR_IO, errno, "mount the root tmpfs");
	return TAKE_FD(root);
}

static int make_dirs(int root, struct err *e)
{
	static const char *const dirs[] = { "proc", "box", "tmp",      "dev",	   "dev/shm",
					    "etc",  "run", "run/slot", "run/empty" };

	for (size_t i = 0; i < COUNT(dirs); i++) {
		if (mkdirat(root, dirs[i], 0755) < 0)
			return err_set(e, ERR_IO, errno, "make /%s in the root", dirs[i]);
	}
	return 0;
}

/* `tree` is a detached mount; the attributes hold for all mounts in it before anybody can see them. */
static int attach(int tree, int to, const char *name, uint64_t set, uint64_t clear, struct err *e)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear, .propagation = MS_PRIVATE };

	if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return err_set(e, ERR_IO, errno, "make /%s read-only", name);
	if (move_mount(tree, "", to, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(e, ERR_IO, errno, "mount /%s", name);
	return 0;
}

static uint64_t root_attributes(void)
{
	uint64_t all = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

	if (defence_is_off(DEFENCE_ROOT_READ_ONLY))
		all &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	if (defence_is_off(DEFENCE_MOUNT_FLAGS))
		all &= ~(uint64_t)(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	return all;
}

static int bind_dir(int from, const char *name, int root, struct err *e)
{
	AUTO_CLOSE int tree = open_tree(
		from, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW);

	if (tree < 0)
		return err_set(e, ERR_IO, errno, "open /%s", name);
	if (mkdirat(root, name, 0755) < 0)
		return err_set(e, ERR_IO, errno, "make /%s in the root", name);
	return attach(tree, root, name, root_attributes(), 0, e);
}

static int take_link(int from, const char *name, int root, struct err *e)
{
	char target[512];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return err_set(e, ERR_IO, errno, "read the link /%s", name);
	target[n] = '\0';
	if (symlinkat(target, root, name) < 0)
		return err_set(e, ERR_IO, errno, "make the link /%s", name);
	return 0;
}

/* Directories are bound, symbolic links made anew; anything else, and what is missing, is left out. */
static int take(int from, const char *name, int root, struct err *e)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_set(e, ERR_IO, errno, "look at /%s", name);
	if (S_ISLNK(st.st_mode))
		return take_link(from, name, root, e);
	return S_ISDIR(st.st_mode) ? bind_dir(from, name, root, e) : 0;
}

static int take_host(int from, int root, struct err *e)
{
	for (size_t i = 0; i < COUNT(host_names); i++) {
		if (take(from, host_names[i], root, e) < 0)
			return -1;
	}
	if (mkdirat(root, "var", 0755) < 0 || symlinkat("/tmp", root, "var/tmp") < 0)
		return err_set(e, ERR_IO, errno, "make /var in the root");
	return 0;
}

static int take_directory(int from, int root, struct err *e)
{
	int copy = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(close_dir) DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!d)
		return err_set(e, ERR_IO, errno, "list the rootfs directory");
	while ((entry = readdir(d))) {
		if (!is_skipped(entry->d_name) && take(from, entry->d_name, root, e) < 0)
			return -1;
	}
	return 0;
}

/* The host's node, checked to be what its name says before anything is made of it. */
static int bind_node(int dev, const char *name, dev_t number, struct err *e)
{
	char path[32];
	struct stat st;
	AUTO_CLOSE int node = -1;
	AUTO_CLOSE int tree = -1;
	AUTO_CLOSE int place = openat(dev, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	snprintf(path, sizeof(path), "/dev/%s", name);
	node = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (place < 0 || node < 0 || fstat(node, &st) < 0)
		return err_set(e, ERR_IO, errno, "open %s", path);
	if (!S_ISCHR(st.st_mode) || st.st_rdev != number)
		return err_set(e, ERR_UNSUPPORTED, 0, "%s of this host is not the device it should be", path);
	tree = open_tree(node, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return err_set(e, ERR_IO, errno, "open %s", path);
	/* A read-only mount does not keep anybody from writing to a device, only from changing the node. */
	return attach(tree, dev, name, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
		      MOUNT_ATTR_NODEV, e);
}

static int fill_dev(int root, struct err *e)
{
	AUTO_CLOSE int dev = openat(root, "dev", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dev < 0)
		return err_set(e, ERR_IO, errno, "open /dev in the root");
	for (size_t i = 0; i < COUNT(nodes); i++) {
		if (bind_node(dev, nodes[i].name, makedev(nodes[i].major, nodes[i].minor), e) < 0)
			return -1;
	}
	if (defence_is_off(DEFENCE_DEV_MINIMAL) && bind_node(dev, "tty", makedev(5, 0), e) < 0)
		return -1;
	if (symlinkat("/proc/self/fd", dev, "fd") < 0 || symlinkat("/proc/self/fd/0", dev, "stdin") < 0 ||
	    symlinkat("/proc/self/fd/1", dev, "stdout") < 0 ||
	    symlinkat("/proc/self/fd/2", dev, "stderr") < 0)
		return err_set(e, ERR_IO, errno, "fill /dev");
	return 0;
}

static int take_proc(int proc, int root, struct err *e)
{
	const char *name = &ROOTFS_OUTER_PROC[1];

	if (proc < 0)
		return 0;
	if (mkdirat(root, name, 0700) < 0)
		return err_set(e, ERR_IO, errno, "make %s in the root", ROOTFS_OUTER_PROC);
	return attach(proc, root, name, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, e);
}

static int fill(int root, int from, bool is_host, struct err *e)
{
	AUTO_CLOSE int from_etc = openat(from, "etc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSE int etc = -1;

	if (make_dirs(root, e) < 0)
		return -1;
	if ((is_host ? take_host(from, root, e) : take_directory(from, root, e)) < 0)
		return -1;
	etc = openat(root, "etc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (etc < 0)
		return err_set(e, ERR_IO, errno, "open /etc in the root");
	if (rootfs_fill_etc(etc, from_etc, !is_host, e) < 0)
		return -1;
	return fill_dev(root, e);
}

/* The old root ends up on top of the new one and is taken off it (pivot_root(2), NOTES). */
static int move_in(int root, struct err *e)
{
	struct mount_attr attr = { .attr_set = root_attributes() };

	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return err_set(e, ERR_IO, errno, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_set(e, ERR_IO, errno, "leave the old root");
	if (mount_setattr(AT_FDCWD, "/", 0, &attr, sizeof(attr)) < 0)
		return err_set(e, ERR_IO, errno, "make the root read-only");
	return 0;
}

/*
 * Precompiled headers: a directory that the engine fills while the spawner runs. It is bound like a
 * toolchain, and noexec as well, for nothing in it is a program. Its last part is the engine's to change, so
 * it must be a directory itself and no link to another; mounts below it are not taken along. Compilers do
 * without, so slots do, too.
 */
static int open_headers(const char *path)
{
	AUTO_CLOSE int dir = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int tree = dir < 0 ? -1 : open_tree(dir, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0)
		log_warn(NULL, "slots have no precompiled headers: %s: %s", path, strerror(errno));
	return tree;
}

/* `tree` -1: there are none. */
static int bind_headers(int tree, int root, struct err *e)
{
	const char *name = &SANDBOX_HEADERS[1];

	if (tree < 0)
		return 0;
	if (mkdirat(root, name, 0755) < 0)
		return err_set(e, ERR_IO, errno, "make /%s in the root", name);
	return attach(tree, root, name,
		      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, e);
}

/* Asks the kernel rather than our own intentions. */
static int verify(struct err *e)
{
	static const char *const paths[] = { "/", "/usr", "/etc", "/dev" };
	struct statvfs vfs;

	if (defence_is_off(DEFENCE_ROOT_READ_ONLY) || defence_is_off(DEFENCE_MOUNT_FLAGS))
		return 0;
	for (size_t i = 0; i < COUNT(paths); i++) {
		if (statvfs(paths[i], &vfs) < 0)
			return err_set(e, ERR_UNSUPPORTED, errno, "the rootfs has no usable %s", paths[i]);
		if (!(vfs.f_flag & ST_RDONLY) || !(vfs.f_flag & ST_NOSUID))
			return err_set(e, ERR_UNSUPPORTED, 0, "%s could not be made read-only", paths[i]);
	}
	return 0;
}

int rootfs_enter(const struct sandbox_config *config, struct err *e)
{
	bool is_host = strcmp(config->rootfs, "host") == 0;
	AUTO_CLOSE int from = -1;
	AUTO_CLOSE int headers = -1;
	AUTO_CLOSE int root = -1;
	AUTO_CLOSE int proc = -1;

	if (unshare(CLONE_NEWNS) < 0)
		return err_set(e, ERR_UNSUPPORTED, errno,
			       "a mount namespace of its own (needs root with CAP_SYS_ADMIN)");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(e, ERR_UNSUPPORTED, errno,
			       errno == EINVAL
				       ? "in a chroot its root must be a mount point (mount --bind it "
					 "onto itself before chroot)"
				       : "make the mounts private (needs CAP_SYS_ADMIN)");
	from = open(is_host ? "/" : config->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (from < 0)
		return err_set(e, ERR_INVALID, errno, "open the rootfs directory %s", config->rootfs);
	/* Before the template hides them. */
	if (config->headers[0])
		headers = open_headers(config->headers);
	if (config->ids != SANDBOX_IDS_ROOT) {
		proc = open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
		if (proc < 0)
			return err_set(e, ERR_UNSUPPORTED, errno, "open the mount of /proc");
	}
	root = make_template(e);
	if (root < 0)
		return -1;
	if (fill(root, from, is_host, e) < 0 || bind_headers(headers, root, e) < 0 ||
	    take_proc(proc, root, e) < 0 || move_in(root, e) < 0)
		return err_wrap(e, "root file system");
	return verify(e);
}
