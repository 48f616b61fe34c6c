/* SPDX-License-Identifier: MIT */
/*
 * The spawner's authority: everything that decides what it may do, fixed by root before the engine reads its
 * first byte. The monitor writes this struct into a memfd that the spawner finds as descriptor
 * SANDBOX_CONFIG_FD; both programs come from one build, and `size` and `version` say so.
 */
#ifndef SANDBOX_CONFIG_H
#define SANDBOX_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SANDBOX_ENGINE_FD    3 /* SOCK_SEQPACKET to the engine */
#define SANDBOX_CONFIG_FD    4 /* the memfd with this struct */

#define SANDBOX_CONFIG_MAGIC 0x43435343u

/* All in the units of their names. Output is counted by the engine, which reads it. */
struct sandbox_limits {
	int64_t cpu_ms;
	int64_t wall_ms;
	int64_t memory_bytes;
	int64_t processes;
	int64_t file_bytes;
	int64_t disk_bytes;
};

/* Weaknesses an operator may accept by name (ALLOW_WEAK); without its bit the spawner refuses to start. */
enum sandbox_weakness {
	SANDBOX_WEAK_MEMORY = 1 << 0,  /* "memory": no memory cgroup */
	SANDBOX_WEAK_PIDS = 1 << 1,    /* "pids": no pids cgroup */
	SANDBOX_WEAK_CPU = 1 << 2,     /* "cpu": no CPU bandwidth */
	SANDBOX_WEAK_CPUACCT = 1 << 3, /* "cpuacct": no CPU time accounting */
	SANDBOX_WEAK_SWAP = 1 << 4,    /* "swap": swap is on and cannot be limited per slot */
	SANDBOX_WEAK_CORE = 1 << 5, /* "core": core_pattern pipes to a host program and cannot be kept away */
	SANDBOX_WEAK_UIDS = 1 << 6, /* "uids": every slot has the one uid of the worker itself */
	/* "rootless": the spawner is an ordinary user's. Nobody has to accept it: who starts it knows. */
	SANDBOX_WEAK_ROOTLESS = 1 << 7,
};

/* Their names. */
const char *sandbox_weakness_name(uint32_t bit);	     /* NULL: there is no such bit */
uint32_t sandbox_weakness_bit(const char *name, size_t len); /* 0: there is no such name */
/* "rootless,uids" for the bits of both; SANDBOX_WEAK_TEXT bytes are enough for all. */
#define SANDBOX_WEAK_TEXT 80
void sandbox_weakness_list(uint32_t bits, char ret[SANDBOX_WEAK_TEXT]);

/* Whose ids the spawner has. Not root's: it is started inside a user namespace of an ordinary user, in which
 * it has every capability. */
enum sandbox_ids {
	SANDBOX_IDS_ROOT,  /* root, of the host or of a container */
	SANDBOX_IDS_RANGE, /* a user as 0, and a range of ids that are the user's to give away */
	SANDBOX_IDS_ONE,   /* that user alone, as itself: one uid and one gid with the uid's number */
};

/* Where a slot sees the configuration's directory of precompiled headers. */
#define SANDBOX_HEADERS	 "/run/headers"

#define SANDBOX_MAX_WARM 8
/* What a warm slot takes at most: beyond it there is nothing to gain. */
#define SANDBOX_WARM_SOURCE_MAX (256 << 10)
#define SANDBOX_WARM_INPUT_MAX	(1 << 20)

/*
 * An interpreter that is started before there is a program for it: the command, the environment beside the
 * slots' own, and the file it waits for. Only a run with exactly these gets such a slot.
 */
struct sandbox_warm {
	uint32_t slots; /* how many of them may wait */
	uint32_t keep;	/* how many always do; the others while runs come so often that they are needed */
	uint32_t n_argv;
	uint32_t n_env;
	uint32_t text_len;
	char source[64]; /* a plain file name */
	char text[1024]; /* argv, then env, each string with its NUL: text_len bytes */
};

struct sandbox_config {
	uint32_t magic;
	uint32_t size; /* sizeof(struct sandbox_config) */
	char version[32];
	uint32_t slots;	   /* programs at once */
	uint32_t uid_base; /* of all instances of this host; an instance's block begins at a multiple above it
			    */
	uint32_t slot_millicpus; /* CPU bandwidth of a slot in 1/1000 CPUs; 0: unlimited */
	uint32_t allow_weak;	 /* enum sandbox_weakness */
	uint32_t log_level;
	uint32_t log_json;
	char rootfs[256];	      /* "host" or an absolute directory */
	char headers[256];	      /* directory to be seen at SANDBOX_HEADERS, absolute; "": none */
	char run_dir[256];	      /* instance locks live here */
	char cgroup_parent[64];	      /* directory name below the cgroup the spawner was started in */
	struct sandbox_limits maxima; /* no run gets more, whatever the engine asks for */
	/* What most runs have. In force from the building of a slot on, so that such a run has nothing to
	 * wait for; an interpreter starts under them, too. */
	struct sandbox_limits usual;
	uint32_t n_warm;
	uint32_t ids;		   /* enum sandbox_ids */
	int64_t warm_memory_bytes; /* what all that wait may take together; 0: no bound */
	struct sandbox_warm warm[SANDBOX_MAX_WARM];
};

/* How many positions the pool needs for `slots` programs at once, warm ones not counted. */
static inline uint32_t sandbox_plain_positions(uint32_t slots)
{
	return slots * 2 + 2;
}

/* Most positions of all kinds: each needs a uid of the instance's block. */
#define SANDBOX_MAX_POSITIONS 2048u

/* Reads and checks the struct, from its start. 0, or -1 with what is wrong. */
int sandbox_config_read(int fd, struct sandbox_config *ret, struct err *e);
/* The check by itself; `size` is how much of `c` is there. */
int sandbox_config_check(const struct sandbox_config *c, size_t size, struct err *e);

#endif
