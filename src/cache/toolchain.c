/* SPDX-License-Identifier: MIT */
#include "cache/toolchain.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The PATH of the slots. */
static const char *const program_dirs[] = { "usr/local/bin", "usr/bin", "bin" };

/* At least one of them changes with every package that is installed, upgraded or removed, and with most of
 * what is installed by hand. */
static const char *const witnesses[] = {
	"var/lib/dpkg/status",
	"var/lib/rpm/rpmdb.sqlite",
	"lib/apk/db/installed",
	"var/lib/pacman/local",
	"etc/alternatives",
	"etc/ld.so.cache",
	"usr/bin",
	"usr/lib",
	"usr/lib64",
	"usr/include",
	"usr/local",
	"usr/local/bin",
	"usr/local/lib",
	"usr/local/include",
	"usr/lib/gcc",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* As the container will: links are resolved inside the root file system. */
static bool look(int rootfs, const char *path, struct stat *st)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	AUTO_CLOSE int fd = (int)syscall(SYS_openat2, rootfs, path, &how, sizeof(how));

	return fd >= 0 && fstat(fd, st) == 0;
}

static void add(struct sha256 *h, const char *path, const struct stat *st)
{
	const uint64_t facts[] = {
		st->st_dev,
		st->st_ino,
		st->st_mode,
		/* A directory's size depends on its history. */
		S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size,
		(uint64_t)st->st_mtim.tv_sec,
		(uint64_t)st->st_mtim.tv_nsec,
		(uint64_t)st->st_ctim.tv_sec,
		(uint64_t)st->st_ctim.tv_nsec,
	};

	sha256_update(h, path, strlen(path) + 1);
	sha256_update(h, facts, sizeof(facts));
}

static bool add_program(struct sha256 *h, int rootfs, const char *program)
{
	char path[512];
	struct stat st;

	if (strchr(program, '/')) {
		if (!look(rootfs, program, &st))
			return false;
		add(h, program, &st);
		return true;
	}
	for (size_t i = 0; i < COUNT(program_dirs); i++) {
		int n = snprintf(path, sizeof(path), "%s/%s", program_dirs[i], program);

		if (n < 0 || (size_t)n >= sizeof(path) || !look(rootfs, path, &st) || !S_ISREG(st.st_mode))
			continue;
		add(h, path, &st);
		return true;
	}
	return false;
}

int toolchain_identity(int rootfs, const char *program, unsigned char ret[SHA256_SIZE], struct err *e)
{
	struct sha256 h;
	struct stat st;

	sha256_init(&h);
	if (!add_program(&h, rootfs, program))
		return err_set(e, ERR_NOT_FOUND, 0, "no %.100s in the root file system", program);
	for (size_t i = 0; i < COUNT(witnesses); i++) {
		if (look(rootfs, witnesses[i], &st))
			add(&h, witnesses[i], &st);
	}
	sha256_final(&h, ret);
	return 0;
}
