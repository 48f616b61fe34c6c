/* SPDX-License-Identifier: MIT */
/*
 * The system calls that a slot is built, watched and ended with, each made once with arguments that are
 * wrong: whoever complains about them knows the call. Some would only be missed when a program has to be
 * killed, and nobody would notice; a kernel or a container that lacks one is refused at the start.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/probe_items.h"

struct call {
	const char *name;
	long nr;
	long args[5];
	bool elsewhere; /* forbidden here it may be allowed all the same in a slot's own namespaces */
};

#define NOT_AN_FD  (-1L)
#define P_PIDFD_IS 3L
#define TEXT(text) ((long)(intptr_t)(text))

/* For openat2, which would succeed. */
static const struct open_how no_how = { .flags = ~0ULL };

static const struct call calls[] = {
	{ "openat2", SYS_openat2, { AT_FDCWD, TEXT("."), TEXT(&no_how), sizeof(no_how) }, false },
	{ "clone3", SYS_clone3, { 0, 0 }, false },
	{ "unshare", SYS_unshare, { 0 }, false },
	{ "close_range", SYS_close_range, { ~0L, ~0L, 0 }, false },
	{ "dup3", SYS_dup3, { NOT_AN_FD, NOT_AN_FD, 0 }, false },
	{ "fsopen", SYS_fsopen, { 0, 0 }, false },
	{ "fsconfig", SYS_fsconfig, { NOT_AN_FD, FSCONFIG_SET_FLAG, 0, 0, 0 }, false },
	{ "fsmount", SYS_fsmount, { NOT_AN_FD, 0, 0 }, false },
	{ "open_tree", SYS_open_tree, { NOT_AN_FD, TEXT("nothing"), 0 }, false },
	{ "move_mount",
	  SYS_move_mount,
	  { NOT_AN_FD, TEXT("nothing"), NOT_AN_FD, TEXT("nothing"), 0 },
	  false },
	{ "mount_setattr", SYS_mount_setattr, { NOT_AN_FD, TEXT(""), AT_EMPTY_PATH, 0, 0 }, false },
	{ "mount", SYS_mount, { 0, 0, 0, 0, 0 }, false },
	{ "umount2", SYS_umount2, { 0, 0 }, false },
	{ "pivot_root", SYS_pivot_root, { 0, 0 }, false },
	{ "sethostname", SYS_sethostname, { 0, NOT_AN_FD }, true },
	{ "setdomainname", SYS_setdomainname, { 0, NOT_AN_FD }, true },
	{ "setfsuid", SYS_setfsuid, { -1 }, false },
	{ "setfsgid", SYS_setfsgid, { -1 }, false },
	{ "setresuid", SYS_setresuid, { -1, -1, -1 }, false },
	{ "setresgid", SYS_setresgid, { -1, -1, -1 }, false },
	{ "setgroups", SYS_setgroups, { -1, 0 }, true },
	{ "capset", SYS_capset, { 0, 0 }, false },
	{ "prlimit64", SYS_prlimit64, { 0, RLIM_NLIMITS, 0, 0 }, false },
	{ "seccomp", SYS_seccomp, { -1, 0, 0 }, false },
	{ "memfd_create", SYS_memfd_create, { 0, 0 }, false },
	{ "pidfd_send_signal", SYS_pidfd_send_signal, { NOT_AN_FD, 0, 0, 0 }, false },
	{ "waitid", SYS_waitid, { P_PIDFD_IS, NOT_AN_FD, 0, WEXITED | WNOHANG, 0 }, false },
	{ "signalfd4", SYS_signalfd4, { NOT_AN_FD, 0, 0, 0 }, false },
	{ "eventfd2", SYS_eventfd2, { 0, NOT_AN_FD }, false },
	{ "epoll_pwait2", SYS_epoll_pwait2, { NOT_AN_FD, 0, 1, 0, 0 }, false },
	{ "mknodat", SYS_mknodat, { NOT_AN_FD, TEXT("nothing"), 0, 0 }, false },
	{ "fchmodat", SYS_fchmodat, { NOT_AN_FD, TEXT("nothing"), 0 }, false },
	{ "fchownat", SYS_fchownat, { NOT_AN_FD, TEXT("nothing"), -1, -1, 0 }, false },
	{ "symlinkat", SYS_symlinkat, { TEXT(""), NOT_AN_FD, TEXT("nothing") }, false },
	{ "flock", SYS_flock, { NOT_AN_FD, 0 }, false },
};

/* The errno of an attempt, 0 when there was none. */
static int try_call(const struct call *c)
{
	return syscall(c->nr, c->args[0], c->args[1], c->args[2], c->args[3], c->args[4]) < 0 ? errno : 0;
}

void probe_calls(struct probe *p)
{
	char lacking[200] = "lacks";
	size_t len = strlen(lacking);
	bool forbidden = false, ok = true;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		int error = try_call(&calls[i]);

		if (error != ENOSYS && (error != EPERM || calls[i].elsewhere))
			continue;
		ok = false;
		forbidden = forbidden || error == EPERM;
		if (len + strlen(calls[i].name) + 2 < sizeof(lacking))
			len += (size_t)snprintf(lacking + len, sizeof(lacking) - len, " %s", calls[i].name);
	}
	probe_need(p, "system-calls", ok, ok ? "all that are needed" : lacking,
		   forbidden ? PROBE_ROOT_ADVICE
			     : "Linux 6.1 or newer is needed, and no filter that hides it");
}
