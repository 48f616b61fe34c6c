/* SPDX-License-Identifier: MIT */
#include "cmd/privileges.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

int account_find(const char *user, struct account *ret_account, struct err *e)
{
	const struct passwd *pw;

	if (geteuid() != 0) {
		*ret_account = (struct account){ .uid = geteuid(), .gid = getegid() };
		return 0;
	}
	errno = 0;
	pw = getpwnam(user);
	if (!pw && errno && errno != ENOENT)
		return err_set(e, ERR_IO, errno, "looking up user %s", user);
	if (!pw)
		return err_field(e, ERR_INVALID, "USER",
				 "there is no user \"%s\" to run as; create it with: useradd --system "
				 "--user-group --no-create-home --home-dir /nonexistent --shell "
				 "/usr/sbin/nologin %s",
				 user, user);
	if (pw->pw_uid == 0 || pw->pw_gid == 0)
		return err_field(
			e, ERR_INVALID, "USER",
			"the engine does not run as root: set CODECRUSHER_USER to an ordinary system "
			"user whose group is not root's");
	ret_account->uid = pw->pw_uid;
	ret_account->gid = pw->pw_gid;
	ret_account->also = 0;
	return 0;
}

void account_join_socket(struct account *a, const char *path)
{
	const struct group *usual;
	struct stat st;

	if (stat(path, &st) == 0) {
		if (S_ISSOCK(st.st_mode) && (st.st_mode & S_IWGRP) && st.st_gid != 0)
			a->also = st.st_gid;
		return;
	}
	usual = getgrnam("docker");
	if (usual && usual->gr_gid != 0)
		a->also = usual->gr_gid;
}

static int capabilities_clear(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	return (int)syscall(SYS_capset, &head, none);
}

static int change_ids(const struct account *a, struct err *e)
{
	if (setgroups(a->also ? 1 : 0, &a->also) < 0)
		return err_set(e, ERR_IO, errno, "dropping groups");
	if (setresgid(a->gid, a->gid, a->gid) < 0)
		return err_set(e, ERR_IO, errno, "becoming group %u", a->gid);
	if (setresuid(a->uid, a->uid, a->uid) < 0)
		return err_set(e, ERR_IO, errno, "becoming user %u", a->uid);
	return 0;
}

int privileges_drop(const struct account *a, struct err *e)
{
	/* Without CAP_SETPCAP the bounding set stays; no_new_privs below makes it worthless. */
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (geteuid() == 0 && change_ids(a, e) < 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(e, ERR_IO, errno, "setting no_new_privs");
	if (capabilities_clear() < 0)
		return err_set(e, ERR_IO, errno, "dropping capabilities");
	if (setresuid(0, 0, 0) == 0)
		return err_set(e, ERR_IO, 0, "the kernel let us become root again");
#ifdef CODECRUSHER_SANITIZED
	/* The change of user made us undumpable, which keeps the leak check from looking at us. */
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
#endif
	return 0;
}

int dir_make_parents(const char *path, struct err *e)
{
	char part[PATH_MAX];

	if ((size_t)snprintf(part, sizeof(part), "%s", path) >= sizeof(part))
		return err_set(e, ERR_INVALID, 0, "%.40s...: the path is too long", path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return err_set(e, ERR_IO, errno, "creating %s", part);
		*slash = '/';
	}
	return 0;
}

static bool is_empty(int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	bool empty = true;

	if (!d) {
		if (copy >= 0)
			(void)close(copy);
		return false;
	}
	while (empty && (entry = readdir(d)) != NULL)
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	(void)closedir(d);
	return empty;
}

int data_dir_prepare(const char *path, const struct account *a, struct err *e)
{
	AUTO_CLOSE int dir = -1;
	struct stat st;

	if (path[0] != '/')
		return err_field(e, ERR_INVALID, "DATA_DIR", "the data directory must be an absolute path");
	if (dir_make_parents(path, e) < 0)
		return -1;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(e, ERR_IO, errno, "creating %s", path);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || fstat(dir, &st) < 0)
		return err_set(e, ERR_IO, errno, "opening %s", path);
	if (st.st_uid != a->uid && !is_empty(dir))
		return err_field(
			e, ERR_INVALID, "DATA_DIR",
			"%s belongs to user %u and is not empty: give it to user %u (chown -R) or set "
			"another CODECRUSHER_DATA_DIR",
			path, st.st_uid, a->uid);
	/* In this order, and only what is not so yet: once it is another user's, a change of mode takes
	 * CAP_FOWNER, which units and containers do not give us. */
	if (((st.st_mode & 07777) != 0700 && fchmod(dir, 0700) < 0) ||
	    ((st.st_uid != a->uid || st.st_gid != a->gid) && fchown(dir, a->uid, a->gid) < 0))
		return err_set(e, ERR_IO, errno, "making %s private", path);
	return 0;
}

void open_files_raise(unsigned long want)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return;
	if (l.rlim_max < want) {
		struct rlimit higher = { .rlim_cur = want, .rlim_max = want };

		if (setrlimit(RLIMIT_NOFILE, &higher) == 0)
			return;
	}
	l.rlim_cur = l.rlim_max < want ? l.rlim_max : want;
	(void)setrlimit(RLIMIT_NOFILE, &l);
}
