/* SPDX-License-Identifier: MIT */
/*
 * A slot from the inside: what runs in the process that the spawner cloned. It becomes init (pid 1 of the
 * slot's pid namespace), builds the container around itself, forks the job process, which takes on every
 * restriction and then waits for its work; init itself then drops everything as well and is left with one
 * socket.
 *
 *   spawner                       init (pid 1)                         job process (pid 2, the slot's uid)
 *   clone3(NEWPID ...)  ------->  joins its cgroups (v1)
 *                                 unshare: mount net ipc uts cgroup
 *                                 mounts, lo up, hostname, fork  ----> ids, caps, rlimits, seccomp, stdio
 *                                 drops to the init uid  <------------ "restricted"
 *                       <-------  SLOT_READY [+ network namespace]
 *   slot_go + spec, stdin, artifacts  -------------------------------> unpacks into /box, execve
 *                                 waits for pid 2, kills and reaps the rest,
 *                                 collects files (only if asked)
 *                       <-------  SLOT_ENDED [+ artifacts]; exits
 *
 * A warm slot has its interpreter started already, held where it reads its main file, which is a FIFO. Init
 * does for it what the job process does in a plain slot:
 *
 *   spawner                       init                                 interpreter (pid 2)
 *                                 mkfifo, fork  ---------------------> restrictions, execve
 *                                 a doorman's open returns, too <----- open(FIFO)
 *                                 takes its end; the doorman ends      read
 *                       <-------  SLOT_READY
 *   slot_go + spec, stdin  -----> puts the program's file in the
 *                                 FIFO's place, fills fd 0, then
 *                                 writes the program into the FIFO --> reads its main file
 *
 * Everything in this file runs before or beside code nobody has read; it uses base only.
 */
#ifndef SANDBOX_SLOT_H
#define SANDBOX_SLOT_H

#include <stdint.h>
#include <sys/types.h>

#include "sandbox/config.h"

#define SLOT_MAX_CGROUPS 6

struct sock_fprog;

/* What the spawner prepared. Descriptors are valid in the cloned process; all others it inherited are closed.
 */
struct slot_plan {
	uint32_t index;
	uid_t job_uid;	/* gid is the same number */
	uid_t init_uid; /* another one */
	int report;	/* SOCK_SEQPACKET to the spawner: struct slot_report out, struct slot_collect in */
	int go;		/* SOCK_SEQPACKET: struct slot_go in, once */
	int stdout_fd;	/* write ends */
	int stderr_fd;
	int netns;     /* a network namespace to live in; -1: a new one, which comes with SLOT_READY */
	int box_mount; /* detached tmpfs mount (fsmount) for /box, /tmp and /dev/shm */
	int cgroup_procs[SLOT_MAX_CGROUPS];   /* v1: cgroup.procs to write ourselves into; -1 ends the list */
	const struct sock_fprog *filter;      /* the job's seccomp program */
	const struct sock_fprog *init_filter; /* init's, stricter */
	const struct sandbox_warm *warm;      /* NULL: a plain slot */
	int64_t warm_file_bytes;	      /* what an interpreter is started under, as in slot_go */
	int64_t warm_cpu_seconds;
	int input;	      /* init's own: the memfd behind a warm program's fd 0 */
	enum sandbox_ids ids; /* ONE: both uids above are the same */
};

/* Never returns. */
_Noreturn void slot_main(const struct slot_plan *plan);

enum slot_report_type {
	SLOT_READY = 1,	  /* all restrictions are in force, the job process waits; a descriptor of the network
			   * namespace comes along when it was made for this slot */
	SLOT_BROKEN,	  /* could not be built: `step` and `error` say where; a warm one also when its
			   * interpreter ended before it read a byte of its program */
	SLOT_EXEC_FAILED, /* the command could not be started: `error` is execve's errno, or that of unpacking
			   */
	SLOT_ENDED,	  /* the main process ended and no other process of the slot is left but init */
};

struct slot_report {
	uint32_t type;
	int32_t error;	       /* errno */
	int32_t wait_status;   /* SLOT_ENDED: as waitpid has it */
	uint32_t artifacts;    /* SLOT_ENDED: 1 when a sealed memfd comes along */
	int64_t ended_mono_ns; /* SLOT_ENDED: when the main process was reaped (CLOCK_MONOTONIC) */
	char step[64];	       /* what failed, in words: "mount proc", "execve", "collect: too many files" */
};

/* Spawner to the job process, of a warm slot to init: descriptors are spec, then stdin and artifacts as the
 * flags say (wire_run_flags). */
struct slot_go {
	uint32_t flags;
	uint32_t unused;
	int64_t file_bytes;  /* RLIMIT_FSIZE */
	int64_t cpu_seconds; /* RLIMIT_CPU, a backup only */
};

/* Spawner to init, before go, with the spec as descriptor: after an exit with status 0, collect. */
struct slot_collect {
	int64_t max_bytes;
	uint32_t max_files;
	uint32_t unused;
};

/*
 * Once per spawner, before any slot: a private mount namespace whose root is the slots' read-only root file
 * system (CONFIG rootfs), entered with pivot_root, so that each slot's copy of it is small and nothing of the
 * host is left to see. Everything of the host that the spawner needs later is opened before. 0, or -1 with
 * the reason.
 */
struct err;
int rootfs_enter(const struct sandbox_config *config, struct err *e);

/*
 * A detached tmpfs for one slot with the directories box, tmp and shm in it. `ret_context` is its file system
 * context, with which box_resize changes size and inodes until it is closed. 0, or -1 with the reason.
 */
int box_create(const struct slot_plan *plan, int64_t disk_bytes, int *ret_mount, int *ret_context,
	       struct err *e);
int box_resize(int context, int64_t disk_bytes, struct err *e);

#endif
