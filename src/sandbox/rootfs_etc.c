/* SPDX-License-Identifier: MIT */
/*
 * /etc of the slots: a copy, made once. A copy needs no mounts, shares no page with the host, and lets us
 * leave out whatever not everybody may read there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/rootfs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DEPTH_MAX    16

/* What compilers and interpreters look for; a star at the end stands for any rest. */
static const char *const wanted[] = {
	"alternatives",	  "fonts",	"java*",      "ld.so.*",  "locale.alias",  "localtime",
	"lua*",		  "mime.types", "os-release", "perl",	  "php*",	   "protocols",
	"python*",	  "R",		"ruby*",      "services", "ssl",	   "timezone",
	"debian_version", "terminfo",	"host.conf",  "gai.conf", "nsswitch.conf", "ca-certificates*",
};

/* Of a rootfs directory everything is taken but these. */
static const char *const unwanted[] = { "passwd*",  "group*",  "shadow*",     "gshadow*",
					"subuid*",  "subgid*", "hosts",	      "nsswitch.conf",
					"hostname", "mtab",    "resolv.conf", "sudoers*",
					"ssh" };

static const char hosts[] = "127.0.0.1\tlocalhost codecrusher\n::1\tlocalhost\n";

static const char nsswitch[] =
	"passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\n"
	"protocols: files\nservices: files\nethers: files\nrpc: files\n";

static void close_dir(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

static bool is_listed(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		size_t stem = strcspn(list[i], "*");

		if (strncmp(list[i], name, stem) == 0 && (list[i][stem] == '*' || name[stem] == '\0'))
			return true;
	}
	return false;
}

static int copy_bytes(int from, int to)
{
	static char buf[65536];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0) {
		if (write(to, buf, (size_t)n) != n)
			return -1;
	}
	return n < 0 ? -1 : 0;
}

static int copy_file(int from_dir, int to_dir, const char *name, mode_t mode, struct err *e)
{
	AUTO_CLOSE int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_CLOSE int to = -1;

	if (from < 0)
		return err_set(e, ERR_IO, errno, "open /etc/.../%s", name);
	to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (to < 0 || fchmod(to, mode & S_IXOTH ? 0755 : 0644) < 0 || copy_bytes(from, to) < 0)
		return err_set(e, ERR_IO, errno, "copy /etc/.../%s", name);
	return 0;
}

static int copy_link(int from_dir, int to_dir, const char *name, struct err *e)
{
	char target[1024];
	ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return err_set(e, ERR_IO, errno, "read the link /etc/.../%s", name);
	target[n] = '\0';
	if (symlinkat(target, to_dir, name) < 0)
		return err_set(e, ERR_IO, errno, "make the link /etc/.../%s", name);
	return 0;
}

static int copy_tree(int from, int to, int depth, struct err *e);

static int copy_dir(int from_dir, int to_dir, const char *name, int depth, struct err *e)
{
	AUTO_CLOSE int from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSE int to = -1;

	if (mkdirat(to_dir, name, 0755) < 0 && errno != EEXIST)
		return err_set(e, ERR_IO, errno, "make /etc/.../%s", name);
	to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0 || to < 0)
		return err_set(e, ERR_IO, errno, "open /etc/.../%s", name);
	return copy_tree(from, to, depth, e);
}

/* Whatever not everybody may read there is not for the programs either. */
static int copy_entry(int from, int to, const char *name, int depth, struct err *e)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, ERR_IO, errno, "look at /etc/.../%s", name);
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, name, e);
	if (S_ISREG(st.st_mode) && (st.st_mode & S_IROTH))
		return copy_file(from, to, name, st.st_mode, e);
	if (S_ISDIR(st.st_mode) && (st.st_mode & S_IROTH) && (st.st_mode & S_IXOTH) && depth < DEPTH_MAX)
		return copy_dir(from, to, name, depth + 1, e);
	return 0;
}

static bool is_taken(const char *name, int depth, bool whole)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	if (depth > 0)
		return true;
	return whole ? !is_listed(unwanted, COUNT(unwanted), name) : is_listed(wanted, COUNT(wanted), name);
}

static int copy_list(int from, int to, int depth, bool whole, struct err *e)
{
	int copy = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(close_dir) DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!d)
		return err_set(e, ERR_IO, errno, "list /etc");
	while ((entry = readdir(d))) {
		if (is_taken(entry->d_name, depth, whole) &&
		    copy_entry(from, to, entry->d_name, depth, e) < 0)
			return -1;
	}
	return 0;
}

static int copy_tree(int from, int to, int depth, struct err *e)
{
	return copy_list(from, to, depth, true, e);
}

static int make_text(int etc, const char *name, const char *text, struct err *e)
{
	AUTO_CLOSE int fd = openat(etc, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

	/* The rootfs may have brought its own. */
	if (fd < 0 && errno == EEXIST)
		return 0;
	if (fd < 0 || fchmod(fd, 0644) < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return err_set(e, ERR_IO, errno, "write /etc/%s", name);
	return 0;
}

int rootfs_fill_etc(int etc, int from, bool whole, struct err *e)
{
	if (from >= 0 && copy_list(from, etc, 0, whole, e) < 0)
		return -1;
	if (symlinkat(ROOTFS_SLOT "/passwd", etc, "passwd") < 0 ||
	    symlinkat(ROOTFS_SLOT "/group", etc, "group") < 0)
		return err_set(e, ERR_IO, errno, "make /etc/passwd");
	if (make_text(etc, "hosts", hosts, e) < 0)
		return -1;
	return make_text(etc, "nsswitch.conf", nsswitch, e);
}
