/* SPDX-License-Identifier: MIT */
/*
 * The defences by name, so that a test can take one away and see an attack get through (docs/defences.md).
 *
 * That takes a build of its own (meson -Dwithout_defence=true), whose spawner reads the name of one defence
 * from the file "without" beside its program. In every other build defence_is_off is the constant false:
 * there is neither a switch nor the code behind it.
 */
#ifndef SANDBOX_DEFENCE_H
#define SANDBOX_DEFENCE_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Not in the list, because nothing is left to test without them: the pid and mount namespaces, the pivot into
 * the root, and the death of the slot with its init; and RLIMIT_RTPRIO, NICE and MSGQUEUE, because who starts
 * us rarely has more to hand on. What one switch takes away is as little as will do: a limit becomes larger
 * and not infinite, for the machine that runs the test.
 */
#define DEFENCES(D)                                                                                       \
	D(JOB_FILTER, "job-filter", "the program's system call filter")                                   \
	D(INIT_FILTER, "init-filter", "init's system call filter")                                        \
	D(SLOT_UID, "slot-uid", "a uid for each slot")                                                    \
	D(INIT_UID, "init-uid", "init has another uid than the program")                                  \
	D(CAPABILITIES, "capabilities", "the program has no capabilities")                                \
	D(INIT_CAPABILITIES, "init-capabilities", "init has no capability but CAP_KILL")                  \
	D(BOUNDING_SET, "bounding-set", "the capability bounding set is empty")                           \
	D(GROUPS, "groups", "no supplementary groups")                                                    \
	D(NO_NEW_PRIVS, "no-new-privs", "no_new_privs")                                                   \
	D(SESSION, "session", "a session of the program's own")                                           \
	D(NET_NAMESPACE, "net-namespace", "a network namespace with nothing but loopback")                \
	D(IPC_NAMESPACE, "ipc-namespace", "an IPC namespace")                                             \
	D(UTS_NAMESPACE, "uts-namespace", "a UTS namespace: the host's name is not seen")                 \
	D(CGROUP_NAMESPACE, "cgroup-namespace", "a cgroup namespace: the host's groups are not seen")     \
	D(ROOT_READ_ONLY, "root-read-only", "the root file system is read-only")                          \
	D(MOUNT_FLAGS, "mount-flags", "no mount has devices or setuid programs")                          \
	D(DEV_MINIMAL, "dev-minimal", "/dev has five harmless devices")                                   \
	D(PROC_HIDEPID, "proc-hidepid", "/proc shows the program's own processes only")                   \
	D(PROC_MASK, "proc-mask", "what /proc tells about the host is masked")                            \
	D(PROC_READ_ONLY, "proc-read-only", "the kernel's settings in /proc are read-only")               \
	D(OPEN_FILES, "open-files", "no descriptor but 0, 1 and 2 reaches the program")                   \
	D(PIPE_MODES, "pipe-modes", "output pipes cannot be opened for reading")                          \
	D(BOX_BYTES, "box-bytes", "a limit on bytes in /box, /tmp and /dev/shm")                          \
	D(BOX_INODES, "box-inodes", "a limit on files in /box, /tmp and /dev/shm")                        \
	D(MEMORY_LIMIT, "memory-limit", "the memory limit")                                               \
	D(PIDS_LIMIT, "pids-limit", "the limit on processes and threads")                                 \
	D(OOM_KILL, "oom-kill", "one process killed for memory ends the whole program")                   \
	D(OOM_SCORE, "oom-score", "for memory the program is killed, never its init")                     \
	D(CPU_LIMIT, "cpu-limit", "the CPU time limit")                                                   \
	D(WALL_LIMIT, "wall-limit", "the wall clock limit")                                               \
	D(RLIMIT_OPEN, "rlimit-nofile", "RLIMIT_NOFILE")                                                  \
	D(RLIMIT_STACKS, "rlimit-stack", "RLIMIT_STACK")                                                  \
	D(RLIMIT_CORES, "rlimit-core", "RLIMIT_CORE of 1: no core handler of the host")                   \
	D(RLIMIT_LOCKED, "rlimit-memlock", "RLIMIT_MEMLOCK")                                              \
	D(RLIMIT_SIGNALS, "rlimit-sigpending", "RLIMIT_SIGPENDING")                                       \
	D(RLIMIT_FILES, "rlimit-fsize", "RLIMIT_FSIZE")                                                   \
	D(RLIMIT_SECONDS, "rlimit-cpu", "RLIMIT_CPU, the second line behind the CPU time limit")          \
	D(COLLECT_RULES, "collect-rules", "collected are regular files beneath the box, through no link") \
	D(SEAL_CHECK, "seal-check", "the spawner takes nothing but sealed memfds")                        \
	D(MAXIMA, "maxima", "the spawner cuts limits to its own maxima")                                  \
	D(RUN_IDS, "run-ids", "a run id that is in use is refused")

enum defence {
#define DEFENCE_SYMBOL(symbol, name, what) DEFENCE_##symbol,
	DEFENCES(DEFENCE_SYMBOL)
#undef DEFENCE_SYMBOL
		DEFENCE_WITHOUT_SWITCH
};

#ifdef CODECRUSHER_WITHOUT_DEFENCE

bool defence_is_off(enum defence d);
/* Reads the file beside the program. 0, or -1 when it names no defence; without the file nothing is off. */
int defence_setup(struct err *e);
/* All of them, one a line: name, tab, what it is. */
void defence_print(void);

#else

static inline bool defence_is_off(enum defence d)
{
	(void)d;
	return false;
}

#endif

#endif
