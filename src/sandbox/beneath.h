/* SPDX-License-Identifier: MIT */
/*
 * The one way to open a path that a program could have made: beneath a directory, through no symbolic or
 * magic link, into no other mount. O_NOFOLLOW and O_NONBLOCK are added, so a FIFO cannot hold the caller.
 * openat2 has no libc wrapper yet.
 */
#ifndef SANDBOX_BENEATH_H
#define SANDBOX_BENEATH_H

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static inline int open_beneath(int dir, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC),
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

#endif
